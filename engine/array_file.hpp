// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/fits.hpp"
#include "engine/hdf5.hpp"

namespace hci {

/// "PATH[SELECTOR]" taken apart. A file whose name really ends so is taken as it is.
struct FileName {
  std::string path, selector;
  static FileName parse(const std::string& name);
};

/// How many values a shape has, 1 for {}. Nothing where an axis is negative, or where they are more than
/// bytes can be counted for: no file holds so many, whatever its header says.
std::optional<index_t> value_count(const std::vector<index_t>& shape);

/// "(61, 101, 101)".
std::string shape_text(const std::vector<index_t>& shape);

/// The numbers of one FITS HDU, one HDF5 dataset or one text file, whatever the format.
class ArrayFile {
 public:
  /// name: "PATH[SELECTOR]", or "PATH" and the selector by itself. Throws InvalidInput if the file or
  /// what is selected is not there, and for two selectors.
  /// threads: as FitsFile's.
  explicit ArrayFile(const std::string& name, const std::string& selector = "", int threads = 0);

  const std::string& path() const { return path_; }
  /// "cube.fits, HDU 0: image (61, 101, 101), float32".
  const std::string& description() const { return description_; }
  /// Slowest axis first. {} for a scalar; (rows, columns) for a table.
  const std::vector<index_t>& shape() const { return shape_; }
  bool is_table() const { return fits_ != nullptr && fits_->hdu(hdu_).kind != HduInfo::Kind::image; }
  const std::vector<std::string>& columns() const { return fits_->hdu(hdu_).columns; }

  /// Frames first .. first + count, all axes before the last two counted as one.
  void read_frames(index_t first, index_t count, float* out) const;
  /// All values of an image, dataset or text. Throws InvalidInput where memory does not hold them.
  std::vector<double> read_all() const;
  std::vector<double> read_column(const std::string& column) const { return fits_->read_column(hdu_, column); }

  /// The HDF5 file and the dataset in it, or nullptr.
  const Hdf5File* hdf5() const { return hdf5_.get(); }
  const std::string& hdf5_dataset() const { return dataset_; }
  /// The FITS header of the HDU; empty for other formats.
  Header header() const { return fits_ ? fits_->header(hdu_) : Header{}; }

 private:
  std::string path_, description_, dataset_;
  std::vector<index_t> shape_;
  std::unique_ptr<FitsFile> fits_;
  int hdu_ = 0;
  std::unique_ptr<Hdf5File> hdf5_;
  std::vector<double> numbers_;
};

/// Whether a dataset of an HDF5 file is the /cube or /reference of our own layout (docs/formats.md).
bool is_own_layout(const ArrayFile& file);

/// Throws InvalidInput unless a file that can be read, with something in it, is there.
void require_file(const std::string& path);

/// Whether the first bytes say FITS, or a compressed file that may be one.
bool looks_like_fits(const std::string& path);

/// The numbers of a text file, separated by blanks, commas, semicolons or line ends; # begins a comment.
/// Throws InvalidInput with the line that holds something else.
std::vector<double> read_numbers(const std::string& path);

}  // namespace hci
