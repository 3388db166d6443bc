#include "blas.h"

#if __has_include(<cublasLt.h>)

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

#include "blas_table.h"
#include "kernel.h"
#include "library.h"

namespace tenon::cuda {
namespace {

// ---- the library ----

struct Entry {
  const char* name;
  void (*store)(BlasTable& table, void* symbol);
};

template <auto Member>
void store(BlasTable& table, void* symbol) {
  using Function = std::remove_reference_t<decltype(table.*Member)>;
  table.*Member = reinterpret_cast<Function>(symbol);
}

constexpr Entry kEntries[] = {
    {"cublasLtCreate", store<&BlasTable::create>},
    {"cublasLtDestroy", store<&BlasTable::destroy>},
    {"cublasLtMatmul", store<&BlasTable::multiply>},
    {"cublasLtMatmulAlgoGetHeuristic", store<&BlasTable::choose>},
    {"cublasLtMatmulDescCreate", store<&BlasTable::operation_create>},
    {"cublasLtMatmulDescDestroy", store<&BlasTable::operation_destroy>},
    {"cublasLtMatmulDescSetAttribute", store<&BlasTable::operation_set>},
    {"cublasLtMatrixLayoutCreate", store<&BlasTable::layout_create>},
    {"cublasLtMatrixLayoutDestroy", store<&BlasTable::layout_destroy>},
    {"cublasLtMatrixLayoutSetAttribute", store<&BlasTable::layout_set>},
    {"cublasLtMatmulPreferenceCreate", store<&BlasTable::preference_create>},
    {"cublasLtMatmulPreferenceDestroy", store<&BlasTable::preference_destroy>},
    {"cublasLtMatmulPreferenceSetAttribute", store<&BlasTable::preference_set>},
};

Library open_library(const std::optional<std::string>& chosen) {
  Library library;
  std::string tried;
  for (const char* soname : {"libcublasLt.so.13", "libcublasLt.so.12"}) {
    library = find_library({soname, chosen, toolkit_folders()});
    if (library.handle != nullptr) break;
    tried += (tried.empty() ? "" : "; ") + library.tried;
  }
  library.tried = tried;
  return library;
}

// Once in the life of the process. NULL: there is none; the log then says what was tried.
const BlasTable* open_table(const plugin::Host& host) {
  const auto chosen = host.config("cublaslt");
  if (chosen == "off") return nullptr;
  const Library library = open_library(chosen);
  const auto missing = [&](const std::string& why) -> const BlasTable* {
    host.log(chosen ? TN_LOG_WARNING : TN_LOG_INFO, "matmul goes without cuBLASLt: " + why);
    return nullptr;
  };
  if (library.handle == nullptr) return missing(library.tried);
  static BlasTable table;
  for (const Entry& entry : kEntries) {
    void* symbol = library.symbol(entry.name);
    if (symbol == nullptr) return missing(library.path + " lacks " + entry.name);
    entry.store(table, symbol);
  }
  return &table;
}

const BlasTable* find_table(const plugin::Host& host) {
  if (substitute_driver() != nullptr) return substitute_blas();
  static const BlasTable* const table = open_table(host);
  return table;
}

// The handle on a context.
struct Blas {
  Blas(Context& context_in, const BlasTable& table_in)
      : context(context_in),
        table(table_in),
        workspace_limit((context_in.capability >= 90 ? 32u : 8u) << 20),
        tf32(context_in.host.config("precision") == "tf32"),
        searches(context_in.host.config("search") == "on") {
    if (table.create(&handle) != CUBLAS_STATUS_SUCCESS) handle = nullptr;
  }
  ~Blas() {
    if (handle == nullptr) return;
    context.release([this](const Driver&) { table.destroy(handle); });
  }
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  Context& context;
  const BlasTable& table;
  cublasLtHandle_t handle = nullptr;
  const uint64_t workspace_limit;
  const bool tf32, searches;
};

Blas* blas_of(Context& context) {
  auto* const blas = static_cast<Blas*>(context.kept("cublaslt", [&]() -> std::shared_ptr<void> {
    const BlasTable* table = find_table(context.host);
    if (table == nullptr) return nullptr;
    return std::make_shared<Blas>(context, *table);
  }));
  return blas != nullptr && blas->handle != nullptr ? blas : nullptr;
}

struct Types {
  cudaDataType_t data, scale;
  cublasComputeType_t compute;
};

std::optional<Types> types_of(uint32_t dtype, bool tf32) {
  switch (dtype) {
    case TN_DTYPE_F16:
      return Types{CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case TN_DTYPE_BF16:
      return Types{CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case TN_DTYPE_F32:
      return Types{CUDA_R_32F, CUDA_R_32F,
                   tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F};
    case TN_DTYPE_F64:
      return Types{CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
    default:
      return std::nullopt;
  }
}

// ---- plans ----

struct Key {
  BlasProduct product;
  uint32_t a_alignment, b_alignment, d_alignment;
  bool bias;

  explicit Key(const BlasCall& call)
      : product(call.product),
        a_alignment(call.a_alignment),
        b_alignment(call.b_alignment),
        d_alignment(call.d_alignment),
        bias(call.bias != 0) {}
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t hash = 0;
    const auto mix = [&](int64_t word) {
      hash = (hash ^ static_cast<uint64_t>(word)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    };
    for (const BlasMatrix* x : {&key.product.a, &key.product.b, &key.product.d}) {
      mix(x->rows << 32 | x->columns);
      mix(x->leading << 1 | (x->transposed ? 1 : 0));
      mix(x->batch_stride);
    }
    mix(key.product.batch << 1 | (key.bias ? 1 : 0));
    mix(int64_t{key.a_alignment} << 40 | int64_t{key.b_alignment} << 20 | key.d_alignment);
    return hash;
  }
};

constexpr int kCandidates = 8;
// Below this many multiplications a search takes longer than it may ever save.
constexpr double kSearchVolume = 1 << 24;

// What the library knows of one product. No candidates: it does not take it.
struct Plan {
  explicit Plan(const BlasTable& table_in) : table(table_in) {}
  ~Plan() {
    if (operation != nullptr) table.operation_destroy(operation);
    for (cublasLtMatrixLayout_t layout : {a, b, d}) {
      if (layout != nullptr) table.layout_destroy(layout);
    }
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const BlasTable& table;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
  std::vector<cublasLtMatmulHeuristicResult_t> candidates;
  size_t chosen = 0;
  bool searches = false;  // the choice is still to be made
  uint64_t workspace_bytes = 0;
};

// Calls of the library until one fails.
class Steps {
 public:
  explicit Steps(const BlasTable& table) : table_(table) {}

  void take(cublasStatus_t status) { good_ = good_ && status == CUBLAS_STATUS_SUCCESS; }
  template <class T>
  void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t which, const T& value) {
    if (good_) take(table_.operation_set(operation, which, &value, sizeof value));
  }
  template <class T>
  void set(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t which, const T& value) {
    if (good_) take(table_.layout_set(layout, which, &value, sizeof value));
  }
  template <class T>
  void set(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t which,
           const T& value) {
    if (good_) take(table_.preference_set(preference, which, &value, sizeof value));
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  const BlasTable& table_;
  bool good_ = true;
};

void describe(Steps& steps, const BlasTable& table, cublasLtMatrixLayout_t* layout,
              const BlasMatrix& x, int64_t batch, cudaDataType_t type) {
  steps.take(table.layout_create(layout, type, static_cast<uint64_t>(x.rows),
                                 static_cast<uint64_t>(x.columns), x.leading));
  if (batch == 1) return;
  steps.set(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<int32_t>(batch));
  steps.set(*layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, x.batch_stride);
}

void describe(Steps& steps, Plan& plan, const BlasCall& call, const Types& types) {
  const BlasProduct& p = call.product;
  steps.take(plan.table.operation_create(&plan.operation, types.compute, types.scale));
  const auto turn = [](const BlasMatrix& x) {
    return static_cast<int32_t>(x.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  };
  steps.set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, turn(p.a));
  steps.set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, turn(p.b));
  if (call.bias != 0) {
    steps.set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE,
              static_cast<uint32_t>(CUBLASLT_EPILOGUE_BIAS));
    steps.set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
              static_cast<int32_t>(types.data));
    steps.set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, call.bias);
  }
  if (!steps.good()) return;
  describe(steps, plan.table, &plan.a, p.a, p.batch, types.data);
  describe(steps, plan.table, &plan.b, p.b, p.batch, types.data);
  describe(steps, plan.table, &plan.d, p.d, p.batch, types.data);
}

void ask(Steps& steps, const Blas& blas, Plan& plan, const BlasCall& call) {
  cublasLtMatmulPreference_t preference = nullptr;
  steps.take(blas.table.preference_create(&preference));
  if (!steps.good()) return;
  steps.set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, blas.workspace_limit);
  // Parts of a sum are never added by atomics, whose order is any, nor in 16 bits.
  steps.set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
            static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  steps.set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, call.a_alignment);
  steps.set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, call.b_alignment);
  steps.set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, call.d_alignment);
  steps.set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, call.d_alignment);
  int found = 0;
  plan.candidates.resize(kCandidates);
  if (steps.good()) {
    steps.take(blas.table.choose(blas.handle, plan.operation, plan.a, plan.b, plan.d, plan.d,
                                 preference, blas.searches ? kCandidates : 1,
                                 plan.candidates.data(), &found));
  }
  plan.candidates.resize(steps.good() ? static_cast<size_t>(found) : 0);
  std::erase_if(plan.candidates, [](const auto& x) { return x.state != CUBLAS_STATUS_SUCCESS; });
  blas.table.preference_destroy(preference);
}

