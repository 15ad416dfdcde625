/*
 * Search and range search over an index.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- search ---- */

static void search_finds_the_nearest_first(void) {
    const float queries[2] = { 3.25f, 20 };
    uint64_t ids[6], counts[2];
    float distances[6];
    vecstore_index *index = ten_rows();
    CHECK_OK(vecstore_index_search(index, queries, F32, 2, 3, NULL, ids, distances, counts));
    const uint64_t expected_ids[6] = { 103, 104, 102, 109, 108, 107 };
    const float expected[6] = { 0.0625f, 0.5625f, 1.5625f, 121, 144, 169 };
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(ids[i], expected_ids[i]);
        CHECK_FLOAT(distances[i], expected[i]);
    }
    CHECK_EQ(counts[0], 3);
    CHECK_EQ(counts[1], 3);
    vecstore_index_free(index);
}

static void results_beyond_the_rows_are_filled_up(void) {
    uint64_t ids[12], counts[1];
    float distances[12];
    vecstore_index *index = ten_rows();
    CHECK_OK(vecstore_index_search(index, at_zero, F32, 1, 12, NULL, ids, distances, counts));
    CHECK_EQ(counts[0], 10);
    CHECK_EQ(ids[9], 109);
    for (int i = 10; i < 12; i++) {
        CHECK_EQ(ids[i], VECSTORE_ID_NONE);
        CHECK_FLOAT(distances[i], INFINITY);
    }
    vecstore_index_free(index);
}

static void an_empty_index_has_no_results(void) {
    uint64_t ids[2], counts[1] = { 5 };
    float distances[2];
    vecstore_index *index = new_index(L2SQ, F32, 1);
    CHECK_OK(vecstore_index_search(index, at_zero, F32, 1, 2, NULL, ids, distances, counts));
    CHECK_EQ(counts[0], 0);
    CHECK_EQ(ids[1], VECSTORE_ID_NONE);
    CHECK_FLOAT(distances[0], INFINITY);
    vecstore_index_free(index);
}

static void no_queries_is_no_error(void) {
    vecstore_index *index = ten_rows();
    CHECK_OK(vecstore_index_search(index, NULL, F32, 0, 3, NULL, NULL, NULL, NULL));
    vecstore_range_result *result = NULL;
    REQUIRE_OK(vecstore_index_search_range(index, NULL, F32, 0, 1, NULL, &result));
    size_t nq = 9;
    const uint64_t *offsets;
    CHECK_OK(vecstore_range_result_get(result, &nq, &offsets, NULL, NULL));
    CHECK_EQ(nq, 0);
    CHECK_EQ(offsets[0], 0);
    vecstore_range_result_free(result);
    vecstore_index_free(index);
}

static void queries_may_have_any_float_type(void) {
    static const vecstore_dtype floats[] = { F32, F16, BF16 };
    for (int of = 0; of < 3; of++) {
        vecstore_index *index = new_index(L2SQ, floats[of], 3);
        float row[3] = { 1, 2, 3 };
        CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
        for (int from = 0; from < 3; from++) {
            unsigned char query[13];
            for (size_t i = 0; i < 3; i++) set_element(query + 1, floats[from], i, (double)i);
            uint64_t id;
            float distance;
            CHECK_OK(vecstore_index_search(index, query + 1, floats[from], 1, 1, NULL, &id, &distance, NULL));
            CHECK_EQ(id, 0);
            CHECK_FLOAT(distance, 3);
        }
        vecstore_index_free(index);
    }
}

static void queries_of_other_types_are_refused(void) {
    unsigned char query[32] = { 1 };
    uint64_t id;
    float distance;
    for (vecstore_dtype of = first_dtype; of <= last_dtype; of++) {
        vecstore_index *index = new_index(of == BITS ? HAMMING : L2SQ, of, 8);
        for (vecstore_dtype from = first_dtype; from <= last_dtype; from++) {
            bool is_allowed = from == of || (from <= BF16 && of <= BF16);
            vecstore_status expected = is_allowed ? VECSTORE_OK : VECSTORE_ERR_UNSUPPORTED;
            note("%s in %s", dtype_name(from), dtype_name(of));
            vecstore_status status = vecstore_index_search(index, query, from, 1, 1, NULL, &id, &distance, NULL);
            check_status(status, expected, __FILE__, __LINE__, "search");
            status = vecstore_index_search(index, NULL, from, 0, 1, NULL, NULL, NULL, NULL);
            check_status(status, expected, __FILE__, __LINE__, "search of no queries");
            vecstore_range_result *result;
            status = vecstore_index_search_range(index, query, from, 1, 1, NULL, &result);
            check_status(status, expected, __FILE__, __LINE__, "range search");
            vecstore_range_result_free(result);
        }
        vecstore_index_free(index);
    }
}

