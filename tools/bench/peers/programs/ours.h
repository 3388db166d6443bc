// Tenon's spelling of what the rows need; libtorch.h is the peer's. What both spell alike is used
// as it is.
#pragma once

#include <tenon/tenon.h>

#include <array>
#include <memory>
#include <span>

#include "bench.h"

namespace peers {

using namespace tenon;
using NoRecording = NoGradGuard;  // the least that is recorded
using NoGradScope = NoGradGuard;  // what may edit parameters

inline Tensor data(const Shape& sizes, double scale = 1, double step = .37) {
  const std::vector<float> values = wave(sizes.numel(), scale, step);
  return tensor(std::span<const float>(values), sizes);
}
inline Tensor integers(const std::vector<int64_t>& values, const Shape& sizes) {
  return tensor(std::span<const int64_t>(values), sizes);
}
inline Shape shape_of(const Tensor& x) { return x.sizes(); }
inline Tensor blank(const Shape& sizes) { return empty(sizes); }
inline Tensor literal() { return tensor({1, 2, 3}); }
inline std::vector<float> floats_of(const Tensor& x) { return x.detach().to_vector<float>(); }

inline Tensor join(const Tensor& a, const Tensor& b) { return cat(std::array<Tensor, 2>{a, b}); }
inline Tensor gelu_tanh(const Tensor& x) { return gelu(x, Gelu::kTanh); }
inline Tensor pool2x2(const Tensor& x) { return max_pool2d(x, {.kernel = {2, 2}}); }
inline Tensor means_of_images(const Tensor& x) { return adaptive_avg_pool2d(x, {1, 1}).flatten(1); }
inline Tensor conv(const Tensor& x, const Tensor& w, int64_t stride, int64_t padding) {
  return conv2d(x, w, {}, {.stride = {stride, stride}, .padding = {padding, padding}});
}
enum class Mode { kTraining, kEvaluation };
inline Tensor normalize_batch(const Tensor& x, const Tensor& mean, const Tensor& var,
                              const Tensor& w, const Tensor& b, Mode mode) {
  return batch_norm(x, mean, var, w, b, mode == Mode::kTraining);
}
inline Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  return scaled_dot_product_attention(q, k, v, {}, 0, true);
}
// There is one layout of images here.
inline Tensor channels_last(const Tensor& x) { return x; }

// A network whose layers are made and registered by name.
struct Net : nn::Module {
  using Linear = std::shared_ptr<nn::Linear>;
  using Conv = std::shared_ptr<nn::Conv2d>;
  using BatchNorm = std::shared_ptr<nn::BatchNorm2d>;
  using LayerNorm = std::shared_ptr<nn::LayerNorm>;
  using Embedding = std::shared_ptr<nn::Embedding>;

  Linear linear(const std::string& name, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<nn::Linear>(in, out));
  }
  Conv conv_layer(const std::string& name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                  int64_t padding, bool bias) {
    return register_module(
        name, std::make_shared<nn::Conv2d>(
                  in, out, kernel,
                  nn::Conv2dOptions{.stride = stride, .padding = padding, .bias = bias}));
  }
  BatchNorm batch_norm_layer(const std::string& name, int64_t channels) {
    return register_module(name, std::make_shared<nn::BatchNorm2d>(channels));
  }
  LayerNorm layer_norm_layer(const std::string& name, int64_t width) {
    return register_module(name, std::make_shared<nn::LayerNorm>(width));
  }
  Embedding embedding_layer(const std::string& name, int64_t count, int64_t width) {
    return register_module(name, std::make_shared<nn::Embedding>(count, width));
  }
  template <class N>
  std::shared_ptr<N> part(const std::string& name, std::shared_ptr<N> net) {
    return register_module(name, std::move(net));
  }
};
template <class Layer>
Tensor through(const std::shared_ptr<Layer>& layer, const Tensor& x) {
  return (*layer)(x);
}
template <class F>
void for_each_parameter(Net& net, F f) {
  for (auto& [name, value] : net.named_parameters()) f(name, value);
}

inline std::shared_ptr<optim::SGD> sgd(Net& net, double lr, double momentum = 0) {
  return std::make_shared<optim::SGD>(net.parameters(),
                                      optim::SGDOptions{.lr = lr, .momentum = momentum});
}
inline std::shared_ptr<optim::Adam> adam(Net& net, double lr) {
  return std::make_shared<optim::Adam>(net.parameters(), optim::AdamOptions{.lr = lr});
}

}  // namespace peers
