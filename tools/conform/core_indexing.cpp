// gather, scatter, nonzero_count, nonzero, random.
#include <algorithm>

#include "compare.h"
#include "core_cases.h"

namespace tenon::conform {
namespace {

constexpr Layout kSomeLayouts[] = {Layout::kDense, Layout::kTransposed, Layout::kGaps,
                                   Layout::kRows, Layout::kBroadcast};

std::string dim_name(int64_t dim) { return "dim" + std::to_string(dim); }

void add_gather(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const Layout layout : kSomeLayouts) {
      for (const int64_t dim : {0, 1, 2}) {
        for (const Layout of_index : {Layout::kDense, Layout::kTransposed, Layout::kBroadcast}) {
          cases.push_back(
              {core_name("gather", dtype_name(dtype), layout_name(layout), dim_name(dim),
                         "index_" + std::string(layout_name(of_index))),
               [=](Context& c) {
                 const Array in = filled(dtype, {5, 6, 7}, layout, c.random(), Values::kSpecial);
                 Shape shape = {4, 5, 6};
                 shape[static_cast<size_t>(dim)] = 11;
                 const Array index =
                     indices(shape, of_index, in.shape[static_cast<size_t>(dim)], c.random());
                 const Layout out =
                     of_index == Layout::kTransposed ? Layout::kGaps : Layout::kDense;
                 check_call(c, {TN_OP_GATHER, {laid_out(dtype, shape, out)}, {in, index}, {dim}});
               }});
        }
      }
    }
    cases.push_back({core_name("gather", dtype_name(dtype), "nothing"), [=](Context& c) {
                       check_call(c, {TN_OP_GATHER,
                                      {dense(dtype, {0})},
                                      {dense(dtype, {3}), dense(TN_DTYPE_I64, {0})},
                                      {0}});
                     }});
    cases.push_back({core_name("gather", dtype_name(dtype), "long"), [=](Context& c) {
                       const Array in = filled(dtype, {300, 4}, Layout::kDense, c.random());
                       const Array index = indices({500, 4}, Layout::kDense, 300, c.random());
                       check_call(c, {TN_OP_GATHER, {dense(dtype, {500, 4})}, {in, index}, {0}});
                     }});
  }
}

// Sums of 16-bit floats may round as often as they add.
Bound scatter_bound(uint32_t dtype, int64_t mode, int64_t terms) {
  if (mode == TN_SCATTER_SET || !is_float(dtype)) return {};
  const auto n = static_cast<double>(terms);
  return {.ulps = 1, .of_magnitude = 2 * n * rounding(dtype)};
}

void add_scatter(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const int64_t mode : {int64_t{TN_SCATTER_SET}, int64_t{TN_SCATTER_ADD}}) {
      const char* mode_name = mode == TN_SCATTER_SET ? "set" : "add";
      for (const Layout layout : kSomeLayouts) {
        for (const int64_t dim : {0, 1, 2}) {
          cases.push_back({core_name("scatter", mode_name, dtype_name(dtype), layout_name(layout),
                                     dim_name(dim)),
                           [=](Context& c) {
                             Shape shape = {4, 5, 6};
                             shape[static_cast<size_t>(dim)] = 20;
                             const Array source = filled(dtype, shape, layout, c.random());
                             const Array out = filled(dtype, {5, 6, 7}, Layout::kDense, c.random());
                             const Array index =
                                 indices(shape, Layout::kDense, out.shape[static_cast<size_t>(dim)],
                                         c.random());
                             check_call(c, {TN_OP_SCATTER, {out}, {index, source}, {dim, mode}},
                                        scatter_bound(dtype, mode, 21));
                           }});
        }
      }
      cases.push_back(
          {core_name("scatter", mode_name, dtype_name(dtype), "into_gaps"), [=](Context& c) {
             const Array out = filled(dtype, {9, 4}, Layout::kGaps, c.random());
             const Array source = filled(dtype, {30, 4}, Layout::kDense, c.random());
             const Array index = indices({30, 4}, Layout::kTransposed, 9, c.random());
             check_call(c, {TN_OP_SCATTER, {out}, {index, source}, {0, mode}},
                        scatter_bound(dtype, mode, 31));
           }});
      cases.push_back(
          {core_name("scatter", mode_name, dtype_name(dtype), "all_on_one"), [=](Context& c) {
             const Array out = filled(dtype, {3}, Layout::kDense, c.random());
             const Array source = filled(dtype, {200}, Layout::kDense, c.random());
             const Array index = of_wholes(TN_DTYPE_I64, {200}, std::vector<int64_t>(200, 1));
             check_call(c, {TN_OP_SCATTER, {out}, {index, source}, {0, mode}},
                        scatter_bound(dtype, mode, 201));
           }});
    }
  }
}

