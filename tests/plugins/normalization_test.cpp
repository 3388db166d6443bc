// softmax, standardize and their gradients where a plugin overrides them, against sums in f64:
// lines of every length class, along every dimension, in every layout.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "plugin_host.h"

namespace tenon::plugin_test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kEps = 1e-3;

double bound_of(uint32_t dtype) {
  return dtype == TN_DTYPE_F16 ? 0x1p-9 : dtype == TN_DTYPE_BF16 ? 0x1p-6 : 1e-5;
}

// Row-major numbers of the elements of each line: positions that agree outside of the mask.
std::vector<std::vector<int64_t>> lines_of(const std::vector<int64_t>& shape, uint32_t mask) {
  int64_t count = 1, lines = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    count *= shape[d];
    if ((mask >> d & 1u) == 0) lines *= shape[d];
  }
  std::vector<std::vector<int64_t>> all(static_cast<size_t>(lines));
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, line = 0, step = 1;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) {
      if ((mask >> d & 1u) != 0) continue;
      line += rest % shape[d] * step;
      step *= shape[d];
    }
    all[static_cast<size_t>(line)].push_back(i);
  }
  return all;
}

// Number in a tensor of `shape`, aligned at the last dimension, that belongs to element i of
// `full`.
int64_t broadcast_number(const std::vector<int64_t>& full, const std::vector<int64_t>& shape,
                         int64_t i) {
  int64_t number = 0, stride = 1;
  const size_t lead = full.size() - shape.size();
  for (size_t d = full.size(); d-- > 0;) {
    const int64_t at = i % full[d];
    i /= full[d];
    if (d < lead) continue;
    if (shape[d - lead] != 1) number += at * stride;
    stride *= shape[d - lead];
  }
  return number;
}

// Dense, in the opposite order of dimensions, every second element, and one for all along the
// first.
Array in_layout(int layout, uint32_t dtype, const std::vector<int64_t>& shape) {
  if (layout == 0) return dense(dtype, shape);
  std::vector<int64_t> strides(shape.size());
  int64_t stride = layout == 2 ? 2 : 1;
  for (size_t d = 0; d < shape.size(); stride *= shape[d++]) strides[d] = stride;
  if (layout == 3 && !strides.empty()) strides[0] = 0;
  return strided(dtype, shape, strides, layout == 2 ? 5 : 0);
}

class Normalization : public testing::TestWithParam<uint32_t> {
 protected:
  Array random(int layout, const std::vector<int64_t>& shape, double low, double high) {
    Array a = in_layout(layout, GetParam(), shape);
    std::uniform_real_distribution<double> reals(low, high);
    for (int64_t i = 0; i < a.count(); ++i) a.set_real(i, reals(random_));
    return a;
  }
  // Are there results? (A plugin may leave the operator to the host.)
  bool launch(const Call& call, std::vector<Array>& outputs) {
    const Outcome got = run(device_, call);
    if (got.status == TN_UNSUPPORTED) return false;
    EXPECT_EQ(got.status, TN_OK) << got.text;
    outputs = got.outputs;
    return got.status == TN_OK;
  }
  void expect_near(const Array& got, int64_t i, double expected, double size,
                   const std::string& what) {
    const double value = got.real(i);
    if (std::isnan(expected) && std::isnan(value)) return;
    if (expected == value) return;
    ASSERT_NEAR(value, expected, bound_of(got.dtype) * (std::fabs(expected) + size))
        << what << ", element " << i;
  }
  void check_softmax(const std::string& op, const Array& a, const Array& b, Array out, int64_t dim);
  void check_standardize(const std::vector<int64_t>& shape, uint32_t mask,
                         const std::vector<int64_t>& weight_shape, int layout);

  PluginHost device_{device_under_test()};
  std::mt19937_64 random_{7};
};

// a is x, or the gradient with b the result.
void Normalization::check_softmax(const std::string& op, const Array& a, const Array& b, Array out,
                                  int64_t dim) {
  const bool gradient = op.ends_with("_grad"), logarithm = op.starts_with("log_");
  Call call{op, {std::move(out)}, {a}, {dim}, {}, nullptr};
  if (gradient) call.inputs.push_back(b);
  std::vector<Array> got;
  if (!launch(call, got)) return;
  const uint32_t mask = a.shape.empty() ? 0 : 1u << dim;
  for (const auto& line : lines_of(a.shape, mask)) {
    double top = -kInf, sum = 0, size = 0;
    for (const int64_t i : line) top = a.real(i) > top || std::isnan(a.real(i)) ? a.real(i) : top;
    for (const int64_t i : line) {
      const double term = !gradient   ? std::exp(a.real(i) - top)
                          : logarithm ? a.real(i)
                                      : a.real(i) * b.real(i);
      sum += term;
      size += std::fabs(term);
    }
    for (const int64_t i : line) {
      const double x = a.real(i);
      const double y = gradient ? b.real(i) : 0;
      const double expected = !gradient && logarithm ? (x - top) - std::log(sum)
                              : !gradient            ? std::exp(x - top) / sum
                              : logarithm            ? x - std::exp(y) * sum
                                                     : y * (x - sum);
      // Subnormals of f16 are 2^-24 apart.
      const double scale = gradient ? 1e-2 * size + 1 : logarithm ? 1 : 1e-4;
      expect_near(got[0], i, expected, scale, op + " " + std::to_string(line.size()));
      if (HasFatalFailure()) return;
    }
  }
}

