// softmax, log_softmax, standardize and their gradients
#include "device/normalization.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

// Operands by kInput, kGrad, ...; NULL where there is none. The input is always there.
using Slots = std::array<const tn_tensor*, kNormOperands>;

// ---- layouts -----------------------------------------------------------------------------------

// Strides of `t` over the dimensions of x, 0 where it has one element for all.
tn_tensor broadcast(const tn_tensor& t, const tn_tensor& x) {
  tn_tensor out = t;
  out.rank = x.rank;
  for (uint32_t d = 0; d < x.rank; ++d) {
    const int64_t own = int64_t{d} - (int64_t{x.rank} - int64_t{t.rank});
    out.shape[d] = x.shape[d];
    out.strides[d] = own < 0 || t.shape[own] == 1 ? 0 : t.strides[own];
  }
  return out;
}

// Dimensions of x along which t, aligned at the last one, has more than one element.
uint32_t varying_dims(const tn_tensor& t, const tn_tensor& x) {
  uint32_t mask = 0;
  for (uint32_t d = 0; d < x.rank; ++d) {
    const int64_t own = int64_t{d} - (int64_t{x.rank} - int64_t{t.rank});
    if (own >= 0 && t.shape[own] != 1) mask |= 1u << d;
  }
  return mask;
}

uint32_t single_dims(const tn_tensor& x) {
  uint32_t mask = 0;
  for (uint32_t d = 0; d < x.rank; ++d) {
    if (x.shape[d] == 1) mask |= 1u << d;
  }
  return mask;
}

NormSpace make_space(const Slots& slots, uint32_t mask) {
  std::array<const tn_tensor*, kNormOperands> tensors{};
  std::array<size_t, kNormOperands> slot_of{};
  size_t count = 0;
  for (size_t k = 0; k < slots.size(); ++k) {
    if (slots[k] == nullptr) continue;
    slot_of[count] = k;
    tensors[count++] = slots[k];
  }
  const Space space = collapse({tensors.data(), count}, Order::kMemory, mask);
  NormSpace out{};
  out.count = space.count;
  out.rank = space.rank;
  out.small = space.count < kSmall ? 1 : 0;
  for (size_t d = 0; d < static_cast<size_t>(space.rank); ++d) {
    out.shape[d] = space.shape[d];
    if (out.small != 0) out.dividers[d] = make_divider(std::max<int64_t>(space.shape[d], 1));
    for (size_t i = 0; i < count; ++i) out.strides[slot_of[i]][d] = space.strides[i][d];
  }
  return out;
}

// Lines along the dimensions in the mask.
NormParams make_params(const Slots& slots, uint32_t line_mask) {
  NormParams p{};
  p.lines = make_space(slots, ~line_mask);
  p.line = make_space(slots, line_mask);
  p.factor = p.line.count > 0 ? 1 / static_cast<double>(p.line.count) : 0;
  p.steady = 1;
  return p;
}

// Neighbouring threads then take neighbouring lines.
bool side_by_side(const NormParams& p) {
  return p.line.inner_stride(kInput) != 1 && p.lines.inner_stride(kInput) == 1;
}

bool in_fours(const NormSpace& s, int operand, bool inner) {
  for (int d = 0; d < s.rank; ++d) {
    const bool innermost = inner && d == s.rank - 1;
    if (innermost ? s.strides[operand][d] != 1 : s.strides[operand][d] % 4 != 0) return false;
  }
  return true;
}

// Can an operand be read and written by four elements of `size` bytes?
bool in_fours(const NormParams& p, int operand, int64_t size) {
  const auto address = reinterpret_cast<uintptr_t>(p.data[operand]);
  return address % static_cast<uintptr_t>(4 * size) == 0 && in_fours(p.lines, operand, false) &&
         in_fours(p.line, operand, true);
}

// Elements of the operands in the mask can be taken by fours.
bool vector_fits(const NormParams& p, uint32_t mask, int64_t size) {
  if (p.line.shape[p.line.rank - 1] % 4 != 0) return false;
  for (int k = 0; k < kNormOperands; ++k) {
    if ((mask >> k & 1u) != 0 && p.data[k] != nullptr && !in_fours(p, k, size)) return false;
  }
  return true;
}

