/*
 * Children of fork() go on using the library and its handles.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { dim = 64, n = 5000, nq = 100, k = 5, most_child_seconds = 200 };

static float *vectors, *queries;

static vecstore_index *make_index(void) {
    vectors = random_vectors(F32, dim, n, 1);
    queries = random_vectors(F32, dim, nq, 2);
    vecstore_index *index = new_index(L2SQ, F32, dim);
    CHECK_OK(vecstore_index_add(index, vectors, F32, n, NULL, NULL, NULL));
    return index;
}

static void search(const vecstore_index *index, uint32_t threads, uint64_t ids[nq * k], float distances[nq * k]) {
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.threads = threads;
    CHECK_OK(vecstore_index_search(index, queries, F32, nq, k, &options, ids, distances, NULL));
}

/* Runs `body` in a child and waits for it. */
static void in_child(void (*body)(vecstore_index *index), vecstore_index *index) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(most_child_seconds);
        body(index);
        _exit(is_passing() ? 0 : 1);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static uint64_t expected_ids[nq * k];
static float expected[nq * k];

static void search_with_any_threads(vecstore_index *index) {
    uint64_t ids[nq * k];
    float distances[nq * k];
    for (uint32_t threads = 0; threads <= 4; threads++) {
        search(index, threads, ids, distances);
        CHECK(memcmp(ids, expected_ids, sizeof ids) == 0);
        CHECK(memcmp(distances, expected, sizeof distances) == 0);
    }
}

static void children_search_as_their_parent_does(void) {
    vecstore_index *index = make_index();
    /* The pool of the parent runs before the first fork; children have none until they need it. */
    search(index, 4, expected_ids, expected);
    for (int i = 0; i < 30; i++) {
        in_child(search_with_any_threads, index);
        search_with_any_threads(index);
    }
    vecstore_index_free(index);
}

static void find_themselves(vecstore_index *index) {
    uint64_t ids[nq * k];
    float distances[nq * k];
    memcpy(queries, vectors, sizeof(float) * nq * dim);
    search(index, 2, ids, distances);
    for (uint64_t i = 0; i < nq; i++) {
        CHECK_EQ(ids[i * k], i);
        CHECK_FLOAT(distances[i * k], 0);
    }
}

static void children_search_where_the_parent_never_did(void) {
    vecstore_index *index = make_index();
    in_child(find_themselves, index);
    find_themselves(index);
    vecstore_index_free(index);
}

static void change(vecstore_index *index) {
    const uint64_t gone[2] = { 3, 4 };
    float back[dim];
    CHECK_OK(vecstore_index_add(index, vectors, F32, n, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_remove(index, gone, 2, NULL));
    CHECK_OK(vecstore_index_compact(index));
    CHECK_EQ(count_of(index), 2 * n - 2);
    CHECK_OK(vecstore_index_get(index, (const uint64_t[]){ n + 7 }, 1, F32, back));
    CHECK(memcmp(back, vectors + 7 * dim, sizeof back) == 0);
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index *other = new_index(COSINE, F32, dim);
    CHECK_OK(vecstore_index_add(other, vectors, F32, n, NULL, NULL, NULL));
    vecstore_index_free(other);
    vecstore_index_free(index);
}

static void what_a_child_changes_its_parent_does_not_see(void) {
    vecstore_index *index = make_index();
    search(index, 2, expected_ids, expected);
    in_child(change, index);
    CHECK_EQ(count_of(index), n);
    search_with_any_threads(index);
    vecstore_index_free(index);
}

static void save_and_map(vecstore_index *index) {
    vecstore_index *map;
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &map));
    search_with_any_threads(map);
    in_child(search_with_any_threads, map);
    vecstore_index_free(map);
}

static void children_have_children_and_maps(void) {
    vecstore_index *index = make_index();
    search(index, 2, expected_ids, expected);
    in_child(save_and_map, index);
    vecstore_index *map;
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &map));
    in_child(search_with_any_threads, map);
    vecstore_index_free(map);
    vecstore_index_free(index);
}

static void fail_in_child(vecstore_index *index) {
    (void)index;
    CHECK(strstr(vecstore_last_error(), "dim is 0"));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_verify(NULL));
}

static void the_last_error_is_inherited(void) {
    float distance = 0;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(&distance, &distance, 0, L2SQ, F32, &distance));
    in_child(fail_in_child, NULL);
    CHECK(strstr(vecstore_last_error(), "dim is 0"));
}

