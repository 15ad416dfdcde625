/*
 * Files of inverted files whose lists have many blocks, damaged and forged. test_damaged and test_forged take small ones
 * through the same, byte by byte.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { dim = 20, rows = 2500, nq = 40, k = 10 };

/* Inverted files that together have every kind of section. */
static const struct kept {
    const char *name;
    vecstore_metric metric;
    vecstore_dtype dtype;
    vecstore_storage storage;
    vecstore_rescore rescore;
    uint32_t assignments, bits;
    vecstore_rotation rotation;
} all_kept[] = {
    { "l2sq, rows", L2SQ, F32, VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT, 1, 0, VECSTORE_ROTATION_NONE },
    { "cosine, float16, each row in two", COSINE, F32, VECSTORE_STORAGE_F16, VECSTORE_RESCORE_DEFAULT, 2, 0, VECSTORE_ROTATION_NONE },
    { "l2sq, pq with float32", L2SQ, F32, VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_DEFAULT, 1, 0, VECSTORE_ROTATION_NONE },
    { "ip, pq with float16, each row in two", IP, F32, VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_F16, 2, 0, VECSTORE_ROTATION_NONE },
    { "ip, pq alone", IP, BF16, VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_NONE, 1, 0, VECSTORE_ROTATION_NONE },
    { "cosine, binary with float32", COSINE, F32, VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_DEFAULT, 1, 0, VECSTORE_ROTATION_NONE },
    { "l2sq, binary alone, each row in two", L2SQ, F32, VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, 2, 0, VECSTORE_ROTATION_NONE },
    { "ip, binary with float16", IP, F16, VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_DEFAULT, 1, 0, VECSTORE_ROTATION_NONE },
    { "cosine, binary of 3 bits", COSINE, F32, VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, 1, 3, VECSTORE_ROTATION_NONE },
    { "l2sq, binary of 8 bits", L2SQ, F32, VECSTORE_STORAGE_BINARY, VECSTORE_RESCORE_NONE, 1, 8, VECSTORE_ROTATION_NONE },
    { "ip, int8 alone", IP, F32, VECSTORE_STORAGE_INT8, VECSTORE_RESCORE_NONE, 1, 0, VECSTORE_ROTATION_NONE },
    { "l2sq, int4 with float16", L2SQ, F32, VECSTORE_STORAGE_INT4, VECSTORE_RESCORE_F16, 1, 0, VECSTORE_ROTATION_NONE },
    { "cosine, pq of 6 bits", COSINE, F32, VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_NONE, 1, 6, VECSTORE_ROTATION_NONE },
    { "l2sq, pq rotated", L2SQ, F32, VECSTORE_STORAGE_PQ, VECSTORE_RESCORE_NONE, 1, 0, VECSTORE_ROTATION_OPQ },
};
enum { kept_count = sizeof all_kept / sizeof *all_kept };

/* Writes an index to a file: few lists, ids that do not ascend, rows removed. */
static void write_kept(const struct kept *kept) {
    vecstore_index_options options = lists_options(kept->metric, kept->dtype, dim);
    options.storage = kept->storage;
    options.rescore = kept->rescore;
    options.assignments = kept->assignments;
    options.bits = kept->bits;
    options.rotation = kept->rotation;
    options.nlist = 6;
    vecstore_index *index = create_index(&options);
    float *base = clustered_vectors(dim, rows, 2);
    uint64_t *ids = malloc(rows * sizeof *ids);
    for (uint64_t i = 0; i < rows; i++) ids[i] = (i * 7919 + 13) % 100003;
    REQUIRE_OK(vecstore_index_add(index, base, F32, rows, ids, NULL, NULL));
    REQUIRE_OK(vecstore_index_remove(index, ids, 50, NULL));
    vecstore_save_options fast = VECSTORE_SAVE_OPTIONS_INIT;
    fast.no_sync = 1;
    REQUIRE_OK(vecstore_index_save(index, test_path("file"), &fast));
    vecstore_index_free(index);
    free(ids);
    free(base);
}

/* The bytes of such a file, which is there too. */
static unsigned char *save_kept(const struct kept *kept, size_t *size) {
    static unsigned char *made[kept_count];
    static size_t sizes[kept_count];
    const size_t i = (size_t)(kept - all_kept);
    if (!made[i]) {
        write_kept(kept);
        made[i] = read_bytes(test_path("file"), &sizes[i]);
    }
    write_bytes(test_path("file"), made[i], sizes[i]);
    *size = sizes[i];
    unsigned char *bytes = malloc(sizes[i]);
    REQUIRE(bytes);
    return memcpy(bytes, made[i], sizes[i]);
}

