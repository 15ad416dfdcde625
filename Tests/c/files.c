/*
 * Files for the C tests.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"

#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define FLAT_SHAPE 0, 0, 0, 0, 0
#define GRAPH_SHAPE(m) VECSTORE_KIND_HNSW, m, 0, 0, 0
#define LISTS_SHAPE(lists, storage, rescore, assignments)                                                              \
    VECSTORE_KIND_IVF, lists, VECSTORE_STORAGE_##storage, VECSTORE_RESCORE_##rescore, assignments
const shape shapes[] = {
    { "l2sq of float32 with codes", L2SQ, F32, 33, 9, true, FLAT_SHAPE },
    { "cosine of float32 with codes", COSINE, F32, 32, 7, false, FLAT_SHAPE },
    { "ip of float16", IP, F16, 5, 6, false, FLAT_SHAPE },
    { "l1 of bfloat16", L1, BF16, 3, 5, true, FLAT_SHAPE },
    { "cosine of int8", COSINE, I8, 5, 6, false, FLAT_SHAPE },
    { "hamming of bits", HAMMING, BITS, 13, 10, true, FLAT_SHAPE },
    { "l2sq of uint8 without rows", L2SQ, U8, 3, 0, true, FLAT_SHAPE },
    { "a graph, l2sq of float32", L2SQ, F32, 5, 30, true, GRAPH_SHAPE(2) },
    { "a graph, cosine of float16", COSINE, F16, 5, 9, false, GRAPH_SHAPE(4) },
    { "a graph, jaccard of bits", JACCARD, BITS, 13, 12, false, GRAPH_SHAPE(3) },
    { "a graph without rows", IP, I8, 3, 0, true, GRAPH_SHAPE(16) },
    { "lists, l2sq of float32", L2SQ, F32, 5, 40, true, LISTS_SHAPE(3, AUTO, DEFAULT, 1) },
    { "lists, cosine of int8, each row in two", COSINE, I8, 5, 9, false, LISTS_SHAPE(3, AUTO, DEFAULT, 2) },
    { "lists of product codes, ip of float32", IP, F32, 6, 36, false, LISTS_SHAPE(2, PQ, DEFAULT, 1) },
    { "lists of binary codes, cosine of float32, each row in two", COSINE, F32, 9, 12, true,
      LISTS_SHAPE(2, BINARY, F16, 2) },
    { "lists of product codes alone, l2sq of bfloat16", L2SQ, BF16, 4, 12, true, LISTS_SHAPE(2, PQ, NONE, 1) },
    { "lists of int8 codes, ip of float32", IP, F32, 5, 34, true, LISTS_SHAPE(2, INT8, DEFAULT, 1) },
    { "lists of int4 codes alone, l2sq of float16", L2SQ, F16, 5, 9, false, LISTS_SHAPE(2, INT4, NONE, 1) },
    { "lists that are not trained", IP, F32, 4, 0, true, LISTS_SHAPE(0, BINARY, NONE, 1) },
};
const size_t shape_count = sizeof shapes / sizeof *shapes;

#define OPTIONS(load, verify, prefault) { (uint32_t)sizeof(vecstore_open_options), load, verify, prefault }
const opening openings[] = {
    { "map", OPTIONS(0, 0, 0), false },
    { "map, prefault", OPTIONS(0, 1, 1), false },
    { "map, verify 2", OPTIONS(0, 2, 0), true },
    { "load", OPTIONS(1, 0, 0), true },
    { "load, verify 1", OPTIONS(1, 1, 0), false },
    { "load, verify 2", OPTIONS(1, 2, 1), true },
};
const size_t opening_count = sizeof openings / sizeof *openings;

/* ---- indexes ---- */

bool keeps_rows(const shape *shape) { return shape->rescore != VECSTORE_RESCORE_NONE; }

uint64_t id_of(const shape *shape, size_t i) { return shape->ids_ascend ? 3 * i + 5 : (7919 * i + 13) % 1000; }

