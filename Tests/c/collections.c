/*
 * Collections for the C tests.
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
#include <unistd.h>

/* ---- points ---- */

const float *point_vector(size_t i) {
    static float *vectors;
    if (!vectors) vectors = random_vectors(F32, point_dim, most_points, 1);
    return vectors + i * point_dim;
}

static void write_payload(char *text, size_t size, size_t i) {
    snprintf(text, size, "{\"n\":%zu,\"group\":\"g%zu\",\"text\":\"word%zu common\"}", i, i % 4, i % 7);
}

const char *point_payload(size_t i) {
    static char text[128];
    write_payload(text, sizeof text, i);
    return text;
}

vecstore_vector_options plain_vector(void) {
    vecstore_vector_options options = VECSTORE_VECTOR_OPTIONS_INIT;
    options.dim = point_dim;
    options.metric = L2SQ;
    return options;
}

vecstore_collection *new_collection_of(const char *path, const vecstore_vector_options *vectors, size_t n_vectors) {
    vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
    options.durability = VECSTORE_DURABILITY_NORMAL;
    vecstore_collection *collection = NULL;
    REQUIRE_OK(vecstore_collection_create(path, vectors, n_vectors, &options, &collection));
    return collection;
}

vecstore_collection *new_collection(const char *path) {
    const vecstore_vector_options vector = plain_vector();
    return new_collection_of(path, &vector, 1);
}

vecstore_collection *open_collection(const char *path, bool read_only) {
    vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
    options.durability = VECSTORE_DURABILITY_NORMAL;
    options.read_only = read_only;
    vecstore_collection *collection = NULL;
    REQUIRE_OK(vecstore_collection_open(path, &options, &collection));
    return collection;
}

vecstore_status try_to_put(vecstore_collection *collection, size_t first, size_t n) {
    enum { payload_size = 80 };
    REQUIRE(first + n <= most_points);
    vecstore_id *ids = malloc((n + 1) * sizeof *ids);
    char *texts = malloc((n + 1) * payload_size);
    const char **payloads = malloc((n + 1) * sizeof *payloads);
    REQUIRE(ids && texts && payloads);
    for (size_t i = 0; i < n; i++) {
        ids[i] = number_id(first + i);
        write_payload(texts + i * payload_size, payload_size, first + i);
        payloads[i] = texts + i * payload_size;
    }
    const vecstore_batch_vectors vectors = { NULL, point_vector(first), F32, 0, NULL };
    vecstore_status status = vecstore_collection_upsert(collection, ids, n, &vectors, 1, payloads, NULL);
    free(ids);
    free(texts);
    free(payloads);
    return status;
}

void put(vecstore_collection *collection, size_t first, size_t n) { REQUIRE_OK(try_to_put(collection, first, n)); }

vecstore_collection *filled_collection(const char *path, size_t n) {
    vecstore_collection *collection = new_collection(path);
    CHECK_OK(vecstore_collection_create_payload_index(collection, "group", "keyword", NULL));
    CHECK_OK(vecstore_collection_create_payload_index(collection, "n", "integer", NULL));
    CHECK_OK(vecstore_collection_create_payload_index(collection, "text", "text", "words"));
    put(collection, 0, n);
    return collection;
}

/* ---- asking ---- */

uint64_t matching(const vecstore_collection *collection, const char *filter) {
    uint64_t count = UINT64_MAX;
    CHECK_OK(vecstore_collection_count(collection, filter, &count));
    return count;
}

uint64_t points_in(const vecstore_collection *collection) { return matching(collection, NULL); }

vecstore_hits_view view_of(const vecstore_hits *hits) {
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    REQUIRE_OK(vecstore_hits_get(hits, &view));
    return view;
}

char *payload_of(const vecstore_collection *collection, vecstore_id id) {
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_get(collection, &id, 1, NULL, &hits));
    const char *payload = view_of(hits).payloads[0];
    char *copy = payload ? strdup(payload) : NULL;
    vecstore_hits_free(hits);
    return copy;
}

bool has_point(const vecstore_collection *collection, vecstore_id id) {
    char *payload = payload_of(collection, id);
    free(payload);
    return payload != NULL;
}

char *description_of(const vecstore_collection *collection) {
    size_t needed = 0;
    REQUIRE_OK(vecstore_collection_describe(collection, NULL, 0, &needed));
    /* It may grow while others write. */
    char *text = calloc(1, needed + 256);
    REQUIRE(text);
    REQUIRE_OK(vecstore_collection_describe(collection, text, needed + 256, NULL));
    return text;
}

void check_points(const vecstore_collection *collection, size_t n) {
    CHECK_EQ(points_in(collection), n);
    for (size_t i = 0; i < n && is_passing(); i += 1 + n / 20) {
        vecstore_hits *hits = NULL;
        REQUIRE_OK(vecstore_collection_search(collection, point_vector(i), F32, 1, 1, NULL, &hits));
        vecstore_hits_view view = view_of(hits);
        REQUIRE(view.offsets[1] == 1);
        CHECK_FLOAT(view.distances[0], 0);
        vecstore_hits_free(hits);
        char *payload = payload_of(collection, number_id(i));
        CHECK_TEXT(payload, point_payload(i));
        free(payload);
    }
}

/* ---- directories ---- */

const char *file_in(const char *directory, const char *name) {
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

/* Calls `body` with the name of each file of a directory. */
static void for_each_file(const char *path, void (*body)(const char *name, void *context), void *context) {
    DIR *directory = opendir(path);
    REQUIRE(directory);
    for (struct dirent *entry; (entry = readdir(directory));) if (entry->d_name[0] != '.') body(entry->d_name, context);
    closedir(directory);
}

static void copy_file(const char *name, void *context) {
    const char *const *directories = context;
    size_t size;
    unsigned char *bytes = read_bytes(file_in(directories[0], name), &size);
    write_bytes(file_in(directories[1], name), bytes, size);
    free(bytes);
}

void copy_directory(const char *from, const char *to) {
    REQUIRE(mkdir(to, 0777) == 0);
    const char *directories[2] = { from, to };
    for_each_file(from, copy_file, directories);
}

static void remove_file(const char *name, void *context) { CHECK(unlink(file_in(context, name)) == 0); }

void remove_directory(const char *path) {
    for_each_file(path, remove_file, (void *)path);
    CHECK(rmdir(path) == 0);
}
