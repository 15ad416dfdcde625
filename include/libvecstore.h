/*
 * libvecstore.h - vector search inside your own process.
 *
 * This header is the whole contract: a function that is not declared here is not part of the library.
 *
 * MODEL
 *   An index holds rows. A row is a vector of `dim` elements of one `vecstore_dtype`, known by a 64-bit id.
 *   A search returns the k rows closest to each query under one `vecstore_metric`. Smaller is closer, for every metric.
 *   Arrays of vectors are row-major and dense: n vectors take n * vecstore_row_size(dtype, dim) bytes. They need no
 *   alignment. Numbers are in the byte order of the machine.
 *
 * OWNERSHIP
 *   The library reads input arrays during the call and keeps no pointer to them. Results go into arrays that the caller
 *   owns. Objects that the library makes are freed by their own `..._free` function; passing NULL to it does nothing.
 *   Nothing that the library returns may be passed to free().
 *
 * ERRORS
 *   A function that can fail returns a `vecstore_status`: VECSTORE_OK is 0, every other value is an error. Values are
 *   never renumbered. NULL where something is needed, a handle too, is VECSTORE_ERR_INVALID_ARGUMENT. After an error
 *   vecstore_last_error() describes, on the same thread, what was wrong and what is allowed. Decide by the status;
 *   the text may change between versions. A call that fails changes nothing: no row of a batch is added, no file is
 *   replaced, and a constructor sets its `*out` to NULL. Other outputs are unspecified. The library never prints,
 *   never exits, and never aborts on anything that a caller passes or a file contains.
 *
 * THREADS
 *   Any function may be called from any thread at any time. Beside each other, on the same index:
 *
 *     call                                     | beside searches  | beside itself and other writers
 *     -----------------------------------------+------------------+-----------------------------------
 *     search, search_range, get, contains,     | yes, in parallel | yes, in parallel; a search sees the
 *     count, ids, stats, explain, verify, save |                  | index as it was when the search began;
 *                                              |                  | finding rows by id waits for the last
 *                                              |                  | step of a writer
 *     add                                      | yes              | FLAT, IVF: one at a time; the others wait.
 *                                              |                  | HNSW: calls of add run in parallel. AUTO: as
 *                                              |                  | the kind it is; one that replaces it is alone
 *     update, remove, compact, optimize,       | yes              | one at a time; the others wait
 *     reserve, train                           |                  |
 *     calibrate                                | yes              | yes; it searches, and keeps what it finds
 *     free                                     | yes: calls that already run finish; later ones get
 *                                              | VECSTORE_ERR_INVALID_HANDLE
 *     vecstore_last_error                      | per thread
 *     stateless functions (knn, pairwise, ...) | yes, in parallel; the caller must not change the input meanwhile
 *
 *   HNSW: a search sees each row that was there when it began and is still there when it ends; rows that are added or
 *   removed meanwhile it may see or not. save, verify and writers wait for each other.
 *
 *   A search never waits for a writer longer than it takes to copy a reference. A call uses up to `threads` threads of
 *   one pool that the library owns (0 = the number of processors the process may use, or the environment variable
 *   VECSTORE_THREADS; 1 = only the calling thread). Results do not depend on the number of threads.
 *   A handle is not an address: a freed or made-up handle is recognised and refused, never followed.
 *
 * FORK
 *   A child of fork() may go on using the library and its handles, provided that no other thread of the parent was
 *   inside a library call at that moment. The pool starts again in the child when it is first needed.
 *
 * VERSIONS
 *   VECSTORE_VERSION_* tell what the program was compiled with, vecstore_version_number() what it runs with. Within one
 *   SONAME (libvecstore.so.0) functions and struct fields are only added, at the end. Option structs begin with
 *   `struct_size`, the size the caller was compiled with; fields beyond it take their defaults, and fields that an
 *   older library does not know must be zero. Sizes below that of the first version, or above 4096, are refused.
 *   Start from the ..._INIT macro. NULL in place of options means all defaults (vecstore_index_create needs them: dim
 *   has none).
 *
 * NUMBERS
 *   NaN and infinity are refused in input (VECSTORE_ERR_NOT_FINITE); so is a float vector whose squares sum up to
 *   more than 2^125, a norm of 6.5e18 (VECSTORE_ERR_TOO_LARGE), and under VECSTORE_METRIC_COSINE a vector that is
 *   zero or has a norm below 2^-50 (VECSTORE_ERR_ZERO_VECTOR). Within these limits no distance overflows. Distances
 *   are computed from the differences or products themselves, never from a rearranged expansion, so the L2SQ, L1 and
 *   COSINE distance of a vector to itself is exactly 0, no distance of those is negative, and it is the same whatever
 *   the batch size or the number of threads. Machines with other instruction sets may differ by rounding, and so may
 *   BF16 queries from the same queries as F32 under IP, at most dim * 2^-23 of the sum of the absolute values of the
 *   terms (under IP of BF16, subnormal elements may count as 0). Distances that tie are ordered by id.
 *
 * Copyright the vecstore authors. Licensed under the Apache License, Version 2.0.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LIBVECSTORE_H
#define LIBVECSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define VECSTORE_API __attribute__((visibility("default")))
#else
#define VECSTORE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------------------ */
/* Version                                                                                                            */
/* ------------------------------------------------------------------------------------------------------------------ */

#define VECSTORE_VERSION_MAJOR 0
#define VECSTORE_VERSION_MINOR 1
#define VECSTORE_VERSION_PATCH 0
#define VECSTORE_VERSION_NUMBER (VECSTORE_VERSION_MAJOR * 10000 + VECSTORE_VERSION_MINOR * 100 + VECSTORE_VERSION_PATCH)
#define VECSTORE_VERSION_STRING "0.1.0"

/* The version of the library that runs, as VECSTORE_VERSION_NUMBER writes it. Never fails. (since 0.1) */
VECSTORE_API uint32_t vecstore_version_number(void);

/* The version of the library that runs, such as "0.1.0". Static storage. Never fails. (since 0.1) */
VECSTORE_API const char *vecstore_version_string(void);

/*
 * What this library is and runs on, as one JSON object. Static storage; never NULL; the same for the life of the
 * process. Keys: "version"; "isa" (the instruction set in use) and "isa_available" (all that this processor could run);
 * "isa_note" (why VECSTORE_ISA was not followed, or ""); "blas" (openblas, mkl, blis, atlas, reference or unknown),
 * "blas_version", "blas_library" (its file), "blas_recognised_by" (the symbol that told), "blas_warning" ("" or why
 * it is slow); "threads" (the default number). (since 0.1)
 *
 * Environment: VECSTORE_ISA = baseline | avx2 | avx512 | avx512vnni | avx512bf16 (x86-64) or baseline (arm64) forces an
 * instruction set, for tests; one that this processor lacks is not followed. VECSTORE_THREADS = 1 ... 1024. Both are
 * read once; a number of threads outside this range counts as not set.
 */
VECSTORE_API const char *vecstore_build_info(void);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Status                                                                                                             */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef int32_t vecstore_status;
enum {
    VECSTORE_OK = 0,
    VECSTORE_ERR_INVALID_ARGUMENT = 1, /* NULL, zero, out of range, or fields that do not go together */
    VECSTORE_ERR_INVALID_HANDLE = 2,   /* freed, of another type, or never a handle */
    VECSTORE_ERR_UNSUPPORTED = 3,      /* a metric and dtype that do not go together, or a kind that cannot do this */
    VECSTORE_ERR_NOT_FINITE = 4,       /* NaN or infinity in a vector */
    VECSTORE_ERR_ZERO_VECTOR = 5,      /* a zero vector under the cosine metric */
    VECSTORE_ERR_NOT_FOUND = 6,        /* no such id, no such file */
    VECSTORE_ERR_ALREADY_EXISTS = 7,   /* the id is already there, or twice in one batch */
    VECSTORE_ERR_READ_ONLY = 8,        /* the index is a read-only map of a file, the collection is open for reading */
    VECSTORE_ERR_OUT_OF_MEMORY = 9,    /* memory, or address space */
    VECSTORE_ERR_IO = 10,              /* the operating system refused; the message has its reason */
    VECSTORE_ERR_CORRUPT = 11,         /* a file is not a vecstore file, or is damaged */
    VECSTORE_ERR_NEWER_VERSION = 12,   /* a file was written by a newer version than this library reads */
    VECSTORE_ERR_TOO_LARGE = 13,       /* a size overflows, or passes a limit of this library */
    VECSTORE_ERR_CANCELLED = 14,       /* a callback asked to stop */
    VECSTORE_ERR_LOCKED = 15,          /* another process, or another handle of this one, writes to the collection */
    VECSTORE_ERR_UNAVAILABLE = 16,     /* a server cannot be reached, or did not answer in time */
    VECSTORE_ERR_INTERNAL = 99         /* a defect of the library; nothing was changed */
};

/*
 * What the last failing call on this thread said: one line of UTF-8, at most 1023 bytes. Never NULL; "" before the
 * first error. Owned by the library, valid until this thread's next failing call; success does not clear it. (since
 * 0.1)
 */
VECSTORE_API const char *vecstore_last_error(void);

/* The name of a status, such as "INVALID_ARGUMENT"; "UNKNOWN" for a value that is none. Static storage. (since 0.1) */
VECSTORE_API const char *vecstore_status_name(vecstore_status status);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Log                                                                                                                */
/* ------------------------------------------------------------------------------------------------------------------ */

/* How much a message matters. */
typedef uint32_t vecstore_log_level;
enum {
    VECSTORE_LOG_ERROR = 1,   /* work in the background failed; it is tried again */
    VECSTORE_LOG_WARNING = 2, /* a graph that was damaged and is made again, a slow call, a line that an import passes over */
    VECSTORE_LOG_INFO = 3,    /* graphs and snapshots that were saved, what a crash had left over */
    VECSTORE_LOG_DEBUG = 4    /* collections that were opened */
};

/*
 * Is told what happens that no call returns. `message` is one line of UTF-8 without a line end, and gone when the function returns.
 * It may be called on any thread, those of the library too, and on several at once. It may call the library, this function's own
 * removal too, but messages that arise from that are not told. It must return normally, and soon: a call, or the work in the
 * background, waits for it. The library holds no lock meanwhile.
 */
typedef void (*vecstore_log_callback)(vecstore_log_level level, const char *message, void *payload);

/*
 * Sets the function that is told, for the whole process; NULL: none, as in the beginning. Without one the library tells nothing to
 * anybody: it never writes to standard error.
 * When this returns, no call of the function that was set before runs any more, so that it may be unloaded, and `payload` freed.
 * From within the function it does not wait: then calls of it may still run on other threads, and this one.
 * @param[in] payload  for the function
 * @param[in] level    messages that matter less are not told; 0 = VECSTORE_LOG_INFO
 * Errors: INVALID_ARGUMENT. After fork() the child has the same function. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_set_log_callback(vecstore_log_callback callback, void *payload,
                                                       vecstore_log_level level);

/*
 * Calls of collections that take this long or longer are told as warnings, in the whole process; 0: none, as in the beginning.
 * Never fails. (since 0.1)
 */
VECSTORE_API void vecstore_set_slow_call_threshold(uint64_t microseconds);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Vectors and distances                                                                                              */
/* ------------------------------------------------------------------------------------------------------------------ */

/* The id of a missing result; no row can have it. */
#define VECSTORE_ID_NONE UINT64_MAX

/* Most elements (for BITS: bits) of one vector. */
#define VECSTORE_DIM_MAX 65536
/* Most results for one query. */
#define VECSTORE_K_MAX 1048576

/*
 * How far apart two vectors a, b are. Sums run over the elements.
 *
 *   metric    | distance                      | range             | dtypes
 *   ----------+-------------------------------+-------------------+-----------------------------
 *   L2SQ      | sum (a - b)^2, not its root   | [0, inf)          | F32, F16, BF16, I8, U8
 *   IP        | - sum a * b                   | (-inf, inf)       | F32, F16, BF16, I8, U8
 *   COSINE    | 1 - sum a * b / (|a| * |b|)   | [0, 2]            | F32, F16, BF16, I8, U8
 *   L1        | sum |a - b|                   | [0, inf)          | F32, F16, BF16, I8, U8
 *   HAMMING   | bits that differ              | [0, dim]          | BITS
 *   JACCARD   | 1 - bits in both / in either  | [0, 1]; 0 if none | BITS
 *
 * Other pairs are refused with VECSTORE_ERR_UNSUPPORTED.
 */
typedef uint32_t vecstore_metric;
enum {
    VECSTORE_METRIC_L2SQ = 1,
    VECSTORE_METRIC_IP = 2,
    VECSTORE_METRIC_COSINE = 3,
    VECSTORE_METRIC_L1 = 4,
    VECSTORE_METRIC_HAMMING = 5,
    VECSTORE_METRIC_JACCARD = 6
};

/* The type of the elements of a vector. */
typedef uint32_t vecstore_dtype;
enum {
    VECSTORE_DTYPE_F32 = 1,  /* IEEE 754 binary32, "float" */
    VECSTORE_DTYPE_F16 = 2,  /* IEEE 754 binary16 */
    VECSTORE_DTYPE_BF16 = 3, /* bfloat16: the upper half of a binary32 */
    VECSTORE_DTYPE_I8 = 4,   /* int8_t */
    VECSTORE_DTYPE_U8 = 5,   /* uint8_t */
    VECSTORE_DTYPE_BITS = 6  /* element i is bit i % 8 (1 = lowest) of byte i / 8; unused bits of the last byte must be 0 */
};

/* Bytes of one vector: 0 where dtype or dim (1 ... VECSTORE_DIM_MAX) is not valid. (since 0.1) */
VECSTORE_API size_t vecstore_row_size(vecstore_dtype dtype, size_t dim);

/* Whether distances by this metric exist for this dtype. (since 0.1) */
VECSTORE_API bool vecstore_is_supported(vecstore_metric metric, vecstore_dtype dtype);

/*
 * The distance of two vectors.
 * @param[in]  a, b      one vector each
 * @param[in]  dim       1 ... VECSTORE_DIM_MAX
 * @param[out] distance  one float
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, OUT_OF_MEMORY. O(dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_distance(const void *a, const void *b, size_t dim, vecstore_metric metric,
                                               vecstore_dtype dtype, float *distance);

/*
 * All distances between two blocks of vectors.
 * @param[in]  queries    nq vectors
 * @param[in]  base       n vectors
 * @param[in]  threads    0 = default, 1 = the calling thread only
 * @param[out] distances  nq * n floats, row-major: distances[i * n + j] is between queries[i] and base[j]
 * nq and n may be 0. Errors: INVALID_ARGUMENT, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, OUT_OF_MEMORY.
 * O(nq * n * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_pairwise(const void *queries, size_t nq, const void *base, size_t n, size_t dim,
                                               vecstore_metric metric, vecstore_dtype dtype, uint32_t threads,
                                               float *distances);

/*
 * Euclidean norms.
 * @param[in]  vectors  n vectors of F32, F16, BF16, I8 or U8
 * @param[out] norms    n floats
 * Errors: INVALID_ARGUMENT, UNSUPPORTED (BITS), NOT_FINITE, TOO_LARGE. O(n * dim), on the calling thread. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_norms(const void *vectors, size_t n, size_t dim, vecstore_dtype dtype, float *norms);

/*
 * Scales each vector to norm 1, in place.
 * @param[in,out] vectors  n vectors of F32, F16 or BF16; unchanged where the call fails
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, OUT_OF_MEMORY. O(n * dim), on the calling
 * thread. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_normalize(void *vectors, size_t n, size_t dim, vecstore_dtype dtype);

/*
 * Converts elements between types. Among F32, F16 and BF16 values are rounded to the nearest, ties to even; from
 * a float type to I8 or U8 likewise. A value outside the range of the new type is refused with TOO_LARGE, NaN and
 * infinity with NOT_FINITE. BITS convert from and to nothing else.
 * @param[in]  source  count elements; must not overlap target
 * @param[out] target  count elements
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, NOT_FINITE, TOO_LARGE (a value outside the range), OUT_OF_MEMORY. O(count),
 * on the calling thread. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_convert(const void *source, vecstore_dtype source_dtype, void *target,
                                              vecstore_dtype target_dtype, size_t count);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Clustering                                                                                                         */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * Is told how far a long call has come: `done` of `total` rows. Called now and then, on the thread that made the call,
 * and once at the end. Returning false cancels the call, which then returns VECSTORE_ERR_CANCELLED. It must return
 * normally and must not use the index.
 */
typedef bool (*vecstore_progress_callback)(uint64_t done, uint64_t total, void *payload);

/* Where the centroids of k-means begin. */
typedef uint32_t vecstore_kmeans_start;
enum {
    VECSTORE_KMEANS_START_DEFAULT = 0,  /* PLUSPLUS */
    VECSTORE_KMEANS_START_PLUSPLUS = 1, /* rows far from each other (k-means++, Arthur & Vassilvitskii 2007), of at most
                                           16 * k rows, or 16,384 where that is more */
    VECSTORE_KMEANS_START_RANDOM = 2    /* rows drawn at random */
};

