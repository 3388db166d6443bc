// Recurrent layers: RNN, LSTM, GRU and their cells.
// Dimensions: T time, B batch, I input size, H hidden size, L layers, D directions (1 or 2).
#pragma once

#include <utility>

#include <tenon/nn/module.h>

namespace tenon::nn {

enum class RNNNonlinearity : uint8_t { kTanh, kReLU };

struct RecurrentOptions {
  int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;  // (B, T, …) in place of (T, B, …)
  double dropout = 0;        // of the outputs of each layer but the last, in training
  bool bidirectional = false;
  TensorOptions tensor = {};  // dtype and device of the parameters
};

// What a step hands to the next.
struct LSTMState {
  Tensor h, c;
};

// Layers over whole sequences. Called as a plain module they return the output alone.
//   Shapes: input (T, B, I), (B, T, I) with batch_first, or (T, I) for one sequence; output the
//   same with D·H in place of I; states (L·D, B, H), or (L·D, H) for one sequence; undefined ones
//   are 0. Parameters of layer l, PyTorch's names: weight_ih_l{l} (G·H, I or D·H), weight_hh_l{l}
//   (G·H, H), bias_ih_l{l}, bias_hh_l{l} (G·H), and the same with _reverse; G gates, stacked.
// Initial values: all from U[−1/√H, 1/√H).
// Errors: InvalidArgument for sizes that are not positive, dropout outside [0, 1], other shapes.
class TENON_API RecurrentLayer : public Module {
 public:
  // The output of a sequence from a state of 0.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 protected:
  // The tensors of one layer and direction.
  struct Weights {
    Tensor input, hidden, input_bias, hidden_bias;
  };
  RecurrentLayer(const char* name, int64_t gates, int64_t input_size, int64_t hidden_size,
                 const RecurrentOptions& options);
  // All steps of one layer in one direction. x: (T, B, I); begin.h (B, H). Writes h after step t to
  // outputs[t]; steps go backwards when `reverse`.
  [[nodiscard]] LSTMState run_direction(const Tensor& x, LSTMState begin, const Weights& weights,
                                        bool reverse, std::vector<Tensor>& outputs) const;
  // One step. x: what the input adds to the gates, (B, G·H).
  [[nodiscard]] virtual LSTMState step(const Tensor& x, const LSTMState& state,
                                       const Weights& weights) const = 0;
  // Whether the hidden bias is added with the input's, before the steps.
  [[nodiscard]] virtual bool biases_add_up() const { return true; }
  [[nodiscard]] virtual bool has_cell() const { return false; }
  [[nodiscard]] std::pair<Tensor, LSTMState> run(const Tensor& input, const LSTMState& begin);

 private:
  [[nodiscard]] Weights weights_of(int64_t layer, bool reverse);
  [[nodiscard]] Tensor checked_state(const Tensor& given, const Tensor& input,
                                     const char* what) const;

  const char* name_;
  int64_t input_size_, hidden_size_;
  RecurrentOptions options_;
};

// h′ = tanh(W_ih·x + b_ih + W_hh·h + b_hh), or relu(…)
// Source: torch.nn.RNN; Elman, 1990.
class TENON_API RNN : public Cloneable<RNN, RecurrentLayer> {
 public:
  RNN(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {},
      RNNNonlinearity nonlinearity = RNNNonlinearity::kTanh);
  // (output, h of the last step).
  [[nodiscard]] std::pair<Tensor, Tensor> operator()(const Tensor& input, const Tensor& h = {});

 protected:
  [[nodiscard]] LSTMState step(const Tensor& x, const LSTMState& state,
                               const Weights& weights) const override;

 private:
  RNNNonlinearity nonlinearity_;
};

// (i, f, g, o) = W_ih·x + b_ih + W_hh·h + b_hh
// c′ = σ(f)·c + σ(i)·tanh(g),   h′ = σ(o)·tanh(c′)
// Source: torch.nn.LSTM; Hochreiter and Schmidhuber, 1997.
class TENON_API LSTM : public Cloneable<LSTM, RecurrentLayer> {
 public:
  LSTM(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {});
  // (output, h and c of the last step).
  [[nodiscard]] std::pair<Tensor, LSTMState> operator()(const Tensor& input,
                                                        const LSTMState& state = {});

 protected:
  [[nodiscard]] LSTMState step(const Tensor& x, const LSTMState& state,
                               const Weights& weights) const override;
  [[nodiscard]] bool has_cell() const override { return true; }
};

// r = σ(x_r + h_r),   z = σ(x_z + h_z),   n = tanh(x_n + r·h_n),   h′ = (1 − z)·n + z·h
// where (x_r, x_z, x_n) = W_ih·x + b_ih and (h_r, h_z, h_n) = W_hh·h + b_hh
// Source: torch.nn.GRU; Cho et al., 2014.
class TENON_API GRU : public Cloneable<GRU, RecurrentLayer> {
 public:
  GRU(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {});
  // (output, h of the last step).
  [[nodiscard]] std::pair<Tensor, Tensor> operator()(const Tensor& input, const Tensor& h = {});

 protected:
  [[nodiscard]] LSTMState step(const Tensor& x, const LSTMState& state,
                               const Weights& weights) const override;
  [[nodiscard]] bool biases_add_up() const override { return false; }
};

struct CellOptions {
  bool bias = true;
  TensorOptions tensor = {};
};

// One step of a layer. Shapes: input (B, I) or (I), states (B, H) or (H); undefined ones are 0.
// Parameters weight_ih (G·H, I), weight_hh (G·H, H), bias_ih, bias_hh (G·H). Initial values and
// errors as the layers.
class TENON_API RecurrentCell : public Module {
 public:
  [[nodiscard]] std::string describe() const override;

  Tensor weight_ih, weight_hh;
  Tensor bias_ih, bias_hh;  // undefined without bias

 protected:
  RecurrentCell(const char* name, int64_t gates, int64_t input_size, int64_t hidden_size,
                const CellOptions& options);
  // `given`, checked, or zeros.
  [[nodiscard]] Tensor state_for(const Tensor& input, const Tensor& given) const;

 private:
  const char* name_;
  int64_t input_size_, hidden_size_;
};

class TENON_API RNNCell : public Cloneable<RNNCell, RecurrentCell> {
 public:
  RNNCell(int64_t input_size, int64_t hidden_size, const CellOptions& options = {},
          RNNNonlinearity nonlinearity = RNNNonlinearity::kTanh);
  [[nodiscard]] Tensor forward(const Tensor& input) override { return (*this)(input, Tensor()); }
  [[nodiscard]] Tensor operator()(const Tensor& input, const Tensor& h = {});

 private:
  RNNNonlinearity nonlinearity_;
};

class TENON_API LSTMCell : public Cloneable<LSTMCell, RecurrentCell> {
 public:
  LSTMCell(int64_t input_size, int64_t hidden_size, const CellOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override { return (*this)(input).h; }
  [[nodiscard]] LSTMState operator()(const Tensor& input, const LSTMState& state = {});
};

class TENON_API GRUCell : public Cloneable<GRUCell, RecurrentCell> {
 public:
  GRUCell(int64_t input_size, int64_t hidden_size, const CellOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override { return (*this)(input, Tensor()); }
  [[nodiscard]] Tensor operator()(const Tensor& input, const Tensor& h = {});
};

}  // namespace tenon::nn
