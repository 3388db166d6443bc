// conv2d and its gradients, by cuDNN where it is found and has an engine, else by tiles of our own.
#include "device/convolution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "dnn.h"
#include "kernel.h"

namespace tenon::cuda {

using plugin::Status;

namespace {

using Pass = ConvolutionPass;
using Operands = std::span<const tn_tensor* const>;

// Which operands are x, w and y of a pass.
std::array<size_t, 3> places_of(Pass pass) {
  if (pass == Pass::kForward) return {1, 2, 0};
  return pass == Pass::kInputGrad ? std::array<size_t, 3>{0, 2, 1} : std::array<size_t, 3>{2, 0, 1};
}

ConvolutionSizes sizes_of(Pass pass, const std::array<int64_t, 7>& attributes, Operands operands) {
  const auto [x, w, y] = places_of(pass);
  const int64_t *image = operands[x]->shape, *filter = operands[w]->shape,
                *result = operands[y]->shape;
  return {.batch = image[0],
          .channels = image[1],
          .height = image[2],
          .width = image[3],
          .filters = filter[0],
          .kernel_h = filter[2],
          .kernel_w = filter[3],
          .out_h = result[2],
          .out_w = result[3],
          .groups = attributes[6],
          .stride_h = attributes[0],
          .stride_w = attributes[1],
          .pad_h = attributes[2],
          .pad_w = attributes[3],
          .dilation_h = attributes[4],
          .dilation_w = attributes[5]};
}

// The product that a pass is. Its cut along k depends on the sizes alone, so the bits do too.
ConvolutionParams params_of(Pass pass, const ConvolutionSizes& s) {
  constexpr int64_t kBlocks = 1024, kLeastRun = 512;
  ConvolutionParams p{};
  p.sizes = s;
  p.in_group = s.channels / s.groups;
  p.out_group = s.filters / s.groups;
  const int64_t taps = s.kernel_h * s.kernel_w, results = s.batch * s.out_h * s.out_w;
  p.m = pass == Pass::kInputGrad ? p.in_group : p.out_group;
  p.n = pass == Pass::kForward     ? results
        : pass == Pass::kInputGrad ? s.batch * s.height * s.width
                                   : p.in_group * taps;
  p.k = pass == Pass::kForward     ? p.in_group * taps
        : pass == Pass::kInputGrad ? p.out_group * taps
                                   : results;
  p.tiles_m = blocks_for(p.m, kConvolutionTile);
  p.tiles_n = blocks_for(p.n, kConvolutionTile);
  p.splits = 1;
  const int64_t tiles = p.tiles_m * p.tiles_n * s.groups;
  if (pass == Pass::kWeightGrad && tiles > 0) {
    p.splits = std::clamp<int64_t>(kBlocks / tiles, 1, std::max<int64_t>(p.k / kLeastRun, 1));
  }
  p.run = blocks_for(blocks_for(p.k, p.splits), kConvolutionStep) * kConvolutionStep;
  if (p.run > 0) p.splits = blocks_for(p.k, p.run);
  return p;
}

uint64_t partial_bytes(const ConvolutionParams& p) {
  return p.splits > 1 ? static_cast<uint64_t>(p.splits * p.sizes.groups * p.m * p.n) * 4 : 0;
}

// Do 32 bits hold every index and coordinate, those past the end of the last tile included?
bool is_narrow(const ConvolutionParams& p) {
  const ConvolutionSizes& s = p.sizes;
  const int64_t reach = std::max(
      {p.m, p.n, p.k, s.batch * s.channels * s.height * s.width,
       s.batch * s.filters * s.out_h * s.out_w, s.filters * p.in_group * s.kernel_h * s.kernel_w,
       s.height + s.pad_h + s.kernel_h * s.dilation_h + s.out_h * s.stride_h,
       s.width + s.pad_w + s.kernel_w * s.dilation_w + s.out_w * s.stride_w});
  return reach < kSmall - 1024;
}

const char* stem(Pass pass) {
  if (pass == Pass::kForward) return "forward";
  return pass == Pass::kInputGrad ? "input_grad" : "weight_grad";
}

class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(Context& context, const char* op, Pass pass, const Signature& s)
      : Kernel(op, s), context_(context), pass_(pass), dnn_(Dnn::of(context)) {
    std::copy_n(s.attributes().begin(), attributes_.size(), attributes_.begin());
    const std::string name = std::string("convolution_") + stem(pass) + "_";
    const std::string suffix = dtype_suffix(s.dtype(0));
    narrow_ = context.function("convolution", name + suffix);
    wide_ = context.function("convolution", name + "wide_" + suffix);
    sum_ = context.function("convolution", "convolution_sum_" + suffix);
    bias_ = context.function("convolution", "convolution_bias_" + suffix);
  }
  ~ConvolutionKernel() override {
    context_.release([&](const Driver&) { plans_.clear(); });
  }

  [[nodiscard]] uint64_t workspace(Operands operands) const override {
    const ConvolutionParams p = params_of(pass_, sizes_of(pass_, attributes_, operands));
    const auto plan = plan_for(p, operands);
    return std::max(partial_bytes(p), plan != nullptr ? plan->workspace_bytes : 0);
  }

  void launch(Launcher& launcher) override {
    const tn_tensor* operands[4];
    const size_t count = launcher.operand_count();
    for (size_t i = 0; i < count; ++i) operands[i] = &launcher.tensor(i);
    ConvolutionParams p = params_of(pass_, sizes_of(pass_, attributes_, {operands, count}));
    if (p.sizes.groups * p.m * p.n == 0) return;
    if (const auto plan = plan_for(p, {operands, count})) {
      const auto [x, w, y] = places_of(pass_);
      const DnnLaunch queued{launcher.stream(),
                             {launcher.address(x), launcher.address(w), launcher.address(y)},
                             launcher.workspace()};
      if (dnn_->run(*plan, queued)) {
        return add_bias(launcher, p);
      }
      forget(p, {operands, count});
    }
    run_tiles(launcher, p);
  }

