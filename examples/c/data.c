/* Reads the files of examples/data: text lines, and .npy arrays of float16.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole file and a 0 after it, for free(); NULL where it cannot be read. */
static char *read_file(const char *path, size_t *size) {
    char *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    long length = -1;
    if (fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0) bytes = malloc((size_t)length + 1);
    if (bytes != NULL && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    if (bytes == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return NULL;
    }
    bytes[length] = '\0';
    *size = (size_t)length;
    return bytes;
}

/*
 * .npy version 1.0: the 6 bytes "\x93NUMPY", the version as 2 bytes, the length of the header as 2 bytes (low first),
 * the header (a Python dictionary as text), the values. '<f2' is little-endian float16; the library takes numbers in
 * the byte order of the machine, so this example is for little-endian machines.
 */
bool read_vectors(const char *directory, const char *name, vectors *out) {
    *out = (vectors){ NULL, 0, 0 };
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    size_t size = 0;
    char *bytes = read_file(path, &size);
    if (bytes == NULL) return false;

    bool ok = false;
    char header[256] = "";
    size_t start = 0;
    if (size >= 10 && memcmp(bytes, "\x93NUMPY\x01\x00", 8) == 0) {
        size_t length = (size_t)(unsigned char)bytes[8] | (size_t)(unsigned char)bytes[9] << 8;
        start = 10 + length;
        if (start <= size && length < sizeof header) memcpy(header, bytes + 10, length);
    }
    const char *shape = strstr(header, "'shape': (");
    if (strstr(header, "'<f2'") != NULL && strstr(header, "'fortran_order': False") != NULL && shape != NULL &&
        sscanf(shape, "'shape': (%zu, %zu)", &out->n, &out->dim) == 2 && out->n > 0 && out->dim > 0 &&
        out->n <= (size - start) / 2 / out->dim && out->n * out->dim * 2 == size - start) {
        out->values = malloc(size - start);
        ok = out->values != NULL;
        if (ok) memcpy(out->values, bytes + start, size - start);
    }
    free(bytes);
    if (!ok) fprintf(stderr, "%s: not a two-dimensional float16 array in .npy version 1.0\n", path);
    return ok;
}

bool read_lines(const char *directory, const char *name, lines *out) {
    *out = (lines){ NULL, NULL, 0 };
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    size_t size = 0;
    out->text = read_file(path, &size);
    if (out->text == NULL) return false;

    size_t count = 0;
    for (size_t i = 0; i < size; i++) count += out->text[i] == '\n';
    out->line = calloc(count + 1, sizeof *out->line);
    if (out->line == NULL) {
        fprintf(stderr, "%s: no memory\n", path);
        return false;
    }
    char *start = out->text;
    for (char *end; (end = strchr(start, '\n')) != NULL; start = end + 1) {
        *end = '\0';
        out->line[out->n++] = start;
    }
    return true;
}

void free_vectors(vectors *v) {
    free(v->values);
}

void free_lines(lines *l) {
    free(l->line);
    free(l->text);
}
