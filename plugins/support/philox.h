// Philox4x32-10 (Salmon et al., SC'11), the generator behind "random".
#ifndef TENON_PLUGINS_SUPPORT_PHILOX_H
#define TENON_PLUGINS_SUPPORT_PHILOX_H

#include <array>
#include <cstdint>

namespace tenon::support {

using PhiloxWords = std::array<uint32_t, 4>;

constexpr PhiloxWords philox(PhiloxWords counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9;  // golden ratio
    key[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
  return counter;
}

// The four words of elements 4 * group .. 4 * group + 3 (OPERATORS.md).
constexpr PhiloxWords philox(uint64_t seed, uint64_t offset, uint64_t group) {
  return philox({static_cast<uint32_t>(group), static_cast<uint32_t>(group >> 32),
                 static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32)},
                {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

}  // namespace tenon::support

#endif
