// SPDX-License-Identifier: MIT
#include "engine/dataset.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "engine/array_file.hpp"
#include "engine/checksum.hpp"
#include "engine/params.hpp"
#include "engine/progress.hpp"
#include "engine/system_memory.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace {

/// Six digits are enough for people.
std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Builds a Dataset from the options, one part after the other.
class Loader {
 public:
  Loader(DatasetOptions options, const Log& log, Progress* progress)
      : options_(std::move(options)), log_(log), progress_(progress) {}
  Dataset load();

 private:
  void note(const std::string& text) {
    data_.notes.push_back(text);
    log_(LogLevel::info, text);
  }
  bool wanted(const std::string& option) const { return options_.use_wavelengths || &option != &options_.wavelengths; }
  void input(const std::string& role, const std::string& name);
  void take_neighbours();
  void take_companions(const ArrayFile& cube);
  void look_for_pixel_scale(const Header& header);
  void open_reference(const CubeReader& cube);
  void require_memory_for(const CubeReader& cube);
  Array<float, 4> read_cube(const CubeReader& reader, index_t images_before);
  void check_frames(const CubeReader& reader, const Array<float, 4>& cube);
  void read_angles();
  std::vector<double> angle_values(const ArrayFile& file);
  std::vector<double> table_angles(const ArrayFile& file);
  void read_psf();
  void read_wavelengths();
  void read_pixel_scale();
  void read_fwhm();
  std::vector<double> numbers(const char* role, const std::string& text);

  DatasetOptions options_;
  const Log& log_;
  Progress* progress_;
  Dataset data_;
  index_t frames_ = 0, channels_ = 0;  ///< of the cube, known from its header
  std::optional<CubeReader> reference_;
  std::optional<double> own_pixel_scale_;
  std::string own_pixel_scale_from_;
};

void Loader::input(const std::string& role, const std::string& name) {
  const std::string path = FileName::parse(name).path;
  data_.inputs.push_back({role, path, options_.checksums ? std::make_shared<FileHash>(path) : nullptr, name});
}

/// Headers disagree on the unit of the pixel scale: it is shown and not taken.
void Loader::look_for_pixel_scale(const Header& header) {
  if (!options_.pixel_scale.empty()) return;
  for (const char* name : {"PIXSCALE", "PIXSCAL"})
    if (const auto value = header.number(name))
      note(options_.cube + ": the header's " + name + " = " + to_text(*value) +
           " is not taken; --pixel-scale gives it in arcsec/px");
}

/// The data challenge's and the SPHERE data centre's files, where only the cube was named.
void Loader::take_neighbours() {
  if (!options_.angles.empty()) return;
  const std::pair<const char*, std::string*> parts[] = {{"angles", &options_.angles},
                                                        {"psf", &options_.psf},
                                                        {"wavelengths", &options_.wavelengths},
                                                        {"pixel_scale", &options_.pixel_scale}};
  const auto files = companion_files(options_.cube);
  for (const auto& [role, option] : parts)
    if (const auto file = files.find(role); option->empty() && file != files.end() && wanted(*option)) {
      *option = file->second;
      note(std::string(role) + ": " + *option + " taken, since it lies beside the cube and no other was named");
    }
  // Only the second phase has names that begin so; its angles come with the airmass.
  if (std::filesystem::path(options_.angles).filename().string().rfind("parallactic_angles", 0) == 0 &&
      options_.archive == Archive::vip) {
    options_.archive = Archive::eidc;
    note("archive: eidc, by the name of " + options_.angles);
  }
}

