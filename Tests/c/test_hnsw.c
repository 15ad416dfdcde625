/*
 * Graph indexes: what is added is found, whatever was added, changed and removed before; beside exact search.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { dim = 24, rows = 3000, nq = 60, k = 10 };

/* ---- beside exact search ---- */

typedef struct results {
    uint64_t ids[nq * k], counts[nq];
    float distances[nq * k];
} results;

static void search(const vecstore_index *index, const float *queries, const vecstore_search_options *options, results *r) {
    REQUIRE_OK(vecstore_index_search(index, queries, F32, nq, k, options, r->ids, r->distances, r->counts));
}

/* The share of the results of exact search that are among those found. */
static double recall(const results *found, const results *truth) {
    size_t hits = 0, wanted = 0;
    for (size_t q = 0; q < nq; q++) {
        wanted += truth->counts[q];
        for (size_t i = 0; i < truth->counts[q]; i++) {
            for (size_t j = 0; j < found->counts[q]; j++) hits += found->ids[q * k + j] == truth->ids[q * k + i];
        }
    }
    REQUIRE(wanted > 0);
    return (double)hits / (double)wanted;
}

/* The same rows in a graph and in a flat index. */
typedef struct pair {
    vecstore_index *graph, *flat;
} pair;

static pair pair_of(vecstore_index_options options, size_t n, size_t of_dim) {
    float *base = clustered_vectors(of_dim, n, 2);
    pair p = { create_index(&options), new_index(options.metric, options.dtype, of_dim) };
    REQUIRE_OK(vecstore_index_add(p.graph, base, F32, n, NULL, NULL, NULL));
    REQUIRE_OK(vecstore_index_add(p.flat, base, F32, n, NULL, NULL, NULL));
    free(base);
    return p;
}

static void free_pair(pair p) {
    vecstore_index_free(p.graph);
    vecstore_index_free(p.flat);
}

static double recall_of(pair p, size_t of_dim, const vecstore_search_options *options) {
    static results found, truth;
    float *queries = clustered_vectors(of_dim, nq, 3);
    search(p.graph, queries, options, &found);
    vecstore_search_options exact = options ? *options : (vecstore_search_options)VECSTORE_SEARCH_OPTIONS_INIT;
    search(p.flat, queries, &exact, &truth);
    free(queries);
    return recall(&found, &truth);
}

static vecstore_search_options with_ef(uint32_t ef) {
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.ef_search = ef;
    return options;
}

static void each_metric_and_float_type_finds_nearly_all(void) {
    for (vecstore_metric metric = L2SQ; metric <= L1; metric++) {
        for (vecstore_dtype dtype = F32; dtype <= BF16; dtype++) {
            note("%s of %s", metric_name(metric), dtype_name(dtype));
            pair p = pair_of(graph_options(metric, dtype, dim), rows, dim);
            vecstore_search_options wide = with_ef(400);
            CHECK(recall_of(p, dim, NULL) > 0.85);
            CHECK(recall_of(p, dim, &wide) > 0.97);
            CHECK_OK(vecstore_index_verify(p.graph));
            free_pair(p);
        }
    }
}

static void bytes_and_bits_are_found_too(void) {
    static const struct { vecstore_metric metric; vecstore_dtype dtype; } kinds[] = {
        { L2SQ, I8 }, { IP, I8 }, { COSINE, U8 }, { L1, U8 }, { HAMMING, BITS }, { JACCARD, BITS },
    };
    for (int i = 0; i < 6; i++) {
        note("%s of %s", metric_name(kinds[i].metric), dtype_name(kinds[i].dtype));
        enum { n = 600 };
        const size_t size = vecstore_row_size(kinds[i].dtype, dim);
        unsigned char *base = random_vectors(kinds[i].dtype, dim, n, 1);
        vecstore_index *graph = new_graph(kinds[i].metric, kinds[i].dtype, dim);
        vecstore_index *flat = new_index(kinds[i].metric, kinds[i].dtype, dim);
        REQUIRE_OK(vecstore_index_add(graph, base, kinds[i].dtype, n, NULL, NULL, NULL));
        REQUIRE_OK(vecstore_index_add(flat, base, kinds[i].dtype, n, NULL, NULL, NULL));
        vecstore_search_options all = with_ef(n);
        size_t hits = 0;
        for (size_t q = 0; q < nq; q++) {
            uint64_t ids[k], truth[k];
            float distances[k], true_distances[k];
            const void *query = base + q * size;
            CHECK_OK(vecstore_index_search(graph, query, kinds[i].dtype, 1, k, &all, ids, distances, NULL));
            CHECK_OK(vecstore_index_search(flat, query, kinds[i].dtype, 1, k, NULL, truth, true_distances, NULL));
            for (size_t j = 0; j < k; j++) hits += distances[j] <= true_distances[k - 1];
        }
        CHECK(hits > 95 * nq * k / 100);
        vecstore_index_free(graph);
        vecstore_index_free(flat);
        free(base);
    }
}

