// Tensors as text, by the rules of PyTorch's _tensor_str.py: 4 decimals, scientific notation for
// wide ranges, the edges only above 1000 elements.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/tensor.h>

namespace tenon {
namespace {

constexpr int64_t kEdgeItems = 3;
constexpr int64_t kThreshold = 1000;
constexpr size_t kLineWidth = 80;
constexpr std::string_view kPrefix = "tensor(";

std::string printed(const char* format, double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[400];  // %.0f of the greatest double has 309 digits
  const int length = std::snprintf(text, sizeof text, format, value);
  return {text, static_cast<size_t>(length)};
}

// ---- the elements that are shown ----

// Values row-major; a shortened dimension holds its first and last kEdgeItems only.
template <class T>
struct Shown {
  std::vector<T> values;
  Shape sizes;
  uint32_t shortened = 0;  // bit per dimension
};

// Copies `part` into its place, `begin` in every dimension.
template <class T>
void place(Shown<T>& shown, const Tensor& part, const Shape& begin) {
  const std::vector<T> values = part.to_vector<T>();
  const Shape sizes = part.sizes(), strides = contiguous_strides(shown.sizes);
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t rest = static_cast<int64_t>(i), at = 0;
    for (int64_t d = sizes.rank() - 1; d >= 0; --d) {
      at += (begin[d] + rest % sizes[d]) * strides[d];
      rest /= sizes[d];
    }
    shown.values[static_cast<size_t>(at)] = values[i];
  }
}

// Reads the corners of the dimensions from `dim` on that are shortened.
template <class T>
void read_corners(Shown<T>& shown, const Tensor& part, const Shape& begin, int64_t dim) {
  while (dim < part.dim() && (shown.shortened >> dim & 1u) == 0) ++dim;
  if (dim == part.dim()) return place(shown, part, begin);
  Shape behind = begin;
  behind[dim] = kEdgeItems;
  read_corners(shown, part.narrow(dim, 0, kEdgeItems), begin, dim + 1);
  read_corners(shown, part.narrow(dim, part.size(dim) - kEdgeItems, kEdgeItems), behind, dim + 1);
}

template <class T>
Shown<T> read(const Tensor& tensor) {
  Shown<T> shown{{}, tensor.sizes()};
  Shape begin = shown.sizes;
  for (int64_t d = 0; d < begin.rank(); ++d) {
    begin[d] = 0;
    if (tensor.numel() <= kThreshold || shown.sizes[d] <= 2 * kEdgeItems) continue;
    shown.sizes[d] = 2 * kEdgeItems;
    shown.shortened |= 1u << d;
  }
  shown.values.resize(static_cast<size_t>(shown.sizes.numel()));
  read_corners(shown, tensor, begin, 0);
  return shown;
}

// ---- one element ----

class FloatFormat {
 public:
  explicit FloatFormat(const std::vector<double>& values) {
    double least = INFINITY, greatest = 0;
    bool whole = true;
    for (const double value : values) {
      if (!std::isfinite(value) || value == 0) continue;
      least = std::min(least, std::fabs(value));
      greatest = std::max(greatest, std::fabs(value));
      whole = whole && value == std::ceil(value);
    }
    if (greatest == 0) return;  // nothing that has digits
    if (greatest / least > 1000 || greatest > 1e8 || least < 1e-4)
      format_ = "%.4e";
    else if (!whole)
      format_ = "%.4f";
    for (const double value : values)
      if (std::isfinite(value) && value != 0) width_ = std::max(width_, text(value).size());
  }
  [[nodiscard]] size_t width() const { return width_; }
  [[nodiscard]] std::string text(double value) const {
    const bool point = format_ == std::string_view("%.0f") && std::isfinite(value);
    return printed(format_, value) + (point ? "." : "");
  }

 private:
  const char* format_ = "%.0f";
  size_t width_ = 1;
};

class IntegerFormat {
 public:
  IntegerFormat(const std::vector<int64_t>& values, bool is_bool) : is_bool_(is_bool) {
    for (const int64_t value : values) width_ = std::max(width_, text(value).size());
  }
  [[nodiscard]] size_t width() const { return width_; }
  [[nodiscard]] std::string text(int64_t value) const {
    if (is_bool_) return value != 0 ? "True" : "False";
    return std::to_string(value);
  }

 private:
  bool is_bool_;
  size_t width_ = 1;
};

// ---- the nested brackets ----

template <class T, class Format>
class Layout {
 public:
  Layout(const Shown<T>& shown, const Format& format) : shown_(shown), format_(format) {}

