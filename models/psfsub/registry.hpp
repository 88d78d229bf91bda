// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/params.hpp"
#include "models/psfsub/psf_subtraction.hpp"

namespace hci {

/// Values of parameters by name, as text: {{"ncomp", "20"}, {"scaling", "temp-mean"}}.
using Settings = std::map<std::string, std::string, std::less<>>;

/// A parameter as --help and the documentation show it.
struct ParameterInfo {
  std::string name;
  std::string default_text;
  std::string help;
};

/// A PSF subtraction that can be asked for by name.
struct AlgorithmInfo {
  std::string name;     ///< "pca"
  std::string summary;  ///< one line
  std::vector<ParameterInfo> parameters;
  /// Makes one with these settings, defaults for the rest. Throws InvalidInput for a name that is
  /// not among the parameters and for a value that cannot be read.
  std::function<std::unique_ptr<PsfSubtraction>(const Settings&)> make;
};

/// All of them, by name.
const std::map<std::string, AlgorithmInfo, std::less<>>& psf_subtractions();
/// The one of that name; throws InvalidInput that lists the known ones.
const AlgorithmInfo& psf_subtraction(std::string_view name);

void register_psf_subtraction(AlgorithmInfo info);

/// The fields of a parameter struct with their present values.
template <class Params>
std::vector<ParameterInfo> list_parameters(Params params) {
  std::vector<ParameterInfo> list;
  params.fields([&](std::string_view name, const auto& value, std::string_view help) {
    list.push_back({std::string(name), to_text(value), std::string(help)});
  });
  return list;
}

/// Sets the fields that are named in settings; `owner` is for the message about unknown names.
template <class Params>
void apply_settings(const Settings& settings, std::string_view owner, Params& params) {
  std::string known;
  std::size_t used = 0;
  params.fields([&](std::string_view name, auto& value, std::string_view) {
    known += (known.empty() ? "" : ", ") + std::string(name);
    const auto found = settings.find(name);
    if (found == settings.end()) return;
    ++used;
    try {
      from_text(found->second, value);
    } catch (const InvalidInput& error) {
      throw InvalidInput(std::string(owner) + ": " + std::string(name) + ": " + error.what());
    }
  });
  if (used == settings.size()) return;
  for (const auto& [name, value] : settings)
    if ((", " + known + ",").find(", " + name + ",") == std::string::npos)
      throw InvalidInput(std::string(owner) + " has no parameter '" + name + "'; it has: " + known);
}

/// Registers an algorithm when the library is loaded:
///   const Registration<Pca> registration("pca", "principal components ...");
/// Algorithm needs a Params struct with fields() and a constructor that takes it and checks it.
template <class Algorithm>
class Registration {
 public:
  Registration(std::string name, std::string summary) {
    using Params = typename Algorithm::Params;
    auto make = [name](const Settings& settings) -> std::unique_ptr<PsfSubtraction> {
      Params params;
      apply_settings(settings, name, params);
      return std::make_unique<Algorithm>(params);
    };
    register_psf_subtraction({name, std::move(summary), list_parameters(Params{}), std::move(make)});
  }
};

}  // namespace hci
