// SPDX-License-Identifier: MIT
#include "engine/unfinished.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

namespace hci {
namespace {

// What a signal handler may touch: lock-free pointers to plain text. Who takes a pointer out of its slot owns
// it, be it the handler or the destructor on another thread. More paths at once than slots: the later ones
// are left to their destructors alone.
std::atomic<const char*> slots[256];
static_assert(std::atomic<const char*>::is_always_lock_free);

// How many SignalsWait there are; kEnding from the moment in which a handler goes on to end the program.
constexpr int kEnding = -1;
std::atomic<int> waiting{0};
std::atomic<int> waits{0};  // the signal that came meanwhile; 0: none
static_assert(std::atomic<int>::is_always_lock_free);

/// Whether the handler may go on; else the signal is kept for the last SignalsWait.
bool may_end(int signal) {
  for (int none = 0; !waiting.compare_exchange_strong(none, kEnding); none = 0) {
    if (none == kEnding) return false;  // another thread is at it
    waits = signal;
    if (waiting > 0 || waits.exchange(0) == 0) return false;  // who leaves last takes it, or has taken it
  }
  return true;
}

extern "C" void remove_and_end(int signal) {
  if (!may_end(signal)) return;
  // Folders are entered before what lies in them: backwards, a folder is empty when its turn comes.
  for (std::size_t i = std::size(slots); i-- > 0;)
    if (const char* path = slots[i].exchange(nullptr)) {
      if (unlink(path) != 0) rmdir(path);
    }
  std::signal(signal, SIG_DFL);
  std::raise(signal);  // delivered when this handler returns: the parent sees what ended us
}

}  // namespace

Unfinished::Unfinished(const std::filesystem::path& path) {
  const char* text = strdup(std::filesystem::absolute(path).c_str());
  if (text == nullptr) return;
  // Behind the last one that is taken, so that the order of the slots is that of entering.
  std::size_t first = std::size(slots);
  while (first > 0 && slots[first - 1].load() == nullptr) --first;
  for (std::size_t i = first; i < std::size(slots); ++i) {
    const char* none = nullptr;
    if (slots[i].compare_exchange_strong(none, text)) {
      slot_ = &slots[i];
      return;
    }
  }
  std::free(const_cast<char*>(text));
}

Unfinished::Unfinished(Unfinished&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}

Unfinished::~Unfinished() {
  if (slot_ != nullptr) std::free(const_cast<char*>(slot_->exchange(nullptr)));
}

SignalsWait::SignalsWait() {
  int before = waiting;
  while (before == kEnding || !waiting.compare_exchange_weak(before, before + 1)) {
    if (before == kEnding) pause();
    before = waiting;
  }
}

SignalsWait::~SignalsWait() {
  if (waiting.fetch_sub(1) > 1) return;
  if (const int signal = waits.exchange(0); signal != 0) std::raise(signal);
}

void remove_unfinished_on_signals() {
  struct sigaction action = {};
  action.sa_handler = remove_and_end;
  sigfillset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);  // nohup stays in force
  }
}

}  // namespace hci
