/* Reads the files of examples/data: text lines, and .npy arrays of float16.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_DATA_H
#define EXAMPLE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n vectors of dim float16 values, row after row. */
typedef struct {
    uint16_t *values;
    size_t n;
    size_t dim;
} vectors;

/* n strings; they all lie in `text`. */
typedef struct {
    char *text;
    char **line;
    size_t n;
} lines;

/* Both print what is wrong to stderr and return false where the file cannot be read. */
bool read_vectors(const char *directory, const char *name, vectors *out);
bool read_lines(const char *directory, const char *name, lines *out);

/* Both take what a failed read left, too. */
void free_vectors(vectors *v);
void free_lines(lines *l);

#endif
