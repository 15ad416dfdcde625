/*
 * Forged files, whose checksums are right, are refused or do no harm.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sets a field of the header of each shape (of a kind; 0 = any) and seals it; every opening must be refused with
 * `expected`. */
static void check_forged_kind(size_t at, size_t width, uint64_t value, vecstore_status expected, vecstore_kind kind) {
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (kind != 0 && (shapes[s].kind ? shapes[s].kind : VECSTORE_KIND_FLAT) != kind) continue;
        size_t size;
        unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
        uint64_t old = width == 4 ? get_u32(bytes, at) : get_u64(bytes, at);
        if (old != value) {
            note("%s, field at %zu is %llu", shapes[s].name, at, (unsigned long long)value);
            if (width == 4) put_u32(bytes, at, (uint32_t)value);
            else put_u64(bytes, at, value);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            check_damaged(test_path("file"), &shapes[s], true, expected);
        }
        free(bytes);
    }
}

static void check_forged(size_t at, size_t width, uint64_t value, vecstore_status expected) {
    check_forged_kind(at, width, value, expected, 0);
}

static void newer_formats_are_refused_by_name(void) {
    static const uint32_t newer[] = { 3, 4, 1000, UINT32_MAX };
    for (int i = 0; i < 4; i++) check_forged(at_version, 4, newer[i], VECSTORE_ERR_NEWER_VERSION);
    check_forged(at_version, 4, 0, VECSTORE_ERR_CORRUPT);
    /* Version 2 has a flag that these have not. */
    check_forged(at_version, 4, 2, VECSTORE_ERR_CORRUPT);
}

