/*
 * Indexes that choose their kind: when they do, that all calls work before and after, and what is refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { dim = 24, most_flat = 8192, many = 9000, nq = 50, k = 10 };

static vecstore_index_options auto_options(void) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.kind = VECSTORE_KIND_AUTO;
    options.dim = dim;
    return options;
}

/* A budget that rows as they are do not fit, and 16-bit rows do. */
static vecstore_index_options tight_options(uint64_t rows) {
    vecstore_index_options options = auto_options();
    options.dim = 4 * dim;
    options.capacity = rows;
    options.memory_budget = rows * (2 * 4 * dim + 160) + 100000;
    return options;
}

static const char *explained(const vecstore_index *index) {
    static char text[4096];
    size_t needed = 0;
    REQUIRE_OK(vecstore_index_explain(index, text, sizeof text, &needed));
    REQUIRE(needed == strlen(text));
    return text;
}

static void check_refused(const vecstore_index_options *options, vecstore_status expected, const char *words) {
    vecstore_index *index = (vecstore_index *)1;
    check_status(vecstore_index_create(options, &index), expected, __FILE__, __LINE__, words);
    CHECK(index == NULL);
    if (!CHECK(strstr(vecstore_last_error(), words))) check(false, __FILE__, __LINE__, "%s", vecstore_last_error());
}

/* The share of the results of exact search that a plain search finds, of queries that are in neither index. */
static double recall_of(const vecstore_index *index, const vecstore_index *flat, size_t elements) {
    static uint64_t found[nq * k], truth[nq * k];
    static float distances[nq * k];
    float *queries = clustered_vectors(elements, nq, 99);
    REQUIRE_OK(vecstore_index_search(index, queries, F32, nq, k, NULL, found, distances, NULL));
    REQUIRE_OK(vecstore_index_search(flat, queries, F32, nq, k, NULL, truth, distances, NULL));
    size_t hits = 0;
    for (size_t q = 0; q < nq; q++) {
        for (size_t i = 0; i < k; i++) {
            for (size_t j = 0; j < k; j++) hits += found[q * k + j] == truth[q * k + i];
        }
    }
    free(queries);
    return (double)hits / (nq * k);
}

