/*
 * Files of quantizers: saved and opened, damaged and forged.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "files.h"
#include "harness.h"
#include "vectors.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIM = 12, ROWS = 80, NQ = 3 };

#define DESIGN(kind, bits, pq_m, rotation, uniform, quantile, seed)                                                    \
    { (uint32_t)sizeof(vecstore_quantizer_options), VECSTORE_QUANTIZER_##kind, DIM, bits, pq_m, rotation, uniform,     \
      quantile, seed }
/* Together they have every kind of section that a file of a quantizer can have. */
static const struct design {
    const char *name;
    vecstore_quantizer_options options;
    uint32_t bits; /* where the options leave it to the library */
} designs[] = {
    { "scalar", DESIGN(SCALAR, 0, 0, 0, 0, 0, 0), 8 },
    { "scalar of 4 bits, uniform", DESIGN(SCALAR, 4, 0, 0, 1, 0.01f, 0), 4 },
    { "product", DESIGN(PRODUCT, 4, 3, 0, 0, 0, 77), 4 },
    { "product of 8 bits", DESIGN(PRODUCT, 0, 5, 0, 0, 0, 0), 8 },
    { "product, rotated", DESIGN(PRODUCT, 5, 4, VECSTORE_ROTATION_OPQ, 0, 0, 3), 5 },
    { "binary", DESIGN(BINARY, 0, 0, 0, 0, 0, UINT64_MAX), 1 },
    { "binary of 5 bits", DESIGN(BINARY, 5, 0, 0, 0, 0, 0), 5 },
};
enum { design_count = sizeof designs / sizeof *designs };

static vecstore_quantizer *create(const struct design *design) {
    vecstore_quantizer *quantizer;
    REQUIRE_OK(vecstore_quantizer_create(&design->options, &quantizer));
    return quantizer;
}

static vecstore_quantizer *trained(const struct design *design, uint64_t seed) {
    vecstore_quantizer *quantizer = create(design);
    float *rows = clustered_vectors(DIM, ROWS, seed);
    REQUIRE_OK(vecstore_quantizer_train(quantizer, rows, F32, ROWS, NULL));
    free(rows);
    return quantizer;
}

static void save(const vecstore_quantizer *quantizer, const char *path) {
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    REQUIRE_OK(vecstore_quantizer_save(quantizer, path, &options));
}

static vecstore_quantizer *open_quantizer(const char *path) {
    vecstore_quantizer *quantizer;
    REQUIRE_OK(vecstore_quantizer_open(path, &quantizer));
    return quantizer;
}

/* The bytes of the file of a trained quantizer, for free(). */
static unsigned char *save_design(const struct design *design, const char *path, size_t *size) {
    vecstore_quantizer *quantizer = trained(design, 1);
    save(quantizer, path);
    vecstore_quantizer_free(quantizer);
    return read_bytes(path, size);
}

/* Everything that a quantizer makes of some vectors. */
typedef struct outcome {
    size_t code_size;
    uint8_t codes[ROWS * 64];
    float decoded[ROWS * DIM];
    float distances[2][NQ * ROWS];
    vecstore_quantizer_loss loss;
} outcome;

static vecstore_status run(const vecstore_quantizer *quantizer, const float *rows, outcome *out) {
    memset(out, 0, sizeof *out);
    vecstore_status status = vecstore_quantizer_code_size(quantizer, &out->code_size);
    if (status == VECSTORE_OK && out->code_size > 64) return VECSTORE_ERR_TOO_LARGE;
    if (status == VECSTORE_OK) status = vecstore_quantizer_encode(quantizer, rows, F32, ROWS, 2, out->codes);
    if (status == VECSTORE_OK) status = vecstore_quantizer_decode(quantizer, out->codes, ROWS, 2, out->decoded);
    for (int m = 0; m < 2 && status == VECSTORE_OK; m++) {
        status = vecstore_quantizer_distances(
            quantizer, rows, F32, NQ, out->codes, ROWS, m == 0 ? L2SQ : IP, 2, out->distances[m]);
    }
    out->loss = (vecstore_quantizer_loss)VECSTORE_QUANTIZER_LOSS_INIT;
    if (status == VECSTORE_OK) status = vecstore_quantizer_measure(quantizer, rows, F32, ROWS, 2, &out->loss);
    return status;
}