static void fields_that_cannot_be_are_refused(void) {
    static const uint64_t large[] = { 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
    static const uint64_t huge[] = { 11, 31, 0xfffffffe, 0xffffffff, (uint64_t)1 << 32, (uint64_t)1 << 60, INT64_MAX,
                                     (uint64_t)1 << 63, UINT64_MAX };
    check_forged(at_byte_order, 4, 0x04030201, VECSTORE_ERR_CORRUPT);
    check_forged(at_kind, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_kind, 4, 1, VECSTORE_ERR_CORRUPT);
    check_forged(at_kind, 4, 2, VECSTORE_ERR_CORRUPT);
    check_forged(at_kind, 4, 3, VECSTORE_ERR_CORRUPT);
    check_forged(at_dim, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_dim, 4, 65537, VECSTORE_ERR_CORRUPT);
    check_forged(at_metric, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_metric, 4, 7, VECSTORE_ERR_CORRUPT);
    check_forged(at_dtype, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_dtype, 4, 7, VECSTORE_ERR_CORRUPT);
    check_forged(at_flags, 4, 4, VECSTORE_ERR_CORRUPT);
    check_forged(at_header_size, 4, 128, VECSTORE_ERR_CORRUPT);
    check_forged(at_section_count, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_section_count, 4, 64, VECSTORE_ERR_CORRUPT);
    check_forged(at_section_count, 4, 65, VECSTORE_ERR_CORRUPT);
    for (size_t at = at_unused; at < at_table_checksum; at += 4) {
        check_forged_kind(at, 4, 1, VECSTORE_ERR_CORRUPT, VECSTORE_KIND_FLAT);
    }
    for (size_t at = at_graph_unused; at < at_table_checksum; at += 4) check_forged(at, 4, 1, VECSTORE_ERR_CORRUPT);
    check_forged_kind(at_lists_unused, 4, 1, VECSTORE_ERR_CORRUPT, VECSTORE_KIND_IVF);
    for (int i = 0; i < 4; i++) {
        check_forged(at_dim, 4, large[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_metric, 4, large[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_dtype, 4, large[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_flags, 4, large[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_header_size, 4, large[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_section_count, 4, large[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_kind, 4, large[i], VECSTORE_ERR_CORRUPT);
    }
    for (int i = 0; i < 9; i++) {
        check_forged(at_count, 8, huge[i], VECSTORE_ERR_CORRUPT);
        check_forged(at_file_size, 8, huge[i], VECSTORE_ERR_CORRUPT);
    }
}

static void pairs_that_do_not_go_together_are_refused(void) {
    for (uint32_t metric = first_metric; metric <= last_metric; metric++) {
        for (uint32_t dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (vecstore_is_supported(metric, dtype)) continue;
            size_t size;
            unsigned char *bytes = save_shape(&shapes[3], test_path("file"), &size);
            put_u32(bytes, at_metric, metric);
            put_u32(bytes, at_dtype, dtype);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            check_damaged(test_path("file"), &shapes[3], true, VECSTORE_ERR_CORRUPT);
            free(bytes);
        }
    }
}

static void sections_elsewhere_are_refused(void) {
    static const uint64_t values[] = { 0, 1, 64, 128, 4096, (uint64_t)1 << 40, INT64_MAX, UINT64_MAX - 63, UINT64_MAX };
    for (size_t s = 0; s < shape_count; s++) {
        for (uint32_t kind = rows_section; kind < section_kinds; kind++) {
            for (size_t field = 8; field <= 16; field += 8) {
                for (int v = 0; v < 9; v++) {
                    size_t size;
                    unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
                    size_t entry = entry_of(bytes, kind);
                    if (entry && get_u64(bytes, entry + field) != values[v]) {
                        note("%s, section %u, field %zu is %llu", shapes[s].name, kind, field,
                             (unsigned long long)values[v]);
                        put_u64(bytes, entry + field, values[v]);
                        seal(bytes, size);
                        write_bytes(test_path("file"), bytes, size);
                        check_damaged(test_path("file"), &shapes[s], true, VECSTORE_ERR_CORRUPT);
                    }
                    free(bytes);
                    if (!entry) v = 9;
                }
            }
        }
    }
}

static void overlapping_and_missing_sections_are_refused(void) {
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
        uint32_t count = get_u32(bytes, at_section_count);
        REQUIRE(count >= 2);
        unsigned char *last = bytes + header_size + entry_size * (count - 1);
        /* The last section where the first one is. */
        unsigned char kept[8];
        memcpy(kept, last + 8, 8);
        memcpy(last + 8, bytes + header_size + 8, 8);
        if (memcmp(kept, last + 8, 8) != 0) {
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            note("%s, overlapping", shapes[s].name);
            check_damaged(test_path("file"), &shapes[s], true, VECSTORE_ERR_CORRUPT);
        }
        memcpy(last + 8, kept, 8);
        /* The last section under the name of the first one. */
        memcpy(kept, last, 4);
        memcpy(last, bytes + header_size, 4);
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        note("%s, twice", shapes[s].name);
        check_damaged(test_path("file"), &shapes[s], true, VECSTORE_ERR_CORRUPT);
        memcpy(last, kept, 4);
        /* No last section. */
        put_u32(bytes, at_section_count, count - 1);
        put_u32(bytes, at_header_size, header_size + entry_size * (count - 1));
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        note("%s, missing", shapes[s].name);
        check_damaged(test_path("file"), &shapes[s], true, VECSTORE_ERR_CORRUPT);
        free(bytes);
    }
}

/* Puts bytes into a section of a shape, seals the file, and opens it in every way. Openings that check all are refused;
 * the others must do no harm. */
static void check_forged_content(const shape *shape, uint32_t kind, size_t at, const void *bytes_in, size_t count) {
    size_t size, length;
    unsigned char *bytes = save_shape(shape, test_path("file"), &size), *content = content_of(bytes, kind, &length);
    REQUIRE(content && at + count <= length);
    memcpy(content + at, bytes_in, count);
    seal(bytes, size);
    write_bytes(test_path("file"), bytes, size);
    check_damaged(test_path("file"), shape, false, VECSTORE_ERR_CORRUPT);
    free(bytes);
}

static void forged_rows_do_no_harm(void) {
    static const unsigned char nan[4] = { 0, 0, 0xc0, 0x7f }, infinity[4] = { 0, 0, 0x80, 0xff };
    static const unsigned char large[4] = { 0xff, 0xff, 0x7f, 0x7f }, zeros[128] = { 0 }, beyond[1] = { 0xe0 };
    static const unsigned char half_nan[2] = { 0, 0x7e }, brain_infinity[2] = { 0x80, 0x7f };
    check_forged_content(&shapes[0], rows_section, 8, nan, 4);
    check_forged_content(&shapes[0], rows_section, 8, infinity, 4);
    check_forged_content(&shapes[0], rows_section, 8, large, 4);
    check_forged_content(&shapes[1], rows_section, 4 * 32, zeros, 4 * 32);
    check_forged_content(&shapes[1], rows_section, 4 * 33, nan, 4);
    check_forged_content(&shapes[2], rows_section, 2, half_nan, 2);
    check_forged_content(&shapes[3], rows_section, 2, brain_infinity, 2);
    check_forged_content(&shapes[4], rows_section, 5, zeros, 5);
    check_forged_content(&shapes[5], rows_section, 1, beyond, 1);
}

static void forged_ids_do_no_harm(void) {
    for (int s = 0; s < 6; s++) {
        unsigned char none[8], same[8];
        put_u64(none, 0, UINT64_MAX);
        put_u64(same, 0, id_of(&shapes[s], 1));
        note("%s", shapes[s].name);
        check_forged_content(&shapes[s], ids_section, 16, none, 8);
        check_forged_content(&shapes[s], ids_section, 16, same, 8);
    }
}

/* The order is only followed by a map; a load makes its own. */
static void check_forged_order(const shape *shape, const uint32_t *order) {
    size_t size, length;
    unsigned char *bytes = save_shape(shape, test_path("file"), &size);
    unsigned char *content = content_of(bytes, order_section, &length);
    REQUIRE(content && length == 4 * shape->n);
    for (size_t i = 0; i < shape->n; i++) put_u32(content, 4 * i, order[i]);
    seal(bytes, size);
    write_bytes(test_path("file"), bytes, size);
    for (size_t o = 0; o < opening_count; o++) {
        vecstore_index *index;
        vecstore_status status = vecstore_index_open(test_path("file"), &openings[o].options, &index);
        if (!openings[o].options.load && openings[o].checks_all) CHECK_EQ(status, VECSTORE_ERR_CORRUPT);
        if (status != VECSTORE_OK) continue;
        use(index, shape);
        if (openings[o].options.load) check_is(index, shape);
        else CHECK_ERROR(CORRUPT, vecstore_index_verify(index));
        vecstore_index_free(index);
    }
    free(bytes);
}

static void a_forged_order_of_ids_does_no_harm(void) {
    static const uint32_t firsts[] = { 0, 6, 7, 0x7fffffff, 0x80000000, UINT32_MAX };
    for (int i = 0; i < 6; i++) {
        for (uint32_t step = 0; step < 3; step++) {
            uint32_t order[7];
            for (uint32_t j = 0; j < 7; j++) order[j] = firsts[i] + step * j;
            check_forged_order(&shapes[1], order);
        }
    }
}

static void ids_that_do_not_ascend_as_promised_do_no_harm(void) {
    size_t size, length;
    unsigned char *bytes = save_shape(&shapes[0], test_path("file"), &size);
    unsigned char *ids = content_of(bytes, ids_section, &length);
    for (size_t i = 0; i < shapes[0].n; i++) put_u64(ids, 8 * i, 1000 - i);
    seal(bytes, size);
    write_bytes(test_path("file"), bytes, size);
    vecstore_open_options verified = VECSTORE_OPEN_OPTIONS_INIT;
    verified.verify = 2;
    vecstore_index *index;
    CHECK_ERROR(CORRUPT, vecstore_index_open(test_path("file"), &verified, &index));
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &index));
    use(index, &shapes[0]);
    vecstore_index_free(index);
    free(bytes);
}

static void graph_fields_that_cannot_be_are_refused(void) {
    static const uint64_t words[] = { 5, 0x7fffffff, 0x80000000, 0xffffffff };
    static const uint64_t longs[] = { 1000, 0x7fffffff, 0x80000000, (uint64_t)1 << 32, (uint64_t)1 << 40, INT64_MAX,
                                      (uint64_t)1 << 63, UINT64_MAX - 1 };
    const vecstore_kind graph = VECSTORE_KIND_HNSW;
    for (uint64_t m = 0; m < 2; m++) check_forged_kind(at_m, 4, m, VECSTORE_ERR_CORRUPT, graph);
    check_forged_kind(at_m, 4, 257, VECSTORE_ERR_CORRUPT, graph);
    for (int i = 0; i < 4; i++) {
        if (i > 0) check_forged_kind(at_m, 4, words[i], VECSTORE_ERR_CORRUPT, graph);
        check_forged_kind(at_storage, 4, words[i], VECSTORE_ERR_CORRUPT, graph);
        check_forged_kind(at_full_dtype, 4, words[i], VECSTORE_ERR_CORRUPT, graph);
    }
    /* The rows of these shapes are stored as they are: other storage, or rows beside them, need notes that say so. */
    for (uint64_t dtype = F32; dtype <= BITS; dtype++) {
        check_forged_kind(at_full_dtype, 4, dtype, VECSTORE_ERR_CORRUPT, graph);
    }
    check_forged_kind(at_storage, 4, VECSTORE_STORAGE_INT8, VECSTORE_ERR_CORRUPT, graph);
    check_forged_kind(at_storage, 4, VECSTORE_STORAGE_INT4, VECSTORE_ERR_CORRUPT, graph);
    check_forged_kind(at_storage, 4, VECSTORE_STORAGE_BF16, VECSTORE_ERR_CORRUPT, graph);
    for (int i = 0; i < 8; i++) {
        check_forged_kind(at_units, 8, longs[i], VECSTORE_ERR_CORRUPT, graph);
        check_forged_kind(at_entry, 8, longs[i] | 0x7fffffff, VECSTORE_ERR_CORRUPT, graph);
        check_forged_kind(at_root, 4, longs[i] & 0xfffffffe, VECSTORE_ERR_CORRUPT, graph);
    }
}

/* Puts a word into a section of each graph and opens it in every way. A slot that no row has is refused wherever every
 * byte is checked; any other word must do no harm. */
static void check_forged_word(uint32_t kind, size_t at, uint32_t value, bool is_slot) {
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (shapes[s].kind != VECSTORE_KIND_HNSW) continue;
        size_t size, length = 0;
        unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size), *content = content_of(bytes, kind, &length);
        note("%s, section %u, %#x at %zu", shapes[s].name, kind, value, at);
        if (content && at + 4 <= length && get_u32(content, at) != value) {
            put_u32(content, at, value);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            bool is_nowhere = is_slot && value != UINT32_MAX && (value & 0x7fffffff) >= shapes[s].n;
            if (is_nowhere) check_damaged(test_path("file"), &shapes[s], false, VECSTORE_ERR_CORRUPT);
            else check_harmless(test_path("file"), &shapes[s]);
        }
        free(bytes);
    }
}

static const uint32_t places[] = { 8, 9, 12, 29, 30, 31, 1000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000008,
                                   0x80000009, 0xfffffffe };
enum { place_count = sizeof places / sizeof *places };

static void forged_links_do_no_harm(void) {
    for (int p = 0; p < place_count; p++) {
        for (size_t at = 0; at < 40; at += 4) check_forged_word(links_section, at, places[p], true);
    }
}

static void forged_upper_links_do_no_harm(void) {
    for (int p = 0; p < place_count; p++) {
        for (size_t at = 0; at < 16; at += 4) check_forged_word(upper_section, at, places[p], true);
    }
}

static void forged_parents_do_no_harm(void) {
    for (int p = 0; p < place_count; p++) {
        for (size_t at = 0; at < 24; at += 4) check_forged_word(parents_section, at, places[p], true);
    }
}

static void forged_levels_and_their_places_do_no_harm(void) {
    static const uint32_t levels[] = { 0x01010101, 0x1f1f1f1f, 0x20202020, 0x7f7f7f7f, 0x80808080, 0xffffffff };
    for (int l = 0; l < 6; l++) {
        for (size_t at = 0; at < 32; at += 4) check_forged_word(levels_section, at, levels[l], false);
    }
    /* Places are only looked at for rows above level 0: give all of them a level as well. */
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (shapes[s].kind != VECSTORE_KIND_HNSW) continue;
        for (int p = 0; p < place_count; p++) {
            size_t size, length = 0, level_length = 0;
            unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
            unsigned char *content = content_of(bytes, places_section, &length);
            unsigned char *levels_content = content_of(bytes, levels_section, &level_length);
            note("%s, place %#x", shapes[s].name, places[p]);
            for (size_t at = 0; at + 4 <= length; at += 4) put_u32(content, at, places[p]);
            memset(levels_content, 3, level_length);
            put_u64(bytes, at_entry, get_u64(bytes, at_entry) | (uint64_t)3 << 32);
            if (length > 0) {
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                check_damaged(test_path("file"), &shapes[s], false, VECSTORE_ERR_CORRUPT);
            }
            free(bytes);
        }
    }
}

static void a_forged_entry_or_root_does_no_harm(void) {
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (shapes[s].kind != VECSTORE_KIND_HNSW || shapes[s].n == 0) continue;
        for (uint64_t slot = 0; slot < shapes[s].n; slot += 5) {
            for (uint64_t level = 0; level < 32; level += 7) {
                for (int field = 0; field < 2; field++) {
                    size_t size;
                    unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
                    uint64_t old_entry = get_u64(bytes, at_entry);
                    uint32_t old_root = get_u32(bytes, at_root);
                    if (field == 0) put_u64(bytes, at_entry, level << 32 | slot);
                    else put_u32(bytes, at_root, (uint32_t)slot);
                    note("%s, entry or root %u on level %u", shapes[s].name, (unsigned)slot, (unsigned)level);
                    if (get_u64(bytes, at_entry) != old_entry || get_u32(bytes, at_root) != old_root) {
                        seal(bytes, size);
                        write_bytes(test_path("file"), bytes, size);
                        check_harmless(test_path("file"), &shapes[s]);
                    }
                    free(bytes);
                }
            }
        }
    }
}

