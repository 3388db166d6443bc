// Shared by the files of the elementwise and activation families.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>

namespace tenon {

void register_unary_ops(OpList& list);
void register_float_ops(OpList& list);
void register_binary_ops(OpList& list);
void register_logic_ops(OpList& list);

// How a pointwise op is called: op(…), and where PyTorch has them op_(self, …), op_out(out, …).
struct Forms {
  Boxed boxed = nullptr, in_place = nullptr, out = nullptr;
  uint32_t flags = 0;  // kInPlaceForm where in_place is set (no constant expression under sanitizers)
};

template <auto F>
inline constexpr Forms only{&box<F>};
template <auto F, auto InPlace, auto Out>
inline constexpr Forms forms{&box<F>, &box<InPlace>, &box<Out>, kInPlaceForm};
template <auto F, auto InPlace>
inline constexpr Forms with_in_place{&box<F>, &box<InPlace>, nullptr, kInPlaceForm};
template <auto F, auto Out>
inline constexpr Forms with_out{&box<F>, nullptr, &box<Out>};

// A method of Tensor as an in-place form.
template <Tensor& (Tensor::*kMethod)(const Operand&)>
Tensor& method(Tensor& self, const Operand& other) {
  return (self.*kMethod)(other);
}

[[nodiscard]] constexpr Op::Spec pointwise_spec(const char* name, const char* schema,
                                                const char* doc, const Forms& forms,
                                                uint32_t (*emit)(ProgramBuilder&),
                                                Promotion promotion, uint32_t flags = 0) {
  return {.name = name,
          .schema = schema,
          .doc = doc,
          .flags = flags | forms.flags,
          .boxed = forms.boxed,
          .in_place = forms.in_place,
          .out = forms.out,
          .promotion = promotion,
          .emit = emit};
}

[[nodiscard]] constexpr Op::Spec compare_spec(const char* name, const char* schema, const char* doc,
                                              const Forms& forms,
                                              uint32_t (*emit)(ProgramBuilder&)) {
  return pointwise_spec(name, schema, doc, forms, emit, Promotion::kCompare, kNoGradient);
}

// Written in other ops.
[[nodiscard]] constexpr Op::Spec composite_spec(const char* name, const char* schema,
                                                const char* doc, const Forms& forms) {
  return pointwise_spec(name, schema, doc, forms, nullptr, Promotion::kCommon, kComposite);
}

}  // namespace tenon
