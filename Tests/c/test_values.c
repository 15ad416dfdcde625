/*
 * Value caches: bytes by exact keys, in memory, in a directory and in Redis alike; and what no caller should pass.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *urls[3];
enum { n_urls = 3 };

/* Where caches live in this test. */
static void find_places(void) {
    urls[0] = "memory:";
    urls[1] = test_path("values");
    urls[2] = start_redis();
}

static vecstore_value_cache_options options(void) {
    vecstore_value_cache_options options = VECSTORE_VALUE_CACHE_OPTIONS_INIT;
    options.name_space = "tests";
    return options;
}

static vecstore_value_cache *open_cache(const char *url, const vecstore_value_cache_options *options) {
    vecstore_value_cache *cache = NULL;
    note("a cache in %s", url);
    REQUIRE_OK(vecstore_value_cache_open(url, options, &cache));
    REQUIRE(cache);
    return cache;
}

static vecstore_status set_text(vecstore_value_cache *cache, const char *key, const char *value, int64_t ttl) {
    const void *keys[] = { key }, *values[] = { value };
    const size_t key_sizes[] = { strlen(key) }, value_sizes[] = { strlen(value) };
    return vecstore_value_cache_set(cache, keys, key_sizes, values, value_sizes, 1, ttl);
}

/* The value of a key, in memory that the next call overwrites; NULL: there is none. */
static const char *text_of(const vecstore_value_cache *cache, const char *key) {
    static char text[256];
    const void *keys[] = { key };
    const size_t sizes[] = { strlen(key) };
    vecstore_values *values = NULL;
    REQUIRE_OK(vecstore_value_cache_get(cache, keys, sizes, 1, &values));
    vecstore_values_view view = VECSTORE_VALUES_VIEW_INIT;
    REQUIRE_OK(vecstore_values_get(values, &view));
    CHECK_EQ(view.n, 1);
    const char *found = view.values[0];
    if (found) {
        CHECK_EQ(strlen(found), view.sizes[0]);
        snprintf(text, sizeof text, "%s", found);
    }
    vecstore_values_free(values);
    return found ? text : NULL;
}

static vecstore_value_cache_stats stats_of(const vecstore_value_cache *cache) {
    vecstore_value_cache_stats stats = VECSTORE_VALUE_CACHE_STATS_INIT;
    REQUIRE_OK(vecstore_value_cache_get_stats(cache, &stats));
    return stats;
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL); }

/* ---- tests ---- */

static void values_come_in_the_order_of_the_keys(void) {
    find_places();
    const vecstore_value_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_value_cache *cache = open_cache(urls[p], &o);
        static const float vector[] = { 1, -2, 3 };
        const void *keys[] = { "vector", "empty", "\0\0", "missing" };
        const size_t key_sizes[] = { 6, 5, 2, 7 };
        const void *values[] = { vector, NULL, "a\0b" };
        const size_t value_sizes[] = { sizeof vector, 0, 3 };
        CHECK_OK(vecstore_value_cache_set(cache, keys, key_sizes, values, value_sizes, 3, 0));
        vecstore_values *found = NULL;
        REQUIRE_OK(vecstore_value_cache_get(cache, keys, key_sizes, 4, &found));
        vecstore_values_view view = VECSTORE_VALUES_VIEW_INIT;
        REQUIRE_OK(vecstore_values_get(found, &view));
        CHECK_EQ(view.n, 4);
        REQUIRE(view.values[0] && view.values[1] && view.values[2]);
        CHECK_EQ(view.sizes[0], sizeof vector);
        CHECK_FLOAT(((const float *)view.values[0])[1], -2);
        CHECK_EQ(view.sizes[1], 0);
        CHECK(view.sizes[2] == 3 && memcmp(view.values[2], "a\0b", 4) == 0);
        CHECK(view.values[3] == NULL && view.sizes[3] == 0);
        for (int i = 0; i < 3; i++) CHECK_EQ((uintptr_t)view.values[i] % 16, 0);
        vecstore_values_free(found);
        CHECK_ERROR(INVALID_HANDLE, vecstore_values_get(found, &view));
        vecstore_values_free(found);

        uint64_t deleted = 0;
        CHECK_OK(vecstore_value_cache_delete(cache, keys, key_sizes, 4, &deleted));
        CHECK_EQ(deleted, 3);
        CHECK_OK(vecstore_value_cache_set(cache, keys, key_sizes, values, value_sizes, 2, 0));
        CHECK_OK(vecstore_value_cache_clear(cache, &deleted));
        CHECK_EQ(deleted, 2);
        CHECK(text_of(cache, "empty") == NULL);
        CHECK_OK(vecstore_value_cache_close(cache));
    }
}

