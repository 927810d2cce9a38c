/* cpu.c: which instructions this processor has. */
#include "cpu.h"

#include <stdbool.h>

cpu_level cpu_detect(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512) return CPU_AVX512;
  if (avx2) return CPU_AVX2;
#endif
  return CPU_BASELINE;
}
