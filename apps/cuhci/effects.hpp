// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <vector>

#include "engine/dataset.hpp"
#include "models/reduction.hpp"

namespace hci::app {

/// A setting of `cuhci reduce` that does something only under a condition.
struct Effect {
  const char* name;
  bool has_effect;
  const char* condition;  ///< as a user gives it: "--mode annular"
};

/// All such settings with what the others make of them. channels: of the cube; unset: not known yet,
/// then whatever needs several counts as having an effect.
std::vector<Effect> effects_of(const DatasetOptions& files, const Recipe& recipe, std::optional<index_t> channels);

}  // namespace hci::app
