#pragma once

#include "connection.hpp"

#include <bsp/observe/observatory.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace bsp::server::postgres {

/// Tells other instances what this one has seen of its peers, and this one what they have seen. To be called every second;
/// used by one thread at a time.
class sightings {
public:
    void exchange(connection& db, observe::observatory& seen);

private:
    void tell(connection& db, observe::observatory& seen, bool with_streams);
    void hear(connection& db, observe::observatory& seen);

    std::string const instance_ = random_name();
    std::int64_t heard_until_ = 0;  ///< by the clock of the database, milliseconds
    int turn_ = 0;

    static std::string random_name();
};

/// Since when an alert stands, for all instances: since `now`, if none has told of it before.
instant alert_since(connection& db, std::string_view type, std::string_view peer_id, instant now);
/// It does not stand any more.
void end_alert(connection& db, std::string_view type, std::string_view peer_id);

}  // namespace bsp::server::postgres
