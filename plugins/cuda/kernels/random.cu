// random: a thread a group of four elements.
#include "device/philox.h"
#include "device/reduction.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

struct Bits {
  using T = int64_t;
  TENON_DEVICE static int64_t of(uint32_t word) { return word; }
};
struct Uniform {
  using T = float;
  TENON_DEVICE static float of(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
};

template <class Draw>
TENON_DEVICE void draw(const RandomParams& p) {
  const int64_t group = global_thread(), first = group * 4;
  if (first >= p.count) return;
  const PhiloxWords words = philox(p.seed, p.offset, static_cast<uint64_t>(group));
  for (int lane = 0; lane < 4 && first + lane < p.count; ++lane) {
    const int64_t at = offset_along(p.rank, p.shape, p.strides, first + lane);
    static_cast<typename Draw::T*>(p.out)[at] = Draw::of(words.word[lane]);
  }
}

}  // namespace

TENON_KERNEL(random_bits, 256, RandomParams, draw<Bits>)
TENON_KERNEL(random_uniform, 256, RandomParams, draw<Uniform>)

}  // namespace tenon::cuda
