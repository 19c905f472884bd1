#pragma once

#include "mutation.hpp"

#include <bsp/base/instant.hpp>

#include <string>

/// What chapters 1, 3, 4, 6 and 8 say of the members of request bodies, as a model of the suite's own: whether a
/// body must be accepted, must be refused, or may be either.
namespace bsp::conformance::fuzz {

/// What a sync payload has to name, and the time.
struct push_facts {
    std::string peer_id, backend_id, target_backend_id;
    instant now;
};

/// A sync payload, before `signature` was added.
expectation judge_payload(json::value const&, push_facts const&);

/// The body of a registration that was valid as `valid` before it was mutated; its MAC is right.
expectation judge_registration(json::value const&, json::object const& valid);

/// The body of a local write.
expectation judge_write(json::value const&, instant now);

}  // namespace bsp::conformance::fuzz
