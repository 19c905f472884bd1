#pragma once

#include <bsp/policy/limiter.hpp>
#include <bsp/policy/refusal_trail.hpp>

namespace bsp {

/// What watches over the requests of a backend. Where it is absent nothing is limited, and the audit trail knows only
/// what succeeded: for tests, and for programs that have such things elsewhere.
struct guards {
    limiter_base& limits;
    refusal_trail& trail;
};

}  // namespace bsp
