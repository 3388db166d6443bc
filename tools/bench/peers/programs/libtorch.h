// libtorch's spelling of what the rows need; ours.h is Tenon's. Threads and tuning come by the
// environment.
#pragma once

#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <tuple>

#include "bench.h"

namespace peers {

using torch::Tensor;
using torch::indexing::Slice;
using Shape = std::vector<int64_t>;
using NoRecording = c10::InferenceMode;  // the least that is recorded
using NoGradScope = torch::NoGradGuard;  // what may edit parameters
using torch::nn::functional::cross_entropy;

inline Tensor data(const Shape& sizes, double scale = 1, double step = .37) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return torch::tensor(wave(count, scale, step)).view(sizes);
}
inline Tensor integers(const std::vector<int64_t>& values, const Shape& sizes) {
  return torch::tensor(values).view(sizes);
}
inline Shape shape_of(const Tensor& x) { return x.sizes().vec(); }
inline Tensor blank(const Shape& sizes) { return torch::empty(sizes); }
inline Tensor literal() { return torch::tensor({1, 2, 3}); }
inline std::vector<float> floats_of(const Tensor& x) {
  const Tensor flat = x.detach().to(torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

inline Tensor join(const Tensor& a, const Tensor& b) { return torch::cat({a, b}); }
inline Tensor gelu_tanh(const Tensor& x) { return torch::gelu(x, "tanh"); }
inline Tensor pool2x2(const Tensor& x) { return torch::max_pool2d(x, {2, 2}); }
inline Tensor means_of_images(const Tensor& x) {
  return torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
}
inline Tensor conv(const Tensor& x, const Tensor& w, int64_t stride, int64_t padding) {
  return torch::conv2d(x, w, {}, {stride, stride}, {padding, padding});
}
enum class Mode { kTraining, kEvaluation };
inline Tensor normalize_batch(const Tensor& x, const Tensor& mean, const Tensor& var,
                              const Tensor& w, const Tensor& b, Mode mode) {
  return torch::batch_norm(x, w, b, mean, var, mode == Mode::kTraining, 0.1, 1e-5, false);
}
// The fused form where there is one.
inline Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
#if TORCH_VERSION_MAJOR >= 2
  return torch::scaled_dot_product_attention(q, k, v, {}, 0, true);
#else
  static const Tensor later = [length = q.size(2)] {
    const c10::InferenceMode off(false);  // rows of training use it too
    return torch::ones({length, length}, torch::kBool).triu(1);
  }();
  const Tensor scores = q.matmul(k.transpose(-2, -1)) / std::sqrt(static_cast<double>(q.size(3)));
  return scores.masked_fill(later, -INFINITY).softmax(-1).matmul(v);
#endif
}
inline Tensor channels_last(const Tensor& x) {
  return x.contiguous(torch::MemoryFormat::ChannelsLast);
}

// A network whose layers are made and registered by name.
struct Net : torch::nn::Module {
  using Linear = torch::nn::Linear;
  using Conv = torch::nn::Conv2d;
  using BatchNorm = torch::nn::BatchNorm2d;
  using LayerNorm = torch::nn::LayerNorm;
  using Embedding = torch::nn::Embedding;

  virtual Tensor forward(const Tensor& x) = 0;

  Linear linear(const std::string& name, int64_t in, int64_t out) {
    return register_module(name, Linear(in, out));
  }
  Conv conv_layer(const std::string& name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                  int64_t padding, bool bias) {
    return register_module(
        name,
        Conv(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).bias(bias)));
  }
  BatchNorm batch_norm_layer(const std::string& name, int64_t channels) {
    return register_module(name, BatchNorm(channels));
  }
  LayerNorm layer_norm_layer(const std::string& name, int64_t width) {
    return register_module(name, LayerNorm(torch::nn::LayerNormOptions({width})));
  }
  Embedding embedding_layer(const std::string& name, int64_t count, int64_t width) {
    return register_module(name, Embedding(count, width));
  }
  template <class N>
  std::shared_ptr<N> part(const std::string& name, std::shared_ptr<N> net) {
    return register_module(name, std::move(net));
  }
};
template <class Layer>
Tensor through(Layer& layer, const Tensor& x) {
  return layer->forward(x);
}
template <class F>
void for_each_parameter(Net& net, F f) {
  for (auto& entry : net.named_parameters()) f(entry.key(), entry.value());
}

inline std::shared_ptr<torch::optim::SGD> sgd(Net& net, double lr, double momentum = 0) {
  return std::make_shared<torch::optim::SGD>(net.parameters(),
                                             torch::optim::SGDOptions(lr).momentum(momentum));
}
inline std::shared_ptr<torch::optim::Adam> adam(Net& net, double lr) {
  return std::make_shared<torch::optim::Adam>(net.parameters(), torch::optim::AdamOptions(lr));
}

}  // namespace peers
