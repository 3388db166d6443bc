#include "resnet.h"

using namespace tenon;

namespace {

nn::Conv2dOptions conv3x3(int64_t stride, int64_t padding = 1) {
  return {.stride = stride, .padding = padding, .bias = false};
}

nn::Sequential stage(int64_t in, int64_t out, int64_t stride) {
  return nn::Sequential{BasicBlock(in, out, stride), BasicBlock(out, out, 1)};
}

}  // namespace

BasicBlock::BasicBlock(int64_t in, int64_t out, int64_t stride)
    : conv1(in, out, 3, conv3x3(stride)), conv2(out, out, 3, conv3x3(1)), bn1(out), bn2(out) {
  if (stride != 1 || in != out)
    downsample = std::make_shared<nn::Sequential>(
        nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}), nn::BatchNorm2d(out));
  register_module("conv1", &BasicBlock::conv1);
  register_module("bn1", &BasicBlock::bn1);
  register_module("conv2", &BasicBlock::conv2);
  register_module("bn2", &BasicBlock::bn2);
  register_module("downsample", &BasicBlock::downsample);
}

Tensor BasicBlock::forward(const Tensor& x) {
  const Tensor y = bn2(conv2(relu(bn1(conv1(x)))));
  return relu(y + (downsample ? (*downsample)(x) : x));
}

ResNet18::ResNet18(int64_t width, int64_t classes)
    : conv1(1, width, 3, conv3x3(1, 3)),
      bn1(width),
      layer1(stage(width, width, 1)),
      layer2(stage(width, 2 * width, 2)),
      layer3(stage(2 * width, 4 * width, 2)),
      layer4(stage(4 * width, 8 * width, 2)),
      fc(8 * width, classes) {
  register_module("conv1", &ResNet18::conv1);
  register_module("bn1", &ResNet18::bn1);
  register_module("layer1", &ResNet18::layer1);
  register_module("layer2", &ResNet18::layer2);
  register_module("layer3", &ResNet18::layer3);
  register_module("layer4", &ResNet18::layer4);
  register_module("fc", &ResNet18::fc);
  apply([](nn::Module& module) {
    if (auto* conv = dynamic_cast<nn::Conv2d*>(&module))
      nn::init::kaiming_normal_(conv->weight, {.mode = nn::init::FanMode::kFanOut,
                                               .nonlinearity = nn::init::Nonlinearity::kReLU});
  });
}

Tensor ResNet18::forward(const Tensor& images) {
  Tensor x = relu(bn1(conv1(images)));    // (N, width, 32, 32)
  x = layer4(layer3(layer2(layer1(x))));  // (N, 8·width, 4, 4)
  return fc(x.mean({2, 3}));
}
