// gather and scatter. No result depends on the order in which threads run.
#include "device/indexing.h"
#include "device/opcodes.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <class T>
TENON_DEVICE void gather(const GatherParams& p) {
  const int64_t number = global_thread();
  if (number >= p.count) return;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, number, at);
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

}  // namespace

#define TENON_MOVES(bytes, T)                                                    \
  TENON_KERNEL(gather_##bytes, 256, GatherParams, gather<T>)                     \
  TENON_KERNEL(scatter_set_##bytes, 256, ScatterParams, scatter_lines<T, false>) \
  TENON_KERNEL(scatter_store_##bytes, 256, ScatterParams, scatter_store<T>)
TENON_MOVES(1, uint8_t)
TENON_MOVES(2, uint16_t)
TENON_MOVES(4, uint32_t)
TENON_MOVES(8, uint64_t)
TENON_KERNEL(scatter_claim, 256, ScatterParams, claim_places)

TENON_KERNEL(scatter_add_bool, 256, ScatterParams, scatter_lines<Bool, true>)
TENON_KERNEL(scatter_add_u8, 256, ScatterParams, scatter_lines<uint8_t, true>)
TENON_KERNEL(scatter_add_i8, 256, ScatterParams, scatter_lines<int8_t, true>)
TENON_KERNEL(scatter_add_i16, 256, ScatterParams, scatter_lines<int16_t, true>)
TENON_KERNEL(scatter_add_i32, 256, ScatterParams, scatter_lines<int32_t, true>)
TENON_KERNEL(scatter_add_i64, 256, ScatterParams, scatter_lines<int64_t, true>)
TENON_KERNEL(scatter_add_f16, 256, ScatterParams, scatter_lines<Half, true>)
TENON_KERNEL(scatter_add_bf16, 256, ScatterParams, scatter_lines<BFloat16, true>)
TENON_KERNEL(scatter_add_f32, 256, ScatterParams, scatter_lines<float, true>)
TENON_KERNEL(scatter_add_f64, 256, ScatterParams, scatter_lines<double, true>)

}  // namespace tenon::cuda
