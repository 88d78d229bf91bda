// SPDX-License-Identifier: MIT
#include "kernels/linalg/least_squares.hpp"

#include <cfloat>
#include <cmath>

#include "kernels/core/error.hpp"
#include "kernels/core/packed_sets.hpp"
#include "kernels/core/team.hpp"
#include "kernels/linalg/least_squares_cpu.hpp"
#include "kernels/linalg/least_squares_panels.hpp"
#include "kernels/linalg/least_squares_steps.hpp"

// Floors, for n frames a library: Cholesky costs n^3 / 3 flops on n^2 doubles read once. 61 frames of 732
// problems (annular NACO): 55 MFLOP and 22 MB, 5 us on an H200 (4.3 TB/s), 0.2 ms on a GTX 1080 (0.28
// TFLOP/s in double). Here one block of 128 threads has one problem: up to n = 105 (101 non-negative, with its five
// vectors) its triangle lives in shared memory, of which the team leaves 45 KiB of 48, beyond that in the L2 cache, and
// each of the n columns costs three barriers, which bound small problems. A column's scalar products read all that lies
// left of it, 4/3 n^3 bytes a problem. Tuned, sets of kPanelsFrom members and more go by panels of columns
// (least_squares_panels.cu), on the CPU large ones by blocks of columns (least_squares_cpu.hpp). Not so the
// non-negative ones: their triangle grows by a row for each member that enters, n^2 / 2 products that are read once, as
// the two substitutions that follow read it; there is no second panel that could use what the first has read. Not
// measured on a GPU.

namespace hci {
namespace {

/// The lower triangle of a positive semidefinite matrix's decomposition L Lᵀ, row by row.
struct Triangle {
  double* l;
  HCI_HD double& operator()(index_t i, index_t j) const { return l[i * (i + 1) / 2 + j]; }
  HCI_HD static constexpr index_t doubles(index_t n) { return n * (n + 1) / 2; }
};

/// y := the solution of L Lᵀ x = y; zero where the column is.
template <class Team>
HCI_HD void substitute(Team team, const Triangle& l, index_t n, double* y) {
  for (index_t j = 0; j < n; ++j) {
    const double value = l(j, j) > 0 ? y[j] / l(j, j) : 0;
    team.sync();
    for (index_t i = j + team.rank(); i < n; i += team.size()) y[i] = i == j ? value : y[i] - l(i, j) * value;
    team.sync();
  }
  for (index_t j = n - 1; j >= 0; --j) {
    const double value = l(j, j) > 0 ? y[j] / l(j, j) : 0;
    team.sync();
    for (index_t i = team.rank(); i <= j; i += team.size()) y[i] = i == j ? value : y[i] - l(j, i) * value;
    team.sync();
  }
}

/// Of sets of up to `most` members; others are left.
struct SolveDamped {
  Problems problems;
  double damping;
  index_t most;
  Matrix<double> c;

  template <class Team>
  HCI_HD void operator()(Team team, index_t b, double* scratch) const {
    const Problem problem = problems[b];
    const index_t n = problem.size;
    if (n > most) return;
    const Triangle l{scratch};
    double* y = scratch + Triangle::doubles(most);
    const double largest = largest_diagonal(problem), added = added_to_diagonal(problem, damping);
    for (index_t i = team.rank(); i < n; i += team.size()) {
      for (index_t j = 0; j <= i; ++j) l(i, j) = problem.product(i, j) + (i == j ? added : 0);
      y[i] = problem.right(i);
    }
    for (index_t i = team.rank(); i < c.extent(1); i += team.size()) c(b, i) = 0;
    team.sync();
    decompose(team, l, n, static_cast<double>(n) * DBL_EPSILON * largest);
    substitute(team, l, n, y);
    for (index_t i = team.rank(); i < n; i += team.size()) c(b, problem.member[i]) = std::isnan(largest) ? NAN : y[i];
  }
};

/// The active set of a problem: which members may be above zero, in the order they came in, and the
/// triangle of their products.
struct SolveNonnegative {
  Problems problems;
  index_t most;
  Matrix<double> c;

  /// Doubles of scratch: the triangle, and x, w, s, order and blocked, one each for a member.
  HCI_HD static constexpr index_t doubles(index_t n) { return Triangle::doubles(n) + 5 * n; }

  struct State {
    Triangle l;
    double *x, *w, *s;  // solution, gradient, trial (by place in the order)
    double* blocked;    // 1: came in and was thrown out at once; 2: in the order
    double* order;      // members, as numbers, which doubles hold exactly
    HCI_HD index_t in(index_t place) const { return static_cast<index_t>(order[place]); }
  };

