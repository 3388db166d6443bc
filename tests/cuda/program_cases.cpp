#include "program_cases.h"

#include <algorithm>
#include <random>

namespace tenon::cuda {
namespace {

constexpr uint32_t kDtypes = 10;
constexpr int kLayouts = 9;

uint32_t below(uint32_t limit, std::mt19937& random) {
  return static_cast<uint32_t>(random() % limit);
}

struct Step {
  uint32_t opcode, dtype, from;  // from: of a CAST
};

std::vector<Step> all_steps() {
  std::vector<Step> steps;
  for (uint32_t opcode = 1; opcode < 128; ++opcode) {
    const uint32_t rule = tnr_opcode_rule(opcode);
    for (uint32_t dtype = 1; rule != 0xff && dtype <= kDtypes; ++dtype) {
      if (opcode == TN_PROGRAM_CAST) {
        for (uint32_t from = 1; from <= kDtypes; ++from) steps.push_back({opcode, dtype, from});
      } else if (opcode == TN_PROGRAM_INDEX ? dtype == TN_DTYPE_I64
                                            : tnr_rule_allows(rule, dtype)) {
        steps.push_back({opcode, dtype, dtype});
      }
    }
  }
  // Those of one dtype lie together: a program's inputs serve all of its steps.
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& a, const Step& b) { return a.from < b.from; });
  return steps;
}

// Writes steps into a program and finds or makes operands of their dtypes.
class Builder {
 public:
  Builder(tnr_program& program, std::mt19937& random) : p_(program), random_(random) {}

  [[nodiscard]] bool has_room() const {
    return p_.output_count < kProgramOutputs && p_.instruction_count + 5 <= kProgramInstructions;
  }
  void add(const Step& step) {
    const uint32_t arity = tnr_opcode_rule(step.opcode) & 3u;
    uint32_t operands[3] = {};
    for (uint32_t i = 0; i < arity; ++i) {
      const bool condition = step.opcode == TN_PROGRAM_WHERE && i == 0;
      operands[i] = value_of(condition ? TN_DTYPE_BOOL : step.from);
    }
    const bool compares = (tnr_opcode_rule(step.opcode) & TNR_RULE_COMPARES) != 0;
    const uint32_t made = append(step.opcode, step.dtype, operands, compares);
    p_.outputs[p_.output_count++] = made;
  }

 private:
  uint32_t values() const { return p_.input_count + p_.scalar_count + p_.instruction_count; }
  uint32_t append(uint32_t opcode, uint32_t dtype, const uint32_t* operands, bool compares) {
    const uint32_t to = values();
    uint32_t* word = p_.instructions[p_.instruction_count++];
    word[0] = opcode | dtype << 16;
    for (uint32_t i = 0; i < 3; ++i) word[1 + i] = operands[i];
    p_.dtypes[to] = compares ? uint32_t{TN_DTYPE_BOOL} : dtype;
    return to;
  }
  uint32_t value_of(uint32_t dtype) {
    std::vector<uint32_t> found;
    for (uint32_t v = 0; v < values(); ++v) {
      if (p_.dtypes[v] == dtype) found.push_back(v);
    }
    if (found.size() > 1) std::erase(found, last_);  // operands differ where they can
    if (!found.empty()) return last_ = found[below(static_cast<uint32_t>(found.size()), random_)];
    const uint32_t operands[3] = {below(p_.input_count + p_.scalar_count, random_), 0, 0};
    return last_ = append(TN_PROGRAM_CAST, dtype, operands, false);
  }

  tnr_program& p_;
  std::mt19937& random_;
  uint32_t last_ = ~0u;
};

tnr_program make_program(const std::vector<Step>& steps, size_t& next, size_t inputs,
                         std::mt19937& random) {
  tnr_program p{};
  p.input_count = static_cast<uint32_t>(inputs);
  p.scalar_count = below(3, random);
  if (inputs == 0 && p.scalar_count == 0) p.scalar_count = 1;
  for (uint32_t i = 0; i < p.input_count + p.scalar_count; ++i) {
    // The first two and most others serve the next steps.
    const uint32_t ahead = i < 2 ? 0 : below(4, random);
    p.dtypes[i] = steps[(next + ahead) % steps.size()].from;
  }
  Builder builder(p, random);
  while (next < steps.size() && builder.has_room()) builder.add(steps[next++]);
  return p;
}

