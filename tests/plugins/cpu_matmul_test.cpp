// Products of the plugin cpu: layouts, sizes on both sides of every switch, NaN in the output, k =
// 0, many callers at once, the same bits on any cut.
#include "cpu_host.h"

#include <atomic>
#include <cmath>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;

struct Size {
  int64_t batch, m, k, n;
};

const Size kSizes[] = {{1, 1, 1, 1},      {1, 3, 5, 7},    {1, 8, 8, 8},     {2, 16, 33, 17},
                       {1, 32, 32, 32},   {1, 31, 64, 65}, {1, 64, 100, 10}, {3, 70, 40, 50},
                       {1, 5, 0, 4},      {1, 0, 4, 4},    {1, 1, 300, 50},  {1, 50, 300, 1},
                       {1, 200, 96, 180}, {7, 4, 4, 4},    {2, 45, 33, 100}, {1, 64, 530, 70}};

// Strides of a [batch, rows, columns] operand in one of several layouts.
std::vector<int64_t> strides(int layout, int64_t rows, int64_t columns) {
  switch (layout) {
    case 0:
      return {rows * columns, columns, 1};
    case 1:
      return {rows * columns, 1, rows};  // transposed
    case 2:
      return {rows * (columns + 3), columns + 3, 1};  // rows with gaps
    case 3:
      return {rows * columns * 2, columns * 2, 2};  // no stride is 1
    default:
      return {0, columns, 1};  // one matrix for all
  }
}

template <class T>
void expect_product(TestTensor& c, TestTensor& a, TestTensor& b, const Size& s, double tolerance) {
  for (int64_t i = 0; i < c.count(); ++i) {
    const int64_t n = i / (s.m * s.n);
    const int64_t row = i / s.n % s.m;
    const int64_t column = i % s.n;
    double sum = 0;
    double scale = 0;
    for (int64_t k = 0; k < s.k; ++k) {
      const double x = static_cast<double>(a.at<T>((n * s.m + row) * s.k + k));
      const double y = static_cast<double>(b.at<T>((n * s.k + k) * s.n + column));
      sum += x * y;
      scale += std::fabs(x * y);
    }
    ASSERT_NEAR(static_cast<double>(c.at<T>(i)), sum, tolerance * (scale + 1e-30)) << "at " << i;
  }
}

template <class T>
void check_layouts(const CpuHost& host, const Size& s, double tolerance) {
  for (int la = 0; la < 5; ++la) {
    for (int lb = 0; lb < 5; ++lb) {
      for (int lc = 0; lc < 4; ++lc) {
        if (s.m * s.n * s.k > 200'000 && (la > 2 || lb > 2 || lc > 1)) continue;
        TestTensor a(host, dtype_of<T>(), {s.batch, s.m, s.k}, strides(la, s.m, s.k));
        TestTensor b(host, dtype_of<T>(), {s.batch, s.k, s.n}, strides(lb, s.k, s.n));
        TestTensor c(host, dtype_of<T>(), {s.batch, s.m, s.n}, strides(lc, s.m, s.n));
        a.template fill<T>([](int64_t i) { return std::sin(static_cast<double>(i)) * 9; });
        b.template fill<T>([](int64_t i) { return std::cos(static_cast<double>(i) * 1.3) * 9; });
        if constexpr (std::is_floating_point_v<T>) c.template fill<T>([](int64_t) { return NAN; });
        run(host, {"matmul", {&c}, {&a, &b}});
        ASSERT_NO_FATAL_FAILURE(expect_product<T>(c, a, b, s, tolerance))
            << s.m << "x" << s.k << "x" << s.n << " layouts " << la << lb << lc;
      }
    }
  }
}

TEST(CpuMatmul, AnyLayoutAndSize) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    host.cut = {3, false};
    for (const Size& s : kSizes) {
      check_layouts<float>(host, s, 2e-6);
      if (s.m * s.n < 4000) {
        check_layouts<double>(host, s, 4e-15);
        check_layouts<int64_t>(host, s, 0);
        check_layouts<int32_t>(host, s, 0);
      }
    }
  }
}

TEST(CpuMatmul, BitsDoNotDependOnTheCut) {
  CpuHost host;
  TestTensor a(host, kF32, {1, 300, 200});
  TestTensor b(host, kF32, {1, 200, 260}, {0, 1, 200});
  TestTensor one(host, kF32, {1, 300, 260});
  TestTensor many(host, kF32, {1, 300, 260});
  a.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i)); });
  b.fill<float>([](int64_t i) { return std::cos(static_cast<double>(i)); });
  run(host, {"matmul", {&one}, {&a, &b}});
  host.cut = {7, true};
  run(host, {"matmul", {&many}, {&a, &b}});
  EXPECT_EQ(one.values<float>(), many.values<float>());
}

// The serial flavour of OpenBLAS fails this: PARTS of its memory are shared without a lock.
TEST(CpuMatmul, ManyCallersAtOnce) {
  constexpr int kCallers = 64;
  constexpr int kRounds = 40;
  std::atomic<int> wrong = 0;
  CpuHost host;
  std::vector<std::thread> callers;
  for (int t = 0; t < kCallers; ++t) {
    callers.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const int64_t n = 8 + (t * 37 + round * 101) % 200;
        TestTensor a(host, kF32, {n, n});
        TestTensor b(host, kF32, {n, n});
        TestTensor c(host, kF32, {n, n});
        a.fill<float>([](int64_t i) { return i % 7 - 3; });
        b.fill<float>([t](int64_t i) { return (i + t) % 5 - 2; });
        run(host, {"matmul", {&c}, {&a, &b}});
        const int64_t row = (t + round) % n;
        const int64_t column = (3 * t + 5 * round) % n;
        float sum = 0;
        for (int64_t k = 0; k < n; ++k)
          sum += a.at<float>(row * n + k) * b.at<float>(k * n + column);
        if (c.at<float>(row * n + column) != sum) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(CpuMatmul, LinearAddsItsBias) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    const Size sizes[] = {{1, 64, 400, 120}, {1, 1, 33, 5}, {1, 7, 3, 300}, {1, 130, 1100, 300}};
    for (const Size& s : sizes) {
      TestTensor x(host, kF32, {s.m, s.k});
      TestTensor w(host, kF32, {s.n, s.k});
      TestTensor bias(host, kF32, {s.n});
      TestTensor y(host, kF32, {s.m, s.n});
      x.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i)); });
      w.fill<float>([](int64_t i) { return std::cos(static_cast<double>(i)); });
      bias.fill<float>([](int64_t i) { return i; });
      for (const bool with_bias : {false, true}) {
        y.fill<float>([](int64_t) { return NAN; });
        const auto inputs = with_bias ? std::vector<const TestTensor*>{&x, &w, &bias}
                                      : std::vector<const TestTensor*>{&x, &w};
        run(host, {"linear", {&y}, inputs});
        for (int64_t i = 0; i < y.count(); i += 1 + y.count() / 999) {
          double sum = with_bias ? static_cast<double>(i % s.n) : 0.0;
          for (int64_t k = 0; k < s.k; ++k) {
            sum += static_cast<double>(x.at<float>(i / s.n * s.k + k)) *
                   static_cast<double>(w.at<float>(i % s.n * s.k + k));
          }
          ASSERT_NEAR(y.at<float>(i), sum, 1e-6 * static_cast<double>(s.k) + 1e-4)
              << isa << " at " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tenon::test
