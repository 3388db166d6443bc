// A small GPT over characters. Source: Radford et al., 2019 (GPT-2), with untied output weights.
#pragma once

#include <tenon/tenon.h>

struct GptOptions {
  int64_t letters = 0;   // size of the alphabet, V
  int64_t context = 64;  // longest piece, T
  int64_t width = 128;   // E
  int64_t heads = 4, layers = 3;
};

// x + attention(norm(x)), then x + feed-forward(norm(x)). Shapes: (N, T, E) in and out.
struct GptBlock : tenon::nn::Cloneable<GptBlock> {
  tenon::nn::LayerNorm norm1, norm2;
  tenon::nn::MultiheadAttention attention;
  tenon::nn::Linear widen, narrow;

  explicit GptBlock(const GptOptions& options);
  tenon::Tensor forward(const tenon::Tensor& x) override;
};

// Shapes: numbers (N, T) of int64, result (N, T, V): scores of the letter that comes next.
struct Gpt : tenon::nn::Cloneable<Gpt> {
  tenon::nn::Embedding letters, places;
  tenon::nn::Sequential blocks;
  tenon::nn::LayerNorm norm;
  tenon::nn::Linear head;

  explicit Gpt(const GptOptions& options);
  tenon::Tensor forward(const tenon::Tensor& numbers) override;
};
