// A chain of a million ops: forward, backward and away, on whatever stack the program was given.
// Usage: integration_long_chain <ops>
#include <cstdio>
#include <cstdlib>

#include <tenon/autograd/node.h>
#include <tenon/tenon.h>

using namespace tenon;

int main(int argc, char** argv) {
  const long ops = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  const int64_t before = autograd::Node::live_count();
  {
    Tensor x = ones({1});
    x.requires_grad_();
    Tensor y = x;
    for (long i = 0; i < ops; ++i) y = y + 1;
    std::printf("value %.0f\n", y.item<double>());
    y.backward();
    std::printf("gradient %g\n", x.grad().item<double>());
    // A second one that nobody walks, so that its nodes go by reference counts alone.
    for (long i = 0; i < ops; ++i) y = y * 1;
  }
  std::printf("nodes left %lld\n", static_cast<long long>(autograd::Node::live_count() - before));
}
