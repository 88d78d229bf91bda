// SPDX-License-Identifier: MIT
#pragma once
// Interpolation written from its definitions, in double: no tables, no recursions, no tap windows.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/geometry/rotate.hpp"

namespace hci::test {

/// Pixel i of n continued beyond the edges, spelt out as sequences; -1 for none.
inline index_t continued(index_t i, index_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::constant) return -1;
  if (border == Border::edge) return std::clamp(i, index_t{0}, n - 1);
  std::vector<index_t> period;
  for (index_t k = 0; k < n; ++k) period.push_back(k);
  if (border == Border::symmetric)
    for (index_t k = n - 1; k >= 0; --k) period.push_back(k);
  if (border == Border::reflect)
    for (index_t k = n - 2; k > 0; --k) period.push_back(k);
  const auto length = static_cast<index_t>(period.size());
  return period[static_cast<std::size_t>(((i % length) + length) % length)];
}

/// The centred B-spline of an order by its sum of truncated powers.
inline double b_spline(int order, double x) {
  double sum = 0, choose = 1, factorial = 1;
  for (int k = 1; k <= order; ++k) factorial *= k;
  for (int k = 0; k <= order + 1; ++k) {
    const double d = x + 0.5 * (order + 1) - k;
    if (d > 0) sum += (k % 2 == 0 ? 1 : -1) * choose * std::pow(d, order);
    choose = choose * (order + 1 - k) / (k + 1);
  }
  return sum / factorial;
}

/// How many times larger than the pixels a line's coefficients can be: the filter that makes them alternates in sign,
/// so that pixels which do so, too, are the worst, whose spline's value is this part of its coefficient.
inline double spline_gain(int order) {
  double alternating = 0;
  for (int k = -order; k <= order; ++k) alternating += (k % 2 == 0 ? 1 : -1) * b_spline(order, double(k));
  return 1 / alternating;
}

/// Kernel value of the other methods at a distance.
inline double kernel(Rotation method, double d) {
  d = std::abs(d);
  if (method == Rotation::bilinear) return std::max(0.0, 1 - d);
  if (method == Rotation::bicubic || method == Rotation::catmull_rom) {
    const double a = method == Rotation::bicubic ? -0.75 : -0.5;
    if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
    return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0.0;
  }
  if (const int order = spline_order(method); order > 0) return b_spline(order, d);
  if (d == 0) return 1;
  return d < 4 ? std::sin(M_PI * d) / (M_PI * d) * std::sin(M_PI * d / 4) / (M_PI * d / 4) : 0.0;
}

/// A frame as the reference reads it, in double, with `margin` pixels of its continuation.
struct ReferenceFrame {
  index_t ny = 0, nx = 0, margin = 0;
  std::vector<double> values;
  double& at(index_t y, index_t x) {
    return values[static_cast<std::size_t>((y + margin) * (nx + 2 * margin) + x + margin)];
  }
  double at(index_t y, index_t x) const { return const_cast<ReferenceFrame*>(this)->at(y, x); }
};

/// Solves A x = b for several b at once (rows of `right` are the b), by elimination with pivots.
inline void solve(std::vector<std::vector<double>> a, std::vector<std::vector<double>>& right) {
  const std::size_t n = a.size();
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < n; ++r)
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    std::swap(a[i], a[pivot]);
    for (auto& b : right) std::swap(b[i], b[pivot]);
    for (std::size_t r = i + 1; r < n; ++r) {
      const double f = a[r][i] / a[i][i];
      if (f == 0) continue;
      for (std::size_t c = i; c < n; ++c) a[r][c] -= f * a[i][c];
      for (auto& b : right) b[r] -= f * b[i];
    }
  }
  for (auto& b : right)
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t c = i + 1; c < n; ++c) b[i] -= a[i][c] * b[c];
      b[i] /= a[i][i];
    }
}

/// The equations "the spline goes through the pixels" of a line of n.
inline std::vector<std::vector<double>> spline_matrix(int order, index_t n, Border border) {
  std::vector<std::vector<double>> a(static_cast<std::size_t>(n), std::vector<double>(static_cast<std::size_t>(n), 0));
  for (index_t i = 0; i < n; ++i)
    for (index_t k = -order; k <= order; ++k)
      if (const index_t j = continued(i + k, n, border); j >= 0)
        a[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] += b_spline(order, double(k));
  return a;
}

