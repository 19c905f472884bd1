#include "users.hpp"

#include "secure_file.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <array>
#include <stdexcept>

namespace bsp::server {

users parse_users(std::string_view text, std::string const& name_of_file) {
    auto const wrong = [&](std::string const& why) { return std::runtime_error{name_of_file + ": " + why}; };
    auto const value = json::parse(text);
    if (!value) throw wrong("not valid JSON: " + value.error().detail);
    if (!value->is_object()) throw wrong("must be one JSON object, user id to pairing secret");
    users book;
    for (auto const& entry : value->get_object()) {
        std::string const user{entry.key().data(), entry.key().size()};
        if (!is_user_id(user)) throw wrong("a user id must have 1 to 256 characters and no control characters");
        if (user == "anonymous") throw wrong("the user id \"anonymous\" is reserved");
        if (!entry.value().is_string() || entry.value().get_string().size() < limits::secret_bytes_min)
            throw wrong("the secret of \"" + user + "\" must be a text of at least " + std::to_string(limits::secret_bytes_min) + " bytes");
        auto const& secret = entry.value().get_string();
        book.emplace(user, std::string{secret.data(), secret.size()});
    }
    return book;
}

std::string format_users(users const& book) {
    std::string text = "{";
    char const* separator = "\n";
    for (auto const& entry : book) {
        text += separator + ("  " + boost::json::serialize(boost::json::string{entry.first})) + ": " + boost::json::serialize(boost::json::string{entry.second});
        separator = ",\n";
    }
    return text += "\n}\n";
}

std::string new_secret() {
    std::array<std::uint8_t, 32> secret{};
    random_bytes(secret);
    return to_base64url(secret);
}

bool users_file::stamp::operator==(stamp const& other) const {
    return inode == other.inode && bytes == other.bytes && modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
}

users_file::stamp users_file::look() const {
    struct stat s {};
    if (::stat(path_.c_str(), &s) != 0) return {};
    return {s.st_ino, s.st_size, s.st_mtim};
}

users_file::users_file(std::filesystem::path path) : path_{std::move(path)}, seen_{look()} {
    auto const text = read_file(path_);
    if (!text) throw std::runtime_error{path_.string() + " does not exist"};
    book_ = parse_users(*text, path_.string());
}

std::optional<std::string> users_file::secret_of(std::string_view user_id) {
    std::lock_guard const lock{mutex_};
    reload_if_changed();
    auto const found = book_.find(user_id);
    return found == book_.end() ? std::nullopt : std::optional{found->second};
}

void users_file::reload_if_changed() {
    stamp const now = look();
    if (now == seen_) return;
    seen_ = now;
    try {
        auto const text = read_file(path_);
        if (!text) throw std::runtime_error{path_.string() + " does not exist any more"};
        book_ = parse_users(*text, path_.string());
        spdlog::info("users were read again: {}", book_.size());
    } catch (std::exception const& why) {
        spdlog::error("users stay as they were: {}", why.what());
    }
}

}  // namespace bsp::server
