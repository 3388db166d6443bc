#include <tenon/nn/layers/recurrent.h>

#include <tenon/nn/init.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/ops.h>

#include <cmath>

namespace tenon::nn {

namespace {

// Gate `position` of stacked gates (B, G·H).
Tensor gate(const Tensor& gates, int64_t position, int64_t hidden) {
  return gates.narrow(-1, position * hidden, hidden);
}

LSTMState lstm_step(const Tensor& gates, const Tensor& c) {
  const int64_t hidden = c.size(-1);
  const Tensor input = sigmoid(gate(gates, 0, hidden)), forget = sigmoid(gate(gates, 1, hidden));
  const Tensor cell = tanh(gate(gates, 2, hidden)), output = sigmoid(gate(gates, 3, hidden));
  const Tensor next = addcmul(forget * c, input, cell);
  return {output * tanh(next), next};
}

Tensor gru_step(const Tensor& x, const Tensor& h_gates, const Tensor& h) {
  const int64_t hidden = h.size(-1);
  const Tensor reset = sigmoid(gate(x, 0, hidden) + gate(h_gates, 0, hidden));
  const Tensor update = sigmoid(gate(x, 1, hidden) + gate(h_gates, 1, hidden));
  const Tensor proposed = tanh(addcmul(gate(x, 2, hidden), reset, gate(h_gates, 2, hidden)));
  return addcmul(proposed, update, h - proposed);
}

Tensor rnn_step(const Tensor& sum, RNNNonlinearity nonlinearity) {
  return nonlinearity == RNNNonlinearity::kTanh ? tanh(sum) : relu(sum);
}

Tensor uniform_parameter(const Shape& sizes, int64_t hidden, const TensorOptions& options) {
  Tensor value = parameter(empty(sizes, options));
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  init::uniform_(value, -bound, bound);
  return value;
}

void check_sizes(const char* name, int64_t input_size, int64_t hidden_size) {
  check(input_size > 0 && hidden_size > 0, ErrorCode::kInvalidArgument, name,
        "sizes must be > 0, got ", input_size, " and ", hidden_size);
}

}  // namespace

// ---- layers ----

RecurrentLayer::RecurrentLayer(const char* name, int64_t gates, int64_t input_size,
                               int64_t hidden_size, const RecurrentOptions& options)
    : name_(name), input_size_(input_size), hidden_size_(hidden_size), options_(options) {
  check_sizes(name, input_size, hidden_size);
  check(options.num_layers > 0, ErrorCode::kInvalidArgument, name, "num_layers must be > 0, got ",
        options.num_layers);
  check(options.dropout >= 0 && options.dropout <= 1, ErrorCode::kInvalidArgument, name,
        "dropout must be in [0, 1], got ", options.dropout);
  const int64_t directions = options.bidirectional ? 2 : 1, rows = gates * hidden_size;
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    const int64_t columns = layer == 0 ? input_size : directions * hidden_size;
    for (int64_t direction = 0; direction < directions; ++direction) {
      const std::string suffix = join_text("_l", layer, direction == 1 ? "_reverse" : "");
      const auto add = [&](const char* what, const Shape& sizes) {
        register_parameter(what + suffix, uniform_parameter(sizes, hidden_size, options.tensor));
      };
      add("weight_ih", {rows, columns});
      add("weight_hh", {rows, hidden_size});
      if (!options.bias) continue;
      add("bias_ih", {rows});
      add("bias_hh", {rows});
    }
  }
}

RecurrentLayer::Weights RecurrentLayer::weights_of(int64_t layer, bool reverse) {
  const std::string suffix = join_text("_l", layer, reverse ? "_reverse" : "");
  Weights weights{own_tensor("weight_ih" + suffix), own_tensor("weight_hh" + suffix), {}, {}};
  if (options_.bias) {
    weights.input_bias = own_tensor("bias_ih" + suffix);
    weights.hidden_bias = own_tensor("bias_hh" + suffix);
  }
  return weights;
}

// (L·D, B, H) for an input (T, B, I).
Tensor RecurrentLayer::checked_state(const Tensor& given, const Tensor& input,
                                     const char* what) const {
  const Shape sizes = {options_.num_layers * (options_.bidirectional ? 2 : 1), input.size(1),
                       hidden_size_};
  if (!given.defined()) return zeros(sizes, input.options());
  check(given.sizes() == sizes, ErrorCode::kInvalidArgument, name_, "expected ", what, " of sizes ",
        sizes, ", got ", given.sizes());
  return given;
}