static void it_begins_flat_and_becomes_a_graph_when_there_are_many_rows(void) {
    vecstore_index_options options = auto_options();
    vecstore_index *index = create_index(&options), *flat = new_index(L2SQ, F32, dim);
    float *rows = clustered_vectors(dim, many, 1);
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_FLAT);
    CHECK_EQ(stats_of(index).automatic, 1);
    CHECK_EQ(stats_of(flat).automatic, 0);
    CHECK_OK(vecstore_index_add(index, rows, F32, most_flat, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_FLAT);
    uint64_t id = 0;
    CHECK_OK(vecstore_index_add(index, rows + most_flat * dim, F32, 1, NULL, NULL, &id));
    CHECK_EQ(id, most_flat);
    vecstore_index_stats stats = stats_of(index);
    CHECK_EQ(stats.kind, VECSTORE_KIND_HNSW);
    CHECK_EQ(stats.automatic, 1);
    CHECK_EQ(stats.count, most_flat + 1);
    CHECK_EQ(stats.calibrated_k, 10);
    CHECK_EQ(stats.calibrated_by_own_rows, 0);
    CHECK_OK(vecstore_index_add(index, rows + (most_flat + 1) * dim, F32, many - most_flat - 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_add(flat, rows, F32, many, NULL, NULL, NULL));
    CHECK(recall_of(index, flat, dim) >= 0.95 - 0.02);
    CHECK_OK(vecstore_index_verify(index));
    free(rows);
    vecstore_index_free(index);
    vecstore_index_free(flat);
}

static void small_batches_come_to_the_same(void) {
    vecstore_index_options options = auto_options();
    vecstore_index *index = create_index(&options), *flat = new_index(L2SQ, F32, dim);
    float *rows = clustered_vectors(dim, many, 1);
    for (size_t from = 0; from < many; from += 100) {
        REQUIRE_OK(vecstore_index_add(index, rows + from * dim, F32, 100, NULL, NULL, NULL));
    }
    CHECK_OK(vecstore_index_add(flat, rows, F32, many, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_HNSW);
    CHECK_EQ(stats_of(index).count, many);
    CHECK_EQ(stats_of(index).next_id, many);
    CHECK(recall_of(index, flat, dim) >= 0.95 - 0.02);
    free(rows);
    vecstore_index_free(index);
    vecstore_index_free(flat);
}

static void a_budget_is_kept_at_every_size(void) {
    enum { rows = 4000 };
    vecstore_index_options options = tight_options(rows);
    vecstore_index *index = create_index(&options), *flat = new_index(L2SQ, F32, 4 * dim);
    float *base = clustered_vectors(4 * dim, rows, 1);
    for (size_t from = 0; from < rows; from += 250) {
        REQUIRE_OK(vecstore_index_add(index, base + from * 4 * dim, F32, 250, NULL, NULL, NULL));
        CHECK(stats_of(index).memory_bytes <= options.memory_budget);
    }
    CHECK_OK(vecstore_index_add(flat, base, F32, rows, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_IVF);
    CHECK_EQ(stats_of(index).exact_dtype, F16);
    CHECK(strstr(explained(index), "memory_budget"));
    CHECK(recall_of(index, flat, 4 * dim) >= 0.95 - 0.03);
    /* So many more do not fit, whatever they become: none of them is added. */
    float *more = clustered_vectors(4 * dim, 40 * rows, 2);
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, more, F32, 40 * rows, NULL, NULL, NULL));
    CHECK(strstr(vecstore_last_error(), "memory_budget") && strstr(vecstore_last_error(), "at least"));
    CHECK_EQ(stats_of(index).count, rows);
    free(more);
    free(base);
    vecstore_index_free(index);
    vecstore_index_free(flat);
}

static void codes_alone_are_what_the_least_budget_holds(void) {
    enum { rows = 12000 };
    vecstore_index_options options = auto_options();
    options.dim = 4 * dim;
    options.capacity = rows;
    options.memory_budget = rows * 140 + 200000;
    vecstore_index *index = create_index(&options);
    float *base = clustered_vectors(4 * dim, rows, 1);
    for (size_t from = 0; from < rows; from += 1000) {
        REQUIRE_OK(vecstore_index_add(index, base + from * 4 * dim, F32, 1000, NULL, NULL, NULL));
        CHECK(stats_of(index).memory_bytes <= options.memory_budget);
    }
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_IVF);
    CHECK_EQ(stats_of(index).exact_dtype, 0);
    CHECK(strstr(explained(index), "codes alone"));
    CHECK_OK(vecstore_index_optimize(index, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_index_calibrate(index, base, F32, 10, NULL, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, base, F32, rows, NULL, NULL, NULL));
    CHECK(strstr(vecstore_last_error(), "capacity"));
    CHECK_EQ(stats_of(index).count, rows);
    free(base);
    vecstore_index_free(index);
}

static void a_recall_of_1_is_exact_search(void) {
    vecstore_index_options options = auto_options();
    options.target_recall = 1;
    vecstore_index *index = create_index(&options);
    float *rows = clustered_vectors(dim, many, 1);
    CHECK_OK(vecstore_index_add(index, rows, F32, many, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_FLAT);
    CHECK_OK(vecstore_index_optimize(index, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_FLAT);
    vecstore_index_free(index);
    options.capacity = 100000;
    options.memory_budget = 100000 * dim;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "exact search");
    free(rows);
}

static void optimize_chooses_again_for_the_rows_that_are_left(void) {
    vecstore_index_options options = auto_options();
    vecstore_index *index = create_index(&options);
    float *rows = clustered_vectors(dim, many, 1);
    REQUIRE_OK(vecstore_index_add(index, rows, F32, many, NULL, NULL, NULL));
    uint64_t *ids = calloc(many, 8);
    for (uint64_t i = 0; i < many; i++) ids[i] = i;
    size_t removed = 0;
    CHECK_OK(vecstore_index_remove(index, ids + 500, many - 500, &removed));
    CHECK_EQ(removed, many - 500);
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_HNSW);
    CHECK(strstr(explained(index), "makes it flat"));
    CHECK_OK(vecstore_index_optimize(index, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_FLAT);
    CHECK_EQ(stats_of(index).count, 500);
    /* No id comes a second time. */
    CHECK_EQ(stats_of(index).next_id, many);
    float *back = malloc(500 * dim * sizeof(float));
    CHECK_OK(vecstore_index_get(index, ids, 500, F32, back));
    CHECK(memcmp(back, rows, 500 * dim * sizeof(float)) == 0);
    free(back);
    free(ids);
    free(rows);
    vecstore_index_free(index);
}

static void every_call_works_before_and_after(void) {
    vecstore_index_options options = auto_options();
    vecstore_index *index = create_index(&options);
    float *rows = clustered_vectors(dim, many, 1);
    const size_t sizes[] = { 200, many - 200 };
    for (int step = 0; step < 2; step++) {
        uint64_t ids[3] = { 5, 100, 77 };
        REQUIRE_OK(vecstore_index_add(index, rows + (step ? 200 * dim : 0), F32, sizes[step], NULL, NULL, NULL));
        note("%u rows", (unsigned)stats_of(index).count);
        CHECK_OK(vecstore_index_update(index, ids, rows, F32, 3));
        float back[3 * dim];
        CHECK_OK(vecstore_index_get(index, ids, 3, F32, back));
        CHECK(memcmp(back, rows, sizeof back) == 0);
        CHECK_OK(vecstore_index_update(index, ids, rows + 5 * dim, F32, 1));
        uint8_t found[3];
        size_t removed = 0, written = 0;
        CHECK_OK(vecstore_index_remove(index, ids + 2, 1, &removed));
        CHECK_OK(vecstore_index_contains(index, ids, 3, found));
        CHECK(removed == 1 && found[0] && found[1] && !found[2]);
        CHECK_OK(vecstore_index_add(index, rows + 77 * dim, F32, 1, ids + 2, NULL, NULL));
        CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, rows, F32, 1, ids, NULL, NULL));
        uint64_t *listed = calloc(many, 8);
        CHECK_OK(vecstore_index_ids(index, 0, listed, many, &written));
        CHECK_EQ(written, stats_of(index).count);
        free(listed);
        vecstore_range_result *range = NULL;
        CHECK_OK(vecstore_index_search_range(index, rows, F32, 2, 1.0f, NULL, &range));
        vecstore_range_result_free(range);
        CHECK_OK(vecstore_index_compact(index));
        CHECK_OK(vecstore_index_reserve(index, many + 10));
        CHECK_OK(vecstore_index_optimize(index, NULL));
        CHECK_OK(vecstore_index_verify(index));
        CHECK_ERROR(UNSUPPORTED, vecstore_index_train(index, rows, F32, 100, NULL));
        if (step) {
            CHECK_OK(vecstore_index_calibrate(index, NULL, F32, 0, NULL, NULL));
        } else {
            CHECK_ERROR(UNSUPPORTED, vecstore_index_calibrate(index, NULL, F32, 0, NULL, NULL));
        }
    }
    free(rows);
    vecstore_index_free(index);
}

