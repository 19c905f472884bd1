#include "../faults.hpp"
#include "lenient_json.hpp"
#include "lower.hpp"

#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <deque>

/// Faults that show only in rare places: the losing side of a merge, names that differ little, lenient forms, lists and
/// feeds that change while they are read, tombstones, and the edges of the calendar.
namespace bsp::faulty {

namespace {

constexpr std::int64_t version_max = (std::int64_t{1} << 53) - 1;

std::string_view text(json::object const& o, char const* name) {
    json::string const* s = json::find_string(o, name);
    return s ? json::view(*s) : std::string_view{};
}

std::string cut(std::string_view text) { return std::string{text.substr(0, 64)}; }

// ---- the losing side of a merge ---------------------------------------------------------------------------

struct conflicts_of_replaced : backend {
    using backend::backend;
    std::optional<json::object> conflict(std::string const& id, message const& held, message const& incoming) override {
        return outranks(incoming, held) ? backend::conflict(id, held, incoming) : std::nullopt;
    }
};
struct no_conflicts_of_tombstones : backend {
    using backend::backend;
    std::optional<json::object> conflict(std::string const& id, message const& held, message const& incoming) override {
        return held.deleted || incoming.deleted ? std::nullopt : backend::conflict(id, held, incoming);
    }
};
struct conflicts_of_content : backend {
    using backend::backend;
    std::optional<json::object> conflict(std::string const& id, message const& held, message const& incoming) override {
        return text(held.received, "content") == text(incoming.received, "content") ? std::nullopt : backend::conflict(id, held, incoming);
    }
};
struct repeated_tombstone_is_conflict : backend {
    using backend::backend;
    std::optional<json::object> conflict(std::string const& id, message const& held, message const& incoming) override {
        if (!held.deleted || held.canonical != incoming.canonical) return backend::conflict(id, held, incoming);
        message other = held;
        other.canonical.clear();
        return backend::conflict(id, other, incoming);
    }
};
struct repeated_tombstone_refused : backend {
    using backend::backend;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        BSP_TRY(tenant incoming, backend::decode_conversations(body, peer, now));
        tenant const& all = tenant_of(peer.user_id);
        for (auto const& [id, from] : incoming)
            if (auto const found = all.find(id); found != all.end())
                for (auto const& [message_id, m] : from.messages)
                    if (auto const held = found->second.messages.find(message_id); m.deleted && held != found->second.messages.end() && held->second.deleted)
                        return fail(errc::invalid_body, "content must not be empty");
        return incoming;
    }
};
struct surface_when_replaced : backend {
    using backend::backend;
    void add_surface(conversation&, message const&) override {}
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        decoding_ = true;
        auto incoming = backend::decode_conversations(body, peer, now);
        decoding_ = false;
        return incoming;
    }
    bool join_message(conversation& into, message const& incoming) override {
        bool const changed = backend::join_message(into, incoming);
        if (changed && !decoding_) backend::add_surface(into, incoming);
        return changed;
    }

private:
    bool decoding_ = false;
};
struct first_spelling_stays : backend {
    using backend::backend;
    bool join_modified(conversation& into, conversation const& from) override {
        return (into.modified_text.empty() || from.modified > into.modified) && backend::join_modified(into, from);
    }
};
/// The server's own clock becomes the timestamp, and loses where versions cannot decide any more.
struct frozen_at_the_top : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        std::map<std::string, conversation> before;
        for (auto const& [user, all] : held().tenants)
            if (auto const found = all.find(id); found != all.end()) before.emplace(user, found->second);
        answer a = backend::write_message(c, id);
        for (auto const& [user, was] : before)
            for (auto const& [message_id, m] : was.messages)
                if (m.version == version_max && m.written > c.now) held().tenants[user][id].messages.at(message_id) = m;
        return a;
    }
};
struct true_is_one : backend {
    using backend::backend;
    bool message_tie(message const& a, message const& b) override {
        return replaced(a.canonical, ": true", ": 1") != replaced(b.canonical, ": true", ": 1") && backend::message_tie(a, b);
    }
};
struct redacted_scalars_alike : backend {
    using backend::backend;
    bool write_outranks(scalar_write const& a, conversation const& c) override {
        scalar_write const& b = c.winner;
        return a.version == b.version && a.modified == b.modified ? write_tie(a, b) : backend::write_outranks(a, c);
    }
};
struct dropped_into_deleted : backend {
    using backend::backend;
    bool join_messages(conversation& into, conversation const& from) override {
        bool const comes_back = !from.winner.deleted && write_outranks(from.winner, into);
        return (into.is_new() || !into.winner.deleted || comes_back) && backend::join_messages(into, from);
    }
};
struct empty_not_stored : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        tenant kept;
        for (auto const& [id, from] : incoming)
            if (!from.messages.empty() || from.winner.deleted || tenant_of(peer.user_id).contains(id)) kept.emplace(id, from);
        return backend::apply(peer, kept, now);
    }
};
struct title_cut : backend {
    using backend::backend;
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object out = backend::emit_scalars(id, c);
        std::string const title{text(out, "title")};
        std::size_t characters = 0, end = 0;
        while (end < title.size() && (characters += (title[end] & 0xC0) != 0x80) <= 255) ++end;
        if (end < title.size()) out["title"] = title.substr(0, end);
        return out;
    }
};

