/*
 * Damaged files are refused, or do no harm where not every byte is checked.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_file_cut_anywhere_is_refused(void) {
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        const char *path = test_path("file");
        free(save_shape(&shapes[s], path, &size));
        /* Every length there is: section boundaries and their neighbours among them. */
        while (size-- > 0 && is_passing()) {
            note("%s, %zu bytes", shapes[s].name, size);
            REQUIRE(truncate(path, (off_t)size) == 0);
            check_damaged(path, &shapes[s], true, VECSTORE_ERR_CORRUPT);
        }
    }
}

static void a_file_with_more_bytes_is_refused(void) {
    static const size_t more[] = { 1, 7, 63, 64, 4096, 1 << 20 };
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        free(save_shape(&shapes[s], test_path("file"), &size));
        for (int m = 0; m < 6; m++) {
            note("%s, %zu bytes more", shapes[s].name, more[m]);
            REQUIRE(truncate(test_path("file"), (off_t)(size + more[m])) == 0);
            check_damaged(test_path("file"), &shapes[s], true, VECSTORE_ERR_CORRUPT);
        }
    }
}

static void put_byte(int file, size_t at, unsigned char byte) { REQUIRE(pwrite(file, &byte, 1, (off_t)at) == 1); }

static void a_bit_flipped_in_header_or_table_is_always_noticed(void) {
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        const char *path = test_path("file");
        unsigned char *bytes = save_shape(&shapes[s], path, &size);
        int file = open(path, O_WRONLY);
        size_t end = header_size + entry_size * get_u32(bytes, at_section_count);
        for (size_t at = 0; at < end && is_passing(); at++) {
            for (int bit = 0; bit < 8; bit++) {
                note("%s, bit %d of byte %zu", shapes[s].name, bit, at);
                put_byte(file, at, bytes[at] ^ (unsigned char)(1 << bit));
                check_damaged(path, &shapes[s], true, VECSTORE_ERR_CORRUPT);
            }
            put_byte(file, at, bytes[at]);
        }
        close(file);
        free(bytes);
    }
}

static void any_other_byte_flipped_is_noticed_where_all_are_checked(void) {
    uint64_t state = 3;
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        const char *path = test_path("file");
        unsigned char *bytes = save_shape(&shapes[s], path, &size);
        int file = open(path, O_WRONLY);
        size_t end = header_size + entry_size * get_u32(bytes, at_section_count);
        for (size_t at = end; at < size && is_passing(); at++) {
            unsigned char change = at % 2 ? 0xff : (unsigned char)(1 << random_below(&state, 8));
            note("%s, byte %zu xor %#x", shapes[s].name, at, change);
            put_byte(file, at, bytes[at] ^ change);
            /* A third of the ways to open it: all of them for every byte take minutes. */
            for (size_t o = random_below(&state, 3); o < opening_count; o += 3) {
                check_damaged_opening(path, &shapes[s], o, false, VECSTORE_ERR_CORRUPT);
            }
            put_byte(file, at, bytes[at]);
        }
        close(file);
        free(bytes);
    }
}

static void verify_notices_what_a_quick_opening_does_not(void) {
    size_t size, length;
    unsigned char *bytes = save_shape(&shapes[0], test_path("file"), &size);
    content_of(bytes, rows_section, &length)[5] ^= 1;
    write_bytes(test_path("file"), bytes, size);
    vecstore_index *index;
    REQUIRE_OK(vecstore_index_open(test_path("file"), NULL, &index));
    CHECK_ERROR(CORRUPT, vecstore_index_verify(index));
    CHECK(strstr(vecstore_last_error(), "checksum"));
    vecstore_index_free(index);
    free(bytes);
}

static void sections_that_are_swapped_are_refused(void) {
    /* Two sections of the same size: only their content tells. */
    size_t size, length, other_length;
    unsigned char *bytes = save_shape(&shapes[0], test_path("file"), &size);
    unsigned char *scale = content_of(bytes, scale_section, &length);
    unsigned char *error = content_of(bytes, error_section, &other_length), kept[64];
    REQUIRE(scale && error && length == other_length && length <= sizeof kept);
    memcpy(kept, scale, length);
    memcpy(scale, error, length);
    memcpy(error, kept, length);
    write_bytes(test_path("file"), bytes, size);
    check_damaged(test_path("file"), &shapes[0], false, VECSTORE_ERR_CORRUPT);

    /* Their entries in the table, sealed anew. */
    free(bytes);
    bytes = save_shape(&shapes[0], test_path("file"), &size);
    unsigned char *first = bytes + entry_of(bytes, scale_section), *second = bytes + entry_of(bytes, error_section);
    memcpy(kept, first, entry_size);
    memcpy(first, second, entry_size);
    memcpy(second, kept, entry_size);
    seal(bytes, size);
    write_bytes(test_path("file"), bytes, size);
    check_damaged(test_path("file"), &shapes[0], true, VECSTORE_ERR_CORRUPT);
    free(bytes);
}

static void garbage_is_refused(void) {
    static const size_t sizes[] = { 0, 1, 7, 8, 64, 127, 128, 129, 160, 1000, 4095, 4096, 4097, 100000 };
    static unsigned char bytes[100000];
    uint64_t state = 4;
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (size_t b = 0; b < sizes[i]; b++) bytes[b] = (unsigned char)(kind == 0 ? 0 : random_bits(&state));
            if (kind >= 2) memcpy(bytes, "VECSTORE", sizes[i] < 8 ? sizes[i] : 8);
            if (kind == 3 && sizes[i] >= header_size) seal(bytes, sizes[i]);
            write_bytes(test_path("file"), bytes, sizes[i]);
            note("%zu bytes of kind %d", sizes[i], kind);
            check_damaged(test_path("file"), &shapes[0], true, VECSTORE_ERR_CORRUPT);
        }
    }
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_file_cut_anywhere_is_refused),
        TEST(a_file_with_more_bytes_is_refused),
        TEST(a_bit_flipped_in_header_or_table_is_always_noticed),
        TEST(any_other_byte_flipped_is_noticed_where_all_are_checked),
        TEST(verify_notices_what_a_quick_opening_does_not),
        TEST(sections_that_are_swapped_are_refused),
        TEST(garbage_is_refused),
    };
    return RUN_TESTS(tests);
}
