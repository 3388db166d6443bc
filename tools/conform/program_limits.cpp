// Limits of a device, scalars, shapes of the iteration space, aliasing, what must be refused.
#include <algorithm>

#include "compare.h"
#include "opcodes.h"
#include "program_cases.h"

namespace tenon::conform {

void add_program_cases(Cases& cases) {
  add_known_answers(cases);
  add_accuracy_cases(cases);
  add_random_programs(cases);
  add_limit_cases(cases);
  add_tail_cases(cases);
  add_alias_cases(cases);
}

namespace {

using Shape = std::vector<int64_t>;

Call call_of(const ProgramText& text, uint32_t dtype, const Shape& shape, Random& random) {
  Call call{TN_OP_PROGRAM, {}, {}};
  call.program = &text;
  for (size_t i = 0; i < text.outputs.size(); ++i) call.outputs.push_back(dense(dtype, shape));
  for (uint32_t i = 0; i < text.inputs; ++i) {
    call.inputs.push_back(filled(dtype, shape, Layout::kDense, random));
  }
  for (size_t i = 0; i < text.scalar_dtypes.size(); ++i) {
    call.scalars.push_back(is_float(dtype) ? slot(random.real(-2, 2)) : slot(random.below(5)));
  }
  return call;
}

// ---- limits ------------------------------------------------------------------------------------

struct Counts {
  uint32_t instructions = 1, inputs = 1, scalars = 0, outputs = 1;
};

// Every input, scalar and instruction has a part in what is stored, as far as there are enough
// instructions.
ProgramText program_of(const Counts& n, uint32_t dtype) {
  ProgramText text{.inputs = n.inputs};
  text.scalar_dtypes.assign(n.scalars, dtype);
  const uint32_t leaves = n.inputs + n.scalars;
  uint32_t last = leaves - 1;
  for (uint32_t i = 0; i < n.instructions; ++i) {
    const uint32_t other = leaves < 2 || i >= leaves - 1 ? 0 : leaves - 2 - i;
    last = text.add(i % 2 == 0 ? TN_PROGRAM_MAX : TN_PROGRAM_SUB, dtype, last, other);
  }
  text.outputs.assign(n.outputs, last);
  return text;
}

Counts counts_at(const tn_device_info& info, const std::string& limit, uint32_t beyond) {
  Counts n;
  if (limit == "instructions") n.instructions = info.program_instructions + beyond;
  if (limit == "inputs") n.inputs = info.program_inputs + beyond;
  if (limit == "scalars") n.scalars = info.program_scalars + beyond;
  if (limit == "outputs") n.outputs = info.program_outputs + beyond;
  if (limit == "all") {
    n = {info.program_instructions, info.program_inputs, info.program_scalars,
         info.program_outputs};
  }
  return n;
}

// A limit of thousands is as good as none: nothing is proved by a program of that size.
constexpr uint32_t kLargest = 4096;

void check_limit(Context& c, const std::string& limit, uint32_t beyond, uint32_t dtype) {
  PluginHost& host = c.subject();
  if (!host.computes(dtype)) throw Skip("not a dtype the device computes");
  const Counts n = counts_at(host.info, limit, beyond);
  if (std::max({n.instructions, n.inputs, n.scalars, n.outputs}) > kLargest) {
    throw Skip("a limit too large to try");
  }
  const ProgramText text = program_of(n, dtype);
  const Call call = call_of(text, dtype, {3, 41}, c.random());
  if (beyond > 0) return check_refused(c, call);
  const Outcome out = run(host, call);
  require(out.status == TN_OK, "a program at the limit of device_info: " + out.step + " answered " +
                                   status_name(out.status) + ": " + out.text);
  require(out.damage.empty(), out.damage);
  const Outcome expected = run(c.oracle(), call);
  if (expected.status != TN_OK) return;  // beyond the oracle's own limits: it ran, that is all
  for (size_t i = 0; i < out.outputs.size(); ++i) {
    const std::string wrong =
        difference(expected.outputs[i], out.outputs[i], {.zero_sign_is_free = true});
    require(wrong.empty(), wrong);
  }
}

void add_limits(Cases& cases) {
  for (const uint32_t dtype : {TN_DTYPE_F32, TN_DTYPE_I64, TN_DTYPE_F16}) {
    for (const char* limit : {"instructions", "inputs", "scalars", "outputs", "all"}) {
      cases.push_back({program_name("limit", limit, dtype_name(dtype), "at"),
                       [=](Context& c) { check_limit(c, limit, 0, dtype); }});
      if (limit == std::string("all")) continue;
      for (const uint32_t beyond : {1u, 2u, 20u}) {
        cases.push_back(
            {program_name("limit", limit, dtype_name(dtype), "beyond_by_" + std::to_string(beyond)),
             [=](Context& c) { check_limit(c, limit, beyond, dtype); }});
      }
    }
  }
}

// ---- scalars -----------------------------------------------------------------------------------

void check_scalar(Context& c, uint32_t dtype, double real, int64_t whole, bool stored) {
  ProgramText text{.inputs = 1, .scalar_dtypes = {dtype}};
  text.outputs = {stored ? text.add(TN_PROGRAM_COPY, dtype, 1)
                         : text.add(TN_PROGRAM_MAX, dtype, 1, 0)};
  Call call{TN_OP_PROGRAM, {dense(dtype, {19})}, {filled(dtype, {19}, Layout::kDense, c.random())}};
  call.program = &text;
  call.scalars = {is_float(dtype) ? slot(real) : slot(whole)};
  check_call(c, call, {.zero_sign_is_free = true});
}

void add_scalars(Cases& cases) {
  constexpr double kReals[] = {0.1, -2.7, 1e300, -1e-300, 65519, 1.0 + 0x1p-11 + 0x1p-40};
  constexpr int64_t kWholes[] = {3, -3, INT64_MAX, INT64_MIN, 300, 1};
  for (const uint32_t dtype : kDtypes) {
    for (size_t i = 0; i < 6; ++i) {
      for (const bool stored : {true, false}) {
        cases.push_back(
            {program_name("scalar", dtype_name(dtype), std::to_string(i),
                          stored ? "stored" : "used"),
             [=](Context& c) { check_scalar(c, dtype, kReals[i], kWholes[i], stored); }});
      }
    }
  }
  // The same kernel with other scalars: they are no part of it.
  cases.push_back({program_name("scalar", "are_no_part_of_the_kernel"), [](Context& c) {
                     ProgramText text{.inputs = 1, .scalar_dtypes = {TN_DTYPE_F32}};
                     text.outputs = {text.add(TN_PROGRAM_MUL, TN_DTYPE_F32, 0, 1)};
                     Call first = call_of(text, TN_DTYPE_F32, {50}, c.random());
                     Call later = first;
                     first.scalars = {slot(1.0)};
                     later.scalars = {slot(-3.5)};
                     const Outcome out = run_prepared_for(c.subject(), first, later);
                     require(out.status == TN_OK, out.text);
                     for (int64_t i = 0; i < 50; ++i) {
                       require(
                           out.outputs[0].real(i) == double(float(-3.5 * later.inputs[0].real(i))),
                           "the launch used another launch's scalar");
                     }
                   }});
}

// ---- iteration spaces --------------------------------------------------------------------------

void add_spaces(Cases& cases) {
  const Shape shapes[] = {{},
                          {1},
                          {0},
                          {4, 0, 3},
                          {5},
                          {63},
                          {64},
                          {65},
                          {1000},
                          {7, 1, 9},
                          {2, 1, 2, 1, 2, 1, 2, 3},
                          {1, 1, 1}};
  for (const uint32_t dtype : {TN_DTYPE_F32, TN_DTYPE_I64, TN_DTYPE_BF16}) {
    for (const Shape& shape : shapes) {
      for (const Layout layout : kInputLayouts) {
        cases.push_back(
            {program_name("space", dtype_name(dtype), shape_name(shape), layout_name(layout)),
             [=](Context& c) {
               ProgramText text{.inputs = 2};
               text.outputs = {text.add(TN_PROGRAM_SUB, dtype, 0, 1)};
               Call call{TN_OP_PROGRAM,
                         {dense(dtype, shape)},
                         {filled(dtype, shape, layout, c.random()),
                          filled(dtype, shape, Layout::kTransposed, c.random())}};
               call.program = &text;
               check_call(c, call);
             }});
      }
    }
  }
}

// ---- what is stored ----------------------------------------------------------------------------

void add_outputs(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    cases.push_back({program_name("output", dtype_name(dtype), "of_an_input"), [=](Context& c) {
                       ProgramText text{.inputs = 1};
                       static_cast<void>(text.add(TN_PROGRAM_COPY, dtype, 0));
                       text.outputs = {0};
                       check_call(c, call_of(text, dtype, {77}, c.random()));
                     }});
    cases.push_back({program_name("output", dtype_name(dtype), "twice"), [=](Context& c) {
                       ProgramText text{.inputs = 2};
                       const uint32_t value = text.add(TN_PROGRAM_MAX, dtype, 0, 1);
                       text.outputs = {value, value};
                       Call call = call_of(text, dtype, {77}, c.random());
                       if (c.subject().info.program_outputs < 2) return check_refused(c, call);
                       check_call(c, call, {.zero_sign_is_free = true});
                     }});
  }
}

// ---- refusals ----------------------------------------------------------------------------------

struct Refusal {
  const char* name;
  ProgramText text;
  uint32_t out = TN_DTYPE_F32;
  uint32_t second = TN_DTYPE_F32;  // dtype of input 1
};

ProgramText one(uint32_t inputs, uint32_t code, uint32_t dtype, uint32_t a = 0, uint32_t b = 0,
                uint32_t c = 0) {
  ProgramText text{.inputs = inputs};
  text.outputs = {text.add(code, dtype, a, b, c)};
  return text;
}

std::vector<Refusal> refusals() {
  ProgramText no_output = one(1, TN_PROGRAM_NEG, TN_DTYPE_F32);
  no_output.outputs = {77};
  ProgramText bad_scalar = one(1, TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 1);
  bad_scalar.scalar_dtypes = {99};
  ProgramText mean = one(1, TN_PROGRAM_NEG, TN_DTYPE_F32);
  mean.tail = TN_REDUCE_ARGMAX, mean.tail_dims = 1;
  ProgramText unknown_tail = mean;
  unknown_tail.tail = 77;
  return {
      {"unknown_opcode", one(1, 4000, TN_DTYPE_F32)},
      {"opcode_zero", one(1, 0, TN_DTYPE_F32)},
      {"unknown_dtype", one(1, TN_PROGRAM_NEG, 77)},
      {"operands_of_two_dtypes", one(2, TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 1), TN_DTYPE_F32,
       TN_DTYPE_I64},
      {"operand_not_yet_there", one(2, TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 9)},
      {"operand_is_itself", one(1, TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 1)},
      {"sqrt_of_integers", one(1, TN_PROGRAM_SQRT, TN_DTYPE_I64), TN_DTYPE_I64},
      {"shift_of_floats", one(2, TN_PROGRAM_SHL, TN_DTYPE_F32, 0, 1)},
      {"not_of_floats", one(1, TN_PROGRAM_NOT, TN_DTYPE_F32)},
      {"sum_of_bools", one(2, TN_PROGRAM_ADD, TN_DTYPE_BOOL, 0, 1), TN_DTYPE_BOOL, TN_DTYPE_BOOL},
      {"where_without_bool", one(2, TN_PROGRAM_WHERE, TN_DTYPE_F32, 0, 1, 1)},
      {"output_of_another_dtype", one(1, TN_PROGRAM_NEG, TN_DTYPE_F32), TN_DTYPE_F64},
      {"comparison_in_a_float", one(2, TN_PROGRAM_LT, TN_DTYPE_F32, 0, 1)},
      {"output_of_no_value", no_output},
      {"unknown_scalar_dtype", bad_scalar},
      {"argmax_as_a_tail", mean},
      {"unknown_tail", unknown_tail},
  };
}

void add_refusals(Cases& cases) {
  for (const Refusal& r : refusals()) {
    cases.push_back(
        {program_name("refusal", r.name), [r](Context& c) {
           Call call{TN_OP_PROGRAM, {dense(r.out, {3, 4})}, {}};
           call.program = &r.text;
           for (uint32_t i = 0; i < r.text.inputs; ++i) {
             const bool same = r.out == TN_DTYPE_BOOL || r.out == TN_DTYPE_I64;
             call.inputs.push_back(dense(i == 1 ? r.second : same ? r.out : TN_DTYPE_F32, {3, 4}));
           }
           call.scalars.assign(r.text.scalar_dtypes.size(), 0);
           if (r.text.tail != 0) call.outputs = {dense(TN_DTYPE_F32, {1, 4})};
           check_refused(c, call);
         }});
  }
}

}  // namespace

