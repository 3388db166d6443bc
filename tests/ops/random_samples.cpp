// Draws, from Philox written anew. The tests seed the default generator with 42 before every run,
// so each op draws at offset 0.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

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
  const auto errors = [](const std::string& op) {
    return std::vector<ErrorRow>{
        {"integers", {Shape{2}, kInt64}, op + ".*floating.*int64"},
        {"bools", {Shape{2}, kBool}, op + ".*floating.*bool"},
        {"negative", {Shape{2, -2}, kFloat32}, "negative.*\\(2, -2\\)"},
        {"sizes", {Scalar(2), kFloat32}, "argument 0 must be a list"},
        {"overflow", {Shape{int64_t{1} << 40, int64_t{1} << 40}, kFloat32}, "64 bits|overflow"}};
  };
  rows.back().errors = errors("rand");
  rows.push_back(draw("randn", kFloats, new_calls, [](const Call& call) {
    return normal(call.shape(0), dtype_at(call, 1), 0, 1);
  }));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().errors = errors("randn");
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
  rows.back().errors = {
      {"range", {Scalar(3), Scalar(3), Shape{2}}, "randint.*low"},
      {"order", {Scalar(3), Scalar(-3), Shape{2}}, "randint.*3 and -3"},
      {"too large", {Scalar(0), Scalar(257), Shape{2}, kUInt8}, "randint.*257.*uint8"},
      {"too small", {Scalar(-1), Scalar(7), Shape{2}, kUInt8}, "randint.*-1.*uint8"},
      {"bool", {Scalar(0), Scalar(3), Shape{2}, kBool}, "randint.*bool"},
      {"sizes", {Scalar(0), Scalar(3), Shape{-2}}, "negative.*-2"},
      {"width", {Scalar(INT64_MIN), Scalar(INT64_MAX), Shape{2}}, "randint.*(overflow|64 bits)"}};
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
  rows.back().errors = {{"negative", {Scalar(-1)}, "randperm.*-1"},
                        {"too long", {Scalar((int64_t{1} << 31) + 1)}, "randperm.*2147483649"},
                        {"bytes", {Scalar(257), kUInt8}, "randperm.*257.*uint8"},
                        {"small bytes", {Scalar(129), kInt8}, "randperm.*129.*int8"},
                        {"bools", {Scalar(3), kBool}, "randperm.*3.*bool"}};
}

// 0 or 1, whether the uniform is below p as the device sees it.
Array chosen(const Shape& sizes, DType dtype, const Array& p) {
  Array out(sizes, dtype);
  for_each(sizes,
           [&](const Shape& at, size_t i) { out.values[i] = unit(i, wide(p.dtype)) < p.at(at); });
  return out;
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
  rows.back().errors = {
      {"order", {blank({2}), Scalar(2.0), Scalar(1.0)}, "uniform_.*2.*1"},
      {"integers", {blank({2}, kInt64)}, "uniform_.*floating"},
      {"bools", {blank({2}, kBool)}, "uniform_.*floating"},
      {"infinite", {blank({2}), Scalar(0.0), Scalar(INFINITY)}, "uniform_.*finite"},
      {"NaN", {blank({2}), Scalar(NAN), Scalar(1.0)}, "uniform_.*nan"}};
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
  rows.back().errors = {{"std", {blank({2}), Scalar(0.0), Scalar(-1.0)}, "normal_.*std.*-1"},
                        {"NaN", {blank({2}), Scalar(0.0), Scalar(NAN)}, "normal_.*std.*nan"},
                        {"integers", {blank({2}, kInt64)}, "normal_.*floating.*int64"},
                        {"bools", {blank({2}, kBool)}, "normal_.*floating.*bool"},
                        {"undefined", {std::monostate()}, "defined"}};
  rows.push_back(draw(
      "bernoulli_", kEvery,
      [](DType dtype) {
        auto calls = fill_calls(dtype, {{}, {Scalar(0.25)}, {Scalar(0.0)}, {Scalar(1.0)}});
        const Array some({3}, kFloat32, {0, 0.5, 1}), halves({2, 1}, kFloat16, {0.25, 0.75});
        calls.push_back({{Array({4, 3}, dtype), some}});
        calls.push_back({{Array({2, 9}, dtype), halves}});
        return calls;
      },
      [](const Call& call) {
        const DType dtype = call.array(0).dtype;
        if (call.has(1))
          if (const auto* each = std::get_if<Array>(&call.arguments[1]))
            return chosen(call.array(0).sizes, dtype, *each);
        const double p = rounded(call.scalar(1, 0.5).to_double(), wide(dtype));
        return drawn(call.array(0).sizes, dtype,
                     [p](size_t i) { return unit(i, kFloat32) < p ? 1.0 : 0.0; });
      }));
  rows.back().errors = {
      {"probability", {blank({2}), Scalar(1.5)}, "bernoulli_.*1\\.5"},
      {"negative", {blank({2}), Scalar(-0.5)}, "bernoulli_.*-0\\.5"},
      {"NaN", {blank({2}), Scalar(NAN)}, "bernoulli_.*nan"},
      {"one above", {blank({2}), Array({2}, kFloat32, {0, 2})}, "bernoulli_.*between"},
      {"integers", {blank({2}), blank({2}, kInt64)}, "bernoulli_.*floating.*int64"},
      {"sizes", {blank({2}), blank({3})}, "bernoulli_.*\\(2\\).*\\(3\\)"},
      {"grows", {blank({2}), blank({1, 2})}, "bernoulli_.*\\(2\\).*\\(1, 2\\)"}};
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
                {"above", {blank({2}), Scalar(1.5), Scalar(true)}, "dropout.*1\\.5"},
                {"NaN", {blank({2}), Scalar(NAN), Scalar(false)}, "dropout.*nan"},
                {"bools", {blank({2}, kBool), Scalar(0.5), Scalar(false)}, "dropout.*floating"},
                {"integers", {blank({2}, kInt64), Scalar(0.5), Scalar(true)}, "dropout.*floating"}};
  rows.push_back(std::move(row));
}

