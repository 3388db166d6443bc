// gather, scatter
#include "device/indexing.h"

#include <array>
#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;

template <class P>
void fill_space(P& p, const Space& space) {
  p.rank = space.rank;
  std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
  std::memcpy(p.strides, space.strides.data(), sizeof p.strides);
}

class GatherKernel final : public Kernel {
 public:
  GatherKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_GATHER, s),
        dim_(static_cast<uint32_t>(s.attributes()[0])),
        gather_(
            context.function("indexing", "gather_" + std::to_string(element_bytes(s.dtype(0))))) {}

  void launch(Launcher& launcher) override {
    tn_tensor in = launcher.tensor(1);
    GatherParams p{};
    p.extent = in.shape[dim_];
    p.step = in.strides[dim_];
    in.strides[dim_] = 0;  // the index says where
    const tn_tensor* all[] = {&launcher.tensor(0), &launcher.tensor(2), &in};
    const Space space = collapse(all, Order::kRowMajor);
    if (space.count == 0) return;
    check_extent(p.extent);
    p.count = space.count;
    fill_space(p, space);
    p.out = launcher.data(0);
    p.in = launcher.data(1);
    p.index = launcher.data<const int64_t>(2);
    p.fault = launcher.fault();
    p.tag = launcher.tag();
    launcher.run(gather_, Grid{.blocks_x = blocks_for(p.count, kThreads)}, p);
  }

 private:
  static void check_extent(int64_t extent) {
    if (extent > 0) return;
    throw plugin::Status(TN_INDEX_ERROR, "gather: every index is out of range, the extent is 0");
  }

  const uint32_t dim_;
  CUfunction gather_;
};

class ScatterKernel final : public Kernel {
 public:
  ScatterKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_SCATTER, s),
        dim_(static_cast<uint32_t>(s.attributes()[0])),
        adds_(s.attributes()[1] == TN_SCATTER_ADD) {
    const std::string size = std::to_string(element_bytes(s.dtype(0)));
    lines_ =
        context.function("indexing", adds_ ? std::string("scatter_add_") + dtype_suffix(s.dtype(0))
                                           : "scatter_set_" + size);
    if (adds_) return;
    claim_ = context.function("indexing", "scatter_claim");
    store_ = context.function("indexing", "scatter_store_" + size);
  }

  uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    const tn_tensor &out = *operands[0], &index = *operands[1];
    const int64_t lines = count_over(index, ~(1u << dim_));
    if (!shares(lines, index.shape[dim_])) return 0;
    return static_cast<uint64_t>(lines * out.shape[dim_]) * sizeof(int64_t);
  }

  void launch(Launcher& launcher) override {
    const tn_tensor *out = &launcher.tensor(0), *index = &launcher.tensor(1),
                    *source = &launcher.tensor(2);
    // The extents are the index's; only its strides differ from the others'.
    const tn_tensor* by_index[] = {index, out, source};
    const Space lines = collapse(by_index, Order::kRowMajor, ~(1u << dim_));
    ScatterParams p{};
    p.lines = lines.count;
    p.length = index->shape[dim_];
    if (p.lines * p.length == 0) return;
    p.extent = out->shape[dim_];
    if (p.extent == 0) {
      throw plugin::Status(TN_INDEX_ERROR, "scatter: every index is out of range, the extent is 0");
    }
    p.rank = lines.rank;
    std::memcpy(p.shape, lines.shape.data(), sizeof p.shape);
    const size_t order[] = {1, 0, 2};
    for (size_t k = 0; k < 3; ++k) {
      std::memcpy(p.strides[k], lines.strides[order[k]].data(), sizeof p.strides[k]);
      p.steps[k] = launcher.tensor(k).strides[dim_];
    }
    p.out = launcher.data(0);
    p.index = launcher.data<const int64_t>(1);
    p.source = launcher.data(2);
    p.fault = launcher.fault();
    p.tag = launcher.tag();
    if (!shares(p.lines, p.length)) {
      launcher.run(lines_, Grid{.blocks_x = blocks_for(p.lines, kThreads)}, p);
      return;
    }
    p.winners = reinterpret_cast<int64_t*>(launcher.workspace());
    const auto places = static_cast<size_t>(p.lines * p.extent);
    launcher.context.check(launcher.context.driver.set32(launcher.workspace(), 0xffffffffu,
                                                         2 * places, launcher.stream()),
                           "cuMemsetD32Async");
    const Grid grid{.blocks_x = blocks_for(p.lines * p.length, kThreads)};
    launcher.run(claim_, grid, p);
    launcher.run(store_, grid, p);
  }

 private:
  // Too few lines to keep the device busy, each of them long.
  [[nodiscard]] bool shares(int64_t lines, int64_t length) const {
    return !adds_ && lines < 4096 && length >= 64;
  }

  const uint32_t dim_;
  const bool adds_;
  CUfunction lines_ = nullptr, claim_ = nullptr, store_ = nullptr;
};

std::unique_ptr<Kernel> make_gather(Context& context, const Signature& s) {
  return std::make_unique<GatherKernel>(context, s);
}
std::unique_ptr<Kernel> make_scatter(Context& context, const Signature& s) {
  return std::make_unique<ScatterKernel>(context, s);
}

constexpr Operator kOperators[] = {{TN_OP_GATHER, nullptr, make_gather},
                                   {TN_OP_SCATTER, nullptr, make_scatter}};

}  // namespace

std::span<const Operator> indexing_operators() { return kOperators; }

}  // namespace tenon::cuda
