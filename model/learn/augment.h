// Altered views of a training batch: what should not change what a part means. Not a public header: it names ATen.
#ifndef MIXMATCH_MODEL_LEARN_AUGMENT_H_
#define MIXMATCH_MODEL_LEARN_AUGMENT_H_

#include <ATen/core/Generator.h>

#include "model/trunk/trunk_net.h"

namespace mixmatch::model {

// Changes `input` in place, each row by its own random amounts; shapes and lengths stay, but for
// kSound.
// - pictures and frames: turned (about 7 degrees), scaled and stretched (15 %, 8 %), sheared, moved (8 %), a third of
//   them mirrored; colours mixed, brightness and contrast changed, one in seven grey; a square blotted out;
// - sounds: time bent and stretched (10 %), formants moved (8 %), shifted, tilted and coloured in spectrum, noise, a
//   stretch of time and of bands wiped; read in time (kSound) also their length, by 15 %, and what people's speech has
//   and a synthesiser's has not: wider formants, a room's echo, noise down to as loud as the sound;
// - words: one in ten left out, where there are several.
void Augment(StemInput* input, at::Generator* random);

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_LEARN_AUGMENT_H_
