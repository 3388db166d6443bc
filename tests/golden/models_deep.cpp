// Models with normalisation and attention.
#include <cmath>

#include <tenon/tenon.h>

#include "golden/models_internal.h"

namespace tenon::golden {

namespace {

struct Residual : nn::Cloneable<Residual> {
  nn::Conv2d conv1, conv2, skip;
  nn::BatchNorm2d bn1, bn2, bn3;
  Residual(int64_t in, int64_t out, int64_t stride)
      : conv1(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
        conv2(out, out, 3, {.padding = 1, .bias = false}),
        skip(in, out, 1, {.stride = stride, .bias = false}),
        bn1(out),
        bn2(out),
        bn3(out) {
    register_module("conv1", &Residual::conv1);
    register_module("bn1", &Residual::bn1);
    register_module("conv2", &Residual::conv2);
    register_module("bn2", &Residual::bn2);
    register_module("skip", &Residual::skip);
    register_module("bn3", &Residual::bn3);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = relu(bn1(conv1(x)));
    return relu(bn2(conv2(y)) + bn3(skip(x)));
  }
};

// A transformer block that norms first; causal attention of two heads.
struct Block : nn::Cloneable<Block> {
  nn::LayerNorm norm1, norm2;
  nn::Linear qkv, out, up, down;
  explicit Block(int64_t width)
      : norm1(width),
        norm2(width),
        qkv(width, 3 * width),
        out(width, width),
        up(width, 2 * width),
        down(2 * width, width) {
    register_module("norm1", &Block::norm1);
    register_module("qkv", &Block::qkv);
    register_module("out", &Block::out);
    register_module("norm2", &Block::norm2);
    register_module("up", &Block::up);
    register_module("down", &Block::down);
  }
  Tensor forward(const Tensor& x) override {
    const int64_t batch = x.size(0), time = x.size(1), width = x.size(2);
    const std::vector<Tensor> parts =
        qkv(norm1(x)).view({batch, time, 3, 2, width / 2}).permute({2, 0, 3, 1, 4}).unbind(0);
    const Tensor y = scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0, true);
    const Tensor z = x + out(y.transpose(1, 2).reshape({batch, time, width}));
    return z + down(gelu(up(norm2(z))));
  }
};

struct Language : nn::Cloneable<Language> {
  nn::Embedding token{11, 8}, place{6, 8};
  Block block{8};
  nn::LayerNorm norm{8};
  nn::Linear head{8, 11, {.bias = false}};
  Language() {
    register_module("token", &Language::token);
    register_module("place", &Language::place);
    register_module("block", &Language::block);
    register_module("norm", &Language::norm);
    register_module("head", &Language::head);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor places = arange(0, x.size(1), 1, kInt64);
    return head(norm(block(token(x) + place(places)))).flatten(0, 1);
  }
};

// The library's own encoder layer, with its multi-head attention.
struct Encoder : nn::Cloneable<Encoder> {
  nn::TransformerEncoderLayer layer{8,
                                    2,
                                    {.dim_feedforward = 16,
                                     .dropout = 0,
                                     .activation = nn::TransformerActivation::kGELU,
                                     .batch_first = true}};
  nn::Linear out{8, 3};
  Encoder() {
    register_module("layer", &Encoder::layer);
    register_module("out", &Encoder::out);
  }
  Tensor forward(const Tensor& x) override { return out(layer(x).mean({1})); }
};

}  // namespace

Task resnet() {
  return {std::make_shared<nn::Sequential>(
              nn::Sequential{nn::Conv2d(2, 4, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(4),
                             nn::ReLU(), Residual(4, 4, 1), Residual(4, 8, 2),
                             nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(8, 4)}),
          reals("images", {6, 2, 6, 6}), classes("labels", {6}, 4), &entropy};
}

Task transformer() {
  return {std::make_shared<Language>(), classes("tokens", {3, 6}, 11), classes("labels", {18}, 11),
          &entropy};
}

Task encoder() {
  return {std::make_shared<Encoder>(), reals("images", {3, 5, 8}), classes("labels", {3}, 3),
          &entropy};
}

}  // namespace tenon::golden
