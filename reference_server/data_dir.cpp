#include "data_dir.hpp"

#include "keys/key_store.hpp"
#include "secure_file.hpp"
#include "users.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/crypto/wipe.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/parse.hpp>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace bsp::server {
namespace {

/// The id hides the install id, and says nothing about the machine.
std::string backend_id_of(std::string const& type, std::string const& install_id) {
    return type + "_sha256_" + to_hex(sha256(std::string_view{install_id})).substr(0, 32);
}

void create_identity(std::filesystem::path const& path, std::string const& type) {
    std::array<std::uint8_t, 32> random{};
    random_bytes(random);
    std::string const install_id = to_hex(random);
    std::string const text = "{\n  \"backend_id\": \"" + backend_id_of(type, install_id) + "\",\n  \"backend_type\": \"" + type +
                             "\",\n  \"created_at\": \"" + format_timestamp({system_clock{}.now().seconds, 0}) + "\",\n  \"install_id\": \"" + install_id +
                             "\"\n}\n";
    write_private_file(path, text);
}

identity parse_identity(std::string const& text) {
    auto const value = json::parse(text).value();
    auto const f = json::fields::of(value).value();
    identity self;
    self.backend_id = std::string{f.required_string("backend_id").value()};
    self.backend_type = std::string{f.required_string("backend_type").value()};
    self.created_at = f.required_timestamp("created_at").value();
    if (!agrees_with_type(self.backend_id, self.backend_type)) throw std::runtime_error{"backend_id does not agree with backend_type"};
    return self;
}

// In the directory's key store.
std::string const key_name = "identity.key", rotation_name = "rotation.json";

char const* key_of_environment() {
    char const* given = std::getenv("BACKEND_PRIVATE_KEY");
    return given != nullptr && *given != '\0' ? given : nullptr;
}

rsa_private_key open_key(key_store& keys, bool first_start) {
    if (char const* given = key_of_environment()) {
        auto key = rsa_private_key::from_pem(given);
        if (!key) throw std::runtime_error{"BACKEND_PRIVATE_KEY is " + key.error().detail};
        return *std::move(key);
    }
    auto text = keys.read(key_name);
    if (!text) {
        // A new key under an old identity would make every peer refuse this backend.
        if (!first_start) throw std::runtime_error{keys.place_of(key_name) + " is missing; restore it, or set BACKEND_PRIVATE_KEY"};
        text = rsa_private_key::generate().pem();
        keys.write(key_name, *text);
    }
    auto key = rsa_private_key::from_pem(*text);
    if (!key) throw std::runtime_error{keys.place_of(key_name) + " is " + key.error().detail};
    return *std::move(key);
}

/// rotation.json: both keys in one text, so that a crash leaves either no rotation or a whole one.
struct rotation_record {
    rsa_private_key next;
    key_rotation_under_way how;
};

std::optional<rotation_record> read_rotation(key_store& keys) {
    auto text = keys.read(rotation_name);
    if (!text) return std::nullopt;
    wipe_on_exit const wipe_text{*text};
    try {
        auto const value = json::parse(*text).value();
        auto const f = json::fields::of(value).value();
        return rotation_record{rsa_private_key::from_pem(f.required_string("new_private_key").value()).value(),
                               {rsa_private_key::from_pem(f.required_string("replaced_private_key").value()).value(), f.required_timestamp("begun_at").value(),
                                f.required_timestamp("grace_expires_at").value(), f.required_timestamp("kept_until").value()}};
    } catch (std::exception const& why) {
        throw std::runtime_error{keys.place_of(rotation_name) + " is not valid: " + why.what()};
    }
}

void write_rotation(key_store& keys, rotation_record const& r) {
    std::string text = json::serialize(json::object{{"new_private_key", r.next.pem()},
                                                    {"replaced_private_key", r.how.replaced.pem()},
                                                    {"begun_at", format_timestamp(r.how.begun_at)},
                                                    {"grace_expires_at", format_timestamp(r.how.grace_expires_at)},
                                                    {"kept_until", format_timestamp(r.how.kept_until)}});
    wipe_on_exit const wipe_text{text};
    keys.write(rotation_name, text);
}

}  // namespace

