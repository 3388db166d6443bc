// Parameters of scan, sort and nonzero, and the keys that sort compares.
#ifndef TENON_PLUGINS_CUDA_DEVICE_ORDERING_H
#define TENON_PLUGINS_CUDA_DEVICE_ORDERING_H

#include "device/values.h"

namespace tenon::cuda {

// Lines along one dimension.
struct LineParams {
  int64_t lines, length;
  int32_t rank;
  uint32_t flag;  // scan: product; sort: descending
  int64_t shape[kMaxRank];
  int64_t strides[3][kMaxRank];  // of out, in, (sort) indices
  int64_t steps[3];              // along the dimension
  void* out;
  const void* in;
  int64_t* indices;
};

// A value of a line on its way through sort: `key` orders as the values do, `at` breaks ties.
struct SortItem {
  uint64_t key;
  int64_t at;
};

inline constexpr int kSortTile = 512;  // items that one block sorts

struct SortParams {
  LineParams line;
  SortItem* items;  // [lines][length]
  SortItem* other;
  int64_t width;  // of the sorted runs that are merged
};

TENON_HD inline bool before(const SortItem& a, const SortItem& b) {
  return a.key < b.key || (a.key == b.key && a.at < b.at);
}

// A key that orders unsigned as the values do: NaN above all, -0 as +0.
TENON_HD inline uint64_t key_of(int64_t x) {
  return static_cast<uint64_t>(x) ^ (uint64_t{1} << 63);
}
TENON_HD inline uint64_t key_of(double x) {
  if (x != x) return ~uint64_t{0};
  const uint64_t bits = bits_as<uint64_t>(x == 0 ? 0.0 : x);
  return bits >> 63 != 0 ? ~bits : bits | uint64_t{1} << 63;
}
TENON_HD inline uint64_t key_of(float x) { return key_of(static_cast<double>(x)); }

// Where `item` goes among the sorted items [begin, end): the number of those before it.
TENON_HD inline int64_t rank_among(const SortItem* items, int64_t begin, int64_t end,
                                   const SortItem& item) {
  const int64_t first = begin;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    if (before(items[middle], item)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin - first;
}

inline constexpr int kNonzeroChunk = 1024;  // elements that one block looks at

struct NonzeroParams {
  int64_t count, chunks;
  int32_t rank;  // collapsed
  uint32_t dtype;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];
  const void* in;
  int64_t* counts;  // [chunks + 1]: of each chunk; after the scan, before each chunk
  int64_t* out;     // the count, or [n][full_rank]
  int64_t out_strides[2];
  int32_t full_rank;
  uint32_t reserved;
  int64_t full_shape[kMaxRank];
};

}  // namespace tenon::cuda

#endif
