/*
 * Options of inverted files: what is allowed, what is not and how that is said, and what they are where nothing is said.
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
    vecstore_index_options options = lists_options(L2SQ, F32, dim);
    vecstore_index *index = create_index(&options);
    vecstore_index_stats stats = stats_of(index);
    CHECK_EQ(stats.kind, VECSTORE_KIND_IVF);
    CHECK_EQ(stats.storage, VECSTORE_STORAGE_AUTO);
    CHECK_EQ(stats.exact_dtype, F32);
    CHECK_EQ(stats.nlist, 0);
    CHECK_EQ(stats.assignments, 1);
    CHECK_EQ(stats.trained_count, 0);
    CHECK_EQ(stats.bytes_per_row, 0);
    CHECK_EQ(stats.longest_list, 0);
    CHECK_EQ(stats.m, 0);
    CHECK_EQ(stats.ef_construction, 0);
    CHECK_EQ(stats.levels, 0);
    CHECK_EQ(stats.calibrated_k, 0);
    CHECK_EQ(stats.exact_codes, 0);
    vecstore_index_free(index);
    options.nlist = 33;
    options.assignments = 2;
    index = create_index(&options);
    CHECK_EQ(stats_of(index).nlist, 33);
    CHECK_EQ(stats_of(index).assignments, 2);
    CHECK_EQ(stats_of(index).default_nprobe, 3);
    vecstore_index_free(index);
}

static void numbers_out_of_range_are_refused_with_what_is_allowed(void) {
    const vecstore_index_options good = lists_options(L2SQ, F32, dim);
    vecstore_index_options options = good;
    static const uint32_t list_counts[] = { (1 << 20) + 1, INT32_MAX, UINT32_MAX };
    for (int i = 0; i < 3; i++) {
        options = good, options.nlist = list_counts[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 1 to 1048576");
        options = good, options.assignments = list_counts[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed are 1, and 2");
        options = good, options.storage = list_counts[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "7 (binary)");
        options = good, options.storage = VECSTORE_STORAGE_PQ, options.rescore = list_counts[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "3 (float16)");
        options = good, options.storage = VECSTORE_STORAGE_PQ, options.pq_m = list_counts[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 1 to 24");
    }
    options = good, options.assignments = 3;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed are 1, and 2");
    options = good, options.storage = 8;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "7 (binary)");
    options = good, options.storage = VECSTORE_STORAGE_PQ, options.pq_m = dim + 1;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 1 to 24");
    options = lists_options(L2SQ, F32, VECSTORE_DIM_MAX);
    options.storage = VECSTORE_STORAGE_PQ, options.pq_m = 16385;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 1 to 16384");
    options = good, options.nlist = 1, options.assignments = 2;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "there is no other list");
    options = good, options.nlist = 1 << 20, options.assignments = 2;
    accept(&options);
    options = good, options.nlist = 1, options.assignments = 1, options.storage = VECSTORE_STORAGE_PQ, options.pq_m = dim;
    accept(&options);
}

static void what_does_not_go_together_is_refused(void) {
    const vecstore_index_options good = lists_options(L2SQ, F32, dim);
    vecstore_index_options options = good;
    options.pq_m = 4;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "pq_m is 4: it is for storage pq");
    options.storage = VECSTORE_STORAGE_BINARY;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "pq_m is 4: it is for storage pq");
    for (vecstore_storage storage = VECSTORE_STORAGE_AUTO; storage <= VECSTORE_STORAGE_INT4; storage++) {
        options = good, options.storage = storage, options.bits = 4;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "bits is 4: it is for storage pq and binary");
        options = good, options.storage = storage, options.rotation = VECSTORE_ROTATION_OPQ;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "rotation opq is for storage pq");
    }
    options = good, options.storage = VECSTORE_STORAGE_BINARY, options.rotation = VECSTORE_ROTATION_OPQ;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "rotation opq is for storage pq");
    options = good, options.storage = VECSTORE_STORAGE_PQ, options.rotation = 2;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed are 0 (none) and 1 (OPQ)");
    options = lists_options(L2SQ, F32, 4097), options.storage = VECSTORE_STORAGE_PQ, options.rotation = VECSTORE_ROTATION_OPQ;
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "allowed is 1 to 4096");
    options = lists_options(L2SQ, F32, 16385), options.storage = VECSTORE_STORAGE_INT4;
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "at most 16384");
    options = lists_options(L2SQ, F32, VECSTORE_DIM_MAX), options.storage = VECSTORE_STORAGE_BINARY, options.bits = 6;
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "at most 16384");
    static const uint32_t numbers[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, UINT32_MAX };
    for (int i = 0; i < 12; i++) {
        options = good, options.storage = VECSTORE_STORAGE_PQ, options.bits = numbers[i];
        if (numbers[i] >= 4 && numbers[i] <= 8) accept(&options);
        else if (numbers[i] == 10 || numbers[i] == 12)
            check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "numbers of a byte at most");
        else check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 4 to 8");
        options.storage = VECSTORE_STORAGE_BINARY;
        if (numbers[i] == 7) check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "allowed is 1 to 6, and 8");
        else if (numbers[i] <= 8) accept(&options);
        else check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is 1 to 6, and 8");
    }
    for (vecstore_rescore rescore = VECSTORE_RESCORE_NONE; rescore <= VECSTORE_RESCORE_F16; rescore++) {
        options = good, options.rescore = rescore;
        check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "goes with codes (int8, int4, pq, binary)");
        options.storage = VECSTORE_STORAGE_F16;
        check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "goes with codes (int8, int4, pq, binary)");
    }
    options = lists_options(L1, F32, dim);
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "allowed are l2sq, ip and cosine");
    options = lists_options(HAMMING, BITS, dim);
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "allowed are l2sq, ip and cosine");
}

static void options_of_other_kinds_are_refused_for_lists(void) {
    const vecstore_index_options good = lists_options(L2SQ, F32, dim);
    for (int field = 0; field < 3; field++) {
        vecstore_index_options options = good;
        if (field == 0) options.exact_codes = 1;
        if (field == 1) options.m = 16;
        if (field == 2) options.ef_construction = 200;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "not for 3 (ivf)");
    }
}

static void options_of_lists_are_refused_for_other_kinds(void) {
    for (vecstore_kind kind = VECSTORE_KIND_FLAT; kind <= VECSTORE_KIND_HNSW; kind++) {
        for (int field = 0; field < 5; field++) {
            vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
            options.kind = kind;
            options.dim = dim;
            if (field == 0) options.nlist = 10;
            if (field == 1) options.pq_m = 4;
            if (field == 2) options.bits = 4;
            if (field == 3) options.assignments = 1;
            if (field == 4) options.rotation = VECSTORE_ROTATION_OPQ;
            check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "kind 3 (ivf)");
        }
    }
    for (vecstore_storage storage = VECSTORE_STORAGE_PQ; storage <= VECSTORE_STORAGE_BINARY; storage++) {
        vecstore_index_options options = graph_options(L2SQ, F32, dim);
        options.storage = storage;
        check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "kind 3 (ivf)");
    }
}

static bool is_storage_supported(vecstore_dtype dtype, vecstore_storage storage) {
    if (storage == VECSTORE_STORAGE_AUTO) return true;
    if (dtype > BF16) return false;
    /* The storages F32, F16 and BF16 have the numbers of the dtypes. */
    return storage >= VECSTORE_STORAGE_INT8 || dtype == F32 || storage == dtype;
}

