// A call on the plugin against the same call on the oracle: results, claims, stray writes.
#pragma once

#include <string>

#include "call.h"
#include "case.h"

namespace tenon::conform {

// How far a float result may lie from the oracle's. Integers and bools are always exact.
struct Bound {
  int64_t ulps = 0;
  bool zero_sign_is_free = false;
  // Or this much of the sum of magnitudes, which the oracle computes from |inputs|.
  double of_magnitude = 0;
};

// One rounding of a float dtype, relative to the value; accumulators are f32 or f64.
[[nodiscard]] double rounding(uint32_t dtype);
[[nodiscard]] double accumulator_rounding(uint32_t dtype);
// Sum of `terms` values, pairwise or in blocks: PROGRAM.md 5.
[[nodiscard]] Bound sum_bound(uint32_t dtype, int64_t terms);
// `terms` values one after another, in the accumulator: products, running sums.
[[nodiscard]] Bound chain_bound(uint32_t dtype, int64_t terms);

// Distance in units of the last place; NaN is 0 away from NaN, else very far.
[[nodiscard]] int64_t ulp_distance(uint32_t dtype, double a, double b);
// "" when every element agrees, else the first that does not. `magnitude` may be NULL.
[[nodiscard]] std::string difference(const Array& expected, const Array& got, const Bound& bound,
                                     const Array* magnitude = nullptr);

// Runs on both and throws Failure unless
//   the plugin computes what the ABI requires and what its device_info claims,
//   query's answer came true, with a reason when it was NO (then Skip),
//   every output agrees, nothing else was written,
//   and a second run, cut into other parts, has the same bits where BITS was claimed.
// Answers the plugin's outputs.
std::vector<Array> check_call(Context& context, const Call& call, const Bound& bound = {});

// Only that the answer is NO with a reason, that prepare refuses too, and says why.
void check_refused(Context& context, const Call& call);

// Must the plugin answer yes? By OPERATORS.md, or by its own compute_dtypes.
[[nodiscard]] std::string why_required(const PluginHost& host, const Call& call);

[[nodiscard]] std::string value_text(const Array& a, int64_t i);

}  // namespace tenon::conform
