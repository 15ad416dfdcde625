/*
 * The rows of an index: removing, reading, and the room they take.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- remove, compact, reserve ---- */

static void removed_rows_are_gone(void) {
    const uint64_t ids[4] = { 20, 99, 20, 10 };
    size_t removed = 99;
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_remove(index, ids, 4, &removed));
    CHECK_EQ(removed, 2);
    CHECK_EQ(count_of(index), 1);
    CHECK(!is_there(index, 20) && !is_there(index, 10) && is_there(index, 30));
    const float query[2] = { 1, 0 };
    uint64_t found[3], counts[1];
    float distances[3];
    CHECK_OK(vecstore_index_search(index, query, F32, 1, 3, NULL, found, distances, counts));
    CHECK_EQ(counts[0], 1);
    CHECK_EQ(found[0], 30);
    CHECK_OK(vecstore_index_remove(index, ids, 4, NULL));
    CHECK_OK(vecstore_index_remove(index, ids, 4, &removed));
    CHECK_EQ(removed, 0);
    CHECK_OK(vecstore_index_remove(index, NULL, 0, &removed));
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
}

static void an_id_can_come_back(void) {
    const float row[2] = { 9, 9 };
    const uint64_t id = 20;
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_remove(index, &id, 1, NULL));
    CHECK_OK(vecstore_index_add(index, row, F32, 1, &id, NULL, NULL));
    CHECK_FLOAT(first_element(index, 20), 9);
    CHECK_EQ(count_of(index), 3);
    vecstore_index_free(index);
}

static void all_rows_can_be_removed(void) {
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_remove(index, three_ids, 3, NULL));
    CHECK_EQ(count_of(index), 0);
    const float query[2] = { 1, 0 };
    uint64_t found[1], counts[1];
    float distances[1];
    CHECK_OK(vecstore_index_search(index, query, F32, 1, 1, NULL, found, distances, counts));
    CHECK_EQ(counts[0], 0);
    CHECK_EQ(found[0], VECSTORE_ID_NONE);
    CHECK_OK(vecstore_index_compact(index));
    CHECK(stats_of(index).memory_bytes < 1024);
    CHECK_EQ(stats_of(index).next_id, 31);
    vecstore_index_free(index);
}

static void compact_returns_memory_and_keeps_rows(void) {
    const size_t n = 5000, dim = 32;
    float *rows = random_vectors(F32, dim, n, 3), back[32];
    vecstore_index *index = new_index(L2SQ, F32, dim);
    CHECK_OK(vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
    uint64_t ids[1000];
    for (uint64_t i = 0; i < 1000; i++) ids[i] = 2 * i;
    CHECK_OK(vecstore_index_remove(index, ids, 1000, NULL));
    vecstore_index_stats before = stats_of(index);
    CHECK_EQ(before.removed_count, 1000);
    CHECK_OK(vecstore_index_compact(index));
    vecstore_index_stats after = stats_of(index);
    CHECK_EQ(after.removed_count, 0);
    CHECK_EQ(after.count, 4000);
    CHECK(after.memory_bytes < before.memory_bytes);
    CHECK(after.memory_bytes >= 4000 * (4 * dim + 8));
    for (uint64_t id = 1; id < n; id += 498) {
        CHECK_OK(vecstore_index_get(index, &id, 1, F32, back));
        CHECK(memcmp(back, rows + id * dim, sizeof back) == 0);
    }
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
    free(rows);
}

static void memory_returns_as_rows_are_removed(void) {
    const size_t n = 20000;
    float *rows = random_vectors(F32, 16, n, 3);
    vecstore_index *index = new_index(L2SQ, F32, 16);
    CHECK_OK(vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
    uint64_t full = stats_of(index).memory_bytes;
    for (uint64_t id = 0; id < n - 100; id++) CHECK_OK(vecstore_index_remove(index, &id, 1, NULL));
    CHECK_EQ(count_of(index), 100);
    CHECK(stats_of(index).memory_bytes < full / 4);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
    free(rows);
}

static void reserve_makes_room_for_rows(void) {
    const size_t n = 1000;
    float *rows = random_vectors(F32, 8, n, 3);
    vecstore_index *index = new_index(L2SQ, F32, 8);
    CHECK_OK(vecstore_index_reserve(index, n));
    CHECK_EQ(count_of(index), 0);
    uint64_t reserved = stats_of(index).memory_bytes;
    CHECK(reserved >= n * 4 * 8);
    for (size_t i = 0; i < n; i += 10) CHECK_OK(vecstore_index_add(index, rows + 8 * i, F32, 10, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).memory_bytes, reserved);
    CHECK_OK(vecstore_index_reserve(index, 10));
    CHECK_OK(vecstore_index_reserve(index, 0));
    CHECK_EQ(count_of(index), n);
    /* The rows that were reserved for, and more. */
    CHECK_OK(vecstore_index_reserve(index, n + 1));
    CHECK_OK(vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), 2 * n);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
    free(rows);
}

static void rows_keep_their_order_over_many_reserves(void) {
    vecstore_index *index = new_index(L2SQ, F32, 1);
    uint64_t expected = 0;
    for (uint64_t round = 1; round < 30; round++) {
        CHECK_OK(vecstore_index_reserve(index, round * 40));
        for (int i = 0; i < 17; i++, expected++) {
            const float row[1] = { (float)expected };
            CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
        }
    }
    uint64_t ids[600];
    size_t written;
    CHECK_OK(vecstore_index_ids(index, 0, ids, 600, &written));
    CHECK_EQ(written, expected);
    for (uint64_t i = 0; i < written; i++) CHECK_EQ(ids[i], i);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
}

static void capacity_is_reserved_at_the_start(void) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = 4;
    options.capacity = 1000;
    vecstore_index *index;
    REQUIRE_OK(vecstore_index_create(&options, &index));
    CHECK_EQ(count_of(index), 0);
    CHECK(stats_of(index).memory_bytes >= 1000 * 16);
    vecstore_index_free(index);
}