static void each_storage_finds_nearly_all(void) {
    /* From dim 96 on codes have sketches beside them. */
    static const size_t dims[] = { 7, dim, 128 };
    for (int d = 0; d < 3; d++) {
        for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
            for (vecstore_storage storage = VECSTORE_STORAGE_AUTO; storage <= VECSTORE_STORAGE_INT4; storage++) {
                note("dim %zu, %s, storage %u", dims[d], metric_name(metric), storage);
                vecstore_index_options options = graph_options(metric, F32, dims[d]);
                options.storage = storage;
                pair p = pair_of(options, rows, dims[d]);
                vecstore_search_options wide = with_ef(500);
                CHECK(recall_of(p, dims[d], &wide) > 0.95);
                CHECK_OK(vecstore_index_verify(p.graph));
                free_pair(p);
            }
        }
    }
}

static void any_number_of_links_works(void) {
    static const uint32_t ms[] = { 2, 3, 17, 64, 65, 128, 256 };
    for (int i = 0; i < 7; i++) {
        note("m %u", ms[i]);
        vecstore_index_options options = graph_options(L2SQ, F32, dim);
        options.m = ms[i];
        pair p = pair_of(options, 1500, dim);
        CHECK_EQ(stats_of(p.graph).m, ms[i]);
        vecstore_search_options wide = with_ef(800);
        CHECK(recall_of(p, dim, &wide) > 0.9);
        CHECK_OK(vecstore_index_verify(p.graph));
        uint64_t ids[700];
        for (uint64_t id = 0; id < 700; id++) ids[id] = 2 * id;
        CHECK_OK(vecstore_index_remove(p.graph, ids, 700, NULL));
        CHECK_OK(vecstore_index_verify(p.graph));
        free_pair(p);
    }
}

static void a_wider_view_finds_more(void) {
    vecstore_index_options options = graph_options(L2SQ, F32, dim);
    options.m = 4;
    options.ef_construction = 10;
    pair p = pair_of(options, rows, dim);
    vecstore_search_options narrow = with_ef(10), wide = with_ef(rows);
    double little = recall_of(p, dim, &narrow), much = recall_of(p, dim, &wide);
    CHECK(little < much);
    CHECK(much > 0.99);
    free_pair(p);
}

static void distances_are_those_of_the_rows(void) {
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        note("%s", metric_name(metric));
        pair p = pair_of(graph_options(metric, F32, dim), rows, dim);
        CHECK_EQ(stats_of(p.graph).storage == VECSTORE_STORAGE_AUTO, 0);
        static results found;
        float *queries = clustered_vectors(dim, nq, 3), row[dim];
        search(p.graph, queries, NULL, &found);
        for (size_t i = 0; i < nq * k; i++) {
            float expected;
            CHECK_OK(vecstore_index_get(p.graph, &found.ids[i], 1, F32, row));
            CHECK_OK(vecstore_distance(queries + i / k * dim, row, dim, metric, F32, &expected));
            CHECK_FLOAT(found.distances[i], expected);
            if (i % k > 0) CHECK(found.distances[i - 1] <= found.distances[i]);
        }
        free(queries);
        free_pair(p);
    }
}

static void without_finer_rows_results_are_approximate(void) {
    for (vecstore_storage storage = VECSTORE_STORAGE_INT8; storage <= VECSTORE_STORAGE_INT4; storage++) {
        note("storage %u", storage);
        vecstore_index_options options = graph_options(L2SQ, F32, dim);
        options.storage = storage;
        options.rescore = VECSTORE_RESCORE_NONE;
        pair p = pair_of(options, rows, dim);
        vecstore_index_stats stats = stats_of(p.graph);
        CHECK_EQ(stats.storage, storage);
        CHECK_EQ(stats.exact_dtype, 0);
        vecstore_search_options wide = with_ef(300);
        CHECK(recall_of(p, dim, &wide) > (storage == VECSTORE_STORAGE_INT8 ? 0.8 : 0.5));
        float *base = clustered_vectors(dim, rows, 2), row[dim];
        const uint64_t id = 17;
        CHECK_OK(vecstore_index_get(p.graph, &id, 1, F32, row));
        CHECK(memcmp(row, base + id * dim, sizeof row) != 0);
        for (size_t d = 0; d < dim; d++) CHECK_NEAR(row[d], base[id * dim + d], storage == VECSTORE_STORAGE_INT8 ? 0.2 : 2);
        free(base);
        free_pair(p);
    }
}

