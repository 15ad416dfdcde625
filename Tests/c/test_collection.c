/*
 * The life of a collection, through every function.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { n = 200 };

static vecstore_hits *search(const vecstore_collection *collection, size_t point, size_t k,
    const vecstore_query_options *options) {
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_search(collection, point_vector(point), F32, 1, k, options, &hits));
    return hits;
}

static void close_collection(vecstore_collection *collection) { CHECK_OK(vecstore_collection_close(collection)); }

/* ---- points ---- */

static void points_are_there_after_they_were_written_and_after_opening(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    check_points(collection, n);
    close_collection(collection);
    for (int read_only = 0; read_only < 2; read_only++) {
        collection = open_collection(test_path("c"), read_only);
        check_points(collection, n);
        CHECK_OK(vecstore_collection_verify(collection));
        close_collection(collection);
    }
    CHECK_OK(vecstore_collection_close(NULL));
}

static void a_batch_of_no_points_is_allowed(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    size_t changed = 7;
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_upsert(collection, NULL, 0, NULL, 0, NULL, NULL));
    CHECK_OK(vecstore_collection_update_vectors(collection, NULL, 0, NULL, 0));
    CHECK_OK(vecstore_collection_remove(collection, NULL, 0, &changed));
    CHECK_EQ(changed, 0);
    CHECK_OK(vecstore_collection_get(collection, NULL, 0, NULL, &hits));
    CHECK_EQ(view_of(hits).offsets[1], 0);
    vecstore_hits_free(hits);
    CHECK_OK(vecstore_collection_search(collection, NULL, F32, 0, 3, NULL, &hits));
    CHECK_EQ(view_of(hits).nq, 0);
    vecstore_hits_free(hits);
    check_points(collection, n);
    close_collection(collection);
}

static void removed_points_are_gone(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const vecstore_id ids[] = { number_id(n - 1), number_id(n + 5), text_id("7"), number_id(n - 1) };
    size_t removed = 0;
    CHECK_OK(vecstore_collection_remove(collection, ids, 4, &removed));
    CHECK_EQ(removed, 1);
    check_points(collection, n - 1);
    CHECK_OK(
        vecstore_collection_remove_matching(collection, "{\"must\":[{\"key\":\"n\",\"range\":{\"gte\":150}}]}",
        &removed));
    CHECK_EQ(removed, n - 1 - 150);
    check_points(collection, 150);
    CHECK_OK(vecstore_collection_remove(collection, ids, 4, NULL));
    CHECK_OK(vecstore_collection_remove_matching(collection, "{\"must\":[{\"has_id\":[149]}]}", NULL));
    check_points(collection, 149);
    CHECK_OK(vecstore_collection_verify(collection));
    close_collection(collection);
}

static void a_point_is_replaced_whole(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const vecstore_id ids[2] = { number_id(5), number_id(5) };
    const float rows[2][point_dim] = { { 1 }, { 100 } };
    const char *payloads[2] = { "{\"a\":1}", NULL };
    const vecstore_batch_vectors vectors = { "", rows, F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 2, &vectors, 1, payloads, NULL));
    CHECK_EQ(points_in(collection), n);
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_get(collection, ids, 1, "", &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK_TEXT(view.payloads[0], "");
    CHECK_EQ(view.dim, point_dim);
    CHECK(memcmp(view.vectors, rows[1], sizeof rows[1]) == 0);
    vecstore_hits_free(hits);
    close_collection(collection);
}

static void numbers_and_strings_are_different_ids(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    const vecstore_id ids[] = { number_id(7), text_id("7"), text_id("\xc3\xa4"), number_id(UINT64_MAX - 1),
        number_id(1) };
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 5, &vectors, 1, NULL, NULL));
    CHECK_EQ(points_in(collection), 5);
    for (int i = 0; i < 5; i++) CHECK(has_point(collection, ids[i]));
    CHECK(!has_point(collection, text_id("8")));
    CHECK_EQ(matching(collection, "{\"must\":[{\"has_id\":[\"7\",18446744073709551614]}]}"), 2);
    vecstore_hits *hits = search(collection, 2, 1, NULL);
    CHECK_TEXT(view_of(hits).ids[0].text, "\xc3\xa4");
    vecstore_hits_free(hits);

    /* Pages come in the order of ids: numbers first. */
    static const int order[] = { 4, 0, 3, 1, 2 };
    vecstore_id last;
    for (int i = 0; i < 5; i++) {
        CHECK_OK(vecstore_collection_scroll(collection, i == 0 ? NULL : &last, 1, NULL, NULL, &hits));
        vecstore_hits_view view = view_of(hits);
        REQUIRE(view.offsets[1] == 1);
        last = ids[order[i]];
        CHECK_EQ(view.ids[0].number, last.number);
        if (last.text) CHECK_TEXT(view.ids[0].text, last.text);
        else CHECK(view.ids[0].text == NULL);
        vecstore_hits_free(hits);
    }
    CHECK_OK(vecstore_collection_scroll(collection, &last, 1, NULL, NULL, &hits));
    CHECK_EQ(view_of(hits).offsets[1], 0);
    vecstore_hits_free(hits);
    close_collection(collection);
}

static void pages_go_through_all_points_that_match(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_id last = { 0, NULL };
    size_t seen = 0;
    for (bool more = true; more;) {
        vecstore_hits *hits = NULL;
        REQUIRE_OK(vecstore_collection_scroll(
            collection, seen ? &last : NULL, 7, "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g1\"}}]}", "",
                &hits));
        vecstore_hits_view view = view_of(hits);
        for (size_t i = 0; i < view.offsets[1]; i++, seen++) {
            CHECK_EQ(view.ids[i].number, 4 * seen + 1);
            CHECK_TEXT(view.payloads[i], point_payload(4 * seen + 1));
            CHECK(memcmp(view.vectors + i * view.dim, point_vector(4 * seen + 1), point_dim * sizeof(float)) == 0);
            CHECK(isnan(view.distances[i]));
        }
        more = view.offsets[1] == 7;
        if (more) last = number_id(view.ids[6].number);
        vecstore_hits_free(hits);
    }
    CHECK_EQ(seen, n / 4);
    close_collection(collection);
}

