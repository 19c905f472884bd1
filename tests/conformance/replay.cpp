#include "conformance/faulty/faults.hpp"
#include "conformance/probe.hpp"
#include "conformance/replay/answers.hpp"
#include "conformance/replay/playing.hpp"
#include "conformance/replay/recording.hpp"
#include "conformance/runner.hpp"

#include <bsp/json/parse.hpp>

#include <boost/test/unit_test.hpp>

using namespace bsp;
using namespace bsp::conformance;

BOOST_AUTO_TEST_SUITE(suite_replay)

namespace {

constexpr char secret_of_ada[] = "k3mUv0qg7cJ2yT1wZr8nXh5bQe9dLpA4sFoYtGiHjNs";
constexpr char admin[] = "admin-4f1d7c2a9b";

/// A backend in this process, wrong or right, and a run against it.
struct table {
    explicit table(char const* fault, std::map<std::string, std::string> users = {{"ada", secret_of_ada}, {"bob", "Qw7nT2xKc9vLs4RmZp1YbHdJe6Ug3FiAoXyB8tWqNz0"}}) : settings{make_settings(std::move(users))} {
        auto const* f = *fault ? faulty::find_fault(fault) : nullptr;
        backend = f ? std::shared_ptr<faulty::backend>{f->make(settings)} : std::make_shared<faulty::backend>(settings);
        target = in_process([b = backend](http_request const& r, instant now) { return b->handle(r, now); });
        surroundings_options o;
        for (auto const& [id, secret] : settings.users) o.users.push_back({id, secret});
        o.admin_token = settings.admin_token;
        o.seed = 1;
        world = std::make_unique<surroundings>(*target, o);
        (void)probe(*world);
    }
    static faulty::settings make_settings(std::map<std::string, std::string> users) {
        static auto const key = rsa_private_key::generate();
        faulty::settings s;
        s.backend_type = "hosted";
        s.users = std::move(users);
        s.admin_token = admin;
        s.key = key;
        return s;
    }

    faulty::settings settings;
    std::shared_ptr<faulty::backend> backend;
    std::unique_ptr<conformance::target> target;
    std::unique_ptr<surroundings> world;
};

/// What a check that fails at the faulty backend leaves, as text.
std::string saved(char const* fault, char const* check_id) {
    table at{fault};
    auto const* c = find_check(check_id);
    record r{*c->check, c->index};
    run_one(*at.world, *c, r);
    BOOST_REQUIRE_MESSAGE(r.failure || !r.inexact.empty(), check_id << " does not find " << fault);
    return json::serialize(replay::to_json(replay::recorded(*at.world, *c, r)));
}

replay::finale played(std::string const& text, table& at) {
    auto const s = replay::read_sequence(text);
    BOOST_REQUIRE_MESSAGE(s, s.error().detail);
    BOOST_TEST(replay::obstacle(*s, *at.world) == "");
    return replay::play(*s, *at.world, [](auto const&, auto const&) {}).value();
}

struct row {
    char const *fault, *check;
};

std::ostream& operator<<(std::ostream& out, row const& r) { return out << r.fault << " by " << r.check; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_failure_comes_again_at_the_same_backend_and_not_at_a_right_one) {
    for (row const& r : {row{"F-SYN-213", "aut/user-iss"},               // a wrong claim, signed
                         row{"F-SYN-224", "aut/wrong-principal"},        // the path in the claim is made of an answer
                         row{"F-SYN-116", "syn/pull-pages"},             // cursors
                         row{"F-REG-111", "peer/pair-again"},            // times, before and after an unpairing
                         row{"F-REG-101", "sbt/signature-form"},         // a signature spelled otherwise
                         row{"F-SYN-193", "syn/repeat-checked-again"},   // the same sync_id twice
                         row{"F-SYN-170", "syn/signature-encoding"},     // … and without padding
                         row{"F-SYN-102", "syn/content-verbatim"},       // contents that look like placeholders and escapes
                         row{"F-PEER-02", "peer/list-without-secrets"}}) {
        auto const text = saved(r.fault, r.check);
        table same{r.fault}, right{""};
        auto const again = played(text, same), not_again = played(text, right);
        BOOST_TEST(again.reproduced, r << ": " << again.because);
        BOOST_TEST(!not_again.reproduced, r);
        BOOST_TEST(not_again.because != "", r);
    }
}

BOOST_AUTO_TEST_CASE(a_property_s_counterexample_comes_again) {
    auto const text = saved("F-SYN-11", "mrg/history-states");
    table same{"F-SYN-11"}, right{""};
    BOOST_TEST(played(text, same).reproduced);
    BOOST_TEST(!played(text, right).reproduced);
}

BOOST_AUTO_TEST_CASE(what_other_cases_left_in_a_feed_is_not_where_values_are_from) {
    static auto const with = [](scenario& s, peer const& a) { return a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "said by many")})}); };
    check const c{"syn/pull-pages", "", {}, "", "", [](scenario& s) {
                      auto const a = s.register_peer();
                      s.expect(a.pull({.limit = 100}).bytes().find("said by many") != std::string::npos, "another case's conversation in the feed", "none");
                      s.expect(with(s, a).status() != 200, "a push that is refused", "200");
                  }};
    registered_check const registered{&c, profile::syn, "test", 1};
    table at{""}, same{""};
    record earlier{c, 1}, r{c, 1};
    r.names = earlier.names;
    scenario s{*at.world, earlier};
    (void)with(s, s.register_peer());
    run_one(*at.world, registered, r);
    BOOST_REQUIRE_MESSAGE(r.failure, to_string(r.behaviour) << ' ' << r.reason);
    BOOST_TEST(r.failure->actual == "200");
    auto const again = played(json::serialize(replay::to_json(replay::recorded(*at.world, registered, r))), same);
    BOOST_TEST(again.reproduced, again.because);
}

