/*
 * What no caller of a collection should pass: NULL, handles that are none, sizes, values and texts out of range, odd paths.
 * After each error the collection is as it was before.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "collections.h"
#include "harness.h"
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { n = 20 };

static const char bad_utf8[] = "a\xff";
static vecstore_collection *collection;

static void make(void) { collection = filled_collection(test_path("c"), n); }

/* The errors before this have changed nothing. */
static void finish(void) {
    CHECK_OK(vecstore_collection_verify(collection));
    check_points(collection, n);
    char *text = description_of(collection);
    CHECK(strstr(text, "\"rows\":20,"));
    free(text);
    CHECK_OK(vecstore_collection_close(collection));
}

/* A text of so many bytes, for free(). */
static char *long_text(size_t size, char byte) {
    char *text = malloc(size + 1);
    REQUIRE(text);
    memset(text, byte, size);
    text[size] = 0;
    return text;
}

static vecstore_status upsert(vecstore_id id, const float *row, const char *payload) {
    const vecstore_batch_vectors vectors = { NULL, row, F32, 0, NULL };
    return vecstore_collection_upsert(collection, &id, 1, &vectors, 1, &payload, NULL);
}

static vecstore_status search(size_t k, const vecstore_query_options *options) {
    vecstore_hits *hits = (vecstore_hits *)1;
    vecstore_status status = vecstore_collection_search(collection, point_vector(0), F32, 1, k, options, &hits);
    CHECK((hits == NULL) == (status != VECSTORE_OK));
    if (status == VECSTORE_OK) vecstore_hits_free(hits);
    return status;
}

static vecstore_status search_text(const char *text, size_t k, const vecstore_query_options *options,
    const vecstore_text_options *text_options) {
    vecstore_hits *hits = (vecstore_hits *)1;
    vecstore_status status = vecstore_collection_search_text(collection, text, k, options, text_options, &hits);
    CHECK((hits == NULL) == (status != VECSTORE_OK));
    if (status == VECSTORE_OK) vecstore_hits_free(hits);
    return status;
}

static vecstore_status search_hybrid(const char *text, size_t k, const vecstore_query_options *options,
    const vecstore_hybrid_options *hybrid) {
    vecstore_hits *hits = (vecstore_hits *)1;
    vecstore_status status =
        vecstore_collection_search_hybrid(collection, point_vector(0), F32, text, k, options, NULL, hybrid, &hits);
    CHECK((hits == NULL) == (status != VECSTORE_OK));
    if (status == VECSTORE_OK) vecstore_hits_free(hits);
    return status;
}

static vecstore_status groups(const char *path, size_t count, size_t size) {
    vecstore_hits *hits = NULL;
    vecstore_status status =
        vecstore_collection_search_groups(collection, point_vector(0), F32, path, count, size, NULL, &hits);
    vecstore_hits_free(hits);
    return status;
}

static vecstore_status recommend(const vecstore_id *ids, size_t count, const vecstore_id *others, size_t n_others,
    size_t k) {
    vecstore_hits *hits = NULL;
    vecstore_status status = vecstore_collection_recommend(collection, ids, count, others, n_others, k, NULL, &hits);
    vecstore_hits_free(hits);
    return status;
}

static vecstore_status facet(const char *path, const char *filter, size_t limit) {
    vecstore_hits *hits = NULL;
    vecstore_status status = vecstore_collection_facet(collection, path, filter, limit, &hits);
    vecstore_hits_free(hits);
    return status;
}

static vecstore_status get(const vecstore_id *ids, size_t count, const char *name) {
    vecstore_hits *hits = NULL;
    vecstore_status status = vecstore_collection_get(collection, ids, count, name, &hits);
    vecstore_hits_free(hits);
    return status;
}

static vecstore_status scroll(const vecstore_id *after, size_t limit, const char *filter, const char *name) {
    vecstore_hits *hits = NULL;
    vecstore_status status = vecstore_collection_scroll(collection, after, limit, filter, name, &hits);
    vecstore_hits_free(hits);
    return status;
}

/* ---- NULL ---- */

