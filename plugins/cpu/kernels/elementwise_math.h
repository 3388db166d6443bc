// f32 functions on vectors. Polynomials are those of Cephes (Moshier), those of exp, erf and erfc
// our own fits; reductions and special values are ours. Errors: the table in README.md.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_MATH_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_MATH_H

#include "../simd.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// c[0] x^(n-1) + ... + c[n-1]
template <class... C>
TENON_CPU_INLINE Float polynomial(Float x, float first, C... rest) {
  Float y = splat(first);
  ((y = multiply_add(y, x, splat(rest))), ...);
  return y;
}

TENON_CPU_INLINE Float copy_sign(Float magnitude, Float sign) {
  return bit_or(absolute(magnitude), as_int(sign) & splat(INT32_MIN));
}

// A zero keeps its sign.
TENON_CPU_INLINE Float keep_zero(Float x, Float y) { return select(x == splat(0.0f), x, y); }

// n + m, wrapping: lanes of NaN have the exponent INT_MIN, and give NaN whatever comes of it.
TENON_CPU_INLINE Int plus(Int n, int32_t m) { return (Int)((UInt)n + static_cast<uint32_t>(m)); }

TENON_CPU_INLINE Float power_of_two(Int n) { return as_float(plus(n, 127) << 23); }

// y 2^n with one rounding, for whole -252 <= n <= 254.
TENON_CPU_INLINE Float scale(Float y, Float n) {
#if defined(__AVX512F__)
  return (Float)_mm512_scalef_ps((__m512)y, (__m512)n);
#else
  const Int whole = to_int(n);
  const Int half = whole >> 1;
  return y * power_of_two(half) * power_of_two(whole - half);
#endif
}

// 2^n for whole -126 <= n <= 127.
TENON_CPU_INLINE Float power_of_two(Float n) {
#if defined(__AVX512F__)
  return scale(splat(1.0f), n);
#else
  return power_of_two(to_int(n));
#endif
}

// x within [low, high]; NaN stays.
TENON_CPU_INLINE Float clamp(Float x, float low, float high) {
  return greater(splat(low), lesser(splat(high), x));
}

// 1 / x within 2 ULP and a / x within 1, for x in [2^-100, 2^100]: dividing vectors waits for its
// one unit, products do not.
TENON_CPU_INLINE Float reciprocal(Float x) {
#if defined(__AVX2__)
  const Float guess = reciprocal_guess(x);
  const Float error = multiply_add(-x, guess, splat(1.0f));
  return multiply_add(guess, error, guess);
#else
  return splat(1.0f) / x;
#endif
}
TENON_CPU_INLINE Float quotient(Float a, Float x) {
#if defined(__AVX2__)
  const Float inverse = reciprocal(x);
  const Float near = a * inverse;
  return multiply_add(multiply_add(-near, x, a), inverse, near);
#else
  return a / x;
#endif
}

// Lanes of y where mask is set become f(x), by the C library.
template <class F>
TENON_CPU_INLINE Float patch(Float y, Int mask, Float x, F f) {
  if (!any_lane(mask)) [[likely]]
    return y;
  for (int i = 0; i < kLanes; ++i) {
    if (mask[i] != 0) y[i] = f(x[i]);
  }
  return y;
}

template <class F>
[[gnu::noinline]] Float each_lane(Float x, F f) {
  Float y{};
  for (int i = 0; i < kLanes; ++i) y[i] = f(x[i]);
  return y;
}
template <class F>
[[gnu::noinline]] Float each_lane(Float a, Float b, F f) {
  Float y{};
  for (int i = 0; i < kLanes; ++i) y[i] = f(a[i], b[i]);
  return y;
}

// ---- exponentials ----

struct Exponent {
  Float power;  // whole
  Float minus_one;
};

// e^r - 1 for |r| <= log(2) / 2; our own fit, its error is even relative to the result.
TENON_CPU_INLINE Float exponential_near_zero(Float r) {
  const Float p = polynomial(r, 1.388250500895083e-3f, 8.366609923541546e-3f, 4.166720435023308e-2f,
                             1.666654348373413e-1f, 0.4999999701976776f);
  return multiply_add(p, r * r, r);
}

// x m rounded to a whole number, for |x m| < 2^22: added to 1.5 2^23, nothing behind the point is
// left.
TENON_CPU_INLINE Float whole_product(Float x, float m) {
  const Float large = splat(12582912.0f);
  return multiply_add(x, splat(m), large) - large;
}

