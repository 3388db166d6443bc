// Builds a MatmulKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_MATMUL_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_MATMUL_BLOCKS_H

#include <type_traits>

#include "../simd.h"
#include "matmul_kernels.h"
#include "matmul_packed_blocks.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Registers: kTileRows x 2 accumulators, 2 columns of b and a broadcast element.
inline constexpr int kTileRows = kVectorBytes == 64 ? 12 : kVectorBytes == 32 ? 6 : 4;

// Rows [0, kRows) x the first `n` <= kVectors * kLanes columns.
template <int kRows, int kVectors, bool kWhole>
void product_tile(const SmallProduct& p, const float* a, const float* b, float* c,
                  const float* bias, int n) {
  Float sums[kRows][kVectors];
  const int last = n - (kVectors - 1) * kLanes;
  const auto load_row = [&](const float* from, int v) {
    if constexpr (kWhole) {
      return load(from + v * kLanes);
    } else {
      return v + 1 < kVectors ? load(from + v * kLanes) : load_part(from + v * kLanes, last);
    }
  };
  for (int v = 0; v < kVectors; ++v) {
    const Float start = bias == nullptr ? Float{} : load_row(bias, v);
    for (int i = 0; i < kRows; ++i) sums[i][v] = start;
  }
  for (int64_t k = 0; k < p.k; ++k) {
    Float row[kVectors];
    for (int v = 0; v < kVectors; ++v) row[v] = load_row(b + k * p.b_row, v);
    for (int i = 0; i < kRows; ++i) {
      const Float x = splat(a[i * p.a_row + k * p.a_column]);
      for (int v = 0; v < kVectors; ++v) sums[i][v] = multiply_add(x, row[v], sums[i][v]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      float* to = c + i * p.c_row + v * kLanes;
      if (kWhole || v + 1 < kVectors) {
        store(to, sums[i][v]);
      } else {
        store_part(to, sums[i][v], last);
      }
    }
  }
}

using TileFunction = void (*)(const SmallProduct&, const float*, const float*, float*, const float*,
                              int);

template <int kVectors, bool kWhole, int... kRows>
constexpr TileFunction tile_for(int rows) {
  TileFunction found = nullptr;
  ((rows == kRows ? void(found = &product_tile<kRows, kVectors, kWhole>) : void()), ...);
  return found;
}

template <int kVectors, bool kWhole>
TileFunction choose_tile(int rows) {
  if constexpr (kTileRows == 12) {
    return tile_for<kVectors, kWhole, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>(rows);
  } else {
    return tile_for<kVectors, kWhole, 1, 2, 3, 4, 5, 6>(rows);
  }
}

inline void small_product(const SmallProduct& p) {
  constexpr int kColumns = 2 * kLanes;
  for (int64_t j = 0; j < p.n; j += kColumns) {
    const int n = static_cast<int>(p.n - j < kColumns ? p.n - j : kColumns);
    for (int64_t i = 0; i < p.m; i += kTileRows) {
      const int rows = static_cast<int>(p.m - i < kTileRows ? p.m - i : kTileRows);
      TileFunction tile;
      if (n == kColumns) {
        tile = choose_tile<2, true>(rows);
      } else if (n > kLanes) {
        tile = choose_tile<2, false>(rows);
      } else {
        tile = choose_tile<1, false>(rows);
      }
      tile(p, p.a + i * p.a_row, p.b + j, p.c + i * p.c_row + j,
           p.bias == nullptr ? nullptr : p.bias + j, n);
    }
  }
}

// kRows rows of a against kColumns rows of b.
template <int kRows, int kColumns>
void dot_tile(const SmallProduct& p, const float* a, const float* b, float* c, const float* bias) {
  Float sums[kRows][kColumns] = {};
  const int64_t whole = p.k / kLanes * kLanes;
  const int rest = static_cast<int>(p.k - whole);
  const auto step = [&](auto read) {
    Float x[kRows];
    for (int i = 0; i < kRows; ++i) x[i] = read(a + i * p.a_row);
    for (int j = 0; j < kColumns; ++j) {
      const Float y = read(b + j * p.b_row);
      for (int i = 0; i < kRows; ++i) sums[i][j] = multiply_add(x[i], y, sums[i][j]);
    }
  };
  for (int64_t k = 0; k < whole; k += kLanes) {
    step([k](const float* from) { return load(from + k); });
  }
  if (rest != 0) step([whole, rest](const float* from) { return load_part(from + whole, rest); });
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      c[i * p.c_row + j] = sum_lanes(sums[i][j]) + (bias == nullptr ? 0.0f : bias[j]);
    }
  }
}

inline void row_products(const SmallProduct& p) {
  constexpr int kRows = kVectorBytes == 64 ? 4 : 2;
  constexpr int kColumns = 4;
  int64_t i = 0;
  const auto columns = [&](auto rows) {
    constexpr int kCount = decltype(rows)::value;
    int64_t j = 0;
    const float* a = p.a + i * p.a_row;
    float* c = p.c + i * p.c_row;
    const auto bias = [&](int64_t at) { return p.bias == nullptr ? nullptr : p.bias + at; };
    for (; j + kColumns <= p.n; j += kColumns) {
      dot_tile<kCount, kColumns>(p, a, p.b + j * p.b_row, c + j, bias(j));
    }
    for (; j < p.n; ++j) dot_tile<kCount, 1>(p, a, p.b + j * p.b_row, c + j, bias(j));
  };
  for (; i + kRows <= p.m; i += kRows) columns(std::integral_constant<int, kRows>{});
  for (; i < p.m; ++i) columns(std::integral_constant<int, 1>{});
}

// Without fused operations in registers OpenBLAS is the better choice.
inline constexpr bool kPacks = kVectorBytes > 16;
inline constexpr MatmulKernels kMatmulKernels = {
    kPacks ? kPanel : 0, kPackedRows, &pack_panels, &packed_product, &small_product, &row_products};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
