/*
 * Filters: which rows may be results.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The ids that a filter lets through, as bits from the id 100 on: by search and by range search. */
static unsigned matches(const vecstore_filter *filter) {
    vecstore_index *index = ten_rows();
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = filter;
    uint64_t ids[10], count = 0;
    float distances[10];
    CHECK_OK(vecstore_index_search(index, at_zero, F32, 1, 10, &options, ids, distances, &count));
    unsigned result = 0;
    for (uint64_t i = 0; i < count; i++) {
        CHECK(i == 0 || ids[i] > ids[i - 1]);
        result |= 1u << (ids[i] - 100);
    }
    vecstore_range_result *range;
    REQUIRE_OK(vecstore_index_search_range(index, at_zero, F32, 1, INFINITY, &options, &range));
    const uint64_t *offsets, *range_ids;
    CHECK_OK(vecstore_range_result_get(range, NULL, &offsets, &range_ids, NULL));
    unsigned range_result = 0;
    for (uint64_t i = 0; i < offsets[1]; i++) range_result |= 1u << (range_ids[i] - 100);
    CHECK_EQ(range_result, result);
    vecstore_range_result_free(range);
    vecstore_index_free(index);
    return result;
}

/* The same for the filter and its opposite. */
#define CHECK_MATCHES(filter, expected)                \
    do {                                               \
        (filter).negate = 0;                           \
        CHECK_EQ(matches(&(filter)), (expected));      \
        (filter).negate = 1;                           \
        CHECK_EQ(matches(&(filter)), 1023 ^ (expected)); \
    } while (0)

static void the_filter_none_lets_all_through(void) {
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    CHECK_MATCHES(filter, 1023);
    CHECK_EQ(matches(NULL), 1023);
}

static void bitmaps_match_by_id(void) {
    uint8_t bitmap[14] = { 0 };
    bitmap[100 / 8] |= 1 << 100 % 8;
    bitmap[103 / 8] |= 1 << 103 % 8;
    bitmap[104 / 8] |= 1 << 104 % 8;
    bitmap[108 / 8] |= 1 << 108 % 8;
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_BITMAP;
    filter.bitmap = bitmap;
    filter.bitmap_bits = 110;
    CHECK_MATCHES(filter, 1 | 1 << 3 | 1 << 4 | 1 << 8);
    /* Ids from bitmap_bits on do not match, whatever the bits behind it are. */
    filter.bitmap_bits = 104;
    CHECK_MATCHES(filter, 1 | 1 << 3);
    filter.bitmap_bits = 0;
    CHECK_MATCHES(filter, 0);
    filter.bitmap = NULL;
    CHECK_MATCHES(filter, 0);
}

static void nothing_is_read_behind_a_bitmap(void) {
    uint8_t bytes[14];
    memset(bytes, 0xff, sizeof bytes);
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_BITMAP;
    filter.bitmap = fenced_copy(bytes, 13);
    filter.bitmap_bits = 103;
    CHECK_MATCHES(filter, 7);
}

static void id_lists_match_in_any_order(void) {
    const uint64_t ids[6] = { 109, 5, 100, 109, VECSTORE_ID_NONE, 102 };
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_IDS;
    filter.ids = ids;
    filter.ids_count = 6;
    CHECK_MATCHES(filter, 1 | 1 << 2 | 1 << 9);
    filter.ids_count = 1;
    CHECK_MATCHES(filter, 1 << 9);
    filter.ids_count = 0;
    CHECK_MATCHES(filter, 0);
    filter.ids = NULL;
    CHECK_MATCHES(filter, 0);
}

typedef struct calls {
    int of_id[10];
    pthread_t thread;
    bool is_other_thread;
} calls;

static bool is_even(uint64_t id, void *payload) {
    calls *seen = payload;
    seen->of_id[id - 100]++;
    if (!pthread_equal(seen->thread, pthread_self())) seen->is_other_thread = true;
    return id % 2 == 0;
}

static void callbacks_decide_by_id_and_payload(void) {
    calls seen = { .thread = pthread_self() };
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_CALLBACK;
    filter.callback = is_even;
    filter.payload = &seen;
    CHECK_MATCHES(filter, 0x155);
}

static void callbacks_come_once_for_each_row_on_the_calling_thread(void) {
    calls seen = { .thread = pthread_self() };
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_CALLBACK;
    filter.callback = is_even;
    filter.payload = &seen;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = &filter;
    options.threads = 4;
    vecstore_index *index = ten_rows();
    const uint64_t gone = 104;
    CHECK_OK(vecstore_index_remove(index, &gone, 1, NULL));
    float *queries = random_vectors(F32, 1, 500, 4);
    uint64_t ids[500];
    float distances[500];
    CHECK_OK(vecstore_index_search(index, queries, F32, 500, 1, &options, ids, distances, NULL));
    for (int i = 0; i < 10; i++) CHECK_EQ(seen.of_id[i], i != 4);
    CHECK(!seen.is_other_thread);
    vecstore_index_free(index);
    free(queries);
}

