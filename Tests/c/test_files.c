/*
 * Files: what is saved comes back.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_saved_index_comes_back(void) {
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        const char *path = test_path("file");
        free(save_shape(&shapes[s], path, &size));
        for (size_t o = 0; o < opening_count; o++) {
            note("%s, %s", shapes[s].name, openings[o].name);
            vecstore_index *index;
            REQUIRE_OK(vecstore_index_open(path, &openings[o].options, &index));
            check_is(index, &shapes[s]);
            vecstore_index_stats stats = stats_of(index);
            CHECK_EQ(stats.read_only, !openings[o].options.load);
            CHECK_EQ(stats.mapped_bytes, openings[o].options.load ? 0 : size);
            /* What training found is copied. */
            if (!openings[o].options.load && stats.nlist == 0) CHECK_EQ(stats.memory_bytes, 0);
            CHECK_EQ(stats.removed_count, 0);
            vecstore_index_free(index);
        }
    }
}

static void the_same_rows_give_the_same_file(void) {
    for (size_t s = 0; s < shape_count; s++) {
        size_t size, again_size;
        unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
        for (size_t o = 0; o < opening_count; o++) {
            note("%s, %s", shapes[s].name, openings[o].name);
            vecstore_index *index;
            REQUIRE_OK(vecstore_index_open(test_path("file"), &openings[o].options, &index));
            CHECK_OK(vecstore_index_save(index, test_path("again"), NULL));
            unsigned char *again = read_bytes(test_path("again"), &again_size);
            CHECK_EQ(again_size, size);
            CHECK(memcmp(again, bytes, size) == 0);
            free(again);
            vecstore_index_free(index);
        }
        free(bytes);
    }
}

static void removed_rows_are_not_saved(void) {
    const uint64_t ids[2] = { id_of(&shapes[0], 0), id_of(&shapes[0], 8) };
    vecstore_index *index = index_of(&shapes[0]);
    uint64_t next_id = stats_of(index).next_id;
    CHECK_OK(vecstore_index_remove(index, ids, 2, NULL));
    CHECK_OK(vecstore_index_save(index, test_path("file"), NULL));
    vecstore_index_free(index);
    for (size_t o = 0; o < opening_count; o++) {
        REQUIRE_OK(vecstore_index_open(test_path("file"), &openings[o].options, &index));
        uint8_t found[2];
        CHECK_OK(vecstore_index_contains(index, ids, 2, found));
        CHECK(found[0] == 0 && found[1] == 0);
        CHECK_EQ(count_of(index), shapes[0].n - 2);
        /* No id is assigned twice in the life of an index. */
        CHECK_EQ(stats_of(index).next_id, next_id);
        vecstore_index_free(index);
    }
}

static void a_map_cannot_be_changed(void) {
    size_t size;
    free(save_shape(&shapes[0], test_path("file"), &size));
    vecstore_index *index;
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &index));
    float *row = random_vectors(F32, 33, 1, 5);
    const uint64_t id = id_of(&shapes[0], 0);
    size_t removed;
    CHECK_ERROR(READ_ONLY, vecstore_index_add(index, row, F32, 1, NULL, NULL, NULL));
    CHECK_ERROR(READ_ONLY, vecstore_index_update(index, &id, row, F32, 1));
    CHECK_ERROR(READ_ONLY, vecstore_index_remove(index, &id, 1, &removed));
    CHECK_ERROR(READ_ONLY, vecstore_index_compact(index));
    CHECK_ERROR(READ_ONLY, vecstore_index_reserve(index, 100));
    check_is(index, &shapes[0]);
    vecstore_index_free(index);
    free(row);
}

static void a_loaded_index_can_be_changed(void) {
    vecstore_open_options load = VECSTORE_OPEN_OPTIONS_INIT;
    load.load = 1;
    for (size_t s = 0; s < shape_count; s++) {
        note("%s", shapes[s].name);
        size_t size;
        free(save_shape(&shapes[s], test_path("file"), &size));
        vecstore_index *index;
        REQUIRE_OK(vecstore_index_open(test_path("file"), &load, &index));
        void *row = random_vectors(shapes[s].dtype, shapes[s].dim, 1, 5);
        uint64_t id, next_id = stats_of(index).next_id;
        CHECK_OK(vecstore_index_add(index, row, shapes[s].dtype, 1, NULL, NULL, &id));
        CHECK_EQ(id, next_id);
        CHECK_OK(vecstore_index_update(index, &id, row, shapes[s].dtype, 1));
        CHECK_OK(vecstore_index_remove(index, &id, 1, NULL));
        CHECK_OK(vecstore_index_compact(index));
        check_is(index, &shapes[s]);
        vecstore_index_free(index);
        free(row);
    }
}

static void a_map_outlives_its_file(void) {
    size_t size;
    free(save_shape(&shapes[0], test_path("file"), &size));
    vecstore_index *map, *other = index_of(&shapes[1]);
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &map));
    CHECK_OK(vecstore_index_save(other, test_path("file"), NULL));
    check_is(map, &shapes[0]);
    CHECK_OK(vecstore_index_save(map, test_path("file"), NULL));
    check_is(map, &shapes[0]);
    REQUIRE(unlink(test_path("file")) == 0);
    check_is(map, &shapes[0]);
    vecstore_index_free(other);
    vecstore_index_free(map);
}

static void no_such_file_is_not_found(void) {
    vecstore_index *index = (vecstore_index *)1;
    CHECK_ERROR(NOT_FOUND, vecstore_index_open(test_path("none"), NULL, &index));
    CHECK(index == NULL);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_saved_index_comes_back),
        TEST(the_same_rows_give_the_same_file),
        TEST(removed_rows_are_not_saved),
        TEST(a_map_cannot_be_changed),
        TEST(a_loaded_index_can_be_changed),
        TEST(a_map_outlives_its_file),
        TEST(no_such_file_is_not_found),
    };
    return RUN_TESTS(tests);
}
