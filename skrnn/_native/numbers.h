/* Numbers and matrices: activations with their derivatives, and products. */

#pragma once

#include "functions.h"

/* Functions of whole arrays compute whole pieces of this many numbers, so buffers have this slack. */
#define PIECE 16
/* Products with more multiply-adds are computed by BLAS, if the caller has one. */
#define WIDE_PRODUCT 4e6

/* The derivative of an activation at the point with value y. */
INLINE REAL slope_of(const int activation, REAL y)
{
    switch (activation) {
    case RELU: return y > 0 ? 1 : 0;
    case TANH: return 1 - y * y;
    case SIGMOID: return y * (1 - y);
    case ELU: return y > 0 ? 1 : y + 1;
    case SELU: return y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA;
    case SOFTPLUS: return -fast_expm1(-y);
    case HARD_SIGMOID: return y > 0 && y < 1 ? R(1. / 6) : 0;
    default: return 1;
    }
}

/* Run a statement with `act` as a constant, so that the compiler makes a loop for each value. */
#define FOR_ACTIVATION(activation, statement)                                                      \
    switch (activation) {                                                                          \
    case RELU: { const int act = RELU; statement; break; }                                         \
    case TANH: { const int act = TANH; statement; break; }                                         \
    case SIGMOID: { const int act = SIGMOID; statement; break; }                                   \
    case ELU: { const int act = ELU; statement; break; }                                           \
    case SELU: { const int act = SELU; statement; break; }                                         \
    case SOFTPLUS: { const int act = SOFTPLUS; statement; break; }                                 \
    case HARD_SIGMOID: { const int act = HARD_SIGMOID; statement; break; }                         \
    default: { const int act = LINEAR; statement; break; }                                         \
    }

INLINE void values(const int activation, const REAL *x, REAL *y, Int n_pieces)
{
    for (Int piece = 0; piece < n_pieces; piece++)
        for (Int i = piece * PIECE; i < (piece + 1) * PIECE; i++)
            y[i] = value_of(activation, x[i]);
}

/* Write f(x), in whole pieces: the numbers after the end are computed later, or by the same f. */
static void activate(Int activation, const REAL *x, REAL *y, Int count)
{
    Int n_pieces = (count + PIECE - 1) / PIECE;
    FOR_ACTIVATION(activation, values(act, x, y, n_pieces));
}

INLINE void scale_by_slope(const int activation, const REAL *y, REAL *grad, Int count)
{
    for (Int i = 0; i < count; i++)
        grad[i] *= slope_of(activation, y[i]);
}

/* ---- Products ---- */

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define TILE_ROWS 4
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#endif

#define VECTOR(bytes) __attribute__((vector_size(bytes), aligned(sizeof(REAL)), may_alias))
typedef REAL Wide VECTOR(VECTOR_BYTES);
#if VECTOR_BYTES > 32
typedef REAL Half VECTOR(32);
#endif
#if VECTOR_BYTES > 16
typedef REAL Quarter VECTOR(16);
#endif

/* C = init + A B for `rows` rows and `vectors` vectors of columns, held in registers. Element (i, k)
of A is a[i * row + k * column], so A may be transposed. init NULL: zeros; its stride 0: one row. */
#define UNROLLED _Pragma("GCC unroll 8") for
#define DEFINE_TILE(tile, strip, Vector)                                                           \
    INLINE void tile(const int rows, const int vectors, Int depth, const REAL *a, Int row,         \
                     Int column, const REAL *b, Int ldb, const REAL *init, Int ldi, REAL *c,       \
                     Int ldc)                                                                      \
    {                                                                                              \
        const int width = sizeof(Vector) / sizeof(REAL);                                           \
        Vector sum[8][8];                                                                          \
        UNROLLED (int i = 0; i < rows; i++)                                                        \
            UNROLLED (int j = 0; j < vectors; j++)                                                 \
                sum[i][j] = init ? *(const Vector *)(init + i * ldi + j * width) : (Vector){0};    \
        for (Int k = 0; k < depth; k++, b += ldb, a += column)                                     \
            UNROLLED (int i = 0; i < rows; i++)                                                    \
                UNROLLED (int j = 0; j < vectors; j++)                                             \
                    sum[i][j] += a[i * row] * *(const Vector *)(b + j * width);                    \
        UNROLLED (int i = 0; i < rows; i++)                                                        \
            UNROLLED (int j = 0; j < vectors; j++)                                                 \
                *(Vector *)(c + i * ldc + j * width) = sum[i][j];                                  \
    }                                                                                              \
    INLINE void strip(const int vectors, Int m, Int depth, const REAL *a, Int row, Int column,     \
                      const REAL *b, Int ldb, const REAL *init, Int ldi, REAL *c, Int ldc)         \
    {                                                                                              \
        Int i = 0;                                                                                 \
        for (; vectors <= 2 && i + TILE_ROWS <= m; i += TILE_ROWS)                                 \
            tile(TILE_ROWS, vectors, depth, a + i * row, row, column, b, ldb,                      \
                 init ? init + i * ldi : init, ldi, c + i * ldc, ldc);                             \
        for (; vectors <= 2 && i + 4 <= m; i += 4)                                                 \
            tile(4, vectors, depth, a + i * row, row, column, b, ldb,                              \
                 init ? init + i * ldi : init, ldi, c + i * ldc, ldc);                             \
        for (; i < m; i++)                                                                         \
            tile(1, vectors, depth, a + i * row, row, column, b, ldb,                              \
                 init ? init + i * ldi : init, ldi, c + i * ldc, ldc);                             \
    }

