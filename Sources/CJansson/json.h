/* Jansson, and its macros that Swift does not see. */
#ifndef VECSTORE_JSON_H
#define VECSTORE_JSON_H

#include <jansson.h>

static inline json_type vs_json_type(const json_t *value) { return json_typeof(value); }

/* The text of an error is an array, which Swift sees as a tuple. */
static inline const char *vs_json_error_text(const json_error_t *error) { return error->text; }

static inline int vs_json_is_out_of_memory(const json_error_t *error) {
    return json_error_code(error) == json_error_out_of_memory;
}

#endif
