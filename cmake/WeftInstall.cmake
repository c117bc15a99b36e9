# What `cmake --install` puts where: header, both libraries, weft.pc, the CMake package weft::weft.
# A static user asks for it: find_package(weft COMPONENTS static) gives weft::static.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(weft_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)

install(TARGETS weft EXPORT weftTargets)
install(TARGETS weft_static EXPORT weftStaticTargets)
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION ${weft_cmake_dir})
install(EXPORT weftStaticTargets NAMESPACE weft:: DESTINATION ${weft_cmake_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/abi/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weftConfig.cmake.in
    ${PROJECT_BINARY_DIR}/package/weftConfig.cmake INSTALL_DESTINATION ${weft_cmake_dir})
# Before 1.0 a minor version may break: only the same minor is compatible.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/weftConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/weftConfig.cmake
              ${PROJECT_BINARY_DIR}/package/weftConfigVersion.cmake
        DESTINATION ${weft_cmake_dir})

# weft.pc finds its prefix from where it lies, so that the installed tree can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
string(REGEX REPLACE "[^/]+" ".." weft_pc_to_prefix ${pc_dir})
configure_file(${PROJECT_SOURCE_DIR}/cmake/weft.pc.in ${PROJECT_BINARY_DIR}/package/weft.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/weft.pc DESTINATION ${pc_dir})
