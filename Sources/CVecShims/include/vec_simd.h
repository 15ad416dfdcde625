/*
 * Vector registers and the few operations on them that Swift has no words for.
 *
 * One set of names, one definition per instruction set: every Swift kernel module is compiled with its own `-march`, and
 * sees here the operations of that instruction set. All are `static inline`, so nothing of one build can be shared with
 * another. A register holds VS_LANES floats, VS_LANES 32-bit integers or VS_BYTES bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VEC_SIMD_H
#define VEC_SIMD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define VS_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define VS_AVX512 1
enum { VS_LANES = 16, VS_BYTES = 64 };
typedef float vs_f32 __attribute__((ext_vector_type(16)));
typedef int32_t vs_i32 __attribute__((ext_vector_type(16)));
typedef int64_t vs_bytes __attribute__((ext_vector_type(8)));
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define VS_AVX2 1
enum { VS_LANES = 8, VS_BYTES = 32 };
typedef float vs_f32 __attribute__((ext_vector_type(8)));
typedef int32_t vs_i32 __attribute__((ext_vector_type(8)));
typedef int64_t vs_bytes __attribute__((ext_vector_type(4)));
#else
enum { VS_LANES = 4, VS_BYTES = 16 };
typedef float vs_f32 __attribute__((ext_vector_type(4)));
typedef int32_t vs_i32 __attribute__((ext_vector_type(4)));
typedef int64_t vs_bytes __attribute__((ext_vector_type(2)));
#endif

/* ---- prefetch ---- */

/* Brings the cache line at `p` nearer. Any address is allowed. */
VS_INLINE void vs_prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }

/* ---- floats ---- */

/* a * b + c, fused where the instruction set has it. */
VS_INLINE vs_f32 vs_multiply_add(vs_f32 a, vs_f32 b, vs_f32 c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

VS_INLINE vs_f32 vs_abs(vs_f32 a) { return __builtin_elementwise_abs(a); }

/* Sum of the lanes, always in the same order: halves are folded. */
VS_INLINE float vs_sum(vs_f32 v) {
#if defined(VS_AVX512)
    float __attribute__((ext_vector_type(8))) h = v.lo + v.hi;
    float __attribute__((ext_vector_type(4))) q = h.lo + h.hi;
#elif defined(VS_AVX2)
    float __attribute__((ext_vector_type(4))) q = v.lo + v.hi;
#else
    vs_f32 q = v;
#endif
    float __attribute__((ext_vector_type(2))) d = q.lo + q.hi;
    return d.x + d.y;
}

/* One step of vs_hadamard: each lane and the one whose number differs in one bit become their sum and their difference. */
#define VS_BUTTERFLY(v, signs, ...) vs_multiply_add(v, signs, __builtin_shufflevector(v, v, __VA_ARGS__))

/* The Walsh-Hadamard transform of the lanes, not scaled: steps of 1, then of 2, and so on. */
VS_INLINE vs_f32 vs_hadamard(vs_f32 v) {
#if defined(VS_AVX512)
    const vs_f32 s1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
    const vs_f32 s2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
    const vs_f32 s4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
    const vs_f32 s8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
    v = VS_BUTTERFLY(v, s1, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    v = VS_BUTTERFLY(v, s2, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    v = VS_BUTTERFLY(v, s4, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    return VS_BUTTERFLY(v, s8, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
#elif defined(VS_AVX2)
    const vs_f32 s1 = {1, -1, 1, -1, 1, -1, 1, -1}, s2 = {1, 1, -1, -1, 1, 1, -1, -1}, s4 = {1, 1, 1, 1, -1, -1, -1, -1};
    v = VS_BUTTERFLY(v, s1, 1, 0, 3, 2, 5, 4, 7, 6);
    v = VS_BUTTERFLY(v, s2, 2, 3, 0, 1, 6, 7, 4, 5);
    return VS_BUTTERFLY(v, s4, 4, 5, 6, 7, 0, 1, 2, 3);
#else
    const vs_f32 s1 = {1, -1, 1, -1}, s2 = {1, 1, -1, -1};
    v = VS_BUTTERFLY(v, s1, 1, 0, 3, 2);
    return VS_BUTTERFLY(v, s2, 2, 3, 0, 1);
#endif
}
#undef VS_BUTTERFLY

VS_INLINE vs_f32 vs_load_f32(const void *p) {
    vs_f32 v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/* The first n of VS_LANES floats, the others 0; reads nothing beyond them. */
VS_INLINE vs_f32 vs_load_f32_partial(const void *p, ptrdiff_t n) {
#if defined(VS_AVX512)
    return (vs_f32)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
#elif defined(VS_AVX2)
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return (vs_f32)_mm256_maskload_ps((const float *)p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane));
#else
    vs_f32 v = 0;
    if (n > 0) __builtin_memcpy((char *)&v, p, 4);
    if (n > 1) __builtin_memcpy((char *)&v + 4, (const char *)p + 4, 4);
    if (n > 2) __builtin_memcpy((char *)&v + 8, (const char *)p + 8, 4);
    return v;
#endif
}

/* Widening of VS_LANES 16-bit floats. */
#if defined(VS_AVX512)
typedef int64_t vs_half __attribute__((ext_vector_type(4)));
#elif defined(VS_AVX2)
typedef int64_t vs_half __attribute__((ext_vector_type(2)));
#else
typedef uint16_t vs_half __attribute__((ext_vector_type(4)));
#endif

VS_INLINE vs_half vs_load_half(const void *p) {
    vs_half h;
    __builtin_memcpy(&h, p, sizeof h);
    return h;
}

VS_INLINE vs_half vs_load_half_partial(const void *p, ptrdiff_t n) {
#if defined(VS_AVX512)
    return (vs_half)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1u), p);
#else
    uint16_t lanes[VS_LANES] = {0};
    for (ptrdiff_t i = 0; i < n; i++) __builtin_memcpy(&lanes[i], (const char *)p + 2 * i, 2);
    vs_half h;
    __builtin_memcpy(&h, lanes, sizeof h);
    return h;
#endif
}

VS_INLINE vs_f32 vs_widen_f16(vs_half h) {
#if defined(VS_AVX512)
    return (vs_f32)_mm512_cvtph_ps((__m256i)h);
#elif defined(VS_AVX2)
    return (vs_f32)_mm256_cvtph_ps((__m128i)h);
#elif defined(__aarch64__)
    return (vs_f32)vcvt_f32_f16((float16x4_t)h);
#else
    /* Shift the fields into place, then let a multiplication by 2^112 mend the exponent, subnormals included. */
    typedef uint32_t u4 __attribute__((ext_vector_type(4)));
    u4 w = __builtin_convertvector(h, u4);
    u4 sign = (w & 0x8000u) << 16;
    u4 magnitude = (w & 0x7fffu) << 13;
    vs_f32 scaled = (vs_f32)magnitude * 0x1p112f;
    /* Infinity and NaN have the largest exponent: it must become the largest again. */
    u4 special = (u4)(magnitude >= 0x0f800000u) & 0x7f800000u;
    return (vs_f32)((u4)scaled | special | sign);
#endif
}

VS_INLINE vs_f32 vs_widen_bf16(vs_half h) {
#if defined(VS_AVX512)
    return (vs_f32)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
#elif defined(VS_AVX2)
    return (vs_f32)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)h), 16);
#else
    typedef uint32_t u4 __attribute__((ext_vector_type(4)));
    return (vs_f32)(__builtin_convertvector(h, u4) << 16);
#endif
}

