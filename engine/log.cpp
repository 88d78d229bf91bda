// SPDX-License-Identifier: MIT
#include "engine/log.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

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

Log json_log(LogLevel least) {
  return [least](LogLevel level, const std::string& message) {
    if (level < least) return;
    const char* name = level == LogLevel::error ? "error" : level == LogLevel::warning ? "warning" : "info";
    using Json = nlohmann::ordered_json;
    const Json line{{"event", "log"}, {"level", name}, {"message", message}};
    std::fprintf(stderr, "%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  };
}

}  // namespace hci
