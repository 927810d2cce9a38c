/* cpu.h: which instructions this processor has. */
#ifndef LANDER_BASE_CPU_H
#define LANDER_BASE_CPU_H

typedef enum cpu_level { CPU_BASELINE, CPU_AVX2, CPU_AVX512 } cpu_level;

/* AVX2 means AVX2 and FMA; AVX512 means F, BW, DQ and VL. */
cpu_level cpu_detect(void);

#endif