class Shaper {
 public:
  Shaper(ProgramCase& target, std::mt19937& random) : case_(target), random_(random) {}

  void shape(int layout) {
    switch (layout) {
      case 0:  // dense
        return all({count()});
      case 1:  // dense, some inputs one element
        all({count()});
        return some([](tn_tensor& t) { t.strides[0] = 0; });
      case 2:  // dense, not aligned to vectors
        all({count()});
        for (tn_tensor& t : case_.tensors) t.offset_bytes = 1;
        return;
      case 3:  // a row for all rows
        all({37, 48});
        return some([](tn_tensor& t) { t.strides[0] = 0; });
      case 4:  // an element for each row
        all({150, 64});
        return some([](tn_tensor& t) { t.strides[0] = 1, t.strides[1] = 0; });
      case 5:  // turned
        all({33, 50});
        return some([](tn_tensor& t) { t.strides[0] = 1, t.strides[1] = 33; });
      case 6:  // four dimensions, gaps
        all({3, 5, 7, 6});
        return some([](tn_tensor& t) { t.strides[3] = 2, t.strides[2] = 12, t.strides[1] = 90; });
      case 7:  // one element
        return all({1, 1});
      default:  // offsets beyond 32 bits
        case_.runs = false;
        all({3, 1000, 64});
        for (tn_tensor& t : case_.tensors) t.strides[0] = int64_t{1} << 31, t.strides[1] = 96;
        return;
    }
  }

 private:
  int64_t count() {
    return below(3, random_) == 0 ? 1 + below(40, random_) : 1 + below(9000, random_);
  }
  void all(const std::vector<int64_t>& shape) {
    for (tn_tensor& t : case_.tensors) {
      t.rank = static_cast<uint32_t>(shape.size());
      int64_t stride = 1;
      for (size_t d = shape.size(); d-- > 0;) {
        t.shape[d] = shape[d];
        t.strides[d] = stride;
        stride *= shape[d];
      }
    }
  }
  // About half of the inputs.
  template <class F>
  void some(const F& change) {
    for (size_t k = case_.program.output_count; k < case_.tensors.size(); ++k) {
      if (random_() % 2 == 0) change(case_.tensors[k]);
    }
  }

  ProgramCase& case_;
  std::mt19937& random_;
};

void finish(ProgramCase& c, const ProgramCode& code) {
  std::vector<const tn_tensor*> tensors;
  std::vector<uint64_t> addresses;
  bool counts = false;
  for (uint32_t i = 0; i < c.program.instruction_count; ++i) {
    counts = counts || (c.program.instructions[i][0] & 0xffffu) == TN_PROGRAM_INDEX;
  }
  for (tn_tensor& t : c.tensors) {
    t.offset_bytes *= static_cast<uint64_t>(tnr_size(t.dtype));
    tensors.push_back(&t);
    addresses.push_back(t.offset_bytes);
    int64_t size = static_cast<int64_t>(t.offset_bytes) / tnr_size(t.dtype) + 1;
    for (uint32_t d = 0; d < t.rank; ++d) size += (t.shape[d] - 1) * t.strides[d];
    c.sizes.push_back(size);
  }
  c.space = collapse(tensors, counts ? Order::kRowMajor : Order::kMemory);
  unit_strides(c.space, c.tensors.size());
  c.layout = layout_of(code, c.space, addresses);
}

}  // namespace

std::vector<ProgramCase> program_cases() {
  std::mt19937 random(1);
  const std::vector<Step> steps = all_steps();
  std::vector<ProgramCase> cases;
  for (int round = 0; round < 2; ++round) {
    for (size_t next = 0; next < steps.size();) {
      ProgramCase& c = cases.emplace_back();
      c.name = "program_" + std::to_string(cases.size());
      c.program =
          make_program(steps, next, cases.size() % 10 == 9 ? 0 : 2 + below(4, random), random);
      const tnr_program& p = c.program;
      for (uint32_t i = 0; i < p.output_count; ++i) {
        c.tensors.emplace_back().dtype = p.dtypes[p.outputs[i]];
      }
      for (uint32_t i = 0; i < p.input_count; ++i) c.tensors.emplace_back().dtype = p.dtypes[i];
      // The opposite parity in the second round: other layouts for the same steps.
      Shaper(c, random).shape((static_cast<int>(cases.size()) + 4 * round) % kLayouts);
      finish(c, program_code(p));
    }
  }
  return cases;
}

}  // namespace tenon::cuda
