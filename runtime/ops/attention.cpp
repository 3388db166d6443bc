#include <tenon/runtime/ops/attention.h>

#include <tenon/runtime/dispatch/op_list.h>

namespace tenon {

void register_attention_ops(OpList& list) { (void)list; }

}  // namespace tenon
