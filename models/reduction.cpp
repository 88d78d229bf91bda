// SPDX-License-Identifier: MIT
#include "models/reduction.hpp"

#include <cmath>
#include <numeric>
#include <optional>

#include "engine/system_memory.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/geometry/annulus.hpp"
#include "kernels/geometry/centre.hpp"
#include "kernels/geometry/spline.hpp"
#include "kernels/image/filters.hpp"
#include "models/detect/peak.hpp"

namespace hci {
namespace {

/// One channel of a host cube (t, λ, y, x): the cube itself where there is one channel.
Cube<const float> channel_of(SpectralCube<const float> cube, index_t channel) {
  return {cube.data() + channel * cube.stride(1),
          {cube.extent(0), cube.extent(2), cube.extent(3)},
          {cube.stride(0), cube.stride(2), cube.stride(3)}};
}

/// One channel of a dataset's cube on the Exec's device; without a copy where that can be.
class ChannelInput {
 public:
  ChannelInput(Exec& exec, SpectralCube<const float> cube, index_t channel) {
    Cube<const float> view = channel_of(cube, channel);
    if (!view.is_dense()) {
      packed_ = host_array<float, 3>(view.extents());
      const auto frame = static_cast<std::size_t>(view.extent(1) * view.extent(2));
      for (index_t t = 0; t < view.extent(0); ++t)
        std::memcpy(packed_.view()[t].data(), view[t].data(), frame * sizeof(float));
      view = packed_.view();
    }
    input_.emplace(exec, view);
  }
  Cube<const float> view() const { return input_->view(); }

