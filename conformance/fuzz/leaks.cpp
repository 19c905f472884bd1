#include "leaks.hpp"

namespace bsp::conformance::fuzz {

std::string leak_in(std::string_view answer, std::string_view request, std::vector<std::string> const& secrets) {
    // Plain substrings, each of which no text for people has by chance.
    static constexpr std::string_view marks[] = {
        "Traceback", "stack trace", "Stack trace", "stacktrace", "File \\\"", "File \"", ".py\\\", line", "site-packages", "goroutine ", "panicked at", "\\n    at ", "\n    at ", "node_modules",
        "std::", "boost::", "basic_string", "bad_alloc", "bad_cast", "bad_variant", "vector::_M_", "map::at", "out_of_range", "what():", "stoll", "stoi", "terminate called", "Segmentation", "json.exception",
        "Exception", "RecursionError", "KeyError", "ValueError", "TypeError", "IndexError", "AttributeError", "UnicodeDecodeError", "UnicodeEncodeError", "OverflowError", "AssertionError", "ReferenceError",
        "SyntaxError", "RangeError", "NullPointer", "NoneType", "undefined is not", "Cannot read propert", "undefined method", "SQLITE", "sqlite3", "SQLSTATE", "SQL logic", "UNIQUE constraint", "FOREIGN KEY",
        "SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "near \\\"", "psycopg", "pqxx", "/home/", "/usr/", "/tmp/", "/var/", "/opt/", "/root/", "/proc/", "/app/", "C:\\\\", ".cpp:", ".cc:", ".rs:", ".go:",
        ".js:", ".java:", ".hpp:", ".cs:line", "OpenSSL", "openssl", "error:0", "errno", "Errno"};
    for (auto const mark : marks)
        if (answer.find(mark) != std::string_view::npos && request.find(mark) == std::string_view::npos) return "\"" + std::string{mark} + "\"";
    for (auto const& secret : secrets)
        if (!secret.empty() && answer.find(secret) != std::string_view::npos && request.find(secret) == std::string_view::npos) return "a secret";
    return {};
}

}  // namespace bsp::conformance::fuzz
