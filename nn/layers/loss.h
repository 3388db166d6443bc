// Losses: how far an output is from its target. The mean over all elements unless told otherwise.
#pragma once

#include <tenon/nn/module.h>
#include <tenon/runtime/ops/loss.h>

namespace tenon::nn {

// Base of modules that compare two tensors. Shapes, dtypes and errors are those of the op in
// runtime/ops/loss.h that each names; the result is () or, without reduction, has the element's
// losses.
class TENON_API Loss : public Module {
 public:
  explicit Loss(Reduction reduction = Reduction::kMean) : reduction_(reduction) {}
  [[nodiscard]] virtual Tensor compare(const Tensor& input, const Tensor& target) const = 0;
  [[nodiscard]] Tensor operator()(const Tensor& input, const Tensor& target) const;

 protected:
  [[nodiscard]] Reduction reduction() const noexcept { return reduction_; }

 private:
  Reduction reduction_;
};

// ---- classes ----

struct CrossEntropyOptions {
  Tensor weight = {};           // per class
  int64_t ignore_index = -100;  // targets that do not count
  Reduction reduction = Reduction::kMean;
  double label_smoothing = 0;  // this share of the target goes to all classes
};

// l[n] = −log softmax(x[n])[target[n]]
// Shapes: input (N, C, …), target (N, …) of class numbers, or probabilities (N, C, …).
class TENON_API CrossEntropyLoss : public Cloneable<CrossEntropyLoss, Loss> {
 public:
  explicit CrossEntropyLoss(Reduction reduction = Reduction::kMean)
      : CrossEntropyLoss(CrossEntropyOptions{.reduction = reduction}) {}
  explicit CrossEntropyLoss(const CrossEntropyOptions& options);
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

  Tensor weight;  // a buffer; undefined unless given

 private:
  int64_t ignore_index_;
  double label_smoothing_;
};

struct NLLOptions {
  Tensor weight = {};
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::kMean;
};

// l[n] = −x[n, target[n]], x being logarithms of probabilities (LogSoftmax).
class TENON_API NLLLoss : public Cloneable<NLLLoss, Loss> {
 public:
  explicit NLLLoss(Reduction reduction = Reduction::kMean)
      : NLLLoss(NLLOptions{.reduction = reduction}) {}
  explicit NLLLoss(const NLLOptions& options);
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

  Tensor weight;  // a buffer; undefined unless given

 private:
  int64_t ignore_index_;
};

struct BCEOptions {
  Tensor weight = {};  // of the elements
  Reduction reduction = Reduction::kMean;
};

// l = −(y·log x + (1 − y)·log(1 − x)), x being probabilities.
class TENON_API BCELoss : public Cloneable<BCELoss, Loss> {
 public:
  explicit BCELoss(Reduction reduction = Reduction::kMean)
      : BCELoss(BCEOptions{.reduction = reduction}) {}
  explicit BCELoss(const BCEOptions& options);
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

  Tensor weight;  // a buffer; undefined unless given
};

struct BCEWithLogitsOptions {
  Tensor weight = {};
  Reduction reduction = Reduction::kMean;
  Tensor pos_weight = {};  // of positive targets
};

// BCELoss of sigmoid(x), without overflow.
class TENON_API BCEWithLogitsLoss : public Cloneable<BCEWithLogitsLoss, Loss> {
 public:
  explicit BCEWithLogitsLoss(Reduction reduction = Reduction::kMean)
      : BCEWithLogitsLoss(BCEWithLogitsOptions{.reduction = reduction}) {}
  explicit BCEWithLogitsLoss(const BCEWithLogitsOptions& options);
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

