#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/base/encoding.hpp>

#include <algorithm>
#include <deque>
#include <tuple>

/// A second series of faults thought up from the specification alone, of restarts, races, rare states and rare forms.
namespace bsp::faulty {

namespace {

// ---- restarts ----

struct unpairings_not_kept : backend {
    using backend::backend;
    void restart() override { held().unpaired.clear(); }
};
struct revocations_not_kept : backend {
    using backend::backend;
    void restart() override {
        held().revoked_backends.clear();
        held().revoked_keys.clear();
    }
};
struct jtis_not_kept : backend {
    using backend::backend;
    void restart() override { held().used_assertions.clear(); }
};
struct cursors_not_kept : backend {
    using backend::backend;
    void restart() override { cursor_secret_ = random_hex(16); }
};
struct tombstones_not_kept : backend {
    using backend::backend;
    void restart() override {
        for (auto& [user, all] : held().tenants)
            for (auto& [id, c] : all) std::erase_if(c.messages, [](auto const& m) { return m.second.deleted; });
    }
};
struct feed_begins_again : backend {
    using backend::backend;
    void restart() override {
        for (auto& [user, all] : held().tenants)
            for (auto& [id, c] : all) c.committed = instant{};
    }
};
struct pins_not_kept : backend {
    using backend::backend;
    void restart() override { restarted_ = true; }
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* peer = find_registration(t.user_id, who.backend_id); peer && restarted_) {
            peer->key = key;
            peer->key_text = who.public_key;
        }
        return backend::enter(who, key, t, now);
    }

private:
    bool restarted_ = false;
};

// ---- races ----

struct repetitions_race : backend {
    using backend::backend;
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        let_others_in();
        return backend::message_to_write(body, version);
    }
};

// ---- pages and the feed ----

struct feed_of_300_commits : backend {
    using backend::backend;
    instant next_commit(instant now) override {
        commits_.push_back(backend::next_commit(now));
        if (commits_.size() > 300) commits_.pop_front();
        return commits_.back();
    }
    bool belongs_in_pull(conversation const& c, instant since) override { return backend::belongs_in_pull(c, since) && c.committed >= commits_.front(); }

private:
    std::deque<instant> commits_;
};
struct cursor_moves_with_its_conversation : backend {
    using backend::backend;
    bool after_cursor(instant place, std::string const& id, instant cursor_place, std::string const& cursor_id) override {
        for (auto const& [user, all] : held().tenants)
            if (auto const found = all.find(cursor_id); found != all.end() && found->second.committed > cursor_place) cursor_place = found->second.committed;
        return backend::after_cursor(place, id, cursor_place, cursor_id);
    }
};
struct list_ends_at_a_deleted_cursor : backend {
    using backend::backend;
    answer list_conversations(call const& c) override {
        if (auto const cursor = cursor_of(c, "list"); cursor && *cursor)
            for (auto const& [user, all] : held().tenants)
                if (auto const found = all.find(std::string{json::view((*cursor)->at("id").as_string())}); found != all.end() && found->second.winner.deleted)
                    return json_answer(200, json::object{{"conversations", json::array{}}, {"has_more", false}});
        return backend::list_conversations(c);
    }
};
struct title_alone_is_no_news : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        instant const before = all[id].committed;
        bool const title = !m && !scalars.contains("deleted");
        BSP_CHECK(backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        if (title) all[id].committed = before;
        return ok();
    }
};
struct read_joined_with_messages : backend {
    using backend::backend;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::read_conversation(c, id));
        if (r.body.find("\"messages\":[]") != std::string::npos) return fail(errc::not_found, "no such conversation");
        return r;
    }
};

// ---- repetition and replay ----

struct empty_pushes_forgotten : backend {
    using backend::backend;
    answer push(call const& c, std::string const& peer_id) override {
        empty_ = c.request.body.find("\"conversations\":[]") != std::string::npos || c.request.body.find("\"conversations\": []") != std::string::npos;
        return backend::push(c, peer_id);
    }
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        if (!empty_) backend::remember(key, std::move(r));
    }

