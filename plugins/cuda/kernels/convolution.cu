// conv2d and its gradients in tiles through shared memory: any sizes, f32 sums in one order.
#include "device/convolution.h"
#include "device/opcodes.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

constexpr int kTile = kConvolutionTile, kStep = kConvolutionStep, kPitch = kConvolutionPitch;
constexpr int kEach = 4;  // a thread's part of a tile, along either side

using Tile = float (*)[kPitch];  // [k][row or column]

// Where a block's product lies.
template <class I>
struct Work {
  I group, row0, column0, k0, k_end, split;
};

template <class I>
TENON_DEVICE Work<I> work_of(const ConvolutionParams& p) {
  const int64_t tile_m = block_x() % p.tiles_m, above = block_x() / p.tiles_m;
  const int64_t tile_n = above % p.tiles_n, rest = above / p.tiles_n;
  const int64_t group = rest % p.sizes.groups, split = rest / p.sizes.groups;
  const int64_t first = split * p.run, end = first + p.run < p.k ? first + p.run : p.k;
  return {static_cast<I>(group),
          static_cast<I>(tile_m * kTile),
          static_cast<I>(tile_n * kTile),
          static_cast<I>(first),
          static_cast<I>(end),
          static_cast<I>(split)};
}

template <class T, class I>
TENON_DEVICE float element_or_zero(const void* data, I offset) {
  return offset < 0 ? 0.0f : value_of(static_cast<const T*>(data)[offset]);
}

// Left matrix, read along k by neighbouring threads: its offset in memory, -1 outside.
template <ConvolutionPass kPass, class I>
TENON_DEVICE I left_offset(const ConvolutionParams& p, const Work<I>& work, I row, I k) {
  if (row >= static_cast<I>(p.m) || k >= work.k_end) return -1;
  if constexpr (kPass == ConvolutionPass::kForward) {
    return (work.group * static_cast<I>(p.m) + row) * static_cast<I>(p.k) + k;
  } else if constexpr (kPass == ConvolutionPass::kInputGrad) {
    return transposed_filter_offset<I>(p, work.group, row, k);
  } else {
    const I plane = static_cast<I>(p.sizes.out_h * p.sizes.out_w);
    const I entry = k / plane, place = k - entry * plane;
    const I first = entry * static_cast<I>(p.sizes.filters) + work.group * static_cast<I>(p.m);
    return (first + row) * plane + place;
  }
}

template <ConvolutionPass kPass, class T, class I>
TENON_DEVICE void load_left(const ConvolutionParams& p, const Work<I>& work, I k0, Tile tile) {
  const void* from = kPass == ConvolutionPass::kWeightGrad ? p.result : p.filter;
  const int step = thread_x() % kStep, first = thread_x() / kStep;
  for (int j = 0; j < kEach; ++j) {
    const int row = first + j * (kTile / kEach);
    const I offset = left_offset<kPass, I>(p, work, work.row0 + row, k0 + step);
    tile[step][row] = element_or_zero<T>(from, offset);
  }
}

// Right matrix of forward and input grad: a thread keeps its column.
template <ConvolutionPass kPass, class T, class I>
struct PlaneLoader {
  static constexpr bool kForward = kPass == ConvolutionPass::kForward;

  TENON_DEVICE PlaneLoader(const ConvolutionParams& p, const Work<I>& work) {
    const I column = work.column0 + thread_x() % kTile;
    inside = column < static_cast<I>(p.n);
    const I safe = inside ? column : 0;
    place = kForward ? window_of<I>(p, safe, work.group) : pixel_of<I>(p, safe, work.group);
  }

  TENON_DEVICE void load(const ConvolutionParams& p, const Work<I>& work, I k0, Tile tile) const {
    const ConvolutionSizes& s = p.sizes;
    const I plane = static_cast<I>(kForward ? s.height * s.width : s.out_h * s.out_w);
    for (int j = 0; j < kEach; ++j) {
      const int step = thread_x() / kTile + j * kEach;
      I offset = -1;
      if (inside && k0 + step < work.k_end) {
        const Place<I> tap = tap_of<I>(p, k0 + step, plane);
        offset = kForward ? image_offset<I>(p, place, tap) : result_offset<I>(p, place, tap);
      }
      tile[step][thread_x() % kTile] = element_or_zero<T>(kForward ? p.image : p.result, offset);
    }
  }

