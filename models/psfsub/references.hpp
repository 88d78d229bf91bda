// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/view.hpp"

namespace hci {

/// A set of rows as ranges: ascending, disjoint, not empty, half open.
class RowSet {
 public:
  struct Range {
    index_t first, last;
    friend bool operator==(const Range&, const Range&) = default;
  };

  RowSet() = default;
  /// Rows first .. last - 1.
  RowSet(index_t first, index_t last) { add(first, last); }

  /// Adds rows that all lie after those that are there.
  void add(index_t first, index_t last);
  index_t count() const;
  const std::vector<Range>& ranges() const { return ranges_; }
  std::vector<index_t> indices() const;
  friend bool operator==(const RowSet&, const RowSet&) = default;

 private:
  std::vector<Range> ranges_;
};

/// Parallactic-angle threshold in FWHM: one value, or one that grows linearly from the innermost to
/// the outermost annulus. Text: "1" or "0.1,1".
struct DeltaRot {
  double inner = 1;
  double outer = 1;
  /// Of annulus i among n, as VIP's linspace.
  double at(index_t annulus, index_t annuli) const;
  friend bool operator==(const DeltaRot&, const DeltaRot&) = default;
};
std::string to_text(const DeltaRot& value);
void from_text(std::string_view text, DeltaRot& value);

/// Which frames may be in a library where there are reference frames of other stars.
enum class RefStrategy {
  rdi,  ///< the references
  ardi  ///< the references and those frames of the target that the angle threshold allows
};
constexpr auto enum_names(RefStrategy) {
  return std::array<std::pair<std::string_view, RefStrategy>, 2>{
      {{"rdi", RefStrategy::rdi}, {"ardi", RefStrategy::ardi}}};
}

/// What an algorithm wants of its libraries, where VIP's functions differ.
struct LibraryRules {
  DeltaRot default_delta_rot{0.1, 1};
  /// The threshold is lowered to 0.9 of half the range of angles where it is larger, and one frame is
  /// enough (median_sub); else there are too few frames, which is an error (pca).
  bool clips_threshold = false;
  /// That many frames at most, half of them on each side of the threshold, nearest in time; unset: all.
  std::optional<int> nframes;
  /// Strategy in annuli where there are references and none was asked for.
  RefStrategy annular_strategy = RefStrategy::ardi;
};

/// VIP's check_pa_vector: negative angles get +360, and where consecutive angles jump by more than
/// 180 degrees all those below 180 get +360. In single precision where all angles are numbers of
/// single precision, since VIP computes in the precision of the file.
std::vector<double> checked_angles(std::vector<double> angles);

/// The rotation, in degrees, that moves a companion at `radius` px by delta_rot FWHM:
/// 2 atan(delta_rot fwhm / (2 radius)).
double pa_threshold(double radius, double fwhm, double delta_rot);

/// The frames that may serve frame `target`: VIP's _find_indices_adi, a rule of indices: those
/// before the first earlier frame that is nearer than the threshold (degrees), and those from the
/// first later frame that is farther. nframes: that many at most, half on each side;
/// max_frames: the nearest in angle, at most max_frames and frames - 1.
RowSet frames_beyond(const std::vector<double>& angles, index_t target, double threshold,
                     std::optional<int> nframes = {}, std::optional<int> max_frames = {});

}  // namespace hci
