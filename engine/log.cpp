// SPDX-License-Identifier: MIT
#include "engine/log.hpp"

#include <cstdio>

namespace hci {

Log silent_log() {
  return [](LogLevel, const std::string&) {};
}

Log stderr_log(LogLevel least) {
  return [least](LogLevel level, const std::string& message) {
    if (level < least) return;
    const char* mark = level == LogLevel::error ? "error: " : level == LogLevel::warning ? "warning: " : "";
    std::fprintf(stderr, "cuhci: %s%s\n", mark, message.c_str());
  };
}

}  // namespace hci
