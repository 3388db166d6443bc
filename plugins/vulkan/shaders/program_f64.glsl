// The class d of programs: f64, where the device computes it.

layout(buffer_reference, std430, buffer_reference_align = 8) buffer RefDouble { double at; };

double load_f64(const uint64_t a) { return uint64BitsToDouble(get64(a)); }
void store_f64(const uint64_t a, const double x) { put64(a, doubleBitsToUint64(x)); }
double scalar_d(const uint word) { return uint64BitsToDouble(param64(word)); }

const uint64_t kInfinityBits = 0x7ff0000000000000ul, kSignBit = 0x8000000000000000ul;

uint64_t magnitude_bits(const double x) { return doubleBitsToUint64(x) & ~kSignBit; }
bool is_nan_d(const double x) { return magnitude_bits(x) > kInfinityBits; }
bool is_zero_d(const double x) { return magnitude_bits(x) == 0ul; }
bool is_negative_d(const double x) { return (doubleBitsToUint64(x) & kSignBit) != 0ul; }
double with_sign(const double x, const double sign) {
  return uint64BitsToDouble(magnitude_bits(x) | (doubleBitsToUint64(sign) & kSignBit));
}

// ---- casts ----

// x as a float, odd in its last digit where something was cut off.
float odd_of_double(const double x) {
  const float y = float(x);
  const double back = double(y);
  const uint bits = floatBitsToUint(y);
  if (is_nan_d(x) || back == x || (bits & 1u) != 0u) return y;
  if (magnitude_bits(x) > doubleBitsToUint64(3.4e38lf)) return y;
  const bool up = abs(back) < abs(x);  // y lies nearer to zero: the odd one is farther
  return uintBitsToFloat(up ? bits + 1u : bits - 1u);
}

bool cast_d_bool(const double x) { return !is_zero_d(x); }
float cast_d_f16(const double x) { return round_f16(odd_of_double(x)); }
float cast_d_bf16(const double x) { return round_bf16(odd_of_double(x)); }
float cast_d_f32(const double x) { return is_nan_d(x) ? nan_f() : float(x); }
double cast_d_f64(const double x) { return x; }
int64_t cast_d_i64(const double x) {
  const uint64_t bits = magnitude_bits(x);
  if (bits > kInfinityBits || bits < 0x3ff0000000000000ul) return 0l;
  const int exponent = int(bits >> 52) - 1023;
  if (exponent >= 63) return is_negative_d(x) ? int64_t(kSignBit) : 0x7fffffffffffffffl;
  const int64_t m = int64_t((bits & 0xffffffffffffful) | 0x10000000000000ul);
  const int64_t whole = exponent >= 52 ? m << (exponent - 52) : m >> (52 - exponent);
  return is_negative_d(x) ? -whole : whole;
}
int64_t clamped_d(const double x, const int64_t low, const int64_t high) {
  const int64_t whole = cast_d_i64(x);
  return whole < low ? low : whole > high ? high : whole;
}
int cast_d_u8(const double x) { return int(clamped_d(x, 0l, 255l)); }
int cast_d_i8(const double x) { return int(clamped_d(x, -128l, 127l)); }
int cast_d_i16(const double x) { return int(clamped_d(x, -32768l, 32767l)); }
int cast_d_i32(const double x) { return int(clamped_d(x, -2147483648l, 2147483647l)); }

double cast_f_f64(const float x) {
  const uint bits = floatBitsToUint(x) & 0x7fffffffu;
  if (bits != 0u && bits < 0x800000u) {  // hardware may flush it
    const double m = double(bits) * 1.40129846432481707e-45lf;
    return is_negative_bits(x) ? -m : m;
  }
  return double(x);
}
double cast_i_f64(const int x) { return double(x); }
double cast_b_f64(const bool x) { return x ? 1.0lf : 0.0lf; }
// Two exact halves, one rounding.
double cast_l_f64(const int64_t x) {
  return double(int(x >> 32)) * 4294967296.0lf + double(uint(uint64_t(x) & 0xfffffffful));
}

