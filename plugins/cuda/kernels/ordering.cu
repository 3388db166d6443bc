// scan, sort, nonzero.
#include "device/indexing.h"
#include "device/ordering.h"
#include "device/reduction.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

// ---- scan ------------------------------------------------------------------------------------

// What values of a class are summed in.
template <class C>
struct Wide {
  using type = double;
};
template <>
struct Wide<int64_t> {
  using type = int64_t;
};
template <class T>
using Sum = typename Wide<Class<T>>::type;

template <class A>
TENON_DEVICE Joining<A> joining(const LineParams& p) {
  return {p.flag != 0 ? kReduceProd : kReduceSum};
}

// A thread a line.
template <class T>
TENON_DEVICE void scan_lines(const LineParams& p) {
  using A = Sum<T>;
  const int64_t line = global_thread();
  if (line >= p.lines) return;
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, line, at);
  const Joining<A> op = joining<A>(p);
  A sum = op.identity();
  for (int64_t j = 0; j < p.length; ++j) {
    const T x = static_cast<const T*>(p.in)[at[1] + j * p.steps[1]];
    sum = op.join(sum, static_cast<A>(value_of(x)));
    static_cast<T*>(p.out)[at[0] + j * p.steps[0]] = element_of<T>(cast<T, A>(sum));
  }
}

// A block a line, 256 values at a time.
template <class T>
TENON_DEVICE void scan_block(const LineParams& p) {
  using A = Sum<T>;
  A* sums = shared_memory<A>();
  int64_t at[3];
  triple_offsets(p.rank, p.shape, p.strides, block_x(), at);
  const Joining<A> op = joining<A>(p);
  const int self = thread_x(), threads = threads_x();
  A carried = op.identity();
  for (int64_t begin = 0; begin < p.length; begin += threads) {
    const int64_t j = begin + self;
    sums[self] = j < p.length
                     ? static_cast<A>(value_of(static_cast<const T*>(p.in)[at[1] + j * p.steps[1]]))
                     : op.identity();
    for (int by = 1; by < threads; by *= 2) {
      sync_block();
      const A left = self >= by ? sums[self - by] : op.identity();
      sync_block();
      sums[self] = op.join(left, sums[self]);
    }
    sync_block();
    const A sum = op.join(carried, sums[self]);
    carried = op.join(carried, sums[threads - 1]);
    if (j < p.length) {
      static_cast<T*>(p.out)[at[0] + j * p.steps[0]] = element_of<T>(cast<T, A>(sum));
    }
    sync_block();
  }
}

// ---- sort ------------------------------------------------------------------------------------

template <class T>
TENON_DEVICE void sort_keys(const SortParams& p) {
  const int64_t number = global_thread();
  const LineParams& l = p.line;
  if (number >= l.lines * l.length) return;
  const int64_t line = number / l.length, j = number % l.length;
  int64_t at[3];
  triple_offsets(l.rank, l.shape, l.strides, line, at);
  const uint64_t key = key_of(value_of(static_cast<const T*>(l.in)[at[1] + j * l.steps[1]]));
  p.items[number] = {l.flag != 0 ? ~key : key, j};
}

// Bitonic, within a tile of a line.
TENON_DEVICE void sort_one_tile(const SortParams& p) {
  SortItem* tile = shared_memory<SortItem>();
  const int64_t tiles = (p.line.length + kSortTile - 1) / kSortTile;
  const int64_t line = block_x() / tiles, begin = block_x() % tiles * kSortTile;
  SortItem* items = p.items + line * p.line.length;
  for (int i = thread_x(); i < kSortTile; i += threads_x()) {
    const bool inside = begin + i < p.line.length;
    tile[i] = inside ? items[begin + i] : SortItem{~uint64_t{0}, Range<int64_t>::high};
  }
  for (int size = 2; size <= kSortTile; size *= 2) {
    for (int step = size / 2; step > 0; step /= 2) {
      sync_block();
      for (int i = thread_x(); i < kSortTile; i += threads_x()) {
        const int other = i ^ step;
        if (other < i) continue;
        const bool ascending = (i & size) == 0;
        const SortItem a = tile[i], b = tile[other];
        if (before(b, a) == ascending) {
          tile[i] = b;
          tile[other] = a;
        }
      }
    }
  }
  sync_block();
  for (int i = thread_x(); i < kSortTile; i += threads_x()) {
    if (begin + i < p.line.length) items[begin + i] = tile[i];
  }
}

// Each item finds its place in the merged run: its own number plus its rank in the other run.
TENON_DEVICE void merge_runs(const SortParams& p) {
  const int64_t number = global_thread();
  const int64_t length = p.line.length;
  if (number >= p.line.lines * length) return;
  const int64_t base = number / length * length, j = number % length;
  const SortItem* items = p.items + base;
  const int64_t pair = j / (2 * p.width) * (2 * p.width);
  const int64_t middle = pair + p.width < length ? pair + p.width : length;
  const int64_t end = pair + 2 * p.width < length ? pair + 2 * p.width : length;
  const SortItem item = items[j];
  const int64_t place = j < middle ? j + rank_among(items, middle, end, item)
                                   : j - middle + pair + rank_among(items, pair, middle, item);
  p.other[base + place] = item;
}

