// SPDX-License-Identifier: MIT
#include "engine/system_memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>

#include "kernels/core/error.hpp"

namespace hci {
namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// The number after `key` in a file of lines "key number", times the unit; kUnlimited if it is not there.
std::size_t number_after(const std::string& file, const std::string& key, std::size_t unit) {
  std::ifstream in(file);
  std::string word;
  for (std::size_t number = 0; in >> word;)
    if (word == key && in >> number) return number * unit;
  return kUnlimited;
}

std::size_t number_in(const std::string& file) {
  std::ifstream in(file);
  std::size_t number = 0;
  return in >> number ? number : kUnlimited;  // "max" is no number
}

/// What the control group (version 2) of this process leaves; file cache that can be dropped counts as free.
std::size_t left_by_control_group() {
  std::string line, folder = "/sys/fs/cgroup";
  std::ifstream groups("/proc/self/cgroup");
  while (std::getline(groups, line))
    if (line.rfind("0::/", 0) == 0 && line.size() > 4) folder += line.substr(3);
  const std::size_t limit = number_in(folder + "/memory.max");
  if (limit == kUnlimited) return kUnlimited;
  std::size_t used = number_in(folder + "/memory.current");
  if (used == kUnlimited) return limit;
  const std::size_t cache = number_after(folder + "/memory.stat", "inactive_file", 1);
  if (cache != kUnlimited) used -= std::min(used, cache);
  return limit - std::min(limit, used);
}

/// What `ulimit -v` leaves.
std::size_t left_of_address_space() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  const std::size_t pages = number_in("/proc/self/statm");
  const std::size_t used = pages == kUnlimited ? 0 : pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, used);
}

}  // namespace

std::size_t available_memory() {
  return std::min(
      {number_after("/proc/meminfo", "MemAvailable:", 1024), left_by_control_group(), left_of_address_space()});
}

std::string bytes_text(double bytes) {
  const char* units[] = {"bytes", "kB", "MB", "GB", "TB"};
  int unit = 0;
  for (; bytes >= 999.5 && unit < 4; ++unit) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.3g %s", bytes, units[unit]);
  return text;
}

void require_memory(std::size_t bytes, const std::string& what, const std::string& remedy) {
  const std::size_t free = available_memory();
  require(bytes <= free, what, " needs ", bytes_text(static_cast<double>(bytes)), " of memory, but only ",
          bytes_text(static_cast<double>(free)), " are available: ", remedy);
}

}  // namespace hci
