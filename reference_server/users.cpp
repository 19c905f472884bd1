#include "users.hpp"

#include "secure_file.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

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

users_file::users_file(std::filesystem::path const& path) : users_file{source{[path] { return read_file(path); }, [path] { return stamp_of(path); }, path.string()}} {}

users_file::users_file(std::shared_ptr<key_store> const& store)
    : users_file{source{[store] { return store->read("users.json"); }, [store] { return store->stamp("users.json"); }, store->place_of("users.json")}} {}

users_file::users_file(source from) : source_{std::move(from)}, seen_{source_.stamp()}, book_{read()} {}

users users_file::read() const {
    auto const text = source_.read();
    if (!text) throw std::runtime_error{source_.place + " does not exist"};
    return parse_users(*text, source_.place);
}

std::optional<std::string> users_file::secret_of(std::string_view user_id) {
    std::lock_guard const lock{mutex_};
    reload_if_changed();
    auto const found = book_.find(user_id);
    return found == book_.end() ? std::nullopt : std::optional{found->second};
}

void users_file::reload_if_changed() {
    std::string const now = source_.stamp();
    if (now == seen_) return;
    seen_ = now;
    try {
        users fresh = read();
        if (fresh == book_) return;
        book_ = std::move(fresh);
        spdlog::info("users were read again: {}", book_.size());
    } catch (std::exception const& why) {
        spdlog::error("users stay as they were: {}", why.what());
    }
}

}  // namespace bsp::server
