/*
 * What no caller of a semantic cache should pass: NULL, handles that are none, sizes, values and texts out of range, URLs that lead
 * nowhere. After each error the cache is as it was before.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { dim = 4 };

static const float vector[dim] = { 1, 2, 3, 4 };
static vecstore_cache *cache;
static char id[VECSTORE_CACHE_ID_SIZE];

static vecstore_cache_options options(void) {
    vecstore_cache_options options = VECSTORE_CACHE_OPTIONS_INIT;
    options.dim = dim;
    options.name_space = "tests";
    return options;
}

static vecstore_cache_entry entry_of(const char *prompt) {
    vecstore_cache_entry entry = VECSTORE_CACHE_ENTRY_INIT;
    entry.prompt = entry.response = prompt;
    entry.vector = vector;
    return entry;
}

static vecstore_cache_query query_of(const char *prompt) {
    vecstore_cache_query query = VECSTORE_CACHE_QUERY_INIT;
    query.prompt = prompt;
    query.vector = vector;
    return query;
}

static void make(void) {
    const vecstore_cache_options o = options();
    REQUIRE_OK(vecstore_cache_open("memory:", &o, &cache));
    const vecstore_cache_entry entry = entry_of("there");
    REQUIRE_OK(vecstore_cache_set(cache, &entry, 1, id));
}

/* The errors before this have changed nothing. */
static void finish(void) {
    vecstore_cache_stats stats = VECSTORE_CACHE_STATS_INIT;
    CHECK_OK(vecstore_cache_get_stats(cache, &stats));
    CHECK_EQ(stats.entries, 1);
    CHECK_EQ(stats.sets, 1);
    CHECK_EQ(stats.deletes, 0);
    const vecstore_cache_query query = query_of("there");
    vecstore_cache_hits *hits = NULL;
    CHECK_OK(vecstore_cache_get(cache, &query, &hits));
    CHECK(hits != NULL);
    vecstore_cache_hits_free(hits);
    CHECK_OK(vecstore_cache_close(cache));
}

static vecstore_status open_with(const char *url, const vecstore_cache_options *options) {
    vecstore_cache *out = (vecstore_cache *)1;
    vecstore_status status = vecstore_cache_open(url, options, &out);
    CHECK((out == NULL) == (status != VECSTORE_OK));
    if (status == VECSTORE_OK) CHECK_OK(vecstore_cache_close(out));
    return status;
}

static vecstore_status set(const vecstore_cache_entry *entry) { return vecstore_cache_set(cache, entry, 1, NULL); }

static vecstore_status get(const vecstore_cache_query *query) {
    vecstore_cache_hits *hits = (vecstore_cache_hits *)1;
    vecstore_status status = vecstore_cache_get(cache, query, &hits);
    if (status != VECSTORE_OK) CHECK(hits == NULL);
    else vecstore_cache_hits_free(hits);
    return status;
}

static char *long_text(size_t size, char byte) {
    char *text = malloc(size + 1);
    REQUIRE(text);
    memset(text, byte, size);
    text[size] = 0;
    return text;
}

/* ---- tests ---- */

