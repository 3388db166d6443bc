// One-hot vectors, and the list of the family's ops.
#include <tenon/runtime/ops/indexing.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/ops/indexing_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

Tensor one_hot_boxed(const Tensor& self, std::optional<int64_t> classes) {
  return one_hot(self, classes.value_or(-1));
}

const Op kOneHot{{
    .name = "one_hot",
    .schema = "one_hot(Tensor self, int num_classes=-1) -> Tensor",
    .doc =
        R"(out[i..., c] = 1 where c = self[i...], else 0. With -1 there are as many classes as the
greatest value asks for (this reads the values).

Shapes: (d...) -> (d..., classes).
Dtypes: int64 -> int64.
Errors: DType; Index for a class outside [0, classes).
Source: torch.nn.functional.one_hot.)",
    .flags = kComposite | kNoGradient,
    .boxed = &box<&one_hot_boxed>,
}};

}  // namespace

Tensor one_hot(const Tensor& self, int64_t classes) {
  check(self.dtype() == kInt64, ErrorCode::kDType, "one_hot", "classes must be int64, got ",
        self.dtype(), "; convert with to()");
  check(classes >= 1 || (classes == -1 && self.numel() > 0), ErrorCode::kInvalidArgument, "one_hot",
        "the number of classes must be at least 1, or -1 with at least one element, got ", classes);
  if (classes == -1) classes = checked_add(self.max().item<int64_t>(), 1, "one_hot");
  Tensor result = zeros(self.sizes() + Shape{classes}, self.options());
  const Tensor index = self.unsqueeze(-1);
  scatter_add_(result, -1, index, ones_like(index));
  return result;
}

void register_indexing_ops(OpList& list) {
  list.add(kOneHot);
  register_scatter_ops(list);
  register_slice_index_ops(list);
  register_mask_ops(list);
  register_position_ops(list);
  register_tensor_index_ops(list);
}

}  // namespace tenon
