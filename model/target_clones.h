// One binary for every CPU: a function marked MIXMATCH_CLONES is compiled for AVX-512, for AVX2 and plainly, and the
// loader picks. Plain only where the sanitizers cannot instrument the loader's choice.
#ifndef MIXMATCH_MODEL_TARGET_CLONES_H_
#define MIXMATCH_MODEL_TARGET_CLONES_H_

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(MIXMATCH_TSAN)
#define MIXMATCH_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MIXMATCH_CLONES
#endif

#endif  // MIXMATCH_MODEL_TARGET_CLONES_H_
