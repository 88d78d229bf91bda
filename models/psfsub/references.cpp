// SPDX-License-Identifier: MIT
#include "models/psfsub/references.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/params.hpp"

namespace hci {
namespace {

template <class T>
std::vector<T> unwrapped(std::vector<T> angles) {
  for (T& angle : angles)
    if (angle < 0) angle = T(360) + angle;
  bool jumps = false;
  for (std::size_t i = 1; i < angles.size(); ++i) jumps |= std::abs(angles[i] - angles[i - 1]) > T(180);
  if (jumps)
    for (T& angle : angles)
      if (angle < T(180)) angle += T(360);
  return angles;
}

RowSet set_of(const std::vector<index_t>& ascending) {
  RowSet set;
  for (index_t row : ascending) set.add(row, row + 1);
  return set;
}

}  // namespace

void RowSet::add(index_t first, index_t last) {
  if (first >= last) return;
  require(ranges_.empty() || first >= ranges_.back().last, "RowSet: rows from ", first, " are not behind those there");
  if (!ranges_.empty() && ranges_.back().last == first)
    ranges_.back().last = last;
  else
    ranges_.push_back({first, last});
}

index_t RowSet::count() const {
  index_t count = 0;
  for (const Range& range : ranges_) count += range.last - range.first;
  return count;
}

std::vector<index_t> RowSet::indices() const {
  std::vector<index_t> indices;
  for (const Range& range : ranges_)
    for (index_t row = range.first; row < range.last; ++row) indices.push_back(row);
  return indices;
}

double DeltaRot::at(index_t annulus, index_t annuli) const {
  if (annuli <= 1) return inner;
  return inner + (outer - inner) * static_cast<double>(annulus) / static_cast<double>(annuli - 1);
}

std::string to_text(const DeltaRot& value) {
  return value.inner == value.outer ? to_text(value.inner) : to_text(value.inner) + "," + to_text(value.outer);
}

void from_text(std::string_view text, DeltaRot& value) {
  std::vector<double> numbers;
  from_text(text, numbers);
  require(numbers.size() == 1 || numbers.size() == 2, "'", text, "' is neither one number nor two");
  for (double number : numbers) require(number >= 0, "delta_rot is ", number, " FWHM; it must not be negative");
  value = {numbers.front(), numbers.back()};
}

std::vector<double> checked_angles(std::vector<double> angles) {
  for (double angle : angles) require(std::isfinite(angle), "an angle is ", angle, "; all must be finite");
  const bool single = std::all_of(angles.begin(), angles.end(),
                                  [](double a) { return static_cast<double>(static_cast<float>(a)) == a; });
  if (!single) return unwrapped(std::move(angles));
  const auto floats = unwrapped(std::vector<float>(angles.begin(), angles.end()));
  return {floats.begin(), floats.end()};
}

double pa_threshold(double radius, double fwhm, double delta_rot) {
  return 2 * std::atan(delta_rot * fwhm / (2 * radius)) * (180 / std::numbers::pi);
}

RowSet frames_beyond(const std::vector<double>& angles, index_t target, double threshold, std::optional<int> nframes,
                     std::optional<int> max_frames) {
  require(!max_frames || *max_frames >= 1, "frames_beyond: max_frames is ", max_frames.value_or(0),
          "; it must be 1 at least");
  const auto frames = static_cast<index_t>(angles.size());
  const auto distance = [&](index_t i) {
    return std::abs(angles[static_cast<std::size_t>(i)] - angles[static_cast<std::size_t>(target)]);
  };
  index_t before = 0, after = target;  // library: 0 .. before - 1 and after .. frames - 1
  while (before < target && distance(before) >= threshold) ++before;
  while (after < frames && distance(after) <= threshold) ++after;
  RowSet set;
  if (nframes) {
    const index_t side = *nframes / 2;
    set.add(std::max<index_t>(before - side, 0), before);
    set.add(after, std::min(after + side, frames));
    return set;
  }
  set.add(0, before);
  set.add(after, frames);
  if (!max_frames || set.count() <= std::min<index_t>(frames - 1, *max_frames)) return set;
  std::vector<index_t> nearest = set.indices();
  std::stable_sort(nearest.begin(), nearest.end(), [&](index_t i, index_t j) { return distance(i) < distance(j); });
  nearest.resize(static_cast<std::size_t>(std::min<index_t>(frames - 1, *max_frames)));
  std::sort(nearest.begin(), nearest.end());
  return set_of(nearest);
}

}  // namespace hci
