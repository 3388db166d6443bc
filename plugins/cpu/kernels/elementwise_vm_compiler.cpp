// From a checked program to steps of the register machine.
#include <algorithm>
#include <array>

#include "elementwise_program.h"
#include "elementwise_vm_program.h"

namespace tenon::cpu {
namespace {

bool is_vm_dtype(uint32_t dtype) { return dtype == TN_DTYPE_F32 || dtype == TN_DTYPE_BOOL; }

struct Instruction {
  uint32_t opcode;
  uint32_t dtype;
  uint32_t count;  // operands
  uint32_t operands[3];
};

Instruction instruction_at(const tn_program& p, uint32_t i) {
  const uint32_t* w = p.instructions + 4 * i;
  const uint32_t opcode = w[0] & 0xffffu;
  return {opcode, w[0] >> 16, operand_count(opcode), {w[1], w[2], w[3]}};
}

}  // namespace

class VmCompiler {
 public:
  VmCompiler(const tn_program& p, const uint32_t* inputs, const VmKernels& vm)
      : p_(p), vm_(vm), dtypes_(value_dtypes(p, inputs)), fixed_(p.input_count + p.scalar_count) {
    last_use_.fill(-1);
    place_.fill(kNowhere);
    for (uint32_t v = 0; v < p.input_count; ++v) {
      if (dtypes_[v] == TN_DTYPE_F32) place_[v] = v;
    }
    for (uint32_t s = 0; s < p.scalar_count; ++s) {
      place_[p.input_count + s] = p.input_count + p.output_count + s;
    }
    first_scratch_ = p.input_count + p.output_count + p.scalar_count;
  }

  bool compile() {
    for (uint32_t i = 0; i < p_.instruction_count; ++i) {
      const Instruction in = instruction_at(p_, i);
      for (uint32_t k = 0; k < in.count; ++k) last_use_[in.operands[k]] = static_cast<int>(i);
    }
    for (uint32_t v = 0; v < p_.input_count; ++v) {
      inputs_done_ = std::max(inputs_done_, last_use_[v]);
    }
    for (uint32_t o = 0; o < p_.output_count; ++o) {
      last_use_[p_.outputs[o]] = static_cast<int>(p_.instruction_count);
    }
    preload();
    for (uint32_t i = 0; i < p_.instruction_count; ++i) {
      if (!emit(i)) return false;
    }
    for (uint32_t o = 0; o < p_.output_count; ++o) {
      if (!stored_[o]) emit_late_store(o);
    }
    add(vm_.end, 0, 0);
    return first_scratch_ + slots_ <= kVmOperands;
  }

  std::vector<VmStep> steps;
  std::vector<uint32_t> float_stores;  // steps that store f32 to an output
  [[nodiscard]] uint32_t slots() const { return slots_; }

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;

  void add(const VmFunctions& f, uint32_t first, uint32_t second) {
    steps.push_back({f.wide, f.narrow, first, second});
  }