static void no_rescore_ranks_by_codes(void) {
    vecstore_index_options options = graph_options(L2SQ, F32, dim);
    options.storage = VECSTORE_STORAGE_INT8;
    pair p = pair_of(options, rows, dim);
    vecstore_search_options coarse = with_ef(200), fine = with_ef(200);
    coarse.no_rescore = 1;
    static results by_codes, by_rows;
    float *queries = clustered_vectors(dim, nq, 3);
    search(p.graph, queries, &coarse, &by_codes);
    search(p.graph, queries, &fine, &by_rows);
    CHECK(memcmp(by_codes.distances, by_rows.distances, sizeof by_rows.distances) != 0);
    CHECK(recall(&by_codes, &by_rows) > 0.8);
    free(queries);
    free_pair(p);
}

static void oversampling_of_any_size_works(void) {
    static const float factors[] = { 1, 1.5f, 3, 1000, 1e9f, 1e20f, 3.4e38f };
    vecstore_index_options options = graph_options(L2SQ, F32, dim);
    options.storage = VECSTORE_STORAGE_INT8;
    pair p = pair_of(options, rows, dim);
    for (int i = 0; i < 7; i++) {
        note("oversampling %g", (double)factors[i]);
        vecstore_search_options over = with_ef(200);
        over.oversampling = factors[i];
        CHECK(recall_of(p, dim, &over) > 0.8);
    }
    free_pair(p);
}

static void as_many_results_come_as_there_are(void) {
    static const size_t dims[] = { dim, 128 };
    static uint64_t ids[4000];
    static float distances[4000];
    for (int d = 0; d < 2; d++) {
        pair p = pair_of(graph_options(COSINE, F32, dims[d]), rows, dims[d]);
        float *query = clustered_vectors(dims[d], 1, 3);
        static const size_t ks[] = { 1, 64, 65, 1023, 1025, 2500, rows, 4000 };
        for (int i = 0; i < 8; i++) {
            note("dim %zu, k %zu", dims[d], ks[i]);
            uint64_t count;
            CHECK_OK(vecstore_index_search(p.graph, query, F32, 1, ks[i], NULL, ids, distances, &count));
            CHECK_EQ(count, ks[i] < rows ? ks[i] : rows);
            for (size_t j = count; j < ks[i]; j++) CHECK(ids[j] == VECSTORE_ID_NONE && isinf(distances[j]));
        }
        free(query);
        free_pair(p);
    }
}

static void threads_change_nothing(void) {
    pair p = pair_of(graph_options(COSINE, F32, dim), rows, dim);
    static results one, many;
    float *queries = clustered_vectors(dim, nq, 3);
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.threads = 1;
    search(p.graph, queries, &options, &one);
    for (options.threads = 0; options.threads < 6; options.threads++) {
        search(p.graph, queries, &options, &many);
        CHECK(memcmp(&one, &many, sizeof one) == 0);
    }
    free(queries);
    free_pair(p);
}

static void the_empty_graph_has_no_results(void) {
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    float *query = clustered_vectors(dim, 1, 3);
    uint64_t id, count;
    float distance;
    for (int round = 0; round < 2; round++) {
        CHECK_OK(vecstore_index_search(index, query, F32, 1, 1, NULL, &id, &distance, &count));
        CHECK_EQ(count, 0);
        CHECK_EQ(id, VECSTORE_ID_NONE);
        CHECK_OK(vecstore_index_verify(index));
        CHECK_OK(vecstore_index_optimize(index, NULL));
        CHECK_OK(vecstore_index_compact(index));
        /* The second time it is empty again. */
        CHECK_OK(vecstore_index_add(index, query, F32, 1, NULL, NULL, &id));
        CHECK_OK(vecstore_index_remove(index, &id, 1, NULL));
    }
    free(query);
    vecstore_index_free(index);
}