// e^x = 2^power (1 + minus_one), for |x| < 200.
TENON_CPU_INLINE Exponent split_exponent(Float x) {
  const Float n = whole_product(x, 1.44269504088896341f);
  Float r = multiply_add(n, splat(-0.693147182464599609375f), x);
  r = multiply_add(n, splat(1.904654323148236017e-9f), r);
  return {n, exponential_near_zero(r)};
}

// e^x 2^kExtra
template <int kExtra = 0>
TENON_CPU_INLINE Float exponential(Float x) {
  const Exponent e = split_exponent(clamp(x, -105.0f, 90.0f));
  const Float power = kExtra == 0 ? e.power : e.power + splat(static_cast<float>(kExtra));
  return scale(e.minus_one + splat(1.0f), power);
}

// e^x - 1 for -88 < x < 88.
TENON_CPU_INLINE Float exponential_minus_one_within(Float x) {
  const Exponent e = split_exponent(x);
  const Float t = power_of_two(e.power);
  return multiply_add(t, e.minus_one, t - splat(1.0f));
}

struct VectorExp {
  TENON_CPU_INLINE static Float apply(Float x) { return exponential(x); }
};

struct VectorExp2 {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float clamped = clamp(x, -155.0f, 130.0f);
    const Float n = round_even(clamped);
    const Float r = (clamped - n) * splat(0.693147180559945f);
    return scale(exponential_near_zero(r) + splat(1.0f), n);
  }
};

TENON_CPU_INLINE Float exponential_minus_one(Float x) {
  const Exponent e = split_exponent(clamp(x, -18.0f, 89.0f));
  const Float t = power_of_two(plus(to_int(e.power), -1));
  const Float y = multiply_add(t, e.minus_one, t - splat(0.5f));
  return keep_zero(x, y + y);
}

struct VectorExpm1 {
  TENON_CPU_INLINE static Float apply(Float x) { return exponential_minus_one(x); }
};

struct VectorSigmoid {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Exponent split = split_exponent(clamp(x, -105.0f, 30.0f));  // from 17 on it is 1
    const Float e = scale(split.minus_one + splat(1.0f), split.power);
    return quotient(e, splat(1.0f) + e);
  }
};

// m / (m + 2) for m = e^(2|x|) - 1: exact near zero too, and without a second polynomial.
struct VectorTanh {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = lesser(splat(10.0f), absolute(x));
    const Float m = exponential_minus_one_within(a + a);
    return copy_sign(quotient(m, m + splat(2.0f)), x);
  }
};

struct VectorSinh {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = absolute(x);
    const Float z = x * x;
    const Float p = polynomial(z, 2.03721912945e-4f, 8.33028376239e-3f, 1.66667160211e-1f);
    const Float small = multiply_add(p * z, x, x);
    const Float e = exponential<-1>(a);
    const Float large = e - splat(0.25f) / e;
    return select(a < splat(1.0f), keep_zero(x, small), copy_sign(large, x));
  }
};

struct VectorCosh {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float e = exponential<-1>(absolute(x));
    return e + splat(0.25f) / e;
  }
};

// ---- logarithms ----

struct Logarithm {
  Float f;  // the argument is (1 + f) 2^exponent
  Float exponent;
  Float rest;  // log(1 + f) = f + rest
};

