// matmul: batched strided matrix products.
//
// f32 and f64 go to OpenBLAS in tiles whose cut depends on sizes only, so that the bits do not
// depend on the number of threads; small f32 products and other dtypes have kernels of their own.
#include <cblas.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "../kernel.h"
#include "blocks.h"
#include "matmul_packed.h"

// The archive's thread count at load time, instead of its own function (--wrap): no threads.
extern "C" int __wrap_openblas_num_threads_env();
extern "C" int __wrap_openblas_num_threads_env() { return 1; }

namespace tenon::cpu {
namespace {

constexpr int64_t kPackedSmall = 4096;  // elements of b that fit on the stack

int64_t batch_offset(const tn_tensor& t, int64_t index) {
  int64_t offset = 0;
  for (uint32_t d = t.rank - 2; d-- > 0;) {
    offset += index % t.shape[d] * t.strides[d];
    index /= t.shape[d];
  }
  return offset;
}

// The matrices of a tensor, possibly packed into dense memory.
struct Batch {
  const tn_tensor* tensor;
  std::byte* packed;  // or NULL

  [[nodiscard]] Matrix at(int64_t index) const {
    const tn_tensor& t = *tensor;
    const uint32_t r = t.rank - 2;
    const int64_t rows = t.shape[r];
    const int64_t columns = t.shape[r + 1];
    if (packed != nullptr) {
      return {packed + index * rows * columns * dtype_size(t.dtype), rows, columns, columns, 1};
    }
    return {data_of(t) + batch_offset(t, index) * dtype_size(t.dtype), rows, columns, t.strides[r],
            t.strides[r + 1]};
  }
};

// A matrix that BLAS can address: one stride is 1, the other a leading dimension.
bool is_blas_matrix(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
  const bool by_row = (column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1);
  const bool by_column = (row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1);
  return by_row || by_column;
}

bool is_blas_matrix(const tn_tensor& t) {
  const uint32_t r = t.rank - 2;
  return is_blas_matrix(t.shape[r], t.shape[r + 1], t.strides[r], t.strides[r + 1]);
}

struct BlasView {
  CBLAS_TRANSPOSE transpose;
  blasint leading;
};

BlasView blas_view(const Matrix& x) {
  const bool by_row =
      (x.column_stride == 1 || x.columns == 1) && (x.row_stride >= x.columns || x.rows == 1);
  const int64_t leading = by_row ? (x.rows == 1 ? x.columns : x.row_stride)
                                 : (x.columns == 1 ? x.rows : x.column_stride);
  return {by_row ? CblasNoTrans : CblasTrans, static_cast<blasint>(std::max<int64_t>(leading, 1))};
}

template <class T>
void blas_product(Matrix c, Matrix a, Matrix b) {
  if (blas_view(c).transpose == CblasTrans) {
    std::swap(a, b);
    a = transposed(a);
    b = transposed(b);
    c = transposed(c);
  }
  const BlasView va = blas_view(a);
  const BlasView vb = blas_view(b);
  const auto product = [&] {
    if constexpr (std::is_same_v<T, float>) {
      return &cblas_sgemm;
    } else {
      return &cblas_dgemm;
    }
  }();
  product(CblasRowMajor, va.transpose, vb.transpose, static_cast<blasint>(c.rows),
          static_cast<blasint>(c.columns), static_cast<blasint>(a.columns), T{1},
          reinterpret_cast<const T*>(a.data), va.leading, reinterpret_cast<const T*>(b.data),
          vb.leading, T{0}, reinterpret_cast<T*>(c.data), blas_view(c).leading);
}

// Small f32 products: b's rows are made dense when they are not.
void small_f32_product(const MatmulKernels& kernels, const Matrix& c, const Matrix& a,
                       const Matrix& b) {
  alignas(64) float packed[kPackedSmall];
  const float* pb = reinterpret_cast<const float*>(b.data);
  int64_t b_row = b.row_stride;
  if (b.column_stride != 1 && b.columns != 1) {
    for (int64_t k = 0; k < b.rows; ++k) {
      for (int64_t j = 0; j < b.columns; ++j) {
        packed[k * b.columns + j] = pb[k * b.row_stride + j * b.column_stride];
      }
    }
    pb = packed;
    b_row = b.columns;
  }
  kernels.small_product({c.rows, c.columns, a.columns, reinterpret_cast<const float*>(a.data),
                         a.row_stride, a.column_stride, pb, b_row, reinterpret_cast<float*>(c.data),
                         c.row_stride, nullptr});
}

template <class T>
using sum_t = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;

// out = a b with any strides: a block of columns is summed up in wide accumulators.
template <class T>
void plain_product(const Matrix& out, const Matrix& a, const Matrix& b) {
  using Value = compute_t<T>;
  using Sum = sum_t<Value>;
  constexpr int64_t kColumns = 64;
  const T* pa = reinterpret_cast<const T*>(a.data);
  const T* pb = reinterpret_cast<const T*>(b.data);
  T* pc = reinterpret_cast<T*>(out.data);
  Sum sums[kColumns];
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t j0 = 0; j0 < out.columns; j0 += kColumns) {
      const int64_t n = std::min(kColumns, out.columns - j0);
      std::fill(sums, sums + n, Sum{0});
      for (int64_t k = 0; k < a.columns; ++k) {
        const Sum x = static_cast<Sum>(to_compute(pa[i * a.row_stride + k * a.column_stride]));
        const T* row = pb + k * b.row_stride + j0 * b.column_stride;
        for (int64_t j = 0; j < n; ++j) {
          sums[j] += x * static_cast<Sum>(to_compute(row[j * b.column_stride]));
        }
      }
      for (int64_t j = 0; j < n; ++j) {
        pc[i * out.row_stride + (j0 + j) * out.column_stride] =
            to_storage<T>(static_cast<Value>(sums[j]));
      }
    }
  }
}

