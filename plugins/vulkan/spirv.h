// SPIR-V as words: what a driver must be told about floats, and a linker that makes one program out
// of a library of functions.
#ifndef TENON_PLUGINS_VULKAN_SPIRV_H
#define TENON_PLUGINS_VULKAN_SPIRV_H

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "features.h"

namespace tenon::vulkan::spirv {

// Forbids contraction at every float operation of the module and, where the device offers it, asks
// for NaN, infinities, signed zeros and denormals to be kept.
void state_float_controls(std::vector<uint32_t>& code, const Features& features);

// A module whose functions can be called by name. Its main() reaches a function element(uint),
// whose body a Program replaces.
class Library {
 public:
  explicit Library(std::span<const uint32_t> code);

  struct Function {
    uint32_t id;
    uint32_t type;  // of the result
    size_t begin;   // words of the whole function
    size_t body;    // behind its first label
    size_t end;
    uint32_t first_parameter;
    std::vector<uint32_t> callees;
  };

  // Throws INTERNAL when there is none: then library and emitter do not fit.
  [[nodiscard]] const Function& function(std::string_view name) const;

 private:
  friend class Program;

  void read_globals();
  void read_functions();

  std::span<const uint32_t> code_;
  size_t globals_end_ = 0;
  uint32_t uint_type_ = 0, int_type_ = 0, long_type_ = 0;
  std::map<uint32_t, std::string> names_;             // of ids
  std::map<uint32_t, Function> functions_;            // by id
  std::map<std::string, uint32_t, std::less<>> ids_;  // of functions, by bare name
};

// The body of element() under construction. Values are ids.
class Program {
 public:
  explicit Program(const Library& library);

  [[nodiscard]] uint32_t index() const { return element_.first_parameter; }
  uint32_t constant(uint32_t value);      // uint
  uint32_t constant_int(int32_t value);   // int
  uint32_t constant_long(int64_t value);  // int64_t
  uint32_t call(std::string_view function, std::span<const uint32_t> arguments);
  uint32_t call(std::string_view function, std::initializer_list<uint32_t> arguments) {
    return call(function, std::span<const uint32_t>(arguments.begin(), arguments.size()));
  }
  // a op b on uint
  uint32_t add(uint32_t a, uint32_t b);
  uint32_t subtract(uint32_t a, uint32_t b);
  uint32_t multiply(uint32_t a, uint32_t b);
  uint32_t divide(uint32_t a, uint32_t b);

  // The module, without what it does not reach.
  [[nodiscard]] std::vector<uint32_t> finish() const;

 private:
  uint32_t operate(uint32_t opcode, uint32_t type, std::span<const uint32_t> operands);
  uint32_t define(uint32_t type, std::span<const uint32_t> words);
  [[nodiscard]] std::map<uint32_t, bool> reachable() const;

  const Library& library_;
  const Library::Function& element_;
  uint32_t bound_;
  std::vector<uint32_t> body_;
  std::vector<uint32_t> constants_;
  std::vector<uint32_t> callees_;
  std::map<std::vector<uint32_t>, uint32_t> known_;
};

}  // namespace tenon::vulkan::spirv

#endif
