#include <tenon/autograd/grad_mode.h>

#include <utility>

namespace tenon {
namespace {

constinit thread_local bool inference = false;

}  // namespace

InferenceMode::InferenceMode() : RecordingScope(false), previous_(std::exchange(inference, true)) {}

InferenceMode::~InferenceMode() { inference = previous_; }

bool InferenceMode::is_enabled() noexcept { return inference; }

}  // namespace tenon