void Normalization::check_standardize(const std::vector<int64_t>& shape, uint32_t mask,
                                      const std::vector<int64_t>& weight_shape, int layout) {
  const uint32_t dtype = GetParam();
  std::vector<int64_t> kept = shape;
  for (size_t d = 0; d < kept.size(); ++d) {
    if ((mask >> d & 1u) != 0) kept[d] = 1;
  }
  const Array x = random(layout, shape, 2, 6), g = random(layout == 3 ? 0 : layout, shape, -1, 1);
  const Array w = random(0, weight_shape, 0.5, 2), b = random(0, weight_shape, -1, 1);
  const Array statistics = dense(TN_DTYPE_F32, kept), out = in_layout(layout % 3, dtype, shape);
  const std::vector<uint64_t> scalars = {slot(kEps)};
  std::vector<Array> y, grads;
  if (!launch({"standardize", {statistics, statistics, out}, {x, w, b}, {mask}, scalars, nullptr},
              y) ||
      !launch({"standardize_grad", {out, w, w}, {g, x, y[0], y[1], w}, {mask, 7}, scalars, nullptr},
              grads)) {
    return;
  }
  const auto weights = static_cast<size_t>(w.count());
  std::vector<double> dw(weights), db(weights), dw_size(weights), db_size(weights);
  const std::string what = "mask " + std::to_string(mask) + " layout " + std::to_string(layout);
  for (const auto& line : lines_of(shape, mask)) {
    const auto n = static_cast<double>(line.size());
    double mean = 0, var = 0, sum = 0, slope = 0;
    for (const int64_t i : line) mean += x.real(i) / n;
    for (const int64_t i : line) var += std::pow(x.real(i) - mean, 2) / n;
    const double rstd = 1 / std::sqrt(var + kEps);
    const auto own = [&](int64_t i) { return broadcast_number(shape, weight_shape, i); };
    const auto unit = [&](int64_t i) { return (x.real(i) - mean) * rstd; };
    const int64_t number = broadcast_number(shape, kept, line[0]);
    expect_near(y[0], number, mean, 1, what + " mean");
    expect_near(y[1], number, var, 1, what + " var");
    for (const int64_t i : line) {
      sum += g.real(i) * w.real(own(i)) / n;
      slope += g.real(i) * w.real(own(i)) * unit(i) / n;
      const auto k = static_cast<size_t>(own(i));
      dw[k] += g.real(i) * unit(i);
      db[k] += g.real(i);
      dw_size[k] += std::fabs(g.real(i) * unit(i));
      db_size[k] += std::fabs(g.real(i));
    }
    for (const int64_t i : line) {
      expect_near(y[2], i, unit(i) * w.real(own(i)) + b.real(own(i)), 2, what + " y");
      expect_near(grads[0], i, (g.real(i) * w.real(own(i)) - sum - unit(i) * slope) * rstd,
                  2 * (1 + rstd), what + " dx");
      if (HasFatalFailure()) return;
    }
  }
  for (int64_t k = 0; k < w.count(); ++k) {
    const auto i = static_cast<size_t>(k);
    expect_near(grads[1], k, dw[i], 1 + 0.1 * dw_size[i], what + " dw");
    expect_near(grads[2], k, db[i], 1 + 0.1 * db_size[i], what + " db");
  }
}

constexpr const char* kForward[] = {"softmax", "log_softmax"};
constexpr const char* kGradients[] = {"softmax_grad", "log_softmax_grad"};

TEST_P(Normalization, SoftmaxOfEveryLength) {
  for (const int64_t length :
       {1, 3, 31, 32, 100, 128, 250, 512, 1000, 1024, 1025, 2048, 4000, 8192, 8193, 16384, 20000}) {
    const std::vector<int64_t> shape = {3, length};
    const Array x = random(0, shape, -6, 6),
                y = random(0, shape, 0, 2.0 / static_cast<double>(length));
    for (const char* op : kForward) check_softmax(op, x, {}, dense(GetParam(), shape), 1);
    for (const char* op : kGradients) check_softmax(op, x, y, dense(GetParam(), shape), 1);
  }
}

TEST_P(Normalization, SoftmaxAlongEveryDimensionInEveryLayout) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{5, 9, 70}, {2, 300, 4}, {40, 3, 8}, {3, 1, 7}, {600}, {}}) {
    for (int layout = 0; layout < 4; ++layout) {
      const Array x = random(layout, shape, -6, 6), y = random(layout == 1 ? 0 : 1, shape, -1, 1);
      for (int64_t dim = 0; dim < std::max<int64_t>(1, static_cast<int64_t>(shape.size())); ++dim) {
        const Array out = in_layout(layout % 3, GetParam(), shape);
        for (const char* op : kForward) check_softmax(op, x, {}, out, dim);
        for (const char* op : kGradients) check_softmax(op, x, y, out, dim);
      }
    }
  }
}

