// Makes a plugin's card and its tables "core" and "ops" out of five classes, with slots that never
// let an exception out. Write the classes and hand them over as one traits struct:
//
//   struct Mine {
//     using Driver = ...;  // one per open
//     using Device = ...;
//     using Buffer = ...;
//     using Stream = ...;
//     using Kernel = ...;
//     static constexpr std::string_view kVersion = "1.0", kVendor = "me";
//     static constexpr uint32_t kDlpackType = TN_DLPACK_EXT;
//   };
//   static void card(tn_plugin_descriptor* d) { tenon::plugin::Plugin<Mine>::describe(*d); }
//   TN_PLUGIN("mine", card)
//
// Methods that are called (those in brackets may be missing):
//   Driver  Driver(Host); uint32_t device_count(); unique_ptr<Device> open(uint32_t index)
//   Device  tn_device_info info(); unique_ptr<Buffer> allocate(uint64_t size_bytes);
//           unique_ptr<Stream> make_stream(); tn_answer query(const Signature&);
//           unique_ptr<Kernel> prepare(const Signature&);
//           [Budget budget(); unique_ptr<Buffer> wrap(void* data, uint64_t size_bytes)]
//   Buffer  [void* host(); and the static functions of Handles]
//   Stream  launch(Kernel&, const Launch&); sync(); uint64_t record(); Event query(uint64_t value);
//           bool wait(uint64_t value, uint64_t timeout_ns); wait_for(Stream&, uint64_t value);
//           upload(Buffer&, uint64_t offset, const void* source, uint64_t size, uint32_t flags);
//           download(Buffer&, uint64_t offset, void* target, uint64_t size).
//           InlineStream supplies what a device that computes inside the call need not care for.
//   Kernel  [uint64_t workspace(std::span<const tn_tensor* const>)]
//
// A method reports a failure by throwing Status (anything else becomes INTERNAL).
#ifndef TENON_API_PLUGIN_TABLES_HPP
#define TENON_API_PLUGIN_TABLES_HPP

#include <tenon/api/plugin.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace tenon::plugin {

// What stands behind our own handles: the author's object and the host to report to.
template <class T>
struct Box {
  const tn_host* host;
  std::unique_ptr<T> object;
  uint32_t operand_count = 0;  // of a kernel
};

// Handle <-> box. A plain pointer, unless T itself says otherwise by static functions
//   H to_handle(Box<T>*), Box<T>* from_handle(H) noexcept, and Box<T>* take(H) noexcept,
// the last of which makes the handle invalid.
template <class T, class H>
struct Handles {
  static constexpr bool kOwn = requires(Box<T> * box) { T::to_handle(box); };

  static H make(const tn_host* host, std::unique_ptr<T> object, uint32_t operand_count = 0) {
    std::unique_ptr<Box<T>> box(new Box<T>{host, std::move(object), operand_count});
    H handle;
    if constexpr (kOwn) {
      handle = T::to_handle(box.get());
    } else {
      handle = reinterpret_cast<H>(box.get());
    }
    [[maybe_unused]] const auto* owned_by_handle = box.release();
    return handle;
  }
  static Box<T>* box(H handle) noexcept {
    if constexpr (kOwn) {
      return T::from_handle(handle);
    } else {
      return reinterpret_cast<Box<T>*>(handle);
    }
  }
  static void destroy(H handle) noexcept {
    if (handle == nullptr) return;
    if constexpr (kOwn) {
      delete T::take(handle);
    } else {
      delete box(handle);
    }
  }
};

// ---- the tables --------------------------------------------------------------------------------

// Makes card and tables from the five classes of P; see the head of this file.
template <class P>
class Plugin {
  using Driver = typename P::Driver;
  using Device = typename P::Device;
  using Buffer = typename P::Buffer;
  using Stream = typename P::Stream;
  using Kernel = typename P::Kernel;
  using Drivers = Handles<Driver, tn_plugin>;
  using Devices = Handles<Device, tn_device>;
  using Buffers = Handles<Buffer, tn_buffer>;
  using Streams = Handles<Stream, tn_stream>;
  using Kernels = Handles<Kernel, tn_kernel>;

  static constexpr bool kHasBudget = requires(Device & d) { d.budget(); };
  static constexpr bool kHasWrap = requires(Device & d) { d.wrap(nullptr, uint64_t{}); };
  static constexpr bool kHasHost = requires(Buffer & b) { b.host(); };
  static constexpr bool kHasWorkspace = requires(Kernel & k, std::span<const tn_tensor* const> o) {
    k.workspace(o);
  };

