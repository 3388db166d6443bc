// Functions of f32 with the accuracy that programs promise, out of additions, products and integer
// operations alone: built-in functions are off by up to thousands of units in the last place, and
// may lose NaN. Polynomials are those of Cephes (Moshier), as in the cpu plugin; that of erf is our
// own fit.

// True where fma() rounds once. Drivers may lower it to a product and a sum.
layout(constant_id = 0) const bool kFusedFma = true;

#ifdef HAVE_F64
// a b + c rounded once: the product is exact in f64, the sum is rounded to odd there, so that the
// second rounding sees on which side of a tie it lies.
float emulated_fma(const float a, const float b, const float c) {
  const double p = double(a) * double(b), q = double(c);
  double s = p + q;
  const double t = s - p;
  const double rest = (p - (s - t)) + (q - t);
  const uint64_t bits = doubleBitsToUint64(s);
  if (rest != 0.0lf && (bits & 1ul) == 0ul && (bits >> 52 & 0x7fful) != 0x7fful) {
    s = uint64BitsToDouble((rest > 0.0lf) == (s > 0.0lf) ? bits + 1ul : bits - 1ul);
  }
  return float(s);
}
float exact_quotient(const float a, const float b) { return float(double(a) / double(b)); }
float exact_root(const float x) { return float(sqrt(double(x))); }
#else
float split_high(const float x) {
  const float t = x * 4097.0;
  return t - (t - x);
}
// Dekker's product and Knuth's sum; right but for the last tie, and for |a|, |b| < 2^100.
float emulated_fma(const float a, const float b, const float c) {
  const float p = a * b;
  if (!(abs(p) < 1e30) || !(abs(a) < 1e30) || !(abs(b) < 1e30)) return p + c;
  const float ah = split_high(a), al = a - ah, bh = split_high(b), bl = b - bh;
  const float e = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
  const float s = p + c, t = s - p;
  const float rest = (p - (s - t)) + (c - t);
  return s + (e + rest);
}
float exact_quotient(const float a, const float b) { return a / b; }
float exact_root(const float x) { return sqrt(x); }
#endif

float fma_f(const float a, const float b, const float c) {
  return kFusedFma ? fma(a, b, c) : emulated_fma(a, b, c);
}

bool is_moderate(const float x) { return abs(x) > 1e-30 && abs(x) < 1e30; }

// A quotient may be off by 2.5 units; one step of Newton's with the exact remainder mends it.
float div_f(const float a, const float b) {
  if (!kFusedFma) return exact_quotient(a, b);
  const float q = a / b;
  if (!is_moderate(q) || !is_moderate(b)) return q;
  return fma(fma(-q, b, a), 1.0 / b, q);
}

float sqrt_f(const float x) {
  if (!kFusedFma) return exact_root(x);
  const float s = sqrt(x);
  if (!is_moderate(x)) return s;
  return fma(fma(-s, s, x), 0.5 / s, s);
}

float recip_f(const float x) { return div_f(1.0, x); }
float rsqrt_f(const float x) { return div_f(1.0, sqrt_f(x)); }

float copy_sign(const float magnitude, const float sign) {
  return uintBitsToFloat((floatBitsToUint(magnitude) & 0x7fffffffu) |
                         (floatBitsToUint(sign) & 0x80000000u));
}
float abs_f(const float x) { return uintBitsToFloat(floatBitsToUint(x) & 0x7fffffffu); }
float neg_f(const float x) { return uintBitsToFloat(floatBitsToUint(x) ^ 0x80000000u); }
float within(const float x, const float low, const float high) {
  return x < low ? low : x > high ? high : x;
}

// 2^n for -126 <= n <= 127.
float power_of_two(const int n) { return intBitsToFloat((n + 127) << 23); }
// y 2^n with one rounding, for -252 <= n <= 254.
float scale(const float y, const int n) {
  const int half_n = n >> 1;
  return y * power_of_two(half_n) * power_of_two(n - half_n);
}

// ---- exponentials ----

// e^x = 2^power (1 + result), for |x| < 200.
float split_exponent(const float x, out int power) {
  const float n = roundEven(x * 1.44269504088896341);
  float r = x - n * 0.693359375;  // exact: the constant has 9 digits
  r = r - n * -2.12194440e-4;
  power = int(n);
  float p = 1.9875691500e-4;
  p = fma(p, r, 1.3981999507e-3);
  p = fma(p, r, 8.3334519073e-3);
  p = fma(p, r, 4.1665795894e-2);
  p = fma(p, r, 1.6666665459e-1);
  p = fma(p, r, 5.0000001201e-1);
  return fma(p, r * r, r);
}

