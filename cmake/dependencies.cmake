# SPDX-License-Identifier: MIT
# What scripts/setup installs, found. Each becomes one interface target, so that flags travel only
# through targets.
set(hci_hint "run scripts/setup, or see docs/install.md")

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(PkgConfig REQUIRED)
pkg_check_modules(cfitsio REQUIRED IMPORTED_TARGET cfitsio)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(PNG REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(Threads REQUIRED)

# OpenBLAS for OpenMP: one thread pool with ours. The pthread build inside a parallel region is six
# times slower.
# Fedora calls it openblaso.
find_library(HCI_OPENBLAS_LIBRARY NAMES openblaso openblas PATH_SUFFIXES openblas-openmp openblas)
find_path(HCI_OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES openblas-openmp openblas)
if(NOT HCI_OPENBLAS_LIBRARY OR NOT HCI_OPENBLAS_INCLUDE)
  message(FATAL_ERROR "OpenBLAS (libopenblas-openmp-dev) not found: ${hci_hint}")
endif()
add_library(hci_openblas INTERFACE)
target_link_libraries(hci_openblas INTERFACE ${HCI_OPENBLAS_LIBRARY})
target_include_directories(hci_openblas SYSTEM INTERFACE ${HCI_OPENBLAS_INCLUDE})

find_library(HCI_FFTW_LIBRARY fftw3)
find_library(HCI_FFTWF_LIBRARY fftw3f)
find_path(HCI_FFTW_INCLUDE fftw3.h)
if(NOT HCI_FFTW_LIBRARY OR NOT HCI_FFTWF_LIBRARY OR NOT HCI_FFTW_INCLUDE)
  message(FATAL_ERROR "FFTW 3 (libfftw3-dev) not found: ${hci_hint}")
endif()
add_library(hci_fftw INTERFACE)
target_link_libraries(hci_fftw INTERFACE ${HCI_FFTW_LIBRARY} ${HCI_FFTWF_LIBRARY})
target_include_directories(hci_fftw SYSTEM INTERFACE ${HCI_FFTW_INCLUDE})

if(HCI_APPS)
  find_package(CLI11 REQUIRED)
  find_path(HCI_TOMLPP_INCLUDE toml++/toml.h)
  if(NOT HCI_TOMLPP_INCLUDE)
    message(FATAL_ERROR "toml++ (libtomlplusplus-dev) not found: ${hci_hint}")
  endif()
endif()
if(HCI_TESTS)
  find_package(GTest REQUIRED)
endif()
if(HCI_BENCH)
  find_package(benchmark REQUIRED)
endif()
