// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fitsio.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>

#include "engine/array_file.hpp"
#include "engine/fits.hpp"
#include "engine/fits_raw.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace {

/// CFITSIO's words for a status and what it has on its stack.
std::string cfitsio_text(int status) {
  char text[FLEN_ERRMSG] = "";
  fits_get_errstatus(status, text);
  std::string message = std::string(text) + " (CFITSIO " + std::to_string(status) + ")";
  while (fits_read_errmsg(text) != 0) message += std::string("; ") + text;
  return message;
}

bool same_text(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) == std::toupper(static_cast<unsigned char>(y));
  });
}

std::string stored_type(int bitpix) {
  switch (bitpix) {
    case 8:
      return "uint8";
    case -32:
      return "float32";
    case -64:
      return "float64";
    default:
      return "int" + std::to_string(bitpix);
  }
}

CardValue parsed_value(const std::string& text) {
  if (text.empty()) return {};
  int status = 0;
  char type = 'C', buffer[FLEN_VALUE];
  std::snprintf(buffer, sizeof buffer, "%s", text.c_str());
  fits_get_keytype(buffer, &type, &status);
  if (status != 0) return text;
  if (type == 'L') return text[0] == 'T';
  if (type == 'I') {
    char* end = nullptr;
    errno = 0;
    const long long value = std::strtoll(text.c_str(), &end, 10);
    if (errno == 0 && *end == '\0') return std::int64_t{value};
  }
  if (type == 'I' || type == 'F') {
    std::string number = text;
    std::replace(number.begin(), number.end(), 'D', 'E');
    return std::strtod(number.c_str(), nullptr);
  }
  if (type != 'C') return text;
  std::string inner;  // between the quotes, '' being one quote
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\'' && (i + 1 >= text.size() || text[i + 1] != '\'')) break;
    if (text[i] == '\'') ++i;
    inner += text[i];
  }
  inner.erase(inner.find_last_not_of(' ') + 1);
  return inner;
}

}  // namespace

bool HduInfo::has_data() const { return kind == Kind::image ? size() > 0 : rows > 0 && !columns.empty(); }

index_t HduInfo::size() const {
  if (kind != Kind::image || bitpix == 0) return 0;
  if (shape.empty()) return scalar ? 1 : 0;
  return value_count(shape).value_or(0);
}

std::string HduInfo::type_text() const {
  return stored_type(bitpix) + (scaled ? ", scaled" : "") + (compressed ? ", tile-compressed" : "");
}

std::string HduInfo::description() const {
  std::string text = "HDU " + std::to_string(index) + (name.empty() ? "" : " '" + name + "'") + ": ";
  if (kind == Kind::image) {
    if (!has_data()) return text + "no data";
    return text + "image " + shape_text(shape) + ", " + type_text();
  }
  text += kind == Kind::binary_table ? "binary table, " : "ASCII table, ";
  text += std::to_string(rows) + " rows:";
  for (const std::string& column : columns) text += " " + column;
  return text;
}

struct FitsFile::State {
  std::string path;
  fitsfile* file = nullptr;
  int threads = 1;
  int descriptor = -1;  ///< of a plain file, for reading beside CFITSIO; -1 otherwise
  std::vector<HduInfo> hdus;
  std::vector<RawImage> raw;

  ~State() {
    int status = 0;
    if (file != nullptr) fits_close_file(file, &status);
    if (descriptor >= 0) close(descriptor);
    fits_clear_errmsg();
  }
  void check(int status, const std::string& doing) const {
    require(status == 0, path, ": ", doing, ": ", status == 0 ? "" : cfitsio_text(status));
  }
  void move_to(int hdu) const {
    int status = 0;
    fits_movabs_hdu(file, hdu + 1, nullptr, &status);
    check(status, "HDU " + std::to_string(hdu) + " cannot be reached");
  }
  void open(const std::string& name);
  bool scan_hdu(int index);
  void scan_image(HduInfo& info, RawImage& image, int& status) const;
  void scan_table(HduInfo& info, int& status) const;
  void check_length(const HduInfo& info, off_t end) const;

  template <class Out>
  void read(int hdu, index_t first, index_t count, Out* out) const;
};

