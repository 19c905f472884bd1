#pragma once

#include <cstdint>
#include <functional>
#include <string>

/// Copies of a store's SQLite file, as the file was at one moment. All functions throw std::runtime_error with one line for the
/// operator.
namespace bsp::server {

/// What a sound file holds.
struct sqlite_contents {
    std::string epoch;
    std::int64_t users = 0, conversations = 0, messages = 0, peers = 0, audit_entries = 0;
};

/// Looks at every page and every index of the file, which a server may have open.
sqlite_contents check_sqlite(std::string const& path);

/// Writes the new file `copy`, synced to disk, and looks at every page of it; a server may go on reading and writing meanwhile. An
/// older schema stays as it is.
sqlite_contents back_up_sqlite(std::string const& path, std::string const& copy);

struct restored_sqlite {
    sqlite_contents held;  ///< with the new epoch
    std::string replaced;  ///< where the file of before is now; "" when there was none
};

/// Puts what `copy` holds in the place of the file at `path`, under a new epoch (BSP-SYN-133) and with the newest schema. The file of
/// before is kept beside it. No server may have that open. `accept` is given a draft of the new file and throws when it will
/// not do; then, as after every other failure, the file is as it was.
restored_sqlite restore_sqlite(std::string const& copy, std::string const& path, std::function<void(std::string const&)> const& accept);

}  // namespace bsp::server
