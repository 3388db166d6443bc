// conv2d and its gradients, f32, NCHW. See convolution_kernels.h for the method.
//
// Every output is computed by one task in one order, and weight gradients add up fixed chunks of
// the batch in order: the bits do not depend on the number of threads.
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "convolution_kernels.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kSlabTarget = 48 * 1024;  // floats: a slab should stay in the second-level cache
constexpr int64_t kSlack = 128;             // floats that a block may read beyond a slab
constexpr int64_t kMaxTaps = 1024;
constexpr int64_t kWorkPerPart = 2'000'000;  // multiply-adds that are worth a thread of their own

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

struct Attributes {
  int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
};

// Sizes of one convolution, whatever is computed of it.
struct Sizes {
  int64_t batch, in_channels, height, width;
  int64_t out_channels, out_h, out_w;
  int64_t kernel_h, kernel_w;
  Attributes at;

  Sizes(const tn_tensor& x, const tn_tensor& w, const tn_tensor& y, const Attributes& attributes)
      : batch(x.shape[0]),
        in_channels(x.shape[1]),
        height(x.shape[2]),
        width(x.shape[3]),
        out_channels(w.shape[0]),
        out_h(y.shape[2]),
        out_w(y.shape[3]),
        kernel_h(w.shape[2]),
        kernel_w(w.shape[3]),
        at(attributes) {}

  [[nodiscard]] int64_t in_group() const { return in_channels / at.groups; }
  [[nodiscard]] int64_t out_group() const { return out_channels / at.groups; }
  [[nodiscard]] int64_t taps() const { return kernel_h * kernel_w; }
};

struct TapTable {
  int32_t h[kMaxTaps];
  int32_t w[kMaxTaps];
  int32_t source[kMaxTaps];  // index in the kernel, kh * KW + kw
  int32_t offsets[kMaxTaps];
};

// Fills what follows from the rest. `channels` may be a part of the input's.
void finish_plan(SlabPlan& p, TapTable& taps) {
  p.tap_h = taps.h;
  p.tap_w = taps.w;
  int64_t last_h = 0;
  int64_t last_w = 0;
  for (int64_t t = 0; t < p.taps; ++t) {
    last_h = std::max<int64_t>(last_h, taps.h[t]);
    last_w = std::max<int64_t>(last_w, taps.w[t]);
  }
  p.pitch = p.grid_w + last_w / p.step_w;
  const int64_t row_floats = p.pitch * p.step_h * p.step_w * p.channels;
  const int64_t more = last_h / p.step_h;
  p.tile_rows = std::clamp<int64_t>(kSlabTarget / row_floats - more, 1, p.grid_h);
  p.tile_rows = divide_up(p.grid_h, divide_up(p.grid_h, p.tile_rows));
  p.phase_h = p.tile_rows + more;
  p.channel_stride = p.phase_h * p.pitch * p.step_h * p.step_w;
  p.slab_floats = round_up(p.channel_stride * p.channels + kSlack, 16);
  for (int64_t t = 0; t < p.taps; ++t) taps.offsets[t] = static_cast<int32_t>(p.tap_offset(t));
}

// y from x.
SlabPlan forward_plan(const Sizes& s, TapTable& taps, int64_t channels) {
  SlabPlan p{};
  p.channels = channels;
  p.height = s.height;
  p.width = s.width;
  p.pad_h = s.at.pad_h;
  p.pad_w = s.at.pad_w;
  p.step_h = s.at.stride_h;
  p.step_w = s.at.stride_w;
  p.grid_h = s.out_h;
  p.grid_w = s.out_w;
  for (int64_t h = 0; h < s.kernel_h; ++h) {
    for (int64_t w = 0; w < s.kernel_w; ++w, ++p.taps) {
      taps.h[p.taps] = static_cast<int32_t>(h * s.at.dilation_h);
      taps.w[p.taps] = static_cast<int32_t>(w * s.at.dilation_w);
      taps.source[p.taps] = static_cast<int32_t>(p.taps);
    }
  }
  finish_plan(p, taps);
  return p;
}

// Along one dimension: the positions of dx whose distance to -pad is `phase` modulo stride.
struct PhaseLine {
  int64_t first;  // position in dx
  int64_t count;
  int64_t pad;
  int64_t span;  // largest distance of a tap, in elements of dy

  PhaseLine(int64_t phase, int64_t size, int64_t stride, int64_t pad_in, int64_t kernel,
            int64_t dilation)
      : span(-1) {
    for (int64_t k = 0; k < kernel; ++k) {
      if (k * dilation % stride == phase) span = std::max(span, k * dilation / stride);
    }
    const int64_t t0 = pad_in > phase ? divide_up(pad_in - phase, stride) : 0;
    first = phase - pad_in + stride * t0;
    count = first < size ? divide_up(size - first, stride) : 0;
    pad = span - t0;
  }
};