void FitsFile::State::open(const std::string& name) {
  namespace fs = std::filesystem;
  path = name;
  std::error_code error;
  require(fs::exists(path, error), path, ": no such file");
  require(!fs::is_directory(path, error), path, " is a folder, expected a FITS file");
  char start[6] = {};
  {
    std::ifstream in(path, std::ios::binary);
    require(in.good(), path, ": cannot be read: ", std::generic_category().message(errno));
    in.read(start, sizeof start);
    require(in.gcount() > 0, path, " is empty (0 bytes), expected a FITS file");
  }
  const bool plain = std::memcmp(start, "SIMPLE", 6) == 0;
  const bool packed = (start[0] == '\x1f' && (start[1] == '\x8b' || start[1] == '\x9d')) ||
                      std::memcmp(start, "BZh", 3) == 0 || std::memcmp(start, "PK", 2) == 0;
  require(plain || packed, path, " is not a FITS file: expected it to begin with 'SIMPLE  =', found something else");
  int status = 0;
  fits_clear_errmsg();
  fits_open_diskfile(&file, path.c_str(), READONLY, &status);
  check(status, "cannot be opened as FITS");
  if (plain) descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (int index = 0; scan_hdu(index);) ++index;
  // Old astropy wrote a scalar as an image without axes and its one value behind the header.
  HduInfo& first = hdus.front();
  first.scalar = descriptor >= 0 && hdus.size() == 1 && first.shape.empty() &&
                 lseek(descriptor, 0, SEEK_END) >= raw.front().offset + std::abs(first.bitpix) / 8;
}

/// False behind the last HDU.
bool FitsFile::State::scan_hdu(int index) {
  int status = 0, type = 0;
  fits_movabs_hdu(file, index + 1, &type, &status);
  if (status != 0 && index > 0) {  // the end; or bytes behind the last HDU, which readers must ignore
    fits_clear_errmsg();
    return false;
  }
  check(status, "HDU " + std::to_string(index) + " cannot be understood");
  HduInfo info;
  RawImage image;
  info.index = index;
  char text[FLEN_VALUE] = "";
  if (fits_read_key(file, TSTRING, "EXTNAME", text, nullptr, &status) == 0) info.name = text;
  status = 0;
  info.compressed = fits_is_compressed_image(file, &status) != 0;
  status = 0;
  fits_clear_errmsg();
  if (type == IMAGE_HDU || info.compressed) {
    scan_image(info, image, status);
  } else {
    info.kind = type == BINARY_TBL ? HduInfo::Kind::binary_table : HduInfo::Kind::ascii_table;
    scan_table(info, status);
  }
  check(status, "HDU " + std::to_string(index) + " cannot be understood");
  hdus.push_back(info);
  raw.push_back(image);
  return true;
}

void FitsFile::State::scan_image(HduInfo& info, RawImage& image, int& status) const {
  constexpr int most_axes = 99;
  LONGLONG axes[most_axes] = {}, head = 0, data = 0, end = 0;
  int count = 0;
  fits_get_img_paramll(file, most_axes, &info.bitpix, &count, axes, &status);
  fits_get_hduaddrll(file, &head, &data, &end, &status);
  if (status != 0) return;
  for (int i = count - 1; i >= 0; --i) info.shape.push_back(axes[i]);
  require(value_count(info.shape).has_value(), path, ", HDU ", info.index, " is truncated: its axes ",
          shape_text(info.shape), " promise more values than any file has, found ", std::filesystem::file_size(path),
          " bytes");
  image.bitpix = info.bitpix;
  image.offset = static_cast<off_t>(data);
  int missing = 0;
  long long blank = 0;
  if (fits_read_key(file, TDOUBLE, "BSCALE", &image.scale, nullptr, &missing) != 0) image.scale = 1;
  missing = 0;
  if (fits_read_key(file, TDOUBLE, "BZERO", &image.zero, nullptr, &missing) != 0) image.zero = 0;
  missing = 0;
  image.has_blank = info.bitpix > 0 && fits_read_key(file, TLONGLONG, "BLANK", &blank, nullptr, &missing) == 0;
  image.blank = blank;
  fits_clear_errmsg();
  info.scaled = image.scale != 1 || image.zero != 0 || image.has_blank;
  if (descriptor >= 0 && !info.compressed && count > 0)
    check_length(info, image.offset + static_cast<off_t>(info.size()) * (std::abs(info.bitpix) / 8));
}

