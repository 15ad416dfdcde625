/*
 * Option structs: their layout, and callers that were compiled with older and newer headers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The layout: fields are only ever added behind these. Some structs began with fewer: see `structs` below. */
#define FIELD(type, field, at) static_assert(offsetof(type, field) == (at), #type "." #field " has moved")

static_assert(sizeof(vecstore_filter) == 64, "vecstore_filter has changed");
FIELD(vecstore_filter, struct_size, 0);
FIELD(vecstore_filter, kind, 4);
FIELD(vecstore_filter, bitmap, 8);
FIELD(vecstore_filter, bitmap_bits, 16);
FIELD(vecstore_filter, ids, 24);
FIELD(vecstore_filter, ids_count, 32);
FIELD(vecstore_filter, callback, 40);
FIELD(vecstore_filter, payload, 48);
FIELD(vecstore_filter, negate, 56);
FIELD(vecstore_filter, reserved, 60);
static_assert(sizeof(vecstore_search_options) == 40, "vecstore_search_options has changed");
FIELD(vecstore_search_options, struct_size, 0);
FIELD(vecstore_search_options, threads, 4);
FIELD(vecstore_search_options, filter, 8);
FIELD(vecstore_search_options, ef_search, 16);
FIELD(vecstore_search_options, target_recall, 20);
FIELD(vecstore_search_options, no_rescore, 24);
FIELD(vecstore_search_options, oversampling, 28);
FIELD(vecstore_search_options, nprobe, 32);
FIELD(vecstore_search_options, reserved, 36);
static_assert(sizeof(vecstore_index_options) == 88, "vecstore_index_options has changed");
FIELD(vecstore_index_options, struct_size, 0);
FIELD(vecstore_index_options, kind, 4);
FIELD(vecstore_index_options, dim, 8);
FIELD(vecstore_index_options, metric, 12);
FIELD(vecstore_index_options, dtype, 16);
FIELD(vecstore_index_options, exact_codes, 20);
FIELD(vecstore_index_options, capacity, 24);
FIELD(vecstore_index_options, m, 32);
FIELD(vecstore_index_options, ef_construction, 36);
FIELD(vecstore_index_options, storage, 40);
FIELD(vecstore_index_options, rescore, 44);
FIELD(vecstore_index_options, seed, 48);
FIELD(vecstore_index_options, nlist, 56);
FIELD(vecstore_index_options, pq_m, 60);
FIELD(vecstore_index_options, bits, 64);
FIELD(vecstore_index_options, assignments, 68);
FIELD(vecstore_index_options, rotation, 72);
FIELD(vecstore_index_options, target_recall, 76);
FIELD(vecstore_index_options, memory_budget, 80);
static_assert(sizeof(vecstore_work_options) == 24, "vecstore_work_options has changed");
FIELD(vecstore_work_options, struct_size, 0);
FIELD(vecstore_work_options, threads, 4);
FIELD(vecstore_work_options, progress, 8);
FIELD(vecstore_work_options, payload, 16);
static_assert(sizeof(vecstore_kmeans_options) == 72, "vecstore_kmeans_options has changed");
FIELD(vecstore_kmeans_options, struct_size, 0);
FIELD(vecstore_kmeans_options, threads, 4);
FIELD(vecstore_kmeans_options, metric, 8);
FIELD(vecstore_kmeans_options, start, 12);
FIELD(vecstore_kmeans_options, max_iterations, 16);
FIELD(vecstore_kmeans_options, restarts, 20);
FIELD(vecstore_kmeans_options, seed, 24);
FIELD(vecstore_kmeans_options, sample, 32);
FIELD(vecstore_kmeans_options, batch_size, 40);
FIELD(vecstore_kmeans_options, tolerance, 48);
FIELD(vecstore_kmeans_options, reserved, 52);
FIELD(vecstore_kmeans_options, progress, 56);
FIELD(vecstore_kmeans_options, payload, 64);
static_assert(sizeof(vecstore_kmeans_result) == 32, "vecstore_kmeans_result has changed");
FIELD(vecstore_kmeans_result, struct_size, 0);
FIELD(vecstore_kmeans_result, iterations, 4);
FIELD(vecstore_kmeans_result, converged, 8);
FIELD(vecstore_kmeans_result, reserved, 12);
FIELD(vecstore_kmeans_result, trained_count, 16);
FIELD(vecstore_kmeans_result, objective, 24);
static_assert(sizeof(vecstore_index_stats) == 160, "vecstore_index_stats has changed");
FIELD(vecstore_index_stats, struct_size, 0);
FIELD(vecstore_index_stats, kind, 4);
FIELD(vecstore_index_stats, dim, 8);
FIELD(vecstore_index_stats, metric, 12);
FIELD(vecstore_index_stats, dtype, 16);
FIELD(vecstore_index_stats, read_only, 20);
FIELD(vecstore_index_stats, count, 24);
FIELD(vecstore_index_stats, removed_count, 32);
FIELD(vecstore_index_stats, memory_bytes, 40);
FIELD(vecstore_index_stats, mapped_bytes, 48);
FIELD(vecstore_index_stats, next_id, 56);
FIELD(vecstore_index_stats, exact_codes, 64);
FIELD(vecstore_index_stats, reserved, 68);
FIELD(vecstore_index_stats, m, 72);
FIELD(vecstore_index_stats, ef_construction, 76);
FIELD(vecstore_index_stats, storage, 80);
FIELD(vecstore_index_stats, exact_dtype, 84);
FIELD(vecstore_index_stats, code_loss, 88);
FIELD(vecstore_index_stats, sketched, 92);
FIELD(vecstore_index_stats, levels, 96);
FIELD(vecstore_index_stats, calibrated_k, 100);
FIELD(vecstore_index_stats, calibrated_ef_search, 104);
FIELD(vecstore_index_stats, calibrated_recall, 108);
FIELD(vecstore_index_stats, calibrated_target, 112);
FIELD(vecstore_index_stats, calibrated_by_own_rows, 116);
FIELD(vecstore_index_stats, nlist, 120);
FIELD(vecstore_index_stats, assignments, 124);
FIELD(vecstore_index_stats, trained_count, 128);
FIELD(vecstore_index_stats, bytes_per_row, 136);
FIELD(vecstore_index_stats, longest_list, 140);
FIELD(vecstore_index_stats, imbalance, 144);
FIELD(vecstore_index_stats, default_nprobe, 148);
FIELD(vecstore_index_stats, calibrated_nprobe, 152);
FIELD(vecstore_index_stats, automatic, 156);
static_assert(sizeof(vecstore_calibrate_options) == 16, "vecstore_calibrate_options has changed");
FIELD(vecstore_calibrate_options, struct_size, 0);
FIELD(vecstore_calibrate_options, threads, 4);
FIELD(vecstore_calibrate_options, k, 8);
FIELD(vecstore_calibrate_options, recall, 12);
static_assert(sizeof(vecstore_calibration) == 28, "vecstore_calibration has changed");
FIELD(vecstore_calibration, struct_size, 0);
FIELD(vecstore_calibration, k, 4);
FIELD(vecstore_calibration, ef_search, 8);
FIELD(vecstore_calibration, uses_own_rows, 12);
FIELD(vecstore_calibration, target_recall, 16);
FIELD(vecstore_calibration, recall, 20);
FIELD(vecstore_calibration, nprobe, 24);
static_assert(sizeof(vecstore_save_options) == 8, "vecstore_save_options has changed");
FIELD(vecstore_save_options, struct_size, 0);
FIELD(vecstore_save_options, no_sync, 4);
static_assert(sizeof(vecstore_open_options) == 16, "vecstore_open_options has changed");
FIELD(vecstore_open_options, struct_size, 0);
FIELD(vecstore_open_options, load, 4);
FIELD(vecstore_open_options, verify, 8);
FIELD(vecstore_open_options, prefault, 12);

