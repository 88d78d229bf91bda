// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kernels/core/memory.hpp"

namespace hci {

/// One place where work can run.
struct Device {
  enum class Kind { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;  ///< of the CUDA device; 0 for the CPU

  /// "cpu" or "cuda:N".
  std::string name() const;
  friend bool operator==(const Device&, const Device&) = default;
};

/// What a device is, for reports and for planning.
struct DeviceInfo {
  Device device;
  std::string description;            ///< "NVIDIA H200, compute capability 9.0", "AMD EPYC ..., 2 threads"
  std::size_t memory_bytes = 0;       ///< all of it
  std::size_t free_memory_bytes = 0;  ///< now
};

/// Whether this build contains the CUDA half.
bool built_with_cuda();

/// The version of cuDNN that neural networks on CUDA run with, as "9.19.0"; empty where this build
/// was made without it, or this machine has none. Loads it.
std::string cudnn_version();

/// The CPU and then each usable CUDA device. Never throws for a missing driver: there are no
/// CUDA devices then.
std::vector<DeviceInfo> available_devices();

/// Which of a kernel's implementations to use: the portable functor everywhere, or the tuned one
/// where there is one. Tests run both.
enum class Path { portable, tuned };

class CudaContext;  // kernels/core/cuda.hpp; seen only by kernels

/// Where work runs: a device, its stream, its library handles (made when first asked for), its
/// memory. First parameter of every kernel and model. Work is enqueued; results are there after
/// wait(). Not thread-safe: one Exec, one thread. Two Execs in two threads never meet.
class Exec {
 public:
  struct Options {
    Device device{};
    /// A foreign cudaStream_t to enqueue on, of that device; nullptr: a stream of our own.
    /// It must outlive the Exec and every Array made with it.
    void* stream = nullptr;
    /// A foreign allocator; nullptr: the host heap, or a stream-ordered pool on CUDA.
    std::shared_ptr<Memory> memory = nullptr;
    /// CPU threads; 0: OpenMP's default (OMP_NUM_THREADS, else all cores).
    int threads = 0;
    Path path = Path::tuned;
  };

  /// The CPU.
  Exec();
  /// Throws DeviceError if the device does not exist or cannot be used.
  explicit Exec(Options options);
  explicit Exec(Device device) : Exec(Options{.device = device}) {}
  Exec(Exec&&) noexcept;
  Exec& operator=(Exec&&) noexcept;
  ~Exec();

  Device device() const { return options_.device; }
  bool on_cuda() const { return options_.device.kind == Device::Kind::cuda; }
  Path path() const { return options_.path; }
  bool tuned() const { return options_.path == Path::tuned; }
  /// CPU threads that a parallel region of this Exec uses, at least 1.
  int threads() const { return options_.threads; }

  /// The memory of this device; counts what is in use.
  const std::shared_ptr<CountedMemory>& memory() const { return memory_; }

  /// Blocks until everything enqueued so far is done; throws DeviceError if any of it failed.
  void wait();

  /// Keeps host data alive until the next wait(): for copies that are still under way.
  void keep_until_wait(std::shared_ptr<const void> data);

  /// The CUDA side. Only with on_cuda(); only for kernels.
  CudaContext& cuda();

 private:
  void finish_copies() noexcept;

  Options options_;
  std::shared_ptr<CudaContext> cuda_;
  std::shared_ptr<CountedMemory> memory_;
  std::vector<std::shared_ptr<const void>> kept_;
};

}  // namespace hci
