// matmul: batched strided matrix products
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "blocks.h"

namespace tenon::cpu {
namespace {

// One matrix of a batch: pointer and strides in elements.
struct Matrix {
  std::byte* data;
  int64_t rows;
  int64_t columns;
  int64_t row_stride;
  int64_t column_stride;
};

// The batch dimensions of an operand, flattened by index.
int64_t batch_offset(const tn_tensor& t, int64_t index) {
  int64_t offset = 0;
  for (uint32_t d = t.rank - 2; d-- > 0;) {
    offset += index % t.shape[d] * t.strides[d];
    index /= t.shape[d];
  }
  return offset;
}

Matrix matrix_of(const tn_tensor& t, int64_t batch) {
  const uint32_t r = t.rank - 2;
  return {data_of(t) + batch_offset(t, batch) * dtype_size(t.dtype), t.shape[r], t.shape[r + 1],
          t.strides[r], t.strides[r + 1]};
}

template <class T>
using sum_t = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;

// Rows [begin, end) of out = a b, any strides: a block of columns is summed up in wide
// accumulators.
template <class T>
void plain_product(const Matrix& out, const Matrix& a, const Matrix& b, int64_t begin,
                   int64_t end) {
  using Value = compute_t<T>;
  using Sum = sum_t<Value>;
  constexpr int64_t kColumns = 64;
  const T* pa = reinterpret_cast<const T*>(a.data);
  const T* pb = reinterpret_cast<const T*>(b.data);
  T* pc = reinterpret_cast<T*>(out.data);
  Sum sums[kColumns];
  for (int64_t i = begin; i < end; ++i) {
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

class MatmulKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& a = *launch.operands[1];
    const tn_tensor& b = *launch.operands[2];
    const int64_t m = out.shape[out.rank - 2];
    const int64_t n = out.shape[out.rank - 1];
    const int64_t k = a.shape[a.rank - 1];
    if (element_count(out) == 0) return TN_OK;
    const int64_t rows = element_count(out) / n;
    const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, n * k));
    parallel_for(device->host, rows, grain, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t batch = begin / m;
        const int64_t stop = std::min(end, (batch + 1) * m);
        visit_dtype(out.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          plain_product<T>(matrix_of(out, batch), matrix_of(a, batch), matrix_of(b, batch),
                           begin - batch * m, stop - batch * m);
        });
        begin = stop;
      }
    });
    return TN_OK;
  }
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

std::unique_ptr<Kernel> prepare_matmul(tn_device device, const tn_signature&) {
  return std::make_unique<MatmulKernel>(device);
}

constexpr Operator kOperators[] = {{TN_OP_MATMUL, refuse_matmul, prepare_matmul}};

}  // namespace

std::span<const Operator> matmul_operators() { return kOperators; }

}  // namespace tenon::cpu
