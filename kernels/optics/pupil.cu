// SPDX-License-Identifier: MIT
#include "kernels/optics/pupil.hpp"

#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"

// Floors, for 100 fields of 200 x 200 points (4 M, 32 MB); single maps stay in the cache. All are bound by memory on an
// H200 (4.3 TB/s) and on a GTX 1080 (0.32 TB/s). A sine and a cosine in float are some 40 flops, 0.16 GFLOP: 2.4 us (67
// TFLOP/s) and 18 us (8.9 TFLOP/s). Blocks are those of for_each, 32 x 8 points of a field: a warp reads and writes
// runs of 256 bytes, and points share no more than the maps, which come from L2:
//   pupil_fields          8 bytes a point written, 2 read (a map serves four): 9 us, 0.13 ms
//   blend_maps            24 bytes a point of one map: 0.2 us, 3 us
//   tilt_fields           16 bytes: 15 us, 0.2 ms; 10 flops in double: 1.2 us, 0.14 ms (34 and 0.28 TFLOP/s)
//   remove_coherent_part  24 bytes (read for the sums, then read and written): 22 us, 0.3 ms; 6 flops in double. A
//                         thread sums a row: 20,000 of them, which do not fill an H200; its lane reads a line
//                         of its own, 16 points long, which stays in L1 meanwhile
//   mask_fields           16 bytes: 15 us, 0.2 ms
//   subtract_fields       24 bytes: 22 us, 0.3 ms
//   add_intensity         8 bytes: 7.4 us, 0.1 ms; 4 flops in double

namespace hci {
namespace {

using Complex = std::complex<float>;
constexpr double kTwoPi = 6.283185307179586;

struct PupilFields {
  Frame<const float> aperture;
  Frame<const Complex> instrument;
  Cube<const Complex> turbulence;
  float phase_per_nm;
  Cube<Complex> fields;

  HCI_HD void operator()(index_t e, index_t y, index_t x) const {
    const float a = aperture(y, x);
    if (a == 0) {
      fields(e, y, x) = {0, 0};
      return;
    }
    const Complex maps = turbulence(e / 4, y, x), bench = instrument(y, x);
    const float air = e % 4 < 2 ? maps.real() : maps.imag();
    const float phase = phase_per_nm * ((e % 2 == 0 ? air : -air) + bench.real());
    const float amplitude = a * (1 + bench.imag());
    fields(e, y, x) = {amplitude * std::cos(phase), amplitude * std::sin(phase)};
  }
};

struct BlendMaps {
  Frame<const Complex> fixed, evolving;
  float of_fixed, of_evolving, imaginary_scale;
  Frame<Complex> out;

  HCI_HD void operator()(index_t y, index_t x) const {
    const Complex f = fixed(y, x), e = evolving(y, x);
    out(y, x) = {of_fixed * f.real() + of_evolving * e.real(),
                 imaginary_scale * (of_fixed * f.imag() + of_evolving * e.imag())};
  }
};

struct TiltFields {
  Cube<const Complex> in;
  Vector<const std::array<double, 2>> tilts;
  double step_y, step_x;  // of a pixel, in sides: a division in double would cost as much as all the rest
  Cube<Complex> out;

  HCI_HD void operator()(index_t e, index_t y, index_t x) const {
    const double* tilt = tilts(e).data();
    const double turns = tilt[0] * ((static_cast<double>(y) + 0.5) * step_y - 0.5) +
                         tilt[1] * ((static_cast<double>(x) + 0.5) * step_x - 0.5);
    // Whole turns go in double; what is left is exact enough in float.
    const auto phase = static_cast<float>(kTwoPi * (turns - std::floor(turns)));
    const float c = std::cos(phase), s = std::sin(phase);
    const Complex f = in(e, y, x);
    out(e, y, x) = {f.real() * c - f.imag() * s, f.real() * s + f.imag() * c};
  }
};

/// sums(e, y) = sum over x of aperture * field, and aperture^2 beside it in the last entry.
struct RowSums {
  Frame<const float> aperture;
  Cube<const Complex> fields;
  View<double, 3> sums;  // (e, y, {real, imaginary, power})

  HCI_HD void operator()(index_t e, index_t y) const {
    double real = 0, imag = 0, power = 0;
    for (index_t x = 0; x < aperture.extent(1); ++x) {
      const double a = aperture(y, x);
      real += a * static_cast<double>(fields(e, y, x).real());
      imag += a * static_cast<double>(fields(e, y, x).imag());
      power += a * a;
    }
    sums(e, y, 0) = real;
    sums(e, y, 1) = imag;
    sums(e, y, 2) = power;
  }
};

/// The mean of each field, weighted by the aperture, from its rows.
struct Means {
  View<const double, 3> sums;
  Vector<Complex> means;

  HCI_HD void operator()(index_t e) const {
    double real = 0, imag = 0, power = 0;
    for (index_t y = 0; y < sums.extent(1); ++y) {
      real += sums(e, y, 0);
      imag += sums(e, y, 1);
      power += sums(e, y, 2);
    }
    means(e) = power > 0 ? Complex(static_cast<float>(real / power), static_cast<float>(imag / power)) : Complex(0, 0);
  }
};

struct SubtractMeans {
  Frame<const float> aperture;
  Vector<const Complex> means;
  float removed;
  Cube<Complex> fields;

