// N queries of E values, S keys, heads in the batch dimensions.
#include <tenon/runtime/ops/attention.h>

#include <cmath>
#include <limits>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/attention_internal.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/loss.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/random.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- embedding ----

constexpr int64_t kNoPadding = -1;

void check_indices(const OpCall& call, const Tensor& indices) {
  check(indices.dtype() == kInt64, ErrorCode::kDType, call.op.name(),
        "indices must be int64 or int32, got ", indices.dtype(), "; convert them with to()");
}

// Attributes: padding row or -1, whether gradients are divided by how often a row was named.
void infer_embedding(OpCall& call) {
  const Tensor& weight = *call.inputs[0];
  const Tensor& indices = *call.inputs[1];
  check(weight.dim() == 2, ErrorCode::kInvalidArgument, call.op.name(),
        "weight needs the dimensions (rows, values), got ", weight.sizes());
  check_indices(call, indices);
  check(weight.size(0) > 0 || indices.numel() == 0, ErrorCode::kIndex, call.op.name(),
        "weight has no rows, got ", weight.sizes());
  ops::check_one_device(call);
  ops::give_output(call, 0, indices.sizes() + Shape{weight.size(1)}, weight.dtype());
}

// (…) → (n, values), each index repeated along its row.
Tensor row_index(const Tensor& indices, int64_t values) {
  return indices.reshape({-1, 1}).expand({-1, values});
}

void decompose_embedding(OpCall& call) {
  const Tensor& weight = *call.inputs[0];
  const Tensor index = row_index(*call.inputs[1], weight.size(1));
  primitive::gather(call.outputs[0].view(index.sizes()), weight, index, 0);
}

void infer_embedding_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& indices = *call.inputs[1];
  ops::check_one_device(call);
  ops::check_floating(call, grad);
  check_indices(call, indices);
  const int64_t rank = grad.dim();
  check(rank > 0 && grad.sizes().slice(0, rank - 1) == indices.sizes(), ErrorCode::kInvalidArgument,
        call.op.name(), "grad must have the sizes of indices and one dimension more, got ",
        grad.sizes(), " for indices ", indices.sizes());
  const int64_t rows = call.attributes[0];
  check(rows > 0 || (rows == 0 && indices.numel() == 0), ErrorCode::kInvalidArgument,
        call.op.name(), "num_weights must be at least 1, got ", rows);
  ops::give_output(call, 0, {rows, grad.size(-1)}, grad.dtype());
}

// How often each index occurs among the indices, at least once: (n, 1).
Tensor occurrences(const Tensor& indices, int64_t rows, DType dtype) {
  const Tensor flat = indices.reshape({-1});
  const Tensor counts = zeros({rows}, {dtype, indices.device()});
  primitive::scatter(counts, flat, ones(flat.sizes(), counts.options()), 0, TN_SCATTER_ADD);
  const Tensor own = empty(flat.sizes(), counts.options());
  primitive::gather(own, counts, flat, 0);
  return own.view({-1, 1});
}

void decompose_embedding_grad(OpCall& call) {
  const Tensor& indices = *call.inputs[1];
  const Tensor& out = call.outputs[0];
  const DType wide = ops::accumulate_dtype(out.dtype());
  const Tensor sums = zeros(out.sizes(), out.options().dtype(wide));
  if (indices.numel() > 0) {
    const Tensor index = row_index(indices, out.size(1));
    Tensor rows = call.inputs[0]->reshape(index.sizes()).to(wide);
    if (call.attributes[1] != kNoPadding)
      rows = where(ne(indices.reshape({-1, 1}), call.attributes[1]), rows, 0.0);
    if (call.attributes[2] != 0) rows = div(rows, occurrences(indices, out.size(0), wide));
    primitive::scatter(sums, index, rows, 0, TN_SCATTER_ADD);
  }
  primitive::copy(out, sums);
}

Tensor embedding_boxed(const Tensor& weight, const Tensor& indices,
                       std::optional<int64_t> padding_idx, std::optional<bool> scale) {
  return embedding(weight, indices, padding_idx, scale.value_or(false));
}

Tensor embedding_grad_boxed(const Tensor& grad, const Tensor& indices, int64_t num_weights,
                            std::optional<int64_t> padding_idx, std::optional<bool> scale) {
  return embedding_dense_backward(grad, indices, num_weights, padding_idx, scale.value_or(false));
}

const Op kEmbedding{{
    .name = "embedding",
    .schema = "embedding(Tensor weight, Tensor indices, int? padding_idx=None, "
              "bool scale_grad_by_freq=False) -> Tensor",
    .doc =
        R"(The rows of weight that indices name. Row padding_idx gets no gradient; with scale_grad_by_freq the
gradient of a row is divided by how often it was named.

Shapes: weight (rows, values), indices (d...) -> (d..., values).
Dtypes: weight any; indices int64 or int32.
Errors: InvalidArgument for a weight that is not 2-d or a padding_idx out of range; DType; Index for
  an index outside [0, rows).
Source: torch.nn.functional.embedding.)",
    .boxed = &box<&embedding_boxed>,
    .infer = &infer_embedding,
    .decompose = &decompose_embedding,
}};

