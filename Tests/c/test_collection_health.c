/*
 * What a collection says of its health.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In memory that the next call overwrites. */
static const char *health_of(const vecstore_collection *collection) {
    static char text[4096];
    size_t needed = 0;
    REQUIRE_OK(vecstore_collection_health(collection, text, sizeof text, &needed));
    REQUIRE(needed < sizeof text && strlen(text) == needed);
    return text;
}

static void a_collection_that_works_is_well(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), 10);
    vecstore_collection *reader = open_collection(test_path("c"), true);
    CHECK_TEXT(health_of(collection), "{\"status\":\"ok\",\"reasons\":[]}");
    CHECK_TEXT(health_of(reader), "{\"status\":\"ok\",\"reasons\":[]}");
    CHECK_OK(vecstore_collection_close(reader));
    CHECK_OK(vecstore_collection_close(collection));
}

static void a_lock_that_was_lost_is_told(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    CHECK(unlink(file_in(test_path("c"), "lock")) == 0);
    CHECK(strstr(health_of(collection), "{\"status\":\"failed\",\"reasons\":[{\"code\":\"lock_lost\",\"status\":\"failed\",") != NULL);
    CHECK_OK(vecstore_collection_close(collection));
}

static void a_directory_that_is_gone_is_told(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    CHECK(rename(test_path("c"), test_path("d")) == 0);
    CHECK(strstr(health_of(collection), "\"code\":\"directory_gone\"") != NULL);
    CHECK(rename(test_path("d"), test_path("c")) == 0);
    CHECK_TEXT(health_of(collection), "{\"status\":\"ok\",\"reasons\":[]}");
    CHECK_OK(vecstore_collection_close(collection));
}

static void a_child_of_fork_is_told_that_it_is_one(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    pid_t child = fork();
    if (child == 0) {
        char text[1024];
        if (vecstore_collection_health(collection, text, sizeof text, NULL) != VECSTORE_OK) _exit(1);
        _exit(strstr(text, "{\"status\":\"failed\",\"reasons\":[{\"code\":\"forked\"") == text ? 0 : 2);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    CHECK_OK(vecstore_collection_close(collection));
}

static void bad_input_is_refused(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    char byte;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_health(NULL, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_health(collection, NULL, 1, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_collection_health(collection, &byte, SIZE_MAX, NULL));
    CHECK_OK(vecstore_collection_health(collection, NULL, 0, NULL));
    CHECK_OK(vecstore_collection_close(collection));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_health(collection, NULL, 0, NULL));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_collection_that_works_is_well),
        TEST(a_lock_that_was_lost_is_told),
        TEST(a_directory_that_is_gone_is_told),
        TEST(a_child_of_fork_is_told_that_it_is_one),
        TEST(bad_input_is_refused),
    };
    return RUN_TESTS(tests);
}