// ---- draws with parameters of their own per element ----

std::vector<Call> like_calls(DType dtype) {
  std::vector<Call> calls;
  for (const Shape& sizes : kSizes) calls.push_back({{Array(sizes, dtype)}});
  return calls;
}

void add_like(std::vector<SampleRow>& rows) {
  rows.push_back(draw("rand_like", kFloats, like_calls, [](const Call& call) {
    const DType dtype = call.array(0).dtype;
    return drawn(call.array(0).sizes, dtype, [dtype](size_t i) { return unit(i, dtype); });
  }));
  rows.back().errors = {{"integers", {blank({2}, kInt64)}, "rand.*floating.*int64"},
                        {"bools", {blank({2}, kBool)}, "rand.*floating.*bool"},
                        {"integers asked for", {blank({2}), kInt32}, "rand.*floating.*int32"},
                        {"undefined", {std::monostate()}, "defined"},
                        {"number", {Scalar(1)}, "argument 0 must be a tensor"}};
  rows.push_back(draw("randn_like", kFloats, like_calls, [](const Call& call) {
    return normal(call.array(0).sizes, call.array(0).dtype, 0, 1);
  }));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().errors = {{"integers", {blank({2}, kInt64)}, "randn.*floating.*int64"},
                        {"bools", {blank({2}, kBool)}, "randn.*floating.*bool"},
                        {"integers asked for", {blank({2}), kInt32}, "randn.*floating.*int32"},
                        {"undefined", {std::monostate()}, "defined"},
                        {"number", {Scalar(1)}, "argument 0 must be a tensor"}};
  rows.push_back(draw(
      "randint_like", kNumbers,
      [](DType dtype) {
        return fill_calls(dtype, {{Scalar(3), Scalar(100)}});
      },
      [](const Call& call) {
        return drawn(
            call.array(0).sizes, call.array(0).dtype, [dtype = call.array(0).dtype](size_t i) {
              return rounded(static_cast<double>(3 + (uint64_t{word(i)} * 97 >> 32)), dtype);
            });
      }));
  rows.back().errors = {
      {"order", {blank({2}), Scalar(3), Scalar(3)}, "randint.*3 and 3"},
      {"too large", {blank({2}, kUInt8), Scalar(0), Scalar(257)}, "randint.*257.*uint8"},
      {"too small", {blank({2}, kInt8), Scalar(-129), Scalar(2)}, "randint.*-129.*int8"},
      {"bool", {blank({2}, kBool), Scalar(0), Scalar(3)}, "randint.*bool"},
      {"undefined", {std::monostate(), Scalar(0), Scalar(3)}, "defined"}};
}

