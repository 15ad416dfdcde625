/*
 * Inverted files: training, and what is added is found, whatever was added, changed and removed before; beside exact search.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { dim = 64, rows = 3000, nq = 60, k = 10 };

/* Ways to keep rows. Rows that are not kept as they were added come out approximate, and so do distances from them. */
static const struct coding {
    const char *name;
    vecstore_storage storage;
    vecstore_rescore rescore;
    bool is_exact;
    /* By the rows alone, all lists read; and without a look at finer rows. */
    double recall, coarse_recall;
    uint32_t bits;
    vecstore_rotation rotation;
} codings[] = {
    { "rows", VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT, true, 1, 1, 0, VECSTORE_ROTATION_NONE },
    { "float32", VECSTORE_STORAGE_F32, VECSTORE_RESCORE_DEFAULT, true, 1, 1, 0, VECSTORE_ROTATION_NONE },
    { "float16", VECSTORE_STORAGE_F16, VECSTORE_RESCORE_DEFAULT, false, 0.99, 0.99, 0, VECSTORE_ROTATION_NONE },
    { "bfloat16", VECSTORE_STORAGE_BF16, VECSTORE_RESCORE_DEFAULT, false, 0.95, 0.95, 0, VECSTORE_ROTATION_NONE },
    { "pq", VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_DEFAULT, true, 0.98, 0.6, 0, VECSTORE_ROTATION_NONE },
    { "pq with float16", VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_F16, false, 0.98, 0.6, 0, VECSTORE_ROTATION_NONE },
    { "pq alone", VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_NONE, false, 0.6, 0.6, 0, VECSTORE_ROTATION_NONE },
    { "binary", VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_DEFAULT, true, 0.99, 0.3, 0, VECSTORE_ROTATION_NONE },
    { "binary alone", VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, false, 0.3, 0.3, 0, VECSTORE_ROTATION_NONE },
    { "binary of 3 bits alone", VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, false, 0.8, 0.8, 3, VECSTORE_ROTATION_NONE },
    { "binary of 8 bits", VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_DEFAULT, true, 0.99, 0.97, 8, VECSTORE_ROTATION_NONE },
    { "int8 alone", VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_NONE, false, 0.97, 0.97, 0, VECSTORE_ROTATION_NONE },
    { "int4", VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_DEFAULT, true, 0.99, 0.8, 0, VECSTORE_ROTATION_NONE },
    { "pq rotated", VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_DEFAULT, true, 0.98, 0.6, 0, VECSTORE_ROTATION_OPQ },
};
enum { coding_count = sizeof codings / sizeof *codings };

static vecstore_index_options options_of(const struct coding *coding, vecstore_metric metric, uint32_t assignments) {
    vecstore_index_options options = lists_options(metric, F32, dim);
    options.storage = coding->storage;
    options.rescore = coding->rescore;
    options.assignments = assignments;
    options.bits = coding->bits;
    options.rotation = coding->rotation;
    return options;
}

/* The same rows in an inverted file and in a flat index. */
typedef struct pair {
    vecstore_index *lists, *flat;
} pair;

static pair pair_of(vecstore_index_options options) {
    float *base = clustered_vectors(dim, rows, 2);
    pair p = { create_index(&options), new_index(options.metric, options.dtype, dim) };
    REQUIRE_OK(vecstore_index_add(p.lists, base, F32, rows, NULL, NULL, NULL));
    REQUIRE_OK(vecstore_index_add(p.flat, base, F32, rows, NULL, NULL, NULL));
    free(base);
    return p;
}

static void free_pair(pair p) {
    vecstore_index_free(p.lists);
    vecstore_index_free(p.flat);
}

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

static double recall_of(pair p, const vecstore_search_options *options) {
    static results found, truth;
    float *queries = clustered_vectors(dim, nq, 3);
    search(p.lists, queries, options, &found);
    search(p.flat, queries, options, &truth);
    free(queries);
    return recall(&found, &truth);
}

static vecstore_search_options with_nprobe(uint32_t nprobe) {
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.nprobe = nprobe;
    return options;
}

enum { all_lists = 1 << 20 };

static void check_at_least(double found, double wanted, const char *file, int line) {
    check(found >= wanted, file, line, "the recall is %.4f, below %.4f", found, wanted);
}
#define CHECK_RECALL(found, wanted) check_at_least(found, wanted, __FILE__, __LINE__)

/* ---- beside exact search ---- */

static void each_metric_and_storage_finds_nearly_all(void) {
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 0; c < coding_count; c++) {
            for (uint32_t assignments = 1; assignments <= 2; assignments++) {
                note("%s, %s, %u lists for each row", metric_name(metric), codings[c].name, assignments);
                pair p = pair_of(options_of(&codings[c], metric, assignments));
                vecstore_search_options all = with_nprobe(all_lists);
                CHECK_RECALL(recall_of(p, &all), codings[c].recall);
                CHECK_RECALL(recall_of(p, NULL), codings[c].recall * (metric == IP ? 0.6 : 0.85));
                all.no_rescore = 1;
                CHECK_RECALL(recall_of(p, &all), codings[c].coarse_recall);
                CHECK_OK(vecstore_index_verify(p.lists));
                free_pair(p);
            }
        }
    }
}

static void smaller_types_are_found_too(void) {
    static const vecstore_dtype dtypes[] = { F16, BF16, I8, U8 };
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int t = 0; t < 4; t++) {
            for (vecstore_storage storage = 0; storage <= VECSTORE_STORAGE_BINARY; storage++) {
                if (storage != VECSTORE_STORAGE_AUTO && (dtypes[t] > BF16 || storage < VECSTORE_STORAGE_INT8)) continue;
                note("%s of %s, storage %u", metric_name(metric), dtype_name(dtypes[t]), storage);
                enum { n = 600 };
                const size_t size = vecstore_row_size(dtypes[t], dim);
                unsigned char *base = random_vectors(dtypes[t], dim, n, 1);
                vecstore_index_options options = lists_options(metric, dtypes[t], dim);
                options.storage = storage;
                vecstore_index *lists = create_index(&options), *flat = new_index(metric, dtypes[t], dim);
                REQUIRE_OK(vecstore_index_add(lists, base, dtypes[t], n, NULL, NULL, NULL));
                REQUIRE_OK(vecstore_index_add(flat, base, dtypes[t], n, NULL, NULL, NULL));
                vecstore_search_options all = with_nprobe(all_lists);
                all.oversampling = 60;
                for (size_t q = 0; q < nq; q++) {
                    uint64_t ids[k], truth[k];
                    float distances[k], true_distances[k];
                    const void *query = base + q * size;
                    CHECK_OK(vecstore_index_search(lists, query, dtypes[t], 1, k, &all, ids, distances, NULL));
                    CHECK_OK(vecstore_index_search(flat, query, dtypes[t], 1, k, NULL, truth, true_distances, NULL));
                    CHECK_FLOAT(distances[0], true_distances[0]);
                    if (storage == VECSTORE_STORAGE_AUTO) CHECK(memcmp(distances, true_distances, sizeof distances) == 0);
                }
                vecstore_index_free(lists);
                vecstore_index_free(flat);
                free(base);
            }
        }
    }
}

static void more_lists_find_more(void) {
    pair p = pair_of(options_of(&codings[0], L2SQ, 1));
    const uint32_t nlist = stats_of(p.lists).nlist;
    double last = 0;
    for (uint32_t nprobe = 1; nprobe <= nlist; nprobe *= 2) {
        vecstore_search_options options = with_nprobe(nprobe);
        double now = recall_of(p, &options);
        CHECK(now >= last);
        last = now;
    }
    CHECK(last == 1);
    free_pair(p);
}