static void null_is_refused_where_something_is_needed(void) {
    make();
    const vecstore_id id = number_id(0);
    const vecstore_vector_options vector = plain_vector();
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL }, none = { NULL, NULL, F32, 0, NULL };
    vecstore_collection *out = (vecstore_collection *)1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(NULL, &vector, 1, NULL, &out));
    CHECK(out == NULL);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), NULL, 1, NULL, &out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), &vector, 1, NULL, NULL));
    CHECK(access(test_path("new"), F_OK) != 0);
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(NULL, NULL, &out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(test_path("c"), NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, NULL, 1, &vectors, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, &id, 1, NULL, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, &id, 1, NULL, 0, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, &id, 1, &none, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_update_vectors(collection, NULL, 1, &vectors, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_update_vectors(collection, &id, 1, NULL, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_update_vectors(collection, &id, 1, &none, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_remove(collection, NULL, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_remove_matching(collection, NULL, NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_change_payload(collection, NULL, 1, NULL, VECSTORE_PAYLOAD_MERGE, "{}",
        NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_change_payload(collection, &id, 1, NULL, VECSTORE_PAYLOAD_MERGE, NULL,
        NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_change_payload(collection, &id, 1, "{}", VECSTORE_PAYLOAD_MERGE, "{}",
        NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create_payload_index(collection, NULL, "keyword", NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create_payload_index(collection, "x", NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_drop_payload_index(collection, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_count(collection, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_revision(collection, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_get(collection, NULL, 1, NULL, (vecstore_hits **)&out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_get(collection, &id, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_scroll(collection, NULL, 1, NULL, NULL, NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_search(collection, NULL, F32, 1, 1, NULL, (vecstore_hits **)&out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_search(collection, point_vector(0), F32, 1, 1, NULL, NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_search_groups(collection, NULL, F32, "n", 1, 1, NULL,
        (vecstore_hits **)&out));
    CHECK_ERROR(INVALID_ARGUMENT, groups(NULL, 1, 1));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_search_groups(collection, point_vector(0), F32, "n", 1, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, recommend(NULL, 1, NULL, 0, 1));
    CHECK_ERROR(INVALID_ARGUMENT, recommend(&id, 1, NULL, 1, 1));
    CHECK_ERROR(INVALID_ARGUMENT, recommend(NULL, 0, NULL, 0, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_recommend(collection, &id, 1, NULL, 0, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, facet(NULL, NULL, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_facet(collection, "n", NULL, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, search_text(NULL, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_search_text(collection, "a", 1, NULL, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, search_hybrid(NULL, 1, NULL, NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_search_hybrid(collection, NULL, F32, "a", 1, NULL, NULL, NULL,
        (vecstore_hits **)&out));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_search_hybrid(collection, point_vector(0), F32, "a", 1, NULL, NULL, NULL,
        NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_snapshot(collection, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_restore(NULL, test_path("new"), NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_restore(test_path("c"), NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_describe(collection, NULL, 1, NULL));
    const char *const fields[] = { NULL };
    vecstore_text_options text = VECSTORE_TEXT_OPTIONS_INIT;
    text.fields = fields;
    text.n_fields = 1;
    CHECK_ERROR(INVALID_ARGUMENT, search_text("a", 1, NULL, &text));
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_get(collection, &id, 1, NULL, &hits));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_hits_get(hits, NULL));
    vecstore_hits_free(hits);
    finish();
}

/* ---- handles ---- */

/* Calls every function with a handle; each must refuse it with `expected`. */
static void check_all_refuse(vecstore_collection *handle, vecstore_status expected) {
    const vecstore_id id = number_id(0);
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    vecstore_order_options order = VECSTORE_ORDER_OPTIONS_INIT;
    order.order_by = "n";
    uint64_t count;
    bool changed;
    vecstore_hits *hits;
#define CHECK_REFUSED(call) check_status(call, expected, __FILE__, __LINE__, #call)
#define CHECK_NO_HITS(call) do { hits = (vecstore_hits *)1; CHECK_REFUSED(call); CHECK(hits == NULL); } while (0)
    CHECK_REFUSED(vecstore_collection_upsert(handle, &id, 1, &vectors, 1, NULL, NULL));
    CHECK_REFUSED(vecstore_collection_update_vectors(handle, &id, 1, &vectors, 1));
    CHECK_REFUSED(vecstore_collection_remove(handle, &id, 1, NULL));
    CHECK_REFUSED(vecstore_collection_remove_matching(handle, "{}", NULL));
    CHECK_REFUSED(vecstore_collection_change_payload(handle, &id, 1, NULL, VECSTORE_PAYLOAD_MERGE, "{}", NULL));
    CHECK_REFUSED(vecstore_collection_create_payload_index(handle, "x", "keyword", NULL));
    CHECK_REFUSED(vecstore_collection_drop_payload_index(handle, "n", NULL));
    CHECK_REFUSED(vecstore_collection_count(handle, NULL, &count));
    CHECK_NO_HITS(vecstore_collection_get(handle, &id, 1, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_scroll(handle, NULL, 1, NULL, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_scroll_ordered(handle, &order, 1, NULL, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_search(handle, point_vector(0), F32, 1, 1, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_search_groups(handle, point_vector(0), F32, "n", 1, 1, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_recommend(handle, &id, 1, NULL, 0, 1, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_facet(handle, "n", NULL, 1, &hits));
    CHECK_NO_HITS(vecstore_collection_search_text(handle, "a", 1, NULL, NULL, &hits));
    CHECK_NO_HITS(vecstore_collection_search_hybrid(handle, point_vector(0), F32, "a", 1, NULL, NULL, NULL, &hits));
    CHECK_REFUSED(vecstore_collection_optimize(handle, NULL));
    CHECK_REFUSED(vecstore_collection_refresh(handle, &changed));
    CHECK_REFUSED(vecstore_collection_revision(handle, &count));
    CHECK_REFUSED(vecstore_collection_compact(handle, NULL, NULL, NULL));
    CHECK_REFUSED(vecstore_collection_repair(handle, NULL, NULL));
    CHECK_REFUSED(vecstore_collection_repair_report(handle, NULL, 0, NULL));
    CHECK_REFUSED(vecstore_collection_snapshot(handle, test_path("snapshot"), NULL));
    CHECK(access(test_path("snapshot"), F_OK) != 0);
    CHECK_REFUSED(vecstore_collection_verify(handle));
    CHECK_REFUSED(vecstore_collection_describe(handle, NULL, 0, NULL));
    if (handle) CHECK_REFUSED(vecstore_collection_close(handle));
#undef CHECK_NO_HITS
#undef CHECK_REFUSED
}

static void handles_that_are_none_are_refused(void) {
    make();
    check_all_refuse(NULL, VECSTORE_ERR_INVALID_ARGUMENT);
    vecstore_index *index = three_rows();
    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_search(collection, point_vector(0), F32, 1, 1, NULL, &hits));
    const uintptr_t bits = (uintptr_t)collection;
    const uintptr_t kind_bits = (uintptr_t)0xff << 56, own_kind = bits & kind_bits;
    const uintptr_t made_up[] = { 1, 8, (uintptr_t)&bits, UINTPTR_MAX, bits + 1, bits ^ (1 << 24),
        bits ^ ((uintptr_t)1 << 56),
                                  (uintptr_t)index, (uintptr_t)hits,
                                  ((uintptr_t)index & ~kind_bits) | own_kind, ((uintptr_t)hits & ~kind_bits) | own_kind,
                                  (uintptr_t)0xA4 << 56 | 0xffffff };
    for (size_t i = 0; i < sizeof made_up / sizeof *made_up; i++) {
        note("handle %zu", i);
        check_all_refuse((vecstore_collection *)made_up[i], VECSTORE_ERR_INVALID_HANDLE);
    }
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_hits_get(NULL, &view));
    CHECK_ERROR(INVALID_HANDLE, vecstore_hits_get((vecstore_hits *)collection, &view));
    CHECK_ERROR(INVALID_HANDLE, vecstore_hits_get((vecstore_hits *)&view, &view));
    /* Frees nothing that is not its own. */
    CHECK_EQ(count_of(index), 3);
    CHECK_OK(vecstore_hits_get(hits, &view));
    vecstore_hits_free((vecstore_hits *)collection);
    vecstore_hits_free((vecstore_hits *)&view);
    vecstore_hits_free(hits);
    CHECK_ERROR(INVALID_HANDLE, vecstore_hits_get(hits, &view));
    vecstore_index_free(index);
    finish();
    check_all_refuse(collection, VECSTORE_ERR_INVALID_HANDLE);
}

/* ---- structs ---- */

/* Calls `call` with struct sizes that are not allowed, and with fields behind the struct that are not 0.
 * `first` is the size that the struct had in its first version. */
static void check_sizes(void *options, size_t known, size_t first, vecstore_status (*call)(void *options),
    const char *name) {
    note("%s", name);
    unsigned char *grown = calloc(1, 4200);
    REQUIRE(grown);
    memcpy(grown, options, known);
    const uint32_t sizes[] = { 0, 1, 4, (uint32_t)first - 1, 4097, UINT32_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(grown, &sizes[i], sizeof sizes[i]);
        CHECK_ERROR(INVALID_ARGUMENT, call(grown));
    }
    const uint32_t larger = (uint32_t)known + 8;
    memcpy(grown, &larger, sizeof larger);
    grown[known + 7] = 1;
    CHECK_ERROR(INVALID_ARGUMENT, call(grown));
    free(grown);
    note("%s", "");
}

static vecstore_status create_with_vector(void *options) {
    vecstore_collection *out = NULL;
    return vecstore_collection_create(test_path("new"), options, 1, NULL, &out);
}
static vecstore_status create_with_options(void *options) {
    const vecstore_vector_options vector = plain_vector();
    vecstore_collection *out = NULL;
    return vecstore_collection_create(test_path("new"), &vector, 1, options, &out);
}
static vecstore_status open_with_options(void *options) {
    vecstore_collection *out = NULL;
    return vecstore_collection_open(test_path("c"), options, &out);
}
static vecstore_status search_with_options(void *options) { return search(1, options); }
static vecstore_status search_text_with_options(void *options) { return search_text("a", 1, NULL, options); }
static vecstore_status search_hybrid_with_options(void *options) { return search_hybrid("a", 1, NULL, options); }
static vecstore_status optimize_with_options(void *options) {
    return vecstore_collection_optimize(collection, options);
}
static vecstore_status snapshot_with_options(void *options) {
    return vecstore_collection_snapshot(collection, test_path("new"), options);
}

static void struct_sizes_are_checked(void) {
    make();
    vecstore_vector_options vector = plain_vector();
    vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
    vecstore_query_options query = VECSTORE_QUERY_OPTIONS_INIT;
    vecstore_text_options text = VECSTORE_TEXT_OPTIONS_INIT;
    vecstore_hybrid_options hybrid = VECSTORE_HYBRID_OPTIONS_INIT;
    check_sizes(&vector, sizeof vector, sizeof vector, create_with_vector, "vector options");
    check_sizes(&options, sizeof options, offsetof(vecstore_collection_options, memory), create_with_options, "options of create");
    check_sizes(&options, sizeof options, offsetof(vecstore_collection_options, memory), open_with_options, "options of open");
    check_sizes(&query, sizeof query, offsetof(vecstore_query_options, has_threshold), search_with_options,
        "query options");
    check_sizes(&text, sizeof text, sizeof text, search_text_with_options, "text options");
    check_sizes(&hybrid, sizeof hybrid, sizeof hybrid, search_hybrid_with_options, "hybrid options");
    /* That struct has grown: it began with 8 bytes. */
    uint32_t small[2] = { 7, 0 };
    CHECK_ERROR(INVALID_ARGUMENT, optimize_with_options(small));
    CHECK_ERROR(INVALID_ARGUMENT, snapshot_with_options(small));
    small[0] = 4097;
    CHECK_ERROR(INVALID_ARGUMENT, optimize_with_options(small));

    vecstore_vector_options two[2] = { plain_vector(), plain_vector() };
    two[0].name = "a";
    two[1].name = "b";
    two[1].struct_size = sizeof two[0] + 8;
    vecstore_collection *out = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), two, 2, NULL, &out));
    two[0].struct_size = 0;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), two, 2, NULL, &out));
    CHECK(access(test_path("new"), F_OK) != 0);

    vecstore_hits *hits = NULL;
    REQUIRE_OK(vecstore_collection_search(collection, point_vector(0), F32, 1, 1, NULL, &hits));
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    const int64_t expires[1] = { 7 };
    /* That struct has grown too: it ended with `groups`. */
    const uint32_t sizes[] = { 0, 8, offsetof(vecstore_hits_view, expires) - 1, 4097, UINT32_MAX };
    for (size_t i = 0; i < 5; i++) {
        view.struct_size = sizes[i];
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_hits_get(hits, &view));
        CHECK(view.ids == NULL);
    }
    view.struct_size = offsetof(vecstore_hits_view, expires);
    view.expires = expires;
    CHECK_OK(vecstore_hits_get(hits, &view));
    CHECK(view.ids != NULL && view.expires == expires);
    vecstore_hits_free(hits);
    finish();
}

/* ---- vectors of a new collection ---- */

static void vectors_that_cannot_be_are_refused(void) {
    char *longest = long_text(255, 'x'), *too_long = long_text(256, 'x');
    vecstore_collection *out = NULL;
#define REFUSED(status, change) \
    do { \
        vecstore_vector_options v = plain_vector(); \
        change; \
        CHECK_ERROR(status, vecstore_collection_create(test_path("new"), &v, 1, NULL, &out)); \
    } while (0)
    REFUSED(INVALID_ARGUMENT, v.dim = 0);
    REFUSED(INVALID_ARGUMENT, v.dim = VECSTORE_DIM_MAX + 1);
    REFUSED(INVALID_ARGUMENT, v.dim = UINT32_MAX);
    REFUSED(INVALID_ARGUMENT, v.metric = 77);
    REFUSED(UNSUPPORTED, v.metric = L1);
    REFUSED(UNSUPPORTED, v.metric = HAMMING);
    REFUSED(INVALID_ARGUMENT, v.dtype = 77);
    REFUSED(UNSUPPORTED, v.dtype = BF16);
    REFUSED(UNSUPPORTED, v.dtype = BITS);
    REFUSED(UNSUPPORTED, v.kind = VECSTORE_KIND_IVF);
    REFUSED(UNSUPPORTED, v.kind = 77);
    REFUSED(INVALID_ARGUMENT, v.storage = 77);
    REFUSED(INVALID_ARGUMENT, v.storage = UINT32_MAX);
    REFUSED(INVALID_ARGUMENT, v.m = 1);
    REFUSED(INVALID_ARGUMENT, v.m = 257);
    REFUSED(INVALID_ARGUMENT, v.m = UINT32_MAX);
    REFUSED(INVALID_ARGUMENT, v.ef_construction = VECSTORE_K_MAX + 1);
    REFUSED(INVALID_ARGUMENT, v.name = too_long);
    REFUSED(INVALID_ARGUMENT, v.name = bad_utf8);
    REFUSED(INVALID_ARGUMENT, v.name = "a\nb");
    REFUSED(INVALID_ARGUMENT, v.model = too_long);
    REFUSED(INVALID_ARGUMENT, v.model = bad_utf8);
    REFUSED(INVALID_ARGUMENT, v.model_version = "\x7f");
    REFUSED(INVALID_ARGUMENT, v.model_version = bad_utf8);
#undef REFUSED
    vecstore_vector_options many[65];
    char names[65][8];
    for (int i = 0; i < 65; i++) {
        many[i] = plain_vector();
        snprintf(names[i], sizeof names[i], "v%d", i);
        many[i].name = names[i];
    }
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), many, 0, NULL, &out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), many, 65, NULL, &out));
    CHECK_ERROR(TOO_LARGE, vecstore_collection_create(test_path("new"), many, SIZE_MAX, NULL, &out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), many, SIZE_MAX / 2, NULL, &out));
    many[1].name = "v0";
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), many, 2, NULL, &out));
    many[1].name = NULL;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), many, 2, NULL, &out));
    CHECK(access(test_path("new"), F_OK) != 0);
    many[1].name = longest;
    REQUIRE_OK(vecstore_collection_create(test_path("new"), many, 64, NULL, &out));
    CHECK_OK(vecstore_collection_close(out));
    free(longest);
    free(too_long);
}

static void options_out_of_range_are_refused(void) {
    vecstore_collection *out = NULL;
    const vecstore_vector_options vector = plain_vector();
    vecstore_collection_options options = VECSTORE_COLLECTION_OPTIONS_INIT;
    options.read_only = 1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), &vector, 1, &options, &out));
    options.read_only = 2;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), &vector, 1, &options, &out));
    options.read_only = 0;
    options.durability = 4;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), &vector, 1, &options, &out));
    options.durability = 0;
    options.index_threads = 1025;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(test_path("new"), &vector, 1, &options, &out));
    CHECK(access(test_path("new"), F_OK) != 0);
}

/* ---- points ---- */

static void ids_that_cannot_be_are_refused(void) {
    make();
    char *longest = long_text(255, 'i'), *too_long = long_text(256, 'i');
    CHECK_ERROR(INVALID_ARGUMENT, upsert(number_id(VECSTORE_ID_NONE), point_vector(0), NULL));
    CHECK_ERROR(INVALID_ARGUMENT, upsert(text_id(""), point_vector(0), NULL));
    CHECK_ERROR(INVALID_ARGUMENT, upsert(text_id(too_long), point_vector(0), NULL));
    CHECK_ERROR(INVALID_ARGUMENT, upsert(text_id(bad_utf8), point_vector(0), NULL));
    const vecstore_id bad[] = { text_id(bad_utf8) }, good = number_id(0);
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_update_vectors(collection, bad, 1, &vectors, 1));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_remove(collection, bad, 1, NULL));
    CHECK_ERROR(
        INVALID_ARGUMENT, vecstore_collection_change_payload(collection, bad, 1, NULL, VECSTORE_PAYLOAD_SET, "",
        NULL));
    CHECK_ERROR(INVALID_ARGUMENT, get(bad, 1, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, scroll(bad, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, recommend(bad, 1, NULL, 0, 1));
    CHECK_ERROR(INVALID_ARGUMENT, recommend(&good, 1, bad, 1, 1));
    /* What no point can have for an id is not there. */
    const vecstore_id strange[] = { number_id(VECSTORE_ID_NONE), text_id(""), text_id(too_long) };
    size_t count = 7;
    CHECK_OK(get(strange, 3, ""));
    CHECK_OK(vecstore_collection_remove(collection, strange, 3, &count));
    CHECK_EQ(count, 0);
    CHECK_OK(vecstore_collection_change_payload(collection, strange, 3, NULL, VECSTORE_PAYLOAD_SET, "", &count));
    CHECK_EQ(count, 0);
    for (size_t i = 0; i < 3; i++) {
        CHECK_ERROR(NOT_FOUND, vecstore_collection_update_vectors(collection, &strange[i], 1, &vectors, 1));
        CHECK_ERROR(NOT_FOUND, recommend(&strange[i], 1, NULL, 0, 1));
        CHECK_OK(scroll(&strange[i], 1, NULL, NULL));
    }
    finish();
    free(longest);
    free(too_long);
}

static void counts_beyond_memory_are_refused(void) {
    make();
    const vecstore_id id = number_id(0);
    const vecstore_batch_vectors vectors = { NULL, point_vector(0), F32, 0, NULL };
    const size_t counts[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 + 1, (size_t)1 << 61, (size_t)1 << 60,
                              (size_t)1 << 56, (size_t)1 << 52, (size_t)1 << 48, (1 << 20) + 1 };
    vecstore_hits *hits = NULL;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const size_t m = counts[i];
        note("n = %zu", m);
        CHECK_ERROR(TOO_LARGE, vecstore_collection_upsert(collection, &id, m, &vectors, 1, NULL, NULL));
        CHECK_ERROR(TOO_LARGE, vecstore_collection_update_vectors(collection, &id, m, &vectors, 1));
        CHECK_ERROR(TOO_LARGE, vecstore_collection_remove(collection, &id, m, NULL));
        CHECK_ERROR(
            TOO_LARGE, vecstore_collection_change_payload(collection, &id, m, NULL, VECSTORE_PAYLOAD_SET, "",
            NULL));
        CHECK_ERROR(TOO_LARGE, get(&id, m, NULL));
        CHECK_ERROR(TOO_LARGE, recommend(&id, m, NULL, 0, 1));
        CHECK_ERROR(TOO_LARGE, recommend(&id, 1, &id, m, 1));
        vecstore_status status = vecstore_collection_upsert(collection, &id, 1, &vectors, m, NULL, NULL);
        CHECK(status == VECSTORE_ERR_TOO_LARGE || status == VECSTORE_ERR_INVALID_ARGUMENT);
        if (m < (size_t)1 << 40) continue;
        /* So many queries may have results that there is no memory for. */
        status = vecstore_collection_search(collection, point_vector(0), F32, m, VECSTORE_K_MAX, NULL, &hits);
        CHECK(status == VECSTORE_ERR_TOO_LARGE || status == VECSTORE_ERR_OUT_OF_MEMORY);
        CHECK_ERROR(INVALID_ARGUMENT, search(m, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, search_text("a", m, NULL, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, search_hybrid("a", m, NULL, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, recommend(&id, 1, NULL, 0, m));
        CHECK_ERROR(INVALID_ARGUMENT, facet("n", NULL, m));
        CHECK_ERROR(INVALID_ARGUMENT, scroll(NULL, m, NULL, NULL));
        status = groups("n", m, 1);
        CHECK(status == VECSTORE_ERR_TOO_LARGE || status == VECSTORE_ERR_INVALID_ARGUMENT);
        status = groups("n", m, m);
        CHECK(status == VECSTORE_ERR_TOO_LARGE || status == VECSTORE_ERR_INVALID_ARGUMENT);
        status = groups("n", 1, m);
        CHECK(status == VECSTORE_ERR_TOO_LARGE || status == VECSTORE_ERR_INVALID_ARGUMENT);
        const char *const fields[] = { "text" };
        vecstore_text_options text = VECSTORE_TEXT_OPTIONS_INIT;
        text.fields = fields;
        text.n_fields = m;
        CHECK_ERROR(INVALID_ARGUMENT, search_text("a", 1, NULL, &text));
    }
    char byte = 'x';
    CHECK_ERROR(TOO_LARGE, vecstore_collection_describe(collection, &byte, SIZE_MAX, NULL));
    CHECK_EQ(byte, 'x');
    finish();
}

static vecstore_status scroll_ordered(void *order) {
    vecstore_hits *hits = NULL;
    vecstore_status status = vecstore_collection_scroll_ordered(collection, order, 1, NULL, NULL, &hits);
    CHECK(status == VECSTORE_OK || hits == NULL);
    vecstore_hits_free(hits);
    return status;
}

static void orders_that_cannot_be_are_refused(void) {
    make();
    const vecstore_id id = number_id(0), no_id = text_id("");
    vecstore_order_options order = VECSTORE_ORDER_OPTIONS_INIT;
    order.order_by = "n";
    CHECK_OK(scroll_ordered(&order));
    check_sizes(&order, sizeof order, sizeof order, scroll_ordered, "order options");
#define ORDER(change) \
    do { \
        vecstore_order_options o = order; \
        change; \
        CHECK_ERROR(INVALID_ARGUMENT, scroll_ordered(&o)); \
    } while (0)
    CHECK_ERROR(INVALID_ARGUMENT, scroll_ordered(NULL));
    ORDER(o.order_by = NULL);
    ORDER(o.order_by = "");
    ORDER(o.order_by = "text");
    CHECK(strstr(vecstore_last_error(), "an order needs one of type integer, float, datetime or keyword"));
    ORDER(o.order_by = "none");
    ORDER(o.order_by = bad_utf8);
    ORDER(o.descending = 2);
    ORDER(o.start_from = "");
    ORDER(o.start_from = "\"a\"");
    CHECK(strstr(vecstore_last_error(), "start_from is a string"));
    ORDER(o.start_from = "1 2");
    ORDER(o.after_value = "1");
    ORDER(o.after = &id);
    ORDER((o.after = &id, o.after_value = "{}"));
    ORDER((o.after = &no_id, o.after_value = "1"));
    vecstore_hits *hits = NULL;
    const size_t limits[] = { 0, VECSTORE_K_MAX + 1, SIZE_MAX };
    for (size_t i = 0; i < 3; i++) {
        CHECK_ERROR(INVALID_ARGUMENT,
            vecstore_collection_scroll_ordered(collection, &order, limits[i], NULL, NULL, &hits));
    }
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_scroll_ordered(collection, &order, 1, "{", NULL, &hits));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_scroll_ordered(collection, &order, 1, NULL, "other", &hits));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_scroll_ordered(collection, &order, 1, NULL, NULL, NULL));
    finish();
}

static void numbers_of_results_are_checked(void) {
    make();
    const vecstore_id id = number_id(0);
    const size_t bad[] = { 0, VECSTORE_K_MAX + 1 };
    for (size_t i = 0; i < 2; i++) {
        CHECK_ERROR(INVALID_ARGUMENT, search(bad[i], NULL));
        CHECK_ERROR(INVALID_ARGUMENT, search_text("word1", bad[i], NULL, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, search_hybrid("word1", bad[i], NULL, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, recommend(&id, 1, NULL, 0, bad[i]));
        CHECK_ERROR(INVALID_ARGUMENT, facet("n", NULL, bad[i]));
        CHECK_ERROR(INVALID_ARGUMENT, scroll(NULL, bad[i], NULL, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, groups("n", bad[i], 1));
        CHECK_ERROR(INVALID_ARGUMENT, groups("n", 1, bad[i]));
    }
    CHECK_ERROR(INVALID_ARGUMENT, groups("n", 1025, 1024));
    CHECK_OK(search(VECSTORE_K_MAX, NULL));
    CHECK_OK(search_text("word1", VECSTORE_K_MAX, NULL, NULL));
    CHECK_OK(search_hybrid("word1", VECSTORE_K_MAX, NULL, NULL));
    CHECK_OK(groups("n", 1024, 1024));

    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    const uint64_t offsets[] = { VECSTORE_K_MAX, VECSTORE_K_MAX + 1, UINT64_MAX, (uint64_t)1 << 63 };
    for (size_t i = 0; i < 4; i++) {
        options.offset = offsets[i];
        CHECK_ERROR(INVALID_ARGUMENT, search(1, &options));
        CHECK_ERROR(INVALID_ARGUMENT, search_text("word1", 1, &options, NULL));
        CHECK_ERROR(INVALID_ARGUMENT, search_hybrid("word1", 1, &options, NULL));
        vecstore_hits *hits = NULL;
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_recommend(collection, &id, 1, NULL, 0, 1, &options, &hits));
        CHECK_ERROR(
            INVALID_ARGUMENT, vecstore_collection_search_groups(collection, point_vector(0), F32, "n", 1, 1, &options,
            &hits));
    }
    options.offset = VECSTORE_K_MAX - 1;
    CHECK_OK(search(1, &options));
    CHECK_OK(search_text("word1", 1, &options, NULL));
    CHECK_OK(search_hybrid("word1", 1, &options, NULL));
    finish();
}

static void vectors_that_cannot_be_stored_are_refused(void) {
    make();
    float row[point_dim] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    const float bad[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < 3; i++) {
        row[point_dim - 1] = bad[i];
        CHECK_ERROR(NOT_FINITE, upsert(number_id(5), row, NULL));
        vecstore_hits *hits = NULL;
        CHECK_ERROR(NOT_FINITE, vecstore_collection_search(collection, row, F32, 1, 1, NULL, &hits));
        CHECK_ERROR(
            NOT_FINITE, vecstore_collection_search_hybrid(collection, row, F32, "a", 1, NULL, NULL, NULL, &hits));
        CHECK_ERROR(NOT_FINITE, vecstore_collection_search_groups(collection, row, F32, "n", 1, 1, NULL, &hits));
        const vecstore_id id = number_id(5);
        const vecstore_batch_vectors vectors = { NULL, row, F32, 0, NULL };
        CHECK_ERROR(NOT_FINITE, vecstore_collection_update_vectors(collection, &id, 1, &vectors, 1));
    }
    row[point_dim - 1] = 1e38f;
    CHECK_ERROR(TOO_LARGE, upsert(number_id(5), row, NULL));

    const vecstore_id ids[2] = { number_id(100), number_id(101) };
    vecstore_batch_vectors two[2] = { { NULL, point_vector(0), F32, 0, NULL }, { "", point_vector(0), F32, 0, NULL } };
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, ids, 1, two, 2, NULL, NULL));
    two[0].name = "other";
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, ids, 1, two, 1, NULL, NULL));
    two[0].name = bad_utf8;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, ids, 1, two, 1, NULL, NULL));
    two[0].name = NULL;
    const vecstore_dtype types[] = { 0, I8, U8, BITS, 77, UINT32_MAX };
    for (size_t i = 0; i < 6; i++) {
        two[0].dtype = types[i];
        vecstore_status status = vecstore_collection_upsert(collection, ids, 1, two, 1, NULL, NULL);
        CHECK(status == VECSTORE_ERR_INVALID_ARGUMENT || status == VECSTORE_ERR_UNSUPPORTED);
        vecstore_hits *hits = NULL;
        status = vecstore_collection_search(collection, point_vector(0), types[i], 1, 1, NULL, &hits);
        CHECK(status == VECSTORE_ERR_INVALID_ARGUMENT || status == VECSTORE_ERR_UNSUPPORTED);
    }
    two[0].dtype = F32;
    two[0].reserved = 1;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, ids, 1, two, 1, NULL, NULL));
    two[0].reserved = 0;
    const uint8_t present[2] = { 1, 0 };
    two[0].present = present;
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, ids, 2, two, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_upsert(collection, ids, 1, two, 65, NULL, NULL));
    finish();
}