template <class T>
TENON_DEVICE void sort_write(const SortParams& p) {
  const int64_t number = global_thread();
  const LineParams& l = p.line;
  if (number >= l.lines * l.length) return;
  const int64_t line = number / l.length, j = number % l.length;
  int64_t at[3];
  triple_offsets(l.rank, l.shape, l.strides, line, at);
  const int64_t from = p.items[number].at;
  l.indices[at[2] + j * l.steps[2]] = from;
  static_cast<T*>(l.out)[at[0] + j * l.steps[0]] =
      static_cast<const T*>(l.in)[at[1] + from * l.steps[1]];
}

// ---- nonzero ---------------------------------------------------------------------------------

TENON_DEVICE int64_t truth_at(const NonzeroParams& p, int64_t number) {
  return AnyTruth::load(p.in, offset_along(p.rank, p.shape, p.strides, number), p.dtype);
}

// Sum over the block of what each thread counted; `before_me` gets the sum of the threads before.
TENON_DEVICE int64_t block_sum(int64_t mine, int64_t* before_me) {
  int64_t* sums = shared_memory<int64_t>();
  const int self = thread_x(), threads = threads_x();
  sums[self] = mine;
  for (int by = 1; by < threads; by *= 2) {
    sync_block();
    const int64_t left = self >= by ? sums[self - by] : 0;
    sync_block();
    sums[self] += left;
  }
  sync_block();
  *before_me = sums[self] - mine;
  const int64_t all = sums[threads - 1];
  sync_block();
  return all;
}

TENON_DEVICE int64_t thread_count_nonzero(const NonzeroParams& p, int64_t begin, int64_t end) {
  int64_t mine = 0;
  for (int64_t i = begin; i < end; ++i) mine += truth_at(p, i);
  return mine;
}

// The part of a chunk that this thread looks at.
TENON_DEVICE void thread_part(const NonzeroParams& p, int64_t* begin, int64_t* end) {
  const int64_t each = kNonzeroChunk / threads_x();
  *begin = block_x() * kNonzeroChunk + thread_x() * each;
  *end = *begin + each < p.count ? *begin + each : p.count;
}

TENON_DEVICE void count_chunk(const NonzeroParams& p) {
  int64_t begin = 0, end = 0, before_me = 0;
  thread_part(p, &begin, &end);
  const int64_t all = block_sum(thread_count_nonzero(p, begin, end), &before_me);
  if (thread_x() == 0) p.counts[block_x()] = all;
}

// One block: counts become the number before each chunk, counts[chunks] that of all.
TENON_DEVICE void scan_counts(const NonzeroParams& p) {
  int64_t carried = 0;
  for (int64_t first = 0; first < p.chunks; first += threads_x()) {
    const int64_t chunk = first + thread_x();
    int64_t before_me = 0;
    const int64_t all = block_sum(chunk < p.chunks ? p.counts[chunk] : 0, &before_me);
    if (chunk < p.chunks) p.counts[chunk] = carried + before_me;
    carried += all;
  }
  if (thread_x() == 0) {
    p.counts[p.chunks] = carried;
    if (p.out != nullptr) *p.out = carried;
  }
}

TENON_DEVICE void write_positions(const NonzeroParams& p) {
  int64_t begin = 0, end = 0, before_me = 0;
  thread_part(p, &begin, &end);
  block_sum(thread_count_nonzero(p, begin, end), &before_me);
  int64_t place = p.counts[block_x()] + before_me;
  for (int64_t i = begin; i < end; ++i) {
    if (truth_at(p, i) == 0) continue;
    int64_t rest = i;
    for (int d = p.full_rank - 1; d >= 0; --d) {
      const int64_t above = rest / p.full_shape[d];
      p.out[place * p.out_strides[0] + d * p.out_strides[1]] = rest - above * p.full_shape[d];
      rest = above;
    }
    ++place;
  }
}

}  // namespace

#define TENON_LINES(name, T)                                      \
  TENON_KERNEL(scan_lines_##name, 256, LineParams, scan_lines<T>) \
  TENON_KERNEL(scan_block_##name, 256, LineParams, scan_block<T>) \
  TENON_KERNEL(sort_keys_##name, 256, SortParams, sort_keys<T>)
TENON_LINES(u8, uint8_t)
TENON_LINES(i8, int8_t)
TENON_LINES(i16, int16_t)
TENON_LINES(i32, int32_t)
TENON_LINES(i64, int64_t)
TENON_LINES(f16, Half)
TENON_LINES(bf16, BFloat16)
TENON_LINES(f32, float)
TENON_LINES(f64, double)
TENON_KERNEL(sort_keys_bool, 256, SortParams, sort_keys<Bool>)
TENON_KERNEL(sort_tiles, 256, SortParams, sort_one_tile)
TENON_KERNEL(sort_merge, 256, SortParams, merge_runs)
TENON_KERNEL(sort_write_1, 256, SortParams, sort_write<uint8_t>)
TENON_KERNEL(sort_write_2, 256, SortParams, sort_write<uint16_t>)
TENON_KERNEL(sort_write_4, 256, SortParams, sort_write<uint32_t>)
TENON_KERNEL(sort_write_8, 256, SortParams, sort_write<uint64_t>)
TENON_KERNEL(nonzero_count, 256, NonzeroParams, count_chunk)
TENON_KERNEL(nonzero_scan, 256, NonzeroParams, scan_counts)
TENON_KERNEL(nonzero_write, 256, NonzeroParams, write_positions)

}  // namespace tenon::cuda
