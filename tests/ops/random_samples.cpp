// Draws, from Philox written anew. The tests seed the default generator with 42 before every run,
// so each op draws at offset 0.
#include <array>
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

constexpr uint32_t kSeed = 42;

// Philox4x32-10 as in Salmon et al., figure 5: key (42, 0), counter (block, 0, 0).
uint32_t word(size_t element) {
  std::array<uint64_t, 4> c = {element / 4, 0, 0, 0};
  uint64_t key[2] = {kSeed, 0};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = 0xd2511f53u * c[0], b = 0xcd9e8d57u * c[2];
    c = {(b >> 32) ^ c[1] ^ key[0], b & 0xffffffffu, (a >> 32) ^ c[3] ^ key[1], a & 0xffffffffu};
    key[0] = (key[0] + 0x9e3779b9u) & 0xffffffffu;
    key[1] = (key[1] + 0xbb67ae85u) & 0xffffffffu;
  }
  return static_cast<uint32_t>(c[element % 4]);
}

// U[0, 1) of element i in a dtype.
double unit(size_t i, DType dtype) {
  if (dtype == kFloat64) {
    const double high = word(2 * i) >> 5, low = word(2 * i + 1) >> 6;
    return (high * 0x1p26 + low) * 0x1p-53;
  }
  const uint32_t bits = dtype == kFloat32 ? 24 : dtype == kFloat16 ? 11 : 8;
  return static_cast<double>(word(i) >> (32 - bits)) * std::ldexp(1.0, -static_cast<int>(bits));
}

// The dtype that draws are computed in.
DType wide(DType dtype) { return dtype == kFloat64 ? kFloat64 : kFloat32; }

DType dtype_at(const Call& call, size_t i) { return std::get<DType>(call.arguments[i]); }

Array drawn(const Shape& sizes, DType dtype, const std::function<double(size_t)>& value) {
  Array out(sizes, dtype);
  for (size_t i = 0; i < out.values.size(); ++i) out.values[i] = value(i);
  return out;
}

// mean + stddev·√(−2 ln(1 − u₁))·cos(2π u₂); the angle's rounding is the largest error.
Array normal(const Shape& sizes, DType dtype, double mean, double stddev) {
  Array out(sizes, dtype);
  for (size_t i = 0; i < out.values.size(); ++i) {
    const double u = unit(2 * i, wide(dtype)), v = unit(2 * i + 1, wide(dtype));
    const double radius = std::sqrt(-2 * std::log1p(-u));
    out.values[i] = mean + stddev * radius * std::cos(2 * 3.14159265358979323846 * v);
    out.magnitudes.push_back(std::fabs(mean) + 16 * stddev * (radius + 1));
  }
  return out;
}

const std::vector<Shape> kSizes = {{2, 3}, {}, {7}, {0, 3}, {3, 67}};

SampleRow draw(const char* op, std::vector<DType> dtypes,
               std::function<std::vector<Call>(DType)> calls,
               std::function<Array(const Call&)> expect) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [calls = std::move(calls)](DType dtype, Random&) { return calls(dtype); };
  row.expect = [expect = std::move(expect)](const Call& call) {
    return std::vector<Array>{expect(call)};
  };
  row.writes_self = row.op.ends_with("_");
  return row;
}

std::vector<Call> new_calls(DType dtype) {
  std::vector<Call> calls;
  for (const Shape& sizes : kSizes) calls.push_back({{sizes, dtype}});
  return calls;
}

void add_new(std::vector<SampleRow>& rows) {
  rows.push_back(draw("rand", kFloats, new_calls, [](const Call& call) {
    const DType dtype = dtype_at(call, 1);
    return drawn(call.shape(0), dtype, [dtype](size_t i) { return unit(i, dtype); });
  }));
  rows.back().errors = {{"integers", {Shape{2}, kInt64}, "rand.*floating"},
                        {"negative", {Shape{-2}, kFloat32}, "-2"}};
  rows.push_back(draw("randn", kFloats, new_calls, [](const Call& call) {
    return normal(call.shape(0), dtype_at(call, 1), 0, 1);
  }));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().errors = {{"integers", {Shape{2}, kInt64}, "randn.*floating"}};
}