static void without_nprobe_one_list_of_sixteen_is_read(void) {
    static results plain, asked;
    pair p = pair_of(options_of(&codings[0], L2SQ, 1));
    float *queries = clustered_vectors(dim, nq, 3);
    CHECK_EQ(stats_of(p.lists).nlist, 64);
    CHECK_EQ(stats_of(p.lists).default_nprobe, 4);
    vecstore_search_options four = with_nprobe(4);
    search(p.lists, queries, NULL, &plain);
    search(p.lists, queries, &four, &asked);
    CHECK(memcmp(&plain, &asked, sizeof plain) == 0);
    free(queries);
    free_pair(p);
}

static void a_second_list_saves_reading_lists(void) {
    pair one = pair_of(options_of(&codings[0], L2SQ, 1)), two = pair_of(options_of(&codings[0], L2SQ, 2));
    vecstore_search_options few = with_nprobe(2);
    CHECK(recall_of(two, &few) > recall_of(one, &few));
    free_pair(one);
    free_pair(two);
}

static void no_row_is_found_twice(void) {
    enum { most = 500 };
    static uint64_t ids[most];
    static float distances[most];
    for (int c = 0; c < coding_count; c++) {
        pair p = pair_of(options_of(&codings[c], L2SQ, 2));
        float *queries = clustered_vectors(dim, 5, 3);
        for (int way = 0; way < 8; way++) {
            note("%s, way %d", codings[c].name, way);
            vecstore_filter filter = VECSTORE_FILTER_INIT;
            uint64_t odd[2] = { 5, 7 };
            filter.kind = VECSTORE_FILTER_IDS;
            filter.ids = odd;
            filter.ids_count = 2;
            filter.negate = 1;
            vecstore_search_options options = with_nprobe(way & 1 ? all_lists : 3);
            options.no_rescore = way >> 1 & 1;
            options.filter = way & 4 ? &filter : NULL;
            for (size_t q = 0; q < 5; q++) {
                uint64_t count;
                CHECK_OK(vecstore_index_search(p.lists, queries + q * dim, F32, 1, most, &options, ids, distances, &count));
                CHECK(way & 1 ? count == most : count > 0);
                for (uint64_t i = 0; i < count; i++) {
                    if (i > 0) CHECK(distances[i - 1] <= distances[i]);
                    for (uint64_t j = 0; j < i; j++) CHECK(ids[i] != ids[j]);
                }
            }
            vecstore_range_result *result = NULL;
            REQUIRE_OK(vecstore_index_search_range(p.lists, queries, F32, 1, INFINITY, &options, &result));
            const uint64_t *offsets, *range_ids;
            CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, &range_ids, NULL));
            if (way & 1) CHECK_EQ(offsets[1], way & 4 ? rows - 2 : rows);
            static uint8_t seen[rows];
            memset(seen, 0, sizeof seen);
            for (uint64_t i = 0; i < offsets[1]; i++) CHECK(seen[range_ids[i]]++ == 0);
            vecstore_range_result_free(result);
        }
        free(queries);
        free_pair(p);
    }
}

static void distances_are_those_of_the_rows(void) {
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 0; c < coding_count; c++) {
            if (codings[c].rescore == VECSTORE_RESCORE_NONE) continue;
            note("%s, %s", metric_name(metric), codings[c].name);
            static results found;
            pair p = pair_of(options_of(&codings[c], metric, 1));
            float *queries = clustered_vectors(dim, nq, 3);
            search(p.lists, queries, NULL, &found);
            for (size_t i = 0; i < nq * k; i++) {
                float row[dim], expected;
                CHECK_OK(vecstore_index_get(p.lists, &found.ids[i], 1, F32, row));
                CHECK_OK(vecstore_distance(queries + i / k * dim, row, dim, metric, F32, &expected));
                CHECK_NEAR(found.distances[i], expected, 1e-4 * (1 + fabs(expected)));
            }
            free(queries);
            free_pair(p);
        }
    }
}

static void distances_without_finer_rows_are_near_the_true_ones(void) {
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 4; c < coding_count; c++) {
            note("%s, %s", metric_name(metric), codings[c].name);
            static results found;
            pair p = pair_of(options_of(&codings[c], metric, 1));
            float *queries = clustered_vectors(dim, nq, 3);
            /* Queries of any length. */
            for (size_t i = 0; i < nq * dim; i++) queries[i] *= (float)(1 + i / dim % 5);
            vecstore_search_options options = with_nprobe(all_lists);
            options.no_rescore = 1;
            search(p.lists, queries, &options, &found);
            double error = 0, whole = 0;
            for (size_t i = 0; i < nq * k; i++) {
                float row[dim], expected;
                CHECK_OK(vecstore_index_get(p.flat, &found.ids[i], 1, F32, row));
                CHECK_OK(vecstore_distance(queries + i / k * dim, row, dim, metric, F32, &expected));
                error += fabs(found.distances[i] - expected);
                whole += fabs(expected);
            }
            CHECK(error < 0.3 * whole);
            /* Within a radius too. */
            vecstore_range_result *result = NULL;
            const float radius = found.distances[5];
            REQUIRE_OK(vecstore_index_search_range(p.lists, queries, F32, 1, radius, &options, &result));
            const uint64_t *offsets;
            const float *distances;
            CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, NULL, &distances));
            CHECK(offsets[1] >= 5 && offsets[1] <= 7);
            for (uint64_t i = 0; i < offsets[1]; i++) CHECK_NEAR(distances[i], found.distances[i], 1e-4 * fabs(radius));
            vecstore_range_result_free(result);
            free(queries);
            free_pair(p);
        }
    }
}

static void oversampling_of_any_size_works(void) {
    static const float factors[] = { 1, 1.5f, 3, 100, 1e10f, 3e38f };
    pair p = pair_of(options_of(&codings[7], L2SQ, 1));
    vecstore_search_options options = with_nprobe(all_lists);
    double last = 0;
    for (int i = 0; i < 6; i++) {
        options.oversampling = factors[i];
        double now = recall_of(p, &options);
        CHECK(now >= last - 0.02);
        last = now;
    }
    CHECK_RECALL(last, 0.99);
    free_pair(p);
}

static void as_many_results_come_as_there_are(void) {
    enum { few = 30, most = 100 };
    float *base = clustered_vectors(dim, few, 2);
    for (int c = 0; c < coding_count; c++) {
        for (uint32_t assignments = 1; assignments <= 2; assignments++) {
            note("%s, %u lists for each row", codings[c].name, assignments);
            vecstore_index_options options = options_of(&codings[c], L2SQ, assignments);
            options.nlist = 4;
            vecstore_index *index = create_index(&options);
            REQUIRE_OK(vecstore_index_add(index, base, F32, few, NULL, NULL, NULL));
            uint64_t ids[2 * most], counts[2];
            float distances[2 * most];
            vecstore_search_options all = with_nprobe(4);
            CHECK_OK(vecstore_index_search(index, base, F32, 2, most, &all, ids, distances, counts));
            for (size_t q = 0; q < 2; q++) {
                CHECK_EQ(counts[q], few);
                for (size_t i = few; i < most; i++) {
                    CHECK_EQ(ids[q * most + i], VECSTORE_ID_NONE);
                    CHECK_FLOAT(distances[q * most + i], INFINITY);
                }
            }
            vecstore_index_free(index);
        }
    }
    free(base);
}

