/*
 * Hashes with vectors in a real Redis, as programs with a search module keep them: into collections and indexes, and back.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "redis.h"
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { n = 200 };

static const char *url;

/* Writes the hash of a key: a blob and a title, as HSET has them. */
static void hset(const char *key, const void *blob, size_t size, const char *title) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", url + strlen("unix://"));
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof address) == 0);
    char command[4096];
    REQUIRE(size < 2048);
    int start = snprintf(command, sizeof command, "*6\r\n$4\r\nHSET\r\n$%zu\r\n%s\r\n$9\r\nembedding\r\n$%zu\r\n", strlen(key), key, size);
    memcpy(command + start, blob, size);
    int end = start + (int)size;
    end += snprintf(command + end, sizeof command - (size_t)end, "\r\n$5\r\ntitle\r\n$%zu\r\n%s\r\n", strlen(title), title);
    REQUIRE(write(connection, command, (size_t)end) == end);
    char reply[64] = "";
    REQUIRE(read(connection, reply, sizeof reply - 1) > 0 && reply[0] == ':');
    close(connection);
}

static vecstore_redis_import_options into(const char *prefix) {
    vecstore_redis_import_options options = VECSTORE_REDIS_IMPORT_OPTIONS_INIT;
    options.prefix = prefix;
    return options;
}

static vecstore_redis_export_options out_of(const char *prefix) {
    vecstore_redis_export_options options = VECSTORE_REDIS_EXPORT_OPTIONS_INIT;
    options.prefix = prefix;
    return options;
}

static void hashes_become_points(void) {
    url = start_redis();
    vecstore_collection *collection = new_collection(test_path("c"));
    hset("doc:7", point_vector(0), point_dim * sizeof(float), "seven");
    hset("doc:seven", point_vector(1), point_dim * sizeof(float), "7");
    hset("other:1", point_vector(2), point_dim * sizeof(float), "no");
    vecstore_redis_import_options options = into("doc:");
    options.values = VECSTORE_FIELD_VALUES_NUMBERS;
    vecstore_redis_import_result result = VECSTORE_REDIS_IMPORT_RESULT_INIT;
    CHECK_OK(vecstore_collection_import_redis(collection, url, &options, &result));
    CHECK(result.points == 2 && result.skipped == 0);
    CHECK_EQ(points_in(collection), 2);
    char *payload = payload_of(collection, number_id(7));
    CHECK_TEXT(payload, "{\"title\":\"seven\"}");
    free(payload);
    payload = payload_of(collection, text_id("seven"));
    CHECK_TEXT(payload, "{\"title\":7}");
    free(payload);
    vecstore_id id = number_id(7);
    vecstore_hits *hits = NULL;
    CHECK_OK(vecstore_collection_get(collection, &id, 1, "", &hits));
    CHECK(memcmp(view_of(hits).vectors, point_vector(0), point_dim * sizeof(float)) == 0);
    vecstore_hits_free(hits);
    /* Fields may be chosen, and others be named for the vector. */
    const char *const none[] = { "no such field" };
    const vecstore_vector_field field = { "embedding", NULL };
    options.payload_fields = none;
    options.n_payload_fields = 1;
    options.vector_fields = &field;
    options.n_vector_fields = 1;
    options.pattern = "doc:7";
    CHECK_OK(vecstore_collection_import_redis(collection, url, &options, &result));
    CHECK_EQ(result.points, 1);
    payload = payload_of(collection, number_id(7));
    CHECK_TEXT(payload, "");
    free(payload);
    CHECK_OK(vecstore_collection_close(collection));
}

