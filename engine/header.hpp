// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hci {

/// What a header card holds; monostate: nothing (an undefined value, or COMMENT, HISTORY).
using CardValue = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

/// One card of a FITS header. Names longer than 8 characters, or with blanks, become HIERARCH cards.
struct Card {
  std::string name;
  CardValue value;
  std::string comment;  ///< the text itself for COMMENT and HISTORY
};

/// The cards of one HDU in their order. Names compare without case.
class Header {
 public:
  /// Replaces the card of that name, or appends one.
  void set(const std::string& name, CardValue value, const std::string& comment = "");
  /// Appends a card, also where there is one of that name.
  void append(Card card);
  /// Appends a HISTORY card; long text takes several.
  void history(const std::string& text);

  /// The first card of that name, or nullptr. "HIERARCH ESO ..." is found as "ESO ...".
  const Card* find(std::string_view name) const;
  /// The value as a number (integers too); nothing if absent or of another type.
  std::optional<double> number(std::string_view name) const;
  /// The value as a string; nothing if absent or of another type.
  std::optional<std::string> text(std::string_view name) const;
  const std::vector<Card>& cards() const { return cards_; }

 private:
  std::vector<Card> cards_;
};

}  // namespace hci
