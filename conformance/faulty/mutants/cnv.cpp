#include "../faults.hpp"
#include "lenient_json.hpp"

#include <algorithm>

/// Faults of reading and writing conversations.
namespace bsp::faulty {

namespace {

constexpr std::int64_t version_max = (std::int64_t{1} << 53) - 1;

struct open_conversations : backend {
    using backend::backend;
    answer read_conversation(call const& c, std::string const& id) override {
        if (c.request.headers.find("Authorization")) return backend::read_conversation(c, id);
        for (auto const& [user, all] : held().tenants)
            if (auto const found = all.find(id); found != all.end()) return json_answer(200, pull_entry(id, found->second));
        return fail(errc::not_found, "no such conversation");
    }
};
struct conversations_of_all : backend {
    using backend::backend;
    answer absent_conversation(principal const&, std::string const& id) override {
        for (auto const& [user, all] : held().tenants)
            if (auto const found = all.find(id); found != all.end() && !found->second.winner.deleted) return json_answer(200, pull_entry(id, found->second));
        return fail(errc::not_found, "no such conversation");
    }
};
struct others_are_403 : backend {
    using backend::backend;
    answer absent_conversation(principal const& who, std::string const& id) override {
        for (auto const& [user, all] : held().tenants)
            if (user != who.user_id && all.contains(id)) return fail(errc::forbidden, "not yours");
        return backend::absent_conversation(who, id);
    }
};
struct absent_is_empty : backend {
    using backend::backend;
    answer absent_conversation(principal const&, std::string const& id) override {
        return json_answer(200, json::object{{"conversation_id", id}, {"version", 0}, {"messages", json::array{}}, {"surfaces", json::array{}}, {"last_modified", "1970-01-01T00:00:00Z"}, {"source_backend", "x"}});
    }
};
struct users_only : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        BSP_CHECK(only_user(c));
        return backend::write_message(c, id);
    }
    static result<> only_user(call const& c) {
        std::string const* field = c.request.headers.find("Authorization");
        return field && field->starts_with("BSP ") ? result<>{fail(errc::forbidden, "peers may not write")} : ok();
    }
};
struct deleted_listed : backend {
    using backend::backend;
    bool is_listed(conversation const&) override { return true; }
    json::object list_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::list_entry(id, c);
        out.erase("deleted");
        return out;
    }
};
struct list_with_messages : backend {
    using backend::backend;
    json::object list_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::list_entry(id, c);
        out["messages"] = emit_messages(c, false);
        return out;
    }
};
struct list_skips : backend {
    using backend::backend;
    answer list_conversations(call const& c) override {
        BSP_TRY(http_response r, backend::list_conversations(c));
        auto body = parse_body(r.body);
        // The entry on which the cursor stands is given up.
        if (body && body->at("has_more").as_bool() && !body->at("conversations").as_array().empty()) body->at("conversations").as_array().pop_back();
        return body ? json_answer(200, *body) : r;
    }
};
struct any_list_query : backend {
    using backend::backend;
    result<std::size_t> limit_of(call const& c) override {
        auto n = backend::limit_of(c);
        return n || c.segments[0] == "sync" ? n : result<std::size_t>{std::size_t{100}};
    }
    result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed) override {
        auto cursor = backend::cursor_of(c, feed);
        return cursor || feed != "list" ? std::move(cursor) : result<std::optional<json::object>>{std::optional<json::object>{}};
    }
};
/// A change to the answer of a write or to what is stored by it.
struct write_is_200 : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::write_message(c, id));
        r.status = 200;
        return r;
    }
};
template <class Change>
struct written_with : backend {
    using backend::backend;
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        json::object out = backend::message_to_write(body, version);
        Change{}(out, body);
        return out;
    }
};
struct version_from_request {
    void operator()(json::object& m, json::object const& body) const {
        if (auto const* v = body.if_contains("version"); v && v->is_int64()) m["version"] = *v;
    }
};
struct source_from_request {
    void operator()(json::object& m, json::object const& body) const {
        if (auto const* v = body.if_contains("source_backend"); v && v->is_string()) m["source_backend"] = *v;
    }
};
struct known_only {
    void operator()(json::object& m, json::object const&) const {
        json::object kept;
        for (char const* n : {"id", "role", "content", "timestamp", "surface", "source_backend", "version"})
            if (auto const* v = m.if_contains(n)) kept[n] = *v;
        m = kept;
    }
};
struct role_in_lower_case {
    void operator()(json::object& m, json::object const&) const {
        std::string r{json::view(m["role"].as_string())};
        for (char& c : r) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        m["role"] = r;
        m["content"] = replaced(json::view(m["content"].as_string()), "\r\n", "\n");
    }
};
struct naive_timestamp : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::write_message(c, id));
        auto const sent = parse_object(c);
        auto body = parse_body(r.body);
        if (body && sent && !sent->contains("timestamp")) body->as_object()["timestamp"] = replaced(json::view(body->at("timestamp").as_string()), "Z", "");
        return body ? json_answer(r.status, *body) : r;
    }
};
struct time_never_back : backend {
    using backend::backend;
    instant time_over(message const& held, std::int64_t, instant now) override { return std::max(now, held.written + std::chrono::nanoseconds{1}); }
};
struct one_id_for_all : backend {
    using backend::backend;
    std::string new_message_id(conversation const&) override { return "msg_1"; }
};
struct writes_coerced : backend {
    using backend::backend;
    result<std::string> text_of(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        if (v && (v->is_int64() || v->is_bool())) return json::serialize(*v);
        if (!v && name == "surface") return std::string{"web"};
        return backend::text_of(f, name);
    }
    json::object message_to_write(json::object const& body, std::int64_t version) override {
        json::object out = backend::message_to_write(body, version);
        for (char const* n : {"role", "content", "surface"})
            if (auto const* v = out.if_contains(n); v && !v->is_string()) {
                std::string const text = json::serialize(*v);
                out[n] = text;
            }
        if (!out.contains("surface")) out["surface"] = "web";
        return out;
    }
};
struct version_of_message_only : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const& id) override {
        if (id.empty()) return backend::next_version(c, id);
        auto const m = c.messages.find(id);
        return m == c.messages.end() ? 1 : std::min(m->second.version + 1, version_max);
    }
};
struct version_of_conversation_only : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const&) override { return std::min(c.version + 1, version_max); }
};
struct conversation_not_raised : backend {
    using backend::backend;
    std::int64_t conversation_version(std::int64_t next, conversation const& c) override { return c.is_new() ? next : c.version; }
};
struct overflow : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        auto r = backend::write_message(c, id);
        if (!r || r->status != 201) return r;
        auto const body = parse_body(r->body);
        if (body && body->at("version").as_int64() == version_max) return fail(errc::internal, "overflow");
        return r;
    }
};
struct repeat_is_new : backend {
    using backend::backend;
    bool repeats(message const&, json::object const&) override { return false; }
};
struct edit_is_repeat : backend {
    using backend::backend;
    bool repeats(message const& m, json::object const&) override { return !m.deleted; }
};
struct same_content_is_repeat : backend {
    using backend::backend;
    bool repeats(message const& m, json::object const& body) override {
        return backend::repeats(m, body) || (!m.deleted && m.received.at("content") == body.at("content"));
    }
};
struct edit_not_raised : backend {
    using backend::backend;
    std::int64_t next_version(conversation const& c, std::string const& id) override {
        auto const m = c.messages.find(id);
        return m == c.messages.end() || m->second.deleted ? backend::next_version(c, id) : m->second.version;
    }
};
struct title_ignored : backend {
    using backend::backend;
    json::object scalars_to_write(std::string const& id, conversation const& h, json::object const& body) override {
        json::object plain = body;
        plain.erase("title");
        return backend::scalars_to_write(id, h, plain);
    }
};
struct scalars_forgotten : backend {
    using backend::backend;
    json::object scalars_to_write(std::string const& id, conversation const& h, json::object const& body) override {
        json::object out{{"conversation_id", id}, {"source_backend", backend_id()}};
        (void)h;
        if (auto const* title = body.if_contains("title")) out["title"] = *title;
        return out;
    }
};
struct modified_backwards : backend {
    using backend::backend;
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object out = backend::emit_scalars(id, c);
        out["last_modified"] = c.winner.received.at("last_modified");
        return out;
    }
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        BSP_CHECK(backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        all[id].winner.received["last_modified"] = format_timestamp(now);
        return ok();
    }
};
struct surface_not_added : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        std::set<std::string> const before = all.contains(id) ? all[id].surfaces : std::set<std::string>{};
        BSP_CHECK(backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        all[id].surfaces = before;
        return ok();
    }
};
struct not_in_pull : backend {
    using backend::backend;
    result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now) override {
        instant const before = all.contains(id) ? all[id].committed : instant{};
        BSP_CHECK(backend::commit_locally(all, id, std::move(scalars), version, std::move(m), now));
        all[id].committed = before;
        return ok();
    }
};
struct tombstone_keeps_content : backend {
    using backend::backend;
    using backend::tombstone_of;
    json::object tombstone_of(message const& h, std::int64_t version, instant written) override {
        json::object out = backend::tombstone_of(h, version, written);
        out["content"] = h.received.at("content");
        return out;
    }
};
struct tombstone_incomplete : backend {
    using backend::backend;
    json::object emit_message(message const& m) override {
        json::object out = backend::emit_message(m);
        if (m.deleted) out.erase("role"), out.erase("surface");
        return out;
    }
};
struct message_hard_deleted : backend {
    using backend::backend;
    answer delete_message(call const& c, std::string const& id, std::string const& message_id) override {
        answer a = backend::delete_message(c, id, message_id);
        if (a)
            for (auto& [user, all] : held().tenants)
                if (auto const found = all.find(id); found != all.end())
                    if (auto const m = found->second.messages.find(message_id); m != found->second.messages.end() && m->second.deleted) found->second.messages.erase(m);
        return a;
    }
};
struct deletion_not_raised : backend {
    using backend::backend;
    using backend::tombstone_of;
    // The tombstone keeps the version of what it deletes and wins here by its time alone.
    std::int64_t next_version(conversation const& c, std::string const& id) override {
        auto const m = c.messages.find(id);
        return deleting && m != c.messages.end() ? m->second.version : backend::next_version(c, id);
    }
    answer delete_message(call const& c, std::string const& id, std::string const& message_id) override {
        deleting = true;
        answer a = backend::delete_message(c, id, message_id);
        deleting = false;
        return a;
    }
    bool deleting = false;
};
/// The tombstone is of the present, and an author with a fast clock is ahead of it.
struct deletion_loses_to_fast_clocks : backend {
    using backend::backend;
    answer delete_message(call const& c, std::string const& id, std::string const& message_id) override {
        std::map<std::string, message> ahead;
        for (auto const& [user, all] : held().tenants)
            if (auto const found = all.find(id); found != all.end())
                if (auto const m = found->second.messages.find(message_id); m != found->second.messages.end() && m->second.written > c.now) ahead.emplace(user, m->second);
        answer a = backend::delete_message(c, id, message_id);
        if (a)
            for (auto const& [user, m] : ahead) held().tenants[user][id].messages.at(message_id) = m;
        return a;
    }
};
struct conversation_hard_deleted : backend {
    using backend::backend;
    answer delete_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response r, backend::delete_conversation(c, id));
        for (auto& [user, all] : held().tenants)
            if (auto const found = all.find(id); found != all.end() && found->second.winner.deleted) all.erase(found);
        return r;
    }
};
struct deletion_always_succeeds : backend {
    using backend::backend;
    answer delete_conversation(call const& c, std::string const& id) override { return idempotent(backend::delete_conversation(c, id)); }
    answer delete_message(call const& c, std::string const& id, std::string const& m) override { return idempotent(backend::delete_message(c, id, m)); }
    answer idempotent(answer a) {
        if (!a && a.error().code == errc::not_found) return json_answer(200, json::object{{"status", "deleted"}, {"version", 1}});
        return a;
    }
};
struct never_revived : backend {
    using backend::backend;
    json::object scalars_to_write(std::string const& id, conversation const& h, json::object const& body) override {
        json::object out = backend::scalars_to_write(id, h, body);
        if (h.winner.deleted) out["deleted"] = true;
        return out;
    }
};
struct losers_for_ever : backend {
    using backend::backend;
    bool join_message(conversation& into, message const& incoming) override {
        auto const losers = into.losers;
        bool const changed = backend::join_message(into, incoming);
        into.losers = losers;
        return changed;
    }
};
struct losers_in_pulls : backend {
    using backend::backend;
    json::object pull_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::pull_entry(id, c);
        if (!c.losers.empty()) out["conflicts"] = emit_losers(c);
        return out;
    }
};
struct tombstone_with_title : backend {
    using backend::backend;
    using backend::tombstone_of;
    json::object tombstone_of(std::string const& id, conversation const& held) override {
        json::object out = held.winner.received;
        out["conversation_id"] = id;
        out["deleted"] = true;
        return out;
    }
};
struct title_of_repeat_ignored : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        repeated = false;
        return backend::write_message(c, id);
    }
    bool repeats(message const& m, json::object const& body) override { return repeated = backend::repeats(m, body); }
    result<> commit_locally(tenant& all, std::string const& id, json::object s, std::int64_t v, std::optional<message> m, instant now) override {
        return repeated && !m ? ok() : backend::commit_locally(all, id, std::move(s), v, std::move(m), now);
    }
    bool repeated = false;
};
struct written_deep : backend {
    using backend::backend;
    result<> check_write_depth(json::object const&) override { return ok(); }
};

