#include <algorithm>

#include "../block.h"

namespace tenon::reference {
namespace {

constexpr int64_t kColumns = kBlock;

// Strides of the last two dimensions, in bytes.
struct Matrix {
  const tn_tensor* tensor;
  std::byte* data;
  int64_t row;
  int64_t column;

  Matrix(const Operand& o, int64_t offset) : tensor(o.tensor) {
    const int64_t size = support::dtype_size(o.tensor->dtype);
    data = o.data + offset * size;
    row = o.tensor->strides[o.tensor->rank - 2] * size;
    column = o.tensor->strides[o.tensor->rank - 1] * size;
  }
};

// Columns [begin, begin + n) of one row of the product.
template <class T>
void multiply_row(const Matrix& out, const Matrix& a, const Matrix& b, int64_t i, int64_t depth,
                  int64_t begin, int64_t n) {
  using V = std::conditional_t<support::kIsReal<T>, double, uint64_t>;
  V sums[kColumns] = {};
  for (int64_t k = 0; k < depth; ++k) {
    const V x = static_cast<V>(support::load<T>(a.data + i * a.row + k * a.column));
    const std::byte* p = b.data + k * b.row + begin * b.column;
    for (int64_t j = 0; j < n; ++j, p += b.column)
      sums[j] += x * static_cast<V>(support::load<T>(p));
  }
  Block wide{}, rounded;
  for (int64_t j = 0; j < n; ++j) {
    if constexpr (support::kIsReal<T>) {
      wide.real[j] = sums[j];
    } else {
      wide.whole[j] = static_cast<int64_t>(sums[j]);
    }
  }
  const uint32_t dtype = out.tensor->dtype;
  cast(support::kIsReal<T> ? TN_DTYPE_F64 : TN_DTYPE_I64, wide, dtype, rounded, n);
  std::byte* to = out.data + i * out.row + begin * out.column;
  for (int64_t j = 0; j < n; ++j, to += out.column) {
    if constexpr (support::kIsReal<T>) {
      support::store<T>(to, rounded.real[j]);
    } else {
      support::store<T>(to, rounded.whole[j]);
    }
  }
}

class Matmul : public Kernel {
 public:
  using Kernel::Kernel;
  void run(const Call& call) const override {
    const tn_tensor &out = *call.operands[0].tensor, &a = *call.operands[1].tensor;
    const uint32_t batch_dims = (1u << (out.rank - 2)) - 1;
    const tn_tensor batch[] = {with_dims(out, batch_dims), with_dims(a, batch_dims),
                               with_dims(*call.operands[2].tensor, batch_dims)};
    const plugin::Walk<3> batches({&batch[0], &batch[1], &batch[2]});
    const int64_t rows = out.shape[out.rank - 2], columns = out.shape[out.rank - 1];
    const int64_t depth = a.shape[a.rank - 1];
    const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, columns * depth));
    call.host.parallel_for(batches.count() * rows, grain, [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r) {
        batches.run(r / rows, r / rows + 1, [&](int64_t, const auto& offsets, int64_t) {
          const Matrix to(call.operands[0], offsets[0]), left(call.operands[1], offsets[1]),
              right(call.operands[2], offsets[2]);
          for (int64_t j = 0; j < columns; j += kColumns) {
            support::visit_dtype(dtype(0), [&]<class T>() {
              multiply_row<T>(to, left, right, r % rows, depth, j, std::min(kColumns, columns - j));
            });
          }
        });
      }
    });
  }
};

std::string refuse_matmul(const plugin::Signature& s) {
  const bool one_dtype = s.dtype(0) == s.dtype(1) && s.dtype(0) == s.dtype(2);
  const bool one_rank = s.rank(0) == s.rank(1) && s.rank(0) == s.rank(2) && s.rank(0) >= 2;
  if (!one_dtype || !one_rank) return "matmul: operands must have one dtype and one rank >= 2";
  return s.dtype(0) == TN_DTYPE_BOOL ? "matmul: not defined for bool" : "";
}

constexpr Operator kOperators[] = {
    {TN_OP_MATMUL, 3, 1, 0, refuse_matmul, make_kernel<Matmul>},
};

}  // namespace

std::span<const Operator> matmul_operators() { return kOperators; }

}  // namespace tenon::reference
