/*
 * Collections whose files are damaged: nothing crashes or hangs, and what verify accepts gives the answers of before.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_child_seconds = 60, most_answers = 16, few = 60, many = 2100, probes = 6, k = 5 };

/* ---- what a collection answers ---- */

typedef struct answers {
    uint64_t refused; /* calls */
    uint64_t count, in_group, in_range;
    uint64_t ids[probes * k], words[k];
    float distances[probes * k];
    uint64_t payloads; /* a sum over all of them, and the order of the points */
} answers;

/* The call may have been refused, but not without a reason or by a defect. */
static bool is_fine(vecstore_status status, const char *call) {
    if (status == VECSTORE_OK) return true;
    check(vecstore_last_error()[0] != 0, __FILE__, __LINE__, "%s fails without a message", call);
    check(
        status != VECSTORE_ERR_INTERNAL && strcmp(vecstore_status_name(status), "UNKNOWN") != 0, __FILE__, __LINE__,
            "%s is %s: %s",
        call, vecstore_status_name(status), vecstore_last_error());
    return false;
}

#define FINE(call) is_fine((call), #call)

static uint64_t mix(uint64_t sum, const char *text) {
    for (; *text; text++) sum = (sum ^ (unsigned char)*text) * 0x100000001b3;
    return sum * 31 + 7;
}

/* Asks everything. */
static void ask(const vecstore_collection *collection, answers *found) {
    vecstore_hits *hits;
    memset(found, 0, sizeof *found);
    found->refused += !FINE(vecstore_collection_count(collection, NULL, &found->count));
    found->refused += !FINE(vecstore_collection_count(
        collection, "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g1\"}}]}", &found->in_group));
    found->refused += !FINE(vecstore_collection_count(collection,
        "{\"must_not\":[{\"key\":\"n\",\"range\":{\"lt\":9}}]}", &found->in_range));
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.with_vector = 1;
    for (size_t i = 0; i < probes; i++) {
        if (!FINE(vecstore_collection_search(collection, point_vector(i * 9), F32, 1, k, &options, &hits))) {
            found->refused++;
            continue;
        }
        vecstore_hits_view view = view_of(hits);
        for (size_t j = 0; j < view.offsets[1]; j++) {
            found->ids[i * k + j] = view.ids[j].text ? mix(1, view.ids[j].text) : view.ids[j].number;
            found->distances[i * k + j] = view.distances[j];
        }
        vecstore_hits_free(hits);
    }
    if (FINE(vecstore_collection_search_text(collection, "word3", k, NULL, NULL, &hits))) {
        vecstore_hits_view view = view_of(hits);
        for (size_t j = 0; j < view.offsets[1]; j++) found->words[j] = view.ids[j].number + 1;
        vecstore_hits_free(hits);
    } else {
        found->refused++;
    }
    if (FINE(vecstore_collection_scroll(collection, NULL, most_points, NULL, "", &hits))) {
        vecstore_hits_view view = view_of(hits);
        for (size_t j = 0; j < view.offsets[1]; j++) {
            found->payloads = mix(found->payloads + view.ids[j].number, view.payloads[j]);
            if (view.ids[j].text) found->payloads = mix(found->payloads, view.ids[j].text);
        }
        vecstore_hits_free(hits);
    } else {
        found->refused++;
    }
    const vecstore_id ids[3] = { number_id(3), text_id("text"), number_id(40) };
    if (FINE(vecstore_collection_get(collection, ids, 3, "", &hits))) vecstore_hits_free(hits);
    else found->refused++;
    uint64_t revision;
    FINE(vecstore_collection_revision(collection, &revision));
    FINE(vecstore_collection_describe(collection, NULL, 0, NULL));
    if (FINE(vecstore_collection_facet(collection, "group", NULL, 10, &hits))) vecstore_hits_free(hits);
    if (FINE(vecstore_collection_search_groups(collection, point_vector(5), F32, "group", 2, 2, NULL,
        &hits))) vecstore_hits_free(hits);
    if (FINE(vecstore_collection_recommend(collection, ids, 1, NULL, 0, 3, NULL, &hits))) vecstore_hits_free(hits);
}

