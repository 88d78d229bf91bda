// SPDX-License-Identifier: MIT
#include "kernels/linalg/nmf.hpp"

#include <cfloat>
#include <cmath>
#include <utility>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/reduce.hpp"
#include "kernels/linalg/gram.hpp"
#include "kernels/linalg/nmf_cpu.hpp"
#include "kernels/linalg/nmf_start.hpp"
#include "kernels/linalg/subtract_product.hpp"
#include "kernels/linalg/sum_in_parts.hpp"

// An iteration reads x twice (x hᵀ and wᵀ x: 4 t p k flops) and h four times; the updates themselves are
// 4 k^2 p flops in cache. For (489, 44100), k = 20: 1.7 GFLOP and 0.2 GB, bound by memory on an H200
// (50 us), by the double products on a GTX 1080 (0.86 GFLOP at 0.28 TFLOP/s: 3 ms). With h given x is read once for
// all rounds, 0.09 GB: 21 us and 3 ms; a round then has 2 k^2 t flops, 0.4 MFLOP, and nothing but its launch and the
// wait for the sum of the violations to pay for. Rows of w depend on nothing but themselves, components on each other:
// one thread has a row, whose products stay in the cache; blocks of 256, two of them. Not measured on a GPU.

namespace hci {
namespace {

/// products(i, j) = sum over t of w(t, i) w(t, j): k x k sums of t numbers.
struct ColumnProducts {
  Matrix<const double> w;
  Matrix<double> products;
  HCI_HD void operator()(index_t i, index_t j) const {
    double sum = 0;
    for (index_t t = 0; t < w.extent(0); ++t) sum += w(t, i) * w(t, j);
    products(i, j) = sum;
  }
};

/// minus_wt(j, t) = - w(t, j) in single precision: what subtract_product() takes to make + wᵀ x.
struct MinusTransposed {
  Matrix<const double> w;
  Matrix<float> minus_wt;
  HCI_HD void operator()(index_t j, index_t t) const { minus_wt(j, t) = static_cast<float>(-w(t, j)); }
};

/// One coordinate: its new value, and its projected gradient added to the violation.
HCI_HD double descended(double value, double gradient, double curvature, double& violation) {
  const double upwards = gradient < 0 ? gradient : 0.0, lowest = value - gradient / curvature;
  violation += std::fabs(value == 0 ? upwards : gradient);
  return curvature > 0 ? (lowest > 0 ? lowest : 0.0) : value;
}
/// One factor of the multiplicative rule.
HCI_HD double multiplied(double value, double numerator, double denominator) {
  return value * numerator / (denominator > 0 ? denominator : static_cast<double>(FLT_EPSILON));
}

/// Row t of w, one component after the other.
struct DescendW {
  Matrix<const double> hht, xht;
  Matrix<double> w;
  Vector<double> violations;
  HCI_HD void operator()(index_t t) const {
    const index_t k = w.extent(1);
    double violation = 0;
    for (index_t i = 0; i < k; ++i) {
      double sum = 0;
      for (index_t j = 0; j < k; ++j) sum += hht(i, j) * w(t, j);
      w(t, i) = descended(w(t, i), sum - xht(t, i), hht(i, i), violation);
    }
    violations(t) = violation;
  }
};
/// The multiplicative rule takes all of the row's sums before it changes one.
struct SumsOfW {
  Matrix<const double> hht, w;
  Matrix<double> sums;
  HCI_HD void operator()(index_t t, index_t i) const {
    double sum = 0;
    for (index_t j = 0; j < w.extent(1); ++j) sum += hht(i, j) * w(t, j);
    sums(t, i) = sum;
  }
};
struct MultiplyW {
  Matrix<const double> xht, sums;
  Matrix<double> w;
  HCI_HD void operator()(index_t t, index_t i) const { w(t, i) = multiplied(w(t, i), xht(t, i), sums(t, i)); }
};

/// kWidth columns of h, one component after the other; on the CPU as many as keep registers busy, on CUDA one:
/// neighbours are neighbouring columns, so that a warp reads lines of h and wtx, k^2 times from L1 and the L2 cache.
template <index_t kWidth>
struct DescendH {
  Matrix<const double> wtw;
  Matrix<const float> wtx;
  Matrix<float> h;
  Vector<double> violations;

