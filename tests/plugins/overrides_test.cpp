// Optional operators of any plugin that offers them, against naive code in f64; a required one too
// where a shortcut of the plugin has conditions that the other tests do not meet.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "plugin_host.h"

namespace tenon::plugin_test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr uint32_t kI64 = TN_DTYPE_I64;

class Offered : public testing::Test {
 protected:
  // Of the device; nothing where it leaves the operator to the host.
  std::vector<Array> results(const Call& call) {
    Outcome out = run(device_, call);
    if (out.status == TN_UNSUPPORTED) return {};
    EXPECT_EQ(out.status, TN_OK) << call.op << ": " << out.text;
    return std::move(out.outputs);
  }
  Array random(uint32_t dtype, Array a) {
    std::uniform_real_distribution<double> reals(0.1, 2.0);
    a.dtype = dtype;
    for (int64_t i = 0; i < a.count(); ++i) a.set_real(i, reals(random_));
    return a;
  }
  Array random(std::vector<int64_t> shape) { return random(kF32, dense(kF32, std::move(shape))); }

  PluginHost device_{device_under_test()};
  std::mt19937_64 random_{42};
};

TEST_F(Offered, SgdFollowsTorchInAnyLayout) {
  const Array layouts[] = {dense(kF32, {6, 167}), strided(kF32, {6, 167}, {1, 6}, 0),
                           strided(kF32, {6, 167}, {200, 1}, 3)};
  for (const Array& layout : layouts) {
    for (int64_t flags = 0; flags < 8; ++flags) {
      const bool buffered = (flags & 4) != 0, nesterov = (flags & 1) != 0, first = (flags & 2) != 0;
      Call call{"sgd_step",
                {random(kF32, layout)},
                {random({6, 167})},
                {nesterov, first},
                {slot(0.1), slot(0.9), slot(0.2), slot(0.01)},
                nullptr};
      if (buffered) call.outputs.push_back(random(kF32, layout));
      const auto out = results(call);
      if (out.empty()) GTEST_SKIP() << "not offered";
      for (int64_t i = 0; i < layout.count(); ++i) {
        const double p = call.outputs[0].real(i), d = call.inputs[0].real(i) + 0.01 * p;
        double step = d;
        if (buffered) {
          const double m = first ? d : 0.9 * call.outputs[1].real(i) + 0.8 * d;
          ASSERT_NEAR(out[1].real(i), m, 2e-6);
          step = nesterov ? d + 0.9 * m : m;
        }
        ASSERT_NEAR(out[0].real(i), p - 0.1 * step, 2e-6) << flags;
      }
    }
  }
}

TEST_F(Offered, AdamFollowsTorchInAnyLayout) {
  const Array layouts[] = {dense(kF32, {6, 167}), strided(kF32, {6, 167}, {1, 6}, 0),
                           strided(kF32, {6, 167}, {200, 1}, 3)};
  for (const Array& layout : layouts) {
    const Call call{
        "adam_step",
        {random(kF32, layout), random(kF32, layout), random(kF32, layout)},
        {random({6, 167})},
        {},
        {slot(0.1), slot(0.9), slot(0.99), slot(1e-8), slot(0.01), slot(0.19), slot(0.02)},
        nullptr};
    const auto out = results(call);
    if (out.empty()) GTEST_SKIP() << "not offered";
    for (int64_t i = 0; i < layout.count(); ++i) {
      const double p = call.outputs[0].real(i), d = call.inputs[0].real(i) + 0.01 * p;
      const double m = 0.9 * call.outputs[1].real(i) + 0.1 * d;
      const double v = 0.99 * call.outputs[2].real(i) + 0.01 * d * d;
      ASSERT_NEAR(out[1].real(i), m, 2e-6);
      ASSERT_NEAR(out[2].real(i), v, 2e-6);
      ASSERT_NEAR(out[0].real(i), p - 0.1 / 0.19 * m / (std::sqrt(v / 0.02) + 1e-8), 2e-6);
    }
  }
}

