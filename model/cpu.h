// What this CPU can do.
#ifndef MIXMATCH_MODEL_CPU_H_
#define MIXMATCH_MODEL_CPU_H_

namespace mixmatch::model {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MIXMATCH_CPU_MAY_HAVE_BF16
#endif

// Whether it multiplies matrices in bfloat16 by itself (AVX512-BF16), so that it is the faster way.
inline bool CpuHasBf16() {
#ifdef MIXMATCH_CPU_MAY_HAVE_BF16
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace mixmatch::model

#endif  // MIXMATCH_MODEL_CPU_H_
