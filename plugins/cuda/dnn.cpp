#include "dnn.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "library.h"

#if __has_include(<cudnn_graph.h>)
#include <cudnn_graph.h>
#endif

namespace tenon::cuda {

#if __has_include(<cudnn_graph.h>)
namespace {

constexpr int64_t kScratchBytes = int64_t{256} << 20;  // that a plan may ask for
constexpr size_t kWantedVersion = 90000;

// The entries that are used: the graph interface, whose engines the older one lacks.
struct Table {
  decltype(&::cudnnGetVersion) version;
  decltype(&::cudnnGetErrorString) error_string;
  decltype(&::cudnnCreate) create;
  decltype(&::cudnnDestroy) destroy;
  decltype(&::cudnnSetStream) set_stream;
  decltype(&::cudnnBackendCreateDescriptor) make;
  decltype(&::cudnnBackendDestroyDescriptor) drop;
  decltype(&::cudnnBackendFinalize) finalize;
  decltype(&::cudnnBackendSetAttribute) set;
  decltype(&::cudnnBackendGetAttribute) get;
  decltype(&::cudnnBackendExecute) execute;
};

template <class F>
bool load(const Library& library, const char* name, F& entry) {
  entry = reinterpret_cast<F>(library.symbol(name));
  return entry != nullptr;
}

bool load_all(const Library& library, Table& t) {
  return load(library, "cudnnGetVersion", t.version) &&
         load(library, "cudnnGetErrorString", t.error_string) &&
         load(library, "cudnnCreate", t.create) && load(library, "cudnnDestroy", t.destroy) &&
         load(library, "cudnnSetStream", t.set_stream) &&
         load(library, "cudnnBackendCreateDescriptor", t.make) &&
         load(library, "cudnnBackendDestroyDescriptor", t.drop) &&
         load(library, "cudnnBackendFinalize", t.finalize) &&
         load(library, "cudnnBackendSetAttribute", t.set) &&
         load(library, "cudnnBackendGetAttribute", t.get) &&
         load(library, "cudnnBackendExecute", t.execute);
}

// Opened once in the life of the process and never closed. NULL when it is off or missing.
const Table* open_library(const plugin::Host& host) {
  const auto chosen = host.config("cudnn");
  if (chosen && *chosen == "off") return nullptr;
  std::vector<std::string> folders = toolkit_folders();
  folders.insert(folders.end(), {"/usr/local/cuda/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"});
  const Library library = find_library({"libcudnn.so.9", chosen, folders});
  if (library.handle == nullptr) {
    host.log(TN_LOG_INFO, "convolutions go without cuDNN: " + library.tried);
    return nullptr;
  }
  static Table table{};
  if (!load_all(library, table) || table.version() < kWantedVersion) {
    host.log(TN_LOG_WARNING, "convolutions go without cuDNN: " + library.path + " is not cuDNN 9");
    return nullptr;
  }
  return &table;
}

// A call that cuDNN answered with a failure; the caller goes on to the next candidate.
struct Refused {
  cudnnStatus_t status;
};

void check(cudnnStatus_t status) {
  if (status != CUDNN_STATUS_SUCCESS) throw Refused{status};
}

// A descriptor of the graph interface.
class Descriptor {
 public:
  Descriptor(const Table& table, cudnnBackendDescriptorType_t type) : table_(&table) {
    check(table.make(type, &handle_));
  }
  Descriptor(Descriptor&& from) noexcept : table_(from.table_), handle_(from.handle_) {
    from.handle_ = nullptr;
  }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (handle_ != nullptr) table_->drop(handle_);
  }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
           const void* values) {
    check(table_->set(handle_, name, type, count, values));
  }
  void set(cudnnBackendAttributeName_t name, int64_t value) {
    set(name, CUDNN_TYPE_INT64, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, float value) {
    set(name, CUDNN_TYPE_FLOAT, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
    set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, cudnnHandle_t value) {
    set(name, CUDNN_TYPE_HANDLE, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.handle_);
  }
  void finalize() { check(table_->finalize(handle_)); }

  // Returns how many there are, which may be more than the `room` that was filled.
  int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t room,
              void* values) const {
    int64_t count = 0;
    check(table_->get(handle_, name, type, room, &count, values));
    return count;
  }
  [[nodiscard]] cudnnBackendDescriptor_t handle() const { return handle_; }

 private:
  const Table* table_;
  cudnnBackendDescriptor_t handle_ = nullptr;
};

cudnnDataType_t data_type(uint32_t dtype) {
  if (dtype == TN_DTYPE_F16) return CUDNN_DATA_HALF;
  return dtype == TN_DTYPE_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// Numbers of x, w and y in plans.
constexpr int64_t kIds[] = {1, 2, 3};

Descriptor dense_tensor(const Table& table, size_t which, const DnnConvolution& c,
                        const std::array<int64_t, 4>& shape) {
  const std::array<int64_t, 4> strides{shape[1] * shape[2] * shape[3], shape[2] * shape[3],
                                       shape[3], 1};
  Descriptor out(table, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  out.set(CUDNN_ATTR_TENSOR_DATA_TYPE, data_type(c.dtype));
  out.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, shape.data());
  out.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data());
  out.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, kIds[which]);
  out.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, c.alignments[which]);
  out.finalize();
  return out;
}

