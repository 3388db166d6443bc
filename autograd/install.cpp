#include <tenon/autograd/install_internal.h>

#include <mutex>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/autograd/recorder_internal.h>
#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon::autograd {
namespace {

std::string print_suffix(const Tensor& tensor) {
  try {
    if (const Node* node = tensor.grad_fn()) return " grad_fn=<" + node->name() + ">";
  } catch (const Error&) {  // a view of the input of a custom function, which was written to
    return " grad_fn=<Invalid>";
  }
  return tensor.requires_grad() ? " requires_grad=True" : "";
}

void bind_rules() {
  for (const auto family :
       {elementwise_rules(), reduction_rules(), view_rules(), copy_rules(), indexing_rules(),
        matmul_rules(), convolution_rules(), pooling_rules(), loss_rules(), activation_rules(),
        manipulation_rules(), sorting_rules(), normalization_rules(), attention_rules()}) {
    for (const Rule& rule : family) {
      const Op* op = find_op(rule.op);
      check(op != nullptr, ErrorCode::kInternal, rule.op, "a derivative rule names an unknown op");
      op->set_gradient(&rule);
    }
  }
}

}  // namespace

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    bind_rules();
    RecordHooks& hooks = record_hooks();
    hooks.print_suffix = &print_suffix;
    hooks.edit_metadata = &edit_metadata;
    hooks.check_write = &check_write;
    hooks.record = &record;
  });
}

}  // namespace tenon::autograd
