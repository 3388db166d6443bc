// LeNet-5 with today's parts: ReLU and maximum pooling. Source: LeCun et al., 1998.
#pragma once

#include <tenon/tenon.h>

// Shapes: images (N, 1, 28, 28), result (N, 10), one score per class.
struct LeNet5 : tenon::nn::Cloneable<LeNet5> {
  tenon::nn::Conv2d conv1{1, 6, 5, {.padding = 2}}, conv2{6, 16, 5};
  tenon::nn::Linear fc1{400, 120}, fc2{120, 84}, fc3{84, 10};
  tenon::nn::MaxPool2d pool{2};

  LeNet5() {
    register_module("conv1", &LeNet5::conv1);
    register_module("conv2", &LeNet5::conv2);
    register_module("fc1", &LeNet5::fc1);
    register_module("fc2", &LeNet5::fc2);
    register_module("fc3", &LeNet5::fc3);
  }

  tenon::Tensor forward(const tenon::Tensor& images) override {
    tenon::Tensor x = pool(relu(conv1(images)));  // (N, 6, 14, 14)
    x = pool(relu(conv2(x)));                     // (N, 16, 5, 5)
    x = relu(fc1(x.flatten(1)));
    x = relu(fc2(x));
    return fc3(x);
  }
};