static void bad_queries_are_refused(void) {
    const float nan[2] = { NAN, 1 }, infinite[2] = { 1, INFINITY }, zero[2] = { 0, 0 }, large[2] = { 1e30f, 0 };
    uint64_t id;
    float distance;
    vecstore_range_result *result = (vecstore_range_result *)1;
    vecstore_index *index = new_index(COSINE, F32, 2);
    CHECK_ERROR(NOT_FINITE, vecstore_index_search(index, nan, F32, 1, 1, NULL, &id, &distance, NULL));
    CHECK_ERROR(NOT_FINITE, vecstore_index_search(index, infinite, F32, 1, 1, NULL, &id, &distance, NULL));
    CHECK_ERROR(ZERO_VECTOR, vecstore_index_search(index, zero, F32, 1, 1, NULL, &id, &distance, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_index_search(index, large, F32, 1, 1, NULL, &id, &distance, NULL));
    CHECK_ERROR(NOT_FINITE, vecstore_index_search_range(index, nan, F32, 1, 1, NULL, &result));
    CHECK(result == NULL);
    CHECK_ERROR(ZERO_VECTOR, vecstore_index_search_range(index, zero, F32, 1, 1, NULL, &result));
    vecstore_index_free(index);
    const uint8_t bits[1] = { 0x10 };
    index = new_index(JACCARD, BITS, 4);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, bits, BITS, 1, 1, NULL, &id, &distance, NULL));
    vecstore_index_free(index);
}

static void ties_are_ordered_by_id(void) {
    const size_t n = 3000;
    float rows[3000];
    uint64_t ids[3000], found[50];
    float distances[50];
    for (uint64_t i = 0; i < n; i++) {
        rows[i] = i % 2 ? 1 : -1;
        ids[i] = i * 7919 % n + 5;
    }
    vecstore_index *index = new_index(L1, F32, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, n, ids, NULL, NULL));
    for (uint32_t threads = 1; threads <= 4; threads++) {
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.threads = threads;
        CHECK_OK(vecstore_index_search(index, at_zero, F32, 1, 50, &options, found, distances, NULL));
        for (uint64_t i = 0; i < 50; i++) CHECK_EQ(found[i], i + 5);
    }
    vecstore_index_free(index);
}

static void a_row_finds_itself_at_exactly_0(void) {
    static const vecstore_metric metrics[] = { L2SQ, COSINE, L1, HAMMING, JACCARD };
    const size_t n = 200;
    for (int m = 0; m < 5; m++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metrics[m], dtype)) continue;
            static const size_t dims[] = { 8, 63, 384 };
            for (int d = 0; d < 3; d++) {
                void *rows = random_vectors(dtype, dims[d], n, 9);
                vecstore_index *index = new_index(metrics[m], dtype, dims[d]);
                CHECK_OK(vecstore_index_add(index, rows, dtype, n, NULL, NULL, NULL));
                uint64_t ids[200];
                float distances[200];
                CHECK_OK(vecstore_index_search(index, rows, dtype, n, 1, NULL, ids, distances, NULL));
                note("%s of %s, dim %zu", metric_name(metrics[m]), dtype_name(dtype), dims[d]);
                for (size_t i = 0; i < n; i++) CHECK_FLOAT(distances[i], 0);
                vecstore_index_free(index);
                free(rows);
            }
        }
    }
}

/* ---- results against all distances, for any batch and number of threads ---- */

typedef struct hit {
    float distance;
    uint64_t id;
} hit;

