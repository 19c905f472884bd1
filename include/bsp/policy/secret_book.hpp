#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace bsp {

/// The pairing secrets, one per user. `secret_of` gives nothing for a user it does not know; an
/// empty secret counts as none. Safe to call from several threads at once.
/// Models: map_secret_book (testing/), the server's users file.
template <class B>
concept secret_book = requires(B& b, std::string_view user_id) {
    { b.secret_of(user_id) } -> std::same_as<std::optional<std::string>>;
};

/// The smallest model, for compile-time tests.
struct secret_book_archetype {
    secret_book_archetype() = delete;
    secret_book_archetype(secret_book_archetype const&) = delete;
    std::optional<std::string> secret_of(std::string_view) { return std::nullopt; }
};
static_assert(secret_book<secret_book_archetype>);

}  // namespace bsp