  template <class Team>
  HCI_HD void operator()(Team team, index_t b, double* scratch) const {
    const Problem problem = problems[b];
    const index_t n = problem.size;
    double* vectors = scratch + Triangle::doubles(most);
    const State state{{scratch}, vectors, vectors + most, vectors + 2 * most, vectors + 3 * most, vectors + 4 * most};
    const double largest = largest_diagonal(problem);
    double tolerance = 0;
    for (index_t i = 0; i < n; ++i) tolerance = std::fmax(tolerance, std::fabs(problem.right(i)));
    tolerance *= 10 * static_cast<double>(n) * DBL_EPSILON;
    for (index_t i = team.rank(); i < n; i += team.size()) {
      state.x[i] = state.blocked[i] = 0;
      state.w[i] = problem.right(i);
    }
    for (index_t i = team.rank(); i < c.extent(1); i += team.size()) c(b, i) = 0;
    team.sync();
    index_t count = 0;
    for (index_t exchange = 0; exchange < 3 * n && count < n; ++exchange) {
      const index_t entering = steepest(team, state, n);
      if (entering < 0 || !(state.w[entering] > tolerance)) break;
      if (!enter(team, problem, state, entering, count, static_cast<double>(n) * DBL_EPSILON * largest)) continue;
      ++count;
      count = descend(team, problem, state, count);
      gradient(team, problem, state, count);
    }
    for (index_t i = team.rank(); i < n; i += team.size())
      c(b, problem.member[i]) = std::isnan(largest) ? NAN : state.x[i];
  }

  /// The member outside the order whose increase gains most.
  template <class Team>
  HCI_HD static index_t steepest(Team team, const State& state, index_t n) {
    double most = -1;
    index_t found = -1;
    for (index_t i = team.rank(); i < n; i += team.size())
      if (state.blocked[i] == 0 && state.w[i] > most) {
        most = state.w[i];
        found = i;
      }
    return team.best(most, found);
  }

  /// Puts a member at the end of the order and its row under the triangle. Refuses, and blocks it, where
  /// the members there reproduce it or its own trial value would not be above zero.
  template <class Team>
  HCI_HD static bool enter(Team team, const Problem& problem, const State& state, index_t entering, index_t count,
                           double least) {
    for (index_t place = team.rank(); place <= count; place += team.size())
      state.l(count, place) = problem.product(entering, place < count ? state.in(place) : entering);
    team.sync();
    for (index_t j = 0; j < count; ++j) {  // forward substitution of the row
      const double value = state.l(count, j) / state.l(j, j);
      team.sync();
      for (index_t i = j + team.rank(); i < count; i += team.size())
        state.l(count, i) = i == j ? value : state.l(count, i) - state.l(i, j) * value;
      team.sync();
    }
    const double pivot = state.l(count, count) - dot(state.l, count, count, count);
    team.sync();
    const bool taken = pivot > least;
    if (team.rank() == 0) {
      state.l(count, count) = taken ? std::sqrt(pivot) : 0;
      state.order[count] = static_cast<double>(entering);
      state.blocked[entering] = taken ? 2 : 1;
    }
    team.sync();
    if (!taken) return false;
    trial(team, problem, state, count + 1);
    if (state.s[count] > 0) return true;
    team.sync();
    if (team.rank() == 0) state.blocked[entering] = 1;
    team.sync();
    return false;
  }

  /// s := the unconstrained minimum over the order.
  template <class Team>
  HCI_HD static void trial(Team team, const Problem& problem, const State& state, index_t count) {
    for (index_t place = team.rank(); place < count; place += team.size())
      state.s[place] = problem.right(state.in(place));
    team.sync();
    substitute(team, state.l, count, state.s);
  }

  /// Goes from x to the trial; where that is not feasible, as far as it is, drops whom it stopped at, and
  /// tries again. Returns how many are left.
  template <class Team>
  HCI_HD static index_t descend(Team team, const Problem& problem, const State& state, index_t count) {
    while (true) {
      double step = 1;
      index_t stopper = -1;
      for (index_t place = 0; place < count; ++place) {
        const double x = state.x[state.in(place)];
        if (state.s[place] <= 0 && x / (x - state.s[place]) < step) {
          step = x / (x - state.s[place]);
          stopper = place;
        }
      }
      team.sync();
      for (index_t place = team.rank(); place < count; place += team.size()) {
        double& x = state.x[state.in(place)];
        x = stopper < 0 ? state.s[place] : place == stopper ? 0 : std::fmax(0.0, x + step * (state.s[place] - x));
      }
      team.sync();
      if (stopper < 0) return count;
      count = drop_zeros(team, problem, state, count);
      trial(team, problem, state, count);
    }
  }

