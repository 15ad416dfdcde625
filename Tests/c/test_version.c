/*
 * Version, status names and the last error.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void library_has_the_version_of_its_header(void) {
    CHECK_EQ(vecstore_version_number(), VECSTORE_VERSION_NUMBER);
    CHECK_TEXT(vecstore_version_string(), VECSTORE_VERSION_STRING);
    CHECK(vecstore_version_string() == vecstore_version_string());
}

static void build_info_is_one_json_object(void) {
    const char *info = vecstore_build_info();
    REQUIRE(info);
    CHECK(info[0] == '{' && info[strlen(info) - 1] == '}');
    CHECK(strstr(info, "\"version\": \"" VECSTORE_VERSION_STRING "\""));
    static const char *const keys[] = {
        "isa", "isa_available", "isa_note", "blas", "blas_version", "blas_library", "blas_recognised_by",
        "blas_warning", "threads",
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char quoted[64] = "\"";
        CHECK(strstr(info, strcat(strcat(quoted, keys[i]), "\": ")));
    }
    CHECK(vecstore_build_info() == info);
}

/* What vecstore_build_info() says for a key, without quotes. The environment is read once: each test is a process. */
static const char *info_of(const char *key) {
    static char value[1024];
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *start = strstr(vecstore_build_info(), quoted);
    REQUIRE(start);
    start += strlen(quoted);
    bool is_text = *start == '"';
    size_t length = strcspn(start + is_text, is_text ? "\"" : ",}");
    REQUIRE(length < sizeof value);
    memcpy(value, start + is_text, length);
    value[length] = 0;
    return value;
}

static void the_environment_sets_the_number_of_threads(void) {
    setenv("VECSTORE_THREADS", "7", 1);
    CHECK_TEXT(info_of("threads"), "7");
    setenv("VECSTORE_THREADS", "8", 1);
    CHECK_TEXT(info_of("threads"), "7");
}

static void without_it_there_are_as_many_threads_as_processors(void) {
    char expected[16];
    cpu_set_t processors;
    REQUIRE(sched_getaffinity(0, sizeof processors, &processors) == 0);
    snprintf(expected, sizeof expected, "%d", CPU_COUNT(&processors));
    unsetenv("VECSTORE_THREADS");
    CHECK_TEXT(info_of("threads"), expected);
}

static void numbers_of_threads_out_of_range_are_not_followed(void) {
    setenv("VECSTORE_THREADS", "1025", 1);
    CHECK(strcmp(info_of("threads"), "1025") != 0);
    CHECK(atoi(info_of("threads")) >= 1);
}

static void the_environment_forces_an_instruction_set(void) {
    setenv("VECSTORE_ISA", "baseline", 1);
    CHECK_TEXT(info_of("isa"), "baseline");
    CHECK_TEXT(info_of("isa_note"), "");
    const float a[3] = { 1, 2, 2 }, b[3] = { 4, -2, 2 };
    float distance;
    CHECK_OK(vecstore_distance(a, b, 3, VECSTORE_METRIC_L2SQ, VECSTORE_DTYPE_F32, &distance));
    CHECK_FLOAT(distance, 25);
}

static void an_unknown_instruction_set_is_not_followed(void) {
    setenv("VECSTORE_ISA", "mmx", 1);
    CHECK(strcmp(info_of("isa"), "mmx") != 0);
    CHECK(strstr(info_of("isa_note"), "VECSTORE_ISA"));
}

static void statuses_have_names(void) {
    CHECK_TEXT(vecstore_status_name(VECSTORE_OK), "OK");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_INVALID_ARGUMENT), "INVALID_ARGUMENT");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_INVALID_HANDLE), "INVALID_HANDLE");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_UNSUPPORTED), "UNSUPPORTED");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_NOT_FINITE), "NOT_FINITE");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_ZERO_VECTOR), "ZERO_VECTOR");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_NOT_FOUND), "NOT_FOUND");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_ALREADY_EXISTS), "ALREADY_EXISTS");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_READ_ONLY), "READ_ONLY");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_OUT_OF_MEMORY), "OUT_OF_MEMORY");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_IO), "IO");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_CORRUPT), "CORRUPT");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_NEWER_VERSION), "NEWER_VERSION");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_TOO_LARGE), "TOO_LARGE");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_CANCELLED), "CANCELLED");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_LOCKED), "LOCKED");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_UNAVAILABLE), "UNAVAILABLE");
    CHECK_TEXT(vecstore_status_name(VECSTORE_ERR_INTERNAL), "INTERNAL");
}

static void other_statuses_are_unknown(void) {
    static const vecstore_status others[] = { -1, 17, 98, 100, INT32_MAX, INT32_MIN };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK_TEXT(vecstore_status_name(others[i]), "UNKNOWN");
    }
}

