// SPDX-License-Identifier: MIT
// Rotation by three shears: the frame of mind is in shears.hpp. Here for a tile of frames at a time
// with batched transforms, on either device.
#include <algorithm>
#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/core/scratch.hpp"
#include "kernels/core/team.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/geometry/rotate_plan.hpp"
#include "kernels/geometry/shears.hpp"
#include "kernels/image/fft.hpp"

namespace hci {
namespace {

// Bytes: each of the steps below reads and writes all it works on, in double. With N' = 2 (N / 2) + 1 rows
// and transforms of length M, a number of the rows counts 8 N' M bytes and of the columns 8 M M: 16 passes
// over the former and 7 over the latter a frame. N = 210 has M = 842: 63 MB, 31 GB for (489, 210, 210).
// Flops: 2 (2 N' + M) real transforms, 2.5 M log2 M each, (2 N' + M) M / 2 phases of about 60, and N' M sines of
// about 30 (ColumnsToRows): 89 MFLOP a frame, 44 GFLOP for the cube. M is VIP's and may have large prime factors
// (842 = 2 x 421): the transforms then cost a few times that. Floor for (489, 210, 210): 7.2 ms by memory on an H200
// (4.3 TB/s; arithmetic 1.3 ms at 34 TFLOP/s in double), 156 ms by arithmetic on a GTX 1080 (0.28 TFLOP/s in double;
// memory 96 ms at 320 GB/s).
// Shape: one functor a number, 32 x 8 neighbours a block, since nothing is used twice: the transforms lie
// between; a team a frame adds up M sines. Only RowsToColumns and ColumnsToRows read across the rows. A tile of 256
// MiB, 18 frames of 210 px, has 15,000 transforms of a batch, more than a device runs at a time. Registers:
// bench/results/ptxas-sm_90.md (no spills; the stack is sin's and cos's, for huge arguments). Not measured on a GPU.

HCI_HD Complex phase(double turns) {
  const double angle = -2 * M_PI * turns;
  return {cos(angle), sin(angle)};
}

/// rows (t, r, j) = the frame turned by quarters, row offset r - reach, column offset(j).
struct LoadRows {
  Cube<const float> in;
  Vector<const Shears> shears;
  float mask_value;
  ShearGrid grid;
  Cube<double> rows;

  HCI_HD void operator()(index_t t, index_t r, index_t j) const {
    rows(t, r, j) = turned_pixel(frame_of(in, t), shears(t).quarters, mask_value, r - grid.reach, grid.offset(j));
  }
};

/// Coefficient f of a line of `length` pixels that moves by `shift`, divided by the length; of the one in the middle
/// what stays real.
HCI_HD Complex sheared(Complex x, index_t f, index_t length, double shift) {
  const double m = double(length);
  if (2 * f >= length) return {x.re * cos(M_PI * shift) / m, 0};
  const Complex turned = x * phase(double(f) / m * shift);
  return {turned.re / m, turned.im / m};
}

/// First shear: spectra (t, r, f); the imaginary part of frequency M / 2 goes to q (t, index of y).
struct ShearRowsFirst {
  Cube<Complex> spectra;
  Vector<const Shears> shears;
  ShearGrid grid;
  Matrix<double> q;

  HCI_HD void operator()(index_t t, index_t r, index_t f) const {
    const double shift = shears(t).of_row(r - grid.reach);
    Complex& x = spectra(t, r, f);
    if (2 * f >= grid.length) q(t, grid.index(r - grid.reach)) = x.re * sin(M_PI * shift) / double(grid.length);
    x = sheared(x, f, grid.length, shift);
  }
};

/// columns (t, j, index of y) = rows (t, r, j), zero where there is no row.
struct RowsToColumns {
  Cube<const double> rows;
  ShearGrid grid;
  Cube<double> columns;

  HCI_HD void operator()(index_t t, index_t j, index_t i) const {
    const index_t r = grid.offset(i) + grid.reach;
    columns(t, j, i) = r >= 0 && r < grid.rows() ? rows(t, r, j) : 0.0;
  }
};

/// Second shear: spectra (t, j, f); coefficient M / 2 of each column is kept in middle (t, j).
struct ShearColumns {
  Cube<Complex> spectra;
  Vector<const Shears> shears;
  ShearGrid grid;
  Matrix<double> middle;

  HCI_HD void operator()(index_t t, index_t j, index_t f) const {
    const double shift = shears(t).of_column(grid.offset(j));
    Complex& x = spectra(t, j, f);
    if (2 * f >= grid.length) middle(t, j) = x.re;
    x = sheared(x, f, grid.length, shift);
  }
};

/// c, kept as nyquist (t, 1): a team a frame, of 128 threads on CUDA, adds up M sines, some 7 each for N = 210.
struct SumOfMiddle {
  Vector<const Shears> shears;
  Matrix<const double> middle;
  ShearGrid grid;
  Matrix<double> nyquist;

