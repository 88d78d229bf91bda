# SPDX-License-Identifier: MIT
# hci_flags: how our own code is compiled. Private to the build, never exported.
add_library(hci_flags INTERFACE)
# -Wrestrict of GCC 12 warns about std::string + "text" (GCC bug 105651).
set(hci_warnings -Wall -Wextra -Wconversion -Wshadow $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(HCI_WERROR)
  list(APPEND hci_warnings -Werror)
endif()
target_compile_options(hci_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:${hci_warnings};-fno-math-errno;-ffp-contract=fast>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${HCI_ARCH}>>:-march=${HCI_ARCH}>)
if(HCI_CUDA_MODE STREQUAL "ON")
  target_compile_options(hci_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-fopenmp,-fno-math-errno;--expt-relaxed-constexpr;-Wno-deprecated-gpu-targets>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${HCI_ARCH}>>:-Xcompiler=-march=${HCI_ARCH}>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${HCI_WERROR}>>:-Werror=all-warnings;-Xcompiler=-Werror>)
endif()
if(HCI_CHECKED)
  target_compile_definitions(hci_flags INTERFACE HCI_CHECKED _GLIBCXX_ASSERTIONS)
  target_compile_options(hci_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-UNDEBUG>)
endif()

# What code that includes kernels/core/launch.hpp or cuda.hpp needs: the kernels and their tests.
add_library(hci_cuda_side INTERFACE)
if(HCI_CUDA_MODE STREQUAL "OFF")
  target_compile_definitions(hci_cuda_side INTERFACE HCI_HAVE_CUDA=0)
else()
  target_compile_definitions(hci_cuda_side INTERFACE HCI_HAVE_CUDA=1)
endif()
target_compile_definitions(hci_cuda_side INTERFACE HCI_HAVE_CUDNN=${HCI_HAVE_CUDNN})
if(HCI_HAVE_CUDNN)
  target_include_directories(hci_cuda_side SYSTEM INTERFACE ${HCI_CUDNN_INCLUDE})
endif()
if(HCI_CUDA_MODE STREQUAL "ON")
  target_link_libraries(hci_cuda_side INTERFACE CUDA::cudart CUDA::cublas CUDA::cusolver CUDA::cufft)
elseif(HCI_CUDA_MODE STREQUAL "EMULATED")
  add_subdirectory(${PROJECT_SOURCE_DIR}/tests/support/cuda_emulation)
  target_link_libraries(hci_cuda_side INTERFACE cuda_emulation)
  target_compile_definitions(hci_cuda_side INTERFACE HCI_CUDA_EMULATED)
  target_include_directories(hci_cuda_side SYSTEM INTERFACE ${HCI_CUDA_INCLUDE})
endif()

# hci_cuda_sources(target): its .cu files are compiled by nvcc, or by g++ as C++.
function(hci_cuda_sources)
  if(NOT HCI_CUDA_MODE STREQUAL "ON")
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
  endif()
endfunction()

# hci_library(kernels): the shared library cuhci::kernels of all sources below this folder.
function(hci_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS *.cu)
  hci_cuda_sources(${cuda_sources})
  add_library(cuhci_${name} SHARED ${sources} ${cuda_sources})
  add_library(cuhci::${name} ALIAS cuhci_${name})
  set_target_properties(cuhci_${name} PROPERTIES EXPORT_NAME ${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_include_directories(cuhci_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/cuhci>)
  target_compile_features(cuhci_${name} PUBLIC cxx_std_20)
  target_link_libraries(cuhci_${name} PRIVATE $<BUILD_INTERFACE:hci_flags>)
  # Clang puts a sanitizer's runtime into programs alone, so there libraries lack its symbols.
  if(NOT (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_FLAGS MATCHES "-fsanitize="))
    target_link_options(cuhci_${name} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()