typedef struct vecstore_kmeans_options {
    uint32_t struct_size;
    uint32_t threads;              /* 0 = default, 1 = the calling thread only, at most 1024 */
    vecstore_metric metric;        /* 0 = VECSTORE_METRIC_L2SQ; VECSTORE_METRIC_COSINE = spherical k-means: vectors and
                                      centroids count by their direction, and centroids have norm 1 */
    vecstore_kmeans_start start;
    uint32_t max_iterations;       /* passes over the vectors; 0 = 25 */
    uint32_t restarts;             /* runs with different starts, of which the best counts; 0 = 1 */
    uint64_t seed;                 /* the same vectors, options and seed give the same centroids on any number of threads */
    uint64_t sample;               /* trains on at most so many vectors, drawn at random; at least k; 0 = 256 * k. Not
                                      together with batch_size */
    uint64_t batch_size;           /* 0 = all vectors of the sample in each step (Lloyd 1982), which takes a copy of them
                                      where they are fewer than all or not F32; else mini-batch k-means (Sculley 2010):
                                      steps of so many vectors, drawn at random of all; needs memory for one batch */
    float tolerance;               /* ends where a pass lowers the sum of the distances by less than this share; 0 = 1e-4;
                                      negative = only where nothing changes */
    uint32_t reserved;             /* 0 */
    vecstore_progress_callback progress; /* NULL = none */
    void *payload;                       /* for progress */
} vecstore_kmeans_options;

#define VECSTORE_KMEANS_OPTIONS_INIT                                                                                   \
    { (uint32_t)sizeof(vecstore_kmeans_options), 0, 0, VECSTORE_KMEANS_START_DEFAULT, 0, 0, 0, 0, 0, 0.0f, 0, NULL, NULL }

/* What vecstore_kmeans_train did. */
typedef struct vecstore_kmeans_result {
    uint32_t struct_size;   /* set by the caller: the library fills in as many bytes as that */
    uint32_t iterations;    /* passes over the vectors that the best run made */
    uint32_t converged;     /* 1: it ended before max_iterations */
    uint32_t reserved;
    uint64_t trained_count; /* vectors that were trained on */
    double objective;       /* the sum of the distances of all n vectors, each to its nearest centroid */
} vecstore_kmeans_result;

#define VECSTORE_KMEANS_RESULT_INIT { (uint32_t)sizeof(vecstore_kmeans_result), 0, 0, 0, 0, 0.0 }

/*
 * k-means: finds k centroids such that the sum of the distances of all vectors, each to its nearest centroid, is small.
 * A centroid that loses all its vectors takes one that is far from its own. Where there are fewer different vectors than
 * k, some centroids are equal.
 * @param[in]  vectors      n vectors of F32, F16, BF16, I8 or U8
 * @param[in]  k            1 ... n
 * @param[out] centroids    k * dim floats; unchanged where the call fails
 * @param[out] assignments  n numbers from 0 to k - 1: the nearest centroid of each vector, the first of those that tie; may
 *                          be NULL
 * @param[out] result       may be NULL. Where assignments and result are both NULL, the last pass over all vectors is
 *                          saved
 * Errors: INVALID_ARGUMENT, UNSUPPORTED (another metric; BITS), NOT_FINITE, ZERO_VECTOR, TOO_LARGE, OUT_OF_MEMORY,
 * CANCELLED. O(max_iterations * sample * k * dim + n * k * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_kmeans_train(const void *vectors, vecstore_dtype dtype, size_t n, size_t dim,
                                                   size_t k, const vecstore_kmeans_options *options, float *centroids,
                                                   uint32_t *assignments, vecstore_kmeans_result *result);

/*
 * The nearest centroid of each vector, exactly.
 * @param[in]  vectors      n vectors of F32, F16, BF16, I8 or U8
 * @param[in]  centroids    k vectors of F32
 * @param[in]  k            1 or more
 * @param[in]  metric       L2SQ or COSINE
 * @param[in]  threads      0 = default, 1 = the calling thread only
 * @param[out] assignments  n numbers from 0 to k - 1; of centroids that tie the first
 * @param[out] distances    n floats; may be NULL
 * Errors: as vecstore_kmeans_train. O(n * k * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_kmeans_assign(const void *vectors, vecstore_dtype dtype, size_t n, size_t dim,
                                                    const float *centroids, size_t k, vecstore_metric metric,
                                                    uint32_t threads, uint32_t *assignments, float *distances);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Work options                                                                                                       */
/* ------------------------------------------------------------------------------------------------------------------ */

/* How calls go about their work: vecstore_quantizer_train, vecstore_index_add, vecstore_index_optimize. */
typedef struct vecstore_work_options {
    uint32_t struct_size;
    uint32_t threads; /* 0 = default, 1 = the calling thread only, at most 1024 */
    vecstore_progress_callback progress; /* NULL = none */
    void *payload;                       /* for progress */
} vecstore_work_options;

#define VECSTORE_WORK_OPTIONS_INIT { (uint32_t)sizeof(vecstore_work_options), 0, NULL, NULL }

/* ------------------------------------------------------------------------------------------------------------------ */
/* Quantizers                                                                                                         */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * Turns vectors into short codes and back. Any function may be called from any thread at any time; training replaces what
 * was there at its end, and calls that run go on with the old.
 */
typedef struct vecstore_quantizer vecstore_quantizer;

/* What codes are made of. */
typedef uint32_t vecstore_quantizer_kind;
enum {
    VECSTORE_QUANTIZER_SCALAR = 1, /* a number of 8 or 4 bits for each element, between the ends of a range; with 4, element
                                      i is bits 4 * (i % 2) ... of byte i / 2 */
    VECSTORE_QUANTIZER_PRODUCT = 2, /* for each of pq_m parts of a vector the number of the nearest of 2^bits centroids (Jegou,
                                      Douze & Schmid 2011), one behind the other, the lowest bits first. Parts have dim /
                                      pq_m elements, or one more */
    VECSTORE_QUANTIZER_BINARY = 3  /* for each element of the vector, less the mean and rotated at random, a number of 1 to 8
                                      bits, one behind the other, the lowest bits first; then two float32 from which
                                      products are estimated, right on average (RaBitQ: Gao & Long, arXiv 2405.12497, and
                                      arXiv 2409.09913) */
};

typedef uint32_t vecstore_rotation;
enum {
    VECSTORE_ROTATION_NONE = 0,
    VECSTORE_ROTATION_OPQ = 1 /* vectors are rotated first, so that codes lose least (Ge, He, Ke & Sun 2013); dim up to 4096 */
};

typedef struct vecstore_quantizer_options {
    uint32_t struct_size;
    vecstore_quantizer_kind kind; /* there is no default */
    uint32_t dim;                 /* 1 ... VECSTORE_DIM_MAX; there is no default */
    uint32_t bits;                /* SCALAR: 8 or 4, PRODUCT: 4, 5, 6, 7, 8, 10 or 12; 0 = 8. BINARY: 1 ... 8; 0 = 1 */
    uint32_t pq_m;                /* PRODUCT: parts, 1 ... dim; else 0 */
    vecstore_rotation rotation;   /* PRODUCT; else 0 */
    uint32_t uniform;             /* SCALAR: 1: one range for all elements, 0: each has its own; else 0 */
    float quantile;               /* SCALAR: the share of values that may lie beyond each end of a range, below 0.5; 0: ranges
                                     go from the least to the largest value; else 0 */
    uint64_t seed;                /* the same vectors, options and seed give the same codes, on any number of threads; SCALAR
                                     does without */
} vecstore_quantizer_options;

#define VECSTORE_QUANTIZER_OPTIONS_INIT { (uint32_t)sizeof(vecstore_quantizer_options), 0, 0, 0, 0, 0, 0, 0.0f, 0 }

/*
 * Makes a quantizer, which must be trained before it is used.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, OUT_OF_MEMORY. Free with vecstore_quantizer_free. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_create(const vecstore_quantizer_options *options, vecstore_quantizer **out);

/* Frees a quantizer, with the last call that still uses it. NULL, and a handle already freed, do nothing. (since 0.1) */
VECSTORE_API void vecstore_quantizer_free(vecstore_quantizer *quantizer);

/*
 * Finds the ranges or centroids that fit some vectors.
 * @param[in] vectors  n vectors of F32, F16, BF16, I8 or U8; 1 or more. Of more than 256 * 2^bits (PRODUCT) or 262,144
 *                     (SCALAR) so many are drawn at random. With fewer than 2^bits some centroids are equal. BINARY: as SCALAR.
 * @param[in] options  NULL = defaults
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, UNSUPPORTED (BITS), NOT_FINITE, TOO_LARGE, OUT_OF_MEMORY, CANCELLED: the
 * quantizer is as before. PRODUCT: O(vectors * 2^bits * dim) a pass, 25 at most; OPQ adds 60 * O(vectors * dim^2 + dim^3).
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_train(vecstore_quantizer *quantizer, const void *vectors,
                                                      vecstore_dtype dtype, size_t n, const vecstore_work_options *options);

/* Whether a quantizer has been trained. Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_quantizer_is_trained(const vecstore_quantizer *quantizer, bool *trained);

/* Bytes of one code. Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_quantizer_code_size(const vecstore_quantizer *quantizer, size_t *size);

/*
 * How a quantizer was made: what vecstore_quantizer_create would take to make it again, with defaults resolved.
 * @param[out] options  its struct_size is set by the caller: the library fills in as many bytes as that
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_get_options(const vecstore_quantizer *quantizer,
                                                            vecstore_quantizer_options *options);

/*
 * Makes codes of vectors.
 * @param[in]  vectors  n vectors of F32, F16, BF16, I8 or U8. What lies beyond a range counts as its end.
 * @param[in]  threads  0 = default, 1 = the calling thread only
 * @param[out] codes    n codes, one behind the other
 * Errors: INVALID_ARGUMENT (not trained, too), INVALID_HANDLE, UNSUPPORTED, NOT_FINITE, TOO_LARGE, OUT_OF_MEMORY. SCALAR:
 * O(n * dim), PRODUCT: O(n * 2^bits * dim), with a rotation O(n * dim^2) more. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_encode(const vecstore_quantizer *quantizer, const void *vectors,
                                                       vecstore_dtype dtype, size_t n, uint32_t threads, uint8_t *codes);

/*
 * Makes vectors of codes again, as near to those they were made of as codes allow. Any bytes stand for some vector.
 * @param[out] vectors  n * dim floats
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, TOO_LARGE, OUT_OF_MEMORY. O(n * dim), with a rotation O(n * dim^2). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_decode(const vecstore_quantizer *quantizer, const uint8_t *codes, size_t n,
                                                       uint32_t threads, float *vectors);

/* What codes lose of some vectors. */
typedef struct vecstore_quantizer_loss {
    uint32_t struct_size; /* set by the caller: the library fills in as many bytes as that */
    uint32_t reserved;
    double mean_squared_error; /* the mean of |x - y|^2 over the vectors x, where y is decoded from the code of x */
    double relative_error;     /* the sum of |x - y|^2 over the sum of |x|^2 */
} vecstore_quantizer_loss;

#define VECSTORE_QUANTIZER_LOSS_INIT { (uint32_t)sizeof(vecstore_quantizer_loss), 0, 0.0, 0.0 }

/* Measures what codes lose of n vectors. Errors: as vecstore_quantizer_encode. (since 0.1) */
VECSTORE_API vecstore_status vecstore_quantizer_measure(const vecstore_quantizer *quantizer, const void *vectors,
                                                        vecstore_dtype dtype, size_t n, uint32_t threads,
                                                        vecstore_quantizer_loss *loss);

/*
 * The distances of queries from the vectors that codes stand for. The queries are not made into codes (asymmetric distances).
 * BINARY estimates the distances from the vectors that the codes were made of: right on average, and not those from the
 * decoded vectors.
 * @param[in]  queries    nq vectors of F32, F16, BF16, I8 or U8
 * @param[in]  codes      n codes
 * @param[in]  metric     L2SQ or IP; for cosine scale vectors to norm 1 and take IP
 * @param[out] distances  nq * n floats: distances[i * n + j] is between query i and code j
 * Errors: as vecstore_quantizer_encode. PRODUCT: O(nq * (2^bits * dim + n * pq_m)); others: O(nq * n * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_distances(const vecstore_quantizer *quantizer, const void *queries,
                                                          vecstore_dtype dtype, size_t nq, const uint8_t *codes, size_t n,
                                                          vecstore_metric metric, uint32_t threads, float *distances);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Filters and search options                                                                                         */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef uint32_t vecstore_filter_kind;
enum {
    VECSTORE_FILTER_NONE = 0,    /* every row matches */
    VECSTORE_FILTER_BITMAP = 1,  /* id matches where bit id % 8 (1 = lowest) of bitmap[id / 8] is set and id < bitmap_bits */
    VECSTORE_FILTER_IDS = 2,     /* id matches where it is one of ids[0 ... ids_count); any order, repeats allowed */
    VECSTORE_FILTER_CALLBACK = 3 /* id matches where callback(id, payload) is true */
};

/*
 * Decides whether a row may be a result. It is called on the calling thread of the search, before the search begins,
 * once for each row (not for each query). It must return normally. What it changes in the index, the search of a flat
 * index does not see, and that of a graph may.
 */
typedef bool (*vecstore_filter_callback)(uint64_t id, void *payload);

/* Which rows may be results. Read during the call only. */
typedef struct vecstore_filter {
    uint32_t struct_size;
    vecstore_filter_kind kind;
    const uint8_t *bitmap; /* (bitmap_bits + 7) / 8 bytes */
    uint64_t bitmap_bits;
    const uint64_t *ids;
    uint64_t ids_count;
    vecstore_filter_callback callback;
    void *payload;
    uint32_t negate; /* 1: rows that do NOT match the above may be results; else 0 */
    uint32_t reserved; /* 0 */
} vecstore_filter;

#define VECSTORE_FILTER_INIT { (uint32_t)sizeof(vecstore_filter), VECSTORE_FILTER_NONE, NULL, 0, NULL, 0, NULL, NULL, 0, 0 }

/* How one search is done. */
typedef struct vecstore_search_options {
    uint32_t struct_size;
    uint32_t threads;              /* 0 = default, 1 = the calling thread only, at most 1024 */
    const vecstore_filter *filter; /* NULL = every row may be a result */

    /* For HNSW, target_recall for IVF too; the others pass over them. */
    uint32_t ef_search;  /* rows kept in view, 1 ... VECSTORE_K_MAX: more find more and take longer; 0 = default (64, or
                            what target_recall asks for). At least k are kept. */
    float target_recall; /* takes the ef_search, of IVF the nprobe, that vecstore_index_calibrate found, for a recall up
                            to the one that it was called with; 0 = none. Not together with ef_search, of IVF nprobe. */
    uint32_t no_rescore; /* 1: results are ranked by what the graph, or the lists, hold alone, whose distances are
                            approximate where storage is coarser than dtype; 0: by the finer rows, where there are any */
    float oversampling;  /* ranks at most oversampling * k rows by the finer rows, and keeps at least as many in view;
                            1 or more; 0 = as many as may be among the best (IVF: at most 5 * k, or k + 32 where that is
                            more) */

    /* For IVF; the others pass over it. no_rescore and oversampling are for it too. */
    uint32_t nprobe;   /* lists that are read, the nearest first: 1 ... 1,048,576; 0 = one of 16, or what target_recall asks
                          for. Where they hold, or a filter leaves, fewer than k rows, more lists are read (not for a radius). */
    uint32_t reserved; /* 0 */
} vecstore_search_options;

#define VECSTORE_SEARCH_OPTIONS_INIT { (uint32_t)sizeof(vecstore_search_options), 0, NULL, 0, 0.0f, 0, 0.0f, 0, 0 }

/*
 * The k nearest vectors of a block, exactly, without an index. The id of a base vector is its position.
 * @param[in]  queries    nq vectors
 * @param[in]  base       n vectors
 * @param[in]  k          1 ... VECSTORE_K_MAX; may be larger than n
 * @param[out] ids        nq * k, nearest first; VECSTORE_ID_NONE where there are fewer than k results
 * @param[out] distances  nq * k; infinity where there are fewer than k results
 * @param[out] counts     nq, the number of results for each query; may be NULL
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, OUT_OF_MEMORY. O(nq * n * dim). (since
 * 0.1)
 */
VECSTORE_API vecstore_status vecstore_knn(const void *queries, size_t nq, const void *base, size_t n, size_t dim,
                                          vecstore_metric metric, vecstore_dtype dtype, size_t k,
                                          const vecstore_search_options *options, uint64_t *ids, float *distances,
                                          uint64_t *counts);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Index                                                                                                              */
/* ------------------------------------------------------------------------------------------------------------------ */

/* An index: rows, their ids, and what it takes to search them. `const` marks the calls that do not change it. */
typedef struct vecstore_index vecstore_index;

/* How an index finds its results. */
typedef uint32_t vecstore_kind;
enum {
    VECSTORE_KIND_FLAT = 1, /* exact: compares the query with every row that the filter lets through */
    /*
     * Approximate: walks over a graph of near rows (Malkov & Yashunin 2018, arXiv 1603.09320), for a small part of the
     * work. Every row can be reached, whatever was added and removed. At most 2,147,483,646 rows.
     */
    VECSTORE_KIND_HNSW = 2,
    /*
     * Approximate: an inverted file. Rows lie in lists around centroids (k-means), and a search reads the lists nearest
     * to its query (Jegou, Douze, Schmid 2011). Lists hold rows, or codes, of which registers look up those of 4 bits
     * many at a time, with finer rows beside them to rank the best by. Needs training:
     * vecstore_index_train, or the first rows that are added. Float and byte types under L2SQ, IP and COSINE. At most
     * 2,147,483,646 rows.
     */
    VECSTORE_KIND_IVF = 3,
    /*
     * For vecstore_index_create alone: chooses one of the kinds above, and how it stores rows, from the rows, `memory_budget`
     * and `target_recall`, and calibrates it, so that plain searches find that share of the 10 nearest rows. Begins as FLAT;
     * the add that makes the rows too many for that, or for the budget, builds another index with them. Statistics and
     * files say what it is now; vecstore_index_explain says why.
     */
    VECSTORE_KIND_AUTO = 4
};

