/*
 * vecstore_knn: exact search over a block of vectors, without an index.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void knn_finds_the_nearest_first(void) {
    const float base[4][2] = { { 5, 0 }, { 1, 0 }, { 3, 0 }, { -1, 0 } }, queries[2][2] = { { 0, 0 }, { 4.5f, 0 } };
    uint64_t ids[6], counts[2];
    float distances[6];
    CHECK_OK(vecstore_knn(queries, 2, base, 4, 2, L2SQ, F32, 3, NULL, ids, distances, counts));
    const uint64_t expected_ids[6] = { 1, 3, 2, 0, 2, 1 };
    const float expected[6] = { 1, 1, 9, 0.25f, 2.25f, 12.25f };
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(ids[i], expected_ids[i]);
        CHECK_FLOAT(distances[i], expected[i]);
    }
    CHECK_EQ(counts[0], 3);
    CHECK_EQ(counts[1], 3);
}

static void results_beyond_the_block_are_filled_up(void) {
    const float base[2] = { 5, 1 }, query[1] = { 0 };
    uint64_t ids[4], counts[1];
    float distances[4];
    CHECK_OK(vecstore_knn(query, 1, base, 2, 1, L2SQ, F32, 4, NULL, ids, distances, counts));
    CHECK_EQ(counts[0], 2);
    CHECK_EQ(ids[0], 1);
    CHECK_EQ(ids[1], 0);
    for (int i = 2; i < 4; i++) {
        CHECK_EQ(ids[i], VECSTORE_ID_NONE);
        CHECK_FLOAT(distances[i], INFINITY);
    }
}

static void an_empty_block_has_no_results(void) {
    const float query[1] = { 0 };
    uint64_t ids[2], counts[1] = { 7 };
    float distances[2];
    CHECK_OK(vecstore_knn(query, 1, NULL, 0, 1, L2SQ, F32, 2, NULL, ids, distances, counts));
    CHECK_EQ(counts[0], 0);
    CHECK_EQ(ids[0], VECSTORE_ID_NONE);
    CHECK_FLOAT(distances[1], INFINITY);
}

static void no_queries_is_no_error(void) {
    const float base[1] = { 0 };
    CHECK_OK(vecstore_knn(NULL, 0, base, 1, 1, L2SQ, F32, 2, NULL, NULL, NULL, NULL));
    CHECK_OK(vecstore_knn(NULL, 0, NULL, 0, 1, L2SQ, F32, 2, NULL, NULL, NULL, NULL));
}

static void counts_may_be_null(void) {
    const float base[1] = { 0 };
    uint64_t ids[1];
    float distances[1];
    CHECK_OK(vecstore_knn(base, 1, base, 1, 1, L2SQ, F32, 1, NULL, ids, distances, NULL));
    CHECK_EQ(ids[0], 0);
}

static void ties_are_ordered_by_position(void) {
    float base[500];
    for (int i = 0; i < 500; i++) base[i] = i % 2 ? 1 : -1;
    const float query[1] = { 0 };
    uint64_t ids[20];
    float distances[20];
    CHECK_OK(vecstore_knn(query, 1, base, 500, 1, L2SQ, F32, 20, NULL, ids, distances, NULL));
    for (uint64_t i = 0; i < 20; i++) CHECK_EQ(ids[i], i);
}

static bool is_odd(uint64_t id, void *payload) {
    ++*(int *)payload;
    return id % 2;
}

static void filters_see_positions(void) {
    const float base[4] = { 0, 1, 2, 3 }, query[1] = { 0 };
    int calls = 0;
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_CALLBACK;
    filter.callback = is_odd;
    filter.payload = &calls;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = &filter;
    uint64_t ids[4], counts[1];
    float distances[4];
    CHECK_OK(vecstore_knn(query, 1, base, 4, 1, L2SQ, F32, 4, &options, ids, distances, counts));
    CHECK_EQ(calls, 4);
    CHECK_EQ(counts[0], 2);
    CHECK_EQ(ids[0], 1);
    CHECK_EQ(ids[1], 3);
}

/* The k nearest by comparing with all, in the order of distance and position. */
static void slow_knn(const void *query, const unsigned char *base, size_t n, size_t dim, vecstore_metric metric,
                     vecstore_dtype dtype, size_t k, uint64_t *ids, float *distances) {
    for (size_t i = 0; i < k; i++) distances[i] = INFINITY;
    for (size_t j = 0; j < n; j++) {
        float distance;
        REQUIRE_OK(vecstore_distance(query, base + j * vecstore_row_size(dtype, dim), dim, metric, dtype, &distance));
        size_t place = k;
        while (place > 0 && distance < distances[place - 1]) place--;
        if (place == k) continue;
        memmove(ids + place + 1, ids + place, (k - 1 - place) * sizeof *ids);
        memmove(distances + place + 1, distances + place, (k - 1 - place) * sizeof *distances);
        ids[place] = j;
        distances[place] = distance;
    }
}