/* Bit i is set where lane i of a is at most `limit`; never for NaN. */
VS_INLINE uint32_t vs_mask_at_most(vs_f32 a, float limit) {
#if defined(VS_AVX512)
    return _mm512_cmp_ps_mask((__m512)a, _mm512_set1_ps(limit), _CMP_LE_OQ);
#elif defined(VS_AVX2)
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, _mm256_set1_ps(limit), _CMP_LE_OQ));
#elif defined(__x86_64__)
    return (uint32_t)_mm_movemask_ps(_mm_cmple_ps((__m128)a, _mm_set1_ps(limit)));
#else
    vs_i32 below = a <= limit;
    below &= (vs_i32){1, 2, 4, 8};
    return (uint32_t)(below.x | below.y | below.z | below.w);
#endif
}

/* All bits of the lanes where a is below b. */
VS_INLINE vs_i32 vs_below(vs_f32 a, vs_f32 b) { return a < b; }

/* The lanes of a where the mask is set, of b elsewhere. */
VS_INLINE vs_i32 vs_choose(vs_i32 mask, vs_i32 a, vs_i32 b) { return (mask & a) | (~mask & b); }

/* One step of vs_least: the upper half of two vectors against the lower. */
#define VS_FOLD_LEAST(f, i, v, p)                                                                                      \
    do {                                                                                                               \
        const i less = ((v).hi < (v).lo) | (((v).hi == (v).lo) & ((p).hi < (p).lo));                                    \
        v##_half = (f)((less & (i)(v).hi) | (~less & (i)(v).lo));                                                       \
        p##_half = (less & (p).hi) | (~less & (p).lo);                                                                 \
    } while (0)

/* The place of the least lane; of several that are equal the least place. */
VS_INLINE int32_t vs_least(vs_f32 v, vs_i32 p, float *least) {
    typedef float f2 __attribute__((ext_vector_type(2)));
    typedef int32_t i2 __attribute__((ext_vector_type(2)));
    typedef float f4 __attribute__((ext_vector_type(4)));
    typedef int32_t i4 __attribute__((ext_vector_type(4)));
#if defined(VS_AVX512)
    typedef float f8 __attribute__((ext_vector_type(8)));
    typedef int32_t i8 __attribute__((ext_vector_type(8)));
    f8 v_half;
    i8 p_half;
    VS_FOLD_LEAST(f8, i8, v, p);
    const f8 a = v_half;
    const i8 b = p_half;
    f4 a_half;
    i4 b_half;
    VS_FOLD_LEAST(f4, i4, a, b);
    const f4 c = a_half;
    const i4 d = b_half;
#elif defined(VS_AVX2)
    f4 v_half;
    i4 p_half;
    VS_FOLD_LEAST(f4, i4, v, p);
    const f4 c = v_half;
    const i4 d = p_half;
#else
    const f4 c = v;
    const i4 d = p;
#endif
    f2 c_half;
    i2 d_half;
    VS_FOLD_LEAST(f2, i2, c, d);
    const f2 e = c_half;
    const i2 g = d_half;
    const int upper = e.y < e.x || (e.y == e.x && g.y < g.x);
    *least = upper ? e.y : e.x;
    return upper ? g.y : g.x;
}
#undef VS_FOLD_LEAST

/* ---- doubles: half as many in a register ---- */

#if defined(VS_AVX512)
typedef double vs_f64 __attribute__((ext_vector_type(8)));
#elif defined(VS_AVX2)
typedef double vs_f64 __attribute__((ext_vector_type(4)));
#else
typedef double vs_f64 __attribute__((ext_vector_type(2)));
#endif

VS_INLINE vs_f64 vs_zero_f64(void) { return (vs_f64)0.0; }

/* sum + a * b; a product of floats is exact in double precision. */
VS_INLINE vs_f64 vs_add_products(vs_f64 sum, vs_f32 a, vs_f32 b) {
    sum += __builtin_convertvector(a.lo, vs_f64) * __builtin_convertvector(b.lo, vs_f64);
    return sum + __builtin_convertvector(a.hi, vs_f64) * __builtin_convertvector(b.hi, vs_f64);
}

/* Sum of the lanes: halves are folded. */
VS_INLINE double vs_sum_f64(vs_f64 v) {
#if defined(VS_AVX512)
    double __attribute__((ext_vector_type(4))) h = v.lo + v.hi;
    double __attribute__((ext_vector_type(2))) d = h.lo + h.hi;
#elif defined(VS_AVX2)
    double __attribute__((ext_vector_type(2))) d = v.lo + v.hi;
#else
    vs_f64 d = v;
#endif
    return d.x + d.y;
}

/* ---- bytes ---- */

