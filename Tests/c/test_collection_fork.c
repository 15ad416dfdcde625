/*
 * Collections and fork(): a child cannot use those of its parent, opens them for itself, and harms nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { n = 200, most_child_seconds = 60 };

static const char *path;
static vecstore_collection *collection;
/* Between parent and child: a byte says that the other one may go on. */
static int to_child[2], to_parent[2];

static void tell(const int pipe[2]) { REQUIRE(write(pipe[1], "x", 1) == 1); }
static void await(const int pipe[2]) {
    char byte;
    REQUIRE(read(pipe[0], &byte, 1) == 1);
}

static pid_t start_child(void (*body)(void)) {
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child > 0) return child;
    alarm(most_child_seconds);
    body();
    fflush(stdout);
    _exit(is_passing() ? 0 : 1);
}

static void await_child(pid_t child) {
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) check(false, __FILE__, __LINE__, "a signal: %s", strsignal(WTERMSIG(status)));
    else CHECK_EQ(WEXITSTATUS(status), 0);
}

static void in_child(void (*body)(void)) { await_child(start_child(body)); }

static void make(void) {
    REQUIRE(pipe(to_child) == 0 && pipe(to_parent) == 0);
    path = test_path("c");
    collection = filled_collection(path, n);
    check_points(collection, n);
}

static void check_is_locked(void) {
    vecstore_collection *second = NULL;
    CHECK_ERROR(LOCKED, vecstore_collection_open(path, NULL, &second));
    CHECK(second == NULL);
}

/* The parent goes on as if there had been no child. */
static void check_parent(size_t points) {
    check_is_locked();
    check_points(collection, points);
    put(collection, points, 1);
    CHECK_OK(vecstore_collection_verify(collection));
    check_points(collection, points + 1);
}

static void finish(size_t points) {
    CHECK_OK(vecstore_collection_close(collection));
    collection = open_collection(path, false);
    check_points(collection, points);
    CHECK_OK(vecstore_collection_verify(collection));
    CHECK_OK(vecstore_collection_close(collection));
}

/* ---- the handle of the parent ---- */

static void use_handle(void) {
    const vecstore_id id = number_id(0);
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    vecstore_hits *hits = NULL;
    uint64_t count;
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_count(collection, NULL, &count));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_upsert(collection, &id, 1, &vectors, 1, NULL, NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_update_vectors(collection, &id, 1, &vectors, 1));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_remove(collection, &id, 1, NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_remove_matching(collection, "{}", NULL));
    CHECK_ERROR(
        INVALID_HANDLE, vecstore_collection_change_payload(collection, &id, 1, NULL, VECSTORE_PAYLOAD_SET, "",
        NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_create_payload_index(collection, "x", "bool", NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_drop_payload_index(collection, "n", NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_get(collection, &id, 1, "", &hits));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_scroll(collection, NULL, 1, NULL, NULL, &hits));
    const vecstore_order_options order = { .struct_size = sizeof order, .order_by = "n" };
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_scroll_ordered(collection, &order, 1, NULL, NULL, &hits));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_search(collection, point_vector(0), F32, 1, 1, NULL, &hits));
    CHECK_ERROR(
        INVALID_HANDLE, vecstore_collection_search_groups(collection, point_vector(0), F32, "n", 1, 1, NULL, &hits));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_recommend(collection, &id, 1, NULL, 0, 1, NULL, &hits));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_facet(collection, "n", NULL, 1, &hits));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_search_text(collection, "word1", 1, NULL, NULL, &hits));
    CHECK_ERROR(
        INVALID_HANDLE, vecstore_collection_search_hybrid(collection, point_vector(0), F32, "word1", 1, NULL, NULL,
        NULL, &hits));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_optimize(collection, NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_refresh(collection, NULL));
    uint64_t revision;
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_revision(collection, &revision));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_snapshot(collection, test_path("snapshot"), NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_verify(collection));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_describe(collection, NULL, 0, NULL));
}

static void a_child_cannot_use_the_handle_of_its_parent(void) {
    make();
    in_child(use_handle);
    check_parent(n);
    finish(n + 1);
}

static void close_handle(void) {
    vecstore_status status = vecstore_collection_close(collection);
    CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_INVALID_HANDLE);
    use_handle();
}

static void a_child_that_closes_the_handle_closes_nothing_of_its_parent(void) {
    make();
    in_child(close_handle);
    check_parent(n);
    finish(n + 1);
}

static void close_and_exit(void) {
    close_handle();
    fflush(stdout);
    exit(is_passing() ? 0 : 1);
}

static void a_child_that_exits_takes_nothing_along(void) {
    make();
    for (size_t i = 0; i < 5; i++) {
        in_child(close_and_exit);
        check_parent(n + i);
    }
    finish(n + 5);
}

/* Hits are memory of the process: a child has its own copy. */
static vecstore_hits *hits;
static void use_hits(void) {
    CHECK_EQ(view_of(hits).ids[0].number, 5);
    vecstore_hits_free(hits);
}

static void hits_of_before_stay(void) {
    make();
    CHECK_OK(vecstore_collection_search(collection, point_vector(5), F32, 1, 1, NULL, &hits));
    in_child(use_hits);
    use_hits();
    finish(n);
}

/* ---- handles of its own ---- */