static void status_values_are_fixed(void) {
    CHECK_EQ(VECSTORE_ERR_INVALID_ARGUMENT, 1);
    CHECK_EQ(VECSTORE_ERR_INVALID_HANDLE, 2);
    CHECK_EQ(VECSTORE_ERR_UNSUPPORTED, 3);
    CHECK_EQ(VECSTORE_ERR_NOT_FINITE, 4);
    CHECK_EQ(VECSTORE_ERR_ZERO_VECTOR, 5);
    CHECK_EQ(VECSTORE_ERR_NOT_FOUND, 6);
    CHECK_EQ(VECSTORE_ERR_ALREADY_EXISTS, 7);
    CHECK_EQ(VECSTORE_ERR_READ_ONLY, 8);
    CHECK_EQ(VECSTORE_ERR_OUT_OF_MEMORY, 9);
    CHECK_EQ(VECSTORE_ERR_IO, 10);
    CHECK_EQ(VECSTORE_ERR_CORRUPT, 11);
    CHECK_EQ(VECSTORE_ERR_NEWER_VERSION, 12);
    CHECK_EQ(VECSTORE_ERR_TOO_LARGE, 13);
    CHECK_EQ(VECSTORE_ERR_CANCELLED, 14);
    CHECK_EQ(VECSTORE_ERR_LOCKED, 15);
    CHECK_EQ(VECSTORE_ERR_UNAVAILABLE, 16);
    CHECK_EQ(VECSTORE_ERR_INTERNAL, 99);
}

/* ---- the last error ---- */

static void last_error_is_empty_before_the_first(void) { CHECK_TEXT(vecstore_last_error(), ""); }

static void success_does_not_clear_the_last_error(void) {
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_create(NULL, NULL));
    char message[1024];
    strcpy(message, vecstore_last_error());
    float a[2] = { 1, 2 }, distance;
    CHECK_OK(vecstore_distance(a, a, 2, VECSTORE_METRIC_L2SQ, VECSTORE_DTYPE_F32, &distance));
    CHECK_TEXT(vecstore_last_error(), message);
}

static void last_error_is_replaced_by_the_next(void) {
    float a[2] = { 1, 2 }, distance;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(a, a, 0, VECSTORE_METRIC_L2SQ, VECSTORE_DTYPE_F32, &distance));
    CHECK(strstr(vecstore_last_error(), "dim is 0"));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(a, a, 2, 77, VECSTORE_DTYPE_F32, &distance));
    CHECK(strstr(vecstore_last_error(), "metric is 77"));
}

static void long_messages_are_cut_between_characters(void) {
    /* Each name is one byte longer than the one before, so that the cut falls on every byte of a character. */
    for (int lead = 0; lead < 8; lead++) {
        char path[4001] = "";
        memset(path, 'a', (size_t)lead);
        for (int i = 0; i < 600; i++) strcat(path, i % 2 ? "\xf0\x9f\x98\x80" : "\xc3\xa9");
        vecstore_index *index;
        vecstore_status status = vecstore_index_open(path, NULL, &index);
        CHECK(status != VECSTORE_OK);
        /* Checks the form of the message too. */
        check_status(status, status, __FILE__, __LINE__, "vecstore_index_open");
        CHECK(strlen(vecstore_last_error()) > 1000);
    }
}

static void messages_are_one_line_whatever_a_path_contains(void) {
    vecstore_index *index;
    CHECK_ERROR(NOT_FOUND, vecstore_index_open("/nowhere/two\nlines\tand\x01more", NULL, &index));
    for (const char *c = vecstore_last_error(); *c; c++) CHECK((unsigned char)*c >= 0x20);
}

static void *fail_in_another_thread(void *unused) {
    (void)unused;
    CHECK_TEXT(vecstore_last_error(), "");
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_verify(NULL));
    CHECK(strstr(vecstore_last_error(), "NULL"));
    return (void *)vecstore_last_error();
}

static void each_thread_has_its_own_last_error(void) {
    float a[2] = { 1, 2 }, distance;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_distance(a, a, 2, 77, VECSTORE_DTYPE_F32, &distance));
    pthread_t thread;
    void *other = NULL;
    REQUIRE(pthread_create(&thread, NULL, fail_in_another_thread, NULL) == 0);
    REQUIRE(pthread_join(thread, &other) == 0);
    CHECK(strstr(vecstore_last_error(), "metric is 77"));
    CHECK(other != vecstore_last_error());
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(library_has_the_version_of_its_header),
        TEST(build_info_is_one_json_object),
        TEST(the_environment_sets_the_number_of_threads),
        TEST(without_it_there_are_as_many_threads_as_processors),
        TEST(numbers_of_threads_out_of_range_are_not_followed),
        TEST(the_environment_forces_an_instruction_set),
        TEST(an_unknown_instruction_set_is_not_followed),
        TEST(statuses_have_names),
        TEST(other_statuses_are_unknown),
        TEST(status_values_are_fixed),
        TEST(last_error_is_empty_before_the_first),
        TEST(success_does_not_clear_the_last_error),
        TEST(last_error_is_replaced_by_the_next),
        TEST(long_messages_are_cut_between_characters),
        TEST(messages_are_one_line_whatever_a_path_contains),
        TEST(each_thread_has_its_own_last_error),
    };
    return RUN_TESTS(tests);
}
