#pragma once

#include <bsp/base/result.hpp>
#include <bsp/policy/secret_book.hpp>

#include <sys/types.h>

#include <ctime>
#include <filesystem>
#include <map>
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

/// The pairing secrets of a file, read again whenever the file changes. When the changed file is not
/// valid, the last valid one stays in force and the log says why.
class users_file {
public:
    /// Throws std::runtime_error with one line.
    explicit users_file(std::filesystem::path path);

    std::optional<std::string> secret_of(std::string_view user_id);

private:
    struct stamp {
        ino_t inode = 0;
        off_t bytes = -1;
        std::timespec modified{};
        bool operator==(stamp const& other) const;
    };

    [[nodiscard]] stamp look() const;
    void reload_if_changed();

    std::filesystem::path path_;
    std::mutex mutex_;
    stamp seen_;
    users book_;
};
static_assert(secret_book<users_file>);

}  // namespace bsp::server
