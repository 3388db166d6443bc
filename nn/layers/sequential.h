// Modules in a row.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

// y = m_k(… m_2(m_1(x))). The modules are named "0", "1", … or as given to push_back.
//   nn::Sequential net{nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10)};
// Braces make the modules, and so draw their initial values, from left to right; with parentheses
// the compiler chooses.
class TENON_API Sequential : public Cloneable<Sequential> {
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

  template <std::derived_from<Module> M>
  void push_back(const std::string& name, std::shared_ptr<M> module) {
    register_module(name, std::move(module));
  }
  template <class M>
  requires std::derived_from<std::remove_cvref_t<M>, Module>
  void push_back(const std::string& name, M&& module) {
    push_back(name, std::make_shared<std::remove_cvref_t<M>>(std::forward<M>(module)));
  }
  template <class M>
  void push_back(M&& module) {
    push_back(std::to_string(size()), std::forward<M>(module));
  }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(children().size()); }
  // Errors: Index.
  [[nodiscard]] Module& operator[](int64_t index) const;
  // Errors: Index; InvalidArgument when the module is of another class.
  template <std::derived_from<Module> M>
  [[nodiscard]] M& at(int64_t index) const {
    M* module = dynamic_cast<M*>(&(*this)[index]);
    check(module != nullptr, ErrorCode::kInvalidArgument, "Sequential::at", "module ", index,
          " is ", (*this)[index].describe(), "; ask for that class");
    return *module;
  }
};

}  // namespace tenon::nn
