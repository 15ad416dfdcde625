/*
 * Semantic caches: what is set is found again, by the same prompt and by vectors that are near enough, in memory, in a directory and in
 * Redis alike.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "redis.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { dim = 8 };

static const char *urls[3];
static size_t n_urls;

/* Where caches live in this test. */
static void find_places(void) {
    urls[0] = "memory:";
    urls[1] = test_path("cache");
    urls[2] = start_redis();
    n_urls = 3;
}

static vecstore_cache_options options(void) {
    vecstore_cache_options options = VECSTORE_CACHE_OPTIONS_INIT;
    options.dim = dim;
    options.name_space = "tests";
    return options;
}

static vecstore_cache *open_cache(const char *url, const vecstore_cache_options *options) {
    vecstore_cache *cache = NULL;
    note("a cache in %s", url);
    REQUIRE_OK(vecstore_cache_open(url, options, &cache));
    REQUIRE(cache);
    return cache;
}

/* A direction in a plane, of a norm that is not 1: the cosine similarity of two is the cosine of the angle between them. */
static const float *direction(double degrees) {
    static float vectors[4][dim];
    static unsigned next;
    float *vector = vectors[next++ % 4];
    memset(vector, 0, sizeof vectors[0]);
    vector[0] = (float)(3 * cos(degrees * 3.14159265358979 / 180));
    vector[1] = (float)(3 * sin(degrees * 3.14159265358979 / 180));
    return vector;
}

static void set(vecstore_cache *cache, const char *prompt, const char *response, double degrees, const char *metadata, int64_t ttl,
    char *id) {
    vecstore_cache_entry entry = VECSTORE_CACHE_ENTRY_INIT;
    entry.prompt = prompt;
    entry.response = response;
    entry.vector = direction(degrees);
    entry.metadata = metadata;
    entry.ttl = ttl;
    REQUIRE_OK(vecstore_cache_set(cache, &entry, 1, id));
}

static vecstore_cache_hits *find(vecstore_cache *cache, const vecstore_cache_query *query) {
    vecstore_cache_hits *hits = (vecstore_cache_hits *)1;
    REQUIRE_OK(vecstore_cache_get(cache, query, &hits));
    return hits;
}

static vecstore_cache_hit hit_of(const vecstore_cache_hits *hits, size_t i) {
    vecstore_cache_hit hit = VECSTORE_CACHE_HIT_INIT;
    REQUIRE_OK(vecstore_cache_hits_get(hits, i, &hit));
    return hit;
}

/* The response for a prompt (NULL: none) at an angle, in memory that the next call overwrites; "" for a miss. */
static const char *response_to(vecstore_cache *cache, const char *prompt, double degrees) {
    static char response[256];
    vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
    query.prompt = prompt;
    query.vector = direction(degrees);
    vecstore_cache_hits *hits = find(cache, &query);
    response[0] = 0;
    if (hits) snprintf(response, sizeof response, "%s", hit_of(hits, 0).response);
    vecstore_cache_hits_free(hits);
    return response;
}

static vecstore_cache_stats stats_of(const vecstore_cache *cache) {
    vecstore_cache_stats stats = VECSTORE_CACHE_STATS_INIT;
    REQUIRE_OK(vecstore_cache_get_stats(cache, &stats));
    return stats;
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL); }

/* ---- tests ---- */

static void what_is_set_is_found_by_its_prompt_and_by_its_vector(void) {
    find_places();
    const vecstore_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_cache *cache = open_cache(urls[p], &o);
        char id[VECSTORE_CACHE_ID_SIZE];
        set(cache, "How do I reset my password?", "Click on it.", 0, "{\"tenant\": \"a\"}", 0, id);
        CHECK_EQ(strlen(id), 32);
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = "How do I reset my password?";
        vecstore_cache_hits *hits = find(cache, &query);
        REQUIRE(hits);
        vecstore_cache_hit hit = hit_of(hits, 0);
        CHECK_EQ(hit.tier, VECSTORE_CACHE_TIER_EXACT);
        CHECK_TEXT(hit.id, id);
        CHECK_TEXT(hit.prompt, "How do I reset my password?");
        CHECK_TEXT(hit.response, "Click on it.");
        CHECK_EQ(hit.response_size, 12);
        CHECK_TEXT(hit.metadata, "{\"tenant\":\"a\"}");
        CHECK_FLOAT(hit.similarity, 1);
        CHECK(hit.created > 1600000000000 && hit.expires == 0);
        vecstore_cache_hits_free(hits);

        query.prompt = "I forgot my password";
        query.vector = direction(20);
        hits = find(cache, &query);
        REQUIRE(hits);
        hit = hit_of(hits, 0);
        CHECK_EQ(hit.tier, VECSTORE_CACHE_TIER_SEMANTIC);
        CHECK_NEAR(hit.similarity, cos(20 * 3.14159265358979 / 180), 1e-6);
        CHECK_TEXT(hit.response, "Click on it.");
        vecstore_cache_hits_free(hits);
        CHECK_TEXT(response_to(cache, "Where is my parcel?", 40), "");

        vecstore_cache_stats stats = stats_of(cache);
        CHECK_EQ(stats.entries, 1);
        CHECK_EQ(stats.exact_hits, 1);
        CHECK_EQ(stats.semantic_hits, 1);
        CHECK_EQ(stats.misses, 1);
        CHECK_EQ(stats.sets, 1);
        CHECK(stats.bytes > 0 && stats.index_bytes > 0);
        CHECK_OK(vecstore_cache_close(cache));
    }
}

