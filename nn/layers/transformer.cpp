#include <tenon/nn/layers/transformer.h>

#include <tenon/runtime/ops/activation.h>
#include <tenon/runtime/ops/elementwise.h>

namespace tenon::nn {

namespace {

MultiheadAttentionOptions attention_options(const TransformerOptions& options) {
  return {.dropout = options.dropout,
          .bias = options.bias,
          .batch_first = options.batch_first,
          .tensor = options.tensor};
}

LinearOptions linear_options(const TransformerOptions& options) {
  return {.bias = options.bias, .tensor = options.tensor};
}

LayerNormOptions norm_options(const TransformerOptions& options) {
  return {.eps = options.layer_norm_eps, .bias = options.bias, .tensor = options.tensor};
}

// linear2(dropout(act(linear1(x)))) of a layer of either kind.
template <class Layer>
Tensor feed_forward(Layer& layer, TransformerActivation activation, const Tensor& x) {
  const Tensor hidden = layer.linear1(x);
  const Tensor active = activation == TransformerActivation::kReLU ? relu(hidden) : gelu(hidden);
  return layer.linear2(layer.dropout(active));
}

// x + part(norm(x)), or norm(x + part(x)).
template <class Part>
Tensor residual(const Tensor& x, LayerNorm& norm, bool norm_first, const Part& part) {
  return norm_first ? x + part(norm(x)) : norm(x + part(x));
}

template <class Layer>
void fill_layers(ModuleList& layers, const Layer& layer, int64_t count, const char* name) {
  check(count > 0, ErrorCode::kInvalidArgument, name, "num_layers must be > 0, got ", count);
  for (int64_t i = 0; i < count; ++i) layers.push_back(layer.clone());
}

}  // namespace

// ---- encoder ----

TransformerEncoderLayer::TransformerEncoderLayer(int64_t d_model, int64_t nhead,
                                                 const TransformerOptions& options)
    : self_attn(d_model, nhead, attention_options(options)),
      linear1(d_model, options.dim_feedforward, linear_options(options)),
      dropout(options.dropout),
      linear2(options.dim_feedforward, d_model, linear_options(options)),
      norm1(d_model, norm_options(options)),
      norm2(d_model, norm_options(options)),
      dropout1(options.dropout),
      dropout2(options.dropout),
      options_(options) {
  register_module("self_attn", &TransformerEncoderLayer::self_attn);
  register_module("linear1", &TransformerEncoderLayer::linear1);
  register_module("dropout", &TransformerEncoderLayer::dropout);
  register_module("linear2", &TransformerEncoderLayer::linear2);
  register_module("norm1", &TransformerEncoderLayer::norm1);
  register_module("norm2", &TransformerEncoderLayer::norm2);
  register_module("dropout1", &TransformerEncoderLayer::dropout1);
  register_module("dropout2", &TransformerEncoderLayer::dropout2);
}

Tensor TransformerEncoderLayer::encode(const Tensor& src, const EncoderMasks& masks) {
  const AttentionCall call{.key_padding_mask = masks.src_key_padding_mask,
                           .need_weights = false,
                           .attn_mask = masks.mask,
                           .is_causal = masks.is_causal};
  const Tensor x = residual(src, norm1, options_.norm_first, [&](const Tensor& in) {
    return dropout1(self_attn(in, in, in, call).first);
  });
  return residual(x, norm2, options_.norm_first, [&](const Tensor& in) {
    return dropout2(feed_forward(*this, options_.activation, in));
  });
}

Tensor TransformerEncoderLayer::operator()(const Tensor& src, const EncoderMasks& masks) {
  return guarded([&] { return encode(src, masks); });
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, int64_t num_layers,
                                       std::shared_ptr<Module> last_norm)
    : norm(std::move(last_norm)) {
  fill_layers(layers, layer, num_layers, "TransformerEncoder");
  register_module("layers", &TransformerEncoder::layers);
  register_module("norm", &TransformerEncoder::norm);
}

Tensor TransformerEncoder::encode(const Tensor& src, const EncoderMasks& masks) {
  Tensor x = src;
  for (int64_t i = 0; i < layers.size(); ++i) x = layers.at<TransformerEncoderLayer>(i)(x, masks);
  return norm ? (*norm)(x) : x;
}

Tensor TransformerEncoder::operator()(const Tensor& src, const EncoderMasks& masks) {
  return guarded([&] { return encode(src, masks); });
}

// ---- decoder ----

TransformerDecoderLayer::TransformerDecoderLayer(int64_t d_model, int64_t nhead,
                                                 const TransformerOptions& options)
    : self_attn(d_model, nhead, attention_options(options)),
      multihead_attn(d_model, nhead, attention_options(options)),
      linear1(d_model, options.dim_feedforward, linear_options(options)),
      dropout(options.dropout),
      linear2(options.dim_feedforward, d_model, linear_options(options)),
      norm1(d_model, norm_options(options)),
      norm2(d_model, norm_options(options)),
      norm3(d_model, norm_options(options)),
      dropout1(options.dropout),
      dropout2(options.dropout),
      dropout3(options.dropout),
      options_(options) {
  register_module("self_attn", &TransformerDecoderLayer::self_attn);
  register_module("multihead_attn", &TransformerDecoderLayer::multihead_attn);
  register_module("linear1", &TransformerDecoderLayer::linear1);
  register_module("dropout", &TransformerDecoderLayer::dropout);
  register_module("linear2", &TransformerDecoderLayer::linear2);
  register_module("norm1", &TransformerDecoderLayer::norm1);
  register_module("norm2", &TransformerDecoderLayer::norm2);
  register_module("norm3", &TransformerDecoderLayer::norm3);
  register_module("dropout1", &TransformerDecoderLayer::dropout1);
  register_module("dropout2", &TransformerDecoderLayer::dropout2);
  register_module("dropout3", &TransformerDecoderLayer::dropout3);
}

Tensor TransformerDecoderLayer::decode(const Tensor& tgt, const Tensor& memory,
                                       const DecoderMasks& masks) {
  const AttentionCall on_target{.key_padding_mask = masks.tgt_key_padding_mask,
                                .need_weights = false,
                                .attn_mask = masks.tgt_mask,
                                .is_causal = masks.tgt_is_causal};
  const AttentionCall on_memory{.key_padding_mask = masks.memory_key_padding_mask,
                                .need_weights = false,
                                .attn_mask = masks.memory_mask,
                                .is_causal = masks.memory_is_causal};
  Tensor x = residual(tgt, norm1, options_.norm_first, [&](const Tensor& in) {
    return dropout1(self_attn(in, in, in, on_target).first);
  });
  x = residual(x, norm2, options_.norm_first, [&](const Tensor& in) {
    return dropout2(multihead_attn(in, memory, memory, on_memory).first);
  });
  return residual(x, norm3, options_.norm_first, [&](const Tensor& in) {
    return dropout3(feed_forward(*this, options_.activation, in));
  });
}

Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory,
                                           const DecoderMasks& masks) {
  return guarded([&] { return decode(tgt, memory, masks); });
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, int64_t num_layers,
                                       std::shared_ptr<Module> last_norm)
    : norm(std::move(last_norm)) {
  fill_layers(layers, layer, num_layers, "TransformerDecoder");
  register_module("layers", &TransformerDecoder::layers);
  register_module("norm", &TransformerDecoder::norm);
}

Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory,
                                      const DecoderMasks& masks) {
  return guarded([&] {
    Tensor x = tgt;
    for (int64_t i = 0; i < layers.size(); ++i)
      x = layers.at<TransformerDecoderLayer>(i)(x, memory, masks);
    return norm ? (*norm)(x) : x;
  });
}

}  // namespace tenon::nn
