// Pooling layers.
#pragma once

#include <optional>

#include <tenon/nn/layers/pair.h>
#include <tenon/nn/module.h>
#include <tenon/runtime/ops/pooling.h>

namespace tenon::nn {

// Whether windows may reach beyond the padded end, so that no element is left out.
enum class Rounding : uint8_t { kFloor, kCeil };
// Whether padding counts in the mean.
enum class PadCount : uint8_t { kInclude, kExclude };

struct MaxPool2dOptions {
  std::optional<Pair> stride = {};  // the kernel size unless set
  Pair padding = 0;
  Pair dilation = 1;
  Rounding rounding = Rounding::kFloor;
};

// y[n, c, i, j] = max of the window of x[n, c] that begins at (i, j)·stride − padding
// Shapes: input (N, C, H, W), output (N, C, H', W') with
//   H' = (H + 2·padding − dilation·(kernel − 1) − 1) / stride + 1, W' likewise.
class TENON_API MaxPool2d : public Cloneable<MaxPool2d> {
 public:
  explicit MaxPool2d(Pair kernel_size, const MaxPool2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  Pair kernel_size_, stride_, padding_, dilation_;
  Rounding rounding_;
};

struct MaxPool1dOptions {
  std::optional<int64_t> stride = {};
  int64_t padding = 0;
  int64_t dilation = 1;
  Rounding rounding = Rounding::kFloor;
};

// As MaxPool2d over sequences (N, C, L).
class TENON_API MaxPool1d : public Cloneable<MaxPool1d> {
 public:
  explicit MaxPool1d(int64_t kernel_size, const MaxPool1dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t kernel_size_;
  MaxPool1dOptions options_;
};

struct AvgPool2dOptions {
  std::optional<Pair> stride = {};
  Pair padding = 0;
  Rounding rounding = Rounding::kFloor;
  PadCount pad_count = PadCount::kInclude;
  std::optional<int64_t> divisor_override = {};  // in place of the size of the window
};

// y[n, c, i, j] = mean of the window of x[n, c] that begins at (i, j)·stride − padding
// Shapes: as MaxPool2d, with dilation 1.
class TENON_API AvgPool2d : public Cloneable<AvgPool2d> {
 public:
  explicit AvgPool2d(Pair kernel_size, const AvgPool2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  Pair kernel_size_;
  AvgPool2dOptions options_;
};

struct AvgPool1dOptions {
  std::optional<int64_t> stride = {};
  int64_t padding = 0;
  Rounding rounding = Rounding::kFloor;
  PadCount pad_count = PadCount::kInclude;
};

// As AvgPool2d over sequences (N, C, L).
class TENON_API AvgPool1d : public Cloneable<AvgPool1d> {
 public:
  explicit AvgPool1d(int64_t kernel_size, const AvgPool1dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t kernel_size_;
  AvgPool1dOptions options_;
};

// Means, or the greatest, of windows that share the image evenly.
// Shapes: input (N, C, H, W), output (N, C, output_size); −1 keeps a size.
class TENON_API AdaptiveAvgPool2d : public Cloneable<AdaptiveAvgPool2d> {
 public:
  explicit AdaptiveAvgPool2d(Pair output_size) : output_size_(output_size) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  Pair output_size_;
};

class TENON_API AdaptiveMaxPool2d : public Cloneable<AdaptiveMaxPool2d> {
 public:
  explicit AdaptiveMaxPool2d(Pair output_size) : output_size_(output_size) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  Pair output_size_;
};

// Shapes: input (N, C, L), output (N, C, output_size).
class TENON_API AdaptiveAvgPool1d : public Cloneable<AdaptiveAvgPool1d> {
 public:
  explicit AdaptiveAvgPool1d(int64_t output_size) : output_size_(output_size) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t output_size_;
};

// Images of another size: `size`, or each extent times scale_factor.
// Shapes: input (N, C, …), output (N, C, …). Errors: InvalidArgument unless one of both is given.
class TENON_API Upsample : public Cloneable<Upsample> {
 public:
  explicit Upsample(const InterpolateOptions& options) : options_(options) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  InterpolateOptions options_;
};

}  // namespace tenon::nn