static bool is_rescore_supported(vecstore_dtype dtype, vecstore_storage storage, vecstore_rescore rescore) {
    if (rescore == VECSTORE_RESCORE_DEFAULT) return true;
    if (storage < VECSTORE_STORAGE_INT8) return false;
    if (rescore == VECSTORE_RESCORE_F32) return dtype == F32;
    return rescore == VECSTORE_RESCORE_NONE || dtype == F32 || dtype == F16;
}

static void each_combination_is_supported_as_the_header_says(void) {
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            for (vecstore_storage storage = 0; storage <= VECSTORE_STORAGE_BINARY; storage++) {
                for (vecstore_rescore rescore = 0; rescore <= VECSTORE_RESCORE_F16; rescore++) {
                    note("%s of %s, storage %u, rescore %u", metric_name(metric), dtype_name(dtype), storage, rescore);
                    vecstore_index_options options = lists_options(metric, dtype, dim);
                    options.storage = storage;
                    options.rescore = rescore;
                    bool is_supported = vecstore_is_supported(metric, dtype) && metric <= COSINE &&
                                        is_storage_supported(dtype, storage) &&
                                        is_rescore_supported(dtype, storage, rescore);
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
    enum { n = 1000 };
    float *base = clustered_vectors(dim, n, 2);
    /* storage, rescore, the type that results are ranked by, bytes of a row in its list: code, two factors and slot */
    static const uint32_t cases[][4] = {
        { VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT, F32, 4 },
        { VECSTORE_STORAGE_F16, VECSTORE_RESCORE_DEFAULT, F16, 4 },
        { VECSTORE_STORAGE_BF16, VECSTORE_RESCORE_DEFAULT, BF16, 4 },
        { VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_DEFAULT, F32, 18 },
        { VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_F16, F16, 18 },
        { VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_NONE, 0, 18 },
        { VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_F32, F32, 16 },
        { VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, 0, 16 },
        { VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_NONE, 0, 36 },
        { VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_F16, F16, 24 },
    };
    for (int i = 0; i < 8; i++) {
        for (uint32_t assignments = 1; assignments <= 2; assignments++) {
            note("storage %u, rescore %u, assignments %u", cases[i][0], cases[i][1], assignments);
            vecstore_index_options options = lists_options(L2SQ, F32, dim);
            options.storage = cases[i][0];
            options.rescore = cases[i][1];
            options.assignments = assignments;
            vecstore_index *index = create_index(&options);
            REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, NULL, NULL));
            vecstore_index_stats stats = stats_of(index);
            CHECK_EQ(stats.storage, cases[i][0]);
            CHECK_EQ(stats.exact_dtype, cases[i][2]);
            CHECK_EQ(stats.bytes_per_row, cases[i][3] * assignments);
            CHECK_EQ(stats.assignments, assignments);
            CHECK_EQ(stats.trained_count, n);
            CHECK_EQ(stats.default_nprobe, (stats.nlist + 15) / 16);
            CHECK(stats.longest_list >= assignments * n / stats.nlist && stats.longest_list <= n);
            CHECK(stats.imbalance >= 1 && stats.imbalance <= (float)stats.nlist);
            vecstore_index_free(index);
        }
    }
    free(base);
}

