#include <tenon/nn/module.h>

#include <tenon/autograd/anomaly.h>
#include <tenon/autograd/custom_function.h>
#include <tenon/autograd/engine.h>
#include <tenon/autograd/grad_mode.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/copy.h>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <unordered_map>
#include <unordered_set>

namespace tenon::nn {

namespace {

constexpr size_t kMaxNamesInText = 20;

std::string class_name(const Module& module) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(typeid(module).name(), nullptr, nullptr, &status), &std::free);
  const std::string full = status == 0 ? text.get() : typeid(module).name();
  const size_t colon = full.rfind("::");
  return colon == std::string::npos ? full : full.substr(colon + 2);
}

std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

void append_list(std::string& text, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  text += join_text("\n  ", title, ": ");
  for (size_t i = 0; i < std::min(lines.size(), kMaxNamesInText); ++i)
    text += (i == 0 ? "" : ", ") + lines[i];
  if (lines.size() > kMaxNamesInText)
    text += join_text(" and ", lines.size() - kMaxNamesInText, " more");
}

// The identity; its backward pass hands the gradient to a function that may change it.
struct GradientTap : autograd::Function<GradientTap> {
  using Call = std::function<Tensor(const Tensor&)>;
  static Tensor forward(autograd::FunctionContext& context, const Tensor& x, const Call& call) {
    context.save(call);
    return x.detach();
  }
  static std::vector<Tensor> backward(autograd::FunctionContext& context,
                                      const std::vector<Tensor>& gradients) {
    return {context.value<Call>(0)(gradients[0]), Tensor()};
  }
};

}  // namespace

// What a clone has already made, so that shared tensors and modules stay shared.
struct Module::CloneMap {
  std::unordered_map<const TensorImpl*, Tensor> tensors;
  std::unordered_map<const Module*, std::shared_ptr<Module>> modules;
};

Module::~Module() = default;

// ---- calling ----

Tensor Module::forward(const Tensor&) {
  fail(ErrorCode::kUnsupported, class_name(*this),
       "has no forward(const Tensor&); override it, or call the function that the class offers");
}

Tensor Module::operator()(const Tensor& input) {
  return guarded([&] { return hooks_.empty() ? forward(input) : call(input); });
}

std::shared_ptr<const void> Module::call_label() const {
  if (!autograd::is_anomaly_enabled()) [[likely]]
    return nullptr;
  return std::make_shared<const autograd::ScopeLabel>(describe());
}

Tensor Module::call(const Tensor& input) {
  const std::vector<HookEntry> hooks = hooks_;  // a hook may remove itself
  Tensor current = input;
  for (const HookEntry& hook : hooks)
    if (hook.before)
      if (Tensor changed = hook.before(*this, current); changed.defined())
        current = std::move(changed);
  const bool backward =
      GradMode::is_enabled() && std::any_of(hooks.begin(), hooks.end(),
                                            [](const HookEntry& hook) { return !!hook.backward; });
  // The gradient of the output comes first and waits here for that of the input.
  const auto waiting = std::make_shared<Tensor>();
  const bool input_in_graph = backward && current.requires_grad();
  if (input_in_graph)
    current =
        GradientTap::apply(current, GradientTap::Call([this, waiting](const Tensor& gradient) {
                             return call_backward_hooks(gradient, *waiting);
                           }));
  Tensor output = forward(current);
  for (const HookEntry& hook : hooks)
    if (hook.after)
      if (Tensor changed = hook.after(*this, current, output); changed.defined())
        output = std::move(changed);
  if (!backward) return output;
  return GradientTap::apply(
      output, GradientTap::Call([this, waiting, input_in_graph](const Tensor& gradient) {
        *waiting = gradient;
        // Its history may lead back to here, and a pass need not reach the input.
        autograd::Engine::at_end_of_pass([waiting] { *waiting = Tensor(); });
        if (!input_in_graph) (void)call_backward_hooks(Tensor(), gradient);
        return gradient;
      }));
}

