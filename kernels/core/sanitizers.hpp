// SPDX-License-Identifier: MIT
#pragma once
// Private to kernels/ and tests: whether a sanitizer of addresses or threads watches this build. GCC says so by macros,
// clang by features.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HCI_SANITIZED_THREADS 1
#endif
#if __has_feature(address_sanitizer)
#define HCI_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(HCI_SANITIZED_THREADS)
#define HCI_SANITIZED_THREADS 1
#endif
#if (defined(__SANITIZE_ADDRESS__) || defined(HCI_SANITIZED_THREADS)) && !defined(HCI_SANITIZED)
#define HCI_SANITIZED 1
#endif
#ifndef HCI_SANITIZED_THREADS
#define HCI_SANITIZED_THREADS 0
#endif
#ifndef HCI_SANITIZED
#define HCI_SANITIZED 0
#endif