// e^x 2^extra
float scaled_exp(const float x, const int extra) {
  if (is_nan(x)) return x;
  int power;
  const float m = split_exponent(within(x, -105.0, 90.0), power);
  return scale(m + 1.0, power + extra);
}
float exp_f(const float x) { return scaled_exp(x, 0); }

float exp2_f(const float x) {
  if (is_nan(x)) return x;
  const float c = within(x, -155.0, 130.0), n = roundEven(c);
  const float r = (c - n) * 0.693147180559945;
  float p = 1.9875691500e-4;
  p = fma(p, r, 1.3981999507e-3);
  p = fma(p, r, 8.3334519073e-3);
  p = fma(p, r, 4.1665795894e-2);
  p = fma(p, r, 1.6666665459e-1);
  p = fma(p, r, 5.0000001201e-1);
  return scale(fma(p, r * r, r) + 1.0, int(n));
}

// e^x - 1 for -88 < x < 88.
float moderate_expm1(const float x) {
  int power;
  const float m = split_exponent(x, power);
  const float t = power_of_two(power);
  return fma_f(t, m, t - 1.0);
}

float expm1_f(const float x) {
  if (is_nan(x) || x == 0.0) return x;
  int power;
  const float m = split_exponent(within(x, -18.0, 89.0), power);
  const float t = power_of_two(power - 1);
  const float y = fma_f(t, m, t - 0.5);
  return y + y;
}

float sigmoid_f(const float x) {
  if (is_nan(x)) return x;
  const float e = exp_f(-abs_f(x));
  return div_f(x < 0.0 ? e : 1.0, 1.0 + e);
}

// m / (m + 2) for m = e^(2|x|) - 1: exact near zero too, and without a second polynomial.
float tanh_f(const float x) {
  if (is_nan(x)) return x;
  const float a = min(10.0, abs_f(x));
  const float m = moderate_expm1(a + a);
  return copy_sign(div_f(m, m + 2.0), x);
}

float sinh_f(const float x) {
  if (is_nan(x) || x == 0.0) return x;
  const float a = abs_f(x);
  if (a < 1.0) {
    const float z = x * x;
    const float p =
        fma(fma(2.03721912945e-4, z, 8.33028376239e-3), z, 1.66667160211e-1);
    return fma_f(p * z, x, x);
  }
  const float e = scaled_exp(a, -1);
  return copy_sign(e - 0.25 / e, x);
}
float cosh_f(const float x) {
  if (is_nan(x)) return x;
  const float e = scaled_exp(abs_f(x), -1);
  return e + 0.25 / e;
}

// ---- logarithms ----

// log(1 + f) - f
float logarithm_rest(const float f) {
  const float z = f * f;
  float p = 7.0376836292e-2;
  p = fma(p, f, -1.1514610310e-1);
  p = fma(p, f, 1.1676998740e-1);
  p = fma(p, f, -1.2420140846e-1);
  p = fma(p, f, 1.4249322787e-1);
  p = fma(p, f, -1.6668057665e-1);
  p = fma(p, f, 2.0000714765e-1);
  p = fma(p, f, -2.4999993993e-1);
  p = fma(p, f, 3.3333331174e-1);
  return fma_f(-0.5, z, p * f * z);
}

// Positive finite x = (1 + result) 2^exponent, 1 + result in [sqrt(1/2), sqrt(2)). `correction` is
// added to x before: |correction| << x.
float split_logarithm(const float x, const float correction, out float exponent) {
  const uint first = floatBitsToUint(x);
  // A number below 2^-126, as integers: hardware may flush it.
  const bool small = first < 0x800000u;
  const float y = small ? float(first) * 2.117582368135751e-22 : x;  // 2^-149 2^77
  const int bits = floatBitsToInt(y);
  const int n = (bits - 0x3f3504f3) >> 23;
  const float m = intBitsToFloat(bits - (n << 23));
  exponent = float(small ? n - 77 : n);
  const float scaled = n > 60 ? 0.0 : correction * intBitsToFloat((127 - n) << 23);
  return (m - 1.0) + (correction == 0.0 ? 0.0 : scaled);
}

float join_logarithm(const float f, const float exponent) {
  const float low = fma(exponent, -2.12194440e-4, logarithm_rest(f));
  return fma_f(exponent, 0.693359375, f + low);
}

bool is_zero_bits(const float x) { return (floatBitsToUint(x) & 0x7fffffffu) == 0u; }
bool is_negative_bits(const float x) { return (floatBitsToUint(x) & 0x80000000u) != 0u; }

