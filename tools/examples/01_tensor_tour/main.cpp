// A tour of tensors and gradients. The device is one word: TENON_DEVICE=opaque 01_tensor_tour
#include <tenon/tenon.h>

#include <cstdlib>
#include <iostream>

namespace {

using namespace tenon;

void make_tensors() {
  std::cout << "# tensors\n";
  const Tensor memory = empty({5, 3});  // uninitialised: any values
  const Tensor x = rand({5, 3});
  std::cout << "empty({5, 3}) has sizes " << memory.size(0) << " x " << memory.size(1) << '\n'
            << "x = rand({5, 3}) on " << x.device().str() << '\n'
            << x << '\n'
            << "tensor({5.5, 3}) = " << tensor({5.5, 3.0}) << "\n\n";
}

void add_tensors() {
  std::cout << "# four spellings of add\n";
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  Tensor y = ones({2, 3});
  std::cout << "x + y\n" << x + y << '\n';
  std::cout << "add(x, y)\n" << add(x, y) << '\n';
  Tensor result = empty({2, 3});
  add_out(result, x, y);
  std::cout << "add_out(result, x, y)\n" << result << '\n';
  y.add_(x);
  std::cout << "y.add_(x) changes y; every op that ends in _ changes its tensor\n" << y << "\n\n";
}

void index_tensors() {
  std::cout << "# indexing is as in NumPy, and gives views\n";
  Tensor x = arange(6, kFloat32).view({2, 3});
  Tensor column = x.index({Slice(), 1});
  std::cout << "x[:, 1] = " << column << '\n';
  column.fill_(-1);
  std::cout << "x after x[:, 1].fill_(-1)\n" << x << '\n';
  std::cout << "x.t().contiguous().view({6}) = " << x.t().contiguous().view({6}) << "\n\n";
}

void move_tensors() {
  std::cout << "# devices\n";
  const Tensor host = ones({2}, Device("cpu"));
  const Tensor moved = host.to(default_device());
  const Tensor sum = moved + moved;
  std::cout << "computed on " << sum.device().str() << ", read on " << sum.cpu().device().str()
            << ": " << sum.cpu() << "\n\n";
}

void take_gradients() {
  std::cout << "# gradients\n";
  const Tensor x = ones({2, 2}).requires_grad_();
  const Tensor y = x + 2;
  const Tensor out = (y * y * 3).mean();
  std::cout << "out = mean(3 (x + 2)^2) = " << out << '\n';
  out.backward();
  std::cout << "x.grad = 6 (x + 2) / 4\n" << x.grad() << "\n\n";
}

// The rule that trains a network by hand: against the gradient, unrecorded, then a fresh gradient.
void descend() {
  std::cout << "# learning: w -= lr * w.grad\n";
  Tensor w = full({1}, 5.0).requires_grad_();
  for (int step = 0; step < 3; ++step) {
    const Tensor loss = (w * w).sum();
    loss.backward();
    std::cout << "loss " << loss.item<float>() << '\n';
    const NoGradGuard no_grad;
    w.sub_(0.25 * w.grad());
    w.set_grad({});
  }
}

}  // namespace

int main() {
  try {
    manual_seed(0);
    make_tensors();
    add_tensors();
    index_tensors();
    move_tensors();
    take_gradients();
    descend();
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
