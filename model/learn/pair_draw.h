// Which parts of an event meet in a training step.
#ifndef MIXMATCH_MODEL_LEARN_PAIR_DRAW_H_
#define MIXMATCH_MODEL_LEARN_PAIR_DRAW_H_

#include <random>
#include <vector>

#include "model/learn/trunk_trainer.h"

namespace mixmatch::model {

// Indices of up to `count` different parts, two at least. A slot is drawn first and a part of it next, so that a modality
// with many parts does not crowd out one with few. Each further part is of a slot not drawn yet, where there is one, but
// for one draw in eight. The event has at least two parts; count is 2 or more.
std::vector<int> DrawParts(const TrainingEvent& event, int count, std::mt19937_64& random);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_LEARN_PAIR_DRAW_H_
