#include <tenon/nn/data/sampler.h>

#include <tenon/runtime/ops/philox_internal.h>

#include <cstddef>
#include <numeric>
#include <utility>

namespace tenon::data {

namespace {

// Draws of the default generator have small offsets; these must not repeat their words.
constexpr uint64_t kShuffles = uint64_t{1} << 63;

// A number in [0, bound) from 64 bits; off by less than bound / 2⁶⁴.
uint64_t scale_down(uint64_t bits, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(bits) * bound >> 64);
}

}  // namespace

std::vector<int64_t> shuffled(int64_t n, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    const uint64_t low = ops::philox_word(seed, kShuffles + epoch, 2 * i);
    const uint64_t high = ops::philox_word(seed, kShuffles + epoch, 2 * i + 1);
    const uint64_t bits = low | high << 32;
    std::swap(order[i - 1], order[scale_down(bits, i)]);
  }
  return order;
}

Sampler::~Sampler() = default;

std::vector<int64_t> SequentialSampler::order(uint64_t) const {
  std::vector<int64_t> result(static_cast<std::size_t>(n_));
  std::iota(result.begin(), result.end(), int64_t{0});
  return result;
}

std::vector<int64_t> RandomSampler::order(uint64_t epoch) const {
  return shuffled(n_, seed_, epoch);
}

}  // namespace tenon::data
