/* What calls from C cost: a batch, one query a call, and threads that search side by side.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: calls INDEX QUERIES DIM K EF_SEARCH SECONDS THREADS
 *
 * QUERIES is a file of float32. Prints one line of JSON: microseconds of a query in a batch and in a call of its own on
 * one thread, the two taking turns and the median of the turns taken; queries a second of 1 to THREADS threads of the
 * program with one query in each call.
 */
#include <libvecstore.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TURNS = 15 };

typedef struct {
    vecstore_index *index;
    const float *queries;
    size_t nq, dim, k, from;
    uint32_t ef_search;
    double end;
    size_t done;
} work;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vecstore_last_error());
    exit(1);
}

static void search(const work *w, size_t first, size_t nq, uint64_t *ids, float *distances) {
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.threads = 1;
    options.ef_search = w->ef_search;
    if (vecstore_index_search(w->index, w->queries + first * w->dim, VECSTORE_DTYPE_F32, nq, w->k, &options, ids,
                              distances, NULL) != VECSTORE_OK)
        fail("search");
}

/* Searches one query after the other until the end. */
static void *caller(void *argument) {
    work *w = argument;
    uint64_t *ids = malloc(w->k * sizeof *ids);
    float *distances = malloc(w->k * sizeof *distances);
    if (ids == NULL || distances == NULL) exit(1);
    while (now() < w->end) {
        for (int i = 0; i < 20; i++) search(w, (w->from + w->done++) % w->nq, 1, ids, distances);
    }
    free(ids);
    free(distances);
    return NULL;
}

static double callers(const work *all, int count, double seconds) {
    pthread_t threads[64];
    work parts[64];
    double begin = now();
    for (int t = 0; t < count; t++) {
        parts[t] = *all;
        parts[t].from = (size_t)t * 97;
        parts[t].end = begin + seconds;
        parts[t].done = 0;
        if (pthread_create(&threads[t], NULL, caller, &parts[t]) != 0) exit(1);
    }
    size_t done = 0;
    for (int t = 0; t < count; t++) {
        pthread_join(threads[t], NULL);
        done += parts[t].done;
    }
    return (double)done / (now() - begin);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, TURNS, sizeof *values, ascending);
    return values[TURNS / 2];
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    work w = { .dim = (size_t)atol(argv[3]), .k = (size_t)atol(argv[4]), .ef_search = (uint32_t)atol(argv[5]) };
    double seconds = atof(argv[6]);
    int threads = atoi(argv[7]);
    if (threads < 1 || threads > 64) return 2;

    vecstore_open_options options = VECSTORE_OPEN_OPTIONS_INIT;
    options.load = 1;
    if (vecstore_index_open(argv[1], &options, &w.index) != VECSTORE_OK) fail(argv[1]);
    FILE *file = fopen(argv[2], "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return 1;
    size_t size = (size_t)ftell(file);
    rewind(file);
    float *queries = malloc(size);
    if (queries == NULL || fread(queries, 1, size, file) != size) return 1;
    fclose(file);
    w.queries = queries;
    w.nq = size / sizeof(float) / w.dim;

    uint64_t *ids = malloc(w.nq * w.k * sizeof *ids);
    float *distances = malloc(w.nq * w.k * sizeof *distances);
    if (ids == NULL || distances == NULL) return 1;
    double batch[TURNS], single[TURNS];
    search(&w, 0, w.nq, ids, distances);
    for (int turn = 0; turn < TURNS; turn++) {
        double begin = now();
        search(&w, 0, w.nq, ids, distances);
        double middle = now();
        for (size_t q = 0; q < w.nq; q++) search(&w, q, 1, ids + q * w.k, distances + q * w.k);
        batch[turn] = 1e6 * (middle - begin) / (double)w.nq;
        single[turn] = 1e6 * (now() - middle) / (double)w.nq;
    }
    printf("{\"batch_us\": %.3f, \"single_us\": %.3f, \"callers_qps\": [", median(batch), median(single));
    for (int t = 1; t <= threads; t++) printf("%s%.0f", t > 1 ? ", " : "", callers(&w, t, seconds));
    printf("]}\n");

    free(ids);
    free(distances);
    free(queries);
    vecstore_index_free(w.index);
    return 0;
}
