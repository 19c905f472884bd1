#pragma once

#include <stdexcept>
#include <string>

namespace bsp::server {

namespace sqlite {
struct failure;
}

/// Makes sure that the file at `path` is a sound database of ours with the newest schema, creating it when
/// there is none. Returns its epoch. Throws std::runtime_error with one line for the operator.
std::string prepare_sqlite_file(std::string const& path);

/// Gives the existing database at `path`, which no server may have open, a new epoch (BSP-SYN-133), and
/// returns it. Throws as above.
std::string renew_sqlite_epoch(std::string const& path);

/// What SQLite says of the file at `path`, in the operator's words.
std::runtime_error explain(std::string const& path, sqlite::failure const& why);

}  // namespace bsp::server
