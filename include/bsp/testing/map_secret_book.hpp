#pragma once

#include <bsp/policy/secret_book.hpp>

#include <map>

namespace bsp::testing {

/// Secrets written down in the test.
struct map_secret_book {
    std::map<std::string, std::string, std::less<>> secrets;

    std::optional<std::string> secret_of(std::string_view user_id) const {
        auto const found = secrets.find(user_id);
        return found == secrets.end() ? std::nullopt : std::optional{found->second};
    }
};
static_assert(secret_book<map_secret_book const>);

}  // namespace bsp::testing
