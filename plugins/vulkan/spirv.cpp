#include "spirv.h"

#include <tenon/api/plugin.hpp>

#include <algorithm>
#include <cstring>
#include <set>

namespace tenon::vulkan::spirv {
namespace {

constexpr size_t kHeader = 5, kBoundWord = 3;

// Opcodes of the SPIR-V specification, section 3.32.
enum Opcode : uint32_t {
  kName = 5,
  kEntryPoint = 15,
  kExecutionMode = 16,
  kCapability = 17,
  kTypeFirst = 19,
  kTypeInt = 21,
  kTypeLast = 38,
  kForwardPointer = 39,
  kConstantFirst = 41,
  kConstant = 43,
  kConstantLast = 52,
  kFunction = 54,
  kParameter = 55,
  kFunctionEnd = 56,
  kCall = 57,
  kVariable = 59,
  kDecorate = 71,
  kMemberDecorate = 72,
  kFNegate = 127,
  kIAdd = 128,
  kFAdd = 129,
  kISub = 130,
  kFSub = 131,
  kIMul = 132,
  kFMul = 133,
  kUDiv = 134,
  kFDiv = 136,
  kFRem = 140,
  kFMod = 141,
  kLabel = 248,
  kReturn = 253,
};

constexpr uint32_t kFloat64 = 10;                                             // capability
constexpr uint32_t kDenormPreserve = 4459, kSignedZeroInfNanPreserve = 4461;  // modes
constexpr uint32_t kModeToCapability = 5;  // their capabilities are numbered so much higher
constexpr uint32_t kNoContraction = 42;    // decoration

uint32_t head(uint32_t opcode, size_t words) { return opcode | static_cast<uint32_t>(words) << 16; }

struct Instruction {
  uint32_t opcode;
  size_t at;
  size_t words;
};

// Calls f(instruction) for those in [begin, end).
template <class F>
void each(std::span<const uint32_t> code, size_t begin, size_t end, F f) {
  for (size_t at = begin; at < end;) {
    const size_t words = code[at] >> 16;
    if (words == 0 || at + words > end) {
      throw plugin::Status(TN_INTERNAL, "a SPIR-V module is cut short");
    }
    f(Instruction{code[at] & 0xffff, at, words});
    at += words;
  }
}

bool is_float_operation(uint32_t opcode) {
  return opcode == kFNegate || opcode == kFAdd || opcode == kFSub || opcode == kFMul ||
         opcode == kFDiv || opcode == kFRem || opcode == kFMod;
}

// Id that an instruction outside functions defines; 0: none.
uint32_t result_of(std::span<const uint32_t> code, const Instruction& i) {
  if (i.opcode >= kTypeFirst && i.opcode <= kTypeLast) return code[i.at + 1];
  const bool typed = (i.opcode >= kConstantFirst && i.opcode <= kConstantLast) ||
                     i.opcode == kVariable || i.opcode == 1;
  return typed ? code[i.at + 2] : 0;
}

std::string text_at(std::span<const uint32_t> code, size_t at, size_t words) {
  const auto* chars = reinterpret_cast<const char*>(code.data() + at);
  return {chars, strnlen(chars, 4 * words)};
}

}  // namespace

void state_float_controls(std::vector<uint32_t>& code, const Features& features) {
  std::vector<uint32_t> capabilities, modes, decorations;
  uint32_t main = 0;
  bool has_f64 = false;
  size_t after_capabilities = kHeader, after_modes = kHeader, before_types = 0;
  each(code, kHeader, code.size(), [&](const Instruction& i) {
    if (i.opcode == kCapability) {
      has_f64 = has_f64 || code[i.at + 1] == kFloat64;
      after_capabilities = i.at + i.words;
    } else if (i.opcode == kEntryPoint) {
      main = code[i.at + 2];
      after_modes = i.at + i.words;
    } else if (i.opcode == kExecutionMode) {
      after_modes = i.at + i.words;
    } else if (before_types == 0 && i.opcode >= kTypeFirst && i.opcode <= kForwardPointer) {
      before_types = i.at;
    } else if (is_float_operation(i.opcode)) {
      decorations.insert(decorations.end(), {head(kDecorate, 3), code[i.at + 2], kNoContraction});
    }
  });
  const auto ask = [&](uint32_t mode, uint32_t width) {
    const uint32_t capability = mode + kModeToCapability;
    if (std::ranges::find(capabilities, capability) == capabilities.end()) {
      capabilities.insert(capabilities.end(), {head(kCapability, 2), capability});
    }
    modes.insert(modes.end(), {head(kExecutionMode, 4), main, mode, width});
  };
  if (features.keeps_nan) ask(kSignedZeroInfNanPreserve, 32);
  if (features.keeps_nan_f64 && has_f64) ask(kSignedZeroInfNanPreserve, 64);
  if (features.keeps_denormal) ask(kDenormPreserve, 32);

  std::vector<uint32_t> out(code.begin(),
                            code.begin() + static_cast<ptrdiff_t>(after_capabilities));
  const auto copy = [&](size_t begin, size_t end) {
    out.insert(out.end(), code.begin() + static_cast<ptrdiff_t>(begin),
               code.begin() + static_cast<ptrdiff_t>(end));
  };
  out.insert(out.end(), capabilities.begin(), capabilities.end());
  copy(after_capabilities, after_modes);
  out.insert(out.end(), modes.begin(), modes.end());
  copy(after_modes, before_types);
  out.insert(out.end(), decorations.begin(), decorations.end());
  copy(before_types, code.size());
  code = std::move(out);
}

// ---- Library -----------------------------------------------------------------------------------

Library::Library(std::span<const uint32_t> code) : code_(code) {
  read_globals();
  read_functions();
}

void Library::read_globals() {
  globals_end_ = code_.size();
  each(code_, kHeader, code_.size(), [&](const Instruction& i) {
    if (i.opcode == kFunction && globals_end_ == code_.size()) globals_end_ = i.at;
    if (i.opcode == kName) names_[code_[i.at + 1]] = text_at(code_, i.at + 2, i.words - 2);
    if (i.opcode == kTypeInt && code_[i.at + 2] == 32) {
      (code_[i.at + 3] == 0 ? uint_type_ : int_type_) = code_[i.at + 1];
    }
    if (i.opcode == kTypeInt && code_[i.at + 2] == 64 && code_[i.at + 3] == 1) {
      long_type_ = code_[i.at + 1];
    }
  });
}

void Library::read_functions() {
  Function f{};
  each(code_, globals_end_, code_.size(), [&](const Instruction& i) {
    if (i.opcode == kFunction) {
      f = {code_[i.at + 2], code_[i.at + 1], i.at, 0, 0, 0, {}};
    } else if (i.opcode == kParameter && f.first_parameter == 0) {
      f.first_parameter = code_[i.at + 2];
    } else if (i.opcode == kLabel && f.body == 0) {
      f.body = i.at + i.words;
    } else if (i.opcode == kCall) {
      f.callees.push_back(code_[i.at + 3]);
    } else if (i.opcode == kFunctionEnd) {
      f.end = i.at + i.words;
      const std::string& name = names_[f.id];  // "exp_f(f1;"
      ids_[name.substr(0, name.find('('))] = f.id;
      functions_[f.id] = f;
    }
  });
}

const Library::Function& Library::function(std::string_view name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end()) {
    throw plugin::Status(TN_INTERNAL, "the shader library has no function " + std::string(name));
  }
  return functions_.at(found->second);
}

