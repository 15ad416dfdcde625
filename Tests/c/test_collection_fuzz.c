/*
 * Random filters, payloads, paths and words: nothing crashes, and indexes of fields change no answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { n = 40, most_bytes = 1024 };

/* What texts are made of: parts of filters and payloads that mean something, and some that do not. */
static const char *const parts[] = {
    "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1}}]}",
        "{\"should\":[{\"key\":\"b\",\"match\":{\"any\":[\"x\",\"y\"]}},{\"has_id\":[3,\"t\"]}]}",
    "{\"must_not\":[{\"is_empty\":{\"key\":\"c\"}},{\"is_null\":{\"key\":\"a\"}}]}",
    "{\"must\":[{\"key\":\"a\",\"range\":{\"gte\":-3,\"lt\":1e3}}]}",
        "{\"must\":[{\"key\":\"t\",\"range\":{\"gt\":\"2024-01-01T00:00:00Z\"}}]}",
    "{\"must\":[{\"key\":\"g\",\"geo_radius\":{\"center\":{\"lon\":10,\"lat\":50},\"radius\":100000}}]}",
    "{\"must\":[{\"key\":\"g\",\"geo_bounding_box\":"
    "{\"top_left\":{\"lon\":-10,\"lat\":60},\"bottom_right\":{\"lon\":20,\"lat\":-60}}}]}",
    "{\"must\":[{\"key\":\"b\",\"match\":{\"text\":\"x common\"}}]}",
        "{\"must\":[{\"key\":\"b\",\"match\":{\"except\":[\"x\"]}}]}",
    "{\"must\":[{\"key\":\"b\",\"match\":{\"prefix\":\"x\"}}]}",
        "{\"must\":[{\"key\":\"b\",\"match\":{\"phrase\":\"x y\"}}]}",
    "{\"must\":[{\"nested\":{\"key\":\"c[]\",\"filter\":{\"must\":[{\"key\":\"d\",\"match\":{\"value\":true}}]}}}]}",
    "{\"min_should\":{\"conditions\":[{\"key\":\"a\",\"match\":{\"value\":2}},{\"has_vector\":\"\"}],\"min_count\":1}}",
    "{\"must\":[{\"key\":\"c[].d\",\"values_count\":{\"gte\":1}}]}", "{\"a\":1,\"b\":\"x y\"}",
        "{\"a\":[1,2.5,null],\"b\":[\"x\",\"common\"]}",
    "{\"c\":[{\"d\":true},{\"d\":[1,2]}],\"g\":{\"lon\":10,\"lat\":50}}",
        "{\"t\":\"2024-05-01\",\"a\":null,\"b\":\"\"}",
};
static const char *const tokens[] = {
    "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud83d\\ude00", "null", "true", "0", "-1", "1e400",
        "18446744073709551615",
    "9223372036854775808", "-9223372036854775808", "0.1", "a", "b", "c[]", "\"a\":", "\"key\":\"a\"", "\"must\":",
        "\xc3\xa4", "\xff", " ",
    "1e-320", "\"match\":", "{\"value\":1}", "\"gte\":",
};

/* Changes some bytes or tokens of one of the parts. */
static void make_text(char text[most_bytes + 1], uint64_t *state) {
    char other[most_bytes + 1];
    snprintf(text, most_bytes + 1, "%s", parts[random_below(state, sizeof parts / sizeof *parts)]);
    for (size_t changes = random_below(state, 4); changes > 0; changes--) {
        const size_t length = strlen(text), at = random_below(state, length + 1), gone = random_below(state, 4);
        const char *rest = text + (at + gone < length ? at + gone : length);
        const char *token = "";
        char byte[2] = { (char)(1 + random_below(state, 255)), 0 };
        switch (random_below(state, 4)) {
        case 0: token = byte; break;
        case 1: break;
        case 2: token = parts[random_below(state, sizeof parts / sizeof *parts)]; break;
        default: token = tokens[random_below(state, sizeof tokens / sizeof *tokens)];
        }
        snprintf(other, sizeof other, "%.*s%s%s", (int)at, text, token, rest);
        memcpy(text, other, sizeof other);
    }
}

/* One with indexes of fields, one without. */
static vecstore_collection *collections[2];

static void make(void) {
    static const char *const indexes[][2] = {
        { "a", "integer" }, { "a", "float" }, { "b", "keyword" }, { "c[].d", "bool" }, { "t", "datetime" }, { "g",
            "geo" }, { "c", "keyword" },
    };
    collections[0] = new_collection(test_path("plain"));
    collections[1] = new_collection(test_path("indexed"));
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        CHECK_OK(vecstore_collection_create_payload_index(collections[1], indexes[i][0], indexes[i][1], NULL));
    }
    /* Both need one of words. */
    for (size_t c = 0; c < 2; c++) {
        CHECK_OK(vecstore_collection_create_payload_index(collections[c], "b", "text", NULL));
    }
}

