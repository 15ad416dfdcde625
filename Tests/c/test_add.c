/*
 * Making an index; adding rows to it and updating them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- create and free ---- */

static void a_new_index_is_empty(void) {
    vecstore_index *index = new_index(COSINE, F16, 5);
    CHECK_EQ(count_of(index), 0);
    vecstore_index_stats stats = stats_of(index);
    CHECK_EQ(stats.kind, VECSTORE_KIND_FLAT);
    CHECK_EQ(stats.dim, 5);
    CHECK_EQ(stats.metric, COSINE);
    CHECK_EQ(stats.dtype, F16);
    CHECK_EQ(stats.read_only, 0);
    CHECK_EQ(stats.count, 0);
    CHECK_EQ(stats.removed_count, 0);
    CHECK_EQ(stats.memory_bytes, 0);
    CHECK_EQ(stats.mapped_bytes, 0);
    CHECK_EQ(stats.next_id, 0);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
}

static void every_supported_pair_makes_an_index(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
            options.dim = 4;
            options.metric = metric;
            options.dtype = dtype;
            vecstore_index *index = (vecstore_index *)1;
            if (vecstore_is_supported(metric, dtype)) {
                CHECK_OK(vecstore_index_create(&options, &index));
                vecstore_index_free(index);
            } else {
                CHECK_ERROR(UNSUPPORTED, vecstore_index_create(&options, &index));
                CHECK(index == NULL);
            }
        }
    }
}

static void freeing_null_does_nothing(void) {
    vecstore_index_free(NULL);
    vecstore_range_result_free(NULL);
}

/* ---- add ---- */

static void ids_are_assigned_from_0(void) {
    const float rows[3] = { 1, 2, 3 };
    vecstore_index *index = new_index(L2SQ, F32, 1);
    uint64_t ids[3];
    CHECK_OK(vecstore_index_add(index, rows, F32, 2, NULL, NULL, ids));
    CHECK_EQ(ids[0], 0);
    CHECK_EQ(ids[1], 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, 3, NULL, NULL, ids));
    CHECK_EQ(ids[0], 2);
    CHECK_EQ(ids[2], 4);
    CHECK_EQ(count_of(index), 5);
    CHECK_EQ(stats_of(index).next_id, 5);
    vecstore_index_free(index);
}

static void ids_are_assigned_after_the_largest_ever(void) {
    const float row[1] = { 1 };
    const uint64_t large = 1000, small = 3;
    vecstore_index *index = new_index(L2SQ, F32, 1);
    uint64_t id;
    CHECK_OK(vecstore_index_add(index, row, F32, 1, &large, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, row, F32, 1, &small, NULL, NULL));
    CHECK_OK(vecstore_index_remove(index, &large, 1, NULL));
    CHECK_OK(vecstore_index_compact(index));
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, &id));
    CHECK_EQ(id, 1001);
    vecstore_index_free(index);
}

static void given_ids_come_back(void) {
    const float rows[2] = { 1, 2 };
    uint64_t ids[2] = { 77, 5 };
    vecstore_index *index = new_index(L2SQ, F32, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, 2, ids, NULL, ids));
    CHECK_EQ(ids[0], 77);
    CHECK_EQ(ids[1], 5);
    CHECK(is_there(index, 77) && is_there(index, 5) && !is_there(index, 6));
    vecstore_index_free(index);
}

static void the_largest_ids_work(void) {
    const float rows[2] = { 1, 2 };
    const uint64_t ids[2] = { UINT64_MAX - 1, 0 };
    vecstore_index *index = new_index(L2SQ, F32, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, 2, ids, NULL, NULL));
    CHECK(is_there(index, UINT64_MAX - 1));
    CHECK_EQ(stats_of(index).next_id, VECSTORE_ID_NONE);
    /* None is left to assign; given ones still work. */
    uint64_t id = 8;
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, rows, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, rows, F32, 1, &id, NULL, NULL));
    CHECK_EQ(count_of(index), 3);
    vecstore_index_free(index);
}

static void the_last_ids_are_assigned_as_long_as_they_last(void) {
    const float rows[3] = { 1, 2, 3 };
    const uint64_t id = UINT64_MAX - 4;
    uint64_t ids[3];
    vecstore_index *index = new_index(L2SQ, F32, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, 1, &id, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, rows, F32, 3, NULL, NULL, ids));
    CHECK_EQ(ids[2], UINT64_MAX - 1);
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, rows, F32, 1, NULL, NULL, ids));
    vecstore_index_free(index);

    index = new_index(L2SQ, F32, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, 1, &id, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, rows, F32, 1, NULL, NULL, ids));
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, rows, F32, 3, NULL, NULL, ids));
    CHECK_EQ(count_of(index), 2);
    CHECK_OK(vecstore_index_add(index, rows, F32, 2, NULL, NULL, ids));
    CHECK_EQ(ids[1], UINT64_MAX - 1);
    vecstore_index_free(index);
}

