// SPDX-License-Identifier: MIT
#include "kernels/image/psf_fit.hpp"

#include <cmath>

#include "kernels/core/copy.hpp"
#include "kernels/core/error.hpp"
#include "kernels/core/launch.hpp"
#include "kernels/image/psf_levenberg.hpp"
#include "kernels/image/psf_shape.hpp"

namespace hci::psf {
namespace {

// A warp for a stamp. A thread for each would leave a GPU idle (thousands of stamps are some warps
// for each of its cores, at 225 to 441 pixels of work a step), read the stamps 32 lines at a time,
// and wait for the slowest of 32 walks; a block for each would spend more on its barriers than the
// few pixels of a thread are worth. In a warp the pixels are read side by side, 7 to 14 for each
// lane, the 28 sums of the normal equations meet in 5 shuffles each, and then all lanes solve the
// same 6 x 6 system, so that no lane waits for another.
//
// Of a Gaussian, a pixel costs 4 bytes (from L1 after the first step) and about 150 flops in double,
// 40 of them the exponential, in each of about 10 steps: 441 pixels make 0.66 Mflop a stamp.
//   H200 (34 Tflop/s in double): 5000 stamps in 0.1 ms at best; the bytes take 2 us.
//   GTX 1080 (0.28 Tflop/s in double): 12 ms.
// A Moffat has a logarithm and a division, too, but one parameter fewer: about 170 flops, 0.11 and 13 ms. An Airy disk
// has two Bessel functions of some 70 flops, a root and two divisions, and two parameters fewer: about 230, 0.15 and
// 18 ms. Not measured on a GPU.

/// The pixels of one stamp, every lanes-th of which this lane sums.
struct StampPixels {
  Frame<const float> stamp;
  int lane = 0, lanes = 1;

  HCI_HD Extents<2> extents() const { return stamp.extents(); }

  /// Adds up the lanes' sums: in every lane the same bits.
  HCI_HD double over_lanes(double sum) const {
    for (int bit = lanes / 2; bit > 0; bit /= 2) {
#if HCI_HAVE_CUDA && (defined(__CUDA_ARCH__) || defined(HCI_CUDA_EMULATED))
      sum += __shfl_xor_sync(~0U, sum, bit);
#endif
    }
    return sum;
  }

  HCI_HD Moments moments() const {
    Moments total;
    for (index_t pixel = lane; pixel < stamp.size(); pixel += lanes) {
      const index_t y = pixel / stamp.extent(1), x = pixel % stamp.extent(1);
      const double value = stamp(y, x);
      if (std::isfinite(value)) total.add(value, y, x, pixel);
    }
#if HCI_HAVE_CUDA && (defined(__CUDA_ARCH__) || defined(HCI_CUDA_EMULATED))
    for (int bit = lanes / 2; bit > 0; bit /= 2) {
      Moments other;
      other.count = __shfl_xor_sync(~0U, total.count, bit);
      other.sum = __shfl_xor_sync(~0U, total.sum, bit);
      other.sum_y = __shfl_xor_sync(~0U, total.sum_y, bit);
      other.sum_x = __shfl_xor_sync(~0U, total.sum_x, bit);
      other.squares = __shfl_xor_sync(~0U, total.squares, bit);
      other.low = __shfl_xor_sync(~0U, total.low, bit);
      other.high = __shfl_xor_sync(~0U, total.high, bit);
      other.highest = static_cast<index_t>(__shfl_xor_sync(~0U, static_cast<long long>(total.highest), bit));
      total.add(other);
    }
#endif
    return total;
  }

  template <class Model>
  HCI_HD Normal<double, Model::count> normal(const double* p, double unit) const {
    const Model model(p);
    Normal<double, Model::count> total;
    const auto width = static_cast<int>(stamp.extent(1)), size = static_cast<int>(stamp.size());
    for (int pixel = lane; pixel < size; pixel += lanes) {
      const int y = pixel / width, x = pixel % width;
      const double value = stamp(y, x);
      if (!std::isfinite(value)) continue;
      double by[Model::count];
      const double drawn = model(static_cast<double>(y), static_cast<double>(x), by);
      total.add(value / unit - drawn, by);
    }
    HCI_UNROLL
    for (double& sum : total.matrix) sum = over_lanes(sum);
    HCI_UNROLL
    for (double& sum : total.right) sum = over_lanes(sum);
    total.squares = over_lanes(total.squares);
    return total;
  }
};

template <class Model>
struct FitStamp {
  Cube<const float> stamps;
  double fwhm_start;
  Vector<FitRecord> fits;

