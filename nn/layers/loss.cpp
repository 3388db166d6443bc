#include <tenon/nn/layers/loss.h>

namespace tenon::nn {

Tensor Loss::operator()(const Tensor& input, const Tensor& target) const {
  try {
    return compare(input, target);
  } catch (const Error& error) {
    throw Error(error.code(), std::string(error.what()) + "\n  in " + describe());
  }
}

Tensor CrossEntropyLoss::compare(const Tensor& input, const Tensor& target) const {
  return cross_entropy(input, target, reduction());
}

Tensor MSELoss::compare(const Tensor& input, const Tensor& target) const {
  return mse_loss(input, target, reduction());
}

}  // namespace tenon::nn