static void check_same(const vecstore_quantizer *a, const vecstore_quantizer *b) {
    static outcome first, second;
    float *rows = clustered_vectors(DIM, ROWS, 9);
    CHECK_OK(run(a, rows, &first));
    CHECK_OK(run(b, rows, &second));
    CHECK(memcmp(&first, &second, sizeof first) == 0);
    free(rows);
}

/* ---- what comes out ---- */

static void an_opened_quantizer_makes_the_same_codes_vectors_and_distances(void) {
    for (int d = 0; d < design_count; d++) {
        note("%s", designs[d].name);
        vecstore_quantizer *quantizer = trained(&designs[d], 1);
        save(quantizer, test_path("file"));
        vecstore_quantizer *opened = open_quantizer(test_path("file"));
        bool is_trained = false;
        CHECK_OK(vecstore_quantizer_is_trained(opened, &is_trained));
        CHECK(is_trained);
        check_same(quantizer, opened);
        /* The file is not needed any more, nor is the first one. */
        REQUIRE(unlink(test_path("file")) == 0);
        save(opened, test_path("again"));
        vecstore_quantizer *again = open_quantizer(test_path("again"));
        check_same(quantizer, again);
        vecstore_quantizer_free(quantizer);
        check_same(opened, again);
        vecstore_quantizer_free(opened);
        vecstore_quantizer_free(again);
    }
}

static void options_are_those_it_was_made_with_and_defaults_are_resolved(void) {
    for (int d = 0; d < design_count; d++) {
        note("%s", designs[d].name);
        vecstore_quantizer_options want = designs[d].options, got = VECSTORE_QUANTIZER_OPTIONS_INIT;
        want.bits = designs[d].bits;
        /* Before it is trained, and from its file. */
        vecstore_quantizer *quantizer = create(&designs[d]);
        REQUIRE_OK(vecstore_quantizer_get_options(quantizer, &got));
        CHECK(memcmp(&got, &want, sizeof want) == 0);
        vecstore_quantizer_free(quantizer);
        quantizer = trained(&designs[d], 1);
        save(quantizer, test_path("file"));
        vecstore_quantizer *opened = open_quantizer(test_path("file"));
        got = (vecstore_quantizer_options)VECSTORE_QUANTIZER_OPTIONS_INIT;
        REQUIRE_OK(vecstore_quantizer_get_options(opened, &got));
        CHECK(memcmp(&got, &want, sizeof want) == 0);
        /* Another one that is made of them is the same. */
        vecstore_quantizer *twin;
        REQUIRE_OK(vecstore_quantizer_create(&got, &twin));
        float *rows = clustered_vectors(DIM, ROWS, 1);
        REQUIRE_OK(vecstore_quantizer_train(twin, rows, F32, ROWS, NULL));
        check_same(opened, twin);
        free(rows);
        vecstore_quantizer_free(twin);
        vecstore_quantizer_free(opened);
        vecstore_quantizer_free(quantizer);
    }
}

static void options_are_filled_in_up_to_the_size_of_the_caller(void) {
    vecstore_quantizer *quantizer = create(&designs[2]);
    struct { vecstore_quantizer_options options; unsigned char more[32]; } wide;
    for (uint32_t size = 0; size <= sizeof wide; size += 4) {
        memset(&wide, 0xee, sizeof wide);
        wide.options.struct_size = size;
        vecstore_status status = vecstore_quantizer_get_options(quantizer, &wide.options);
        CHECK_EQ(wide.options.struct_size, size);
        if (size < sizeof wide.options) {
            CHECK_EQ(status, VECSTORE_ERR_INVALID_ARGUMENT);
            continue;
        }
        CHECK_EQ(status, VECSTORE_OK);
        CHECK_EQ(wide.options.pq_m, 3);
        CHECK_EQ(wide.options.seed, 77);
        for (uint32_t i = 0; i < sizeof wide.more; i++) {
            CHECK_EQ(wide.more[i], i < size - sizeof wide.options ? 0 : 0xee);
        }
    }
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_get_options(quantizer, NULL));
    vecstore_quantizer_free(quantizer);
}

