// The order of examples in an epoch.
#pragma once

#include <cstdint>
#include <vector>

#include <tenon/runtime/export.h>

namespace tenon::data {

// 0 … n−1 shuffled: Fisher-Yates over Philox4x32-10 words of the seed and the epoch.
// Equal on every machine, device and number of threads; each epoch has its own order.
[[nodiscard]] TENON_API std::vector<int64_t> shuffled(int64_t n, uint64_t seed, uint64_t epoch);

class TENON_API Sampler {
 public:
  virtual ~Sampler();
  [[nodiscard]] virtual int64_t size() const = 0;  // indices per epoch
  [[nodiscard]] virtual std::vector<int64_t> order(uint64_t epoch) const = 0;
};

// 0, 1, … n−1.
class TENON_API SequentialSampler : public Sampler {
 public:
  explicit SequentialSampler(int64_t n) : n_(n) {}
  [[nodiscard]] int64_t size() const override { return n_; }
  [[nodiscard]] std::vector<int64_t> order(uint64_t epoch) const override;

 private:
  int64_t n_;
};

// shuffled(n, seed, epoch).
class TENON_API RandomSampler : public Sampler {
 public:
  RandomSampler(int64_t n, uint64_t seed) : n_(n), seed_(seed) {}
  [[nodiscard]] int64_t size() const override { return n_; }
  [[nodiscard]] std::vector<int64_t> order(uint64_t epoch) const override;

 private:
  int64_t n_;
  uint64_t seed_;
};

}  // namespace tenon::data
