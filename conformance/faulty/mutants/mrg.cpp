#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <tuple>

/// Faults of the join: the mistakes that make two backends disagree for good.
namespace bsp::faulty {

namespace {

std::string_view text(json::object const& o, char const* name) {
    json::string const* s = json::find_string(o, name);
    return s ? json::view(*s) : std::string_view{};
}

struct whole_replaced : backend {
    using backend::backend;
    bool join_messages(conversation& into, conversation const& from) override {
        if (from.version > into.version) into.messages.clear();
        return backend::join_messages(into, from);
    }
};
struct lower_version_ignored : backend {
    using backend::backend;
    bool join(conversation& into, conversation const& from) override { return (into.is_new() || from.version >= into.version) && backend::join(into, from); }
};
struct empty_wipes : backend {
    using backend::backend;
    bool join_messages(conversation& into, conversation const& from) override {
        if (!from.messages.empty() || into.messages.empty()) return backend::join_messages(into, from);
        into.messages.clear();
        return true;
    }
};
struct timestamps_as_strings : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        if (a.version == b.version && a.written != b.written) return text(a.received, "timestamp") > text(b.received, "timestamp");
        return backend::outranks(a, b);
    }
};
struct offsets_dropped : backend {
    using backend::backend;
    static instant wall_clock(message const& m) {
        std::string t{text(m.received, "timestamp")};
        if (t.size() > 19) t.erase(std::min(t.find_first_of("+-", 19), t.size()));
        return parse_timestamp(t).value();
    }
    bool outranks(message const& a, message const& b) override {
        if (a.version == b.version && wall_clock(a) != wall_clock(b)) return wall_clock(a) > wall_clock(b);
        return backend::outranks(a, b);
    }
};
template <std::uint32_t Unit>
struct instants_truncated : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        message x = a, y = b;
        x.written.nanoseconds -= x.written.nanoseconds % Unit;
        y.written.nanoseconds -= y.written.nanoseconds % Unit;
        return backend::outranks(x, y);
    }
};
struct first_duplicate_wins : backend {
    using backend::backend;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        json::object once = f.get();
        json::array kept;
        std::set<std::string> seen;
        if (auto const* messages = once["messages"].if_array())
            for (auto const& m : *messages)
                if (!m.is_object() || seen.insert(std::string{text(m.get_object(), "id")}).second) kept.push_back(m);
        if (once["messages"].is_array()) once["messages"] = kept;
        return backend::decode_conversation(json::fields{once, f.pointer()}, now);
    }
};
struct last_entry_wins : backend {
    using backend::backend;
    result<tenant> decode_conversations(json::fields const& body, peer_record const&, instant now) override {
        BSP_TRY(json::elements const given, body.required_array("conversations"));
        BSP_CHECK(check_counts(given.get()));
        tenant incoming;
        for (std::size_t i = 0; i < given.size(); ++i) {
            BSP_TRY(json::fields const f, given.object_at(i));
            BSP_TRY(auto entry, decode_conversation(f, now));
            incoming[entry.first] = entry.second;
        }
        return incoming;
    }
};
struct arrival_wins : backend {
    using backend::backend;
    bool message_tie(message const&, message const&) override { return true; }
};
struct first_arrival_wins : backend {
    using backend::backend;
    bool message_tie(message const&, message const&) override { return false; }
};
struct tie_by_content : backend {
    using backend::backend;
    bool message_tie(message const& a, message const& b) override { return text(a.received, "content") > text(b.received, "content"); }
};
struct tie_by_source : backend {
    using backend::backend;
    bool message_tie(message const& a, message const& b) override {
        auto const x = text(a.received, "source_backend"), y = text(b.received, "source_backend");
        return x != y ? x > y : backend::message_tie(a, b);
    }
};
struct lesser_digest : backend {
    using backend::backend;
    bool message_tie(message const& a, message const& b) override { return a.digest < b.digest; }
};
struct digest_of_known_members : backend {
    using backend::backend;
    result<sha256_digest> message_digest(json::object const& received) override {
        json::object kept;
        for (char const* n : {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted", "redacted"})
            if (auto const* v = received.if_contains(n)) kept[n] = *v;
        return backend::message_digest(kept);
    }
};
struct digest_of_compact_json : backend {
    using backend::backend;
    result<sha256_digest> message_digest(json::object const& received) override {
        BSP_TRY(std::string const t, canonical(received));
        return sha256(replaced(replaced(t, ", \"", ",\""), "\": ", "\":"));
    }
};
/// "Mine is newer, or at least not older": which of three wins depends on who met whom.
struct order_by_pairs : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        if (a.version == b.version && a.written != b.written) {
            instant const apart = a.written > b.written ? b.written : a.written;
            bool const close = (a.written > b.written ? a.written : b.written) <= apart + std::chrono::seconds{2};
            if (close) return message_tie(a, b);
        }
        return backend::outranks(a, b);
    }
};
struct ids_without_case : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        for (auto const& [id, m] : into.messages)
            if (id != incoming.id && http_headers::same_name(id, incoming.id)) {
                message same = incoming;
                same.id = id;
                return backend::join_message(into, same);
            }
        return backend::join_message(into, incoming);
    }
};
struct ids_across_conversations : backend {
    using backend::backend;
    // One table of messages with the id alone as its key.
    json::array apply(peer_record const& p, tenant const& incoming, instant now) override {
        json::array out = backend::apply(p, incoming, now);
        for (auto const& [id, from] : incoming)
            for (auto const& [message_id, m] : from.messages)
                for (auto& [other_id, other] : tenant_of(p.user_id))
                    if (other_id != id) other.messages.erase(message_id);
        return out;
    }
};
struct timestamp_first : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override { return a.written != b.written ? a.written > b.written : backend::outranks(a, b); }
};
struct versions_as_text : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        if (a.version != b.version) return std::to_string(a.version) > std::to_string(b.version);
        return backend::outranks(a, b);
    }
};
struct versions_as_floats : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        message x = a, y = b;
        x.version = static_cast<std::int64_t>(static_cast<float>(a.version));
        y.version = static_cast<std::int64_t>(static_cast<float>(b.version));
        return backend::outranks(x, y);
    }
};
struct redaction_ignored : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        message x = a, y = b;
        x.redacted = y.redacted = false;
        return backend::outranks(x, y);
    }
};
struct redaction_wins : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        message x = a, y = b;
        std::swap(x.redacted, y.redacted);
        return backend::outranks(x, y);
    }
};
struct redaction_before_timestamp : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        return a.version == b.version && a.redacted != b.redacted ? b.redacted : backend::outranks(a, b);
    }
};
template <char const* Name>
struct flag_by_presence : backend {
    using backend::backend;
    // Of messages alone: a conversation has no role.
    result<bool> flag(json::fields const& f, std::string_view name) override {
        BSP_TRY(bool const given, backend::flag(f, name));
        return given || (name == Name && f.find(name) && f.find("role"));
    }
    result<message> decode_message(json::fields const& f, instant now) override {
        json::object blank = f.get();
        if (std::string_view{Name} == "deleted" && blank.contains("deleted")) blank["content"] = "";
        BSP_TRY(message m, backend::decode_message(json::fields{blank}, now));
        return m;
    }
};
constexpr char deleted_member[] = "deleted", redacted_member[] = "redacted";