// ---- names that differ little -----------------------------------------------------------------------------

template <std::string (*Form)(std::string_view)>
struct sync_ids_formed : backend {
    using backend::backend;
    std::pair<std::string, std::string> receipt_key(peer_record const& peer, std::string const& sync_id) override { return {peer.peer_id, Form(sync_id)}; }
};
template <std::string (*Form)(std::string_view)>
struct jtis_formed : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        assertion formed = a;
        formed.jti = Form(a.jti);
        return backend::claim_jti(c, issuer, formed);
    }
};
struct backend_ids_without_case : backend {
    using backend::backend;
    peer_record* find_registration(std::string const& user_id, std::string const& backend_id) override {
        for (auto& [id, peer] : held().peers)
            if (peer.user_id == user_id && lower(peer.backend_id) == lower(backend_id)) return &peer;
        return nullptr;
    }
};
/// Full-width letters become plain ones, as NFKC has it.
struct users_compared_by_look : backend {
    using backend::backend;
    std::optional<std::string> secret_of(std::string const& user_id) override {
        std::string plain;
        for (std::size_t i = 0; i < user_id.size(); ++i) {
            auto const at = [&](std::size_t n) { return i + n < user_id.size() ? static_cast<unsigned char>(user_id[i + n]) : 0u; };
            if (at(0) == 0xEF && (at(1) == 0xBC || at(1) == 0xBD)) {
                unsigned const point = 0xF000u | (at(1) & 0x3Fu) << 6 | (at(2) & 0x3Fu);
                plain += static_cast<char>(point - 0xFF01u + 0x21u);
                i += 2;
            } else {
                plain += user_id[i];
            }
        }
        return backend::secret_of(plain);
    }
};
struct invisible_letters_dropped : backend {
    using backend::backend;
    std::optional<std::string> secret_of(std::string const& user_id) override {
        std::string plain = user_id;
        for (char const* invisible : {"\xE2\x80\x8D", "\xC2\xAD"}) plain = replaced(plain, invisible, "");
        return backend::secret_of(plain);
    }
};

// ---- lenient forms ----------------------------------------------------------------------------------------

