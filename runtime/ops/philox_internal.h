// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11) on the host,
// word by word; the same words as the plugins' `random` (api/OPERATORS.md).
#pragma once

#include <array>
#include <cstdint>

namespace tenon::ops {

// The word of one element of a draw.
[[nodiscard]] constexpr uint32_t philox_word(uint64_t seed, uint64_t offset, uint64_t element) {
  const uint64_t block = element / 4;
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                               static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32)};
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xd2511f53} * c[0];
    const uint64_t p1 = uint64_t{0xcd9e8d57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return c[element % 4];
}

static_assert(philox_word(0, 0, 0) == 0x6627e8d5 && philox_word(0, 0, 3) == 0x9b00dbd8);

}  // namespace tenon::ops