static void zero_vectors_have_no_direction(void) {
    vecstore_vector_options vector = plain_vector();
    vector.metric = COSINE;
    collection = new_collection_of(test_path("c"), &vector, 1);
    const float zero[point_dim] = { 0 }, one[point_dim] = { 1 }, other[point_dim] = { -1 };
    CHECK_ERROR(ZERO_VECTOR, upsert(number_id(1), zero, NULL));
    CHECK_OK(upsert(number_id(1), one, NULL));
    CHECK_OK(upsert(number_id(2), other, NULL));
    vecstore_hits *hits = NULL;
    CHECK_ERROR(ZERO_VECTOR, vecstore_collection_search(collection, zero, F32, 1, 1, NULL, &hits));
    /* Two points that cancel each other out. */
    const vecstore_id ids[2] = { number_id(1), number_id(2) };
    CHECK_ERROR(ZERO_VECTOR, recommend(ids, 2, NULL, 0, 1));
    CHECK_EQ(points_in(collection), 2);
    CHECK_OK(vecstore_collection_close(collection));
}

/* ---- payloads ---- */

static void payloads_that_are_no_objects_are_refused(void) {
    make();
    static const char *const bad[] = {
        "x", "[]", "1", "null", "\"a\"", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":01}",
            "{\"a\":1}x", " ",
        "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}", "{\"a\":NaN}", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}",
            "{\"\xc0\x80\":1}",
        "{\"a\":'b'}", "{\"a\":1e999}",
    };
    const vecstore_id id = number_id(0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        note("payload %zu", i);
        CHECK_ERROR(INVALID_ARGUMENT, upsert(number_id(0), point_vector(0), bad[i]));
        CHECK(strstr(vecstore_last_error(), "point 0 (id 0)"));
        CHECK_ERROR(
            INVALID_ARGUMENT, vecstore_collection_change_payload(collection, &id, 1, NULL, VECSTORE_PAYLOAD_SET,
            bad[i], NULL));
        CHECK_ERROR(
            INVALID_ARGUMENT, vecstore_collection_change_payload(collection, &id, 1, NULL, VECSTORE_PAYLOAD_MERGE,
            bad[i], NULL));
    }
    static const char *const bad_keys[] = { "", "{}", "[1]", "[[\"a\"]]", "[\"a\"", "\"a\"", "[\"\xff\"]" };
    for (size_t i = 0; i < sizeof bad_keys / sizeof *bad_keys; i++) {
        note("keys %zu", i);
        CHECK_ERROR(
            INVALID_ARGUMENT, vecstore_collection_change_payload(collection, &id, 1, NULL,
            VECSTORE_PAYLOAD_DELETE_KEYS, bad_keys[i], NULL));
    }
    const vecstore_payload_change changes[] = { 0, 4, UINT32_MAX };
    for (size_t i = 0; i < 3; i++) {
        CHECK_ERROR(
            INVALID_ARGUMENT, vecstore_collection_change_payload(collection, &id, 1, NULL, changes[i], "{}", NULL));
    }
    finish();
}

