/*
 * Sizes of vectors, distances, and matrices of distances.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sizes and pairs ---- */

static void row_size_counts_the_bytes_of_a_vector(void) {
    CHECK_EQ(vecstore_row_size(F32, 3), 12);
    CHECK_EQ(vecstore_row_size(F16, 3), 6);
    CHECK_EQ(vecstore_row_size(BF16, 3), 6);
    CHECK_EQ(vecstore_row_size(I8, 3), 3);
    CHECK_EQ(vecstore_row_size(U8, 3), 3);
    CHECK_EQ(vecstore_row_size(BITS, 8), 1);
    CHECK_EQ(vecstore_row_size(BITS, 9), 2);
    CHECK_EQ(vecstore_row_size(F32, VECSTORE_DIM_MAX), 4 * VECSTORE_DIM_MAX);
}

static void row_size_is_0_where_dtype_or_dim_is_not_valid(void) {
    CHECK_EQ(vecstore_row_size(F32, 0), 0);
    CHECK_EQ(vecstore_row_size(F32, VECSTORE_DIM_MAX + 1), 0);
    CHECK_EQ(vecstore_row_size(F32, SIZE_MAX), 0);
    CHECK_EQ(vecstore_row_size(F32, SIZE_MAX / 2 + 1), 0);
    CHECK_EQ(vecstore_row_size(0, 3), 0);
    CHECK_EQ(vecstore_row_size(7, 3), 0);
    CHECK_EQ(vecstore_row_size(UINT32_MAX, 3), 0);
}

static void only_bit_metrics_go_with_bits(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            bool is_of_bits = metric == HAMMING || metric == JACCARD;
            CHECK_EQ(vecstore_is_supported(metric, dtype), is_of_bits == (dtype == BITS));
        }
    }
    CHECK(!vecstore_is_supported(0, F32));
    CHECK(!vecstore_is_supported(7, F32));
    CHECK(!vecstore_is_supported(L2SQ, 0));
    CHECK(!vecstore_is_supported(L2SQ, 7));
    CHECK(!vecstore_is_supported(UINT32_MAX, UINT32_MAX));
}

/* ---- distance ---- */

static float distance(const void *a, const void *b, size_t dim, vecstore_metric metric, vecstore_dtype dtype) {
    float result = NAN;
    CHECK_OK(vecstore_distance(a, b, dim, metric, dtype, &result));
    return result;
}

static void distances_of_float32(void) {
    const float a[3] = { 1, 2, 2 }, b[3] = { 4, -2, 2 };
    CHECK_FLOAT(distance(a, b, 3, L2SQ, F32), 9 + 16);
    CHECK_FLOAT(distance(a, b, 3, IP, F32), -(4 - 4 + 4));
    CHECK_NEAR(distance(a, b, 3, COSINE, F32), 1 - 4 / (3 * sqrt(24)), 1e-7);
    CHECK_FLOAT(distance(a, b, 3, L1, F32), 3 + 4);
}

static void distances_of_small_floats(void) {
    static const vecstore_dtype dtypes[] = { F16, BF16 };
    for (int t = 0; t < 2; t++) {
        uint16_t a[3], b[3];
        const double x[3] = { 1, 2, 2 }, y[3] = { 4, -2, 2 };
        for (size_t i = 0; i < 3; i++) {
            set_element(a, dtypes[t], i, x[i]);
            set_element(b, dtypes[t], i, y[i]);
        }
        CHECK_FLOAT(distance(a, b, 3, L2SQ, dtypes[t]), 25);
        CHECK_FLOAT(distance(a, b, 3, IP, dtypes[t]), -4);
        CHECK_NEAR(distance(a, b, 3, COSINE, dtypes[t]), 1 - 4 / (3 * sqrt(24)), 1e-7);
        CHECK_FLOAT(distance(a, b, 3, L1, dtypes[t]), 7);
    }
}

static void distances_of_bytes(void) {
    const int8_t a[3] = { -128, 2, 127 }, b[3] = { 127, 2, -128 };
    CHECK_FLOAT(distance(a, b, 3, L2SQ, I8), 2 * 255 * 255);
    CHECK_FLOAT(distance(a, b, 3, IP, I8), 2 * 128 * 127 - 4);
    CHECK_FLOAT(distance(a, b, 3, L1, I8), 2 * 255);
    CHECK_NEAR(distance(a, b, 3, COSINE, I8), 1 + 32508.0 / 32517, 1e-6);
    const uint8_t c[2] = { 255, 0 }, d[2] = { 0, 255 };
    CHECK_FLOAT(distance(c, d, 2, L2SQ, U8), 2 * 255 * 255);
    CHECK_FLOAT(distance(c, d, 2, IP, U8), 0);
    CHECK_FLOAT(distance(c, d, 2, COSINE, U8), 1);
    CHECK_FLOAT(distance(c, d, 2, L1, U8), 510);
}

