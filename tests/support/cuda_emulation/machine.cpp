// SPDX-License-Identifier: MIT
#include "cuda_emulation/machine.hpp"

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "cuda_emulation/control.hpp"

namespace cuda_emulation {
namespace {

long number_from_environment(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtol(text, nullptr, 10);
}

int order_from_environment() {
  const char* text = std::getenv("CUDA_SHIM_ORDER");
  const std::string order = text == nullptr || *text == '\0' ? "mixed" : text;
  const char* const names[] = {"forward", "reverse", "random", "mixed"};
  for (int i = 0; i < 4; ++i)
    if (order == names[i]) return i;
  die("CUDA_SHIM_ORDER is '%s': use forward, reverse, random or mixed", order.c_str());
}

}  // namespace

Machine::Machine() {
  const long count = number_from_environment("CUDA_EMULATION_DEVICES", 2);
  const long bytes = number_from_environment("CUDA_EMULATION_MEMORY", 16L << 30);
  for (int i = 0; i < count; ++i) devices.push_back(std::make_unique<Device>(i, static_cast<std::size_t>(bytes)));
  order = order_from_environment();
  allocations_until_failure = static_cast<int>(number_from_environment("CUDA_EMULATION_FAIL_ALLOCATION", 0));
  launches_until_failure = static_cast<int>(number_from_environment("CUDA_EMULATION_FAIL_LAUNCH", 0));
  launches_until_fault = static_cast<int>(number_from_environment("CUDA_EMULATION_FAULT_IN_KERNEL", 0));
  const long lost = number_from_environment("CUDA_EMULATION_LOSE_DEVICE", -1);
  if (lost >= 0 && lost < count)
    devices[static_cast<std::size_t>(lost)]->calls_until_lost =
        number_from_environment("CUDA_EMULATION_LOSE_AT_CALL", 1);
}

Machine& machine() {
  static Machine* const instance = new Machine;
  return *instance;
}

int& current_device() {
  static thread_local int device = 0;
  return device;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void die(const char* format, ...) {
  std::fputs("cuda_emulation: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::abort();
}

Device* Machine::device_of(const void* address) {
  for (const auto& device : devices)
    if (device->owns(address)) return device.get();
  return nullptr;
}

bool Machine::is_stream(cudaStream_t stream) const { return stream == nullptr || streams.count(stream) != 0; }

bool Machine::is_pool(cudaMemPool_t pool) const {
  for (const auto& device : devices)
    if (&device->default_pool() == pool) return true;
  return pools.count(pool) != 0;
}

void Machine::enqueue(CUstream_st& stream, const char* what, std::function<void()> run) {
  stream.queue.push_back({what, std::move(run)});
}

void Machine::step(CUstream_st& stream) {
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  Device& device = *stream.device;
  if (device.broken != cudaSuccess) return;
  device.open();
  try {
    operation.run();
  } catch (const std::exception& error) {
    die("%s threw: %s", operation.what, error.what());  // device code cannot
  }
  device.check_surroundings(operation.what);
  device.close();
}

void Machine::drain(CUstream_st& stream) {
  const bool others_first = order == 1 || (order >= 2 && random() % 2 == 0);
  if (others_first) {
    for (const auto& device : devices)
      while (!device->default_stream().queue.empty()) step(device->default_stream());
    for (CUstream_st* other : streams)
      if (other != &stream)
        while (!other->queue.empty()) step(*other);
  }
  stream.device->open();  // once for all operations
  while (!stream.queue.empty()) step(stream);
  stream.device->close();
}

void Machine::drain_device(Device& device) {
  drain(device.default_stream());
  for (CUstream_st* stream : streams)
    if (stream->device == &device)
      while (!stream->queue.empty()) step(*stream);
}

std::shared_ptr<Marker> Machine::mark(CUstream_st& stream) {
  auto marker = std::make_shared<Marker>();
  marker->stream = &stream;
  marker->device = stream.device;
  enqueue(stream, "event", [marker] {
    marker->done = true;
    marker->seconds = now();
  });
  return marker;
}

void Machine::reach(const std::shared_ptr<Marker>& marker) {
  while (!marker->done && !marker->stream->queue.empty()) step(*marker->stream);
}

bool Machine::allocation_fails() { return allocations_until_failure > 0 && --allocations_until_failure == 0; }

Call::Call(int device) : lock_(machine().mutex) {
  Machine& all = machine();
  if (device < 0 || device >= static_cast<int>(all.devices.size())) {
    status_ = all.devices.empty() ? cudaErrorNoDevice : cudaErrorInvalidDevice;
    return;
  }
  device_ = all.devices[static_cast<std::size_t>(device)].get();
  if (device_->calls_until_lost > 0 && --device_->calls_until_lost == 0) device_->broken = cudaErrorDevicesUnavailable;
  status_ = device_->broken;
}

CUstream_st& stream_or_default(cudaStream_t stream) {
  if (stream != nullptr) return *stream;
  return machine().devices[static_cast<std::size_t>(current_device())]->default_stream();
}

void expect_device_memory(CUstream_st& stream, const void* data, std::size_t bytes, const char* what) {
  if (bytes == 0 || stream.device->holding(data, bytes) != nullptr) return;
  char text[256] = "host memory, or none at all";
  if (Device* device = machine().device_of(data)) device->describe(data, text, sizeof text);
  die("%s: %zu bytes at %p are not a block of device %d: they start at %s", what, bytes, data, stream.device->index(),
      text);
}

void expect_current_device(const CUstream_st& stream, const char* what) {
  if (stream.device->index() == current_device()) return;
  die("%s: the handle is of device %d, but device %d is current", what, stream.device->index(), current_device());
}

void fail_allocation(int nth) {
  std::lock_guard lock(machine().mutex);
  machine().allocations_until_failure = nth;
}

void fail_launch(int nth) {
  std::lock_guard lock(machine().mutex);
  machine().launches_until_failure = nth;
}

void fault_in_kernel(int nth) {
  std::lock_guard lock(machine().mutex);
  machine().launches_until_fault = nth;
}

void lose_device(int device, int nth_call) {
  std::lock_guard lock(machine().mutex);
  machine().devices.at(static_cast<std::size_t>(device))->calls_until_lost = nth_call;
}

void revive() {
  Machine& all = machine();
  std::lock_guard lock(all.mutex);
  all.allocations_until_failure = all.launches_until_failure = all.launches_until_fault = 0;
  for (CUstream_st* stream : all.streams) stream->queue.clear();
  for (const auto& device : all.devices) {
    device->default_stream().queue.clear();
    device->recover();
  }
}

void set_memory(int device, std::size_t bytes) {
  std::lock_guard lock(machine().mutex);
  machine().devices.at(static_cast<std::size_t>(device))->memory = bytes;
}

void set_shared_on_request(int device, int bytes) {
  std::lock_guard lock(machine().mutex);
  machine().devices.at(static_cast<std::size_t>(device))->shared_on_request = bytes;
}

std::size_t bytes_in_use(int device) {
  std::lock_guard lock(machine().mutex);
  return machine().devices.at(static_cast<std::size_t>(device))->in_use;
}

int live_allocations(int device) {
  std::lock_guard lock(machine().mutex);
  int live = 0;
  for (const auto& [pages, block] : machine().devices.at(static_cast<std::size_t>(device))->blocks())
    live += block.freed ? 0 : 1;
  return live;
}

std::size_t pending_operations(int device) {
  Machine& all = machine();
  std::lock_guard lock(all.mutex);
  Device& wanted = *all.devices.at(static_cast<std::size_t>(device));
  std::size_t pending = wanted.default_stream().queue.size();
  for (const CUstream_st* stream : all.streams)
    if (stream->device == &wanted) pending += stream->queue.size();
  return pending;
}

long launches() {
  std::lock_guard lock(machine().mutex);
  return machine().launches;
}

void set_order(Order order) {
  std::lock_guard lock(machine().mutex);
  machine().order = static_cast<int>(order);
}

}  // namespace cuda_emulation