VS_INLINE vs_bytes vs_load_bytes(const void *p) {
    vs_bytes v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/* The first n of VS_BYTES bytes, the others 0; reads nothing beyond them. */
VS_INLINE vs_bytes vs_load_bytes_partial(const void *p, ptrdiff_t n) {
#if defined(VS_AVX512)
    return (vs_bytes)_mm512_maskz_loadu_epi8(n >= 64 ? ~0ull : (1ull << n) - 1ull, p);
#else
    uint8_t lanes[VS_BYTES] = {0};
    for (ptrdiff_t i = 0; i < n; i++) lanes[i] = ((const uint8_t *)p)[i];
    vs_bytes v;
    __builtin_memcpy(&v, lanes, sizeof v);
    return v;
#endif
}

VS_INLINE vs_bytes vs_zero_bytes(void) { return (vs_bytes)0; }

/* The low half of every byte. */
VS_INLINE vs_bytes vs_low_nibbles(void) { return (vs_bytes)(int64_t)0x0f0f0f0f0f0f0f0fll; }

/* Signed bytes to unsigned ones, 128 larger: differences stay. */
VS_INLINE vs_bytes vs_bias_bytes(vs_bytes a) { return a ^ (int64_t)0x8080808080808080ull; }

/* Sum of the lanes as unsigned 32-bit integers, modulo 2^32. */
VS_INLINE uint32_t vs_sum_i32(vs_i32 a) {
    typedef uint32_t u __attribute__((ext_vector_type(4)));
#if defined(VS_AVX512)
    int32_t __attribute__((ext_vector_type(8))) h = a.lo + a.hi;
    u q = (u)(h.lo + h.hi);
#elif defined(VS_AVX2)
    u q = (u)(a.lo + a.hi);
#else
    u q = (u)a;
#endif
    return q.x + q.y + q.z + q.w;
}

/* sum + products of 16-bit pairs. */
#if defined(__AVX512VNNI__)
#define VS_DOT_I16(sum, a, b) _mm512_dpwssd_epi32((__m512i)(sum), a, b)
#elif defined(VS_AVX512)
#define VS_DOT_I16(sum, a, b) _mm512_add_epi32((__m512i)(sum), _mm512_madd_epi16(a, b))
#elif defined(VS_AVX2)
#define VS_DOT_I16(sum, a, b) _mm256_add_epi32((__m256i)(sum), _mm256_madd_epi16(a, b))
#elif defined(__x86_64__)
#define VS_DOT_I16(sum, a, b) _mm_add_epi32((__m128i)(sum), _mm_madd_epi16(a, b))
#endif

/* sum + products of unsigned bytes; a lane grows by at most 4 * 255^2 a call. */
VS_INLINE vs_i32 vs_dot_u8(vs_i32 sum, vs_bytes a, vs_bytes b) {
#if defined(VS_AVX512)
    const __m512i z = _mm512_setzero_si512(), x = (__m512i)a, y = (__m512i)b;
    __m512i s = VS_DOT_I16(sum, _mm512_unpacklo_epi8(x, z), _mm512_unpacklo_epi8(y, z));
    return (vs_i32)VS_DOT_I16(s, _mm512_unpackhi_epi8(x, z), _mm512_unpackhi_epi8(y, z));
#elif defined(VS_AVX2)
    const __m256i z = _mm256_setzero_si256(), x = (__m256i)a, y = (__m256i)b;
    __m256i s = VS_DOT_I16(sum, _mm256_unpacklo_epi8(x, z), _mm256_unpacklo_epi8(y, z));
    return (vs_i32)VS_DOT_I16(s, _mm256_unpackhi_epi8(x, z), _mm256_unpackhi_epi8(y, z));
#elif defined(__x86_64__)
    const __m128i z = _mm_setzero_si128(), x = (__m128i)a, y = (__m128i)b;
    __m128i s = VS_DOT_I16(sum, _mm_unpacklo_epi8(x, z), _mm_unpacklo_epi8(y, z));
    return (vs_i32)VS_DOT_I16(s, _mm_unpackhi_epi8(x, z), _mm_unpackhi_epi8(y, z));
#else
    uint8x16_t x = (uint8x16_t)a, y = (uint8x16_t)b;
    uint32x4_t s = vpadalq_u16((uint32x4_t)sum, vmull_u8(vget_low_u8(x), vget_low_u8(y)));
    return (vs_i32)vpadalq_u16(s, vmull_high_u8(x, y));
#endif
}

/*
 * sum + products of signed bytes. With VNNI `b` counts as biased by 128, so the sum is too large by
 * vs_dot_i8_bias() * (sum of a).
 */
VS_INLINE vs_i32 vs_dot_i8(vs_i32 sum, vs_bytes a, vs_bytes b) {
#if defined(__AVX512VNNI__)
    return (vs_i32)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)vs_bias_bytes(b), (__m512i)a);
#elif defined(VS_AVX512)
    const __m512i x = (__m512i)a, y = (__m512i)b;
    __m512i s = VS_DOT_I16(sum, _mm512_cvtepi8_epi16(_mm512_castsi512_si256(x)),
                           _mm512_cvtepi8_epi16(_mm512_castsi512_si256(y)));
    return (vs_i32)VS_DOT_I16(s, _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(x, 1)),
                              _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(y, 1)));
#elif defined(VS_AVX2)
    const __m256i x = (__m256i)a, y = (__m256i)b;
    __m256i s = VS_DOT_I16(sum, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(x)),
                           _mm256_cvtepi8_epi16(_mm256_castsi256_si128(y)));
    return (vs_i32)VS_DOT_I16(s, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(x, 1)),
                              _mm256_cvtepi8_epi16(_mm256_extracti128_si256(y, 1)));
#elif defined(__x86_64__)
    /* A byte in the upper half of a 16-bit lane, shifted down, is sign-extended. */
    const __m128i z = _mm_setzero_si128(), x = (__m128i)a, y = (__m128i)b;
    __m128i s = VS_DOT_I16(sum, _mm_srai_epi16(_mm_unpacklo_epi8(z, x), 8), _mm_srai_epi16(_mm_unpacklo_epi8(z, y), 8));
    return (vs_i32)VS_DOT_I16(s, _mm_srai_epi16(_mm_unpackhi_epi8(z, x), 8),
                              _mm_srai_epi16(_mm_unpackhi_epi8(z, y), 8));