struct htu_without_case : backend {
    using backend::backend;
    result<> check_target(call const& c, assertion const& a) override {
        assertion plain = a;
        if (lower(a.htu) == lower(c.request.target)) plain.htu = c.request.target;
        return backend::check_target(c, plain);
    }
};
struct htu_normalized : backend {
    using backend::backend;
    result<> check_target(call const& c, assertion const& a) override {
        assertion plain = a;
        while (plain.htu.size() > 1 && (plain.htu.back() == '/' || plain.htu.back() == '?')) plain.htu.pop_back();
        return backend::check_target(c, plain);
    }
};
struct htu_as_url : backend {
    using backend::backend;
    result<> check_target(call const& c, assertion const& a) override {
        assertion plain = a;
        if (a.htu.starts_with("http://") && a.htu.find('/', 7) != std::string::npos) plain.htu = a.htu.substr(a.htu.find('/', 7));
        return backend::check_target(c, plain);
    }
};
template <char const* Extra>
struct limits_lenient : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override {
        call plain = c;
        for (auto& [name, value] : plain.query)
            if (name == "limit" && value.find_first_of("0123456789") != std::string::npos) std::erase_if(value, [](char x) { return std::string_view{Extra}.find(x) != std::string_view::npos; });
        return backend::limit_of(plain);
    }
};
constexpr char plus_and_blanks[] = "+ \t", underscores[] = "_";

// ---- the calendar -----------------------------------------------------------------------------------------

struct julian_leap_years : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        auto const right = backend::timestamp(t);
        if (right || t.size() < 19 || t.substr(4, 6) != "-02-29" || t.substr(2, 2) != "00") return right;
        std::string day_before{t};
        day_before[9] = '8';
        BSP_TRY(instant const when, backend::timestamp(day_before));
        return when + std::chrono::hours{24};
    }
};
struct no_century_leaps : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        if (t.size() >= 19 && t.substr(2, 8) == "00-02-29") return fail(errc::invalid_body, "day is out of range for month");
        return backend::timestamp(t);
    }
};
/// −0 has no sign.
struct sign_of_hours_00_lost : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        std::string plain{t};
        if (auto const at = plain.find("-00:", 19 < plain.size() ? 19 : plain.size()); at != std::string::npos) plain[at] = '+';
        return backend::timestamp(plain);
    }
};
/// −05:30 is taken for −5 h + 30 min.
struct sign_for_hours_alone : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        BSP_TRY(instant const right, backend::timestamp(t));
        std::string_view const offset = t.size() > 6 ? t.substr(t.size() - 6) : "";
        if (offset.size() != 6 || offset[0] != '-' || offset[3] != ':') return right;
        int const minutes = (offset[4] - '0') * 10 + (offset[5] - '0');
        return right + std::chrono::minutes{-2 * minutes};
    }
};

struct longest_token_counts : backend {
    using backend::backend;
    void renew(peer_record& peer, claimed_identity const& who, token const& t) override {
        if (t.expires > peer.sbt_expires) backend::renew(peer, who, t);
    }
};

/// Receipts of the latest pushes alone, of all peers together or of each.
template <std::size_t Kept, bool OfEachPeer = false>
struct last_receipts : backend {
    using backend::backend;
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        backend::remember(key, std::move(r));
        auto& order = order_[OfEachPeer ? key.first : std::string{}];
        order.push_back(key);
        if (order.size() <= Kept) return;
        held().receipts.erase(order.front());
        order.pop_front();
    }

private:
    std::map<std::string, std::deque<std::pair<std::string, std::string>>> order_;
};

// ---- lists and feeds --------------------------------------------------------------------------------------

