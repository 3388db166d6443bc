// The library that pointwise programs are linked from: one function for each opcode and class of
// numbers. At run time element()'s body is replaced by the calls of a program, and what they do not
// reach is dropped (spirv.h).
//
// Classes: f (f16, bf16 and f32, computed as f32), d (f64), i (u8, i8, i16, i32, as 32-bit int),
// l (i64), b (bool). A function is called <opcode>_<class>; parameters are const so that they are
// passed by value.
#version 460
#include "common.glsl"
#include "numbers.glsl"

layout(local_size_x = 256) in;

// ---- elements ----

bool load_bool(const uint64_t a) { return get8(a) != 0u; }
int load_u8(const uint64_t a) { return int(get8(a)); }
int load_i8(const uint64_t a) { return int(get8(a) << 24) >> 24; }
int load_i16(const uint64_t a) { return int(get16(a) << 16) >> 16; }
int load_i32(const uint64_t a) { return int(get32(a)); }
int64_t load_i64(const uint64_t a) { return int64_t(get64(a)); }
float load_f16(const uint64_t a) { return from_f16(get16(a)); }
float load_bf16(const uint64_t a) { return from_bf16(get16(a)); }
float load_f32(const uint64_t a) { return uintBitsToFloat(get32(a)); }

void store_bool(const uint64_t a, const bool x) { put8(a, x ? 1u : 0u); }
void store_u8(const uint64_t a, const int x) { put8(a, uint(x)); }
void store_i8(const uint64_t a, const int x) { put8(a, uint(x)); }
void store_i16(const uint64_t a, const int x) { put16(a, uint(x)); }
void store_i32(const uint64_t a, const int x) { put32(a, uint(x)); }
void store_i64(const uint64_t a, const int64_t x) { put64(a, uint64_t(x)); }
void store_f16(const uint64_t a, const float x) { put16(a, to_f16(x)); }
void store_bf16(const uint64_t a, const float x) { put16(a, to_bf16(x)); }
void store_f32(const uint64_t a, const float x) { put32(a, floatBitsToUint(x)); }

bool scalar_b(const uint word) { return param(word) != 0u; }
int scalar_i(const uint word) { return int(param(word)); }
int64_t scalar_l(const uint word) { return int64_t(param64(word)); }
float scalar_f(const uint word) { return uintBitsToFloat(param(word)); }

// Address of element `offset` (in elements, of 1 << shift bytes) of the operand whose address
// stands at `word`.
uint64_t address_of(const uint word, const uint offset, const uint shift) {
  return param64(word) + (uint64_t(offset) << shift);
}

int64_t number_of(const uint i) { return int64_t(uint64_t(i)); }

float round_f16(const float x) { return from_f16(to_f16(x)); }
float round_bf16(const float x) { return from_bf16(to_bf16(x)); }
int wrap_u8(const int x) { return x & 255; }
int wrap_i8(const int x) { return x << 24 >> 24; }
int wrap_i16(const int x) { return x << 16 >> 16; }

// ---- f32 ----

float add_f(const float a, const float b) { return a + b; }
float sub_f(const float a, const float b) { return a - b; }
float mul_f(const float a, const float b) { return a * b; }
float min_f(const float a, const float b) { return is_nan(a) ? a : is_nan(b) ? b : a < b ? a : b; }
float max_f(const float a, const float b) { return is_nan(a) ? a : is_nan(b) ? b : a > b ? a : b; }
bool eq_f(const float a, const float b) { return !is_nan(a) && !is_nan(b) && a == b; }
bool ne_f(const float a, const float b) { return !eq_f(a, b); }
bool lt_f(const float a, const float b) { return !is_nan(a) && !is_nan(b) && a < b; }
bool le_f(const float a, const float b) { return !is_nan(a) && !is_nan(b) && a <= b; }
bool gt_f(const float a, const float b) { return lt_f(b, a); }
bool ge_f(const float a, const float b) { return le_f(b, a); }
bool isnan_f(const float a) { return is_nan(a); }
float where_f(const bool a, const float b, const float c) { return a ? b : c; }
float sign_f(const float x) {
  if (is_nan(x)) return x;
  return is_zero_bits(x) ? 0.0 : is_negative_bits(x) ? -1.0 : 1.0;
}
float relu_f(const float x) { return is_negative_bits(x) && !is_nan(x) ? 0.0 : x; }
// A float without a fraction stays as it is; the sign of a zero is that of x.
float floor_f(const float x) { return abs_f(x) < 8388608.0 ? copy_sign(floor(x), x) : x; }
float ceil_f(const float x) { return abs_f(x) < 8388608.0 ? copy_sign(ceil(x), x) : x; }
float trunc_f(const float x) { return abs_f(x) < 8388608.0 ? copy_sign(trunc(x), x) : x; }
float round_f(const float x) { return abs_f(x) < 8388608.0 ? copy_sign(roundEven(x), x) : x; }