/// What our own layout and PynPoint's keep beside the cube, unless other files were named.
void Loader::take_companions(const ArrayFile& cube) {
  const Hdf5File* file = cube.hdf5();
  if (file == nullptr) return look_for_pixel_scale(cube.header());
  const auto take = [&](std::string& option, const std::string& dataset) {
    if (!option.empty() || file->find(dataset) == nullptr || !wanted(option)) return;
    option = file->path() + "[" + dataset + "]";
    note(option + " taken, since no other was named");
  };
  const std::string parang = "/header_" + cube.hdf5_dataset().substr(1) + "/PARANG";
  if (file->find(parang) != nullptr) {
    take(options_.angles, parang);
    own_pixel_scale_ = file->number(cube.hdf5_dataset(), "PIXSCALE");
    own_pixel_scale_from_ = cube.hdf5_dataset() + ", attribute PIXSCALE";
  } else if (is_own_layout(cube)) {
    take(options_.angles, "/angles");
    take(options_.psf, "/psf");
    take(options_.wavelengths, "/wavelengths");
    take(options_.reference, "/reference");
    take(options_.fwhm, "/fwhm");
    own_pixel_scale_ = file->number("/", "pixel_scale");
    own_pixel_scale_from_ = "attribute pixel_scale";
  }
}

Extents<4> extents_of(const CubeReader& reader) {
  return {reader.frames(), reader.channels(), reader.height(), reader.width()};
}

/// Cube, reference and the work on them are there at the same time.
void Loader::require_memory_for(const CubeReader& cube) {
  const index_t references = reference_ ? reference_->frames() : 0;
  const MemoryNeed work = options_.work ? options_.work(extents_of(cube), references, data_) : MemoryNeed{};
  const auto bytes = [](const CubeReader& reader) {
    return static_cast<std::size_t>(extents_of(reader).size()) * sizeof(float);
  };
  require_memory(bytes(cube) + (reference_ ? bytes(*reference_) : 0) + work.bytes,
                 "the cube " + cube.description() +
                     (reference_ ? ", with the reference " + reference_->description() : "") +
                     (work.bytes == 0 ? "" : ", with " + work.what + ","),
                 "use fewer frames, crop them, or a machine with more memory");
}

Array<float, 4> Loader::read_cube(const CubeReader& reader, index_t images_before) {
  const Extents<4> extents = extents_of(reader);
  Array<float, 4> cube(options_.memory ? options_.memory : host_memory(), extents);
  if (progress_ != nullptr) progress_->expect(extents[0] * extents[1] + images_before);
  reader.read(0, extents[0], cube.view(), [&](index_t images) {
    if (progress_ != nullptr) progress_->advance(images);
  });
  check_frames(reader, cube);
  return cube;
}

/// Refuses infinite values, and frames without a value; says how much is masked.
void Loader::check_frames(const CubeReader& reader, const Array<float, 4>& cube) {
  const index_t frames = cube.extent(0) * cube.extent(1), pixels = cube.extent(2) * cube.extent(3);
  enum Verdict : char { good, all_nan, all_zero, infinite };
  std::vector<char> verdict(static_cast<std::size_t>(frames));
  index_t nans = 0;
#pragma omp parallel for schedule(static) reduction(+ : nans) \
    num_threads(options_.threads > 0 ? options_.threads : omp_get_max_threads())
  for (index_t f = 0; f < frames; ++f) {
    const float* values = cube.data() + f * pixels;
    index_t nan = 0, zero = 0, inf = 0;
    for (index_t i = 0; i < pixels; ++i) {
      nan += values[i] != values[i];
      zero += values[i] == 0.0F;
      inf += std::fabs(values[i]) > 3.4028235e38F;
    }
    nans += nan;
    verdict[static_cast<std::size_t>(f)] = inf > 0                            ? infinite
                                           : nan == pixels                    ? all_nan
                                           : nan + zero == pixels && zero > 0 ? all_zero
                                                                              : good;
  }
  index_t bad = 0, first = -1;
  for (index_t f = 0; f < frames; ++f)
    if (verdict[static_cast<std::size_t>(f)] != good && bad++ == 0) first = f;
  if (bad > 0) {
    const char kind = verdict[static_cast<std::size_t>(first)];
    const index_t channels = cube.extent(1);
    const std::string where = "frame " + std::to_string(first / channels) +
                              (channels > 1 ? ", channel " + std::to_string(first % channels) : "");
    const std::string found = kind == infinite  ? "has infinite values"
                              : kind == all_nan ? "is entirely NaN"
                                                : "is entirely zero";
    throw InvalidInput(reader.file().description() + ": " +
                       (bad == frames ? "every frame " : where + " (counted from 0) ") + found +
                       (bad == frames || bad == 1
                            ? ""
                            : ", " + std::to_string(bad) + " of " + std::to_string(frames) + " frames are unusable") +
                       (bad == frames ? "; expected counts" : "; remove such frames and their angles"));
  }
  if (nans > 0) note(std::to_string(nans) + " of " + std::to_string(cube.size()) + " pixels are NaN: masked");
}

