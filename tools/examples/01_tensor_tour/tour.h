// What the parts of the tour share: each statement is printed and checked.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <tenon/tenon.h>

namespace tour {

// Instead of four decimals show() prints every bit, one line for each tensor, to compare devices.
void print_exactly();

// The statement that the following belongs to; its number is the exit code when something fails.
void statement(int number, std::string_view text);
[[nodiscard]] int current_statement();

// Ends the program unless `ok`.
void expect(bool ok, std::string_view what);
// `call` must throw an error with `part` in its text.
void expect_refusal(std::string_view part, const std::function<void()>& call);

// Prints the value, as the name of an expression and its tensor.
void show(std::string_view expression, const tenon::Tensor& tensor);
void say(std::string_view line);

// Whether the elements are exactly these.
[[nodiscard]] bool is(const tenon::Tensor& tensor, const std::vector<float>& expected);
[[nodiscard]] bool same(const tenon::Tensor& a, const tenon::Tensor& b);
[[nodiscard]] bool all_are(const tenon::Tensor& tensor, float value);

// The parts, in order.
void tensors();    // S1 to S9
void in_place();   // S10 to S15
void devices();    // S16 to S22
void graph();      // S23 to S32
void gradients();  // S33 to S39
void learning();   // S40 to S47

}  // namespace tour
