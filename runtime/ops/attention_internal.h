// Shared by the files of the attention family.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>

namespace tenon {

void register_embedding_forms(OpList& list);  // bags and rotary positions

}  // namespace tenon