static bool stop_at_the_end(uint64_t done, uint64_t total, void *payload) {
    (void)payload;
    return done < total;
}

static void what_fails_when_it_changes_its_kind_changes_nothing(void) {
    vecstore_index_options options = auto_options();
    vecstore_index *index = create_index(&options);
    float *rows = clustered_vectors(dim, many, 1);
    REQUIRE_OK(vecstore_index_add(index, rows, F32, most_flat, NULL, NULL, NULL));
    vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
    work.progress = stop_at_the_end;
    const size_t more = many - most_flat;
    CHECK_ERROR(CANCELLED, vecstore_index_add(index, rows + most_flat * dim, F32, more, NULL, &work, NULL));
    uint64_t ids[2] = { 1000000, 7 };
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, rows, F32, 2, ids, NULL, NULL));
    ids[1] = ids[0];
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, rows, F32, 2, ids, NULL, NULL));
    ids[1] = VECSTORE_ID_NONE;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, rows, F32, 2, ids, NULL, NULL));
    rows[most_flat * dim + 3] = NAN;
    CHECK_ERROR(NOT_FINITE, vecstore_index_add(index, rows + most_flat * dim, F32, more, NULL, NULL, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_index_add(index, rows, I8, more, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_FLAT);
    CHECK_EQ(stats_of(index).count, most_flat);
    CHECK_EQ(stats_of(index).next_id, most_flat);
    CHECK_OK(vecstore_index_verify(index));
    free(rows);
    vecstore_index_free(index);
}

static void a_file_opens_as_what_it_is_and_says_why(void) {
    vecstore_index_options tight = tight_options(3000), plain = auto_options();
    const vecstore_index_options *made[] = { &plain, &plain, &tight };
    const size_t sizes[] = { 300, many, 3000 };
    static const vecstore_kind kinds[] = { VECSTORE_KIND_FLAT, VECSTORE_KIND_HNSW, VECSTORE_KIND_IVF };
    for (int i = 0; i < 3; i++) {
        note("kind %u", kinds[i]);
        vecstore_index *index = create_index(made[i]);
        float *rows = clustered_vectors(made[i]->dim, sizes[i], 1);
        REQUIRE_OK(vecstore_index_add(index, rows, F32, sizes[i], NULL, NULL, NULL));
        REQUIRE(stats_of(index).kind == kinds[i]);
        REQUIRE_OK(vecstore_index_save(index, test_path("file"), NULL));
        for (uint32_t load = 0; load < 2; load++) {
            vecstore_open_options open = VECSTORE_OPEN_OPTIONS_INIT;
            open.load = load;
            open.verify = 2;
            vecstore_index *opened = NULL;
            REQUIRE_OK(vecstore_index_open(test_path("file"), &open, &opened));
            CHECK_EQ(stats_of(opened).kind, kinds[i]);
            CHECK_EQ(stats_of(opened).automatic, 1);
            CHECK_EQ(stats_of(opened).read_only, !load);
            CHECK(strstr(explained(opened), "chosen automatically"));
            CHECK(recall_of(opened, index, made[i]->dim) == 1);
            vecstore_status expected = load ? VECSTORE_OK : VECSTORE_ERR_READ_ONLY;
            CHECK_EQ(vecstore_index_add(opened, rows, F32, 1, NULL, NULL, NULL), expected);
            CHECK_EQ(vecstore_index_optimize(opened, NULL), expected);
            CHECK_EQ(vecstore_index_reserve(opened, sizes[i] + 1), expected);
            vecstore_index_free(opened);
        }
        free(rows);
        vecstore_index_free(index);
    }
}

static void any_note_of_a_file_does_no_harm(void) {
    static const uint32_t words[] = { 0, 1, 2, 8, 9, 10, 0x3f800001, 0x7fc00000, 0x7fffffff, 0x80000000, 0xffffffff };
    vecstore_index_options options = auto_options();
    vecstore_index *index = create_index(&options);
    float *rows = clustered_vectors(dim, 300, 1);
    REQUIRE_OK(vecstore_index_add(index, rows, F32, 300, NULL, NULL, NULL));
    REQUIRE_OK(vecstore_index_save(index, test_path("file"), NULL));
    size_t size, length;
    unsigned char *bytes = read_bytes(test_path("file"), &size);
    unsigned char *notes = content_of(bytes, auto_notes_section, &length);
    REQUIRE(notes && length == 64);
    for (size_t at = 0; at < length; at += 4) {
        const uint32_t before = get_u32(notes, at);
        for (int w = 0; w < 11; w++) {
            note("%#x at %zu", words[w], at);
            put_u32(notes, at, words[w]);
            seal(bytes, size);
            write_bytes(test_path("forged"), bytes, size);
            vecstore_open_options open = VECSTORE_OPEN_OPTIONS_INIT;
            open.load = 1;
            vecstore_index *opened = NULL;
            vecstore_status status = vecstore_index_open(test_path("forged"), &open, &opened);
            CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_CORRUPT);
            if (status != VECSTORE_OK) continue;
            explained(opened);
            recall_of(opened, index, dim);
            vecstore_index_add(opened, rows, F32, 100, NULL, NULL, NULL);
            vecstore_index_optimize(opened, NULL);
            CHECK_OK(vecstore_index_verify(opened));
            vecstore_index_free(opened);
        }
        put_u32(notes, at, before);
    }
    free(bytes);
    free(rows);
    vecstore_index_free(index);
}