static void an_opened_quantizer_is_trained_anew_as_if_it_were_new(void) {
    float *rows = clustered_vectors(DIM, ROWS, 2);
    for (int d = 0; d < design_count; d++) {
        note("%s", designs[d].name);
        vecstore_quantizer *quantizer = trained(&designs[d], 1), *other = trained(&designs[d], 2);
        save(quantizer, test_path("file"));
        vecstore_quantizer *opened = open_quantizer(test_path("file"));
        REQUIRE_OK(vecstore_quantizer_train(opened, rows, F32, ROWS, NULL));
        check_same(opened, other);
        vecstore_quantizer_free(opened);
        vecstore_quantizer_free(other);
        vecstore_quantizer_free(quantizer);
    }
    free(rows);
}

/* ---- what is refused ---- */

static void what_is_not_trained_is_not_saved(void) {
    size_t size, after;
    unsigned char *bytes = save_design(&designs[0], test_path("file"), &size);
    vecstore_quantizer *quantizer = create(&designs[2]);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, test_path("file"), NULL));
    CHECK(strstr(vecstore_last_error(), "not trained"));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, test_path("other"), NULL));
    CHECK(access(test_path("other"), F_OK) != 0);
    unsigned char *now = read_bytes(test_path("file"), &after);
    CHECK(after == size && memcmp(now, bytes, size) == 0);
    vecstore_quantizer_free(quantizer);
    free(bytes);
    free(now);
}

static void bad_arguments_are_refused(void) {
    vecstore_quantizer *quantizer = trained(&designs[0], 1), *opened = (vecstore_quantizer *)1;
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, "", NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, test_directory(), NULL));
    CHECK_ERROR(NOT_FOUND, vecstore_quantizer_save(quantizer, test_path("none/file"), NULL));
    options.no_sync = 2;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, test_path("file"), &options));
    options.struct_size = 3;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_save(quantizer, test_path("file"), &options));
    CHECK(access(test_path("file"), F_OK) != 0);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_open(NULL, &opened));
    CHECK(opened == NULL);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_open(test_path("file"), NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_open("\xff\xfe", &opened));
    opened = (vecstore_quantizer *)1;
    CHECK_ERROR(NOT_FOUND, vecstore_quantizer_open(test_path("file"), &opened));
    CHECK(opened == NULL);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_open(test_directory(), &opened));
    REQUIRE(mkfifo(test_path("pipe"), 0600) == 0);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_open(test_path("pipe"), &opened));
    vecstore_quantizer_free(quantizer);
}

static void an_index_is_no_quantizer_and_a_quantizer_no_index(void) {
    static const char *const kinds[] = { "flat", "hnsw", "ivf" };
    for (size_t s = 0; s < shape_count; s++) {
        size_t size;
        char what[64];
        free(save_shape(&shapes[s], test_path("index"), &size));
        vecstore_quantizer *opened = (vecstore_quantizer *)1;
        note("%s", shapes[s].name);
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_open(test_path("index"), &opened));
        CHECK(opened == NULL);
        snprintf(what, sizeof what, "an index (%s, dim %u, %zu rows)",
                 kinds[shapes[s].kind ? shapes[s].kind - 1 : 0], shapes[s].dim, shapes[s].n);
        CHECK(strstr(vecstore_last_error(), what));
    }
    for (int d = 0; d < design_count; d++) {
        size_t size;
        free(save_design(&designs[d], test_path("file"), &size));
        for (size_t o = 0; o < opening_count; o++) {
            vecstore_index *index = (vecstore_index *)1;
            note("%s, %s", designs[d].name, openings[o].name);
            CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_open(test_path("file"), &openings[o].options, &index));
            CHECK(index == NULL);
            CHECK(strstr(vecstore_last_error(), "a quantizer ("));
        }
    }
}

