#include "../faults.hpp"
#include "states.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

/// Faults of servers that libraries and frameworks bring with them, and those who trust them.
namespace bsp::faulty {

namespace {

using base = knowing_backend;

std::string member(json::object const& o, std::string_view name) {
    auto const* text = json::find_string(o, name);
    return text ? std::string{json::view(*text)} : std::string{};
}

// ---- answers and rows that are kept ------------------------------------------------------------------------------

struct pushes_known_by_their_bytes : base {
    using base::base;
    answer push(call const& c, std::string const& peer_id) override {
        BSP_TRY(peer_record const* peer, find_peer(peer_id));
        BSP_CHECK(check_not_revoked(*peer));
        auto const sent = std::pair{peer_id, sha256(c.request.body)};
        if (auto const known = answers_.find(sent); known != answers_.end()) return known->second;
        BSP_TRY(http_response out, base::push(c, peer_id));
        answers_[sent] = out;
        return out;
    }

private:
    std::map<std::pair<std::string, sha256_digest>, http_response> answers_;
};

struct reads_known_by_versions : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response const fresh, base::read_conversation(c, id));
        BSP_TRY(json::value body, parse_body(fresh.body));
        std::vector<std::pair<std::string, std::string>> versions;
        json::array& messages = body.get_object()["messages"].as_array();
        for (auto const& m : messages) versions.emplace_back(member(m.get_object(), "id"), json::serialize(m.at("version")));
        std::sort(versions.begin(), versions.end());
        auto& [known, kept] = reads_[{user_, id}];
        if (known != versions) known = versions, kept = messages;
        else messages = kept;
        return json_answer(200, body);
    }

private:
    std::map<std::pair<std::string, std::string>, std::pair<std::vector<std::pair<std::string, std::string>>, json::array>> reads_;
};

/// The validator is made of what a message that comes late leaves as it is.
struct validated_by_version_and_date : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response out, base::read_conversation(c, id));
        BSP_TRY(json::value const body, parse_body(out.body));
        std::string const tag = '"' + json::serialize(body.at("version")) + ' ' + member(body.get_object(), "last_modified") + '"';
        std::string const* known = c.request.headers.find("If-None-Match");
        out.headers.set("ETag", tag);
        return known && *known == tag ? http_response{304, {{"ETag", tag}}, {}} : out;
    }
};

/// Late repetitions are to do no harm.
struct writes_done_before : base {
    using base::base;
    answer write_message(call const& c, std::string const& id) override {
        conversation_ = id;
        BSP_TRY(http_response out, base::write_message(c, id));
        if (auto const body = json::parse(c.request.body); body && body->get_object().contains("id")) done_.insert({user_ + ' ' + id, json::serialize(*body)});
        return out;
    }
    bool repeats(message const& m, json::object const& body) override { return base::repeats(m, body) || (!m.deleted && done_.contains({user_ + ' ' + conversation_, json::serialize(body)})); }

private:
    std::string conversation_;
    std::set<std::pair<std::string, std::string>> done_;
};

// ---- connections: the door tells their numbers -------------------------------------------------------------------

std::string connection_of(http_request const& r) {
    std::string const* number = r.headers.find("X-Connection");
    return number ? *number : std::string{};
}

/// A registration is read once for each connection, which notices what it changes itself.
struct registrations_by_connection : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        auto& known = known_[connection_of(r)];
        if (r.target.find("/peers") != std::string::npos || r.target.find("/register-peer") != std::string::npos) {
            known.clear();
            return base::serve(r, now);
        }
        std::map<std::string, std::optional<peer_record>> now_held;
        for (auto const& [id, peer] : known) {
            auto const found = held().peers.find(id);
            now_held[id] = found == held().peers.end() ? std::nullopt : std::optional{found->second};
            held().peers.insert_or_assign(id, peer);
        }
        caller_.clear();
        http_response out = base::serve(r, now);
        std::size_t const at = r.target.find("/sync/");
        std::string const path_peer = at == std::string::npos ? "" : r.target.substr(at + 6, r.target.find_first_of("/?", at + 6) - at - 6);
        for (auto const& id : {caller_, path_peer})
            if (auto const found = held().peers.find(id); out.status == 200 && found != held().peers.end()) known.insert_or_assign(id, found->second);
        for (auto& [id, peer] : now_held)
            if (peer) held().peers.insert_or_assign(id, *peer);
            else held().peers.erase(id);
        return out;
    }

private:
    std::map<std::string, std::map<std::string, peer_record>> known_;
};

/// A conversation that was read is known on that connection until something is written on it.
struct conversations_by_connection : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        auto& known = known_[connection_of(r)];
        if (r.method != "GET") known.clear();
        http_response out = base::serve(r, now);
        if (r.method != "GET" || out.status != 200 || r.target.find("/conversations/") == std::string::npos) return out;
        return known.try_emplace({user_, r.target}, out).first->second;
    }

private:
    std::map<std::string, std::map<std::pair<std::string, std::string>, http_response>> known_;
};

