// Memory for nodes of any size, from free lists by size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenon::autograd {

struct NodeMemory {
  void* bytes;
  uint16_t size_class;
};

[[nodiscard]] NodeMemory take_node_memory(size_t size_bytes);
void give_node_memory(const NodeMemory& memory) noexcept;

}  // namespace tenon::autograd
