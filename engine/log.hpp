// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <string>

namespace hci {

enum class LogLevel { info, warning, error };

/// Where messages for people go. Give one to whatever takes a Log; the library never prints.
using Log = std::function<void(LogLevel, const std::string&)>;

/// Drops everything.
Log silent_log();
/// "cuhci: warning: ..." on stderr, from `least` upward.
Log stderr_log(LogLevel least = LogLevel::info);

/// The same as JSON, one object a line: {"event":"log","level":"warning","message":"..."}.
Log json_log(LogLevel least = LogLevel::info);

}  // namespace hci