/// The cursor is a number of rows to skip.
struct offset_cursors : backend {
    using backend::backend;
    answer list_conversations(call const& c) override {
        return page_of(c, "list offset", [this](call const& all) { return backend::list_conversations(all); });
    }
    answer pull(call const& c, std::string const& peer_id) override {
        return page_of(c, "pull offset", [&](call const& all) { return backend::pull(all, peer_id); });
    }
    std::size_t page_size(std::size_t) override { return SIZE_MAX; }

private:
    template <class Everything>
    answer page_of(call const& c, std::string_view feed, Everything everything) {
        BSP_TRY(std::size_t const limit, limit_of(c));
        BSP_TRY(auto const cursor, cursor_of(c, feed));
        call without = c;
        std::erase_if(without.query, [](auto const& p) { return p.first == "cursor"; });
        BSP_TRY(http_response const r, everything(without));
        BSP_TRY(json::value body, parse_body(r.body));
        json::array& rows = body.as_object()["conversations"].as_array();
        std::size_t const skip = std::min(rows.size(), cursor ? static_cast<std::size_t>(cursor->at("n").as_int64()) : 0);
        rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(skip));
        if (rows.size() > limit) {
            rows.resize(limit);
            body.as_object()["has_more"] = true;
            body.as_object()["cursor"] = make_cursor({{"f", feed}, {"n", static_cast<std::int64_t>(skip + limit)}});
        }
        return json_answer(200, body);
    }
};
struct since_beats_cursor : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& peer_id) override {
        call without = c;
        if (c.parameter("since")) std::erase_if(without.query, [](auto const& p) { return p.first == "cursor"; });
        return backend::pull(without, peer_id);
    }
};
struct revived_not_listed : backend {
    using backend::backend;
    bool join_scalars(conversation& into, conversation const& from) override {
        bool const changed = backend::join_scalars(into, from);
        if (into.winner.deleted) were_deleted_.insert(std::string{text(into.winner.received, "conversation_id")});
        return changed;
    }
    bool is_listed(conversation const& c) override { return backend::is_listed(c) && !were_deleted_.contains(std::string{text(c.winner.received, "conversation_id")}); }

private:
    std::set<std::string> were_deleted_;
};

// ---- deletion ---------------------------------------------------------------------------------------------

struct deletes_again : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, backend::authenticate(c, who_may, of_path));
        user_ = who.user_id;
        return who;
    }

protected:
    std::string user_;
};
struct absent_gets_tombstone : deletes_again {
    using deletes_again::deletes_again;
    answer delete_conversation(call const& c, std::string const& id) override {
        answer a = backend::delete_conversation(c, id);
        if (a || a.error().code != errc::not_found) return a;
        tenant& all = tenant_of(user_);
        if (!all.contains(id)) BSP_CHECK(commit_locally(all, id, {{"conversation_id", id}, {"source_backend", backend_id()}, {"deleted", true}}, 1, std::nullopt, c.now));
        return a;
    }
};
struct second_deletion_raises : deletes_again {
    using deletes_again::deletes_again;
    answer delete_message(call const& c, std::string const& id, std::string const& message_id) override {
        answer a = backend::delete_message(c, id, message_id);
        if (a || a.error().code != errc::not_found) return a;
        tenant& all = tenant_of(user_);
        if (auto const found = all.find(id); found != all.end() && found->second.messages.contains(message_id)) ++found->second.version;
        return a;
    }
};
struct repeat_into_deleted : backend {
    using backend::backend;
    // Looks at the message alone, and not at the conversation it is in.
    answer write_message(call const& c, std::string const& id) override {
        auto const body = parse_object(c);
        if (body)
            for (auto& [user, all] : held().tenants)
                if (auto const found = all.find(id); found != all.end() && found->second.winner.deleted)
                    if (auto const m = found->second.messages.find(std::string{text(*body, "id")}); m != found->second.messages.end() && repeats(m->second, *body)) {
                        BSP_CHECK(authenticate(c, user_may | peer_may));
                        return json_answer(200, emit_message(m->second));
                    }
        return backend::write_message(c, id);
    }
};

