// SPDX-License-Identifier: MIT
#include "kernels/linalg/components.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

// Floors at an H200 (4.3 TB/s, 34 TFLOP/s in double) and a GTX 1080 (0.32 TB/s, 0.28 TFLOP/s), for t = 489 targets with
// a library of n = 489 frames and k = 20 components each unless said otherwise. Not measured on a GPU.

namespace hci {
namespace {

/// Whether the value of component j is more than the rounding of the first one.
HCI_HD bool exists(double value, double first, index_t n) {
  return value > static_cast<double>(n) * DBL_EPSILON * first;
}

/// Which library target t has.
template <int N>
HCI_HD index_t library_of(const View<const double, N>& libraries, index_t t) {
  return libraries.extent(0) == 1 ? 0 : t;
}

/// 8 bytes and 2 flops in double for each number of the vectors, 38 MB (the rows of g stay in the cache): 9 us by
/// memory and 0.3 by products on an H200, 0.12 ms and 34 us on a GTX 1080. Blocks of 32 x 8: a warp has the components
/// of one target, k = 20 of its lanes, which go along k rows of vectors at a time; each line that they fetch serves the
/// 16 numbers that follow, and all of them read the same number of g.
struct Score {
  Matrix<const double> g, values;
  View<const double, 3> vectors;
  Matrix<double> scores;
  HCI_HD void operator()(index_t t, index_t j) const {
    const index_t b = library_of(values, t), n = g.extent(1);
    scores(t, j) = 0;
    if (!exists(values(b, j), values(b, 0), n)) return;
    double sum = 0;
    for (index_t i = 0; i < n; ++i) sum += g(t, i) * vectors(b, j, i);
    scores(t, j) = sum / values(b, j);
  }
};

/// 8 bytes and 2 flops in double for each number of the vectors up to the target's count, and 4 bytes written for each
/// coefficient: 39 MB, 9 us and 0.12 ms; 10 MFLOP, 0.3 us and 34 us. Blocks of 32 x 8: a warp has 32 neighbouring
/// frames of one target, so that it reads whole lines of a vector and writes whole lines.
struct Combine {
  Matrix<const double> scores;
  View<const double, 3> vectors;
  Vector<const index_t> counts;
  Matrix<float> c;
  HCI_HD void operator()(index_t t, index_t i) const {
    const index_t b = library_of(vectors, t);
    double sum = 0;
    for (index_t j = 0; j < counts(t); ++j) sum += scores(t, j) * vectors(b, j, i);
    c(t, i) = static_cast<float>(sum);
  }
};

/// As Combine, and all counts of the sweep written as the sum passes them: for 1 to 20 components 38 MB read and 19 MB
/// written, 13 us and 0.18 ms; 10 MFLOP, 0.3 us and 34 us. A thread goes through all counts, so that each number of the
/// vectors is read once, not once a count; blocks of 32 x 8 as there.
struct CombineSweep {
  Matrix<const double> scores;
  View<const double, 3> vectors;
  Vector<const index_t> counts;
  View<float, 3> c;
  HCI_HD void operator()(index_t t, index_t i) const {
    const index_t b = library_of(vectors, t);
    double sum = 0;
    index_t j = 0;
    for (index_t v = 0; v < counts.extent(0); ++v) {
      for (; j < counts(v); ++j) sum += scores(t, j) * vectors(b, j, i);
      c(v, t, i) = static_cast<float>(sum);
    }
  }
};

/// 12 bytes a number, 0.1 MB for 20 x 489: 30 ns and 0.4 us, less than its launch. Blocks of 32 x 8 along the rows of
/// `to`, whose lines are written whole; by columns the reads are n numbers apart, from the cache.
struct ToSingle {
  Matrix<const double> from;
  Vector<const double> values;
  bool by_column;
  Matrix<float> to;
  HCI_HD void operator()(index_t i, index_t j) const {
    const index_t component = by_column ? j : i, n = by_column ? from.extent(0) : from.extent(1);
    to(i, j) = exists(values(component), values(0), n) ? static_cast<float>(from(i, j)) : 0.0F;
  }
};

/// The residual of n components has the sum of squares sum_{j >= n} w_j, and its mean follows from
/// the sums of the rows: no pixel is looked at.
/// For 732 libraries of 61 frames with all their components, 8 bytes and 4 flops in double for each number of the
/// vectors, once for the total and once, until the count is found, for what is left: 44 MB at most, 10 us and 0.14 ms;
/// 22 MFLOP, 0.6 us and 78 us. A thread has one library, since its steps follow each other: 732 threads in blocks of
/// 256, which wait for memory, not for its speed. Once a reduction.
struct AutomaticCount {
  Matrix<const double> values;
  View<const double, 3> vectors;
  Vector<const index_t> sizes;
  Vector<const double> sums;
  double pixels, tolerance;
  Vector<index_t> counts;