  template <index_t kCount>
  HCI_HD double descend(index_t first) const {
    double violation[kCount] = {};
    for (index_t i = 0; i < h.extent(0); ++i) {
      double gradient[kCount], value[kCount];
      for (index_t p = 0; p < kCount; ++p) gradient[p] = -static_cast<double>(wtx(i, first + p));
      for (index_t j = 0; j < h.extent(0); ++j)
        for (index_t p = 0; p < kCount; ++p) gradient[p] += wtw(i, j) * static_cast<double>(h(j, first + p));
      const double curvature = wtw(i, i);
      for (index_t p = 0; p < kCount; ++p) value[p] = static_cast<double>(h(i, first + p));
      for (index_t p = 0; p < kCount; ++p) value[p] = descended(value[p], gradient[p], curvature, violation[p]);
      for (index_t p = 0; p < kCount; ++p) h(i, first + p) = static_cast<float>(value[p]);
    }
    for (index_t p = 1; p < kCount; ++p) violation[0] += violation[p];
    return violation[0];
  }
  HCI_HD void operator()(index_t tile) const {
    const index_t first = tile * kWidth, end = first + kWidth;
    double violation = 0;
    if (end <= h.extent(1))
      violation = descend<kWidth>(first);
    else
      for (index_t p = first; p < h.extent(1); ++p) violation += descend<1>(p);
    violations(tile) = violation;
  }
};
struct MultiplyH {
  Matrix<const double> wtw;
  Matrix<const float> wtx, h;
  Matrix<float> out;
  HCI_HD void operator()(index_t i, index_t p) const {
    double sum = 0;
    for (index_t j = 0; j < h.extent(0); ++j) sum += wtw(i, j) * static_cast<double>(h(j, p));
    out(i, p) = static_cast<float>(multiplied(static_cast<double>(h(i, p)), static_cast<double>(wtx(i, p)), sum));
  }
};

/// Over a chunk of a row: the sum of squares, NaN where an element is negative or NaN. In eight sums, which need not
/// wait for each other.
struct SquaresOrNan {
  Matrix<const float> x;
  Matrix<double> sums;
  HCI_HD void operator()(index_t t, index_t chunk) const {
    const auto [first, last] = chunk_of(x.extent(1), chunk);
    constexpr index_t kSums = 8;
    double sum[kSums] = {};
    const auto square = [this, t](index_t p) {
      const auto value = static_cast<double>(x(t, p));
      return value >= 0 ? value * value : static_cast<double>(NAN);
    };
    index_t p = first;
    for (; p + kSums <= last; p += kSums)
      for (index_t i = 0; i < kSums; ++i) sum[i] += square(p + i);
    for (; p < last; ++p) sum[0] += square(p);
    for (index_t i = 1; i < kSums; ++i) sum[0] += sum[i];
    sums(t, chunk) = sum[0];
  }
};

struct SetTo {
  double value;
  Matrix<double> w;
  HCI_HD void operator()(index_t t, index_t i) const { w(t, i) = value; }
};

struct ToFloat {
  Matrix<const double> from;
  Matrix<float> to;
  HCI_HD void operator()(index_t i, index_t j) const { to(i, j) = static_cast<float>(from(i, j)); }
};

/// The weights, and the products that their half of a round needs.
class Weights {
 public:
  Weights(Exec& exec, Matrix<const float> x, Matrix<const float> h)
      : exec_(exec),
        x_(x),
        h_(h),
        w_(exec, {x.extent(0), h.extent(0)}),
        xht_(exec, w_.extents()),
        hht_(exec, {h.extent(0), h.extent(0)}),
        wtw_(exec, hht_.extents()),
        violations_(exec, {x.extent(0)}) {}

  Matrix<double> w() { return w_.view(); }
  /// To be called whenever h has changed.
  void products_with_h() {
    gram(exec_, h_, {}, hht_.view());
    if (exec_.tuned() && !exec_.on_cuda()) return cpu::times_components(exec_.threads(), x_, h_, xht_.view());
    cross_gram(exec_, x_, h_, {}, xht_.view());
  }
  Matrix<const double> products_of_columns() {
    for_each(exec_, wtw_.extents(), ColumnProducts{w_.view(), wtw_.view()});
    return wtw_.view();
  }