static void finish(void) {
    for (size_t c = 0; c < 2; c++) {
        CHECK_OK(vecstore_collection_verify(collections[c]));
        CHECK_OK(vecstore_collection_close(collections[c]));
    }
}

static bool is_allowed(vecstore_status status) {
    return status == VECSTORE_OK || status == VECSTORE_ERR_INVALID_ARGUMENT || status == VECSTORE_ERR_TOO_LARGE;
}

/* Writes a point with this payload into both; they take it or refuse it both. */
static void put_payload(size_t id, const char *payload) {
    const vecstore_id ids = number_id(id);
    const vecstore_batch_vectors vectors = { NULL, point_vector(id), F32, 0, NULL };
    vecstore_status status[2];
    for (size_t c = 0; c < 2; c++) status[c] = vecstore_collection_upsert(collections[c], &ids, 1, &vectors, 1,
        &payload, NULL);
    CHECK_EQ(status[0], status[1]);
    CHECK(is_allowed(status[0]));
}

static void check_filter(const char *filter) {
    vecstore_status status[2];
    uint64_t count[2] = { 0, 0 };
    for (size_t c = 0; c < 2; c++) status[c] = vecstore_collection_count(collections[c], filter, &count[c]);
    CHECK_EQ(status[0], status[1]);
    CHECK_EQ(count[0], count[1]);
    CHECK(is_allowed(status[0]));
    const char *message = vecstore_last_error();
    if (status[0] != VECSTORE_OK) CHECK(strncmp(message, "filter", 6) == 0 || strstr(message, "the key"));
}

static void random_filters_over_random_payloads_agree(void) {
    make();
    uint64_t state = 1;
    char text[most_bytes + 1];
    for (int round = 0; round < 40 && is_passing(); round++) {
        for (size_t i = 0; i < n; i++) {
            make_text(text, &state);
            note("payload %s", text);
            put_payload(random_below(&state, n), text);
        }
        for (size_t i = 0; i < 250; i++) {
            make_text(text, &state);
            note("filter %s", text);
            check_filter(text);
        }
    }
    finish();
}

static void random_changes_keep_payloads_whole(void) {
    make();
    uint64_t state = 2;
    char text[most_bytes + 1];
    for (size_t i = 0; i < n; i++) put_payload(i, parts[14 + i % 4]);
    for (int round = 0; round < 600 && is_passing(); round++) {
        make_text(text, &state);
        const vecstore_id id = number_id(random_below(&state, n));
        const vecstore_payload_change change = 1 + (vecstore_payload_change)random_below(&state, 3);
        note("change %u with %s", change, text);
        vecstore_status status[2];
        char *payloads[2];
        for (size_t c = 0; c < 2; c++) {
            status[c] = vecstore_collection_change_payload(collections[c], &id, 1, NULL, change, text, NULL);
            payloads[c] = payload_of(collections[c], id);
        }
        CHECK_EQ(status[0], status[1]);
        CHECK(is_allowed(status[0]));
        CHECK_TEXT(payloads[0], payloads[1]);
        for (size_t c = 0; c < 2; c++) free(payloads[c]);
        if (round % 20 == 0) for (size_t i = 0; i < 14; i++) check_filter(parts[i]);
    }
    finish();
}

static void random_paths_and_words_do_no_harm(void) {
    make();
    uint64_t state = 3;
    char text[most_bytes + 1];
    for (size_t i = 0; i < n; i++) put_payload(i, parts[14 + i % 4]);
    for (int round = 0; round < 3000 && is_passing(); round++) {
        make_text(text, &state);
        note("%s", text);
        text[random_below(&state, 60)] = 0;
        vecstore_text_options options = VECSTORE_TEXT_OPTIONS_INIT;
        options.mode = 1 + (vecstore_text_mode)random_below(&state, 4);
        for (size_t c = 0; c < 2; c++) {
            vecstore_hits *hits = NULL;
            vecstore_status status = vecstore_collection_search_text(collections[c], text, 5, NULL, &options, &hits);
            CHECK(is_allowed(status));
            vecstore_hits_free(hits);
            CHECK(is_allowed(vecstore_collection_facet(collections[c], text, NULL, 5, &hits)));
            vecstore_hits_free(hits);
            CHECK(
                is_allowed(vecstore_collection_search_groups(collections[c], point_vector(0), F32, text, 2, 2, NULL,
                &hits)));
            vecstore_hits_free(hits);
        }
        if (round % 20 == 0 && vecstore_collection_create_payload_index(collections[1], text, "keyword",
            NULL) == VECSTORE_OK) {
            CHECK_OK(vecstore_collection_drop_payload_index(collections[1], text, "keyword"));
        }
    }
    finish();
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(random_filters_over_random_payloads_agree),
        TEST(random_changes_keep_payloads_whole),
        TEST(random_paths_and_words_do_no_harm),
    };
    return RUN_TESTS(tests);
}