static void the_id_of_no_row_is_refused(void) {
    const float rows[2] = { 1, 2 };
    const uint64_t ids[2] = { 1, VECSTORE_ID_NONE };
    vecstore_index *index = new_index(L2SQ, F32, 1);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, rows, F32, 2, ids, NULL, NULL));
    CHECK_EQ(count_of(index), 0);
    CHECK(!is_there(index, VECSTORE_ID_NONE));
    vecstore_index_free(index);
}

/* Calls add with a batch that must fail; the index must be as before. */
static void check_nothing_is_added(const float (*rows)[2], size_t n, const uint64_t *ids, vecstore_status expected) {
    vecstore_index *index = three_rows();
    vecstore_index_stats before = stats_of(index);
    check_status(
        vecstore_index_add(index, rows, F32, n, ids, NULL, NULL), expected, __FILE__, __LINE__, "vecstore_index_add");
    vecstore_index_stats after = stats_of(index);
    CHECK_EQ(after.count, 3);
    CHECK_EQ(after.next_id, before.next_id);
    for (size_t i = 0; ids && i < n; i++) CHECK_EQ(is_there(index, ids[i]), ids[i] == 20);
    CHECK_FLOAT(first_element(index, 20), 2);
    uint64_t listed[4];
    size_t written;
    CHECK_OK(vecstore_index_ids(index, 0, listed, 4, &written));
    CHECK_EQ(written, 3);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
}

static void a_batch_that_fails_adds_nothing(void) {
    const float good[3][2] = { { 7, 7 }, { 8, 8 }, { 9, 9 } }, nan[3][2] = { { 7, 7 }, { 8, 8 }, { 9, NAN } };
    const uint64_t fresh[3] = { 1, 2, 3 }, existing[3] = { 1, 2, 20 }, twice[3] = { 2, 1, 2 };
    check_nothing_is_added(nan, 3, fresh, VECSTORE_ERR_NOT_FINITE);
    check_nothing_is_added(nan, 3, NULL, VECSTORE_ERR_NOT_FINITE);
    check_nothing_is_added(good, 3, existing, VECSTORE_ERR_ALREADY_EXISTS);
    check_nothing_is_added(good, 3, twice, VECSTORE_ERR_ALREADY_EXISTS);
}

static void a_large_batch_that_fails_adds_nothing(void) {
    /* Over many pieces and threads, with the bad vector in each of some places. */
    const size_t n = 3000;
    static const size_t places[] = { 0, 255, 256, 1500, 2999 };
    float *rows = random_vectors(F32, 40, n, 3);
    vecstore_index *index = new_index(COSINE, F32, 40);
    uint64_t ids[10];
    for (int p = 0; p < 5; p++) {
        float before[40];
        memcpy(before, rows + 40 * places[p], sizeof before);
        memset(rows + 40 * places[p], 0, sizeof before);
        CHECK_ERROR(ZERO_VECTOR, vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
        CHECK_EQ(count_of(index), 0);
        memcpy(rows + 40 * places[p], before, sizeof before);
    }
    CHECK_OK(vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), n);
    size_t written;
    CHECK_OK(vecstore_index_ids(index, 0, ids, 10, &written));
    for (uint64_t i = 0; i < 10; i++) CHECK_EQ(ids[i], i);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
    free(rows);
}

static void adding_no_rows_succeeds(void) {
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_add(index, NULL, F32, 0, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), 3);
    vecstore_index_free(index);
}

static void an_index_of_floats_takes_any_float_type(void) {
    static const vecstore_dtype floats[] = { F32, F16, BF16 };
    for (int of = 0; of < 3; of++) {
        vecstore_index *index = new_index(L2SQ, floats[of], 3);
        for (int from = 0; from < 3; from++) {
            unsigned char row[12];
            for (size_t i = 0; i < 3; i++) set_element(row, floats[from], i, (double)(i + 1) / 2);
            CHECK_OK(vecstore_index_add(index, row, floats[from], 1, NULL, NULL, NULL));
            const uint64_t id = (uint64_t)from;
            float back[3];
            CHECK_OK(vecstore_index_get(index, &id, 1, F32, back));
            for (size_t i = 0; i < 3; i++) CHECK_FLOAT(back[i], (double)(i + 1) / 2);
        }
        CHECK_ERROR(UNSUPPORTED, vecstore_index_add(index, "abc", I8, 1, NULL, NULL, NULL));
        CHECK_ERROR(UNSUPPORTED, vecstore_index_add(index, "abc", BITS, 1, NULL, NULL, NULL));
        vecstore_index_free(index);
    }
}

