#pragma once

#include "subjects.hpp"

namespace bsp::conformance::fuzz {

/// Valid and invalid requests sent in odd ways over bare connections, until the driver's time is over: chunks, pieces,
/// pipelines, slow and aborted bodies, lies about lengths, odd heads. After each, others are still served.
void fuzz_transport(cast const&);

}  // namespace bsp::conformance::fuzz
