/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "vec_support.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

char *vs_error_slot(void) {
    static _Thread_local char slot[1024];
    return slot;
}

int *vs_log_depth(void) {
    static _Thread_local int depth;
    return &depth;
}

uint64_t vs_checksum(const void *data, size_t size) { return XXH3_64bits(data, size); }

void vs_checksum128(const void *data, size_t size, uint64_t halves[2]) {
    XXH128_hash_t value = XXH3_128bits(data, size);
    halves[0] = value.low64;
    halves[1] = value.high64;
}

struct vs_checksum_stream {
    XXH3_state_t state;
};

vs_checksum_stream *vs_checksum_stream_new(void) {
    /* The state has 64-byte aligned members. */
    vs_checksum_stream *stream = aligned_alloc(64, (sizeof *stream + 63) / 64 * 64);
    if (stream) XXH3_64bits_reset(&stream->state);
    return stream;
}

void vs_checksum_stream_add(vs_checksum_stream *stream, const void *data, size_t size) {
    XXH3_64bits_update(&stream->state, data, size);
}

uint64_t vs_checksum_stream_value(const vs_checksum_stream *stream) { return XXH3_64bits_digest(&stream->state); }

void vs_checksum_stream_free(vs_checksum_stream *stream) { free(stream); }

const char *vs_library_of(const void *function) {
    Dl_info info;
    return dladdr(function, &info) ? info.dli_fname : NULL;
}

void *vs_symbol_in(const char *file, const char *name) {
    void *library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) return NULL;
    void *symbol = dlsym(library, name);
    dlclose(library); /* only the count that dlopen added; the library stays loaded */
    return symbol;
}

int vs_processor_count(void) {
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
}

void vs_system_reason(int error, char *text, size_t size) {
    char scratch[256];
    const char *reason = strerror_r(error, scratch, sizeof scratch); /* the GNU form: it may not use the array */
    snprintf(text, size, "%s", reason);
}
