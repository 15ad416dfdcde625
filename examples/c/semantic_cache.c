/* Answers questions from a semantic cache: what was asked before, in the same words or in others, is not looked for again.
 * SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include <libvecstore.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data.h"

/* The least similarity of two questions that get one answer: these embeddings put the same in other words at 0.8 to 0.95. */
static const float THRESHOLD = 0.8f;

/* What is asked, and where the answers are from. */
typedef struct {
    lines asked;
    float *asked_vectors;
    lines packages;
    vecstore_index *index;
    size_t dim;
} dataset;

/* Ends the program where a call of the library failed. */
static void must(vecstore_status status) {
    if (status == VECSTORE_OK) return;
    fprintf(stderr, "semantic_cache: %s: %s\n", vecstore_status_name(status), vecstore_last_error());
    exit(EXIT_FAILURE);
}

static void fail(const char *what) {
    fprintf(stderr, "semantic_cache: %s\n", what);
    exit(EXIT_FAILURE);
}

static double now_micros(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void read_dataset(const char *directory, dataset *data) {
    vectors asked, base;
    if (!read_vectors(directory, "asked.f16.npy", &asked) || !read_lines(directory, "asked.txt", &data->asked) ||
        !read_vectors(directory, "packages.f16.npy", &base) || !read_lines(directory, "packages.tsv", &data->packages)) {
        exit(EXIT_FAILURE);
    }
    if (asked.n != data->asked.n || base.n != data->packages.n || asked.dim != base.dim) {
        fail("the files of the data directory do not belong together");
    }
    data->dim = asked.dim;
    data->asked_vectors = malloc(asked.n * asked.dim * sizeof *data->asked_vectors);
    if (data->asked_vectors == NULL) fail("no memory");
    must(vecstore_convert(asked.values, VECSTORE_DTYPE_F16, data->asked_vectors, VECSTORE_DTYPE_F32, asked.n * asked.dim));

    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = (uint32_t)base.dim;
    options.metric = VECSTORE_METRIC_COSINE;
    must(vecstore_index_create(&options, &data->index));
    must(vecstore_index_add(data->index, base.values, VECSTORE_DTYPE_F16, base.n, NULL, NULL, NULL));
    free_vectors(&asked);
    free_vectors(&base);
}

static void free_dataset(dataset *data) {
    vecstore_index_free(data->index);
    free_lines(&data->asked);
    free_lines(&data->packages);
    free(data->asked_vectors);
}

/* Opens a cache where the URL says; where several processes open the same one in Redis, they share what they know. */
static vecstore_cache *open_cache(const char *url, size_t dim) {
    vecstore_cache_options options = VECSTORE_CACHE_OPTIONS_INIT;
    options.name_space = "examples";
    options.dim = (uint32_t)dim;
    options.model = "all-MiniLM-L6-v2";
    options.has_threshold = 1;
    options.similarity_threshold = THRESHOLD;
    options.ttl = 60 * 60 * 1000;
    options.guard = 1; /* SHA224 is not SHA384, however near the questions are */
    vecstore_cache *cache;
    must(vecstore_cache_open(url, &options, &cache));
    return cache;
}

/* What takes time and money in a real program: here a search, there a call of a model. */
static void answer(const dataset *data, const float *vector, char *text, size_t size) {
    uint64_t ids[3], found;
    float distances[3];
    must(vecstore_index_search(data->index, vector, VECSTORE_DTYPE_F32, 1, 3, NULL, ids, distances, &found));
    size_t used = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < found && used < size; i++) {
        const char *line = data->packages.line[ids[i]];
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", i ? ", " : "", (int)strcspn(line, "\t"), line);
    }
}

/* Asks a question as a program with a cache does. Returns the microseconds of the lookup. */
static double ask(vecstore_cache *cache, const dataset *data, size_t i) {
    const float *vector = data->asked_vectors + i * data->dim;
    vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
    query.prompt = data->asked.line[i];
    query.vector = vector;
    vecstore_cache_hits *hits;
    double start = now_micros();
    must(vecstore_cache_get(cache, &query, &hits));
    double took = now_micros() - start;
    if (hits == NULL) {
        char response[256];
        answer(data, vector, response, sizeof response);
        vecstore_cache_entry entry = VECSTORE_CACHE_ENTRY_INIT;
        entry.prompt = query.prompt;
        entry.response = response;
        entry.vector = vector;
        must(vecstore_cache_set(cache, &entry, 1, NULL));
        printf("  miss            %-52s  %s\n", query.prompt, response);
        return took;
    }
    vecstore_cache_hit hit = VECSTORE_CACHE_HIT_INIT;
    must(vecstore_cache_hits_get(hits, 0, &hit));
    if (hit.tier == VECSTORE_CACHE_TIER_EXACT) printf("  hit   the same  %-52s  %s\n", query.prompt, hit.response);
    else printf("  hit   %.3f     %-52s  %s\n", hit.similarity, query.prompt, hit.response);
    vecstore_cache_hits_free(hits);
    return took;
}

static double ask_all(vecstore_cache *cache, const dataset *data) {
    double took = 0;
    for (size_t i = 0; i < data->asked.n; i++) took += ask(cache, data, i);
    return took;
}

static vecstore_cache_stats stats_of(const vecstore_cache *cache) {
    vecstore_cache_stats stats = VECSTORE_CACHE_STATS_INIT;
    must(vecstore_cache_get_stats(cache, &stats));
    return stats;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "Usage: %s DATA [URL]\n"
                        "Asks the questions of asked.txt twice. URL is memory: (the default), a directory, or redis://...\n", argv[0]);
        return EXIT_FAILURE;
    }
    dataset data;
    read_dataset(argv[1], &data);
    vecstore_cache *cache = open_cache(argc == 3 ? argv[2] : "memory:", data.dim);
    must(vecstore_cache_clear(cache, NULL));

    double took = ask_all(cache, &data);
    vecstore_cache_stats first = stats_of(cache);
    uint64_t hits = first.exact_hits + first.semantic_hits;
    printf("%zu questions: %" PRIu64 " were answered by what had been asked before in other words; the guard passed over %" PRIu64
           " that differ in a number, a name or a negation. %.0f us each.\n\n",
        data.asked.n, hits, first.guard_refusals, took / (double)data.asked.n);

    took = ask_all(cache, &data);
    vecstore_cache_stats both = stats_of(cache);
    printf("Once more: %" PRIu64 " of %zu are hits, %.0f us each.\n", both.exact_hits + both.semantic_hits - hits, data.asked.n,
        took / (double)data.asked.n);
    bool is_right = both.misses == first.misses && hits > 0;
    must(vecstore_cache_close(cache));
    free_dataset(&data);
    if (!is_right) fail("a question that was answered was not found again");
    return EXIT_SUCCESS;
}
