/*
 * Rate limiters: token buckets in this process and in a Redis; and what no caller should pass.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "redis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static vecstore_rate_limiter_options options(double capacity, double refill_per_second) {
    vecstore_rate_limiter_options options = VECSTORE_RATE_LIMITER_OPTIONS_INIT;
    options.name_space = "tests";
    options.capacity = capacity;
    options.refill_per_second = refill_per_second;
    return options;
}

static vecstore_rate_limiter *open_limiter(const char *url, const vecstore_rate_limiter_options *options) {
    vecstore_rate_limiter *limiter = NULL;
    note("a limiter in %s", url);
    REQUIRE_OK(vecstore_rate_limiter_open(url, options, &limiter));
    REQUIRE(limiter);
    return limiter;
}

static vecstore_rate_decision take(vecstore_rate_limiter *limiter, const char *key, double tokens) {
    vecstore_rate_decision decision = VECSTORE_RATE_DECISION_INIT;
    REQUIRE_OK(vecstore_rate_limiter_acquire(limiter, key, strlen(key), tokens, &decision));
    return decision;
}

/* ---- tests ---- */

static void a_bucket_gives_as_many_tokens_as_it_has(void) {
    const char *urls[] = { "memory:", start_redis() };
    const vecstore_rate_limiter_options o = options(3, 0.01);
    for (int p = 0; p < 2; p++) {
        vecstore_rate_limiter *limiter = open_limiter(urls[p], &o);
        for (int left = 2; left >= 0; left--) {
            const vecstore_rate_decision decision = take(limiter, "a", 1);
            CHECK_EQ(decision.allowed, 1);
            CHECK_NEAR(decision.remaining, left, 0.05);
            CHECK_EQ(decision.retry_after, 0);
            CHECK_EQ(decision.local, 0);
        }
        const vecstore_rate_decision decision = take(limiter, "a", 1);
        CHECK_EQ(decision.allowed, 0);
        CHECK(decision.retry_after > 95000 && decision.retry_after <= 100000);
        CHECK_EQ(take(limiter, "a", 0).allowed, 1);
        CHECK_EQ(take(limiter, "b", 2.5).allowed, 1);
        CHECK_EQ(take(limiter, "b", 2.5).allowed, 0);
        CHECK_OK(vecstore_rate_limiter_close(limiter));
    }
}

static void handles_share_buckets_in_redis_alone(void) {
    const char *urls[] = { "memory:", start_redis() };
    const vecstore_rate_limiter_options o = options(1, 0.001);
    for (int p = 0; p < 2; p++) {
        vecstore_rate_limiter *a = open_limiter(urls[p], &o), *b = open_limiter(urls[p], &o);
        CHECK_EQ(take(a, "k", 1).allowed, 1);
        CHECK_EQ(take(b, "k", 1).allowed, p == 0);
        CHECK_OK(vecstore_rate_limiter_close(a));
        CHECK_OK(vecstore_rate_limiter_close(b));
    }
}

static void who_waits_as_long_as_was_told_gets_tokens(void) {
    const char *urls[] = { "memory:", start_redis() };
    const vecstore_rate_limiter_options o = options(1, 20);
    for (int p = 0; p < 2; p++) {
        vecstore_rate_limiter *limiter = open_limiter(urls[p], &o);
        CHECK_EQ(take(limiter, "k", 1).allowed, 1);
        const vecstore_rate_decision decision = take(limiter, "k", 1);
        CHECK(!decision.allowed && decision.retry_after >= 1 && decision.retry_after <= 50);
        nanosleep(&(struct timespec){ 0, decision.retry_after * 1000000 }, NULL);
        CHECK_EQ(take(limiter, "k", 1).allowed, 1);
        CHECK_OK(vecstore_rate_limiter_close(limiter));
    }
}

static void buckets_of_the_process_serve_without_redis(void) {
    const char *url = start_redis();
    vecstore_rate_limiter_options o = options(2, 0.001);
    vecstore_rate_limiter *limiter = open_limiter(url, &o);
    o.fail_closed = 1;
    vecstore_rate_limiter *closed = open_limiter(url, &o);
    CHECK_EQ(take(limiter, "k", 1).local, 0);
    kill_redis();
    for (int i = 0; i < 3; i++) {
        const vecstore_rate_decision decision = take(limiter, "k", 1);
        CHECK_EQ(decision.local, 1);
        CHECK_EQ(decision.allowed, i < 2);
    }
    vecstore_rate_decision decision = VECSTORE_RATE_DECISION_INIT;
    CHECK_ERROR(UNAVAILABLE, vecstore_rate_limiter_acquire(closed, "k", 1, 1, &decision));
    char text[512];
    CHECK_OK(vecstore_rate_limiter_health(limiter, text, sizeof text, NULL));
    CHECK(strstr(text, "\"degraded\"") && strstr(text, "redis_away"));
    CHECK_OK(vecstore_rate_limiter_close(limiter));
    CHECK_OK(vecstore_rate_limiter_close(closed));
}

