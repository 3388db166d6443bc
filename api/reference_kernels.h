/*
 * Reference kernels: plain loops for every required operator of OPERATORS.md, so that a plugin in C
 * is complete on its first day and replaces them one at a time. They work on host pointers; a
 * plugin whose buffers live elsewhere maps or copies them first.
 *
 *   query:      tnr_query(&info, signature, &answer)
 *   prepare:    tnr_kernel* k = malloc(sizeof *k); tnr_prepare(&info, signature, k)
 *   workspace:  tnr_workspace(k, operands, &size)
 *   launch:     tnr_operand o[...] = {{base + offset_bytes, operands[i]}, ...};
 *               tnr_launch(k, o, scalars, workspace, &report)
 *
 * tnr_launch computes before it returns, allocates nothing and keeps no state, so it may be called
 * from any thread. On a bad index it goes on with the index clamped and returns TN_INDEX_ERROR: an
 * inline plugin passes that on, an asynchronous one stores the tag for stream_sync.
 * report.text holds the text of any failure.
 *
 * C11 and C++20, header-only, needs <math.h>, <stdio.h>, <string.h> and -lm. Compile with
 * -ffp-contract=off: PROGRAM.md allows no fused multiply-add that was not asked for.
 */
#ifndef TENON_API_REFERENCE_KERNELS_H
#define TENON_API_REFERENCE_KERNELS_H

/* NOLINTBEGIN(modernize-*,bugprone-*,clang-analyzer-*): this is C */

#include <tenon/api/reference_operators.h>
#include <tenon/api/reference_program.h>
#include <tenon/api/reference_types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TNR_OPERANDS_MAX (TNR_INPUTS_MAX + TNR_OUTPUTS_MAX)

/* A prepared kernel: what a signature says, without pointers into it. */
typedef struct tnr_kernel {
  uint32_t op; /* TNR_* below */
  uint32_t operand_count;
  int64_t attributes[2];
  uint32_t dtypes[TNR_OPERANDS_MAX];
  uint32_t ranks[TNR_OPERANDS_MAX];
  tnr_program program;
} tnr_kernel;

#define TNR_FILL 0u
#define TNR_COPY 1u
#define TNR_PROGRAM 2u
#define TNR_REDUCE 3u
#define TNR_MATMUL 4u
#define TNR_GATHER 5u
#define TNR_SCATTER 6u
#define TNR_SCAN 7u
#define TNR_SORT 8u
#define TNR_NONZERO_COUNT 9u
#define TNR_NONZERO 10u
#define TNR_RANDOM 11u
#define TNR_OP_COUNT 12u

/* ---- query --------------------------------------------------------------------------------- */

/* What an operator's signature must look like. */
typedef struct tnr_rule {
  const char* name;
  uint32_t operands;
  uint32_t outputs;
  uint32_t attributes;
  uint32_t computes; /* 1: the dtype of operand 0 must be one that the device computes */
} tnr_rule;

static inline const tnr_rule* tnr_rules(void) {
  static const tnr_rule rules[TNR_OP_COUNT] = {
      {TN_OP_FILL, 1, 1, 0, 0},          {TN_OP_COPY, 2, 1, 0, 0},    {TN_OP_PROGRAM, 0, 0, 0, 0},
      {TN_OP_REDUCE, 2, 1, 2, 0},        {TN_OP_MATMUL, 3, 1, 0, 1},  {TN_OP_GATHER, 3, 1, 1, 0},
      {TN_OP_SCATTER, 3, 1, 2, 0},       {TN_OP_SCAN, 2, 1, 2, 1},    {TN_OP_SORT, 3, 2, 2, 1},
      {TN_OP_NONZERO_COUNT, 2, 1, 0, 0}, {TN_OP_NONZERO, 2, 1, 0, 0}, {TN_OP_RANDOM, 1, 1, 1, 0}};
  return rules;
}

/* TNR_OP_COUNT when there is no such operator. */
static inline uint32_t tnr_find(const tn_signature* s) {
  uint32_t op;
  for (op = 0; op < TNR_OP_COUNT; ++op) {
    const char* name = tnr_rules()[op].name;
    if (strlen(name) == s->op_size && memcmp(name, s->op, s->op_size) == 0) break;
  }
  return op;
}

