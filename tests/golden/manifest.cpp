// SPDX-License-Identifier: MIT
// Reads the arrays that the manifest's argument texts describe.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "kernels/core/error.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/data.hpp"
#include "tests/support/fits_array.hpp"

namespace hci::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

bool starts_with(const std::string& text, const std::string& head) { return text.rfind(head, 0) == 0; }

struct Slice {
  index_t first, last, step;
  bool single;
};

Slice parse_slice(const std::string& text, index_t n) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    const index_t i = std::stoll(text);
    return {i, i + 1, 1, true};
  }
  std::string rest = text.substr(colon + 1), step = "1";
  if (const auto second = rest.find(':'); second != std::string::npos) {
    step = rest.substr(second + 1);
    rest = rest.substr(0, second);
  }
  const std::string head = text.substr(0, colon);
  return {head.empty() ? 0 : std::stoll(head), rest.empty() ? n : std::min<index_t>(n, std::stoll(rest)),
          step.empty() ? 1 : std::stoll(step), false};
}

/// One "[a:b, c, ::d]" applied to an array.
NdArray sliced(const NdArray& in, const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  while (parts.size() < in.shape.size()) parts.emplace_back(":");
  NdArray out;
  std::vector<std::vector<index_t>> picks;
  for (std::size_t axis = 0; axis < in.shape.size(); ++axis) {
    const Slice slice = parse_slice(parts[axis], in.shape[axis]);
    std::vector<index_t> pick;
    for (index_t i = slice.first; i < slice.last; i += slice.step) pick.push_back(i);
    if (!slice.single) out.shape.push_back(static_cast<index_t>(pick.size()));
    picks.push_back(std::move(pick));
  }
  std::vector<std::size_t> at(picks.size(), 0);
  for (bool more = true; more;) {
    index_t offset = 0;
    for (std::size_t axis = 0; axis < picks.size(); ++axis) offset = offset * in.shape[axis] + picks[axis][at[axis]];
    out.values.push_back(in.values[static_cast<std::size_t>(offset)]);
    more = false;
    for (std::size_t axis = picks.size(); axis-- > 0;) {
      if (++at[axis] < picks[axis].size()) {
        more = true;
        break;
      }
      at[axis] = 0;
    }
  }
  return out;
}

NdArray filled(std::vector<index_t> shape, float value) {
  index_t size = 1;
  for (const index_t n : shape) size *= n;
  return {std::move(shape), std::vector<float>(static_cast<std::size_t>(size), value)};
}

NdArray file(const std::string& path) {
  FitsArray array = read_fits_array(*shared_folder() / path);
  return {std::move(array.shape), std::move(array.values)};
}

/// The cube whose inner 8 px are masked, as make_goldens.py made it.
NdArray masked_cube(float mask) {
  NdArray cube = sliced(sliced(file("data/naco_betapic/cube.fits"), "0:57:8"), ":2");
  for (index_t t = 0; t < cube.shape[0]; ++t)
    for (index_t y = 0; y < 101; ++y)
      for (index_t x = 0; x < 101; ++x)
        if ((y - 50) * (y - 50) + (x - 50) * (x - 50) < 64)
          cube.values[static_cast<std::size_t>((t * 101 + y) * 101 + x)] = mask;
  return cube;
}

NdArray cube_with_nan() {
  NdArray cube = file("data/naco_betapic/cube.fits");
  for (index_t t = 0; t < cube.shape[0]; t += 3)
    for (index_t y = 40; y < 45; ++y)
      for (index_t x = 30; x < 60; ++x) cube.values[static_cast<std::size_t>((t * 101 + y) * 101 + x)] = kNaN;
  return cube;
}

/// sim_psf(21, wavelengths, 4.0) of make_goldens.py: frames whose sum is 1. What is stored is that PSF
/// scaled channel by channel.
NdArray simulated_psf() {
  NdArray psf = file("data/synthetic_ifs/psfn.fits");
  const auto pixels = psf.size() / psf.shape[0];
  for (auto first = psf.values.begin(); first != psf.values.end(); first += pixels) {
    const double sum = std::accumulate(first, first + pixels, 0.0);
    for (auto value = first; value != first + pixels; ++value) *value = static_cast<float>(*value / sum);
  }
  return psf;
}

