/*
 * Norms, normalisation, and conversion between types.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- norms ---- */

static void norms_are_euclidean(void) {
    const float vectors[4] = { 3, 4, 0, 0 };
    float norms[2];
    CHECK_OK(vecstore_norms(vectors, 2, 2, F32, norms));
    CHECK_FLOAT(norms[0], 5);
    CHECK_FLOAT(norms[1], 0);
    const uint16_t halves[2] = { to_float16(-3), to_float16(4) }, brains[2] = { to_bfloat16(6), to_bfloat16(8) };
    CHECK_OK(vecstore_norms(halves, 1, 2, F16, norms));
    CHECK_FLOAT(norms[0], 5);
    CHECK_OK(vecstore_norms(brains, 1, 2, BF16, norms));
    CHECK_FLOAT(norms[0], 10);
    const int8_t bytes[2] = { -128, 0 };
    CHECK_OK(vecstore_norms(bytes, 1, 2, I8, norms));
    CHECK_FLOAT(norms[0], 128);
    CHECK_OK(vecstore_norms(bytes, 1, 2, U8, norms));
    CHECK_FLOAT(norms[0], 128);
    CHECK_OK(vecstore_norms(NULL, 0, 2, F32, NULL));
}

static void norms_refuse_bits_and_what_is_not_finite(void) {
    const float nan[2] = { 1, NAN };
    float norms[1];
    CHECK_ERROR(NOT_FINITE, vecstore_norms(nan, 1, 2, F32, norms));
    CHECK_ERROR(UNSUPPORTED, vecstore_norms(nan, 1, 2, BITS, norms));
    CHECK_ERROR(UNSUPPORTED, vecstore_norms(NULL, 0, 2, BITS, NULL));
}

static void normalize_scales_to_norm_1(void) {
    float vectors[4] = { 3, 4, 0, -0.5f };
    CHECK_OK(vecstore_normalize(vectors, 2, 2, F32));
    CHECK_NEAR(vectors[0], 0.6, 1e-7);
    CHECK_NEAR(vectors[1], 0.8, 1e-7);
    CHECK_FLOAT(vectors[2], 0);
    CHECK_FLOAT(vectors[3], -1);
    uint16_t halves[2] = { to_float16(3), to_float16(4) }, brains[2] = { to_bfloat16(3), to_bfloat16(4) };
    CHECK_OK(vecstore_normalize(halves, 1, 2, F16));
    CHECK_NEAR(element(halves, F16, 0), 0.6, 0x1p-11);
    CHECK_NEAR(element(halves, F16, 1), 0.8, 0x1p-11);
    CHECK_OK(vecstore_normalize(brains, 1, 2, BF16));
    CHECK_NEAR(element(brains, BF16, 0), 0.6, 0x1p-8);
    CHECK_NEAR(element(brains, BF16, 1), 0.8, 0x1p-8);
    CHECK_OK(vecstore_normalize(NULL, 0, 2, F32));
}

static void normalize_changes_nothing_where_it_fails(void) {
    float zero[4] = { 3, 4, 0, 0 }, nan[4] = { 3, 4, NAN, 0 };
    CHECK_ERROR(ZERO_VECTOR, vecstore_normalize(zero, 2, 2, F32));
    CHECK_FLOAT(zero[0], 3);
    CHECK_ERROR(NOT_FINITE, vecstore_normalize(nan, 2, 2, F32));
    CHECK_FLOAT(nan[0], 3);
}

static void normalize_refuses_types_that_cannot_hold_norm_1(void) {
    int8_t bytes[2] = { 3, 4 };
    CHECK_ERROR(UNSUPPORTED, vecstore_normalize(bytes, 1, 2, I8));
    CHECK_ERROR(UNSUPPORTED, vecstore_normalize(bytes, 1, 2, U8));
    CHECK_ERROR(UNSUPPORTED, vecstore_normalize(bytes, 1, 2, BITS));
    CHECK_ERROR(UNSUPPORTED, vecstore_normalize(NULL, 0, 2, I8));
}

/* ---- conversion ---- */

static void conversion_rounds_to_nearest_even(void) {
    /* One, halfway to the next value (down to even), a bit more than halfway, and halfway above an odd one (up). */
    const float floats[4] = { 1, 1 + 0x1p-11f, 1 + 0x1.1p-11f, 1 + 3 * 0x1p-11f };
    uint16_t small[4];
    CHECK_OK(vecstore_convert(floats, F32, small, F16, 4));
    CHECK_EQ(small[0], 0x3c00);
    CHECK_EQ(small[1], 0x3c00);
    CHECK_EQ(small[2], 0x3c01);
    CHECK_EQ(small[3], 0x3c02);
    const float coarse[4] = { 1, 1 + 0x1p-8f, 1 + 0x1.1p-8f, 1 + 3 * 0x1p-8f };
    CHECK_OK(vecstore_convert(coarse, F32, small, BF16, 4));
    CHECK_EQ(small[0], 0x3f80);
    CHECK_EQ(small[1], 0x3f80);
    CHECK_EQ(small[2], 0x3f81);
    CHECK_EQ(small[3], 0x3f82);
    const float integers[5] = { 0.5f, 1.5f, -2.5f, 126.7f, -128.4f };
    int8_t bytes[5];
    CHECK_OK(vecstore_convert(integers, F32, bytes, I8, 5));
    const int8_t expected[5] = { 0, 2, -2, 127, -128 };
    for (int i = 0; i < 5; i++) CHECK_EQ((uint8_t)bytes[i], (uint8_t)expected[i]);
    const float positive[3] = { 254.5f, 255.4f, -0.4f };
    uint8_t unsigned_bytes[3];
    CHECK_OK(vecstore_convert(positive, F32, unsigned_bytes, U8, 3));
    CHECK_EQ(unsigned_bytes[0], 254);
    CHECK_EQ(unsigned_bytes[1], 255);
    CHECK_EQ(unsigned_bytes[2], 0);
}