  HCI_HD void operator()(index_t i) const { fits(i) = fit_stamp<Model>(StampPixels{stamps[i]}, fwhm_start); }
};

#if HCI_HAVE_CUDA
/// Few, since a lane takes 150 to 216 registers: blocks of two warps leave the fewest of them unused.
constexpr int kWarpsPerBlock = 2;

template <class Model>
__global__ void __launch_bounds__(32 * kWarpsPerBlock, 4)
    fit_with_warps(Cube<const float> stamps, double fwhm_start, Vector<FitRecord> fits) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const index_t step = index_t(gridDim.x) * kWarpsPerBlock;
  for (index_t i = index_t(blockIdx.x) * kWarpsPerBlock + threadIdx.x / 32; i < stamps.extent(0); i += step) {
    const FitRecord fit = fit_stamp<Model>(StampPixels{stamps[i], lane, 32}, fwhm_start);
    if (lane == 0) fits(i) = fit;
  }
}
#endif

template <class Model>
void fit_on_device(Exec& exec, Cube<const float> stamps, double fwhm_start, Vector<FitRecord> fits) {
#if HCI_HAVE_CUDA
  if (exec.on_cuda() && exec.tuned()) {
    const dim3 grid(cuda_side::blocks_for(stamps.extent(0), kWarpsPerBlock, cuda_side::kMostBlocksX));
    launch(exec, grid, dim3(32 * kWarpsPerBlock), 0, fit_with_warps<Model>, stamps, fwhm_start, fits);
    return;
  }
#endif
  for_each(exec, fits.extents(), FitStamp<Model>{stamps, fwhm_start, fits});
}

}  // namespace
}  // namespace hci::psf

namespace hci {

std::vector<PsfFit> fit_psfs(Exec& exec, Cube<const float> stamps, PsfModel model, double fwhm_start) {
  require(std::isfinite(fwhm_start) && fwhm_start > 0, "fit_psfs: fwhm_start is ", fwhm_start,
          " px, it must be positive");
  // The lanes count pixels in 32 bits, up to 32 beyond the last.
  constexpr index_t kMostPixels = index_t{1} << 30;
  require(stamps.extent(2) == 0 || stamps.extent(1) <= kMostPixels / stamps.extent(2), "fit_psfs: the stamps are ",
          stamps.extent(1), " x ", stamps.extent(2), " px: cut them out of their frames");
  if (stamps.extent(0) == 0) return {};
  Array<psf::FitRecord, 1> fits(exec, {stamps.extent(0)});
  if (!exec.on_cuda() && exec.tuned())
    psf::fit_stamps_cpu(exec, stamps, model, fwhm_start, fits.view());
  else if (model == PsfModel::gauss)
    psf::fit_on_device<psf::Gauss>(exec, stamps, fwhm_start, fits.view());
  else if (model == PsfModel::moff)
    psf::fit_on_device<psf::Moffat>(exec, stamps, fwhm_start, fits.view());
  else
    psf::fit_on_device<psf::Airy>(exec, stamps, fwhm_start, fits.view());
  const auto host = to_host(exec, fits.view());
  std::vector<PsfFit> result;
  result.reserve(static_cast<std::size_t>(host.size()));
  for (index_t i = 0; i < host.size(); ++i) result.push_back(psf::fit_of(model, host.data()[i]));
  return result;
}

PsfFit fit_psf(Frame<const float> stamp, PsfModel model, double fwhm_start) {
  Exec cpu(Exec::Options{.threads = 1});
  const Cube<const float> one(stamp.data(), {1, stamp.extent(0), stamp.extent(1)},
                              {stamp.size(), stamp.stride(0), stamp.stride(1)});
  PsfFit fit = fit_psfs(cpu, one, model, fwhm_start)[0];
  require(fit.status != FitStatus::too_few_pixels, "fit_psf: the stamp of ", stamp.extent(0), " x ", stamp.extent(1),
          " has ", fit.pixels, " finite pixels, too few for the parameters of the model");
  return fit;
}

}  // namespace hci
