// Scaled dot product attention and embeddings.
#pragma once

#include <optional>

#include <tenon/runtime/tensor.h>

namespace tenon {

TENON_API Tensor embedding(const Tensor& weight, const Tensor& indices, std::optional<int64_t> padding_idx = {}, bool scale_grad_by_freq = false);  // weight[indices]; no gradient to row padding_idx
TENON_API Tensor embedding_dense_backward(const Tensor& grad, const Tensor& indices, int64_t num_weights, std::optional<int64_t> padding_idx = {}, bool scale_grad_by_freq = false);  // grad added at its row
TENON_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& attn_mask = {}, double dropout_p = 0, bool is_causal = false, std::optional<double> scale = {}, bool enable_gqa = false);  // softmax(q·kᵀ·scale + mask)·v

}  // namespace tenon
