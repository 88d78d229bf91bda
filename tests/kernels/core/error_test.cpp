// SPDX-License-Identifier: MIT
#include "kernels/core/error.hpp"

#include <gtest/gtest.h>

#if HCI_HAVE_CUDA
#include "kernels/core/cudnn.hpp"
#include "kernels/core/status.hpp"
#endif

namespace hci::test {
namespace {

template <class Kind, class F>
std::string message_of(F act) {
  try {
    act();
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "nothing was thrown";
}

TEST(Require, NamesTheValue) {
  require(true, "never ", 1);
  EXPECT_EQ(message_of<InvalidInput>([] { require(false, "pca: ncomp is ", 70, ", the cube has ", 61L, " frames"); }),
            "pca: ncomp is 70, the cube has 61 frames");
}

TEST(Errors, AreKindsOfEachOther) {
  static_assert(std::is_base_of_v<std::runtime_error, Error>);
  static_assert(std::is_base_of_v<Error, InvalidInput>);
  static_assert(std::is_base_of_v<Error, DeviceError>);
  static_assert(std::is_base_of_v<DeviceError, OutOfDeviceMemory>);
}

#if HCI_HAVE_CUDA
void expect_parts(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Status, SuccessPasses) {
  check(cudaSuccess);
  check(CUBLAS_STATUS_SUCCESS);
  check(CUSOLVER_STATUS_SUCCESS);
  check(CUFFT_SUCCESS);
}

TEST(Status, FailuresNameLibraryReasonAndPlace) {
  expect_parts(message_of<DeviceError>([] { check(cudaErrorInvalidValue); }),
               {"CUDA: invalid argument", "error_test.cpp:"});
  expect_parts(message_of<DeviceError>([] { check(CUBLAS_STATUS_INVALID_VALUE); }), {"cuBLAS: ", "error_test.cpp:"});
  expect_parts(message_of<DeviceError>([] { check(CUSOLVER_STATUS_INTERNAL_ERROR); }),
               {"cuSOLVER: internal error", "error_test.cpp:"});
  expect_parts(message_of<DeviceError>([] { check(CUFFT_INVALID_SIZE); }), {"cuFFT: invalid size", "error_test.cpp:"});
}

TEST(Status, NoRoomIsAnExceptionOfItsOwn) {
  expect_parts(message_of<OutOfDeviceMemory>([] { check(cudaErrorMemoryAllocation); }), {"CUDA: out of memory"});
  expect_parts(message_of<OutOfDeviceMemory>([] { check(CUBLAS_STATUS_ALLOC_FAILED); }), {"cuBLAS: "});
  expect_parts(message_of<OutOfDeviceMemory>([] { check(CUSOLVER_STATUS_ALLOC_FAILED); }),
               {"cuSOLVER: allocation failed"});
  expect_parts(message_of<OutOfDeviceMemory>([] { check(CUFFT_ALLOC_FAILED); }), {"cuFFT: allocation failed"});
}

#if HCI_HAVE_CUDNN
TEST(Status, OfCudnnIsLikeTheOthers) {
  if (find_cudnn() == nullptr) {
    expect_parts(message_of<DeviceError>([] { static_cast<void>(cudnn()); }), {"libcudnn.so.", "LD_LIBRARY_PATH"});
    GTEST_SKIP() << "cuDNN is not there";
  }
  check(CUDNN_STATUS_SUCCESS);
  expect_parts(message_of<DeviceError>([] { check(CUDNN_STATUS_BAD_PARAM); }),
               {"cuDNN: CUDNN_STATUS_BAD_PARAM", "error_test.cpp:"});
  expect_parts(message_of<OutOfDeviceMemory>([] { check(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED); }),
               {"cuDNN: ", "error_test.cpp:"});
}
#endif
#endif

}  // namespace
}  // namespace hci::test
