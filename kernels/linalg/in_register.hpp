// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/, CPU only. Else the compiler reads a vector from memory again at each of its uses
// in an inner loop, and the loads take longer than the sums.
#if defined(__x86_64__)
#define HCI_IN_REGISTER(vector) asm("" : "+v"(vector))
#else
#define HCI_IN_REGISTER(vector) static_cast<void>(0)
#endif
