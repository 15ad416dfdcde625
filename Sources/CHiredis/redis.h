/* The reader of hiredis, which makes replies out of bytes. Connections are not its own: it has no time-outs as ours and no TLS. */
#ifndef VECSTORE_REDIS_H
#define VECSTORE_REDIS_H

#include <hiredis/read.h>

/* The text of an error is an array, which Swift sees as a tuple. */
static inline const char *vs_redis_error_text(const redisReader *reader) { return reader->errstr; }

#endif
