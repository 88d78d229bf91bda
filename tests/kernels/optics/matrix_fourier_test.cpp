// SPDX-License-Identifier: MIT
// The matrix Fourier transform against the double sum that defines it.
#include "kernels/optics/matrix_fourier.hpp"

#include <limits>
#include <vector>

#include "kernels/optics/pupil.hpp"
#include "tests/kernels/optics/fields.hpp"

namespace hci::test {
namespace {

class MatrixFourier : public OnEveryDevice {
 protected:
  Array<Complex, 3> transformed(const Array<Complex, 3>& host, const std::vector<double>& fy,
                                const std::vector<double>& py, const std::vector<double>& fx,
                                const std::vector<double>& px, double sign) {
    const auto in = to_device(exec(), host.view());
    const auto rows = fourier_matrix(exec(), fy, py, sign, 1.0), columns = fourier_matrix(exec(), fx, px, sign, 1.0);
    Array<Complex, 3> out(exec(), {host.extent(0), rows.extent(0), columns.extent(0)});
    matrix_fourier(exec(), in.view(), rows.view(), columns.view(), out.view());
    return to_host(exec(), read_only(out));
  }
};

std::vector<double> positions(index_t n) {
  std::vector<double> p;
  for (index_t i = 0; i < n; ++i) p.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(n) - 0.5);
  return p;
}

std::vector<double> frequencies(index_t n, double step) {
  std::vector<double> f;
  for (index_t i = 0; i < n; ++i) f.push_back(step * (static_cast<double>(i) - 0.3 * static_cast<double>(n)));
  return f;
}

double at(const std::vector<double>& values, index_t i) { return values[static_cast<std::size_t>(i)]; }

// Each output is two chained sums of n products in float: relative to the L2 norm of the field (sqrt(2)
// sqrt(k l) for unit noise) an error of at most (k + l + 4) eps, most of it never reached.
TEST_P(MatrixFourier, IsTheDoubleSum) {
  struct Case {
    Extents<3> in;
    index_t v, u;
    double sign;
  };
  for (const Case& c : {Case{{3, 13, 22}, 7, 35, -1}, Case{{1, 1, 1}, 1, 1, -1}, Case{{2, 1, 40}, 5, 1, 1},
                        Case{{5, 31, 2}, 1, 33, -1}, Case{{2, 16, 16}, 16, 16, 1}}) {
    const index_t k = c.in[1], l = c.in[2];
    const auto fy = frequencies(c.v, 0.7), fx = frequencies(c.u, 0.31), py = positions(k), px = positions(l);
    const auto host = complex_noise(c.in, 4);
    const auto got = transformed(host, fy, py, fx, px, c.sign);
    const double bound = static_cast<double>(k + l + 4) * 2 * kRounding * 2 * std::sqrt(static_cast<double>(k * l));
    for (index_t t = 0; t < c.in[0]; ++t)
      for (index_t i = 0; i < c.v; ++i)
        for (index_t j = 0; j < c.u; ++j) {
          Complexd want = 0;
          for (index_t y = 0; y < k; ++y)
            for (index_t x = 0; x < l; ++x)
              want += wide(host.view()(t, y, x)) *
                      std::polar(1.0, c.sign * kTwoPi * (at(fy, i) * at(py, y) + at(fx, j) * at(px, x)));
          ASSERT_LE(std::abs(wide(got.view()(t, i, j)) - want), bound) << t << " " << i << " " << j;
        }
  }
}

// As the contract says: 1e-5 of the peak's amplitude for 200 samples. Here the peak is the sum of all moduli.
TEST_P(MatrixFourier, KeepsItsAccuracyForAWholePupil) {
  const index_t n = 200;
  auto host = host_array<Complex, 3>({1, n, n});
  for (index_t i = 0; i < host.size(); ++i)
    host.data()[i] = std::polar(1.0F, 0.001F * static_cast<float>((i * 7919) % 6283));
  const std::vector<double> f = {-40.3, 0, 17.5}, p = positions(n);
  const auto got = transformed(host, f, p, f, p, -1);
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 3; ++j) {
      Complexd want = 0;
      for (index_t y = 0; y < n; ++y)
        for (index_t x = 0; x < n; ++x)
          want += wide(host.view()(0, y, x)) * std::polar(1.0, -kTwoPi * (at(f, i) * at(p, y) + at(f, j) * at(p, x)));
      EXPECT_LE(std::abs(wide(got.view()(0, i, j)) - want), 1e-5 * static_cast<double>(n * n)) << i << " " << j;
    }
}