static void values_end(void) {
    find_places();
    vecstore_value_cache_options o = options();
    o.ttl = 200;
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_value_cache *cache = open_cache(urls[p], &o);
        CHECK_OK(set_text(cache, "standard", "1", 0));
        CHECK_OK(set_text(cache, "long", "2", 60000));
        CHECK_OK(set_text(cache, "none", "3", VECSTORE_CACHE_TTL_NONE));
        CHECK_TEXT(text_of(cache, "standard"), "1");
        sleep_ms(220);
        CHECK(text_of(cache, "standard") == NULL);
        CHECK_TEXT(text_of(cache, "long"), "2");
        CHECK_TEXT(text_of(cache, "none"), "3");
        CHECK_OK(vecstore_value_cache_close(cache));
    }
}

static void directories_and_redis_outlive_the_handle(void) {
    find_places();
    const vecstore_value_cache_options o = options();
    for (size_t p = 1; p < n_urls; p++) {
        vecstore_value_cache *cache = open_cache(urls[p], &o), *other = open_cache(urls[p], &o);
        CHECK_OK(set_text(cache, "k", "v", 0));
        CHECK_TEXT(text_of(other, "k"), "v");
        CHECK_OK(vecstore_value_cache_close(cache));
        CHECK_OK(vecstore_value_cache_close(other));
        cache = open_cache(urls[p], &o);
        CHECK_TEXT(text_of(cache, "k"), "v");
        CHECK_OK(vecstore_value_cache_close(cache));
    }
}

static void bounds_hold(void) {
    find_places();
    vecstore_value_cache_options o = options();
    o.max_entries = 2;
    for (size_t p = 0; p < 2; p++) {
        vecstore_value_cache *cache = open_cache(urls[p], &o);
        CHECK_OK(set_text(cache, "a", "1", 0));
        CHECK_OK(set_text(cache, "b", "2", 0));
        CHECK_TEXT(text_of(cache, "a"), "1");
        CHECK_OK(set_text(cache, "c", "3", 0));
        CHECK(text_of(cache, "b") == NULL);
        const vecstore_value_cache_stats stats = stats_of(cache);
        CHECK_EQ(stats.entries, 2);
        CHECK_EQ(stats.bytes, 2 * 162);
        CHECK_EQ(stats.evictions, 1);
        CHECK_EQ(stats.hits, 1);
        CHECK_EQ(stats.misses, 1);
        CHECK_EQ(stats.sets, 3);
        CHECK_OK(vecstore_value_cache_close(cache));
    }
}