// y = x w^T + bias, tiles fixed by sizes. Rows of x and w are dense.
class LinearKernel final : public Kernel {
 public:
  LinearKernel(tn_device d, bool has_bias) : Kernel(d), has_bias_(has_bias) {}

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const PackedCut cut(*device->tables.matmul, factors(operands), 1);
    return cut.pays() ? cut.workspace_bytes() : 0;
  }

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& y = *launch.operands[0];
    const tn_tensor& x = *launch.operands[1];
    const int64_t rows = y.shape[0];
    const int64_t columns = y.shape[1];
    const int64_t depth = x.shape[1];
    if (rows * columns == 0) return TN_OK;
    const Factors product = factors(launch.operands);
    const PackedCut cut(*device->tables.matmul, product, 1);
    if (cut.pays()) {
      cut.run(
          device, [&](int64_t) { return product; },
          has_bias_ ? data_of<const float>(*launch.operands[3]) : nullptr, launch.workspace);
      return TN_OK;
    }
    const Tiling tiling(rows, columns, depth);
    parallel_for(device->host, tiling.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t row = task / tiling.across * tiling.rows;
        const int64_t column = task % tiling.across * tiling.columns;
        tile({std::min(tiling.rows, rows - row), std::min(tiling.columns, columns - column), depth,
              data_of<const float>(x) + row * depth, depth, 1,
              data_of<const float>(*launch.operands[2]) + column * depth, depth,
              data_of<float>(y) + row * columns + column, columns,
              has_bias_ ? data_of<const float>(*launch.operands[3]) + column : nullptr});
      }
    });
    return TN_OK;
  }

 private:
  static Factors factors(const tn_tensor* const* operands) {
    const tn_tensor& y = *operands[0];
    const tn_tensor& x = *operands[1];
    const int64_t rows = y.shape[0], columns = y.shape[1], depth = x.shape[1];
    return {{data_of(y), rows, columns, columns, 1},
            {data_of(x), rows, depth, depth, 1},
            {data_of(*operands[2]), depth, columns, 1, depth}};
  }

  static constexpr int64_t kOwnDepth = 1024;
  static constexpr int64_t kOwnColumns = 256;

  void tile(const SmallProduct& p) const {
    if (p.m <= 2 || (p.k <= kOwnDepth && p.n <= kOwnColumns)) {
      return device->tables.matmul->row_products(p);
    }
    for (int64_t i = 0; i < p.m && p.bias != nullptr; ++i) {
      std::memcpy(p.c + i * p.c_row, p.bias, static_cast<size_t>(p.n) * sizeof(float));
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(p.m),
                static_cast<blasint>(p.n), static_cast<blasint>(p.k), 1.0f, p.a,
                static_cast<blasint>(p.a_row), p.b, static_cast<blasint>(p.b_row),
                p.bias != nullptr ? 1.0f : 0.0f, p.c, static_cast<blasint>(p.c_row));
  }

  bool has_bias_;
};

