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

namespace {

// Windows of `reach` elements in `padded` ones, of which `begin` may hold a window's first.
int64_t count_windows(int64_t padded, int64_t reach, int64_t stride, int64_t begin,
                      bool ceil_mode) {
  const int64_t room = padded - reach;
  if (!ceil_mode) return room < 0 ? 0 : room / stride + 1;
  if (room + stride - 1 < 0) return 0;
  const int64_t count = (room + stride - 1) / stride + 1;
  return (count - 1) * stride >= begin ? count - 1 : count;
}

}  // namespace

Windows make_windows(std::string_view op, const Shape& input, const Shape& kernel,
                     const Shape& stride, const Shape& padding, const Shape& dilation,
                     bool ceil_mode) {
  Windows windows{input.slice(input.rank() - 2, input.rank()), kernel, stride, padding, dilation};
  for (int64_t d = 0; d < 2; ++d) {
    check(kernel[d] >= 1 && stride[d] >= 1 && dilation[d] >= 1 && padding[d] >= 0,
          ErrorCode::kInvalidArgument, op, "kernel, stride and dilation must be at least 1 and ",
          "padding at least 0, got kernel=", kernel, ", stride=", stride, ", dilation=", dilation,
          ", padding=", padding);
    const int64_t padded = checked_add(windows.image[d], checked_mul(2, padding[d], op), op);
    const int64_t reach = checked_add(checked_mul(dilation[d], kernel[d] - 1, op), 1, op);
    const int64_t count = count_windows(checked_add(padded, stride[d], op) - stride[d], reach,
                                        stride[d], windows.image[d] + padding[d], ceil_mode);
    check(count >= 1, ErrorCode::kInvalidArgument, op, "the kernel covers ", reach,
          " elements of dimension ", d == 0 ? "H" : "W", ", but the padded input has only ", padded,
          "; use more padding or a smaller kernel");
    windows.count.push_back(count);
    const int64_t end = checked_add(checked_mul(count - 1, stride[d], op), reach, op);
    windows.extra.push_back(ceil_mode && end > padded ? end - padded : 0);
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
  const auto& [image, kernel, stride, padding, dilation, count, extra] = windows;
  const Shape s = padded.strides();
  return padded.as_strided(
      {padded.size(0), padded.size(1), count[0], count[1], kernel[0], kernel[1]},
      {s[0], s[1], s[2] * step(count[0], stride[0]), s[3] * step(count[1], stride[1]),
       s[2] * step(kernel[0], dilation[0]), s[3] * step(kernel[1], dilation[1])},
      padded.storage_offset());
}

}  // namespace tenon::ops