/*
 * How a graph, or the lists of an inverted file, store the rows that searches compare. A dtype of I8, U8 or BITS is
 * stored as it is (AUTO). F32 goes with all; F16 and BF16 go with themselves, AUTO and codes. INT8, INT4 and what AUTO
 * makes of them need L2SQ, IP or COSINE.
 */
typedef uint32_t vecstore_storage;
enum {
    VECSTORE_STORAGE_AUTO = 0, /* IVF: as the dtype says. HNSW: INT8 where a measurement on the rows says that it loses
                                  no neighbours, else F16 or F32. Decided once there are 2,048 rows; until then rows are
                                  stored as the dtype says. */
    VECSTORE_STORAGE_F32 = 1,
    VECSTORE_STORAGE_F16 = 2,
    VECSTORE_STORAGE_BF16 = 3,
    VECSTORE_STORAGE_INT8 = 4, /* HNSW: 8-bit scalar quantization, trained on the first rows (2,048 or more); IVF: a byte for
                                  each element, relative to the list's center */
    VECSTORE_STORAGE_INT4 = 5, /* HNSW: 4-bit scalar quantization, trained likewise: half the memory of INT8, and a little
                                  less recall where no finer rows rank the results; IVF: 4 bits for each element, relative
                                  to the list's center */
    VECSTORE_STORAGE_PQ = 6,   /* IVF: product codes, a number for each of pq_m parts, relative to the list's center */
    VECSTORE_STORAGE_BINARY = 7 /* IVF: binary codes, one or more bits for each element, relative to the list's center and
                                   rotated at random (RaBitQ, arXiv 2405.12497 and 2409.09913) */
};

/* The finer rows that an index keeps beside coarser storage (of IVF: beside codes), for ranking results and for
 * vecstore_index_get. */
typedef uint32_t vecstore_rescore;
enum {
    VECSTORE_RESCORE_DEFAULT = 0, /* as they were added */
    VECSTORE_RESCORE_NONE = 1,    /* none: distances and rows that come out are approximate */
    VECSTORE_RESCORE_F32 = 2,     /* for dtype F32 */
    VECSTORE_RESCORE_F16 = 3      /* for dtype F32 and F16; elements must be below 65,520 */
};

/* What an index is made of. Everything here is stored in its file. */
typedef struct vecstore_index_options {
    uint32_t struct_size;
    vecstore_kind kind;     /* 0 = VECSTORE_KIND_FLAT */
    uint32_t dim;           /* 1 ... VECSTORE_DIM_MAX; there is no default */
    vecstore_metric metric; /* 0 = VECSTORE_METRIC_L2SQ */
    vecstore_dtype dtype;   /* how rows are stored; 0 = VECSTORE_DTYPE_F32 */
    uint32_t exact_codes;   /* 8-bit copies of the rows that make exact search faster, for 1 byte more an element:
                               0 = default (kept where they help: F32 rows of dim 32 or more under L2SQ, IP, COSINE),
                               1 = keep (F32, F16, BF16 under these metrics; else UNSUPPORTED), 2 = do not */
    uint64_t capacity;      /* rows to reserve memory for; 0 = none. An index grows past it by itself. */

    /* For HNSW; with FLAT they must be 0, m and ef_construction with IVF too. */
    uint32_t m;               /* links that a new row gets: lists hold twice as many. 2 ... 256; 0 = 16 */
    uint32_t ef_construction; /* rows kept in view while links are chosen: 1 ... VECSTORE_K_MAX; 0 = 200 */
    vecstore_storage storage;
    vecstore_rescore rescore;
    uint64_t seed; /* the same rows, options and seed, added on one thread, give the same file, byte for byte */

    /* For IVF; with the others they must be 0. storage, rescore and seed are for it too. */
    uint32_t nlist;       /* lists: 1 ... 1,048,576; 0 = by the rows trained on: a power of two, about 4 * sqrt(n) */
    uint32_t pq_m;        /* PQ: parts of a code, 1 ... dim, and with 4 bits at most 16,384; 0 = dim / 2, where it is not
                             more, or with more than 4 bits dim / 4 */
    uint32_t bits;        /* of each number of a code: PQ 4 ... 8, of which 5 and more take a byte; BINARY 1 ... 6, or 8;
                             0 = 4 for PQ, 1 for BINARY */
    uint32_t assignments; /* lists that each row is in: 1, or 2, the second one chosen to help where the first misleads
                             (SOAR, arXiv 2404.00774): more memory, far fewer lists to read; 0 = 1 */
    vecstore_rotation rotation; /* PQ: OPQ makes codes of rotated residuals, which lose less where parts are few; dim up to
                                   4096; else 0 */

    /* For AUTO; with the others they must be 0. seed is for it too, and capacity says how many rows are expected. */
    float target_recall;    /* above 0, up to 1: exact search; 0 = 0.95 */
    uint64_t memory_budget; /* bytes that it may take, as memory_bytes of the statistics counts them; 0 = any number */
} vecstore_index_options;

#define VECSTORE_INDEX_OPTIONS_INIT                                                                                    \
    {                                                                                                                  \
        (uint32_t)sizeof(vecstore_index_options), VECSTORE_KIND_FLAT, 0, VECSTORE_METRIC_L2SQ, VECSTORE_DTYPE_F32, 0,  \
            0, 0, 0, VECSTORE_STORAGE_AUTO, VECSTORE_RESCORE_DEFAULT, 0, 0, 0, 0, 0, VECSTORE_ROTATION_NONE,           \
            0.0f, 0                                                                                                    \
    }

/*
 * Makes an empty index.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, TOO_LARGE, OUT_OF_MEMORY. Free with vecstore_index_free. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_create(const vecstore_index_options *options, vecstore_index **out);

/* Frees an index; its memory goes with the last call that still uses it. Does not wait. NULL, and a handle already freed,
 * do nothing. (since 0.1) */
VECSTORE_API void vecstore_index_free(vecstore_index *index);

/*
 * Trains an index of kind IVF that has no rows: finds the centroids of its lists, and codebooks where lists hold codes.
 * Where this is not called, the first rows that are added are trained on; and where nlist is 0 and rows are kept, all rows
 * again in the call of add that makes them so many that there should be four times the lists. An index that was not trained by
 * this, or was optimized, also splits and merges lists that drift, where rows are kept: some calls of add and update take longer
 * for that. Called again before there are rows, it starts anew.
 * @param[in] vectors  n vectors like those to come; n is nlist at least (under IP without vectors of zeros), and better
 *                     39 * nlist or more: up to 256 * nlist of them, drawn at random, are used
 * @param[in] options  threads, and a callback that may cancel; NULL = default
 * Errors: INVALID_ARGUMENT (too few vectors), INVALID_HANDLE, UNSUPPORTED (another kind, another dtype, or the index has
 * rows), NOT_FINITE, ZERO_VECTOR, TOO_LARGE, READ_ONLY, CANCELLED, OUT_OF_MEMORY; the index stays as it was.
 * O(n * nlist * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_train(vecstore_index *index, const void *vectors, vecstore_dtype dtype,
                                                  size_t n, const vecstore_work_options *options);

/*
 * Adds n rows: all of them, or none where the call fails.
 * @param[in]  vectors  n vectors
 * @param[in]  dtype    of `vectors`: that of the index; an index of F32, F16 or BF16 takes any of these three and
 *                      converts
 * @param[in]  ids      n ids, each new to the index and none of them VECSTORE_ID_NONE; NULL = assigned by the index:
 *                      one
 *                      more than the largest id it ever had, and so on (0, 1, 2, ... in a new index)
 *                      An index holds at most 4,294,967,294 rows.
 * @param[out] out_ids  n ids that the rows have; may be NULL, may be the same array as ids
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR, ALREADY_EXISTS, READ_ONLY, TOO_LARGE,
 * OUT_OF_MEMORY, CANCELLED. FLAT: O(n * dim). HNSW: O(n * ef_construction * m * dim * log rows) or so. IVF:
 * O(n * nlist * dim); one that was not trained is trained on these rows, and refuses fewer than vecstore_index_train
 * would (INVALID_ARGUMENT). AUTO: as the kind that it is; where that changes, as adding all rows to the new one; where
 * memory_budget does not hold them, TOO_LARGE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_add(vecstore_index *index, const void *vectors, vecstore_dtype dtype, size_t n,
                                                const uint64_t *ids, const vecstore_work_options *options,
                                                uint64_t *out_ids);

/*
 * Replaces the vectors of n rows that exist: all of them, or none where the call fails.
 * @param[in] ids  n different ids
 * Uses the default number of threads. Errors: as vecstore_index_add; NOT_FOUND where an id is not in the index;
 * ALREADY_EXISTS where an id comes twice. O(n * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_update(vecstore_index *index, const uint64_t *ids, const void *vectors,
                                                   vecstore_dtype dtype, size_t n);

/*
 * Removes rows. Ids that are not there are passed over. Memory returns as rows are removed; vecstore_index_compact
 * returns the rest.
 * @param[out] removed  how many rows were removed; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, READ_ONLY, OUT_OF_MEMORY. O(n), and now and then O(rows moved). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_remove(vecstore_index *index, const uint64_t *ids, size_t n, size_t *removed);

/* Rewrites what removed rows left behind and returns the memory. Ids do not change. O(rows * dim).
 * Errors: INVALID_HANDLE, READ_ONLY, OUT_OF_MEMORY. (since 0.1) */
VECSTORE_API vecstore_status vecstore_index_compact(vecstore_index *index);

/*
 * Makes searches of a graph faster and lets them find more, once most rows are in: chooses the links of every row once
 * more, lays rows that are near each other side by side, and gives back the memory of rows that were removed. Ids do not
 * change. Takes about as long as adding the rows did, and as much memory again while it runs. Cancelled, it leaves a whole
 * index, part of which is optimized. IVF: trains on the rows that there are and puts all of them into new lists, where
 * rows are kept, for lists that rows of another kind have filled unevenly; cancelled, it leaves the index as it was. FLAT,
 * and IVF of codes alone: the same as vecstore_index_compact. AUTO: chooses again for the rows that there are, and builds
 * what was chosen, where it is another.
 * @param[in] options  NULL = defaults
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, READ_ONLY, OUT_OF_MEMORY, CANCELLED. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_optimize(vecstore_index *index, const vecstore_work_options *options);

/* Reserves memory for `rows` rows altogether. AUTO: expects so many.
 * Errors: INVALID_HANDLE, READ_ONLY, TOO_LARGE, OUT_OF_MEMORY. (since 0.1) */
VECSTORE_API vecstore_status vecstore_index_reserve(vecstore_index *index, uint64_t rows);

/*
 * Whether ids are in the index.
 * @param[out] found  n bytes: 1 where ids[i] is there, else 0
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. O(n); O(n log rows) for a mapped index. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_contains(const vecstore_index *index, const uint64_t *ids, size_t n,
                                                     uint8_t *found);

/*
 * Copies the vectors of rows out, as they are stored. Where there are codes alone: what these say of them, of IVF under
 * COSINE of norm 1 or nearly.
 * @param[in]  dtype    of `vectors`: that of the index, or F32 for an index of F16 or BF16
 * @param[out] vectors  n vectors
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, UNSUPPORTED, NOT_FOUND where an id is not there, OUT_OF_MEMORY. O(n * dim).
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_get(const vecstore_index *index, const uint64_t *ids, size_t n,
                                                vecstore_dtype dtype, void *vectors);

/*
 * The k nearest rows of each query.
 * @param[in]  queries    nq vectors
 * @param[in]  dtype      of `queries`, as for vecstore_index_add
 * @param[in]  k          1 ... VECSTORE_K_MAX; may be larger than the number of rows
 * @param[out] ids        nq * k, nearest first; VECSTORE_ID_NONE where there are fewer than k results
 * @param[out] distances  nq * k; infinity where there are fewer than k results
 * @param[out] counts     nq, the number of results for each query; may be NULL
 * Fewer than k results is success. Errors: INVALID_ARGUMENT, INVALID_HANDLE, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR,
 * TOO_LARGE, OUT_OF_MEMORY. FLAT: O(nq * rows * dim). HNSW: approximate, O(nq * ef_search * m * dim * log rows) or so;
 * where a filter lets k rows through, k results come. IVF: approximate, O(nq * (nlist + rows in the lists that are read)
 * * dim); with such a filter the same holds. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_search(const vecstore_index *index, const void *queries, vecstore_dtype dtype,
                                                   size_t nq, size_t k, const vecstore_search_options *options,
                                                   uint64_t *ids, float *distances, uint64_t *counts);

typedef struct vecstore_calibrate_options {
    uint32_t struct_size;
    uint32_t threads; /* 0 = default, 1 = the calling thread only, at most 1024 */
    uint32_t k;       /* 1 ... VECSTORE_K_MAX; 0 = 10 */
    float recall;     /* above 0, up to 1; 0 = 0.95 */
} vecstore_calibrate_options;

#define VECSTORE_CALIBRATE_OPTIONS_INIT { (uint32_t)sizeof(vecstore_calibrate_options), 0, 0, 0.0f }

/* The setting with which an index reached a recall on a sample of queries. */
typedef struct vecstore_calibration {
    uint32_t struct_size;   /* set by the caller: the library fills in as many bytes as that */
    uint32_t k;             /* 0: the index has not been calibrated; the other fields are 0 too */
    uint32_t ef_search;     /* for HNSW; else 0 */
    uint32_t uses_own_rows; /* 1: rows of the index served as queries, which flatters it */
    float target_recall;    /* what was asked for */
    float recall;           /* what was measured with this setting */
    uint32_t nprobe;        /* for IVF; else 0 */
} vecstore_calibration;

#define VECSTORE_CALIBRATION_INIT { (uint32_t)sizeof(vecstore_calibration), 0, 0, 0, 0.0f, 0.0f, 0 }

/*
 * Finds the least ef_search (HNSW) or nprobe (IVF) with which searches reach a recall, measured against exact search, and
 * keeps it in the index and its file for searches with `target_recall`. recall@k is the share of the k nearest rows that a
 * search finds. Of IVF it is for the lists that there are: train, optimize and adds that train anew forget it.
 * @param[in]  queries      nq vectors like those that will be searched for, some hundreds (at most 1,000 are used); NULL:
 *                          200 rows of the index, which are found more easily than strangers
 * @param[out] calibration  what was found; may be NULL
 * Errors: INVALID_ARGUMENT (an empty index too), INVALID_HANDLE, UNSUPPORTED (FLAT; IVF of codes alone, which has no rows to
 * measure against; a recall that is out of reach), READ_ONLY, as vecstore_index_search. O(nq * rows * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_calibrate(vecstore_index *index, const void *queries, vecstore_dtype dtype,
                                                      size_t nq, const vecstore_calibrate_options *options,
                                                      vecstore_calibration *calibration);

/* The results of a range search: for each query its rows within the radius, nearest first. It never changes. */
typedef struct vecstore_range_result vecstore_range_result;

/*
 * All rows whose distance to a query is at most `radius`.
 * @param[in]  radius  in the units of the metric; not NaN. Negative radii are for IP, where closer is more negative.
 * @param[out] out     the results; free with vecstore_range_result_free
 * HNSW finds most of them: it widens its view until rows in view lie beyond the radius. IVF finds those in the `nprobe`
 * lists that it reads; of lists of codes, most of them.
 * Errors: as vecstore_index_search. FLAT: O(nq * rows * dim). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_search_range(const vecstore_index *index, const void *queries,
                                                         vecstore_dtype dtype, size_t nq, float radius,
                                                         const vecstore_search_options *options,
                                                         vecstore_range_result **out);

/* Frees the results of a range search. NULL, and a handle already freed, do nothing. (since 0.1) */
VECSTORE_API void vecstore_range_result_free(vecstore_range_result *result);

/*
 * The results of a range search, as arrays that belong to `result` and live until it is freed.
 * @param[out] nq         number of queries
 * @param[out] offsets    nq + 1 values: the results of query i are at offsets[i] ... offsets[i + 1] - 1
 * @param[out] ids        offsets[nq] ids
 * @param[out] distances  offsets[nq] floats
 * Each output may be NULL. Errors: INVALID_HANDLE. O(1). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_range_result_get(const vecstore_range_result *result, size_t *nq,
                                                       const uint64_t **offsets, const uint64_t **ids,
                                                       const float **distances);

/* How many rows the index has. Errors: INVALID_ARGUMENT, INVALID_HANDLE. O(1). (since 0.1) */
VECSTORE_API vecstore_status vecstore_index_count(const vecstore_index *index, uint64_t *count);

