/*
 * Random calls, valid and invalid, beside a model of what an index is: an array of rows.
 * VECSTORE_TEST_SEED sets another seed than the usual one; a failure prints the seed and the step.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { most_rows = 700, most_batch = 40, most_queries = 12, most_k = 20, most_dim = 40, most_size = 4 * most_dim,
       id_range = 1500, steps = 600 };

typedef struct row {
    uint64_t id;
    unsigned char vector[most_size];
} row;

static struct {
    vecstore_kind kind;
    vecstore_metric metric;
    vecstore_dtype dtype;
    size_t dim, size;
    row rows[most_rows];
    size_t count;
    uint64_t next_id;
    vecstore_index *index;
    uint64_t random;
} model;

static size_t below(size_t n) { return random_below(&model.random, n); }

static row *find(uint64_t id) {
    for (size_t i = 0; i < model.count; i++) {
        if (model.rows[i].id == id) return &model.rows[i];
    }
    return NULL;
}

static uint64_t some_id(void) {
    if (model.count > 0 && below(2)) return model.rows[below(model.count)].id;
    return below(50) ? below(id_range) : VECSTORE_ID_NONE;
}

/* ---- batches of rows ---- */

typedef struct batch {
    size_t n;
    uint64_t ids[most_batch];
    /* In the type of the index, and in the type that they are passed in. */
    unsigned char vectors[most_batch * most_size], passed[most_batch * most_size];
    vecstore_dtype dtype;
    bool is_valid;
} batch;

static vecstore_dtype some_dtype(void) {
    return model.dtype <= BF16 ? F32 + (vecstore_dtype)below(3) : model.dtype;
}

/* Vectors in the type of the index, and the same values in another. */
static void make_vectors(unsigned char *vectors, unsigned char *passed, vecstore_dtype dtype, size_t n) {
    fill_random(vectors, model.dtype, model.dim, n, &model.random);
    size_t passed_size = vecstore_row_size(dtype, model.dim);
    memset(passed, 0, n * passed_size);
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < model.dim; d++) {
            double value = element(vectors + i * model.size, model.dtype, d);
            set_element(passed + i * passed_size, dtype, d, value);
        }
    }
}

static void make_batch(batch *b, size_t most) {
    b->n = below(5) ? 1 + below(most) : below(3);
    b->dtype = some_dtype();
    b->is_valid = true;
    make_vectors(b->vectors, b->passed, b->dtype, b->n);
    if (b->n > 0 && below(10) == 0) {
        /* A vector that nothing is defined for. */
        size_t i = below(b->n), size = vecstore_row_size(b->dtype, model.dim);
        static const uint32_t infinities[] = { 0, 0x7f800000, 0x7c00, 0x7f80 };
        if (model.dtype <= BF16) memcpy(b->passed + i * size, &infinities[b->dtype], b->dtype == F32 ? 4 : 2);
        else if (model.metric == COSINE) memset(b->passed + i * size, 0, size);
        else if (model.dtype == BITS && model.dim % 8) b->passed[(i + 1) * size - 1] |= 0x80;
        else return;
        b->is_valid = false;
    }
}

static bool has_repeats(const batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (b->ids[i] == b->ids[j]) return true;
        }
    }
    return false;
}

static void check_outcome(vecstore_status status, bool is_valid, const char *call) {
    check(
        (status == VECSTORE_OK) == is_valid, __FILE__, __LINE__, "%s of a %s batch is %s (%s)", call,
        is_valid ? "valid" : "bad", vecstore_status_name(status), status ? vecstore_last_error() : "no error");
}

/* ---- changes ---- */

