// random
#include "device/philox.h"

#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

class RandomKernel final : public Kernel {
 public:
  RandomKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_RANDOM, s),
        draw_(context.function(
            "random", s.attributes()[0] == TN_RANDOM_BITS ? "random_bits" : "random_uniform")) {}

  void launch(Launcher& launcher) override {
    const tn_tensor* out = &launcher.tensor(0);
    const Space space = collapse({&out, 1}, Order::kRowMajor);
    if (space.count == 0) return;
    RandomParams p{};
    p.count = space.count;
    p.seed = launcher.scalars()[0];
    p.offset = launcher.scalars()[1];
    p.out = launcher.data(0);
    p.rank = space.rank;
    std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
    std::memcpy(p.strides, space.strides[0].data(), sizeof p.strides);
    launcher.run(draw_, Grid{.blocks_x = blocks_for(blocks_for(p.count, 4), 256)}, p);
  }

 private:
  CUfunction draw_;
};

std::unique_ptr<Kernel> make_random(Context& context, const Signature& s) {
  return std::make_unique<RandomKernel>(context, s);
}

constexpr Operator kOperators[] = {{TN_OP_RANDOM, nullptr, make_random}};

}  // namespace

std::span<const Operator> random_operators() { return kOperators; }

}  // namespace tenon::cuda