  // Elements from `at` on, for dimensions `dim` and behind, with `indent` columns to the left.
  std::string text(int64_t dim, size_t at, size_t indent) const {
    const int64_t rank = shown_.sizes.rank();
    if (rank == 0) return element(at);
    if (dim == rank - 1) return row(at, indent);
    const int64_t count = shown_.sizes[dim];
    const auto stride = static_cast<size_t>(contiguous_strides(shown_.sizes)[dim]);
    const std::string separator =
        "," + std::string(static_cast<size_t>(rank - dim - 1), '\n') + std::string(indent + 1, ' ');
    std::string result = "[";
    for (int64_t i = 0; i < count; ++i) {
      if (i > 0) result += separator;
      if (is_gap(dim, i)) result += "..." + separator;
      result += text(dim + 1, at + static_cast<size_t>(i) * stride, indent + 1);
    }
    return result + "]";
  }

 private:
  bool is_gap(int64_t dim, int64_t i) const {
    return i == kEdgeItems && (shown_.shortened >> dim & 1u) != 0;
  }
  std::string element(size_t at) const {
    const std::string text = format_.text(shown_.values[at]);
    const size_t missing = format_.width() - std::min(format_.width(), text.size());
    return std::string(missing, ' ') + text;
  }
  std::string row(size_t at, size_t indent) const {
    const size_t per_line =
        std::max<size_t>(1, (kLineWidth - std::min(kLineWidth, indent)) / (format_.width() + 2));
    std::string result = "[";
    size_t cells = 0;
    const auto cell = [&](const std::string& text) {
      if (cells > 0) result += cells % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
      result += text;
      ++cells;
    };
    for (int64_t i = 0; i < shown_.sizes.back(); ++i) {
      if (is_gap(shown_.sizes.rank() - 1, i)) cell(" ...");
      cell(element(at + static_cast<size_t>(i)));
    }
    return result + "]";
  }

  const Shown<T>& shown_;
  const Format& format_;
};

template <class T, class Format>
std::string laid_out(const Shown<T>& shown, const Format& format) {
  return Layout<T, Format>(shown, format).text(0, 0, kPrefix.size());
}

std::string elements_text(const Tensor& tensor) {
  if (tensor.numel() == 0) return "[]";
  if (tensor.is_floating_point()) {
    const auto shown = read<double>(tensor);
    return laid_out(shown, FloatFormat(shown.values));
  }
  const auto shown = read<int64_t>(tensor);
  return laid_out(shown, IntegerFormat(shown.values, tensor.dtype() == kBool));
}

// ---- what follows the elements ----

std::vector<std::string> suffixes(const Tensor& tensor) {
  std::vector<std::string> result;
  const DType dtype = tensor.dtype();
  if (!tensor.device().is_cpu()) result.push_back("device='" + tensor.device().str() + "'");
  const bool is_empty = tensor.numel() == 0;
  if (is_empty && tensor.dim() != 1) result.push_back(join_text("size=", tensor.sizes()));
  // Without elements nothing else tells an integer tensor.
  const bool is_plain =
      dtype == default_dtype() || (!is_empty && (dtype == kInt64 || dtype == kBool));
  if (!is_plain) result.push_back(join_text("dtype=tenon.", dtype));
  if (record_hooks().print_suffix != nullptr) {
    std::string history = record_hooks().print_suffix(tensor);
    history.erase(0, history.find_first_not_of(" ,"));
    if (!history.empty()) result.push_back(std::move(history));
  }
  return result;
}

std::string with_suffixes(std::string text, const std::vector<std::string>& all) {
  const size_t line_start = text.rfind('\n');
  // Counted as PyTorch does: one more than the length when there is a single line.
  size_t line = line_start == std::string::npos ? text.size() + 2 : text.size() - line_start + 1;
  for (const std::string& suffix : all) {
    if (line + suffix.size() + 2 > kLineWidth) {
      text += ",\n" + std::string(kPrefix.size(), ' ') + suffix;
      line = kPrefix.size() + suffix.size();
    } else {
      text += ", " + suffix;
      line += suffix.size() + 2;
    }
  }
  return text + ")";
}

}  // namespace

std::string Tensor::str() const {
  if (!defined()) return "tensor(undefined)";
  const RecordingScope off(false);
  return with_suffixes(std::string(kPrefix) + elements_text(*this), suffixes(*this));
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  return stream << tensor.str();
}

}  // namespace tenon
