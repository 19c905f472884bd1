#include "world.hpp"

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(pushing)

namespace {
json::array one(std::int64_t version = 1, std::string_view content = "hi") { return {world::conversation({world::message("m1", version, content)})}; }
std::string content_of(answer const& a, std::size_t i = 0) { return std::string{a.body().at("messages").as_array().at(i).at("content").as_string()}; }
}  // namespace

// BSP-SYN-020, BSP-SYN-060 … BSP-SYN-063
BOOST_AUTO_TEST_CASE(an_accepted_push_is_acknowledged_and_readable) {
    world w;
    std::string const id = w.pair();
    auto const a = w.push(id, one());
    BOOST_REQUIRE_EQUAL(a.verdict(), "200");
    BOOST_TEST(a.body() == (json::object{{"status", "synced"}, {"acked_sync_id", "sync_1"}, {"conflicts", json::array{}}, {"next_sync_in_ms", 5000}}));
    BOOST_TEST(content_of(w.read()) == "hi");
    BOOST_TEST(w.push(id, {}, "sync_2").verdict() == "200");
}

// BSP-AUT-009 … BSP-AUT-014, BSP-SYN-051
BOOST_AUTO_TEST_CASE(only_the_peers_own_signature_counts) {
    world w;
    std::string const id = w.pair();
    w.pair("ada", laptop, other_key());
    auto body = w.payload(one());
    auto const sent = [&](json::object const& b) { return w.send("POST", "/sync/" + id, "", json::serialize(b)).verdict(); };
    BOOST_TEST(sent(body) == "401 invalid-signature");
    for (json::value bad : {json::value(""), json::value(nullptr), json::value(1)}) {
        body["signature"] = bad;
        BOOST_TEST(sent(body) == "401 invalid-signature");
    }
    BOOST_TEST(w.push_signed(id, w.payload(one()), other_key()).verdict() == "401 invalid-signature");
    auto tampered = w.payload(one());
    tampered["signature"] = sign_object(tampered, phone_key()).value();
    tampered["conversations"].as_array()[0].as_object()["messages"].as_array()[0].as_object()["extra"] = true;
    BOOST_TEST(sent(tampered) == "401 invalid-signature");
    BOOST_TEST(w.read().verdict() == "404 not-found");
}

// BSP-SYN-028 … BSP-SYN-030, BSP-SYN-034 … BSP-SYN-037, BSP-GEN-046
BOOST_AUTO_TEST_CASE(freshness_and_audience) {
    world w;
    std::string const id = w.pair();
    int n = 0;
    auto const with = [&](std::string_view name, auto const& value) {
        auto body = w.payload({}, "sync_" + std::to_string(++n));
        body[name] = value;
        return w.push_signed(id, body).verdict();
    };
    BOOST_TEST(with("timestamp", format_timestamp(w.clock.now() - 300s)) == "200");
    BOOST_TEST(with("timestamp", format_timestamp(w.clock.now() + 300s)) == "200");
    BOOST_TEST(with("timestamp", format_timestamp(w.clock.now() - 301s)) == "401 stale-request");
    BOOST_TEST(with("timestamp", format_timestamp(w.clock.now() + 301s)) == "401 stale-request");
    BOOST_TEST(with("timestamp", "yesterday") == "422 invalid-body");
    BOOST_TEST(with("peer_id", id) == "200");
    BOOST_TEST(with("peer_id", "peer_other") == "403 wrong-audience");
    BOOST_TEST(with("target_backend_id", w.self.backend_id) == "200");
    BOOST_TEST(with("target_backend_id", "hosted_other") == "403 wrong-audience");
    BOOST_TEST(with("source_backend_id", phone) == "200");
    BOOST_TEST(with("source_backend_id", laptop) == "403 wrong-audience");
    BOOST_TEST(with("source_backend_id", nullptr) == "422 invalid-body");
    BOOST_TEST(with("typ", "x") == "401 invalid-signature");
    BOOST_TEST(with("unknown", json::array{1, "x"}) == "200");
    BOOST_TEST(with("unknown", "not") == "200");
    BOOST_TEST(w.send("POST", "/sync/peer_none", "", "{}").verdict() == "404 unknown-peer");
    BOOST_TEST(w.send("POST", "/sync/" + id, "", "{").verdict() == "400 malformed-body");
    BOOST_TEST(w.send("POST", "/sync/" + id, "", "[]").verdict() == "422 invalid-body");
    w.clock.advance(8h);
    BOOST_TEST(w.push(id, one()).verdict() == "401 sbt-expired");
}

