// Pooling, softmax and optimizer steps of the plugin cpu against naive code in f64; equal random
// bits at every instruction set, and normals.
#include "cpu_host.h"

#include <cmath>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;
constexpr uint32_t kI64 = TN_DTYPE_I64;

struct Pool {
  int64_t height, width, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h,
      dilation_w;
};

const Pool kPools[] = {{28, 28, 2, 2, 2, 2, 0, 0, 1, 1}, {10, 10, 2, 2, 2, 2, 0, 0, 1, 1},
                       {9, 71, 2, 2, 2, 2, 0, 0, 1, 1},  {7, 9, 3, 3, 2, 2, 1, 1, 1, 1},
                       {8, 8, 3, 2, 1, 1, 1, 0, 2, 2},   {2, 2, 2, 2, 2, 2, 0, 0, 1, 1},
                       {10, 12, 3, 3, 2, 2, 1, 1, 1, 1}, {7, 69, 2, 2, 2, 2, 0, 0, 1, 1}};

int64_t pooled(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  return (size + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

// The position of the greatest value of a window; the first NaN wins, then the first of equals.
int64_t naive_best(TestTensor& x, const Pool& p, int64_t plane, int64_t h, int64_t w) {
  int64_t best = -1;
  float value = 0;
  for (int64_t i = 0; i < p.kernel_h; ++i) {
    for (int64_t j = 0; j < p.kernel_w; ++j) {
      const int64_t y = h * p.stride_h - p.pad_h + i * p.dilation_h;
      const int64_t z = w * p.stride_w - p.pad_w + j * p.dilation_w;
      if (y < 0 || z < 0 || y >= p.height || z >= p.width) continue;
      const float v = x.at<float>(plane * p.height * p.width + y * p.width + z);
      if (best < 0 || (!std::isnan(value) && (v > value || std::isnan(v)))) {
        best = y * p.width + z;
        value = v;
      }
    }
  }
  return best;
}

TEST(CpuPooling, MaxTakesFirstOfTiesAndNan) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    host.cut = {3, true};
    for (const Pool& p : kPools) {
      const int64_t oh = pooled(p.height, p.kernel_h, p.stride_h, p.pad_h, p.dilation_h);
      const int64_t ow = pooled(p.width, p.kernel_w, p.stride_w, p.pad_w, p.dilation_w);
      TestTensor x(host, kF32, {3, 2, p.height, p.width});
      TestTensor y(host, kF32, {3, 2, oh, ow});
      TestTensor at(host, kI64, {3, 2, oh, ow});
      TestTensor dx(host, kF32, {3, 2, p.height, p.width});
      x.fill<float>([](int64_t i) {
        return i % 23 == 0 ? static_cast<double>(NAN) : static_cast<double>(i * 7 % 5);
      });
      run(host, {"max_pool2d",
                 {&y, &at},
                 {&x},
                 {p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_h, p.pad_w, p.dilation_h,
                  p.dilation_w}});
      for (int64_t i = 0; i < y.count(); ++i) {
        const int64_t plane = i / (oh * ow);
        const int64_t best = naive_best(x, p, plane, i / ow % oh, i % ow);
        ASSERT_EQ(at.at<int64_t>(i), best) << isa << " at " << i;
        const float value = x.at<float>(plane * p.height * p.width + best);
        ASSERT_TRUE(y.at<float>(i) == value || (std::isnan(value) && std::isnan(y.at<float>(i))));
      }
      y.fill<float>([](int64_t i) { return i + 1; });
      run(host, {"max_pool2d_grad", {&dx}, {&y, &at}});
      std::vector<float> expected(static_cast<size_t>(dx.count()), 0.0f);
      for (int64_t i = 0; i < y.count(); ++i) {
        expected[static_cast<size_t>(i / (oh * ow) * p.height * p.width + at.at<int64_t>(i))] +=
            y.at<float>(i);
      }
      ASSERT_EQ(dx.values<float>(), expected) << isa;
    }
  }
}

