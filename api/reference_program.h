/*
 * Reference kernels, part 2: pointwise programs (PROGRAM.md) and the reducer behind their tails
 * and behind "reduce". Values are computed in blocks: one pass over TNR_BLOCK elements per
 * instruction.
 */
#ifndef TENON_API_REFERENCE_PROGRAM_H
#define TENON_API_REFERENCE_PROGRAM_H

/* NOLINTBEGIN(modernize-*,bugprone-*,clang-analyzer-*): this is C */

#include <tenon/api/reference_types.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest program that fits; a plugin's own limits (tn_device_info) may be smaller. */
#define TNR_INPUTS_MAX 16
#define TNR_SCALARS_MAX 16
#define TNR_INSTRUCTIONS_MAX 32
#define TNR_OUTPUTS_MAX 8
#define TNR_VALUES_MAX (TNR_INPUTS_MAX + TNR_SCALARS_MAX + TNR_INSTRUCTIONS_MAX)

/* A validated program. */
typedef struct tnr_program {
  uint32_t input_count;
  uint32_t scalar_count;
  uint32_t instruction_count;
  uint32_t output_count;
  uint32_t tail;
  uint32_t tail_dims;
  uint32_t outputs[TNR_OUTPUTS_MAX];
  uint32_t dtypes[TNR_VALUES_MAX];
  uint32_t instructions[TNR_INSTRUCTIONS_MAX][4]; /* opcode | dtype << 16, a, b, c */
} tnr_program;

/* ---- validation ---------------------------------------------------------------------------- */

#define TNR_RULE_FLOAT 0x100u
#define TNR_RULE_INT 0x200u
#define TNR_RULE_BOOL 0x400u
#define TNR_RULE_COMPARES 0x800u /* result is bool */

/* Number of operands | dtypes of an opcode; 0xff: unknown. */
static inline uint32_t tnr_opcode_rule(uint32_t opcode) {
  const uint32_t numbers = TNR_RULE_FLOAT | TNR_RULE_INT;
  switch (opcode) {
    case TN_PROGRAM_ATAN2:
      return 2u | TNR_RULE_FLOAT;
    case TN_PROGRAM_FMA:
      return 3u | TNR_RULE_FLOAT;
    case TN_PROGRAM_MIN:
    case TN_PROGRAM_MAX:
      return 2u | numbers | TNR_RULE_BOOL;
    case TN_PROGRAM_AND:
    case TN_PROGRAM_OR:
    case TN_PROGRAM_XOR:
      return 2u | TNR_RULE_INT | TNR_RULE_BOOL;
    case TN_PROGRAM_NOT:
      return 1u | TNR_RULE_INT | TNR_RULE_BOOL;
    case TN_PROGRAM_SHL:
    case TN_PROGRAM_SHR:
      return 2u | TNR_RULE_INT;
    case TN_PROGRAM_ISNAN:
      return 1u | TNR_RULE_FLOAT | TNR_RULE_COMPARES;
    case TN_PROGRAM_WHERE:
      return 3u | numbers | TNR_RULE_BOOL;
    case TN_PROGRAM_CAST:
    case TN_PROGRAM_COPY:
      return 1u | numbers | TNR_RULE_BOOL;
    case TN_PROGRAM_INDEX:
      return 0u | TNR_RULE_INT;
    case TN_PROGRAM_RELU:
      return 1u | numbers;
    default:
      break;
  }
  if (opcode >= TN_PROGRAM_ADD && opcode <= TN_PROGRAM_POW) return 2u | numbers;
  if (opcode >= TN_PROGRAM_EQ && opcode <= TN_PROGRAM_GE) {
    return 2u | numbers | TNR_RULE_BOOL | TNR_RULE_COMPARES;
  }
  if (opcode >= TN_PROGRAM_NEG && opcode <= TN_PROGRAM_ROUND) return 1u | numbers;
  if (opcode >= TN_PROGRAM_SQRT && opcode <= TN_PROGRAM_EXP2) return 1u | TNR_RULE_FLOAT;
  return 0xffu;
}