double volume(const BlasProduct& p) {
  return static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k) *
         static_cast<double>(p.batch);
}

// Then nobody can wait for the stream.
bool capturing(const Launcher& launcher) {
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
  return launcher.context.driver.stream_capturing(launcher.stream(), &status) != CUDA_SUCCESS ||
         status != CU_STREAM_CAPTURE_STATUS_NONE;
}

}  // namespace

struct BlasPlans::State {
  State(Blas& blas_in, const Types& types_in) : blas(blas_in), types(types_in) {}

  Plan& find(const BlasCall& call);
  cublasStatus_t multiply(Plan& plan, const BlasCall& call, CUstream stream, size_t candidate,
                          CUdeviceptr workspace) const;
  bool run(Launcher& launcher, Plan& plan, const BlasCall& call, CUdeviceptr workspace,
           uint64_t room);
  void search(Launcher& launcher, Plan& plan, const BlasCall& call, CUdeviceptr workspace);
  float time(Launcher& launcher, Plan& plan, const BlasCall& call, CUdeviceptr workspace,
             size_t candidate, CUevent begin, CUevent end) const;

  Blas& blas;
  const Types types;
  std::mutex mutex;  // over plans and what they hold; a call of the library reads a plan
  std::unordered_map<Key, std::unique_ptr<Plan>, KeyHash> plans;
};