static void large_and_deep_payloads_are_refused(void) {
    make();
    enum { most = 16 << 20 };
    char *text = long_text(most + 1, ' ');
    text[0] = '{';
    text[most - 1] = '}';
    text[most] = 0;
    CHECK_OK(upsert(number_id(n), point_vector(0), text));
    CHECK_OK(vecstore_collection_remove(collection, (const vecstore_id[]){ number_id(n) }, 1, NULL));
    text[most - 1] = ' ';
    text[most] = '}';
    CHECK_ERROR(TOO_LARGE, upsert(number_id(n), point_vector(0), text));
    free(text);
    for (int depth = 63; depth < 100000; depth = depth < 65 ? depth + 1 : depth * 10) {
        char *deep = malloc((size_t)depth * 2 + 32);
        REQUIRE(deep);
        strcpy(deep, "{\"a\":");
        memset(deep + 5, '[', (size_t)depth);
        memset(deep + 5 + depth, ']', (size_t)depth);
        strcpy(deep + 5 + 2 * depth, "}");
        if (depth + 1 <= 64) {
            CHECK_OK(upsert(number_id(n), point_vector(0), deep));
            CHECK_OK(vecstore_collection_remove(collection, (const vecstore_id[]){ number_id(n) }, 1, NULL));
        } else {
            CHECK_ERROR(INVALID_ARGUMENT, upsert(number_id(n), point_vector(0), deep));
        }
        free(deep);
    }
    CHECK_OK(vecstore_collection_verify(collection));
    check_points(collection, n);
    CHECK_OK(vecstore_collection_close(collection));
}