static void distances_of_bits(void) {
    const uint8_t a[2] = { 0xf0, 0x01 }, b[2] = { 0x3c, 0x01 }, none[2] = { 0, 0 };
    CHECK_FLOAT(distance(a, b, 9, HAMMING, BITS), 4);
    CHECK_NEAR(distance(a, b, 9, JACCARD, BITS), 1 - 3.0 / 7, 1e-7);
    CHECK_FLOAT(distance(a, none, 9, JACCARD, BITS), 1);
    CHECK_FLOAT(distance(none, none, 9, JACCARD, BITS), 0);
}

static void distances_match_their_definition(void) {
    static const size_t dims[] = { 1, 2, 7, 8, 15, 31, 33, 64, 100, 129, 384, 1536 };
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
                size_t dim = dims[d], size = vecstore_row_size(dtype, dim);
                unsigned char *vectors = random_vectors(dtype, dim, 20, 7 * dim + dtype);
                note("%s of %s, dim %zu", metric_name(metric), dtype_name(dtype), dim);
                for (size_t i = 0; i < 10; i++) {
                    double most_error;
                    const void *a = vectors + i * size, *b = vectors + (i + 10) * size;
                    double expected = slow_distance(a, b, dim, metric, dtype, &most_error);
                    CHECK_NEAR(distance(a, b, dim, metric, dtype), expected, most_error);
                }
                free(vectors);
            }
        }
    }
}

/* Any floats of a wide range of sizes, and any bytes. */
static void fill_wild(void *vector, vecstore_dtype dtype, size_t dim, uint64_t *state) {
    if (dtype != F32) {
        fill_random(vector, dtype, dim, 1, state);
        return;
    }
    for (size_t i = 0; i < dim; i++) {
        float value = (float)ldexp((double)(random_bits(state) >> 40) - 8388608, (int)random_below(state, 40) - 40);
        memcpy((char *)vector + 4 * i, &value, 4);
    }
}

static void distance_to_itself_is_exactly_0(void) {
    static const vecstore_metric metrics[] = { L2SQ, COSINE, L1, HAMMING, JACCARD };
    uint64_t state = 11;
    unsigned char vector[4 * 1536], copy[4 * 1536];
    for (int m = 0; m < 5; m++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metrics[m], dtype)) continue;
            for (int repeat = 0; repeat < 300; repeat++) {
                size_t dim = 1 + random_below(&state, 1536);
                fill_wild(vector, dtype, dim, &state);
                memcpy(copy, vector, sizeof copy);
                note("%s of %s, dim %zu", metric_name(metrics[m]), dtype_name(dtype), dim);
                CHECK_FLOAT(distance(vector, copy, dim, metrics[m], dtype), 0);
            }
        }
    }
}

static void distance_is_never_negative_but_for_ip(void) {
    uint64_t state = 12;
    float a[64], b[64];
    for (int repeat = 0; repeat < 2000; repeat++) {
        size_t dim = 1 + random_below(&state, 64);
        fill_wild(a, F32, dim, &state);
        memcpy(b, a, sizeof b);
        /* The closest neighbours there are: where cosine would fall below 0 by rounding. */
        size_t i = random_below(&state, dim);
        b[i] = nextafterf(b[i], INFINITY);
        CHECK(distance(a, b, dim, L2SQ, F32) >= 0);
        CHECK(distance(a, b, dim, L1, F32) >= 0);
        float cosine = distance(a, b, dim, COSINE, F32);
        CHECK(cosine >= 0 && cosine <= 2);
    }
}

static void distance_does_not_depend_on_the_order_of_its_vectors(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            unsigned char *vectors = random_vectors(dtype, 77, 2, 5);
            const void *other = vectors + vecstore_row_size(dtype, 77);
            CHECK_FLOAT(distance(vectors, other, 77, metric, dtype), distance(other, vectors, 77, metric, dtype));
            free(vectors);
        }
    }
}

static void vectors_need_no_alignment(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            size_t size = vecstore_row_size(dtype, 67);
            unsigned char *vectors = random_vectors(dtype, 67, 2, 5), odd[2 * 4 * 67 + 8];
            float expected = distance(vectors, vectors + size, 67, metric, dtype);
            for (size_t shift = 1; shift < 8; shift++) {
                memcpy(odd + shift, vectors, 2 * size);
                CHECK_FLOAT(distance(odd + shift, odd + shift + size, 67, metric, dtype), expected);
            }
            free(vectors);
        }
    }
}

