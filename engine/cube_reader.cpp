// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/array_file.hpp"
#include "engine/dataset.hpp"
#include "engine/params.hpp"
#include "kernels/core/error.hpp"

namespace hci {

struct CubeReader::State {
  explicit State(ArrayFile source) : file(std::move(source)) {}

  ArrayFile file;
  bool lambda_first = false;
  index_t frames = 0, channels = 0, height = 0, width = 0;
  std::string description;

  void resolve(Axes axes, Archive archive);
  /// Frames that are read at a time: enough for all threads, few enough to tell how far it is.
  index_t block() const { return std::max<index_t>(1, (index_t{1} << 22) / (height * width)); }
  void read_in_order(index_t first, index_t count, float* out, const std::function<void(index_t)>& done) const;
  void read_lambda_first(index_t first, index_t count, SpectralCube<float> out,
                         const std::function<void(index_t)>& done) const;
};

void CubeReader::State::resolve(Axes axes, Archive archive) {
  const std::vector<index_t>& shape = file.shape();
  const bool table = file.is_table();
  require(!table && (shape.size() == 3 || shape.size() == 4), file.description(),
          ": expected a cube of 3 axes (t, y, x) or 4 axes, found ",
          table ? "a table" : std::to_string(shape.size()) + " axes");
  const bool three = shape.size() == 3;
  require(three == (axes == Axes::tyx) || axes == Axes::automatic, file.description(), ": the axes were said to be ",
          to_text(axes), ", found ", shape.size(), " axes");
  const bool time_first = file.hdf5() != nullptr ? is_own_layout(file) : archive == Archive::vigan_idl;
  lambda_first = !three && (axes == Axes::automatic ? !time_first : axes == Axes::lambda_tyx);
  frames = three ? shape[0] : shape[lambda_first ? 1 : 0];
  channels = three ? 1 : shape[lambda_first ? 0 : 1];
  height = shape[shape.size() - 2];
  width = shape[shape.size() - 1];
  require(frames > 0 && channels > 0 && height > 0 && width > 0, file.description(), ": expected data, found no value");
  description = file.description() + " read as " +
                (three          ? "(t, y, x)"
                 : lambda_first ? "(λ, t, y, x)"
                                : "(t, λ, y, x)") +
                ": " + std::to_string(frames) + " frames" +
                (channels > 1 ? " of " + std::to_string(channels) + " channels" : "") + ", " + std::to_string(height) +
                " x " + std::to_string(width) + " px";
}

/// `count` images, all axes before the last two counted as one, straight into place.
void CubeReader::State::read_in_order(index_t first, index_t count, float* out,
                                      const std::function<void(index_t)>& done) const {
  for (index_t i = 0; i < count; i += block()) {
    const index_t n = std::min(block(), count - i);
    file.read_frames(first + i, n, out + i * height * width);
    if (done) done(n);
  }
}

/// A channel's frames follow each other in the file and are `channels` frames apart in memory.
void CubeReader::State::read_lambda_first(index_t first, index_t count, SpectralCube<float> out,
                                          const std::function<void(index_t)>& done) const {
  const index_t pixels = height * width, most = block();
  std::vector<float> block(static_cast<std::size_t>(std::min(most, count) * pixels));
  for (index_t channel = 0; channel < channels; ++channel)
    for (index_t t = 0; t < count; t += most) {
      const index_t n = std::min(most, count - t);
      file.read_frames(channel * frames + first + t, n, block.data());
      for (index_t i = 0; i < n; ++i)
        std::memcpy(&out(t + i, channel, 0, 0), block.data() + i * pixels,
                    static_cast<std::size_t>(pixels) * sizeof(float));
      if (done) done(n);
    }
}

CubeReader::CubeReader(const std::string& name, const std::string& hdu, Axes axes, Archive archive, int threads)
    : state_(std::make_unique<State>(ArrayFile(name, hdu, threads))) {
  state_->resolve(axes, archive);
}
CubeReader::CubeReader(CubeReader&&) noexcept = default;
CubeReader::~CubeReader() = default;

index_t CubeReader::frames() const { return state_->frames; }
index_t CubeReader::channels() const { return state_->channels; }
index_t CubeReader::height() const { return state_->height; }
index_t CubeReader::width() const { return state_->width; }
const std::string& CubeReader::description() const { return state_->description; }
const ArrayFile& CubeReader::file() const { return state_->file; }

void CubeReader::read(index_t first, index_t count, SpectralCube<float> out,
                      const std::function<void(index_t images)>& done) const {
  require(first >= 0 && count >= 0 && first + count <= frames(), description(), ": frames ", first, " to ",
          first + count, " were asked for");
  require(out.is_dense() && out.extents() == Extents<4>{count, channels(), height(), width()},
          "CubeReader::read: expected a dense view of ", count, " frames of the cube");
  if (count == 0) return;
  if (state_->lambda_first && channels() > 1)
    state_->read_lambda_first(first, count, out, done);
  else
    state_->read_in_order(first * channels(), count * channels(), out.data(), done);
}

}  // namespace hci