BOOST_AUTO_TEST_CASE(schema_of_messages_and_conversations) {
    world w;
    std::string const id = w.pair();
    int n = 0;
    auto const verdict = [&](auto change) {
        auto conversation = world::conversation({world::message("m1", 1)});
        change(conversation, conversation["messages"].as_array()[0].as_object());
        return w.push(id, {world::conversation({world::message("first", 1)}, 1, "first"), std::move(conversation)}, "sync_" + std::to_string(++n)).verdict();
    };
    for (char const* name : {"id", "role", "content", "timestamp", "surface", "source_backend", "version"}) {
        BOOST_TEST(verdict([&](auto&, auto& m) { m.erase(name); }) == "422 invalid-body", name);
        BOOST_TEST(verdict([&](auto&, auto& m) { m[name] = nullptr; }) == "422 invalid-body", name);
    }
    for (char const* name : {"conversation_id", "messages", "surfaces", "last_modified", "source_backend", "version"}) {
        BOOST_TEST(verdict([&](auto& c, auto&) { c.erase(name); }) == "422 invalid-body", name);
        BOOST_TEST(verdict([&](auto& c, auto&) { c[name] = true; }) == "422 invalid-body", name);
    }
    BOOST_TEST(verdict([](auto&, auto& m) { m["version"] = "4"; }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto&, auto& m) { m["version"] = -1; }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto&, auto& m) { m["id"] = "a/b"; }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto&, auto& m) { m["content"] = std::string((1u << 20) + 1, 'x'); }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto&, auto& m) { m["deleted"] = 1; }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto&, auto& m) { m["deleted"] = true; }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto&, auto& m) { m["surface"] = ""; }) == "422 invalid-body");
    BOOST_TEST(verdict([&](auto&, auto& m) { m["timestamp"] = format_timestamp(w.clock.now() + 24h + 1s); }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto& c, auto&) { c["surfaces"] = json::array{1}; }) == "422 invalid-body");
    BOOST_TEST(verdict([](auto& c, auto&) { c["title"] = nullptr; }) == "422 invalid-body");
    BOOST_TEST(w.read("first").verdict() == "404 not-found");  // BSP-SYN-050: not the valid one either

    BOOST_TEST(verdict([&](auto&, auto& m) { m["timestamp"] = format_timestamp(w.clock.now() + 24h); }) == "200");
    BOOST_TEST(verdict([](auto&, auto& m) { m["content"] = std::string(1u << 20, 'x'); }) == "200");
    BOOST_TEST(verdict([](auto&, auto& m) { m["content"] = "", m["role"] = "poet", m["surface"] = "fridge"; }) == "200");
    BOOST_TEST(verdict([](auto&, auto& m) { m["version"] = limits::version_max; }) == "200");
    BOOST_TEST(verdict([](auto&, auto& m) { m["unknown"] = json::object{{"a", nullptr}}; }) == "200");
    BOOST_TEST(w.push(id, {}, "no good").verdict() == "422 invalid-body");
    auto unsignable = w.payload(one(limits::version_max + 1));
    unsignable["signature"] = "AAAA";
    BOOST_TEST(w.send("POST", "/sync/" + id, "", json::serialize(unsignable)).verdict() == "422 not-canonicalizable");
}

