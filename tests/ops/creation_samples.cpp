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

// What every op with (sizes, [value,] dtype) refuses.
std::vector<ErrorRow> size_errors(const std::vector<Argument>& rest) {
  const Shape huge{int64_t{1} << 40, int64_t{1} << 40};
  std::vector<ErrorRow> errors = {{"negative", {Shape{2, -1}}, "-1"},
                                  {"overflow", {huge}, "64 bits|overflow"},
                                  {"no list", {Scalar(2)}, "argument 0 must be a list"},
                                  {"tensor", {blank({2})}, "argument 0 must be a list"}};
  for (ErrorRow& error : errors)
    error.arguments.insert(error.arguments.end(), rest.begin(), rest.end());
  errors.push_back({"too many", errors[0].arguments, "at most"});
  errors.back().arguments.emplace_back(Scalar(1));
  return errors;
}

// What every op with (self, [value,] dtype) refuses.
std::vector<ErrorRow> like_errors(const std::vector<Argument>& rest) {
  std::vector<ErrorRow> errors = {{"undefined", {std::monostate()}, "defined"},
                                  {"sizes", {Shape{2}}, "argument 0 must be a tensor"},
                                  {"number", {Scalar(2)}, "argument 0 must be a tensor"},
                                  {"options", {blank({2})}, "a dtype or a device"},
                                  {"too many", {blank({2})}, "at most"}};
  for (ErrorRow& error : errors)
    error.arguments.insert(error.arguments.end(), rest.begin(), rest.end());
  errors[3].arguments.emplace_back(Scalar(1));
  errors[4].arguments.insert(errors[4].arguments.end(), {kFloat32, kFloat32});
  return errors;
}

void add_filled(std::vector<SampleRow>& rows) {
  const auto sizes_dtype = [](const Shape& sizes, DType dtype) { return Call{{sizes, dtype}}; };
  const auto like = [](const Shape& sizes, DType dtype) { return Call{{Array(sizes, dtype)}}; };
  rows.push_back(factory("empty", sizes_dtype,
                         [](const Call& c) { return unknown(c.shape(0), dtype_at(c, 1)); }));
  rows.back().errors = size_errors({kFloat32});
  rows.push_back(factory("zeros", sizes_dtype,
                         [](const Call& c) { return filled(c.shape(0), dtype_at(c, 1), 0); }));
  rows.back().errors = size_errors({kFloat32});
  rows.push_back(factory("ones", sizes_dtype,
                         [](const Call& c) { return filled(c.shape(0), dtype_at(c, 1), 1); }));
  rows.back().errors = size_errors({kFloat32});
  rows.push_back(factory(
      "full",
      [](const Shape& sizes, DType dtype) {
        return Call{{sizes, Scalar(1), dtype}};
      },
      [](const Call& c) { return filled(c.shape(0), dtype_at(c, 2), 1); }));
  rows.back().errors = size_errors({Scalar(1), kFloat32});
  rows.push_back(factory("empty_like", like, [](const Call& c) {
    return unknown(c.array(0).sizes, c.array(0).dtype);
  }));
  rows.back().errors = like_errors({});
  rows.push_back(factory("zeros_like", like, [](const Call& c) {
    return filled(c.array(0).sizes, c.array(0).dtype, 0);
  }));
  rows.back().errors = like_errors({});
  rows.push_back(factory("ones_like", like, [](const Call& c) {
    return filled(c.array(0).sizes, c.array(0).dtype, 1);
  }));
  rows.back().errors = like_errors({});
  rows.push_back(factory(
      "full_like",
      [](const Shape& sizes, DType dtype) {
        return Call{{Array(sizes, dtype), Scalar(1)}};
      },
      [](const Call& c) { return filled(c.array(0).sizes, c.array(0).dtype, 1); }));
  rows.back().errors = like_errors({Scalar(1)});
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
    if (is_floating_point(dtype)) return calls;
    // Fractions are cut off start and step, but count.
    calls.push_back({{Scalar(0.5), Scalar(5), Scalar(1.5), dtype}});
    calls.push_back({{Scalar(-0.9), Scalar(5), Scalar(1.5), dtype}});
    if (dtype != kInt64) return calls;
    const int64_t far = int64_t{1} << 53;
    calls.push_back({{Scalar(-far), Scalar(-far + 3), Scalar(1), dtype}});
    return calls;
  };
  row.expect = [](const Call& call) {
    double start = call.scalar(0).to_double(), step = call.scalar(2).to_double();
    const double count = std::ceil((call.scalar(1).to_double() - start) / step);
    Array out({static_cast<int64_t>(count)}, dtype_at(call, 3));
    if (!is_floating_point(out.dtype)) start = std::trunc(start), step = std::trunc(step);
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
                {"infinite", {Scalar(0), Scalar(INFINITY), Scalar(1), kFloat32}, "arange.*finite"},
                {"NaN", {Scalar(NAN), Scalar(1), Scalar(1), kFloat32}, "arange.*finite"},
                {"bool", {Scalar(0), Scalar(2), Scalar(1), kBool}, "arange.*bool"},
                {"too many", {Scalar(0.0), Scalar(1e20), Scalar(1), kFloat32}, "arange.*many"}};
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
  row.errors = {{"negative", {Scalar(-2), Scalar(3), kFloat32}, "eye.*-2"},
                {"negative width", {Scalar(2), Scalar(-3), kFloat32}, "eye.*-3"},
                {"overflow",
                 {Scalar(int64_t{1} << 40), Scalar(int64_t{1} << 40), kFloat32},
                 "64 bits|overflow"},
                {"sizes", {Shape{2}, Scalar(3), kFloat32}, "argument 0 must be a number"},
                {"too many", {Scalar(2), Scalar(3), kFloat32, kFloat32}, "at most 3"}};
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
  scalar.errors = {{"tensor", {blank({}), kFloat32}, "argument 0 must be a number"},
                   {"sizes", {Shape{}, kFloat32}, "argument 0 must be a number"},
                   {"none", {std::monostate(), kFloat32}, "argument 0 must be a number"},
                   {"options", {Scalar(1), Scalar(1)}, "a dtype or a device"},
                   {"too many", {Scalar(1), kFloat32, kFloat32}, "at most 2"}};
  rows.push_back(std::move(scalar));
}

