/*
 * Files of graph indexes with codes and sketches: large ones. test_damaged and test_forged take small graphs through the
 * same, byte by byte.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { dim = 100, rows = 2200, nq = 40, k = 10 };

/* Graphs that together have every kind of section. */
static const struct graph {
    const char *name;
    vecstore_metric metric;
    vecstore_dtype dtype;
    vecstore_storage storage;
    vecstore_rescore rescore;
} graphs[] = {
    { "l2sq, int8 with float32", L2SQ, F32, VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_DEFAULT },
    { "cosine, int8 with float16", COSINE, F32, VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_F16 },
    { "ip, int8 alone", IP, BF16, VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_NONE },
    { "cosine, int4 with float32", COSINE, F32, VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_DEFAULT },
    { "l2sq, int4 alone", L2SQ, F32, VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_NONE },
    { "cosine, float16 with float32", COSINE, F32, VECSTORE_STORAGE_F16, VECSTORE_RESCORE_DEFAULT },
    { "l1, bfloat16 alone", L1, F32, VECSTORE_STORAGE_BF16, VECSTORE_RESCORE_NONE },
    { "l2sq, auto", L2SQ, F16, VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT },
};
enum { graph_count = sizeof graphs / sizeof *graphs };

/* A graph with rows removed and ids that do not ascend, calibrated. */
static vecstore_index *graph_of(const struct graph *graph) {
    vecstore_index_options options = graph_options(graph->metric, graph->dtype, dim);
    options.storage = graph->storage;
    options.rescore = graph->rescore;
    options.m = 6;
    options.ef_construction = 40;
    vecstore_index *index = create_index(&options);
    float *base = clustered_vectors(dim, rows, 2);
    uint64_t *ids = malloc(rows * sizeof *ids);
    for (uint64_t i = 0; i < rows; i++) ids[i] = (i * 7919 + 13) % 100003;
    REQUIRE_OK(vecstore_index_add(index, base, F32, rows, ids, NULL, NULL));
    REQUIRE_OK(vecstore_index_remove(index, ids, 50, NULL));
    REQUIRE_OK(vecstore_index_calibrate(index, NULL, F32, 0, &(vecstore_calibrate_options){ 16, 0, 5, 0.5f }, NULL));
    free(ids);
    free(base);
    return index;
}

static void save(const vecstore_index *index, const char *path) {
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    REQUIRE_OK(vecstore_index_save(index, path, &options));
}

/* The bytes of such a file. */
static unsigned char *save_graph(const struct graph *graph, size_t *size) {
    vecstore_index *index = graph_of(graph);
    save(index, test_path("file"));
    vecstore_index_free(index);
    return read_bytes(test_path("file"), size);
}

typedef struct answers {
    uint64_t ids[nq * k];
    float distances[nq * k];
} answers;

static vecstore_status ask(const vecstore_index *index, const vecstore_search_options *options, answers *a) {
    float *queries = clustered_vectors(dim, nq, 3);
    vecstore_status status = vecstore_index_search(index, queries, F32, nq, k, options, a->ids, a->distances, NULL);
    free(queries);
    return status;
}

/* ---- whole files ---- */

static void opened_graphs_answer_as_the_saved_one(void) {
    static answers before, after;
    vecstore_search_options target = VECSTORE_SEARCH_OPTIONS_INIT;
    target.target_recall = 0.5f;
    for (size_t g = 0; g < graph_count; g++) {
        vecstore_index *index = graph_of(&graphs[g]);
        save(index, test_path("file"));
        /* A file has no rows that were removed; in memory walks may still lead over them. */
        CHECK_OK(vecstore_index_compact(index));
        vecstore_index_stats stats = stats_of(index);
        for (size_t o = 0; o < opening_count; o++) {
            note("%s, %s", graphs[g].name, openings[o].name);
            vecstore_index *opened;
            REQUIRE_OK(vecstore_index_open(test_path("file"), &openings[o].options, &opened));
            vecstore_index_stats theirs = stats_of(opened);
            CHECK_EQ(theirs.kind, VECSTORE_KIND_HNSW);
            CHECK_EQ(theirs.count, rows - 50);
            CHECK_EQ(theirs.removed_count, 0);
            CHECK_EQ(theirs.next_id, stats.next_id);
            CHECK_EQ(theirs.m, 6);
            CHECK_EQ(theirs.ef_construction, 40);
            CHECK_EQ(theirs.storage, stats.storage);
            CHECK_EQ(theirs.exact_dtype, stats.exact_dtype);
            CHECK_EQ(theirs.sketched, stats.sketched);
            CHECK_FLOAT(theirs.code_loss, stats.code_loss);
            CHECK_EQ(theirs.calibrated_k, 5);
            CHECK_EQ(theirs.calibrated_ef_search, stats.calibrated_ef_search);
            CHECK_EQ(theirs.read_only, !openings[o].options.load);
            CHECK(ask(index, NULL, &before) == VECSTORE_OK && ask(opened, NULL, &after) == VECSTORE_OK);
            CHECK(memcmp(&before, &after, sizeof before) == 0);
            CHECK(ask(index, &target, &before) == VECSTORE_OK && ask(opened, &target, &after) == VECSTORE_OK);
            CHECK(memcmp(&before, &after, sizeof before) == 0);
            CHECK_OK(vecstore_index_verify(opened));
            vecstore_index_free(opened);
        }
        vecstore_index_free(index);
    }
}

