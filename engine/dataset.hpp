// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/log.hpp"
#include "kernels/core/array.hpp"

namespace hci {

class FileHash;  // engine/checksum.hpp
class Progress;  // engine/progress.hpp

/// A file that went into a dataset, for provenance.
struct InputFile {
  std::string role;  ///< "cube", "angles", "psf", ...
  std::string path;  ///< as given
  /// The thread that hashes the file beside the work; nullptr if that was not asked for. It is
  /// given up when nobody holds it any more.
  std::shared_ptr<const FileHash> hash;
  std::string name = {};  ///< as in the options: the path, with its [HDU] or [DATASET] if there was one

  /// "sha256:..." of the bytes on disk; waits for it. Empty if it was not asked for.
  std::string checksum() const;
};

/// Whose conventions the files follow where these differ from VIP's (docs/formats.md lists what each means).
/// SPHERE-DC's are VIP's, and a PynPoint database is known by what is in it.
enum class Archive { vip, eidc, vigan_idl };
constexpr auto enum_names(Archive) {
  return std::array<std::pair<std::string_view, Archive>, 3>{
      {{"vip", Archive::vip}, {"eidc", Archive::eidc}, {"vigan-idl", Archive::vigan_idl}}};
}

/// One sequence of a target, in host memory, in our order and conventions whatever the files had.
struct Dataset {
  Array<float, 4> cube;               ///< (t, λ, y, x) detector counts; λ = 1 for an ADI sequence; NaN = masked
  std::vector<double> angles;         ///< (t) derotation angles, degrees, VIP's angle_list
  Array<float, 3> psf;                ///< (λ, y, x) off-axis PSF as in the file; empty if none was given
  std::vector<double> wavelengths;    ///< (λ) µm; empty if not given or not wanted
  Array<float, 4> reference;          ///< (t_ref, λ, y, x) frames of other stars; empty if none were given
  std::optional<double> pixel_scale;  ///< arcsec / px
  std::vector<double> fwhm;           ///< (λ) px, given (one number is repeated), empty if not given
  Archive archive =
      Archive::vip;  ///< whose conventions were taken: those asked for, or those that the files' names say
  std::vector<InputFile> inputs;
  std::vector<std::string> notes;  ///< what the reader decided (axis order, HDU, ...), also given to the log

  index_t frames() const { return cube.extent(0); }
  index_t channels() const { return cube.extent(1); }
};

/// Order of the axes of a cube in its file. `automatic`: (t, y, x) with three axes; with four VIP's
/// (λ, t, y, x), or what the archive says.
enum class Axes { automatic, tyx, lambda_tyx, t_lambda_yx };
constexpr auto enum_names(Axes) {
  return std::array<std::pair<std::string_view, Axes>, 4>{
      {{"auto", Axes::automatic}, {"tyx", Axes::tyx}, {"ltyx", Axes::lambda_tyx}, {"tlyx", Axes::t_lambda_yx}}};
}

enum class WavelengthUnit { um, nm, m, angstrom };
constexpr auto enum_names(WavelengthUnit) {
  return std::array<std::pair<std::string_view, WavelengthUnit>, 4>{{{"um", WavelengthUnit::um},
                                                                     {"nm", WavelengthUnit::nm},
                                                                     {"m", WavelengthUnit::m},
                                                                     {"angstrom", WavelengthUnit::angstrom}}};
}

/// The files that lie beside a cube under the names of the exoplanet imaging data challenge or of the SPHERE data
/// centre, by role: "angles", "psf", "wavelengths", "pixel_scale". For `<instrument>_cube_<id>.fits` (or
/// `<target>_cube.fits`) these are `<instrument>_pa_<id>.fits`, `_psf_`, `_wls_` or `_wl_`, `_pxscale_` or `_plsc_`;
/// for the second phase's `image_cube_<id>.fits` `parallactic_angles_<id>.fits`, `psf_cube_`, `wavelength_vect_`; for
/// the data centre's `<step>-IRD_SCIENCE_REDUCED_MASTER_CUBE-center_im.fits`, or IFS's
/// `..._SPECTRAL_MASTER_CUBE-center_im` and `..._CUBE_SORTED-center_im_sorted`, `..._PARA_ROTATION_CUBE-rotnth.fits`
/// (sorted as the cube),
/// `..._PSF_MASTER_CUBE-median_unsat.fits` and `..._LAMBDA_INFO-lam.fits`. Empty for other names, and without angles.
std::map<std::string, std::string> companion_files(const std::string& cube);

/// What work holds in host memory beside its dataset, and in words: "35.3 MB of residuals".
struct MemoryNeed {
  std::size_t bytes = 0;
  std::string what = {};
};

/// Where a dataset is. A file is "PATH", or "PATH[HDU]" with an HDU's index or name, or
/// "PATH[DATASET]" for HDF5. A cube in our own HDF5 layout, or in a PynPoint database, brings its
/// angles, PSF and so on with it unless other files are named; where no angles are named for a FITS
/// file, its companion_files() are taken, unless others are named.
struct DatasetOptions {
  std::string cube = {};
  std::string hdu = {};  ///< of the cube, where its name has no [HDU]; empty: the first HDU with data
  std::string angles = {};
  std::string psf = {};
  std::string wavelengths = {};  ///< a file, or numbers "1.593,1.667"
  std::string reference = {};
  std::string pixel_scale = {};  ///< arcsec/px: a number, or a file with one
  std::string fwhm = {};         ///< px: a number, one for each channel "4.1,4.3", or a file with them
  Archive archive = Archive::vip;
  Axes axes = Axes::automatic;
  int angles_sign = 1;             ///< 1: derotation angles as VIP's; -1: the opposite (pyKLIP's)
  double angles_offset = 0;        ///< degrees added after the sign, to turn north up
  std::string angles_column = {};  ///< of a table; empty: the preset's column, or the only one
  WavelengthUnit wavelength_unit = WavelengthUnit::um;
  bool use_wavelengths = true;  ///< false: none are read, not even those beside the cube
  bool checksums = true;        ///< hash the input files, in threads of their own
  int threads = 0;              ///< that read and check; 0: OpenMP's default
  /// Where given: what will be done needs so much more memory for a cube (t, λ, y, x) and so many reference
  /// frames. It must be there before the cube is read. May throw InvalidInput where they do not fit the work.
  ///   parts  what is read by then: all but cube and reference
  std::function<MemoryNeed(const Extents<4>& cube, index_t references, const Dataset& parts)> work = {};
  /// Where the cube and the reference go; nullptr: host_memory().
  std::shared_ptr<Memory> memory = nullptr;

