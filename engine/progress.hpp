// SPDX-License-Identifier: MIT
#pragma once
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci {

/// How progress is told. `automatic`: a bar where the stream is a terminal, plain lines elsewhere.
enum class ProgressStyle { automatic, bar, lines, json, quiet };

/// Tells a person, or a program, how far a run is. Stages follow one another; each may have a
/// number of items, of which advance() reports some as done. May be called from several threads.
class Progress {
 public:
  explicit Progress(ProgressStyle style = ProgressStyle::automatic, std::FILE* stream = stderr);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Ends the running stage and begins another; total 0: no known number of items.
  /// `name` is for programs, "snr_map"; people are shown it with blanks.
  void stage(const std::string& name, index_t total = 0, const std::string& unit = "frames");
  /// The number of items of the running stage, where it is known only after its begin.
  void expect(index_t total, const std::string& unit = "frames");
  void advance(index_t items = 1);
  /// Ends the running stage.
  void finish();
  /// The stages that follow belong to this round of several (channels): people see which one it is, and
  /// after the last, when number is `of`, the time of each stage in all rounds.
  void round(index_t number, index_t of, const std::string& unit);
  /// Clears a half-drawn bar, so that what is written next begins a line of its own.
  void interrupt();

  /// (stage, seconds) of what has ended, in order.
  std::vector<std::pair<std::string, double>> times() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hci
