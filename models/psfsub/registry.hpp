// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/settings.hpp"
#include "models/psfsub/psf_subtraction.hpp"

namespace hci {

/// A parameter as --help shows it.
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
  /// Makes one, its parameters taken from what was set, defaults for the rest. Throws InvalidInput
  /// for a value that cannot be read or used.
  std::function<std::unique_ptr<PsfSubtraction>(Settings&)> make;
};

/// All of them, by name.
const std::map<std::string, AlgorithmInfo, std::less<>>& psf_subtractions();
/// The one of that name; throws InvalidInput that lists the known ones.
const AlgorithmInfo& psf_subtraction(std::string_view name);
/// One of that name with these parameters: {{"ncomp", "20"}}. Throws InvalidInput for an unknown one.
std::unique_ptr<PsfSubtraction> make_psf_subtraction(
    std::string_view name, const std::vector<std::pair<std::string, std::string>>& parameters = {});

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

/// Registers an algorithm when the library is loaded:
///   const Registration<Pca> registration("pca", "principal components ...");
/// Algorithm needs a Params struct with fields() and a constructor that takes it and checks it.
template <class Algorithm>
class Registration {
 public:
  Registration(std::string name, std::string summary) {
    using Params = typename Algorithm::Params;
    auto make = [](Settings& settings) -> std::unique_ptr<PsfSubtraction> {
      Params params;
      settings.apply(params);
      return std::make_unique<Algorithm>(params);
    };
    register_psf_subtraction({std::move(name), std::move(summary), list_parameters(Params{}), std::move(make)});
  }
};

}  // namespace hci