static inline int tnr_refuse(char* reason, size_t room, const tnr_kernel* k, const char* what) {
  snprintf(reason, room, "%s: %s, got %s", tnr_rules()[k->op].name, what, tnr_name(k->dtypes[0]));
  return 0;
}

static inline int tnr_check_reduce(const tnr_kernel* k, char* reason, size_t room) {
  const int64_t kind = k->attributes[0], dims = k->attributes[1];
  const uint32_t out = k->dtypes[0], in = k->dtypes[1];
  const int argument = kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN;
  if (kind < TN_REDUCE_SUM || kind > TN_REDUCE_ALL || k->ranks[0] != k->ranks[1] || dims < 0 ||
      dims >> k->ranks[1] != 0) {
    return tnr_refuse(reason, room, k, "unknown kind or dims");
  }
  if (argument) {
    if (out == TN_DTYPE_I64 && dims != 0 && (dims & (dims - 1)) == 0) return 1;
    return tnr_refuse(reason, room, k, "argmax and argmin take one dimension, out is i64");
  }
  if (kind >= TN_REDUCE_ANY) {
    return out == TN_DTYPE_BOOL || tnr_refuse(reason, room, k, "any and all give bool");
  }
  if (out == in && (in != TN_DTYPE_BOOL || kind >= TN_REDUCE_MAX)) return 1;
  return tnr_refuse(reason, room, k, "out has the dtype of in, and bool has no sum");
}

static inline int tnr_check_indexed(const tnr_kernel* k, uint32_t index, uint32_t data,
                                    char* reason, size_t room) {
  if (k->dtypes[index] != TN_DTYPE_I64) {
    return tnr_refuse(reason, room, k, "the index must be i64");
  }
  if (k->dtypes[0] != k->dtypes[data] || k->ranks[0] != k->ranks[data] ||
      k->ranks[index] != k->ranks[0]) {
    return tnr_refuse(reason, room, k, "operands must agree in dtype and rank");
  }
  return 1;
}

/* dtypes, ranks and attributes of one operator; 0 and a reason when refused. */
static inline int tnr_check_op(const tnr_kernel* k, char* reason, size_t room) {
  const int alongs = k->op >= TNR_GATHER && k->op <= TNR_SORT;
  if (alongs && (k->attributes[0] < 0 || k->attributes[0] >= k->ranks[0])) {
    return tnr_refuse(reason, room, k, "dim is out of range");
  }
  switch (k->op) {
    case TNR_COPY:
      return k->ranks[0] == k->ranks[1] || tnr_refuse(reason, room, k, "ranks must be equal");
    case TNR_REDUCE:
      return tnr_check_reduce(k, reason, room);
    case TNR_MATMUL:
      if (k->dtypes[0] != k->dtypes[1] || k->dtypes[0] != k->dtypes[2] || k->ranks[0] < 2 ||
          k->ranks[0] != k->ranks[1] || k->ranks[0] != k->ranks[2] ||
          k->dtypes[0] == TN_DTYPE_BOOL) {
        return tnr_refuse(reason, room, k, "one dtype but bool, one rank >= 2");
      }
      return 1;
    case TNR_GATHER:
      return tnr_check_indexed(k, 2, 1, reason, room);
    case TNR_SCATTER:
      if (k->attributes[1] != TN_SCATTER_SET && k->attributes[1] != TN_SCATTER_ADD) {
        return tnr_refuse(reason, room, k, "unknown mode");
      }
      return tnr_check_indexed(k, 1, 2, reason, room);
    case TNR_SCAN:
      if (k->dtypes[0] != k->dtypes[1] || k->dtypes[0] == TN_DTYPE_BOOL ||
          k->ranks[0] != k->ranks[1] || (k->attributes[1] & ~INT64_C(1)) != 0) {
        return tnr_refuse(reason, room, k, "one dtype but bool, one rank, sum or product");
      }
      return 1;
    case TNR_SORT:
      return tnr_check_indexed(k, 1, 2, reason, room);
    case TNR_NONZERO_COUNT:
      return (k->dtypes[0] == TN_DTYPE_I64 && k->ranks[0] == 0) ||
             tnr_refuse(reason, room, k, "count is i64 of rank 0");
    case TNR_NONZERO:
      return (k->dtypes[0] == TN_DTYPE_I64 && k->ranks[0] == 2) ||
             tnr_refuse(reason, room, k, "indices are i64 of rank 2");
    case TNR_RANDOM:
      return (k->attributes[0] == TN_RANDOM_BITS && k->dtypes[0] == TN_DTYPE_I64) ||
             (k->attributes[0] == TN_RANDOM_UNIFORM && k->dtypes[0] == TN_DTYPE_F32) ||
             tnr_refuse(reason, room, k, "bits are i64, uniform is f32");
    default:
      return 1;
  }
}

