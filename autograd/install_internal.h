// Connects the library to the runtime.
#pragma once

namespace tenon::autograd {

// Sets the record hooks and binds the rules to their ops, once. Called wherever a tensor comes to
// require a gradient.
void install();

}  // namespace tenon::autograd
