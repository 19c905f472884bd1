#pragma once

#include "battery.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bsp::conformance::battery {

/// What somebody asks for: a request less its credential.
struct door {
    std::string method, path;
    std::optional<std::string> body = {};
};

/// Who lives at the target, what must stay as it is, and where only an intruder leaves anything.
class house {
public:
    explicit house(scenario& s);
    house(house const&) = delete;

    scenario& world;
    peer const a;              ///< whom intruders pretend to be
    peer const sibling;        ///< of the same user
    std::optional<peer> stranger;  ///< of another user, where there is one
    peer const gone;           ///< was unpaired
    caller const user;
    std::string const kept;    ///< a conversation, with the message "kept"
    std::string const trap;    ///< a conversation that nobody may write to
    std::string const trace;   ///< one to which the residents write
    std::set<std::string> turned_away;  ///< backend ids that must not be registered

    /// The name of a new message for the trap.
    [[nodiscard]] std::string mark() { return "w" + std::to_string(++marks_); }

    /// Everything that may be asked for, by the peer `a` or by its user: another door for each `turn`, until all had theirs.
    [[nodiscard]] door door_of(std::size_t turn, bool by_peer, dice& d);
    [[nodiscard]] door open_door(bool by_peer, bool changing, dice& d);  ///< that does no harm; `changing`: not with GET

    /// Judges that all is as it was, and that residents are served.
    void untouched();

private:
    [[nodiscard]] std::vector<door> reading(bool by_peer) const;

    scenario& s_;
    std::optional<json::object> settings_;  // of the user
    bool has_digest_ = false;
    std::size_t marks_ = 0;
};

}  // namespace bsp::conformance::battery
