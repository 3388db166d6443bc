// Module: a tree of named parameters, buffers and submodules with a forward function.
//
//   struct Net : nn::Cloneable<Net> {
//     nn::Linear hidden{784, 128}, out{128, 10};
//     Net() {
//       register_module("hidden", &Net::hidden);
//       register_module("out", &Net::out);
//     }
//     Tensor forward(const Tensor& x) override { return out(relu(hidden(x.flatten(1)))); }
//   };
//
// Members are registered by pointer-to-member, so that the member stays the one place that holds
// the tensor or submodule, in copies too. Copying a module shares its parameters, as copying a
// Tensor shares memory; clone() makes independent ones.
#pragma once

#include <concepts>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <tenon/runtime/interop/safetensors.h>
#include <tenon/runtime/tensor.h>

namespace tenon::nn {

class Module;

enum class LoadMode : uint8_t {
  kStrict,   // the names must be the same
  kPartial,  // loads what both sides have; shapes must still agree
};

// Whether a buffer is part of the state dict.
enum class BufferKind : uint8_t { kPersistent, kTransient };

// How a state dict differed from a module.
struct LoadReport {
  std::vector<std::string> missing;     // in the module only
  std::vector<std::string> unexpected;  // in the state dict only
};

class TENON_API Module {
 public:
  // May return a replacement for the input or the output, or an undefined tensor.
  using PreHook = std::function<Tensor(Module&, const Tensor& input)>;
  using Hook = std::function<Tensor(Module&, const Tensor& input, const Tensor& output)>;
  // May return a replacement for the gradient of the input. It is undefined when the input takes no
  // part in the graph.
  using BackwardHook =
      std::function<Tensor(Module&, const Tensor& grad_input, const Tensor& grad_output)>;

  Module() = default;
  Module(const Module&) = default;
  Module(Module&&) = default;
  Module& operator=(const Module&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module();

  // What the module computes. Call the module itself instead: that also runs the hooks and adds
  // the module to the text of errors. Errors: Unsupported unless overridden.
  [[nodiscard]] virtual Tensor forward(const Tensor& input);
  [[nodiscard]] Tensor operator()(const Tensor& input);

  // ---- state; names are dotted paths as in PyTorch ("fc1.weight") ----
  // Each tensor once, even when modules share it.
  [[nodiscard]] std::vector<Tensor> parameters() const;
  [[nodiscard]] NamedTensors named_parameters() const;
  [[nodiscard]] NamedTensors named_buffers() const;
  // This module first (named ""), then its submodules, depth first.
  [[nodiscard]] std::vector<std::pair<std::string, Module*>> named_modules();
  // The submodules of this module alone, in order.
  [[nodiscard]] std::vector<Module*> children() const;
  [[nodiscard]] std::vector<std::pair<std::string, Module*>> named_children() const;
  // By dotted path; get_submodule("") is the module itself. Errors: InvalidArgument, with the names
  // that there are.
  [[nodiscard]] Tensor get_parameter(const std::string& path) const;
  [[nodiscard]] Tensor get_buffer(const std::string& path) const;
  [[nodiscard]] Module& get_submodule(const std::string& path);
  // Elements of all parameters, shared ones counted once.
  [[nodiscard]] int64_t num_parameters() const;
  // Calls `action` on every submodule, then on the module itself.
  void apply(const std::function<void(Module&)>& action);
  // Parameters and persistent buffers, outside the graph, memory shared.
  [[nodiscard]] NamedTensors state_dict() const;
  // Copies values into the module, across dtypes and devices. Nothing is changed on error.
  // Errors: InvalidArgument, with every difference in names and shapes.
  LoadReport load_state_dict(const NamedTensors& state, LoadMode mode = LoadMode::kStrict);

  // ---- settings of the whole tree ----
  virtual void train(bool on = true);
  void eval() { train(false); }
  [[nodiscard]] bool is_training() const noexcept { return training_; }
  // Moves or converts parameters, their gradients, and buffers; dtypes of floats only.
  void to(const Device& device);
  void to(DType dtype);
  void zero_grad();
  void requires_grad_(bool value = true);

  // ---- hooks; each returns an id for remove_hook ----
  uint64_t register_forward_pre_hook(PreHook hook);
  uint64_t register_forward_hook(Hook hook);
  // Called in every backward pass that reaches the module's output. The module must outlive it.
  uint64_t register_full_backward_hook(BackwardHook hook);
  void remove_hook(uint64_t id);

  // One line: "Linear(in_features=784, out_features=128, bias=true)".
  [[nodiscard]] virtual std::string describe() const;
  // The whole tree, as PyTorch prints it.
  [[nodiscard]] std::string str() const;
  // A deep copy: own parameters, buffers and submodules; what was shared inside stays shared.
  // Errors: Unsupported unless the class derives from Cloneable.
  [[nodiscard]] std::shared_ptr<Module> clone_module() const;

  // ---- registration. Names are unique, not empty and without dots. Errors: InvalidArgument ----
  template <class Owner>
  void register_parameter(const std::string& name, Tensor Owner::*member) {
    add_tensor(name, tensor_access(member), TensorKind::kParameter, BufferKind::kPersistent);
  }
  template <class Owner>
  void register_buffer(const std::string& name, Tensor Owner::*member,
                       BufferKind kind = BufferKind::kPersistent) {
    add_tensor(name, tensor_access(member), TensorKind::kBuffer, kind);
  }
  // A submodule held as a value or as a shared_ptr.
  template <class Owner, std::derived_from<Module> M>
  void register_module(const std::string& name, M Owner::*member) {
    add_module(name, {nullptr, nullptr, [member](Module& self) -> Module* {
                        return &(static_cast<Owner&>(self).*member);
                      }});
  }
  template <class Owner, std::derived_from<Module> M>
  void register_module(const std::string& name, std::shared_ptr<M> Owner::*member) {
    add_module(name, {nullptr,
                      [member](Module& self, std::shared_ptr<Module> module) {
                        static_cast<Owner&>(self).*member = std::static_pointer_cast<M>(module);
                      },
                      [member](Module& self) -> Module* {
                        return (static_cast<Owner&>(self).*member).get();
                      }});
  }
  // Held by the registry alone: for containers and modules built at run time. Do not keep such a
  // tensor or module in a member of a Cloneable: a clone would not find it.
  void register_parameter(const std::string& name, Tensor value);
  void register_buffer(const std::string& name, Tensor value,
                       BufferKind kind = BufferKind::kPersistent);
  template <std::derived_from<Module> M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> module) {
    add_module(name, {module, nullptr, nullptr});
    return module;
  }

