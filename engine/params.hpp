// SPDX-License-Identifier: MIT
#pragma once
// A parameter struct lists its members once, in fields(); flags, --help, the keys of a TOML file
// and FITS header cards are made from that list.
//
//   struct MedianParams {
//     double radius_int = 0;
//     template <class Field> void fields(Field&& field) {
//       field("radius_int", radius_int, "inner radius where nothing is subtracted, px");
//     }
//   };
//
// A member's type needs to_text() and from_text(): given here for numbers, bool, strings, optional,
// vectors, and every enum that has enum_names(), perhaps enum_aliases(), too; a type of yours declares
// both in its namespace.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kernels/core/error.hpp"

namespace hci {

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  enum_names(e);
};
/// An enum with other words for some of its values, which are read and not written.
template <class E>
concept AliasedEnum = NamedEnum<E> && requires(E e) {
  enum_aliases(e);
};

/// Whether two words are the same but for the case of ASCII letters.
inline bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

inline std::string to_text(bool value) { return value ? "true" : "false"; }
inline std::string to_text(const std::string& value) { return value; }
template <std::integral T>
std::string to_text(T value) {
  return std::to_string(value);
}
/// The shortest text that reads back as the same number.
inline std::string to_text(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}
template <NamedEnum E>
std::string to_text(E value) {
  for (const auto& [name, e] : enum_names(value))
    if (e == value) return std::string(name);
  return "?";
}
template <class T>
std::string to_text(const std::optional<T>& value) {
  return value ? to_text(*value) : "none";
}
template <class T>
std::string to_text(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ",") + to_text(value);
  return text;
}

inline void from_text(std::string_view text, std::string& value) { value = text; }
inline void from_text(std::string_view text, bool& value) {
  if (same_word(text, "true") || text == "1" || same_word(text, "yes"))
    value = true;
  else if (same_word(text, "false") || text == "0" || same_word(text, "no"))
    value = false;
  else
    throw InvalidInput("'" + std::string(text) + "' is neither true nor false");
}
/// Numbers that settings can be: finite ones.
template <class T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) void from_text(std::string_view text, T& value) {
  T parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || end != text.data() + text.size())
    throw InvalidInput("'" + std::string(text) + "' is not " + (std::is_integral_v<T> ? "an integer" : "a number"));
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(parsed)) throw InvalidInput("'" + std::string(text) + "' is not a finite number");
  value = parsed;
}
/// In any case: "ARDI" and "ardi".
template <NamedEnum E>
void from_text(std::string_view text, E& value) {
  std::string known;
  const auto found_in = [&](const auto& names) {
    for (const auto& [name, e] : names) {
      if (same_word(name, text)) {
        value = e;
        return true;
      }
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    return false;
  };
  if (found_in(enum_names(value))) return;
  if constexpr (AliasedEnum<E>)
    if (found_in(enum_aliases(value))) return;
  throw InvalidInput("'" + std::string(text) + "' is none of: " + known);
}
template <class T>
void from_text(std::string_view text, std::optional<T>& value) {
  if (same_word(text, "none")) {
    value.reset();
    return;
  }
  T parsed{};
  from_text(text, parsed);
  value = parsed;
}
/// Comma-separated.
template <class T>
void from_text(std::string_view text, std::vector<T>& values) {
  std::vector<T> parsed;
  while (!text.empty()) {
    const auto comma = text.find(',');
    T item{};
    from_text(text.substr(0, comma), item);
    parsed.push_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    require(!text.empty(), "the list ends with a comma");
  }
  values = std::move(parsed);
}

/// Calls visit(name, text of the value) for every field of a parameter struct.
template <class Params, class Visit>
void for_each_field(Params params, Visit&& visit) {
  params.fields([&](std::string_view name, const auto& value, std::string_view) { visit(name, to_text(value)); });
}

}  // namespace hci
