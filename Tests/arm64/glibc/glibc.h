/*
 * The parts of the C library that the kernel checks use.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A cast is no constant to Swift. */
#undef MAP_FAILED
static void *const MAP_FAILED = (void *)-1;