struct conflicts_of_everyone : backend {
    using backend::backend;
    json::array apply(peer_record const& p, tenant const& incoming, instant now) override {
        json::array out;
        for (auto const& [user, all] : held().tenants)
            for (auto const& [id, from] : incoming)
                if (auto const found = all.find(id); user != p.user_id && found != all.end())
                    for (auto const& [message_id, m] : from.messages)
                        if (auto const other = found->second.messages.find(message_id); other != found->second.messages.end())
                            if (auto entry = conflict(id, other->second, m)) out.push_back(std::move(*entry));
        for (auto& entry : backend::apply(p, incoming, now)) out.push_back(std::move(entry));
        return out;
    }
};
struct digest_forbidden : backend {
    using backend::backend;
    answer digest(call const&, std::string const&) override { return fail(errc::forbidden, "not for you"); }
};
struct doubled_member : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (r.status == 200 && c.request.method == "GET" && !c.request.target.ends_with("/identity") && r.body.starts_with("{\"")) r.body.insert(1, r.body.substr(1, r.body.find(':') - 1) + ":null,");
    }
};
struct paced_in_seconds : backend {
    using backend::backend;
    json::object push_answer(std::string const& id, json::array conflicts) override {
        auto out = backend::push_answer(id, std::move(conflicts));
        out["next_sync_in_ms"] = 60'000;
        return out;
    }
};
struct conversations_ahead : backend {
    using backend::backend;
    bool in_message = false;
    result<message> decode_message(json::fields const& f, instant now) override {
        in_message = true;
        auto out = backend::decode_message(f, now);
        in_message = false;
        return out;
    }
    result<> check_ahead(instant t, instant now) override { return in_message ? backend::check_ahead(t, now) : ok(); }
};
struct tombstones_readable : backend {
    using backend::backend;
    answer read_conversation(call const& c, std::string const& id) override {
        auto r = backend::read_conversation(c, id);
        if (r || r.error().code != errc::not_found) return r;
        BSP_TRY(principal const who, authenticate(c, user_may | peer_may));
        auto const& all = tenant_of(who.user_id);
        auto const found = all.find(id);
        return found == all.end() ? std::move(r) : answer{json_answer(200, pull_entry(id, found->second))};
    }
};
struct type_for_source : backend {
    using backend::backend;
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        auto out = backend::message_to_write(body, version);
        out["source_backend"] = config().backend_type;
        return out;
    }
};

}  // namespace