static void a_tree_that_goes_in_circles_does_no_harm(void) {
    /* Every list of a graph of m 2 full of links that say: this list keeps that row; and parents to match. Who takes such
     * a row out and looks for a list with room for its children would never find one. */
    const shape *shape = NULL;
    for (size_t s = 0; s < shape_count; s++) {
        if (shapes[s].kind == VECSTORE_KIND_HNSW && shapes[s].m == 2) shape = &shapes[s];
    }
    REQUIRE(shape && shape->n % 5 == 0);
    size_t size, links_length, parents_length;
    unsigned char *bytes = save_shape(shape, test_path("file"), &size);
    unsigned char *links = content_of(bytes, links_section, &links_length);
    unsigned char *parents = content_of(bytes, parents_section, &parents_length);
    REQUIRE(links_length == 16 * shape->n && parents_length == 4 * shape->n);
    const uint32_t tree_bit = 0x80000000, n = (uint32_t)shape->n;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < 4; j++) {
            uint32_t child = (i * 4 + j + 1) % n;
            put_u32(links, 16 * i + 4 * j, child | tree_bit);
            put_u32(parents, 4 * child, i);
        }
    }
    seal(bytes, size);
    write_bytes(test_path("file"), bytes, size);
    check_damaged(test_path("file"), shape, false, VECSTORE_ERR_CORRUPT);
    free(bytes);
}

