#include <tenon/runtime/ops/windows_internal.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::ops {

Shape both_dims(std::string_view op, const char* what, const Shape& given, int64_t fallback) {
  if (given.rank() == 0) return {fallback, fallback};
  if (given.rank() == 1) return {given[0], given[0]};
  check(given.rank() == 2, ErrorCode::kInvalidArgument, op, what,
        " takes one number or (height, width), got ", given);
  return given;
}

Shape both_dims(std::string_view op, const char* what, const Shape& given) {
  return both_dims(op, what, given, std::string_view(what) == "padding" ? 0 : 1);
}

Windows make_windows(std::string_view op, const Shape& input, const Shape& kernel,
                     const Shape& stride, const Shape& padding, const Shape& dilation) {
  Windows windows{
      input.slice(input.rank() - 2, input.rank()), kernel, stride, padding, dilation, {}};
  for (int64_t d = 0; d < 2; ++d) {
    check(kernel[d] >= 1 && stride[d] >= 1 && dilation[d] >= 1 && padding[d] >= 0,
          ErrorCode::kInvalidArgument, op, "kernel, stride and dilation must be at least 1 and ",
          "padding at least 0, got kernel=", kernel, ", stride=", stride, ", dilation=", dilation,
          ", padding=", padding);
    const int64_t padded = checked_add(windows.image[d], checked_mul(2, padding[d], op), op);
    const int64_t reach = checked_add(checked_mul(dilation[d], kernel[d] - 1, op), 1, op);
    check(reach <= padded, ErrorCode::kInvalidArgument, op, "the kernel covers ", reach,
          " elements of dimension ", d == 0 ? "H" : "W", ", but the padded input has only ", padded,
          "; use more padding or a smaller kernel");
    windows.count.push_back((padded - reach) / stride[d] + 1);
  }
  return windows;
}

Tensor pad(const Tensor& input, const Windows& windows, Scalar value) {
  if (!windows.is_padded()) return input;
  const Tensor padded = empty(windows.padded_sizes(input.size(0), input.size(1)), input.options());
  primitive::fill(padded, value);
  primitive::copy(interior(padded, windows), input);
  return padded;
}

Tensor interior(const Tensor& padded, const Windows& windows) {
  return padded.narrow(2, windows.padding[0], windows.image[0])
      .narrow(3, windows.padding[1], windows.image[1]);
}

Tensor window_view(const Tensor& padded, const Windows& windows) {
  // Steps that are never taken may be huge: they are left at 1.
  const auto step = [](int64_t extent, int64_t taken) { return extent > 1 ? taken : 1; };
  const auto& [image, kernel, stride, padding, dilation, count] = windows;
  const Shape s = padded.strides();
  return padded.as_strided(
      {padded.size(0), padded.size(1), count[0], count[1], kernel[0], kernel[1]},
      {s[0], s[1], s[2] * step(count[0], stride[0]), s[3] * step(count[1], stride[1]),
       s[2] * step(kernel[0], dilation[0]), s[3] * step(kernel[1], dilation[1])},
      padded.storage_offset());
}

}  // namespace tenon::ops
