// Chooses the regularisation of each modality from the events. Internal to the head; see AssociativeHead::ChooseRidges.
//
// Events are held out, the others are solved, and the map of modality m is taken anew under each candidate: the ridge
// regression of its features to the directions of the other modalities, (C_m + Lambda)^-1 sum_n B_mn a_n, which is what a
// step of the solver makes. How well it finds the held-out events is a likelihood: of the right part of another modality
// among all held-out parts, both ways, a softmax over cosines at the sharpness that suits the candidate best. Equal parts
// are equal answers, so that a label of many events is right for each.
//
// Held-out events say how well new things are found, not how well what was learned is found again by another view of it; the
// two want different ridges, and for unique things (a picture, its caption) the second is what is asked. So the choice is
// made only where events have classes: where parts come back in many events, as labels do, and new members are what is asked.
//
// The ridge is the posterior mean of its logarithm over a grid, the prior a normal one around the default with a decade as
// its deviation. So it moves from the default only as far as the events say, changes little where they change little, and
// needs no margin. The blocks of a modality follow in a second pass, from the solution under the first's ridges.
#ifndef MIXMATCH_MODEL_HEAD_RIDGE_CHOICE_H_
#define MIXMATCH_MODEL_HEAD_RIDGE_CHOICE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "model/head/associative_head.h"
#include "model/head/moments.h"

namespace mixmatch::model {

// `sample` are events that `moments` hold. CANCELLED when `cancelled` becomes true. Call under c10::InferenceMode; throws what torch throws.
absl::StatusOr<RidgeReport> ChooseRidges(const Moments& moments, const std::vector<const EventChange*>& sample,
                                         const AssociativeHeadOptions& options,
                                         const std::function<bool()>& cancelled);

// With fewer events the default stays.
inline constexpr int64_t kLeastRidgeEvents = 20;

// options.ridge for every block of every modality.
HeadRidges DefaultRidges(const AssociativeHeadOptions& options);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_HEAD_RIDGE_CHOICE_H_
