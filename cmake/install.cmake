# SPDX-License-Identifier: MIT
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cuhci)
install(TARGETS cuhci_kernels cuhci_engine cuhci_models EXPORT cuhci LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Public headers. Those that are not for others say so below #pragma once: "// Private to kernels/ ...";
# scripts/check_layers refuses a public one that needs a private one, or anything beyond the standard library.
foreach(layer kernels engine models)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${layer}/*.hpp)
  foreach(header ${headers})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} private REGEX "^// Private to ${layer}/")
    if(NOT private)
      get_filename_component(folder ${header} DIRECTORY)
      install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cuhci/${folder})
    endif()
  endforeach()
endforeach()
install(EXPORT cuhci NAMESPACE cuhci:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cuhciConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cuhciConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cuhciConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cuhciConfig.cmake ${PROJECT_BINARY_DIR}/cuhciConfigVersion.cmake DESTINATION ${package_dir})
if(HCI_APPS)
  install(TARGETS cuhci RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
