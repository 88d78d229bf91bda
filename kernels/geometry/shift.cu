// SPDX-License-Identifier: MIT
#include "kernels/geometry/shift.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>

#include "kernels/core/copy.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/image/fft2.hpp"

namespace hci {
namespace {

/// A complex number as device code can write it; the layout of std::complex<double>.
struct Complex {
  double real, imaginary;
};

/// A frame of the batch: which one it is and how far it moves.
struct Moved {
  index_t frame;
  Shift by;
};

/// Frame in the middle of zeros.
struct Surround {
  Cube<const float> in;
  Vector<const Moved> moved;
  index_t margin;
  Cube<Complex> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    const index_t from_y = y - margin, from_x = x - margin;
    const bool inside = from_y >= 0 && from_y < in.extent(1) && from_x >= 0 && from_x < in.extent(2);
    out(t, y, x) = {inside ? in(moved(t).frame, from_y, from_x) : 0.0, 0.0};
  }
};

/// Multiplies each coefficient by exp(-2 pi i (v dy + u dx) / n); frequencies from n / 2 on are
/// negative.
struct Tilt {
  Vector<const Moved> moved;
  double turn;  // -2 pi / n
  Cube<Complex> spectrum;

  HCI_HD void operator()(index_t t, index_t v, index_t u) const {
    const index_t n = spectrum.extent(2);
    const auto fv = static_cast<double>(v < n / 2 ? v : v - n), fu = static_cast<double>(u < n / 2 ? u : u - n);
    const double angle = turn * (fv * moved(t).by.dy + fu * moved(t).by.dx);
    const double c = std::cos(angle), s = std::sin(angle);
    const Complex z = spectrum(t, v, u);
    spectrum(t, v, u) = {z.real * c - z.imaginary * s, z.real * s + z.imaginary * c};
  }
};

struct TakeOut {
  Cube<const Complex> in;
  Vector<const Moved> moved;
  index_t margin;
  double scale;
  Cube<float> out;

  HCI_HD void operator()(index_t t, index_t y, index_t x) const {
    out(moved(t).frame, y, x) = static_cast<float>(scale * in(t, y + margin, x + margin).real);
  }
};

void shift_alike(Exec& exec, Cube<const float> in, const std::vector<Moved>& moved, index_t margin, index_t side,
                 Cube<float> out) {
  const auto count = static_cast<index_t>(moved.size());
  const auto list = to_device(exec, moved);
  Array<std::complex<double>, 3> work(exec, {count, side, side});
  const Cube<Complex> pixels(reinterpret_cast<Complex*>(work.data()), work.extents());
  const double n = static_cast<double>(side);
  for_each(exec, work.extents(), Surround{in, list.view(), margin, pixels});
  fft2(exec, std::as_const(work).view(), work.view(), FftDirection::forward);
  for_each(exec, work.extents(), Tilt{list.view(), -2 * std::numbers::pi / n, pixels});
  fft2(exec, std::as_const(work).view(), work.view(), FftDirection::backward);
  for_each(exec, Extents<3>{count, in.extent(1), in.extent(2)},
           TakeOut{Cube<const Complex>(pixels), list.view(), margin, 1 / (n * n), out});
}

}  // namespace

void shift(Exec& exec, Cube<const float> in, const std::vector<Shift>& shifts, Cube<float> out) {
  require(in.extents() == out.extents(), "shift: in and out differ in shape");
  require(static_cast<index_t>(shifts.size()) == in.extent(0), "shift: ", shifts.size(), " shifts for ", in.extent(0),
          " frames");
  // Frames with the same padding are transformed together, no more at once than this many bytes.
  constexpr index_t budget = index_t{256} << 20;
  std::map<index_t, std::vector<Moved>> by_margin;
  for (index_t t = 0; t < in.extent(0); ++t) {
    const Shift by = shifts[static_cast<std::size_t>(t)];
    const double most = std::max(std::fabs(by.dy), std::fabs(by.dx));
    require(std::isfinite(by.dy) && std::isfinite(by.dx) && most <= static_cast<double>(in.extent(1) + in.extent(2)),
            "shift: frame ", t, " is to move by (", by.dy, ", ", by.dx, ") px, further than the frame is wide");
    by_margin[static_cast<index_t>(std::ceil(most))].push_back({t, by});
  }
  for (const auto& [margin, frames] : by_margin) {
    const index_t longest = std::max(in.extent(1), in.extent(2)) + 2 * margin, side = longest + longest % 2;
    const auto at_once =
        static_cast<std::size_t>(std::max<index_t>(1, budget / (side * side * index_t{sizeof(Complex)})));
    for (std::size_t first = 0; first < frames.size(); first += at_once) {
      const auto last = std::min(first + at_once, frames.size());
      shift_alike(
          exec, in,
          {frames.begin() + static_cast<std::ptrdiff_t>(first), frames.begin() + static_cast<std::ptrdiff_t>(last)},
          margin, side, out);
    }
  }
}

}  // namespace hci
