// conv2d and its gradients, f32, NCHW. See convolution_kernels.h for the method.
//
// Every output is computed by one task in one order: the bits do not depend on the number of
// threads.
#include "convolution_internal.h"

namespace tenon::cpu {
namespace {

class ForwardKernel final : public ConvolutionKernel {
 public:
  using ConvolutionKernel::ConvolutionKernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const Sizes s = sizes(operands);
    if (work_of(s) == 0 || s.taps() > kMaxTaps) return 0;
    TapTable taps;
    const SlabPlan plan = forward_plan(s, taps, s.in_group());
    return static_cast<uint64_t>(weight_floats(s) * 4 +
                                 slab_bytes(plan, s.batch, at_.groups, s.out_group(), work_of(s)));
  }

  tn_status launch(const Launch& launch) const override {
    const Sizes s = sizes(launch.operands);
    if (s.taps() > kMaxTaps) return too_many_taps();
    if (s.batch * s.out_channels * s.out_h * s.out_w == 0) return TN_OK;
    TapTable taps;
    const SlabPlan plan = forward_plan(s, taps, s.in_group());
    float* packed = reinterpret_cast<float*>(launch.workspace);
    const int64_t depth = s.in_group() * s.taps();
    const int64_t group_floats = packed_floats(kernels(), s.out_group(), depth);
    for (int64_t g = 0; g < at_.groups; ++g) {
      pack_weights(kernels(), data_of<const float>(*launch.operands[2]) + g * s.out_group() * depth,
                   s.out_group(), depth, plan, s.taps(), taps, packed + g * group_floats);
    }
    const int64_t plane = s.height * s.width;
    const int64_t out_plane = s.out_h * s.out_w;
    run_pass({plan, taps, data_of<const float>(*launch.operands[1]), s.in_channels * plane,
              s.in_group() * plane, packed, group_floats, bias(launch), s.out_group(),
              data_of<float>(*launch.operands[0]), s.out_channels * out_plane,
              s.out_group() * out_plane, out_plane, s.out_w, 1},
             s.batch, at_.groups, work_of(s), packed + weight_floats(s));
    return TN_OK;
  }

  bool has_bias = false;

 private:
  [[nodiscard]] Sizes sizes(const tn_tensor* const* o) const { return {*o[1], *o[2], *o[0], at_}; }
  [[nodiscard]] int64_t weight_floats(const Sizes& s) const {
    return round_up(at_.groups * packed_floats(kernels(), s.out_group(), s.in_group() * s.taps()),
                    16);
  }
  [[nodiscard]] const float* bias(const Launch& launch) const {
    return has_bias ? data_of<const float>(*launch.operands[3]) : nullptr;
  }
};

class InputGradKernel final : public ConvolutionKernel {
 public:
  using ConvolutionKernel::ConvolutionKernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const Sizes s = sizes(operands);
    if (work_of(s) == 0 || s.taps() > kMaxTaps) return 0;
    int64_t most = 0;
    for_each_phase(s, [&](const SlabPlan& plan, const TapTable&, int64_t, int64_t) {
      most = std::max(most, weight_floats(s, plan) * 4 +
                                slab_bytes(plan, s.batch, at_.groups, s.in_group(), work_of(s)));
    });
    return static_cast<uint64_t>(most);
  }

  tn_status launch(const Launch& launch) const override {
    const Sizes s = sizes(launch.operands);
    if (s.taps() > kMaxTaps) return too_many_taps();
    float* dx = data_of<float>(*launch.operands[0]);
    const int64_t plane = s.height * s.width;
    const bool covered = at_.dilation_h * (s.kernel_h - 1) + 1 >= at_.stride_h &&
                         at_.dilation_w * (s.kernel_w - 1) + 1 >= at_.stride_w &&
                         at_.dilation_h == 1 && at_.dilation_w == 1;
    if (!covered || work_of(s) == 0) {
      std::memset(dx, 0, static_cast<size_t>(s.batch * s.in_channels * plane) * sizeof(float));
    }
    if (work_of(s) == 0) return TN_OK;
    for_each_phase(s, [&](const SlabPlan& plan, const TapTable& taps, int64_t h, int64_t w) {
      float* packed = reinterpret_cast<float*>(launch.workspace);
      const int64_t depth = s.in_group() * s.taps();
      const int64_t group_floats =
          packed_floats(kernels(), s.in_group(), plan.channels * plan.taps);
      for (int64_t g = 0; g < at_.groups; ++g) {
        pack_weights(kernels(),
                     data_of<const float>(*launch.operands[2]) + g * s.out_group() * depth,
                     s.in_group(), s.taps(), plan, depth, taps, packed + g * group_floats);
      }
      const int64_t out_plane = s.out_h * s.out_w;
      run_pass({plan, taps, data_of<const float>(*launch.operands[1]), s.out_channels * out_plane,
                s.out_group() * out_plane, packed, group_floats, nullptr, s.in_group(),
                dx + h * s.width + w, s.in_channels * plane, s.in_group() * plane, plane,
                s.width * at_.stride_h, at_.stride_w},
               s.batch, at_.groups, work_of(s), packed + weight_floats(s, plan));
    });
    return TN_OK;
  }

