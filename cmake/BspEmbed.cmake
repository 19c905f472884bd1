# bsp_embed(<target> <symbol> <file>): the file's text becomes the string_view
# bsp::conformance::embedded::<symbol>, and the target is rebuilt when the file changes.
function(bsp_embed target symbol file)
  bsp_embed_with(${target} ${symbol} "-DINPUT=${file}" ${file})
endfunction()

# bsp_embed_files(<target> <symbol> <file>…): the files become bsp::conformance::embedded::<symbol>, a span of pairs,
# each the path within the project and the text.
function(bsp_embed_files target symbol)
  bsp_embed_with(${target} ${symbol} "-DINPUTS=${ARGN}" ${ARGN})
endfunction()

function(bsp_embed_with target symbol definition)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "${definition}" -DROOT=${PROJECT_SOURCE_DIR} -DOUTPUT=${output} -DSYMBOL=${symbol}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${ARGN} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Embedding ${symbol}"
    VERBATIM)
  set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  target_sources(${target} PRIVATE ${output})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  if(DEFINED INPUTS)
    set(type "std::span<std::pair<std::string_view, std::string_view> const>")
    set(value "std::pair<std::string_view, std::string_view> const files_of_${SYMBOL}[] = {\n")
    foreach(file IN LISTS INPUTS)
      file(READ ${file} text)
      cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${ROOT})
      string(APPEND value "{\"${file}\", R\"bsp~embed(${text})bsp~embed\"},\n")
    endforeach()
    string(APPEND value "};\n${type} const ${SYMBOL}{files_of_${SYMBOL}};")
  else()
    set(type "std::string_view")
    file(READ ${INPUT} text)
    set(value "${type} const ${SYMBOL} = R\"bsp~embed(${text})bsp~embed\";")
  endif()
  file(WRITE ${OUTPUT} "#include <span>
#include <string_view>
#include <utility>
namespace bsp::conformance::embedded {
extern ${type} const ${SYMBOL};
${value}
}  // namespace bsp::conformance::embedded
")
endif()