/// Values of a table's column; for Vigan's IDL files, PA + PUPOFF.
std::vector<double> Loader::table_angles(const ArrayFile& file) {
  const auto& columns = file.columns();
  if (!options_.angles_column.empty()) return file.read_column(options_.angles_column);
  if (options_.archive == Archive::vigan_idl) {
    std::vector<double> angles = file.read_column("PA");
    const std::vector<double> offset = file.read_column("PUPOFF");
    for (std::size_t i = 0; i < angles.size(); ++i) angles[i] += offset[i];
    note("angles: columns PA + PUPOFF");
    return angles;
  }
  require(columns.size() == 1, file.description(), ": expected one column, or its name by --angles-column, found ",
          columns.size());
  return file.read_column(columns[0]);
}

std::vector<double> Loader::angle_values(const ArrayFile& file) {
  if (file.is_table()) return table_angles(file);
  const auto& shape = file.shape();
  const auto longer_than_one = std::count_if(shape.begin(), shape.end(), [](index_t n) { return n > 1; });
  std::vector<double> values = file.read_all();
  if (longer_than_one <= 1) return values;
  // The data challenge's second phase keeps angle and airmass in one image.
  const index_t frames = frames_;
  if (options_.archive == Archive::eidc && shape.size() == 2 && (shape[0] == 2 || shape[1] == 2)) {
    const bool in_rows = shape[1] == frames && shape[0] == 2;
    std::vector<double> angles;
    for (index_t i = 0; i < std::max(shape[0], shape[1]); ++i)
      angles.push_back(values[static_cast<std::size_t>(in_rows ? i : 2 * i)]);
    note("angles: the first of (angle, airmass)");
    return angles;
  }
  throw InvalidInput(file.description() + ": expected " + std::to_string(frames) +
                     " angles in one row or column, found shape " + shape_text(shape));
}

void Loader::read_angles() {
  if (options_.angles.empty()) return;
  require(options_.angles_sign == 1 || options_.angles_sign == -1, "angles_sign: expected 1 or -1, found ",
          options_.angles_sign);
  require(std::isfinite(options_.angles_offset), "angles_offset: expected a number of degrees, found ",
          options_.angles_offset);
  const ArrayFile file(options_.angles, "", options_.threads);
  require(options_.angles_column.empty() || file.is_table(), "angles_column: only with a table, found ",
          file.description());
  std::vector<double> angles = angle_values(file);
  const auto found = static_cast<index_t>(angles.size());
  require(found == frames_, file.description(), ": expected ", frames_, " angles, one for each frame of ",
          options_.cube, ", found ", found,
          found == channels_ ? "; that many are its channels: is its order of axes another one (--axes)?" : "");
  for (std::size_t i = 0; i < angles.size(); ++i) {
    require(std::isfinite(angles[i]), file.description(), ": angle ", i, " (counted from 0) is ", angles[i],
            ", expected a number of degrees");
    angles[i] = options_.angles_sign * angles[i] + options_.angles_offset;
  }
  const auto [low, high] = std::minmax_element(angles.begin(), angles.end());
  note("angles: " + file.description() + ", " + (options_.angles_sign < 0 ? "sign turned" : "taken as they are") +
       (options_.angles_offset != 0 ? ", " + to_text(options_.angles_offset) + " degrees added" : "") + ": " +
       short_text(*low) + " to " + short_text(*high) + " degrees");
  if (*low == *high && found > 1)
    log_(LogLevel::warning, file.description() + ": all angles are equal: no field rotation");
  data_.angles = std::move(angles);
  input("angles", options_.angles);
}

