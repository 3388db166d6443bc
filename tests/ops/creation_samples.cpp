// New tensors.
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

const std::vector<Shape> kSizes = {{2, 3}, {}, {7}, {0, 3}, {2, 67}};

Array filled(const Shape& sizes, DType dtype, double value) {
  Array out(sizes, dtype);
  for (double& element : out.values) element = rounded(value, dtype);
  return out;
}

SampleRow factory(const char* op, std::function<Call(const Shape&, DType)> call,
                  std::function<Array(const Call&)> expect) {
  SampleRow row;
  row.op = op;
  row.dtypes = kEvery;
  row.calls = [call = std::move(call)](DType dtype, Random&) {
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes) calls.push_back(call(sizes, dtype));
    return calls;
  };
  row.expect = [expect = std::move(expect)](const Call& made) {
    return std::vector<Array>{expect(made)};
  };
  return row;
}

Array unknown(const Shape& sizes, DType dtype) {
  Array out(sizes, dtype);
  out.any_values = true;
  return out;
}

DType dtype_at(const Call& call, size_t i) { return std::get<DType>(call.arguments[i]); }

void add_filled(std::vector<SampleRow>& rows) {
  const auto sizes_dtype = [](const Shape& sizes, DType dtype) { return Call{{sizes, dtype}}; };
  const auto like = [](const Shape& sizes, DType dtype) { return Call{{Array(sizes, dtype)}}; };
  rows.push_back(factory("empty", sizes_dtype,
                         [](const Call& c) { return unknown(c.shape(0), dtype_at(c, 1)); }));
  rows.back().errors = {
      {"negative", {Shape{2, -1}, kFloat32}, "-1"},
      {"overflow", {Shape{int64_t{1} << 40, int64_t{1} << 40}, kFloat32}, "64 bits|overflow"}};
  rows.push_back(factory("zeros", sizes_dtype,
                         [](const Call& c) { return filled(c.shape(0), dtype_at(c, 1), 0); }));
  rows.push_back(factory("ones", sizes_dtype,
                         [](const Call& c) { return filled(c.shape(0), dtype_at(c, 1), 1); }));
  rows.push_back(factory(
      "full",
      [](const Shape& sizes, DType dtype) {
        return Call{{sizes, Scalar(1), dtype}};
      },
      [](const Call& c) { return filled(c.shape(0), dtype_at(c, 2), 1); }));
  rows.push_back(factory("empty_like", like, [](const Call& c) {
    return unknown(c.array(0).sizes, c.array(0).dtype);
  }));
  rows.push_back(factory("zeros_like", like, [](const Call& c) {
    return filled(c.array(0).sizes, c.array(0).dtype, 0);
  }));
  rows.push_back(factory("ones_like", like, [](const Call& c) {
    return filled(c.array(0).sizes, c.array(0).dtype, 1);
  }));
  rows.push_back(factory(
      "full_like",
      [](const Shape& sizes, DType dtype) {
        return Call{{Array(sizes, dtype), Scalar(1)}};
      },
      [](const Call& c) { return filled(c.array(0).sizes, c.array(0).dtype, 1); }));
}

void add_arange(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "arange";
  row.dtypes = kNumbers;
  row.calls = [](DType dtype, Random&) {
    std::vector<Call> calls = {{{Scalar(0), Scalar(10), Scalar(1), dtype}},
                               {{Scalar(3), Scalar(100), Scalar(7), dtype}},
                               {{Scalar(5), Scalar(5), Scalar(1), dtype}}};
    if (dtype != kUInt8) calls.push_back({{Scalar(5), Scalar(-4), Scalar(-2), dtype}});
    if (is_floating_point(dtype))
      calls.push_back({{Scalar(0.0), Scalar(1.0), Scalar(0.125), dtype}});
    if (is_floating_point(dtype))
      calls.push_back({{Scalar(-1.0), Scalar(1.0), Scalar(0.1), dtype}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const double start = call.scalar(0).to_double(), step = call.scalar(2).to_double();
    const double count = std::ceil((call.scalar(1).to_double() - start) / step);
    Array out({static_cast<int64_t>(count)}, dtype_at(call, 3));
    for (size_t i = 0; i < out.values.size(); ++i) {
      out.values[i] = start + static_cast<double>(i) * step;
      out.magnitudes.push_back(3 * storage_roundings(out.dtype) *
                               (std::fabs(start) + std::fabs(out.values[i])));
    }
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.errors = {{"step", {Scalar(0), Scalar(3), Scalar(0), kFloat32}, "arange.*step"},
                {"direction", {Scalar(0), Scalar(3), Scalar(-1), kFloat32}, "arange.*step"},
                {"infinite", {Scalar(0), Scalar(INFINITY), Scalar(1), kFloat32}, "arange.*finite"}};
  rows.push_back(std::move(row));
}

void add_eye(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "eye";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random&) {
    return std::vector<Call>{{{Scalar(3), Scalar(-1), dtype}},
                             {{Scalar(2), Scalar(5), dtype}},
                             {{Scalar(4), Scalar(1), dtype}},
                             {{Scalar(0), Scalar(3), dtype}}};
  };
  row.expect = [](const Call& call) {
    const int64_t n = call.scalar(0).to_int64(), m = call.scalar(1).to_int64();
    Array out({n, m < 0 ? n : m}, dtype_at(call, 2));
    for_each(out.sizes,
             [&](const Shape& index, size_t i) { out.values[i] = index[0] == index[1]; });
    return std::vector<Array>{out};
  };
  row.errors = {{"negative", {Scalar(-2), Scalar(3), kFloat32}, "eye.*-2"}};
  rows.push_back(std::move(row));

  SampleRow scalar;
  scalar.op = "scalar_tensor";
  scalar.dtypes = kEvery;
  scalar.calls = [](DType dtype, Random&) {
    return std::vector<Call>{{{Scalar(1), dtype}}, {{Scalar(0), dtype}}};
  };
  scalar.expect = [](const Call& call) {
    return std::vector<Array>{filled({}, dtype_at(call, 1), call.scalar(0).to_double())};
  };
  rows.push_back(std::move(scalar));
}

}  // namespace

void add_creation_samples(std::vector<SampleRow>& rows) {
  add_filled(rows);
  add_arange(rows);
  add_eye(rows);
}

}  // namespace tenon::ops_test