/* Changes everything that can be changed. */
static void change(vecstore_collection *collection) {
    const vecstore_id ids[4] = { number_id(3), number_id(5), text_id("text"), number_id(most_points) };
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    const char *payloads[4] = { "{\"group\":\"g1\",\"text\":\"word3\"}", NULL, NULL, "{\"n\":3}" };
    size_t changed;
    FINE(vecstore_collection_upsert(collection, ids, 4, &vectors, 1, payloads, NULL));
    FINE(vecstore_collection_update_vectors(collection, ids + 1, 1, &vectors, 1));
    FINE(vecstore_collection_change_payload(
        collection, NULL, 0, "{\"must\":[{\"key\":\"n\",\"range\":{\"lt\":20}}]}", VECSTORE_PAYLOAD_MERGE, "{\"x\":1}",
            NULL));
    FINE(vecstore_collection_remove(collection, ids + 2, 2, &changed));
    FINE(
        vecstore_collection_remove_matching(collection,
        "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g2\"}}]}", &changed));
    FINE(vecstore_collection_drop_payload_index(collection, "text", NULL));
    FINE(vecstore_collection_create_payload_index(collection, "text", "text", "stems"));
    FINE(vecstore_collection_optimize(collection, NULL));
}

/* ---- collections to damage ---- */

static const char *base;
/* What the undamaged collection answers, after each of the writes that a damaged log may take back. */
static answers expected[most_answers];
static size_t expected_count;

static bool is_expected(const answers *found) {
    for (size_t i = 0; i < expected_count; i++) if (memcmp(found, &expected[i], sizeof *found) == 0) return true;
    return false;
}

static void learn(const vecstore_collection *collection) {
    REQUIRE(expected_count < most_answers);
    ask(collection, &expected[expected_count++]);
}

static vecstore_collection *start(const char *path, size_t n, vecstore_kind kind) {
    vecstore_vector_options vector = plain_vector();
    vector.kind = kind;
    vector.ef_construction = 40;
    vecstore_collection *collection = new_collection_of(path, &vector, 1);
    expected_count = 0;
    learn(collection);
    CHECK_OK(vecstore_collection_create_payload_index(collection, "group", "keyword", NULL));
    CHECK_OK(vecstore_collection_create_payload_index(collection, "n", "integer", NULL));
    CHECK_OK(vecstore_collection_create_payload_index(collection, "text", "text", "words"));
    learn(collection);
    put(collection, 0, n);
    learn(collection);
    return collection;
}

static void add_others(vecstore_collection *collection) {
    const vecstore_id ids[3] = { text_id("text"), number_id((uint64_t)1 << 63), text_id("\xc3\xa4") };
    const int64_t expires[3] = { 0, INT64_MAX, 0 };
    const vecstore_batch_vectors vectors = { NULL, point_vector(100), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 3, &vectors, 1, NULL, expires));
}

/* A collection that was closed; with many points it has a graph. */
static void make_closed(size_t n, vecstore_kind kind) {
    base = test_path("base");
    vecstore_collection *collection = start(base, n, kind);
    add_others(collection);
    CHECK_OK(vecstore_collection_remove(collection, (const vecstore_id[]){ number_id(11) }, 1, NULL));
    CHECK_OK(vecstore_collection_optimize(collection, NULL));
    expected_count = 0;
    learn(collection);
    CHECK_EQ(expected[0].refused, 0);
    CHECK_OK(vecstore_collection_close(collection));
}