// BSP-GEN-056, BSP-GEN-069
BOOST_AUTO_TEST_CASE(what_was_accepted_comes_back_verbatim) {
    world w;
    std::string const id = w.pair();
    auto message = world::message("m1", 9'007'199'254'740'991, "e\u0301 \U0001F600 \t ", "2025-12-30T23:59:60.120+00:00");
    message["message_id"] = "another generation";
    message["x"] = json::array{1, -2, nullptr, json::object{{"b", 1}, {"a", 2}}};
    auto conversation = world::conversation({message}, 7, "main", "2025-12-31T01:00:00+01:00");
    conversation["color"] = "blue";
    w.push(id, {conversation});
    auto const read = w.read().body();
    BOOST_TEST(read.at("messages").as_array().at(0) == message);
    BOOST_TEST(read == json::value(conversation));
    BOOST_TEST(w.pull(id).body().at("conversations").as_array().at(0) == conversation);
}

// BSP-SYN-070 … BSP-SYN-074
BOOST_AUTO_TEST_CASE(a_repetition_has_no_effect) {
    world w;
    std::string const id = w.pair(), other = w.pair("ada", laptop, other_key());
    auto const first = w.push(id, one());
    auto const before = w.pull(id).body().at("last_sync");
    w.clock.advance(10s);
    BOOST_TEST(w.push(id, one()).raw.body == first.raw.body);
    auto const record = w.memory.read([&](store_reader& r) { return r.peer(id); }).value();
    BOOST_TEST(record->total_syncs == 1);
    BOOST_TEST(w.push(id, one(2)).verdict() == "409 sync-id-reuse");
    BOOST_TEST(w.push(other, one(2), "sync_1", other_key()).verdict() == "200");
    BOOST_TEST(w.push(id, {world::conversation({world::message("bad id", 1)})}, "sync_2").verdict() == "422 invalid-body");
    BOOST_TEST(w.push(id, one(3), "sync_2").verdict() == "200");
    BOOST_TEST(w.push(id, one(3), "sync_3").verdict() == "200");
    auto const since = std::string{w.pull(id).body().at("last_sync").as_string()};
    w.push(id, one(3), "sync_4");
    BOOST_TEST(w.pull(id, "?since=" + since).body().at("conversations").as_array().empty());  // BSP-SYN-109
    BOOST_TEST(before.is_string());
}

// BSP-MRG-010 … BSP-MRG-020, BSP-MRG-060 … BSP-MRG-066
BOOST_AUTO_TEST_CASE(union_of_ids_and_the_greater_of_versions) {
    world w;
    std::string const id = w.pair();
    w.push(id, {world::conversation({world::message("m1", 4, "one"), world::message("m2", 1, "two")}, 9)}, "s1");
    w.push(id, {world::conversation({}, 10)}, "s2");
    w.push(id, {world::conversation({world::message("m3", 1, "three", "2025-12-30T00:00:00Z")}, 2)}, "s3");
    auto read = w.read().body();
    BOOST_REQUIRE_EQUAL(read.at("messages").as_array().size(), 3u);
    BOOST_TEST(content_of(w.read()) == "three");  // sorted by time
    BOOST_TEST(read.at("version") == 10);

    auto const lost = w.push(id, {world::conversation({world::message("m1", 4, "ONE", "2025-12-30T23:59:59Z")})}, "s4").body().at("conflicts").as_array();
    BOOST_REQUIRE_EQUAL(lost.size(), 1u);
    BOOST_TEST(lost[0] == (json::object{{"conversation_id", "main"}, {"message_id", "m1"}, {"local_version", 4}, {"incoming_version", 4}, {"conflict_type", "diverged_messages"}, {"resolution_strategy", "last_write_wins"}, {"winner", "local"}}));
    auto const won = w.push(id, {world::conversation({world::message("m1", 4, "ONE", "2025-12-31T00:00:01Z")})}, "s5").body().at("conflicts").as_array();
    BOOST_TEST(won.at(0).at("winner") == "incoming");
    BOOST_TEST(w.push(id, {world::conversation({world::message("m1", 5, "uno")})}, "s6").body().at("conflicts").as_array().empty());
    BOOST_TEST(w.push(id, {world::conversation({world::message("m2", 1, "two")})}, "s7").body().at("conflicts").as_array().empty());

    auto redacted = world::message("m2", 1, "[redacted]");
    redacted["redacted"] = true;
    BOOST_TEST(w.push(id, {world::conversation({redacted})}, "s8").body().at("conflicts").as_array().empty());
    BOOST_TEST(w.read().raw.body.find("[redacted]") == std::string::npos);

    w.push(id, {world::conversation({world::message("m9", 2, "low"), world::message("m9", 3, "high"), world::message("m9", 1, "lower")})}, "s9");
    BOOST_TEST(w.read().raw.body.find("high") != std::string::npos);
    BOOST_TEST(w.read().raw.body.find("low") == std::string::npos);

    auto const with_losers = w.user_sends("GET", "/conversations/main?conflicts=1").body().at("conflicts").as_array();
    BOOST_REQUIRE_EQUAL(with_losers.size(), 2u);
    BOOST_TEST(with_losers[0].at("message").at("content") == "ONE");
    BOOST_TEST(with_losers[1].at("message").at("content") == "one");
    w.clock.advance(31 * 24h);
    BOOST_TEST(w.user_sends("GET", "/conversations/main?conflicts=1").body().at("conflicts").as_array().empty());
}

// BSP-MRG-050 … BSP-MRG-055
BOOST_AUTO_TEST_CASE(tombstones) {
    world w;
    std::string const id = w.pair();
    auto tombstone = world::message("m1", 2, "");
    tombstone["deleted"] = true;
    w.push(id, one(1, "secret"), "s1");
    w.push(id, {world::conversation({tombstone})}, "s2");
    w.push(id, one(1, "secret"), "s3");
    BOOST_TEST(w.read().body().at("messages").as_array().empty());
    BOOST_TEST(w.pull(id).body().at("conversations").as_array().at(0).at("messages").as_array().at(0) == tombstone);
    w.push(id, one(3, "returned"), "s4");
    BOOST_TEST(content_of(w.read()) == "returned");

    auto deleted = world::conversation({}, 5);
    deleted["deleted"] = true;
    w.push(id, {deleted}, "s5");
    BOOST_TEST(w.read().verdict() == "404 not-found");
    BOOST_TEST(w.user_sends("GET", "/conversations").body().at("conversations").as_array().empty());
    auto const pulled = w.pull(id);
    BOOST_TEST(pulled.raw.body.find("returned") == std::string::npos);
    BOOST_TEST(pulled.body().at("conversations").as_array().at(0).at("deleted") == true);
    w.push(id, {world::conversation({world::message("m2", 1, "late")}, 4)}, "s6");
    BOOST_TEST(w.read().verdict() == "404 not-found");
    w.push(id, {world::conversation({}, 6)}, "s7");
    BOOST_TEST(w.read().body().at("messages").as_array().size() == 2u);
}

// BSP-MRG-003, BSP-SYN-042
BOOST_AUTO_TEST_CASE(users_do_not_meet) {
    world w;
    std::string const adas = w.pair(), bobs = w.pair("bob", laptop, other_key());
    auto body = w.payload(one(1, "ada's"));
    body["user_id"] = "bob";
    w.push_signed(adas, body);
    w.push(bobs, one(1, "bob's"), "sync_1", other_key());
    BOOST_TEST(content_of(w.read("main", "ada")) == "ada's");
    BOOST_TEST(content_of(w.read("main", "bob")) == "bob's");
    BOOST_TEST(w.pull(adas).raw.body.find("bob's") == std::string::npos);
    BOOST_TEST(w.send("GET", "/sync/" + bobs, w.as_peer("GET", "/sync/" + bobs, adas)).verdict() == "401 invalid-credential");
}

BOOST_AUTO_TEST_SUITE_END()