// Over one whole period of n frequencies the transform keeps the energy (Parseval). Positive sums: the
// relative error stays that of one term, 2 (k + l) eps.
TEST_P(MatrixFourier, KeepsTheEnergy) {
  const index_t n = 24;
  const auto host = complex_noise(Extents<3>{2, n, n}, 4);
  const auto in = to_device(exec(), host.view());
  std::vector<double> period;
  for (index_t i = 0; i < n; ++i) period.push_back(static_cast<double>(i - n / 2));
  const auto matrix = fourier_matrix(exec(), period, positions(n), -1, 1.0 / static_cast<double>(n));
  Array<Complex, 3> out(exec(), {2, n, n});
  matrix_fourier(exec(), in.view(), matrix.view(), matrix.view(), out.view());
  Array<float, 2> image(exec(), {n, n});
  fill_zero(exec(), image.view());
  add_intensity(exec(), read_only(out), 0.5 * static_cast<double>(n * n), image.view());
  const auto light = to_host(exec(), read_only(image));
  double before = 0, after = 0;
  for (index_t i = 0; i < host.size(); ++i) before += 0.5 * static_cast<double>(std::norm(host.data()[i]));
  for (index_t i = 0; i < light.size(); ++i) after += static_cast<double>(light.data()[i]);
  EXPECT_NEAR(after / before, 1, 2 * 2 * static_cast<double>(n) * 1.2e-7);
}

// Made in double and rounded once.
TEST_P(MatrixFourier, HasPhasorsForAMatrix) {
  const std::vector<double> f = {-3e5, 0, 0.25, 7.125}, p = {-0.5, 0.3, 0.125};
  const auto matrix = fourier_matrix(exec(), f, p, 1, 2.5);
  const auto got = to_host(exec(), matrix.view());
  ASSERT_EQ(got.extents(), (Extents<2>{4, 3}));
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 3; ++j) {
      const double turns = at(f, i) * at(p, j), phase = kTwoPi * (turns - std::floor(turns));
      EXPECT_LE(std::abs(wide(got.view()(i, j)) - std::polar(2.5, phase)), 2.5 * 1.01 * kRounding) << i << " " << j;
    }
}

TEST_P(MatrixFourier, SpoilsAFieldWithNaNAlone) {
  auto host = complex_noise(Extents<3>{3, 6, 5}, 9);
  host.view()(1, 2, 2) = {std::numeric_limits<float>::quiet_NaN(), 0};
  const auto got = transformed(host, {-1, 0.5}, positions(6), {0, 1, 2}, positions(5), -1);
  for (index_t i = 0; i < got.size(); ++i) EXPECT_EQ(is_nan(got.data()[i]), i / 6 == 1) << i;
}

TEST_P(MatrixFourier, TakesNoFieldsToo) {
  const auto got = transformed(host_array<Complex, 3>({0, 4, 4}), {1, 2}, positions(4), {1, 2}, positions(4), -1);
  EXPECT_EQ(got.size(), 0);
}

TEST_P(MatrixFourier, RefusesShapesThatDoNotFit) {
  Array<Complex, 3> in(exec(), {2, 4, 5}), out(exec(), {2, 3, 6}), other(exec(), {3, 3, 6}), turned(exec(), {2, 6, 3});
  Array<Complex, 2> rows(exec(), {3, 4}), columns(exec(), {6, 5});
  matrix_fourier(exec(), in.view(), rows.view(), columns.view(), out.view());
  EXPECT_THROW(matrix_fourier(exec(), in.view(), rows.view(), columns.view(), other.view()), InvalidInput);
  EXPECT_THROW(matrix_fourier(exec(), in.view(), columns.view(), rows.view(), turned.view()), InvalidInput);
  EXPECT_THROW(matrix_fourier(exec(), in.view(), rows.view(), columns.view(), turned.view()), InvalidInput);
  Array<Complex, 3> wider(exec(), {2, 4, 7});
  const Cube<const Complex> gaps(wider.data(), {2, 4, 5}, {28, 7, 1});
  EXPECT_THROW(matrix_fourier(exec(), gaps, rows.view(), columns.view(), out.view()), InvalidInput);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(MatrixFourier);

}  // namespace
}  // namespace hci::test