// Weight and bias are one for a line, or can be taken by fours too.
bool vector_fits_parameters(const NormParams& p, uint32_t mask, int64_t size) {
  for (int k = 0; k < kNormOperands; ++k) {
    if ((mask >> k & 1u) == 0 || p.data[k] == nullptr) continue;
    if (p.line.inner_stride(k) != 0 && !in_fours(p, k, size)) return false;
  }
  return true;
}

// ---- lines that are held in registers ----------------------------------------------------------

struct Shape {
  int threads, values;

  [[nodiscard]] int64_t capacity() const { return int64_t{threads} * values; }
  // Threads of a block: a warp or a part of one never waits for others.
  [[nodiscard]] int block() const { return threads <= 32 ? 256 : threads; }
};
constexpr Shape kShapes[] = {{8, 4},   {32, 4},   {32, 8},   {32, 16},  {128, 8},
                             {256, 8}, {256, 16}, {512, 16}, {1024, 16}};
constexpr size_t kShapeCount = std::size(kShapes);
// Two lines in registers of 1024 threads would be too many.
constexpr size_t kGradShapes = kShapeCount - 1;
constexpr uint32_t kJoinBytes = 2 * 512;  // shared memory of two joins of a block

// A kernel; those of softmax are an image of their own.
CUfunction kernel_of(Context& context, const std::string& name) {
  return context.function(name.starts_with("softmax") ? "softmax" : "normalization", name);
}

class HeldLines {
 public:
  HeldLines(Context& context, const std::string& op, uint32_t dtype, size_t shapes)
      : count_(shapes) {
    for (size_t i = 0; i < count_; ++i) {
      functions_[i] = kernel_of(context, op + "_" + dtype_suffix(dtype) + "_" +
                                             std::to_string(kShapes[i].threads) + "x" +
                                             std::to_string(kShapes[i].values));
    }
  }

  [[nodiscard]] bool fits(const NormParams& p) const {
    return p.line.rank == 1 && !side_by_side(p) && p.line.count <= kShapes[count_ - 1].capacity();
  }
  // Lines that a block has at a time.
  [[nodiscard]] int64_t at_once(const NormParams& p) const {
    const Shape& shape = shape_for(p);
    return shape.block() / shape.threads;
  }
  // A block has p.chunk lines in turn; 0: those that it has at a time.
  void run(Launcher& launcher, const NormParams& p) const {
    const Shape& shape = shape_for(p);
    // Joins, or two lines.
    const int64_t shared = std::max<int64_t>(kJoinBytes, at_once(p) > 1 ? 8 * shape.capacity() : 0);
    launcher.run(functions_[static_cast<size_t>(&shape - kShapes)],
                 Grid{.blocks_x = blocks_for(p.lines.count, p.chunk > 0 ? p.chunk : at_once(p)),
                      .threads_x = static_cast<uint32_t>(shape.block()),
                      .shared_bytes = static_cast<uint32_t>(shared)},
                 p);
  }

 private:
  [[nodiscard]] const Shape& shape_for(const NormParams& p) const {
    size_t i = 0;
    while (kShapes[i].capacity() < p.line.count) ++i;
    return kShapes[i];
  }

  size_t count_;
  std::array<CUfunction, kShapeCount> functions_{};
};

CUfunction function(Context& context, const char* name, uint32_t dtype) {
  return kernel_of(context, std::string(name) + "_" + dtype_suffix(dtype));
}

// ---- softmax -----------------------------------------------------------------------------------

