#include <tenon/nn/init.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace tenon::nn::init {

namespace {

double kaiming_stddev(const Tensor& tensor, const KaimingOptions& options) {
  const Fans both = fans(tensor);
  const int64_t fan = options.mode == FanMode::kFanIn ? both.in : both.out;
  return calculate_gain(options.nonlinearity, options.slope) / std::sqrt(static_cast<double>(fan));
}

double xavier_stddev(const Tensor& tensor, double gain) {
  const Fans both = fans(tensor);
  return gain * std::sqrt(2.0 / static_cast<double>(both.in + both.out));
}

Tensor& uniform_of_stddev(Tensor& tensor, double stddev) {
  const double bound = std::sqrt(3.0) * stddev;
  return uniform_(tensor, -bound, bound);
}

// Host values into the tensor, whatever its dtype and device.
Tensor& set_values(Tensor& target, const std::vector<double>& values) {
  const NoGradGuard no_grad;
  const Tensor host = tenon::tensor(std::span<const double>(values), target.sizes(),
                                    TensorOptions(kFloat64, Device()));
  return target.copy_(host.to(target.dtype()).to(target.device()));
}

// Draws of f32 on the tensor's device, for the host: the same bits on all.
std::vector<double> draw_uniform(const Tensor& like) {
  Tensor draws = empty(like.sizes(), {kFloat32, like.device()});
  return draws.uniform_().to_vector<double>();
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// x with normal_cdf(x) = p: bisection, since it runs once per network.
double inverse_normal_cdf(double p) {
  double low = -40, high = 40;
  for (int i = 0; i < 64; ++i) {
    const double middle = (low + high) / 2;
    (normal_cdf(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

// Gram-Schmidt on rows of length `width`, each taken twice against the ones before for accuracy.
// The diagonal of the triangular factor is positive.
void orthonormalise(std::vector<double>& rows, size_t count, size_t width) {
  for (size_t i = 0; i < count; ++i) {
    double* row = rows.data() + i * width;
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t j = 0; j < i; ++j) {
        const double* other = rows.data() + j * width;
        const double share = std::inner_product(row, row + width, other, 0.0);
        for (size_t k = 0; k < width; ++k) row[k] -= share * other[k];
      }
    }
    const double length = std::sqrt(std::inner_product(row, row + width, row, 0.0));
    for (size_t k = 0; k < width; ++k) row[k] /= length;
  }
}

}  // namespace

Fans fans(const Tensor& tensor) {
  check(tensor.dim() >= 2, ErrorCode::kInvalidArgument, "fans",
        "expected at least 2 dimensions, got ", tensor.sizes());
  const int64_t kernel = tensor.sizes().slice(2, tensor.dim()).numel();
  return {checked_mul(tensor.size(1), kernel), checked_mul(tensor.size(0), kernel)};
}

double calculate_gain(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::kTanh:
      return 5.0 / 3.0;
    case Nonlinearity::kReLU:
      return std::sqrt(2.0);
    case Nonlinearity::kLeakyReLU:
      return std::sqrt(2.0 / (1.0 + slope * slope));
    case Nonlinearity::kSELU:
      return 3.0 / 4.0;
    case Nonlinearity::kLinear:
    case Nonlinearity::kSigmoid:
      break;
  }
  return 1.0;
}

Tensor& uniform_(Tensor& tensor, double low, double high) {
  const NoGradGuard no_grad;
  return tensor.uniform_(low, high);
}

Tensor& normal_(Tensor& tensor, double mean, double stddev) {
  const NoGradGuard no_grad;
  return tensor.normal_(mean, stddev);
}

Tensor& constant_(Tensor& tensor, Scalar value) {
  const NoGradGuard no_grad;
  return tensor.fill_(value);
}

Tensor& zeros_(Tensor& tensor) { return constant_(tensor, 0); }
Tensor& ones_(Tensor& tensor) { return constant_(tensor, 1); }

Tensor& eye_(Tensor& tensor) {
  check(tensor.dim() == 2, ErrorCode::kInvalidArgument, "eye_", "expected 2 dimensions, got ",
        tensor.sizes());
  const NoGradGuard no_grad;
  return tensor.copy_(eye(tensor.size(0), tensor.size(1), tensor.options()));
}

Tensor& dirac_(Tensor& tensor, int64_t groups) {
  check(tensor.dim() >= 3 && tensor.dim() <= 5, ErrorCode::kInvalidArgument, "dirac_",
        "expected 3, 4 or 5 dimensions, got ", tensor.sizes());
  check(groups > 0 && tensor.size(0) % groups == 0, ErrorCode::kInvalidArgument, "dirac_",
        "groups must divide the output channels, got ", groups, " for ", tensor.size(0));
  const int64_t kernel = tensor.sizes().slice(2, tensor.dim()).numel();
  int64_t middle = 0;
  for (int64_t d = 2; d < tensor.dim(); ++d) middle = middle * tensor.size(d) + tensor.size(d) / 2;
  const int64_t outputs = tensor.size(0) / groups, inputs = tensor.size(1);
  std::vector<double> values(static_cast<size_t>(tensor.numel()), 0.0);
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t c = 0; c < std::min(outputs, inputs); ++c)
      values[static_cast<size_t>(((group * outputs + c) * inputs + c) * kernel + middle)] = 1;
  return set_values(tensor, values);
}

Tensor& trunc_normal_(Tensor& tensor, double mean, double stddev, double low, double high) {
  check(low < high && stddev > 0, ErrorCode::kInvalidArgument, "trunc_normal_",
        "expected low < high and stddev > 0, got ", low, ", ", high, " and ", stddev);
  const double first = normal_cdf((low - mean) / stddev), last = normal_cdf((high - mean) / stddev);
  std::vector<double> values = draw_uniform(tensor);
  for (double& value : values)
    value =
        std::clamp(mean + stddev * inverse_normal_cdf(first + (last - first) * value), low, high);
  return set_values(tensor, values);
}

Tensor& orthogonal_(Tensor& tensor, double gain) {
  check(tensor.dim() >= 2, ErrorCode::kInvalidArgument, "orthogonal_",
        "expected at least 2 dimensions, got ", tensor.sizes());
  if (tensor.numel() == 0) return tensor;
  const auto rows = static_cast<size_t>(tensor.size(0));
  const auto columns = static_cast<size_t>(tensor.numel()) / rows;
  const size_t count = std::min(rows, columns), width = std::max(rows, columns);
  Tensor draws = empty(tensor.sizes(), {kFloat32, tensor.device()});
  std::vector<double> matrix = draws.normal_().to_vector<double>();
  orthonormalise(matrix, count, width);
  if (rows <= columns) {
    for (double& value : matrix) value *= gain;
    return set_values(tensor, matrix);
  }
  std::vector<double> values(matrix.size());
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j) values[i * columns + j] = gain * matrix[j * width + i];
  return set_values(tensor, values);
}