vecstore_index *index_of(const shape *shape) {
    unsigned char *rows = random_vectors(shape->dtype, shape->dim, shape->n, 1);
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.kind = shape->kind;
    options.dim = shape->dim;
    options.metric = shape->metric;
    options.dtype = shape->dtype;
    if (shape->kind == VECSTORE_KIND_IVF) options.nlist = shape->m;
    else options.m = shape->m;
    options.storage = shape->storage;
    options.rescore = shape->rescore;
    options.assignments = shape->assignments;
    vecstore_index *index = create_index(&options);
    if (shape->kind == VECSTORE_KIND_IVF && shape->m > 0) {
        REQUIRE_OK(vecstore_index_train(index, rows, shape->dtype, shape->n, NULL));
    }
    for (size_t i = 0; i < shape->n; i++) {
        const uint64_t id = id_of(shape, i);
        const void *row = rows + i * vecstore_row_size(shape->dtype, shape->dim);
        REQUIRE_OK(vecstore_index_add(index, row, shape->dtype, 1, &id, NULL, NULL));
    }
    free(rows);
    return index;
}

void check_is(const vecstore_index *index, const shape *shape) {
    const size_t size = vecstore_row_size(shape->dtype, shape->dim);
    unsigned char *rows = random_vectors(shape->dtype, shape->dim, shape->n, 1), back[512];
    vecstore_index_stats stats = stats_of(index);
    CHECK_EQ(stats.dim, shape->dim);
    CHECK_EQ(stats.metric, shape->metric);
    CHECK_EQ(stats.dtype, shape->dtype);
    CHECK_EQ(stats.count, shape->n);
    CHECK_EQ(count_of(index), shape->n);
    uint64_t ids[64];
    size_t written;
    CHECK_OK(vecstore_index_ids(index, 0, ids, 64, &written));
    CHECK_EQ(written, shape->n);
    vecstore_search_options all = VECSTORE_SEARCH_OPTIONS_INIT;
    all.nprobe = 64;
    for (size_t i = 0; i < shape->n && is_passing(); i++) {
        const uint64_t id = id_of(shape, i);
        /* Rows of an inverted file come in the order of its lists. */
        size_t listed = i;
        if (shape->kind == VECSTORE_KIND_IVF) for (listed = 0; listed + 1 < shape->n && ids[listed] != id;) listed++;
        CHECK_EQ(ids[listed], id);
        CHECK_OK(vecstore_index_get(index, &id, 1, shape->dtype, back));
        if (keeps_rows(shape)) CHECK(memcmp(back, rows + i * size, size) == 0);
        uint64_t found[64];
        float distances[64], expected;
        CHECK_OK(vecstore_index_search(index, rows, shape->dtype, 1, shape->n, &all, found, distances, NULL));
        size_t place = 0;
        while (place < shape->n && found[place] != id) place++;
        REQUIRE(place < shape->n);
        CHECK_OK(vecstore_distance(rows, back, shape->dim, shape->metric, shape->dtype, &expected));
        /* Kept in float16 beside codes, the elements of random_vectors are exact. Estimates by tables of bytes are not. */
        if (keeps_rows(shape)) CHECK_FLOAT(distances[place], expected);
        else CHECK(isfinite(distances[place]));
    }
    const uint64_t missing = 1001;
    uint8_t is_there;
    CHECK_OK(vecstore_index_contains(index, &missing, 1, &is_there));
    CHECK_EQ(is_there, 0);
    CHECK_OK(vecstore_index_verify(index));
    free(rows);
}

/* ---- bytes ---- */

