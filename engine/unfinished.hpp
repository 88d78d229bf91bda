// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <filesystem>

namespace hci {

/// A file or folder that is to vanish if a signal ends the program while this lives (see
/// remove_unfinished_on_signals). Its own end leaves the path alone.
class Unfinished {
 public:
  explicit Unfinished(const std::filesystem::path& path);
  Unfinished(Unfinished&& other) noexcept;
  Unfinished& operator=(Unfinished&&) = delete;
  ~Unfinished();

 private:
  std::atomic<const char*>* slot_ = nullptr;  ///< null where the table was full
};

/// While one lives, a signal of remove_unfinished_on_signals() waits; the end of the last one lets it come. Where the
/// program is about to end by one already, this never returns. For steps that take no time.
class SignalsWait {
 public:
  SignalsWait();
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;
  ~SignalsWait();
};

/// For programs, not for libraries: from now on SIGINT, SIGTERM and SIGHUP first remove what is Unfinished
/// (temporary files of OutputFolder and AtomicFile, folders made for them), then end the program as they
/// would have. Signals that are ignored stay ignored.
void remove_unfinished_on_signals();

}  // namespace hci