class MatmulKernel final : public Kernel {
 public:
  MatmulKernel(tn_device d, uint32_t dtype)
      : Kernel(d), blas_(dtype == TN_DTYPE_F32 || dtype == TN_DTYPE_F64) {}

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    if (element_count(*operands[0]) == 0) return 0;
    const PackedCut cut = packed_cut(operands);
    if (cut.pays()) return cut.workspace_bytes();
    return packed_bytes(*operands[1]) + packed_bytes(*operands[2]);
  }

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    if (element_count(out) == 0) return TN_OK;
    const PackedCut cut = packed_cut(launch.operands);
    if (cut.pays()) {
      cut.run(
          device, [&](int64_t batch) { return factors(launch.operands, batch); }, nullptr,
          launch.workspace);
      return TN_OK;
    }
    const Batch c{&out, nullptr};
    const Batch a = packed(*launch.operands[1], launch.workspace);
    const Batch b =
        packed(*launch.operands[2], launch.workspace + packed_bytes(*launch.operands[1]));
    const int64_t m = out.shape[out.rank - 2];
    const int64_t n = out.shape[out.rank - 1];
    const int64_t k = launch.operands[1]->shape[out.rank - 1];
    const int64_t batches = element_count(out) / (m * n);
    const Tiling tiling(m, n, k);
    const int64_t volume = std::max<int64_t>(1, tiling.rows * tiling.columns * k);
    const int64_t grain = std::max<int64_t>(1, 1'000'000 / volume);
    parallel_for(device->host, batches * tiling.count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t batch = task / tiling.count;
        run_tile(out.dtype, tiling, task % tiling.count, c.at(batch), a.at(batch), b.at(batch));
      }
    });
    return TN_OK;
  }

 private:
  static Factors factors(const tn_tensor* const* operands, int64_t batch) {
    return {Batch{operands[0], nullptr}.at(batch), Batch{operands[1], nullptr}.at(batch),
            Batch{operands[2], nullptr}.at(batch)};
  }
  [[nodiscard]] PackedCut packed_cut(const tn_tensor* const* operands) const {
    const tn_tensor& out = *operands[0];
    const int64_t matrix = out.shape[out.rank - 2] * out.shape[out.rank - 1];
    return {out.dtype == TN_DTYPE_F32 ? *device->tables.matmul : kNoKernels, factors(operands, 0),
            element_count(out) / matrix};
  }

  static constexpr MatmulKernels kNoKernels{};

  [[nodiscard]] bool needs_packing(const tn_tensor& t) const { return blas_ && !is_blas_matrix(t); }
  [[nodiscard]] uint64_t packed_bytes(const tn_tensor& t) const {
    if (!needs_packing(t)) return 0;
    return (static_cast<uint64_t>(element_count(t) * dtype_size(t.dtype)) + 63) / 64 * 64;
  }

  [[nodiscard]] Batch packed(const tn_tensor& t, std::byte* memory) const {
    if (!needs_packing(t)) return {&t, nullptr};
    const Layout layout = collapse(t);
    const int64_t item = dtype_size(t.dtype);
    parallel_for(device->host, element_count(t), 16384, [&](int64_t begin, int64_t end) {
      gather_block(*device->tables.elementwise, t.dtype, data_of(t), layout, begin, end - begin,
                   memory + begin * item);
    });
    return {&t, memory};
  }

  void run_tile(uint32_t dtype, const Tiling& tiling, int64_t index, const Matrix& c,
                const Matrix& a, const Matrix& b) const {
    const int64_t item = dtype_size(dtype);
    const int64_t row = index / tiling.across * tiling.rows;
    const int64_t column = index % tiling.across * tiling.columns;
    const int64_t height = std::min(tiling.rows, c.rows - row);
    const int64_t width = std::min(tiling.columns, c.columns - column);
    const Matrix tc = tiling.tile(c, item, row, column, height, width);
    const Matrix ta = tiling.tile(a, item, row, 0, height, a.columns);
    const Matrix tb = tiling.tile(b, item, 0, column, b.rows, width);
    product(dtype, tc, ta, tb);
  }

  void product(uint32_t dtype, const Matrix& c, const Matrix& a, const Matrix& b) const {
    const bool addressable =
        blas_ && a.columns > 0 && is_blas_matrix(c.rows, c.columns, c.row_stride, c.column_stride);
    const int64_t volume = c.rows * c.columns * a.columns;
    if (dtype == TN_DTYPE_F32 && volume <= PackedCut::kSmallVolume &&
        b.rows * b.columns <= kPackedSmall && (c.column_stride == 1 || c.columns == 1)) {
      return small_f32_product(*device->tables.matmul, c, a, b);
    }
    if (addressable && dtype == TN_DTYPE_F32) return blas_product<float>(c, a, b);
    if (addressable && dtype == TN_DTYPE_F64) return blas_product<double>(c, a, b);
    visit_dtype(dtype, [&](auto tag) { plain_product<typename decltype(tag)::type>(c, a, b); });
  }

  bool blas_;
};

