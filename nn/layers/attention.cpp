#include <tenon/nn/layers/attention.h>

#include <tenon/nn/init.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/ops.h>

#include <cmath>

namespace tenon::nn {

namespace {

// What is added to the scores: −inf where a bool mask is true.
Tensor as_bias(const Tensor& mask, DType dtype) {
  if (!mask.defined()) return mask;
  if (mask.dtype() == kBool) return where(mask, -INFINITY, 0.0).to(dtype);
  check(mask.is_floating_point(), ErrorCode::kDType, "MultiheadAttention",
        "masks must be bool or floating point, got ", mask.dtype());
  return mask.to(dtype);
}

// True above the diagonal: keys that come later.
Tensor later_keys(int64_t queries, int64_t keys, const Device& device) {
  return arange(keys, TensorOptions(kInt64, device)).unsqueeze(0) >
         arange(queries, TensorOptions(kInt64, device)).unsqueeze(1);
}

Tensor sum_of(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : a + b;
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                                       const MultiheadAttentionOptions& options)
    : out_proj((check(embed_dim > 0 && num_heads > 0 && embed_dim % num_heads == 0,
                      ErrorCode::kInvalidArgument, "MultiheadAttention",
                      "num_heads must divide embed_dim, got ", num_heads, " and ", embed_dim),
                embed_dim),
               embed_dim, {.bias = options.bias, .tensor = options.tensor}),
      embed_dim_(embed_dim),
      num_heads_(num_heads),
      options_(options) {
  check(options.dropout >= 0 && options.dropout <= 1, ErrorCode::kInvalidArgument,
        "MultiheadAttention", "dropout must be in [0, 1], got ", options.dropout);
  if (options_.kdim == 0) options_.kdim = embed_dim;
  if (options_.vdim == 0) options_.vdim = embed_dim;
  const auto projection = [&](int64_t rows, int64_t columns) {
    Tensor weight = parameter(empty({rows, columns}, options.tensor));
    return init::xavier_uniform_(weight);
  };
  if (options_.kdim == embed_dim && options_.vdim == embed_dim) {
    in_proj_weight = projection(3 * embed_dim, embed_dim);
  } else {
    q_proj_weight = projection(embed_dim, embed_dim);
    k_proj_weight = projection(embed_dim, options_.kdim);
    v_proj_weight = projection(embed_dim, options_.vdim);
  }
  if (options.bias) {
    in_proj_bias = parameter(zeros({3 * embed_dim}, options.tensor));
    init::zeros_(out_proj.bias);
  }
  register_parameter("in_proj_weight", &MultiheadAttention::in_proj_weight);
  register_parameter("q_proj_weight", &MultiheadAttention::q_proj_weight);
  register_parameter("k_proj_weight", &MultiheadAttention::k_proj_weight);
  register_parameter("v_proj_weight", &MultiheadAttention::v_proj_weight);
  register_parameter("in_proj_bias", &MultiheadAttention::in_proj_bias);
  register_module("out_proj", &MultiheadAttention::out_proj);
}

Tensor MultiheadAttention::forward(const Tensor& input) {
  return attend(input, input, input, {.need_weights = false}).first;
}

std::pair<Tensor, Tensor> MultiheadAttention::operator()(const Tensor& query, const Tensor& key,
                                                         const Tensor& value,
                                                         const AttentionCall& call) {
  return guarded([&] { return attend(query, key, value, call); });
}

std::vector<Tensor> MultiheadAttention::project(const Tensor& query, const Tensor& key,
                                                const Tensor& value) const {
  const auto bias = [&](int64_t part) {
    return in_proj_bias.defined() ? in_proj_bias.narrow(0, part * embed_dim_, embed_dim_)
                                  : Tensor();
  };
  if (!in_proj_weight.defined())
    return {linear(query, q_proj_weight, bias(0)), linear(key, k_proj_weight, bias(1)),
            linear(value, v_proj_weight, bias(2))};
  if (query.is_same(key) && key.is_same(value)) {  // one product for all three
    const Tensor all = linear(query, in_proj_weight, in_proj_bias);
    return {all.narrow(-1, 0, embed_dim_), all.narrow(-1, embed_dim_, embed_dim_),
            all.narrow(-1, 2 * embed_dim_, embed_dim_)};
  }
  const auto weight = [&](int64_t part) {
    return in_proj_weight.narrow(0, part * embed_dim_, embed_dim_);
  };
  return {linear(query, weight(0), bias(0)), linear(key, weight(1), bias(1)),
          linear(value, weight(2), bias(2))};
}

Tensor MultiheadAttention::split_heads(const Tensor& x) const {
  return x.reshape({x.size(0), x.size(1), num_heads_, embed_dim_ / num_heads_}).transpose(1, 2);
}

void MultiheadAttention::check_inputs(const Tensor& query, const Tensor& key,
                                      const Tensor& value) const {
  check((query.dim() == 2 || query.dim() == 3) && key.dim() == query.dim() &&
            value.dim() == query.dim(),
        ErrorCode::kInvalidArgument, "MultiheadAttention",
        "query, key and value must all have 2 or all 3 dimensions, got ", query.sizes(), ", ",
        key.sizes(), " and ", value.sizes());
  check(query.size(-1) == embed_dim_ && key.size(-1) == options_.kdim &&
            value.size(-1) == options_.vdim,
        ErrorCode::kInvalidArgument, "MultiheadAttention", "expected features of ", embed_dim_,
        ", ", options_.kdim, " and ", options_.vdim, ", got ", query.sizes(), ", ", key.sizes(),
        " and ", value.sizes());
}

// What is added to the scores (N, H, L, S) of q (N, H, L, E/H) and k; undefined for nothing.
Tensor MultiheadAttention::masks(const AttentionCall& call, const Tensor& q,
                                 const Tensor& k) const {
  const int64_t batch = q.size(0), queries = q.size(2), keys = k.size(2);
  Tensor bias = as_bias(call.attn_mask, q.dtype());
  if (bias.defined()) {
    check(bias.sizes() == Shape({queries, keys}) ||
              bias.sizes() == Shape({batch * num_heads_, queries, keys}),
          ErrorCode::kInvalidArgument, "MultiheadAttention", "attn_mask must have sizes ",
          Shape({queries, keys}), " or ", Shape({batch * num_heads_, queries, keys}), ", got ",
          bias.sizes());
    if (bias.dim() == 3) bias = bias.view({batch, num_heads_, queries, keys});
  }
  if (Tensor padding = as_bias(call.key_padding_mask, q.dtype()); padding.defined()) {
    if (batch == 1 && padding.dim() == 1) padding = padding.unsqueeze(0);
    check(padding.sizes() == Shape({batch, keys}), ErrorCode::kInvalidArgument,
          "MultiheadAttention", "key_padding_mask must have sizes ", Shape({batch, keys}), ", got ",
          padding.sizes());
    bias = sum_of(bias, padding.view({batch, 1, 1, keys}));
  }
  // The fused attention knows the causal mask itself when it is the only one.
  if (call.is_causal && !call.attn_mask.defined() && (bias.defined() || call.need_weights))
    bias = sum_of(bias, as_bias(later_keys(queries, keys, q.device()), q.dtype()));
  return bias;
}

std::pair<Tensor, Tensor> MultiheadAttention::attend(const Tensor& query, const Tensor& key,
                                                     const Tensor& value,
                                                     const AttentionCall& call) {
  check_inputs(query, key, value);
  const bool single = query.dim() == 2;
  const auto batched = [&](const Tensor& x) {
    return single ? x.unsqueeze(0) : options_.batch_first ? x : x.transpose(0, 1);
  };
  const Tensor first = batched(query);
  std::vector<Tensor> parts = query.is_same(key) && key.is_same(value)
                                  ? project(first, first, first)
                                  : project(first, batched(key), batched(value));
  for (Tensor& part : parts) part = split_heads(part);
  const Tensor &q = parts[0], &k = parts[1], &v = parts[2];
  const Tensor bias = masks(call, q, k);

  const double drop = is_training() ? options_.dropout : 0;
  Tensor heads, weights;
  if (call.need_weights) {
    const double scale = 1 / std::sqrt(static_cast<double>(embed_dim_ / num_heads_));
    weights = softmax(sum_of(matmul(q * scale, k.transpose(-2, -1)), bias), -1);
    if (drop > 0) weights = dropout(weights, drop, true);
    heads = matmul(weights, v);
    if (call.average_attn_weights) weights = weights.mean({1});
    if (single) weights = weights.squeeze(0);
  } else {
    heads = scaled_dot_product_attention(q, k, v, bias, drop, call.is_causal && !bias.defined());
  }
  Tensor output = out_proj(heads.transpose(1, 2).reshape({q.size(0), q.size(2), embed_dim_}));
  if (single)
    output = output.squeeze(0);
  else if (!options_.batch_first)
    output = output.transpose(0, 1);
  return {output, weights};
}

std::string MultiheadAttention::describe() const {
  std::string text =
      join_text("MultiheadAttention(embed_dim=", embed_dim_, ", num_heads=", num_heads_);
  if (options_.dropout != 0) text += join_text(", dropout=", options_.dropout);
  if (!options_.bias) text += ", bias=false";
  if (options_.batch_first) text += ", batch_first=true";
  return text + ")";
}

}  // namespace tenon::nn