static inline int tnr_rule_allows(uint32_t rule, uint32_t dtype) {
  if (dtype == TN_DTYPE_BOOL) return (rule & TNR_RULE_BOOL) != 0u;
  return (rule & (tnr_is_float(dtype) ? TNR_RULE_FLOAT : TNR_RULE_INT)) != 0u;
}

/* Checks instruction k and gives its value a dtype. Returns 0 and a reason when it is refused. */
static inline int tnr_check_instruction(tnr_program* p, uint32_t k, uint64_t computes, char* reason,
                                        size_t room) {
  const uint32_t* word = p->instructions[k];
  const uint32_t opcode = word[0] & 0xffffu, dtype = word[0] >> 16;
  const uint32_t rule = tnr_opcode_rule(opcode), arity = rule & 3u;
  const uint32_t own = p->input_count + p->scalar_count + k;
  const int moves = opcode == TN_PROGRAM_CAST || opcode == TN_PROGRAM_COPY;
  uint32_t i;
  if (rule == 0xffu) {
    snprintf(reason, room, "program: unknown opcode %u", opcode);
    return 0;
  }
  if (!tnr_is_known(dtype) || !tnr_rule_allows(rule, dtype) ||
      (opcode == TN_PROGRAM_INDEX && dtype != TN_DTYPE_I64)) {
    snprintf(reason, room, "program: opcode %u is not defined for dtype %s", opcode,
             tnr_name(dtype));
    return 0;
  }
  if (!moves && (computes >> dtype & 1u) == 0u) {
    snprintf(reason, room, "program: this device does not compute %s", tnr_name(dtype));
    return 0;
  }
  for (i = 0; i < arity; ++i) {
    const uint32_t wanted = opcode == TN_PROGRAM_WHERE && i == 0 ? TN_DTYPE_BOOL : dtype;
    if (word[1 + i] >= own || (opcode != TN_PROGRAM_CAST && p->dtypes[word[1 + i]] != wanted)) {
      snprintf(reason, room, "program: instruction %u, operand %u: wrong value or dtype", k, i);
      return 0;
    }
  }
  p->dtypes[own] = (rule & TNR_RULE_COMPARES) != 0u ? TN_DTYPE_BOOL : dtype;
  return 1;
}

static inline int tnr_check_tail(const tnr_program* p, char* reason, size_t room) {
  const uint32_t dtype = p->dtypes[p->outputs[0]];
  const int known = p->tail >= TN_REDUCE_SUM && p->tail <= TN_REDUCE_ALL &&
                    p->tail != TN_REDUCE_ARGMAX && p->tail != TN_REDUCE_ARGMIN;
  const int adds = p->tail == TN_REDUCE_SUM || p->tail == TN_REDUCE_PROD;
  if (known && p->output_count == 1 && !(adds && dtype == TN_DTYPE_BOOL)) return 1;
  snprintf(reason, room, "program: tail %u of %u outputs of dtype %s", p->tail, p->output_count,
           tnr_name(dtype));
  return 0;
}

/* Copies and validates `s` for inputs of these dtypes, within the limits. Returns 0 and a reason
 * when it is refused. */
static inline int tnr_program_read(const tn_program* s, const uint32_t* input_dtypes,
                                   const tn_device_info* limits, tnr_program* p, char* reason,
                                   size_t room) {
  uint32_t i, values;
  memset(p, 0, sizeof *p);
  if (s->input_count > limits->program_inputs || s->scalar_count > limits->program_scalars ||
      s->instruction_count > limits->program_instructions ||
      s->output_count > limits->program_outputs || s->output_count == 0 ||
      s->input_count > TNR_INPUTS_MAX || s->scalar_count > TNR_SCALARS_MAX ||
      s->instruction_count > TNR_INSTRUCTIONS_MAX || s->output_count > TNR_OUTPUTS_MAX ||
      (s->tail != 0 && limits->program_tail == 0)) {
    snprintf(reason, room,
             "program: beyond the limits: %u in, %u scalars, %u steps, %u out, tail %u",
             s->input_count, s->scalar_count, s->instruction_count, s->output_count, s->tail);
    return 0;
  }
  p->input_count = s->input_count;
  p->scalar_count = s->scalar_count;
  p->instruction_count = s->instruction_count;
  p->output_count = s->output_count;
  p->tail = s->tail;
  p->tail_dims = s->tail_dims;
  values = s->input_count + s->scalar_count + s->instruction_count;
  for (i = 0; i < s->input_count; ++i) p->dtypes[i] = input_dtypes[i];
  for (i = 0; i < s->scalar_count; ++i) {
    if (!tnr_is_known(s->scalar_dtypes[i])) {
      snprintf(reason, room, "program: unknown dtype %u", s->scalar_dtypes[i]);
      return 0;
    }
    p->dtypes[s->input_count + i] = s->scalar_dtypes[i];
  }
  for (i = 0; i < s->instruction_count; ++i) {
    memcpy(p->instructions[i], s->instructions + 4u * i, sizeof p->instructions[i]);
    if (!tnr_check_instruction(p, i, limits->compute_dtypes, reason, room)) return 0;
  }
  for (i = 0; i < s->output_count; ++i) {
    p->outputs[i] = s->outputs[i];
    if (s->outputs[i] >= values) {
      snprintf(reason, room, "program: output %u names no value", i);
      return 0;
    }
  }
  return p->tail == 0 || tnr_check_tail(p, reason, room);
}

