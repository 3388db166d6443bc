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
      : Kernel(TN_OP_GATHER, s), dim_(static_cast<uint32_t>(s.attributes()[0])) {
    for (int64_t size = element_bytes(s.dtype(0)); size <= 16; size *= 2) {
      gather_[size] = context.function("indexing", "gather_" + std::to_string(size));
    }
  }

  void launch(Launcher& launcher) override {
    tn_tensor in = launcher.tensor(1);
    GatherParams p{};
    p.extent = in.shape[dim_];
    p.step = in.strides[dim_];
    in.strides[dim_] = 0;  // the index says where
    const tn_tensor* all[] = {&launcher.tensor(0), &launcher.tensor(2), &in};
    Space space = collapse(all, Order::kRowMajor);
    if (space.count == 0) return;
    check_extent(p.extent);
    // Whole rows, where one index serves neighbours.
    const int64_t bytes = element_bytes(dtype(0));
    int64_t factor = 1;
    if (space.strides[1][static_cast<size_t>(space.rank) - 1] == 0) {
      const Placed dense[] = {{0, launcher.address(0)}, {2, launcher.address(1)}};
      factor = widen(space, dense, bytes, p.step);
    }
    p.step /= factor;
    p.count = space.count;
    p.small = space.reach(3) < kSmall ? 1 : 0;
    fill_space(p, space);
    p.out = launcher.data(0);
    p.in = launcher.data(1);
    p.index = launcher.data<const int64_t>(2);
    p.fault = launcher.fault();
    p.tag = launcher.tag();
    launcher.run(gather_[bytes * factor], Grid{.blocks_x = blocks_for(p.count, kThreads)}, p);
  }

 private:
  static void check_extent(int64_t extent) {
    if (extent > 0) return;
    throw plugin::Status(TN_INDEX_ERROR, "gather: every index is out of range, the extent is 0");
  }

  const uint32_t dim_;
  CUfunction gather_[17] = {};  // by the size of an element
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
    if (adds_) {
      const std::string suffix = dtype_suffix(s.dtype(0));
      keys_ = context.function("indexing", "scatter_keys");
      tiles_ = context.function("ordering", "sort_tiles");
      merge_ = context.function("ordering", "sort_merge");
      runs_ = context.function("indexing", "scatter_runs_" + suffix);
      if (s.dtype(0) >= TN_DTYPE_F16) {
        wide_runs_ = context.function("indexing", "scatter_runs_wide_" + suffix);
      }
      return;
    }
    claim_ = context.function("indexing", "scatter_claim");
    store_ = context.function("indexing", "scatter_store_" + size);
  }

  uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    const tn_tensor &out = *operands[0], &index = *operands[1];
    const int64_t lines = count_over(index, ~(1u << dim_)), length = index.shape[dim_];
    if (sorts(lines, length, is_shared(index))) {
      const uint64_t items = items_bytes((is_shared(index) ? 1 : lines) * length);
      return length > kSortTile ? 2 * items : items;
    }
    if (!shares(lines, length)) return 0;
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
    fill_lines(p, lines);
    for (size_t k = 0; k < 3; ++k) p.steps[k] = launcher.tensor(k).strides[dim_];
    p.out = launcher.data(0);
    p.index = launcher.data<const int64_t>(1);
    p.source = launcher.data(2);
    p.fault = launcher.fault();
    p.tag = launcher.tag();
    if (sorts(p.lines, p.length, is_shared(*index))) return add_sorted(launcher, p, lines);
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
  [[nodiscard]] bool sorts(int64_t lines, int64_t length, bool shared) const {
    return adds_ && length >= 32 && lines < (shared ? 65536 : 4096);
  }
  // One index for all lines, as of rows that are added whole?
  [[nodiscard]] bool is_shared(const tn_tensor& index) const {
    for (uint32_t d = 0; d < index.rank; ++d) {
      if (d != dim_ && index.shape[d] > 1 && index.strides[d] != 0) return false;
    }
    return true;
  }
  static uint64_t items_bytes(int64_t count) {
    return (static_cast<uint64_t>(count) * sizeof(SortItem) + 255) / 256 * 256;
  }

  void add_sorted(Launcher& launcher, const ScatterParams& p, Space lines) const {
    const bool shared = is_shared(launcher.tensor(1));
    ScatterRunParams r{};
    r.scatter = p;
    r.sorted_lines = shared ? 1 : p.lines;
    r.columns = shared ? p.lines : 1;
    const int64_t count = r.sorted_lines * p.length;
    r.items = reinterpret_cast<SortItem*>(launcher.workspace());
    launcher.run(keys_, Grid{.blocks_x = blocks_for(count, kThreads)}, r);
    r.items = sort(launcher, r.sorted_lines, p.length);
    CUfunction runs = runs_;
    const int64_t bytes = element_bytes(dtype(0));
    const Placed dense[] = {{1, launcher.address(0)}, {2, launcher.address(2)}};
    if (shared && wide_runs_ != nullptr && p.steps[0] % (16 / bytes) == 0 &&
        widen(lines, dense, bytes, p.steps[2]) == 16 / bytes) {
      runs = wide_runs_;
      fill_lines(r.scatter, lines);
      r.columns = lines.count;
      r.scatter.steps[0] /= 16 / bytes;
      r.scatter.steps[2] /= 16 / bytes;
    }
    Grid grid;
    grid.threads_x = 1;
    while (grid.threads_x < kThreads && grid.threads_x < r.columns) grid.threads_x *= 2;
    grid.threads_y = kThreads / grid.threads_x;
    r.chunks = blocks_for(r.columns, grid.threads_x);
    grid.blocks_x = blocks_for(count, grid.threads_y) * r.chunks;
    launcher.run(runs, grid, r);
  }

  // The items in the workspace, each line of them by itself; answers where they are then.
  SortItem* sort(Launcher& launcher, int64_t lines, int64_t length) const {
    SortParams s{};
    s.line.lines = lines;
    s.line.length = length;
    s.items = reinterpret_cast<SortItem*>(launcher.workspace());
    s.other = reinterpret_cast<SortItem*>(launcher.workspace() + items_bytes(lines * length));
    Grid tiles{.blocks_x = lines * blocks_for(length, kSortTile)};
    tiles.shared_bytes = kSortTile * sizeof(SortItem);
    launcher.run(tiles_, tiles, s);
    for (s.width = kSortTile; s.width < length; s.width *= 2) {
      launcher.run(merge_, Grid{.blocks_x = blocks_for(lines * length, kThreads)}, s);
      std::swap(s.items, s.other);
    }
    return s.items;
  }

  // `lines` lists index, out, source.
  static void fill_lines(ScatterParams& p, const Space& lines) {
    const size_t order[] = {1, 0, 2};
    p.rank = lines.rank;
    std::memcpy(p.shape, lines.shape.data(), sizeof p.shape);
    for (size_t k = 0; k < 3; ++k) {
      std::memcpy(p.strides[k], lines.strides[order[k]].data(), sizeof p.strides[k]);
    }
  }

  const uint32_t dim_;
  const bool adds_;
  CUfunction lines_ = nullptr, claim_ = nullptr, store_ = nullptr;
  CUfunction keys_ = nullptr, tiles_ = nullptr, merge_ = nullptr, runs_ = nullptr,
             wide_runs_ = nullptr;
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
