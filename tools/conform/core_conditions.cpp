// What holds for every operator: kernels know no sizes, results know no threads, operands may begin
// anywhere, indices are never followed, refusals say why.
#include <algorithm>

#include "compare.h"
#include "core_cases.h"

namespace tenon::conform {
namespace {

// A call of one operator in f32 (or where it must be, i64), of a size to choose.
struct Sample {
  const char* name;
  Call (*make)(int64_t rows, int64_t columns, Random& random);
  Bound (*bound)(int64_t rows, int64_t columns);
};

Bound exact(int64_t, int64_t) { return {}; }

Array plain(int64_t rows, int64_t columns, Random& random) {
  return filled(TN_DTYPE_F32, {rows, columns}, Layout::kDense, random);
}

Call make_add(int64_t rows, int64_t columns, Random& random) {
  static const ProgramText text = [] {
    ProgramText t{.inputs = 2};
    t.outputs = {t.add(TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 1)};
    return t;
  }();
  Call call{TN_OP_PROGRAM,
            {dense(TN_DTYPE_F32, {rows, columns})},
            {plain(rows, columns, random), plain(rows, columns, random)}};
  call.program = &text;
  return call;
}

Call make_sort(int64_t rows, int64_t columns, Random& random) {
  return {TN_OP_SORT,
          {dense(TN_DTYPE_F32, {rows, columns}), dense(TN_DTYPE_I64, {rows, columns})},
          {plain(rows, columns, random)},
          {1, 0}};
}

Call make_nonzero(int64_t rows, int64_t columns, Random& random) {
  const Array in = filled(TN_DTYPE_F32, {rows, columns}, Layout::kDense, random, Values::kNonzero);
  int64_t n = 0;
  for (int64_t i = 0; i < in.count(); ++i) n += in.real(i) != 0 ? 1 : 0;
  return {TN_OP_NONZERO, {dense(TN_DTYPE_I64, {n, 2})}, {in}};
}

const Sample kSamples[] = {
    {TN_OP_FILL,
     [](int64_t r, int64_t k, Random&) {
       return Call{TN_OP_FILL, {dense(TN_DTYPE_F32, {r, k})}, {}, {}, {slot(1.5)}};
     },
     exact},
    {TN_OP_COPY,
     [](int64_t r, int64_t k, Random& random) {
       return Call{TN_OP_COPY, {dense(TN_DTYPE_F64, {r, k})}, {plain(r, k, random)}};
     },
     exact},
    {TN_OP_PROGRAM, make_add, exact},
    {"reduce_rows",
     [](int64_t r, int64_t k, Random& random) {
       return Call{
           TN_OP_REDUCE, {dense(TN_DTYPE_F32, {r, 1})}, {plain(r, k, random)}, {TN_REDUCE_SUM, 2}};
     },
     [](int64_t, int64_t k) { return sum_bound(TN_DTYPE_F32, k); }},
    {"reduce_columns",
     [](int64_t r, int64_t k, Random& random) {
       return Call{
           TN_OP_REDUCE, {dense(TN_DTYPE_F32, {1, k})}, {plain(r, k, random)}, {TN_REDUCE_SUM, 1}};
     },
     [](int64_t r, int64_t) { return sum_bound(TN_DTYPE_F32, r); }},
    {"reduce_all",
     [](int64_t r, int64_t k, Random& random) {
       return Call{
           TN_OP_REDUCE, {dense(TN_DTYPE_F32, {1, 1})}, {plain(r, k, random)}, {TN_REDUCE_SUM, 3}};
     },
     [](int64_t r, int64_t k) { return sum_bound(TN_DTYPE_F32, r * k); }},
    {TN_OP_MATMUL,
     [](int64_t r, int64_t k, Random& random) {
       return Call{TN_OP_MATMUL,
                   {dense(TN_DTYPE_F32, {r, 33})},
                   {plain(r, k, random), plain(k, 33, random)}};
     },
     [](int64_t, int64_t k) { return chain_bound(TN_DTYPE_F32, k); }},
    {TN_OP_GATHER,
     [](int64_t r, int64_t k, Random& random) {
       return Call{TN_OP_GATHER,
                   {dense(TN_DTYPE_F32, {r, k})},
                   {plain(r, k, random), indices({r, k}, Layout::kDense, k, random)},
                   {1}};
     },
     exact},
    {TN_OP_SCATTER,
     [](int64_t r, int64_t k, Random& random) {
       return Call{TN_OP_SCATTER,
                   {plain(r, k, random)},
                   {indices({r, k}, Layout::kDense, r, random), plain(r, k, random)},
                   {0, TN_SCATTER_ADD}};
     },
     [](int64_t r, int64_t) { return chain_bound(TN_DTYPE_F32, r + 1); }},
    {TN_OP_SCAN,
     [](int64_t r, int64_t k, Random& random) {
       return Call{
           TN_OP_SCAN, {dense(TN_DTYPE_F32, {r, k})}, {plain(r, k, random)}, {1, TN_SCAN_SUM}};
     },
     [](int64_t, int64_t k) { return chain_bound(TN_DTYPE_F32, k); }},
    {TN_OP_SORT, make_sort, exact},
    {TN_OP_NONZERO_COUNT,
     [](int64_t r, int64_t k, Random& random) {
       return Call{TN_OP_NONZERO_COUNT, {dense(TN_DTYPE_I64, {})}, {plain(r, k, random)}};
     },
     exact},
    {TN_OP_NONZERO, make_nonzero, exact},
    {TN_OP_RANDOM,
     [](int64_t r, int64_t k, Random& random) {
       return Call{TN_OP_RANDOM,
                   {dense(TN_DTYPE_F32, {r, k})},
                   {},
                   {TN_RANDOM_UNIFORM},
                   {random.word(), random.word()}};
     },
     exact},
};

// ---- kernels know no sizes ---------------------------------------------------------------------

void check_reuse(Context& c, const Sample& sample, int64_t rows, int64_t columns) {
  const Call first = sample.make(6, 8, c.random());
  const Call later = sample.make(rows, columns, c.random());
  PluginHost& host = c.subject();
  const Outcome got = run_prepared_for(host, first, later);
  if ((got.answer.flags & TN_ANSWER_PER_SHAPE) != 0) throw Skip("kernels depend on shapes");
  require(got.status == TN_OK, "a kernel prepared for 6x8 and launched for " +
                                   std::to_string(rows) + "x" + std::to_string(columns) + ": " +
                                   got.step + " answered " + status_name(got.status) + ": " +
                                   got.text);
  require(got.damage.empty(), got.damage);
  const Outcome own = run(host, later);
  require(own.status == TN_OK, own.text);
  for (size_t i = 0; i < got.outputs.size(); ++i) {
    const std::string wrong = difference(own.outputs[i], got.outputs[i], {});
    require(wrong.empty(), "a kernel prepared for other sizes gives other bits: " + wrong);
  }
}

void add_reuse(Cases& cases) {
  for (const Sample& sample : kSamples) {
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{1, 8}, {6, 1}, {40, 24}, {2, 136}}) {
      cases.push_back(
          {core_name("reuse", sample.name, shape_name({rows, columns})),
           [row = &sample, r = rows, k = columns](Context& c) { check_reuse(c, *row, r, k); }});
    }
  }
}

