/*
 * The sequence of writes: see workload.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "workload.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 32, PAYLOAD_SIZE = 256, GROUPS = 7, SAMPLES = 12, NEAREST = 3 };

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

bool is_wrong;

bool fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    printf("wrong: ");
    vprintf(format, list);
    va_end(list);
    printf("\n");
    is_wrong = true;
    return false;
}

bool is_ok(vecstore_status status, const char *call)
{
    if (status != VECSTORE_OK) printf("refused: %s: %d: %s\n", call, (int)status, vecstore_last_error());
    return status == VECSTORE_OK;
}

/* Writes ------------------------------------------------------------------ */

typedef enum kind { UPSERT, VECTORS, REMOVE, CHANGE, INDEX_TEXT, INDEX_GROUP, OPTIMIZE, COMPACT, REOPEN } kind;

static kind kind_of(const workload *workload, uint32_t write)
{
    if (write == 4) return INDEX_TEXT;
    if (write == 6) return INDEX_GROUP;
    if (write % 13 == 9) return OPTIMIZE;
    if (write % 13 == 10) return COMPACT;
    if (write % 13 == 12) return REOPEN;
    if (write <= 3) return UPSERT;
    uint64_t n = mix(mix(workload->seed, write), 1) % 8;
    return n < 4 ? UPSERT : n < 5 ? VECTORS : n < 6 ? REMOVE : CHANGE;
}

/* Whether the payload came with its point, and was not changed since. */
static bool is_own(const workload *workload, version v)
{
    return v.has_base && v.payload > 0 && kind_of(workload, v.payload) == UPSERT;
}

/* Points ------------------------------------------------------------------ */

/* Every fifth id is a string. */
static vecstore_id make_id(uint32_t id, char text[TEXT_SIZE])
{
    if (id % 5 != 4) return (vecstore_id){ id, NULL };
    snprintf(text, TEXT_SIZE, "point-%u", id);
    return (vecstore_id){ 0, text };
}

static bool read_id(vecstore_id found, const workload *workload, uint32_t *id)
{
    uint64_t number = found.number;
    if (found.text) number = strtoull(found.text + strcspn(found.text, "0123456789"), NULL, 10);
    if (number >= workload->ids) return false;
    *id = (uint32_t)number;
    char text[TEXT_SIZE];
    vecstore_id expected = make_id(*id, text);
    return found.text ? expected.text && strcmp(found.text, expected.text) == 0 : !expected.text;
}

/* The first elements say which write brought it. */
static void make_vector(const workload *workload, uint32_t id, version v, float vector[DIM])
{
    uint64_t key = mix(mix(mix(workload->seed, id), v.vector), v.attempt);
    vector[0] = (float)v.vector;
    vector[1] = (float)v.attempt;
    for (int i = 2; i < DIM; i++) vector[i] = (float)(mix(key, (uint64_t)i) % 100000);
}

static bool comes_with_payload(uint32_t id, uint32_t write) { return (id + write) % 9 != 0; }

/* What a change of payloads puts in. */
static void make_change(uint32_t write, char json[PAYLOAD_SIZE])
{
    snprintf(json, PAYLOAD_SIZE, "{\"write\":%u,\"text\":\"common changed%u\"}", write, write);
}

static void make_payload(const workload *workload, uint32_t id, version v, char json[PAYLOAD_SIZE])
{
    if (v.payload == 0) {
        json[0] = 0;
    } else if (!v.has_base) {
        make_change(v.payload, json);
    } else {
        const char *base = "{\"id\":%u,\"group\":\"g%u\",\"write\":%u,";
        int length = snprintf(json, PAYLOAD_SIZE, base, id, id % GROUPS, v.payload);
        char *rest = json + length;
        size_t room = (size_t)(PAYLOAD_SIZE - length);
        if (is_own(workload, v)) snprintf(rest, room, "\"text\":\"common point%u written%u\"}", id, v.payload);
        else snprintf(rest, room, "\"text\":\"common changed%u\"}", v.payload);
    }
}

static uint64_t hash_point(uint32_t id, version v)
{
    return mix(mix(mix(id + 1, v.vector), v.payload), v.has_base);
}

/* States of the model ------------------------------------------------------------------ */

/* The ids that a write is about. The first writes make many points, so that there are graphs. */
static uint32_t ids_of(const workload *workload, uint32_t write, uint32_t *ids)
{
    uint64_t key = mix(mix(workload->seed, write), 2);
    if (write <= 3) {
        uint32_t share = workload->ids / 3, n = share < workload->batch ? share : workload->batch;
        for (uint32_t i = 0; i < n; i++) ids[i] = (write - 1) * share + i;
        return n;
    }
    uint32_t n = 1 + (uint32_t)(mix(key, 0) % workload->batch);
    if (kind_of(workload, write) == REMOVE) n = (n + 3) / 4;
    for (uint32_t i = 0; i < n; i++) ids[i] = (uint32_t)(mix(key, i + 1) % workload->ids);
    return n;
}

