// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: the geometry of the rotation by three shears.
//
// A turn about another point than the frame's centre is one about that, and a move: rows all move alike in
// the first shear, columns in the second one. Below, read "a y + row_shift" and "b x + column_shift" there.
//
// All positions are offsets from the frame's centre. The frame is first turned by whole quarters,
// then sheared along x by a y, along y by b x, along x by a y again, with a = tan(d / 2),
// b = -sin(d) and |d| <= 45 degrees. Each shear multiplies the spectrum of a row (column) of even
// length M by exp(-2 pi i f shift / M). Offset 0 is at index 0 and negative ones wrap around.
//
// Frequency M / 2 is special. The reference multiplies it by exp(+i pi shift), which makes a real
// row complex, works on complex rows, and takes the real part at the end. Real rows do the same
// here: `nyquist` names what the imaginary parts give back to the real one. After the first shear
// the imaginary part is q(y) (-1)^x; so the second shear adds -(-1)^y (-1)^x sin(pi b x) Nq / M
// to the real part, Nq = sum over y of (-1)^y q(y). The third one multiplies coefficient M / 2 by
// cos(pi a y) and subtracts sin(pi a y) times sum over x of (-1)^x times the imaginary part, which
// is u(y) + (-1)^y c: u is q sheared along y by b x, summed over all x, and c the sum over x of
// (-1)^x sin(pi b x) times coefficient M / 2 of column x, divided by M.
#include <cmath>
#include <vector>

#include "kernels/core/exec.hpp"
#include "kernels/core/view.hpp"
#include "kernels/image/fft.hpp"

namespace hci {

/// One frame's turn: whole quarters counter-clockwise in row-column display, then the shears.
struct Shears {
  int quarters;
  double a, b;
  double row_shift = 0, column_shift = 0;  ///< of all rows, columns: for other centres

  /// By how much the first shear moves the row at offset dy, the second one the column at offset dx.
  HCI_HD double of_row(index_t dy) const { return a * double(dy) + row_shift; }
  HCI_HD double of_column(index_t dx) const { return b * double(dx) + column_shift; }
};
/// Of a frame to be derotated by +angle degrees about a point at (y, x) off the frame's centre.
Shears shears_of(double angle, double y, double x);

/// Sizes of the work on one frame.
struct ShearGrid {
  index_t length;  ///< M: even, about 4 times the larger side
  index_t reach;   ///< the largest offset of a pixel
  HCI_HD index_t rows() const { return 2 * reach + 1; }
  /// Offset of an index of the padded axis.
  HCI_HD index_t offset(index_t index) const { return index < length / 2 ? index : index - length; }
  HCI_HD index_t index(index_t offset) const { return offset < 0 ? offset + length : offset; }
};
/// VIP's padding: to 1.5 times the side and from there to 4 times, parity kept, made even.
ShearGrid shear_grid(index_t ny, index_t nx);

HCI_HD constexpr double alternate(index_t i) { return i % 2 == 0 ? 1.0 : -1.0; }

/// The pixel of a frame turned by quarters, at offsets (dy, dx) from the centre. What lies outside,
/// is NaN or equals the mask value is 0.
HCI_HD inline double turned_pixel(const Frame<const float>& in, int quarters, float mask_value, index_t dy,
                                  index_t dx) {
  const bool swapped = quarters % 2 == 1;
  index_t sy = swapped ? dx : dy, sx = swapped ? dy : dx;
  if (quarters == 1 || quarters == 2) sx = -sx;
  if (quarters == 2 || quarters == 3) sy = -sy;
  const index_t y = sy + in.extent(0) / 2, x = sx + in.extent(1) / 2;
  if (y < 0 || y >= in.extent(0) || x < 0 || x >= in.extent(1)) return 0;
  const float v = in(y, x);
  return v != v || v == mask_value ? 0 : double(v);
}

/// The sum of exp(-2 pi i f b x / M) over all x = -M/2 .. M/2 - 1: what summing q's shears over x
/// does to its spectrum (for f = M / 2 the real part counts).
HCI_HD inline Complex sum_of_phases(const ShearGrid& grid, double b, index_t f) {
  const double m = double(grid.length), half_step = M_PI * double(f) / m * b, sine = sin(half_step);
  const double ratio = sine == 0 ? m : sin(half_step * m) / sine;
  return {cos(half_step) * ratio, sin(half_step) * ratio};
}

/// What is at a pixel after the turn: a hole, NaN or the mask value, is what it was.
HCI_HD inline float unless_hole(float before, float mask_value, float turned) {
  return before != before || before == mask_value ? before : turned;
}

/// The CPU's tuned way, frame by frame.
void derotate_fft_cpu(Exec& exec, Cube<const float> in, const std::vector<Shears>& shears, float mask_value,
                      const ShearGrid& grid, Cube<float> out);

}  // namespace hci
