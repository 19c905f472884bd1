#include "curl.hpp"

#include <algorithm>

namespace bsp::conformance {

std::string shell_word(std::string_view text) {
    auto const harmless = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view{"-_./:=@%+,"}.find(c) != std::string_view::npos; };
    if (!text.empty() && std::all_of(text.begin(), text.end(), harmless)) return std::string{text};
    std::string out = "'";
    for (char c : text) {
        if (c == '\'') out += "'\\''";
        else out += c;
    }
    return out + "'";
}

std::string raw_line(std::string_view bytes, std::string_view host, std::string_view port) {
    std::string format;
    for (char c : bytes) {
        auto const u = static_cast<unsigned char>(c);
        if (c == '\r') format += "\\r";
        else if (c == '\n') format += "\\n";
        else if (c == '%') format += "%%";
        else if (c == '\\') format += "\\\\";
        else if (u < 0x20 || u >= 0x7F || c == '\'') format += {'\\', static_cast<char>('0' + (u >> 6)), static_cast<char>('0' + (u >> 3 & 7)), static_cast<char>('0' + (u & 7))};
        else format += c;
    }
    return "printf '" + format + "' | nc -w 5 " + shell_word(host) + ' ' + shell_word(port);
}

bool fits_command_line(std::string_view body) {
    // Only what a terminal can show and a person can paste: printable text and what is not ASCII.
    return body.size() <= 4096 && std::all_of(body.begin(), body.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

std::string curl_line(http_request const& r, std::string_view origin, std::string_view body_file, std::string_view options) {
    std::string out = "curl -sS -i";
    if (r.method == "HEAD") out += " -I";
    else if (r.method != "GET" || !r.body.empty()) out += " -X " + shell_word(r.method);
    out += " --path-as-is" + std::string{options};
    for (auto const& [name, value] : r.headers) {
        if (value == std::string(1, '\0')) out += " -H " + shell_word(name + ":");  // curl: send no such field
        else if (value.empty()) out += " -H " + shell_word(name + ";");
        else if (!http_headers::same_name(name, "Content-Length")) out += " -H " + shell_word(name + ": " + value);
    }
    if (!r.body.empty()) {
        if (!r.headers.find("Content-Type")) out += " -H 'Content-Type:'";
        if (r.body.size() > 1024) out += " -H 'Expect:'";
        if (!body_file.empty()) out += " --data-binary @" + shell_word(body_file);
        // A body that begins with '@' would name a file to --data-binary; --data-raw takes it as it is.
        else out += (r.body.front() == '@' ? " --data-raw " : " --data-binary ") + shell_word(r.body);
    }
    return out + " " + shell_word(std::string{origin} + r.target);
}

}  // namespace bsp::conformance
