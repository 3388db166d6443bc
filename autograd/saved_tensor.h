// Tensors that nodes keep for backward(), and hooks that keep them in another form: on the host, on
// disk, compressed, or not at all.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

// While it lives, every tensor that a call of this thread saves goes through `pack`, and what that
// returns through `unpack` when backward() asks for it, maybe several times. Both run unrecorded;
// pack gets the tensor outside the graph and must not change it, unpack must return one of the same
// sizes, dtype and device. Edits in place of packed tensors are not noticed. The innermost counts.
// Threads: the scope of one thread; unpack runs on that of the pass.
class TENON_API SavedTensorHooks {
 public:
  using Pack = std::function<std::any(const Tensor&)>;
  using Unpack = std::function<Tensor(const std::any&)>;

  SavedTensorHooks(Pack pack, Unpack unpack);
  ~SavedTensorHooks();
  SavedTensorHooks(const SavedTensorHooks&) = delete;
  SavedTensorHooks& operator=(const SavedTensorHooks&) = delete;

 private:
  friend class PackedTensor;
  Pack pack_;
  std::shared_ptr<const Unpack> unpack_;  // shared with what was packed
  const SavedTensorHooks* previous_;
};

// A saved tensor in the form that hooks gave it.
class PackedTensor {
 public:
  // Whether saved tensors are packed here and now.
  [[nodiscard]] static bool is_wanted() noexcept;
  explicit PackedTensor(const Tensor& tensor);
  // Errors: Autograd when unpack returns something else than was packed.
  [[nodiscard]] Tensor get() const;

 private:
  std::any value_;
  std::shared_ptr<const SavedTensorHooks::Unpack> unpack_;
  Shape sizes_;
  TensorOptions options_;
};

// A saved tensor outside the graph, with the version that it had; or packed.
class TENON_API SavedVariable {
 public:
  SavedVariable() = default;  // of an undefined tensor
  explicit SavedVariable(const Tensor& tensor);
  // Errors: Autograd, in the name of `node`, when it was changed in place since.
  [[nodiscard]] Tensor get(const std::string& node) const;

 private:
  Tensor tensor_;
  uint32_t version_ = 0;
  std::shared_ptr<const PackedTensor> packed_;
};

}  // namespace tenon::autograd
