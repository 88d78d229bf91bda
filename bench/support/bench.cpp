// SPDX-License-Identifier: MIT
#include "bench/support/bench.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "bench/support/ceilings.hpp"

namespace hci::bench {

namespace {

void add(const std::string& name, const std::vector<index_t>& shape, Device device, const Body& body,
         Path path = Path::tuned) {
  std::ostringstream full;
  full << name << "/" << device.name() << "/";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) full << (axis == 0 ? "" : "x") << shape[axis];
  benchmark::RegisterBenchmark(full.str().c_str(),
                               [device, body, path](benchmark::State& state) {
                                 Exec exec({.device = device, .path = path});
                                 body(state, exec);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

bool on_every_device(const std::string& name, const std::vector<index_t>& shape, const Body& body) {
  for (const DeviceInfo& info : available_devices()) add(name, shape, info.device, body);
  return true;
}

bool on_the_cpu(const std::string& name, const std::vector<index_t>& shape, const Body& body) {
  add(name, shape, Device{}, body);
  return true;
}

bool on_every_cuda_device(const std::string& name, const std::vector<index_t>& shape, const Body& body, Path path) {
  for (const DeviceInfo& info : available_devices())
    if (info.device.kind == Device::Kind::cuda) add(name, shape, info.device, body, path);
  return true;
}

bool on_both_paths(const std::string& name, const std::vector<index_t>& shape, const Body& body) {
  on_every_cuda_device("crossover/" + name + "/tuned", shape, body, Path::tuned);
  return on_every_cuda_device("crossover/" + name + "/portable", shape, body, Path::portable);
}

double timed(benchmark::State& state, Exec& exec, const std::function<void()>& work) {
  const auto seconds_of = [&](benchmark::IterationCount calls) {
    const auto start = std::chrono::steady_clock::now();
    for (benchmark::IterationCount i = 0; i < calls; ++i) work();
    exec.wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  seconds_of(1);
  benchmark::IterationCount batch = 1;
  if (exec.on_cuda()) {
    constexpr double kBatchSeconds = 5e-3;  // a wait costs some 10 us: 0.2 %
    batch = std::clamp<benchmark::IterationCount>(static_cast<benchmark::IterationCount>(kBatchSeconds / seconds_of(1)),
                                                  1, 1000);
  }
  double seconds = 0;
  while (state.KeepRunningBatch(batch)) seconds += seconds_of(batch);
  state.counters["peak_MiB"] = static_cast<double>(exec.memory()->peak_bytes()) / (1 << 20);
  return seconds / static_cast<double>(state.iterations());
}

void report_bytes(benchmark::State& state, Exec& exec, double seconds, double bytes) {
  state.counters["GB/s"] = bytes / seconds * 1e-9;
  state.counters["%_of_copy"] = 100 * bytes / seconds / ceilings(exec.device()).copy_bytes_per_s;
}

void report_values(benchmark::State& state, double seconds, double values) {
  state.counters["Gvalue/s"] = values / seconds * 1e-9;
}

void report_flops(benchmark::State& state, Exec& exec, double seconds, double flops, Precision precision) {
  const Ceilings& most = ceilings(exec.device());
  const double ceiling = precision == Precision::f32 ? most.sgemm_flop_per_s : most.dgemm_flop_per_s;
  state.counters["Gflop/s"] = flops / seconds * 1e-9;
  state.counters["%_of_gemm"] = 100 * flops / seconds / ceiling;
}

}  // namespace hci::bench
