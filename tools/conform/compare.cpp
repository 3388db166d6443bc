#include "compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "../../plugins/support/elements.h"

namespace tenon::conform {

// ---- bounds ------------------------------------------------------------------------------------

double rounding(uint32_t dtype) {
  switch (dtype) {
    case TN_DTYPE_F16:
      return 0x1p-11;
    case TN_DTYPE_BF16:
      return 0x1p-8;
    case TN_DTYPE_F32:
      return 0x1p-24;
    default:
      return 0x1p-53;
  }
}

double accumulator_rounding(uint32_t dtype) {
  return rounding(dtype == TN_DTYPE_F64 ? TN_DTYPE_F64 : TN_DTYPE_F32);
}

Bound sum_bound(uint32_t dtype, int64_t terms) {
  const auto n = static_cast<double>(std::max<int64_t>(terms, 1));
  const double factor = std::max(4 * std::sqrt(n), std::log2(n) + 1);  // eps is two roundings
  return {.ulps = 1, .of_magnitude = factor * accumulator_rounding(dtype)};
}

Bound chain_bound(uint32_t dtype, int64_t terms) {
  const auto n = static_cast<double>(std::max<int64_t>(terms, 1));
  return {.ulps = 1, .of_magnitude = 2 * n * accumulator_rounding(dtype)};
}

namespace {

// Representations in the order of their values, neighbours one apart.
template <class Bits, class Float>
int64_t ordinal(Float x) {
  const auto bits = std::bit_cast<Bits>(x);
  return bits < 0 ? std::numeric_limits<Bits>::min() - bits : bits;
}

}  // namespace

int64_t ulp_distance(uint32_t dtype, double a, double b) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : kFar;
  if (a == b) return 0;
  int64_t x = 0, y = 0;
  if (dtype == TN_DTYPE_F64) {
    if (std::signbit(a) != std::signbit(b)) return kFar;
    x = ordinal<int64_t>(a);
    y = ordinal<int64_t>(b);
  } else if (dtype == TN_DTYPE_F16) {
    x = ordinal<int16_t>(support::encode_half(a));
    y = ordinal<int16_t>(support::encode_half(b));
  } else if (dtype == TN_DTYPE_BF16) {
    x = ordinal<int16_t>(support::encode_bfloat16(a));
    y = ordinal<int16_t>(support::encode_bfloat16(b));
  } else {
    x = ordinal<int32_t>(static_cast<float>(a));
    y = ordinal<int32_t>(static_cast<float>(b));
  }
  return std::abs(x - y);
}

// ---- values ------------------------------------------------------------------------------------

std::string value_text(const Array& a, int64_t i) {
  char text[48];
  if (is_float(a.dtype)) {
    std::snprintf(text, sizeof text, "%.9g", a.real(i));
  } else {
    std::snprintf(text, sizeof text, "%lld", static_cast<long long>(a.whole(i)));
  }
  return text;
}

namespace {

bool agrees(const Array& expected, const Array& got, int64_t i, const Bound& bound,
            const Array* magnitude) {
  if (expected.dtype == TN_DTYPE_BOOL) {  // the byte, which must be 0 or 1
    return *expected.at(i) == *got.at(i);
  }
  if (!is_float(expected.dtype)) return expected.whole(i) == got.whole(i);
  const double a = expected.real(i), b = got.real(i);
  if (a == 0 && b == 0) {
    return bound.zero_sign_is_free || magnitude != nullptr || std::signbit(a) == std::signbit(b);
  }
  if (ulp_distance(expected.dtype, a, b) <= bound.ulps) return true;
  if (magnitude == nullptr || !std::isfinite(a) || !std::isfinite(b)) return false;
  return std::fabs(a - b) <= bound.of_magnitude * magnitude->real(i);
}

}  // namespace

std::string difference(const Array& expected, const Array& got, const Bound& bound,
                       const Array* magnitude) {
  const int64_t count = expected.count();
  for (int64_t i = 0; i < count; ++i) {
    if (agrees(expected, got, i, bound, magnitude)) continue;
    std::string text = std::string(dtype_name(expected.dtype)) + " element " + std::to_string(i) +
                       " of " + std::to_string(count) + ": expected " + value_text(expected, i) +
                       ", got " + value_text(got, i);
    if (expected.dtype == TN_DTYPE_BOOL && static_cast<unsigned>(*got.at(i)) > 1) {
      text += " (byte " + std::to_string(static_cast<unsigned>(*got.at(i))) + ", no bool)";
    }
    return text;
  }
  return {};
}

// ---- claims ------------------------------------------------------------------------------------

namespace {

uint32_t computed_dtype(const Call& call) {
  if (call.op == TN_OP_NONZERO || call.op == TN_OP_NONZERO_COUNT || call.op == TN_OP_REDUCE) {
    return call.inputs.back().dtype;
  }
  return call.outputs[0].dtype;
}

bool is_in_limits(const tn_device_info& info, const ProgramText& text) {
  return text.instruction_count() <= info.program_instructions &&
         text.inputs <= info.program_inputs && text.scalar_dtypes.size() <= info.program_scalars &&
         text.outputs.size() <= info.program_outputs && (text.tail == 0 || info.program_tail != 0);
}

// Does every instruction but CAST and COPY compute in a dtype that device_info names?
bool computes_all(const PluginHost& host, const ProgramText& text) {
  for (size_t i = 0; i < text.words.size(); i += 4) {
    const uint32_t code = text.words[i] & 0xffffu, dtype = text.words[i] >> 16;
    if (code != TN_PROGRAM_CAST && code != TN_PROGRAM_COPY && !host.computes(dtype)) return false;
  }
  return true;
}

}  // namespace

