// How a kernel of tiles.cuh is launched: the division of the work, the threads, the shared memory, the plan.
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <type_traits>

#include <cuda_runtime.h>

#include "../../tensors.h"
#include "tiles.cuh"

// The stable headers declare it only in a build of torch with CUDA; libtorch of any such build has it.
extern "C" AOTITorchError aoti_torch_get_current_cuda_stream(int32_t device_index, void** ret_stream);

namespace zoo {

// What a launch does; `stages` of the kernels.
enum Stage : int { kStatistics = 1, kApply = 2, kBackwards = 4 };

enum class Kind {
  kMap,     // one pass, every element on its own
  kReduce,  // one pass that also sums per channel
  kTwice,   // sums per channel, then a second pass that needs them
};

// kBlock: a block alone takes its channels from end to end, one launch. kCooperative: one launch with a grid barrier
// between the passes, all of the tensor in shared memory. kSplit: one launch per pass.
enum class Mode { kBlock, kCooperative, kSplit };

inline void check_cuda(cudaError_t error, const char* what) {
  require(error == cudaSuccess, "zoo: CUDA says '", cudaGetErrorString(error), "' in ", what);
}

struct Device {
  int multiprocessors, block_shared, multiprocessor_shared;
  // Whether it takes grids with a barrier; no longer where the driver has refused one.
  mutable std::atomic<bool> cooperative{true};

  // Asked of the driver once; every op asks here. (Never destroyed: threads may outlive the libraries' end.)
  static const Device& of(int index) {
    static const std::deque<Device>& all = *[] {
      int count = 0;
      check_cuda(cudaGetDeviceCount(&count), "a device query");
      auto found = std::make_unique<std::deque<Device>>();
      for (int each = 0; each < count; ++each) found->emplace_back(each);
      return found.release();
    }();
    return all.at(size_t(index));
  }

  explicit Device(int index) {
    check_cuda(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index), "a device query");
    check_cuda(cudaDeviceGetAttribute(&block_shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, index), "a device query");
    check_cuda(
        cudaDeviceGetAttribute(&multiprocessor_shared, cudaDevAttrMaxSharedMemoryPerMultiprocessor, index),
        "a device query");
  }
};

struct Plan {
  Work work{};
  Mode mode = Mode::kSplit;
  bool nhwc = false, packed = false;
  int threads = 0;
  size_t shared = 0;

  int64_t blocks() const { return work.tiles * work.chunks; }
};

// What is to be planned.
struct Request {
  Kind kind;
  bool nhwc;
  int64_t images, channels, positions;  // positions: H W
  int groups;
  bool aligned;  // all full-size tensors begin at a multiple of 16 bytes
  int element_size;
  int reread;  // full-size tensors that are read twice
};

constexpr int kScratch = 11 * 1024;  // static shared memory of the kernels, and what the driver takes

inline int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

inline int power_of_two(int64_t least, int64_t from, int64_t to) {  // a power of two of at least `least`, within limits
  int64_t result = from;
  while (result < least && result < to) result *= 2;
  return int(result);
}

class Planner {
 public:
  // resident(plan): how many blocks of that plan a multiprocessor holds.
  template <class Resident>
  static Plan plan(const Request& request, const Device& device, Resident resident) {
    Planner planner(request, device);
    if (request.kind == Kind::kMap) return planner.map();
    const char* forced = std::getenv("ZOO_CUDA_PLAN");  // for tests and measurements: block, cooperative or split
    const auto allowed = [forced](const char* name) { return !forced || !*forced || std::strcmp(forced, name) == 0; };
    const bool free = allowed("");
    if (allowed("block") && planner.block(!free)) return planner.plan_;
    if (request.kind == Kind::kTwice && device.cooperative && allowed("cooperative")) {
      for (const int64_t each : {2, 1}) {
        if (planner.cooperative(each, !free) && resident(planner.plan_) >= each) {
          return planner.plan_;
        }
      }
    }
    return planner.split();
  }

 private:
  static constexpr int64_t kAlone = 64 * 1024;  // what one block reads in about the time of a grid barrier