TEST_P(Normalization, SoftmaxOfManyShortLines) {
  const std::vector<int64_t> shape = {70000, 3};
  const Array x = random(0, shape, -6, 6);
  check_softmax("softmax", x, {}, dense(GetParam(), shape), 1);
}

TEST_P(Normalization, NanAndInfinityStayInTheirLine) {
  for (const int64_t length : {4, 40, 1500, 20000}) {
    for (const int64_t dim : {0, 1}) {
      std::vector<int64_t> shape = {6, length};
      if (dim == 0) std::swap(shape[0], shape[1]);
      Array x = random(0, shape, -6, 6);
      const auto put = [&](int64_t line, int64_t at, double value) {
        x.set_real(dim == 1 ? line * length + at : at * 6 + line, value);
      };
      put(0, 1, std::nan(""));
      put(1, 2, kInf);
      put(2, 0, -kInf);
      for (int64_t i = 0; i < length; ++i) put(3, i, -kInf);
      for (int64_t i = 0; i + 1 < length; ++i) put(4, i, -kInf);
      for (const char* op : kForward) check_softmax(op, x, {}, dense(GetParam(), shape), dim);
    }
  }
}

TEST_P(Normalization, StandardizesRows) {
  for (const int64_t length : {2, 31, 32, 200, 1000, 1024, 1025, 4096, 8192, 8200, 20000}) {
    check_standardize({5, length}, 0b10, {length}, 0);
  }
  check_standardize({1200, 64}, 0b10, {64}, 0);
  check_standardize({40, 3, 8, 20}, 0b1100, {8, 20}, 0);
}

TEST_P(Normalization, StandardizesChannelsAndGroups) {
  for (int layout = 0; layout < 4; ++layout) {
    check_standardize({3, 5, 7, 11}, 0b1101, {1, 5, 1, 1}, layout);
    check_standardize({3, 5, 4, 12}, 0b1101, {5, 1, 1}, layout);
    check_standardize({50, 40}, 0b01, {40}, layout);
    check_standardize({3, 4, 5, 9}, 0b1100, {1, 4, 1, 1}, layout);
    check_standardize({2, 3, 4, 12}, 0b1100, {1, 3, 4, 1}, layout);
    check_standardize({4, 6, 10}, 0b010, {10}, layout);
    check_standardize({4, 6, 10}, 0b101, {6, 10}, layout);
    check_standardize({4, 6, 10}, 0b111, {1}, layout);
    check_standardize({4, 6, 10}, 0b111, {4, 6, 10}, layout);
    check_standardize({6, 10}, 0b00, {10}, layout);
  }
  check_standardize({2, 4, 90, 100}, 0b1101, {1, 4, 1, 1}, 0);
  check_standardize({2, 4, 33, 77}, 0b1101, {1, 4, 1, 1}, 0);
}

TEST_P(Normalization, MomentsKeepTheirDigitsFarFromZero) {
  if (GetParam() != TN_DTYPE_F32) return;  // 16 bits have no digits left there
  for (const int64_t length : {100, 3000, 20000}) {
    Array x = dense(TN_DTYPE_F32, {2, length});
    for (int64_t i = 0; i < x.count(); ++i) x.set_real(i, 4096.0 + static_cast<double>(i % 2));
    const Array statistics = dense(TN_DTYPE_F32, {2, 1});
    std::vector<Array> got;
    if (!launch({"standardize", {statistics, statistics, x}, {x}, {2}, {slot(kEps)}, nullptr}, got))
      return;
    EXPECT_NEAR(got[0].real(0), 4096.5, 1e-3) << length;
    EXPECT_NEAR(got[1].real(0), 0.25, 1e-6) << length;
  }
}

TEST_P(Normalization, NothingToSumLeavesZeros) {
  const Array x = dense(GetParam(), {0, 5}), w = dense(GetParam(), {5});
  const Array statistics = dense(TN_DTYPE_F32, {1, 5});
  std::vector<Array> got, grads;
  if (!launch({"standardize", {statistics, statistics, x}, {x, w, w}, {1}, {slot(kEps)}, nullptr},
              got))
    return;
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(got[0].real(i), 0);
    EXPECT_EQ(got[1].real(i), 0);
  }
  if (!launch(
          {"standardize_grad", {x, w, w}, {x, x, got[0], got[1], w}, {1, 7}, {slot(kEps)}, nullptr},
          grads))
    return;
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(grads[1].real(i), 0);
    EXPECT_EQ(grads[2].real(i), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Normalization,
                         testing::Values(uint32_t{TN_DTYPE_F32}, uint32_t{TN_DTYPE_F16},
                                         uint32_t{TN_DTYPE_BF16}),
                         [](const auto& tested) { return std::string(dtype_name(tested.param)); });

}  // namespace
}  // namespace tenon::plugin_test
