// C++20 sugar for plugin authors over device_plugin.h; header-only, optional, not part of the ABI:
// status exceptions, the host's services, struct checks, strided walks, owners of handles.
// plugin_tables.hpp makes the tables "core" and "ops" out of five classes.
#ifndef TENON_API_PLUGIN_HPP
#define TENON_API_PLUGIN_HPP

#include <tenon/api/device_plugin.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tenon::plugin {

// A pointer and a length of the ABI as a view; nothing may stand behind them.
inline std::string_view text(const char* data, uint64_t size) {
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

// A failure on its way to the host: code, text and, from Stream::sync, the tag of the launch.
class Status : public std::exception {
 public:
  Status(tn_status code, std::string message, uint64_t tag = 0)
      : code_(code), message_(std::move(message)), tag_(tag) {}

  [[nodiscard]] tn_status code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] uint64_t tag() const { return tag_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  tn_status code_;
  std::string message_;
  uint64_t tag_;
};

// The host's services. A borrowed pointer, cheap to copy; valid while the plugin is open.
class Host {
 public:
  explicit Host(const tn_host* host) : host_(host) {}

  [[nodiscard]] const tn_host* raw() const { return host_; }
  [[nodiscard]] uint32_t thread_count() const { return host_->thread_count(host_->context); }

  void set_error(std::string_view message) const noexcept {
    host_->set_error(host_->context, message.data(), message.size());
  }
  void log(uint32_t level, std::string_view line) const noexcept {
    host_->log(host_->context, level, line.data(), line.size());
  }

  // Value of a configuration key, nothing when it is not set.
  [[nodiscard]] std::optional<std::string> config(std::string_view key) const {
    uint64_t size = 0;
    const auto read = [&](char* to, uint64_t room) {
      return host_->config(host_->context, key.data(), key.size(), to, room, &size);
    };
    if (read(nullptr, 0) != TN_OK) return std::nullopt;
    std::string value(size, '\0');
    if (read(value.data(), value.size()) != TN_OK) return std::nullopt;
    value.resize(std::min<uint64_t>(value.size(), size));
    return value;
  }

  // Calls f(begin, end) over parts of [0, count) of at least `grain`. An exception of f reaches the
  // caller after all parts have ended.
  template <class F>
  void parallel_for(int64_t count, int64_t grain, F&& f) const {
    struct Context {
      std::remove_reference_t<F>* f;
      std::exception_ptr failure;
      int32_t taken;
    } context{&f, nullptr, 0};
    const auto part = [](void* raw, int64_t begin, int64_t end) {
      auto* c = static_cast<Context*>(raw);
      try {
        (*c->f)(begin, end);
      } catch (...) {
        if (__atomic_exchange_n(&c->taken, 1, __ATOMIC_ACQ_REL) == 0) {
          c->failure = std::current_exception();
        }
      }
    };
    if (count > 0) host_->parallel_for(host_->context, count, grain, part, &context);
    if (context.failure) std::rethrow_exception(context.failure);
  }

 private:
  const tn_host* host_;
};

// Runs f() and turns whatever it throws into a status with text. `failed_tag` gets Status::tag().
template <class F>
tn_status guard(const tn_host* host, F&& f, uint64_t* failed_tag = nullptr) noexcept {
  const auto fail = [host](tn_status code, std::string_view message) {
    if (host != nullptr) Host(host).set_error(message);
    return code;
  };
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      return TN_OK;
    } else {
      return f();
    }
  } catch (const Status& status) {
    if (failed_tag != nullptr) *failed_tag = status.tag();
    return fail(status.code(), status.message());
  } catch (const std::bad_alloc&) {
    return fail(TN_OUT_OF_MEMORY, "out of host memory inside the plugin");
  } catch (const std::exception& e) {
    return fail(TN_INTERNAL, e.what());
  } catch (...) {
    return fail(TN_INTERNAL, "the plugin threw something that is no std::exception");
  }
}

// The reader's law for a struct of the host: at least the frozen minimum, no flag that must be
// understood and is not.
template <class T>
void check_struct(const T* s, uint32_t minimum, const char* what) {
  if (s == nullptr || s->struct_size < minimum) {
    throw Status(TN_INVALID_ARGUMENT, std::string(what) + ": struct_size must be at least " +
                                          std::to_string(minimum) + ", got " +
                                          (s == nullptr ? "NULL" : std::to_string(s->struct_size)));
  }
  if ((s->flags & TN_FLAGS_MUST_UNDERSTAND) != 0) {
    throw Status(TN_UNSUPPORTED, std::string(what) + ": unknown flags, this plugin speaks ABI 0." +
                                     std::to_string(TN_ABI_MAJOR));
  }
}

inline void check_struct(const tn_tensor* t) { check_struct(t, TN_MIN_TENSOR, "tensor"); }

// Copies what fits in the reader's struct_size.
template <class T>
void write_struct(T value, T* out) {
  const uint32_t room = out->struct_size;
  if (room < 8) throw Status(TN_INVALID_ARGUMENT, "struct_size must be at least 8");
  value.struct_size = std::min<uint32_t>(room, sizeof(T));
  std::memcpy(out, &value, value.struct_size);
}

// A signature that passed check_struct.
class Signature {
 public:
  explicit Signature(const tn_signature* s) : s_(s) {
    check_struct(s, TN_MIN_SIGNATURE, "signature");
    if (s->program != nullptr) check_struct(s->program, TN_MIN_PROGRAM, "program");
  }

