// Random programs: whole, one instruction at a time and cut in two they have the same bits, and the
// oracle's where every instruction is exact.
#include <algorithm>
#include <optional>

#include "opcodes.h"
#include "program_cases.h"

namespace tenon::conform {
namespace {

using Shape = std::vector<int64_t>;

constexpr uint32_t kFloats[] = {TN_DTYPE_F32, TN_DTYPE_F64, TN_DTYPE_F16, TN_DTYPE_BF16};
constexpr uint32_t kIntegers[] = {TN_DTYPE_I64, TN_DTYPE_I32, TN_DTYPE_I16, TN_DTYPE_I8,
                                  TN_DTYPE_U8};

// ---- making one --------------------------------------------------------------------------------

struct Plan {
  uint32_t dtype;
  int64_t instructions;
  bool exact;  // only instructions whose bits PROGRAM.md fixes
};

// Values of one dtype, joined by instructions of that dtype; now and then a comparison with the
// WHERE that uses it, or a CAST there and back.
class Maker {
 public:
  Maker(const Plan& plan, Random& random) : plan_(plan), random_(random) {}

  ProgramText make() {
    text_.inputs = static_cast<uint32_t>(1 + random_.below(3));
    const auto scalars = static_cast<size_t>(random_.below(3));
    text_.scalar_dtypes.assign(scalars, plan_.dtype);
    for (uint32_t i = 0; i < text_.inputs + scalars; ++i) values_.push_back(i);
    while (text_.instruction_count() < plan_.instructions) append();
    text_.outputs = {values_.back()};
    return text_;
  }

 private:
  uint32_t pick() {  // later values more often, so that programs are deep
    const auto n = static_cast<int64_t>(values_.size());
    return values_[static_cast<size_t>(std::max(random_.below(n), random_.below(n)))];
  }

  void append() {
    const bool room_for_two = text_.instruction_count() + 2 <= plan_.instructions;
    if (room_for_two && random_.below(5) == 0) {
      const uint32_t flag = text_.add(TN_PROGRAM_LT, plan_.dtype, pick(), pick());
      values_.push_back(text_.add(TN_PROGRAM_WHERE, plan_.dtype, flag, pick(), pick()));
    } else if (room_for_two && random_.below(6) == 0) {
      const uint32_t other = is_float(plan_.dtype) ? TN_DTYPE_F32 : TN_DTYPE_I64;
      const uint32_t wide = text_.add(TN_PROGRAM_CAST, other, pick());
      values_.push_back(text_.add(TN_PROGRAM_CAST, plan_.dtype, wide));
    } else {
      const Opcode& op = draw_opcode();
      const uint32_t a = pick(), b = op.operands > 1 ? pick() : 0, c = op.operands > 2 ? pick() : 0;
      values_.push_back(text_.add(op.code, plan_.dtype, a, b, c));
    }
  }

  const Opcode& draw_opcode() {
    while (true) {
      const auto all = opcodes();
      const Opcode& op = all[static_cast<size_t>(random_.below(static_cast<int64_t>(all.size())))];
      const bool fixed = op.ulps == 0 && !bound_of(op, plan_.dtype).zero_sign_is_free;
      if (covers(op, plan_.dtype) && !gives_bool(op) && (fixed || !plan_.exact)) return op;
    }
  }

  const Plan plan_;
  Random& random_;
  ProgramText text_;
  std::vector<uint32_t> values_;
};

Call make_call(const ProgramText& text, uint32_t dtype, const Shape& shape, Random& random) {
  Call call{TN_OP_PROGRAM, {dense(dtype, shape)}, {}};
  call.program = &text;
  for (uint32_t i = 0; i < text.inputs; ++i) {
    const Layout layout = kInputLayouts[static_cast<size_t>(random.below(6))];
    call.inputs.push_back(
        filled(dtype, shape, layout, random, i == 0 ? Values::kSmall : Values::kSpecial));
  }
  for (size_t i = 0; i < text.scalar_dtypes.size(); ++i) {
    call.scalars.push_back(is_float(dtype) ? slot(random.real(-3, 3)) : slot(random.below(5)));
  }
  return call;
}

// ---- running it in pieces ----------------------------------------------------------------------

uint32_t operand_count(uint32_t code) {
  if (code == TN_PROGRAM_WHERE) return 3;
  if (code == TN_PROGRAM_CAST) return 1;
  if (code == TN_PROGRAM_INDEX) return 0;
  for (const Opcode& op : opcodes()) {
    if (op.code == code) return op.operands;
  }
  throw Failure("no such opcode");
}

uint32_t result_dtype(uint32_t code, uint32_t dtype) {
  return code >= TN_PROGRAM_EQ && code <= TN_PROGRAM_ISNAN ? TN_DTYPE_BOOL : dtype;
}

// Instructions [first, last) of a program as one of their own. Values from before become inputs,
// what later instructions or the program's outputs need becomes outputs.
struct Piece {
  ProgramText text;
  std::vector<uint32_t> tensor_values;  // of the whole program, by input
  std::vector<uint32_t> scalar_values;
  std::vector<uint32_t> output_values;
};

class Cutter {
 public:
  explicit Cutter(const ProgramText& whole)
      : whole_(whole),
        first_result_(whole.inputs + static_cast<uint32_t>(whole.scalar_dtypes.size())) {}

