#pragma once

#include <bsp/crypto/content_cipher.hpp>

#include <functional>
#include <memory>
#include <string>

/// Content at rest in an SQLite file: its keys, and how all of it is sealed, or sealed anew. The file must exist. All functions
/// throw std::runtime_error with one line for the operator.
namespace bsp::server {

/// Gives the operator's key, under which those of the file are sealed. Called when it is needed.
using operator_key = std::function<sealing_key()>;

/// Whether the content of this file is sealed, in whole or, after a crash, in part.
bool content_is_sealed(std::string const& path);

/// Whether sealing has begun that has not come to its end.
bool content_sealing_is_under_way(std::string const& path);

/// Whether values may be left that nobody has ever sealed.
bool content_is_partly_plain(std::string const& path);

/// The cipher of a sealed file. Throws when the key is not the right one.
std::shared_ptr<content_cipher const> open_content_cipher(std::string const& path, operator_key const& key);

/// Seals all content under a new key, or goes on where an earlier call was ended: values that are sealed under it already are
/// passed over. Until the end the key before stays in the file, and what it has sealed can be read. Nobody else may have the
/// file open. Gives how many values it has sealed.
std::size_t seal_content(std::string const& path, operator_key const& key);

}  // namespace bsp::server
