#include <tenon/nn/layers/loss.h>

namespace tenon::nn {

Tensor Loss::operator()(const Tensor& input, const Tensor& target) const {
  return guarded([&] { return compare(input, target); });
}

CrossEntropyLoss::CrossEntropyLoss(const CrossEntropyOptions& options)
    : Cloneable(options.reduction),
      weight(options.weight),
      ignore_index_(options.ignore_index),
      label_smoothing_(options.label_smoothing) {
  check(label_smoothing_ >= 0 && label_smoothing_ <= 1, ErrorCode::kInvalidArgument,
        "CrossEntropyLoss", "label_smoothing must be in [0, 1], got ", label_smoothing_);
  register_buffer("weight", &CrossEntropyLoss::weight);
}

Tensor CrossEntropyLoss::compare(const Tensor& input, const Tensor& target) const {
  return cross_entropy(input, target, weight, ignore_index_, reduction(), label_smoothing_);
}

NLLLoss::NLLLoss(const NLLOptions& options)
    : Cloneable(options.reduction), weight(options.weight), ignore_index_(options.ignore_index) {
  register_buffer("weight", &NLLLoss::weight);
}

Tensor NLLLoss::compare(const Tensor& input, const Tensor& target) const {
  return nll_loss(input, target, weight, ignore_index_, reduction());
}

BCELoss::BCELoss(const BCEOptions& options) : Cloneable(options.reduction), weight(options.weight) {
  register_buffer("weight", &BCELoss::weight);
}

Tensor BCELoss::compare(const Tensor& input, const Tensor& target) const {
  return binary_cross_entropy(input, target, weight, reduction());
}

BCEWithLogitsLoss::BCEWithLogitsLoss(const BCEWithLogitsOptions& options)
    : Cloneable(options.reduction), weight(options.weight), pos_weight(options.pos_weight) {
  register_buffer("weight", &BCEWithLogitsLoss::weight);
  register_buffer("pos_weight", &BCEWithLogitsLoss::pos_weight);
}

Tensor BCEWithLogitsLoss::compare(const Tensor& input, const Tensor& target) const {
  return binary_cross_entropy_with_logits(input, target, weight, reduction(), pos_weight);
}

Tensor MSELoss::compare(const Tensor& input, const Tensor& target) const {
  return mse_loss(input, target, reduction());
}

Tensor L1Loss::compare(const Tensor& input, const Tensor& target) const {
  return l1_loss(input, target, reduction());
}

Tensor SmoothL1Loss::compare(const Tensor& input, const Tensor& target) const {
  return smooth_l1_loss(input, target, reduction(), beta_);
}

Tensor HuberLoss::compare(const Tensor& input, const Tensor& target) const {
  return huber_loss(input, target, reduction(), delta_);
}

Tensor KLDivLoss::compare(const Tensor& input, const Tensor& target) const {
  return kl_div(input, target, reduction(), target_ == LogTarget::kYes);
}

Tensor SoftMarginLoss::compare(const Tensor& input, const Tensor& target) const {
  return soft_margin_loss(input, target, reduction());
}

Tensor HingeEmbeddingLoss::compare(const Tensor& input, const Tensor& target) const {
  return hinge_embedding_loss(input, target, margin_, reduction());
}

Tensor TripletMarginLoss::operator()(const Tensor& anchor, const Tensor& positive,
                                     const Tensor& negative) const {
  return guarded([&] {
    return triplet_margin_loss(anchor, positive, negative, margin_, p_, 1e-6, false, reduction_);
  });
}

Tensor CosineEmbeddingLoss::operator()(const Tensor& input1, const Tensor& input2,
                                       const Tensor& target) const {
  return guarded(
      [&] { return cosine_embedding_loss(input1, input2, target, margin_, reduction_); });
}

Tensor MarginRankingLoss::operator()(const Tensor& input1, const Tensor& input2,
                                     const Tensor& target) const {
  return guarded([&] { return margin_ranking_loss(input1, input2, target, margin_, reduction_); });
}

}  // namespace tenon::nn
