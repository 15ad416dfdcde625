/*
 * Options of graph indexes: what is allowed, what is not and how that is said, and what they are where nothing is said.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { dim = 24, k = 10 };

/* Checks that options are refused, with a message that has these words. */
static void check_refused(const vecstore_index_options *options, vecstore_status expected, const char *words) {
    vecstore_index *index = (vecstore_index *)1;
    check_status(vecstore_index_create(options, &index), expected, __FILE__, __LINE__, words);
    CHECK(index == NULL);
    if (!CHECK(strstr(vecstore_last_error(), words))) check(false, __FILE__, __LINE__, "%s", vecstore_last_error());
}

static void accept(const vecstore_index_options *options) { vecstore_index_free(create_index(options)); }

static void defaults_are_those_of_the_header(void) {
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    vecstore_index_stats stats = stats_of(index);
    CHECK_EQ(stats.kind, VECSTORE_KIND_HNSW);
    CHECK_EQ(stats.m, 16);
    CHECK_EQ(stats.ef_construction, 200);
    CHECK_EQ(stats.storage, VECSTORE_STORAGE_AUTO);
    CHECK_EQ(stats.exact_dtype, F32);
    CHECK(stats.code_loss < 0);
    CHECK_EQ(stats.levels, 0);
    CHECK_EQ(stats.calibrated_k, 0);
    CHECK_EQ(stats.exact_codes, 0);
    vecstore_index_free(index);
}

static void numbers_out_of_range_are_refused_with_what_is_allowed(void) {
    vecstore_index_options good = graph_options(L2SQ, F32, dim), options = good;
    static const uint32_t ms[] = { 1, 257, 65536, UINT32_MAX };
    for (int i = 0; i < 4; i++) {
        options.m = ms[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 2 to 256");
    }
    options = good;
    static const uint32_t widths[] = { VECSTORE_K_MAX + 1, INT32_MAX, UINT32_MAX };
    for (int i = 0; i < 3; i++) {
        options.ef_construction = widths[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 1 to 1048576");
    }
    options = good;
    static const uint32_t beyond[] = { 8, 100, UINT32_MAX };
    for (int i = 0; i < 3; i++) {
        options.storage = beyond[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "4 (int8), 5 (int4)");
        options.storage = 0, options.rescore = beyond[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "3 (float16)");
        options = good;
    }
    options.storage = VECSTORE_STORAGE_PQ;
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "the rows of a walk lie apart");
    options.storage = VECSTORE_STORAGE_BINARY;
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "the smallest codes of a graph are int4");
    options = good;
    for (uint32_t codes = 1; codes <= 3; codes++) {
        options.exact_codes = codes;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "kind 1 (flat)");
    }
    options = good;
    options.m = 2, options.ef_construction = 1;
    accept(&options);
    options.m = 256, options.ef_construction = VECSTORE_K_MAX;
    accept(&options);
}

static void options_of_a_graph_are_refused_for_a_flat_index(void) {
    for (int field = 0; field < 5; field++) {
        vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
        options.dim = dim;
        if (field == 0) options.m = 16;
        if (field == 1) options.ef_construction = 200;
        if (field == 2) options.storage = VECSTORE_STORAGE_F32;
        if (field == 3) options.rescore = VECSTORE_RESCORE_NONE;
        if (field == 4) options.seed = 1;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "kind 2 (hnsw)");
    }
}

static bool is_storage_supported(vecstore_metric metric, vecstore_dtype dtype, vecstore_storage storage) {
    if (storage == VECSTORE_STORAGE_AUTO) return true;
    if (dtype > BF16) return false;
    if (storage >= VECSTORE_STORAGE_INT8) return metric <= COSINE;
    /* The storages F32, F16 and BF16 have the numbers of the dtypes. */
    return dtype == F32 || storage == dtype;
}

static bool is_rescore_supported(vecstore_dtype dtype, vecstore_rescore rescore) {
    if (rescore == VECSTORE_RESCORE_F32) return dtype == F32;
    if (rescore == VECSTORE_RESCORE_F16) return dtype == F32 || dtype == F16;
    return true;
}

