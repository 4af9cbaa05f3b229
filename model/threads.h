// How many threads the libraries of this room use inside one call.
#ifndef MIXMATCH_MODEL_THREADS_H_
#define MIXMATCH_MODEL_THREADS_H_

namespace mixmatch::model {

// One each: a server runs many calls side by side, and a pool inside each would fight with the others and with searches.
// Call once, before any other call into this room.
void UseOneThreadEach();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_THREADS_H_