  [[nodiscard]] Piece cut(uint32_t first, uint32_t last) const {
    Piece piece;
    collect_inputs(piece, first, last);
    piece.text.inputs = static_cast<uint32_t>(piece.tensor_values.size());
    for (const uint32_t value : piece.scalar_values) {
      piece.text.scalar_dtypes.push_back(whole_.scalar_dtypes[value - whole_.inputs]);
    }
    for (uint32_t i = first; i < last; ++i) copy_instruction(piece, first, i);
    for (uint32_t i = first; i < last; ++i) {
      if (!is_needed_after(first_result_ + i, last)) continue;
      piece.output_values.push_back(first_result_ + i);
      piece.text.outputs.push_back(number_in(piece, first, first_result_ + i));
    }
    return piece;
  }

  [[nodiscard]] uint32_t dtype_of(uint32_t value) const {
    const uint32_t word = whole_.words[4 * (value - first_result_)];
    return result_dtype(word & 0xffffu, word >> 16);
  }

 private:
  [[nodiscard]] const uint32_t* words(uint32_t i) const { return whole_.words.data() + 4 * i; }

  void collect_inputs(Piece& piece, uint32_t first, uint32_t last) const {
    for (uint32_t i = first; i < last; ++i) {
      for (uint32_t k = 0; k < operand_count(words(i)[0] & 0xffffu); ++k) {
        const uint32_t value = words(i)[1 + k];
        if (value >= first_result_ + first) continue;
        const bool scalar = value >= whole_.inputs && value < first_result_;
        auto& list = scalar ? piece.scalar_values : piece.tensor_values;
        if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
      }
    }
  }

  [[nodiscard]] uint32_t number_in(const Piece& piece, uint32_t first, uint32_t value) const {
    const auto inputs = static_cast<uint32_t>(piece.tensor_values.size());
    const auto scalars = static_cast<uint32_t>(piece.scalar_values.size());
    if (value >= first_result_ + first) return inputs + scalars + value - first_result_ - first;
    const bool scalar = value >= whole_.inputs && value < first_result_;
    const auto& list = scalar ? piece.scalar_values : piece.tensor_values;
    const auto at = std::find(list.begin(), list.end(), value) - list.begin();
    return static_cast<uint32_t>(at) + (scalar ? inputs : 0);
  }

  void copy_instruction(Piece& piece, uint32_t first, uint32_t i) const {
    uint32_t operands[3] = {};
    for (uint32_t k = 0; k < operand_count(words(i)[0] & 0xffffu); ++k) {
      operands[k] = number_in(piece, first, words(i)[1 + k]);
    }
    piece.text.add(words(i)[0] & 0xffffu, words(i)[0] >> 16, operands[0], operands[1], operands[2]);
  }

  [[nodiscard]] bool is_needed_after(uint32_t value, uint32_t last) const {
    if (std::count(whole_.outputs.begin(), whole_.outputs.end(), value) != 0) return true;
    for (uint32_t i = last; i < whole_.instruction_count(); ++i) {
      for (uint32_t k = 0; k < operand_count(words(i)[0] & 0xffffu); ++k) {
        if (words(i)[1 + k] == value) return true;
      }
    }
    return false;
  }