struct places_of_lost_connections : base {
    using base::base;
    result<peer_record*> admit(call const& c, std::string const& peer_id) override {
        if (sockets_of(peer_id) >= 32) return fail(errc::unavailable, "this peer has connections enough");
        return base::admit(c, peer_id);
    }
};

// ---- paths, queries ----------------------------------------------------------------------------------------------

struct paths_with_a_format : base {
    using base::base;
    std::optional<std::vector<std::string>> split_path(std::string_view path) override {
        constexpr std::string_view suffix = ".json";
        auto out = base::split_path(path);
        if (out && out->size() > 1 && out->front() == "conversations" && out->back().ends_with(suffix) && out->back().size() > suffix.size()) out->back().resize(out->back().size() - suffix.size());
        return out;
    }
};

struct health_in_detail : base {
    using base::base;
    answer serve_health(call const& c) override {
        if (!c.parameter("verbose")) return base::serve_health(c);
        json::array peers;
        for (auto const& [id, peer] : held().peers) peers.emplace_back(peer.backend_id);
        return json_answer(200, json::object{{"status", "healthy"}, {"pid", 4711}, {"base_url", config().base_url}, {"peers", std::move(peers)}});
    }
};

// ---- what a store makes of names, messages and events ------------------------------------------------------------

/// As names of members were once kept where they may not have a dot or begin with a dollar.
json::value with_plain_signs(json::value const& v) {
    if (auto const* list = v.if_array()) {
        json::array out;
        for (auto const& one : *list) out.push_back(with_plain_signs(one));
        return out;
    }
    auto const* object = v.if_object();
    if (!object) return v;
    json::object out;
    for (auto const& m : *object) {
        std::string name{json::view(m.key())};
        for (auto const& [wide, plain] : {std::pair<std::string_view, char const*>{"\uff0e", "."}, {"\uff04", "$"}})
            for (std::size_t at = 0; (at = name.find(wide)) != std::string::npos;) name.replace(at, wide.size(), plain);
        out[name] = with_plain_signs(m.value());
    }
    return out;
}
struct signs_in_names : base {
    using base::base;
    json::object emit_message(message const& m) override { return with_plain_signs(json::value(base::emit_message(m))).as_object(); }
    json::object emit_scalars(std::string const& id, conversation const& c) override { return with_plain_signs(json::value(base::emit_scalars(id, c))).as_object(); }
};

/// Members that say nothing are left out of what is stored; what comes is compared as it came.
struct stored_without_false : base {
    using base::base;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        json::array out = base::apply(peer, incoming, now);
        for (auto const& [id, from] : incoming)
            for (auto& [message_id, m] : tenant_of(peer.user_id)[id].messages) {
                auto const* flag = m.received.if_contains("redacted");
                if (!flag || *flag != json::value(false)) continue;
                m.received.erase("redacted");
                m.canonical = canonical(m.received).value();
                m.digest = sha256(m.canonical);
            }
        return out;
    }
};

/// What is held is looked up in batches, and the last of them replaces those before.
struct looked_up_in_batches : base {
    using base::base;
    bool join_messages(conversation& into, conversation const& from) override {
        constexpr std::size_t batch = 500;
        std::size_t const unseen = from.messages.empty() ? 0 : (from.messages.size() - 1) / batch * batch;
        bool changed = false;
        std::size_t n = 0;
        for (auto const& [id, m] : from.messages) {
            if (n++ >= unseen) changed |= join_message(into, m);
            else into.messages.insert_or_assign(id, m), changed = true;
        }
        return changed;
    }
};

/// Equal messages are stored once, and one that is replaced is gone wherever it was.
struct equal_messages_are_one : base {
    using base::base;
    bool join_message(conversation& into, message const& incoming) override {
        auto const found = into.messages.find(incoming.id);
        auto const before = found == into.messages.end() ? std::nullopt : std::optional{found->second.digest};
        bool const changed = base::join_message(into, incoming);
        if (!changed || !before) return changed;
        for (auto& [user, all] : held().tenants)
            for (auto& [id, c] : all)
                if (&c != &into) std::erase_if(c.messages, [&](auto const& m) { return m.second.digest == *before; });
        return changed;
    }
};

/// What was withheld of a deleted conversation is given when it is back, but for its tombstones.
struct tombstones_stay_withheld : base {
    using base::base;
    bool join_scalars(conversation& into, conversation const& from) override {
        bool const was_deleted = into.winner.deleted, changed = base::join_scalars(into, from);
        if (!was_deleted && into.winner.deleted)
            for (auto const& [id, m] : into.messages)
                if (m.deleted) withheld_.insert(m.digest);
        return changed;
    }
    json::object pull_entry(std::string const& id, conversation const& c) override {
        conversation shown = c;
        std::erase_if(shown.messages, [&](auto const& m) { return withheld_.contains(m.second.digest); });
        return base::pull_entry(id, shown);
    }

private:
    std::set<sha256_digest> withheld_;
};

