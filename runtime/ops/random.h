// Random numbers: Philox4x32-10 by element, so the same seed gives the same bits on every device.
#pragma once

#include <optional>

#include <tenon/runtime/tensor.h>

namespace tenon {

// A seed and a position; every draw moves the position on. Not synchronised: one per thread, or
// the default generator, whose calls are serialised.
class TENON_API Generator {
 public:
  explicit Generator(uint64_t seed = 0) : seed_(seed) {}
  void manual_seed(uint64_t seed) { seed_ = seed, offset_ = 0; }
  [[nodiscard]] uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] uint64_t offset() const noexcept { return offset_; }
  void set_offset(uint64_t offset) noexcept { offset_ = offset; }
  // The offset of the next draw. Each draw takes one offset, whatever its size.
  uint64_t next_offset() noexcept { return offset_++; }

 private:
  uint64_t seed_ = 0;
  uint64_t offset_ = 0;
};

TENON_API Generator& default_generator();
TENON_API void manual_seed(uint64_t seed);

// ---- new tensors ----
TENON_API Tensor rand(const Shape& sizes, const TensorOptions& options = {}, Generator* generator = nullptr);   // U[0, 1)
TENON_API Tensor randn(const Shape& sizes, const TensorOptions& options = {}, Generator* generator = nullptr);  // N(0, 1)
TENON_API Tensor randint(int64_t low, int64_t high, const Shape& sizes, const TensorOptions& options = {},
                         Generator* generator = nullptr);  // integers in [low, high), int64
TENON_API Tensor randperm(int64_t n, const TensorOptions& options = {}, Generator* generator = nullptr);  // a permutation of 0 … n−1
TENON_API Tensor rand_like(const Tensor& self, const TensorOptions& options = {}, Generator* generator = nullptr);   // rand, shape of self
TENON_API Tensor randn_like(const Tensor& self, const TensorOptions& options = {}, Generator* generator = nullptr);  // randn, shape of self
TENON_API Tensor randint_like(const Tensor& self, int64_t low, int64_t high, const TensorOptions& options = {},
                              Generator* generator = nullptr);  // randint, shape and dtype of self
// Each element from the parameters at its place.
TENON_API Tensor bernoulli(const Tensor& probability, Generator* generator = nullptr);  // 1 with the probability
TENON_API Tensor normal(const Tensor& mean, const Tensor& stddev, Generator* generator = nullptr);  // N(mean, stddev²)
TENON_API Tensor normal(const Tensor& mean, double stddev = 1, Generator* generator = nullptr);
TENON_API Tensor normal(double mean, const Tensor& stddev, Generator* generator = nullptr);
TENON_API Tensor normal(double mean, double stddev, const Shape& sizes, const TensorOptions& options = {}, Generator* generator = nullptr);
TENON_API Tensor multinomial(const Tensor& weights, int64_t samples, bool replacement = false, Generator* generator = nullptr);  // positions, by their weights

// ---- in place ----
TENON_API Tensor& uniform_(Tensor& self, double low = 0, double high = 1, Generator* generator = nullptr);    // U[low, high)
TENON_API Tensor& normal_(Tensor& self, double mean = 0, double stddev = 1, Generator* generator = nullptr);  // N(mean, stddev²)
TENON_API Tensor& exponential_(Tensor& self, double rate = 1, Generator* generator = nullptr);                // density rate·e^(−rate·x)
TENON_API Tensor& bernoulli_(Tensor& self, double probability = 0.5, Generator* generator = nullptr);  // 1 with the probability
TENON_API Tensor& bernoulli_(Tensor& self, const Tensor& probability, Generator* generator = nullptr);
TENON_API Tensor& random_(Tensor& self, std::optional<int64_t> low = {}, std::optional<int64_t> high = {},
                          Generator* generator = nullptr);  // integers in [low, high), [0, low) or all of the dtype

// ---- dropout ----
TENON_API Tensor dropout(const Tensor& self, double probability, bool training, Generator* generator = nullptr);  // zeroes, scales by 1/(1−p)
TENON_API Tensor feature_dropout(const Tensor& self, double probability, bool training, Generator* generator = nullptr);  // zeroes whole channels
TENON_API Tensor alpha_dropout(const Tensor& self, double probability, bool training, Generator* generator = nullptr);  // keeps mean and variance of SELU
TENON_API Tensor feature_alpha_dropout(const Tensor& self, double probability, bool training, Generator* generator = nullptr);  // of whole channels

}  // namespace tenon
