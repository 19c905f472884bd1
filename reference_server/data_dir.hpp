#pragma once

#include <bsp/crypto/rsa.hpp>
#include <bsp/policy/environment.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace bsp::server {

/// A change of key that has not reached every peer yet (section 13.4, A-120).
struct key_rotation_under_way {
    rsa_private_key replaced;
    instant begun_at;
    instant grace_expires_at;  ///< until when peers are to believe the replaced key
    instant kept_until;        ///< then the replaced key is destroyed, whoever was not told
};

/// Who this installation is. Made at the first start, kept from then on.
struct installation {
    identity self;
    rsa_private_key key;
    std::optional<key_rotation_under_way> rotation = {};
};

/// Expands a leading `~/`; nothing else does it for us (E14).
std::filesystem::path expand_home(std::string const& path);

/// The directory, made with mode 0700 when it does not exist.
void make_data_dir(std::filesystem::path const& dir);

/// Reads identity.json, and identity.key from the directory's key store, making what does not exist yet. `type` is "local", "hosted" or ""
/// for whatever was there before, else local. The environment's BACKEND_PRIVATE_KEY wins over the key file.
/// Throws std::runtime_error with one line for the operator.
installation open_installation(std::filesystem::path const& dir, std::string const& type);

/// Replaces the key by `next`, which is in use from then on, also by a server that runs. With `keeps_replaced` the one
/// before stays in rotation.json for the peers that have to be told. Refuses when a rotation is under way, unless
/// `abandons` it; and when the environment's BACKEND_PRIVATE_KEY rules. Throws as `open_installation` does.
installation rotate_installation(std::filesystem::path const& dir, rsa_private_key const& next, key_rotation_under_way const& how, bool keeps_replaced, bool abandons);

/// Destroys the replaced key.
void end_rotation(std::filesystem::path const& dir);

/// Where users.json is in the directory's key store; made with four users, alice and others, when it does not exist.
std::string open_users(std::filesystem::path const& dir);

/// The admin token: BSP_ADMIN_TOKEN, else admin.token, made when it does not exist.
std::string open_admin_token(std::filesystem::path const& dir);

}  // namespace bsp::server