BOOST_AUTO_TEST_CASE(other_users_and_a_second_replay_do) {
    auto const text = saved("F-SYN-224", "aut/wrong-principal");
    table other{"F-SYN-224", {{"carla", "another secret of another user 0123"}}};
    BOOST_TEST(played(text, other).reproduced);
    BOOST_TEST(played(text, other).reproduced);  // nothing of the first is in its way
}

BOOST_AUTO_TEST_CASE(secrets_are_not_in_it) {
    for (row const& r : {row{"F-SYN-213", "aut/user-iss"}, row{"F-PEER-02", "peer/list-without-secrets"}}) {
        auto const text = saved(r.fault, r.check);
        BOOST_TEST(text.find(secret_of_ada) == std::string::npos);
        BOOST_TEST(text.find(admin) == std::string::npos);
        BOOST_TEST(text.find("${secret-1}") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(what_a_sequence_needs_is_said) {
    auto s = replay::read_sequence(saved("F-SYN-224", "aut/wrong-principal")).value();
    table at{"", {{"ada", secret_of_ada}}};
    s.users = 2;
    BOOST_TEST(replay::obstacle(s, *at.world).find("2 users") != std::string::npos);
    s.users = 1;
    s.steps.front().hook = "restart";
    BOOST_TEST(replay::obstacle(s, *at.world).find("--restart-cmd") != std::string::npos);
    s.steps.front().hook.clear();
    s.backend_type = "local";
    BOOST_TEST(replay::obstacle(s, *at.world).find("local") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_files_are_told_apart) {
    auto const good = saved("F-SYN-224", "aut/wrong-principal");
    auto const problem = [](std::string const& text) {
        auto const read = replay::read_sequence(text);
        BOOST_TEST(!read, text.substr(0, 80));
        return read ? std::string{} : read.error().detail;
    };
    BOOST_TEST(problem("").find("empty") != std::string::npos);
    BOOST_TEST(problem("hello").find("no JSON") != std::string::npos);
    BOOST_TEST(problem(good.substr(0, good.size() / 2)).find("cut off") != std::string::npos);
    BOOST_TEST(problem(R"({"event":"run-started"})").find("report") != std::string::npos);
    BOOST_TEST(problem(R"({"format":"bsp-replay","version":2})").find("version 2") != std::string::npos);
    BOOST_TEST(problem(R"({"format":"bsp-replay","version":1})").find("not a whole sequence") != std::string::npos);
    auto const changed = [&](auto const& change) {
        auto v = json::parse(good).value();
        change(v.as_object());
        return json::serialize(v);
    };
    BOOST_TEST(problem(changed([](json::object& o) { o["decisive"].as_object()["step"] = 99; })).find("decisive") != std::string::npos);
    BOOST_TEST(problem(changed([](json::object& o) { o["steps"].as_array().front().as_object().erase("answer"); })).find("step 1") != std::string::npos);
    BOOST_TEST(problem(changed([](json::object& o) { o["values"].as_object()["suffix"].as_object()["is"] = "magic"; })).find("magic") != std::string::npos);

    // Values that are not there, or made of themselves, end the replay with a word.
    table at{""};
    auto s = replay::read_sequence(good).value();
    s.steps.front().body = "${nothing}";
    BOOST_TEST(!replay::play(s, *at.world, [](auto const&, auto const&) {}));
    s.values["nothing"] = {.is = "base64url", .of = "${nothing}"};
    BOOST_TEST(!replay::play(s, *at.world, [](auto const&, auto const&) {}));
}

BOOST_AUTO_TEST_CASE(answers_are_compared_by_what_they_mean) {
    std::string const requests = R"({"content":"said 2026-01-01T00:00:00Z","id":"mine-0123456789"})";
    auto const differs = [&](char const* recorded, char const* now) {
        std::string unverified;
        return replay::difference({.status = 200, .body = recorded}, {.status = 200, .body = now}, 100, requests, true, unverified).has_value();
    };
    BOOST_TEST(!differs(R"({"a":1,"b":2})", R"({"b":2,"a":1})"));
    BOOST_TEST(differs(R"({"a":1})", R"({"a":2})"));
    BOOST_TEST(differs(R"({"a":1})", R"({})"));
    BOOST_TEST(differs(R"([1,2])", R"([2,1])"));
    BOOST_TEST(!differs(R"({"id":"peer_0a1b2c3d4e5f"})", R"({"id":"peer_9f8e7d6c5b4a"})"));          // drawn by the target
    BOOST_TEST(differs(R"({"id":"mine-0123456789"})", R"({"id":"peer_9f8e7d6c5b4a"})"));             // told it, and lost
    BOOST_TEST(!differs(R"({"at":"${url}/sync/peer_0a1b2c3d4e5f?x=1"})", R"({"at":"${url}/sync/peer_9f8e7d6c5b4a?x=1"})"));  // within a text
    BOOST_TEST(differs(R"({"at":"${url}/sync/peer_0a1b2c3d4e5f?x=1"})", R"({"at":"${url}/sync/peer_9f8e7d6c5b4a?y=1"})"));
    BOOST_TEST(differs(R"({"id":"${peer_id-1}"})", R"({"id":"peer_9f8e7d6c5b4a"})"));
    BOOST_TEST(differs(R"({"at":"2026-01-01T00:00:00Z"})", R"({"at":"2026-01-01T00:01:43.5Z"})"));  // it was in a request
    BOOST_TEST(!differs(R"({"at":"2026-01-02T00:00:00Z"})", R"({"at":"2026-01-02T00:01:43.5Z"})"));           // 100 s later, more or less
    BOOST_TEST(differs(R"({"at":"2026-01-02T00:00:00Z"})", R"({"at":"2026-01-02T00:02:00Z"})"));
    BOOST_TEST(differs(R"({"code":"stale-request"})", R"({"code":"invalid-body"})"));
    std::string unverified;
    BOOST_TEST(!replay::difference({.status = 200, .body = R"({"digest":"00aa11bb22cc"})"}, {.status = 200, .body = R"({"digest":"ff00ff00ff00"})"}, 0, "", true, unverified));
    BOOST_TEST(unverified == "/digest");
}

BOOST_AUTO_TEST_CASE(names_are_found_longest_first_and_never_within_a_placeholder) {
    replay::vocabulary v;
    v.add("ada", "${user}");
    v.add("ada-1", "${name}");
    v.add("user", "${role}");
    BOOST_TEST(v.abstracted("ada-1 ada user") == "${name} ${user} ${role}");
}

BOOST_AUTO_TEST_SUITE_END()