Descriptor windows(const Table& table, const ConvolutionSizes& s) {
  const int64_t pads[] = {s.pad_h, s.pad_w}, strides[] = {s.stride_h, s.stride_w},
                dilations[] = {s.dilation_h, s.dilation_w};
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  Descriptor out(table, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  out.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  out.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  out.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2});
  out.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
  out.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
  out.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
  out.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations);
  out.finalize();
  return out;
}

struct PassNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t x, w, y, windows, alpha, beta;
};

PassNames names_of(ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::kForward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case ConvolutionPass::kInputGrad:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    default:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
}

// A graph of one convolution, with all that it was made of. Groups follow from the channels of w.
struct Graph {
  Graph(const Table& table, cudnnHandle_t handle, const DnnConvolution& c)
      : x(dense_tensor(table, 0, c,
                       {c.sizes.batch, c.sizes.channels, c.sizes.height, c.sizes.width})),
        w(dense_tensor(table, 1, c,
                       {c.sizes.filters, c.sizes.channels / c.sizes.groups, c.sizes.kernel_h,
                        c.sizes.kernel_w})),
        y(dense_tensor(table, 2, c,
                       {c.sizes.batch, c.sizes.filters, c.sizes.out_h, c.sizes.out_w})),
        how(windows(table, c.sizes)),
        operation(table, names_of(c.pass).operation),
        graph(table, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
    const PassNames names = names_of(c.pass);
    operation.set(names.x, x);
    operation.set(names.w, w);
    operation.set(names.y, y);
    operation.set(names.windows, how);
    operation.set(names.alpha, 1.0f);
    operation.set(names.beta, 0.0f);
    operation.finalize();
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
    graph.finalize();
  }

  Descriptor x, w, y, how, operation, graph;
};

// What cuDNN proposes, best first.
std::vector<Descriptor> candidates(const Table& table, const Descriptor& graph,
                                   cudnnBackendHeurMode_t mode) {
  Descriptor heuristic(table, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  heuristic.finalize();
  const int64_t count =
      heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
  std::vector<Descriptor> out;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (int64_t i = 0; i < count; ++i) {
    handles.push_back(out.emplace_back(table, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).handle());
  }
  const int64_t filled = count == 0
                             ? 0
                             : heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                             CUDNN_TYPE_BACKEND_DESCRIPTOR, count, handles.data());
  while (static_cast<int64_t>(out.size()) > filled) out.pop_back();
  return out;
}

// Is an engine's arithmetic what was asked for: the same bits every time, sums in f32 at least, f32
// not rounded to TF32 unless that was allowed?
bool is_acceptable(const Table& table, const Descriptor& candidate, uint32_t dtype, bool tf32) {
  const Descriptor engine(table, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t handle = engine.handle();
  candidate.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &handle);
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  const int64_t count = engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                   static_cast<int64_t>(notes.size()), notes.data());
  for (int64_t i = 0; i < count && i < static_cast<int64_t>(notes.size()); ++i) {
    switch (notes[static_cast<size_t>(i)]) {
      case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
      case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
        return false;
      case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
        if (dtype == TN_DTYPE_F32) return false;
        break;
      case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        if (dtype == TN_DTYPE_F32 && !tf32) return false;
        break;
      default:
        break;
    }
  }
  return true;
}

// An engine made ready. What it was made of stays: nothing says that cuDNN copies it.
struct Ready {
  std::shared_ptr<const Graph> graph;
  Descriptor candidate, descriptor;
};

// Best guess first; more than one only where the fastest is to be searched for.
struct Plan final : DnnPlan {
  std::vector<Ready> ready;
  int uses = 0;
};

// Adds an engine that can do it with bounded scratch.
void add_ready(const Table& table, cudnnHandle_t handle, std::shared_ptr<const Graph> graph,
               Descriptor&& candidate, Plan& plan) {
  try {
    Descriptor ready(table, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    ready.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
    ready.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, candidate);
    ready.finalize();
    int64_t bytes = 0;
    ready.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &bytes);
    if (bytes < 0 || bytes > kScratchBytes) return;
    plan.workspace_bytes = std::max(plan.workspace_bytes, static_cast<uint64_t>(bytes));
    plan.ready.push_back({std::move(graph), std::move(candidate), std::move(ready)});
  } catch (const Refused&) {
    // The heuristic proposes more than the engines do; the next one, then.
  }
}