  Planner(const Request& request, const Device& device) : request_(request), device_(device) {
    Request& r = request_;
    if (r.channels == 1) {  // then both layouts are the same memory, and long planes make better use of a block
      r.positions = r.images * r.positions / r.groups;
      r.images = r.groups;
      r.nhwc = false;
    }
    const int vector = 16 / r.element_size;
    plan_.nhwc = r.nhwc;
    plan_.packed = r.aligned && (r.nhwc ? r.channels : r.positions) % vector == 0;
    pack_ = plan_.packed ? vector : 1;
    Work& w = plan_.work;
    w.channels = r.channels;
    w.groups = r.groups;
    w.group_stride = r.images / r.groups * r.positions * r.channels;
    w.plane = r.nhwc ? 1 : r.positions > 0 ? r.positions / pack_ : 1;
    if (r.channels == 1 && w.plane > kMostItems) w.plane = kMostItems;  // no other channel to jump over
    require(w.plane <= kMostItems, "zoo: images of ", r.positions, " pixels are too large for this kernel");
    w.items = r.nhwc ? r.images / r.groups * r.positions : r.images / r.groups * (r.positions / pack_);
    if (!r.nhwc) fewest_ = most_ = 1;
    else if (!plan_.packed) fewest_ = most_ = power_of_two(r.channels, 1, 32);
    else {
      most_ = power_of_two(r.channels / pack_, 1, 8);  // 128 bytes of a row
      fewest_ = most_ < 2 ? most_ : 2;                 // 32 bytes, a whole sector
    }
  }

  int64_t tiles(int lanes) const { return divided_up(request_.channels, request_.nhwc ? lanes * int64_t(pack_) : 1); }

  // Divides into about `chunks` per group and tile, each with work for all threads.
  void divide(int lanes, int64_t chunks, int64_t fewest_rounds) {
    Work& w = plan_.work;
    w.lanes = lanes;
    w.tiles = tiles(lanes);
    // A tile has at most 64 channels, one thread for each: hence 64 threads at least.
    const int rows = power_of_two(w.items * lanes, 64, kMostThreads) / lanes;
    const int64_t most = divided_up(w.items, rows * fewest_rounds);
    if (chunks > most) chunks = most;
    if (chunks < divided_up(w.items, kMostItems)) chunks = divided_up(w.items, kMostItems);
    if (chunks < 1) chunks = 1;
    w.chunk = divided_up(w.items, chunks);
    if (w.chunk < 1) w.chunk = 1;
    w.chunks = int(w.items > 0 ? divided_up(w.items, w.chunk) : 1);
    plan_.threads = power_of_two(w.chunk * lanes, 64, kMostThreads);
    w.cached = 0;
    plan_.shared = 0;
  }

  // Reserves shared memory for what is read twice; false if `limit` bytes are too little for all of it.
  bool keep(int64_t slots, int64_t limit) {
    if (request_.reread == 0) return true;
    const int64_t slot = int64_t(plan_.threads) * pack_ * request_.element_size * request_.reread;
    const int64_t fitting = limit > 0 ? limit / slot : 0;
    plan_.work.cached = int(slots < fitting ? slots : fitting);
    plan_.shared = size_t(plan_.work.cached * slot);
    return slots <= fitting;
  }

  int64_t bytes() const {
    const int reread = request_.reread > 0 ? request_.reread : 1;
    return request_.images * request_.positions * request_.channels * request_.element_size * reread;
  }

  Plan map() {
    divide(most_, divided_up(16 * int64_t(device_.multiprocessors), tiles(most_)), 4);
    plan_.mode = Mode::kBlock;  // one launch
    return plan_;
  }

  bool block(bool forced) {
    int lanes = fewest_;
    while (lanes < most_ && tiles(2 * lanes) >= 2 * int64_t(device_.multiprocessors)) lanes *= 2;
    divide(lanes, 1, 1);
    plan_.mode = Mode::kBlock;
    const Work& w = plan_.work;
    const int64_t slots = divided_up(w.items, plan_.threads / lanes);
    const bool fits = keep(slots, device_.block_shared - kScratch);
    const int64_t waves = divided_up(w.tiles, device_.multiprocessors);
    const int64_t tile_bytes = divided_up(bytes(), w.tiles > 0 ? w.tiles : 1);
    if (w.items > kMostItems) return false;
    return forced || (fits && waves * tile_bytes <= bytes() / device_.multiprocessors + kAlone);
  }

