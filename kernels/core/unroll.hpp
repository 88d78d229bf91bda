// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: HCI_UNROLL before a loop whose counts are known unrolls it in device code, so that the arrays it
// indexes stay in registers; HCI_UNROLL_BY_4 makes groups of four of it, whose reads are under way together. Only
// nvcc's device pass knows the pragma.
#if defined(__CUDA_ARCH__)
#define HCI_UNROLL _Pragma("unroll")
#define HCI_UNROLL_BY_4 _Pragma("unroll 4")
#else
#define HCI_UNROLL
#define HCI_UNROLL_BY_4
#endif