static void knn_is_exact_for_any_threads_and_batch(void) {
    static const size_t batches[] = { 1, 7, 64, 1000 }, dims[] = { 5, 48, 200 };
    const size_t n = 1500, most = 1000, k = 10;
    uint64_t *ids = malloc(most * k * sizeof *ids), *expected_ids = malloc(most * k * sizeof *ids);
    float *distances = malloc(most * k * sizeof *distances), *expected = malloc(most * k * sizeof *distances);
    REQUIRE(ids && expected_ids && distances && expected);
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            for (int d = 0; d < 3; d++) {
                size_t dim = dims[d], size = vecstore_row_size(dtype, dim);
                unsigned char *queries = random_vectors(dtype, dim, most, 1), *base = random_vectors(dtype, dim, n, 2);
                /* Rows that come several times are ties. */
                memcpy(base + 700 * size, base, 300 * size);
                memcpy(queries, base, 5 * size);
                for (size_t i = 0; i < most; i += 37) {
                    slow_knn(
                        queries + i * size, base, n, dim, metric, dtype, k, expected_ids + i * k, expected + i * k);
                }
                for (int b = 0; b < 4; b++) {
                    for (uint32_t threads = 1; threads <= 2; threads++) {
                        note("%s of %s, dim %zu, %zu queries", metric_name(metric), dtype_name(dtype), dim, batches[b]);
                        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
                        options.threads = threads;
                        CHECK_OK(vecstore_knn(
                            queries, batches[b], base, n, dim, metric, dtype, k, &options, ids, distances, NULL));
                        for (size_t i = 0; i < batches[b]; i += 37) {
                            CHECK(memcmp(ids + i * k, expected_ids + i * k, k * sizeof *ids) == 0);
                            CHECK(memcmp(distances + i * k, expected + i * k, k * sizeof *distances) == 0);
                        }
                    }
                }
                free(queries);
                free(base);
            }
        }
    }
    free(ids);
    free(expected_ids);
    free(distances);
    free(expected);
}

static void blocks_need_no_alignment(void) {
    const size_t n = 100, dim = 40, nq = 20, k = 5;
    unsigned char *base = random_vectors(F32, dim, n, 1), *queries = random_vectors(F32, dim, nq, 2);
    unsigned char *odd_base = malloc(n * dim * 4 + 8), *odd_queries = malloc(nq * dim * 4 + 8);
    REQUIRE(odd_base && odd_queries);
    uint64_t expected_ids[100], ids[100];
    float expected[100], distances[100];
    CHECK_OK(vecstore_knn(queries, nq, base, n, dim, IP, F32, k, NULL, expected_ids, expected, NULL));
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(odd_base + shift, base, n * dim * 4);
        memcpy(odd_queries + (shift + 3) % 8, queries, nq * dim * 4);
        CHECK_OK(vecstore_knn(
            odd_queries + (shift + 3) % 8, nq, odd_base + shift, n, dim, IP, F32, k, NULL, ids, distances, NULL));
        CHECK(memcmp(ids, expected_ids, sizeof ids) == 0);
        CHECK(memcmp(distances, expected, sizeof distances) == 0);
    }
    free(base);
    free(queries);
    free(odd_base);
    free(odd_queries);
}