static void null_is_refused_where_something_is_needed(void) {
    make();
    vecstore_cache_options o = options();
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_open("memory:", &o, NULL));
    o.name_space = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    CHECK_OK(vecstore_cache_close(NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_set(cache, NULL, 1, NULL));
    CHECK_OK(vecstore_cache_set(cache, NULL, 0, NULL));
    vecstore_cache_entry entry = entry_of("new");
    entry.prompt = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    entry = entry_of("new");
    entry.vector = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    entry = entry_of("new");
    entry.response = NULL;
    entry.response_size = 3;
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    CHECK_ERROR(INVALID_ARGUMENT, get(NULL));
    vecstore_cache_query query = query_of(NULL);
    query.vector = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_get(cache, &query, NULL));
    size_t count = 7;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_hits_count(NULL, NULL));
    CHECK_OK(vecstore_cache_hits_count(NULL, &count));
    CHECK_EQ(count, 0);
    vecstore_cache_hit hit = VECSTORE_CACHE_HIT_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_hits_get(NULL, 0, &hit));
    vecstore_cache_hits *hits = NULL;
    REQUIRE_OK(vecstore_cache_get(cache, &query, &hits));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_hits_get(hits, 0, NULL));
    vecstore_cache_hits_free(hits);
    vecstore_cache_hits_free(NULL);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete(cache, NULL, 1, NULL));
    CHECK_OK(vecstore_cache_delete(cache, NULL, 0, NULL));
    const char *const none[] = { NULL };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete(cache, none, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete_where(cache, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_feedback(cache, NULL, NULL, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_get_stats(cache, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_caches_metrics(NULL, 1, NULL, 0, NULL));
    CHECK_OK(vecstore_caches_metrics(NULL, 0, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_health(cache, NULL, 1, NULL));
    finish();
}

/* Calls every function with a handle; each must refuse it with `expected`. */
static void check_all_refuse(vecstore_cache *handle, vecstore_status expected) {
    const vecstore_cache_entry entry = entry_of("new");
    const vecstore_cache_query query = query_of("there");
    const char *const ids[] = { id };
    vecstore_cache_hits *hits = NULL;
    vecstore_cache_stats stats = VECSTORE_CACHE_STATS_INIT;
    const vecstore_cache *all[] = { handle };
    CHECK_EQ(vecstore_cache_set(handle, &entry, 1, NULL), expected);
    CHECK_EQ(vecstore_cache_get(handle, &query, &hits), expected);
    CHECK_EQ(vecstore_cache_delete(handle, ids, 1, NULL), expected);
    CHECK_EQ(vecstore_cache_delete_where(handle, "{}", 0, NULL), expected);
    CHECK_EQ(vecstore_cache_clear(handle, NULL), expected);
    CHECK_EQ(vecstore_cache_feedback(handle, id, NULL, 1), expected);
    CHECK_EQ(vecstore_cache_get_stats(handle, &stats), expected);
    CHECK_EQ(vecstore_caches_metrics(all, 1, NULL, 0, NULL), expected);
    CHECK_EQ(vecstore_cache_health(handle, NULL, 0, NULL), expected);
    CHECK_EQ(vecstore_cache_flush(handle, 1), expected);
    CHECK_EQ(vecstore_cache_optimize(handle), expected);
    if (handle) CHECK_EQ(vecstore_cache_close(handle), expected);
}

static void handles_that_are_none_are_refused(void) {
    make();
    const vecstore_cache_query query = query_of("there");
    vecstore_cache_hits *hits = NULL;
    REQUIRE_OK(vecstore_cache_get(cache, &query, &hits));
    check_all_refuse(NULL, VECSTORE_ERR_INVALID_ARGUMENT);
    check_all_refuse((vecstore_cache *)&query, VECSTORE_ERR_INVALID_HANDLE);
    check_all_refuse((vecstore_cache *)hits, VECSTORE_ERR_INVALID_HANDLE);
    check_all_refuse((vecstore_cache *)((uintptr_t)cache + 1), VECSTORE_ERR_INVALID_HANDLE);
    size_t count;
    vecstore_cache_hit hit = VECSTORE_CACHE_HIT_INIT;
    CHECK_ERROR(INVALID_HANDLE, vecstore_cache_hits_count((vecstore_cache_hits *)cache, &count));
    CHECK_ERROR(NOT_FOUND, vecstore_cache_hits_get(hits, 1, &hit));
    CHECK_ERROR(NOT_FOUND, vecstore_cache_hits_get(hits, SIZE_MAX, &hit));
    vecstore_cache_hits_free((vecstore_cache_hits *)cache);
    vecstore_cache_hits_free(hits);
    vecstore_cache_hits_free(hits);
    CHECK_ERROR(INVALID_HANDLE, vecstore_cache_hits_get(hits, 0, &hit));
    vecstore_cache *closed = cache;
    finish();
    check_all_refuse(closed, VECSTORE_ERR_INVALID_HANDLE);
}

static void struct_sizes_are_checked(void) {
    make();
    const uint32_t sizes[] = { 0, 4, 8, 4097, UINT32_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        vecstore_cache_options o = options();
        vecstore_redis_options redis = VECSTORE_REDIS_OPTIONS_INIT;
        redis.struct_size = sizes[i];
        o.redis = &redis;
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
        o = options();
        o.struct_size = sizes[i];
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
        vecstore_cache_entry entry = entry_of("new");
        entry.struct_size = sizes[i];
        CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
        vecstore_cache_query query = query_of("there");
        query.struct_size = sizes[i];
        CHECK_ERROR(INVALID_ARGUMENT, get(&query));
        vecstore_cache_stats stats = VECSTORE_CACHE_STATS_INIT;
        stats.struct_size = sizes[i];
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_get_stats(cache, &stats));
    }
    /* Structs of a newer program: what this library does not know must be 0. */
    struct { vecstore_cache_query query; uint64_t more; } newer = { query_of("there"), 0 };
    newer.query.struct_size = sizeof newer;
    CHECK_OK(get(&newer.query));
    newer.more = 1;
    CHECK_ERROR(INVALID_ARGUMENT, get(&newer.query));
    struct { vecstore_cache_entry entry; uint64_t more; } entries[2] = { { entry_of("a"), 0 }, { entry_of(""), 0 } };
    entries[0].entry.struct_size = entries[1].entry.struct_size = sizeof *entries;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_set(cache, &entries[0].entry, 2, NULL));
    CHECK(strstr(vecstore_last_error(), "entry 1: the prompt has 0 bytes"));
    entries[1].entry.struct_size = sizeof(vecstore_cache_entry);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_set(cache, &entries[0].entry, 2, NULL));
    finish();
}