static void rows_that_are_all_the_same_are_all_found(void) {
    enum { n = 2500 };
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    float *same = malloc(n * dim * sizeof *same);
    for (size_t i = 0; i < n * dim; i++) same[i] = 1.5f;
    REQUIRE_OK(vecstore_index_add(index, same, F32, n, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_verify(index));
    static uint64_t ids[n];
    static float distances[n];
    uint64_t count;
    CHECK_OK(vecstore_index_search(index, same, F32, 1, n, NULL, ids, distances, &count));
    CHECK_EQ(count, n);
    for (size_t i = 0; i < n; i++) CHECK(ids[i] == i && distances[i] == 0);
    free(same);
    vecstore_index_free(index);
}

/* ---- changes ---- */

static void ids_are_given_or_assigned(void) {
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    float *base = clustered_vectors(dim, 4, 2);
    const uint64_t given[2] = { 70, UINT64_MAX - 9 };
    uint64_t ids[4];
    CHECK_OK(vecstore_index_add(index, base, F32, 1, given, NULL, ids));
    CHECK_EQ(ids[0], 70);
    CHECK_OK(vecstore_index_add(index, base, F32, 2, NULL, NULL, ids));
    CHECK(ids[0] == 71 && ids[1] == 72);
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, base, F32, 2, given, NULL, NULL));
    const uint64_t twice[2] = { 5, 5 }, none[2] = { 5, VECSTORE_ID_NONE };
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, base, F32, 2, twice, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, base, F32, 2, none, NULL, NULL));
    CHECK_EQ(count_of(index), 3);
    CHECK_OK(vecstore_index_add(index, base, F32, 1, given + 1, NULL, NULL));
    CHECK_OK(vecstore_index_add(index, base, F32, 4, NULL, NULL, ids));
    CHECK_EQ(ids[3], UINT64_MAX - 5);
    CHECK_OK(vecstore_index_add(index, base, F32, 4, NULL, NULL, ids));
    CHECK_EQ(ids[3], UINT64_MAX - 1);
    CHECK_EQ(stats_of(index).next_id, VECSTORE_ID_NONE);
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, base, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_verify(index));
    free(base);
    vecstore_index_free(index);
}

static void updated_rows_are_where_they_are_now(void) {
    pair p = pair_of(graph_options(L2SQ, F32, dim), rows, dim);
    enum { n = 300 };
    float *fresh = clustered_vectors(dim, n, 5);
    uint64_t ids[n], found;
    float distance;
    for (size_t i = 0; i < n; i++) ids[i] = 7 * i;
    CHECK_OK(vecstore_index_update(p.graph, ids, fresh, F32, n));
    CHECK_OK(vecstore_index_update(p.flat, ids, fresh, F32, n));
    CHECK_EQ(count_of(p.graph), rows);
    CHECK_OK(vecstore_index_verify(p.graph));
    size_t hits = 0;
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(vecstore_index_search(p.graph, fresh + i * dim, F32, 1, 1, NULL, &found, &distance, NULL));
        hits += found == ids[i] && distance == 0;
    }
    CHECK(hits >= n - 3);
    CHECK(recall_of(p, dim, NULL) > 0.85);
    const uint64_t unknown[2] = { 0, 99999 }, twice[2] = { 1, 1 };
    CHECK_ERROR(NOT_FOUND, vecstore_index_update(p.graph, unknown, fresh, F32, 2));
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_update(p.graph, twice, fresh, F32, 2));
    free(fresh);
    free_pair(p);
}

static void removed_rows_never_come_back(void) {
    pair p = pair_of(graph_options(L2SQ, F32, dim), rows, dim);
    /* One by one, in small batches, and half of what is left at once. */
    static const size_t batches[] = { 1, 1, 1, 7, 40, 500, 1200 };
    static results found;
    float *queries = clustered_vectors(dim, nq, 3);
    uint64_t next = 0, ids[1200];
    for (int b = 0; b < 7; b++) {
        size_t removed;
        for (size_t i = 0; i < batches[b]; i++) ids[i] = next++ * 17 % rows;
        CHECK_OK(vecstore_index_remove(p.graph, ids, batches[b], &removed));
        CHECK_EQ(removed, batches[b]);
        CHECK_OK(vecstore_index_remove(p.flat, ids, batches[b], NULL));
        CHECK_OK(vecstore_index_verify(p.graph));
        search(p.graph, queries, NULL, &found);
        uint8_t there[nq * k];
        CHECK_OK(vecstore_index_contains(p.flat, found.ids, nq * k, there));
        for (size_t i = 0; i < nq * k; i++) CHECK_EQ(there[i], 1);
        CHECK(recall_of(p, dim, NULL) > 0.85);
    }
    CHECK_EQ(count_of(p.graph), rows - next);
    free(queries);
    free_pair(p);
}

