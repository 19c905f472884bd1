#pragma once

#include <bsp/policy/limiter.hpp>
#include <bsp/policy/refusal_trail.hpp>

namespace bsp::observe {
class observatory;
}

namespace bsp {

/// What watches over the requests of a backend. Where it is absent nothing is limited, and the audit trail knows only
/// what succeeded: for tests, and for programs that have such things elsewhere.
struct guards {
    limiter_base& limits;
    refusal_trail& trail;
    observe::observatory* observed = nullptr;  ///< absent: nothing is counted but what the store keeps
};

}  // namespace bsp