/* ---- integers and bool --------------------------------------------------------------------- */

/* Integer power, modulo 2^64; negative exponents as PROGRAM.md says. */
static inline int64_t tnr_power(int64_t base, int64_t exponent) {
  uint64_t result = 1, square = (uint64_t)base;
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return (exponent & 1) != 0 ? -1 : 1;
    return 0;
  }
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= square;
    square *= square;
  }
  return (int64_t)result;
}

static inline int64_t tnr_shift(uint32_t opcode, int64_t x, int64_t by, uint32_t dtype) {
  const int64_t width = 8 * tnr_size(dtype);
  if (by < 0) return 0;
  if (opcode == TN_PROGRAM_SHL) return by >= width ? 0 : (int64_t)((uint64_t)x << by);
  if (by >= width) return x < 0 ? -1 : 0;
  return x < 0 ? ~(~x >> by) : x >> by;
}

/* The opcodes that are not worth a loop of their own; wraps are the caller's. */
static inline int64_t tnr_int_op(uint32_t opcode, int64_t a, int64_t b, uint32_t dtype) {
  switch (opcode) {
    case TN_PROGRAM_DIV:
      return b == 0 ? 0 : b == -1 ? (int64_t)(0u - (uint64_t)a) : a / b;
    case TN_PROGRAM_REM:
      return b == 0 || b == -1 ? 0 : a % b;
    case TN_PROGRAM_POW:
      return tnr_power(a, b);
    case TN_PROGRAM_MIN:
      return a < b ? a : b;
    case TN_PROGRAM_MAX:
      return a > b ? a : b;
    case TN_PROGRAM_AND:
      return a & b;
    case TN_PROGRAM_OR:
      return a | b;
    case TN_PROGRAM_XOR:
      return a ^ b;
    case TN_PROGRAM_NOT:
      return dtype == TN_DTYPE_BOOL ? !a : ~a;
    case TN_PROGRAM_SHL:
    case TN_PROGRAM_SHR:
      return tnr_shift(opcode, a, b, dtype);
    case TN_PROGRAM_EQ:
      return a == b;
    case TN_PROGRAM_NE:
      return a != b;
    case TN_PROGRAM_LT:
      return a < b;
    case TN_PROGRAM_LE:
      return a <= b;
    case TN_PROGRAM_GT:
      return a > b;
    case TN_PROGRAM_GE:
      return a >= b;
    case TN_PROGRAM_NEG:
      return (int64_t)(0u - (uint64_t)a);
    case TN_PROGRAM_ABS:
      return a < 0 ? (int64_t)(0u - (uint64_t)a) : a;
    case TN_PROGRAM_SIGN:
      return (a > 0) - (a < 0);
    case TN_PROGRAM_RELU:
      return a > 0 ? a : 0;
    default:
      return a; /* FLOOR CEIL TRUNC ROUND COPY */
  }
}