static void read_it(void) {
    vecstore_collection *own = open_collection(path, true);
    check_points(own, n);
    CHECK_OK(vecstore_collection_verify(own));
    CHECK_EQ(matching(own, "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g1\"}}]}"), n / 4);
    check_is_locked();
    CHECK_OK(vecstore_collection_close(own));
}

static void a_child_opens_it_for_reading(void) {
    make();
    in_child(read_it);
    in_child(read_it);
    check_parent(n);
    finish(n + 1);
}

static void follow(void) {
    vecstore_collection *own = open_collection(path, true);
    for (size_t i = 0; i <= 10; i++) {
        bool changed = false;
        CHECK_OK(vecstore_collection_refresh(own, &changed));
        if (i > 0) CHECK(changed);
        check_points(own, n + 10 * i);
        tell(to_parent);
        await(to_child);
    }
    CHECK_OK(vecstore_collection_verify(own));
    CHECK_OK(vecstore_collection_close(own));
}

static void a_child_follows_what_its_parent_writes(void) {
    make();
    pid_t child = start_child(follow);
    for (size_t i = 0; i < 10; i++) {
        await(to_parent);
        put(collection, n + 10 * i, 10);
        if (i % 3 == 0) CHECK_OK(vecstore_collection_optimize(collection, NULL));
        tell(to_child);
    }
    await(to_parent);
    tell(to_child);
    await_child(child);
    check_parent(n + 100);
    finish(n + 101);
}

static void read_while_it_is_opened_anew(void) {
    vecstore_collection *own = open_collection(path, true);
    check_points(own, n);
    for (size_t i = 0; i < 5; i++) {
        tell(to_parent);
        await(to_child);
        CHECK_OK(vecstore_collection_refresh(own, NULL));
        check_points(own, n + 10 * (i + 1));
        CHECK_OK(vecstore_collection_verify(own));
    }
    CHECK_OK(vecstore_collection_close(own));
}

static void a_child_reads_on_while_its_parent_closes_and_opens(void) {
    make();
    pid_t child = start_child(read_while_it_is_opened_anew);
    for (size_t i = 0; i < 5; i++) {
        await(to_parent);
        CHECK_OK(vecstore_collection_close(collection));
        collection = open_collection(path, false);
        put(collection, n + 10 * i, 10);
        tell(to_child);
    }
    await_child(child);
    check_parent(n + 50);
    finish(n + 51);
}

static void write_after_parent(void) {
    check_is_locked();
    tell(to_parent);
    await(to_child);
    vecstore_collection *own = open_collection(path, false);
    check_points(own, n);
    put(own, n, 10);
    CHECK_OK(vecstore_collection_optimize(own, NULL));
    tell(to_parent);
    await(to_child);
    check_points(own, n + 10);
    CHECK_OK(vecstore_collection_verify(own));
    CHECK_OK(vecstore_collection_close(own));
}

static void a_child_writes_when_its_parent_has_closed(void) {
    make();
    pid_t child = start_child(write_after_parent);
    await(to_parent);
    CHECK_OK(vecstore_collection_close(collection));
    tell(to_child);
    await(to_parent);
    check_is_locked();
    collection = open_collection(path, true);
    check_points(collection, n + 10);
    CHECK_OK(vecstore_collection_close(collection));
    tell(to_child);
    await_child(child);
    collection = open_collection(path, false);
    finish(n + 10);
}

static void wait_for_end(void) { await(to_child); }

static void a_child_that_lives_on_does_not_keep_the_lock(void) {
    make();
    pid_t child = start_child(wait_for_end);
    CHECK_OK(vecstore_collection_close(collection));
    collection = open_collection(path, false);
    check_points(collection, n);
    tell(to_child);
    await_child(child);
    check_parent(n);
    finish(n + 1);
}

/* ---- while the thread in the background works ---- */

static void read_any_state(void) {
    vecstore_collection *own = open_collection(path, true);
    uint64_t count = points_in(own);
    check_points(own, count);
    CHECK_OK(vecstore_collection_verify(own));
    CHECK_OK(vecstore_collection_close(own));
    vecstore_collection_close(collection);
}

static void children_read_while_points_are_indexed(void) {
    enum { many = 4000 };
    REQUIRE(pipe(to_child) == 0 && pipe(to_parent) == 0);
    path = test_path("c");
    vecstore_vector_options vector = plain_vector();
    vector.kind = VECSTORE_KIND_HNSW;
    vector.ef_construction = 60;
    collection = new_collection_of(path, &vector, 1);
    pid_t children[16];
    for (size_t i = 0; i < 16; i++) {
        put(collection, i * many / 16, many / 16);
        children[i] = start_child(read_any_state);
    }
    for (size_t i = 0; i < 16; i++) await_child(children[i]);
    check_parent(many);
    CHECK_OK(vecstore_collection_optimize(collection, NULL));
    CHECK_OK(vecstore_collection_verify(collection));
    finish(many + 1);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_child_cannot_use_the_handle_of_its_parent),
        TEST(a_child_that_closes_the_handle_closes_nothing_of_its_parent),
        TEST(a_child_that_exits_takes_nothing_along),
        TEST(hits_of_before_stay),
        TEST(a_child_opens_it_for_reading),
        TEST(a_child_follows_what_its_parent_writes),
        TEST(a_child_reads_on_while_its_parent_closes_and_opens),
        TEST(a_child_writes_when_its_parent_has_closed),
        TEST(a_child_that_lives_on_does_not_keep_the_lock),
        TEST(children_read_while_points_are_indexed),
    };
    return RUN_TESTS(tests);
}