 protected:
  // Shares everything; Cloneable defines it.
  [[nodiscard]] virtual std::unique_ptr<Module> copy_module() const;
  // The tensor or submodule registered under a name of its own (no path). Errors: InvalidArgument.
  [[nodiscard]] Tensor& own_tensor(std::string_view name);
  // Calls `compute`, and adds this module to the text of its errors, and of what anomaly detection
  // remembers: for what is not forward().
  template <class Compute>
  [[nodiscard]] auto guarded(const Compute& compute) const {
    const std::shared_ptr<const void> label = call_label();
    try {
      return compute();
    } catch (const Error& error) {
      throw Error(error.code(), std::string(error.what()) + "\n  in " + describe());
    }
  }

 private:
  enum class TensorKind : uint8_t { kParameter, kBuffer };
  using TensorAccess = std::function<Tensor&(Module&)>;
  struct TensorEntry {
    std::string name;
    TensorKind kind;
    BufferKind lifetime;
    TensorAccess access;  // a member; else `held`
    Tensor held;
  };
  struct ModuleAccess {
    std::shared_ptr<Module> held;                                  // by the registry,
    std::function<void(Module&, std::shared_ptr<Module>)> assign;  // a shared_ptr member,
    std::function<Module*(Module&)> find;                          // or a member of either kind
  };
  struct ModuleEntry {
    std::string name;
    ModuleAccess access;
  };
  struct HookEntry {
    uint64_t id = 0;
    PreHook before;
    Hook after;
    BackwardHook backward;
  };
  struct CloneMap;
  template <class Visit>
  void visit_tensors(const std::string& prefix, const Visit& visit);

  template <class Owner>
  static TensorAccess tensor_access(Tensor Owner::*member) {
    return [member](Module& self) -> Tensor& { return static_cast<Owner&>(self).*member; };
  }
  void add_tensor(const std::string& name, TensorAccess access, TensorKind kind,
                  BufferKind lifetime);
  void add_module(const std::string& name, ModuleAccess access);
  void check_name(const std::string& name) const;
  [[nodiscard]] Tensor& tensor(TensorEntry& entry);
  [[nodiscard]] Module* child(const ModuleEntry& entry) const;
  [[nodiscard]] NamedTensors named_tensors(TensorKind kind) const;
  [[nodiscard]] Tensor find_tensor(const std::string& path, TensorKind kind,
                                   std::string_view op) const;
  template <class Convert>
  void convert(const Convert& convert);
  [[nodiscard]] Tensor call(const Tensor& input);
  // The label of a call in progress; null unless anomaly detection is on.
  [[nodiscard]] std::shared_ptr<const void> call_label() const;
  [[nodiscard]] Tensor call_backward_hooks(const Tensor& grad_input, const Tensor& grad_output);
  uint64_t add_hook(HookEntry hook);
  void unshare(CloneMap& map);

  std::vector<TensorEntry> tensors_;
  std::vector<ModuleEntry> modules_;
  std::vector<HookEntry> hooks_;
  uint64_t next_hook_ = 1;
  bool training_ = true;
};

TENON_API std::ostream& operator<<(std::ostream& stream, const Module& module);

// Base of a module class that can be cloned: struct Net : nn::Cloneable<Net>. Classes between it
// and Module come as Base.
template <class Derived, class Base = Module>
class Cloneable : public Base {
 public:
  using Base::Base;
  [[nodiscard]] std::shared_ptr<Derived> clone() const {
    return std::static_pointer_cast<Derived>(this->clone_module());
  }

 protected:
  // Every program that includes a layer compiles this for it: no template but the one of Module.
  [[nodiscard]] std::unique_ptr<Module> copy_module() const override {
    if (typeid(*this) != typeid(Derived)) return Base::copy_module();
    return std::unique_ptr<Module>(new Derived(static_cast<const Derived&>(*this)));
  }
};

}  // namespace tenon::nn