static void forged_notes_do_no_harm(void) {
    static const uint32_t values[] = { 0, 1, 4, 5, 6, 0x100001, 0x7fc00000, 0xffc00000, 0x7f800000, 0xbf800000,
                                       0x7fffffff, 0xffffffff };
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (shapes[s].kind != VECSTORE_KIND_HNSW) continue;
        size_t size, length;
        unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
        unsigned char *notes = content_of(bytes, notes_section, &length);
        REQUIRE(notes && length == notes_size);
        /* The first of the landmarks too. */
        for (size_t at = 0; at <= note_landmarks; at = at + 4 == note_unused ? note_landmarks : at + 4) {
            const uint64_t before = get_u64(notes, at);
            for (int v = 0; v < 12; v++) {
                put_u32(notes, at, values[v]);
                /* A number of 64 bits near its end. */
                if (at == note_insertions && values[v] == 0xffffffff) put_u32(notes, at + 4, values[v]);
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                note("%s, %#x at %zu of the notes", shapes[s].name, values[v], at);
                check_harmless(test_path("file"), &shapes[s]);
                put_u64(notes, at, before);
            }
        }
        free(bytes);
    }
}

static void forged_norms_and_codes_do_no_harm(void) {
    static const uint64_t patterns[] = { 0, 0x7ff8000000000000, 0x7fc000007fc00000, 0xff800000ff800000,
                                         0x7ff0000000000000, 0x7f7fffff7f7fffff, 0xbf800000bf800000, UINT64_MAX };
    for (size_t s = 0; s < shape_count; s++) {
        for (uint32_t kind = squares_section; kind < section_kinds; kind++) {
            for (int p = 0; p < 8; p++) {
                size_t size, length = 0;
                unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
                unsigned char *content = content_of(bytes, kind, &length);
                for (size_t i = 0; i + 8 <= length; i += 8) put_u64(content, i, patterns[p]);
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                note("%s, section %u, pattern %d", shapes[s].name, kind, p);
                for (size_t o = 0; o < opening_count && length > 0; o++) {
                    vecstore_index *index = NULL;
                    vecstore_index_open(test_path("file"), &openings[o].options, &index);
                    if (index) use(index, &shapes[s]);
                    vecstore_index_free(index);
                }
                free(bytes);
            }
        }
    }
}

