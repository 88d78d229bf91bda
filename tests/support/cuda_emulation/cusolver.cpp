// SPDX-License-Identifier: MIT
// cuSOLVER over LAPACK. Workspaces are asked for and spoilt, so that one that is too small or gone shows.
#include <cusolverDn.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "cuda_emulation/machine.hpp"

using namespace cuda_emulation;

struct cusolverDnContext {
  CUstream_st* stream = nullptr;
};
struct cusolverDnParams {};
struct syevjInfo {};

extern "C" {  // LAPACK, from OpenBLAS
void ssyevd_(const char*, const char*, const int*, float*, const int*, float*, float*, const int*, int*, const int*,
             int*);
void dsyevd_(const char*, const char*, const int*, double*, const int*, double*, double*, const int*, int*, const int*,
             int*);
void ssyevr_(const char*, const char*, const char*, const int*, float*, const int*, const float*, const float*,
             const int*, const int*, const float*, int*, float*, float*, const int*, int*, float*, const int*, int*,
             const int*, int*);
void dsyevr_(const char*, const char*, const char*, const int*, double*, const int*, const double*, const double*,
             const int*, const int*, const double*, int*, double*, double*, const int*, int*, double*, const int*, int*,
             const int*, int*);
void spotrf_(const char*, const int*, float*, const int*, int*);
void dpotrf_(const char*, const int*, double*, const int*, int*);
void spotrs_(const char*, const int*, const int*, const float*, const int*, float*, const int*, int*);
void dpotrs_(const char*, const int*, const int*, const double*, const int*, double*, const int*, int*);
void sgesdd_(const char*, const int*, const int*, float*, const int*, float*, float*, const int*, float*, const int*,
             float*, const int*, int*, int*);
void dgesdd_(const char*, const int*, const int*, double*, const int*, double*, double*, const int*, double*,
             const int*, double*, const int*, int*, int*);
}

