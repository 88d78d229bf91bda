// SPDX-License-Identifier: MIT
#pragma once
#include "apps/cuhci/cli.hpp"
#include "engine/log.hpp"
#include "engine/progress.hpp"
#include "kernels/core/exec.hpp"

namespace hci::app {

/// What every subcommand that computes takes: where it runs, and how it talks.
struct RunOptions {
  std::string device = "auto";
  int threads = 0;
  bool quiet = false;
  bool json = false;

  template <class Field>
  void fields(Field&& field) {
    field("device", device, "where to run: auto (a GPU if there is one), cpu, cuda:N");
    field("threads", threads, "CPU threads; 0: all cores");
    field("quiet", quiet, "no progress, warnings only");
    field("json", json, "the summary as JSON on stdout; progress, messages and errors as JSON lines on stderr");
  }
};

/// Throws InvalidInput for a text that names no device, DeviceError for one that is not there.
Exec make_exec(const RunOptions& options, const Log& log);
/// "cpu: AMD EPYC, 2 threads".
std::string description(const Exec& exec);

ProgressStyle progress_style(const RunOptions& options);
Log make_log(const RunOptions& options);

/// The largest resident memory of this process so far, bytes.
std::size_t peak_process_bytes();

}  // namespace hci::app
