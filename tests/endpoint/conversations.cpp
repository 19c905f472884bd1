#include "world.hpp"

#include <set>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(conversations)

namespace {
std::string const target = "/conversations/main/messages";
json::object draft(std::string_view content = "hello", std::string_view id = "m1") { return {{"role", "user"}, {"content", content}, {"surface", "ios"}, {"id", id}}; }
answer write(world& w, json::object const& body, std::string const& user = "ada") { return w.user_sends("POST", target, user, json::serialize(body)); }
}  // namespace

// BSP-CNV-040 … BSP-CNV-048, BSP-MRG-070 … BSP-MRG-072
BOOST_AUTO_TEST_CASE(a_write_creates_and_stamps) {
    world w;
    auto body = draft();
    body["extra"] = json::array{1};
    body["version"] = 99;
    body["source_backend"] = "elsewhere";
    body["title"] = "Trip";
    auto const a = write(w, body);
    BOOST_TEST(a.verdict() == "201");
    json::object const expected{{"id", "m1"}, {"role", "user"}, {"content", "hello"}, {"surface", "ios"}, {"extra", json::array{1}}, {"version", 1}, {"source_backend", w.self.backend_id}, {"timestamp", "2025-12-31T00:00:00Z"}};
    BOOST_TEST(a.body() == json::value(expected));
    auto const read = w.read().body();
    BOOST_TEST(read.at("title") == "Trip");
    BOOST_TEST(read.at("version") == 1);
    BOOST_TEST(read.at("surfaces") == json::array{"ios"});
    BOOST_TEST(read.at("messages").as_array().at(0) == expected);

    auto anonymous = draft();
    anonymous.erase("id");
    auto const second = write(w, anonymous).body();
    BOOST_TEST(is_identifier(json::view(second.at("id").as_string())));
    BOOST_TEST(second.at("version") == 2);
    BOOST_TEST(w.read().body().at("title") == "Trip");  // BSP-CNV-054
}

// BSP-CNV-050 … BSP-CNV-052
BOOST_AUTO_TEST_CASE(repetition_edit_and_return_after_deletion) {
    world w;
    BOOST_TEST(write(w, draft()).verdict() == "201");
    BOOST_TEST(write(w, draft()).verdict() == "200");
    BOOST_TEST(w.read().body().at("version") == 1);
    BOOST_TEST(write(w, draft("other")).body().at("version") == 2);
    BOOST_TEST(w.read().body().at("messages").as_array().size() == 1u);
    auto const gone = w.user_sends("DELETE", target + "/m1");
    BOOST_TEST(gone.body() == json::value(json::object{{"status", "deleted"}, {"version", 3}}));
    BOOST_TEST(w.user_sends("DELETE", target + "/m1").verdict() == "404 not-found");
    BOOST_TEST(w.read().body().at("messages").as_array().empty());
    BOOST_TEST(write(w, draft("other")).body().at("version") == 4);
    BOOST_TEST(w.read().raw.body.find("other") != std::string::npos);
}

// BSP-CNV-057, BSP-CNV-060 … BSP-CNV-063
BOOST_AUTO_TEST_CASE(deleting_a_conversation_and_writing_into_it_again) {
    world w;
    auto titled = draft();
    titled["title"] = "secret plans";
    write(w, titled);
    BOOST_TEST(w.user_sends("DELETE", "/conversations/main").body().at("version") == 2);
    BOOST_TEST(w.user_sends("DELETE", "/conversations/main").verdict() == "404 not-found");
    BOOST_TEST(w.user_sends("DELETE", target + "/m1").verdict() == "404 not-found");
    BOOST_TEST(w.read().verdict() == "404 not-found");
    std::string const id = w.pair();
    auto const pulled = w.pull(id);
    BOOST_TEST(pulled.raw.body.find("hello") == std::string::npos);
    BOOST_TEST(pulled.raw.body.find("secret plans") == std::string::npos);
    write(w, draft("again", "m2"));
    auto const read = w.read().body();
    BOOST_TEST(!read.as_object().contains("deleted"));
    BOOST_TEST(read.at("messages").as_array().size() == 2u);
}

// BSP-MRG-070, BSP-MRG-073, BSP-MRG-075, T-11
BOOST_AUTO_TEST_CASE(lamport_versions_and_the_end_of_their_domain) {
    world w;
    std::string const id = w.pair();
    w.push(id, {world::conversation({world::message("m1", 41)}, 7, "main", "2025-12-31T12:00:00+12:30")}, "s1");
    BOOST_TEST(write(w, draft("x", "m2")).body().at("version") == 42);
    w.push(id, {world::conversation({world::message("m1", limits::version_max, "frozen?", "2025-12-31T20:00:00Z")}, limits::version_max, "main", "2025-12-31T20:00:00Z")}, "s2");
    auto titled = draft("edited");
    titled["title"] = "still editable";
    BOOST_TEST(write(w, titled).body().at("content") == "edited");
    auto const read = w.read().body();
    BOOST_TEST(read.at("version") == limits::version_max);
    BOOST_TEST(read.at("title") == "still editable");
    BOOST_TEST(w.read().raw.body.find("frozen") == std::string::npos);
    BOOST_TEST(w.user_sends("DELETE", target + "/m1").verdict() == "200");
    BOOST_TEST(w.read().raw.body.find("edited") == std::string::npos);
    BOOST_TEST(w.user_sends("DELETE", "/conversations/main").verdict() == "200");
    BOOST_TEST(w.read().verdict() == "404 not-found");
}

