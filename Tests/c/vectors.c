/*
 * Vectors for the C tests.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "vectors.h"

#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t random_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

size_t random_below(uint64_t *state, size_t n) { return random_bits(state) % n; }

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

uint16_t to_float16(float value) {
    uint32_t bits = float_bits(value);
    if (value == 0) return (uint16_t)(bits >> 16);
    return (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 0xff) - 112) << 10) | (bits >> 13 & 0x3ff));
}

uint16_t to_bfloat16(float value) { return (uint16_t)(float_bits(value) >> 16); }

static double from_float16(uint16_t half) {
    int exponent = half >> 10 & 31;
    double fraction = half & 0x3ff;
    double size = exponent == 31 ? (fraction > 0 ? NAN : INFINITY)
                : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -size : size;
}

double element(const void *vector, vecstore_dtype dtype, size_t i) {
    const unsigned char *bytes = vector;
    float f32;
    uint16_t half;
    uint32_t wide;
    switch (dtype) {
    case F32: memcpy(&f32, bytes + 4 * i, 4); return f32;
    case F16: memcpy(&half, bytes + 2 * i, 2); return from_float16(half);
    case BF16:
        memcpy(&half, bytes + 2 * i, 2);
        wide = (uint32_t)half << 16;
        memcpy(&f32, &wide, 4);
        return f32;
    case I8: return (int8_t)bytes[i];
    case U8: return bytes[i];
    default: return bytes[i / 8] >> i % 8 & 1;
    }
}

void set_element(void *vector, vecstore_dtype dtype, size_t i, double value) {
    unsigned char *bytes = vector;
    float f32 = (float)value;
    uint16_t half = dtype == F16 ? to_float16(f32) : to_bfloat16(f32);
    switch (dtype) {
    case F32: memcpy(bytes + 4 * i, &f32, 4); break;
    case F16:
    case BF16: memcpy(bytes + 2 * i, &half, 2); break;
    case I8: bytes[i] = (unsigned char)(int8_t)value; break;
    case U8: bytes[i] = (unsigned char)value; break;
    default: bytes[i / 8] = (unsigned char)((bytes[i / 8] & ~(1u << i % 8)) | (value != 0 ? 1u << i % 8 : 0)); break;
    }
}

void fill_random(void *vectors, vecstore_dtype dtype, size_t dim, size_t n, uint64_t *state) {
    size_t size = vecstore_row_size(dtype, dim);
    memset(vectors, 0, n * size);
    for (size_t row = 0; row < n; row++) {
        unsigned char *vector = (unsigned char *)vectors + row * size;
        for (size_t i = 0; i < dim; i++) {
            double value = (double)random_below(state, 257) - 128;
            if (dtype == I8) value = value > 127 ? 127 : value;
            else if (dtype == U8) value = fabs(value);
            else if (dtype == BITS) value = value > 0;
            else value /= 32;
            set_element(vector, dtype, i, value);
        }
        if (element(vector, dtype, row % dim) == 0) set_element(vector, dtype, row % dim, 1);
    }
}

void *random_vectors(vecstore_dtype dtype, size_t dim, size_t n, uint64_t seed) {
    void *vectors = malloc(n * vecstore_row_size(dtype, dim) + 1);
    REQUIRE(vectors);
    fill_random(vectors, dtype, dim, n, &seed);
    return vectors;
}

double slow_distance(const void *a, const void *b, size_t dim, vecstore_metric metric, vecstore_dtype dtype,
                     double *most_error) {
    double squares = 0, product = 0, terms = 0, steps = 0, aa = 0, bb = 0, differing = 0, both = 0, either = 0;
    for (size_t i = 0; i < dim; i++) {
        double x = element(a, dtype, i), y = element(b, dtype, i);
        squares += (x - y) * (x - y);
        product += x * y;
        terms += fabs(x * y);
        steps += fabs(x - y);
        aa += x * x;
        bb += y * y;
        differing += x != y;
        both += x != 0 && y != 0;
        either += x != 0 || y != 0;
    }
    /* What the header allows: dim * 2^-23 of the sum of the absolute terms; and the rounding of the result. */
    double share = (double)dim * 0x1p-23;
    switch (metric) {
    case L2SQ: *most_error = (share + 0x1p-23) * squares; return squares;
    case IP: *most_error = (share + 0x1p-23) * terms; return -product;
    case L1: *most_error = (share + 0x1p-23) * steps; return steps;
    case COSINE:
        *most_error = share * (1 + terms / sqrt(aa * bb)) + 0x1p-22;
        return fmin(fmax(1 - product / sqrt(aa * bb), 0), 2);
    case HAMMING: *most_error = 0; return differing;
    default: *most_error = 0x1p-23; return either == 0 ? 0 : 1 - both / either;
    }
}

