// SPDX-License-Identifier: MIT
#include "engine/hdf5.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "engine/array_file.hpp"
#include "engine/atomic_file.hpp"
#include "kernels/core/error.hpp"

namespace hci {
namespace {

/// An HDF5 identifier that is given back once.
class Id {
 public:
  Id() = default;
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// HDF5 prints its errors unless told not to, for each thread.
void be_quiet() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

std::string type_text(hid_t type) {
  const std::string bits = std::to_string(8 * H5Tget_size(type));
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return "float" + bits;
    case H5T_INTEGER:
      return (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + bits;
    case H5T_STRING:
      return "string";
    default:
      return "other";
  }
}

/// Nothing where HDF5 cannot tell. Extents beyond index_t come out negative.
std::optional<std::vector<index_t>> shape_of(hid_t dataset) {
  const Id space(H5Dget_space(dataset), H5Sclose);
  const int rank = space ? H5Sget_simple_extent_ndims(space.get()) : -1;
  if (rank < 0) return std::nullopt;
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  if (H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr) < 0) return std::nullopt;
  return std::vector<index_t>(extents.begin(), extents.end());
}

/// What is found on the way through a file.
struct Visit {
  std::vector<Hdf5File::DatasetInfo> datasets;
  std::string last = "/";  ///< the last object that could be read
};

/// Called by HDF5 for each object; a negative value ends the visit.
herr_t collect(hid_t object, const char* name, const H5O_info_t* info, void* out) {
  auto& visit = *static_cast<Visit*>(out);
  if (info->type == H5O_TYPE_DATASET) {
    const Id dataset(H5Dopen2(object, name, H5P_DEFAULT), H5Dclose);
    const Id type(dataset ? H5Dget_type(dataset.get()) : -1, H5Tclose);
    if (!type) return -1;
    const auto shape = shape_of(dataset.get());
    if (!shape) return -1;
    visit.datasets.push_back({std::string("/") + name, type_text(type.get()), *shape});
  }
  if (std::strcmp(name, ".") != 0) visit.last = std::string("/") + name;
  return 0;
}

}  // namespace

index_t Hdf5File::DatasetInfo::size() const { return value_count(shape).value_or(0); }

struct Hdf5File::State {
  std::string path;
  Id file;
  std::vector<DatasetInfo> datasets;