void Loader::read_psf() {
  if (options_.psf.empty()) return;
  const ArrayFile file(options_.psf, "", options_.threads);
  const auto& shape = file.shape();
  require(!file.is_table() && shape.size() >= 2 && shape.size() <= 4, file.description(),
          ": expected a PSF (y, x) or (λ, y, x), found ", file.is_table() ? "a table" : shape_text(shape));
  const index_t y = shape[shape.size() - 2], x = shape[shape.size() - 1], pixels = y * x;
  const index_t channels = shape.size() == 2 ? 1 : shape[0], exposures = shape.size() == 4 ? shape[1] : 1;
  require(channels == channels_, file.description(), ": expected ", channels_, " PSF, one for each channel of ",
          options_.cube, ", found ", channels);
  require(y == x, file.description(), ": expected square frames, found ", y, " x ", x, " px: cut them");
  require_memory(static_cast<std::size_t>(channels * exposures * pixels) * sizeof(float),
                 "the PSF " + file.description(), "cut its frames, or average its exposures");
  std::vector<float> all(static_cast<std::size_t>(channels * exposures * pixels));
  file.read_frames(0, channels * exposures, all.data());
  data_.psf = host_array<float, 3>({channels, y, x});
  for (index_t c = 0; c < channels; ++c) {
    bool positive = false;
    for (index_t i = 0; i < pixels; ++i) {
      double sum = 0;
      for (index_t e = 0; e < exposures; ++e) sum += all[static_cast<std::size_t>((c * exposures + e) * pixels + i)];
      data_.psf.data()[c * pixels + i] = static_cast<float>(sum / static_cast<double>(exposures));
      positive = positive || (std::isfinite(sum) && sum > 0);
    }
    require(positive, file.description(), ": expected a star, found no finite positive value in channel ", c);
  }
  note("psf: " + file.description() + (exposures > 1 ? ", mean of " + std::to_string(exposures) + " exposures" : "") +
       (y % 2 == 0 ? ", an even number of pixels: no pixel is its centre" : ""));
  input("psf", options_.psf);
}

/// "1.5,2" or the name of a file with numbers.
std::vector<double> Loader::numbers(const char* role, const std::string& text) {
  std::error_code error;
  if (!std::filesystem::exists(FileName::parse(text).path, error)) {
    std::string flag = "--" + std::string(role);
    std::replace(flag.begin(), flag.end(), '_', '-');
    const std::string wrong = flag + ": expected numbers or a file, found '" + text + "': ";
    require(text.find_first_not_of("0123456789+-.eE, naif") == std::string::npos, wrong, "no such file");
    std::vector<double> values;
    try {
      from_text(text, values);
    } catch (const InvalidInput& why) {
      throw InvalidInput(wrong + why.what());
    }
    return values;
  }
  const ArrayFile file(text, "", options_.threads);
  if (file.is_table()) {
    require(file.columns().size() == 1, file.description(), ": expected one column");
    input(role, text);
    return file.read_column(file.columns()[0]);
  }
  std::vector<double> values = file.read_all();
  const auto& shape = file.shape();
  require(std::count_if(shape.begin(), shape.end(), [](index_t n) { return n > 1; }) <= 1, file.description(),
          ": expected numbers in one row or column, found shape ", shape_text(shape));
  note(std::string(role) + ": " + file.description());
  input(role, text);
  return values;
}