static void what_the_process_keeps_needs_no_redis(void) {
    find_places();
    vecstore_value_cache_options o = options();
    o.local_bytes = 1 << 20;
    o.local_ttl = 60000;
    vecstore_value_cache *cache = open_cache(urls[2], &o);
    CHECK_OK(set_text(cache, "k", "v", 0));
    kill_redis();
    CHECK_TEXT(text_of(cache, "k"), "v");
    CHECK(text_of(cache, "other") == NULL);
    CHECK_OK(set_text(cache, "other", "v", 0));
    vecstore_value_cache_stats stats = stats_of(cache);
    CHECK_EQ(stats.local_hits, 1);
    CHECK_EQ(stats.unanswered, 1);
    CHECK_EQ(stats.dropped, 1);
    CHECK_EQ(stats.sets, 1);
    CHECK(stats.store_errors >= 2 && stats.last_error > 1600000000000);
    const void *keys[] = { "k" };
    const size_t sizes[] = { 1 };
    CHECK_ERROR(UNAVAILABLE, vecstore_value_cache_delete(cache, keys, sizes, 1, NULL));
    CHECK_ERROR(UNAVAILABLE, vecstore_value_cache_clear(cache, NULL));
    char text[512];
    CHECK_OK(vecstore_value_cache_health(cache, text, sizeof text, NULL));
    CHECK(strstr(text, "\"degraded\"") && strstr(text, "redis_away"));
    CHECK_OK(vecstore_value_cache_close(cache));

    o.fail_closed = 1;
    cache = NULL;
    CHECK_ERROR(UNAVAILABLE, vecstore_value_cache_open(urls[2], &o, &cache));
    CHECK(cache == NULL);
}