  Id open(const DatasetInfo& info) const {
    require(info.type != "string" && info.type != "other", path, ", dataset ", info.name, ": expected numbers, found ",
            info.type);
    Id dataset(H5Dopen2(file.get(), info.name.c_str(), H5P_DEFAULT), H5Dclose);
    require(static_cast<bool>(dataset), path, ", dataset ", info.name, ": cannot be opened");
    return dataset;
  }
  Id attribute(const std::string& object, const std::string& name) const {
    if (H5Aexists_by_name(file.get(), object.c_str(), name.c_str(), H5P_DEFAULT) <= 0) return {};
    return {H5Aopen_by_name(file.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose};
  }
};

bool is_hdf5(const std::string& path) {
  static constexpr char magic[8] = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  char start[8] = {};
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return std::memcmp(start, magic, sizeof magic) == 0;
}

Hdf5File::Hdf5File(const std::string& path) : state_(std::make_unique<State>()) {
  be_quiet();
  state_->path = path;
  std::error_code error;
  require(std::filesystem::exists(path, error), path, ": no such file");
  require(is_hdf5(path), path, " is not an HDF5 file");
  state_->file = Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  require(static_cast<bool>(state_->file), path, ": cannot be opened as HDF5; it is truncated or damaged");
  Visit visit;
  const herr_t visited = H5Ovisit2(state_->file.get(), H5_INDEX_NAME, H5_ITER_INC, collect, &visit, H5O_INFO_BASIC);
  require(visited >= 0, path, " is damaged: what comes after ", visit.last, " cannot be read");
  for (const DatasetInfo& info : visit.datasets)
    require(value_count(info.shape).has_value(), path, " is damaged: dataset ", info.name, ", ", shape_text(info.shape),
            ", promises more values than any file has");
  state_->datasets = std::move(visit.datasets);
}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() = default;

const std::string& Hdf5File::path() const { return state_->path; }
const std::vector<Hdf5File::DatasetInfo>& Hdf5File::datasets() const { return state_->datasets; }

const Hdf5File::DatasetInfo* Hdf5File::find(const std::string& name) const {
  for (const DatasetInfo& info : datasets())
    if (info.name == name || info.name.substr(1) == name) return &info;
  return nullptr;
}

const Hdf5File::DatasetInfo& Hdf5File::dataset(const std::string& name) const {
  if (const DatasetInfo* info = find(name)) return *info;
  std::string known;
  for (const DatasetInfo& info : datasets()) known.append(known.empty() ? "" : ", ").append(info.name);
  throw InvalidInput(path() + ": there is no dataset '" + name + "'; found: " + (known.empty() ? "none" : known));
}

void Hdf5File::read_frames(const std::string& name, index_t first, index_t count, float* out) const {
  be_quiet();
  const DatasetInfo& info = dataset(name);
  const int rank = static_cast<int>(info.shape.size());
  require(rank >= 2 && rank <= 4, path(), ", dataset ", info.name, ": expected frames (2 to 4 axes), found ",
          shape_text(info.shape));
  const Id source = state_->open(info), space(H5Dget_space(source.get()), H5Sclose);
  const index_t y = info.shape[static_cast<std::size_t>(rank - 2)], x = info.shape[static_cast<std::size_t>(rank - 1)];
  const index_t inner = rank >= 3 ? info.shape[static_cast<std::size_t>(rank - 3)] : 1;
  require(first >= 0 && count >= 0 && (first + count) * y * x <= info.size(), path(), ", dataset ", info.name,
          ": frames ", first, " to ", first + count, " were asked for, found ", shape_text(info.shape));
  while (count > 0) {  // runs of frames that one hyperslab covers
    const index_t begin = first % inner, run = std::min(count, inner - begin);
    const auto u = [](index_t i) { return static_cast<hsize_t>(i); };
    const hsize_t start[4] = {u(first / inner), u(begin), 0, 0}, size[4] = {1, u(run), u(y), u(x)};
    const hsize_t values = u(run * y * x);
    const Id memory(H5Screate_simple(1, &values, nullptr), H5Sclose);
    const bool good =
        space && memory &&
        H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start + 4 - rank, nullptr, size + 4 - rank, nullptr) >= 0 &&
        H5Dread(source.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT, out) >= 0;
    require(good, path(), ", dataset ", info.name, ": frames ", first, " to ", first + run, " cannot be read");
    first += run;
    count -= run;
    out += run * y * x;
  }
}

std::vector<double> Hdf5File::read_all(const std::string& name) const {
  be_quiet();
  const DatasetInfo& info = dataset(name);
  const Id source = state_->open(info);
  std::vector<double> values(static_cast<std::size_t>(info.size()));
  const herr_t status = H5Dread(source.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  require(status >= 0, path(), ", dataset ", info.name, ": cannot be read");
  return values;
}

std::optional<double> Hdf5File::number(const std::string& object, const std::string& name) const {
  be_quiet();
  const Id attribute = state_->attribute(object, name);
  if (!attribute) return std::nullopt;
  const Id type(H5Aget_type(attribute.get()), H5Tclose), space(H5Aget_space(attribute.get()), H5Sclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  if ((kind != H5T_FLOAT && kind != H5T_INTEGER) || H5Sget_simple_extent_npoints(space.get()) != 1) return std::nullopt;
  double value = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0) return std::nullopt;
  return value;
}

std::optional<std::string> Hdf5File::text(const std::string& object, const std::string& name) const {
  be_quiet();
  const Id attribute = state_->attribute(object, name);
  if (!attribute) return std::nullopt;
  const Id type(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING) return std::nullopt;
  if (H5Tis_variable_str(type.get()) > 0) {
    char* value = nullptr;
    if (H5Aread(attribute.get(), type.get(), &value) < 0 || value == nullptr) return std::nullopt;
    std::string text = value;
    H5free_memory(value);
    return text;
  }
  std::string text(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) return std::nullopt;
  return text.substr(0, text.find('\0'));
}

namespace {

void write_array(hid_t file, const std::string& path, const char* name, const std::vector<index_t>& shape, hid_t stored,
                 hid_t type, const void* data) {
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  const Id space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
  const Id dataset(H5Dcreate2(file, name, stored, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
  require(dataset && H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, path, ", dataset ", name,
          ": cannot be written");
}
void write_array(hid_t file, const std::string& path, const char* name, const std::vector<double>& values) {
  if (values.empty()) return;
  write_array(file, path, name, {static_cast<index_t>(values.size())}, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
              values.data());
}
template <int N>
void write_array(hid_t file, const std::string& path, const char* name, const Array<float, N>& array) {
  if (array.size() == 0) return;
  write_array(file, path, name, {array.extents().n, array.extents().n + N}, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT,
              array.data());
}

}  // namespace

void write_hdf5(const std::string& path, const Dataset& dataset) {
  be_quiet();
  AtomicFile target(path);
  Id file(H5Fcreate(target.temporary_path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  require(static_cast<bool>(file), path, ": cannot be made");
  write_array(file.get(), path, "/cube", dataset.cube);
  write_array(file.get(), path, "/angles", dataset.angles);
  write_array(file.get(), path, "/psf", dataset.psf);
  write_array(file.get(), path, "/wavelengths", dataset.wavelengths);
  write_array(file.get(), path, "/reference", dataset.reference);
  write_array(file.get(), path, "/fwhm", dataset.fwhm);
  if (dataset.pixel_scale) {
    const Id space(H5Screate(H5S_SCALAR), H5Sclose);
    const Id attribute(H5Acreate2(file.get(), "pixel_scale", H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                       H5Aclose);
    require(attribute && H5Awrite(attribute.get(), H5T_NATIVE_DOUBLE, &*dataset.pixel_scale) >= 0, path,
            ": attribute pixel_scale cannot be written");
  }
  require(H5Fflush(file.get(), H5F_SCOPE_LOCAL) >= 0, path, ": cannot be completed");
  file = Id();
  target.commit();
}

}  // namespace hci