static void add(void) {
    static batch b;
    make_batch(&b, most_batch);
    if (model.count + b.n > most_rows) return;
    bool is_given = below(2);
    uint64_t out_ids[most_batch];
    for (size_t i = 0; i < b.n; i++) b.ids[i] = is_given ? below(id_range) : model.next_id + i;
    if (is_given && b.n > 0 && below(4) == 0) b.ids[below(b.n)] = some_id();
    for (size_t i = 0; i < b.n; i++) {
        if (b.ids[i] == VECSTORE_ID_NONE || find(b.ids[i])) b.is_valid = false;
    }
    if (has_repeats(&b)) b.is_valid = false;
    vecstore_work_options options = VECSTORE_WORK_OPTIONS_INIT;
    options.threads = (uint32_t)below(3);
    vecstore_status status = vecstore_index_add(
        model.index, b.passed, b.dtype, b.n, is_given ? b.ids : NULL, &options, out_ids);
    check_outcome(status, b.is_valid, "add");
    if (status != VECSTORE_OK) return;
    for (size_t i = 0; i < b.n; i++) {
        CHECK_EQ(out_ids[i], b.ids[i]);
        row *added = &model.rows[model.count++];
        added->id = b.ids[i];
        memcpy(added->vector, b.vectors + i * model.size, model.size);
        if (b.ids[i] >= model.next_id) model.next_id = b.ids[i] + 1;
    }
}

static void update(void) {
    static batch b;
    make_batch(&b, 6);
    for (size_t i = 0; i < b.n; i++) {
        b.ids[i] = model.count > 0 && below(20) ? model.rows[below(model.count)].id : some_id();
        if (!find(b.ids[i])) b.is_valid = false;
    }
    if (has_repeats(&b)) b.is_valid = false;
    vecstore_status status = vecstore_index_update(model.index, b.ids, b.passed, b.dtype, b.n);
    check_outcome(status, b.is_valid, "update");
    if (status != VECSTORE_OK) return;
    for (size_t i = 0; i < b.n; i++) memcpy(find(b.ids[i])->vector, b.vectors + i * model.size, model.size);
}

static void remove_rows(void) {
    uint64_t ids[most_batch];
    size_t n = below(10) ? below(8) : below(most_batch), expected = 0, removed = SIZE_MAX;
    for (size_t i = 0; i < n; i++) ids[i] = some_id();
    CHECK_OK(vecstore_index_remove(model.index, ids, n, &removed));
    for (size_t i = 0; i < n; i++) {
        row *gone = find(ids[i]);
        if (!gone) continue;
        *gone = model.rows[--model.count];
        expected++;
    }
    CHECK_EQ(removed, expected);
}

static void reshape(void) {
    size_t way = below(3);
    if (way == 0) CHECK_OK(vecstore_index_compact(model.index));
    else if (way == 1) CHECK_OK(vecstore_index_optimize(model.index, NULL));
    else CHECK_OK(vecstore_index_reserve(model.index, below(2 * most_rows)));
}

/* ---- readings ---- */

