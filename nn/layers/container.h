// Modules and parameters in lists and dictionaries.
#pragma once

#include <initializer_list>

#include <tenon/nn/module.h>

namespace tenon::nn {

// Modules by position, named "0", "1", … or as given to push_back. What Sequential and ModuleList
// share.
template <class Derived>
class IndexedModules : public Cloneable<Derived> {
 public:
  IndexedModules() = default;
  template <std::derived_from<Module> M>
  void push_back(const std::string& name, std::shared_ptr<M> module) {
    this->register_module(name, std::move(module));
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

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(this->children().size()); }
  // Counts from the end when negative. Errors: Index.
  [[nodiscard]] Module& operator[](int64_t index) const {
    const std::vector<Module*> modules = this->children();
    const auto count = static_cast<int64_t>(modules.size());
    check(index >= -count && index < count, ErrorCode::kIndex, "Module", "expected an index in [",
          -count, ", ", count, "), got ", index);
    return *modules[static_cast<size_t>(index < 0 ? index + count : index)];
  }
  // Errors: Index; InvalidArgument when the module is of another class.
  template <std::derived_from<Module> M>
  [[nodiscard]] M& at(int64_t index) const {
    M* module = dynamic_cast<M*>(&(*this)[index]);
    check(module != nullptr, ErrorCode::kInvalidArgument, "at", "module ", index, " is ",
          (*this)[index].describe(), "; ask for that class");
    return *module;
  }
};

// A list without a forward of its own; the class that holds it decides.
//   nn::ModuleList blocks;
//   for (int i = 0; i < 4; ++i) blocks.push_back(Block(64));
//   for (nn::Module* block : blocks.children()) x = (*block)(x);
class TENON_API ModuleList : public IndexedModules<ModuleList> {
 public:
  ModuleList() = default;
  // Modules by value, or shared_ptrs to them.
  template <class First, class... Rest>
  requires(!std::same_as<std::remove_cvref_t<First>, ModuleList> ||
           sizeof...(Rest) > 0) explicit ModuleList(First&& first, Rest&&... rest) {
    push_back(std::forward<First>(first));
    (push_back(std::forward<Rest>(rest)), ...);
  }
};

// Modules by name, in the order they were inserted.
class TENON_API ModuleDict : public Cloneable<ModuleDict> {
 public:
  // Errors: InvalidArgument for a name that is taken, empty or has a dot.
  template <class M>
  requires std::derived_from<std::remove_cvref_t<M>, Module>
  void insert(const std::string& name, M&& module) {
    register_module(name, std::make_shared<std::remove_cvref_t<M>>(std::forward<M>(module)));
  }
  template <std::derived_from<Module> M>
  void insert(const std::string& name, std::shared_ptr<M> module) {
    register_module(name, std::move(module));
  }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(children().size()); }
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  // Errors: InvalidArgument, with the names that there are.
  [[nodiscard]] Module& operator[](const std::string& name) { return get_submodule(name); }
};

// Parameters by position, named "0", "1", …
class TENON_API ParameterList : public Cloneable<ParameterList> {
 public:
  ParameterList() = default;
  explicit ParameterList(const std::vector<Tensor>& values);
  // Tensors that do not require a gradient become parameters.
  void push_back(const Tensor& value);
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(count_); }
  // Counts from the end when negative. Errors: Index.
  [[nodiscard]] Tensor& operator[](int64_t index);
  [[nodiscard]] std::string describe() const override;

 private:
  size_t count_ = 0;
};

// Parameters by name, in the order they were inserted.
class TENON_API ParameterDict : public Cloneable<ParameterDict> {
 public:
  // Errors: InvalidArgument for a name that is taken, empty or has a dot.
  void insert(const std::string& name, const Tensor& value);
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(names_.size()); }
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& keys() const noexcept { return names_; }
  // Errors: InvalidArgument.
  [[nodiscard]] Tensor& operator[](const std::string& name) { return own_tensor(name); }
  [[nodiscard]] std::string describe() const override;

 private:
  std::vector<std::string> names_;
};

}  // namespace tenon::nn
