#include "../faults.hpp"

#include <algorithm>

/// Faults of clients that take what they pull instead of joining it (chapter 7), as their servers do with what is pushed.
namespace bsp::faulty {

namespace {

/// Whether it is a page that is taken in.
struct pulling_backend : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        pulling_ = true;
        bool const taken = backend::take_in_page(peer, to, page);
        pulling_ = false;
        return taken;
    }

protected:
    bool pulling_ = false;
};
/// INSERT … ON CONFLICT DO UPDATE
struct last_pulled_stands : pulling_backend {
    using pulling_backend::pulling_backend;
    bool outranks(message const& a, message const& b) override { return pulling_ || pulling_backend::outranks(a, b); }
};
/// if (remote.last_modified <= local.last_modified) continue
struct older_entries_passed_over : pulling_backend {
    using pulling_backend::pulling_backend;
    bool join(conversation& into, conversation const& from) override {
        return (!pulling_ || into.is_new() || into.modified <= from.modified) && pulling_backend::join(into, from);
    }
};
/// INSERT OR IGNORE, and deletions by themselves
struct known_messages_passed_over : pulling_backend {
    using pulling_backend::pulling_backend;
    bool join_message(conversation& into, message const& incoming) override {
        return (!pulling_ || incoming.deleted || !into.messages.contains(incoming.id)) && pulling_backend::join_message(into, incoming);
    }
};
/// What the user deleted is a row that is not there, so what comes is new.
struct deleted_is_unknown : pulling_backend {
    using pulling_backend::pulling_backend;
    bool outranks(message const& a, message const& b) override { return (pulling_ && b.deleted && !a.deleted) || pulling_backend::outranks(a, b); }
};

}  // namespace

std::vector<fault> client_join_faults() {
    return {
        tried<last_pulled_stands>(6, false, "F-OFF-902", "of a message that is pulled the last arrived version stands", {"off/pull-joins"}, setting::client),
        tried<older_entries_passed_over>(6, false, "F-OFF-928", "a pulled entry with an earlier last_modified than the held one is passed over", {"off/pull-joins"}, setting::client),
        tried<known_messages_passed_over>(6, false, "F-OFF-929", "edits of known messages are not pulled", {"off/pull-joins"}, setting::client),
        {"F-OFF-930", "what was deleted here comes back with a pull", {"off/pull-joins-deletions"}, make<deleted_is_unknown>, setting::client},
    };
}

}  // namespace bsp::faulty
