// Philox4x32-10, indexed by element (Salmon et al., SC'11).
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "blocks.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kBlock = 1024;
constexpr int64_t kGrain = 8192;

struct PhiloxKey {
  uint64_t seed;
  uint64_t offset;
};

// The four words of counter (q, offset).
void philox(const PhiloxKey& key, uint64_t q, uint32_t* out) {
  uint32_t c0 = static_cast<uint32_t>(q);
  uint32_t c1 = static_cast<uint32_t>(q >> 32);
  uint32_t c2 = static_cast<uint32_t>(key.offset);
  uint32_t c3 = static_cast<uint32_t>(key.offset >> 32);
  uint32_t k0 = static_cast<uint32_t>(key.seed);
  uint32_t k1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

// Words of elements [start, start + n).
void philox_words(const PhiloxKey& key, int64_t start, int64_t n, uint32_t* out) {
  while (n > 0) {
    uint32_t words[4];
    philox(key, static_cast<uint64_t>(start / 4), words);
    const int64_t lane = start % 4;
    const int64_t part = std::min<int64_t>(n, 4 - lane);
    std::memcpy(out, words + lane, static_cast<size_t>(part) * sizeof(uint32_t));
    out += part;
    start += part;
    n -= part;
  }
}

class RandomKernel final : public Kernel {
 public:
  RandomKernel(tn_device d, bool uniform) : Kernel(d), uniform_(uniform) {}

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const PhiloxKey key{launch.scalars[0], launch.scalars[1]};
    const Layout layout = collapse(out);
    parallel_for(device->host, element_count(out), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; at += kBlock) {
        fill_block(key, out, layout, at, std::min(kBlock, end - at));
      }
    });
    return TN_OK;
  }

 private:
  void fill_block(const PhiloxKey& key, const tn_tensor& out, const Layout& layout, int64_t start,
                  int64_t n) const {
    uint32_t words[kBlock];
    alignas(64) std::byte values[kBlock * 8];
    philox_words(key, start, n, words);
    if (uniform_) {
      float* x = reinterpret_cast<float*>(values);
      for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(words[i] >> 8) * 0x1p-24f;
    } else {
      int64_t* x = reinterpret_cast<int64_t*>(values);
      for (int64_t i = 0; i < n; ++i) x[i] = words[i];
    }
    scatter_block(*device->tables.elementwise, out.dtype, data_of(out), layout, start, n, values);
  }

  bool uniform_;
};

Refusal refuse_random(const tn_signature& s) {
  if (!has_operands(s, 1) || s.attribute_count != 1) return "random takes one output and a kind";
  const uint32_t dtype = operand_dtype(s, 0);
  if (s.attributes[0] == TN_RANDOM_BITS) return dtype == TN_DTYPE_I64 ? "" : "bits are i64";
  if (s.attributes[0] == TN_RANDOM_UNIFORM) return dtype == TN_DTYPE_F32 ? "" : "uniforms are f32";
  return "unknown kind of random numbers";
}

std::unique_ptr<Kernel> prepare_random(tn_device device, const tn_signature& s) {
  return std::make_unique<RandomKernel>(device, s.attributes[0] == TN_RANDOM_UNIFORM);
}

constexpr Operator kOperators[] = {{TN_OP_RANDOM, refuse_random, prepare_random}};

}  // namespace

std::span<const Operator> random_operators() { return kOperators; }

}  // namespace tenon::cpu
