// Shared by the files of the elementwise and activation families.
#pragma once

#include <tenon/runtime/ops/composite_internal.h>

namespace tenon {

void register_unary_ops(OpList& list);
void register_float_ops(OpList& list);
void register_binary_ops(OpList& list);
void register_logic_ops(OpList& list);

template <auto F>
inline constexpr Forms only{&box<F>};
template <auto F, auto InPlace, auto Out>
inline constexpr Forms forms{&box<F>, &box<InPlace>, &box<Out>};
template <auto F, auto InPlace>
inline constexpr Forms with_in_place{&box<F>, &box<InPlace>};
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

}  // namespace tenon
