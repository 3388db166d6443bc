/*
 * Reference kernels, part 1: elements. Conversions between dtypes, walks over strided tensors, and
 * blocks: a kernel reads up to TNR_BLOCK elements into one of three compute classes (int64 for
 * integers and bool, float for f16, bf16 and f32, double for f64), works on them, and stores them.
 *
 * C11 and C++20, header-only; include reference_kernels.h. Prefix tnr_.
 */
#ifndef TENON_API_REFERENCE_TYPES_H
#define TENON_API_REFERENCE_TYPES_H

/* NOLINTBEGIN(modernize-*,bugprone-*,clang-analyzer-*): this is C */

#include <tenon/api/device_plugin.h>

#include <math.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TNR_BLOCK 128

#define TNR_CLASS_INT 0u
#define TNR_CLASS_F32 1u
#define TNR_CLASS_F64 2u

/* Elements of one compute class. */
typedef union tnr_block {
  int64_t i[TNR_BLOCK];
  float f[TNR_BLOCK];
  double d[TNR_BLOCK];
} tnr_block;

/* A tensor of a launch; `data` is the host address of its first element. */
typedef struct tnr_operand {
  char* data;
  const tn_tensor* tensor;
} tnr_operand;

/* ---- dtypes -------------------------------------------------------------------------------- */

static inline int tnr_is_known(uint32_t dtype) {
  return dtype >= TN_DTYPE_BOOL && dtype < TN_DTYPE_COUNT;
}

static inline int tnr_is_float(uint32_t dtype) {
  return dtype >= TN_DTYPE_F16 && dtype <= TN_DTYPE_F64;
}

static inline uint32_t tnr_class(uint32_t dtype) {
  if (!tnr_is_float(dtype)) return TNR_CLASS_INT;
  return dtype == TN_DTYPE_F64 ? TNR_CLASS_F64 : TNR_CLASS_F32;
}

static inline int64_t tnr_size(uint32_t dtype) {
  static const int8_t sizes[TN_DTYPE_COUNT] = {0, 1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
  return sizes[dtype];
}

static inline const char* tnr_name(uint32_t dtype) {
  static const char* const names[TN_DTYPE_COUNT] = {"?",   "bool", "u8",   "i8",  "i16", "i32",
                                                    "i64", "f16",  "bf16", "f32", "f64"};
  return names[dtype < TN_DTYPE_COUNT ? dtype : 0];
}

/* ---- conversion of one value --------------------------------------------------------------- */

static inline uint32_t tnr_f32_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float tnr_f32_from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float tnr_f16_to_f32(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 31u;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 31u) return tnr_f32_from_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0u) {
    const float magnitude = (float)fraction * 5.9604644775390625e-8f; /* 2^-24: exact */
    return sign != 0u ? -magnitude : magnitude;
  }
  return tnr_f32_from_bits(sign | (exponent + 112u) << 23 | fraction << 13);
}

/* Nearest even; the bits cut off decide. NaN keeps its upper payload. */
static inline uint16_t tnr_f32_to_f16(float x) {
  const uint32_t bits = tnr_f32_bits(x);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t exponent = magnitude >> 23;
  uint32_t fraction = magnitude & 0x7fffffu;
  uint32_t shift, result, rest, half;
  if (magnitude > 0x7f800000u) {
    fraction >>= 13;
    return (uint16_t)(sign | 0x7c00u | (fraction != 0u ? fraction : 0x200u));
  }
  if (exponent >= 143u) return (uint16_t)(sign | 0x7c00u); /* 2^16 and more */
  if (exponent < 102u) return (uint16_t)sign;              /* below half the least subnormal */
  if (exponent >= 113u) {
    shift = 13u;
    result = (exponent - 112u) << 10 | fraction >> 13;
  } else {
    shift = 126u - exponent;
    fraction |= 0x800000u;
    result = fraction >> shift;
  }
  rest = fraction & ((1u << shift) - 1u);
  half = 1u << (shift - 1u);
  if (rest > half || (rest == half && (result & 1u) != 0u)) ++result; /* may carry up to Inf */
  return (uint16_t)(sign | result);
}

static inline float tnr_bf16_to_f32(uint16_t x) { return tnr_f32_from_bits((uint32_t)x << 16); }

static inline uint16_t tnr_f32_to_bf16(float x) {
  const uint32_t bits = tnr_f32_bits(x);
  const uint32_t rest = bits & 0xffffu;
  uint32_t result = bits >> 16;
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return (uint16_t)((result & 0x7fu) != 0u ? result : (result | 0x40u));
  }
  if (rest > 0x8000u || (rest == 0x8000u && (result & 1u) != 0u)) ++result;
  return (uint16_t)result;
}

