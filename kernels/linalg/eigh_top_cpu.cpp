// SPDX-License-Identifier: MIT
#include "kernels/linalg/eigh_top_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/core/array.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/parallel.hpp"
#include "kernels/linalg/blas_threads.hpp"
#include "kernels/linalg/eigh_lanes_cpu.hpp"

// LAPACK as OpenBLAS contains it; 32-bit integers, lengths of strings left out as gfortran allows for
// single characters.
extern "C" {
void dsyevr_(const char* jobz, const char* range, const char* uplo, const int* n, double* a, const int* lda,
             const double* vl, const double* vu, const int* il, const int* iu, const double* abstol, int* m, double* w,
             double* z, const int* ldz, int* isuppz, double* work, const int* lwork, int* iwork, const int* liwork,
             int* info);
void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda, double* w, double* work,
             const int* lwork, int* iwork, const int* liwork, int* info);
}

namespace hci::cpu {
namespace {

using Source = std::shared_ptr<Memory>;  // the caller's

void check_info(const char* routine, int info) {
  if (info != 0) throw DeviceError(std::string(routine) + " failed (info " + std::to_string(info) + ")");
}

/// All eigenpairs, ascending, into w and a.
void all_pairs(const Source& memory, int n, double* a, double* w) {
  constexpr int kMost = 32766;  // 2 n^2 + 6 n + 1 doubles of work, which dsyevd counts in 32 bits
  require(n <= kMost, "eigh_top: all eigenpairs of a matrix of order ", n, "; LAPACK takes ", kMost,
          " at most: ask for a third of the pairs or fewer, or use svd_top()");
  const char vectors = 'V', upper = 'U';
  int info = 0, iwork_size = 0;
  const int query = -1;
  double work_size = 0;
  dsyevd_(&vectors, &upper, &n, a, &n, w, &work_size, &query, &iwork_size, &query, &info);
  check_info("dsyevd", info);
  const int lwork = static_cast<int>(work_size);
  Array<double, 1> work(memory, {lwork});
  std::vector<int> iwork(static_cast<std::size_t>(iwork_size));
  dsyevd_(&vectors, &upper, &n, a, &n, w, work.data(), &lwork, iwork.data(), &iwork_size, &info);
  check_info("dsyevd", info);
}

/// Eigenpairs number il to iu (from 1), ascending, into w and z (n each). False where dsyevr loses
/// some, as it does for many equal eigenvalues.
bool some_pairs(const Source& memory, int n, double* a, int il, int iu, double* w, double* z) {
  const char vectors = 'V', range = 'I', upper = 'U';
  const double unused = 0, abstol = 0;
  int info = 0, found = 0, iwork_size = 0;
  const int query = -1;
  double work_size = 0;
  std::vector<int> support(2 * static_cast<std::size_t>(n));
  dsyevr_(&vectors, &range, &upper, &n, a, &n, &unused, &unused, &il, &iu, &abstol, &found, w, z, &n, support.data(),
          &work_size, &query, &iwork_size, &query, &info);
  check_info("dsyevr", info);
  const int lwork = static_cast<int>(work_size);
  Array<double, 1> work(memory, {lwork});
  std::vector<int> iwork(static_cast<std::size_t>(iwork_size));
  dsyevr_(&vectors, &range, &upper, &n, a, &n, &unused, &unused, &il, &iu, &abstol, &found, w, z, &n, support.data(),
          work.data(), &lwork, iwork.data(), &iwork_size, &info);
  return info == 0 && found == iu - il + 1;
}

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

/// LAPACK. a (n, n) is destroyed. values (k) and vectors (k, n), descending; all NaN where a holds NaN or infinity.
void lapack_eigh_top(const Source& memory, index_t n, double* a, index_t k, double* values, double* vectors) {
  if (!std::all_of(a, a + n * n, [](double x) { return std::isfinite(x); })) {  // of which LAPACK may make numbers
    std::fill(values, values + k, std::numeric_limits<double>::quiet_NaN());
    std::fill_n(vectors, k * n, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const OneBlasThread one;
  const int size = static_cast<int>(n);
  Array<double, 1> w(memory, {n}), z;
  const double* pairs = a;  // ascending
  index_t found = n;
  bool done = false;
  if (3 * k <= n) {  // else all by divide and conquer is faster
    Array<double, 1> kept(memory, {n * n});
    std::copy_n(a, n * n, kept.data());
    z = Array<double, 1>(memory, {n * k});
    done = some_pairs(memory, size, a, size - static_cast<int>(k) + 1, size, w.data(), z.data());
    if (done) {
      pairs = z.data();
      found = k;
    } else {
      std::copy_n(kept.data(), n * n, a);
    }
  }
  if (!done) all_pairs(memory, size, a, w.data());
  for (index_t j = 0; j < k; ++j) {
    values[j] = w.data()[found - 1 - j];
    std::copy_n(pairs + (found - 1 - j) * n, n, vectors + j * n);
  }
}

void solve_alone(const Source& memory, const EighProblem& problem, index_t k) {
  const index_t n = problem.n, found = std::min(k, n);
  std::fill(problem.values, problem.values + k, 0.0);
  std::fill(problem.vectors.data(), problem.vectors.data() + problem.vectors.size(), 0.0);
  if (found == 0) return;
  Array<double, 2> sub(memory, {n, n}), z(memory, {found, n});
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j) sub.view()(i, j) = problem(i, j);
  lapack_eigh_top(memory, n, sub.data(), found, problem.values, z.data());
  for (index_t j = 0; j < found; ++j)
    for (index_t i = 0; i < n; ++i) problem.vectors(j, problem.row(i)) = z.view()(j, i);
}

/// The lower triangles, a row of all problems after the other, since a row stays in the nearest cache. Smaller problems
/// are filled up with a diagonal below all eigenvalues, which has nothing to do with the rest; lanes that are left over
/// get the last problem.
void load(EighLanes& lanes, const EighProblem* problems, index_t count, index_t rows) {
  double squares[EighLanes::kLanes] = {};
  for (index_t i = 0; i < rows; ++i)
    for (int lane = 0; lane < EighLanes::kLanes; ++lane) {
      const EighProblem& problem = problems[std::min<index_t>(lane, count - 1)];
      if (i < problem.n) {
        const double* const row = problem.a + problem.row(i) * problem.stride;
        const auto take = [&](const auto& column) {
          double sum = 0;
          for (index_t j = 0; j < i; ++j) {
            const double value = row[column(j)];
            lanes.lower(i, j)[lane] = value;
            sum += value * value;
          }
          const double diagonal = row[column(i)];
          lanes.lower(i, i)[lane] = diagonal;
          squares[lane] += 2 * sum + diagonal * diagonal;
        };
        if (problem.index == nullptr)
          take([](index_t j) { return j; });
        else
          take([index = problem.index](index_t j) { return index[j]; });
      } else {
        for (index_t j = 0; j < i; ++j) lanes.lower(i, j)[lane] = 0;
        lanes.lower(i, i)[lane] = -std::sqrt(squares[lane]);  // no eigenvalue is larger
      }
    }
}

/// Some problems in lanes; bit b of the result: problem b of them is solved.
unsigned solve_together(EighLanes& lanes, const EighProblem* problems, index_t count, index_t k) {
  index_t rows = 0, smallest = EighLanes::kMostRows;
  for (index_t b = 0; b < count; ++b) {
    rows = std::max(rows, problems[b].n);
    smallest = std::min(smallest, problems[b].n);
  }
  if (rows > EighLanes::kMostRows || smallest < std::max<index_t>(k, 3) || 2 * k > rows) return 0;
  lanes.resize(rows, k);
  load(lanes, problems, count, rows);
  const unsigned solved = lanes.solve();
  for (int lane = 0; lane < count; ++lane) {
    const EighProblem& problem = problems[lane];
    const Matrix<double>& mine = problem.vectors;
    std::fill(mine.data(), mine.data() + mine.size(), 0.0);
    for (index_t j = 0; j < k; ++j) {
      problem.values[j] = lanes.value(j, lane);
      for (index_t i = 0; i < problem.n; ++i) mine(j, problem.row(i)) = lanes.vector(j, i, lane);
    }
  }
  return solved;
}

}  // namespace

void eigh_problems(Exec& exec, const std::vector<EighProblem>& problems, index_t k) {
  const auto count = static_cast<index_t>(problems.size());
  const index_t step = exec.tuned() && count > 1 ? EighLanes::kLanes : 1;
  const OneBlasThread one;
  const auto make = [] { return EighLanes(); };
  parallel_for(exec.threads(), (count + step - 1) / step, kWhoeverIsFree, make, [&](EighLanes& lanes, index_t group) {
    const index_t first = group * step, together = std::min(step, count - first);
    const unsigned solved = step > 1 ? solve_together(lanes, &problems[at(first)], together, k) : 0;
    for (index_t b = 0; b < together; ++b)
      if ((solved >> b & 1U) == 0) solve_alone(exec.memory(), problems[at(first + b)], k);
  });
}

}  // namespace hci::cpu