/* Copies of a collection that was not closed: all that was written is in the log. */
static void make_live(void) {
    base = test_path("base");
    vecstore_collection *collection = start(test_path("live"), few, 0);
    for (size_t i = 0; i < 4; i++) {
        put(collection, few + i * 10, 10);
        learn(collection);
    }
    add_others(collection);
    learn(collection);
    copy_directory(test_path("live"), base);
    CHECK_OK(vecstore_collection_close(collection));
}

/* The name of the first file of a directory that begins so; NULL where there is none. */
static const char *file_named(const char *directory, const char *beginning) {
    static char name[300];
    DIR *stream = opendir(directory);
    REQUIRE(stream);
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(stream));) {
        found = strncmp(entry->d_name, beginning, strlen(beginning)) == 0;
        if (found) snprintf(name, sizeof name, "%s", entry->d_name);
    }
    closedir(stream);
    return found ? name : NULL;
}

/* ---- one damaged copy ---- */

static bool restores;

/* What is repaired is whole, but for points that are lost. */
static void repair(vecstore_collection *collection, bool is_whole) {
    size_t damages = 0;
    char report[1 << 14] = "";
    if (!FINE(vecstore_collection_repair(collection, NULL, &damages))) {
        CHECK(!is_whole);
        return;
    }
    if (is_whole) CHECK_EQ(damages, 0);
    CHECK_OK(vecstore_collection_repair_report(collection, report, sizeof report, NULL));
    CHECK((damages == 0) == (strcmp(report, "[]") == 0));
    bool is_all = !strstr(report, "\"repaired\":false");
    if (is_all) CHECK_OK(vecstore_collection_verify(collection));
    bool is_compact = FINE(vecstore_collection_compact(collection, NULL, NULL, NULL));
    if (is_all) CHECK(is_compact);
    if (is_all) CHECK_OK(vecstore_collection_verify(collection));
}

static void use_copy(const char *path) {
    answers found;
    bool is_whole = false;
    for (int read_only = 1; read_only >= 0; read_only--) {
        vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
        options.read_only = (uint32_t)read_only;
        options.durability = VECSTORE_DURABILITY_NONE;
        options.index_threads = 1;
        vecstore_collection *collection = (vecstore_collection *)1;
        bool is_open = FINE(vecstore_collection_open(path, &options, &collection));
        CHECK((collection != NULL) == is_open);
        if (!is_open) continue;
        is_whole = FINE(vecstore_collection_verify(collection));
        ask(collection, &found);
        if (is_whole) CHECK(is_expected(&found));
        if (!read_only) {
            repair(collection, is_whole);
            change(collection);
            ask(collection, &found);
            if (is_whole) CHECK_OK(vecstore_collection_verify(collection));
        }
        vecstore_status status = vecstore_collection_close(collection);
        if (is_whole) CHECK_OK(status);
        else is_fine(status, "close");
    }
    /* That waits for the disk, so not for each. */
    if (restores) FINE(vecstore_collection_restore(path, test_path("restored"), NULL));
}

/* Copies the collection, damages the copy, and uses it in a child, which may not crash. */
static void check_damage(void (*damage)(const char *path, const void *how), const void *how) {
    static unsigned calls;
    const char *path = test_path("copy");
    restores = calls++ % 16 == 0;
    copy_directory(base, path);
    damage(path, how);
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(most_child_seconds);
        use_copy(path);
        fflush(stdout);
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) check(false, __FILE__, __LINE__, "a signal: %s", strsignal(WTERMSIG(status)));
    remove_directory(path);
    if (access(test_path("restored"), F_OK) == 0) remove_directory(test_path("restored"));
}

/* ---- kinds of damage ---- */

typedef struct flips {
    const char *file;
    size_t count;
    uint64_t seed;
} flips;

static void flip(const char *path, const void *how) {
    const flips *flips = how;
    size_t size;
    unsigned char *bytes = read_bytes(file_in(path, flips->file), &size);
    uint64_t state = flips->seed;
    for (size_t i = 0; i < flips->count && size > 0; i++) {
        bytes[random_below(&state, size)] ^= (unsigned char)(1 + random_below(&state, 255));
    }
    write_bytes(file_in(path, flips->file), bytes, size);
    free(bytes);
}

