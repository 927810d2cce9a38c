/* dispatch.c: which of the compiled kernels this processor runs. */
#include "kernels.h"

#include <stdatomic.h>

/* LANDER_BASELINE: built for tools that don't know the newer instructions. */
#if defined(__x86_64__) && !defined(LANDER_BASELINE)
#define HAS_LEVELS
#endif

extern const kernels kernels_baseline;
#ifdef HAS_LEVELS
extern const kernels kernels_avx2, kernels_avx512;
#endif

const kernels *kernels_at(cpu_level level) {
  if (level > cpu_detect()) return NULL;
  switch (level) {
  case CPU_BASELINE: return &kernels_baseline;
#ifdef HAS_LEVELS
  case CPU_AVX2: return &kernels_avx2;
  case CPU_AVX512: return &kernels_avx512;
#else
  case CPU_AVX2:
  case CPU_AVX512: break;
#endif
  }
  return NULL;
}

const kernels *kernels_table(void) {
  static _Atomic(const kernels *) chosen; /* two threads would choose the same one */
  const kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
  if (table) return table;
  table = kernels_at(cpu_detect());
  if (!table) table = &kernels_baseline;
  atomic_store_explicit(&chosen, table, memory_order_release);
  return table;
}
