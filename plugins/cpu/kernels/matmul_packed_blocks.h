// Products of a packed right operand; see matmul_kernels.h, note "Packed".
#ifndef TENON_PLUGINS_CPU_KERNELS_MATMUL_PACKED_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_MATMUL_PACKED_BLOCKS_H

#include "../simd.h"
#include "lanes_blocks.h"
#include "matmul_kernels.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Registers: kPackedRows x 2 accumulators, 2 columns of b and an element of a.
inline constexpr int kPackedRows = kVectorBytes == 64 ? 14 : kVectorBytes == 32 ? 6 : 4;
inline constexpr int kPanel = 2 * kLanes;
inline constexpr int64_t kDepth = 256;  // of a block: a panel's part stays in the first-level cache
inline constexpr int64_t kRowPitch = kDepth + 16;  // no two rows in the same cache sets

// ---- packing b ----

inline void pack_panel_rows(const float* b, int64_t b_row, int64_t k, int columns, float* to) {
  const int last = columns % kLanes;
  for (int64_t i = 0; i < k; ++i, b += b_row, to += kPanel) {
    if (columns == kPanel) {
      store(to, load(b));
      store(to + kLanes, load(b + kLanes));
    } else if (columns >= kLanes) {
      store(to, load(b));
      store(to + kLanes, last == 0 ? Float{} : load_part(b + kLanes, last));
    } else {
      store(to, load_part(b, last));
      store(to + kLanes, Float{});
    }
  }
}

// Columns are dense: blocks of kLanes x kLanes are turned over.
inline void pack_panel_columns(const float* b, int64_t b_column, int64_t k, int columns,
                               float* to) {
  for (int half = 0; half < 2; ++half) {
    for (int64_t i = 0; i < k; i += kLanes) {
      const int depth = static_cast<int>(k - i < kLanes ? k - i : kLanes);
      Float rows[kLanes];
      for (int j = 0; j < kLanes; ++j) {
        const int column = half * kLanes + j;
        const float* from = b + column * b_column + i;
        rows[j] = column >= columns ? Float{}
                  : depth == kLanes ? load(from)
                                    : load_part(from, depth);
      }
      transpose(rows);
      for (int d = 0; d < kLanes; ++d) {
        if (d < depth) store(to + (i + d) * kPanel + half * kLanes, rows[d]);
      }
    }
  }
}

inline void pack_panels(const float* b, int64_t b_row, int64_t b_column, int64_t k, int64_t n,
                        float* packed) {
  for (int64_t j = 0; j < n; j += kPanel, packed += k * kPanel) {
    const int columns = static_cast<int>(n - j < kPanel ? n - j : kPanel);
    const float* from = b + j * b_column;
    if (b_column == 1) {
      pack_panel_rows(from, b_row, k, columns, packed);
    } else if (b_row == 1) {
      pack_panel_columns(from, b_column, k, columns, packed);
    } else {
      for (int64_t i = 0; i < k; ++i) {
        for (int c = 0; c < kPanel; ++c) {
          packed[i * kPanel + c] = c < columns ? from[i * b_row + c * b_column] : 0.0f;
        }
      }
    }
  }
}

// ---- the rows of a that a tile reads, copied beside each other ----

// Row by row, kRowPitch apart.
inline void copy_rows(const float* a, int64_t a_row, int64_t rows, int64_t k, float* to) {
  for (int64_t i = 0; i < rows; ++i, a += a_row, to += kRowPitch) {
    int64_t j = 0;
    for (; j + kLanes <= k; j += kLanes) store(to + j, load(a + j));
    if (j < k) {
      store(to + j, load_part(a + j, static_cast<int>(k - j)));
    }
  }
}

// The rows' elements beside each other, kLanes apart.
inline void copy_columns(const float* a, int64_t a_row, int64_t a_column, int64_t rows, int64_t k,
                         float* to) {
  if (a_row == 1) {
    for (int64_t j = 0; j < k; ++j, a += a_column, to += kLanes) {
      store(to, load_part(a, static_cast<int>(rows)));
    }
    return;
  }
  for (int64_t j = 0; j < k; ++j, a += a_column, to += kLanes) {
    for (int64_t i = 0; i < rows; ++i) to[i] = a[i * a_row];
  }
}

// ---- one tile ----

// Where kRows x kPanel sums go.
struct TileTarget {
  float* c;
  int64_t row, column;            // strides
  int columns;                    // <= kPanel
  bool adds;                      // to what is there
  const float* bias;              // of the tile, or NULL: where it starts
  int64_t bias_row, bias_column;  // one is 1, the other 0
};

