/* Finds Debian packages by what a question means: index, search, save, map back, filter; exactly and by a graph.
 * SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include <libvecstore.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data.h"

enum { K = 3, SHOWN = 12, WIDTH = 100, NAME_WIDTH = 24, TEXT_COLUMN = 37 };

/* What examples/data holds: line i of `packages` (a name, a tab, a text) belongs to vector i of `base`. */
typedef struct {
    vectors base;
    lines packages;
    vectors queries;
    lines questions;
} dataset;

/* K results for each of some queries. */
typedef struct {
    uint64_t *ids;
    float *distances;
    uint64_t *counts;
} hits;

/* Ends the program where a call of the library failed. */
static void must(vecstore_status status) {
    if (status == VECSTORE_OK) return;
    fprintf(stderr, "demo: %s: %s\n", vecstore_status_name(status), vecstore_last_error());
    exit(EXIT_FAILURE);
}

static void fail(const char *what) {
    fprintf(stderr, "demo: %s\n", what);
    exit(EXIT_FAILURE);
}

static double now_micros(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void read_dataset(const char *directory, dataset *data) {
    if (!read_vectors(directory, "packages.f16.npy", &data->base) ||
        !read_lines(directory, "packages.tsv", &data->packages) ||
        !read_vectors(directory, "queries.f16.npy", &data->queries) ||
        !read_lines(directory, "queries.txt", &data->questions)) {
        exit(EXIT_FAILURE);
    }
    bool fits = data->base.n == data->packages.n && data->queries.n == data->questions.n &&
                data->base.dim == data->queries.dim;
    for (size_t i = 0; i < data->packages.n; i++) fits = fits && strchr(data->packages.line[i], '\t') != NULL;
    if (!fits) fail("the files of the data directory do not belong together");
}

static void free_dataset(dataset *data) {
    free_vectors(&data->base);
    free_lines(&data->packages);
    free_vectors(&data->queries);
    free_lines(&data->questions);
}

static hits make_hits(size_t nq) {
    hits h = { calloc(nq * K, sizeof *h.ids), calloc(nq * K, sizeof *h.distances), calloc(nq, sizeof *h.counts) };
    if (h.ids == NULL || h.distances == NULL || h.counts == NULL) fail("no memory");
    return h;
}

static void free_hits(hits *h) {
    free(h->ids);
    free(h->distances);
    free(h->counts);
}

/* Searches for nq queries from number `first` on; returns the microseconds of the fastest of five calls. */
static double search(const vecstore_index *index, const dataset *data, size_t first, size_t nq,
                     const vecstore_search_options *options, hits *h) {
    const uint16_t *queries = data->queries.values + first * data->queries.dim;
    double best = 0;
    for (int i = 0; i < 5; i++) {
        double start = now_micros();
        must(vecstore_index_search(index, queries, VECSTORE_DTYPE_F16, nq, K, options, h->ids, h->distances,
                                   h->counts));
        double took = now_micros() - start;
        if (i == 0 || took < best) best = took;
    }
    return best;
}

/* Prints text from TEXT_COLUMN on, broken at spaces. */
static void print_wrapped(const char *text) {
    const size_t room = WIDTH - TEXT_COLUMN;
    while (strlen(text) > room) {
        size_t end = room;
        while (end > 0 && text[end] != ' ') end--;
        if (end == 0) end = room;
        printf("%.*s\n%*s", (int)end, text, TEXT_COLUMN, "");
        text += end + (text[end] == ' ');
    }
    printf("%s\n", text);
}

/* Prints question number `question` and the first results of h. */
static void print_hits(const dataset *data, size_t question, double micros, const hits *h) {
    printf("  %-*s%7.0f \xc2\xb5s\n", WIDTH - 14, data->questions.line[question], micros); /* the micro sign in UTF-8 */
    for (uint64_t i = 0; i < h->counts[0]; i++) {
        const char *name = data->packages.line[h->ids[i]];
        const char *tab = strchr(name, '\t');
        printf("    %.3f  %-*.*s  ", (double)h->distances[i], NAME_WIDTH, (int)(tab - name), name);
        print_wrapped(tab + 1);
    }
    printf("\n");
}

/* The ids are 0, 1, 2, ... in the order of adding: the numbers of the lines. */
static vecstore_index *make_index(const dataset *data) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = (uint32_t)data->base.dim;
    options.metric = VECSTORE_METRIC_COSINE;
    options.dtype = VECSTORE_DTYPE_F32; /* how rows are stored; the float16 values of the file are widened */
    vecstore_index *index = NULL;
    must(vecstore_index_create(&options, &index));

    double start = now_micros();
    must(vecstore_index_add(index, data->base.values, VECSTORE_DTYPE_F16, data->base.n, NULL, NULL, NULL));
    double took = now_micros() - start;
    uint64_t count = 0;
    must(vecstore_index_count(index, &count));
    printf("%" PRIu64 " package descriptions of Debian 12 indexed in %.1f ms.\n", count, took / 1e3);
    printf("Distance 0: the same meaning. Distance 1: nothing in common.\n\n");
    return index;
}