static void the_largest_k_works(void) {
    static uint64_t ids[VECSTORE_K_MAX];
    static float distances[VECSTORE_K_MAX];
    float *query = clustered_vectors(dim, 1, 3);
    for (int c = 0; c < coding_count; c += 4) {
        pair p = pair_of(options_of(&codings[c], L2SQ, 2));
        vecstore_search_options all = with_nprobe(all_lists);
        uint64_t count;
        CHECK_OK(vecstore_index_search(p.lists, query, F32, 1, VECSTORE_K_MAX, &all, ids, distances, &count));
        CHECK_EQ(count, rows);
        free_pair(p);
    }
    free(query);
}

static void threads_change_nothing(void) {
    static results one, several;
    for (int c = 0; c < coding_count; c++) {
        note("%s", codings[c].name);
        pair p = pair_of(options_of(&codings[c], COSINE, 2));
        float *queries = clustered_vectors(dim, nq, 3);
        for (uint32_t threads = 0; threads <= 5; threads++) {
            vecstore_search_options options = with_nprobe(7);
            options.threads = 1;
            search(p.lists, queries, &options, &one);
            options.threads = threads;
            search(p.lists, queries, &options, &several);
            CHECK(memcmp(&one, &several, sizeof one) == 0);
        }
        free(queries);
        free_pair(p);
    }
}

static void an_index_without_rows_has_no_results(void) {
    for (int c = 0; c < coding_count; c++) {
        for (int trained = 0; trained < 2; trained++) {
            note("%s, trained %d", codings[c].name, trained);
            vecstore_index_options options = options_of(&codings[c], L2SQ, 1);
            vecstore_index *index = create_index(&options);
            float *base = clustered_vectors(dim, nq, 3);
            if (trained) CHECK_OK(vecstore_index_train(index, base, F32, nq, NULL));
            static results found;
            search(index, base, NULL, &found);
            for (size_t q = 0; q < nq; q++) CHECK_EQ(found.counts[q], 0);
            for (size_t i = 0; i < nq * k; i++) CHECK(found.ids[i] == VECSTORE_ID_NONE && found.distances[i] == INFINITY);
            vecstore_range_result *result = NULL;
            REQUIRE_OK(vecstore_index_search_range(index, base, F32, nq, INFINITY, NULL, &result));
            const uint64_t *offsets;
            CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, NULL, NULL));
            CHECK_EQ(offsets[nq], 0);
            vecstore_range_result_free(result);
            CHECK_EQ(count_of(index), 0);
            CHECK(!is_there(index, 0));
            size_t written = 1, removed = 1;
            uint64_t id = 0;
            CHECK_OK(vecstore_index_ids(index, 0, &id, 1, &written));
            CHECK_EQ(written, 0);
            CHECK_OK(vecstore_index_remove(index, &id, 1, &removed));
            CHECK_EQ(removed, 0);
            CHECK_ERROR(NOT_FOUND, vecstore_index_update(index, &id, base, F32, 1));
            CHECK_OK(vecstore_index_compact(index));
            CHECK_OK(vecstore_index_optimize(index, NULL));
            CHECK_OK(vecstore_index_verify(index));
            REQUIRE_OK(vecstore_index_save(index, test_path("empty"), NULL));
            vecstore_index *opened;
            REQUIRE_OK(vecstore_index_open(test_path("empty"), NULL, &opened));
            CHECK_EQ(stats_of(opened).trained_count, trained ? nq : 0);
            CHECK_OK(vecstore_index_verify(opened));
            search(opened, base, NULL, &found);
            CHECK_EQ(found.counts[0], 0);
            vecstore_index_free(opened);
            free(base);
            vecstore_index_free(index);
        }
    }
}

static void rows_that_are_all_the_same_are_all_found(void) {
    enum { n = 200 };
    float base[n][dim];
    for (int i = 0; i < n; i++) for (int d = 0; d < dim; d++) base[i][d] = (float)(d + 1);
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 0; c < coding_count; c++) {
            note("%s, %s", metric_name(metric), codings[c].name);
            vecstore_index_options options = options_of(&codings[c], metric, 2);
            vecstore_index *index = create_index(&options);
            REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, NULL, NULL));
            uint64_t ids[n], count;
            float distances[n];
            vecstore_search_options all = with_nprobe(all_lists);
            CHECK_OK(vecstore_index_search(index, base, F32, 1, n, &all, ids, distances, &count));
            CHECK_EQ(count, n);
            CHECK_OK(vecstore_index_verify(index));
            vecstore_index_free(index);
        }
    }
}

/* ---- training ---- */

static void an_index_is_trained_before_it_has_rows(void) {
    float *sample = clustered_vectors(dim, 2000, 5), *base = clustered_vectors(dim, rows, 2);
    for (int c = 0; c < coding_count; c++) {
        note("%s", codings[c].name);
        vecstore_index_options options = options_of(&codings[c], L2SQ, 1);
        options.nlist = 40;
        vecstore_index *index = create_index(&options);
        CHECK_OK(vecstore_index_train(index, sample, F32, 2000, NULL));
        CHECK_EQ(stats_of(index).trained_count, 2000);
        /* Again, as long as there are no rows. */
        CHECK_OK(vecstore_index_train(index, sample, F32, 1000, NULL));
        CHECK_EQ(stats_of(index).trained_count, 1000);
        CHECK_EQ(stats_of(index).nlist, 40);
        CHECK_EQ(count_of(index), 0);
        REQUIRE_OK(vecstore_index_add(index, base, F32, rows, NULL, NULL, NULL));
        CHECK_EQ(stats_of(index).trained_count, 1000);
        CHECK_ERROR(UNSUPPORTED, vecstore_index_train(index, sample, F32, 2000, NULL));
        CHECK(strstr(vecstore_last_error(), "3000 rows"));
        CHECK_EQ(stats_of(index).trained_count, 1000);
        CHECK_OK(vecstore_index_verify(index));
        /* Rows that are gone are no rows. */
        uint64_t *ids = malloc(rows * sizeof *ids);
        for (uint64_t i = 0; i < rows; i++) ids[i] = i;
        CHECK_OK(vecstore_index_remove(index, ids, rows, NULL));
        CHECK_OK(vecstore_index_train(index, sample, F32, 2000, NULL));
        uint64_t id;
        CHECK_OK(vecstore_index_add(index, base, F32, 1, NULL, NULL, &id));
        CHECK_EQ(id, rows);
        CHECK_OK(vecstore_index_verify(index));
        free(ids);
        vecstore_index_free(index);
    }
    free(sample);
    free(base);
}

static void the_first_rows_train_an_index_that_was_not(void) {
    float *base = clustered_vectors(dim, rows, 2);
    vecstore_index_options options = options_of(&codings[4], COSINE, 1);
    vecstore_index *index = create_index(&options);
    REQUIRE_OK(vecstore_index_add(index, base, F32, 1000, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).trained_count, 1000);
    CHECK_EQ(stats_of(index).nlist, 16);
    /* There should be four times the lists now: it is trained again. */
    REQUIRE_OK(vecstore_index_add(index, base + 1000 * dim, F32, rows - 1000, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).trained_count, rows);
    CHECK_EQ(stats_of(index).nlist, 64);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
    /* Not where a number of lists was asked for. */
    options.nlist = 16;
    index = create_index(&options);
    REQUIRE_OK(vecstore_index_add(index, base, F32, 1000, NULL, NULL, NULL));
    REQUIRE_OK(vecstore_index_add(index, base + 1000 * dim, F32, rows - 1000, NULL, NULL, NULL));
    CHECK_EQ(stats_of(index).trained_count, 1000);
    vecstore_index_free(index);
    free(base);
}

