/*
 * A graph with many threads at it: adders beside each other, beside writers that work alone, beside readers of every kind.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows below `kept` stay as they are. Each adder has ids of its own above them. */
enum { dim = 100, kept = 1000, batch = 100, batches = 25, adders = 3, k = 20 };

static vecstore_index *shared;
static float *base;
/* Adders that are not done. */
static atomic_int adding;

static const float *row_of(uint64_t id) { return base + id % (4 * kept) * dim; }

static uint64_t id_of_adder(uintptr_t adder, uint64_t i) { return kept + 1000000 * adder + i; }

static void run_threads(void *(*const bodies[])(void *number), size_t count) {
    pthread_t threads[32];
    for (size_t i = 0; i < count; i++) REQUIRE(pthread_create(&threads[i], NULL, bodies[i], (void *)(i + 1)) == 0);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/* ---- writers ---- */

static bool never_stop(uint64_t done, uint64_t total, void *payload) {
    (void)payload;
    return done <= total;
}

static bool stop(uint64_t done, uint64_t total, void *payload) {
    (void)done, (void)total, (void)payload;
    return false;
}

/* Adds batches; takes each second row of the batch before out again, and moves the others. The last batch stays whole. */
static void *add(void *number) {
    uintptr_t adder = (uintptr_t)number;
    uint64_t ids[batch], before[batch / 2];
    float *rows = malloc(batch * dim * sizeof *rows);
    for (uint64_t b = 0; b < batches; b++) {
        for (uint64_t i = 0; i < batch; i++) {
            ids[i] = id_of_adder(adder, b * batch + i);
            memcpy(rows + i * dim, row_of(ids[i]), dim * sizeof *rows);
        }
        vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
        options.threads = (uint32_t)(b % 3);
        options.progress = stop;
        if (b % 5 == 3) CHECK_ERROR(CANCELLED, vecstore_index_add(shared, rows, F32, batch, ids, &options, NULL));
        options.progress = b % 2 ? never_stop : NULL;
        CHECK_OK(vecstore_index_add(shared, rows, F32, batch, ids, &options, NULL));
        if (b == 0) continue;
        for (uint64_t i = 0; i < batch / 2; i++) before[i] = id_of_adder(adder, (b - 1) * batch + 2 * i);
        size_t removed;
        CHECK_OK(vecstore_index_remove(shared, before, batch / 2, &removed));
        CHECK_EQ(removed, batch / 2);
        for (uint64_t i = 0; i < batch / 2; i++) before[i]++;
        CHECK_OK(vecstore_index_update(shared, before, row_of(0), F32, batch / 2));
    }
    free(rows);
    atomic_fetch_sub(&adding, 1);
    return NULL;
}

static void *reshape(void *number) {
    (void)number;
    for (uint64_t round = 0; atomic_load(&adding) > 0; round++) {
        if (round % 3 == 0) CHECK_OK(vecstore_index_compact(shared));
        if (round % 3 == 1) CHECK_OK(vecstore_index_optimize(shared, NULL));
        if (round % 3 == 2) CHECK_OK(vecstore_index_reserve(shared, 1000 * (round % 20)));
    }
    return NULL;
}

/* ---- readers ---- */

static bool is_kept(uint64_t id, void *payload) {
    (void)payload;
    return id < kept;
}

static void *search(void *number) {
    uint64_t state = (uintptr_t)number, ids[2 * k], counts[2];
    float distances[2 * k];
    for (uint64_t round = 0; atomic_load(&adding) > 0; round++) {
        const float *queries = base + random_below(&state, 3 * kept) * dim;
        vecstore_filter filter = VECSTORE_FILTER_INIT;
        filter.kind = VECSTORE_FILTER_CALLBACK;
        filter.callback = is_kept;
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.threads = (uint32_t)random_below(&state, 4);
        options.filter = round % 3 == 0 ? &filter : NULL;
        CHECK_OK(vecstore_index_search(shared, queries, F32, 2, k, &options, ids, distances, counts));
        for (size_t q = 0; q < 2; q++) {
            /* The rows that stay are enough for k results, whatever comes and goes. */
            CHECK_EQ(counts[q], k);
            for (size_t i = 0; i < counts[q]; i++) {
                const uint64_t id = ids[q * k + i];
                if (i > 0) CHECK(distances[q * k + i - 1] <= distances[q * k + i]);
                for (size_t j = 0; j < i; j++) CHECK(ids[q * k + j] != id);
                if (options.filter) CHECK(id < kept);
                if (id >= kept) continue;
                float expected;
                CHECK_OK(vecstore_distance(queries + q * dim, row_of(id), dim, L2SQ, F32, &expected));
                CHECK_FLOAT(distances[q * k + i], expected);
            }
        }
    }
    return NULL;
}

static void *search_range(void *number) {
    uint64_t state = (uintptr_t)number;
    while (atomic_load(&adding) > 0) {
        const float *query = row_of(random_below(&state, kept));
        vecstore_range_result *result = NULL;
        REQUIRE_OK(vecstore_index_search_range(shared, query, F32, 1, 100, NULL, &result));
        const uint64_t *offsets;
        const float *distances;
        CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, NULL, &distances));
        for (uint64_t i = 0; i < offsets[1]; i++) CHECK(distances[i] <= 100);
        vecstore_range_result_free(result);
    }
    return NULL;
}