static void lists_are_as_many_as_rows_ask_for(void) {
    /* About four times the root, a power of two, with 39 rows for each. */
    static const struct { size_t n; uint32_t lists; } cases[] = {
        { 1, 1 }, { 77, 1 }, { 78, 2 }, { 155, 2 }, { 156, 4 }, { 1000, 16 }, { 5000, 128 }, { 20000, 512 },
    };
    float *base = clustered_vectors(4, 20000, 2);
    for (int i = 0; i < 8; i++) {
        note("%zu rows", cases[i].n);
        vecstore_index_options options = lists_options(L2SQ, F32, 4);
        vecstore_index *index = create_index(&options);
        REQUIRE_OK(vecstore_index_train(index, base, F32, cases[i].n, NULL));
        CHECK_EQ(stats_of(index).nlist, cases[i].lists);
        CHECK_EQ(stats_of(index).trained_count, cases[i].n);
        vecstore_index_free(index);
    }
    free(base);
}

static void elements_beyond_float16_do_not_go_with_float16_rows(void) {
    for (int i = 0; i < 2; i++) {
        vecstore_index_options options = lists_options(L2SQ, F32, 2);
        options.storage = i ? VECSTORE_STORAGE_BINARY : VECSTORE_STORAGE_F16;
        options.rescore = i ? VECSTORE_RESCORE_F16 : VECSTORE_RESCORE_DEFAULT;
        vecstore_index *index = create_index(&options);
        const float large[2] = { 65520, 0 }, largest[2] = { 65504, 0 };
        CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, large, F32, 1, NULL, NULL, NULL));
        CHECK_OK(vecstore_index_add(index, largest, F32, 1, NULL, NULL, NULL));
        CHECK_EQ(count_of(index), 1);
        vecstore_index_free(index);
    }
}

static void room_beyond_the_most_rows_is_refused(void) {
    vecstore_index_options options = lists_options(L2SQ, F32, dim);
    static const uint64_t numbers[] = { 2147483647, 4294967294, 4294967295, (uint64_t)1 << 40, UINT64_MAX };
    vecstore_index *index = create_index(&options);
    for (int i = 0; i < 5; i++) {
        options.capacity = numbers[i];
        check_refused(&options, VECSTORE_ERR_TOO_LARGE, "at most");
        CHECK_ERROR(TOO_LARGE, vecstore_index_reserve(index, numbers[i]));
    }
    CHECK_OK(vecstore_index_reserve(index, 5000));
    vecstore_index_free(index);
    options.capacity = 5000;
    accept(&options);
}

static void more_room_than_there_is_memory_is_an_error(void) {
    vecstore_index_options options = lists_options(L2SQ, F32, VECSTORE_DIM_MAX);
    options.capacity = 2147483646;
    vecstore_index *index;
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_create(&options, &index));
    options.capacity = 0;
    index = create_index(&options);
    CHECK_ERROR(OUT_OF_MEMORY, vecstore_index_reserve(index, 2147483646));
    CHECK(stats_of(index).memory_bytes < (uint64_t)1 << 40);
    /* All of it is there again. */
    vecstore_index *other = create_index(&options);
    float *row = clustered_vectors(VECSTORE_DIM_MAX, 1, 2);
    CHECK_OK(vecstore_index_reserve(other, 100000));
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_add(other, row, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_verify(index));
    free(row);
    vecstore_index_free(other);
    vecstore_index_free(index);
}

