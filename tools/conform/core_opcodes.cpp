// program: every opcode in every dtype it is for, alone, in several layouts; WHERE, CAST, INDEX.
#include "core_cases.h"
#include "opcodes.h"

namespace tenon::conform {
namespace {

constexpr int64_t kPairs = 1600;  // all pairs of special values, and as many random ones
constexpr Layout kLayouts[] = {Layout::kOffset, Layout::kTransposed, Layout::kGaps, Layout::kRows};

// Operand i in the i-th of layouts that follow one another, so that they differ.
Layout next_layout(Layout layout, uint32_t i) {
  return i == 0 ? layout : kInputLayouts[(static_cast<uint32_t>(layout) + 2 * i) % 7];
}

void check_opcode(Context& c, const Opcode& op, uint32_t dtype, const Shape& shape, Layout layout) {
  ProgramText text{.inputs = op.operands};
  text.outputs = {text.add(op.code, dtype, 0, op.operands > 1 ? 1 : 0, op.operands > 2 ? 2 : 0)};
  Call call{TN_OP_PROGRAM, {laid_out(gives_bool(op) ? TN_DTYPE_BOOL : dtype, shape, layout)}, {}};
  call.program = &text;
  for (uint32_t i = 0; i < op.operands; ++i) {
    const bool pairs = layout == Layout::kDense;
    call.inputs.push_back(laid_out(dtype, shape, pairs ? layout : next_layout(layout, i)));
    fill_operand(call.inputs.back(), op, i, c.random());
  }
  check_call(c, call, bound_of(op, dtype));
}

void add_opcodes(Cases& cases) {
  for (const Opcode& op : opcodes()) {
    for (const uint32_t dtype : kDtypes) {
      if (!covers(op, dtype)) continue;
      const Opcode* row = &op;
      cases.push_back({core_name("program", op.name, dtype_name(dtype), "pairs"), [=](Context& c) {
                         check_opcode(c, *row, dtype, {kPairs}, Layout::kDense);
                       }});
      for (const Layout layout : kLayouts) {
        cases.push_back({core_name("program", op.name, dtype_name(dtype), layout_name(layout)),
                         [=](Context& c) {
                           check_opcode(c, *row, dtype, {3, 5, 17}, layout);
                         }});
      }
    }
  }
}

void add_where(Cases& cases) {
  for (const uint32_t dtype : kDtypes) {
    for (const Layout layout : kInputLayouts) {
      cases.push_back(
          {core_name("program", "WHERE", dtype_name(dtype), layout_name(layout)), [=](Context& c) {
             ProgramText text{.inputs = 3};
             text.outputs = {text.add(TN_PROGRAM_WHERE, dtype, 0, 1, 2)};
             Call call{TN_OP_PROGRAM, {dense(dtype, {4, 51})}, {}};
             call.program = &text;
             call.inputs.push_back(filled(TN_DTYPE_BOOL, {4, 51}, layout, c.random()));
             for (const Layout side : {Layout::kDense, Layout::kTransposed}) {
               call.inputs.push_back(filled(dtype, {4, 51}, side, c.random(), Values::kSpecial));
             }
             check_call(c, call);
           }});
    }
  }
}

// CAST as an instruction and as the operator "copy".
void add_casts(Cases& cases) {
  const auto check_cast = [](Context& c, uint32_t from, uint32_t to, Layout layout,
                             bool as_program) {
    static const Opcode kCast{"CAST", TN_PROGRAM_CAST, 1, "FIB", 0};
    ProgramText text{.inputs = 1};
    text.outputs = {text.add(TN_PROGRAM_CAST, to)};
    const Shape shape = layout == Layout::kDense ? Shape{kPairs} : Shape{5, 40};
    Array in = laid_out(from, shape, layout);
    fill_operand(in, kCast, 0, c.random());
    Call call{as_program ? TN_OP_PROGRAM : TN_OP_COPY, {dense(to, shape)}, {in}};
    if (as_program) call.program = &text;
    check_call(c, call);
  };
  for (const uint32_t from : kDtypes) {
    for (const uint32_t to : kDtypes) {
      for (const Layout layout : {Layout::kDense, Layout::kTransposed}) {
        const std::string end =
            std::string(dtype_name(from)) + "/" + dtype_name(to) + "/" + layout_name(layout);
        cases.push_back({core_name("program", "CAST", end),
                         [=](Context& c) { check_cast(c, from, to, layout, true); }});
        cases.push_back({core_name("copy", "values", end),
                         [=](Context& c) { check_cast(c, from, to, layout, false); }});
      }
    }
  }
}

void add_index(Cases& cases) {
  for (const Shape& shape : sample_shapes()) {
    for (const Layout layout : kOutputLayouts) {
      cases.push_back(
          {core_name("program", "INDEX", layout_name(layout), shape_name(shape)), [=](Context& c) {
             ProgramText text;
             text.outputs = {text.add(TN_PROGRAM_INDEX, TN_DTYPE_I64)};
             Call call{TN_OP_PROGRAM, {laid_out(TN_DTYPE_I64, shape, layout)}, {}};
             call.program = &text;
             const auto out = check_call(c, call);
             for (int64_t i = 0; i < out[0].count(); ++i) {
               require(out[0].whole(i) == i, "INDEX is not the row-major number");
             }
           }});
    }
  }
}

}  // namespace

void add_opcode_cases(Cases& cases) {
  add_opcodes(cases);
  add_where(cases);
  add_casts(cases);
  add_index(cases);
}

}  // namespace tenon::conform
