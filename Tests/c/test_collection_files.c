/*
 * Points of collections in files: import and export.
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
#include <sys/stat.h>

enum { n = 200 };

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    REQUIRE(file);
    CHECK(fputs(text, file) >= 0);
    REQUIRE(fclose(file) == 0);
}

static void points_come_back_from_lines(void) {
    vecstore_collection *a = filled_collection(test_path("a"), n), *b = new_collection(test_path("b"));
    uint64_t points = 0;
    vecstore_import_result result = VECSTORE_IMPORT_RESULT_INIT;
    CHECK_OK(vecstore_collection_export(a, test_path("a.jsonl"), NULL, &points));
    CHECK_EQ(points, n);
    CHECK_OK(vecstore_collection_import(b, test_path("a.jsonl"), NULL, &result));
    CHECK(result.points == n && result.skipped == 0 && result.next_line == n + 1);
    CHECK_EQ(points_in(b), n);
    for (size_t i = 0; i < n; i += 17) {
        char *payload = payload_of(b, number_id(i));
        CHECK_TEXT(payload, point_payload(i));
        free(payload);
        vecstore_id id = number_id(i);
        vecstore_hits *hits = NULL;
        CHECK_OK(vecstore_collection_get(b, &id, 1, "", &hits));
        CHECK(memcmp(view_of(hits).vectors, point_vector(i), point_dim * sizeof(float)) == 0);
        vecstore_hits_free(hits);
    }
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void points_come_back_from_lines_and_a_file_of_vectors(void) {
    vecstore_collection *a = filled_collection(test_path("a"), n), *b = new_collection(test_path("b"));
    const vecstore_vector_file file = { NULL, test_path("a.npy") };
    vecstore_export_options out = VECSTORE_EXPORT_OPTIONS_INIT;
    out.vector_files = &file;
    out.n_vector_files = 1;
    out.filter = "{\"must\":[{\"key\":\"n\",\"range\":{\"lt\":50}}]}";
    uint64_t points = 0;
    CHECK_OK(vecstore_collection_export(a, test_path("a.jsonl"), &out, &points));
    CHECK_EQ(points, 50);
    struct stat status;
    CHECK(stat(file.path, &status) == 0 && (size_t)status.st_size == 128 + 50 * point_dim * sizeof(float));
    vecstore_import_options in = VECSTORE_IMPORT_OPTIONS_INIT;
    in.vector_files = &file;
    in.n_vector_files = 1;
    in.batch_size = 7;
    CHECK_OK(vecstore_collection_import(b, test_path("a.jsonl"), &in, NULL));
    check_points(b, 50);
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void lines_may_be_payloads_alone(void) {
    vecstore_collection *a = filled_collection(test_path("a"), 3), *b = new_collection(test_path("b"));
    const vecstore_vector_file file = { "", test_path("a.npy") };
    vecstore_export_options out = VECSTORE_EXPORT_OPTIONS_INIT;
    out.vector_files = &file;
    out.n_vector_files = 1;
    CHECK_OK(vecstore_collection_export(a, test_path("a.jsonl"), &out, NULL));
    write_text(test_path("bare.jsonl"), "{\"n\":0}\n{}\n{\"n\":2}");
    vecstore_import_options in = VECSTORE_IMPORT_OPTIONS_INIT;
    in.vector_files = &file;
    in.n_vector_files = 1;
    in.first_id = 10;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(b, test_path("bare.jsonl"), &in, NULL));
    in.bare_payloads = 1;
    CHECK_OK(vecstore_collection_import(b, test_path("bare.jsonl"), &in, NULL));
    char *payload = payload_of(b, number_id(12));
    CHECK_TEXT(payload, "{\"n\":2}");
    free(payload);
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void a_bad_line_is_told_and_the_import_goes_on(void) {
    const char *path = test_path("points.jsonl"), *other = test_path("other.jsonl");
    vecstore_collection *collection = new_collection(test_path("c"));
    const char *good = "{\"id\":%d,\"vector\":[1,2,3,4,5,6,7,8]}\n";
    char text[4096] = "";
    for (int i = 1; i <= 5; i++)
        if (i == 4) strcat(text, "{\"id\":4,\"vector\":[1,2]}\n");
        else sprintf(text + strlen(text), good, i);
    write_text(path, text);
    vecstore_import_result result = VECSTORE_IMPORT_RESULT_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(collection, path, NULL, &result));
    CHECK(strstr(vecstore_last_error(), "line 4 of '") != NULL);
    CHECK(result.points == 3 && result.next_line == 4);
    CHECK_EQ(points_in(collection), 3);
    vecstore_import_options options = VECSTORE_IMPORT_OPTIONS_INIT;
    options.start_line = result.next_line;
    options.skip_bad = 1;
    CHECK_OK(vecstore_collection_import(collection, path, &options, &result));
    CHECK(result.points == 1 && result.skipped == 1 && result.next_line == 6);
    CHECK_EQ(points_in(collection), 4);
    CHECK_ERROR(NOT_FOUND, vecstore_collection_import(collection, other, NULL, &result));
    CHECK(result.points == 0 && result.next_line == 1);
    CHECK_OK(vecstore_collection_close(collection));
}

static bool stop_at_once(uint64_t done, uint64_t total, void *calls) {
    CHECK(done <= total);
    ++*(int *)calls;
    return false;
}

static bool count_points(uint64_t done, uint64_t total, void *collection) {
    CHECK(done <= total && points_in(collection) > 0);
    return true;
}

static void both_can_be_cancelled(void) {
    vecstore_collection *a = filled_collection(test_path("a"), n), *b = new_collection(test_path("b"));
    int calls = 0;
    vecstore_export_options out = VECSTORE_EXPORT_OPTIONS_INIT;
    out.progress = stop_at_once;
    out.payload = &calls;
    CHECK_ERROR(CANCELLED, vecstore_collection_export(a, test_path("a.jsonl"), &out, NULL));
    struct stat status;
    CHECK(calls == 1 && stat(test_path("a.jsonl"), &status) != 0);
    CHECK_OK(vecstore_collection_export(a, test_path("a.jsonl"), NULL, NULL));
    vecstore_import_options in = VECSTORE_IMPORT_OPTIONS_INIT;
    in.batch_size = 10;
    in.progress = stop_at_once;
    in.payload = &calls;
    vecstore_import_result result = VECSTORE_IMPORT_RESULT_INIT;
    CHECK_ERROR(CANCELLED, vecstore_collection_import(b, test_path("a.jsonl"), &in, &result));
    CHECK(calls == 2 && result.points == 10 && result.next_line == 11);
    CHECK_EQ(points_in(b), 10);
    /* A callback of an import may use the collection. */
    in.progress = count_points;
    in.payload = b;
    in.start_line = result.next_line;
    CHECK_OK(vecstore_collection_import(b, test_path("a.jsonl"), &in, &result));
    CHECK_EQ(points_in(b), n);
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void bad_input_is_refused(void) {
    vecstore_collection *c = new_collection(test_path("c"));
    write_text(test_path("p.jsonl"), "");
    const char *path = test_path("p.jsonl");
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(NULL, path, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, NULL, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, "", NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, ".", NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(NULL, path, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(c, NULL, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(c, ".", NULL, NULL));
    CHECK_ERROR(NOT_FOUND, vecstore_collection_export(c, "/nowhere/at/all", NULL, NULL));

    vecstore_import_options in = VECSTORE_IMPORT_OPTIONS_INIT;
    in.struct_size = sizeof in - 1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, path, &in, NULL));
    vecstore_import_options wrong[] = { VECSTORE_IMPORT_OPTIONS_INIT, VECSTORE_IMPORT_OPTIONS_INIT, VECSTORE_IMPORT_OPTIONS_INIT,
        VECSTORE_IMPORT_OPTIONS_INIT, VECSTORE_IMPORT_OPTIONS_INIT, VECSTORE_IMPORT_OPTIONS_INIT };
    wrong[0].batch_size = 1048577;
    wrong[1].skip_bad = 2;
    wrong[2].bare_payloads = 2;
    wrong[3].reserved = 1;
    wrong[4].n_vector_files = 1;
    wrong[5].n_vector_files = 65;
    for (int i = 0; i < 6; i++) CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, path, &wrong[i], NULL));
    const vecstore_vector_file none = { NULL, NULL }, odd = { "x", path }, text = { NULL, path };
    in = (vecstore_import_options)VECSTORE_IMPORT_OPTIONS_INIT;
    in.n_vector_files = 1;
    in.vector_files = &none;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, path, &in, NULL));
    in.vector_files = &odd;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, path, &in, NULL));
    in.vector_files = &text;
    CHECK_ERROR(CORRUPT, vecstore_collection_import(c, path, &in, NULL));
    in.n_vector_files = SIZE_MAX;
    CHECK_ERROR(TOO_LARGE, vecstore_collection_import(c, path, &in, NULL));
    vecstore_import_result result = VECSTORE_IMPORT_RESULT_INIT;
    result.struct_size = 3;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import(c, path, NULL, &result));

    vecstore_export_options out = VECSTORE_EXPORT_OPTIONS_INIT;
    out.struct_size = 4;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(c, path, &out, NULL));
    out = (vecstore_export_options)VECSTORE_EXPORT_OPTIONS_INIT;
    out.reserved = 1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(c, path, &out, NULL));
    out.reserved = 0;
    out.filter = "{\"must\":";
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(c, path, &out, NULL));
    out.filter = NULL;
    out.n_vector_files = 1;
    out.vector_files = &text;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export(c, path, &out, NULL));
    CHECK_OK(vecstore_collection_close(c));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_import(c, path, NULL, NULL));
    CHECK_ERROR(INVALID_HANDLE, vecstore_collection_export(c, path, NULL, NULL));

    vecstore_collection *reader = open_collection(test_path("c"), true);
    CHECK_ERROR(READ_ONLY, vecstore_collection_import(reader, path, NULL, NULL));
    CHECK_OK(vecstore_collection_export(reader, test_path("out.jsonl"), NULL, NULL));
    CHECK_OK(vecstore_collection_close(reader));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(points_come_back_from_lines),
        TEST(points_come_back_from_lines_and_a_file_of_vectors),
        TEST(lines_may_be_payloads_alone),
        TEST(a_bad_line_is_told_and_the_import_goes_on),
        TEST(both_can_be_cancelled),
        TEST(bad_input_is_refused),
    };
    return RUN_TESTS(tests);
}
