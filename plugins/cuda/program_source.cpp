#include "program_source.h"

#include <algorithm>
#include <cstring>

#include "device/opcodes.h"

namespace tenon::cuda {
namespace {

constexpr const char* kElementTypes[] = {"?",        "Bool",    "uint8_t", "int8_t",
                                         "int16_t",  "int32_t", "int64_t", "Half",
                                         "BFloat16", "float",   "double"};

const char* element_type(uint32_t dtype) { return kElementTypes[dtype]; }

const char* class_type(uint32_t dtype) {
  return dtype == kF64 ? "double" : dtype >= kF16 ? "float" : "int64_t";
}

uint32_t size_of(uint32_t dtype) { return static_cast<uint32_t>(tnr_size(dtype)); }

std::string number(uint64_t x) { return std::to_string(x); }

uint32_t operand_dtype(const ProgramCode& code, size_t operand) {
  return operand < code.output_count ? code.dtypes[code.outputs[operand]]
                                     : code.dtypes[operand - code.output_count];
}

size_t operand_count(const ProgramCode& code) {
  return size_t{code.output_count} + code.input_count;
}

// Rough instructions of the GPU for one element.
uint32_t weight_of(uint32_t opcode, uint32_t dtype) {
  const bool whole = dtype < kF16;
  uint32_t weight = 1;
  if (opcode == kPow || opcode == kRem || opcode == kAtan2) {
    weight = 80;
  } else if (opcode == kDiv || (opcode >= kSqrt && opcode <= kRecip)) {
    weight = whole ? 60 : 12;
  } else if (opcode >= kExp && opcode <= kExp2) {
    weight = 40;
  } else if (whole) {
    weight = 2;
  }
  if (dtype == kF16 || dtype == kBF16) weight += 2;
  return dtype == kF64 ? 2 * weight : weight;
}

uint32_t weight_of(const ProgramCode& code) {
  uint32_t weight = 0;
  for (uint32_t i = 0; i < code.instruction_count; ++i) {
    weight += weight_of(code.steps[i][0], code.steps[i][1]);
  }
  return weight;
}

// ---- layouts ----

bool rows_of(const ProgramCode& code, const Space& space, std::span<const uint64_t> addresses,
             uint32_t elements) {
  const auto last = static_cast<size_t>(space.rank - 1);
  const int64_t n = elements;
  if (space.rank > 1 && space.shape[last] % n != 0) return false;
  for (size_t k = 0; k < operand_count(code); ++k) {
    if (space.strides[k][last] == 0) continue;
    if (addresses[k] % (elements * size_of(operand_dtype(code, k))) != 0) return false;
    for (size_t d = 0; d < last; ++d) {
      if (space.strides[k][d] % n != 0) return false;
    }
  }
  return true;
}

// A thread has about 64 bytes of its inputs on their way at once, and not too much code.
uint32_t vectors_of(const ProgramCode& code, const ProgramLayout& layout, uint32_t full) {
  uint32_t loads = 0;
  for (size_t k = code.output_count; k < operand_count(code); ++k) loads += layout.dense >> k & 1u;
  uint32_t vectors = loads <= 1 ? 4 : loads <= 3 ? 2 : 1;
  if (layout.elements < full) vectors = 4;
  const uint32_t weight = weight_of(code) * layout.elements;
  while (vectors > 1 && weight * vectors > 1600) vectors /= 2;
  return vectors;
}

// ---- text ----

class Writer {
 public:
  Writer(const ProgramCode& code, const ProgramLayout& layout, const std::string& name)
      : code_(code), layout_(layout), name_(name) {}

  std::string write() {
    line("namespace tenon::cuda {");
    line("namespace " + name_ + "_parts {");
    line("struct Program {");
    constants();
    inputs();
    line("  const FlatParams& p;");
    line("  const Params& all;");
    for (uint32_t i = 0; i < code_.scalar_count; ++i) {
      line("  " + class_of(scalar(i)) + " " + value(scalar(i)) + ";");
    }
    constructor();
    place();
    load();
    element();
    run();
    line("};");
    line("TENON_DEVICE inline void run(const Program::Params& params) {");
    line(std::string("  run_program(Program(params), params.") +
         (layout_.flat != 0 ? "count" : "flat.count") + ", block_x(), thread_x());");
    line("}");
    line("}");
    line("TENON_KERNEL(" + name_ + ", " + number(kProgramThreads) + ", " + name_ +
         "_parts::Program::Params, " + name_ + "_parts::run)");
    line("}");
    return std::move(text_);
  }