Tensor Module::call_backward_hooks(const Tensor& grad_input, const Tensor& grad_output) {
  Tensor current = grad_input;
  const std::vector<HookEntry> hooks = hooks_;
  for (const HookEntry& hook : hooks)
    if (hook.backward)
      if (Tensor changed = hook.backward(*this, current, grad_output); changed.defined())
        current = std::move(changed);
  return current;
}

uint64_t Module::add_hook(HookEntry hook) {
  hook.id = next_hook_++;
  hooks_.push_back(std::move(hook));
  return hooks_.back().id;
}

uint64_t Module::register_forward_pre_hook(PreHook hook) {
  return add_hook({0, std::move(hook), nullptr, nullptr});
}

uint64_t Module::register_forward_hook(Hook hook) {
  return add_hook({0, nullptr, std::move(hook), nullptr});
}

uint64_t Module::register_full_backward_hook(BackwardHook hook) {
  return add_hook({0, nullptr, nullptr, std::move(hook)});
}

void Module::remove_hook(uint64_t id) {
  std::erase_if(hooks_, [id](const HookEntry& hook) { return hook.id == id; });
}

// ---- registration ----

void Module::check_name(const std::string& name) const {
  check(!name.empty() && name.find('.') == std::string::npos, ErrorCode::kInvalidArgument,
        "register", "expected a name without dots, got \"", name, "\"");
  const auto taken = [&](const auto& entry) { return entry.name == name; };
  check(std::none_of(tensors_.begin(), tensors_.end(), taken) &&
            std::none_of(modules_.begin(), modules_.end(), taken),
        ErrorCode::kInvalidArgument, "register", "\"", name, "\" is already registered in ",
        class_name(*this), "; choose another name");
}

void Module::add_tensor(const std::string& name, TensorAccess access, TensorKind kind,
                        BufferKind lifetime) {
  check_name(name);
  tensors_.push_back({name, kind, lifetime, std::move(access), {}});
}

void Module::add_module(const std::string& name, ModuleAccess access) {
  check_name(name);
  modules_.push_back({name, std::move(access)});
  check(child(modules_.back()) != this, ErrorCode::kInvalidArgument, "register_module", "\"", name,
        "\" is the module itself");
}

void Module::register_parameter(const std::string& name, Tensor value) {
  add_tensor(name, nullptr, TensorKind::kParameter, BufferKind::kPersistent);
  tensors_.back().held = std::move(value);
}

void Module::register_buffer(const std::string& name, Tensor value, BufferKind kind) {
  add_tensor(name, nullptr, TensorKind::kBuffer, kind);
  tensors_.back().held = std::move(value);
}

Tensor& Module::tensor(TensorEntry& entry) {
  return entry.access ? entry.access(*this) : entry.held;
}

Module* Module::child(const ModuleEntry& entry) const {
  // Access is by reference to a non-const owner; nothing is changed here.
  return entry.access.find ? entry.access.find(const_cast<Module&>(*this))
                           : entry.access.held.get();
}

Tensor& Module::own_tensor(std::string_view name) {
  for (TensorEntry& entry : tensors_)
    if (entry.name == name) return tensor(entry);
  fail(ErrorCode::kInvalidArgument, class_name(*this), "has no tensor \"", name, "\"");
}

std::vector<std::pair<std::string, Module*>> Module::named_children() const {
  std::vector<std::pair<std::string, Module*>> result;
  for (const ModuleEntry& entry : modules_)
    if (Module* module = child(entry)) result.emplace_back(entry.name, module);
  return result;
}

std::vector<Module*> Module::children() const {
  std::vector<Module*> result;
  for (const auto& [name, module] : named_children()) result.push_back(module);
  return result;
}

// ---- state ----

// visit(name, tensor, entry) for each defined tensor of the tree, in PyTorch's order: own
// parameters, own buffers, then the submodules.
template <class Visit>
void Module::visit_tensors(const std::string& prefix, const Visit& visit) {
  for (const TensorKind kind : {TensorKind::kParameter, TensorKind::kBuffer})
    for (TensorEntry& entry : tensors_)
      if (Tensor& value = tensor(entry); entry.kind == kind && value.defined())
        visit(join(prefix, entry.name), value, entry);
  for (const ModuleEntry& entry : modules_)
    if (Module* module = child(entry)) module->visit_tensors(join(prefix, entry.name), visit);
}

