/* Searches of a collection from C: one query in each call, one thread.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: points COLLECTION QUERIES DIM K EF_SEARCH SECONDS WITH_PAYLOAD [FILTER]
 *
 * QUERIES is a file of float32. Every query is asked once before the time begins. Prints one line of JSON: the calls that were made,
 * their seconds, and those of the processor.
 */
#include <libvecstore.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    vecstore_collection *points;
    const float *queries;
    size_t nq, dim, k;
    vecstore_query_options options;
} work;

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vecstore_last_error());
    exit(1);
}

/* Looks at what comes, as a program would: returns the sum of the ids and of the lengths of the payloads. */
static size_t ask(const work *w, size_t i) {
    vecstore_hits *hits;
    vecstore_hits_view view = {.struct_size = sizeof view};
    if (vecstore_collection_search(w->points, w->queries + i % w->nq * w->dim, VECSTORE_DTYPE_F32, 1, w->k, &w->options,
                                   &hits) != VECSTORE_OK ||
        vecstore_hits_get(hits, &view) != VECSTORE_OK)
        fail("search");
    size_t sum = 0;
    for (size_t j = 0; j < view.offsets[1]; j++) {
        sum += view.ids[j].number;
        if (w->options.with_payload) sum += strlen(view.payloads[j]);
    }
    vecstore_hits_free(hits);
    return sum;
}

static float *read_floats(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(1);
    long bytes = ftell(file);
    float *floats = bytes > 0 ? malloc((size_t)bytes) : NULL;
    rewind(file);
    if (floats == NULL || fread(floats, 1, (size_t)bytes, file) != (size_t)bytes) exit(1);
    fclose(file);
    *count = (size_t)bytes / sizeof *floats;
    return floats;
}

int main(int argc, char **argv) {
    if (argc < 8) return 2;
    work w = {.dim = strtoul(argv[3], NULL, 10), .k = strtoul(argv[4], NULL, 10), .options = VECSTORE_QUERY_OPTIONS_INIT};
    size_t floats;
    w.queries = read_floats(argv[2], &floats);
    w.nq = floats / w.dim;
    w.options.threads = 1;
    w.options.ef_search = (uint32_t)strtoul(argv[5], NULL, 10);
    w.options.with_payload = (uint32_t)strtoul(argv[7], NULL, 10);
    w.options.filter = argc > 8 ? argv[8] : NULL;
    vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
    options.read_only = 1;
    if (vecstore_collection_open(argv[1], &options, &w.points) != VECSTORE_OK) fail("open");
    size_t sum = 0, done = 0;
    for (size_t i = 0; i < w.nq; i++) sum += ask(&w, i);
    double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), end = begin + strtod(argv[6], NULL);
    while (now(CLOCK_MONOTONIC) < end) {
        for (int i = 0; i < 20; i++) sum += ask(&w, done++);
    }
    double wall = now(CLOCK_MONOTONIC) - begin;
    printf("{\"calls\": %zu, \"wall\": %.6f, \"cpu\": %.6f, \"sum\": %zu}\n", done, wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu, sum);
    return vecstore_collection_close(w.points) == VECSTORE_OK ? 0 : 1;
}
