// Which two parts of an event meet in a training step.
#ifndef MIXMATCH_MODEL_LEARN_PAIR_DRAW_H_
#define MIXMATCH_MODEL_LEARN_PAIR_DRAW_H_

#include <random>
#include <utility>

#include "model/learn/trunk_trainer.h"

namespace mixmatch::model {

// Indices of two different parts. A slot is drawn first and a part of it next, so that a modality with many parts does
// not crowd out one with few. The second part is of another slot, where there is one, but for one draw in eight.
// The event has at least two parts.
std::pair<int, int> DrawPair(const TrainingEvent& event, std::mt19937_64& random);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_LEARN_PAIR_DRAW_H_
