#pragma once

#include <string>
#include <string_view>

namespace bsp::faulty {

/// `text` with small letters for the capital ones of ASCII, whatever the locale.
inline std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace bsp::faulty