/* Only points that are there get other vectors. */
static uint32_t ids_there(const model *m, uint32_t *ids, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (m->versions[ids[i]].vector) ids[kept++] = ids[i];
    return kept;
}

void model_begin(model *m, const workload *workload)
{
    *m = (model){ .workload = workload, .versions = calloc(workload->ids, sizeof(version)) };
}

void model_free(model *m) { free(m->versions); }

static void put(model *m, uint32_t id, version v)
{
    version *old = &m->versions[id];
    if (old->vector) m->hash -= hash_point(id, *old), m->count--;
    if (v.vector) m->hash += hash_point(id, v), m->count++;
    *old = v;
}

void model_advance(model *m)
{
    uint32_t write = ++m->step;
    kind kind = kind_of(m->workload, write);
    if (kind == INDEX_TEXT) m->has_text = true;
    if (kind == INDEX_GROUP) m->has_group = true;
    if (kind > CHANGE) return;
    uint32_t *ids = malloc(m->workload->batch * sizeof *ids);
    uint32_t n = ids_of(m->workload, write, ids);
    for (uint32_t i = 0; i < n; i++) {
        version v = m->versions[ids[i]];
        if (kind == UPSERT) {
            bool has = comes_with_payload(ids[i], write);
            put(m, ids[i], (version){ write, has ? write : 0, has, 0 });
        } else if (kind == REMOVE) {
            put(m, ids[i], (version){ 0, 0, false, 0 });
        } else if (kind == VECTORS && v.vector) {
            put(m, ids[i], (version){ write, v.payload, v.has_base, 0 });
        } else if (v.vector) {
            put(m, ids[i], (version){ v.vector, write, v.has_base, 0 });
        }
    }
    free(ids);
}

/* Writing ------------------------------------------------------------------ */

bool is_reopening(const model *m) { return kind_of(m->workload, m->step + 1) == REOPEN; }

static vecstore_status write_vectors(const model *m, vecstore_collection *collection, const vecstore_id *ids,
                                     const uint32_t *numbers, uint32_t n, uint32_t attempt, bool are_points)
{
    uint32_t write = m->step + 1;
    float (*vectors)[DIM] = malloc(n * sizeof *vectors);
    char (*payloads)[PAYLOAD_SIZE] = malloc(n * sizeof *payloads);
    const char **pointers = malloc(n * sizeof *pointers);
    for (uint32_t i = 0; i < n; i++) {
        bool has = comes_with_payload(numbers[i], write);
        version v = { write, has ? write : 0, has, attempt };
        make_vector(m->workload, numbers[i], v, vectors[i]);
        make_payload(m->workload, numbers[i], v, payloads[i]);
        pointers[i] = has ? payloads[i] : NULL;
    }
    vecstore_batch_vectors batch = { NULL, vectors, VECSTORE_DTYPE_F32, 0, NULL };
    vecstore_status status = are_points ? vecstore_collection_upsert(collection, ids, n, &batch, 1, pointers, NULL)
                                        : vecstore_collection_update_vectors(collection, ids, n, &batch, 1);
    free(vectors);
    free(payloads);
    free(pointers);
    return status;
}

vecstore_status write_next(const model *m, vecstore_collection *collection, uint32_t attempt)
{
    uint32_t write = m->step + 1;
    kind kind = kind_of(m->workload, write);
    vecstore_status status = VECSTORE_OK;
    if (kind == OPTIMIZE) return vecstore_collection_optimize(collection, NULL);
    if (kind == COMPACT) return vecstore_collection_compact(collection, NULL, NULL, NULL);
    if (kind == INDEX_TEXT || kind == INDEX_GROUP) {
        const char *path = kind == INDEX_TEXT ? "text" : "group", *type = kind == INDEX_TEXT ? "text" : "keyword";
        status = vecstore_collection_create_payload_index(collection, path, type, NULL);
        return status == VECSTORE_ERR_ALREADY_EXISTS ? VECSTORE_OK : status;
    }
    if (kind == REOPEN) return VECSTORE_OK;
    uint32_t *numbers = malloc(m->workload->batch * sizeof *numbers);
    uint32_t n = ids_of(m->workload, write, numbers);
    if (kind == VECTORS) n = ids_there(m, numbers, n);
    vecstore_id *ids = malloc(n * sizeof *ids);
    char (*texts)[TEXT_SIZE] = malloc(n * sizeof *texts);
    for (uint32_t i = 0; i < n; i++) ids[i] = make_id(numbers[i], texts[i]);
    if (kind == UPSERT || kind == VECTORS) {
        status = write_vectors(m, collection, ids, numbers, n, attempt, kind == UPSERT);
    } else if (kind == REMOVE) {
        status = vecstore_collection_remove(collection, ids, n, NULL);
    } else {
        char json[PAYLOAD_SIZE];
        make_change(write, json);
        status = vecstore_collection_change_payload(collection, ids, n, NULL, VECSTORE_PAYLOAD_MERGE, json, NULL);
    }
    free(numbers);
    free(ids);
    free(texts);
    return status;
}