static void options_out_of_range_are_refused(void) {
    make();
    static const char *const namespaces[] = { "", "a b", "a{b}", "a\nb", "\xff" };
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        vecstore_cache_options o = options();
        o.name_space = namespaces[i];
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    }
    char *long_name = long_text(129, 'x');
#define REFUSED(field, value)                                   \
    do {                                                        \
        vecstore_cache_options o = options();                   \
        o.field = value;                                        \
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o)); \
    } while (0)
    REFUSED(name_space, long_name);
    REFUSED(dim, 0);
    REFUSED(dim, VECSTORE_DIM_MAX + 1);
    REFUSED(model, "\xff");
    REFUSED(model, "a\nb");
    REFUSED(similarity_threshold, 0.9f); /* has_threshold is 0 */
    REFUSED(has_threshold, 2);
    REFUSED(max_entries, 1073741824);
    REFUSED(max_entries, UINT64_MAX);
    REFUSED(ttl, UINT64_MAX);
    REFUSED(eviction, 4);
    REFUSED(dtype, 7);
    REFUSED(refresh_on_hit, 2);
    REFUSED(guard, 2);
    REFUSED(fail_closed, 2);
    REFUSED(keep_responses, 2);
    REFUSED(one_per_prompt, 2);
    REFUSED(reserved, 1);
#undef REFUSED
    free(long_name);
    vecstore_cache_options o = options();
    o.dtype = VECSTORE_DTYPE_I8;
    CHECK_ERROR(UNSUPPORTED, open_with("memory:", &o));
    static const float thresholds[] = { -1.01f, 1.01f, NAN, INFINITY };
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
        o = options();
        o.has_threshold = 1;
        o.similarity_threshold = thresholds[i];
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
        vecstore_cache_query query = query_of("there");
        query.has_threshold = 1;
        query.similarity_threshold = thresholds[i];
        CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    }
    o = options();
    o.max_bytes = UINT64_MAX;
    CHECK_OK(open_with("memory:", &o));
    finish();
}