// ---- linspace, logspace ----

double even(const Call& call, double i) {
  const double start = call.scalar(0).to_double(), end = call.scalar(1).to_double();
  const double steps = call.scalar(2).to_double();
  return steps == 1 ? start : start + i * (end - start) / (steps - 1);
}

std::vector<Call> even_calls(DType dtype, const std::vector<Argument>& rest) {
  std::vector<Call> calls;
  for (const int64_t steps : {0, 1, 2, 5, 64}) {
    calls.push_back({{Scalar(0), Scalar(4), Scalar(steps)}});
    calls.push_back({{Scalar(5.0), Scalar(1.0), Scalar(steps)}});
    if (dtype != kUInt8) calls.push_back({{Scalar(-2.5), Scalar(2), Scalar(steps)}});
  }
  for (Call& call : calls) {
    call.arguments.insert(call.arguments.end(), rest.begin(), rest.end());
    call.arguments.emplace_back(dtype);
  }
  return calls;
}

std::vector<ErrorRow> even_errors(const std::string& op, const std::vector<Argument>& rest) {
  std::vector<ErrorRow> errors = {
      {"negative", {Scalar(0), Scalar(1), Scalar(-1)}, op + ".*steps.*-1"},
      {"infinite", {Scalar(0), Scalar(INFINITY), Scalar(3)}, op + ".*finite"},
      {"NaN", {Scalar(NAN), Scalar(1), Scalar(3)}, op + ".*finite"},
      {"tensor", {blank({}), Scalar(1), Scalar(3)}, "argument 0 must be a number"},
      {"too long", {Scalar(0), Scalar(1), Scalar(INT64_MAX)}, "64 bits|overflow|memory"},
      {"bool", {Scalar(0), Scalar(1), Scalar(3)}, op + ".*bool"}};
  for (ErrorRow& error : errors)
    error.arguments.insert(error.arguments.end(), rest.begin(), rest.end());
  errors.back().arguments.emplace_back(kBool);
  return errors;
}