static int compare_hits(const void *a, const void *b) {
    const hit *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

enum { hit_rows = 1500, hit_queries = 1000, hit_k = 10, hit_step = 61 };

/* All rows for each hit_step'th query, in the order that the header promises. */
static hit *all_hits(const unsigned char *queries, const unsigned char *rows, const uint64_t *ids, size_t dim,
                     vecstore_metric metric, vecstore_dtype dtype) {
    size_t size = vecstore_row_size(dtype, dim);
    hit *hits = malloc((hit_queries / hit_step + 1) * hit_rows * sizeof *hits);
    REQUIRE(hits);
    for (size_t i = 0; i < hit_queries; i += hit_step) {
        hit *of_query = hits + i / hit_step * hit_rows;
        for (size_t j = 0; j < hit_rows; j++) {
            of_query[j].id = ids[j];
            REQUIRE_OK(vecstore_distance(
                queries + i * size, rows + j * size, dim, metric, dtype, &of_query[j].distance));
        }
        qsort(of_query, hit_rows, sizeof *of_query, compare_hits);
    }
    return hits;
}

static void check_search(const vecstore_index *index, const void *queries, vecstore_dtype dtype, size_t nq,
                         uint32_t threads, const hit *hits) {
    static uint64_t ids[hit_queries * hit_k], counts[hit_queries];
    static float distances[hit_queries * hit_k];
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.threads = threads;
    CHECK_OK(vecstore_index_search(index, queries, dtype, nq, hit_k, &options, ids, distances, counts));
    for (size_t i = 0; i < nq; i += hit_step) {
        const hit *expected = hits + i / hit_step * hit_rows;
        CHECK_EQ(counts[i], hit_k);
        for (size_t r = 0; r < hit_k; r++) {
            CHECK_EQ(ids[i * hit_k + r], expected[r].id);
            CHECK_FLOAT(distances[i * hit_k + r], expected[r].distance);
        }
    }
}

static void check_range(const vecstore_index *index, const void *queries, vecstore_dtype dtype, size_t nq,
                        uint32_t threads, const hit *hits) {
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.threads = threads;
    /* The distance of a row itself: "at most the radius" holds for it. */
    float radius = hits[40].distance;
    vecstore_range_result *result;
    REQUIRE_OK(vecstore_index_search_range(index, queries, dtype, nq, radius, &options, &result));
    size_t result_nq;
    const uint64_t *offsets, *ids;
    const float *distances;
    CHECK_OK(vecstore_range_result_get(result, &result_nq, &offsets, &ids, &distances));
    CHECK_EQ(result_nq, nq);
    CHECK_EQ(offsets[0], 0);
    for (size_t i = 0; i < nq; i += hit_step) {
        const hit *expected = hits + i / hit_step * hit_rows;
        size_t count = 0;
        while (count < hit_rows && expected[count].distance <= radius) count++;
        if (!CHECK_EQ(offsets[i + 1] - offsets[i], count)) continue;
        for (size_t r = 0; r < count; r++) {
            CHECK_EQ(ids[offsets[i] + r], expected[r].id);
            CHECK_FLOAT(distances[offsets[i] + r], expected[r].distance);
        }
    }
    vecstore_range_result_free(result);
}

static void check_results(vecstore_metric metric, vecstore_dtype dtype, size_t dim) {
    static const size_t batches[] = { 1, 7, 64, hit_queries };
    size_t size = vecstore_row_size(dtype, dim);
    unsigned char *queries = random_vectors(dtype, dim, hit_queries, 1);
    unsigned char *rows = random_vectors(dtype, dim, hit_rows, 2);
    /* Rows that come several times are ties; queries that are rows have distance 0. */
    memcpy(rows + 700 * size, rows, 300 * size);
    memcpy(queries, rows, 3 * size);
    uint64_t ids[hit_rows];
    for (uint64_t i = 0; i < hit_rows; i++) ids[i] = i * 7919 % hit_rows;
    vecstore_index *index = new_index(metric, dtype, dim);
    for (size_t i = 0; i < hit_rows; i += 500) {
        CHECK_OK(vecstore_index_add(index, rows + i * size, dtype, 500, ids + i, NULL, NULL));
    }
    hit *hits = all_hits(queries, rows, ids, dim, metric, dtype);
    for (int b = 0; b < 4; b++) {
        for (uint32_t threads = 1; threads <= 2; threads++) {
            note("%s of %s, dim %zu, %zu queries", metric_name(metric), dtype_name(dtype), dim, batches[b]);
            check_search(index, queries, dtype, batches[b], threads, hits);
            check_range(index, queries, dtype, batches[b], threads, hits);
        }
    }
    vecstore_index_free(index);
    free(hits);
    free(queries);
    free(rows);
}

static void results_are_exact_for_any_threads_and_batch(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype)) continue;
            check_results(metric, dtype, 5);
            check_results(metric, dtype, 72);
        }
    }
}

