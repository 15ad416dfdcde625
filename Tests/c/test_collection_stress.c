/*
 * Many threads on one collection: searches, writes and work on its graph beside each other, and a close in the middle of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Points come and go in pairs: the ids 2p and 2p + 1 are written and removed by one call, with the same version in the first
 * element of their vectors. So a reader that sees one of a pair, or two versions, has seen a write in its middle.
 */
/* Enough of them for a graph. */
enum { pairs = 1200, most_ids = 2 * pairs, rounds = 150 };

static vecstore_collection *shared;
/* Threads that have changes left to do. */
static atomic_int writing;
/* Whether the handle may be gone by now. */
static atomic_bool may_be_closed;
/* Calls that succeeded. */
static atomic_int done;

/* Whether a call succeeded. It must, unless the collection was closed. */
static bool works(vecstore_status status, const char *call) {
    if (status == VECSTORE_OK) {
        atomic_fetch_add(&done, 1);
        return true;
    }
    bool closed = status == VECSTORE_ERR_INVALID_HANDLE && atomic_load(&may_be_closed);
    check(closed, __FILE__, __LINE__, "%s is %s: %s", call, vecstore_status_name(status), vecstore_last_error());
    return false;
}

#define WORKS(call) works((call), #call)

static void fill_pair(float rows[2][point_dim], vecstore_id ids[2], uint64_t pair, uint64_t version) {
    for (uint64_t i = 0; i < 2; i++) {
        ids[i] = number_id(2 * pair + i);
        for (uint64_t d = 0; d < point_dim; d++) rows[i][d] = (float)((pair * 31 + version * 17 + d * 7) % 1000);
        rows[i][0] = (float)version;
    }
}

/* ---- readers: each does one thing ---- */

static void search_once(uint64_t *state) {
    float rows[2][point_dim];
    vecstore_id ids[2];
    fill_pair(rows, ids, random_below(state, pairs), random_below(state, 5));
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.with_payload = 0;
    options.with_vector = 1;
    options.exact = 1;
    options.threads = 1 + (uint32_t)random_below(state, 2);
    vecstore_hits *hits = NULL;
    if (!WORKS(vecstore_collection_search(shared, rows, F32, 1, most_ids, &options, &hits))) return;
    vecstore_hits_view view = view_of(hits);
    float versions[most_ids];
    for (size_t i = 0; i < most_ids; i++) versions[i] = -1;
    for (size_t i = 0; i < view.offsets[1]; i++) {
        const uint64_t id = view.ids[i].number;
        if (!CHECK(id < most_ids && versions[id] < 0)) break;
        versions[id] = view.vectors[i * view.dim];
        if (i > 0) CHECK(view.distances[i] >= view.distances[i - 1]);
    }
    for (size_t i = 0; i < most_ids; i += 2) CHECK(versions[i] == versions[i + 1]);
    vecstore_hits_free(hits);
}

static void walk_once(uint64_t *state) {
    vecstore_hits *hits = NULL;
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.filter = random_below(state, 2) ? "{\"must\":[{\"key\":\"even\",\"match\":{\"value\":true}}]}" : NULL;
    if (!WORKS(vecstore_collection_search(shared, point_vector(random_below(state, 100)), F32, 2, 10, &options,
        &hits))) return;
    vecstore_hits_view view = view_of(hits);
    for (size_t i = 0; options.filter && i < view.offsets[2]; i++) CHECK(view.ids[i].number % 2 == 0);
    vecstore_hits_free(hits);
}

static void count_once(uint64_t *state) {
    (void)state;
    uint64_t count = 0;
    if (WORKS(vecstore_collection_count(shared, NULL, &count))) CHECK(count <= most_ids && count % 2 == 0);
    if (WORKS(vecstore_collection_count(shared, "{\"must\":[{\"key\":\"even\",\"match\":{\"value\":true}}]}",
        &count))) {
        CHECK(count <= pairs);
    }
}

static void get_once(uint64_t *state) {
    const uint64_t pair = random_below(state, pairs);
    const vecstore_id ids[2] = { number_id(2 * pair), number_id(2 * pair + 1) };
    vecstore_hits *hits = NULL;
    if (!WORKS(vecstore_collection_get(shared, ids, 2, "", &hits))) return;
    vecstore_hits_view view = view_of(hits);
    CHECK((view.payloads[0] == NULL) == (view.payloads[1] == NULL));
    if (view.payloads[0]) CHECK(view.vectors[0] == view.vectors[view.dim]);
    vecstore_hits_free(hits);
}

static void words_once(uint64_t *state) {
    (void)state;
    vecstore_hits *hits = NULL;
    if (WORKS(vecstore_collection_search_text(shared, "common", 10, NULL, NULL, &hits))) vecstore_hits_free(hits);
    if (WORKS(vecstore_collection_search_hybrid(shared, point_vector(3), F32, "common", 10, NULL, NULL, NULL, &hits))) {
        vecstore_hits_free(hits);
    }
}