  uint32_t take_slot() {
    if (free_.empty()) free_.push_back(first_scratch_ + slots_++);
    const uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void load_value(uint32_t v) {
    if (place_[v] != kNowhere) {
      add(vm_.load, place_[v], 0);
    } else {
      add(vm_.load_bool, v, 0);
    }
    held_ = v;
  }

  void spill(uint32_t v) {
    place_[v] = take_slot();
    add(vm_.spill, place_[v], 0);
  }

  // Bool tensors that some step reads from memory, and inputs that are outputs beside others, are
  // brought to scratch first.
  void preload() {
    for (uint32_t v = 0; v < p_.input_count; ++v) {
      const bool passes =
          p_.output_count > 1 && last_use_[v] == static_cast<int>(p_.instruction_count);
      if (!passes && (dtypes_[v] != TN_DTYPE_BOOL || !is_read_from_memory(v))) continue;
      load_value(v);
      spill(v);
    }
  }

  [[nodiscard]] bool is_read_from_memory(uint32_t v) const {
    for (uint32_t i = 0; i < p_.instruction_count; ++i) {
      const Instruction in = instruction_at(p_, i);
      for (uint32_t k = 0; k < in.count; ++k) {
        if (in.operands[k] == v && (k > 0 || in.count == 2)) return true;
      }
    }
    return false;
  }

  // Whether instruction j can take v from the registers.
  [[nodiscard]] bool takes_register(uint32_t j, uint32_t v) const {
    if (j >= p_.instruction_count) return false;
    const Instruction in = instruction_at(p_, j);
    uint32_t uses = 0;
    for (uint32_t k = 0; k < in.count; ++k) uses += in.operands[k] == v ? 1 : 0;
    if (uses != 1) return false;
    if (in.count < 3) return true;
    return in.operands[0] == v || (in.opcode == TN_PROGRAM_FMA && in.operands[1] == v);
  }

  [[nodiscard]] const VmFunctions* find(const Instruction& in, VmForm form) const {
    const bool is_bool = in.dtype == TN_DTYPE_BOOL;
    if (in.opcode == TN_PROGRAM_CAST) {
      return nullptr;
    }
    const VmFunctions& f = is_bool ? vm_.op_bool[in.opcode][form] : vm_.op[in.opcode][form];
    return f.wide == nullptr ? nullptr : &f;
  }

  bool emit(uint32_t i) {
    Instruction in = instruction_at(p_, i);
    if (!is_vm_dtype(in.dtype) || in.opcode == TN_PROGRAM_INDEX) return false;
    const bool good = in.count == 1   ? emit_unary(in)
                      : in.count == 2 ? emit_binary(in)
                                      : emit_ternary(in);
    if (!good) return false;
    const uint32_t v = fixed_ + i;
    held_ = v;
    release_operands(in, static_cast<int>(i));
    store_outputs(v, static_cast<int>(i));
    if (needs_memory(v, i)) spill(v);
    return true;
  }

  bool emit_unary(const Instruction& in) {
    const uint32_t from = dtypes_[in.operands[0]];
    if (held_ != in.operands[0]) load_value(in.operands[0]);
    if (in.opcode == TN_PROGRAM_CAST) {
      if (from == in.dtype) return true;
      add(in.dtype == TN_DTYPE_BOOL ? vm_.cast_to_bool : vm_.cast_to_float, 0, 0);
      return true;
    }
    const VmFunctions* f = find(in, kVmRegister);
    if (f != nullptr) add(*f, 0, 0);
    return f != nullptr;
  }

  bool emit_binary(const Instruction& in) {
    const uint32_t a = in.operands[0];
    const uint32_t b = in.operands[1];
    VmForm form = kVmMemoryMemory;
    if (held_ == a && a != b && place_[b] != kNowhere) {
      form = kVmRegisterMemory;
    } else if (held_ == b && a != b && place_[a] != kNowhere) {
      form = kVmMemoryRegister;
    }
    const VmFunctions* f = find(in, form);
    if (f == nullptr) return false;
    if (form == kVmMemoryMemory && (place_[a] == kNowhere || place_[b] == kNowhere)) return false;
    if (form == kVmMemoryMemory) add(*f, place_[a], place_[b]);
    if (form == kVmRegisterMemory) add(*f, place_[b], 0);
    if (form == kVmMemoryRegister) add(*f, place_[a], 0);
    return true;
  }

  bool emit_ternary(Instruction& in) {
    if (in.opcode == TN_PROGRAM_FMA && held_ == in.operands[1]) {
      std::swap(in.operands[0], in.operands[1]);
    }
    if (held_ != in.operands[0]) load_value(in.operands[0]);
    const VmFunctions* f = find(in, kVmRegisterMemory);
    if (f == nullptr || place_[in.operands[1]] == kNowhere || place_[in.operands[2]] == kNowhere) {
      return false;
    }
    add(*f, place_[in.operands[1]], place_[in.operands[2]]);
    return true;
  }

  void release_operands(const Instruction& in, int i) {
    for (uint32_t k = 0; k < in.count; ++k) {
      const uint32_t v = in.operands[k];
      const bool repeated = (k > 0 && in.operands[0] == v) || (k > 1 && in.operands[1] == v);
      if (!repeated && last_use_[v] == i && place_[v] != kNowhere && place_[v] >= first_scratch_) {
        free_.push_back(place_[v]);
      }
    }
  }

  // As soon as no input is read any more; before, an output may still be one of the inputs.
  void store_outputs(uint32_t v, int i) {
    if (i < inputs_done_) return;
    for (uint32_t o = 0; o < p_.output_count; ++o) {
      if (p_.outputs[o] == v) emit_store(o);
    }
  }

  void emit_store(uint32_t o) {
    const bool is_bool = dtypes_[p_.outputs[o]] == TN_DTYPE_BOOL;
    if (!is_bool) float_stores.push_back(static_cast<uint32_t>(steps.size()));
    add(is_bool ? vm_.store_bool : vm_.store, p_.input_count + o, 0);
    stored_[o] = true;
  }

  void emit_late_store(uint32_t o) {
    const uint32_t v = p_.outputs[o];
    if (held_ != v) load_value(v);
    emit_store(o);
  }

  [[nodiscard]] bool needs_memory(uint32_t v, uint32_t i) const {
    for (uint32_t o = 0; o < p_.output_count; ++o) {
      if (p_.outputs[o] == v && !stored_[o]) return true;
    }
    for (uint32_t j = i + 1; j < p_.instruction_count; ++j) {
      const Instruction in = instruction_at(p_, j);
      for (uint32_t k = 0; k < in.count; ++k) {
        if (in.operands[k] == v && (j != i + 1 || !takes_register(j, v))) return true;
      }
    }
    return false;
  }

  const tn_program& p_;
  const VmKernels& vm_;
  std::array<uint32_t, kMaxValues> dtypes_;
  std::array<int, kMaxValues> last_use_;
  std::array<uint32_t, kMaxValues> place_;  // operand that holds the value in memory
  std::array<bool, kMaxOutputs> stored_{};
  std::vector<uint32_t> free_;
  uint32_t fixed_;
  uint32_t first_scratch_;
  uint32_t slots_ = 0;
  uint32_t held_ = kNowhere;
  int inputs_done_ = -1;
};

void VmProgram::choose_direct(const tn_program& p) {
  if (p.instruction_count != 1 || p.output_count != 1) return;
  const Instruction in = instruction_at(p, 0);
  if (in.dtype != TN_DTYPE_F32 || in.count > 2 || in.opcode == TN_PROGRAM_CAST) return;
  if (p.outputs[0] != p.input_count + p.scalar_count) return;
  direct_count_ = in.count;
  for (uint32_t k = 0; k < in.count; ++k) direct_operands_[k] = in.operands[k];
  direct_ = vm_->direct[in.opcode];
  bool numbers = false;
  for (uint32_t k = 0; k < in.count; ++k) numbers = numbers || in.operands[k] >= p.input_count;
  if (direct_ != nullptr && in.count > 0 && !numbers) few_ = grain_;
}

std::unique_ptr<VmProgram> VmProgram::compile(const tn_program& p, const uint32_t* inputs,
                                              const KernelTables& tables) {
  const auto dtypes = value_dtypes(p, inputs);
  for (uint32_t v = 0; v < p.input_count + p.scalar_count + p.instruction_count; ++v) {
    if (!is_vm_dtype(dtypes[v])) return nullptr;
  }
  VmCompiler compiler(p, inputs, *tables.vm);
  if (!compiler.compile()) return nullptr;
  auto program = std::make_unique<VmProgram>();
  program->vm_ = tables.vm;
  program->blocks_ = tables.elementwise;
  program->steps_ = compiler.steps;
  program->streaming_ = compiler.steps;
  for (const uint32_t i : compiler.float_stores) {
    program->streaming_[i].wide = tables.vm->store_stream.wide;
    program->streaming_[i].narrow = tables.vm->store_stream.narrow;
  }
  program->inputs_.assign(inputs, inputs + p.input_count);
  program->scalars_.assign(p.scalar_dtypes, p.scalar_dtypes + p.scalar_count);
  for (uint32_t o = 0; o < p.output_count; ++o) program->outputs_.push_back(dtypes[p.outputs[o]]);
  program->scratch_slots_ = compiler.slots();
  program->grain_ = program_grain(p);
  program->choose_direct(p);
  return program;
}

}  // namespace tenon::cpu