/* Searches in all the ways that read lists, rank and follow ids; whatever the file held, no call may crash. */
static void use_lists(vecstore_index *index) {
    static uint64_t ids[nq * k];
    static float distances[nq * k];
    float *queries = clustered_vectors(dim, nq, 3), row[dim];
    uint64_t some[300];
    size_t written = 0;
    CHECK_OK(vecstore_index_ids(index, 100, some, 300, &written));
    vecstore_filter filter = VECSTORE_FILTER_INIT;
    filter.kind = VECSTORE_FILTER_IDS;
    filter.ids = some;
    filter.ids_count = written;
    for (int way = 0; way < 16; way++) {
        vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
        options.nprobe = way & 1 ? 100 : 1;
        options.no_rescore = way >> 1 & 1;
        options.filter = way & 4 ? &filter : NULL;
        options.oversampling = way & 8 ? 40.0f : 0;
        filter.negate = way & 1;
        vecstore_status status = vecstore_index_search(index, queries, F32, nq, k, &options, ids, distances, NULL);
        CHECK(status != VECSTORE_ERR_INTERNAL);
        vecstore_range_result *result = NULL;
        static const float radii[] = { 50, -10, INFINITY, 0 };
        status = vecstore_index_search_range(index, queries, F32, 4, radii[way % 4], &options, &result);
        CHECK(status != VECSTORE_ERR_INTERNAL);
        vecstore_range_result_free(result);
    }
    for (size_t i = 0; i < written; i += 50) {
        CHECK(vecstore_index_get(index, &some[i], 1, F32, row) != VECSTORE_ERR_INTERNAL);
    }
    CHECK(vecstore_index_verify(index) != VECSTORE_ERR_INTERNAL);
    CHECK(vecstore_index_save(index, test_path("used"), &(vecstore_save_options){ 8, 1 }) != VECSTORE_ERR_INTERNAL);
    if (!stats_of(index).read_only) {
        CHECK(vecstore_index_add(index, queries, F32, nq, NULL, NULL, NULL) != VECSTORE_ERR_INTERNAL);
        CHECK(vecstore_index_update(index, some, queries, F32, written < nq ? written : nq) != VECSTORE_ERR_INTERNAL);
        CHECK(vecstore_index_remove(index, some, written / 2, NULL) != VECSTORE_ERR_INTERNAL);
        CHECK(vecstore_index_compact(index) != VECSTORE_ERR_INTERNAL);
    }
    free(queries);
}

/* Opens the file: mapped without a look at its content, and loaded with as little of one as there is. */
static void use_unverified(void) {
    for (size_t o = 0; o < opening_count; o++) {
        if (openings[o].checks_all) continue;
        vecstore_index *index = NULL;
        vecstore_status status = vecstore_index_open(test_path("file"), &openings[o].options, &index);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_CORRUPT);
        if (index) use_lists(index);
        vecstore_index_free(index);
    }
}

static void a_file_cut_short_is_refused(void) {
    uint64_t state = 1;
    for (size_t s = 0; s < kept_count; s += 3) {
        size_t size;
        free(save_kept(&all_kept[s], &size));
        while (size > 0 && is_passing()) {
            size -= 1 + random_below(&state, size < 8000 ? size : 8000);
            note("%s, %zu bytes", all_kept[s].name, size);
            REQUIRE(truncate(test_path("file"), (off_t)size) == 0);
            for (size_t o = 0; o < opening_count; o++) {
                vecstore_index *index;
                CHECK_ERROR(CORRUPT, vecstore_index_open(test_path("file"), &openings[o].options, &index));
            }
        }
    }
}

static void a_byte_flipped_anywhere_is_noticed_where_all_are_checked(void) {
    uint64_t state = 2;
    vecstore_open_options all = VECSTORE_OPEN_OPTIONS_INIT;
    all.verify = 2;
    for (size_t s = 0; s < kept_count; s++) {
        size_t size, length;
        unsigned char *bytes = save_kept(&all_kept[s], &size);
        for (uint32_t kind = ids_section; kind < section_kinds; kind++) {
            unsigned char *content = content_of(bytes, kind, &length);
            for (int i = 0; content && i < 3 && is_passing(); i++) {
                size_t at = random_below(&state, length);
                note("%s, section %u, byte %zu", all_kept[s].name, kind, at);
                content[at] ^= 0x55;
                write_bytes(test_path("file"), bytes, size);
                vecstore_index *index;
                CHECK_ERROR(CORRUPT, vecstore_index_open(test_path("file"), &all, &index));
                CHECK(strstr(vecstore_last_error(), test_path("file")));
                if (i == 0) use_unverified();
                content[at] ^= 0x55;
            }
        }
        free(bytes);
    }
}

