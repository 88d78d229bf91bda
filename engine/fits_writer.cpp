// SPDX-License-Identifier: MIT
#include <fitsio.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <system_error>

#include "engine/atomic_file.hpp"
#include "engine/fits.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace {

/// Headers hold printable ASCII only.
std::string ascii(std::string text) {
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// Cards that describe the data; the writer makes them itself.
bool is_structural(const std::string& given) {
  const std::string name = upper(given);
  static constexpr std::array<std::string_view, 18> names = {
      "SIMPLE", "XTENSION", "BITPIX", "NAXIS",   "EXTEND",   "PCOUNT", "GCOUNT",  "BSCALE",  "BZERO",
      "BLANK",  "EXTNAME",  "END",    "DATASUM", "CHECKSUM", "ZIMAGE", "TFIELDS", "DATAMIN", "DATAMAX"};
  if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  return name.rfind("NAXIS", 0) == 0 && name.size() <= 8 &&
         std::all_of(name.begin() + 5, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// The shortest text that reads back as the same number and is not taken for an integer.
std::string number_text(double value) {
  char buffer[40];
  std::string text = upper({buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr});
  if (text.find_first_of(".E") == std::string::npos) text += ".0";
  return text;
}

/// "NAME    = " or "HIERARCH NAME = ".
std::string card_start(const std::string& name) {
  const bool standard = name.size() <= 8 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
                          return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_' || c == '-';
                        });
  return standard ? name + std::string(8 - name.size(), ' ') + "= " : "HIERARCH " + name + " = ";
}

/// A string of any length with CONTINUE cards. CFITSIO 4.2 loses characters of long strings in
/// HIERARCH cards.
void write_text_card(fitsfile* file, const std::string& name, const std::string& text, const std::string& comment,
                     int& status) {
  constexpr std::size_t card_length = 80;
  std::string record = card_start(name) + "'";
  require(record.size() < card_length - 10, "the header card's name '", name, "' is too long");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string letter = text[i] == '\'' ? "''" : std::string(1, text[i]);
    const bool last = i + 1 == text.size();
    if (record.size() + letter.size() + (last ? 1 : 2) > card_length) {
      fits_write_record(file, (record + "&'").c_str(), &status);
      record = "CONTINUE  '";
    }
    record += letter;
  }
  record += "'";
  if (!comment.empty() && record.size() + 3 + comment.size() <= card_length) record += " / " + comment;
  fits_write_record(file, record.c_str(), &status);
}

void write_card(fitsfile* file, const Card& card, int& status) {
  const std::string name = upper(ascii(card.name)), comment = ascii(card.comment);
  if (name == "HISTORY") {
    fits_write_history(file, comment.c_str(), &status);
  } else if (name == "COMMENT") {
    fits_write_comment(file, comment.c_str(), &status);
  } else if (const auto* text = std::get_if<std::string>(&card.value)) {
    write_text_card(file, name, ascii(*text), comment, status);
  } else if (const auto* flag = std::get_if<bool>(&card.value)) {
    fits_write_key_log(file, name.c_str(), *flag ? 1 : 0, comment.c_str(), &status);
  } else if (const auto* whole = std::get_if<std::int64_t>(&card.value)) {
    fits_write_key_lng(file, name.c_str(), *whole, comment.c_str(), &status);
  } else if (const auto* real = std::get_if<double>(&card.value); real != nullptr && std::isfinite(*real)) {
    char record[FLEN_CARD] = "";
    std::string value = number_text(*real);
    fits_make_key(name.c_str(), value.data(), comment.c_str(), record, &status);
    fits_write_record(file, record, &status);
  } else {
    fits_write_key_null(file, name.c_str(), comment.c_str(), &status);
  }
}

}  // namespace

struct FitsWriter::State {
  AtomicFile target;
  fitsfile* file = nullptr;

  explicit State(const std::string& path) : target(path) {
    int status = 0;
    fits_clear_errmsg();
    fits_create_diskfile(&file, target.temporary_path().c_str(), &status);
    check(status, "cannot be made");
  }
  ~State() {
    int status = 0;
    if (file != nullptr) fits_close_file(file, &status);
    fits_clear_errmsg();
  }
  void check(int status, const char* doing) const {
    if (status == 0) return;
    char text[FLEN_ERRMSG] = "";
    fits_get_errstatus(status, text);
    throw InvalidInput(target.path() + ": " + doing + ": " + text +
                       (errno != 0 ? std::string(", ") + std::generic_category().message(errno) : ""));
  }
  void append(const std::vector<index_t>& shape, int bitpix, int type, const void* data, const Header& header,
              const std::string& extname);
};

void FitsWriter::State::append(const std::vector<index_t>& shape, int bitpix, int type, const void* data,
                               const Header& header, const std::string& extname) {
  require(file != nullptr, target.path(), ": nothing can be appended after commit()");
  std::vector<LONGLONG> axes(shape.rbegin(), shape.rend());
  LONGLONG size = 1;
  for (LONGLONG n : axes) size *= n;
  int status = 0;
  errno = 0;
  fits_create_imgll(file, bitpix, static_cast<int>(axes.size()), axes.data(), &status);
  if (!extname.empty()) fits_write_key_str(file, "EXTNAME", ascii(extname).c_str(), "", &status);
  for (const Card& card : header.cards())
    if (!is_structural(card.name)) write_card(file, card, status);
  check(status, "the header cannot be written");
  // CFITSIO takes a pointer to data it does not change.
  if (size > 0) fits_write_img(file, type, 1, size, const_cast<void*>(data), &status);
  fits_flush_file(file, &status);
  check(status, "the data cannot be written");
}

FitsWriter::FitsWriter(const std::string& path) : state_(std::make_unique<State>(path)) {}
FitsWriter::FitsWriter(FitsWriter&&) noexcept = default;
FitsWriter::~FitsWriter() = default;

void FitsWriter::require_dense(bool dense) { require(dense, "FitsWriter: the view is not dense"); }

void FitsWriter::append(const std::vector<index_t>& shape, const float* data, const Header& header,
                        const std::string& extname) {
  state_->append(shape, FLOAT_IMG, TFLOAT, data, header, extname);
}
void FitsWriter::append(const std::vector<index_t>& shape, const double* data, const Header& header,
                        const std::string& extname) {
  state_->append(shape, DOUBLE_IMG, TDOUBLE, data, header, extname);
}

void FitsWriter::image(const std::vector<double>& values, const Header& header, const std::string& extname) {
  append({static_cast<index_t>(values.size())}, values.data(), header, extname);
}

void FitsWriter::commit() {
  require(state_->file != nullptr, state_->target.path(), ": commit() was called before");
  int status = 0;
  errno = 0;
  fits_close_file(state_->file, &status);
  state_->file = nullptr;
  state_->check(status, "cannot be completed");
  state_->target.commit();
}

void write_fits(const std::string& path, const std::vector<double>& values, const Header& header) {
  FitsWriter writer(path);
  writer.image(values, header);
  writer.commit();
}

}  // namespace hci