static void a_graph_outlives_many_generations_of_rows(void) {
    enum { n = 400, generations = 30 };
    vecstore_index *index = new_graph(COSINE, F32, dim);
    uint64_t ids[n], first;
    uint64_t most = 0;
    for (uint64_t g = 0; g < generations && is_passing(); g++) {
        note("generation %u", (unsigned)g);
        float *base = clustered_vectors(dim, n, 100 + g);
        CHECK_OK(vecstore_index_add(index, base, F32, n, NULL, NULL, ids));
        first = ids[0];
        free(base);
        if (g >= 2) {
            /* The generation before the last goes. */
            for (size_t i = 0; i < n; i++) ids[i] = first - 2 * n + i;
            size_t removed;
            CHECK_OK(vecstore_index_remove(index, ids, n, &removed));
            CHECK_EQ(removed, n);
        }
        CHECK_OK(vecstore_index_verify(index));
        if (g == 8) most = stats_of(index).memory_bytes;
    }
    /* Slots are used again: what came later takes no more memory. */
    CHECK(stats_of(index).memory_bytes <= 2 * most);
    CHECK_EQ(count_of(index), 2 * n);
    vecstore_index_free(index);
}

static void compact_and_optimize_change_no_answer(void) {
    static const size_t dims[] = { dim, 128 };
    for (int d = 0; d < 2; d++) {
        vecstore_index_options options = graph_options(L2SQ, F32, dims[d]);
        pair p = pair_of(options, rows, dims[d]);
        uint64_t ids[1000];
        for (uint64_t i = 0; i < 1000; i++) ids[i] = 3 * i;
        REQUIRE_OK(vecstore_index_remove(p.graph, ids, 1000, NULL));
        REQUIRE_OK(vecstore_index_remove(p.flat, ids, 1000, NULL));
        uint64_t before = stats_of(p.graph).memory_bytes;
        CHECK(stats_of(p.graph).removed_count > 0);
        CHECK_OK(vecstore_index_compact(p.graph));
        CHECK_EQ(stats_of(p.graph).removed_count, 0);
        CHECK(stats_of(p.graph).memory_bytes <= before);
        CHECK_OK(vecstore_index_verify(p.graph));
        vecstore_search_options wide = with_ef(400);
        CHECK(recall_of(p, dims[d], &wide) > 0.97);
        CHECK_OK(vecstore_index_optimize(p.graph, NULL));
        CHECK_EQ(count_of(p.graph), rows - 1000);
        CHECK_OK(vecstore_index_verify(p.graph));
        CHECK(recall_of(p, dims[d], &wide) > 0.97);
        float row[128], expected[128];
        for (uint64_t id = 1; id < 50; id += 3) {
            CHECK_OK(vecstore_index_get(p.graph, &id, 1, F32, row));
            CHECK_OK(vecstore_index_get(p.flat, &id, 1, F32, expected));
            CHECK(memcmp(row, expected, 4 * dims[d]) == 0);
        }
        free_pair(p);
    }
}

/* ---- progress ---- */

typedef struct told {
    pthread_t thread;
    uint64_t calls, last, total, stop_at;
    bool is_in_order;
} told;

static bool tell(uint64_t done, uint64_t total, void *payload) {
    told *t = payload;
    t->is_in_order = t->is_in_order && done >= t->last && done <= total && pthread_equal(t->thread, pthread_self());
    t->calls++;
    t->last = done;
    t->total = total;
    return t->calls < t->stop_at;
}

static void progress_is_told_on_the_calling_thread(void) {
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    float *base = clustered_vectors(dim, rows, 2);
    told t = { .thread = pthread_self(), .stop_at = UINT64_MAX, .is_in_order = true };
    vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
    options.progress = tell;
    options.payload = &t;
    CHECK_OK(vecstore_index_add(index, base, F32, rows, NULL, &options, NULL));
    CHECK(t.is_in_order && t.calls > 0);
    CHECK_EQ(t.last, rows);
    CHECK_EQ(t.total, rows);
    free(base);
    vecstore_index_free(index);
}

static void a_cancelled_add_changes_nothing(void) {
    float *base = clustered_vectors(dim, 2 * rows, 2);
    /* Into an empty index, and into one with rows; cancelled at once and later. */
    for (size_t before = 0; before <= rows; before += rows) {
        for (uint64_t stop = 1; stop <= 3; stop++) {
            note("%zu rows before, cancelled at call %u", before, (unsigned)stop);
            vecstore_index *index = new_graph(L2SQ, F32, dim);
            REQUIRE_OK(vecstore_index_add(index, base, F32, before, NULL, NULL, NULL));
            told t = { .thread = pthread_self(), .stop_at = stop, .is_in_order = true };
            vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
            options.progress = tell;
            options.payload = &t;
            vecstore_status status = vecstore_index_add(index, base + before * dim, F32, rows, NULL, &options, NULL);
            /* A fast machine may be done before the third call. */
            CHECK_EQ(status, t.calls >= stop ? VECSTORE_ERR_CANCELLED : VECSTORE_OK);
            if (status == VECSTORE_ERR_CANCELLED) {
                CHECK_EQ(count_of(index), before);
                uint64_t id = before + 5;
                uint8_t found = 1;
                CHECK_OK(vecstore_index_contains(index, &id, 1, &found));
                CHECK_EQ(found, 0);
            }
            CHECK_OK(vecstore_index_verify(index));
            /* It goes on as if nothing had been. */
            uint64_t given = 1000000;
            CHECK_OK(vecstore_index_add(index, base, F32, 1, &given, NULL, NULL));
            CHECK_OK(vecstore_index_verify(index));
            vecstore_index_free(index);
        }
    }
    free(base);
}

