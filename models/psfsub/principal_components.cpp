// SPDX-License-Identifier: MIT
#include "models/psfsub/principal_components.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/linalg/components.hpp"
#include "kernels/linalg/eigh_top.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/subtract_product.hpp"

namespace hci {

int count_for_share(const std::vector<double>& eigenvalues, double share) {
  double total = 0, sum = 0;
  for (const double value : eigenvalues) total += std::max(value, 0.0);
  int count = 0;
  for (const double value : eigenvalues) {
    ++count;
    sum += std::max(value, 0.0);
    if (sum >= share * total) break;
  }
  return count;
}

PrincipalComponents principal_components(Exec& exec, Matrix<const float> frames, index_t k, Scaling scaling) {
  const index_t t = frames.extent(0), p = frames.extent(1);
  require(k >= 1 && k <= t, "principal_components: k is ", k, ", but there are ", t, " frames; use 1 to ", t);
  Array<float, 2> scaled;
  if (scaling != Scaling::none) {
    scaled = Array<float, 2>(exec, {t, p});
    scale_rows(exec, frames, {}, scaling, scaled.view());
    frames = scaled.view();
  }
  Array<double, 2> g(exec, {t, t}), vectors(exec, {t, t});
  gram(exec, frames, {}, g.view());
  const auto host_g = to_host(exec, g.view());
  double trace = 0;
  for (index_t i = 0; i < t; ++i) trace += host_g.view()(i, i);
  require(std::isfinite(trace), "principal_components: a frame holds a value that is not finite");
  require(trace > 0, "principal_components: all frames are 0", scaling == Scaling::none ? "" : " once scaled");

  Array<double, 1> values(exec, {t});
  eigh_top(exec, g.view(), t, values.view(), vectors.view());
  const auto host_values = to_host(exec, values.view());
  PrincipalComponents result;
  double sum = 0;
  for (index_t j = 0; j < t; ++j) {
    const double value = std::max(host_values.data()[j], 0.0);
    sum += value;
    result.singular_values.push_back(std::sqrt(value));
    result.explained.push_back(sum);
  }
  for (double& share : result.explained) share /= sum;

  // Image j = sum of the frames with the entries of vector j, over the singular value: as 0 - c y.
  auto coefficients = to_host(exec, vectors.view());
  for (index_t j = 0; j < t; ++j) {
    const double value = result.singular_values[static_cast<std::size_t>(j)];
    for (index_t i = 0; i < t; ++i) coefficients.view()(j, i) /= value > 0 ? -value : 1;
  }
  const auto scaled_vectors = to_device(exec, Matrix<const double>(coefficients.view()));
  Array<float, 2> c(exec, {k, t});
  to_single(exec, slice(Matrix<const double>(scaled_vectors.view()), 0, k),
            slice(Vector<const double>(values.view()), 0, k), false, c.view());
  result.images = Array<float, 2>(exec, {k, p});
  fill_bytes(exec, result.images.data(), 0, result.images.bytes());
  subtract_product(exec, c.view(), frames, result.images.view(), result.images.view());
  exec.wait();
  return result;
}

}  // namespace hci