static inline void tnr_step_int(uint32_t opcode, uint32_t dtype, const tnr_block* const* v,
                                tnr_block* to, int64_t n) {
  const int64_t* a = v[0]->i;
  const int64_t* b = v[1]->i;
  int64_t k;
  switch (opcode) {
    case TN_PROGRAM_ADD:
      for (k = 0; k < n; ++k) to->i[k] = (int64_t)((uint64_t)a[k] + (uint64_t)b[k]);
      break;
    case TN_PROGRAM_SUB:
      for (k = 0; k < n; ++k) to->i[k] = (int64_t)((uint64_t)a[k] - (uint64_t)b[k]);
      break;
    case TN_PROGRAM_MUL:
      for (k = 0; k < n; ++k) to->i[k] = (int64_t)((uint64_t)a[k] * (uint64_t)b[k]);
      break;
    case TN_PROGRAM_WHERE:
      for (k = 0; k < n; ++k) to->i[k] = a[k] != 0 ? b[k] : v[2]->i[k];
      break;
    default:
      for (k = 0; k < n; ++k) to->i[k] = tnr_int_op(opcode, a[k], b[k], dtype);
      break;
  }
  if (dtype != TN_DTYPE_I64) {
    for (k = 0; k < n; ++k) to->i[k] = tnr_wrap(to->i[k], dtype);
  }
}

/* ---- floats -------------------------------------------------------------------------------- */