  Place<I> place;
  bool inside;
};

// Right matrix of weight grad: a thread keeps the taps of its columns, and reads along k.
template <class T, class I>
struct TapLoader {
  TENON_DEVICE TapLoader(const ConvolutionParams& p, const Work<I>& work) {
    const I plane = static_cast<I>(p.sizes.height * p.sizes.width);
    for (int j = 0; j < kEach; ++j) {
      const I column = work.column0 + thread_x() / kStep + j * (kTile / kEach);
      inside[j] = column < static_cast<I>(p.n);
      taps[j] = tap_of<I>(p, inside[j] ? column : 0, plane);
    }
  }

  TENON_DEVICE void load(const ConvolutionParams& p, const Work<I>& work, I k0, Tile tile) const {
    const int step = thread_x() % kStep;
    const bool within = k0 + step < work.k_end;
    const Place<I> window = window_of<I>(p, within ? k0 + step : 0, work.group);
    for (int j = 0; j < kEach; ++j) {
      const I offset = within && inside[j] ? image_offset<I>(p, window, taps[j]) : -1;
      tile[step][thread_x() / kStep + j * (kTile / kEach)] = element_or_zero<T>(p.image, offset);
    }
  }

  Place<I> taps[kEach];
  bool inside[kEach];
};

template <ConvolutionPass kPass, class T, class I>
struct RightLoader {
  using type = PlaneLoader<kPass, T, I>;
};
template <class T, class I>
struct RightLoader<ConvolutionPass::kWeightGrad, T, I> {
  using type = TapLoader<T, I>;
};

template <ConvolutionPass kPass, class T, class I>
TENON_DEVICE void store(const ConvolutionParams& p, const Work<I>& work, I row, I column,
                        float sum) {
  if (kPass == ConvolutionPass::kWeightGrad && p.splits > 1) {
    const int64_t product = static_cast<int64_t>(work.split) * p.sizes.groups + work.group;
    p.partials[(product * p.m + row) * p.n + column] = sum;
    return;
  }
  if (kPass == ConvolutionPass::kForward && p.bias != nullptr) {
    sum += value_of(static_cast<const T*>(p.bias)[work.group * static_cast<I>(p.m) + row]);
  }
  static_cast<T*>(p.out)[product_offset<kPass, I>(p, work.group, row, column)] = element_of<T>(sum);
}

template <ConvolutionPass kPass, class T, class I>
TENON_DEVICE void convolve(const ConvolutionParams& p) {
  const Tile left = shared_memory<float[kPitch]>(), right = left + kStep;
  const Work<I> work = work_of<I>(p);
  const typename RightLoader<kPass, T, I>::type loader(p, work);
  const int y = thread_x() / 16, x = thread_x() % 16;
  float sums[kEach][kEach] = {};
  for (I k0 = work.k0; k0 < work.k_end; k0 += kStep) {
    load_left<kPass, T, I>(p, work, k0, left);
    loader.load(p, work, k0, right);
    sync_block();
    for (int step = 0; step < kStep; ++step) {
      float a[kEach], b[kEach];
      for (int i = 0; i < kEach; ++i) a[i] = left[step][y + 16 * i];
      for (int j = 0; j < kEach; ++j) b[j] = right[step][x + 16 * j];
      for (int i = 0; i < kEach; ++i) {
        for (int j = 0; j < kEach; ++j) sums[i][j] = c_fma(a[i], b[j], sums[i][j]);
      }
    }
    sync_block();
  }
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) {
      const I row = work.row0 + y + 16 * i, column = work.column0 + x + 16 * j;
      if (row >= static_cast<I>(p.m) || column >= static_cast<I>(p.n)) continue;
      store<kPass, T, I>(p, work, row, column, sums[i][j]);
    }
  }
}