// The part of dx of one phase from dy: a convolution of stride 1 with every stride-th tap, flipped.
SlabPlan input_grad_plan(const Sizes& s, TapTable& taps, const PhaseLine& h, const PhaseLine& w,
                         int64_t phase_h, int64_t phase_w) {
  SlabPlan p{};
  p.channels = s.out_group();
  p.height = s.out_h;
  p.width = s.out_w;
  p.pad_h = h.pad;
  p.pad_w = w.pad;
  p.step_h = 1;
  p.step_w = 1;
  p.grid_h = h.count;
  p.grid_w = w.count;
  for (int64_t i = 0; i < s.kernel_h; ++i) {
    if (i * s.at.dilation_h % s.at.stride_h != phase_h) continue;
    for (int64_t j = 0; j < s.kernel_w; ++j) {
      if (j * s.at.dilation_w % s.at.stride_w != phase_w) continue;
      taps.h[p.taps] = static_cast<int32_t>(h.span - i * s.at.dilation_h / s.at.stride_h);
      taps.w[p.taps] = static_cast<int32_t>(w.span - j * s.at.dilation_w / s.at.stride_w);
      taps.source[p.taps++] = static_cast<int32_t>(i * s.kernel_w + j);
    }
  }
  finish_plan(p, taps);
  return p;
}

// Floats of packed weights for `outputs` x (channels * taps).
int64_t packed_floats(const ConvolutionKernels& k, int64_t outputs, int64_t depth) {
  return round_up(outputs, k.channel_block) * depth;
}

// packed[block][channel][tap][lane] = w[output * out_stride + channel * in_stride + source[tap]]
void pack_weights(const ConvolutionKernels& k, const float* w, int64_t outputs, int64_t out_stride,
                  const SlabPlan& p, int64_t in_stride, const TapTable& taps, float* packed) {
  const int64_t block = k.channel_block;
  for (int64_t o = 0; o < outputs; o += block) {
    for (int64_t c = 0; c < p.channels; ++c) {
      for (int64_t t = 0; t < p.taps; ++t) {
        const float* from = w + o * out_stride + c * in_stride + taps.source[t];
        for (int64_t i = 0; i < block; ++i) {
          *packed++ = o + i < outputs ? from[i * out_stride] : 0.0f;
        }
      }
    }
  }
}

class ConvolutionKernel : public Kernel {
 public:
  ConvolutionKernel(tn_device d, const tn_signature& s) : Kernel(d) {
    std::memcpy(&at_, s.attributes, sizeof at_);
    threads_ = std::max<int64_t>(1, d->host->thread_count(d->host->context));
  }

 protected:
  [[nodiscard]] const ConvolutionKernels& kernels() const { return *device->tables.convolution; }

  // Parts with scratch of their own.
  [[nodiscard]] int64_t parts(int64_t tasks, double work) const {
    const int64_t worth = static_cast<int64_t>(work / static_cast<double>(kWorkPerPart)) + 1;
    return std::clamp<int64_t>(std::min(4 * threads_, worth), 1, std::max<int64_t>(tasks, 1));
  }

  // f(part, first task, last task)
  template <class F>
  void run_parts(int64_t count, int64_t tasks, F f) const {
    parallel_for(device->host, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        f(part, tasks * part / count, tasks * (part + 1) / count);
      }
    });
  }

  // Runs one convolution: input planes of `batch` images and groups into `out`.
  struct Pass {
    const SlabPlan& plan;
    const TapTable& taps;
    const float* in;
    int64_t in_image, in_group;  // strides in elements
    const float* weights;        // packed, by groups
    int64_t weights_group;
    const float* bias;
    int64_t outputs;  // per group
    float* out;
    int64_t out_image, out_group, out_channel, out_row, out_column;
  };

  void run_pass(const Pass& pass, int64_t batch, int64_t groups, double work, float* slabs) const {
    const SlabPlan& plan = pass.plan;
    const int64_t tiles = divide_up(plan.grid_h, plan.tile_rows);
    const int64_t tasks = batch * groups * tiles;
    run_parts(parts(tasks, work), tasks, [&](int64_t part, int64_t begin, int64_t end) {
      float* slab = slabs + part * plan.slab_floats;
      for (int64_t task = begin; task < end; ++task) {
        const int64_t row = task % tiles * plan.tile_rows;
        const int64_t rows = std::min(plan.tile_rows, plan.grid_h - row);
        const int64_t g = task / tiles % groups;
        const int64_t n = task / tiles / groups;
        kernels().fill_slab(plan, pass.in + n * pass.in_image + g * pass.in_group, row, rows, slab);
        kernels().forward({&plan, slab, pass.taps.offsets, pass.weights + g * pass.weights_group,
                           pass.bias == nullptr ? nullptr : pass.bias + g * pass.outputs,
                           pass.outputs, rows,
                           pass.out + n * pass.out_image + g * pass.out_group + row * pass.out_row,
                           pass.out_channel, pass.out_row, pass.out_column});
      }
    });
  }

  [[nodiscard]] int64_t slab_bytes(const SlabPlan& plan, int64_t batch, int64_t groups,
                                   double work) const {
    const int64_t tiles = divide_up(plan.grid_h, plan.tile_rows);
    return parts(batch * groups * tiles, work) * plan.slab_floats * 4;
  }

  [[nodiscard]] tn_status too_many_taps() const {
    return fail(device->host, TN_UNSUPPORTED, "convolution: the kernel has more than 1024 taps");
  }

  static double work_of(const Sizes& s) {
    return static_cast<double>(s.batch * s.out_channels * s.out_h * s.out_w) *
           static_cast<double>(s.in_group() * s.taps());
  }

  Attributes at_;
  int64_t threads_;
};

