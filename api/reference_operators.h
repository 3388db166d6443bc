/*
 * Reference kernels, part 3: one plain loop for every required operator but "program".
 */
#ifndef TENON_API_REFERENCE_OPERATORS_H
#define TENON_API_REFERENCE_OPERATORS_H

/* NOLINTBEGIN(modernize-*,bugprone-*,clang-analyzer-*): this is C */

#include <tenon/api/reference_program.h>
#include <tenon/api/reference_types.h>

#include <inttypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The text of a failure. */
typedef struct tnr_report {
  char text[160];
} tnr_report;

/* ---- fill, copy ---------------------------------------------------------------------------- */

static inline void tnr_fill(const tnr_operand* out, uint64_t slot) {
  const int64_t count = tnr_count(out->tensor);
  tnr_block value;
  tnr_cursor to;
  int64_t done, n;
  tnr_fill_block(slot, out->tensor->dtype, &value, TNR_BLOCK);
  tnr_cursor_all(&to, out);
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    tnr_store(&to, &value, n);
  }
}

/* Same dtype: bytes, run by run. */
static inline void tnr_move(tnr_cursor* to, tnr_cursor* from, int64_t count) {
  const int64_t size = tnr_size(to->dtype);
  int64_t done, n;
  for (done = 0; done < count; done += n) {
    n = tnr_min(tnr_cursor_run(to), tnr_cursor_run(from));
    tnr_copy_run(to->data + to->offset, tnr_cursor_step(to), from->data + from->offset,
                 tnr_cursor_step(from), size, n);
    tnr_cursor_advance(to, n);
    tnr_cursor_advance(from, n);
  }
}

static inline void tnr_copy(const tnr_operand* out, const tnr_operand* in) {
  const int64_t count = tnr_count(out->tensor);
  tnr_cursor to, from;
  tnr_block source, target;
  int64_t done, n;
  tnr_cursor_all(&to, out);
  tnr_cursor_all(&from, in);
  if (to.dtype == from.dtype && to.dtype != TN_DTYPE_BOOL) {
    tnr_move(&to, &from, count);
    return;
  }
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    tnr_load(&from, &source, n);
    tnr_cast(&source, from.dtype, &target, to.dtype, n);
    tnr_store(&to, &target, n);
  }
}

/* ---- reduce -------------------------------------------------------------------------------- */

/* Is b a better extreme than a? A NaN beats every number, the first of equals stays. */
static inline int tnr_beats(double a, double b, int greatest) {
  if (isnan(a)) return 0;
  if (isnan(b)) return 1;
  return greatest ? b > a : b < a;
}

/* Index of the extreme among the next `count` elements of `in`. */
static inline int64_t tnr_argument(tnr_cursor* in, int64_t count, int greatest) {
  const int real = tnr_is_float(in->dtype);
  tnr_block b;
  int64_t done, n, k, best = 0, best_int = 0;
  double best_real = 0.0;
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    tnr_load(in, &b, n);
    for (k = 0; k < n; ++k) {
      const double x = real ? tnr_real_at(&b, in->dtype, k) : 0.0;
      const int64_t i = real ? 0 : b.i[k];
      const int beats =
          real ? tnr_beats(best_real, x, greatest) : (greatest ? i > best_int : i < best_int);
      if (done + k != 0 && !beats) continue;
      best = done + k;
      best_real = x;
      best_int = i;
    }
  }
  return best;
}