// Sums that lie in memory, to any layout.
inline void finish_tile(const float* sums, int rows, const TileTarget& t) {
  if (t.column == 1) {
    for (int i = 0; i < rows; ++i) {
      float* to = t.c + i * t.row;
      for (int j = 0; j < t.columns; ++j) to[j] = sums[i * kPanel + j] + (t.adds ? to[j] : 0.0f);
    }
    return;
  }
  for (int half = 0; half < 2; ++half) {
    const int columns = t.columns - half * kLanes;
    Float block[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      block[i] = i < rows ? load(sums + i * kPanel + half * kLanes) : Float{};
    }
    transpose(block);
    for (int j = 0; j < kLanes; ++j) {
      if (j >= columns) continue;
      float* to = t.c + (half * kLanes + j) * t.column;
      store_part(to, t.adds ? block[j] + load_part(to, rows) : block[j], rows);
    }
  }
}

// kRow and kStep: distance of rows and of neighbours in a row of the copied a.
template <int kRows, int64_t kRow, int64_t kStep>
void packed_tile(int64_t k, const float* a, const float* b, const TileTarget& t) {
  Float sums[kRows][2] = {};
  for (int64_t i = 0; i < k; ++i, a += kStep, b += kPanel) {
    const Float b0 = load(b);
    const Float b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Float x = splat(a[r * kRow]);
      sums[r][0] = multiply_add(x, b0, sums[r][0]);
      sums[r][1] = multiply_add(x, b1, sums[r][1]);
    }
  }
  if (t.bias != nullptr) {
    alignas(kVectorBytes) float by_column[kPanel] = {};
    float by_row[kRows] = {};
    for (int j = 0; j < t.columns && t.bias_column != 0; ++j) by_column[j] = t.bias[j];
    for (int r = 0; r < kRows && t.bias_row != 0; ++r) by_row[r] = t.bias[r];
    const Float c0 = load(by_column);
    const Float c1 = load(by_column + kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      sums[r][0] += c0 + splat(by_row[r]);
      sums[r][1] += c1 + splat(by_row[r]);
    }
  }
  if (t.column == 1 && t.columns == kPanel) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      float* to = t.c + r * t.row;
      store(to, t.adds ? sums[r][0] + load(to) : sums[r][0]);
      store(to + kLanes, t.adds ? sums[r][1] + load(to + kLanes) : sums[r][1]);
    }
    return;
  }
  alignas(kVectorBytes) float memory[kRows * kPanel];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    store(memory + r * kPanel, sums[r][0]);
    store(memory + r * kPanel + kLanes, sums[r][1]);
  }
  finish_tile(memory, kRows, t);
}

using PackedTile = void (*)(int64_t, const float*, const float*, const TileTarget&);

template <int64_t kRow, int64_t kStep, size_t... kRows>
constexpr PackedTile packed_tile_for(int64_t rows, std::index_sequence<kRows...>) {
  PackedTile found = nullptr;
  ((rows == static_cast<int64_t>(kRows + 1)
        ? void(found = &packed_tile<static_cast<int>(kRows + 1), kRow, kStep>)
        : void()),
   ...);
  return found;
}

// All panels of c for rows of a that were copied.
inline void packed_rows(const PackedProduct& p, PackedTile tile, const float* a, int64_t row,
                        int64_t depth, int64_t k) {
  for (int64_t j = 0; j < p.n; j += kPanel) {
    const int columns = static_cast<int>(p.n - j < kPanel ? p.n - j : kPanel);
    const float* bias =
        p.bias == nullptr || depth > 0 ? nullptr : p.bias + row * p.bias_row + j * p.bias_column;
    tile(k, a, p.b + j * p.k + depth * kPanel,
         {p.c + row * p.c_row + j * p.c_column, p.c_row, p.c_column, columns, depth > 0, bias,
          p.bias_row, p.bias_column});
  }
}

inline void packed_product(const PackedProduct& p) {
  constexpr auto kRows = std::make_index_sequence<kPackedRows>{};
  alignas(64) float
      copied[kPackedRows * kRowPitch > kDepth * kLanes ? kPackedRows * kRowPitch : kDepth * kLanes];
  for (int64_t depth = 0; depth < p.k; depth += kDepth) {
    const int64_t k = p.k - depth < kDepth ? p.k - depth : kDepth;
    for (int64_t row = 0; row < p.m; row += kPackedRows) {
      const int64_t rows = p.m - row < kPackedRows ? p.m - row : kPackedRows;
      const float* a = p.a + row * p.a_row + depth * p.a_column;
      if (p.a_column == 1) {
        copy_rows(a, p.a_row, rows, k, copied);
        packed_rows(p, packed_tile_for<kRowPitch, 1>(rows, kRows), copied, row, depth, k);
      } else {
        copy_columns(a, p.a_row, p.a_column, rows, k, copied);
        packed_rows(p, packed_tile_for<1, kLanes>(rows, kRows), copied, row, depth, k);
      }
    }
  }
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