static void list_once(uint64_t *state) {
    (void)state;
    vecstore_hits *hits = NULL;
    if (WORKS(vecstore_collection_scroll(shared, NULL, most_ids, NULL, NULL, &hits))) {
        vecstore_hits_view view = view_of(hits);
        CHECK(view.offsets[1] % 2 == 0);
        for (size_t i = 0; i < view.offsets[1]; i += 2) CHECK_EQ(view.ids[i].number + 1, view.ids[i + 1].number);
        vecstore_hits_free(hits);
    }
    if (WORKS(vecstore_collection_facet(shared, "even", NULL, 5, &hits))) vecstore_hits_free(hits);
    uint64_t revision;
    WORKS(vecstore_collection_revision(shared, &revision));
    char buffer[64];
    WORKS(vecstore_collection_describe(shared, buffer, sizeof buffer, NULL));
}

static void verify_once(uint64_t *state) {
    (void)state;
    WORKS(vecstore_collection_verify(shared));
}

static void copy_once(uint64_t *state) {
    static atomic_int copies;
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/copy-%d", test_directory(), atomic_fetch_add(&copies, 1));
    if (!WORKS(vecstore_collection_snapshot(shared, path, NULL))) return;
    vecstore_collection *copy = open_collection(path, true);
    CHECK_EQ(points_in(copy) % 2, 0);
    CHECK_OK(vecstore_collection_verify(copy));
    CHECK_OK(vecstore_collection_close(copy));
}

/* ---- writers ---- */

static void write_once(uint64_t *state) {
    float rows[2][point_dim];
    vecstore_id ids[2];
    fill_pair(rows, ids, random_below(state, pairs), random_below(state, 1000));
    const vecstore_batch_vectors vectors = { NULL, rows, F32, 0, NULL };
    const char *const payloads[2] = { "{\"even\":true,\"text\":\"common\"}",
        "{\"even\":false,\"text\":\"common odd\"}" };
    size_t count = 0;
    vecstore_status status;
    switch (random_below(state, 8)) {
    case 0:
        if (WORKS(vecstore_collection_remove(shared, ids, 2, &count))) CHECK(count % 2 == 0);
        break;
    case 1:
        WORKS(vecstore_collection_change_payload(shared, ids, 2, NULL, VECSTORE_PAYLOAD_MERGE, "{\"more\":1}", NULL));
        break;
    case 2:
        status = vecstore_collection_update_vectors(shared, ids, 2, &vectors, 1);
        if (status != VECSTORE_ERR_NOT_FOUND) works(status, "update_vectors");
        break;
    default: WORKS(vecstore_collection_upsert(shared, ids, 2, &vectors, 1, payloads, NULL));
    }
}

static void optimize_once(uint64_t *state) {
    (void)state;
    WORKS(vecstore_collection_optimize(shared, NULL));
}

static void index_once(uint64_t *state) {
    (void)state;
    if (WORKS(vecstore_collection_create_payload_index(shared, "more", "integer", NULL))) {
        WORKS(vecstore_collection_drop_payload_index(shared, "more", NULL));
    }
}

/* ---- threads ---- */

typedef struct task {
    void (*once)(uint64_t *state);
    int rounds; /* 0: as long as there are writers */
} task;

static const task tasks[] = {
    { write_once, rounds }, { write_once, rounds }, { optimize_once, 10 }, { index_once, 10 }, { copy_once, 3 },
    { search_once, 0 }, { search_once, 0 }, { walk_once, 0 }, { count_once, 0 }, { get_once, 0 }, { words_once, 0 },
        { list_once, 0 },
    { verify_once, 0 },
};
enum { task_count = sizeof tasks / sizeof *tasks };

static void *run(void *number) {
    uint64_t state = (uintptr_t)number;
    const task *task = &tasks[(uintptr_t)number];
    for (int round = 0; task->rounds ? round < task->rounds : atomic_load(&writing) > 0; round++) task->once(&state);
    if (task->rounds) atomic_fetch_sub(&writing, 1);
    return NULL;
}