static inline void tnr_reduce(const tnr_operand* out, const tnr_operand* in, uint32_t kind,
                              uint32_t dims) {
  const int64_t outer = tnr_count_over(in->tensor, ~dims);
  const int64_t inner = tnr_count_over(in->tensor, dims);
  const int argument = kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN;
  tnr_cursor to, kept, line;
  tnr_reducer reducer;
  tnr_block b;
  int64_t o, done, n;
  if (outer == 0) return;
  tnr_cursor_all(&to, out);
  tnr_cursor_over(&kept, in, ~dims);
  tnr_cursor_over(&line, in, dims);
  for (o = 0; o < outer; ++o) {
    line.data = kept.data + kept.offset;
    if (argument) {
      b.i[0] = tnr_argument(&line, inner, kind == TN_REDUCE_ARGMAX);
    } else {
      tnr_reducer_begin(&reducer, kind, in->tensor->dtype);
      for (done = 0; done < inner; done += n) {
        n = tnr_min(TNR_BLOCK, inner - done);
        tnr_load(&line, &b, n);
        tnr_reducer_push(&reducer, &b, n);
      }
      tnr_reducer_finish(&reducer, to.dtype, &b);
    }
    tnr_store(&to, &b, 1);
    tnr_cursor_advance(&kept, 1);
  }
}

/* ---- matmul -------------------------------------------------------------------------------- */

#define TNR_TILE_M 32
#define TNR_TILE_K 64
#define TNR_TILE_N 64

/* One tile of a or b in the compute class: doubles for floats, wrapping words for integers. */
typedef union tnr_panel {
  double d[TNR_TILE_K * TNR_TILE_N];
  uint64_t u[TNR_TILE_K * TNR_TILE_N];
} tnr_panel;

/* panel[r * columns + c] = element (row0 + r, column0 + c) of the matrix at `data`. */
static inline void tnr_pack(const char* data, const tn_tensor* t, int64_t row0, int64_t rows,
                            int64_t column0, int64_t columns, tnr_panel* panel) {
  const int64_t size = tnr_size(t->dtype);
  const int64_t row_step = t->strides[t->rank - 2] * size, step = t->strides[t->rank - 1] * size;
  const int real = tnr_is_float(t->dtype);
  tnr_block b;
  int64_t r, k;
  for (r = 0; r < rows; ++r) {
    tnr_load_run(data + (row0 + r) * row_step + column0 * step, step, t->dtype, &b, 0, columns);
    for (k = 0; k < columns; ++k) {
      if (real)
        panel->d[r * columns + k] = tnr_real_at(&b, t->dtype, k);
      else
        panel->u[r * columns + k] = (uint64_t)b.i[k];
    }
  }
}

/* sum[i, j] += a[i, k] * b[k, j] over one block of k, which is summed up by itself first. */
static inline void tnr_tile_real(const tnr_panel* a, const tnr_panel* b, tnr_panel* sum, int64_t m,
                                 int64_t k, int64_t n) {
  double part[TNR_TILE_N];
  int64_t i, j, p;
  for (i = 0; i < m; ++i) {
    for (j = 0; j < n; ++j) part[j] = 0.0;
    for (p = 0; p < k; ++p) {
      const double x = a->d[i * k + p];
      const double* row = b->d + p * n;
      for (j = 0; j < n; ++j) part[j] += x * row[j];
    }
    for (j = 0; j < n; ++j) sum->d[i * n + j] += part[j];
  }
}

static inline void tnr_tile_int(const tnr_panel* a, const tnr_panel* b, tnr_panel* sum, int64_t m,
                                int64_t k, int64_t n) {
  int64_t i, j, p;
  for (i = 0; i < m; ++i) {
    for (p = 0; p < k; ++p) {
      const uint64_t x = a->u[i * k + p];
      for (j = 0; j < n; ++j) sum->u[i * n + j] += x * b->u[p * n + j];
    }
  }
}

static inline void tnr_unpack(const tnr_panel* sum, const tnr_operand* out, char* data,
                              int64_t row0, int64_t rows, int64_t column0, int64_t columns) {
  const tn_tensor* t = out->tensor;
  const int64_t size = tnr_size(t->dtype);
  const int64_t row_step = t->strides[t->rank - 2] * size, step = t->strides[t->rank - 1] * size;
  const uint32_t wide = tnr_is_float(t->dtype) ? TN_DTYPE_F64 : TN_DTYPE_I64;
  tnr_block from, to;
  int64_t r;
  for (r = 0; r < rows; ++r) {
    memcpy(from.i, sum->u + r * columns, 8u * (size_t)columns);
    tnr_cast(&from, wide, &to, t->dtype, columns);
    tnr_store_run(&to, 0, t->dtype, data + (row0 + r) * row_step + column0 * step, step, columns);
  }
}