  /// Coordinate descent.
  void descend() {
    for_each(exec_, violations_.extents(), DescendW{hht_.view(), xht_.view(), w_.view(), violations_.view()});
  }
  /// The sum of |projected gradient| that it found. Waits.
  double violation() { return sum(exec_, violations_.view()); }
  /// The multiplicative rule.
  void multiply() {
    Array<double, 2> sums(exec_, w_.extents());
    for_each(exec_, w_.extents(), SumsOfW{hht_.view(), w_.view(), sums.view()});
    for_each(exec_, w_.extents(), MultiplyW{xht_.view(), sums.view(), w_.view()});
  }

  /// |x - w h|, from |x|^2 and the products.
  double distance(double squares) {
    const auto wtw = to_host(exec_, products_of_columns()), hht = to_host(exec_, hht_.view());
    const auto host_w = to_host(exec_, w_.view()), xht = to_host(exec_, xht_.view());
    for (index_t i = 0; i < xht.size(); ++i) squares -= 2 * host_w.data()[i] * xht.data()[i];
    for (index_t i = 0; i < hht.size(); ++i) squares += wtw.data()[i] * hht.data()[i];
    return std::sqrt(std::fmax(squares, 0.0));
  }

 private:
  Exec& exec_;
  Matrix<const float> x_, h_;
  Array<double, 2> w_, xht_, hht_, wtw_;
  Array<double, 1> violations_;
};

/// Both factors: a round is that of the weights, and that of h.
class Factors {
 public:
  Factors(Exec& exec, Matrix<const float> x, Matrix<float> h)
      : exec_(exec),
        x_(x),
        h_(h),
        weights_(exec, x, h),
        wtx_(exec, h.extents()),
        violations_(exec, {(x.extent(1) + width() - 1) / width()}) {
    if (!times_weights_on_cpu()) minus_wt_ = Array<float, 2>(exec, {h.extent(0), x.extent(0)});
  }

  Matrix<double> w() { return weights_.w(); }

  void descend() {
    weights_.products_with_h();
    weights_.descend();
    const Matrix<const double> wtw = products_with_w();
    if (exec_.on_cuda())
      for_each(exec_, violations_.extents(), DescendH<1>{wtw, wtx_.view(), h_, violations_.view()});
    else
      descend_on_cpu({wtw, wtx_.view(), h_, violations_.view()});
  }
  double violation() { return weights_.violation() + sum(exec_, violations_.view()); }

  void multiply() {
    weights_.products_with_h();
    weights_.multiply();
    const Matrix<const double> wtw = products_with_w();
    Array<float, 2> next(exec_, h_.extents());
    for_each(exec_, h_.extents(), MultiplyH{wtw, wtx_.view(), h_, next.view()});
    copy(exec_, static_cast<const Array<float, 2>&>(next).view(), h_);
  }

  double distance(double squares) {
    weights_.products_with_h();
    return weights_.distance(squares);
  }

 private:
  static constexpr index_t kWidthOnCpu = 32;
  index_t width() const { return exec_.on_cuda() ? 1 : kWidthOnCpu; }

  /// Not by for_each(), which would compile it for CUDA, where so many columns spill.
  void descend_on_cpu(const DescendH<kWidthOnCpu>& tiles) {
    const index_t count = violations_.size();
#pragma omp parallel for schedule(static) num_threads(exec_.threads())
    for (index_t tile = 0; tile < count; ++tile) tiles(tile);
  }

  bool times_weights_on_cpu() const { return exec_.tuned() && !exec_.on_cuda(); }

  /// Makes wᵀ x; gives wᵀ w.
  Matrix<const double> products_with_w() {
    if (times_weights_on_cpu()) {
      cpu::times_weights(exec_.threads(), w(), x_, wtx_.view());
      return weights_.products_of_columns();
    }
    for_each(exec_, minus_wt_.extents(), MinusTransposed{w(), minus_wt_.view()});
    fill_zero(exec_, wtx_.view());
    subtract_product(exec_, minus_wt_.view(), x_, wtx_.view(), wtx_.view());
    return weights_.products_of_columns();
  }