static void pages_come_in_the_order_of_a_field(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_order_options order = VECSTORE_ORDER_OPTIONS_INIT;
    /* g3 first, and of each value the least id: 3, 7, 11, ... 2, 6, ... 0, 4, ... */
    order.order_by = "group";
    order.descending = 1;
    order.start_from = "\"g2z\"";
    char value[16] = "";
    vecstore_id last = number_id(0);
    size_t seen = 0;
    for (bool more = true; more;) {
        vecstore_hits *hits = NULL;
        REQUIRE_OK(vecstore_collection_scroll_ordered(collection, &order, 7, NULL, "", &hits));
        vecstore_hits_view view = view_of(hits);
        CHECK_EQ(view.nq, 1);
        for (size_t i = 0; i < view.offsets[1]; i++, seen++) {
            const size_t group = 2 - seen / (n / 4), expected = 4 * (seen % (n / 4)) + group;
            CHECK_EQ(view.ids[i].number, expected);
            CHECK_TEXT(view.payloads[i], point_payload(expected));
            CHECK(memcmp(view.vectors + i * view.dim, point_vector(expected), point_dim * sizeof(float)) == 0);
            CHECK_EQ(view.expires[i], 0);
            snprintf(value, sizeof value, "\"g%zu\"", group);
            CHECK_TEXT(view.groups[i], value);
        }
        more = view.offsets[1] == 7;
        if (more) last = number_id(view.ids[6].number);
        order.after_value = value;
        order.after = &last;
        vecstore_hits_free(hits);
        /* The cursor needs its point no more. */
        if (seen == 7) CHECK_OK(vecstore_collection_remove(collection, &last, 1, NULL));
    }
    CHECK_EQ(seen, 3 * n / 4);

    order = (vecstore_order_options)VECSTORE_ORDER_OPTIONS_INIT;
    order.order_by = "n";
    order.start_from = "150";
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_scroll_ordered(collection, &order, 2,
        "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g1\"}}]}", NULL, &hits));
    vecstore_hits_view view = view_of(hits);
    REQUIRE(view.offsets[1] == 2);
    CHECK(view.ids[0].number == 153 && view.ids[1].number == 157 && view.vectors == NULL);
    CHECK_TEXT(view.groups[1], "157");
    vecstore_hits_free(hits);
    close_collection(collection);
}

/* ---- vectors with names ---- */

static vecstore_collection *with_two_vectors(const char *path) {
    vecstore_vector_options vectors[2] = { plain_vector(), plain_vector() };
    vectors[0].name = "title";
    vectors[1].name = "image";
    vectors[1].dim = 2;
    vectors[1].dtype = F16;
    vectors[1].metric = 0;
    vectors[1].model = "clip";
    vectors[1].model_version = "2";
    return new_collection_of(path, vectors, 2);
}

static void points_have_vectors_by_name(void) {
    vecstore_collection *collection = with_two_vectors(test_path("c"));
    const vecstore_id ids[3] = { number_id(0), number_id(1), number_id(2) };
    const float images[3][2] = { { 1, 0 }, { 0, 0 }, { 0, 1 } };
    const uint8_t present[3] = { 1, 0, 1 };
    const vecstore_batch_vectors both[2] = {
        { "title", point_vector(0), F32, 0, NULL }, { "image", images, F32, 0, present }
    };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 3, both, 2, NULL, NULL));
    CHECK_EQ(matching(collection, "{\"must\":[{\"has_vector\":\"image\"}]}"), 2);

    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.vector_name = "image";
    options.with_vector = 1;
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_search(collection, images[2], F32, 1, 3, &options, &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK_EQ(view.offsets[1], 2);
    CHECK_EQ(view.ids[0].number, 2);
    CHECK_FLOAT(view.scores[0], 1);
    CHECK_FLOAT(view.vectors[1], 1);
    vecstore_hits_free(hits);
    CHECK_OK(vecstore_collection_get(collection, ids, 3, "image", &hits));
    view = view_of(hits);
    CHECK_EQ(view.dim, 2);
    CHECK(isnan(view.vectors[2]) && isnan(view.vectors[3]));
    vecstore_hits_free(hits);

    /* Another vector of one name: the rest stays. */
    const vecstore_batch_vectors other = { "image", images[0], F32, 0, NULL };
    CHECK_OK(vecstore_collection_update_vectors(collection, ids + 1, 1, &other, 1));
    CHECK_EQ(matching(collection, "{\"must\":[{\"has_vector\":\"image\"}]}"), 3);
    CHECK_OK(vecstore_collection_get(collection, ids + 1, 1, "title", &hits));
    CHECK(memcmp(view_of(hits).vectors, point_vector(1), point_dim * sizeof(float)) == 0);
    vecstore_hits_free(hits);
    const vecstore_id missing[2] = { number_id(0), number_id(9) };
    CHECK_ERROR(NOT_FOUND, vecstore_collection_update_vectors(collection, missing, 2, &other, 1));

    char *text = description_of(collection);
    CHECK(strstr(text, "\"model\":\"clip\",\"model_version\":\"2\""));
    CHECK(strstr(text, "\"name\":\"image\",\"dim\":2,\"metric\":\"cosine\",\"dtype\":\"float16\""));
    free(text);
    CHECK_OK(vecstore_collection_verify(collection));
    close_collection(collection);
}

/* ---- payloads ---- */