// log of zero, negatives, infinity, NaN; else y.
float logarithm_special(const float x, const float y) {
  if (is_nan(x)) return x;
  if (is_zero_bits(x)) return -infinity_f();
  if (is_negative_bits(x)) return nan_f();
  return x == infinity_f() ? x : y;
}

float log_f(const float x) {
  float exponent;
  const float f = split_logarithm(x, 0.0, exponent);
  return logarithm_special(x, join_logarithm(f, exponent));
}
float log1p_f(const float x) {
  if (is_nan(x) || is_zero_bits(x)) return x;
  const float u = 1.0 + x;
  const float correction = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
  float exponent;
  const float f = split_logarithm(u, u == infinity_f() ? 0.0 : correction, exponent);
  return abs_f(x) < 1e-9 ? x : logarithm_special(u, join_logarithm(f, exponent));
}
float log2_f(const float x) {
  float exponent;
  const float f = split_logarithm(x, 0.0, exponent), rest = logarithm_rest(f);
  const float c = 0.44269504088896340736;  // log2(e) - 1
  const float y = fma(f, c, fma(rest, c, rest)) + f;
  return logarithm_special(x, y + exponent);
}

float asinh_f(const float x) {
  if (is_nan(x) || x == 0.0) return x;
  const float a = abs_f(x);
  if (a > 1e9) return copy_sign(log_f(a) + 0.693147180559945, x);
  const float z = a * a;
  return copy_sign(log1p_f(a + div_f(z, 1.0 + sqrt_f(1.0 + z))), x);
}
float acosh_f(const float x) {
  if (!(x >= 1.0)) return nan_f();
  if (x > 1e9) return log_f(x) + 0.693147180559945;
  const float t = x - 1.0;
  return log1p_f(t + sqrt_f(t * (t + 2.0)));
}
float atanh_f(const float x) {
  if (is_nan(x) || x == 0.0) return x;
  const float a = abs_f(x);
  if (a > 1.0) return nan_f();
  return copy_sign(0.5 * log1p_f(div_f(a + a, 1.0 - a)), x);
}

// ---- circular functions ----

// x - n pi/2 for |x| <= 2^20: three parts of pi/2, each product exact inside the fused operation.
float subtract_turns(const float x, const float n) {
  float r = fma_f(n, -1.57079637050628662109375, x);
  r = fma_f(n, 4.37113900018624283e-8, r);
  return fma_f(n, 1.71512449025480e-15, r);
}
float reduce_angle(const float x, out int quadrant) {
  float n = roundEven(x * 0.63661977236758134308);
  n += roundEven(subtract_turns(x, n) * 0.63661977236758134308);
  quadrant = int(n);
  // Beyond 2^20 nothing is promised but a value of the function's range.
  return within(subtract_turns(x, n), -0.7854, 0.7854);
}
float sine_near_zero(const float r) {
  const float z = r * r;
  const float p = fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1);
  return fma_f(p * z, r, r);
}
float cosine_near_zero(const float r) {
  const float z = r * r;
  const float p = fma(fma(2.443315711809948e-5, z, -1.388731625493765e-3), z, 4.166664568298827e-2);
  return fma_f(p * z, z, fma(-0.5, z, 1.0));
}
// sin of x plus `turns` quarter turns
float sine_of(const float x, const int turns) {
  if (!(abs_f(x) < infinity_f())) return nan_f();
  int quadrant;
  const float r = reduce_angle(x, quadrant);
  const int q = quadrant + turns;
  const float y = (q & 1) != 0 ? cosine_near_zero(r) : sine_near_zero(r);
  return (q & 2) != 0 ? -y : y;
}
float sin_f(const float x) { return abs_f(x) < 1e-4 ? x : sine_of(x, 0); }
float cos_f(const float x) { return sine_of(x, 1); }
float tan_f(const float x) {
  if (!(abs_f(x) < infinity_f())) return nan_f();
  if (abs_f(x) < 1e-4) return x;
  int quadrant;
  const float r = reduce_angle(x, quadrant), z = r * r;
  float p = 9.38540185543e-3;
  p = fma(p, z, 3.11992232697e-3);
  p = fma(p, z, 2.44301354525e-2);
  p = fma(p, z, 5.34112807005e-2);
  p = fma(p, z, 1.33387994085e-1);
  p = fma(p, z, 3.33331568548e-1);
  const float t = fma_f(p * z, r, r);
  return (quadrant & 1) != 0 ? div_f(-1.0, t) : t;
}

const float kHalfPi = 1.57079637050628662109375, kHalfPiRest = -4.37113900018624283e-8;

