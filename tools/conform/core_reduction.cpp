// reduce, scan, sort.
#include <algorithm>
#include <limits>

#include <cmath>

#include "compare.h"
#include "core_cases.h"

namespace tenon::conform {
namespace {

constexpr const char* kKinds[] = {"",       "sum",    "prod", "max", "min",
                                  "argmax", "argmin", "any",  "all"};

bool is_argument(uint32_t kind) { return kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN; }
bool exists(uint32_t kind, uint32_t dtype) {
  return dtype != TN_DTYPE_BOOL || kind > TN_REDUCE_PROD;
}

uint32_t result_dtype(uint32_t kind, uint32_t dtype) {
  return is_argument(kind) ? TN_DTYPE_I64 : kind >= TN_REDUCE_ANY ? TN_DTYPE_BOOL : dtype;
}

Shape reduced(Shape shape, uint32_t dims) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if ((dims >> d & 1) != 0) shape[d] = 1;
  }
  return shape;
}

void check_reduce(Context& c, uint32_t kind, uint32_t dims, const Array& in, Layout out) {
  const Shape shape = reduced(in.shape, dims);
  const Call call{
      TN_OP_REDUCE, {laid_out(result_dtype(kind, in.dtype), shape, out)}, {in}, {kind, dims}};
  const int64_t terms = in.count() / std::max<int64_t>(call.outputs[0].count(), 1);
  Bound bound;
  if (is_float(in.dtype) && kind == TN_REDUCE_SUM) bound = sum_bound(in.dtype, terms);
  if (is_float(in.dtype) && kind == TN_REDUCE_PROD) bound = chain_bound(in.dtype, terms);
  bound.zero_sign_is_free = true;  // of equal values either, and sums of zeros
  check_call(c, call, bound);
}

Values values_for(uint32_t kind) {
  if (kind == TN_REDUCE_PROD) return Values::kNearOne;
  return kind >= TN_REDUCE_ANY ? Values::kNonzero : Values::kSmall;
}

void add_reduce(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (uint32_t kind = TN_REDUCE_SUM; kind <= TN_REDUCE_ALL; ++kind) {
      if (!exists(kind, dtype)) continue;
      for (const Layout layout : kInputLayouts) {
        for (const uint32_t dims : {1u, 2u, 4u, 3u, 5u, 7u}) {
          if (is_argument(kind) && dims != 1 && dims != 2 && dims != 4) continue;
          cases.push_back({core_name("reduce", kKinds[kind], dtype_name(dtype), layout_name(layout),
                                     "dims" + std::to_string(dims)),
                           [=](Context& c) {
                             check_reduce(
                                 c, kind, dims,
                                 filled(dtype, {4, 6, 30}, layout, c.random(), values_for(kind)),
                                 dims == 4 ? Layout::kGaps : Layout::kDense);
                           }});
        }
      }
    }
  }
}

struct Extent {
  Shape shape;
  uint32_t dims;
};

void add_reduce_shapes(Cases& cases) {
  const Extent extents[] = {{{}, 0},        {{1}, 1},       {{2000}, 1},
                            {{17, 129}, 2}, {{129, 17}, 1}, {{3, 4}, 0},
                            {{3, 0, 4}, 2}, {{0, 4}, 2},    {{2, 1, 2, 3, 2, 1, 2, 3}, 0xaa}};
  for (const uint32_t dtype : kDtypes) {
    for (uint32_t kind = TN_REDUCE_SUM; kind <= TN_REDUCE_ALL; ++kind) {
      for (const Extent& e : extents) {
        const bool empty_extreme = e.shape.size() == 3 && e.shape[1] == 0 &&
                                   kind >= TN_REDUCE_MAX && kind <= TN_REDUCE_ARGMIN;
        const bool one_dim = e.dims != 0 && (e.dims & (e.dims - 1)) == 0;
        if (!exists(kind, dtype) || empty_extreme || (is_argument(kind) && !one_dim)) continue;
        cases.push_back({core_name("reduce", kKinds[kind], dtype_name(dtype), "shape",
                                   shape_name(e.shape), "dims" + std::to_string(e.dims)),
                         [=](Context& c) {
                           check_reduce(
                               c, kind, e.dims,
                               filled(dtype, e.shape, Layout::kDense, c.random(), values_for(kind)),
                               Layout::kDense);
                         }});
      }
    }
  }
}

// NaN and infinities go where they must, of equal values the first is found.
void add_reduce_specials(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (uint32_t kind = TN_REDUCE_SUM; kind <= TN_REDUCE_ALL; ++kind) {
      if (!exists(kind, dtype) || kind == TN_REDUCE_PROD) continue;
      for (const uint32_t dims : {1u, 2u}) {
        for (const Layout layout : {Layout::kDense, Layout::kTransposed}) {
          cases.push_back({core_name("reduce", kKinds[kind], dtype_name(dtype), "special",
                                     layout_name(layout), "dims" + std::to_string(dims)),
                           [=](Context& c) {
                             check_reduce(
                                 c, kind, dims,
                                 filled(dtype, {12, 40}, layout, c.random(), Values::kSpecial),
                                 Layout::kDense);
                           }});
        }
      }
    }
  }
}