static void rows_that_overflow_the_type_of_the_index_are_refused(void) {
    const float row[1] = { 70000 };
    vecstore_index *index = new_index(L2SQ, F16, 1);
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), 0);
    vecstore_index_free(index);
}

static void an_index_of_other_types_takes_its_own_only(void) {
    static const vecstore_dtype others[] = { I8, U8, BITS };
    unsigned char row[32] = { 1 };
    for (int of = 0; of < 3; of++) {
        vecstore_index *index = new_index(others[of] == BITS ? HAMMING : L2SQ, others[of], 8);
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            vecstore_status status = vecstore_index_add(index, row, dtype, 1, NULL, NULL, NULL);
            vecstore_status expected = dtype == others[of] ? VECSTORE_OK : VECSTORE_ERR_UNSUPPORTED;
            check_status(status, expected, __FILE__, __LINE__, dtype_name(dtype));
        }
        vecstore_index_free(index);
    }
}

static void rows_are_stored_as_they_came(void) {
    for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
        const size_t n = 400, dim = 37, size = vecstore_row_size(dtype, dim);
        unsigned char *rows = random_vectors(dtype, dim, n, dtype);
        unsigned char *odd = malloc(n * size + 1), *back = malloc(n * size);
        REQUIRE(odd && back);
        memcpy(odd + 1, rows, n * size);
        vecstore_index *index = new_index(dtype == BITS ? HAMMING : L2SQ, dtype, dim);
        uint64_t ids[400];
        CHECK_OK(vecstore_index_add(index, odd + 1, dtype, n, NULL, NULL, ids));
        CHECK_OK(vecstore_index_get(index, ids, n, dtype, back));
        CHECK(memcmp(rows, back, n * size) == 0);
        vecstore_index_free(index);
        free(rows);
        free(odd);
        free(back);
    }
}

/* ---- update ---- */

static void update_replaces_vectors(void) {
    const float rows[2][2] = { { 7, 0 }, { 8, 0 } };
    const uint64_t ids[2] = { 30, 10 };
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_update(index, ids, rows, F32, 2));
    CHECK_FLOAT(first_element(index, 30), 7);
    CHECK_FLOAT(first_element(index, 10), 8);
    CHECK_FLOAT(first_element(index, 20), 2);
    CHECK_EQ(count_of(index), 3);
    const float query[2] = { 2.6f, 0 };
    uint64_t found[3];
    float distances[3];
    CHECK_OK(vecstore_index_search(index, query, F32, 1, 3, NULL, found, distances, NULL));
    CHECK_EQ(found[0], 20);
    CHECK_EQ(found[1], 30);
    CHECK_EQ(found[2], 10);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
}

static void an_update_that_fails_changes_nothing(void) {
    const float good[2][2] = { { 7, 0 }, { 8, 0 } }, nan[2][2] = { { 7, 0 }, { NAN, 0 } };
    const uint64_t ids[2] = { 10, 20 }, missing[2] = { 10, 11 }, twice[2] = { 10, 10 };
    vecstore_index *index = three_rows();
    CHECK_ERROR(NOT_FOUND, vecstore_index_update(index, missing, good, F32, 2));
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_update(index, twice, good, F32, 2));
    CHECK_ERROR(NOT_FINITE, vecstore_index_update(index, ids, nan, F32, 2));
    CHECK_ERROR(UNSUPPORTED, vecstore_index_update(index, ids, good, I8, 2));
    CHECK_FLOAT(first_element(index, 10), 1);
    CHECK_FLOAT(first_element(index, 20), 2);
    CHECK_OK(vecstore_index_update(index, NULL, NULL, F32, 0));
    CHECK_EQ(stats_of(index).removed_count, 0);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_new_index_is_empty),
        TEST(every_supported_pair_makes_an_index),
        TEST(freeing_null_does_nothing),
        TEST(ids_are_assigned_from_0),
        TEST(ids_are_assigned_after_the_largest_ever),
        TEST(given_ids_come_back),
        TEST(the_largest_ids_work),
        TEST(the_last_ids_are_assigned_as_long_as_they_last),
        TEST(the_id_of_no_row_is_refused),
        TEST(a_batch_that_fails_adds_nothing),
        TEST(a_large_batch_that_fails_adds_nothing),
        TEST(adding_no_rows_succeeds),
        TEST(an_index_of_floats_takes_any_float_type),
        TEST(rows_that_overflow_the_type_of_the_index_are_refused),
        TEST(an_index_of_other_types_takes_its_own_only),
        TEST(rows_are_stored_as_they_came),
        TEST(update_replaces_vectors),
        TEST(an_update_that_fails_changes_nothing),
    };
    return RUN_TESTS(tests);
}
