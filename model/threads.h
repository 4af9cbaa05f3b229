// How the libraries below this room behave in a process with many threads.
#ifndef MIXMATCH_MODEL_THREADS_H_
#define MIXMATCH_MODEL_THREADS_H_

namespace mixmatch::model {

// For a server, which runs many calls side by side. Call once, before any other call into this room.
// - One thread inside each call: a pool in each would fight with the others and with searches.
// - oneDNN makes a primitive anew for each product (60 to 100 us) instead of keeping the last 1,024: dropping one from
//   that cache damages memory where other threads read it, in the 2.6 that Debian 12 has (off in TensorFlow 2.10 for the
//   same reason: its pull request 57044). Serving multiplies by itself, see model/trunk/half_matrix.h.
void PrepareForManyThreads();

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_THREADS_H_
