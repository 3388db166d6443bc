// standardize and its gradients: batch, group, instance and layer norm.
#include "kernels/held_lines.h"

namespace tenon::cuda {
namespace {

template <class T, int kThreads, int kValues>
TENON_DEVICE void standardize_held(const NormParams& p) {
  using Line = Held<kThreads, kValues>;
  const bool there = Line::line() < p.lines.count;
  const Line line(p, there ? p.line.count : 0);
  int64_t at[kNormOperands] = {};
  if (there) {
    add_offsets<mask_of(kInput, kOutput, kWeight, kBias, kMean, kVar)>(p.lines, Line::line(), at);
  }
  float x[kValues];
  line.template load_operand<T>(p, kInput, at[kInput], 0.0f, x);
  const double total = join_threads<kThreads>(sum_of(x), Add(), 0);
  const float mean = static_cast<float>(total * p.factor);
  double parts[4] = {};
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) {
    x[i] = line.has(i) ? x[i] - mean : 0.0f;
    parts[i % 4] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  const double squares =
      join_threads<kThreads>((parts[0] + parts[1]) + (parts[2] + parts[3]), Add(), 1);
  const float var = static_cast<float>(squares * p.factor), rstd = inverse_root(var + p.eps);
  if (there && line.thread == 0) {
    static_cast<float*>(p.data[kMean])[at[kMean]] = mean;
    static_cast<float*>(p.data[kVar])[at[kVar]] = var;
  }
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) x[i] *= rstd;
  if (p.data[kWeight] != nullptr) {
    float w[kValues];
    line.template load_parameter<T>(p, kWeight, at[kWeight], w);
    TENON_UNROLL
    for (int i = 0; i < kValues; ++i) x[i] *= w[i];
    line.template load_parameter<T>(p, kBias, at[kBias], w);
    TENON_UNROLL
    for (int i = 0; i < kValues; ++i) x[i] += w[i];
  }
  line.template store_output<T>(p, at[kOutput], x);
}

// x becomes x - mean and h, the weighted gradient, the input's gradient. `slot` is the join's.
template <int kThreads, int kValues>
TENON_DEVICE void to_input_grad(const NormParams& p, const Unit& unit, int slot,
                                float (&x)[kValues], float (&h)[kValues]) {
  double first[2] = {}, second[2] = {};
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) {
    x[i] -= unit.mean;
    first[i % 2] += static_cast<double>(h[i]);
    second[i % 2] += static_cast<double>(h[i] * (x[i] * unit.rstd));
  }
  const Sums mine{first[0] + first[1], second[0] + second[1]};
  const InputGrad result(join_threads<kThreads>(mine, Add(), slot), p.factor, unit.rstd);
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) h[i] = result.of(h[i], x[i], unit.rstd);
}

// The input's gradient alone.
template <class T, int kThreads, int kValues>
TENON_DEVICE void standardize_grad_held(const NormParams& p) {
  using Line = Held<kThreads, kValues>;
  const bool there = Line::line() < p.lines.count;
  const Line line(p, there ? p.line.count : 0);
  int64_t at[kNormOperands] = {};
  if (there) {
    add_offsets<mask_of(kInput, kGrad, kOutput, kWeight, kMean, kVar)>(p.lines, Line::line(), at);
  }
  float x[kValues], h[kValues];
  line.template load_operand<T>(p, kInput, at[kInput], 0.0f, x);
  line.template load_operand<T>(p, kGrad, at[kGrad], 0.0f, h);
  const Unit unit = unit_at(p, at[kMean], at[kVar]);
  float w[kValues];
  line.template load_parameter<T>(p, kWeight, at[kWeight], w);
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) h[i] *= w[i];
  to_input_grad<kThreads>(p, unit, 0, x, h);
  line.template store_output<T>(p, at[kOutput], h);
}