static void payloads_are_changed(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const vecstore_id ids[2] = { number_id(3), number_id(n) };
    size_t changed = 0;
    CHECK_OK(vecstore_collection_change_payload(
        collection, ids, 2, NULL, VECSTORE_PAYLOAD_MERGE, "{\"n\":-1,\"new\":[1,2]}", &changed));
    CHECK_EQ(changed, 1);
    char *payload = payload_of(collection, ids[0]);
    CHECK_TEXT(payload, "{\"n\":-1,\"group\":\"g3\",\"text\":\"word3 common\",\"new\":[1,2]}");
    free(payload);
    CHECK_EQ(matching(collection, "{\"must\":[{\"key\":\"n\",\"match\":{\"value\":-1}}]}"), 1);
    CHECK_OK(vecstore_collection_change_payload(
        collection, ids, 1, NULL, VECSTORE_PAYLOAD_DELETE_KEYS, "[\"new\",\"text\",\"none\"]", NULL));
    payload = payload_of(collection, ids[0]);
    CHECK_TEXT(payload, "{\"n\":-1,\"group\":\"g3\"}");
    free(payload);
    CHECK_OK(vecstore_collection_change_payload(
        collection, NULL, 0, "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g0\"}}]}", VECSTORE_PAYLOAD_SET,
            "", &changed));
    CHECK_EQ(changed, n / 4);
    payload = payload_of(collection, number_id(4));
    CHECK_TEXT(payload, "");
    free(payload);
    CHECK_EQ(matching(collection, "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g0\"}}]}"), 0);
    CHECK_OK(vecstore_collection_verify(collection));
    close_collection(collection);
}

static int64_t microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void points_end_when_they_are_said_to(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const vecstore_id ids[5] = { number_id(1000), number_id(1001), number_id(1002), number_id(1003), number_id(1004) };
    const int64_t expires[5] = { 0, 1, microseconds() + 200000, INT64_MAX, INT64_MIN };
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 5, &vectors, 1, NULL, expires));
    CHECK(has_point(collection, ids[0]));
    CHECK(!has_point(collection, ids[1]));
    CHECK(has_point(collection, ids[3]));
    CHECK(!has_point(collection, ids[4]));
    while (microseconds() <= expires[2]) usleep(10000);
    CHECK_EQ(points_in(collection), n + 2);
    CHECK(!has_point(collection, ids[2]));
    CHECK_OK(vecstore_collection_verify(collection));
    close_collection(collection);
    collection = open_collection(test_path("c"), false);
    CHECK_EQ(points_in(collection), n + 2);
    put(collection, 0, 1);
    CHECK_OK(vecstore_collection_verify(collection));
    close_collection(collection);
}

static void points_say_when_they_end(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const vecstore_id ids[3] = { number_id(1000), number_id(1001), number_id(5000) };
    const int64_t expires[2] = { INT64_MAX, microseconds() + 3600000000 };
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, ids, 2, &vectors, 1, NULL, expires));
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_get(collection, ids, 3, NULL, &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK(view.expires[0] == expires[0] && view.expires[1] == expires[1] && view.expires[2] == 0);
    vecstore_hits_free(hits);
    const vecstore_id before = number_id(n - 2);
    REQUIRE_OK(vecstore_collection_scroll(collection, &before, 9, NULL, NULL, &hits));
    view = view_of(hits);
    REQUIRE(view.offsets[1] == 3);
    CHECK(view.expires[0] == 0 && view.expires[1] == expires[0] && view.expires[2] == expires[1]);
    vecstore_hits_free(hits);
    hits = search(collection, 0, 3, NULL);
    CHECK(view_of(hits).expires == NULL);
    vecstore_hits_free(hits);
    close_collection(collection);
}

static void indexes_of_fields_come_and_go(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const char *filter = "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g2\"}}]}";
    CHECK_EQ(matching(collection, filter), n / 4);
    CHECK_ERROR(ALREADY_EXISTS, vecstore_collection_create_payload_index(collection, "group", "keyword", NULL));
    static const char *const types[] = { "integer", "float", "bool", "datetime", "geo" };
    for (size_t i = 0; i < 5; i++) {
        CHECK_OK(vecstore_collection_create_payload_index(collection, "group", types[i], NULL));
    }
    CHECK_OK(vecstore_collection_create_payload_index(collection, "group", "text", "trigrams"));
    char *text = description_of(collection);
    CHECK(strstr(text, "{\"path\":\"group\",\"type\":\"text\",\"tokenizer\":\"trigrams\"}"));
    free(text);
    CHECK_OK(vecstore_collection_drop_payload_index(collection, "group", "text"));
    CHECK_OK(vecstore_collection_drop_payload_index(collection, "group", NULL));
    CHECK_ERROR(NOT_FOUND, vecstore_collection_drop_payload_index(collection, "group", NULL));
    CHECK_EQ(matching(collection, filter), n / 4);
    close_collection(collection);
}

/* ---- searches ---- */

