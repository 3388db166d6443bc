// Parameters of pooling, and a window's result.
#ifndef TENON_PLUGINS_CUDA_DEVICE_POOLING_H
#define TENON_PLUGINS_CUDA_DEVICE_POOLING_H

#include "device/fault.h"
#include "device/values.h"

namespace tenon::cuda {

// N planes of C channels; strides are those of N, C, H, W.
struct PoolParams {
  int64_t count;  // windows
  int64_t channels, height, width, out_h, out_w;
  int32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  uint32_t counts_padding, reserved;
  int64_t strides[3][4];  // of y, indices, x
  void* y;
  int64_t* indices;
  const void* x;
};

// Windows k of a plane meet where their indices are equal. A block takes a plane.
struct PoolGradParams {
  int64_t channels, width;
  int32_t in_size, out_size, out_w;
  uint32_t reserved;
  int64_t strides[3][4];  // of dx, dy, indices
  void* dx;
  const void* dy;
  const int64_t* indices;
  int32_t* claims;  // [planes][in_size], twice that for 16-bit floats; NULL: in shared memory
  IndexFault* fault;
  uint64_t tag;
};

// Where window `number` is.
struct PoolWindow {
  int64_t n, c, h, w;
};
TENON_HD inline PoolWindow window_of(const PoolParams& p, int64_t number) {
  PoolWindow at{};
  if (p.count < kSmall) {
    const uint32_t n = static_cast<uint32_t>(number), ow = static_cast<uint32_t>(p.out_w),
                   oh = static_cast<uint32_t>(p.out_h), c = static_cast<uint32_t>(p.channels);
    at.w = n % ow;
    at.h = n / ow % oh;
    at.c = n / ow / oh % c;
    at.n = n / ow / oh / c;
  } else {
    at.w = number % p.out_w;
    at.h = number / p.out_w % p.out_h;
    at.c = number / p.out_w / p.out_h % p.channels;
    at.n = number / p.out_w / p.out_h / p.channels;
  }
  return at;
}

TENON_HD inline int64_t plane_of(const int64_t* strides, int64_t n, int64_t c) {
  return n * strides[0] + c * strides[1];
}

// Offset of a row-major position in a plane.
TENON_HD inline int64_t place_in(const int64_t* strides, int64_t width, int64_t position) {
  if (strides[2] == width * strides[3]) return position * strides[3];
  const int64_t row = position / width;
  return row * strides[2] + (position - row * width) * strides[3];
}

// The greatest of a window and where it is; the first NaN wins, then the first of equals.
template <class T>
struct Greatest {
  Class<T> value;
  int64_t index;
};
template <class T>
TENON_HD inline Greatest<T> greatest_in(const PoolParams& p, const T* plane, int64_t out_h,
                                        int64_t out_w) {
  const int64_t top = out_h * p.stride_h - p.pad_h, left = out_w * p.stride_w - p.pad_w;
  Greatest<T> best{0, -1};
  for (int i = 0; i < p.kernel_h; ++i) {
    const int64_t h = top + static_cast<int64_t>(i) * p.dilation_h;
    if (h < 0 || h >= p.height) continue;
    const T* row = plane + h * p.strides[2][2];
    for (int j = 0; j < p.kernel_w; ++j) {
      const int64_t w = left + static_cast<int64_t>(j) * p.dilation_w;
      if (w < 0 || w >= p.width) continue;
      const Class<T> x = value_of(row[w * p.strides[2][3]]);
      if (best.index >= 0 && !(x > best.value) && !(x != x && best.value == best.value)) continue;
      best = {x, h * p.width + w};
    }
  }
  if (best.index >= 0) return best;
  return {-static_cast<Class<T>>(bits_as<float>(0x7f800000u)), 0};  // padding alone
}

// A window ends at the padded border, and only padding inside it counts.
template <class T>
TENON_HD inline Class<T> mean_in(const PoolParams& p, const T* plane, int64_t out_h,
                                 int64_t out_w) {
  const int64_t top = out_h * p.stride_h - p.pad_h, left = out_w * p.stride_w - p.pad_w;
  int64_t end_h = top + p.kernel_h, end_w = left + p.kernel_w;
  if (end_h > p.height + p.pad_h) end_h = p.height + p.pad_h;
  if (end_w > p.width + p.pad_w) end_w = p.width + p.pad_w;
  const int64_t padded = (end_h - top) * (end_w - left);
  const int64_t h0 = top < 0 ? 0 : top, w0 = left < 0 ? 0 : left;
  const int64_t h1 = end_h < p.height ? end_h : p.height;
  const int64_t w1 = end_w < p.width ? end_w : p.width;
  Class<T> sum = 0;
  for (int64_t h = h0; h < h1; ++h) {
    const T* row = plane + h * p.strides[2][2];
    for (int64_t w = w0; w < w1; ++w) sum += value_of(row[w * p.strides[2][3]]);
  }
  const int64_t inside = h1 > h0 && w1 > w0 ? (h1 - h0) * (w1 - w0) : 0;
  return sum / static_cast<Class<T>>(p.counts_padding != 0 ? padded : inside);
}

}  // namespace tenon::cuda

#endif
