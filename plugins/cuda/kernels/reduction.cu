// reduce: where a row lies dense a warp, or a part of one, takes a segment, or a block takes a row;
// else a block takes some neighbouring rows. All three walk the same tree.
#include "device/reduction.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <class A>
TENON_DEVICE A lane_exchange(A x, int mask) {
  return shuffle_xor(x, mask);
}
template <class A>
TENON_DEVICE Found<A> lane_exchange(Found<A> x, int mask) {
  return {shuffle_xor(x.value, mask), shuffle_xor(x.index, mask)};
}

// Over `lanes` neighbouring lanes; the result is the first one's. All lanes of the warp take part.
template <class Reducer>
TENON_DEVICE typename Reducer::Accumulator join_lanes(const Reducer& reducer,
                                                      typename Reducer::Accumulator sum,
                                                      int lanes) {
  for (int mask = lanes / 2; mask > 0; mask /= 2) {
    sum = reducer.join(sum, lane_exchange(sum, mask));
  }
  return sum;
}

TENON_DEVICE int64_t row_offset(const ReduceParams& p, int64_t row) {
  return offset_along(p.row_rank, p.row_shape, p.row_strides[1], row);
}

template <class A>
TENON_DEVICE void leave_segment(const ReduceParams& p, int64_t row, int64_t segment, A value) {
  if (p.segments == 1) {
    leave(p, row, value);
  } else {
    static_cast<A*>(p.partial)[row * p.segments + segment] = value;
  }
}

template <class Reducer, class Source>
TENON_DEVICE void reduce_rows(const ReduceParams& p) {
  const Reducer reducer{p.kind};
  const int lanes = 1 << p.lane_bits, lane = thread_x() & (lanes - 1);
  const int64_t number = global_thread() >> p.lane_bits;
  const bool live = number < p.rows * p.segments;
  int64_t row = number, segment = 0;
  if (p.segments > 1) {
    row = number / p.segments;
    segment = number - row * p.segments;
  }
  auto sum = reducer.identity();
  if (live) sum = lane_result<true, Reducer, Source>(p, reducer, row_offset(p, row), segment, lane);
  sum = join_lanes(reducer, sum, lanes);
  if (live && lane == 0) leave_segment(p, row, segment, sum);
}

// At most kBlockSegments segments.
template <class Reducer, class Source>
TENON_DEVICE void reduce_block(const ReduceParams& p) {
  using A = typename Reducer::Accumulator;
  const Reducer reducer{p.kind};
  A* results = shared_memory<A>();
  const int lane = thread_x() % kWarp, warps = threads_x() / kWarp;
  const int segments = static_cast<int>(p.segments);
  const int64_t row = block_x(), base = row_offset(p, row);
  for (int segment = thread_x() / kWarp; segment < segments; segment += warps) {
    A sum = lane_result<true, Reducer, Source>(p, reducer, base, segment, lane);
    sum = join_lanes(reducer, sum, kLanes);
    if (lane == 0) results[segment] = sum;
  }
  sync_block();
  if (thread_x() >= kWarp) return;
  const A sum = join_lanes(reducer, lane_of_results(reducer, results, segments, lane), kLanes);
  if (lane == 0) leave(p, row, sum);
}

// Neighbouring threads take neighbouring rows; a thread takes every threads_y-th lane of its row.
template <class Reducer, class Source>
TENON_DEVICE void reduce_columns(const ReduceParams& p) {
  using A = typename Reducer::Accumulator;
  const Reducer reducer{p.kind};
  const int width = threads_x(), step = threads_y();
  A* lanes = shared_memory<A>() + thread_x();  // [lane][row]
  const int64_t groups = (p.rows + width - 1) / width;
  const int64_t segment = block_x() / groups;
  const int64_t row = (block_x() - segment * groups) * width + thread_x();
  if (row < p.rows) {
    const int64_t base = row_offset(p, row);
    for (int lane = thread_y(); lane < kLanes; lane += step) {
      lanes[lane * width] = lane_result<false, Reducer, Source>(p, reducer, base, segment, lane);
    }
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    sync_block();
    if (row >= p.rows) continue;
    for (int lane = thread_y(); lane < half; lane += step) {
      lanes[lane * width] = reducer.join(lanes[lane * width], lanes[(lane + half) * width]);
    }
  }
  if (row < p.rows && thread_y() == 0) leave_segment(p, row, segment, lanes[0]);
}

}  // namespace

#define TENON_REDUCE_DENSE(name, ...)                                           \
  TENON_KERNEL(reduce_rows_##name, 256, ReduceParams, reduce_rows<__VA_ARGS__>) \
  TENON_KERNEL(reduce_block_##name, 256, ReduceParams, reduce_block<__VA_ARGS__>)
#define TENON_REDUCE(name, ...)         \
  TENON_REDUCE_DENSE(name, __VA_ARGS__) \
  TENON_KERNEL(reduce_columns_##name, 256, ReduceParams, reduce_columns<__VA_ARGS__>)

#define TENON_REDUCE_TYPE(name, T, Wide, C)                           \
  TENON_REDUCE(sum_##name, Joining<Wide, kReduceSum>, Typed<T, Wide>) \
  TENON_REDUCE(max_##name, Joining<C, kReduceMax>, Typed<T, C>)       \
  TENON_REDUCE(min_##name, Joining<C, kReduceMin>, Typed<T, C>)       \
  TENON_REDUCE(find_##name, Finding<C>, Typed<T, C>)

TENON_REDUCE_TYPE(f16, Half, double, float)
TENON_REDUCE_TYPE(bf16, BFloat16, double, float)
TENON_REDUCE_TYPE(f32, float, double, float)
TENON_REDUCE_TYPE(f64, double, double, double)
TENON_REDUCE_TYPE(i64, int64_t, int64_t, int64_t)
TENON_REDUCE(any_bool, Joining<int64_t, kReduceAny>, TypedTruth)
TENON_REDUCE(all_bool, Joining<int64_t, kReduceAll>, TypedTruth)

TENON_REDUCE(real, Joining<double>, AnyReal)
TENON_REDUCE(whole, Joining<int64_t>, AnyWhole)
TENON_REDUCE(truth, Joining<int64_t>, AnyTruth)
TENON_REDUCE(find_whole, Finding<int64_t>, AnyWhole)
TENON_REDUCE_DENSE(again_f32, Finding<float>, Again<Found<float>>)
TENON_REDUCE_DENSE(again_f64, Finding<double>, Again<Found<double>>)
TENON_REDUCE_DENSE(again_i64, Finding<int64_t>, Again<Found<int64_t>>)

}  // namespace tenon::cuda
