// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "kernels/core/view.hpp"

namespace hci {

/// How a frame goes on beyond its edge. The words are those of numpy.pad and scikit-image; the same
/// borders are called otherwise elsewhere. For a row a b c d:
///
///   | here      | beyond the edge   | scipy.ndimage | VIP's frame_shift | OpenCV             |
///   |-----------|-------------------|---------------|-------------------|--------------------|
///   | constant  | 0 0 a b c d 0 0   | grid-constant | constant          | BORDER_CONSTANT    |
///   | edge      | a a a b c d d d   | nearest       | nearest           | BORDER_REPLICATE   |
///   | symmetric | b a a b c d d c   | reflect       | reflect           | BORDER_REFLECT     |
///   | reflect   | c b a b c d c b   | mirror        | mirror            | BORDER_REFLECT_101 |
///   | wrap      | c d a b c d a b   | grid-wrap     | wrap              | BORDER_WRAP        |
enum class Border { constant, edge, symmetric, reflect, wrap };

/// Names for flags, configuration files and headers.
constexpr auto enum_names(Border) {
  return std::array<std::pair<std::string_view, Border>, 5>{{{"constant", Border::constant},
                                                             {"edge", Border::edge},
                                                             {"symmetric", Border::symmetric},
                                                             {"reflect", Border::reflect},
                                                             {"wrap", Border::wrap}}};
}

/// The pixel that stands in for pixel i of n; -1 for none (constant, outside).
HCI_HD inline index_t border_index(index_t i, index_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::constant) return -1;
  if (border == Border::edge) return i < 0 ? 0 : n - 1;
  if (n < 2) return n - 1;  // the only one, or none
  const index_t period = border == Border::symmetric ? 2 * n : border == Border::reflect ? 2 * n - 2 : n;
  index_t j = i % period;
  if (j < 0) j += period;
  if (j < n) return j;
  return border == Border::symmetric ? 2 * n - 1 - j : 2 * n - 2 - j;
}

}  // namespace hci