// ---- Program -----------------------------------------------------------------------------------

Program::Program(const Library& library)
    : library_(library), element_(library.function("element")), bound_(library.code_[kBoundWord]) {}

uint32_t Program::define(uint32_t type, std::span<const uint32_t> words) {
  std::vector<uint32_t> key{type};
  key.insert(key.end(), words.begin(), words.end());
  const auto [found, is_new] = known_.try_emplace(key, bound_);
  if (is_new) {
    ++bound_;
    constants_.insert(constants_.end(), {head(kConstant, words.size() + 3), type, found->second});
    constants_.insert(constants_.end(), words.begin(), words.end());
  }
  return found->second;
}

uint32_t Program::constant(uint32_t value) { return define(library_.uint_type_, {&value, 1}); }

uint32_t Program::constant_int(int32_t value) {
  const auto word = static_cast<uint32_t>(value);
  return define(library_.int_type_, {&word, 1});
}

uint32_t Program::constant_long(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  const uint32_t words[] = {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
  return define(library_.long_type_, words);
}

uint32_t Program::operate(uint32_t opcode, uint32_t type, std::span<const uint32_t> operands) {
  const uint32_t result = bound_++;
  body_.insert(body_.end(), {head(opcode, operands.size() + 3), type, result});
  body_.insert(body_.end(), operands.begin(), operands.end());
  return result;
}

uint32_t Program::call(std::string_view name, std::span<const uint32_t> arguments) {
  const Library::Function& f = library_.function(name);
  callees_.push_back(f.id);
  std::vector<uint32_t> operands{f.id};
  operands.insert(operands.end(), arguments.begin(), arguments.end());
  return operate(kCall, f.type, operands);
}

uint32_t Program::add(uint32_t a, uint32_t b) {
  return operate(kIAdd, library_.uint_type_, std::initializer_list<uint32_t>{a, b});
}
uint32_t Program::subtract(uint32_t a, uint32_t b) {
  return operate(kISub, library_.uint_type_, std::initializer_list<uint32_t>{a, b});
}
uint32_t Program::multiply(uint32_t a, uint32_t b) {
  return operate(kIMul, library_.uint_type_, std::initializer_list<uint32_t>{a, b});
}
uint32_t Program::divide(uint32_t a, uint32_t b) {
  return operate(kUDiv, library_.uint_type_, std::initializer_list<uint32_t>{a, b});
}

// Functions that main() reaches with the new body of element().
std::map<uint32_t, bool> Program::reachable() const {
  std::map<uint32_t, bool> live;
  std::vector<uint32_t> open{library_.function("main").id};
  while (!open.empty()) {
    const uint32_t id = open.back();
    open.pop_back();
    if (!live.emplace(id, true).second) continue;
    const auto& callees = id == element_.id ? callees_ : library_.functions_.at(id).callees;
    open.insert(open.end(), callees.begin(), callees.end());
  }
  return live;
}

std::vector<uint32_t> Program::finish() const {
  const auto code = library_.code_;
  const auto live_functions = reachable();

  // Functions, and which ids they may name: every word counts as one, so a few too many are kept.
  std::vector<uint32_t> functions;
  std::set<uint32_t> named;
  for (const auto& [id, f] : library_.functions_) {
    if (!live_functions.contains(id)) continue;
    const size_t end = id == element_.id ? f.body : f.end;
    functions.insert(functions.end(), code.begin() + static_cast<ptrdiff_t>(f.begin),
                     code.begin() + static_cast<ptrdiff_t>(end));
    if (id != element_.id) continue;
    functions.insert(functions.end(), body_.begin(), body_.end());
    functions.insert(functions.end(), {head(kReturn, 1), head(kFunctionEnd, 1)});
  }
  named.insert(functions.begin(), functions.end());
  for (size_t i = 0; i < constants_.size(); i += constants_[i] >> 16) {
    named.insert(constants_[i + 1]);
  }

  std::vector<Instruction> globals;
  each(code, kHeader, library_.globals_end_, [&](const Instruction& i) {
    globals.push_back(i);
    if (i.opcode == kEntryPoint) {
      named.insert(code.begin() + static_cast<ptrdiff_t>(i.at),
                   code.begin() + static_cast<ptrdiff_t>(i.at + i.words));
    }
  });
  std::set<uint32_t> kept;  // ids defined outside functions
  for (size_t n = globals.size(); n-- > 0;) {
    const Instruction& i = globals[n];
    const uint32_t id = result_of(code, i);
    if (id == 0 || !named.contains(id)) continue;
    kept.insert(id);
    named.insert(code.begin() + static_cast<ptrdiff_t>(i.at),
                 code.begin() + static_cast<ptrdiff_t>(i.at + i.words));
  }

  std::vector<uint32_t> out(code.begin(), code.begin() + kHeader);
  out[kBoundWord] = bound_;
  for (const Instruction& i : globals) {
    const uint32_t id = result_of(code, i);
    bool keep = id == 0 || kept.contains(id);
    if (i.opcode >= 2 && i.opcode <= 8) keep = false;  // source and names
    if (i.opcode == kDecorate || i.opcode == kMemberDecorate || i.opcode == kForwardPointer) {
      keep = kept.contains(code[i.at + 1]);
    }
    if (!keep) continue;
    out.insert(out.end(), code.begin() + static_cast<ptrdiff_t>(i.at),
               code.begin() + static_cast<ptrdiff_t>(i.at + i.words));
  }
  out.insert(out.end(), constants_.begin(), constants_.end());
  out.insert(out.end(), functions.begin(), functions.end());
  return out;
}

}  // namespace tenon::vulkan::spirv