static inline float tnr_negf(float x) { return -x; }
static inline float tnr_signf(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }
static inline float tnr_rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float tnr_recipf(float x) { return 1.0f / x; }
static inline float tnr_reluf(float x) { return x <= 0 ? 0.0f : x; }
static inline float tnr_samef(float x) { return x; }
static inline float tnr_sigmoidf(float x) {
  const float e = expf(-fabsf(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

static inline double tnr_neg(double x) { return -x; }
static inline double tnr_sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }
static inline double tnr_rsqrt(double x) { return 1.0 / sqrt(x); }
static inline double tnr_recip(double x) { return 1.0 / x; }
static inline double tnr_relu(double x) { return x <= 0 ? 0.0 : x; }
static inline double tnr_same(double x) { return x; }
static inline double tnr_sigmoid(double x) {
  const double e = exp(-fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

typedef float (*tnr_f32_function)(float);
typedef double (*tnr_f64_function)(double);

/* One operand in, one out. */
typedef struct tnr_function {
  tnr_f32_function f32;
  tnr_f64_function f64;
} tnr_function;

static inline tnr_function tnr_unary(uint32_t opcode) {
  /* in the order of the opcodes, NEG to RELU */
  static const tnr_function functions[] = {
      {tnr_negf, tnr_neg},
      {fabsf, fabs},
      {tnr_signf, tnr_sign},
      {floorf, floor},
      {ceilf, ceil},
      {truncf, trunc},
      {nearbyintf, nearbyint},
      {sqrtf, sqrt},
      {tnr_rsqrtf, tnr_rsqrt},
      {tnr_recipf, tnr_recip},
      {expf, exp},
      {expm1f, expm1},
      {logf, log},
      {log1pf, log1p},
      {sinf, sin},
      {cosf, cos},
      {tanf, tan},
      {asinf, asin},
      {acosf, acos},
      {atanf, atan},
      {sinhf, sinh},
      {coshf, cosh},
      {tanhf, tanh},
      {asinhf, asinh},
      {acoshf, acosh},
      {atanhf, atanh},
      {erff, erf},
      {erfcf, erfc},
      {tnr_sigmoidf, tnr_sigmoid},
      {log2f, log2},
      {exp2f, exp2},
      {tnr_reluf, tnr_relu},
  };
  static const tnr_function same = {tnr_samef, tnr_same};
  return opcode >= TN_PROGRAM_NEG && opcode <= TN_PROGRAM_RELU ? functions[opcode - TN_PROGRAM_NEG]
                                                               : same;
}

static inline void tnr_step_f32(uint32_t opcode, uint32_t dtype, const tnr_block* const* v,
                                tnr_block* to, int64_t n) {
  const float* a = v[0]->f;
  const float* b = v[1]->f;
  const tnr_f32_function function = tnr_unary(opcode).f32;
  int64_t k;
  switch (opcode) {
    case TN_PROGRAM_ADD:
      for (k = 0; k < n; ++k) to->f[k] = a[k] + b[k];
      break;
    case TN_PROGRAM_SUB:
      for (k = 0; k < n; ++k) to->f[k] = a[k] - b[k];
      break;
    case TN_PROGRAM_MUL:
      for (k = 0; k < n; ++k) to->f[k] = a[k] * b[k];
      break;
    case TN_PROGRAM_DIV:
      for (k = 0; k < n; ++k) to->f[k] = a[k] / b[k];
      break;
    case TN_PROGRAM_MIN:
      for (k = 0; k < n; ++k) to->f[k] = a[k] < b[k] || isnan(a[k]) ? a[k] : b[k];
      break;
    case TN_PROGRAM_MAX:
      for (k = 0; k < n; ++k) to->f[k] = a[k] > b[k] || isnan(a[k]) ? a[k] : b[k];
      break;
    case TN_PROGRAM_WHERE:
      for (k = 0; k < n; ++k) to->f[k] = v[0]->i[k] != 0 ? b[k] : v[2]->f[k];
      return;
    case TN_PROGRAM_REM:
      for (k = 0; k < n; ++k) to->f[k] = fmodf(a[k], b[k]);
      break;
    case TN_PROGRAM_POW:
      for (k = 0; k < n; ++k) to->f[k] = powf(a[k], b[k]);
      break;
    case TN_PROGRAM_ATAN2:
      for (k = 0; k < n; ++k) to->f[k] = atan2f(a[k], b[k]);
      break;
    case TN_PROGRAM_FMA:
      for (k = 0; k < n; ++k) to->f[k] = fmaf(a[k], b[k], v[2]->f[k]);
      break;
    case TN_PROGRAM_COPY:
      memcpy(to->f, a, (size_t)n * sizeof(float));
      return;
    default:
      for (k = 0; k < n; ++k) to->f[k] = function(a[k]);
      break;
  }
  if (dtype != TN_DTYPE_F32) {
    for (k = 0; k < n; ++k) to->f[k] = tnr_round_f32(to->f[k], dtype);
  }
}

static inline void tnr_step_f64(uint32_t opcode, const tnr_block* const* v, tnr_block* to,
                                int64_t n) {
  const double* a = v[0]->d;
  const double* b = v[1]->d;
  const tnr_f64_function function = tnr_unary(opcode).f64;
  int64_t k;
  switch (opcode) {
    case TN_PROGRAM_ADD:
      for (k = 0; k < n; ++k) to->d[k] = a[k] + b[k];
      break;
    case TN_PROGRAM_SUB:
      for (k = 0; k < n; ++k) to->d[k] = a[k] - b[k];
      break;
    case TN_PROGRAM_MUL:
      for (k = 0; k < n; ++k) to->d[k] = a[k] * b[k];
      break;
    case TN_PROGRAM_DIV:
      for (k = 0; k < n; ++k) to->d[k] = a[k] / b[k];
      break;
    case TN_PROGRAM_MIN:
      for (k = 0; k < n; ++k) to->d[k] = a[k] < b[k] || isnan(a[k]) ? a[k] : b[k];
      break;
    case TN_PROGRAM_MAX:
      for (k = 0; k < n; ++k) to->d[k] = a[k] > b[k] || isnan(a[k]) ? a[k] : b[k];
      break;
    case TN_PROGRAM_WHERE:
      for (k = 0; k < n; ++k) to->d[k] = v[0]->i[k] != 0 ? b[k] : v[2]->d[k];
      break;
    case TN_PROGRAM_REM:
      for (k = 0; k < n; ++k) to->d[k] = fmod(a[k], b[k]);
      break;
    case TN_PROGRAM_POW:
      for (k = 0; k < n; ++k) to->d[k] = pow(a[k], b[k]);
      break;
    case TN_PROGRAM_ATAN2:
      for (k = 0; k < n; ++k) to->d[k] = atan2(a[k], b[k]);
      break;
    case TN_PROGRAM_FMA:
      for (k = 0; k < n; ++k) to->d[k] = fma(a[k], b[k], v[2]->d[k]);
      break;
    case TN_PROGRAM_COPY:
      memcpy(to->d, a, (size_t)n * sizeof(double));
      break;
    default:
      for (k = 0; k < n; ++k) to->d[k] = function(a[k]);
      break;
  }
}

/* Comparison of floats, exact in double; the result is bool. */
static inline void tnr_step_compare(uint32_t opcode, uint32_t dtype, const tnr_block* const* v,
                                    tnr_block* to, int64_t n) {
  int64_t k;
  for (k = 0; k < n; ++k) {
    const double a = tnr_real_at(v[0], dtype, k), b = tnr_real_at(v[1], dtype, k);
    switch (opcode) {
      case TN_PROGRAM_EQ:
        to->i[k] = a == b;
        break;
      case TN_PROGRAM_NE:
        to->i[k] = a != b;
        break;
      case TN_PROGRAM_LT:
        to->i[k] = a < b;
        break;
      case TN_PROGRAM_LE:
        to->i[k] = a <= b;
        break;
      case TN_PROGRAM_GT:
        to->i[k] = a > b;
        break;
      case TN_PROGRAM_GE:
        to->i[k] = a >= b;
        break;
      default:
        to->i[k] = isnan(a);
        break; /* ISNAN */
    }
  }
}

/* ---- running ------------------------------------------------------------------------------- */

/* Computes the values of all instructions for n elements; inputs and scalars are in place.
 * `position` yields row-major element numbers, for INDEX. */
static inline void tnr_program_block(const tnr_program* p, tnr_block* values, int64_t n,
                                     tnr_cursor* position) {
  const uint32_t first = p->input_count + p->scalar_count;
  uint32_t k;
  for (k = 0; k < p->instruction_count; ++k) {
    const uint32_t* word = p->instructions[k];
    const uint32_t opcode = word[0] & 0xffffu, dtype = word[0] >> 16;
    const tnr_block* v[3];
    tnr_block* to = values + first + k;
    v[0] = values + word[1]; /* unused operand words are 0: value 0 or the result itself */
    v[1] = values + word[2];
    v[2] = values + word[3];
    if (opcode == TN_PROGRAM_INDEX) {
      tnr_cursor here = *position;
      tnr_load(&here, to, n);
    } else if (opcode == TN_PROGRAM_CAST) {
      tnr_cast(v[0], p->dtypes[word[1]], to, dtype, n);
    } else if (tnr_class(dtype) == TNR_CLASS_INT) {
      tnr_step_int(opcode, dtype, v, to, n);
    } else if (p->dtypes[first + k] == TN_DTYPE_BOOL) {
      tnr_step_compare(opcode, dtype, v, to, n);
    } else if (tnr_class(dtype) == TNR_CLASS_F32) {
      tnr_step_f32(opcode, dtype, v, to, n);
    } else {
      tnr_step_f64(opcode, v, to, n);
    }
  }
}

/* Fills a block with a scalar slot, converted as CAST does. */
static inline void tnr_fill_block(uint64_t slot, uint32_t dtype, tnr_block* to, int64_t n) {
  tnr_block wide;
  int64_t k;
  for (k = 0; k < n; ++k) memcpy(&wide.i[k], &slot, sizeof slot);
  tnr_cast(&wide, tnr_is_float(dtype) ? TN_DTYPE_F64 : TN_DTYPE_I64, to, dtype, n);
}

static inline void tnr_fill_scalars(const tnr_program* p, const uint64_t* scalars,
                                    tnr_block* values) {
  uint32_t i;
  for (i = 0; i < p->scalar_count; ++i) {
    const uint32_t value = p->input_count + i;
    tnr_fill_block(scalars[i], p->dtypes[value], values + value, TNR_BLOCK);
  }
}

/* A cursor over row-major element numbers of t, in the order of the dimensions kept by mask. */
static inline void tnr_cursor_numbers(tnr_cursor* c, const tn_tensor* t, uint32_t mask) {
  int64_t steps[TN_MAX_RANK];
  int64_t step = 1;
  uint32_t d;
  for (d = t->rank; d-- > 0;) {
    steps[d] = step;
    step *= t->shape[d];
  }
  tnr_cursor_begin(c, NULL, TNR_OFFSETS);
  for (d = 0; d < t->rank; ++d) {
    if ((mask >> d & 1u) != 0u) tnr_cursor_add(c, t->shape[d], steps[d]);
  }
}

/* Operands: outputs, then inputs. A program without inputs or scalars may still name value 0 in
 * unused words: that is its first instruction. */
static inline void tnr_program_run(const tnr_program* p, const tnr_operand* operands,
                                   const uint64_t* scalars) {
  tnr_block values[TNR_VALUES_MAX];
  tnr_cursor in[TNR_INPUTS_MAX], out[TNR_OUTPUTS_MAX], position;
  const int64_t count = tnr_count(operands[0].tensor);
  int64_t done, n;
  uint32_t i;
  if (count == 0) return;
  for (i = 0; i < p->output_count; ++i) tnr_cursor_all(out + i, operands + i);
  for (i = 0; i < p->input_count; ++i) tnr_cursor_all(in + i, operands + p->output_count + i);
  tnr_cursor_numbers(&position, operands[0].tensor, 0xffu);
  tnr_fill_scalars(p, scalars, values);
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    for (i = 0; i < p->input_count; ++i) tnr_load(in + i, values + i, n);
    tnr_program_block(p, values, n, &position);
    for (i = 0; i < p->output_count; ++i) tnr_store(out + i, values + p->outputs[i], n);
    if (done + n < count) { /* moves `position` on by n, run by run */
      int64_t rest = n;
      while (rest > 0) {
        const int64_t part = tnr_min(tnr_cursor_run(&position), rest);
        tnr_cursor_advance(&position, part);
        rest -= part;
      }
    }
  }
}

/* ---- the reducer --------------------------------------------------------------------------- */

/* Sums (products, extremes) up blocks: each block one after another, blocks pairwise like a binary
 * counter, so that the tree depends on the number of elements alone. Floats in double. */
typedef struct tnr_reducer {
  double real[64];
  int64_t integer[64];
  uint64_t blocks;
  uint32_t kind; /* TN_REDUCE_*, but for the arguments */
  uint32_t dtype;
} tnr_reducer;

static inline void tnr_reducer_begin(tnr_reducer* r, uint32_t kind, uint32_t dtype) {
  r->blocks = 0;
  r->kind = kind;
  r->dtype = dtype;
}

static inline double tnr_join_real(uint32_t kind, double a, double b) {
  switch (kind) {
    case TN_REDUCE_SUM:
      return a + b;
    case TN_REDUCE_PROD:
      return a * b;
    case TN_REDUCE_MAX:
      return a > b || isnan(a) ? a : b;
    default:
      return a < b || isnan(a) ? a : b; /* MIN */
  }
}

static inline int64_t tnr_join_int(uint32_t kind, int64_t a, int64_t b) {
  switch (kind) {
    case TN_REDUCE_SUM:
      return (int64_t)((uint64_t)a + (uint64_t)b);
    case TN_REDUCE_PROD:
      return (int64_t)((uint64_t)a * (uint64_t)b);
    case TN_REDUCE_MAX:
      return a > b ? a : b;
    case TN_REDUCE_MIN:
      return a < b ? a : b;
    case TN_REDUCE_ANY:
      return a | b;
    default:
      return a & b; /* ALL */
  }
}

static inline int tnr_reduces_real(const tnr_reducer* r) {
  return tnr_is_float(r->dtype) && r->kind <= TN_REDUCE_MIN;
}

/* ANY and ALL look at truth values. */
static inline int64_t tnr_truth(const tnr_block* b, uint32_t dtype, int64_t k) {
  return tnr_is_float(dtype) ? !(tnr_real_at(b, dtype, k) == 0.0) : b->i[k] != 0;
}

/* The next block; all but the last have TNR_BLOCK elements. */
static inline void tnr_reducer_push(tnr_reducer* r, const tnr_block* b, int64_t n) {
  const int logical = r->kind == TN_REDUCE_ANY || r->kind == TN_REDUCE_ALL;
  uint64_t counter = r->blocks++;
  uint32_t level = 0;
  int64_t k;
  if (tnr_reduces_real(r)) {
    double sum = tnr_real_at(b, r->dtype, 0);
    for (k = 1; k < n; ++k) sum = tnr_join_real(r->kind, sum, tnr_real_at(b, r->dtype, k));
    for (; (counter & 1u) != 0u; counter >>= 1, ++level) {
      sum = tnr_join_real(r->kind, r->real[level], sum);
    }
    r->real[level] = sum;
    return;
  } else {
    int64_t sum = logical ? tnr_truth(b, r->dtype, 0) : b->i[0];
    for (k = 1; k < n; ++k) {
      sum = tnr_join_int(r->kind, sum, logical ? tnr_truth(b, r->dtype, k) : b->i[k]);
    }
    for (; (counter & 1u) != 0u; counter >>= 1, ++level) {
      sum = tnr_join_int(r->kind, r->integer[level], sum);
    }
    r->integer[level] = sum;
  }
}

/* The result as element 0 of a block of `dtype` (the dtype reduced, bool for ANY and ALL). */
static inline void tnr_reducer_finish(const tnr_reducer* r, uint32_t dtype, tnr_block* to) {
  const int one = r->kind == TN_REDUCE_PROD || r->kind == TN_REDUCE_ALL;
  tnr_block wide;
  uint32_t level;
  int first = 1;
  if (tnr_reduces_real(r)) {
    double sum = one ? 1.0 : 0.0;
    for (level = 0; level < 64u; ++level) {
      if ((r->blocks >> level & 1u) == 0u) continue;
      sum = first ? r->real[level] : tnr_join_real(r->kind, r->real[level], sum);
      first = 0;
    }
    wide.d[0] = sum;
    tnr_cast(&wide, TN_DTYPE_F64, to, dtype, 1);
  } else {
    int64_t sum = one;
    for (level = 0; level < 64u; ++level) {
      if ((r->blocks >> level & 1u) == 0u) continue;
      sum = first ? r->integer[level] : tnr_join_int(r->kind, r->integer[level], sum);
      first = 0;
    }
    wide.i[0] = sum;
    tnr_cast(&wide, TN_DTYPE_I64, to, dtype, 1);
  }
}

/* The iteration space of a program with a tail is that of its inputs; without inputs every reduced
 * dimension would be unknown, so such a program is refused by tnr_query. */
static inline void tnr_program_reduce(const tnr_program* p, const tnr_operand* operands,
                                      const uint64_t* scalars) {
  tnr_block values[TNR_VALUES_MAX], result;
  tnr_cursor kept[TNR_INPUTS_MAX], in[TNR_INPUTS_MAX], out, base, position;
  const tn_tensor* space = operands[1].tensor;
  const uint32_t reduced = p->tail_dims, stays = ~p->tail_dims;
  const int64_t outer = tnr_count_over(space, stays), inner = tnr_count_over(space, reduced);
  int64_t o, done, n, rest;
  uint32_t i;
  tnr_reducer reducer;
  if (outer == 0) return;
  tnr_cursor_all(&out, operands);
  for (i = 0; i < p->input_count; ++i) {
    tnr_cursor_over(kept + i, operands + 1 + i, stays);
    tnr_cursor_over(in + i, operands + 1 + i, reduced);
  }
  tnr_cursor_numbers(&base, space, stays);
  tnr_cursor_numbers(&position, space, reduced);
  tnr_fill_scalars(p, scalars, values);
  for (o = 0; o < outer; ++o) {
    tnr_reducer_begin(&reducer, p->tail, p->dtypes[p->outputs[0]]);
    for (i = 0; i < p->input_count; ++i) in[i].data = kept[i].data + kept[i].offset;
    position.offset = base.offset;
    for (done = 0; done < inner; done += n) {
      n = tnr_min(TNR_BLOCK, inner - done);
      for (i = 0; i < p->input_count; ++i) tnr_load(in + i, values + i, n);
      tnr_program_block(p, values, n, &position);
      tnr_reducer_push(&reducer, values + p->outputs[0], n);
      for (rest = n; rest > 0;) {
        const int64_t part = tnr_min(tnr_cursor_run(&position), rest);
        tnr_cursor_advance(&position, part);
        rest -= part;
      }
    }
    tnr_reducer_finish(&reducer, out.dtype, &result);
    tnr_store(&out, &result, 1);
    for (i = 0; i < p->input_count; ++i) tnr_cursor_advance(kept + i, 1);
    tnr_cursor_advance(&base, 1);
  }
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,bugprone-*,clang-analyzer-*) */

#endif /* TENON_API_REFERENCE_PROGRAM_H */