static void optimizing_tells_how_far_it_is_and_can_be_cancelled(void) {
    float *base = clustered_vectors(dim, rows, 2);
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    REQUIRE_OK(vecstore_index_add(index, base, F32, rows, NULL, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        uint64_t stop = (const uint64_t[]){ 1000000, 1, 2 }[i];
        told t = { .thread = pthread_self(), .stop_at = stop, .is_in_order = true };
        vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
        options.progress = tell;
        options.payload = &t;
        vecstore_status status = vecstore_index_optimize(index, &options);
        CHECK_EQ(status, t.calls >= stop ? VECSTORE_ERR_CANCELLED : VECSTORE_OK);
        CHECK(t.is_in_order && t.calls >= 1);
        if (i == 0) CHECK_EQ(t.last, rows);
        /* Whole either way. */
        CHECK_EQ(count_of(index), rows);
        CHECK_OK(vecstore_index_verify(index));
    }
    vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
    options.threads = 1025;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_optimize(index, &options));
    vecstore_index_free(index);
    free(base);
}

/* What a cancelled call has linked already, another thread removes and moves. */
static atomic_bool is_adding;

static void *meddle(void *index) {
    uint64_t ids[64];
    for (uint64_t round = 0; is_adding; round++) {
        for (uint64_t i = 0; i < 64; i++) ids[i] = 500 + (round * 64 + i) % rows;
        CHECK_OK(vecstore_index_remove(index, ids, 64, NULL));
        if (round % 3 == 0) CHECK_OK(vecstore_index_compact(index));
    }
    return NULL;
}

static void a_cancelled_add_does_no_harm_beside_other_writers(void) {
    float *base = clustered_vectors(dim, rows + 500, 2);
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    uint64_t ids[500];
    for (uint64_t i = 0; i < 500; i++) ids[i] = i;
    REQUIRE_OK(vecstore_index_add(index, base, F32, 500, ids, NULL, NULL));
    is_adding = true;
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, meddle, index) == 0);
    for (int round = 0; round < 12; round++) {
        uint64_t *given = malloc(rows * sizeof *given);
        for (uint64_t i = 0; i < rows; i++) given[i] = 500 + i;
        told t = { .thread = pthread_self(), .stop_at = 1 + (uint64_t)round % 3, .is_in_order = true };
        vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
        options.progress = tell;
        options.payload = &t;
        vecstore_status status = vecstore_index_add(index, base + 500 * dim, F32, rows, given, &options, NULL);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_CANCELLED);
        if (status == VECSTORE_OK) CHECK_OK(vecstore_index_remove(index, given, rows, NULL));
        free(given);
    }
    is_adding = false;
    pthread_join(thread, NULL);
    CHECK_EQ(count_of(index), 500);
    CHECK_OK(vecstore_index_verify(index));
    float row[dim];
    for (uint64_t id = 0; id < 500; id++) {
        CHECK_OK(vecstore_index_get(index, &id, 1, F32, row));
        CHECK(memcmp(row, base + id * dim, sizeof row) == 0);
    }
    free(base);
    vecstore_index_free(index);
}

/* ---- filters ---- */

static bool is_allowed(uint64_t id, void *payload) { return id % *(const uint64_t *)payload == 0; }

static void check_filtered(pair p, const vecstore_filter *filter, uint64_t step, bool is_negated, size_t matching) {
    static results found, truth;
    vecstore_search_options options = with_ef(200);
    options.filter = filter;
    float *queries = clustered_vectors(dim, nq, 3);
    search(p.graph, queries, &options, &found);
    search(p.flat, queries, &options, &truth);
    for (size_t q = 0; q < nq; q++) {
        CHECK_EQ(found.counts[q], matching < k ? matching : k);
        for (size_t i = 0; i < found.counts[q]; i++) CHECK((found.ids[q * k + i] % step == 0) != is_negated);
    }
    if (matching > 0) CHECK(recall(&found, &truth) > 0.9);
    free(queries);
}

