// SPDX-License-Identifier: MIT
#include "apps/cuhci/run_options.hpp"

#include <sys/resource.h>

#include "kernels/core/devices.hpp"

namespace hci::app {
namespace {

Device parse_device(const std::string& text) {
  if (same_word(text, "cpu")) return {};
  if (same_word(text.substr(0, 5), "cuda:")) {
    Device device{.kind = Device::Kind::cuda};
    try {
      from_text(std::string_view(text).substr(5), device.index);
      return device;
    } catch (const InvalidInput&) {  // told below, with the whole text
    }
  }
  throw InvalidInput("--device: '" + text + "' is none of: auto, cpu, cuda:N (see 'cuhci devices')");
}

}  // namespace

Exec make_exec(const RunOptions& options, const Log& log) {
  require(options.threads >= 0, "--threads is ", options.threads, ", it must be at least 1, or 0 for all cores");
  constexpr int kMostThreads = 1024;
  require(options.threads <= kMostThreads, "--threads is ", options.threads, ", it must be at most ", kMostThreads);
  if (!same_word(options.device, "auto"))
    return Exec({.device = parse_device(options.device), .threads = options.threads});
  for (int i = 0; i < cuda_device_count(); ++i) try {
      return Exec({.device = {Device::Kind::cuda, i}, .threads = options.threads});
    } catch (const DeviceError& error) {
      log(LogLevel::warning, "cuda:" + std::to_string(i) + " cannot be used, going on without it: " + error.what());
    }
  if (built_with_cuda()) log(LogLevel::info, "no usable GPU found, running on the CPU");
  return Exec({.threads = options.threads});
}

std::string description(const Exec& exec) {
  const DeviceInfo info = device_info(exec.device(), exec.threads());
  return info.device.name() + ": " + info.description;
}

ProgressStyle progress_style(const RunOptions& options) {
  if (options.quiet) return ProgressStyle::quiet;
  return options.json ? ProgressStyle::json : ProgressStyle::automatic;
}

Log make_log(const RunOptions& options) {
  const LogLevel least = options.quiet ? LogLevel::warning : LogLevel::info;
  return options.json ? json_log(least) : stderr_log(least);
}

std::size_t peak_process_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace hci::app