/* ---- damage ---- */

static void check_refused(const char *path, vecstore_status expected) {
    vecstore_quantizer *opened = (vecstore_quantizer *)1;
    check_status(vecstore_quantizer_open(path, &opened), expected, __FILE__, __LINE__, "vecstore_quantizer_open");
    CHECK(opened == NULL);
    vecstore_index *index = NULL;
    CHECK_EQ(vecstore_index_open(path, NULL, &index) == VECSTORE_OK, false);
}

static void a_file_cut_anywhere_is_refused(void) {
    for (int d = 0; d < design_count; d++) {
        size_t size;
        free(save_design(&designs[d], test_path("file"), &size));
        while (size-- > 0 && is_passing()) {
            note("%s, %zu bytes", designs[d].name, size);
            REQUIRE(truncate(test_path("file"), (off_t)size) == 0);
            check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
        }
    }
}

static void a_file_with_more_bytes_is_refused(void) {
    static const size_t more[] = { 1, 63, 64, 1 << 20 };
    for (int d = 0; d < design_count; d++) {
        size_t size;
        free(save_design(&designs[d], test_path("file"), &size));
        for (int m = 0; m < 4; m++) {
            note("%s, %zu bytes more", designs[d].name, more[m]);
            REQUIRE(truncate(test_path("file"), (off_t)(size + more[m])) == 0);
            check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
        }
    }
}

static void a_bit_flipped_anywhere_is_noticed(void) {
    for (int d = 0; d < design_count; d++) {
        size_t size;
        unsigned char *bytes = save_design(&designs[d], test_path("file"), &size);
        int file = open(test_path("file"), O_WRONLY);
        for (size_t at = 0; at < size && is_passing(); at++) {
            for (int bit = at < 256 ? 0 : (int)(at % 8); bit < (at < 256 ? 8 : (int)(at % 8) + 1); bit++) {
                note("%s, bit %d of byte %zu", designs[d].name, bit, at);
                const unsigned char changed = bytes[at] ^ (unsigned char)(1 << bit);
                REQUIRE(pwrite(file, &changed, 1, (off_t)at) == 1);
                check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
            }
            REQUIRE(pwrite(file, &bytes[at], 1, (off_t)at) == 1);
        }
        close(file);
        vecstore_quantizer_free(open_quantizer(test_path("file")));
        free(bytes);
    }
}

/* ---- forgery: checksums are right ---- */

/* Fields of the fixed part of a quantizer. */
enum { at_quantizer_kind = 68, at_bits = 72, at_pq_m = 76, at_seed = 80, at_rotation = 88, at_uniform = 92,
       at_quantile = 96, at_quantizer_unused = 100 };
enum { ranges_section = 48, part_centroids_section, rotation_section, mean_section };

/* Sets a field of the header of each design. */
static void check_forged(size_t at, size_t width, uint64_t value, vecstore_status expected) {
    for (int d = 0; d < design_count && is_passing(); d++) {
        size_t size;
        unsigned char *bytes = save_design(&designs[d], test_path("file"), &size);
        if ((width == 4 ? get_u32(bytes, at) : get_u64(bytes, at)) != value) {
            note("%s, field at %zu is %llu", designs[d].name, at, (unsigned long long)value);
            if (width == 4) put_u32(bytes, at, (uint32_t)value);
            else put_u64(bytes, at, value);
            seal(bytes, size);
            write_bytes(test_path("file"), bytes, size);
            check_refused(test_path("file"), expected);
        }
        free(bytes);
    }
}

