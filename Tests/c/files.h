/*
 * Files for the C tests: indexes of several shapes, their bytes, and what can be done with an index that was opened.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FILES_H
#define FILES_H

#include <libvecstore.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct shape {
    const char *name;
    vecstore_metric metric;
    vecstore_dtype dtype;
    uint32_t dim;
    size_t n;
    bool ids_ascend;
    vecstore_kind kind; /* 0 = flat */
    uint32_t m;         /* of a graph; of an inverted file its lists: 0 = not trained */
    vecstore_storage storage;
    vecstore_rescore rescore;
    uint32_t assignments;
} shape;

/* Together they have every kind of section that a file of few rows can have: see docs/file-format.md. */
extern const shape shapes[];
extern const size_t shape_count;

/* Whether a row comes out of an index of a shape as it was put in. */
bool keeps_rows(const shape *shape);
/* An index of a shape: row i is row i of random_vectors with the seed 1. */
vecstore_index *index_of(const shape *shape);
uint64_t id_of(const shape *shape, size_t i);
/* Checks that an index has just the rows of a shape and finds them. */
void check_is(const vecstore_index *index, const shape *shape);

/* The bytes of a file, for free(). */
unsigned char *read_bytes(const char *path, size_t *size);
void write_bytes(const char *path, const void *bytes, size_t size);
/* Writes an index of a shape to a file and returns its bytes. */
unsigned char *save_shape(const shape *shape, const char *path, size_t *size);

/* Fields of a file's header, by their places in the bytes. */
enum {
    at_version = 8,
    at_byte_order = 12,
    at_file_size = 16,
    at_header_size = 24,
    at_section_count = 28,
    at_kind = 32,
    at_dim = 36,
    at_metric = 40,
    at_dtype = 44,
    at_count = 48,
    at_next_id = 56,
    at_flags = 64,
    at_unused = 68,       /* of a flat index */
    at_m = 68,            /* of a graph */
    at_storage = 72,
    at_full_dtype = 76,
    at_units = 80,
    at_entry = 88,
    at_root = 96,
    at_graph_unused = 100,
    at_nlist = 68,        /* of an inverted file */
    at_row_dtype = 76,    /* its storage lies where that of a graph does */
    at_blocks = 80,
    at_assignments = 88,
    at_numbers = 92,
    at_lists_unused = 96,
    at_table_checksum = 112,
    at_header_checksum = 120,
    header_size = 128,
    entry_size = 32
};

/* Sections by the numbers of the format. */
enum { rows_section = 1, ids_section, order_section, squares_section, inverse_section, codes_section, scale_section,
       error_section,
       notes_section = 16, quantizer_section, walk_section, factors_section, full_section, links_section, parents_section,
       levels_section, places_section, upper_section, sketcher_section, sketches_section, sketch_factors_section,
       list_notes_section = 32, centroids_section, list_numbers_section, codebooks_section, list_counts_section,
       list_blocks_section, homes_section, auto_notes_section = 56,
       section_kinds };

/* Fields of the notes of a graph. */
enum {
    note_ef_construction = 0,
    note_storage = 4,
    note_rescore = 8,
    note_decided = 12,
    note_seed = 16,
    note_insertions = 24,
    note_code_loss = 32,
    note_code_error = 36,
    note_calibrated_k = 40,
    note_calibrated_ef = 44,
    note_target_recall = 48,
    note_recall = 52,
    note_own_rows = 56,
    note_sketch_error = 60,
    note_rotated = 64,
    note_landmark_count = 68,
    note_landmark_radius = 72,
    note_unused = 76,
    note_landmarks = 128,
    notes_size = 128 + 4 * 256
};

/* Fields of the notes of an inverted file. */
enum {
    list_note_nlist = 0,
    list_note_rescore = 4,
    list_note_pq_m = 8,
    list_note_bits = 12,
    list_note_seed = 16,
    list_note_trained = 24,
    list_note_mean_norm = 32,
    list_note_code_error = 36,
    list_note_own_training = 40,
    list_note_calibrated_k = 44,
    list_note_calibrated_nprobe = 48,
    list_note_target_recall = 52,
    list_note_recall = 56,
    list_note_own_rows = 60,
    list_note_unused = 64
};

uint32_t get_u32(const unsigned char *bytes, size_t at);
uint64_t get_u64(const unsigned char *bytes, size_t at);
void put_u32(unsigned char *bytes, size_t at, uint32_t value);
void put_u64(unsigned char *bytes, size_t at, uint64_t value);

/* Where the table describes a section: 0 where there is none of that kind. */
size_t entry_of(const unsigned char *bytes, uint32_t kind);
/* The content of a section; NULL where there is none. */
unsigned char *content_of(unsigned char *bytes, uint32_t kind, size_t *size);
/* Makes the checksums of sections, table and header right again. Sections that lie outside the file keep theirs. */
void seal(unsigned char *bytes, size_t size);

/* The ways to open a file. */
typedef struct opening {
    const char *name;
    vecstore_open_options options;
    bool checks_all;
} opening;
extern const opening openings[];
extern const size_t opening_count;

/* Calls everything that an open index allows; one that is writable, and not flat, is changed too. Whatever the file contained, no call may crash or report INTERNAL. */
void use(vecstore_index *index, const shape *shape);

/* Opens a file in every way: it may be refused as damaged, and what opens is used. */
void check_harmless(const char *path, const shape *shape);

/* Opens a damaged file in every way. Where `all` must be refused, they are with `expected`; else only where every byte
 * is checked, and whatever opens is used. */
void check_damaged(const char *path, const shape *shape, bool all, vecstore_status expected);

/* The same for one of the `openings`. */
void check_damaged_opening(const char *path, const shape *shape, size_t opening, bool all, vecstore_status expected);

#endif
