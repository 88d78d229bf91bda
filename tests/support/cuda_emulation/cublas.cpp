// SPDX-License-Identifier: MIT
// cuBLAS over OpenBLAS. Sizes and leading dimensions are checked against the blocks they lie in.
#include <cblas.h>
#include <cublas_v2.h>

#include <algorithm>

#include "cuda_emulation/machine.hpp"

using namespace cuda_emulation;

struct cublasContext {
  CUstream_st* stream = nullptr;
};

namespace {

CBLAS_TRANSPOSE cblas_of(cublasOperation_t op) {
  return op == CUBLAS_OP_N ? CblasNoTrans : op == CUBLAS_OP_T ? CblasTrans : CblasConjTrans;
}
CBLAS_UPLO cblas_of(cublasFillMode_t fill) { return fill == CUBLAS_FILL_MODE_LOWER ? CblasLower : CblasUpper; }

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha, const float* a, int lda,
          const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasColMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha, const double* a, int lda,
          const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasColMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, cuComplex alpha, const cuComplex* a, int lda,
          const cuComplex* b, int ldb, cuComplex beta, cuComplex* c, int ldc) {
  cblas_cgemm(CblasColMajor, ta, tb, m, n, k, &alpha, a, lda, b, ldb, &beta, c, ldc);
}
void syrk(CBLAS_UPLO fill, CBLAS_TRANSPOSE t, int n, int k, float alpha, const float* a, int lda, float beta, float* c,
          int ldc) {
  cblas_ssyrk(CblasColMajor, fill, t, n, k, alpha, a, lda, beta, c, ldc);
}
void syrk(CBLAS_UPLO fill, CBLAS_TRANSPOSE t, int n, int k, double alpha, const double* a, int lda, double beta,
          double* c, int ldc) {
  cblas_dsyrk(CblasColMajor, fill, t, n, k, alpha, a, lda, beta, c, ldc);
}
void gemv(CBLAS_TRANSPOSE t, int m, int n, float alpha, const float* a, int lda, const float* x, int incx, float beta,
          float* y, int incy) {
  cblas_sgemv(CblasColMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
void gemv(CBLAS_TRANSPOSE t, int m, int n, double alpha, const double* a, int lda, const double* x, int incx,
          double beta, double* y, int incy) {
  cblas_dgemv(CblasColMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

/// Bytes from the first element of a column-major matrix to the end of its last.
std::size_t matrix_bytes(long rows, long columns, long ld, std::size_t element) {
  return rows == 0 || columns == 0 ? 0 : static_cast<std::size_t>((columns - 1) * ld + rows) * element;
}

template <class T>
void expect_matrix(CUstream_st& stream, const T* data, long rows, long columns, long ld, const char* what) {
  expect_device_memory(stream, data, matrix_bytes(rows, columns, ld, sizeof(T)), what);
}

template <class T>
struct Gemm {
  cublasOperation_t ta, tb;
  int m, n, k;
  T alpha;
  const T* a;
  int lda;
  long long a_step;
  const T* b;
  int ldb;
  long long b_step;
  T beta;
  T* c;
  int ldc;
  long long c_step;
  int count;

  cublasStatus_t enqueue(cublasHandle_t handle) const {
    const int a_rows = ta == CUBLAS_OP_N ? m : k, b_rows = tb == CUBLAS_OP_N ? k : n;
    if (m < 0 || n < 0 || k < 0 || count < 0 || lda < std::max(1, a_rows) || ldb < std::max(1, b_rows) ||
        ldc < std::max(1, m))
      return CUBLAS_STATUS_INVALID_VALUE;
    if (m == 0 || n == 0 || count == 0) return CUBLAS_STATUS_SUCCESS;
    CUstream_st& stream = *handle->stream;
    expect_current_device(stream, "cuBLAS gemm");
    for (int i : {0, count - 1}) {
      expect_matrix(stream, a + i * a_step, a_rows, ta == CUBLAS_OP_N ? k : m, lda, "cuBLAS gemm, matrix A");
      expect_matrix(stream, b + i * b_step, b_rows, tb == CUBLAS_OP_N ? n : k, ldb, "cuBLAS gemm, matrix B");
      expect_matrix(stream, c + i * c_step, m, n, ldc, "cuBLAS gemm, matrix C");
    }
    machine().enqueue(stream, "cuBLAS gemm", [g = *this] {
      for (int i = 0; i < g.count; ++i)
        gemm(cblas_of(g.ta), cblas_of(g.tb), g.m, g.n, g.k, g.alpha, g.a + i * g.a_step, g.lda, g.b + i * g.b_step,
             g.ldb, g.beta, g.c + i * g.c_step, g.ldc);
    });
    return CUBLAS_STATUS_SUCCESS;
  }
};

template <class T>
cublasStatus_t enqueue_syrk(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op, int n, int k,
                            const T* alpha, const T* a, int lda, const T* beta, T* c, int ldc) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  const int rows = op == CUBLAS_OP_N ? n : k;
  if (n < 0 || k < 0 || lda < std::max(1, rows) || ldc < std::max(1, n)) return CUBLAS_STATUS_INVALID_VALUE;
  expect_current_device(*handle->stream, "cuBLAS syrk");
  expect_matrix(*handle->stream, a, rows, op == CUBLAS_OP_N ? k : n, lda, "cuBLAS syrk, matrix A");
  expect_matrix(*handle->stream, c, n, n, ldc, "cuBLAS syrk, matrix C");
  machine().enqueue(*handle->stream, "cuBLAS syrk", [=, factor = *alpha, keep = *beta] {
    syrk(cblas_of(fill), cblas_of(op), n, k, factor, a, lda, keep, c, ldc);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t enqueue_gemv(cublasHandle_t handle, cublasOperation_t op, int m, int n, const T* alpha, const T* a,
                            int lda, const T* x, int incx, const T* beta, T* y, int incy) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (m < 0 || n < 0 || lda < std::max(1, m) || incx <= 0 || incy <= 0) return CUBLAS_STATUS_INVALID_VALUE;
  expect_current_device(*handle->stream, "cuBLAS gemv");
  expect_matrix(*handle->stream, a, m, n, lda, "cuBLAS gemv, matrix A");
  expect_matrix(*handle->stream, x, 1, op == CUBLAS_OP_N ? n : m, incx, "cuBLAS gemv, vector x");
  expect_matrix(*handle->stream, y, 1, op == CUBLAS_OP_N ? m : n, incy, "cuBLAS gemv, vector y");
  machine().enqueue(*handle->stream, "cuBLAS gemv", [=, factor = *alpha, keep = *beta] {
    gemv(cblas_of(op), m, n, factor, a, lda, x, incx, keep, y, incy);
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t enqueue_gemm(cublasHandle_t handle, const Gemm<T>& gemm) {
  Call call(handle->stream->device->index());
  return call.status() == cudaSuccess ? gemm.enqueue(handle) : CUBLAS_STATUS_EXECUTION_FAILED;
}

template <class T>
T scalar(const void* p) {
  return *static_cast<const T*>(p);
}

}  // namespace

extern "C" {

cublasStatus_t CUBLASWINAPI cublasCreate_v2(cublasHandle_t* handle) {
  Call call;
  if (call.status() != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (machine().allocation_fails()) return CUBLAS_STATUS_ALLOC_FAILED;
  *handle = new cublasContext{&call.device().default_stream()};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasDestroy_v2(cublasHandle_t handle) {
  expect_current_device(*handle->stream, "cublasDestroy");
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  Call call(handle->stream->device->index());
  if (!machine().is_stream(stream)) return CUBLAS_STATUS_INVALID_VALUE;
  handle->stream = stream == nullptr ? &handle->stream->device->default_stream() : stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasSetMathMode(cublasHandle_t /*handle*/, cublasMath_t mode) {
  if (mode != CUBLAS_DEFAULT_MATH && mode != CUBLAS_PEDANTIC_MATH)
    die("cublasSetMathMode: only full precision is emulated");
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasSetPointerMode_v2(cublasHandle_t /*handle*/, cublasPointerMode_t mode) {
  if (mode != CUBLAS_POINTER_MODE_HOST) die("cublasSetPointerMode: only scalars on the host are emulated");
  return CUBLAS_STATUS_SUCCESS;
}

const char* CUBLASWINAPI cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an invalid value was used as an argument";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the function failed to launch on the GPU";
    default:
      return "an error";
  }
}

cublasStatus_t CUBLASWINAPI cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                           int n, int k, const float* alpha, const float* a, int lda, const float* b,
                                           int ldb, const float* beta, float* c, int ldc) {
  return enqueue_gemm<float>(handle, {ta, tb, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1});
}

cublasStatus_t CUBLASWINAPI cublasDgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                           int n, int k, const double* alpha, const double* a, int lda, const double* b,
                                           int ldb, const double* beta, double* c, int ldc) {
  return enqueue_gemm<double>(handle, {ta, tb, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1});
}

cublasStatus_t CUBLASWINAPI cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                                      int m, int n, int k, const float* alpha, const float* a, int lda,
                                                      long long a_step, const float* b, int ldb, long long b_step,
                                                      const float* beta, float* c, int ldc, long long c_step,
                                                      int count) {
  return enqueue_gemm<float>(handle,
                             {ta, tb, m, n, k, *alpha, a, lda, a_step, b, ldb, b_step, *beta, c, ldc, c_step, count});
}

cublasStatus_t CUBLASWINAPI cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                                      int m, int n, int k, const double* alpha, const double* a,
                                                      int lda, long long a_step, const double* b, int ldb,
                                                      long long b_step, const double* beta, double* c, int ldc,
                                                      long long c_step, int count) {
  return enqueue_gemm<double>(handle,
                              {ta, tb, m, n, k, *alpha, a, lda, a_step, b, ldb, b_step, *beta, c, ldc, c_step, count});
}

cublasStatus_t CUBLASWINAPI cublasCgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                                      int m, int n, int k, const cuComplex* alpha, const cuComplex* a,
                                                      int lda, long long a_step, const cuComplex* b, int ldb,
                                                      long long b_step, const cuComplex* beta, cuComplex* c, int ldc,
                                                      long long c_step, int count) {
  return enqueue_gemm<cuComplex>(
      handle, {ta, tb, m, n, k, *alpha, a, lda, a_step, b, ldb, b_step, *beta, c, ldc, c_step, count});
}

cublasStatus_t CUBLASWINAPI cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t ta,
                                                       cublasOperation_t tb, int m, int n, int k, const void* alpha,
                                                       const void* a, cudaDataType a_type, int lda, long long a_step,
                                                       const void* b, cudaDataType b_type, int ldb, long long b_step,
                                                       const void* beta, void* c, cudaDataType c_type, int ldc,
                                                       long long c_step, int count, cublasComputeType_t compute,
                                                       cublasGemmAlgo_t /*algorithm*/) {
  if (a_type != b_type || a_type != c_type) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (a_type == CUDA_R_32F && compute == CUBLAS_COMPUTE_32F)
    return enqueue_gemm<float>(handle, {ta, tb, m, n, k, scalar<float>(alpha), static_cast<const float*>(a), lda,
                                        a_step, static_cast<const float*>(b), ldb, b_step, scalar<float>(beta),
                                        static_cast<float*>(c), ldc, c_step, count});
  if (a_type == CUDA_R_64F && compute == CUBLAS_COMPUTE_64F)
    return enqueue_gemm<double>(handle, {ta, tb, m, n, k, scalar<double>(alpha), static_cast<const double*>(a), lda,
                                         a_step, static_cast<const double*>(b), ldb, b_step, scalar<double>(beta),
                                         static_cast<double*>(c), ldc, c_step, count});
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t CUBLASWINAPI cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                         int n, int k, const void* alpha, const void* a, cudaDataType a_type, int lda,
                                         const void* b, cudaDataType b_type, int ldb, const void* beta, void* c,
                                         cudaDataType c_type, int ldc, cublasComputeType_t compute,
                                         cublasGemmAlgo_t algorithm) {
  return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0, beta, c,
                                    c_type, ldc, 0, 1, compute, algorithm);
}

cublasStatus_t CUBLASWINAPI cublasSsyrk_v2(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op, int n,
                                           int k, const float* alpha, const float* a, int lda, const float* beta,
                                           float* c, int ldc) {
  return enqueue_syrk(handle, fill, op, n, k, alpha, a, lda, beta, c, ldc);
}

cublasStatus_t CUBLASWINAPI cublasDsyrk_v2(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op, int n,
                                           int k, const double* alpha, const double* a, int lda, const double* beta,
                                           double* c, int ldc) {
  return enqueue_syrk(handle, fill, op, n, k, alpha, a, lda, beta, c, ldc);
}

cublasStatus_t CUBLASWINAPI cublasSgemv_v2(cublasHandle_t handle, cublasOperation_t op, int m, int n,
                                           const float* alpha, const float* a, int lda, const float* x, int incx,
                                           const float* beta, float* y, int incy) {
  return enqueue_gemv(handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

cublasStatus_t CUBLASWINAPI cublasDgemv_v2(cublasHandle_t handle, cublasOperation_t op, int m, int n,
                                           const double* alpha, const double* a, int lda, const double* x, int incx,
                                           const double* beta, double* y, int incy) {
  return enqueue_gemv(handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

cublasStatus_t CUBLASWINAPI cublasDtrsm_v2(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t fill,
                                           cublasOperation_t op, cublasDiagType_t diagonal, int m, int n,
                                           const double* alpha, const double* a, int lda, double* b, int ldb) {
  Call call(handle->stream->device->index());
  if (call.status() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  const int order = side == CUBLAS_SIDE_LEFT ? m : n;
  if (m < 0 || n < 0 || lda < std::max(1, order) || ldb < std::max(1, m)) return CUBLAS_STATUS_INVALID_VALUE;
  expect_current_device(*handle->stream, "cuBLAS trsm");
  expect_matrix(*handle->stream, a, order, order, lda, "cuBLAS trsm, matrix A");
  expect_matrix(*handle->stream, b, m, n, ldb, "cuBLAS trsm, matrix B");
  machine().enqueue(*handle->stream, "cuBLAS trsm", [=, factor = *alpha] {
    cblas_dtrsm(CblasColMajor, side == CUBLAS_SIDE_LEFT ? CblasLeft : CblasRight, cblas_of(fill), cblas_of(op),
                diagonal == CUBLAS_DIAG_UNIT ? CblasUnit : CblasNonUnit, m, n, factor, a, lda, b, ldb);
  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
