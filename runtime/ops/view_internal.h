// Shared by the files of the view family.
#pragma once

#include <tenon/runtime/ops/composite_internal.h>

namespace tenon {

void register_view_part_ops(OpList& list);
void register_view_shape_ops(OpList& list);

// A view with a rule of its own.
[[nodiscard]] constexpr Op::Spec view_spec(const char* name, const char* schema, const char* doc,
                                           Boxed boxed) {
  return {.name = name, .schema = schema, .doc = doc, .flags = kView, .boxed = boxed};
}

// A view made of other views.
[[nodiscard]] constexpr Op::Spec composite_view(const char* name, const char* schema,
                                                const char* doc, Boxed boxed) {
  return composite_spec(name, schema, doc, boxed, kView);
}

// The boxed form of an op whose argument 1 is one integer or a list of them.
template <auto One, auto Many>
std::vector<Value> box_either(std::span<const Value> arguments) {
  const bool many = arguments.size() > 1 && std::holds_alternative<Shape>(arguments[1]);
  return many ? box<Many>(arguments) : box<One>(arguments);
}

}  // namespace tenon
