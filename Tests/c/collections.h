/*
 * Collections for the C tests: small ones whose points are known, and their directories.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COLLECTIONS_H
#define COLLECTIONS_H

#include <libvecstore.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The points of these tests: vector i is row i of random_vectors with the seed 1, and its payload is
 * {"n": i, "group": "g" and i % 4, "text": "word" and i % 7, "common"}.
 */
enum { point_dim = 8, most_points = 4096 };

const float *point_vector(size_t i);
/* In memory that the next call overwrites. */
const char *point_payload(size_t i);

static inline vecstore_id number_id(uint64_t number) { return (vecstore_id){ number, NULL }; }
static inline vecstore_id text_id(const char *text) { return (vecstore_id){ 0, text }; }

/* One unnamed vector of point_dim elements under L2SQ. */
vecstore_vector_options plain_vector(void);
/* An empty collection of these. Durability is NORMAL: tests need not wait for a disk. */
vecstore_collection *new_collection(const char *path);
vecstore_collection *new_collection_of(const char *path, const vecstore_vector_options *vectors, size_t n_vectors);
vecstore_collection *open_collection(const char *path, bool read_only);

/* Writes points first ... first + n - 1, whose ids are these numbers. */
vecstore_status try_to_put(vecstore_collection *collection, size_t first, size_t n);
void put(vecstore_collection *collection, size_t first, size_t n);
/* A collection of n points with indexes of "group" (keyword), "n" (integer) and "text" (text). */
vecstore_collection *filled_collection(const char *path, size_t n);

uint64_t points_in(const vecstore_collection *collection);
uint64_t matching(const vecstore_collection *collection, const char *filter);
bool has_point(const vecstore_collection *collection, vecstore_id id);
/* The payload of a point, for free(); NULL where it is not there. */
char *payload_of(const vecstore_collection *collection, vecstore_id id);
/* What describe says, for free(). */
char *description_of(const vecstore_collection *collection);

vecstore_hits_view view_of(const vecstore_hits *hits);
/* Checks that the points 0 ... n - 1 are there and found, and no others. */
void check_points(const vecstore_collection *collection, size_t n);

/* Makes a directory with copies of the files of another one, or removes one with its files. */
void copy_directory(const char *from, const char *to);
void remove_directory(const char *path);
/* Path of a file of a directory, in memory that the next call but three overwrites. */
const char *file_in(const char *directory, const char *name);

#endif