static void options_of_redis_out_of_range_are_refused(void) {
    make();
    vecstore_cache_options o = options();
    vecstore_redis_options redis;
    o.redis = &redis;
#define REFUSED(field, value)                                                      \
    do {                                                                           \
        redis = (vecstore_redis_options)VECSTORE_REDIS_OPTIONS_INIT;               \
        redis.field = value;                                                       \
        CHECK_ERROR(INVALID_ARGUMENT, open_with("redis://127.0.0.1:1", &o));       \
    } while (0)
    REFUSED(connect_timeout, UINT32_MAX);
    REFUSED(command_timeout, UINT32_MAX);
    REFUSED(max_connections, 10001);
    REFUSED(no_retries, 2);
    REFUSED(cluster, 3);
    REFUSED(tls_no_verify, 2);
    REFUSED(tls_ca_file, "\xff");
    REFUSED(tls_key_file, "key.pem"); /* without its certificate */
#undef REFUSED
    finish();
}

static void urls_that_lead_nowhere_are_refused(void) {
    make();
    const vecstore_cache_options o = options();
    static const char *const urls[] = {
        "", "\xff", "http://localhost", "redis://", "redis://:0", "redis://localhost:99999", "redis://localhost/x", "redis://a:b:c",
        "redis://user@localhost", "unix://", "redis://%zz@localhost", "memory://", "redis:// ",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        note("\"%s\"", urls[i]);
        vecstore_status status = open_with(urls[i], &o);
        /* No host is this machine; then nothing may be there, and a cache that fails open opens. */
        if (strcmp(urls[i], "redis://") != 0) CHECK_EQ(status, VECSTORE_ERR_INVALID_ARGUMENT);
    }
    CHECK_ERROR(INVALID_ARGUMENT, open_with("redis://user:geheim@localhost:99999", &o));
    CHECK(!strstr(vecstore_last_error(), "geheim"));
    /* A directory of another kind, and a file. */
    FILE *file = fopen(test_path("file"), "w");
    REQUIRE(file && fclose(file) == 0);
    vecstore_status status = open_with(test_path("file"), &o);
    CHECK(status == VECSTORE_ERR_IO || status == VECSTORE_ERR_ALREADY_EXISTS || status == VECSTORE_ERR_NOT_FOUND);
    CHECK(open_with(test_path("none/below"), &o) != VECSTORE_OK);
    vecstore_cache *first = NULL;
    REQUIRE_OK(vecstore_cache_open(test_path("cache"), &o, &first));
    CHECK_ERROR(LOCKED, open_with(test_path("cache"), &o));
    CHECK_OK(vecstore_cache_close(first));
    vecstore_cache_options other = options();
    other.dim = 5;
    CHECK_ERROR(INVALID_ARGUMENT, open_with(test_path("cache"), &other));
    /* With fail_closed a server that is not there is an error; without, it may come. */
    vecstore_redis_options redis = VECSTORE_REDIS_OPTIONS_INIT;
    redis.connect_timeout = redis.command_timeout = 300;
    other = options();
    other.redis = &redis;
    CHECK_OK(open_with("redis://127.0.0.1:1", &other));
    other.fail_closed = 1;
    CHECK_ERROR(UNAVAILABLE, open_with("redis://127.0.0.1:1", &other));
    finish();
}

