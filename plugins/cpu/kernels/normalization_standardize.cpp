// standardize and its gradient, f32: the core of batch, instance, layer and group normalisation
#include "normalization_standardize.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainElements = 8192;
// Few lines that are long: a composition shares them out better between threads.
constexpr int64_t kFewLines = 4;
constexpr int64_t kLongLine = 65536;
constexpr int64_t kPartRows = 32;  // at least, of one partial sum of the weight's gradient
constexpr int64_t kParts = 256;    // at most

// x as outer (reduced) x kept x length (reduced).
struct Lines {
  int64_t outer = 1, kept = 1, length = 1;
  int first_kept, first_last;  // where the second and the third group begin
  bool good = true;

  Lines(const tn_tensor& x, uint64_t mask) {
    const auto reduced = [&](int d) { return (mask >> d & 1u) != 0; };
    const int rank = static_cast<int>(x.rank);
    int d = 0;
    while (d < rank && (reduced(d) || x.shape[d] == 1)) ++d;
    first_kept = d;
    while (d < rank && (!reduced(d) || x.shape[d] == 1)) ++d;
    first_last = d;
    while (d < rank && (reduced(d) || x.shape[d] == 1)) ++d;
    good = d == rank;
    for (d = 0; d < rank; ++d) {
      (d < first_kept ? outer : d < first_last ? kept : length) *= x.shape[d];
    }
    if (first_kept == first_last) std::swap(outer, length);  // nothing is kept: one line
    good = good && outer > 0 && kept > 0 && length > 1 &&
           (kept >= kFewLines || outer * length < kLongLine);
  }

  [[nodiscard]] int64_t count() const { return outer * length; }
  [[nodiscard]] int64_t at(int64_t a, int64_t k) const { return (a * kept + k) * length; }
  [[nodiscard]] int64_t grain() const { return std::max<int64_t>(1, kGrainElements / count()); }
};

// Where the weight of an element is: line k, element i of `length` has number
// (k % lines) segments + i / run.
struct Parameters {
  int64_t lines = 1, segments = 1, run = 1;
  bool good = true;

  Parameters(const tn_tensor& w, const tn_tensor& x, const Lines& l) {
    const int rank = static_cast<int>(x.rank);
    const auto extent = [&](int d) {
      const int own = d - (rank - static_cast<int>(w.rank));
      return own < 0 ? 1 : w.shape[own];
    };
    bool varies = true;  // going inwards from the kept dimensions: 1 … 1, full … full
    for (int d = l.first_last - 1; d >= l.first_kept; --d) {
      if (x.shape[d] == 1) continue;
      if (extent(d) == 1) varies = false;
      good = good && (extent(d) == 1 || varies);
      lines *= extent(d);
    }
    varies = true;  // and from there on: full … full, 1 … 1
    for (int d = l.first_last; d < rank; ++d) {
      if (x.shape[d] == 1) continue;
      if (extent(d) == 1) varies = false;
      good = good && (extent(d) == 1 || varies);
      segments *= extent(d);
    }
    for (int d = 0; d < l.first_kept; ++d) good = good && (extent(d) == 1);
    run = segments > 0 ? l.length / segments : 0;  // nothing there: declined by Lines
  }

  [[nodiscard]] bool operator==(const Parameters&) const = default;
  [[nodiscard]] int64_t first(int64_t k) const { return k % lines * segments; }
};

float rstd_of(float var, float eps) { return 1.0f / std::sqrt(var + eps); }

float scalar_at(const Launch& launch, int i) {
  return static_cast<float>(std::bit_cast<double>(launch.scalars[i]));
}

tn_status decline(tn_device device) {
  return fail(device->host, TN_UNSUPPORTED, "these dimensions are composed");
}

}  // namespace