static void fields_that_cannot_be_are_refused(void) {
    static const uint64_t any[] = { 1, 4, 0x7fffffff, 0x80000000, 0xffffffff };
    static const size_t zeros[] = { at_count, at_count + 4, at_next_id, at_next_id + 4, at_flags, at_quantizer_unused,
                                    at_quantizer_unused + 4, at_quantizer_unused + 8 };
    static const uint64_t kinds[] = { 0, VECSTORE_KIND_FLAT, VECSTORE_KIND_HNSW, VECSTORE_KIND_IVF, 63, 65, UINT32_MAX };
    check_forged(at_version, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_version, 4, 2, VECSTORE_ERR_CORRUPT);
    check_forged(at_version, 4, 3, VECSTORE_ERR_NEWER_VERSION);
    check_forged(at_byte_order, 4, 0x04030201, VECSTORE_ERR_CORRUPT);
    for (int k = 0; k < 7; k++) check_forged(at_kind, 4, kinds[k], VECSTORE_ERR_CORRUPT);
    for (int v = 0; v < 5; v++) {
        for (int z = 0; z < 8; z++) check_forged(zeros[z], 4, any[v], VECSTORE_ERR_CORRUPT);
        check_forged(at_header_size, 4, any[v], VECSTORE_ERR_CORRUPT);
        check_forged(at_file_size, 8, any[v], VECSTORE_ERR_CORRUPT);
        check_forged(at_dim, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] != 1) check_forged(at_section_count, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] != 1) check_forged(at_metric, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] != 1) check_forged(at_dtype, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] > 4) check_forged(at_quantizer_kind, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] > 4) check_forged(at_bits, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] > 4) check_forged(at_pq_m, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] > 1) check_forged(at_rotation, 4, any[v], VECSTORE_ERR_CORRUPT);
        if (any[v] > 1) check_forged(at_uniform, 4, any[v], VECSTORE_ERR_CORRUPT);
    }
    check_forged(at_dim, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_dim, 4, 65537, VECSTORE_ERR_CORRUPT);
    check_forged(at_section_count, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_quantizer_kind, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_bits, 4, 0, VECSTORE_ERR_CORRUPT);
    check_forged(at_quantile, 4, 0x3f000000, VECSTORE_ERR_CORRUPT);
    check_forged(at_quantile, 4, 0x7fc00000, VECSTORE_ERR_CORRUPT);
}

static void sections_elsewhere_are_refused(void) {
    static const uint64_t values[] = { 0, 1, 64, 128, (uint64_t)1 << 40, INT64_MAX, UINT64_MAX - 63, UINT64_MAX };
    for (int d = 0; d < design_count; d++) {
        size_t size;
        unsigned char *bytes = save_design(&designs[d], test_path("file"), &size);
        const uint32_t count = get_u32(bytes, at_section_count);
        for (uint32_t i = 0; i < count; i++) {
            for (size_t field = 0; field <= 16; field += 8) {
                const size_t at = header_size + entry_size * i + field;
                const uint64_t old = get_u64(bytes, at);
                for (int v = 0; v < 8; v++) {
                    note("%s, section %u, field %zu is %llu", designs[d].name, i, field, (unsigned long long)values[v]);
                    if (values[v] == old) continue;
                    put_u64(bytes, at, values[v]);
                    seal(bytes, size);
                    write_bytes(test_path("file"), bytes, size);
                    check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
                }
                put_u64(bytes, at, old);
            }
        }
        /* Without its last section. */
        put_u32(bytes, at_section_count, count - 1);
        put_u32(bytes, at_header_size, header_size + entry_size * (count - 1));
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        note("%s, missing", designs[d].name);
        check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
        free(bytes);
    }
}

