/*
 * The harness of the C tests. Each test runs in a child process, so that a crash is one failure and not the end.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <libvecstore.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct test {
    const char *name;
    void (*run)(void);
} test;

/* Runs all tests, or those that argv names, and prints "N passed, N failed". Returns the exit status of the program. */
int run_tests(const test *tests, size_t count, int argc, char **argv);

#define TEST(function) { #function, function }
#define RUN_TESTS(tests) run_tests(tests, sizeof(tests) / sizeof *(tests), argc, argv)

/* Records a failure where `holds` is false. Returns `holds`. */
__attribute__((format(printf, 4, 5))) bool check(bool holds, const char *file, int line, const char *format, ...);
/* The same for a status; an error must have a message of one line of UTF-8. */
bool check_status(vecstore_status status, vecstore_status expected, const char *file, int line, const char *call);
/* Ends the test, which has failed. */
_Noreturn void stop_test(void);

#define CHECK(condition) check((condition), __FILE__, __LINE__, "%s does not hold", #condition)
#define CHECK_EQ(actual, expected) check_equal((uint64_t)(actual), (uint64_t)(expected), __FILE__, __LINE__, #actual)
#define CHECK_FLOAT(actual, expected) check_float((actual), (expected), 0, __FILE__, __LINE__, #actual)
#define CHECK_NEAR(actual, expected, most) check_float((actual), (expected), (most), __FILE__, __LINE__, #actual)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), __FILE__, __LINE__, #actual)
#define CHECK_OK(call) check_status((call), VECSTORE_OK, __FILE__, __LINE__, #call)
#define CHECK_ERROR(name, call) check_status((call), VECSTORE_ERR_##name, __FILE__, __LINE__, #call)
/* For what the rest of a test cannot do without. */
#define REQUIRE(condition) do { if (!CHECK(condition)) stop_test(); } while (0)
#define REQUIRE_OK(call) do { if (!CHECK_OK(call)) stop_test(); } while (0)

bool check_equal(uint64_t actual, uint64_t expected, const char *file, int line, const char *what);
bool check_float(double actual, double expected, double most, const char *file, int line, const char *what);
bool check_text(const char *actual, const char *expected, const char *file, int line, const char *what);

/* Whether no check of this test has failed so far. */
bool is_passing(void);

/* Says what the test is about to do: it is printed where the test fails or crashes there. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);

/* A directory for this test alone, removed after it; and a path in it, which stays valid. */
const char *test_directory(void);
const char *test_path(const char *name);

#endif
