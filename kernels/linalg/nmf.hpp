// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// How the factors are improved; names as in scikit-learn.
enum class NmfSolver {
  cd,  ///< coordinate descent (HALS: Cichocki & Phan 2009, IEICE Trans. E92-A, 708)
  mu   ///< multiplicative updates (Lee & Seung 2001, NIPS 13); what is zero stays zero
};
/// Where they start; names as in VIP.
enum class NmfStart {
  nndsvd,   ///< non-negative double singular value decomposition (Boutsidis & Gallopoulos 2008, Pattern Recogn. 41,
            ///< 1350)
  nndsvda,  ///< the same with its zeros set to the mean of x
  random    ///< |normal| sqrt(mean / ncomp), from the seed
};

constexpr auto enum_names(NmfSolver) {
  return std::array<std::pair<std::string_view, NmfSolver>, 2>{{{"cd", NmfSolver::cd}, {"mu", NmfSolver::mu}}};
}
constexpr auto enum_names(NmfStart) {
  return std::array<std::pair<std::string_view, NmfStart>, 3>{
      {{"nndsvd", NmfStart::nndsvd}, {"nndsvda", NmfStart::nndsvda}, {"random", NmfStart::random}}};
}

struct NmfOptions {
  NmfSolver solver = NmfSolver::cd;
  NmfStart start = NmfStart::nndsvd;
  index_t max_iter = 200;
  /// cd: stop when the sum of |projected gradient| has fallen to this part of that of the first iteration;
  /// mu: when ten iterations lower the distance |x - w h| by less than this part of the first one.
  double tol = 1e-4;
  std::uint64_t seed = 0;  ///< of NmfStart::random
};

/// Of nmf_weights(), each as in NmfOptions.
struct NmfWeightsOptions {
  NmfSolver solver = NmfSolver::cd;
  index_t max_iter = 200;
  double tol = 1e-4;
};

struct NmfOutcome {
  index_t iterations = 0;
  bool converged = false;  ///< false: max_iter was reached first
};

/// Non-negative factors of a non-negative matrix: x ~ w h, least squares.
///   x (t, p) float >= 0, rows of unit stride   w (t, k) float   h (k, p) float, dense; k: components
/// All on the Exec's device. Products over the pixels, and w itself, are in double; h and products over the
/// frames in float. The same bits for any number of threads. Waits in each iteration (mu: in each tenth).
/// Throws InvalidInput for a negative, NaN or infinite element of x, for k = 0 and k > t, tol < 0, max_iter < 1.
NmfOutcome nmf(Exec& exec, Matrix<const float> x, const NmfOptions& options, Matrix<float> w, Matrix<float> h);

/// The weights of other frames in components that are there: x ~ w h with h as it is, what scikit-learn calls
/// transform(); components of a reference star, of the frames without a companion, or of one channel.
///   x (t, p) float >= 0, rows of unit stride   h (k, p) float >= 0, dense   w (t, k) float, dense; any k and t
/// Starts where scikit-learn does: cd at w = 0, mu at w = sqrt(mean of x / k). The rounds are those of nmf() without
/// the step of h, in double; w is rounded to float at the end. A component of zeros gets the weight 0. With cd, rounds
/// converge to the least squares with w >= 0 that there are; how many are taken depends on all rows of x, by `tol`.
/// The same bits for any number of threads. Waits in each round (mu: in each tenth). Throws InvalidInput for a
/// negative, NaN or infinite element of x or h, for no components, frames or pixels, tol < 0, max_iter < 1.
NmfOutcome nmf_weights(Exec& exec, Matrix<const float> x, Matrix<const float> h, const NmfWeightsOptions& options,
                       Matrix<float> w);

}  // namespace hci