static void a_mapped_graph_refuses_writers(void) {
    size_t size;
    free(save_graph(&graphs[0], &size));
    vecstore_index *index;
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &index));
    CHECK_EQ(stats_of(index).mapped_bytes, size);
    float *row = clustered_vectors(dim, 1, 5);
    const uint64_t id = (51 * 7919 + 13) % 100003;
    CHECK_ERROR(READ_ONLY, vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_update(index, &id, row, F32, 1));
    CHECK_ERROR(READ_ONLY, vecstore_index_remove(index, &id, 1, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_compact(index));
    CHECK_ERROR(READ_ONLY, vecstore_index_optimize(index, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_reserve(index, 10));
    CHECK_ERROR(READ_ONLY, vecstore_index_calibrate(index, NULL, F32, 0, NULL, NULL));
    CHECK(strstr(vecstore_last_error(), "load"));
    free(row);
    vecstore_index_free(index);
}

static void a_loaded_graph_goes_on_where_it_was(void) {
    for (size_t g = 0; g < graph_count; g++) {
        note("%s", graphs[g].name);
        size_t size;
        free(save_graph(&graphs[g], &size));
        vecstore_open_options load = VECSTORE_OPEN_OPTIONS_INIT;
        load.load = 1;
        vecstore_index *index;
        REQUIRE_OK(vecstore_index_open(test_path("file"), &load, &index));
        float *base = clustered_vectors(dim, 500, 5);
        uint64_t *ids = malloc(500 * sizeof *ids);
        const uint64_t next = stats_of(index).next_id;
        CHECK_OK(vecstore_index_add(index, base, F32, 500, NULL, NULL, ids));
        CHECK_EQ(ids[0], next);
        CHECK_OK(vecstore_index_update(index, ids, base + dim, F32, 100));
        CHECK_OK(vecstore_index_remove(index, ids + 100, 300, NULL));
        CHECK_OK(vecstore_index_optimize(index, NULL));
        CHECK_OK(vecstore_index_verify(index));
        CHECK_EQ(count_of(index), rows - 50 + 200);
        save(index, test_path("again"));
        vecstore_index *again;
        REQUIRE_OK(vecstore_index_open(test_path("again"), NULL, &again));
        CHECK_OK(vecstore_index_verify(again));
        CHECK_EQ(count_of(again), rows - 50 + 200);
        vecstore_index_free(again);
        vecstore_index_free(index);
        free(ids);
        free(base);
    }
}

static void a_mapped_graph_outlives_its_file(void) {
    size_t size;
    free(save_graph(&graphs[1], &size));
    vecstore_index *mapped, *other = graph_of(&graphs[3]);
    static answers before, after;
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &mapped));
    CHECK_OK(ask(mapped, NULL, &before));
    save(other, test_path("file"));
    CHECK_OK(ask(mapped, NULL, &after));
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    REQUIRE(unlink(test_path("file")) == 0);
    CHECK_OK(vecstore_index_verify(mapped));
    vecstore_index_free(mapped);
    vecstore_index_free(other);
}

/* ---- damaged and forged files ---- */

/* Searches in all the ways that walk, rank and follow ids; whatever the file held, no call may crash. */
static void use_graph(vecstore_index *index) {
    static answers a;
    CHECK(ask(index, NULL, &a) != VECSTORE_ERR_INTERNAL);
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.ef_search = 500;
    options.no_rescore = 1;
    CHECK(ask(index, &options, &a) != VECSTORE_ERR_INTERNAL);
    uint64_t ids[300];
    size_t written = 0;
    CHECK_OK(vecstore_index_ids(index, 100, ids, 300, &written));
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_IDS;
    filter.ids = ids;
    filter.ids_count = written;
    options.filter = &filter;
    for (filter.negate = 0; filter.negate < 2; filter.negate++) {
        CHECK(ask(index, &options, &a) != VECSTORE_ERR_INTERNAL);
    }
    float *query = clustered_vectors(dim, 1, 3), row[dim];
    vecstore_range_result *result = NULL;
    CHECK(vecstore_index_search_range(index, query, F32, 1, 50, NULL, &result) != VECSTORE_ERR_INTERNAL);
    vecstore_range_result_free(result);
    for (size_t i = 0; i < written; i += 50) {
        CHECK(vecstore_index_get(index, &ids[i], 1, F32, row) != VECSTORE_ERR_INTERNAL);
    }
    if (!stats_of(index).read_only) {
        CHECK(vecstore_index_add(index, query, F32, 1, NULL, NULL, NULL) != VECSTORE_ERR_INTERNAL);
        CHECK(vecstore_index_remove(index, ids, written / 2, NULL) != VECSTORE_ERR_INTERNAL);
        CHECK(vecstore_index_optimize(index, NULL) != VECSTORE_ERR_INTERNAL);
    }
    free(query);
}

