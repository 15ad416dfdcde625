/* The Fortran interface of LAPACK: every implementation of liblapack.so.3 exports it. */
#ifndef VECSTORE_LAPACK_H
#define VECSTORE_LAPACK_H

/* Singular value decomposition by divide and conquer: A = U * diag(S) * VT, column-major, 32-bit integers. */
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u, const int *ldu,
             float *vt, const int *ldvt, float *work, const int *lwork, int *iwork, int *info);

/* Eigenvalues and eigenvectors of a symmetric matrix, column-major: values rise, vectors replace A. */
void ssyevd_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
             const int *lwork, int *iwork, const int *liwork, int *info);

#endif