void add_limit_cases(Cases& cases) {
  add_limits(cases);
  add_scalars(cases);
  add_spaces(cases);
  add_outputs(cases);
  add_refusals(cases);
}

// ---- aliasing ----------------------------------------------------------------------------------

void add_alias_cases(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const Layout layout : kOutputLayouts) {
      for (const int32_t alias : {0, 1}) {
        for (const uint32_t code : {TN_PROGRAM_MAX, TN_PROGRAM_COPY}) {
          cases.push_back({program_name("alias", dtype_name(dtype), layout_name(layout),
                                        "input" + std::to_string(alias),
                                        code == TN_PROGRAM_MAX ? "max" : "copy"),
                           [=](Context& c) {
                             ProgramText text{.inputs = 2};
                             text.outputs = {text.add(
                                 code, dtype, 1 - static_cast<uint32_t>(alias),
                                 code == TN_PROGRAM_MAX ? static_cast<uint32_t>(alias) : 0)};
                             Call call{TN_OP_PROGRAM, {}, {}};
                             call.program = &text;
                             for (int i = 0; i < 2; ++i) {
                               call.inputs.push_back(filled(dtype, {5, 61}, layout, c.random()));
                             }
                             call.outputs = {call.inputs[static_cast<size_t>(alias)]};
                             call.aliases = {alias};
                             check_call(c, call, {.zero_sign_is_free = true});
                           }});
        }
      }
    }
    // A copy onto itself.
    cases.push_back(
        {program_name("alias", dtype_name(dtype), "onto_itself"), [=](Context& c) {
           ProgramText text{.inputs = 1};
           text.outputs = {text.add(TN_PROGRAM_COPY, dtype, 0)};
           Call call{TN_OP_PROGRAM, {}, {filled(dtype, {99}, Layout::kOffset, c.random())}};
           call.program = &text;
           call.outputs = {call.inputs[0]};
           call.aliases = {0};
           check_call(c, call);
         }});
  }
}

}  // namespace tenon::conform
