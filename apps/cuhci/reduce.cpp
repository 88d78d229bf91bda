// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>

#include "apps/cuhci/check.hpp"
#include "apps/cuhci/effects.hpp"
#include "apps/cuhci/products.hpp"
#include "apps/cuhci/session.hpp"
#include "engine/checksum.hpp"
#include "engine/system_memory.hpp"
#include "kernels/core/copy.hpp"
#include "kernels/core/devices.hpp"
#include "models/preproc/psf.hpp"
#include "models/reduction.hpp"

namespace hci::app {
namespace {

/// What a run may write; an earlier run's that this one did not write are removed.
const std::vector<std::string> kProducts{"frame.fits",     "frame.png", "frames.fits", "channels.fits",
                                         "residuals.fits", "snr.fits",  "snr.png",     "summary.json"};

constexpr const char* kFwhmIsMissing =
    "the FWHM is needed for annuli, angle thresholds and S/N: give --fwhm, or --psf to measure it";

std::string algorithm_names() {
  std::string names;
  for (const auto& [name, info] : psf_subtractions()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

void declare(Flags& flags) {
  flags.positional("CUBE", "FITS or HDF5 file with the cube: FILE, FILE[HDU] or FILE[DATASET]");
  flags.group("Data");
  flags.option("angles",
               "file with the derotation angles, degrees; default: the file of the data challenge's or SPHERE-DC's "
               "name beside the cube");
  flags.option("psf", "file with the off-axis PSF: gives the FWHM and the contrast");
  flags.option("cube_ref", "file with frames of other stars (RDI)");
  flags.option("fwhm", "px: a number, one for each channel, or a file; default: measured from the PSF");
  flags.option("starphot",
               "flux of the star in an aperture of diameter FWHM, in the cube's unit, for the contrast; default: that "
               "of the PSF");
  flags.option("pixel_scale", "arcsec/px: a number, or a file with one");
  flags.fields(DatasetOptions{});
  flags.group("Subtraction");
  flags.option("algorithm", "one of: " + algorithm_names(), Recipe{}.algorithm);
  flags.fields(RegionParams{});
  std::map<std::string, std::pair<ParameterInfo, std::string>> parameters;  // of all algorithms, with who has it
  for (const auto& [name, info] : psf_subtractions())
    for (const ParameterInfo& parameter : info.parameters) {
      auto [entry, added] = parameters.try_emplace(parameter.name, parameter, name);
      if (!added) entry->second.second += ", " + name;
    }
  for (const auto& [name, entry] : parameters)
    flags.option(name, entry.second + ": " + entry.first.help, entry.first.default_text);
  flags.group("Products");
  flags.fields(CombineParams{});
  flags.option("snr", "make the S/N map and find its peak", "", true);
  flags.option("check",
               "truth.json of the simulated cube: look for its planets in the S/N map (--snr is implied), exit code 4 "
               "unless all are found and the highest S/N is one of them");
  flags.option("save_residuals", "keep the residual cube, residuals.fits", "", true);
  declare_session(flags, "folder for the products");
}

bool is_hdf5(const std::string& name) {
  std::error_code error;
  const bool whole = std::filesystem::exists(name, error);
  const std::filesystem::path path = whole ? name : name.substr(0, name.rfind('['));
  return path.extension() == ".h5" || path.extension() == ".hdf5" || path.extension() == ".hdf";
}

DatasetOptions dataset_options(Flags& flags) {
  Settings& given = flags.settings();
  DatasetOptions options;
  options.cube = flags.values("CUBE").front();
  given.apply(options);
  require(
      given.take("angles", options.angles) || is_hdf5(options.cube) || companion_files(options.cube).contains("angles"),
      "--angles is missing: a file with one derotation angle for each frame");
  given.take("psf", options.psf);
  given.take("cube_ref", options.reference);
  options.use_wavelengths = false;  // channels are reduced one by one
  given.take("fwhm", options.fwhm);
  given.take("pixel_scale", options.pixel_scale);
  return options;
}

/// Whether the dataset may bring a part that no flag names.
bool may_bring(const DatasetOptions& files, const char* role) {
  return is_hdf5(files.cube) || (files.angles.empty() && companion_files(files.cube).contains(role));
}

/// Settings without effect are mistakes.
void require_effect(const Settings& given, const std::vector<Effect>& effects) {
  for (const Effect& effect : effects)
    require(effect.has_effect || !given.has(effect.name), given.has(effect.name) ? given.origin(effect.name) : "",
            ": only with ", effect.condition);
}

Recipe recipe(Settings& given) {
  Recipe recipe;
  if (std::string word; given.take("algorithm", word)) {
    const auto& all = psf_subtractions();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return same_word(one.first, word); });
    require(found != all.end(), given.origin("algorithm"), ": '", word, "' is none of: ", algorithm_names());
    recipe.algorithm = found->first;
  }
  const AlgorithmInfo& algorithm = psf_subtraction(recipe.algorithm);
  static_cast<void>(algorithm.make(given));  // errors name the flag
  for (const ParameterInfo& parameter : algorithm.parameters)
    if (std::string text; given.take(parameter.name, text))
      recipe.algorithm_settings.emplace_back(parameter.name, text);
  given.apply(recipe.regions);
  given.apply(recipe.combine);
  given.take("snr", recipe.snr);
  recipe.snr = recipe.snr || given.has("check");
  given.take("save_residuals", recipe.save_residuals);
  return recipe;
}

std::optional<Truth> truth_to_check(Settings& given) {
  std::string path;
  return given.take("check", path) ? std::optional(read_truth(path)) : std::nullopt;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// All that was decided and had an effect, by the names of the flags, so that the product can be made again.
Provenance provenance_of(const Flags& flags, DatasetOptions files, const Reduction& reduction,
                         std::optional<double> starphot, Exec& exec, const Dataset& dataset) {
  const Recipe& recipe = reduction.recipe();
  Provenance provenance{.command = flags.command_line(), .device = description(exec), .inputs = dataset.inputs};
  provenance.recipe.emplace_back("algorithm", recipe.algorithm);
  for (const ParameterInfo& parameter : psf_subtraction(recipe.algorithm).parameters) {
    provenance.recipe.emplace_back(parameter.name, parameter.default_text);
    for (const auto& [name, text] : recipe.algorithm_settings)
      if (name == parameter.name) provenance.recipe.back().second = text;
  }
  provenance.add(recipe.regions);
  provenance.add(recipe.combine);
  // What was read, whether it was named or lay beside the cube.
  const std::map<std::string, const char*> flag_of{
      {"angles", "angles"}, {"psf", "psf"}, {"reference", "cube_ref"}, {"truth", "check"}};
  for (const InputFile& input : dataset.inputs)
    if (const auto flag = flag_of.find(input.role); flag != flag_of.end())
      provenance.recipe.emplace_back(flag->second, input.name);
  files.archive = dataset.archive;
  for_each_field(files, [&](std::string_view name, const std::string& text) {
    if (!text.empty()) provenance.recipe.emplace_back(name, text);
  });
  const auto add_known = [&](const char* name, const auto& value) {
    if (const std::string text = to_text(value); !text.empty()) provenance.recipe.emplace_back(name, text);
  };
  add_known("fwhm", dataset.fwhm);
  if (starphot) add_known("starphot", *starphot);
  if (dataset.pixel_scale) add_known("pixel_scale", *dataset.pixel_scale);
  add_known("snr", recipe.snr);
  add_known("save_residuals", recipe.save_residuals);
  for (const Effect& effect : effects_of(reduction, dataset.channels(), static_cast<bool>(dataset.reference)))
    if (!effect.has_effect)
      std::erase_if(provenance.recipe, [&](const auto& entry) { return entry.first == effect.name; });
  return provenance;
}

/// What the PSF tells, if there is one.
std::optional<NormalizedPsf> measure_star(Exec& exec, const Dataset& parts, const Log& log) {
  if (!parts.psf) return std::nullopt;
  NormalizedPsf star = normalize_psf(exec, parts.psf.view(), {.fwhm = parts.fwhm});
  if (!parts.fwhm.empty()) return star;
  for (std::size_t c = 0; c < star.fwhm.size(); ++c) {
    char text[400];
    std::snprintf(text, sizeof text, "FWHM %.3f px, measured from the PSF", star.fwhm[c]);
    log(LogLevel::info, (star.fwhm.size() > 1 ? "channel " + std::to_string(c) + ": " : "") + text);
  }
  return star;
}

void require_device_memory(Exec& exec, const MemoryNeed& need) {
  const DeviceInfo info = device_info(exec.device());
  require(need.bytes <= info.free_memory_bytes, info.device.name(), ": the reduction needs ",
          bytes_text(static_cast<double>(need.bytes)), " of its memory (", need.what, "), but only ",
          bytes_text(static_cast<double>(info.free_memory_bytes)),
          " are available: use fewer frames, crop them, or --device cpu");
}

/// Why a flux over that of the star is no contrast; empty where it is one.
std::string no_contrast(double ratio, bool starphot_given) {
  if (!std::isfinite(ratio)) return "the aperture at the peak reaches pixels that are masked (NaN): no contrast";
  if (ratio <= 0) return "the flux in the aperture at the peak is not above 0: no contrast";
  if (ratio < 1) return "";
  return starphot_given ? "the peak is brighter than the star of --starphot, so that is not in the unit of the cube: "
                          "no contrast"
                        : "the peak is brighter than the star of the PSF file, so that file is not in the unit of the "
                          "cube: no contrast; give --starphot";
}

std::optional<Found> find(Exec& exec, const ReductionResult& result, const Dataset& dataset,
                          std::optional<double> star_flux, bool starphot_given, const Log& log) {
  if (!result.snr) return std::nullopt;
  const Array<float, 2> frame = to_device(exec, result.frame.view()), map = to_device(exec, result.snr.view());
  std::optional<Found> found = find_in_map(exec, frame.view(), map.view(), result.fwhm, dataset.pixel_scale);
  if (!found || !star_flux) return found;
  const double ratio = flux_ratio(exec, frame.view(), {found->peak.y, found->peak.x}, result.fwhm, *star_flux);
  const std::string why_not = no_contrast(ratio, starphot_given);
  if (why_not.empty())
    found->contrast = ratio;
  else
    log(LogLevel::warning, why_not);
  return found;
}

/// What nobody asked for in so many words.
void tell(const ReductionResult& result, const Log& log) {
  const std::string& variant = result.variants[result.chosen];
  for (const ComponentCount& count : result.components)
    if (count.least < count.most || variant != "ncomp " + std::to_string(count.most))
      log(LogLevel::info, variant + ": " + std::to_string(count.least) +
                              (count.least < count.most ? " to " + std::to_string(count.most) : "") +
                              " components in " + count.region);
  if (result.variants.size() > 1 && (!result.scores.empty() || !result.highest_snr.empty()))
    log(LogLevel::info, variant + " has the highest S/N of " + std::to_string(result.variants.size()));
  for (const std::string& warning : result.warnings) log(LogLevel::warning, warning);
}

void write_products(OutputFolder& folder, const ReductionResult& result, const std::optional<Found>& found,
                    const Dataset& dataset, const std::string& algorithm, const Provenance& provenance) {
  const std::string& variant = result.variants[result.chosen];
  Header header = provenance_header(provenance);
  if (!variant.empty()) header.set("VARIANT", variant, "which of a list this frame is");
  folder.write_fits("frame.fits", result.frame.view(), header);
  if (result.frames) {
    Header all = provenance_header(provenance);
    for (std::size_t v = 0; v < result.variants.size(); ++v)
      all.set("VARIANT" + std::to_string(v + 1), result.variants[v], v == 0 ? "what the planes are" : "");
    folder.write_fits("frames.fits", result.frames.view(), all);
  }
  if (result.channel_frames) folder.write_fits("channels.fits", result.channel_frames.view(), header);
  if (result.residuals) folder.write_fits("residuals.fits", result.residuals.view(), header);
  const std::string title = algorithm + (variant.empty() ? "" : ", " + variant);
  write_picture(folder, "frame.png", result.frame.view(), found, result.fwhm, dataset.pixel_scale, title, "counts");
  if (!result.snr) return;
  folder.write_fits("snr.fits", result.snr.view(), header);
  write_picture(folder, "snr.png", result.snr.view(), found, result.fwhm, dataset.pixel_scale, title, "S/N");
}

int run(Flags& flags) {
  Settings& given = flags.settings();
  DatasetOptions files = dataset_options(flags);
  std::optional<double> starphot;
  given.take("starphot", starphot);
  require(!starphot || *starphot > 0, "--starphot is ", to_text(starphot), ", it must be positive");
  const Reduction reduction(recipe(given));
  const std::string& algorithm = reduction.recipe().algorithm;
  const auto references =
      files.reference.empty() && may_bring(files, "reference") ? std::nullopt : std::optional(!files.reference.empty());
  require_effect(given, effects_of(reduction, std::nullopt, references));
  require(!reduction.needs_fwhm() || !files.fwhm.empty() || !files.psf.empty() || may_bring(files, "psf"),
          kFwhmIsMissing);
  const std::optional<Truth> truth = truth_to_check(given);
  Session session(
      flags, "'" + algorithm + "' (see 'cuhci reduce --help')", kProducts,
      {files.cube, files.angles, files.psf, files.reference, files.pixel_scale, files.fwhm, truth ? truth->path : ""});
  Exec& exec = session.exec;

  session.progress.stage("load");
  files.threads = exec.threads();
  std::optional<NormalizedPsf> star;
  // All that can be refused is refused here, before the cube is read.
  files.work = [&](const Extents<4>& cube, index_t references_there, const Dataset& parts) {
    require(!parts.angles.empty(), "--angles is missing, and ", files.cube, " has none beside its cube");
    require(!reduction.needs_fwhm() || !parts.fwhm.empty() || parts.psf, kFwhmIsMissing);
    require_effect(given, effects_of(reduction, cube[1], references_there > 0));
    star = measure_star(exec, parts, session.log);
    const std::vector<double>& fwhm = star ? star->fwhm : parts.fwhm;
    reduction.check(cube, references_there, fwhm);
    if (truth) require_planets_in_map(*truth, cube[2], cube[3], mean(fwhm));
    if (exec.on_cuda()) require_device_memory(exec, reduction.device_memory(cube, references_there));
    return reduction.host_memory(cube, references_there, exec.on_cuda());
  };
  Dataset dataset = load_dataset(files, session.log, &session.progress);
  if (star) dataset.fwhm = star->fwhm;
  if (truth) dataset.inputs.push_back({"truth", truth->path, std::make_shared<FileHash>(truth->path), truth->path});
  // A spectral cube has no single flux.
  const std::optional<double> star_flux =
      !starphot && star && dataset.channels() == 1 ? std::optional(star->flux.front()) : starphot;
  const ReductionResult result = reduction.run(exec, dataset, session.progress);

  tell(result, session.log);

  session.progress.stage("write");
  const std::optional<Found> found = find(exec, result, dataset, star_flux, starphot.has_value(), session.log);
  const Provenance provenance = provenance_of(flags, files, reduction, starphot, exec, dataset);
  write_products(session.folder, result, found, dataset, algorithm, provenance);
  session.progress.finish();
  Summary summary;
  if (!result.variants[result.chosen].empty()) summary.set("variant", result.variants[result.chosen]);
  for (std::size_t v = 0; v < result.scores.size(); ++v)
    summary.append("variants", {{"variant", result.variants[v]},
                                {"source_snr", result.scores[v].snr},
                                {"source_flux", result.scores[v].flux}});
  for (std::size_t v = 0; v < result.highest_snr.size(); ++v)
    summary.append("variants", {{"variant", result.variants[v]}, {"highest_snr", result.highest_snr[v]}});
  for (const ComponentCount& count : result.components)
    summary.append("components", {{"region", count.region},
                                  {"least", static_cast<std::int64_t>(count.least)},
                                  {"most", static_cast<std::int64_t>(count.most)}});
  summary.set("fwhm", result.fwhm);
  if (found) add_peak(summary, *found);
  std::optional<TruthCheck> check;
  if (truth) check = check_against(*truth, result.snr.view(), result.fwhm);
  if (check) add_check(summary, *check);
  add_run(summary, session.progress, exec, provenance.device);
  summary.set(provenance);
  session.folder.write_json("summary.json", summary);
  const int code = session.finish(summary.to_json(), [&] {
    if (result.snr) print_peak(found);
    if (check) print_check(*check);
  });
  if (check && !check->passed()) throw CheckFailed("the check against " + check->path + " failed: " + check->verdict());
  return code;
}

}  // namespace

Subcommand reduce_command() {
  return {"reduce", "Subtract the star from a cube, derotate, collapse, find the planet", declare, run};
}

}  // namespace hci::app
