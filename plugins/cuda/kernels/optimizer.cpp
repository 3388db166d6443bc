// sgd_step and adam_step, f32
#include "device/optimizer.h"

#include <cmath>
#include <cstring>

#include "device/packs.h"
#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr int64_t kPerBlock = 256 * kStepPack;

double scalar_at(const Launcher& launcher, int i) { return bits_as<double>(launcher.scalars()[i]); }
float single_at(const Launcher& launcher, int i) {
  return static_cast<float>(scalar_at(launcher, i));
}

// All operands, walked as the parameter lies.
StepSpace space_of(const Launcher& launcher) {
  const size_t count = launcher.operand_count();
  const tn_tensor* tensors[kStepTensors] = {};
  for (size_t k = 0; k < count; ++k) tensors[k] = &launcher.tensor(k);
  const Space space = collapse({tensors, count}, Order::kMemory);
  StepSpace s{};
  s.count = space.count;
  s.rank = space.rank;
  std::memcpy(s.shape, space.shape.data(), sizeof s.shape);
  bool packed = space.rank == 1;
  for (size_t k = 0; k < count; ++k) {
    std::memcpy(s.strides[k], space.strides[k].data(), sizeof s.strides[k]);
    s.data[k] = launcher.data<float>(k);
    packed = packed && space.strides[k][0] == 1 && launcher.address(k) % kPackBytes == 0;
  }
  s.packed = packed ? 1 : 0;
  return s;
}

class SgdKernel final : public Kernel {
 public:
  SgdKernel(Context& context, const Signature& s)
      : Kernel("sgd_step", s),
        nesterov_(s.attributes()[0] != 0),
        first_(s.attributes()[1] != 0),
        step_(context.function("optimizer", "sgd_step_" + std::to_string(s.operand_count()))) {}

  void launch(Launcher& launcher) override {
    SgdParams p{};
    p.space = space_of(launcher);
    if (p.space.count == 0) return;
    p.nesterov = nesterov_ ? 1 : 0;
    p.first = first_ ? 1 : 0;
    p.decays = scalar_at(launcher, 3) != 0 ? 1 : 0;
    p.lr = single_at(launcher, 0);
    p.momentum = single_at(launcher, 1);
    p.fresh = static_cast<float>(1 - scalar_at(launcher, 2));
    p.decay = single_at(launcher, 3);
    launcher.run(step_, Grid{.blocks_x = blocks_for(p.space.count, kPerBlock)}, p);
  }

 private:
  const bool nesterov_, first_;
  CUfunction step_;
};

class AdamKernel final : public Kernel {
 public:
  AdamKernel(Context& context, const Signature& s)
      : Kernel("adam_step", s), step_(context.function("optimizer", "adam_step_4")) {}

  void launch(Launcher& launcher) override {
    AdamParams p{};
    p.space = space_of(launcher);
    if (p.space.count == 0) return;
    p.decays = scalar_at(launcher, 4) != 0 ? 1 : 0;
    p.step = static_cast<float>(scalar_at(launcher, 0) / scalar_at(launcher, 5));
    p.beta1 = single_at(launcher, 1);
    p.fresh1 = static_cast<float>(1 - scalar_at(launcher, 1));
    p.beta2 = single_at(launcher, 2);
    p.fresh2 = static_cast<float>(1 - scalar_at(launcher, 2));
    p.eps = single_at(launcher, 3);
    p.root_correction2 = static_cast<float>(std::sqrt(scalar_at(launcher, 6)));
    p.decay = single_at(launcher, 4);
    launcher.run(step_, Grid{.blocks_x = blocks_for(p.space.count, kPerBlock)}, p);
  }

 private:
  CUfunction step_;
};

std::string refuse_others(const Signature& s) {
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    if (s.dtype(i) != TN_DTYPE_F32) return "only f32 is served directly";
  }
  return {};
}
std::string refuse_sgd(const Signature& s) {
  if (s.operand_count() < 2 || s.operand_count() > 3 || s.attributes().size() != 2) {
    return "sgd_step takes p, m or none, g and nesterov, first";
  }
  return refuse_others(s);
}
std::string refuse_adam(const Signature& s) {
  if (s.operand_count() != 4) return "adam_step takes p, m, v, g";
  return refuse_others(s);
}

std::unique_ptr<Kernel> make_sgd(Context& context, const Signature& s) {
  return std::make_unique<SgdKernel>(context, s);
}
std::unique_ptr<Kernel> make_adam(Context& context, const Signature& s) {
  return std::make_unique<AdamKernel>(context, s);
}

constexpr Operator kOperators[] = {{"sgd_step", refuse_sgd, make_sgd, false},
                                   {"adam_step", refuse_adam, make_adam, false}};

}  // namespace

std::span<const Operator> optimizer_operators() { return kOperators; }

}  // namespace tenon::cuda
