#include "key_store.hpp"

#include "../secure_file.hpp"

#include <algorithm>
#include <stdexcept>

namespace bsp::server {
namespace {

constexpr char const* marker = "key-store";
constexpr char const* names[] = {"identity.key", "rotation.json", "users.json", "admin.token"};

std::unique_ptr<key_store> open(std::filesystem::path const& data_dir, std::string const& kind) {
    if (kind == "file") return open_file_key_store(data_dir);
    if (kind == "env") return open_environment_key_store();
    if (kind == "encrypted") return open_encrypted_key_store(data_dir);
    if (kind == "keychain") return open_keychain(data_dir);
    throw std::runtime_error{(data_dir / marker).string() + " names no key store that is known here: '" + kind + "'"};
}

}  // namespace

std::string key_store_kind(std::filesystem::path const& data_dir) {
    auto text = read_file(data_dir / marker).value_or("file");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

std::unique_ptr<key_store> open_key_store(std::filesystem::path const& data_dir) { return open(data_dir, key_store_kind(data_dir)); }

void choose_key_store(std::filesystem::path const& data_dir, std::string const& kind) {
    if (kind.empty() || kind == key_store_kind(data_dir)) return;
    bool const in_use = std::filesystem::exists(data_dir / marker) || std::filesystem::exists(data_dir / "identity.json");
    if (in_use)
        throw std::runtime_error{"--key-store: the secrets of " + data_dir.string() + " are in its key store '" + key_store_kind(data_dir) + "'; move them with: bsp-server keys move " + kind};
    (void)open(data_dir, kind);  // a place that does not work is not chosen
    write_private_file(data_dir / marker, kind + '\n');
}

std::string move_key_store(std::filesystem::path const& data_dir, std::string const& kind) {
    std::string const before = key_store_kind(data_dir);
    if (kind == before) throw std::runtime_error{"the secrets of " + data_dir.string() + " are there already"};
    auto const from = open(data_dir, before), to = open(data_dir, kind);
    std::string moved;
    for (std::string const name : names) {
        auto const text = from->read(name);
        if (!text) continue;
        to->write(name, *text);
        if (to->read(name) != text) throw std::runtime_error{to->place_of(name) + " does not keep what is written"};
        moved += '\n' + name + ": " + to->place_of(name);
    }
    if (moved.empty()) throw std::runtime_error{data_dir.string() + " has no secrets yet; start bsp-server once, or name its --data-dir"};
    write_private_file(data_dir / marker, kind + '\n', true);
    for (std::string const name : names) from->remove(name);
    return "moved from '" + before + "' to '" + kind + "'; restart the server if it runs" + moved;
}

}  // namespace bsp::server
