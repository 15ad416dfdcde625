/* SPDX-License-Identifier: Apache-2.0 */
#include "vec_cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t enabled_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

uint32_t vs_cpu_features(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const uint32_t fma = 1u << 12, movbe = 1u << 22, popcnt = 1u << 23, xsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const uint32_t needed1 = fma | movbe | popcnt | xsave | avx | f16c;
    if ((c & needed1) != needed1) return 0;
    const uint64_t registers = enabled_registers();
    if ((registers & 0x6) != 0x6) return 0; /* the system saves xmm and ymm */

    uint32_t a7, b7, c7, d7;
    if (!__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7)) return 0;
    const uint32_t bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
    uint32_t ax, bx, cx, dx;
    if (!__get_cpuid(0x80000001u, &ax, &bx, &cx, &dx)) return 0;
    const uint32_t lzcnt = 1u << 5;
    if ((b7 & (bmi1 | avx2 | bmi2)) != (bmi1 | avx2 | bmi2) || !(cx & lzcnt)) return 0;
    uint32_t features = VS_CPU_AVX2;

    if ((registers & 0xe6) != 0xe6) return features; /* the system saves zmm and the mask registers too */
    const uint32_t f = 1u << 16, dq = 1u << 17, ifma = 1u << 21, cd = 1u << 28, bw = 1u << 30, vl = 1u << 31;
    const uint32_t needed512 = f | dq | cd | bw | vl;
    if ((b7 & needed512) != needed512) return features;
    features |= VS_CPU_AVX512;

    const uint32_t vbmi = 1u << 1, vbmi2 = 1u << 6, gfni = 1u << 8, vaes = 1u << 9, vpclmul = 1u << 10, vnni = 1u << 11;
    const uint32_t bitalg = 1u << 12, vpopcntdq = 1u << 14;
    const uint32_t neededIce = vbmi | vbmi2 | gfni | vaes | vpclmul | vnni | bitalg | vpopcntdq;
    if ((c7 & neededIce) != neededIce || !(b7 & ifma)) return features;
    features |= VS_CPU_AVX512VNNI;

    uint32_t a71, b71, c71, d71;
    if (__get_cpuid_count(7, 1, &a71, &b71, &c71, &d71) && (a71 & (1u << 5))) features |= VS_CPU_AVX512BF16;
    return features;
}
#else
uint32_t vs_cpu_features(void) { return 0; }
#endif