  const ProgramText& whole_;
  const uint32_t first_result_;
};

bool fits(const tn_device_info& info, const ProgramText& text) {
  return text.instruction_count() <= info.program_instructions &&
         text.inputs <= info.program_inputs && text.scalar_dtypes.size() <= info.program_scalars &&
         text.outputs.size() <= info.program_outputs;
}

// Runs the program in pieces that end at the given instructions; nothing when one does not fit the
// device's limits.
std::optional<Array> run_in_pieces(PluginHost& host, const Call& whole,
                                   const std::vector<uint32_t>& ends) {
  const Cutter cutter(*whole.program);
  std::vector<Array> values = whole.inputs;
  values.resize(whole.inputs.size() + whole.scalars.size() + whole.program->instruction_count());
  uint32_t first = 0;
  for (const uint32_t last : ends) {
    const Piece piece = cutter.cut(first, last);
    first = last;
    if (piece.text.outputs.empty()) continue;
    if (!fits(host.info, piece.text)) return std::nullopt;
    Call call{TN_OP_PROGRAM, {}, {}};
    call.program = &piece.text;
    for (const uint32_t value : piece.output_values) {
      call.outputs.push_back(dense(cutter.dtype_of(value), whole.outputs[0].shape));
    }
    for (const uint32_t value : piece.tensor_values) call.inputs.push_back(values[value]);
    for (const uint32_t value : piece.scalar_values) {
      call.scalars.push_back(whole.scalars[value - whole.program->inputs]);
    }
    Outcome out = run(host, call);
    require(out.status == TN_OK, "a piece of the program, within the limits: " + out.step +
                                     " answered " + status_name(out.status) + ": " + out.text);
    require(out.damage.empty(), out.damage);
    for (size_t i = 0; i < out.outputs.size(); ++i) {
      values[piece.output_values[i]] = std::move(out.outputs[i]);
    }
  }
  return values[whole.program->outputs[0]];
}

void require_same(const Array& a, const Array& b, const std::string& what) {
  const std::string wrong = difference(a, b, {});
  require(wrong.empty(), what + ": " + wrong);
}

std::string words_text(const ProgramText& text) {
  std::string all;
  for (size_t i = 0; i < text.words.size(); ++i) {
    all += (i % 4 == 0 ? " | " : " ") +
           std::to_string(i % 4 == 0 ? text.words[i] & 0xffffu : text.words[i]);
  }
  return " (inputs " + std::to_string(text.inputs) + ", scalars " +
         std::to_string(text.scalar_dtypes.size()) + all + ")";
}

void check_program(Context& c, const Plan& plan) {
  PluginHost& host = c.subject();
  if (!host.computes(plan.dtype)) throw Skip("not a dtype the device computes");
  const ProgramText text = Maker(plan, c.random()).make();
  const Call call = make_call(text, plan.dtype, {3, 70}, c.random());
  const uint32_t n = text.instruction_count();
  std::vector<uint32_t> each;
  for (uint32_t i = 1; i <= n; ++i) each.push_back(i);
  const std::optional<Array> single = run_in_pieces(host, call, each);
  if (!single) throw Skip("an instruction of three operands is beyond the limits");
  const std::string words = words_text(text);
  if (fits(host.info, text)) {
    const Outcome whole = run(host, call);
    require(whole.status == TN_OK, "a program within the limits: " + whole.step + " answered " +
                                       status_name(whole.status) + ": " + whole.text + words);
    require(whole.damage.empty(), whole.damage);
    require_same(*single, whole.outputs[0],
                 "the whole program and its instructions differ" + words);
  }
  for (uint32_t at = 1; at < n; ++at) {
    const auto halves = run_in_pieces(host, call, {at, n});
    if (halves) {
      require_same(*single, *halves, "cut behind instruction " + std::to_string(at) + words);
    }
  }
  if (!plan.exact) return;
  const Outcome expected = run(c.oracle(), call);
  require(expected.status == TN_OK, "the oracle: " + expected.text);
  require_same(expected.outputs[0], *single, "not the oracle's" + words);
}

}  // namespace

void add_random_programs(Cases& cases) {
  const auto add = [&](uint32_t dtype, bool exact, int64_t count) {
    for (int64_t instructions = 1; instructions <= 8; ++instructions) {
      for (int64_t k = 0; k < count; ++k) {
        const Plan plan{dtype, instructions, exact};
        cases.push_back({program_name(exact ? "exact" : "split", dtype_name(dtype),
                                      std::to_string(instructions) + "_long", std::to_string(k)),
                         [=](Context& c) { check_program(c, plan); }});
      }
    }
  };
  for (const uint32_t dtype : kFloats) {
    add(dtype, true, 8);
    add(dtype, false, 12);
  }
  for (const uint32_t dtype : kIntegers) add(dtype, true, 10);
}

}  // namespace tenon::conform