class ForwardKernel final : public ConvolutionKernel {
 public:
  using ConvolutionKernel::ConvolutionKernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const Sizes s = sizes(operands);
    if (work_of(s) == 0 || s.taps() > kMaxTaps) return 0;
    TapTable taps;
    const SlabPlan plan = forward_plan(s, taps, s.in_group());
    return static_cast<uint64_t>(weight_floats(s) * 4 +
                                 slab_bytes(plan, s.batch, at_.groups, work_of(s)));
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
    return at_.groups * packed_floats(kernels(), s.out_group(), s.in_group() * s.taps());
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
      most = std::max(
          most, weight_floats(s, plan) * 4 + slab_bytes(plan, s.batch, at_.groups, work_of(s)));
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
    return at_.groups * packed_floats(kernels(), s.in_group(), plan.channels * plan.taps);
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

class WeightGradKernel final : public ConvolutionKernel {
 public:
  using ConvolutionKernel::ConvolutionKernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const Sizes s = sizes(operands);
    if (work_of(s) == 0 || s.taps() > kMaxTaps) return 0;
    TapTable taps;
    const SlabPlan plan = forward_plan(s, taps, channel_part(s));
    const Cut cut(*this, s, plan);
    return static_cast<uint64_t>(cut.chunks * cut.sums_floats +
                                 cut.parts * (plan.slab_floats + cut.dy_floats)) *
           4;
  }

  tn_status launch(const Launch& launch) const override {
    const Sizes s = sizes(launch.operands);
    if (s.taps() > kMaxTaps) return too_many_taps();
    float* dw = data_of<float>(*launch.operands[0]);
    const int64_t weights = s.out_channels * s.in_group() * s.taps();
    if (work_of(s) == 0) {
      std::memset(dw, 0, static_cast<size_t>(weights) * sizeof(float));
      return TN_OK;
    }
    TapTable taps;
    const SlabPlan plan = forward_plan(s, taps, channel_part(s));
    const Cut cut(*this, s, plan);
    float* sums = reinterpret_cast<float*>(launch.workspace);
    float* scratch = sums + cut.chunks * cut.sums_floats;
    run_parts(cut.parts, cut.tasks, [&](int64_t part, int64_t begin, int64_t end) {
      float* slab = scratch + part * (plan.slab_floats + cut.dy_floats);
      for (int64_t task = begin; task < end; ++task) {
        run_task(launch, s, plan, taps, cut, task, slab, sums);
      }
    });
    combine(s, cut, sums, dw);
    return TN_OK;
  }

 private:
  static constexpr int64_t kChunks = 16;
  static constexpr int64_t kSumsLimit = int64_t{8} << 20;  // floats

  [[nodiscard]] Sizes sizes(const tn_tensor* const* o) const { return {*o[2], *o[0], *o[1], at_}; }

  // Input channels of one task.
  [[nodiscard]] static int64_t channel_part(const Sizes& s) {
    return std::min<int64_t>(s.in_group(), 16);
  }

  struct Cut {
    bool by_channels;      // vectors of output channels, else of positions
    int64_t padded;        // output channels of a group in whole vectors
    int64_t group_floats;  // sums of one group
    int64_t sums_floats;   // of one chunk of the batch
    int64_t chunks;
    int64_t channel_parts;
    int64_t dy_floats;
    int64_t tasks;
    int64_t parts;