static void what_cannot_be_trained_on_is_refused(void) {
    float *base = clustered_vectors(dim, 100, 2);
    vecstore_index_options options = options_of(&codings[0], IP, 1);
    options.nlist = 50;
    vecstore_index *index = create_index(&options);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, base, F32, 49, NULL));
    CHECK(strstr(vecstore_last_error(), "nlist is 50, but there are 49 rows"));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, base, F32, 49, NULL, NULL, NULL));
    CHECK(strstr(vecstore_last_error(), "nlist is 50, but there are 49 rows"));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, base, F32, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, NULL, F32, 0, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_index_train(index, base, I8, 50, NULL));
    vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
    work.threads = 1025;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, base, F32, 100, &work));
    float kept = base[70];
    base[70] = NAN;
    CHECK_ERROR(NOT_FINITE, vecstore_index_train(index, base, F32, 100, NULL));
    base[70] = INFINITY;
    CHECK_ERROR(NOT_FINITE, vecstore_index_train(index, base, F32, 100, NULL));
    base[70] = 1e19f;
    CHECK_ERROR(TOO_LARGE, vecstore_index_train(index, base, F32, 100, NULL));
    base[70] = kept;
    CHECK_EQ(stats_of(index).trained_count, 0);
    CHECK_EQ(count_of(index), 0);
    /* Directions make the lists: rows of zeros have none. */
    float *zeros = calloc(100 * dim, sizeof *zeros);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, zeros, F32, 100, NULL));
    CHECK(strstr(vecstore_last_error(), "not zero"));
    CHECK_OK(vecstore_index_train(index, base, F32, 50, NULL));
    vecstore_index_free(index);
    /* Each row in two lists takes two. */
    options.nlist = 0, options.assignments = 2;
    index = create_index(&options);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_train(index, base, F32, 77, NULL));
    CHECK(strstr(vecstore_last_error(), "assignments is 2"));
    CHECK_OK(vecstore_index_train(index, base, F32, 78, NULL));
    vecstore_index_free(index);
    options = options_of(&codings[0], COSINE, 1);
    index = create_index(&options);
    CHECK_ERROR(ZERO_VECTOR, vecstore_index_train(index, zeros, F32, 100, NULL));
    vecstore_index_free(index);
    for (int kind = 0; kind < 2; kind++) {
        index = kind ? new_graph(L2SQ, F32, dim) : new_index(L2SQ, F32, dim);
        CHECK_ERROR(UNSUPPORTED, vecstore_index_train(index, base, F32, 100, NULL));
        CHECK(strstr(vecstore_last_error(), "kind 3 (ivf)"));
        vecstore_index_free(index);
    }
    free(zeros);
    free(base);
}

static void one_row_is_enough_for_an_index_that_chooses_its_lists(void) {
    float *base = clustered_vectors(dim, 50, 2);
    for (int c = 0; c < coding_count; c++) {
        for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
            note("%s, %s", metric_name(metric), codings[c].name);
            vecstore_index_options options = options_of(&codings[c], metric, 1);
            vecstore_index *index = create_index(&options);
            for (size_t i = 0; i < 50; i++) REQUIRE_OK(vecstore_index_add(index, base + i * dim, F32, 1, NULL, NULL, NULL));
            uint64_t ids[50], count;
            float distances[50];
            CHECK_OK(vecstore_index_search(index, base, F32, 1, 50, NULL, ids, distances, &count));
            CHECK_EQ(count, 50);
            CHECK_OK(vecstore_index_verify(index));
            vecstore_index_free(index);
        }
    }
    free(base);
}

typedef struct told {
    pthread_t thread;
    uint64_t calls, stop_at, last, total;
    bool is_in_order;
} told;

static bool tell(uint64_t done, uint64_t total, void *payload) {
    told *t = payload;
    if (done > total || !pthread_equal(t->thread, pthread_self())) t->is_in_order = false;
    if (t->calls > 0 && (done < t->last || total != t->total)) t->is_in_order = false;
    t->last = done;
    t->total = total;
    return ++t->calls < t->stop_at;
}

static void training_tells_how_far_it_is_and_can_be_cancelled(void) {
    float *base = clustered_vectors(dim, rows, 2);
    for (int c = 0; c < coding_count; c += 4) {
        for (uint64_t stop = 1; stop <= 4; stop++) {
            note("%s, cancelled at call %u", codings[c].name, (unsigned)stop);
            vecstore_index_options options = options_of(&codings[c], L2SQ, 1);
            vecstore_index *index = create_index(&options);
            told t = { .thread = pthread_self(), .stop_at = stop < 4 ? stop : UINT64_MAX, .is_in_order = true };
            vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
            work.progress = tell;
            work.payload = &t;
            vecstore_status status = vecstore_index_train(index, base, F32, rows, &work);
            CHECK_EQ(status, t.calls >= t.stop_at ? VECSTORE_ERR_CANCELLED : VECSTORE_OK);
            CHECK(t.is_in_order && t.calls > 0);
            if (status == VECSTORE_OK) CHECK(t.last == rows && t.total == rows);
            CHECK_EQ(stats_of(index).trained_count, status == VECSTORE_OK ? rows : 0);
            vecstore_index_free(index);
        }
    }
    free(base);
}

static void adding_tells_how_many_rows_are_done(void) {
    float *base = clustered_vectors(dim, rows, 2);
    vecstore_index_options options = options_of(&codings[4], L2SQ, 1);
    vecstore_index *index = create_index(&options);
    vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
    work.progress = tell;
    for (int trained = 0; trained < 2; trained++) {
        told t = { .thread = pthread_self(), .stop_at = UINT64_MAX, .is_in_order = true };
        work.payload = &t;
        CHECK_OK(vecstore_index_add(index, base, F32, rows, NULL, &work, NULL));
        CHECK(t.is_in_order && t.calls > 0);
        CHECK_EQ(t.last, rows);
        CHECK_EQ(t.total, rows);
    }
    vecstore_index_free(index);
    free(base);
}

static void a_cancelled_add_changes_nothing(void) {
    float *base = clustered_vectors(dim, 2 * rows, 2);
    for (size_t before = 0; before <= rows; before += rows) {
        for (int c = 0; c < coding_count; c += 4) {
            for (uint64_t stop = 1; stop <= 3; stop++) {
                note("%s, %zu rows before, cancelled at call %u", codings[c].name, before, (unsigned)stop);
                vecstore_index_options options = options_of(&codings[c], L2SQ, 2);
                vecstore_index *index = create_index(&options);
                REQUIRE_OK(vecstore_index_add(index, base, F32, before, NULL, NULL, NULL));
                told t = { .thread = pthread_self(), .stop_at = stop, .is_in_order = true };
                vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
                work.progress = tell;
                work.payload = &t;
                vecstore_status status = vecstore_index_add(index, base + before * dim, F32, rows, NULL, &work, NULL);
                CHECK_EQ(status, t.calls >= stop ? VECSTORE_ERR_CANCELLED : VECSTORE_OK);
                CHECK(t.is_in_order);
                if (status == VECSTORE_ERR_CANCELLED) {
                    CHECK_EQ(count_of(index), before);
                    CHECK(!is_there(index, before + 5));
                    CHECK_OK(vecstore_index_verify(index));
                }
                /* It goes on as if nothing had been. */
                uint64_t id;
                CHECK_OK(vecstore_index_add(index, base, F32, 200, NULL, NULL, NULL));
                CHECK_OK(vecstore_index_add(index, base, F32, 1, NULL, NULL, &id));
                CHECK_EQ(id, before + 200 + (status == VECSTORE_OK ? rows : 0));
                CHECK_OK(vecstore_index_verify(index));
                vecstore_index_free(index);
            }
        }
    }
    free(base);
}