namespace {
json::value nested(int levels) {
    json::value v = "bottom";
    for (; levels > 0; --levels) v = levels % 2 ? json::value(json::object{{"x", v}}) : json::value(json::array{v});
    return v;
}
}  // namespace

// BSP-CNV-071: what is accepted can be pushed on, as it was read.
BOOST_AUTO_TEST_CASE(the_deepest_write_can_be_pushed_on) {
    world w;
    auto body = draft();
    body["extra"] = nested(27);
    BOOST_TEST(write(w, body).verdict() == "201");
    auto const peer = w.pair();
    auto const pulled = w.pull(peer).body().at("conversations").as_array();
    BOOST_TEST(w.push(peer, pulled).verdict() == "200");
}

BOOST_AUTO_TEST_CASE(what_a_write_must_have) {
    world w;
    auto const verdict = [&](std::string_view name, auto const& value) {
        auto body = draft();
        body[name] = value;
        return write(w, body).verdict();
    };
    for (char const* name : {"role", "content", "surface"}) {
        auto body = draft();
        body.erase(name);
        BOOST_TEST(write(w, body).verdict() == "422 invalid-body", name);
        BOOST_TEST(verdict(name, nullptr) == "422 invalid-body", name);
    }
    BOOST_TEST(verdict("id", "a b") == "422 invalid-body");
    BOOST_TEST(verdict("title", 1) == "422 invalid-body");
    BOOST_TEST(verdict("timestamp", "soon") == "422 invalid-body");
    BOOST_TEST(verdict("timestamp", format_timestamp(w.clock.now() + 24h + 1s)) == "422 invalid-body");
    BOOST_TEST(verdict("extra", 1.5) == "422 not-canonicalizable");
    BOOST_TEST(verdict("extra", nested(28)) == "422 invalid-body");
    BOOST_TEST(w.read().verdict() == "404 not-found");
    BOOST_TEST(verdict("timestamp", "2025-12-30T00:00:00.10+00:00") == "201");
    BOOST_TEST(w.read().raw.body.find("2025-12-30T00:00:00.10+00:00") != std::string::npos);
    BOOST_TEST(w.user_sends("POST", "/conversations/a%2Fb/messages", "ada", json::serialize(draft())).verdict() == "404 not-found");
    BOOST_TEST(w.user_sends("GET", "/conversations/..").verdict() == "404 not-found");
}

// BSP-AUT-001 … BSP-CNV-004
BOOST_AUTO_TEST_CASE(a_user_and_the_users_peers_and_nobody_else) {
    world w;
    std::string const id = w.pair();
    write(w, draft());
    BOOST_TEST(w.peer_sends("GET", "/conversations/main", id).verdict() == "200");
    BOOST_TEST(w.peer_sends("POST", target, id, json::serialize(draft("x", "m2"))).verdict() == "201");
    BOOST_TEST(w.read("main", "bob").verdict() == "404 not-found");
    BOOST_TEST(w.read("main", "bob").raw.body == w.read("none", "bob").raw.body);
    BOOST_TEST(w.send("GET", "/conversations/main").verdict() == "401 credential-required");
    BOOST_TEST(w.send("GET", "/conversations/main", w.as_admin()).verdict() == "401 credential-required");
    w.secrets.secrets["anonymous"] = "a secret that somebody provisioned";
    BOOST_TEST(w.user_sends("GET", "/conversations", "anonymous").verdict() == "401 invalid-credential");
    auto const claims = w.claims("GET", "/conversations", "eve", "eve");
    BOOST_TEST(w.send("GET", "/conversations", "BSP-User " + mint_user_assertion(claims, "")).verdict() == "401 invalid-credential");
}

// BSP-AUT-044, BSP-AUT-047
BOOST_AUTO_TEST_CASE(a_writing_assertion_is_used_once_even_after_a_restart) {
    world w;
    std::string const once = w.as_user("POST", target, "ada");
    BOOST_TEST(w.send("POST", target, once, json::serialize(draft())).verdict() == "201");
    w.replays.~memory_replay_guard();
    new (&w.replays) memory_replay_guard;  // what is volatile is gone
    BOOST_TEST(w.send("POST", target, once, json::serialize(draft("again", "m9"))).verdict() == "401 stale-request");
    BOOST_TEST(w.read().raw.body.find("again") == std::string::npos);
}

