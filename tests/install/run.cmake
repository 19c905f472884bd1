# Installs the package into a scratch prefix and builds the consumer project on it, then once more with
# add_subdirectory.
set(scratch ${BUILD}/install-test)
file(REMOVE_RECURSE ${scratch})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${output}")
  endif()
endfunction()

run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${scratch}/package -DCMAKE_CXX_COMPILER=${COMPILER}
    -DBSP_BUILD_SERVER=OFF -DBSP_BUILD_CONFORMANCE=OFF -DBSP_BUILD_TESTS=OFF)
run(${CMAKE_COMMAND} --install ${scratch}/package --prefix ${scratch}/prefix)

foreach(way package subdirectory)
  run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/tests/install/consumer -B ${scratch}/${way}-consumer -DCMAKE_CXX_COMPILER=${COMPILER}
      -DCMAKE_PREFIX_PATH=${scratch}/prefix -DWAY=${way} -DBSP_SOURCE=${SOURCE})
  run(${CMAKE_COMMAND} --build ${scratch}/${way}-consumer)
  run(${scratch}/${way}-consumer/consumer)
endforeach()
