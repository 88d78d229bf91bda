// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: what the ways to solve normal equations share.
#include <cmath>

#include "kernels/core/view.hpp"
#include "kernels/linalg/sum_in_parts.hpp"

namespace hci {

/// A problem's view of its matrix and right side, by the members of its set.
struct Problem {
  Matrix<const double> a;
  Vector<const double> r;
  const index_t* member;
  index_t size;
  HCI_HD double product(index_t i, index_t j) const { return a(member[i], member[j]); }
  HCI_HD double right(index_t i) const { return r(member[i]); }
};

/// All problems of a call, on a device: sets in a row share a matrix.
struct Problems {
  View<const double, 3> a;
  index_t each;  // sets of a matrix
  Matrix<const double> rhs;
  Vector<const index_t> offsets, members;
  HCI_HD Problem operator[](index_t b) const {
    return {a[b / each], rhs[b], members.data() + offsets(b), offsets(b + 1) - offsets(b)};
  }
};

/// The largest diagonal element; NaN where the diagonal or the right side holds one.
HCI_HD inline double largest_diagonal(const Problem& problem) {
  double largest = 0;
  for (index_t i = 0; i < problem.size; ++i) {
    const double here = problem.product(i, i);
    if (std::isnan(here) || std::isnan(problem.right(i))) return NAN;
    if (here > largest) largest = here;
  }
  return largest;
}

/// What damping adds to the diagonal.
HCI_HD inline double added_to_diagonal(const Problem& problem, double damping) {
  double trace = 0;
  for (index_t i = 0; i < problem.size; ++i) trace += problem.product(i, i);
  return damping * trace / static_cast<double>(problem.size > 0 ? problem.size : 1);
}

/// The scalar product of the first `count` numbers of two rows.
struct Product {
  const double *a, *b;
  HCI_HD double operator()(index_t k) const { return a[k] * b[k]; }
};
template <class Lower>
HCI_HD double dot(const Lower& l, index_t i, index_t j, index_t count) {
  return sum_in_parts(0, count, Product{&l(i, 0), &l(j, 0)});
}

/// Cholesky's decomposition L Lᵀ in place, of a lower triangle whose rows are without gaps. A pivot of at most `least`
/// makes its column zero.
template <class Team, class Lower>
HCI_HD void decompose(Team team, const Lower& l, index_t n, double least) {
  for (index_t j = 0; j < n; ++j) {
    for (index_t i = j + team.rank(); i < n; i += team.size()) l(i, j) -= dot(l, i, j, j);
    team.sync();
    const double pivot = l(j, j), root = pivot > least ? std::sqrt(pivot) : 0;
    team.sync();
    for (index_t i = j + team.rank(); i < n; i += team.size()) l(i, j) = i == j ? root : root > 0 ? l(i, j) / root : 0;
    team.sync();
  }
}

}  // namespace hci