/* One matrix of the batch. */
static inline void tnr_matmul_one(const tnr_operand* o, char* out, const char* a, const char* b) {
  const tn_tensor* left = o[1].tensor;
  const int64_t m = left->shape[left->rank - 2], k = left->shape[left->rank - 1];
  const int64_t n = o[2].tensor->shape[left->rank - 1];
  const int real = tnr_is_float(left->dtype);
  tnr_panel pa, pb, sum;
  int64_t i, j, p;
  for (j = 0; j < n; j += TNR_TILE_N) {
    const int64_t columns = tnr_min(TNR_TILE_N, n - j);
    for (i = 0; i < m; i += TNR_TILE_M) {
      const int64_t rows = tnr_min(TNR_TILE_M, m - i);
      memset(&sum, 0, 8u * (size_t)(rows * columns));
      for (p = 0; p < k; p += TNR_TILE_K) {
        const int64_t depth = tnr_min(TNR_TILE_K, k - p);
        tnr_pack(a, left, i, rows, p, depth, &pa);
        tnr_pack(b, o[2].tensor, p, depth, j, columns, &pb);
        if (real)
          tnr_tile_real(&pa, &pb, &sum, rows, depth, columns);
        else
          tnr_tile_int(&pa, &pb, &sum, rows, depth, columns);
      }
      tnr_unpack(&sum, o, out, i, rows, j, columns);
    }
  }
}

static inline void tnr_matmul(const tnr_operand* o) {
  const tn_tensor* out = o[0].tensor;
  const uint32_t batch_dims = (1u << (out->rank - 2)) - 1u;
  const int64_t batches = tnr_count_over(out, batch_dims);
  tnr_cursor c[3];
  int64_t batch;
  uint32_t i;
  if (tnr_count(out) == 0) return;
  for (i = 0; i < 3; ++i) tnr_cursor_over(c + i, o + i, batch_dims);
  for (batch = 0; batch < batches; ++batch) {
    tnr_matmul_one(o, c[0].data + c[0].offset, c[1].data + c[1].offset, c[2].data + c[2].offset);
    for (i = 0; i < 3; ++i) tnr_cursor_advance(c + i, 1);
  }
}

/* ---- gather, scatter ----------------------------------------------------------------------- */

/* Over the shape of `shape`, with the strides of o except along `dim`, where it stands still. */
static inline void tnr_cursor_indexed(tnr_cursor* c, const tnr_operand* o, const tn_tensor* shape,
                                      uint32_t dim) {
  const int64_t size = tnr_size(o->tensor->dtype);
  uint32_t d;
  tnr_cursor_begin(c, o->data, TNR_OFFSETS);
  for (d = 0; d < shape->rank; ++d) {
    tnr_cursor_add(c, shape->shape[d], d == dim ? 0 : o->tensor->strides[d] * size);
  }
}

/* Clamps an index; the first bad one is reported. */
static inline int64_t tnr_clamp(int64_t index, int64_t extent, uint32_t dim, const char* op,
                                tn_status* status, tnr_report* report) {
  if (index >= 0 && index < extent) return index;
  if (*status == TN_OK) {
    *status = TN_INDEX_ERROR;
    snprintf(report->text, sizeof report->text,
             "%s: index %" PRId64 " is out of range for dimension %u of size %" PRId64, op, index,
             dim, extent);
  }
  return index < 0 ? 0 : extent - 1;
}