/*
 * Lists ids in the order in which the rows are stored: the order of adding, until rows are removed or updated.
 * @param[in]  offset    how many rows to pass over
 * @param[out] ids       room for `capacity` ids; may be NULL where capacity is 0
 * @param[out] written   how many were written: less than capacity only at the end
 * Between two calls a writer may move rows; to see one state, list all in one call.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. O(offset + capacity). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_ids(const vecstore_index *index, uint64_t offset, uint64_t *ids,
                                                size_t capacity, size_t *written);

/* What an index is and costs. */
typedef struct vecstore_index_stats {
    uint32_t struct_size;   /* set by the caller: the library fills in as many bytes as that */
    vecstore_kind kind;
    uint32_t dim;
    vecstore_metric metric;
    vecstore_dtype dtype;
    uint32_t read_only;     /* 1: a map of a file */
    uint64_t count;         /* rows */
    uint64_t removed_count; /* rows removed whose memory has not returned yet */
    uint64_t memory_bytes;  /* memory that the index has asked for: rows, columns, marks and the table of ids;
                               not the map of a file, nor what searches under way still hold; of HNSW not the room
                               for rows to come either */
    uint64_t mapped_bytes;  /* bytes of the file that are mapped */
    uint64_t next_id;       /* the id that the next row without one will get; VECSTORE_ID_NONE where there is none left */
    uint32_t exact_codes;   /* 1: 8-bit copies are kept for exact search */
    uint32_t reserved;

    /* For HNSW; else 0. */
    uint32_t m;
    uint32_t ef_construction;
    vecstore_storage storage;     /* how rows are stored now; AUTO: as the dtype says, and for float types under L2SQ, IP
                                     and COSINE not decided yet */
    vecstore_dtype exact_dtype;   /* of the rows that results are ranked by; 0: there are codes alone */
    float code_loss;              /* the share of the 10 nearest rows that codes (INT8, or INT4 where it is asked for)
                                     were measured to miss among 20, from 0 to 1; negative: not measured */
    uint32_t sketched;            /* 1: walks read 4-bit copies of the rows first */
    uint32_t levels;              /* of the graph */
    uint32_t calibrated_k;        /* of the calibration, of IVF too; 0: none */
    uint32_t calibrated_ef_search;
    float calibrated_recall;
    float calibrated_target;      /* the recall that was asked for */
    uint32_t calibrated_by_own_rows; /* 1: rows of the index served as queries, which flatters it */

    /* For IVF, as are storage and exact_dtype; else 0. */
    uint32_t nlist;          /* lists; 0: not trained, and chosen by the rows trained on */
    uint32_t assignments;    /* lists that each row is in */
    uint64_t trained_count;  /* vectors that it was trained on; fewer than 39 * nlist fit the sample, not what is added */
    uint32_t bytes_per_row;  /* in lists: code, slot and what belongs to them */
    uint32_t longest_list;   /* rows of the longest list */
    float imbalance;         /* how many times the work of lists of one length a search has:
                                nlist * sum(n^2) / sum(n)^2 */
    uint32_t default_nprobe; /* lists that a search reads where it does not say */
    uint32_t calibrated_nprobe;

    uint32_t automatic; /* 1: made with VECSTORE_KIND_AUTO; kind and all else say what it is now */
} vecstore_index_stats;

#define VECSTORE_INDEX_STATS_INIT                                                                                      \
    {                                                                                                                  \
        (uint32_t)sizeof(vecstore_index_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0f, 0, 0, 0, 0, 0.0f, \
            0.0f, 0, 0, 0, 0, 0, 0, 0.0f, 0, 0, 0                                                                      \
    }

/* Fills in `stats`. Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_index_get_stats(const vecstore_index *index, vecstore_index_stats *stats);

/*
 * Says in words what an index is: some lines of ASCII. Of one made with VECSTORE_KIND_AUTO also what was chosen, why, what
 * memory it was estimated to take and takes, what its calibration found, and what vecstore_index_optimize would do now.
 * @param[out] buffer  room for `size` bytes: as much of the text as fits, and a 0; may be NULL where size is 0
 * @param[out] needed  bytes of the whole text without the 0; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_explain(const vecstore_index *index, char *buffer, size_t size, size_t *needed);

/* Checks an index against its own checksums and rules: for a mapped index every byte of the file; for HNSW every link,
 * and that every row can be reached. O(bytes).
 * Errors: INVALID_HANDLE, CORRUPT with a message that says what is wrong. (since 0.1) */
VECSTORE_API vecstore_status vecstore_index_verify(const vecstore_index *index);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Files                                                                                                              */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef struct vecstore_save_options {
    uint32_t struct_size;
    uint32_t no_sync; /* 1: do not wait for the disk: faster, atomic as long as the machine does not lose power; else 0 */
} vecstore_save_options;

#define VECSTORE_SAVE_OPTIONS_INIT { (uint32_t)sizeof(vecstore_save_options), 0 }

/*
 * Writes an index to a file, whole or not at all: to a temporary name in the same directory, synced, then renamed over
 * `path`. An index that maps the file replaced stays valid.
 * @param[in] path  a file name, UTF-8, at most 4000 bytes
 * A symbolic link is followed: the file it points to is replaced. Anything else than a regular file is refused.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, NOT_FOUND (no such directory), IO, OUT_OF_MEMORY. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_save(const vecstore_index *index, const char *path,
                                                 const vecstore_save_options *options);

typedef struct vecstore_open_options {
    uint32_t struct_size;
    uint32_t load;     /* 0: map the file, read-only, without copying (the default); 1: read it into memory, writable */
    uint32_t verify;   /* 0: default, which is 1 for a map and 2 for a load; 1: check header, tables and sizes; 2: check every byte */
    uint32_t prefault; /* 1: read the mapped pages in now; else 0 */
} vecstore_open_options;

#define VECSTORE_OPEN_OPTIONS_INIT { (uint32_t)sizeof(vecstore_open_options), 0, 0, 0 }

/*
 * Opens the file of an index. Many processes may map the same file. A mapped file must not be changed in place or cut
 * short by others while it is open (replacing it by rename is fine): the system would stop the process with SIGBUS.
 * Errors: INVALID_ARGUMENT (the file of a quantizer, too), NOT_FOUND, IO, CORRUPT, NEWER_VERSION, OUT_OF_MEMORY. Free
 * with vecstore_index_free. A map opens in O(1) with verify 1. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_open(const char *path, const vecstore_open_options *options,
                                                 vecstore_index **out);

/*
 * Writes a quantizer, with what training has found, to a file: whole or not at all, as vecstore_index_save does an index.
 * Beside training it writes what was there when it began.
 * Errors: INVALID_ARGUMENT (not trained, too), INVALID_HANDLE, NOT_FOUND (no such directory), IO, OUT_OF_MEMORY. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_save(const vecstore_quantizer *quantizer, const char *path,
                                                     const vecstore_save_options *options);

/*
 * Reads the file of a quantizer into memory, checking every byte. It makes the same codes, vectors and distances as the one
 * that was saved, on machines with other instruction sets up to rounding, and can be trained anew.
 * vecstore_quantizer_get_options tells what it is. Free with vecstore_quantizer_free.
 * Errors: INVALID_ARGUMENT (the file of an index, too), NOT_FOUND, IO, CORRUPT, NEWER_VERSION, OUT_OF_MEMORY. O(bytes).
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_quantizer_open(const char *path, vecstore_quantizer **out);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Collections                                                                                                        */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * A collection is a directory that holds points: an id, one or more vectors, and a payload, which is a JSON object. Writes are
 * atomic and durable; points are found by vectors, by words, and by filters over their payloads. One handle writes at a time,
 * of all processes; any number read beside it, from a read-only directory too.
 *
 * THREADS
 *   All functions may be called from any thread. Searches and other reads run in parallel, beside each other and beside one
 *   writer; each sees the points of one moment, and every write that had returned before it began. Writes take turns. close:
 *   calls that already run finish, later ones get VECSTORE_ERR_INVALID_HANDLE.
 * FORK
 *   A child cannot use a collection that was opened before fork() (VECSTORE_ERR_INVALID_HANDLE): it opens it for itself. The
 *   parent goes on as before.
 * LIMITS
 *   A payload has at most 16 MiB and 64 levels; a filter 1 MiB, 32 levels and 10,000 conditions; an id that is a string 255
 *   bytes; a name of a vector or of a field 255 bytes; a point 64 vectors; a batch, and a list of ids, 1,048,576; a
 *   collection 2,147,483,646 rows, of which each version of a point takes one until the collection is compacted.
 */
typedef struct vecstore_collection vecstore_collection;

/* What a point is known by: a number, 0 ... 2^64 - 2, or a string. The number 7 and the string "7" are two ids. */
typedef struct vecstore_id {
    uint64_t number;
    const char *text; /* UTF-8, not empty; NULL: the id is the number */
} vecstore_id;

/* When a write has reached the disk. */
typedef uint32_t vecstore_durability;
enum {
    VECSTORE_DURABILITY_FULL = 1,   /* before the call returns: it survives a loss of power */
    VECSTORE_DURABILITY_NORMAL = 2, /* soon after: a loss of power may take the last writes, whole ones, and nothing else */
    VECSTORE_DURABILITY_NONE = 3    /* when the system gets to it: a loss of power may damage the collection */
};

/* One of the vectors that points have. Everything here is stored. */
typedef struct vecstore_vector_options {
    uint32_t struct_size;
    uint32_t dim;             /* 1 ... VECSTORE_DIM_MAX; there is no default */
    const char *name;         /* NULL or "": without a name, for collections with one vector */
    vecstore_metric metric;   /* L2SQ, IP or COSINE; 0 = COSINE */
    vecstore_dtype dtype;     /* how rows are stored: F32 or F16 (half the disk); 0 = F32 */
    vecstore_kind kind;       /* 0 = AUTO: rows are compared one by one (exact) while they are below 10,000, after that found by a
                                 graph; FLAT: always compared one by one; HNSW: a graph from 2,000 rows on */
    vecstore_storage storage; /* how the graph stores rows; results are ranked by the rows of the file in any case */
    uint32_t m;               /* of the graph: 2 ... 256; 0 = 16 */
    uint32_t ef_construction; /* of the graph: 1 ... VECSTORE_K_MAX; 0 = 200 */
    const char *model;        /* the model that makes the vectors, and its version: for people and programs that read it, such */
    const char *model_version; /* as those that move points from one model to another; NULL = "" */
} vecstore_vector_options;

#define VECSTORE_VECTOR_OPTIONS_INIT { (uint32_t)sizeof(vecstore_vector_options), 0, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL }

/* Where vectors and graphs lie while a collection is open. */
typedef uint32_t vecstore_memory;
enum {
    VECSTORE_MEMORY_MAPPED = 1, /* files are mapped: the system keeps what is used, as long as it has room */
    VECSTORE_MEMORY_LOADED = 2, /* all is read by open, graphs into memory of the process; rows stay the system's to take back */
    VECSTORE_MEMORY_DISK = 3    /* mapped, nothing is read ahead, and a search lets go of what it has read; graphs are in memory only
                                   while they are changed, which is done for many points at a time */
};

/* How a collection is opened. Nothing of it is stored. */
typedef struct vecstore_collection_options {
    uint32_t struct_size;
    uint32_t read_only;             /* 1: takes no lock and needs no permission to write; else 0 */
    vecstore_durability durability; /* 0 = VECSTORE_DURABILITY_FULL */
    uint32_t index_threads;         /* threads that bring points into graphs in the background: 0 = default, at most 1024 */
    vecstore_memory memory;         /* 0 = VECSTORE_MEMORY_MAPPED */
    uint32_t reserved;              /* 0 */
    uint64_t memory_budget;         /* most bytes that the collection may ask for, as "memory" of describe counts them; 0 = no limit.
                                       Where it is reached the rows of filters are forgotten, values of fields that do not fit are
                                       read from payloads, graphs are read from their files; then graphs are not made or changed
                                       ("index_error": points are found by comparing them), and upsert, update_vectors and searches
                                       by words get VECSTORE_ERR_OUT_OF_MEMORY, with nothing changed. Memory for a call while it
                                       runs, pages of SQLite and maps of files do not count. */
} vecstore_collection_options;

#define VECSTORE_COLLECTION_OPTIONS_INIT { (uint32_t)sizeof(vecstore_collection_options), 0, 0, 0, 0, 0, 0 }

/*
 * Makes a directory with an empty collection, whole or not at all, and opens it for writing.
 * @param[in] path       of a directory that does not exist, or is empty
 * @param[in] vectors    n_vectors structs, the struct_size of the first apart: 1 ... 64, each with a name of its own
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, ALREADY_EXISTS, NOT_FOUND (no such parent), IO, OUT_OF_MEMORY. Close with
 * vecstore_collection_close. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_create(const char *path, const vecstore_vector_options *vectors,
                                                        size_t n_vectors, const vecstore_collection_options *options,
                                                        vecstore_collection **out);

/*
 * Opens a collection. After a crash at any moment this needs nothing else: what was acknowledged is there.
 * Errors: INVALID_ARGUMENT, NOT_FOUND, LOCKED (open for writing already, unless read_only), IO, CORRUPT, NEWER_VERSION,
 * OUT_OF_MEMORY. O(points): some 5 ns for each where the last writer has closed or optimized it and nothing was written since, else
 * some 100 ns. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_open(const char *path, const vecstore_collection_options *options,
                                                      vecstore_collection **out);

/*
 * Saves what was indexed, and frees the handle, whatever is returned. Points are safe without it; what was not saved of graphs is
 * made again by the next one who opens the collection. NULL does nothing.
 * Errors: INVALID_HANDLE, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_close(vecstore_collection *collection);

/* The vectors of one name for the points of a batch. */
typedef struct vecstore_batch_vectors {
    const char *name;       /* NULL or "": of the only vector */
    const void *vectors;    /* one for each point */
    vecstore_dtype dtype;   /* F32, F16 or BF16 */
    uint32_t reserved;      /* 0 */
    const uint8_t *present; /* a byte for each point: 0 says that it has no vector of this name; NULL: all have */
} vecstore_batch_vectors;

/*
 * Writes points: all of them or, after an error, none. A point whose id is there is replaced whole: a vector or payload that is
 * not given is gone. Where an id comes twice the last one counts. When the call returns the points are found by every search, and
 * as durable as the collection was opened for. While other threads search, and more than 1,024 points wait for a graph, it waits up
 * to a second for the thread in the background to bring some into it.
 * @param[in] vectors   n_vectors of them; each point has at least one
 * @param[in] payloads  n JSON objects, UTF-8, NULL or "" for a point without one; NULL: no point has one
 * @param[in] expires   n times, in microseconds since 1970, from which on a point is not found any more; 0: never; NULL: no point
 *                      ends
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, UNSUPPORTED, READ_ONLY, IO, OUT_OF_MEMORY.
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_upsert(vecstore_collection *collection, const vecstore_id *ids, size_t n,
                                                        const vecstore_batch_vectors *vectors, size_t n_vectors,
                                                        const char *const *payloads, const int64_t *expires);

/*
 * Gives points other vectors, all or none; their payloads, and vectors of other names, stay.
 * Errors: as of upsert, and NOT_FOUND where one of the points is not there. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_update_vectors(vecstore_collection *collection, const vecstore_id *ids,
                                                                size_t n, const vecstore_batch_vectors *vectors,
                                                                size_t n_vectors);

/* Removes points; ids that are not there are passed over. `removed` may be NULL. Errors: INVALID_ARGUMENT, INVALID_HANDLE,
 * READ_ONLY, IO, OUT_OF_MEMORY. (since 0.1) */
VECSTORE_API vecstore_status vecstore_collection_remove(vecstore_collection *collection, const vecstore_id *ids, size_t n,
                                                        size_t *removed);

/* Removes the points that match a filter (see vecstore_query_options). Errors: as above. (since 0.1) */
VECSTORE_API vecstore_status vecstore_collection_remove_matching(vecstore_collection *collection, const char *filter,
                                                                 size_t *removed);

/* What vecstore_collection_change_payload does. */
typedef uint32_t vecstore_payload_change;
enum {
    VECSTORE_PAYLOAD_SET = 1,        /* the payload is `json`, an object; "": there is none */
    VECSTORE_PAYLOAD_MERGE = 2,      /* members of `json`, an object, are put over those that are there */
    VECSTORE_PAYLOAD_DELETE_KEYS = 3 /* members whose keys are in `json`, an array of strings, are taken out */
};

/*
 * Changes the payloads of points, of those that are there; vectors stay.
 * @param[in] ids      n of them; NULL where `filter` says which points
 * @param[in] filter   see vecstore_query_options; NULL where there are ids
 * @param[out] changed  how many points there were; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, TOO_LARGE, READ_ONLY, IO, OUT_OF_MEMORY. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_change_payload(vecstore_collection *collection, const vecstore_id *ids,
                                                                size_t n, const char *filter,
                                                                vecstore_payload_change change, const char *json,
                                                                size_t *changed);

/*
 * Makes an index of a field, so that conditions on it need not look at payloads. Filters work without one too.
 * @param[in] path       as filters write it: "section", "a.b", "a[].b"
 * @param[in] type       "keyword" (strings), "integer", "float" (any number), "bool", "datetime", "geo", or "text" (words)
 * @param[in] tokenizer  of text: "words" (lower case, without accents), "stems" (the same without English endings), "trigrams"
 *                       (every three characters); NULL = "words"
 * A field may have an index of each type. Errors: INVALID_ARGUMENT, INVALID_HANDLE, ALREADY_EXISTS, READ_ONLY, IO,
 * OUT_OF_MEMORY. O(points). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_create_payload_index(vecstore_collection *collection, const char *path,
                                                                      const char *type, const char *tokenizer);

/* Removes an index; NULL as type: all of the field. Errors: INVALID_ARGUMENT, INVALID_HANDLE, NOT_FOUND, READ_ONLY, IO.
 * (since 0.1) */
VECSTORE_API vecstore_status vecstore_collection_drop_payload_index(vecstore_collection *collection, const char *path,
                                                                    const char *type);