// ---- results know no threads -------------------------------------------------------------------

void check_threads(Context& c, const Sample& sample, int64_t rows, int64_t columns) {
  const Call call = sample.make(rows, columns, c.random());
  check_call(c, call, sample.bound(rows, columns));
  PluginHost& host = c.subject();
  Outcome first;
  for (const int64_t parts : {1, 2, 5, 8}) {
    host.set_parts(parts);
    Outcome out = run(host, call);
    host.set_parts(3);
    require(out.status == TN_OK, out.text);
    if (out.answer.determinism != TN_DETERMINISM_BITS) return;
    if (parts == 1) {
      first = std::move(out);
      continue;
    }
    for (size_t i = 0; i < out.outputs.size(); ++i) {
      require(out.outputs[i].bytes == first.outputs[i].bytes,
              "other bits with " + std::to_string(parts) + " threads than with one");
    }
  }
}

void add_threads(Cases& cases) {
  for (const Sample& sample : kSamples) {
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{3, 70001}, {400, 257}, {30011, 3}}) {
      cases.push_back({core_name("threads", sample.name, shape_name({rows, columns})),
                       [row = &sample, r = rows, k = columns](Context& c) {
                         const bool large = row->name == std::string(TN_OP_MATMUL) && k > 1000;
                         check_threads(c, *row, large ? 3 : r, large ? 7001 : k);
                       }});
    }
  }
}

