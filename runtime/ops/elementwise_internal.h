// Shared by the files of the elementwise family.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>

namespace tenon {

void register_unary_ops(OpList& list);

[[nodiscard]] constexpr Op::Spec pointwise_spec(const char* name, const char* schema,
                                                const char* doc, Boxed boxed,
                                                uint32_t (*emit)(ProgramBuilder&),
                                                Promotion promotion, uint32_t flags) {
  return {.name = name,
          .schema = schema,
          .doc = doc,
          .flags = flags,
          .boxed = boxed,
          .promotion = promotion,
          .emit = emit};
}

[[nodiscard]] constexpr Op::Spec compare_spec(const char* name, const char* schema,
                                              const char* doc, Boxed boxed,
                                              uint32_t (*emit)(ProgramBuilder&)) {
  return pointwise_spec(name, schema, doc, boxed, emit, Promotion::kCompare, kNoGradient);
}

}  // namespace tenon
