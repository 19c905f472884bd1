#pragma once

#include "../json.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

/// The suite's own idea of the protocol, written to be read beside chapters 4, 6, 7 and 8. It shares no code with
/// the headers under test: a bug there must not agree with itself here.
namespace bsp::conformance::model {

/// Whether the member `flag` is there and true.
bool is_true(json::object const& o, std::string_view flag);

/// BSP-MRG-014: whether `a` is less than `b` in the total order of messages with one identity.
bool less(json::object const& a, json::object const& b);

/// Whether `m` has what the order and the join of messages look at: `id`, `version`, `timestamp`, a canonical form.
bool is_message(json::object const& m);

/// The octets of C14N-1, by which objects are equal.
std::string octets(json::value const& v);

/// The messages of one conversation after any set of accepted pushes.
class messages {
public:
    void join(json::object const& message);

    /// The message held under this id, tombstones included, or null.
    [[nodiscard]] json::object const* find(std::string const& id) const;

    /// BSP-CNV-012: the messages that are not tombstones, sorted by instant and id.
    [[nodiscard]] std::vector<json::object> live() const;

    /// Of all messages held, tombstones included; 0 when there are none.
    [[nodiscard]] std::int64_t greatest_version() const;

private:
    std::map<std::string, json::object> by_id_;
};

/// One conversation of one user, after what was accepted of pushes and local writes.
class conversation {
public:
    /// An entry of an accepted push.
    void join(json::object const& entry);

    /// A local write of a message, tombstone or not, as the server says that it stored it.
    void join_local(json::object const& message);

    /// The scalar write that went with a local write, as the server showed it afterwards. It has the greatest version.
    void write_local(json::object const& shown);

    [[nodiscard]] bool exists() const { return !winner_.empty(); }
    [[nodiscard]] bool deleted() const { return is_true(winner_, "deleted"); }
    [[nodiscard]] model::messages const& held() const { return messages_; }

    /// BSP-MRG-070: the version of the next local write.
    [[nodiscard]] std::int64_t next_version() const;

    /// Section 7.3: what is emitted, without `messages` and `surfaces`. Empty when there is no such conversation.
    [[nodiscard]] json::object emitted() const;

    /// The same with `last_modified` in the spelling that is shown, if it is one that was received (BSP-MRG-077).
    [[nodiscard]] json::object emitted_as(json::value const& shown) const;

    /// Whether a pushed entry would tie, by version and instant, with a local write whose exact octets only the server knows.
    [[nodiscard]] bool ties_with_local(json::object const& entry) const;

    /// BSP-MRG-040: what `surfaces` contains at least; BSP-MRG-041: and at most.
    [[nodiscard]] std::set<std::string> surfaces_due() const;
    [[nodiscard]] std::set<std::string> const& surfaces_allowed() const { return allowed_; }

private:
    void join_scalars(json::object const& entry, bool local);

    model::messages messages_;
    json::object winner_;  ///< the scalar write with the greatest stamp
    bool winner_is_local_ = false;
    std::int64_t version_ = 0;
    std::string last_modified_;
    std::set<std::string> spellings_;  ///< of the latest instant
    std::set<std::string> listed_, allowed_;  ///< of `surfaces` arrays; and of messages, too
};

/// A user's conversations by id.
using conversations = std::map<std::string, conversation>;

}  // namespace bsp::conformance::model