NamedTensors Module::named_tensors(TensorKind wanted) const {
  NamedTensors result;
  std::unordered_set<const TensorImpl*> seen;
  const_cast<Module*>(this)->visit_tensors(
      "", [&](std::string name, Tensor& value, const TensorEntry& entry) {
        if (entry.kind == wanted && seen.insert(value.impl()).second)
          result.emplace_back(std::move(name), value);
      });
  return result;
}

NamedTensors Module::named_parameters() const { return named_tensors(TensorKind::kParameter); }
NamedTensors Module::named_buffers() const { return named_tensors(TensorKind::kBuffer); }

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> result;
  for (auto& [name, value] : named_parameters()) result.push_back(std::move(value));
  return result;
}

std::vector<std::pair<std::string, Module*>> Module::named_modules() {
  std::vector<std::pair<std::string, Module*>> result{{"", this}};
  for (const ModuleEntry& entry : modules_)
    if (Module* module = child(entry))
      for (auto& [name, inner] : module->named_modules())
        result.emplace_back(name.empty() ? entry.name : entry.name + "." + name, inner);
  return result;
}

// A path that leads to a shared tensor is good too, so the lists of unique names do not do.
Tensor Module::find_tensor(const std::string& path, TensorKind kind, std::string_view op) const {
  Tensor found;
  std::vector<std::string> names;
  const_cast<Module*>(this)->visit_tensors(
      "", [&](std::string name, Tensor& value, const TensorEntry& entry) {
        if (entry.kind != kind) return;
        if (name == path) found = value;
        names.push_back(std::move(name));
      });
  if (found.defined()) return found;
  std::string text;
  append_list(text, "there are", names);
  fail(ErrorCode::kInvalidArgument, op, class_name(*this), " has no \"", path, "\"", text);
}

Tensor Module::get_parameter(const std::string& path) const {
  return find_tensor(path, TensorKind::kParameter, "get_parameter");
}

Tensor Module::get_buffer(const std::string& path) const {
  return find_tensor(path, TensorKind::kBuffer, "get_buffer");
}

Module& Module::get_submodule(const std::string& path) {
  std::vector<std::string> names;
  for (auto& [name, module] : named_modules()) {
    if (name == path) return *module;
    if (!name.empty()) names.push_back(name);
  }
  std::string text;
  append_list(text, "there are", names);
  fail(ErrorCode::kInvalidArgument, "get_submodule", class_name(*this), " has no \"", path, "\"",
       text);
}

int64_t Module::num_parameters() const {
  int64_t count = 0;
  for (const Tensor& value : parameters()) count = checked_add(count, value.numel());
  return count;
}

void Module::apply(const std::function<void(Module&)>& action) {
  for (Module* module : children()) module->apply(action);
  action(*this);
}

NamedTensors Module::state_dict() const {
  NamedTensors result;
  const_cast<Module*>(this)->visit_tensors(
      "", [&](std::string name, Tensor& value, const TensorEntry& entry) {
        if (entry.lifetime == BufferKind::kPersistent)
          result.emplace_back(std::move(name), value.detach());
      });
  return result;
}

LoadReport Module::load_state_dict(const NamedTensors& state, LoadMode mode) {
  std::unordered_map<std::string_view, const Tensor*> given;
  for (const auto& [name, value] : state) given.emplace(name, &value);
  LoadReport report;
  std::vector<std::string> mismatched;
  std::vector<std::pair<Tensor, const Tensor*>> copies;
  visit_tensors("", [&](std::string name, Tensor& value, const TensorEntry& entry) {
    if (entry.lifetime == BufferKind::kTransient) return;
    const auto found = given.find(name);
    if (found == given.end()) {
      report.missing.push_back(std::move(name));
      return;
    }
    if (found->second->sizes() == value.sizes())
      copies.emplace_back(value, found->second);
    else
      mismatched.push_back(
          join_text(name, " expected ", value.sizes(), " got ", found->second->sizes()));
    given.erase(found);
  });
  for (const auto& [name, value] : state)
    if (given.contains(name)) report.unexpected.push_back(name);

  const bool same_names = report.missing.empty() && report.unexpected.empty();
  if (!mismatched.empty() || (mode == LoadMode::kStrict && !same_names)) {
    std::string text = join_text("the state dict does not fit ", class_name(*this));
    append_list(text, "missing in the state dict", report.missing);
    append_list(text, "not in the module", report.unexpected);
    append_list(text, "shapes differ", mismatched);
    fail(ErrorCode::kInvalidArgument, "load_state_dict", text,
         same_names ? "" : "\n  LoadMode::kPartial loads what both have");
  }
  const NoGradGuard no_grad;
  for (auto& [target, source] : copies) target.copy_(*source);
  return report;
}