/* ---- a call for each struct ---- */

static const float row[2] = { 1, 2 };

static vecstore_index *one_row(void) {
    vecstore_index *index = new_index(L2SQ, F32, 2);
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    return index;
}

static vecstore_status with_index_options(const void *options) {
    vecstore_index *index = (vecstore_index *)1;
    vecstore_status status = vecstore_index_create(options, &index);
    CHECK((index != NULL) == (status == VECSTORE_OK));
    if (status == VECSTORE_OK) vecstore_index_free(index);
    return status;
}

static vecstore_status with_work_options(const void *options) {
    vecstore_index *index = one_row();
    vecstore_status status = vecstore_index_add(index, row, F32, 1, NULL, options, NULL);
    CHECK_EQ(count_of(index), status == VECSTORE_OK ? 2 : 1);
    vecstore_index_free(index);
    return status;
}

static vecstore_status with_search_options(const void *options) {
    vecstore_index *index = one_row();
    uint64_t id;
    float distance;
    vecstore_status status = vecstore_index_search(index, row, F32, 1, 1, options, &id, &distance, NULL);
    CHECK_EQ(vecstore_knn(row, 1, row, 1, 2, L2SQ, F32, 1, options, &id, &distance, NULL), status);
    vecstore_range_result *result = (vecstore_range_result *)1;
    CHECK_EQ(vecstore_index_search_range(index, row, F32, 1, 1, options, &result), status);
    CHECK((result != NULL) == (status == VECSTORE_OK));
    if (status == VECSTORE_OK) vecstore_range_result_free(result);
    vecstore_index_free(index);
    return status;
}

