#include <tenon/nn/layers/flatten.h>

#include <tenon/runtime/ops/manipulation.h>

namespace tenon::nn {

Tensor Flatten::forward(const Tensor& input) { return input.flatten(start_dim_, end_dim_); }

std::string Flatten::describe() const {
  return join_text("Flatten(start_dim=", start_dim_, ", end_dim=", end_dim_, ")");
}

Tensor Unflatten::forward(const Tensor& input) {
  const int64_t dim = wrap_dim(dim_, input.dim(), "Unflatten");
  const Shape all = input.sizes();
  return input.view(all.slice(0, dim) + sizes_ + all.slice(dim + 1, all.rank()));
}

std::string Unflatten::describe() const {
  return join_text("Unflatten(dim=", dim_, ", sizes=", sizes_, ")");
}

Tensor PixelShuffle::forward(const Tensor& input) { return pixel_shuffle(input, upscale_factor_); }

std::string PixelShuffle::describe() const {
  return join_text("PixelShuffle(upscale_factor=", upscale_factor_, ")");
}

Tensor PixelUnshuffle::forward(const Tensor& input) {
  return pixel_unshuffle(input, downscale_factor_);
}

std::string PixelUnshuffle::describe() const {
  return join_text("PixelUnshuffle(downscale_factor=", downscale_factor_, ")");
}

}  // namespace tenon::nn
