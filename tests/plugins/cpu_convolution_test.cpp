// conv2d and its gradients on the plugin cpu against naive loops in f64, over stride, padding,
// dilation, groups and sizes; the same bits on any cut of the work.
#include "cpu_host.h"

#include <cmath>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;

struct Case {
  int64_t batch, in, height, width, out, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w,
      dilation_h, dilation_w, groups;
};

const Case kCases[] = {
    {3, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1},   {3, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1},
    {2, 3, 9, 11, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1},    {2, 4, 9, 11, 6, 3, 2, 2, 1, 1, 0, 1, 1, 2},
    {2, 2, 17, 19, 9, 7, 7, 2, 2, 3, 3, 1, 1, 1},   {1, 3, 12, 13, 4, 3, 3, 1, 1, 2, 2, 2, 2, 1},
    {1, 2, 15, 10, 3, 3, 3, 2, 3, 1, 2, 2, 3, 1},   {2, 5, 6, 6, 7, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {2, 5, 7, 7, 7, 1, 1, 2, 2, 0, 0, 1, 1, 1},     {1, 2, 8, 8, 2, 2, 2, 3, 3, 0, 0, 1, 1, 1},
    {1, 8, 10, 10, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8},   {1, 3, 5, 5, 4, 5, 5, 1, 1, 4, 4, 1, 1, 1},
    {1, 1, 4, 4, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1},     {4, 20, 9, 33, 19, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {1, 130, 20, 20, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1}, {0, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {17, 2, 6, 50, 3, 2, 4, 1, 2, 1, 0, 1, 1, 1},   {19, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1},
    {16, 3, 7, 7, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1},    {20, 4, 9, 8, 6, 3, 3, 2, 2, 1, 1, 1, 1, 2},
    {18, 2, 7, 6, 5, 3, 5, 2, 1, 4, 2, 1, 2, 1},    {33, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1},
    {16, 5, 3, 3, 3, 3, 3, 1, 1, 4, 4, 1, 1, 1},    {16, 40, 6, 6, 11, 3, 7, 1, 1, 1, 3, 1, 1, 1},
};

int64_t out_size(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  return (size + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

// Calls f(y index, x index, w index) for every product of the convolution.
template <class F>
void for_each_product(const Case& c, F f) {
  const int64_t oh = out_size(c.height, c.kernel_h, c.stride_h, c.pad_h, c.dilation_h);
  const int64_t ow = out_size(c.width, c.kernel_w, c.stride_w, c.pad_w, c.dilation_w);
  const int64_t cg = c.in / c.groups;
  const int64_t og = c.out / c.groups;
  for (int64_t n = 0; n < c.batch; ++n)
    for (int64_t o = 0; o < c.out; ++o)
      for (int64_t h = 0; h < oh; ++h)
        for (int64_t w = 0; w < ow; ++w)
          for (int64_t ci = 0; ci < cg; ++ci)
            for (int64_t kh = 0; kh < c.kernel_h; ++kh)
              for (int64_t kw = 0; kw < c.kernel_w; ++kw) {
                const int64_t ih = h * c.stride_h + kh * c.dilation_h - c.pad_h;
                const int64_t iw = w * c.stride_w + kw * c.dilation_w - c.pad_w;
                if (ih < 0 || iw < 0 || ih >= c.height || iw >= c.width) continue;
                const int64_t channel = o / og * cg + ci;
                f(((n * c.out + o) * oh + h) * ow + w,
                  ((n * c.in + channel) * c.height + ih) * c.width + iw,
                  ((o * cg + ci) * c.kernel_h + kh) * c.kernel_w + kw);
              }
}

struct Tensors {
  Tensors(const CpuHost& host, const Case& c)
      : x(host, kF32, {c.batch, c.in, c.height, c.width}),
        w(host, kF32, {c.out, c.in / c.groups, c.kernel_h, c.kernel_w}),
        bias(host, kF32, {c.out}),
        y(host, kF32,
          {c.batch, c.out, out_size(c.height, c.kernel_h, c.stride_h, c.pad_h, c.dilation_h),
           out_size(c.width, c.kernel_w, c.stride_w, c.pad_w, c.dilation_w)}),
        attributes{c.stride_h, c.stride_w, c.pad_h, c.pad_w, c.dilation_h, c.dilation_w, c.groups} {
    x.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i) * 0.37); });
    w.fill<float>([](int64_t i) { return std::cos(static_cast<double>(i) * 1.1) * 0.5; });
    bias.fill<float>([](int64_t i) { return static_cast<double>(i) * 0.25 - 1; });
    y.fill<float>([](int64_t i) { return std::sin(static_cast<double>(i) * 0.77 + 1); });
  }
  TestTensor x, w, bias, y;
  std::vector<int64_t> attributes;
};

void expect_close(TestTensor& got, const std::vector<double>& expected,
                  const std::vector<double>& scale) {
  for (int64_t i = 0; i < got.count(); ++i) {
    const size_t k = static_cast<size_t>(i);
    ASSERT_NEAR(got.at<float>(i), expected[k], 2e-6 * (scale[k] + 1)) << "at " << i;
  }
}

std::vector<double> zeros(const TestTensor& t) {
  return std::vector<double>(static_cast<size_t>(t.count()), 0.0);
}

class CpuConvolution : public testing::TestWithParam<Case> {};

TEST_P(CpuConvolution, ForwardEqualsNaive) {
  const Case& c = GetParam();
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    Tensors t(host, c);
    std::vector<double> expected = zeros(t.y);
    std::vector<double> scale = zeros(t.y);
    for_each_product(c, [&](int64_t y, int64_t x, int64_t w) {
      const double product =
          static_cast<double>(t.x.at<float>(x)) * static_cast<double>(t.w.at<float>(w));
      expected[static_cast<size_t>(y)] += product;
      scale[static_cast<size_t>(y)] += std::fabs(product);
    });
    run(host, {"conv2d", {&t.y}, {&t.x, &t.w}, t.attributes});
    expect_close(t.y, expected, scale);
    const int64_t plane = t.y.desc().shape[2] * t.y.desc().shape[3];
    for (int64_t i = 0; i < t.y.count(); ++i) {
      expected[static_cast<size_t>(i)] += static_cast<double>(t.bias.at<float>(i / plane % c.out));
    }
    run(host, {"conv2d", {&t.y}, {&t.x, &t.w, &t.bias}, t.attributes});
    expect_close(t.y, expected, scale);
  }
}