/* ---- changes ---- */

static void ids_are_given_or_assigned(void) {
    float *base = clustered_vectors(dim, 100, 2);
    vecstore_index_options options = options_of(&codings[4], L2SQ, 1);
    vecstore_index *index = create_index(&options);
    uint64_t ids[40], given[40];
    for (uint64_t i = 0; i < 40; i++) given[i] = 1000 - 3 * i;
    CHECK_OK(vecstore_index_add(index, base, F32, 40, given, NULL, ids));
    CHECK(memcmp(ids, given, sizeof ids) == 0);
    CHECK_OK(vecstore_index_add(index, base, F32, 2, NULL, NULL, ids));
    CHECK(ids[0] == 1001 && ids[1] == 1002);
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, base, F32, 1, given, NULL, NULL));
    given[0] = 5, given[1] = 5;
    CHECK_ERROR(ALREADY_EXISTS, vecstore_index_add(index, base, F32, 2, given, NULL, NULL));
    given[1] = VECSTORE_ID_NONE;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(index, base, F32, 2, given, NULL, NULL));
    CHECK_EQ(count_of(index), 42);
    CHECK(!is_there(index, 5));
    given[1] = VECSTORE_ID_NONE - 1;
    CHECK_OK(vecstore_index_add(index, base, F32, 2, given, NULL, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_index_add(index, base, F32, 1, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_verify(index));
    free(base);
    vecstore_index_free(index);
}

static void rows_come_back_as_they_were_or_nearly(void) {
    float *base = clustered_vectors(dim, rows, 2);
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 0; c < coding_count; c++) {
            for (uint32_t assignments = 1; assignments <= 2; assignments++) {
                note("%s, %s, %u lists for each row", metric_name(metric), codings[c].name, assignments);
                vecstore_index_options options = options_of(&codings[c], metric, assignments);
                vecstore_index *index = create_index(&options);
                REQUIRE_OK(vecstore_index_add(index, base, F32, rows, NULL, NULL, NULL));
                double error = 0, whole = 0;
                for (uint64_t id = 0; id < rows; id += 7) {
                    float row[dim];
                    const float *expected = base + id * dim;
                    CHECK_OK(vecstore_index_get(index, &id, 1, F32, row));
                    if (codings[c].is_exact) CHECK(memcmp(row, expected, sizeof row) == 0);
                    double norm = 1;
                    if (metric == COSINE && codings[c].rescore == VECSTORE_RESCORE_NONE) {
                        norm = 0;
                        for (int d = 0; d < dim; d++) norm += expected[d] * expected[d];
                        norm = sqrt(norm);
                    }
                    for (int d = 0; d < dim; d++) {
                        error += (row[d] - expected[d] / norm) * (row[d] - expected[d] / norm);
                        whole += expected[d] / norm * (expected[d] / norm);
                    }
                }
                /* Of codes alone most of the squares are left. */
                CHECK(error <= (codings[c].rescore == VECSTORE_RESCORE_NONE ? 0.25 : 1e-4) * whole);
                uint64_t missing[2] = { 5, rows };
                float two[2 * dim];
                CHECK_ERROR(NOT_FOUND, vecstore_index_get(index, missing, 2, F32, two));
                CHECK_ERROR(UNSUPPORTED, vecstore_index_get(index, missing, 1, I8, two));
                vecstore_index_free(index);
            }
        }
    }
    free(base);
}

static void updated_rows_are_where_they_are_now(void) {
    float *base = clustered_vectors(dim, rows, 2), *fresh = clustered_vectors(dim, 200, 9);
    for (int c = 0; c < coding_count; c++) {
        for (uint32_t assignments = 1; assignments <= 2; assignments++) {
            note("%s, %u lists for each row", codings[c].name, assignments);
            vecstore_index_options options = options_of(&codings[c], L2SQ, assignments);
            vecstore_index *index = create_index(&options);
            REQUIRE_OK(vecstore_index_add(index, base, F32, rows, NULL, NULL, NULL));
            uint64_t ids[200];
            for (uint64_t i = 0; i < 200; i++) ids[i] = 13 * i;
            CHECK_OK(vecstore_index_update(index, ids, fresh, F32, 200));
            CHECK_EQ(count_of(index), rows);
            CHECK_OK(vecstore_index_verify(index));
            for (size_t i = 0; i < 200 && codings[c].is_exact; i++) {
                uint64_t id;
                float distance, row[dim];
                CHECK_OK(vecstore_index_search(index, fresh + i * dim, F32, 1, 1, NULL, &id, &distance, NULL));
                CHECK_EQ(id, ids[i]);
                CHECK_FLOAT(distance, 0);
                CHECK_OK(vecstore_index_get(index, ids + i, 1, F32, row));
                CHECK(memcmp(row, fresh + i * dim, sizeof row) == 0);
            }
            ids[7] = ids[8];
            CHECK_ERROR(ALREADY_EXISTS, vecstore_index_update(index, ids, fresh, F32, 200));
            ids[7] = rows;
            CHECK_ERROR(NOT_FOUND, vecstore_index_update(index, ids, fresh, F32, 200));
            CHECK_EQ(stats_of(index).next_id, rows);
            vecstore_index_free(index);
        }
    }
    free(base);
    free(fresh);
}

static void removed_rows_never_come_back(void) {
    static uint64_t gone[rows], ids[rows];
    float *base = clustered_vectors(dim, rows, 2), *queries = clustered_vectors(dim, nq, 3);
    for (int c = 0; c < coding_count; c++) {
        for (uint32_t assignments = 1; assignments <= 2; assignments++) {
            note("%s, %u lists for each row", codings[c].name, assignments);
            vecstore_index_options options = options_of(&codings[c], L2SQ, assignments);
            vecstore_index *index = create_index(&options);
            REQUIRE_OK(vecstore_index_add(index, base, F32, rows, NULL, NULL, NULL));
            size_t n = 0, removed, written;
            for (uint64_t id = 0; id < rows; id++) if (id % 3) gone[n++] = id;
            CHECK_OK(vecstore_index_remove(index, gone, n, &removed));
            CHECK_EQ(removed, n);
            CHECK_OK(vecstore_index_remove(index, gone, n, &removed));
            CHECK_EQ(removed, 0);
            for (int compacted = 0; compacted < 2; compacted++) {
                CHECK_EQ(count_of(index), rows - n);
                CHECK_EQ(stats_of(index).removed_count, compacted ? 0 : n);
                CHECK_OK(vecstore_index_verify(index));
                static results found;
                vecstore_search_options all = with_nprobe(all_lists);
                search(index, queries, &all, &found);
                for (size_t i = 0; i < nq * k; i++) CHECK(found.ids[i] % 3 == 0);
                CHECK_OK(vecstore_index_ids(index, 0, ids, rows, &written));
                CHECK_EQ(written, rows - n);
                static uint8_t seen[rows];
                memset(seen, 0, sizeof seen);
                for (size_t i = 0; i < written; i++) CHECK(ids[i] % 3 == 0 && seen[ids[i]]++ == 0);
                uint64_t part[10];
                CHECK_OK(vecstore_index_ids(index, 500, part, 10, &written));
                CHECK(written == 10 && memcmp(part, ids + 500, sizeof part) == 0);
                CHECK(is_there(index, 3) && !is_there(index, 4));
                CHECK_OK(vecstore_index_compact(index));
            }
            /* The same id once more is a new row. */
            const uint64_t again = 4;
            CHECK_OK(vecstore_index_add(index, base, F32, 1, &again, NULL, NULL));
            CHECK(is_there(index, 4));
            CHECK_OK(vecstore_index_verify(index));
            vecstore_index_free(index);
        }
    }
    free(base);
    free(queries);
}

