#include "histories_world.hpp"

#include "ground.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <set>

// What the target says, held against the model.

namespace bsp::conformance::histories {

std::vector<json::object> without_tombstones(json::value const& in) {
    auto out = objects_at(in, "/messages");
    std::erase_if(out, [](json::object const& m) { return model::is_true(m, "deleted"); });
    return out;
}

std::string in_brief(std::vector<json::object> const& messages) {
    std::string out;
    for (auto const& m : messages) out += (out.empty() ? "" : ", ") + text_at(m, "/id") + " v" + std::to_string(integer_at(m, "/version"));
    return out.empty() ? "no messages" : out;
}

instant when(std::string const& text) {
    auto const read = parse_timestamp(text);
    return read ? *read : instant{};
}

namespace {

std::string in_brief(std::set<std::string> const& words) { return show(std::vector<std::string>{words.begin(), words.end()}); }

}  // namespace

void world::nothing_of_others(std::size_t of, exchange const& x) {
    for (std::size_t u = 0; u < people_.size(); ++u)
        if (u != of) s_.expect(x.bytes().find(people_[u].marker) == std::string::npos, "an answer to " + people_[of].account.id + " has nothing of " + people_[u].account.id + "'s", "a text of the other user is in it");
}

/// Members that the histories use are the expected ones or absent; what else a server shows is its own affair.
void world::expect_members(std::string const& what, json::object const& expected, json::value const& got) {
    static constexpr char const* names[] = {"conversation_id", "version", "last_modified", "source_backend", "title", "deleted", "redacted", "x_mark", "x_forged"};
    for (auto const* name : names) {
        auto const* want = expected.if_contains(name);
        auto const* have = got.is_object() ? got.get_object().if_contains(name) : nullptr;
        s_.expect(want ? have && same(*want, *have) : !have, std::string{name} + " of " + what + ": " + (want ? show(*want) : "absent"), have ? show(*have) : "absent");
    }
}

void world::expect_surfaces(std::string const& what, model::conversation const& expected, json::value const& got) {
    auto const* list = at(got, "/surfaces");
    s_.expect(list && list->is_array(), "surfaces of " + what + ": an array", list ? show(*list) : "absent");
    std::set<std::string> have;
    for (auto const& one : list->get_array()) {
        auto const* word = one.if_string();
        s_.expect(word && expected.surfaces_allowed().contains(std::string{json::view(*word)}), "surfaces of " + what + ": at most " + in_brief(expected.surfaces_allowed()), show(*list));
        s_.expect(have.emplace(json::view(*word)).second, "surfaces of " + what + ": none twice", show(*list));
    }
    auto const due = expected.surfaces_due();
    s_.expect(std::includes(have.begin(), have.end(), due.begin(), due.end()), "surfaces of " + what + ": at least " + in_brief(due), show(*list));
}

void world::expect_messages(std::string const& what, std::vector<json::object> const& expected, std::vector<json::object> const& got) {
    s_.expect(in_brief(expected) == in_brief(got), what + ": " + in_brief(expected), in_brief(got));
    for (std::size_t i = 0; i < expected.size(); ++i)
        s_.expect(same(expected[i], got[i]), what + ": " + show(expected[i], 400), show(got[i], 400));
}

void world::expect_conflicts(std::string const& what, model::conversations const& before, std::vector<json::object> const& entries, exchange const& x) {
    auto const* list = x.at("/conflicts");
    s_.expect(list && list->is_array(), "conflicts of " + what + ": an array", list ? show(*list) : "absent");
    std::map<std::pair<std::string, std::string>, std::vector<json::object>> pushed;
    for (auto const& e : entries)
        for (auto const& m : objects_at(e, "/messages")) pushed[{text_at(e, "/conversation_id"), text_at(m, "/id")}].push_back(m);
    for (auto const& [place, copies] : pushed) {
        if (copies.size() > 1) continue;
        auto const& incoming = copies.front();
        auto const state = before.find(place.first);
        auto const* held = state == before.end() ? nullptr : state->second.held().find(place.second);
        std::vector<json::object> listed;
        for (auto const& one : objects_at(x.body(), "/conflicts"))
            if (text_at(one, "/conversation_id") == place.first && text_at(one, "/message_id") == place.second) listed.push_back(one);
        auto const name = what + " on " + place.second + " of " + place.first;
        if (!held || model::octets(*held) == model::octets(incoming)) {
            s_.expect(listed.empty(), name + ": no conflict", listed.empty() ? "" : show(listed.front()));
            continue;
        }
        bool const due = integer_at(*held, "/version") == integer_at(incoming, "/version") && model::is_true(*held, "redacted") == model::is_true(incoming, "redacted");
        s_.expect(!due || !listed.empty(), name + ": a conflict, for both have version " + std::to_string(integer_at(incoming, "/version")), "no conflict");
        std::string const winner = model::less(*held, incoming) ? "incoming" : "local";
        for (auto const& one : listed) {
            auto const told = text_at(one, "/winner");  // in other words it is judged elsewhere
            bool const right = told == winner || (told != "incoming" && told != "local");
            s_.expect(right && integer_at(one, "/local_version") == integer_at(*held, "/version") && integer_at(one, "/incoming_version") == integer_at(incoming, "/version"),
                      name + ": winner " + winner + ", local_version " + std::to_string(integer_at(*held, "/version")), show(one));
        }
    }
}

void world::learn(std::size_t of, std::string const& conversation, json::value const& shown, std::optional<std::string> const& title) {
    auto& state = people_[of].state[conversation];
    auto expected = state.emitted();
    bool const was_there = state.exists(), was_deleted = state.deleted();
    auto const version = state.held().greatest_version();
    auto const modified = text_at(shown, "/last_modified");
    s_.expect(shown.is_object() && integer_at(shown, "/version") == version, "a local write gives the conversation its version, " + std::to_string(version), show(shown));
    s_.expect(parse_timestamp(modified).has_value() && (!was_there || when(modified) >= when(text_at(expected, "/last_modified"))),
              "last_modified is not earlier than before the write" + (was_there ? ": " + text_at(expected, "/last_modified") : ""), modified);
    auto const& got = shown.get_object();
    expected["version"] = version;
    expected["last_modified"] = modified;
    expected["conversation_id"] = conversation;
    expected.erase("deleted");
    if (title) expected["title"] = *title;
    // What of a deleted conversation comes back beside its messages, and what becomes of `redacted`, is not said.
    auto const open = [&](std::initializer_list<char const*> names) {
        for (auto const* name : names)
            if (auto const* value = got.if_contains(name)) expected[name] = *value;
            else expected.erase(name);
    };
    open({"redacted"});
    if (!was_there) open({"source_backend"});
    if (was_deleted) open({"x_mark", "source_backend"});
    if (was_deleted && !title) open({"title"});
    expect_members(conversation + " after a local write", expected, shown);
    json::object write;  // what a server says beside the conversation is no part of it
    for (auto const& m : got)
        if (expected.contains(m.key())) write.emplace(m.key(), m.value());
    state.write_local(write);
}

void world::read(std::size_t of, caller const& who, std::string const& conversation) {
    auto const x = who.read(conversation);
    nothing_of_others(of, x);
    auto const held = people_[of].state.find(conversation);
    auto const what = conversation + " of " + people_[of].account.id + ", read by " + who.name();
    if (held == people_[of].state.end() || !held->second.exists()) return s_.refused(x, what + ", which does not exist,");
    auto const& state = held->second;
    auto const got = without_tombstones(x.body());
    if (state.deleted()) {
        if (!x.ok()) return s_.expect(x.client_error(), what + ": deleted", x.describe());
        return s_.expect(x.body().is_object() && model::is_true(x.body().get_object(), "deleted") && got.empty(), what + ": deleted, without messages", show(x.body()));
    }
    s_.accepted(x, "reading " + what);
    expect_messages(what, state.held().live(), got);
    expect_members(what, state.emitted_as(x.body()), x.body());
    expect_surfaces(what, state, x.body());
}

void world::expect_fed(station const& p) {
    for (auto const& [id, state] : people_[p.of].state) {
        if (!state.exists()) continue;
        auto const what = id + " of " + people_[p.of].account.id + ", pulled by " + p.who.name();
        auto const entry = p.fed.entries.find(id);
        s_.expect(entry != p.fed.entries.end(), what + ": in one of its pulls", "in none of them");
        json::value const got = entry->second;
        expect_members(what, state.emitted_as(got), got);
        if (state.deleted()) continue;
        expect_surfaces(what, state, got);
        auto const messages = p.fed.messages.find(id);
        expect_messages(what, state.held().live(), messages == p.fed.messages.end() ? std::vector<json::object>{} : messages->second.live());
    }
    for (auto const& [id, entry] : p.fed.entries) s_.expect(people_[p.of].state.contains(id) && people_[p.of].state.at(id).exists(), id + ", pulled by " + p.who.name() + ": does not exist", show(entry));
}

/// BSP-SYN-109: nothing can have been committed later than now.
void world::expect_nothing_since_the_future(station const& p) {
    auto const x = p.who.pull({.since = s_.in_seconds(3600), .limit = 200});
    s_.accepted(x, "a pull since an hour ahead");
    auto const ids = ids_at(x.body(), "/conversations", "conversation_id");
    s_.expect(ids.empty(), "a pull since an hour ahead has nothing", show(ids));
}

/// What the digest is made of, as far as this history goes.
std::string world::live_state(std::vector<json::object> const& entries) const {
    json::array out;
    for (auto const& id : ids_) {
        auto const state = of_conversation(entries, id);
        if (!state.entry.is_object() || model::is_true(state.entry.get_object(), "deleted")) continue;
        auto scalars = state.entry.get_object();
        std::map<std::string, std::string> live;
        for (auto const& m : state.messages)
            if (!model::is_true(m, "deleted")) live[text_at(m, "/id")] = model::octets(m);
        std::set<std::string> words;
        if (auto const* all = at(state.entry, "/surfaces"); all && all->is_array())
            for (auto const& one : all->get_array())
                if (one.is_string()) words.emplace(json::view(one.get_string()));
        scalars.erase("messages");
        scalars.erase("surfaces");
        out.emplace_back(scalars);
        for (auto const& m : live) out.emplace_back(m.second);
        for (auto const& w : words) out.emplace_back(w);
    }
    return model::octets(out);
}

/// Entries of conversations that this history does not touch.
std::set<std::string> world::of_others(std::vector<json::object> const& entries) const {
    std::set<std::string> out;
    for (auto const& e : entries)
        if (std::ranges::find(ids_, text_at(e, "/conversation_id")) == ids_.end()) out.insert(model::octets(e));
    return out;
}

std::string world::digest_of(station const& p) {
    auto const x = p.who.get("/sync/" + p.who.peer_id() + "/digest");
    s_.accepted(x, "reading the digest");
    return x.text("/digest");
}

/// The digest, the same for all peers of the user.
std::string world::agreed_digest(station const& witness) {
    for (int tries = 1;; ++tries) {
        auto digest = digest_of(witness);
        auto const other = [&] {
            for (auto const& p : stations_)
                if (p->of == witness.of && p->live)
                    if (auto read = digest_of(*p); read != digest) return read;
            return digest;
        }();
        if (other == digest) return digest;
        // A request that was given up before may have its effect only now, but hardly at each look.
        s_.expect(tries < 3, "the digest of all peers of a user: " + digest, other);
    }
}

void world::digest_agrees() {
    auto const& witness = *stations_.front();
    auto digest = agreed_digest(witness);
    auto const entries = witness.who.pull_all({.since = begin_, .limit = 200}).conversations;
    auto others = of_others(entries);
    bool const is_comparable = !digest_.empty() && others == others_ && digest_of(witness) == digest;
    auto state = live_state(entries);
    if (is_comparable && state == digested_) s_.expect(digest == digest_, "the digest of an unchanged live state: " + digest_, digest);
    if (is_comparable && state != digested_) s_.expect(digest != digest_, "another digest, for the live state is another", digest);
    digest_ = std::move(digest);
    digested_ = std::move(state);
    others_ = std::move(others);
}

void world::expect_list(std::size_t of) {
    std::map<std::string, json::value> listed;
    std::string cursor;
    for (int pages = 0;; ++pages) {
        auto const x = people_[of].self.get("/conversations?limit=500" + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s_.accepted(x, "a list of conversations");
        nothing_of_others(of, x);
        for (auto const& e : objects_at(x.body(), "/conversations")) listed.insert_or_assign(text_at(e, "/conversation_id"), e);
        cursor = x.text("/cursor");
        auto const* more = x.at("/has_more");
        if (!more || *more != json::value(true)) break;
        s_.expect(!cursor.empty() && pages < 1000, "the pages of a list come to an end", "they do not");
    }
    for (auto const& id : ids_) {
        auto const what = id + " in the list of " + people_[of].account.id;
        auto const held = people_[of].state.find(id);
        auto const entry = listed.find(id);
        bool const present = entry != listed.end();
        if (held == people_[of].state.end() || !held->second.exists()) {
            s_.expect(!present, what + ": absent", present ? show(entry->second) : "");
        } else if (held->second.deleted()) {
            s_.expect(!present || model::is_true(entry->second.get_object(), "deleted"), what + ": absent or deleted", present ? show(entry->second) : "");
        } else {
            s_.expect(present, what + ": present", "absent");
            expect_members(what, held->second.emitted_as(entry->second), entry->second);
            expect_surfaces(what, held->second, entry->second);
        }
    }
}

void world::expect_peers(std::size_t of) {
    auto const& u = people_[of];
    auto const x = u.self.get("/peers");
    s_.accepted(x, "a list of peers");
    for (auto const& slot : slots_) {
        auto const* due = registrations_.find(u.account.id, slot.id);
        std::vector<json::object> listed;
        for (auto const& row : objects_at(x.body(), "/peers"))
            if (text_at(row, "/backend_id") == slot.id) listed.push_back(row);
        auto const what = "the entry of " + slot.id + " in " + u.account.id + "'s list of peers";
        s_.expect(listed.size() == (due ? 1u : 0u), what + ": " + (due ? "one" : "none"), std::to_string(listed.size()));
        if (!due) continue;
        auto const& row = listed.front();
        s_.expect(text_at(row, "/peer_id") == due->peer_id, what + ": peer_id " + due->peer_id, text_at(row, "/peer_id"));
        s_.expect(text_at(row, "/sbt/created_at") == due->created_at && text_at(row, "/sbt/expires_at") == due->expires_at,
                  what + ": token of " + due->created_at + " to " + due->expires_at, text_at(row, "/sbt/created_at") + " to " + text_at(row, "/sbt/expires_at"));
        auto const* capabilities = row.if_contains("capabilities");
        auto const is_shown = [&](json::value const& c) { return capabilities && same(*capabilities, c); };
        s_.expect(is_shown(due->capabilities) || std::ranges::any_of(due->of_older_tokens, is_shown), what + ": capabilities " + show(due->capabilities), capabilities ? show(*capabilities) : "absent");
    }
}

void world::everything_agrees(looks const& at) {
    for (std::size_t u = 0; u < people_.size(); ++u) {
        for (auto const& id : ids_) read(u, people_[u].self, id);
        if (at.lists) expect_list(u);
        if (at.peers) expect_peers(u);
        if (at.newcomer) {
            auto const r = s_.settled({.user = people_[u].account});
            auto& p = add(s_.register_peer(r), u, *r.backend_id, "its own");
            if (at.from_nothing) p.fed.since.clear();
        }
    }
    expect_nothing_since_the_future(*stations_.front());
    for (auto const& p : stations_) {
        if (!p->live) {
            is_gone(*p);
            continue;
        }
        for (auto const& id : ids_) read(p->of, p->who, id);
        if (!p->fed.cursor.empty()) pull_to_the_end(*p);  // what was committed meanwhile is in the next pull
        pull_to_the_end(*p);
        expect_fed(*p);
    }
}

bool digest_is_offered(scenario& s) {
    auto const a = s.register_peer();
    auto const x = a.get("/sync/" + a.peer_id() + "/digest");
    if (x.status() == 404 || x.status() == 405 || x.status() == 501) return false;
    s.control(x, "reading the digest");
    return true;
}

bool messages_outlive_deletion(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "one")})}), "a push");
    s.control(s.user().del("/conversations/" + c), "the deletion of a conversation");
    s.control(a.push({s.conversation(c, 100, {})}), "a push that brings it back");
    // A message that is neither live nor a tombstone was lost, and histories show it.
    auto const fed = of_conversation(recent_feed(s, a).conversations, c);
    auto const* m = fed.message("m1");
    return !m || !model::is_true(*m, "deleted");
}

}  // namespace bsp::conformance::histories