static void the_largest_dim_works_with_every_storage(void) {
    enum { n = 40 };
    float *base = clustered_vectors(VECSTORE_DIM_MAX, n, 2);
    static const vecstore_storage storages[] = { VECSTORE_STORAGE_AUTO, VECSTORE_STORAGE_PQ, VECSTORE_STORAGE_BINARY };
    for (int s = 0; s < 3; s++) {
        note("storage %u", storages[s]);
        vecstore_index_options options = lists_options(L2SQ, F32, VECSTORE_DIM_MAX);
        options.storage = storages[s];
        options.nlist = 2;
        vecstore_index *index = create_index(&options), *opened = NULL;
        REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, NULL, NULL));
        vecstore_save_options fast = VECSTORE_SAVE_OPTIONS_INIT;
        fast.no_sync = 1;
        REQUIRE_OK(vecstore_index_save(index, test_path("file"), &fast));
        REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &opened));
        vecstore_search_options all = VECSTORE_SEARCH_OPTIONS_INIT;
        all.nprobe = 2;
        uint64_t id, opened_id;
        float distance;
        CHECK_OK(vecstore_index_search(index, base + 3 * VECSTORE_DIM_MAX, F32, 1, 1, &all, &id, &distance, NULL));
        CHECK_EQ(id, 3);
        CHECK_OK(vecstore_index_search(opened, base + 3 * VECSTORE_DIM_MAX, F32, 1, 1, &all, &opened_id, &distance, NULL));
        CHECK_EQ(opened_id, 3);
        vecstore_index_free(opened);
        vecstore_index_free(index);
    }
    free(base);
}

/* ---- searches ---- */

static vecstore_status try_search(const vecstore_index *index, const vecstore_search_options *options) {
    float *query = clustered_vectors(dim, 1, 3);
    uint64_t ids[k];
    float distances[k];
    vecstore_status status = vecstore_index_search(index, query, F32, 1, k, options, ids, distances, NULL);
    vecstore_range_result *result = NULL;
    CHECK_EQ(vecstore_index_search_range(index, query, F32, 1, 1, options, &result), status);
    CHECK((result != NULL) == (status == VECSTORE_OK));
    vecstore_range_result_free(result);
    free(query);
    return status;
}

static void settings_of_a_search_out_of_range_are_refused_by_every_kind(void) {
    static const uint32_t bad[] = { (1 << 20) + 1, INT32_MAX, UINT32_MAX };
    const vecstore_search_options good = VECSTORE_SEARCH_OPTIONS_INIT;
    for (vecstore_kind kind = VECSTORE_KIND_FLAT; kind <= VECSTORE_KIND_IVF; kind++) {
        note("kind %u", kind);
        vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
        options.kind = kind;
        options.dim = dim;
        vecstore_index *index = create_index(&options);
        for (int i = 0; i < 3; i++) {
            vecstore_search_options search = good;
            search.nprobe = bad[i];
            CHECK_ERROR(INVALID_ARGUMENT, try_search(index, &search));
            CHECK(strstr(vecstore_last_error(), "1 to 1048576"));
            search = good, search.reserved = bad[i];
            CHECK_ERROR(INVALID_ARGUMENT, try_search(index, &search));
            CHECK(strstr(vecstore_last_error(), "reserved"));
        }
        vecstore_search_options search = good;
        search.nprobe = 1 << 20;
        CHECK_OK(try_search(index, &search));
        search = good, search.ef_search = 100, search.no_rescore = 1, search.oversampling = 3.0e38f;
        CHECK_OK(try_search(index, &search));
        vecstore_index_free(index);
    }
}

static void a_target_needs_a_calibration_that_reaches_it(void) {
    vecstore_index_options options = lists_options(L2SQ, F32, dim);
    vecstore_index *index = create_index(&options);
    float *base = clustered_vectors(dim, 200, 2);
    vecstore_search_options target = VECSTORE_SEARCH_OPTIONS_INIT;
    target.target_recall = 0.9f;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_calibrate(index, base, F32, 10, NULL, NULL));
    CHECK(strstr(vecstore_last_error(), "empty"));
    for (int filled = 0; filled < 2; filled++) {
        CHECK_ERROR(INVALID_ARGUMENT, try_search(index, &target));
        CHECK(strstr(vecstore_last_error(), "call calibrate first"));
        CHECK_OK(vecstore_index_add(index, base, F32, 200, NULL, NULL, NULL));
    }
    vecstore_calibrate_options calibrate = VECSTORE_CALIBRATE_OPTIONS_INIT;
    calibrate.recall = 0.8f;
    CHECK_OK(vecstore_index_calibrate(index, base, F32, 100, &calibrate, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, try_search(index, &target));
    CHECK(strstr(vecstore_last_error(), "calibrate it for more"));
    target.target_recall = 0.8f;
    CHECK_OK(try_search(index, &target));
    target.nprobe = 2;
    CHECK_ERROR(INVALID_ARGUMENT, try_search(index, &target));
    CHECK(strstr(vecstore_last_error(), "nprobe and target_recall"));
    free(base);
    vecstore_index_free(index);
}

