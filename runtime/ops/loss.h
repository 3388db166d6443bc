// Softmax and losses.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

enum class Reduction : uint8_t { kNone, kMean, kSum };

TENON_API Tensor softmax(const Tensor& self, int64_t dim);      // e^x / Σ e^x along dim
TENON_API Tensor log_softmax(const Tensor& self, int64_t dim);  // x − log Σ e^x along dim
TENON_API Tensor softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim);  // y·(grad − Σ grad·y), y = softmax
TENON_API Tensor log_softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim);  // grad − e^y·Σ grad, y = log_softmax
TENON_API Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, Reduction reduction = Reduction::kMean);  // −x[n, target[n]]
TENON_API Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction = Reduction::kMean);  // nll_loss(log_softmax(x, 1))
TENON_API Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);  // (x − y)²

}  // namespace tenon
