// What conv2d and its gradients share.
#ifndef TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_INTERNAL_H
#define TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_INTERNAL_H

#include <algorithm>
#include <cstring>
#include <memory>

#include "../kernel.h"
#include "convolution_plan.h"

namespace tenon::cpu {

class ConvolutionKernel : public Kernel {
 public:
  ConvolutionKernel(tn_device d, const tn_signature& s) : Kernel(d) {
    std::memcpy(&at_, s.attributes, sizeof at_);
    threads_ = std::max<int64_t>(1, d->host->thread_count(d->host->context));
  }

 protected:
  static constexpr int64_t kWorkPerPart = 2'000'000;  // multiply-adds worth a thread of their own

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
    const LaneCut cut(kernels().lanes, plan, batch, pass.outputs);
    if (cut.pays) return run_lanes(pass, cut, batch, groups, work, slabs);
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

  void run_lanes(const Pass& pass, const LaneCut& cut, int64_t batch, int64_t groups, double work,
                 float* slabs) const {
    const SlabPlan& plan = pass.plan;
    const int64_t lanes = kernels().lanes;
    const int64_t tasks = cut.blocks * groups * cut.tiles;
    run_parts(parts(tasks, work), tasks, [&](int64_t part, int64_t begin, int64_t end) {
      float* slab = slabs + part * lane_floats(plan, cut);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t row = task % cut.tiles * cut.tile_rows;
        const int64_t rows = std::min(cut.tile_rows, plan.grid_h - row);
        const int64_t g = task / cut.tiles % groups;
        const int64_t n = task / cut.tiles / groups * lanes;
        const int64_t images = std::min(lanes, batch - n);
        const InputRows input(plan, row, rows);
        kernels().fill_lanes(
            {pass.in + n * pass.in_image + g * pass.in_group + input.begin * plan.width,
             pass.in_image, plan.height * plan.width, images, plan.channels, input.count,
             plan.width, plan.pad_w, cut.pitch},
            slab);
        kernels().forward_lanes(
            {&plan, slab, input.begin, input.count, cut.pitch, row, rows,
             pass.weights + g * pass.weights_group,
             pass.bias == nullptr ? nullptr : pass.bias + g * pass.outputs, pass.outputs,
             slab + cut.slab_floats,
             pass.out + n * pass.out_image + g * pass.out_group + row * pass.out_row, images,
             pass.out_image, pass.out_channel, pass.out_row, pass.out_column});
      }
    });
  }

  // The slab of a task and the results of one block of channels.
  [[nodiscard]] int64_t lane_floats(const SlabPlan& plan, const LaneCut& cut) const {
    return cut.slab_floats +
           kernels().channel_block * cut.tile_rows * plan.grid_w * kernels().lanes;
  }

  [[nodiscard]] int64_t slab_bytes(const SlabPlan& plan, int64_t batch, int64_t groups,
                                   int64_t outputs, double work) const {
    const LaneCut cut(kernels().lanes, plan, batch, outputs);
    if (cut.pays) {
      return parts(cut.blocks * groups * cut.tiles, work) * lane_floats(plan, cut) * 4;
    }
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

std::unique_ptr<Kernel> prepare_weight_grad(tn_device device, const tn_signature& s);

}  // namespace tenon::cpu

#endif