static void flip_many(const char *beginning, size_t variants, uint64_t seed) {
    const char *name = file_named(base, beginning);
    REQUIRE(name);
    for (size_t i = 0; i < variants; i++) {
        const flips how = { name, (size_t)1 << i % 6, seed * 1000 + i };
        note("%s: %zu bytes, seed %llu", name, how.count, (unsigned long long)how.seed);
        check_damage(flip, &how);
    }
}

typedef struct cut {
    const char *file;
    size_t left;
} cut;

static void truncate_file(const char *path, const void *how) {
    const cut *cut = how;
    REQUIRE(truncate(file_in(path, cut->file), (off_t)cut->left) == 0);
}

static void cut_many(const char *beginning, size_t variants, uint64_t seed) {
    const char *name = file_named(base, beginning);
    REQUIRE(name);
    size_t size;
    free(read_bytes(file_in(base, name), &size));
    for (size_t i = 0; i < variants; i++) {
        /* Whole pages, odd ends, and nothing at all. */
        size_t left = i == 0 ? 0 : random_below(&seed, size + 1);
        if (i % 2) left &= ~(size_t)4095;
        const cut how = { name, left };
        note("%s: %zu of %zu bytes", name, left, size);
        check_damage(truncate_file, &how);
    }
}

static void remove_one(const char *path, const void *name) { REQUIRE(unlink(file_in(path, name)) == 0); }

static void fill_with_garbage(const char *path, const void *name) {
    unsigned char garbage[5000];
    uint64_t state = 3;
    for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (unsigned char)random_bits(&state);
    write_bytes(file_in(path, name), garbage, sizeof garbage);
}

static void make_directory_of(const char *path, const void *name) {
    remove_one(path, name);
    REQUIRE(mkdir(file_in(path, name), 0777) == 0);
}

static void swap(const char *path, const void *name) {
    size_t size;
    unsigned char *bytes = read_bytes(file_in(test_path("other"), name), &size);
    write_bytes(file_in(path, name), bytes, size);
    free(bytes);
}

/* Calls `body` with the name of each file of the collection, in memory that stays. */
static void for_each_name(void (*body)(const char *name)) {
    char names[16][300];
    size_t count = 0;
    DIR *stream = opendir(base);
    REQUIRE(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (entry->d_name[0] == '.') continue;
        REQUIRE(count < 16);
        snprintf(names[count++], sizeof names[0], "%s", entry->d_name);
    }
    closedir(stream);
    for (size_t i = 0; i < count; i++) body(names[i]);
}

static void lose(const char *name) {
    note("without %s", name);
    check_damage(remove_one, name);
    note("garbage for %s", name);
    check_damage(fill_with_garbage, name);
}

static void take_other(const char *name) {
    if (access(file_in(test_path("other"), name), F_OK) != 0) return;
    note("%s of another collection", name);
    check_damage(swap, name);
}

/* ---- tests ---- */

static void nothing(const char *path, const void *how) { (void)path, (void)how; }

static void copies_without_damage_are_whole(void) {
    make_closed(few, 0);
    check_damage(nothing, NULL);
    vecstore_collection *collection = NULL;
    REQUIRE_OK(vecstore_collection_open(base, NULL, &collection));
    CHECK_OK(vecstore_collection_verify(collection));
    CHECK_OK(vecstore_collection_close(collection));
}

static void bytes_of_the_database_are_flipped(void) {
    make_closed(few, 0);
    flip_many("collection.db", 250, 1);
}

static void bytes_of_the_log_are_flipped(void) {
    make_live();
    flip_many("collection.db-wal", 80, 2);
    flip_many("collection.db-shm", 20, 3);
}

static void bytes_of_vectors_are_flipped(void) {
    make_closed(few, 0);
    flip_many("vectors-0.rows", 60, 4);
}