TENON_CPU_INLINE Float logarithm_rest(Float f) {
  const Float z = f * f;
  const Float p = polynomial(f, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                             -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                             2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  return multiply_add(splat(-0.5f), z, p * f * z);
}

// For positive finite x. `correction` is added to x before (log1p): |correction| << x.
TENON_CPU_INLINE Logarithm split_logarithm(Float x, Float correction) {
  const Int small = x < splat(1.17549435e-38f);
  x = select(small, x * splat(8388608.0f), x);
  const Int bits = as_int(x);
  // The mantissa lies in [sqrt(1/2), sqrt(2)).
  const Int n = plus(bits, -0x3f3504f3) >> 23;
  const Float m = as_float((Int)((UInt)bits - (UInt)(n << 23)));
  const Float scaled = correction * as_float((127 - n) << 23);
  const Float f = (m - splat(1.0f)) + select(n > 60, splat(0.0f), scaled);
  return {f, to_float(n + (small & -23)), logarithm_rest(f)};
}

TENON_CPU_INLINE Float join_logarithm(const Logarithm& l) {
  const Float low = multiply_add(l.exponent, splat(-2.12194440e-4f), l.rest);
  return multiply_add(l.exponent, splat(0.693359375f), l.f + low);
}

// log of zero, negatives, infinity, NaN.
TENON_CPU_INLINE Float logarithm_special(Float x, Float y) {
  const Float infinity = splat(__builtin_inff());
  y = select(x == infinity, infinity, y);
  y = select(x == splat(0.0f), -infinity, y);
  return select(x < splat(0.0f), splat(__builtin_nanf("")), select(x != x, x, y));
}

TENON_CPU_INLINE Float natural_logarithm(Float x) {
  return logarithm_special(x, join_logarithm(split_logarithm(x, Float{})));
}

TENON_CPU_INLINE Float natural_logarithm_plus_one(Float x) {
  const Float u = splat(1.0f) + x;
  const Float correction = select(x > splat(1.0f), splat(1.0f) - (u - x), x - (u - splat(1.0f)));
  const Float y = join_logarithm(split_logarithm(u, correction));
  return keep_zero(x, logarithm_special(u, y));
}

struct VectorLog {
  TENON_CPU_INLINE static Float apply(Float x) { return natural_logarithm(x); }
};
struct VectorLog1p {
  TENON_CPU_INLINE static Float apply(Float x) { return natural_logarithm_plus_one(x); }
};
struct VectorLog2 {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Logarithm l = split_logarithm(x, Float{});
    const Float c = splat(0.44269504088896340736f);  // log2(e) - 1
    const Float y = multiply_add(l.f, c, multiply_add(l.rest, c, l.rest)) + l.f;
    return logarithm_special(x, y + l.exponent);
  }
};

struct VectorAsinh {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = absolute(x);
    const Int large = a > splat(1e9f);
    const Float z = a * a;
    const Float t = a + z / (splat(1.0f) + square_root(splat(1.0f) + z));
    const Float moderate = natural_logarithm_plus_one(select(large, splat(1.0f), t));
    const Float big = natural_logarithm(a) + splat(0.693147180559945f);
    return keep_zero(x, copy_sign(select(large, big, moderate), x));
  }
};
struct VectorAcosh {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Int large = x > splat(1e9f);
    const Float t = x - splat(1.0f);
    const Float u = t + square_root(t * (t + splat(2.0f)));
    const Float moderate = natural_logarithm_plus_one(select(large, splat(1.0f), u));
    const Float big = natural_logarithm(x) + splat(0.693147180559945f);
    const Float y = select(large, big, moderate);
    return select(x < splat(1.0f), splat(__builtin_nanf("")), y);
  }
};
struct VectorAtanh {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = absolute(x);
    const Float t = (a + a) / (splat(1.0f) - a);
    const Float y = splat(0.5f) * natural_logarithm_plus_one(t);
    const Float bounded = select(a > splat(1.0f), splat(__builtin_nanf("")), y);
    return keep_zero(x, copy_sign(bounded, x));
  }
};

// ---- circular functions ----

struct Angle {
  Float r;  // in [-pi/4, pi/4], a little beyond for large x
  Int quadrant;
};

// x - n pi/2 for |x| <= 2^20: three parts of pi/2, each product is exact inside the fused
// operation.
TENON_CPU_INLINE Float subtract_turns(Float x, Float n) {
  Float r = multiply_add(n, splat(-1.57079637050628662109375f), x);
  r = multiply_add(n, splat(4.37113900018624283e-8f), r);
  return multiply_add(n, splat(1.71512449025480e-15f), r);
}

TENON_CPU_INLINE Angle reduce_angle(Float x) {
  const Float n = round_even(x * splat(0.63661977236758134308f));
  return {subtract_turns(x, n), to_int(n)};
}

// |r| <= pi/4 also where n above is off by one (its product is rounded).
TENON_CPU_INLINE Angle reduce_angle_strictly(Float x) {
  Float n = round_even(x * splat(0.63661977236758134308f));
  n += round_even(subtract_turns(x, n) * splat(0.63661977236758134308f));
  return {subtract_turns(x, n), to_int(n)};
}