void *fenced_copy(const void *bytes, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page;
    char *base = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(base != MAP_FAILED && mprotect(base + pages * page, page, PROT_NONE) == 0);
    return memcpy(base + pages * page - size, bytes, size);
}

float *clustered_vectors(size_t dim, size_t n, uint64_t seed) {
    enum { centers = 50 };
    float *center = malloc(centers * dim * sizeof *center), *vectors = malloc((n ? n : 1) * dim * sizeof *vectors);
    REQUIRE(center && vectors);
    uint64_t state = 1;
    for (size_t i = 0; i < centers * dim; i++) center[i] = (float)random_below(&state, 8000) / 1000 - 4;
    state = seed;
    for (size_t i = 0; i < n; i++) {
        const float *near = center + dim * random_below(&state, centers);
        for (size_t d = 0; d < dim; d++) {
            vectors[i * dim + d] = near[d] + (float)random_below(&state, 4000) / 1000 - 2;
        }
    }
    free(center);
    return vectors;
}

vecstore_index *create_index(const vecstore_index_options *options) {
    vecstore_index *index = NULL;
    REQUIRE_OK(vecstore_index_create(options, &index));
    REQUIRE(index);
    return index;
}

vecstore_index_options graph_options(vecstore_metric metric, vecstore_dtype dtype, size_t dim) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.kind = VECSTORE_KIND_HNSW;
    options.dim = (uint32_t)dim;
    options.metric = metric;
    options.dtype = dtype;
    return options;
}

vecstore_index_options lists_options(vecstore_metric metric, vecstore_dtype dtype, size_t dim) {
    vecstore_index_options options = graph_options(metric, dtype, dim);
    options.kind = VECSTORE_KIND_IVF;
    return options;
}

vecstore_index *new_graph(vecstore_metric metric, vecstore_dtype dtype, size_t dim) {
    vecstore_index_options options = graph_options(metric, dtype, dim);
    return create_index(&options);
}

vecstore_index *new_index(vecstore_metric metric, vecstore_dtype dtype, size_t dim) {
    vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
    options.dim = (uint32_t)dim;
    options.metric = metric;
    options.dtype = dtype;
    vecstore_index *index = NULL;
    REQUIRE_OK(vecstore_index_create(&options, &index));
    REQUIRE(index);
    return index;
}

uint64_t count_of(const vecstore_index *index) {
    uint64_t count = VECSTORE_ID_NONE;
    CHECK_OK(vecstore_index_count(index, &count));
    return count;
}

vecstore_index_stats stats_of(const vecstore_index *index) {
    vecstore_index_stats stats = VECSTORE_INDEX_STATS_INIT;
    CHECK_OK(vecstore_index_get_stats(index, &stats));
    return stats;
}

const uint64_t three_ids[3] = { 10, 20, 30 };

vecstore_index *three_rows(void) {
    const float rows[3][2] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
    vecstore_index *index = new_index(L2SQ, F32, 2);
    CHECK_OK(vecstore_index_add(index, rows, F32, 3, three_ids, NULL, NULL));
    return index;
}

float first_element(const vecstore_index *index, uint64_t id) {
    float row[2];
    return vecstore_index_get(index, &id, 1, F32, row) == VECSTORE_OK ? row[0] : NAN;
}

bool is_there(const vecstore_index *index, uint64_t id) {
    uint8_t found = 2;
    CHECK_OK(vecstore_index_contains(index, &id, 1, &found));
    return found == 1;
}

vecstore_index *ten_rows(void) {
    vecstore_index *index = new_index(L2SQ, F32, 1);
    for (uint64_t i = 0; i < 10; i++) {
        const float row[1] = { (float)i };
        const uint64_t id = 100 + i;
        CHECK_OK(vecstore_index_add(index, row, F32, 1, &id, NULL, NULL));
    }
    return index;
}

const float at_zero[1] = { 0 };

const char *metric_name(vecstore_metric metric) {
    static const char *const names[] = { "?", "l2sq", "ip", "cosine", "l1", "hamming", "jaccard" };
    return names[metric <= last_metric ? metric : 0];
}

const char *dtype_name(vecstore_dtype dtype) {
    static const char *const names[] = { "?", "float32", "float16", "bfloat16", "int8", "uint8", "bits" };
    return names[dtype <= last_dtype ? dtype : 0];
}