#else
    int8x16_t x = (int8x16_t)a, y = (int8x16_t)b;
    int32x4_t s = vpadalq_s16((int32x4_t)sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    return (vs_i32)vpadalq_s16(s, vmull_high_s8(x, y));
#endif
}

VS_INLINE int32_t vs_dot_i8_bias(void) {
#if defined(__AVX512VNNI__)
    return 128;
#else
    return 0;
#endif
}

/* |a - b| of unsigned bytes. */
VS_INLINE vs_bytes vs_difference_u8(vs_bytes a, vs_bytes b) {
#if defined(VS_AVX512)
    const __m512i x = (__m512i)a, y = (__m512i)b;
    return (vs_bytes)_mm512_or_si512(_mm512_subs_epu8(x, y), _mm512_subs_epu8(y, x));
#elif defined(VS_AVX2)
    const __m256i x = (__m256i)a, y = (__m256i)b;
    return (vs_bytes)_mm256_or_si256(_mm256_subs_epu8(x, y), _mm256_subs_epu8(y, x));
#elif defined(__x86_64__)
    const __m128i x = (__m128i)a, y = (__m128i)b;
    return (vs_bytes)_mm_or_si128(_mm_subs_epu8(x, y), _mm_subs_epu8(y, x));
#else
    return (vs_bytes)vabdq_u8((uint8x16_t)a, (uint8x16_t)b);
#endif
}

/* sum + |a - b| of unsigned bytes. */
VS_INLINE vs_i32 vs_l1_u8(vs_i32 sum, vs_bytes a, vs_bytes b) {
#if defined(VS_AVX512)
    return (vs_i32)_mm512_add_epi32((__m512i)sum, _mm512_sad_epu8((__m512i)a, (__m512i)b));
#elif defined(VS_AVX2)
    return (vs_i32)_mm256_add_epi32((__m256i)sum, _mm256_sad_epu8((__m256i)a, (__m256i)b));
#elif defined(__x86_64__)
    return (vs_i32)_mm_add_epi32((__m128i)sum, _mm_sad_epu8((__m128i)a, (__m128i)b));
#else
    return (vs_i32)vpadalq_u16((uint32x4_t)sum, vpaddlq_u8(vabdq_u8((uint8x16_t)a, (uint8x16_t)b)));
#endif
}

/* sum + number of bits set in a. */
VS_INLINE vs_i32 vs_popcount(vs_i32 sum, vs_bytes a) {
#if defined(__AVX512VPOPCNTDQ__)
    return (vs_i32)_mm512_add_epi32((__m512i)sum, _mm512_popcnt_epi32((__m512i)a));
#elif defined(VS_AVX512)
    const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i low = _mm512_set1_epi8(15), x = (__m512i)a;
    __m512i c = _mm512_add_epi8(_mm512_shuffle_epi8(table, _mm512_and_si512(x, low)),
                                _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(x, 4), low)));
    return (vs_i32)_mm512_add_epi32((__m512i)sum, _mm512_sad_epu8(c, _mm512_setzero_si512()));
#elif defined(VS_AVX2)
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2,
                                           3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15), x = (__m256i)a;
    __m256i c = _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(x, low)),
                                _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
    return (vs_i32)_mm256_add_epi32((__m256i)sum, _mm256_sad_epu8(c, _mm256_setzero_si256()));
#elif defined(__x86_64__)
    /* Counts of 2, 4, then 8 bits side by side in each byte; then the bytes are added up. */
    const __m128i m1 = _mm_set1_epi8(0x55), m2 = _mm_set1_epi8(0x33), m4 = _mm_set1_epi8(0x0f);
    __m128i x = (__m128i)a;
    x = _mm_sub_epi8(x, _mm_and_si128(_mm_srli_epi16(x, 1), m1));
    x = _mm_add_epi8(_mm_and_si128(x, m2), _mm_and_si128(_mm_srli_epi16(x, 2), m2));
    x = _mm_and_si128(_mm_add_epi8(x, _mm_srli_epi16(x, 4)), m4);
    return (vs_i32)_mm_add_epi32((__m128i)sum, _mm_sad_epu8(x, _mm_setzero_si128()));
#else
    return (vs_i32)vpadalq_u16((uint32x4_t)sum, vpaddlq_u8(vcntq_u8((uint8x16_t)a)));
#endif
}

/* Whether the processor multiplies bfloat16 itself. */
VS_INLINE int32_t vs_has_bf16_dot(void) {
#if defined(__AVX512BF16__)
    return 1;
#else
    return 0;
#endif
}

/* sum + products of bfloat16, two to a lane; subnormals count as 0. Only where vs_has_bf16_dot() is 1. */
VS_INLINE vs_f32 vs_dot_bf16(vs_f32 sum, vs_bytes a, vs_bytes b) {
#if defined(__AVX512BF16__)
    return (vs_f32)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    (void)a;
    (void)b;
    return sum;
#endif
}

/* ---- conversions ---- */

/* Rounds to float16, to nearest, ties to even. */
VS_INLINE vs_half vs_narrow_f16(vs_f32 v) {
#if defined(VS_AVX512)
    return (vs_half)_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(VS_AVX2)
    return (vs_half)_mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__aarch64__)
    return (vs_half)vcvt_f16_f32((float32x4_t)v);
#else
    typedef uint32_t u4 __attribute__((ext_vector_type(4)));
    u4 bits = (u4)v, magnitude = bits & 0x7fffffffu, sign = (bits >> 16) & 0x8000u;
    /* Normal: move the exponent's bias, round the 13 bits that go. */
    u4 normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    /* Below 2^-14: the last place of 0.5 + x is the last place of a subnormal, so the addition rounds. */
    u4 small = (u4)((vs_f32)magnitude + 0.5f) - 0x3f000000u;
    u4 isSmall = (u4)(magnitude < 0x38800000u);
    u4 isLarge = (u4)(magnitude >= 0x47800000u); /* from 65536 on: infinity */
    u4 isNaN = (u4)(magnitude > 0x7f800000u);
    u4 h = (small & isSmall) | (normal & ~isSmall);
    h = (h & ~isLarge) | (0x7c00u & isLarge) | (0x7e00u & isNaN);
    return __builtin_convertvector(h | sign, vs_half);