static int compare_ids(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void list(void) {
    uint64_t ids[most_rows + 1], expected[most_rows + 1];
    size_t total = 0, written;
    do {
        size_t capacity = 1 + below(most_rows + 1 - total);
        CHECK_OK(vecstore_index_ids(model.index, total, ids + total, capacity, &written));
        total += written;
    } while (written > 0 && total <= model.count);
    CHECK_EQ(total, model.count);
    CHECK_EQ(count_of(model.index), model.count);
    CHECK_EQ(stats_of(model.index).next_id, model.next_id);
    for (size_t i = 0; i < model.count; i++) expected[i] = model.rows[i].id;
    qsort(ids, total, sizeof *ids, compare_ids);
    qsort(expected, model.count, sizeof *expected, compare_ids);
    CHECK(total != model.count || memcmp(ids, expected, total * sizeof *ids) == 0);
}

static void get(void) {
    uint64_t ids[most_batch];
    uint8_t found[most_batch];
    unsigned char vectors[most_batch * most_size];
    size_t n = below(most_batch);
    bool are_all_there = true;
    for (size_t i = 0; i < n; i++) {
        ids[i] = model.count > 0 && below(60) ? model.rows[below(model.count)].id : some_id();
        if (!find(ids[i])) are_all_there = false;
    }
    CHECK_OK(vecstore_index_contains(model.index, ids, n, found));
    for (size_t i = 0; i < n; i++) CHECK_EQ(found[i], find(ids[i]) != NULL);
    if (!are_all_there) {
        CHECK_ERROR(NOT_FOUND, vecstore_index_get(model.index, ids, n, model.dtype, vectors));
        return;
    }
    CHECK_OK(vecstore_index_get(model.index, ids, n, model.dtype, vectors));
    for (size_t i = 0; i < n; i++) CHECK(memcmp(vectors + i * model.size, find(ids[i])->vector, model.size) == 0);
}

/* ---- searches ---- */

typedef struct hit {
    float distance;
    uint64_t id;
} hit;

static int compare_hits(const void *a, const void *b) {
    const hit *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return compare_ids(&x->id, &y->id);
}

typedef struct wanted {
    vecstore_filter filter;
    uint8_t bitmap[id_range / 8];
    uint64_t ids[most_batch];
    uint64_t divisor;
} wanted;

static bool is_multiple(uint64_t id, void *payload) { return id % ((const wanted *)payload)->divisor == 0; }

static void make_filter(wanted *w) {
    const vecstore_filter init = VECSTORE_FILTER_INIT;
    w->filter = init;
    w->filter.kind = (vecstore_filter_kind)below(4);
    w->filter.negate = (uint32_t)below(2);
    for (size_t i = 0; i < sizeof w->bitmap; i++) w->bitmap[i] = (uint8_t)random_bits(&model.random);
    w->filter.bitmap = w->bitmap;
    w->filter.bitmap_bits = below(8 * sizeof w->bitmap + 1);
    w->filter.ids = w->ids;
    w->filter.ids_count = below(most_batch);
    for (size_t i = 0; i < most_batch; i++) w->ids[i] = some_id();
    w->divisor = 1 + below(8);
    w->filter.callback = is_multiple;
    w->filter.payload = w;
}

static bool is_wanted(const wanted *w, uint64_t id) {
    bool matches = true;
    if (w->filter.kind == VECSTORE_FILTER_BITMAP) {
        matches = id < w->filter.bitmap_bits && (w->bitmap[id / 8] >> id % 8 & 1);
    } else if (w->filter.kind == VECSTORE_FILTER_IDS) {
        matches = false;
        for (uint64_t i = 0; i < w->filter.ids_count; i++) matches |= w->ids[i] == id;
    } else if (w->filter.kind == VECSTORE_FILTER_CALLBACK) {
        matches = id % w->divisor == 0;
    }
    return matches != (w->filter.negate == 1);
}

/* All rows that are wanted, nearest first. */
static size_t hits_of(const unsigned char *query, const wanted *w, hit *hits) {
    size_t count = 0;
    for (size_t i = 0; i < model.count; i++) {
        if (w && !is_wanted(w, model.rows[i].id)) continue;
        hits[count].id = model.rows[i].id;
        CHECK_OK(vecstore_distance(
            query, model.rows[i].vector, model.dim, model.metric, model.dtype, &hits[count].distance));
        count++;
    }
    qsort(hits, count, sizeof *hits, compare_hits);
    return count;
}

/* Result i is the row that the model has there; of a graph or lists any row of this distance that is no earlier result. */
static void check_id(const uint64_t *ids, size_t i, const hit *expected, const hit *all, size_t count) {
    if (!expected || model.kind == VECSTORE_KIND_FLAT) {
        CHECK_EQ(ids[i], expected ? expected->id : VECSTORE_ID_NONE);
        return;
    }
    bool is_one = false;
    for (size_t h = 0; h < count; h++) is_one = is_one || (all[h].id == ids[i] && all[h].distance == expected->distance);
    CHECK(is_one);
    for (size_t j = 0; j < i; j++) CHECK(ids[j] != ids[i]);
}

static void search(const vecstore_index *index) {
    static unsigned char queries[most_queries * most_size], passed[most_queries * most_size];
    static wanted w;
    static hit hits[most_rows];
    vecstore_dtype dtype = some_dtype();
    size_t nq = below(most_queries + 1), k = 1 + below(most_k);
    make_vectors(queries, passed, dtype, nq);
    make_filter(&w);
    bool is_filtered = below(2);
    vecstore_search_options options = VECSTORE_SEARCH_OPTIONS_INIT;
    options.threads = (uint32_t)below(4);
    options.filter = is_filtered ? &w.filter : NULL;
    /* A graph with all of its rows in view is exact, because every row can be reached. */
    options.ef_search = 16384;
    /* So are lists that are all read, where all rows are ranked. */
    options.nprobe = 1 << 20;
    uint64_t ids[most_queries * most_k], counts[most_queries];
    float distances[most_queries * most_k], radius = 0;
    CHECK_OK(vecstore_index_search(index, passed, dtype, nq, k, &options, ids, distances, counts));
    for (size_t q = 0; q < nq; q++) {
        size_t count = hits_of(queries + q * model.size, is_filtered ? &w : NULL, hits);
        CHECK_EQ(counts[q], count < k ? count : k);
        for (size_t i = 0; i < k; i++) {
            check_id(ids + q * k, i, i < count ? &hits[i] : NULL, hits, count);
            CHECK_FLOAT(distances[q * k + i], i < count ? hits[i].distance : INFINITY);
        }
        if (count > 0) radius = hits[below(count)].distance;
    }
    vecstore_range_result *result;
    REQUIRE_OK(vecstore_index_search_range(index, passed, dtype, nq, radius, &options, &result));
    const uint64_t *offsets, *range_ids;
    const float *range_distances;
    CHECK_OK(vecstore_range_result_get(result, NULL, &offsets, &range_ids, &range_distances));
    for (size_t q = 0; q < nq; q++) {
        size_t count = hits_of(queries + q * model.size, is_filtered ? &w : NULL, hits), within = 0;
        while (within < count && hits[within].distance <= radius) within++;
        if (!CHECK_EQ(offsets[q + 1] - offsets[q], within)) break;
        for (size_t i = 0; i < within; i++) {
            check_id(range_ids + offsets[q], i, &hits[i], hits, count);
            CHECK_FLOAT(range_distances[offsets[q] + i], hits[i].distance);
        }
    }
    vecstore_range_result_free(result);
}

/* ---- files, and calls that must fail ---- */

static void save_and_open(void) {
    vecstore_save_options fast = VECSTORE_SAVE_OPTIONS_INIT;
    fast.no_sync = 1;
    CHECK_OK(vecstore_index_save(model.index, test_path("file"), &fast));
    vecstore_open_options options = VECSTORE_OPEN_OPTIONS_INIT;
    options.load = (uint32_t)below(2);
    options.verify = (uint32_t)below(3);
    vecstore_index *opened;
    REQUIRE_OK(vecstore_index_open(test_path("file"), &options, &opened));
    if (options.load) {
        vecstore_index_free(model.index);
        model.index = opened;
        return;
    }
    vecstore_index *kept = model.index;
    model.index = opened;
    list();
    get();
    search(opened);
    CHECK_ERROR(READ_ONLY, vecstore_index_compact(opened));
    vecstore_index_free(opened);
    model.index = kept;
}

static void call_badly(void) {
    unsigned char vector[most_size] = { 1 };
    uint64_t id = 0;
    float distance;
    vecstore_index *stale = new_index(model.metric, model.dtype, model.dim), *out;
    vecstore_index_free(stale);
    switch (below(8)) {
    case 0: CHECK_ERROR(INVALID_HANDLE, vecstore_index_add(stale, vector, model.dtype, 1, NULL, NULL, NULL)); break;
    case 1:
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(model.index, NULL, model.dtype, 1, NULL, NULL, NULL));
        break;
    case 2: CHECK_ERROR(INVALID_ARGUMENT, vecstore_index_add(model.index, vector, 9, 1, NULL, NULL, NULL)); break;
    case 3: CHECK_ERROR(TOO_LARGE, vecstore_index_remove(model.index, &id, SIZE_MAX, NULL)); break;
    case 4:
        CHECK_ERROR(
            INVALID_ARGUMENT,
            vecstore_index_search(model.index, vector, model.dtype, 1, 0, NULL, &id, &distance, NULL));
        break;
    case 5: CHECK_ERROR(NOT_FOUND, vecstore_index_open(test_path("none"), NULL, &out)); break;
    case 6:
        id = VECSTORE_ID_NONE;
        CHECK_ERROR(NOT_FOUND, vecstore_index_get(model.index, &id, 1, model.dtype, vector));
        break;
    default: vecstore_index_free(stale); break;
    }
}

