/*
 * Saving: whole or not at all, whatever happens meanwhile.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { dim = 64 };

static vecstore_index *rows(size_t n) {
    float *vectors = random_vectors(F32, dim, n, n);
    vecstore_index *index = new_index(L2SQ, F32, dim);
    CHECK_OK(vecstore_index_add(index, vectors, F32, n, NULL, NULL, NULL));
    free(vectors);
    return index;
}

/* The number of rows of a file in which every byte is as it was written. */
static uint64_t count_in(const char *path) {
    vecstore_open_options options = VECSTORE_OPEN_OPTIONS_INIT;
    options.verify = 2;
    vecstore_index *index = NULL;
    REQUIRE_OK(vecstore_index_open(path, &options, &index));
    uint64_t count = count_of(index);
    vecstore_index_free(index);
    return count;
}

static size_t files_in(const char *path) {
    size_t count = 0;
    DIR *directory = opendir(path);
    REQUIRE(directory);
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_type == DT_REG;
    closedir(directory);
    return count;
}

static void saving_replaces_the_file_and_leaves_no_other(void) {
    vecstore_save_options fast = VECSTORE_SAVE_OPTIONS_INIT;
    fast.no_sync = 1;
    vecstore_index *few = rows(3), *many = rows(500);
    CHECK_OK(vecstore_index_save(many, test_path("file"), NULL));
    CHECK_EQ(count_in(test_path("file")), 500);
    CHECK_OK(vecstore_index_save(few, test_path("file"), &fast));
    CHECK_EQ(count_in(test_path("file")), 3);
    CHECK_OK(vecstore_index_save(many, test_path("file"), &fast));
    CHECK_EQ(count_in(test_path("file")), 500);
    CHECK_EQ(files_in(test_directory()), 1);
    vecstore_index_free(few);
    vecstore_index_free(many);
}

static void a_file_that_is_replaced_keeps_its_permissions(void) {
    struct stat status;
    vecstore_index *index = rows(3);
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    REQUIRE(chmod(test_path("file"), 0640) == 0);
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    REQUIRE(stat(test_path("file"), &status) == 0);
    CHECK_EQ(status.st_mode & 07777, 0640);
    umask(027);
    CHECK_OK(vecstore_index_save(index, test_path("new"), NULL));
    REQUIRE(stat(test_path("new"), &status) == 0);
    CHECK_EQ(status.st_mode & 07777, 0640);
    vecstore_index_free(index);
}

static void the_file_behind_a_symbolic_link_is_replaced(void) {
    struct stat status;
    vecstore_index *few = rows(3), *many = rows(50);
    REQUIRE(mkdir(test_path("elsewhere"), 0700) == 0);
    CHECK_OK(vecstore_index_save(few, test_path("elsewhere/file"), NULL));
    REQUIRE(symlink("elsewhere/file", test_path("link")) == 0);
    CHECK_OK(vecstore_index_save(many, test_path("link"), NULL));
    REQUIRE(lstat(test_path("link"), &status) == 0);
    CHECK(S_ISLNK(status.st_mode));
    CHECK_EQ(count_in(test_path("elsewhere/file")), 50);
    CHECK_EQ(files_in(test_directory()), 0);
    CHECK_EQ(files_in(test_path("elsewhere")), 1);
    vecstore_index_free(few);
    vecstore_index_free(many);
}

/* ---- a system that refuses ---- */

