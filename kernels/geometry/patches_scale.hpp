// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: how values between two others become 0 to 1, the same bits on every path.
#include <cfloat>

#include "kernels/core/view.hpp"

namespace hci {

class UnitScale {
 public:
  /// least > most where there is no finite value. Values so far apart that their difference is no float are halved
  /// first; -0 becomes 0, so that the order in which equal values came does not show.
  HCI_HD UnitScale(float least, float most)
      : factor_(most - least <= FLT_MAX ? 1.0F : 0.5F),
        low_(factor_ * least + 0.0F),
        range_(factor_ * most - factor_ * least) {}

  /// Whether the values differ; what is finite is 0 otherwise.
  HCI_HD bool spreads() const { return range_ > 0; }
  /// V: float, or several side by side. Only where the values differ.
  template <class V>
  HCI_HD V inside(V value) const {
    return (factor_ * value - low_) / range_;
  }
  HCI_HD float operator()(float value) const { return spreads() ? inside(value) : value - value; }

 private:
  float factor_, low_, range_;
};

}  // namespace hci
