#include <tenon/nn/module.h>

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
  try {
    return hooks_.empty() ? forward(input) : call(input);
  } catch (const Error& error) {
    throw Error(error.code(), std::string(error.what()) + "\n  in " + describe());
  }
}

Tensor Module::call(const Tensor& input) {
  const std::vector<HookEntry> hooks = hooks_;  // a hook may remove itself
  Tensor current = input;
  for (const HookEntry& hook : hooks)
    if (hook.before)
      if (Tensor changed = hook.before(*this, current); changed.defined())
        current = std::move(changed);
  Tensor output = forward(current);
  for (const HookEntry& hook : hooks)
    if (hook.after)
      if (Tensor changed = hook.after(*this, current, output); changed.defined())
        output = std::move(changed);
  return output;
}

uint64_t Module::register_forward_pre_hook(PreHook hook) {
  hooks_.push_back({next_hook_, std::move(hook), nullptr});
  return next_hook_++;
}

uint64_t Module::register_forward_hook(Hook hook) {
  hooks_.push_back({next_hook_, nullptr, std::move(hook)});
  return next_hook_++;
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

void Module::add_tensor(const std::string& name, TensorAccess access, TensorKind kind) {
  check_name(name);
  tensors_.push_back({name, kind, std::move(access), {}});
}

void Module::add_module(const std::string& name, ModuleAccess access) {
  check_name(name);
  modules_.push_back({name, std::move(access)});
  check(child(modules_.back()) != this, ErrorCode::kInvalidArgument, "register_module", "\"", name,
        "\" is the module itself");
}

void Module::register_parameter(const std::string& name, Tensor value) {
  add_tensor(name, nullptr, TensorKind::kParameter);
  tensors_.back().held = std::move(value);
}

void Module::register_buffer(const std::string& name, Tensor value) {
  add_tensor(name, nullptr, TensorKind::kBuffer);
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

std::vector<Module*> Module::children() const {
  std::vector<Module*> result;
  for (const ModuleEntry& entry : modules_)
    if (Module* module = child(entry)) result.push_back(module);
  return result;
}

// ---- state ----

// visit(name, tensor, kind) for each defined tensor of the tree, in PyTorch's order: own
// parameters, own buffers, then the submodules.
template <class Visit>
void Module::visit_tensors(const std::string& prefix, const Visit& visit) {
  for (const TensorKind kind : {TensorKind::kParameter, TensorKind::kBuffer})
    for (TensorEntry& entry : tensors_)
      if (Tensor& value = tensor(entry); entry.kind == kind && value.defined())
        visit(join(prefix, entry.name), value, kind);
  for (const ModuleEntry& entry : modules_)
    if (Module* module = child(entry)) module->visit_tensors(join(prefix, entry.name), visit);
}

NamedTensors Module::named_tensors(TensorKind wanted) const {
  NamedTensors result;
  std::unordered_set<const TensorImpl*> seen;
  const_cast<Module*>(this)->visit_tensors("",
                                           [&](std::string name, Tensor& value, TensorKind kind) {
                                             if (kind == wanted && seen.insert(value.impl()).second)
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

NamedTensors Module::state_dict() const {
  NamedTensors result;
  const_cast<Module*>(this)->visit_tensors("", [&](std::string name, Tensor& value, TensorKind) {
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
  visit_tensors("", [&](std::string name, Tensor& value, TensorKind) {
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
  visit_tensors("", [&](const std::string&, Tensor& value, TensorKind) {
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

std::shared_ptr<Module> Module::copy_module() const {
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
