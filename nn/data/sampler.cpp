#include <tenon/nn/data/sampler.h>

#include <array>
#include <cstddef>
#include <numeric>
#include <utility>

namespace tenon::data {

namespace {

// Philox4x32-10. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
std::array<uint32_t, 4> philox(uint64_t seed, uint64_t low_counter, uint64_t high_counter) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  std::array<uint32_t, 4> c = {low(low_counter), high(low_counter), low(high_counter),
                               high(high_counter)};
  uint32_t key0 = low(seed), key1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * c[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * c[2];
    c = {high(product1) ^ c[1] ^ key0, low(product1), high(product0) ^ c[3] ^ key1, low(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return c;
}

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
    const auto words = philox(seed, i, epoch);
    const uint64_t bits = words[0] | uint64_t{words[1]} << 32;
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
