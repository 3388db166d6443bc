// fill, copy, random.
#include <algorithm>

#include "../block.h"
#include "support/philox.h"

namespace tenon::reference {
namespace {

using support::PhiloxWords;

constexpr int64_t kGrain = 16 * kBlock;

// Calls f(begin, n) for the blocks of [0, count), on the host's threads.
template <class F>
void for_blocks(const plugin::Host& host, int64_t count, F&& f) {
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  host.parallel_for(blocks, kGrain / kBlock, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) f(b * kBlock, std::min(kBlock, count - b * kBlock));
  });
}

class Fill : public Kernel {
 public:
  using Kernel::Kernel;
  void run(const Call& call) const override {
    const Operand& out = call.operands[0];
    const Walk walk = walk_of(*out.tensor);
    Block value;
    read_scalar(call.scalars[0], dtype(0), value);
    std::fill_n(value.whole, kBlock, value.whole[0]);
    for_blocks(call.host, walk.count(),
               [&](int64_t begin, int64_t n) { write(walk, dtype(0), out.data, begin, n, value); });
  }
};

class Copy : public Kernel {
 public:
  using Kernel::Kernel;
  void run(const Call& call) const override {
    if (dtype(0) == dtype(1) && dtype(0) != TN_DTYPE_BOOL) return copy_bytes(call);
    const Operand &out = call.operands[0], &in = call.operands[1];
    const Walk to = walk_of(*out.tensor), from = walk_of(*in.tensor);
    for_blocks(call.host, to.count(), [&](int64_t begin, int64_t n) {
      Block source, target;
      read(from, dtype(1), in.data, begin, n, source);
      cast(dtype(1), source, dtype(0), target, n);
      write(to, dtype(0), out.data, begin, n, target);
    });
  }

 private:
  void copy_bytes(const Call& call) const {
    const Operand &out = call.operands[0], &in = call.operands[1];
    const plugin::Walk<2> walk({out.tensor, in.tensor});
    const size_t size = static_cast<size_t>(support::dtype_size(dtype(0)));
    const int64_t bytes = static_cast<int64_t>(size);
    call.host.parallel_for(walk.count(), kGrain, [&](int64_t first, int64_t last) {
      walk.run(first, last, [&](int64_t, const auto& offsets, int64_t n) {
        std::byte* to = out.data + offsets[0] * bytes;
        const std::byte* from = in.data + offsets[1] * bytes;
        for (; n > 0; --n, to += walk.strides()[0] * bytes, from += walk.strides()[1] * bytes) {
          std::memmove(to, from, size);
        }
      });
    });
  }
};

std::string refuse_copy(const plugin::Signature& s) {
  return s.rank(0) == s.rank(1) ? "" : "copy: operands must have one rank";
}

class Random : public Kernel {
 public:
  explicit Random(const plugin::Signature& s) : Kernel(s), kind_(s.attributes()[0]) {}

  void run(const Call& call) const override {
    const Operand& out = call.operands[0];
    const Walk walk = walk_of(*out.tensor);
    for_blocks(call.host, walk.count(), [&](int64_t begin, int64_t n) {
      Block block;
      PhiloxWords words{};
      for (int64_t k = 0; k < n; ++k) {
        const auto element = static_cast<uint64_t>(begin + k);
        if (k == 0 || element % 4 == 0) {
          words = support::philox(call.scalars[0], call.scalars[1], element / 4);
        }
        const uint32_t word = words[element % 4];
        if (kind_ == TN_RANDOM_BITS) {
          block.whole[k] = word;
        } else {
          block.real[k] = (word >> 8) * 0x1p-24;
        }
      }
      write(walk, dtype(0), out.data, begin, n, block);
    });
  }

 private:
  int64_t kind_;
};

std::string refuse_random(const plugin::Signature& s) {
  const int64_t kind = s.attributes()[0];
  const bool fits = (kind == TN_RANDOM_BITS && s.dtype(0) == TN_DTYPE_I64) ||
                    (kind == TN_RANDOM_UNIFORM && s.dtype(0) == TN_DTYPE_F32);
  return fits ? "" : "random: bits are i64, uniforms are f32";
}

constexpr Operator kOperators[] = {
    {TN_OP_FILL, 1, 1, 0, [](const plugin::Signature&) { return std::string(); },
     make_kernel<Fill>},
    {TN_OP_COPY, 2, 1, 0, refuse_copy, make_kernel<Copy>},
    {TN_OP_RANDOM, 1, 1, 1, refuse_random, make_kernel<Random>},
};

}  // namespace

std::span<const Operator> movement_operators() { return kOperators; }

}  // namespace tenon::reference
