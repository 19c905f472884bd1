#pragma once

#include <bsp/base/http.hpp>

#include <string>
#include <string_view>

/// Header fields as RFC 9110 reads them.
namespace bsp::conformance {

/// Without the white space around it, or the CR of its line's end.
inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

/// Whether a list, in as many fields as it comes, has this word in whatever case. What follows `=` or `;` is no part of a word.
inline bool lists(http_headers const& fields, std::string_view name, std::string_view word) {
    for (auto const& [given, value] : fields) {
        if (!http_headers::same_name(given, name)) continue;
        for (std::string_view rest = value;;) {
            auto const comma = rest.find(',');
            auto const element = rest.substr(0, comma);
            if (http_headers::same_name(trimmed(element.substr(0, element.find_first_of("=;"))), word)) return true;
            if (comma == rest.npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

/// Whether `field`, a Content-Type or null, is of the media type, in whatever case and with whatever parameters.
inline bool is_of_type(std::string const* field, std::string_view type) {
    return field && http_headers::same_name(trimmed(std::string_view{*field}.substr(0, field->find(';'))), type);
}

/// All fields of a name as one list, for reports.
inline std::string joined(http_headers const& fields, std::string_view name) {
    std::string out;
    for (auto const& [given, value] : fields)
        if (http_headers::same_name(given, name)) out += (out.empty() ? "" : ", ") + value;
    return out.empty() ? "no " + std::string{name} : out;
}

}  // namespace bsp::conformance
