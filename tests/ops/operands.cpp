#include "ops/operands.h"

#include <cmath>

#include <tenon/runtime/ops/ops.h>

namespace tenon::ops_test {
namespace {

constexpr int64_t kBefore = 5, kAfter = 9;

// Layouts of the operands of a kMixed call, in turn.
constexpr Layout kTurns[] = {kTransposed, kStep2, kBroadcast, kOffset};

Layout layout_of(Layout layout, size_t operand, bool writes_self) {
  const Layout single = layout == kMixed ? kTurns[operand % std::size(kTurns)] : layout;
  return single == kBroadcast && writes_self && operand == 0 ? kContiguous : single;
}

double sentinel(DType dtype) { return dtype == kBool ? 1 : 77; }

Shape strides_for(const Shape& sizes, Layout layout) {
  Shape strides = contiguous_strides(sizes);
  if (layout == kStep2)
    for (int64_t d = 0; d < sizes.rank(); ++d) strides[d] *= 2;
  if (layout == kBroadcast && sizes.rank() > 0) strides[0] = 0;
  if (layout == kTransposed) {
    int64_t step = 1;
    for (int64_t d = 0; d < sizes.rank(); ++d) {
      strides[d] = step;
      step *= std::max<int64_t>(1, sizes[d]);
    }
  }
  return strides;
}

void repeat_first(Array& array) {
  if (array.sizes.rank() == 0 || array.values.empty()) return;
  const size_t block = array.values.size() / static_cast<size_t>(array.sizes[0]);
  for (size_t i = block; i < array.values.size(); ++i) array.values[i] = array.values[i % block];
}

template <class F>
void for_each_array(Call& call, F&& f) {
  size_t operand = 0;
  for (Argument& argument : call.arguments) {
    if (auto* array = std::get_if<Array>(&argument)) f(*array, operand++);
    if (auto* list = std::get_if<std::vector<Array>>(&argument))
      for (Array& array : *list) f(array, operand++);
  }
}

}  // namespace

std::string Guarded::changed(bool inside) const {
  std::vector<bool> mine(initial.size(), false);
  if (!inside)
    for_each(tensor.sizes(), [&](const Shape& index, size_t) {
      int64_t at = offset;
      for (int64_t d = 0; d < index.rank(); ++d) at += index[d] * strides[d];
      mine[static_cast<size_t>(at)] = true;
    });
  const std::vector<double> now = buffer.to_vector<double>();
  for (size_t i = 0; i < now.size(); ++i) {
    const bool same = now[i] == initial[i] || (std::isnan(now[i]) && std::isnan(initial[i]));
    if (!mine[i] && !same)
      return join_text("buffer element ", i, " changed from ", initial[i], " to ", now[i]);
  }
  return {};
}

Guarded guard(const Array& array, Layout layout, const Device& device) {
  Guarded result;
  result.strides = strides_for(array.sizes, layout);
  result.offset = layout == kContiguous ? 0 : kBefore;
  int64_t reach = 1;
  for (int64_t d = 0; d < array.sizes.rank(); ++d)
    reach += std::max<int64_t>(0, array.sizes[d] - 1) * result.strides[d];
  result.initial.assign(static_cast<size_t>(result.offset + reach + kAfter), sentinel(array.dtype));
  for_each(array.sizes, [&](const Shape& index, size_t i) {
    int64_t at = result.offset;
    for (int64_t d = 0; d < index.rank(); ++d) at += index[d] * result.strides[d];
    result.initial[static_cast<size_t>(at)] = array.values[i];
  });
  result.buffer = tensor(result.initial, TensorOptions(array.dtype, device));
  result.tensor = result.buffer.as_strided(array.sizes, result.strides, result.offset).detach();
  return result;
}

Operands place(const Call& call, Layout layout, const Device& device, bool writes_self) {
  Operands operands;
  const auto add = [&](const Array& array) {
    const Layout own = layout_of(layout, operands.guarded.size(), writes_self);
    operands.guarded.push_back(guard(array, own, device));
    return operands.guarded.back().tensor;
  };
  for (const Argument& argument : call.arguments) {
    if (const auto* array = std::get_if<Array>(&argument)) {
      operands.values.emplace_back(add(*array));
    } else if (const auto* list = std::get_if<std::vector<Array>>(&argument)) {
      std::vector<Tensor> tensors;
      for (const Array& one : *list) tensors.push_back(add(one));
      operands.values.emplace_back(std::move(tensors));
    } else if (const auto* scalar = std::get_if<Scalar>(&argument)) {
      operands.values.emplace_back(*scalar);
    } else if (const auto* shape = std::get_if<Shape>(&argument)) {
      operands.values.emplace_back(*shape);
    } else if (const auto* dtype = std::get_if<DType>(&argument)) {
      operands.values.emplace_back(*dtype);
    } else if (const auto* text = std::get_if<std::string>(&argument)) {
      operands.values.emplace_back(*text);
    } else {
      operands.values.emplace_back();
    }
  }
  return operands;
}

bool applies(Layout layout, const Call& call) {
  if (layout == kContiguous) return true;
  size_t operands = 0;
  bool tells = false;
  Call copy = call;
  for_each_array(copy, [&](const Array& array, size_t) {
    ++operands;
    if (array.values.empty()) return;
    const int64_t rank = array.sizes.rank();
    if (layout == kOffset) tells = true;
    if (layout == kTransposed) tells |= rank >= 2;
    if (layout == kStep2) tells |= rank >= 1;
    if (layout == kBroadcast) tells |= rank >= 1 && array.sizes[0] > 1;
    if (layout == kMixed) tells |= rank >= 2;
  });
  return tells && (layout != kMixed || operands >= 2);
}

Call repeated(const Call& call, Layout layout, bool writes_self) {
  Call result = call;
  for_each_array(result, [&](Array& array, size_t operand) {
    if (layout_of(layout, operand, writes_self) == kBroadcast) repeat_first(array);
  });
  return result;
}

Array to_array(const Tensor& tensor) {
  return {tensor.sizes(), tensor.dtype(), tensor.to_vector<double>()};
}

std::vector<Tensor> tensors_of(const std::vector<Value>& results) {
  std::vector<Tensor> tensors;
  for (const Value& value : results) {
    if (const auto* tensor = std::get_if<Tensor>(&value)) tensors.push_back(*tensor);
    if (const auto* list = std::get_if<std::vector<Tensor>>(&value))
      tensors.insert(tensors.end(), list->begin(), list->end());
  }
  return tensors;
}

std::string layout_name(Layout layout) {
  switch (layout) {
    case kContiguous:
      return "contiguous";
    case kOffset:
      return "offset";
    case kTransposed:
      return "transposed";
    case kStep2:
      return "step2";
    case kBroadcast:
      return "broadcast";
    default:
      return "mixed";
  }
}

}  // namespace tenon::ops_test
