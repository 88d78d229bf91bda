// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/header.hpp"
#include "kernels/core/view.hpp"

namespace hci {

/// What one HDU of a FITS file is.
struct HduInfo {
  enum class Kind { image, ascii_table, binary_table };
  int index = 0;  ///< 0: the primary HDU
  Kind kind = Kind::image;
  std::string name;                  ///< EXTNAME, may be empty
  int bitpix = 0;                    ///< of an image: 8, 16, 32, 64, -32, -64, as stored
  bool scaled = false;               ///< an image with BSCALE or BZERO, or integers with BLANK
  bool compressed = false;           ///< a tile-compressed image
  std::vector<index_t> shape;        ///< of an image, slowest axis first as in numpy; {} without data
  bool scalar = false;               ///< an image without axes but with one value, as old astropy wrote scalars
  index_t rows = 0;                  ///< of a table
  std::vector<std::string> columns;  ///< of a table

  bool has_data() const;
  /// Values of an image: the product of its shape, 0 without data, 1 for an image without axes of length > 1.
  index_t size() const;
  /// Of an image: "float32", "int16, scaled", "uint8, tile-compressed".
  std::string type_text() const;
  /// "HDU 1 'SCI': image (61, 101, 101), float32".
  std::string description() const;
};

/// A FITS file that is read: plain, .gz, .fz, with extensions; any BITPIX. BZERO and BSCALE are
/// applied, BLANK becomes NaN. The name is taken literally: none of CFITSIO's bracket syntax.
/// Throws InvalidInput (file, HDU, expected, found). One object is for one thread at a time; several
/// objects may be used by several threads (CFITSIO is built reentrant on Debian and Ubuntu).
class FitsFile {
 public:
  /// threads: that read plain uncompressed images; 0: OpenMP's default.
  explicit FitsFile(const std::string& path, int threads = 0);
  FitsFile(FitsFile&&) noexcept;
  FitsFile& operator=(FitsFile&&) noexcept;
  ~FitsFile();

  const std::string& path() const;
  const std::vector<HduInfo>& hdus() const;
  const HduInfo& hdu(int index) const;
  /// The HDU that `name` says: an index ("0" is the primary) or an EXTNAME (without case). Empty:
  /// the first image with data, or if there is none the first table.
  const HduInfo& select(const std::string& name) const;

  Header header(int hdu) const;

  /// Values first .. first + count of an image in the order of the file (last axis fastest), as
  /// float32 or float64.
  void read(int hdu, index_t first, index_t count, float* out) const;
  void read(int hdu, index_t first, index_t count, double* out) const;
  /// Frames first .. first + count of an image of two or more axes, all axes before the last two
  /// counted as one: a cube of any size is read in tiles.
  ///   out (count, y, x), dense
  void read_frames(int hdu, index_t first, index_t count, Cube<float> out) const;
  /// A column of numbers, one for each row, of a table.
  std::vector<double> read_column(int hdu, const std::string& column) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A FITS file that is made. It appears under its name only by commit(), whole; before that it is
/// a temporary file in the same folder, which the destructor removes.
/// Throws InvalidInput if the file cannot be made or written.
class FitsWriter {
 public:
  /// Replaces an existing file (at commit).
  explicit FitsWriter(const std::string& path);
  FitsWriter(FitsWriter&&) noexcept;
  ~FitsWriter();

  /// Appends an image HDU, float32 or float64; the first call makes the primary HDU. Shapes as in
  /// numpy, views dense. Structural cards (SIMPLE, BITPIX, NAXIS*, ...) of `header` are left out.
  template <class T, int N>
  requires(std::is_same_v<std::remove_const_t<T>, float> ||
           std::is_same_v<std::remove_const_t<T>, double>) void image(View<T, N> data, const Header& header = {},
                                                                      const std::string& extname = "") {
    require_dense(data.is_dense());
    append({data.extents().n, data.extents().n + N}, data.data(), header, extname);
  }
  /// A 1-D float64 image.
  void image(const std::vector<double>& values, const Header& header = {}, const std::string& extname = "");

  /// Closes the file and gives it its name. Nothing may be appended after it.
  void commit();

 private:
  static void require_dense(bool dense);
  void append(const std::vector<index_t>& shape, const float* data, const Header& header, const std::string& extname);
  void append(const std::vector<index_t>& shape, const double* data, const Header& header, const std::string& extname);
  struct State;
  std::unique_ptr<State> state_;
};

/// One image in a file of its own.
template <class T, int N>
void write_fits(const std::string& path, View<T, N> data, const Header& header = {}) {
  FitsWriter writer(path);
  writer.image(data, header);
  writer.commit();
}
/// A vector as a 1-D float64 image: angles, wavelengths.
void write_fits(const std::string& path, const std::vector<double>& values, const Header& header = {});

}  // namespace hci
