// SPDX-License-Identifier: MIT
#pragma once
// The data-driven golden test: shared/goldens/manifest.json says which call of the reference tools
// made which file; a runner here makes the same call of ours. To cover more: write a runner for the
// function's name (any file in this folder), and add the entries' names to covered.txt.
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kernels/core/copy.hpp"

namespace hci::test {

/// A host array as NumPy has it: shape, and values in C order.
struct NdArray {
  std::vector<index_t> shape;
  std::vector<float> values;

  index_t size() const { return static_cast<index_t>(values.size()); }
  /// View of the last three axes; (y, x) becomes one frame.
  Cube<const float> cube() const;
  Frame<const float> frame() const;
};
NdArray nd_array(Cube<const float> host);
/// As the cube of a Dataset, (t, λ, y, x), on the host: of (t, y, x), or of VIP's (λ, t, y, x).
Array<float, 4> dataset_cube(const NdArray& cube);
NdArray nd_array(Frame<const float> host);

/// One entry of the manifest.
class GoldenCase {
 public:
  GoldenCase(std::string name, const nlohmann::json& entry) : name_(std::move(name)), entry_(entry) {}
  const std::string& name() const { return name_; }
  const nlohmann::json& entry() const { return entry_; }
  /// "vip_hci.preproc.derotation.cube_derotate", or "__main__.segmap".
  std::string function() const;

  /// Whether the argument is given and not None.
  bool has(const std::string& argument) const;
  /// The argument's value; `fallback` where it is absent or None.
  template <class T>
  T get(const std::string& argument, T fallback) const {
    return has(argument) ? entry_.at("args").at(argument).get<T>() : fallback;
  }
  /// The argument as JSON (null where absent).
  nlohmann::json json(const std::string& argument) const;
  /// An array argument, read and sliced as the manifest says. Throws where it cannot be made.
  NdArray array(const std::string& argument) const;
  /// A one-dimensional array argument, or a list, in double.
  std::vector<double> numbers(const std::string& argument) const;

 private:
  std::string name_;
  const nlohmann::json& entry_;
};

/// What a runner gives back: the arrays by the manifest's file keys ("main", ...), and the scalars.
struct GoldenResult {
  std::map<std::string, NdArray> files;
  nlohmann::json scalars = nlohmann::json::object();
};
inline GoldenResult main_result(NdArray array) { return {{{"main", std::move(array)}}}; }

/// Makes the call of a case on the Exec; nothing if it uses what we do not have (yet).
using GoldenRunner = std::function<std::optional<GoldenResult>(Exec&, const GoldenCase&)>;

/// Runners by the reference's function name.
std::map<std::string, GoldenRunner>& golden_runners();

/// Use: const GoldenRegistration r("vip_hci....cube_collapse", [](Exec& exec, const GoldenCase& c) {...});
struct GoldenRegistration {
  GoldenRegistration(const char* function, GoldenRunner runner) {
    golden_runners().emplace(function, std::move(runner));
  }
};

}  // namespace hci::test
