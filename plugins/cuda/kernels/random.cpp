// random, random_normal
#include "device/philox.h"

#include <cstring>

#include "device/packs.h"
#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr const char* kNormal = "random_normal";

// A draw: seed and offset, and for normals mean and deviation.
class RandomKernel final : public Kernel {
 public:
  RandomKernel(Context& context, const Signature& s, const char* op, const char* kernel)
      : Kernel(op, s), normal_(std::string_view(op) == kNormal), draw_(context.function("random", kernel)) {}

  void launch(Launcher& launcher) override {
    const tn_tensor* out = &launcher.tensor(0);
    const Space space = collapse({&out, 1}, Order::kRowMajor);
    if (space.count == 0) return;
    RandomParams p{};
    p.count = space.count;
    p.seed = launcher.scalars()[0];
    p.offset = launcher.scalars()[1];
    if (normal_) {
      p.mean = static_cast<float>(bits_as<double>(launcher.scalars()[2]));
      p.deviation = static_cast<float>(bits_as<double>(launcher.scalars()[3]));
    }
    p.out = launcher.data(0);
    p.rank = space.rank;
    const bool dense = space.rank == 1 && space.strides[0][0] == 1;
    p.packed = dense && launcher.address(0) % kPackBytes == 0 ? 1 : 0;
    std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
    std::memcpy(p.strides, space.strides[0].data(), sizeof p.strides);
    launcher.run(draw_, Grid{.blocks_x = blocks_for(blocks_for(p.count, 4), 256)}, p);
  }

 private:
  const bool normal_;
  CUfunction draw_;
};

std::string refuse_normal(const Signature& s) {
  if (s.operand_count() != 1) return "random_normal takes one output";
  return s.dtype(0) == TN_DTYPE_F32 ? "" : "only f32 is served directly";
}

std::unique_ptr<Kernel> make_random(Context& context, const Signature& s) {
  const bool bits = s.attributes()[0] == TN_RANDOM_BITS;
  return std::make_unique<RandomKernel>(context, s, TN_OP_RANDOM,
                                        bits ? "random_bits" : "random_uniform");
}
std::unique_ptr<Kernel> make_normal(Context& context, const Signature& s) {
  return std::make_unique<RandomKernel>(context, s, kNormal, kNormal);
}

constexpr Operator kOperators[] = {{TN_OP_RANDOM, nullptr, make_random},
                                   {kNormal, refuse_normal, make_normal, false}};

}  // namespace

std::span<const Operator> random_operators() { return kOperators; }

}  // namespace tenon::cuda
