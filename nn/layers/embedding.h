// A table of vectors.
#pragma once

#include <optional>

#include <tenon/nn/module.h>

namespace tenon::nn {

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx = {};  // this row begins as 0 and gets no gradient
  bool scale_grad_by_freq = false;          // divides a row's gradient by how often it was taken
  TensorOptions tensor = {};                // dtype and device of the table
};

// y = weight[x]
// Shapes: input (*) of int64 in [0, num_embeddings), output (*, embedding_dim), weight
//   (num_embeddings, embedding_dim).
// Initial values: N(0, 1). Errors: InvalidArgument for sizes that are not positive and a
// padding_idx outside the table; Index for rows outside it. Source: torch.nn.Embedding.
class TENON_API Embedding : public Cloneable<Embedding> {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim, const EmbeddingOptions& options = {});
  // A table that is there already; frozen ones require no gradient.
  enum class Pretrained : uint8_t { kFrozen, kTrained };
  [[nodiscard]] static Embedding from_pretrained(const Tensor& table,
                                                 Pretrained kind = Pretrained::kFrozen,
                                                 const EmbeddingOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;

 private:
  Embedding(const Tensor& table, const EmbeddingOptions& options);
  int64_t num_embeddings_, embedding_dim_;
  EmbeddingOptions options_;
};

}  // namespace tenon::nn