/* f64 -> f32 rounding to odd: a second rounding to f16 or bf16 then equals a single one. */
static inline float tnr_f64_to_f32_odd(double x) {
  const float near = (float)x;
  uint32_t bits = tnr_f32_bits(near);
  if (isnan(x) || (double)near == x) return near;
  if (fabs((double)near) > fabs(x)) --bits;
  return tnr_f32_from_bits(bits | 1u);
}

/* i64 -> f64 rounding to odd. */
static inline double tnr_i64_to_f64_odd(int64_t x) {
  const uint64_t magnitude = x < 0 ? UINT64_C(0) - (uint64_t)x : (uint64_t)x;
  uint64_t kept = magnitude;
  if (magnitude >> 53 != 0) {
    kept = magnitude >> 11 << 11;
    if (kept != magnitude) kept |= UINT64_C(1) << 11;
  }
  return x < 0 ? -(double)kept : (double)kept;
}

/* The bits of a float value that was rounded to the dtype already, or is rounded now. */
static inline float tnr_round_f32(float x, uint32_t dtype) {
  if (dtype == TN_DTYPE_F16) return tnr_f16_to_f32(tnr_f32_to_f16(x));
  if (dtype == TN_DTYPE_BF16) return tnr_bf16_to_f32(tnr_f32_to_bf16(x));
  return x;
}

/* A double as a value of a dtype of class F32. */
static inline float tnr_round_f64(double x, uint32_t dtype) {
  if (dtype == TN_DTYPE_F32) return (float)x;
  return tnr_round_f32(tnr_f64_to_f32_odd(x), dtype);
}

static inline float tnr_round_i64(int64_t x, uint32_t dtype) {
  if (dtype == TN_DTYPE_F32) return (float)x;
  return tnr_round_f64(tnr_i64_to_f64_odd(x), dtype);
}

/* Modulo 2^width; bool: x != 0. */
static inline int64_t tnr_wrap(int64_t x, uint32_t dtype) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return x != 0;
    case TN_DTYPE_U8:
      return (uint8_t)x;
    case TN_DTYPE_I8:
      return (int8_t)x;
    case TN_DTYPE_I16:
      return (int16_t)x;
    case TN_DTYPE_I32:
      return (int32_t)x;
    default:
      return x;
  }
}

/* Toward zero, clamped; NaN is 0 (bool: true). */
static inline int64_t tnr_real_to_int(double x, uint32_t dtype) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  if (dtype == TN_DTYPE_BOOL) return !(x == 0.0);
  if (isnan(x)) return 0;
  if (dtype == TN_DTYPE_U8) {
    low = 0;
    high = UINT8_MAX;
  } else if (dtype != TN_DTYPE_I64) {
    high = (INT64_C(1) << (8 * tnr_size(dtype) - 1)) - 1;
    low = -high - 1;
  }
  if (x <= (double)low) return low;
  if (x >= (double)high) return high;
  return (int64_t)x;
}

/* ---- conversion of blocks ------------------------------------------------------------------ */

static inline double tnr_real_at(const tnr_block* b, uint32_t dtype, int64_t k) {
  return tnr_class(dtype) == TNR_CLASS_F64 ? b->d[k] : (double)b->f[k];
}

/* CAST of PROGRAM.md; `to` must be another block than `from`. */
static inline void tnr_cast(const tnr_block* from, uint32_t from_dtype, tnr_block* to,
                            uint32_t dtype, int64_t n) {
  const uint32_t source = tnr_class(from_dtype), target = tnr_class(dtype);
  int64_t k;
  if (source == TNR_CLASS_INT && target == TNR_CLASS_INT) {
    for (k = 0; k < n; ++k) to->i[k] = tnr_wrap(from->i[k], dtype);
  } else if (source == TNR_CLASS_INT && target == TNR_CLASS_F32) {
    for (k = 0; k < n; ++k) to->f[k] = tnr_round_i64(from->i[k], dtype);
  } else if (source == TNR_CLASS_INT) {
    for (k = 0; k < n; ++k) to->d[k] = (double)from->i[k];
  } else if (target == TNR_CLASS_INT) {
    for (k = 0; k < n; ++k) to->i[k] = tnr_real_to_int(tnr_real_at(from, from_dtype, k), dtype);
  } else if (target == TNR_CLASS_F64) {
    for (k = 0; k < n; ++k) to->d[k] = tnr_real_at(from, from_dtype, k);
  } else if (source == TNR_CLASS_F32) {
    for (k = 0; k < n; ++k) to->f[k] = tnr_round_f32(from->f[k], dtype);
  } else {
    for (k = 0; k < n; ++k) to->f[k] = tnr_round_f64(from->d[k], dtype);
  }
}

