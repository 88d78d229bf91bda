// SPDX-License-Identifier: MIT
#include "models/psfsub/registry.hpp"

namespace hci {
namespace {

/// Made when first asked for, since registrations run in any order before main().
std::map<std::string, AlgorithmInfo, std::less<>>& registered() {
  static std::map<std::string, AlgorithmInfo, std::less<>> algorithms;
  return algorithms;
}

}  // namespace

const std::map<std::string, AlgorithmInfo, std::less<>>& psf_subtractions() { return registered(); }

const AlgorithmInfo& psf_subtraction(std::string_view name) {
  const auto found = registered().find(name);
  if (found != registered().end()) return found->second;
  std::string known;
  for (const auto& [known_name, info] : registered()) known += (known.empty() ? "" : ", ") + known_name;
  throw InvalidInput("there is no algorithm '" + std::string(name) + "'; there are: " + known);
}

std::unique_ptr<PsfSubtraction> make_psf_subtraction(
    std::string_view name, const std::vector<std::pair<std::string, std::string>>& parameters) {
  Settings settings;
  for (const auto& [parameter, text] : parameters) settings.set(parameter, text, parameter);
  auto algorithm = psf_subtraction(name).make(settings);
  settings.require_all_used("is no parameter of " + std::string(name));
  return algorithm;
}

void register_psf_subtraction(AlgorithmInfo info) {
  std::string name = info.name;
  registered().insert_or_assign(std::move(name), std::move(info));
}

}  // namespace hci
