// SPDX-License-Identifier: MIT
// main() of every benchmark: google-benchmark's, plus what a result is worth nothing without.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "bench/support/ceilings.hpp"
#include "engine/version.hpp"

namespace {

void add_context() {
  using benchmark::AddCustomContext;
  AddCustomContext("cuhci", hci::version());
  AddCustomContext("commit", HCI_COMMIT);
  AddCustomContext("compiler", HCI_COMPILER);
  AddCustomContext("cores", std::to_string(sysconf(_SC_NPROCESSORS_ONLN)));
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}) {
    const char* value = std::getenv(name);
    AddCustomContext(name, value == nullptr ? "unset" : value);
  }
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr)
    std::cerr << "warning: OPENBLAS_CORETYPE is set: matrix products may run at half speed\n";
  for (const hci::DeviceInfo& info : hci::available_devices()) {
    const auto most = hci::bench::ceilings(info.device);
    const auto giga = [](double rate) { return std::to_string(static_cast<long>(rate / 1e9)); };
    AddCustomContext(info.device.name(), info.description + "; copy " + giga(most.copy_bytes_per_s) + " GB/s, sgemm " +
                                             giga(most.sgemm_flop_per_s) + " Gflop/s, dgemm " +
                                             giga(most.dgemm_flop_per_s) + " Gflop/s");
  }
}

bool has(const char* option, int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [&](const char* word) { return std::string_view(word) == option; });
}

bool only_lists(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]).starts_with("--benchmark_list_tests")) return true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (has("--ceilings", argc, argv)) {  // measured and printed, for HCI_BENCH_CEILINGS of other processes
    for (const hci::DeviceInfo& info : hci::available_devices())
      std::cout << hci::bench::told(info.device) << std::endl;
    return 0;
  }
  const bool lists = only_lists(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (!lists) add_context();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
