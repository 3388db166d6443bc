// Attention with several heads.
// Dimensions: N batch, L queries, S keys, E model size, H heads.
#pragma once

#include <utility>

#include <tenon/nn/layers/linear.h>
#include <tenon/nn/module.h>

namespace tenon::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;  // of the attention weights, in training
  bool bias = true;
  int64_t kdim = 0, vdim = 0;  // sizes of keys and values; 0: E
  bool batch_first = false;    // (N, L, E) in place of (L, N, E)
  TensorOptions tensor = {};   // dtype and device of the parameters
};

// What a call may add. A true mask element, or −inf in a float one, hides a key.
struct AttentionCall {
  Tensor key_padding_mask = {};  // (N, S), bool or float
  bool need_weights = true;      // without them the fused attention runs
  Tensor attn_mask = {};         // (L, S) or (N·H, L, S), bool or float
  bool average_attn_weights = true;
  bool is_causal = false;  // query i sees the keys up to i; needs no attn_mask
};

// heads: softmax(q·kᵀ / √(E/H) + masks)·v;   y = joined heads·W_oᵀ + b_o
// where q, k, v are slices of E/H columns of query·W_qᵀ + b_q and so on.
// Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim), with batch_first (N, L, E) …, or
//   without a batch (L, E) …; output as query; weights (N, L, S), or (N, H, L, S) not averaged.
//   in_proj_weight (3·E, E) and in_proj_bias (3·E); where kdim or vdim differ from E,
//   q_proj_weight, k_proj_weight and v_proj_weight in place of in_proj_weight; out_proj a Linear.
// Initial values: projections xavier_uniform_, biases 0, out_proj.weight as Linear.
// Errors: InvalidArgument when heads do not divide E and for shapes that do not fit.
// Source: torch.nn.MultiheadAttention; Vaswani et al., 2017.
class TENON_API MultiheadAttention : public Cloneable<MultiheadAttention> {
 public:
  MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                     const MultiheadAttentionOptions& options = {});
  // Self-attention without weights: as a plain module.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  // (output, weights); the weights are undefined unless they are needed.
  [[nodiscard]] std::pair<Tensor, Tensor> operator()(const Tensor& query, const Tensor& key,
                                                     const Tensor& value,
                                                     const AttentionCall& call = {});
  using Module::operator();
  [[nodiscard]] std::string describe() const override;

  Tensor in_proj_weight;                               // undefined where sizes differ,
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  // these are undefined where they do not
  Tensor in_proj_bias;                                 // undefined without bias
  Linear out_proj;

 private:
  [[nodiscard]] std::pair<Tensor, Tensor> attend(const Tensor& query, const Tensor& key,
                                                 const Tensor& value, const AttentionCall& call);
  [[nodiscard]] std::vector<Tensor> project(const Tensor& query, const Tensor& key,
                                            const Tensor& value) const;
  void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value) const;
  [[nodiscard]] Tensor masks(const AttentionCall& call, const Tensor& q, const Tensor& k) const;
  // (N, H, L, E/H) of (N, L, E).
  [[nodiscard]] Tensor split_heads(const Tensor& x) const;

  int64_t embed_dim_, num_heads_;
  MultiheadAttentionOptions options_;
};

}  // namespace tenon::nn
