// SPDX-License-Identifier: MIT
#pragma once
#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// Products of blocks of vectors, in double, for a batch: c(b) = alpha a(b) m(b) + beta c(b), or with m(b)
/// transposed. Vectors are rows.
///   a (b, r, s)   m (b, s, t), transposed: (b, t, s)   c (b, r, t); all with rows of unit stride, rows and
///   matrices may be apart; a batch of one in a or m serves all of c
/// c overlaps neither a nor m. With beta = 0 what c held does not matter, not even NaN. The same bits for any
/// number of threads.
struct BatchedProduct {
  View<const double, 3> a, m;
  bool transposed = false;
  double alpha = 1, beta = 0;
};
void batched_product(Exec& exec, const BatchedProduct& what, View<double, 3> c);

}  // namespace hci
