// ResNet-18 with the stem for small images, under torchvision's names. Source: He et al., 2016.
#pragma once

#include <memory>

#include <tenon/tenon.h>

// y = relu(x + bn2(conv2(relu(bn1(conv1(x)))))); x goes through `downsample` where its shape
// changes. Shapes: (N, in, H, W) to (N, out, H/stride, W/stride).
struct BasicBlock : tenon::nn::Cloneable<BasicBlock> {
  tenon::nn::Conv2d conv1, conv2;
  tenon::nn::BatchNorm2d bn1, bn2;
  std::shared_ptr<tenon::nn::Sequential> downsample;  // may be null

  BasicBlock(int64_t in, int64_t out, int64_t stride);
  tenon::Tensor forward(const tenon::Tensor& x) override;
};

// Shapes: images (N, 1, 28, 28), result (N, classes). The stem's padding of 3 is that of its kernel
// and two more: the images become 32 × 32.
struct ResNet18 : tenon::nn::Cloneable<ResNet18> {
  tenon::nn::Conv2d conv1;
  tenon::nn::BatchNorm2d bn1;
  tenon::nn::Sequential layer1, layer2, layer3, layer4;
  tenon::nn::Linear fc;

  // width: channels of the first stage; the original has 64.
  ResNet18(int64_t width, int64_t classes);
  tenon::Tensor forward(const tenon::Tensor& images) override;
};