Tensor& sparse_(Tensor& tensor, double sparsity, double stddev) {
  check(tensor.dim() == 2, ErrorCode::kInvalidArgument, "sparse_", "expected 2 dimensions, got ",
        tensor.sizes());
  check(sparsity >= 0 && sparsity <= 1, ErrorCode::kInvalidArgument, "sparse_",
        "the sparsity must be in [0, 1], got ", sparsity);
  const auto rows = static_cast<size_t>(tensor.size(0));
  const auto columns = static_cast<size_t>(tensor.size(1));
  const auto zeros = static_cast<size_t>(std::ceil(sparsity * static_cast<double>(rows)));
  // The rows with the least draws of each column.
  const std::vector<double> draws = draw_uniform(tensor);
  std::vector<double> keep(draws.size(), 1.0);
  std::vector<size_t> order(rows);
  for (size_t column = 0; column < columns; ++column) {
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return draws[a * columns + column] < draws[b * columns + column];
    });
    for (size_t i = 0; i < zeros; ++i) keep[order[i] * columns + column] = 0;
  }
  Tensor mask = empty(tensor.sizes(), tensor.options());
  set_values(mask, keep);
  const NoGradGuard no_grad;
  return tensor.normal_(0, stddev).mul_(mask);
}

Tensor& kaiming_uniform_(Tensor& tensor, const KaimingOptions& options) {
  return uniform_of_stddev(tensor, kaiming_stddev(tensor, options));
}

Tensor& kaiming_normal_(Tensor& tensor, const KaimingOptions& options) {
  return normal_(tensor, 0, kaiming_stddev(tensor, options));
}

Tensor& xavier_uniform_(Tensor& tensor, double gain) {
  return uniform_of_stddev(tensor, xavier_stddev(tensor, gain));
}

Tensor& xavier_normal_(Tensor& tensor, double gain) {
  return normal_(tensor, 0, xavier_stddev(tensor, gain));
}

void layer_uniform_(Tensor& weight, Tensor& bias) {
  const int64_t fan_in = fans(weight).in;
  const double bound = fan_in > 0 ? 1.0 / std::sqrt(static_cast<double>(fan_in)) : 0.0;
  uniform_(weight, -bound, bound);
  if (bias.defined()) uniform_(bias, -bound, bound);
}

}  // namespace tenon::nn::init