// ---- integers ----

#define WHOLE_OPS(S, T) \
  T add_##S(const T a, const T b) { return a + b; } \
  T sub_##S(const T a, const T b) { return a - b; } \
  T mul_##S(const T a, const T b) { return a * b; } \
  T neg_##S(const T a) { return -a; } \
  T div_##S(const T a, const T b) { \
    return b == T(0) ? T(0) : b == T(-1) ? -a : a / b; \
  } \
  T rem_##S(const T a, const T b) { \
    return b == T(0) || b == T(-1) ? T(0) : a - a / b * b; \
  } \
  T min_##S(const T a, const T b) { return a < b ? a : b; } \
  T max_##S(const T a, const T b) { return a > b ? a : b; } \
  T and_##S(const T a, const T b) { return a & b; } \
  T or_##S(const T a, const T b) { return a | b; } \
  T xor_##S(const T a, const T b) { return a ^ b; } \
  T not_##S(const T a) { return ~a; } \
  T shl_##S(const T a, const T b, const T width) { \
    return b < T(0) || b >= width ? T(0) : a << b; \
  } \
  T shr_##S(const T a, const T b, const T width) { \
    return b < T(0) ? T(0) : a >> (b >= width ? width - T(1) : b) >> (b >= width ? T(1) : T(0)); \
  } \
  bool eq_##S(const T a, const T b) { return a == b; } \
  bool ne_##S(const T a, const T b) { return a != b; } \
  bool lt_##S(const T a, const T b) { return a < b; } \
  bool le_##S(const T a, const T b) { return a <= b; } \
  bool gt_##S(const T a, const T b) { return a > b; } \
  bool ge_##S(const T a, const T b) { return a >= b; } \
  T where_##S(const bool a, const T b, const T c) { return a ? b : c; } \
  T abs_##S(const T a) { return a < T(0) ? -a : a; } \
  T sign_##S(const T a) { return a > T(0) ? T(1) : a < T(0) ? T(-1) : T(0); } \
  T relu_##S(const T a) { return a > T(0) ? a : T(0); } \
  T pow_##S(const T a, const T b) { \
    if (b < T(0)) return a == T(1) ? T(1) : a == T(-1) ? ((b & T(1)) == T(0) ? T(1) : T(-1)) : T(0); \
    T result = T(1), factor = a; \
    for (T rest = b; rest > T(0); rest >>= 1) { \
      if ((rest & T(1)) != T(0)) result *= factor; \
      factor *= factor; \
    } \
    return result; \
  }

WHOLE_OPS(i, int)
WHOLE_OPS(l, int64_t)

// ---- bool ----

bool and_b(const bool a, const bool b) { return a && b; }
bool or_b(const bool a, const bool b) { return a || b; }
bool xor_b(const bool a, const bool b) { return a != b; }
bool not_b(const bool a) { return !a; }
bool eq_b(const bool a, const bool b) { return a == b; }
bool gt_b(const bool a, const bool b) { return a && !b; }
bool ge_b(const bool a, const bool b) { return a || !b; }
bool where_b(const bool a, const bool b, const bool c) { return a ? b : c; }

// ---- casts ----

// x as a float of 24 digits whose last one is odd where something was cut off: rounding it once
// more to a shorter format gives what one rounding of x gives.
float odd_of(const int64_t x) {
  const uint64_t a = uint64_t(x < 0l ? -x : x);
  const uint high = uint(a >> 32);
  const int top = high != 0u ? findMSB(high) + 32 : findMSB(uint(a));
  if (top < 24) return float(int(x));
  const int shift = top - 23;
  const uint kept = uint(a >> shift), cut = (uint64_t(kept) << shift) != a ? 1u : 0u;
  const float m = float(kept | cut) * power_of_two(shift);
  return x < 0l ? -m : m;
}