NdArray described(std::string text) {
  if (text == "sim_psf(21, wavelengths, 4.0) of make_goldens.py") return simulated_psf();
  if (starts_with(text, "cube_even100")) text = "data/naco_betapic/" + text;
  if (text == "data/naco_betapic/cube.fits[0:57:8][:2] with NaN where r^2<64 about (50,50)") return masked_cube(kNaN);
  if (text == "same with 0 instead of NaN") return masked_cube(0);
  if (text == "data/naco_betapic/cube.fits with [::3,40:45,30:60]=NaN") return cube_with_nan();
  if (text == "NaN-masked cube [0]") return sliced(cube_with_nan(), "0");  // the same under another name
  if (text == "NaN-masked cube[:2]") return sliced(cube_with_nan(), ":2");
  if (starts_with(text, "ones((")) {
    index_t ny = 0, nx = 0;
    char comma = 0;
    std::istringstream(text.substr(6)) >> ny >> comma >> nx;
    return filled({ny, nx}, 1);
  }
  if (starts_with(text, "goldens: ")) text = "goldens/naco_betapic/" + text.substr(9);
  if (const std::string note = " (float32)"; text.ends_with(note))
    text = text.substr(0, text.size() - note.size()) + ".fits";
  const auto bracket = text.find('[');
  const std::string path = text.substr(0, bracket);
  if ((!starts_with(path, "data/") && !starts_with(path, "goldens/")) || path.size() < 5 ||
      path.substr(path.size() - 5) != ".fits")
    throw InvalidInput("the golden test cannot make '" + text + "'");
  NdArray array = file(path);
  for (auto open = bracket; open != std::string::npos; open = text.find('[', open + 1)) {
    const auto close = text.find(']', open);
    if (open > bracket && text[open - 1] != ']') throw InvalidInput("the golden test cannot make '" + text + "'");
    array = sliced(array, text.substr(open + 1, close - open - 1));
    if (close + 1 < text.size() && text[close + 1] != '[')
      throw InvalidInput("the golden test cannot make '" + text + "'");
  }
  return array;
}

}  // namespace

Cube<const float> NdArray::cube() const {
  require(shape.size() == 3 || shape.size() == 2, "a cube was wanted");
  const bool frames = shape.size() == 3;
  return {values.data(), {frames ? shape[0] : 1, shape[shape.size() - 2], shape[shape.size() - 1]}};
}

Frame<const float> NdArray::frame() const {
  require(shape.size() == 2, "a frame was wanted");
  return {values.data(), {shape[0], shape[1]}};
}

NdArray nd_array(Cube<const float> host) {
  return {{host.extent(0), host.extent(1), host.extent(2)}, {host.data(), host.data() + host.size()}};
}

NdArray nd_array(Frame<const float> host) {
  return {{host.extent(0), host.extent(1)}, {host.data(), host.data() + host.size()}};
}

Array<float, 4> dataset_cube(const NdArray& cube) {
  const bool spectral = cube.shape.size() == 4;
  const index_t channels = spectral ? cube.shape[0] : 1, frames = cube.shape[spectral ? 1 : 0];
  const index_t pixels = cube.size() / (channels * frames);
  auto out = host_array<float, 4>({frames, channels, *(cube.shape.end() - 2), cube.shape.back()});
  for (index_t c = 0; c < channels; ++c)
    for (index_t t = 0; t < frames; ++t)
      std::copy_n(cube.values.begin() + (c * frames + t) * pixels, pixels, out.view()[t][c].data());
  return out;
}

std::string GoldenCase::function() const {
  const auto call = entry_.at("call").get<std::string>();
  return call.substr(0, call.find('('));
}

bool GoldenCase::has(const std::string& argument) const {
  const auto& args = entry_.at("args");
  return args.contains(argument) && !args.at(argument).is_null();
}

nlohmann::json GoldenCase::json(const std::string& argument) const {
  return has(argument) ? entry_.at("args").at(argument) : nlohmann::json();
}

NdArray GoldenCase::array(const std::string& argument) const {
  return described(entry_.at("args").at(argument).at("array").get<std::string>());
}

std::vector<double> GoldenCase::numbers(const std::string& argument) const {
  const auto& value = entry_.at("args").at(argument);
  if (value.is_array()) return value.get<std::vector<double>>();
  if (value.contains("values")) return value.at("values").get<std::vector<double>>();
  std::string text = value.at("array").get<std::string>();
  double scale = 1;
  if (text == "angles[:12]*1.5") {
    // A float32 array times a Python float stays float32.
    text = "data/naco_betapic/angles.fits[:12]";
    scale = 1.5;
  }
  if (starts_with(text, "angles[")) text = "data/naco_betapic/angles.fits" + text.substr(6);
  if (starts_with(text, "ang8")) {
    const NdArray index =
        sliced({{8}, {0, 1, 2, 3, 4, 5, 6, 7}}, text.find('[') == 4 ? text.substr(5, text.find(']') - 5) : ":");
    const double ang8[8] = {0, 12.34, 45, 67.1, 90, 133.3, -14.3, 271.5};
    std::vector<double> angles;
    for (const float i : index.values) angles.push_back(ang8[static_cast<int>(i)]);
    return angles;
  }
  const NdArray array = described(text);
  std::vector<double> numbers;
  for (const float v : array.values) numbers.push_back(static_cast<float>(v * static_cast<float>(scale)));
  return numbers;
}

std::map<std::string, GoldenRunner>& golden_runners() {
  static std::map<std::string, GoldenRunner> runners;
  return runners;
}

}  // namespace hci::test