static vecstore_status with_filter(const void *filter) {
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = filter;
    return with_search_options(&options);
}

static vecstore_status with_calibrate_options(const void *options) {
    vecstore_index_options graph = VECSTORE_INDEX_OPTIONS_INIT;
    graph.kind = VECSTORE_KIND_HNSW;
    graph.dim = 2;
    vecstore_index *index = NULL;
    REQUIRE_OK(vecstore_index_create(&graph, &index));
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    vecstore_status status = vecstore_index_calibrate(index, row, F32, 1, options, NULL);
    CHECK((stats_of(index).calibrated_k != 0) == (status == VECSTORE_OK));
    vecstore_index_free(index);
    return status;
}

static vecstore_status with_save_options(const void *options) {
    vecstore_index *index = one_row();
    vecstore_status status = vecstore_index_save(index, test_path("saved"), options);
    vecstore_index_free(index);
    return status;
}

static vecstore_status with_open_options(const void *options) {
    CHECK_OK(with_save_options(NULL));
    vecstore_index *index = (vecstore_index *)1;
    vecstore_status status = vecstore_index_open(test_path("saved"), options, &index);
    CHECK((index != NULL) == (status == VECSTORE_OK));
    if (status == VECSTORE_OK) vecstore_index_free(index);
    return status;
}

static const vecstore_index_options init_index_options = VECSTORE_INDEX_OPTIONS_INIT;
static const vecstore_work_options init_work_options = VECSTORE_WORK_OPTIONS_INIT;
static const vecstore_search_options init_search_options = VECSTORE_SEARCH_OPTIONS_INIT;
static const vecstore_filter init_filter = VECSTORE_FILTER_INIT;
static const vecstore_calibrate_options init_calibrate_options = VECSTORE_CALIBRATE_OPTIONS_INIT;
static const vecstore_save_options init_save_options = VECSTORE_SAVE_OPTIONS_INIT;
static const vecstore_open_options init_open_options = VECSTORE_OPEN_OPTIONS_INIT;
static const vecstore_index_stats init_stats = VECSTORE_INDEX_STATS_INIT;

