/*
 * Many threads at once: every line of the header's table of threads, beside every other. Writers do a number of
 * changes; everything else goes on until they have.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Rows come and go in pairs: the ids 2p and 2p + 1 are added, updated and removed by one call, with the same version.
 * So a reader that sees one of a pair, or two versions, has seen an index in the middle of a change.
 */
enum { dim = 40, pairs = 600, most_ids = 2 * pairs };

static vecstore_index *shared;
/* Threads that have changes left to do. */
static atomic_int writing;

/* Runs all of these threads at once, each with its own number, and waits for them. */
static void run_threads(void *(*const bodies[])(void *number), size_t count) {
    pthread_t threads[32];
    for (size_t i = 0; i < count; i++) REQUIRE(pthread_create(&threads[i], NULL, bodies[i], (void *)(i + 1)) == 0);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static void fill_row(float *row, uint64_t id, uint64_t version) {
    for (uint64_t d = 0; d < dim; d++) row[d] = (float)((id * 31 + version * 17 + d * 7) % 1000);
    row[0] = (float)id;
    row[1] = (float)version;
}

static void fill_pair(float *rows, uint64_t ids[2], uint64_t pair, uint64_t version) {
    for (uint64_t i = 0; i < 2; i++) {
        ids[i] = 2 * pair + i;
        fill_row(rows + dim * i, ids[i], version);
    }
}

static void check_row(const float *row, uint64_t id) {
    float expected[dim];
    fill_row(expected, id, (uint64_t)row[1]);
    CHECK(memcmp(row, expected, sizeof expected) == 0);
}

/* Each id at most once, and never one of a pair without the other. */
static void check_pairs(const uint64_t *ids, uint64_t count) {
    uint8_t seen[most_ids] = { 0 };
    CHECK(count <= most_ids && count % 2 == 0);
    for (uint64_t i = 0; i < count && i < most_ids; i++) {
        if (!CHECK(ids[i] < most_ids)) return;
        CHECK(!seen[ids[i]]);
        seen[ids[i]] = 1;
    }
    for (size_t id = 0; id < most_ids; id += 2) CHECK_EQ(seen[id], seen[id + 1]);
}

/* ---- readers ---- */

static void *search(void *number) {
    uint64_t state = (uintptr_t)number;
    uint64_t *ids = malloc(2 * most_ids * sizeof *ids), counts[2];
    float *distances = malloc(2 * most_ids * sizeof *distances), queries[2 * dim];
    while (atomic_load(&writing) > 0) {
        fill_row(queries, random_below(&state, most_ids), random_below(&state, 5));
        fill_row(queries + dim, random_below(&state, most_ids), random_below(&state, 5));
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.threads = (uint32_t)random_below(&state, 4);
        CHECK_OK(vecstore_index_search(shared, queries, F32, 2, most_ids, &options, ids, distances, counts));
        CHECK_EQ(counts[0], counts[1]);
        for (uint64_t q = 0; q < 2; q++) {
            check_pairs(ids + q * most_ids, counts[q]);
            for (uint64_t i = 1; i < counts[q]; i++) {
                CHECK(distances[q * most_ids + i - 1] <= distances[q * most_ids + i]);
            }
        }
    }
    free(ids);
    free(distances);
    return NULL;
}

static void *search_range(void *number) {
    uint64_t state = (uintptr_t)number;
    float query[dim];
    while (atomic_load(&writing) > 0) {
        fill_row(query, random_below(&state, most_ids), 0);
        vecstore_range_result *result = NULL;
        REQUIRE_OK(vecstore_index_search_range(shared, query, F32, 1, INFINITY, NULL, &result));
        const uint64_t *offsets, *ids;
        CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, &ids, NULL));
        check_pairs(ids, offsets[1]);
        vecstore_range_result_free(result);
    }
    return NULL;
}

static void *get(void *number) {
    uint64_t state = (uintptr_t)number;
    float rows[2 * dim];
    while (atomic_load(&writing) > 0) {
        uint64_t pair = random_below(&state, pairs), ids[2] = { 2 * pair, 2 * pair + 1 };
        uint8_t found[2];
        CHECK_OK(vecstore_index_contains(shared, ids, 2, found));
        CHECK_EQ(found[0], found[1]);
        vecstore_status status = vecstore_index_get(shared, ids, 2, F32, rows);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_NOT_FOUND);
        if (status != VECSTORE_OK) continue;
        check_row(rows, ids[0]);
        check_row(rows + dim, ids[1]);
        CHECK_FLOAT(rows[dim + 1], rows[1]);
    }
    return NULL;
}