static void each_pair_is_supported_as_the_header_says(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            for (vecstore_storage storage = 0; storage <= VECSTORE_STORAGE_INT4; storage++) {
                for (vecstore_rescore rescore = 0; rescore <= VECSTORE_RESCORE_F16; rescore++) {
                    note("%s of %s, storage %u, rescore %u", metric_name(metric), dtype_name(dtype), storage, rescore);
                    vecstore_index_options options = graph_options(metric, dtype, dim);
                    options.storage = storage;
                    options.rescore = rescore;
                    bool is_supported = vecstore_is_supported(metric, dtype) &&
                                        is_storage_supported(metric, dtype, storage) &&
                                        is_rescore_supported(dtype, rescore);
                    vecstore_index *index;
                    vecstore_status status = vecstore_index_create(&options, &index);
                    CHECK_EQ(status, is_supported ? VECSTORE_OK : VECSTORE_ERR_UNSUPPORTED);
                    vecstore_index_free(index);
                }
            }
        }
    }
}

static void rows_are_stored_as_asked(void) {
    enum { n = 2100 };
    float *base = clustered_vectors(128, n, 2);
    /* storage, rescore, what comes of them: the type that results are ranked by */
    static const uint32_t cases[][3] = {
        { VECSTORE_STORAGE_F32, VECSTORE_RESCORE_DEFAULT, F32 },   { VECSTORE_STORAGE_F16, VECSTORE_RESCORE_DEFAULT, F32 },
        { VECSTORE_STORAGE_F16, VECSTORE_RESCORE_NONE, F16 },      { VECSTORE_STORAGE_F16, VECSTORE_RESCORE_F16, F16 },
        { VECSTORE_STORAGE_BF16, VECSTORE_RESCORE_NONE, BF16 },    { VECSTORE_STORAGE_BF16, VECSTORE_RESCORE_F32, F32 },
        { VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_DEFAULT, F32 },  { VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_F16, F16 },
        { VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_NONE, 0 },       { VECSTORE_STORAGE_F32, VECSTORE_RESCORE_NONE, F32 },
        { VECSTORE_STORAGE_F32, VECSTORE_RESCORE_F16, F32 },       { VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_DEFAULT, F32 },
        { VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_F16, F16 },      { VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_NONE, 0 },
    };
    for (int i = 0; i < 14; i++) {
        note("storage %u, rescore %u", cases[i][0], cases[i][1]);
        vecstore_index_options options = graph_options(L2SQ, F32, 128);
        options.storage = cases[i][0];
        options.rescore = cases[i][1];
        vecstore_index *index = create_index(&options);
        REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, NULL, NULL));
        vecstore_index_stats stats = stats_of(index);
        CHECK_EQ(stats.storage, cases[i][0]);
        CHECK_EQ(stats.exact_dtype, cases[i][2]);
        CHECK(stats.levels >= 1);
        if (cases[i][0] >= VECSTORE_STORAGE_INT8) CHECK(stats.code_loss >= 0 && stats.code_loss <= 1);
        else CHECK(stats.code_loss < 0);
        vecstore_index_free(index);
    }
    free(base);
}

static void auto_decides_once_there_are_enough_rows(void) {
    float *base = clustered_vectors(dim, 2048, 2);
    vecstore_index *index = new_graph(COSINE, F32, dim);
    CHECK_OK(vecstore_index_add(index, base, F32, 2047, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).storage, VECSTORE_STORAGE_AUTO);
    CHECK_OK(vecstore_index_add(index, base, F32, 1, NULL, NULL, NULL));
    CHECK(stats_of(index).storage != VECSTORE_STORAGE_AUTO);
    CHECK(stats_of(index).code_loss >= 0);
    CHECK_OK(vecstore_index_verify(index));
    free(base);
    vecstore_index_free(index);
}

