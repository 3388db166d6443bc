// matmul and linear: by cuBLASLt where it can, else by tiles of our own.
#include "device/matmul.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>

#include "blas.h"
#include "device/movement.h"
#include "geometry.h"
#include "kernel.h"
#include "tables.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;

// Scratch memory is given out in pieces that begin at multiples of this.
uint64_t rounded(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

// A product as the tensors have it; linear's weight is seen transposed.
struct Product {
  tn_tensor out, a, b;
  const tn_tensor* bias = nullptr;
};

tn_tensor transposed(tn_tensor t) {
  std::swap(t.shape[t.rank - 2], t.shape[t.rank - 1]);
  std::swap(t.strides[t.rank - 2], t.strides[t.rank - 1]);
  return t;
}

// A dense copy of a factor; what a batch repeats is there once.
struct Packed {
  tn_tensor tensor{};
  uint64_t size_bytes = 0;
};

Packed packed(const tn_tensor& t) {
  Packed out{t, 0};
  int64_t step = 1;
  for (uint32_t d = t.rank; d-- > 0;) {
    const bool repeats = d + 2 < t.rank && t.strides[d] == 0;
    out.tensor.strides[d] = repeats ? 0 : step;
    if (!repeats) step *= t.shape[d];
  }
  out.tensor.offset_bytes = 0;
  out.size_bytes = rounded(static_cast<uint64_t>(step * element_bytes(t.dtype)));
  return out;
}

double multiplications(const StridedProduct& p) {
  return static_cast<double>(p.out.rows) * static_cast<double>(p.out.columns) *
         static_cast<double>(p.a.columns) * static_cast<double>(p.batch);
}

// How cuBLASLt makes a product: in turns, perhaps of dense copies of a factor.
struct Route {
  StridedProduct strided;
  BlasProduct product;
  Packed a, b;  // size 0: as it is
};

// So few turns, or turns of so much work, cost less than copies do.
constexpr int64_t kFewTurns = 4;
constexpr double kTurnVolume = 1 << 26;
// Smaller products are made by our own kernel before a copy has begun.
constexpr double kPackedVolume = 1 << 24;

bool is_dense(const tn_tensor& vector) { return vector.strides[0] == 1 || vector.shape[0] == 1; }

std::optional<Route> find_route(const Product& p) {
  const Result result = p.bias != nullptr && is_dense(*p.bias) ? Result::kRowMajor : Result::kAny;
  for (unsigned copies = 0; copies < 4; ++copies) {
    Route route;
    if ((copies & 1u) != 0) route.a = packed(p.a);
    if ((copies & 2u) != 0) route.b = packed(p.b);
    route.strided = strided_product(p.out, (copies & 1u) != 0 ? route.a.tensor : p.a,
                                    (copies & 2u) != 0 ? route.b.tensor : p.b);
    const double volume = multiplications(route.strided);
    const auto turns = static_cast<double>(route.strided.outer_count);
    if (copies == 1 && volume * turns < kPackedVolume) break;
    if (route.strided.outer_count > kFewTurns && volume < kTurnVolume) continue;
    const auto product = blas_product(route.strided, result);
    if (!product) continue;
    route.product = *product;
    return route;
  }
  return std::nullopt;
}

// Everything that a route depends on.
struct RouteKey {
  uint32_t rank = 0;
  bool biased = false;
  std::array<int64_t, 6 * kMaxRank> words{};  // shapes and strides of out, a, b

  explicit RouteKey(const Product& p) : rank(p.out.rank) {
    biased = p.bias != nullptr && is_dense(*p.bias);
    size_t at = 0;
    for (const tn_tensor* t : {&p.out, &p.a, &p.b}) {
      for (uint32_t d = 0; d < rank; ++d) words[at++] = t->shape[d];
      for (uint32_t d = 0; d < rank; ++d) words[at++] = t->strides[d];
    }
  }
  bool operator==(const RouteKey&) const = default;
};

struct RouteKeyHash {
  size_t operator()(const RouteKey& key) const {
    uint64_t hash = key.rank << 1 | (key.biased ? 1u : 0u);
    for (size_t i = 0; i < 6 * size_t{key.rank}; ++i) {
      hash = (hash ^ static_cast<uint64_t>(key.words[i])) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 29;
    }
    return hash;
  }
};

// Routes that were found once: they are asked for three times with each launch.
class Routes {
 public:
  const std::optional<Route>& find(const Product& p) {
    const RouteKey key(p);
    const std::lock_guard lock(mutex_);
    const auto found = routes_.find(key);
    if (found != routes_.end()) return found->second;
    return routes_.emplace(key, find_route(p)).first->second;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<RouteKey, std::optional<Route>, RouteKeyHash> routes_;
};

// The largest power of two, up to 256, that divides all of these.
uint32_t alignment_of(uint64_t offset_bytes, const StridedProduct& p, size_t operand,
                      int64_t batch_stride, int64_t item) {
  uint64_t bits = offset_bytes | 256u;
  if (p.batch > 1) bits |= static_cast<uint64_t>(batch_stride * item);
  for (int32_t d = 0; d < p.outer_rank; ++d) {
    bits |= static_cast<uint64_t>(p.outer_strides[operand][static_cast<size_t>(d)] * item);
  }
  return static_cast<uint32_t>(bits & (~bits + 1));
}

CUdeviceptr address_of(const tn_tensor& t) {
  return Tables::buffer(t.buffer).range(t.offset_bytes, 0);
}

// The call without the addresses of its matrices.
BlasCall call_of(const Product& p, const Route& route) {
  const int64_t item = element_bytes(p.out.dtype);
  const StridedProduct& s = route.strided;
  BlasCall call;
  call.product = route.product;
  call.a_alignment =
      alignment_of(route.a.size_bytes != 0 ? 0 : p.a.offset_bytes, s, 1, s.a.batch_stride, item);
  call.b_alignment =
      alignment_of(route.b.size_bytes != 0 ? 0 : p.b.offset_bytes, s, 2, s.b.batch_stride, item);
  call.d_alignment = alignment_of(p.out.offset_bytes, s, 0, s.out.batch_stride, item);
  if (route.product.swapped) std::swap(call.a_alignment, call.b_alignment);
  if (p.bias != nullptr && is_dense(*p.bias)) {
    call.bias = address_of(*p.bias);
    call.bias_alignment = alignment_of(p.bias->offset_bytes, StridedProduct(), 0, 0, item);
  }
  return call;
}

class ProductKernel final : public Kernel {
 public:
  enum class Kind { kMatmul, kLinear };

  ProductKernel(Context& context, const char* name, const Signature& s, Kind kind)
      : Kernel(name, s), kind_(kind), plans_(BlasPlans::make(context, s.dtype(0))) {
    const std::string suffix = dtype_suffix(s.dtype(0));
    tiled_ = context.function("matmul", "matmul_" + suffix);
    if (kind == Kind::kLinear && s.operand_count() == 4) {
      add_bias_ = context.function("matmul", "add_bias_" + suffix);
    }
    if (plans_ != nullptr) {
      pack_ = context.function("copy", "copy_strided_" + std::to_string(element_bytes(s.dtype(0))));
    }
  }

  [[nodiscard]] uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    if (plans_ == nullptr || plugin::element_count(*operands[0]) == 0) return 0;
    const Product p = product([&](size_t i) { return operands[i]; }, operands.size());
    const auto& route = routes_.find(p);
    uint64_t bytes = 0;
    if (!route || !plans_->takes(call_of(p, *route), &bytes)) return 0;
    return bytes + route->a.size_bytes + route->b.size_bytes;
  }

  void launch(Launcher& launcher) override {
    const Product p =
        product([&](size_t i) { return &launcher.tensor(i); }, launcher.operand_count());
    if (plugin::element_count(p.out) == 0) return;
    if (plans_ == nullptr || !multiply(launcher, p)) run_tiled(launcher, p);
  }

 private:
  template <class At>
  Product product(At&& at, size_t count) const {
    Product p{*at(0), *at(1), *at(2), count == 4 ? at(3) : nullptr};
    if (kind_ == Kind::kLinear) p.b = transposed(p.b);
    return p;
  }

  // By the library. False: nothing of it holds.
  bool multiply(Launcher& launcher, const Product& p) const {
    const auto& route = routes_.find(p);
    if (!route) return false;
    const uint64_t copies = route->a.size_bytes + route->b.size_bytes;
    if (copies > launcher.workspace_bytes()) return false;
    const CUdeviceptr packed_b = launcher.workspace() + route->a.size_bytes;
    const CUdeviceptr a = pack(launcher, p.a, route->a, launcher.address(1), launcher.workspace());
    const CUdeviceptr b = pack(launcher, p.b, route->b, launcher.address(2), packed_b);
    const CUdeviceptr scratch = packed_b + route->b.size_bytes;
    const int64_t item = element_bytes(p.out.dtype);
    BlasCall call = call_of(p, *route);
    bool left = p.bias != nullptr && call.bias == 0;
    for (int64_t turn = 0; turn < route->strided.outer_count; ++turn) {
      const auto offsets = route->strided.offsets(turn);
      call.d = launcher.address(0) + static_cast<uint64_t>(offsets[0] * item);
      call.a = a + static_cast<uint64_t>(offsets[1] * item);
      call.b = b + static_cast<uint64_t>(offsets[2] * item);
      if (call.product.swapped) std::swap(call.a, call.b);
      const Multiplied done =
          plans_->run(launcher, call, scratch, launcher.workspace_bytes() - copies);
      if (done == Multiplied::kNo) return false;
      left = left || done == Multiplied::kNoBias;
    }
    if (left) run_add_bias(launcher, p);
    return true;
  }

  // The address of the factor, or of its copy.
  CUdeviceptr pack(Launcher& launcher, const tn_tensor& from, const Packed& to,
                   CUdeviceptr from_address, CUdeviceptr to_address) const {
    if (to.size_bytes == 0) return from_address;
    tn_tensor source = from;
    for (uint32_t d = 0; d < source.rank; ++d) {
      if (to.tensor.strides[d] == 0) source.shape[d] = 1;
    }
    tn_tensor target = to.tensor;
    std::memcpy(target.shape, source.shape, sizeof target.shape);
    const tn_tensor* tensors[] = {&target, &source};
    const Space space = collapse(tensors, Order::kRowMajor);
    CopyParams p{};
    p.count = space.count;
    p.rank = space.rank;
    p.small = space.reach(2) < kSmall ? 1 : 0;
    std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
    std::memcpy(p.strides, space.strides.data(), sizeof p.strides);
    p.out = reinterpret_cast<void*>(to_address);
    p.in = reinterpret_cast<const void*>(from_address);
    launcher.run(pack_, Grid{.blocks_x = blocks_for(p.count, kThreads)}, p);
    return to_address;
  }

  void run_add_bias(Launcher& launcher, const Product& product) const {
    BiasParams p{};
    p.rows = product.out.shape[0];
    p.columns = product.out.shape[1];
    std::copy_n(product.out.strides, 2, p.out_strides);
    p.bias_stride = product.bias->strides[0];
    p.out = launcher.data(0);
    p.bias = launcher.data(3);
    launcher.run(add_bias_, Grid{.blocks_x = blocks_for(p.rows * p.columns, kThreads)}, p);
  }

  void run_tiled(Launcher& launcher, const Product& product) const {
    const tn_tensor *out = &product.out, *a = &product.a, *b = &product.b;
    const uint32_t rows = out->rank - 2, columns = out->rank - 1;
    const tn_tensor* all[] = {out, a, b};
    const Space batch = collapse(all, Order::kRowMajor, (1u << rows) - 1);
    MatmulParams p{};
    p.m = out->shape[rows];
    p.n = out->shape[columns];
    p.k = a->shape[columns];
    p.tiles_m = blocks_for(p.m, kTileMN);
    p.tiles_n = blocks_for(p.n, kTileMN);
    for (uint32_t i = 0; i < 2; ++i) {
      p.out_strides[i] = out->strides[rows + i];
      p.a_strides[i] = a->strides[rows + i];
      p.b_strides[i] = b->strides[rows + i];
    }
    p.rank = batch.rank;
    std::memcpy(p.shape, batch.shape.data(), sizeof p.shape);
    std::memcpy(p.strides, batch.strides.data(), sizeof p.strides);
    p.out = launcher.data(0);
    p.a = launcher.data(1);
    p.b = launcher.data(2);
    if (product.bias != nullptr) {
      p.bias = launcher.data(3);
      p.bias_stride = product.bias->strides[0];
    }
    Grid grid{.blocks_x = batch.count * p.tiles_m * p.tiles_n};
    const int64_t class_bytes = dtype(0) >= TN_DTYPE_F16 && dtype(0) <= TN_DTYPE_F32 ? 4 : 8;
    grid.shared_bytes = static_cast<uint32_t>(2 * kTileK * kTileMN * class_bytes);
    launcher.run(tiled_, grid, p);
  }

  const Kind kind_;
  const std::unique_ptr<BlasPlans> plans_;
  mutable Routes routes_;
  CUfunction tiled_ = nullptr, add_bias_ = nullptr, pack_ = nullptr;
};

std::unique_ptr<Kernel> make_matmul(Context& context, const Signature& s) {
  return std::make_unique<ProductKernel>(context, TN_OP_MATMUL, s, ProductKernel::Kind::kMatmul);
}

std::unique_ptr<Kernel> make_linear(Context& context, const Signature& s) {
  return std::make_unique<ProductKernel>(context, "linear", s, ProductKernel::Kind::kLinear);
}

std::string refuse_linear(const Signature& s) {
  if (s.operand_count() < 3 || s.operand_count() > 4 || s.output_count() != 1) {
    return "linear takes y, x, w and bias or none";
  }
  const uint32_t dtype = s.dtype(0);
  if (dtype < TN_DTYPE_F16 || dtype > TN_DTYPE_F64) return "linear is not defined for integers";
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    if (s.dtype(i) != dtype) return "linear takes operands of one dtype";
    if (s.rank(i) != (i == 3 ? 1u : 2u)) return "linear takes matrices";
  }
  return {};
}

constexpr Operator kOperators[] = {{TN_OP_MATMUL, nullptr, make_matmul},
                                   {"linear", refuse_linear, make_linear, false}};

}  // namespace

std::span<const Operator> matmul_operators() { return kOperators; }

}  // namespace tenon::cuda