static size_t threads_of_this_process(void) {
    size_t count = 0;
    DIR *directory = opendir("/proc/self/task");
    REQUIRE(directory);
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void search_with_4_threads(vecstore_index *index) {
    uint64_t ids[nq * k];
    float distances[nq * k];
    CHECK_EQ(threads_of_this_process(), 1);
    search(index, 4, ids, distances);
    CHECK(threads_of_this_process() > 1);
}

static void the_pool_starts_again_in_a_child(void) {
    vecstore_index *index = make_index();
    search(index, 4, expected_ids, expected);
    in_child(search_with_4_threads, index);
    vecstore_index_free(index);
}

static void many_children_run_at_once(void) {
    vecstore_index *index = make_index();
    search(index, 2, expected_ids, expected);
    enum { children = 20 };
    for (int i = 0; i < children; i++) {
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            alarm(most_child_seconds);
            search_with_any_threads(index);
            _exit(is_passing() ? 0 : 1);
        }
    }
    for (int i = 0; i < children; i++) {
        int status;
        REQUIRE(wait(&status) > 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    vecstore_index_free(index);
}

static pthread_barrier_t start;

/* Goes through much of the library for the first time in this process. */
static void *use_for_the_first_time(void *none) {
    (void)none;
    const uint64_t ids[2] = { 1, 2 };
    float near[2];
    uint64_t found[2];
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_IDS;
    filter.ids = ids;
    filter.ids_count = 2;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = &filter;
    pthread_barrier_wait(&start);
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    CHECK_OK(vecstore_index_add(index, vectors, F32, 64, NULL, NULL, NULL));
    CHECK_OK(vecstore_index_search(index, vectors, F32, 1, 2, &options, found, near, NULL));
    CHECK_OK(vecstore_index_remove(index, ids, 2, NULL));
    CHECK_OK(vecstore_index_verify(index));
    vecstore_index_free(index);
    return NULL;
}

static void begin_on_two_threads(vecstore_index *none) {
    pthread_t other;
    pthread_barrier_init(&start, NULL, 2);
    REQUIRE(pthread_create(&other, NULL, use_for_the_first_time, NULL) == 0);
    use_for_the_first_time(none);
    pthread_join(other, NULL);
}

/* Where two threads come to what the language's runtime makes once, one waits for the other, each known by its number. */
static void two_threads_of_a_child_begin_at_once(void) {
    vectors = random_vectors(F32, dim, 64, 1);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_verify(NULL));
    for (int i = 0; i < 300; i++) in_child(begin_on_two_threads, NULL);
}

/* ---- a graph ---- */

static float *rows;

static vecstore_index *make_graph(void) {
    rows = clustered_vectors(dim, n, 1);
    queries = clustered_vectors(dim, nq, 2);
    vecstore_index *index = new_graph(L2SQ, F32, dim);
    REQUIRE_OK(vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
    return index;
}

static void change_graph(vecstore_index *index) {
    uint64_t ids[100], assigned;
    for (uint64_t i = 0; i < 100; i++) ids[i] = i;
    CHECK_OK(vecstore_index_remove(index, ids, 100, NULL));
    CHECK_OK(vecstore_index_add(index, rows, F32, 1, NULL, NULL, &assigned));
    CHECK_EQ(assigned, n);
    CHECK_OK(vecstore_index_optimize(index, NULL));
    CHECK_OK(vecstore_index_verify(index));
    CHECK_EQ(count_of(index), n - 99);
}

static void children_search_and_change_a_graph_of_their_own(void) {
    vecstore_index *index = make_graph();
    search(index, 4, expected_ids, expected);
    in_child(search_with_any_threads, index);
    in_child(change_graph, index);
    CHECK_EQ(count_of(index), n);
    CHECK_OK(vecstore_index_verify(index));
    search_with_any_threads(index);
    in_child(save_and_map, index);
    vecstore_index_free(index);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(children_search_as_their_parent_does),
        TEST(children_search_where_the_parent_never_did),
        TEST(what_a_child_changes_its_parent_does_not_see),
        TEST(children_have_children_and_maps),
        TEST(the_last_error_is_inherited),
        TEST(the_pool_starts_again_in_a_child),
        TEST(many_children_run_at_once),
        TEST(two_threads_of_a_child_begin_at_once),
        TEST(children_search_and_change_a_graph_of_their_own),
    };
    return RUN_TESTS(tests);
}