static void a_lookup_in_two_steps_is_counted_once(void) {
    const vecstore_cache_options o = options();
    vecstore_cache *cache = open_cache("memory:", &o);
    set(cache, "there", "a", 0, NULL, 0, NULL);
    const char *const prompts[] = { "there", "like there", "else" };
    const double degrees[] = { 0, 5, 90 };
    for (size_t i = 0; i < 3; i++) {
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = prompts[i];
        query.uncounted_miss = 1;
        vecstore_cache_hits *hits = find(cache, &query);
        CHECK_EQ(hits != NULL, i == 0);
        if (!hits) {
            query.uncounted_miss = 0;
            query.vector = direction(degrees[i]);
            hits = find(cache, &query);
        }
        vecstore_cache_hits_free(hits);
    }
    const vecstore_cache_stats stats = stats_of(cache);
    CHECK_EQ(stats.exact_hits, 1);
    CHECK_EQ(stats.semantic_hits, 1);
    CHECK_EQ(stats.misses, 1);
    CHECK_OK(vecstore_cache_close(cache));
}

static void several_hits_come_best_first(void) {
    find_places();
    const vecstore_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_cache *cache = open_cache(urls[p], &o);
        for (int i = 0; i < 12; i++) {
            char prompt[16];
            snprintf(prompt, sizeof prompt, "%d", 5 * i);
            set(cache, prompt, prompt, 5 * i, NULL, 0, NULL);
        }
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = "50";
        query.vector = direction(1);
        query.k = 3;
        vecstore_cache_hits *hits = find(cache, &query);
        size_t count = 0;
        REQUIRE_OK(vecstore_cache_hits_count(hits, &count));
        CHECK_EQ(count, 3);
        CHECK_TEXT(hit_of(hits, 0).response, "50");
        CHECK_TEXT(hit_of(hits, 1).response, "0");
        CHECK_TEXT(hit_of(hits, 2).response, "5");
        vecstore_cache_hits_free(hits);
        query.tiers = VECSTORE_CACHE_TIER_SEMANTIC;
        hits = find(cache, &query);
        CHECK_TEXT(hit_of(hits, 0).response, "0");
        vecstore_cache_hits_free(hits);
        query.tiers = VECSTORE_CACHE_TIER_EXACT;
        hits = find(cache, &query);
        REQUIRE_OK(vecstore_cache_hits_count(hits, &count));
        CHECK_EQ(count, 1);
        vecstore_cache_hits_free(hits);
        CHECK_OK(vecstore_cache_close(cache));
    }
}

static void a_threshold_of_zero_is_a_threshold(void) {
    vecstore_cache_options o = options();
    vecstore_cache *cache = open_cache("memory:", &o);
    set(cache, "a", "yes", 0, NULL, 0, NULL);
    CHECK_TEXT(response_to(cache, NULL, 89), "");
    vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
    query.vector = direction(89);
    query.has_threshold = 1;
    vecstore_cache_hits *hits = find(cache, &query);
    CHECK(hits != NULL);
    vecstore_cache_hits_free(hits);
    query.vector = direction(91);
    CHECK(find(cache, &query) == NULL);
    CHECK_OK(vecstore_cache_close(cache));
    o.has_threshold = 1;
    cache = open_cache("memory:", &o);
    set(cache, "a", "yes", 0, NULL, 0, NULL);
    CHECK_TEXT(response_to(cache, NULL, 89), "yes");
    CHECK_OK(vecstore_cache_close(cache));
}

