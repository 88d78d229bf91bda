// SPDX-License-Identifier: MIT
#pragma once
// Shifts and turns by Fourier transforms, written out as sums over frequencies, in double.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci::test {

using Signal = std::vector<std::complex<double>>;

/// The samples moved by `by` towards higher indices: each frequency f = -n/2 .. (n - 1)/2 by exp(-2 pi i f by / n).
inline Signal moved(const Signal& in, double by) {
  const auto n = static_cast<index_t>(in.size());
  Signal out(in.size());
  for (index_t f = -(n / 2); f < (n + 1) / 2; ++f) {
    std::complex<double> sum = 0;
    for (index_t j = 0; j < n; ++j)
      sum += in[static_cast<std::size_t>(j)] * std::polar(1.0, -2 * M_PI * double(f * j % n) / double(n));
    for (index_t i = 0; i < n; ++i)
      out[static_cast<std::size_t>(i)] +=
          sum * std::polar(1 / double(n), 2 * M_PI * (double(f * i % n) / double(n) - double(f) * by / double(n)));
  }
  return out;
}

/// One complex axis: surrounded by zeros to p pixels, transformed, the transform cropped or extended to q, back.
/// Offsets count from the middles of the axes.
inline Signal through_fourier(const Signal& in, index_t p, index_t q, index_t out_side) {
  const auto n = static_cast<index_t>(in.size());
  const index_t m = std::min(p, q);
  Signal out(static_cast<std::size_t>(out_side));
  for (index_t f = -m / 2; f < m / 2; ++f) {
    std::complex<double> sum = 0;
    for (index_t j = 0; j < n; ++j)
      sum += in[std::size_t(j)] * std::polar(1.0, -2 * M_PI * double(f * (j - n / 2 + p / 2)) / double(p));
    for (index_t i = 0; i < out_side; ++i) {
      const index_t y = i - out_side / 2 + q / 2;
      if (y >= 0 && y < q) out[std::size_t(i)] += sum * std::polar(1 / double(q), 2 * M_PI * double(f * y) / double(q));
    }
  }
  return out;
}

/// A complex frame with row and column 0 in a place of its own; indices wrap around.
struct Plane {
  index_t rows, columns;
  std::vector<Signal> row_list;

  Plane(index_t ny, index_t nx)
      : rows(ny), columns(nx), row_list(static_cast<std::size_t>(ny), Signal(static_cast<std::size_t>(nx))) {}
  std::complex<double>& at(index_t y, index_t x) {
    return row_list[static_cast<std::size_t>((y % rows + rows) % rows)]
                   [static_cast<std::size_t>((x % columns + columns) % columns)];
  }
  /// Each row by way(its index), each column.
  template <class Way>
  void move_rows(const Way& way) {
    for (index_t y = 0; y < rows; ++y) {
      Signal& row = row_list[static_cast<std::size_t>(y)];
      row = moved(row, way(y));
    }
  }
  template <class Way>
  void move_columns(const Way& way) {
    for (index_t x = 0; x < columns; ++x) {
      Signal column;
      for (index_t y = 0; y < rows; ++y) column.push_back(at(y, x));
      column = moved(column, way(x));
      for (index_t y = 0; y < rows; ++y) at(y, x) = column[static_cast<std::size_t>(y)];
    }
  }
};

}  // namespace hci::test