static void compact_and_optimize_change_no_answer(void) {
    static results before, after;
    for (int c = 0; c < coding_count; c++) {
        note("%s", codings[c].name);
        pair p = pair_of(options_of(&codings[c], COSINE, 2));
        uint64_t gone[500];
        for (uint64_t i = 0; i < 500; i++) gone[i] = 5 * i;
        CHECK_OK(vecstore_index_remove(p.lists, gone, 500, NULL));
        float *queries = clustered_vectors(dim, nq, 3);
        search(p.lists, queries, NULL, &before);
        const uint64_t bytes = stats_of(p.lists).memory_bytes;
        CHECK_OK(vecstore_index_compact(p.lists));
        CHECK(stats_of(p.lists).memory_bytes <= bytes);
        search(p.lists, queries, NULL, &after);
        CHECK(memcmp(&before, &after, sizeof before) == 0);
        CHECK_OK(vecstore_index_optimize(p.lists, NULL));
        search(p.lists, queries, NULL, &after);
        CHECK(memcmp(&before, &after, sizeof before) == 0);
        free(queries);
        free_pair(p);
    }
}

static void an_index_outlives_many_generations_of_rows(void) {
    enum { live = 2500, batch = 500, rounds = 40 };
    float *base = clustered_vectors(dim, rows, 2);
    for (int c = 0; c < coding_count; c += 4) {
        note("%s", codings[c].name);
        vecstore_index_options options = options_of(&codings[c], L2SQ, 2);
        vecstore_index *index = create_index(&options);
        REQUIRE_OK(vecstore_index_add(index, base, F32, live, NULL, NULL, NULL));
        const uint64_t bytes = stats_of(index).memory_bytes;
        for (uint64_t round = 0; round < rounds; round++) {
            uint64_t ids[batch];
            for (uint64_t i = 0; i < batch; i++) ids[i] = round * batch + i;
            CHECK_OK(vecstore_index_add(index, base + round * 50 * dim, F32, batch, NULL, NULL, NULL));
            CHECK_OK(vecstore_index_remove(index, ids, batch, NULL));
            if (round % 10 == 9) CHECK_OK(vecstore_index_verify(index));
        }
        CHECK_EQ(count_of(index), live);
        /* Slots of removed rows return by themselves. */
        CHECK(stats_of(index).memory_bytes < 4 * bytes);
        vecstore_index_free(index);
    }
    free(base);
}

/* ---- filters ---- */

static bool is_allowed(uint64_t id, void *payload) { return id % *(const uint64_t *)payload == 0; }

static void check_filtered(pair p, const vecstore_filter *filter, uint64_t step, bool is_negated, size_t matching) {
    static results found, truth;
    float *queries = clustered_vectors(dim, nq, 3);
    for (int all = 0; all < 2; all++) {
        vecstore_search_options options = with_nprobe(all ? all_lists : 0);
        options.filter = filter;
        search(p.lists, queries, &options, &found);
        for (size_t q = 0; q < nq; q++) {
            /* Where the lists that are near have too few, others are read. */
            CHECK_EQ(found.counts[q], matching < k ? matching : k);
            for (size_t i = 0; i < found.counts[q]; i++) CHECK((found.ids[q * k + i] % step == 0) != is_negated);
        }
        search(p.flat, queries, &options, &truth);
        if (all && matching > 0) CHECK_RECALL(recall(&found, &truth), 0.97);
    }
    free(queries);
}

static void filters_of_every_kind_and_density_hold(void) {
    static const int some[] = { 0, 4, 7 };
    static const uint64_t all_steps[] = { 1, 2, 30, 400, 1500, 100000 };
    for (int c = 0; c < 3; c++) {
        pair p = pair_of(options_of(&codings[some[c]], L2SQ, 1 + (uint32_t)c % 2));
        for (int s = 0; s < 6 && is_passing(); s++) {
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
                    note("%s, step %u, filter %u, negate %u", codings[some[c]].name, (unsigned)step, kind, negate);
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
}

static bool count_calls(uint64_t id, void *payload) {
    ((uint8_t *)payload)[id]++;
    return true;
}

static void a_callback_is_asked_once_for_each_row(void) {
    for (uint32_t assignments = 1; assignments <= 2; assignments++) {
        pair p = pair_of(options_of(&codings[4], L2SQ, assignments));
        static uint8_t calls[rows];
        memset(calls, 0, sizeof calls);
        vecstore_filter filter = VECSTORE_FILTER_INIT;
        filter.kind = VECSTORE_FILTER_CALLBACK;
        filter.callback = count_calls;
        filter.payload = calls;
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.filter = &filter;
        static results found;
        float *queries = clustered_vectors(dim, nq, 3);
        search(p.lists, queries, &options, &found);
        for (size_t i = 0; i < rows; i++) CHECK_EQ(calls[i], 1);
        free(queries);
        free_pair(p);
    }
}

/* ---- ranges ---- */

static void ranges_keep_to_the_radius_and_find_most(void) {
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 0; c < coding_count; c++) {
            if (codings[c].rescore == VECSTORE_RESCORE_NONE) continue;
            for (uint32_t assignments = 1; assignments <= 2; assignments++) {
                note("%s, %s, %u lists for each row", metric_name(metric), codings[c].name, assignments);
                pair p = pair_of(options_of(&codings[c], metric, assignments));
                float *queries = clustered_vectors(dim, nq, 3);
                static results truth;
                search(p.flat, queries, NULL, &truth);
                size_t hits = 0, wanted = 0;
                vecstore_search_options all = with_nprobe(all_lists);
                for (size_t q = 0; q < nq; q++) {
                    float radius = truth.distances[q * k + k - 1];
                    vecstore_range_result *found = NULL, *exact = NULL;
                    REQUIRE_OK(vecstore_index_search_range(p.lists, queries + q * dim, F32, 1, radius, &all, &found));
                    REQUIRE_OK(vecstore_index_search_range(p.flat, queries + q * dim, F32, 1, radius, NULL, &exact));
                    const uint64_t *offsets, *exact_offsets;
                    const float *distances;
                    CHECK_OK(vecstore_range_result_get(found, NULL, &offsets, NULL, &distances));
                    CHECK_OK(vecstore_range_result_get(exact, NULL, &exact_offsets, NULL, NULL));
                    if (codings[c].is_exact) CHECK(offsets[1] <= exact_offsets[1]);
                    hits += offsets[1];
                    wanted += exact_offsets[1];
                    for (uint64_t i = 0; i < offsets[1]; i++) {
                        CHECK(distances[i] <= radius);
                        if (i > 0) CHECK(distances[i - 1] <= distances[i]);
                    }
                    vecstore_range_result_free(found);
                    vecstore_range_result_free(exact);
                }
                /* The last of ten lies at the radius: rounded, it may lie beyond. */
                CHECK_RECALL((double)hits / (double)wanted, codings[c].is_exact ? 0.97 : 0.9);
                if (codings[c].storage <= VECSTORE_STORAGE_F32) CHECK_EQ(hits, wanted);
                free(queries);
                free_pair(p);
            }
        }
    }
}

