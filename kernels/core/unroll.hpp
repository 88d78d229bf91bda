// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: HCI_UNROLL before a loop whose counts are known unrolls it in device code, so that the arrays it
// indexes stay in registers. Only nvcc's device pass knows the pragma.
#if defined(__CUDA_ARCH__)
#define HCI_UNROLL _Pragma("unroll")
#else
#define HCI_UNROLL
#endif