  Tensor weight, pos_weight;  // buffers; undefined unless given
};

// ---- element by element; input and target have one shape ----

// l = (x − y)²
class TENON_API MSELoss : public Cloneable<MSELoss, Loss> {
 public:
  using Cloneable::Cloneable;
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;
};

// l = |x − y|
class TENON_API L1Loss : public Cloneable<L1Loss, Loss> {
 public:
  using Cloneable::Cloneable;
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;
};

// l = ½(x − y)²/β below β, |x − y| − β/2 above. Source: Girshick, 2015.
class TENON_API SmoothL1Loss : public Cloneable<SmoothL1Loss, Loss> {
 public:
  explicit SmoothL1Loss(Reduction reduction = Reduction::kMean, double beta = 1)
      : Cloneable(reduction), beta_(beta) {}
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

 private:
  double beta_;
};

// l = ½(x − y)² below δ, δ·(|x − y| − δ/2) above. Source: Huber, 1964.
class TENON_API HuberLoss : public Cloneable<HuberLoss, Loss> {
 public:
  explicit HuberLoss(Reduction reduction = Reduction::kMean, double delta = 1)
      : Cloneable(reduction), delta_(delta) {}
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

 private:
  double delta_;
};

enum class LogTarget : uint8_t { kNo, kYes };

// l = y·(log y − x), x being logarithms of probabilities; with LogTarget::kYes y are logarithms
// too.
class TENON_API KLDivLoss : public Cloneable<KLDivLoss, Loss> {
 public:
  explicit KLDivLoss(Reduction reduction = Reduction::kMean, LogTarget target = LogTarget::kNo)
      : Cloneable(reduction), target_(target) {}
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

 private:
  LogTarget target_;
};

// l = log(1 + e^(−y·x)), y being 1 or −1.
class TENON_API SoftMarginLoss : public Cloneable<SoftMarginLoss, Loss> {
 public:
  using Cloneable::Cloneable;
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;
};

// l = x for y = 1, max(0, margin − x) for y = −1.
class TENON_API HingeEmbeddingLoss : public Cloneable<HingeEmbeddingLoss, Loss> {
 public:
  explicit HingeEmbeddingLoss(double margin = 1, Reduction reduction = Reduction::kMean)
      : Cloneable(reduction), margin_(margin) {}
  [[nodiscard]] Tensor compare(const Tensor& input, const Tensor& target) const override;

 private:
  double margin_;
};

// ---- of three ----

// l = max(0, d(anchor, positive) − d(anchor, negative) + margin), d the p-norm of the difference.
class TENON_API TripletMarginLoss : public Cloneable<TripletMarginLoss> {
 public:
  explicit TripletMarginLoss(double margin = 1, double p = 2,
                             Reduction reduction = Reduction::kMean)
      : margin_(margin), p_(p), reduction_(reduction) {}
  [[nodiscard]] Tensor operator()(const Tensor& anchor, const Tensor& positive,
                                  const Tensor& negative) const;

 private:
  double margin_, p_;
  Reduction reduction_;
};

// l = 1 − cos(x₁, x₂) for y = 1, max(0, cos(x₁, x₂) − margin) for y = −1.
class TENON_API CosineEmbeddingLoss : public Cloneable<CosineEmbeddingLoss> {
 public:
  explicit CosineEmbeddingLoss(double margin = 0, Reduction reduction = Reduction::kMean)
      : margin_(margin), reduction_(reduction) {}
  [[nodiscard]] Tensor operator()(const Tensor& input1, const Tensor& input2,
                                  const Tensor& target) const;

 private:
  double margin_;
  Reduction reduction_;
};

// l = max(0, −y·(x₁ − x₂) + margin), y being 1 or −1.
class TENON_API MarginRankingLoss : public Cloneable<MarginRankingLoss> {
 public:
  explicit MarginRankingLoss(double margin = 0, Reduction reduction = Reduction::kMean)
      : margin_(margin), reduction_(reduction) {}
  [[nodiscard]] Tensor operator()(const Tensor& input1, const Tensor& input2,
                                  const Tensor& target) const;

 private:
  double margin_;
  Reduction reduction_;
};

}  // namespace tenon::nn