std::string why_required(const PluginHost& host, const Call& call) {
  const bool moves = call.op == TN_OP_FILL || call.op == TN_OP_COPY || call.op == TN_OP_GATHER ||
                     call.op == TN_OP_RANDOM || call.op == TN_OP_NONZERO ||
                     call.op == TN_OP_NONZERO_COUNT ||
                     (call.op == TN_OP_SCATTER && call.attributes[1] == TN_SCATTER_SET);
  if (moves) return "OPERATORS.md requires it in every dtype";
  if (call.op == TN_OP_PROGRAM) {
    if (!is_in_limits(host.info, *call.program)) return {};
    return computes_all(host, *call.program) ? "it lies within device_info's limits and dtypes"
                                             : "";
  }
  const uint32_t dtype = computed_dtype(call);
  if (call.op == TN_OP_REDUCE || call.op == TN_OP_MATMUL) {
    return host.computes(dtype) ? "device_info.compute_dtypes names the dtype" : "";
  }
  const bool basic = dtype == TN_DTYPE_F32 || dtype == TN_DTYPE_I64 || dtype == TN_DTYPE_BOOL;
  const bool known = call.op == TN_OP_SCATTER || call.op == TN_OP_SCAN || call.op == TN_OP_SORT;
  return known && basic ? "OPERATORS.md requires it in f32, i64 and bool" : "";
}

namespace {

[[noreturn]] void refuse_or_skip(const PluginHost& host, const Call& call, const Outcome& out) {
  require(!out.text.empty(), "query answered NO without a reason");
  const std::string required = why_required(host, call);
  require(required.empty(), "query answered NO (" + out.text + "), but " + required);
  throw Skip(call.op + " not offered in " + dtype_name(computed_dtype(call)));
}

void require_success(const PluginHost& host, const Call& call, const Outcome& out) {
  if (out.refused) refuse_or_skip(host, call, out);
  require(out.status == TN_OK,
          (out.step == "query" ? "query answered "
                               : "query said yes, then " + out.step + " answered ") +
              status_name(out.status) + ": " + out.text);
  require(out.damage.empty(), out.damage);
}

// The call on |inputs|, whose result bounds the error of sums and products.
Call magnitudes(const Call& call) {
  Call copy = call;
  const auto make_positive = [](Array& a) {
    if (!is_float(a.dtype)) return;
    const int64_t count = a.count();
    for (int64_t i = 0; i < count; ++i) {
      const double x = a.real(i);
      a.set_real(i, std::isfinite(x) ? std::fabs(x) : 1);
    }
  };
  for (Array& a : copy.inputs) make_positive(a);
  if (copy.op == TN_OP_SCATTER) {
    for (Array& a : copy.outputs) make_positive(a);
  }
  return copy;
}

void compare_outputs(Context& context, const Call& call, const Bound& bound,
                     const std::vector<Array>& got) {
  const Outcome expected = run(context.oracle(), call);
  require(expected.status == TN_OK,
          "the oracle answers " + status_name(expected.status) + ": " + expected.text);
  Outcome magnitude;
  if (bound.of_magnitude > 0) magnitude = run(context.oracle(), magnitudes(call));
  for (size_t i = 0; i < got.size(); ++i) {
    const Array* scale = bound.of_magnitude > 0 ? &magnitude.outputs[i] : nullptr;
    const std::string wrong = difference(expected.outputs[i], got[i], bound, scale);
    require(wrong.empty(), "output " + std::to_string(i) + ", " + wrong);
  }
}

// Same bits on a second run, with ranges cut into other parts?
void check_again(PluginHost& host, const Call& call, const Outcome& first) {
  if (first.answer.determinism != TN_DETERMINISM_BITS) return;
  host.set_parts(1);
  const Outcome second = run(host, call);
  host.set_parts(3);
  require_success(host, call, second);
  for (size_t i = 0; i < first.outputs.size(); ++i) {
    const auto& a = first.outputs[i];
    const auto& b = second.outputs[i];
    for (int64_t k = 0; k < a.count(); ++k) {
      if (std::equal(a.at(k), a.at(k) + dtype_size(a.dtype), b.at(k))) continue;
      throw Failure("query claimed the same bits on every run, but element " + std::to_string(k) +
                    " of output " + std::to_string(i) + " was " + value_text(a, k) + " and then " +
                    value_text(b, k));
    }
  }
}

}  // namespace

std::vector<Array> check_call(Context& context, const Call& call, const Bound& bound) {
  PluginHost& host = context.subject();
  Outcome out = run(host, call);
  if (!out.refused && (out.answer.flags & TN_ANSWER_HOST_STAGED) != 0) {
    const bool may_be = call.op == TN_OP_SCAN || call.op == TN_OP_SORT ||
                        call.op == TN_OP_NONZERO || call.op == TN_OP_NONZERO_COUNT;
    require(may_be, "only scan, sort and nonzero may be left to the host (HOST_STAGED)");
    throw Skip(call.op + " is left to the host (HOST_STAGED)");
  }
  require_success(host, call, out);
  compare_outputs(context, call, bound, out.outputs);
  check_again(host, call, out);
  return std::move(out.outputs);
}

void check_refused(Context& context, const Call& call) {
  PluginHost& host = context.subject();
  Session session(host, call, host.stream);
  const Outcome out = session.query();
  require(out.refused, "expected query to answer NO, it answered " +
                           (out.status == TN_OK ? "yes" : status_name(out.status)));
  require(!out.text.empty(), "query answered NO without a reason");
  const uint64_t before = host.error_count();
  const tn_status status = session.prepare();
  require(status != TN_OK, "query answered NO, but prepare made a kernel");
  require(host.error_count() > before,
          "prepare answered " + status_name(status) + " without a text");
}

}  // namespace tenon::conform