  bool cooperative(int64_t each, bool forced) {
    const int lanes = most_ < 4 || !plan_.packed ? most_ : 4;  // 64 bytes: few channels per block are quick to combine
    const int64_t chunks = device_.multiprocessors * each / (tiles(lanes) > 0 ? tiles(lanes) : 1);
    if (chunks < 2) return false;
    divide(lanes, chunks, 1);
    if (plan_.work.chunks < 2 || plan_.blocks() > device_.multiprocessors * each) return false;
    plan_.mode = Mode::kCooperative;
    const int64_t limit = (each > 1 ? device_.multiprocessor_shared / each : device_.block_shared) - kScratch;
    const int64_t slots = plan_.work.groups * divided_up(plan_.work.chunk, plan_.threads / lanes);
    return keep(slots, limit) || forced;
  }

  Plan split() {
    const int lanes = most_ < 4 || !plan_.packed ? most_ : 4;
    const int64_t blocks = device_.multiprocessors, across = tiles(lanes) > 0 ? tiles(lanes) : 1;
    int64_t chunks = divided_up(8 * blocks, across);  // four waves, unless combining that many parts takes longer
    if (chunks > 128) chunks = 128;
    if (chunks < 2 * blocks / across) chunks = 2 * blocks / across;
    divide(lanes, chunks, 4);
    plan_.mode = plan_.work.chunks > 1 ? Mode::kSplit : Mode::kBlock;
    return plan_;
  }

  Request request_;
  const Device& device_;
  Plan plan_;
  int pack_ = 1, fewest_ = 1, most_ = 1;
};

inline Request request_of(Kind kind, const Tensor& x, bool nhwc, int64_t groups, int reread, bool aligned) {
  Request r{};
  r.kind = kind;
  r.nhwc = nhwc;
  r.images = x.size(0);
  r.channels = x.size(1);
  r.positions = x.dim() == 4 ? x.size(2) * x.size(3) : 1;
  r.groups = int(groups);
  r.aligned = aligned;
  r.element_size = int(x.element_size());
  r.reread = reread;
  return r;
}

// The device of a tensor made current, and its current stream.
class Context {
 public:
  explicit Context(const Tensor& t) : guard_(t.get_device_index()), device(Device::of(t.get_device_index())) {
    void* current = nullptr;
    TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(t.get_device_index(), &current));
    stream = static_cast<cudaStream_t>(current);
  }

 private:
  torch::stable::accelerator::DeviceGuard guard_;

 public:
  const Device& device;
  cudaStream_t stream = nullptr;
};

template <class Arguments>
cudaError_t try_launch(
    void (*kernel)(Arguments), const Arguments& arguments, int64_t blocks, int threads, size_t shared, bool cooperative,
    cudaStream_t stream) {
  if (blocks == 0) return cudaSuccess;
  require(blocks <= 0x7fffffff, "zoo: a tensor that needs ", blocks, " blocks is too large for one launch");
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(unsigned(blocks));
  config.blockDim = dim3(unsigned(threads));
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = cooperative ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, arguments);
}

template <class Arguments>
void launch(
    void (*kernel)(Arguments), const Arguments& arguments, int64_t blocks, int threads, size_t shared,
    cudaStream_t stream) {
  check_cuda(try_launch(kernel, arguments, blocks, threads, shared, false, stream), "a kernel launch");
}

// Makes large shared memory available to a kernel on the current device: always as much as any plan may want, because
// another thread may be launching the same kernel with another plan.
template <class Arguments>
void allow_shared(void (*kernel)(Arguments), const Device& device, size_t shared) {
  if (shared <= 36 * 1024) return;  // with the static part, what every kernel may use without asking
  check_cuda(
      cudaFuncSetAttribute(
          reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
          device.block_shared - kScratch),
      "reserving shared memory");
}