#endif
}

/* Rounds to bfloat16, to nearest, ties to even. */
VS_INLINE vs_half vs_narrow_bf16(vs_f32 v) {
#if defined(VS_AVX512)
    typedef uint32_t u __attribute__((ext_vector_type(16)));
    typedef uint16_t h __attribute__((ext_vector_type(16)));
#elif defined(VS_AVX2)
    typedef uint32_t u __attribute__((ext_vector_type(8)));
    typedef uint16_t h __attribute__((ext_vector_type(8)));
#else
    typedef uint32_t u __attribute__((ext_vector_type(4)));
    typedef uint16_t h __attribute__((ext_vector_type(4)));
#endif
    u bits = (u)v;
    u rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    /* The addition would carry some NaNs into infinity or into the sign: they become quiet instead. */
    u isNaN = (u)((bits & 0x7fffffffu) > 0x7f800000u);
    rounded = (rounded & ~isNaN) | (((bits >> 16) | 0x40u) & isNaN);
    return (vs_half)__builtin_convertvector(rounded, h);
}

VS_INLINE void vs_store_half(void *p, vs_half h) { __builtin_memcpy(p, &h, sizeof h); }

VS_INLINE void vs_store_half_partial(void *p, vs_half h, ptrdiff_t n) { __builtin_memcpy(p, &h, 2 * (size_t)n); }

VS_INLINE void vs_store_f32(void *p, vs_f32 v) { __builtin_memcpy(p, &v, sizeof v); }

VS_INLINE void vs_store_f32_partial(void *p, vs_f32 v, ptrdiff_t n) { __builtin_memcpy(p, &v, 4 * (size_t)n); }

/* ---- codes ---- */

/* Stores the lowest byte of each lane. */
VS_INLINE void vs_store_low_bytes(void *p, vs_i32 v, ptrdiff_t n) {
#if defined(VS_AVX512)
    typedef uint8_t b __attribute__((ext_vector_type(16)));
#elif defined(VS_AVX2)
    typedef uint8_t b __attribute__((ext_vector_type(8)));
#else
    typedef uint8_t b __attribute__((ext_vector_type(4)));
#endif
    b bytes = __builtin_convertvector(v, b);
    if (n == VS_LANES)
        __builtin_memcpy(p, &bytes, sizeof bytes);
    else
        for (ptrdiff_t i = 0; i < n; i++) ((uint8_t *)p)[i] = bytes[i];
}

/* The bits of a register of floats. */
VS_INLINE vs_i32 vs_bits_of(vs_f32 v) { return (vs_i32)v; }

VS_INLINE vs_f32 vs_float_of(vs_i32 v) { return __builtin_convertvector(v, vs_f32); }

/* Whole numbers below 2^31 as integers; what they have behind the point goes. */
VS_INLINE vs_i32 vs_int_of(vs_f32 v) { return __builtin_convertvector(v, vs_i32); }

/* The whole part of numbers below 2^31. */
VS_INLINE vs_f32 vs_truncate(vs_f32 v) {
#if defined(__SSE4_1__) || defined(__aarch64__)
    return __builtin_elementwise_trunc(v);
#else
    return vs_float_of(vs_int_of(v));
#endif
}

VS_INLINE vs_f32 vs_max(vs_f32 a, vs_f32 b) { return __builtin_elementwise_max(a, b); }
VS_INLINE vs_f32 vs_min(vs_f32 a, vs_f32 b) { return __builtin_elementwise_min(a, b); }

/* The first n <= VS_LANES unsigned bytes at p as floats, the others 0; reads nothing beyond them. */
VS_INLINE vs_f32 vs_widen_low_bytes(const void *p, ptrdiff_t n) {
#if defined(VS_AVX512)
    typedef uint8_t b __attribute__((ext_vector_type(16)));
#elif defined(VS_AVX2)
    typedef uint8_t b __attribute__((ext_vector_type(8)));
#else
    typedef uint8_t b __attribute__((ext_vector_type(4)));
#endif
    b bytes = 0;
    if (n == VS_LANES) {
        __builtin_memcpy(&bytes, p, sizeof bytes);
    } else {
        uint8_t lanes[VS_LANES] = {0};
        for (ptrdiff_t i = 0; i < n; i++) lanes[i] = ((const uint8_t *)p)[i];
        __builtin_memcpy(&bytes, lanes, sizeof bytes);
    }
    return __builtin_convertvector(bytes, vs_f32);
}

/* The first n <= VS_LANES signed bytes at p as floats, the others 0; reads nothing beyond them. */
VS_INLINE vs_f32 vs_widen_low_signed_bytes(const void *p, ptrdiff_t n) {
#if defined(VS_AVX512)
    typedef int8_t b __attribute__((ext_vector_type(16)));
#elif defined(VS_AVX2)
    typedef int8_t b __attribute__((ext_vector_type(8)));
#else
    typedef int8_t b __attribute__((ext_vector_type(4)));
#endif
    b bytes = 0;
    if (n == VS_LANES) {
        __builtin_memcpy(&bytes, p, sizeof bytes);
    } else {
        int8_t lanes[VS_LANES] = {0};
        for (ptrdiff_t i = 0; i < n; i++) lanes[i] = ((const int8_t *)p)[i];
        __builtin_memcpy(&bytes, lanes, sizeof bytes);
    }
    return __builtin_convertvector(bytes, vs_f32);
}