/* ---- filters ---- */

/* Every function that takes a filter refuses this one, and says where. */
static void check_filter(const char *filter, const char *place) {
    note("the filter %.100s", filter);
    uint64_t count;
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.filter = filter;
#define REFUSED(call) do { CHECK_ERROR(INVALID_ARGUMENT, call); check_place(place, __LINE__); } while (0)
#define check_place(place, line) \
    check(strstr(vecstore_last_error(), place), __FILE__, line, "'%s' does not name %s", vecstore_last_error(), place)
    REFUSED(vecstore_collection_count(collection, filter, &count));
    REFUSED(vecstore_collection_remove_matching(collection, filter, NULL));
    REFUSED(vecstore_collection_change_payload(collection, NULL, 0, filter, VECSTORE_PAYLOAD_SET, "", NULL));
    REFUSED(scroll(NULL, 1, filter, NULL));
    REFUSED(facet("n", filter, 1));
    REFUSED(search(1, &options));
    REFUSED(search_text("word1", 1, &options, NULL));
    REFUSED(search_hybrid("word1", 1, &options, NULL));
    vecstore_hits *hits = NULL;
    REFUSED(vecstore_collection_search_groups(collection, point_vector(0), F32, "n", 1, 1, &options, &hits));
    const vecstore_id id = number_id(0);
    REFUSED(vecstore_collection_recommend(collection, &id, 1, NULL, 0, 1, &options, &hits));
#undef REFUSED
}