private:
    bool empty_ = false;
};
struct reuse_replaces_the_receipt : backend {
    using backend::backend;
    answer push(call const& c, std::string const& peer_id) override {
        recalled_.reset();
        answer out = backend::push(c, peer_id);
        if (!out && out.error().code == errc::sync_id_reuse && recalled_) held().receipts.erase(*recalled_);
        return out;
    }
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        recalled_ = key;
        return backend::recall(key);
    }

private:
    std::optional<std::pair<std::string, std::string>> recalled_;
};
struct jtis_for_a_minute : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        std::erase_if(held().used_assertions, [&](auto const& used) { return forgotten_[used.first] <= c.now; });
        BSP_CHECK(backend::claim_jti(c, issuer, a));
        forgotten_[{issuer, a.jti}] = instant{a.iat} + std::chrono::seconds{60};
        return ok();
    }

private:
    std::map<std::pair<std::string, std::string>, instant> forgotten_;
};
struct audience_all_or_nothing : backend {
    using backend::backend;
    result<> check_payload_audience(json::object const& body, peer_record const& peer) override {
        for (char const* name : {"peer_id", "source_backend_id", "target_backend_id"})
            if (!body.contains(name)) return ok();
        return backend::check_payload_audience(body, peer);
    }
};
struct aud_without_case : backend {
    using backend::backend;
    result<> check_audience(assertion const& a) override {
        assertion mended = a;
        if (http_headers::same_name(a.aud, backend_id())) mended.aud = backend_id();
        return backend::check_audience(mended);
    }
};
struct administrators_write : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override { return for_all(c, [&] { return backend::write_message(c, id); }); }
    answer delete_conversation(call const& c, std::string const& id) override { return for_all(c, [&] { return backend::delete_conversation(c, id); }); }
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override { return backend::authenticate(c, who_may | (open_ ? unsigned{admin_may} : 0u), of_path); }

private:
    template <class Step>
    answer for_all(call const&, Step step) {
        open_ = true;
        answer out = step();
        open_ = false;
        return out;
    }
    bool open_ = false;
};

// ---- merge ----

struct modified_in_microseconds : backend {
    using backend::backend;
    bool write_outranks(scalar_write const& a, conversation const& held_conversation) override {
        conversation cut = held_conversation;
        scalar_write b = a;
        for (instant* t : {&cut.winner.modified, &b.modified}) t->nanoseconds = t->nanoseconds / 1'000 * 1'000;
        return backend::write_outranks(b, cut);
    }
};
struct tombstones_know_no_redaction : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        if (a.version == b.version && a.written == b.written && (a.deleted || b.deleted)) return message_tie(a, b);
        return backend::outranks(a, b);
    }
};
struct conflicts_of_the_deleted_hidden : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        std::set<std::string> deleted;
        for (auto const& [id, c] : tenant_of(peer.user_id))
            if (c.winner.deleted) deleted.insert(id);
        json::array out = backend::apply(peer, incoming, now);
        for (auto at = out.begin(); at != out.end();) at = deleted.contains(std::string{json::view(at->at("conversation_id").as_string())}) ? out.erase(at) : at + 1;
        return out;
    }
};
struct surfaces_without_case : backend {
    using backend::backend;
    bool join_surfaces(conversation& into, conversation const& from) override {
        std::size_t const before = into.surfaces.size();
        for (auto const& s : from.surfaces)
            if (std::none_of(into.surfaces.begin(), into.surfaces.end(), [&](auto const& other) { return http_headers::same_name(s, other); })) into.surfaces.insert(s);
        return into.surfaces.size() != before;
    }
};
struct surfaces_end_with_deletion : backend {
    using backend::backend;
    bool join_scalars(conversation& into, conversation const& from) override {
        bool const changed = backend::join_scalars(into, from);
        if (changed && into.winner.deleted && into.committed != instant{}) into.surfaces.clear();
        return changed;
    }
};
struct losers_of_known_members : backend {
    using backend::backend;
    json::array emit_losers(conversation const& c) override {
        json::array out = backend::emit_losers(c);
        for (auto& entry : out) {
            json::object kept;
            for (char const* name : {"id", "role", "content", "timestamp", "surface", "source_backend", "version"}) kept[name] = entry.at("message").at(name);
            entry.as_object()["message"] = kept;
        }
        return out;
    }
};
struct clock_of_the_user : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const& message_id) override {
        std::int64_t next = backend::next_version(c, message_id);
        for (auto const& [user, all] : held().tenants) {
            if (user != user_) continue;
            for (auto const& [id, other] : all)
                if (other.version < (std::int64_t{1} << 40)) next = std::max(next, backend::next_version(other, message_id));
        }
        return next;
    }
    tenant& tenant_of(std::string const& user_id) override {
        user_ = user_id;
        return backend::tenant_of(user_id);
    }

