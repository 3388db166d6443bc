// Several devices alive in one program: every dtype moves between every pair, and each computes.
// Usage: integration_all_devices <device> <device> ...
#include <cstdio>
#include <cstdlib>

#include <tenon/tenon.h>

using namespace tenon;

namespace {

void expect(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "all_devices: failed: %s\n", what.c_str());
  std::exit(1);
}

Tensor sample(DType dtype) {
  std::vector<double> numbers;
  for (int i = 0; i < 1000; ++i) numbers.push_back(i % 7 - (tenon::name(dtype)[0] == 'u' ? 0 : 3));
  return tensor(std::span<const double>(numbers), {10, 100}, TensorOptions(dtype, Device()));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> names(argv + 1, argv + argc);
  int moves = 0;
  for (const DType dtype : kAllDTypes) {
    const Tensor host = sample(dtype);
    const std::vector<double> expected = host.to_vector<double>();
    for (const std::string& from : names) {
      const Tensor there = host.to(from.c_str());
      for (const std::string& to : names) {
        const std::string what = join_text(dtype, " from ", from, " to ", to);
        const Tensor moved = there.to(to.c_str());
        expect(moved.device() == Device(to), what);
        expect(moved.to_vector<double>() == expected, what);
        const Tensor view = there.slice(0, 1, 9, 2).t().to(to.c_str());
        expect(view.to_vector<double>() == host.slice(0, 1, 9, 2).t().to_vector<double>(),
               what + ", strided");
        moves += 2;
      }
    }
  }
  // All of them work at once, and a graph crosses from one to the next.
  Tensor x = ones({3});
  x.requires_grad_();
  Tensor y = x;
  for (const std::string& name : names) y = y.to(name.c_str()) * 2;
  y.sum().backward();
  expect(x.grad().device() == x.device(), "the gradient is where the leaf is");
  const float slope = x.grad().to_vector<float>()[2];
  expect(slope == static_cast<float>(1 << names.size()), "the gradient came through every device");
  std::printf("%d moves between %zu devices\n", moves, names.size());
}