  /// For flags and configuration files.
  template <class Field>
  void fields(Field&& field) {
    field("hdu", hdu, "HDU of the cube, by index or name; default the first with data");
    field("archive", archive, "whose file conventions: vip, eidc, vigan-idl");
    field("axes", axes, "order of the cube's axes: auto, tyx, ltyx (VIP), tlyx");
    field("angles_sign", angles_sign, "1: derotation angles as VIP's; -1: the opposite, as pyKLIP's");
    field("angles_offset", angles_offset, "added to the angles after the sign, degrees");
    field("angles_column", angles_column, "column of the angles in a table");
  }
};

/// Reads everything the options name, and checks it: throws InvalidInput, naming file, HDU,
/// expected and found. What the headers and the small files tell is checked before the cube is read. Cube and
/// reference need about 1x their float32 size of memory, which is checked before together with that of
/// options.work. What was decided goes to the log and into notes.
///   progress  where given: its running stage is told the frames of the cube, and of the reference
Dataset load_dataset(const DatasetOptions& options, const Log& log = silent_log(), Progress* progress = nullptr);

class ArrayFile;  // engine/array_file.hpp

/// A cube in a file (FITS or HDF5) that is read in tiles of frames: for cubes larger than memory.
class CubeReader {
 public:
  /// name: "PATH" or "PATH[HDU]"; hdu: used where the name has none. Axes::automatic is what the
  /// archive says; our own HDF5 layout is always (t, λ, y, x). threads: that read; 0: OpenMP's default.
  explicit CubeReader(const std::string& name, const std::string& hdu = "", Axes axes = Axes::automatic,
                      Archive archive = Archive::vip, int threads = 0);
  CubeReader(CubeReader&&) noexcept;
  ~CubeReader();

  index_t frames() const;
  index_t channels() const;
  index_t height() const;
  index_t width() const;
  /// "cube.fits, HDU 0: (61, 101, 101) read as (t, y, x)".
  const std::string& description() const;
  /// The file behind it.
  const ArrayFile& file() const;
  /// Frames first .. first + count.  out (count, λ, y, x), dense, host
  ///   done  where given: told how many images (y, x) were read, time after time
  void read(index_t first, index_t count, SpectralCube<float> out,
            const std::function<void(index_t images)>& done = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One frame (y, x), of a FITS or HDF5 file: for maps that were made before. Axes of length 1 in
/// front are dropped; throws InvalidInput if there is more than one frame.
/// threads: that read; 0: OpenMP's default.
Array<float, 2> load_frame(const std::string& name, const std::string& hdu = "", int threads = 0);

/// What `cuhci info` shows.
struct FileDescription {
  struct Item {
    std::string name;            ///< "HDU 0", "HDU 1 'SCI'", "/cube"
    std::string type;            ///< "image float32", "binary table", "dataset float64"
    std::vector<index_t> shape;  ///< slowest axis first; rows of a table
    std::string meaning;         ///< "61 frames of 101 x 101 px", as the reader would take it
  };
  std::string path;
  std::string format;  ///< "FITS", "FITS, compressed file", "HDF5", "HDF5, PynPoint", "text", "JSON, ..."
  std::uintmax_t bytes = 0;
  std::vector<Item> items;
};
FileDescription describe_file(const std::string& path);

}  // namespace hci
