/*
 * k-means from C.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 500, DIM = 24, K = 12 };

static const float line[6][1] = { { 0 }, { 1 }, { 2 }, { 100 }, { 101 }, { 102 } };

static void two_groups_on_a_line(void) {
    float centroids[2];
    uint32_t assignments[6];
    vecstore_kmeans_result result = VECSTORE_KMEANS_RESULT_INIT;
    CHECK_OK(vecstore_kmeans_train(line, F32, 6, 1, 2, NULL, centroids, assignments, &result));
    CHECK_FLOAT(fminf(centroids[0], centroids[1]), 1);
    CHECK_FLOAT(fmaxf(centroids[0], centroids[1]), 101);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(assignments[i], assignments[0]);
        CHECK_EQ(assignments[3 + i], 1 - assignments[0]);
    }
    CHECK_FLOAT(result.objective, 4);
    CHECK_EQ(result.trained_count, 6);
    CHECK_EQ(result.converged, 1);
    CHECK(result.iterations >= 2);
}

static void outputs_but_centroids_may_be_null(void) {
    float a[2], b[2];
    vecstore_kmeans_result result = VECSTORE_KMEANS_RESULT_INIT;
    CHECK_OK(vecstore_kmeans_train(line, F32, 6, 1, 2, NULL, a, NULL, NULL));
    CHECK_OK(vecstore_kmeans_train(line, F32, 6, 1, 2, NULL, b, NULL, &result));
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK_FLOAT(result.objective, 4);
}

static void assign_agrees_with_a_slow_comparison(void) {
    const vecstore_metric metrics[] = { L2SQ, COSINE };
    const vecstore_dtype dtypes[] = { F32, F16, BF16, I8, U8 };
    float *centroids = random_vectors(F32, DIM, K, 1);
    for (size_t m = 0; m < 2; m++) {
        for (size_t t = 0; t < 5; t++) {
            note("metric %u, dtype %u", metrics[m], dtypes[t]);
            unsigned char *rows = random_vectors(dtypes[t], DIM, ROWS, 2 + t);
            float *floats = malloc(ROWS * DIM * sizeof *floats);
            REQUIRE_OK(vecstore_convert(rows, dtypes[t], floats, F32, (size_t)ROWS * DIM));
            uint32_t assignments[ROWS];
            float distances[ROWS];
            REQUIRE_OK(vecstore_kmeans_assign(
                rows, dtypes[t], ROWS, DIM, centroids, K, metrics[m], 2, assignments, distances));
            for (int i = 0; i < ROWS; i++) {
                double least = INFINITY, most_error = 0;
                for (int c = 0; c < K; c++) {
                    double error;
                    double d = slow_distance(floats + i * DIM, centroids + c * DIM, DIM, metrics[m], F32, &error);
                    if (d < least) {
                        least = d;
                        most_error = error;
                    }
                }
                REQUIRE(assignments[i] < K);
                REQUIRE(CHECK_NEAR(distances[i], least, 2 * most_error));
            }
            free(rows);
            free(floats);
        }
    }
    free(centroids);
}

static void the_number_of_threads_changes_nothing(void) {
    float *rows = clustered_vectors(DIM, ROWS, 3);
    float a[K * DIM], b[K * DIM];
    vecstore_kmeans_options options = VECSTORE_KMEANS_OPTIONS_INIT;
    for (int start = 0; start <= 2; start++) {
        for (int batch = 0; batch <= 100; batch += 100) {
            options.start = (vecstore_kmeans_start)start;
            options.batch_size = (uint64_t)batch;
            options.threads = 1;
            REQUIRE_OK(vecstore_kmeans_train(rows, F32, ROWS, DIM, K, &options, a, NULL, NULL));
            options.threads = 5;
            REQUIRE_OK(vecstore_kmeans_train(rows, F32, ROWS, DIM, K, &options, b, NULL, NULL));
            CHECK(memcmp(a, b, sizeof a) == 0);
        }
    }
    free(rows);
}

static void unaligned_rows_and_centroids(void) {
    float *rows = clustered_vectors(DIM, ROWS, 4);
    const size_t size = ROWS * DIM * sizeof(float);
    unsigned char *moved = malloc(size + 1), *out = malloc(K * DIM * sizeof(float) + 1);
    memcpy(moved + 1, rows, size);
    float centroids[K * DIM];
    uint32_t a[ROWS], b[ROWS];
    REQUIRE_OK(vecstore_kmeans_train(rows, F32, ROWS, DIM, K, NULL, centroids, a, NULL));
    REQUIRE_OK(vecstore_kmeans_train(moved + 1, F32, ROWS, DIM, K, NULL, (float *)(void *)(out + 1), b, NULL));
    CHECK(memcmp(centroids, out + 1, sizeof centroids) == 0);
    CHECK(memcmp(a, b, sizeof a) == 0);
    REQUIRE_OK(vecstore_kmeans_assign(
        moved + 1, F32, ROWS, DIM, (const float *)(void *)(out + 1), K, L2SQ, 0, b, NULL));
    CHECK(memcmp(a, b, sizeof a) == 0);
    free(rows);
    free(moved);
    free(out);
}

static void it_reads_no_byte_too_many(void) {
    float *rows = clustered_vectors(DIM, ROWS, 5), centroids[K * DIM];
    float *fenced = fenced_copy(rows, ROWS * DIM * sizeof(float));
    uint32_t assignments[ROWS];
    vecstore_kmeans_options options = VECSTORE_KMEANS_OPTIONS_INIT;
    CHECK_OK(vecstore_kmeans_train(fenced, F32, ROWS, DIM, K, &options, centroids, assignments, NULL));
    options.batch_size = 100;
    CHECK_OK(vecstore_kmeans_train(fenced, F32, ROWS, DIM, K, &options, centroids, assignments, NULL));
    float *table = fenced_copy(centroids, sizeof centroids);
    CHECK_OK(vecstore_kmeans_assign(fenced, F32, ROWS, DIM, table, K, COSINE, 0, assignments, NULL));
    free(rows);
}

static void bad_arguments_are_refused_and_leave_the_centroids(void) {
    float centroids[2] = { 7, 8 };
    uint32_t assignments[6];
    float nan_row[1] = { NAN };
    vecstore_kmeans_result result = VECSTORE_KMEANS_RESULT_INIT;
    vecstore_kmeans_options options = VECSTORE_KMEANS_OPTIONS_INIT;
#define TRAIN(vectors, dtype, n, dim, k) \
    vecstore_kmeans_train(vectors, dtype, n, dim, k, &options, centroids, assignments, &result)
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(NULL, F32, 6, 1, 2));
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, F32, 6, 1, 0));
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, F32, 6, 1, 7));
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, F32, 0, 1, 1));
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, F32, 6, 0, 2));
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, 77, 6, 1, 2));
    CHECK_ERROR(UNSUPPORTED, TRAIN(line, BITS, 6, 1, 2));
    CHECK_ERROR(TOO_LARGE, TRAIN(line, F32, SIZE_MAX, 1, 2));
    CHECK_ERROR(TOO_LARGE, TRAIN(line, F32, SIZE_MAX / 4, 1, 2));
    CHECK_ERROR(TOO_LARGE, TRAIN(line, F32, 6, 1, SIZE_MAX));
    CHECK_ERROR(NOT_FINITE, TRAIN(nan_row, F32, 1, 1, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_kmeans_train(line, F32, 6, 1, 2, NULL, NULL, assignments, &result));
#define CHECK_OPTION(field, value, status) do { \
    options = (vecstore_kmeans_options)VECSTORE_KMEANS_OPTIONS_INIT; \
    options.field = value; \
    CHECK_ERROR(status, TRAIN(line, F32, 6, 1, 2)); \
    options = (vecstore_kmeans_options)VECSTORE_KMEANS_OPTIONS_INIT; \
} while (0)
    CHECK_OPTION(struct_size, 8, INVALID_ARGUMENT);
    CHECK_OPTION(threads, 1025, INVALID_ARGUMENT);
    CHECK_OPTION(metric, IP, UNSUPPORTED);
    CHECK_OPTION(metric, 99, INVALID_ARGUMENT);
    CHECK_OPTION(start, 3, INVALID_ARGUMENT);
    CHECK_OPTION(sample, 1, INVALID_ARGUMENT);
    CHECK_OPTION(tolerance, NAN, INVALID_ARGUMENT);
    CHECK_OPTION(reserved, 1, INVALID_ARGUMENT);
    options.sample = 6;
    options.batch_size = 6;
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, F32, 6, 1, 2));
    options = (vecstore_kmeans_options)VECSTORE_KMEANS_OPTIONS_INIT;
    result.struct_size = 4;
    CHECK_ERROR(INVALID_ARGUMENT, TRAIN(line, F32, 6, 1, 2));
    const float zero[2] = { 0, 0 };
    options.metric = COSINE;
    result = (vecstore_kmeans_result)VECSTORE_KMEANS_RESULT_INIT;
    CHECK_ERROR(ZERO_VECTOR, TRAIN(zero, F32, 2, 1, 1));
    CHECK_FLOAT(centroids[0], 7);
    CHECK_FLOAT(centroids[1], 8);
}

static void the_largest_options_are_no_crash(void) {
    float centroids[2];
    vecstore_kmeans_options options = VECSTORE_KMEANS_OPTIONS_INIT;
    options.max_iterations = UINT32_MAX;
    options.sample = UINT64_MAX;
    options.seed = UINT64_MAX;
    options.threads = 1024;
    CHECK_OK(vecstore_kmeans_train(line, F32, 6, 1, 2, &options, centroids, NULL, NULL));
    options.sample = 0;
    options.batch_size = UINT64_MAX;
    options.tolerance = INFINITY;
    CHECK_OK(vecstore_kmeans_train(line, F32, 6, 1, 2, &options, centroids, NULL, NULL));
}

static void bad_arguments_of_assign_are_refused(void) {
    const float centroids[2] = { 1, 101 }, bad[2] = { 1, INFINITY };
    uint32_t a[6];
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_kmeans_assign(line, F32, 6, 1, NULL, 2, L2SQ, 0, a, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_kmeans_assign(line, F32, 6, 1, centroids, 0, L2SQ, 0, a, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_kmeans_assign(line, F32, 6, 1, centroids, 2, L2SQ, 0, NULL, NULL));
    CHECK_ERROR(UNSUPPORTED, vecstore_kmeans_assign(line, F32, 6, 1, centroids, 2, IP, 0, a, NULL));
    CHECK_ERROR(NOT_FINITE, vecstore_kmeans_assign(line, F32, 6, 1, bad, 2, L2SQ, 0, a, NULL));
    CHECK_ERROR(TOO_LARGE, vecstore_kmeans_assign(line, F32, 6, 1, centroids, SIZE_MAX, L2SQ, 0, a, NULL));
    CHECK_OK(vecstore_kmeans_assign(NULL, F32, 0, 1, centroids, 2, L2SQ, 0, NULL, NULL));
}

typedef struct watch {
    uint64_t calls, last, total, stop;
} watch;

static bool count_calls(uint64_t done, uint64_t total, void *payload) {
    watch *w = payload;
    CHECK(done >= w->last);
    w->last = done;
    w->total = total;
    return ++w->calls != w->stop;
}

static void progress_ends_at_the_total_and_false_cancels(void) {
    float *rows = clustered_vectors(DIM, ROWS, 6), centroids[K * DIM];
    watch w = { 0, 0, 0, 0 };
    vecstore_kmeans_options options = VECSTORE_KMEANS_OPTIONS_INIT;
    options.progress = count_calls;
    options.payload = &w;
    CHECK_OK(vecstore_kmeans_train(rows, F32, ROWS, DIM, K, &options, centroids, NULL, NULL));
    CHECK(w.calls > 1);
    CHECK_EQ(w.last, w.total);
    const uint64_t calls = w.calls;
    for (uint64_t stop = 1; stop <= calls; stop++) {
        w = (watch){ 0, 0, 0, stop };
        centroids[0] = 1234;
        CHECK_ERROR(CANCELLED, vecstore_kmeans_train(rows, F32, ROWS, DIM, K, &options, centroids, NULL, NULL));
        CHECK_FLOAT(centroids[0], 1234);
    }
    free(rows);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(two_groups_on_a_line),
        TEST(outputs_but_centroids_may_be_null),
        TEST(assign_agrees_with_a_slow_comparison),
        TEST(the_number_of_threads_changes_nothing),
        TEST(unaligned_rows_and_centroids),
        TEST(it_reads_no_byte_too_many),
        TEST(bad_arguments_are_refused_and_leave_the_centroids),
        TEST(the_largest_options_are_no_crash),
        TEST(bad_arguments_of_assign_are_refused),
        TEST(progress_ends_at_the_total_and_false_cancels),
    };
    return RUN_TESTS(tests);
}
