#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# scripts/check_layers must find each kind of violation, and must not find one where there is none.
set -euo pipefail
check=$1/scripts/check_layers
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# expect found|clean FILE LINE: a tree with only this line in this file.
expect() {
  mkdir -p "$tree/$(dirname "$2")"
  echo "$3" > "$tree/$2"
  local verdict=clean
  "$check" "$tree" > "$tree/out.txt" || verdict=found
  if [ "$verdict" != "$1" ]; then
    echo "$2: '$3' should be $1"
    exit 1
  fi
  rm "$tree/$2"
}

expect found kernels/a.hpp '#include "engine/log.hpp"'
expect found kernels/a.cu '  #  include "models/detect/peak.hpp"'
expect found engine/deep/er/a.cpp '#include "models/detect/peak.hpp"'
expect found models/a.cpp '#include "apps/cuhci/reduce.hpp"'
expect found models/a.cpp '#include "tests/support/data.hpp"'
expect found engine/a.cpp '#include <cuda_runtime_api.h>'
expect found models/a.hpp '#include "cublas_v2.h"'
expect found apps/a.cpp '#include <cuda.h>'
expect found engine/a.hpp '#include <cuda_fp16.h>'
expect found tests/models/a_test.cpp '#include <cufft.h>'
expect found engine/a.cpp '#include "kernels/core/launch.hpp"'
expect found models/a.cpp '#include "kernels/core/cuda.hpp"'
expect found models/a.cpp '#include "kernels/core/cudnn.hpp"'
expect found engine/a.hpp '#include "kernels/core/team.hpp"'
expect found tests/engine/a_test.cpp '#include "kernels/core/launch.hpp"'
expect found kernels/a.cu 'run<<<1, 32>>>(n);'
expect found kernels/a.cu '#include <cub/cub.cuh>'
expect found kernels/core/a.cu '#include <cub/device/device_scan.cuh>'
expect clean kernels/core/reduce.cu '#include <cub/device/device_reduce.cuh>'
expect found kernels/core/reduce.cu 'run<<<1, 32>>>(n);'
expect found kernels/a.cpp '#include "a.hpp"'
expect found models/a.cpp '#include "../engine/log.hpp"'
expect found kernels/a.hpp '#include <cblas.h>'
expect clean kernels/a.hpp '#include <vector>'
echo '// Private to kernels/: not installed' > "$tree/kernels/private.hpp"
expect found models/a.hpp '#include "kernels/private.hpp"'
expect clean kernels/a.cpp '#include "kernels/private.hpp"'
rm "$tree/kernels/private.hpp"
expect clean kernels/a.cu '#include <cuda_runtime_api.h>'
expect clean kernels/a.cu '#include "kernels/core/launch.hpp"'
expect clean tests/kernels/a_test.cu '#include "kernels/core/launch.hpp"'
expect clean tests/support/cuda_emulation/a.cpp '#include <cuda_runtime_api.h>'
expect clean tests/models/a_test.cpp '#include "cuda_emulation/control.hpp"'
expect clean apps/a.cpp '#include "models/detect/peak.hpp"'
expect clean models/a.cpp '#include "kernels/core/exec.hpp"'
echo "check_layers finds what it should"