void Loader::read_wavelengths() {
  if (options_.wavelengths.empty() || !options_.use_wavelengths) return;
  std::vector<double> values = numbers("wavelengths", options_.wavelengths);
  require(static_cast<index_t>(values.size()) == channels_, options_.wavelengths, ": expected ", channels_,
          " wavelengths, one for each channel of ", options_.cube, ", found ", values.size());
  constexpr double unit[] = {1, 1e-3, 1e6, 1e-4};
  for (double& value : values) {
    const double given = value;
    value *= unit[static_cast<int>(options_.wavelength_unit)];
    require(value >= 0.1 && value <= 1000, options_.wavelengths, ": a wavelength of ", given, " ",
            to_text(options_.wavelength_unit), ": expected 0.1 to 1000 µm; is the unit another one (wavelength_unit)?");
  }
  data_.wavelengths = std::move(values);
}

void Loader::open_reference(const CubeReader& cube) {
  if (options_.reference.empty()) return;
  reference_.emplace(options_.reference, "", options_.axes, options_.archive, options_.threads);
  require(reference_->channels() == cube.channels() && reference_->height() == cube.height() &&
              reference_->width() == cube.width(),
          "the reference ", reference_->description(), ": expected ", cube.channels(), " channels of ", cube.height(),
          " x ", cube.width(), " px, as ", options_.cube, " has");
}

void Loader::read_pixel_scale() {
  std::string from = options_.pixel_scale;
  if (options_.pixel_scale.empty()) {
    data_.pixel_scale = own_pixel_scale_;
    from = options_.cube + ", " + own_pixel_scale_from_;
  } else {
    const std::vector<double> values = numbers("pixel_scale", options_.pixel_scale);
    require(values.size() == 1, "pixel_scale: expected one number, found ", values.size(), " in ", from);
    data_.pixel_scale = values[0];
  }
  if (!data_.pixel_scale) return;
  require(std::isfinite(*data_.pixel_scale) && *data_.pixel_scale > 0,
          "pixel_scale: expected arcsec/px above 0, found ", *data_.pixel_scale, " in ", from);
  note("pixel scale: " + to_text(*data_.pixel_scale) + " arcsec/px");
}

void Loader::read_fwhm() {
  if (options_.fwhm.empty()) return;
  std::vector<double> values = numbers("fwhm", options_.fwhm);
  const auto channels = static_cast<std::size_t>(channels_);
  require(values.size() == 1 || values.size() == channels, "fwhm: expected one number",
          channels > 1 ? ", or " + std::to_string(channels) + ", one for each channel" : "", ", found ", values.size(),
          " in ", options_.fwhm);
  for (double value : values)
    require(std::isfinite(value) && value > 0, "fwhm: expected px above 0, found ", value, " in ", options_.fwhm);
  if (values.size() == 1) values.resize(channels, values[0]);
  data_.fwhm = std::move(values);
}

Dataset Loader::load() {
  require(!options_.cube.empty(), "expected the name of a cube, found nothing");
  take_neighbours();
  const CubeReader reader(options_.cube, options_.hdu, options_.axes, options_.archive, options_.threads);
  frames_ = reader.frames();
  channels_ = reader.channels();
  input("cube", options_.cube);
  note("cube: " + reader.description());
  take_companions(reader.file());
  open_reference(reader);
  read_angles();
  read_psf();
  read_wavelengths();
  read_pixel_scale();
  read_fwhm();
  require_memory_for(reader);
  data_.cube = read_cube(reader, 0);
  if (reference_) {
    input("reference", options_.reference);
    note("reference: " + reference_->description());
    data_.reference = read_cube(*reference_, frames_ * channels_);
  }
  data_.archive = options_.archive;
  return std::move(data_);
}

}  // namespace

std::string InputFile::checksum() const { return hash ? "sha256:" + hash->get() : std::string(); }

Dataset load_dataset(const DatasetOptions& options, const Log& log, Progress* progress) {
  return Loader(options, log, progress).load();
}

}  // namespace hci