static void codes_alone_have_nothing_to_calibrate_by(void) {
    static const vecstore_storage storages[] = { VECSTORE_STORAGE_PQ, VECSTORE_STORAGE_BINARY };
    float *base = clustered_vectors(dim, 200, 2);
    for (int s = 0; s < 2; s++) {
        vecstore_index_options options = lists_options(L2SQ, F32, dim);
        options.storage = storages[s];
        options.rescore = VECSTORE_RESCORE_NONE;
        vecstore_index *index = create_index(&options);
        CHECK_OK(vecstore_index_add(index, base, F32, 200, NULL, NULL, NULL));
        CHECK_ERROR(UNSUPPORTED, vecstore_index_calibrate(index, base, F32, 100, NULL, NULL));
        CHECK(strstr(vecstore_last_error(), "no rows to measure"));
        vecstore_index_free(index);
    }
    free(base);
}

/* ---- seed ---- */

static unsigned char *file_of(vecstore_storage storage, uint32_t assignments, uint64_t seed, uint32_t threads,
                              const float *base, size_t n, size_t *size) {
    vecstore_index_options options = lists_options(COSINE, F32, dim);
    options.storage = storage;
    options.assignments = assignments;
    options.seed = seed;
    vecstore_index *index = create_index(&options);
    vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
    work.threads = threads;
    REQUIRE_OK(vecstore_index_train(index, base, F32, n, &work));
    REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, &work, NULL));
    REQUIRE_OK(vecstore_index_save(index, test_path("file"), NULL));
    vecstore_index_free(index);
    return read_bytes(test_path("file"), size);
}

static void the_same_seed_makes_the_same_file_on_any_number_of_threads(void) {
    static const vecstore_storage storages[] = { VECSTORE_STORAGE_AUTO, VECSTORE_STORAGE_PQ, VECSTORE_STORAGE_BINARY };
    enum { n = 2500 };
    float *base = clustered_vectors(dim, n, 2);
    for (int s = 0; s < 3; s++) {
        for (uint64_t seed = 0; seed < 2; seed++) {
            note("storage %u, seed %u", storages[s], (unsigned)seed);
            const uint32_t assignments = 1 + (uint32_t)seed;
            size_t size, size_again, other_size;
            unsigned char *bytes = file_of(storages[s], assignments, seed, 1, base, n, &size);
            for (uint32_t threads = 1; threads <= 3; threads++) {
                unsigned char *again = file_of(storages[s], assignments, seed, threads, base, n, &size_again);
                CHECK(size == size_again && memcmp(bytes, again, size) == 0);
                free(again);
            }
            unsigned char *other = file_of(storages[s], assignments, seed + 100, 1, base, n, &other_size);
            CHECK(size != other_size || memcmp(bytes, other, size) != 0);
            free(bytes);
            free(other);
        }
    }
    free(base);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(defaults_are_those_of_the_header),
        TEST(numbers_out_of_range_are_refused_with_what_is_allowed),
        TEST(what_does_not_go_together_is_refused),
        TEST(options_of_other_kinds_are_refused_for_lists),
        TEST(options_of_lists_are_refused_for_other_kinds),
        TEST(each_combination_is_supported_as_the_header_says),
        TEST(rows_are_stored_as_asked),
        TEST(lists_are_as_many_as_rows_ask_for),
        TEST(elements_beyond_float16_do_not_go_with_float16_rows),
        TEST(room_beyond_the_most_rows_is_refused),
        TEST(more_room_than_there_is_memory_is_an_error),
        TEST(the_largest_dim_works_with_every_storage),
        TEST(settings_of_a_search_out_of_range_are_refused_by_every_kind),
        TEST(a_target_needs_a_calibration_that_reaches_it),
        TEST(codes_alone_have_nothing_to_calibrate_by),
        TEST(the_same_seed_makes_the_same_file_on_any_number_of_threads),
    };
    return RUN_TESTS(tests);
}