static const struct {
    const char *name;
    vecstore_status (*call)(const void *options);
    const void *init;
    uint32_t size;
    uint32_t first_size; /* what it was in the first version */
} structs[] = {
    { "vecstore_index_options", with_index_options, &init_index_options, sizeof init_index_options, 32 },
    { "vecstore_work_options", with_work_options, &init_work_options, sizeof init_work_options, 8 },
    { "vecstore_search_options", with_search_options, &init_search_options, sizeof init_search_options, 16 },
    { "vecstore_filter", with_filter, &init_filter, sizeof init_filter, 64 },
    { "vecstore_calibrate_options", with_calibrate_options, &init_calibrate_options, sizeof init_calibrate_options, 16 },
    { "vecstore_save_options", with_save_options, &init_save_options, sizeof init_save_options, 8 },
    { "vecstore_open_options", with_open_options, &init_open_options, sizeof init_open_options, 16 },
};
enum { struct_count = sizeof structs / sizeof *structs };

/* Options of struct s as INIT leaves them (dim 2 where there is a dim), in memory of `size` bytes that say so. */
static void *options_of_size(size_t s, uint32_t size) {
    uint32_t room = size > structs[s].size ? size : structs[s].size;
    unsigned char *memory = calloc(1, room);
    REQUIRE(memory);
    memcpy(memory, structs[s].init, structs[s].size);
    if (structs[s].init == &init_index_options) ((vecstore_index_options *)memory)->dim = 2;
    memcpy(memory, &size, sizeof size);
    return memory;
}

/* ---- the size that the caller was compiled with ---- */

static void init_macros_set_the_size(void) {
    for (size_t s = 0; s < struct_count; s++) CHECK_EQ(*(const uint32_t *)structs[s].init, structs[s].size);
    CHECK_EQ(init_stats.struct_size, sizeof init_stats);
}

static void the_size_of_this_header_is_accepted(void) {
    for (size_t s = 0; s < struct_count; s++) {
        note("%s", structs[s].name);
        void *options = options_of_size(s, structs[s].size);
        CHECK_OK(structs[s].call(options));
        free(options);
    }
}

static void sizes_below_the_first_version_are_refused(void) {
    for (size_t s = 0; s < struct_count; s++) {
        for (uint32_t size = 0; size < structs[s].first_size; size++) {
            note("%s of %u bytes", structs[s].name, size);
            void *options = options_of_size(s, size);
            CHECK_ERROR(INVALID_ARGUMENT, structs[s].call(options));
            CHECK(strstr(vecstore_last_error(), structs[s].name));
            CHECK(strstr(vecstore_last_error(), "struct_size"));
            free(options);
        }
    }
}

static void callers_of_every_version_are_served(void) {
    for (size_t s = 0; s < struct_count; s++) {
        for (uint32_t size = structs[s].first_size; size <= structs[s].size; size += 4) {
            note("%s of %u bytes", structs[s].name, size);
            /* Nothing behind what the caller knows of may be read. */
            void *options = options_of_size(s, size);
            CHECK_OK(structs[s].call(fenced_copy(options, size)));
            free(options);
        }
    }
}

static void fields_that_the_caller_does_not_know_take_their_defaults(void) {
    /* Values that would be refused stand behind the struct of the caller. */
    for (size_t s = 0; s < struct_count; s++) {
        if (structs[s].first_size == structs[s].size) continue;
        note("%s", structs[s].name);
        unsigned char *options = options_of_size(s, structs[s].size);
        memset(options + structs[s].first_size, 0xff, structs[s].size - structs[s].first_size);
        if (structs[s].init != &init_work_options) CHECK_ERROR(INVALID_ARGUMENT, structs[s].call(options));
        memcpy(options, &structs[s].first_size, 4);
        CHECK_OK(structs[s].call(options));
        free(options);
    }
}

static void absurd_sizes_are_refused(void) {
    static const uint32_t sizes[] = { 4097, 1 << 20, INT32_MAX, UINT32_MAX };
    for (size_t s = 0; s < struct_count; s++) {
        for (int i = 0; i < 4; i++) {
            note("%s of %u bytes", structs[s].name, sizes[i]);
            /* Nothing behind the struct that is there may be read. */
            void *options = options_of_size(s, structs[s].size);
            memcpy(options, &sizes[i], sizeof sizes[i]);
            CHECK_ERROR(INVALID_ARGUMENT, structs[s].call(fenced_copy(options, structs[s].size)));
            free(options);
        }
    }
}