constexpr int64_t kColumnValues = 8;  // of a thread at a time, as in softmax.cu

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(Context& context, const Signature& s, const char* op, bool gradient, bool logarithm)
      : Kernel(op, s),
        gradient_(gradient),
        logarithm_(logarithm),
        dim_(static_cast<uint32_t>(s.attributes()[0])),
        held_(context, gradient ? "softmax_grad" : "softmax", s.dtype(0),
              gradient ? kGradShapes : kShapeCount),
        long_(function(context, gradient ? "softmax_grad_long" : "softmax_long", s.dtype(0))),
        columns_(
            function(context, gradient ? "softmax_grad_columns" : "softmax_columns", s.dtype(0))) {}

  void launch(Launcher& launcher) override {
    Slots slots{};
    std::array<size_t, kNormOperands> number{};
    const auto put = [&](size_t slot, size_t i) {
      slots[slot] = &launcher.tensor(i);
      number[slot] = i;
    };
    put(kOutput, 0);
    put(kInput, gradient_ ? 2 : 1);
    if (gradient_) put(kGrad, 1);
    NormParams p = make_params(slots, 1u << dim_);
    if (p.lines.count == 0 || p.line.count == 0) return;
    for (int k = 0; k < kNormOperands; ++k) {
      const auto slot = static_cast<size_t>(k);
      if (slots[slot] != nullptr) p.data[k] = launcher.data(number[slot]);
    }
    p.logarithm = logarithm_ ? 1 : 0;
    p.vector = vector_fits(p, mask_of(kInput, kGrad, kOutput), element_bytes(dtype(0))) ? 1 : 0;
    if (side_by_side(p)) return run_columns(launcher, p);
    if (held_.fits(p)) return held_.run(launcher, p);
    launcher.run(long_,
                 Grid{.blocks_x = p.lines.count, .threads_x = 1024, .shared_bytes = kJoinBytes}, p);
  }

 private:
  void run_columns(Launcher& launcher, const NormParams& p) const {
    uint32_t down = 1;
    while (down < 32 && down * kColumnValues < p.line.count) down *= 2;
    const uint32_t across = std::max(32u, 256u / down);
    launcher.run(columns_,
                 Grid{.blocks_x = blocks_for(p.lines.count, across),
                      .threads_x = across,
                      .threads_y = down,
                      .shared_bytes = across * down * 16},
                 p);
  }

  const bool gradient_, logarithm_;
  const uint32_t dim_;
  const HeldLines held_;
  const CUfunction long_, columns_;
};

// ---- sums and results of any lines -------------------------------------------------------------

// How lines are cut between blocks: by numbers of lines and values alone, so that sums do not
// depend on the device.
struct Cut {
  bool columns = false;
  int64_t chunk = 1, chunks = 0, tiles = 0;

  [[nodiscard]] Grid grid() const {
    Grid grid{.blocks_x = tiles * chunks};
    if (columns) grid.threads_x = 32, grid.threads_y = 8;
    grid.shared_bytes = columns ? 32 * 8 * uint32_t{sizeof(Sums)} : kJoinBytes;
    return grid;
  }
};

constexpr int64_t kBlocks = 2048;  // enough for every device

// `fine`: no partial sums are kept, so that there may be any number of chunks.
Cut cut_lines(const NormParams& p, bool fine) {
  Cut cut;
  cut.columns = side_by_side(p);
  cut.tiles = cut.columns ? blocks_for(p.lines.count, 32) : p.lines.count;
  if (p.lines.count == 0 || p.line.count == 0) return cut;
  const int64_t least = cut.columns ? 128 : 4096, unit = cut.columns ? 8 : 1024;
  cut.chunks = blocks_for(p.line.count, least);
  if (!fine) cut.chunks = std::min(cut.chunks, std::max<int64_t>(1, kBlocks / cut.tiles));
  cut.chunk = blocks_for(blocks_for(p.line.count, cut.chunks), unit) * unit;
  cut.chunks = blocks_for(p.line.count, cut.chunk);
  return cut;
}

uint64_t partial_bytes(const NormParams& p, const Cut& cut) {
  const auto bytes = static_cast<uint64_t>(p.lines.count * cut.chunks) * sizeof(Sums);
  return (bytes + 255) / 256 * 256;
}

// One kind of sum: partial sums of chunks, then what they are for.
struct SumKernels {
  CUfunction along, columns, finish;

