// SPDX-License-Identifier: MIT
#include "engine/header.hpp"

#include <algorithm>
#include <cctype>

namespace hci {
namespace {

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return upper(x) == upper(y); });
}

}  // namespace

void Header::set(const std::string& name, CardValue value, const std::string& comment) {
  for (Card& card : cards_)
    if (same_name(card.name, name)) {
      card = {card.name, std::move(value), comment};
      return;
    }
  cards_.push_back({name, std::move(value), comment});
}

void Header::append(Card card) { cards_.push_back(std::move(card)); }

void Header::history(const std::string& text) { cards_.push_back({"HISTORY", {}, text}); }

const Card* Header::find(std::string_view name) const {
  for (const Card& card : cards_)
    if (same_name(card.name, name)) return &card;
  return nullptr;
}

std::optional<double> Header::number(std::string_view name) const {
  const Card* card = find(name);
  if (card == nullptr) return std::nullopt;
  if (const auto* real = std::get_if<double>(&card->value)) return *real;
  if (const auto* whole = std::get_if<std::int64_t>(&card->value)) return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<std::string> Header::text(std::string_view name) const {
  const Card* card = find(name);
  if (card == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&card->value)) return *text;
  return std::nullopt;
}

}  // namespace hci
