#include <tenon/autograd/node_memory_internal.h>

#include <new>

#include <tenon/runtime/memory/object_pool.h>

namespace tenon::autograd {
namespace {

constexpr size_t kGranule = 64;
constexpr size_t kClasses = 16;  // up to 1 KiB; larger ones come from the heap
constexpr uint32_t kDepth = 1024;

enum class State : uint8_t { kNew, kOpen, kClosed };

struct Link {
  Link* next;
};

// Trivial, so that the hot path needs no initialisation guard; Drain has the destructor.
struct FreeLists {
  Link* head[kClasses];
  uint32_t count[kClasses];
  State state;
};
__attribute__((tls_model("initial-exec"))) constinit thread_local FreeLists lists{};

struct Drain {  // a thread ends: its lists go
  ~Drain() {
    lists.state = State::kClosed;
    for (Link*& list : lists.head) {
      while (list != nullptr) {
        Link* next = list->next;
        ::operator delete(static_cast<void*>(list));
        list = next;
      }
    }
  }
};

void open_lists() noexcept {
  static thread_local Drain drain;
  (void)drain;
  lists.state = State::kOpen;
}

}  // namespace

NodeMemory take_node_memory(size_t size_bytes) {
  const size_t index = (size_bytes - 1) / kGranule;
  if (index >= kClasses) return {::operator new(size_bytes), kClasses};
  if constexpr (kPoolObjects) {
    if (Link* link = lists.head[index]; link != nullptr) {
      lists.head[index] = link->next;
      --lists.count[index];
      return {link, static_cast<uint16_t>(index)};
    }
  }
  return {::operator new((index + 1) * kGranule), static_cast<uint16_t>(index)};
}

void give_node_memory(const NodeMemory& memory) noexcept {
  if constexpr (kPoolObjects) {
    const size_t index = memory.size_class;
    if (lists.state == State::kNew) open_lists();
    if (index < kClasses && lists.state == State::kOpen && lists.count[index] < kDepth) {
      lists.head[index] = new (memory.bytes) Link{lists.head[index]};
      ++lists.count[index];
      return;
    }
  }
  ::operator delete(memory.bytes);
}

}  // namespace tenon::autograd
