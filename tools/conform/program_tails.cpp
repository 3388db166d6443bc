// Trailing reductions: the bits of the same program followed by "reduce". A device without tails
// must say so, and then the two steps are what is checked.
#include "compare.h"
#include "program_cases.h"

namespace tenon::conform {
namespace {

using Shape = std::vector<int64_t>;

struct Tail {
  uint32_t kind;
  uint32_t dims;
  uint32_t dtype;
  Shape shape;
  Layout layout;
};

constexpr const char* kKinds[] = {"", "sum", "prod", "max", "min", "", "", "any", "all"};

Bound bound_of(const Tail& tail, int64_t terms) {
  Bound bound;
  if (is_float(tail.dtype) && tail.kind == TN_REDUCE_SUM) bound = sum_bound(tail.dtype, terms);
  if (is_float(tail.dtype) && tail.kind == TN_REDUCE_PROD) bound = chain_bound(tail.dtype, terms);
  bound.zero_sign_is_free = true;
  return bound;
}

Outcome run_or_fail(PluginHost& host, const Call& call, const char* what) {
  Outcome out = run(host, call);
  require(out.status == TN_OK, std::string(what) + ": " + out.step + " answered " +
                                   status_name(out.status) + ": " + out.text);
  require(out.damage.empty(), out.damage);
  return out;
}

void check_tail(Context& c, const Tail& tail) {
  PluginHost& host = c.subject();
  if (!host.computes(tail.dtype)) throw Skip("not a dtype the device computes");
  const bool logical = tail.kind >= TN_REDUCE_ANY;
  ProgramText text{.inputs = 2};
  text.outputs = {
      text.add(tail.kind == TN_REDUCE_PROD ? TN_PROGRAM_MAX : TN_PROGRAM_MIN, tail.dtype, 0, 1)};
  const Values values = tail.kind == TN_REDUCE_PROD ? Values::kNearOne
                        : logical                   ? Values::kNonzero
                                                    : Values::kSmall;
  Call map{TN_OP_PROGRAM, {dense(tail.dtype, tail.shape)}, {}};
  map.program = &text;
  for (const Layout layout : {tail.layout, Layout::kDense}) {
    map.inputs.push_back(filled(tail.dtype, tail.shape, layout, c.random(), values));
  }
  const Array mapped = run_or_fail(host, map, "the program without its tail").outputs[0];
  Shape shape = tail.shape;
  for (size_t d = 0; d < shape.size(); ++d) {
    if ((tail.dims >> d & 1) != 0) shape[d] = 1;
  }
  const Array empty = dense(logical ? TN_DTYPE_BOOL : tail.dtype, shape);
  const Call reduce{TN_OP_REDUCE, {empty}, {mapped}, {tail.kind, tail.dims}};
  const int64_t terms = empty.count() == 0 ? 1 : mapped.count() / empty.count();
  const Array reduced = check_call(c, reduce, bound_of(tail, terms))[0];

  ProgramText fused = text;
  fused.tail = tail.kind;
  fused.tail_dims = tail.dims;
  Call whole = map;
  whole.program = &fused;
  whole.outputs = {empty};
  if (host.info.program_tail == 0) return check_refused(c, whole);
  const Array got = run_or_fail(host, whole, "the program with its tail").outputs[0];
  for (int64_t i = 0; i < got.count(); ++i) {
    const auto size = static_cast<size_t>(dtype_size(got.dtype));
    require(std::equal(got.at(i), got.at(i) + size, reduced.at(i)),
            "element " + std::to_string(i) + " is " + value_text(got, i) + " by the tail and " +
                value_text(reduced, i) + " by reduce");
  }
}

bool exists(uint32_t kind, uint32_t dtype) {
  if (kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN) return false;
  return dtype != TN_DTYPE_BOOL || kind > TN_REDUCE_PROD;
}

}  // namespace

void add_tail_cases(Cases& cases) {
  const auto add = [&](const Tail& tail) {
    cases.push_back(
        {program_name("tail", kKinds[tail.kind], dtype_name(tail.dtype), shape_name(tail.shape),
                      layout_name(tail.layout), "dims" + std::to_string(tail.dims)),
         [=](Context& c) { check_tail(c, tail); }});
  };
  for (const uint32_t dtype : kDtypes) {
    for (uint32_t kind = TN_REDUCE_SUM; kind <= TN_REDUCE_ALL; ++kind) {
      if (!exists(kind, dtype)) continue;
      for (const uint32_t dims : {1u, 2u, 5u, 7u}) {
        for (const Layout layout : {Layout::kDense, Layout::kTransposed}) {
          add({kind, dims, dtype, {5, 11, 33}, layout});
        }
      }
      if (kind == TN_REDUCE_MAX || kind == TN_REDUCE_MIN) continue;  // of nothing: no value
      add({kind, 1, dtype, {0, 3}, Layout::kDense});
    }
  }
}

}  // namespace tenon::conform