static void searches_find_the_nearest(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_search(collection, point_vector(300), F32, 3, n, NULL, &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK_EQ(view.nq, 3);
    CHECK(view.vectors == NULL && view.dim == 0 && view.groups == NULL);
    for (size_t q = 0; q < 3; q++) {
        CHECK_EQ(view.offsets[q + 1], (q + 1) * n);
        bool seen[n] = { false };
        for (size_t j = q * n; j < (q + 1) * n; j++) {
            const uint64_t id = view.ids[j].number;
            REQUIRE(id < n && !seen[id]);
            seen[id] = true;
            double most_error;
            double expected = slow_distance(point_vector(300 + q), point_vector(id), point_dim, L2SQ, F32, &most_error);
            CHECK_NEAR(view.distances[j], expected, most_error);
            CHECK_FLOAT(view.scores[j], -view.distances[j]);
            CHECK_TEXT(view.payloads[j], point_payload(id));
            if (j > q * n) CHECK(view.distances[j] >= view.distances[j - 1]);
        }
    }
    vecstore_hits_free(hits);
    vecstore_hits_free(hits);
    vecstore_hits_free(NULL);
    close_collection(collection);
}

static void options_of_a_search_hold(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_hits *all = search(collection, 300, 20, NULL);
    vecstore_hits_view expected = view_of(all);

    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.offset = 5;
    options.exact = 1;
    options.threads = 2;
    options.ef_search = 100;
    options.with_payload = 0;
    options.with_vector = 1;
    vecstore_hits *hits = search(collection, 300, 10, &options);
    vecstore_hits_view view = view_of(hits);
    CHECK_EQ(view.offsets[1], 10);
    CHECK(view.payloads == NULL);
    CHECK_EQ(view.dim, point_dim);
    for (size_t i = 0; i < 10; i++) {
        CHECK_EQ(view.ids[i].number, expected.ids[i + 5].number);
        CHECK(memcmp(view.vectors + i * view.dim, point_vector(view.ids[i].number), point_dim * sizeof(float)) == 0);
    }
    vecstore_hits_free(hits);

    options = (vecstore_query_options)VECSTORE_QUERY_OPTIONS_INIT;
    options.has_max_distance = 1;
    options.max_distance = expected.distances[6];
    hits = search(collection, 300, 20, &options);
    view = view_of(hits);
    CHECK(view.offsets[1] >= 7 && view.distances[view.offsets[1] - 1] <= options.max_distance);
    vecstore_hits_free(hits);

    options.has_max_distance = 0;
    options.has_threshold = 1;
    options.threshold = expected.scores[6];
    hits = search(collection, 300, 20, &options);
    view = view_of(hits);
    CHECK(view.offsets[1] >= 7 && view.scores[view.offsets[1] - 1] >= options.threshold);
    CHECK(view.offsets[1] < 20);
    vecstore_hits_free(hits);

    options.has_threshold = 0;
    options.target_recall = 0.9f;
    options.explain = 1;
    hits = search(collection, 300, 10, &options);
    view = view_of(hits);
    /* Without a graph nothing is measured: all points are compared. */
    CHECK(strstr(view.explanation, "\"target_recall\":null") && view.ids[9].number == expected.ids[9].number);
    vecstore_hits_free(hits);

    options = (vecstore_query_options)VECSTORE_QUERY_OPTIONS_INIT;
    options.filter = "{\"must_not\":[{\"key\":\"group\",\"match\":{\"any\":[\"g0\",\"g1\"]}}]}";
    hits = search(collection, 300, n, &options);
    view = view_of(hits);
    CHECK_EQ(view.offsets[1], n / 2);
    for (size_t i = 0; i < n / 2; i++) CHECK(view.ids[i].number % 4 >= 2);
    vecstore_hits_free(hits);

    options.filter = NULL;
    options.diversity = 0.9f;
    options.candidates = 50;
    hits = search(collection, 300, 10, &options);
    view = view_of(hits);
    CHECK_EQ(view.offsets[1], 10);
    CHECK_EQ(view.ids[0].number, expected.ids[0].number);
    vecstore_hits_free(hits);
    vecstore_hits_free(all);
    close_collection(collection);
}

static void queries_tell_what_they_did(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    vecstore_hits *hits = search(collection, 0, 3, &options);
    CHECK(view_of(hits).explanation == NULL);
    vecstore_hits_free(hits);
    options.explain = 1;
    options.filter = "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g1\"}}]}";
    hits = search(collection, 0, 3, &options);
    const char *text = view_of(hits).explanation;
    REQUIRE(text != NULL);
    CHECK(strstr(text, "{\"points\":200,\"hits\":3,"));
    CHECK(strstr(text, "\"filter\":{\"cached\":false,\"matching\":50,\"payloads_read\":0,"));
    CHECK(strstr(text, "{\"at\":\"must[0]\",\"key\":\"group\",\"answered_by\":\"index\",\"index\":\"keyword\",\"rows\":50}"));
    CHECK(strstr(text, "\"way\":\"compare\",\"graph\":null,\"compare\":{\"rows\":50,"));
    CHECK(strstr(text, "\"text\":null,\"fusion\":null,\"diversity\":null,\"groups\":null,\"milliseconds\":{"));
    vecstore_hits_free(hits);

    const vecstore_id id = number_id(0);
    REQUIRE_OK(vecstore_collection_recommend(collection, &id, 1, NULL, 0, 3, &options, &hits));
    CHECK(strstr(view_of(hits).explanation, "\"cached\":true"));
    vecstore_hits_free(hits);
    REQUIRE_OK(vecstore_collection_search_groups(collection, point_vector(0), F32, "n", 2, 1, &options, &hits));
    CHECK(strstr(view_of(hits).explanation, "\"groups\":{\"looked_at\":[8]}"));
    vecstore_hits_free(hits);
    REQUIRE_OK(vecstore_collection_search_text(collection, "common", 3, &options, NULL, &hits));
    CHECK(strstr(view_of(hits).explanation, "\"vector\":null,\"text\":{\"matching\":200,"));
    vecstore_hits_free(hits);
    REQUIRE_OK(vecstore_collection_search_hybrid(
        collection, point_vector(0), F32, "common", 3, &options, NULL, NULL, &hits));
    CHECK(strstr(view_of(hits).explanation, "\"fusion\":{\"kind\":\"rrf\",\"vector_hits\":50,\"text_hits\":50}"));
    vecstore_hits_free(hits);
    close_collection(collection);
}

static void words_are_found(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_search_text(collection, "Word3 nowhere", n, NULL, NULL, &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK_EQ(view.offsets[1], (n + 3) / 7);
    for (size_t i = 0; i < view.offsets[1]; i++) {
        CHECK_EQ(view.ids[i].number % 7, 3);
        CHECK(isnan(view.distances[i]) && view.scores[i] > 0);
    }
    vecstore_hits_free(hits);

    const char *const fields[] = { "text" };
    const float weights[] = { 2 };
    vecstore_text_options text = VECSTORE_TEXT_OPTIONS_INIT;
    text.fields = fields;
    text.weights = weights;
    text.n_fields = 1;
    static const struct { vecstore_text_mode mode; const char *words; size_t expected; } modes[] = {
        { VECSTORE_TEXT_ALL, "word3 common", (n + 3) / 7 }, { VECSTORE_TEXT_ALL, "word3 word4", 0 },
        { VECSTORE_TEXT_PHRASE, "word3 common", (n + 3) / 7 }, { VECSTORE_TEXT_PHRASE, "common word3", 0 },
        { VECSTORE_TEXT_PREFIX, "common wo", n }, { VECSTORE_TEXT_ANY, "", 0 }, { VECSTORE_TEXT_ANY, "\" * OR (", 0 },
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        note("'%s' in mode %u", modes[i].words, modes[i].mode);
        text.mode = modes[i].mode;
        CHECK_OK(vecstore_collection_search_text(collection, modes[i].words, n, NULL, &text, &hits));
        CHECK_EQ(view_of(hits).offsets[1], modes[i].expected);
        vecstore_hits_free(hits);
    }
    close_collection(collection);
}

static void vectors_and_words_are_searched_for_together(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    for (vecstore_fusion fusion = 0; fusion <= VECSTORE_FUSION_DBSF; fusion++) {
        vecstore_hybrid_options hybrid = VECSTORE_HYBRID_OPTIONS_INIT;
        hybrid.fusion = fusion;
        vecstore_hits *hits = NULL;
        CHECK_OK(vecstore_collection_search_hybrid(
            collection, point_vector(10), F32, "word3", 5, NULL, NULL, &hybrid, &hits));
        vecstore_hits_view view = view_of(hits);
        CHECK_EQ(view.offsets[1], 5);
        CHECK_EQ(view.ids[0].number, 10);
        for (size_t i = 1; i < 5; i++) CHECK(view.scores[i] <= view.scores[i - 1]);
        vecstore_hits_free(hits);
    }
    close_collection(collection);
}

static void hits_come_in_groups(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_search_groups(collection, point_vector(6), F32, "group", 4, 3, NULL, &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK_EQ(view.nq, 4);
    CHECK_TEXT(view.groups[0], "\"g2\"");
    for (size_t g = 0; g < view.nq; g++) {
        CHECK_EQ(view.offsets[g + 1] - view.offsets[g], 3);
        for (uint64_t i = view.offsets[g]; i < view.offsets[g + 1]; i++) {
            CHECK_EQ(view.ids[i].number % 4, (uint64_t)(view.groups[g][2] - '0'));
            CHECK_TEXT(view.payloads[i], point_payload(view.ids[i].number));
        }
    }
    vecstore_hits_free(hits);

    /* With hits left out, as few as there are groups or as many as there may be. */
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.offset = 1;
    CHECK_OK(
        vecstore_collection_search_groups(collection, point_vector(6), F32, "n", VECSTORE_K_MAX, 1, &options, &hits));
    CHECK_EQ(view_of(hits).nq, n - 1);
    vecstore_hits_free(hits);
    close_collection(collection);
}

static void values_are_counted(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    vecstore_hits *hits = NULL;
    CHECK_OK(
        vecstore_collection_facet(collection, "group", "{\"must\":[{\"key\":\"n\",\"range\":{\"lt\":6}}]}", 3, &hits));
    vecstore_hits_view view = view_of(hits);
    CHECK_EQ(view.nq, 1);
    REQUIRE(view.offsets[1] == 3);
    static const char *const values[3] = { "\"g0\"", "\"g1\"", "\"g2\"" };
    static const uint64_t counts[3] = { 2, 2, 1 };
    for (size_t i = 0; i < 3; i++) {
        CHECK_TEXT(view.groups[i], values[i]);
        CHECK_EQ(view.ids[i].number, counts[i]);
    }
    vecstore_hits_free(hits);
    CHECK_OK(vecstore_collection_facet(collection, "n", NULL, VECSTORE_K_MAX, &hits));
    CHECK_EQ(view_of(hits).offsets[1], n);
    vecstore_hits_free(hits);
    close_collection(collection);
}

static void points_are_recommended(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    const vecstore_id liked[2] = { number_id(1), number_id(2) }, disliked = number_id(3);
    for (size_t n_negative = 0; n_negative < 2; n_negative++) {
        vecstore_hits *hits = NULL;
        CHECK_OK(vecstore_collection_recommend(collection, liked, 2, &disliked, n_negative, n, NULL, &hits));
        vecstore_hits_view view = view_of(hits);
        CHECK_EQ(view.offsets[1], n - 2 - n_negative);
        float query[point_dim];
        for (size_t d = 0; d < point_dim; d++) {
            float mean = (point_vector(1)[d] + point_vector(2)[d]) / 2;
            query[d] = n_negative ? 2 * mean - point_vector(3)[d] : mean;
        }
        for (size_t i = 0; i < view.offsets[1]; i++) {
            CHECK(view.ids[i].number == 0 || view.ids[i].number > 2 + n_negative);
            double most_error;
            CHECK_NEAR(
                view.distances[i],
                slow_distance(query, point_vector(view.ids[i].number), point_dim, L2SQ, F32, &most_error), 1e-3);
        }
        vecstore_hits_free(hits);
    }
    /* As many as any search may have. */
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_recommend(collection, liked, 2, NULL, 0, VECSTORE_K_MAX, NULL, &hits));
    CHECK_EQ(view_of(hits).offsets[1], n - 2);
    vecstore_hits_free(hits);
    close_collection(collection);
}

/* ---- several handles, copies ---- */

static void a_reader_follows_a_writer(void) {
    vecstore_collection *writer = filled_collection(test_path("c"), n);
    vecstore_collection *reader = open_collection(test_path("c"), true), *second = NULL;
    CHECK_ERROR(LOCKED, vecstore_collection_open(test_path("c"), NULL, &second));
    CHECK(second == NULL);
    bool changed = true;
    CHECK_OK(vecstore_collection_refresh(reader, &changed));
    CHECK(!changed);
    put(writer, n, 50);
    CHECK_OK(vecstore_collection_refresh(writer, &changed));
    CHECK(!changed);
    CHECK_EQ(points_in(reader), n);
    CHECK_OK(vecstore_collection_refresh(reader, &changed));
    CHECK(changed);
    check_points(reader, n + 50);
    CHECK_OK(vecstore_collection_refresh(reader, NULL));
    CHECK_OK(vecstore_collection_verify(reader));
    CHECK_ERROR(READ_ONLY, try_to_put(reader, 0, 1));
    CHECK_ERROR(READ_ONLY, vecstore_collection_optimize(reader, NULL));
    close_collection(writer);
    check_points(reader, n + 50);
    close_collection(reader);
}

static uint64_t revision_of(vecstore_collection *collection) {
    uint64_t revision = 0;
    REQUIRE_OK(vecstore_collection_revision(collection, &revision));
    return revision;
}

static void revisions_tell_states_apart(void) {
    vecstore_collection *writer = filled_collection(test_path("c"), n);
    vecstore_collection *reader = open_collection(test_path("c"), true);
    const uint64_t before = revision_of(writer);
    CHECK_EQ(revision_of(reader), before);
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_search(writer, point_vector(0), F32, 1, 1, NULL, &hits));
    vecstore_hits_free(hits);
    CHECK_OK(vecstore_collection_optimize(writer, NULL));
    CHECK_EQ(revision_of(writer), before);
    /* The same points once more are a write, too. */
    put(writer, 0, 1);
    const uint64_t after = revision_of(writer);
    CHECK(after != before);
    CHECK_EQ(revision_of(reader), before);
    CHECK_OK(vecstore_collection_refresh(reader, NULL));
    CHECK_EQ(revision_of(reader), after);
    const vecstore_id id = number_id(1000);
    const int64_t expires = microseconds() + 400000;
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(writer, &id, 1, &vectors, 1, NULL, &expires));
    const uint64_t there = revision_of(writer);
    while (microseconds() <= expires) usleep(10000);
    CHECK(revision_of(writer) != there);
    close_collection(writer);
    close_collection(reader);
}