TEST(CpuPooling, AverageCountsPaddingOrNot) {
  CpuHost host;
  TestTensor x(host, kF32, {1, 1, 3, 3});
  TestTensor y(host, kF32, {1, 1, 2, 2});
  x.fill<float>([](int64_t i) { return i + 1; });
  run(host, {"avg_pool2d", {&y}, {&x}, {3, 3, 2, 2, 1, 1, 1}});
  EXPECT_EQ(y.values<float>(), (std::vector<float>{12.0f / 9, 16.0f / 9, 24.0f / 9, 28.0f / 9}));
  run(host, {"avg_pool2d", {&y}, {&x}, {3, 3, 2, 2, 1, 1, 0}});
  EXPECT_EQ(y.values<float>(), (std::vector<float>{3, 4, 6, 7}));
}

TEST(CpuSoftmax, EqualsNaiveAlongAnyDimension) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    const std::vector<int64_t> shape = {5, 37, 41};
    for (int64_t dim = 0; dim < 3; ++dim) {
      TestTensor x(host, kF32, shape);
      TestTensor y(host, kF32, shape);
      TestTensor z(host, kF32, shape);
      TestTensor dy(host, kF32, shape);
      TestTensor dx(host, kF32, shape);
      TestTensor dz(host, kF32, shape);
      x.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i)) * 20; });
      dy.fill<float>([](int64_t i) { return std::cos(static_cast<double>(i)); });
      run(host, {"softmax", {&y}, {&x}, {dim}});
      run(host, {"log_softmax", {&z}, {&x}, {dim}});
      run(host, {"softmax_grad", {&dx}, {&dy, &y}, {dim}});
      run(host, {"log_softmax_grad", {&dz}, {&dy, &z}, {dim}});
      const int64_t stride = x.desc().strides[dim];
      const int64_t length = shape[static_cast<size_t>(dim)];
      for (int64_t i = 0; i < x.count(); ++i) {
        const int64_t first = i - i / stride % length * stride;
        double total = 0;
        double dot = 0;
        double sum = 0;
        for (int64_t k = 0; k < length; ++k) {
          total += std::exp(static_cast<double>(x.at<float>(first + k * stride)));
          dot += static_cast<double>(dy.at<float>(first + k * stride)) *
                 static_cast<double>(y.at<float>(first + k * stride));
          sum += static_cast<double>(dy.at<float>(first + k * stride));
        }
        const double value = static_cast<double>(x.at<float>(i));
        const double d = static_cast<double>(dy.at<float>(i));
        const double exact = std::exp(value) / total;
        ASSERT_NEAR(y.at<float>(i), exact, 4e-6 * exact + 1e-12);
        ASSERT_NEAR(z.at<float>(i), value - std::log(total), 4e-6 * (1 + std::fabs(value)));
        ASSERT_NEAR(dx.at<float>(i), exact * (d - dot), 2e-6);
        ASSERT_NEAR(dz.at<float>(i), d - exact * sum, 1e-5);
      }
    }
  }
}

TEST(CpuSoftmax, NanAndInfinityStayInTheirLine) {
  CpuHost host;
  TestTensor x(host, kF32, {3, 4});
  TestTensor y(host, kF32, {3, 4});
  x.set<float>({1, NAN, 2, 3, 1, 1, 1, -INFINITY, 5, 5, 5, 5});
  run(host, {"softmax", {&y}, {&x}, {1}});
  for (int64_t i = 0; i < 4; ++i) EXPECT_TRUE(std::isnan(y.at<float>(i)));
  EXPECT_NEAR(y.at<float>(4), 1.0 / 3, 1e-6);
  EXPECT_EQ(y.at<float>(7), 0.0f);
  EXPECT_EQ(y.at<float>(8), 0.25f);
}

TEST(CpuOptimizer, SgdFollowsTorch) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    for (const int64_t nesterov : {0, 1}) {
      for (const int64_t first : {0, 1}) {
        TestTensor p(host, kF32, {100});
        TestTensor m(host, kF32, {100});
        TestTensor g(host, kF32, {100});
        const auto at = [](int64_t i) { return std::sin(static_cast<double>(i)); };
        p.fill<float>(at);
        m.fill<float>([&](int64_t i) { return at(i + 7); });
        g.fill<float>([&](int64_t i) { return at(i + 13); });
        run(host, {"sgd_step",
                   {&p, &m},
                   {&g},
                   {nesterov, first},
                   {scalar(0.1), scalar(0.9), scalar(0.2), scalar(0.01)}});
        for (int64_t i = 0; i < 100; ++i) {
          const double d = at(i + 13) + 0.01 * at(i);
          const double buffer = first != 0 ? d : 0.9 * at(i + 7) + 0.8 * d;
          const double step = nesterov != 0 ? d + 0.9 * buffer : buffer;
          ASSERT_NEAR(m.at<float>(i), buffer, 1e-6);
          ASSERT_NEAR(p.at<float>(i), at(i) - 0.1 * step, 1e-6);
        }
      }
    }
  }
}

