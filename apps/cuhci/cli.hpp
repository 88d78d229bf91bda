// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/settings.hpp"

namespace hci::app {

/// Exit codes of the program.
enum ExitCode { kDone = 0, kFailed = 1, kBadInput = 2, kDeviceFailed = 3, kCheckFailed = 4 };

/// All was done, and a check that the user asked for says that the result is not what it should be.
class CheckFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The flags of one subcommand: declared first, then filled from the command line and, for what the
/// command line leaves open, from the file given with --config.
class Flags {
 public:
  Flags();
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  /// One or more file names or the like, without a flag; required.
  void positional(const std::string& name, const std::string& help, bool many = false);
  /// --name TEXT (underscores become dashes), or --name alone for a switch. `short_flag` is "-o".
  void option(std::string_view name, const std::string& help, const std::string& default_text = "",
              bool is_switch = false, const std::string& short_flag = "");
  /// Flags that follow stand under this heading in --help.
  void group(std::string heading);
  /// One flag for each field of the parameter struct. What is false without it is a switch; what is
  /// true takes "true" or "false". required: the field that must be given; its help shows no default.
  template <class Params>
  void fields(Params params, std::string_view required = "") {
    params.fields([&](std::string_view name, const auto& value, std::string_view help) {
      bool is_switch = false;
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, bool>) is_switch = !value;
      const bool must = name == required;
      option(name, std::string(help) + (must ? "; required" : ""), must ? "" : to_text(value), is_switch);
    });
  }

  /// What was given, to be applied to parameter structs.
  Settings& settings() { return settings_; }
  const std::vector<std::string>& values(const std::string& positional) const;
  /// The whole command line, for provenance: a shell takes it back.
  const std::string& command_line() const { return command_line_; }

 private:
  friend class Program;
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Settings settings_;
  std::map<std::string, std::vector<std::string>> values_;
  std::string command_line_;
};

/// A subcommand: what it declares, and what it does with it.
struct Subcommand {
  std::string name, help;
  std::function<void(Flags&)> declare;
  std::function<int(Flags&)> run;
};

/// Parses, runs the chosen subcommand, turns errors into messages on stderr and exit codes.
int run_program(int argc, char** argv, const std::vector<Subcommand>& subcommands);

/// The keys and values of a TOML file as texts: keys with underscores, lists joined by commas.
/// Throws InvalidInput naming the file, and the line where it is no TOML.
std::vector<std::pair<std::string, std::string>> read_config(const std::string& path);

Subcommand reduce_command();
Subcommand snr_command();
Subcommand info_command();
Subcommand simulate_command();
Subcommand devices_command();

}  // namespace hci::app
