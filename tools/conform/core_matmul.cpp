// matmul: shapes from one element to blocks, every pair of layouts, batches, k = 0.
#include <cmath>

#include "compare.h"
#include "core_cases.h"

namespace tenon::conform {
namespace {

struct Product {
  Shape batch;
  int64_t m, k, n;
};

constexpr Layout kLayouts[] = {Layout::kDense, Layout::kTransposed, Layout::kGaps, Layout::kRows,
                               Layout::kBroadcast};

Shape with(Shape batch, int64_t rows, int64_t columns) {
  batch.insert(batch.end(), {rows, columns});
  return batch;
}

// |error| <= k·u·(|A||B|), and one rounding of the result.
Bound bound_of(uint32_t dtype, int64_t k) {
  if (!is_float(dtype)) return {};
  return {.ulps = 1, .of_magnitude = static_cast<double>(k + 1) * accumulator_rounding(dtype)};
}

void check_product(Context& c, uint32_t dtype, const Product& p, const Array& a, const Array& b,
                   Layout out) {
  check_call(c, {TN_OP_MATMUL, {laid_out(dtype, with(p.batch, p.m, p.n), out)}, {a, b}},
             bound_of(dtype, p.k));
}

std::string product_name(const Product& p) {
  return shape_name(with(p.batch, p.m, p.k)) + "x" + std::to_string(p.n);
}

void add_layouts(Cases& cases, const Product& p) {
  for (const uint32_t dtype : kDtypes) {
    if (dtype == TN_DTYPE_BOOL) continue;
    for (const Layout left : kLayouts) {
      for (const Layout right : kLayouts) {
        cases.push_back({core_name("matmul", dtype_name(dtype), product_name(p), layout_name(left),
                                   layout_name(right)),
                         [=](Context& c) {
                           const Array a = filled(dtype, with(p.batch, p.m, p.k), left, c.random());
                           const Array b =
                               filled(dtype, with(p.batch, p.k, p.n), right, c.random());
                           const bool gaps = left == right && left != Layout::kDense;
                           check_product(c, dtype, p, a, b, gaps ? Layout::kGaps : Layout::kDense);
                         }});
      }
    }
  }
}

void add_shapes(Cases& cases) {
  const Product products[] = {{{}, 1, 1, 1},   {{}, 1, 33, 1},   {{}, 1, 64, 65},
                              {{}, 65, 64, 1}, {{}, 64, 64, 64}, {{}, 3, 0, 5},
                              {{}, 0, 3, 5},   {{2}, 0, 0, 0},   {{2, 3}, 5, 9, 7},
                              {{}, 100, 7, 3}, {{}, 9, 300, 9},  {{1, 2, 1, 2, 1, 2}, 3, 4, 5}};
  for (const uint32_t dtype : kDtypes) {
    if (dtype == TN_DTYPE_BOOL) continue;
    for (const Product& p : products) {
      cases.push_back(
          {core_name("matmul", dtype_name(dtype), "shape", product_name(p)), [=](Context& c) {
             const Array a = filled(dtype, with(p.batch, p.m, p.k), Layout::kDense, c.random());
             const Array b = filled(dtype, with(p.batch, p.k, p.n), Layout::kDense, c.random());
             check_product(c, dtype, p, a, b, Layout::kDense);
           }});
    }
  }
}

// A NaN spoils its row or column and nothing else.
void add_specials(Cases& cases) {
  const Product p{{}, 9, 17, 11};
  for (const uint32_t dtype : kDtypes) {
    if (!is_float(dtype)) continue;
    for (const int64_t at : {0, 40, 152}) {
      for (const double value : {double(NAN), double(INFINITY)}) {
        cases.push_back({core_name("matmul", dtype_name(dtype), value != value ? "nan" : "infinity",
                                   std::to_string(at)),
                         [=](Context& c) {
                           Array a = filled(dtype, {9, 17}, Layout::kDense, c.random());
                           Array b = filled(dtype, {17, 11}, Layout::kDense, c.random());
                           a.set_real(at, value);
                           b.set_real(at, value);
                           check_product(c, dtype, p, a, b, Layout::kDense);
                         }});
      }
    }
  }
}

}  // namespace

void add_matmul_cases(Cases& cases) {
  add_layouts(cases, {{}, 5, 7, 6});
  add_layouts(cases, {{2}, 17, 33, 9});
  add_shapes(cases);
  add_specials(cases);
}

}  // namespace tenon::conform
