// fill and copy: every dtype and pair of dtypes, layouts on both sides, values that casts treat in
// their own way.
#include <cmath>
#include <limits>

#include "compare.h"
#include "core_cases.h"

namespace tenon::conform {

const std::vector<Shape>& sample_shapes() {
  static const std::vector<Shape> shapes = {
      {},  {1},       {7},      {64},         {257},           {3, 5},
      {0}, {3, 0, 4}, {16, 17}, {2, 3, 1, 4}, {2, 1, 3, 2, 1}, {2, 1, 2, 1, 2, 1, 2, 3}};
  return shapes;
}

void add_core_cases(Cases& cases) {
  add_movement_cases(cases);
  add_indexing_cases(cases);
  add_opcode_cases(cases);
  add_reduction_cases(cases);
  add_matmul_cases(cases);
  add_condition_cases(cases);
}

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct FillValue {
  const char* name;
  double real;
  int64_t whole;
};
constexpr FillValue kFillValues[] = {{"minus", -2.7, -3},      {"one", 1.0, 1},
                                     {"zero", -0.0, 0},        {"huge", 1e300, INT64_MAX},
                                     {"nan", kNan, INT64_MIN}, {"infinite", -kInf, 255}};

void add_fill(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const Shape& shape : sample_shapes()) {
      for (const Layout layout : kOutputLayouts) {
        const FillValue& value = kFillValues[(shape.size() + static_cast<size_t>(layout)) % 6];
        cases.push_back(
            {core_name("fill", dtype_name(dtype), layout_name(layout), shape_name(shape),
                       value.name),
             [=](Context& c) {
               const uint64_t scalar = is_float(dtype) ? slot(value.real) : slot(value.whole);
               check_call(c, {TN_OP_FILL, {laid_out(dtype, shape, layout)}, {}, {}, {scalar}});
             }});
      }
    }
    for (const FillValue& value : kFillValues) {
      cases.push_back({core_name("fill", dtype_name(dtype), "value", value.name), [=](Context& c) {
                         const uint64_t scalar =
                             is_float(dtype) ? slot(value.real) : slot(value.whole);
                         check_call(c, {TN_OP_FILL, {dense(dtype, {33})}, {}, {}, {scalar}});
                       }});
    }
  }
}

// Layouts on both sides, between any two dtypes.
void add_copy_layouts(Cases& cases) {
  const Shape shape = {3, 5, 7};
  for (const uint32_t to : kDtypes) {
    for (const uint32_t from : kDtypes) {
      for (const Layout in : kInputLayouts) {
        for (const Layout out : kOutputLayouts) {
          if (to != from && out == Layout::kRows) continue;
          cases.push_back({core_name("copy", dtype_name(from), dtype_name(to), layout_name(in),
                                     layout_name(out)),
                           [=](Context& c) {
                             check_call(c, {TN_OP_COPY,
                                            {laid_out(to, shape, out)},
                                            {filled(from, shape, in, c.random())}});
                           }});
        }
      }
    }
  }
}

void add_copy_shapes(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const Shape& shape : sample_shapes()) {
      for (const Layout in : {Layout::kDense, Layout::kTransposed, Layout::kOneElement}) {
        cases.push_back(
            {core_name("copy", "shape", dtype_name(dtype), layout_name(in), shape_name(shape)),
             [=](Context& c) {
               check_call(c, {TN_OP_COPY,
                              {dense(dtype, shape)},
                              {filled(dtype, shape, in, c.random(), Values::kSpecial)}});
             }});
      }
    }
  }
}

// Windows of an image that overlap: what a convolution is made of.
void add_copy_windows(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const int64_t step : {1, 2, 3}) {
      cases.push_back(
          {core_name("copy", "windows", dtype_name(dtype), std::to_string(step)), [=](Context& c) {
             Array image = filled(dtype, {2, 9, 9}, Layout::kDense, c.random());
             const int64_t extent = (9 - 3) / step + 1;
             image.shape = {2, 3, 3, extent, extent};
             image.strides = {81, 9, 1, 9 * step, step};
             check_call(c, {TN_OP_COPY, {dense(dtype, image.shape)}, {image}});
           }});
    }
  }
}

}  // namespace

void add_movement_cases(Cases& cases) {
  add_fill(cases);
  add_copy_layouts(cases);
  add_copy_shapes(cases);
  add_copy_windows(cases);
}

}  // namespace tenon::conform