static void filters_and_ends_hold(void) {
    find_places();
    const vecstore_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_cache *cache = open_cache(urls[p], &o);
        set(cache, "q", "of a", 0, "{\"tenant\": \"a\"}", 0, NULL);
        set(cache, "q", "of b", 0, "{\"tenant\": \"b\"}", 0, NULL);
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = "q";
        query.vector = direction(0);
        query.filter = "{\"must\": [{\"key\": \"tenant\", \"match\": {\"value\": \"a\"}}]}";
        vecstore_cache_hits *hits = find(cache, &query);
        REQUIRE(hits);
        CHECK_TEXT(hit_of(hits, 0).response, "of a");
        vecstore_cache_hits_free(hits);
        query.filter = "{\"must\": [{\"key\": \"tenant\", \"match\": {\"value\": \"c\"}}]}";
        CHECK(find(cache, &query) == NULL);

        set(cache, "short", "lived", 90, NULL, 150, NULL);
        CHECK_TEXT(response_to(cache, "short", 90), "lived");
        sleep_ms(200);
        CHECK_TEXT(response_to(cache, "short", 90), "");

        uint64_t deleted = 0;
        const char *of_b = "{\"must\": [{\"key\": \"tenant\", \"match\": {\"value\": \"b\"}}]}";
        CHECK_OK(vecstore_cache_delete_where(cache, of_b, 1, &deleted));
        CHECK_EQ(deleted, 1);
        CHECK_EQ(stats_of(cache).deletes, 0);
        CHECK_OK(vecstore_cache_delete_where(cache, of_b, 0, &deleted));
        CHECK_EQ(deleted, 1);
        CHECK_TEXT(response_to(cache, "q", 0), "of a");
        CHECK_OK(vecstore_cache_clear(cache, &deleted));
        CHECK_EQ(deleted, 1);
        CHECK_TEXT(response_to(cache, "q", 0), "");
        CHECK_OK(vecstore_cache_close(cache));
    }
}

static void any_bytes_are_a_response_and_a_prompt(void) {
    find_places();
    const vecstore_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_cache *cache = open_cache(urls[p], &o);
        vecstore_cache_entry entry = VECSTORE_CACHE_ENTRY_INIT;
        entry.prompt = "a\0b";
        entry.prompt_size = 3;
        entry.response = "\0\xff\0";
        entry.response_size = 3;
        entry.vector = direction(0);
        REQUIRE_OK(vecstore_cache_set(cache, &entry, 1, NULL));
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = "a\0b";
        query.prompt_size = 3;
        vecstore_cache_hits *hits = find(cache, &query);
        REQUIRE(hits);
        vecstore_cache_hit hit = hit_of(hits, 0);
        CHECK_EQ(hit.response_size, 3);
        CHECK(memcmp(hit.response, "\0\xff\0", 4) == 0);
        CHECK_EQ(hit.prompt_size, 3);
        CHECK(hit.metadata == NULL);
        vecstore_cache_hits_free(hits);
        query.prompt_size = 0;
        CHECK(find(cache, &query) == NULL);
        CHECK_OK(vecstore_cache_close(cache));
    }
}

static void feedback_keeps_a_wrong_hit_away(void) {
    find_places();
    const vecstore_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_cache *cache = open_cache(urls[p], &o);
        char id[VECSTORE_CACHE_ID_SIZE];
        set(cache, "q", "r", 0, NULL, 0, id);
        CHECK_TEXT(response_to(cache, NULL, 20), "r");
        CHECK_OK(vecstore_cache_feedback(cache, id, direction(20), 1));
        CHECK_TEXT(response_to(cache, NULL, 20), "");
        CHECK_TEXT(response_to(cache, NULL, 5), "r");
        CHECK_OK(vecstore_cache_feedback(cache, id, direction(20), 0));
        CHECK_TEXT(response_to(cache, NULL, 20), "r");
        CHECK_OK(vecstore_cache_feedback(cache, id, NULL, 1));
        CHECK_TEXT(response_to(cache, "q", 0), "");
        CHECK_ERROR(NOT_FOUND, vecstore_cache_feedback(cache, id, NULL, 1));
        CHECK_OK(vecstore_cache_close(cache));
    }
}