/* ---- odd numbers ---- */

static void numbers_of_any_size_do_no_harm(void) {
    enum { n = 400 };
    static const float sizes[] = { 1e18f, 1e10f, 1e-10f, 1e-18f, 1e-30f, 1e-42f, 0 };
    float *base = clustered_vectors(16, n, 2), *scaled = malloc(n * 16 * sizeof *scaled);
    for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
        for (int c = 0; c < coding_count; c++) {
            for (int s = 0; s < 14; s++) {
                const float size = sizes[s % 7];
                note("%s, %s, elements of %g, mixed %d", metric_name(metric), codings[c].name, (double)size, s / 7);
                vecstore_index_options options = options_of(&codings[c], metric, 1 + (uint32_t)s % 2);
                options.dim = 16;
                options.nlist = 8;
                vecstore_index *index = create_index(&options);
                /* All of one size, or each second row as it was. */
                for (size_t i = 0; i < n * 16; i++) scaled[i] = base[i] * (s < 7 || i / 16 % 2 ? size / 4 : 1);
                vecstore_status status = vecstore_index_add(index, scaled, F32, n, NULL, NULL, NULL);
                CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_ZERO_VECTOR || status == VECSTORE_ERR_TOO_LARGE ||
                      (status == VECSTORE_ERR_INVALID_ARGUMENT && metric == IP));
                /* Within the limits of the header, all of them are taken. */
                const bool is_half = codings[c].storage == VECSTORE_STORAGE_F16 || codings[c].rescore == VECSTORE_RESCORE_F16;
                if (!(is_half && size > 1e4f) && size >= 1e-10f) CHECK_EQ(status, VECSTORE_OK);
                if (metric == L2SQ && !(is_half && size > 1e4f)) CHECK_EQ(status, VECSTORE_OK);
                vecstore_search_options all = with_nprobe(all_lists);
                for (size_t q = 0; q < 10; q++) {
                    for (int way = 0; way < 4; way++) {
                        uint64_t ids[k], count = 0;
                        float distances[k];
                        all.no_rescore = way & 1;
                        const float *query = (way & 2 ? base : scaled) + q * 16;
                        vecstore_status found = vecstore_index_search(index, query, F32, 1, k, &all, ids, distances, &count);
                        CHECK(found == VECSTORE_OK || (found == VECSTORE_ERR_ZERO_VECTOR && metric == COSINE));
                        for (uint64_t i = 0; i < count; i++) CHECK(!isnan(distances[i]) && ids[i] < n);
                        if (status == VECSTORE_OK && found == VECSTORE_OK && !(way & 1)) CHECK_EQ(count, k);
                        vecstore_range_result *result = NULL;
                        found = vecstore_index_search_range(index, query, F32, 1, 1, &all, &result);
                        CHECK(found == VECSTORE_OK || (found == VECSTORE_ERR_ZERO_VECTOR && metric == COSINE));
                        vecstore_range_result_free(result);
                    }
                }
                if (status == VECSTORE_OK) {
                    float row[16];
                    for (uint64_t id = 0; id < n; id += 37) CHECK_OK(vecstore_index_get(index, &id, 1, F32, row));
                    REQUIRE_OK(vecstore_index_save(index, test_path("odd"), &(vecstore_save_options){ 8, 1 }));
                    vecstore_index *opened = NULL;
                    CHECK_OK(vecstore_index_open(test_path("odd"), NULL, &opened));
                    if (opened) CHECK_OK(vecstore_index_verify(opened));
                    vecstore_index_free(opened);
                    CHECK_OK(vecstore_index_verify(index));
                }
                vecstore_index_free(index);
            }
        }
    }
    free(base);
    free(scaled);
}

static void zero_vectors_under_ip_are_rows_like_others(void) {
    enum { n = 500 };
    float *base = clustered_vectors(dim, n, 2);
    for (size_t i = 0; i < n; i += 5) memset(base + i * dim, 0, dim * sizeof *base);
    for (int c = 0; c < coding_count; c++) {
        note("%s", codings[c].name);
        vecstore_index_options options = options_of(&codings[c], IP, 2);
        vecstore_index *index = create_index(&options);
        REQUIRE_OK(vecstore_index_add(index, base, F32, n, NULL, NULL, NULL));
        CHECK_OK(vecstore_index_verify(index));
        uint64_t ids[n], count;
        float distances[n];
        vecstore_search_options all = with_nprobe(all_lists);
        /* A query of zeros: all rows are as near. */
        for (size_t q = 0; q < 2; q++) {
            CHECK_OK(vecstore_index_search(index, base + q * dim, F32, 1, n, &all, ids, distances, &count));
            CHECK_EQ(count, n);
        }
        vecstore_index_free(index);
    }
    free(base);
}

/* ---- files ---- */

static void save(const vecstore_index *index, const char *path) {
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    REQUIRE_OK(vecstore_index_save(index, path, &options));
}

static void opened_indexes_answer_as_the_saved_one(void) {
    static results before, after;
    float *queries = clustered_vectors(dim, nq, 3), *base = clustered_vectors(dim, rows, 2);
    for (int c = 0; c < coding_count; c++) {
        for (vecstore_metric metric = L2SQ; metric <= COSINE; metric++) {
            const uint32_t assignments = 1 + metric % 2;
            vecstore_index_options options = options_of(&codings[c], metric, assignments);
            options.seed = 7;
            vecstore_index *index = create_index(&options);
            uint64_t *ids = malloc(rows * sizeof *ids);
            for (uint64_t i = 0; i < rows; i++) ids[i] = (i * 7919 + 13) % 100003;
            REQUIRE_OK(vecstore_index_add(index, base, F32, rows, ids, NULL, NULL));
            REQUIRE_OK(vecstore_index_remove(index, ids, 50, NULL));
            save(index, test_path("file"));
            vecstore_index_stats stats = stats_of(index);
            for (size_t o = 0; o < opening_count; o++) {
                note("%s, %s, %s", metric_name(metric), codings[c].name, openings[o].name);
                vecstore_index *opened;
                REQUIRE_OK(vecstore_index_open(test_path("file"), &openings[o].options, &opened));
                vecstore_index_stats theirs = stats_of(opened);
                CHECK_EQ(theirs.kind, VECSTORE_KIND_IVF);
                CHECK_EQ(theirs.count, rows - 50);
                CHECK_EQ(theirs.removed_count, 0);
                CHECK_EQ(theirs.next_id, stats.next_id);
                CHECK_EQ(theirs.storage, stats.storage);
                CHECK_EQ(theirs.exact_dtype, stats.exact_dtype);
                CHECK_EQ(theirs.nlist, stats.nlist);
                CHECK_EQ(theirs.assignments, assignments);
                CHECK_EQ(theirs.trained_count, rows);
                CHECK_EQ(theirs.bytes_per_row, stats.bytes_per_row);
                CHECK_EQ(theirs.longest_list, stats.longest_list);
                CHECK_FLOAT(theirs.imbalance, stats.imbalance);
                CHECK_EQ(theirs.default_nprobe, stats.default_nprobe);
                CHECK_EQ(theirs.read_only, !openings[o].options.load);
                for (int way = 0; way < 3; way++) {
                    vecstore_search_options search_options = with_nprobe(way == 1 ? all_lists : 0);
                    search_options.no_rescore = way == 2;
                    search(index, queries, &search_options, &before);
                    search(opened, queries, &search_options, &after);
                    CHECK(memcmp(&before, &after, sizeof before) == 0);
                }
                float row[dim], other[dim];
                CHECK_OK(vecstore_index_get(index, ids + 100, 1, F32, row));
                CHECK_OK(vecstore_index_get(opened, ids + 100, 1, F32, other));
                CHECK(memcmp(row, other, sizeof row) == 0);
                CHECK_OK(vecstore_index_verify(opened));
                vecstore_index_free(opened);
            }
            free(ids);
            vecstore_index_free(index);
        }
    }
    free(base);
    free(queries);
}