Refusal refuse_matmul(const tn_signature& s) {
  if (!has_operands(s, 3)) return "matmul takes out, a, b";
  const uint32_t dtype = operand_dtype(s, 0);
  if (dtype == TN_DTYPE_BOOL) return "matmul is not defined for bool";
  if (operand_dtype(s, 1) != dtype || operand_dtype(s, 2) != dtype) {
    return "matmul takes operands of one dtype";
  }
  return TN_CLASS_RANK(s.classes[0]) >= 2 ? "" : "matmul takes matrices";
}

Refusal refuse_linear(const tn_signature& s) {
  if (s.operand_count < 3 || s.operand_count > 4) return "linear takes y, x, w and bias or none";
  for (uint32_t i = 0; i < s.operand_count; ++i) {
    if (operand_dtype(s, i) != TN_DTYPE_F32) return "only f32 is served directly";
    if (TN_CLASS_RANK(s.classes[i]) != (i == 3 ? 1u : 2u)) return "linear takes matrices";
  }
  return {};
}

void one_blas_thread() {
  static std::once_flag once;
  std::call_once(once, [] { openblas_set_num_threads(1); });
}

std::unique_ptr<Kernel> prepare_linear(tn_device device, const tn_signature& s) {
  one_blas_thread();
  return std::make_unique<LinearKernel>(device, s.operand_count == 4);
}

std::unique_ptr<Kernel> prepare_matmul(tn_device device, const tn_signature& s) {
  one_blas_thread();
  return std::make_unique<MatmulKernel>(device, operand_dtype(s, 0));
}

constexpr Operator kOperators[] = {{TN_OP_MATMUL, refuse_matmul, prepare_matmul},
                                   {"linear", refuse_linear, prepare_linear, true}};

}  // namespace

std::span<const Operator> matmul_operators() { return kOperators; }

}  // namespace tenon::cpu
