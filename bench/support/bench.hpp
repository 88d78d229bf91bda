// SPDX-License-Identifier: MIT
#pragma once
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci::bench {

/// The body of a benchmark: makes its data, checks its result once, then calls timed().
using Body = std::function<void(benchmark::State&, Exec&)>;

/// Registers "name/<device>/<shape>" for the CPU and for each CUDA device that is there.
/// Example: const bool registered = on_every_device("rotate/lanczos4", {489, 210, 210}, body);
bool on_every_device(const std::string& name, const std::vector<index_t>& shape, const Body& body);

/// The same for the CPU alone: what has no other side.
bool on_the_cpu(const std::string& name, const std::vector<index_t>& shape, const Body& body);

/// For each CUDA device alone, by the path that is named.
bool on_every_cuda_device(const std::string& name, const std::vector<index_t>& shape, const Body& body,
                          Path path = Path::tuned);

/// "crossover/<name>/tuned" and "crossover/<name>/portable" for each CUDA device: from which bench/crossovers tells
/// whether the tuned path is worth its lines, and from what size on.
bool on_both_paths(const std::string& name, const std::vector<index_t>& shape, const Body& body);

/// Times work(), which enqueues on the Exec, until the benchmark has run long enough; gives the mean
/// seconds of a call. It is called once before the clock starts. On CUDA many calls share one wait,
/// so that short kernels are not timed by their launches' latency.
double timed(benchmark::State& state, Exec& exec, const std::function<void()>& work);

/// What one call reads and writes: shown as a rate and as % of the device's copy speed.
void report_bytes(benchmark::State& state, Exec& exec, double seconds, double bytes);

/// What one call draws: shown as a rate in 10^9 values a second.
void report_values(benchmark::State& state, double seconds, double values);

/// What one call computes: shown as a rate and as % of the device's matrix product.
enum class Precision { f32, f64 };
void report_flops(benchmark::State& state, Exec& exec, double seconds, double flops, Precision precision);

}  // namespace hci::bench