namespace {

constexpr std::size_t kHostWorkspace = 264;  // any odd size: whoever forgets it shows

std::size_t device_workspace(std::int64_t n, std::size_t element) {
  return static_cast<std::size_t>(2 * n * n + n) * element;
}

char letter(cublasFillMode_t fill) { return fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U'; }
char letter(cusolverEigMode_t mode) { return mode == CUSOLVER_EIG_MODE_VECTOR ? 'V' : 'N'; }

template <class T, auto eigen>
int syevd(char job, char fill, int n, T* a, int lda, T* w) {
  int info = 0, more = -1, int_work = 0;
  T work = 0;
  eigen(&job, &fill, &n, a, &lda, w, &work, &more, &int_work, &more, &info);
  int size = static_cast<int>(work), int_size = int_work;
  std::vector<T> space(static_cast<std::size_t>(size));
  std::vector<int> int_space(static_cast<std::size_t>(int_size));
  eigen(&job, &fill, &n, a, &lda, w, space.data(), &size, int_space.data(), &int_size, &info);
  return info;
}

/// Eigenpairs il .. iu (from 1, ascending); their vectors take the first columns of a, as in cuSOLVER.
template <class T, auto eigen>
int syevr(char job, char range, char fill, int n, T* a, int lda, T vl, T vu, int il, int iu, T* w, int* found) {
  int info = 0, more = -1, int_work = 0;
  const T tolerance = 0;
  T work = 0;
  const std::size_t size_n = static_cast<std::size_t>(n);
  std::vector<T> vectors(size_n * size_n), values(size_n);
  std::vector<int> support(2 * size_n);
  eigen(&job, &range, &fill, &n, a, &lda, &vl, &vu, &il, &iu, &tolerance, found, values.data(), vectors.data(), &n,
        support.data(), &work, &more, &int_work, &more, &info);
  int size = static_cast<int>(work), int_size = int_work;
  std::vector<T> space(static_cast<std::size_t>(size));
  std::vector<int> int_space(static_cast<std::size_t>(int_size));
  eigen(&job, &range, &fill, &n, a, &lda, &vl, &vu, &il, &iu, &tolerance, found, values.data(), vectors.data(), &n,
        support.data(), space.data(), &size, int_space.data(), &int_size, &info);
  std::copy_n(values.begin(), *found, w);
  if (job == 'V')
    for (int column = 0; column < *found; ++column)
      std::copy_n(vectors.begin() + std::int64_t{column} * n, n, a + std::int64_t{column} * lda);
  return info;
}

/// The workspaces of a call: checked, and spoilt when the work runs.
struct Workspace {
  void* device;
  std::size_t device_bytes;
  void* host;
  std::size_t host_bytes;

  bool suffices(CUstream_st& stream, std::size_t needed) const {
    if (device_bytes < needed || host_bytes < kHostWorkspace || device == nullptr || host == nullptr) return false;
    expect_device_memory(stream, device, needed, "cuSOLVER, workspace");
    if (machine().device_of(host) != nullptr) die("cuSOLVER: the host workspace is device memory");
    return true;
  }
  void spoil(std::size_t needed) const {
    std::memset(device, 0xFF, needed);
    std::memset(host, 0xFF, kHostWorkspace);
  }
};

template <class T>
void expect_square(CUstream_st& stream, const void* a, std::int64_t n, std::int64_t columns, std::int64_t lda,
                   const char* what) {
  expect_device_memory(stream, a, static_cast<std::size_t>((columns - 1) * lda + n) * sizeof(T), what);
}

bool usable(cudaDataType type, cudaDataType other, std::int64_t n, std::int64_t lda) {
  return (type == CUDA_R_32F || type == CUDA_R_64F) && type == other && n > 0 && lda >= n;
}

std::size_t size_of(cudaDataType type) { return type == CUDA_R_32F ? sizeof(float) : sizeof(double); }

template <class T, auto eigen>
void enqueue_syevd(CUstream_st& stream, cusolverEigMode_t job, cublasFillMode_t fill, std::int64_t n, void* a,
                   std::int64_t lda, void* w, const Workspace& workspace, int* info, std::int64_t count) {
  const std::int64_t step = lda * n;
  expect_current_device(stream, "cuSOLVER syevd");
  expect_square<T>(stream, a, n, n * count, lda, "cuSOLVER syevd, matrix A");
  expect_device_memory(stream, w, static_cast<std::size_t>(n * count) * sizeof(T), "cuSOLVER syevd, eigenvalues");
  expect_device_memory(stream, info, static_cast<std::size_t>(count) * sizeof(int), "cuSOLVER syevd, info");
  machine().enqueue(stream, "cuSOLVER syevd", [=] {
    workspace.spoil(device_workspace(n, sizeof(T)));
    for (std::int64_t i = 0; i < count; ++i)
      info[i] = syevd<T, eigen>(letter(job), letter(fill), static_cast<int>(n), static_cast<T*>(a) + i * step,
                                static_cast<int>(lda), static_cast<T*>(w) + i * n);
  });
}

template <class T, auto eigen>
void enqueue_syevdx(CUstream_st& stream, cusolverEigMode_t job, cusolverEigRange_t range, cublasFillMode_t fill,
                    std::int64_t n, void* a, std::int64_t lda, const void* vl, const void* vu, std::int64_t il,
                    std::int64_t iu, std::int64_t* found, void* w, const Workspace& workspace, int* info) {
  expect_current_device(stream, "cuSOLVER syevdx");
  expect_square<T>(stream, a, n, n, lda, "cuSOLVER syevdx, matrix A");
  expect_device_memory(stream, w, static_cast<std::size_t>(n) * sizeof(T), "cuSOLVER syevdx, eigenvalues");
  expect_device_memory(stream, info, sizeof(int), "cuSOLVER syevdx, info");
  const bool by_value = range == CUSOLVER_EIG_RANGE_V;
  const T low = by_value ? *static_cast<const T*>(vl) : T{0}, high = by_value ? *static_cast<const T*>(vu) : T{0};
  const char letter_of_range = by_value ? 'V' : range == CUSOLVER_EIG_RANGE_I ? 'I' : 'A';
  machine().enqueue(stream, "cuSOLVER syevdx", [=] {
    workspace.spoil(device_workspace(n, sizeof(T)));
    int count = 0;
    *info = syevr<T, eigen>(letter(job), letter_of_range, letter(fill), static_cast<int>(n), static_cast<T*>(a),
                            static_cast<int>(lda), low, high, static_cast<int>(il), static_cast<int>(iu),
                            static_cast<T*>(w), &count);
    *found = count;
  });
}

/// The k largest singular values of a column-major (m, n) matrix, and their vectors as columns of u and v.
template <class T, auto gesdd>
int gesvd_top(int m, int n, int k, T* a, int lda, T* s, T* u, std::int64_t ldu, T* v, std::int64_t ldv) {
  const int few = std::min(m, n), more = -1;
  const auto size = [](int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  };
  std::vector<T> left(size(m, few)), right(size(few, n)), values(static_cast<std::size_t>(few));
  std::vector<int> int_space(8 * static_cast<std::size_t>(few));
  const char job = 'S';
  T work = 0;
  int info = 0;
  gesdd(&job, &m, &n, a, &lda, values.data(), left.data(), &m, right.data(), &few, &work, &more, int_space.data(),
        &info);
  const int space_size = static_cast<int>(work);
  std::vector<T> space(static_cast<std::size_t>(space_size));
  gesdd(&job, &m, &n, a, &lda, values.data(), left.data(), &m, right.data(), &few, space.data(), &space_size,
        int_space.data(), &info);
  std::copy_n(values.begin(), k, s);
  for (int j = 0; j < k; ++j) {
    std::copy_n(left.begin() + std::int64_t{j} * m, m, u + j * ldu);
    for (int i = 0; i < n; ++i) v[j * ldv + i] = right[size(i, few) + static_cast<std::size_t>(j)];
  }
  return info;
}

template <class T, auto gesdd>
void enqueue_gesvdr(CUstream_st& stream, std::int64_t m, std::int64_t n, std::int64_t k, void* a, std::int64_t lda,
                    void* s, void* u, std::int64_t ldu, void* v, std::int64_t ldv, const Workspace& workspace,
                    std::size_t needed, int* info) {
  expect_current_device(stream, "cuSOLVER gesvdr");
  expect_square<T>(stream, a, m, n, lda, "cuSOLVER gesvdr, matrix A");
  expect_square<T>(stream, u, m, k, ldu, "cuSOLVER gesvdr, left vectors");
  expect_square<T>(stream, v, n, k, ldv, "cuSOLVER gesvdr, right vectors");
  expect_device_memory(stream, s, static_cast<std::size_t>(std::min(m, n)) * sizeof(T), "cuSOLVER gesvdr, values");
  expect_device_memory(stream, info, sizeof(int), "cuSOLVER gesvdr, info");
  machine().enqueue(stream, "cuSOLVER gesvdr", [=] {
    workspace.spoil(needed);
    *info = gesvd_top<T, gesdd>(static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), static_cast<T*>(a),
                                static_cast<int>(lda), static_cast<T*>(s), static_cast<T*>(u), ldu, static_cast<T*>(v),
                                ldv);
    for (std::int64_t column = 0; column < n; ++column)  // whoever thinks that the matrix is kept sees that it is not
      std::memset(static_cast<T*>(a) + column * lda, 0xFF, static_cast<std::size_t>(m) * sizeof(T));
  });
}

template <class T>
using Potrf = void(const char*, const int*, T*, const int*, int*);
template <class T>
using Potrs = void(const char*, const int*, const int*, const T*, const int*, T*, const int*, int*);

template <class T>
void enqueue_potrf(CUstream_st& stream, Potrf<T>* factor, cublasFillMode_t fill, std::int64_t n, void* a,
                   std::int64_t lda, const Workspace& workspace, int* info) {
  expect_current_device(stream, "cuSOLVER potrf");
  expect_square<T>(stream, a, n, n, lda, "cuSOLVER potrf, matrix A");
  expect_device_memory(stream, info, sizeof(int), "cuSOLVER potrf, info");
  machine().enqueue(stream, "cuSOLVER potrf", [=] {
    workspace.spoil(device_workspace(n, sizeof(T)));
    const char side = letter(fill);
    const int size = static_cast<int>(n), ld = static_cast<int>(lda);
    factor(&side, &size, static_cast<T*>(a), &ld, info);
  });
}

template <class T>
void enqueue_potrs(CUstream_st& stream, Potrs<T>* solve, cublasFillMode_t fill, std::int64_t n, std::int64_t columns,
                   const void* a, std::int64_t lda, void* b, std::int64_t ldb, int* info) {
  expect_current_device(stream, "cuSOLVER potrs");
  expect_square<T>(stream, a, n, n, lda, "cuSOLVER potrs, matrix A");
  expect_square<T>(stream, b, n, columns, ldb, "cuSOLVER potrs, matrix B");
  expect_device_memory(stream, info, sizeof(int), "cuSOLVER potrs, info");
  machine().enqueue(stream, "cuSOLVER potrs", [=] {
    const char side = letter(fill);
    const int size = static_cast<int>(n), count = static_cast<int>(columns), ld = static_cast<int>(lda),
              b_ld = static_cast<int>(ldb);
    solve(&side, &size, &count, static_cast<const T*>(a), &ld, static_cast<T*>(b), &b_ld, info);
  });
}

}  // namespace