static void numbers_are_told(void) {
    find_places();
    const vecstore_value_cache_options o = options();
    vecstore_value_cache *caches[n_urls];
    for (size_t p = 0; p < n_urls; p++) caches[p] = open_cache(urls[p], &o);
    CHECK_OK(set_text(caches[0], "a", "1", 0));
    size_t needed = 0;
    const vecstore_value_cache *const *all = (const vecstore_value_cache *const *)caches;
    CHECK_OK(vecstore_value_caches_metrics(all, n_urls, NULL, 0, &needed));
    char *text = malloc(needed + 4096);
    REQUIRE(text);
    CHECK_OK(vecstore_value_caches_metrics(all, n_urls, text, needed + 4096, NULL));
    CHECK(strstr(text, "\nvecstore_values_sets_total{namespace=\"tests\",store=\"memory\"} 1\n"));
    CHECK(strstr(text, "\nvecstore_values_sets_total{namespace=\"tests\",store=\"redis\"} 0\n"));
    CHECK(strstr(text, "\nvecstore_values_entries{namespace=\"tests\",store=\"directory\"} 0\n"));
    CHECK_OK(vecstore_value_caches_metrics(NULL, 0, text, needed, NULL));
    CHECK_TEXT(text, "");
    const vecstore_value_cache *twice[] = { caches[0], caches[0] }, *with_null[] = { caches[0], NULL };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_caches_metrics(twice, 2, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_caches_metrics(with_null, 2, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_caches_metrics(NULL, 1, NULL, 0, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_value_caches_metrics(all, SIZE_MAX, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_caches_metrics(all, 1, NULL, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_health(NULL, text, 10, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_health(caches[0], NULL, 1, NULL));
    CHECK_OK(vecstore_value_cache_health(caches[1], text, 8, &needed));
    CHECK_TEXT(text, "{\"statu");
    CHECK_EQ(needed, strlen("{\"status\":\"ok\",\"reasons\":[]}"));
    free(text);
    for (size_t p = 0; p < n_urls; p++) CHECK_OK(vecstore_value_cache_close(caches[p]));
}

static vecstore_status open_with(const char *url, const vecstore_value_cache_options *options) {
    vecstore_value_cache *out = (vecstore_value_cache *)1;
    vecstore_status status = vecstore_value_cache_open(url, options, &out);
    CHECK((out == NULL) == (status != VECSTORE_OK));
    if (status == VECSTORE_OK) CHECK_OK(vecstore_value_cache_close(out));
    return status;
}

static void options_are_checked(void) {
    vecstore_value_cache_options o = options();
    CHECK_OK(open_with("memory:", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_open("memory:", &o, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("\xff", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("http://localhost", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("redis://user@localhost", &o));
    CHECK_ERROR(IO, open_with("/proc/values", &o));
    o.name_space = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o.name_space = "";
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o.name_space = "a b";
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o.name_space = "\xff";
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options();
    o.ttl = UINT64_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options();
    o.local_ttl = UINT64_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options();
    o.max_entries = UINT64_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options();
    o.max_bytes = o.local_bytes = UINT64_MAX;
    CHECK_OK(open_with("memory:", &o));
    o.fail_closed = 2;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options();
    vecstore_redis_options redis = VECSTORE_REDIS_OPTIONS_INIT;
    o.redis = &redis;
    redis.cluster = 3;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options();
    for (uint32_t size = 0; size < sizeof o; size++) {
        o.struct_size = size;
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    }
    o.struct_size = UINT32_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
}

static void bad_keys_and_values_are_refused(void) {
    const vecstore_value_cache_options o = options();
    vecstore_value_cache *cache = open_cache("memory:", &o);
    CHECK_OK(set_text(cache, "there", "1", 0));
    const void *keys[] = { "there", "b" }, *values[] = { "2", "2" };
    const void *with_null[] = { "there", NULL };
    const size_t sizes[] = { 5, 1 }, ones[] = { 1, 1 }, with_none[] = { 5, 0 }, too_many[] = { 5, (1 << 20) + 1 };
    const size_t all_of_it[] = { 1, SIZE_MAX }, too_large[] = { 1, (64 << 20) + 1 };
    vecstore_values *found = (vecstore_values *)1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(NULL, keys, sizes, values, ones, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, NULL, sizes, values, ones, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, NULL, values, ones, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, sizes, NULL, ones, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, sizes, values, NULL, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, with_null, sizes, values, ones, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, sizes, with_null, ones, 2, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, with_none, values, ones, 2, 0));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_set(cache, keys, too_many, values, ones, 2, 0));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_set(cache, keys, all_of_it, values, ones, 2, 0));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_set(cache, keys, sizes, values, too_large, 2, 0));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_set(cache, keys, sizes, values, ones, SIZE_MAX, 0));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_set(cache, keys, sizes, values, ones, (1 << 20) + 1, 0));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, sizes, values, ones, 2, -2));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_set(cache, keys, sizes, values, ones, 2, INT64_MIN));
    CHECK_OK(vecstore_value_cache_set(cache, NULL, NULL, NULL, NULL, 0, 0));

    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get(NULL, keys, sizes, 2, &found));
    CHECK(found == NULL);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get(cache, keys, sizes, 2, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get(cache, NULL, sizes, 2, &found));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get(cache, keys, NULL, 2, &found));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get(cache, keys, with_none, 2, &found));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_get(cache, keys, too_many, 2, &found));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_get(cache, keys, sizes, SIZE_MAX, &found));
    CHECK_OK(vecstore_value_cache_get(cache, NULL, NULL, 0, &found));
    vecstore_values_view view = VECSTORE_VALUES_VIEW_INIT;
    CHECK_OK(vecstore_values_get(found, &view));
    CHECK_EQ(view.n, 0);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_values_get(NULL, &view));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_values_get(found, NULL));
    view.struct_size = 8;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_values_get(found, &view));
    vecstore_values_free(found);
    vecstore_values_free(NULL);

    uint64_t deleted = 7;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_delete(NULL, keys, sizes, 2, &deleted));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_delete(cache, NULL, sizes, 2, &deleted));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_delete(cache, keys, NULL, 2, &deleted));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_delete(cache, with_null, sizes, 2, &deleted));
    CHECK_ERROR(TOO_LARGE, vecstore_value_cache_delete(cache, keys, sizes, SIZE_MAX, &deleted));
    CHECK_OK(vecstore_value_cache_delete(cache, NULL, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_clear(NULL, NULL));
    vecstore_value_cache_stats stats = VECSTORE_VALUE_CACHE_STATS_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get_stats(NULL, &stats));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get_stats(cache, NULL));
    stats.struct_size = 4;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_value_cache_get_stats(cache, &stats));

    CHECK_TEXT(text_of(cache, "there"), "1");
    CHECK_EQ(stats_of(cache).sets, 1);
    CHECK_OK(vecstore_value_cache_close(cache));
}

