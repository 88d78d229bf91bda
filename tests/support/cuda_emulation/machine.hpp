// SPDX-License-Identifier: MIT
#pragma once
// The emulated devices: their memory, their streams, and the failures that tests ask for. Internal
// to the library.
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "status.hpp"

namespace cuda_emulation {

class Device;

/// One allocation. Its end lies at the end of its pages (up to CUDA's alignment), so that what runs
/// past it faults; the rest of the pages holds a pattern that is checked.
struct Block {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::byte* pages = nullptr;
  std::size_t page_bytes = 0;
  long number = 0;
  bool mapped = false;  ///< its allocation has been executed
  bool freed = false;   ///< given back in program order; the work may still be to come
};

/// A point in a stream; done when the work before it has run.
struct Marker {
  CUstream_st* stream = nullptr;  ///< may be gone once done
  Device* device = nullptr;
  bool done = false;
  double seconds = 0;
};

struct Operation {
  const char* what;
  std::function<void()> run;
};

}  // namespace cuda_emulation

struct CUstream_st {
  cuda_emulation::Device* device = nullptr;
  std::deque<cuda_emulation::Operation> queue;
};

struct CUmemPoolHandle_st {
  cuda_emulation::Device* device = nullptr;
  std::uint64_t release_threshold = 0;
};

struct CUevent_st {
  std::shared_ptr<cuda_emulation::Marker> marker;
};

namespace cuda_emulation {

class Device {
 public:
  Device(int index, std::size_t memory);

  int index() const { return index_; }
  CUstream_st& default_stream() { return default_stream_; }
  CUmemPoolHandle_st& default_pool() { return default_pool_; }

  // Program order.
  Block* reserve(std::size_t bytes);
  void give_back(Block& block);
  /// The block that holds all of [data, data + bytes) and has not been given back, or nullptr.
  Block* holding(const void* data, std::size_t bytes);
  /// The block that starts there and has not been given back, or nullptr.
  Block* starting_at(const void* data);
  bool owns(const void* address) const;

  // Execution order.
  void map(Block& block);
  void release(Block& block);
  /// Works again after a failure; forgets what the work that was dropped would have freed.
  void recover();
  void open();
  void close();
  bool is_open() const { return open_ > 0; }
  /// Ends the program if something wrote beside a block.
  void check_surroundings(const char* after) const;

  /// What lies at an address of this device, for the message of a fault.
  void describe(const void* address, char* text, std::size_t size) const;

  std::size_t memory = 0, in_use = 0;
  int shared_on_request = kSharedBytesOnRequest;
  cudaError_t broken = cudaSuccess;
  long calls_until_lost = 0;
  const std::map<std::byte*, Block>& blocks() const { return blocks_; }

 private:
  std::byte* find_room(std::size_t bytes);

  int index_;
  std::byte* arena_ = nullptr;
  std::size_t arena_bytes_ = 0, next_ = 0;
  std::map<std::byte*, Block> blocks_;    ///< by the first page
  std::map<std::byte*, Block> released_;  ///< the latest, for messages
  CUstream_st default_stream_;
  CUmemPoolHandle_st default_pool_;
  long numbers_ = 0;
  int open_ = 0;
};

/// All state; one lock, held during every entry point and while work runs.
class Machine {
 public:
  Machine();

  std::vector<std::unique_ptr<Device>> devices;
  std::set<CUstream_st*> streams;       ///< made by the program
  std::set<CUmemPoolHandle_st*> pools;  ///< made by the program
  std::map<void*, std::size_t> pinned;
  /// Of kernels that asked for more than 48 KiB, each on the devices on which they did.
  std::map<std::pair<const void*, const Device*>, int> shared_limits;
  std::recursive_mutex mutex;
  int allocations_until_failure = 0, launches_until_failure = 0, launches_until_fault = 0;
  long launches = 0;
  int order = 0;  ///< as in control.hpp
  std::minstd_rand random{1};

  Device* device_of(const void* address);
  bool is_stream(cudaStream_t stream) const;
  bool is_pool(cudaMemPool_t pool) const;
  void enqueue(CUstream_st& stream, const char* what, std::function<void()> run);
  /// Runs the oldest operation.
  void step(CUstream_st& stream);
  /// Waits for one stream; others may run before or not, as the order says.
  void drain(CUstream_st& stream);
  void drain_device(Device& device);
  void reach(const std::shared_ptr<Marker>& marker);
  std::shared_ptr<Marker> mark(CUstream_st& stream);
  bool allocation_fails();
};

/// Never destroyed: arrays and streams may outlive everything static.
Machine& machine();
/// Of the calling thread.
int& current_device();

/// An entry point's hold on the machine: counts the call, and says whether the device still answers.
class Call {
 public:
  explicit Call(int device = current_device());
  cudaError_t status() const { return status_; }
  Device& device() { return *device_; }

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  Device* device_ = nullptr;
  cudaError_t status_ = cudaSuccess;
};

/// Ends the program with a message: for what no GPU would report, and tests must not pass over.
[[noreturn]] void die(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// For library calls: dies unless [data, data + bytes) is memory of the stream's device.
void expect_device_memory(CUstream_st& stream, const void* data, std::size_t bytes, const char* what);

/// For library calls: dies unless the device of the handle's stream is current, as the libraries want it.
void expect_current_device(const CUstream_st& stream, const char* what);

/// The stream of a library handle, or the current device's own.
CUstream_st& stream_or_default(cudaStream_t stream);

double now();

}  // namespace cuda_emulation