VS_INLINE vs_i32 vs_load_i32(const void *p) {
    vs_i32 v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

VS_INLINE void vs_store_i32(void *p, vs_i32 v) { __builtin_memcpy(p, &v, sizeof v); }

/* sum + products of unsigned codes with the signed bytes of a query. */
VS_INLINE vs_i32 vs_dot_codes(vs_i32 sum, vs_bytes codes, vs_bytes q) {
#if defined(__AVX512VNNI__)
    return (vs_i32)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, (__m512i)q);
#elif defined(VS_AVX512)
    /* Bytes 0 and 2 of each lane as 16-bit numbers, then bytes 1 and 3. */
    const __m512i x = (__m512i)codes, y = (__m512i)q;
    __m512i s = VS_DOT_I16(sum, _mm512_and_si512(x, _mm512_set1_epi16(0xff)),
                           _mm512_srai_epi16(_mm512_slli_epi16(y, 8), 8));
    return (vs_i32)VS_DOT_I16(s, _mm512_srli_epi16(x, 8), _mm512_srai_epi16(y, 8));
#elif defined(VS_AVX2)
    const __m256i x = (__m256i)codes, y = (__m256i)q;
    __m256i s = VS_DOT_I16(sum, _mm256_and_si256(x, _mm256_set1_epi16(0xff)),
                           _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8));
    return (vs_i32)VS_DOT_I16(s, _mm256_srli_epi16(x, 8), _mm256_srai_epi16(y, 8));
#elif defined(__x86_64__)
    const __m128i x = (__m128i)codes, y = (__m128i)q;
    __m128i s = VS_DOT_I16(sum, _mm_and_si128(x, _mm_set1_epi16(0xff)), _mm_srai_epi16(_mm_slli_epi16(y, 8), 8));
    return (vs_i32)VS_DOT_I16(s, _mm_srli_epi16(x, 8), _mm_srai_epi16(y, 8));
#else
    const int16x8_t x = (int16x8_t)codes, y = (int16x8_t)q;
    const int16x8_t x0 = vandq_s16(x, vdupq_n_s16(0xff)), y0 = vshrq_n_s16(vshlq_n_s16(y, 8), 8);
    const int16x8_t x1 = (int16x8_t)vshrq_n_u16((uint16x8_t)x, 8), y1 = vshrq_n_s16(y, 8);
    int32x4_t low = vmlal_s16(vmull_s16(vget_low_s16(x0), vget_low_s16(y0)), vget_low_s16(x1), vget_low_s16(y1));
    int32x4_t high = vmlal_high_s16(vmull_high_s16(x0, y0), x1, y1);
    return (vs_i32)vaddq_s32((int32x4_t)sum, vpaddq_s32(low, high));
#endif
}

/* Four bytes at p in every lane. */
VS_INLINE vs_bytes vs_broadcast_four(const void *p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    vs_i32 lanes = (vs_i32)(four);
    return (vs_bytes)lanes;
}

/* ---- codes of lists ---- */

/* Whether there are lookups in registers: only SSE2 has none. What follows up to vs_store_row_sums is for where this is 1. */
VS_INLINE int32_t vs_has_lookup(void) {
#if defined(VS_AVX512) || defined(VS_AVX2) || defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}

#if defined(VS_AVX512) && defined(__AVX512VBMI__) && defined(__AVX512VNNI__)
#define VS_LOOKUP_64 1
#endif

/* Codes in the order that lookups take them; both halves of each byte hold one. */
VS_INLINE vs_bytes vs_order_codes(vs_bytes codes) {
#if defined(VS_LOOKUP_64)
    /* The four tables of a row side by side: the byte product then adds them up. */
    const __m512i order = _mm512_set_epi8(63, 47, 31, 15, 62, 46, 30, 14, 61, 45, 29, 13, 60, 44, 28, 12, 59, 43, 27, 11, 58,
                                          42, 26, 10, 57, 41, 25, 9, 56, 40, 24, 8, 55, 39, 23, 7, 54, 38, 22, 6, 53, 37, 21,
                                          5, 52, 36, 20, 4, 51, 35, 19, 3, 50, 34, 18, 2, 49, 33, 17, 1, 48, 32, 16, 0);
    return (vs_bytes)_mm512_permutexvar_epi8(order, (__m512i)codes);
#else
    return codes;
#endif
}

/* The codes in the low halves, from codes in order. */
VS_INLINE vs_bytes vs_low_codes(vs_bytes codes) {
    const vs_bytes low = codes & vs_low_nibbles();
#if defined(VS_LOOKUP_64)
    /* With the number of the table: one lookup reaches all four. */
    return low | (vs_bytes)_mm512_set1_epi32(0x30201000);
#else
    return low;
#endif
}

/* The codes in the high halves, from codes in order. */
VS_INLINE vs_bytes vs_high_codes(vs_bytes codes) {
#if defined(VS_AVX512)
    return vs_low_codes((vs_bytes)_mm512_srli_epi16((__m512i)codes, 4));
#elif defined(VS_AVX2)
    return vs_low_codes((vs_bytes)_mm256_srli_epi16((__m256i)codes, 4));
#elif defined(__aarch64__)
    return (vs_bytes)vshrq_n_u8((uint8x16_t)codes, 4);
#else
    return codes;
#endif
}

/* The bytes that codes choose from tables of 16, one table for every 16 bytes. */
VS_INLINE vs_bytes vs_lookup(vs_bytes tables, vs_bytes codes) {
#if defined(VS_LOOKUP_64)
    return (vs_bytes)_mm512_permutexvar_epi8((__m512i)codes, (__m512i)tables);
#elif defined(VS_AVX512)
    return (vs_bytes)_mm512_shuffle_epi8((__m512i)tables, (__m512i)codes);
#elif defined(VS_AVX2)
    return (vs_bytes)_mm256_shuffle_epi8((__m256i)tables, (__m256i)codes);
#elif defined(__aarch64__)
    return (vs_bytes)vqtbl1q_u8((uint8x16_t)tables, (uint8x16_t)codes);
#else
    (void)codes;
    return tables;
#endif
}

/*
 * Sums of 16 rows, in two registers. With VNNI the first has them in its 32-bit lanes, the second nothing. With NEON the
 * first has rows 0 to 7 in 16-bit lanes, the second the others. Else every 128 bits have sums of tables of their own: a
 * 16-bit lane of the first adds up pairs of bytes as 16-bit numbers, whatever overflows, one of the second the odd bytes
 * alone; 256 times the second from the first leaves the even bytes.
 */
VS_INLINE vs_bytes vs_add_first(vs_bytes sum, vs_bytes chosen) {
#if defined(VS_LOOKUP_64)
    return (vs_bytes)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)chosen, _mm512_set1_epi8(1));