  template <class Team>
  HCI_HD void operator()(const Team& team, index_t t, double* /*scratch*/) const {
    double c = 0;
    for (index_t j = team.rank(); j < grid.length; j += team.size())
      c += alternate(j) * sin(M_PI * shears(t).of_column(grid.offset(j))) * middle(t, j);
    c = team.sum(c);
    if (team.rank() == 0) nyquist(t, 1) = c / double(grid.length);
  }
};

/// The spectrum of q becomes that of u; its coefficient M / 2, Nq, is kept as nyquist (t, 0).
struct ShearQ {
  Matrix<Complex> spectra;
  Vector<const Shears> shears;
  ShearGrid grid;
  Matrix<double> nyquist;

  HCI_HD void operator()(index_t t, index_t f) const {
    const double m = double(grid.length);
    const Complex x = spectra(t, f);
    const Complex sum = sum_of_phases(grid, shears(t).b, f) * phase(double(f) / m * shears(t).column_shift);
    if (2 * f < grid.length) {
      const Complex turned = x * sum;
      spectra(t, f) = {turned.re / m, turned.im / m};
      return;
    }
    spectra(t, f) = {x.re * sum.re / m, 0};
    nyquist(t, 0) = x.re;
  }
};

/// rows (t, r, j) of the third shear, from the columns of the second.
struct ColumnsToRows {
  Cube<const double> columns;
  Vector<const Shears> shears;
  Matrix<const double> nyquist;
  ShearGrid grid;
  Cube<double> rows;

  HCI_HD void operator()(index_t t, index_t r, index_t j) const {
    const index_t dy = r - grid.reach, dx = grid.offset(j);
    const double back = alternate(dy) * alternate(dx) * sin(M_PI * shears(t).of_column(dx)) * nyquist(t, 0);
    rows(t, r, j) = columns(t, j, grid.index(dy)) - back / double(grid.length);
  }
};

/// Third shear: spectra (t, r, f).
struct ShearRowsLast {
  Cube<Complex> spectra;
  Vector<const Shears> shears;
  Matrix<const double> u, nyquist;
  ShearGrid grid;

  HCI_HD void operator()(index_t t, index_t r, index_t f) const {
    const index_t dy = r - grid.reach;
    const double shift = shears(t).a * double(dy), m = double(grid.length);
    const Complex x = spectra(t, r, f);
    if (2 * f < grid.length) {
      const Complex turned = x * phase(double(f) / m * shift);
      spectra(t, r, f) = {turned.re / m, turned.im / m};
    } else {
      const double imaginary = u(t, grid.index(dy)) + alternate(dy) * nyquist(t, 1);
      spectra(t, r, f) = {(x.re * cos(M_PI * shift) - imaginary * sin(M_PI * shift)) / m, 0};
    }
  }
};

/// out (t, y, x) from the rows; holes are what they were.
struct StoreRows {
  Cube<const double> rows;
  Cube<const float> in;
  float mask_value;
  ShearGrid grid;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t dy = y - in.extent(1) / 2, dx = x - in.extent(2) / 2;
    const double value = rows(t, dy + grid.reach, grid.index(dx));
    out(t, y, x) = unless_hole(in(t, y, x), mask_value, static_cast<float>(value));
  }
};

/// The arrays of one tile of frames; rows and columns lie in the same memory.
struct Scratch {
  Array<double, 1> reals;
  Array<Complex, 1> spectra;
  Array<double, 1> rows;
  Array<double, 2> q, u, middle, nyquist;
  Array<Complex, 2> q_spectra;