  SumKernels(Context& context, const std::string& name, uint32_t dtype)
      : along(function(context, ("sum_" + name + "_along").c_str(), dtype)),
        columns(function(context, ("sum_" + name + "_columns").c_str(), dtype)),
        finish(function(context, ("finish_" + name).c_str(), dtype)) {}

  void run(Launcher& launcher, NormParams p, int64_t size) const {
    if (p.lines.count == 0) return;
    const Cut cut = cut_lines(p, false);
    p.partial = reinterpret_cast<Sums*>(launcher.workspace());
    p.chunk = cut.chunk;
    p.chunks = cut.chunks;
    p.vector = vector_fits(p, mask_of(kInput, kGrad), size) ? 1 : 0;
    if (cut.chunks > 0) launcher.run(cut.columns ? columns : along, cut.grid(), p);
    launcher.run(finish, Grid{.blocks_x = blocks_for(p.lines.count, 256 / 32)}, p);
  }
};

struct ApplyKernels {
  CUfunction along, columns;

  ApplyKernels(Context& context, const std::string& name, uint32_t dtype)
      : along(function(context, (name + "_along").c_str(), dtype)),
        columns(function(context, (name + "_columns").c_str(), dtype)) {}

  void run(Launcher& launcher, NormParams p, int64_t size) const {
    const Cut cut = cut_lines(p, true);
    if (cut.chunks == 0) return;
    p.chunk = cut.chunk;
    p.chunks = cut.chunks;
    p.vector = vector_fits(p, mask_of(kInput, kGrad, kOutput), size) ? 1 : 0;
    launcher.run(cut.columns ? columns : along, cut.grid(), p);
  }
};

float eps_of(const Launcher& launcher) {
  return static_cast<float>(std::bit_cast<double>(launcher.scalars()[0]));
}

// ---- standardize -------------------------------------------------------------------------------

using Operands = std::span<const tn_tensor* const>;

class StandardizeKernel final : public Kernel {
 public:
  StandardizeKernel(Context& context, const Signature& s)
      : Kernel("standardize", s),
        dims_(static_cast<uint32_t>(s.attributes()[0])),
        held_(context, "standardize", s.dtype(3), kShapeCount),
        moments_(context, "moments", s.dtype(3)),
        apply_(context, "apply", s.dtype(3)) {}

  uint64_t workspace(Operands operands) const override {
    const NormParams p = params(operands);
    return held_.fits(p) ? 0 : partial_bytes(p, cut_lines(p, false));
  }

  void launch(Launcher& launcher) override {
    std::array<const tn_tensor*, 6> operands{};
    for (size_t i = 0; i < operand_count(); ++i) operands[i] = &launcher.tensor(i);
    NormParams p = params({operands.data(), operand_count()});
    constexpr int kSlots[] = {kMean, kVar, kOutput, kInput, kWeight, kBias};
    for (size_t i = 0; i < operand_count(); ++i) p.data[kSlots[i]] = launcher.data(i);
    if (p.lines.count == 0) return;
    p.eps = eps_of(launcher);
    const int64_t size = element_bytes(dtype(3));
    if (held_.fits(p) && p.line.count > 0) {
      const bool fits = vector_fits(p, mask_of(kInput, kOutput), size) &&
                        vector_fits_parameters(p, mask_of(kWeight, kBias), p.wide != 0 ? 4 : size);
      p.vector = fits ? 1 : 0;
      return held_.run(launcher, p);
    }
    moments_.run(launcher, p, size);
    apply_.run(launcher, p, size);
  }

 private:
  // Without addresses.
  [[nodiscard]] NormParams params(Operands operands) const {
    const tn_tensor& x = *operands[3];
    std::array<tn_tensor, kNormOperands> full{};
    Slots slots{};
    const auto put = [&](size_t slot, size_t i) {
      full[slot] = broadcast(*operands[i], x);
      slots[slot] = &full[slot];
    };
    put(kMean, 0);
    put(kVar, 1);
    put(kOutput, 2);
    put(kInput, 3);
    if (operands.size() == 6) put(kWeight, 4), put(kBias, 5);
    NormParams p = make_params(slots, dims_);
    p.wide = operands.size() == 6 && operands[4]->dtype == TN_DTYPE_F32 ? 1 : 0;
    return p;
  }