void add_random_fill(std::vector<SampleRow>& rows) {
  rows.push_back(draw(
      "random_", kEvery,
      [](DType dtype) {
        std::vector<Call> calls = fill_calls(dtype, {{}, {Scalar(2)}});
        if (dtype != kBool) {
          const auto more = fill_calls(dtype, {{Scalar(5), Scalar(77)}});
          calls.insert(calls.end(), more.begin(), more.end());
        }
        return calls;
      },
      [](const Call& call) {
        const DType dtype = call.array(0).dtype;
        const bool two = call.has(2);
        uint64_t low = 0, range = 2;
        if (two) low = 5, range = 72;
        if (!call.has(1)) {
          const auto bits = static_cast<int>(size_bytes(dtype) * 8);
          if (is_floating_point(dtype))
            range = static_cast<uint64_t>(2 / ulp(1.0, dtype)) + 1;
          else if (dtype != kBool)
            range = uint64_t{1} << (dtype == kUInt8 ? bits : bits - 1);
        }
        if (dtype == kInt64 && !call.has(1)) range = INT64_MAX;
        return drawn(call.array(0).sizes, dtype, [=](size_t i) {
          if (range <= uint64_t{1} << 31)
            return rounded(static_cast<double>(low + (word(i) * range >> 32)), dtype);
          const uint64_t both = uint64_t{word(2 * i) >> 1} << 32 | word(2 * i + 1);
          return static_cast<double>(both % range);
        });
      }));
  rows.back().errors = {
      {"order", {blank({2}), Scalar(5), Scalar(2)}, "random_.*5 and 2"},
      {"nothing", {blank({2}), Scalar(0)}, "random_.*0 and 0"},
      {"too large", {blank({2}, kUInt8), Scalar(0), Scalar(300)}, "random_.*300.*uint8"},
      {"too small", {blank({2}, kInt8), Scalar(-300), Scalar(1)}, "random_.*-300.*int8"},
      {"bool", {blank({2}, kBool), Scalar(0), Scalar(3)}, "random_.*bool"}};
}

// -ln(1 - u) / rate of element i.
double exponential(size_t i, DType dtype, double rate) {
  return -std::log1p(-std::max(unit(i, dtype), dtype == kFloat64 ? 0x1p-54 : 0x1p-25)) / rate;
}

void add_exponential(std::vector<SampleRow>& rows) {
  rows.push_back(draw(
      "exponential_", kFloats,
      [](DType dtype) {
        return fill_calls(dtype, {{}, {Scalar(4.0)}, {Scalar(0.125)}});
      },
      [](const Call& call) {
        const DType dtype = call.array(0).dtype;
        const double rate = call.scalar(1, 1.0).to_double();
        return drawn(call.array(0).sizes, dtype,
                     [=](size_t i) { return exponential(i, wide(dtype), rate); });
      }));
  rows.back().tolerance = Tolerance::kUlp4;
  rows.back().errors = {{"zero", {blank({2}), Scalar(0.0)}, "exponential_.*lambd.*0"},
                        {"negative", {blank({2}), Scalar(-1.0)}, "exponential_.*lambd.*-1"},
                        {"NaN", {blank({2}), Scalar(NAN)}, "exponential_.*lambd.*nan"},
                        {"integers", {blank({2}, kInt64)}, "exponential_.*floating"},
                        {"bools", {blank({2}, kBool)}, "exponential_.*floating"}};
}

void add_bernoulli(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "bernoulli";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes) calls.push_back({{random.array(sizes, dtype, 0, 1)}});
    calls.push_back({{Array({4}, dtype, {0, 1, 0, 1})}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& p = call.array(0);
    return std::vector<Array>{chosen(p.sizes, p.dtype, p)};
  };
  row.errors = {{"above", {Array({2}, kFloat32, {0.5, 1.5})}, "bernoulli.*between 0 and 1"},
                {"below", {Array({2}, kFloat32, {-0.5, 0.5})}, "bernoulli.*between 0 and 1"},
                {"NaN", {Array({1}, kFloat32, {NAN})}, "bernoulli.*NaN"},
                {"integers", {blank({2}, kInt64)}, "bernoulli.*floating"},
                {"bools", {blank({2}, kBool)}, "bernoulli.*floating"}};
  rows.push_back(std::move(row));
}