LSTMState RecurrentLayer::run_direction(const Tensor& x, LSTMState begin, const Weights& weights,
                                        bool reverse, std::vector<Tensor>& outputs) const {
  // The input's part of all steps is one product.
  Tensor bias = weights.input_bias;
  if (bias.defined() && biases_add_up()) bias = bias + weights.hidden_bias;
  const std::vector<Tensor> parts = linear(x, weights.input, bias).unbind(0);
  outputs.resize(parts.size());
  LSTMState state = std::move(begin);
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t t = reverse ? parts.size() - 1 - i : i;
    state = step(parts[t], state, weights);
    outputs[t] = state.h;
  }
  return state;
}

std::pair<Tensor, LSTMState> RecurrentLayer::run(const Tensor& input, const LSTMState& begin) {
  check(input.dim() == 2 || input.dim() == 3, ErrorCode::kInvalidArgument, name_,
        "expected an input of 2 or 3 dimensions, got ", input.sizes());
  check(input.size(-1) == input_size_, ErrorCode::kInvalidArgument, name_, "expected ", input_size_,
        " features in the last dimension, got ", input.sizes());
  const bool single = input.dim() == 2;
  const auto with_batch = [&](const Tensor& state) {
    return single && state.defined() ? state.unsqueeze(1) : state;
  };
  Tensor x = single ? input.unsqueeze(1) : options_.batch_first ? input.transpose(0, 1) : input;
  check(x.size(0) > 0, ErrorCode::kInvalidArgument, name_, "expected at least one step, got ",
        input.sizes());
  const Tensor h0 = checked_state(with_batch(begin.h), x, "h");
  const Tensor c0 = has_cell() ? checked_state(with_batch(begin.c), x, "c") : Tensor();
  std::vector<Tensor> h_last, c_last;
  const int64_t directions = options_.bidirectional ? 2 : 1;
  for (int64_t layer = 0; layer < options_.num_layers; ++layer) {
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < directions; ++direction) {
      const int64_t index = layer * directions + direction;
      std::vector<Tensor> steps;
      LSTMState end = run_direction(x, {h0[index], has_cell() ? c0[index] : Tensor()},
                                    weights_of(layer, direction == 1), direction == 1, steps);
      outputs.push_back(stack(steps));
      h_last.push_back(std::move(end.h));
      if (has_cell()) c_last.push_back(std::move(end.c));
    }
    x = outputs.size() == 1 ? outputs[0] : cat(outputs, 2);
    if (layer + 1 < options_.num_layers && options_.dropout > 0)
      x = dropout(x, options_.dropout, is_training());
  }
  if (single)
    x = x.squeeze(1);
  else if (options_.batch_first)
    x = x.transpose(0, 1);
  const auto joined = [&](const std::vector<Tensor>& states) {
    const Tensor all = stack(states);
    return single ? all.squeeze(1) : all;
  };
  return {x, {joined(h_last), has_cell() ? joined(c_last) : Tensor()}};
}

Tensor RecurrentLayer::forward(const Tensor& input) { return run(input, {}).first; }

std::string RecurrentLayer::describe() const {
  std::string text = join_text(name_, "(", input_size_, ", ", hidden_size_);
  if (options_.num_layers != 1) text += join_text(", num_layers=", options_.num_layers);
  if (!options_.bias) text += ", bias=false";
  if (options_.batch_first) text += ", batch_first=true";
  if (options_.dropout != 0) text += join_text(", dropout=", options_.dropout);
  if (options_.bidirectional) text += ", bidirectional=true";
  return text + ")";
}

RNN::RNN(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options,
         RNNNonlinearity nonlinearity)
    : Cloneable("RNN", 1, input_size, hidden_size, options), nonlinearity_(nonlinearity) {}

std::pair<Tensor, Tensor> RNN::operator()(const Tensor& input, const Tensor& h) {
  return guarded([&] {
    auto [output, state] = run(input, {h, {}});
    return std::pair(std::move(output), std::move(state.h));
  });
}

LSTMState RNN::step(const Tensor& x, const LSTMState& state, const Weights& weights) const {
  return {rnn_step(x + linear(state.h, weights.hidden), nonlinearity_), {}};
}

LSTM::LSTM(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options)
    : Cloneable("LSTM", 4, input_size, hidden_size, options) {}

