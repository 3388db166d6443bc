// A layer and a derivative that the library does not have: checked against differences, then
// trained on images of clothes. TENON_DEVICE chooses the device.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <tenon/autograd/gradcheck.h>

#include "swish.h"

using namespace tenon;

namespace {

struct Options {
  int64_t steps = 150;
  int64_t batch_size = 64;
  int64_t test_images = 1000;
  double lr = 2e-3;
  double penalty = 0.05;
  std::string data = data::FashionMnist::kFolder;
};

struct Net : nn::Cloneable<Net> {
  SwishLinear hidden{784, 64};
  nn::Linear out{64, 10};
  Net() {
    register_module("hidden", &Net::hidden);
    register_module("out", &Net::out);
  }
  // Shapes: images (N, 1, 28, 28), result (N, 10).
  Tensor forward(const Tensor& images) override { return out(hidden(images.flatten(1))); }
};

// The derivative and its own derivative, in float64.
void check_derivatives() {
  const Tensor x = randn({3, 4}, kFloat64).requires_grad_();
  const Tensor beta = rand({4}, kFloat64).requires_grad_();
  const auto swish = [](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{Swish::apply(in[0], in[1])};
  };
  autograd::gradcheck(swish, {x, beta});
  autograd::gradgradcheck(swish, {x, beta});
  std::printf("%s: first and second derivatives agree with differences\n",
              Swish::apply(x, beta).grad_fn()->name().c_str());
}

// Cross entropy, and the squared length of its gradient by the images: a network that hardly
// changes its mind when a pixel changes. Its derivative differentiates Swish twice.
// Source: Drucker, LeCun, 1992, "Improving generalization performance using double
// backpropagation".
Tensor loss_of(Net& net, const Tensor& images, const Tensor& labels, double penalty) {
  const Tensor loss = cross_entropy(net(images), labels);
  const Tensor slope = autograd::grad({loss}, {images}, {}, {.create_graph = true})[0];
  return loss + penalty * static_cast<double>(images.size(0)) * square(slope).sum();
}

float train(Net& net, const Options& options) {
  data::DataLoader images(std::make_shared<data::FashionMnist>(data::Split::kTrain, options.data),
                          {.batch_size = options.batch_size, .shuffle = true});
  optim::Adam optimizer(net.parameters(), {.lr = options.lr});
  int64_t step = 0;
  float first = 0, mean = 0;  // the mean forgets
  while (step < options.steps) {
    for (auto& [batch, labels] : images) {
      const Tensor loss = loss_of(net, batch.requires_grad_(), labels, options.penalty);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      const float value = loss.item<float>();
      if (step == 0) first = mean = value;
      mean += 0.1f * (value - mean);
      if (step++ % std::max<int64_t>(1, options.steps / 10) == 0)
        std::printf("step %4lld  loss %.4f\n", static_cast<long long>(step - 1),
                    static_cast<double>(value));
      if (step == options.steps) break;
    }
  }
  return mean / first;
}

double accuracy_of(Net& net, const Options& options) {
  const NoGradGuard no_grad;
  std::shared_ptr<const data::Dataset> images =
      std::make_shared<data::FashionMnist>(data::Split::kTest, options.data);
  const int64_t count = std::min(options.test_images, images->size());
  images = std::make_shared<data::Subset>(data::Subset::first(std::move(images), count));
  int64_t right = 0;
  for (auto& [batch, labels] : data::DataLoader(images, {.batch_size = 250}))
    right += net(batch).argmax(1).eq(labels).to(kInt64).sum().item<int64_t>();
  return static_cast<double>(right) / static_cast<double>(count);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Trains a layer with a derivative of its own on images of clothes."};
  const auto count = CLI::Range(int64_t{1}, int64_t{1} << 40);
  app.add_option("--steps", options.steps, "Batches")->check(count)->capture_default_str();
  app.add_option("--batch-size", options.batch_size, "Images per step")
      ->check(count)
      ->capture_default_str();
  app.add_option("--test-images", options.test_images, "Test on the first N images")
      ->check(count)
      ->capture_default_str();
  app.add_option("--lr", options.lr, "Learning rate")->capture_default_str();
  app.add_option("--penalty", options.penalty, "Weight of the input gradient's square")
      ->capture_default_str();
  app.add_option("--data", options.data, "Folder with the four files of the dataset")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    manual_seed(0);
    check_derivatives();
    Net net;
    const float ratio = train(net, options);
    const std::vector<float> beta = net.hidden.beta.to_vector<float>();
    const auto [least, most] = std::minmax_element(beta.begin(), beta.end());
    std::printf("slopes learnt: %.3f to %.3f\n", static_cast<double>(*least),
                static_cast<double>(*most));
    std::printf("test accuracy: %.4f on %s\n", accuracy_of(net, options),
                default_device().str().c_str());
    check(ratio < 1, ErrorCode::kInvalidArgument, "training", "the loss must fall, it grew by ",
          ratio, "; try a smaller --lr");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
