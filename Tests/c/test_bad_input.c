/*
 * What no caller should pass: NULL, sizes that overflow, unknown values, handles that are none, odd paths.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const float row[2] = { 1, 2 };
static const uint64_t id_0 = 0;

static vecstore_index *one_row(void) {
    vecstore_index *index = new_index(L2SQ, F32, 2);
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    return index;
}

static vecstore_range_result *one_result(const vecstore_index *index) {
    vecstore_range_result *result = NULL;
    REQUIRE_OK(vecstore_index_search_range(index, row, F32, 1, 1, NULL, &result));
    return result;
}

/* ---- NULL for each pointer that may not be ---- */

static void null_vectors_are_refused(void) {
    float out[4];
    uint64_t ids[4];
    unsigned char bytes[8];
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(NULL, row, 2, L2SQ, F32, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(row, NULL, 2, L2SQ, F32, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(row, row, 2, L2SQ, F32, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(NULL, 1, row, 1, 2, L2SQ, F32, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, NULL, 1, 2, L2SQ, F32, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, row, 1, 2, L2SQ, F32, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_norms(NULL, 1, 2, F32, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_norms(row, 1, 2, F32, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_normalize(NULL, 1, 2, F32));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_convert(NULL, F32, bytes, F16, 2));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_convert(row, F32, NULL, F16, 2));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(NULL, 1, row, 1, 2, L2SQ, F32, 1, NULL, ids, out, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, NULL, 1, 2, L2SQ, F32, 1, NULL, ids, out, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, row, 1, 2, L2SQ, F32, 1, NULL, NULL, out, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, row, 1, 2, L2SQ, F32, 1, NULL, ids, NULL, NULL));
}

static void null_arguments_of_an_index_are_refused(void) {
    vecstore_index *index = one_row();
    float out[4];
    uint64_t ids[4];
    size_t written;
    uint8_t found[4];
    vecstore_range_result *result;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, NULL, F32, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, NULL, F32, 1, NULL, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_update(index, NULL, row, F32, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_update(index, &id_0, NULL, F32, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_remove(index, NULL, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_contains(index, NULL, 1, found));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_contains(index, &id_0, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_get(index, NULL, 1, F32, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_get(index, &id_0, 1, F32, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, NULL, F32, 1, 1, NULL, ids, out, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, row, F32, 1, 1, NULL, NULL, out, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, row, F32, 1, 1, NULL, ids, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search_range(index, NULL, F32, 1, 1, NULL, &result));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search_range(index, row, F32, 1, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_count(index, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_ids(index, 0, NULL, 1, &written));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_ids(index, 0, ids, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_get_stats(index, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_save(index, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_open(NULL, NULL, &index));
    CHECK(index == NULL);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_open(test_path("none"), NULL, NULL));
    const vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_create(&options, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_create(NULL, &index));
}

/* ---- handles ---- */

/* Calls every function with a handle; each must refuse it with `expected`. */
static void check_all_refuse(vecstore_index *index, vecstore_status expected) {
    float out[4];
    uint64_t ids[4];
    size_t n;
    uint8_t found[4];
    vecstore_index_stats stats = VECSTORE_INDEX_STATS_INIT;
    vecstore_range_result *result = (vecstore_range_result *)1;
#define CHECK_REFUSED(call) check_status(call, expected, __FILE__, __LINE__, #call)
    CHECK_REFUSED(vecstore_index_train(index, row, F32, 1, NULL));
    CHECK_REFUSED(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_REFUSED(vecstore_index_update(index, &id_0, row, F32, 1));
    CHECK_REFUSED(vecstore_index_remove(index, &id_0, 1, &n));
    CHECK_REFUSED(vecstore_index_compact(index));
    CHECK_REFUSED(vecstore_index_optimize(index, NULL));
    CHECK_REFUSED(vecstore_index_calibrate(index, row, F32, 1, NULL, NULL));
    CHECK_REFUSED(vecstore_index_reserve(index, 10));
    CHECK_REFUSED(vecstore_index_contains(index, &id_0, 1, found));
    CHECK_REFUSED(vecstore_index_get(index, &id_0, 1, F32, out));
    CHECK_REFUSED(vecstore_index_search(index, row, F32, 1, 1, NULL, ids, out, NULL));
    CHECK_REFUSED(vecstore_index_search_range(index, row, F32, 1, 1, NULL, &result));
    CHECK(result == NULL);
    CHECK_REFUSED(vecstore_index_count(index, ids));
    CHECK_REFUSED(vecstore_index_ids(index, 0, ids, 4, &n));
    CHECK_REFUSED(vecstore_index_get_stats(index, &stats));
    CHECK_REFUSED(vecstore_index_verify(index));
    CHECK_REFUSED(vecstore_index_save(index, test_path("file"), NULL));
    CHECK(access(test_path("file"), F_OK) != 0);
#undef CHECK_REFUSED
}

static void check_get_refuses(const vecstore_range_result *result, vecstore_status expected) {
    size_t nq;
    const uint64_t *offsets, *ids;
    const float *distances;
    check_status(
        vecstore_range_result_get(result, &nq, &offsets, &ids, &distances), expected, __FILE__, __LINE__, "result_get");
}

static void null_handles_are_refused(void) {
    check_all_refuse(NULL, VECSTORE_ERR_INVALID_ARGUMENT);
    check_get_refuses(NULL, VECSTORE_ERR_INVALID_ARGUMENT);
}

static void freed_handles_are_refused(void) {
    vecstore_index *index = one_row();
    vecstore_range_result *result = one_result(index);
    vecstore_index_free(index);
    vecstore_range_result_free(result);
    check_all_refuse(index, VECSTORE_ERR_INVALID_HANDLE);
    check_get_refuses(result, VECSTORE_ERR_INVALID_HANDLE);
}

static void freed_handles_are_refused_when_others_have_taken_their_place(void) {
    for (int i = 0; i < 100; i++) {
        vecstore_index *index = one_row();
        vecstore_index_free(index);
        vecstore_index *other = one_row();
        CHECK(other != index);
        check_all_refuse(index, VECSTORE_ERR_INVALID_HANDLE);
        CHECK_EQ(count_of(other), 1);
        vecstore_range_result *result = one_result(other);
        vecstore_range_result_free(result);
        vecstore_range_result *other_result = one_result(other);
        CHECK(other_result != result);
        check_get_refuses(result, VECSTORE_ERR_INVALID_HANDLE);
        CHECK_OK(vecstore_range_result_get(other_result, NULL, NULL, NULL, NULL));
        vecstore_range_result_free(other_result);
        vecstore_index_free(other);
    }
}

static void freeing_twice_does_nothing(void) {
    vecstore_index *index = one_row(), *other;
    vecstore_range_result *result = one_result(index), *other_result;
    vecstore_index_free(index);
    vecstore_index_free(index);
    vecstore_range_result_free(result);
    vecstore_range_result_free(result);
    other = one_row();
    other_result = one_result(other);
    vecstore_index_free(index);
    vecstore_range_result_free(result);
    CHECK_EQ(count_of(other), 1);
    CHECK_OK(vecstore_range_result_get(other_result, NULL, NULL, NULL, NULL));
    vecstore_range_result_free(other_result);
    vecstore_index_free(other);
}

static void handles_of_another_type_are_refused(void) {
    vecstore_index *index = one_row();
    vecstore_range_result *result = one_result(index);
    check_all_refuse((vecstore_index *)result, VECSTORE_ERR_INVALID_HANDLE);
    check_get_refuses((vecstore_range_result *)index, VECSTORE_ERR_INVALID_HANDLE);
    vecstore_index_free((vecstore_index *)result);
    vecstore_range_result_free((vecstore_range_result *)index);
    CHECK_EQ(count_of(index), 1);
    CHECK_OK(vecstore_range_result_get(result, NULL, NULL, NULL, NULL));
    vecstore_range_result_free(result);
    vecstore_index_free(index);
}

static void check_made_up(uintptr_t bits) {
    note("handle %#llx", (unsigned long long)bits);
    check_all_refuse((vecstore_index *)bits, VECSTORE_ERR_INVALID_HANDLE);
    check_get_refuses((vecstore_range_result *)bits, VECSTORE_ERR_INVALID_HANDLE);
    vecstore_index_free((vecstore_index *)bits);
    vecstore_range_result_free((vecstore_range_result *)bits);
}

static void made_up_handles_are_refused(void) {
    int local = 0;
    vecstore_index *index = one_row();
    uintptr_t real = (uintptr_t)index;
    check_made_up(1);
    check_made_up(UINTPTR_MAX);
    check_made_up((uintptr_t)&local);
    check_made_up((uintptr_t)row);
    for (int bit = 0; bit < 64; bit++) check_made_up((uintptr_t)1 << bit);
    for (int bit = 0; bit < 64; bit++) check_made_up(real ^ (uintptr_t)1 << bit);
    uint64_t state = 5;
    for (int i = 0; i < 2000; i++) {
        check_made_up((uintptr_t)random_bits(&state));
        /* The mark of a handle, and anything behind it. */
        check_made_up((uintptr_t)(random_bits(&state) >> 8 | (real >> 56) << 56));
    }
    CHECK_EQ(count_of(index), 1);
    vecstore_index_free(index);
}

static void many_handles_live_beside_each_other(void) {
    enum { most = 5000 };
    static vecstore_index *indexes[most];
    for (int i = 0; i < most; i++) {
        indexes[i] = one_row();
        for (int j = 0; j < i % 3; j++) CHECK_OK(vecstore_index_add(indexes[i], row, F32, 1, NULL, NULL, NULL));
    }
    for (int i = 0; i < most; i += 2) vecstore_index_free(indexes[i]);
    for (int i = 1; i < most; i += 2) CHECK_EQ(count_of(indexes[i]), 1 + i % 3);
    uint64_t count;
    for (int i = 0; i < most; i += 2) CHECK_ERROR(INVALID_HANDLE, vecstore_index_count(indexes[i], &count));
    for (int i = 1; i < most; i += 2) vecstore_index_free(indexes[i]);
}

/* ---- dim, k, enums ---- */

static void dims_out_of_range_are_refused(void) {
    static const size_t dims[] = { 0, VECSTORE_DIM_MAX + 1, (size_t)1 << 32, (size_t)1 << 61, SIZE_MAX / 2, SIZE_MAX };
    float out[4] = { 1, 1, 1, 1 };
    uint64_t ids[1];
    for (int i = 0; i < 6; i++) {
        size_t dim = dims[i];
        note("dim %zu", dim);
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(row, row, dim, L2SQ, F32, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, row, 1, dim, L2SQ, F32, 0, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_norms(row, 1, dim, F32, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_normalize(out, 1, dim, F32));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, row, 1, dim, L2SQ, F32, 1, NULL, ids, out, NULL));
    }
}

static void ks_out_of_range_are_refused(void) {
    static const size_t ks[] = { 0, VECSTORE_K_MAX + 1, (size_t)1 << 61, SIZE_MAX / 2, SIZE_MAX };
    float out[1];
    uint64_t ids[1];
    vecstore_index *index = one_row();
    for (int i = 0; i < 5; i++) {
        note("k %zu", ks[i]);
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, row, F32, 1, ks[i], NULL, ids, out, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, row, F32, 0, ks[i], NULL, ids, out, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, row, 1, 2, L2SQ, F32, ks[i], NULL, ids, out, NULL));
    }
    vecstore_index_free(index);
}

static void unknown_metrics_and_dtypes_are_refused(void) {
    static const uint32_t values[] = { 0, 7, 255, 1u << 31, UINT32_MAX };
    float out[4] = { 1, 1, 1, 1 };
    uint64_t ids[1];
    vecstore_index *index = one_row();
    vecstore_range_result *result;
    for (int i = 0; i < 5; i++) {
        uint32_t value = values[i];
        note("value %u", value);
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(row, row, 2, value, F32, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(row, row, 2, L2SQ, value, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, row, 1, 2, value, F32, 0, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, row, 1, 2, L2SQ, value, 0, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_norms(row, 1, 2, value, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_normalize(out, 1, 2, value));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_convert(row, value, out, F32, 1));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_convert(row, F32, out, value, 1));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, row, 1, 2, value, F32, 1, NULL, ids, out, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_knn(row, 1, row, 1, 2, L2SQ, value, 1, NULL, ids, out, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, row, value, 1, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, row, value, 1, NULL, NULL, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_update(index, &id_0, row, value, 1));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_get(index, &id_0, 1, value, out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, row, value, 1, 1, NULL, ids, out, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search_range(index, row, value, 1, 1, NULL, &result));
    }
    vecstore_index_free(index);
}

static void absurd_numbers_of_threads_are_refused(void) {
    float out[1];
    CHECK_OK(vecstore_pairwise(row, 1, row, 1, 2, L2SQ, F32, 1024, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, row, 1, 2, L2SQ, F32, 1025, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_pairwise(row, 1, row, 1, 2, L2SQ, F32, UINT32_MAX, out));
}

/* ---- sizes ---- */

static void sizes_that_overflow_are_refused(void) {
    static const size_t sizes[] = { (size_t)1 << 61, ((size_t)1 << 61) + 1, (size_t)1 << 62, SIZE_MAX / 2,
                                    SIZE_MAX / 2 + 1, SIZE_MAX - 1, SIZE_MAX };
    float out[4] = { 1, 1, 1, 1 };
    uint64_t ids[4] = { 0 };
    uint8_t found[4];
    size_t n;
    vecstore_range_result *result;
    vecstore_index *index = one_row();
    for (int i = 0; i < 7; i++) {
        size_t many = sizes[i];
        note("size %zu", many);
        CHECK_ERROR(TOO_LARGE, vecstore_pairwise(row, many, row, 1, 2, L2SQ, F32, 0, out));
        CHECK_ERROR(TOO_LARGE, vecstore_pairwise(row, 1, row, many, 2, L2SQ, F32, 0, out));
        CHECK_ERROR(TOO_LARGE, vecstore_pairwise(row, many, row, many, 2, L2SQ, F32, 0, out));
        CHECK_ERROR(TOO_LARGE, vecstore_pairwise(row, many, NULL, 0, 2, L2SQ, F32, 0, out));
        CHECK_ERROR(TOO_LARGE, vecstore_norms(row, many, 2, F32, out));
        CHECK_ERROR(TOO_LARGE, vecstore_normalize(out, many, 2, F32));
        CHECK_ERROR(TOO_LARGE, vecstore_convert(row, F32, out, F16, many));
        CHECK_ERROR(TOO_LARGE, vecstore_knn(row, many, row, 1, 2, L2SQ, F32, 1, NULL, ids, out, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_knn(row, 1, row, many, 2, L2SQ, F32, 1, NULL, ids, out, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_index_train(index, row, F32, many, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, row, F32, many, NULL, NULL, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, row, F32, many, ids, NULL, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_index_update(index, ids, row, F32, many));
        CHECK_ERROR(TOO_LARGE, vecstore_index_remove(index, ids, many, &n));
        CHECK_ERROR(TOO_LARGE, vecstore_index_contains(index, ids, many, found));
        CHECK_ERROR(TOO_LARGE, vecstore_index_get(index, ids, many, F32, out));
        CHECK_ERROR(TOO_LARGE, vecstore_index_search(index, row, F32, many, 1, NULL, ids, out, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_index_search_range(index, row, F32, many, 1, NULL, &result));
        CHECK(result == NULL);
        CHECK_EQ(count_of(index), 1);
    }
    vecstore_index_free(index);
}

static void products_of_sizes_that_overflow_are_refused(void) {
    float out[4];
    uint64_t ids[4];
    vecstore_index *index = one_row();
    /* Each size is possible, their product is not. */
    CHECK_ERROR(TOO_LARGE, vecstore_pairwise(
        row, (size_t)1 << 31, row, (size_t)1 << 31, 1, L2SQ, U8, 0, out));
    CHECK_ERROR(TOO_LARGE, vecstore_index_search(
        index, row, F32, (size_t)1 << 40, VECSTORE_K_MAX, NULL, ids, out, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_knn(
        row, (size_t)1 << 40, row, 1, 2, L2SQ, F32, VECSTORE_K_MAX, NULL, ids, out, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_norms(row, (size_t)1 << 45, VECSTORE_DIM_MAX, F32, out));
    vecstore_index_free(index);
}

static void more_rows_than_there_are_slots_are_refused(void) {
    float out[1];
    uint64_t ids[1];
    const size_t n = (size_t)1 << 32;
    CHECK_ERROR(TOO_LARGE, vecstore_knn(row, 1, row, n, 1, L2SQ, U8, 1, NULL, ids, out, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_pairwise(row, 1, row, n, 1, L2SQ, U8, 0, out));
    vecstore_index *index = new_index(L2SQ, U8, 1);
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, row, U8, n, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), 0);
    vecstore_index_free(index);
}

static void room_for_any_number_of_ids_may_be_claimed(void) {
    uint64_t ids[2];
    size_t written;
    vecstore_index *index = one_row();
    CHECK_OK(vecstore_index_ids(index, 0, ids, SIZE_MAX / 2, &written));
    CHECK_EQ(written, 1);
    CHECK_ERROR(TOO_LARGE, vecstore_index_ids(index, 0, ids, SIZE_MAX, &written));
    vecstore_index_free(index);
}

/* ---- paths ---- */

static void check_path(const char *path, vecstore_status open_status, vecstore_status save_status) {
    note("path '%.40s'", path);
    vecstore_index *index = one_row(), *opened = (vecstore_index *)1;
    check_status(vecstore_index_open(path, NULL, &opened), open_status, __FILE__, __LINE__, "open");
    CHECK(opened == NULL);
    check_status(vecstore_index_save(index, path, NULL), save_status, __FILE__, __LINE__, "save");
    vecstore_index_free(index);
}

static void odd_paths_are_refused(void) {
    char path[4100];
    check_path("", VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("\xff\xfe"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("cut\xe2\x82"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("surrogate\xed\xa0\x80"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("none/file"), VECSTORE_ERR_NOT_FOUND, VECSTORE_ERR_NOT_FOUND);
    memset(path, 'a', sizeof path);
    path[4001] = 0;
    check_path(path, VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    /* Short enough for the library, too long for the system. */
    path[4000] = 0;
    check_path(path, VECSTORE_ERR_IO, VECSTORE_ERR_IO);
}

static void what_is_not_a_regular_file_is_neither_opened_nor_replaced(void) {
    /* Only special files of this test's own: a defect here would replace them. */
    struct stat status;
    REQUIRE(mkfifo(test_path("pipe"), 0600) == 0 && mkdir(test_path("directory"), 0700) == 0);
    REQUIRE(symlink("pipe", test_path("link")) == 0);
    check_path(test_path("pipe"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("link"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("directory"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("directory/"), VECSTORE_ERR_INVALID_ARGUMENT, VECSTORE_ERR_INVALID_ARGUMENT);
    check_path(test_path("pipe/file"), VECSTORE_ERR_NOT_FOUND, VECSTORE_ERR_NOT_FOUND);
    CHECK(lstat(test_path("pipe"), &status) == 0 && S_ISFIFO(status.st_mode));
    CHECK(lstat(test_path("link"), &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(lstat(test_path("directory"), &status) == 0 && S_ISDIR(status.st_mode));
    CHECK(rmdir(test_path("directory")) == 0);
}

static void the_whole_path_need_not_be_readable(void) {
    /* A path of more than 4000 bytes whose memory ends there. */
    char path[4001];
    memset(path, 'a', sizeof path);
    vecstore_index *index;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_open(fenced_copy(path, sizeof path), NULL, &index));
}

static void names_of_any_characters_work(void) {
    static const char *const names[] = { "\xc3\xa9\xf0\x9f\x98\x80", "a b\n\tc", "%s%n", "..." };
    for (int i = 0; i < 4; i++) {
        vecstore_index *index = one_row();
        CHECK_OK(vecstore_index_save(index, test_path(names[i]), NULL));
        vecstore_index_free(index);
        CHECK_OK(vecstore_index_open(test_path(names[i]), NULL, &index));
        CHECK_EQ(count_of(index), 1);
        vecstore_index_free(index);
    }
}

static void names_may_be_as_long_as_the_system_allows(void) {
    char name[256];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    vecstore_index *index = one_row();
    CHECK_OK(vecstore_index_save(index, test_path(name), NULL));
    vecstore_index_free(index);
    REQUIRE_OK(vecstore_index_open(test_path(name), NULL, &index));
    CHECK_EQ(count_of(index), 1);
    vecstore_index_free(index);
}

static void names_without_a_directory_work(void) {
    REQUIRE(chdir(test_directory()) == 0);
    vecstore_index *index = one_row();
    CHECK_OK(vecstore_index_save(index, "name", NULL));
    vecstore_index_free(index);
    CHECK_OK(vecstore_index_open("name", NULL, &index));
    vecstore_index_free(index);
}

/* ---- a system that refuses ---- */

static void no_file_descriptors_left_is_an_error(void) {
    vecstore_index *index = one_row(), *opened;
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    struct rlimit none = { 0, 0 };
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK_ERROR(IO, vecstore_index_open(test_path("file"), NULL, &opened));
    CHECK_ERROR(IO, vecstore_index_save(index, test_path("file"), NULL));
    CHECK_EQ(count_of(index), 1);
    vecstore_index_free(index);
}

static void no_memory_left_is_an_error(void) {
    const size_t n = 20000, dim = 256;
    float *rows = random_vectors(F32, dim, n, 1);
    vecstore_index *index = one_row(), *large;
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    large = new_index(L2SQ, F32, dim);
    /* Threads and libraries have what they need. */
    CHECK_OK(vecstore_index_add(large, rows, F32, 100, NULL, NULL, NULL));
    struct rlimit most;
    char line[256];
    unsigned long pages = 0;
    FILE *statistics = fopen("/proc/self/statm", "r");
    REQUIRE(statistics && fgets(line, sizeof line, statistics) && sscanf(line, "%lu", &pages) == 1);
    fclose(statistics);
    most.rlim_cur = most.rlim_max = pages * (size_t)sysconf(_SC_PAGESIZE) + (8 << 20);
    REQUIRE(setrlimit(RLIMIT_AS, &most) == 0);
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_add(large, rows, F32, n, NULL, NULL, NULL));
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_reserve(large, n));
    CHECK_EQ(count_of(large), 100);
    CHECK_OK(vecstore_index_verify(large));
    CHECK_OK(vecstore_index_add(large, rows, F32, 100, NULL, NULL, NULL));
    CHECK_EQ(count_of(large), 200);
    vecstore_index_free(large);
    vecstore_index_free(index);
    free(rows);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(null_vectors_are_refused),
        TEST(null_arguments_of_an_index_are_refused),
        TEST(null_handles_are_refused),
        TEST(freed_handles_are_refused),
        TEST(freed_handles_are_refused_when_others_have_taken_their_place),
        TEST(freeing_twice_does_nothing),
        TEST(handles_of_another_type_are_refused),
        TEST(made_up_handles_are_refused),
        TEST(many_handles_live_beside_each_other),
        TEST(dims_out_of_range_are_refused),
        TEST(ks_out_of_range_are_refused),
        TEST(unknown_metrics_and_dtypes_are_refused),
        TEST(absurd_numbers_of_threads_are_refused),
        TEST(sizes_that_overflow_are_refused),
        TEST(products_of_sizes_that_overflow_are_refused),
        TEST(more_rows_than_there_are_slots_are_refused),
        TEST(room_for_any_number_of_ids_may_be_claimed),
        TEST(odd_paths_are_refused),
        TEST(what_is_not_a_regular_file_is_neither_opened_nor_replaced),
        TEST(the_whole_path_need_not_be_readable),
        TEST(names_of_any_characters_work),
        TEST(names_may_be_as_long_as_the_system_allows),
        TEST(names_without_a_directory_work),
        TEST(no_file_descriptors_left_is_an_error),
        TEST(no_memory_left_is_an_error),
    };
    return RUN_TESTS(tests);
}
