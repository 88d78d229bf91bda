// SPDX-License-Identifier: MIT
#include "engine/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>

namespace hci {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// "0.034 s", "12.3 s", "2:05 min".
std::string duration_text(double seconds) {
  char text[32];
  if (seconds < 60)
    std::snprintf(text, sizeof text, seconds < 1 ? "%.3f s" : "%.1f s", seconds);
  else
    std::snprintf(text, sizeof text, "%d:%02d min", static_cast<int>(seconds) / 60, static_cast<int>(seconds) % 60);
  return text;
}

/// "snr_map" is "snr map" to people.
std::string label_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// Names of stages come from us, but may hold what a user named.
std::string json_text(const std::string& text) {
  std::string escaped = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return escaped + '"';
}

}  // namespace

struct Progress::State {
  ProgressStyle style;
  std::FILE* stream;
  mutable std::mutex mutex;
  std::string name, label, unit;
  index_t total = 0, done = 0;
  Clock::time_point start;
  double last_drawn = 0;
  bool running = false;
  std::string round;              ///< "channel 3 of 39", or empty
  std::size_t before_rounds = 0;  ///< stages that had ended
  std::vector<std::pair<std::string, double>> times;

  void begin(const std::string& stage, index_t items, const std::string& what);
  void draw();
  void end();
  void tell_people(const std::string& what, double seconds) const;
  void end_rounds();
};

void Progress::State::begin(const std::string& stage, index_t items, const std::string& what) {
  name = stage;
  label = label_of(name) + (round.empty() ? "" : ", " + round);
  unit = what;
  total = items;
  done = 0;
  start = Clock::now();
  last_drawn = 0;
  running = true;
  if (style == ProgressStyle::bar) draw();
  if (style == ProgressStyle::json) {
    std::fprintf(stream, "{\"event\":\"begin\",\"stage\":%s,\"total\":%lld}\n", json_text(name).c_str(),
                 static_cast<long long>(total));
    std::fflush(stream);
  }
}

void Progress::State::draw() {
  const double elapsed = seconds_since(start);
  const double share = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
  if (style == ProgressStyle::bar) {
    constexpr int width = 30;
    std::string bar(width, '.');
    std::fill_n(bar.begin(), static_cast<int>(share * width), '#');
    if (total > 0 && done > 0)
      std::fprintf(stream, "\r\033[K%-20s [%s] %3.0f %%  %.3g %s/s  %s left", label.c_str(), bar.c_str(), 100 * share,
                   rate, unit.c_str(), duration_text(left).c_str());
    else
      std::fprintf(stream, "\r\033[K%-20s ...", label.c_str());
  } else if (style == ProgressStyle::lines) {
    std::fprintf(stream, "%s: %lld of %lld %s, %.3g/s, %s left\n", label.c_str(), static_cast<long long>(done),
                 static_cast<long long>(total), unit.c_str(), rate, duration_text(left).c_str());
  } else if (style == ProgressStyle::json) {
    std::fprintf(stream, "{\"event\":\"progress\",\"stage\":%s,\"done\":%lld,\"total\":%lld,\"seconds\":%.6f}\n",
                 json_text(name).c_str(), static_cast<long long>(done), static_cast<long long>(total), elapsed);
  }
  std::fflush(stream);
  last_drawn = elapsed;
}

void Progress::State::tell_people(const std::string& what, double seconds) const {
  if (style == ProgressStyle::bar)
    std::fprintf(stream, "\r\033[K%-20s %s\n", what.c_str(), duration_text(seconds).c_str());
  else if (style == ProgressStyle::lines)
    std::fprintf(stream, "%s: %s\n", what.c_str(), duration_text(seconds).c_str());
}

/// One line for each stage of the rounds.
void Progress::State::end_rounds() {
  round.clear();
  std::vector<std::pair<std::string, double>> sums;
  for (std::size_t i = before_rounds; i < times.size(); ++i) {
    const auto same = [&](const auto& sum) { return sum.first == times[i].first; };
    const auto sum = std::find_if(sums.begin(), sums.end(), same);
    if (sum == sums.end())
      sums.push_back(times[i]);
    else
      sum->second += times[i].second;
  }
  for (const auto& [stage, seconds] : sums) tell_people(label_of(stage), seconds);
}

void Progress::State::end() {
  if (!running) return;
  running = false;
  const double elapsed = seconds_since(start);
  times.emplace_back(name, elapsed);
  if (round.empty()) tell_people(label, elapsed);
  if (style == ProgressStyle::json)
    std::fprintf(stream, "{\"event\":\"end\",\"stage\":%s,\"done\":%lld,\"total\":%lld,\"seconds\":%.6f}\n",
                 json_text(name).c_str(), static_cast<long long>(done), static_cast<long long>(total), elapsed);
  if (style != ProgressStyle::quiet) std::fflush(stream);
}

Progress::Progress(ProgressStyle style, std::FILE* stream) : state_(std::make_unique<State>()) {
  if (style == ProgressStyle::automatic)
    style = isatty(fileno(stream)) != 0 ? ProgressStyle::bar : ProgressStyle::lines;
  state_->style = style;
  state_->stream = stream;
}

Progress::~Progress() {
  // An exception left a half-drawn bar: end its line, so that the message stands alone.
  if (state_->running && state_->style == ProgressStyle::bar) std::fputc('\n', state_->stream);
}

void Progress::stage(const std::string& name, index_t total, const std::string& unit) {
  const std::lock_guard lock(state_->mutex);
  state_->end();
  state_->begin(name, total, unit);
}

void Progress::expect(index_t total, const std::string& unit) {
  const std::lock_guard lock(state_->mutex);
  state_->total = total;
  state_->unit = unit;
}

void Progress::advance(index_t items) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->running) return;
  state_->done += items;
  // A person reads ten pictures a second, and a log file one line every five seconds.
  const double pause = state_->style == ProgressStyle::lines ? 5.0 : 0.1;
  const bool full = state_->style == ProgressStyle::bar && state_->done == state_->total;
  if (state_->style != ProgressStyle::quiet && (full || seconds_since(state_->start) - state_->last_drawn >= pause))
    state_->draw();
}

void Progress::finish() {
  const std::lock_guard lock(state_->mutex);
  state_->end();
}

void Progress::round(index_t number, index_t of, const std::string& unit) {
  const std::lock_guard lock(state_->mutex);
  state_->end();
  if (number == of) {
    state_->end_rounds();
    return;
  }
  if (number == 0) state_->before_rounds = state_->times.size();
  state_->round = unit + " " + std::to_string(number + 1) + " of " + std::to_string(of);
}

void Progress::interrupt() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->running || state_->style != ProgressStyle::bar) return;
  std::fputs("\r\033[K", state_->stream);
  std::fflush(state_->stream);
}

std::vector<std::pair<std::string, double>> Progress::times() const {
  const std::lock_guard lock(state_->mutex);
  return state_->times;
}

}  // namespace hci
