# SPDX-License-Identifier: MIT
# For scripts that use a GPU where there is one: source it.

# gpu_is_there: whether a driver answers for one.
gpu_is_there() { nvidia-smi -L >/dev/null 2>&1; }

# nvcc_works: finds a compiler, new enough, and lets it build a program with one kernel and all libraries.
nvcc_works() {
  local nvcc trial works=0
  nvcc=$(command -v nvcc || true)
  [ -n "$nvcc" ] || nvcc=${CUDA_HOME:-/usr/local/cuda}/bin/nvcc
  [ -x "$nvcc" ] || return 1
  trial=$(mktemp -d)
  cat > "$trial/trial.cu" <<'EOF'
#include <cublas_v2.h>
#include <cufft.h>
#include <cusolverDn.h>
#if CUDART_VERSION < 12060
#error "too old"
#endif
__global__ void kernel() {}
int main() {}
EOF
  "$nvcc" -std=c++20 "$trial/trial.cu" -o "$trial/trial" -lcublas -lcusolver -lcufft >/dev/null 2>&1 || works=1
  rm -rf "$trial"
  return $works
}

# What to say where the first is true and the second is not.
no_toolkit="A GPU is here, but no CUDA toolkit of version 12.6 or later, with cuBLAS, cuSOLVER and cuFFT, to build for it (docs/install.md)"