static void nothing_is_read_behind_a_vector(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            for (size_t dim = 1; dim <= 130; dim++) {
                size_t size = vecstore_row_size(dtype, dim);
                unsigned char *vectors = random_vectors(dtype, dim, 2, dim);
                note("%s of %s, dim %zu", metric_name(metric), dtype_name(dtype), dim);
                float expected = distance(vectors, vectors + size, dim, metric, dtype);
                const void *a = fenced_copy(vectors, size), *b = fenced_copy(vectors + size, size);
                CHECK_FLOAT(distance(a, b, dim, metric, dtype), expected);
                free(vectors);
            }
        }
    }
}

static void the_largest_dim_works(void) {
    size_t dim = VECSTORE_DIM_MAX;
    uint8_t *bytes = malloc(2 * dim), *other = bytes + dim;
    REQUIRE(bytes);
    memset(bytes, 255, dim);
    memset(other, 0, dim);
    CHECK_FLOAT(distance(bytes, other, dim, L2SQ, U8), 65536.0 * 65025);
    CHECK_FLOAT(distance(bytes, bytes, dim, IP, U8), -65536.0 * 65025);
    memset(bytes, 0x80, dim);
    CHECK_FLOAT(distance(bytes, bytes, dim, IP, I8), -65536.0 * 16384);
    memset(other, 127, dim);
    CHECK_FLOAT(distance(bytes, other, dim, L2SQ, I8), 65536.0 * 65025);
    CHECK_FLOAT(distance(bytes, other, dim, L1, I8), 65536.0 * 255);
    memset(bytes, 0xff, dim / 8);
    memset(other, 0, dim / 8);
    CHECK_FLOAT(distance(bytes, other, dim, HAMMING, BITS), 65536);
    free(bytes);
}

static void metrics_of_other_dtypes_are_refused(void) {
    const float a[2] = { 1, 2 };
    float result;
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (vecstore_is_supported(metric, dtype)) continue;
            CHECK_ERROR(UNSUPPORTED, vecstore_distance(a, a, 2, metric, dtype, &result));
        }
    }
}

static void vectors_that_have_no_distance_are_refused(void) {
    const float good[3] = { 1, 2, 3 }, zero[3] = { 0, -0.0f, 0 };
    const float nan[3] = { 1, NAN, 3 }, infinite[3] = { 1, 2, -INFINITY }, large[3] = { 1, FLT_MAX, 1 };
    float result;
    for (vecstore_metric metric = L2SQ; metric <= L1; metric++) {
        CHECK_ERROR(NOT_FINITE, vecstore_distance(nan, good, 3, metric, F32, &result));
        CHECK_ERROR(NOT_FINITE, vecstore_distance(good, infinite, 3, metric, F32, &result));
        CHECK_ERROR(TOO_LARGE, vecstore_distance(good, large, 3, metric, F32, &result));
    }
    CHECK_ERROR(ZERO_VECTOR, vecstore_distance(zero, good, 3, COSINE, F32, &result));
    CHECK_ERROR(ZERO_VECTOR, vecstore_distance(good, zero, 3, COSINE, F32, &result));
    CHECK_FLOAT(distance(zero, good, 3, L2SQ, F32), 14);
    const int8_t zero_bytes[3] = { 0 }, bytes[3] = { 1, 2, 3 };
    CHECK_ERROR(ZERO_VECTOR, vecstore_distance(zero_bytes, bytes, 3, COSINE, I8, &result));
    const uint16_t half_nan[3] = { 0x3c00, 0x7e00, 0x3c00 }, half_infinite[3] = { 0x3c00, 0x3c00, 0xfc00 };
    CHECK_ERROR(NOT_FINITE, vecstore_distance(half_nan, half_nan, 3, L2SQ, F16, &result));
    CHECK_ERROR(NOT_FINITE, vecstore_distance(half_infinite, half_infinite, 3, L1, F16, &result));
    const uint16_t brain_infinite[3] = { 0x3f80, 0x7f80, 0x3f80 };
    CHECK_ERROR(NOT_FINITE, vecstore_distance(brain_infinite, brain_infinite, 3, IP, BF16, &result));
}

static void bits_beyond_dim_are_refused(void) {
    const uint8_t good[2] = { 0xff, 0x0f }, bad[2] = { 0xff, 0x1f };
    float result;
    CHECK_FLOAT(distance(good, good, 12, HAMMING, BITS), 0);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(good, bad, 12, HAMMING, BITS, &result));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(bad, good, 12, JACCARD, BITS, &result));
    CHECK_FLOAT(distance(bad, bad, 13, HAMMING, BITS), 0);
}

