// Transformer layers and stacks of them.
// Dimensions: N batch, T target length, S source length, E model size (d_model).
#pragma once

#include <memory>

#include <tenon/nn/layers/attention.h>
#include <tenon/nn/layers/container.h>
#include <tenon/nn/layers/dropout.h>
#include <tenon/nn/layers/normalization.h>

namespace tenon::nn {

enum class TransformerActivation : uint8_t { kReLU, kGELU };

struct TransformerOptions {
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  TransformerActivation activation = TransformerActivation::kReLU;
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  // (N, S, E) in place of (S, N, E)
  bool norm_first = false;   // normalises before attention and feed-forward, not after
  bool bias = true;
  TensorOptions tensor = {};
};

// Masks of a call; see AttentionCall. The padding masks are (N, S), the others (S, S) or (N·H, S,
// S).
struct EncoderMasks {
  Tensor mask = {};
  Tensor src_key_padding_mask = {};
  bool is_causal = false;
};
struct DecoderMasks {
  Tensor tgt_mask = {}, memory_mask = {};
  Tensor tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool tgt_is_causal = false, memory_is_causal = false;
};

// x = norm1(x + dropout1(self_attn(x)));   y = norm2(x +
// dropout2(linear2(dropout(act(linear1(x)))))) norm_first: x = x + dropout1(self_attn(norm1(x))),
// and so on. Shapes: as MultiheadAttention. Parameters: self_attn, linear1 (F, E), linear2 (E, F),
// norm1, norm2. Errors: as MultiheadAttention. Source: torch.nn.TransformerEncoderLayer; Vaswani et
// al., 2017.
class TENON_API TransformerEncoderLayer : public Cloneable<TransformerEncoderLayer> {
 public:
  TransformerEncoderLayer(int64_t d_model, int64_t nhead, const TransformerOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& src) override { return encode(src, {}); }
  [[nodiscard]] Tensor operator()(const Tensor& src, const EncoderMasks& masks);
  using Module::operator();

  MultiheadAttention self_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;

 private:
  [[nodiscard]] Tensor encode(const Tensor& src, const EncoderMasks& masks);
  TransformerOptions options_;
};

// num_layers copies of a layer, independent, with the same initial values; then norm, if given.
// Names: layers.0, layers.1, …, norm. Errors: InvalidArgument unless num_layers > 0.
class TENON_API TransformerEncoder : public Cloneable<TransformerEncoder> {
 public:
  TransformerEncoder(const TransformerEncoderLayer& layer, int64_t num_layers,
                     std::shared_ptr<Module> norm = nullptr);
  [[nodiscard]] Tensor forward(const Tensor& src) override { return encode(src, {}); }
  [[nodiscard]] Tensor operator()(const Tensor& src, const EncoderMasks& masks);
  using Module::operator();

  ModuleList layers;
  std::shared_ptr<Module> norm;

 private:
  [[nodiscard]] Tensor encode(const Tensor& src, const EncoderMasks& masks);
};

// Self-attention on the target, attention on the encoder's output (memory), then feed-forward; each
// with dropout, sum and normalisation as in the encoder's layer.
// Shapes: tgt (T, N, E), memory (S, N, E), output as tgt. Parameters: self_attn, multihead_attn,
//   linear1, linear2, norm1, norm2, norm3.
// Errors: as MultiheadAttention. Source: torch.nn.TransformerDecoderLayer; Vaswani et al., 2017.
class TENON_API TransformerDecoderLayer : public Cloneable<TransformerDecoderLayer> {
 public:
  TransformerDecoderLayer(int64_t d_model, int64_t nhead, const TransformerOptions& options = {});
  [[nodiscard]] Tensor operator()(const Tensor& tgt, const Tensor& memory,
                                  const DecoderMasks& masks = {});

  MultiheadAttention self_attn, multihead_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;

 private:
  [[nodiscard]] Tensor decode(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks);
  TransformerOptions options_;
};

// As TransformerEncoder.
class TENON_API TransformerDecoder : public Cloneable<TransformerDecoder> {
 public:
  TransformerDecoder(const TransformerDecoderLayer& layer, int64_t num_layers,
                     std::shared_ptr<Module> norm = nullptr);
  [[nodiscard]] Tensor operator()(const Tensor& tgt, const Tensor& memory,
                                  const DecoderMasks& masks = {});

  ModuleList layers;
  std::shared_ptr<Module> norm;
};

}  // namespace tenon::nn
