/*
 * The harness of the C tests: children, checks, directories.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    most_seconds = 300,        /* of one test: it ends by a signal where it hangs */
    most_printed_failures = 10 /* of one test */
};

/* What a child tells its parent even where it crashes. */
typedef struct report {
    int failures;
    char note[512];
} report;

static report *shared;
static char directory[512];

/* ---- checks ---- */

bool check(bool holds, const char *file, int line, const char *format, ...) {
    if (holds) return true;
    if (__atomic_fetch_add(&shared->failures, 1, __ATOMIC_RELAXED) >= most_printed_failures) return false;
    const char *name = strrchr(file, '/');
    printf("  %s:%d: ", name ? name + 1 : file, line);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("%s%s\n", shared->note[0] ? ", at " : "", shared->note);
    return false;
}

bool check_equal(uint64_t actual, uint64_t expected, const char *file, int line, const char *what) {
    return check(
        actual == expected, file, line, "%s is %llu instead of %llu", what, (unsigned long long)actual,
        (unsigned long long)expected);
}

bool check_float(double actual, double expected, double most, const char *file, int line, const char *what) {
    bool near = actual == expected || fabs(actual - expected) <= most;
    return check(near, file, line, "%s is %.9g instead of %.9g", what, actual, expected);
}

bool check_text(const char *actual, const char *expected, const char *file, int line, const char *what) {
    return check(
        actual && strcmp(actual, expected) == 0, file, line, "%s is \"%s\" instead of \"%s\"", what,
        actual ? actual : "NULL", expected);
}

static bool is_utf8(const unsigned char *text) {
    while (*text) {
        int more = *text < 0x80 ? 0 : *text >= 0xc2 && *text < 0xe0 ? 1 : (*text & 0xf0) == 0xe0 ? 2
                 : *text >= 0xf0 && *text < 0xf5 ? 3 : -1;
        if (more < 0) return false;
        for (text++; more > 0; more--, text++) {
            if ((*text & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

bool check_status(vecstore_status status, vecstore_status expected, const char *file, int line, const char *call) {
    const char *message = vecstore_last_error();
    if (!check(message != NULL, file, line, "vecstore_last_error() is NULL after %s", call)) return false;
    if (!check(
            status == expected, file, line, "%s is %s instead of %s (%s)", call, vecstore_status_name(status),
            vecstore_status_name(expected), status ? message : "no error")) {
        return false;
    }
    if (expected == VECSTORE_OK) return true;
    bool is_well_formed = message[0] && strlen(message) <= 1023 && !strchr(message, '\n') &&
                          is_utf8((const unsigned char *)message);
    return check(is_well_formed, file, line, "the message of %s is \"%s\"", call, message);
}

bool is_passing(void) { return shared->failures == 0; }

void stop_test(void) {
    fflush(stdout);
    _exit(1);
}

void note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(shared->note, sizeof shared->note, format, arguments);
    va_end(arguments);
}

/* ---- directories ---- */

const char *test_directory(void) { return directory; }

const char *test_path(const char *name) {
    static char *paths[64];
    char path[sizeof directory + 512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    size_t i = 0;
    while (i < 64 && paths[i] && strcmp(paths[i], path) != 0) i++;
    REQUIRE(i < 64);
    if (!paths[i]) paths[i] = strdup(path);
    return paths[i];
}

static bool make_directory(void) {
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/vecstore-test-XXXXXX", parent && *parent ? parent : "/tmp");
    return mkdtemp(directory) != NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

/* ---- children ---- */

static bool passes(const test *test) {
    shared->failures = 0;
    shared->note[0] = 0;
    if (!make_directory()) {
        perror("mkdtemp");
        return false;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return false;
    }
    if (child == 0) {
        alarm(most_seconds);
        test->run();
        exit(is_passing() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (WIFSIGNALED(status)) {
        printf("  %s%s%s\n", strsignal(WTERMSIG(status)), shared->note[0] ? ", at " : "", shared->note);
    }
    bool has_passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!has_passed) printf("FAILED  %s (%d checks)\n", test->name, shared->failures);
    return has_passed;
}

static bool is_wanted(const test *test, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], test->name) == 0) return true;
    }
    return argc < 2;
}

int run_tests(const test *tests, size_t count, int argc, char **argv) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    int passed = 0, failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(&tests[i], argc, argv)) continue;
        if (passes(&tests[i])) passed++;
        else failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed || passed == 0 ? 1 : 0;
}
