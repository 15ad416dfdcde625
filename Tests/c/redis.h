/*
 * A redis-server for one C test, on a socket in the directory of the test.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REDIS_H
#define REDIS_H

/* Starts one and waits until it answers; ends the test where there is none. It ends with the test. Returns its URL. */
const char *start_redis(void);

/* Ends it at once, as a crash does. */
void kill_redis(void);

#endif
