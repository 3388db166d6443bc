// Scaled dot product attention, embeddings and rotary positions.
#pragma once

#include <optional>

#include <tenon/runtime/tensor.h>

namespace tenon {

TENON_API Tensor embedding(const Tensor& weight, const Tensor& indices, std::optional<int64_t> padding_idx = {}, bool scale_grad_by_freq = false);  // weight[indices]; no gradient to row padding_idx
TENON_API Tensor embedding_dense_backward(const Tensor& grad, const Tensor& indices, int64_t num_weights, std::optional<int64_t> padding_idx = {}, bool scale_grad_by_freq = false);  // grad added at its row

enum class BagMode : uint8_t { kSum, kMean, kMax };

// Indices (B, n) are B bags of n; of indices (n) bag b begins at offsets[b].
struct EmbeddingBagOptions {
  Tensor offsets = {};
  BagMode mode = BagMode::kMean;
  Tensor per_sample_weights = {};    // like indices; sums only
  bool include_last_offset = false;  // offsets end with n
  std::optional<int64_t> padding_idx = {};
};
TENON_API Tensor embedding_bag(const Tensor& weight, const Tensor& indices, const EmbeddingBagOptions& options = {});  // embedding, reduced over each bag

TENON_API Tensor rope(const Tensor& input, double base = 10000, int64_t offset = 0, bool interleaved = false);  // pairs of values turned by their position
TENON_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& attn_mask = {}, double dropout_p = 0, bool is_causal = false, std::optional<double> scale = {}, bool enable_gqa = false);  // softmax(q·kᵀ·scale + mask)·v

}  // namespace tenon