static void a_reader_keeps_an_index_of_words_until_it_refreshes(void) {
    vecstore_collection *writer = filled_collection(test_path("c"), n);
    const char *filter = "{\"must\":[{\"key\":\"text\",\"match\":{\"text\":\"word3\"}}]}";
    vecstore_hits *hits = NULL;
    for (int used = 0; used < 2; used++) {
        vecstore_collection *reader = open_collection(test_path("c"), true);
        if (used) {
            CHECK_OK(vecstore_collection_search_text(reader, "word3", 5, NULL, NULL, &hits));
            vecstore_hits_free(hits);
        }
        CHECK_OK(vecstore_collection_drop_payload_index(writer, "text", "text"));
        for (int made_anew = 0; made_anew < 2; made_anew++) {
            const char *tokenizer = used ? "words" : "stems";
            if (made_anew) CHECK_OK(vecstore_collection_create_payload_index(writer, "text", "text", tokenizer));
            CHECK_OK(vecstore_collection_search_text(reader, "word3", 5, NULL, NULL, &hits));
            vecstore_hits_free(hits);
            CHECK_EQ(matching(reader, filter), (n + 3) / 7);
        }
        CHECK_OK(vecstore_collection_refresh(reader, NULL));
        CHECK_EQ(matching(reader, filter), (n + 3) / 7);
        CHECK_OK(vecstore_collection_search_text(reader, "word3", 5, NULL, NULL, &hits));
        vecstore_hits_free(hits);
        close_collection(reader);
    }
    close_collection(writer);
}