static void many_entries_go_in_one_call(void) {
    find_places();
    const vecstore_cache_options o = options();
    enum { n = 2000 };
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_cache *cache = open_cache(urls[p], &o);
        static vecstore_cache_entry entries[n];
        static char prompts[n][16], ids[n][VECSTORE_CACHE_ID_SIZE];
        static float vectors[n][dim];
        for (int i = 0; i < n; i++) {
            snprintf(prompts[i], sizeof prompts[i], "prompt %d", i);
            for (int d = 0; d < dim; d++) vectors[i][d] = (float)sin(i * 7.1 + d * 1.3);
            entries[i] = (vecstore_cache_entry)VECSTORE_CACHE_ENTRY_INIT;
            entries[i].prompt = entries[i].response = prompts[i];
            entries[i].vector = vectors[i];
        }
        REQUIRE_OK(vecstore_cache_set(cache, entries, n, ids[0]));
        CHECK_OK(vecstore_cache_optimize(cache));
        CHECK_EQ(stats_of(cache).entries, n);
        for (int i = 0; i < n; i += 97) CHECK_TEXT(response_to(cache, prompts[i], 0), prompts[i]);
        const char *some[2] = { ids[3], ids[4] };
        uint64_t deleted = 0;
        CHECK_OK(vecstore_cache_delete(cache, some, 2, &deleted));
        CHECK_EQ(deleted, 2);
        CHECK_OK(vecstore_cache_flush(cache, 5000));
        CHECK_EQ(stats_of(cache).entries, n - 2);
        CHECK_OK(vecstore_cache_close(cache));
        if (p == 0) continue;
        /* They stay when the cache is closed. */
        cache = open_cache(urls[p], &o);
        CHECK_EQ(stats_of(cache).entries, n - 2);
        CHECK_OK(vecstore_cache_clear(cache, NULL));
        CHECK_OK(vecstore_cache_close(cache));
    }
}

static void two_handles_share_a_redis(void) {
    const char *url = start_redis();
    const vecstore_cache_options o = options();
    vecstore_cache *a = open_cache(url, &o), *b = open_cache(url, &o);
    set(a, "q", "r", 0, NULL, 0, NULL);
    for (int i = 0; i < 500 && stats_of(b).entries == 0; i++) sleep_ms(10);
    CHECK_TEXT(response_to(b, "p", 10), "r");
    /* Another model, or another dim, is an error that says so. */
    vecstore_cache *other = (vecstore_cache *)1;
    vecstore_cache_options wrong = options();
    wrong.dim = 9;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_open(url, &wrong, &other));
    CHECK(other == NULL && strstr(vecstore_last_error(), "dim 8"));
    CHECK_OK(vecstore_cache_close(a));
    CHECK_OK(vecstore_cache_close(b));
}

static void lookups_go_on_without_redis(void) {
    const char *url = start_redis();
    vecstore_redis_options redis = VECSTORE_REDIS_OPTIONS_INIT;
    redis.command_timeout = redis.connect_timeout = 300;
    vecstore_cache_options o = options();
    o.redis = &redis;
    o.keep_responses = 1;
    vecstore_cache *open = open_cache(url, &o);
    set(open, "q", "r", 0, NULL, 0, NULL);
    o.fail_closed = 1;
    vecstore_cache *closed = open_cache(url, &o);
    kill_redis();
    CHECK_TEXT(response_to(open, "q", 0), "r");
    set(open, "later", "too", 90, NULL, 0, NULL);
    CHECK_TEXT(response_to(open, "later", 90), "too");
    CHECK_ERROR(UNAVAILABLE, vecstore_cache_flush(open, 100));
    vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
    query.prompt = "nothing";
    query.vector = direction(45);
    vecstore_cache_hits *hits = NULL;
    vecstore_status status = VECSTORE_OK;
    for (int i = 0; i < 500 && status == VECSTORE_OK; i++) {
        status = vecstore_cache_get(closed, &query, &hits);
        sleep_ms(10);
    }
    CHECK_EQ(status, VECSTORE_ERR_UNAVAILABLE);
    char health[1024];
    CHECK_OK(vecstore_cache_health(open, health, sizeof health, NULL));
    CHECK(strstr(health, "\"degraded\"") && strstr(health, "redis_away"));
    CHECK(stats_of(open).store_errors > 0 || stats_of(closed).store_errors > 0);
    CHECK_OK(vecstore_cache_close(closed));
    CHECK_ERROR(UNAVAILABLE, vecstore_cache_close(open));
    CHECK_ERROR(INVALID_HANDLE, vecstore_cache_close(open));
}

