/*
 * What a child of fork() must forget.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>

/*
 * The number by which the kernel knows a thread, as the Swift runtime remembers it for the locks that guard what is made
 * once. In a child the thread that forked has a new number, and the runtime goes on with the old one: there two threads
 * that come to the same value at once, one of them this one, wait for a thread that does not exist, and never end.
 *
 * The runtime's own variable is inline, and so is this one: where both are linked into one library they are the same.
 * Where the runtime is another library, or names it otherwise, this one is of no use and does no harm.
 */
__attribute__((weak, visibility("hidden")))
_Thread_local uint32_t runtime_thread_number __asm__("_ZZN5swift14threading_impl5linux13ulock_get_tidEvE3tid");

static void forget_thread_number(void) {
    /* 0 is "ask the kernel". */
    runtime_thread_number = 0;
}

__attribute__((constructor))
static void forget_in_children(void) {
    pthread_atfork(NULL, NULL, forget_thread_number);
}