static void *get(void *number) {
    uint64_t state = (uintptr_t)number;
    float row[dim];
    while (atomic_load(&adding) > 0) {
        uint64_t id = random_below(&state, kept), gone = id_of_adder(1, random_below(&state, batch * batches));
        uint8_t found;
        CHECK_OK(vecstore_index_contains(shared, &id, 1, &found));
        CHECK_EQ(found, 1);
        CHECK_OK(vecstore_index_get(shared, &id, 1, F32, row));
        CHECK(memcmp(row, row_of(id), sizeof row) == 0);
        vecstore_status status = vecstore_index_get(shared, &gone, 1, F32, row);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_NOT_FOUND);
    }
    return NULL;
}

static void *list(void *number) {
    (void)number;
    enum { most = kept + adders * batch * batches };
    uint64_t *ids = malloc(most * sizeof *ids);
    while (atomic_load(&adding) > 0) {
        size_t written;
        CHECK_OK(vecstore_index_ids(shared, 0, ids, most, &written));
        CHECK(written >= kept);
        CHECK(stats_of(shared).count >= kept);
    }
    free(ids);
    return NULL;
}

static void *save_and_verify(void *number) {
    (void)number;
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    while (atomic_load(&adding) > 0) {
        CHECK_OK(vecstore_index_save(shared, test_path("file"), &options));
        vecstore_index *mapped = NULL;
        REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &mapped));
        CHECK_OK(vecstore_index_verify(mapped));
        uint64_t ids[2] = { 0, kept - 1 };
        uint8_t found[2];
        CHECK_OK(vecstore_index_contains(mapped, ids, 2, found));
        CHECK(found[0] == 1 && found[1] == 1);
        vecstore_index_free(mapped);
        CHECK_OK(vecstore_index_verify(shared));
    }
    return NULL;
}

static void *calibrate(void *number) {
    (void)number;
    vecstore_calibrate_options options = VECSTORE_CALIBRATE_OPTIONS_INIT;
    options.recall = 0.5f;
    while (atomic_load(&adding) > 0) {
        vecstore_calibration found = VECSTORE_CALIBRATION_INIT;
        CHECK_OK(vecstore_index_calibrate(shared, base, F32, 20, &options, &found));
        CHECK_EQ(found.k, 10);
    }
    return NULL;
}

/* ---- tests ---- */

