include(CMakePackageConfigHelpers)

install(TARGETS bsp EXPORT bsp-targets FILE_SET HEADERS)
install(EXPORT bsp-targets NAMESPACE bsp:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bsp)
configure_package_config_file(cmake/bsp-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/bsp-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bsp)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/bsp-config-version.cmake COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bsp-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/bsp-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bsp)

if(TARGET bsp-server)
  install(TARGETS bsp-server)
endif()
if(TARGET bsp-conformance)
  install(TARGETS bsp-conformance)
endif()
