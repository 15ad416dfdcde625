/*
 * Vectors for the C tests: random ones, and slow obvious distances to compare with.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <libvecstore.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Short names. */
#define L2SQ VECSTORE_METRIC_L2SQ
#define IP VECSTORE_METRIC_IP
#define COSINE VECSTORE_METRIC_COSINE
#define L1 VECSTORE_METRIC_L1
#define HAMMING VECSTORE_METRIC_HAMMING
#define JACCARD VECSTORE_METRIC_JACCARD
#define F32 VECSTORE_DTYPE_F32
#define F16 VECSTORE_DTYPE_F16
#define BF16 VECSTORE_DTYPE_BF16
#define I8 VECSTORE_DTYPE_I8
#define U8 VECSTORE_DTYPE_U8
#define BITS VECSTORE_DTYPE_BITS

/* A generator of random numbers (SplitMix64): the same seed gives the same numbers. */
uint64_t random_bits(uint64_t *state);
size_t random_below(uint64_t *state, size_t n);

/* Fills in n vectors. Elements are multiples of 1/32 from -4 to 4, exact in every float type and often equal, or any
 * value of a smaller type; no vector is zero. */
void fill_random(void *vectors, vecstore_dtype dtype, size_t dim, size_t n, uint64_t *state);

/* n such vectors in memory of their own, for free(). Ends the test where there is none. */
void *random_vectors(vecstore_dtype dtype, size_t dim, size_t n, uint64_t seed);

/* n float32 vectors around 50 centers, for free(). Vectors of other seeds lie around the same centers. */
float *clustered_vectors(size_t dim, size_t n, uint64_t seed);

/* A float that both small float types hold exactly, in them. */
uint16_t to_float16(float value);
uint16_t to_bfloat16(float value);

double element(const void *vector, vecstore_dtype dtype, size_t i);
void set_element(void *vector, vecstore_dtype dtype, size_t i, double value);

/* The distance from its definition, and how far rounding may take the library from it. */
double slow_distance(const void *a, const void *b, size_t dim, vecstore_metric metric, vecstore_dtype dtype,
                     double *most_error);

/* Memory that holds a copy of `size` bytes and ends with them: a byte behind faults. */
void *fenced_copy(const void *bytes, size_t size);

/* An empty index. Ends the test where there is none. */
vecstore_index *new_index(vecstore_metric metric, vecstore_dtype dtype, size_t dim);
/* An empty graph with the default options. */
vecstore_index *new_graph(vecstore_metric metric, vecstore_dtype dtype, size_t dim);
/* An empty index of any options. */
vecstore_index *create_index(const vecstore_index_options *options);
vecstore_index_options graph_options(vecstore_metric metric, vecstore_dtype dtype, size_t dim);
/* Options of an inverted file, all at their defaults. */
vecstore_index_options lists_options(vecstore_metric metric, vecstore_dtype dtype, size_t dim);
uint64_t count_of(const vecstore_index *index);
vecstore_index_stats stats_of(const vecstore_index *index);

/* An index of three rows, { 1, 0 }, { 2, 0 } and { 3, 0 }, with the ids 10, 20 and 30. */
extern const uint64_t three_ids[3];
vecstore_index *three_rows(void);
/* An index of the rows { 0 }, { 1 }, ... { 9 } with the ids 100, 101, ... 109; and a query for it. */
vecstore_index *ten_rows(void);
extern const float at_zero[1];

/* The first element of a row of up to two; NaN where there is no row with the id. */
float first_element(const vecstore_index *index, uint64_t id);
bool is_there(const vecstore_index *index, uint64_t id);

const char *metric_name(vecstore_metric metric);
const char *dtype_name(vecstore_dtype dtype);

enum { first_metric = L2SQ, last_metric = JACCARD };
enum { first_dtype = F32, last_dtype = BITS };

#endif
