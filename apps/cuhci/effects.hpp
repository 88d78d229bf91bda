// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/reduction.hpp"

namespace hci::app {

/// A setting of `cuhci reduce` that does something only under a condition.
struct Effect {
  const char* name;
  bool has_effect;
  std::string condition;  ///< as a user gives it: "--mode annular"
};

/// All such settings with what the others make of them. channels: of the cube; has_references: there are
/// frames of other stars; unset: not known yet, then what may have an effect counts as having one.
std::vector<Effect> effects_of(const Reduction& reduction, std::optional<index_t> channels,
                               std::optional<bool> has_references);

}  // namespace hci::app