TEST(CpuOptimizer, AdamFollowsTorch) {
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    TestTensor p(host, kF32, {37});
    TestTensor m(host, kF32, {37});
    TestTensor v(host, kF32, {37});
    TestTensor g(host, kF32, {37});
    const auto at = [](int64_t i) { return std::sin(static_cast<double>(i)); };
    p.fill<float>(at);
    m.fill<float>([&](int64_t i) { return at(i + 7); });
    v.fill<float>([&](int64_t i) { return 1 + at(i); });
    g.fill<float>([&](int64_t i) { return at(i + 13); });
    run(host, {"adam_step",
               {&p, &m, &v},
               {&g},
               {},
               {scalar(0.1), scalar(0.9), scalar(0.99), scalar(1e-8), scalar(0.01), scalar(0.19),
                scalar(0.02)}});
    for (int64_t i = 0; i < 37; ++i) {
      const double d = at(i + 13) + 0.01 * at(i);
      const double first = 0.9 * at(i + 7) + 0.1 * d;
      const double second = 0.99 * (1 + at(i)) + 0.01 * d * d;
      ASSERT_NEAR(m.at<float>(i), first, 1e-6);
      ASSERT_NEAR(v.at<float>(i), second, 1e-6);
      const double step = 0.1 / 0.19 * first / (std::sqrt(second / 0.02) + 1e-8);
      ASSERT_NEAR(p.at<float>(i), at(i) - step, 1e-6);
    }
  }
}

TEST(CpuRandom, SameBitsAtEveryInstructionSet) {
  std::vector<int64_t> bits;
  std::vector<float> uniforms;
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    TestTensor x(host, kI64, {3, 1001});
    TestTensor u(host, kF32, {3, 1001}, {1, 3});
    run(host, {"random", {&x}, {}, {TN_RANDOM_BITS}, {0x123456789abcdefu, 77u << 30}});
    host.cut = {4, true};
    run(host, {"random", {&u}, {}, {TN_RANDOM_UNIFORM}, {0x123456789abcdefu, 77u << 30}});
    if (bits.empty()) bits = x.values<int64_t>(), uniforms = u.values<float>();
    EXPECT_EQ(x.values<int64_t>(), bits) << isa;
    EXPECT_EQ(u.values<float>(), uniforms) << isa;
  }
  for (size_t i = 0; i < bits.size(); ++i) {
    ASSERT_EQ(uniforms[i], static_cast<float>(bits[i] >> 8) * 0x1p-24f);
  }
}

// mean + deviation sqrt(-2 log(1 - u1)) cos(2 pi u2), with u1, u2 of words 2 e and 2 e + 1.
TEST(CpuRandom, NormalsAreBoxMullerOfTheWords) {
  constexpr int64_t kCount = 10'007;
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    TestTensor u(host, kF32, {kCount, 2});
    TestTensor y(host, kF32, {kCount});
    run(host, {"random", {&u}, {}, {TN_RANDOM_UNIFORM}, {123, 7}});
    host.cut = {3, true};
    run(host, {"random_normal", {&y}, {}, {}, {123, 7, scalar(1.5), scalar(2)}});
    for (int64_t e = 0; e < kCount; ++e) {
      const double radius = std::sqrt(-2 * std::log1p(-double{u.at<float>(2 * e)}));
      const double expected =
          1.5 + 2 * radius * std::cos(2 * M_PI * double{u.at<float>(2 * e + 1)});
      ASSERT_NEAR(double{y.at<float>(e)}, expected, 4e-6) << isa << " " << e;
    }
  }
}

}  // namespace
}  // namespace tenon::test