/* Operands: out, in, index. */
static inline tn_status tnr_gather(const tnr_operand* o, uint32_t dim, tnr_report* report) {
  const tn_tensor* in = o[1].tensor;
  const int64_t count = tnr_count(o[0].tensor), size = tnr_size(in->dtype);
  const int64_t step = in->strides[dim] * size, extent = in->shape[dim];
  tn_status status = TN_OK;
  tnr_cursor to, from, index;
  tnr_block at, where, target;
  int64_t done, n, k;
  tnr_cursor_all(&to, o);
  tnr_cursor_all(&index, o + 2);
  tnr_cursor_indexed(&from, o + 1, o[0].tensor, dim);
  to.dtype = TNR_OFFSETS;
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    tnr_load(&index, &at, n);
    tnr_load(&from, &where, n);
    tnr_load(&to, &target, n);
    for (k = 0; k < n; ++k) {
      const int64_t i = tnr_clamp(at.i[k], extent, dim, "gather", &status, report);
      if (extent == 0)
        memset(to.data + target.i[k], 0, (size_t)size);
      else
        memcpy(to.data + target.i[k], from.data + where.i[k] + i * step, (size_t)size);
    }
  }
  return status;
}

static inline void tnr_add_at(char* to, const char* from, uint32_t dtype) {
  tnr_block a, b, sum;
  const tnr_block* v[3];
  v[0] = &a;
  v[1] = &b;
  v[2] = &b;
  tnr_load_run(to, 0, dtype, &a, 0, 1);
  tnr_load_run(from, 0, dtype, &b, 0, 1);
  if (dtype == TN_DTYPE_BOOL)
    sum.i[0] = a.i[0] | b.i[0];
  else if (tnr_class(dtype) == TNR_CLASS_INT)
    tnr_step_int(TN_PROGRAM_ADD, dtype, v, &sum, 1);
  else if (tnr_class(dtype) == TNR_CLASS_F32)
    tnr_step_f32(TN_PROGRAM_ADD, dtype, v, &sum, 1);
  else
    tnr_step_f64(TN_PROGRAM_ADD, v, &sum, 1);
  tnr_store_run(&sum, 0, dtype, to, 0, 1);
}

/* Operands: out, index, source. */
static inline tn_status tnr_scatter(const tnr_operand* o, uint32_t dim, int64_t mode,
                                    tnr_report* report) {
  const tn_tensor* out = o[0].tensor;
  const int64_t count = tnr_count(o[2].tensor), size = tnr_size(out->dtype);
  const int64_t step = out->strides[dim] * size, extent = out->shape[dim];
  tn_status status = TN_OK;
  tnr_cursor to, from, index;
  tnr_block at, where, source;
  int64_t done, n, k;
  tnr_cursor_all(&index, o + 1);
  tnr_cursor_all(&from, o + 2);
  tnr_cursor_indexed(&to, o, o[2].tensor, dim);
  from.dtype = TNR_OFFSETS;
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    tnr_load(&index, &at, n);
    tnr_load(&to, &where, n);
    tnr_load(&from, &source, n);
    for (k = 0; k < n; ++k) {
      const int64_t i = tnr_clamp(at.i[k], extent, dim, "scatter", &status, report);
      char* target = to.data + where.i[k] + i * step;
      if (extent == 0) continue;
      if (mode == TN_SCATTER_ADD)
        tnr_add_at(target, from.data + source.i[k], out->dtype);
      else
        memcpy(target, from.data + source.i[k], (size_t)size);
    }
  }
  return status;
}

/* ---- scan, sort ---------------------------------------------------------------------------- */

