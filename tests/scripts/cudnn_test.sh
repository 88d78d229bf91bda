#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A cuDNN of another major version that the process has already must not hide the right one.
#   cudnn_test.sh CUHCI MAJOR
set -euo pipefail
cuhci=$1 major=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# library FILE VERSION: what stands in for one.
library() {
  "${CC:-cc}" -shared -fPIC -Wl,-soname,"${1##*/}" -x c - -o "$1" <<SOURCE
#include <stddef.h>
size_t cudnnGetVersion(void) { return $2; }
const char* cudnnGetErrorString(int status) { return status ? "error" : "none"; }
int cudnnCreate(void** handle) { return handle == NULL; }
int cudnnDestroy(void* handle) { return handle == NULL; }
int cudnnSetStream(void* handle, void* stream) { return handle == stream; }
SOURCE
}

library "$folder/libcudnn.so.$major" $((major * 10000 + 800))
library "$folder/other.so" $(((major + 1) * 10000))

# expect TEXT: what `cuhci devices` says about cuDNN, with the other version in the process.
expect() {
  local said
  said=$(LD_PRELOAD="$folder/other.so" "$cuhci" devices | grep '^cuDNN')
  if [[ $said != *" $1" ]]; then
    echo "expected '$1', found '$said'"
    exit 1
  fi
}

LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} expect "$major.8.0"
echo "the right cuDNN is found"
