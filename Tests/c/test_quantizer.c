/*
 * Quantizers from C.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, DIM = 24 };

static vecstore_quantizer_options scalar_options(uint32_t bits) {
    vecstore_quantizer_options options = VECSTORE_QUANTIZER_OPTIONS_INIT;
    options.kind = VECSTORE_QUANTIZER_SCALAR;
    options.dim = DIM;
    options.bits = bits;
    return options;
}

static vecstore_quantizer_options product_options(uint32_t pq_m, uint32_t bits) {
    vecstore_quantizer_options options = VECSTORE_QUANTIZER_OPTIONS_INIT;
    options.kind = VECSTORE_QUANTIZER_PRODUCT;
    options.dim = DIM;
    options.pq_m = pq_m;
    options.bits = bits;
    return options;
}

static vecstore_quantizer *create(const vecstore_quantizer_options *options) {
    vecstore_quantizer *quantizer;
    REQUIRE_OK(vecstore_quantizer_create(options, &quantizer));
    return quantizer;
}

/* One of each kind. */
enum { KINDS = 8, EXACT_KINDS = 6 };
static vecstore_quantizer_options options_of(int kind) {
    vecstore_quantizer_options options;
    switch (kind) {
    case 0: return scalar_options(0);
    case 1: return scalar_options(4);
    case 2:
        options = scalar_options(8);
        options.uniform = 1;
        options.quantile = 0.01f;
        return options;
    case 3: return product_options(6, 0);
    case 4: return product_options(7, 5);
    case 5:
        options = product_options(6, 4);
        options.rotation = VECSTORE_ROTATION_OPQ;
        return options;
    default:
        /* Distances of these are estimates. */
        options = scalar_options(kind == 6 ? 0 : 5);
        options.kind = VECSTORE_QUANTIZER_BINARY;
        return options;
    }
}

static size_t code_size(const vecstore_quantizer *quantizer) {
    size_t size;
    REQUIRE_OK(vecstore_quantizer_code_size(quantizer, &size));
    return size;
}

static void codes_have_their_sizes(void) {
    const size_t expected[KINDS] = { 24, 12, 24, 6, 5, 3, 11, 23 };
    for (int kind = 0; kind < KINDS; kind++) {
        vecstore_quantizer_options options = options_of(kind);
        vecstore_quantizer *quantizer = create(&options);
        CHECK_EQ(code_size(quantizer), expected[kind]);
        vecstore_quantizer_free(quantizer);
    }
}

static void decoding_shows_the_loss_that_is_measured_and_the_distances(void) {
    float *rows = clustered_vectors(DIM, ROWS, 1);
    for (int kind = 0; kind < KINDS; kind++) {
        note("kind %d", kind);
        vecstore_quantizer_options options = options_of(kind);
        vecstore_quantizer *quantizer = create(&options);
        bool trained = true;
        CHECK_OK(vecstore_quantizer_is_trained(quantizer, &trained));
        CHECK(!trained);
        REQUIRE_OK(vecstore_quantizer_train(quantizer, rows, F32, ROWS, NULL));
        CHECK_OK(vecstore_quantizer_is_trained(quantizer, &trained));
        CHECK(trained);
        const size_t size = code_size(quantizer);
        uint8_t *codes = malloc(ROWS * size);
        float *decoded = malloc(ROWS * DIM * sizeof *decoded);
        REQUIRE_OK(vecstore_quantizer_encode(quantizer, rows, F32, ROWS, 2, codes));
        REQUIRE_OK(vecstore_quantizer_decode(quantizer, codes, ROWS, 2, decoded));
        double errors = 0, squares = 0;
        for (int i = 0; i < ROWS * DIM; i++) {
            errors += ((double)rows[i] - decoded[i]) * ((double)rows[i] - decoded[i]);
            squares += (double)rows[i] * rows[i];
        }
        CHECK(errors < 0.5 * squares);
        vecstore_quantizer_loss loss = VECSTORE_QUANTIZER_LOSS_INIT;
        REQUIRE_OK(vecstore_quantizer_measure(quantizer, rows, F32, ROWS, 0, &loss));
        CHECK_NEAR(loss.mean_squared_error, errors / ROWS, 1e-6 * errors);
        CHECK_NEAR(loss.relative_error, errors / squares, 1e-6);
        const vecstore_metric metrics[] = { L2SQ, IP };
        for (int m = 0; m < 2; m++) {
            float distances[2 * 50];
            REQUIRE_OK(vecstore_quantizer_distances(quantizer, rows, F32, 2, codes, 50, metrics[m], 0, distances));
            for (int q = 0; q < 2; q++) {
                for (int j = 0; j < 50; j++) {
                    double error;
                    const double want = slow_distance(rows + q * DIM, decoded + j * DIM, DIM, metrics[m], F32, &error);
                    const double most = kind < EXACT_KINDS ? 1e-4 * (1 + fabs(want))
                                                             : (kind == 6 ? 2 : 0.2) * squares / ROWS;
                    REQUIRE(CHECK_NEAR(distances[q * 50 + j], want, most));
                }
            }
        }
        free(codes);
        free(decoded);
        vecstore_quantizer_free(quantizer);
    }
    free(rows);
}

