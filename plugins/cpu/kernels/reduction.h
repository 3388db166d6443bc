// The reduction engine, shared by the operator "reduce" and by the tails of programs.
//
// The iteration space is permuted so that reduced dimensions follow the kept ones, except that a
// run of kept dimensions at the end stays innermost (`inner` columns):
//     outer (kept) x reduced x inner (kept).
// The tree is fixed by these three sizes alone. inner == 1: chunks of kChunk elements, each reduced
// in lanes, combined pairwise within a span and across spans. inner > 1: blocks of kRowBlock rows
// are added up column by column, then combined pairwise. Spans are what threads take.
#ifndef TENON_PLUGINS_CPU_KERNELS_REDUCTION_H
#define TENON_PLUGINS_CPU_KERNELS_REDUCTION_H

#include "../device.h"
#include "blocks.h"
#include "reduction_kernels.h"

namespace tenon::cpu {

// The permuted space of a reduction over `dims` of a shape.
struct ReduceSpace {
  int rank = 0;
  int order[TN_MAX_RANK];  // permuted position -> dimension
  int64_t shape[TN_MAX_RANK];
  int64_t outer = 1;
  int64_t reduced = 1;
  int64_t inner = 1;

  ReduceSpace(uint32_t rank_in, const int64_t* shape_in, uint64_t dims);

  // A tensor of the space in permuted, collapsed form.
  [[nodiscard]] Layout permuted(const tn_tensor& t) const;

  [[nodiscard]] int64_t spans() const;
  [[nodiscard]] uint64_t workspace_bytes() const;
};

// Where the values come from.
class ReduceSource {
 public:
  virtual ~ReduceSource() = default;
  // Compute values [start, start + n) in row-major order of the permuted space: either a pointer
  // into the tensor or `buffer`, filled. n <= kReduceChunk.
  virtual const void* values(int64_t start, int64_t n, void* buffer) const = 0;
  // Rows [start + r * inner, + n) for r < rows lie at *row_stride elements from one another.
  virtual const void* rows(int64_t, int64_t, int64_t, int64_t*) const { return nullptr; }
};

inline constexpr int64_t kReduceChunk = 2048;
inline constexpr int64_t kSpanElements = 32768;  // of one output, when inner is 1
inline constexpr int64_t kStrip = 256;           // columns of one task

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Reduces into `out` (dtype of its own, extents 1 in the reduced dimensions).
void run_reduction(tn_device device, uint32_t kind, uint32_t compute_in, const ReduceSpace& space,
                   const ReduceSource& source, const tn_tensor& out, std::byte* workspace);

}  // namespace tenon::cpu

#endif
