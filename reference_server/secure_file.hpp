#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Files that hold what only their owner may know.
namespace bsp::server {

/// The whole file; nothing when it does not exist. Throws std::runtime_error with one line when it cannot be read.
std::optional<std::string> read_file(std::filesystem::path const& path);

/// Like `read_file`, but refuses a file that its group or others can read, write or execute.
std::optional<std::string> read_private_file(std::filesystem::path const& path);

/// Creates the file with mode 0600, whole or not at all, synced to disk. Throws std::runtime_error with one
/// line; with `replace` false also when the file exists.
void write_private_file(std::filesystem::path const& path, std::string_view text, bool replace = false);

/// Removes the file, if it exists, and overwrites what it held as far as the file system lets us. What a crash left of
/// an earlier removal goes, too. Throws std::runtime_error with one line.
void remove_private_file(std::filesystem::path const& path);

/// What tells two versions of a file apart without reading them; the same as long as it does not exist.
std::string stamp_of(std::filesystem::path const& path);

/// Whether anyone but the owner has a right to the file.
bool is_open_to_others(std::filesystem::path const& path);

}  // namespace bsp::server
