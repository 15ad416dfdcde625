/*
 * An inverted file with many threads at it: writers beside each other, beside readers of every kind, who see whole batches.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Rows below `kept` stay as they are. Each writer has batches of its own above them, one of which is there at a time. */
enum { dim = 32, kept = 1500, batch = 60, batches = 30, writers = 3, most = kept + writers * 2 * batch, k = 20 };

static vecstore_index *shared;
static float *base;
static bool is_exact;
/* Writers that are not done. */
static atomic_int writing;

static const float *row_of(uint64_t id) { return base + id % kept * dim; }

static uint64_t id_of(uintptr_t writer, uint64_t b, uint64_t i) { return 1000000 * writer + b * batch + i; }

/* ---- writers ---- */

static bool stop(uint64_t done, uint64_t total, void *payload) {
    (void)done, (void)total, (void)payload;
    return false;
}

/* Adds a batch, moves all of it, and takes the one before out. */
static void *write_batches(void *number) {
    uintptr_t writer = (uintptr_t)number;
    uint64_t ids[batch], before[batch];
    for (uint64_t b = 0; b < batches; b++) {
        for (uint64_t i = 0; i < batch; i++) ids[i] = id_of(writer, b, i);
        vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
        options.threads = (uint32_t)(b % 3);
        options.progress = stop;
        if (b % 5 == 3) CHECK_ERROR(CANCELLED, vecstore_index_add(shared, row_of(b), F32, batch, ids, &options, NULL));
        options.progress = NULL;
        CHECK_OK(vecstore_index_add(shared, row_of(b), F32, batch, ids, &options, NULL));
        CHECK_OK(vecstore_index_update(shared, ids, row_of(100 + b), F32, batch));
        size_t removed = batch;
        if (b > 0) CHECK_OK(vecstore_index_remove(shared, before, batch, &removed));
        CHECK_EQ(removed, batch);
        memcpy(before, ids, sizeof before);
    }
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

static void *reshape(void *number) {
    (void)number;
    for (uint64_t round = 0; atomic_load(&writing) > 0; round++) {
        if (round % 3 == 0) CHECK_OK(vecstore_index_compact(shared));
        if (round % 3 == 1) CHECK_OK(vecstore_index_optimize(shared, NULL));
        if (round % 3 == 2) CHECK_OK(vecstore_index_reserve(shared, 1000 * (round % 20)));
        CHECK_ERROR(UNSUPPORTED, vecstore_index_train(shared, base, F32, kept, NULL));
    }
    return NULL;
}

/* ---- readers ---- */

/* Checks that rows that stay are all there, once, and of each batch all rows or none. */
static void check_whole(const uint64_t *ids, uint64_t count) {
    static _Thread_local uint8_t seen[kept];
    static _Thread_local uint8_t in_batch[writers + 1][batches];
    memset(seen, 0, sizeof seen);
    memset(in_batch, 0, sizeof in_batch);
    for (uint64_t i = 0; i < count; i++) {
        if (ids[i] < kept) seen[ids[i]]++;
        else in_batch[ids[i] / 1000000][ids[i] % 1000000 / batch]++;
    }
    for (size_t i = 0; i < kept; i++) CHECK_EQ(seen[i], 1);
    for (int w = 1; w <= writers; w++) {
        for (int b = 0; b < batches; b++) CHECK(in_batch[w][b] == 0 || in_batch[w][b] == batch);
    }
}

static void *search_all(void *number) {
    uint64_t state = (uintptr_t)number, count;
    uint64_t *ids = malloc(most * sizeof *ids);
    float *distances = malloc(most * sizeof *distances);
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.nprobe = 1000;
    while (atomic_load(&writing) > 0) {
        const float *query = row_of(random_below(&state, kept));
        CHECK_OK(vecstore_index_search(shared, query, F32, 1, most, &options, ids, distances, &count));
        check_whole(ids, count);
    }
    free(ids);
    free(distances);
    return NULL;
}

static void *search_range(void *number) {
    uint64_t state = (uintptr_t)number;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.nprobe = 1000;
    while (atomic_load(&writing) > 0) {
        vecstore_range_result *result = NULL;
        const float *query = row_of(random_below(&state, kept));
        REQUIRE_OK(vecstore_index_search_range(shared, query, F32, 1, INFINITY, &options, &result));
        const uint64_t *offsets, *ids;
        CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, &ids, NULL));
        check_whole(ids, offsets[1]);
        vecstore_range_result_free(result);
    }
    return NULL;
}

static bool is_kept(uint64_t id, void *payload) {
    (void)payload;
    return id < kept;
}

static void *search(void *number) {
    uint64_t state = (uintptr_t)number, ids[3 * k], counts[3];
    float distances[3 * k];
    for (uint64_t round = 0; atomic_load(&writing) > 0; round++) {
        const float *queries = row_of(random_below(&state, kept - 3));
        vecstore_filter filter = VECSTORE_FILTER_INIT;
        filter.kind = VECSTORE_FILTER_CALLBACK;
        filter.callback = is_kept;
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.threads = (uint32_t)random_below(&state, 4);
        options.filter = round % 3 == 0 ? &filter : NULL;
        CHECK_OK(vecstore_index_search(shared, queries, F32, 3, k, &options, ids, distances, counts));
        for (size_t q = 0; q < 3; q++) {
            CHECK_EQ(counts[q], k);
            for (size_t i = 0; i < counts[q]; i++) {
                const uint64_t id = ids[q * k + i];
                if (i > 0) CHECK(distances[q * k + i - 1] <= distances[q * k + i]);
                for (size_t j = 0; j < i; j++) CHECK(ids[q * k + j] != id);
                if (options.filter) CHECK(id < kept);
                if (id >= kept || !is_exact) continue;
                float expected;
                CHECK_OK(vecstore_distance(queries + q * dim, row_of(id), dim, L2SQ, F32, &expected));
                CHECK_FLOAT(distances[q * k + i], expected);
            }
        }
    }
    return NULL;
}

