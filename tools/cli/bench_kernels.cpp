#include "bench_kernels.h"

#include <array>
#include <utility>

#include <tenon/runtime/ops/ops.h>

namespace tenon::cli {
namespace {

using Prepare = std::function<std::function<void()>(const Device&)>;

constexpr int64_t kMany = 1'000'000;
constexpr int64_t kSide = 1024;
constexpr double kSquareBytes = 4.0 * kSide * kSide;

Tensor random(const Device& device, const Shape& sizes) {
  return rand(sizes, TensorOptions(kFloat32, device)).sub_(0.5);
}

// A kernel of one, two or three random tensors.
template <class F>
Prepare of(const Shape& a, F f) {
  return [=](const Device& device) -> std::function<void()> {
    return [f, x = random(device, a)] { (void)f(x); };
  };
}
template <class F>
Prepare of(const Shape& a, const Shape& b, F f) {
  return [=](const Device& device) -> std::function<void()> {
    return [f, x = random(device, a), y = random(device, b)] { (void)f(x, y); };
  };
}

// 4-byte elements that are read and written.
Work moved(double elements) { return {4 * elements, 0}; }

void add_pointwise(std::vector<BenchKernel>& kernels) {
  const Shape many{kMany};
  const auto unary = [&](const char* name, auto f) {
    kernels.push_back({name, moved(2.0 * kMany), of(many, f)});
  };
  kernels.push_back({"fill 1e6", moved(kMany), [=](const Device& device) -> std::function<void()> {
                       return [x = empty(many, TensorOptions(kFloat32, device))]() mutable {
                         x.fill_(1.5);
                       };
                     }});
  unary("clone 1e6", [](const Tensor& x) { return x.clone(); });
  kernels.push_back({"add 1e6", moved(3.0 * kMany),
                     of(many, many, [](const Tensor& x, const Tensor& y) { return x + y; })});
  unary("relu 1e6", [](const Tensor& x) { return x.relu(); });
  unary("exp 1e6", [](const Tensor& x) { return x.exp(); });
  unary("sigmoid 1e6", [](const Tensor& x) { return x.sigmoid(); });
  unary("tanh 1e6", [](const Tensor& x) { return x.tanh(); });
  unary("sin 1e6", [](const Tensor& x) { return sin(x); });
  unary("gelu 1e6", [](const Tensor& x) { return gelu(x); });
  kernels.push_back({"where 1e6", moved(3.0 * kMany),
                     of(many, many, [](auto& x, auto& y) { return where(x > 0, x, y); })});
  kernels.push_back(
      {"normal_ 1e6", moved(kMany), [=](const Device& device) -> std::function<void()> {
         return [x = empty(many, TensorOptions(kFloat32, device))]() mutable { x.normal_(); };
       }});
}

void add_reductions(std::vector<BenchKernel>& kernels) {
  const Shape square{kSide, kSide};
  const auto reduce = [&](const char* name, auto f) {
    kernels.push_back({name, {kSquareBytes, 0}, of(square, f)});
  };
  reduce("sum 1024x1024", [](const Tensor& x) { return x.sum(); });
  reduce("sum(0) 1024x1024", [](const Tensor& x) { return x.sum({0}); });
  reduce("sum(1) 1024x1024", [](const Tensor& x) { return x.sum({1}); });
  reduce("argmax 1024x1024", [](const Tensor& x) { return x.argmax(); });
  reduce("max(1) 1024x1024", [](const Tensor& x) { return max(x, 1); });
  const auto map = [&](const char* name, auto f) {
    kernels.push_back({name, {2 * kSquareBytes, 0}, of(square, f)});
  };
  map("transpose 1024x1024", [](const Tensor& x) { return x.t().contiguous(); });
  map("softmax 1024x1024", [](const Tensor& x) { return softmax(x, 1); });
  map("layer_norm 1024x1024", [](const Tensor& x) { return layer_norm(x, {kSide}); });
  map("cumsum 1024x1024", [](const Tensor& x) { return cumsum(x, 1); });
  kernels.push_back({"sort 1024x1024", {4 * kSquareBytes, 0}, of(square, [](const Tensor& x) {
                       return sort(x, 1);
                     })});
  kernels.push_back({"nonzero 1024x1024", {5 * kSquareBytes, 0}, of(square, [](const Tensor& x) {
                       return nonzero(x);
                     })});
}

void add_indexing(std::vector<BenchKernel>& kernels) {
  constexpr int64_t kRows = 4096, kWidth = 256;
  const auto indexed = [](auto f) -> Prepare {
    return [f](const Device& device) -> std::function<void()> {
      const Tensor order = randint(0, kRows, {kRows}, TensorOptions(kInt64, device));
      return [f, order, x = random(device, {kRows, kWidth})] { (void)f(x, order); };
    };
  };
  kernels.push_back({"embedding 4096x256", moved(2.0 * kRows * kWidth),
                     indexed([](const Tensor& x, const Tensor& i) { return embedding(x, i); })});
  kernels.push_back({"index_add 4096x256", moved(4.0 * kRows * kWidth),
                     indexed([](auto& x, auto& i) { return index_add(x, 0, i, x); })});
}

void add_products(std::vector<BenchKernel>& kernels) {
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{64, 64, 64},
                                {256, 256, 256},
                                {512, 512, 512},
                                {64, 784, 512},
                                {1, 768, 3072}}) {
    const double bytes = 4 * static_cast<double>(m * k + k * n + m * n);
    const std::string name =
        "mm " + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n);
    kernels.push_back(
        {name,
         {bytes, 2 * static_cast<double>(m * k * n)},
         of({m, k}, {k, n}, [](const Tensor& a, const Tensor& b) { return a.mm(b); })});
  }
  kernels.push_back({"bmm 64x64x64x64",
                     {3 * 4.0 * 64 * 64 * 64, 2.0 * 64 * 64 * 64 * 64},
                     of({64, 64, 64}, {64, 64, 64}, [](auto& a, auto& b) { return bmm(a, b); })});
}