/// The frame, or for splines its coefficients. Constant and edge borders are continued for 40 pixels,
/// beyond which coefficients (0.43^40 = 2e-15 of a step) are level.
inline ReferenceFrame reference_frame(const Frame<const float>& in, Rotation method, Border border) {
  const int order = spline_order(method);
  const bool padded = order > 0 && (border == Border::constant || border == Border::edge);
  ReferenceFrame frame{in.extent(0), in.extent(1), padded ? 40 : 0, {}};
  const index_t ny = frame.ny + 2 * frame.margin, nx = frame.nx + 2 * frame.margin;
  frame.values.resize(static_cast<std::size_t>(ny * nx));
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(ny));
  for (index_t y = 0; y < ny; ++y)
    for (index_t x = 0; x < nx; ++x) {
      const index_t sy = continued(y - frame.margin, in.extent(0), border);
      const index_t sx = continued(x - frame.margin, in.extent(1), border);
      rows[static_cast<std::size_t>(y)].push_back(sy < 0 || sx < 0 ? 0.0 : double(in(sy, sx)));
    }
  if (order > 0) {
    const Border ends = padded ? Border::edge : border;
    solve(spline_matrix(order, nx, ends), rows);
    std::vector<std::vector<double>> columns(static_cast<std::size_t>(nx));
    for (std::size_t x = 0; x < columns.size(); ++x)
      for (const auto& row : rows) columns[x].push_back(row[x]);
    solve(spline_matrix(order, ny, ends), columns);
    for (std::size_t x = 0; x < columns.size(); ++x)
      for (std::size_t y = 0; y < rows.size(); ++y) rows[y][x] = columns[x][y];
  }
  auto to = frame.values.begin();
  for (const auto& row : rows) to = std::copy(row.begin(), row.end(), to);
  return frame;
}

/// The value at a position: kernel times pixel for each one within reach, renormalised.
inline double reference_value(const ReferenceFrame& in, Rotation method, Border border, double y, double x) {
  if (method == Rotation::nearest) y = std::rint(y), x = std::rint(x);
  const double reach = method == Rotation::nearest ? 0 : 4;
  const auto from_y = static_cast<index_t>(std::ceil(y - reach)), from_x = static_cast<index_t>(std::ceil(x - reach));
  const auto weights = [=](double place, index_t from) {
    std::vector<double> w;
    for (index_t i = from; double(i) <= place + reach; ++i)
      w.push_back(method == Rotation::nearest ? 1.0 : kernel(method, double(i) - place));
    return w;
  };
  const auto weights_y = weights(y, from_y), weights_x = weights(x, from_x);
  double sum = 0, weight_y = 0, weight_x = 0;
  for (const double w : weights_y) weight_y += w;
  for (const double w : weights_x) weight_x += w;
  for (std::size_t j = 0; j < weights_y.size(); ++j)
    for (std::size_t i = 0; i < weights_x.size(); ++i) {
      if (weights_y[j] == 0 || weights_x[i] == 0) continue;
      const index_t sy = continued(from_y + index_t(j) + in.margin, in.ny + 2 * in.margin, border);
      const index_t sx = continued(from_x + index_t(i) + in.margin, in.nx + 2 * in.margin, border);
      if (sy >= 0 && sx >= 0) sum += weights_y[j] * weights_x[i] * in.at(sy - in.margin, sx - in.margin);
    }
  return sum / (weight_y * weight_x);
}

/// Places along an axis that a warp may take for a position: lanczos4 those of its grid of 1/32 px, to which it comes
/// by way of two parts that are rounded to 1/1024 px; nearest a whole pixel. Two where such rounding decides.
inline std::vector<double> places_for(Rotation method, double position) {
  const bool lanczos = method == Rotation::lanczos4;
  if (!lanczos && method != Rotation::nearest) return {position};
  const double steps = lanczos ? 32 : 1, slack = lanczos ? 32.0 / 1024 + 1e-9 : 1e-9;
  const double low = std::floor(position * steps + 0.5 - slack) / steps,
               high = std::floor(position * steps + 0.5 + slack) / steps;
  return low == high ? std::vector<double>{low} : std::vector<double>{low, high};
}

/// |got - factor x the value at a position|, the least of those that a warp may take for it.
inline double warp_error(float got, const ReferenceFrame& in, Rotation method, Border border, double y, double x,
                         double factor = 1) {
  double least = INFINITY;
  for (const double sy : places_for(method, y))
    for (const double sx : places_for(method, x))
      least = std::min(least, std::abs(double(got) - factor * reference_value(in, method, border, sy, sx)));
  return least;
}

}  // namespace hci::test