TENON_CPU_INLINE Float sine_near_zero(Float r) {
  const Float z = r * r;
  const Float p = polynomial(z, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
  return multiply_add(p * z, r, r);
}

TENON_CPU_INLINE Float cosine_near_zero(Float r) {
  const Float z = r * r;
  const Float p =
      polynomial(z, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
  return multiply_add(p * z, z, multiply_add(splat(-0.5f), z, splat(1.0f)));
}

// sin of the angle plus `turns` quarter turns
TENON_CPU_INLINE Float sine_of(const Angle& angle, int32_t turns) {
  const Int q = angle.quadrant + turns;
  const Float y = select((q & 1) != 0, cosine_near_zero(angle.r), sine_near_zero(angle.r));
  return bit_xor(y, (q & 2) << 30);
}

TENON_CPU_INLINE Int beyond_reduction(Float x) { return absolute(x) > splat(1048576.0f); }

struct VectorSin {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float y = keep_zero(x, sine_of(reduce_angle(x), 0));
    return patch(y, beyond_reduction(x), x, [](float v) { return std::sin(v); });
  }
};
struct VectorCos {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float y = sine_of(reduce_angle(x), 1);
    return patch(y, beyond_reduction(x), x, [](float v) { return std::cos(v); });
  }
};
struct VectorTan {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Angle angle = reduce_angle_strictly(x);
    const Float z = angle.r * angle.r;
    const Float p = polynomial(z, 9.38540185543e-3f, 3.11992232697e-3f, 2.44301354525e-2f,
                               5.34112807005e-2f, 1.33387994085e-1f, 3.33331568548e-1f);
    const Float t = multiply_add(p * z, angle.r, angle.r);
    const Float y = keep_zero(x, select((angle.quadrant & 1) != 0, splat(-1.0f) / t, t));
    return patch(y, beyond_reduction(x), x, [](float v) { return std::tan(v); });
  }
};

// asin(s) where z = s^2 <= 1/4
TENON_CPU_INLINE Float arcsine_near_zero(Float s, Float z) {
  const Float p = polynomial(z, 4.2163199048e-2f, 2.4181311049e-2f, 4.5470025998e-2f,
                             7.4953002686e-2f, 1.6666752422e-1f);
  return multiply_add(p * z, s, s);
}

inline constexpr float kHalfPi = 1.57079637050628662109375f;
inline constexpr float kHalfPiRest = -4.37113900018624283e-8f;

struct VectorAsin {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = absolute(x);
    const Int large = a > splat(0.5f);
    const Float z = select(large, splat(0.5f) * (splat(1.0f) - a), a * a);
    const Float s = select(large, square_root(z), a);
    const Float p = arcsine_near_zero(s, z);
    const Float y = select(large, splat(kHalfPi) - (p + p - splat(kHalfPiRest)), p);
    return copy_sign(y, x);
  }
};
struct VectorAcos {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = absolute(x);
    const Int large = a > splat(0.5f);
    const Float z = select(large, splat(0.5f) * (splat(1.0f) - a), a * a);
    const Float p = arcsine_near_zero(select(large, square_root(z), x), z);
    const Float turned = splat(2 * kHalfPi) - (p + p - splat(2 * kHalfPiRest));
    const Float outside = select(x < splat(0.0f), turned, p + p);
    return select(large, outside, splat(kHalfPi) - (p - splat(kHalfPiRest)));
  }
};
struct VectorAtan {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = absolute(x);
    const Int large = a > splat(2.414213562373095f);
    const Int middle = (a > splat(0.4142135623730950f)) & ~large;
    const Float numerator = select(large, splat(-1.0f), select(middle, a - splat(1.0f), a));
    const Float denominator = select(large, a, select(middle, a + splat(1.0f), splat(1.0f)));
    const Float t = numerator / denominator;
    const Float z = t * t;
    const Float p =
        polynomial(z, 8.05374449538e-2f, -1.38776856032e-1f, 1.99777106478e-1f, -3.33329491539e-1f);
    const Float y = multiply_add(p * z, t, t);
    const Float base = select(large, splat(kHalfPi), splat(kHalfPi / 2));
    const Float low = select(large, splat(kHalfPiRest), splat(kHalfPiRest / 2));
    return copy_sign(select(large | middle, base + (y + low), y), x);
  }
};

// ---- others ----