#elif defined(VS_AVX512)
    return (vs_bytes)_mm512_add_epi16((__m512i)sum, (__m512i)chosen);
#elif defined(VS_AVX2)
    return (vs_bytes)_mm256_add_epi16((__m256i)sum, (__m256i)chosen);
#elif defined(__aarch64__)
    return (vs_bytes)vaddw_u8((uint16x8_t)sum, vget_low_u8((uint8x16_t)chosen));
#else
    (void)chosen;
    return sum;
#endif
}

VS_INLINE vs_bytes vs_add_second(vs_bytes sum, vs_bytes chosen) {
#if defined(VS_LOOKUP_64)
    (void)chosen;
    return sum;
#elif defined(VS_AVX512)
    return (vs_bytes)_mm512_add_epi16((__m512i)sum, _mm512_srli_epi16((__m512i)chosen, 8));
#elif defined(VS_AVX2)
    return (vs_bytes)_mm256_add_epi16((__m256i)sum, _mm256_srli_epi16((__m256i)chosen, 8));
#elif defined(__aarch64__)
    return (vs_bytes)vaddw_high_u8((uint16x8_t)sum, (uint8x16_t)chosen);
#else
    (void)chosen;
    return sum;
#endif
}

/* After how many groups of four tables the sums must be stored. 16 bits hold 257 bytes, wherever the sums of tables meet. */
VS_INLINE ptrdiff_t vs_row_sum_groups(void) {
#if defined(VS_LOOKUP_64)
    return 1 << 20;
#else
    return 64;
#endif
}

/* Stores the sums of 16 rows, or adds them to what is there. */
VS_INLINE void vs_store_row_sums(int32_t *p, vs_bytes first, vs_bytes second, int32_t add) {
    typedef int32_t i16 __attribute__((ext_vector_type(16)));
#if defined(VS_LOOKUP_64)
    (void)second;
    i16 rows = (i16)first;
#else
    typedef uint16_t u8 __attribute__((ext_vector_type(8)));
    typedef uint16_t u16 __attribute__((ext_vector_type(16)));
#if defined(__aarch64__)
    const u16 all = __builtin_shufflevector((u8)first, (u8)second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
#if defined(VS_AVX512)
    typedef uint16_t u32 __attribute__((ext_vector_type(32)));
    const u32 pairs = (u32)first, odd = (u32)second, even = pairs - (odd << 8);
    const u16 even_half = even.lo + even.hi, odd_half = odd.lo + odd.hi;
    const u8 x = even_half.lo + even_half.hi, y = odd_half.lo + odd_half.hi;
#elif defined(VS_AVX2)
    const u16 pairs = (u16)first, odd = (u16)second, even = pairs - (odd << 8);
    const u8 x = even.lo + even.hi, y = odd.lo + odd.hi;
#else
    const u8 x = (u8)first, y = (u8)second;
#endif
    const u16 all = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
#endif
    i16 rows = __builtin_convertvector(all, i16);
#endif
    if (add) {
        i16 before;
        __builtin_memcpy(&before, p, sizeof before);
        rows += before;
    }
    __builtin_memcpy(p, &rows, sizeof rows);
}

/* The first n of VS_LANES integers, the others 0; reads nothing beyond them. */
VS_INLINE vs_i32 vs_load_i32_partial(const void *p, ptrdiff_t n) { return (vs_i32)vs_load_f32_partial(p, n); }

/*
 * Appends the lanes of v whose bits are set in the mask to `found` values, and `first` + their numbers to as many positions.
 * Writes whole registers. Returns how many there are then.
 */
VS_INLINE ptrdiff_t vs_keep(uint32_t *positions, float *values, ptrdiff_t found, vs_f32 v, ptrdiff_t first, uint32_t mask) {
#if defined(VS_AVX512)
    /* In registers: stores of some lanes alone take a hundred cycles on some processors. */
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i place = _mm512_add_epi32(_mm512_set1_epi32((int)first), lane);
    _mm512_storeu_si512(positions + found, _mm512_maskz_compress_epi32((__mmask16)mask, place));
    _mm512_storeu_ps(values + found, _mm512_maskz_compress_ps((__mmask16)mask, (__m512)v));
    return found + __builtin_popcount(mask);
#else
    /* All lanes, of which some then move down to their places: none is overwritten before it moved. */
    const float *lanes = values + found;
    vs_store_f32(values + found, v);
    for (; mask; mask &= mask - 1) {
        const int lane = __builtin_ctz(mask);
        positions[found] = (uint32_t)first + (uint32_t)lane;
        values[found++] = lanes[lane];
    }
    return found;
#endif
}

/* ---- tables of 16 floats ---- */

/* 1 where a bit of the lane's number is set, -1 elsewhere, for the register of that place among those of 16 lanes. */
VS_INLINE vs_f32 vs_bit_signs(int32_t bit, int32_t place) {
#if defined(VS_AVX512)
    const vs_i32 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif defined(VS_AVX2)
    const vs_i32 lane = {0, 1, 2, 3, 4, 5, 6, 7};
#else
    const vs_i32 lane = {0, 1, 2, 3};
#endif
    const vs_i32 is_set = ((lane + place * VS_LANES) & (1 << bit)) != 0;
    return __builtin_convertvector(-1 - 2 * is_set, vs_f32);
}

/*
 * The least of the lanes of each of four registers, side by side, again and again: unpacked within 128 bits, two registers
 * become one with half as many lanes of each. 512 bits are halved first: shorter registers take fewer cycles.
 */
#if defined(VS_AVX512)
typedef float vs_f32_folded __attribute__((ext_vector_type(8)));
#define VS_HALVE(f, v) f(v.lo, v.hi)
#define VS_MIN(a, b) (vs_f32_folded)_mm256_min_ps((__m256)(a), (__m256)(b))
#define VS_MAX(a, b) (vs_f32_folded)_mm256_max_ps((__m256)(a), (__m256)(b))
#else
typedef vs_f32 vs_f32_folded;
#define VS_HALVE(f, v) v
#define VS_MIN(a, b) vs_min(a, b)
#define VS_MAX(a, b) vs_max(a, b)
#endif
#if defined(VS_AVX512) || defined(VS_AVX2)
#define VS_FOLD_TWO(f, a, b)                                                                                           \
    f(__builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13), __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15))