static void run_steps(uint64_t seed) {
    for (int step = 0; step < steps && is_passing(); step++) {
        note("seed %llu, kind %u, %s of %s, dim %zu, step %d", (unsigned long long)seed, model.kind,
             metric_name(model.metric), dtype_name(model.dtype), model.dim, step);
        switch (below(16)) {
        case 0: case 1: case 2: case 3: add(); break;
        case 4: case 5: update(); break;
        case 6: case 7: remove_rows(); break;
        case 8: case 9: search(model.index); break;
        case 10: get(); break;
        case 11: list(); break;
        case 12: if (below(4) == 0) reshape(); break;
        case 13: CHECK_OK(vecstore_index_verify(model.index)); break;
        case 14: if (below(4) == 0) save_and_open(); break;
        default: call_badly(); break;
        }
    }
}

static void check_kind(vecstore_kind kind) {
    static const size_t dims[] = { 1, 3, 8, 33, most_dim };
    const char *text = getenv("VECSTORE_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 1;
    model.random = seed;
    model.kind = kind;
    for (vecstore_metric metric = first_metric; metric <= last_metric; metric++) {
        for (vecstore_dtype dtype = first_dtype; dtype <= last_dtype; dtype++) {
            if (!vecstore_is_supported(metric, dtype) || !is_passing()) continue;
            if (kind == VECSTORE_KIND_IVF && (metric > COSINE || dtype == BITS)) continue;
            model.metric = metric;
            model.dtype = dtype;
            model.dim = dims[below(5)];
            model.size = vecstore_row_size(dtype, model.dim);
            model.count = 0;
            model.next_id = 0;
            vecstore_index_options options = VECSTORE_INDEX_OPTIONS_INIT;
            options.kind = kind;
            options.dim = (uint32_t)model.dim;
            options.metric = metric;
            options.dtype = dtype;
            if (kind == VECSTORE_KIND_HNSW) options.m = (uint32_t)(2 + below(7));
            /* Trained before, with each row in one list or in two; or by the first rows. */
            const bool is_trained = kind == VECSTORE_KIND_IVF && below(3) > 0;
            if (is_trained) options.nlist = 8, options.assignments = 1 + (uint32_t)below(2);
            model.index = create_index(&options);
            if (is_trained) {
                void *sample = random_vectors(dtype, model.dim, 100, seed);
                REQUIRE_OK(vecstore_index_train(model.index, sample, dtype, 100, NULL));
                free(sample);
            }
            run_steps(seed);
            vecstore_index_free(model.index);
        }
    }
}

static void random_calls_agree_with_the_model(void) { check_kind(VECSTORE_KIND_FLAT); }

static void random_calls_of_a_graph_agree_with_the_model(void) { check_kind(VECSTORE_KIND_HNSW); }

static void random_calls_of_lists_agree_with_the_model(void) { check_kind(VECSTORE_KIND_IVF); }

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(random_calls_agree_with_the_model),
        TEST(random_calls_of_a_graph_agree_with_the_model),
        TEST(random_calls_of_lists_agree_with_the_model),
    };
    return RUN_TESTS(tests);
}
