#include "key_store.hpp"

#include "../secure_file.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sealed.hpp>
#include <bsp/crypto/wipe.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <cstdlib>
#include <stdexcept>

namespace bsp::server {
namespace {

constexpr char const* variable = "BSP_KEY_ENCRYPTION_KEY";
constexpr char const* entry = "key-encryption-key";

std::optional<sealing_key> key_of(std::string const& text) {
    auto const raw = text.size() == 2 * sealing_key::size ? from_hex(text) : std::nullopt;
    if (!raw) return std::nullopt;
    return sealing_key{std::span<std::uint8_t const, sealing_key::size>{raw->data(), sealing_key::size}};
}

/// Files "NAME.sealed": { "format": "bsp-sealed-1", "key_id": …, "sealed": base64 }. The name is part of what is
/// authenticated, so that one secret cannot be put in the place of another.
class encrypted_key_store final : public key_store {
public:
    explicit encrypted_key_store(std::filesystem::path dir) : dir_{std::move(dir)} {}

    std::optional<std::string> read(std::string const& name) override {
        auto const text = read_private_file(path_of(name));
        if (!text) return std::nullopt;
        auto const wrong = [&](std::string const& why) { return std::runtime_error{place_of(name) + why}; };
        auto const value = json::parse(*text);
        auto const* o = value ? value->if_object() : nullptr;
        auto const* format = o ? json::find_string(*o, "format") : nullptr;
        auto const* key_id = o ? json::find_string(*o, "key_id") : nullptr;
        auto const* sealed = o ? json::find_string(*o, "sealed") : nullptr;
        if (!format || !key_id || !sealed || json::view(*format) != "bsp-sealed-1") throw wrong(" is not a sealed secret");
        auto const key = key_encryption_key(dir_, false);
        if (json::view(*key_id) != key.id()) throw wrong(" was sealed with the key " + std::string{json::view(*key_id)} + ", and the one at hand is " + key.id());
        auto const raw = from_base64(json::view(*sealed));
        auto opened = raw ? unseal(key, *raw, label_of(name)) : std::nullopt;
        if (!opened) throw wrong(" has been damaged or exchanged");
        return opened;
    }

    void write(std::string const& name, std::string const& text) override {
        auto const key = key_encryption_key(dir_, true);
        json::object const o{{"format", "bsp-sealed-1"}, {"key_id", key.id()}, {"sealed", to_base64(seal(key, text, label_of(name)))}};
        write_private_file(path_of(name), json::serialize(o) + '\n', true);
    }

    void remove(std::string const& name) override { remove_private_file(path_of(name)); }
    [[nodiscard]] std::string place_of(std::string const& name) const override { return path_of(name).string(); }
    [[nodiscard]] std::string stamp(std::string const& name) override { return stamp_of(path_of(name)); }

private:
    static std::string label_of(std::string const& name) { return "bsp-sealed-1\n" + name; }
    [[nodiscard]] std::filesystem::path path_of(std::string const& name) const { return dir_ / (name + ".sealed"); }

    std::filesystem::path dir_;
};

}  // namespace

// The environment's key, else the one in the key chain.
sealing_key key_encryption_key(std::filesystem::path const& data_dir, bool may_make) {
    if (char const* given = std::getenv(variable); given != nullptr && *given != '\0') {
        auto key = key_of(given);
        if (!key) throw std::runtime_error{std::string{variable} + " must be 64 hexadecimal digits, as 'openssl rand -hex 32' makes them"};
        return *std::move(key);
    }
    std::unique_ptr<key_store> chain;
    try {
        chain = open_keychain(data_dir);
    } catch (std::exception const& why) {
        throw std::runtime_error{std::string{variable} + " is not set, and the key chain cannot be used: " + why.what()};
    }
    auto text = chain->read(entry);
    if (!text) {
        if (!may_make) throw std::runtime_error{std::string{variable} + " is not set, and " + chain->place_of(entry) + " does not exist"};
        bytes fresh(sealing_key::size);
        wipe_on_exit const guard{fresh};
        random_bytes(fresh);
        text = to_hex(fresh);
        chain->write(entry, *text);
    }
    wipe_on_exit const guard{*text};
    auto key = key_of(*text);
    if (!key) throw std::runtime_error{chain->place_of(entry) + " is no key of 64 hexadecimal digits"};
    return *std::move(key);
}

std::unique_ptr<key_store> open_encrypted_key_store(std::filesystem::path const& data_dir) { return std::make_unique<encrypted_key_store>(data_dir); }

}  // namespace bsp::server