static void fields_of_lists_that_cannot_be_are_refused(void) {
    static const uint64_t words[] = { 1 << 20, (1 << 20) + 1, 0x7fffffff, 0x80000000, 0xffffffff };
    static const uint64_t longs[] = { 0, 1000, 0x7fffffff, (uint64_t)1 << 32, (uint64_t)1 << 58, INT64_MAX,
                                      (uint64_t)1 << 63, UINT64_MAX };
    const vecstore_kind lists = VECSTORE_KIND_IVF;
    for (int i = 0; i < 5; i++) {
        check_forged_kind(at_nlist, 4, words[i], VECSTORE_ERR_CORRUPT, lists);
        check_forged_kind(at_storage, 4, words[i], VECSTORE_ERR_CORRUPT, lists);
        check_forged_kind(at_row_dtype, 4, words[i], VECSTORE_ERR_CORRUPT, lists);
        check_forged_kind(at_assignments, 4, words[i], VECSTORE_ERR_CORRUPT, lists);
        check_forged_kind(at_numbers, 4, words[i], VECSTORE_ERR_CORRUPT, lists);
    }
    for (uint64_t value = 0; value <= 4; value++) {
        if (value != 1) check_forged_kind(at_nlist, 4, value, VECSTORE_ERR_CORRUPT, lists);
        /* Lists that are not trained go with any number that is allowed. */
        if (value != 1 && value != 2) check_forged_kind(at_assignments, 4, value, VECSTORE_ERR_CORRUPT, lists);
        check_forged_kind(at_numbers, 4, value, VECSTORE_ERR_CORRUPT, lists);
    }
    for (uint64_t dtype = 0; dtype <= BITS; dtype++) check_forged_kind(at_row_dtype, 4, dtype, VECSTORE_ERR_CORRUPT, lists);
    for (uint64_t storage = VECSTORE_STORAGE_INT8; storage <= VECSTORE_STORAGE_BINARY + 1; storage++) {
        check_forged_kind(at_storage, 4, storage, VECSTORE_ERR_CORRUPT, lists);
    }
    /* Numbers that are bytes, and a rotation, where there are none. */
    static const uint64_t flags[] = { 2, 4, 9, 16, 17, 24, 25, 32 };
    for (int i = 0; i < 8; i++) check_forged_kind(at_flags, 4, flags[i], VECSTORE_ERR_CORRUPT, lists);
    for (int i = 0; i < 8; i++) check_forged_kind(at_blocks, 8, longs[i], VECSTORE_ERR_CORRUPT, lists);
}