static void *get(void *number) {
    uint64_t state = (uintptr_t)number;
    float row[dim];
    while (atomic_load(&writing) > 0) {
        uint64_t id = random_below(&state, kept), gone = id_of(1, random_below(&state, batches), random_below(&state, batch));
        CHECK(is_there(shared, id));
        CHECK_OK(vecstore_index_get(shared, &id, 1, F32, row));
        if (is_exact) CHECK(memcmp(row, row_of(id), sizeof row) == 0);
        vecstore_status status = vecstore_index_get(shared, &gone, 1, F32, row);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_NOT_FOUND);
    }
    return NULL;
}

static void *list(void *number) {
    (void)number;
    uint64_t *ids = malloc(most * sizeof *ids);
    while (atomic_load(&writing) > 0) {
        size_t written;
        CHECK_OK(vecstore_index_ids(shared, 0, ids, most, &written));
        check_whole(ids, written);
        const vecstore_index_stats stats = stats_of(shared);
        CHECK(stats.count >= kept && stats.count % batch == kept % batch);
        CHECK(stats.longest_list > 0 && stats.imbalance >= 1);
    }
    free(ids);
    return NULL;
}

static void *save_and_verify(void *number) {
    (void)number;
    uint64_t *ids = malloc(most * sizeof *ids);
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    while (atomic_load(&writing) > 0) {
        CHECK_OK(vecstore_index_save(shared, test_path("file"), &options));
        vecstore_index *mapped = NULL;
        REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &mapped));
        CHECK_OK(vecstore_index_verify(mapped));
        size_t written;
        CHECK_OK(vecstore_index_ids(mapped, 0, ids, most, &written));
        check_whole(ids, written);
        vecstore_index_free(mapped);
        CHECK_OK(vecstore_index_verify(shared));
    }
    free(ids);
    return NULL;
}

/* ---- tests ---- */

static void run_all(vecstore_storage storage, vecstore_rescore rescore, uint32_t assignments) {
    static void *(*const bodies[])(void *) = {
        write_batches, write_batches, write_batches, search, search, search_all, search_range, get, list, save_and_verify,
        reshape,
    };
    enum { count = sizeof bodies / sizeof *bodies };
    base = clustered_vectors(dim, kept + 2 * batch + 200, 2);
    is_exact = rescore != VECSTORE_RESCORE_NONE;
    vecstore_index_options options = lists_options(L2SQ, F32, dim);
    options.storage = storage;
    options.rescore = rescore;
    options.assignments = assignments;
    shared = create_index(&options);
    uint64_t ids[kept];
    for (uint64_t i = 0; i < kept; i++) ids[i] = i;
    REQUIRE_OK(vecstore_index_add(shared, base, F32, kept, ids, NULL, NULL));
    atomic_store(&writing, writers);
    pthread_t threads[count];
    for (size_t i = 0; i < count; i++) REQUIRE(pthread_create(&threads[i], NULL, bodies[i], (void *)(i + 1)) == 0);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
    CHECK_EQ(count_of(shared), kept + writers * batch);
    CHECK_OK(vecstore_index_verify(shared));
    float row[dim];
    for (uint64_t id = 0; id < kept && is_exact; id++) {
        CHECK_OK(vecstore_index_get(shared, &id, 1, F32, row));
        CHECK(memcmp(row, row_of(id), sizeof row) == 0);
    }
    vecstore_index_free(shared);
    free(base);
}

static void everything_runs_beside_everything_with_rows(void) {
    run_all(VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT, 1);
    run_all(VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT, 2);
}

static void everything_runs_beside_everything_with_codes(void) {
    run_all(VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_DEFAULT, 1);
    run_all(VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, 2);
}

static void *train_and_add(void *number) {
    for (uint64_t i = 0; i < 20; i++) {
        vecstore_status status = vecstore_index_train(shared, base, F32, 500, NULL);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_UNSUPPORTED);
        const uint64_t id = 100 * (uintptr_t)number + i;
        CHECK_OK(vecstore_index_add(shared, base, F32, 1, &id, NULL, NULL));
    }
    return NULL;
}

static void training_waits_for_writers(void) {
    base = clustered_vectors(dim, 500, 2);
    vecstore_index_options options = lists_options(L2SQ, F32, dim);
    options.storage = VECSTORE_STORAGE_BINARY;
    shared = create_index(&options);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) REQUIRE(pthread_create(&threads[i], NULL, train_and_add, (void *)(i + 1)) == 0);
    for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    CHECK_EQ(count_of(shared), 80);
    CHECK_EQ(stats_of(shared).trained_count, 500);
    CHECK_OK(vecstore_index_verify(shared));
    vecstore_index_free(shared);
    free(base);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(everything_runs_beside_everything_with_rows),
        TEST(everything_runs_beside_everything_with_codes),
        TEST(training_waits_for_writers),
    };
    return RUN_TESTS(tests);
}