TEST_F(Offered, NormalsAreBoxMullerOfTheWords) {
  for (int64_t count : {1, 2, 7, 10'007}) {
    const std::vector<uint64_t> seed = {123, 7, slot(1.5), slot(2.0)};
    const auto out = results({"random_normal", {dense(kF32, {count})}, {}, {}, seed, nullptr});
    if (out.empty()) GTEST_SKIP() << "not offered";
    const auto u = results(
        {TN_OP_RANDOM, {dense(kF32, {2 * count})}, {}, {TN_RANDOM_UNIFORM}, {123, 7}, nullptr});
    for (int64_t e = 0; e < count; ++e) {
      const double radius = std::sqrt(-2 * std::log1p(-u[0].real(2 * e)));
      const double angle = 2 * M_PI * u[0].real(2 * e + 1);
      ASSERT_NEAR(out[0].real(e), 1.5 + 2 * radius * std::cos(angle), 4e-6) << e;
    }
  }
}

struct Pool {
  int64_t height, width, kernel, stride, pad, dilation;
};
constexpr Pool kPools[] = {{28, 28, 2, 2, 0, 1}, {9, 71, 2, 2, 0, 1}, {7, 9, 3, 2, 1, 1},
                           {8, 8, 3, 1, 1, 2},   {6, 6, 3, 1, 1, 1},  {110, 110, 3, 2, 1, 1}};

int64_t windows(int64_t size, const Pool& p) {
  return (size + 2 * p.pad - p.dilation * (p.kernel - 1) - 1) / p.stride + 1;
}

// The position of the greatest value of a window; the first NaN wins, then the first of equals.
int64_t greatest(const Array& x, const Pool& p, int64_t plane, int64_t h, int64_t w) {
  int64_t best = -1;
  double value = 0;
  for (int64_t i = 0; i < p.kernel * p.kernel; ++i) {
    const int64_t y = h * p.stride - p.pad + i / p.kernel * p.dilation;
    const int64_t z = w * p.stride - p.pad + i % p.kernel * p.dilation;
    if (y < 0 || z < 0 || y >= p.height || z >= p.width) continue;
    const double v = x.real((plane * p.height + y) * p.width + z);
    if (best >= 0 && (std::isnan(value) || !(v > value || std::isnan(v)))) continue;
    best = y * p.width + z;
    value = v;
  }
  return best;
}

TEST_F(Offered, MaxPoolingAndItsGradient) {
  for (const Pool& p : kPools) {
    for (uint32_t dtype : {kF32, uint32_t{TN_DTYPE_BF16}}) {
      const int64_t oh = windows(p.height, p), ow = windows(p.width, p);
      Array x = random(dtype, dense(dtype, {2, 3, p.height, p.width}));
      for (int64_t i = 0; i < x.count(); ++i)
        x.set_real(i, i % 23 == 0 ? NAN : static_cast<double>(i * 7 % 5));
      const std::vector<int64_t> out = {2, 3, oh, ow};
      auto y =
          results({"max_pool2d",
                   {dense(dtype, out), dense(kI64, out)},
                   {x},
                   {p.kernel, p.kernel, p.stride, p.stride, p.pad, p.pad, p.dilation, p.dilation},
                   {},
                   nullptr});
      if (y.empty()) GTEST_SKIP() << "not offered";
      for (int64_t i = 0; i < y[0].count(); ++i) {
        const int64_t plane = i / (oh * ow), best = greatest(x, p, plane, i / ow % oh, i % ow);
        ASSERT_EQ(y[1].whole(i), best) << i;
        const double value = x.real(plane * p.height * p.width + best);
        ASSERT_TRUE(y[0].real(i) == value || (std::isnan(value) && std::isnan(y[0].real(i))));
      }
      for (int64_t i = 0; i < y[0].count(); ++i) y[0].set_real(i, static_cast<double>(i % 16 + 1));
      const auto dx = results({"max_pool2d_grad", {dense(dtype, x.shape)}, y, {}, {}, nullptr});
      if (dx.empty()) GTEST_SKIP() << "not offered";
      std::vector<double> expected(static_cast<size_t>(x.count()));
      for (int64_t i = 0; i < y[0].count(); ++i) {
        const int64_t at = i / (oh * ow) * p.height * p.width + y[1].whole(i);
        expected[static_cast<size_t>(at)] += y[0].real(i);
      }
      for (int64_t i = 0; i < x.count(); ++i) {
        ASSERT_EQ(dx[0].real(i), expected[static_cast<size_t>(i)]) << i;
      }
    }
  }
}

TEST_F(Offered, AverageCountsPaddingOrNot) {
  Array x = dense(kF32, {1, 1, 3, 3});
  for (int64_t i = 0; i < 9; ++i) x.set_real(i, static_cast<double>(i + 1));
  const double with[] = {12.0 / 9, 16.0 / 9, 24.0 / 9, 28.0 / 9}, without[] = {3, 4, 6, 7};
  for (int64_t counts : {0, 1}) {
    const auto y = results(
        {"avg_pool2d", {dense(kF32, {1, 1, 2, 2})}, {x}, {3, 3, 2, 2, 1, 1, counts}, {}, nullptr});
    if (y.empty()) GTEST_SKIP() << "not offered";
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(y[0].real(i), counts != 0 ? with[i] : without[i], 1e-6);
    }
  }
}