// ---- operands begin anywhere -------------------------------------------------------------------

Array shifted(uint32_t dtype, int64_t count, int64_t by, Random& random) {
  Array a = strided(dtype, {count}, {1}, by);
  fill_values(a, random, Values::kSmall);
  return a;
}

void add_alignment(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const int64_t by : {1, 2, 3, 4, 5, 7, 8, 12, 16, 31}) {
      const std::string end = std::string(dtype_name(dtype)) + "/at" + std::to_string(by);
      cases.push_back({core_name("alignment", "copy", end), [=](Context& c) {
                         check_call(c, {TN_OP_COPY,
                                        {strided(dtype, {133}, {1}, by)},
                                        {shifted(dtype, 133, 32 - by, c.random())}});
                       }});
      cases.push_back({core_name("alignment", "program", end), [=](Context& c) {
                         ProgramText text{.inputs = 2};
                         text.outputs = {text.add(TN_PROGRAM_MAX, dtype, 0, 1)};
                         Call call{TN_OP_PROGRAM,
                                   {strided(dtype, {133}, {1}, by)},
                                   {shifted(dtype, 133, 0, c.random()),
                                    shifted(dtype, 133, 32 - by, c.random())}};
                         call.program = &text;
                         check_call(c, call, {.zero_sign_is_free = true});
                       }});
      if (dtype == TN_DTYPE_BOOL) continue;
      cases.push_back({core_name("alignment", "reduce", end), [=](Context& c) {
                         check_call(c,
                                    {TN_OP_REDUCE,
                                     {strided(dtype, {1}, {1}, by)},
                                     {shifted(dtype, 133, by, c.random())},
                                     {TN_REDUCE_SUM, 1}},
                                    is_float(dtype) ? sum_bound(dtype, 133) : Bound{});
                       }});
      cases.push_back({core_name("alignment", "matmul", end), [=](Context& c) {
                         Array a = shifted(dtype, 7 * 19, by, c.random());
                         a.shape = {7, 19}, a.strides = {19, 1};
                         Array b = shifted(dtype, 19 * 7, 32 - by, c.random());
                         b.shape = {19, 7}, b.strides = {7, 1};
                         check_call(c, {TN_OP_MATMUL, {strided(dtype, {7, 7}, {7, 1}, by)}, {a, b}},
                                    is_float(dtype) ? chain_bound(dtype, 19) : Bound{});
                       }});
    }
  }
}

// ---- index values ------------------------------------------------------------------------------

// Reported once, with a text, by the launch or at sync with its tag; nothing else is touched.
void check_bad_index(Context& c, const Call& call) {
  PluginHost& host = c.subject();
  const Outcome out = run(host, call);
  if (out.refused) throw Skip(call.op + " not offered in this dtype");
  require(out.status == TN_INDEX_ERROR,
          "expected INDEX_ERROR, got " + status_name(out.status) + " at " + out.step);
  require(!out.text.empty(), "INDEX_ERROR came without a text");
  require(out.damage.empty(), out.damage);
  if (out.step == "sync") {
    require(host.is_async(), "the failure came at sync, but the device is not ASYNC");
    require(out.failed_tag == kTag, "stream_sync named tag " + std::to_string(out.failed_tag) +
                                        ", the launch had " + std::to_string(kTag));
  }
  uint64_t tag = 1;
  require(host.core->stream_sync(host.stream, &tag) == TN_OK, "the failure was reported twice");
}

