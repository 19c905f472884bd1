#pragma once

#include <bsp/crypto/rsa.hpp>
#include <bsp/policy/environment.hpp>

#include <filesystem>
#include <string>

namespace bsp::server {

/// Who this installation is. Made at the first start, kept from then on.
struct installation {
    identity self;
    rsa_private_key key;
};

/// Expands a leading `~/`; nothing else does it for us (E14).
std::filesystem::path expand_home(std::string const& path);

/// The directory, made with mode 0700 when it does not exist.
void make_data_dir(std::filesystem::path const& dir);

/// Reads identity.json, and identity.key from the directory's key store, making what does not exist yet. `type` is "local", "hosted" or ""
/// for whatever was there before, else local. The environment's BACKEND_PRIVATE_KEY wins over the key file.
/// Throws std::runtime_error with one line for the operator.
installation open_installation(std::filesystem::path const& dir, std::string const& type);

/// Where users.json is in the directory's key store; made with the users alice and bob when it does not exist.
std::string open_users(std::filesystem::path const& dir);

/// The admin token: BSP_ADMIN_TOKEN, else admin.token, made when it does not exist.
std::string open_admin_token(std::filesystem::path const& dir);

}  // namespace bsp::server