static bool search_inside(uint64_t id, void *payload) {
    uint64_t found;
    float distance;
    CHECK_OK(vecstore_index_search(payload, at_zero, F32, 1, 1, NULL, &found, &distance, NULL));
    CHECK_EQ(found, 100);
    CHECK_EQ(count_of(payload), 10);
    return id == 107;
}

static void callbacks_may_search_the_same_index(void) {
    vecstore_index *index = ten_rows();
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_CALLBACK;
    filter.callback = search_inside;
    filter.payload = index;
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.filter = &filter;
    uint64_t id;
    float distance;
    CHECK_OK(vecstore_index_search(index, at_zero, F32, 1, 1, &options, &id, &distance, NULL));
    CHECK_EQ(id, 107);
    vecstore_index_free(index);
}

static void filters_are_exact_at_any_density(void) {
    const size_t n = 5000, dim = 40, nq = 20, k = 5;
    float *rows = random_vectors(F32, dim, n, 1), *queries = random_vectors(F32, dim, nq, 2);
    vecstore_index *index = new_index(L2SQ, F32, dim);
    CHECK_OK(vecstore_index_add(index, rows, F32, n, NULL, NULL, NULL));
    static const size_t densities[] = { 1, 2, 7, 9, 100, 2500 };
    for (int d = 0; d < 6; d++) {
        uint64_t wanted[5000], ids[100], counts[20];
        float distances[100];
        vecstore_filter filter = VECSTORE_FILTER_INIT;
        filter.kind = VECSTORE_FILTER_IDS;
        filter.ids = wanted;
        for (uint64_t id = 0; id < n; id += densities[d]) wanted[filter.ids_count++] = id;
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.filter = &filter;
        CHECK_OK(vecstore_index_search(index, queries, F32, nq, k, &options, ids, distances, counts));
        /* The rows that are wanted, alone in an index. */
        vecstore_index *other = new_index(L2SQ, F32, dim);
        for (uint64_t i = 0; i < filter.ids_count; i++) {
            CHECK_OK(vecstore_index_add(other, rows + dim * wanted[i], F32, 1, &wanted[i], NULL, NULL));
        }
        uint64_t other_ids[100], other_counts[20];
        float other_distances[100];
        CHECK_OK(vecstore_index_search(other, queries, F32, nq, k, NULL, other_ids, other_distances, other_counts));
        CHECK(memcmp(ids, other_ids, sizeof ids) == 0);
        CHECK(memcmp(distances, other_distances, sizeof distances) == 0);
        CHECK(memcmp(counts, other_counts, sizeof counts) == 0);
        vecstore_index_free(other);
    }
    vecstore_index_free(index);
    free(rows);
    free(queries);
}

static void bad_filters_are_refused(void) {
    vecstore_index *index = ten_rows();
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    uint64_t id;
    float distance;
    const vecstore_filter good = VECSTORE_FILTER_INIT;
    vecstore_filter filter = good;
    options.filter = &filter;
#define CHECK_REFUSED(name) \
    CHECK_ERROR(name, vecstore_index_search(index, at_zero, F32, 1, 1, &options, &id, &distance, NULL))
    filter.kind = 4;
    CHECK_REFUSED(INVALID_ARGUMENT);
    filter = good, filter.negate = 2;
    CHECK_REFUSED(INVALID_ARGUMENT);
    filter = good, filter.reserved = 1;
    CHECK_REFUSED(INVALID_ARGUMENT);
    filter = good, filter.kind = VECSTORE_FILTER_CALLBACK;
    CHECK_REFUSED(INVALID_ARGUMENT);
    filter = good, filter.kind = VECSTORE_FILTER_BITMAP, filter.bitmap_bits = 1;
    CHECK_REFUSED(INVALID_ARGUMENT);
    filter = good, filter.kind = VECSTORE_FILTER_IDS, filter.ids_count = 1;
    CHECK_REFUSED(INVALID_ARGUMENT);
    filter = good, filter.kind = VECSTORE_FILTER_IDS, filter.ids = &id;
    filter.ids_count = (uint64_t)1 << 61;
    CHECK_REFUSED(TOO_LARGE);
    filter.ids_count = UINT64_MAX;
    CHECK_REFUSED(TOO_LARGE);
#undef CHECK_REFUSED
    vecstore_index_free(index);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(the_filter_none_lets_all_through),
        TEST(bitmaps_match_by_id),
        TEST(nothing_is_read_behind_a_bitmap),
        TEST(id_lists_match_in_any_order),
        TEST(callbacks_decide_by_id_and_payload),
        TEST(callbacks_come_once_for_each_row_on_the_calling_thread),
        TEST(callbacks_may_search_the_same_index),
        TEST(filters_are_exact_at_any_density),
        TEST(bad_filters_are_refused),
    };
    return RUN_TESTS(tests);
}