static void points_come_back_from_hashes(void) {
    url = start_redis();
    vecstore_collection *a = filled_collection(test_path("a"), n), *b = new_collection(test_path("b"));
    const vecstore_redis_export_options out = out_of("points:");
    vecstore_redis_import_options in = into("points:");
    in.values = VECSTORE_FIELD_VALUES_JSON;
    in.batch_size = 7;
    uint64_t points = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(vecstore_collection_export_redis(a, url, &out, &points));
        CHECK_EQ(points, n);
        vecstore_redis_import_result result = VECSTORE_REDIS_IMPORT_RESULT_INIT;
        CHECK_OK(vecstore_collection_import_redis(b, url, &in, &result));
        CHECK_EQ(result.points, n);
        check_points(b, n);
    }
    vecstore_redis_export_options some = out_of("some:");
    some.filter = "{\"must\":[{\"key\":\"n\",\"range\":{\"lt\":50}}]}";
    some.json_field = "payload";
    some.blob_type = VECSTORE_BLOB_FLOAT64;
    CHECK_OK(vecstore_collection_export_redis(a, url, &some, &points));
    CHECK_EQ(points, 50);
    CHECK_OK(vecstore_collection_remove_matching(b, "{}", NULL));
    in = into("some:");
    in.json_field = "payload";
    in.blob_type = VECSTORE_BLOB_FLOAT64;
    CHECK_OK(vecstore_collection_import_redis(b, url, &in, NULL));
    check_points(b, 50);
    char *payload = payload_of(b, number_id(3));
    CHECK_TEXT(payload, point_payload(3));
    free(payload);
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void hashes_become_rows_of_an_index(void) {
    url = start_redis();
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = point_dim;
    vecstore_index *index = NULL;
    REQUIRE_OK(vecstore_index_create(&options, &index));
    for (int i = 0; i < 30; i++) {
        char key[32];
        snprintf(key, sizeof key, "doc:%d", i);
        hset(key, point_vector((size_t)i), point_dim * sizeof(float), "");
    }
    const vecstore_redis_import_options in = into("doc:");
    vecstore_redis_import_result result = VECSTORE_REDIS_IMPORT_RESULT_INIT;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(vecstore_index_import_redis(index, url, &in, &result));
        CHECK_EQ(result.points, 30);
        uint64_t count = 0;
        CHECK_OK(vecstore_index_count(index, &count));
        CHECK_EQ(count, 30);
    }
    float row[point_dim];
    const uint64_t id = 17;
    CHECK_OK(vecstore_index_get(index, &id, 1, VECSTORE_DTYPE_F32, row));
    CHECK(memcmp(row, point_vector(17), sizeof row) == 0);
    hset("doc:x", point_vector(0), point_dim * sizeof(float), "");
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_import_redis(index, url, &in, &result));
    CHECK(strstr(vecstore_last_error(), "'doc:x'"));
    vecstore_index_free(index);
}

static void bad_hashes_are_named_or_passed_over(void) {
    url = start_redis();
    vecstore_collection *collection = new_collection(test_path("c"));
    hset("doc:1", point_vector(1), point_dim * sizeof(float), "good");
    hset("doc:2", point_vector(2), 5, "short");
    vecstore_redis_import_options options = into("doc:");
    vecstore_redis_import_result result = VECSTORE_REDIS_IMPORT_RESULT_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import_redis(collection, url, &options, &result));
    CHECK(strstr(vecstore_last_error(), "'doc:2'") && strstr(vecstore_last_error(), "5 bytes"));
    CHECK(result.points <= 1 && result.skipped == 0);
    options.skip_bad = 1;
    CHECK_OK(vecstore_collection_import_redis(collection, url, &options, &result));
    CHECK(result.points == 1 && result.skipped == 1);
    CHECK_OK(vecstore_collection_close(collection));
}

static bool stop_at(uint64_t done, uint64_t total, void *payload) {
    CHECK(done <= total);
    return done < *(uint64_t *)payload;
}

static void transfers_can_be_cancelled(void) {
    url = start_redis();
    vecstore_collection *a = filled_collection(test_path("a"), n), *b = new_collection(test_path("b"));
    vecstore_redis_export_options out = out_of("p:");
    uint64_t limit = 1;
    out.progress = stop_at;
    out.payload = &limit;
    CHECK_ERROR(CANCELLED, vecstore_collection_export_redis(a, url, &out, NULL));
    out.progress = NULL;
    CHECK_OK(vecstore_collection_export_redis(a, url, &out, NULL));
    vecstore_redis_import_options in = into("p:");
    vecstore_redis_import_result result = VECSTORE_REDIS_IMPORT_RESULT_INIT;
    limit = 100;
    in.batch_size = 50;
    in.progress = out.progress = stop_at;
    in.payload = &limit;
    CHECK_ERROR(CANCELLED, vecstore_collection_import_redis(b, url, &in, &result));
    CHECK_EQ(result.points, 100);
    CHECK_EQ(points_in(b), 100);
    CHECK_OK(vecstore_collection_close(a));
    CHECK_OK(vecstore_collection_close(b));
}