// Writes what the threads of a block summed for their values of a line, dw and db.
template <int kThreads, int kValues>
TENON_DEVICE void store_parts(const NormParams& p, const Held<kThreads, kValues>& line,
                              const float (&dw)[kValues], const float (&db)[kValues]) {
  using Line = Held<kThreads, kValues>;
  float* part = p.parts + block_x() * 2 * line.length;
  if constexpr (Line::lines() == 1) {
    line.store(part, 1, dw);
    line.store(part + line.length, 1, db);
  } else {
    float* totals = shared_memory<float>();  // [2][capacity]
    for (int group = 0; group < Line::lines(); ++group) {
      if (thread_x() / kThreads == group) {
        TENON_UNROLL
        for (int i = 0; i < kValues; ++i) {
          float* total = totals + line.number(i);
          total[0] = group == 0 ? dw[i] : total[0] + dw[i];
          total[Line::kCapacity] = group == 0 ? db[i] : total[Line::kCapacity] + db[i];
        }
      }
      sync_block();
    }
    for (int i = thread_x(); i < line.length; i += kBlock) {
      part[i] = totals[i];
      part[line.length + i] = totals[Line::kCapacity + i];
    }
  }
}

// The input's gradient, and sums for those of weight and bias, where these differ along a line and
// are the same for all: a block takes p.chunk lines in turn.
template <class T, int kThreads, int kValues>
TENON_DEVICE void standardize_grads_held(const NormParams& p) {
  using Line = Held<kThreads, kValues>;
  const Line line(p, p.line.count);
  float w[kValues], dw[kValues] = {}, db[kValues] = {};
  line.template load_parameter<T>(p, kWeight, 0, w);
  const int64_t begin = block_x() * p.chunk;
  const int64_t end = p.lines.count < begin + p.chunk ? p.lines.count : begin + p.chunk;
  int slot = 0;  // two in turn: a barrier lies between two uses of one
  for (int64_t first = begin; first < end; first += Line::lines(), slot ^= 1) {
    const int64_t own = first + thread_x() / kThreads;
    const bool there = own < end;
    int64_t at[kNormOperands] = {};
    add_offsets<mask_of(kInput, kGrad, kOutput, kMean, kVar)>(p.lines, there ? own : first, at);
    float x[kValues], h[kValues];
    line.template load_operand<T>(p, kInput, at[kInput], 0.0f, x);
    line.template load_operand<T>(p, kGrad, at[kGrad], 0.0f, h);
    const Unit unit = unit_at(p, at[kMean], at[kVar]);
    TENON_UNROLL
    for (int i = 0; i < kValues; ++i) {
      if (there) {
        dw[i] += h[i] * unit.of(x[i]);
        db[i] += h[i];
      }
      h[i] *= w[i];
    }
    to_input_grad<kThreads>(p, unit, slot, x, h);
    if (there) line.template store_output<T>(p, at[kOutput], h);
  }
  store_parts(p, line, dw, db);
}

// ---- sums over lines of any shape, in chunks ----

template <Summed kSummed>
constexpr uint32_t kSummedOperands = kSummed == Summed::kMoments ? mask_of(kInput)
                                     : kSummed == Summed::kForInput
                                         ? mask_of(kInput, kGrad, kWeight)
                                         : mask_of(kInput, kGrad, kMean, kVar);

// A copy of offsets, to be moved on.
struct Offsets {
  int64_t of[kNormOperands];

  TENON_DEVICE explicit Offsets(const int64_t (&base)[kNormOperands]) {
    for (int k = 0; k < kNormOperands; ++k) of[k] = base[k];
  }
};

// Adds the terms of values to two sums.
template <class T, Summed kSummed>
struct Summing {
  const NormParams& p;
  double origin = 0;
  Unit unit{0, 0};
  Sums sums{0, 0};

  // `base`: where the line begins.
  TENON_DEVICE Summing(const NormParams& params, const int64_t (&base)[kNormOperands]) : p(params) {
    if constexpr (kSummed == Summed::kMoments) {
      origin = moments_origin<T>(p, base[kInput]);
    } else if (p.steady != 0) {
      unit = unit_at(p, base[kMean], base[kVar]);
    }
  }

  TENON_DEVICE void add(float x, float grad, float weight) {
    if constexpr (kSummed == Summed::kMoments) {
      const double moved = static_cast<double>(x) - origin;
      sums.first += moved;
      sums.second += moved * moved;
    } else {
      const float h = kSummed == Summed::kForInput ? grad * weight : grad;
      sums.first += static_cast<double>(h);
      sums.second += static_cast<double>(h * unit.of(x));
    }
  }

  // The statistics and the weight of value j behind `at`.
  TENON_DEVICE void add_at(const int64_t (&at)[kNormOperands], int j, float x, float grad) {
    float weight = 1;
    if constexpr (kSummed == Summed::kForInput) {
      weight = parameter<T>(p, kWeight, at[kWeight] + j * p.line.inner_stride(kWeight));
    }
    if constexpr (kSummed == Summed::kForWeight) {
      if (p.steady == 0) {
        unit = unit_at(p, at[kMean] + j * p.line.inner_stride(kMean),
                       at[kVar] + j * p.line.inner_stride(kVar));
      }
    }
    add(x, grad, weight);
  }

