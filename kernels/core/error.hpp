// SPDX-License-Identifier: MIT
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace hci {

/// Base of everything this library throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's data or options cannot be used; what() names the value and the remedy. Exit code 2.
class InvalidInput : public Error {
 public:
  using Error::Error;
};

/// A device, or a library on it, failed. Exit code 3; a scheduler retires the device.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// The device has no room for what was asked: use smaller tiles and try again.
class OutOfDeviceMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Guards a public entry: throws InvalidInput with the parts written one after the other.
/// Example: require(ncomp <= frames, "pca: ncomp is ", ncomp, ", the cube has ", frames, " frames").
template <class... Parts>
void require(bool holds, const Parts&... parts) {
  if (holds) return;
  std::ostringstream text;
  (text << ... << parts);
  throw InvalidInput(text.str());
}

}  // namespace hci
