// Copies and conversions between layouts, dtypes and devices.
#include <tenon/runtime/ops/copy.h>

#include <cstring>
#include <vector>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/geometry.h>
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

DeviceContext& context_of(const Tensor& tensor) { return tensor.impl()->storage->context(); }

uint64_t bytes_of(const Tensor& tensor) {
  return static_cast<uint64_t>(tensor.numel() * tensor.element_size());
}

// Row-major, same dtype, different devices: host memory is at one end, or in the middle.
void transfer(const Tensor& target, const Tensor& source) {
  TensorImpl &to = *target.impl(), &from = *source.impl();
  DeviceContext &to_context = context_of(target), &from_context = context_of(source);
  if (from_context.is_cpu()) {
    to_context.upload(to.operand()->buffer, to.desc.offset_bytes, source.data_ptr(),
                      bytes_of(source));
  } else if (to_context.is_cpu()) {
    from_context.download(from.operand()->buffer, from.desc.offset_bytes, target.data_ptr(),
                          bytes_of(source));
  } else {
    const Tensor host = empty(source.sizes(), TensorOptions(source.dtype(), Device()));
    transfer(host, source);
    transfer(target, host);
  }
}

// Host to host, same dtype: needs no plugin.
void copy_on_host(const Tensor& target, const Tensor& source) {
  const auto size = static_cast<size_t>(target.element_size());
  auto* to = static_cast<std::byte*>(target.data_ptr());
  const auto* from = static_cast<const std::byte*>(source.data_ptr());
  if (target.is_contiguous() && source.is_contiguous()) {
    std::memcpy(to, from, bytes_of(target));
    return;
  }
  const tn_tensor &a = target.impl()->desc, &b = source.impl()->desc;
  int64_t index[8] = {};
  for (int64_t i = 0; i < target.numel(); ++i) {
    int64_t at_a = 0, at_b = 0;
    for (uint32_t d = 0; d < a.rank; ++d) {
      at_a += index[d] * a.strides[d];
      at_b += index[d] * b.strides[d];
    }
    std::memcpy(to + at_a * static_cast<int64_t>(size), from + at_b * static_cast<int64_t>(size),
                size);
    for (uint32_t d = a.rank; d-- > 0;) {
      if (++index[d] < a.shape[d]) break;
      index[d] = 0;
    }
  }
}

// Same shape; any layouts, dtypes, devices. Casts happen on the device with the plugin.
void copy_values(const Tensor& target, const Tensor& source) {
  if (target.numel() == 0) return;
  if (&context_of(target) == &context_of(source)) {
    const bool plain_host = context_of(target).is_cpu() && target.dtype() == source.dtype();
    const bool computes = plain_host && (!target.is_contiguous() || !source.is_contiguous()) &&
                          target.numel() > 4096 && find_plugin("cpu") != nullptr;
    if (plain_host && !computes) return copy_on_host(target, source);
    return primitive::copy(target, source);
  }
  Tensor dense = contiguous(source);
  // Cast where a plugin is sure to be: on the device that is not host memory.
  if (dense.dtype() != target.dtype() && context_of(target).is_cpu()) {
    const Tensor cast = empty(dense.sizes(), TensorOptions(target.dtype(), dense.device()));
    primitive::copy(cast, dense);
    dense = cast;
  }
  if (dense.dtype() == target.dtype() && target.is_contiguous()) return transfer(target, dense);
  const Tensor landed = empty(dense.sizes(), TensorOptions(dense.dtype(), target.device()));
  transfer(landed, dense);
  copy_values(target, landed);
}


constinit const Op kCopyInPlace{{
    .name = "copy_",
    .schema = "copy_(Tensor(a!) self, Tensor source) -> Tensor(a!)",
    .doc = R"(self = source, broadcast to self's shape, converted to its dtype, moved to its device.
Shapes: source broadcasts to self. Dtypes: any to any (floats to integers truncate).
Errors: InvalidArgument when the shapes do not broadcast or self overlaps itself.
Source: torch.Tensor.copy_.)",
    .boxed = &box<&copy_>,
}};

constinit const Op kClone{{
    .name = "clone",
    .schema = "clone(Tensor self) -> Tensor",
    .doc = R"(A row-major copy in new memory on the same device.
Source: torch.clone.)",
    .boxed = &box<&clone>,
}};

constinit const Op kContiguous{{
    .name = "contiguous",
    .schema = "contiguous(Tensor self) -> Tensor",
    .doc = R"(self when its memory is row-major, else a copy that is.
Source: torch.Tensor.contiguous.)",
    .flags = kComposite,
    .boxed = &box<&contiguous>,
}};

