/*
 * Metrics of collections.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { n = 50 };

/* What a collection says, for free(). */
static char *metrics_of(const vecstore_collection *collection, const char *name) {
    size_t needed = 0;
    REQUIRE_OK(vecstore_collection_metrics(collection, name, NULL, 0, &needed));
    /* Numbers may get more digits. */
    char *text = malloc(needed + 4096);
    REQUIRE(text);
    REQUIRE_OK(vecstore_collection_metrics(collection, name, text, needed + 4096, NULL));
    return text;
}

static bool says(const char *text, const char *line) {
    const char *place = strstr(text, line);
    return place && (place == text || place[-1] == '\n') && place[strlen(line)] == '\n';
}

static void calls_points_and_bytes_are_told(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    CHECK_EQ(points_in(collection), n);
    CHECK_ERROR(NOT_FINITE, vecstore_collection_search(collection, (float[point_dim]){ 1.0f / 0.0f }, F32, 1, 1, NULL,
        &(vecstore_hits *){ NULL }));
    char *text = metrics_of(collection, "mine");
    CHECK(says(text, "# TYPE vecstore_collection_calls_total counter"));
    CHECK(says(text, "vecstore_collection_calls_total{collection=\"mine\",operation=\"count\",status=\"ok\"} 1"));
    CHECK(says(text, "vecstore_collection_calls_total{collection=\"mine\",operation=\"search\",status=\"not_finite\"} 1"));
    CHECK(says(text, "vecstore_collection_points{collection=\"mine\"} 50"));
    CHECK(says(text, "vecstore_collection_call_duration_seconds_count{collection=\"mine\",operation=\"count\"} 1"));
    CHECK(strstr(text, "vecstore_collection_disk_bytes{collection=\"mine\",part=\"vectors\"} ") != NULL);
    free(text);
    text = metrics_of(collection, NULL);
    CHECK(says(text, "vecstore_collection_points{collection=\"c\"} 50"));
    free(text);
    CHECK_OK(vecstore_collection_close(collection));
}

static void several_collections_are_told_in_one_text(void) {
    vecstore_collection *a = filled_collection(test_path("a"), n), *b = new_collection(test_path("b"));
    const vecstore_collection *both[] = { a, b };
    const char *names[] = { "first", NULL };
    char *text = malloc(1 << 20);
    REQUIRE(text);
    CHECK_OK(vecstore_collections_metrics(both, names, 2, text, 1 << 20, NULL));
    CHECK(says(text, "vecstore_collection_points{collection=\"first\"} 50\nvecstore_collection_points{collection=\"b\"} 0"));
    CHECK_OK(vecstore_collections_metrics(both, NULL, 2, text, 1 << 20, NULL));
    CHECK(says(text, "vecstore_collection_points{collection=\"a\"} 50\nvecstore_collection_points{collection=\"b\"} 0"));
    CHECK_OK(vecstore_collections_metrics(NULL, NULL, 0, text, 1 << 20, NULL));
    CHECK_TEXT(text, "");
    const vecstore_collection *twice[] = { a, a };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collections_metrics(twice, NULL, 2, text, 1 << 20, NULL));
    free(text);
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void a_text_is_cut_where_there_is_no_room(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    char buffer[8] = "xxxxxxx";
    size_t needed = 0;
    CHECK_OK(vecstore_collection_metrics(collection, NULL, buffer, 7, &needed));
    CHECK_TEXT(buffer, "# HELP");
    CHECK(needed > 1000 && buffer[7] == 0);
    CHECK_OK(vecstore_collection_close(collection));
}

static void bad_input_is_refused(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    const vecstore_collection *handles[] = { collection, NULL };
    char byte;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_metrics(NULL, NULL, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_metrics(collection, NULL, NULL, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_metrics(collection, "\xff", NULL, 0, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_collection_metrics(collection, NULL, &byte, SIZE_MAX, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collections_metrics(NULL, NULL, 1, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collections_metrics(handles, NULL, 2, NULL, 0, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_collections_metrics(handles, NULL, SIZE_MAX, NULL, 0, NULL));
    CHECK_OK(vecstore_collection_close(collection));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_metrics(collection, NULL, NULL, 0, NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collections_metrics(handles, NULL, 1, NULL, 0, NULL));
    CHECK_ERROR(INVALID_HANDLE,
        vecstore_collection_metrics((vecstore_collection *)(uintptr_t)0xA4000000000000ff, NULL, NULL, 0, NULL));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(calls_points_and_bytes_are_told),
        TEST(several_collections_are_told_in_one_text),
        TEST(a_text_is_cut_where_there_is_no_room),
        TEST(bad_input_is_refused),
    };
    return RUN_TESTS(tests);
}