static void what_is_no_option_is_refused(void) {
    url = start_redis();
    vecstore_collection *collection = filled_collection(test_path("c"), n);
    static const char bad[] = "a\xff";
    const vecstore_vector_field fields[] = { { NULL, NULL }, { bad, NULL }, { "v", "no such vector" }, { "", NULL } };
    const char *const names[] = { NULL, bad };
    vecstore_redis_import_options in[16];
    for (size_t i = 0; i < 16; i++) in[i] = into("doc:");
    in[0].prefix = bad;
    in[1].pattern = bad;
    in[2].json_field = bad;
    for (size_t i = 0; i < 4; i++) {
        in[3 + i].vector_fields = &fields[i];
        in[3 + i].n_vector_fields = 1;
    }
    in[7].n_vector_fields = 1;
    in[8].vector_fields = fields;
    in[8].n_vector_fields = SIZE_MAX;
    in[9].n_payload_fields = 1;
    for (size_t i = 0; i < 2; i++) {
        in[10 + i].payload_fields = &names[i];
        in[10 + i].n_payload_fields = 1;
    }
    in[12].blob_type = 5;
    in[13].values = 3;
    in[14].skip_bad = 2;
    in[15].batch_size = 1048577;
    for (size_t i = 0; i < 16; i++) {
        note("import options %zu", i);
        vecstore_redis_import_result result = VECSTORE_REDIS_IMPORT_RESULT_INIT;
        result.points = 99;
        vecstore_status status = vecstore_collection_import_redis(collection, url, &in[i], &result);
        check_status(status, i == 8 ? VECSTORE_ERR_TOO_LARGE : VECSTORE_ERR_INVALID_ARGUMENT, __FILE__, __LINE__, "import");
        CHECK_EQ(result.points, 0);
    }
    vecstore_redis_export_options out[5];
    for (size_t i = 0; i < 5; i++) out[i] = out_of("doc:");
    out[0].prefix = bad;
    out[1].filter = "{";
    out[2].blob_type = 9;
    out[3].json_field = "embedding";
    out[4].n_vector_fields = 2;
    for (size_t i = 0; i < 5; i++) {
        note("export options %zu", i);
        uint64_t points = 99;
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_export_redis(collection, url, &out[i], &points));
        CHECK_EQ(points, 99);
    }
    vecstore_redis_import_options sized = into("doc:");
    sized.struct_size = 4;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import_redis(collection, url, &sized, NULL));
    vecstore_redis_import_result small = { .struct_size = 8 };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import_redis(collection, url, NULL, &small));
    vecstore_redis_options redis = VECSTORE_REDIS_OPTIONS_INIT;
    redis.cluster = 3;
    vecstore_redis_import_options asked = into("doc:");
    asked.redis = &redis;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import_redis(collection, url, &asked, NULL));
    check_points(collection, n);
    CHECK_OK(vecstore_collection_close(collection));
}

static void handles_and_places_that_are_none_are_refused(void) {
    vecstore_collection *collection = new_collection(test_path("c"));
    vecstore_redis_import_options in = into("doc:");
    vecstore_redis_options redis = VECSTORE_REDIS_OPTIONS_INIT;
    redis.connect_timeout = redis.command_timeout = 200;
    in.redis = &redis;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import_redis(collection, "http://localhost", &in, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_import_redis(collection, "a\xff", &in, NULL));
    CHECK_ERROR(UNAVAILABLE, vecstore_collection_import_redis(collection, "unix:///no/such/socket", &in, NULL));
    setenv("REDIS_URL", "unix:///from/the/environment", 1);
    CHECK_ERROR(UNAVAILABLE, vecstore_collection_import_redis(collection, NULL, &in, NULL));
    CHECK(strstr(vecstore_last_error(), "/from/the/environment"));
    vecstore_redis_export_options out = out_of("doc:");
    out.redis = &redis;
    /* Nobody is asked for nothing. */
    uint64_t points = 99;
    CHECK_OK(vecstore_collection_export_redis(collection, NULL, &out, &points));
    CHECK_EQ(points, 0);
    put(collection, 0, 1);
    CHECK_ERROR(UNAVAILABLE, vecstore_collection_export_redis(collection, NULL, &out, &points));
    CHECK_OK(vecstore_collection_close(collection));
    vecstore_collection *reader = open_collection(test_path("c"), true);
    CHECK_ERROR(READ_ONLY, vecstore_collection_import_redis(reader, NULL, &in, NULL));
    CHECK_ERROR(UNAVAILABLE, vecstore_collection_export_redis(reader, NULL, &out, NULL));
    CHECK_OK(vecstore_collection_close(reader));
    vecstore_collection *const none[] = { NULL, collection, (vecstore_collection *)1 };
    for (size_t i = 0; i < 3; i++) {
        const vecstore_status expected = none[i] ? VECSTORE_ERR_INVALID_HANDLE : VECSTORE_ERR_INVALID_ARGUMENT;
        check_status(vecstore_collection_import_redis(none[i], NULL, &in, NULL), expected, __FILE__, __LINE__, "import");
        check_status(vecstore_collection_export_redis(none[i], NULL, &out, NULL), expected, __FILE__, __LINE__, "export");
        check_status(vecstore_index_import_redis((vecstore_index *)none[i], NULL, &in, NULL), expected, __FILE__, __LINE__, "import");
    }
}

int main(int argc, char **argv) {
    const test tests[] = {
        TEST(hashes_become_points),
        TEST(points_come_back_from_hashes),
        TEST(hashes_become_rows_of_an_index),
        TEST(bad_hashes_are_named_or_passed_over),
        TEST(transfers_can_be_cancelled),
        TEST(what_is_no_option_is_refused),
        TEST(handles_and_places_that_are_none_are_refused),
    };
    return RUN_TESTS(tests);
}