struct version_counted_up : backend {
    using backend::backend;
    bool join(conversation& into, conversation const& from) override {
        bool const known = !into.is_new();
        bool const changed = backend::join(into, from);
        if (known && changed && into.version < (std::int64_t{1} << 53) - 1) ++into.version;
        return changed;
    }
};
struct tombstone_forgotten : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override { return b.deleted && !a.deleted ? true : backend::outranks(a, b); }
};
struct tombstone_always_wins : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override { return a.deleted != b.deleted ? a.deleted : backend::outranks(a, b); }
};
struct tombstone_wins_ties : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override { return a.version == b.version && a.deleted != b.deleted ? a.deleted : backend::outranks(a, b); }
};
struct deleted_still_served : backend {
    using backend::backend;
    std::map<std::string, json::value> contents;
    bool join_message(conversation& into, message const& incoming) override {
        if (!incoming.deleted) contents[incoming.id] = incoming.received.at("content");
        return backend::join_message(into, incoming);
    }
    json::object emit_message(message const& m) override {
        json::object out = backend::emit_message(m);
        if (m.deleted && contents.contains(m.id)) out["content"] = contents[m.id];
        return out;
    }
    json::array emit_messages(conversation const& c, bool) override { return backend::emit_messages(c, true); }
};
struct tombstone_with_content : backend {
    using backend::backend;
    result<message> decode_message(json::fields const& f, instant now) override {
        json::object blank = f.get();
        if (json::value const* d = blank.if_contains("deleted"); d && d->is_bool() && d->get_bool() && blank.contains("content") && blank["content"].is_string()) blank["content"] = "";
        BSP_TRY(message m, backend::decode_message(json::fields{blank}, now));
        m.received = f.get();
        return m;
    }
    json::array emit_messages(conversation const& c, bool) override { return backend::emit_messages(c, true); }
};
struct deleted_conversation_served : backend {
    using backend::backend;
    json::array emit_messages(conversation const& c, bool tombstones) override {
        json::array out;
        for (message const* m : sorted_messages(c))
            if (!m->deleted || tombstones) out.push_back(emit_message(*m));
        return out;
    }
    answer absent_conversation(principal const& who, std::string const& id) override {
        auto const found = tenant_of(who.user_id).find(id);
        if (found == tenant_of(who.user_id).end()) return backend::absent_conversation(who, id);
        return json_answer(200, pull_entry(id, found->second));
    }
};
struct deletion_drops_messages : backend {
    using backend::backend;
    bool join(conversation& into, conversation const& from) override {
        bool const changed = backend::join(into, from);
        if (into.winner.deleted) into.messages.clear();
        return changed;
    }
};
struct surfaces_replaced : backend {
    using backend::backend;
    bool join_surfaces(conversation& into, conversation const& from) override {
        bool const changed = into.surfaces != from.surfaces;
        into.surfaces = from.surfaces;
        return changed;
    }
};
struct surfaces_repeated : backend {
    using backend::backend;
    json::array emit_surfaces(conversation const& c) override {
        json::array out = backend::emit_surfaces(c);
        for (auto const& [id, m] : c.messages) out.push_back(m.received.at("surface"));
        return out;
    }
};
struct surfaces_of_messages_missing : backend {
    using backend::backend;
    void add_surface(conversation&, message const&) override {}
};
struct unsorted : backend {
    using backend::backend;
    std::vector<message const*> sorted_messages(conversation const& c) override {
        std::vector<message const*> out;
        for (auto const& id : c.arrivals)
            if (auto const m = c.messages.find(id); m != c.messages.end()) out.push_back(&m->second);
        for (auto const& [id, m] : c.messages)
            if (std::find(c.arrivals.begin(), c.arrivals.end(), id) == c.arrivals.end()) out.push_back(&m);
        return out;
    }
};
struct sorted_as_strings : backend {
    using backend::backend;
    std::vector<message const*> sorted_messages(conversation const& c) override {
        auto out = backend::sorted_messages(c);
        std::stable_sort(out.begin(), out.end(), [](auto const* a, auto const* b) { return text(a->received, "timestamp") < text(b->received, "timestamp"); });
        return out;
    }
};
struct ties_sorted_by_arrival : unsorted {
    using unsorted::unsorted;
    std::vector<message const*> sorted_messages(conversation const& c) override {
        auto out = unsorted::sorted_messages(c);
        std::stable_sort(out.begin(), out.end(), [](auto const* a, auto const* b) { return a->written < b->written; });
        return out;
    }
};
struct modified_first : backend {
    using backend::backend;
    bool write_outranks(scalar_write const& a, conversation const& held) override {
        return a.modified != held.winner.modified ? a.modified > held.winner.modified : backend::write_outranks(a, held);
    }
};
struct scalars_by_arrival : backend {
    using backend::backend;
    bool write_tie(scalar_write const&, scalar_write const&) override { return true; }
};
struct scalars_lesser_digest : backend {
    using backend::backend;
    bool write_tie(scalar_write const& a, scalar_write const& b) override { return a.digest < b.digest; }
};
struct against_emitted : backend {
    using backend::backend;
    bool write_outranks(scalar_write const& a, conversation const& held) override {
        if (a.version != held.version) return a.version > held.version;
        if (a.modified != held.modified) return a.modified > held.modified;
        return write_tie(a, held.winner);
    }
};
struct scalars_mixed : backend {
    using backend::backend;
    bool join_scalars(conversation& into, conversation const& from) override {
        json::object const before = into.winner.received;
        bool const changed = backend::join_scalars(into, from);
        if (auto const* title = before.if_contains("title"); title && !into.winner.received.contains("title")) into.winner.received["title"] = *title;
        return changed;
    }
};
struct modified_is_now : backend {
    using backend::backend;
    instant present;
    answer dispatch(call& c) override {
        present = c.now;
        return backend::dispatch(c);
    }
    bool join_modified(conversation& into, conversation const&) override {
        into.modified = present;
        into.modified_text = format_timestamp(present);
        return true;
    }
};
struct modified_of_winner : backend {
    using backend::backend;
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object out = backend::emit_scalars(id, c);
        out["last_modified"] = c.winner.received.at("last_modified");
        return out;
    }
};
struct modified_as_string : backend {
    using backend::backend;
    bool join_modified(conversation& into, conversation const& from) override {
        if (from.modified_text <= into.modified_text) return false;
        into.modified = from.modified;
        into.modified_text = from.modified_text;
        return true;
    }
};
struct version_of_last : backend {
    using backend::backend;
    bool join(conversation& into, conversation const& from) override {
        bool const changed = backend::join(into, from);
        into.version = from.version;
        return changed;
    }
};
struct epoch_clamped : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        message x = a, y = b;
        for (message* m : {&x, &y})
            if (m->written < instant{}) m->written = {};
        return backend::outranks(x, y);
    }
};
struct greatest_is_final : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override { return b.version < (std::int64_t{1} << 53) - 1 && backend::outranks(a, b); }
};
struct conversations_decide : backend {
    using backend::backend;
    bool join_messages(conversation& into, conversation const& from) override {
        bool changed = false;
        for (auto const& [id, m] : from.messages)
            if (!into.messages.contains(id) || from.version >= into.version) changed |= join_message(into, m);
        return changed;
    }
};
struct equal_versions_ignored : backend {
    using backend::backend;
    bool write_outranks(scalar_write const& a, conversation const& held) override { return a.version > held.winner.version; }
};
struct scalar_digest_without_unknown : backend {
    using backend::backend;
    // Over the title alone.
    bool write_tie(scalar_write const& a, scalar_write const& b) override { return text(a.received, "title") > text(b.received, "title"); }
};
struct no_conflicts : backend {
    using backend::backend;
    json::object push_answer(std::string const& id, json::array) override { return backend::push_answer(id, {}); }
};
struct server_always_wins : backend {
    using backend::backend;
    std::optional<json::object> conflict(std::string const& c, message const& h, message const& i) override {
        auto out = backend::conflict(c, h, i);
        if (out) (*out)["winner"] = "local";
        return out;
    }
};
struct winner_by_side : backend {
    using backend::backend;
    std::optional<json::object> conflict(std::string const& c, message const& h, message const& i) override {
        auto out = backend::conflict(c, h, i);
        if (out) (*out)["winner"] = (*out)["winner"] == "local" ? "server" : "client";
        return out;
    }
};
struct everything_conflicts : backend {
    using backend::backend;
    json::array apply(peer_record const& p, tenant const& incoming, instant now) override {
        json::array out = backend::apply(p, incoming, now);
        for (auto const& [id, from] : incoming)
            for (auto const& [message_id, m] : from.messages)
                out.push_back(json::object{{"conversation_id", id}, {"message_id", message_id}, {"local_version", m.version}, {"incoming_version", m.version},
                                           {"conflict_type", "diverged_messages"}, {"resolution_strategy", "last_write_wins"}, {"winner", "incoming"}});
        return out;
    }
};

}  // namespace

