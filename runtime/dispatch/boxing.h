// Calls with run-time typed arguments: the door for bindings, traces and tests.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

// A boxed argument or result; monostate is "not given" (None).
using Value =
    std::variant<std::monostate, Tensor, Scalar, Shape, std::vector<Tensor>, std::string, DType, Device>;
using Boxed = std::vector<Value> (*)(std::span<const Value> arguments);

namespace boxing {

[[noreturn]] TENON_API void fail_argument(size_t position, const char* expected);
[[noreturn]] TENON_API void fail_choice(size_t position, const Scalar& got);
[[noreturn]] TENON_API void fail_count(size_t expected, size_t got);

template <class T>
const T& get(const Value& value, size_t position, const char* expected) {
  const T* held = std::get_if<T>(&value);
  if (held == nullptr) fail_argument(position, expected);
  return *held;
}

// A number as one of an enum's type. Which of these are choices the op itself knows, and says.
template <class E>
E choice(const Scalar& scalar, size_t position) {
  const double number = scalar.to_double();
  constexpr double kMost = std::numeric_limits<std::underlying_type_t<E>>::max();
  const bool fits = number >= 0 && number <= kMost;
  if (!fits || static_cast<double>(scalar.to_int64()) != number) fail_choice(position, scalar);
  return static_cast<E>(scalar.to_int64());
}

template <class T>
struct From {  // arithmetic and enums
  static T get(const Value& value, size_t position) {
    const Scalar& scalar = boxing::get<Scalar>(value, position, "a number");
    if constexpr (std::is_enum_v<T>) return choice<T>(scalar, position);
    else return scalar.to<T>();
  }
};
template <>
struct From<Scalar> {
  static Scalar get(const Value& value, size_t position) {
    return boxing::get<Scalar>(value, position, "a number");
  }
};
template <>
struct From<Tensor> {
  static Tensor get(const Value& value, size_t position) {
    if (std::holds_alternative<std::monostate>(value)) return {};
    return boxing::get<Tensor>(value, position, "a tensor");
  }
};
template <>
struct From<Operand> {
  static Operand get(const Value& value, size_t position) {
    if (const auto* scalar = std::get_if<Scalar>(&value)) return *scalar;
    return boxing::get<Tensor>(value, position, "a tensor or a number");
  }
};
template <>
struct From<DType> {
  static DType get(const Value& value, size_t position) {
    return boxing::get<DType>(value, position, "a dtype");
  }
};
template <>
struct From<Shape> {
  static Shape get(const Value& value, size_t position) {
    if (std::holds_alternative<std::monostate>(value)) return {};
    return boxing::get<Shape>(value, position, "a list of integers");
  }
};
template <>
struct From<std::string_view> {
  static std::string_view get(const Value& value, size_t position) {
    return boxing::get<std::string>(value, position, "a text");
  }
};
template <>
struct From<std::span<const Tensor>> {
  static std::span<const Tensor> get(const Value& value, size_t position) {
    return boxing::get<std::vector<Tensor>>(value, position, "a list of tensors");
  }
};
template <class T>
struct From<std::optional<T>> {
  static std::optional<T> get(const Value& value, size_t position) {
    if (std::holds_alternative<std::monostate>(value)) return {};
    return From<T>::get(value, position);
  }
};
// Options come as a dtype, a device or None.
template <>
struct From<TensorOptions> {
  static TensorOptions get(const Value& value, size_t position) {
    if (std::holds_alternative<std::monostate>(value)) return {};
    if (const auto* dtype = std::get_if<DType>(&value)) return *dtype;
    return boxing::get<Device>(value, position, "a dtype or a device");
  }
};

inline void give(std::vector<Value>& results, const Tensor& tensor) { results.emplace_back(tensor); }
inline void give(std::vector<Value>& results, const std::pair<Tensor, Tensor>& both) {
  results.emplace_back(both.first);
  results.emplace_back(both.second);
}
inline void give(std::vector<Value>& results, const std::vector<Tensor>& tensors) {
  results.emplace_back(tensors);
}

// A mutable first argument (in-place, out=) lives in a local copy of the handle.
template <class Parameter>
using Holder = decltype(From<std::remove_cvref_t<Parameter>>::get(std::declval<const Value&>(), 0));

template <auto F, class R, class... Parameters, size_t... I>
std::vector<Value> call(std::span<const Value> arguments, R (*)(Parameters...), std::index_sequence<I...>) {
  static const Value kNone;
  const auto argument = [&](size_t i) -> const Value& {
    return i < arguments.size() ? arguments[i] : kNone;
  };
  std::tuple<Holder<Parameters>...> holders{From<std::remove_cvref_t<Parameters>>::get(argument(I), I)...};
  std::vector<Value> results;
  give(results, F(static_cast<Parameters>(std::get<I>(holders))...));
  return results;
}

template <class R, class... Parameters>
constexpr size_t arity(R (*)(Parameters...)) {
  return sizeof...(Parameters);
}

}  // namespace boxing

// The boxed form of a typed function: box<&relu>. Trailing arguments may be left out only where
// None is a value of the parameter (optional, tensor, list, options).
template <auto F>
std::vector<Value> box(std::span<const Value> arguments) {
  constexpr size_t kArity = boxing::arity(F);
  if (arguments.size() > kArity) boxing::fail_count(kArity, arguments.size());
  return boxing::call<F>(arguments, F, std::make_index_sequence<kArity>{});
}

}  // namespace tenon
