#include "simt.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "device/simt.h"

// Leaves one stack for another: keeps the registers that a function must keep on the stack it
// leaves. (swapcontext would do, but makes a system call each time.)
static_assert(sizeof(void*) == 8 && __x86_64__, "the emulation switches stacks of x86-64 only");
extern "C" __attribute__((visibility("hidden"))) void tenon_switch_stack(void** left,
                                                                         void* entered);
__asm__(
    ".text\n.globl tenon_switch_stack\n.hidden tenon_switch_stack\n"
    ".type tenon_switch_stack, @function\n"
    "tenon_switch_stack:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
    ".size tenon_switch_stack, . - tenon_switch_stack\n");

namespace tenon::cuda::emulation {
namespace {

constexpr size_t kStackBytes = 256 * 1024;

std::map<std::string, EmulatedKernel>& kernels() {
  static auto* const all = new std::map<std::string, EmulatedKernel>;
  return *all;
}

enum class Wait { kNone, kWarp, kBlock };

// One coroutine. It runs a thread of the block from begin to end, then the next one that nobody
// began, so that a kernel without barriers needs one coroutine for all of its threads.
struct Fiber {
  void* top = nullptr;  // where its stack was left
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  int thread = -1;
  Wait wait = Wait::kNone;
  bool finished = true;
};

class Block {
 public:
  bool run(const EmulatedKernel& kernel, const Shape& shape, int64_t x, int64_t y,
           const void* params, Turn turn);

  Place place{};
  std::vector<char> shared, exchange;
  Fiber* current = nullptr;

  void suspend(Wait wait);
  [[nodiscard]] int threads() const { return place.threads_x * place.threads_y; }

 private:
  static void enter();
  void run_threads();
  void set_thread(int number);
  void resume(Fiber& fiber);
  static void begin(Fiber& fiber);
  void start_rest();
  bool release();
  bool release_warps();
  bool release_block();

  const EmulatedKernel* kernel_ = nullptr;
  const void* params_ = nullptr;
  Turn turn_ = Turn::kForward;
  int begun_ = 0;
  void* scheduler_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;  // reused from block to block
  std::vector<Fiber*> waiting_;                 // of this block, in the order of their threads
};

Block& block() {
  thread_local auto* const mine = new Block;
  return *mine;
}

void Block::set_thread(int number) {
  current->thread = number;
  place.thread_x = number % place.threads_x;
  place.thread_y = number / place.threads_x;
}

void Block::run_threads() {
  while (begun_ < threads()) {
    set_thread(turn_ == Turn::kForward ? begun_ : threads() - 1 - begun_);
    ++begun_;
    kernel_->function(params_);
  }
}

void Block::enter() {
  Block& self = block();
  self.run_threads();
  self.current->finished = true;
  tenon_switch_stack(&self.current->top, self.scheduler_);
}

void Block::resume(Fiber& fiber) {
  current = &fiber;
  fiber.wait = Wait::kNone;
  if (fiber.thread >= 0) set_thread(fiber.thread);
  tenon_switch_stack(&scheduler_, fiber.top);
}

void Block::suspend(Wait wait) {
  current->wait = wait;
  tenon_switch_stack(&current->top, scheduler_);
}

void Block::begin(Fiber& fiber) {
  // What tenon_switch_stack pops: six registers and the address to return to. At a function's first
  // instruction the stack is 8 bytes off 16.
  const auto end = reinterpret_cast<uintptr_t>(fiber.stack.get() + kStackBytes) / 16 * 16;
  auto* const words = reinterpret_cast<void**>(end) - 8;
  std::fill(words, words + 8, nullptr);
  words[6] = reinterpret_cast<void*>(&Block::enter);
  fiber.top = words;
}

// New coroutines until every thread was begun.
void Block::start_rest() {
  for (size_t next = waiting_.size(); begun_ < threads(); ++next) {
    if (next == fibers_.size()) fibers_.push_back(std::make_unique<Fiber>());
    Fiber& fiber = *fibers_[next];
    fiber.finished = false;
    fiber.thread = -1;
    begin(fiber);
    resume(fiber);
    if (!fiber.finished) waiting_.push_back(&fiber);
  }
}

bool Block::release_block() {
  for (const Fiber* fiber : waiting_) {
    if (fiber->wait != Wait::kBlock) return false;
  }
  const std::vector<Fiber*> turn = waiting_;
  for (Fiber* fiber : turn) resume(*fiber);
  return true;
}

// Warps whose threads all wait for one another (those that ended count as there).
bool Block::release_warps() {
  bool released = false;
  for (int first = 0; first < threads(); first += kWarp) {
    std::vector<Fiber*> warp;
    bool ready = true;
    for (Fiber* fiber : waiting_) {
      if (fiber->thread < first || fiber->thread >= first + kWarp) continue;
      warp.push_back(fiber);
      ready = ready && fiber->wait == Wait::kWarp;
    }
    if (!ready || warp.empty()) continue;
    for (Fiber* fiber : warp) resume(*fiber);
    released = true;
  }
  return released;
}

bool Block::release() {
  const bool moved = release_block() || release_warps();
  std::erase_if(waiting_, [](const Fiber* fiber) { return fiber->finished; });
  return moved;
}

bool Block::run(const EmulatedKernel& kernel, const Shape& shape, int64_t x, int64_t y,
                const void* params, Turn turn) {
  kernel_ = &kernel;
  params_ = params;
  turn_ = turn;
  begun_ = 0;
  waiting_.clear();
  place = {0, 0, shape.threads_x, shape.threads_y, x, y, shape.blocks_x};
  shared.assign(static_cast<size_t>(shape.shared_bytes) + 16, static_cast<char>(0xa5));
  exchange.resize(static_cast<size_t>(threads()) * 16);
  start_rest();
  while (!waiting_.empty()) {
    if (!release()) return false;
  }
  return true;
}

}  // namespace

bool add_kernel(const char* name, void (*function)(const void*), int size_bytes) {
  kernels()[name] = {function, size_bytes};
  return true;
}

const EmulatedKernel* find_kernel(const std::string& name) {
  const auto found = kernels().find(name);
  return found == kernels().end() ? nullptr : &found->second;
}

const Place& place() { return block().place; }
void sync_block() { block().suspend(Wait::kBlock); }
void sync_warp() { block().suspend(Wait::kWarp); }
void* shared_memory() {
  // 16-byte aligned, as on the device.
  const auto address = reinterpret_cast<uintptr_t>(block().shared.data());
  return block().shared.data() + (16 - address % 16) % 16;
}
char* exchange(int thread) { return block().exchange.data() + static_cast<ptrdiff_t>(thread) * 16; }
int thread_number() { return block().current->thread; }

bool run_grid(const EmulatedKernel& kernel, const Shape& shape, const void* params, Turn turn,
              std::string* error) {
  for (int64_t y = 0; y < shape.blocks_y; ++y) {
    for (int64_t x = 0; x < shape.blocks_x; ++x) {
      if (block().run(kernel, shape, x, y, params, turn)) continue;
      *error = "threads of a block wait at different barriers";
      return false;
    }
  }
  return true;
}

}  // namespace tenon::cuda::emulation
