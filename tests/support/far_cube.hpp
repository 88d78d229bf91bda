// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tests/support/far_rows.hpp"
#include "tests/support/noise.hpp"

namespace hci::test {

/// A cube on the Exec's device whose rows lie 2^27 + 5 elements apart, so that offsets pass 2^31 within a frame of more
/// than 16 rows. The frames' rows lie beside one another.
class FarCube {
 public:
  FarCube(Exec& exec, Cube<const float> dense)
      : extents_(dense.extents()), rows_(exec, beside(dense), extents_[1], extents_[0] * extents_[2], kApart) {}

  Cube<float> view() { return {rows_.view().data(), extents_, {extents_[2], kApart, 1}}; }
  /// What is there now, dense. Waits.
  std::vector<float> values() {
    const auto rows = rows_.values();
    std::vector<float> dense(rows.size());
    for (index_t t = 0, i = 0; t < extents_[0]; ++t)
      for (index_t y = 0; y < extents_[1]; ++y)
        for (index_t x = 0; x < extents_[2]; ++x, ++i)
          dense[static_cast<std::size_t>(i)] = rows[static_cast<std::size_t>((y * extents_[0] + t) * extents_[2] + x)];
    return dense;
  }

 private:
  static constexpr index_t kApart = (index_t{1} << 27) + 5;
  static std::vector<float> beside(Cube<const float> dense) {
    std::vector<float> rows;
    for (index_t y = 0; y < dense.extent(1); ++y)
      for (index_t t = 0; t < dense.extent(0); ++t)
        for (index_t x = 0; x < dense.extent(2); ++x) rows.push_back(dense(t, y, x));
    return rows;
  }
  Extents<3> extents_;
  FarRows<float> rows_;
};

class WithFarCubes : public WithFarRows {
 protected:
  /// work(in, out) must make of a far cube, in a far cube, what it makes of a dense one in a dense one: `tolerance`
  /// apart at most, where one path cannot serve both. In: noise, and a NaN. Far: the rows of the frames, and then the
  /// frames.
  template <class Work>
  void expect_alike(Extents<3> in, Extents<3> out, const Work& work, double tolerance = 0) {
    auto cube = noise(in, 3);
    cube.view()(0, in[1] / 2, 3) = std::numeric_limits<float>::quiet_NaN();
    const auto near_in = to_device(exec(), cube.view());
    Array<float, 3> near_out(exec(), out);
    work(near_in.view(), near_out.view());
    const auto want = to_host(exec(), std::as_const(near_out).view());
    auto nothing = host_array<float, 3>(out);
    std::fill_n(nothing.data(), nothing.size(), -7.0F);
    {
      FarCube far_in(exec(), cube.view()), far_out(exec(), nothing.view());
      work(far_in.view(), far_out.view());
      expect_values(far_out.values(), want, tolerance, "rows");
    }
    const auto list = [](const Array<float, 3>& array) {
      return std::vector<float>(array.data(), array.data() + array.size());
    };
    FarRows<float> far_in(exec(), list(cube), in[0], in[1] * in[2]);
    FarRows<float> far_out(exec(), list(nothing), out[0], out[1] * out[2]);
    work(far_in.frames(in[1], in[2]), far_out.frames(out[1], out[2]));
    expect_values(far_out.values(), want, tolerance, "frames");
  }

 private:
  static void expect_values(const std::vector<float>& got, const Array<float, 3>& want, double tolerance,
                            const char* far) {
    std::size_t numbers = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const float value = want.data()[i];
      if (std::isnan(value)) {
        ASSERT_TRUE(std::isnan(got[i])) << far << " " << i;
        continue;
      }
      ++numbers;
      ASSERT_NEAR(got[i], value, tolerance) << far << " " << i;
    }
    EXPECT_GT(numbers, 0U);
  }
};

}  // namespace hci::test
