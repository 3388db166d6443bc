// Philox4x32-10, indexed by element (Salmon et al., SC'11).
#include <algorithm>
#include <bit>
#include <cstring>

#include "../kernel.h"
#include "blocks.h"
#include "random_kernels.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kBlock = 1024;
constexpr int64_t kGrain = 8192;

class RandomKernel final : public Kernel {
 public:
  RandomKernel(tn_device d, bool uniform) : Kernel(d), uniform_(uniform) {}

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const PhiloxKey key{launch.scalars[0], launch.scalars[1]};
    const Layout layout = collapse(out);
    if (uniform_ && layout.is_dense()) {
      parallel_for(device->host, element_count(out), kGrain, [&](int64_t begin, int64_t end) {
        device->tables.random->uniforms(key, begin, end - begin, data_of<float>(out) + begin);
      });
      return TN_OK;
    }
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
    alignas(64) std::byte values[kBlock * 8];
    if (uniform_) {
      device->tables.random->uniforms(key, start, n, reinterpret_cast<float*>(values));
    } else {
      uint32_t words[kBlock];
      device->tables.random->words(key, start, n, words);
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

class NormalKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const PhiloxKey key{launch.scalars[0], launch.scalars[1]};
    const NormalSpread spread{static_cast<float>(std::bit_cast<double>(launch.scalars[2])),
                              static_cast<float>(std::bit_cast<double>(launch.scalars[3]))};
    parallel_for(device->host, element_count(out), kGrain, [&](int64_t begin, int64_t end) {
      device->tables.random->normals(key, begin, end - begin, spread, data_of<float>(out) + begin);
    });
    return TN_OK;
  }
};

Refusal refuse_normal(const tn_signature& s) {
  if (!has_operands(s, 1)) return "random_normal takes one output";
  return operand_dtype(s, 0) == TN_DTYPE_F32 ? "" : "only f32 is served directly";
}

std::unique_ptr<Kernel> prepare_normal(tn_device device, const tn_signature&) {
  return std::make_unique<NormalKernel>(device);
}

constexpr Operator kOperators[] = {{TN_OP_RANDOM, refuse_random, prepare_random},
                                   {"random_normal", refuse_normal, prepare_normal, true}};

}  // namespace

std::span<const Operator> random_operators() { return kOperators; }

}  // namespace tenon::cpu
