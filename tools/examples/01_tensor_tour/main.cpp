// The notes that Tenon grew from, PyTorch's tutorial of 2017, as one program: every statement is
// run, printed and checked. The device is one word: TENON_DEVICE=opaque 01_tensor_tour
//
// With --exact it prints bits, one line for each tensor, so that devices can be compared. Exit
// code: 0, or the number of the statement that does not hold.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tour.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--exact") {
      std::cerr << "usage: 01_tensor_tour [--exact]\n";
      return EXIT_FAILURE;
    }
    tour::print_exactly();
  }
  try {
    tenon::manual_seed(0);
    tour::tensors();
    tour::in_place();
    tour::devices();
    tour::graph();
    tour::gradients();
    tour::learning();
  } catch (const tenon::Error& error) {
    std::cerr << "01_tensor_tour: S" << tour::current_statement() << ": " << error.what() << '\n';
    return tour::current_statement() > 0 ? tour::current_statement() : EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
