// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/dataset.hpp"
#include "engine/fits.hpp"
#include "engine/header.hpp"
#include "engine/params.hpp"
#include "engine/png.hpp"
#include "engine/unfinished.hpp"

namespace hci {

/// How a product came about; becomes header cards and the "provenance" part of the summary, so that
/// the product can be made again.
struct Provenance {
  std::string command = {};                                      ///< the command line, may be empty
  std::vector<std::pair<std::string, std::string>> recipe = {};  ///< (name, text) of every parameter, in order
  std::string device = {};                                       ///< "cpu: AMD EPYC ..., 2 threads"
  std::vector<InputFile> inputs = {};

  /// Appends the fields of a parameter struct (engine/params.hpp).
  template <class Params>
  void add(Params params) {
    params.fields([&](std::string_view name, const auto& value, std::string_view) {
      recipe.emplace_back(std::string(name), to_text(value));
    });
  }
};

/// ORIGIN, CREATOR with version and commit, DATE, device, inputs with checksums, recipe.
Header provenance_header(const Provenance& provenance);

/// A JSON object made of dotted names: set("peak.x", 61.7). Order is kept; NaN and infinity become
/// null.
class Summary {
 public:
  using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>, std::vector<std::string>>;
  void set(const std::string& name, Value value);
  /// Adds everything of a provenance below "provenance".
  void set(const Provenance& provenance);
  /// Appends {fields...} to the list `name`: detections.
  void append(const std::string& name, const std::vector<std::pair<std::string, Value>>& fields);
  std::string to_json() const;

 private:
  struct Entry {
    std::string name;
    std::vector<std::pair<std::string, Value>> fields;  ///< one without name, or those of a list's item
    bool item = false;
  };
  std::vector<Entry> entries_;
};

/// The folder that a run fills. Files are written under temporary names in it and get their names,
/// all of them, at commit(); without it the destructor leaves the folder as it was found.
class OutputFolder {
 public:
  /// Makes the folder (and its parents) where needed. Throws InvalidInput at once if it cannot be
  /// made or written.
  explicit OutputFolder(const std::filesystem::path& path);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  const std::filesystem::path& path() const { return path_; }

  /// Host data, dense.
  template <class T, int N>
  void write_fits(const std::string& name, View<T, N> data, const Header& header = {}) {
    hci::write_fits(staged(name), data, header);
  }
  void write_fits(const std::string& name, const std::vector<double>& values, const Header& header = {}) {
    hci::write_fits(staged(name), values, header);
  }
  void write_png(const std::string& name, Frame<const float> frame, const Picture& picture = {}) {
    hci::write_png(staged(name), frame, picture);
  }
  void write_text(const std::string& name, const std::string& text);
  void write_json(const std::string& name, const Summary& summary) { write_text(name, summary.to_json()); }
  /// A path for a file that somebody else writes; commit() gives it its name.
  std::string staged(const std::string& name);

  /// Throws InvalidInput if a file of one of these names in the folder is one of the inputs, which it would
  /// replace. Inputs are as the user gave them: "PATH", "PATH[HDU]", or no file at all ("4.8").
  void keep_apart(const std::vector<std::string>& products, const std::vector<std::string>& inputs) const;

  /// Throws InvalidInput if something of one of these names in the folder is not a product of ours (see
  /// is_own_product): nobody else's file is replaced or removed.
  void require_own(const std::vector<std::string>& products) const;

  /// Gives every file its name, replacing older ones. Files of the names in `products` that were not
  /// written are left over from an earlier run and are removed; require_own() holds for all of these
  /// names. Call it once, last.
  void commit(const std::vector<std::string>& products = {});

 private:
  void remove_made() noexcept;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> made_;  ///< folders that we made, outermost first
  std::vector<std::pair<std::filesystem::path, std::filesystem::path>> files_;  ///< staged, final
  std::vector<Unfinished> unfinished_;  ///< made_ and the staged ones of files_, in case of a signal
};

}  // namespace hci