static void entries_that_cannot_be_are_refused(void) {
    make();
    vecstore_cache_entry entry = entry_of("");
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    char *text = long_text((8 << 20) + 1, 'x');
    entry = entry_of("new");
    entry.response = text;
    CHECK_ERROR(TOO_LARGE, set(&entry));
    entry = entry_of("new");
    entry.prompt = text;
    CHECK_ERROR(TOO_LARGE, set(&entry));
    entry.prompt_size = (size_t)-1;
    CHECK_ERROR(TOO_LARGE, set(&entry));
    static const char *const metadata[] = { "", "[]", "7", "{", "{\"a\": 1, \"a\": 2}", "{\"a\": \"\xff\"}" };
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        note("metadata %s", metadata[i]);
        entry = entry_of("new");
        entry.metadata = metadata[i];
        if (metadata[i][0]) CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    }
    entry = entry_of("new");
    entry.ttl = -2;
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    entry = entry_of("new");
    entry.cost = -1;
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    entry.cost = NAN;
    CHECK_ERROR(INVALID_ARGUMENT, set(&entry));
    float row[dim] = { 0 };
    entry = entry_of("new");
    entry.vector = row;
    CHECK_ERROR(ZERO_VECTOR, set(&entry));
    row[1] = NAN;
    CHECK_ERROR(NOT_FINITE, set(&entry));
    row[1] = INFINITY;
    CHECK_ERROR(NOT_FINITE, set(&entry));
    row[1] = FLT_MAX;
    CHECK_ERROR(TOO_LARGE, set(&entry));
    /* None of a batch is set where one is wrong. */
    const vecstore_cache_entry both[] = { entry_of("fine"), entry };
    CHECK_ERROR(TOO_LARGE, vecstore_cache_set(cache, both, 2, NULL));
    CHECK(strstr(vecstore_last_error(), "entry 1: "));
    CHECK_ERROR(TOO_LARGE, vecstore_cache_set(cache, both, SIZE_MAX, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_cache_set(cache, both, 1048577, NULL));
    free(text);
    finish();
}

static void queries_that_cannot_be_are_refused(void) {
    make();
    vecstore_cache_query query = query_of("there");
    query.tiers = 4;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.uncounted_miss = 2;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.tiers = VECSTORE_CACHE_TIER_SEMANTIC;
    query.vector = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of(NULL);
    query.tiers = VECSTORE_CACHE_TIER_EXACT;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.has_threshold = 2;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.similarity_threshold = 0.5f;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.k = 1001;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query.k = SIZE_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.reserved = 1;
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    query = query_of("there");
    query.filter = "{\"must\": 7}";
    CHECK_ERROR(INVALID_ARGUMENT, get(&query));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete_where(cache, "{\"tenant\": \"a\"}", 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete_where(cache, "", 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete_where(cache, "{}", 2, NULL));
    float row[dim] = { 0 };
    query = query_of(NULL);
    query.vector = row;
    CHECK_ERROR(ZERO_VECTOR, get(&query));
    row[0] = -INFINITY;
    CHECK_ERROR(NOT_FINITE, get(&query));
    static const char *const ids[] = { "", "x", "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0", "\xff" };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_delete(cache, &ids[i], 1, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_feedback(cache, ids[i], NULL, 1));
    }
    CHECK_ERROR(TOO_LARGE, vecstore_cache_delete(cache, ids, SIZE_MAX, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_cache_feedback(cache, id, NULL, 2));
    CHECK_ERROR(NOT_FOUND, vecstore_cache_feedback(cache, "0123456789abcdef0123456789abcdef", NULL, 1));
    CHECK_ERROR(ZERO_VECTOR, vecstore_cache_feedback(cache, id, (const float[dim]){ 0 }, 1));
    const vecstore_cache *twice[] = { cache, cache };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_caches_metrics(twice, 2, NULL, 0, NULL));
    finish();
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(null_is_refused_where_something_is_needed),
        TEST(handles_that_are_none_are_refused),
        TEST(struct_sizes_are_checked),
        TEST(options_out_of_range_are_refused),
        TEST(options_of_redis_out_of_range_are_refused),
        TEST(urls_that_lead_nowhere_are_refused),
        TEST(entries_that_cannot_be_are_refused),
        TEST(queries_that_cannot_be_are_refused),
    };
    return RUN_TESTS(tests);
}
