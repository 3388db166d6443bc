// matmul
#include "device/matmul.h"

#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

class MatmulKernel final : public Kernel {
 public:
  MatmulKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_MATMUL, s),
        tiled_(context.function("matmul", std::string("matmul_") + dtype_suffix(s.dtype(0)))) {}

  void launch(Launcher& launcher) override {
    const tn_tensor *out = &launcher.tensor(0), *a = &launcher.tensor(1), *b = &launcher.tensor(2);
    const uint32_t rows = out->rank - 2, columns = out->rank - 1;
    const tn_tensor* all[] = {out, a, b};
    const Space batch = collapse(all, Order::kRowMajor, (1u << rows) - 1);
    MatmulParams p{};
    p.m = out->shape[rows];
    p.n = out->shape[columns];
    p.k = a->shape[columns];
    if (batch.count * p.m * p.n == 0) return;
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
    Grid grid{.blocks_x = batch.count * p.tiles_m * p.tiles_n};
    const int64_t class_bytes = dtype(0) >= TN_DTYPE_F16 && dtype(0) <= TN_DTYPE_F32 ? 4 : 8;
    grid.shared_bytes = static_cast<uint32_t>(2 * kTileK * kTileMN * class_bytes);
    launcher.run(tiled_, grid, p);
  }

 private:
  CUfunction tiled_;
};

std::unique_ptr<Kernel> make_matmul(Context& context, const Signature& s) {
  return std::make_unique<MatmulKernel>(context, s);
}

constexpr Operator kOperators[] = {{TN_OP_MATMUL, nullptr, make_matmul}};

}  // namespace

std::span<const Operator> matmul_operators() { return kOperators; }

}  // namespace tenon::cuda