void FitsFile::State::check_length(const HduInfo& info, off_t end) const {
  const off_t file_end = lseek(descriptor, 0, SEEK_END);
  require(file_end >= end, path, ", ", info.description(), " is truncated: expected at least ", end, " bytes, found ",
          file_end);
}

void FitsFile::State::scan_table(HduInfo& info, int& status) const {
  int count = 0;
  LONGLONG rows = 0, row_bytes = 0, head = 0, data = 0, end = 0;
  fits_get_num_rowsll(file, &rows, &status);
  fits_get_num_cols(file, &count, &status);
  fits_read_key(file, TLONGLONG, "NAXIS1", &row_bytes, nullptr, &status);
  fits_get_hduaddrll(file, &head, &data, &end, &status);
  if (status != 0) return;
  info.rows = rows;
  const std::optional<index_t> bytes = value_count({rows, row_bytes});
  require(bytes.has_value(), path, ", HDU ", info.index, " is truncated: ", rows, " rows of ", row_bytes,
          " bytes are more than any file has");
  if (descriptor >= 0) check_length(info, static_cast<off_t>(data) + *bytes);
  for (int i = 1; i <= count && status == 0; ++i) {
    char key[FLEN_KEYWORD], text[FLEN_VALUE] = "";
    fits_make_keyn("TTYPE", i, key, &status);
    int unnamed = 0;
    fits_read_key(file, TSTRING, key, text, nullptr, &unnamed);
    info.columns.emplace_back(text);
  }
  fits_clear_errmsg();
}

template <class Out>
void FitsFile::State::read(int hdu, index_t first, index_t count, Out* out) const {
  const HduInfo& info = hdus.at(static_cast<std::size_t>(hdu));
  require(info.kind == HduInfo::Kind::image, path, ", ", info.description(), ": expected an image");
  require(first >= 0 && count >= 0 && first + count <= info.size(), path, ", ", info.description(), ": values ", first,
          " to ", first + count, " were asked for");
  if (count == 0) return;
  if (descriptor >= 0 && !info.compressed) {
    require(read_raw(descriptor, raw[static_cast<std::size_t>(hdu)], first, count, out, threads), path, ", ",
            info.description(), ": cannot be read: ", std::generic_category().message(errno));
    return;
  }
  move_to(hdu);
  int status = 0, any_null = 0;
  Out null = std::numeric_limits<Out>::quiet_NaN();
  fits_read_img(file, std::is_same_v<Out, float> ? TFLOAT : TDOUBLE, first + 1, count, &null, out, &any_null, &status);
  check(status, info.description() + " cannot be read");
}

FitsFile::FitsFile(const std::string& path, int threads) : state_(std::make_unique<State>()) {
  state_->threads = threads > 0 ? threads : omp_get_max_threads();
  state_->open(path);
}
FitsFile::FitsFile(FitsFile&&) noexcept = default;
FitsFile& FitsFile::operator=(FitsFile&&) noexcept = default;
FitsFile::~FitsFile() = default;

const std::string& FitsFile::path() const { return state_->path; }
const std::vector<HduInfo>& FitsFile::hdus() const { return state_->hdus; }

const HduInfo& FitsFile::hdu(int index) const {
  const auto count = static_cast<int>(state_->hdus.size());
  require(index >= 0 && index < count, path(), ": there is no HDU ", index, ", the file has HDUs 0 to ", count - 1);
  return state_->hdus[static_cast<std::size_t>(index)];
}

const HduInfo& FitsFile::select(const std::string& name) const {
  if (name.empty()) {
    for (const bool images : {true, false})
      for (const HduInfo& info : hdus())
        if ((info.kind == HduInfo::Kind::image) == images && info.has_data()) return info;
    throw InvalidInput(path() + ": expected an HDU with data, found none in " + std::to_string(hdus().size()));
  }
  if (std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; }) && name.size() < 6)
    return hdu(std::stoi(name));
  std::string known;
  for (const HduInfo& info : hdus()) {
    if (same_text(info.name, name)) return info;
    if (!info.name.empty()) known += (known.empty() ? "" : ", ") + info.name;
  }
  throw InvalidInput(path() + ": there is no HDU '" + name + "'; names found: " + (known.empty() ? "none" : known));
}

