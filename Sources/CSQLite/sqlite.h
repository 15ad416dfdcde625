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

/* FTS5 of a connection, or NULL where SQLite was built without it. It is told by a pointer that a query fills in. */
static inline fts5_api *vs_fts5(sqlite3 *database) {
    fts5_api *api = 0;
    sqlite3_stmt *statement = 0;
    if (sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, 0) != SQLITE_OK) return 0;
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", 0);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
    return api;
}

/* Whether the write-ahead log stays when the last connection goes: whoever may only read needs it to be there. */
static inline int vs_keep_log(sqlite3 *database) {
    int on = 1;
    return sqlite3_file_control(database, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

/* Waits until the disk has the database and its log. Through SQLite: who opens and closes these files takes its locks away. */
static inline int vs_sync_files(sqlite3 *database) {
    static const int pointers[] = { SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER };
    for (int i = 0; i < 2; i++) {
        sqlite3_file *file = 0;
        int result = sqlite3_file_control(database, "main", pointers[i], &file);
        if (result == SQLITE_OK && file && file->pMethods) result = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
        if (result != SQLITE_OK) return result;
    }
    return SQLITE_OK;
}

#endif