static void broken_filters_are_refused_with_their_place(void) {
    make();
    static const struct { const char *filter, *place; } bad[] = {
        { "", "filter" }, { "x", "byte" }, { "[]", "filter" }, { "{", "byte" }, { "{\"must\":[}", "byte" },
        { "{\"must\":[]}}", "byte" }, { "{\"must\":\"\xff\"}", "byte" }, { "{\"musst\":[]}", "musst" },
            { "{\"must\":1}", "must" },
        { "{\"must\":[1]}", "must[0]" }, { "{\"must\":[{}]}", "must[0]" }, { "{\"must\":[{\"x\":1}]}", "must[0]" },
        { "{\"should\":[]}", "should" }, { "{\"must_not\":[{\"key\":\"a\"}]}", "must_not[0]" },
        { "{\"must\":[{\"key\":1,\"match\":{\"value\":1}}]}", "must[0].key" },
        { "{\"must\":[{\"key\":\"a..b\",\"match\":{\"value\":1}}]}", "a..b" },
        { "{\"must\":[{\"key\":\"\",\"match\":{\"value\":1}}]}", "must[0].key" },
        { "{\"must\":[{\"key\":\"a[9999999999999999999999]\",\"match\":{\"value\":1}}]}", "must[0].key" },
        { "{\"must\":[{\"match\":{\"value\":1}}]}", "must[0]" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{}}]}", "must[0].match" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1.5}}]}", "must[0].match.value" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":null}}]}", "must[0].match" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{\"any\":[1,\"a\"]}}]}", "must[0].match.any" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{\"any\":{}}}]}", "must[0].match.any" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{\"text\":1}}]}", "must[0].match.text" },
        { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1,\"any\":[1]}}]}", "must[0].match" },
        { "{\"must\":[{\"key\":\"a\",\"range\":{}}]}", "must[0].range" },
        { "{\"must\":[{\"key\":\"a\",\"range\":{\"gte\":true}}]}", "must[0].range.gte" },
        { "{\"must\":[{\"key\":\"a\",\"range\":{\"gte\":\"2024-13-01\"}}]}", "must[0].range.gte" },
        { "{\"must\":[{\"key\":\"a\",\"range\":{\"gte\":\"2024-01-01\",\"lt\":3}}]}", "must[0].range.lt" },
        { "{\"must\":[{\"key\":\"a\",\"range\":{\"over\":3}}]}", "over" },
        { "{\"must\":[{\"key\":\"a\",\"values_count\":{\"gte\":-1}}]}", "must[0].values_count.gte" },
        { "{\"must\":[{\"key\":\"a\",\"values_count\":{\"gte\":1.5}}]}", "must[0].values_count.gte" },
        { "{\"must\":[{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lon\":0,\"lat\":91},\"radius\":1}}]}",
            "must[0].geo_radius.center" },
        { "{\"must\":[{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lon\":0,\"lat\":0},\"radius\":-1}}]}",
            "must[0].geo_radius.radius" },
        { "{\"must\":[{\"key\":\"a\",\"geo_radius\":{\"radius\":1}}]}", "must[0].geo_radius" },
        { "{\"must\":[{\"key\":\"a\",\"geo_bounding_box\":"
          "{\"top_left\":{\"lon\":0,\"lat\":0},\"bottom_right\":{\"lon\":0,\"lat\":1}}}]}", "must[0].geo_bounding_box" },
        { "{\"must\":[{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lon\":0,\"lat\":0}]}}}]}",
            "must[0].geo_polygon.exterior" },
        { "{\"must\":[{\"is_empty\":{\"key\":1}}]}", "must[0].is_empty.key" },
        { "{\"must\":[{\"is_null\":\"a\"}]}", "must[0].is_null" },
        { "{\"must\":[{\"has_id\":5}]}", "must[0].has_id" }, { "{\"must\":[{\"has_id\":[-1]}]}", "must[0].has_id[0]" },
        { "{\"must\":[{\"has_id\":[1.5]}]}", "must[0].has_id[0]" }, { "{\"must\":[{\"has_id\":[null]}]}",
            "must[0].has_id[0]" },
        { "{\"must\":[{\"has_id\":[18446744073709551616]}]}", "byte 40" },
        { "{\"must\":[{\"has_vector\":1}]}", "must[0].has_vector" },
        { "{\"must\":[{\"nested\":{\"key\":\"a\"}}]}", "must[0].nested" },
        { "{\"must\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"has_id\":[1]}]}}}]}",
            "must[0].nested.filter.must[0].has_id" },
        { "{\"min_should\":{\"conditions\":[{\"has_id\":[1]}],\"min_count\":2}}", "min_should.min_count" },
        { "{\"min_should\":{\"conditions\":[{\"has_id\":[1]}],\"min_count\":0}}", "min_should.min_count" },
        { "{\"min_should\":{\"min_count\":1}}", "min_should" },
        { "{\"must\":[{\"must\":[{\"should\":[{\"key\":\"a\",\"match\":{\"value\":{}}}]}]}]}",
            "must[0].must[0].should[0].match.value" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) check_filter(bad[i].filter, bad[i].place);
    note("%s", "");
    finish();
}

static void filters_beyond_the_limits_are_refused(void) {
    make();
    uint64_t count;
    /* Levels. */
    for (int depth = 8; depth <= 80000; depth *= 10) {
        char *text = malloc((size_t)depth * 16 + 64);
        REQUIRE(text);
        char *end = text;
        for (int i = 0; i < depth; i++) end = stpcpy(end, "{\"must\":[");
        end = stpcpy(end, "{\"has_id\":[1]}");
        for (int i = 0; i < depth; i++) end = stpcpy(end, "]}");
        if (depth == 8) CHECK_OK(vecstore_collection_count(collection, text, &count));
        else CHECK(vecstore_collection_count(collection, text, &count) != VECSTORE_OK);
        if (depth == 80) CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_count(collection, text, &count));
        free(text);
    }
    /* Conditions. */
    const char *condition = "{\"has_id\":[1]},";
    for (int conditions = 10000; conditions <= 10001; conditions++) {
        char *text = malloc((size_t)conditions * strlen(condition) + 64), *end = stpcpy(text, "{\"should\":[");
        REQUIRE(text);
        for (int i = 0; i < conditions; i++) end = stpcpy(end, condition);
        strcpy(end - 1, "]}");
        if (conditions == 10000) {
            CHECK_EQ(matching(collection, text), 1);
        } else {
            CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_count(collection, text, &count));
        }
        free(text);
    }
    /* Bytes. */
    char *text = long_text((1 << 20) + 1, ' ');
    text[0] = '{';
    text[1 << 20] = '}';
    CHECK_ERROR(TOO_LARGE, vecstore_collection_count(collection, text, &count));
    CHECK_ERROR(TOO_LARGE, vecstore_collection_remove_matching(collection, text, NULL));
    text[(1 << 20) - 1] = '}';
    text[1 << 20] = 0;
    CHECK_EQ(matching(collection, text), n);
    free(text);
    finish();
}