  /// Over all entries of the part that one component has in the library.
  HCI_HD double sum_of_component(const Vector<const double>& vector) const {
    double in_vector = 0, in_sums = 0;
    for (index_t i = 0; i < vector.extent(0); ++i) {
      in_vector += vector(i);
      in_sums += vector(i) * sums(i);
    }
    return in_vector * in_sums;
  }

  HCI_HD void operator()(index_t b) const {
    const index_t size = sizes(b) < values.extent(1) ? sizes(b) : values.extent(1);
    const double entries = static_cast<double>(sizes(b)) * pixels;
    counts(b) = 0;
    double squares = 0, total = 0;
    for (index_t j = 0; j < size; ++j) {
      squares += values(b, j) > 0 ? values(b, j) : 0;
      total += sum_of_component(vectors[b][j]);
    }
    double before = 0;
    for (index_t j = 0; j < size; ++j) {
      squares -= values(b, j) > 0 ? values(b, j) : 0;
      total -= sum_of_component(vectors[b][j]);
      const double mean = total / entries, variance = squares / entries - mean * mean;
      const double noise = variance > 0 ? std::sqrt(variance) : 0;
      counts(b) = j + 1;
      if (j > 0 && before - noise < tolerance) return;
      before = noise;
    }
  }
};

/// Whether there is a library for each target, or one for all.
bool is_one_or_one_each(index_t libraries, index_t targets) { return libraries == 1 || libraries == targets; }

}  // namespace

void component_scores(Exec& exec, Matrix<const double> g, Matrix<const double> values, View<const double, 3> vectors,
                      Matrix<double> scores) {
  require(is_one_or_one_each(values.extent(0), g.extent(0)) && vectors.extent(0) == values.extent(0),
          "component_scores: values of ", values.extent(0), " libraries and vectors of ", vectors.extent(0), " for ",
          g.extent(0), " targets");
  require(vectors.extent(2) == g.extent(1) && vectors.extent(1) == scores.extent(1) &&
              scores.extent(0) == g.extent(0) && values.extent(1) == scores.extent(1),
          "component_scores: shapes differ");
  for_each(exec, scores.extents(), Score{g, values, vectors, scores});
}

void component_coefficients(Exec& exec, Matrix<const double> scores, View<const double, 3> vectors,
                            Vector<const index_t> counts, Matrix<float> c) {
  require(is_one_or_one_each(vectors.extent(0), scores.extent(0)), "component_coefficients: ", vectors.extent(0),
          " libraries for ", scores.extent(0), " targets");
  require(counts.extent(0) == scores.extent(0) && c.extent(0) == scores.extent(0) && c.extent(1) == vectors.extent(2) &&
              scores.extent(1) == vectors.extent(1),
          "component_coefficients: shapes differ");
  for_each(exec, c.extents(), Combine{scores, vectors, counts, c});
}

void component_sweep(Exec& exec, Matrix<const double> scores, View<const double, 3> vectors,
                     const std::vector<index_t>& counts, View<float, 3> c) {
  const index_t k = scores.extent(1);
  require(is_one_or_one_each(vectors.extent(0), scores.extent(0)), "component_sweep: ", vectors.extent(0),
          " libraries for ", scores.extent(0), " targets");
  require(vectors.extent(1) == k &&
              c.extents() == Extents<3>{static_cast<index_t>(counts.size()), scores.extent(0), vectors.extent(2)},
          "component_sweep: shapes differ");
  require(
      std::is_sorted(counts.begin(), counts.end()) && (counts.empty() || (counts.front() >= 0 && counts.back() <= k)),
      "component_sweep: the numbers of components are not ascending or outside 0 .. ", k);
  if (c.size() == 0) return;
  const auto on_device = to_device(exec, counts);
  for_each(exec, Extents<2>{c.extent(1), c.extent(2)}, CombineSweep{scores, vectors, on_device.view(), c});
}

void to_single(Exec& exec, Matrix<const double> from, Vector<const double> values, bool by_column, Matrix<float> to) {
  require(from.extents() == to.extents() && values.extent(0) == from.extent(by_column ? 1 : 0),
          "to_single: shapes differ");
  for_each(exec, to.extents(), ToSingle{from, values, by_column, to});
}

void automatic_counts(Exec& exec, Matrix<const double> values, View<const double, 3> vectors,
                      Vector<const index_t> sizes, Vector<const double> sums, index_t pixels, double tolerance,
                      Vector<index_t> counts) {
  require(tolerance > 0, "automatic_counts: the tolerance is ", tolerance, "; it must be positive");
  require(counts.extent(0) == values.extent(0) && sizes.extent(0) == values.extent(0) &&
              vectors.extent(0) == values.extent(0) && vectors.extent(2) == sums.extent(0),
          "automatic_counts: shapes differ");
  for_each(exec, counts.extents(),
           AutomaticCount{values, vectors, sizes, sums, static_cast<double>(pixels), tolerance, counts});
}

}  // namespace hci