DEFINE_TILE(wide_tile, wide_strip, Wide)
#if VECTOR_BYTES > 32
DEFINE_TILE(half_tile, half_strip, Half)
#endif
#if VECTOR_BYTES > 16
DEFINE_TILE(quarter_tile, quarter_strip, Quarter)
#endif
DEFINE_TILE(single_tile, single_strip, REAL)

typedef void Gemm(const char *, const char *, const int *, const int *, const int *, const REAL *,
                  const REAL *, const int *, const REAL *, const int *, const REAL *, REAL *,
                  const int *);

/* C (m, n) = init + A (m, depth) B (depth, n); see the tiles for A and init. */
static void product(Gemm *gemm, Int m, Int n, Int depth, const REAL *a, Int row, Int column,
                    const REAL *b, Int ldb, const REAL *init, Int ldi, REAL *c, Int ldc)
{
    if (gemm && (double)m * (double)n * (double)depth > WIDE_PRODUCT && m > 1) {
        if (init && init != c)
            for (Int i = 0; i < m; i++)
                memcpy(c + i * ldc, init + i * ldi, (size_t)n * sizeof(REAL));
        /* Fortran reads a row-major array transposed: C' = B' A'. */
        const int rows = (int)n, columns = (int)m, inner = (int)depth, stride_b = (int)ldb,
                  stride_a = (int)(column == 1 ? row : column), stride_c = (int)ldc;
        const REAL one = 1, beta = init ? 1 : 0;
        gemm("N", column == 1 ? "N" : "T", &rows, &columns, &inner, &one, b, &stride_b, a,
             &stride_a, &beta, c, &stride_c);
        return;
    }
    Int j = 0;
#define STRIP(strip, Vector, vectors)                                                              \
    strip(vectors, m, depth, a, row, column, b + j, ldb, init ? init + j : init, ldi, c + j, ldc), \
        j += (Int)(vectors * sizeof(Vector) / sizeof(REAL))
#define FITS(Vector, vectors) (j + (Int)(vectors * sizeof(Vector) / sizeof(REAL)) <= n)
    while (m < 4 && FITS(Wide, 8))
        STRIP(wide_strip, Wide, 8);
    while (m < 4 && FITS(Wide, 4))
        STRIP(wide_strip, Wide, 4);
    while (FITS(Wide, 2))
        STRIP(wide_strip, Wide, 2);
    while (FITS(Wide, 1))
        STRIP(wide_strip, Wide, 1);
#if VECTOR_BYTES > 32
    while (FITS(Half, 1))
        STRIP(half_strip, Half, 1);
#endif
#if VECTOR_BYTES > 16
    while (FITS(Quarter, 1))
        STRIP(quarter_strip, Quarter, 1);
#endif
    while (j < n)
        STRIP(single_strip, REAL, 1);
}

/* Write the transpose of a matrix (rows, columns). */
static void transpose(const REAL *matrix, Int rows, Int columns, REAL *out)
{
    for (Int first = 0; first < columns; first += 8)
        for (Int i = 0; i < rows; i++)
            for (Int j = first; j < columns && j < first + 8; j++)
                out[j * rows + i] = matrix[i * columns + j];
}

/* Add the sum of the rows of a (n, width) to out. */
static void add_rows(const REAL *a, Int n, Int lda, Int width, REAL *out)
{
    for (Int i = 0; i < n; i++)
        for (Int j = 0; j < width; j++)
            out[j] += a[i * lda + j];
}
