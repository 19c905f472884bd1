#pragma once

#include "connection.hpp"

#include <string>

namespace bsp::server::postgres {

/// What a database knows of itself that never changes, or hardly ever.
struct facts {
    std::string epoch;         ///< A-177
    std::string audit_key;     ///< tags users in the audit trail
    std::string departed_key;  ///< hashes the ids of what is gone for good
};

/// Makes sure that the database has the newest schema, in one transaction for which instances that start at the same time
/// wait. Throws std::runtime_error with one line for the operator.
facts prepare(connection& db, std::string const& shown_url);

/// The epoch as it is now.
std::string read_epoch(connection& db);

/// Gives the database a new epoch (BSP-SYN-133), and returns it.
std::string renew_epoch(connection& db);

/// Enters the backend that this database is of, or makes sure that it is this one: instances of one database are one
/// backend. Throws std::runtime_error with one line for the operator.
void claim(connection& db, std::string const& backend_id, std::string const& shown_url);

}  // namespace bsp::server::postgres
