#pragma once

#include <filesystem>
#include <string>

/// What `bsp-server sync …` does: looks into the data directory, and leaves there what the running server is to do.
/// Each function returns the text to print, or throws std::runtime_error with one line.
namespace bsp::server::sync_control {

/// Every peer that is synchronized with: what is in the way, what is due, what was the last error and the last success.
std::string status(std::filesystem::path const& data_dir);

/// Has the running server synchronize now, whatever failed before, and waits up to 10 seconds until nothing is due
/// where nothing is in the way. Then as `status`; `not_achieved` when something is still due.
std::string now(std::filesystem::path const& data_dir);

/// Lets the server, whether it runs or not, synchronize or not, until told otherwise.
std::string turn(std::filesystem::path const& data_dir, bool on);

/// The file that is locked while a server synchronizes.
std::filesystem::path lock_file(std::filesystem::path const& data_dir);

}  // namespace bsp::server::sync_control