static void a_directory_that_must_not_be_changed_is_read(void) {
    close_collection(filled_collection(test_path("c"), n));
    copy_directory(test_path("c"), test_path("db"));
    static const char *const logs[] = { "collection.db-wal", "collection.db-shm" };
    for (size_t i = 0; i < 2; i++) unlink(file_in(test_path("db"), logs[i]));
    const char *const paths[] = { test_path("c"), test_path("db") };
    REQUIRE(chmod(test_directory(), 0755) == 0);
    for (size_t i = 0; i < 2; i++) {
        note("%s the log", i ? "without" : "with");
        REQUIRE(chmod(paths[i], 0555) == 0);
        /* Root may do everything. */
        if (getuid() == 0) REQUIRE(seteuid(65534) == 0);
        vecstore_collection *collection = NULL;
        vecstore_status status = vecstore_collection_open(paths[i], NULL, &collection);
        CHECK(status == VECSTORE_ERR_IO || status == VECSTORE_ERR_READ_ONLY);
        collection = open_collection(paths[i], true);
        check_points(collection, n);
        CHECK_OK(vecstore_collection_verify(collection));
        CHECK_OK(vecstore_collection_refresh(collection, NULL));
        close_collection(collection);
        if (getuid() == 0) REQUIRE(seteuid(0) == 0);
        REQUIRE(chmod(paths[i], 0755) == 0);
    }
}

static bool cancel(uint64_t done, uint64_t total, void *payload) {
    CHECK(done <= total);
    ++*(int *)payload;
    return false;
}

static bool go_on(uint64_t done, uint64_t total, void *payload) {
    CHECK(done <= total);
    ++*(int *)payload;
    return true;
}

static vecstore_work_options telling(vecstore_progress_callback progress, int *calls) {
    vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
    options.progress = progress;
    options.payload = calls;
    return options;
}