  const uint32_t dims_;
  const HeldLines held_;
  const SumKernels moments_;
  const ApplyKernels apply_;
};

// ---- its gradient ------------------------------------------------------------------------------

class StandardizeGradKernel final : public Kernel {
 public:
  StandardizeGradKernel(Context& context, const Signature& s)
      : Kernel("standardize_grad", s),
        dims_(static_cast<uint32_t>(s.attributes()[0])),
        wanted_(static_cast<uint32_t>(s.attributes()[1])),
        inputs_(s.output_count()),
        held_(context, "standardize_grad", s.dtype(inputs_), kGradShapes),
        summed_(context, "standardize_grads", s.dtype(inputs_), kGradShapes),
        input_(context, "input", s.dtype(inputs_)),
        weight_(context, "weight", s.dtype(inputs_)),
        apply_(context, "apply_grad", s.dtype(inputs_)),
        join_parts_(function(context, "join_parts", s.dtype(inputs_))) {}

  uint64_t workspace(Operands operands) const override {
    const Plan plan(*this, operands);
    return plan.partial_size + plan.totals_size;
  }

  void launch(Launcher& launcher) override {
    std::array<const tn_tensor*, 8> operands{};
    for (size_t i = 0; i < operand_count(); ++i) operands[i] = &launcher.tensor(i);
    Plan plan(*this, {operands.data(), operand_count()});
    for (NormParams* p : {&plan.input, &plan.weight}) {
      p->data[kGrad] = launcher.data(inputs_);
      p->data[kInput] = launcher.data(inputs_ + 1);
      p->data[kMean] = launcher.data(inputs_ + 2);
      p->data[kVar] = launcher.data(inputs_ + 3);
      p->data[kWeight] = launcher.data(inputs_ + 4);
      p->eps = eps_of(launcher);
      p->wide = launcher.tensor(inputs_ + 4).dtype == TN_DTYPE_F32 ? 1 : 0;
    }
    size_t next = 0;
    if (wants(1)) plan.input.data[kOutput] = launcher.data(next++);
    if (wants(2)) plan.weight.data[kOutput] = launcher.data(next++);
    if (wants(4)) plan.weight.data[kBias] = launcher.data(next);
    const int64_t size = element_bytes(dtype(inputs_));
    const auto totals = reinterpret_cast<Sums*>(launcher.workspace() + plan.partial_size);
    if (plan.totals_size > 0) plan.input.totals = totals;
    if (plan.shared) plan.weight.totals = totals;
    if (plan.chunk > 0) return run_both(launcher, plan, size);
    if (plan.sums_weight) weight_.run(launcher, plan.weight, size);
    if (wants(1)) run_input(launcher, plan, size);
  }

 private:
  // Lines of the statistics, lines of the weight, and what is to be done with them.
  struct Plan {
    std::array<tn_tensor, kNormOperands> full{};
    NormParams input, weight;
    bool held, shared, sums_weight;
    int64_t chunk = 0, chunks = 0;  // of lines, where all gradients are made at once
    uint64_t partial_size = 0, totals_size = 0;

