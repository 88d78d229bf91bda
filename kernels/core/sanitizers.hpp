// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/: whether a sanitizer of addresses or threads watches this build. GCC says so by macros, clang by
// features.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HCI_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HCI_SANITIZED 1
#endif
#endif
#ifndef HCI_SANITIZED
#define HCI_SANITIZED 0
#endif