  [[nodiscard]] const tn_signature& raw() const { return *s_; }
  [[nodiscard]] std::string_view op() const { return text(s_->op, s_->op_size); }
  [[nodiscard]] uint32_t operand_count() const { return s_->operand_count; }
  [[nodiscard]] uint32_t output_count() const { return s_->output_count; }
  [[nodiscard]] uint32_t dtype(uint32_t i) const { return TN_CLASS_DTYPE(s_->classes[i]); }
  [[nodiscard]] uint32_t rank(uint32_t i) const { return TN_CLASS_RANK(s_->classes[i]); }
  [[nodiscard]] const tn_program* program() const { return s_->program; }
  [[nodiscard]] std::span<const int64_t> attributes() const {
    return {s_->attributes, s_->attribute_count};
  }

 private:
  const tn_signature* s_;
};

// Answers of query.
inline tn_answer native() {
  tn_answer answer{};
  answer.support = TN_ANSWER_NATIVE;
  return answer;
}
inline tn_answer no(std::string_view reason) {
  tn_answer answer{};
  reason.copy(answer.reason, sizeof answer.reason - 1);
  return answer;
}

// One launch; all of it is borrowed for the call.
struct Launch {
  std::span<const tn_tensor* const> operands;
  const uint64_t* scalars;
  const tn_workspace* workspace;  // NULL when no scratch was asked for
  uint64_t tag;
};

struct Budget {
  uint64_t free_bytes;
  uint64_t budget_bytes;
};

// Answer of Stream::query.
struct Event {
  uint32_t state = TN_EVENT_DONE;
  std::optional<Status> failure;
};

// Base of a Stream whose launches are done when they return: failures were reported by the launch.
class InlineStream {
 public:
  void sync() {}
  uint64_t record() { return ++last_; }
  Event query(uint64_t) { return {}; }
  bool wait(uint64_t, uint64_t) { return true; }
  void wait_for(InlineStream&, uint64_t) {}

 private:
  uint64_t last_ = 0;
};

// ---- tensors -----------------------------------------------------------------------------------

inline int64_t element_count(const tn_tensor& t) {
  int64_t count = 1;
  for (uint32_t d = 0; d < t.rank; ++d) count *= t.shape[d];
  return count;
}

// Walks N tensors of one shape together in row-major order. Dimensions of extent 1 are dropped and
// neighbours that lie behind one another in every tensor are merged.
template <size_t N>
class Walk {
 public:
  using Offsets = std::array<int64_t, N>;  // in elements, one per tensor

  Walk() : rank_(1) { shape_[0] = 1; }  // one element

  explicit Walk(const std::array<const tn_tensor*, N>& tensors) {
    for (uint32_t d = 0; d < tensors[0]->rank; ++d) append(tensors, d);
    if (rank_ == 0) shape_[rank_++] = 1;
    for (int d = 0; d < rank_; ++d) count_ *= shape_[d];
  }

  [[nodiscard]] int64_t count() const { return count_; }
  // Strides inside a run.
  [[nodiscard]] const Offsets& strides() const { return strides_[rank_ - 1]; }

  // Calls f(position, offsets, n) for the runs that make up elements [begin, end).
  template <class F>
  void run(int64_t begin, int64_t end, F&& f) const {
    const int64_t inner = shape_[rank_ - 1];
    while (begin < end) {
      Offsets offsets{};
      int64_t rest = begin;
      for (int d = rank_ - 1; d >= 0; --d) {
        const int64_t index = rest % shape_[d];
        rest /= shape_[d];
        for (size_t i = 0; i < N; ++i) offsets[i] += index * strides_[d][i];
      }
      const int64_t n = std::min(end - begin, inner - begin % inner);
      f(begin, offsets, n);
      begin += n;
    }
  }

 private:
  void append(const std::array<const tn_tensor*, N>& tensors, uint32_t d) {
    const int64_t extent = tensors[0]->shape[d];
    if (extent == 1) return;
    Offsets strides;
    for (size_t i = 0; i < N; ++i) strides[i] = tensors[i]->strides[d];
    bool merges = rank_ > 0;
    for (size_t i = 0; merges && i < N; ++i) {
      merges = strides_[rank_ - 1][i] == strides[i] * extent;
    }
    if (!merges) shape_[rank_++] = 1;
    shape_[rank_ - 1] *= extent;
    strides_[rank_ - 1] = strides;
  }

  int rank_ = 0;
  int64_t count_ = 1;
  int64_t shape_[TN_MAX_RANK];
  Offsets strides_[TN_MAX_RANK] = {};
};

// ---- handles -----------------------------------------------------------------------------------

// Sole owner of a handle of the other side (a layer's, a test's): released by the table's function.
template <class H>
class Handle {
 public:
  Handle() = default;
  Handle(H handle, void (*destroy)(H)) : handle_(handle), destroy_(destroy) {}
  Handle(Handle&& o) noexcept
      : handle_(std::exchange(o.handle_, nullptr)), destroy_(std::exchange(o.destroy_, nullptr)) {}
  Handle& operator=(Handle&& o) noexcept {
    std::swap(handle_, o.handle_);
    std::swap(destroy_, o.destroy_);
    return *this;
  }
  ~Handle() {
    if (handle_ != nullptr) destroy_(handle_);
  }

  [[nodiscard]] H get() const { return handle_; }
  [[nodiscard]] H release() { return std::exchange(handle_, nullptr); }

 private:
  H handle_ = nullptr;
  void (*destroy_)(H) = nullptr;
};

}  // namespace tenon::plugin

#endif  // TENON_API_PLUGIN_HPP