static void filters_of_every_kind_and_density_hold(void) {
    pair p = pair_of(graph_options(L2SQ, F32, dim), rows, dim);
    static const uint64_t all_steps[] = { 1, 2, 5, 30, 400, 1500, 100000 };
    for (int s = 0; s < 7 && is_passing(); s++) {
        uint64_t step = all_steps[s];
        static uint8_t bitmap[rows / 8 + 1];
        static uint64_t ids[rows];
        uint64_t n = 0;
        memset(bitmap, 0, sizeof bitmap);
        for (uint64_t id = 0; id < rows; id += step) {
            bitmap[id / 8] |= (uint8_t)(1 << id % 8);
            ids[n++] = id;
        }
        for (uint32_t kind = VECSTORE_FILTER_BITMAP; kind <= VECSTORE_FILTER_CALLBACK; kind++) {
            for (uint32_t negate = 0; negate < 2; negate++) {
                note("step %u, filter %u, negate %u", (unsigned)step, kind, negate);
                vecstore_filter filter = VECSTORE_FILTER_INIT;
                filter.kind = kind;
                filter.negate = negate;
                filter.bitmap = bitmap;
                filter.bitmap_bits = rows;
                filter.ids = ids;
                filter.ids_count = n;
                filter.callback = is_allowed;
                filter.payload = &step;
                check_filtered(p, &filter, step, negate, negate ? rows - n : n);
            }
        }
    }
    vecstore_filter none = VECSTORE_FILTER_INIT;
    check_filtered(p, &none, 1, false, rows);
    none.negate = 1;
    check_filtered(p, &none, 1, true, 0);
    free_pair(p);
}

static void filters_far_from_the_query_find_their_rows(void) {
    /* Only rows on the other side of the data match: no way leads there over rows that do. */
    vecstore_index *index = new_graph(L2SQ, F32, 2);
    enum { n = 4000 };
    float *line = malloc(2 * n * sizeof *line);
    for (size_t i = 0; i < n; i++) line[2 * i] = (float)i, line[2 * i + 1] = 0;
    REQUIRE_OK(vecstore_index_add(index, line, F32, n, NULL, NULL, NULL));
    static uint8_t bitmap[n / 8];
    for (size_t id = n / 2; id < n; id++) bitmap[id / 8] |= (uint8_t)(1 << id % 8);
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_BITMAP;
    filter.bitmap = bitmap;
    filter.bitmap_bits = n;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = &filter;
    uint64_t ids[k];
    float distances[k];
    CHECK_OK(vecstore_index_search(index, line, F32, 1, k, &options, ids, distances, NULL));
    for (size_t i = 0; i < k; i++) CHECK_EQ(ids[i], n / 2 + i);
    free(line);
    vecstore_index_free(index);
}

/* ---- ranges ---- */

static void ranges_keep_to_the_radius_and_find_most(void) {
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        pair p = pair_of(graph_options(metric, F32, dim), rows, dim);
        float *queries = clustered_vectors(dim, nq, 3);
        static results truth;
        search(p.flat, queries, NULL, &truth);
        size_t hits = 0, wanted = 0;
        for (size_t q = 0; q < nq; q++) {
            float radius = truth.distances[q * k + k - 1];
            vecstore_range_result *found = NULL, *exact = NULL;
            REQUIRE_OK(vecstore_index_search_range(p.graph, queries + q * dim, F32, 1, radius, NULL, &found));
            REQUIRE_OK(vecstore_index_search_range(p.flat, queries + q * dim, F32, 1, radius, NULL, &exact));
            const uint64_t *offsets, *exact_offsets;
            const float *distances;
            CHECK_OK(vecstore_range_result_get(found, NULL, &offsets, NULL, &distances));
            CHECK_OK(vecstore_range_result_get(exact, NULL, &exact_offsets, NULL, NULL));
            CHECK(offsets[1] <= exact_offsets[1]);
            hits += offsets[1];
            wanted += exact_offsets[1];
            for (uint64_t i = 0; i < offsets[1]; i++) {
                CHECK(distances[i] <= radius);
                if (i > 0) CHECK(distances[i - 1] <= distances[i]);
            }
            vecstore_range_result_free(found);
            vecstore_range_result_free(exact);
        }
        CHECK((double)hits > 0.9 * (double)wanted);
        vecstore_range_result *all = NULL;
        REQUIRE_OK(vecstore_index_search_range(p.graph, queries, F32, 1, INFINITY, NULL, &all));
        const uint64_t *offsets;
        CHECK_OK(vecstore_range_result_get(all, NULL, &offsets, NULL, NULL));
        CHECK_EQ(offsets[1], rows);
        vecstore_range_result_free(all);
        free(queries);
        free_pair(p);
    }
}

/* ---- calibration ---- */

