// Dropout layers.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

// Training: y = x·m / (1 − p), each m drawn as 0 with probability p, else 1. Evaluation: y = x.
// Shapes: output as input. Draws from the default generator.
// Errors: InvalidArgument unless 0 <= p <= 1.
// Source: Srivastava et al., 2014.
class TENON_API Dropout : public Cloneable<Dropout> {
 public:
  explicit Dropout(double probability = 0.5);
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double probability_;
};

// Dropout of whole channels, which is what neighbours that resemble each other need.
// Shapes: input (N, C, …) with one, two or three dimensions of positions; output as input.
// Errors: as Dropout, and InvalidArgument for inputs of other shapes.
// Source: torch.nn.Dropout2d; Tompson et al., 2015.
class TENON_API ChannelDropout : public Module {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 protected:
  ChannelDropout(const char* name, int64_t positions, double probability);

 private:
  const char* name_;
  int64_t positions_;
  double probability_;
};

class TENON_API Dropout1d : public Cloneable<Dropout1d, ChannelDropout> {
 public:
  explicit Dropout1d(double probability = 0.5) : Cloneable("Dropout1d", 1, probability) {}
};
class TENON_API Dropout2d : public Cloneable<Dropout2d, ChannelDropout> {
 public:
  explicit Dropout2d(double probability = 0.5) : Cloneable("Dropout2d", 2, probability) {}
};
class TENON_API Dropout3d : public Cloneable<Dropout3d, ChannelDropout> {
 public:
  explicit Dropout3d(double probability = 0.5) : Cloneable("Dropout3d", 3, probability) {}
};

}  // namespace tenon::nn