tn_status StandardizeKernel::launch(const Launch& launch) const {
  const tn_tensor& x = *launch.operands[3];
  const Lines l(x, mask_);
  if (!l.good) return decline(device);
  const Parameters p(affine_ ? *launch.operands[4] : *launch.operands[0], x, l);
  if (affine_) {
    const Parameters b(*launch.operands[5], x, l);
    if (!p.good || !(p == b)) return decline(device);
  }
  const LineKernels& kernels = device->tables.normalization->lines;
  const float* in = data_of<const float>(x);
  float* out = data_of<float>(*launch.operands[2]);
  const float* weight = affine_ ? data_of<const float>(*launch.operands[4]) : nullptr;
  const float* bias = affine_ ? data_of<const float>(*launch.operands[5]) : nullptr;
  const float eps = scalar_at(launch, 0);
  const double count = static_cast<double>(l.count());
  parallel_for(device->host, l.kept, l.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      double total = 0;
      for (int64_t a = 0; a < l.outer; ++a) total += kernels.sum(in + l.at(a, k), l.length);
      const float mean = static_cast<float>(total / count);
      double squares = 0;
      for (int64_t a = 0; a < l.outer; ++a) {
        squares += kernels.square_sum(in + l.at(a, k), l.length, mean);
      }
      const float var = static_cast<float>(squares / count);
      data_of<float>(*launch.operands[0])[k] = mean;
      data_of<float>(*launch.operands[1])[k] = var;
      const LineMoments m{mean, rstd_of(var, eps)};
      for (int64_t a = 0; a < l.outer; ++a) {
        const int64_t at = l.at(a, k);
        if (affine_ && p.run == 1 && p.segments > 1) {
          kernels.apply(out + at, in + at, l.length, m, weight + p.first(k), bias + p.first(k));
          continue;
        }
        for (int64_t s = 0; s < (affine_ ? p.segments : 1); ++s) {
          const int64_t run = affine_ ? p.run : l.length;
          const int64_t own = p.first(k) + s;
          kernels.apply_one(out + at + s * run, in + at + s * run, run, m,
                            affine_ ? weight + own : nullptr, affine_ ? bias + own : nullptr);
        }
      }
    }
  });
  return TN_OK;
}

// ---- gradient ----

struct StandardizeGradKernel::Operands {
  float* dx = nullptr;
  float* dw = nullptr;
  float* db = nullptr;
  const float *g, *x, *mean, *var, *w;
  float eps;
};

uint64_t StandardizeGradKernel::workspace_bytes(const tn_tensor* const* operands) const {
  const tn_tensor* const* in = operands + outputs_;
  const Lines l(*in[1], mask_);
  const Parameters p(*in[4], *in[1], l);
  if (!l.good || !p.good) return 0;
  if (p.run == 1 && p.segments > 1) {
    return static_cast<uint64_t>(parts_of(l.kept) * 2 * l.length) * sizeof(float);
  }
  return static_cast<uint64_t>(l.kept * p.segments * 2) * sizeof(double);
}

int64_t StandardizeGradKernel::parts_of(int64_t rows) {
  const int64_t height = std::max(kPartRows, (rows + kParts - 1) / kParts);
  return (rows + height - 1) / height;
}

tn_status StandardizeGradKernel::launch(const Launch& launch) const {
  const tn_tensor* const* in = launch.operands + outputs_;
  const tn_tensor& x = *in[1];
  const Lines l(x, mask_);
  if (!l.good) return decline(device);
  const Parameters p(*in[4], x, l);
  const bool by_element = p.run == 1 && p.segments > 1;
  if (!p.good || (by_element && (l.outer > 1 || p.lines > 1))) return decline(device);
  Operands o{};
  const tn_tensor* const* next = launch.operands;
  if ((wanted_ & 1u) != 0) o.dx = data_of<float>(**next++);
  if ((wanted_ & 2u) != 0) o.dw = data_of<float>(**next++);
  if ((wanted_ & 4u) != 0) o.db = data_of<float>(**next);
  o.g = data_of<const float>(*in[0]);
  o.x = data_of<const float>(x);
  o.mean = data_of<const float>(*in[2]);
  o.var = data_of<const float>(*in[3]);
  o.w = data_of<const float>(*in[4]);
  o.eps = scalar_at(launch, 0);
  if (by_element) {
    by_elements(o, l.kept, l.length, reinterpret_cast<float*>(launch.workspace));
  } else {
    by_lines(o, l.outer, l.kept, l.length, p.lines, p.segments,
             reinterpret_cast<double*>(launch.workspace));
  }
  return TN_OK;
}

// One weight per element of a line: partial sums of its gradient over blocks of lines.
void StandardizeGradKernel::by_elements(const Operands& o, int64_t rows, int64_t length,
                                        float* parts) const {
  const LineKernels& kernels = device->tables.normalization->lines;
  const int64_t count = parts_of(rows);
  const int64_t height = (rows + count - 1) / count;
  const double factor = 1 / static_cast<double>(length);
  const bool parameters = o.dw != nullptr || o.db != nullptr;
  parallel_for(device->host, count, std::max<int64_t>(1, kGrainElements / (height * length)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t block = begin; block < end; ++block) {
                   float* dw = parts + block * 2 * length;
                   if (parameters) std::fill(dw, dw + 2 * length, 0.0f);
                   for (int64_t k = block * height; k < std::min(rows, (block + 1) * height); ++k) {
                     const float* g = o.g + k * length;
                     const float* x = o.x + k * length;
                     const LineMoments m{o.mean[k], rstd_of(o.var[k], o.eps)};
                     if (parameters) kernels.grad_parameters(dw, dw + length, g, x, length, m);
                     if (o.dx == nullptr) continue;
                     double totals[2] = {};
                     kernels.weighted_grad_sums(g, x, o.w, length, m, totals);
                     const float slope = static_cast<float>(totals[1] * factor) * (m.rstd * m.rstd);
                     const float shift = static_cast<float>(totals[0] * factor) * m.rstd;
                     kernels.grad_apply(o.dx + k * length, g, x, o.w, length,
                                        {m.mean, m.rstd, slope, shift});
                   }
                 }
               });
  if (!parameters) return;
  parallel_for(device->host, length, 512, [&](int64_t begin, int64_t end) {
    const int64_t n = end - begin;
    if (o.dw != nullptr) kernels.fold(o.dw + begin, parts + begin, 2 * length, count, n);
    if (o.db != nullptr) kernels.fold(o.db + begin, parts + length + begin, 2 * length, count, n);
  });
}