 private:
  [[nodiscard]] Sizes sizes(const tn_tensor* const* o) const { return {*o[0], *o[2], *o[1], at_}; }
  [[nodiscard]] int64_t weight_floats(const Sizes& s, const SlabPlan& plan) const {
    return round_up(at_.groups * packed_floats(kernels(), s.in_group(), plan.channels * plan.taps),
                    16);
  }

  // f(plan, taps, first row, first column of dx) for every phase that has taps and positions.
  template <class F>
  void for_each_phase(const Sizes& s, F f) const {
    for (int64_t i = 0; i < at_.stride_h; ++i) {
      const PhaseLine h(i, s.height, at_.stride_h, at_.pad_h, s.kernel_h, at_.dilation_h);
      for (int64_t j = 0; j < at_.stride_w; ++j) {
        const PhaseLine w(j, s.width, at_.stride_w, at_.pad_w, s.kernel_w, at_.dilation_w);
        if (h.span < 0 || w.span < 0 || h.count == 0 || w.count == 0 || s.batch == 0) continue;
        TapTable taps;
        const SlabPlan plan = input_grad_plan(s, taps, h, w, i, j);
        f(plan, taps, h.first, w.first);
      }
    }
  }
};

Refusal refuse_common(const tn_signature& s, uint32_t least, uint32_t most) {
  if (s.operand_count < least || s.operand_count > most || !has_operands(s, s.operand_count) ||
      s.attribute_count != 7) {
    return "wrong number of operands or attributes";
  }
  for (uint32_t i = 0; i < s.operand_count; ++i) {
    if (operand_dtype(s, i) != TN_DTYPE_F32) return "only f32 is served directly";
    if (i < 3 && TN_CLASS_RANK(s.classes[i]) != 4) return "the operands have rank 4";
  }
  return {};
}

// The kernel's sizes are not in the key; what is refused here is a matter of the tap table only.
bool fits_taps(const tn_tensor& w) { return w.shape[2] * w.shape[3] <= kMaxTaps; }

Refusal refuse_forward(const tn_signature& s) {
  const Refusal r = refuse_common(s, 3, 4);
  if (!r.empty()) return r;
  return fits_taps(*s.operands[2]) ? "" : "the kernel has more than 1024 taps";
}
Refusal refuse_input_grad(const tn_signature& s) {
  const Refusal r = refuse_common(s, 3, 3);
  if (!r.empty()) return r;
  return fits_taps(*s.operands[2]) ? "" : "the kernel has more than 1024 taps";
}
Refusal refuse_weight_grad(const tn_signature& s) {
  const Refusal r = refuse_common(s, 3, 3);
  if (!r.empty()) return r;
  return fits_taps(*s.operands[0]) ? "" : "the kernel has more than 1024 taps";
}

std::unique_ptr<Kernel> prepare_forward(tn_device device, const tn_signature& s) {
  auto kernel = std::make_unique<ForwardKernel>(device, s);
  kernel->has_bias = s.operand_count == 4;
  return kernel;
}
std::unique_ptr<Kernel> prepare_input_grad(tn_device device, const tn_signature& s) {
  return std::make_unique<InputGradKernel>(device, s);
}
constexpr Operator kOperators[] = {
    {"conv2d", refuse_forward, prepare_forward, true},
    {"conv2d_input_grad", refuse_input_grad, prepare_input_grad, true},
    {"conv2d_weight_grad", refuse_weight_grad, prepare_weight_grad, true},
};

}  // namespace

std::span<const Operator> convolution_operators() { return kOperators; }

}  // namespace tenon::cpu