private:
    std::string user_;
};
struct deletion_at_the_present : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        auto const found = all.find(id);
        if (found == all.end() || found->second.modified < now || !scalars.contains("deleted")) return backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
        // The tombstone has the present time as last_modified, though a later one was seen.
        conversation& c = found->second;
        instant const latest = c.modified;
        std::string const text = c.modified_text;
        c.modified = now - std::chrono::seconds{1};
        BSP_CHECK(backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        c.modified = latest;
        c.modified_text = text;
        return ok();
    }
};

// ---- forms ----

template <char const* member, auto change>
struct text_changed : backend {
    using backend::backend;
    json::object emit_message(message const& m) override { return with_change(m.received); }
    json::object emit_scalars(std::string const& id, conversation const& c) override { return with_change(backend::emit_scalars(id, c)); }

private:
    static json::object with_change(json::object o) {
        if (auto const* text = json::find_string(o, member)) o[member] = change(std::string{json::view(*text)});
        return o;
    }
};
constexpr char title_member[] = "title", content_member[] = "content";
std::string trimmed(std::string text) {
    while (text.ends_with(' ') || text.ends_with('\n')) text.pop_back();
    while (text.starts_with(' ') || text.starts_with('\n')) text.erase(0, 1);
    return text;
}
std::string without_mark(std::string text) { return text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text; }
struct empty_title_dropped : backend {
    using backend::backend;
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object out = backend::emit_scalars(id, c);
        if (auto const* title = json::find_string(out, "title"); title && title->empty()) out.erase("title");
        return out;
    }
};
struct null_flag_is_false : backend {
    using backend::backend;
    result<bool> flag(json::fields const& f, std::string_view name) override {
        json::value const* v = f.get().if_contains(name);
        return v && v->is_null() ? result<bool>{false} : backend::flag(f, name);
    }
};
struct null_is_absent_in_writes : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        if (c.segments.front() == "conversations")
            for (char const* name : {"id", "timestamp", "title"})
                if (json::value const* v = body.if_contains(name); v && v->is_null()) body.erase(name);
        return body;
    }
};
struct writes_with_duplicates : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        if (c.segments.front() != "conversations") return backend::parse_object(c);
        BSP_TRY(json::value body, parse_leniently(c.request.body));
        if (!body.is_object()) return backend::parse_object(c);
        return body.get_object();
    }
};
struct errors_may_be_stored : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (r.status >= 400) r.headers.set("Cache-Control", "private");
    }
};
struct challenge_of_the_missing_only : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        http_response r = backend::problem(e, c);
        if (r.status != 401 || e.code == errc::credential_required) return r;
        http_response out{r.status, {}, r.body};
        for (auto const& [name, value] : r.headers)
            if (!http_headers::same_name(name, "WWW-Authenticate")) out.headers.add(name, value);
        return out;
    }
};
struct refused_paths_in_html : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        http_response r = backend::serve(request, now);
        if (r.status / 100 == 4 && request.target.find('%') != std::string::npos) {
            r.headers.set("Content-Type", "text/html");
            r.body = "<h1>Bad Request</h1>";
        }
        return r;
    }
};
struct identity_created_at_unread : backend {
    using backend::backend;
    result<claimed_identity> decode_identity(json::fields const& f) override {
        json::object without = f.get();
        without.erase("created_at");
        return backend::decode_identity(json::fields{without});
    }
};
struct sbt_id_unread : backend {
    using backend::backend;
    result<token> decode_token(json::fields const& f) override {
        json::object without = f.get();
        if (json::value const* v = without.if_contains("sbt_id"); v && v->is_string()) without.erase("sbt_id");
        BSP_TRY(token t, backend::decode_token(json::fields{without}));
        t.received = f.get();
        return t;
    }
};

