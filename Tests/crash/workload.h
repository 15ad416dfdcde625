/*
 * A sequence of writes to a collection that follows from a seed, and what the collection holds after each of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <libvecstore.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIM = 8 };

typedef struct workload {
    uint64_t seed;
    uint32_t ids;   /* points that there may be */
    uint32_t batch; /* the most points in one call */
} workload;

/* What is there of a point. */
typedef struct version {
    uint32_t vector;  /* the number of the write that brought its vector; 0: there is no such point */
    uint32_t payload; /* the number of the write that brought or changed its payload; 0: it has none */
    bool has_base;    /* whether the payload has what comes with a vector */
    uint32_t attempt; /* which attempt at that write brought the vector, from 0: each writes another one */
} version;

/* The state after some writes. */
typedef struct model {
    const workload *workload;
    version *versions;
    uint32_t step; /* writes that were done: write `step + 1` comes next */
    size_t count;
    bool has_text, has_group; /* the indexes of payloads */
    uint64_t hash;            /* of all points, whatever their order */
} model;

void model_begin(model *model, const workload *workload);
void model_free(model *model);
/* Does the next write in the model. */
void model_advance(model *model);

/*
 * Does the write that comes after the state of a model. It may have been done already. Attempts differ in their vectors,
 * so that one that failed cannot pass for another.
 */
vecstore_status write_next(const model *model, vecstore_collection *collection, uint32_t attempt);
/* Whether that write closes the collection and opens it again, which the caller does. */
bool is_reopening(const model *model);

/* What is in a collection. */
typedef struct contents {
    version *versions;
    uint64_t hash;
    size_t count;
    uint64_t payload_hash; /* of the ids of those that have a payload */
    size_t payload_count;
} contents;

/*
 * What follows returns false where something is wrong, or where a call of the library failed. It prints "wrong: ..." or
 * "refused: ...", and notes the first of these in `is_wrong`.
 */
extern bool is_wrong;
__attribute__((format(printf, 1, 2))) bool fail(const char *format, ...);
bool is_ok(vecstore_status status, const char *call);

/* Reads all points; one that no write can have made is wrong. Free it in any case. */
void contents_free(contents *contents);
bool read_contents(const vecstore_collection *collection, const workload *workload, contents *contents);
/* Whether that is the state of a model. It prints nothing where it is another one. */
bool is_state(const vecstore_collection *collection, const model *model, const contents *contents);
/* Checks searches by vectors, words and filters against the state that a collection is in. */
bool check_searches(const vecstore_collection *collection, const model *model, const contents *contents);

#endif
