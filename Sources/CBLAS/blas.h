/* The Fortran interface of BLAS: every implementation of libblas.so.3 exports it, whatever its C interface is called. */
#ifndef VECSTORE_BLAS_H
#define VECSTORE_BLAS_H

/* C = alpha * op(A) * op(B) + beta * C, column-major, 32-bit integers. */
void sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc);

#endif
