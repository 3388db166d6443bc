// Embeddings are linear in the rows: embedding and its gradient differentiate into each other.
#include <tenon/runtime/ops/attention.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

std::optional<int64_t> padding_of(int64_t attribute) {
  return attribute < 0 ? std::nullopt : std::optional(attribute);
}

void embedding_rule(GradContext& c) {  // weight, indices; attributes: padding row, scaled
  const auto a = c.attributes();
  c.give(0, embedding_dense_backward(c.grad(), c.input(1), c.sizes(0)[0], padding_of(a[0]),
                                     a[1] != 0));
}

void embedding_grad_rule(GradContext& c) {  // grad, indices; attributes: rows, padding row, scaled
  const auto a = c.attributes();
  const Tensor indices = c.input(1), index = indices.unsqueeze(-1);
  Tensor rows = embedding(c.grad(), indices);
  if (a[1] >= 0) rows = where(ne(index, a[1]), rows, 0.0);
  if (a[2] != 0) {
    const Tensor flat = indices.reshape({-1});
    const Tensor ones_like_rows = ones(flat.sizes(), c.options(0));
    const Tensor counts = scatter_add(zeros({a[0]}, c.options(0)), 0, flat, ones_like_rows);
    rows = rows / gather(counts, 0, flat).view(index.sizes());
  }
  c.give(0, rows);
}

constexpr Rule kRules[] = {
    {"embedding", save_input(1), &embedding_rule},
    {"embedding_dense_backward", save_input(1), &embedding_grad_rule},
};

}  // namespace

std::span<const Rule> attention_rules() { return kRules; }

}  // namespace tenon::autograd