#define VS_FOLD_PAIRS(f, a, b)                                                                                         \
    f(__builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13), __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15))
#else
#define VS_FOLD_TWO(f, a, b) f(__builtin_shufflevector(a, b, 0, 4, 1, 5), __builtin_shufflevector(a, b, 2, 6, 3, 7))
#define VS_FOLD_PAIRS(f, a, b) f(__builtin_shufflevector(a, b, 0, 1, 4, 5), __builtin_shufflevector(a, b, 2, 3, 6, 7))
#endif
#if defined(VS_AVX512)
#define VS_FOLD_REST(f, v)                                                                                             \
    __builtin_shufflevector(f(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3)), v, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, \
                            3, 0, 1, 2, 3)
#elif defined(VS_AVX2)
#define VS_FOLD_REST(f, v) f(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3))
#else
#define VS_FOLD_REST(f, v) v
#endif
#define VS_FOLD(f, a, b, c, d)                                                                                         \
    const vs_f32_folded p = VS_HALVE(f, a), q = VS_HALVE(f, b), r = VS_HALVE(f, c), s = VS_HALVE(f, d);                \
    const vs_f32_folded pq = VS_FOLD_TWO(f, p, q), rs = VS_FOLD_TWO(f, r, s), all = VS_FOLD_PAIRS(f, pq, rs);          \
    return VS_FOLD_REST(f, all)

VS_INLINE vs_f32 vs_fold_least(vs_f32 a, vs_f32 b, vs_f32 c, vs_f32 d) {
    VS_FOLD(VS_MIN, a, b, c, d);
}

/* The same for the largest. */
VS_INLINE vs_f32 vs_fold_most(vs_f32 a, vs_f32 b, vs_f32 c, vs_f32 d) {
    VS_FOLD(VS_MAX, a, b, c, d);
}
#undef VS_HALVE
#undef VS_MIN
#undef VS_MAX
#undef VS_FOLD_TWO
#undef VS_FOLD_PAIRS
#undef VS_FOLD_REST
#undef VS_FOLD

/* Rounds numbers from 0 to 255 in four registers to bytes. */
VS_INLINE void vs_round_to_bytes(void *p, vs_f32 a, vs_f32 b, vs_f32 c, vs_f32 d) {
#if defined(VS_AVX512)
    const __m512i x = _mm512_packs_epi32(_mm512_cvtps_epi32((__m512)a), _mm512_cvtps_epi32((__m512)b));
    const __m512i y = _mm512_packs_epi32(_mm512_cvtps_epi32((__m512)c), _mm512_cvtps_epi32((__m512)d));
    /* Every 128 bits were packed by themselves: four bytes of each register. */
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(x, y)));
#elif defined(VS_AVX2)
    const __m256i x = _mm256_packs_epi32(_mm256_cvtps_epi32((__m256)a), _mm256_cvtps_epi32((__m256)b));
    const __m256i y = _mm256_packs_epi32(_mm256_cvtps_epi32((__m256)c), _mm256_cvtps_epi32((__m256)d));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256((__m256i *)p, _mm256_permutevar8x32_epi32(_mm256_packus_epi16(x, y), order));
#elif defined(__x86_64__)
    const __m128i x = _mm_packs_epi32(_mm_cvtps_epi32((__m128)a), _mm_cvtps_epi32((__m128)b));
    const __m128i y = _mm_packs_epi32(_mm_cvtps_epi32((__m128)c), _mm_cvtps_epi32((__m128)d));
    _mm_storeu_si128((__m128i *)p, _mm_packus_epi16(x, y));
#else
    const uint16x8_t x = vcombine_u16(vmovn_u32(vcvtnq_u32_f32((float32x4_t)a)), vmovn_u32(vcvtnq_u32_f32((float32x4_t)b)));
    const uint16x8_t y = vcombine_u16(vmovn_u32(vcvtnq_u32_f32((float32x4_t)c)), vmovn_u32(vcvtnq_u32_f32((float32x4_t)d)));
    vst1q_u8((uint8_t *)p, vcombine_u8(vmovn_u16(x), vmovn_u16(y)));
#endif
}

/* One lane in all of them. */
VS_INLINE vs_f32 vs_repeat_lane(vs_f32 v, int32_t lane) { return (vs_f32)(v[lane]); }

/* ---- sorted 64-bit numbers ---- */

/* How many of the 8 numbers at p are larger than x. */
VS_INLINE intptr_t vs_count_above(const uint64_t *p, uint64_t x) {
#if defined(VS_AVX512)
    return __builtin_popcount(_mm512_cmpgt_epu64_mask(_mm512_loadu_si512(p), _mm512_set1_epi64((long long)x)));
#elif defined(VS_AVX2)
    /* There are comparisons of signed numbers only. */
    const __m256i sign = _mm256_set1_epi64x((long long)0x8000000000000000);
    const __m256i y = _mm256_xor_si256(_mm256_set1_epi64x((long long)x), sign);
    __m256i low = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)p), sign);
    __m256i high = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(p + 4)), sign);
    int mask = _mm256_movemask_pd((__m256d)_mm256_cmpgt_epi64(low, y)) |
               _mm256_movemask_pd((__m256d)_mm256_cmpgt_epi64(high, y)) << 4;
    return __builtin_popcount((unsigned)mask);
#else
    intptr_t n = 0;
    for (int i = 0; i < 8; i++) n += p[i] > x;
    return n;
#endif
}

/* Copies the last n, up to 8, of the 8 numbers at `from` to the same places at `to`, which lies behind: they may overlap. */
VS_INLINE void vs_move_last(uint64_t *to, const uint64_t *from, intptr_t n) {
#if defined(VS_AVX512)
    _mm512_mask_storeu_epi64(to, (__mmask8)(0xff00u >> n), _mm512_loadu_si512(from));
#else
    for (intptr_t i = 7; i >= 8 - n; i--) to[i] = from[i];
#endif
}

#endif /* VEC_SIMD_H */
