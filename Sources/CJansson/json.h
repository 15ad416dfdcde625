/* Jansson, and its macros that Swift does not see. */
#ifndef VECSTORE_JSON_H
#define VECSTORE_JSON_H

#include <jansson.h>

static inline json_type vs_json_type(const json_t *value) { return json_typeof(value); }

#endif