/* What is there ------------------------------------------------------------------ */

static bool read_point(const vecstore_hits_view *view, size_t i, const workload *workload, uint32_t *id, version *v)
{
    if (!read_id(view->ids[i], workload, id)) return fail("there is a point that was never written");
    const float *found = view->vectors + i * DIM;
    float vector[DIM];
    if (!(found[0] >= 1 && found[0] < 1e7f && found[1] >= 0 && found[1] < 100))
        return fail("point %u has a vector that was never written", *id);
    *v = (version){ (uint32_t)found[0], 0, false, (uint32_t)found[1] };
    make_vector(workload, *id, *v, vector);
    if (memcmp(vector, found, sizeof vector) != 0) return fail("point %u has a vector that was never written", *id);
    const char *payload = view->payloads[i], *place = strstr(payload, "\"write\":");
    if (place) v->payload = (uint32_t)strtoul(place + 8, NULL, 10);
    v->has_base = strstr(payload, "\"group\"");
    char expected[PAYLOAD_SIZE];
    make_payload(workload, *id, *v, expected);
    if (strcmp(payload, expected) == 0) return true;
    return fail("point %u has the payload %s where %s was written", *id, payload, expected);
}

void contents_free(contents *contents) { free(contents->versions); }

bool read_contents(const vecstore_collection *collection, const workload *workload, contents *contents)
{
    *contents = (struct contents){ .versions = calloc(workload->ids, sizeof(version)) };
    vecstore_hits *hits = NULL;
    vecstore_status status = vecstore_collection_scroll(collection, NULL, workload->ids + 1, NULL, "", &hits);
    if (!is_ok(status, "scroll")) return false;
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    bool is_right = is_ok(vecstore_hits_get(hits, &view), "get hits");
    size_t n = is_right ? view.offsets[1] : 0;
    for (size_t i = 0; i < n && is_right; i++) {
        uint32_t id = 0;
        version v = { 0, 0, false, 0 };
        is_right = read_point(&view, i, workload, &id, &v);
        if (!is_right) break;
        contents->hash += hash_point(id, v);
        contents->count++;
        contents->versions[id] = v;
        if (v.payload == 0) continue;
        contents->payload_hash += mix(id, 0);
        contents->payload_count++;
    }
    vecstore_hits_free(hits);
    uint64_t count = 0;
    if (is_right) is_right = is_ok(vecstore_collection_count(collection, NULL, &count), "count");
    if (is_right && count != contents->count)
        is_right = fail("count says %zu, scroll finds %zu", (size_t)count, contents->count);
    return is_right;
}

/* Every payload has the word "common". */
static bool check_words(const vecstore_collection *collection, const model *m, const contents *contents)
{
    vecstore_hits *hits = NULL;
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.with_payload = 0;
    size_t all = m->workload->ids;
    vecstore_status status = vecstore_collection_search_text(collection, "common", all, &options, NULL, &hits);
    if (!is_ok(status, "search_text")) return false;
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    bool is_right = is_ok(vecstore_hits_get(hits, &view), "get hits");
    uint64_t hash = 0;
    size_t n = is_right ? view.offsets[1] : 0;
    for (size_t i = 0; i < n && is_right; i++) {
        uint32_t id;
        is_right = read_id(view.ids[i], m->workload, &id) || fail("words find a point that was never written");
        if (is_right) hash += mix(id, 0);
    }
    vecstore_hits_free(hits);
    return is_right && ((n == contents->payload_count && hash == contents->payload_hash) ||
                        fail("words find %zu points, %zu have the word", n, contents->payload_count));
}