static void bytes_of_a_graph_are_flipped(void) {
    make_closed(many, VECSTORE_KIND_HNSW);
    flip_many("graph-", 40, 5);
    cut_many("graph-", 10, 6);
}

static void bytes_of_ids_are_flipped(void) {
    make_closed(many, VECSTORE_KIND_FLAT);
    flip_many("points-", 20, 7);
    cut_many("points-", 5, 8);
}

static void files_are_cut(void) {
    make_closed(few, 0);
    cut_many("collection.db", 25, 7);
    cut_many("vectors-0.rows", 15, 8);
}

static void a_log_is_cut(void) {
    make_live();
    cut_many("collection.db-wal", 30, 9);
    cut_many("collection.db-shm", 4, 10);
}

static void files_are_lost_or_replaced(void) {
    make_closed(many, VECSTORE_KIND_HNSW);
    for_each_name(lose);
    note("a directory for the rows");
    const char *rows = "vectors-0.rows";
    copy_directory(base, test_path("with-directory"));
    make_directory_of(test_path("with-directory"), rows);
    vecstore_collection *collection = NULL;
    CHECK(!FINE(vecstore_collection_open(test_path("with-directory"), NULL, &collection)));
    REQUIRE(rmdir(file_in(test_path("with-directory"), rows)) == 0);
}

static void files_of_a_live_collection_are_lost_or_replaced(void) {
    make_live();
    for_each_name(lose);
}

static void files_of_another_collection_are_refused(void) {
    vecstore_collection *other = start(test_path("other"), few, 0);
    CHECK_OK(vecstore_collection_close(other));
    make_closed(few, 0);
    for_each_name(take_other);
}

static void files_of_another_live_collection_are_refused(void) {
    vecstore_collection *other = start(test_path("running"), few, 0);
    copy_directory(test_path("running"), test_path("other"));
    CHECK_OK(vecstore_collection_close(other));
    make_live();
    for_each_name(take_other);
}

/* Points that have ended are found by an index of their ends: it may name rows that cannot be. */
static void rows_that_cannot_be_in_an_index_do_no_harm(void) {
    const int64_t end = 0x0001020304050607;
    const unsigned char entry[] = { 3, 6, 1, 0, 1, 2, 3, 4, 5, 6, 7 };
    base = test_path("base");
    vecstore_collection *collection = start(base, few, 0);
    const vecstore_id ids[2] = { number_id(1000), number_id(1001) };
    const int64_t expires[2] = { end, INT64_MAX };
    const vecstore_batch_vectors vectors = { NULL, point_vector(100), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 2, &vectors, 1, NULL, expires));
    CHECK_OK(vecstore_collection_close(collection));
    size_t size;
    unsigned char *bytes = read_bytes(file_in(base, "collection.db"), &size);
    unsigned char *place = memmem(bytes, size, entry, sizeof entry);
    REQUIRE(place);
    static const unsigned char rows[] = { 0xff, 0x80, 0x7f, few + 2, 0 };
    for (size_t i = 0; i < sizeof rows; i++) {
        note("row %d", (int)(signed char)rows[i]);
        place[sizeof entry] = rows[i];
        write_bytes(file_in(base, "collection.db"), bytes, size);
        check_damage(nothing, NULL);
    }
    free(bytes);
}

/* ---- forged files ---- */

/* Replaces bytes by others wherever they stand in a file. */
static void forge(const char *name, const char *old, const char *new, size_t size) {
    size_t length;
    unsigned char *bytes = read_bytes(file_in(base, name), &length), *end = bytes + length;
    size_t places = 0;
    for (unsigned char *at = bytes; (at = memmem(at, (size_t)(end - at), old, size)); at += size, places++) memcpy(at,
        new, size);
    CHECK(places > 0);
    write_bytes(file_in(base, name), bytes, length);
    free(bytes);
}

