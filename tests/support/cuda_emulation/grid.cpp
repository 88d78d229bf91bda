// SPDX-License-Identifier: MIT
#include "cuda_emulation/grid.hpp"

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <numeric>
#include <utility>
#include <vector>

#include "cuda_emulation/shared_memory.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#if !defined(__x86_64__)
#error "the emulated device switches stacks with x86-64 instructions"
#endif

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace cuda_emulation {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::size_t kGuardBytes = 4096;

/// Saves the callee-saved registers of the System V ABI and the stack, and takes up the other's.
__attribute__((naked, noinline)) void swap_stack(void** /*save*/, void* /*to*/) {
  __asm__ volatile(
      "pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15;"
      "movq %rsp, (%rdi); movq %rsi, %rsp;"
      "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp; ret");
}

/// A stack on which threads run one after the other until one of them has to wait.
struct Fiber {
  char* stack = nullptr;  ///< lowest address; the page below it faults
  void* pointer = nullptr;
  void* fake_stack = nullptr;  ///< AddressSanitizer's
  unsigned thread = 0;         ///< the one that runs or waits here
};

enum class State : unsigned char { ready, at_barrier, at_warp, ended };

struct Thread {
  Fiber* fiber = nullptr;
  unsigned mask = 0;
  State state = State::ready;
  bool odd = false;  ///< number of the whole warp's exchanges so far
};

struct Warp {
  unsigned lanes = 0, live = 0, arrived = 0;
  std::uint64_t mailbox[3][32];  ///< two for the whole warp, one for parts of it
};

/// What an OS thread needs to run one block after the other.
class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    for (Fiber& fiber : fibers_) munmap(fiber.stack - kGuardBytes, kStackBytes + kGuardBytes);
  }

  void prepare(const Grid& grid, int order);
  void run_block(unsigned seed);

  // Called by the running thread.
  void* shared() { return shared_.data(); }
  void enter_shared(void* data, std::size_t bytes);
  int barrier(bool predicate);
  void warp_barrier(unsigned mask);
  unsigned current() const { return running_->thread; }
  Warp& warp() { return warps_[current() / 32]; }
  Mail mailbox(unsigned mask);
  [[noreturn]] void die(const char* why);
  [[noreturn]] void fiber_body();

 private:
  Fiber& idle_fiber();
  void arm(Fiber& fiber);
  void resume(Fiber& fiber);
  void to_scheduler();
  void end_thread();
  void release_barrier();
  void abandon_block();

  const Grid* grid_ = nullptr;
  int order_ = 0;
  unsigned count_ = 0, next_ = 0, live_ = 0, waiting_ = 0;
  int true_count_ = 0, true_result_ = 0;
  dim3 shape_{0, 0, 0};
  std::vector<uint3> index_;
  std::vector<unsigned> sequence_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  SharedMemory shared_;
  std::vector<const void*> static_shared_;  ///< arrays that the block has come upon
  std::size_t static_bytes_ = 0;
  std::deque<Fiber> fibers_;
  std::vector<Fiber*> idle_;
  Fiber* running_ = nullptr;
  std::exception_ptr error_;
  void* scheduler_ = nullptr;
  [[maybe_unused]] void* scheduler_fake_ = nullptr;
  [[maybe_unused]] const void* scheduler_stack_ = nullptr;
  [[maybe_unused]] std::size_t scheduler_bytes_ = 0;
};

Runner& runner() {
  static thread_local Runner instance;
  return instance;
}

void fiber_entry() {
  Runner& me = runner();
  me.fiber_body();
}

void Runner::prepare(const Grid& grid, int order) {
  grid_ = &grid;
  order_ = order;
  blockDim = grid.block;
  gridDim = grid.grid;
  if (!shared_.resize(grid.shared_bytes)) die("no mapping left for shared memory");
  const dim3 b = grid.block;
  if (shape_.x == b.x && shape_.y == b.y && shape_.z == b.z) return;
  shape_ = b;
  count_ = b.x * b.y * b.z;
  threads_.resize(count_);
  warps_.resize((count_ + 31) / 32);
  sequence_.resize(count_);
  index_.clear();
  for (unsigned i = 0; i < count_; ++i) index_.push_back({i % b.x, i / b.x % b.y, i / (b.x * b.y)});
}