// 1 - e^q with q = log(erfc(|x|)), a polynomial of |x| up to 4, where the result is 1. Its weights
// were fitted so that the error is even relative to erf, near zero as well.
struct VectorErf {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = lesser(splat(4.0f), absolute(x));
    const Float rest =
        polynomial(a, 9.256267730961554e-06f, -1.1764129158109426e-04f, 6.328369490802288e-04f,
                   -1.6670275945216417e-03f, 1.6039618640206754e-04f, 1.9153064116835594e-02f,
                   -1.0277783125638962e-01f, -6.366193890571594e-01f, -0.128379167f);
    const Float y = exponential_minus_one_within(multiply_add(rest, a, -a));
    return copy_sign(y, x);
  }
};
// For a = |x|: e^(-a^2) r P(q) with r = 1 / (1 + a) and q = (a - 1) / (a + 1) = 1 - 2 r; P is our
// own fit of (1 + a) e^(a^2) erfc(a). The square's rounding error goes into the exponent's rest.
// Beyond 10.1 the result is 0 or 2.
struct VectorErfc {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float a = lesser(splat(10.1f), absolute(x));
    const Float r = reciprocal(a + splat(1.0f));
    const Float p =
        polynomial(multiply_add(r, splat(-2.0f), splat(1.0f)), 8.404796244576573e-05f,
                   4.187552840448916e-04f, 5.925500299781561e-04f, -3.5105107235722244e-04f,
                   -2.3613302037119865e-03f, -3.7612449377775192e-03f, -1.2203357182443142e-03f,
                   9.568745270371437e-03f, 2.5395115837454796e-02f, 1.3906464911997318e-02f,
                   -9.555637091398239e-02f, -2.376808375120163e-01f, 8.551671504974365e-01f);
    const Float square = a * a;
    const Float n = whole_product(-square, 1.44269504088896341f);
    Float rest = multiply_add(n, splat(-0.693147182464599609375f), -square);
    rest = multiply_add(n, splat(1.904654323148236017e-9f), rest) - multiply_add(a, a, -square);
    const Float scaled = p * r;
    const Float y = scale(multiply_add(scaled, exponential_near_zero(rest), scaled), n);
    return select(x < splat(0.0f), splat(2.0f) - y, y);
  }
};
struct VectorRsqrt {
  TENON_CPU_INLINE static Float apply(Float x) { return splat(1.0f) / square_root(x); }
};
struct VectorRecip {
  TENON_CPU_INLINE static Float apply(Float x) { return splat(1.0f) / x; }
};
struct VectorSqrt {
  TENON_CPU_INLINE static Float apply(Float x) { return square_root(x); }
};
struct VectorFloor {
  TENON_CPU_INLINE static Float apply(Float x) { return round_down(x); }
};
struct VectorCeil {
  TENON_CPU_INLINE static Float apply(Float x) { return round_up(x); }
};
struct VectorTrunc {
  TENON_CPU_INLINE static Float apply(Float x) { return round_zero(x); }
};
struct VectorRound {
  TENON_CPU_INLINE static Float apply(Float x) { return round_even(x); }
};
struct VectorNeg {
  TENON_CPU_INLINE static Float apply(Float x) { return -x; }
};
struct VectorAbs {
  TENON_CPU_INLINE static Float apply(Float x) { return absolute(x); }
};
struct VectorSign {
  TENON_CPU_INLINE static Float apply(Float x) {
    const Float one = copy_sign(splat(1.0f), x);
    return select(x == splat(0.0f), splat(0.0f), select(x != x, x, one));
  }
};
struct VectorRelu {
  TENON_CPU_INLINE static Float apply(Float x) { return select(x <= splat(0.0f), splat(0.0f), x); }
};

struct VectorAdd {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return a + b; }
};
struct VectorSub {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return a - b; }
};
struct VectorMul {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return a * b; }
};
struct VectorDiv {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return a / b; }
};
struct VectorMin {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return select(a != a, a, lesser(a, b)); }
};
struct VectorMax {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return select(a != a, a, greater(a, b)); }
};
struct VectorPow {
  TENON_CPU_INLINE static Float apply(Float a, Float b) {
    return each_lane(a, b, [](float x, float y) { return std::pow(x, y); });
  }
};
struct VectorRem {
  TENON_CPU_INLINE static Float apply(Float a, Float b) {
    return each_lane(a, b, [](float x, float y) { return std::fmod(x, y); });
  }
};
struct VectorAtan2 {
  TENON_CPU_INLINE static Float apply(Float a, Float b) {
    return each_lane(a, b, [](float x, float y) { return std::atan2(x, y); });
  }
};
struct VectorFma {
  TENON_CPU_INLINE static Float apply(Float a, Float b, Float c) {
#if defined(__FMA__)
    return multiply_add(a, b, c);
#else
    Float y{};
    for (int i = 0; i < kLanes; ++i) y[i] = std::fma(a[i], b[i], c[i]);
    return y;
#endif
  }
};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