/* Operand and attribute counts, and the kernel's copy of them. */
static inline int tnr_read_operands(const tn_signature* s, tnr_kernel* k, char* reason,
                                    size_t room) {
  const tnr_rule* rule = tnr_rules() + k->op;
  uint32_t i;
  if (s->operand_count == 0 || s->operand_count > TNR_OPERANDS_MAX ||
      (k->op != TNR_PROGRAM &&
       (s->operand_count != rule->operands || s->output_count != rule->outputs ||
        s->attribute_count != rule->attributes))) {
    snprintf(reason, room, "%s: %u operands (%u out) and %u attributes do not fit", rule->name,
             s->operand_count, s->output_count, s->attribute_count);
    return 0;
  }
  k->operand_count = s->operand_count;
  for (i = 0; i < s->operand_count; ++i) {
    k->dtypes[i] = TN_CLASS_DTYPE(s->classes[i]);
    k->ranks[i] = TN_CLASS_RANK(s->classes[i]);
    if (!tnr_is_known(k->dtypes[i]) || k->ranks[i] > TN_MAX_RANK) {
      snprintf(reason, room, "%s: operand %u has an unknown dtype or rank", rule->name, i);
      return 0;
    }
  }
  for (i = 0; i < rule->attributes; ++i) k->attributes[i] = s->attributes[i];
  return 1;
}

static inline int tnr_read_program(const tn_device_info* info, const tn_signature* s, tnr_kernel* k,
                                   char* reason, size_t room) {
  const tn_program* p = s->program;
  uint32_t i;
  if (p == NULL || p->output_count != s->output_count || s->output_count > s->operand_count ||
      p->input_count != s->operand_count - s->output_count ||
      (p->tail != 0 && p->input_count == 0)) {
    snprintf(reason, room, "program: operands and program do not fit");
    return 0;
  }
  if (!tnr_program_read(p, k->dtypes + p->output_count, info, &k->program, reason, room)) return 0;
  for (i = 0; i < k->operand_count; ++i) {
    const uint32_t dtype = i < p->output_count ? k->program.dtypes[p->outputs[i]] : k->dtypes[i];
    const uint32_t wanted = p->tail >= TN_REDUCE_ANY ? TN_DTYPE_BOOL : dtype;
    if (k->ranks[i] != k->ranks[0] || (i < p->output_count && k->dtypes[i] != wanted)) {
      snprintf(reason, room, "program: operand %u has the wrong dtype or rank", i);
      return 0;
    }
  }
  return 1;
}

/* Reads a signature into a kernel; 0 and a reason when these kernels cannot run it. */
static inline int tnr_read(const tn_device_info* info, const tn_signature* s, tnr_kernel* k,
                           char* reason, size_t room) {
  memset(k, 0, sizeof *k);
  k->op = tnr_find(s);
  if (k->op == TNR_OP_COUNT || s->op_version != 1u) {
    snprintf(reason, room, "%.*s version %u: no such operator here",
             (int)(s->op_size < 40u ? s->op_size : 40u), s->op, s->op_version);
    return 0;
  }
  if (!tnr_read_operands(s, k, reason, room)) return 0;
  if (k->op == TNR_PROGRAM) return tnr_read_program(info, s, k, reason, room);
  if (tnr_rules()[k->op].computes != 0u && (info->compute_dtypes >> k->dtypes[0] & 1u) == 0u) {
    return tnr_refuse(reason, room, k, "not a dtype that this device computes");
  }
  return tnr_check_op(k, reason, room);
}