static void newer_callers_are_served_where_new_fields_are_0(void) {
    static const uint32_t more[] = { 1, 4, 8, 100 };
    for (size_t s = 0; s < struct_count; s++) {
        for (int i = 0; i < 4; i++) {
            note("%s, %u bytes more", structs[s].name, more[i]);
            void *options = options_of_size(s, structs[s].size + more[i]);
            CHECK_OK(structs[s].call(options));
            free(options);
        }
        void *options = options_of_size(s, 4096);
        CHECK_OK(structs[s].call(options));
        free(options);
    }
}

static void newer_callers_are_refused_where_new_fields_are_set(void) {
    for (size_t s = 0; s < struct_count; s++) {
        for (uint32_t at = 0; at < 24; at++) {
            note("%s, byte %u behind it", structs[s].name, at);
            unsigned char *options = options_of_size(s, structs[s].size + 24);
            options[structs[s].size + at] = 1;
            CHECK_ERROR(INVALID_ARGUMENT, structs[s].call(options));
            CHECK(strstr(vecstore_last_error(), structs[s].name));
            free(options);
        }
    }
}

/* ---- stats, which the library fills in ---- */

enum { first_stats_size = 72, first_calibration_size = 24 };

static void stats_are_filled_in_up_to_the_size_of_the_caller(void) {
    vecstore_index *index = one_row();
    for (uint32_t size = first_stats_size; size <= sizeof(vecstore_index_stats) + 32; size += 4) {
        unsigned char memory[sizeof(vecstore_index_stats) + 64];
        memset(memory, 0xcc, sizeof memory);
        memcpy(memory, &size, sizeof size);
        vecstore_index_stats stats;
        CHECK_OK(vecstore_index_get_stats(index, (vecstore_index_stats *)(void *)memory));
        memcpy(&stats, memory, sizeof stats);
        CHECK_EQ(stats.struct_size, size);
        CHECK_EQ(stats.dim, 2);
        CHECK_EQ(stats.count, 1);
        CHECK_EQ(stats.next_id, 1);
        CHECK_EQ(stats.reserved, 0);
        /* Of a flat index all fields behind the first version are 0. */
        for (uint32_t i = first_stats_size; i < sizeof memory; i++) CHECK_EQ(memory[i], i < size ? 0 : 0xcc);
    }
    vecstore_index_free(index);
}

static void stats_of_lists_are_filled_in_up_to_the_size_of_the_caller(void) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.kind = VECSTORE_KIND_IVF;
    options.dim = 2;
    vecstore_index *index = create_index(&options);
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    const vecstore_index_stats whole = stats_of(index);
    CHECK_EQ(whole.nlist, 1);
    CHECK_EQ(whole.default_nprobe, 1);
    for (uint32_t size = first_stats_size; size <= sizeof(vecstore_index_stats) + 32; size += 4) {
        unsigned char memory[sizeof(vecstore_index_stats) + 64];
        memset(memory, 0xcc, sizeof memory);
        memcpy(memory, &size, sizeof size);
        CHECK_OK(vecstore_index_get_stats(index, (vecstore_index_stats *)(void *)memory));
        const size_t known = size < sizeof whole ? size : sizeof whole;
        CHECK(memcmp(memory + 4, (const unsigned char *)&whole + 4, known - 4) == 0);
        for (size_t i = known; i < sizeof memory; i++) CHECK_EQ(memory[i], i < size ? 0 : 0xcc);
    }
    vecstore_index_free(index);
}

static void stats_below_the_first_version_are_refused(void) {
    vecstore_index *index = one_row();
    for (uint32_t size = 0; size < first_stats_size; size++) {
        vecstore_index_stats stats = VECSTORE_INDEX_STATS_INIT;
        stats.struct_size = size;
        stats.dim = 77;
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_get_stats(index, &stats));
        CHECK_EQ(stats.dim, 77);
    }
    vecstore_index_stats stats = VECSTORE_INDEX_STATS_INIT;
    stats.struct_size = UINT32_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_get_stats(index, &stats));
    vecstore_index_free(index);
}

