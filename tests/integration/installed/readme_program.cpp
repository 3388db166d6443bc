#include <iostream>

#include <tenon/tenon.h>

using namespace tenon;

int main() {
  const Tensor x = tensor({{0., 0.}, {0., 1.}, {1., 0.}, {1., 1.}});
  const Tensor y = tensor({{0.}, {1.}, {1.}, {0.}});  // x[0] xor x[1]
  nn::Sequential net{nn::Linear(2, 8), nn::Tanh(), nn::Linear(8, 1)};
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  for (int step = 0; step <= 200; ++step) {
    const Tensor loss = mse_loss(net(x), y);
    adam.zero_grad(), loss.backward(), adam.step();
    if (step % 50 == 0) std::cout << "step " << step << ": loss " << loss.item<float>() << '\n';
  }
  std::cout << "on " << x.device().str() << ": " << net(x).flatten() << '\n';
}