/* ---- options of searches ---- */

static void options_of_searches_out_of_range_are_refused(void) {
    make();
#define REFUSED(type, init, change, call) do { type o = init; change; CHECK_ERROR(INVALID_ARGUMENT, call); } while (0)
#define QUERY(change) REFUSED(vecstore_query_options, VECSTORE_QUERY_OPTIONS_INIT, change, search(1, &o))
    QUERY(o.threads = 1025);
    QUERY(o.vector_name = "other");
    QUERY(o.vector_name = bad_utf8);
    QUERY(o.filter = bad_utf8);
    QUERY(o.ef_search = VECSTORE_K_MAX + 1);
    QUERY(o.ef_search = UINT32_MAX);
    QUERY(o.exact = 2);
    QUERY(o.with_payload = 2);
    QUERY(o.with_vector = UINT32_MAX);
    QUERY(o.has_max_distance = 2);
    QUERY((o.has_max_distance = 1, o.max_distance = NAN));
    QUERY(o.has_threshold = 2);
    QUERY(o.explain = 2);
    QUERY(o.target_recall = -0.1f);
    QUERY(o.target_recall = 1.5f);
    QUERY(o.target_recall = NAN);
    QUERY((o.target_recall = 0.9f, o.ef_search = 64));
    CHECK(strstr(vecstore_last_error(), "ef_search and target_recall"));
    QUERY((o.has_threshold = 1, o.threshold = NAN));
    QUERY(o.diversity = NAN);
    QUERY(o.diversity = -0.1f);
    QUERY(o.diversity = 1.1f);
    QUERY(o.diversity = INFINITY);
    QUERY((o.diversity = 0.5f, o.candidates = VECSTORE_K_MAX + 1));
    QUERY((o.diversity = 0.5f, o.candidates = UINT32_MAX));
#define HYBRID(change) \
    REFUSED(vecstore_hybrid_options, VECSTORE_HYBRID_OPTIONS_INIT, change, search_hybrid("word1", 1, NULL, &o))
    HYBRID(o.fusion = 4);
    HYBRID(o.fusion = UINT32_MAX);
    HYBRID(o.vector_weight = -1);
    HYBRID(o.vector_weight = NAN);
    HYBRID(o.vector_weight = INFINITY);
    HYBRID(o.text_weight = -0.5f);
    HYBRID(o.text_weight = NAN);
    HYBRID(o.text_weight = -INFINITY);
    HYBRID(o.candidates = VECSTORE_K_MAX + 1);
    HYBRID(o.reserved = 1);
    const char *const fields[] = { "text" }, *const without[] = { "group" }, *const broken[] = { bad_utf8 },
        *const empty[] = { "" };
#define WORDS(change) \
    REFUSED(vecstore_text_options, VECSTORE_TEXT_OPTIONS_INIT, change, search_text("word1", 1, NULL, &o))
    WORDS(o.mode = 5);
    WORDS(o.mode = UINT32_MAX);
    WORDS(o.fields = fields);
    WORDS((o.fields = fields, o.n_fields = 1025));
    WORDS((o.fields = without, o.n_fields = 1));
    WORDS((o.fields = broken, o.n_fields = 1));
    WORDS((o.fields = empty, o.n_fields = 1));
    const float weights[] = { NAN, INFINITY, -1 };
    for (size_t i = 0; i < 3; i++) WORDS((o.fields = fields, o.n_fields = 1, o.weights = weights + i));
#undef WORDS
#undef HYBRID
#undef QUERY
#undef REFUSED
    /* Extreme, but allowed. */
    const float largest[] = { 3.4e38f };
    vecstore_text_options words = VECSTORE_TEXT_OPTIONS_INIT;
    words.fields = fields;
    words.n_fields = 1;
    words.weights = largest;
    CHECK_OK(search_text("word1 common word2", 10, NULL, &words));
    for (vecstore_fusion fusion = 1; fusion <= 3; fusion++) {
        vecstore_hybrid_options hybrid = VECSTORE_HYBRID_OPTIONS_INIT;
        hybrid.fusion = fusion;
        hybrid.vector_weight = hybrid.text_weight = 3.4e38f;
        vecstore_hits *hits = NULL;
        CHECK_OK(vecstore_collection_search_hybrid(
            collection, point_vector(0), F32, "word1 common", 5, NULL, &words, &hybrid, &hits));
        vecstore_hits_free(hits);
    }
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.has_max_distance = 1;
    options.max_distance = -INFINITY;
    CHECK_OK(search(5, &options));
    finish();
}

