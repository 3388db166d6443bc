// max_pool2d with indices and its gradient, avg_pool2d; f32, NCHW, a plane at a time
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include "../kernel.h"
#include "convolution_kernels.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainElements = 16384;

struct Window {
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
};

struct Plane {
  int64_t height, width, out_h, out_w;
};

// Sizes of the planes, and their number.
struct Planes {
  Plane plane;
  int64_t count;

  Planes(const tn_tensor& in, const tn_tensor& out)
      : plane{in.shape[2], in.shape[3], out.shape[2], out.shape[3]},
        count(in.shape[0] * in.shape[1]) {}

  [[nodiscard]] int64_t in_size() const { return plane.height * plane.width; }
  [[nodiscard]] int64_t out_size() const { return plane.out_h * plane.out_w; }
  [[nodiscard]] int64_t grain() const {
    return std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, in_size()));
  }
};

class MaxPoolKernel final : public Kernel {
 public:
  MaxPoolKernel(tn_device d, const tn_signature& s) : Kernel(d) {
    std::memcpy(&window_, s.attributes, sizeof window_);
    dilation_h_ = s.attributes[6];
    dilation_w_ = s.attributes[7];
    const int64_t two[8] = {2, 2, 2, 2, 0, 0, 1, 1};
    is_2x2_ = std::equal(two, two + 8, s.attributes);
  }

  tn_status launch(const Launch& launch) const override {
    const Planes p(*launch.operands[2], *launch.operands[0]);
    float* y = data_of<float>(*launch.operands[0]);
    int64_t* indices = data_of<int64_t>(*launch.operands[1]);
    const float* x = data_of<const float>(*launch.operands[2]);
    const bool quick = is_2x2_ && 2 * p.plane.out_h <= p.plane.height &&
                       2 * p.plane.out_w <= p.plane.width && p.in_size() < INT32_MAX;
    parallel_for(device->host, p.count, p.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* from = x + i * p.in_size();
        float* to = y + i * p.out_size();
        int64_t* at = indices + i * p.out_size();
        if (quick) {
          device->tables.convolution->max_pool_2x2(from, p.plane.width, p.plane.out_h,
                                                   p.plane.out_w, to, at);
        } else {
          pool(p.plane, from, to, at);
        }
      }
    });
    return TN_OK;
  }

 private:
  void pool(const Plane& p, const float* x, float* y, int64_t* indices) const {
    for (int64_t h = 0; h < p.out_h; ++h) {
      for (int64_t w = 0; w < p.out_w; ++w, ++y, ++indices) {
        best_of_window(p, x, h * window_.stride_h - window_.pad_h,
                       w * window_.stride_w - window_.pad_w, y, indices);
      }
    }
  }

  void best_of_window(const Plane& p, const float* x, int64_t top, int64_t left, float* y,
                      int64_t* index) const {
    float best = -INFINITY;
    int64_t at = -1;
    for (int64_t i = 0; i < window_.kernel_h; ++i) {
      const int64_t h = top + i * dilation_h_;
      if (h < 0 || h >= p.height) continue;
      for (int64_t j = 0; j < window_.kernel_w; ++j) {
        const int64_t w = left + j * dilation_w_;
        if (w < 0 || w >= p.width) continue;
        const float value = x[h * p.width + w];
        if (at < 0 || value > best || (std::isnan(value) && !std::isnan(best))) {
          best = value;
          at = h * p.width + w;
        }
      }
    }
    *y = best;
    *index = std::max<int64_t>(at, 0);
  }

  Window window_;
  int64_t dilation_h_;
  int64_t dilation_w_;
  bool is_2x2_;
};

class MaxPoolGradKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const Planes p(*launch.operands[0], *launch.operands[1]);
    float* dx = data_of<float>(*launch.operands[0]);
    const float* dy = data_of<const float>(*launch.operands[1]);
    const int64_t* indices = data_of<const int64_t>(*launch.operands[2]);
    std::atomic<bool> failed = false;
    parallel_for(device->host, p.count, p.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float* to = dx + i * p.in_size();
        const float* from = dy + i * p.out_size();
        const int64_t* at = indices + i * p.out_size();
        if (halves(p.plane) &&
            device->tables.convolution->max_pool_2x2_grad(from, at, p.plane.height, p.plane.width,
                                                          p.plane.out_h, p.plane.out_w, to)) {
          continue;
        }
        if (!scatter(p, from, at, to)) failed = true;
      }
    });
    if (!failed) return TN_OK;
    return fail(device->host, TN_INDEX_ERROR,
                "max_pool2d_grad: indices must lie in [0, " + std::to_string(p.in_size()) + ")");
  }

 private:
  // Sizes as of windows of 2 x 2 side by side; whether they were, the indices tell.
  static bool halves(const Plane& p) {
    return p.height / 2 == p.out_h && p.width / 2 == p.out_w && p.height * p.width < INT32_MAX;
  }

  // Windows may overlap. Answers whether all indices are positions of the plane.
  static bool scatter(const Planes& p, const float* dy, const int64_t* indices, float* dx) {
    std::memset(dx, 0, static_cast<size_t>(p.in_size()) * sizeof(float));
    bool inside = true;
    for (int64_t k = 0; k < p.out_size(); ++k) {
      if (static_cast<uint64_t>(indices[k]) >= static_cast<uint64_t>(p.in_size())) {
        inside = false;
      } else {
        dx[indices[k]] += dy[k];
      }
    }
    return inside;
  }
};

