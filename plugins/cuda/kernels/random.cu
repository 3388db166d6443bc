// random, random_normal: a thread four elements.
#include "device/packs.h"
#include "device/philox.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

// The four elements from 4 * group on.
struct Bits {
  using T = int64_t;
  TENON_DEVICE static void draw(const RandomParams& p, uint64_t group, T* four) {
    const PhiloxWords words = philox(p.seed, p.offset, group);
    for (int i = 0; i < 4; ++i) four[i] = words.word[i];
  }
};
struct Uniform {
  using T = float;
  TENON_DEVICE static void draw(const RandomParams& p, uint64_t group, T* four) {
    const PhiloxWords words = philox(p.seed, p.offset, group);
    for (int i = 0; i < 4; ++i) four[i] = uniform_of(words.word[i]);
  }
};
struct Normal {
  using T = float;
  TENON_DEVICE static void draw(const RandomParams& p, uint64_t group, T* four) {
    for (int half = 0; half < 2; ++half) {
      const PhiloxWords words = philox(p.seed, p.offset, 2 * group + static_cast<uint64_t>(half));
      for (int i = 0; i < 2; ++i) {
        four[2 * half + i] =
            p.mean + p.deviation * normal_of(words.word[2 * i], words.word[2 * i + 1]);
      }
    }
  }
};

template <class Draw>
TENON_DEVICE void draw(const RandomParams& p) {
  using T = typename Draw::T;
  const int64_t group = global_thread(), first = group * 4;
  if (first >= p.count) return;
  Pack<T, 4> four;
  Draw::draw(p, static_cast<uint64_t>(group), four.at);
  if (p.packed != 0 && first + 4 <= p.count) {
    store_pack(static_cast<T*>(p.out) + first, four);
    return;
  }
  for (int lane = 0; lane < 4 && first + lane < p.count; ++lane) {
    const int64_t at = offset_along(p.rank, p.shape, p.strides, first + lane);
    static_cast<T*>(p.out)[at] = four.at[lane];
  }
}

}  // namespace

TENON_KERNEL(random_bits, 256, RandomParams, draw<Bits>)
TENON_KERNEL(random_uniform, 256, RandomParams, draw<Uniform>)
TENON_KERNEL(random_normal, 256, RandomParams, draw<Normal>)

}  // namespace tenon::cuda