// ---- required ones -----------------------------------------------------------------------------

// As of a lookup of rows: one index for a whole row, and its gradient.
TEST_F(Offered, RowsAreGatheredAndAddedWhole) {
  constexpr int64_t kRows = 11;
  for (uint32_t dtype : {kF32, uint32_t{TN_DTYPE_BF16}, uint32_t{TN_DTYPE_F64}}) {
    for (int64_t columns : {1, 3, 8, 264}) {
      for (int64_t count : {5, 700}) {
        Array index = strided(kI64, {count, columns}, {1, 0}, 0);
        for (int64_t i = 0; i < count; ++i) index.set_whole(i * columns, i * i % kRows);
        const Array table = random(dtype, dense(dtype, {kRows, columns}));
        const auto rows = results(
            {TN_OP_GATHER, {dense(dtype, {count, columns})}, {table, index}, {0}, {}, nullptr});
        Array sums = dense(dtype, {kRows, columns});
        for (int64_t i = 0; i < sums.count(); ++i) sums.set_real(i, 1);
        const auto sum =
            results({TN_OP_SCATTER, {sums}, {index, rows[0]}, {0, TN_SCATTER_ADD}, {}, nullptr});
        std::vector<Array> expected = {sums};
        for (int64_t i = 0; i < count * columns; ++i) {
          const int64_t at = index.whole(i) * columns + i % columns;
          ASSERT_EQ(rows[0].real(i), table.real(at));
          expected[0].set_real(at, expected[0].real(at) + rows[0].real(i));
        }
        for (int64_t i = 0; i < sums.count(); ++i) {
          ASSERT_EQ(sum[0].real(i), expected[0].real(i)) << dtype_name(dtype) << " element " << i;
        }
      }
    }
  }
}

// Whether values lie dense, in columns, every second one, or unaligned, their sum has one value; on
// cuda, whose reductions have one tree, the same bits.
TEST_F(Offered, SumsDoNotDependOnTheLayout) {
  for (int64_t n : {1, 7, 63, 130, 1024, 1999, 5000, 140'000}) {
    Array x = random({n});
    const auto sum = [&](const Array& in, int64_t dim) {
      std::vector<int64_t> shape = in.shape;
      shape[static_cast<size_t>(dim)] = 1;
      return results({TN_OP_REDUCE,
                      {dense(kF32, shape)},
                      {in},
                      {TN_REDUCE_SUM, 1 << dim},
                      {},
                      nullptr})[0]
          .real(0);
    };
    const double expected = sum(x, 0);
    Array layouts[] = {strided(kF32, {n, 9}, {9, 1}, 0),     strided(kF32, {9, n}, {n + 1, 1}, 1),
                       strided(kF32, {2, n}, {2 * n, 2}, 0), strided(kF32, {40, n}, {n + 12, 1}, 0),
                       strided(kF32, {n, 40}, {40, 1}, 0),   strided(kF32, {300, n}, {0, 1}, 0)};
    for (Array& layout : layouts) {
      if (n > 100'000 && layout.count() > 20 * n) continue;
      const int64_t dim = layout.shape[0] == n && layout.shape[1] != n ? 0 : 1;
      for (int64_t i = 0; i < layout.count(); ++i) {
        layout.set_real(i, x.real(dim == 0 ? i / layout.shape[1] : i % n));
      }
      const double got = sum(layout, dim);
      EXPECT_NEAR(got, expected, device_under_test() == "cuda" ? 0 : 1e-6 * expected)
          << n << " values, layout " << &layout - layouts;
    }
  }
}

}  // namespace
}  // namespace tenon::plugin_test