Fiber& Runner::idle_fiber() {
  if (!idle_.empty()) {
    Fiber& fiber = *idle_.back();
    idle_.pop_back();
    return fiber;
  }
  void* memory = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) die("no memory for the stack of a thread");
  mprotect(memory, kGuardBytes, PROT_NONE);
  Fiber& fiber = fibers_.emplace_back();
  fiber.stack = static_cast<char*>(memory) + kGuardBytes;
  arm(fiber);
  return fiber;
}

void Runner::arm(Fiber& fiber) {
  auto** top = reinterpret_cast<void**>(fiber.stack + kStackBytes);
  *--top = nullptr;  // the alignment that a function expects at its entry
  *--top = reinterpret_cast<void*>(&fiber_entry);
  fiber.pointer = top - 6;  // six callee-saved registers
  fiber.fake_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack, kStackBytes);  // an abandoned thread left its marks
#endif
}

void Runner::resume(Fiber& fiber) {
  running_ = &fiber;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&scheduler_fake_, fiber.stack, kStackBytes);
#endif
  swap_stack(&scheduler_, fiber.pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(scheduler_fake_, nullptr, nullptr);
#endif
}

void Runner::to_scheduler() {
  Fiber& me = *running_;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&me.fake_stack, scheduler_stack_, scheduler_bytes_);
#endif
  swap_stack(&me.pointer, scheduler_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(me.fake_stack, &scheduler_stack_, &scheduler_bytes_);
#endif
}

/// Runs threads that have not started, one after the other. When one of them waits, the scheduler
/// lets another fiber go on with the rest.
void Runner::fiber_body() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack_, &scheduler_bytes_);
#endif
  for (;;) {
    while (next_ < count_ && !error_) {
      const unsigned i = sequence_[next_++];
      running_->thread = i;
      threads_[i] = {running_, 0, State::ready};
      threadIdx = index_[i];
      try {
        grid_->thread();
      } catch (...) {
        error_ = std::current_exception();
      }
      end_thread();
    }
    idle_.push_back(running_);
    to_scheduler();
  }
}

void Runner::run_block(unsigned seed) {
  shared_.poison();
  static_shared_.clear();
  static_bytes_ = 0;
  for (unsigned w = 0; w < warps_.size(); ++w) {
    const unsigned lanes = std::min(32u, count_ - w * 32);
    warps_[w].live = warps_[w].lanes = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warps_[w].arrived = 0;
  }
  std::iota(sequence_.begin(), sequence_.end(), 0u);
  if (order_ == 1) std::reverse(sequence_.begin(), sequence_.end());
  const auto shuffle = [&] {
    for (unsigned i = count_; i > 1; --i) {
      seed = seed * 1664525u + 1013904223u;
      std::swap(sequence_[i - 1], sequence_[(std::uint64_t{seed} * i) >> 32]);
    }
  };
  if (order_ == 2) shuffle();
  next_ = waiting_ = 0;
  live_ = count_;
  true_count_ = 0;
  error_ = nullptr;
  while (next_ < count_ && !error_) resume(idle_fiber());
  while (live_ > 0 && !error_) {
    if (order_ == 2) shuffle();
    bool any = false;
    for (unsigned n = 0; n < count_ && !error_; ++n) {
      Thread& thread = threads_[sequence_[n]];
      if (thread.state != State::ready) continue;
      any = true;
      threadIdx = index_[sequence_[n]];
      resume(*thread.fiber);
    }
    if (!any) die("deadlock: threads wait at different barriers, or a lane that a warp mask names never came");
  }
  if (error_) abandon_block();
  if (!shared_.surroundings_are_whole())
    die("out of bounds: a kernel wrote beside the dynamic shared memory that its launch asked for");
}

void Runner::enter_shared(void* data, std::size_t bytes) {
  if (std::find(static_shared_.begin(), static_shared_.end(), data) != static_shared_.end()) return;
  static_shared_.push_back(data);
  static_bytes_ += bytes;
  if (static_bytes_ + grid_->shared_bytes > grid_->most_shared)
    die("static and dynamic shared memory together are more than a block has");
  std::memset(data, 0xFF, bytes);
}