bool cast_f_bool(const float x) { return !is_zero_bits(x); }
float cast_f_f16(const float x) { return round_f16(x); }
float cast_f_bf16(const float x) { return round_bf16(x); }
float cast_f_f32(const float x) { return x; }
int clamped(const float x, const float low, const float high) {
  return is_nan(x) ? 0 : int(within(x, low, high));
}
int cast_f_u8(const float x) { return clamped(x, 0.0, 255.0); }
int cast_f_i8(const float x) { return clamped(x, -128.0, 127.0); }
int cast_f_i16(const float x) { return clamped(x, -32768.0, 32767.0); }
int cast_f_i32(const float x) {
  if (x >= 2147483648.0) return 0x7fffffff;
  if (x <= -2147483648.0) return int(0x80000000u);
  return is_nan(x) ? 0 : int(x);
}
// In integers: drivers differ on conversions of 64 bits.
int64_t cast_f_i64(const float x) {
  const uint bits = floatBitsToUint(x) & 0x7fffffffu;
  const bool negative = is_negative_bits(x);
  if (bits > 0x7f800000u || bits < 0x3f800000u) return 0l;
  const int exponent = int(bits >> 23) - 127;
  if (exponent >= 63) return negative ? int64_t(0x8000000000000000ul) : 0x7fffffffffffffffl;
  const int64_t m = int64_t((bits & 0x7fffffu) | 0x800000u);
  const int64_t whole = exponent >= 23 ? m << (exponent - 23) : m >> (23 - exponent);
  return negative ? -whole : whole;
}

// Nearest, ties to even.
float cast_l_f32(const int64_t x) {
  const uint64_t a = uint64_t(x < 0l ? -x : x);
  const uint high = uint(a >> 32);
  const int top = high != 0u ? findMSB(high) + 32 : findMSB(uint(a));
  if (top < 24) return float(int(x));
  const int shift = top - 23;
  const uint64_t rest = a & ((1ul << shift) - 1ul), tie = 1ul << (shift - 1);
  uint kept = uint(a >> shift);
  if (rest > tie || (rest == tie && (kept & 1u) != 0u)) ++kept;
  const float m = float(kept) * power_of_two(shift);
  return x < 0l ? -m : m;
}
bool cast_l_bool(const int64_t x) { return x != 0l; }
float cast_l_f16(const int64_t x) { return round_f16(odd_of(x)); }
float cast_l_bf16(const int64_t x) { return round_bf16(odd_of(x)); }
int cast_l_u8(const int64_t x) { return wrap_u8(int(x)); }
int cast_l_i8(const int64_t x) { return wrap_i8(int(x)); }
int cast_l_i16(const int64_t x) { return wrap_i16(int(x)); }
int cast_l_i32(const int64_t x) { return int(x); }
int64_t cast_l_i64(const int64_t x) { return x; }

bool cast_i_bool(const int x) { return x != 0; }
// As odd_of(); 32 bits suffice.
float odd_of_int(const int x) {
  const uint a = x < 0 ? uint(-x) : uint(x);
  const int shift = max(findMSB(a) - 23, 0);
  const uint kept = a >> shift, cut = (kept << shift) != a ? 1u : 0u;
  const float m = float(kept | cut) * power_of_two(shift);
  return x < 0 ? -m : m;
}
float cast_i_f16(const int x) { return round_f16(odd_of_int(x)); }
float cast_i_bf16(const int x) { return round_bf16(odd_of_int(x)); }
float cast_i_f32(const int x) { return float(x); }
int cast_i_u8(const int x) { return wrap_u8(x); }
int cast_i_i8(const int x) { return wrap_i8(x); }
int cast_i_i16(const int x) { return wrap_i16(x); }
int cast_i_i32(const int x) { return x; }
int64_t cast_i_i64(const int x) { return int64_t(x); }

bool cast_b_bool(const bool x) { return x; }
float cast_b_f16(const bool x) { return x ? 1.0 : 0.0; }
float cast_b_bf16(const bool x) { return x ? 1.0 : 0.0; }
float cast_b_f32(const bool x) { return x ? 1.0 : 0.0; }
int cast_b_u8(const bool x) { return x ? 1 : 0; }
int cast_b_i8(const bool x) { return x ? 1 : 0; }
int cast_b_i16(const bool x) { return x ? 1 : 0; }
int cast_b_i32(const bool x) { return x ? 1 : 0; }
int64_t cast_b_i64(const bool x) { return x ? 1l : 0l; }

#ifdef HAVE_F64
#include "program_f64.glsl"
#endif

// ---- the frame ----

