// SPDX-License-Identifier: MIT
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "apps/cuhci/cli.hpp"

namespace hci::app {
namespace {

/// A float of the file stays one for what reads the text: "1.0", and not "1".
std::string text_of_float(double value) {
  const std::string text = to_text(value);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

std::string text_of(const toml::node& node, const std::string& path, const std::string& key) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return to_text(static_cast<long>(number->get()));
  if (const auto* number = node.as_floating_point()) return text_of_float(number->get());
  if (const auto* truth = node.as_boolean()) return to_text(truth->get());
  if (const auto* list = node.as_array()) {
    std::string text;
    for (const toml::node& item : *list) text += (text.empty() ? "" : ",") + text_of(item, path, key);
    return text;
  }
  require(node.as_table() == nullptr, path, ": '", key,
          "' is a table: tables are not used, put the settings at the top level, before any [heading]");
  throw InvalidInput(path + ": " + key + " is neither a text, a number, true or false, nor a list");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_config(const std::string& path) {
  std::error_code ignored;
  require(!path.empty(), "--config: expected the name of a TOML file, found nothing");
  require(!std::filesystem::is_directory(path, ignored), "--config: ", path, " is a folder, expected a TOML file");
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    if (error.source().begin.line > 0) where << " line " << error.source().begin.line;
    throw InvalidInput(path + where.str() + ": " + std::string(error.description()));
  }
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [name, node] : table) {
    std::string key(name.str());
    std::replace(key.begin(), key.end(), '-', '_');
    entries.emplace_back(key, text_of(node, path, key));
  }
  return entries;
}

}  // namespace hci::app
