// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only.
#include <vector>

#include "kernels/core/view.hpp"

namespace hci::cpu {

/// The k largest eigenpairs of kLanes small symmetric matrices at once, one in each lane of a
/// register: batches of LAPACK's size spend their time in short loops, these run through.
/// Householder tridiagonalization; bisection of the wanted eigenvalues; Rayleigh quotient iteration
/// with twisted factorizations (Dhillon & Parlett 2004, Linear Algebra Appl. 387, 1) for the vectors;
/// back-transformation. What came out is checked (residuals, orthogonality, order), and a lane that
/// fails, as it does for equal eigenvalues, is reported and left to LAPACK.
class EighLanes {
 public:
#if defined(__AVX512F__)  // one register: gcc takes wider vectors apart badly
  static constexpr int kLanes = 8;
#elif defined(__AVX__)
  static constexpr int kLanes = 4;
#else
  static constexpr int kLanes = 2;
#endif
  static constexpr index_t kMostRows = 128;
  using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));

  /// Room for matrices of up to kMostRows rows and their k pairs.
  void resize(index_t rows, index_t pairs);

  /// Element (i, j), j <= i, of all matrices; to be set before solve(), destroyed by it.
  Lanes& lower(index_t i, index_t j) { return a_[static_cast<std::size_t>(i * row_ + j)]; }

  /// Bit b: the pairs of lane b are right.
  unsigned solve();

  double value(index_t pair, int lane) const { return values_[static_cast<std::size_t>(pair)][lane]; }
  double vector(index_t pair, index_t i, int lane) const { return z_[static_cast<std::size_t>(pair * n_ + i)][lane]; }

 private:
  void tridiagonalize();
  void update_and_multiply(index_t first, const Lanes* u, const Lanes* q, const Lanes* v, Lanes* p);
  void bisect();
  template <int kTogether>
  void bisect_together(index_t first, const Lanes& least, const Lanes& most);
  void iterate(index_t pair);
  void orthogonalize(index_t pair);
  void check(index_t pair);
  template <int kTogether>
  void transform_back(index_t first);

  index_t n_ = 0, k_ = 0;
  index_t row_ = 0;  ///< from row to row: odd, since columns of 2^n bytes apart drive each other out of the cache
  std::vector<Lanes> a_, reflectors_, d_, e_, e2_, tau_, values_, low_, high_, z_, p_, q_, forward_, backward_;
  Lanes norm_{};
  Lanes good_{};  ///< 1 where all is well, else 0
};

}  // namespace hci::cpu