TEST_P(CpuConvolution, InputGradEqualsNaive) {
  const Case& c = GetParam();
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    Tensors t(host, c);
    std::vector<double> expected = zeros(t.x);
    std::vector<double> scale = zeros(t.x);
    for_each_product(c, [&](int64_t y, int64_t x, int64_t w) {
      const double product =
          static_cast<double>(t.y.at<float>(y)) * static_cast<double>(t.w.at<float>(w));
      expected[static_cast<size_t>(x)] += product;
      scale[static_cast<size_t>(x)] += std::fabs(product);
    });
    run(host, {"conv2d_input_grad", {&t.x}, {&t.y, &t.w}, t.attributes});
    expect_close(t.x, expected, scale);
  }
}

TEST_P(CpuConvolution, WeightGradEqualsNaive) {
  const Case& c = GetParam();
  for (const std::string& isa : CpuHost::levels()) {
    CpuHost host(isa);
    Tensors t(host, c);
    std::vector<double> expected = zeros(t.w);
    std::vector<double> scale = zeros(t.w);
    for_each_product(c, [&](int64_t y, int64_t x, int64_t w) {
      const double product =
          static_cast<double>(t.y.at<float>(y)) * static_cast<double>(t.x.at<float>(x));
      expected[static_cast<size_t>(w)] += product;
      scale[static_cast<size_t>(w)] += std::fabs(product);
    });
    run(host, {"conv2d_weight_grad", {&t.w}, {&t.y, &t.x}, t.attributes});
    expect_close(t.w, expected, scale);
  }
}

TEST_P(CpuConvolution, BitsDoNotDependOnTheCut) {
  const Case& c = GetParam();
  CpuHost host;
  const auto results = [&](Cut cut) {
    host.cut = cut;
    Tensors t(host, c);
    run(host, {"conv2d_input_grad", {&t.x}, {&t.y, &t.w}, t.attributes});
    std::vector<float> all = t.x.values<float>();
    run(host, {"conv2d_weight_grad", {&t.w}, {&t.y, &t.x}, t.attributes});
    for (const float v : t.w.values<float>()) all.push_back(v);
    run(host, {"conv2d", {&t.y}, {&t.x, &t.w, &t.bias}, t.attributes});
    for (const float v : t.y.values<float>()) all.push_back(v);
    return all;
  };
  EXPECT_EQ(results({1, false}), results({5, true}));
}

INSTANTIATE_TEST_SUITE_P(Shapes, CpuConvolution, testing::ValuesIn(kCases));

}  // namespace
}  // namespace tenon::test