/* ---- range search ---- */

static void range_search_finds_all_within_the_radius(void) {
    const float queries[3] = { 3, 50, 8.5f };
    vecstore_index *index = ten_rows();
    vecstore_range_result *result;
    REQUIRE_OK(vecstore_index_search_range(index, queries, F32, 3, 1, NULL, &result));
    size_t nq;
    const uint64_t *offsets, *ids;
    const float *distances;
    CHECK_OK(vecstore_range_result_get(result, &nq, &offsets, &ids, &distances));
    CHECK_EQ(nq, 3);
    const uint64_t expected_offsets[4] = { 0, 3, 3, 5 }, expected_ids[5] = { 103, 102, 104, 108, 109 };
    const float expected[5] = { 0, 1, 1, 0.25f, 0.25f };
    for (int i = 0; i < 4; i++) CHECK_EQ(offsets[i], expected_offsets[i]);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(ids[i], expected_ids[i]);
        CHECK_FLOAT(distances[i], expected[i]);
    }
    CHECK_OK(vecstore_range_result_get(result, NULL, NULL, NULL, NULL));
    vecstore_range_result_free(result);
    vecstore_index_free(index);
}

static size_t within(const vecstore_index *index, const float *query, float radius) {
    vecstore_range_result *result;
    REQUIRE_OK(vecstore_index_search_range(index, query, F32, 1, radius, NULL, &result));
    const uint64_t *offsets;
    CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, NULL, NULL));
    size_t count = offsets[1];
    vecstore_range_result_free(result);
    return count;
}

static void radii_may_be_negative_zero_or_infinite(void) {
    vecstore_index *index = ten_rows();
    CHECK_EQ(within(index, at_zero, INFINITY), 10);
    CHECK_EQ(within(index, at_zero, 0), 1);
    CHECK_EQ(within(index, at_zero, -0.0f), 1);
    CHECK_EQ(within(index, at_zero, -1), 0);
    CHECK_EQ(within(index, at_zero, -INFINITY), 0);
    vecstore_index_free(index);
    const float rows[4] = { -1, 1, 2, 3 }, one[1] = { 1 };
    index = new_index(IP, F32, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, 4, NULL, NULL, NULL));
    CHECK_EQ(within(index, one, -2), 2);
    CHECK_EQ(within(index, one, 1), 4);
    vecstore_index_free(index);
}

static void a_radius_of_nan_is_refused(void) {
    vecstore_index *index = ten_rows();
    vecstore_range_result *result = (vecstore_range_result *)1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search_range(index, at_zero, F32, 1, NAN, NULL, &result));
    CHECK(result == NULL);
    vecstore_index_free(index);
}

static void range_results_outlive_their_index(void) {
    vecstore_index *index = ten_rows();
    vecstore_range_result *result;
    REQUIRE_OK(vecstore_index_search_range(index, at_zero, F32, 1, 4, NULL, &result));
    vecstore_index_free(index);
    const uint64_t *offsets, *ids;
    CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, &ids, NULL));
    CHECK_EQ(offsets[1], 3);
    CHECK_EQ(ids[2], 102);
    vecstore_range_result_free(result);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(search_finds_the_nearest_first),
        TEST(results_beyond_the_rows_are_filled_up),
        TEST(an_empty_index_has_no_results),
        TEST(no_queries_is_no_error),
        TEST(queries_may_have_any_float_type),
        TEST(queries_of_other_types_are_refused),
        TEST(bad_queries_are_refused),
        TEST(ties_are_ordered_by_id),
        TEST(a_row_finds_itself_at_exactly_0),
        TEST(results_are_exact_for_any_threads_and_batch),
        TEST(range_search_finds_all_within_the_radius),
        TEST(radii_may_be_negative_zero_or_infinite),
        TEST(a_radius_of_nan_is_refused),
        TEST(range_results_outlive_their_index),
    };
    return RUN_TESTS(tests);
}
