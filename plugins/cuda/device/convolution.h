// conv2d and its gradients as products of matrices that are never made: the sizes of a
// convolution, and where the elements of its matrices lie.
//
// N batch entries, C channels of the image, O of the result, G groups, (H, W) image, (P, Q) result,
// (R, S) kernel. In each group:
//   forward      y[O/G, N·P·Q]      = w[O/G, C/G·R·S]  · x seen through the windows
//   input grad   dx[C/G, N·H·W]     = wᵀ[C/G, O/G·R·S] · dy as each pixel was read
//   weight grad  dw[O/G, C/G·R·S]   = dy[O/G, N·P·Q]   · x seen through the windows, transposed
#ifndef TENON_PLUGINS_CUDA_DEVICE_CONVOLUTION_H
#define TENON_PLUGINS_CUDA_DEVICE_CONVOLUTION_H

#include "device/values.h"

namespace tenon::cuda {

enum class ConvolutionPass : uint32_t { kForward, kInputGrad, kWeightGrad };

struct ConvolutionSizes {
  int64_t batch, channels, height, width;
  int64_t filters, kernel_h, kernel_w;
  int64_t out_h, out_w;
  int64_t groups;
  int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

// out[g, m, n] = sum over k, cut into `splits` runs of `run` along k. With more than one, each run
// writes its sums to partials[split, g, m, n], which are added up in order.
struct ConvolutionParams {
  ConvolutionSizes sizes;
  int64_t in_group, out_group;  // C/G, O/G
  int64_t m, n, k;
  int64_t tiles_m, tiles_n;
  int64_t splits, run;
  void* out;
  const void* image;   // x
  const void* filter;  // w
  const void* result;  // dy
  const void* bias;    // of the forward pass, may be NULL
  float* partials;
};

// A block makes a tile of 64 x 64 in steps of 16 along k; each of its 256 threads 4 x 4 of it.
inline constexpr int kConvolutionTile = 64, kConvolutionStep = 16;
// A row of a step in shared memory: threads that store along k meet no bank twice.
inline constexpr int kConvolutionPitch = kConvolutionTile + 2;
inline constexpr int kConvolutionSharedBytes = 2 * kConvolutionStep * kConvolutionPitch * 4;

// y[i] += bias[channel of i]
struct BiasParams {
  int64_t count, plane, channels;
  void* out;
  const void* bias;
};

// ---- where elements lie; I is the integer that all indices fit -------------------------------

// What a column or row of a matrix stands for: a place on a plane, and where its planes begin.
template <class I>
struct Place {
  I base, h, w;
};

// Result element number `index` of (N, P, Q): the first pixel that its window reads (it may lie in
// the padding) and the batch entry's first plane of the image, of this group.
template <class I>
TENON_HD inline Place<I> window_of(const ConvolutionParams& p, I index, I group) {
  const ConvolutionSizes& s = p.sizes;
  const I out_w = static_cast<I>(s.out_w), out_h = static_cast<I>(s.out_h);
  const I row = index / out_w, column = index - row * out_w;
  const I entry = row / out_h, line = row - entry * out_h;
  const I plane = static_cast<I>(s.height * s.width);
  const I first = entry * static_cast<I>(s.channels) + group * static_cast<I>(p.in_group);
  return {first * plane, line * static_cast<I>(s.stride_h) - static_cast<I>(s.pad_h),
          column * static_cast<I>(s.stride_w) - static_cast<I>(s.pad_w)};
}

// Pixel number `index` of (N, H, W), counted from the padding's corner, and the batch entry's first
// plane of the result, of this group.
template <class I>
TENON_HD inline Place<I> pixel_of(const ConvolutionParams& p, I index, I group) {
  const ConvolutionSizes& s = p.sizes;
  const I width = static_cast<I>(s.width), height = static_cast<I>(s.height);
  const I row = index / width, column = index - row * width;
  const I entry = row / height, line = row - entry * height;
  const I plane = static_cast<I>(s.out_h * s.out_w);
  const I first = entry * static_cast<I>(s.filters) + group * static_cast<I>(p.out_group);
  return {first * plane, line + static_cast<I>(s.pad_h), column + static_cast<I>(s.pad_w)};
}

// Number `index` of (channels, R, S): how far the tap lies from the window's first pixel, and the
// channel's plane of `plane` elements.
template <class I>
TENON_HD inline Place<I> tap_of(const ConvolutionParams& p, I index, I plane) {
  const ConvolutionSizes& s = p.sizes;
  const I kernel_w = static_cast<I>(s.kernel_w), kernel_h = static_cast<I>(s.kernel_h);
  const I row = index / kernel_w, column = index - row * kernel_w;
  const I channel = row / kernel_h, line = row - channel * kernel_h;
  return {channel * plane, line * static_cast<I>(s.dilation_h),
          column * static_cast<I>(s.dilation_w)};
}

// Offset in the image of what a window reads at a tap; -1 in the padding.
template <class I>
TENON_HD inline I image_offset(const ConvolutionParams& p, const Place<I>& window,
                               const Place<I>& tap) {
  const I h = window.h + tap.h, w = window.w + tap.w;
  const I height = static_cast<I>(p.sizes.height), width = static_cast<I>(p.sizes.width);
  if (h < 0 || h >= height || w < 0 || w >= width) return -1;
  return window.base + tap.base + h * width + w;
}

// Offset in the result of the window that reads a pixel at a tap; -1 when there is none.
template <class I>
TENON_HD inline I result_offset(const ConvolutionParams& p, const Place<I>& pixel,
                                const Place<I>& tap) {
  const ConvolutionSizes& s = p.sizes;
  const I h = pixel.h - tap.h, w = pixel.w - tap.w;
  if (h < 0 || w < 0) return -1;
  const I stride_h = static_cast<I>(s.stride_h), stride_w = static_cast<I>(s.stride_w);
  const I line = h / stride_h, column = w / stride_w;
  if (line * stride_h != h || column * stride_w != w) return -1;
  if (line >= static_cast<I>(s.out_h) || column >= static_cast<I>(s.out_w)) return -1;
  return pixel.base + tap.base + line * static_cast<I>(s.out_w) + column;
}

// Offset in w of row `channel` of wᵀ at (filter of the group, tap) number `index`.
template <class I>
TENON_HD inline I transposed_filter_offset(const ConvolutionParams& p, I group, I channel,
                                           I index) {
  const I taps = static_cast<I>(p.sizes.kernel_h * p.sizes.kernel_w);
  const I filter = index / taps, tap = index - filter * taps;
  return ((group * static_cast<I>(p.out_group) + filter) * static_cast<I>(p.in_group) + channel) *
             taps +
         tap;
}

// Offset of element (m, n) of the product of a group in the pass's output.
template <ConvolutionPass kPass, class I>
TENON_HD inline I product_offset(const ConvolutionParams& p, I group, I row, I column) {
  const I rows = static_cast<I>(p.m);
  if constexpr (kPass == ConvolutionPass::kWeightGrad) {
    return (group * rows + row) * static_cast<I>(p.n) + column;
  } else {
    const ConvolutionSizes& s = p.sizes;
    const I plane =
        static_cast<I>(kPass == ConvolutionPass::kForward ? s.out_h * s.out_w : s.height * s.width);
    const I entry = column / plane, place = column - entry * plane;
    const I planes = rows * static_cast<I>(s.groups);
    return (entry * planes + group * rows + row) * plane + place;
  }
}

}  // namespace tenon::cuda

#endif