static void memory_that_the_system_does_not_have_is_an_error(void) {
    /* A petabyte is beyond the address space. */
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = VECSTORE_DIM_MAX;
    options.capacity = 4294967294;
    vecstore_index *index = (vecstore_index *)1;
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_create(&options, &index));
    CHECK(index == NULL);
    index = new_index(L2SQ, F32, VECSTORE_DIM_MAX);
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_reserve(index, 4294967294));
    float *row = random_vectors(F32, VECSTORE_DIM_MAX, 1, 1);
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), 1);
    vecstore_index_free(index);
    free(row);
}

static void more_rows_than_an_index_holds_are_refused(void) {
    vecstore_index *index = three_rows();
    CHECK_ERROR(TOO_LARGE, vecstore_index_reserve(index, 4294967295));
    CHECK_ERROR(TOO_LARGE, vecstore_index_reserve(index, UINT64_MAX));
    CHECK_EQ(count_of(index), 3);
    vecstore_index_free(index);
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = 1;
    options.capacity = UINT64_MAX;
    CHECK_ERROR(TOO_LARGE, vecstore_index_create(&options, &index));
    CHECK(index == NULL);
}

/* ---- contains, get, ids ---- */

static void contains_tells_of_each_id(void) {
    const uint64_t ids[5] = { 30, 11, 10, VECSTORE_ID_NONE, 30 };
    uint8_t found[5] = { 9, 9, 9, 9, 9 };
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_contains(index, ids, 5, found));
    const uint8_t expected[5] = { 1, 0, 1, 0, 1 };
    CHECK(memcmp(found, expected, 5) == 0);
    CHECK_OK(vecstore_index_contains(index, NULL, 0, NULL));
    vecstore_index_free(index);
}

static void get_returns_rows_in_the_order_of_the_ids(void) {
    const uint64_t ids[3] = { 30, 10, 30 };
    float rows[3][2];
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_get(index, ids, 3, F32, rows));
    CHECK_FLOAT(rows[0][0], 3);
    CHECK_FLOAT(rows[1][0], 1);
    CHECK_FLOAT(rows[2][0], 3);
    CHECK_OK(vecstore_index_get(index, NULL, 0, F32, NULL));
    vecstore_index_free(index);
}

static void get_of_a_missing_id_fails(void) {
    const uint64_t ids[2] = { 10, 11 };
    float rows[2][2];
    vecstore_index *index = three_rows();
    CHECK_ERROR(NOT_FOUND, vecstore_index_get(index, ids, 2, F32, rows));
    vecstore_index_free(index);
}

static void get_gives_the_type_of_the_index_or_float32(void) {
    unsigned char row[32] = { 0 }, back[32];
    for (vecstore_dtype of = first_dtype; of <= last_dtype; of++) {
        vecstore_index *index = new_index(of == BITS ? HAMMING : L2SQ, of, 8);
        CHECK_OK(vecstore_index_add(index, row, of, 1, NULL, NULL, NULL));
        const uint64_t id = 0;
        for (vecstore_dtype as = first_dtype; as <= last_dtype; as++) {
            bool is_allowed = as == of || (as == F32 && (of == F16 || of == BF16));
            vecstore_status expected = is_allowed ? VECSTORE_OK : VECSTORE_ERR_UNSUPPORTED;
            note("%s as %s", dtype_name(of), dtype_name(as));
            check_status(vecstore_index_get(index, &id, 1, as, back), expected, __FILE__, __LINE__, "get");
            check_status(vecstore_index_get(index, NULL, 0, as, NULL), expected, __FILE__, __LINE__, "get of none");
        }
        vecstore_index_free(index);
    }
}

