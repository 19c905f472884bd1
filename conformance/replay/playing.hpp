#pragma once

#include "answers.hpp"
#include "sequence.hpp"

#include "../surroundings.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bsp::conformance::replay {

/// What became of one step.
struct played {
    reply now = {};                         ///< in the same abstract words as the recorded answer
    std::chrono::microseconds took{};
    bool left_out = false;                  ///< it needs a value that an earlier answer no longer gave
    std::optional<std::string> difference;  ///< nothing: the answers agree …
    std::string unverified = {};            ///< … but for this signature or digest, which is another one each time
};

/// What became of the whole.
struct finale {
    bool reproduced = false;
    std::string because = {};  ///< when not: "step 3 now answers 200"; when it cannot be told: why
    bool open = false;         ///< it cannot be told
    bool lost = false;         ///< the target does not answer any more
};

/// Why this sequence cannot be played here (no second user, another kind of backend …), or "".
std::string obstacle(sequence const&, surroundings const&);

/// Sends the requests of a sequence with names, peers, keys and times of now, at the pace of the recording, and tells
/// `seen` of each. Steps that were sent at once are sent at once. An error (`bad_request`): the sequence contradicts itself.
result<finale> play(sequence const&, surroundings&, std::function<void(step const&, played const&)> const& seen);

}  // namespace bsp::conformance::replay