void add_nonzero(Cases& cases) {
  const Shape shapes[] = {{}, {1}, {0}, {300}, {4, 5, 20}, {3, 0, 2}, {2, 1, 3, 1, 2, 2, 1, 3}};
  for (const uint32_t dtype : kDtypes) {
    for (const Layout layout : kSomeLayouts) {
      for (const Shape& shape : shapes) {
        const std::string end =
            std::string(dtype_name(dtype)) + "/" + layout_name(layout) + "/" + shape_name(shape);
        cases.push_back({core_name("nonzero_count", end), [=](Context& c) {
                           check_call(
                               c, {TN_OP_NONZERO_COUNT,
                                   {dense(TN_DTYPE_I64, {})},
                                   {filled(dtype, shape, layout, c.random(), Values::kNonzero)}});
                         }});
        cases.push_back({core_name("nonzero", end), [=](Context& c) {
                           const Array in =
                               filled(dtype, shape, layout, c.random(), Values::kNonzero);
                           int64_t n = 0;
                           for (int64_t i = 0; i < in.count(); ++i) n += in.real(i) != 0 ? 1 : 0;
                           const auto rank = static_cast<int64_t>(shape.size());
                           check_call(c, {TN_OP_NONZERO, {dense(TN_DTYPE_I64, {n, rank})}, {in}});
                         }});
      }
    }
    for (const Values values : {Values::kSpecial, Values::kNearOne}) {
      cases.push_back(
          {core_name("nonzero_count", dtype_name(dtype), values_name(values)), [=](Context& c) {
             check_call(c, {TN_OP_NONZERO_COUNT,
                            {dense(TN_DTYPE_I64, {})},
                            {filled(dtype, {999}, Layout::kDense, c.random(), values)}});
           }});
    }
  }
}

// ---- random ------------------------------------------------------------------------------------

void add_random(Cases& cases) {
  const Shape shapes[] = {{}, {1}, {3}, {4}, {0}, {3, 333}, {1023}, {9, 30}};
  constexpr uint64_t kSeeds[][2] = {
      {0, 0}, {0x123456789abcdef0, 0xfedcba9876543210}, {UINT64_MAX, 1}, {42, uint64_t{1} << 40}};
  for (const auto& seed : kSeeds) {
    const std::vector<uint64_t> scalars = {seed[0], seed[1]};
    for (const Shape& shape : shapes) {
      for (const Layout layout : kOutputLayouts) {
        const std::string end =
            std::to_string(seed[0] % 1000) + "/" + layout_name(layout) + "/" + shape_name(shape);
        cases.push_back({core_name("random", "bits", end), [=](Context& c) {
                           check_call(c, {TN_OP_RANDOM,
                                          {laid_out(TN_DTYPE_I64, shape, layout)},
                                          {},
                                          {TN_RANDOM_BITS},
                                          scalars});
                         }});
        cases.push_back({core_name("random", "uniform", end), [=](Context& c) {
                           check_call(c, {TN_OP_RANDOM,
                                          {laid_out(TN_DTYPE_F32, shape, layout)},
                                          {},
                                          {TN_RANDOM_UNIFORM},
                                          scalars});
                         }});
      }
    }
  }
  cases.push_back({core_name("random", "known_words"), [](Context& c) {
                     const auto out = check_call(
                         c,
                         {TN_OP_RANDOM, {dense(TN_DTYPE_I64, {4})}, {}, {TN_RANDOM_BITS}, {0, 0}});
                     constexpr int64_t kWords[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
                     for (int64_t i = 0; i < 4; ++i) {
                       require(out[0].whole(i) == kWords[i],
                               "word " + std::to_string(i) + " is not the one of Philox4x32-10");
                     }
                   }});
}

}  // namespace

void add_indexing_cases(Cases& cases) {
  add_gather(cases);
  add_scatter(cases);
  add_nonzero(cases);
  add_random(cases);
}

}  // namespace tenon::conform
