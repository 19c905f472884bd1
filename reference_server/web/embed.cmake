# Writes a header with the pages as texts: cmake -DFOLDER=… -DRUNBOOK=… -DOUTPUT=… -P embed.cmake
set(content "#pragma once\n#include <array>\n#include <string_view>\nnamespace bsp::server {\nstruct page_content { std::string_view path, type, text; };\n")
set(pages
  /:dashboard.html:text/html
  /ui/dashboard.js:dashboard.js:text/javascript /ui/view.js:view.js:text/javascript /ui/history.js:history.js:text/javascript
  /ui/words.js:words.js:text/javascript /ui/dom.js:dom.js:text/javascript /ui/dashboard.css:dashboard.css:text/css
  /ui/runbook.html:runbook.html:text/html /ui/runbook.js:runbook.js:text/javascript /ui/runbook.md:${RUNBOOK}:text/plain
  /ui/handshake.html:handshake.html:text/html /ui/handshake.js:handshake.js:text/javascript /ui/bsp.js:bsp.js:text/javascript
  /ui/handshake.css:handshake.css:text/css)
list(LENGTH pages n)
string(APPEND content "inline constexpr std::array<page_content, ${n}> pages_content{{\n")
foreach(page IN LISTS pages)
  string(REPLACE ":" ";" parts ${page})
  list(GET parts 0 path)
  list(GET parts 1 name)
  list(GET parts 2 type)
  cmake_path(ABSOLUTE_PATH name BASE_DIRECTORY ${FOLDER})
  file(READ ${name} text)
  string(APPEND content "{\"${path}\", \"${type}; charset=utf-8\", R\"~page~(${text})~page~\"},\n")
endforeach()
string(APPEND content "}};\n}\n")
file(WRITE ${OUTPUT} "${content}")