/* n elements at `p`, `step` bytes apart, into to[at...]. */
static inline void tnr_load_run(const char* p, int64_t step, uint32_t dtype, tnr_block* to,
                                int64_t at, int64_t n) {
  uint8_t u8;
  int8_t i8;
  int16_t i16;
  int32_t i32;
  uint16_t u16;
  int64_t k;
  switch (dtype) {
    case TN_DTYPE_BOOL:
      for (k = at; k < at + n; ++k, p += step) to->i[k] = *p != 0;
      break;
    case TN_DTYPE_U8:
      for (k = at; k < at + n; ++k, p += step) memcpy(&u8, p, 1), to->i[k] = u8;
      break;
    case TN_DTYPE_I8:
      for (k = at; k < at + n; ++k, p += step) memcpy(&i8, p, 1), to->i[k] = i8;
      break;
    case TN_DTYPE_I16:
      for (k = at; k < at + n; ++k, p += step) memcpy(&i16, p, 2), to->i[k] = i16;
      break;
    case TN_DTYPE_I32:
      for (k = at; k < at + n; ++k, p += step) memcpy(&i32, p, 4), to->i[k] = i32;
      break;
    case TN_DTYPE_F16:
      for (k = at; k < at + n; ++k, p += step) memcpy(&u16, p, 2), to->f[k] = tnr_f16_to_f32(u16);
      break;
    case TN_DTYPE_BF16:
      for (k = at; k < at + n; ++k, p += step) memcpy(&u16, p, 2), to->f[k] = tnr_bf16_to_f32(u16);
      break;
    case TN_DTYPE_F32:
      if (step == 4)
        memcpy(to->f + at, p, 4u * (size_t)n);
      else
        for (k = at; k < at + n; ++k, p += step) memcpy(&to->f[k], p, 4);
      break;
    default: /* i64, f64: the union's words */
      if (step == 8)
        memcpy(to->i + at, p, 8u * (size_t)n);
      else
        for (k = at; k < at + n; ++k, p += step) memcpy(&to->i[k], p, 8);
      break;
  }
}

/* from[at...], values of `dtype` already, to n elements at `p`. */
static inline void tnr_store_run(const tnr_block* from, int64_t at, uint32_t dtype, char* p,
                                 int64_t step, int64_t n) {
  uint8_t u8;
  uint16_t u16;
  int32_t i32;
  int64_t k;
  switch (dtype) {
    case TN_DTYPE_BOOL:
    case TN_DTYPE_U8:
    case TN_DTYPE_I8:
      for (k = at; k < at + n; ++k, p += step) u8 = (uint8_t)from->i[k], memcpy(p, &u8, 1);
      break;
    case TN_DTYPE_I16:
      for (k = at; k < at + n; ++k, p += step) u16 = (uint16_t)from->i[k], memcpy(p, &u16, 2);
      break;
    case TN_DTYPE_I32:
      for (k = at; k < at + n; ++k, p += step) i32 = (int32_t)from->i[k], memcpy(p, &i32, 4);
      break;
    case TN_DTYPE_F16:
      for (k = at; k < at + n; ++k, p += step) u16 = tnr_f32_to_f16(from->f[k]), memcpy(p, &u16, 2);
      break;
    case TN_DTYPE_BF16:
      for (k = at; k < at + n; ++k, p += step)
        u16 = tnr_f32_to_bf16(from->f[k]), memcpy(p, &u16, 2);
      break;
    case TN_DTYPE_F32:
      if (step == 4)
        memcpy(p, from->f + at, 4u * (size_t)n);
      else
        for (k = at; k < at + n; ++k, p += step) memcpy(p, &from->f[k], 4);
      break;
    default:
      if (step == 8)
        memcpy(p, from->i + at, 8u * (size_t)n);
      else
        for (k = at; k < at + n; ++k, p += step) memcpy(p, &from->i[k], 8);
      break;
  }
}

static inline void tnr_copy_run(char* to, int64_t to_step, const char* from, int64_t from_step,
                                int64_t size, int64_t n) {
  int64_t k;
  if (to_step == size && from_step == size) {
    memmove(to, from, (size_t)(size * n)); /* an output may be the input itself */
  } else if (size == 4) {
    for (k = 0; k < n; ++k, to += to_step, from += from_step) memcpy(to, from, 4);
  } else if (size == 8) {
    for (k = 0; k < n; ++k, to += to_step, from += from_step) memcpy(to, from, 8);
  } else if (size == 2) {
    for (k = 0; k < n; ++k, to += to_step, from += from_step) memcpy(to, from, 2);
  } else {
    for (k = 0; k < n; ++k, to += to_step, from += from_step) *to = *from;
  }
}