void add_images(std::vector<BenchKernel>& kernels) {
  const auto convolution = [&](const char* name, int64_t batch, int64_t in, int64_t size,
                               int64_t out, int64_t kernel) {
    const double pixels = static_cast<double>(batch * size * size);
    const auto weights = static_cast<double>(in * out * kernel * kernel);
    kernels.push_back(
        {name,
         {4 * (pixels * static_cast<double>(in + out) + weights), 2 * pixels * weights},
         of({batch, in, size, size}, {out, in, kernel, kernel}, [kernel](auto& x, auto& w) {
           return conv2d(x, w, {}, {.padding = {kernel / 2, kernel / 2}});
         })});
  };
  convolution("conv 3x3 64x32x32 to 64", 1, 64, 32, 64, 3);
  convolution("conv 5x5 1x28x28 to 6, batch 64", 64, 1, 28, 6, 5);
  convolution("conv 1x1 256x28x28 to 64", 1, 256, 28, 64, 1);
  const Shape images{16, 16, 56, 56};
  constexpr double kPixels = 16.0 * 16 * 56 * 56;
  kernels.push_back({"max_pool 2x2 16x16x56x56", moved(1.25 * kPixels), of(images, [](auto& x) {
                       return max_pool2d(x, {.kernel = {2, 2}});
                     })});
  kernels.push_back({"batch_norm 16x16x56x56", moved(2 * kPixels),
                     of(images, [](auto& x) { return batch_norm(x, {}, {}, {}, {}, true); })});
}

}  // namespace

std::vector<BenchKernel> bench_kernels() {
  std::vector<BenchKernel> kernels;
  add_pointwise(kernels);
  add_reductions(kernels);
  add_indexing(kernels);
  add_products(kernels);
  add_images(kernels);
  return kernels;
}

}  // namespace tenon::cli