// Runs a kernel of two stages as planned: both in one launch, or one after the other, the second with `last_blocks`. False
// where the driver refuses a grid with a barrier, and nothing has run.
template <class Arguments>
bool run(
    void (*kernel)(Arguments), std::remove_const_t<Arguments>& arguments, const Plan& plan, int64_t last_blocks,
    const Context& context) {
  const cudaStream_t stream = context.stream;
  allow_shared(kernel, context.device, plan.shared);
  if (plan.mode == Mode::kSplit) {
    arguments.stages = kStatistics;
    launch(kernel, arguments, plan.blocks(), plan.threads, plan.shared, stream);
    arguments.stages = kApply | (last_blocks == plan.blocks() ? kBackwards : 0);
    launch(kernel, arguments, last_blocks, plan.threads, plan.shared, stream);
    return true;
  }
  arguments.stages = kStatistics | kApply;
  const bool barrier = plan.mode == Mode::kCooperative;
  const cudaError_t error = try_launch(kernel, arguments, plan.blocks(), plan.threads, plan.shared, barrier, stream);
  if (barrier && (error == cudaErrorCooperativeLaunchTooLarge || error == cudaErrorNotSupported)) {
    cudaGetLastError();  // else the next one who asks is told of it
    return false;
  }
  check_cuda(error, "a kernel launch");
  return true;
}

template <class Arguments>
int resident_blocks(void (*kernel)(Arguments), const Device& device, const Plan& plan) {
  allow_shared(kernel, device, plan.shared);
  int blocks = 0;
  check_cuda(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(
          &blocks, reinterpret_cast<const void*>(kernel), plan.threads, plan.shared),
      "an occupancy query");
  return blocks;
}

// Plans a kernel and runs it. `kernel_of(nhwc, packed)` is the kernel, `prepare(plan)` completes the arguments and returns how
// many blocks the last of two launches has. Where the driver refuses a grid with a barrier (as it may where a process is given
// a part of the multiprocessors), that device gets none from then on. A capture does not survive a refusal: what is to be
// captured is played before, as CUDA graphs want anyway.
template <class KernelOf, class Arguments, class Prepare>
void plan_and_run(
    const Request& request, const Context& context, KernelOf kernel_of, Arguments& arguments, Prepare prepare) {
  for (;;) {
    const Plan plan = Planner::plan(request, context.device, [&](const Plan& p) {
      return resident_blocks(kernel_of(p.nhwc, p.packed), context.device, p);
    });
    const int64_t last_blocks = prepare(plan);
    arguments.work = plan.work;
    if (run(kernel_of(plan.nhwc, plan.packed), arguments, plan, last_blocks, context)) return;
    context.device.cooperative = false;
  }
}

// Calls f with a value of the tensor's element type.
template <class F>
void with_type(const Tensor& t, F f) {
  switch (t.scalar_type()) {
    case ScalarType::Double: return f(double{});
    case ScalarType::BFloat16: return f(__nv_bfloat16{});
    case ScalarType::Half: return f(__half{});
    default: return f(float{});
  }
}

inline bool is_aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

// One value per channel for a kernel; `keep` holds the copy of a tensor that is not contiguous.
inline PerChannel per_channel(const Tensor& t, const Tensor& x) {
  return {t.mutable_data_ptr(), t.scalar_type() != x.scalar_type()};
}

inline PerChannel parameter(
    const char* op, const char* name, const std::optional<Tensor>& t, const Tensor& x, Tensor& keep) {
  if (!t.has_value()) return {};
  require_per_channel(op, name, *t, x);
  require(
      t->scalar_type() == x.scalar_type() ||
          (t->scalar_type() == ScalarType::Float && x.scalar_type() != ScalarType::Double),
      op, ": ", name, " of shape ", shape_of(*t), " is neither float32 nor of the dtype of x of shape ", shape_of(x));
  keep = as_contiguous(*t);
  return {const_cast<void*>(keep.const_data_ptr()), keep.scalar_type() != x.scalar_type()};
}

}  // namespace zoo