static void numbers_that_cannot_be_are_refused(void) {
    /* Not a number, infinity, and beyond the norm of any vector. */
    static const uint32_t values[] = { 0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000, 0x60000000, 0x7f7fffff };
    for (int d = 0; d < design_count; d++) {
        for (uint32_t kind = ranges_section; kind <= mean_section; kind++) {
            size_t size, length = 0;
            unsigned char *bytes = save_design(&designs[d], test_path("file"), &size);
            unsigned char *content = content_of(bytes, kind, &length);
            for (size_t at = 0; at < length && is_passing(); at += kind == part_centroids_section ? 44 : 4) {
                const uint32_t old = get_u32(content, at);
                for (int v = 0; v < 6; v++) {
                    note("%s, section %u, %#x at %zu", designs[d].name, kind, values[v], at);
                    put_u32(content, at, values[v]);
                    seal(bytes, size);
                    write_bytes(test_path("file"), bytes, size);
                    check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
                }
                put_u32(content, at, old);
            }
            free(bytes);
        }
    }
}

static void random_forgeries_do_no_harm(void) {
    uint64_t state = 11;
    static outcome out;
    float *rows = clustered_vectors(DIM, ROWS, 9);
    size_t sizes[design_count], opened_count = 0;
    unsigned char *all[design_count];
    for (int d = 0; d < design_count; d++) all[d] = save_design(&designs[d], test_path("file"), &sizes[d]);
    for (int round = 0; round < 3000 && is_passing(); round++) {
        const size_t d = random_below(&state, design_count), size = sizes[d];
        unsigned char *bytes = malloc(size);
        memcpy(bytes, all[d], size);
        note("round %d, %s", round, designs[d].name);
        for (size_t c = 1 + random_below(&state, 3); c > 0; c--) {
            /* A small number, a random one, or one bit, in the header or anywhere. */
            const size_t end = random_below(&state, 3) == 0 ? at_table_checksum : size;
            const size_t at = 8 + random_below(&state, end - 12) / 4 * 4;
            switch (random_below(&state, 3)) {
            case 0: put_u32(bytes, at, (uint32_t)random_below(&state, 10)); break;
            case 1: put_u32(bytes, at, (uint32_t)random_bits(&state)); break;
            default: bytes[at] ^= (unsigned char)(1 << random_below(&state, 8)); break;
            }
        }
        seal(bytes, size);
        write_bytes(test_path("file"), bytes, size);
        vecstore_quantizer *opened = NULL;
        vecstore_status status = vecstore_quantizer_open(test_path("file"), &opened);
        CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_CORRUPT || status == VECSTORE_ERR_NEWER_VERSION);
        vecstore_quantizer_options options = VECSTORE_QUANTIZER_OPTIONS_INIT;
        if (opened) REQUIRE_OK(vecstore_quantizer_get_options(opened, &options));
        if (opened && options.dim == DIM) {
            opened_count++;
            status = run(opened, rows, &out);
            CHECK(status != VECSTORE_ERR_INTERNAL);
            /* Codes of any bytes. */
            for (size_t i = 0; i < sizeof out.codes; i++) out.codes[i] = (uint8_t)random_bits(&state);
            CHECK_OK(vecstore_quantizer_decode(opened, out.codes, ROWS, 1, out.decoded));
            CHECK_OK(vecstore_quantizer_distances(opened, rows, F32, 1, out.codes, ROWS, L2SQ, 1, out.distances[0]));
            CHECK_OK(vecstore_quantizer_train(opened, rows, F32, ROWS, NULL));
        }
        vecstore_quantizer_free(opened);
        free(bytes);
    }
    CHECK(opened_count > 100);
    for (int d = 0; d < design_count; d++) free(all[d]);
    free(rows);
}

static void a_forged_file_of_many_centroids_is_refused(void) {
    /* A file with holes: 256 MiB of zeros that take no room on the disk. */
    size_t small_size;
    unsigned char *bytes = save_design(&designs[2], test_path("file"), &small_size);
    const uint64_t centroids = (uint64_t)4 * 4096 * 16384, begin = get_u64(bytes, header_size + 8);
    put_u32(bytes, at_dim, 16384);
    put_u32(bytes, at_bits, 12);
    put_u64(bytes, at_file_size, begin + centroids);
    put_u64(bytes, header_size + 16, centroids);
    seal(bytes, begin);
    write_bytes(test_path("file"), bytes, begin);
    free(bytes);
    REQUIRE(truncate(test_path("file"), (off_t)(begin + centroids)) == 0);
    /* Its checksum is wrong. */
    check_refused(test_path("file"), VECSTORE_ERR_CORRUPT);
}