 public:
  // Fills the card that TN_PLUGIN began.
  static void describe(tn_plugin_descriptor& d) {
    d.version = P::kVersion.data();
    d.version_size = P::kVersion.size();
    d.vendor = P::kVendor.data();
    d.vendor_size = P::kVendor.size();
    d.dlpack_device_type = P::kDlpackType;
    d.open = open;
    d.get_interface = get_interface;
  }

  // The object behind a buffer handle of an operand.
  static Buffer& buffer(tn_buffer handle) { return object<Buffers>(handle, "buffer"); }

 private:
  template <class H, class Raw>
  static auto& object(Raw handle, const char* what) {
    auto* box = handle == nullptr ? nullptr : H::box(handle);
    if (box == nullptr) throw Status(TN_INVALID_ARGUMENT, std::string(what) + ": bad handle");
    return *box->object;
  }

  // Runs f(object, box) under guard, with the host that the handle belongs to.
  template <class H, class Raw, class F>
  static tn_status call(Raw handle, F&& f, uint64_t* failed_tag = nullptr) noexcept {
    auto* box = handle == nullptr ? nullptr : H::box(handle);
    if (box == nullptr) return TN_INVALID_ARGUMENT;
    return guard(
        box->host, [&] { return f(*box->object, *box); }, failed_tag);
  }

