// Matrices of a product, how it is cut, and the products of packed operands.
#ifndef TENON_PLUGINS_CPU_KERNELS_MATMUL_PACKED_H
#define TENON_PLUGINS_CPU_KERNELS_MATMUL_PACKED_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../device.h"
#include "matmul_kernels.h"

namespace tenon::cpu {

// One matrix of a batch: pointer and strides in elements.
struct Matrix {
  std::byte* data;
  int64_t rows;
  int64_t columns;
  int64_t row_stride;
  int64_t column_stride;
};

inline Matrix transposed(const Matrix& x) {
  return {x.data, x.columns, x.rows, x.column_stride, x.row_stride};
}

// How one product of the batch is cut into tiles.
struct Tiling {
  int64_t rows, columns;  // of one tile
  int64_t across;         // tiles along the columns
  int64_t count;

  // Tiles are whole units of rows and columns.
  Tiling(int64_t m, int64_t n, int64_t k, int64_t row_unit = 16, int64_t column_unit = 32) {
    const double work = 2.0 * static_cast<double>(m) * static_cast<double>(n) *
                        static_cast<double>(std::max<int64_t>(k, 1));
    constexpr double kTileWork = 3e6;  // about 20 to 40 us
    double wanted = std::min(64.0, work / kTileWork);
    rows = m;
    columns = n;
    for (; wanted >= 2; wanted /= 2) {
      if (rows >= columns && rows >= 64) {
        rows = ((rows + 1) / 2 + row_unit - 1) / row_unit * row_unit;
      } else if (columns >= 64) {
        columns = ((columns + 1) / 2 + column_unit - 1) / column_unit * column_unit;
      }
    }
    across = (n + columns - 1) / columns;
    count = (m + rows - 1) / rows * across;
  }

  [[nodiscard]] Matrix tile(const Matrix& x, int64_t item, int64_t row, int64_t column,
                            int64_t height, int64_t width) const {
    return {x.data + (row * x.row_stride + column * x.column_stride) * item, height, width,
            x.row_stride, x.column_stride};
  }
};

// c = a b.
struct Factors {
  Matrix c, a, b;

  [[nodiscard]] Factors turned() const { return {transposed(c), transposed(b), transposed(a)}; }
};

// Whether and how a product of f32 is computed with a packed operand (matmul_kernels.h, note
// "Packed"): c = a b or, turned, the transposed of all three. Sizes and strides decide.
class PackedCut {
 public:
  PackedCut(const MatmulKernels& kernels, const Factors& f, int64_t batches)
      : kernels_(kernels), batches_(batches), tiling_(1, 1, 1) {
    const int64_t volume = f.c.rows * f.c.columns * f.a.columns;
    if (kernels.panel == 0 || volume <= kSmallVolume) return;
    const double straight = cost(f);
    const double other = cost(f.turned());
    const double ideal = static_cast<double>(volume) / static_cast<double>(kernels.panel);
    turned_ = other < straight;
    pays_ = std::min(straight, other) < kMostLoss * ideal;
    const Factors o = oriented(f);
    panels_ = (o.c.columns + kernels.panel - 1) / kernels.panel;
    depth_ = o.a.columns;
    tiling_ = Tiling(o.c.rows, o.c.columns, depth_, kernels.rows, kernels.panel);
  }

  static constexpr int64_t kSmallVolume = 32 * 32 * 32;

  [[nodiscard]] bool pays() const { return pays_; }
  [[nodiscard]] uint64_t workspace_bytes() const {
    return static_cast<uint64_t>(batches_ * matrix_floats()) * sizeof(float);
  }

