/*
 * What this processor and its operating system can run.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VEC_CPU_H
#define VEC_CPU_H

#include <stdint.h>

enum {
    VS_CPU_AVX2 = 1u,       /* with FMA and F16C, registers enabled by the system */
    VS_CPU_AVX512 = 2u,     /* F, BW, CD, DQ and VL */
    VS_CPU_AVX512VNNI = 4u, /* VNNI, VPOPCNTDQ, BITALG, VBMI, VBMI2, IFMA, GFNI, VAES, VPCLMULQDQ: all of "icelake-server" */
    VS_CPU_AVX512BF16 = 8u
};

/* The VS_CPU_... bits that hold. Always 0 off x86-64. */
uint32_t vs_cpu_features(void);

#endif