static void every_metric_and_dtype_is_chosen_for(void) {
    static const struct { vecstore_metric metric; vecstore_dtype dtype; } pairs[] = {
        { IP, F32 }, { COSINE, F16 }, { L2SQ, BF16 }, { L1, F32 }, { COSINE, I8 }, { L1, U8 }, { HAMMING, BITS }, { JACCARD, BITS },
    };
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        note("metric %u, dtype %u", pairs[p].metric, pairs[p].dtype);
        vecstore_index_options options = auto_options();
        options.metric = pairs[p].metric;
        options.dtype = pairs[p].dtype;
        options.target_recall = 0.8f;
        vecstore_index *index = create_index(&options);
        void *rows = random_vectors(pairs[p].dtype, dim, many, 1);
        CHECK_OK(vecstore_index_add(index, rows, pairs[p].dtype, many, NULL, NULL, NULL));
        CHECK_EQ(stats_of(index).kind, VECSTORE_KIND_HNSW);
        uint64_t id;
        float distance;
        CHECK_OK(vecstore_index_search(index, rows, pairs[p].dtype, 1, 1, NULL, &id, &distance, NULL));
        free(rows);
        vecstore_index_free(index);
    }
}

static void options_out_of_range_are_refused_with_what_is_allowed(void) {
    const vecstore_index_options good = auto_options();
    vecstore_index_options options = good;
    options.m = 16;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "memory_budget, target_recall, capacity and seed");
    options = good, options.ef_construction = 1;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "must be 0 with kind 4 (auto)");
    options = good, options.storage = VECSTORE_STORAGE_F16;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "must be 0 with kind 4 (auto)");
    options = good, options.rescore = VECSTORE_RESCORE_NONE;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "must be 0 with kind 4 (auto)");
    options = good, options.nlist = 4;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "must be 0 with kind 4 (auto)");
    options = good, options.exact_codes = 1;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "must be 0 with kind 4 (auto)");
    static const float recalls[] = { -0.1f, 1.001f, NAN, INFINITY };
    for (int i = 0; i < 4; i++) {
        options = good, options.target_recall = recalls[i];
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "allowed is above 0, up to 1");
    }
    options = good, options.rotation = VECSTORE_ROTATION_OPQ;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "must be 0 with kind 4 (auto)");
    options = good, options.dim = 0;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "dim");
    options = good, options.metric = HAMMING;
    check_refused(&options, VECSTORE_ERR_UNSUPPORTED, "hamming");
    options = good, options.capacity = UINT64_MAX;
    check_refused(&options, VECSTORE_ERR_TOO_LARGE, "capacity");
    options = good, options.memory_budget = 1;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "take at least");
    options = good, options.memory_budget = UINT64_MAX, options.capacity = UINT32_MAX - 2;
    vecstore_index_free(create_index(&options));
    options.memory_budget = 1 << 20;
    check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "4294967293 rows take at least");
}