 private:
  void line(const std::string& text) { text_ += text + "\n"; }
  static std::string value(uint32_t i) { return "v" + number(i); }
  [[nodiscard]] uint32_t scalar(uint32_t i) const { return code_.input_count + i; }
  [[nodiscard]] std::string class_of(uint32_t v) const { return class_type(code_.dtypes[v]); }
  [[nodiscard]] bool dense(size_t operand) const { return (layout_.dense >> operand & 1u) != 0; }
  // Elements of an operand in a vector of n.
  [[nodiscard]] std::string width(size_t operand) const {
    return layout_.elements == 1 ? "1" : dense(operand) ? "n" : "1";
  }
  [[nodiscard]] std::string offset(size_t operand) const {
    if (layout_.flat == 0) return "at.offsets[" + number(operand) + "]";
    return dense(operand) ? "at.number" : "0";
  }
  [[nodiscard]] std::string pack(size_t operand) const {
    return std::string(element_type(operand_dtype(code_, operand))) + ", " + width(operand);
  }

  void constants() {
    const std::string operands = number(operand_count(code_));
    const std::string index = layout_.wide != 0 ? "int64_t" : "int32_t";
    line(std::string("  using Params = ") + (layout_.flat != 0 ? "FlatParams;" : "WalkParams;"));
    line("  using Place = " + (layout_.flat != 0 ? std::string("FlatPlace;")
                                                 : "WalkPlace<" + operands + ", " + index + ">;"));
    line("  static constexpr int kElements = " + number(layout_.elements) +
         ", kVectors = " + number(layout_.vectors) + ";");
  }

  void inputs() {
    line("  template <int n>");
    line("  struct Inputs {");
    for (uint32_t i = 0; i < code_.input_count; ++i) {
      line("    Pack<" + pack(code_.output_count + i) + "> i" + number(i) + ";");
    }
    line("  };");
  }

  void constructor() {
    line(std::string("  TENON_HD explicit Program(const Params& params) : p(params") +
         (layout_.flat != 0 ? "" : ".flat") + "), all(params) {");
    for (uint32_t i = 0; i < code_.scalar_count; ++i) {
      line("    " + value(scalar(i)) + " = scalar_value<" + class_of(scalar(i)) + ">(p.scalars[" +
           number(i) + "]);");
    }
    line("  }");
  }

  void place() {
    line("  TENON_HD Place place(int64_t number) const {");
    if (layout_.flat != 0) {
      line("    return {number};");
    } else {
      line("    return walk<" + number(layout_.rank) + ", " + number(operand_count(code_)) + ", " +
           (layout_.wide != 0 ? "int64_t" : "int32_t") + ">(all, number);");
    }
    line("  }");
  }

  void load() {
    line("  template <int n>");
    line("  TENON_HD Inputs<n> load([[maybe_unused]] const Place& at) const {");
    line("    Inputs<n> in;");
    for (uint32_t i = 0; i < code_.input_count; ++i) {
      const size_t operand = code_.output_count + i;
      line("    in.i" + number(i) + " = load_pack<" + pack(operand) + ">(p.data[" +
           number(operand) + "], " + offset(operand) + ");");
    }
    line("    return in;");
    line("  }");
  }