unsigned char *read_bytes(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    REQUIRE(file && fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    REQUIRE(bytes && fread(bytes, 1, *size, file) == *size);
    fclose(file);
    return bytes;
}

void write_bytes(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    REQUIRE(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static unsigned char *save_new(const shape *shape, const char *path, size_t *size) {
    vecstore_index *index = index_of(shape);
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    REQUIRE_OK(vecstore_index_save(index, path, &options));
    vecstore_index_free(index);
    return read_bytes(path, size);
}

unsigned char *save_shape(const shape *shape, const char *path, size_t *size) {
    /* Those of the table are made once: tests ask for the same file thousands of times. */
    static struct {
        unsigned char *bytes;
        size_t size;
    } made[sizeof shapes / sizeof *shapes];
    size_t s = 0;
    while (s < shape_count && shape != &shapes[s]) s++;
    if (s == shape_count) return save_new(shape, path, size);
    if (!made[s].bytes) made[s].bytes = save_new(shape, path, &made[s].size);
    write_bytes(path, made[s].bytes, made[s].size);
    *size = made[s].size;
    unsigned char *copy = malloc(*size);
    REQUIRE(copy);
    return memcpy(copy, made[s].bytes, *size);
}

uint32_t get_u32(const unsigned char *bytes, size_t at) {
    return (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
           (uint32_t)bytes[at + 3] << 24;
}

uint64_t get_u64(const unsigned char *bytes, size_t at) {
    return get_u32(bytes, at) | (uint64_t)get_u32(bytes, at + 4) << 32;
}

void put_u32(unsigned char *bytes, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; i++) bytes[at + i] = (unsigned char)(value >> 8 * i);
}

void put_u64(unsigned char *bytes, size_t at, uint64_t value) {
    put_u32(bytes, at, (uint32_t)value);
    put_u32(bytes, at + 4, (uint32_t)(value >> 32));
}

size_t entry_of(const unsigned char *bytes, uint32_t kind) {
    for (uint32_t i = 0; i < get_u32(bytes, at_section_count); i++) {
        if (get_u32(bytes, header_size + entry_size * i) == kind) return header_size + entry_size * i;
    }
    return 0;
}

unsigned char *content_of(unsigned char *bytes, uint32_t kind, size_t *size) {
    size_t entry = entry_of(bytes, kind);
    if (entry == 0) return NULL;
    *size = get_u64(bytes, entry + 16);
    return bytes + get_u64(bytes, entry + 8);
}

void seal(unsigned char *bytes, size_t size) {
    uint64_t count = get_u32(bytes, at_section_count);
    if (header_size + count * entry_size > size) count = (size - header_size) / entry_size;
    for (uint64_t i = 0; i < count; i++) {
        size_t entry = header_size + entry_size * i;
        uint64_t offset = get_u64(bytes, entry + 8), length = get_u64(bytes, entry + 16);
        if (offset <= size && length <= size - offset) put_u64(bytes, entry + 24, XXH3_64bits(bytes + offset, length));
    }
    put_u64(bytes, at_table_checksum, XXH3_64bits(bytes + header_size, count * entry_size));
    put_u64(bytes, at_header_checksum, XXH3_64bits(bytes, at_header_checksum));
}

/* ---- use ---- */

static void check_is_no_defect(vecstore_status status, const char *call) {
    const char *name = vecstore_status_name(status);
    check(
        status != VECSTORE_ERR_INTERNAL && strcmp(name, "UNKNOWN") != 0, __FILE__, __LINE__, "%s is %s: %s", call, name,
        vecstore_last_error());
}

static bool is_even(uint64_t id, void *payload) {
    (void)payload;
    return id % 2 == 0;
}

#define TRY(call) check_is_no_defect(call, #call)

static void use_searches(const vecstore_index *index, const shape *shape) {
    enum { nq = 12, k = 4 };
    unsigned char *queries = random_vectors(shape->dtype, shape->dim, nq, 1);
    uint64_t ids[nq * k], counts[nq];
    float distances[nq * k];
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_CALLBACK;
    filter.callback = is_even;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    TRY(vecstore_index_search(index, queries, shape->dtype, nq, k, &options, ids, distances, counts));
    TRY(vecstore_index_search(index, queries, shape->dtype, 1, k, &options, ids, distances, counts));
    options.filter = &filter;
    TRY(vecstore_index_search(index, queries, shape->dtype, 2, k, &options, ids, distances, counts));
    options.nprobe = VECSTORE_K_MAX;
    options.no_rescore = 1;
    TRY(vecstore_index_search(index, queries, shape->dtype, nq, k, &options, ids, distances, counts));
    options.no_rescore = 0;
    options.filter = NULL;
    TRY(vecstore_index_search(index, queries, shape->dtype, nq, k, &options, ids, distances, counts));
    if (shape->kind == VECSTORE_KIND_IVF) {
        vecstore_range_result *near = NULL;
        TRY(vecstore_index_search_range(index, queries, shape->dtype, nq, 1, &options, &near));
        vecstore_range_result_free(near);
    }
    vecstore_range_result *result = NULL;
    TRY(vecstore_index_search_range(index, queries, shape->dtype, nq, INFINITY, NULL, &result));
    if (result) {
        size_t result_nq;
        const uint64_t *offsets;
        CHECK_OK(vecstore_range_result_get(result, &result_nq, &offsets, NULL, NULL));
        CHECK_EQ(result_nq, nq);
        vecstore_range_result_free(result);
    }
    free(queries);
}

/* Takes an index through every change: what a file said of links, or of lists, is followed, and mended, from here on. */
static void change(vecstore_index *index, const shape *shape) {
    const size_t size = vecstore_row_size(shape->dtype, shape->dim);
    unsigned char *rows = random_vectors(shape->dtype, shape->dim, 40, 7);
    uint64_t ids[64], added[8];
    size_t written = 0;
    CHECK_OK(vecstore_index_ids(index, 0, ids, 64, &written));
    TRY(vecstore_index_add(index, rows, shape->dtype, 8, NULL, NULL, added));
    if (written > 2) {
        TRY(vecstore_index_remove(index, ids, 1, NULL));
        TRY(vecstore_index_update(index, ids + 1, rows + 10 * size, shape->dtype, 1));
        TRY(vecstore_index_calibrate(index, NULL, shape->dtype, 0, NULL, NULL));
    }
    TRY(vecstore_index_optimize(index, NULL));
    TRY(vecstore_index_remove(index, ids, written / 2, NULL));
    TRY(vecstore_index_verify(index));
    TRY(vecstore_index_remove(index, ids, written, NULL));
    TRY(vecstore_index_compact(index));
    TRY(vecstore_index_add(index, rows + 12 * size, shape->dtype, 28, NULL, NULL, NULL));
    use_searches(index, shape);
    free(rows);
}

void use(vecstore_index *index, const shape *shape) {
    uint64_t count = 0, ids[64];
    uint8_t found[64];
    size_t written = 0;
    unsigned char back[1024];
    CHECK_OK(vecstore_index_count(index, &count));
    CHECK_OK(vecstore_index_ids(index, 0, ids, 64, &written));
    /* Where lists and rows of an inverted file do not agree, rows may be missing, or come twice. */
    if (shape->kind == VECSTORE_KIND_IVF && stats_of(index).read_only) CHECK(written <= 64);
    else CHECK_EQ(written, count < 64 ? count : 64);
    CHECK_OK(vecstore_index_contains(index, ids, written, found));
    for (size_t i = 0; i < written; i++) TRY(vecstore_index_get(index, &ids[i], 1, shape->dtype, back));
    for (size_t i = 0; i < shape->n; i++) {
        const uint64_t id = id_of(shape, i);
        TRY(vecstore_index_get(index, &id, 1, shape->dtype, back));
    }
    use_searches(index, shape);
    TRY(vecstore_index_verify(index));
    CHECK_EQ(stats_of(index).count, count);
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    const char *path = test_path("used");
    vecstore_status saved = vecstore_index_save(index, path, &options);
    check_is_no_defect(saved, "vecstore_index_save");
    vecstore_index *again = NULL;
    /* A damaged map may be refused here, and an earlier file is then still there. */
    if (saved == VECSTORE_OK) TRY(vecstore_index_open(path, NULL, &again));
    if (again) CHECK_EQ(count_of(again), count);
    vecstore_index_free(again);
    if (shape->kind != 0 && !stats_of(index).read_only) change(index, shape);
}

void check_harmless(const char *path, const shape *shape) {
    for (size_t o = 0; o < opening_count; o++) {
        vecstore_index *index = NULL;
        vecstore_status status = vecstore_index_open(path, &openings[o].options, &index);
        check(
            status == VECSTORE_OK || status == VECSTORE_ERR_CORRUPT, __FILE__, __LINE__, "%s is %s: %s", openings[o].name,
            vecstore_status_name(status), vecstore_last_error());
        if (index) use(index, shape);
        vecstore_index_free(index);
    }
}

void check_damaged_opening(const char *path, const shape *shape, size_t opening, bool all, vecstore_status expected) {
    vecstore_index *index = (vecstore_index *)1;
    vecstore_status status = vecstore_index_open(path, &openings[opening].options, &index);
    CHECK((index == NULL) == (status != VECSTORE_OK));
    if (all || openings[opening].checks_all || status != VECSTORE_OK) {
        check_status(status, expected, __FILE__, __LINE__, openings[opening].name);
    }
    if (status == VECSTORE_OK) {
        use(index, shape);
        vecstore_index_free(index);
    }
}

void check_damaged(const char *path, const shape *shape, bool all, vecstore_status expected) {
    for (size_t o = 0; o < opening_count; o++) check_damaged_opening(path, shape, o, all, expected);
}