static void start_threads(pthread_t threads[task_count]) {
    writing = 0;
    for (size_t i = 0; i < task_count; i++) if (tasks[i].rounds) atomic_fetch_add(&writing, 1);
    for (size_t i = 0; i < task_count; i++) REQUIRE(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
}

/* All pairs, in the first version. */
static void make(const char *path) {
    vecstore_vector_options vector = plain_vector();
    vector.kind = VECSTORE_KIND_HNSW;
    vector.ef_construction = 30;
    shared = new_collection_of(path, &vector, 1);
    CHECK_OK(vecstore_collection_create_payload_index(shared, "even", "bool", NULL));
    CHECK_OK(vecstore_collection_create_payload_index(shared, "text", "text", NULL));
    static float rows[pairs][2][point_dim];
    static vecstore_id ids[pairs][2];
    for (uint64_t pair = 0; pair < pairs; pair++) fill_pair(rows[pair], ids[pair], pair, 0);
    const vecstore_batch_vectors vectors = { NULL, rows, F32, 0, NULL };
    REQUIRE_OK(vecstore_collection_upsert(shared, ids[0], most_ids, &vectors, 1, NULL, NULL));
}

static void calls_of_all_kinds_run_beside_each_other(void) {
    make(test_path("c"));
    pthread_t threads[task_count];
    start_threads(threads);
    for (size_t i = 0; i < task_count; i++) pthread_join(threads[i], NULL);
    CHECK_OK(vecstore_collection_verify(shared));
    const uint64_t count = points_in(shared);
    char *text = description_of(shared);
    CHECK(strstr(text, "\"index_error\":\"\"") && !strstr(text, "\"graph_bytes\":0,"));
    free(text);
    CHECK_OK(vecstore_collection_close(shared));
    shared = open_collection(test_path("c"), false);
    CHECK_EQ(points_in(shared), count);
    CHECK_OK(vecstore_collection_verify(shared));
    CHECK_OK(vecstore_collection_close(shared));
}

static void calls_beside_a_close_finish_or_are_refused(void) {
    for (int round = 0; round < 6; round++) {
        char path[512];
        snprintf(path, sizeof path, "%s/c%d", test_directory(), round);
        atomic_store(&may_be_closed, false);
        make(path);
        atomic_store(&may_be_closed, true);
        pthread_t threads[task_count];
        start_threads(threads);
        const int before = atomic_load(&done);
        /* In the middle of it, at another place each time. */
        while (atomic_load(&done) < before + 20 + 40 * round) usleep(100);
        CHECK_OK(vecstore_collection_close(shared));
        /* It is free for others at once. */
        vecstore_collection *next = NULL;
        CHECK_OK(vecstore_collection_open(path, NULL, &next));
        for (size_t i = 0; i < task_count; i++) pthread_join(threads[i], NULL);
        CHECK_OK(vecstore_collection_verify(next));
        CHECK_EQ(points_in(next) % 2, 0);
        CHECK_OK(vecstore_collection_close(next));
        uint64_t count;
        CHECK_ERROR(INVALID_HANDLE, vecstore_collection_count(shared, NULL, &count));
        CHECK_ERROR(INVALID_HANDLE, vecstore_collection_close(shared));
    }
}

/* Several handles of one process that read beside the one that writes. */
static void *follow(void *path) {
    vecstore_collection *reader = open_collection(path, true);
    while (atomic_load(&writing) > 0) {
        CHECK_OK(vecstore_collection_refresh(reader, NULL));
        CHECK_EQ(points_in(reader) % 2, 0);
        vecstore_hits *hits = NULL;
        REQUIRE_OK(vecstore_collection_search(reader, point_vector(0), F32, 1, 10, NULL, &hits));
        vecstore_hits_free(hits);
        CHECK_OK(vecstore_collection_verify(reader));
    }
    CHECK_OK(vecstore_collection_close(reader));
    return NULL;
}

static void readers_follow_while_there_are_writes(void) {
    make(test_path("c"));
    pthread_t readers[3];
    writing = 1;
    for (size_t i = 0; i < 3; i++) REQUIRE(pthread_create(&readers[i], NULL, follow, (void *)test_path("c")) == 0);
    uint64_t state = 5;
    for (int i = 0; i < 300; i++) {
        write_once(&state);
        if (i % 60 == 0) optimize_once(&state);
    }
    writing = 0;
    for (size_t i = 0; i < 3; i++) pthread_join(readers[i], NULL);
    CHECK_OK(vecstore_collection_close(shared));
}

static void *open_one(void *path) {
    vecstore_collection *collection = NULL;
    vecstore_status status = vecstore_collection_open(path, NULL, &collection);
    if (status == VECSTORE_OK) {
        atomic_fetch_add(&done, 1);
        while (atomic_load(&writing) > 0) usleep(100);
        CHECK_OK(vecstore_collection_close(collection));
    } else {
        CHECK_EQ(status, VECSTORE_ERR_LOCKED);
    }
    return NULL;
}

static void one_of_many_opens_it_for_writing(void) {
    CHECK_OK(vecstore_collection_close(filled_collection(test_path("c"), 10)));
    for (int round = 0; round < 20; round++) {
        pthread_t threads[8];
        atomic_store(&done, 0);
        writing = 1;
        for (size_t i = 0; i < 8; i++) REQUIRE(pthread_create(&threads[i], NULL, open_one,
            (void *)test_path("c")) == 0);
        usleep(20000);
        while (atomic_load(&done) == 0) usleep(100);
        writing = 0;
        for (size_t i = 0; i < 8; i++) pthread_join(threads[i], NULL);
        CHECK(atomic_load(&done) >= 1);
    }
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(calls_of_all_kinds_run_beside_each_other),
        TEST(calls_beside_a_close_finish_or_are_refused),
        TEST(readers_follow_while_there_are_writes),
        TEST(one_of_many_opens_it_for_writing),
    };
    return RUN_TESTS(tests);
}
