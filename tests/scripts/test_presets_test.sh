#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What scripts/test builds and tests, and what `.ci/run gpu` says, with and without a GPU and a toolkit.
# cmake, ctest, nvidia-smi and nvcc are stand-ins that write down how they were called.
#   test_presets_test.sh SOURCE_FOLDER
set -euo pipefail
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/scripts" "$tree/.ci" "$tree/bin" "$tree/toolkit/include"
cp -r "$1/scripts/test" "$1/scripts/lib" "$tree/scripts/"
cp "$1/.ci/run" "$tree/.ci/"
: > "$tree/toolkit/include/cuda_runtime_api.h"

# program NAME BODY
program() {
  printf '#!/bin/sh\n%s\n' "$2" > "$tree/$1"
  chmod +x "$tree/$1"
}
program scripts/setup ''
program bin/cmake "echo \"\$*\" >> '$tree/called'"
program bin/ctest "echo \"ctest \$*\" >> '$tree/called'; echo '1/1 Test #1: One ...   Passed    0.01 sec'"
export PATH="$tree/bin:$PATH" CUDA_HOME=$tree/nowhere CUDA_PATH=
unset LIBRARY_PATH

# run COMMAND...: what it called is in the file `called`, what it said in $output.
output=""
run() {
  : > "$tree/called"
  status=0
  output=$("$@" 2>&1) || status=$?
}
fail() { printf '%s\n' "$1" "exit code $status" "$output" "$(cat "$tree/called")"; exit 1; }
called() { grep -qE -- "$1" "$tree/called" || fail "not called: $1"; }
not_called() { if grep -qE -- "$1" "$tree/called"; then fail "called: $1"; fi; }
said() { [[ $output == *"$1"* ]] || fail "not said: $1"; }

program bin/nvidia-smi 'exit 9'
run "$tree/.ci/run" gpu
[ "$status" -eq 77 ] || fail "without a GPU the step must be skipped"
said "skipped: no NVIDIA GPU here"
run "$tree/scripts/test" --label some
[ "$status" -eq 0 ] || fail "scripts/test"
called '^--preset (cpu|emulated)'
not_called '^--preset cuda'
called '^ctest .* -L some'

program bin/nvidia-smi 'exit 0'
program bin/nvcc 'exit 1'
run "$tree/.ci/run" gpu
[ "$status" -eq 77 ] || fail "without a toolkit the step must be skipped"
said "skipped: A GPU is here, but no CUDA toolkit"
run "$tree/scripts/test"
not_called '^--preset cuda'
said "no tests on the GPU"

program bin/nvcc 'exit 0'
run "$tree/.ci/run" gpu
[ "$status" -eq 0 ] || fail "the GPU's tests"
called '^--preset cuda -DCMAKE_CUDA_ARCHITECTURES=native -DHCI_BENCH=OFF -DHCI_WERROR=ON$'
not_called '^--preset (cpu|emulated)'
run "$tree/scripts/test" --label some -- -DHCI_CUDNN=ON
[ "$status" -eq 0 ] || fail "scripts/test"
called '^--preset (cpu|emulated) -DHCI_CUDNN=ON$'
called '^--preset cuda -DCMAKE_CUDA_ARCHITECTURES=native -DHCI_BENCH=OFF -DHCI_CUDNN=ON$'
called '^ctest --test-dir build/cuda .* -L some'
run "$tree/scripts/test" --without-gpu
not_called '^--preset cuda'
run "$tree/scripts/test" --preset asan
called '^--preset asan$'
not_called '^--preset (cuda|cpu|emulated)'

# A failure on either of them is one.
program bin/ctest "echo '1/2 Test #1: One ...   Passed    0.01 sec'; case \"\$*\" in *build/cuda*) ;; *) exit 8 ;; esac"
run "$tree/scripts/test"
[ "$status" -eq 8 ] || fail "expected exit code 8"
echo "scripts/test takes the presets that it should"
