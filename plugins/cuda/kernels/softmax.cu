// softmax, log_softmax and their gradients.
#include "kernels/held_lines.h"

namespace tenon::cuda {
namespace {

template <class T, int kThreads, int kValues>
TENON_DEVICE void softmax_held(const NormParams& p) {
  using Line = Held<kThreads, kValues>;
  const bool there = Line::line() < p.lines.count;
  const Line line(p, there ? p.line.count : 0);
  int64_t at[kNormOperands] = {};
  if (there) add_offsets<mask_of(kInput, kOutput)>(p.lines, Line::line(), at);
  float x[kValues];
  line.template load_operand<T>(p, kInput, at[kInput], -infinity(), x);
  float top = x[0];
  TENON_UNROLL
  for (int i = 1; i < kValues; ++i) top = fmaxf(top, x[i]);
  top = join_threads<kThreads>(top, Greater(), 0);
  const bool logarithm = p.logarithm != 0;
  float parts[4] = {};
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) {
    const float power = c_exp(x[i] - top);
    parts[i % 4] += power;
    x[i] = logarithm ? x[i] - top : power;
  }
  const double part = static_cast<double>((parts[0] + parts[1]) + (parts[2] + parts[3]));
  const float sum = static_cast<float>(join_threads<kThreads>(part, Add(), 1));
  const float scale = logarithm ? c_log(sum) : 1.0f / sum;
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) x[i] = logarithm ? x[i] - scale : x[i] * scale;
  line.template store_output<T>(p, at[kOutput], x);
}

template <class T, int kThreads, int kValues>
TENON_DEVICE void softmax_grad_held(const NormParams& p) {
  using Line = Held<kThreads, kValues>;
  const bool there = Line::line() < p.lines.count;
  const Line line(p, there ? p.line.count : 0);
  int64_t at[kNormOperands] = {};
  if (there) add_offsets<mask_of(kInput, kGrad, kOutput)>(p.lines, Line::line(), at);
  float y[kValues], grad[kValues], terms[kValues];
  line.template load_operand<T>(p, kInput, at[kInput], 0.0f, y);
  line.template load_operand<T>(p, kGrad, at[kGrad], 0.0f, grad);
  const bool logarithm = p.logarithm != 0;
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) terms[i] = softmax_grad_term(grad[i], y[i], logarithm);
  const float total = static_cast<float>(join_threads<kThreads>(sum_of(terms), Add(), 0));
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) grad[i] = softmax_grad_of(grad[i], y[i], total, logarithm);
  line.template store_output<T>(p, at[kOutput], grad);
}

// ---- softmax of lines that are too long for that: a block a line, read twice ----

constexpr int kLongThreads = 1024, kLongValues = 8;
using Piece = Held<kLongThreads, kLongValues>;

template <class T>
TENON_DEVICE void softmax_long(const NormParams& p) {
  int64_t at[kNormOperands] = {};
  add_offsets<mask_of(kInput, kOutput)>(p.lines, block_x(), at);
  const int64_t length = p.line.count;
  const int64_t in = p.line.strides[kInput][0], out = p.line.strides[kOutput][0];
  float x[kLongValues];
  Exponentials mine{-infinity(), 0};
  for (int64_t begin = 0; begin < length; begin += Piece::kCapacity) {
    const Piece piece(p, length - begin);
    piece.load_operand<T>(p, kInput, at[kInput] + begin * in, -infinity(), x);
    add_values(mine, x);
  }
  const SoftmaxResult result(join_threads<kLongThreads>(mine, JoinExponentials(), 0),
                             p.logarithm != 0);
  for (int64_t begin = 0; begin < length; begin += Piece::kCapacity) {
    const Piece piece(p, length - begin);
    piece.load_operand<T>(p, kInput, at[kInput] + begin * in, 0.0f, x);
    TENON_UNROLL
    for (int i = 0; i < kLongValues; ++i) x[i] = result.of(x[i]);
    piece.store_output<T>(p, at[kOutput] + begin * out, x);
  }
}

template <class T>
TENON_DEVICE void softmax_grad_long(const NormParams& p) {
  int64_t at[kNormOperands] = {};
  add_offsets<mask_of(kInput, kGrad, kOutput)>(p.lines, block_x(), at);
  const int64_t length = p.line.count;
  const int64_t in = p.line.strides[kInput][0], grads = p.line.strides[kGrad][0],
                out = p.line.strides[kOutput][0];
  const bool logarithm = p.logarithm != 0;
  float y[kLongValues], grad[kLongValues];
  double sum = 0;
  for (int64_t begin = 0; begin < length; begin += Piece::kCapacity) {
    const Piece piece(p, length - begin);
    piece.load_operand<T>(p, kInput, at[kInput] + begin * in, 0.0f, y);
    piece.load_operand<T>(p, kGrad, at[kGrad] + begin * grads, 0.0f, grad);
    TENON_UNROLL
    for (int i = 0; i < kLongValues; ++i) y[i] = softmax_grad_term(grad[i], y[i], logarithm);
    sum += sum_of(y);
  }
  const float total = static_cast<float>(join_threads<kLongThreads>(sum, Add(), 0));
  for (int64_t begin = 0; begin < length; begin += Piece::kCapacity) {
    const Piece piece(p, length - begin);
    piece.load_operand<T>(p, kInput, at[kInput] + begin * in, 0.0f, y);
    piece.load_operand<T>(p, kGrad, at[kGrad] + begin * grads, 0.0f, grad);
    TENON_UNROLL
    for (int i = 0; i < kLongValues; ++i)
      grad[i] = softmax_grad_of(grad[i], y[i], total, logarithm);
    piece.store_output<T>(p, at[kOutput] + begin * out, grad);
  }
}

