// Steps of training of three usual sizes; prints the most memory that the process held.
// Usage: integration_training_memory mlp|lenet|gpt <steps>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <tenon/tenon.h>

using namespace tenon;

namespace {

struct Mlp : nn::Cloneable<Mlp> {
  nn::Linear a{784, 512}, b{512, 512}, c{512, 10};
  Mlp() {
    register_module("a", &Mlp::a);
    register_module("b", &Mlp::b);
    register_module("c", &Mlp::c);
  }
  Tensor forward(const Tensor& x) override { return c(relu(b(relu(a(x))))); }
};

struct LeNet : nn::Cloneable<LeNet> {
  nn::Conv2d conv1{1, 6, 5, {.padding = 2}}, conv2{6, 16, 5};
  nn::Linear fc1{400, 120}, fc2{120, 84}, fc3{84, 10};
  LeNet() {
    register_module("conv1", &LeNet::conv1);
    register_module("conv2", &LeNet::conv2);
    register_module("fc1", &LeNet::fc1);
    register_module("fc2", &LeNet::fc2);
    register_module("fc3", &LeNet::fc3);
  }
  Tensor forward(const Tensor& image) override {
    Tensor x = max_pool2d(relu(conv1(image)), {.kernel = {2, 2}});
    x = max_pool2d(relu(conv2(x)), {.kernel = {2, 2}});
    return fc3(relu(fc2(relu(fc1(x.flatten(1))))));
  }
};

constexpr int64_t kLetters = 1024, kWidth = 256, kHeads = 4, kContext = 128, kBatch = 8;

// Attention is written out, so that its scores are kept for the backward pass.
struct Layer : nn::Cloneable<Layer> {
  nn::LayerNorm norm1{kWidth}, norm2{kWidth};
  nn::Linear in{kWidth, 3 * kWidth}, out{kWidth, kWidth}, widen{kWidth, 4 * kWidth},
      narrow{4 * kWidth, kWidth};
  Layer() {
    register_module("norm1", &Layer::norm1);
    register_module("norm2", &Layer::norm2);
    register_module("in", &Layer::in);
    register_module("out", &Layer::out);
    register_module("widen", &Layer::widen);
    register_module("narrow", &Layer::narrow);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor parts =
        in(norm1(x)).view({kBatch, kContext, 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    const Tensor later = triu(ones({kContext, kContext}), 1).to(kBool);
    Tensor scores = matmul(parts.select(0, 0), parts.select(0, 1).transpose(-2, -1)) * 0.125;
    scores = softmax(masked_fill(scores, later, -1e9), -1);
    const Tensor heads = matmul(scores, parts.select(0, 2)).transpose(1, 2);
    const Tensor y = x + out(heads.reshape({kBatch, kContext, kWidth}));
    return y + narrow(gelu(widen(norm2(y))));
  }
};

struct Gpt : nn::Cloneable<Gpt> {
  nn::Embedding letters{kLetters, kWidth}, places{kContext, kWidth};
  nn::Sequential layers;
  nn::LayerNorm norm{kWidth};
  nn::Linear head{kWidth, kLetters};
  Gpt() {
    for (int i = 0; i < 4; ++i) layers.push_back(Layer());
    register_module("letters", &Gpt::letters);
    register_module("places", &Gpt::places);
    register_module("layers", &Gpt::layers);
    register_module("norm", &Gpt::norm);
    register_module("head", &Gpt::head);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor order = arange(kContext, TensorOptions(kInt64));
    return head(norm(layers(letters(x) + places(order)))).view({-1, kLetters});
  }
};

template <class Net, class Optimizer, class Options>
double train(const Tensor& x, const Tensor& target, const Options& options, int steps) {
  Net net;
  Optimizer optimizer(net.parameters(), options);
  double last = 0;
  for (int i = 0; i < steps; ++i) {
    const Tensor loss = cross_entropy(net(x), target);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    last = loss.item<double>();
  }
  return last;
}

double run(const std::string& row, int steps) {
  manual_seed(1);
  if (row == "mlp") {
    return train<Mlp, optim::SGD>(randn({64, 784}), randint(0, 10, {64}),
                                  optim::SGDOptions{.lr = 0.01}, steps);
  }
  if (row == "lenet") {
    return train<LeNet, optim::SGD>(randn({64, 1, 28, 28}), randint(0, 10, {64}),
                                    optim::SGDOptions{.lr = 0.01, .momentum = 0.9}, steps);
  }
  return train<Gpt, optim::Adam>(randint(0, kLetters, {kBatch, kContext}),
                                 randint(0, kLetters, {kBatch * kContext}),
                                 optim::AdamOptions{.lr = 1e-3}, steps);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const double loss = run(argv[1], std::atoi(argv[2]));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const MemoryStats stats = memory_stats(default_device());
  std::printf("loss %.4f\nallocated %llu KiB\nreserved %llu KiB\nresident %ld KiB\n", loss,
              static_cast<unsigned long long>(stats.allocated_peak / 1024),
              static_cast<unsigned long long>(stats.reserved_peak / 1024), usage.ru_maxrss);
  return loss > 0 && loss < 20 ? 0 : 1;
}
