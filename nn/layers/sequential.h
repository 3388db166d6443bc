// Modules in a row.
#pragma once

#include <tenon/nn/layers/container.h>

namespace tenon::nn {

// y = m_k(… m_2(m_1(x))). The modules are named "0", "1", … or as given to push_back.
//   nn::Sequential net{nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10)};
// Braces make the modules, and so draw their initial values, from left to right; with parentheses
// the compiler chooses.
class TENON_API Sequential : public IndexedModules<Sequential> {
 public:
  Sequential() = default;
  // Modules by value, or shared_ptrs to them.
  template <class First, class... Rest>
  requires(!std::same_as<std::remove_cvref_t<First>, Sequential> ||
           sizeof...(Rest) > 0) explicit Sequential(First&& first, Rest&&... rest) {
    push_back(std::forward<First>(first));
    (push_back(std::forward<Rest>(rest)), ...);
  }

  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

}  // namespace tenon::nn
