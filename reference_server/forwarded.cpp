#include "forwarded.hpp"

#include <arpa/inet.h>

#include <array>
#include <string_view>

namespace bsp::server {

std::string forwarded_client(http_request const& request) {
    std::string_view last;
    for (auto const& [name, value] : request.headers)
        if (http_headers::same_name(name, "X-Forwarded-For")) last = value;
    if (auto const comma = last.rfind(','); comma != std::string_view::npos) last.remove_prefix(comma + 1);
    while (last.starts_with(' ') || last.starts_with('\t')) last.remove_prefix(1);
    while (last.ends_with(' ') || last.ends_with('\t')) last.remove_suffix(1);
    std::string const address{last};
    std::array<unsigned char, sizeof(in6_addr)> parsed{};
    bool const is_address = ::inet_pton(AF_INET, address.c_str(), parsed.data()) == 1 || ::inet_pton(AF_INET6, address.c_str(), parsed.data()) == 1;
    return is_address ? address : request.remote;
}

}  // namespace bsp::server
