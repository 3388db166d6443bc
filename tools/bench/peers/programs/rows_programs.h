// Rows of pointwise programs handed to the plugin whole; fused.cpp has the loop that a person would
// write for the longer one.
#pragma once

#include <memory>

#include "ours.h"
#include "program_launch.h"

namespace peers {

using bench::ProgramText;

// sigmoid(relu(x * 1.5 + b) * 0.7 - 0.1) * x + b
inline ProgramText chain_program() {
  ProgramText p{2, {1.5, 0.7, 0.1}};
  constexpr uint32_t x = 0, b = 1, s = 2;
  uint32_t v = p.add(TN_PROGRAM_ADD, p.add(TN_PROGRAM_MUL, x, s), b);
  v = p.add(TN_PROGRAM_SUB, p.add(TN_PROGRAM_MUL, p.add(TN_PROGRAM_RELU, v), s + 1), s + 2);
  p.add(TN_PROGRAM_ADD, p.add(TN_PROGRAM_MUL, p.add(TN_PROGRAM_SIGMOID, v), x), b);
  return p;
}
inline ProgramText add_program() {
  ProgramText p{2};
  p.add(TN_PROGRAM_ADD, 0, 1);
  return p;
}

inline Row program_row(const ProgramText& text, int64_t n) {
  auto program = std::make_shared<bench::ProgramLaunch>(
      text, std::vector<Tensor>{blank({n}), data({n}, 1, .3), data({n}, 1, .5)});
  program->launch();
  program->synchronize();
  const Checks checks = checks_of(floats_of(program->result()));
  return make_row([program] { program->launch(); }, checks);
}

inline void add_program_rows(Rows& rows) {
  rows["program_add_16"] = [] { return program_row(add_program(), 16); };
  int64_t n = 1000;
  for (const char* size : {"1e3", "1e4", "1e5", "1e6", "1e7"}) {
    rows[std::string("program_chain_") + size] = [n] { return program_row(chain_program(), n); };
    n *= 10;
  }
}

}  // namespace peers