// ---- settings ----

void Module::train(bool on) {
  training_ = on;
  for (Module* module : children()) module->train(on);
}

template <class Convert>
void Module::convert(const Convert& convert) {
  const NoGradGuard no_grad;
  std::unordered_set<const TensorImpl*> seen;
  visit_tensors("", [&](const std::string&, Tensor& value, const TensorEntry&) {
    if (!seen.insert(value.impl()).second) return;
    const Tensor gradient = value.requires_grad() ? value.grad() : Tensor();
    set_data(value, convert(value.detach()));
    if (gradient.defined()) value.set_grad(convert(gradient));
  });
}

void Module::to(const Device& device) {
  convert([&](const Tensor& value) { return value.to(device); });
}

void Module::to(DType dtype) {
  check(is_floating_point(dtype), ErrorCode::kDType, "Module::to",
        "expected a floating point dtype, got ", dtype);
  convert([&](const Tensor& value) { return value.is_floating_point() ? value.to(dtype) : value; });
}

void Module::zero_grad() {
  for (const Tensor& value : parameters())
    if (value.requires_grad()) value.set_grad({});
}

void Module::requires_grad_(bool on) {
  for (Tensor& value : parameters()) value.requires_grad_(on);
}

// ---- text ----

std::string Module::describe() const { return class_name(*this); }

std::string Module::str() const {
  if (modules_.empty()) return describe();
  std::string text = class_name(*this) + "(\n";
  for (const ModuleEntry& entry : modules_) {
    const Module* module = child(entry);
    if (module == nullptr) continue;
    std::string inner = module->str();
    for (size_t at = inner.find('\n'); at != std::string::npos; at = inner.find('\n', at + 3))
      inner.insert(at + 1, "  ");
    text += "  (" + entry.name + "): " + inner + "\n";
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& stream, const Module& module) {
  return stream << module.str();
}

// ---- cloning ----

std::unique_ptr<Module> Module::copy_module() const {
  fail(ErrorCode::kUnsupported, "clone", class_name(*this),
       " can't be copied; derive it from nn::Cloneable<", class_name(*this), ">");
}

std::shared_ptr<Module> Module::clone_module() const {
  std::shared_ptr<Module> copy = copy_module();
  CloneMap map;
  copy->unshare(map);
  return copy;
}

// Turns the shared tensors and submodules of a copy into its own.
void Module::unshare(CloneMap& map) {
  const NoGradGuard no_grad;
  for (TensorEntry& entry : tensors_) {
    Tensor& value = tensor(entry);
    if (!value.defined()) continue;
    Tensor& made = map.tensors[value.impl()];
    if (!made.defined()) {
      made = value.detach().clone();
      if (value.requires_grad()) made.requires_grad_();
    }
    value = made;
  }
  for (ModuleEntry& entry : modules_) {
    Module* module = child(entry);
    if (module == nullptr) continue;
    if (!entry.access.held && !entry.access.assign) {  // a member by value: already its own
      module->unshare(map);
      continue;
    }
    std::shared_ptr<Module>& made = map.modules[module];
    if (!made) {
      made = module->copy_module();
      made->unshare(map);
    }
    if (entry.access.assign)
      entry.access.assign(*this, made);
    else
      entry.access.held = made;
  }
}

}  // namespace tenon::nn
