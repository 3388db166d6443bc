// Lines held in the registers of a part of a warp, a warp or a block, and the joins of what threads
// have: for kernels that read a line once. Sums have a fixed order.
#ifndef TENON_PLUGINS_CUDA_KERNELS_HELD_LINES_H
#define TENON_PLUGINS_CUDA_KERNELS_HELD_LINES_H

#include "device/normalization.h"
#include "device/simt.h"

#if defined(__CUDACC__)
#define TENON_UNROLL _Pragma("unroll")
#define TENON_UNROLL_4 _Pragma("unroll 4")  // several loads on their way at a time
#else
#define TENON_UNROLL
#define TENON_UNROLL_4
#endif

namespace tenon::cuda {

inline constexpr int kBlock = 256;
inline constexpr int kSlotBytes = 512;  // 16 bytes for each warp of a block, for one join

// ---- joins ----

TENON_DEVICE inline float exchange(float x, int mask) { return shuffle_xor(x, mask); }
TENON_DEVICE inline double exchange(double x, int mask) { return shuffle_xor(x, mask); }
TENON_DEVICE inline Sums exchange(const Sums& x, int mask) {
  return {shuffle_xor(x.first, mask), shuffle_xor(x.second, mask)};
}
TENON_DEVICE inline Exponentials exchange(const Exponentials& x, int mask) {
  return {shuffle_xor(x.top, mask), shuffle_xor(x.sum, mask)};
}

struct Greater {
  TENON_DEVICE float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct Add {
  TENON_DEVICE double operator()(double a, double b) const { return a + b; }
  TENON_DEVICE Sums operator()(const Sums& a, const Sums& b) const {
    return {a.first + b.first, a.second + b.second};
  }
};
struct JoinExponentials {
  TENON_DEVICE Exponentials operator()(const Exponentials& a, const Exponentials& b) const {
    return join_exponentials(a, b);
  }
};

// Joins the values of kThreads neighbours; all of them get the result. `slot` numbers the joins of
// a kernel: each has shared memory of its own, so that no barrier is needed between them.
template <int kThreads, class A, class Join>
TENON_DEVICE A join_threads(A mine, Join join, int slot) {
  for (int mask = (kThreads < kWarp ? kThreads : kWarp) / 2; mask > 0; mask /= 2) {
    mine = join(mine, exchange(mine, mask));
  }
  if constexpr (kThreads > kWarp) {
    constexpr int kWarps = kThreads / kWarp;
    static_assert(sizeof(A) <= 16 && kWarps <= kWarp && (kWarps & (kWarps - 1)) == 0);
    A* slots = reinterpret_cast<A*>(shared_memory<char>() + slot * kSlotBytes);
    const int lane = thread_x() % kWarp;
    if (lane == 0) slots[thread_x() / kWarp] = mine;
    sync_block();
    mine = slots[lane % kWarps];
    for (int mask = kWarps / 2; mask > 0; mask /= 2) mine = join(mine, exchange(mine, mask));
  }
  return mine;
}

// ---- a line in registers ----

// Which values of a line this thread holds: kValues of them.
template <int kThreads, int kValues>
struct Held {
  static constexpr int64_t kCapacity = int64_t{kThreads} * kValues;

  int thread, length;
  bool vector;

  TENON_DEVICE Held(const NormParams& p, int64_t values)
      : thread(thread_x() % kThreads),
        length(static_cast<int>(values < kCapacity ? values : kCapacity)),
        vector(p.vector != 0) {}

  // Lines of a block, and the one of this thread.
  TENON_DEVICE static constexpr int lines() { return kThreads <= kWarp ? kBlock / kThreads : 1; }
  TENON_DEVICE static int64_t line() { return block_x() * lines() + thread_x() / kThreads; }

  TENON_DEVICE int number(int slot) const {
    return vector ? (slot / 4 * kThreads + thread) * 4 + slot % 4 : slot * kThreads + thread;
  }
  TENON_DEVICE bool has(int slot) const { return number(slot) < length; }