/* Opens the file: mapped without a look at its content, and loaded with as little of one as there is. */
static void use_unverified(void) {
    for (size_t o = 0; o < opening_count; o++) {
        if (openings[o].checks_all) continue;
        vecstore_index *index = NULL;
        vecstore_status status = vecstore_index_open(test_path("file"), &openings[o].options, &index);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_CORRUPT);
        if (index) use_graph(index);
        vecstore_index_free(index);
    }
}

/* Opens the file in every way; all must refuse it. */
static void check_refused(const char *words) {
    for (size_t o = 0; o < opening_count; o++) {
        vecstore_index *index;
        check_status(vecstore_index_open(test_path("file"), &openings[o].options, &index), VECSTORE_ERR_CORRUPT, __FILE__,
                     __LINE__, openings[o].name);
        if (!CHECK(strstr(vecstore_last_error(), words))) check(false, __FILE__, __LINE__, "%s", vecstore_last_error());
        vecstore_index_free(index);
    }
}

static void a_graph_cut_short_is_refused(void) {
    size_t size;
    free(save_graph(&graphs[0], &size));
    uint64_t state = 1;
    size_t length = size;
    while (length > 0 && is_passing()) {
        length -= 1 + random_below(&state, length < 8000 ? length : 8000);
        note("%zu bytes", length);
        REQUIRE(truncate(test_path("file"), (off_t)length) == 0);
        vecstore_index *index;
        for (size_t o = 0; o < opening_count; o++) {
            CHECK_ERROR(CORRUPT, vecstore_index_open(test_path("file"), &openings[o].options, &index));
        }
    }
}

static void a_byte_flipped_anywhere_is_noticed_where_all_are_checked(void) {
    uint64_t state = 2;
    vecstore_open_options all = VECSTORE_OPEN_OPTIONS_INIT;
    all.verify = 2;
    for (size_t g = 0; g < 3; g++) {
        size_t size, length;
        unsigned char *bytes = save_graph(&graphs[g], &size);
        for (uint32_t kind = ids_section; kind < section_kinds; kind++) {
            unsigned char *content = content_of(bytes, kind, &length);
            for (int i = 0; content && i < 3 && is_passing(); i++) {
                size_t at = random_below(&state, length);
                note("%s, section %u, byte %zu", graphs[g].name, kind, at);
                content[at] ^= 0x55;
                write_bytes(test_path("file"), bytes, size);
                vecstore_index *index;
                CHECK_ERROR(CORRUPT, vecstore_index_open(test_path("file"), &all, &index));
                CHECK(strstr(vecstore_last_error(), test_path("file")));
                if (i == 0) use_unverified();
                content[at] ^= 0x55;
            }
        }
        free(bytes);
    }
}

static void content_of_any_kind_does_no_harm(void) {
    /* Whole sections full of one word, checksums right: nothing, everything, NaN, infinity, huge and negative numbers. */
    static const uint32_t words[] = { 0, UINT32_MAX, 0x7fc00000, 0x7f800000, 0xff7fffff, 0x7e007e00 };
    for (size_t g = 0; g < graph_count; g++) {
        size_t size, length;
        unsigned char *bytes = save_graph(&graphs[g], &size);
        for (uint32_t kind = ids_section; kind < section_kinds; kind++) {
            unsigned char *content = content_of(bytes, kind, &length);
            if (!content || kind == notes_section) continue;
            unsigned char *kept = malloc(length);
            memcpy(kept, content, length);
            for (int w = 0; w < 6 && is_passing(); w++) {
                note("%s, section %u full of %#x", graphs[g].name, kind, words[w]);
                for (size_t at = 0; at + 4 <= length; at += 4) put_u32(content, at, words[w]);
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                use_unverified();
            }
            memcpy(content, kept, length);
            free(kept);
        }
        free(bytes);
    }
}

