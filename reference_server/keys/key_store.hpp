#pragma once

#include <bsp/crypto/sealed.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::server {

/// Where the secrets of an installation lie, each a text under a name: "identity.key" (the private key, PEM),
/// "users.json" (the pairing secrets), "admin.token", and "rotation.json" (both keys, while a rotation is under way). Every function throws std::runtime_error with one line for the
/// operator when the place cannot be used.
class key_store {
public:
    virtual ~key_store() = default;

    /// Nothing when there is none of that name.
    virtual std::optional<std::string> read(std::string const& name) = 0;
    /// Keeps the text, in the place of what was there before.
    virtual void write(std::string const& name, std::string const& text) = 0;
    /// Destroys it, as far as the place lets us. Nothing when there is none.
    virtual void remove(std::string const& name) = 0;

    /// Where it is, for people: a path, a variable, an entry of the key chain.
    [[nodiscard]] virtual std::string place_of(std::string const& name) const = 0;
    /// Differs from what it was before when the text may have changed since. Cheap.
    [[nodiscard]] virtual std::string stamp(std::string const& name) = 0;
};

/// The kinds of `--key-store`.
inline std::vector<std::string> key_store_names() { return {"file", "keychain", "env", "encrypted"}; }

/// The kind of a data directory: decided at its first start, kept in its file "key-store", else "file".
std::string key_store_kind(std::filesystem::path const& data_dir);
std::unique_ptr<key_store> open_key_store(std::filesystem::path const& data_dir);

/// Settles the kind of a new data directory; "" leaves it as it is. Throws std::runtime_error when one that is in use has
/// another kind.
void choose_key_store(std::filesystem::path const& data_dir, std::string const& kind);

/// Moves every secret to a store of another kind and removes it from the old one. Returns what to tell the operator.
std::string move_key_store(std::filesystem::path const& data_dir, std::string const& kind);

// One of each kind, for open_key_store.
std::unique_ptr<key_store> open_file_key_store(std::filesystem::path const& data_dir);
std::unique_ptr<key_store> open_environment_key_store();
/// Files, sealed with the key in BSP_KEY_ENCRYPTION_KEY, or else with one that the key chain keeps.
std::unique_ptr<key_store> open_encrypted_key_store(std::filesystem::path const& data_dir);
/// That key, for what else is to be sealed under it; made in the key chain when it is not in the environment and `may_make`.
sealing_key key_encryption_key(std::filesystem::path const& data_dir, bool may_make);
/// The Secret Service of the user's session. Throws when this was built without libsecret.
std::unique_ptr<key_store> open_keychain(std::filesystem::path const& data_dir);

}  // namespace bsp::server