static void elements_beyond_float16_do_not_go_with_float16_rows(void) {
    vecstore_index_options options = graph_options(L2SQ, F32, 2);
    options.rescore = VECSTORE_RESCORE_F16;
    vecstore_index *index = create_index(&options);
    const float large[2] = { 65520, 0 }, largest[2] = { 65504, 0 };
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, large, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, largest, F32, 1, NULL, NULL, NULL));
    CHECK_EQ(count_of(index), 1);
    vecstore_index_free(index);
}

static void room_beyond_the_most_rows_is_refused(void) {
    vecstore_index_options options = graph_options(L2SQ, F32, dim);
    static const uint64_t numbers[] = { 2147483647, 4294967294, 4294967295, (uint64_t)1 << 40, UINT64_MAX };
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    for (int i = 0; i < 5; i++) {
        options.capacity = numbers[i];
        check_refused(&options, VECSTORE_ERR_TOO_LARGE, "at most");
        CHECK_ERROR(TOO_LARGE, vecstore_index_reserve(index, numbers[i]));
    }
    vecstore_index_free(index);
}

static void more_room_than_there_is_memory_is_an_error(void) {
    vecstore_index_options options = graph_options(L2SQ, F32, VECSTORE_DIM_MAX);
    options.capacity = 2147483646;
    vecstore_index *index;
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_create(&options, &index));
    /* All of it is there again. */
    index = new_graph(L2SQ, F32, VECSTORE_DIM_MAX);
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_reserve(index, 2147483646));
    CHECK(stats_of(index).memory_bytes < (uint64_t)1 << 40);
    float *row = clustered_vectors(VECSTORE_DIM_MAX, 1, 2);
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_verify(index));
    free(row);
    vecstore_index_free(index);
}

/* ---- searches ---- */

static void check_search(const vecstore_index *index, const vecstore_search_options *options, const char *words) {
    float *query = clustered_vectors(dim, 1, 3);
    uint64_t ids[k];
    float distances[k];
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search(index, query, F32, 1, k, options, ids, distances, NULL));
    if (!CHECK(strstr(vecstore_last_error(), words))) check(false, __FILE__, __LINE__, "%s", vecstore_last_error());
    vecstore_range_result *result;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_search_range(index, query, F32, 1, 1, options, &result));
    CHECK(result == NULL);
    free(query);
}

static void settings_of_a_search_out_of_range_are_refused_by_either_kind(void) {
    static const float bad_recalls[] = { -0.1f, 1.01f, NAN, INFINITY, -INFINITY };
    static const float bad_factors[] = { -1, 0.99f, NAN, INFINITY, -INFINITY };
    static const uint32_t bad_widths[] = { VECSTORE_K_MAX + 1, INT32_MAX, UINT32_MAX };
    for (vecstore_kind kind = VECSTORE_KIND_FLAT; kind <= VECSTORE_KIND_HNSW; kind++) {
        vecstore_index *index = kind == VECSTORE_KIND_FLAT ? new_index(L2SQ, F32, dim) : new_graph(L2SQ, F32, dim);
        const vecstore_search_options good = VECSTORE_SEARCH_OPTIONS_INIT;
        vecstore_search_options options;
        for (int i = 0; i < 5; i++) {
            options = good, options.target_recall = bad_recalls[i];
            check_search(index, &options, "target_recall");
            options = good, options.oversampling = bad_factors[i];
            check_search(index, &options, "1 or more");
        }
        for (int i = 0; i < 3; i++) {
            options = good, options.ef_search = bad_widths[i];
            check_search(index, &options, "1 to 1048576");
        }
        options = good, options.no_rescore = 2;
        check_search(index, &options, "no_rescore");
        options = good, options.ef_search = 10, options.target_recall = 0.5f;
        check_search(index, &options, "both");
        vecstore_index_free(index);
    }
}

