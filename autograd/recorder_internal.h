// Turns calls into nodes. These are the functions behind RecordHooks.
#pragma once

#include <tenon/autograd/meta_internal.h>
#include <tenon/runtime/dispatch/operator.h>

namespace tenon::autograd {

// Refuses in-place calls on leaves and all out= calls; keeps a copy of the old self where the
// rule needs it.
void check_write(const OpCall& call);
// Without outputs: the call threw, what was kept for it goes.
void record(const OpCall& call);
// t_ and the like: self becomes what `view` shows of it. Errors: Autograd on leaves that require a
// gradient, while calls are recorded.
void edit_metadata(const Tensor& self, const Tensor& view, std::string_view op);

// A write through a view is a write to its base: base' = base with the view's part replaced by what
// `written` made.
void rebase(TensorImpl& view, Edge written);

// The history of a view in terms of its base as it is now.
[[nodiscard]] Ref<Node> record_view_of_base(const TensorImpl& view, Edge base);

}  // namespace tenon::autograd
