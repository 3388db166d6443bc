// gather, scatter, nonzero.
#include <string>

#include "../block.h"

namespace tenon::reference {
namespace {

// Element `i` (row-major) of shape `shape` has these coordinates.
struct Coordinates {
  int64_t at[TN_MAX_RANK];

  Coordinates(const tn_tensor& shape, int64_t i) {
    for (uint32_t d = shape.rank; d-- > 0; i /= shape.shape[d]) at[d] = i % shape.shape[d];
  }
};

std::byte* address(const Operand& o, const Coordinates& c) {
  int64_t offset = 0;
  for (uint32_t d = 0; d < o.tensor->rank; ++d) offset += c.at[d] * o.tensor->strides[d];
  return o.data + offset * support::dtype_size(o.tensor->dtype);
}

int64_t checked_index(const char* op, const Operand& index, const Coordinates& c, int64_t extent,
                      uint32_t dim) {
  const int64_t value = support::load<int64_t>(address(index, c));
  if (value >= 0 && value < extent) return value;
  throw plugin::Status(TN_INDEX_ERROR, std::string(op) + ": index " + std::to_string(value) +
                                           " is out of range for dimension " + std::to_string(dim) +
                                           " of size " + std::to_string(extent));
}

class Indexed : public Kernel {
 public:
  explicit Indexed(const plugin::Signature& s)
      : Kernel(s), dim_(static_cast<uint32_t>(s.attributes()[0])) {}

 protected:
  uint32_t dim_;
};

class Gather : public Indexed {
 public:
  using Indexed::Indexed;
  void run(const Call& call) const override {
    const Operand &out = call.operands[0], &in = call.operands[1], &index = call.operands[2];
    const auto size = static_cast<size_t>(support::dtype_size(dtype(0)));
    const int64_t count = plugin::element_count(*out.tensor);
    call.host.parallel_for(count, 4096, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        Coordinates c(*out.tensor, i);
        std::byte* to = address(out, c);
        c.at[dim_] = checked_index("gather", index, c, in.tensor->shape[dim_], dim_);
        std::memcpy(to, address(in, c), size);
      }
    });
  }
};

class Scatter : public Indexed {
 public:
  explicit Scatter(const plugin::Signature& s) : Indexed(s), mode_(s.attributes()[1]) {}

  void run(const Call& call) const override {
    const Operand &out = call.operands[0], &index = call.operands[1], &source = call.operands[2];
    const int64_t count = plugin::element_count(*source.tensor);
    for (int64_t i = 0; i < count; ++i) {
      Coordinates c(*source.tensor, i);
      const std::byte* from = address(source, c);
      c.at[dim_] = checked_index("scatter", index, c, out.tensor->shape[dim_], dim_);
      put(address(out, c), from);
    }
  }

 private:
  void put(std::byte* to, const std::byte* from) const {
    support::visit_dtype(dtype(0), [&]<class T>() {
      if (mode_ == TN_SCATTER_SET) {
        std::memcpy(to, from, sizeof(T));
      } else if constexpr (support::kIsReal<T>) {
        const double sum = support::load<T>(to) + support::load<T>(from);
        support::store<T>(to, round_to(dtype(0), sum));
      } else {
        const auto sum = static_cast<uint64_t>(support::load<T>(to)) +
                         static_cast<uint64_t>(support::load<T>(from));  // bool: or
        support::store<T>(to, static_cast<int64_t>(sum));
      }
    });
  }

  int64_t mode_;
};

std::string refuse_indexed(const plugin::Signature& s, uint32_t index, uint32_t data) {
  const int64_t dim = s.attributes()[0];
  if (s.dtype(index) != TN_DTYPE_I64) return "the index must be i64";
  if (s.dtype(0) != s.dtype(data)) return "operands must have one dtype";
  if (s.rank(0) != s.rank(1) || s.rank(0) != s.rank(2)) return "operands must have one rank";
  return dim >= 0 && dim < s.rank(0) ? "" : "dim is out of range";
}

std::string refuse_gather(const plugin::Signature& s) { return refuse_indexed(s, 2, 1); }

std::string refuse_scatter(const plugin::Signature& s) {
  const int64_t mode = s.attributes()[1];
  if (mode != TN_SCATTER_SET && mode != TN_SCATTER_ADD) return "unknown mode";
  return refuse_indexed(s, 1, 2);
}

bool is_nonzero(const Operand& in, int64_t i) {
  const std::byte* p = address(in, Coordinates(*in.tensor, i));
  return support::visit_dtype(in.tensor->dtype,
                              [&]<class T>() { return support::load<T>(p) != 0; });
}

class NonzeroCount : public Kernel {
 public:
  using Kernel::Kernel;
  void run(const Call& call) const override {
    const Operand& in = call.operands[1];
    int64_t count = 0;
    const int64_t elements = plugin::element_count(*in.tensor);
    for (int64_t i = 0; i < elements; ++i) count += is_nonzero(in, i);
    support::store<int64_t>(call.operands[0].data, count);
  }
};

class Nonzero : public Kernel {
 public:
  using Kernel::Kernel;
  void run(const Call& call) const override {
    const Operand &out = call.operands[0], &in = call.operands[1];
    int64_t row = 0;
    const int64_t elements = plugin::element_count(*in.tensor);
    for (int64_t i = 0; i < elements && row < out.tensor->shape[0]; ++i) {
      if (!is_nonzero(in, i)) continue;
      const Coordinates c(*in.tensor, i);
      for (uint32_t d = 0; d < in.tensor->rank; ++d) {
        const int64_t offset = row * out.tensor->strides[0] + d * out.tensor->strides[1];
        support::store<int64_t>(out.data + offset * 8, c.at[d]);
      }
      ++row;
    }
  }
};

std::string refuse_nonzero(const plugin::Signature& s) {
  const uint32_t rank = s.op() == TN_OP_NONZERO ? 2 : 0;
  return s.dtype(0) == TN_DTYPE_I64 && s.rank(0) == rank ? "" : "out must be i64 of that rank";
}

constexpr Operator kOperators[] = {
    {TN_OP_GATHER, 3, 1, 1, refuse_gather, make_kernel<Gather>},
    {TN_OP_SCATTER, 3, 1, 2, refuse_scatter, make_kernel<Scatter>},
    {TN_OP_NONZERO_COUNT, 2, 1, 0, refuse_nonzero, make_kernel<NonzeroCount>},
    {TN_OP_NONZERO, 2, 1, 0, refuse_nonzero, make_kernel<Nonzero>},
};

}  // namespace

std::span<const Operator> indexing_operators() { return kOperators; }

}  // namespace tenon::reference