static void a_mapped_index_refuses_writers(void) {
    float *base = clustered_vectors(dim, 500, 2);
    vecstore_index_options options = options_of(&codings[4], L2SQ, 1);
    vecstore_index *index = create_index(&options);
    REQUIRE_OK(vecstore_index_add(index, base, F32, 500, NULL, NULL, NULL));
    save(index, test_path("file"));
    vecstore_index_free(index);
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &index));
    const uint64_t id = 5;
    CHECK(stats_of(index).mapped_bytes > 0);
    CHECK_ERROR(READ_ONLY, vecstore_index_train(index, base, F32, 500, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_add(index, base, F32, 1, NULL, NULL, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_update(index, &id, base, F32, 1));
    CHECK_ERROR(READ_ONLY, vecstore_index_remove(index, &id, 1, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_compact(index));
    CHECK_ERROR(READ_ONLY, vecstore_index_optimize(index, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_reserve(index, 1000));
    CHECK(strstr(vecstore_last_error(), "load"));
    CHECK_EQ(count_of(index), 500);
    vecstore_index_free(index);
    free(base);
}

static void a_loaded_index_goes_on_where_it_was(void) {
    float *base = clustered_vectors(dim, rows, 2);
    for (int c = 0; c < coding_count; c++) {
        note("%s", codings[c].name);
        vecstore_index_options options = options_of(&codings[c], COSINE, 2);
        vecstore_index *index = create_index(&options);
        REQUIRE_OK(vecstore_index_add(index, base, F32, 2000, NULL, NULL, NULL));
        save(index, test_path("file"));
        vecstore_index_free(index);
        vecstore_open_options load = VECSTORE_OPEN_OPTIONS_INIT;
        load.load = 1;
        REQUIRE_OK(vecstore_index_open(test_path("file"), &load, &index));
        uint64_t ids[500];
        CHECK_OK(vecstore_index_add(index, base + 2000 * dim, F32, 500, NULL, NULL, ids));
        CHECK_EQ(ids[0], 2000);
        CHECK_OK(vecstore_index_update(index, ids, base, F32, 100));
        CHECK_OK(vecstore_index_remove(index, ids + 100, 300, NULL));
        CHECK_ERROR(UNSUPPORTED, vecstore_index_train(index, base, F32, 500, NULL));
        CHECK_OK(vecstore_index_verify(index));
        save(index, test_path("again"));
        vecstore_index *again;
        REQUIRE_OK(vecstore_index_open(test_path("again"), NULL, &again));
        CHECK_OK(vecstore_index_verify(again));
        CHECK_EQ(count_of(again), 2200);
        vecstore_index_free(again);
        vecstore_index_free(index);
    }
    free(base);
}

/* ---- calibration ---- */

static void calibration_finds_the_lists_that_reach_the_recall(void) {
    vecstore_index_options options = lists_options(L2SQ, F32, dim);
    options.nlist = 60;
    options.storage = VECSTORE_STORAGE_PQ;
    pair p = pair_of(options);
    float *queries = clustered_vectors(dim, nq, 3);
    vecstore_calibrate_options calibrate = VECSTORE_CALIBRATE_OPTIONS_INIT;
    uint32_t last = 1;
    static const float recalls[] = { 0.5f, 0.9f, 0.97f };
    for (int i = 0; i < 3; i++) {
        calibrate.recall = recalls[i];
        vecstore_calibration found = VECSTORE_CALIBRATION_INIT;
        CHECK_OK(vecstore_index_calibrate(p.lists, queries, F32, nq, &calibrate, &found));
        CHECK_EQ(found.k, 10);
        CHECK_EQ(found.ef_search, 0);
        CHECK_EQ(found.uses_own_rows, 0);
        CHECK_FLOAT(found.target_recall, recalls[i]);
        CHECK(found.recall >= recalls[i] && found.nprobe >= last && found.nprobe <= 60);
        last = found.nprobe;
        vecstore_index_stats stats = stats_of(p.lists);
        CHECK_EQ(stats.calibrated_k, 10);
        CHECK_EQ(stats.calibrated_nprobe, last);
        CHECK_EQ(stats.calibrated_ef_search, 0);
        CHECK_FLOAT(stats.calibrated_recall, found.recall);
        CHECK_FLOAT(stats.calibrated_target, recalls[i]);
        vecstore_search_options target = VECSTORE_SEARCH_OPTIONS_INIT;
        target.target_recall = recalls[i];
        CHECK(recall_of(p, &target) >= recalls[i] - 0.01);
    }
    CHECK_OK(vecstore_index_calibrate(p.lists, NULL, F32, 0, NULL, NULL));
    CHECK_EQ(stats_of(p.lists).calibrated_by_own_rows, 1);
    CHECK_OK(vecstore_index_optimize(p.lists, NULL));
    CHECK_EQ(stats_of(p.lists).calibrated_k, 0);
    free(queries);
    free_pair(p);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(each_metric_and_storage_finds_nearly_all),
        TEST(smaller_types_are_found_too),
        TEST(more_lists_find_more),
        TEST(without_nprobe_one_list_of_sixteen_is_read),
        TEST(a_second_list_saves_reading_lists),
        TEST(no_row_is_found_twice),
        TEST(distances_are_those_of_the_rows),
        TEST(distances_without_finer_rows_are_near_the_true_ones),
        TEST(oversampling_of_any_size_works),
        TEST(as_many_results_come_as_there_are),
        TEST(the_largest_k_works),
        TEST(threads_change_nothing),
        TEST(an_index_without_rows_has_no_results),
        TEST(rows_that_are_all_the_same_are_all_found),
        TEST(an_index_is_trained_before_it_has_rows),
        TEST(the_first_rows_train_an_index_that_was_not),
        TEST(what_cannot_be_trained_on_is_refused),
        TEST(one_row_is_enough_for_an_index_that_chooses_its_lists),
        TEST(training_tells_how_far_it_is_and_can_be_cancelled),
        TEST(adding_tells_how_many_rows_are_done),
        TEST(a_cancelled_add_changes_nothing),
        TEST(ids_are_given_or_assigned),
        TEST(rows_come_back_as_they_were_or_nearly),
        TEST(updated_rows_are_where_they_are_now),
        TEST(removed_rows_never_come_back),
        TEST(compact_and_optimize_change_no_answer),
        TEST(an_index_outlives_many_generations_of_rows),
        TEST(filters_of_every_kind_and_density_hold),
        TEST(a_callback_is_asked_once_for_each_row),
        TEST(ranges_keep_to_the_radius_and_find_most),
        TEST(numbers_of_any_size_do_no_harm),
        TEST(zero_vectors_under_ip_are_rows_like_others),
        TEST(opened_indexes_answer_as_the_saved_one),
        TEST(a_mapped_index_refuses_writers),
        TEST(a_loaded_index_goes_on_where_it_was),
        TEST(calibration_finds_the_lists_that_reach_the_recall),
    };
    return RUN_TESTS(tests);
}
