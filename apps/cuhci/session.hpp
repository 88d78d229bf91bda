// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "apps/cuhci/run_options.hpp"
#include "engine/products.hpp"

namespace hci::app {

/// Declares --output and the flags of the run.
void declare_session(Flags& flags, const std::string& output_help);

/// What every subcommand that computes begins and ends with: how it runs, and where its files go.
class Session {
 public:
  /// Takes the flags that declare_session() declared, after which none may be left over: `subcommand`
  /// is what they would have been of. products: the names of all that may be written, which those of an
  /// earlier run give way to, and nothing else; inputs: files that may not be replaced by them.
  Session(Flags& flags, const std::string& subcommand, std::vector<std::string> products,
          const std::vector<std::string>& inputs);

  /// Gives the products their names and tells what was done: `summary` on stdout with --json, else what
  /// `tell` prints and the folder.
  int finish(const std::string& summary, const std::function<void()>& tell);

  const RunOptions options;
  Progress progress;
  const Log log;
  Exec exec;
  OutputFolder folder;

 private:
  std::vector<std::string> products_;
};

}  // namespace hci::app
