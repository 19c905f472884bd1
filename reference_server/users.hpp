#pragma once

#include "keys/key_store.hpp"

#include <bsp/base/result.hpp>
#include <bsp/policy/secret_book.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::server {

/// A users file: a JSON object, user id → pairing secret.
using users = std::map<std::string, std::string, std::less<>>;

/// Reads the text of a users file. Throws std::runtime_error with one line that says which entry is wrong,
/// never what its secret is: secrets have at least 32 bytes, `anonymous` is reserved.
users parse_users(std::string_view text, std::string const& name_of_file);
std::string format_users(users const& book);

/// 32 random bytes as base64url.
std::string new_secret();

/// The pairing secrets of a file or a key store, read again whenever they change. When what changed is not valid, the
/// last valid ones stay in force and the log says why.
class users_file {
public:
    /// Both throw std::runtime_error with one line.
    explicit users_file(std::filesystem::path const& path);
    explicit users_file(std::shared_ptr<key_store> const& store);

    std::optional<std::string> secret_of(std::string_view user_id);

private:
    struct source {
        std::function<std::optional<std::string>()> read;
        std::function<std::string()> stamp;
        std::string place;
    };

    explicit users_file(source from);
    [[nodiscard]] users read() const;
    void reload_if_changed();

    source source_;
    std::mutex mutex_;
    std::string seen_;
    users book_;
};
static_assert(secret_book<users_file>);

}  // namespace bsp::server