  template <class T>
  TENON_DEVICE void load(const T* from, int64_t step, float absent, float (&to)[kValues]) const {
    if (vector) {
      TENON_UNROLL
      for (int slot = 0; slot < kValues; slot += 4) {
        const int at = (slot / 4 * kThreads + thread) * 4;
        if (at < length) {
          load_four(from + at, to + slot);
        } else {
          TENON_UNROLL
          for (int j = 0; j < 4; ++j) to[slot + j] = absent;
        }
      }
    } else {
      TENON_UNROLL
      for (int slot = 0; slot < kValues; ++slot) {
        const int at = slot * kThreads + thread;
        to[slot] = at < length ? static_cast<float>(value_of(from[at * step])) : absent;
      }
    }
  }

  template <class T>
  TENON_DEVICE void store(T* to, int64_t step, const float (&from)[kValues]) const {
    if (vector) {
      TENON_UNROLL
      for (int slot = 0; slot < kValues; slot += 4) {
        const int at = (slot / 4 * kThreads + thread) * 4;
        if (at < length) store_four(to + at, from + slot);
      }
    } else {
      TENON_UNROLL
      for (int slot = 0; slot < kValues; ++slot) {
        const int at = slot * kThreads + thread;
        if (at < length) to[at * step] = element_of<T>(from[slot]);
      }
    }
  }

  template <class T>
  TENON_DEVICE void load_operand(const NormParams& p, int operand, int64_t at, float absent,
                                 float (&to)[kValues]) const {
    load(static_cast<const T*>(p.data[operand]) + at, p.line.strides[operand][0], absent, to);
  }
  template <class T>
  TENON_DEVICE void store_output(const NormParams& p, int64_t at,
                                 const float (&from)[kValues]) const {
    store(static_cast<T*>(p.data[kOutput]) + at, p.line.strides[kOutput][0], from);
  }
  // Weight or bias.
  template <class T>
  TENON_DEVICE void load_parameter(const NormParams& p, int operand, int64_t at,
                                   float (&to)[kValues]) const {
    const int64_t step = p.line.strides[operand][0];
    if (step == 0) {
      const float one = parameter<T>(p, operand, at);
      TENON_UNROLL
      for (int slot = 0; slot < kValues; ++slot) to[slot] = one;
    } else if (p.wide != 0) {
      load_operand<float>(p, operand, at, 0.0f, to);
    } else {
      load_operand<T>(p, operand, at, 0.0f, to);
    }
  }
};

template <int kValues>
TENON_DEVICE inline double sum_of(const float (&x)[kValues]) {
  double parts[4] = {};
  TENON_UNROLL
  for (int i = 0; i < kValues; ++i) parts[i % 4] += static_cast<double>(x[i]);
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

// Joins what the threads of one column have; they all get the result. threads_y is a power of two.
template <class A, class Join>
TENON_DEVICE A join_column(const A& mine, Join join) {
  A* slots = shared_memory<A>();  // [threads_y][threads_x]
  const int width = threads_x(), own = thread_y() * width + thread_x();
  slots[own] = mine;
  for (int half = threads_y() / 2; half > 0; half /= 2) {
    sync_block();
    if (thread_y() < half) slots[own] = join(slots[own], slots[own + half * width]);
  }
  sync_block();
  return slots[thread_x()];
}

}  // namespace tenon::cuda

// Threads and values of each: kernels/normalization.cpp chooses.
#define TENON_HELD(op, dtype, T, threads, values)                                            \
  TENON_KERNEL(op##_##dtype##_##threads##x##values, (threads) <= kWarp ? kBlock : (threads), \
               NormParams, op##_held<T, threads, values>)
#define TENON_HELD_LINES(op, dtype, T) \
  TENON_HELD(op, dtype, T, 8, 4)       \
  TENON_HELD(op, dtype, T, 32, 4)      \
  TENON_HELD(op, dtype, T, 32, 8)      \
  TENON_HELD(op, dtype, T, 32, 16)     \
  TENON_HELD(op, dtype, T, 128, 8)     \
  TENON_HELD(op, dtype, T, 256, 8)     \
  TENON_HELD(op, dtype, T, 256, 16)    \
  TENON_HELD(op, dtype, T, 512, 16)

#endif