static void options_of_auto_are_refused_for_other_kinds(void) {
    for (uint32_t kind = 0; kind <= 3; kind++) {
        const vecstore_index_options good = { .struct_size = sizeof good, .kind = kind, .dim = dim };
        vecstore_index_options options = good;
        options.memory_budget = 1 << 30;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "are for kind 4 (auto)");
        options = good, options.target_recall = 0.9f;
        check_refused(&options, VECSTORE_ERR_INVALID_ARGUMENT, "are for kind 4 (auto)");
    }
}

static void an_explanation_fits_any_room(void) {
    vecstore_index *kinds[] = { new_index(L2SQ, F32, dim), new_graph(COSINE, F32, dim), NULL, NULL };
    vecstore_index_options lists = lists_options(L2SQ, F32, dim), automatic = auto_options();
    kinds[2] = create_index(&lists);
    kinds[3] = create_index(&automatic);
    static const char *const names[] = { "flat", "hnsw", "ivf", "automatically" };
    for (int i = 0; i < 4; i++) {
        char whole[4096];
        size_t needed = 0;
        CHECK_OK(vecstore_index_explain(kinds[i], NULL, 0, &needed));
        REQUIRE(needed > 0 && needed < sizeof whole);
        CHECK_OK(vecstore_index_explain(kinds[i], whole, sizeof whole, NULL));
        CHECK_EQ(strlen(whole), needed);
        CHECK(strstr(whole, names[i]) != NULL);
        for (size_t at = 0; at < needed; at++) CHECK((whole[at] >= ' ' && whole[at] <= '~') || whole[at] == '\n');
        for (size_t size = 1; size <= needed + 1; size += needed / 7) {
            char part[4096];
            memset(part, 0x55, sizeof part);
            CHECK_OK(vecstore_index_explain(kinds[i], part, size, &needed));
            CHECK_EQ(strlen(part), size - 1);
            CHECK(memcmp(part, whole, size - 1) == 0);
            CHECK_EQ(part[size], 0x55);
        }
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_explain(kinds[i], NULL, 1, &needed));
        CHECK_ERROR(TOO_LARGE, vecstore_index_explain(kinds[i], whole, SIZE_MAX, &needed));
        vecstore_index_free(kinds[i]);
        CHECK_ERROR(INVALID_HANDLE, vecstore_index_explain(kinds[i], NULL, 0, NULL));
    }
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_explain(NULL, NULL, 0, NULL));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(it_begins_flat_and_becomes_a_graph_when_there_are_many_rows),
        TEST(small_batches_come_to_the_same),
        TEST(a_budget_is_kept_at_every_size),
        TEST(codes_alone_are_what_the_least_budget_holds),
        TEST(a_recall_of_1_is_exact_search),
        TEST(optimize_chooses_again_for_the_rows_that_are_left),
        TEST(every_call_works_before_and_after),
        TEST(what_fails_when_it_changes_its_kind_changes_nothing),
        TEST(a_file_opens_as_what_it_is_and_says_why),
        TEST(any_note_of_a_file_does_no_harm),
        TEST(every_metric_and_dtype_is_chosen_for),
        TEST(options_out_of_range_are_refused_with_what_is_allowed),
        TEST(options_of_auto_are_refused_for_other_kinds),
        TEST(an_explanation_fits_any_room),
    };
    return RUN_TESTS(tests);
}