static void handles_that_are_none_are_refused(void) {
    const vecstore_value_cache_options o = options();
    vecstore_value_cache *freed = open_cache("memory:", &o);
    CHECK_OK(vecstore_value_cache_close(freed));
    vecstore_value_cache *all[] = { freed, (vecstore_value_cache *)(uintptr_t)0xA800000000000123, (vecstore_value_cache *)&o };
    const void *keys[] = { "k" };
    const size_t sizes[] = { 1 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        vecstore_values *found = NULL;
        vecstore_value_cache_stats stats = VECSTORE_VALUE_CACHE_STATS_INIT;
        const vecstore_value_cache *one[] = { all[i] };
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_set(all[i], keys, sizes, keys, sizes, 1, 0));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_get(all[i], keys, sizes, 1, &found));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_delete(all[i], keys, sizes, 1, NULL));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_clear(all[i], NULL));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_get_stats(all[i], &stats));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_caches_metrics(one, 1, NULL, 0, NULL));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_health(all[i], NULL, 0, NULL));
        CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_close(all[i]));
    }
    CHECK_OK(vecstore_value_cache_close(NULL));
}

static void a_child_opens_a_cache_for_itself(void) {
    find_places();
    const vecstore_value_cache_options o = options();
    for (size_t p = 0; p < n_urls; p++) {
        vecstore_value_cache *cache = open_cache(urls[p], &o);
        CHECK_OK(set_text(cache, "k", "v", 0));
        fflush(stdout);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            alarm(60);
            const void *keys[] = { "k" };
            const size_t sizes[] = { 1 };
            vecstore_values *found = NULL;
            CHECK_ERROR(INVALID_HANDLE, vecstore_value_cache_get(cache, keys, sizes, 1, &found));
            vecstore_value_cache *own = NULL;
            if (p == 1) {
                /* SQLite would take the locks of the parent for the child's. */
                CHECK_ERROR(LOCKED, vecstore_value_cache_open(urls[p], &o, &own));
                own = open_cache(test_path("others"), &o);
            } else {
                own = open_cache(urls[p], &o);
            }
            if (p == 2) CHECK_TEXT(text_of(own, "k"), "v");
            CHECK_OK(set_text(own, "child", "v", 0));
            CHECK_OK(vecstore_value_cache_close(own));
            vecstore_value_cache_close(cache);
            fflush(stdout);
            _exit(is_passing() ? 0 : 1);
        }
        int status = -1;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK_TEXT(text_of(cache, "k"), "v");
        if (p == 2) CHECK_TEXT(text_of(cache, "child"), "v");
        CHECK_OK(vecstore_value_cache_close(cache));
    }
}

static void a_child_opens_a_directory_that_was_closed(void) {
    const vecstore_value_cache_options o = options();
    const char *path = test_path("values");
    vecstore_value_cache *cache = open_cache(path, &o);
    CHECK_OK(set_text(cache, "k", "v", 0));
    CHECK_OK(vecstore_value_cache_close(cache));
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(60);
        cache = open_cache(path, &o);
        CHECK_TEXT(text_of(cache, "k"), "v");
        CHECK_OK(vecstore_value_cache_close(cache));
        fflush(stdout);
        _exit(is_passing() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(values_come_in_the_order_of_the_keys),
        TEST(values_end),
        TEST(directories_and_redis_outlive_the_handle),
        TEST(bounds_hold),
        TEST(what_the_process_keeps_needs_no_redis),
        TEST(numbers_are_told),
        TEST(options_are_checked),
        TEST(bad_keys_and_values_are_refused),
        TEST(handles_that_are_none_are_refused),
        TEST(a_child_opens_a_cache_for_itself),
        TEST(a_child_opens_a_directory_that_was_closed),
    };
    return RUN_TESTS(tests);
}