static void *list(void *number) {
    (void)number;
    uint64_t ids[most_ids + 1], count;
    while (atomic_load(&writing) > 0) {
        size_t written;
        CHECK_OK(vecstore_index_ids(shared, 0, ids, most_ids + 1, &written));
        check_pairs(ids, written);
        CHECK_OK(vecstore_index_count(shared, &count));
        CHECK(count <= most_ids && count % 2 == 0);
        vecstore_index_stats stats = stats_of(shared);
        CHECK(stats.count <= most_ids && stats.count % 2 == 0 && stats.next_id <= most_ids);
    }
    return NULL;
}

static void *verify(void *number) {
    (void)number;
    while (atomic_load(&writing) > 0) CHECK_OK(vecstore_index_verify(shared));
    return NULL;
}

static void *save(void *number) {
    char path[512];
    snprintf(path, sizeof path, "%s/%d", test_directory(), (int)(uintptr_t)number);
    vecstore_save_options fast = VECSTORE_SAVE_OPTIONS_INIT;
    fast.no_sync = 1;
    while (atomic_load(&writing) > 0) {
        CHECK_OK(vecstore_index_save(shared, path, &fast));
        vecstore_open_options options = VECSTORE_OPEN_OPTIONS_INIT;
        options.verify = 2;
        vecstore_index *map = NULL;
        REQUIRE_OK(vecstore_index_open(path, &options, &map));
        uint64_t ids[most_ids + 1];
        size_t written;
        CHECK_OK(vecstore_index_ids(map, 0, ids, most_ids + 1, &written));
        check_pairs(ids, written);
        vecstore_index_free(map);
    }
    return NULL;
}

/* ---- writers ---- */

static void *change(void *number) {
    uint64_t state = (uintptr_t)number, ids[2];
    float rows[2 * dim];
    for (int round = 0; round < 800; round++) {
        fill_pair(rows, ids, random_below(&state, pairs), random_below(&state, 1000));
        vecstore_status status;
        size_t removed;
        switch (random_below(&state, 3)) {
        case 0:
            status = vecstore_index_add(shared, rows, F32, 2, ids, NULL, NULL);
            CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_ALREADY_EXISTS);
            break;
        case 1:
            status = vecstore_index_update(shared, ids, rows, F32, 2);
            CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_NOT_FOUND);
            break;
        default:
            CHECK_OK(vecstore_index_remove(shared, ids, 2, &removed));
            CHECK(removed == 0 || removed == 2);
        }
    }
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

static void *reshape(void *number) {
    uint64_t state = (uintptr_t)number;
    for (int round = 0; round < 100; round++) {
        if (random_below(&state, 2)) CHECK_OK(vecstore_index_compact(shared));
        else CHECK_OK(vecstore_index_reserve(shared, random_below(&state, 2 * most_ids)));
        sched_yield();
    }
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

/* ---- other handles, other functions ---- */

static void *make_and_free_others(void *number) {
    uint64_t state = (uintptr_t)number;
    float *rows = random_vectors(F32, dim, 50, state);
    while (atomic_load(&writing) > 0) {
        vecstore_index *index = new_index(L2SQ, F32, dim);
        CHECK_OK(vecstore_index_add(index, rows, F32, 50, NULL, NULL, NULL));
        uint64_t i = random_below(&state, 50), id;
        float distance;
        CHECK_OK(vecstore_index_search(index, rows + dim * i, F32, 1, 1, NULL, &id, &distance, NULL));
        CHECK_EQ(id, i);
        CHECK_FLOAT(distance, 0);
        vecstore_index_free(index);
    }
    free(rows);
    return NULL;
}

static void *compare_without_an_index(void *number) {
    enum { n = 3000, nq = 20, k = 3 };
    float *rows = random_vectors(F32, dim, n, (uintptr_t)number), *matrix = malloc(nq * n * sizeof *matrix);
    uint64_t expected_ids[nq * k], ids[nq * k];
    float expected[nq * k], distances[nq * k];
    CHECK_OK(vecstore_knn(rows, nq, rows, n, dim, L2SQ, F32, k, NULL, expected_ids, expected, NULL));
    while (atomic_load(&writing) > 0) {
        CHECK_OK(vecstore_knn(rows, nq, rows, n, dim, L2SQ, F32, k, NULL, ids, distances, NULL));
        CHECK(memcmp(ids, expected_ids, sizeof ids) == 0 && memcmp(distances, expected, sizeof distances) == 0);
        CHECK_OK(vecstore_pairwise(rows, nq, rows, n, dim, L2SQ, F32, 0, matrix));
        for (uint64_t i = 0; i < nq; i++) CHECK_FLOAT(matrix[i * n + ids[i * k]], distances[i * k]);
    }
    free(rows);
    free(matrix);
    return NULL;
}

static void *fail_often(void *number) {
    /* A dim that no other thread complains of. */
    const size_t bad = 100000 + (uintptr_t)number;
    char expected[32];
    snprintf(expected, sizeof expected, "dim is %zu", bad);
    float distance = 0;
    while (atomic_load(&writing) > 0) {
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(&distance, &distance, bad, L2SQ, F32, &distance));
        sched_yield();
        CHECK(strstr(vecstore_last_error(), expected));
    }
    return NULL;
}