static void ids_come_in_the_order_of_adding(void) {
    uint64_t ids[5] = { 7, 7, 7, 7, 7 };
    size_t written;
    vecstore_index *index = three_rows();
    CHECK_OK(vecstore_index_ids(index, 0, ids, 5, &written));
    CHECK_EQ(written, 3);
    CHECK(memcmp(ids, three_ids, sizeof three_ids) == 0);
    CHECK_EQ(ids[3], 7);
    vecstore_index_free(index);
}

static void ids_come_in_pages(void) {
    const size_t n = 777;
    float *rows = random_vectors(F32, 3, n, 3);
    vecstore_index *index = new_index(L2SQ, F32, 3);
    CHECK_OK(vecstore_index_add(index, rows, F32, 300, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, rows, F32, n - 300, NULL, NULL, NULL));
    uint64_t gone[77];
    for (uint64_t i = 0; i < 77; i++) gone[i] = i * 10 + 5;
    CHECK_OK(vecstore_index_remove(index, gone, 77, NULL));
    uint64_t all[700];
    size_t written;
    CHECK_OK(vecstore_index_ids(index, 0, all, 700, &written));
    CHECK_EQ(written, 700);
    static const size_t pages[] = { 1, 7, 64, 699, 700, 701 };
    for (int p = 0; p < 6; p++) {
        uint64_t page[701];
        uint64_t offset = 0;
        do {
            CHECK_OK(vecstore_index_ids(index, offset, page, pages[p], &written));
            CHECK_EQ(written, pages[p] < 700 - offset ? pages[p] : 700 - offset);
            CHECK(memcmp(page, all + offset, written * sizeof *page) == 0);
            offset += written;
        } while (written > 0 && is_passing());
        CHECK_EQ(offset, 700);
    }
    CHECK_OK(vecstore_index_ids(index, 701, all, 1, &written));
    CHECK_EQ(written, 0);
    CHECK_OK(vecstore_index_ids(index, UINT64_MAX, all, 1, &written));
    CHECK_EQ(written, 0);
    CHECK_OK(vecstore_index_ids(index, 0, NULL, 0, &written));
    CHECK_EQ(written, 0);
    vecstore_index_free(index);
    free(rows);
}

static void exact_codes_can_be_kept_or_not(void) {
    static const struct {
        vecstore_metric metric;
        vecstore_dtype dtype;
        uint32_t wanted, kept;
    } cases[] = {
        { L2SQ, F32, 0, 1 }, { L2SQ, F32, 1, 1 }, { L2SQ, F32, 2, 0 }, { COSINE, F16, 0, 0 }, { IP, BF16, 1, 1 },
        { L1, F32, 0, 0 }, { L2SQ, I8, 0, 0 }, { HAMMING, BITS, 0, 0 }, { HAMMING, BITS, 2, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
        options.dim = 64;
        options.metric = cases[i].metric;
        options.dtype = cases[i].dtype;
        options.exact_codes = cases[i].wanted;
        vecstore_index *index;
        REQUIRE_OK(vecstore_index_create(&options, &index));
        CHECK_EQ(stats_of(index).exact_codes, cases[i].kept);
        vecstore_index_free(index);
    }
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = 64;
    options.metric = L1;
    options.exact_codes = 1;
    vecstore_index *index;
    CHECK_ERROR(UNSUPPORTED, vecstore_index_create(&options, &index));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(removed_rows_are_gone),
        TEST(an_id_can_come_back),
        TEST(all_rows_can_be_removed),
        TEST(compact_returns_memory_and_keeps_rows),
        TEST(memory_returns_as_rows_are_removed),
        TEST(reserve_makes_room_for_rows),
        TEST(rows_keep_their_order_over_many_reserves),
        TEST(capacity_is_reserved_at_the_start),
        TEST(memory_that_the_system_does_not_have_is_an_error),
        TEST(more_rows_than_an_index_holds_are_refused),
        TEST(contains_tells_of_each_id),
        TEST(get_returns_rows_in_the_order_of_the_ids),
        TEST(get_of_a_missing_id_fails),
        TEST(get_gives_the_type_of_the_index_or_float32),
        TEST(ids_come_in_the_order_of_adding),
        TEST(ids_come_in_pages),
        TEST(exact_codes_can_be_kept_or_not),
    };
    return RUN_TESTS(tests);
}