/* The words of one version of a point are in its text and in no other. */
static bool check_text(const vecstore_collection *collection, const model *m, uint32_t id)
{
    version v = m->versions[id];
    bool has_own = is_own(m->workload, v);
    char words[PAYLOAD_SIZE];
    snprintf(words, sizeof words, "point%u written%u", id, v.payload);
    vecstore_text_options text = VECSTORE_TEXT_OPTIONS_INIT;
    text.mode = VECSTORE_TEXT_ALL;
    vecstore_hits *hits = NULL;
    if (!is_ok(vecstore_collection_search_text(collection, words, 5, NULL, &text, &hits), "search_text")) return false;
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    bool is_right = is_ok(vecstore_hits_get(hits, &view), "get hits");
    uint32_t found = 0;
    if (is_right && view.offsets[1] != has_own)
        is_right = fail("'%s' finds %zu points", words, (size_t)view.offsets[1]);
    if (is_right && has_own && !(read_id(view.ids[0], m->workload, &found) && found == id))
        is_right = fail("'%s' finds another point", words);
    vecstore_hits_free(hits);
    return is_right;
}

static bool check_filter(const vecstore_collection *collection, const model *m, uint32_t group)
{
    uint64_t count = 0, expected = 0;
    for (uint32_t id = group; id < m->workload->ids; id += GROUPS) {
        version v = m->versions[id];
        expected += v.vector && v.payload && v.has_base;
    }
    char filter[PAYLOAD_SIZE];
    snprintf(filter, sizeof filter, "{\"must\":[{\"key\":\"group\",\"match\":{\"value\":\"g%u\"}}]}", group);
    return is_ok(vecstore_collection_count(collection, filter, &count), "count") &&
           (count == expected || fail("group %u has %zu points, not %zu", group, (size_t)count, (size_t)expected));
}

/* Hits are points that are there, at their distances; the exact search finds a point by its own vector. */
static bool check_nearest(const vecstore_collection *collection, const workload *workload, const contents *contents,
                          uint32_t id, bool is_exact)
{
    float query[DIM], vector[DIM];
    make_vector(workload, id, contents->versions[id], query);
    vecstore_query_options options = VECSTORE_QUERY_OPTIONS_INIT;
    options.exact = is_exact;
    vecstore_hits *hits = NULL;
    vecstore_status status =
        vecstore_collection_search(collection, query, VECSTORE_DTYPE_F32, 1, NEAREST, &options, &hits);
    if (!is_ok(status, "search")) return false;
    vecstore_hits_view view = VECSTORE_HITS_VIEW_INIT;
    bool is_right = is_ok(vecstore_hits_get(hits, &view), "get hits");
    size_t n = is_right ? view.offsets[1] : 0, expected = contents->count < NEAREST ? contents->count : NEAREST;
    if (is_right && n != expected) is_right = fail("a search finds %zu points, not %zu", n, expected);
    for (size_t i = 0; i < n && is_right; i++) {
        uint32_t hit;
        is_right = read_id(view.ids[i], workload, &hit) && contents->versions[hit].vector;
        if (!is_right) fail("a search finds what is not there");
        if (!is_right) break;
        make_vector(workload, hit, contents->versions[hit], vector);
        double distance = 0;
        for (int j = 0; j < DIM; j++) distance += ((double)vector[j] - query[j]) * ((double)vector[j] - query[j]);
        double error = fabs(distance - (double)view.distances[i]);
        if (error > 1e-4 * distance + 1e-3)
            is_right = fail("point %u is found at %g, not %g", hit, view.distances[i], distance);
        if (is_exact && i == 0 && hit != id) is_right = fail("point %u is not found by its own vector", id);
    }
    vecstore_hits_free(hits);
    return is_right;
}

bool is_state(const vecstore_collection *collection, const model *m, const contents *contents)
{
    char json[8192];
    if (contents->hash != m->hash || contents->count != m->count) return false;
    if (!is_ok(vecstore_collection_describe(collection, json, sizeof json, NULL), "describe")) return false;
    bool has_text = strstr(json, "\"path\":\"text\""), has_group = strstr(json, "\"path\":\"group\"");
    return m->has_text == has_text && m->has_group == has_group;
}

bool check_searches(const vecstore_collection *collection, const model *m, const contents *contents)
{
    if (m->has_text && !check_words(collection, m, contents)) return false;
    if (!check_filter(collection, m, m->step % GROUPS)) return false;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint32_t id = (uint32_t)(mix(mix(m->workload->seed, m->step), 100 + i) % m->workload->ids);
        if (m->has_text && !check_text(collection, m, id)) return false;
        if (m->versions[id].vector == 0) continue;
        for (int is_exact = 0; is_exact <= 1; is_exact++)
            if (!check_nearest(collection, m->workload, contents, id, is_exact)) return false;
    }
    return true;
}
