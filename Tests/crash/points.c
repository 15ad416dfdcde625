/*
 * Opens or makes a collection, checks that it is in a state that it may be in, and goes on writing from there.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: points DIRECTORY SEED IDS BATCH DURABILITY LOW HIGH UNTIL TRIES
 *
 * The states LOW ... HIGH are allowed: how many writes of the sequence have been done; -1: there is no collection yet.
 * It writes until UNTIL have been done; with "+N": N more than it found; with "snapshot" it copies the collection to
 * DIRECTORY-copy instead; with "refresh" it waits for lines on its input, and sees at each what others have written.
 * DURABILITY: 1, 2, 3, as in the header; "31": 3, and 1 from the first time on that the collection is opened again; "r":
 * it is opened for reading alone, and nothing is written. What failed is tried again until it was tried TRIES times.
 *
 * It prints a line for each event: "at N" (the state it found), "did N", "failed N ...", "copied N", "end"; "wrong: ..."
 * where the library broke a promise; "refused: ..." where a call that reads failed. It exits with 0 after "end", with 1
 * where something was wrong, and with 3 where it gave up.
 */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG = 1, GAVE_UP = 3 };

static const char *directory;
static vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
static vecstore_durability next_durability;
static int tries;
static vecstore_collection *collection;

static void say(const char *event, long number)
{
    printf("%s %ld\n", event, number);
    fflush(stdout);
}

static void say_failure(const char *call, vecstore_status status, long number)
{
    printf("failed %ld: %s: %d: %s\n", number, call, (int)status, vecstore_last_error());
    fflush(stdout);
}

_Noreturn static void end(int code)
{
    fflush(stdout);
    exit(code);
}

static vecstore_status create(void)
{
    vecstore_vector_options vector = VECSTORE_VECTOR_OPTIONS_INIT;
    vector.dim = DIM;
    vector.metric = VECSTORE_METRIC_L2SQ;
    vector.kind = VECSTORE_KIND_HNSW;
    vector.ef_construction = 40;
    vector.m = 8;
    return vecstore_collection_create(directory, &vector, 1, &options, &collection);
}

/* Opens it, or makes it where that is allowed. */
static void open_collection(bool may_make, long step)
{
    for (int i = 0; i < tries; i++) {
        vecstore_status status = vecstore_collection_open(directory, &options, &collection);
        if (status == VECSTORE_OK) return;
        if (status == VECSTORE_ERR_NOT_FOUND && may_make) {
            status = create();
            if (status == VECSTORE_OK) say("did", 0);
            if (status == VECSTORE_OK) return;
        }
        say_failure("open", status, step);
    }
    end(GAVE_UP);
}

/* Checks everything; an error of a call is no fault of the library where calls of the system fail. */
static bool check_all(const model *m)
{
    contents contents;
    bool is_right = read_contents(collection, m->workload, &contents);
    if (is_right && !is_state(collection, m, &contents) && !is_wrong)
        is_right = fail("after write %u there are %zu points, not %zu, or others", m->step, contents.count, m->count);
    if (is_right) is_right = check_searches(collection, m, &contents);
    if (is_right) is_right = is_ok(vecstore_collection_verify(collection), "verify");
    contents_free(&contents);
    if (is_wrong || (!is_right && tries == 1)) end(WRONG);
    return is_right;
}

/* Brings the model to the state that the collection is in, one of those that are allowed. */
static void find_state(model *m, long low, long high)
{
    contents contents;
    bool is_known = false;
    for (int i = 0; i < tries && !is_known && !is_wrong; i++) {
        is_known = read_contents(collection, m->workload, &contents);
        if (!is_known) contents_free(&contents);
    }
    if (!is_known) end(is_wrong || tries == 1 ? WRONG : GAVE_UP);
    while ((long)m->step < low) model_advance(m);
    while (!is_state(collection, m, &contents)) {
        if ((long)m->step >= high) {
            fail("%zu points, in none of the states %ld ... %ld", contents.count, low, high);
            end(WRONG);
        }
        model_advance(m);
    }
    contents_free(&contents);
    check_all(m);
    say("at", m->step);
}

static void reopen(const model *m)
{
    vecstore_status status = vecstore_collection_close(collection);
    if (status != VECSTORE_OK) say_failure("close", status, m->step);
    options.durability = next_durability;
    open_collection(false, m->step);
}

/* Does the next write, and what failed again. After an error nothing has changed. */
static void write_one(model *m)
{
    if (is_reopening(m)) {
        reopen(m);
    } else {
        vecstore_status status = VECSTORE_OK;
        for (int i = 0; i < tries; i++) {
            status = write_next(m, collection, (uint32_t)i);
            if (status == VECSTORE_OK) break;
            say_failure("write", status, m->step + 1);
            contents contents;
            if (read_contents(collection, m->workload, &contents) && !is_state(collection, m, &contents) && !is_wrong)
                fail("a write that failed has changed something");
            contents_free(&contents);
            if (is_wrong) end(WRONG);
        }
        if (status != VECSTORE_OK) {
            vecstore_collection_close(collection);
            end(GAVE_UP);
        }
    }
    model_advance(m);
    say("did", m->step);
}

static void take_snapshot(const model *m)
{
    char path[4096];
    snprintf(path, sizeof path, "%s-copy", directory);
    vecstore_status status = VECSTORE_OK;
    for (int i = 0; i < tries; i++) {
        status = vecstore_collection_snapshot(collection, path, NULL);
        /* The first attempt may have failed after all was done. */
        if (status == VECSTORE_OK || (i > 0 && status == VECSTORE_ERR_ALREADY_EXISTS)) break;
        say_failure("snapshot", status, m->step);
        if (i + 1 == tries) end(GAVE_UP);
    }
    say("copied", m->step);
}

/* Each line of the input is a state that the collection must have reached. */
static void refresh_often(model *m)
{
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        bool has_changed = false;
        if (!is_ok(vecstore_collection_refresh(collection, &has_changed), "refresh")) end(WRONG);
        find_state(m, atol(line), atol(line) + 1000);
    }
}

int main(int argc, char **argv)
{
    if (argc != 10) {
        fprintf(stderr, "usage: points DIRECTORY SEED IDS BATCH DURABILITY LOW HIGH UNTIL TRIES\n");
        return 2;
    }
    directory = argv[1];
    workload workload = { strtoull(argv[2], NULL, 10), (uint32_t)atol(argv[3]), (uint32_t)atol(argv[4]) };
    options.read_only = strcmp(argv[5], "r") == 0;
    options.durability = options.read_only ? 0 : (vecstore_durability)(argv[5][0] - '0');
    next_durability = argv[5][1] ? (vecstore_durability)(argv[5][1] - '0') : options.durability;
    options.index_threads = 1;
    long low = atol(argv[6]), high = atol(argv[7]), until = atol(argv[8]);
    tries = atoi(argv[9]);
    model m;
    model_begin(&m, &workload);
    open_collection(low < 0, low);
    find_state(&m, low < 0 ? 0 : low, high);
    if (*argv[8] == '+') until += m.step;
    if (strcmp(argv[8], "snapshot") == 0) take_snapshot(&m);
    else if (strcmp(argv[8], "refresh") == 0) refresh_often(&m);
    else while (!options.read_only && (long)m.step < until) write_one(&m);
    check_all(&m);
    vecstore_status status = vecstore_collection_close(collection);
    if (status != VECSTORE_OK) say_failure("close", status, m.step);
    if (status != VECSTORE_OK && tries == 1) end(WRONG);
    printf("end\n");
    model_free(&m);
    return 0;
}
