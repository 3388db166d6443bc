#include <tenon/nn/layers/dropout.h>

#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/random.h>

namespace tenon::nn {

namespace {

void check_probability(const char* name, double probability) {
  check(probability >= 0 && probability <= 1, ErrorCode::kInvalidArgument, name,
        "the probability must be in [0, 1], got ", probability);
}

}  // namespace

Dropout::Dropout(double probability) : probability_(probability) {
  check_probability("Dropout", probability);
}

Tensor Dropout::forward(const Tensor& input) { return dropout(input, probability_, is_training()); }

std::string Dropout::describe() const { return join_text("Dropout(p=", probability_, ")"); }

ChannelDropout::ChannelDropout(const char* name, int64_t positions, double probability)
    : name_(name), positions_(positions), probability_(probability) {
  check_probability(name, probability);
}

Tensor ChannelDropout::forward(const Tensor& input) {
  check(input.dim() == positions_ + 2, ErrorCode::kInvalidArgument, name_, "expected an input of ",
        positions_ + 2, " dimensions, got ", input.sizes());
  if (!is_training() || probability_ == 0) return input;
  Shape sizes = {input.size(0), input.size(1)};
  while (sizes.rank() < input.dim()) sizes.push_back(1);
  return input * dropout(ones(sizes, input.options()), probability_, true);
}

std::string ChannelDropout::describe() const { return join_text(name_, "(p=", probability_, ")"); }

}  // namespace tenon::nn