// ---- arithmetic ----

double add_d(const double a, const double b) { return a + b; }
double sub_d(const double a, const double b) { return a - b; }
double mul_d(const double a, const double b) { return a * b; }
double neg_d(const double x) {
  return uint64BitsToDouble(doubleBitsToUint64(x) ^ kSignBit);
}
double abs_d(const double x) { return uint64BitsToDouble(magnitude_bits(x)); }
double div_d(const double a, const double b) { return a / b; }
double sqrt_d(const double x) { return sqrt(x); }
double rsqrt_d(const double x) { return 1.0lf / sqrt(x); }
double recip_d(const double x) { return 1.0lf / x; }
double min_d(const double a, const double b) {
  return is_nan_d(a) ? a : is_nan_d(b) ? b : a < b ? a : b;
}
double max_d(const double a, const double b) {
  return is_nan_d(a) ? a : is_nan_d(b) ? b : a > b ? a : b;
}
bool eq_d(const double a, const double b) { return !is_nan_d(a) && !is_nan_d(b) && a == b; }
bool ne_d(const double a, const double b) { return !eq_d(a, b); }
bool lt_d(const double a, const double b) { return !is_nan_d(a) && !is_nan_d(b) && a < b; }
bool le_d(const double a, const double b) { return !is_nan_d(a) && !is_nan_d(b) && a <= b; }
bool gt_d(const double a, const double b) { return lt_d(b, a); }
bool ge_d(const double a, const double b) { return le_d(b, a); }
bool isnan_d(const double a) { return is_nan_d(a); }
double sign_d(const double x) {
  if (is_nan_d(x)) return x;
  return is_zero_d(x) ? 0.0lf : is_negative_d(x) ? -1.0lf : 1.0lf;
}
double relu_d(const double x) { return is_negative_d(x) && !is_nan_d(x) ? 0.0lf : x; }
// A float without a fraction stays as it is; the sign of a zero is that of x.
bool has_fraction(const double x) { return magnitude_bits(x) < 0x4330000000000000ul; }
double floor_d(const double x) { return has_fraction(x) ? with_sign(floor(x), x) : x; }
double ceil_d(const double x) { return has_fraction(x) ? with_sign(ceil(x), x) : x; }
double trunc_d(const double x) { return has_fraction(x) ? with_sign(trunc(x), x) : x; }
double round_d(const double x) { return has_fraction(x) ? with_sign(roundEven(x), x) : x; }
double where_d(const bool a, const double b, const double c) { return a ? b : c; }

uint keep_f64(const uint i) {
  const uint64_t a = param64(0);
  const double d = double(i);
  const bool b = i == 1u;
  double s = load_f64(a) + scalar_d(i);
  store_f64(a, d);
  s += cast_f_f64(float(i)) + cast_i_f64(int(i)) + cast_b_f64(b) + cast_l_f64(int64_t(i)) +
       cast_d_f64(d);
  s += add_d(d, d) + sub_d(d, d) + mul_d(d, d) + where_d(b, d, d);
  s += neg_d(d) + abs_d(d) + div_d(d, d) + sqrt_d(d) + rsqrt_d(d) + recip_d(d) + min_d(d, d) +
       max_d(d, d) + sign_d(d) + relu_d(d) + floor_d(d) + ceil_d(d) + trunc_d(d) + round_d(d);
  const bool v = eq_d(d, d) || ne_d(d, d) || lt_d(d, d) || le_d(d, d) || gt_d(d, d) ||
                 ge_d(d, d) || isnan_d(d);
  s += v ? 1.0lf : 0.0lf;
  float f = cast_d_f16(d) + cast_d_bf16(d) + cast_d_f32(d);
  int t = cast_d_u8(d) + cast_d_i8(d) + cast_d_i16(d) + cast_d_i32(d);
  t += int(cast_d_i64(d));
  return uint(s) + uint(f) + uint(t) + (cast_d_bool(d) ? 1u : 0u);
}