/* ---- pairwise ---- */

static void pairwise_fills_a_matrix_by_rows(void) {
    const float queries[2][2] = { { 0, 0 }, { 1, 1 } }, base[3][2] = { { 0, 0 }, { 3, 4 }, { 1, 0 } };
    float result[6];
    CHECK_OK(vecstore_pairwise(queries, 2, base, 3, 2, L2SQ, F32, 0, result));
    const float expected[6] = { 0, 25, 1, 2, 13, 1 };
    for (int i = 0; i < 6; i++) CHECK_FLOAT(result[i], expected[i]);
}

static void pairwise_equals_distance_for_any_threads_and_batch(void) {
    static const size_t batches[] = { 1, 7, 64, 1000 };
    const size_t n = 300, most = 1000, dim = 37;
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            size_t size = vecstore_row_size(dtype, dim);
            unsigned char *queries = random_vectors(dtype, dim, most, 1), *base = random_vectors(dtype, dim, n, 2);
            float *result = malloc(most * n * sizeof *result);
            REQUIRE(result);
            for (int b = 0; b < 4; b++) {
                for (uint32_t threads = 1; threads <= 2; threads++) {
                    CHECK_OK(vecstore_pairwise(queries, batches[b], base, n, dim, metric, dtype, threads, result));
                    note("%s of %s, %zu queries", metric_name(metric), dtype_name(dtype), batches[b]);
                    for (size_t i = 0; i < batches[b]; i += 97) {
                        for (size_t j = 0; j < n; j += 7) {
                            float single = distance(queries + i * size, base + j * size, dim, metric, dtype);
                            CHECK_FLOAT(result[i * n + j], single);
                        }
                    }
                }
            }
            free(result);
            free(queries);
            free(base);
        }
    }
}

static void pairwise_of_nothing_succeeds(void) {
    const float vectors[2] = { 1, 2 };
    CHECK_OK(vecstore_pairwise(NULL, 0, vectors, 1, 2, L2SQ, F32, 0, NULL));
    CHECK_OK(vecstore_pairwise(vectors, 1, NULL, 0, 2, L2SQ, F32, 0, NULL));
    CHECK_OK(vecstore_pairwise(NULL, 0, NULL, 0, 2, L2SQ, F32, 0, NULL));
}

static void pairwise_refuses_bad_vectors(void) {
    const float good[4] = { 1, 2, 3, 4 }, nan[4] = { 1, 2, NAN, 4 }, zero[4] = { 1, 2, 0, 0 };
    float result[4];
    CHECK_ERROR(NOT_FINITE, vecstore_pairwise(nan, 2, good, 2, 2, L2SQ, F32, 0, result));
    CHECK_ERROR(NOT_FINITE, vecstore_pairwise(good, 2, nan, 2, 2, L1, F32, 0, result));
    CHECK_ERROR(ZERO_VECTOR, vecstore_pairwise(zero, 2, good, 2, 2, COSINE, F32, 0, result));
    CHECK_ERROR(ZERO_VECTOR, vecstore_pairwise(good, 2, zero, 2, 2, COSINE, F32, 0, result));
    CHECK_ERROR(UNSUPPORTED, vecstore_pairwise(good, 2, good, 2, 2, HAMMING, F32, 0, result));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(row_size_counts_the_bytes_of_a_vector),
        TEST(row_size_is_0_where_dtype_or_dim_is_not_valid),
        TEST(only_bit_metrics_go_with_bits),
        TEST(distances_of_float32),
        TEST(distances_of_small_floats),
        TEST(distances_of_bytes),
        TEST(distances_of_bits),
        TEST(distances_match_their_definition),
        TEST(distance_to_itself_is_exactly_0),
        TEST(distance_is_never_negative_but_for_ip),
        TEST(distance_does_not_depend_on_the_order_of_its_vectors),
        TEST(vectors_need_no_alignment),
        TEST(nothing_is_read_behind_a_vector),
        TEST(the_largest_dim_works),
        TEST(metrics_of_other_dtypes_are_refused),
        TEST(vectors_that_have_no_distance_are_refused),
        TEST(bits_beyond_dim_are_refused),
        TEST(pairwise_fills_a_matrix_by_rows),
        TEST(pairwise_equals_distance_for_any_threads_and_batch),
        TEST(pairwise_of_nothing_succeeds),
        TEST(pairwise_refuses_bad_vectors),
    };
    return RUN_TESTS(tests);
}
