// Softmax and losses.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

// How the losses of all elements become the result. kBatchMean is for kl_div: sum / size(0).
enum class Reduction : uint8_t { kNone, kMean, kSum, kBatchMean };

// ---- softmax; dtype: convert to it first ----
TENON_API Tensor softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});      // e^x / Σ e^x along dim
TENON_API Tensor softmin(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});      // softmax(−x)
TENON_API Tensor log_softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});  // x − log Σ e^x along dim
TENON_API Tensor softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim);  // y·(grad − Σ grad·y), y = softmax
TENON_API Tensor log_softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim);  // grad − e^y·Σ grad, y = log_softmax

// ---- classes; weight is per class ----
TENON_API Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const Tensor& weight = {}, int64_t ignore_index = -100, Reduction reduction = Reduction::kMean);  // −w·x[n, target[n]]
TENON_API Tensor cross_entropy(const Tensor& logits, const Tensor& target, const Tensor& weight = {}, int64_t ignore_index = -100, Reduction reduction = Reduction::kMean, double label_smoothing = 0);  // nll_loss(log_softmax(x, 1)); target: classes or probabilities
TENON_API Tensor multi_margin_loss(const Tensor& input, const Tensor& target, int64_t p = 1, double margin = 1, const Tensor& weight = {}, Reduction reduction = Reduction::kMean);  // Σ over other classes of max(0, margin − x[target] + x)^p / C
TENON_API Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const Tensor& weight = {}, Reduction reduction = Reduction::kMean);  // mean over classes of binary_cross_entropy_with_logits
inline Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, Reduction reduction) {
  return nll_loss(log_probabilities, target, {}, -100, reduction);
}
inline Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction) {
  return cross_entropy(logits, target, {}, -100, reduction);
}

// ---- element by element; input and target have the same sizes ----
TENON_API Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);  // (x − y)²
TENON_API Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);   // |x − y|
TENON_API Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean, double beta = 1);  // ½(x − y)²/beta below beta, |x − y| − beta/2 above
TENON_API Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean, double delta = 1);  // ½(x − y)² below delta, delta·(|x − y| − delta/2) above
TENON_API Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight = {}, Reduction reduction = Reduction::kMean);  // −w·(y·log x + (1 − y)·log(1 − x))
TENON_API Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const Tensor& weight = {}, Reduction reduction = Reduction::kMean, const Tensor& pos_weight = {});  // of sigmoid(x), without overflow
TENON_API Tensor kl_div(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean, bool log_target = false);  // y·(log y − x)
TENON_API Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, bool full = false, double eps = 1e-6, Reduction reduction = Reduction::kMean);  // ½(log v + (x − y)²/v)
TENON_API Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, bool log_input = true, bool full = false, double eps = 1e-8, Reduction reduction = Reduction::kMean);  // e^x − y·x
TENON_API Tensor soft_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);  // log(1 + e^(−y·x)), y is 1 or −1
TENON_API Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin = 1, Reduction reduction = Reduction::kMean);  // x for y = 1, max(0, margin − x) for y = −1

// ---- distances and losses of pairs ----
TENON_API Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2, double eps = 1e-6, bool keepdim = false);  // ‖x₁ − x₂ + eps‖ of the last dimension
TENON_API Tensor cdist(const Tensor& x1, const Tensor& x2, double p = 2);  // distances of all rows of x1 to all rows of x2
TENON_API Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim = 1, double eps = 1e-8);  // x₁·x₂ / (‖x₁‖·‖x₂‖)
TENON_API Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target, double margin = 0, Reduction reduction = Reduction::kMean);  // max(0, −y·(x₁ − x₂) + margin)
TENON_API Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target, double margin = 0, Reduction reduction = Reduction::kMean);  // 1 − cos for y = 1, max(0, cos − margin) for y = −1
TENON_API Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin = 1, double p = 2, double eps = 1e-6, bool swap = false, Reduction reduction = Reduction::kMean);  // max(0, d(a, p) − d(a, n) + margin)

}  // namespace tenon
