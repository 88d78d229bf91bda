// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/dataset.hpp"

namespace hci {

/// An HDF5 file that is read: our own layout or a PynPoint database (docs/formats.md).
/// Throws InvalidInput (file, dataset, expected, found). For one thread at a time; HDF5 as
/// Debian and Ubuntu build it is thread-safe between objects.
class Hdf5File {
 public:
  struct DatasetInfo {
    std::string name;  ///< "/cube", "/header_science/PARANG"
    std::string type;  ///< "float32", "int16", "string", ...
    std::vector<index_t> shape;
    index_t size() const;
  };

  explicit Hdf5File(const std::string& path);
  Hdf5File(Hdf5File&&) noexcept;
  ~Hdf5File();

  const std::string& path() const;
  /// All datasets of the file, in the order of their names.
  const std::vector<DatasetInfo>& datasets() const;
  const DatasetInfo* find(const std::string& name) const;
  /// Throws unless there is a dataset of that name; the leading slash may be left out.
  const DatasetInfo& dataset(const std::string& name) const;

  /// Frames first .. first + count of a dataset of 2 to 4 axes, all axes before the last two counted
  /// as one, converted to float32.
  void read_frames(const std::string& name, index_t first, index_t count, float* out) const;
  std::vector<double> read_all(const std::string& name) const;
  /// Attribute `name` of an object ("/" is the file): a number, or text.
  std::optional<double> number(const std::string& object, const std::string& name) const;
  std::optional<std::string> text(const std::string& object, const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether the file begins as an HDF5 file does.
bool is_hdf5(const std::string& path);

/// Writes a dataset in our own layout, atomically.
void write_hdf5(const std::string& path, const Dataset& dataset);

}  // namespace hci
