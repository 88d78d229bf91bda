// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hci {

/// How many principal components. Text:
///   "20"         that many
///   "1,5,10"     each of these: one decomposition, one residual for each
///   "1:20:2"     from, to (inclusive), step; "1:20" has step 1
///   "0.95"       so many that they hold this share of the variance, 0 < share <= 1
///   "auto"       by region and frame: the first after which the noise drops by less than `tol`
struct Ncomp {
  struct Share {
    double variance;
    friend bool operator==(const Share&, const Share&) = default;
  };
  struct Automatic {
    friend bool operator==(const Automatic&, const Automatic&) = default;
  };
  /// Counts in the order given, at least one, or a rule.
  std::variant<std::vector<int>, Share, Automatic> value = std::vector<int>{1};

  Ncomp() = default;
  Ncomp(int count) : value(std::vector<int>{count}) {}          // NOLINT(google-explicit-constructor)
  Ncomp(std::vector<int> counts) : value(std::move(counts)) {}  // NOLINT(google-explicit-constructor)
  Ncomp(Share share) : value(share) {}                          // NOLINT(google-explicit-constructor)
  Ncomp(Automatic automatic) : value(automatic) {}              // NOLINT(google-explicit-constructor)
  friend bool operator==(const Ncomp&, const Ncomp&) = default;
};

std::string to_text(const Ncomp& ncomp);
/// Throws InvalidInput for counts below 1 and shares outside (0, 1].
void from_text(std::string_view text, Ncomp& ncomp);

}  // namespace hci