/* Saves the index to a file and maps it. The file loses its name before this returns, and lives as long as its map. */
static vecstore_index *save_and_map(const vecstore_index *index) {
    char directory[] = "/tmp/vecstore-demo-XXXXXX";
    char path[sizeof directory + 32];
    if (mkdtemp(directory) == NULL) fail("no temporary directory");
    snprintf(path, sizeof path, "%s/packages.vecstore", directory);

    vecstore_index *mapped = NULL;
    vecstore_status status = vecstore_index_save(index, path, NULL);
    double start = now_micros();
    if (status == VECSTORE_OK) status = vecstore_index_open(path, NULL, &mapped);
    double took = now_micros() - start;
    unlink(path);
    rmdir(directory);
    must(status);
    printf("Saved to a file, mapped back in %.2f ms: ", took / 1e3);
    return mapped;
}

/* A filter callback: lets only packages through that call themselves graphical. */
static bool is_graphical(uint64_t id, void *payload) {
    const lines *packages = payload;
    const char *text = strchr(packages->line[id], '\t') + 1;
    return strstr(text, "Graphical") != NULL || strstr(text, "graphical") != NULL ||
           strstr(text, "GUI") != NULL;
}

static void search_filtered(const vecstore_index *index, dataset *data, const char *question, hits *h) {
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_CALLBACK;
    filter.callback = is_graphical;
    filter.payload = &data->packages;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = &filter;

    size_t number = 0;
    while (number < data->questions.n && strcmp(data->questions.line[number], question) != 0) number++;
    if (number == data->questions.n) fail("the question for the filtered search is not in the data directory");
    printf("With a filter, only packages that call themselves graphical:\n\n");
    double micros = search(index, data, number, 1, &options, h);
    print_hits(data, number, micros, h);
}

/* The same with a graph, which compares a question with a small part of the packages only; `exact` has the true answers. */
static void use_graph(const dataset *data, const hits *exact) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.kind = VECSTORE_KIND_HNSW;
    options.dim = (uint32_t)data->base.dim;
    options.metric = VECSTORE_METRIC_COSINE;
    vecstore_index *index = NULL;
    must(vecstore_index_create(&options, &index));
    double start = now_micros();
    must(vecstore_index_add(index, data->base.values, VECSTORE_DTYPE_F16, data->base.n, NULL, NULL, NULL));
    must(vecstore_index_optimize(index, NULL));
    printf("A graph of the same packages, built in %.1f ms.\n", (now_micros() - start) / 1e3);

    /* Finds the least ef_search that answers questions like these well enough, and keeps it. */
    const size_t nq = data->queries.n;
    vecstore_calibrate_options wanted = VECSTORE_CALIBRATE_OPTIONS_INIT;
    wanted.k = K;
    wanted.recall = 0.95f;
    vecstore_calibration found = VECSTORE_CALIBRATION_INIT;
    must(vecstore_index_calibrate(index, data->queries.values, VECSTORE_DTYPE_F16, nq, &wanted, &found));
    printf("Calibrated: with ef_search %" PRIu32 " it finds %.1f%% of the nearest.\n", found.ef_search,
           100 * (double)found.recall);

    vecstore_index *mapped = save_and_map(index);
    vecstore_search_options search_options = VECSTORE_SEARCH_OPTIONS_INIT;
    search_options.target_recall = 0.95f;
    hits h = make_hits(nq);
    double micros = search(mapped, data, 0, nq, &search_options, &h);
    size_t same = 0;
    for (size_t i = 0; i < nq * K; i++) {
        for (size_t j = i / K * K; j < i / K * K + K; j++) same += h.ids[i] == exact->ids[j];
    }
    printf("%zu of %zu answers, %.0f \xc2\xb5s each.\n\n", same, nq * K, micros / (double)nq);
    free_hits(&h);
    vecstore_index_free(mapped);
    vecstore_index_free(index);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DATA_DIRECTORY\n", argv[0]);
        return 2;
    }
    dataset data = { 0 };
    read_dataset(argv[1], &data);
    const size_t nq = data.queries.n;
    hits found = make_hits(nq), again = make_hits(nq);

    vecstore_index *index = make_index(&data);
    for (size_t i = 0; i < nq && i < SHOWN; i++) {
        double micros = search(index, &data, i, 1, NULL, &found);
        print_hits(&data, i, micros, &found);
    }
    double micros = search(index, &data, 0, nq, NULL, &found);
    printf("All %zu questions in one call: %.0f \xc2\xb5s each.\n\n", nq, micros / (double)nq);

    vecstore_index *mapped = save_and_map(index);
    search(mapped, &data, 0, nq, NULL, &again);
    bool same = memcmp(found.ids, again.ids, nq * K * sizeof *found.ids) == 0 &&
                memcmp(found.distances, again.distances, nq * K * sizeof *found.distances) == 0;
    printf("%s\n\n", same ? "the same answers, to the last bit." : "DIFFERENT ANSWERS.");

    search_filtered(mapped, &data, "compare two files byte by byte", &found);
    use_graph(&data, &again);
    printf("Try next:\n");
    printf("  include/libvecstore.h   every function, with its errors and its rules for threads\n");
    printf("  examples/README.md      the same program in Python and in Swift\n");
    printf("  make bench              how fast the library is on this machine\n");

    vecstore_index_free(mapped);
    vecstore_index_free(index);
    free_hits(&found);
    free_hits(&again);
    free_dataset(&data);
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