static void a_target_needs_a_calibration_that_reaches_it(void) {
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    float *base = clustered_vectors(dim, 100, 2);
    CHECK_OK(vecstore_index_add(index, base, F32, 100, NULL, NULL, NULL));
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.target_recall = 0.9f;
    check_search(index, &options, "calibrate");
    vecstore_calibrate_options calibrate = VECSTORE_CALIBRATE_OPTIONS_INIT;
    calibrate.recall = 0.8f;
    CHECK_OK(vecstore_index_calibrate(index, base, F32, 100, &calibrate, NULL));
    check_search(index, &options, "calibrate it for more");
    options.target_recall = 0.8f;
    uint64_t ids[k];
    float distances[k];
    CHECK_OK(vecstore_index_search(index, base, F32, 1, k, &options, ids, distances, NULL));
    free(base);
    vecstore_index_free(index);
}

static void options_of_a_calibration_out_of_range_are_refused(void) {
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    float *base = clustered_vectors(dim, 100, 2);
    CHECK_OK(vecstore_index_add(index, base, F32, 100, NULL, NULL, NULL));
    const vecstore_calibrate_options good = VECSTORE_CALIBRATE_OPTIONS_INIT;
    vecstore_calibrate_options options = good;
    static const float recalls[] = { -0.1f, 1.01f, NAN, INFINITY };
    for (int i = 0; i < 4; i++) {
        options.recall = recalls[i];
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_calibrate(index, base, F32, 100, &options, NULL));
        CHECK(strstr(vecstore_last_error(), "above 0, up to 1"));
    }
    options = good, options.k = VECSTORE_K_MAX + 1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_calibrate(index, base, F32, 100, &options, NULL));
    CHECK(strstr(vecstore_last_error(), "1 to 1048576"));
    options = good, options.threads = 1025;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_calibrate(index, base, F32, 100, &options, NULL));
    CHECK_EQ(stats_of(index).calibrated_k, 0);
    /* More than there are rows is no mistake, nor is perfection. */
    options = good, options.k = 1000, options.recall = 1;
    CHECK_OK(vecstore_index_calibrate(index, base, F32, 100, &options, NULL));
    CHECK_EQ(stats_of(index).calibrated_k, 1000);
    free(base);
    vecstore_index_free(index);
}

/* ---- seed ---- */

static unsigned char *file_of(uint64_t seed, const float *base, size_t n, size_t *size) {
    vecstore_index_options options = graph_options(L2SQ, F32, dim);
    options.seed = seed;
    vecstore_index *index = create_index(&options);
    vecstore_work_options add = VECSTORE_WORK_OPTIONS_INIT;
    add.threads = 1;
    REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, &add, NULL));
    REQUIRE_OK(vecstore_index_save(index, test_path("file"), NULL));
    vecstore_index_free(index);
    return read_bytes(test_path("file"), size);
}

static void the_same_seed_on_one_thread_makes_the_same_file(void) {
    float *base = clustered_vectors(dim, 2500, 2);
    for (uint64_t seed = 0; seed < 3; seed++) {
        size_t size, size_again, other_size;
        unsigned char *bytes = file_of(seed, base, 2500, &size), *again = file_of(seed, base, 2500, &size_again);
        CHECK(size == size_again && memcmp(bytes, again, size) == 0);
        unsigned char *other = file_of(seed + 100, base, 2500, &other_size);
        CHECK(size != other_size || memcmp(bytes, other, size) != 0);
        free(bytes);
        free(again);
        free(other);
    }
    free(base);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(defaults_are_those_of_the_header),
        TEST(numbers_out_of_range_are_refused_with_what_is_allowed),
        TEST(options_of_a_graph_are_refused_for_a_flat_index),
        TEST(each_pair_is_supported_as_the_header_says),
        TEST(rows_are_stored_as_asked),
        TEST(auto_decides_once_there_are_enough_rows),
        TEST(elements_beyond_float16_do_not_go_with_float16_rows),
        TEST(room_beyond_the_most_rows_is_refused),
        TEST(more_room_than_there_is_memory_is_an_error),
        TEST(settings_of_a_search_out_of_range_are_refused_by_either_kind),
        TEST(a_target_needs_a_calibration_that_reaches_it),
        TEST(options_of_a_calibration_out_of_range_are_refused),
        TEST(the_same_seed_on_one_thread_makes_the_same_file),
    };
    return RUN_TESTS(tests);
}