Header FitsFile::header(int hdu) const {
  this->hdu(hdu);
  state_->move_to(hdu);
  int status = 0, count = 0;
  fits_get_hdrspace(state_->file, &count, nullptr, &status);
  Header header;
  std::string unfinished;  // the string value of a card that a CONTINUE card goes on with
  std::vector<Card> cards;
  for (int i = 1; i <= count && status == 0; ++i) {
    char name[FLEN_KEYWORD] = "", value[FLEN_VALUE] = "", comment[FLEN_COMMENT] = "";
    if (fits_read_keyn(state_->file, i, name, value, comment, &status) != 0) {
      status = 0;  // a card that breaks the standard: leave it out, the others are good
      fits_clear_errmsg();
      continue;
    }
    if (std::strcmp(name, "CONTINUE") == 0 && !cards.empty()) {
      char record[FLEN_CARD] = "";
      fits_read_record(state_->file, i, record, &status);
      std::string rest = std::string(record).substr(8);
      rest.erase(0, rest.find_first_not_of(' '));
      const CardValue more = parsed_value(rest.substr(0, FLEN_VALUE - 1));
      auto* text = std::get_if<std::string>(&cards.back().value);
      if (text != nullptr && !text->empty() && text->back() == '&' && std::holds_alternative<std::string>(more)) {
        text->pop_back();
        *text += std::get<std::string>(more);
      }
      continue;
    }
    cards.push_back({name, parsed_value(value), comment});
  }
  state_->check(status, "the header of HDU " + std::to_string(hdu) + " cannot be read");
  for (Card& card : cards) header.append(std::move(card));
  return header;
}

void FitsFile::read(int hdu, index_t first, index_t count, float* out) const {
  this->hdu(hdu);
  state_->read(hdu, first, count, out);
}
void FitsFile::read(int hdu, index_t first, index_t count, double* out) const {
  this->hdu(hdu);
  state_->read(hdu, first, count, out);
}

void FitsFile::read_frames(int hdu, index_t first, index_t count, Cube<float> out) const {
  const HduInfo& info = this->hdu(hdu);
  const std::size_t axes = info.shape.size();
  require(axes >= 2, path(), ", ", info.description(), ": expected an image of frames, with two or more axes");
  const index_t y = info.shape[axes - 2], x = info.shape[axes - 1];
  require(out.is_dense() && out.extents() == Extents<3>{count, y, x}, "read_frames: expected a dense view (", count,
          ", ", y, ", ", x, "), found (", out.extent(0), ", ", out.extent(1), ", ", out.extent(2), ")");
  state_->read(hdu, first * y * x, count * y * x, out.data());
}

std::vector<double> FitsFile::read_column(int hdu, const std::string& column) const {
  const HduInfo& info = this->hdu(hdu);
  require(info.kind != HduInfo::Kind::image, path(), ", ", info.description(), ": expected a table");
  const auto found = std::find_if(info.columns.begin(), info.columns.end(),
                                  [&](const std::string& name) { return same_text(name, column); });
  require(found != info.columns.end(), path(), ", ", info.description(), ": there is no column '", column, "'");
  const int number = static_cast<int>(found - info.columns.begin()) + 1;
  state_->move_to(hdu);
  int status = 0, type = 0, any_null = 0;
  LONGLONG repeat = 0, width = 0;
  fits_get_coltypell(state_->file, number, &type, &repeat, &width, &status);
  require(status != 0 || (type != TSTRING && type != TLOGICAL && type > 0 && type < TCOMPLEX), path(), ", ",
          info.description(), ": column '", column, "' holds no real numbers");
  require(status != 0 || repeat == 1 || info.rows == 1, path(), ", ", info.description(), ": column '", column,
          "' has ", repeat, " values in each row, expected 1");
  std::vector<double> values(static_cast<std::size_t>(info.rows * repeat));
  double null = std::numeric_limits<double>::quiet_NaN();
  fits_read_col(state_->file, TDOUBLE, number, 1, 1, static_cast<LONGLONG>(values.size()), &null, values.data(),
                &any_null, &status);
  state_->check(status, info.description() + ": column '" + column + "' cannot be read");
  return values;
}

}  // namespace hci