Plan& BlasPlans::State::find(const BlasCall& call) {
  const Key key(call);
  const auto found = plans.find(key);
  if (found != plans.end()) return *found->second;
  const Context::Scope scope(blas.context);
  auto plan = std::make_unique<Plan>(blas.table);
  Steps steps(blas.table);
  if (call.product.batch <= std::numeric_limits<int32_t>::max()) {
    describe(steps, *plan, call, types);
    if (steps.good()) ask(steps, blas, *plan, call);
  }
  for (const auto& x : plan->candidates) {
    plan->workspace_bytes = std::max<uint64_t>(plan->workspace_bytes, x.workspaceSize);
  }
  plan->searches =
      blas.searches && plan->candidates.size() > 1 && volume(call.product) >= kSearchVolume;
  if (!plan->searches && !plan->candidates.empty()) {
    plan->workspace_bytes = plan->candidates[0].workspaceSize;
  }
  return *plans.emplace(key, std::move(plan)).first->second;
}

cublasStatus_t BlasPlans::State::multiply(Plan& plan, const BlasCall& call, CUstream stream,
                                          size_t candidate, CUdeviceptr workspace) const {
  const double one64 = 1, zero64 = 0;
  const float one32 = 1, zero32 = 0;
  const bool wide = types.scale == CUDA_R_64F;
  const auto pointer = [](CUdeviceptr address) { return reinterpret_cast<void*>(address); };
  const auto& choice = plan.candidates[candidate];
  return blas.table.multiply(
      blas.handle, plan.operation, wide ? static_cast<const void*>(&one64) : &one32,
      pointer(call.a), plan.a, pointer(call.b), plan.b,
      wide ? static_cast<const void*>(&zero64) : &zero32, pointer(call.d), plan.d, pointer(call.d),
      plan.d, &choice.algo, pointer(workspace), choice.workspaceSize, stream);
}

// Milliseconds of three products after two; infinite where it fails. The result is overwritten by
// the same values, and nothing else is.
float BlasPlans::State::time(Launcher& launcher, Plan& plan, const BlasCall& call,
                             CUdeviceptr workspace, size_t candidate, CUevent begin,
                             CUevent end) const {
  const Driver& driver = launcher.context.driver;
  constexpr float kNever = std::numeric_limits<float>::infinity();
  for (int i = 0; i < 5; ++i) {
    if (i == 2 && driver.event_record(begin, launcher.stream()) != CUDA_SUCCESS) return kNever;
    if (multiply(plan, call, launcher.stream(), candidate, workspace) != CUBLAS_STATUS_SUCCESS) {
      return kNever;
    }
  }
  float milliseconds = 0;
  if (driver.event_record(end, launcher.stream()) != CUDA_SUCCESS ||
      driver.event_synchronize(end) != CUDA_SUCCESS ||
      driver.event_elapsed(&milliseconds, begin, end) != CUDA_SUCCESS) {
    return kNever;
  }
  return milliseconds;
}

