// Rows of networks: trained and evaluated. One source for Tenon and libtorch. The checks of a
// training row are its loss at the first step and at a later one.
#pragma once

#include "models.h"
#include "rows_overhead.h"

namespace peers {

inline std::vector<int64_t> class_numbers(int64_t n, int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < n; ++i) numbers.push_back(i * 7 % count);
  return numbers;
}

template <class N, class... Arguments>
std::shared_ptr<N> made(const Arguments&... arguments) {
  auto net = std::make_shared<N>(arguments...);
  set_parameters(*net);
  return net;
}

// A batch and what is learned of it.
struct Task {
  Tensor input, classes;
};
inline Task images_task(const Shape& sizes, int64_t classes, int64_t batch) {
  return {data(sizes), integers(class_numbers(batch, classes), {batch})};
}
inline Task text_task(int64_t batch) {
  std::vector<int64_t> numbers = class_numbers(batch * 128 + 1, 1021);
  const std::vector<int64_t> next(numbers.begin() + 1, numbers.end());
  numbers.pop_back();
  return {integers(numbers, {batch, 128}), integers(next, {batch * 128})};
}

template <class N>
Tensor loss_of(N& net, const Task& task) {
  const Tensor scores = net.forward(task.input);
  return cross_entropy(scores.view({-1, scores.size(-1)}), task.classes);
}

// Whole steps. The loss of step `compared` must be that of the other sides.
template <class N, class Optimizer>
Row training(std::shared_ptr<N> net, std::shared_ptr<Optimizer> optimizer, const Task& task,
             int compared = 5) {
  const auto step = [net, optimizer, task] {
    const Tensor loss = loss_of(*net, task);
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
    return loss;
  };
  const double first = step().template item<double>();
  for (int i = 2; i < compared; ++i) step();
  const double later = step().template item<double>();
  for (int i = compared; i < 5; ++i) step();
  return make_row([step] { keep(step()); }, {first, later});
}

template <class N>
Row evaluation(std::shared_ptr<N> net, const Tensor& input) {
  net->eval();
  const auto forward = [net, input] {
    const NoRecording guard;
    return net->forward(input);
  };
  return computing(forward);
}

inline void add_small_model_rows(Rows& rows) {
  static const std::vector<int64_t> kTiny = {8, 16, 16, 4}, kWide = {784, 512, 512, 10};
  const auto tiny_task = [] { return images_task({16, 8}, 4, 16); };
  rows["tiny_forward_grad"] = [=] {
    return computing(
        [net = made<Mlp>(kTiny), task = tiny_task()] { return net->forward(task.input); });
  };
  rows["tiny_forward"] = [=] { return evaluation(made<Mlp>(kTiny), tiny_task().input); };
  rows["tiny_sgd"] = [=] {
    const auto net = made<Mlp>(kTiny);
    return training(net, sgd(*net, 0.1), tiny_task());
  };
  rows["tiny_adam"] = [=] {
    const auto net = made<Mlp>(kTiny);
    return training(net, adam(*net, 1e-3), tiny_task());
  };
  rows["mlp_train"] = [] {
    const auto net = made<Mlp>(kWide);
    return training(net, sgd(*net, 0.1), images_task({64, 784}, 10, 64));
  };
  rows["lenet_train"] = [] {
    const auto net = made<LeNet>();
    return training(net, sgd(*net, 0.02, 0.9), images_task({64, 1, 28, 28}, 10, 64));
  };
  for (const int64_t batch : {1, 64}) {
    const std::string suffix = "_infer_b" + std::to_string(batch);
    rows["mlp" + suffix] = [batch] { return evaluation(made<Mlp>(kWide), data({batch, 784})); };
    rows["lenet" + suffix] = [batch] {
      return evaluation(made<LeNet>(), data({batch, 1, 28, 28}));
    };
  }
}

inline void add_resnet_rows(Rows& rows) {
  rows["resnet_cifar_train"] = [] {
    const auto net = made<ResNet18>(Stem::kCifar, int64_t{10});
    // Batch statistics of few images: after some steps each rounding leads elsewhere.
    return training(net, sgd(*net, 0.01, 0.9), images_task({16, 3, 32, 32}, 10, 16), 2);
  };
  rows["resnet_cifar_infer"] = [] {
    return evaluation(made<ResNet18>(Stem::kCifar, int64_t{10}), data({16, 3, 32, 32}));
  };
  rows["resnet_224_infer"] = [] {
    return evaluation(made<ResNet18>(Stem::kImageNet, int64_t{1000}), data({1, 3, 224, 224}));
  };
  rows["resnet_224_infer_channels_last"] = [] {
    return evaluation(made<ResNet18>(Stem::kImageNet, int64_t{1000}),
                      channels_last(data({1, 3, 224, 224})));
  };
}

inline std::shared_ptr<Gpt> made_gpt() {
  return made<Gpt>(int64_t{1024}, int64_t{128}, int64_t{256}, int64_t{4}, int64_t{4});
}

inline void add_gpt_rows(Rows& rows) {
  rows["gpt_train"] = [] {
    const auto net = made_gpt();
    return training(net, adam(*net, 1e-3), text_task(8));
  };
  rows["gpt_forward"] = [] {
    return computing([net = made_gpt(), task = text_task(8)] { return loss_of(*net, task); });
  };
  rows["gpt_backward"] = [] {
    const auto net = made_gpt();
    const Task task = text_task(8);
    return Row{[net, task](int64_t n) {
                 double seconds = 0;
                 for (int64_t i = 0; i < n; ++i) {
                   const Tensor loss = loss_of(*net, task);
                   const auto begin = Clock::now();
                   loss.backward();
                   seconds += seconds_since(begin);
                 }
                 return seconds;
               },
               {}};
  };
  rows["gpt_adam"] = [] {
    const auto net = made_gpt();
    const auto optimizer = adam(*net, 1e-3);
    loss_of(*net, text_task(8)).backward();
    return make_row([net, optimizer] { optimizer->step(); });
  };
  for (const int64_t batch : {1, 8}) {
    rows["gpt_infer_b" + std::to_string(batch)] = [batch] {
      return evaluation(made_gpt(), text_task(batch).input);
    };
  }
}

inline void add_model_rows(Rows& rows) {
  add_small_model_rows(rows);
  add_resnet_rows(rows);
  add_gpt_rows(rows);
}

}  // namespace peers