static void content_of_any_kind_does_no_harm(void) {
    /* Whole sections full of one word, checksums right: nothing, everything, NaN, infinity, huge and negative numbers. */
    static const uint32_t words[] = { 0, UINT32_MAX, 0x7fc00000, 0x7f800000, 0xff7fffff, 0x5f000000, 0xdf000000, 5 };
    for (size_t s = 0; s < kept_count; s++) {
        size_t size, length;
        unsigned char *bytes = save_kept(&all_kept[s], &size);
        for (uint32_t kind = ids_section; kind < section_kinds; kind++) {
            unsigned char *content = content_of(bytes, kind, &length);
            if (!content || kind == list_notes_section) continue;
            unsigned char *old = malloc(length);
            memcpy(old, content, length);
            for (int w = 0; w < 8 && is_passing(); w++) {
                note("%s, section %u full of %#x", all_kept[s].name, kind, words[w]);
                for (size_t at = 0; at + 4 <= length; at += 4) put_u32(content, at, words[w]);
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                use_unverified();
            }
            memcpy(content, old, length);
            free(old);
        }
        free(bytes);
    }
}

static void numbers_near_the_end_of_floats_do_no_harm(void) {
    /* Each as large as a file may say, all together: their products are beyond the range of floats. */
    static const float sizes[] = { 0x1p63f, 0x1p62f, 0x1p40f, 0x1p-100f, 0 };
    for (size_t s = 0; s < kept_count; s++) {
        for (int i = 0; i < 5; i++) {
            for (int signs = 0; signs < 4; signs += 3) {
                size_t size, length;
                unsigned char *bytes = save_kept(&all_kept[s], &size);
                note("%s, %g, signs %d", all_kept[s].name, (double)sizes[i], signs);
                unsigned char *notes = content_of(bytes, list_notes_section, &length);
                float value = sizes[i];
                memcpy(notes + list_note_mean_norm, &value, 4);
                memcpy(notes + list_note_code_error, &value, 4);
                unsigned char *numbers = content_of(bytes, list_numbers_section, &length);
                for (size_t at = 0; at < length; at += 4) {
                    value = at < length / 2 && signs & 1 ? -sizes[i] : sizes[i];
                    memcpy(numbers + at, &value, 4);
                }
                unsigned char *centroids = content_of(bytes, centroids_section, &length);
                for (size_t at = 0; at < length; at += 4) {
                    /* Of a norm that a vector may have. */
                    value = (signs & 2 && at / 4 % 2 ? -1.0f : 1.0f) * fminf(sizes[i], 0x1p60f);
                    memcpy(centroids + at, &value, 4);
                }
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                use_unverified();
                free(bytes);
            }
        }
    }
}

static void words_anywhere_do_no_harm(void) {
    uint64_t state = 3;
    for (int round = 0; round < 60 && is_passing(); round++) {
        const struct kept *kept = &all_kept[random_below(&state, kept_count)];
        size_t size, length;
        unsigned char *bytes = save_kept(kept, &size);
        static const uint32_t kinds[] = { list_blocks_section, homes_section, list_counts_section, list_numbers_section,
                                          order_section };
        const uint32_t kind = kinds[round % 5];
        unsigned char *content = content_of(bytes, kind, &length);
        REQUIRE(content);
        note("%s, section %u, round %d", kept->name, kind, round);
        size_t changes = 1 + random_below(&state, kind == list_counts_section ? 2 : 200);
        for (size_t c = 0; c < changes; c++) {
            size_t at = random_below(&state, length / 4) * 4;
            uint32_t value = (uint32_t)random_bits(&state);
            put_u32(content, at, random_below(&state, 2) ? value : value % (rows + 10));
        }
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        use_unverified();
        free(bytes);
    }
}

static void rows_moved_between_lists_are_noticed(void) {
    /* Counts that sum up as before: a list takes blocks of the next one. */
    for (size_t s = 0; s < kept_count; s++) {
        size_t size, length;
        unsigned char *bytes = save_kept(&all_kept[s], &size);
        unsigned char *counts = content_of(bytes, list_counts_section, &length);
        REQUIRE(length == 4 * 6);
        note("%s", all_kept[s].name);
        put_u32(counts, 0, get_u32(counts, 0) + 32);
        put_u32(counts, 4, get_u32(counts, 4) - 32);
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        for (size_t o = 0; o < opening_count; o++) {
            vecstore_index *index = NULL;
            vecstore_status status = vecstore_index_open(test_path("file"), &openings[o].options, &index);
            /* A load looks at the lists in any case. */
            if (openings[o].checks_all || openings[o].options.load) CHECK_EQ(status, VECSTORE_ERR_CORRUPT);
            if (index) CHECK_ERROR(CORRUPT, vecstore_index_verify(index));
            if (index) use_lists(index);
            vecstore_index_free(index);
        }
        free(bytes);
    }
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_file_cut_short_is_refused),
        TEST(a_byte_flipped_anywhere_is_noticed_where_all_are_checked),
        TEST(content_of_any_kind_does_no_harm),
        TEST(numbers_near_the_end_of_floats_do_no_harm),
        TEST(words_anywhere_do_no_harm),
        TEST(rows_moved_between_lists_are_noticed),
    };
    return RUN_TESTS(tests);
}