/// Forgets the threads that still wait, and throws what the kernel threw.
void Runner::abandon_block() {
  idle_.clear();
  for (Fiber& fiber : fibers_) {
    arm(fiber);
    idle_.push_back(&fiber);
  }
  std::rethrow_exception(std::exchange(error_, nullptr));
}

void Runner::end_thread() {
  const unsigned i = current();
  threads_[i].state = State::ended;
  warps_[i / 32].live &= ~(1u << (i % 32));
  --live_;
  if (live_ > 0 && waiting_ == live_) release_barrier();  // who has ended no longer counts
}

void Runner::release_barrier() {
  true_result_ = std::exchange(true_count_, 0);
  waiting_ = 0;
  for (Thread& thread : threads_)
    if (thread.state == State::at_barrier) thread.state = State::ready;
}

int Runner::barrier(bool predicate) {
  true_count_ += predicate ? 1 : 0;
  threads_[current()].state = State::at_barrier;
  if (++waiting_ == live_) release_barrier();
  to_scheduler();
  return true_result_;
}

void Runner::warp_barrier(unsigned mask) {
  const unsigned i = current(), me = 1u << (i % 32);
  Warp& warp = warps_[i / 32];
  if (!(mask & me)) die("warp collective: the calling lane is not in its own mask");
  if (mask & ~warp.live) die("warp collective: the mask names a lane that has ended or does not exist");
  warp.arrived |= me;
  threads_[i].state = State::at_warp;
  threads_[i].mask = mask;
  if ((warp.arrived & mask) == mask) {
    warp.arrived &= ~mask;
    for (unsigned left = mask; left != 0; left &= left - 1) {
      Thread& other = threads_[i / 32 * 32 + static_cast<unsigned>(std::countr_zero(left))];
      if (other.mask != mask) die("warp collective: lanes passed different masks");
      other.state = State::ready;
    }
  }
  to_scheduler();
}

Mail Runner::mailbox(unsigned mask) {
  Warp& mine = warp();
  if (mask != mine.lanes) return {mine.mailbox[2], false};
  bool& odd = threads_[current()].odd;
  odd = !odd;
  return {mine.mailbox[odd ? 1 : 0], true};
}

void Runner::die(const char* why) {
  std::fprintf(stderr,
               "cuda_emulation: %s [block (%u,%u,%u), thread (%u,%u,%u), %u threads live, %u at __syncthreads]\n", why,
               blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z, live_, waiting_);
  std::abort();
}

}  // namespace

void run_grid(const Grid& grid, int order) {
  const long nx = grid.grid.x, ny = grid.grid.y, nz = grid.grid.z, blocks = nx * ny * nz;
  std::exception_ptr error;
  // At most 8 workers: each may hold a mapping for each thread of a block, and mappings are limited.
  const int workers = static_cast<int>(std::min<long>({blocks, 8, omp_get_max_threads()}));
  const long chunk = std::max(1L, blocks / (workers * 16L));
#pragma omp parallel num_threads(workers) if (workers > 1)
  {
    Runner& me = runner();
    me.prepare(grid, order);
#pragma omp for schedule(dynamic, chunk)
    for (long i = 0; i < blocks; ++i) {
      blockIdx = {static_cast<unsigned>(i % nx), static_cast<unsigned>(i / nx % ny),
                  static_cast<unsigned>(i / (nx * ny))};
      try {
        me.run_block(static_cast<unsigned>(i) * 2654435761u + 1u);
      } catch (...) {
#pragma omp critical(cuda_emulation_error)
        error = std::current_exception();
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

void die_in_kernel(const char* why) { runner().die(why); }
void* dynamic_shared() { return runner().shared(); }
void enter_shared(void* data, std::size_t bytes) { runner().enter_shared(data, bytes); }
int block_barrier(bool predicate) { return runner().barrier(predicate); }
void warp_barrier(unsigned mask) { runner().warp_barrier(mask); }
unsigned live_lanes() { return runner().warp().live; }
unsigned lane() { return runner().current() % 32; }
Mail mailbox(unsigned mask) { return runner().mailbox(mask); }

}  // namespace cuda_emulation