static void a_full_disk_leaves_the_old_file(void) {
    /* A limit on the size of files stands for the full disk: writing beyond it fails in the same way. */
    signal(SIGXFSZ, SIG_IGN);
    vecstore_index *few = rows(3), *many = rows(500);
    CHECK_OK(vecstore_index_save(few, test_path("file"), NULL));
    static const rlim_t limits[] = { 0, 1, 100, 5000, 65536, 131072 };
    for (int i = 0; i < 6; i++) {
        struct rlimit limit;
        REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
        limit.rlim_cur = limits[i];
        REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        note("limit %lu", (unsigned long)limits[i]);
        CHECK_ERROR(IO, vecstore_index_save(many, test_path("file"), NULL));
        CHECK_ERROR(IO, vecstore_index_save(many, test_path("other"), NULL));
        CHECK_EQ(count_in(test_path("file")), 3);
        CHECK_EQ(files_in(test_directory()), 1);
        limit.rlim_cur = limit.rlim_max;
        REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    CHECK_OK(vecstore_index_save(many, test_path("file"), NULL));
    CHECK_EQ(count_in(test_path("file")), 500);
    vecstore_index_free(few);
    vecstore_index_free(many);
}

static void a_directory_without_permission_is_an_error(void) {
    REQUIRE(mkdir(test_path("closed"), 0755) == 0);
    vecstore_index *few = rows(3), *many = rows(5);
    CHECK_OK(vecstore_index_save(few, test_path("closed/file"), NULL));
    REQUIRE(chmod(test_path("closed"), 0555) == 0 && chmod(test_directory(), 0755) == 0);
    /* Permissions do not hold for root. */
    if (getuid() == 0) REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    CHECK_ERROR(IO, vecstore_index_save(many, test_path("closed/file"), NULL));
    CHECK_ERROR(IO, vecstore_index_save(many, test_path("closed/other"), NULL));
    CHECK_EQ(count_in(test_path("closed/file")), 3);
    /* Where the test does not run as root, so that the directory can be removed. */
    chmod(test_path("closed"), 0755);
    vecstore_index_free(few);
    vecstore_index_free(many);
}

static void a_file_without_permission_cannot_be_opened(void) {
    vecstore_index *index = rows(3);
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    REQUIRE(chmod(test_path("file"), 0) == 0 && chmod(test_directory(), 0755) == 0);
    if (getuid() == 0) REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    vecstore_index *opened = (vecstore_index *)1;
    CHECK_ERROR(IO, vecstore_index_open(test_path("file"), NULL, &opened));
    CHECK(opened == NULL);
    vecstore_index_free(index);
}

/* ---- crashes and crowds ---- */

static void a_process_killed_while_saving_leaves_the_old_or_the_new_file(void) {
    uint64_t state = 8;
    vecstore_index *few = rows(200), *many = rows(300);
    const char *path = test_path("file");
    CHECK_OK(vecstore_index_save(few, path, NULL));
    for (int round = 0; round < 60 && is_passing(); round++) {
        note("round %d", round);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
            options.no_sync = round % 2;
            for (;;) {
                if (vecstore_index_save(many, path, &options) != VECSTORE_OK) _exit(1);
                if (vecstore_index_save(few, path, &options) != VECSTORE_OK) _exit(1);
            }
        }
        usleep((useconds_t)(500 + random_below(&state, 8000)));
        kill(child, SIGKILL);
        int status;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        uint64_t count = count_in(path);
        CHECK(count == 200 || count == 300);
    }
    /* What the dead have left is in nobody's way. */
    CHECK_OK(vecstore_index_save(many, path, NULL));
    CHECK_EQ(count_in(path), 300);
    vecstore_index_free(few);
    vecstore_index_free(many);
}

typedef struct saver {
    pthread_t thread;
    vecstore_index *index;
    const char *own_path;
} saver;

static void *save_often(void *argument) {
    const saver *self = argument;
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    for (int i = 0; i < 100; i++) {
        CHECK_OK(vecstore_index_save(self->index, test_path("shared"), &options));
        CHECK_OK(vecstore_index_save(self->index, self->own_path, &options));
    }
    return NULL;
}

static void many_save_to_the_same_file_at_once(void) {
    static const char *const names[] = { "0", "1", "2", "3" };
    saver savers[4];
    test_path("shared");
    for (size_t i = 0; i < 4; i++) {
        savers[i].index = rows(10 * (i + 1));
        savers[i].own_path = test_path(names[i]);
    }
    /* Another process with the same indexes joins in. */
    pid_t child = fork();
    REQUIRE(child >= 0);
    for (size_t i = 0; i < 4; i++) REQUIRE(pthread_create(&savers[i].thread, NULL, save_often, &savers[i]) == 0);
    for (int i = 0; i < 50; i++) {
        if (access(test_path("shared"), F_OK) == 0) CHECK_EQ(count_in(test_path("shared")) % 10, 0);
    }
    for (size_t i = 0; i < 4; i++) pthread_join(savers[i].thread, NULL);
    if (child == 0) _exit(is_passing() ? 0 : 1);
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(count_in(savers[i].own_path), 10 * (i + 1));
        vecstore_index_free(savers[i].index);
    }
    CHECK_EQ(files_in(test_directory()), 5);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(saving_replaces_the_file_and_leaves_no_other),
        TEST(a_file_that_is_replaced_keeps_its_permissions),
        TEST(the_file_behind_a_symbolic_link_is_replaced),
        TEST(a_full_disk_leaves_the_old_file),
        TEST(a_directory_without_permission_is_an_error),
        TEST(a_file_without_permission_cannot_be_opened),
        TEST(a_process_killed_while_saving_leaves_the_old_or_the_new_file),
        TEST(many_save_to_the_same_file_at_once),
    };
    return RUN_TESTS(tests);
}