class AvgPoolKernel final : public Kernel {
 public:
  AvgPoolKernel(tn_device d, const tn_signature& s) : Kernel(d) {
    std::memcpy(&window_, s.attributes, sizeof window_);
    counts_padding_ = s.attributes[6] != 0;
  }

  tn_status launch(const Launch& launch) const override {
    const Planes p(*launch.operands[1], *launch.operands[0]);
    float* y = data_of<float>(*launch.operands[0]);
    const float* x = data_of<const float>(*launch.operands[1]);
    parallel_for(device->host, p.count, p.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float* to = y + i * p.out_size();
        for (int64_t h = 0; h < p.plane.out_h; ++h) {
          for (int64_t w = 0; w < p.plane.out_w; ++w) {
            *to++ = mean(p.plane, x + i * p.in_size(), h * window_.stride_h - window_.pad_h,
                         w * window_.stride_w - window_.pad_w);
          }
        }
      }
    });
    return TN_OK;
  }

 private:
  // As in PyTorch, a window ends at the padded border, and only padding inside it counts.
  [[nodiscard]] float mean(const Plane& p, const float* x, int64_t top, int64_t left) const {
    const int64_t end_h = std::min(top + window_.kernel_h, p.height + window_.pad_h);
    const int64_t end_w = std::min(left + window_.kernel_w, p.width + window_.pad_w);
    const int64_t padded = (end_h - top) * (end_w - left);
    const int64_t h0 = std::max<int64_t>(top, 0);
    const int64_t w0 = std::max<int64_t>(left, 0);
    const int64_t h1 = std::min(end_h, p.height);
    const int64_t w1 = std::min(end_w, p.width);
    float sum = 0;
    for (int64_t h = h0; h < h1; ++h) {
      for (int64_t w = w0; w < w1; ++w) sum += x[h * p.width + w];
    }
    const int64_t count =
        counts_padding_ ? padded : std::max<int64_t>(h1 - h0, 0) * std::max<int64_t>(w1 - w0, 0);
    return sum / static_cast<float>(count);
  }

  Window window_;
  bool counts_padding_;
};

Refusal refuse(const tn_signature& s, uint32_t operands, uint32_t attributes, uint32_t index) {
  if (!has_operands(s, operands) || s.attribute_count != attributes) {
    return "wrong number of operands or attributes";
  }
  for (uint32_t i = 0; i < operands; ++i) {
    const uint32_t wanted = i == index ? TN_DTYPE_I64 : TN_DTYPE_F32;
    if (operand_dtype(s, i) != wanted) return "only f32 with i64 indices is served directly";
    if (TN_CLASS_RANK(s.classes[i]) != 4) return "the operands have rank 4";
  }
  return {};
}

Refusal refuse_max(const tn_signature& s) { return refuse(s, 3, 8, 1); }
Refusal refuse_max_grad(const tn_signature& s) { return refuse(s, 3, 0, 2); }
Refusal refuse_avg(const tn_signature& s) { return refuse(s, 2, 7, UINT32_MAX); }

std::unique_ptr<Kernel> prepare_max(tn_device device, const tn_signature& s) {
  return std::make_unique<MaxPoolKernel>(device, s);
}
std::unique_ptr<Kernel> prepare_max_grad(tn_device device, const tn_signature&) {
  return std::make_unique<MaxPoolGradKernel>(device);
}
std::unique_ptr<Kernel> prepare_avg(tn_device device, const tn_signature& s) {
  return std::make_unique<AvgPoolKernel>(device, s);
}

constexpr Operator kOperators[] = {
    {"max_pool2d", refuse_max, prepare_max, true},
    {"max_pool2d_grad", refuse_max_grad, prepare_max_grad, true},
    {"avg_pool2d", refuse_avg, prepare_avg, true},
};

}  // namespace

std::span<const Operator> pooling_operators() { return kOperators; }

}  // namespace tenon::cpu