// ---- registrations ----

struct tokens_listed_as_modelled : backend {
    using backend::backend;
    json::object peer_entry(peer_record const& peer) override {
        json::object out = backend::peer_entry(peer);
        json::object kept;
        for (char const* name : {"session_id", "local_backend_id", "hosted_backend_id", "user_id", "created_at", "expires_at"}) kept[name] = peer.sbt.at(name);
        out["sbt"] = kept;
        return out;
    }
};
struct expired_peers_hidden : backend {
    using backend::backend;
    answer list_peers(call const& c) override {
        now_ = c.now;
        return backend::list_peers(c);
    }
    bool may_see(principal const& who, peer_record const& peer) override { return now_ < peer.sbt_expires && backend::may_see(who, peer); }

private:
    instant now_;
};
struct peer_sees_itself : backend {
    using backend::backend;
    bool may_see(principal const& who, peer_record const& peer) override { return backend::may_see(who, peer) && (who.kind != principal::peer_kind || who.peer == &peer); }
};
struct unpairing_by_users_forgotten : backend {
    using backend::backend;
    bool may_remove(principal const& who, peer_record const& peer) override {
        by_user_ = who.kind == principal::user_kind;
        return backend::may_remove(who, peer);
    }
    void unpair(peer_record const& peer, instant now) override {
        std::pair const key{peer.user_id, peer.backend_id};
        backend::unpair(peer, now);
        if (by_user_) held().unpaired.erase(key);
    }

private:
    bool by_user_ = false;
};
struct revocation_erases : backend {
    using backend::backend;
    void revoke(peer_record& peer, instant now) override {
        backend::revoke(peer, now);
        for (auto& [id, c] : tenant_of(peer.user_id)) std::erase_if(c.messages, [&](auto const& m) { return m.second.received.at("source_backend") == json::value(peer.backend_id); });
    }
};

// ---- writes ----

struct ids_of_the_clock : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        now_ = c.now;
        return backend::write_message(c, id);
    }
    std::string new_message_id(conversation const&) override { return "msg_" + std::to_string(now_.seconds) + "." + std::to_string(now_.nanoseconds / 100'000'000); }

private:
    instant now_;
};
struct title_of_a_repetition_alone : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        if (!m && !scalars.contains("deleted")) {
            json::object kept;
            for (char const* name : {"conversation_id", "source_backend", "title"})
                if (json::value const* v = scalars.if_contains(name)) kept[name] = *v;
            scalars = std::move(kept);
        }
        return backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now);
    }
};
struct written_by_the_peer : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal const who, backend::authenticate(c, who_may, of_path));
        label_ = who.peer ? who.peer->backend_id : backend_id();
        return who;
    }
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        json::object out = backend::message_to_write(body, version);
        out["source_backend"] = label_;
        return out;
    }

private:
    std::string label_;
};
struct other_surface_is_a_repetition : backend {
    using backend::backend;
    bool repeats(message const& m, json::object const& body) override {
        json::object same = body;
        same["surface"] = m.received.at("surface");
        return backend::repeats(m, same);
    }
};

}  // namespace

