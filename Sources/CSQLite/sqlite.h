/* SQLite, and what its header says in ways that Swift does not see. */
#ifndef VECSTORE_SQLITE_H
#define VECSTORE_SQLITE_H

#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast of -1 to a function: SQLite copies what is bound. */
static inline int vs_bind_text(sqlite3_stmt *statement, int place, const char *text, sqlite3_uint64 bytes) {
    return sqlite3_bind_text64(statement, place, text, bytes, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int vs_bind_blob(sqlite3_stmt *statement, int place, const void *blob, sqlite3_uint64 bytes) {
    return sqlite3_bind_blob64(statement, place, blob, bytes, SQLITE_TRANSIENT);
}

/* SQLITE_STATIC: the caller keeps the text until the statement has run. */
static inline int vs_lend_text(sqlite3_stmt *statement, int place, const char *text, sqlite3_uint64 bytes) {
    return sqlite3_bind_text64(statement, place, text, bytes, SQLITE_STATIC, SQLITE_UTF8);
}

/* Functions with a list of arguments, which Swift cannot call. */
static inline int vs_set_config(sqlite3 *database, int option, int value) {
    return sqlite3_db_config(database, option, value, (int *)0);
}

#endif