static inline void tnr_scan(const tnr_operand* o, uint32_t dim, int64_t kind) {
  const tn_tensor* in = o[1].tensor;
  const uint32_t along = 1u << dim, join = kind == TN_SCAN_SUM ? TN_REDUCE_SUM : TN_REDUCE_PROD;
  const int64_t lines = tnr_count_over(in, ~along), length = in->shape[dim];
  const int real = tnr_is_float(in->dtype);
  tnr_cursor to, from, to_line, from_line;
  tnr_block b, wide;
  int64_t line, done, n, k;
  if (lines == 0 || length == 0) return;
  tnr_cursor_over(&to, o, ~along);
  tnr_cursor_over(&from, o + 1, ~along);
  tnr_cursor_over(&to_line, o, along);
  tnr_cursor_over(&from_line, o + 1, along);
  for (line = 0; line < lines; ++line) {
    double sum = kind == TN_SCAN_SUM ? 0.0 : 1.0;
    int64_t whole = kind == TN_SCAN_SUM ? 0 : 1;
    to_line.data = to.data + to.offset;
    from_line.data = from.data + from.offset;
    for (done = 0; done < length; done += n) {
      n = tnr_min(TNR_BLOCK, length - done);
      tnr_load(&from_line, &b, n);
      for (k = 0; k < n; ++k) {
        if (real)
          wide.d[k] = sum = tnr_join_real(join, sum, tnr_real_at(&b, in->dtype, k));
        else
          wide.i[k] = whole = tnr_join_int(join, whole, b.i[k]);
      }
      tnr_cast(&wide, real ? TN_DTYPE_F64 : TN_DTYPE_I64, &b, in->dtype, n);
      tnr_store(&to_line, &b, n);
    }
    tnr_cursor_advance(&to, 1);
    tnr_cursor_advance(&from, 1);
  }
}

/* One line of a sort: keys (doubles or int64, 8 bytes each), and the order under work. */
typedef struct tnr_line {
  const char* keys;
  int64_t* order;
  int64_t* spare;
  int32_t real;
  int32_t descending;
} tnr_line;

/* Must element y stand before element x, which came earlier? */
static inline int tnr_precedes(const tnr_line* line, int64_t y, int64_t x) {
  double a, b;
  int64_t i, j;
  if (line->real) {
    memcpy(&a, line->keys + 8 * x, 8);
    memcpy(&b, line->keys + 8 * y, 8);
    if (line->descending) return isnan(b) ? !isnan(a) : b > a;
    return isnan(a) ? !isnan(b) : b < a;
  }
  memcpy(&i, line->keys + 8 * x, 8);
  memcpy(&j, line->keys + 8 * y, 8);
  return line->descending ? j > i : j < i;
}

/* Bottom-up merge sort of the order; stable. The result is in line->order. */
static inline void tnr_merge_sort(tnr_line* line, int64_t n) {
  int64_t width, begin;
  for (width = 1; width < n; width *= 2) {
    int64_t* swap = line->spare;
    for (begin = 0; begin < n; begin += 2 * width) {
      const int64_t middle = tnr_min(begin + width, n), end = tnr_min(begin + 2 * width, n);
      int64_t left = begin, right = middle, k;
      for (k = begin; k < end; ++k) {
        const int take_right =
            left == middle ||
            (right < end && tnr_precedes(line, line->order[right], line->order[left]));
        line->spare[k] = take_right ? line->order[right++] : line->order[left++];
      }
    }
    line->spare = line->order;
    line->order = swap;
  }
}

/* Operands: values, indices, in. Workspace: three words per element of a line. */
static inline void tnr_sort(const tnr_operand* o, uint32_t dim, int64_t descending,
                            void* workspace) {
  const tn_tensor* in = o[2].tensor;
  const uint32_t along = 1u << dim;
  const int64_t lines = tnr_count_over(in, ~along), length = in->shape[dim];
  const int64_t size = tnr_size(in->dtype);
  const int64_t in_step = in->strides[dim] * size, step = o[0].tensor->strides[dim] * size;
  int64_t* words = (int64_t*)workspace;
  tnr_cursor c[3];
  tnr_line line;
  tnr_block b, wide;
  int64_t done, k, n;
  uint32_t i;
  if (lines == 0 || length == 0) return;
  for (i = 0; i < 3; ++i) tnr_cursor_over(c + i, o + i, ~along);
  for (done = 0; done < lines; ++done) {
    const char* from = c[2].data + c[2].offset;
    line.keys = (const char*)workspace;
    line.order = words + length;
    line.spare = words + 2 * length;
    line.real = tnr_is_float(in->dtype);
    line.descending = descending != 0;
    for (k = 0; k < length; k += n) {
      n = tnr_min(TNR_BLOCK, length - k);
      tnr_load_run(from + k * in_step, in_step, in->dtype, &b, 0, n);
      tnr_cast(&b, in->dtype, &wide, line.real ? TN_DTYPE_F64 : TN_DTYPE_I64, n);
      memcpy(words + k, wide.i, 8u * (size_t)n);
    }
    for (k = 0; k < length; ++k) line.order[k] = k;
    tnr_merge_sort(&line, length);
    for (k = 0; k < length; ++k) {
      memcpy(c[0].data + c[0].offset + k * step, from + line.order[k] * in_step, (size_t)size);
      memcpy(c[1].data + c[1].offset + k * 8 * o[1].tensor->strides[dim], line.order + k, 8);
    }
    for (i = 0; i < 3; ++i) tnr_cursor_advance(c + i, 1);
  }
}

