// SPDX-License-Identifier: MIT
#include "models/psfsub/ncomp.hpp"

#include "engine/params.hpp"
#include "kernels/core/view.hpp"

namespace hci {
namespace {

int read_count(std::string_view text) {
  int count = 0;
  from_text(text, count);
  require(count >= 1, "ncomp is ", count, "; there must be 1 component at least");
  return count;
}

/// "from:to" or "from:to:step", `to` included.
std::vector<int> read_range(std::string_view text) {
  const auto colon = text.find(':'), second = text.find(':', colon + 1);
  const int from = read_count(text.substr(0, colon));
  const bool has_step = second != std::string_view::npos;
  const int to = read_count(text.substr(colon + 1, has_step ? second - colon - 1 : second));
  int step = 1;
  if (has_step) from_text(text.substr(second + 1), step);
  require(step >= 1, "the step of ncomp is ", step, "; it must be 1 at least");
  require(to >= from, "ncomp goes from ", from, " to ", to, "; give the smaller number first");
  constexpr index_t kMost = 10000;
  const index_t count = (index_t{to} - from) / step + 1;
  require(count <= kMost, "ncomp ", text, " are ", count, " numbers; ", kMost, " at most, use a larger step");
  std::vector<int> counts;
  for (index_t i = 0; i < count; ++i) counts.push_back(static_cast<int>(from + i * step));
  return counts;
}

std::vector<int> read_list(std::string_view text) {
  std::vector<int> counts;
  while (true) {
    const auto comma = text.find(',');
    counts.push_back(read_count(text.substr(0, comma)));
    if (comma == std::string_view::npos) return counts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string to_text(const Ncomp& ncomp) {
  if (const auto* share = std::get_if<Ncomp::Share>(&ncomp.value))
    return share->variance == 1 ? "1.0" : to_text(share->variance);  // "1" is one component
  if (std::holds_alternative<Ncomp::Automatic>(ncomp.value)) return "auto";
  return to_text(std::get<std::vector<int>>(ncomp.value));
}

void from_text(std::string_view text, Ncomp& ncomp) {
  if (same_word(text, "auto")) {
    ncomp = Ncomp::Automatic{};
  } else if (text.find(':') != std::string_view::npos) {
    ncomp = read_range(text);
  } else if (text.find('.') != std::string_view::npos) {
    Ncomp::Share share{};
    from_text(text, share.variance);
    require(share.variance > 0 && share.variance <= 1, "ncomp is ", text,
            "; a share of the variance lies above 0 and is 1 at most, a number of components has no point");
    ncomp = share;
  } else {
    ncomp = read_list(text);
  }
}

}  // namespace hci
