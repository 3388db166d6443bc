// reduce: a warp a segment where a row lies dense, else 32 rows a block.
#include "device/reduction.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

TENON_DEVICE inline double lane_exchange(double x, int mask) { return shuffle_xor(x, mask); }
TENON_DEVICE inline int64_t lane_exchange(int64_t x, int mask) { return shuffle_xor(x, mask); }
template <class A>
TENON_DEVICE Found<A> lane_exchange(Found<A> x, int mask) {
  return {shuffle_xor(x.value, mask), shuffle_xor(x.index, mask)};
}

template <class Reducer, class Load>
TENON_DEVICE void reduce_rows(const ReduceParams& p) {
  const Reducer reducer{p.kind};
  const int lane = thread_x() % kWarp;
  const int64_t number = global_thread() / kWarp;
  if (number >= p.rows * p.segments) return;  // a whole warp
  const int64_t row = number / p.segments, segment = number % p.segments;
  const int64_t base = offset_along(p.row_rank, p.row_shape, p.row_strides[1], row);
  auto sum = lane_result<Reducer, Load>(p, reducer, base, segment, lane);
  for (int mask = kLanes / 2; mask > 0; mask /= 2) {
    sum = reducer.join(sum, lane_exchange(sum, mask));
  }
  if (lane == 0) leave(p, row, segment, sum);
}

// Neighbouring threads take neighbouring rows; a thread takes every threads_y-th lane of its row.
template <class Reducer, class Load>
TENON_DEVICE void reduce_columns(const ReduceParams& p) {
  using A = typename Reducer::Accumulator;
  const Reducer reducer{p.kind};
  A(*lanes)[kLanes] = shared_memory<A[kLanes]>();  // [lane][row]
  const int64_t groups = (p.rows + kLanes - 1) / kLanes;
  const int64_t row = block_x() % groups * kLanes + thread_x(), segment = block_x() / groups;
  const int step = threads_y();
  if (row < p.rows) {
    const int64_t base = offset_along(p.row_rank, p.row_shape, p.row_strides[1], row);
    for (int lane = thread_y(); lane < kLanes; lane += step) {
      lanes[lane][thread_x()] = lane_result<Reducer, Load>(p, reducer, base, segment, lane);
    }
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    sync_block();
    if (row >= p.rows) continue;
    for (int lane = thread_y(); lane < half; lane += step) {
      lanes[lane][thread_x()] =
          reducer.join(lanes[lane][thread_x()], lanes[lane + half][thread_x()]);
    }
  }
  if (row < p.rows && thread_y() == 0) leave(p, row, segment, lanes[0][thread_x()]);
}

}  // namespace

#define TENON_REDUCE(name, ...)                                                 \
  TENON_KERNEL(reduce_rows_##name, 256, ReduceParams, reduce_rows<__VA_ARGS__>) \
  TENON_KERNEL(reduce_columns_##name, 256, ReduceParams, reduce_columns<__VA_ARGS__>)

TENON_REDUCE(f16, Joining<double>, LoadAs<Half, double>)
TENON_REDUCE(bf16, Joining<double>, LoadAs<BFloat16, double>)
TENON_REDUCE(f32, Joining<double>, LoadAs<float, double>)
TENON_REDUCE(f64, Joining<double>, LoadAs<double, double>)
TENON_REDUCE(whole, Joining<int64_t>, LoadWhole)
TENON_REDUCE(truth, Joining<int64_t>, LoadTruth)
TENON_REDUCE(find_real, Finding<double>, LoadFound<LoadReal, double>)
TENON_REDUCE(find_whole, Finding<int64_t>, LoadFound<LoadWhole, int64_t>)
TENON_REDUCE(again_find_real, Finding<double>, LoadAgain<Found<double>>)
TENON_REDUCE(again_find_whole, Finding<int64_t>, LoadAgain<Found<int64_t>>)

}  // namespace tenon::cuda