  // The values of one element: what the program says.
  void element() {
    line("  struct Results {");
    for (uint32_t i = 0; i < code_.output_count; ++i) {
      line(std::string("    ") + element_type(operand_dtype(code_, i)) + " r" + number(i) + ";");
    }
    line("  };");
    std::string parameters = "[[maybe_unused]] int64_t number";
    for (uint32_t i = 0; i < code_.input_count; ++i) {
      parameters += ", [[maybe_unused]] " + class_of(i) + " " + value(i);
    }
    // A long program is called, not copied, for each element of a vector.
    const bool called = weight_of(code_) * layout_.elements > 3000;
    line(std::string("  TENON_HD ") + (called ? "TENON_CALLED " : "") + "Results element(" +
         parameters + ") const {");
    for (uint32_t k = 0; k < code_.instruction_count; ++k) instruction(k);
    std::string results;
    for (uint32_t i = 0; i < code_.output_count; ++i) {
      const uint32_t v = code_.outputs[i];
      results += i == 0 ? "" : ", ";
      results += rounds(v) ? "e" + number(v)
                           : std::string("element_of<") + element_type(code_.dtypes[v]) + ">(" +
                                 value(v) + ")";
    }
    line("    return {" + results + "};");
    line("  }");
  }

  // The value is computed in f32 and rounded to 16 bits: what is stored is the rounded element.
  [[nodiscard]] bool rounds(uint32_t v) const {
    const uint32_t first = code_.input_count + code_.scalar_count;
    if (v < first || (code_.dtypes[v] != kF16 && code_.dtypes[v] != kBF16)) return false;
    const uint32_t opcode = code_.steps[v - first][0];
    return opcode != kCast && opcode != kWhere;
  }

  void instruction(uint32_t k) {
    const uint8_t* step = code_.steps[k];
    const uint32_t opcode = step[0], dtype = step[1];
    const uint32_t to = code_.input_count + code_.scalar_count + k;
    const uint32_t arity = tnr_opcode_rule(opcode) & 3u;
    const auto operand = [&](uint32_t i) { return i < arity ? value(step[2 + i]) : "0"; };
    const std::string type = element_type(dtype);
    std::string what;
    if (opcode == kIndex) {
      what = "number";
    } else if (opcode == kCast) {
      what = "cast<" + type + ", " + element_type(code_.dtypes[step[2]]) + ">(" + operand(0) + ")";
    } else if (opcode == kWhere) {
      what = operand(0) + " != 0 ? " + operand(1) + " : " + operand(2);
    } else if (compares(opcode)) {
      what = "comparison<" + number(opcode) + ", " + type + ">(" + operand(0) + ", " + operand(1) +
             ")";
    } else if (rounds(to)) {
      line("    const " + type + " e" + number(to) + " = element_of<" + type +
           ">(real_instruction<" + number(opcode) + ", float>(" + operand(0) + ", " + operand(1) +
           ", " + operand(2) + "));");
      what = "value_of(e" + number(to) + ")";
    } else {
      what = "instruction<" + number(opcode) + ", " + type + ">(" + operand(0) + ", " + operand(1) +
             ", " + operand(2) + ")";
    }
    line("    [[maybe_unused]] const " + class_of(to) + " " + value(to) + " = " + what + ";");
  }

  void run() {
    line("  template <int n>");
    line("  TENON_HD void run(const Place& at, [[maybe_unused]] const Inputs<n>& in) const {");
    for (uint32_t i = 0; i < code_.output_count; ++i) {
      line("    Pack<" + pack(i) + "> o" + number(i) + ";");
    }
    line("    TENON_UNROLL");
    line("    for (int j = 0; j < n; ++j) {");
    std::string arguments = "at.number + j";
    for (uint32_t i = 0; i < code_.input_count; ++i) {
      const bool moves = width(code_.output_count + i) == "n";
      arguments += ", value_of(in.i" + number(i) + ".e[" + (moves ? "j" : "0") + "])";
    }
    line("      const Results results = element(" + arguments + ");");
    for (uint32_t i = 0; i < code_.output_count; ++i) {
      line("      o" + number(i) + ".e[" + (width(i) == "n" ? "j" : "0") + "] = results.r" +
           number(i) + ";");
    }
    line("    }");
    for (uint32_t i = 0; i < code_.output_count; ++i) {
      line("    store_pack<" + pack(i) + ">(p.data[" + number(i) + "], " + offset(i) + ", o" +
           number(i) + ");");
    }
    line("  }");
  }

