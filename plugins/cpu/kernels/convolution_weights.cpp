// The weight gradient of conv2d, f32, NCHW. Fixed chunks of the batch are added up in order: the
// bits do not depend on the number of threads.
#include "convolution_internal.h"

namespace tenon::cpu {
namespace {

class WeightGradKernel final : public ConvolutionKernel {
 public:
  using ConvolutionKernel::ConvolutionKernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const Sizes s = sizes(operands);
    if (work_of(s) == 0 || s.taps() > kMaxTaps) return 0;
    TapTable taps;
    const SlabPlan plan = forward_plan(s, taps, channel_part(s));
    const LaneCut lanes(kernels().lanes, plan, s.batch, s.out_group());
    if (takes_lanes(s, lanes)) {
      return static_cast<uint64_t>(lane_chunks(lanes) * lane_sums(s) +
                                   parts(lane_tasks(s, lanes), work_of(s)) *
                                       lane_floats(s, plan, lanes)) *
             4;
    }
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
    const LaneCut lanes(kernels().lanes, plan, s.batch, s.out_group());
    if (takes_lanes(s, lanes)) {
      run_lanes(launch, s, plan, lanes);
      return TN_OK;
    }
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
  // Floats of the sums of all chunks: so many for the sake of cutting well, and where there would be
  // fewer than kTasks otherwise. Large weights have tasks enough in their channels.
  static constexpr int64_t kSumsWanted = int64_t{1} << 20, kSumsLimit = int64_t{8} << 20;
  static constexpr int64_t kTasks = 8;

  static constexpr int64_t kLaneSums = int64_t{256} << 10;  // floats of one chunk

  [[nodiscard]] Sizes sizes(const tn_tensor* const* o) const { return {*o[2], *o[0], *o[1], at_}; }

  // ---- an image per lane ----

  [[nodiscard]] int64_t lane_sums(const Sizes& s) const {
    return s.out_channels * s.in_group() * s.taps() * kernels().lanes;
  }
  [[nodiscard]] static int64_t lane_chunks(const LaneCut& cut) {
    return std::min(kChunks, cut.blocks);
  }
  [[nodiscard]] int64_t lane_tasks(const Sizes& s, const LaneCut& cut) const {
    return lane_chunks(cut) * at_.groups * divide_up(s.in_group(), channel_part(s));
  }
  // The slab of x and that of dy.
  [[nodiscard]] int64_t lane_floats(const Sizes& s, const SlabPlan& plan,
                                    const LaneCut& cut) const {
    return cut.slab_floats + s.out_group() * cut.tile_rows * plan.grid_w * kernels().lanes;
  }
  // A single tap would wait for its own sum.
  [[nodiscard]] bool takes_lanes(const Sizes& s, const LaneCut& cut) const {
    return cut.pays && s.kernel_w >= 3 && lane_sums(s) <= kLaneSums;
  }

  void run_lanes(const Launch& launch, const Sizes& s, const SlabPlan& plan,
                 const LaneCut& cut) const {
    const int64_t chunks = lane_chunks(cut);
    const int64_t tasks = lane_tasks(s, cut);
    float* sums = reinterpret_cast<float*>(launch.workspace);
    float* slabs = sums + chunks * lane_sums(s);
    run_parts(parts(tasks, work_of(s)), tasks, [&](int64_t part, int64_t begin, int64_t end) {
      float* slab = slabs + part * lane_floats(s, plan, cut);
      for (int64_t task = begin; task < end; ++task) {
        run_lane_task(launch, s, plan, cut, task, slab, sums);
      }
    });
    float* dw = data_of<float>(*launch.operands[0]);
    const int64_t weights = s.out_channels * s.in_group() * s.taps();
    parallel_for(device->host, weights, 4096, [&](int64_t begin, int64_t end) {
      kernels().sum_weight_lanes(sums + begin * kernels().lanes, lane_sums(s), chunks, end - begin,
                                 dw + begin);
    });
  }

  // One chunk of the batch, one group, one part of its input channels.
  void run_lane_task(const Launch& launch, const Sizes& s, const SlabPlan& whole,
                     const LaneCut& cut, int64_t task, float* slab, float* all_sums) const {
    const int64_t lanes = kernels().lanes;
    const int64_t channel_parts = divide_up(s.in_group(), whole.channels);
    const int64_t c = task % channel_parts * whole.channels;
    const int64_t g = task / channel_parts % at_.groups;
    const int64_t chunk = task / channel_parts / at_.groups;
    const int64_t chunks = lane_chunks(cut);
    SlabPlan plan = whole;
    plan.channels = std::min(whole.channels, s.in_group() - c);
    const int64_t depth = s.in_group() * s.taps() * lanes;
    float* sums =
        all_sums + chunk * lane_sums(s) + g * s.out_group() * depth + c * s.taps() * lanes;
    for (int64_t o = 0; o < s.out_group(); ++o) {
      std::memset(sums + o * depth, 0,
                  static_cast<size_t>(plan.channels * s.taps() * lanes) * sizeof(float));
    }
    const int64_t plane = s.height * s.width;
    const int64_t out_plane = s.out_h * s.out_w;
    const float* x = data_of<const float>(*launch.operands[2]) + (g * s.in_group() + c) * plane;
    const float* dy = data_of<const float>(*launch.operands[1]) + g * s.out_group() * out_plane;
    const int64_t last = cut.blocks * (chunk + 1) / chunks;
    for (int64_t block = cut.blocks * chunk / chunks; block < last; ++block) {
      const int64_t n = block * lanes;
      const int64_t images = std::min(lanes, s.batch - n);
      for (int64_t row = 0; row < plan.grid_h; row += cut.tile_rows) {
        const int64_t rows = std::min(cut.tile_rows, plan.grid_h - row);
        const InputRows input(plan, row, rows);
        float* dy_slab = slab + cut.slab_floats;
        kernels().fill_lanes(
            {x + n * s.in_channels * plane + input.begin * s.width, s.in_channels * plane, plane,
             images, plan.channels, input.count, s.width, plan.pad_w, cut.pitch},
            slab);
        kernels().fill_lanes(
            {dy + n * s.out_channels * out_plane + row * s.out_w, s.out_channels * out_plane,
             out_plane, images, s.out_group(), rows, s.out_w, 0, s.out_w},
            dy_slab);
        kernels().weight_lanes({&plan, slab, input.begin, input.count, cut.pitch, row, rows,
                                dy_slab, s.out_group(), sums, depth});
      }
    }
  }

  // ---- slabs of positions ----

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
      channel_parts = divide_up(s.in_group(), channel_part(s));
      const int64_t needed = divide_up(kTasks, s.at.groups * channel_parts);
      chunks = std::max(kSumsWanted / sums_floats, std::min(kSumsLimit / sums_floats, needed));
      chunks = std::clamp<int64_t>(chunks, 1, std::min(kChunks, s.batch));
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

}  // namespace

std::unique_ptr<Kernel> prepare_weight_grad(tn_device device, const tn_signature& s) {
  return std::make_unique<WeightGradKernel>(device, s);
}

}  // namespace tenon::cpu