static void no_byte_too_many_is_read_or_written(void) {
    float *rows = clustered_vectors(DIM, ROWS, 2);
    const float *fenced = fenced_copy(rows, ROWS * DIM * sizeof *rows);
    for (int kind = 0; kind < KINDS; kind++) {
        note("kind %d", kind);
        vecstore_quantizer_options options = options_of(kind);
        vecstore_quantizer *quantizer = create(&options);
        REQUIRE_OK(vecstore_quantizer_train(quantizer, fenced, F32, ROWS, NULL));
        const size_t size = code_size(quantizer);
        uint8_t *plain = calloc(ROWS, size);
        uint8_t *codes = fenced_copy(plain, ROWS * size);
        REQUIRE_OK(vecstore_quantizer_encode(quantizer, fenced, F32, ROWS, 0, codes));
        float *out = fenced_copy(rows, ROWS * DIM * sizeof *rows);
        CHECK_OK(vecstore_quantizer_decode(quantizer, codes, ROWS, 0, out));
        float distances[ROWS];
        CHECK_OK(vecstore_quantizer_distances(quantizer, fenced, F32, 1, codes, ROWS, L2SQ, 0, distances));
        free(plain);
        vecstore_quantizer_free(quantizer);
    }
    free(rows);
}

static void bad_options_are_refused(void) {
    vecstore_quantizer *quantizer = (vecstore_quantizer *)1;
    vecstore_quantizer_options options;
#define CHECK_REFUSED(status, base, field, value) do { \
    options = base; \
    options.field = value; \
    quantizer = (vecstore_quantizer *)1; \
    CHECK_ERROR(status, vecstore_quantizer_create(&options, &quantizer)); \
    CHECK(quantizer == NULL); \
} while (0)
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), kind, 0);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), kind, 9);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), dim, 0);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), dim, 65537);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), bits, 7);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), pq_m, 1);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), rotation, 1);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), uniform, 2);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), quantile, 0.5f);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), quantile, -0.1f);
    CHECK_REFUSED(INVALID_ARGUMENT, scalar_options(8), quantile, NAN);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), pq_m, 0);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), pq_m, DIM + 1);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), bits, 3);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), bits, 9);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), bits, 16);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), rotation, 2);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), uniform, 1);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), quantile, 0.1f);
    CHECK_REFUSED(INVALID_ARGUMENT, product_options(4, 8), struct_size, 4);
    CHECK_REFUSED(INVALID_ARGUMENT, options_of(6), bits, 9);
    CHECK_REFUSED(INVALID_ARGUMENT, options_of(6), pq_m, 2);
    CHECK_REFUSED(INVALID_ARGUMENT, options_of(6), rotation, 1);
    CHECK_REFUSED(INVALID_ARGUMENT, options_of(6), uniform, 1);
    CHECK_REFUSED(INVALID_ARGUMENT, options_of(6), quantile, 0.1f);
    options = product_options(4, 8);
    options.dim = 5000;
    options.rotation = VECSTORE_ROTATION_OPQ;
    CHECK_ERROR(UNSUPPORTED, vecstore_quantizer_create(&options, &quantizer));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_create(NULL, &quantizer));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_create(&options, NULL));
}

