/*
 * What Swift cannot say: thread-local storage, the checksum, and the lookup of the BLAS library.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VEC_SUPPORT_H
#define VEC_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/* This thread's slot for the text of its last error: 1024 bytes that live as long as the thread. */
char *vs_error_slot(void);

/* How many calls of the host's log function this thread is in. */
int *vs_log_depth(void);

/* XXH3, 64 bits, seed 0 (xxHash, Yann Collet). */
uint64_t vs_checksum(const void *data, size_t size);

/* XXH3, 128 bits, seed 0: the low half first. */
void vs_checksum128(const void *data, size_t size, uint64_t halves[2]);

/* XXH3 over data that comes in pieces. */
typedef struct vs_checksum_stream vs_checksum_stream;
vs_checksum_stream *vs_checksum_stream_new(void); /* NULL where there is no memory */
void vs_checksum_stream_add(vs_checksum_stream *stream, const void *data, size_t size);
uint64_t vs_checksum_stream_value(const vs_checksum_stream *stream);
void vs_checksum_stream_free(vs_checksum_stream *stream);

/* The file of the library that `function` comes from, or NULL. Static storage of the dynamic linker. */
const char *vs_library_of(const void *function);
/* The address of `name` as the library in `file` (already loaded) sees it, or NULL. */
void *vs_symbol_in(const char *file, const char *name);

/* The system's words for an error number. */
void vs_system_reason(int error, char *text, size_t size);

/* The processors that this process may run on. */
int vs_processor_count(void);

#endif
