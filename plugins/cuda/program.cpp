#include "program.h"

#include <cstring>

#include "code_cache.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;

ProgramMode mode_of(const Context& context) {
  if (substitute_driver() != nullptr) return ProgramMode::kInterpret;
  const std::string mode = context.host.config("programs").value_or("auto");
  if (mode == "compile") return ProgramMode::kCompile;
  if (mode == "interpret") return ProgramMode::kInterpret;
  if (mode != "auto") {
    context.host.log(TN_LOG_WARNING,
                     "cuda: programs is auto, compile or interpret, not '" + mode + "'");
  }
  return ProgramMode::kAuto;
}

}  // namespace

std::unique_ptr<ProgramCompiler> make_program_compiler(const Context& context) {
  ProgramCompiler::Settings settings;
  settings.mode = mode_of(context);
  settings.capability = context.capability;
  settings.nvrtc = context.host.config("nvrtc");
  if (settings.mode != ProgramMode::kInterpret) {
    const std::string cache = context.host.config("cache").value_or(default_cache_folder());
    if (cache != "off") settings.cache = cache;
  }
  const std::string vectors = context.host.config("program_vectors").value_or("");
  if (vectors == "1" || vectors == "2" || vectors == "4" || vectors == "8") {
    settings.vectors = static_cast<uint32_t>(vectors[0] - '0');
  }
  return std::make_unique<ProgramCompiler>(std::move(settings),
                                           [host = context.host](std::string_view line) {
                                             host.log(TN_LOG_WARNING, "cuda: " + std::string(line));
                                           });
}

ProgramRunner::ProgramRunner(Context& context, const tnr_program& program)
    : code_(program_code(program)),
      interpreted_(context.function("program", "program_interpreted")),
      compiler_(&context.programs()) {
  if (compiler_->settings().mode == ProgramMode::kInterpret) compiler_ = nullptr;
  for (uint32_t i = 0; i < code_.instruction_count; ++i) {
    counts_elements_ = counts_elements_ || code_.steps[i][0] == TN_PROGRAM_INDEX;
  }
}

void ProgramRunner::launch(Launcher& launcher) {
  const size_t operands = launcher.operand_count();
  const tn_tensor* tensors[kProgramOperands];
  for (size_t i = 0; i < operands; ++i) tensors[i] = &launcher.tensor(i);
  Space space = collapse({tensors, operands}, counts_elements_ ? Order::kRowMajor : Order::kMemory);
  if (space.count == 0) return;
  unit_strides(space, operands);
  if (compiler_ == nullptr) return interpret(launcher, space);
  uint64_t addresses[kProgramOperands];
  for (size_t i = 0; i < operands; ++i) addresses[i] = launcher.address(i);
  const ProgramLayout layout =
      layout_of(code_, space, {addresses, operands}, compiler_->settings().vectors);
  const CUfunction function = compiled(launcher, layout);
  if (function == nullptr) return interpret(launcher, space);
  run_compiled(launcher, function, space, layout);
}

std::shared_ptr<ProgramVariant> ProgramRunner::variant(const ProgramLayout& layout) {
  const std::lock_guard lock(mutex_);
  for (const auto& known : variants_) {
    if (known->layout() == layout) return known;
  }
  return variants_.emplace_back(compiler_->variant(code_, layout));
}

CUfunction ProgramRunner::compiled(Launcher& launcher, const ProgramLayout& layout) {
  const std::shared_ptr<ProgramVariant> chosen = variant(layout);
  void* loaded = chosen->function.load(std::memory_order_acquire);
  if (loaded != nullptr) return static_cast<CUfunction>(loaded);
  const bool ready = compiler_->ready(chosen);
  if (!ready && chosen->state() != ProgramVariant::State::kFailed) return nullptr;
  const std::lock_guard lock(chosen->loading);
  loaded = chosen->function.load(std::memory_order_acquire);
  if (loaded != nullptr || chosen->refused) return static_cast<CUfunction>(loaded);
  if (!ready) {
    chosen->refused = true;
    compiler_->tell(chosen->result());
    return nullptr;
  }
  try {
    const CUfunction function =
        launcher.context.function_of_code(chosen->result().data(), kProgramKernel);
    chosen->function.store(function, std::memory_order_release);
    return function;
  } catch (const plugin::Status& failure) {
    if (failure.code() == TN_DEVICE_LOST) throw;
    chosen->refused = true;
    compiler_->tell("a compiled program was refused and stays interpreted: " + failure.message());
    return nullptr;
  }
}

void ProgramRunner::run_compiled(Launcher& launcher, CUfunction function, const Space& space,
                                 const ProgramLayout& layout) const {
  WalkParams p{};
  p.flat.count = space.count;
  for (size_t i = 0; i < launcher.operand_count(); ++i) p.flat.data[i] = launcher.data(i);
  for (uint32_t i = 0; i < code_.scalar_count; ++i) {
    p.flat.scalars[i] = scalar_bits(code_.dtypes[code_.input_count + i], launcher.scalars()[i]);
  }
  const int64_t per_block = int64_t{layout.elements} * layout.vectors * kProgramThreads;
  const Grid grid{.blocks_x = blocks_for(space.count, per_block), .threads_x = kProgramThreads};
  if (layout.flat != 0) return launcher.run(function, grid, p.flat);
  fill_walk(p, space);
  launcher.run(function, grid, p);
}

void ProgramRunner::interpret(Launcher& launcher, const Space& space) const {
  const size_t operands = launcher.operand_count();
  InterpretedParams p{};
  p.launch.count = space.count;
  p.launch.rank = space.rank;
  p.launch.operand_count = static_cast<uint32_t>(operands);
  std::memcpy(p.launch.shape, space.shape.data(), sizeof p.launch.shape);
  std::memcpy(p.launch.strides, space.strides.data(), sizeof p.launch.strides);
  for (size_t i = 0; i < operands; ++i) p.launch.data[i] = launcher.data(i);
  for (uint32_t i = 0; i < code_.scalar_count; ++i) p.launch.scalars[i] = launcher.scalars()[i];
  p.code = code_;
  launcher.run(interpreted_, Grid{.blocks_x = blocks_for(space.count, kThreads)}, p);
}

}  // namespace tenon::cuda