static void make_shared(vecstore_storage storage) {
    base = clustered_vectors(dim, 4 * kept, 2);
    vecstore_index_options options = graph_options(L2SQ, F32, dim);
    options.storage = storage;
    options.m = 8;
    options.ef_construction = 40;
    shared = create_index(&options);
    uint64_t ids[kept];
    for (uint64_t i = 0; i < kept; i++) ids[i] = i;
    REQUIRE_OK(vecstore_index_add(shared, base, F32, kept, ids, NULL, NULL));
}

static void check_end(void) {
    /* Half of each batch but the last is left, and the last. */
    const uint64_t count = kept + adders * ((batches - 1) * batch / 2 + batch);
    CHECK_EQ(count_of(shared), count);
    CHECK_OK(vecstore_index_verify(shared));
    float row[dim];
    for (uint64_t id = 0; id < kept; id++) {
        CHECK_OK(vecstore_index_get(shared, &id, 1, F32, row));
        CHECK(memcmp(row, row_of(id), sizeof row) == 0);
    }
    vecstore_index_free(shared);
    free(base);
}

static void everything_runs_beside_everything(void) {
    static void *(*const bodies[])(void *) = {
        add, add, add, search, search, search_range, get, list, save_and_verify, reshape, calibrate,
    };
    /* Training comes in the middle of it: at 2,048 rows. */
    static const vecstore_storage storages[] = { VECSTORE_STORAGE_AUTO, VECSTORE_STORAGE_F16, VECSTORE_STORAGE_INT8,
                                                 VECSTORE_STORAGE_INT4 };
    for (int i = 0; i < 4; i++) {
        note("storage %u", storages[i]);
        make_shared(storages[i]);
        atomic_store(&adding, adders);
        run_threads(bodies, sizeof bodies / sizeof *bodies);
        check_end();
    }
}

static void adders_run_beside_each_other(void) {
    static void *(*const bodies[])(void *) = { add, add, add };
    make_shared(VECSTORE_STORAGE_AUTO);
    atomic_store(&adding, adders);
    run_threads(bodies, 3);
    check_end();
}

static void *add_the_same(void *number) {
    (void)number;
    for (uint64_t id = kept; id < kept + 300; id++) {
        vecstore_status status = vecstore_index_add(shared, row_of(id), F32, 1, &id, NULL, NULL);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_ALREADY_EXISTS);
    }
    return NULL;
}

static void one_of_several_adders_of_an_id_wins(void) {
    static void *(*const bodies[])(void *) = { add_the_same, add_the_same, add_the_same, add_the_same };
    make_shared(VECSTORE_STORAGE_AUTO);
    run_threads(bodies, 4);
    CHECK_EQ(count_of(shared), kept + 300);
    CHECK_OK(vecstore_index_verify(shared));
    vecstore_index_free(shared);
    free(base);
}

static atomic_uint_fast64_t largest;

static void *add_assigned(void *number) {
    (void)number;
    uint64_t ids[7];
    for (int i = 0; i < 60; i++) {
        CHECK_OK(vecstore_index_add(shared, base, F32, 7, NULL, NULL, ids));
        /* The ids of one call follow each other. */
        for (int j = 1; j < 7; j++) CHECK_EQ(ids[j], ids[0] + (uint64_t)j);
        uint64_t before = atomic_load(&largest);
        while (before < ids[6] && !atomic_compare_exchange_weak(&largest, &before, ids[6])) {}
    }
    return NULL;
}

static void assigned_ids_are_all_different(void) {
    static void *(*const bodies[])(void *) = { add_assigned, add_assigned, add_assigned };
    make_shared(VECSTORE_STORAGE_AUTO);
    run_threads(bodies, 3);
    CHECK_EQ(count_of(shared), kept + 3 * 60 * 7);
    CHECK_EQ(atomic_load(&largest), kept + 3 * 60 * 7 - 1);
    CHECK_OK(vecstore_index_verify(shared));
    vecstore_index_free(shared);
    free(base);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(everything_runs_beside_everything),
        TEST(adders_run_beside_each_other),
        TEST(one_of_several_adders_of_an_id_wins),
        TEST(assigned_ids_are_all_different),
    };
    return RUN_TESTS(tests);
}