// One handle, and whoever uses it waits for the others: a handle is no thing for two threads.
class OpenedDnn final : public Dnn {
 public:
  OpenedDnn(Context& context, const Table& table) : context_(context), table_(table) {
    check(table.create(&handle_));
    tf32_ = context.host.config("precision").value_or("") == "tf32";
    if (context.host.config("search").value_or("") == "on") wanted_ = kSearched;
  }
  ~OpenedDnn() override {
    context_.release([&](const Driver&) { table_.destroy(handle_); });
  }

  std::unique_ptr<DnnPlan> plan(const DnnConvolution& convolution) override {
    const std::lock_guard lock(mutex_);
    auto plan = std::make_unique<Plan>();
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      try {
        const auto graph = std::make_shared<const Graph>(table_, handle_, convolution);
        for (Descriptor& candidate : candidates(table_, graph->graph, mode)) {
          if (!is_acceptable(table_, candidate, convolution.dtype, tf32_)) continue;
          add_ready(table_, handle_, graph, std::move(candidate), *plan);
          if (plan->ready.size() >= wanted_) return plan;
        }
      } catch (const Refused& refused) {
        note(refused.status, "no plan for a convolution");
      }
    }
    if (!plan->ready.empty()) return plan;
    context_.host.log(TN_LOG_INFO, "cuDNN has no engine for a convolution, own kernels serve");
    return nullptr;
  }

  bool run(DnnPlan& plan, const DnnLaunch& launch) override {
    auto& known = static_cast<Plan&>(plan);
    const std::lock_guard lock(mutex_);
    try {
      const Descriptor pack = pack_of(launch);
      check(table_.set_stream(handle_, launch.stream));
      if (known.ready.size() > 1 && ++known.uses == kSearchedUse) keep_fastest(known, launch, pack);
      check(table_.execute(handle_, known.ready.front().descriptor.handle(), pack.handle()));
      return true;
    } catch (const Refused& refused) {
      note(refused.status, "a convolution could not be queued");
      return false;
    }
  }

 private:
  static constexpr int kSearchedUse = 3;
  static constexpr size_t kSearched = 8;

  [[nodiscard]] Descriptor pack_of(const DnnLaunch& launch) const {
    Descriptor pack(table_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    void* const scratch = reinterpret_cast<void*>(launch.workspace);
    void* pointers[3];
    for (size_t i = 0; i < 3; ++i) pointers[i] = reinterpret_cast<void*>(launch.operands[i]);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, kIds);
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &scratch);
    pack.finalize();
    return pack;
  }

  // Seconds of one run on the launch's own operands, which an output that is not read allows.
  double time_of(const Descriptor& ready, const DnnLaunch& launch, const Descriptor& pack) const {
    constexpr int kRuns = 4;
    const auto queue_and_wait = [&](int runs) {
      for (int i = 0; i < runs; ++i) {
        if (table_.execute(handle_, ready.handle(), pack.handle()) != CUDNN_STATUS_SUCCESS) {
          return false;
        }
      }
      context_.check(context_.driver.stream_synchronize(launch.stream), "cuStreamSynchronize");
      return true;
    };
    if (!queue_and_wait(1)) return std::numeric_limits<double>::infinity();
    const auto begin = std::chrono::steady_clock::now();
    if (!queue_and_wait(kRuns)) return std::numeric_limits<double>::infinity();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / kRuns;
  }

  void keep_fastest(Plan& plan, const DnnLaunch& launch, const Descriptor& pack) const {
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < plan.ready.size(); ++i) {
      const double seconds = time_of(plan.ready[i].descriptor, launch, pack);
      if (seconds >= least) continue;
      least = seconds;
      best = i;
    }
    std::vector<Ready> kept;
    kept.push_back(std::move(plan.ready[best]));
    plan.ready.swap(kept);
  }

  void note(cudnnStatus_t status, const char* what) const {
    context_.host.log(TN_LOG_WARNING,
                      std::string("cuDNN: ") + what + ": " + table_.error_string(status));
  }

  Context& context_;
  const Table& table_;
  std::mutex mutex_;
  cudnnHandle_t handle_ = nullptr;
  bool tf32_ = false;
  size_t wanted_ = 1;  // engines made ready for one convolution
};

}  // namespace

std::shared_ptr<Dnn> Dnn::of(Context& context) {
  if (substitute_driver() != nullptr) return nullptr;
  static const Table* const table = open_library(context.host);
  if (table == nullptr) return nullptr;
  static std::mutex mutex;
  static std::map<const Context*, std::weak_ptr<Dnn>> opened;
  const std::lock_guard lock(mutex);
  std::weak_ptr<Dnn>& known = opened[&context];
  if (auto dnn = known.lock()) return dnn;
  try {
    const auto dnn = std::make_shared<OpenedDnn>(context, *table);
    known = dnn;
    return dnn;
  } catch (const Refused& refused) {
    context.host.log(TN_LOG_WARNING, std::string("convolutions go without cuDNN: ") +
                                         table->error_string(refused.status));
    return nullptr;
  }
}

#else

std::shared_ptr<Dnn> Dnn::of(Context&) { return nullptr; }

#endif

}  // namespace tenon::cuda
