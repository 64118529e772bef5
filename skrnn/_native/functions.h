/* Functions of numbers: activations. `to_c` copies those that a network needs into its header
(skrnn/_convert/c_functions.py), so each is one definition that starts in the first column. */

#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef REAL
#define REAL float
#define SINGLE 1
#define NAME(name) skrnn_##name##_float32_base
#endif

#define INLINE static inline __attribute__((always_inline))

typedef int64_t Int;

enum Activation { LINEAR, RELU, TANH, SIGMOID, ELU, SELU, SOFTPLUS, HARD_SIGMOID, SOFTMAX, QUANTILES };

#define R(value) ((REAL)(value))

#ifdef SINGLE
typedef uint32_t Bits;
#define MANTISSA 23
#define BIAS 127u
#define ROUNDER 12582912.0f /* 1.5 * 2^23: adding it rounds to a whole number */
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)
#define LARGEST_EXPONENT 87.0f
#define SATURATED 10.0f /* tanh is 1 to rounding */
#define FABS fabsf
#define SQRT sqrtf
#define COPYSIGN copysignf
#define POW powf
#else
typedef uint64_t Bits;
#define MANTISSA 52
#define BIAS 1023u
#define ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define LARGEST_EXPONENT 708.0
#define SATURATED 20.0
#define FABS fabs
#define SQRT sqrt
#define COPYSIGN copysign
#define POW pow
#endif

/* exp(x) = 2^k (1 + (e^r - 1)) with x = k ln 2 + r, |r| <= ln(2) / 2: return e^r - 1 by its Taylor
series, and 2^k. NaN stays NaN; |x| is at most LARGEST_EXPONENT. */
INLINE REAL exp_parts(REAL x, REAL *power)
{
    REAL shifted = x * R(1.4426950408889634) + ROUNDER, k = shifted - ROUNDER;
    REAL r = (x - k * LN2_HIGH) - k * LN2_LOW, p;
    Bits bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + BIAS) << MANTISSA;
    memcpy(power, &bits, sizeof bits);
#ifdef SINGLE
    p = R(1. / 5040);
#else
    p = R(1. / 6227020800);
    p = p * r + R(1. / 479001600);
    p = p * r + R(1. / 39916800);
    p = p * r + R(1. / 3628800);
    p = p * r + R(1. / 362880);
    p = p * r + R(1. / 40320);
    p = p * r + R(1. / 5040);
#endif
    p = p * r + R(1. / 720);
    p = p * r + R(1. / 120);
    p = p * r + R(1. / 24);
    p = p * r + R(1. / 6);
    p = p * r + R(0.5);
    return r + r * r * p;
}

/* Keep NaN, which compares as false. */
INLINE REAL clamp(REAL x, REAL low, REAL high)
{
    x = x > high ? high : x;
    return x < low ? low : x;
}

INLINE REAL fast_exp(REAL x)
{
    REAL power, part = exp_parts(clamp(x, -LARGEST_EXPONENT, LARGEST_EXPONENT), &power);
    return power * part + power;
}

INLINE REAL fast_expm1(REAL x)
{
    REAL power, part = exp_parts(clamp(x, -LARGEST_EXPONENT, LARGEST_EXPONENT), &power);
    return power * part + (power - 1);
}

/* With e = exp(-2 |x|) - 1: tanh |x| = -e / (e + 2). */
INLINE REAL fast_tanh(REAL x)
{
    REAL size = FABS(x), power, part;
    size = size > SATURATED ? SATURATED : size;
    part = exp_parts(-2 * size, &power);
    REAL e = power * part + (power - 1);
    return COPYSIGN(-e / (e + 2), x);
}

INLINE REAL fast_sigmoid(REAL x) { return 1 / (1 + fast_exp(-x)); }

INLINE REAL softplus(REAL x)
{
    return (x > 0 ? x : (x == x ? 0 : x)) + R(log1p(fast_exp(-FABS(x))));
}

/* Klambauer et al. (2017), arXiv:1706.02515. */
#define SELU_ALPHA R(1.6732632423543772)
#define SELU_SCALE R(1.0507009873554805)

INLINE REAL value_of(const int activation, REAL x)
{
    switch (activation) {
    case RELU: return x < 0 ? 0 : x;
    case TANH: return fast_tanh(x);
    case SIGMOID: return fast_sigmoid(x);
    case ELU: return x > 0 ? x : fast_expm1(x);
    case SELU: return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * fast_expm1(x));
    case SOFTPLUS: return softplus(x);
    case HARD_SIGMOID: return clamp(x / 6 + R(0.5), 0, 1);
    default: return x;
    }
}

/* Write the softmax of each row. */
static void softmax(const REAL *x, REAL *y, Int n, Int width)
{
    for (Int i = 0; i < n; i++, x += width, y += width) {
        REAL largest = x[0], sum = 0;
        for (Int j = 1; j < width; j++)
            largest = x[j] > largest ? x[j] : largest;
        for (Int j = 0; j < width; j++)
            sum += y[j] = fast_exp(x[j] - largest);
        for (Int j = 0; j < width; j++)
            y[j] /= sum;
    }
}