std::vector<fault> rare_faults() {
    return {
        {"F-SYN-340", "conflicts are listed only where the incoming message wins", {"mrg/conflict-either-way"}, make<conflicts_of_replaced>},
        {"F-SYN-341", "conflicts with tombstones are not listed", {"mrg/conflict-any-difference"}, make<no_conflicts_of_tombstones>},
        {"F-SYN-342", "messages of the same content are no conflict", {"mrg/conflict-any-difference"}, make<conflicts_of_content>},
        {"F-SYN-343", "a repeated tombstone is listed as a conflict", {"mrg/no-false-conflicts"}, make<repeated_tombstone_is_conflict>},
        {"F-SYN-344", "a repeated tombstone is refused because its content is empty", {"mrg/tombstone-stays"}, make<repeated_tombstone_refused>},
        {"F-SYN-345", "a message adds its surface only when it replaces another", {"mrg/surfaces-of-losers"}, make<surface_when_replaced>},
        {"F-SYN-346", "of spellings of one last_modified the first stays", {"mrg/last-modified-spelling"}, make<first_spelling_stays>},
        {"F-SYN-347", "at the greatest version a write loses to an author whose clock is ahead", {"cnv/saturation-ahead"}, make<frozen_at_the_top>},
        {"F-SYN-348", "1 and true are equal", {"mrg/tie-true-and-one"}, make<true_is_one>},
        {"F-SYN-349", "redaction of a conversation's own members does not count", {"mrg/scalar-redacted"}, make<redacted_scalars_alike>},
        {"F-SYN-350", "messages pushed into a deleted conversation are dropped", {"mrg/conversation-returns"}, make<dropped_into_deleted>},
        {"F-SYN-351", "a conversation without messages is not stored", {"syn/empty-push"}, make<empty_not_stored>},
        {"F-SYN-352", "titles are cut at 255 characters", {"syn/content-verbatim"}, make<title_cut>},
        {"F-SYN-353", "sync ids are compared without case", {"syn/sync-id-exact"}, make<sync_ids_formed<lower>>},
        {"F-SYN-354", "sync ids are cut at 64 characters", {"syn/sync-id-exact"}, make<sync_ids_formed<cut>>},
        {"F-SYN-355", "jtis are compared without case", {"aut/jti-exact"}, make<jtis_formed<lower>>},
        {"F-SYN-356", "jtis are cut at 64 characters", {"aut/jti-exact"}, make<jtis_formed<cut>>},
        {"F-REG-180", "backend ids are compared without case", {"reg/backend-id-exact"}, make<backend_ids_without_case>},
        {"F-REG-181", "user ids are folded to plain letters", {"sbt/user-id-not-normalized"}, make<users_compared_by_look>},
        {"F-REG-182", "invisible characters of user ids are dropped", {"sbt/user-id-not-normalized"}, make<invisible_letters_dropped>},
        {"F-SYN-357", "htu is compared without case", {"aut/htu-spelling"}, make<htu_without_case>},
        {"F-SYN-358", "htu is stripped of a slash or question mark at its end", {"aut/htu-spelling"}, make<htu_normalized>},
        {"F-SYN-359", "of a URL in htu the path counts", {"aut/htu-octets"}, make<htu_as_url>},
        {"F-SYN-360", "a sign and blanks are accepted in a limit", {"syn/limit-digits"}, make<limits_lenient<plus_and_blanks>>},
        {"F-SYN-361", "underscores are accepted in a limit", {"syn/limit-digits"}, make<limits_lenient<underscores>>},
        {"F-GEN-150", "every fourth year is a leap year", {"gen/calendar"}, make<julian_leap_years>},
        {"F-GEN-151", "no full century is a leap year", {"gen/calendar"}, make<no_century_leaps>},
        {"F-GEN-153", "the sign of an offset of less than an hour is lost", {"gen/calendar"}, make<sign_of_hours_00_lost>},
        {"F-GEN-154", "the sign of an offset applies to its hours alone", {"gen/calendar"}, make<sign_for_hours_alone>},
        {"F-REG-183", "of two tokens the one that expires later counts", {"sbt/latest-counts"}, make<longest_token_counts>},
        {"F-SYN-385", "conflicts are looked for among all users' messages", {"mrg/conflicts-per-user"}, make<conflicts_of_everyone>},
        {"F-SYN-386", "where there is no digest the answer is 403", {"syn/digest-absent"}, make<digest_forbidden>},
        {"F-GEN-156", "the first member of an answer stands in it twice", {"gen/answers-are-i-json"}, make<doubled_member>},
        {"F-SYN-387", "a pace of a minute is asked for", {"syn/pace"}, make<paced_in_seconds>},
        {"F-SYN-388", "conversations may be modified at any time ahead", {"syn/last-modified-far-ahead"}, make<conversations_ahead>},
        {"F-SYN-389", "the tombstone of a conversation is served as one", {"cnv/deleted-is-404"}, make<tombstones_readable>},
        {"F-SYN-390", "local writes carry the backend's type for its id", {"cnv/source-label"}, make<type_for_source>},
        {"F-SYN-362", "only the last 50 pushes are remembered", {"syn/sync-id-remembered"}, make<last_receipts<50>>},
        {"F-SYN-552", "only the last 100 pushes are remembered", {"syn/sync-id-remembered"}, make<last_receipts<100>>},
        {"F-SYN-553", "only the last 100 pushes of each peer are remembered", {"syn/sync-ids-of-a-peer"}, make<last_receipts<100, true>>},
        {"F-SYN-363", "a cursor is a number of rows to skip", {"cnv/list-while-deleting", "cnv/list-endures", "syn/pull-while-changing"}, make<offset_cursors>},
        {"F-SYN-364", "a pull with since and cursor begins again", {"syn/pull-cursor-without-since"}, make<since_beats_cursor>},
        {"F-SYN-365", "a conversation that came back is not listed", {"cnv/revive"}, make<revived_not_listed>},
        {"F-SYN-366", "deleting what never was leaves a tombstone", {"cnv/delete-again"}, make<absent_gets_tombstone>},
        {"F-SYN-367", "a second deletion of a message raises the version", {"cnv/delete-again"}, make<second_deletion_raises>},
        {"F-SYN-368", "a write into a deleted conversation that repeats a message of it is taken for a repetition", {"cnv/revive"}, make<repeat_into_deleted>},
    };
}

}  // namespace bsp::faulty
