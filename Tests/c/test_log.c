/*
 * The function that is told what happens.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct heard {
    atomic_int calls;
    vecstore_log_level level;
    char text[1024];
} heard;

static void hear(vecstore_log_level level, const char *message, void *payload) {
    heard *all = payload;
    all->level = level;
    snprintf(all->text, sizeof all->text, "%s", message);
    all->calls++;
}

static void slow_calls_are_told(void) {
    heard all = { 0 };
    vecstore_collection *collection = filled_collection(test_path("c"), 10);
    CHECK_OK(vecstore_set_log_callback(hear, &all, VECSTORE_LOG_WARNING));
    points_in(collection);
    CHECK_EQ(all.calls, 0);
    vecstore_set_slow_call_threshold(1);
    /* One that takes longer than a microsecond. */
    CHECK_OK(vecstore_collection_verify(collection));
    CHECK(all.calls >= 1 && all.level == VECSTORE_LOG_WARNING && strstr(all.text, "c': verify took ") != NULL);
    int calls = all.calls;
    vecstore_set_slow_call_threshold(UINT64_MAX);
    CHECK_OK(vecstore_collection_verify(collection));
    vecstore_set_slow_call_threshold(0);
    CHECK_OK(vecstore_collection_verify(collection));
    CHECK_EQ(all.calls, calls);
    vecstore_set_slow_call_threshold(1);
    CHECK_OK(vecstore_set_log_callback(NULL, NULL, 0));
    CHECK_OK(vecstore_collection_verify(collection));
    CHECK_EQ(all.calls, calls);
    vecstore_set_slow_call_threshold(0);
    CHECK_OK(vecstore_collection_close(collection));
}

static void levels_are_numbers_of_the_header(void) {
    CHECK_OK(vecstore_set_log_callback(hear, NULL, 0));
    CHECK_OK(vecstore_set_log_callback(hear, NULL, VECSTORE_LOG_ERROR));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_set_log_callback(hear, NULL, 5));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_set_log_callback(NULL, NULL, UINT32_MAX));
    CHECK_OK(vecstore_set_log_callback(NULL, NULL, 0));
}

static void hear_and_go(vecstore_log_level level, const char *message, void *payload) {
    hear(level, message, payload);
    CHECK_OK(vecstore_set_log_callback(NULL, NULL, 0));
}

static void a_function_may_remove_itself(void) {
    heard all = { 0 };
    vecstore_collection *collection = new_collection(test_path("c"));
    CHECK_OK(vecstore_set_log_callback(hear_and_go, &all, VECSTORE_LOG_INFO));
    CHECK_OK(vecstore_collection_snapshot(collection, test_path("a"), NULL));
    CHECK_OK(vecstore_collection_snapshot(collection, test_path("b"), NULL));
    CHECK(all.calls == 1 && strstr(all.text, "wrote a snapshot to '") != NULL);
    CHECK_OK(vecstore_collection_close(collection));
}

typedef struct user {
    vecstore_collection *collection;
    int calls;
} user;

static void use_the_collection(vecstore_log_level level, const char *message, void *payload) {
    (void)level, (void)message;
    user *one = payload;
    one->calls++;
    /* All of these would be told. */
    put(one->collection, 20, 5);
    CHECK_OK(vecstore_collection_optimize(one->collection, NULL));
    CHECK_OK(vecstore_collection_verify(one->collection));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_count(one->collection, "{", &(uint64_t){ 0 }));
}

static void a_function_may_use_the_collection(void) {
    user one = { filled_collection(test_path("c"), 10), 0 };
    CHECK_OK(vecstore_set_log_callback(use_the_collection, &one, VECSTORE_LOG_DEBUG));
    vecstore_set_slow_call_threshold(1);
    /* The text of an error is that of the call, whatever the function did. */
    CHECK_ERROR(NOT_FOUND, vecstore_collection_drop_payload_index(one.collection, "nowhere", NULL));
    CHECK(one.calls == 1 && strstr(vecstore_last_error(), "nowhere") != NULL);
    vecstore_set_slow_call_threshold(0);
    CHECK_OK(vecstore_set_log_callback(NULL, NULL, 0));
    CHECK_EQ(points_in(one.collection), 15);
    CHECK_OK(vecstore_collection_close(one.collection));
}

static atomic_bool is_over, is_gone;
static atomic_int late, told;

static void slow_to_hear(vecstore_log_level level, const char *message, void *payload) {
    (void)level, (void)message, (void)payload;
    told++;
    usleep(300);
    if (is_gone) late++;
}

static void *count_all_the_time(void *collection) {
    while (!is_over) points_in(collection);
    return NULL;
}

static void no_call_runs_once_it_was_removed(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), 10);
    pthread_t threads[3];
    vecstore_set_slow_call_threshold(1);
    for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&threads[i], NULL, count_all_the_time, collection) == 0);
    for (int i = 0; i < 30; i++) {
        is_gone = false;
        CHECK_OK(vecstore_set_log_callback(slow_to_hear, NULL, VECSTORE_LOG_WARNING));
        usleep(2000);
        CHECK_OK(vecstore_set_log_callback(NULL, NULL, 0));
        is_gone = true;
        usleep(500);
    }
    is_over = true;
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    vecstore_set_slow_call_threshold(0);
    CHECK_EQ(late, 0);
    CHECK_OK(vecstore_collection_close(collection));
}

static void a_child_of_fork_has_the_function_too(void) {
    heard all = { 0 };
    CHECK_OK(vecstore_set_log_callback(hear, &all, VECSTORE_LOG_DEBUG));
    pid_t child = fork();
    if (child == 0) {
        vecstore_vector_options vector = plain_vector();
        vecstore_collection *collection = NULL;
        if (vecstore_collection_create(test_path("c"), &vector, 1, NULL, &collection) != VECSTORE_OK) _exit(1);
        bool heard_it = strstr(all.text, "opened for writing") != NULL;
        if (vecstore_set_log_callback(NULL, NULL, 0) != VECSTORE_OK) _exit(2);
        _exit(vecstore_collection_close(collection) == VECSTORE_OK && heard_it ? 0 : 3);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    CHECK_EQ(all.calls, 0);
    CHECK_OK(vecstore_set_log_callback(NULL, NULL, 0));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(slow_calls_are_told),
        TEST(levels_are_numbers_of_the_header),
        TEST(a_function_may_remove_itself),
        TEST(a_function_may_use_the_collection),
        TEST(no_call_runs_once_it_was_removed),
        TEST(a_child_of_fork_has_the_function_too),
    };
    return RUN_TESTS(tests);
}