static void everything_runs_beside_everything(void) {
    shared = new_index(L2SQ, F32, dim);
    for (uint64_t pair = 0; pair < pairs; pair += 2) {
        uint64_t ids[2];
        float rows[2 * dim];
        fill_pair(rows, ids, pair, 0);
        CHECK_OK(vecstore_index_add(shared, rows, F32, 2, ids, NULL, NULL));
    }
    static void *(*const bodies[])(void *) = {
        search, search, search_range, get, get, list, verify, save, save, change, change, change, reshape,
        make_and_free_others, make_and_free_others, compare_without_an_index, compare_without_an_index, fail_often,
        fail_often,
    };
    atomic_store(&writing, 4);
    run_threads(bodies, sizeof bodies / sizeof *bodies);
    CHECK_OK(vecstore_index_verify(shared));
    uint64_t ids[most_ids + 1];
    size_t written;
    CHECK_OK(vecstore_index_ids(shared, 0, ids, most_ids + 1, &written));
    check_pairs(ids, written);
    vecstore_index_free(shared);
}

/* ---- handles that are freed while others use them ---- */

static _Atomic(vecstore_index *) current_index;
static _Atomic(vecstore_range_result *) current_result;

static void *replace(void *number) {
    float *rows = random_vectors(F32, dim, 50, (uintptr_t)number);
    for (int round = 0; round < 800; round++) {
        vecstore_index *index = new_index(L2SQ, F32, dim);
        CHECK_OK(vecstore_index_add(index, rows, F32, 50, NULL, NULL, NULL));
        vecstore_range_result *result = NULL;
        REQUIRE_OK(vecstore_index_search_range(index, rows, F32, 1, INFINITY, NULL, &result));
        vecstore_index_free(atomic_exchange(&current_index, index));
        vecstore_range_result_free(atomic_exchange(&current_result, result));
    }
    atomic_fetch_sub(&writing, 1);
    free(rows);
    return NULL;
}

static void *use(void *number) {
    float *rows = random_vectors(F32, dim, 50, (uintptr_t)number);
    uint64_t ids[10];
    float distances[10];
    while (atomic_load(&writing) > 0) {
        vecstore_index *index = atomic_load(&current_index);
        vecstore_status status = vecstore_index_search(index, rows, F32, 1, 10, NULL, ids, distances, NULL);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_INVALID_HANDLE);
        status = vecstore_index_add(index, rows, F32, 10, NULL, NULL, NULL);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_INVALID_HANDLE);
        size_t nq = 1;
        status = vecstore_range_result_get(atomic_load(&current_result), &nq, NULL, NULL, NULL);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_INVALID_HANDLE);
        CHECK_EQ(nq, 1);
    }
    free(rows);
    return NULL;
}

static void *free_too_often(void *number) {
    (void)number;
    while (atomic_load(&writing) > 0) {
        vecstore_index *index = atomic_load(&current_index);
        sched_yield();
        vecstore_index_free(index);
        vecstore_range_result_free(atomic_load(&current_result));
    }
    return NULL;
}

static void handles_may_be_freed_while_they_are_used(void) {
    atomic_store(&current_index, new_index(L2SQ, F32, dim));
    const float query[dim] = { 0 };
    vecstore_range_result *result = NULL;
    REQUIRE_OK(vecstore_index_search_range(atomic_load(&current_index), query, F32, 1, 1, NULL, &result));
    atomic_store(&current_result, result);
    static void *(*const bodies[])(void *) = { replace, replace, use, use, use, free_too_often };
    atomic_store(&writing, 2);
    run_threads(bodies, sizeof bodies / sizeof *bodies);
    vecstore_index_free(atomic_load(&current_index));
    vecstore_range_result_free(atomic_load(&current_result));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(everything_runs_beside_everything),
        TEST(handles_may_be_freed_while_they_are_used),
    };
    return RUN_TESTS(tests);
}