static void nothing_is_read_behind_a_block(void) {
    static const size_t counts[] = { 1, 5, 17, 130 };
    uint64_t ids[3 * 64];
    float distances[3 * 64];
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            for (size_t dim = 1; dim <= 100; dim += 9) {
                size_t size = vecstore_row_size(dtype, dim);
                for (int c = 0; c < 4; c++) {
                    unsigned char *vectors = random_vectors(dtype, dim, counts[c], dim);
                    const void *base = fenced_copy(vectors, counts[c] * size);
                    size_t nq = counts[c] < 64 ? counts[c] : 64;
                    const void *queries = fenced_copy(vectors, nq * size);
                    note("%s of %s, dim %zu, n %zu", metric_name(metric), dtype_name(dtype), dim, counts[c]);
                    CHECK_OK(vecstore_knn(
                        queries, nq, base, counts[c], dim, metric, dtype, 3, NULL, ids, distances, NULL));
                    free(vectors);
                }
            }
        }
    }
}

static void k_may_be_as_large_as_it_gets(void) {
    const float base[3] = { 2, 0, 1 }, query[1] = { 0 };
    uint64_t *ids = malloc(VECSTORE_K_MAX * sizeof *ids), count;
    float *distances = malloc(VECSTORE_K_MAX * sizeof *distances);
    REQUIRE(ids && distances);
    CHECK_OK(vecstore_knn(query, 1, base, 3, 1, L2SQ, F32, VECSTORE_K_MAX, NULL, ids, distances, &count));
    CHECK_EQ(count, 3);
    CHECK_EQ(ids[0], 1);
    CHECK_EQ(ids[2], 0);
    CHECK_EQ(ids[VECSTORE_K_MAX - 1], VECSTORE_ID_NONE);
    free(ids);
    free(distances);
}

static void knn_refuses_bad_vectors(void) {
    const float good[4] = { 1, 2, 3, 4 }, nan[4] = { 1, 2, NAN, 4 }, zero[4] = { 1, 2, 0, 0 };
    uint64_t ids[2];
    float distances[2];
    CHECK_ERROR(NOT_FINITE, vecstore_knn(nan, 2, good, 2, 2, IP, F32, 1, NULL, ids, distances, NULL));
    CHECK_ERROR(NOT_FINITE, vecstore_knn(good, 2, nan, 2, 2, IP, F32, 1, NULL, ids, distances, NULL));
    CHECK_ERROR(ZERO_VECTOR, vecstore_knn(zero, 2, good, 2, 2, COSINE, F32, 1, NULL, ids, distances, NULL));
    CHECK_ERROR(ZERO_VECTOR, vecstore_knn(good, 2, zero, 2, 2, COSINE, F32, 1, NULL, ids, distances, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_knn(good, 2, good, 2, 2, JACCARD, F32, 1, NULL, ids, distances, NULL));
    /* Bits beyond dim 3. */
    const uint8_t bits[2] = { 1, 2 }, beyond[2] = { 1, 8 };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(bits, 2, beyond, 2, 3, HAMMING, BITS, 1, NULL, ids, distances, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(beyond, 2, bits, 2, 3, HAMMING, BITS, 1, NULL, ids, distances, NULL));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(knn_finds_the_nearest_first),
        TEST(results_beyond_the_block_are_filled_up),
        TEST(an_empty_block_has_no_results),
        TEST(no_queries_is_no_error),
        TEST(counts_may_be_null),
        TEST(ties_are_ordered_by_position),
        TEST(filters_see_positions),
        TEST(knn_is_exact_for_any_threads_and_batch),
        TEST(blocks_need_no_alignment),
        TEST(nothing_is_read_behind_a_block),
        TEST(k_may_be_as_large_as_it_gets),
        TEST(knn_refuses_bad_vectors),
    };
    return RUN_TESTS(tests);
}