static void numbers_are_told(void) {
    const vecstore_rate_limiter_options o = options(1, 0.001);
    vecstore_rate_limiter *limiter = open_limiter("memory:", &o);
    take(limiter, "k", 1);
    take(limiter, "k", 1);
    const vecstore_rate_limiter *one[] = { limiter, limiter, NULL };
    char text[4096];
    size_t needed = 0;
    CHECK_OK(vecstore_rate_limiters_metrics(one, 1, text, sizeof text, &needed));
    CHECK_EQ(needed, strlen(text));
    CHECK(strstr(text, "\nvecstore_limits_decisions_total{namespace=\"tests\",store=\"memory\",result=\"allowed\"} 1\n"));
    CHECK(strstr(text, "\nvecstore_limits_decisions_total{namespace=\"tests\",store=\"memory\",result=\"denied\"} 1\n"));
    CHECK_OK(vecstore_rate_limiters_metrics(NULL, 0, text, sizeof text, NULL));
    CHECK_TEXT(text, "");
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiters_metrics(one, 2, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiters_metrics(one + 1, 2, NULL, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiters_metrics(NULL, 1, NULL, 0, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_rate_limiters_metrics(one, SIZE_MAX, NULL, 0, NULL));
    CHECK_OK(vecstore_rate_limiter_health(limiter, text, sizeof text, NULL));
    CHECK_TEXT(text, "{\"status\":\"ok\",\"reasons\":[]}");
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_health(limiter, NULL, 1, NULL));
    CHECK_OK(vecstore_rate_limiter_close(limiter));
}

static vecstore_status open_with(const char *url, const vecstore_rate_limiter_options *options) {
    vecstore_rate_limiter *out = (vecstore_rate_limiter *)1;
    vecstore_status status = vecstore_rate_limiter_open(url, options, &out);
    CHECK((out == NULL) == (status != VECSTORE_OK));
    if (status == VECSTORE_OK) CHECK_OK(vecstore_rate_limiter_close(out));
    return status;
}

static void options_are_checked(void) {
    vecstore_rate_limiter_options o = options(1, 1);
    CHECK_OK(open_with("memory:", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_open("memory:", &o, NULL));
    CHECK_ERROR(UNSUPPORTED, open_with(test_path("limits"), &o));
    CHECK_ERROR(UNSUPPORTED, open_with("", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("\xff", &o));
    CHECK_ERROR(INVALID_ARGUMENT, open_with("http://localhost", &o));
    const double bad[] = { 0, -1, 1e-7, 1e13, NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o = options(bad[i], 1);
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
        o = options(1, bad[i]);
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    }
    o = options(1, 1);
    o.name_space = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o.name_space = "a{b";
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options(1, 1);
    o.fail_closed = 2;
    CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    o = options(1, 1);
    for (uint32_t size = 0; size < sizeof o; size++) {
        o.struct_size = size;
        CHECK_ERROR(INVALID_ARGUMENT, open_with("memory:", &o));
    }
}

static void bad_input_takes_no_token(void) {
    const vecstore_rate_limiter_options o = options(2, 0.001);
    vecstore_rate_limiter *limiter = open_limiter("memory:", &o);
    vecstore_rate_decision decision = VECSTORE_RATE_DECISION_INIT;
    static char key[1025];
    memset(key, 'k', sizeof key);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_acquire(NULL, "k", 1, 1, &decision));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_acquire(limiter, NULL, 1, 1, &decision));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_acquire(limiter, "k", 0, 1, &decision));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_acquire(limiter, "k", 1, 1, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_rate_limiter_acquire(limiter, key, sizeof key, 1, &decision));
    CHECK_ERROR(TOO_LARGE, vecstore_rate_limiter_acquire(limiter, "k", SIZE_MAX, 1, &decision));
    const double bad[] = { -1, 2.5, NAN, INFINITY };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_acquire(limiter, "k", 1, bad[i], &decision));
    decision.struct_size = 8;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_rate_limiter_acquire(limiter, "k", 1, 1, &decision));
    CHECK_EQ(take(limiter, "k", 2).allowed, 1);
    CHECK_OK(vecstore_rate_limiter_close(limiter));
    CHECK_OK(vecstore_rate_limiter_close(NULL));

    vecstore_rate_limiter *all[] = { limiter, (vecstore_rate_limiter *)(uintptr_t)0xAA00000000000123, (vecstore_rate_limiter *)key };
    decision.struct_size = sizeof decision;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const vecstore_rate_limiter *one[] = { all[i] };
        CHECK_ERROR(INVALID_HANDLE, vecstore_rate_limiter_acquire(all[i], "k", 1, 1, &decision));
        CHECK_ERROR(INVALID_HANDLE, vecstore_rate_limiters_metrics(one, 1, NULL, 0, NULL));
        CHECK_ERROR(INVALID_HANDLE, vecstore_rate_limiter_health(all[i], NULL, 0, NULL));
        CHECK_ERROR(INVALID_HANDLE, vecstore_rate_limiter_close(all[i]));
    }
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_bucket_gives_as_many_tokens_as_it_has),
        TEST(handles_share_buckets_in_redis_alone),
        TEST(who_waits_as_long_as_was_told_gets_tokens),
        TEST(buckets_of_the_process_serve_without_redis),
        TEST(numbers_are_told),
        TEST(options_are_checked),
        TEST(bad_input_takes_no_token),
    };
    return RUN_TESTS(tests);
}
