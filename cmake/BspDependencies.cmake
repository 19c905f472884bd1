# What the build needs, by the names that CMake finds; scripts/install-dependencies has the same list as
# Debian packages, and tests/install checks the one against the other.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json)
pkg_check_modules(BSP_CRYPTOPP REQUIRED IMPORTED_TARGET GLOBAL libcrypto++)

if(BSP_BUILD_SERVER OR BSP_BUILD_CONFORMANCE OR BSP_BUILD_TESTS)
  pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET GLOBAL cpp-httplib)
  find_package(CLI11 CONFIG REQUIRED)
  find_package(spdlog CONFIG REQUIRED)
  find_package(SQLite3 REQUIRED)
  find_package(OpenSSL REQUIRED)
  find_package(rapidcheck CONFIG REQUIRED)
  pkg_check_modules(LIBSECRET libsecret-1)  # optional: the key chain
  find_package(PostgreSQL QUIET)            # optional: libpq, the store that several instances share
endif()
if(BSP_BUILD_TESTS)
  find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json unit_test_framework)
  pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET GLOBAL re2)
endif()
if(BSP_BUILD_BENCHMARKS)
  find_package(benchmark CONFIG REQUIRED)
  pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET GLOBAL re2)
endif()