const Op kEmbeddingGrad{{
    .name = "embedding_dense_backward",
    .schema = "embedding_dense_backward(Tensor grad, Tensor indices, int num_weights, "
              "int? padding_idx=None, bool scale_grad_by_freq=False) -> Tensor",
    .doc =
        R"(Gradient of embedding: out is 0, then out[indices[i]] += grad[i], in row-major order, but for
row padding_idx.

Shapes: indices (d...), grad (d..., values) -> (num_weights, values).
Dtypes: grad floating point, f16 and bf16 are summed in f32; indices int64 or int32.
Errors: InvalidArgument when sizes do not match; DType; Index for an index out of range.
Source: torch.ops.aten.embedding_dense_backward.)",
    .boxed = &box<&embedding_grad_boxed>,
    .infer = &infer_embedding_grad,
    .decompose = &decompose_embedding_grad,
}};

int64_t padding_row(std::string_view op, std::optional<int64_t> given, int64_t rows) {
  if (!given) return kNoPadding;
  check(*given >= -rows && *given < rows, ErrorCode::kInvalidArgument, op,
        "padding_idx must be within the ", rows, " rows of weight, got ", *given);
  return *given < 0 ? *given + rows : *given;
}

Tensor long_indices(const Tensor& indices) {
  return indices.dtype() == kInt32 ? indices.to(kInt64) : indices;
}

// ---- scaled_dot_product_attention ----

Tensor sdpa_boxed(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                  std::optional<double> dropout_p, std::optional<bool> is_causal,
                  std::optional<double> scale, std::optional<bool> enable_gqa) {
  return scaled_dot_product_attention(query, key, value, mask, dropout_p.value_or(0),
                                      is_causal.value_or(false), scale, enable_gqa.value_or(false));
}

const Op kAttention{{
    .name = "scaled_dot_product_attention",
    .schema = "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, "
              "Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, "
              "float? scale=None, bool enable_gqa=False) -> Tensor",
    .doc =
        R"(softmax(query . key^T * scale + mask) . value. A bool mask says what takes part, a floating point
one is added; is_causal lets query i see keys 0 to i. A query that may see nothing gets 0. scale=None
is 1/sqrt(E). With enable_gqa each head of key and value serves several of query.

Shapes: query (..., L, E), key (..., S, E), value (..., S, V), mask broadcasts to (..., L, S) ->
  (..., L, V). Batch dimensions broadcast; with enable_gqa the heads of query (dimension -3) are a
  multiple of those of key and of value.
Dtypes: one floating point dtype; mask bool, the same dtype or f32.
Errors: InvalidArgument when sizes do not match, for a mask together with is_causal, or a dropout_p
  outside [0, 1]; DType; Device.
Source: Vaswani et al. 2017; torch.nn.functional.scaled_dot_product_attention.)",
    .flags = kComposite | kRandom,
    .boxed = &box<&sdpa_boxed>,
}};

constexpr std::string_view kSdpa = "scaled_dot_product_attention";

void check_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                     const Tensor& mask, bool is_causal) {
  for (const Tensor* tensor : {&query, &key, &value}) {
    check(tensor->is_floating_point(), ErrorCode::kDType, kSdpa,
          "a floating point dtype is needed, got ", tensor->dtype(), "; convert it with to()");
    check(tensor->dtype() == query.dtype(), ErrorCode::kDType, kSdpa,
          "query, key and value must have the same dtype, got ", query.dtype(), ", ", key.dtype(),
          " and ", value.dtype(), "; convert with to()");
    check(tensor->device() == query.device(), ErrorCode::kDevice, kSdpa,
          "all tensors must be on one device, got ", query.device(), " and ", tensor->device(),
          "; move one with to()");
    check(tensor->dim() >= 2, ErrorCode::kInvalidArgument, kSdpa,
          "query, key and value need at least 2 dimensions, got ", query.sizes(), ", ", key.sizes(),
          " and ", value.sizes());
  }
  check(query.size(-1) == key.size(-1) && key.size(-2) == value.size(-2),
        ErrorCode::kInvalidArgument, kSdpa,
        "query (...,L,E), key (...,S,E) and value (...,S,V) must share E and S, got ",
        query.sizes(), ", ", key.sizes(), " and ", value.sizes());
  if (!mask.defined()) return;
  check(!is_causal, ErrorCode::kInvalidArgument, kSdpa,
        "attn_mask should not be set when is_causal is; put both in the mask");
  check(mask.dtype() == kBool || mask.dtype() == query.dtype() || mask.dtype() == kFloat32,
        ErrorCode::kDType, kSdpa, "attn_mask must be bool, float32 or ", query.dtype(), ", got ",
        mask.dtype(), "; convert it with to()");
}

