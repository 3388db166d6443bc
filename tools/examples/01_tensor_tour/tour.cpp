#include "tour.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace tenon;

namespace tour {
namespace {

bool exact = false;
int number = 0;

[[noreturn]] void fail(std::string_view what) {
  std::cout.flush();
  std::cerr << "01_tensor_tour: S" << number << " does not hold: " << what << '\n';
  std::exit(number);
}

// "S7 x+y float32 [5] [3] 0x1.2p+2 …"
void show_exactly(std::string_view expression, const Tensor& tensor) {
  std::string line = "S" + std::to_string(number) + ' ';
  std::copy_if(expression.begin(), expression.end(), std::back_inserter(line),
               [](char c) { return c != ' '; });
  line += ' ' + std::string(name(tensor.dtype()));
  for (const int64_t size : tensor.sizes()) line += " [" + std::to_string(size) + ']';
  for (const double value : tensor.detach().to_vector<double>()) {
    char text[40];
    std::snprintf(text, sizeof text, " %a", value);
    line += text;
  }
  std::cout << line << '\n';
}

}  // namespace

void print_exactly() { exact = true; }

void statement(int value, std::string_view text) {
  number = value;
  if (!exact) std::cout << "\nS" << number << ". " << text << '\n';
}

int current_statement() { return number; }

void expect(bool ok, std::string_view what) {
  if (!ok) fail(what);
}

void expect_refusal(std::string_view part, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (text.find(part) == std::string_view::npos)
      fail("the error \"" + std::string(text) + "\" does not say \"" + std::string(part) + '"');
    if (!exact) std::cout << "   refused: " << text.substr(0, text.find('\n')) << '\n';
    return;
  }
  fail("no error that says \"" + std::string(part) + '"');
}

void show(std::string_view expression, const Tensor& tensor) {
  if (exact) return show_exactly(expression, tensor);
  const std::string text = tensor.str();
  const bool one_line = text.find('\n') == std::string::npos;
  std::cout << "   " << expression << (one_line ? " = " : "\n") << text << '\n';
}

void say(std::string_view line) {
  if (!exact) std::cout << "   " << line << '\n';
}

bool is(const Tensor& tensor, const std::vector<float>& expected) {
  return tensor.to_vector<float>() == expected;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.to_vector<double>() == b.to_vector<double>();
}

bool all_are(const Tensor& tensor, float value) {
  const std::vector<float> values = tensor.to_vector<float>();
  return std::all_of(values.begin(), values.end(), [&](float v) { return v == value; });
}

}  // namespace tour
