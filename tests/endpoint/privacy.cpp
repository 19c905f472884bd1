#include "world.hpp"

#include <bsp/endpoint/sweep.hpp>
#include <bsp/endpoint/telemetry_intake.hpp>

#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::test;

namespace {

struct privacy_world : world {
    std::string peer = pair();
    int pushes = 0;

    answer put(std::string body, std::string const& user = "ada") { return user_sends("PUT", "/privacy-settings", user, std::move(body)); }
    answer push_messages(json::array messages, std::string_view id = "main", std::int64_t version = 1, std::string_view title = "") {
        auto c = conversation(std::move(messages), version, id, format_timestamp(clock.now()));
        if (!title.empty()) c["title"] = title;
        return push(peer, {c}, "sync_" + std::to_string(++pushes));
    }
    [[nodiscard]] json::object aged(std::string_view id, std::chrono::hours age, std::int64_t version = 1) const { return message(id, version, "content of " + std::string{id}, format_timestamp(clock.now() - age)); }
    std::vector<std::string> held(std::string const& id = "main") {
        std::vector<std::string> ids;
        auto const a = read(id);
        if (a.raw.status != 200) return {a.verdict()};
        auto const body = a.body();
        for (auto const& m : body.at("messages").as_array()) ids.emplace_back(m.at("id").as_string());
        return ids;
    }
    /// "m1 erased", of the conflicts of an answer.
    static std::vector<std::string> refusals(answer const& a) {
        std::vector<std::string> all;
        auto const body = a.body();
        for (auto const& c : body.at("conflicts").as_array()) {
            BOOST_TEST(c.at("resolution_strategy").as_string() == "refused");
            auto const* id = c.as_object().if_contains("message_id");
            all.push_back(std::string{id ? id->as_string() : c.at("conversation_id").as_string()} + ' ' + std::string{c.at("conflict_type").as_string()});
        }
        return all;
    }
    std::string tell(std::string const& id, endpoint::telemetry_intake& intake) {
        endpoint::stream_input const input{peer, {R"({"event_id": ")" + id + R"(", "event_type": "t", "session_id": "s", "timestamp": "2025-12-31T00:00:00Z", "source_backend": "x", "metadata": {"word": "canary-e"}})"}};
        auto const out = intake.take(std::span{&input, 1}, clock.now()).front();
        return out.close ? "closed: " + out.close->reason : std::string{json::parse(out.messages.front()).value().at("status").as_string()};
    }
};

using strings = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(privacy_endpoints)

// BSP-PRV-001 … BSP-PRV-014
BOOST_AUTO_TEST_CASE(settings_are_read_and_changed_by_their_user) {
    privacy_world w;
    BOOST_TEST(json::serialize(w.user_sends("GET", "/privacy-settings").body()) ==
               R"({"user_id":"ada","sync_enabled":true,"sync_conversations":true,"sync_telemetry":true,"redact_pii":true,"retention_days":90,)"
               R"("allowed_surfaces":["web","ios","android","extension"]})");
    BOOST_TEST(json::serialize(w.put(R"({"user_id": "ada", "retention_days": 30, "x": 1})").body()) == R"({"status":"updated"})");
    BOOST_TEST(w.put(R"({"sync_telemetry": false})").verdict() == "200");
    auto const now = w.user_sends("GET", "/privacy-settings").body();
    BOOST_TEST(now.at("retention_days").as_int64() == 30);
    BOOST_TEST(now.at("sync_telemetry").as_bool() == false);
    BOOST_TEST(now.at("x").as_int64() == 1);
    BOOST_TEST(w.put(R"({"retention_days": 0, "sync_enabled": false})").verdict() == "422 invalid-body");
    BOOST_TEST(w.put(R"([])").verdict() == "422 invalid-body");
    BOOST_TEST(w.put(R"({"user_id": "bob", "sync_enabled": false})").verdict() == "403 forbidden");
    BOOST_TEST(w.send("PUT", "/privacy-settings", "", "{}").verdict() == "401 credential-required");
    BOOST_TEST((w.user_sends("GET", "/privacy-settings").body() == now));
    BOOST_TEST(w.user_sends("GET", "/privacy-settings", "bob").body().at("sync_enabled").as_bool());
    BOOST_TEST(w.peer_sends("GET", "/privacy-settings", w.peer).body().at("user_id").as_string() == "ada");
}

// BSP-PRV-020 … BSP-PRV-032
BOOST_AUTO_TEST_CASE(a_pause_refuses_what_it_is_about) {
    privacy_world w;
    endpoint::telemetry_intake intake{w.store};
    auto const bobs = w.pair("bob", laptop, other_key());
    BOOST_TEST(w.push_messages({w.aged("m1", 1h)}).verdict() == "200");
    auto const digest = "/sync/" + w.peer + "/digest";
    std::vector<endpoint::stream_owner> const peer{{w.peer}};
    for (auto const* said : {R"({"sync_enabled": false})", R"({"sync_enabled": true, "sync_conversations": false})"}) {
        BOOST_TEST(w.put(said).verdict() == "200");
        w.pushes = 40;
        BOOST_TEST(w.push_messages({w.aged("m2", 1h)}).verdict() == "403 sync-paused");
        BOOST_TEST(w.pull(w.peer).verdict() == "403 sync-paused");
        BOOST_TEST(w.peer_sends("GET", digest, w.peer).verdict() == "403 sync-paused");
        BOOST_TEST(w.held() == (strings{"m1"}), boost::test_tools::per_element());
        BOOST_TEST(w.user_sends("GET", "/privacy/export").verdict() == "200");
        BOOST_TEST(w.peer_sends("GET", "/sync/" + bobs, bobs).verdict() == "401 invalid-credential");
        BOOST_TEST(w.send("GET", "/sync/" + bobs, w.as_peer("GET", "/sync/" + bobs, bobs, other_key(), laptop)).verdict() == "200");
    }
    BOOST_TEST(w.tell("e1", intake) == "acked");  // only conversations are refused now
    BOOST_TEST(w.put(R"({"sync_telemetry": false})").verdict() == "200");
    BOOST_TEST(w.tell("e2", intake) == "closed: Paused by the user");
    BOOST_TEST(intake.judge(peer, w.clock.now()).front().has_value());
    BOOST_TEST(w.put(R"({"sync_conversations": true})").verdict() == "200");
    w.pushes = 40;
    BOOST_TEST(w.push_messages({w.aged("m2", 1h)}).verdict() == "200");
    BOOST_TEST(w.put(R"({"sync_telemetry": true})").verdict() == "200");
    BOOST_TEST(w.tell("e2", intake) == "acked");
    BOOST_TEST(!intake.judge(peer, w.clock.now()).front().has_value());
}

// BSP-PRV-033 … BSP-PRV-035
BOOST_AUTO_TEST_CASE(surfaces_are_allowed_one_by_one) {
    privacy_world w;
    auto watch = w.aged("m2", 1h);
    watch["surface"] = "watch";
    BOOST_TEST(w.refusals(w.push_messages({w.aged("m1", 1h), watch})) == (strings{"m2 surface_not_allowed"}), boost::test_tools::per_element());
    BOOST_TEST(w.held() == (strings{"m1"}), boost::test_tools::per_element());
    BOOST_TEST(w.put(R"({"allowed_surfaces": ["watch"]})").verdict() == "200");
    BOOST_TEST(w.refusals(w.push_messages({watch})).empty());
    BOOST_TEST(w.held() == (strings{"m1", "m2"}), boost::test_tools::per_element());
    auto const pulled = w.pull(w.peer).raw.body;
    BOOST_TEST(pulled.find("content of m2") != std::string::npos);
    BOOST_TEST(pulled.find("content of m1") == std::string::npos);
    BOOST_TEST(w.put(R"({"allowed_surfaces": []})").verdict() == "200");
    BOOST_TEST(w.pull(w.peer).body().at("conversations").as_array().empty());
    BOOST_TEST(w.user_sends("POST", "/conversations/main/messages", "ada", R"({"role": "user", "content": "x", "surface": "cli"})").verdict() == "201");
}

// BSP-PRV-050 … BSP-PRV-055
BOOST_AUTO_TEST_CASE(what_has_expired_is_not_shown_and_not_taken) {
    privacy_world w;
    BOOST_TEST(w.refusals(w.push_messages({w.aged("old", 24h * 90), w.aged("m1", 24h * 89), w.aged("m2", 24h * 10)})) == (strings{"old retention_expired"}), boost::test_tools::per_element());
    BOOST_TEST(w.push_messages({w.aged("n1", 24h * 80)}, "other").verdict() == "200");
    BOOST_TEST(w.held() == (strings{"m1", "m2"}), boost::test_tools::per_element());
    BOOST_TEST(w.put(R"({"retention_days": 20})").verdict() == "200");
    BOOST_TEST(w.held() == (strings{"m2"}), boost::test_tools::per_element());
    BOOST_TEST(w.held("other").empty());  // it changed only now
    for (auto const* where : {"/conversations/main?conflicts=1", "/privacy/export"}) BOOST_TEST(w.user_sends("GET", where).raw.body.find("content of m1") == std::string::npos, where);
    BOOST_TEST(w.pull(w.peer).raw.body.find("content of m1") == std::string::npos);
    BOOST_TEST(w.refusals(w.push_messages({w.aged("m1", 24h * 89, 2)})) == (strings{"m1 retention_expired"}), boost::test_tools::per_element());

    w.clock.advance(24h * 11);
    w.peer = w.pair();
    BOOST_TEST(w.user_sends("GET", "/conversations").body().at("conversations").as_array().size() == 2u);
    w.clock.advance(24h * 11);
    w.peer = w.pair();
    BOOST_TEST(w.user_sends("GET", "/conversations").body().at("conversations").as_array().empty());
    BOOST_TEST(w.held() == (strings{"404 not-found"}), boost::test_tools::per_element());
    BOOST_TEST(w.pull(w.peer).body().at("conversations").as_array().empty());

    // What is written there now meets nothing old.
    BOOST_TEST(w.user_sends("POST", "/conversations/main/messages", "ada", R"({"role": "user", "content": "x", "surface": "web", "id": "new"})").verdict() == "201");
    BOOST_TEST(w.held() == (strings{"new"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_edit_does_not_make_a_message_young) {
    privacy_world w;
    BOOST_TEST(w.push_messages({w.aged("m1", 1h)}).verdict() == "200");
    w.clock.advance(24h * 60);
    w.peer = w.pair();
    BOOST_TEST(w.refusals(w.push_messages({w.aged("m1", 0h, 2), w.aged("m2", 0h)})).empty());
    w.clock.advance(24h * 31);
    w.peer = w.pair();
    BOOST_TEST(w.held() == (strings{"m2"}), boost::test_tools::per_element());
    BOOST_TEST(w.refusals(w.push_messages({w.aged("m1", 24h, 3)})) == (strings{"m1 retention_expired"}), boost::test_tools::per_element());
    for (endpoint::sweep_place place; !place.done;)
        place = w.store.write([&](store_writer& s) { return endpoint::sweep(s, "ada", place, w.clock.now(), 1); }).value();
    BOOST_TEST(w.memory.read([](store_reader& r) { return r.tenant("ada").messages_in_order("main", std::nullopt, 10); }).value().size() == 1u);
    BOOST_TEST(w.refusals(w.push_messages({w.aged("m1", 24h, 3)})) == (strings{"m1 retention_expired"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_sweep_removes_what_nobody_sees_any_more) {
    privacy_world w;
    endpoint::telemetry_intake intake{w.store};
    for (int i = 0; i < 5; ++i) BOOST_TEST(w.push_messages({w.aged("m1", 1h), w.aged("m2", 1h)}, "c" + std::to_string(i)).verdict() == "200");
    BOOST_TEST(w.tell("e1", intake) == "acked");
    w.clock.advance(24h * 91);
    w.peer = w.pair();
    BOOST_TEST(w.push_messages({w.aged("m3", 1h)}, "c3").verdict() == "200");
    BOOST_TEST(w.user_sends("GET", "/telemetry/events").body().at("events").as_array().empty());
    int batches = 0;
    for (endpoint::sweep_place place; !place.done && batches < 100; ++batches)
        place = w.store.write([&](store_writer& s) { return endpoint::sweep(s, "ada", place, w.clock.now(), 2); }).value();
    BOOST_TEST(batches > 2);
    BOOST_TEST(batches < 100);
    w.memory.read([](store_reader& r) -> result<> {
        auto& mine = r.tenant("ada");
        auto const heads = mine.heads("", 10).value();
        BOOST_TEST(heads.size() == 1u);
        BOOST_TEST(mine.messages_in_order("c3", std::nullopt, 10).value().size() == 1u);
        BOOST_TEST(mine.events(std::nullopt, {}, std::nullopt, 10).value().empty());
        return ok();
    }).value();
}

// BSP-PRV-070 … BSP-PRV-077
BOOST_AUTO_TEST_CASE(an_export_is_everything_of_one_user) {
    privacy_world w;
    endpoint::telemetry_intake intake{w.store};
    w.pair("bob", laptop, other_key());
    BOOST_TEST(w.user_sends("POST", "/conversations/main/messages", "bob", R"({"role": "user", "content": "canary-bob", "surface": "web"})").verdict() == "201");
    BOOST_TEST(w.push_messages({w.aged("m1", 1h)}, "main", 1, "Trip").verdict() == "200");
    BOOST_TEST(w.push_messages({w.aged("m2", 1h)}, "other").verdict() == "200");
    BOOST_TEST(w.tell("e1", intake) == "acked");
    auto const a = w.user_sends("GET", "/privacy/export");
    auto const body = a.body();
    BOOST_TEST(body.at("user_id").as_string() == "ada");
    BOOST_TEST(body.at("exported_at").as_string() == format_timestamp(w.clock.now()));
    BOOST_TEST(body.at("conversations").as_array().size() == 2u);
    BOOST_TEST((body.at("conversations").at(0) == w.user_sends("GET", "/conversations/main?conflicts=1").body()));
    BOOST_TEST((body.at("telemetry") == w.user_sends("GET", "/telemetry/events").body().at("events")));
    BOOST_TEST((body.at("privacy_settings") == w.user_sends("GET", "/privacy-settings").body()));
    BOOST_TEST((body.at("peers") == w.user_sends("GET", "/peers").body().at("peers")));
    BOOST_TEST(a.raw.body.find("canary-bob") == std::string::npos);
    BOOST_TEST(a.raw.body.find("signature") == std::string::npos);
    BOOST_TEST(a.header("Cache-Control") == "no-store");
    BOOST_TEST(w.send("GET", "/privacy/export").verdict() == "401 credential-required");
}

// BSP-PRV-080 … BSP-PRV-094
BOOST_AUTO_TEST_CASE(an_erasure_is_for_good) {
    privacy_world w;
    endpoint::telemetry_intake intake{w.store};
    auto const pushed = [&] { return w.push(w.peer, {w.conversation({w.aged("m1", 1h), w.aged("m2", 1h)}, 4, "main", format_timestamp(w.clock.now()))}, "sync_first"); };
    BOOST_TEST(pushed().verdict() == "200");
    BOOST_TEST(w.push_messages({w.aged("n1", 1h)}, "titled", 7, "canary-title").verdict() == "200");
    BOOST_TEST(w.tell("e1", intake) == "acked");
    BOOST_TEST(w.user_sends("POST", "/conversations/main/messages", "bob", R"({"role": "user", "content": "bobs", "surface": "web"})").verdict() == "201");

    BOOST_TEST(w.peer_sends("DELETE", "/privacy/data", w.peer).verdict() == "403 forbidden");
    BOOST_TEST(w.send("DELETE", "/privacy/data").verdict() == "401 credential-required");
    BOOST_TEST(w.held() == (strings{"m1", "m2"}), boost::test_tools::per_element());
    BOOST_TEST(w.put(R"({"retention_days": 30})").verdict() == "200");

    auto const receipt = w.user_sends("DELETE", "/privacy/data").body();
    BOOST_TEST(receipt.at("status").as_string() == "erased");
    BOOST_TEST((receipt.at("conversations").as_int64() == 2 && receipt.at("messages").as_int64() == 3 && receipt.at("telemetry_events").as_int64() == 1));
    auto const all = w.user_sends("GET", "/privacy/export").body();
    BOOST_TEST((all.at("conversations").as_array().empty() && all.at("telemetry").as_array().empty()));
    BOOST_TEST(all.at("privacy_settings").at("retention_days").as_int64() == 30);
    BOOST_TEST(all.at("peers").as_array().size() == 1u);
    BOOST_TEST(w.pull(w.peer).body().at("conversations").as_array().empty());
    BOOST_TEST(w.read("main", "bob").verdict() == "200");

    auto const again = pushed();  // a new push now: its receipt was erased, too
    BOOST_TEST(w.refusals(again) == (strings{"m1 erased", "m2 erased", "main erased"}), boost::test_tools::per_element());
    BOOST_TEST(w.held() == (strings{"404 not-found"}), boost::test_tools::per_element());
    BOOST_TEST(w.refusals(w.push_messages({w.aged("n1", 1h, 9), w.aged("n2", 1h)}, "titled", 7, "canary-title")) == (strings{"n1 erased"}), boost::test_tools::per_element());
    BOOST_TEST(w.held("titled") == (strings{"n2"}), boost::test_tools::per_element());
    BOOST_TEST(w.read("titled").raw.body.find("canary-title") == std::string::npos);
    // The conversation is there again; what was erased of it is not, pushed alone or with something new.
    BOOST_TEST(w.refusals(w.push_messages({}, "titled", 7, "canary-title")) == (strings{"titled erased"}), boost::test_tools::per_element());
    BOOST_TEST(w.refusals(w.push_messages({w.aged("n3", 1h)}, "titled", 7, "canary-title")) == (strings{"titled erased"}), boost::test_tools::per_element());
    BOOST_TEST(w.held("titled") == (strings{"n2", "n3"}), boost::test_tools::per_element());
    BOOST_TEST(w.read("titled").raw.body.find("canary-title") == std::string::npos);
    BOOST_TEST(w.push_messages({}, "titled", 8, "anew").verdict() == "200");
    BOOST_TEST(w.read("titled").body().at("title").as_string() == "anew");
    BOOST_TEST(w.tell("e1", intake) == "acked");
    BOOST_TEST(w.user_sends("GET", "/telemetry/events").body().at("events").as_array().empty());
    BOOST_TEST(w.user_sends("POST", "/conversations/main/messages", "ada", R"({"role": "user", "content": "x", "surface": "web", "id": "new"})").verdict() == "201");
    BOOST_TEST(w.held() == (strings{"new"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_second_erasure_does_not_forget_the_versions_of_the_first) {
    privacy_world w;
    auto const erase = [&] { return w.user_sends("DELETE", "/privacy/data").verdict(); };
    BOOST_TEST(w.push_messages({w.aged("m1", 1h, 9)}, "main", 9, "canary-title").verdict() == "200");
    BOOST_TEST(erase() == "200");
    BOOST_TEST(w.push_messages({w.aged("n1", 1h, 2)}, "main", 2).verdict() == "200");
    BOOST_TEST(w.held() == (strings{"n1"}), boost::test_tools::per_element());
    BOOST_TEST(erase() == "200");
    BOOST_TEST(w.push_messages({w.aged("n2", 1h, 9)}, "main", 9, "canary-title").verdict() == "200");
    BOOST_TEST(w.held() == (strings{"n2"}), boost::test_tools::per_element());
    BOOST_TEST(w.read("main").raw.body.find("canary-title") == std::string::npos);
}

namespace {

/// "privacy_settings_updated {…} " of each entry about what a user wanted, without the user's tag.
std::string recorded(privacy_world& w) {
    std::string out;
    for (auto const& e : w.memory.read([](store_reader& r) { return r.audit({.limit = 1'000}); }).value()) {
        if (e.type != audit_type::privacy_settings_updated && e.type != audit_type::data_exported && e.type != audit_type::data_erased && e.type != audit_type::retention_enforced) continue;
        auto details = json::parse(e.details).value().get_object();
        BOOST_TEST(details.stable_erase("user") == 1u);
        out += std::string{name_of(e.type)} + (e.peer_id.empty() ? "" : " by a peer") + ' ' + json::serialize(details) + ' ';
    }
    return out;
}

}  // namespace

// BSP-AUD-015 … BSP-AUD-019, BSP-AUD-025
BOOST_AUTO_TEST_CASE(what_a_user_wanted_is_recorded_and_nothing_of_what_it_was_about) {
    privacy_world w;
    BOOST_TEST(w.put(R"({"retention_days": 30, "sync_telemetry": false, "x": "canary-x"})").verdict() == "200");
    BOOST_TEST(recorded(w) == R"(privacy_settings_updated {"sync_enabled":1,"sync_conversations":1,"sync_telemetry":0,"redact_pii":1,"retention_days":30,"allowed_surfaces":4} )");
    BOOST_TEST(w.put(R"({"retention_days": 0})").verdict() == "422 invalid-body");
    BOOST_TEST(w.put(R"({"user_id": "bob"})").verdict() == "403 forbidden");
    BOOST_TEST(w.send("GET", "/privacy/export").verdict() == "401 credential-required");
    BOOST_TEST(w.peer_sends("DELETE", "/privacy/data", w.peer).verdict() == "403 forbidden");
    auto const before = recorded(w);
    BOOST_TEST(before.find('}') == before.rfind('}'));  // what was refused is not there

    BOOST_TEST(w.push_messages({w.aged("m1", 1h), w.aged("m2", 1h)}, "canary-id", 7, "canary-title").verdict() == "200");
    BOOST_TEST(w.user_sends("GET", "/privacy/export").verdict() == "200");
    BOOST_TEST(w.peer_sends("GET", "/privacy/export", w.peer).verdict() == "200");
    std::string const exported = R"({"conversations":1,"telemetry_events":0,"peers":1} )";
    BOOST_TEST(recorded(w) == before + "data_exported " + exported + "data_exported by a peer " + exported);
    BOOST_TEST(w.user_sends("DELETE", "/privacy/data").verdict() == "200");
    BOOST_TEST(recorded(w).ends_with(R"(data_erased {"conversations":1,"messages":2,"telemetry_events":0} )"));
    for (auto const& e : w.memory.read([](store_reader& r) { return r.audit({.limit = 1'000}); }).value()) BOOST_TEST(entry_line(e).find("canary") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_retention_removed_is_recorded_with_its_removal) {
    privacy_world w;
    auto const sweep = [&] {
        for (endpoint::sweep_place place; !place.done;)
            place = w.store.write([&](store_writer& s) { return endpoint::sweep(s, "ada", place, w.clock.now(), 2); }).value();
    };
    BOOST_TEST(w.push_messages({w.aged("m1", 1h), w.aged("m2", 1h), w.aged("m3", 1h)}).verdict() == "200");
    sweep();
    BOOST_TEST(recorded(w).empty());  // there was nothing to do
    w.clock.advance(24h * 91);
    sweep();
    BOOST_TEST(recorded(w) == R"(retention_enforced {"conversations":0,"messages":2,"telemetry_events":0} retention_enforced {"conversations":1,"messages":1,"telemetry_events":0} )");
}

BOOST_AUTO_TEST_CASE(an_erasure_is_whole_or_not_at_all) {
    privacy_world w;
    BOOST_TEST(w.push_messages({w.aged("m1", 1h), w.aged("m2", 1h)}).verdict() == "200");
    for (std::size_t n = 0;; ++n) {
        w.store.fail_at(n);
        auto const a = w.user_sends("DELETE", "/privacy/data");
        bool const failed = w.store.has_failed();
        w.store.never_fail();
        if (!failed) {
            BOOST_TEST(a.verdict() == "200");
            break;
        }
        BOOST_TEST(a.verdict() == "503 unavailable");
        BOOST_TEST(w.held() == (strings{"m1", "m2"}), boost::test_tools::per_element());
    }
    BOOST_TEST(w.held() == (strings{"404 not-found"}), boost::test_tools::per_element());
    BOOST_TEST(recorded(w) == R"(data_erased {"conversations":1,"messages":2,"telemetry_events":0} )");  // once, of all the attempts
}

BOOST_AUTO_TEST_SUITE_END()
