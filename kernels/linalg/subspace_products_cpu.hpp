// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include "kernels/linalg/subspace_products.hpp"

namespace hci::cpu {

/// batched_product() by OpenBLAS, in tiles that do not depend on the number of threads.
void batched_product(int threads, const BatchedProduct& what, View<double, 3> c);

}  // namespace hci::cpu