std::vector<fault> second_sight_faults() {
    return {
        tried(2, false, {"F-REG-209", "unpairings are forgotten at a restart", {"reg/removals-durable"}, make<unpairings_not_kept>, setting::restart}),
        tried(2, false, {"F-REG-210", "revocations are forgotten at a restart", {"peer/revocation-durable"}, make<revocations_not_kept>, setting::restart}),
        tried(2, true, {"F-REG-211", "pinned keys are forgotten at a restart", {"reg/restart"}, make<pins_not_kept>, setting::restart}),
        tried(2, false, {"F-SYN-476", "used jtis are forgotten at a restart", {"reg/removals-durable"}, make<jtis_not_kept>, setting::restart}),
        tried(2, true, {"F-SYN-477", "cursors end at a restart", {"syn/cursor-after-restart"}, make<cursors_not_kept>, setting::restart}),
        tried(2, true, {"F-SYN-478", "tombstones are forgotten at a restart", {"syn/durable"}, make<tombstones_not_kept>, setting::restart}),
        tried(2, true, {"F-SYN-479", "the feed begins again at a restart", {"syn/durable", "syn/history-restarts"}, make<feed_begins_again>, setting::restart}),
        tried(2, true, {"F-SYN-481", "concurrent equal writes make a version each", {"cnv/concurrent-writes"}, make<repetitions_race>}),
        tried(2, true, {"F-SYN-473", "the feed has the last 300 commits", {"syn/long-feed"}, make<feed_of_300_commits>}),
        tried(2, true, {"F-SYN-514", "a cursor moves on with the conversation it ended at", {"syn/pull-while-changing"}, make<cursor_moves_with_its_conversation>}),
        tried(2, true, {"F-SYN-515", "a list ends where the conversation of its cursor was deleted", {"cnv/list-while-deleting"}, make<list_ends_at_a_deleted_cursor>}),
        tried(2, false, {"F-SYN-502", "a title that comes with a repetition is not in the feed", {"syn/changes-are-news"}, make<title_alone_is_no_news>}),
        tried(2, true, {"F-SYN-474", "a conversation without messages cannot be read", {"syn/empty-push"}, make<read_joined_with_messages>}),
        tried(2, true, {"F-SYN-498", "the sync_id of an empty push is forgotten", {"syn/sync-id-reuse"}, make<empty_pushes_forgotten>}),
        tried(2, true, {"F-SYN-499", "a refused reuse of a sync_id lets it be forgotten", {"syn/sync-id-remembered"}, make<reuse_replaces_the_receipt>}),
        tried(2, false, {"F-SYN-510", "a jti is remembered for a minute after iat", {"aut/jti-lasts"}, make<jtis_for_a_minute>}),
        tried(2, false, {"F-SYN-488", "the audience of a push is looked at when all three members are there", {"syn/audience-alone"}, make<audience_all_or_nothing>}),
        tried(2, false, {"F-SYN-489", "aud is compared without case", {"aut/aud"}, make<aud_without_case>}),
        tried(2, true, {"F-SYN-487", "an administrator's credential passes on writes", {"aut/admin-and-content"}, make<administrators_write>}),
        tried(2, true, {"F-SYN-410", "last_modified is compared by microseconds", {"mrg/scalars-by-instant"}, make<modified_in_microseconds>}),
        tried(2, true, {"F-SYN-475", "between tombstones redaction does not count", {"mrg/redacted-tombstones"}, make<tombstones_know_no_redaction>}),
        tried(2, true, {"F-SYN-460", "conflicts in a deleted conversation are not listed", {"mrg/history-states", "syn/history-feeds", "syn/history-refusals"}, make<conflicts_of_the_deleted_hidden>}),
        tried(2, true, {"F-SYN-490", "surfaces are compared without case", {"mrg/surfaces"}, make<surfaces_without_case>}),
        tried(2, true, {"F-SYN-497", "deleting a conversation clears its surfaces", {"cnv/history-users", "mrg/history-states", "syn/history-feeds"}, make<surfaces_end_with_deletion>}),
        tried(2, false, {"F-SYN-484", "losing messages are given with known members only", {"cnv/losers-deleted"}, make<losers_of_known_members>}),
        tried(2, true, {"F-SYN-495", "versions are counted across a user's conversations", {"cnv/other-tenant", "cnv/version", "cnv/ignores-version"}, make<clock_of_the_user>}),
        tried(2, true, {"F-SYN-472", "at the greatest version a deletion loses to a last_modified ahead", {"cnv/saturation-ahead"}, make<deletion_at_the_present>}),
        tried(2, true, {"F-SYN-491", "titles are trimmed", {"syn/content-verbatim"}, make<text_changed<title_member, trimmed>>}),
        tried(2, true, {"F-SYN-492", "a byte order mark before content is dropped", {"syn/content-verbatim"}, make<text_changed<content_member, without_mark>>}),
        tried(2, false, {"F-SYN-406", "an empty title is dropped", {"syn/empty-is-not-absent"}, make<empty_title_dropped>}),
        tried(2, true, {"F-SYN-504", "deleted and redacted may be null", {"gen/null-is-not-absent"}, make<null_flag_is_false>}),
        tried(2, false, {"F-SYN-505", "null counts as absent in a write", {"cnv/refused-writes"}, make<null_is_absent_in_writes>}),
        tried(2, false, {"F-GEN-231", "of two members of one name in a write the last counts", {"cnv/refused-writes"}, make<writes_with_duplicates>}),
        tried(2, true, {"F-GEN-230", "errors may be stored by caches", {"gen/no-store"}, make<errors_may_be_stored>}),
        tried(2, true, {"F-GEN-233", "401 has WWW-Authenticate only where a credential is missing", {"gen/www-authenticate"}, make<challenge_of_the_missing_only>}),
        tried(2, false, {"F-GEN-232", "paths with escapes that are refused are answered in HTML", {"gen/refusals-are-problems"}, make<refused_paths_in_html>}),
        tried(2, true, {"F-REG-217", "created_at of an identity may be anything", {"reg/missing-members"}, make<identity_created_at_unread>}),
        tried(2, false, {"F-REG-218", "sbt_id may be any text", {"peer/list-tokens"}, make<sbt_id_unread>}),
        tried(2, false, {"F-REG-213", "tokens are listed without their unknown members", {"peer/list-tokens"}, make<tokens_listed_as_modelled>}),
        tried(2, true, {"F-REG-214", "expired registrations are not listed", {"sbt/expiry-keeps-peer"}, make<expired_peers_hidden>}),
        tried(2, true, {"F-PEER-121", "a peer sees its own registration only", {"peer/list-of-own-user"}, make<peer_sees_itself>}),
        tried(2, true, {"F-REG-215", "an unpairing by the user leaves earlier tokens valid", {"peer/unpair-ends-old-tokens"}, make<unpairing_by_users_forgotten>}),
        tried(2, false, {"F-REG-216", "a revocation removes the backend's messages", {"peer/revocation-keeps-data"}, make<revocation_erases>}),
        tried(2, true, {"F-SYN-482", "message ids are the time in tenths of a second", {"aut/jti-single-use", "aut/jti-per-issuer", "aut/user-jti"}, make<ids_of_the_clock>}),
        tried(2, false, {"F-SYN-493", "a title that comes with a repetition drops the conversation's unknown members", {"syn/empty-is-not-absent"}, make<title_of_a_repetition_alone>}),
        tried(2, false, {"F-SYN-494", "what a peer writes carries the peer's backend_id", {"cnv/label-of-writes"}, make<written_by_the_peer>}),
        tried(2, true, {"F-SYN-496", "a write that differs in its surface is taken for a repetition", {"cnv/edit-role-and-surface"}, make<other_surface_is_a_repetition>}),
    };
}

}  // namespace bsp::faulty
