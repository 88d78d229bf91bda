// SPDX-License-Identifier: MIT
// Runs every entry of the manifest that has a runner, on every device, and ends with a count.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/golden/golden.hpp"
#include "tests/support/data.hpp"
#include "tests/support/devices.hpp"
#include "tests/support/fits_array.hpp"

namespace hci::test {
namespace {

using nlohmann::json;

/// Python wrote NaN and Infinity as bare words; JSON has null.
json read_manifest(const std::filesystem::path& path) {
  std::stringstream stream;
  stream << std::ifstream(path).rdbuf();
  std::string text = stream.str(), plain;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    bool word = false;
    for (const char* bare : {"NaN", "-Infinity", "Infinity"}) {
      if (quoted || word || text.compare(i, std::strlen(bare), bare) != 0) continue;
      plain += "null";
      i += std::strlen(bare) - 1;
      word = true;
    }
    if (!word) plain += text[i];
  }
  return json::parse(plain);
}

std::set<std::string> covered_names() {
  std::ifstream list(source_folder() / "tests" / "golden" / "covered.txt");
  std::set<std::string> names;
  for (std::string line; std::getline(list, line);)
    if (!line.empty() && line[0] != '#') names.insert(line);
  return names;
}

/// Empty when the arrays agree as the manifest's tolerance_semantics say.
std::string array_difference(const NdArray& ours, const NdArray& golden, const json& tolerance) {
  if (ours.shape != golden.shape) return "shape differs";
  const double rtol = tolerance.value("rtol", 1e-5), atol = tolerance.value("atol", 0.0);
  const bool outliers_allowed = tolerance.contains("frac");
  index_t finite = 0, off = 0;
  double worst = 0, n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  bool outlier_too_far = false;
  for (std::size_t i = 0; i < golden.values.size(); ++i) {
    const double a = ours.values[i], b = golden.values[i];
    if (std::isfinite(a) != std::isfinite(b)) return "NaN pattern differs at " + std::to_string(i);
    if (!std::isfinite(b)) continue;
    ++finite;
    const double difference = std::abs(a - b);
    worst = std::max(worst, difference);
    if (difference > atol + rtol * std::abs(b)) ++off;
    if (tolerance.contains("atol_outliers") &&
        difference > tolerance["atol_outliers"].get<double>() + rtol * std::abs(b))
      outlier_too_far = true;
    if (b == 0) continue;
    n += 1, sx += a, sy += b, sxx += a * a, syy += b * b, sxy += a * b;
  }
  std::ostringstream text;
  text << off << " of " << finite << " pixels beyond atol " << atol << " + rtol " << rtol << ", worst " << worst;
  if (tolerance.contains("corr_min")) {
    const double correlation = (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
    if (correlation >= tolerance["corr_min"].get<double>()) return "";
    text << ", correlation " << correlation << " below " << tolerance["corr_min"];
    return text.str();
  }
  const double share = finite == 0 ? 1.0 : 1.0 - static_cast<double>(off) / static_cast<double>(finite);
  const double wanted = outliers_allowed ? tolerance["frac"].get<double>() : 0.999;
  if (share >= wanted && !outlier_too_far) return "";
  text << (outlier_too_far ? ", an outlier beyond atol_outliers" : "");
  return text.str();
}

std::string scalar_difference(const json& ours, const json& golden, double rtol, double atol, const std::string& at) {
  if (golden.is_number()) {
    if (!ours.is_number()) return at + " is missing";
    const double a = ours.get<double>(), b = golden.get<double>();
    if (std::abs(a - b) <= atol + rtol * std::abs(b)) return "";
    return at + " is " + std::to_string(a) + ", golden " + std::to_string(b);
  }
  if (golden.is_structured()) {
    if (ours.is_null() || ours.size() != golden.size()) return at + " has another size";
    for (const auto& [key, value] : golden.items()) {
      const json& item = golden.is_array() ? ours.at(std::stoul(key)) : ours.value(key, json());
      if (auto text = scalar_difference(item, value, rtol, atol, at + "/" + key); !text.empty()) return text;
    }
    return "";
  }
  return ours == golden ? "" : at + " differs";
}

std::string difference(const GoldenResult& result, const json& entry, const std::filesystem::path& folder) {
  for (const auto& [key, file] : entry.at("files").items()) {
    if (!result.files.contains(key)) return key + " is missing";
    FitsArray golden = read_fits_array(folder / file.at("path").get<std::string>());
    const std::string text =
        array_difference(result.files.at(key), {std::move(golden.shape), std::move(golden.values)}, file.at("tol"));
    if (!text.empty()) return key + ": " + text;
  }
  // Scalars without a tolerance of their own: the 1e-4 that the manifest uses for most arrays.
  const json tolerance = entry.value("tol", json::object());
  return scalar_difference(result.scalars, entry.at("scalars"), tolerance.value("rtol", 1e-4),
                           tolerance.value("atol", 1e-6), "scalars");
}

/// Gives the entries of f64_check.json (see f64_check.py) the tolerances that the manifest's own rule
/// derives from it, where the manifest lacks them. Returns their names.
std::set<std::string> complete_tolerances(json& entries) {
  const json checks = json::parse(std::ifstream(source_folder() / "tests/golden/f64_check.json"));
  std::set<std::string> names;
  for (const auto& [name, files] : checks.items()) {
    json& entry = entries.at(name);
    if (entry.contains("f64_check")) continue;
    names.insert(name);
    for (const auto& [key, check] : files.items()) {
      const double typical = 4 * check.at("p99_abs").get<double>();
      if (key == "scalars") {
        entry["tol"]["atol"] = typical;
        continue;
      }
      json& file = entry.at("files").at(key);
      json& tolerance = file.at("tol");
      tolerance["atol"] = std::max(1e-5 * file.at("max_abs").get<double>(), typical);
      tolerance["frac"] = 0.985;
      tolerance["atol_outliers"] = 3 * check.at("max_abs").get<double>();
    }
  }
  return names;
}

class Goldens : public OnEveryDevice {};

TEST_P(Goldens, AgreeWithTheReference) {
  HCI_NEEDS_SHARED();
  const auto folder = *shared_folder() / "goldens";
  json manifest = read_manifest(folder / "manifest.json");
  const std::set<std::string> completed = complete_tolerances(manifest.at("entries"));
  const std::set<std::string> promised = covered_names();
  const char* only = std::getenv("HCI_GOLDEN");  // a name, to look at one
  for (const std::string& name : promised)
    EXPECT_TRUE(manifest.at("entries").contains(name)) << name << " is in covered.txt, but not in the manifest";
  int agree = 0, differ = 0, not_covered = 0, by_our_measure = 0;
  for (const auto& [name, entry] : manifest.at("entries").items()) {
    if (only != nullptr && name.find(only) == std::string::npos) continue;
    const GoldenCase golden(name, entry);
    const auto runner = golden_runners().find(golden.function());
    std::optional<GoldenResult> result;
    std::string text;
    try {
      if (runner != golden_runners().end()) result = runner->second(exec(), golden);
      if (result) text = difference(*result, entry, folder);
    } catch (const std::exception& error) {
      result.emplace();
      text = std::string("threw: ") + error.what();
    }
    if (!result) {
      ++not_covered;
      EXPECT_FALSE(promised.contains(name)) << name << " is in covered.txt, but no runner takes it";
      continue;
    }
    ++(text.empty() ? agree : differ);
    if (text.empty() && completed.contains(name)) ++by_our_measure;
    EXPECT_TRUE(text.empty()) << name << ": " << text;
    EXPECT_TRUE(promised.contains(name)) << name << " is covered: add it to tests/golden/covered.txt";
  }
  if (by_our_measure > 0)
    std::printf("goldens: %d of those that agree do so by the tolerance of f64_check.json (docs/differences.md)\n",
                by_our_measure);
  std::printf("goldens: %d agree, %d differ, %d not covered yet\n", agree, differ, not_covered);
}

HCI_INSTANTIATE_ON_EVERY_DEVICE(Goldens);

}  // namespace
}  // namespace hci::test
