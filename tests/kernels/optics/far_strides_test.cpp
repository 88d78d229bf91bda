// SPDX-License-Identifier: MIT
// Fields that lie more than 2^31 numbers apart, and fields whose rows are so far apart that offsets pass 2^31 within
// one, for every kernel of kernels/optics that takes strides.
#include <functional>
#include <vector>

#include "kernels/optics/phase_screen.hpp"
#include "kernels/optics/pupil.hpp"
#include "tests/kernels/optics/fields.hpp"
#include "tests/support/far_rows.hpp"

namespace hci::test {
namespace {

constexpr Extents<3> kShape{2, 19, 7};
constexpr Extents<2> kMap{19, 7};

/// Fields as those of a dense cube, on the Exec's device: they lie far apart, or the rows of all do.
class FarFields {
 public:
  enum class Apart { fields, rows };
  FarFields(Exec& exec, const Array<Complex, 3>& dense, Apart apart)
      : apart_(apart),
        rows_(exec, apart == Apart::fields ? in_order(dense) : beside(dense), kShape[apart == Apart::fields ? 0 : 1],
              dense.size() / kShape[apart == Apart::fields ? 0 : 1],
              apart == Apart::fields ? kFar : (index_t{1} << 27) + 5) {}

  Cube<Complex> view() {
    if (apart_ == Apart::fields) return rows_.frames(kShape[1], kShape[2]);
    return {rows_.view().data(), kShape, {kShape[2], rows_.view().stride(0), 1}};
  }
  /// What is there now, dense. Waits.
  std::vector<Complex> values() {
    const std::vector<Complex> stored = rows_.values();
    if (apart_ == Apart::fields) return stored;
    std::vector<Complex> dense;
    for (index_t t = 0; t < kShape[0]; ++t)
      for (index_t y = 0; y < kShape[1]; ++y)
        for (index_t x = 0; x < kShape[2]; ++x)
          dense.push_back(stored[static_cast<std::size_t>((y * kShape[0] + t) * kShape[2] + x)]);
    return dense;
  }

 private:
  static std::vector<Complex> in_order(const Array<Complex, 3>& dense) {
    return {dense.data(), dense.data() + dense.size()};
  }
  static std::vector<Complex> beside(const Array<Complex, 3>& dense) {
    std::vector<Complex> rows;
    for (index_t y = 0; y < kShape[1]; ++y)
      for (index_t t = 0; t < kShape[0]; ++t)
        for (index_t x = 0; x < kShape[2]; ++x) rows.push_back(dense.view()(t, y, x));
    return rows;
  }
  Apart apart_;
  FarRows<Complex> rows_;
};

class FarPupils : public WithFarRows {
 protected:
  /// work(in, out) must make of far fields, in far fields, what it makes of dense ones in dense ones, bit by bit.
  void expect_alike(const std::function<void(Cube<const Complex>, Cube<Complex>)>& work) {
    const auto given = complex_noise(kShape, 3), before = complex_noise(kShape, 4);
    const auto near_in = to_device(exec(), given.view());
    auto near_out = to_device(exec(), before.view());
    work(near_in.view(), near_out.view());
    const auto want = to_host(exec(), read_only(near_out));
    bool changed = false;
    for (const auto apart : {FarFields::Apart::fields, FarFields::Apart::rows}) {
      FarFields in(exec(), given, apart), out(exec(), before, apart);
      work(in.view(), out.view());
      const auto got = out.values();
      for (index_t i = 0; i < want.size(); ++i) {
        ASSERT_EQ(got[static_cast<std::size_t>(i)], want.data()[i]) << i;
        changed = changed || want.data()[i] != before.data()[i];
      }
    }
    EXPECT_TRUE(changed);
  }
  /// grey_aperture() on the device.
  Array<float, 2> aperture() {
    const auto host = grey_aperture(kMap[0], kMap[1]);
    auto on_device = to_device(exec(), host.view());
    exec().wait();
    return on_device;
  }
};

TEST_P(FarPupils, AreFilledFromFarMaps) {
  const auto grey = aperture();
  expect_alike(
      [&](Cube<const Complex> in, Cube<Complex> out) { pupil_fields(exec(), grey.view(), in[1], in, 20, out); });
}

TEST_P(FarPupils, AreTilted) {
  expect_alike([&](Cube<const Complex> in, Cube<Complex> out) {
    tilt_fields(exec(), in, {{1.5, -2.25}, {0.1, 7}}, out);
  });
}

TEST_P(FarPupils, PassACoronagraph) {
  const auto grey = aperture();
  expect_alike([&](Cube<const Complex>, Cube<Complex> out) { remove_coherent_part(exec(), grey.view(), 0.1, out); });
  expect_alike([&](Cube<const Complex>, Cube<Complex> out) { mask_fields(exec(), grey.view(), out); });
  expect_alike([&](Cube<const Complex> in, Cube<Complex> out) { subtract_fields(exec(), in, out); });
}

TEST_P(FarPupils, AreBlended) {
  expect_alike(
      [&](Cube<const Complex> in, Cube<Complex> out) { blend_maps(exec(), in[1], 0.6, in[0], 0.8, 2, out[1]); });
}

TEST_P(FarPupils, GiveTheirIntensity) {
  const auto given = complex_noise(kShape, 3);
  const auto dense = to_device(exec(), given.view());
  const auto light_of = [&](Cube<const Complex> fields) {
    Array<float, 2> light(exec(), kMap);
    fill_zero(exec(), light.view());
    add_intensity(exec(), fields, 2, light.view());
    return to_host(exec(), read_only(light));
  };
  const auto want = light_of(dense.view());
  for (const auto apart : {FarFields::Apart::fields, FarFields::Apart::rows}) {
    FarFields far(exec(), given, apart);
    const auto got = light_of(far.view());
    for (index_t i = 0; i < want.size(); ++i) ASSERT_EQ(got.data()[i], want.data()[i]) << i;
  }
}

TEST_P(FarPupils, TakeRandomMaps) {
  const auto grey = aperture();
  expect_alike([&](Cube<const Complex>, Cube<Complex> out) {
    draw_modes(exec(), 1, 2, {{3, 1, 0}, {9, 0.6F, 0.8F}}, grey.view(), out);
  });
  expect_alike([&](Cube<const Complex>, Cube<Complex> out) { renew_modes(exec(), 1, 2, 5, 0.5, grey.view(), out[1]); });
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(FarPupils);

}  // namespace
}  // namespace hci::test