/* ---- walks --------------------------------------------------------------------------------- */

/* dtype of a cursor that yields byte offsets instead of elements. */
#define TNR_OFFSETS 0u

/* A position in a strided tensor. Dimensions of extent 1 are dropped and neighbours that lie
 * behind one another merged. After the last element it is back at the first. */
typedef struct tnr_cursor {
  char* data;
  int64_t offset; /* bytes */
  int64_t shape[TN_MAX_RANK];
  int64_t steps[TN_MAX_RANK]; /* bytes */
  int64_t index[TN_MAX_RANK];
  uint32_t rank;
  uint32_t dtype;
} tnr_cursor;

static inline void tnr_cursor_begin(tnr_cursor* c, char* data, uint32_t dtype) {
  c->data = data;
  c->offset = 0;
  c->rank = 0;
  c->dtype = dtype;
}

/* Appends an inner dimension. */
static inline void tnr_cursor_add(tnr_cursor* c, int64_t extent, int64_t step) {
  const uint32_t r = c->rank;
  if (extent == 1) return;
  if (r > 0 && c->steps[r - 1] == step * extent) {
    c->shape[r - 1] *= extent;
    c->steps[r - 1] = step;
    return;
  }
  c->shape[r] = extent;
  c->steps[r] = step;
  c->index[r] = 0;
  c->rank = r + 1;
}

/* Over the dimensions of `mask` of a tensor. */
static inline void tnr_cursor_over(tnr_cursor* c, const tnr_operand* o, uint32_t mask) {
  const tn_tensor* t = o->tensor;
  uint32_t d;
  tnr_cursor_begin(c, o->data, t->dtype);
  for (d = 0; d < t->rank; ++d) {
    if ((mask >> d & 1u) != 0u) tnr_cursor_add(c, t->shape[d], t->strides[d] * tnr_size(t->dtype));
  }
}

static inline void tnr_cursor_all(tnr_cursor* c, const tnr_operand* o) {
  tnr_cursor_over(c, o, 0xffu);
}

/* Elements up to the end of the innermost dimension, and their distance. */
static inline int64_t tnr_cursor_run(const tnr_cursor* c) {
  return c->rank == 0 ? 1 : c->shape[c->rank - 1] - c->index[c->rank - 1];
}

static inline int64_t tnr_cursor_step(const tnr_cursor* c) {
  return c->rank == 0 ? 0 : c->steps[c->rank - 1];
}

/* By n elements, not beyond the run. */
static inline void tnr_cursor_advance(tnr_cursor* c, int64_t n) {
  uint32_t d = c->rank;
  while (d-- > 0) {
    c->index[d] += n;
    c->offset += n * c->steps[d];
    if (c->index[d] < c->shape[d]) return;
    c->offset -= c->shape[d] * c->steps[d];
    c->index[d] = 0;
    n = 1;
  }
}

static inline int64_t tnr_min(int64_t a, int64_t b) { return a < b ? a : b; }

/* The next n <= TNR_BLOCK elements. */
static inline void tnr_load(tnr_cursor* c, tnr_block* to, int64_t n) {
  int64_t at = 0;
  while (at < n) {
    const int64_t part = tnr_min(tnr_cursor_run(c), n - at);
    const int64_t step = tnr_cursor_step(c);
    int64_t k;
    if (c->dtype == TNR_OFFSETS) {
      for (k = 0; k < part; ++k) to->i[at + k] = c->offset + k * step;
    } else {
      tnr_load_run(c->data + c->offset, step, c->dtype, to, at, part);
    }
    tnr_cursor_advance(c, part);
    at += part;
  }
}

static inline void tnr_store(tnr_cursor* c, const tnr_block* from, int64_t n) {
  int64_t at = 0;
  while (at < n) {
    const int64_t part = tnr_min(tnr_cursor_run(c), n - at);
    tnr_store_run(from, at, c->dtype, c->data + c->offset, tnr_cursor_step(c), part);
    tnr_cursor_advance(c, part);
    at += part;
  }
}

/* Product of the extents in `mask`. */
static inline int64_t tnr_count_over(const tn_tensor* t, uint32_t mask) {
  int64_t count = 1;
  uint32_t d;
  for (d = 0; d < t->rank; ++d) {
    if ((mask >> d & 1u) != 0u) count *= t->shape[d];
  }
  return count;
}

static inline int64_t tnr_count(const tn_tensor* t) { return tnr_count_over(t, 0xffu); }

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,bugprone-*,clang-analyzer-*) */

#endif /* TENON_API_REFERENCE_TYPES_H */