// Calls every function once, so that the compiler keeps them all.
void keep(const uint i) {
  const uint64_t a = param64(0);
  const bool b = i == 1u;
  const int n = int(i);
  const int64_t l = int64_t(i);
  const float f = float(i);
  float s = 0.0;
  int t = 0;
  int64_t u = 0l;
  bool v = false;
  v = v || load_bool(a); t += load_u8(a) + load_i8(a) + load_i16(a) + load_i32(a);
  u += load_i64(a); s += load_f16(a) + load_bf16(a) + load_f32(a);
  store_bool(a, b); store_u8(a, n); store_i8(a, n); store_i16(a, n); store_i32(a, n);
  store_i64(a, l); store_f16(a, f); store_bf16(a, f); store_f32(a, f);
  v = v || scalar_b(i); t += scalar_i(i); u += scalar_l(i); s += scalar_f(i);
  u += int64_t(address_of(i, i, i)) + number_of(i);
  s += round_f16(f) + round_bf16(f); t += wrap_u8(n) + wrap_i8(n) + wrap_i16(n);
  s += add_f(f, f) + sub_f(f, f) + mul_f(f, f) + div_f(f, f) + rem_f(f, f) + pow_f(f, f) +
       min_f(f, f) + max_f(f, f) + atan2_f(f, f) + fma_f(f, f, f) + where_f(b, f, f);
  v = v || eq_f(f, f) || ne_f(f, f) || lt_f(f, f) || le_f(f, f) || gt_f(f, f) || ge_f(f, f) ||
      isnan_f(f);
  s += neg_f(f) + abs_f(f) + sign_f(f) + relu_f(f) + floor_f(f) + ceil_f(f) + trunc_f(f) +
       round_f(f) + sqrt_f(f) + rsqrt_f(f) + recip_f(f) + exp_f(f) + expm1_f(f) + log_f(f) +
       log1p_f(f) + sin_f(f) + cos_f(f) + tan_f(f) + asin_f(f) + acos_f(f) + atan_f(f) +
       sinh_f(f) + cosh_f(f) + tanh_f(f) + asinh_f(f) + acosh_f(f) + atanh_f(f) + erf_f(f) +
       erfc_f(f) + sigmoid_f(f) + log2_f(f) + exp2_f(f);
#define KEEP_WHOLE(S, x, sum)                                                                      \
  sum += add_##S(x, x) + sub_##S(x, x) + mul_##S(x, x) + div_##S(x, x) + rem_##S(x, x) +           \
         pow_##S(x, x) + min_##S(x, x) + max_##S(x, x) + and_##S(x, x) + or_##S(x, x) +            \
         xor_##S(x, x) + not_##S(x) + shl_##S(x, x, x) + shr_##S(x, x, x) + where_##S(b, x, x) +   \
         neg_##S(x) + abs_##S(x) + sign_##S(x) + relu_##S(x);                                      \
  v = v || eq_##S(x, x) || ne_##S(x, x) || lt_##S(x, x) || le_##S(x, x) || gt_##S(x, x) ||         \
      ge_##S(x, x);
  KEEP_WHOLE(i, n, t)
  KEEP_WHOLE(l, l, u)
  v = v || and_b(b, b) || or_b(b, b) || xor_b(b, b) || not_b(b) || eq_b(b, b) || gt_b(b, b) ||
      ge_b(b, b) || where_b(b, b, b);
#define KEEP_CASTS(S, x)                                                                           \
  v = v || cast_##S##_bool(x);                                                                     \
  s += cast_##S##_f16(x) + cast_##S##_bf16(x) + cast_##S##_f32(x);                                 \
  t += cast_##S##_u8(x) + cast_##S##_i8(x) + cast_##S##_i16(x) + cast_##S##_i32(x);                \
  u += cast_##S##_i64(x);
  KEEP_CASTS(f, f)
  KEEP_CASTS(l, l)
  KEEP_CASTS(i, n)
  KEEP_CASTS(b, b)
#ifdef HAVE_F64
  u += int64_t(keep_f64(i));
#endif
  put32(a, floatBitsToUint(s) + uint(t) + uint(u) + (v ? 1u : 0u));
}

// Element number i of the iteration space; the body is replaced.
void element(const uint i) { keep(i); }

// Parameters: number of elements, elements of an invocation, then what element() reads.
void main() {
  const uint count = param(0), each = param(1);
  uint i = group_number() * 256u * each + gl_LocalInvocationID.x;
  for (uint k = 0u; k < each; ++k, i += 256u) {
    if (i < count) element(i);
  }
}