static void texts_that_cannot_be_are_refused(void) {
    make();
    char *too_long = long_text(300, 'p');
    CHECK_ERROR(INVALID_ARGUMENT, search_text(bad_utf8, 1, NULL, NULL));
    CHECK_ERROR(INVALID_ARGUMENT, search_hybrid(bad_utf8, 1, NULL, NULL));
    const char *const paths[] = { "", ".", "a.", "a[", "a[x]", "a]b", "\"a", " ", "a b", bad_utf8, too_long,
        "a[99999999999999999999]" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        note("path %zu", i);
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create_payload_index(collection, paths[i], "keyword", NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_drop_payload_index(collection, paths[i], NULL));
        CHECK_ERROR(INVALID_ARGUMENT, groups(paths[i], 1, 1));
        CHECK_ERROR(INVALID_ARGUMENT, facet(paths[i], NULL, 1));
    }
    note("%s", "");
    const char *const types[] = { "", "Keyword", "keyword ", bad_utf8, too_long };
    for (size_t i = 0; i < 5; i++) {
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create_payload_index(collection, "x", types[i], NULL));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_drop_payload_index(collection, "n", types[i]));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create_payload_index(collection, "x", "text", types[i]));
    }
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create_payload_index(collection, "x", "keyword", "stems"));
    const vecstore_id id = number_id(0);
    CHECK_ERROR(INVALID_ARGUMENT, get(&id, 1, "other"));
    CHECK_ERROR(INVALID_ARGUMENT, get(&id, 1, bad_utf8));
    CHECK_ERROR(INVALID_ARGUMENT, scroll(NULL, 1, NULL, "other"));
    CHECK_ERROR(INVALID_ARGUMENT, scroll(NULL, 1, NULL, bad_utf8));
    /* Words without end. */
    char *words = long_text(1 << 20, 'w');
    CHECK_OK(search_text(words, 1, NULL, NULL));
    for (size_t i = 1; i < 1 << 20; i += 2) words[i] = ' ';
    vecstore_status status = search_text(words, 1, NULL, NULL);
    CHECK(status == VECSTORE_OK || status == VECSTORE_ERR_TOO_LARGE || status == VECSTORE_ERR_INVALID_ARGUMENT);
    free(words);
    finish();
    free(too_long);
}

/* ---- paths ---- */

static void paths_that_are_no_collection_are_refused(void) {
    make();
    vecstore_collection *out = NULL;
    const vecstore_vector_options vector = plain_vector();
    char *too_long = long_text(5000, 'a'), *long_name = long_text(300, 'b');
    FILE *file = fopen(test_path("file"), "w");
    REQUIRE(file && fputs("nothing", file) >= 0 && fclose(file) == 0);
    REQUIRE(mkdir(test_path("empty"), 0777) == 0 && mkdir(test_path("other"), 0777) == 0);
    file = fopen(file_in(test_path("other"), "collection.db"), "w");
    REQUIRE(file && fputs("no database", file) >= 0 && fclose(file) == 0);
    const vecstore_collection_options read_only = { sizeof read_only, 1, 0, 0, 0, 0, 0 };
    for (int i = 0; i < 2; i++) {
        const vecstore_collection_options *options = i ? &read_only : NULL;
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open("", options, &out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(bad_utf8, options, &out));
        CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_open(too_long, options, &out));
        CHECK_ERROR(NOT_FOUND, vecstore_collection_open(test_path(long_name), options, &out));
        CHECK_ERROR(NOT_FOUND, vecstore_collection_open(test_path("none"), options, &out));
        CHECK_ERROR(NOT_FOUND, vecstore_collection_open(test_path("file"), options, &out));
        CHECK_ERROR(NOT_FOUND, vecstore_collection_open(test_path("empty"), options, &out));
        CHECK_ERROR(CORRUPT, vecstore_collection_open(test_path("other"), options, &out));
    }
    CHECK_ERROR(NOT_FOUND, vecstore_collection_restore(test_path("none"), test_path("new"), NULL));
    CHECK_ERROR(CORRUPT, vecstore_collection_restore(test_path("other"), test_path("new"), NULL));
    CHECK(access(test_path("new"), F_OK) != 0);

    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create("", &vector, 1, NULL, &out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(bad_utf8, &vector, 1, NULL, &out));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_create(too_long, &vector, 1, NULL, &out));
    CHECK_ERROR(IO, vecstore_collection_create(test_path(long_name), &vector, 1, NULL, &out));
    CHECK_ERROR(ALREADY_EXISTS, vecstore_collection_create(test_path("c"), &vector, 1, NULL, &out));
    CHECK_ERROR(ALREADY_EXISTS, vecstore_collection_create(test_path("other"), &vector, 1, NULL, &out));
    CHECK_ERROR(NOT_FOUND, vecstore_collection_create(test_path("none/new"), &vector, 1, NULL, &out));
    const char *const taken[] = { "file", "file/new" };
    for (size_t i = 0; i < 2; i++) {
        vecstore_status status = vecstore_collection_create(test_path(taken[i]), &vector, 1, NULL, &out);
        CHECK(status == VECSTORE_ERR_ALREADY_EXISTS || status == VECSTORE_ERR_IO || status == VECSTORE_ERR_NOT_FOUND);
        status = vecstore_collection_snapshot(collection, test_path(taken[i]), NULL);
        CHECK(status == VECSTORE_ERR_ALREADY_EXISTS || status == VECSTORE_ERR_IO || status == VECSTORE_ERR_NOT_FOUND);
    }
    CHECK_ERROR(NOT_FOUND, vecstore_collection_snapshot(collection, test_path("none/new"), NULL));
    CHECK_ERROR(ALREADY_EXISTS, vecstore_collection_snapshot(collection, test_path("c"), NULL));
    CHECK_ERROR(INVALID_ARGUMENT, vecstore_collection_snapshot(collection, "", NULL));
    /* An empty directory is as good as none, and slashes at the end do not matter. */
    REQUIRE_OK(vecstore_collection_create(file_in(test_path("empty"), "/"), &vector, 1, NULL, &out));
    CHECK_OK(vecstore_collection_close(out));
    finish();
    free(too_long);
    free(long_name);
}

static void directories_without_permission_are_refused(void) {
    make();
    finish();
    vecstore_collection *out = NULL;
    const vecstore_vector_options vector = plain_vector();
    const vecstore_collection_options read_only = { sizeof read_only, 1, 0, 0, 0, 0, 0 };
    REQUIRE(
        mkdir(test_path("locked"), 0555) == 0 && chmod(test_path("c"), 0) == 0 && chmod(test_directory(), 0755) == 0);
    /* Root may do everything. */
    if (geteuid() == 0) REQUIRE(seteuid(65534) == 0);
    CHECK_ERROR(IO, vecstore_collection_create(test_path("locked/new"), &vector, 1, NULL, &out));
    for (int i = 0; i < 2; i++) {
        vecstore_status status = vecstore_collection_open(test_path("c"), i ? &read_only : NULL, &out);
        CHECK(status == VECSTORE_ERR_IO || status == VECSTORE_ERR_NOT_FOUND);
        CHECK(out == NULL);
    }
    if (getuid() == 0) REQUIRE(seteuid(0) == 0);
    REQUIRE(chmod(test_path("c"), 0755) == 0);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(null_is_refused_where_something_is_needed),
        TEST(handles_that_are_none_are_refused),
        TEST(struct_sizes_are_checked),
        TEST(vectors_that_cannot_be_are_refused),
        TEST(options_out_of_range_are_refused),
        TEST(ids_that_cannot_be_are_refused),
        TEST(counts_beyond_memory_are_refused),
        TEST(orders_that_cannot_be_are_refused),
        TEST(numbers_of_results_are_checked),
        TEST(vectors_that_cannot_be_stored_are_refused),
        TEST(zero_vectors_have_no_direction),
        TEST(payloads_that_are_no_objects_are_refused),
        TEST(large_and_deep_payloads_are_refused),
        TEST(broken_filters_are_refused_with_their_place),
        TEST(filters_beyond_the_limits_are_refused),
        TEST(options_of_searches_out_of_range_are_refused),
        TEST(texts_that_cannot_be_are_refused),
        TEST(paths_that_are_no_collection_are_refused),
        TEST(directories_without_permission_are_refused),
    };
    return RUN_TESTS(tests);
}