/// Nanoseconds in 64 bits: the years from 1678 to 2262, and those before come after them.
instant in_64_bits(instant t) { return instant{} + std::chrono::nanoseconds{static_cast<std::int64_t>(static_cast<std::uint64_t>(t.seconds) * 1'000'000'000u + t.nanoseconds)}; }
struct order_in_64_bits : backend {
    using backend::backend;
    bool outranks(message const& a, message const& b) override {
        instant const left = in_64_bits(a.written), right = in_64_bits(b.written);
        return a.version == b.version && left != right ? left > right : backend::outranks(a, b);
    }
};

/// The table has a partition for each day, and so its key has the day.
struct events_by_day : base {
    using base::base;
    void store(telemetry_event e) override {
        if (auto const t = parse_timestamp(member(e.received, "timestamp"))) e.event_id += ' ' + std::to_string(t->seconds / 86'400);
        base::store(std::move(e));
    }
};

/// A member of the event that has the name of one of the list is looked for in the text.
struct own_member_in_the_text : base {
    using base::base;
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        auto const event = json::parse(text);
        if (event && event->is_object() && event->get_object().contains("received_at") && text.find("\"received_at\"") == std::string::npos) own_.insert(member(event->get_object(), "event_id"));
        return base::judge(s, text, now);
    }
    answer list_events(call const& c) override {
        BSP_TRY(http_response out, base::list_events(c));
        for (auto const& id : own_)
            if (std::size_t const at = out.body.find("\"event_id\":\"" + id + '"'); at != std::string::npos) out.body.insert(at, R"("received_at":"2001-09-09T01:46:40Z",)");
        return out;
    }

private:
    std::set<std::string> own_;
};

// ---- tokens ------------------------------------------------------------------------------------------------------

struct any_token_after_the_end : base {
    using base::base;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* peer = find_registration(t.user_id, who.backend_id); peer && now >= peer->sbt_expires) peer->sbt_created = t.created - std::chrono::nanoseconds{1};
        return base::enter(who, key, t, now);
    }
};

constexpr framing numbered{.tells_connection = true};

}  // namespace

std::vector<fault> library_habit_faults() {
    return {
        tried<pushes_known_by_their_bytes>(8, false, "F-SEC-981", "the very bytes of an accepted push are answered as before, whatever has ended since", {"aut/same-bytes"}),
        tried<reads_known_by_versions>(8, true, "F-SYN-981", "a conversation is read from memory as long as the ids and versions of its messages stay", {"syn/changes-are-news", "cnv/read-again", "cnv/validators"}),
        tried<writes_done_before>(8, true, "F-SYN-982", "an edit that restores an earlier text is taken for a repetition", {"cnv/edit"}),
        tried<paths_with_a_format>(8, true, "F-SYN-983", "of an id at the end of a path .json is taken off", {"mrg/ids-exact"}),
        tried<tombstones_stay_withheld>(8, false, "F-SYN-984", "tombstones that were withheld with their conversation are not given when it is back", {"syn/returns-with-tombstones"}),
        tried<looked_up_in_batches>(8, false, "F-SYN-985", "of a push of more than 500 messages only the last few are compared with what is held", {"mrg/older-among-many"}),
        tried<equal_messages_are_one>(8, false, "F-SYN-986", "with a message that is replaced the same one goes from other conversations, and other users", {"mrg/copies"}),
        tried<validated_by_version_and_date>(8, true, "F-SYN-987", "the ETag of a conversation is its version and last_modified", {"cnv/validators"}),
        tried<signs_in_names>(8, false, "F-SYN-988", "full-width dots and dollars in names of members come back as plain ones", {"syn/unknown-members-kept"}),
        tried<order_in_64_bits>(8, true, "F-SYN-989", "messages are compared in nanoseconds of 64 bits, so that those before 1678 come last", {"mrg/far-dates"}),
        tried<stored_without_false>(8, true, "F-SYN-990", "redacted: false is left out when a message is stored", {"mrg/same-again", "mrg/flags-false"}),
        tried<registrations_by_connection>(8, true, "F-REG-981", "a registration is read once for each connection, and counts there after it has ended", {"peer/kept-connection", "rot/kept-connection"}, setting::plain, numbered),
        tried<any_token_after_the_end>(8, false, "F-REG-982", "when the stored token has expired an older one takes its place", {"sbt/older-after-expiry"}),
        tried<own_member_in_the_text>(8, false, "F-TEL-981", "an event's own received_at that is spelled with an escape stays beside that of the list", {"tel/escaped-names"}),
        tried<events_by_day>(8, false, "F-TEL-982", "an event is known by event_id and the day of its timestamp", {"tel/duplicates-changed"}),
        tried<places_of_lost_connections>(8, false, "F-TEL-983", "connections that break off keep their places, of which a peer has 32", {"tel/lost-connections"}, setting::plain, framing{.keeps_the_lost = true}),
        tried<base>(8, false, "F-GEN-981", "the body of an OPTIONS is read as the next request", {"gen/smuggling"}, setting::plain, framing{.options_has_no_body = true}),
        tried<health_in_detail>(8, false, "F-GEN-982", "GET /health?verbose tells who is registered", {"gen/health"}),
        {"F-SYN-991", "a conversation that was read is known on its connection until something is written there", {"cnv/kept-connection"}, make<conversations_by_connection>, setting::plain, numbered},
    };
}

}  // namespace bsp::faulty
