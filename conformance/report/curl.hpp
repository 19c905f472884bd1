#pragma once

#include <bsp/base/http.hpp>

#include <string>
#include <string_view>

namespace bsp::conformance {

/// A command line that sends exactly this request again. `origin` is "http://host:port"; a body that does not
/// fit a command line is taken from `body_file` (then not empty). `options` are further ones, such as " --insecure".
std::string curl_line(http_request const&, std::string_view origin, std::string_view body_file = {}, std::string_view options = {});

/// A command line that writes exactly these bytes to a connection and shows what comes back.
std::string raw_line(std::string_view bytes, std::string_view host, std::string_view port);

/// Whether the body can stand on the command line: text without NUL, of at most 4 KiB.
bool fits_command_line(std::string_view body);

/// `text` as one word of a POSIX shell.
std::string shell_word(std::string_view text);

}  // namespace bsp::conformance
