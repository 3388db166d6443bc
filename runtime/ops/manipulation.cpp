#include <tenon/runtime/ops/manipulation.h>

#include <tenon/runtime/dispatch/op_list.h>

namespace tenon {

void register_manipulation_ops(OpList& list) { (void)list; }

}  // namespace tenon
