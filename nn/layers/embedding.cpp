#include <tenon/nn/layers/embedding.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/nn/init.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/attention.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::nn {

Embedding::Embedding(const Tensor& table, const EmbeddingOptions& options)
    : weight(table),
      num_embeddings_(table.size(0)),
      embedding_dim_(table.size(1)),
      options_(options) {
  if (options.padding_idx) {
    int64_t& row = *options_.padding_idx;
    check(row >= -num_embeddings_ && row < num_embeddings_, ErrorCode::kInvalidArgument,
          "Embedding", "padding_idx must be in [", -num_embeddings_, ", ", num_embeddings_,
          "), got ", row);
    if (row < 0) row += num_embeddings_;
  }
  register_parameter("weight", &Embedding::weight);
}

namespace {

Tensor new_table(int64_t rows, int64_t columns, const TensorOptions& options) {
  check(rows > 0 && columns > 0, ErrorCode::kInvalidArgument, "Embedding",
        "sizes must be > 0, got ", rows, " and ", columns);
  return parameter(empty({rows, columns}, options));
}

}  // namespace

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, const EmbeddingOptions& options)
    : Embedding(new_table(num_embeddings, embedding_dim, options.tensor), options) {
  init::normal_(weight);
  if (!options_.padding_idx) return;
  const NoGradGuard no_grad;
  weight.select(0, *options_.padding_idx).zero_();
}

Embedding Embedding::from_pretrained(const Tensor& table, Pretrained kind,
                                     const EmbeddingOptions& options) {
  check(table.dim() == 2, ErrorCode::kInvalidArgument, "Embedding",
        "expected a table of 2 dimensions, got ", table.sizes());
  return Embedding(kind == Pretrained::kFrozen ? table.detach() : parameter(table), options);
}

Tensor Embedding::forward(const Tensor& input) {
  return embedding(weight, input, options_.padding_idx, options_.scale_grad_by_freq);
}

std::string Embedding::describe() const {
  std::string text = join_text("Embedding(", num_embeddings_, ", ", embedding_dim_);
  if (options_.padding_idx) text += join_text(", padding_idx=", *options_.padding_idx);
  if (options_.scale_grad_by_freq) text += ", scale_grad_by_freq=true";
  return text + ")";
}

}  // namespace tenon::nn