/* Puts a word into a section of each inverted file and opens it in every way: any word must do no harm. */
static void check_forged_lists(uint32_t kind, size_t at, uint32_t value) {
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (shapes[s].kind != VECSTORE_KIND_IVF) continue;
        size_t size, length = 0;
        unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size), *content = content_of(bytes, kind, &length);
        note("%s, section %u, %#x at %zu", shapes[s].name, kind, value, at);
        if (content && at + 4 <= length && get_u32(content, at) != value) {
            put_u32(content, at, value);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            check_harmless(test_path("file"), &shapes[s]);
        }
        free(bytes);
    }
}

static const uint32_t odd_words[] = { 0, 1, 2, 3, 8, 31, 40, 1000, 0x7f7fffff, 0x5f000000, 0x7f800000, 0x7fc00000,
                                      0xff7fffff, 0x80000000, 0xfffffffe, 0xffffffff };
enum { odd_word_count = sizeof odd_words / sizeof *odd_words };

static void forged_notes_of_lists_do_no_harm(void) {
    for (int w = 0; w < odd_word_count; w++) {
        for (size_t at = 0; at <= list_note_unused; at += 4) check_forged_lists(list_notes_section, at, odd_words[w]);
    }
}

static void forged_counts_homes_and_numbers_of_lists_do_no_harm(void) {
    for (int w = 0; w < odd_word_count; w++) {
        for (size_t at = 0; at < 24; at += 4) {
            check_forged_lists(list_counts_section, at, odd_words[w]);
            check_forged_lists(homes_section, at, odd_words[w]);
            check_forged_lists(list_numbers_section, at, odd_words[w]);
            check_forged_lists(centroids_section, at, odd_words[w]);
            check_forged_lists(codebooks_section, at, odd_words[w]);
        }
    }
}

