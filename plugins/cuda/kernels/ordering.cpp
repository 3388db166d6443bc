// scan, sort, nonzero_count, nonzero
#include "device/ordering.h"

#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;
constexpr uint64_t kAlignment = 256;

// The lines along `dim`: operand 0 is the output, then the input, then, for sort, the indices.
LineParams lines_along(Launcher& launcher, uint32_t dim, size_t in, bool has_indices) {
  const tn_tensor* tensors[] = {&launcher.tensor(0), &launcher.tensor(in),
                                &launcher.tensor(has_indices ? 1 : 0)};
  const Space space = collapse(tensors, Order::kRowMajor, ~(1u << dim));
  LineParams p{};
  p.lines = space.count;
  p.length = tensors[0]->shape[dim];
  p.rank = space.rank;
  std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
  std::memcpy(p.strides, space.strides.data(), sizeof p.strides);
  for (size_t k = 0; k < 3; ++k) p.steps[k] = tensors[k]->strides[dim];
  p.out = launcher.data(0);
  p.in = launcher.data(in);
  p.indices = has_indices ? launcher.data<int64_t>(1) : nullptr;
  return p;
}

class ScanKernel final : public Kernel {
 public:
  ScanKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_SCAN, s),
        dim_(static_cast<uint32_t>(s.attributes()[0])),
        product_(s.attributes()[1] == TN_SCAN_PROD),
        lines_(context.function("ordering", std::string("scan_lines_") + dtype_suffix(s.dtype(0)))),
        block_(
            context.function("ordering", std::string("scan_block_") + dtype_suffix(s.dtype(0)))) {}

  void launch(Launcher& launcher) override {
    LineParams p = lines_along(launcher, dim_, 1, false);
    p.flag = product_ ? 1 : 0;
    if (p.lines * p.length == 0) return;
    if (p.length <= 64 || p.lines >= 16384) {
      launcher.run(lines_, Grid{.blocks_x = blocks_for(p.lines, kThreads)}, p);
      return;
    }
    Grid grid{.blocks_x = p.lines};
    grid.shared_bytes = kThreads * sizeof(double);
    launcher.run(block_, grid, p);
  }

 private:
  const uint32_t dim_;
  const bool product_;
  CUfunction lines_, block_;
};

class SortKernel final : public Kernel {
 public:
  SortKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_SORT, s),
        dim_(static_cast<uint32_t>(s.attributes()[0])),
        descending_(s.attributes()[1] != 0),
        keys_(context.function("ordering", std::string("sort_keys_") + dtype_suffix(s.dtype(0)))),
        tiles_(context.function("ordering", "sort_tiles")),
        merge_(context.function("ordering", "sort_merge")),
        write_(context.function("ordering",
                                "sort_write_" + std::to_string(element_bytes(s.dtype(0))))) {}

  uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    const uint64_t items = items_bytes(count_over(*operands[2], ~0u));
    return operands[2]->shape[dim_] > kSortTile ? 2 * items : items;
  }

  void launch(Launcher& launcher) override {
    SortParams p{};
    p.line = lines_along(launcher, dim_, 2, true);
    p.line.flag = descending_ ? 1 : 0;
    const int64_t count = p.line.lines * p.line.length;
    if (count == 0) return;
    p.items = reinterpret_cast<SortItem*>(launcher.workspace());
    p.other = reinterpret_cast<SortItem*>(launcher.workspace() + items_bytes(count));
    const Grid each{.blocks_x = blocks_for(count, kThreads)};
    launcher.run(keys_, each, p);
    Grid tiles{.blocks_x = p.line.lines * blocks_for(p.line.length, kSortTile)};
    tiles.shared_bytes = kSortTile * sizeof(SortItem);
    launcher.run(tiles_, tiles, p);
    for (p.width = kSortTile; p.width < p.line.length; p.width *= 2) {
      launcher.run(merge_, each, p);
      std::swap(p.items, p.other);
    }
    launcher.run(write_, each, p);
  }

 private:
  static uint64_t items_bytes(int64_t count) {
    const uint64_t bytes = static_cast<uint64_t>(count) * sizeof(SortItem);
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }

  const uint32_t dim_;
  const bool descending_;
  CUfunction keys_, tiles_, merge_, write_;
};

// nonzero_count and nonzero.
class NonzeroKernel final : public Kernel {
 public:
  NonzeroKernel(Context& context, const Signature& s, bool lists)
      : Kernel(lists ? TN_OP_NONZERO : TN_OP_NONZERO_COUNT, s),
        lists_(lists),
        count_(context.function("ordering", "nonzero_count")),
        scan_(context.function("ordering", "nonzero_scan")),
        write_(context.function("ordering", "nonzero_write")) {}

  uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    const int64_t chunks = blocks_for(count_over(*operands[1], ~0u), kNonzeroChunk);
    return static_cast<uint64_t>(chunks + 1) * sizeof(int64_t);
  }

  void launch(Launcher& launcher) override {
    const tn_tensor *out = &launcher.tensor(0), *in = &launcher.tensor(1);
    const Space space = collapse({&in, 1}, Order::kRowMajor);
    NonzeroParams p{};
    p.count = space.count;
    p.chunks = blocks_for(p.count, kNonzeroChunk);
    p.rank = space.rank;
    p.dtype = in->dtype;
    std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
    std::memcpy(p.strides, space.strides[0].data(), sizeof p.strides);
    p.in = launcher.data(1);
    p.counts = reinterpret_cast<int64_t*>(launcher.workspace());
    Grid grid{.blocks_x = p.chunks};
    grid.shared_bytes = kThreads * sizeof(int64_t);
    if (p.chunks > 0) launcher.run(count_, grid, p);
    p.out = lists_ ? nullptr : launcher.data<int64_t>(0);
    launcher.run(scan_, Grid{.shared_bytes = grid.shared_bytes}, p);
    if (!lists_ || out->shape[0] == 0) return;
    p.out = launcher.data<int64_t>(0);
    p.out_strides[0] = out->strides[0];
    p.out_strides[1] = out->strides[1];
    p.full_rank = static_cast<int32_t>(in->rank);
    std::memcpy(p.full_shape, in->shape, sizeof p.full_shape);
    launcher.run(write_, grid, p);
  }

 private:
  const bool lists_;
  CUfunction count_, scan_, write_;
};

std::unique_ptr<Kernel> make_scan(Context& context, const Signature& s) {
  return std::make_unique<ScanKernel>(context, s);
}
std::unique_ptr<Kernel> make_sort(Context& context, const Signature& s) {
  return std::make_unique<SortKernel>(context, s);
}
std::unique_ptr<Kernel> make_count(Context& context, const Signature& s) {
  return std::make_unique<NonzeroKernel>(context, s, false);
}
std::unique_ptr<Kernel> make_nonzero(Context& context, const Signature& s) {
  return std::make_unique<NonzeroKernel>(context, s, true);
}

constexpr Operator kOperators[] = {{TN_OP_SCAN, nullptr, make_scan},
                                   {TN_OP_SORT, nullptr, make_sort},
                                   {TN_OP_NONZERO_COUNT, nullptr, make_count},
                                   {TN_OP_NONZERO, nullptr, make_nonzero}};

}  // namespace

std::span<const Operator> ordering_operators() { return kOperators; }

}  // namespace tenon::cuda