// Heads (dimension -3) repeated so that there are as many as the query has.
Tensor with_heads(const Tensor& self, int64_t heads, const char* what) {
  check(self.dim() >= 3, ErrorCode::kInvalidArgument, kSdpa,
        "enable_gqa needs heads in dimension -3, got ", what, " ", self.sizes());
  const int64_t own = self.size(-3), dim = self.dim() - 3;
  if (own == heads) return self;
  check(own > 0 && heads % own == 0, ErrorCode::kInvalidArgument, kSdpa,
        "the heads of query must be a multiple of those of ", what, ", got ", heads, " and ", own);
  Shape sizes = self.unsqueeze(dim + 1).sizes();
  sizes[dim + 1] = heads / own;
  return self.unsqueeze(dim + 1).expand(sizes).flatten(dim, dim + 1);
}

struct MaskedScores {
  Tensor scores;
  Tensor alive;  // queries that see a key, (..., L, 1); undefined when all do
};

// Rows without any key would be NaN: their scores are left alone and their result becomes 0.
MaskedScores masked(const Tensor& scores, const Tensor& mask, bool is_causal) {
  constexpr double kHidden = -std::numeric_limits<double>::infinity();
  if (scores.size(-1) == 0) return {scores, {}};
  if (is_causal) {
    const TensorOptions options = {kInt64, scores.device()};
    const Tensor rows = arange(scores.size(-2), options).unsqueeze(1);
    return {where(ge(rows, arange(scores.size(-1), options)), scores, kHidden), {}};
  }
  if (!mask.defined()) return {scores, {}};
  const int64_t last = mask.dim() - 1;
  check(last >= 1, ErrorCode::kInvalidArgument, kSdpa,
        "attn_mask must broadcast to (...,L,S) and have 2 dimensions, got ", mask.sizes());
  check(mask.numel() > 0, ErrorCode::kInvalidArgument, kSdpa, "attn_mask is empty, got ",
        mask.sizes());
  if (mask.dtype() == kBool) {
    const Tensor alive = any(mask, {last}, true);
    const Tensor seen = logical_or(mask, logical_not(alive));
    return {where(seen, scores, kHidden), alive};
  }
  const Tensor alive = ne(amax(mask, {last}, true), kHidden);
  const Tensor added = add(scores, where(alive, mask, 0.0));
  return {added.to(scores.dtype()), alive};
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, std::optional<int64_t> padding_idx,
                 bool scale_grad_by_freq) {
  const int64_t padding =
      padding_row("embedding", padding_idx, weight.dim() > 0 ? weight.size(0) : 0);
  const Tensor index = long_indices(indices);
  return call_op(kEmbedding, {&weight, &index}, {padding, scale_grad_by_freq ? 1 : 0});
}

Tensor embedding_dense_backward(const Tensor& grad, const Tensor& indices, int64_t num_weights,
                                std::optional<int64_t> padding_idx, bool scale_grad_by_freq) {
  const int64_t padding = padding_row("embedding_dense_backward", padding_idx, num_weights);
  const Tensor index = long_indices(indices);
  return call_op(kEmbeddingGrad, {&grad, &index},
                 {num_weights, padding, scale_grad_by_freq ? 1 : 0});
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale, bool enable_gqa) {
  check_attention(query, key, value, attn_mask, is_causal);
  check(dropout_p >= 0 && dropout_p <= 1, ErrorCode::kInvalidArgument, kSdpa,
        "dropout_p must be in [0, 1], got ", dropout_p);
  Tensor k = key, v = value;
  if (enable_gqa) {
    check(query.dim() >= 3, ErrorCode::kInvalidArgument, kSdpa,
          "enable_gqa needs heads in dimension -3, got query ", query.sizes());
    k = with_heads(key, query.size(-3), "key");
    v = with_heads(value, query.size(-3), "value");
  }
  const double factor = scale.value_or(1 / std::sqrt(static_cast<double>(query.size(-1))));
  const Tensor scores = matmul(mul(query, factor), k.transpose(-2, -1));
  const auto [hidden, alive] = masked(scores, attn_mask, is_causal);
  Tensor weights = softmax(hidden, -1);
  if (dropout_p > 0) weights = dropout(weights, dropout_p, true);
  const Tensor result = matmul(weights, v);
  return alive.defined() ? where(alive, result, 0.0) : result;
}

void register_attention_ops(OpList& list) {
  for (const Op* op : {&kEmbedding, &kEmbeddingGrad, &kAttention}) list.add(*op);
  register_embedding_forms(list);
}

}  // namespace tenon