    Plan(const StandardizeGradKernel& kernel, Operands operands) {
      const size_t first = kernel.inputs_;
      const tn_tensor& x = *operands[first + 1];
      const tn_tensor& w = *operands[first + 4];
      Slots slots{};
      const auto put = [&](size_t slot, size_t i) {
        full[slot] = broadcast(*operands[i], x);
        slots[slot] = &full[slot];
      };
      put(kGrad, first);
      put(kInput, first + 1);
      put(kMean, first + 2);
      put(kVar, first + 3);
      put(kWeight, first + 4);
      size_t next = 0;
      if (kernel.wants(1)) put(kOutput, next++);
      input = make_params(slots, kernel.dims_);
      slots[kOutput] = nullptr;
      if (kernel.wants(2)) put(kOutput, next++);
      if (kernel.wants(4)) put(kBias, next);
      const uint32_t single = single_dims(x), own = varying_dims(w, x) & ~single;
      const uint32_t kept = ~kernel.dims_ & ~single & ((1u << x.rank) - 1);
      weight = make_params(slots, ~own);
      weight.steady = (kept & ~own) == 0 ? 1 : 0;
      held = kernel.held_.fits(input);
      // One weight for each line of statistics: its sums, weighted, are the input's.
      shared = kernel.wants(1) && !held && own == kept;
      sums_weight = kernel.wants(2) || kernel.wants(4) || shared;
      const uint32_t along = kernel.dims_ & ~single & ((1u << x.rank) - 1);
      if (held && kernel.wants(1) && sums_weight && own == along && input.lines.count > 0 &&
          input.line.count > 0) {
        const int64_t lines = input.lines.count, unit = kernel.summed_.at_once(input);
        chunk = blocks_for(std::max<int64_t>(8, blocks_for(lines, 1024)), unit) * unit;
        chunks = blocks_for(lines, chunk);
        partial_size = static_cast<uint64_t>(chunks * input.line.count) * 2 * sizeof(float);
        return;
      }
      if (sums_weight) partial_size = partial_bytes(weight, cut_lines(weight, false));
      if (!kernel.wants(1) || held) return;
      totals_size = static_cast<uint64_t>(input.lines.count) * sizeof(Sums);
      if (!shared) {
        partial_size = std::max(partial_size, partial_bytes(input, cut_lines(input, false)));
      }
    }
  };

  [[nodiscard]] bool wants(uint32_t bit) const { return (wanted_ & bit) != 0; }

  static bool takes_fours(const NormParams& p, int64_t size) {
    return vector_fits(p, mask_of(kInput, kGrad, kOutput), size) &&
           vector_fits_parameters(p, mask_of(kWeight), p.wide != 0 ? 4 : size);
  }

  void run_both(Launcher& launcher, Plan& plan, int64_t size) const {
    plan.input.chunk = plan.chunk;
    plan.weight.chunks = plan.chunks;
    plan.input.parts = plan.weight.parts = reinterpret_cast<float*>(launcher.workspace());
    plan.input.vector = takes_fours(plan.input, size) ? 1 : 0;
    summed_.run(launcher, plan.input);
    Grid grid{.blocks_x = blocks_for(plan.weight.lines.count, 32)};
    grid.threads_x = grid.threads_y = 32;
    grid.shared_bytes = 32 * 32 * sizeof(Sums);
    launcher.run(join_parts_, grid, plan.weight);
  }

  void run_input(Launcher& launcher, Plan& plan, int64_t size) const {
    NormParams& p = plan.input;
    if (p.lines.count == 0 || p.line.count == 0) return;
    if (plan.held) {
      p.vector = takes_fours(p, size) ? 1 : 0;
      return held_.run(launcher, p);
    }
    if (!plan.shared) input_.run(launcher, p, size);
    apply_.run(launcher, p, size);
  }

  const uint32_t dims_, wanted_, inputs_;
  const HeldLines held_, summed_;
  const SumKernels input_, weight_;
  const ApplyKernels apply_;
  const CUfunction join_parts_;
};

// ---- signatures --------------------------------------------------------------------------------

bool served(uint32_t dtype) {
  return dtype == TN_DTYPE_F32 || dtype == TN_DTYPE_F16 || dtype == TN_DTYPE_BF16;
}

std::string refuse_softmax(const Signature& s, uint32_t operands) {
  if (s.operand_count() != operands || s.output_count() != 1 || s.attributes().size() != 1) {
    return "wrong number of operands or attributes";
  }
  const int64_t rank = std::max<int64_t>(s.rank(0), 1);
  if (s.attributes()[0] < 0 || s.attributes()[0] >= rank) return "there is no such dimension";
  for (uint32_t i = 0; i < operands; ++i) {
    if (!served(s.dtype(i)) || s.dtype(i) != s.dtype(0) || s.rank(i) != s.rank(0)) {
      return "only f32, f16 and bf16 are served directly, one in all operands";
    }
  }
  return {};
}
std::string refuse_forward(const Signature& s) { return refuse_softmax(s, 2); }
std::string refuse_grad(const Signature& s) { return refuse_softmax(s, 3); }