constinit const Op kTo{{
    .name = "to",
    .schema = "to(Tensor self, *, dtype=None, device=None) -> Tensor",
    .doc = R"(self when dtype and device are its own, else a converted, moved copy.
Errors: Device when the device can't be used. Source: torch.Tensor.to.)",
    .boxed = &box<&to>,
}};

constinit const Op kFillInPlace{{
    .name = "fill_",
    .schema = "fill_(Tensor(a!) self, Tensor|Scalar value) -> Tensor(a!)",
    .doc = R"(self = value everywhere; value is a number or a 0-dim tensor.
Errors: InvalidArgument for a value with dimensions, or when self overlaps itself.
Source: torch.Tensor.fill_.)",
    .boxed = &box<&fill_>,
}};

constinit const Op kZeroInPlace{{
    .name = "zero_",
    .schema = "zero_(Tensor(a!) self) -> Tensor(a!)",
    .doc = R"(self = 0 everywhere. Source: torch.Tensor.zero_.)",
    .flags = kComposite,
    .boxed = &box<&zero_>,
}};

// The functional copies: new memory, then history by the op's rule.
Tensor copy_recorded(const Op& op, const Tensor& self, const TensorOptions& options) {
  RecordingScope scope(recording_enabled());
  const bool recorded = recording_enabled() && self.requires_grad();
  set_recording_enabled(false);
  const DType dtype = options.dtype_or(self.dtype());
  Tensor result = empty(self.sizes(), TensorOptions(dtype, options.device_or(self.device())));
  copy_values(result, self);
  if (recorded && is_floating_point(dtype)) {
    const Tensor* inputs[] = {&self};
    record_hooks().record({.op = op, .inputs = inputs, .outputs = {&result, 1}});
  }
  return result;
}

}  // namespace

Tensor& copy_(Tensor& self, const Tensor& source) {
  const Shape sizes = broadcast_shapes(self.sizes(), source.sizes(), "copy_");
  check(sizes == self.sizes(), ErrorCode::kInvalidArgument, "copy_",
        "the source must broadcast to self, ", self.sizes(), ", got ", source.sizes());
  if (self.is_same(source)) return self;
  const Tensor* inputs[] = {&self, &source};
  OpCall call{.op = kCopyInPlace,
              .inputs = inputs,
              .outputs = {&self, 1},
              .form = CallForm::kInPlace};
  write_in_place(call, [](OpCall& c) {
    const Tensor& target = c.outputs[0];
    Tensor from = c.inputs[1]->detach();
    const Overlap overlap = overlap_of(*target.impl(), *from.impl());
    if (overlap == Overlap::kExact) return;
    if (overlap != Overlap::kNone) from = clone(from);
    copy_values(target, expand(from, target.sizes()));
  });
  return self;
}

Tensor clone(const Tensor& self) { return copy_recorded(kClone, self, {}); }

Tensor contiguous(const Tensor& self) { return self.is_contiguous() ? self : clone(self); }

Tensor to(const Tensor& self, const TensorOptions& options) {
  const bool same_dtype = options.dtype_or(self.dtype()) == self.dtype();
  if (same_dtype && options.device_or(self.device()) == self.device()) return self;
  return copy_recorded(kTo, self, options);
}

Tensor& fill_(Tensor& self, const Operand& value) {
  if (value.is_tensor())
    check(value.tensor().dim() == 0, ErrorCode::kInvalidArgument, "fill_",
          "the value must be a number or a 0-dim tensor, got ", value.tensor());
  const Tensor number = value.is_tensor() ? value.tensor() : Tensor();
  const Scalar scalar = value.is_tensor() ? Scalar(0) : value.scalar();
  const Tensor* inputs[] = {&self, &number};
  OpCall call{.op = kFillInPlace,
              .inputs = inputs,
              .scalars = {&scalar, 1},
              .outputs = {&self, 1},
              .form = CallForm::kInPlace};
  write_in_place(call, [](OpCall& c) {
    if (c.inputs[1]->defined()) {
      Tensor target = c.outputs[0];
      copy_values(target, expand(c.inputs[1]->detach(), target.sizes()));
      return;
    }
    const Tensor& target = c.outputs[0];
    TensorImpl& impl = *target.impl();
    if (impl.storage->context().is_cpu() && impl.contiguous && c.scalars[0].to_double() == 0 &&
        impl.numel <= 1024) {
      std::memset(target.data_ptr(), 0, bytes_of(target));
      return;
    }
    primitive::fill(target, c.scalars[0]);
  });
  return self;
}

Tensor& zero_(Tensor& self) { return fill_(self, 0); }

void register_copy_ops(OpList& list) {
  for (const Op* op : {&kCopyInPlace, &kClone, &kContiguous, &kTo, &kFillInPlace, &kZeroInPlace})
    list.add(*op);
}

}  // namespace tenon
