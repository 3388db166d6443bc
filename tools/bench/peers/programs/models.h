// The networks of the rows. One source for Tenon and libtorch. Layers are called by through(layer,
// x).
#pragma once

namespace peers {

// width -> ... -> width, with relu between.
struct Mlp : Net {
  std::vector<Linear> layers;
  explicit Mlp(const std::vector<int64_t>& widths) {
    for (size_t i = 0; i + 1 < widths.size(); ++i) {
      layers.push_back(linear("layer" + std::to_string(i), widths[i], widths[i + 1]));
    }
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = through(layers[0], input);
    for (size_t i = 1; i < layers.size(); ++i) x = through(layers[i], relu(x));
    return x;
  }
};

struct LeNet : Net {
  Conv conv1 = conv_layer("conv1", 1, 6, 5, 1, 2, true);
  Conv conv2 = conv_layer("conv2", 6, 16, 5, 1, 0, true);
  Linear fc1 = linear("fc1", 400, 120), fc2 = linear("fc2", 120, 84), fc3 = linear("fc3", 84, 10);
  Tensor forward(const Tensor& images) override {
    Tensor x = pool2x2(relu(through(conv1, images)));
    x = pool2x2(relu(through(conv2, x)));
    return through(fc3, relu(through(fc2, relu(through(fc1, x.flatten(1))))));
  }
};

struct BasicBlock : Net {
  Conv conv1, conv2, shortcut;  // the last where the shape changes
  BatchNorm bn1, bn2, shortcut_bn;
  bool changes;
  BasicBlock(int64_t in, int64_t out, int64_t stride)
      : conv1(conv_layer("conv1", in, out, 3, stride, 1, false)),
        conv2(conv_layer("conv2", out, out, 3, 1, 1, false)),
        shortcut(nullptr),
        bn1(batch_norm_layer("bn1", out)),
        bn2(batch_norm_layer("bn2", out)),
        shortcut_bn(nullptr),
        changes(in != out || stride != 1) {
    if (!changes) return;
    shortcut = conv_layer("shortcut", in, out, 1, stride, 0, false);
    shortcut_bn = batch_norm_layer("shortcut_bn", out);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = through(bn2, through(conv2, relu(through(bn1, through(conv1, x)))));
    return relu(y + (changes ? through(shortcut_bn, through(shortcut, x)) : x));
  }
};

// Stem for small images (3x3) or, with `imagenet`, for those of 224 x 224 (7x7, 2x2 pool).
enum class Stem { kCifar, kImageNet };
struct ResNet18 : Net {
  Stem stem;
  Conv conv1;
  BatchNorm bn1;
  std::vector<std::shared_ptr<BasicBlock>> blocks;
  Linear fc;
  ResNet18(Stem kind, int64_t classes)
      : stem(kind),
        conv1(kind == Stem::kCifar ? conv_layer("conv1", 3, 64, 3, 1, 1, false)
                                   : conv_layer("conv1", 3, 64, 7, 2, 3, false)),
        bn1(batch_norm_layer("bn1", 64)),
        fc(linear("fc", 512, classes)) {
    int64_t in = 64;
    for (int64_t i = 0; i < 8; ++i) {
      const int64_t out = int64_t{64} << i / 2;
      blocks.push_back(part("block" + std::to_string(i),
                            std::make_shared<BasicBlock>(in, out, i > 0 && i % 2 == 0 ? 2 : 1)));
      in = out;
    }
  }
  Tensor forward(const Tensor& images) override {
    Tensor x = relu(through(bn1, through(conv1, images)));
    if (stem == Stem::kImageNet) x = pool2x2(x);
    for (const auto& block : blocks) x = block->forward(x);
    return through(fc, means_of_images(x));
  }
};

struct GptBlock : Net {
  int64_t heads;
  LayerNorm norm1, norm2;
  Linear mix, project, widen, narrow;
  GptBlock(int64_t width, int64_t head_count)
      : heads(head_count),
        norm1(layer_norm_layer("norm1", width)),
        norm2(layer_norm_layer("norm2", width)),
        mix(linear("mix", width, 3 * width)),
        project(linear("project", width, width)),
        widen(linear("widen", width, 4 * width)),
        narrow(linear("narrow", 4 * width, width)) {}
  // B batch, T time, C channels.
  Tensor forward(const Tensor& x) override {
    const int64_t b = x.size(0), t = x.size(1), c = x.size(2);
    const Tensor qkv =
        through(mix, through(norm1, x)).view({b, t, 3, heads, c / heads}).permute({2, 0, 3, 1, 4});
    const Tensor seen = causal_attention(qkv[0], qkv[1], qkv[2]);
    const Tensor y = x + through(project, seen.transpose(1, 2).reshape({b, t, c}));
    return y + through(narrow, gelu(through(widen, through(norm2, y))));
  }
};

struct Gpt : Net {
  Embedding letters, places;
  std::vector<std::shared_ptr<GptBlock>> blocks;
  LayerNorm norm;
  Linear head;
  Tensor order;
  Gpt(int64_t vocabulary, int64_t context, int64_t width, int64_t layers, int64_t heads)
      : letters(embedding_layer("letters", vocabulary, width)),
        places(embedding_layer("places", context, width)),
        norm(layer_norm_layer("norm", width)),
        head(linear("head", width, vocabulary)) {
    for (int64_t i = 0; i < layers; ++i) {
      blocks.push_back(part("block" + std::to_string(i), std::make_shared<GptBlock>(width, heads)));
    }
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < context; ++i) numbers.push_back(i);
    order = integers(numbers, {context});
  }
  Tensor forward(const Tensor& numbers) override {
    Tensor x = through(letters, numbers) + through(places, order);
    for (const auto& block : blocks) x = block->forward(x);
    return through(head, through(norm, x));
  }
};

// The same values on all sides: matrices by their fan-in, norms as they begin, small biases.
inline void set_parameters(Net& net) {
  const NoGradScope guard;
  double step = 0.7;
  for_each_parameter(net, [&](const std::string& name, Tensor& value) {
    const bool is_matrix = value.dim() > 1;
    const bool is_bias = name.size() >= 4 && name.substr(name.size() - 4) == "bias";
    if (!is_matrix && !is_bias) return;
    const double fan =
        is_matrix ? static_cast<double>(value.numel()) / static_cast<double>(value.size(0)) : 1e4;
    value.copy_(data(shape_of(value), 2 / std::sqrt(fan), step += 0.11));
  });
}

}  // namespace peers
