// SPDX-License-Identifier: MIT
// cuFFT on the emulated device, and the plans that an Exec keeps.
#include <algorithm>
#include <cstddef>

#include "kernels/image/fft.hpp"
#include "tests/support_selftest/emulated_device.hpp"

namespace hci::test {
namespace {

class EmulatedFft : public EmulatedDevice {
 protected:
  Exec exec = on_device(0);
};

/// An address as a pointer to whatever a call wants.
struct Address {
  std::byte* at;
  template <class T>
  operator T*() const {  // NOLINT(google-explicit-constructor)
    return reinterpret_cast<T*>(at);
  }
};

TEST_F(EmulatedFft, RefusesWhatIsNotAlignedToItsComplexType) {
  struct Case {
    cufftType type;
    std::size_t alignment;
    cufftResult (*run)(cufftHandle plan, Address in, Address out);
  };
  const Case cases[] = {
      {CUFFT_R2C, 8, [](cufftHandle plan, Address in, Address out) { return cufftExecR2C(plan, in, out); }},
      {CUFFT_C2R, 8, [](cufftHandle plan, Address in, Address out) { return cufftExecC2R(plan, in, out); }},
      {CUFFT_C2C, 8, [](cufftHandle plan, Address in, Address out) { return cufftExecC2C(plan, in, out, 1); }},
      {CUFFT_D2Z, 16, [](cufftHandle plan, Address in, Address out) { return cufftExecD2Z(plan, in, out); }},
      {CUFFT_Z2D, 16, [](cufftHandle plan, Address in, Address out) { return cufftExecZ2D(plan, in, out); }},
      {CUFFT_Z2Z, 16, [](cufftHandle plan, Address in, Address out) { return cufftExecZ2Z(plan, in, out, 1); }}};
  Array<std::byte, 1> room(exec, Extents<1>{1024});
  for (const Case& each : cases) {
    const FftCall call(exec, exec.cuda().fft_plan(each.type, 9, 1));
    const auto run = [&](std::size_t in, std::size_t out) {
      return each.run(call.plan(), {room.data() + in}, {room.data() + 512 + out});
    };
    EXPECT_EQ(run(0, 0), CUFFT_SUCCESS) << each.type;
    EXPECT_EQ(run(each.alignment, 0), CUFFT_SUCCESS) << each.type;
    EXPECT_EQ(run(each.alignment / 2, 0), CUFFT_INVALID_VALUE) << each.type;
    EXPECT_EQ(run(0, each.alignment / 2), CUFFT_INVALID_VALUE) << each.type;
  }
  exec.wait();
}

TEST_F(EmulatedFft, AnExecKeepsThePlansItWasLastAskedFor) {
  const std::size_t before = cuda_emulation::live_fft_plans(), most = CudaContext::kMostPlans;
  const auto row = to_device(exec, std::vector<double>(200, 1.0));
  Array<Complex, 1> spectrum(exec, Extents<1>{101});
  const auto sum_of = [&](index_t n) {  // enqueued, not waited for: a plan's transforms outlive it
    fft_rows(exec, {row.data(), {1, n}}, {spectrum.data(), {1, n / 2 + 1}});
    return exec.cuda().fft_plan(CUFFT_D2Z, static_cast<int>(n), 1).handle;
  };
  const cufftHandle first = sum_of(100), second = sum_of(101);
  for (index_t n = 102; n < 200; ++n) {
    sum_of(n);
    EXPECT_EQ(cuda_emulation::live_fft_plans() - before, std::min<std::size_t>(most, std::size_t(n) - 99));
    EXPECT_EQ(sum_of(100), first) << "used again and again, but made anew after " << n;
  }
  EXPECT_NE(sum_of(101), second);
  EXPECT_EQ(to_host(exec, spectrum.view()).data()[0].re, 101);
}

}  // namespace
}  // namespace hci::test
