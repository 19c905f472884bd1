#pragma once

#include "../surroundings.hpp"
#include "content.hpp"
#include "ledger.hpp"

#include <iosfwd>
#include <string>
#include <vector>

/// Who takes part in a run, and the requests that they make.
namespace bsp::conformance::load {

/// A registered backend: one key, one session, one user.
struct participant {
    std::string peer_id;
    std::size_t user = 0;  ///< index of the users file
    load::voice voice;
    conformance::key key;
    std::vector<std::size_t> conversations = {};  ///< into `company::conversations`
};

/// The target's word for the run to be impossible, for the person at the keyboard.
struct cannot_begin {
    int exit_code;
    std::string words;
};

class company {
public:
    /// Registers `count` peers of all users in turns, and says on `out` how far it is. Throws `cannot_begin`.
    company(surroundings& world, std::size_t count, std::ostream& out);

    surroundings& world;
    std::vector<participant> peers;
    std::vector<kept_conversation> conversations;

    /// The push of these conversations by a peer, signed now.
    [[nodiscard]] http_request push(participant const&, std::string const& sync_id, std::vector<json::object> conversations) const;
    /// A pull of what changed since `since`, a timestamp or an earlier `last_sync`, signed now; `cursor` of the page before, or "".
    [[nodiscard]] http_request pull(participant const&, std::string const& since, std::string const& cursor) const;
    /// The user reads a conversation.
    [[nodiscard]] http_request read(kept_conversation const&) const;
    /// The upgrade to a telemetry stream, signed now.
    [[nodiscard]] http_request stream(participant const&) const;
    [[nodiscard]] http_request unpair(participant const&) const;

    /// "load-7q2k9x-12": a name that no other run has.
    [[nodiscard]] std::string name(std::string_view stem, std::size_t number) const;

private:
    [[nodiscard]] std::string by_peer(participant const&, std::string_view method, std::string const& target) const;
    [[nodiscard]] std::string by_user(user_account const&, std::string_view method, std::string const& target) const;
};

inline constexpr std::size_t conversations_per_peer = 4;

}  // namespace bsp::conformance::load