/* ---- nonzero ------------------------------------------------------------------------------- */

/* Counts, and stores coordinates when `indices` is given. */
static inline int64_t tnr_nonzero(const tnr_operand* indices, const tnr_operand* in) {
  const tn_tensor* t = in->tensor;
  const int64_t count = tnr_count(t);
  tnr_cursor from;
  tnr_block b;
  int64_t done, n, k, found = 0;
  uint32_t d;
  tnr_cursor_all(&from, in);
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    tnr_load(&from, &b, n);
    for (k = 0; k < n; ++k) {
      int64_t rest = done + k;
      if (!tnr_truth(&b, t->dtype, k)) continue;
      if (indices != NULL && found < indices->tensor->shape[0]) {
        const tn_tensor* table = indices->tensor;
        for (d = t->rank; d-- > 0; rest /= t->shape[d]) {
          const int64_t index = rest % t->shape[d];
          memcpy(indices->data + 8 * (found * table->strides[0] + d * table->strides[1]), &index,
                 8);
        }
      }
      ++found;
    }
  }
  return found;
}

/* ---- random -------------------------------------------------------------------------------- */

/* Philox4x32-10: the four words of one counter. */
static inline void tnr_philox(uint64_t key, uint64_t low, uint64_t high, uint32_t words[4]) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  int round;
  words[0] = (uint32_t)low;
  words[1] = (uint32_t)(low >> 32);
  words[2] = (uint32_t)high;
  words[3] = (uint32_t)(high >> 32);
  for (round = 0; round < 10; ++round) {
    const uint64_t a = UINT64_C(0xD2511F53) * words[0], b = UINT64_C(0xCD9E8D57) * words[2];
    const uint32_t w1 = words[1], w3 = words[3];
    words[0] = (uint32_t)(b >> 32) ^ w1 ^ k0;
    words[1] = (uint32_t)b;
    words[2] = (uint32_t)(a >> 32) ^ w3 ^ k1;
    words[3] = (uint32_t)a;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

static inline void tnr_random(const tnr_operand* out, int64_t kind, uint64_t seed,
                              uint64_t offset) {
  const int64_t count = tnr_count(out->tensor);
  tnr_cursor to;
  tnr_block b;
  uint32_t words[4];
  int64_t done, n, k;
  tnr_cursor_all(&to, out);
  for (done = 0; done < count; done += n) {
    n = tnr_min(TNR_BLOCK, count - done);
    for (k = 0; k < n; ++k) {
      if (k % 4 == 0) tnr_philox(seed, (uint64_t)(done + k) / 4u, offset, words);
      if (kind == TN_RANDOM_BITS)
        b.i[k] = words[k % 4];
      else
        b.f[k] = (float)(words[k % 4] >> 8) * 5.9604644775390625e-8f; /* 2^-24 */
    }
    tnr_store(&to, &b, n);
  }
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,bugprone-*,clang-analyzer-*) */

#endif /* TENON_API_REFERENCE_OPERATORS_H */