  TENON_DEVICE void add_one(const int64_t (&at)[kNormOperands]) {
    const float x = value_of(static_cast<const T*>(p.data[kInput])[at[kInput]]);
    float grad = 0;
    if constexpr (kSummed != Summed::kMoments) {
      grad = value_of(static_cast<const T*>(p.data[kGrad])[at[kGrad]]);
    }
    add_at(at, 0, x, grad);
  }

  TENON_DEVICE void add_four(const int64_t (&at)[kNormOperands]) {
    float x[4], grad[4] = {};
    load_four(static_cast<const T*>(p.data[kInput]) + at[kInput], x);
    if constexpr (kSummed != Summed::kMoments) {
      load_four(static_cast<const T*>(p.data[kGrad]) + at[kGrad], grad);
    }
    TENON_UNROLL
    for (int j = 0; j < 4; ++j) add_at(at, j, x[j], grad[j]);
  }
};

// A block sums a chunk of a line, its threads side by side along it.
template <class T, Summed kSummed>
TENON_DEVICE void sum_along(const NormParams& p) {
  constexpr uint32_t kUsed = kSummedOperands<kSummed>;
  const int64_t line = block_x() / p.chunks, begin = block_x() % p.chunks * p.chunk;
  const int64_t end = p.line.count < begin + p.chunk ? p.line.count : begin + p.chunk;
  int64_t base[kNormOperands] = {};
  add_offsets<kUsed | mask_of(kMean, kVar)>(p.lines, line, base);
  Summing<T, kSummed> summing(p, base);
  if (p.vector != 0) {
    TENON_UNROLL_4
    for (int64_t number = begin + 4 * thread_x(); number < end; number += 4 * kBlock) {
      Offsets at(base);
      add_offsets<kUsed>(p.line, number, at.of);
      summing.add_four(at.of);
    }
  } else {
    TENON_UNROLL_4
    for (int64_t number = begin + thread_x(); number < end; number += kBlock) {
      Offsets at(base);
      add_offsets<kUsed>(p.line, number, at.of);
      summing.add_one(at.of);
    }
  }
  const Sums sums = join_threads<kBlock>(summing.sums, Add(), 0);
  if (thread_x() == 0) p.partial[block_x()] = sums;
}

// A block sums a chunk of as many lines as it has columns.
template <class T, Summed kSummed>
TENON_DEVICE void sum_columns(const NormParams& p) {
  constexpr uint32_t kUsed = kSummedOperands<kSummed>;
  const int64_t chunk = block_x() % p.chunks, begin = chunk * p.chunk;
  const int64_t line = block_x() / p.chunks * threads_x() + thread_x();
  const bool there = line < p.lines.count;
  const int64_t end = !there                           ? begin
                      : p.line.count < begin + p.chunk ? p.line.count
                                                       : begin + p.chunk;
  int64_t base[kNormOperands] = {};
  add_offsets<kUsed | mask_of(kMean, kVar)>(p.lines, there ? line : 0, base);
  Summing<T, kSummed> summing(p, base);
  TENON_UNROLL_4
  for (int64_t number = begin + thread_y(); number < end; number += threads_y()) {
    Offsets at(base);
    add_offsets<kUsed>(p.line, number, at.of);
    summing.add_one(at.of);
  }
  const Sums sums = join_column(summing.sums, Add());
  if (there && thread_y() == 0) p.partial[line * p.chunks + chunk] = sums;
}

template <class T>
TENON_DEVICE void leave_weight_sums(const NormParams& p, const int64_t (&at)[kNormOperands],
                                    const Sums& sums) {
  if (p.data[kOutput] != nullptr) {
    put_parameter<T>(p, kOutput, at[kOutput], static_cast<float>(sums.second));
  }
  if (p.data[kBias] != nullptr) {
    put_parameter<T>(p, kBias, at[kBias], static_cast<float>(sums.first));
  }
}