  HCI_HD void operator()(index_t e, index_t y, index_t x) const {
    const float a = removed * aperture(y, x);
    const Complex f = fields(e, y, x), mean = means(e);
    fields(e, y, x) = {f.real() - a * mean.real(), f.imag() - a * mean.imag()};
  }
};

struct MaskFields {
  Frame<const float> mask;
  Cube<Complex> fields;
  HCI_HD void operator()(index_t e, index_t y, index_t x) const {
    const Complex f = fields(e, y, x);
    fields(e, y, x) = {mask(y, x) * f.real(), mask(y, x) * f.imag()};
  }
};

struct SubtractFields {
  Cube<const Complex> other;
  Cube<Complex> fields;
  HCI_HD void operator()(index_t e, index_t y, index_t x) const {
    const Complex f = fields(e, y, x), o = other(e, y, x);
    fields(e, y, x) = {f.real() - o.real(), f.imag() - o.imag()};
  }
};

struct AddIntensity {
  Cube<const Complex> fields;
  double scale;
  Frame<float> sum;
  HCI_HD void operator()(index_t y, index_t x) const {
    double total = 0;
    for (index_t e = 0; e < fields.extent(0); ++e) {
      const double real = fields(e, y, x).real(), imag = fields(e, y, x).imag();
      total += real * real + imag * imag;
    }
    sum(y, x) += static_cast<float>(scale * total);
  }
};

/// Of one of the fields; there may be none.
Extents<2> frame_of_fields(const Cube<const Complex>& fields) { return {fields.extent(1), fields.extent(2)}; }

}  // namespace

void pupil_fields(Exec& exec, Frame<const float> aperture, Frame<const Complex> instrument,
                  Cube<const Complex> turbulence, double wavelength_nm, Cube<Complex> fields) {
  require(aperture.extents() == frame_of_fields(fields), "pupil_fields: aperture and fields differ in shape");
  for (int axis = 0; axis < 2; ++axis)
    require(instrument.extent(axis) >= aperture.extent(axis) && turbulence.extent(axis + 1) >= aperture.extent(axis),
            "pupil_fields: the maps are smaller than the aperture");
  require(4 * turbulence.extent(0) >= fields.extent(0), "pupil_fields: ", turbulence.extent(0), " turbulence maps for ",
          fields.extent(0), " exposures: each serves four");
  require(wavelength_nm > 0, "pupil_fields: wavelength of ", wavelength_nm, " nm");
  for_each(exec, fields.extents(),
           PupilFields{aperture, instrument, turbulence, static_cast<float>(kTwoPi / wavelength_nm), fields});
}

void blend_maps(Exec& exec, Frame<const Complex> fixed, double of_fixed, Frame<const Complex> evolving,
                double of_evolving, double imaginary_scale, Frame<Complex> out) {
  require(fixed.extents() == out.extents() && evolving.extents() == out.extents(),
          "blend_maps: the maps differ in shape");
  for_each(exec, out.extents(),
           BlendMaps{fixed, evolving, static_cast<float>(of_fixed), static_cast<float>(of_evolving),
                     static_cast<float>(imaginary_scale), out});
}

void tilt_fields(Exec& exec, Cube<const Complex> in, const std::vector<std::array<double, 2>>& tilts,
                 Cube<Complex> out) {
  require(in.extents() == out.extents(), "tilt_fields: in and out differ in shape");
  require(static_cast<index_t>(tilts.size()) == in.extent(0), "tilt_fields: ", tilts.size(), " tilts for ",
          in.extent(0), " fields");
  const auto device_tilts = to_device(exec, tilts);
  const double step_y = 1 / static_cast<double>(in.extent(1)), step_x = 1 / static_cast<double>(in.extent(2));
  for_each(exec, out.extents(), TiltFields{in, device_tilts.view(), step_y, step_x, out});
}

void remove_coherent_part(Exec& exec, Frame<const float> aperture, double leak, Cube<Complex> fields) {
  require(aperture.extents() == frame_of_fields(fields), "remove_coherent_part: aperture and fields differ in shape");
  require(leak >= 0 && leak <= 1, "remove_coherent_part: leak is ", leak, ", not within 0 .. 1");
  Array<double, 3> sums(exec, {fields.extent(0), fields.extent(1), 3});
  Array<Complex, 1> means(exec, Extents<1>{fields.extent(0)});
  for_each(exec, Extents<2>{fields.extent(0), fields.extent(1)}, RowSums{aperture, fields, sums.view()});
  for_each(exec, means.extents(), Means{sums.view(), means.view()});
  for_each(exec, fields.extents(), SubtractMeans{aperture, means.view(), static_cast<float>(1 - leak), fields});
}

void mask_fields(Exec& exec, Frame<const float> mask, Cube<Complex> fields) {
  require(mask.extents() == frame_of_fields(fields), "mask_fields: mask and fields differ in shape");
  for_each(exec, fields.extents(), MaskFields{mask, fields});
}

void subtract_fields(Exec& exec, Cube<const Complex> other, Cube<Complex> fields) {
  require(other.extents() == fields.extents(), "subtract_fields: the fields differ in shape");
  for_each(exec, fields.extents(), SubtractFields{other, fields});
}

void add_intensity(Exec& exec, Cube<const Complex> fields, double scale, Frame<float> sum) {
  require(frame_of_fields(fields) == sum.extents(), "add_intensity: fields and sum differ in shape");
  for_each(exec, sum.extents(), AddIntensity{fields, scale, sum});
}

}  // namespace hci