/* How many points there are, or match a filter; NULL: all. Errors: INVALID_ARGUMENT, INVALID_HANDLE, OUT_OF_MEMORY, IO.
 * (since 0.1) */
VECSTORE_API vecstore_status vecstore_collection_count(const vecstore_collection *collection, const char *filter,
                                                       uint64_t *count);

/* Points that a call found, by query. Free with vecstore_hits_free. */
typedef struct vecstore_hits vecstore_hits;

/* What is in them: memory of theirs, which lives until they are freed. */
typedef struct vecstore_hits_view {
    uint32_t struct_size;        /* set by the caller */
    uint32_t reserved;
    size_t nq;                   /* queries */
    const uint64_t *offsets;     /* nq + 1: those of query i are offsets[i] ... offsets[i + 1] - 1 of all that follow */
    const vecstore_id *ids;
    const float *distances;      /* smaller is closer; NaN where no vector was asked for, or the point was found by words alone */
    const float *scores;         /* larger is better: 1 - distance under COSINE and -distance otherwise; of words BM25; of both
                                    what their fusion makes of it */
    const char *const *payloads; /* "" where a point has none; NULL in the place of a point that is not there (get); NULL: nobody asked */
    const float *vectors;        /* dim elements for each, NaN where a point has none; NULL: nobody asked */
    size_t dim;
    const char *const *groups;   /* of groups: nq values of the field, as JSON; of facets and of
                                    scroll_ordered: the value of each hit, as JSON; else NULL */
    const int64_t *expires;      /* of get and scroll: microseconds since 1970 from which on each point is not found any more, 0:
                                    it has no end; else NULL */
    const char *explanation;     /* with `explain`: what the query did, and why, as JSON; else NULL */
} vecstore_hits_view;

#define VECSTORE_HITS_VIEW_INIT \
    { (uint32_t)sizeof(vecstore_hits_view), 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL }

/* Fills in `view`. Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_hits_get(const vecstore_hits *hits, vecstore_hits_view *view);

/* NULL, and what was freed already, do nothing. (since 0.1) */
VECSTORE_API void vecstore_hits_free(vecstore_hits *hits);

/*
 * Points by their ids, in the order of the ids: one query, with a hit for each id, whose payload is NULL where there is no such
 * point. They bring their payloads, and when they end.
 * @param[in] vector_name  the vector to bring along; "" of the only one; NULL: none. NaN for a point without it.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, OUT_OF_MEMORY, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_get(const vecstore_collection *collection, const vecstore_id *ids, size_t n,
                                                     const char *vector_name, vecstore_hits **out);

/*
 * A page of points, in the order of their ids: numbers first, then strings by their bytes. They bring what those of get do.
 * @param[in] after   the last id of the page before; NULL: from the beginning. Pages stay whole while points come and go.
 * @param[in] limit   the most that are wanted, 1 ... 1,048,576; fewer come only where there are no more
 * @param[in] filter  NULL: all points
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, OUT_OF_MEMORY, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_scroll(const vecstore_collection *collection, const vecstore_id *after,
                                                        size_t limit, const char *filter, const char *vector_name,
                                                        vecstore_hits **out);

/* The order in which vecstore_collection_scroll_ordered goes through points. */
typedef struct vecstore_order_options {
    uint32_t struct_size;
    uint32_t descending;      /* 1: the largest values come first; else 0 */
    const char *order_by;     /* the path of a field with an index of type integer, float, datetime or keyword; of several, float
                                 comes before integer, then datetime, then keyword */
    const char *start_from;   /* the first value, as JSON: a number; of datetime a string, or microseconds since 1970; of keyword a
                                 string. NULL: from the least or the largest on */
    const char *after_value;  /* what `groups` said of the last hit of the page before; NULL: this is the first page */
    const vecstore_id *after; /* the id of that hit; NULL where after_value is */
} vecstore_order_options;

#define VECSTORE_ORDER_OPTIONS_INIT { (uint32_t)sizeof(vecstore_order_options), 0, NULL, NULL, NULL, NULL }

/*
 * A page of points, in the order of the values of a field: numbers and times by their size, strings by their bytes; points with the
 * same value in the order of their ids, also where values descend. Each hit has its value in `groups` of the view: times are strings
 * (numbers, where their year has not four digits), numbers of an index of type float what a double has of them.
 * Of several values of a point the one counts that comes first in the order: ascending the least. Points without a value that the
 * index holds are left out. A page begins behind the value and id of the last hit before, whether that point is there still or
 * not: a point comes twice, or not at all, only where its value changed meanwhile.
 * @param[in] order   not NULL: order_by has no default
 * @param[in] limit   the most that are wanted, 1 ... 1,048,576; fewer come only where there are no more
 * @param[in] filter  NULL: all points
 * Errors: INVALID_ARGUMENT (also where the field has no such index; the message says which to make), INVALID_HANDLE, OUT_OF_MEMORY,
 * IO. O(limit + points that have the first or the last value of the page, or a filter's cost). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_scroll_ordered(const vecstore_collection *collection,
                                                                const vecstore_order_options *order, size_t limit,
                                                                const char *filter, const char *vector_name,
                                                                vecstore_hits **out);

/*
 * How one query is done.
 *
 * A filter is a JSON object in the words of Qdrant: "must", "should", "must_not" (lists of conditions) and "min_should"
 * ({"conditions": [...], "min_count": n}). A condition is {"key": path, ...} with one of
 *   "match": {"value": v} or {"any": [...]}, {"except": [...]}, {"text": words}, {"text_any": words}, {"phrase": words},
 *            {"prefix": beginning};
 *   "range": {"gt", "gte", "lt", "lte"}, with numbers, or with RFC 3339 times as strings;
 *   "geo_radius": {"center": {"lon", "lat"}, "radius": metres}; "geo_bounding_box": {"top_left", "bottom_right"}; "geo_polygon":
 *            {"exterior": {"points": [...]}, "interiors": [...]};
 *   "values_count": {"gt", "gte", "lt", "lte"};
 * or {"is_empty": {"key": path}}, {"is_null": {"key": path}}, {"has_id": [...]}, {"has_vector": name}, {"nested": {"key": path,
 * "filter": {...}}}, or a filter. What is wrong with one is told with its place. docs/filters.md has the details.
 */
typedef struct vecstore_query_options {
    uint32_t struct_size;
    uint32_t threads;        /* 0 = default, 1 = the calling thread only, at most 1024 */
    const char *vector_name; /* NULL or "": of the only vector */
    const char *filter;      /* NULL: all points may be hits */
    uint64_t offset;         /* best hits that are left out; with k at most VECSTORE_K_MAX */
    uint32_t ef_search;      /* of a graph: 1 ... VECSTORE_K_MAX; 0 = 64 */
    uint32_t exact;          /* 1: compares all points; else 0 */
    uint32_t with_payload;   /* 1: hits bring their payloads; else 0 */
    uint32_t with_vector;    /* 1: hits bring their vectors; else 0 */
    uint32_t has_max_distance; /* 1: hits that are farther than max_distance are left out; else 0 */
    float max_distance;
    float diversity;         /* above 0, up to 1: of the nearest `candidates` those that differ from each other, the more the
                                larger it is (maximal marginal relevance, Carbonell & Goldstein 1998); 0 = the nearest */
    uint32_t candidates;     /* of diversity; 0 = 100; at least k */
    uint32_t has_threshold;  /* 1: hits whose score is below threshold are left out; else 0 */
    float threshold;         /* of scores as hits have them; not NaN */
    uint32_t explain;        /* 1: the hits tell what the query did, and why; else 0 */
    float target_recall;     /* above 0, up to 1: looks as far as it takes to find this share of the nearest points; 0 = ef_search
                                says how far */
} vecstore_query_options;

#define VECSTORE_QUERY_OPTIONS_INIT \
    { (uint32_t)sizeof(vecstore_query_options), 0, NULL, NULL, 0, 0, 0, 1, 0, 0, 0.0f, 0.0f, 0, 0, 0.0f, 0, 0.0f }

/*
 * target_recall is in the place of ef_search; both are refused. The first query with one measures: up to 200 rows of the graph are
 * queries, and the least ef_search is taken with which they find this share of their k nearest, the truth being what comparing all
 * rows finds (k with offset and candidates; up to 1000, beyond which the view grows as k does). That takes as long as some hundred
 * exact searches; the answer is kept in memory for each vector, k and recall, and measured again when the graph has become a quarter
 * larger or smaller. Rows find themselves among their like more easily than strangers do: queries that are unlike all rows may find
 * less. A filter makes the view wider as it does for any ef_search. Where no ef_search reaches the recall sooner than comparing does,
 * and with 1, all rows are compared; so they are where there is no graph.
 */

/*
 * What a query did, and why: `explanation` of the view of its hits, one JSON object. A part that there was not is null.
 *   "points" (there were), "hits";
 *   "filter": "cached" (the same filter was answered before, and no point has changed since), "matching" (points), "payloads_read",
 *     "conditions": "at" (its place in the filter), "key", "answered_by" ("index", "full_text", "ids", "vectors" or "payloads"),
 *     "index" (its type), "rows" (points where it holds), "payloads_read" (of points with values that the index cannot hold),
 *     "reason" (why it was not an index);
 *   "target_recall": "target", "k" (that it was measured for), "ef_search" (that reaches it; null: all rows are compared),
 *     "measured" (recall), "rows" (that the graph had then), "cached" (measured before);
 *   "vector": "name", "rows" (that have it), "queries", "wanted" (rows to find for each), "way" ("graph", "compare" or
 *     "graph_and_compare");
 *     its "graph": "rows", "ef_search", "way" ("walk"; with a filter also "wide_walk", a walk over all rows, "matching_walk", one
 *       over those that match, or "scan", where those that match are compared), "reason" (why this way), "width" (rows in view; 0
 *       of scan), "matching" (rows; null without a filter), "visited" (rows that walks met), "scanned" (rows that match, compared
 *       in the graph's own form), "ranked" (rows compared in full), "fallbacks" (queries whose walk found too few, and that
 *       compared all that match), "widenings" (walks done again, because rows had been removed), "repeated" (walked again, without
 *       rows of writes that came later);
 *     its "compare": "rows", compared one by one, and the "reason";
 *   "text": "matching" (before the filter), "fields": "path", "weight", "words" (of the query that are there);
 *   "fusion": "kind", "vector_hits", "text_hits"; "diversity": "candidates"; "groups": "looked_at" (the nearest points, each time);
 *   "milliseconds": "total", and of it "indexes" (read into memory), "calibration", "filter", "graph", "compare", "text", "fusion",
 *     "diversity", "payloads".
 * Of several queries the numbers are added up. New keys may come.
 */

/*
 * The nearest points of each of nq queries, best first; points at the same distance in the order in which they were written.
 * @param[in] options  NULL = default, with payloads
 * Errors: INVALID_ARGUMENT (a filter too), INVALID_HANDLE, UNSUPPORTED, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, OUT_OF_MEMORY, IO.
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_search(const vecstore_collection *collection, const void *queries,
                                                        vecstore_dtype dtype, size_t nq, size_t k,
                                                        const vecstore_query_options *options, vecstore_hits **out);

/*
 * The nearest points by the values of a field: of the nearest `groups` values the nearest `group_size` points each. Each group is
 * a query of the hits, with its value in `groups` of the view. A point whose field is an array is in a group for each element.
 * Errors: as of search. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_search_groups(const vecstore_collection *collection, const void *query,
                                                               vecstore_dtype dtype, const char *group_by, size_t groups,
                                                               size_t group_size, const vecstore_query_options *options,
                                                               vecstore_hits **out);

/*
 * The points nearest to twice the mean of the vectors of some points less the mean of those of others, or to the mean of the first
 * where there are no others; under COSINE means of directions. The points that are named are no hits.
 * @param[in] positive  n_positive ids, 1 or more
 * Errors: as of search, and NOT_FOUND where one of the points is not there, or has no such vector. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_recommend(const vecstore_collection *collection, const vecstore_id *positive,
                                                           size_t n_positive, const vecstore_id *negative,
                                                           size_t n_negative, size_t k,
                                                           const vecstore_query_options *options, vecstore_hits **out);

/*
 * The values of a field, and how many points have each: the most frequent first. A hit for each value: its id is the number of
 * points, its value is in `groups` of the view, as JSON. Of an array each different element counts. The distinct values of a field
 * are these, with the largest limit.
 * @param[in] limit  the most values that are wanted, 1 ... 1,048,576
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, OUT_OF_MEMORY, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_facet(const vecstore_collection *collection, const char *path,
                                                       const char *filter, size_t limit, vecstore_hits **out);

/* Which texts match. */
typedef uint32_t vecstore_text_mode;
enum {
    VECSTORE_TEXT_ANY = 1,    /* those with one of the words, or more */
    VECSTORE_TEXT_ALL = 2,    /* those with all words */
    VECSTORE_TEXT_PHRASE = 3, /* those with the words one after the other */
    VECSTORE_TEXT_PREFIX = 4  /* those with all words, the last of which may be the beginning of one */
};

/* How words are searched for. */
typedef struct vecstore_text_options {
    uint32_t struct_size;
    vecstore_text_mode mode;    /* 0 = VECSTORE_TEXT_ANY */
    const char *const *fields;  /* n_fields paths that have an index of type text; NULL: all that have one */
    const float *weights;       /* what the BM25 of each is multiplied by; NULL: 1 */
    size_t n_fields;
} vecstore_text_options;

#define VECSTORE_TEXT_OPTIONS_INIT { (uint32_t)sizeof(vecstore_text_options), 0, NULL, NULL, 0 }

/*
 * The points whose texts have words of `text`, ranked by BM25 (k1 = 1.2, b = 0.75), summed over the fields.
 * Of `options`: filter, offset, with_payload, threshold, explain. Words are all that counts in `text`: no sign in it has a meaning.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, OUT_OF_MEMORY, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_search_text(const vecstore_collection *collection, const char *text, size_t k,
                                                             const vecstore_query_options *options,
                                                             const vecstore_text_options *text_options, vecstore_hits **out);

/* How the hits of two searches become one list. */
typedef uint32_t vecstore_fusion;
enum {
    VECSTORE_FUSION_RRF = 1,      /* reciprocal ranks: the sum of weight / (60 + rank) */
    VECSTORE_FUSION_WEIGHTED = 2, /* scores, those of each search scaled to 0 ... 1 by the least and the largest */
    VECSTORE_FUSION_DBSF = 3      /* scores, scaled by mean and standard deviation: 3 of these on each side */
};

typedef struct vecstore_hybrid_options {
    uint32_t struct_size;
    vecstore_fusion fusion; /* 0 = VECSTORE_FUSION_RRF */
    float vector_weight;    /* 0 or more */
    float text_weight;      /* 0 or more */
    uint32_t candidates;    /* hits of each search that are fused; 0 = 100; at least k are */
    uint32_t reserved;      /* 0 */
} vecstore_hybrid_options;

#define VECSTORE_HYBRID_OPTIONS_INIT { (uint32_t)sizeof(vecstore_hybrid_options), 0, 1.0f, 1.0f, 0, 0 }

/*
 * The best points by a vector and by words together. Of `options`: as above, and for the vector vector_name, ef_search,
 * target_recall, exact, threads, with_vector and max_distance, beyond which a point is found by its words alone; threshold is one
 * of the scores that the fusion makes. A point that does not have the vector is found by its words; with_vector gives it one of
 * NaN. Errors: as those of both. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_search_hybrid(const vecstore_collection *collection, const void *query,
                                                               vecstore_dtype dtype, const char *text, size_t k,
                                                               const vecstore_query_options *options,
                                                               const vecstore_text_options *text_options,
                                                               const vecstore_hybrid_options *hybrid_options,
                                                               vecstore_hits **out);

/*
 * Brings all points into the graphs, takes out what was removed, and saves them. Searches and writes go on meanwhile.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, READ_ONLY, CANCELLED (what was indexed stays so), IO, OUT_OF_MEMORY. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_optimize(vecstore_collection *collection, const vecstore_work_options *options);

/*
 * Gives back the disk of points that were removed or replaced: rows get new numbers without gaps, vectors and graphs are written
 * into new files, and the database is made as small as what is in it. Before that the graphs are brought up to date, as optimize
 * does. Searches go on meanwhile, and so do writes while vectors are copied; then they wait for the database. Readers in other
 * processes go on with what they show, and see the new files when they refresh.
 *
 * It is done whole or not at all: after an error, a crash or a loss of power the collection is as it was, or compact. While it runs
 * the disk has to hold one more copy of the vectors and graphs of the points that there are, and up to two of the database; a third
 * of that, for the time of one step, in the directory for temporary files of SQLite (SQLITE_TMPDIR, TMPDIR, else /var/tmp). The
 * disk of the old files is free when the last reader has let go of them.
 * @param[in] options        a callback that is told of bytes of vectors, and may cancel until they are copied; NULL = none
 * @param[out] bytes_before  what the files of the collection took on the disk; may be NULL
 * @param[out] bytes_after   what they take now; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, READ_ONLY, CANCELLED, IO, CORRUPT, OUT_OF_MEMORY. O(bytes); it needs memory for a copy
 * of what is in memory of fields. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_compact(vecstore_collection *collection, const vecstore_work_options *options,
                                                         uint64_t *bytes_before, uint64_t *bytes_after);

/*
 * Sees what others have written since a collection was opened for reading, or refreshed last. One that is open for writing sees
 * everything at once. `changed` (may be NULL): whether there was anything new.
 * Errors: INVALID_HANDLE, CORRUPT, IO, OUT_OF_MEMORY. O(points) where there was, else O(1). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_refresh(vecstore_collection *collection, bool *changed);

/*
 * A number that stands for the points that this handle shows: whoever keeps results of searches sees by it whether they still hold. It is
 * the same in all handles and processes that show the same points, another one after every write, and another one when points have
 * ended. One that has gone does not come again, not even where a snapshot takes the place of the collection, or is written to beside
 * it. Numbers have no order. Work on graphs changes none.
 * @param[out] revision  not NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, IO, OUT_OF_MEMORY. O(1): less than a microsecond, but for points that end just then. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_revision(const vecstore_collection *collection, uint64_t *revision);

/*
 * Writes a copy of a collection as it is at one moment, while searches and writes go on: a collection of its own, which appears
 * whole or not at all, and is on the disk when the call returns.
 * @param[in] path     of a directory that does not exist, or is empty
 * @param[in] options  a callback that is told of bytes of vectors, and may cancel; NULL = none
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, ALREADY_EXISTS, NOT_FOUND (no such parent), CANCELLED, IO, OUT_OF_MEMORY. O(bytes).
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_snapshot(const vecstore_collection *collection, const char *path,
                                                          const vecstore_work_options *options);

/* Makes a collection from a snapshot, after checking all of it as verify does. Errors: as of open, verify and snapshot.
 * (since 0.1) */
