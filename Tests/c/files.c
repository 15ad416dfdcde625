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

const shape shapes[] = {
    { "l2sq of float32 with codes", L2SQ, F32, 33, 9, true, 0, 0 },
    { "cosine of float32 with codes", COSINE, F32, 32, 7, false, 0, 0 },
    { "ip of float16", IP, F16, 5, 6, false, 0, 0 },
    { "l1 of bfloat16", L1, BF16, 3, 5, true, 0, 0 },
    { "cosine of int8", COSINE, I8, 5, 6, false, 0, 0 },
    { "hamming of bits", HAMMING, BITS, 13, 10, true, 0, 0 },
    { "l2sq of uint8 without rows", L2SQ, U8, 3, 0, true, 0, 0 },
    { "a graph, l2sq of float32", L2SQ, F32, 5, 30, true, VECSTORE_KIND_HNSW, 2 },
    { "a graph, cosine of float16", COSINE, F16, 5, 9, false, VECSTORE_KIND_HNSW, 4 },
    { "a graph, jaccard of bits", JACCARD, BITS, 13, 12, false, VECSTORE_KIND_HNSW, 3 },
    { "a graph without rows", IP, I8, 3, 0, true, VECSTORE_KIND_HNSW, 16 },
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

uint64_t id_of(const shape *shape, size_t i) { return shape->ids_ascend ? 3 * i + 5 : (7919 * i + 13) % 1000; }

vecstore_index *index_of(const shape *shape) {
    unsigned char *rows = random_vectors(shape->dtype, shape->dim, shape->n, 1);
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.kind = shape->kind;
    options.dim = shape->dim;
    options.metric = shape->metric;
    options.dtype = shape->dtype;
    options.m = shape->m;
    vecstore_index *index = create_index(&options);
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
    for (size_t i = 0; i < shape->n && is_passing(); i++) {
        const uint64_t id = id_of(shape, i);
        CHECK_EQ(ids[i], id);
        CHECK_OK(vecstore_index_get(index, &id, 1, shape->dtype, back));
        CHECK(memcmp(back, rows + i * size, size) == 0);
        uint64_t found[64];
        float distances[64], expected;
        CHECK_OK(vecstore_index_search(index, rows, shape->dtype, 1, shape->n, NULL, found, distances, NULL));
        size_t place = 0;
        while (place < shape->n && found[place] != id) place++;
        REQUIRE(place < shape->n);
        CHECK_OK(vecstore_distance(rows, back, shape->dim, shape->metric, shape->dtype, &expected));
        CHECK_FLOAT(distances[place], expected);
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

unsigned char *save_shape(const shape *shape, const char *path, size_t *size) {
    vecstore_index *index = index_of(shape);
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    REQUIRE_OK(vecstore_index_save(index, path, &options));
    vecstore_index_free(index);
    return read_bytes(path, size);
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

/* Takes a graph through every change: what a file said of links is followed, and mended, from here on. */
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
    CHECK_EQ(written, count < 64 ? count : 64);
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
    TRY(vecstore_index_save(index, path, &options));
    vecstore_index *again = NULL;
    TRY(vecstore_index_open(path, NULL, &again));
    if (again) CHECK_EQ(count_of(again), count);
    vecstore_index_free(again);
    if (shape->kind == VECSTORE_KIND_HNSW && !stats_of(index).read_only) change(index, shape);
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

void check_damaged(const char *path, const shape *shape, bool all, vecstore_status expected) {
    for (size_t o = 0; o < opening_count; o++) {
        vecstore_index *index = (vecstore_index *)1;
        vecstore_status status = vecstore_index_open(path, &openings[o].options, &index);
        CHECK((index == NULL) == (status != VECSTORE_OK));
        if (all || openings[o].checks_all || status != VECSTORE_OK) {
            check_status(status, expected, __FILE__, __LINE__, openings[o].name);
        }
        if (status == VECSTORE_OK) {
            use(index, shape);
            vecstore_index_free(index);
        }
    }
}