// asin(s) where z = s^2 <= 1/4
float arcsine_near_zero(const float s, const float z) {
  float p = 4.2163199048e-2;
  p = fma(p, z, 2.4181311049e-2);
  p = fma(p, z, 4.5470025998e-2);
  p = fma(p, z, 7.4953002686e-2);
  p = fma(p, z, 1.6666752422e-1);
  return fma_f(p * z, s, s);
}
float asin_f(const float x) {
  const float a = abs_f(x);
  if (!(a <= 1.0)) return nan_f();
  if (a < 1e-4) return x;
  const bool large = a > 0.5;
  const float z = large ? 0.5 * (1.0 - a) : a * a;
  const float p = arcsine_near_zero(large ? sqrt_f(z) : a, z);
  return copy_sign(large ? kHalfPi - (p + p - kHalfPiRest) : p, x);
}
float acos_f(const float x) {
  const float a = abs_f(x);
  if (!(a <= 1.0)) return nan_f();
  const bool large = a > 0.5;
  const float z = large ? 0.5 * (1.0 - a) : a * a;
  const float p = arcsine_near_zero(large ? sqrt_f(z) : x, z);
  if (!large) return kHalfPi - (p - kHalfPiRest);
  return x < 0.0 ? 2.0 * kHalfPi - (p + p - 2.0 * kHalfPiRest) : p + p;
}

// atan(numerator / denominator) of two positive numbers, not both zero or infinite.
float arctangent_of(const float numerator, const float denominator) {
  const float q = div_f(numerator, denominator);
  const bool large = q > 2.414213562373095, middle = !large && q > 0.4142135623730950;
  const float t = large    ? -div_f(denominator, numerator)
                  : middle ? div_f(q - 1.0, q + 1.0)
                           : q;
  if (abs_f(t) < 1e-5 && !large) return middle ? 0.5 * kHalfPi + (t + 0.5 * kHalfPiRest) : t;
  const float z = t * t;
  float p = 8.05374449538e-2;
  p = fma(p, z, -1.38776856032e-1);
  p = fma(p, z, 1.99777106478e-1);
  p = fma(p, z, -3.33329491539e-1);
  const float y = fma_f(p * z, t, t);
  if (large) return kHalfPi + (y + kHalfPiRest);
  return middle ? 0.5 * kHalfPi + (y + 0.5 * kHalfPiRest) : y;
}
float atan_f(const float x) {
  if (is_nan(x) || is_zero_bits(x)) return x;
  if (abs_f(x) == infinity_f()) return copy_sign(kHalfPi, x);
  return copy_sign(arctangent_of(abs_f(x), 1.0), x);
}
float atan2_f(const float y, const float x) {
  if (is_nan(x) || is_nan(y)) return nan_f();
  const float a = abs_f(y), b = abs_f(x);
  float r;
  if (is_zero_bits(a)) {
    r = 0.0;
  } else if (a == infinity_f()) {
    r = b == infinity_f() ? 0.5 * kHalfPi : kHalfPi;
  } else if (is_zero_bits(b)) {
    r = kHalfPi;
  } else {
    r = b == infinity_f() ? 0.0 : arctangent_of(a, b);
  }
  return copy_sign(is_negative_bits(x) ? 2.0 * kHalfPi - (r - 2.0 * kHalfPiRest) : r, y);
}

// ---- error functions ----

// 1 - e^q with q = log(erfc(|x|)), a polynomial of |x| up to 4, where the result is 1. Its weights
// were fitted so that the error is even relative to erf, near zero as well.
float erf_f(const float x) {
  if (is_nan(x)) return x;
  const float a = min(4.0, abs_f(x));
  float p = 9.256267730961554e-06;
  p = fma(p, a, -1.1764129158109426e-04);
  p = fma(p, a, 6.328369490802288e-04);
  p = fma(p, a, -1.6670275945216417e-03);
  p = fma(p, a, 1.6039618640206754e-04);
  p = fma(p, a, 1.9153064116835594e-02);
  p = fma(p, a, -1.0277783125638962e-01);
  p = fma(p, a, -6.366193890571594e-01);
  p = fma(p, a, -0.128379167);
  return copy_sign(moderate_expm1(fma_f(p, a, -a)), x);
}