VECSTORE_API vecstore_status vecstore_collection_restore(const char *snapshot, const char *path,
                                                         const vecstore_work_options *options);

/*
 * Checks the database, the checksum of the vectors and the payload of every point, counts, graphs and full text against each other:
 * that graphs have the points that they should have, and that the words of texts are those of the payloads. Writes wait meanwhile.
 * Words are compared by temporary tables of SQLite, which take as much disk as those of the collection.
 * Errors: INVALID_HANDLE, CORRUPT with a message that says what is wrong, IO. O(bytes). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_verify(const vecstore_collection *collection);

/*
 * Checks all that verify checks, and makes anew what is derived and damaged: indexes of the database, the words of texts, graphs,
 * what is in memory of ids and fields. Searches go on meanwhile; writers wait for the checks.
 *
 * Points whose vectors or payload are not what was written are told, and stay as they are: there is nothing to make them from. They can be
 * removed, written again, or taken from a snapshot.
 * @param[in] options   a callback that is told of rows that came into graphs, and may cancel: the rest of that is done in the
 *                      background, nothing is lost; NULL = none
 * @param[out] damages  how many things were damaged; may be NULL. vecstore_collection_repair_report tells them.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, READ_ONLY, CANCELLED, CORRUPT (the database itself is beyond repair, or files cannot be read),
 * IO, OUT_OF_MEMORY. O(bytes), and building the graphs that were damaged. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_repair(vecstore_collection *collection, const vecstore_work_options *options,
                                                        size_t *damages);

/*
 * What the last call of repair on this handle has found, as a JSON array of objects: "part" ("database", "point", "ids", "graph",
 * "text"), "name" (of the vector, the field, or the point), "message", "repaired" (whether it is in order now). Of damaged points
 * the first 1,000 are named. "[]" where nothing was damaged, or nothing was repaired yet.
 * @param[out] buffer, needed  as of vecstore_collection_describe
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_repair_report(const vecstore_collection *collection, char *buffer, size_t size,
                                                               size_t *needed);

/*
 * What a collection is and costs, as one JSON object: "count", "uuid" (drawn when it was created; copies have the same), "revision" (as of
 * vecstore_collection_revision), "rows" (used, with those of points that are gone), "waiting" (rows
 * that graphs do not have yet), "read_only", "durability", "disk_bytes", "memory_bytes", "memory" (the
 * same by what it is for, in the parts that vecstore_collection_metrics has), "memory_mode", "memory_budget", "resident_bytes"
 * ("vectors" and "graphs": how much of the maps of their files lies in the memory of this process; the system may have more of them in
 * its cache), "vectors" (all of their options, "count",
 * "indexed", and of the graph "graph_bytes" and "graph_error", "" or why the one that was
 * saved could not be opened and is made anew), "payload_indexes" ("path", "type", "tokenizer"), "index_error" ("" or why the last
 * work in the background failed).
 * @param[out] buffer  room for `size` bytes: as much of the text as fits, and a 0; may be NULL where size is 0
 * @param[out] needed  bytes of the whole text without the 0; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_describe(const vecstore_collection *collection, char *buffer, size_t size,
                                                          size_t *needed);

/*
 * Numbers about a collection for Prometheus and what reads its text format (0.0.4): counters and histograms of this handle's calls
 * since it was opened, and gauges of the moment. Every sample has the label collection="name".
 *
 *   vecstore_collection_...        | type      | more labels       | what it counts
 *   -------------------------------+-----------+-------------------+--------------------------------------------------------
 *   calls_total                    | counter   | operation, status | calls that have ended
 *   call_duration_seconds          | histogram | operation         | how long they took; from an operation's first call on
 *   points, rows, dead_rows        | gauge     |                   | points; rows handed out; rows of points that are gone
 *   waiting_rows                   | gauge     |                   | rows that wait to come into graphs
 *   vectors, indexed_vectors       | gauge     | vector            | points with a vector of a name; those a graph has
 *   read_only                      | gauge     |                   | 1 where it is open for reading alone
 *   disk_bytes                     | gauge     | part              | vectors, database, wal, graphs, other
 *   memory_bytes                   | gauge     | part              | ids, dead_rows, graphs, waiting_codes, payload_indexes,
 *                                  |           |                   | text_lengths, filter_cache
 *   mapped_graph_bytes, wal_bytes  | gauge     |                   | graphs mapped from files; the write-ahead log
 *   filter_cache_hits_total,       | counter   |                   | filters whose rows were known, or had to be found
 *     filter_cache_misses_total    |           |                   |
 *   filter_cache_entries           | gauge     |                   | filters that are kept
 *   connections                    | gauge     | state: used, idle | connections to the database for reading
 *   index_portions_total,          | counter   |                   | work on graphs: portions, their rows, the time they took,
 *     index_rows_total,            |           |                   | failures in the background, graphs that were saved
 *     index_seconds_total,         |           |                   |
 *     index_failures_total,        |           |                   |
 *     graphs_saved_total           |           |                   |
 *
 * An operation is the name of a function without "vecstore_collection_"; remove_matching counts as remove. A call whose arguments
 * are refused before they reach the collection (NULL, a struct_size) is not counted. Counting costs a call two looks at the clock and
 * three atomic additions; threads do not wait for each other for it.
 * @param[in] name     what stands for the collection in the label; NULL: the last part of its path
 * @param[out] buffer  room for `size` bytes: as much of the text as fits, and a 0; may be NULL where size is 0
 * @param[out] needed  bytes of the whole text without the 0; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, IO. O(files of the directory). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_metrics(const vecstore_collection *collection, const char *name, char *buffer,
                                                         size_t size, size_t *needed);

/*
 * The same about n collections in one text, in which each metric comes once, as the format wants it. No collection: an empty text.
 * @param[in] names  n of them, each NULL or as above; NULL: the last parts of their paths. No two may be the same.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collections_metrics(const vecstore_collection *const *collections,
                                                          const char *const *names, size_t n, char *buffer, size_t size,
                                                          size_t *needed);

/*
 * Whether a collection can do its work, as one JSON object: "status" is "ok", "degraded" (it works, but something should be done) or
 * "failed"; "reasons" has an object for each thing that is not as it should be: "code", "status" and "message".
 *
 *   code              | status   | what it means
 *   ------------------+----------+-------------------------------------------------------------------------------
 *   closed            | failed   | it was closed
 *   forked            | failed   | it was opened before fork(): this process opens it for itself
 *   directory_gone    | failed   | the directory was moved or removed
 *   lock_lost         | failed   | the lock file was replaced: another process may write to the directory
 *   disk_full         | failed   | of a writer: less than 8 MiB are left
 *   disk_nearly_full  | degraded | of a writer: less than 256 MiB, or hardly any files, are left
 *   index_failing     | degraded | the last work in the background failed; it is tried again with the next write
 *   graph_damaged     | degraded | a saved graph cannot be used: points are compared until a writer has made it again
 *   rows_nearly_used  | degraded | nine tenths of the rows that there can be were handed out
 *   reader_old        | degraded | of a reader: it shows a state from before a minute or more, which keeps the log at 256 MiB or more
 *   log_long          | degraded | of a writer: the log has 256 MiB or more, mostly because somebody reads an old state
 *
 * Others may come. In the child of a fork this is VECSTORE_OK, unlike all other calls; of a handle that was freed nothing is known, so
 * it is VECSTORE_ERR_INVALID_HANDLE. O(1): some looks at files.
 * @param[out] buffer, size, needed  as of vecstore_collection_describe
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_health(const vecstore_collection *collection, char *buffer, size_t size,
                                                        size_t *needed);

/*
 * Points in files: JSON Lines, a point a line, in UTF-8:
 *
 *   {"id": 7, "vector": [0.5, 1], "payload": {"section": "net"}, "expires": 4102444800000000}
 *
 * "id" is a number or a string. "vector" is an array of numbers or, where points have several, an object of such arrays by name.
 * "payload" may be missing or null, and so may "expires", microseconds since 1970 or a time of RFC 3339. "payload_text" stands for
 * a payload that has line ends between its values, as a string. Blank lines count as lines and are no points.
 *
 * Vectors may lie in files of NumPy beside it (.npy, format 1 to 3, '<f4' or '<f2', two axes, C order): row i is the vector of
 * the i-th line that is not blank. A row of nothing but NaN is a point without this vector.
 */
typedef struct vecstore_vector_file {
    const char *name; /* NULL or "": of the only vector */
    const char *path; /* of the .npy file */
} vecstore_vector_file;

typedef struct vecstore_import_options {
    uint32_t struct_size;
    uint32_t batch_size;                      /* points that are written at once, all or none: 1 ... 1,048,576; 0 = 1000. Large points
                                                 are written earlier, from 64 MiB on. */
    const vecstore_vector_file *vector_files; /* n_vector_files: vectors that do not stand in the lines */
    size_t n_vector_files;
    uint64_t start_line;                      /* lines before are passed over; 0 and 1 = the first */
    uint32_t skip_bad;                        /* 1: lines that cannot be points are passed over and counted; else 0 */
    uint32_t bare_payloads;                   /* 1: a line is a payload and nothing else, the first of the file with the id first_id,
                                                 and each with one more; else 0 */
    uint64_t first_id;
    uint32_t reserved;                        /* 0 */
    vecstore_progress_callback progress;      /* is told of bytes of the file after each batch, and may cancel; NULL = none. It may
                                                 use the collection. */
    void *payload;                            /* for progress */
} vecstore_import_options;

#define VECSTORE_IMPORT_OPTIONS_INIT { (uint32_t)sizeof(vecstore_import_options), 0, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL }

/* What an import came to. */
typedef struct vecstore_import_result {
    uint32_t struct_size; /* set by the caller: the library fills in as many bytes as that */
    uint32_t reserved;
    uint64_t points;      /* that were written */
    uint64_t skipped;     /* lines that were passed over because they were wrong */
    uint64_t next_line;   /* all lines before are done: the start_line of an import that goes on */
} vecstore_import_result;

#define VECSTORE_IMPORT_RESULT_INIT { (uint32_t)sizeof(vecstore_import_result), 0, 0, 0, 0 }

/*
 * Writes the points that a file has, as upsert does, in batches: each is there whole or not at all. An import that has ended with an
 * error goes on with start_line = next_line; doing lines again does no harm.
 * @param[in] path      of a regular file
 * @param[in] options   NULL = defaults
 * @param[out] result   filled in after an error too; may be NULL
 * Errors: INVALID_ARGUMENT, NOT_FINITE, ZERO_VECTOR, TOO_LARGE, UNSUPPORTED: a line is wrong; the message has its number, the points
 * of all lines before are in, and next_line is the line. Or the options are, or a .npy file. INVALID_HANDLE, READ_ONLY, CANCELLED,
 * NOT_FOUND, CORRUPT (a .npy file), IO, OUT_OF_MEMORY. O(bytes). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_import(vecstore_collection *collection, const char *path,
                                                        const vecstore_import_options *options,
                                                        vecstore_import_result *result);

typedef struct vecstore_export_options {
    uint32_t struct_size;
    uint32_t reserved;                        /* 0 */
    const char *filter;                       /* which points; NULL = all */
    const vecstore_vector_file *vector_files; /* n_vector_files: vectors that are not to stand in the lines */
    size_t n_vector_files;
    vecstore_progress_callback progress;      /* is told of points, and may cancel; NULL = none. It must not use the collection. */
    void *payload;                            /* for progress */
} vecstore_export_options;

#define VECSTORE_EXPORT_OPTIONS_INIT { (uint32_t)sizeof(vecstore_export_options), 0, NULL, NULL, 0, NULL, NULL }

/*
 * Writes points to a file, those of one moment, while searches and writes go on, in the order in which they were written. Importing
 * it gives the same points: numbers have as many digits as it takes, payloads are the text that was kept. Each file appears
 * whole or not at all, in place of one that was there, those of the vectors first. Calls that ask the database wait meanwhile
 * where the collection is open for reading alone.
 * @param[in] options  NULL = defaults
 * @param[out] points  how many there were; may be NULL
 * Errors: INVALID_ARGUMENT (a filter too), INVALID_HANDLE, NOT_FOUND (no such directory), CANCELLED, IO, OUT_OF_MEMORY. O(bytes).
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_export(const vecstore_collection *collection, const char *path,
                                                        const vecstore_export_options *options, uint64_t *points);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Redis                                                                                                              */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * What is shared between processes lives in any plain Redis from version 5 on, or Valkey, without modules; a cluster too. Where it
 * is, a URL says:
 *
 *   redis://[user[:password]@]host[:port][/db]     rediss:// (the same with TLS)     unix:///path[?db=n]
 *
 * NULL in the place of a URL: what the environment says, REDIS_URL, or else REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_USERNAME and
 * REDIS_PASSWORD; without any of them, port 6379 of this machine. Passwords are in no message, log or metric.
 * TLS takes OpenSSL 3 (libssl.so.3), which is loaded where it is needed. docs/redis.md has more.
 */
typedef struct vecstore_redis_options {
    uint32_t struct_size;
    uint32_t connect_timeout;     /* ms, 0 = 5000 */
    uint32_t command_timeout;     /* ms that a call takes at most, with all that it tries; 0 = 5000 */
    uint32_t max_connections;     /* to one server; 0 = 8, at most 10,000 */
    uint32_t health_check_after;  /* a connection that was idle for as many ms is asked whether it is alive; 0 = 30,000 */
    uint32_t no_retries;          /* 1: nothing is sent again; else 0: twice, where doing it twice is safe */
    uint32_t breaker_failures;    /* failures in a row after which nobody waits for the server any more; 0 = 5 */
    uint32_t breaker_open_time;   /* ms until it is tried again, twice as many after each failure, at most 30 s; 0 = 1000 */
    uint32_t cluster;             /* 0: the server is asked; 1: it is one of a cluster; 2: it is not */
    uint32_t tls_no_verify;       /* 1: the certificate is not looked at, and anybody on the way may read and change all; else 0 */
    const char *tls_ca_file;      /* PEM file of the authorities to trust; with neither, those that the system trusts */
    const char *tls_ca_directory;
    const char *tls_server_name;  /* what the certificate must be for; NULL: the host of the URL */
    const char *tls_certificate_file; /* PEM files of the client's own; both or neither */
    const char *tls_key_file;
} vecstore_redis_options;

