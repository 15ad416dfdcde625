/* A semantic cache from C: one thread, one call after the other.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: cache URL ROWS QUERIES DIM KEEP_RESPONSES
 *
 * ROWS and QUERIES are files of float32. Reads commands from standard input, a line each, and answers each with a line of JSON:
 *
 *   fill N BATCH   sets the next N entries, so many in each call; seconds
 *   open           opens the cache (fill does where nobody has); seconds
 *   settle         brings all entries into the graph; seconds
 *   memory         bytes that the process has more than before it opened the cache
 *   misses N       asks N queries with prompts that nobody has set; the time of each in microseconds, and how many were hits
 *   hits N         asks for N prompts that were set
 *   near N         asks by vectors beside those that were set
 *   seen N         sets N entries through a second handle, one after the other, and waits until the first one finds each; microseconds
 *   idle SECONDS   does nothing; seconds of the processor that took
 */
#define _POSIX_C_SOURCE 200809L

#include <libvecstore.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    const char *url;
    vecstore_cache *cache;
    const float *rows, *queries;
    size_t n_rows, nq, dim, set;
    int keep_responses;
} work;

static char response[400];

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void must(vecstore_status status, const char *what) {
    if (status == VECSTORE_OK) return;
    fprintf(stderr, "%s: %s\n", what, vecstore_last_error());
    exit(1);
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

/* Memory of this process that no file is behind. */
static long own_bytes(void) {
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    long kilobytes = 0;
    while (file && fgets(line, sizeof line, file) && sscanf(line, "Anonymous: %ld", &kilobytes) != 1) continue;
    if (file) fclose(file);
    return kilobytes * 1024;
}

static vecstore_cache *new_cache(const work *w) {
    vecstore_cache_options options = VECSTORE_CACHE_OPTIONS_INIT;
    options.name_space = "bench";
    options.dim = (uint32_t)w->dim;
    options.keep_responses = (uint32_t)w->keep_responses;
    vecstore_cache *cache;
    must(vecstore_cache_open(w->url, &options, &cache), "open");
    return cache;
}

static void open_cache(work *w) {
    if (w->cache == NULL) w->cache = new_cache(w);
}

static void prompt_of(size_t i, char *prompt, size_t size) {
    snprintf(prompt, size, "what is the answer to question number %zu of this benchmark?", i);
}

static void fill(work *w, size_t n, size_t batch) {
    open_cache(w);
    vecstore_cache_entry *entries = calloc(batch, sizeof *entries);
    char (*prompts)[96] = calloc(batch, sizeof *prompts);
    if (entries == NULL || prompts == NULL || w->set + n > w->n_rows) exit(1);
    double start = now(CLOCK_MONOTONIC);
    for (size_t end = w->set + n; w->set < end;) {
        size_t count = end - w->set < batch ? end - w->set : batch;
        for (size_t i = 0; i < count; i++, w->set++) {
            prompt_of(w->set, prompts[i], sizeof prompts[i]);
            entries[i] = (vecstore_cache_entry)VECSTORE_CACHE_ENTRY_INIT;
            entries[i].prompt = prompts[i];
            entries[i].response = response;
            entries[i].response_size = sizeof response;
            entries[i].vector = w->rows + w->set * w->dim;
        }
        must(vecstore_cache_set(w->cache, entries, count, NULL), "set");
    }
    printf("{\"seconds\": %.6f}\n", now(CLOCK_MONOTONIC) - start);
    free(entries);
    free(prompts);
}

typedef enum { misses, hits, near } sort;

static void look(work *w, sort sort, size_t n) {
    float *beside = malloc(w->dim * sizeof *beside);
    size_t found = 0;
    if (beside == NULL || w->n_rows == 0) exit(1);
    printf("{\"micros\": [");
    for (size_t i = 0; i < n; i++) {
        /* Spread over what there is. */
        size_t row = (i * 7919 + 13) % w->n_rows;
        const float *vector = sort == misses ? w->queries + i % w->nq * w->dim : w->rows + row * w->dim;
        char prompt[96];
        if (sort == hits) prompt_of(row, prompt, sizeof prompt);
        else snprintf(prompt, sizeof prompt, "what nobody has asked so far %zu", i);
        if (sort == near) {
            for (size_t d = 0; d < w->dim; d++) beside[d] = vector[d] + (d % 2 ? 0.002f : -0.002f);
            vector = beside;
        }
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = prompt;
        query.vector = vector;
        query.has_threshold = 1;
        query.similarity_threshold = sort == misses ? 0.999f : 0.95f;
        vecstore_cache_hits *result;
        double start = now(CLOCK_MONOTONIC);
        must(vecstore_cache_get(w->cache, &query, &result), "get");
        if (result) {
            vecstore_cache_hit hit = VECSTORE_CACHE_HIT_INIT;
            must(vecstore_cache_hits_get(result, 0, &hit), "hit");
            found += hit.response_size == sizeof response;
        }
        double took = now(CLOCK_MONOTONIC) - start;
        vecstore_cache_hits_free(result);
        printf("%s%.2f", i ? ", " : "", took * 1e6);
    }
    printf("], \"hits\": %zu}\n", found);
    free(beside);
}

/* A handle has connections and a follower of its own, as another process has. */
static void see(work *w, size_t n) {
    vecstore_cache *other = new_cache(w);
    printf("{\"micros\": [");
    for (size_t i = 0; i < n; i++) {
        char prompt[96];
        snprintf(prompt, sizeof prompt, "what the other one sets %zu", i);
        vecstore_cache_entry entry = VECSTORE_CACHE_ENTRY_INIT;
        entry.prompt = entry.response = prompt;
        entry.vector = w->rows + i % w->n_rows * w->dim;
        must(vecstore_cache_set(other, &entry, 1, NULL), "set");
        double start = now(CLOCK_MONOTONIC);
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = prompt;
        vecstore_cache_hits *hits = NULL;
        while (hits == NULL) must(vecstore_cache_get(w->cache, &query, &hits), "get");
        printf("%s%.2f", i ? ", " : "", 1e6 * (now(CLOCK_MONOTONIC) - start));
        vecstore_cache_hits_free(hits);
    }
    printf("]}\n");
    must(vecstore_cache_close(other), "close");
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    work w = { .url = argv[1], .dim = strtoul(argv[4], NULL, 10), .keep_responses = atoi(argv[5]) };
    size_t floats, queries;
    long before = 0;
    w.rows = read_floats(argv[2], &floats);
    w.queries = read_floats(argv[3], &queries);
    w.n_rows = floats / w.dim;
    w.nq = queries / w.dim;
    memset(response, 'A', sizeof response);
    char line[128], command[32];
    while (fgets(line, sizeof line, stdin)) {
        double a = 0, b = 1;
        if (sscanf(line, "%31s %lf %lf", command, &a, &b) < 1) return 2;
        if (strcmp(command, "fill") == 0) fill(&w, (size_t)a, (size_t)b);
        else if (strcmp(command, "misses") == 0) look(&w, misses, (size_t)a);
        else if (strcmp(command, "hits") == 0) look(&w, hits, (size_t)a);
        else if (strcmp(command, "near") == 0) look(&w, near, (size_t)a);
        else if (strcmp(command, "seen") == 0) see(&w, (size_t)a);
        else if (strcmp(command, "open") == 0) {
            before = own_bytes();
            double start = now(CLOCK_MONOTONIC);
            open_cache(&w);
            printf("{\"seconds\": %.6f}\n", now(CLOCK_MONOTONIC) - start);
        } else if (strcmp(command, "settle") == 0) {
            double start = now(CLOCK_MONOTONIC);
            must(vecstore_cache_optimize(w.cache), "optimize");
            printf("{\"seconds\": %.6f}\n", now(CLOCK_MONOTONIC) - start);
        } else if (strcmp(command, "memory") == 0) {
            printf("{\"own_bytes\": %ld}\n", own_bytes() - before);
        } else if (strcmp(command, "idle") == 0) {
            double start = now(CLOCK_PROCESS_CPUTIME_ID);
            struct timespec time = { (time_t)a, 0 };
            nanosleep(&time, NULL);
            printf("{\"seconds\": %.6f}\n", now(CLOCK_PROCESS_CPUTIME_ID) - start);
        } else return 2;
        fflush(stdout);
    }
    must(vecstore_cache_close(w.cache), "close");
    return 0;
}
