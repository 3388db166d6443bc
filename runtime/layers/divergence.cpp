// Two results of one launch beside each other.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/error.h>
#include <tenon/runtime/layers/recorded_launch_internal.h>

namespace tenon::layers {
namespace {

constexpr std::string_view kRequired[] = {
    TN_OP_FILL,    TN_OP_COPY, TN_OP_PROGRAM, TN_OP_REDUCE,        TN_OP_MATMUL,  TN_OP_GATHER,
    TN_OP_SCATTER, TN_OP_SCAN, TN_OP_SORT,    TN_OP_NONZERO_COUNT, TN_OP_NONZERO, TN_OP_RANDOM};

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

double decode(DType dtype, const std::byte* at) {
  switch (dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return load<uint8_t>(at);
    case DType::kInt8:
      return load<int8_t>(at);
    case DType::kInt16:
      return load<int16_t>(at);
    case DType::kInt32:
      return load<int32_t>(at);
    case DType::kInt64:
      return static_cast<double>(load<int64_t>(at));
    case DType::kFloat16:
      return static_cast<float>(load<Half>(at));
    case DType::kBFloat16:
      return static_cast<float>(load<BFloat16>(at));
    case DType::kFloat32:
      return load<float>(at);
    case DType::kFloat64:
      return load<double>(at);
  }
  return 0;
}

// Bits of the significand, the leading one included.
int precision_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
      return 11;
    case DType::kBFloat16:
      return 8;
    case DType::kFloat32:
      return 24;
    default:
      return 53;
  }
}

// Distance between two neighbours of that magnitude.
double unit_at(DType dtype, double magnitude) {
  if (magnitude == 0 || !std::isfinite(magnitude)) return 0;
  return std::ldexp(1.0, std::ilogb(magnitude) + 1 - precision_of(dtype));
}

uint64_t units_apart(DType dtype, double a, double b) {
  const double unit = unit_at(dtype, std::max(std::abs(a), std::abs(b)));
  const double units = unit == 0 ? std::numeric_limits<double>::infinity() : std::abs(a - b) / unit;
  return units < 1e18 ? static_cast<uint64_t>(std::llround(units)) : UINT64_MAX;
}

double greatest(const RecordedOperand& operand) {
  double most = 0;
  const auto dtype = static_cast<DType>(operand.dtype);
  if (!is_floating_point(dtype)) return most;
  each_element(operand, [&](const std::vector<int64_t>&, size_t place) {
    const double value = std::abs(decode(dtype, operand.bytes.data() + place));
    if (std::isfinite(value)) most = std::max(most, value);
    return true;
  });
  return most;
}

double count_of(const RecordedOperand& operand) {
  double count = 1;
  for (const int64_t extent : operand.shape) count *= static_cast<double>(extent);
  return count;
}

// What roundings beside that of the result may change in one element: for sums, a unit of the sum
// of magnitudes of the terms, since their order is the device's own.
double sum_slack(const RecordedLaunch& launch, DType dtype) {
  const auto input = [&](size_t i) -> const RecordedOperand& {
    return launch.operands[launch.output_count + i];
  };
  const bool sums = launch.kernel == TN_OP_REDUCE || launch.kernel == TN_OP_SCAN ||
                    launch.kernel == TN_OP_SCATTER || launch.program.tail != 0;
  double magnitude = 0;
  if (!is_required(launch.kernel)) {
    // A product over K terms has sqrt(|a||b|/|out|) = K; a window counts its sides once, hence
    // the 8.
    // Without a product: a dozen roundings, each as large as a unit of the greatest operand (a step
    // of Adam takes the parameter nearly to 0).
    constexpr double kRoundings = 12;
    for (const RecordedOperand& operand : launch.operands)
      magnitude = std::max(magnitude, kRoundings * greatest(operand));
    if (launch.operands.size() >= launch.output_count + 2u) {
      const double terms = std::sqrt(count_of(input(0)) * count_of(input(1)) /
                                     std::max(1.0, count_of(launch.operands[0])));
      magnitude += 8 * terms * greatest(input(0)) * greatest(input(1));
    }
  } else if (launch.kernel == TN_OP_MATMUL) {
    const double terms = static_cast<double>(input(0).shape.back());
    magnitude = terms * greatest(input(0)) * greatest(input(1));
  } else if (sums) {
    for (size_t i = launch.output_count; i < launch.operands.size(); ++i)
      magnitude = std::max(magnitude, greatest(launch.operands[i]) * count_of(launch.operands[i]));
  } else {
    // One rounding for each instruction, as large as a unit of the greatest input.
    const size_t roundings = std::max<size_t>(1, launch.program.instructions.size() / 4);
    for (size_t i = launch.output_count; i < launch.operands.size(); ++i)
      magnitude =
          std::max(magnitude, static_cast<double>(roundings) * greatest(launch.operands[i]));
  }
  return std::ldexp(magnitude, 1 - precision_of(dtype));
}

