// What the files of the random family share.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/ops/random.h>

namespace tenon {

void register_distribution_ops(OpList& list);

namespace ops {

// One draw of a generator.
struct Draw {
  uint64_t seed, offset;
};
[[nodiscard]] Draw next_draw(Generator* generator);

// U[0, 1) whose bits are few enough that rounding never gives 1.
[[nodiscard]] Tensor unit_uniform(const Draw& draw, const Shape& sizes, DType dtype, const Device& device);
[[nodiscard]] Tensor draw_normal(const Draw& draw, const Shape& sizes, const TensorOptions& options, double mean, double stddev);
// `value` with the probability, else 0.
[[nodiscard]] Tensor draw_bernoulli(const Draw& draw, const Shape& sizes, const TensorOptions& options, double probability, double value);
// int64 in [low, low + range).
[[nodiscard]] Tensor draw_integers(const Draw& draw, const Shape& sizes, const Device& device, int64_t low, int64_t range);

void check_float(std::string_view op, DType dtype);
void check_probability(std::string_view op, double probability);
// [low, high) holds a number, and only numbers of the dtype.
void check_integer_range(std::string_view op, DType dtype, int64_t low, int64_t high);

}  // namespace ops
}  // namespace tenon