#define VECSTORE_REDIS_OPTIONS_INIT \
    { (uint32_t)sizeof(vecstore_redis_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL }

/* ------------------------------------------------------------------------------------------------------------------ */
/* Vectors in hashes of a Redis                                                                                       */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * Programs with a search module of Redis keep a hash for each document, with its vector as a blob in a field:
 *
 *   HSET doc:1 embedding <dim elements> title "..." section "..."
 *
 * These functions bring such hashes into collections and indexes, and points of collections into such hashes. The Redis needs no
 * module. The key behind a prefix is the id, a number where it is one in plain digits ("7", not "007"), else a string. Fields that have
 * no vector are members of the payload, what is left of the key's time to live is the end of the point. docs/redis.md says what comes
 * back the same, and which rights a user of the Redis needs.
 */

/* The elements of a blob, one after the other, the least byte first. */
typedef uint32_t vecstore_blob_type;
enum {
    VECSTORE_BLOB_FLOAT32 = 1,
    VECSTORE_BLOB_FLOAT64 = 2,
    VECSTORE_BLOB_FLOAT16 = 3,
    VECSTORE_BLOB_BFLOAT16 = 4
};

/* What values of fields become in a payload. */
typedef uint32_t vecstore_field_values;
enum {
    VECSTORE_FIELD_VALUES_TEXT = 0,    /* strings */
    VECSTORE_FIELD_VALUES_NUMBERS = 1, /* numbers where they are one in JSON, else strings */
    VECSTORE_FIELD_VALUES_JSON = 2     /* numbers, objects, arrays, true, false and null where they are that in JSON, else strings */
};

/* Which field has which vector. */
typedef struct vecstore_vector_field {
    const char *field;
    const char *vector_name; /* NULL or "": of the only vector */
} vecstore_vector_field;

typedef struct vecstore_redis_import_options {
    uint32_t struct_size;
    uint32_t batch_size;                        /* points that are written at once: 1 ... 1,048,576; 0 = 1000 */
    const vecstore_redis_options *redis;        /* NULL = defaults */
    const char *prefix;                         /* what keys begin with; NULL = "" */
    const char *pattern;                        /* of the keys, as KEYS has them; NULL: all with the prefix */
    const vecstore_vector_field *vector_fields; /* n_vector_fields; none: each vector in the field of its name, one without a name in
                                                   "embedding" */
    size_t n_vector_fields;
    const char *const *payload_fields;          /* n_payload_fields names: fields that the payload has; NULL: all without a vector */
    size_t n_payload_fields;
    const char *json_field;                     /* a field with a JSON object, whose members are members of the payload; NULL: none */
    vecstore_blob_type blob_type;               /* 0 = VECSTORE_BLOB_FLOAT32 */
    vecstore_field_values values;
    uint32_t skip_bad;                          /* 1: keys that cannot be points are passed over and counted; else 0 */
    uint32_t threads;                           /* of an index: that add rows; 0 = one for each processor */
    vecstore_progress_callback progress;        /* is told after each batch of keys that are done, of all that the Redis has, and may
                                                   cancel; NULL = none */
    void *payload;                              /* for progress */
} vecstore_redis_import_options;

#define VECSTORE_REDIS_IMPORT_OPTIONS_INIT \
    { (uint32_t)sizeof(vecstore_redis_import_options), 0, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, 0, 0, 0, NULL, NULL }

/* What an import came to. */
typedef struct vecstore_redis_import_result {
    uint32_t struct_size; /* set by the caller */
    uint32_t reserved;
    uint64_t points;      /* that were written */
    uint64_t skipped;     /* keys that were passed over because they were wrong: the log has the first of them */
} vecstore_redis_import_result;

#define VECSTORE_REDIS_IMPORT_RESULT_INIT { (uint32_t)sizeof(vecstore_redis_import_result), 0, 0, 0 }

/*
 * Writes a point for each hash, as upsert does, in batches; those of all masters of a cluster. Keys that change or go meanwhile are no
 * error. Doing it again does no harm.
 * @param[in] url      of the Redis; NULL: what the environment says
 * @param[in] options  NULL = defaults: all keys
 * @param[out] result  filled in after an error too; may be NULL
 * Errors: INVALID_ARGUMENT, NOT_FINITE, ZERO_VECTOR, TOO_LARGE: a hash is wrong; the message has its key, and what came before is in.
 * Or the options are, or the URL. INVALID_HANDLE, READ_ONLY, CANCELLED, UNAVAILABLE (the Redis), UNSUPPORTED (its user may not do it,
 * TLS), IO, OUT_OF_MEMORY. O(bytes). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_import_redis(vecstore_collection *collection, const char *url,
                                                              const vecstore_redis_import_options *options,
                                                              vecstore_redis_import_result *result);

/*
 * The same into an index: adds a row for each hash, or updates the one with its id, which is a number. There are no payloads:
 * payload_fields, json_field and values must be 0, as must vector_name of the one vector field. Ends of keys are not kept.
 * Errors: as above; UNSUPPORTED also for rows of int8, uint8 and bits. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_index_import_redis(vecstore_index *index, const char *url,
                                                         const vecstore_redis_import_options *options,
                                                         vecstore_redis_import_result *result);

typedef struct vecstore_redis_export_options {
    uint32_t struct_size;
    vecstore_blob_type blob_type;               /* 0 = VECSTORE_BLOB_FLOAT32 */
    const vecstore_redis_options *redis;        /* NULL = defaults */
    const char *prefix;                         /* what keys begin with; NULL = "" */
    const char *filter;                         /* which points, in the words of vecstore_query_options; NULL = all */
    const vecstore_vector_field *vector_fields; /* n_vector_fields; none: as for an import. Other vectors are left out. */
    size_t n_vector_fields;
    const char *json_field;                     /* a field for the whole payload; NULL: each member has a field of its own */
    vecstore_progress_callback progress;        /* is told of points, and may cancel; NULL = none. It must not use the collection. */
    void *payload;                              /* for progress */
} vecstore_redis_export_options;

#define VECSTORE_REDIS_EXPORT_OPTIONS_INIT \
    { (uint32_t)sizeof(vecstore_redis_export_options), 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL }

/*
 * Writes a hash for each point, those of one moment, while searches and writes go on. A hash appears whole, in the place of one that
 * was there; keys of other points stay, and a key that holds something else is an error. Doing it again changes nothing. Calls that ask
 * the database wait meanwhile where the collection is open for reading alone.
 * @param[in] url      of the Redis; NULL: what the environment says
 * @param[in] options  NULL = defaults: all points, without a prefix
 * @param[out] points  how many there were; may be NULL
 * Errors: INVALID_ARGUMENT (a filter too; a payload with a member that is called as the field of a vector; ids with the same key),
 * TOO_LARGE (an element is beyond the blob type), INVALID_HANDLE, CANCELLED, UNAVAILABLE, UNSUPPORTED, IO, OUT_OF_MEMORY (of the Redis,
 * too). O(bytes). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_collection_export_redis(const vecstore_collection *collection, const char *url,
                                                              const vecstore_redis_export_options *options, uint64_t *points);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Semantic caches                                                                                                    */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * A semantic cache keeps responses by the prompts that got them, and finds them again for the same prompt, and for prompts that
 * mean the same: those whose vectors have a cosine similarity of at least a threshold. Its URL says where entries live:
 *
 *   "memory:"                              in this process, as long as the cache is open
 *   a path                                 in a directory, durable, of one process at a time
 *   "redis://", "rediss://", "unix://"     in a Redis, shared by all processes that open the same namespace there
 *
 * Each process has the vectors and prompts of all entries in an index of its own, kept up to date by a stream. So a miss costs no
 * round trip; a hit costs one, which fetches the response and makes sure that the entry is still there, or none with
 * keep_responses. docs/cache.md says what lies in Redis, and how to operate it.
 *
 * SIMILARITY
 *   is the cosine similarity, 1 - the distance under COSINE, from -1 to 1, everywhere: larger is nearer. 0 is a value like others.
 * TIMES
 *   are milliseconds, and moments are milliseconds since 1970 by the clock of the system. An entry is not found any more from the
 *   moment of its end on, whatever has become of it in Redis.
 * THREADS
 *   All functions may be called from any thread. Lookups run in parallel, beside each other and beside writes. What a call has
 *   written the next call finds, on this handle; processes that share a Redis see it some milliseconds later. close: calls that
 *   already run finish, later ones get VECSTORE_ERR_INVALID_HANDLE.
 * FORK
 *   A child cannot use a cache that was opened before fork() (VECSTORE_ERR_INVALID_HANDLE): it opens it for itself.
 * WITHOUT REDIS
 *   Lookups go on from what the process has; hits without keep_responses are misses then. Writes wait, up to queue_limit; beyond
 *   that they get VECSTORE_ERR_UNAVAILABLE. No call waits longer than command_timeout. With fail_closed lookups get
 *   VECSTORE_ERR_UNAVAILABLE as well.
 * LIMITS
 *   A namespace has 1 to 128 bytes, without spaces, braces and control characters; a prompt up to 1 MiB, a response 8 MiB,
 *   metadata 64 KiB; a call sets up to 1,048,576 entries, and finds up to 1000.
 */
typedef struct vecstore_cache vecstore_cache;

/* Which entries go where there are more than there may be. */
typedef uint32_t vecstore_cache_eviction;
enum {
    VECSTORE_CACHE_EVICTION_LRU = 1, /* the one that was not used for the longest time */
    VECSTORE_CACHE_EVICTION_LFU = 2, /* the one that was used the least, with the past forgotten little by little (Arlitt et al.:
                                        Evaluating content management techniques for Web proxy caches, 2000) */
    VECSTORE_CACHE_EVICTION_COST = 3 /* the one whose uses save the least for its size, by the cost of entries (Cherkasova: Improving
                                        WWW proxies performance with Greedy-Dual-Size-Frequency caching policy, 1998) */
};

/* How a cache is opened. The namespace, dim and model stay with the entries; the rest is this handle's. */
typedef struct vecstore_cache_options {
    uint32_t struct_size;
    uint32_t dim;                     /* 1 ... VECSTORE_DIM_MAX; has no default */
    const char *name_space;           /* part of every key; has no default */
    const char *model;                /* that makes the vectors; NULL = not said. Entries of another one are refused */
    uint32_t has_threshold;           /* 1: similarity_threshold holds; 0: it is 0.85 */
    float similarity_threshold;       /* the least of a hit, -1 ... 1 */
    uint64_t ttl;                     /* ms that entries live that do not say it; 0 = for ever */
    uint64_t max_entries;             /* 0 = 1,000,000; at most 1,073,741,823 */
    uint64_t max_bytes;               /* of memory that entries take; 0 = no bound */
    vecstore_cache_eviction eviction; /* 0 = VECSTORE_CACHE_EVICTION_LRU */
    vecstore_dtype dtype;             /* how vectors are kept: 0 = VECSTORE_DTYPE_F32, or VECSTORE_DTYPE_F16 */
    uint32_t refresh_on_hit;          /* 1: a hit begins the ttl of its entry anew; else 0 */
    uint32_t guard;                   /* 1: prompts whose numbers, negations or names differ are no semantic hits of each other; else 0 */
    uint32_t fail_closed;             /* 1: lookups are errors while the store does not answer; 0: misses */
    uint32_t keep_responses;          /* of Redis, 1: responses are in the memory of the process too; else 0 */
    uint32_t queue_limit;             /* of Redis: changes that wait for it at most; 0 = 10,000 */
    uint32_t log_length;              /* of Redis: about how many changes the stream keeps; 0 = 10,000 */
    uint32_t one_per_prompt;          /* 1: an entry takes the place of the one with the same prompt, whatever its metadata: all processes
                                         of a namespace must say the same; else 0 */
    uint32_t reserved;                /* 0 */
    const vecstore_redis_options *redis; /* NULL = defaults */
} vecstore_cache_options;

#define VECSTORE_CACHE_OPTIONS_INIT \
    { (uint32_t)sizeof(vecstore_cache_options), 0, NULL, NULL, 0, 0.0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL }

/*
 * Opens a cache; a directory that does not exist is made. Entries that are there are read first: of 100,000 in a Redis on the same
 * machine some 2 seconds. Where Redis does not answer, the cache opens empty and fills when it does, unless fail_closed.
 * @param[in] url      as above; NULL: the Redis that the environment says
 * @param[in] options  not NULL: dim and name_space have no default
 * Errors: INVALID_ARGUMENT (also for a namespace whose entries have another dim or model), UNAVAILABLE (only with fail_closed), LOCKED
 * (a directory that is open already), UNSUPPORTED (rights, TLS), IO, CORRUPT, NEWER_VERSION, OUT_OF_MEMORY. Close with
 * vecstore_cache_close. O(entries). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_open(const char *url, const vecstore_cache_options *options, vecstore_cache **out);

/*
 * Writes what waits, for as long as command_timeout lets it, and lets go of the cache. Entries in a directory and in Redis stay. NULL
 * and a cache that was closed do nothing. Errors: INVALID_HANDLE, IO, UNAVAILABLE (changes that could not be written are lost). It is
 * closed after an error too. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_close(vecstore_cache *cache);

/* The ttl of an entry that has no end. */
#define VECSTORE_CACHE_TTL_NONE (-1)
/* The bytes of an entry's id: 32 hexadecimal digits, and a 0. */
#define VECSTORE_CACHE_ID_SIZE 33

/* An entry that is to be set. */
typedef struct vecstore_cache_entry {
    uint32_t struct_size;
    float cost;           /* what it takes to make the response again, in any unit, for VECSTORE_CACHE_EVICTION_COST; 0 = 1 */
    const char *prompt;   /* not empty */
    size_t prompt_size;   /* bytes; 0: up to the 0 at its end */
    const char *response; /* any bytes; NULL: none */
    size_t response_size; /* bytes; 0: up to the 0 at its end */
    const char *metadata; /* a JSON object; NULL: none */
    const float *vector;  /* dim elements, of any norm but 0 */
    int64_t ttl;          /* ms; 0: that of the cache; VECSTORE_CACHE_TTL_NONE: no end */
} vecstore_cache_entry;

#define VECSTORE_CACHE_ENTRY_INIT { (uint32_t)sizeof(vecstore_cache_entry), 0.0f, NULL, 0, NULL, 0, NULL, NULL, 0 }

/*
 * Sets n entries, each in the place of the one with the same prompt and metadata: other metadata make another entry, unless
 * one_per_prompt. All are checked
 * before the first is written; with Redis many entries of one call, or of many threads, go in one pipeline.
 * @param[in] entries  n structs, the struct_size of the first apart
 * @param[out] ids     n * VECSTORE_CACHE_ID_SIZE bytes: their ids, each with a 0 at its end; may be NULL
 * Errors: INVALID_ARGUMENT, NOT_FINITE, ZERO_VECTOR, TOO_LARGE (the message says which entry), INVALID_HANDLE, UNAVAILABLE, IO,
 * OUT_OF_MEMORY (of the server, too). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_set(vecstore_cache *cache, const vecstore_cache_entry *entries, size_t n, char *ids);

/* How entries are found. */
typedef uint32_t vecstore_cache_tier;
enum {
    VECSTORE_CACHE_TIER_EXACT = 1,   /* by the same prompt, word for word */
    VECSTORE_CACHE_TIER_SEMANTIC = 2 /* by a vector that is near enough */
};

/* What is looked for. */
typedef struct vecstore_cache_query {
    uint32_t struct_size;
    vecstore_cache_tier tiers; /* VECSTORE_CACHE_TIER_EXACT, _SEMANTIC, or 3 for both; 0 = both */
    uint32_t has_threshold;    /* 1: similarity_threshold holds; 0: that of the cache */
    float similarity_threshold;
    const char *prompt;        /* NULL: not known: nothing is found by it, and nothing guarded */
    size_t prompt_size;        /* bytes; 0: up to the 0 at its end */
    const float *vector;       /* dim elements; NULL: nothing is found by it */
    const char *filter;        /* what the metadata of hits must be like, in the words of vecstore_query_options; NULL: any */
    size_t k;                  /* most hits, 0 = 1; at most 1000 */
    uint32_t uncounted_miss;   /* 1: a miss is in no statistics: the caller looks again in another way, such as by a vector that
                                  takes long to make; else 0 */
    uint32_t reserved;         /* 0 */
} vecstore_cache_query;

#define VECSTORE_CACHE_QUERY_INIT { (uint32_t)sizeof(vecstore_cache_query), 0, 0, 0.0f, NULL, 0, NULL, NULL, 0, 0, 0 }

/* What a lookup found, best first. Free with vecstore_cache_hits_free. */
typedef struct vecstore_cache_hits vecstore_cache_hits;

/* A hit: memory of the hits, which lives until they are freed. All texts end with a 0 that does not count. */
typedef struct vecstore_cache_hit {
    uint32_t struct_size;     /* set by the caller */
    vecstore_cache_tier tier; /* how it was found */
    const char *id;
    const char *prompt;       /* of the entry */
    size_t prompt_size;
    const char *response;
    size_t response_size;
    const char *metadata;     /* a JSON object; NULL: there is none */
    int64_t created;
    int64_t expires;          /* 0: it has no end */
    float similarity;         /* of the vectors; 1 where the prompt is the same */
    uint32_t reserved;
} vecstore_cache_hit;

#define VECSTORE_CACHE_HIT_INIT \
    { (uint32_t)sizeof(vecstore_cache_hit), 0, NULL, NULL, 0, NULL, 0, NULL, 0, 0, 0.0f, 0 }

/*
 * Looks for entries: first the one with the same prompt, the newest of several with different metadata; where more are wanted, or there
 * is none, those with the nearest vectors. The response of each is as the store has it at that moment.
 * @param[in] query  not NULL; with a prompt or a vector
 * @param[out] hits  NULL where there are none: a miss is VECSTORE_OK
 * Errors: INVALID_ARGUMENT, NOT_FINITE, ZERO_VECTOR, INVALID_HANDLE, OUT_OF_MEMORY; UNAVAILABLE and IO with fail_closed alone. A
 * miss among 100,000 entries takes some 50 microseconds. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_get(const vecstore_cache *cache, const vecstore_cache_query *query,
                                                vecstore_cache_hits **hits);

/* How many there are; 0 for NULL. Errors: INVALID_ARGUMENT (count is NULL), INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_cache_hits_count(const vecstore_cache_hits *hits, size_t *count);

/* Fills in the i-th. Errors: INVALID_ARGUMENT, INVALID_HANDLE, NOT_FOUND (there are not so many). (since 0.1) */
VECSTORE_API vecstore_status vecstore_cache_hits_get(const vecstore_cache_hits *hits, size_t i, vecstore_cache_hit *hit);

/* NULL, and what was freed already, do nothing. (since 0.1) */
VECSTORE_API void vecstore_cache_hits_free(vecstore_cache_hits *hits);

/*
 * Deletes entries by their ids; those that are not there are passed over.
 * @param[out] deleted  how many this process knew; may be NULL
 * Errors: INVALID_ARGUMENT (also what is no id), INVALID_HANDLE, TOO_LARGE, UNAVAILABLE, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_delete(vecstore_cache *cache, const char *const *ids, size_t n, uint64_t *deleted);

/*
 * Deletes the entries whose metadata match a filter.
 * @param[in] filter    not NULL, in the words of vecstore_query_options; "{}" matches all
 * @param[in] dry_run   1: they are only counted; else 0
 * @param[out] deleted  how many there were; may be NULL
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE, UNAVAILABLE, IO. O(entries). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_delete_where(vecstore_cache *cache, const char *filter, uint32_t dry_run,
                                                         uint64_t *deleted);

/* Deletes all entries of the namespace, for all processes. Errors: INVALID_HANDLE, UNAVAILABLE, IO. O(entries). (since 0.1) */
VECSTORE_API vecstore_status vecstore_cache_clear(vecstore_cache *cache, uint64_t *deleted);

