# SPDX-License-Identifier: MIT
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cuhci)
install(TARGETS cuhci_kernels cuhci_engine cuhci_models EXPORT cuhci LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(layer kernels engine models)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cuhci
    FILES_MATCHING PATTERN "*.hpp"
    PATTERN "cuda*.hpp" EXCLUDE PATTERN "cudnn.hpp" EXCLUDE PATTERN "status.hpp" EXCLUDE
    PATTERN "launch.hpp" EXCLUDE PATTERN "team.hpp" EXCLUDE
    PATTERN "lanes.hpp" EXCLUDE PATTERN "gram_tile.hpp" EXCLUDE)
endforeach()
install(EXPORT cuhci NAMESPACE cuhci:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cuhciConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cuhciConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cuhciConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cuhciConfig.cmake ${PROJECT_BINARY_DIR}/cuhciConfigVersion.cmake DESTINATION ${package_dir})
if(HCI_APPS)
  install(TARGETS cuhci RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