void add_normal(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "normal";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, 0, 4); };
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes) calls.push_back({{make(sizes), make(sizes)}});
    calls.push_back({{make({2, 3}), make({3})}});
    calls.push_back({{make({3}), make({2, 1})}});
    calls.push_back({{make({2, 3}), Scalar(0.5)}});
    calls.push_back({{Scalar(-1.0), make({2, 3})}});
    calls.push_back({{make({4}), Array({4}, dtype)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const auto part = [&](size_t i) {
      const auto* number = std::get_if<Scalar>(&call.arguments[i]);
      return number != nullptr ? Array({}, kFloat64, {number->to_double()}) : call.array(i);
    };
    const Array mean = part(0), stddev = part(1);
    const DType dtype =
        std::holds_alternative<Scalar>(call.arguments[0]) ? stddev.dtype : mean.dtype;
    Array out = normal(broadcast(mean.sizes, stddev.sizes), dtype, 0, 1);
    for_each(out.sizes, [&](const Shape& at, size_t i) {
      const double m = mean.at(at), s = stddev.at(at);
      out.values[i] = m + s * out.values[i];
      // The standard normal is rounded to the dtype, the product and the sum too.
      out.magnitudes[i] = storage_roundings(dtype) * (std::fabs(m) + s * (out.magnitudes[i] + 8));
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.errors = {{"std", {blank({2}), Scalar(-1.0)}, "normal.*std.*-1"},
                {"stds", {blank({2}), Array({2}, kFloat32, {1, -1})}, "normal.*std"},
                {"sizes", {blank({2}), blank({3})}, "normal.*\\(2\\).*\\(3\\)"},
                {"integers", {blank({2}, kInt64), blank({2})}, "normal.*floating"},
                {"numbers", {Scalar(0.0), Scalar(1.0)}, "normal.*must be a tensor"},
                {"integer stds", {Scalar(0.0), blank({2}, kInt64)}, "normal.*floating"}};
  rows.push_back(std::move(row));
}

// ---- weighted choices ----

// Weights are whole, so that the running sums are exact.
std::vector<Call> choice_calls(DType dtype) {
  std::vector<Call> calls;
  for (const bool replacement : {false, true}) {
    const Array one({6}, dtype, {1, 0, 4, 2, 0, 9});
    const Array rows({3, 4}, dtype, {1, 2, 3, 4, 0, 0, 1, 0, 5, 5, 5, 1});
    for (const int64_t count : {1, 4}) {
      calls.push_back({{one, Scalar(count), Scalar(replacement)}});
      if (count == 1 || replacement) calls.push_back({{rows, Scalar(count), Scalar(replacement)}});
    }
  }
  calls.push_back({{Array({3, 4}, dtype, {1, 2, 3, 4, 4, 3, 2, 1, 5, 5, 5, 1}), Scalar(4)}});
  calls.push_back({{Array({0, 3}, dtype), Scalar(2)}});
  calls.push_back({{Array({1}, dtype, {3}), Scalar(20), Scalar(true)}});
  return calls;
}

Array choices(const Call& call) {
  const Array& weights = call.array(0);
  const auto count = static_cast<size_t>(call.scalar(1).to_int64());
  const auto length = static_cast<size_t>(weights.sizes.back());
  const DType dtype = wide(weights.dtype);
  Shape sizes = weights.sizes;
  sizes[sizes.rank() - 1] = static_cast<int64_t>(count);
  Array out(sizes, kInt64);
  for (size_t row = 0; row * length < weights.values.size(); ++row) {
    const double* weight = weights.values.data() + row * length;
    std::vector<double> keys(length);
    for (size_t k = 0; k < length; ++k)
      keys[k] = weight[k] / exponential(row * length + k, dtype, 1);
    const double total = std::accumulate(weight, weight + length, 0.0);
    for (size_t s = 0; s < count; ++s) {
      size_t found = 0;
      if (call.scalar(2).to_bool()) {
        const double at = rounded(unit(row * count + s, dtype) * total, dtype);
        for (double sum = weight[0]; sum <= at; sum += weight[found]) ++found;
      } else {
        found = static_cast<size_t>(std::max_element(keys.begin(), keys.end()) - keys.begin());
        keys[found] = -1;
      }
      out.values[row * count + s] = static_cast<double>(found);
    }
  }
  return out;
}

void add_multinomial(std::vector<SampleRow>& rows) {
  rows.push_back(draw("multinomial", kFloats, choice_calls, choices));
  rows.back().errors = {
      {"integers", {blank({2}, kInt64), Scalar(1)}, "multinomial.*floating"},
      {"rank", {blank({2, 2, 2}), Scalar(1)}, "multinomial.*\\(2, 2, 2\\)"},
      {"number", {blank({}), Scalar(1)}, "multinomial.*\\(\\)"},
      {"no samples", {blank({2}), Scalar(0)}, "multinomial.*samples.*0"},
      {"too many", {blank({2}), Scalar(3)}, "multinomial.*at most 2.*3"},
      {"negative", {Array({2}, kFloat32, {1, -1}), Scalar(1)}, "multinomial.*negative"},
      {"NaN", {Array({2}, kFloat32, {1, NAN}), Scalar(1)}, "multinomial.*NaN"},
      {"infinite", {Array({2}, kFloat32, {1, INFINITY}), Scalar(1)}, "multinomial.*infinite"},
      {"zeros", {Array({2, 2}, kFloat32, {1, 0, 0, 0}), Scalar(1)}, "multinomial.*all be 0"},
      {"nothing", {blank({0}), Scalar(1), Scalar(true)}, "multinomial.*nothing"}};
}

// ---- dropout of channels, and for SELU ----

void add_other_dropouts(std::vector<SampleRow>& rows) {
  for (const bool features : {true, false}) {
    for (const bool alpha : {false, true}) {
      if (!features && !alpha) continue;
      SampleRow row;
      row.op = features ? (alpha ? "feature_alpha_dropout" : "feature_dropout") : "alpha_dropout";
      row.dtypes = kFloats;
      row.calls = [](DType dtype, Random& random) {
        std::vector<Call> calls;
        for (const Shape& sizes : {Shape{2, 3}, Shape{2, 3, 4}, Shape{3, 2, 1, 5}, Shape{0, 3}}) {
          const Array self = random.array(sizes, dtype, -4, 4);
          for (const double p : {0.5, 0.0, 1.0, 0.25})
            calls.push_back({{self, Scalar(p), Scalar(true)}});
          calls.push_back({{self, Scalar(0.5), Scalar(false)}});
        }
        return calls;
      };
      row.expect = [features, alpha](const Call& call) {
        Array out = call.array(0);
        const double p = call.scalar(1).to_double();
        if (!call.scalar(2).to_bool() || p == 0) return std::vector<Array>{out};
        const auto channel = static_cast<size_t>(
            features && !out.values.empty() ? out.sizes.slice(2, out.sizes.rank()).numel() : 1);
        const double a = 1.7580993408473766;
        const double scale = 1 / std::sqrt((a * a * p + 1) * (1 - p));
        for (size_t i = 0; i < out.values.size(); ++i) {
          const bool kept = unit(i / channel, kFloat32) < rounded(1 - p, wide(out.dtype));
          double& value = out.values[i];
          if (!alpha)
            value *= kept ? rounded(1 / (1 - p), out.dtype) : 0;
          else if (p == 1)
            value *= 0;
          else
            value = scale * ((kept ? value : -a) + a * p);
          out.magnitudes.push_back(alpha && p < 1 ? 12 * storage_roundings(out.dtype) : 0);
        }
        return std::vector<Array>{out};
      };
      row.tolerance = Tolerance::kSum;
      row.gradient = true;
      row.errors = {
          {"above", {blank({2, 2}), Scalar(1.5), Scalar(true)}, row.op + ".*1\\.5"},
          {"below", {blank({2, 2}), Scalar(-0.5), Scalar(true)}, row.op + ".*-0\\.5"},
          {"NaN", {blank({2, 2}), Scalar(NAN), Scalar(true)}, row.op + ".*nan"},
          {"integers", {blank({2, 2}, kInt64), Scalar(0.5), Scalar(true)}, row.op + ".*floating"},
          {"bools", {blank({2, 2}, kBool), Scalar(0.5), Scalar(true)}, row.op + ".*floating"}};
      if (features)
        row.errors.push_back(
            {"rank", {blank({3}), Scalar(0.5), Scalar(true)}, row.op + ".*\\(3\\)"});
      rows.push_back(std::move(row));
    }
  }
}

}  // namespace

void add_random_samples(std::vector<SampleRow>& rows) {
  add_new(rows);
  add_integers(rows);
  add_fills(rows);
  add_dropout(rows);
  add_like(rows);
  add_random_fill(rows);
  add_exponential(rows);
  add_bernoulli(rows);
  add_normal(rows);
  add_multinomial(rows);
  add_other_dropouts(rows);
}

}  // namespace tenon::ops_test