static void forged_blocks_of_lists_do_no_harm(void) {
    /* Slots alone, or codes of one group or two, offsets, factors and slots: a word of each. */
    static const size_t places_in_blocks[] = { 0, 4, 60, 64, 68, 100, 128, 132, 192, 196, 256, 260, 320, 324, 384, 388, 452 };
    for (int w = 0; w < odd_word_count; w++) {
        for (int p = 0; p < 17; p++) check_forged_lists(list_blocks_section, places_in_blocks[p], odd_words[w]);
    }
}

static void lists_that_name_one_row_only_do_no_harm(void) {
    /* All homes one list, and all blocks full of one slot. */
    static const uint32_t slots[] = { 0, 5, 0xffffffff };
    for (size_t s = 0; s < shape_count && is_passing(); s++) {
        if (shapes[s].kind != VECSTORE_KIND_IVF || shapes[s].n == 0) continue;
        for (int v = 0; v < 3; v++) {
            for (int sections = 1; sections < 4; sections++) {
                size_t size, length;
                unsigned char *bytes = save_shape(&shapes[s], test_path("file"), &size);
                unsigned char *homes = content_of(bytes, homes_section, &length);
                for (size_t i = 0; sections & 1 && i < length; i += 4) put_u32(homes, i, slots[v]);
                unsigned char *blocks = content_of(bytes, list_blocks_section, &length);
                for (size_t i = 0; sections & 2 && i < length; i += 4) put_u32(blocks, i, slots[v]);
                seal(bytes, size);
                write_bytes(test_path("file"), bytes, size);
                note("%s, %#x, sections %d", shapes[s].name, slots[v], sections);
                check_damaged(test_path("file"), &shapes[s], false, VECSTORE_ERR_CORRUPT);
                free(bytes);
            }
        }
    }
}

static void any_forged_next_id_does_no_harm(void) {
    static const uint64_t values[] = { 0, 1, UINT64_MAX - 1, UINT64_MAX };
    vecstore_open_options load = VECSTORE_OPEN_OPTIONS_INIT;
    load.load = 1;
    for (int v = 0; v < 4; v++) {
        size_t size;
        unsigned char *bytes = save_shape(&shapes[5], test_path("file"), &size);
        put_u64(bytes, at_next_id, values[v]);
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        vecstore_index *index = NULL;
        vecstore_status status = vecstore_index_open(test_path("file"), &load, &index);
        if (status == VECSTORE_OK) {
            /* An id is assigned that no row has, or none is left. */
            const unsigned char row[2] = { 1, 0 };
            status = vecstore_index_add(index, row, BITS, 1, NULL, NULL, NULL);
            CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_TOO_LARGE);
            CHECK_OK(vecstore_index_verify(index));
        }
        vecstore_index_free(index);
        free(bytes);
    }
}