  Scratch(Exec& exec, const ShearGrid& grid, index_t frames)
      : reals(exec, {frames * grid.length * grid.length}),
        spectra(exec, {frames * grid.length * (grid.length / 2 + 1)}),
        rows(exec, {frames * grid.rows() * grid.length}),
        q(exec, {frames, grid.length}),
        u(exec, {frames, grid.length}),
        middle(exec, {frames, grid.length}),
        nyquist(exec, {frames, 2}),
        q_spectra(exec, {frames, grid.length / 2 + 1}) {}
};

Matrix<double> flat(const Cube<double>& cube) {
  return {cube.data(), {cube.extent(0) * cube.extent(1), cube.extent(2)}};
}
Matrix<Complex> flat(const Cube<Complex>& cube) {
  return {cube.data(), {cube.extent(0) * cube.extent(1), cube.extent(2)}};
}

void derotate_tile(Exec& exec, Cube<const float> in, Vector<const Shears> shears, float mask_value,
                   const ShearGrid& grid, Scratch& scratch, Cube<float> out) {
  const index_t nt = in.extent(0), m = grid.length, nf = m / 2 + 1;
  const Cube<double> rows(scratch.rows.data(), {nt, grid.rows(), m}), columns(scratch.reals.data(), {nt, m, m});
  const Cube<Complex> row_spectra(scratch.spectra.data(), {nt, grid.rows(), nf});
  const Cube<Complex> column_spectra(scratch.spectra.data(), {nt, m, nf});
  const Matrix<double> q(scratch.q.data(), {nt, m}), u(scratch.u.data(), {nt, m});
  const Matrix<double> middle(scratch.middle.data(), {nt, m}), nyquist(scratch.nyquist.data(), {nt, 2});
  const Matrix<Complex> q_spectra(scratch.q_spectra.data(), {nt, nf});

  for_each(exec, rows.extents(), LoadRows{in, shears, mask_value, grid, rows});
  fft_rows(exec, flat(rows), flat(row_spectra));
  fill_zero(exec, q);
  for_each(exec, row_spectra.extents(), ShearRowsFirst{row_spectra, shears, grid, q});
  inverse_fft_rows(exec, flat(row_spectra), flat(rows));

  for_each(exec, columns.extents(), RowsToColumns{rows, grid, columns});
  fft_rows(exec, flat(columns), flat(column_spectra));
  for_each(exec, column_spectra.extents(), ShearColumns{column_spectra, shears, grid, middle});
  inverse_fft_rows(exec, flat(column_spectra), flat(columns));

  fft_rows(exec, q, q_spectra);
  for_each_team(exec, nt, 0, SumOfMiddle{shears, middle, grid, nyquist});
  for_each(exec, q_spectra.extents(), ShearQ{q_spectra, shears, grid, nyquist});
  inverse_fft_rows(exec, q_spectra, u);

  for_each(exec, rows.extents(), ColumnsToRows{columns, shears, nyquist, grid, rows});
  fft_rows(exec, flat(rows), flat(row_spectra));
  for_each(exec, row_spectra.extents(), ShearRowsLast{row_spectra, shears, u, nyquist, grid});
  inverse_fft_rows(exec, flat(row_spectra), flat(rows));
  for_each(exec, out.extents(), StoreRows{rows, in, mask_value, grid, out});
}

/// Bytes that the scratch of a tile may take where one frame takes less.
constexpr index_t kScratchBytes = index_t{256} << 20;

}  // namespace

Shears shears_of(double angle, double y, double x) {
  double turn = std::fmod(-angle, 360.0);  // VIP's frame_rotate(frame, -angle)
  if (turn < 0) turn += 360;
  const double quarters = std::max(0.0, std::ceil((turn - 45) / 90));
  const double rest = (turn - 90 * quarters) * (M_PI / 180);
  Shears shears{static_cast<int>(quarters) % 4, std::tan(rest / 2), -std::sin(rest)};
  if (y == 0 && x == 0) return shears;
  // Where the shears alone take the point from, in the frame turned by quarters, and where it is there.
  const double third = x - shears.a * y, from_y = y - shears.b * third, from_x = third - shears.a * from_y;
  const int q = shears.quarters;
  const double at_y = q == 0 ? y : q == 1 ? -x : q == 2 ? -y : x, at_x = q == 0 ? x : q == 1 ? y : q == 2 ? -x : -y;
  shears.column_shift = from_y - at_y;
  shears.row_shift = from_x - at_x + shears.a * shears.column_shift;
  return shears;
}

ShearGrid shear_grid(index_t ny, index_t nx) {
  const index_t n = std::max(ny, nx);
  index_t first = 3 * n / 2;
  first += first % 2 != n % 2;
  index_t second = std::llrint(double(first) * (4 / 1.5));
  second -= second % 2 != n % 2;
  return {second - second % 2, n / 2};
}

void derotate_fft(Exec& exec, Cube<const float> in, const std::vector<double>& angles, const RotateOptions& options,
                  Extents<2> unpadded, Cube<float> out) {
  const float mask_value = options.mask_value;
  ShearGrid grid = shear_grid(unpadded[0], unpadded[1]);
  grid.reach = std::max(in.extent(1), in.extent(2)) / 2;
  const double cy = frame_centre(in.extent(1)), cx = frame_centre(in.extent(2));
  const auto centre = options.centre.value_or(std::array<double, 2>{cy, cx});
  std::vector<Shears> turns;
  for (const double angle : angles) turns.push_back(shears_of(angle, centre[0] - cy, centre[1] - cx));
  if (!exec.on_cuda() && exec.tuned()) {
    derotate_fft_cpu(exec, in, turns, mask_value, grid, out);
    return;
  }
  const auto shears = to_device(exec, std::move(turns));
  const index_t frame_bytes = 2 * grid.length * (grid.length + grid.rows()) * static_cast<index_t>(sizeof(double));
  const index_t frames = std::clamp(scratch_bytes(kScratchBytes) / frame_bytes, index_t{1}, in.extent(0));
  Scratch scratch(exec, grid, frames);
  for (index_t first = 0; first < in.extent(0); first += frames) {
    const index_t count = std::min(frames, in.extent(0) - first);
    derotate_tile(exec, slice(in, first, count), slice(Vector<const Shears>(shears.view()), first, count), mask_value,
                  grid, scratch, slice(out, first, count));
  }
}

}  // namespace hci