// ---- softmax of lines side by side: neighbouring threads take neighbouring lines ----

// A thread takes every threads_y-th value of its line, kColumnValues at a time; where that is all,
// they are read once.
constexpr int kColumnValues = 8;

struct Column {
  int64_t line, length;

  TENON_DEVICE explicit Column(const NormParams& p)
      : line(block_x() * threads_x() + thread_x()),
        length(line < p.lines.count ? p.line.count : 0) {}

  // Values of a piece.
  TENON_DEVICE static int64_t piece() { return int64_t{kColumnValues} * threads_y(); }

  template <class T>
  TENON_DEVICE void load(const NormParams& p, int operand, int64_t at, int64_t begin, float absent,
                         float (&to)[kColumnValues]) const {
    const T* from = static_cast<const T*>(p.data[operand]) + at;
    const int64_t step = p.line.strides[operand][0];
    TENON_UNROLL
    for (int i = 0; i < kColumnValues; ++i) {
      const int64_t number = begin + thread_y() + int64_t{i} * threads_y();
      to[i] = number < length ? static_cast<float>(value_of(from[number * step])) : absent;
    }
  }
  template <class T>
  TENON_DEVICE void store(const NormParams& p, int64_t at, int64_t begin,
                          const float (&from)[kColumnValues]) const {
    T* to = static_cast<T*>(p.data[kOutput]) + at;
    const int64_t step = p.line.strides[kOutput][0];
    TENON_UNROLL
    for (int i = 0; i < kColumnValues; ++i) {
      const int64_t number = begin + thread_y() + int64_t{i} * threads_y();
      if (number < length) to[number * step] = element_of<T>(from[i]);
    }
  }
};

template <class T>
TENON_DEVICE void softmax_columns(const NormParams& p) {
  const Column column(p);
  int64_t at[kNormOperands] = {};
  if (column.length > 0) add_offsets<mask_of(kInput, kOutput)>(p.lines, column.line, at);
  float x[kColumnValues];
  Exponentials mine{-infinity(), 0};
  for (int64_t begin = 0; begin < column.length; begin += Column::piece()) {
    column.load<T>(p, kInput, at[kInput], begin, -infinity(), x);
    add_values(mine, x);
  }
  const SoftmaxResult result(join_column(mine, JoinExponentials()), p.logarithm != 0);
  for (int64_t begin = 0; begin < column.length; begin += Column::piece()) {
    if (column.length > Column::piece()) column.load<T>(p, kInput, at[kInput], begin, 0.0f, x);
    TENON_UNROLL
    for (int i = 0; i < kColumnValues; ++i) x[i] = result.of(x[i]);
    column.store<T>(p, at[kOutput], begin, x);
  }
}

template <class T>
TENON_DEVICE void softmax_grad_columns(const NormParams& p) {
  const Column column(p);
  int64_t at[kNormOperands] = {};
  if (column.length > 0) add_offsets<mask_of(kInput, kGrad, kOutput)>(p.lines, column.line, at);
  const bool logarithm = p.logarithm != 0;
  float y[kColumnValues], grad[kColumnValues];
  double sum = 0;
  for (int64_t begin = 0; begin < column.length; begin += Column::piece()) {
    column.load<T>(p, kInput, at[kInput], begin, 0.0f, y);
    column.load<T>(p, kGrad, at[kGrad], begin, 0.0f, grad);
    TENON_UNROLL
    for (int i = 0; i < kColumnValues; ++i) {
      sum += static_cast<double>(softmax_grad_term(grad[i], y[i], logarithm));
    }
  }
  const float total = static_cast<float>(join_column(sum, Add()));
  for (int64_t begin = 0; begin < column.length; begin += Column::piece()) {
    if (column.length > Column::piece()) {
      column.load<T>(p, kInput, at[kInput], begin, 0.0f, y);
      column.load<T>(p, kGrad, at[kGrad], begin, 0.0f, grad);
    }
    TENON_UNROLL
    for (int i = 0; i < kColumnValues; ++i) {
      grad[i] = softmax_grad_of(grad[i], y[i], total, logarithm);
    }
    column.store<T>(p, at[kOutput], begin, grad);
  }
}

}  // namespace

#define TENON_SOFTMAX(dtype, T)                                                           \
  TENON_HELD_LINES(softmax, dtype, T)                                                     \
  TENON_HELD_LINES(softmax_grad, dtype, T)                                                \
  TENON_HELD(softmax, dtype, T, 1024, 16)                                                 \
  TENON_KERNEL(softmax_long_##dtype, kLongThreads, NormParams, softmax_long<T>)           \
  TENON_KERNEL(softmax_grad_long_##dtype, kLongThreads, NormParams, softmax_grad_long<T>) \
  TENON_KERNEL(softmax_columns_##dtype, 1024, NormParams, softmax_columns<T>)             \
  TENON_KERNEL(softmax_grad_columns_##dtype, 1024, NormParams, softmax_grad_columns<T>)

TENON_SOFTMAX(f32, float)
TENON_SOFTMAX(f16, Half)
TENON_SOFTMAX(bf16, BFloat16)

}  // namespace tenon::cuda