static void bad_arguments_are_refused(void) {
    float *rows = clustered_vectors(DIM, ROWS, 3), out[DIM];
    uint8_t codes[DIM];
    vecstore_quantizer_loss loss = VECSTORE_QUANTIZER_LOSS_INIT;
    vecstore_quantizer_options options = product_options(6, 8);
    vecstore_quantizer *q = create(&options);
    /* Not trained yet. */
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_encode(q, rows, F32, 1, 0, codes));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_decode(q, codes, 1, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_measure(q, rows, F32, 1, 0, &loss));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_distances(q, rows, F32, 1, codes, 1, L2SQ, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_train(q, rows, F32, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_train(q, NULL, F32, 5, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_train(q, rows, 99, 5, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_quantizer_train(q, rows, BITS, 5, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_quantizer_train(q, rows, F32, SIZE_MAX, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_quantizer_train(q, rows, F32, SIZE_MAX / 200, NULL));
    REQUIRE_OK(vecstore_quantizer_train(q, rows, F32, ROWS, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_encode(q, rows, F32, 1, 0, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_encode(q, rows, F32, 1, 1025, codes));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_decode(q, NULL, 1, 0, out));
    CHECK_ERROR(TOO_LARGE, vecstore_quantizer_decode(q, codes, SIZE_MAX / 64, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_measure(q, rows, F32, 1, 0, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_quantizer_distances(q, rows, F32, 1, codes, 1, COSINE, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_distances(q, rows, F32, 1, codes, 1, 99, 0, out));
    CHECK_ERROR(TOO_LARGE, vecstore_quantizer_distances(q, rows, F32, ROWS, codes, SIZE_MAX / 64, L2SQ, 0, out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_code_size(q, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_is_trained(q, NULL));
    loss.struct_size = 3;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_quantizer_measure(q, rows, F32, 1, 0, &loss));
    rows[7] = NAN;
    CHECK_ERROR(NOT_FINITE, vecstore_quantizer_encode(q, rows, F32, 1, 0, codes));
    CHECK_ERROR(NOT_FINITE, vecstore_quantizer_train(q, rows, F32, 2, NULL));
    /* Nothing is no error. */
    CHECK_OK(vecstore_quantizer_encode(q, NULL, F32, 0, 0, NULL));
    CHECK_OK(vecstore_quantizer_decode(q, NULL, 0, 0, NULL));
    CHECK_OK(vecstore_quantizer_distances(q, NULL, F32, 0, NULL, 0, L2SQ, 0, NULL));
    vecstore_quantizer_free(q);
    free(rows);
}

static void check_all_refuse(vecstore_quantizer *q, vecstore_status expected) {
    const float row[DIM] = { 1 };
    float out[DIM];
    uint8_t codes[DIM];
    size_t size;
    bool trained;
    vecstore_quantizer_loss loss = VECSTORE_QUANTIZER_LOSS_INIT;
#define CHECK_HANDLE(call) check_status(call, expected, __FILE__, __LINE__, #call)
    CHECK_HANDLE(vecstore_quantizer_train(q, row, F32, 1, NULL));
    CHECK_HANDLE(vecstore_quantizer_is_trained(q, &trained));
    CHECK_HANDLE(vecstore_quantizer_code_size(q, &size));
    CHECK_HANDLE(vecstore_quantizer_encode(q, row, F32, 1, 0, codes));
    CHECK_HANDLE(vecstore_quantizer_decode(q, codes, 1, 0, out));
    CHECK_HANDLE(vecstore_quantizer_measure(q, row, F32, 1, 0, &loss));
    CHECK_HANDLE(vecstore_quantizer_distances(q, row, F32, 1, codes, 1, L2SQ, 0, out));
    vecstore_quantizer_options options = VECSTORE_QUANTIZER_OPTIONS_INIT;
    CHECK_HANDLE(vecstore_quantizer_get_options(q, &options));
    CHECK_HANDLE(vecstore_quantizer_save(q, test_path("file"), NULL));
}

static void handles_that_are_none_are_refused(void) {
    check_all_refuse(NULL, VECSTORE_ERR_INVALID_ARGUMENT);
    vecstore_quantizer_free(NULL);
    vecstore_quantizer_options options = scalar_options(8);
    vecstore_quantizer *q = create(&options);
    vecstore_index *index = new_index(L2SQ, F32, DIM);
    check_all_refuse((vecstore_quantizer *)index, VECSTORE_ERR_INVALID_HANDLE);
    vecstore_quantizer_free((vecstore_quantizer *)index);
    CHECK_EQ(count_of(index), 0);
    uint64_t count;
    CHECK_ERROR(INVALID_HANDLE, vecstore_index_count((vecstore_index *)q, &count));
    vecstore_quantizer_free(q);
    vecstore_quantizer_free(q);
    check_all_refuse(q, VECSTORE_ERR_INVALID_HANDLE);
    check_all_refuse((vecstore_quantizer *)(uintptr_t)12345, VECSTORE_ERR_INVALID_HANDLE);
    vecstore_index_free(index);
}

static bool stop(uint64_t done, uint64_t total, void *payload) {
    CHECK(done <= total);
    return --*(int *)payload > 0;
}

static void training_that_is_cancelled_leaves_what_was_there(void) {
    float *rows = clustered_vectors(DIM, ROWS, 4), *others = clustered_vectors(DIM, ROWS, 5);
    vecstore_quantizer_options options = product_options(6, 4);
    vecstore_quantizer *q = create(&options);
    int left = 1;
    vecstore_work_options work = VECSTORE_WORK_OPTIONS_INIT;
    work.threads = 1;
    work.progress = stop;
    work.payload = &left;
    CHECK_ERROR(CANCELLED, vecstore_quantizer_train(q, rows, F32, ROWS, &work));
    bool trained = true;
    CHECK_OK(vecstore_quantizer_is_trained(q, &trained));
    CHECK(!trained);
    REQUIRE_OK(vecstore_quantizer_train(q, rows, F32, ROWS, NULL));
    uint8_t before[3 * ROWS], after[3 * ROWS];
    REQUIRE_OK(vecstore_quantizer_encode(q, rows, F32, ROWS, 0, before));
    left = 3;
    CHECK_ERROR(CANCELLED, vecstore_quantizer_train(q, others, F32, ROWS, &work));
    REQUIRE_OK(vecstore_quantizer_encode(q, rows, F32, ROWS, 0, after));
    CHECK(memcmp(before, after, sizeof before) == 0);
    vecstore_quantizer_free(q);
    free(rows);
    free(others);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(codes_have_their_sizes),
        TEST(decoding_shows_the_loss_that_is_measured_and_the_distances),
        TEST(no_byte_too_many_is_read_or_written),
        TEST(bad_options_are_refused),
        TEST(bad_arguments_are_refused),
        TEST(handles_that_are_none_are_refused),
        TEST(training_that_is_cancelled_leaves_what_was_there),
    };
    return RUN_TESTS(tests);
}
