// Writes the text of every case's kernel, for the host's compiler.
#include <fstream>

#include "program_cases.h"

int main(int count, char** arguments) {
  if (count != 2) return 1;
  std::ofstream out(arguments[1]);
  out << tenon::cuda::program_prelude();
  for (const auto& c : tenon::cuda::program_cases()) {
    if (!c.runs) continue;
    out << program_text(tenon::cuda::program_code(c.program), c.layout, c.name);
  }
  return out.flush() ? 0 : 1;
}
