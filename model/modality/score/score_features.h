// The fixed descriptor of a stretch of written music.
#ifndef MIXMATCH_MODEL_MODALITY_SCORE_SCORE_FEATURES_H_
#define MIXMATCH_MODEL_MODALITY_SCORE_SCORE_FEATURES_H_

#include <vector>

#include "model/modality/modality.h"

namespace mixmatch::model {

inline constexpr int kScoreFeatures = 1427;

// kScoreFeatures finite values: 242 of tones (pitch classes, how they follow each other, the key's degrees, intervals together
// and in the top line), 256 of the top line's turns whatever the key, 96 of rhythm (gaps, lengths, places in four beats,
// tempo, density), 64 of register, loudness and how many sound at once, 257 of instruments and drums, 512 random rectified
// units over all of these. `score` is as the room checks it. Thread-safe.
std::vector<float> ScoreFeatures(const ScoreView& score);

// The line that is heard: the highest note of one instrument at each moment.
struct ToneInLine {
  float beat = 0.0f;
  int pitch = 0;
};
// Of each instrument that is no percussion, in the order of their programs.
std::vector<std::vector<ToneInLine>> TopLines(const ScoreView& score);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_MODALITY_SCORE_SCORE_FEATURES_H_