void add_bad_indices(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const int64_t bad : {int64_t{-1}, int64_t{5}, INT64_MIN, INT64_MAX, int64_t{1} << 40}) {
      for (const int64_t place : {0, 1, 149}) {
        const std::string end = std::string(dtype_name(dtype)) + "/" + std::to_string(bad) + "/at" +
                                std::to_string(place);
        const auto index = [=](Random& random) {
          Array a = indices({150}, Layout::kDense, 5, random);
          a.set_whole(place, bad);
          return a;
        };
        cases.push_back({core_name("bad_index", "gather", end), [=](Context& c) {
                           const Array in = filled(dtype, {5}, Layout::kDense, c.random());
                           check_bad_index(
                               c,
                               {TN_OP_GATHER, {dense(dtype, {150})}, {in, index(c.random())}, {0}});
                         }});
        for (const int64_t mode : {int64_t{TN_SCATTER_SET}, int64_t{TN_SCATTER_ADD}}) {
          cases.push_back(
              {core_name("bad_index", mode == TN_SCATTER_SET ? "set" : "add", end),
               [=](Context& c) {
                 const Array out = filled(dtype, {5}, Layout::kDense, c.random());
                 const Array in = filled(dtype, {150}, Layout::kDense, c.random());
                 check_bad_index(c, {TN_OP_SCATTER, {out}, {index(c.random()), in}, {0, mode}});
               }});
        }
      }
    }
  }
}

// ---- refusals ----------------------------------------------------------------------------------

struct Refusal {
  const char* name;
  Call call;
};

void add_refusals(Cases& cases) {
  const Array f32 = dense(TN_DTYPE_F32, {2, 2}), i64 = dense(TN_DTYPE_I64, {2, 2});
  const Array flag = dense(TN_DTYPE_BOOL, {2, 2}), column = dense(TN_DTYPE_F32, {1, 2});
  const Refusal refusals[] = {
      {"unknown_operator", {"no_such_operator", {f32}, {}}},
      {"empty_name", {"", {f32}, {}}},
      {"matmul_of_two_dtypes", {TN_OP_MATMUL, {f32}, {f32, i64}}},
      {"matmul_of_bool", {TN_OP_MATMUL, {flag}, {flag, flag}}},
      {"reduce_of_unknown_kind", {TN_OP_REDUCE, {column}, {f32}, {99, 1}}},
      {"reduce_to_another_dtype",
       {TN_OP_REDUCE, {dense(TN_DTYPE_I64, {1, 2})}, {f32}, {TN_REDUCE_SUM, 1}}},
      {"sum_of_bool", {TN_OP_REDUCE, {dense(TN_DTYPE_BOOL, {1, 2})}, {flag}, {TN_REDUCE_SUM, 1}}},
      {"argmax_in_a_float", {TN_OP_REDUCE, {column}, {f32}, {TN_REDUCE_ARGMAX, 1}}},
      {"gather_by_floats", {TN_OP_GATHER, {f32}, {f32, f32}, {0}}},
      {"scatter_in_unknown_mode", {TN_OP_SCATTER, {f32}, {i64, f32}, {0, 9}}},
      {"scan_of_unknown_kind", {TN_OP_SCAN, {f32}, {f32}, {0, 9}}},
      {"sort_with_float_indices", {TN_OP_SORT, {f32, f32}, {f32}, {0, 0}}},
      {"random_bits_as_floats", {TN_OP_RANDOM, {f32}, {}, {TN_RANDOM_BITS}, {0, 0}}},
      {"random_of_unknown_kind", {TN_OP_RANDOM, {f32}, {}, {7}, {0, 0}}},
  };
  for (const Refusal& r : refusals) {
    cases.push_back(
        {core_name("refusal", r.name), [call = r.call](Context& c) { check_refused(c, call); }});
  }
}

}  // namespace

void add_condition_cases(Cases& cases) {
  add_reuse(cases);
  add_threads(cases);
  add_alignment(cases);
  add_bad_indices(cases);
  add_refusals(cases);
}

}  // namespace tenon::conform
