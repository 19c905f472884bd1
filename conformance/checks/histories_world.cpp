#include "histories_world.hpp"

#include "../surroundings.hpp"
#include "ground.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <utility>

namespace bsp::conformance::histories {
namespace {

constexpr char const* names_of_messages[] = {"m1", "M1", "m10"};
constexpr std::int64_t versions[] = {1, 2, 10, 3};
// Four instants, three of them spelled twice; as text they sort otherwise. The last draw is an hour ahead.
constexpr char const* instants[] = {"2025-03-04T05:06:07Z",    "2025-03-04T05:06:07.5Z",        "2025-03-04T06:06:07+01:00", "2025-03-04T05:06:08Z",
                                    "2025-03-04T05:06:07.500", "2025-03-04T05:06:07.500000001Z", "2025-03-03T23:06:08-06:00"};
constexpr char const* contents[] = {"a", "b", "\xC3\xA9\xF0\x9F\x98\x80"};
constexpr char const* surfaces[] = {"web", "ios", "bsp-x"};

template <class T, std::size_t N>
T const& pick(T const (&all)[N], int n) {
    return all[static_cast<std::size_t>(n) % N];
}

json::value as_list(std::vector<json::object> const& all) {
    json::array out;
    for (auto const& one : all) out.emplace_back(one);
    return out;
}

}  // namespace

world::world(scenario& s, options const& o) : s_{s}, options_{o}, begin_{s.in_seconds(-5)}, future_{s.in_seconds(3600)}, started_{s.now()} {
    ids_ = {s.fresh("c"), s.fresh("d")};
    for (int i = 0; i < o.users; ++i) {
        auto const& account = i == 0 ? s.account() : s.other_account();
        people_.push_back({account, s.user(account), {}, s.fresh(i == 0 ? "one" : "two")});
    }
    for (int i = 0; i < 2; ++i) slots_.push_back({s.fresh_backend_id()});
    for (std::size_t u = 0; u < people_.size(); ++u)
        for (int i = 0; i < std::max(1, o.peers); ++i) {
            auto const r = s.settled({.user = people_[u].account});
            add(s.register_peer(r), u, *r.backend_id, "its own");
        }
}

world::station& world::add(peer const& who, std::size_t of, std::string backend, std::string key) {
    stations_.push_back(std::make_unique<station>(station{who, of, std::move(backend), std::move(key)}));
    stations_.back()->fed.since = begin_;
    return *stations_.back();
}

// ---- what is sent -------------------------------------------------------------------------------------------

json::object world::message_of(person const& u, message_draft const& d) const {
    auto const& [id, version, moment, flags, content] = d;
    bool const is_deleted = flags == 1;
    return s_.message(pick(names_of_messages, id), is_deleted ? std::string{} : pick(contents, content) + (" " + u.marker), pick(versions, version), [&, moment = moment, flags = flags, content = content](json::object& m) {
        m["timestamp"] = moment == 7 ? future_ : pick(instants, moment);
        m["surface"] = pick(surfaces, content);
        if (is_deleted) m["deleted"] = true;
        if (flags == 2) m["redacted"] = true;
        if (flags == 3) m["x_note"] = content;
    });
}

json::object world::entry_of(person const& u, std::string const& conversation, entry_draft const& d, std::vector<json::object> messages) {
    auto const& [version, moment, title, flags] = d;
    auto out = s_.conversation(conversation, pick(versions, version), std::move(messages), [&, version = version, moment = moment, title = title, flags = flags](json::object& o) {
        o["last_modified"] = moment == 7 ? future_ : pick(instants, moment);
        if (title > 0) o["title"] = "title " + std::to_string(title) + " " + u.marker;
        if (title == 2) o["x_mark"] = json::array{1, u.marker};
        o["surfaces"] = title == 1 ? json::array{"ios", "ios", "list-" + std::to_string(version)} : json::array{};
        if (flags == 1) o["deleted"] = true;
        if (flags == 2) o["redacted"] = true;
    });
    while (is_tie(u, out)) out["version"] = integer_at(out, "/version") + 1;
    return out;
}

/// Whether the entry equals another write in version and instant and differs in something else: which of the two stands is the
/// server's own rule (BSP-MRG-031). Remembers it if not.
bool world::is_tie(person const& u, json::object const& entry) {
    auto const id = text_at(entry, "/conversation_id");
    if (auto const held = u.state.find(id); held != u.state.end() && held->second.ties_with_local(entry)) return true;
    json::object write = entry;
    write.erase("messages");
    write.erase("surfaces");
    auto const [known, is_new] = writes_.try_emplace({u.account.id, id, integer_at(entry, "/version"), when(text_at(entry, "/last_modified"))}, model::octets(write));
    return known->second != model::octets(write);
}

/// One entry, or two of which the second carries the last message: for the same conversation or the other one.
std::vector<json::object> world::entries_of(person const& u, command const& c) {
    auto const& [what, who, where, entry, drafts, variant] = c;
    std::vector<json::object> messages, out;
    for (auto const& d : drafts)
        if (messages.size() < 3) messages.push_back(message_of(u, d));
    if (messages.size() > 1 && variant % 3 > 0) {
        auto last = std::move(messages.back());
        messages.pop_back();
        auto const [version, moment, title, flags] = entry;
        out.push_back(entry_of(u, conversation_of(where + variant % 3), {version + 1, moment, title + 1, flags}, {std::move(last)}));
    }
    out.insert(out.begin(), entry_of(u, conversation_of(where), entry, std::move(messages)));
    return out;
}

// ---- commands -----------------------------------------------------------------------------------------------

void world::perform(command const& c) {
    auto const& [what, who, where, entry, drafts, variant] = c;
    if (what == kind::restart) return s_.restart();
    if (what == kind::kill) return s_.kill_and_restart();
    if (what == kind::enrol) return enrol(c);
    if (what == kind::pair_again) return pair_again(c);
    if (what == kind::run_out) return run_out(c);
    if (what == kind::unpair || what == kind::revoke) {
        auto* const one = removable(who);
        if (one) what == kind::unpair ? unpair(*one, variant) : revoke(*one);
        return;
    }

    auto& p = *stations_[static_cast<std::size_t>(who) % stations_.size()];
    bool const by_user = variant % 2 == 0;
    if (!p.live && !(by_user && (what == kind::write || what == kind::delete_message || what == kind::delete_conversation || what == kind::read))) return is_gone(p);
    auto const entries = entries_of(people_[p.of], c);
    auto* const by = by_user ? nullptr : &p;
    switch (what) {
        case kind::push: {
            push_options o;
            if (variant % 4 == 3 && !p.refused_id.empty()) o.sync_id = std::exchange(p.refused_id, {});  // BSP-SYN-073
            return push(p, entries, o, "a push");
        }
        case kind::write: return write(by, p.of, c);
        case kind::delete_message: return delete_message(by, p.of, c);
        case kind::delete_conversation: return delete_conversation(by, p.of, c);
        case kind::pull: return pull(p, variant);
        case kind::read: return read(p.of, by ? static_cast<caller const&>(p.who) : people_[p.of].self, conversation_of(where));
        case kind::push_again:
        case kind::push_other_body:
        case kind::push_id_of_another_peer: return push_known_id(p, c, entries);
        case kind::assertion_again: return write_twice(p, c);
        case kind::write_with_other_secret:
        case kind::delete_with_other_secret:
        case kind::read_with_other_key: return refused_with_other_secret(p, c);
        default: return refused_push(p, c, entries);
    }
}

void world::push(station& p, std::vector<json::object> entries, push_options o, std::string const& what) {
    if (!o.sync_id) o.sync_id = s_.fresh("s");
    auto const list = as_list(entries);
    using outcome = model::accepted_pushes::outcome;
    auto const due = pushes_.of(p.who.peer_id(), *o.sync_id, list);
    auto const x = p.who.push(entries, o);
    nothing_of_others(p.of, x);
    if (due == outcome::reuse) return s_.refused(x, "a push with the sync_id of another");
    s_.accepted(x, what);
    s_.expect(x.text("/acked_sync_id") == *o.sync_id, "acked_sync_id is the push's", x.text("/acked_sync_id"));
    if (due == outcome::repetition) return;
    auto& state = people_[p.of].state;
    expect_conflicts("the answer to " + what, state, entries, x);
    joined(p, *o.sync_id, std::move(entries));
}

void world::joined(station& p, std::string const& sync_id, std::vector<json::object> entries) {
    for (auto const& e : entries) people_[p.of].state[text_at(e, "/conversation_id")].join(e);
    pushes_.accepted(p.who.peer_id(), sync_id, as_list(entries));
    p.accepted.push_back({sync_id, std::move(entries)});
}

void world::push_known_id(station& p, command const& c, std::vector<json::object> entries) {
    auto const what = std::get<kind>(c);
    auto const variant = static_cast<std::size_t>(std::get<5>(c));
    if (what == kind::push_id_of_another_peer) {
        for (auto const& other : stations_)
            if (other.get() != &p && !other->accepted.empty()) return push(p, std::move(entries), {.sync_id = other->accepted.back().sync_id}, "a push with the sync_id of another peer's");
        return;
    }
    if (p.accepted.empty()) return;
    auto const sent = p.accepted[variant % p.accepted.size()];
    if (what == kind::push_again) push(p, sent.entries, {.sync_id = sent.sync_id}, "the repetition of an accepted push");
    else push(p, std::move(entries), {.sync_id = sent.sync_id}, "a push with a known sync_id");  // other conversations as a rule
}

void world::refused_push(station& p, command const& c, std::vector<json::object> entries) {
    auto const variant = std::get<5>(c);
    auto const& other = *stations_[static_cast<std::size_t>(std::get<1>(c) + 1) % stations_.size()];
    bool const has_other = other.who.signing_key() != p.who.signing_key();
    push_options o{.sync_id = s_.fresh("s")};
    std::string what;
    auto const how = std::get<kind>(c);
    // Of what was accepted before, a repetition is checked like any other push.
    if (variant % 3 == 2 && !p.accepted.empty() && (how == kind::signed_by_another || how == kind::signature_missing)) {
        o.sync_id = p.accepted.back().sync_id;
        entries = p.accepted.back().entries;
    }
    switch (how) {
        case kind::forged:
            what = "a push changed after it was signed";
            o.after_signing = [variant](json::object& body) {
                if (variant % 4 == 0) first_conversation(body)["title"] = "forged";
                else if (variant % 4 == 1) first_conversation(body)["version"] = 99;
                else if (variant % 4 == 2) first_conversation(body)["x_forged"] = true;
                else body["sync_id"] = "forged-" + text_at(body, "/sync_id");
            };
            break;
        case kind::signed_by_another:
            if (!has_other) return;
            what = "a push signed with another peer's key";
            o.signer = other.who.signing_key();
            break;
        case kind::to_another_path:
            if (!has_other) return;
            what = "a push to another peer's path";
            o.path = "/sync/" + other.who.peer_id();
            if (variant % 2 == 1)
                o.before_signing = [](json::object& body) {
                    body.erase("peer_id");
                    body.erase("source_backend_id");
                };
            break;
        case kind::signature_missing:
            what = "a push without a signature";
            o.sign = false;
            if (variant % 2 == 1) o.after_signing = [](json::object& body) { body["signature"] = ""; };
            break;
        case kind::not_fresh:
            what = "a push that is not fresh";
            o.timestamp = s_.in_seconds(variant % 2 == 0 ? -400 : 400);
            break;
        case kind::cut_short:
            what = "a push cut short";
            o.bytes = [variant](std::string text) { return text.substr(0, text.size() - 1 - static_cast<std::size_t>(variant)); };
            break;
        case kind::invalid_item: {
            what = "a push with an item that is not valid";
            auto const& u = people_[p.of];
            auto bad = message_of(u, {});
            if (variant % 5 == 0) bad.erase("content");
            else if (variant % 5 == 1) bad["version"] = -1;
            else if (variant % 5 == 2) bad["role"] = 5;
            else if (variant % 5 == 3) bad["timestamp"] = s_.in_seconds(48 * 3600);
            auto last = entry_of(u, conversation_of(std::get<2>(c) + variant / 5), {}, {std::move(bad)});
            if (variant % 5 == 4) last.erase("last_modified");
            entries.push_back(std::move(last));
            break;
        }
        case kind::other_names:
            what = "a push with the name of another backend";
            o.before_signing = [&, variant](json::object& body) {
                if (variant % 3 == 0) body["target_backend_id"] = s_.fresh_backend_id(s_.identity().backend_type);
                else if (variant % 3 == 1) body["source_backend_id"] = s_.fresh_backend_id();
                else body["peer_id"] = p.who.peer_id().substr(0, p.who.peer_id().size() - 1) + (p.who.peer_id().ends_with('0') ? "1" : "0");
            };
            break;
        default: return;
    }
    auto const x = p.who.push(std::move(entries), o);
    s_.refused(x, what);
    nothing_of_others(p.of, x);
    p.refused_id = *o.sync_id;
}

void world::write(station* by, std::size_t of, command const& c) {
    auto const& [what, number, where, entry, drafts, variant] = c;
    auto& u = people_[of];
    auto const& who = by ? static_cast<caller const&>(by->who) : u.self;
    auto const& conversation = conversation_of(where);
    auto& state = u.state[conversation];
    auto const draft = drafts.empty() ? message_draft{} : drafts.front();
    std::optional<std::string> id, title;
    if (variant % 3 > 0) id = pick(names_of_messages, std::get<0>(draft));
    if (std::get<2>(entry) > 0) title = "title " + std::to_string(std::get<2>(entry)) + " " + u.marker;
    auto content = std::string{pick(contents, std::get<4>(draft))} + " " + u.marker;

    auto const* held = id ? state.held().find(*id) : nullptr;
    bool const is_live = held && !model::is_true(*held, "deleted");
    bool const equal = is_live && text_at(*held, "/role") == "user" && text_at(*held, "/surface") == "web" && text_at(*held, "/content") == content;
    bool const repeats = equal && !state.deleted();
    // Whether the words alone repeat a message is not said, nor whether anything repeats one of a deleted conversation.
    if (is_live && text_at(*held, "/content") == content && !repeats) content += "!";
    if (repeats) title.reset();

    auto const x = who.write(conversation, content, [&](json::object& o) {
        if (id) o["id"] = *id;
        if (title) o["title"] = *title;
    });
    nothing_of_others(of, x);
    s_.accepted(x, "a local write");
    auto const m = x.body().is_object() ? x.body().get_object() : json::object{};
    if (repeats) return s_.expect(same(m, *held), "the write repeats a message and gets it: " + show(*held), show(m));

    auto const version = state.next_version();
    s_.expect(model::is_message(m) && (!id || text_at(m, "/id") == *id), "the answer is the stored message", show(m));
    if (!id) s_.expect(!state.held().find(text_at(m, "/id")), "a new id for a message without one", text_at(m, "/id"));
    s_.expect(integer_at(m, "/version") == version, "the local write has version " + std::to_string(version), std::to_string(integer_at(m, "/version")));
    s_.expect(text_at(m, "/content") == content && text_at(m, "/role") == "user" && text_at(m, "/surface") == "web" && !model::is_true(m, "deleted"),
              "the stored message is the one that was written, content " + show(json::value(content)), show(m));
    state.join_local(m);
    auto const shown = u.self.read(conversation);
    s_.accepted(shown, "reading the conversation after a local write");
    learn(of, conversation, shown.body(), title);
}

void world::write_twice(station& p, command const& c) {
    auto& u = people_[p.of];
    bool const by_user = std::get<5>(c) % 2 == 0;
    auto const& who = by_user ? u.self : static_cast<caller const&>(p.who);
    auto const& conversation = conversation_of(std::get<2>(c));
    auto& state = u.state[conversation];
    auto const path = "/conversations/" + percent_encode_segment(conversation) + "/messages";
    auto const authorization = who.authorization("POST", path);
    auto const version = state.next_version();
    auto const first = who.write(conversation, "once " + u.marker, {}, {.authorization = authorization});
    s_.accepted(first, "a local write");
    s_.expect(first.body().is_object() && model::is_message(first.body().get_object()) && integer_at(first.body(), "/version") == version,
              "the answer is the stored message, version " + std::to_string(version), show(first.body()));
    state.join_local(first.body().get_object());
    s_.refused(who.write(conversation, "twice " + u.marker, {}, {.authorization = authorization}), "a write with an assertion that was used before");
    auto const shown = u.self.read(conversation);
    s_.accepted(shown, "reading the conversation after a local write");
    learn(p.of, conversation, shown.body(), {});
}

void world::delete_message(station* by, std::size_t of, command const& c) {
    auto& u = people_[of];
    auto const& who = by ? static_cast<caller const&>(by->who) : u.self;
    auto const& conversation = conversation_of(std::get<2>(c));
    auto const& drafts = std::get<4>(c);
    std::string const id = pick(names_of_messages, drafts.empty() ? 0 : std::get<0>(drafts.front()));
    auto const held = u.state.find(conversation);
    auto const* m = held == u.state.end() || held->second.deleted() ? nullptr : held->second.held().find(id);
    auto const x = who.del("/conversations/" + percent_encode_segment(conversation) + "/messages/" + id);
    nothing_of_others(of, x);
    if (!m || model::is_true(*m, "deleted")) return s_.expect(x.answered() && x.status() < 500, "the deletion of what is not there is answered", x.describe());

    auto& state = held->second;
    auto const version = state.next_version();
    s_.accepted(x, "the deletion of a message");
    s_.expect(integer_at(x.body(), "/version") == version, "the tombstone has version " + std::to_string(version), show(x.body()));
    auto const fed = fed_now(of, conversation);
    auto const* tombstone = find_by_id(fed, "/messages", id);
    s_.expect(tombstone && model::is_message(*tombstone) && model::is_true(*tombstone, "deleted") && text_at(*tombstone, "/content").empty() && integer_at(*tombstone, "/version") == version,
              "a pull has the tombstone of " + id + ", version " + std::to_string(version), tombstone ? show(*tombstone) : "it is absent");
    state.join_local(*tombstone);
    learn(of, conversation, fed, {});
}

void world::delete_conversation(station* by, std::size_t of, command const& c) {
    if (!options_.deletes_conversations) return;
    auto& u = people_[of];
    auto const& who = by ? static_cast<caller const&>(by->who) : u.self;
    auto const& conversation = conversation_of(std::get<2>(c));
    auto const held = u.state.find(conversation);
    auto const x = who.del("/conversations/" + percent_encode_segment(conversation));
    nothing_of_others(of, x);
    if (held == u.state.end() || !held->second.exists() || held->second.deleted()) return s_.expect(x.answered() && x.status() < 500, "the deletion of what is not there is answered", x.describe());

    auto const version = held->second.next_version();
    s_.accepted(x, "the deletion of a conversation");
    s_.expect(integer_at(x.body(), "/version") == version, "the tombstone has version " + std::to_string(version), show(x.body()));
    auto const fed = fed_now(of, conversation);
    s_.expect(fed.is_object() && model::is_true(fed.get_object(), "deleted"), "a pull has the tombstone of the conversation", show(fed));
    auto const before = held->second.emitted();
    s_.expect(integer_at(fed, "/version") == version && when(text_at(fed, "/last_modified")) >= when(text_at(before, "/last_modified")),
              "its version is " + std::to_string(version) + " and its last_modified not before " + text_at(before, "/last_modified"), show(fed));
    held->second.write_local(fed.get_object());
}

void world::refused_with_other_secret(station& p, command const& c) {
    auto const& u = people_[p.of];
    auto const& conversation = conversation_of(std::get<2>(c));
    auto const path = "/conversations/" + percent_encode_segment(conversation);
    auto const variant = std::get<5>(c);
    auto const& other_user = people_[(p.of + 1) % people_.size()];
    bool const has_other_user = other_user.account.id != u.account.id;
    call_options o{.secret = has_other_user ? other_user.account.secret : "not-the-secret-of-this-user-0123456789abcdef"};
    if (has_other_user && variant % 3 == 1) o = {.claims = [&](json::object& claims) { claims["iss"] = other_user.account.id; }};
    switch (std::get<kind>(c)) {
        case kind::write_with_other_secret: return s_.refused(u.self.write(conversation, "forged", {}, o), "a write in the name of somebody else");
        case kind::delete_with_other_secret: return s_.refused(u.self.del(path, o), "a deletion in the name of somebody else");
        default: break;
    }
    auto const& stranger = *stations_[static_cast<std::size_t>(std::get<1>(c) + 1) % stations_.size()];
    if (stranger.who.signing_key() == p.who.signing_key()) return;
    if (variant % 3 == 0) return s_.refused(p.who.pull({.since = begin_}, {.signer = stranger.who.signing_key()}), "a pull signed with another peer's key");
    if (variant % 3 == 1) return s_.refused(p.who.read(conversation, {.signer = stranger.who.signing_key()}), "a read signed with another peer's key");
    s_.refused(p.who.get("/sync/" + stranger.who.peer_id() + "?since=" + percent_encode_segment(begin_)), "a pull from another peer's path");
}

// ---- pulls --------------------------------------------------------------------------------------------------

/// One page, with what is kept of the page before. Whether more follow.
bool world::pull_page(station& p, std::optional<int> limit, bool with_since) {
    auto& r = p.fed;
    bool const goes_on = !r.cursor.empty();
    auto const x = p.who.pull({.since = goes_on && !with_since ? std::string{} : r.since, .cursor = r.cursor, .limit = limit});
    nothing_of_others(p.of, x);
    s_.accepted(x, "a pull");
    auto const entries = objects_at(x.body(), "/conversations");
    s_.expect(entries.size() <= static_cast<std::size_t>(limit.value_or(100)), "a page of at most " + std::to_string(limit.value_or(100)) + " entries", std::to_string(entries.size()));
    for (auto const& e : entries) {
        auto const id = text_at(e, "/conversation_id");
        if (std::find(ids_.begin(), ids_.end(), id) == ids_.end()) continue;
        auto const live = without_tombstones(e);
        s_.expect(!model::is_true(e, "deleted") || live.empty(), "the entry of the deleted conversation " + id + " has no messages", in_brief(live));
        r.entries.insert_or_assign(id, e);
        for (auto const& m : objects_at(e, "/messages")) {
            s_.expect(model::is_message(m), "the messages of a pull have id, version and timestamp", show(m));
            r.messages[id].join(m);
        }
    }
    auto const* more = x.at("/has_more");
    s_.expect(more && more->is_bool(), "has_more is a boolean", more ? show(*more) : "absent");
    r.cursor = more->get_bool() ? x.text("/cursor") : std::string{};
    if (more->get_bool()) s_.expect(!r.cursor.empty(), "a page with has_more true has a cursor", "it has none");
    else r.since = x.text("/last_sync");
    if (!more->get_bool()) s_.expect(parse_timestamp(r.since).has_value(), "last_sync is a timestamp", show(x.body(), 120));
    return more->get_bool();
}

void world::pull(station& p, int variant) {
    static constexpr int limits[] = {1, 100, 2, 3};
    auto const limit = pick(limits, variant);
    if (pull_page(p, limit, variant % 2 == 0) && variant % 8 < 4) pull_to_the_end(p, limit);  // else the cursor is kept for later
}

void world::pull_to_the_end(station& p, int limit) {
    constexpr int pages_max = 2000, small_pages = 12;  // others may have written much
    for (int pages = 0; pull_page(p, pages < small_pages ? limit : 200, pages % 2 == 0); ++pages) s_.expect(pages < pages_max, "the pages of a pull come to an end", std::to_string(pages_max) + " pages, and has_more is still true");
}

/// The witness's view of a conversation that was just committed, or null.
json::value world::fed_now(std::size_t of, std::string const& conversation) {
    auto const witness = std::find_if(stations_.begin(), stations_.end(), [&](auto const& p) { return p->of == of; });
    auto const fed = of_conversation((*witness)->who.pull_all({.since = s_.in_seconds(-5), .limit = 200}).conversations, conversation);
    if (!fed.present) return {};
    auto whole = fed.entry.get_object();
    whole["messages"] = as_list(fed.messages);  // it may have been spread over several entries
    return whole;
}

// ---- registrations ------------------------------------------------------------------------------------------

void world::enrol(command const& c) {
    auto const& [what, who, where, entry, drafts, variant] = c;
    auto const of = static_cast<std::size_t>(who) % people_.size();
    auto& slot = slots_[static_cast<std::size_t>(where) % slots_.size()];
    auto const [version, moment, title, flags] = entry;
    auto const number = static_cast<std::size_t>(flags == 1);
    if (!slot.keys[number]) slot.keys[number] = options_.revokes && may_revoke() ? s_.fresh_key() : s_.key();
    auto const key = slot.id + " key " + std::to_string(number);

    // Two tokens of before the history, the rest later than everything in it.
    static constexpr int created[] = {120, 60, 180, -300, -600, 120};
    static constexpr int lifetimes[] = {8 * 3600, 3600};
    model::registrations::registration wanted;
    wanted.key = key;
    wanted.created_at = format_timestamp(started_ + std::chrono::seconds{pick(created, moment)});
    wanted.expires_at = format_timestamp(started_ + std::chrono::seconds{pick(created, moment) + pick(lifetimes, version)});
    wanted.capabilities = title == 0 ? json::array{"offline"} : json::array{"offline", "x" + std::to_string(title)};
    auto const r = s_.settled({.user = people_[of].account,
                               .backend_id = slot.id,
                               .signing_key = slot.keys[number],
                               .sbt = [&](json::object& o) { o["created_at"] = wanted.created_at, o["expires_at"] = wanted.expires_at; },
                               .identity = [&](json::object& o) { o["capabilities"] = wanted.capabilities; }});
    auto const& user = people_[of].account.id;
    using outcome = model::registrations::outcome;
    auto const due = registrations_.of(user, slot.id, key, wanted.created_at);
    auto const x = s_.try_register(r);
    if (due == outcome::other_key) return s_.refused(x, "a registration with another key");
    if (due == outcome::too_old) return s_.refused(x, "a registration with a token of before the unpairing");
    if (due == outcome::locked_out) return s_.refused(x, "a registration of a revoked backend");
    if (due == outcome::either && x.client_error()) return;
    s_.accepted(x, due == outcome::is_new ? "a registration" : "a repeated registration");
    wanted.peer_id = x.text("/peer_id");
    if (due != outcome::is_new) {
        auto const& held = *registrations_.find(user, slot.id);
        s_.expect(wanted.peer_id == held.peer_id, "the peer_id of the existing registration", wanted.peer_id);
    } else {
        s_.expect(!registrations_.used(wanted.peer_id), "a peer_id that was never used before", wanted.peer_id);
        add(s_.peer_of(x, r), of, slot.id, key);
    }
    registrations_.accepted(user, slot.id, wanted);
}

/// The backend that was unpaired last, once more. Like `enrol` when there is none.
void world::pair_again(command const& c) {
    auto again = c;
    std::get<kind>(again) = kind::enrol;
    for (auto const& p : stations_)
        for (std::size_t slot = 0; slot < slots_.size(); ++slot)
            if (!p->live && p->backend == slots_[slot].id) {
                std::get<1>(again) = static_cast<int>(p->of);
                std::get<2>(again) = static_cast<int>(slot);
                auto& [version, moment, title, flags] = std::get<entry_draft>(again);
                moment = 2;  // later than anything in the history
                flags = p->key.ends_with('1') ? 1 : 0;
            }
    enrol(again);
}

/// A backend pairs with a token that ends in a moment, and is refused from then on, until it brings a newer one.
void world::run_out(command const& c) {
    constexpr std::chrono::milliseconds moment{1'500};
    constexpr std::chrono::seconds clocks_apart{4};  // the target's clock is known to a few seconds only
    auto const of = static_cast<std::size_t>(std::get<1>(c)) % people_.size();
    auto const end = s_.now() + moment;
    auto r = s_.settled({.user = people_[of].account});
    auto const newer = r;
    r.sbt = [&](json::object& o) { o["created_at"] = s_.in_seconds(-60), o["expires_at"] = format_timestamp(end); };
    auto const x = s_.try_register(r);
    if (x.client_error()) return;  // it has run out already, by the target's clock
    s_.accepted(x, "a registration with a token that ends in a moment");
    auto& p = add(s_.peer_of(x, r), of, *r.backend_id, "its own");
    auto entries = entries_of(people_[of], c);
    auto const sync_id = s_.fresh("s");
    if (p.who.push(entries, {.sync_id = sync_id}).ok()) joined(p, sync_id, std::move(entries));

    auto refused = p.who.pull({.since = begin_, .limit = 1});
    for (s_.wait_until(end); refused.ok() && s_.now() < end + clocks_apart; refused = p.who.pull({.since = begin_, .limit = 1})) s_.wait_until(s_.now() + std::chrono::milliseconds{50});
    s_.refused(refused, "a pull of a peer whose token has run out");
    p.live = false;
    is_gone(p);
    if (std::get<5>(c) % 2 == 1) return;
    auto const again = s_.try_register(newer);
    s_.accepted(again, "a registration with a newer token");
    s_.expect(again.text("/peer_id") == p.who.peer_id(), "the peer_id of before", again.text("/peer_id"));
    p.live = true;
}

/// One of the registrations that may go; those of the beginning stay.
world::station* world::removable(int who) {
    std::vector<station*> all;
    for (auto const& p : stations_)
        if (auto const* held = registrations_.find(people_[p->of].account.id, p->backend); held && p->live && held->peer_id == p->who.peer_id()) all.push_back(p.get());
    return all.empty() ? nullptr : all[static_cast<std::size_t>(who) % all.size()];
}

void world::unpair(station& p, int variant) {
    auto const x = variant % 2 == 0 ? p.who.unpair() : people_[p.of].self.del("/peers/" + p.who.peer_id());
    s_.accepted(x, "an unpairing");
    registrations_.unpaired(people_[p.of].account.id, p.backend, s_.now());
    p.live = false;
    is_gone(p);
}

bool world::may_revoke() const { return s_.target_is_hosted() && s_.shared().options.admin_token; }

void world::revoke(station& p) {
    if (!may_revoke()) return;
    s_.accepted(s_.admin().del("/peers/" + p.who.peer_id()), "a revocation");
    registrations_.revoked(p.backend, p.key);
    for (auto const& other : stations_)
        if (other->backend == p.backend || other->key == p.key) other->live = false;
    is_gone(p);
}

/// Nothing that a removed peer sends is accepted.
void world::is_gone(station& p) {
    auto const& u = people_[p.of];
    s_.refused(p.who.push({entry_of(u, ids_[0], {}, {message_of(u, {})})}), "a push of a removed peer");
    s_.refused(p.who.pull({.since = begin_}), "a pull of a removed peer");
    s_.refused(p.who.read(ids_[0]), "a read of a removed peer");
    s_.refused(p.who.write(ids_[0], "from beyond"), "a write of a removed peer");
}

// ---- at once ------------------------------------------------------------------------------------------------

void world::perform_together(std::vector<command> const& commands) {
    struct one {
        station* by;
        std::vector<json::object> entries;
    };
    std::vector<one> sent;
    std::vector<std::function<exchange()>> calls;
    for (auto const& c : commands) {
        auto& p = *stations_[static_cast<std::size_t>(std::get<1>(c)) % stations_.size()];
        auto entries = entries_of(people_[p.of], c);
        http_request request{"POST", s_.target_path("/sync/" + p.who.peer_id()), {}, json::serialize(p.who.payload(entries)), {}};
        calls.push_back([this, &p, request = std::move(request)] { return s_.send(request, p.who.name(), "POST /sync  beside others"); });
        sent.push_back({&p, std::move(entries)});
    }
    auto const answers = s_.together(calls);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        auto const& x = answers[i];
        nothing_of_others(sent[i].by->of, x);
        s_.expect(x.ok() || x.status() == 503, "a valid push is accepted", x.describe());
        if (!x.ok()) continue;
        s_.accepted(x, "a push beside others");
        for (auto const& e : sent[i].entries) people_[sent[i].by->of].state[text_at(e, "/conversation_id")].join(e);
    }
}

}  // namespace bsp::conformance::histories