static void numbers_and_health_are_told(void) {
    vecstore_cache_options o = options();
    vecstore_cache *a = open_cache("memory:", &o);
    o.name_space = "other";
    vecstore_cache *b = open_cache("memory:", &o);
    response_to(a, "q", 0);
    size_t needed = 0;
    const vecstore_cache *both[] = { a, b };
    CHECK_OK(vecstore_caches_metrics(both, 2, NULL, 0, &needed));
    char *text = malloc(needed + 1);
    REQUIRE(text);
    CHECK_OK(vecstore_caches_metrics(both, 2, text, needed + 1, NULL));
    CHECK_EQ(strlen(text), needed);
    CHECK(strstr(text, "vecstore_cache_lookups_total{namespace=\"tests\",store=\"memory\",result=\"miss\"} 1\n"));
    CHECK(strstr(text, "namespace=\"other\""));
    free(text);
    char health[256];
    CHECK_OK(vecstore_cache_health(a, health, sizeof health, NULL));
    CHECK(strstr(health, "\"ok\""));
    CHECK_OK(vecstore_cache_close(a));
    CHECK_OK(vecstore_cache_close(b));
}

static void a_child_opens_a_cache_for_itself(void) {
    const char *url = start_redis();
    const vecstore_cache_options o = options();
    vecstore_cache *cache = open_cache(url, &o);
    set(cache, "q", "r", 0, NULL, 0, NULL);
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(60);
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = "q";
        vecstore_cache_hits *hits = NULL;
        CHECK_ERROR(INVALID_HANDLE, vecstore_cache_get(cache, &query, &hits));
        vecstore_cache *own = open_cache(url, &o);
        CHECK_TEXT(response_to(own, "q", 0), "r");
        CHECK_OK(vecstore_cache_close(own));
        vecstore_cache_close(cache);
        fflush(stdout);
        _exit(is_passing() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_TEXT(response_to(cache, "q", 0), "r");
    CHECK_OK(vecstore_cache_close(cache));
}

/* ---- threads ---- */

static vecstore_cache *shared;

static void *use(void *number) {
    for (int i = 0; i < 300; i++) {
        char prompt[32];
        snprintf(prompt, sizeof prompt, "%d of %d", i, (int)(intptr_t)number);
        float vector[dim];
        for (int d = 0; d < dim; d++) vector[d] = (float)sin(i * 3.7 + d + (int)(intptr_t)number);
        vecstore_cache_entry entry = VECSTORE_CACHE_ENTRY_INIT;
        entry.prompt = entry.response = prompt;
        entry.vector = vector;
        char id[VECSTORE_CACHE_ID_SIZE];
        CHECK_OK(vecstore_cache_set(shared, &entry, 1, id));
        vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
        query.prompt = prompt;
        query.vector = vector;
        query.k = 1 + (size_t)i % 3;
        vecstore_cache_hits *hits = NULL;
        CHECK_OK(vecstore_cache_get(shared, &query, &hits));
        vecstore_cache_hit hit = VECSTORE_CACHE_HIT_INIT;
        if (CHECK_OK(vecstore_cache_hits_get(hits, 0, &hit))) CHECK_TEXT(hit.response, prompt);
        vecstore_cache_hits_free(hits);
        const char *ids[] = { id };
        if (i % 4 == 0) CHECK_OK(vecstore_cache_delete(shared, ids, 1, NULL));
    }
    return NULL;
}

static void threads_use_one_cache(void) {
    find_places();
    const vecstore_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        if (p == 1) continue; /* each set waits for the disk */
        shared = open_cache(urls[p], &o);
        pthread_t threads[4];
        for (intptr_t i = 0; i < 4; i++) REQUIRE(pthread_create(&threads[i], NULL, use, (void *)i) == 0);
        for (int i = 0; i < 4; i++) REQUIRE(pthread_join(threads[i], NULL) == 0);
        CHECK_EQ(stats_of(shared).entries, 4 * 225);
        CHECK_OK(vecstore_cache_close(shared));
    }
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(what_is_set_is_found_by_its_prompt_and_by_its_vector),
        TEST(a_lookup_in_two_steps_is_counted_once),
        TEST(several_hits_come_best_first),
        TEST(a_threshold_of_zero_is_a_threshold),
        TEST(filters_and_ends_hold),
        TEST(any_bytes_are_a_response_and_a_prompt),
        TEST(feedback_keeps_a_wrong_hit_away),
        TEST(many_entries_go_in_one_call),
        TEST(two_handles_share_a_redis),
        TEST(lookups_go_on_without_redis),
        TEST(numbers_and_health_are_told),
        TEST(a_child_opens_a_cache_for_itself),
        TEST(threads_use_one_cache),
    };
    return RUN_TESTS(tests);
}
