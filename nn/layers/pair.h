// A (height, width) setting of image layers.
#pragma once

#include <concepts>

#include <tenon/runtime/shape.h>

namespace tenon::nn {

struct Pair {
  int64_t height = 0, width = 0;

  // One number stands for both.
  template <std::integral T>
  constexpr Pair(T both) : height(static_cast<int64_t>(both)), width(height) {}
  constexpr Pair(int64_t h, int64_t w) : height(h), width(w) {}

  operator Shape() const { return {height, width}; }
  friend bool operator==(const Pair&, const Pair&) = default;
};

inline void append_text(std::string& text, const Pair& pair) { append_text(text, Shape(pair)); }

}  // namespace tenon::nn