static void a_calibration_is_filled_in_up_to_the_size_of_the_caller(void) {
    vecstore_index_options graph = VECSTORE_INDEX_OPTIONS_INIT;
    graph.kind = VECSTORE_KIND_HNSW;
    graph.dim = 2;
    vecstore_index *index = NULL;
    REQUIRE_OK(vecstore_index_create(&graph, &index));
    CHECK_OK(vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    vecstore_calibration found = VECSTORE_CALIBRATION_INIT;
    CHECK_EQ(found.struct_size, sizeof found);
    const uint32_t least = first_calibration_size;
    for (uint32_t size = 0; size < sizeof found + 16; size++) {
        unsigned char memory[sizeof found + 16];
        memset(memory, 0xcc, sizeof memory);
        memcpy(memory, &size, sizeof size);
        vecstore_status status =
            vecstore_index_calibrate(index, row, F32, 1, NULL, (vecstore_calibration *)(void *)memory);
        if (size < least) CHECK_EQ(stats_of(index).calibrated_k, 0);
        CHECK_EQ(status, size < least ? VECSTORE_ERR_INVALID_ARGUMENT : VECSTORE_OK);
        memcpy(&found, memory, sizeof found);
        CHECK_EQ(found.struct_size, size);
        CHECK_EQ(found.k, size < least ? 0xcccccccc : 10);
        for (uint32_t i = size < least ? 4 : size; i < sizeof memory; i++) CHECK_EQ(memory[i], 0xcc);
        for (uint32_t i = sizeof found; i < size; i++) CHECK_EQ(memory[i], 0);
    }
    vecstore_index_free(index);
}

/* ---- defaults ---- */

static void null_means_all_defaults(void) {
    CHECK_OK(with_work_options(NULL));
    CHECK_OK(with_search_options(NULL));
    CHECK_OK(with_filter(NULL));
    CHECK_OK(with_calibrate_options(NULL));
    CHECK_OK(with_save_options(NULL));
    CHECK_OK(with_open_options(NULL));
    /* There is no default dim. */
    CHECK_ERROR(INVALID_ARGUMENT, with_index_options(NULL));
    CHECK_ERROR(INVALID_ARGUMENT, with_index_options(&init_index_options));
}

static void init_macros_are_the_defaults_of_the_library(void) {
    CHECK_EQ(init_index_options.kind, VECSTORE_KIND_FLAT);
    CHECK_EQ(init_index_options.metric, L2SQ);
    CHECK_EQ(init_index_options.dtype, F32);
    CHECK_EQ(init_filter.kind, VECSTORE_FILTER_NONE);
    /* Everything else is 0, and 0 means the default: so a struct of zeros does what INIT does. */
    vecstore_index_options zeros = { .struct_size = sizeof zeros, .dim = 40 }, init = VECSTORE_INDEX_OPTIONS_INIT;
    init.dim = 40;
    vecstore_index *a, *b;
    REQUIRE_OK(vecstore_index_create(&zeros, &a));
    REQUIRE_OK(vecstore_index_create(&init, &b));
    vecstore_index_stats of_zeros = stats_of(a), of_init = stats_of(b);
    CHECK(memcmp(&of_zeros, &of_init, sizeof of_zeros) == 0);
    CHECK_EQ(of_init.exact_codes, 1);
    vecstore_index_free(a);
    vecstore_index_free(b);

    static const unsigned char nothing[128] = { 0 };
    for (size_t s = 1; s < struct_count; s++) {
        const char *fields = structs[s].init;
        note("%s", structs[s].name);
        CHECK(memcmp(fields + 4, nothing, structs[s].size - 4) == 0);
    }
}

static void open_maps_by_default(void) {
    CHECK_OK(with_save_options(NULL));
    vecstore_index *index;
    REQUIRE_OK(vecstore_index_open(test_path("saved"), NULL, &index));
    CHECK_EQ(stats_of(index).read_only, 1);
    vecstore_index_free(index);
    REQUIRE_OK(vecstore_index_open(test_path("saved"), &init_open_options, &index));
    CHECK_EQ(stats_of(index).read_only, 1);
    vecstore_index_free(index);
}

/* ---- values ---- */

static void values_that_fields_do_not_allow_are_refused(void) {
    vecstore_index_options index_options = VECSTORE_INDEX_OPTIONS_INIT;
    index_options.dim = 2;
    const vecstore_index_options good = index_options;
#define CHECK_REFUSED(call, options) CHECK_ERROR(INVALID_ARGUMENT, call(&(options)))
    index_options.kind = 5;
    CHECK_REFUSED(with_index_options, index_options);
    index_options = good, index_options.dim = 0;
    CHECK_REFUSED(with_index_options, index_options);
    index_options = good, index_options.dim = VECSTORE_DIM_MAX + 1;
    CHECK_REFUSED(with_index_options, index_options);
    index_options = good, index_options.dim = UINT32_MAX;
    CHECK_REFUSED(with_index_options, index_options);
    index_options = good, index_options.metric = 7;
    CHECK_REFUSED(with_index_options, index_options);
    index_options = good, index_options.dtype = 7;
    CHECK_REFUSED(with_index_options, index_options);
    index_options = good, index_options.exact_codes = 3;
    CHECK_REFUSED(with_index_options, index_options);

    vecstore_work_options add = VECSTORE_WORK_OPTIONS_INIT;
    vecstore_search_options search = VECSTORE_SEARCH_OPTIONS_INIT;
    add.threads = search.threads = 1024;
    CHECK_OK(with_work_options(&add));
    CHECK_OK(with_search_options(&search));
    add.threads = search.threads = 1025;
    CHECK_REFUSED(with_work_options, add);
    CHECK_REFUSED(with_search_options, search);
    add.threads = search.threads = UINT32_MAX;
    CHECK_REFUSED(with_work_options, add);
    CHECK_REFUSED(with_search_options, search);

    search = init_search_options, search.reserved = 1;
    CHECK_REFUSED(with_search_options, search);

    vecstore_save_options save = VECSTORE_SAVE_OPTIONS_INIT;
    save.no_sync = 1;
    CHECK_OK(with_save_options(&save));
    save.no_sync = 2;
    CHECK_REFUSED(with_save_options, save);

    vecstore_open_options open = VECSTORE_OPEN_OPTIONS_INIT;
    open.load = open.prefault = 1;
    for (open.verify = 0; open.verify <= 2; open.verify++) CHECK_OK(with_open_options(&open));
    CHECK_REFUSED(with_open_options, open);
    open = init_open_options, open.load = 2;
    CHECK_REFUSED(with_open_options, open);
    open = init_open_options, open.prefault = 2;
    CHECK_REFUSED(with_open_options, open);
#undef CHECK_REFUSED
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(init_macros_set_the_size),
        TEST(the_size_of_this_header_is_accepted),
        TEST(sizes_below_the_first_version_are_refused),
        TEST(callers_of_every_version_are_served),
        TEST(fields_that_the_caller_does_not_know_take_their_defaults),
        TEST(absurd_sizes_are_refused),
        TEST(newer_callers_are_served_where_new_fields_are_0),
        TEST(newer_callers_are_refused_where_new_fields_are_set),
        TEST(stats_are_filled_in_up_to_the_size_of_the_caller),
        TEST(stats_of_lists_are_filled_in_up_to_the_size_of_the_caller),
        TEST(stats_below_the_first_version_are_refused),
        TEST(a_calibration_is_filled_in_up_to_the_size_of_the_caller),
        TEST(null_means_all_defaults),
        TEST(init_macros_are_the_defaults_of_the_library),
        TEST(open_maps_by_default),
        TEST(values_that_fields_do_not_allow_are_refused),
    };
    return RUN_TESTS(tests);
}
