#include "gpt.h"

#include <cmath>

using namespace tenon;

namespace {

constexpr double kDeviation = 0.02;  // of initial weights

}  // namespace

GptBlock::GptBlock(const GptOptions& options)
    : norm1(options.width),
      norm2(options.width),
      attention(options.width, options.heads, {.batch_first = true}),
      widen(options.width, 4 * options.width),
      narrow(4 * options.width, options.width) {
  register_module("norm1", &GptBlock::norm1);
  register_module("attention", &GptBlock::attention);
  register_module("norm2", &GptBlock::norm2);
  register_module("widen", &GptBlock::widen);
  register_module("narrow", &GptBlock::narrow);
}

Tensor GptBlock::forward(const Tensor& x) {
  const Tensor in = norm1(x);
  const Tensor y = x + attention(in, in, in, {.need_weights = false, .is_causal = true}).first;
  return y + narrow(gelu(widen(norm2(y))));
}

Gpt::Gpt(const GptOptions& options)
    : letters(options.letters, options.width),
      places(options.context, options.width),
      norm(options.width),
      head(options.width, options.letters, {.bias = false}) {
  for (int64_t i = 0; i < options.layers; ++i) blocks.push_back(GptBlock(options));
  register_module("letters", &Gpt::letters);
  register_module("places", &Gpt::places);
  register_module("blocks", &Gpt::blocks);
  register_module("norm", &Gpt::norm);
  register_module("head", &Gpt::head);
  // Matrices are small at first; what adds to the sum of the blocks is smaller the more there are.
  const double share = 1 / std::sqrt(2.0 * static_cast<double>(options.layers));
  for (auto& [name, value] : named_parameters()) {
    if (value.dim() < 2) continue;
    const bool adds = name.ends_with("narrow.weight") || name.ends_with("out_proj.weight");
    nn::init::normal_(value, 0, adds ? kDeviation * share : kDeviation);
  }
}

Tensor Gpt::forward(const Tensor& numbers) {
  const Tensor order = arange(numbers.size(1), TensorOptions(kInt64, numbers.device()));
  return head(norm(blocks(letters(numbers) + places(order))));
}