 private:
  using Key = std::array<int64_t, 14>;

  static int64_t alignment(const tn_tensor& t) {
    return t.offset_bytes % 16 == 0 ? 16 : element_bytes(t.dtype);
  }

  static Key key_of(const DnnConvolution& c) {
    const ConvolutionSizes& s = c.sizes;
    return {s.batch,         s.channels,      s.height,       s.width, s.filters,
            s.kernel_h,      s.kernel_w,      s.out_h,        s.out_w, s.groups,
            c.alignments[0], c.alignments[1], c.alignments[2]};
  }

  DnnConvolution question(const ConvolutionParams& p, Operands operands) const {
    const auto [x, w, y] = places_of(pass_);
    return {pass_,
            dtype(0),
            p.sizes,
            {alignment(*operands[x]), alignment(*operands[w]), alignment(*operands[y])}};
  }

  // cuDNN's plan for these sizes; NULL when our own kernels serve. The first use makes it.
  std::shared_ptr<DnnPlan> plan_for(const ConvolutionParams& p, Operands operands) const {
    constexpr size_t kPlans = 1024;  // sizes that are remembered
    if (dnn_ == nullptr || p.m * p.n * p.k == 0 || !is_narrow(p)) return nullptr;
    const DnnConvolution convolution = question(p, operands);
    const Key key = key_of(convolution);
    const std::lock_guard lock(mutex_);
    const auto found = plans_.find(key);
    if (found != plans_.end()) return found->second;
    if (plans_.size() >= kPlans) plans_.clear();
    const Context::Scope scope(context_);
    return plans_[key] = dnn_->plan(convolution);
  }

  void forget(const ConvolutionParams& p, Operands operands) const {
    const std::lock_guard lock(mutex_);
    plans_[key_of(question(p, operands))] = nullptr;
  }

  void run_tiles(Launcher& launcher, ConvolutionParams& p) const {
    const auto [x, w, y] = places_of(pass_);
    p.out = launcher.data(0);
    p.image = launcher.data(x);
    p.filter = launcher.data(w);
    p.result = launcher.data(y);
    p.bias = launcher.operand_count() == 4 ? launcher.data(3) : nullptr;
    p.partials = reinterpret_cast<float*>(launcher.workspace());
    const Grid grid{.blocks_x = p.tiles_m * p.tiles_n * p.sizes.groups * p.splits,
                    .shared_bytes = kConvolutionSharedBytes};
    if (grid.blocks_x >= kSmall) throw Status(TN_UNSUPPORTED, "the result is too large");
    launcher.run(is_narrow(p) ? narrow_ : wide_, grid, p);
    if (p.splits == 1) return;
    launcher.run(sum_, Grid{.blocks_x = blocks_for(p.sizes.groups * p.m * p.n, 256)}, p);
  }

  void add_bias(Launcher& launcher, const ConvolutionParams& p) const {
    if (launcher.operand_count() < 4) return;
    const BiasParams bias{.count = p.sizes.groups * p.m * p.n,
                          .plane = p.sizes.out_h * p.sizes.out_w,
                          .channels = p.sizes.filters,
                          .out = launcher.data(0),
                          .bias = launcher.data(3)};
    launcher.run(bias_, Grid{.blocks_x = blocks_for(bias.count, 256)}, bias);
  }

  Context& context_;
  const Pass pass_;
  std::array<int64_t, 7> attributes_{};
  CUfunction narrow_, wide_, sum_, bias_;
  const std::shared_ptr<Dnn> dnn_;
  mutable std::mutex mutex_;
  mutable std::map<Key, std::shared_ptr<DnnPlan>> plans_;
};

std::string refuse(const Signature& s, uint32_t most) {
  const uint32_t count = s.operand_count();
  if (count < 3 || count > most || s.output_count() != 1 || s.attributes().size() != 7) {
    return "wrong number of operands or attributes";
  }
  const uint32_t dtype = s.dtype(0);
  if (dtype != TN_DTYPE_F32 && dtype != TN_DTYPE_F16 && dtype != TN_DTYPE_BF16) {
    return "only f16, bf16 and f32 are served directly";
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (s.dtype(i) != dtype) return "the operands have one dtype";
    if (s.rank(i) != (i < 3 ? 4u : 1u)) return "the operands have rank 4, the bias rank 1";
  }
  return {};
}
std::string refuse_forward(const Signature& s) { return refuse(s, 4); }
std::string refuse_grad(const Signature& s) { return refuse(s, 3); }

std::unique_ptr<Kernel> make_forward(Context& context, const Signature& s) {
  return std::make_unique<ConvolutionKernel>(context, "conv2d", Pass::kForward, s);
}
std::unique_ptr<Kernel> make_input_grad(Context& context, const Signature& s) {
  return std::make_unique<ConvolutionKernel>(context, "conv2d_input_grad", Pass::kInputGrad, s);
}
std::unique_ptr<Kernel> make_weight_grad(Context& context, const Signature& s) {
  return std::make_unique<ConvolutionKernel>(context, "conv2d_weight_grad", Pass::kWeightGrad, s);
}

constexpr Operator kOperators[] = {
    {"conv2d", refuse_forward, make_forward, false, true},
    {"conv2d_input_grad", refuse_grad, make_input_grad, false, true},
    {"conv2d_weight_grad", refuse_grad, make_weight_grad, false, true},
};

}  // namespace

std::span<const Operator> convolution_operators() { return kOperators; }

}  // namespace tenon::cuda
