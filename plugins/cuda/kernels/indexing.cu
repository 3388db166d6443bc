// gather and scatter. No result depends on the order in which threads run.
#include "device/indexing.h"
#include "device/opcodes.h"
#include "device/packs.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <class T>
TENON_DEVICE void gather(const GatherParams& p) {
  const int64_t number = global_thread();
  if (number >= p.count) return;
  int64_t at[3];
  if (p.small != 0) {
    triple_offsets<uint32_t>(p.rank, p.shape, p.strides, number, at);
  } else {
    triple_offsets(p.rank, p.shape, p.strides, number, at);
  }
  const int64_t index = checked_index(p.index[at[1]], p.extent, p.fault, p.tag);
  static_cast<T*>(p.out)[at[0]] = static_cast<const T*>(p.in)[at[2] + index * p.step];
}

// bool: or; floats are rounded at each step.
template <class T>
TENON_DEVICE T added(T to, T value) {
  if constexpr (kSame<T, Bool>) {
    return Bool{static_cast<uint8_t>(to.byte != 0 || value.byte != 0)};
  } else {
    return element_of<T>(instruction<kAdd, T>(value_of(to), value_of(value), value_of(value)));
  }
}

// A thread a line, which it goes through in order.
template <class T, bool kAdds>
TENON_DEVICE void scatter_lines(const ScatterParams& p) {
  const int64_t line = global_thread();
  if (line >= p.lines) return;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, line, at);
  T* out = static_cast<T*>(p.out) + at[0];
  const int64_t* indices = p.index + at[1];
  const T* source = static_cast<const T*>(p.source) + at[2];
  for (int64_t j = 0; j < p.length; ++j) {
    const int64_t index = checked_index(indices[j * p.steps[1]], p.extent, p.fault, p.tag);
    T& to = out[index * p.steps[0]];
    const T value = source[j * p.steps[2]];
    if constexpr (kAdds) {
      to = added(to, value);
    } else {
      to = value;
    }
  }
}

// Few long lines, SET: first every value claims its place, the greatest position wins ...
TENON_DEVICE void claim_places(const ScatterParams& p) {
  const int64_t number = global_thread();
  if (number >= p.lines * p.length) return;
  const int64_t line = number / p.length, j = number % p.length;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, line, at);
  const int64_t index = checked_index(p.index[at[1] + j * p.steps[1]], p.extent, p.fault, p.tag);
  atomic_max(p.winners + line * p.extent + index, j);
}

// ... then the winners are stored.
template <class T>
TENON_DEVICE void scatter_store(const ScatterParams& p) {
  const int64_t number = global_thread();
  if (number >= p.lines * p.length) return;
  const int64_t line = number / p.length, j = number % p.length;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, line, at);
  const int64_t index = checked_index(p.index[at[1] + j * p.steps[1]], p.extent, p.fault, p.tag);
  if (p.winners[line * p.extent + index] != j) return;
  static_cast<T*>(p.out)[at[0] + index * p.steps[0]] =
      static_cast<const T*>(p.source)[at[2] + j * p.steps[2]];
}

// ADD by sorting: where each value goes, ...
TENON_DEVICE void place_items(const ScatterRunParams& r) {
  const ScatterParams& p = r.scatter;
  const int64_t number = global_thread();
  if (number >= r.sorted_lines * p.length) return;
  const int64_t line = number / p.length, j = number - line * p.length;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, line, at);
  const int64_t index = checked_index(p.index[at[1] + j * p.steps[1]], p.extent, p.fault, p.tag);
  r.items[number] = {static_cast<uint64_t>(index), j};
}

// ... and, the items being sorted, the sums of runs. Rows of threads take items, columns of threads
// the lines that an item serves, kWide at a time.
template <class T, int kWide>
TENON_DEVICE void scatter_runs(const ScatterRunParams& r) {
  using Wide = Pack<T, kWide>;
  constexpr int kAhead = 8;  // loads under way
  const ScatterParams& p = r.scatter;
  const int64_t rows = block_x() / r.chunks, chunk = block_x() - rows * r.chunks;
  const int64_t number = rows * threads_y() + thread_y();
  const int64_t column = chunk * threads_x() + thread_x();
  if (number >= r.sorted_lines * p.length || column >= r.columns) return;
  const int64_t line = number / p.length;
  int64_t j = number - line * p.length;
  const SortItem* items = r.items + line * p.length;
  const uint64_t key = items[j].key;
  if (j > 0 && items[j - 1].key == key) return;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, line + column, at);  // one of them is 0
  Wide& to = static_cast<Wide*>(p.out)[at[0] + static_cast<int64_t>(key) * p.steps[0]];
  const Wide* source = static_cast<const Wide*>(p.source) + at[2];
  Wide sum = to;
  for (int run = kAhead; run == kAhead; j += run) {
    Wide x[kAhead];
    run = 0;
    TENON_UNROLL
    for (int i = 0; i < kAhead; ++i) {
      if (j + i >= p.length || items[j + i].key != key) continue;
      x[i] = source[items[j + i].at * p.steps[2]];
      run = i + 1;
    }
    TENON_UNROLL
    for (int i = 0; i < kAhead; ++i) {
      if (i >= run) continue;
      for (int k = 0; k < kWide; ++k) sum.at[k] = added(sum.at[k], x[i].at[k]);
    }
  }
  to = sum;
}

}  // namespace

#define TENON_MOVES(bytes, T)                                                    \
  TENON_KERNEL(gather_##bytes, 256, GatherParams, gather<T>)                     \
  TENON_KERNEL(scatter_set_##bytes, 256, ScatterParams, scatter_lines<T, false>) \
  TENON_KERNEL(scatter_store_##bytes, 256, ScatterParams, scatter_store<T>)
TENON_MOVES(1, uint8_t)
TENON_MOVES(2, uint16_t)
TENON_MOVES(4, uint32_t)
TENON_MOVES(8, uint64_t)
TENON_KERNEL(gather_16, 256, GatherParams, gather<Pack<uint32_t, 4>>)
TENON_KERNEL(scatter_claim, 256, ScatterParams, claim_places)

TENON_KERNEL(scatter_keys, 256, ScatterRunParams, place_items)

#define TENON_ADDS(name, T)                                                    \
  TENON_KERNEL(scatter_add_##name, 256, ScatterParams, scatter_lines<T, true>) \
  TENON_KERNEL(scatter_runs_##name, 256, ScatterRunParams, scatter_runs<T, 1>)
#define TENON_WIDE_ADDS(name, T) \
  TENON_ADDS(name, T)            \
  TENON_KERNEL(scatter_runs_wide_##name, 256, ScatterRunParams, scatter_runs<T, 16 / sizeof(T)>)
TENON_ADDS(bool, Bool)
TENON_ADDS(u8, uint8_t)
TENON_ADDS(i8, int8_t)
TENON_ADDS(i16, int16_t)
TENON_ADDS(i32, int32_t)
TENON_ADDS(i64, int64_t)
TENON_WIDE_ADDS(f16, Half)
TENON_WIDE_ADDS(bf16, BFloat16)
TENON_WIDE_ADDS(f32, float)
TENON_WIDE_ADDS(f64, double)

}  // namespace tenon::cuda