static void copies_are_collections_of_their_own(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    int calls = 0;
    vecstore_work_options options = telling(cancel, &calls);
    CHECK_ERROR(CANCELLED, vecstore_collection_snapshot(collection, test_path("snapshot"), &options));
    CHECK(calls == 1 && access(test_path("snapshot"), F_OK) != 0);
    options = telling(go_on, &calls);
    CHECK_OK(vecstore_collection_snapshot(collection, test_path("snapshot"), &options));
    CHECK(calls > 1);
    CHECK_ERROR(ALREADY_EXISTS, vecstore_collection_snapshot(collection, test_path("snapshot"), NULL));
    put(collection, n, 10);
    CHECK_OK(vecstore_collection_restore(test_path("snapshot"), test_path("restored"), NULL));
    close_collection(collection);
    static const char *const names[] = { "snapshot", "restored" };
    for (size_t i = 0; i < 2; i++) {
        collection = open_collection(test_path(names[i]), false);
        check_points(collection, n);
        put(collection, n, 1);
        CHECK_OK(vecstore_collection_verify(collection));
        close_collection(collection);
    }
}

static void optimize_can_be_cancelled_and_goes_on_later(void) {
    enum { many = 3000 };
    vecstore_vector_options vector = plain_vector();
    vector.kind = VECSTORE_KIND_HNSW;
    vector.ef_construction = 40;
    vecstore_collection *collection = new_collection_of(test_path("c"), &vector, 1);
    put(collection, 0, many);
    CHECK_OK(vecstore_collection_optimize(collection, NULL));
    /* Too few for the thread in the background. */
    put(collection, many, 100);
    int calls = 0;
    vecstore_work_options options = telling(cancel, &calls);
    CHECK_ERROR(CANCELLED, vecstore_collection_optimize(collection, &options));
    CHECK_EQ(calls, 1);
    CHECK_OK(vecstore_collection_verify(collection));
    put(collection, many + 100, 100);
    options = telling(go_on, &calls);
    CHECK_OK(vecstore_collection_optimize(collection, &options));
    char *text = description_of(collection);
    CHECK(strstr(text, "\"waiting\":0") && strstr(text, "\"indexed\":3200"));
    free(text);
    check_points(collection, many + 200);
    close_collection(collection);
    collection = open_collection(test_path("c"), true);
    text = description_of(collection);
    CHECK(strstr(text, "\"indexed\":3200") && strstr(text, "\"graph_error\":\"\""));
    free(text);
    check_points(collection, many + 200);
    close_collection(collection);
}

/* Points with ids from 1,000,000 on. */
static vecstore_status write_many(vecstore_collection *collection, size_t count) {
    vecstore_id *ids = calloc(count, sizeof *ids);
    float *vectors = calloc(count * point_dim, sizeof *vectors);
    REQUIRE(ids && vectors);
    for (size_t i = 0; i < count; i++) ids[i] = number_id(1000000 + i);
    const vecstore_batch_vectors batch = { NULL, vectors, F32, 0, NULL };
    vecstore_status status = vecstore_collection_upsert(collection, ids, count, &batch, 1, NULL, NULL);
    free(ids);
    free(vectors);
    return status;
}

static void compacting_gives_the_disk_back(void) {
    enum { many = 3000 };
    vecstore_vector_options vector = plain_vector();
    vector.kind = VECSTORE_KIND_HNSW;
    vecstore_collection *collection = new_collection_of(test_path("c"), &vector, 1);
    CHECK_OK(vecstore_collection_create_payload_index(collection, "text", "text", NULL));
    for (int version = 0; version < 3; version++) put(collection, 0, many);
    for (size_t i = n; i < many; i++) {
        vecstore_id id = number_id(i);
        CHECK_OK(vecstore_collection_remove(collection, &id, 1, NULL));
    }
    int calls = 0;
    vecstore_work_options options = telling(cancel, &calls);
    CHECK_ERROR(CANCELLED, vecstore_collection_compact(collection, &options, NULL, NULL));
    check_points(collection, n);
    options = telling(go_on, &calls);
    uint64_t before = 0, after = 0;
    CHECK_OK(vecstore_collection_compact(collection, &options, &before, &after));
    check(after < before / 3, __FILE__, __LINE__, "%zu bytes became %zu", (size_t)before, (size_t)after);
    check_points(collection, n);
    CHECK_OK(vecstore_collection_verify(collection));
    put(collection, n, 10);
    close_collection(collection);
    collection = open_collection(test_path("c"), true);
    check_points(collection, n + 10);
    CHECK_ERROR(READ_ONLY, vecstore_collection_compact(collection, NULL, NULL, NULL));
    close_collection(collection);
}

static void repairing_tells_what_it_has_found(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    size_t damages = 9;
    char text[1024] = "";
    CHECK_OK(vecstore_collection_repair_report(collection, text, sizeof text, NULL));
    CHECK(strcmp(text, "[]") == 0);
    CHECK_OK(vecstore_collection_repair(collection, NULL, &damages));
    CHECK_EQ(damages, 0);
    close_collection(collection);
    FILE *file = fopen(file_in(test_path("c"), "vectors-0.rows"), "r+b");
    fseek(file, 4096 + 3 * point_dim * (long)sizeof(float), SEEK_SET);
    fputc(1, file);
    fclose(file);
    collection = open_collection(test_path("c"), false);
    CHECK_ERROR(CORRUPT, vecstore_collection_verify(collection));
    CHECK_OK(vecstore_collection_repair(collection, NULL, &damages));
    CHECK_EQ(damages, 1);
    size_t needed = 0;
    CHECK_OK(vecstore_collection_repair_report(collection, text, sizeof text, &needed));
    check(strstr(text, "{\"part\":\"point\",\"name\":\"3\",") && strstr(text, "\"repaired\":false}]"), __FILE__, __LINE__,
          "the report is %s", text);
    CHECK_EQ(needed, strlen(text));
    put(collection, 3, 1);
    CHECK_OK(vecstore_collection_repair(collection, NULL, NULL));
    CHECK_OK(vecstore_collection_verify(collection));
    check_points(collection, n);
    close_collection(collection);
    collection = open_collection(test_path("c"), true);
    CHECK_ERROR(READ_ONLY, vecstore_collection_repair(collection, NULL, NULL));
    close_collection(collection);
}