static void links_to_anywhere_do_no_harm(void) {
    uint64_t state = 3;
    static const uint32_t kinds[] = { links_section, upper_section, parents_section, places_section, levels_section,
                                      order_section };
    for (int round = 0; round < 40 && is_passing(); round++) {
        const struct graph *graph = &graphs[random_below(&state, graph_count)];
        size_t size, length;
        unsigned char *bytes = save_graph(graph, &size);
        uint32_t kind = kinds[round % 6];
        unsigned char *content = content_of(bytes, kind, &length);
        REQUIRE(content);
        note("%s, section %u, round %d", graph->name, kind, round);
        size_t changes = 1 + random_below(&state, 200);
        for (size_t c = 0; c < changes; c++) {
            size_t at = random_below(&state, length / 4) * 4;
            uint32_t value = (uint32_t)random_bits(&state);
            put_u32(content, at, random_below(&state, 2) ? value : value % (rows + 10));
        }
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        use_unverified();
        free(bytes);
    }
}

static void quantizers_that_cannot_be_are_refused(void) {
    static const uint32_t sections[] = { quantizer_section, sketcher_section };
    const float bad_steps[] = { 0, -1, NAN, INFINITY, -INFINITY, 1e30f };
    const float bad_centers[] = { NAN, INFINITY, -INFINITY, 1e30f };
    size_t size, length;
    unsigned char *bytes = save_graph(&graphs[0], &size);
    for (int s = 0; s < 2; s++) {
        unsigned char *content = content_of(bytes, sections[s], &length);
        /* Codes of so few dimensions may do without sketches. */
        if (!CHECK(content != NULL)) continue;
        REQUIRE(length == 8 * dim);
        for (size_t i = 0; i < 10; i++) {
            size_t at = i < 6 ? 4 * (dim + 17) : 4 * 17;
            float value = i < 6 ? bad_steps[i] : bad_centers[i - 6], kept;
            note("section %u, %g at %zu", sections[s], (double)value, at);
            memcpy(&kept, content + at, 4);
            memcpy(content + at, &value, 4);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            check_refused("quantizer");
            memcpy(content + at, &kept, 4);
        }
    }
    free(bytes);
}

static void notes_that_do_not_fit_the_rows_are_refused(void) {
    /* A graph of codes whose notes say that nothing is decided yet would be trained again, on rows that are not there. */
    for (size_t g = 0; g < graph_count; g++) {
        size_t size, length;
        unsigned char *bytes = save_graph(&graphs[g], &size), *notes = content_of(bytes, notes_section, &length);
        REQUIRE(notes && length == notes_size);
        const uint32_t decided = get_u32(notes, note_decided);
        for (uint32_t value = 0; value <= 6; value++) {
            note("%s, decided is %u", graphs[g].name, value);
            if (value == decided) continue;
            put_u32(notes, note_decided, value);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            use_unverified();
            if (decided > VECSTORE_STORAGE_INT8) check_refused("stor");
        }
        put_u32(notes, note_decided, decided);
        put_u64(notes, note_insertions, UINT64_MAX);
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        check_refused("insertions");
        free(bytes);
    }
}

static void forged_headers_of_graphs_are_refused(void) {
    size_t size;
    unsigned char *bytes = save_graph(&graphs[0], &size);
    static const struct { size_t at; uint32_t value; } fields[] = {
        { at_m, 5 },       { at_m, 7 },       { at_storage, 0 }, { at_storage, 1 }, { at_storage, 2 },
        { at_storage, 3 }, { at_storage, 5 }, { at_full_dtype, 0 }, { at_full_dtype, F16 }, { at_full_dtype, BF16 },
        { at_full_dtype, I8 }, { at_full_dtype, BITS }, { at_flags, 0 }, { at_flags, 2 }, { at_units, 0 },
        { at_units, 1 << 20 }, { at_entry, rows }, { at_entry + 4, 32 }, { at_root, rows }, { at_kind, 1 },
        { at_metric, COSINE }, { at_metric, L1 }, { at_dtype, F16 }, { at_dtype, U8 },
    };
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        uint32_t kept = get_u32(bytes, fields[f].at);
        if (kept == fields[f].value) continue;
        note("%u at %zu", fields[f].value, fields[f].at);
        put_u32(bytes, fields[f].at, fields[f].value);
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        check_refused(test_path("file"));
        put_u32(bytes, fields[f].at, kept);
    }
    free(bytes);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(opened_graphs_answer_as_the_saved_one),
        TEST(a_mapped_graph_refuses_writers),
        TEST(a_loaded_graph_goes_on_where_it_was),
        TEST(a_mapped_graph_outlives_its_file),
        TEST(a_graph_cut_short_is_refused),
        TEST(a_byte_flipped_anywhere_is_noticed_where_all_are_checked),
        TEST(content_of_any_kind_does_no_harm),
        TEST(links_to_anywhere_do_no_harm),
        TEST(quantizers_that_cannot_be_are_refused),
        TEST(notes_that_do_not_fit_the_rows_are_refused),
        TEST(forged_headers_of_graphs_are_refused),
    };
    return RUN_TESTS(tests);
}