 private:
  Array<float, 3> packed_;
  std::optional<DeviceInput<float, 3>> input_;
};

void zero_centre(Frame<float> frame, double radius) {
  for (const index_t pixel : circle(frame.extent(0), frame.extent(1), radius)) frame.data()[pixel] = 0;
}

/// A frame on the host, smoothed by a Gaussian; what is NaN stays NaN and makes no neighbour so.
void smooth_frame(Exec& exec, double fwhm, Frame<float> host) {
  const Cube<const float> one(host.data(), {1, host.extent(0), host.extent(1)});
  const auto frame = to_device(exec, one);
  Array<float, 3> smooth(exec, one.extents());
  low_pass(exec, frame.view(), LowPass::gauss, {.fwhm_y = fwhm, .fwhm_x = fwhm}, smooth.view());
  const auto found = to_host(exec, smooth.view());
  for (index_t i = 0; i < host.size(); ++i)
    if (!std::isnan(host.data()[i])) host.data()[i] = found.data()[i];
}

/// "35.3 MB of residuals and 1.2 MB of matrices".
MemoryNeed need_of(const std::vector<std::pair<std::size_t, const char*>>& parts) {
  MemoryNeed need;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& [bytes, name] = parts[i];
    need.bytes += bytes;
    need.what += std::string(i == 0                 ? ""
                             : i + 1 < parts.size() ? ", "
                                                    : " and ") +
                 bytes_text(static_cast<double>(bytes)) + " of " + name;
  }
  return need;
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

/// The frames of one channel, (variant, y, x), host, and its residuals where asked for.
struct Reduction::Channel {
  Array<float, 3> frames;
  Array<float, 3> residuals;
  std::vector<std::vector<ComponentCount>> components;  // of each variant
};

Reduction::Reduction(Recipe recipe)
    : recipe_(std::move(recipe)), algorithm_(make_psf_subtraction(recipe_.algorithm, recipe_.algorithm_settings)) {
  require(recipe_.combine.collapse != Collapse::wmean && recipe_.combine.collapse_ifs != Collapse::wmean,
          "collapse: wmean needs weights, which a recipe cannot give; use mean, or trimmean");
  require(recipe_.combine.trim_keep >= 1, "trim_keep is ", recipe_.combine.trim_keep, ", it must be at least 1");
  require(recipe_.combine.smooth >= 0 && std::isfinite(recipe_.combine.smooth), "smooth is ", recipe_.combine.smooth,
          " px, it must be a FWHM, or 0 for none");
  require(!recipe_.save_residuals || algorithm_->variants().size() == 1,
          "save_residuals: a list of ncomp gives as many residual cubes; ask for one ncomp");
  if (recipe_.regions.mode == RegionMode::annular && !recipe_.regions.delta_rot)
    recipe_.regions.delta_rot = algorithm_->library_rules().default_delta_rot;  // as run, for the records
}

LibraryKind Reduction::libraries(bool has_references) const {
  return library_kind(*algorithm_, recipe_.regions, has_references);
}

bool Reduction::needs_fwhm() const {
  return recipe_.snr || recipe_.regions.mode == RegionMode::annular || recipe_.regions.source_xy;
}

/// Of one channel, its frames taken whole.
SubtractionSize Reduction::subtraction_size(const Extents<4>& cube, index_t references) const {
  const LibraryKind kind = libraries(references > 0);
  SubtractionSize size{.frames = static_cast<std::size_t>(cube[0]),
                       .references = static_cast<std::size_t>(references),
                       .own_libraries = kind.own_libraries,
                       .pixels = static_cast<std::size_t>(cube[2] * cube[3])};
  size.library = (kind.targets ? size.frames : 0) + (kind.references ? size.references : 0);
  return size;
}

/// What the work on one channel holds, on the device where it runs.
std::vector<std::pair<std::size_t, const char*>> Reduction::work_memory(const Extents<4>& cube,
                                                                        index_t references) const {
  SubtractionSize size = subtraction_size(cube, references);
  const std::size_t bytes = size.frames * size.pixels * sizeof(float);
  const Rotation rotation = recipe_.combine.rotation;
  std::vector<std::pair<std::size_t, const char*>> work{{bytes, "residuals"}};
  if (rotation == Rotation::fft && (recipe_.save_residuals || algorithm_->variants().size() > 1))
    work.emplace_back(bytes, "derotated frames");
  if (const int order = spline_order(rotation); order > 0) {
    const index_t padding = 2 * spline_padding(order, RotateOptions{}.border);
    work.emplace_back(size.frames * static_cast<std::size_t>((cube[2] + padding) * (cube[3] + padding)) * sizeof(float),
                      "spline coefficients");
  }
  if (recipe_.regions.mode != RegionMode::full) {
    const auto regions = make_regions(recipe_.regions, cube[2], cube[3], algorithm_->library_rules().default_delta_rot,
                                      libraries(references > 0).targets);
    size.regions = regions.size();
    size.pixels = 0;
    for (const RegionGeometry& region : regions) size.pixels = std::max(size.pixels, region.pixels.size());
    work.emplace_back((2 * size.frames + size.references) * size.pixels * sizeof(float), "regions");
  }
  const auto of_algorithm = algorithm_->work_memory(size);
  work.insert(work.end(), of_algorithm.begin(), of_algorithm.end());
  return work;
}

void Reduction::check(const Extents<4>& cube, index_t references, const std::vector<double>& fwhm_of_channels) const {
  make_regions(recipe_.regions, cube[2], cube[3], algorithm_->library_rules().default_delta_rot, true);
  const auto& source = recipe_.regions.source_xy;
  // As VIP's pca, which has no default there.
  require(!source || recipe_.regions.delta_rot || algorithm_->variants().size() > 1, "source_xy ", to_text(source),
          " needs delta_rot: how many FWHM a companion there must have moved in the frames that are used, for instance "
          "1; only with a list of ncomp it may be left out");
  const std::size_t variants = algorithm_->variants().size();
  require(cube[1] == 1 || !recipe_.save_residuals, "save_residuals: only for cubes of one channel, this one has ",
          cube[1]);
  require(cube[1] == 1 || variants == 1, "a list of ncomp is only for cubes of one channel, this one has ", cube[1]);
  algorithm_->check(subtraction_size(cube, references), recipe_.regions.mode == RegionMode::full);
  if (fwhm_of_channels.empty()) return;
  const double fwhm = mean_of(fwhm_of_channels);
  if (recipe_.snr || variants > 1) check_snr_room(fwhm, cube[2], cube[3]);
  if (!source) return;
  const double radius = std::hypot(source->y - frame_centre(cube[2]), source->x - frame_centre(cube[3]));
  require(radius > fwhm, "source_xy is ", source->x, ",", source->y, ", ", radius,
          " px from the centre of the frame, closer than the FWHM of ", fwhm,
          " px: there is no S/N so near the star; give the place of a companion");
}

MemoryNeed Reduction::host_memory(const Extents<4>& cube, index_t references, bool on_cuda) const {
  const std::size_t frame = static_cast<std::size_t>(cube[2] * cube[3]) * sizeof(float);
  const auto frames = static_cast<std::size_t>(cube[0]), all = frames + static_cast<std::size_t>(references);
  std::vector<std::pair<std::size_t, const char*>> parts;
  if (!on_cuda) parts = work_memory(cube, references);
  if (on_cuda && recipe_.save_residuals) parts.emplace_back(frames * frame, "residuals");
  if (cube[1] > 1) parts.emplace_back(all * frame, "the channel at work");
  return need_of(parts);
}

MemoryNeed Reduction::device_memory(const Extents<4>& cube, index_t references) const {
  auto parts = work_memory(cube, references);
  parts.emplace_back(static_cast<std::size_t>((cube[0] + references) * cube[2] * cube[3]) * sizeof(float), "frames");
  return need_of(parts);
}

/// The fft rotation works in place where nobody needs the residuals afterwards: with the interpolating
/// methods there is no derotated cube, with fft it would be a third one.
void Reduction::derotate_and_collapse(Exec& exec, Cube<float> residual, bool is_last, const std::vector<double>& angles,
                                      Frame<float> out, Progress& progress) const {
  RotateOptions rotation{.method = recipe_.combine.rotation};
  // Masked pixels are 0 before the rotation and shall be 0 after it, as in VIP, where only vip-fft heeds that.
  const bool masks = recipe_.regions.radius_int > 0 || central_disc(recipe_.regions, false) > 0;
  if (masks && rotation.method == Rotation::fft) rotation.mask_value = 0;
  const CollapseOptions collapsing{.mode = recipe_.combine.collapse, .trim_keep = recipe_.combine.trim_keep};
  if (rotation.method != Rotation::fft || !is_last || recipe_.save_residuals)
    return derotate_collapse(exec, residual, angles, rotation, collapsing, out);
  const index_t frames = residual.extent(0);
  progress.expect(frames);
  constexpr index_t kFrames = 32;
  for (index_t first = 0; first < frames; first += kFrames) {
    const index_t count = std::min(kFrames, frames - first);
    const Cube<float> some = slice(residual, first, count);
    derotate(exec, some, {angles.begin() + first, angles.begin() + first + count}, rotation, some);
    progress.advance(count);
  }
  collapse(exec, residual, collapsing, out);
}

Reduction::Channel Reduction::reduce_channel(Exec& exec, const Dataset& dataset, index_t channel, double fwhm,
                                             Progress& progress) const {
  const index_t nt = dataset.frames(), ny = dataset.cube.extent(2), nx = dataset.cube.extent(3);
  const auto variants = static_cast<index_t>(algorithm_->variants().size());
  const std::vector<double> angles = checked_angles(dataset.angles);
  const double disc = central_disc(recipe_.regions, algorithm_->masks_inner_radius());

  if (exec.on_cuda()) progress.stage("upload");
  const ChannelInput targets(exec, dataset.cube.view(), channel);
  std::optional<ChannelInput> references;
  if (dataset.reference) references.emplace(exec, dataset.reference.view(), channel);
  exec.wait();

  Channel result{host_array<float, 3>({variants, ny, nx}), {}, {}};
  Array<float, 3> residual(exec, {nt, ny, nx});
  Array<float, 2> frame(exec, {ny, nx});
  progress.stage("subtract");
  result.components = subtract_psf(
      exec, *algorithm_, recipe_.regions,
      {.targets = targets.view(),
       .references = references ? references->view() : Cube<const float>(),
       .angles = dataset.angles,
       .fwhm = fwhm > 0 ? fwhm : SubtractionInput{}.fwhm},  // not used where it need not be known
      residual.view(),
      [&](std::size_t variant) {
        exec.wait();
        const bool is_last = static_cast<index_t>(variant) + 1 == variants;
        progress.stage("derotate_collapse");
        derotate_and_collapse(exec, residual.view(), is_last, angles, frame.view(), progress);
        const Frame<float> out = result.frames.view()[static_cast<index_t>(variant)];
        download<float, 2>(exec, frame.view(), out);
        exec.wait();
        if (recipe_.combine.smooth > 0) smooth_frame(exec, recipe_.combine.smooth, out);
        zero_centre(out, disc);
        if (!is_last) progress.stage("subtract");
      },
      &progress);
  if (recipe_.save_residuals) {
    result.residuals = exec.on_cuda() ? to_host(exec, residual.view()) : std::move(residual);
    if (recipe_.regions.mode == RegionMode::full)
      for (index_t t = 0; t < nt; ++t) zero_centre(result.residuals.view()[t], disc);
  }
  return result;
}

/// A frame that is in its own library is removed with all components of it.
void Reduction::warn_of_nothing_left(const Dataset& dataset, ReductionResult& result) const {
  const index_t references = dataset.reference ? dataset.reference.extent(0) : 0;
  const LibraryKind kind = libraries(references > 0);
  const index_t library = dataset.frames() + (kind.references ? references : 0);
  if (!kind.targets || kind.own_libraries) return;
  for (const ComponentCount& count : result.components)
    if (count.most >= library)
      result.warnings.push_back("in " + count.region + " all " + std::to_string(library) +
                                " components of the frames themselves were removed, what is left is rounding: use a "
                                "smaller ncomp (or, with ncomp auto, a larger tol)");
}

ReductionResult Reduction::run(Exec& exec, const Dataset& dataset) const {
  Progress quiet(ProgressStyle::quiet);
  return run(exec, dataset, quiet);
}

ReductionResult Reduction::run(Exec& exec, const Dataset& dataset, Progress& progress) const {
  const index_t channels = dataset.channels(), ny = dataset.cube.extent(2), nx = dataset.cube.extent(3);
  require(static_cast<index_t>(dataset.angles.size()) == dataset.frames(), "the cube has ", dataset.frames(),
          " frames, but there are ", dataset.angles.size(), " angles");
  ReductionResult result;
  result.fwhm = mean_of(dataset.fwhm);
  result.variants = algorithm_->variants();
  const auto variants = static_cast<index_t>(result.variants.size());
  require(!needs_fwhm() || result.fwhm > 0,
          "the FWHM is needed for annuli, angle thresholds and S/N: give --fwhm, or --psf to measure it");
  check(dataset.cube.extents(), dataset.reference ? dataset.reference.extent(0) : 0, dataset.fwhm);

  Array<float, 3> frames;  // (variant, y, x)
  std::vector<std::vector<ComponentCount>> components;
  if (channels == 1) {
    Channel channel = reduce_channel(exec, dataset, 0, result.fwhm, progress);
    frames = std::move(channel.frames);
    result.residuals = std::move(channel.residuals);
    components = std::move(channel.components);
  } else {
    result.channel_frames = host_array<float, 3>({channels, ny, nx});
    for (index_t c = 0; c < channels; ++c) {
      const double fwhm = dataset.fwhm.size() == static_cast<std::size_t>(channels)
                              ? dataset.fwhm[static_cast<std::size_t>(c)]
                              : result.fwhm;
      progress.round(c, channels, "channel");
      Channel channel = reduce_channel(exec, dataset, c, fwhm, progress);
      components.resize(1);
      for (ComponentCount& count : channel.components[0]) {
        count.region = "channel " + std::to_string(c) + ", " + count.region;
        components[0].push_back(std::move(count));
      }
      const Frame<const float> frame = channel.frames.view()[0];
      std::copy(frame.data(), frame.data() + frame.size(), result.channel_frames.view()[c].data());
    }
    progress.round(channels, channels, "channel");
    const Array<float, 3> stack = to_device(exec, result.channel_frames.view());
    Array<float, 2> collapsed(exec, {ny, nx});
    collapse(exec, stack.view(), {.mode = recipe_.combine.collapse_ifs, .trim_keep = recipe_.combine.trim_keep},
             collapsed.view());
    const Array<float, 2> host = to_host(exec, collapsed.view());
    frames = host_array<float, 3>({1, ny, nx});
    std::copy(host.data(), host.data() + host.size(), frames.data());
  }

  const bool choose = variants > 1 && result.fwhm > 0;
  double best = -std::numeric_limits<double>::infinity();
  Array<float, 2> best_map;
  if (recipe_.snr || choose) {
    progress.stage("snr_map", variants, "frames");
    for (index_t v = 0; v < variants; ++v) {
      const Array<float, 2> frame = to_device(exec, Frame<const float>(frames.view()[v]));
      Array<float, 2> map(exec, {ny, nx});
      snr_map(exec, frame.view(), SnrParams{.fwhm = result.fwhm}, map.view());
      Array<float, 2> host = to_host(exec, map.view());
      const auto& source = recipe_.regions.source_xy;
      if (choose && source)
        result.scores.push_back(source_score(exec, frame.view(), {source->y, source->x}, {.fwhm = result.fwhm}));
      const double highest = highest_pixel(host.view()).value;
      if (choose && !source) result.highest_snr.push_back(highest);
      const double score = result.scores.empty() ? highest : result.scores.back().snr;
      if (v == 0 || score > best || (std::isnan(best) && !std::isnan(score))) {
        best = score;
        result.chosen = static_cast<std::size_t>(v);
        best_map = std::move(host);
      }
      progress.advance();
    }
    if (recipe_.snr) result.snr = std::move(best_map);
  }
  progress.finish();

  result.frame = host_array<float, 2>({ny, nx});
  const Frame<const float> chosen = frames.view()[static_cast<index_t>(result.chosen)];
  std::copy(chosen.data(), chosen.data() + chosen.size(), result.frame.data());
  if (variants > 1) result.frames = std::move(frames);
  result.components = std::move(components[result.chosen]);
  warn_of_nothing_left(dataset, result);
  return result;
}

}  // namespace hci
