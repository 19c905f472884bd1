#pragma once

#include <bsp/crypto/rsa.hpp>

#include <filesystem>
#include <istream>
#include <string>

/// What a person needs to talk to this server with `curl`: the other side's half of the protocol, with
/// throwaway peers whose keys lie in the data directory. Each function returns the text to print, or
/// throws std::runtime_error with one line.
namespace bsp::server::toolbox {

/// Where to look, and whose credentials to mint.
struct subject {
    std::filesystem::path data_dir;
    std::filesystem::path users;     ///< "": users.json in the data directory
    std::string user = "alice";
    std::string peer = "curl";       ///< name of a throwaway peer, made when it does not exist
    std::string peer_id;             ///< "": looked up in the store
    std::string store = "sqlite";    ///< as `--store`
};

/// A new user with a new secret in the users file; returns the secret.
std::string add_user(subject const& who);
std::string list_users(subject const& who);

/// The user's pairing secret.
std::string secret(subject const& who);
/// A session binding token for this backend and the peer.
std::string sbt(subject const& who);
/// The whole body of `POST /register-peer`.
std::string registration(subject const& who);
/// The id that this backend gave the peer when it was registered.
std::string peer_id(subject const& who);

/// The value of `Authorization` for a request; `target` is a path with query, or a whole URL.
std::string user_authorization(subject const& who, std::string const& method, std::string const& target);
std::string peer_authorization(subject const& who, std::string const& method, std::string const& target);
std::string admin_authorization(subject const& who);

/// The signed body of `POST /sync/{peer_id}`. `conversations` is JSON: one conversation, or a list.
std::string push(subject const& who, std::istream& conversations, std::string const& sync_id);

}  // namespace bsp::server::toolbox