// One weight for `length / segments` elements: sums of each segment give everything.
void StandardizeGradKernel::by_lines(const Operands& o, int64_t outer, int64_t kept, int64_t length,
                                     int64_t weight_lines, int64_t segments, double* sums) const {
  const LineKernels& kernels = device->tables.normalization->lines;
  const int64_t run = length / segments;
  const double factor = 1 / static_cast<double>(outer * length);
  const auto at = [&](int64_t a, int64_t k, int64_t s) {
    return (a * kept + k) * length + s * run;
  };
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (outer * length));
  parallel_for(device->host, kept, grain, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const LineMoments m{o.mean[k], rstd_of(o.var[k], o.eps)};
      const float* w = o.w + k % weight_lines * segments;
      double* own = sums + k * segments * 2;
      double weighted[2] = {};
      for (int64_t s = 0; s < segments; ++s) {
        own[2 * s] = own[2 * s + 1] = 0;
        for (int64_t a = 0; a < outer; ++a) {
          kernels.grad_sums(o.g + at(a, k, s), o.x + at(a, k, s), run, m, own + 2 * s);
        }
        weighted[0] += own[2 * s] * static_cast<double>(w[s]);
        weighted[1] += own[2 * s + 1] * static_cast<double>(w[s]);
      }
      if (o.dx == nullptr) continue;
      const float slope = static_cast<float>(weighted[1] * factor) * (m.rstd * m.rstd);
      const float shift = static_cast<float>(weighted[0] * factor) * m.rstd;
      for (int64_t a = 0; a < outer; ++a) {
        for (int64_t s = 0; s < segments; ++s) {
          const int64_t i = at(a, k, s);
          kernels.grad_apply(o.dx + i, o.g + i, o.x + i, nullptr, run,
                             {m.mean, m.rstd * w[s], slope, shift});
        }
      }
    }
  });
  for (int64_t j = 0; j < weight_lines * segments; ++j) {
    double totals[2] = {};
    for (int64_t k = j / segments; k < kept; k += weight_lines) {
      const double* part = sums + (k * segments + j % segments) * 2;
      totals[0] += part[0];
      totals[1] += part[1];
    }
    if (o.dw != nullptr) o.dw[j] = static_cast<float>(totals[1]);
    if (o.db != nullptr) o.db[j] = static_cast<float>(totals[0]);
  }
}

// ---- signatures ----

namespace {

Refusal refuse_dtypes(const tn_signature& s) {
  for (uint32_t i = 0; i < s.operand_count; ++i) {
    if (operand_dtype(s, i) != TN_DTYPE_F32) return "only f32 is served directly";
  }
  return {};
}

}  // namespace

// mean, var, y, x and both or none of weight and bias: with one alone, nothing says which it is.
Refusal refuse_standardize(const tn_signature& s) {
  if (s.output_count != 3 || (s.operand_count != 4 && s.operand_count != 6) ||
      s.attribute_count != 1) {
    return "only weight and bias together, or none, are served directly";
  }
  return refuse_dtypes(s);
}

Refusal refuse_standardize_grad(const tn_signature& s) {
  if (s.attribute_count != 2 || s.operand_count != s.output_count + 5 ||
      s.output_count !=
          static_cast<uint32_t>(std::popcount(static_cast<uint64_t>(s.attributes[1] & 7)))) {
    return "only with mean and weight is it served directly";
  }
  return refuse_dtypes(s);
}

std::unique_ptr<Kernel> prepare_standardize(tn_device device, const tn_signature& s) {
  return std::make_unique<StandardizeKernel>(device, s);
}

std::unique_ptr<Kernel> prepare_standardize_grad(tn_device device, const tn_signature& s) {
  return std::make_unique<StandardizeGradKernel>(device, s);
}

}  // namespace tenon::cpu