  /// Takes those at zero out of the order and makes the triangle anew from the first of them on.
  template <class Team>
  HCI_HD static index_t drop_zeros(Team team, const Problem& problem, const State& state, index_t count) {
    index_t first = count, kept = 0;
    for (index_t place = 0; place < count; ++place)
      if (!(state.x[state.in(place)] > 0)) {
        first = place;
        break;
      }
    team.sync();
    if (team.rank() == 0) {
      kept = first;
      for (index_t place = first; place < count; ++place) {
        const index_t member = state.in(place);
        if (state.x[member] > 0)
          state.order[kept++] = static_cast<double>(member);
        else
          state.blocked[member] = 0;
      }
      state.s[0] = static_cast<double>(kept);  // the trial is over: its first place carries the count
    }
    team.sync();
    kept = static_cast<index_t>(state.s[0]);
    for (index_t i = first + team.rank(); i < kept; i += team.size())
      for (index_t j = 0; j <= i; ++j) state.l(i, j) = problem.product(state.in(i), state.in(j));
    team.sync();
    restore_rows(team, state.l, first, kept);
    return kept;
  }

  /// Rows `first` .. n of a triangle whose rows before are decomposed and whose others hold products.
  template <class Team>
  HCI_HD static void restore_rows(Team team, const Triangle& l, index_t first, index_t n) {
    for (index_t j = 0; j < n; ++j) {
      const index_t from = j < first ? first : j;
      for (index_t i = from + team.rank(); i < n; i += team.size()) l(i, j) -= dot(l, i, j, j);
      team.sync();
      const double root = j < first ? l(j, j) : std::sqrt(std::fmax(l(j, j), DBL_MIN));
      team.sync();
      for (index_t i = from + team.rank(); i < n; i += team.size()) l(i, j) = i == j ? root : l(i, j) / root;
      team.sync();
    }
  }

  /// w := r - G x, and nobody is blocked any more: x has changed.
  template <class Team>
  HCI_HD static void gradient(Team team, const Problem& problem, const State& state, index_t count) {
    for (index_t i = team.rank(); i < problem.size; i += team.size()) {
      double sum = problem.right(i);
      for (index_t place = 0; place < count; ++place)
        sum -= problem.product(i, state.in(place)) * state.x[state.in(place)];
      state.w[i] = sum;
      if (state.blocked[i] == 1) state.blocked[i] = 0;
    }
    team.sync();
  }
};

/// How many sets each matrix has.
index_t check_shapes(const char* what, const View<const double, 3>& a, const std::vector<IndexSet>& sets,
                     const Matrix<const double>& rhs, const Matrix<double>& c) {
  const index_t n = a.extent(1), problems = static_cast<index_t>(sets.size());
  require(n > 0 && a.extent(2) == n && a.is_dense(), what, ": the matrices are (", n, ", ", a.extent(2), ")");
  require(rhs.extent(0) == problems && rhs.extent(1) == n && c.extents() == rhs.extents(), what,
          ": right sides and coefficients are not (", problems, ", ", n, ")");
  check_sets(what, sets, n);
  return sets_of_each(what, a.extent(0), problems);
}

}  // namespace

void solve_subsets(Exec& exec, View<const double, 3> a, const std::vector<IndexSet>& sets, Matrix<const double> rhs,
                   double damping, Matrix<double> c) {
  const index_t each = check_shapes("solve_subsets", a, sets, rhs, c);
  require(damping >= 0 && std::isfinite(damping), "solve_subsets: the damping is ", damping, "; it must be >= 0");
  const PackedSets packed = pack_sets(exec, sets);
  const Problems problems{a, each, rhs, packed.offsets.view(), packed.items.view()};
  const index_t blocked_from = exec.on_cuda() ? kPanelsFrom : cpu::kBlockedFrom;
  const bool by_blocks = exec.tuned() && packed.most >= blocked_from;
  const index_t most = by_blocks ? blocked_from - 1 : packed.most;
  for_each_team(exec, packed.count, Triangle::doubles(most) + most, SolveDamped{problems, damping, most, c});
  if (!by_blocks) return;
#if HCI_HAVE_CUDA
  if (exec.on_cuda()) return solve_by_panels(exec, problems, sets, damping, c);
#endif
  cpu::solve_large_subsets(exec, a, each, sets, rhs, damping, c);
}

void solve_nonnegative_subsets(Exec& exec, View<const double, 3> a, const std::vector<IndexSet>& sets,
                               Matrix<const double> rhs, Matrix<double> c) {
  const index_t each = check_shapes("solve_nonnegative_subsets", a, sets, rhs, c);
  const PackedSets packed = pack_sets(exec, sets);
  for_each_team(exec, static_cast<index_t>(sets.size()), SolveNonnegative::doubles(packed.most),
                SolveNonnegative{{a, each, rhs, packed.offsets.view(), packed.items.view()}, packed.most, c});
}

}  // namespace hci