// t e^(p(t) - x^2) with t = 1 / (1 + |x| / 2), the fit of Numerical Recipes (1.2e-7 relative); the
// square is carried in two parts.
float erfc_f(const float x) {
  if (is_nan(x)) return x;
  const float a = abs_f(x);
  if (a < 0.5) return 1.0 - erf_f(x);
  const float b = min(a, 11.0), t = div_f(1.0, fma_f(0.5, b, 1.0));
  float p = 0.17087277;
  p = fma(p, t, -0.82215223);
  p = fma(p, t, 1.48851587);
  p = fma(p, t, -1.13520398);
  p = fma(p, t, 0.27886807);
  p = fma(p, t, -0.18628806);
  p = fma(p, t, 0.09678418);
  p = fma(p, t, 0.37409196);
  p = fma(p, t, 1.00002368);
  p = fma(p, t, -1.26551223);
  const float square = b * b, rest = fma_f(b, b, -square);
  const float sum = p - square, z = sum + square;
  const float low = (p - z) - rest;
  const float e = exp_f(sum);
  const float y = t * fma_f(e, low, e);
  return x < 0.0 ? 2.0 - y : y;
}

// ---- powers ----

// log(x) = high + low of a positive finite x, to about 2^-31.
float logarithm_pair(const float x, out float low) {
  float exponent;
  const float f = split_logarithm(x, 0.0, exponent);
  const float d = f + 2.0, d_low = f - (d - 2.0);
  const float s = div_f(f, d);
  const float s_low = (fma_f(-s, d, f) - s * d_low) / d;
  const float z = s * s;
  float p = 0.181818182;
  p = fma(p, z, 0.222222222);
  p = fma(p, z, 0.285714286);
  p = fma(p, z, 0.4);
  p = fma(p, z, 0.666666667);
  const float base = exponent * 0.693359375, twice = s + s;
  const float sum = base + twice;
  const float rest = exponent == 0.0 ? 0.0 : twice - (sum - base);
  const float tail =
      rest + (exponent * -2.12194440e-4 + (s_low + s_low + p * z * s));
  const float high = sum + tail;
  low = tail - (high - sum);
  return high;
}

// |x|^y for finite positive |x| and finite y.
float power_of_magnitude(const float a, const float y) {
  float low;
  const float high = logarithm_pair(a, low);
  const float product = y * high;
  if (!(abs_f(product) < 200.0)) return product > 0.0 ? infinity_f() : 0.0;
  const float rest = fma_f(y, high, -product) + y * low;
  const float e = exp_f(product);
  return e == infinity_f() || e == 0.0 ? e : fma_f(e, rest, e);
}

float pow_f(const float x, const float y) {
  if (y == 0.0 || x == 1.0) return 1.0;
  if (is_nan(x) || is_nan(y)) return nan_f();
  const float a = abs_f(x), b = abs_f(y);
  const bool whole = b >= 8388608.0 || floor(y) == y;
  const bool odd = whole && b < 16777216.0 && (int(y) & 1) != 0;
  if (is_negative_bits(x) && !whole && !is_zero_bits(x) && a != infinity_f()) return nan_f();
  float r;
  if (a == 1.0) {
    r = 1.0;
  } else if (b == infinity_f()) {
    r = (a > 1.0) == (y > 0.0) ? infinity_f() : 0.0;
  } else if (is_zero_bits(a)) {
    r = y > 0.0 ? 0.0 : infinity_f();
  } else if (a == infinity_f()) {
    r = y > 0.0 ? infinity_f() : 0.0;
  } else {
    r = power_of_magnitude(a, y);
  }
  return is_negative_bits(x) && odd ? -r : r;
}

// C's fmod, in integers: exact.
float rem_f(const float x, const float y) {
  uint a = floatBitsToUint(x) & 0x7fffffffu, b = floatBitsToUint(y) & 0x7fffffffu;
  const uint sign = floatBitsToUint(x) & 0x80000000u;
  if (a >= 0x7f800000u || b > 0x7f800000u || b == 0u) return nan_f();
  if (a < b) return x;
  int ea = int(a >> 23), eb = int(b >> 23);
  uint ma = a & 0x7fffffu, mb = b & 0x7fffffu;
  if (ea == 0) ea = 1; else ma |= 0x800000u;
  if (eb == 0) eb = 1; else mb |= 0x800000u;
  int shift = ea - eb;
  uint r = ma % mb;
  while (shift > 0 && r != 0u) {
    const int step = min(shift, 8);
    r = (r << step) % mb;
    shift -= step;
  }
  if (r == 0u) return uintBitsToFloat(sign);
  const int up = 23 - findMSB(r);
  const int e = eb - up;
  if (e >= 1) return uintBitsToFloat(sign | uint(e) << 23 | (r << up & 0x7fffffu));
  return uintBitsToFloat(sign | r << (eb - 1));
}
