#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/json/value.hpp>

#include <string>
#include <vector>

namespace bsp::wire {

/// A registration as it is shown (spec chapter 4.4); the SBT without its signature:
///
///     {"peer_id": "peer_…", "backend_id": "local_…", "backend_type": "local", "public_key": "-----BEGIN …", "capabilities": [],
///      "sbt": {"session_id": "sess_1", "user_id": "ada", …}, "registered_at": "2025-12-31T00:00:01Z"}
struct peer_entry {
    std::string peer_id;
    std::string backend_id;
    std::string backend_type;
    std::string public_key;
    std::vector<std::string> capabilities;
    std::string sbt;  ///< JSON text, without `signature`
    instant registered_at;
};

inline json::object encode(peer_entry const& p) {
    return {{"peer_id", p.peer_id},
            {"backend_id", p.backend_id},
            {"backend_type", p.backend_type},
            {"public_key", p.public_key},
            {"capabilities", json::array(p.capabilities.begin(), p.capabilities.end())},
            {"sbt", json::parse(p.sbt).value()},
            {"registered_at", format_timestamp(p.registered_at)}};
}

}  // namespace bsp::wire