std::filesystem::path expand_home(std::string const& path) {
    if (path != "~" && !path.starts_with("~/")) return path;
    char const* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') {
        passwd const* me = ::getpwuid(::getuid());
        if (me == nullptr) throw std::runtime_error{"there is no home directory for " + path + "; name a --data-dir"};
        home = me->pw_dir;
    }
    return path == "~" ? std::filesystem::path{home} : std::filesystem::path{home} / path.substr(2);
}

void make_data_dir(std::filesystem::path const& dir) {
    std::error_code ec;
    if (std::filesystem::is_directory(dir, ec)) return;
    if (!dir.parent_path().empty()) std::filesystem::create_directories(dir.parent_path(), ec);
    if (::mkdir(dir.c_str(), 0700) != 0) throw std::runtime_error{"the data directory " + dir.string() + " cannot be made: " + std::strerror(errno)};
}

installation open_installation(std::filesystem::path const& dir, std::string const& type) {
    auto const path = dir / "identity.json";
    auto text = read_file(path);
    bool const first_start = !text;
    // To peers a backend of another identity is another one, whatever it holds.
    if (first_start && std::filesystem::exists(dir / "bsp.db")) throw std::runtime_error{path.string() + " is missing, although bsp.db is there; restore it, or move bsp.db away to begin anew"};
    // The key comes first: an identity on disk means that the first start got as far as having a key.
    auto const keys = open_key_store(dir);
    rsa_private_key key = open_key(*keys, first_start);
    if (!text) {
        create_identity(path, type.empty() ? "local" : type);
        text = read_file(path);
    }
    installation found{{}, std::move(key)};
    if (auto rotation = key_of_environment() ? std::nullopt : read_rotation(*keys)) {
        if (found.key.public_key() != rotation->next.public_key()) keys->write(key_name, rotation->next.pem());
        found.key = std::move(rotation->next);
        found.rotation = std::move(rotation->how);
    }
    try {
        found.self = parse_identity(text.value());
    } catch (std::exception const& why) {
        throw std::runtime_error{path.string() + " is not valid: " + why.what()};
    }
    if (!type.empty() && type != found.self.backend_type)
        throw std::runtime_error{"--type: " + dir.string() + " belongs to a " + found.self.backend_type + " backend; use another --data-dir for a " + type + " one"};
    found.self.public_key_pem = found.key.public_key().pem();
    found.self.capabilities = {"sync", "conversations", "digest", "live_pull", "key_rotation"};
    return found;
}

installation rotate_installation(std::filesystem::path const& dir, rsa_private_key const& next, key_rotation_under_way const& how, bool keeps_replaced, bool abandons) {
    if (key_of_environment()) throw std::runtime_error{"the key is that of BACKEND_PRIVATE_KEY; whoever sets it replaces it"};
    auto const keys = open_key_store(dir);
    if (!abandons && keys->read(rotation_name)) throw std::runtime_error{"a rotation is under way; see bsp-server keys status, or give up on who was not told with --abandon"};
    if (keeps_replaced) {
        write_rotation(*keys, {next, how});
    } else {
        keys->remove(rotation_name);
        keys->write(key_name, next.pem());
    }
    return open_installation(dir, "");
}

void end_rotation(std::filesystem::path const& dir) { open_key_store(dir)->remove(rotation_name); }

std::string open_users(std::filesystem::path const& dir) {
    auto const keys = open_key_store(dir);
    if (!keys->read("users.json")) keys->write("users.json", format_users({{"alice", new_secret()}, {"bob", new_secret()}, {"carol", new_secret()}, {"dave", new_secret()}}));
    return keys->place_of("users.json");
}

std::string open_admin_token(std::filesystem::path const& dir) {
    if (char const* given = std::getenv("BSP_ADMIN_TOKEN"); given != nullptr && *given != '\0') return given;
    auto const keys = open_key_store(dir);
    auto text = keys->read("admin.token");
    if (!text) {
        text = new_secret() + '\n';
        keys->write("admin.token", *text);
    }
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    if (text->empty()) throw std::runtime_error{keys->place_of("admin.token") + " is empty; remove it to have a new one made"};
    return *text;
}

}  // namespace bsp::server
