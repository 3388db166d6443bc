// max_pool2d and its gradient, avg_pool2d.
#include "device/pooling.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <class T>
TENON_DEVICE void max_pool(const PoolParams& p) {
  const int64_t number = global_thread();
  if (number >= p.count) return;
  const PoolWindow at = window_of(p, number);
  const T* plane = static_cast<const T*>(p.x) + plane_of(p.strides[2], at.n, at.c);
  const Greatest<T> best = greatest_in(p, plane, at.h, at.w);
  const int64_t *y = p.strides[0], *indices = p.strides[1];
  static_cast<T*>(p.y)[plane_of(y, at.n, at.c) + at.h * y[2] + at.w * y[3]] =
      element_of<T>(best.value);
  p.indices[plane_of(indices, at.n, at.c) + at.h * indices[2] + at.w * indices[3]] = best.index;
}

template <class T>
TENON_DEVICE void avg_pool(const PoolParams& p) {
  const int64_t number = global_thread();
  if (number >= p.count) return;
  const PoolWindow at = window_of(p, number);
  const T* plane = static_cast<const T*>(p.x) + plane_of(p.strides[2], at.n, at.c);
  const int64_t* y = p.strides[0];
  static_cast<T*>(p.y)[plane_of(y, at.n, at.c) + at.h * y[2] + at.w * y[3]] =
      element_of<T>(mean_in(p, plane, at.h, at.w));
}

// In rounds: of the windows that name a place the first one claims it, adds, and leaves the place
// to the next round. So the sums are in the order of the windows, whichever thread is first. Those
// of 16-bit floats are kept in f32 beside the claims.
inline constexpr int kPoolWindows = 32;  // that a thread keeps in mind
inline constexpr int32_t kMostWindows = 0x7fffffff;

template <class T>
TENON_DEVICE void max_pool_grad(const PoolGradParams& p) {
  int32_t* again = shared_memory<int32_t>();
  const int64_t plane = block_x(), n = plane / p.channels, c = plane - n * p.channels;
  T* dx = static_cast<T*>(p.dx) + plane_of(p.strides[0], n, c);
  const T* dy = static_cast<const T*>(p.dy) + plane_of(p.strides[1], n, c);
  const int64_t* indices = p.indices + plane_of(p.strides[2], n, c);
  constexpr bool kSumsApart = sizeof(T) == 2;
  constexpr int kWords = kSumsApart ? 2 : 1;
  int32_t* claims = p.claims == nullptr ? again + 4 : p.claims + plane * p.in_size * kWords;
  auto* sums = reinterpret_cast<float*>(claims + p.in_size);
  const int threads = threads_x();
  for (int i = thread_x(); i < p.in_size; i += threads) {
    claims[i] = -1;
    if constexpr (kSumsApart) {
      sums[i] = 0;
    } else {
      dx[place_in(p.strides[0], p.width, i)] = element_of<T>(0);
    }
  }
  const auto place = [&](int k) {
    const int64_t index = indices[place_in(p.strides[2], p.out_w, k)];
    return checked_index(index, p.in_size, p.fault, p.tag);
  };
  for (int first = 0; first < p.out_size; first += kPoolWindows * threads) {
    uint32_t pending = 0;
    for (int j = 0; j < kPoolWindows; ++j) {
      if (first + j * threads + thread_x() < p.out_size) pending |= uint32_t{1} << j;
    }
    for (bool more = true; more;) {
      if (thread_x() == 0) *again = 0;
      sync_block();
      for (int j = 0; j < kPoolWindows && pending >> j != 0; ++j) {
        if ((pending >> j & 1u) == 0) continue;
        const int k = first + j * threads + thread_x();
        atomic_max(claims + place(k), kMostWindows - k);
      }
      sync_block();
      for (int j = 0; j < kPoolWindows && pending >> j != 0; ++j) {
        if ((pending >> j & 1u) == 0) continue;
        const int k = first + j * threads + thread_x();
        const int64_t at = place(k);
        if (claims[at] != kMostWindows - k) continue;
        const Class<T> value = value_of(dy[place_in(p.strides[1], p.out_w, k)]);
        if constexpr (kSumsApart) {
          sums[at] += value;
        } else {
          dx[place_in(p.strides[0], p.width, at)] += value;
        }
        claims[at] = -1;
        pending &= ~(uint32_t{1} << j);
      }
      if (pending != 0) *again = 1;
      sync_block();
      more = *again != 0;
      sync_block();
    }
  }
  if constexpr (kSumsApart) {
    sync_block();
    for (int i = thread_x(); i < p.in_size; i += threads) {
      dx[place_in(p.strides[0], p.width, i)] = element_of<T>(sums[i]);
    }
  }
}

}  // namespace

#define TENON_POOL(name, T)                                   \
  TENON_KERNEL(max_pool_##name, 256, PoolParams, max_pool<T>) \
  TENON_KERNEL(avg_pool_##name, 256, PoolParams, avg_pool<T>) \
  TENON_KERNEL(max_pool_grad_##name, 256, PoolGradParams, max_pool_grad<T>)
TENON_POOL(f16, Half)
TENON_POOL(bf16, BFloat16)
TENON_POOL(f32, float)
TENON_POOL(f64, double)

}  // namespace tenon::cuda