static void random_forgeries_do_no_harm(void) {
    uint64_t state = 6;
    for (int round = 0; round < 2500 && is_passing(); round++) {
        const shape *shape = &shapes[random_below(&state, shape_count)];
        size_t size;
        unsigned char *bytes = save_shape(shape, test_path("file"), &size);
        size_t changes = 1 + random_below(&state, 4);
        note("round %d, %s", round, shape->name);
        for (size_t c = 0; c < changes; c++) {
            /* A small number, a random one, or one bit, somewhere in the header, the table or anywhere. */
            static const size_t ends[] = { at_table_checksum, 300, SIZE_MAX };
            size_t end = ends[random_below(&state, 3)];
            size_t at = 8 + random_below(&state, (end < size ? end : size) - 12) / 4 * 4;
            switch (random_below(&state, 3)) {
            case 0: put_u32(bytes, at, (uint32_t)random_below(&state, 10)); break;
            case 1: put_u32(bytes, at, (uint32_t)random_bits(&state)); break;
            default: bytes[at] ^= (unsigned char)(1 << random_below(&state, 8)); break;
            }
        }
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        for (size_t o = 0; o < opening_count; o++) {
            vecstore_index *index = NULL;
            vecstore_status status = vecstore_index_open(test_path("file"), &openings[o].options, &index);
            CHECK(status != VECSTORE_ERR_INTERNAL);
            vecstore_index_stats stats = index ? stats_of(index) : (vecstore_index_stats){ 0 };
            /* Where the forgery made another shape, use() has no queries for it. */
            if (index && stats.dim == shape->dim && stats.dtype == shape->dtype) use(index, shape);
            vecstore_index_free(index);
        }
        free(bytes);
    }
}

static void a_forged_file_of_the_most_rows_does_no_harm(void) {
    /* A file with holes: 38 GB of zeros that take no room on the disk. */
    const shape bits = { .name = "bits of dim 1", .metric = HAMMING, .dtype = BITS, .dim = 1, .n = 1, .ids_ascend = true };
    const uint64_t count = 4294967294, rows_at = header_size + 2 * entry_size;
    const uint64_t ids_at = (rows_at + count + 63) / 64 * 64, size = ids_at + 8 * count;
    size_t small_size;
    unsigned char *bytes = save_shape(&bits, test_path("file"), &small_size);
    REQUIRE(entry_of(bytes, rows_section) == header_size && get_u64(bytes, header_size + 8) == rows_at);
    REQUIRE(entry_of(bytes, ids_section) == header_size + entry_size);
    put_u64(bytes, at_file_size, size);
    put_u64(bytes, at_count, count);
    put_u64(bytes, header_size + 16, count);
    put_u64(bytes, header_size + entry_size + 8, ids_at);
    put_u64(bytes, header_size + entry_size + 16, 8 * count);
    seal(bytes, rows_at);
    write_bytes(test_path("file"), bytes, rows_at);
    free(bytes);
    REQUIRE(truncate(test_path("file"), (off_t)size) == 0);
    vecstore_index *index;
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &index));
    CHECK_EQ(count_of(index), count);
    const uint64_t ids[2] = { 0, 1 };
    uint8_t found[2];
    CHECK_OK(vecstore_index_contains(index, ids, 2, found));
    vecstore_index_free(index);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(newer_formats_are_refused_by_name),
        TEST(fields_that_cannot_be_are_refused),
        TEST(pairs_that_do_not_go_together_are_refused),
        TEST(sections_elsewhere_are_refused),
        TEST(overlapping_and_missing_sections_are_refused),
        TEST(forged_rows_do_no_harm),
        TEST(forged_ids_do_no_harm),
        TEST(a_forged_order_of_ids_does_no_harm),
        TEST(ids_that_do_not_ascend_as_promised_do_no_harm),
        TEST(graph_fields_that_cannot_be_are_refused),
        TEST(forged_links_do_no_harm),
        TEST(forged_upper_links_do_no_harm),
        TEST(forged_parents_do_no_harm),
        TEST(forged_levels_and_their_places_do_no_harm),
        TEST(a_forged_entry_or_root_does_no_harm),
        TEST(a_tree_that_goes_in_circles_does_no_harm),
        TEST(forged_notes_do_no_harm),
        TEST(forged_norms_and_codes_do_no_harm),
        TEST(fields_of_lists_that_cannot_be_are_refused),
        TEST(forged_notes_of_lists_do_no_harm),
        TEST(forged_counts_homes_and_numbers_of_lists_do_no_harm),
        TEST(forged_blocks_of_lists_do_no_harm),
        TEST(lists_that_name_one_row_only_do_no_harm),
        TEST(any_forged_next_id_does_no_harm),
        TEST(random_forgeries_do_no_harm),
        TEST(a_forged_file_of_the_most_rows_does_no_harm),
    };
    return RUN_TESTS(tests);
}