static void calibration_finds_what_reaches_the_recall(void) {
    vecstore_index_options made = graph_options(L2SQ, F32, dim);
    made.m = 4;
    made.ef_construction = 10;
    pair p = pair_of(made, rows, dim);
    float *queries = clustered_vectors(dim, nq, 3);
    vecstore_calibrate_options options = VECSTORE_CALIBRATE_OPTIONS_INIT;
    uint32_t last = 0;
    static const float recalls[] = { 0.5f, 0.9f, 0.99f };
    for (int i = 0; i < 3; i++) {
        options.recall = recalls[i];
        vecstore_calibration found = VECSTORE_CALIBRATION_INIT;
        CHECK_OK(vecstore_index_calibrate(p.graph, queries, F32, nq, &options, &found));
        CHECK_EQ(found.k, 10);
        CHECK_EQ(found.uses_own_rows, 0);
        CHECK_FLOAT(found.target_recall, recalls[i]);
        CHECK(found.recall >= recalls[i] && found.ef_search >= last);
        last = found.ef_search;
        vecstore_index_stats stats = stats_of(p.graph);
        CHECK_EQ(stats.calibrated_k, 10);
        CHECK_EQ(stats.calibrated_ef_search, last);
        CHECK_FLOAT(stats.calibrated_recall, found.recall);
        CHECK_FLOAT(stats.calibrated_target, recalls[i]);
        CHECK_EQ(stats.calibrated_by_own_rows, 0);
        vecstore_search_options target = VECSTORE_SEARCH_OPTIONS_INIT;
        target.target_recall = recalls[i];
        CHECK(recall_of(p, dim, &target) >= recalls[i] - 0.01);
    }
    CHECK_OK(vecstore_index_calibrate(p.graph, NULL, F32, 0, NULL, NULL));
    CHECK_EQ(stats_of(p.graph).calibrated_k, 10);
    CHECK_EQ(stats_of(p.graph).calibrated_by_own_rows, 1);
    free(queries);
    free_pair(p);
}

static void what_cannot_be_calibrated_is_refused(void) {
    float *queries = clustered_vectors(dim, nq, 3);
    vecstore_index *empty = new_graph(L2SQ, F32, dim), *flat = new_index(L2SQ, F32, dim);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_calibrate(empty, queries, F32, nq, NULL, NULL));
    CHECK(strstr(vecstore_last_error(), "empty"));
    CHECK_OK(vecstore_index_add(flat, queries, F32, nq, NULL, NULL, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_index_calibrate(flat, queries, F32, nq, NULL, NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_index_calibrate((vecstore_index *)12345, queries, F32, nq, NULL, NULL));
    CHECK_OK(vecstore_index_add(empty, queries, F32, nq, NULL, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_calibrate(empty, queries, F32, 0, NULL, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_index_calibrate(empty, queries, I8, nq, NULL, NULL));
    queries[3] = NAN;
    CHECK_ERROR(NOT_FINITE, vecstore_index_calibrate(empty, queries, F32, nq, NULL, NULL));
    CHECK_EQ(stats_of(empty).calibrated_k, 0);
    free(queries);
    vecstore_index_free(empty);
    vecstore_index_free(flat);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(each_metric_and_float_type_finds_nearly_all),
        TEST(bytes_and_bits_are_found_too),
        TEST(each_storage_finds_nearly_all),
        TEST(any_number_of_links_works),
        TEST(a_wider_view_finds_more),
        TEST(distances_are_those_of_the_rows),
        TEST(without_finer_rows_results_are_approximate),
        TEST(no_rescore_ranks_by_codes),
        TEST(oversampling_of_any_size_works),
        TEST(as_many_results_come_as_there_are),
        TEST(threads_change_nothing),
        TEST(the_empty_graph_has_no_results),
        TEST(rows_that_are_all_the_same_are_all_found),
        TEST(ids_are_given_or_assigned),
        TEST(updated_rows_are_where_they_are_now),
        TEST(removed_rows_never_come_back),
        TEST(a_graph_outlives_many_generations_of_rows),
        TEST(compact_and_optimize_change_no_answer),
        TEST(optimizing_tells_how_far_it_is_and_can_be_cancelled),
        TEST(progress_is_told_on_the_calling_thread),
        TEST(a_cancelled_add_changes_nothing),
        TEST(a_cancelled_add_does_no_harm_beside_other_writers),
        TEST(filters_of_every_kind_and_density_hold),
        TEST(filters_far_from_the_query_find_their_rows),
        TEST(ranges_keep_to_the_radius_and_find_most),
        TEST(calibration_finds_what_reaches_the_recall),
        TEST(what_cannot_be_calibrated_is_refused),
    };
    return RUN_TESTS(tests);
}