// A sum one value after another would be off by far more than this.
void add_long_sums(Cases& cases) {
  for (const uint32_t dtype : {TN_DTYPE_F32, TN_DTYPE_F64}) {
    cases.push_back({core_name("reduce", "sum", dtype_name(dtype), "long"), [=](Context& c) {
                       PluginHost& host = c.subject();
                       if (!host.computes(dtype)) throw Skip("not a dtype the device computes");
                       Array in = dense(dtype, {1000003});
                       for (int64_t i = 0; i < in.count(); ++i) in.set_real(i, 0.1);
                       const auto out = check_call(
                           c, {TN_OP_REDUCE, {dense(dtype, {1})}, {in}, {TN_REDUCE_SUM, 1}},
                           sum_bound(dtype, in.count()));
                       const double exact = 1000003 * in.real(0);
                       require(std::abs(out[0].real(0) - exact) <= exact * 2e-6,
                               "the sum of 1,000,003 times 0.1 is " + value_text(out[0], 0));
                     }});
  }
}

// ---- scan --------------------------------------------------------------------------------------

void add_scan(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    if (dtype == TN_DTYPE_BOOL) continue;
    for (const int64_t kind : {int64_t{TN_SCAN_SUM}, int64_t{TN_SCAN_PROD}}) {
      const char* kind_name = kind == TN_SCAN_SUM ? "sum" : "prod";
      const Values values = kind == TN_SCAN_SUM ? Values::kSmall : Values::kNearOne;
      for (const Layout layout : kInputLayouts) {
        for (const int64_t dim : {0, 1, 2}) {
          cases.push_back(
              {core_name("scan", kind_name, dtype_name(dtype), layout_name(layout),
                         "dim" + std::to_string(dim)),
               [=](Context& c) {
                 const Array in = filled(dtype, {5, 3, 40}, layout, c.random(), values);
                 const Layout out = dim == 1 ? Layout::kGaps : Layout::kDense;
                 check_call(c, {TN_OP_SCAN, {laid_out(dtype, in.shape, out)}, {in}, {dim, kind}},
                            chain_bound(dtype, 41));
               }});
        }
      }
      for (const Shape& shape : {Shape{1}, Shape{700}, Shape{0}, Shape{2, 0, 3}}) {
        cases.push_back(
            {core_name("scan", kind_name, dtype_name(dtype), "shape", shape_name(shape)),
             [=](Context& c) {
               check_call(c,
                          {TN_OP_SCAN,
                           {dense(dtype, shape)},
                           {filled(dtype, shape, Layout::kDense, c.random(), values)},
                           {0, kind}},
                          chain_bound(dtype, 701));
             }});
      }
    }
  }
}

// ---- sort --------------------------------------------------------------------------------------

void check_sort(Context& c, const Array& in, int64_t dim, int64_t descending, Layout out) {
  check_call(c, {TN_OP_SORT,
                 {laid_out(in.dtype, in.shape, out), laid_out(TN_DTYPE_I64, in.shape, out)},
                 {in},
                 {dim, descending}});
}

void add_sort(Cases& cases) {
  const Shape shapes[] = {{1}, {0}, {260}, {3, 0, 2}, {2, 1, 9, 1, 2}};
  for (const uint32_t dtype : kDtypes) {
    for (const int64_t descending : {0, 1}) {
      const char* order = descending != 0 ? "descending" : "ascending";
      for (const Layout layout : kInputLayouts) {
        for (const int64_t dim : {0, 1}) {
          for (const Values values : {Values::kSmall, Values::kSpecial}) {
            cases.push_back({core_name("sort", order, dtype_name(dtype), layout_name(layout),
                                       "dim" + std::to_string(dim), values_name(values)),
                             [=](Context& c) {
                               check_sort(c, filled(dtype, {13, 60}, layout, c.random(), values),
                                          dim, descending,
                                          dim == 0 ? Layout::kGaps : Layout::kDense);
                             }});
          }
        }
      }
      for (const Shape& shape : shapes) {
        const auto dim = static_cast<int64_t>(shape.size() / 2);
        cases.push_back({core_name("sort", order, dtype_name(dtype), "shape", shape_name(shape)),
                         [=](Context& c) {
                           check_sort(c, filled(dtype, shape, Layout::kDense, c.random()), dim,
                                      descending, Layout::kDense);
                         }});
      }
    }
  }
}

}  // namespace

void add_reduction_cases(Cases& cases) {
  add_reduce(cases);
  add_reduce_shapes(cases);
  add_reduce_specials(cases);
  add_long_sums(cases);
  add_scan(cases);
  add_sort(cases);
}

}  // namespace tenon::conform