/* ---- beside each other ---- */

typedef struct sharer {
    pthread_t thread;
    vecstore_quantizer *quantizer;
    const outcome *expected; /* two of them */
    const float *rows;
    const char *path;
    bool trains;
} sharer;

static void *share(void *argument) {
    const sharer *self = argument;
    outcome *out = malloc(sizeof *out);
    float *halves[2] = { clustered_vectors(DIM, ROWS, 1), clustered_vectors(DIM, ROWS, 2) };
    vecstore_save_options options = VECSTORE_SAVE_OPTIONS_INIT;
    options.no_sync = 1;
    for (int i = 0; i < 40 && is_passing(); i++) {
        if (self->trains) {
            CHECK_OK(vecstore_quantizer_train(self->quantizer, halves[i % 2], F32, ROWS, NULL));
            continue;
        }
        vecstore_quantizer *opened = NULL;
        CHECK_OK(vecstore_quantizer_save(self->quantizer, self->path, &options));
        CHECK_OK(vecstore_quantizer_open(self->path, &opened));
        CHECK_OK(run(opened, self->rows, out));
        CHECK(memcmp(out, &self->expected[0], sizeof *out) == 0 || memcmp(out, &self->expected[1], sizeof *out) == 0);
        vecstore_quantizer_free(opened);
    }
    free(halves[0]);
    free(halves[1]);
    free(out);
    return NULL;
}

static void saved_while_it_is_trained_it_is_whole(void) {
    static outcome expected[2];
    const char *paths[] = { test_path("shared"), test_path("shared"), test_path("own"), test_path("unused") };
    float *rows = clustered_vectors(DIM, ROWS, 9);
    for (int d = 0; d < design_count; d++) {
        note("%s", designs[d].name);
        for (uint64_t seed = 1; seed <= 2; seed++) {
            vecstore_quantizer *one = trained(&designs[d], seed);
            REQUIRE_OK(run(one, rows, &expected[seed - 1]));
            vecstore_quantizer_free(one);
        }
        sharer sharers[4];
        vecstore_quantizer *quantizer = trained(&designs[d], 1);
        for (int i = 0; i < 4; i++) {
            sharers[i] = (sharer){ .quantizer = quantizer, .expected = expected, .rows = rows, .path = paths[i],
                                   .trains = i == 3 };
            REQUIRE(pthread_create(&sharers[i].thread, NULL, share, &sharers[i]) == 0);
        }
        for (int i = 0; i < 4; i++) pthread_join(sharers[i].thread, NULL);
        vecstore_quantizer_free(quantizer);
    }
    free(rows);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(an_opened_quantizer_makes_the_same_codes_vectors_and_distances),
        TEST(options_are_those_it_was_made_with_and_defaults_are_resolved),
        TEST(options_are_filled_in_up_to_the_size_of_the_caller),
        TEST(an_opened_quantizer_is_trained_anew_as_if_it_were_new),
        TEST(what_is_not_trained_is_not_saved),
        TEST(bad_arguments_are_refused),
        TEST(an_index_is_no_quantizer_and_a_quantizer_no_index),
        TEST(a_file_cut_anywhere_is_refused),
        TEST(a_file_with_more_bytes_is_refused),
        TEST(a_bit_flipped_anywhere_is_noticed),
        TEST(fields_that_cannot_be_are_refused),
        TEST(sections_elsewhere_are_refused),
        TEST(numbers_that_cannot_be_are_refused),
        TEST(random_forgeries_do_no_harm),
        TEST(a_forged_file_of_many_centroids_is_refused),
        TEST(saved_while_it_is_trained_it_is_whole),
    };
    return RUN_TESTS(tests);
}