/* Whether a collection is refused by open, or by verify, as damaged. */
static void check_is_noticed(void) {
    vecstore_collection *collection = NULL;
    vecstore_status status = vecstore_collection_open(base, NULL, &collection);
    if (status == VECSTORE_OK) status = vecstore_collection_verify(collection);
    check_status(status, VECSTORE_ERR_CORRUPT, __FILE__, __LINE__, "open or verify");
    vecstore_collection_close(collection);
    check_damage(nothing, NULL);
}

static void a_letter_of_a_payload_that_changed_is_noticed(void) {
    make_closed(few, 0);
    forge("collection.db", "\"n\":33,\"group\":\"g1\"", "\"n\":33,\"group\":\"g2\"", 19);
    check_is_noticed();
}

static void tables_that_are_not_those_of_a_collection_are_refused(void) {
    static const char *const names[][2] = {
        { "checksum INTEGER NOT NULL, missing", "checksun INTEGER NOT NULL, missing" }, { "TABLE points (",
            "TABLE paints (" },
        { "value) WITHOUT ROWID", "valve) WITHOUT ROWID" }, { "expires INTEGER, payload", "expired INTEGER, payload" },
        { "model_version TEXT", "model_versign TEXT" }, { "rows INTEGER NOT NULL)", "rowz INTEGER NOT NULL)" },
        { "place INTEGER NOT NULL UNIQUE", "plane INTEGER NOT NULL UNIQUE" }, { "INDEX points_id ON",
            "INDEX points_ic ON" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        note("%s", names[i][1]);
        make_closed(few, 0);
        forge("collection.db", names[i][0], names[i][1], strlen(names[i][0]));
        check_damage(nothing, NULL);
        remove_directory(base);
    }
}

static void ids_of_a_graph_that_no_row_has_do_no_harm(void) {
    make_closed(many, VECSTORE_KIND_HNSW);
    char path[1024];
    snprintf(path, sizeof path, "%s", file_in(base, file_named(base, "graph-")));
    size_t size, length = 0;
    unsigned char *bytes = read_bytes(path, &size), *copy = malloc(size);
    REQUIRE(copy);
    static const uint64_t ids[] = { many + 5, 1 << 16, (uint64_t)1 << 31, (uint64_t)1 << 32, (uint64_t)1 << 63,
        UINT64_MAX - 1 };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        /* All of them, or the last one. */
        for (int all = 0; all < 2; all++) {
            note("id %llu%s", (unsigned long long)ids[i], all ? " and those before" : "");
            memcpy(copy, bytes, size);
            unsigned char *content = content_of(copy, ids_section, &length);
            REQUIRE(content && length >= 8 * many / 2);
            const size_t count = length / 8;
            for (size_t j = all ? 0 : count - 1; j < count; j++) put_u64(content, 8 * j, ids[i] - (count - 1 - j));
            seal(copy, size);
            write_bytes(path, copy, size);
            check_damage(nothing, NULL);
        }
    }
    free(copy);
    free(bytes);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(copies_without_damage_are_whole),
        TEST(bytes_of_the_database_are_flipped),
        TEST(bytes_of_the_log_are_flipped),
        TEST(bytes_of_vectors_are_flipped),
        TEST(bytes_of_a_graph_are_flipped),
        TEST(bytes_of_ids_are_flipped),
        TEST(files_are_cut),
        TEST(a_log_is_cut),
        TEST(files_are_lost_or_replaced),
        TEST(files_of_a_live_collection_are_lost_or_replaced),
        TEST(files_of_another_collection_are_refused),
        TEST(files_of_another_live_collection_are_refused),
        TEST(rows_that_cannot_be_in_an_index_do_no_harm),
        TEST(a_letter_of_a_payload_that_changed_is_noticed),
        TEST(tables_that_are_not_those_of_a_collection_are_refused),
        TEST(ids_of_a_graph_that_no_row_has_do_no_harm),
    };
    return RUN_TESTS(tests);
}