void add_integers(std::vector<SampleRow>& rows) {
  rows.push_back(draw(
      "randint", {kInt64, kInt32, kFloat32, kUInt8},
      [](DType dtype) {
        std::vector<Call> calls;
        for (const Shape& sizes : kSizes) calls.push_back({{Scalar(3), Scalar(100), sizes, dtype}});
        if (dtype != kInt64) return calls;
        calls.push_back({{Scalar(-5), Scalar(5), Shape{9}, dtype}});
        calls.push_back({{Scalar(0), Scalar(int64_t{1} << 40), Shape{9}, dtype}});
        return calls;
      },
      [](const Call& call) {
        const int64_t low = call.scalar(0).to_int64(), range = call.scalar(1).to_int64() - low;
        return drawn(call.shape(2), dtype_at(call, 3), [low, range](size_t i) {
          if (range <= int64_t{1} << 31)
            return static_cast<double>(low + (static_cast<int64_t>(word(i)) * range >> 32));
          const uint64_t bits = uint64_t{word(2 * i) >> 1} << 32 | word(2 * i + 1);
          return static_cast<double>(low +
                                     static_cast<int64_t>(bits % static_cast<uint64_t>(range)));
        });
      }));
  rows.back().errors = {{"range", {Scalar(3), Scalar(3), Shape{2}}, "randint.*low"}};
  rows.push_back(draw(
      "randperm", {kInt64, kInt32, kFloat32},
      [](DType dtype) {
        return std::vector<Call>{{{Scalar(10), dtype}},
                                 {{Scalar(0), dtype}},
                                 {{Scalar(1), dtype}},
                                 {{Scalar(200), dtype}}};
      },
      [](const Call& call) {
        Array out({call.scalar(0).to_int64()}, dtype_at(call, 1));
        for (size_t i = 0; i < out.values.size(); ++i) out.values[i] = static_cast<double>(i);
        for (size_t i = out.values.size(); i > 1; --i)
          std::swap(out.values[i - 1],
                    out.values[static_cast<size_t>(uint64_t{word(i - 1)} * i >> 32)]);
        return out;
      }));
  rows.back().errors = {{"negative", {Scalar(-1)}, "randperm.*-1"}};
}

std::vector<Call> fill_calls(DType dtype, const std::vector<std::vector<Argument>>& options) {
  std::vector<Call> calls;
  for (const Shape& sizes : kSizes) {
    for (const auto& option : options) {
      calls.push_back({{Array(sizes, dtype)}});
      calls.back().arguments.insert(calls.back().arguments.end(), option.begin(), option.end());
    }
  }
  return calls;
}

void add_fills(std::vector<SampleRow>& rows) {
  rows.push_back(draw(
      "uniform_", kFloats,
      [](DType dtype) {
        return fill_calls(dtype, {{}, {Scalar(-2.0), Scalar(6.0)}});
      },
      [](const Call& call) {
        const DType dtype = call.array(0).dtype;
        const double low = call.scalar(1, 0.0).to_double(), high = call.scalar(2, 1.0).to_double();
        // Powers of two: exact but for the sum.
        return drawn(call.array(0).sizes, dtype, [=](size_t i) {
          return rounded(unit(i, dtype) * (high - low) + low, wide(dtype));
        });
      }));
  rows.back().errors = {{"order", {blank({2}), Scalar(2.0), Scalar(1.0)}, "uniform_.*2.*1"},
                        {"integers", {blank({2}, kInt64)}, "uniform_.*floating"}};
  rows.push_back(draw(
      "normal_", kFloats,
      [](DType dtype) {
        return fill_calls(dtype, {{}, {Scalar(3.0), Scalar(0.5)}});
      },
      [](const Call& call) {
        return normal(call.array(0).sizes, call.array(0).dtype, call.scalar(1, 0.0).to_double(),
                      call.scalar(2, 1.0).to_double());
      }));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().errors = {{"std", {blank({2}), Scalar(0.0), Scalar(-1.0)}, "normal_.*std.*-1"}};
  rows.push_back(draw(
      "bernoulli_", kEvery,
      [](DType dtype) {
        return fill_calls(dtype, {{}, {Scalar(0.25)}, {Scalar(0.0)}, {Scalar(1.0)}});
      },
      [](const Call& call) {
        const DType dtype = call.array(0).dtype;
        const double p = rounded(call.scalar(1, 0.5).to_double(), wide(dtype));
        return drawn(call.array(0).sizes, dtype,
                     [p](size_t i) { return unit(i, kFloat32) < p ? 1.0 : 0.0; });
      }));
  rows.back().errors = {{"probability", {blank({2}), Scalar(1.5)}, "bernoulli_.*1\\.5"}};
}

void add_dropout(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "dropout";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes) {
      const Array self = random.array(sizes, dtype, -4, 4);
      for (const double p : {0.5, 0.0, 1.0, 0.25})
        calls.push_back({{self, Scalar(p), Scalar(true)}, sizes.numel() < 60});
      calls.push_back({{self, Scalar(0.5), Scalar(false)}, sizes.numel() < 60});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    Array out = call.array(0);
    const double p = call.scalar(1).to_double();
    if (!call.scalar(2).to_bool() || p == 0) return std::vector<Array>{out};
    const double scale = rounded(p < 1 ? 1 / (1 - p) : 0, out.dtype);
    for (size_t i = 0; i < out.values.size(); ++i)
      out.values[i] *= unit(i, kFloat32) < rounded(1 - p, wide(out.dtype)) ? scale : 0;
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {{"probability", {blank({2}), Scalar(-0.5), Scalar(true)}, "dropout.*-0\\.5"},
                {"integers", {blank({2}, kInt64), Scalar(0.5), Scalar(true)}, "dropout.*floating"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_random_samples(std::vector<SampleRow>& rows) {
  add_new(rows);
  add_integers(rows);
  add_fills(rows);
  add_dropout(rows);
}

}  // namespace tenon::ops_test