// Elements x, statistics in f32, parameters like x or in f32.
std::string refuse_dtypes(const Signature& s, std::initializer_list<uint32_t> elements,
                          std::initializer_list<uint32_t> statistics,
                          std::initializer_list<uint32_t> parameters) {
  const uint32_t dtype = s.dtype(*elements.begin());
  bool good = served(dtype);
  for (const uint32_t i : elements) good = good && s.dtype(i) == dtype;
  for (const uint32_t i : statistics) good = good && s.dtype(i) == TN_DTYPE_F32;
  for (const uint32_t i : parameters) {
    good = good && (s.dtype(i) == dtype || s.dtype(i) == TN_DTYPE_F32) &&
           s.dtype(i) == s.dtype(*parameters.begin()) && s.rank(i) <= s.rank(*elements.begin());
  }
  return good ? std::string() : "only f32, f16 and bf16 with statistics in f32 are served directly";
}

std::string refuse_standardize(const Signature& s) {
  if (s.output_count() != 3 || (s.operand_count() != 4 && s.operand_count() != 6) ||
      s.attributes().size() != 1) {
    return "only weight and bias together, or none, are served directly";
  }
  if (s.operand_count() == 4) return refuse_dtypes(s, {3, 2}, {0, 1}, {});
  return refuse_dtypes(s, {3, 2}, {0, 1}, {4, 5});
}

std::string refuse_standardize_grad(const Signature& s) {
  const uint32_t first = s.output_count();
  if (s.attributes().size() != 2 || s.operand_count() != first + 5 || first == 0 ||
      first != static_cast<uint32_t>(std::popcount(static_cast<uint64_t>(s.attributes()[1] & 7)))) {
    return "only with mean and weight is it served directly";
  }
  std::string reason = refuse_dtypes(s, {first, first + 1}, {first + 2, first + 3}, {first + 4});
  uint32_t next = 0;
  if ((s.attributes()[1] & 1) != 0 && s.dtype(next++) != s.dtype(first)) reason = "other dtypes";
  for (; next < first; ++next) {
    if (s.dtype(next) != s.dtype(first + 4)) reason = "other dtypes";
  }
  return reason;
}

std::unique_ptr<Kernel> make_softmax(Context& context, const Signature& s) {
  return std::make_unique<SoftmaxKernel>(context, s, "softmax", false, false);
}
std::unique_ptr<Kernel> make_log_softmax(Context& context, const Signature& s) {
  return std::make_unique<SoftmaxKernel>(context, s, "log_softmax", false, true);
}
std::unique_ptr<Kernel> make_softmax_grad(Context& context, const Signature& s) {
  return std::make_unique<SoftmaxKernel>(context, s, "softmax_grad", true, false);
}
std::unique_ptr<Kernel> make_log_softmax_grad(Context& context, const Signature& s) {
  return std::make_unique<SoftmaxKernel>(context, s, "log_softmax_grad", true, true);
}
std::unique_ptr<Kernel> make_standardize(Context& context, const Signature& s) {
  return std::make_unique<StandardizeKernel>(context, s);
}
std::unique_ptr<Kernel> make_standardize_grad(Context& context, const Signature& s) {
  return std::make_unique<StandardizeGradKernel>(context, s);
}

constexpr Operator kOperators[] = {
    {"softmax", refuse_forward, make_softmax, false},
    {"log_softmax", refuse_forward, make_log_softmax, false},
    {"softmax_grad", refuse_grad, make_softmax_grad, false},
    {"log_softmax_grad", refuse_grad, make_log_softmax_grad, false},
    {"standardize", refuse_standardize, make_standardize, false},
    {"standardize_grad", refuse_standardize_grad, make_standardize_grad, false},
};

}  // namespace

std::span<const Operator> normalization_operators() { return kOperators; }

}  // namespace tenon::cuda