/*
 * Says of a hit whether it was right, for all processes. A wrong one is passed over from then on by queries that are nearer to this one
 * than to its entry; without a vector, or with that of the entry itself, the entry is deleted. A right one takes back what was said
 * of queries like this.
 * @param[in] id      of the hit
 * @param[in] vector  of the prompt that got it, dim elements; NULL: not known
 * @param[in] wrong   1 or 0
 * Errors: INVALID_ARGUMENT, NOT_FINITE, ZERO_VECTOR, INVALID_HANDLE, NOT_FOUND (no such entry), UNAVAILABLE, IO. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_feedback(vecstore_cache *cache, const char *id, const float *vector, uint32_t wrong);

/* What a cache has, and what was done through this handle so far. */
typedef struct vecstore_cache_stats {
    uint32_t struct_size;      /* set by the caller */
    uint32_t reserved;
    uint64_t entries;
    uint64_t bytes;            /* of memory that entries take, as max_bytes counts them */
    uint64_t index_bytes;      /* of memory that the index of their vectors takes */
    uint64_t exact_hits;
    uint64_t semantic_hits;
    uint64_t misses;
    uint64_t failures;         /* lookups that ended with an error */
    uint64_t sets;             /* entries that were set */
    uint64_t deletes;
    uint64_t evictions;        /* entries that had to go for others */
    uint64_t expired;          /* entries whose end has come */
    uint64_t guard_refusals;   /* entries that were near enough, and were passed over: by the guard, by feedback, */
    uint64_t feedback_refusals;
    uint64_t gone;             /* or because the store did not have them any more */
    uint64_t feedbacks;
    uint64_t store_errors;     /* whether they surfaced or not */
    int64_t last_error;        /* when the last one was; 0: there was none. vecstore_cache_health has its message */
} vecstore_cache_stats;

#define VECSTORE_CACHE_STATS_INIT \
    { (uint32_t)sizeof(vecstore_cache_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Fills in `stats`. Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_cache_get_stats(const vecstore_cache *cache, vecstore_cache_stats *stats);

/*
 * Numbers about n caches for Prometheus, as those of vecstore_collections_metrics: lookups by result (exact, semantic, miss, error),
 * histograms of similarities and of how long lookups took, refusals, entries, bytes; of Redis its errors, breaker, round trips, what
 * waits for it, and how far behind the stream the process is. Each has the labels namespace and store. docs/cache.md lists them.
 * @param[out] buffer  room for `size` bytes: as much of the text as fits, and a 0; may be NULL where size is 0
 * @param[out] needed  bytes of the whole text without the 0; may be NULL
 * Errors: INVALID_ARGUMENT (also two caches of the same namespace and kind of store), INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_caches_metrics(const vecstore_cache *const *caches, size_t n, char *buffer, size_t size,
                                                     size_t *needed);

/*
 * Whether a cache can do its work, as one JSON object, like that of vecstore_collection_health: "status" ("ok", "degraded", "failed")
 * and "reasons". Of a cache that was closed, or opened before fork(), it tells that. Nobody is asked for it.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_health(const vecstore_cache *cache, char *buffer, size_t size, size_t *needed);

/*
 * Waits until all changes of this handle are in Redis, or in the directory.
 * @param[in] timeout  ms
 * Errors: INVALID_HANDLE, UNAVAILABLE (some still wait). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_flush(vecstore_cache *cache, uint32_t timeout);

/*
 * Brings all entries into the graph, on the calling thread, which is done in the background otherwise; entries that wait are
 * compared one by one. Errors: INVALID_HANDLE, OUT_OF_MEMORY. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_cache_optimize(vecstore_cache *cache);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Value caches                                                                                                       */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * A value cache keeps bytes by exact keys, for a while: what embeddings (model and text -> vector) and results (query -> hits) are
 * kept in. Its URL says where they live:
 *
 *   "memory:"                              in this process, as long as the cache is open
 *   a path                                 in a directory, durable; any number of processes of a machine may use it at once
 *   "redis://", "rediss://", "unix://"     in a Redis, shared by all processes; a cluster spreads them over its servers
 *
 * Keys and values are any bytes. A value whose end has come is not found any more, wherever it lives. docs/values.md says what lies in
 * Redis and in a directory.
 *
 * THREADS
 *   As with semantic caches. Calls of one handle over a directory go one after the other.
 * FORK
 *   A child cannot use a cache that was opened before fork() (VECSTORE_ERR_INVALID_HANDLE), nor open a directory whose namespace its
 *   parent had open then (VECSTORE_ERR_LOCKED).
 * WITHOUT REDIS
 *   Keys are missed, and values that are to be set are dropped and counted; with fail_closed both are VECSTORE_ERR_UNAVAILABLE. delete
 *   and clear always are: what they could not take away would come back. No call waits longer than command_timeout; clear goes in
 *   steps, each of which does not.
 * LIMITS
 *   A namespace as that of a semantic cache; a key has 1 byte to 1 MiB, a value up to 64 MiB; a call names up to 1,048,576 keys.
 */
typedef struct vecstore_value_cache vecstore_value_cache;

/* How a value cache is opened. */
typedef struct vecstore_value_cache_options {
    uint32_t struct_size;
    uint32_t fail_closed;     /* of Redis, 1: calls are errors while it does not answer; 0: keys are missed, values dropped */
    const char *name_space;   /* part of every key; has no default */
    uint64_t ttl;             /* ms that values live that do not say it; 0 = for ever */
    uint64_t max_entries;     /* of memory and directories: the values go first that were not used for the longest time;
                                 0 = 1,000,000; at most 1,073,741,823 */
    uint64_t max_bytes;       /* likewise: keys, values, and 160 bytes for each entry; 0 = no bound */
    uint64_t local_bytes;     /* of Redis: values that this process keeps for itself, so that they need no round trip, counted as for
                                 max_bytes; 0 = none */
    uint64_t local_ttl;       /* ms for which it does; as old may a value be that another process has changed; 0 = 1000 */
    const vecstore_redis_options *redis; /* NULL = defaults */
} vecstore_value_cache_options;

#define VECSTORE_VALUE_CACHE_OPTIONS_INIT \
    { (uint32_t)sizeof(vecstore_value_cache_options), 0, NULL, 0, 0, 0, 0, 0, NULL }

/*
 * Opens a value cache; a directory that does not exist is made.
 * @param[in] url      as above; NULL: the Redis that the environment says
 * @param[in] options  not NULL: name_space has no default
 * Errors: INVALID_ARGUMENT, UNAVAILABLE (only with fail_closed), UNSUPPORTED (rights, TLS), IO, CORRUPT, NEWER_VERSION, LOCKED,
 * OUT_OF_MEMORY. Close with vecstore_value_cache_close. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_open(const char *url, const vecstore_value_cache_options *options,
                                                       vecstore_value_cache **out);

/*
 * Lets go of a cache. Values in a directory and in Redis stay. NULL does nothing. Errors: INVALID_HANDLE, IO, LOCKED (what was used last
 * could not be written to the directory). It is closed after an error too. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_close(vecstore_value_cache *cache);

/*
 * Sets n values, each in the place of the one with the same key; of a key that comes twice the last one counts. All are checked before
 * the first is written. With Redis all go in one round trip, and where some are refused (OUT_OF_MEMORY) others may be set.
 * @param[in] keys        n pointers to key_sizes[i] bytes each
 * @param[in] values      n pointers to value_sizes[i] bytes each; one may be NULL where its size is 0: an empty value is a value
 * @param[in] ttl         ms that they live; 0: that of the cache; VECSTORE_CACHE_TTL_NONE: no end
 * Errors: INVALID_ARGUMENT, TOO_LARGE (the message says which), INVALID_HANDLE, UNAVAILABLE (only with fail_closed), IO, LOCKED (another
 * process was at the directory for 10 s), OUT_OF_MEMORY (of the server, too). (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_set(vecstore_value_cache *cache, const void *const *keys, const size_t *key_sizes,
                                                      const void *const *values, const size_t *value_sizes, size_t n, int64_t ttl);

/* What a call found, by key. Free with vecstore_values_free. */
typedef struct vecstore_values vecstore_values;

/* What is in them: memory of theirs, which lives until they are freed. */
typedef struct vecstore_values_view {
    uint32_t struct_size;      /* set by the caller */
    uint32_t reserved;
    size_t n;
    const void *const *values; /* of each key; NULL: there is none. A value begins at a multiple of 16 bytes and has a 0 behind its
                                  end, which does not count */
    const size_t *sizes;       /* bytes of each value; 0 where there is none */
} vecstore_values_view;

#define VECSTORE_VALUES_VIEW_INIT { (uint32_t)sizeof(vecstore_values_view), 0, 0, NULL, NULL }

/*
 * Looks for the values of n keys. With Redis all come in one round trip.
 * @param[in] keys  n pointers to key_sizes[i] bytes each
 * @param[out] out  what was found, in the order of the keys
 * Errors: INVALID_ARGUMENT, TOO_LARGE, INVALID_HANDLE, UNAVAILABLE (only with fail_closed), IO, CORRUPT, OUT_OF_MEMORY. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_get(const vecstore_value_cache *cache, const void *const *keys,
                                                      const size_t *key_sizes, size_t n, vecstore_values **out);

/* Fills in `view`. Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_values_get(const vecstore_values *values, vecstore_values_view *view);

/* NULL, and what was freed already, do nothing. (since 0.1) */
VECSTORE_API void vecstore_values_free(vecstore_values *values);

/*
 * Deletes the values of n keys; those that have none are passed over.
 * @param[out] deleted  how many there were; may be NULL
 * Errors: INVALID_ARGUMENT, TOO_LARGE, INVALID_HANDLE, UNAVAILABLE, IO, LOCKED. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_delete(vecstore_value_cache *cache, const void *const *keys,
                                                         const size_t *key_sizes, size_t n, uint64_t *deleted);

/*
 * Deletes all values of the namespace, for all processes. With Redis it looks at all keys of the database, on all servers of a cluster.
 * @param[out] deleted  how many there were; may be NULL
 * Errors: INVALID_HANDLE, UNAVAILABLE, UNSUPPORTED (rights), IO, LOCKED. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_clear(vecstore_value_cache *cache, uint64_t *deleted);

/* What a value cache has, and what was done through this handle so far. */
typedef struct vecstore_value_cache_stats {
    uint32_t struct_size;  /* set by the caller */
    uint32_t reserved;
    uint64_t entries;      /* in memory or in the directory; of Redis, what this process keeps for itself */
    uint64_t bytes;        /* that they take, as max_bytes counts them */
    uint64_t hits;         /* keys that were found, */
    uint64_t local_hits;   /* those of them that needed no round trip to Redis, */
    uint64_t misses;       /* keys that were not found, */
    uint64_t unanswered;   /* and those of them that were not because Redis did not answer */
    uint64_t sets;         /* values that were set, */
    uint64_t dropped;      /* and those that were not because Redis did not answer */
    uint64_t deletes;
    uint64_t evictions;    /* values that had to go for others */
    uint64_t expired;      /* values that were removed because their end had come */
    uint64_t store_errors; /* calls with errors of the store, whether these surfaced or not */
    int64_t last_error;    /* when the last one was, ms since 1970; 0: there was none */
} vecstore_value_cache_stats;

#define VECSTORE_VALUE_CACHE_STATS_INIT \
    { (uint32_t)sizeof(vecstore_value_cache_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Fills in `stats`. Errors: INVALID_ARGUMENT, INVALID_HANDLE, IO, CORRUPT. (since 0.1) */
VECSTORE_API vecstore_status vecstore_value_cache_get_stats(const vecstore_value_cache *cache, vecstore_value_cache_stats *stats);

/*
 * Numbers about n value caches for Prometheus, as vecstore_caches_metrics gives them of semantic ones: those of the stats, how long calls
 * took that read, and of Redis its errors, breaker and round trips. Each has the labels namespace and store.
 * Errors: INVALID_ARGUMENT (also two caches of the same namespace and kind of store), INVALID_HANDLE, IO, CORRUPT. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_caches_metrics(const vecstore_value_cache *const *caches, size_t n, char *buffer,
                                                           size_t size, size_t *needed);

/*
 * Whether a value cache can do its work, as one JSON object like that of vecstore_cache_health. Its reasons are unusable (closed, or
 * opened before fork()), redis_away and store_failing (the last call had an error of the store). Nobody is asked for it.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_value_cache_health(const vecstore_value_cache *cache, char *buffer, size_t size, size_t *needed);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Rate limiters                                                                                                      */
/* ------------------------------------------------------------------------------------------------------------------ */

/*
 * A rate limiter has a bucket of tokens for each key. A bucket begins full, gets tokens at a steady rate until it is full, and each call
 * takes some, or none where there are not as many. With "memory:" the buckets are in this process; in a Redis all processes share
 * them, by the clock of the server, at one round trip a call. There they end by themselves when they would be full. Not in a directory.
 *
 * No call waits for tokens: who gets none is told when there will be some.
 *
 * THREADS, FORK
 *   As with semantic caches.
 * WITHOUT REDIS
 *   Buckets of this process serve, which begin full: n processes get n times as much then. With fail_closed calls get
 *   VECSTORE_ERR_UNAVAILABLE. No call waits longer than command_timeout, nor for a server that is known to be away.
 */
typedef struct vecstore_rate_limiter vecstore_rate_limiter;

/* How a rate limiter is opened. Processes that share buckets should have the same numbers. */
typedef struct vecstore_rate_limiter_options {
    uint32_t struct_size;
    uint32_t fail_closed;     /* of Redis, 1: calls are errors while it does not answer; 0: buckets of this process serve */
    const char *name_space;   /* part of every key, as that of a semantic cache; has no default */
    double capacity;          /* tokens of a full bucket, 0.000001 ... 10^12; has no default */
    double refill_per_second; /* tokens, 0.000001 ... 10^12; has no default */
    const vecstore_redis_options *redis; /* NULL = defaults */
} vecstore_rate_limiter_options;

#define VECSTORE_RATE_LIMITER_OPTIONS_INIT { (uint32_t)sizeof(vecstore_rate_limiter_options), 0, NULL, 0.0, 0.0, NULL }

/*
 * Opens a rate limiter. Nothing is sent before the first call.
 * @param[in] url      "memory:", or where the Redis is; NULL: the one that the environment says
 * @param[in] options  not NULL
 * Errors: INVALID_ARGUMENT, UNSUPPORTED (a directory, TLS), IO. Close with vecstore_rate_limiter_close. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_rate_limiter_open(const char *url, const vecstore_rate_limiter_options *options,
                                                        vecstore_rate_limiter **out);

/* Lets go of a rate limiter. Buckets in Redis stay. NULL does nothing. Errors: INVALID_HANDLE. (since 0.1) */
VECSTORE_API vecstore_status vecstore_rate_limiter_close(vecstore_rate_limiter *limiter);

/* Whether tokens were taken. */
typedef struct vecstore_rate_decision {
    uint32_t struct_size; /* set by the caller */
    uint32_t allowed;     /* 1: they were; 0: there were not as many, and none was */
    double remaining;     /* tokens that are left in the bucket */
    int64_t retry_after;  /* ms until there are as many as were asked for; 0 where they were taken */
    uint32_t local;       /* 1: a bucket of this process decided, because Redis does not answer; else 0 */
    uint32_t reserved;
} vecstore_rate_decision;

#define VECSTORE_RATE_DECISION_INIT { (uint32_t)sizeof(vecstore_rate_decision), 0, 0.0, 0, 0, 0 }

/*
 * Takes tokens from the bucket of a key, all or none.
 * @param[in] key       key_size bytes, 1 ... 1024, whatever they are
 * @param[in] tokens    0 ... capacity, also a part of one; 0 only asks
 * @param[out] decision not NULL; a refusal is VECSTORE_OK
 * Errors: INVALID_ARGUMENT, TOO_LARGE, INVALID_HANDLE, UNAVAILABLE (only with fail_closed), UNSUPPORTED (rights), IO, OUT_OF_MEMORY.
 * (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_rate_limiter_acquire(vecstore_rate_limiter *limiter, const void *key, size_t key_size,
                                                           double tokens, vecstore_rate_decision *decision);

/*
 * Numbers about n rate limiters for Prometheus, as vecstore_caches_metrics gives them of caches: decisions by result (allowed, denied),
 * those that buckets of this process made, and of Redis its errors, breaker and round trips. Each has the labels namespace and store.
 * Errors: INVALID_ARGUMENT (also two of the same namespace and kind of store), INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_rate_limiters_metrics(const vecstore_rate_limiter *const *limiters, size_t n, char *buffer,
                                                            size_t size, size_t *needed);

/*
 * Whether a rate limiter can do its work, as one JSON object like that of vecstore_cache_health. Its reasons are unusable and redis_away.
 * Errors: INVALID_ARGUMENT, INVALID_HANDLE. (since 0.1)
 */
VECSTORE_API vecstore_status vecstore_rate_limiter_health(const vecstore_rate_limiter *limiter, char *buffer, size_t size,
                                                          size_t *needed);

#ifdef __cplusplus
}
#endif

#endif /* LIBVECSTORE_H */