struct written_ahead : backend {
    using backend::backend;
    answer write_message(call const& c, std::string const& id) override {
        writing = true;
        answer a = backend::write_message(c, id);
        writing = false;
        return a;
    }
    result<> check_ahead(instant t, instant now) override { return writing ? ok() : backend::check_ahead(t, now); }
    bool writing = false;
};
struct fractions_written : backend {
    using backend::backend;
    // A number nobody could sign is stored as text.
    static void to_text(json::value& v) {
        if (v.is_double()) {
            std::string const text = json::serialize(v);
            v = text;
        } else if (auto* o = v.if_object()) {
            for (auto& m : *o) to_text(m.value());
        }
    }
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        if (c.segments[0] == "conversations")
            for (auto& m : body) to_text(m.value());
        return body;
    }
};

}  // namespace

std::vector<fault> cnv_faults() {
    return {
        {"F-SYN-24", "conversations are open", {"cnv/needs-credential"}, make<open_conversations>},
        {"F-SYN-131", "a new message's version counts from the message alone", {"cnv/version"}, make<version_of_message_only>},
        {"F-SYN-132", "a write does not raise the conversation's version", {"cnv/version"}, make<conversation_not_raised>},
        {"F-SYN-133", "an edit does not raise the message's version", {"cnv/edit"}, make<edit_not_raised>},
        {"F-SYN-134", "a write at the greatest version fails", {"cnv/saturation"}, make<overflow>},
        {"F-SYN-135", "an identical repetition makes a new version", {"cnv/repeat"}, make<repeat_is_new>},
        {"F-SYN-136", "the version of a write is taken from the request", {"cnv/ignores-version"}, make<written_with<version_from_request>>},
        {"F-SYN-137", "the source_backend of a write is taken from the request", {"cnv/ignores-version"}, make<written_with<source_from_request>>},
        {"F-SYN-138", "a write without title drops the conversation's other members", {"cnv/title-kept"}, make<scalars_forgotten>},
        {"F-SYN-139", "the title of a write is ignored", {"cnv/title"}, make<title_ignored>},
        {"F-SYN-140", "unknown members of a write are dropped", {"cnv/write-verbatim"}, make<written_with<known_only>>},
        {"F-SYN-141", "a deleted conversation is forgotten, and stale pushes bring it back", {"cnv/delete-conversation"}, make<conversation_hard_deleted>},
        {"F-SYN-142", "the tombstone keeps the content", {"cnv/delete-message"}, make<tombstone_keeps_content>},
        {"F-SYN-144", "deleting again succeeds", {"cnv/delete-again", "cnv/delete-again-told"}, make<deletion_always_succeeds>},
        {"F-SYN-145", "a write does not bring a deleted conversation back", {"cnv/revive"}, make<never_revived>},
        {"F-SYN-146", "deleted conversations are listed", {"cnv/list"}, make<deleted_listed>},
        {"F-SYN-147", "the list holds messages", {"cnv/list"}, make<list_with_messages>},
        {"F-SYN-148", "the list loses an entry between pages", {"cnv/list-pages"}, make<list_skips>},
        {"F-SYN-189", "losing versions outlive a deletion", {"cnv/losers"}, make<losers_for_ever>},
        {"F-SYN-192", "another user's conversation is answered with 403", {"cnv/other-tenant"}, make<others_are_403>},
        {"F-SYN-242", "a peer may not write", {"cnv/peer-may-write"}, make<users_only>},
        {"F-SYN-243", "an unknown conversation is an empty one", {"cnv/not-found"}, make<absent_is_empty>},
        {"F-SYN-244", "any limit and cursor of the list is accepted", {"cnv/list-query"}, make<any_list_query>},
        {"F-SYN-245", "a write is answered with 200", {"cnv/write"}, make<write_is_200>},
        {"F-SYN-246", "the server's timestamp has no Z", {"cnv/write"}, make<naive_timestamp>},
        {"F-SYN-551", "an edit is dated after what it replaces, even in the future", {"cnv/edit-time"}, make<time_never_back>},
        {"F-SYN-247", "every message without an id gets the same one", {"cnv/write"}, make<one_id_for_all>},
        {"F-SYN-248", "members of a write are coerced, surface may be missing", {"cnv/write-invalid"}, make<writes_coerced>},
        {"F-SYN-249", "an edit is taken for a repetition", {"cnv/edit"}, make<edit_is_repeat>},
        {"F-SYN-383", "of a repeated write the content alone is compared", {"cnv/edit-role-and-surface"}, make<same_content_is_repeat>},
        {"F-SYN-250", "a write moves last_modified back", {"cnv/last-modified"}, make<modified_backwards>},
        {"F-SYN-251", "a write does not add its surface", {"cnv/surface-added"}, make<surface_not_added>},
        {"F-SYN-252", "writes are not in the feed", {"cnv/in-pull"}, make<not_in_pull>},
        {"F-SYN-253", "a deletion does not raise the version", {"cnv/delete-message"}, make<deletion_not_raised>},
        {"F-SYN-254", "a write of any future is accepted", {"cnv/future"}, make<written_ahead>},
        {"F-SYN-380", "a write too deep for a push is accepted", {"cnv/write-depth"}, make<written_deep>},
        {"F-SYN-269", "conversations of all users can be read", {"cnv/other-tenant"}, make<conversations_of_all>},
        {"F-SYN-270", "the version counts from the conversation alone", {"cnv/version"}, make<version_of_conversation_only>},
        {"F-SYN-271", "a tombstone lacks required members", {"cnv/delete-message"}, make<tombstone_incomplete>},
        {"F-SYN-272", "a deleted message is forgotten, and stale pushes bring it back", {"cnv/delete-message"}, make<message_hard_deleted>},
        {"F-SYN-273", "losing versions are in pulls", {"cnv/losers"}, make<losers_in_pulls>},
        {"F-SYN-274", "line ends and case of a write are changed", {"cnv/write-verbatim"}, make<written_with<role_in_lower_case>>},
        {"F-SYN-288", "the title that comes with a repetition is ignored", {"cnv/title"}, make<title_of_repeat_ignored>},
        {"F-SYN-289", "the tombstone of a conversation keeps its title", {"cnv/tombstone-is-lean"}, make<tombstone_with_title>},
        {"F-SYN-292", "a deletion loses to a message with a later timestamp", {"cnv/delete-wins"}, make<deletion_loses_to_fast_clocks>},
        {"F-SYN-275", "fractions in a write are stored as text", {"cnv/write-numbers"}, make<fractions_written>},
    };
}

}  // namespace bsp::faulty