static void memory_can_be_chosen_and_limited(void) {
    close_collection(filled_collection(test_path("c"), n));
    vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
    vecstore_collection *collection = NULL;
    static const char *const names[] = { "mapped", "mapped", "loaded", "disk" };
    for (vecstore_memory memory = 0; memory <= 3; memory++) {
        options.memory = memory;
        options.memory_budget = 1 << 20;
        REQUIRE_OK(vecstore_collection_open(test_path("c"), &options, &collection));
        check_points(collection, n);
        char *text = description_of(collection), expected[100];
        snprintf(expected, sizeof expected, "\"memory_mode\":\"%s\",\"memory_budget\":1048576,", names[memory]);
        CHECK(strstr(text, expected) && strstr(text, "\"memory\":{\"ids\":"));
        free(text);
        CHECK_ERROR(OUT_OF_MEMORY, write_many(collection, 200000));
        check_points(collection, n);
        close_collection(collection);
    }
    options.memory = 4;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(test_path("c"), &options, &collection));
    options.memory = 0;
    options.reserved = 1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(test_path("c"), &options, &collection));
    options.reserved = 0;
    options.memory_budget = UINT64_MAX;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(test_path("c"), &options, &collection));
    /* The first version of the struct ended before these. */
    options.struct_size = 16;
    CHECK_OK(vecstore_collection_open(test_path("c"), &options, &collection));
    close_collection(collection);
}

static void a_description_is_cut_where_there_is_no_room(void) {
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    static const char *const keys[] = { "count\":200", "uuid\":\"", "revision\":", "rows\":200", "waiting\":0", "read_only\":false",
        "durability\":\"normal\"",
        "disk_bytes\":", "memory_bytes\":", "vectors\":[{", "payload_indexes\":[{", "index_error\":\"\"" };
    char *text = description_of(collection);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        check(strstr(text, keys[i]), __FILE__, __LINE__, "%s: %s", keys[i], text);
    }
    free(text);
    char buffer[8] = "xxxxxxx";
    size_t needed = 0;
    CHECK_OK(vecstore_collection_describe(collection, buffer, 5, &needed));
    CHECK_TEXT(buffer, "{\"co");
    CHECK(needed > 100 && buffer[5] == 'x');
    CHECK_OK(vecstore_collection_describe(collection, NULL, 0, NULL));
    close_collection(collection);
}

/* ---- structs of other versions ---- */

static void structs_that_have_grown_are_taken(void) {
    struct { vecstore_vector_options known; unsigned char more[40]; } vectors[2] =
        { { plain_vector(), { 0 } }, { plain_vector(), { 0 } } };
    struct { vecstore_collection_options known; unsigned char more[40]; } options =
        { VECSTORE_COLLECTION_OPTIONS_INIT, { 0 } };
    vectors[0].known.name = "a";
    vectors[1].known.name = "b";
    vectors[0].known.struct_size = vectors[1].known.struct_size = sizeof vectors[0];
    options.known.struct_size = sizeof options;
    vecstore_collection *collection = NULL;
    REQUIRE_OK(vecstore_collection_create(test_path("c"), &vectors[0].known, 2, &options.known, &collection));
    const vecstore_id id = number_id(1);
    const vecstore_batch_vectors batch = { "b", point_vector(0), F32, 0, NULL };
    CHECK_OK(vecstore_collection_upsert(collection, &id, 1, &batch, 1, NULL, NULL));

    struct { vecstore_query_options known; unsigned char more[4096 - sizeof(vecstore_query_options)]; } query =
        { VECSTORE_QUERY_OPTIONS_INIT, { 0 } };
    query.known.struct_size = sizeof query;
    query.known.vector_name = "b";
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_search(collection, point_vector(0), F32, 1, 1, &query.known, &hits));
    struct { vecstore_hits_view known; unsigned char more[40]; } view = { VECSTORE_HITS_VIEW_INIT, { 1, 1 } };
    view.known.struct_size = sizeof view;
    CHECK_OK(vecstore_hits_get(hits, &view.known));
    CHECK_EQ(view.known.struct_size, sizeof view);
    CHECK_EQ(view.known.offsets[1], 1);
    CHECK(view.more[0] == 0 && view.more[1] == 0);
    vecstore_hits_free(hits);
    close_collection(collection);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(points_are_there_after_they_were_written_and_after_opening),
        TEST(a_batch_of_no_points_is_allowed),
        TEST(removed_points_are_gone),
        TEST(a_point_is_replaced_whole),
        TEST(numbers_and_strings_are_different_ids),
        TEST(pages_go_through_all_points_that_match),
        TEST(pages_come_in_the_order_of_a_field),
        TEST(points_have_vectors_by_name),
        TEST(payloads_are_changed),
        TEST(points_end_when_they_are_said_to),
        TEST(points_say_when_they_end),
        TEST(indexes_of_fields_come_and_go),
        TEST(searches_find_the_nearest),
        TEST(options_of_a_search_hold),
        TEST(queries_tell_what_they_did),
        TEST(words_are_found),
        TEST(vectors_and_words_are_searched_for_together),
        TEST(hits_come_in_groups),
        TEST(values_are_counted),
        TEST(points_are_recommended),
        TEST(a_reader_follows_a_writer),
        TEST(revisions_tell_states_apart),
        TEST(a_reader_keeps_an_index_of_words_until_it_refreshes),
        TEST(a_directory_that_must_not_be_changed_is_read),
        TEST(copies_are_collections_of_their_own),
        TEST(optimize_can_be_cancelled_and_goes_on_later),
        TEST(compacting_gives_the_disk_back),
        TEST(repairing_tells_what_it_has_found),
        TEST(memory_can_be_chosen_and_limited),
        TEST(a_description_is_cut_where_there_is_no_room),
        TEST(structs_that_have_grown_are_taken),
    };
    return RUN_TESTS(tests);
}
