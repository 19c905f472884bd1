# bsp_embed(<target> <symbol> <file>): the file's text becomes the string_view
# bsp::conformance::embedded::<symbol>, and the target is rebuilt when the file changes.
function(bsp_embed target symbol file)
  cmake_path(ABSOLUTE_PATH file)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${output} -DSYMBOL=${symbol} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${file} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Embedding ${symbol}"
    VERBATIM)
  set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  target_sources(${target} PRIVATE ${output})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ ${INPUT} text)
  file(WRITE ${OUTPUT} "#include <string_view>
namespace bsp::conformance::embedded {
extern std::string_view const ${SYMBOL};
std::string_view const ${SYMBOL} = R\"bsp~embed(${text})bsp~embed\";
}  // namespace bsp::conformance::embedded
")
endif()