std::vector<fault> mrg_faults() {
    return {
        {"F-SYN-10", "a newer conversation replaces the older one whole", {"mrg/union"}, make<whole_replaced>},
        {"F-SYN-11", "a conversation of lower version is ignored whole", {"mrg/lower-conversation-version", "mrg/history-states"}, make<lower_version_ignored>},
        {"F-SYN-12", "timestamps are compared as strings", {"mrg/fraction"}, make<timestamps_as_strings>},
        {"F-SYN-13", "offsets are dropped when timestamps are compared", {"mrg/offset"}, make<offsets_dropped>},
        {"F-SYN-14", "of two messages with one id in a payload the first counts", {"mrg/duplicate-ids"}, make<first_duplicate_wins>},
        {"F-SYN-15", "at equal stamps the last to arrive wins", {"mrg/tie"}, make<arrival_wins>},
        {"F-SYN-16", "the order of messages is not transitive", {"mrg/any-order"}, make<order_by_pairs>},
        {"F-SYN-32", "surfaces are replaced", {"mrg/surfaces"}, make<surfaces_replaced>},
        {"F-SYN-33", "messages come in order of arrival", {"mrg/order"}, make<unsorted>},
        {"F-SYN-34", "last_modified is the time of receipt", {"mrg/last-modified"}, make<modified_is_now>},
        {"F-SYN-35", "merging counts the version up", {"mrg/version-not-computed"}, make<version_counted_up>},
        {"F-SYN-37", "a later timestamp beats a higher version", {"mrg/version-first"}, make<timestamp_first>},
        {"F-SYN-41", "an older version takes a tombstone's place", {"mrg/tombstone-stays"}, make<tombstone_forgotten>},
        {"F-SYN-42", "a tombstone beats newer edits", {"mrg/tombstone-loses"}, make<tombstone_always_wins>},
        {"F-SYN-43", "deleted content is still served", {"mrg/tombstone-stays"}, make<deleted_still_served>},
        {"F-SYN-44", "an empty list of messages removes all", {"mrg/empty-messages"}, make<empty_wipes>},
        {"F-SYN-48", "conflicts are never reported", {"mrg/conflicts"}, make<no_conflicts>},
        {"F-SYN-49", "the later last_modified takes the title, whatever the version", {"mrg/scalar-version"}, make<modified_first>},
        {"F-SYN-101", "message ids are compared without case", {"mrg/ids-exact"}, make<ids_without_case>},
        {"F-SYN-103", "versions are compared as text", {"mrg/version-as-integer"}, make<versions_as_text>},
        {"F-SYN-104", "instants are cut to milliseconds", {"mrg/nanoseconds"}, make<instants_truncated<1'000'000>>},
        {"F-SYN-105", "instants are cut to microseconds", {"mrg/nanoseconds"}, make<instants_truncated<1'000>>},
        {"F-SYN-106", "ties are decided by content", {"mrg/tie"}, make<tie_by_content>},
        {"F-SYN-107", "the lesser digest wins", {"mrg/tie"}, make<lesser_digest>},
        {"F-SYN-108", "the digest covers known members only", {"mrg/tie-unknown-members"}, make<digest_of_known_members>},
        {"F-SYN-109", "redacted and unredacted copies rank alike", {"mrg/redacted"}, make<redaction_ignored>},
        {"F-SYN-110", "redacted copies win over unredacted ones", {"mrg/redacted"}, make<redaction_wins>},
        {"F-SYN-112", "surfaces are repeated", {"mrg/surfaces"}, make<surfaces_repeated>},
        {"F-SYN-113", "surfaces of messages are not taken up", {"mrg/surfaces-of-messages"}, make<surfaces_of_messages_missing>},
        {"F-SYN-125", "a scalar write is compared with what is emitted", {"mrg/scalar-stamp"}, make<against_emitted>},
        {"F-SYN-126", "members of different scalar writes are mixed", {"mrg/scalar-whole"}, make<scalars_mixed>},
        {"F-SYN-127", "last_modified is the winning write's", {"mrg/last-modified"}, make<modified_of_winner>},
        {"F-SYN-128", "last_modified is compared as a string", {"mrg/last-modified"}, make<modified_as_string>},
        {"F-SYN-156", "every pushed message is called a conflict", {"mrg/no-false-conflicts"}, make<everything_conflicts>},
        {"F-SYN-157", "the winner of a conflict is always called local", {"mrg/conflict-winner"}, make<server_always_wins>},
        {"F-SYN-382", "the winner of a conflict is called server or client", {"mrg/conflict-winner-words"}, make<winner_by_side>},
        {"F-SYN-159", "of two entries of a conversation in a payload the last counts", {"mrg/entries-joined"}, make<last_entry_wins>},
        {"F-SYN-160", "message ids are unique across conversations", {"mrg/ids-per-conversation"}, make<ids_across_conversations>},
        {"F-SYN-182", "messages are sorted by the text of timestamp", {"mrg/order"}, make<sorted_as_strings>},
        {"F-SYN-183", "messages of one instant come in order of arrival", {"mrg/order"}, make<ties_sorted_by_arrival>},
        {"F-SYN-186", "messages of a deleted conversation are served", {"mrg/deleted-conversation"}, make<deleted_conversation_served>},
        {"F-SYN-187", "a tombstone's content is served", {"mrg/tombstone-content"}, make<tombstone_with_content>},
        {"F-SYN-190", "at equal stamps the last scalar write to arrive wins", {"mrg/scalar-tie"}, make<scalars_by_arrival>},
        {"F-SYN-197", "deleted false counts as deleted", {"mrg/flags-false"}, make<flag_by_presence<deleted_member>>},
        {"F-SYN-198", "redacted false counts as redacted", {"mrg/flags-false"}, make<flag_by_presence<redacted_member>>},
        {"F-SYN-239", "versions are compared as floats", {"mrg/version-as-integer"}, make<versions_as_floats>},
        {"F-SYN-240", "redaction is compared before the timestamp", {"mrg/redacted-after-timestamp"}, make<redaction_before_timestamp>},
        {"F-SYN-241", "deleting a conversation drops its messages", {"mrg/conversation-returns"}, make<deletion_drops_messages>},
        {"F-SYN-263", "at equal stamps the first to arrive wins", {"mrg/tie", "mrg/any-grouping"}, make<first_arrival_wins>},
        {"F-SYN-264", "ties are decided by source_backend", {"mrg/tie"}, make<tie_by_source>},
        {"F-SYN-265", "the digest is over compact JSON", {"mrg/tie"}, make<digest_of_compact_json>},
        {"F-SYN-266", "a tombstone wins at equal version", {"mrg/tombstone-loses"}, make<tombstone_wins_ties>},
        {"F-SYN-267", "the lesser digest of scalar writes wins", {"mrg/scalar-digest"}, make<scalars_lesser_digest>},
        {"F-SYN-282", "instants before 1970 count as 1970", {"mrg/far-dates"}, make<epoch_clamped>},
        {"F-SYN-283", "the greatest version cannot be beaten", {"mrg/greatest-version"}, make<greatest_is_final>},
        {"F-SYN-284", "the version of the conversation decides between messages", {"mrg/message-versions-alone"}, make<conversations_decide>},
        {"F-SYN-285", "of scalar writes of equal version the first stays", {"mrg/scalar-last-modified", "mrg/scalars-any-order"}, make<equal_versions_ignored>},
        {"F-SYN-281", "ties of scalar writes are decided by title", {"mrg/scalar-digest"}, make<scalar_digest_without_unknown>},
        {"F-SYN-268", "the conversation's version is the last one to arrive", {"mrg/version-not-computed", "mrg/scalar-version"}, make<version_of_last>},
    };
}

}  // namespace bsp::faulty