  static std::span<const tn_tensor* const> checked(const tn_tensor* const* operands,
                                                   uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) check_struct(operands[i]);
    return {operands, count};
  }

  static tn_status open(const tn_host* host, tn_plugin* out) noexcept {
    if (host == nullptr || host->struct_size < TN_MIN_HOST) return TN_INVALID_ARGUMENT;
    return guard(host, [&] {
      check_struct(host, TN_MIN_HOST, "host");
      *out = Drivers::make(host, std::make_unique<Driver>(Host(host)));
    });
  }

  static tn_status get_interface(tn_plugin, const char* name, uint64_t name_size,
                                 const void** table) noexcept {
    if (text(name, name_size) == TN_CORE) {
      *table = &kCore;
    } else if (text(name, name_size) == TN_OPS) {
      *table = &kOps;
    } else {
      return TN_UNSUPPORTED;
    }
    return TN_OK;
  }

  static constexpr tn_core core() {
    tn_core t{};
    t.struct_size = sizeof t;
    t.version = 1;
    t.close = Drivers::destroy;
    t.device_count = [](tn_plugin p, uint32_t* count) noexcept {
      return call<Drivers>(p, [&](Driver& d, auto&) { *count = d.device_count(); });
    };
    t.device_open = [](tn_plugin p, uint32_t index, tn_device* out) noexcept {
      return call<Drivers>(p, [&](Driver& d, auto& box) {
        if (index >= d.device_count()) throw Status(TN_INVALID_ARGUMENT, "no such device");
        *out = Devices::make(box.host, d.open(index));
      });
    };
    t.device_close = Devices::destroy;
    t.device_info = [](tn_device h, tn_device_info* out) noexcept {
      return call<Devices>(h, [&](Device& d, auto&) { write_struct(d.info(), out); });
    };
    if constexpr (kHasBudget) {
      t.device_budget = [](tn_device h, uint64_t* free_bytes, uint64_t* budget_bytes) noexcept {
        return call<Devices>(h, [&](Device& d, auto&) {
          const Budget budget = d.budget();
          *free_bytes = budget.free_bytes;
          *budget_bytes = budget.budget_bytes;
        });
      };
    }
    memory_slots(t);
    stream_slots(t);
    return t;
  }

  static constexpr void memory_slots(tn_core& t) {
    t.buffer_alloc = [](tn_device h, uint64_t size_bytes, tn_buffer* out) noexcept {
      return call<Devices>(
          h, [&](Device& d, auto& box) { *out = Buffers::make(box.host, d.allocate(size_bytes)); });
    };
    t.buffer_free = Buffers::destroy;
    t.buffer_from_host = [](tn_device h, void* data, uint64_t size_bytes, tn_buffer* out) noexcept {
      return call<Devices>(h, [&]([[maybe_unused]] Device& d, [[maybe_unused]] auto& box) {
        if constexpr (kHasWrap) {
          *out = Buffers::make(box.host, d.wrap(data, size_bytes));
        } else {
          throw Status(TN_UNIMPLEMENTED, "buffer_from_host: this device has memory of its own");
        }
      });
    };
    t.buffer_host = [](tn_buffer h, void** data) noexcept {
      return call<Buffers>(h, [&]([[maybe_unused]] Buffer& b, auto&) {
        if constexpr (kHasHost) {
          *data = b.host();
        } else {
          throw Status(TN_UNIMPLEMENTED, "buffer_host: the host cannot address this device");
        }
      });
    };
  }

  static constexpr void stream_slots(tn_core& t) {
    t.stream_create = [](tn_device h, tn_stream* out) noexcept {
      return call<Devices>(
          h, [&](Device& d, auto& box) { *out = Streams::make(box.host, d.make_stream()); });
    };
    t.stream_destroy = Streams::destroy;
    t.stream_sync = [](tn_stream h, uint64_t* failed_tag) noexcept {
      uint64_t unwanted = 0;
      uint64_t* tag = failed_tag != nullptr ? failed_tag : &unwanted;
      *tag = 0;
      return call<Streams>(
          h, [&](Stream& s, auto&) { s.sync(); }, tag);
    };
    t.event_record = [](tn_stream h, uint64_t* value) noexcept {
      return call<Streams>(h, [&](Stream& s, auto&) { *value = s.record(); });
    };
    t.event_query = [](tn_stream h, uint64_t value, uint32_t* state, tn_status* failure) noexcept {
      return call<Streams>(h, [&](Stream& s, auto& box) {
        const Event event = s.query(value);
        *state = event.state;
        *failure = event.failure ? event.failure->code() : TN_OK;
        if (event.failure) Host(box.host).set_error(event.failure->message());
      });
    };
    t.event_wait = [](tn_stream h, uint64_t value, uint64_t timeout_ns) noexcept {
      return call<Streams>(h, [&](Stream& s, auto&) {
        if (!s.wait(value, timeout_ns)) throw Status(TN_TIMEOUT, "event_wait: not reached in time");
      });
    };
    t.stream_wait = [](tn_stream h, tn_stream other, uint64_t value) noexcept {
      return call<Streams>(
          h, [&](Stream& s, auto&) { s.wait_for(object<Streams>(other, "stream"), value); });
    };
    t.upload = [](tn_stream h, tn_buffer target, uint64_t offset_bytes, const void* source,
                  uint64_t size_bytes, uint32_t flags) noexcept {
      return call<Streams>(h, [&](Stream& s, auto&) {
        if ((flags & TN_FLAGS_MUST_UNDERSTAND) != 0) throw Status(TN_UNSUPPORTED, "upload: flags");
        s.upload(buffer(target), offset_bytes, source, size_bytes, flags);
      });
    };
    t.download = [](tn_stream h, tn_buffer source, uint64_t offset_bytes, void* target,
                    uint64_t size_bytes) noexcept {
      return call<Streams>(h, [&](Stream& s, auto&) {
        s.download(buffer(source), offset_bytes, target, size_bytes);
      });
    };
  }

  static constexpr tn_ops ops() {
    tn_ops t{};
    t.struct_size = sizeof t;
    t.version = 1;
    t.query = [](tn_device h, const tn_signature* signature, tn_answer* out) noexcept {
      return call<Devices>(
          h, [&](Device& d, auto&) { write_struct(d.query(Signature(signature)), out); });
    };
    t.prepare = [](tn_device h, const tn_signature* signature, tn_kernel* out) noexcept {
      return call<Devices>(h, [&](Device& d, auto& box) {
        const Signature checked_signature(signature);  // before anything in it is read
        *out = Kernels::make(box.host, d.prepare(checked_signature),
                             checked_signature.operand_count());
      });
    };
    t.kernel_release = Kernels::destroy;
    if constexpr (kHasWorkspace) {
      t.workspace = [](tn_kernel h, const tn_tensor* const* operands, uint64_t* size) noexcept {
        return call<Kernels>(h, [&](Kernel& k, auto& box) {
          *size = k.workspace(checked(operands, box.operand_count));
        });
      };
    }
    t.launch = [](tn_stream h, tn_kernel kernel, const tn_tensor* const* operands,
                  const uint64_t* scalars, const tn_workspace* workspace, uint64_t tag) noexcept {
      return call<Streams>(h, [&](Stream& s, auto&) {
        Kernel& k = object<Kernels>(kernel, "kernel");
        if (workspace != nullptr) check_struct(workspace, TN_MIN_WORKSPACE, "workspace");
        const uint32_t count = Kernels::box(kernel)->operand_count;
        s.launch(k, Launch{checked(operands, count), scalars, workspace, tag});
      });
    };
    return t;
  }

  static constexpr tn_core kCore = core();
  static constexpr tn_ops kOps = ops();
};

}  // namespace tenon::plugin

#endif  // TENON_API_PLUGIN_TABLES_HPP