std::pair<Tensor, LSTMState> LSTM::operator()(const Tensor& input, const LSTMState& state) {
  return guarded([&] { return run(input, state); });
}

LSTMState LSTM::step(const Tensor& x, const LSTMState& state, const Weights& weights) const {
  return lstm_step(x + linear(state.h, weights.hidden), state.c);
}

GRU::GRU(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options)
    : Cloneable("GRU", 3, input_size, hidden_size, options) {}

std::pair<Tensor, Tensor> GRU::operator()(const Tensor& input, const Tensor& h) {
  return guarded([&] {
    auto [output, state] = run(input, {h, {}});
    return std::pair(std::move(output), std::move(state.h));
  });
}

LSTMState GRU::step(const Tensor& x, const LSTMState& state, const Weights& weights) const {
  return {gru_step(x, linear(state.h, weights.hidden, weights.hidden_bias), state.h), {}};
}

// ---- cells ----

RecurrentCell::RecurrentCell(const char* name, int64_t gates, int64_t input_size,
                             int64_t hidden_size, const CellOptions& options)
    : name_(name), input_size_(input_size), hidden_size_(hidden_size) {
  check_sizes(name, input_size, hidden_size);
  const int64_t rows = gates * hidden_size;
  weight_ih = uniform_parameter({rows, input_size}, hidden_size, options.tensor);
  weight_hh = uniform_parameter({rows, hidden_size}, hidden_size, options.tensor);
  if (options.bias) {
    bias_ih = uniform_parameter({rows}, hidden_size, options.tensor);
    bias_hh = uniform_parameter({rows}, hidden_size, options.tensor);
  }
  register_parameter("weight_ih", &RecurrentCell::weight_ih);
  register_parameter("weight_hh", &RecurrentCell::weight_hh);
  register_parameter("bias_ih", &RecurrentCell::bias_ih);
  register_parameter("bias_hh", &RecurrentCell::bias_hh);
}

Tensor RecurrentCell::state_for(const Tensor& input, const Tensor& given) const {
  check(input.dim() == 1 || input.dim() == 2, ErrorCode::kInvalidArgument, name_,
        "expected an input of 1 or 2 dimensions, got ", input.sizes());
  check(input.size(-1) == input_size_, ErrorCode::kInvalidArgument, name_, "expected ", input_size_,
        " features in the last dimension, got ", input.sizes());
  const Shape sizes = input.dim() == 1 ? Shape{hidden_size_} : Shape{input.size(0), hidden_size_};
  if (!given.defined()) return zeros(sizes, input.options());
  check(given.sizes() == sizes, ErrorCode::kInvalidArgument, name_, "expected a state of sizes ",
        sizes, ", got ", given.sizes());
  return given;
}

std::string RecurrentCell::describe() const {
  return join_text(name_, "(", input_size_, ", ", hidden_size_,
                   bias_ih.defined() ? ")" : ", bias=false)");
}

RNNCell::RNNCell(int64_t input_size, int64_t hidden_size, const CellOptions& options,
                 RNNNonlinearity nonlinearity)
    : Cloneable("RNNCell", 1, input_size, hidden_size, options), nonlinearity_(nonlinearity) {}

Tensor RNNCell::operator()(const Tensor& input, const Tensor& h) {
  return guarded([&] {
    const Tensor state = state_for(input, h);
    return rnn_step(linear(input, weight_ih, bias_ih) + linear(state, weight_hh, bias_hh),
                    nonlinearity_);
  });
}

LSTMCell::LSTMCell(int64_t input_size, int64_t hidden_size, const CellOptions& options)
    : Cloneable("LSTMCell", 4, input_size, hidden_size, options) {}

LSTMState LSTMCell::operator()(const Tensor& input, const LSTMState& state) {
  return guarded([&] {
    const Tensor h = state_for(input, state.h), c = state_for(input, state.c);
    return lstm_step(linear(input, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh), c);
  });
}

GRUCell::GRUCell(int64_t input_size, int64_t hidden_size, const CellOptions& options)
    : Cloneable("GRUCell", 3, input_size, hidden_size, options) {}

Tensor GRUCell::operator()(const Tensor& input, const Tensor& h) {
  return guarded([&] {
    const Tensor state = state_for(input, h);
    return gru_step(linear(input, weight_ih, bias_ih), linear(state, weight_hh, bias_hh), state);
  });
}

}  // namespace tenon::nn