void add_linspace(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "linspace";
  row.dtypes = kNumbers;
  row.calls = [](DType dtype, Random&) { return even_calls(dtype, {}); };
  row.expect = [](const Call& call) {
    Array out({call.scalar(2).to_int64()}, dtype_at(call, 3));
    for (size_t i = 0; i < out.values.size(); ++i) {
      const double value = even(call, static_cast<double>(i));
      out.values[i] = is_floating_point(out.dtype) ? value : std::trunc(value);
      out.magnitudes.push_back(4 * (std::fabs(value) + 5));
    }
    if (!is_floating_point(out.dtype)) out.magnitudes.clear();
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.errors = even_errors("linspace", {});
  rows.push_back(std::move(row));

  SampleRow log;
  log.op = "logspace";
  log.dtypes = kFloats;
  log.calls = [](DType dtype, Random&) {
    std::vector<Call> calls = even_calls(dtype, {std::monostate()});
    for (const double base : {2.0, 0.5, 2.718281828459045})
      for (const Call& call : even_calls(dtype, {Scalar(base)})) calls.push_back(call);
    return calls;
  };
  log.expect = [](const Call& call) {
    Array out({call.scalar(2).to_int64()}, dtype_at(call, 4));
    const double base = call.scalar(3, 10.0).to_double();
    for (size_t i = 0; i < out.values.size(); ++i) {
      const double exponent = even(call, static_cast<double>(i));
      out.values[i] = std::pow(base, exponent);
      // The exponent's rounding counts ln(base) times, the power may err by 8 ULP.
      out.magnitudes.push_back(std::fabs(out.values[i]) *
                               (16 + 8 * std::fabs(std::log(base)) * (std::fabs(exponent) + 5)));
    }
    return std::vector<Array>{out};
  };
  log.tolerance = Tolerance::kSum;
  log.errors = even_errors("logspace", {Scalar(2.0)});
  rows.push_back(std::move(log));
}

const std::vector<std::pair<int64_t, int64_t>> kMatrices = {{3, 4}, {4, 3}, {1, 5}, {0, 3}, {3, 0}};

void add_triangles(std::vector<SampleRow>& rows) {
  for (const bool lower : {true, false}) {
    SampleRow row;
    row.op = lower ? "tril_indices" : "triu_indices";
    row.dtypes = {kInt64, kInt32};
    row.calls = [](DType dtype, Random&) {
      std::vector<Call> calls;
      for (const auto& [height, width] : kMatrices)
        for (const int64_t offset : {0, 1, -2, 9})
          calls.push_back({{Scalar(height), Scalar(width), Scalar(offset), dtype}});
      return calls;
    };
    row.expect = [lower](const Call& call) {
      std::vector<double> from, to;
      for (int64_t r = 0; r < call.scalar(0).to_int64(); ++r) {
        for (int64_t c = 0; c < call.scalar(1).to_int64(); ++c) {
          const int64_t away = c - r - call.scalar(2).to_int64();
          if (lower ? away > 0 : away < 0) continue;
          from.push_back(static_cast<double>(r));
          to.push_back(static_cast<double>(c));
        }
      }
      Array out({2, static_cast<int64_t>(from.size())}, dtype_at(call, 3), from);
      out.values.insert(out.values.end(), to.begin(), to.end());
      return std::vector<Array>{out};
    };
    row.errors = {{"rows", {Scalar(-1), Scalar(2)}, row.op + ".*-1 and 2"},
                  {"columns", {Scalar(1), Scalar(-2)}, row.op + ".*1 and -2"},
                  {"sizes", {Shape{2}, Scalar(2)}, "argument 0 must be a number"},
                  {"options", {Scalar(2), Scalar(2), Scalar(0), Scalar(0)}, "a dtype or a device"},
                  {"too many", {Scalar(2), Scalar(2), Scalar(0), kInt64, kInt64}, "at most 4"}};
    rows.push_back(std::move(row));
  }
}

}  // namespace

void add_creation_samples(std::vector<SampleRow>& rows) {
  add_filled(rows);
  add_arange(rows);
  add_eye(rows);
  add_linspace(rows);
  add_triangles(rows);
}

}  // namespace tenon::ops_test