template <class T>
TENON_DEVICE void sum_partials(const ConvolutionParams& p) {
  const int64_t count = p.sizes.groups * p.m * p.n, at = global_thread();
  if (at >= count) return;
  float sum = 0;
  for (int64_t split = 0; split < p.splits; ++split) sum += p.partials[split * count + at];
  static_cast<T*>(p.out)[at] = element_of<T>(sum);
}

template <class T>
TENON_DEVICE void add_bias(const BiasParams& p) {
  const int64_t at = global_thread();
  if (at >= p.count) return;
  T* out = static_cast<T*>(p.out) + at;
  *out = element_of<T>(value_of(*out) +
                       value_of(static_cast<const T*>(p.bias)[at / p.plane % p.channels]));
}

}  // namespace

using Pass = ConvolutionPass;
using Narrow = int32_t;
using Wide = int64_t;

TENON_KERNEL(convolution_forward_f16, 256, ConvolutionParams,
             convolve<Pass::kForward, Half, Narrow>)
TENON_KERNEL(convolution_forward_bf16, 256, ConvolutionParams,
             convolve<Pass::kForward, BFloat16, Narrow>)
TENON_KERNEL(convolution_forward_f32, 256, ConvolutionParams,
             convolve<Pass::kForward, float, Narrow>)
TENON_KERNEL(convolution_forward_wide_f16, 256, ConvolutionParams,
             convolve<Pass::kForward, Half, Wide>)
TENON_KERNEL(convolution_forward_wide_bf16, 256, ConvolutionParams,
             convolve<Pass::kForward, BFloat16, Wide>)
TENON_KERNEL(convolution_forward_wide_f32, 256, ConvolutionParams,
             convolve<Pass::kForward, float, Wide>)
TENON_KERNEL(convolution_input_grad_f16, 256, ConvolutionParams,
             convolve<Pass::kInputGrad, Half, Narrow>)
TENON_KERNEL(convolution_input_grad_bf16, 256, ConvolutionParams,
             convolve<Pass::kInputGrad, BFloat16, Narrow>)
TENON_KERNEL(convolution_input_grad_f32, 256, ConvolutionParams,
             convolve<Pass::kInputGrad, float, Narrow>)
TENON_KERNEL(convolution_input_grad_wide_f16, 256, ConvolutionParams,
             convolve<Pass::kInputGrad, Half, Wide>)
TENON_KERNEL(convolution_input_grad_wide_bf16, 256, ConvolutionParams,
             convolve<Pass::kInputGrad, BFloat16, Wide>)
TENON_KERNEL(convolution_input_grad_wide_f32, 256, ConvolutionParams,
             convolve<Pass::kInputGrad, float, Wide>)
TENON_KERNEL(convolution_weight_grad_f16, 256, ConvolutionParams,
             convolve<Pass::kWeightGrad, Half, Narrow>)
TENON_KERNEL(convolution_weight_grad_bf16, 256, ConvolutionParams,
             convolve<Pass::kWeightGrad, BFloat16, Narrow>)
TENON_KERNEL(convolution_weight_grad_f32, 256, ConvolutionParams,
             convolve<Pass::kWeightGrad, float, Narrow>)
TENON_KERNEL(convolution_weight_grad_wide_f16, 256, ConvolutionParams,
             convolve<Pass::kWeightGrad, Half, Wide>)
TENON_KERNEL(convolution_weight_grad_wide_bf16, 256, ConvolutionParams,
             convolve<Pass::kWeightGrad, BFloat16, Wide>)
TENON_KERNEL(convolution_weight_grad_wide_f32, 256, ConvolutionParams,
             convolve<Pass::kWeightGrad, float, Wide>)
TENON_KERNEL(convolution_sum_f16, 256, ConvolutionParams, sum_partials<Half>)
TENON_KERNEL(convolution_sum_bf16, 256, ConvolutionParams, sum_partials<BFloat16>)
TENON_KERNEL(convolution_sum_f32, 256, ConvolutionParams, sum_partials<float>)
TENON_KERNEL(convolution_bias_f16, 256, BiasParams, add_bias<Half>)
TENON_KERNEL(convolution_bias_bf16, 256, BiasParams, add_bias<BFloat16>)
TENON_KERNEL(convolution_bias_f32, 256, BiasParams, add_bias<float>)

}  // namespace tenon::cuda