    Cut(const WeightGradKernel& k, const Sizes& s, const SlabPlan& plan) {
      const int64_t lanes = k.kernels().lanes;
      padded = round_up(s.out_group(), lanes);
      const double by_lanes = static_cast<double>(s.out_group()) / static_cast<double>(padded);
      const double by_pitch = static_cast<double>(s.out_w) / static_cast<double>(plan.pitch);
      by_channels = by_lanes > 0.8 * by_pitch;
      group_floats = (by_channels ? padded : s.out_group()) * s.in_group() * s.taps();
      sums_floats = round_up(s.at.groups * group_floats, 16);
      chunks = std::clamp<int64_t>(kSumsLimit / sums_floats, 1, std::min(kChunks, s.batch));
      channel_parts = divide_up(s.in_group(), channel_part(s));
      dy_floats = (by_channels ? padded : s.out_group()) *
                  round_up(plan.tile_rows * plan.pitch + lanes, 16);
      tasks = chunks * s.at.groups * channel_parts;
      parts = k.parts(tasks, work_of(s));
    }
  };

  // One chunk of the batch, one group, one part of its input channels.
  void run_task(const Launch& launch, const Sizes& s, const SlabPlan& whole, const TapTable& taps,
                const Cut& cut, int64_t task, float* slab, float* all_sums) const {
    const int64_t c = task % cut.channel_parts * whole.channels;
    const int64_t g = task / cut.channel_parts % at_.groups;
    const int64_t chunk = task / cut.channel_parts / at_.groups;
    SlabPlan plan = whole;
    plan.channels = std::min(whole.channels, s.in_group() - c);
    const int64_t depth = s.in_group() * s.taps();
    const int64_t sums_row = cut.by_channels ? cut.padded : depth;
    float* sums = all_sums + chunk * cut.sums_floats + g * cut.group_floats +
                  c * s.taps() * (cut.by_channels ? cut.padded : 1);
    clear(sums, plan, cut, s, sums_row);
    const int64_t out_plane = s.out_h * s.out_w;
    const float* x =
        data_of<const float>(*launch.operands[2]) + (g * s.in_group() + c) * s.height * s.width;
    const float* dy = data_of<const float>(*launch.operands[1]) + g * s.out_group() * out_plane;
    const int64_t first = s.batch * chunk / cut.chunks;
    const int64_t last = s.batch * (chunk + 1) / cut.chunks;
    for (int64_t n = first; n < last; ++n) {
      for (int64_t row = 0; row < plan.grid_h; row += plan.tile_rows) {
        const int64_t rows = std::min(plan.tile_rows, plan.grid_h - row);
        kernels().fill_slab(plan, x + n * s.in_channels * s.height * s.width, row, rows, slab);
        const WeightTile tile{&plan,        slab,
                              taps.offsets, dy + n * s.out_channels * out_plane + row * s.out_w,
                              out_plane,    s.out_group(),
                              rows,         slab + plan.slab_floats,
                              sums,         sums_row};
        cut.by_channels ? kernels().weight_by_channels(tile) : kernels().weight_by_pixels(tile);
      }
    }
  }

  static void clear(float* sums, const SlabPlan& plan, const Cut& cut, const Sizes& s,
                    int64_t sums_row) {
    const int64_t depth = plan.channels * plan.taps;
    if (cut.by_channels) {
      std::memset(sums, 0, static_cast<size_t>(depth * sums_row) * sizeof(float));
      return;
    }
    for (int64_t o = 0; o < s.out_group(); ++o) {
      std::memset(sums + o * sums_row, 0, static_cast<size_t>(depth) * sizeof(float));
    }
  }

  // dw = the chunks in order.
  static void combine(const Sizes& s, const Cut& cut, const float* sums, float* dw) {
    const int64_t depth = s.in_group() * s.taps();
    for (int64_t o = 0; o < s.out_channels; ++o) {
      const float* group = sums + o / s.out_group() * cut.group_floats;
      const int64_t local = o % s.out_group();
      const int64_t step = cut.by_channels ? cut.padded : 1;
      const float* from = group + (cut.by_channels ? local : local * depth);
      for (int64_t k = 0; k < depth; ++k) {
        float sum = from[k * step];
        for (int64_t c = 1; c < cut.chunks; ++c) sum += from[k * step + c * cut.sums_floats];
        dw[o * depth + k] = sum;
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
std::unique_ptr<Kernel> prepare_weight_grad(tn_device device, const tn_signature& s) {
  return std::make_unique<WeightGradKernel>(device, s);
}

constexpr Operator kOperators[] = {
    {"conv2d", refuse_forward, prepare_forward, true},
    {"conv2d_input_grad", refuse_input_grad, prepare_input_grad, true},
    {"conv2d_weight_grad", refuse_weight_grad, prepare_weight_grad, true},
};

}  // namespace

std::span<const Operator> convolution_operators() { return kOperators; }

}  // namespace tenon::cpu
