// Records of ops that are written in other ops.
#pragma once

#include <cstddef>

#include <tenon/runtime/dispatch/op_list.h>

namespace tenon {

// How an op is called: op(…), and where PyTorch has them op_(self, …), op_out(out, …).
// Told apart by type: whether a function's address is null is no constant under sanitizers.
struct Forms {
  constexpr Forms(Boxed function, std::nullptr_t = nullptr, Boxed out_form = nullptr)
      : boxed(function), out(out_form) {}
  constexpr Forms(Boxed function, Boxed in_place_form, Boxed out_form = nullptr)
      : boxed(function), in_place(in_place_form), out(out_form), flags(kInPlaceForm) {}
  Boxed boxed = nullptr, in_place = nullptr, out = nullptr;
  uint32_t flags = 0;  // kInPlaceForm where in_place is set
};

[[nodiscard]] constexpr Op::Spec composite_spec(const char* name, const char* schema,
                                                const char* doc, const Forms& forms,
                                                uint32_t flags = 0) {
  return {.name = name,
          .schema = schema,
          .doc = doc,
          .flags = flags | forms.flags | kComposite,
          .boxed = forms.boxed,
          .in_place = forms.in_place,
          .out = forms.out};
}

}  // namespace tenon