/* ---- the entries --------------------------------------------------------------------------- */

/* Fills *answer but for struct_size. `info` states compute_dtypes and the program limits. */
static inline void tnr_query(const tn_device_info* info, const tn_signature* s, tn_answer* answer) {
  tnr_kernel kernel;
  memset(answer->reason, 0, sizeof answer->reason);
  answer->flags = 0;
  answer->precision = TN_PRECISION_EXACT;
  answer->determinism = TN_DETERMINISM_BITS;
  answer->support = tnr_read(info, s, &kernel, answer->reason, sizeof answer->reason)
                        ? TN_ANSWER_NATIVE
                        : TN_ANSWER_NO;
}

static inline tn_status tnr_prepare(const tn_device_info* info, const tn_signature* s,
                                    tnr_kernel* k, tnr_report* report) {
  return tnr_read(info, s, k, report->text, sizeof report->text) ? TN_OK : TN_UNSUPPORTED;
}

/* Only sort needs any: three words per element of a line, 8-byte aligned. */
static inline void tnr_workspace(const tnr_kernel* k, const tn_tensor* const* operands,
                                 uint64_t* size_bytes) {
  *size_bytes = 0;
  if (k->op == TNR_SORT) *size_bytes = 24u * (uint64_t)operands[2]->shape[k->attributes[0]];
}

/* Number of 8-byte slots that a launch brings. */
static inline uint32_t tnr_scalar_count(const tnr_kernel* k) {
  if (k->op == TNR_PROGRAM) return k->program.scalar_count;
  return k->op == TNR_FILL ? 1u : k->op == TNR_RANDOM ? 2u : 0u;
}

static inline tn_status tnr_launch(const tnr_kernel* k, const tnr_operand* o,
                                   const uint64_t* scalars, void* workspace, tnr_report* report) {
  const uint32_t dim = (uint32_t)k->attributes[0];
  uint32_t i;
  for (i = 0; i < k->operand_count; ++i) {
    if (o[i].tensor->dtype == k->dtypes[i] && o[i].tensor->rank == k->ranks[i]) continue;
    snprintf(report->text, sizeof report->text, "%s: operand %u is not as it was prepared",
             tnr_rules()[k->op].name, i);
    return TN_INVALID_ARGUMENT;
  }
  switch (k->op) {
    case TNR_FILL:
      tnr_fill(o, scalars[0]);
      break;
    case TNR_COPY:
      tnr_copy(o, o + 1);
      break;
    case TNR_PROGRAM:
      if (k->program.tail != 0u)
        tnr_program_reduce(&k->program, o, scalars);
      else
        tnr_program_run(&k->program, o, scalars);
      break;
    case TNR_REDUCE:
      tnr_reduce(o, o + 1, dim, (uint32_t)k->attributes[1]);
      break;
    case TNR_MATMUL:
      tnr_matmul(o);
      break;
    case TNR_GATHER:
      return tnr_gather(o, dim, report);
    case TNR_SCATTER:
      return tnr_scatter(o, dim, k->attributes[1], report);
    case TNR_SCAN:
      tnr_scan(o, dim, k->attributes[1]);
      break;
    case TNR_SORT:
      tnr_sort(o, dim, k->attributes[1], workspace);
      break;
    case TNR_NONZERO_COUNT: {
      const int64_t count = tnr_nonzero(NULL, o + 1);
      memcpy(o[0].data, &count, sizeof count);
      break;
    }
    case TNR_NONZERO:
      tnr_nonzero(o, o + 1);
      break;
    default:
      tnr_random(o, k->attributes[0], scalars[0], scalars[1]);
      break;
  }
  return TN_OK;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,bugprone-*,clang-analyzer-*) */

#endif /* TENON_API_REFERENCE_KERNELS_H */