  const ProgramCode& code_;
  const ProgramLayout& layout_;
  const std::string& name_;
  std::string text_;
};

}  // namespace

ProgramCode program_code(const tnr_program& p) {
  ProgramCode code{};
  code.input_count = p.input_count;
  code.scalar_count = p.scalar_count;
  code.instruction_count = p.instruction_count;
  code.output_count = p.output_count;
  const uint32_t values = p.input_count + p.scalar_count + p.instruction_count;
  for (uint32_t i = 0; i < values; ++i) code.dtypes[i] = static_cast<uint8_t>(p.dtypes[i]);
  for (uint32_t i = 0; i < p.output_count; ++i)
    code.outputs[i] = static_cast<uint8_t>(p.outputs[i]);
  for (uint32_t i = 0; i < p.instruction_count; ++i) {
    const uint32_t* word = p.instructions[i];
    uint8_t* step = code.steps[i];
    step[0] = static_cast<uint8_t>(word[0] & 0xffffu);
    step[1] = static_cast<uint8_t>(word[0] >> 16);
    for (uint32_t k = 1; k < 4; ++k) step[1 + k] = static_cast<uint8_t>(word[k]);
  }
  return code;
}

uint64_t scalar_bits(uint32_t dtype, uint64_t slot) {
  uint64_t bits = 0;
  visit_dtype(dtype, [&](auto element) {
    const auto value = scalar_of<decltype(element)>(slot);
    std::memcpy(&bits, &value, sizeof value);
  });
  return bits;
}

void fill_walk(WalkParams& p, const Space& space) {
  std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
  std::memcpy(p.strides, space.strides.data(), sizeof p.strides);
  for (size_t d = 0; d < static_cast<size_t>(space.rank); ++d) {
    if (space.shape[d] < kSmall) p.divisors[d] = divisor_of(static_cast<uint32_t>(p.shape[d]));
  }
}

ProgramLayout layout_of(const ProgramCode& code, const Space& space,
                        std::span<const uint64_t> addresses, uint32_t vectors) {
  const size_t operands = operand_count(code);
  const auto last = static_cast<size_t>(space.rank - 1);
  ProgramLayout layout;
  layout.rank = static_cast<uint8_t>(space.rank);
  uint32_t widest = 1;
  bool rows = true;
  for (size_t k = 0; k < operands; ++k) {
    widest = std::max(widest, size_of(operand_dtype(code, k)));
    const int64_t stride = space.strides[k][last];
    rows = rows && (stride == 1 || (stride == 0 && k >= code.output_count));
    if (stride == 1) layout.dense = static_cast<uint16_t>(layout.dense | 1u << k);
  }
  const uint32_t full = 16 / widest;
  uint32_t elements = rows ? full : 1;
  while (elements > 1 && !rows_of(code, space, addresses, elements)) elements /= 2;
  layout.elements = static_cast<uint8_t>(elements);
  layout.flat = rows && space.rank == 1 ? 1 : 0;
  layout.vectors = static_cast<uint8_t>(vectors != 0 ? vectors : vectors_of(code, layout, full));
  if (layout.flat == 0) layout.wide = space.reach(operands) >= kSmall ? 1 : 0;
  if (layout.flat == 0 && elements == 1) layout.dense = 0;
  return layout;
}

void unit_strides(Space& space, size_t operands) {
  if (space.count != 1) return;
  for (size_t k = 0; k < operands; ++k) space.strides[k][0] = 1;
}

std::string program_prelude() {
  return "#include \"device/opcodes.h\"\n"
         "#include \"device/pointwise.h\"\n"
         "#include \"device/simt.h\"\n"
         "#if defined(__CUDACC__)\n"
         "#define TENON_CALLED __noinline__\n"
         "#else\n"
         "#define TENON_CALLED\n"
         "#endif\n";
}

std::string program_text(const ProgramCode& code, const ProgramLayout& layout,
                         const std::string& name) {
  return Writer(code, layout, name).write();
}

std::vector<std::string> program_options(int capability) {
  return {"--gpu-architecture=sm_" + std::to_string(capability),
          "--std=c++20",
          "--fmad=false",
          "--ftz=false",
          "--prec-div=true",
          "--prec-sqrt=true"};
}

}  // namespace tenon::cuda
