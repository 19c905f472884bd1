#pragma once

#include <filesystem>
#include <string>

/// What `bsp-server store …` does. Each returns the text to print, or throws std::runtime_error with one line for the operator.
namespace bsp::server::store_control {

/// Tells the store that it is an older copy of itself (BSP-SYN-133), and lets a trail begin anew that goes on where it ends. Prints the epoch.
std::string new_epoch(std::string const& store_name, std::filesystem::path const& data_dir);

/// Copies the store into a new file; a server may run.
std::string back_up(std::string const& store_name, std::filesystem::path const& data_dir, std::filesystem::path const& file);

/// Puts such a copy in the place of the store, which no server may have open, and renews its epoch.
std::string restore(std::string const& store_name, std::filesystem::path const& data_dir, std::filesystem::path const& file);

/// Whether every page of the store, or of a copy of it, is sound. `file` may be empty.
std::string check(std::string const& store_name, std::filesystem::path const& data_dir, std::filesystem::path const& file);

}  // namespace bsp::server::store_control
