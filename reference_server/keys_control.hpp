#pragma once

#include <chrono>
#include <filesystem>
#include <string>

/// What `bsp-server keys …` does (chapter 13). Each function returns the text to print, or throws std::runtime_error
/// with one line.
namespace bsp::server::keys_control {

struct rotation_request {
    std::chrono::seconds grace = std::chrono::hours{24 * 7};  ///< 0: a compromise, peers drop the key as soon as they are told
    bool abandons = false;                                    ///< gives up on peers that the rotation before has not reached
};

/// The fingerprint of the key, and of a rotation under way which peers have been told.
std::string status(std::filesystem::path const& data_dir);

/// Makes a new key and uses it from now on; a server that runs takes it up and tells its peers, one that does not run
/// will.
std::string rotate(std::filesystem::path const& data_dir, rotation_request const& asked);

}  // namespace bsp::server::keys_control
