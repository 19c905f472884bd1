#pragma once

#include "driver.hpp"

namespace bsp::conformance::fuzz {

/// Whose requests are mutated: a peer of the first user, and that user.
struct cast {
    explicit cast(driver& d) : to{d}, world{d.world()}, a{world.register_peer()}, user{world.user()}, key{a.signing_key()} {}

    driver& to;
    scenario& world;
    peer const a;
    caller const user;
    conformance::key const key;
};

/// POST /sync/{peer_id}: two conversations of two messages, with every optional and some unknown members. Accepted,
/// it must be stored verbatim; refused, not at all.
subject push_of(cast const&);

/// POST /register-peer of a backend that nobody knows, with every optional member. Refused, it must not be listed.
subject registration_of(cast const&);

/// POST /conversations/{id}/messages by the user. Accepted, it must be stored verbatim; refused, not at all.
subject write_of(cast const&);

/// A request without a body by the peer or the user: `path` must be answered with success.
subject reading(cast const&, caller const& by, std::string name, std::string method, std::function<std::string()> path);

/// Another method and path for `reading`, most of which must be refused.
mutation odd_path(cast const&, dice& d);

/// Another query of a pull.
mutation odd_query(dice& d);

}  // namespace bsp::conformance::fuzz
