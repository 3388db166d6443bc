// max_pool2d, max_pool2d_grad, avg_pool2d
#include "device/pooling.h"

#include <cstring>
#include <vector>

#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;
constexpr int64_t kSharedWords = 11 * 1024;  // of claims and sums that shared memory holds

void fill_sizes(PoolParams& p, const tn_tensor& y, const tn_tensor& x) {
  p.count = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3];
  p.channels = y.shape[1];
  p.out_h = y.shape[2];
  p.out_w = y.shape[3];
  p.height = x.shape[2];
  p.width = x.shape[3];
  std::memcpy(p.strides[0], y.strides, sizeof p.strides[0]);
  std::memcpy(p.strides[2], x.strides, sizeof p.strides[2]);
}

// kernel, stride, pad, then dilation (h and w each), as attributes list them.
void fill_windows(PoolParams& p, const std::vector<int64_t>& attributes) {
  int32_t* const members[] = {&p.kernel_h, &p.kernel_w, &p.stride_h,   &p.stride_w,
                              &p.pad_h,    &p.pad_w,    &p.dilation_h, &p.dilation_w};
  for (size_t i = 0; i < attributes.size() && i < std::size(members); ++i) {
    *members[i] = static_cast<int32_t>(attributes[i]);
  }
}

class PoolKernel final : public Kernel {
 public:
  PoolKernel(Context& context, const Signature& s, bool max)
      : Kernel(max ? "max_pool2d" : "avg_pool2d", s),
        max_(max),
        attributes_(s.attributes().begin(), s.attributes().end()),
        pool_(context.function(
            "pooling", std::string(max ? "max_pool_" : "avg_pool_") + dtype_suffix(s.dtype(0)))) {}

  void launch(Launcher& launcher) override {
    PoolParams p{};
    const size_t x = max_ ? 2 : 1;
    fill_sizes(p, launcher.tensor(0), launcher.tensor(x));
    if (p.count == 0) return;
    fill_windows(p, attributes_);
    p.y = launcher.data(0);
    p.x = launcher.data(x);
    if (max_) {
      p.indices = launcher.data<int64_t>(1);
      std::memcpy(p.strides[1], launcher.tensor(1).strides, sizeof p.strides[1]);
    } else {
      p.counts_padding = attributes_[6] != 0 ? 1 : 0;
    }
    launcher.run(pool_, Grid{.blocks_x = blocks_for(p.count, kThreads)}, p);
  }

 private:
  const bool max_;
  const std::vector<int64_t> attributes_;
  CUfunction pool_;
};

class PoolGradKernel final : public Kernel {
 public:
  PoolGradKernel(Context& context, const Signature& s)
      : Kernel("max_pool2d_grad", s),
        grad_(context.function("pooling",
                               std::string("max_pool_grad_") + dtype_suffix(s.dtype(0)))) {}

  uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    const tn_tensor& dx = *operands[0];
    const int64_t words = words_of(dx);
    if (words <= kSharedWords) return 0;
    return static_cast<uint64_t>(dx.shape[0] * dx.shape[1] * words) * sizeof(int32_t);
  }

  void launch(Launcher& launcher) override {
    const tn_tensor &dx = launcher.tensor(0), &dy = launcher.tensor(1);
    const int64_t planes = dx.shape[0] * dx.shape[1], places = dx.shape[2] * dx.shape[3];
    const int64_t windows = dy.shape[2] * dy.shape[3];
    if (planes * places == 0) return;
    if (places >= kSmall / 2 || windows >= kSmall / 2) {
      throw plugin::Status(TN_INVALID_ARGUMENT, "max_pool2d_grad: a plane has 2^30 places or more");
    }
    PoolGradParams p{};
    p.channels = dx.shape[1];
    p.width = dx.shape[3];
    p.in_size = static_cast<int32_t>(places);
    p.out_size = static_cast<int32_t>(windows);
    p.out_w = static_cast<int32_t>(dy.shape[3]);
    for (size_t k = 0; k < 3; ++k) {
      std::memcpy(p.strides[k], launcher.tensor(k).strides, sizeof p.strides[k]);
    }
    p.dx = launcher.data(0);
    p.dy = launcher.data(1);
    p.indices = launcher.data<const int64_t>(2);
    p.claims = reinterpret_cast<int32_t*>(launcher.workspace());
    p.fault = launcher.fault();
    p.tag = launcher.tag();
    Grid grid{.blocks_x = planes};
    grid.threads_x = places < 1024 ? 64 : kThreads;
    const int64_t shared = p.claims == nullptr ? words_of(dx) + 4 : 4;
    grid.shared_bytes = static_cast<uint32_t>(shared * int64_t{sizeof(int32_t)});
    launcher.run(grad_, grid, p);
  }

 private:
  // Scratch for one plane.
  static int64_t words_of(const tn_tensor& dx) {
    return dx.shape[2] * dx.shape[3] * (element_bytes(dx.dtype) == 2 ? 2 : 1);
  }

  CUfunction grad_;
};

std::string refuse_unless(const Signature& s, uint32_t operands, size_t attributes,
                          uint32_t index) {
  if (s.operand_count() != operands || s.attributes().size() != attributes) {
    return "wrong number of operands or attributes";
  }
  if (s.dtype(0) < TN_DTYPE_F16) return "only floats are served directly";
  for (uint32_t i = 0; i < operands; ++i) {
    if (s.dtype(i) != (i == index ? TN_DTYPE_I64 : s.dtype(0))) {
      return "only one dtype of floats with i64 indices is served directly";
    }
    if (s.rank(i) != 4) return "the operands have rank 4";
  }
  for (int64_t attribute : s.attributes()) {
    if (attribute < 0 || attribute >= kSmall) return "a window is too large";
  }
  return {};
}
std::string refuse_max(const Signature& s) { return refuse_unless(s, 3, 8, 1); }
std::string refuse_max_grad(const Signature& s) { return refuse_unless(s, 3, 0, 2); }
std::string refuse_avg(const Signature& s) { return refuse_unless(s, 2, 7, UINT32_MAX); }

std::unique_ptr<Kernel> make_max(Context& context, const Signature& s) {
  return std::make_unique<PoolKernel>(context, s, true);
}
std::unique_ptr<Kernel> make_avg(Context& context, const Signature& s) {
  return std::make_unique<PoolKernel>(context, s, false);
}
std::unique_ptr<Kernel> make_max_grad(Context& context, const Signature& s) {
  return std::make_unique<PoolGradKernel>(context, s);
}

constexpr Operator kOperators[] = {{"max_pool2d", refuse_max, make_max, false},
                                   {"max_pool2d_grad", refuse_max_grad, make_max_grad, false},
                                   {"avg_pool2d", refuse_avg, make_avg, false}};

}  // namespace

std::span<const Operator> pooling_operators() { return kOperators; }

}  // namespace tenon::cuda