  Exec& exec_;
  Matrix<const float> x_;
  Matrix<float> h_;
  Weights weights_;
  Array<float, 2> minus_wt_, wtx_;
  Array<double, 1> violations_;
};

/// Rounds of Weights or Factors until the rule says that it is enough.
template <class Rounds>
NmfOutcome by_descent(Rounds& rounds, index_t max_iter, double tol) {
  double first = 0;
  for (index_t round = 1; round <= max_iter; ++round) {
    rounds.descend();
    const double violation = rounds.violation();
    if (round == 1) first = violation;
    if (violation <= tol * first) return {round, true};
  }
  return {max_iter, false};
}
template <class Rounds>
NmfOutcome by_multiplication(Rounds& rounds, index_t max_iter, double tol, double squares) {
  constexpr index_t kRoundsBetween = 10;
  const double first = rounds.distance(squares);
  double before = first;
  for (index_t round = 1; round <= max_iter; ++round) {
    rounds.multiply();
    if (round % kRoundsBetween != 0) continue;
    const double now = rounds.distance(squares);
    if (before - now < tol * first) return {round, true};
    before = now;
  }
  return {max_iter, false};
}

template <class Rounds>
NmfOutcome improve(Rounds& rounds, NmfSolver solver, index_t max_iter, double tol, double squares) {
  return solver == NmfSolver::cd ? by_descent(rounds, max_iter, tol)
                                 : by_multiplication(rounds, max_iter, tol, squares);
}

/// The sum of squares of a matrix that has nothing but finite numbers of at least 0.
double checked_squares(Exec& exec, const char* what, const char* which, const Matrix<const float>& x) {
  Array<double, 2> sums(exec, {x.extent(0), chunks_of(x.extent(1))});
  for_each(exec, sums.extents(), SquaresOrNan{x, sums.view()});
  const double squares = sum(exec, flattened(std::as_const(sums).view()));
  require(std::isfinite(squares), what, ": ", which,
          " holds negative numbers, NaN or infinity: mask them or set them to 0 first");
  return squares;
}

void check_rule(const char* what, index_t max_iter, double tol) {
  require(tol >= 0, what, ": tol is ", tol, "; it must be >= 0");
  require(max_iter >= 1, what, ": max_iter is ", max_iter, "; it must be at least 1");
}

void check_frames(const char* what, const Matrix<const float>& x) {
  require(x.size() > 0 && x.stride(1) == 1, what, ": x is (", x.extent(0), ", ", x.extent(1),
          ") or its rows have gaps");
}

}  // namespace

NmfOutcome nmf(Exec& exec, Matrix<const float> x, const NmfOptions& options, Matrix<float> w, Matrix<float> h) {
  const index_t rows = x.extent(0), pixels = x.extent(1), components = w.extent(1);
  check_frames("nmf", x);
  require(components >= 1 && components <= rows, "nmf: ncomp is ", components, " for ", rows,
          " frames; it must be 1 .. ", rows);
  require(w.extents() == Extents<2>{rows, components} && h.extents() == Extents<2>{components, pixels} &&
              w.is_dense() && h.is_dense(),
          "nmf: the factors are not (", rows, ", k) and (k, ", pixels, ")");
  check_rule("nmf", options.max_iter, options.tol);
  const double squares = checked_squares(exec, "nmf", "the matrix", x);

  Factors factors(exec, x, h);
  nmf_start(exec, x, options.start, options.seed, factors.w(), h);
  const NmfOutcome outcome = improve(factors, options.solver, options.max_iter, options.tol, squares);
  for_each(exec, w.extents(), ToFloat{factors.w(), w});
  return outcome;
}

NmfOutcome nmf_weights(Exec& exec, Matrix<const float> x, Matrix<const float> h, const NmfWeightsOptions& options,
                       Matrix<float> w) {
  const index_t rows = x.extent(0), pixels = x.extent(1), components = h.extent(0);
  check_frames("nmf_weights", x);
  require(components >= 1 && h.extent(1) == pixels && h.is_dense() && w.extents() == Extents<2>{rows, components} &&
              w.is_dense(),
          "nmf_weights: components and weights are not (k, ", pixels, ") and (", rows, ", k), dense");
  check_rule("nmf_weights", options.max_iter, options.tol);
  const double squares = checked_squares(exec, "nmf_weights", "the matrix", x);
  checked_squares(exec, "nmf_weights", "a component", h);

  Weights weights(exec, x, h);
  if (options.solver == NmfSolver::cd)
    fill_zero(exec, weights.w());
  else
    for_each(exec, w.extents(), SetTo{std::sqrt(mean_of(exec, x) / static_cast<double>(components)), weights.w()});
  weights.products_with_h();
  const NmfOutcome outcome = improve(weights, options.solver, options.max_iter, options.tol, squares);
  for_each(exec, w.extents(), ToFloat{weights.w(), w});
  return outcome;
}

}  // namespace hci