std::string number_text(double value) {
  char text[40];
  static_cast<void>(std::snprintf(text, sizeof text, "%.9g", value));
  return text;
}

std::string list_text(const std::vector<int64_t>& list) {
  std::string text = "(";
  for (size_t i = 0; i < list.size(); ++i) text += join_text(i == 0 ? "" : ", ", list[i]);
  return text + ")";
}

}  // namespace

bool is_required(std::string_view kernel) {
  return std::find(std::begin(kRequired), std::end(kRequired), kernel) != std::end(kRequired);
}

std::unique_ptr<Divergence> find_divergence(const RecordedLaunch& launch,
                                            const std::vector<std::vector<std::byte>>& first,
                                            const std::vector<std::vector<std::byte>>& second) {
  constexpr double kUnits = 64;
  for (uint32_t i = 0; i < launch.output_count; ++i) {
    const auto dtype = static_cast<DType>(launch.operands[i].dtype);
    const auto size = static_cast<size_t>(size_bytes(dtype));
    const double slack = is_floating_point(dtype) ? sum_slack(launch, dtype) : 0;
    std::unique_ptr<Divergence> found;
    each_element(launch.operands[i], [&](const std::vector<int64_t>& index, size_t place) {
      const std::byte *a = first[i].data() + place, *b = second[i].data() + place;
      if (std::memcmp(a, b, size) == 0) return true;
      const double x = decode(dtype, a), y = decode(dtype, b);
      if (is_floating_point(dtype) && ((std::isnan(x) && std::isnan(y)) || x == y)) return true;
      const double allowed =
          is_floating_point(dtype)
              ? kUnits * unit_at(dtype, std::max(std::abs(x), std::abs(y))) + slack
              : 0;
      if (is_floating_point(dtype) && std::abs(x - y) <= allowed) return true;
      found = std::make_unique<Divergence>(
          Divergence{i, index, x, y, units_apart(dtype, x, y), allowed});
      return false;
    });
    if (found != nullptr) return found;
  }
  return nullptr;
}

std::string describe(const Divergence& divergence, std::string_view first_device,
                     std::string_view second_device) {
  return join_text("output ", divergence.output, ", element ", list_text(divergence.index), ": ",
                   first_device, " gives ", number_text(divergence.first), ", ", second_device,
                   " gives ", number_text(divergence.second), ", ",
                   divergence.ulp == UINT64_MAX ? std::string("far more than any")
                                                : std::to_string(divergence.ulp),
                   " units in the last place apart (", number_text(divergence.allowed),
                   " is allowed)");
}

std::string describe_operands(const RecordedLaunch& launch) {
  std::string text;
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    const RecordedOperand& operand = launch.operands[i];
    const bool out = i < launch.output_count;
    text +=
        join_text(i == 0 ? "" : "; ", out ? "output " : "input ", out ? i : i - launch.output_count,
                  " ", name(static_cast<DType>(operand.dtype)), " ", list_text(operand.shape),
                  " strides ", list_text(operand.strides));
  }
  return text;
}

}  // namespace tenon::layers