// A warp joins the chunks of a line and writes what they are for.
template <class T, Summed kSummed>
TENON_DEVICE void finish_sums(const NormParams& p) {
  const int64_t line = global_thread() / kWarp;
  const int lane = thread_x() % kWarp;
  if (line >= p.lines.count) return;  // a whole warp
  Sums sums{0, 0};
  for (int64_t chunk = lane; chunk < p.chunks; chunk += kWarp) {
    sums = Add()(sums, p.partial[line * p.chunks + chunk]);
  }
  sums = join_threads<kWarp>(sums, Add(), 0);
  if (lane != 0) return;
  int64_t at[kNormOperands] = {};
  add_offsets<mask_of(kInput, kOutput, kWeight, kBias, kMean, kVar)>(p.lines, line, at);
  if constexpr (kSummed == Summed::kMoments) {
    const double mean = sums.first * p.factor;
    const double var = sums.second * p.factor - mean * mean;
    static_cast<float*>(p.data[kMean])[at[kMean]] =
        static_cast<float>(moments_origin<T>(p, at[kInput]) + mean);
    static_cast<float*>(p.data[kVar])[at[kVar]] = static_cast<float>(var < 0 ? 0 : var);
  } else if constexpr (kSummed == Summed::kForInput) {
    p.totals[line] = sums;
  } else {
    leave_weight_sums<T>(p, at, sums);
    if (p.totals != nullptr) {  // the weight is one for the line
      const double weight = parameter<T>(p, kWeight, at[kWeight]);
      p.totals[line] = {sums.first * weight, sums.second * weight};
    }
  }
}

// Joins the parts of standardize_grads_held; neighbouring threads take neighbouring values.
template <class T>
TENON_DEVICE void join_parts(const NormParams& p) {
  const int64_t own = block_x() * threads_x() + thread_x();
  const bool there = own < p.lines.count;
  Sums sums{0, 0};
  for (int64_t chunk = thread_y(); there && chunk < p.chunks; chunk += threads_y()) {
    const float* part = p.parts + chunk * 2 * p.lines.count + own;
    sums.first += static_cast<double>(part[p.lines.count]);
    sums.second += static_cast<double>(part[0]);
  }
  sums = join_column(sums, Add());
  if (!there || thread_y() != 0) return;
  int64_t at[kNormOperands] = {};
  add_offsets<mask_of(kOutput, kBias)>(p.lines, own, at);
  leave_weight_sums<T>(p, at, sums);
}

// ---- results of lines of any shape, from their statistics ----

template <class T, bool kGradient>
struct Applying {
  static constexpr uint32_t kLoaded = kGradient ? mask_of(kInput, kGrad, kOutput, kWeight)
                                                : mask_of(kInput, kOutput, kWeight, kBias);
  const NormParams& p;
  Unit unit;
  InputGrad grad{{0, 0}, 0, 0};

  TENON_DEVICE Applying(const NormParams& params, int64_t line,
                        const int64_t (&base)[kNormOperands])
      : p(params), unit(unit_at(params, base[kMean], base[kVar])) {
    if constexpr (kGradient) grad = InputGrad(p.totals[line], p.factor, unit.rstd);
  }

  TENON_DEVICE float result(const int64_t (&at)[kNormOperands], int j, float x, float g) const {
    float weight = 1;
    if (p.data[kWeight] != nullptr) {
      weight = parameter<T>(p, kWeight, at[kWeight] + j * p.line.inner_stride(kWeight));
    }
    if constexpr (kGradient) {
      return grad.of(g * weight, x - unit.mean, unit.rstd);
    } else {
      float y = unit.of(x) * weight;
      if (p.data[kBias] != nullptr) {
        y += parameter<T>(p, kBias, at[kBias] + j * p.line.inner_stride(kBias));
      }
      return y;
    }
  }

  // Where element `number` of the line is.
  TENON_DEVICE Offsets place(const int64_t (&base)[kNormOperands], int64_t number) const {
    Offsets at(base);
    add_offsets<kLoaded>(p.line, number, at.of);
    return at;
  }
  TENON_DEVICE void one(const Offsets& at) const {
    const float x = value_of(static_cast<const T*>(p.data[kInput])[at.of[kInput]]);
    float g = 0;
    if constexpr (kGradient) g = value_of(static_cast<const T*>(p.data[kGrad])[at.of[kGrad]]);
    static_cast<T*>(p.data[kOutput])[at.of[kOutput]] = element_of<T>(result(at.of, 0, x, g));
  }
  TENON_DEVICE void load(const Offsets& at, float (&x)[4], float (&g)[4]) const {
    load_four(static_cast<const T*>(p.data[kInput]) + at.of[kInput], x);
    if constexpr (kGradient) load_four(static_cast<const T*>(p.data[kGrad]) + at.of[kGrad], g);
  }
  TENON_DEVICE void store(const Offsets& at, float (&x)[4], const float (&g)[4]) const {
    TENON_UNROLL
    for (int j = 0; j < 4; ++j) x[j] = result(at.of, j, x[j], g[j]);
    store_four(static_cast<T*>(p.data[kOutput]) + at.of[kOutput], x);
  }
};

