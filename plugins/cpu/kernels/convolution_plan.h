// Sizes of a convolution and how its parts are laid out and cut.
#ifndef TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_PLAN_H
#define TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_PLAN_H

#include <algorithm>
#include <cstdint>

#include "../operands.h"
#include "convolution_kernels.h"

namespace tenon::cpu {

inline constexpr int64_t kSlabTarget =
    48 * 1024;                          // floats: a slab should stay in the second-level cache
inline constexpr int64_t kSlack = 128;  // floats that a block may read beyond a slab
inline constexpr int64_t kMaxTaps = 1024;

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

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
inline void finish_plan(SlabPlan& p, TapTable& taps) {
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
inline SlabPlan forward_plan(const Sizes& s, TapTable& taps, int64_t channels) {
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
  p.tap_columns = s.kernel_w;
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
inline SlabPlan input_grad_plan(const Sizes& s, TapTable& taps, const PhaseLine& h,
                                const PhaseLine& w, int64_t phase_h, int64_t phase_w) {
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
    if (p.tap_columns == 0) p.tap_columns = p.taps;
  }
  finish_plan(p, taps);
  return p;
}

// Floats of packed weights for `outputs` x (channels * taps).
inline int64_t packed_floats(const ConvolutionKernels& k, int64_t outputs, int64_t depth) {
  return round_up(outputs, k.channel_block) * depth;
}

// packed[block][channel][tap][lane] = w[output * out_stride + channel * in_stride + source[tap]]
inline void pack_weights(const ConvolutionKernels& k, const float* w, int64_t outputs,
                         int64_t out_stride, const SlabPlan& p, int64_t in_stride,
                         const TapTable& taps, float* packed) {
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

// Note "Lanes" in convolution_kernels.h: how a convolution is cut that way, and whether it pays.
struct LaneCut {
  int64_t blocks;     // vectors of images
  int64_t pitch;      // columns of the slab
  int64_t tile_rows;  // rows of the grid of one task
  int64_t tiles;
  int64_t slab_rows;  // at most
  int64_t slab_floats;
  bool pays;

  LaneCut(int64_t lanes, const SlabPlan& p, int64_t batch, int64_t outputs) {
    blocks = divide_up(batch, lanes);
    const int64_t last_h = last(p.tap_h, p.taps);
    pitch = (p.grid_w - 1) * p.step_w + last(p.tap_w, p.taps) + 1;
    const auto rows_for = [&](int64_t rows) {
      return std::min(p.height, (rows - 1) * p.step_h + last_h + 1);
    };
    const auto floats_for = [&](int64_t rows) {
      return lanes * p.channels * rows_for(rows) * pitch;
    };
    tile_rows = p.grid_h;
    const auto too_large = [&] {
      return floats_for(tile_rows) > kLaneTarget ||
             8 * lanes * tile_rows * p.grid_w > kLaneTarget / 2;  // results of a block of channels
    };
    while (tile_rows > 1 && too_large()) tile_rows = (tile_rows + 1) / 2;
    tiles = divide_up(p.grid_h, tile_rows);
    slab_rows = rows_for(tile_rows);
    slab_floats = round_up(floats_for(tile_rows), 16);
    pays = floats_for(tile_rows) <= 2 * kLaneTarget &&
           lane_cost(p, outputs) < kClearly * slab_cost(lanes, p, batch, outputs);
  }

 private:
  static constexpr int64_t kLaneTarget = 64 * 1024;  // floats
  static constexpr double kTurn = 12;
  static constexpr double kClearly = 0.95;

  // Vectors multiplied; turning one over counts as kTurn.
  [[nodiscard]] double lane_cost(const SlabPlan& p, int64_t outputs) const {
    const double products =
        static_cast<double>(p.channels * outputs * hits_h(p)) * static_cast<double>(hits_w(p));
    const double moved = static_cast<double>(p.channels * tiles * slab_rows * p.width) +
                         static_cast<double>(outputs * p.grid_h * p.grid_w);
    return static_cast<double>(blocks) * (products + kTurn * moved);
  }
  static double slab_cost(int64_t lanes, const SlabPlan& p, int64_t batch, int64_t outputs) {
    const int64_t positions = round_up((p.grid_h - 1) * p.pitch + p.grid_w, lanes) / lanes;
    const double products =
        static_cast<double>(p.channels * outputs * p.taps) * static_cast<double>(positions);
    const double moved = static_cast<double>(outputs * p.grid_h * divide_up(p.grid_w, lanes));
    return static_cast<double>(batch) * (products + kTurn * moved);
  }

  static int64_t last(const int32_t* taps, int64_t count) {
    return *std::max_element(taps, taps + count);
  }
  // Pairs of a position and a tap that reach the input along one direction.
  static int64_t hits(const int32_t* taps, int64_t step, int64_t count, int64_t grid,
                      int64_t grid_step, int64_t pad, int64_t size) {
    int64_t pairs = 0;
    for (int64_t k = 0; k < count; ++k) {
      for (int64_t g = 0; g < grid; ++g) {
        const int64_t at = g * grid_step + taps[k * step] - pad;
        pairs += at >= 0 && at < size ? 1 : 0;
      }
    }
    return pairs;
  }
  static int64_t hits_h(const SlabPlan& p) {
    return hits(p.tap_h, p.tap_columns, p.taps / p.tap_columns, p.grid_h, p.step_h, p.pad_h,
                p.height);
  }
  static int64_t hits_w(const SlabPlan& p) {
    return hits(p.tap_w, 1, p.tap_columns, p.grid_w, p.step_w, p.pad_w, p.width);
  }
};

// Rows of the input that rows [row, row + rows) of the grid read.
struct InputRows {
  int64_t begin, count;

  InputRows(const SlabPlan& p, int64_t row, int64_t rows) {
    const int64_t last = *std::max_element(p.tap_h, p.tap_h + p.taps);
    const int64_t top = row * p.step_h - p.pad_h;
    begin = std::clamp<int64_t>(top, 0, p.height);
    count = std::clamp<int64_t>(top + (rows - 1) * p.step_h + last + 1, begin, p.height) - begin;
  }
};

}  // namespace tenon::cpu

#endif