extern "C" {

cusolverStatus_t CUSOLVERAPI cusolverDnCreate(cusolverDnHandle_t* handle) {
  Call call;
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (machine().allocation_fails()) return CUSOLVER_STATUS_ALLOC_FAILED;
  *handle = new cusolverDnContext{&call.device().default_stream()};
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnDestroy(cusolverDnHandle_t handle) {
  expect_current_device(*handle->stream, "cusolverDnDestroy");
  delete handle;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  Call call(handle->stream->device->index());
  if (!machine().is_stream(stream)) return CUSOLVER_STATUS_INVALID_VALUE;
  handle->stream = stream == nullptr ? &handle->stream->device->default_stream() : stream;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnCreateParams(cusolverDnParams_t* params) {
  *params = new cusolverDnParams;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnDestroyParams(cusolverDnParams_t params) {
  delete params;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXsyevBatched_bufferSize(
    cusolverDnHandle_t /*handle*/, cusolverDnParams_t /*params*/, cusolverEigMode_t /*job*/, cublasFillMode_t /*fill*/,
    std::int64_t n, cudaDataType type, const void* /*a*/, std::int64_t lda, cudaDataType w_type, const void* /*w*/,
    cudaDataType /*compute*/, std::size_t* device_bytes, std::size_t* host_bytes, std::int64_t /*count*/) {
  if (!usable(type, w_type, n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;
  *device_bytes = device_workspace(n, size_of(type));
  *host_bytes = kHostWorkspace;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXsyevBatched(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                                    cusolverEigMode_t job, cublasFillMode_t fill, std::int64_t n,
                                                    cudaDataType type, void* a, std::int64_t lda, cudaDataType w_type,
                                                    void* w, cudaDataType /*compute*/, void* device_space,
                                                    std::size_t device_bytes, void* host_space, std::size_t host_bytes,
                                                    int* info, std::int64_t count) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_EXECUTION_FAILED;
  const Workspace workspace{device_space, device_bytes, host_space, host_bytes};
  if (!usable(type, w_type, n, lda) || count < 1 ||
      !workspace.suffices(*handle->stream, device_workspace(n, size_of(type))))
    return CUSOLVER_STATUS_INVALID_VALUE;
  if (type == CUDA_R_32F)
    enqueue_syevd<float, ssyevd_>(*handle->stream, job, fill, n, a, lda, w, workspace, info, count);
  else
    enqueue_syevd<double, dsyevd_>(*handle->stream, job, fill, n, a, lda, w, workspace, info, count);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXsyevd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                                         cusolverEigMode_t job, cublasFillMode_t fill, std::int64_t n,
                                                         cudaDataType type, const void* a, std::int64_t lda,
                                                         cudaDataType w_type, const void* w, cudaDataType compute,
                                                         std::size_t* device_bytes, std::size_t* host_bytes) {
  return cusolverDnXsyevBatched_bufferSize(handle, params, job, fill, n, type, a, lda, w_type, w, compute, device_bytes,
                                           host_bytes, 1);
}

cusolverStatus_t CUSOLVERAPI cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                              cusolverEigMode_t job, cublasFillMode_t fill, std::int64_t n,
                                              cudaDataType type, void* a, std::int64_t lda, cudaDataType w_type,
                                              void* w, cudaDataType compute, void* device_space,
                                              std::size_t device_bytes, void* host_space, std::size_t host_bytes,
                                              int* info) {
  return cusolverDnXsyevBatched(handle, params, job, fill, n, type, a, lda, w_type, w, compute, device_space,
                                device_bytes, host_space, host_bytes, info, 1);
}

cusolverStatus_t CUSOLVERAPI cusolverDnXsyevdx_bufferSize(
    cusolverDnHandle_t handle, cusolverDnParams_t params, cusolverEigMode_t job, cusolverEigRange_t /*range*/,
    cublasFillMode_t fill, std::int64_t n, cudaDataType type, const void* a, std::int64_t lda, void* /*vl*/,
    void* /*vu*/, std::int64_t /*il*/, std::int64_t /*iu*/, std::int64_t* /*found*/, cudaDataType w_type, const void* w,
    cudaDataType compute, std::size_t* device_bytes, std::size_t* host_bytes) {
  return cusolverDnXsyevBatched_bufferSize(handle, params, job, fill, n, type, a, lda, w_type, w, compute, device_bytes,
                                           host_bytes, 1);
}

cusolverStatus_t CUSOLVERAPI cusolverDnXsyevdx(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                               cusolverEigMode_t job, cusolverEigRange_t range, cublasFillMode_t fill,
                                               std::int64_t n, cudaDataType type, void* a, std::int64_t lda, void* vl,
                                               void* vu, std::int64_t il, std::int64_t iu, std::int64_t* found,
                                               cudaDataType w_type, void* w, cudaDataType /*compute*/,
                                               void* device_space, std::size_t device_bytes, void* host_space,
                                               std::size_t host_bytes, int* info) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_EXECUTION_FAILED;
  const Workspace workspace{device_space, device_bytes, host_space, host_bytes};
  if (!usable(type, w_type, n, lda) || (range == CUSOLVER_EIG_RANGE_I && (il < 1 || il > iu || iu > n)) ||
      !workspace.suffices(*handle->stream, device_workspace(n, size_of(type))))
    return CUSOLVER_STATUS_INVALID_VALUE;
  if (type == CUDA_R_32F)
    enqueue_syevdx<float, ssyevr_>(*handle->stream, job, range, fill, n, a, lda, vl, vu, il, iu, found, w, workspace,
                                   info);
  else
    enqueue_syevdx<double, dsyevr_>(*handle->stream, job, range, fill, n, a, lda, vl, vu, il, iu, found, w, workspace,
                                    info);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXpotrf_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                                         cublasFillMode_t fill, std::int64_t n, cudaDataType type,
                                                         const void* a, std::int64_t lda, cudaDataType compute,
                                                         std::size_t* device_bytes, std::size_t* host_bytes) {
  return cusolverDnXsyevBatched_bufferSize(handle, params, CUSOLVER_EIG_MODE_NOVECTOR, fill, n, type, a, lda, type, a,
                                           compute, device_bytes, host_bytes, 1);
}

cusolverStatus_t CUSOLVERAPI cusolverDnXpotrf(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                              cublasFillMode_t fill, std::int64_t n, cudaDataType type, void* a,
                                              std::int64_t lda, cudaDataType compute, void* device_space,
                                              std::size_t device_bytes, void* host_space, std::size_t host_bytes,
                                              int* info) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_EXECUTION_FAILED;
  const Workspace workspace{device_space, device_bytes, host_space, host_bytes};
  if (!usable(type, compute, n, lda) || !workspace.suffices(*handle->stream, device_workspace(n, size_of(type))))
    return CUSOLVER_STATUS_INVALID_VALUE;
  if (type == CUDA_R_32F)
    enqueue_potrf<float>(*handle->stream, spotrf_, fill, n, a, lda, workspace, info);
  else
    enqueue_potrf<double>(*handle->stream, dpotrf_, fill, n, a, lda, workspace, info);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXpotrs(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                              cublasFillMode_t fill, std::int64_t n, std::int64_t columns,
                                              cudaDataType type, const void* a, std::int64_t lda, cudaDataType b_type,
                                              void* b, std::int64_t ldb, int* info) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_EXECUTION_FAILED;
  if (!usable(type, b_type, n, lda) || ldb < n || columns < 1) return CUSOLVER_STATUS_INVALID_VALUE;
  if (type == CUDA_R_32F)
    enqueue_potrs<float>(*handle->stream, spotrs_, fill, n, columns, a, lda, b, ldb, info);
  else
    enqueue_potrs<double>(*handle->stream, dpotrs_, fill, n, columns, a, lda, b, ldb, info);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnCreateSyevjInfo(syevjInfo_t* info) {
  *info = new syevjInfo;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnDestroySyevjInfo(syevjInfo_t info) {
  delete info;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnDsyevjBatched_bufferSize(cusolverDnHandle_t /*handle*/,
                                                                cusolverEigMode_t /*job*/, cublasFillMode_t /*fill*/,
                                                                int n, const double* /*a*/, int lda,
                                                                const double* /*w*/, int* size, syevjInfo_t /*params*/,
                                                                int count) {
  if (n < 1 || lda < n || count < 1) return CUSOLVER_STATUS_INVALID_VALUE;
  *size = static_cast<int>(device_workspace(n, 1));
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnDsyevjBatched(cusolverDnHandle_t handle, cusolverEigMode_t job,
                                                     cublasFillMode_t fill, int n, double* a, int lda, double* w,
                                                     double* space, int size, int* info, syevjInfo_t params,
                                                     int count) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_EXECUTION_FAILED;
  static char no_host_space[kHostWorkspace];
  const Workspace workspace{space, static_cast<std::size_t>(size) * sizeof(double), no_host_space, kHostWorkspace};
  if (params == nullptr || n < 1 || lda < n || count < 1 ||
      !workspace.suffices(*handle->stream, device_workspace(n, sizeof(double))))
    return CUSOLVER_STATUS_INVALID_VALUE;
  enqueue_syevd<double, dsyevd_>(*handle->stream, job, fill, n, a, lda, w, workspace, info, count);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXgesvdr_bufferSize(
    cusolverDnHandle_t /*handle*/, cusolverDnParams_t /*params*/, signed char /*jobu*/, signed char /*jobv*/,
    std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t p, std::int64_t /*iterations*/, cudaDataType type,
    const void* /*a*/, std::int64_t lda, cudaDataType s_type, const void* /*s*/, cudaDataType u_type, const void* /*u*/,
    std::int64_t ldu, cudaDataType v_type, const void* /*v*/, std::int64_t ldv, cudaDataType compute,
    std::size_t* device_bytes, std::size_t* host_bytes) {
  if (!usable(type, s_type, m, lda) || u_type != type || v_type != type || compute != type || n < 1 || k < 1 || p < 0 ||
      k + p > std::min(m, n) || ldu < m || ldv < n)
    return CUSOLVER_STATUS_INVALID_VALUE;
  *device_bytes = static_cast<std::size_t>((m + n) * (k + p)) * size_of(type);
  *host_bytes = kHostWorkspace;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t CUSOLVERAPI cusolverDnXgesvdr(cusolverDnHandle_t handle, cusolverDnParams_t params, signed char jobu,
                                               signed char jobv, std::int64_t m, std::int64_t n, std::int64_t k,
                                               std::int64_t p, std::int64_t iterations, cudaDataType type, void* a,
                                               std::int64_t lda, cudaDataType s_type, void* s, cudaDataType u_type,
                                               void* u, std::int64_t ldu, cudaDataType v_type, void* v,
                                               std::int64_t ldv, cudaDataType compute, void* device_space,
                                               std::size_t device_bytes, void* host_space, std::size_t host_bytes,
                                               int* info) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUSOLVER_STATUS_EXECUTION_FAILED;
  std::size_t needed = 0, of_host = 0;
  const cusolverStatus_t shapes =
      cusolverDnXgesvdr_bufferSize(handle, params, jobu, jobv, m, n, k, p, iterations, type, a, lda, s_type, s, u_type,
                                   u, ldu, v_type, v, ldv, compute, &needed, &of_host);
  const Workspace workspace{device_space, device_bytes, host_space, host_bytes};
  if (shapes != CUSOLVER_STATUS_SUCCESS || jobu != 'S' || jobv != 'S' || iterations < 0 ||
      !workspace.suffices(*handle->stream, needed))
    return CUSOLVER_STATUS_INVALID_VALUE;
  if (type == CUDA_R_32F)
    enqueue_gesvdr<float, sgesdd_>(*handle->stream, m, n, k, a, lda, s, u, ldu, v, ldv, workspace, needed, info);
  else
    enqueue_gesvdr<double, dgesdd_>(*handle->stream, m, n, k, a, lda, s, u, ldu, v, ldv, workspace, needed, info);
  return CUSOLVER_STATUS_SUCCESS;
}

}  // extern "C"