template <class T, bool kGradient>
TENON_DEVICE void apply_along(const NormParams& p) {
  using Apply = Applying<T, kGradient>;
  const int64_t line = block_x() / p.chunks, begin = block_x() % p.chunks * p.chunk;
  const int64_t end = p.line.count < begin + p.chunk ? p.line.count : begin + p.chunk;
  int64_t base[kNormOperands] = {};
  add_offsets<Apply::kLoaded | mask_of(kMean, kVar)>(p.lines, line, base);
  const Apply apply(p, line, base);
  if (p.vector == 0) {
    for (int64_t number = begin + thread_x(); number < end; number += kBlock) {
      apply.one(apply.place(base, number));
    }
    return;
  }
  // Two at a time, so that more loads are on their way.
  constexpr int64_t kStep = 4 * kBlock;
  for (int64_t number = begin + 4 * thread_x(); number < end; number += 2 * kStep) {
    const bool two = number + kStep < end;
    const Offsets at = apply.place(base, number);
    const Offsets next = apply.place(base, two ? number + kStep : number);
    float x[2][4], g[2][4] = {};
    apply.load(at, x[0], g[0]);
    apply.load(next, x[1], g[1]);
    apply.store(at, x[0], g[0]);
    if (two) apply.store(next, x[1], g[1]);
  }
}

template <class T, bool kGradient>
TENON_DEVICE void apply_columns(const NormParams& p) {
  using Apply = Applying<T, kGradient>;
  const int64_t begin = block_x() % p.chunks * p.chunk;
  const int64_t line = block_x() / p.chunks * threads_x() + thread_x();
  if (line >= p.lines.count) return;
  const int64_t end = p.line.count < begin + p.chunk ? p.line.count : begin + p.chunk;
  int64_t base[kNormOperands] = {};
  add_offsets<Apply::kLoaded | mask_of(kMean, kVar)>(p.lines, line, base);
  const Apply apply(p, line, base);
  for (int64_t number = begin + thread_y(); number < end; number += threads_y()) {
    apply.one(apply.place(base, number));
  }
}

}  // namespace

#define TENON_SUMS(name, dtype, T, summed)                                               \
  TENON_KERNEL(sum_##name##_along_##dtype, kBlock, NormParams, sum_along<T, summed>)     \
  TENON_KERNEL(sum_##name##_columns_##dtype, kBlock, NormParams, sum_columns<T, summed>) \
  TENON_KERNEL(finish_##name##_##dtype, kBlock, NormParams, finish_sums<T, summed>)
#define TENON_NORMALIZATION(dtype, T)                                              \
  TENON_HELD_LINES(standardize, dtype, T)                                          \
  TENON_HELD_LINES(standardize_grad, dtype, T)                                     \
  TENON_HELD_LINES(standardize_grads, dtype, T)                                    \
  TENON_KERNEL(join_parts_##dtype, 1024, NormParams, join_parts<T>)                \
  TENON_HELD(standardize, dtype, T, 1024, 16)                                      \
  TENON_SUMS(moments, dtype, T, Summed::kMoments)                                  \
  TENON_SUMS(input, dtype, T, Summed::kForInput)                                   \
  TENON_SUMS(weight, dtype, T, Summed::kForWeight)                                 \
  TENON_KERNEL(apply_along_##dtype, kBlock, NormParams, apply_along<T, false>)     \
  TENON_KERNEL(apply_grad_along_##dtype, kBlock, NormParams, apply_along<T, true>) \
  TENON_KERNEL(apply_columns_##dtype, kBlock, NormParams, apply_columns<T, false>) \
  TENON_KERNEL(apply_grad_columns_##dtype, kBlock, NormParams, apply_columns<T, true>)

TENON_NORMALIZATION(f32, float)
TENON_NORMALIZATION(f16, Half)
TENON_NORMALIZATION(bf16, BFloat16)

}  // namespace tenon::cuda