// BSP-AUT-044
BOOST_AUTO_TEST_CASE(what_was_used_to_read_is_not_used_to_write) {
    world w;
    auto reading = w.claims("GET", "/conversations", "ada", "ada"), writing = w.claims("POST", target, "ada", "ada");
    writing.jti = reading.jti;
    auto const as = [&](assertion_claims const& c) { return "BSP-User " + mint_user_assertion(c, w.secrets.secrets.at("ada")); };
    BOOST_TEST(w.send("GET", "/conversations", as(reading)).verdict() == "200");
    BOOST_TEST(w.send("POST", target, as(writing), json::serialize(draft())).verdict() == "401 stale-request");
    writing.jti += "-other";
    BOOST_TEST(w.send("POST", target, as(writing), json::serialize(draft())).verdict() == "201");
}

// BSP-CNV-030 … BSP-CNV-038
BOOST_AUTO_TEST_CASE(large_conversations_end_a_page_of_the_list) {
    world w;
    std::string const id = w.pair();
    for (int i = 0; i < 4; ++i) {
        auto c = world::conversation({}, 1, "c" + std::to_string(i));
        c["notes"] = std::string(i == 1 ? limits::pull_page_bytes_max + 1 : 5'000'000, 'n');
        w.push(id, {c}, "s" + std::to_string(i));
    }
    std::set<std::string> seen;
    for (std::string next = "/conversations";;) {
        auto const page = w.user_sends("GET", next);
        BOOST_REQUIRE_EQUAL(page.verdict(), "200");
        BOOST_TEST(page.raw.body.size() < limits::pull_page_bytes_max + 10'000);
        auto const body = page.body();
        for (auto const& c : body.at("conversations").as_array()) seen.insert(std::string{json::view(c.at("conversation_id").as_string())});
        if (!body.at("has_more").as_bool()) break;
        next = "/conversations?cursor=" + std::string{json::view(body.at("cursor").as_string())};
    }
    BOOST_TEST(seen.size() == 4u);
}

BOOST_AUTO_TEST_CASE(the_list_is_paged_and_skips_what_is_deleted) {
    world w;
    std::string const id = w.pair();
    json::array all;
    for (char c = 'a'; c < 'h'; ++c) all.push_back(world::conversation({world::message("m", 1)}, 1, std::string(1, c)));
    w.push(id, std::move(all));
    w.user_sends("DELETE", "/conversations/c");
    for (int limit : {1, 2, 3, 100}) {
        std::string seen, query = "?limit=" + std::to_string(limit);
        for (std::string next = query;;) {
            auto const page = w.user_sends("GET", "/conversations" + next).body();
            BOOST_TEST(page.at("conversations").as_array().size() <= static_cast<std::size_t>(limit));
            for (auto const& c : page.at("conversations").as_array()) {
                seen += std::string{c.at("conversation_id").as_string()};
                BOOST_TEST(!c.as_object().contains("messages"));
                BOOST_TEST(c.as_object().contains("surfaces"));
            }
            if (!page.at("has_more").as_bool()) break;
            next = query + "&cursor=" + std::string{page.at("cursor").as_string()};
        }
        BOOST_TEST(seen == "abdefg");
    }
    BOOST_TEST(w.user_sends("GET", "/conversations?cursor=x").verdict() == "400 invalid-query");
    BOOST_TEST(w.user_sends("GET", "/conversations?limit=501").verdict() == "400 invalid-query");
}

// BSP-CNV-020 … BSP-CNV-023
BOOST_AUTO_TEST_CASE(a_made_up_member_does_not_collide_with_the_losers) {
    world w;
    std::string const id = w.pair();
    auto conversation = world::conversation({world::message("m1", 1, "a")});
    conversation["conflicts"] = "made up";
    w.push(id, {conversation}, "s1");
    BOOST_TEST(w.read().body().at("conflicts") == "made up");
    w.push(id, {world::conversation({world::message("m1", 1, "b")})}, "s2");
    BOOST_TEST(w.user_sends("GET", "/conversations/main?conflicts=1").body().at("conflicts").as_array().size() == 1u);
    w.user_sends("DELETE", target + "/m1");
    BOOST_TEST(w.user_sends("GET", "/conversations/main?conflicts=1").body().at("conflicts").as_array().empty());
}

// BSP-CNV-023, BSP-MRG-053
BOOST_AUTO_TEST_CASE(what_a_deletion_replaced_is_not_shown_when_the_message_is_written_again) {
    world w;
    std::string const id = w.pair();
    auto const losers = [&] { return w.user_sends("GET", "/conversations/main?conflicts=1").body().at("conflicts").as_array().size(); };
    w.push(id, {world::conversation({world::message("m1", 1, "a"), world::message("m2", 1, "a")})}, "s1");
    w.push(id, {world::conversation({world::message("m1", 1, "b"), world::message("m2", 1, "b")})}, "s2");
    BOOST_TEST(losers() == 2u);
    auto tombstone = world::message("m1", 2, "");
    tombstone["deleted"] = true;
    tombstone["timestamp"] = "2025-12-31T00:00:09Z";
    w.push(id, {world::conversation({tombstone})}, "s3");
    BOOST_TEST(losers() == 1u);
    w.push(id, {world::conversation({world::message("m1", 2, "too late")})}, "s4");
    BOOST_TEST(losers() == 1u);
    w.push(id, {world::conversation({world::message("m1", 3, "again")})}, "s5");
    BOOST_TEST(losers() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
