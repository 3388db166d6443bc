// copy: strided copy with cast
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "blocks.h"
#include "elementwise_vm_slots.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainBytes = 128 * 1024;
constexpr int64_t kBlock = 1024;

// Values of the same width move as bits.
uint32_t bits_dtype(uint32_t dtype) {
  switch (dtype_size(dtype)) {
    case 1:
      return TN_DTYPE_U8;
    case 2:
      return TN_DTYPE_I16;
    case 4:
      return TN_DTYPE_I32;
    default:
      return TN_DTYPE_I64;
  }
}

// A plane whose rows are dense in `out` and whose columns are dense in `in`; other dimensions
// outside.
struct Transposition {
  int64_t rows, columns;
  int64_t out_row;    // stride of a row in out; its columns have stride 1
  int64_t in_column;  // stride of a column in in; its rows have stride 1
  Layout out_outer;
  Layout in_outer;
  int64_t count = 1;  // planes
};

// Whether the copy is such a transposition.
bool find_transposition(const tn_tensor& out, const tn_tensor& in, Transposition* t) {
  int row = -1;
  int column = -1;
  for (int d = 0; d < static_cast<int>(out.rank); ++d) {
    if (out.shape[d] == 1) continue;
    if (out.strides[d] == 1) column = d;
    if (in.strides[d] == 1) row = d;
  }
  if (row < 0 || column < 0 || row == column) return false;
  t->rows = out.shape[row];
  t->columns = out.shape[column];
  t->out_row = out.strides[row];
  t->in_column = in.strides[column];
  int64_t shape[TN_MAX_RANK];
  int64_t out_strides[TN_MAX_RANK];
  int64_t in_strides[TN_MAX_RANK];
  int rank = 0;
  for (int d = 0; d < static_cast<int>(out.rank); ++d) {
    if (d == row || d == column) continue;
    shape[rank] = out.shape[d];
    out_strides[rank] = out.strides[d];
    in_strides[rank++] = in.strides[d];
    t->count *= out.shape[d];
  }
  t->out_outer = collapse(rank, shape, out_strides);
  t->in_outer = collapse(rank, shape, in_strides);
  return t->rows >= 8 && t->columns >= 8;
}

constexpr int64_t kTile = 16;
constexpr int64_t kTurnTile = 64;  // of elements of 4 bytes, which are turned in registers

// Rows [begin, end) of one plane through square tiles, so that whole cache lines are used.
template <class T>
void transpose_rows(const Transposition& t, T* out, const T* in, int64_t begin, int64_t end) {
  T tile[kTile][kTile];
  for (int64_t i0 = begin; i0 < end; i0 += kTile) {
    const int64_t rows = std::min(kTile, end - i0);
    for (int64_t j0 = 0; j0 < t.columns; j0 += kTile) {
      const int64_t columns = std::min(kTile, t.columns - j0);
      for (int64_t j = 0; j < columns; ++j) {
        const T* from = in + (j0 + j) * t.in_column + i0;
        for (int64_t i = 0; i < rows; ++i) tile[i][j] = from[i];
      }
      for (int64_t i = 0; i < rows; ++i) {
        std::copy(tile[i], tile[i] + columns, out + (i0 + i) * t.out_row + j0);
      }
    }
  }
}

void turn_rows(const ElementwiseKernels& kernels, const Transposition& t, float* out,
               const float* in, int64_t begin, int64_t end) {
  for (int64_t j = 0; j < t.columns; j += kTurnTile) {
    kernels.turn(out + begin * t.out_row + j, t.out_row, in + j * t.in_column + begin, t.in_column,
                 end - begin, std::min(kTurnTile, t.columns - j));
  }
}

class CopyKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& in = *launch.operands[1];
    const int64_t count = element_count(out);
    if (count == 0) return TN_OK;
    const Layout to = collapse(out);
    const Layout from = collapse(in);
    Transposition plane;
    if (out.dtype == in.dtype && count >= kBlock && find_transposition(out, in, &plane)) {
      transpose(plane, out, in);
      return TN_OK;
    }
    const int64_t grain = kGrainBytes / dtype_size(out.dtype);
    parallel_for(device->host, count, grain, [&](int64_t begin, int64_t end) {
      if (out.dtype == in.dtype && to.is_dense() && from.is_dense()) {
        const int64_t item = dtype_size(out.dtype);
        copy_dense(data_of(out) + begin * item, data_of(in) + begin * item, (end - begin) * item,
                   is_streamed(count * item));
      } else {
        copy_blocks(out, to, in, from, begin, end);
      }
    });
    return TN_OK;
  }

 private:
  void copy_dense(std::byte* out, const std::byte* in, int64_t size_bytes, bool streams) const {
    if (streams) {
      device->tables.elementwise->stream(out, in, size_bytes);
    } else {
      std::memmove(out, in, static_cast<size_t>(size_bytes));
    }
  }

  void transpose(const Transposition& t, const tn_tensor& out, const tn_tensor& in) const {
    const int64_t height = dtype_size(out.dtype) == 4 ? kTurnTile : kTile;
    const int64_t strips = (t.rows + height - 1) / height;
    const int64_t strip_bytes = height * t.columns * dtype_size(out.dtype);
    const int64_t grain = std::max<int64_t>(1, kGrainBytes / (4 * strip_bytes));
    parallel_for(device->host, t.count * strips, grain, [&](int64_t begin, int64_t end) {
      visit_width(out.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (int64_t task = begin; task < end; ++task) {
          const int64_t row = task % strips * height;
          const int64_t row_end = std::min(t.rows, row + height);
          T* to = data_of<T>(out) + RunCursor(t.out_outer, task / strips).offset();
          const T* from = data_of<const T>(in) + RunCursor(t.in_outer, task / strips).offset();
          if constexpr (sizeof(T) == 4) {
            turn_rows(*device->tables.elementwise, t, reinterpret_cast<float*>(to),
                      reinterpret_cast<const float*>(from), row, row_end);
          } else {
            transpose_rows(t, to, from, row, row_end);
          }
        }
      });
    });
  }

  void copy_blocks(const tn_tensor& out, const Layout& to, const tn_tensor& in, const Layout& from,
                   int64_t begin, int64_t end) const {
    const ElementwiseKernels& kernels = *device->tables.elementwise;
    alignas(64) std::byte values[kBlock * 8];
    alignas(64) std::byte converted[kBlock * 8];
    const bool same = out.dtype == in.dtype;
    const uint32_t in_dtype = same ? bits_dtype(in.dtype) : in.dtype;
    const uint32_t out_dtype = same ? in_dtype : out.dtype;
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t n = std::min(kBlock, end - at);
      gather_block(kernels, in_dtype, data_of(in), from, at, n, values);
      const std::byte* result = values;
      if (!same) {
        kernels.cast[in.dtype][out.dtype](converted, values, nullptr, nullptr, n);
        result = converted;
      }
      scatter_block(kernels, out_dtype, data_of(out), to, at, n, result);
    }
  }
};

Refusal refuse_copy(const tn_signature& s) {
  return has_operands(s, 2) ? "" : "copy takes one output and one input";
}

std::unique_ptr<Kernel> prepare_copy(tn_device device, const tn_signature&) {
  return std::make_unique<CopyKernel>(device);
}

constexpr Operator kOperators[] = {{TN_OP_COPY, refuse_copy, prepare_copy}};

}  // namespace

std::span<const Operator> view_operators() { return kOperators; }

}  // namespace tenon::cpu