static void every_float16_survives_float32(void) {
    for (uint32_t half = 0; half < 0x10000; half++) {
        if ((half & 0x7c00) == 0x7c00) continue;
        uint16_t source = (uint16_t)half, back;
        float wide;
        CHECK_OK(vecstore_convert(&source, F16, &wide, F32, 1));
        CHECK_FLOAT(wide, element(&source, F16, 0));
        CHECK_OK(vecstore_convert(&wide, F32, &back, F16, 1));
        CHECK_EQ(back, source);
    }
}

static void every_byte_survives_every_float(void) {
    static const vecstore_dtype floats[] = { F32, F16, BF16 };
    for (int t = 0; t < 3; t++) {
        uint8_t source[256], back[256];
        float wide[256];
        for (int i = 0; i < 256; i++) source[i] = (uint8_t)i;
        CHECK_OK(vecstore_convert(source, U8, wide, floats[t], 256));
        CHECK_FLOAT(element(wide, floats[t], 200), 200);
        CHECK_OK(vecstore_convert(wide, floats[t], back, U8, 256));
        CHECK(memcmp(source, back, 256) == 0);
        CHECK_OK(vecstore_convert(source, I8, wide, floats[t], 256));
        CHECK_FLOAT(element(wide, floats[t], 200), -56);
        CHECK_OK(vecstore_convert(wide, floats[t], back, I8, 256));
        CHECK(memcmp(source, back, 256) == 0);
    }
}

static void conversion_works_at_any_length_and_alignment(void) {
    for (size_t count = 0; count <= 70; count++) {
        float floats[70] = { 0 };
        unsigned char odd[2 * 70 + 1];
        for (size_t i = 0; i < count; i++) floats[i] = (float)i - 30;
        CHECK_OK(vecstore_convert(floats, F32, odd + 1, F16, count));
        float back[70];
        CHECK_OK(vecstore_convert(odd + 1, F16, back, F32, count));
        for (size_t i = 0; i < count; i++) CHECK_FLOAT(back[i], floats[i]);
    }
    CHECK_OK(vecstore_convert(NULL, F32, NULL, F16, 0));
}

static void values_beyond_the_new_type_are_refused(void) {
    const float large[1] = { 65520 }, huge[1] = { FLT_MAX }, above[1] = { 127.6f }, below[1] = { -0.6f };
    unsigned char target[4];
    CHECK_ERROR(TOO_LARGE, vecstore_convert(large, F32, target, F16, 1));
    CHECK_ERROR(TOO_LARGE, vecstore_convert(huge, F32, target, BF16, 1));
    CHECK_ERROR(TOO_LARGE, vecstore_convert(above, F32, target, I8, 1));
    CHECK_ERROR(TOO_LARGE, vecstore_convert(below, F32, target, U8, 1));
    const float most[1] = { 65519 };
    CHECK_OK(vecstore_convert(most, F32, target, F16, 1));
}

static void nan_and_infinity_are_never_converted(void) {
    static const vecstore_dtype floats[] = { F32, F16, BF16 };
    static const vecstore_dtype targets[] = { F32, F16, BF16, I8, U8 };
    static const uint32_t bits[3][2] = { { 0x7fc00000, 0xff800000 }, { 0x7e00, 0xfc00 }, { 0x7fc0, 0xff80 } };
    float target[1];
    for (int from = 0; from < 3; from++) {
        for (int to = 0; to < 5; to++) {
            for (int which = 0; which < 2; which++) {
                note("from %s to %s", dtype_name(floats[from]), dtype_name(targets[to]));
                CHECK_ERROR(NOT_FINITE, vecstore_convert(&bits[from][which], floats[from], target, targets[to], 1));
            }
        }
    }
}

static void bits_convert_to_nothing_else(void) {
    unsigned char source[8] = { 1 }, target[64];
    for (vecstore_dtype dtype = F32; dtype <= U8; dtype++) {
        CHECK_ERROR(UNSUPPORTED, vecstore_convert(source, BITS, target, dtype, 8));
        CHECK_ERROR(UNSUPPORTED, vecstore_convert(source, dtype, target, BITS, 1));
    }
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(norms_are_euclidean),
        TEST(norms_refuse_bits_and_what_is_not_finite),
        TEST(normalize_scales_to_norm_1),
        TEST(normalize_changes_nothing_where_it_fails),
        TEST(normalize_refuses_types_that_cannot_hold_norm_1),
        TEST(conversion_rounds_to_nearest_even),
        TEST(every_float16_survives_float32),
        TEST(every_byte_survives_every_float),
        TEST(conversion_works_at_any_length_and_alignment),
        TEST(values_beyond_the_new_type_are_refused),
        TEST(nan_and_infinity_are_never_converted),
        TEST(bits_convert_to_nothing_else),
    };
    return RUN_TESTS(tests);
}
