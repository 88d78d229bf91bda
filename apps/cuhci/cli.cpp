// SPDX-License-Identifier: MIT
#include "apps/cuhci/cli.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "engine/unfinished.hpp"
#include "engine/version.hpp"

namespace hci::app {
namespace {

std::string dashed(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

/// A word of a command line as a shell takes it back.
std::string shell_word(const std::string& word) {
  constexpr const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  if (!word.empty() && word.front() != '=' && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

/// The message of an error, on stderr; with --json as a JSON object in one line.
int complain(const std::string& message, ExitCode code, bool json) {
  if (json) {
    using Json = nlohmann::ordered_json;
    const Json line{{"event", "error"}, {"message", message}, {"exit_code", static_cast<int>(code)}};
    std::fprintf(stderr, "%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    std::fprintf(stderr, "cuhci: error: %s\n", message.c_str());
  }
  return static_cast<int>(code);
}

/// Runs something that may throw and gives the exit code that goes with it.
int guarded(const bool& json, const std::function<int()>& work) {
  try {
    return work();
  } catch (const InvalidInput& error) {
    return complain(error.what(), kBadInput, json);
  } catch (const DeviceError& error) {
    return complain(error.what(), kDeviceFailed, json);
  } catch (const CheckFailed& error) {
    return complain(error.what(), kCheckFailed, json);
  } catch (const std::bad_alloc&) {
    return complain("out of memory: use a smaller cube or fewer frames, or a machine with more memory", kBadInput,
                    json);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailed, json);
  }
}

}  // namespace

struct Flags::Impl {
  CLI::App* app = nullptr;
  std::string heading;
  std::map<std::string, std::string> texts;
  std::map<std::string, bool> switches;
};

Flags::Flags() : impl_(std::make_unique<Impl>()) {}
Flags::~Flags() = default;

void Flags::positional(const std::string& name, const std::string& help, bool many) {
  auto* option = impl_->app->add_option(name, values_[name], help)->required()->type_name("");
  option->expected(many ? -1 : 1);
}

void Flags::option(std::string_view name, const std::string& help, const std::string& default_text, bool is_switch,
                   const std::string& short_flag) {
  const std::string key(name);
  const std::string flags = (short_flag.empty() ? "" : short_flag + ",") + "--" + dashed(name);
  CLI::Option* option = nullptr;
  if (is_switch) {
    option = impl_->app->add_flag(flags, impl_->switches[key], help);
  } else {
    std::string with_default = help;
    // "none" is a value where the help has it among those that there are; elsewhere nothing is the default.
    const bool shown = default_text != "none" || help.find("none") != std::string::npos;
    if (!default_text.empty() && shown) with_default += " [" + default_text + "]";
    option = impl_->app->add_option(flags, impl_->texts[key], with_default)->type_name("");
    option->take_last();
  }
  if (!impl_->heading.empty()) option->group(impl_->heading);
}

void Flags::group(std::string heading) { impl_->heading = std::move(heading); }

const std::vector<std::string>& Flags::values(const std::string& positional) const { return values_.at(positional); }

/// The one place that sees CLI11.
class Program {
 public:
  explicit Program(const std::vector<Subcommand>& subcommands) : subcommands_(subcommands), flags_(subcommands.size()) {
    app_.name("cuhci");
    app_.description("cuHCI: high-contrast imaging on GPUs and CPUs");
    app_.footer(
        "Exit codes: 0 done, 1 failed, 2 wrong input or not enough memory, 3 the device failed or is not there, "
        "4 a check failed (reduce --check).");
    app_.set_version_flag("--version", "cuhci " + version());
    app_.require_subcommand(1);
    for (std::size_t i = 0; i < subcommands_.size(); ++i) {
      flags_[i] = std::make_unique<Flags>();
      flags_[i]->impl_->app = app_.add_subcommand(subcommands_[i].name, subcommands_[i].help);
      subcommands_[i].declare(*flags_[i]);
      flags_[i]->group("");
      flags_[i]->option("config", "TOML file with any of these settings; flags win");
    }
  }

  int run(int argc, char** argv) {
    bool json = std::any_of(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
    if (argc > 1 && argv[1][0] != '-' &&
        std::none_of(subcommands_.begin(), subcommands_.end(),
                     [&](const Subcommand& s) { return s.name == argv[1]; })) {
      return complain("there is no subcommand '" + std::string(argv[1]) + "'; see 'cuhci --help'", kBadInput, json);
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version
      return complain(explained(error, argc, argv), kBadInput, json);
    }
    for (std::size_t i = 0; i < subcommands_.size(); ++i) {
      Flags& flags = *flags_[i];
      if (!flags.impl_->app->parsed()) continue;
      return guarded(json, [&] {
        for (int k = 0; k < argc; ++k) flags.command_line_ += k == 0 ? std::string("cuhci") : " " + shell_word(argv[k]);
        fill(flags);
        flags.settings_.take("json", json);  // a configuration file may ask for it, too
        return subcommands_[i].run(flags);
      });
    }
    return kBadInput;
  }

 private:
  /// CLI11 takes the value after an option that it does not know for a file and complains about
  /// that: look for such an option first.
  std::string explained(const CLI::ParseError& error, int argc, char** argv) const {
    if (argc < 2 || argv[1][0] == '-') return std::string(error.what()) + "; see 'cuhci --help'";
    const CLI::App& chosen = *app_.get_subcommand(argv[1]);
    const std::string help = "; see 'cuhci " + chosen.get_name() + " --help'";
    for (int i = 2; i < argc && std::string_view(argv[i]) != "--"; ++i) {
      const std::string word = std::string(argv[i]).substr(0, std::string_view(argv[i]).find('='));
      if (word.rfind("--", 0) == 0 && chosen.get_option_no_throw(word) == nullptr)
        return "there is no option '" + word + "' of 'cuhci " + chosen.get_name() + "'" + help;
    }
    return error.what() + help;
  }

  static void fill(Flags& flags) {
    auto& impl = *flags.impl_;
    if (const std::string& path = impl.texts["config"]; impl.app->count("--config") > 0)
      for (const auto& [key, text] : read_config(path)) flags.settings_.set(key, text, key + " in " + path);
    for (const auto& [name, text] : impl.texts)
      if (name != "config" && impl.app->count("--" + dashed(name)) > 0)
        flags.settings_.set(name, text, "--" + dashed(name));
    for (const auto& [name, on] : impl.switches)
      if (impl.app->count("--" + dashed(name)) > 0) flags.settings_.set(name, to_text(on), "--" + dashed(name));
  }

  CLI::App app_;
  const std::vector<Subcommand>& subcommands_;
  std::vector<std::unique_ptr<Flags>> flags_;
};

int run_program(int argc, char** argv, const std::vector<Subcommand>& subcommands) {
  remove_unfinished_on_signals();
  return Program(subcommands).run(argc, argv);
}

}  // namespace hci::app