  // factors(batch) answers the matrices of one product; bias: per column of c, or NULL.
  template <class F>
  void run(tn_device device, const F& factors, const float* bias, std::byte* workspace) const {
    float* packed = reinterpret_cast<float*>(workspace);
    if (tiling_.count == 1) {
      const int64_t volume = std::max<int64_t>(1, tiling_.rows * tiling_.columns * depth_);
      parallel_for(device->host, batches_, std::max<int64_t>(1, kWorkPerPart / volume),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) {
                       const Factors f = oriented(factors(i));
                       pack(f.b, 0, panels_, packed + i * matrix_floats());
                       multiply(f, 0, bias, packed + i * matrix_floats());
                     }
                   });
      return;
    }
    const int64_t grain = std::max<int64_t>(1, kFloatsPerPart / (depth_ * kernels_.panel));
    parallel_for(device->host, batches_ * panels_, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        pack(oriented(factors(i / panels_)).b, i % panels_, i % panels_ + 1,
             packed + i / panels_ * matrix_floats());
      }
    });
    parallel_for(device->host, batches_ * tiling_.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t batch = i / tiling_.count;
        multiply(oriented(factors(batch)), i % tiling_.count, bias,
                 packed + batch * matrix_floats());
      }
    });
  }

 private:
  static constexpr double kMostLoss = 1.5;
  static constexpr int64_t kWorkPerPart = 1'000'000;
  static constexpr int64_t kFloatsPerPart = 32 * 1024;

  [[nodiscard]] Factors oriented(const Factors& f) const { return turned_ ? f.turned() : f; }
  [[nodiscard]] int64_t matrix_floats() const { return panels_ * depth_ * kernels_.panel; }

  // Steps of two vectors of columns; what is copied or turned over counts as measured.
  [[nodiscard]] double cost(const Factors& f) const {
    if (f.c.column_stride != 1 && f.c.row_stride != 1) return 1e300;
    const auto count = [](int64_t rows, int64_t columns) {
      return static_cast<double>(rows) * static_cast<double>(columns);
    };
    constexpr double kCopied = 0.1;
    constexpr double kTurned = 0.4;
    const int64_t panels = (f.c.columns + kernels_.panel - 1) / kernels_.panel;
    return count(f.c.rows, panels) * static_cast<double>(f.a.columns) +
           count(f.b.rows, f.b.columns) * (f.b.column_stride == 1 ? kCopied : kTurned) +
           count(f.a.rows, f.a.columns) * kCopied +
           (f.c.column_stride == 1 ? 0 : kTurned * count(f.c.rows, f.c.columns));
  }

  void pack(const Matrix& b, int64_t first, int64_t last, float* packed) const {
    const int64_t column = first * kernels_.panel;
    const int64_t columns = std::min(last * kernels_.panel, b.columns) - column;
    kernels_.pack_panels(reinterpret_cast<const float*>(b.data) + column * b.column_stride,
                         b.row_stride, b.column_stride, depth_, columns, packed + column * depth_);
  }

  void multiply(const Factors& f, int64_t tile, const float* bias, const float* packed) const {
    const int64_t row = tile / tiling_.across * tiling_.rows;
    const int64_t column = tile % tiling_.across * tiling_.columns;
    const int64_t bias_row = turned_ ? 1 : 0;
    const int64_t bias_column = turned_ ? 0 : 1;
    kernels_.packed_product(
        {std::min(tiling_.rows, f.c.rows - row), std::min(tiling_.columns, f.c.columns - column),
         depth_, reinterpret_cast<const float*>(f.a.data) + row * f.a.row_stride, f.a.row_stride,
         f.a.column_stride, packed + column * depth_,
         reinterpret_cast<float*>(f.c.data) + row * f.c.row_stride + column * f.c.column_stride,
         f.c.row_stride, f.c.column_stride,
         bias == nullptr ? nullptr : bias + row * bias_row + column * bias_column, bias_row,
         bias_column});
  }

  const MatmulKernels& kernels_;
  int64_t batches_;
  Tiling tiling_;
  bool turned_ = false;
  bool pays_ = false;
  int64_t panels_ = 0;
  int64_t depth_ = 0;
};

}  // namespace tenon::cpu

#endif