void BlasPlans::State::search(Launcher& launcher, Plan& plan, const BlasCall& call,
                              CUdeviceptr workspace) {
  const Driver& driver = launcher.context.driver;
  plan.searches = false;
  CUevent begin = nullptr, end = nullptr;
  const bool made = driver.event_create(&begin, CU_EVENT_DEFAULT) == CUDA_SUCCESS &&
                    driver.event_create(&end, CU_EVENT_DEFAULT) == CUDA_SUCCESS;
  float best = std::numeric_limits<float>::infinity();
  for (size_t i = 0; made && i < plan.candidates.size(); ++i) {
    const float taken = time(launcher, plan, call, workspace, i, begin, end);
    if (taken < best) {
      best = taken;
      plan.chosen = i;
    }
  }
  for (CUevent event : {begin, end}) {
    if (event != nullptr) driver.event_destroy(event);
  }
  plan.workspace_bytes = plan.candidates[plan.chosen].workspaceSize;
}

bool BlasPlans::State::run(Launcher& launcher, Plan& plan, const BlasCall& call,
                           CUdeviceptr workspace, uint64_t room) {
  if (plan.candidates.empty() || plan.workspace_bytes > room) return false;
  if (call.bias != 0) {
    Steps steps(blas.table);
    steps.set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, call.bias);
    if (!steps.good()) return false;
  }
  if (plan.searches && !capturing(launcher)) search(launcher, plan, call, workspace);
  if (multiply(plan, call, launcher.stream(), plan.chosen, workspace) == CUBLAS_STATUS_SUCCESS) {
    return true;
  }
  plan.candidates.clear();  // not asked again
  plan.workspace_bytes = 0;
  return false;
}

BlasPlans::BlasPlans(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlasPlans::~BlasPlans() = default;

std::unique_ptr<BlasPlans> BlasPlans::make(Context& context, uint32_t dtype) {
  Blas* const blas = blas_of(context);
  if (blas == nullptr) return nullptr;
  const auto types = types_of(dtype, blas->tf32);
  if (!types) return nullptr;
  return std::unique_ptr<BlasPlans>(new BlasPlans(std::make_unique<State>(*blas, *types)));
}

namespace {

// The library reads a bias by vectors.
constexpr uint32_t kBiasAlignment = 16;

BlasCall without_bias(BlasCall call) {
  call.bias = 0;
  return call;
}

}  // namespace

bool BlasPlans::takes(const BlasCall& call, uint64_t* workspace_bytes) {
  const std::lock_guard lock(state_->mutex);
  const bool biased = call.bias == 0 || call.bias_alignment >= kBiasAlignment;
  const Plan* plan = biased ? &state_->find(call) : nullptr;
  if (call.bias != 0 && (plan == nullptr || plan->candidates.empty())) {
    plan = &state_->find(without_bias(call));
  }
  *workspace_bytes = plan->workspace_bytes;
  return !plan->candidates.empty();
}

Multiplied BlasPlans::run(Launcher& launcher, const BlasCall& call, CUdeviceptr workspace,
                          uint64_t room) {
  const std::lock_guard lock(state_->mutex);
  if (call.bias == 0 || call.bias_alignment >= kBiasAlignment) {
    Plan& plan = state_->find(call);
    if (state_->run(launcher, plan, call, workspace, room)) return Multiplied::kComplete;
    if (call.bias == 0) return Multiplied::kNo;
  }
  const BlasCall plain = without_bias(call);
  return state_->run(launcher, state_->find(plain), plain, workspace, room) ? Multiplied::kNoBias
                                                                            : Multiplied::kNo;
}

}  // namespace tenon::cuda

#else  // a toolkit without cuBLASLt

namespace tenon::cuda {

struct BlasPlans::State {};
BlasPlans::BlasPlans(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlasPlans::~BlasPlans() = default;
std::unique_ptr<BlasPlans> BlasPlans::make(Context&, uint32_t) { return nullptr; }
bool BlasPlans::takes(const BlasCall&, uint64_t*) { return false; }
Multiplied BlasPlans::run(Launcher&, const BlasCall&, CUdeviceptr, uint64_t) {
  return Multiplied::kNo;
}

}  // namespace tenon::cuda

#endif
