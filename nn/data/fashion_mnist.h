// Fashion-MNIST: 60,000 + 10,000 grey images of clothes, 28 × 28, in ten classes.
#pragma once

#include <array>
#include <string>

#include <tenon/nn/data/dataset.h>

namespace tenon::data {

enum class Split : uint8_t { kTrain, kTest };

// Examples: data (1, 28, 28) float32, normalised to mean 0 and deviation 1 over the training set;
// target () int64, the class number. Reads any dataset with the four file names of MNIST, gzipped
// or not. Only the original bytes are kept; batches are made when asked for. Errors: Io when a file
// is missing, damaged, or the two do not go together. Source: Xiao, Rasul, Vollgraf, 2017; Debian's
// package dataset-fashion-mnist.
class TENON_API FashionMnist : public Dataset {
 public:
  static constexpr const char* kFolder = "/usr/share/datasets/fashion-mnist";
  static constexpr std::array<const char*, 10> kClassNames = {
      "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
      "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Boot"};

  explicit FashionMnist(Split split, const std::string& folder = kFolder);
  [[nodiscard]] int64_t size() const override;
  [[nodiscard]] Example get(int64_t index) const override;
  [[nodiscard]] Example get_batch(std::span<const int64_t> indices) const override;

 private:
  Tensor images_, labels_;             // uint8
  std::array<float, 256> normalised_;  // of each grey value
};

}  // namespace tenon::data
