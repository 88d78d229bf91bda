# SPDX-License-Identifier: MIT
find_program(HCI_CCACHE ccache)
if(HCI_CCACHE)
  foreach(language C CXX CUDA)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER ${HCI_CCACHE})
    endif()
  endforeach()
endif()
