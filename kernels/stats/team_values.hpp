// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: the values that a team (kernels/core/team.hpp) describes, as keys in its scratch.
#include <cmath>
#include <vector>

#include "kernels/core/error.hpp"
#include "kernels/core/view.hpp"
#include "kernels/stats/order_statistic.hpp"

namespace hci {

/// All members call each function and all get the answer; those that take a rank need it below count.
template <class Team>
struct TeamValues {
  Team team;
  std::uint32_t* keys;  ///< `size` of them
  index_t size;         ///< with NaN
  index_t count = 0;    ///< without
  KeyRange range{};     ///< theirs

  /// Takes value(i), i < size; NaN is left out from then on.
  template <class Value>
  HCI_HD void fill(const Value& value) {
    for (index_t i = team.rank(); i < size; i += team.size()) keys[i] = order_key_or_nan(value(i));
    look();
  }
  /// Puts f(v) in place of each value v; f(NaN) is NaN.
  template <class F>
  HCI_HD void replace(const F& f) {
    for (index_t i = team.rank(); i < size; i += team.size()) keys[i] = order_key_or_nan(f(from_order_key(keys[i])));
    look();
  }

  /// Sum of f(v) over the values v whose keys are in a range, in double.
  template <class F>
  HCI_HD double sum(KeyRange of, const F& f) const {
    constexpr int kRuns = 8;  // sums that grow side by side
    double sums[kRuns] = {};
    const auto term = [&](index_t i) {
      constexpr std::uint32_t kZero = 0x80000000U;  // stands in for what is not in the range
      const std::uint32_t in = keys[i] - of.least <= of.most - of.least ? 1 : 0, all = 0 - in;
      return f(static_cast<double>(from_order_key((keys[i] & all) | (kZero & ~all)))) * static_cast<double>(in);
    };
    index_t i = team.rank();
    for (; i + (kRuns - 1) * team.size() < size; i += kRuns * team.size())
      for (int run = 0; run < kRuns; ++run) sums[run] += term(i + run * team.size());
    for (; i < size; i += team.size()) sums[0] += term(i);
    for (int half = kRuns / 2; half > 0; half /= 2)
      for (int run = 0; run < half; ++run) sums[run] += sums[run + half];
    return team.sum(sums[0]);
  }

  /// How many values are below the one with this key.
  HCI_HD index_t below(std::uint32_t key) const {
    constexpr index_t kMost = index_t{1} << 30;  // that a member counts in 32 bits, as wide as a key
    index_t smaller = 0;
    for (index_t first = team.rank(); first < size; first += kMost * team.size()) {
      const index_t end = size - first > kMost * team.size() ? first + kMost * team.size() : size;
      std::uint32_t some = 0;
      for (index_t i = first; i < end; i += team.size()) some += keys[i] < key ? 1 : 0;
      smaller += some;
    }
    return static_cast<index_t>(team.sum(static_cast<double>(smaller)));
  }
  /// The least key that is not below this one; there must be one.
  HCI_HD std::uint32_t least_from(std::uint32_t key) const {
    std::uint32_t above = kNanKey - key;  // those below come round to more than that
    for (index_t i = team.rank(); i < size; i += team.size()) above = keys[i] - key < above ? keys[i] - key : above;
    const std::uint32_t found = key + above;
    return static_cast<std::uint32_t>(team.best(-static_cast<double>(found), static_cast<index_t>(found)));
  }

  /// The key of the value of this rank, 0 the least.
  HCI_HD std::uint32_t ranked(index_t rank) const {
    const std::uint32_t prefix = key_prefix_of_rank(
        rank, count, range, [this](std::uint32_t key) { return below(key); }, [](index_t left) { return left <= 1; });
    return least_from(prefix);
  }
  /// That of the next rank, when `key` has this one.
  HCI_HD std::uint32_t after(index_t rank, std::uint32_t key) const {
    return below(key + 1) > rank + 1 ? key : least_from(key + 1);
  }
  /// The keys of the middle two (or twice the middle one) of the `some` values from rank `first` on.
  HCI_HD KeyRange middle(index_t first, index_t some) const {
    const index_t rank = first + (some - 1) / 2;
    const std::uint32_t low = ranked(rank);
    return {low, some % 2 == 1 ? low : after(rank, low)};
  }
  HCI_HD float median() const {
    const KeyRange two = middle(0, count);
    return middle_of(from_order_key(two.least), from_order_key(two.most));
  }
  HCI_HD double quantile(double probability) const {
    const double place = probability * static_cast<double>(count - 1);
    const auto rank = static_cast<index_t>(std::floor(place));
    const std::uint32_t key = ranked(rank);
    const double low = static_cast<double>(from_order_key(key)), share = place - static_cast<double>(rank);
    return share > 0 ? low + share * (static_cast<double>(from_order_key(after(rank, key))) - low) : low;
  }

 private:
  /// Counts the values and finds the first and the last.
  HCI_HD void look() {
    team.sync();
    std::uint32_t least = kNanKey, beyond = 0;  // the largest key + 1: NaN's comes round to 0
    for (index_t i = team.rank(); i < size; i += team.size()) {
      least = keys[i] < least ? keys[i] : least;
      beyond = keys[i] + 1 > beyond ? keys[i] + 1 : beyond;
    }
    range.least = static_cast<std::uint32_t>(team.best(-static_cast<double>(least), static_cast<index_t>(least)));
    range.most = static_cast<std::uint32_t>(team.best(static_cast<double>(beyond), static_cast<index_t>(beyond))) - 1;
    count = below(kNanKey);
  }
};

/// Doubles of scratch for the keys of so many values.
constexpr index_t doubles_of_keys(index_t count) { return (count + 1) / 2; }

/// Takes values(i), i < values.count.
template <class Team, class Values>
HCI_HD TeamValues<Team> team_values(Team team, const Values& values, double* scratch) {
  auto* const keys = reinterpret_cast<std::uint32_t*>(scratch);
  TeamValues<Team> taken{team, keys, values.count};
  taken.fill(values);
  return taken;
}

/// found(q) = quantile probabilities(q) of the values, NaN where there is none.
template <class Team, class T>
HCI_HD void find_quantiles(const TeamValues<Team>& values, Vector<const double> probabilities, Vector<T> found) {
  for (index_t q = 0; q < probabilities.extent(0); ++q) {
    const double value = values.count > 0 ? values.quantile(probabilities(q)) : NAN;
    if (values.team.rank() == 0) found(q) = static_cast<T>(value);
  }
}

inline void check_probabilities(const char* caller, const std::vector<double>& probabilities) {
  for (const double probability : probabilities)
    require(probability >= 0 && probability <= 1, caller, ": probability ", probability, " is outside [0, 1]");
}

}  // namespace hci
