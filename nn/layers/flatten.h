// Merging, cutting and exchanging of dimensions, and nothing at all.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

// Merges the dimensions start_dim … end_dim into one.
// Shapes: (N, C, H, W) becomes (N, C·H·W) by default.
class TENON_API Flatten : public Cloneable<Flatten> {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t start_dim_, end_dim_;
};

// Cuts dimension dim into several: the inverse of Flatten. One size may be −1.
// Errors: InvalidArgument when the sizes do not make up the dimension; Index.
class TENON_API Unflatten : public Cloneable<Unflatten> {
 public:
  Unflatten(int64_t dim, const Shape& sizes) : dim_(dim), sizes_(sizes) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t dim_;
  Shape sizes_;
};

// Moves channels into the plane: out[n, c, h·r + i, w·r + j] = in[n, c·r² + i·r + j, h, w].
// Shapes: (…, C·r², H, W) becomes (…, C, H·r, W·r).
// Errors: InvalidArgument for r < 1 or channels that r² does not divide.
// Source: Shi et al. 2016 (arXiv 1609.05158); torch.nn.PixelShuffle.
class TENON_API PixelShuffle : public Cloneable<PixelShuffle> {
 public:
  explicit PixelShuffle(int64_t upscale_factor) : upscale_factor_(upscale_factor) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t upscale_factor_;
};

// The inverse of PixelShuffle.
// Shapes: (…, C, H·r, W·r) becomes (…, C·r², H, W).
// Errors: InvalidArgument for r < 1 or a plane that r does not divide.
// Source: torch.nn.PixelUnshuffle.
class TENON_API PixelUnshuffle : public Cloneable<PixelUnshuffle> {
 public:
  explicit PixelUnshuffle(int64_t downscale_factor) : downscale_factor_(downscale_factor) {}
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  int64_t downscale_factor_;
};

// y = x
class TENON_API Identity : public Cloneable<Identity> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override { return input; }
};

}  // namespace tenon::nn
