// SPDX-License-Identifier: MIT
#include "kernels/geometry/vip_words.hpp"

#include <map>

namespace hci {
namespace {

template <class T>
using Words = std::map<std::string_view, T>;

template <class T>
std::optional<T> meaning(const Words<T>& words, std::string_view word) {
  const auto found = words.find(word);
  return found == words.end() ? std::nullopt : std::optional<T>(found->second);
}

const Words<Rotation>& opencv_words() {
  static const Words<Rotation> words{{"nearneig", Rotation::nearest},
                                     {"bilinear", Rotation::bilinear},
                                     {"bicubic", Rotation::bicubic},
                                     {"lanczos4", Rotation::lanczos4}};
  return words;
}

/// scipy's orders 0 to 5. VIP reads lanczos4, its default word, as order 4.
Words<Rotation> order_words(Rotation cubic) {
  return {{"nearneig", Rotation::nearest},    {"bilinear", Rotation::bilinear},
          {"biquadratic", Rotation::spline2}, {"bicubic", cubic},
          {"biquartic", Rotation::spline4},   {"lanczos4", Rotation::spline4},
          {"biquintic", Rotation::spline5}};
}

std::optional<Rotation> rotation_method(std::string_view imlib, std::string_view interpolation) {
  if (imlib == "vip-fft") return Rotation::fft;
  if (imlib == "opencv") return meaning(opencv_words(), interpolation);
  if (imlib == "skimage") return meaning(order_words(Rotation::catmull_rom), interpolation);
  return std::nullopt;
}

std::optional<Rotation> shift_method(std::string_view imlib, std::string_view interpolation) {
  if (imlib == "vip-fft" || imlib == "ndimage-fourier") return Rotation::fft;
  if (imlib == "opencv") return meaning(opencv_words(), interpolation);
  if (imlib == "ndimage-interp") return meaning(order_words(Rotation::spline3), interpolation);
  return std::nullopt;
}

}  // namespace

std::optional<RotateOptions> rotation_in_vip_words(std::string_view imlib, std::string_view interpolation,
                                                   std::string_view border_mode) {
  const auto method = rotation_method(imlib, interpolation);
  if (!method) return std::nullopt;
  RotateOptions options{.method = *method, .keep_range = imlib == "skimage"};
  if (*method == Rotation::fft) return options;
  for (const auto& [name, border] : enum_names(Border{})) {
    options.border = border;
    if (name == border_mode) return options;
  }
  return std::nullopt;
}

std::optional<ShiftOptions> shift_in_vip_words(std::string_view imlib, std::string_view interpolation,
                                               std::string_view border_mode) {
  static const Words<Border> borders{{"constant", Border::constant},
                                     {"nearest", Border::edge},
                                     {"reflect", Border::symmetric},
                                     {"mirror", Border::reflect},
                                     {"wrap", Border::wrap}};
  const auto method = shift_method(imlib, interpolation);
  if (!method) return std::nullopt;
  if (*method == Rotation::fft)
    return ShiftOptions{.method = *method, .border = imlib == "vip-fft" ? Border::constant : Border::wrap};
  const auto border = meaning(borders, border_mode);
  if (!border) return std::nullopt;
  return ShiftOptions{.method = *method, .border = *border};
}

}  // namespace hci
