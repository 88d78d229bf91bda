// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/params.hpp"

namespace hci {

/// Named texts from flags, a configuration file or a program, on their way into parameter structs.
/// Every one must find its struct: what nobody takes is an error, never ignored.
class Settings {
 public:
  /// origin: how the user knows it ("--ncomp", "ncomp in run.toml"). A name set twice keeps the
  /// later text, so set what should win last.
  void set(std::string name, std::string text, std::string origin) {
    entries_[std::move(name)] = {std::move(text), std::move(origin), false};
  }
  bool has(std::string_view name) const { return entries_.contains(std::string(name)); }
  /// How the user knows a setting that is there.
  const std::string& origin(std::string_view name) const { return entries_.at(std::string(name)).origin; }

  /// Fills the fields that were set. Throws InvalidInput naming the origin and the text.
  template <class Params>
  void apply(Params& params) {
    params.fields([this](std::string_view name, auto& value, std::string_view) { take(name, value); });
  }

  /// Fills one value; false if it was not set.
  template <class T>
  bool take(std::string_view name, T& value) {
    const auto found = entries_.find(std::string(name));
    if (found == entries_.end()) return false;
    found->second.used = true;
    try {
      from_text(std::string_view(found->second.text), value);
    } catch (const InvalidInput& error) {
      throw InvalidInput(found->second.origin + ": " + error.what());
    }
    return true;
  }

  /// Throws InvalidInput if something was set that nothing took. `why` ends the message.
  void require_all_used(std::string_view why) const;

 private:
  struct Entry {
    std::string text, origin;
    bool used = false;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace hci
