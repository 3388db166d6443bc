// Any pointwise program, interpreted: what runs before a program's own kernel is compiled, and
// where no compiler is at hand.
#include "device/opcodes.h"
#include "device/program.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <class T>
TENON_DEVICE inline const T* at(const void* data, int64_t offset) {
  return static_cast<const T*>(data) + offset;
}

// An instruction in class C; its result is settled as a value of the dtype afterwards.
template <class C>
struct Step {
  const Value *a, *b, *c;
  Value* to;
  uint32_t dtype;

  template <uint32_t kOp>
  TENON_DEVICE void run() const {
    if constexpr (kOp == kWhere) {
      put(*to, a->whole != 0 ? get<C>(*b) : get<C>(*c));
    } else if constexpr (compares(kOp)) {
      to->whole = comparison<kOp, C>(get<C>(*a), get<C>(*b));
    } else if constexpr (kIsReal<C>) {
      put(*to, real_instruction<kOp, C>(get<C>(*a), get<C>(*b), get<C>(*c)));
      settle();
    } else {
      const int64_t width = dtype <= kI8 ? 8 : dtype == kI16 ? 16 : dtype == kI32 ? 32 : 64;
      to->whole = whole_instruction<kOp>(a->whole, b->whole, width, dtype == kBool);
      settle();
    }
  }
  TENON_DEVICE void settle() const {
    visit_dtype(dtype, [&](auto element) {
      using T = decltype(element);
      if constexpr (kSame<Class<T>, C>) put(*to, settled<T>(get<C>(*to)));
    });
  }
};

// Every opcode but CAST and INDEX; which dtypes an opcode has was checked by the host.
template <class C>
TENON_DEVICE void run_step(uint32_t opcode, const Step<C>& step) {
#define TENON_CASE(name)       \
  case name:                   \
    step.template run<name>(); \
    break;
  switch (opcode) {
    TENON_CASE(kAdd)
    TENON_CASE(kSub) TENON_CASE(kMul) TENON_CASE(kDiv) TENON_CASE(kRem) TENON_CASE(kPow)
        TENON_CASE(kMin) TENON_CASE(kMax) TENON_CASE(kEq) TENON_CASE(kNe) TENON_CASE(kLt)
            TENON_CASE(kLe) TENON_CASE(kGt) TENON_CASE(kGe) TENON_CASE(kWhere) TENON_CASE(kNeg)
                TENON_CASE(kAbs) TENON_CASE(kSign) TENON_CASE(kRelu) default
        : if constexpr (kIsReal<C>) {
      switch (opcode) {
        TENON_CASE(kAtan2)
        TENON_CASE(kFma) TENON_CASE(kIsNan) TENON_CASE(kFloor) TENON_CASE(kCeil) TENON_CASE(kTrunc)
            TENON_CASE(kRound) TENON_CASE(kSqrt) TENON_CASE(kRsqrt) TENON_CASE(kRecip)
                TENON_CASE(kExp) TENON_CASE(kExpm1) TENON_CASE(kLog) TENON_CASE(kLog1p)
                    TENON_CASE(kSin) TENON_CASE(kCos) TENON_CASE(kTan) TENON_CASE(kAsin)
                        TENON_CASE(kAcos) TENON_CASE(kAtan) TENON_CASE(kSinh) TENON_CASE(kCosh)
                            TENON_CASE(kTanh) TENON_CASE(kAsinh) TENON_CASE(kAcosh)
                                TENON_CASE(kAtanh) TENON_CASE(kErf) TENON_CASE(kErfc)
                                    TENON_CASE(kSigmoid) TENON_CASE(kLog2) TENON_CASE(kExp2) default
            : step.template run<kCopy>();
        break;
      }
    }
    else {
      switch (opcode) {
        TENON_CASE(kAnd)
        TENON_CASE(kOr) TENON_CASE(kXor) TENON_CASE(kNot) TENON_CASE(kShl) TENON_CASE(kShr) default
            : step.template run<kCopy>();
        break;
      }
    }
  }
#undef TENON_CASE
}

TENON_DEVICE void run_cast(uint32_t from, uint32_t to, const Value& a, Value& out) {
  visit_dtype(to, [&](auto to_element) {
    using To = decltype(to_element);
    visit_dtype(from, [&](auto from_element) {
      using From = decltype(from_element);
      put(out, cast<To, From>(get<Class<From>>(a)));
    });
  });
}

TENON_DEVICE void load_values(const InterpretedParams& p, const int64_t* offsets, Value* values) {
  const ProgramCode& code = p.code;
  for (uint32_t i = 0; i < code.input_count; ++i) {
    const uint32_t operand = code.output_count + i;
    visit_dtype(code.dtypes[i], [&](auto element) {
      using T = decltype(element);
      put(values[i], value_of(*at<T>(p.launch.data[operand], offsets[operand])));
    });
  }
  for (uint32_t i = 0; i < code.scalar_count; ++i) {
    const uint32_t value = code.input_count + i;
    visit_dtype(code.dtypes[value], [&](auto element) {
      put(values[value], scalar_of<decltype(element)>(p.launch.scalars[i]));
    });
  }
}

TENON_DEVICE void interpret(const InterpretedParams& p) {
  const int64_t number = global_thread();
  if (number >= p.launch.count) return;
  const ProgramCode& code = p.code;
  int64_t offsets[kProgramOperands];
  Value values[kProgramValues];
  program_offsets(p.launch, number, offsets);
  load_values(p, offsets, values);
  for (uint32_t k = 0; k < code.instruction_count; ++k) {
    const uint8_t* step = code.steps[k];
    Value& to = values[code.input_count + code.scalar_count + k];
    if (step[0] == kIndex) {
      to.whole = number;
    } else if (step[0] == kCast) {
      run_cast(code.dtypes[step[2]], step[1], values[step[2]], to);
    } else {
      const Value *a = &values[step[2]], *b = &values[step[3]], *c = &values[step[4]];
      if (step[1] == kF64) {
        run_step(step[0], Step<double>{a, b, c, &to, step[1]});
      } else if (step[1] >= kF16) {
        run_step(step[0], Step<float>{a, b, c, &to, step[1]});
      } else {
        run_step(step[0], Step<int64_t>{a, b, c, &to, step[1]});
      }
    }
  }
  for (uint32_t i = 0; i < code.output_count; ++i) {
    const uint32_t value = code.outputs[i];
    visit_dtype(code.dtypes[value], [&](auto element) {
      using T = decltype(element);
      static_cast<T*>(p.launch.data[i])[offsets[i]] = element_of<T>(get<Class<T>>(values[value]));
    });
  }
}

}  // namespace

TENON_KERNEL(program_interpreted, 256, InterpretedParams, interpret)

}  // namespace tenon::cuda
