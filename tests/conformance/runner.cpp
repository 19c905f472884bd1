#include "conformance/clauses.hpp"
#include "conformance/commands.hpp"
#include "conformance/line.hpp"
#include "conformance/peer/listener.hpp"
#include "conformance/probe.hpp"
#include "conformance/property.hpp"
#include "conformance/runner.hpp"
#include "scripted_server.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <latch>
#include <mutex>
#include <sstream>
#include <thread>

using namespace bsp::conformance;
namespace json = bsp::json;

namespace {

bsp::http_response answer_json(int status, std::string body) { return {status, {{"Content-Type", "application/json"}}, std::move(body)}; }

constexpr auto identity_text = R"({"backend_id":"hosted_sha256_0123456789abcdef","backend_type":"hosted","public_key":"","capabilities":[],"version":"1.0","created_at":"2025-01-01T00:00:00Z"})";

/// A little server: 200 for /ok and /identity, otherwise the number in the path.
bsp::http_response little(bsp::http_request const& r, bsp::instant) {
    if (r.target == "/ok") return answer_json(200, "{}");
    if (r.target == "/identity") return answer_json(200, identity_text);
    return answer_json(std::atoi(r.target.c_str() + 1), R"({"code":"some-code"})");
}

surroundings_options one_user() { return {{{"ada", "secret-of-ada-0123456789"}}, {}, 1, std::chrono::milliseconds{500}, {}, {}}; }

check check_of(void (*run)(scenario&), unsigned needs = nothing, obligation strength = obligation::must, aspect about = aspect::behaviour) {
    return {"test/check", "a title", {"BSP-ID-001"}, "impact", "cause", run, needs, strength, about};
}

/// One check against the little server.
run_result run_alone(check const& c, run_options const& options = {}) {
    auto const t = in_process(little);
    surroundings world{*t, one_user()};
    probe(world);
    return run(world, {{&c, profile::id, "test", 0}}, options);
}

verdict verdict_of(check const& c) { return run_alone(c).checks.at(0).verdict; }

exchange call(scenario& s, char const* path) { return s.nobody().get(path); }

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_runner)

BOOST_AUTO_TEST_CASE(the_suite_is_made_soundly) {
    auto const flaws = flaws_of_the_suite();
    for (auto const& f : flaws) BOOST_ERROR(f);
}

BOOST_AUTO_TEST_CASE(verdicts) {
    auto const is = [](verdict expected, void (*run)(scenario&)) { BOOST_TEST(to_string(verdict_of(check_of(run))) == to_string(expected)); };
    is(verdict::pass, [](scenario& s) { s.accepted(call(s, "/ok"), "it"); });
    is(verdict::fail, [](scenario& s) { s.accepted(call(s, "/403"), "it"); });
    is(verdict::pass, [](scenario& s) { s.control(call(s, "/ok"), "control"); s.refused(call(s, "/401"), "it"); });
    is(verdict::inconclusive, [](scenario& s) { s.control(call(s, "/403"), "control"); });
    is(verdict::inconclusive, [](scenario& s) { s.refused(call(s, "/401"), "it"); });  // no positive evidence
    is(verdict::inconclusive, [](scenario&) {});
    is(verdict::untested, [](scenario& s) { s.untested("because"); });
    is(verdict::not_applicable, [](scenario& s) { s.not_applicable("because"); });
    is(verdict::harness_error, [](scenario& s) { static_cast<void>(s.other_user()); });  // it has not said that it needs one
    is(verdict::harness_error, [](scenario&) { throw std::out_of_range{"a mistake of the check"}; });
    is(verdict::fail, [](scenario& s) { s.control(call(s, "/ok"), "control"); s.expect(false, "this", "that"); });
}

BOOST_AUTO_TEST_CASE(only_4xx_is_a_refusal) {
    for (auto* run : {+[](scenario& s) { s.refused(call(s, "/200"), "it"); }, +[](scenario& s) { s.refused(call(s, "/302"), "it"); }, +[](scenario& s) { s.refused(call(s, "/500"), "it"); }})
        BOOST_TEST(to_string(verdict_of(check_of(run))) == "FAIL");
}

BOOST_AUTO_TEST_CASE(exactness_counts_at_level_strict_only) {
    auto const c = check_of([](scenario& s) { s.control(call(s, "/ok"), "control"); s.refused(call(s, "/400"), "it", {.statuses = {401}}); });
    BOOST_TEST(run_alone(c, {.level = level::strict}).exit_code == exit_code::failed);
    auto const lenient = run_alone(c, {.level = level::compatible});
    BOOST_TEST(lenient.exit_code == exit_code::conformant);
    BOOST_TEST((lenient.compatible == attained::yes && lenient.strict == attained::no));

    auto const form = check_of([](scenario& s) { s.expect(call(s, "/ok").header("X") != nullptr, "a field", "none"); }, nothing, obligation::must, aspect::exactness);
    BOOST_TEST(run_alone(form, {.level = level::strict}).exit_code == exit_code::failed);
    BOOST_TEST(to_string(run_alone(form, {.level = level::compatible}).checks[0].verdict) == "FAIL");
    BOOST_TEST(!run_alone(form, {.level = level::compatible}).checks[0].counts);
}

BOOST_AUTO_TEST_CASE(strength_decides_what_counts) {
    auto const failing = +[](scenario& s) { s.accepted(call(s, "/403"), "it"); };
    BOOST_TEST(run_alone(check_of(failing)).exit_code == exit_code::failed);
    BOOST_TEST(run_alone(check_of(failing, nothing, obligation::should)).exit_code == exit_code::inconclusive);  // nothing passed
    BOOST_TEST(run_alone(check_of(failing, nothing, obligation::should), {.fail_on_should = true}).exit_code == exit_code::failed);
    BOOST_TEST(run_alone(check_of(failing, nothing, obligation::may), {.fail_on_should = true}).exit_code == exit_code::inconclusive);
}

BOOST_AUTO_TEST_CASE(exit_codes_of_the_other_verdicts) {
    BOOST_TEST(run_alone(check_of([](scenario&) { throw std::runtime_error{"x"}; })).exit_code == exit_code::own_fault);
    BOOST_TEST(run_alone(check_of([](scenario& s) { s.untested("x"); })).exit_code == exit_code::inconclusive);
    BOOST_TEST(run_alone(check_of([](scenario& s) { s.accepted(call(s, "/ok"), "x"); })).exit_code == exit_code::conformant);
}

BOOST_AUTO_TEST_CASE(what_a_check_needs_and_nobody_gave_is_untested) {
    auto const passes = +[](scenario& s) { s.accepted(call(s, "/ok"), "it"); };
    for (unsigned const n : {need::second_user, need::admin_token, need::restart_hook, need::kill_hook, need::sockets}) BOOST_TEST(to_string(verdict_of(check_of(passes, n))) == "UNTESTED");
    BOOST_TEST(to_string(verdict_of(check_of(passes, need::local_target))) == "NOT-APPLICABLE");
    BOOST_TEST(to_string(verdict_of(check_of(passes, need::hosted_target | need::alone))) == "PASS");
}

BOOST_AUTO_TEST_CASE(who_has_a_user_of_its_own_waits_for_nobody_but_who_needs_that_user) {
    static std::mutex mutex;
    static std::vector<std::string> ended;
    static std::promise<void> served;
    auto const note = [](scenario& s) {
        std::lock_guard const lock{mutex};
        ended.push_back(s.account().id);
        s.evidence("it ran");
    };
    check const own = check_of([](scenario& s) { decltype(note){}(s); if (s.account().id == "cleo") served.set_value(); }, need::own_user);
    check const beside = check_of([](scenario& s) { served.get_future().wait_for(std::chrono::seconds{20}); decltype(note){}(s); }, need::second_user);
    check const of_two = check_of([](scenario& s) { decltype(note){}(s); (void)s.other_user(); }, need::second_user);
    auto const ended_with = [&](std::vector<user_account> users, std::vector<check const*> const& checks) {
        ended.clear();
        auto const t = in_process(little);
        auto o = one_user();
        o.users = std::move(users);
        surroundings world{*t, std::move(o)};
        probe(world);
        std::vector<registered_check> all;
        for (auto const* c : checks) all.push_back({c, profile::id, "test", all.size()});
        for (auto const& one : run(world, all, {}).checks) BOOST_TEST(to_string(one.verdict) == "PASS");
        return ended;
    };
    user_account const ada{"ada", "secret-of-ada-0123456789"}, bob{"bob", "secret-of-bob-0123456789"}, cleo{"cleo", "secret-of-cleo-0123456789"};
    // The third user serves at once, though the second is needed, or the check beside would wait for it in vain.
    BOOST_TEST((ended_with({ada, bob, cleo}, {&beside, &own}) == std::vector<std::string>{"cleo", "ada"}));
    // The first serves when there is no other, and the second after those that need two.
    check const plain = check_of([](scenario& s) { decltype(note){}(s); }), lone = check_of([](scenario& s) { decltype(note){}(s); }, need::own_user);
    BOOST_TEST((ended_with({ada}, {&lone, &plain}) == std::vector<std::string>{"ada", "ada"}));
    BOOST_TEST((ended_with({ada, bob}, {&lone, &of_two}).front() == "ada"));
    // Nobody serves as the other one of a check with a user of its own who might be another's own.
    check const own_of_two = check_of([](scenario& s) { decltype(note){}(s); if (s.other_account().id != "ada") s.inconclusive("another's"); }, need::own_user | need::second_user);
    BOOST_TEST((ended_with({ada, bob, cleo}, {&own_of_two, &own_of_two, &own_of_two}).size() == 3));
}

BOOST_AUTO_TEST_CASE(who_is_watched_is_blamed_by_two_looks_of_three) {
    static std::string outcomes;  // of the looks: '+' passes, '-' fails, '?' cannot tell
    static std::size_t looks;
    auto const watching = check_of(
        [](scenario& s) {
            char const outcome = outcomes.at(looks++);
            if (outcome == '?') s.inconclusive("who knows");
            s.expect(outcome == '+', "in time", "late");
            s.evidence("it was in time");
        },
        need::peer_listener);
    auto const verdict_after = [&](std::string what_they_see, bool looks_again) {
        outcomes = std::move(what_they_see), looks = 0;
        auto const t = in_process(little);
        auto options = one_user();
        options.peer_door = listener::open("127.0.0.1:0").value();
        surroundings world{*t, options};
        probe(world);
        auto const j = run(world, {{&watching, profile::id, "test", 0}}, {.looks_again = looks_again}).checks.at(0);
        BOOST_TEST(looks == outcomes.size(), outcomes);
        BOOST_TEST(j.record.other_looks.size() + 1 == looks);
        auto const told = std::ranges::count_if(j.record.other_looks, [](auto const& l) { return l.verdict == verdict::fail && l.why == "expected in time, actual late"; });
        BOOST_TEST(told + (j.verdict == verdict::fail) == std::ranges::count(outcomes, '-'), outcomes);
        return std::string{to_string(j.verdict)};
    };
    BOOST_TEST(verdict_after("-", false) == "FAIL");
    BOOST_TEST(verdict_after("+", true) == "PASS");
    BOOST_TEST(verdict_after("--", true) == "FAIL");
    BOOST_TEST(verdict_after("-++", true) == "PASS");
    BOOST_TEST(verdict_after("-+-", true) == "FAIL");
    BOOST_TEST(verdict_after("?+", true) == "PASS");
    BOOST_TEST(verdict_after("?-?", true) == "INCONCLUSIVE");
    BOOST_TEST(verdict_after("??", true) == "INCONCLUSIVE");
}

BOOST_AUTO_TEST_CASE(what_may_be_for_want_of_time_is_looked_at_again_alone) {
    static std::string answers;  // to the looks: '+' 200, '-' 500, '.' none, '?' 200, and the check cannot tell, '>' 200, and too late
    static std::atomic<std::size_t> looks;
    scripted_server const server{[](int fd) {
        auto const head = scripted_server::read_head(fd);
        char const how = head.find("/judged") == std::string::npos ? '+' : answers.at(looks++);
        if (how == '.') (void)scripted_server::read_head(fd);  // until the other side gives up
        else scripted_server::write(fd, std::string{how == '-' ? "HTTP/1.1 500 X" : "HTTP/1.1 200 X"} + "\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    }};
    auto const judging = check_of([](scenario& s) {
        s.accepted(call(s, "/judged"), "it");
        if (answers.at(looks - 1) == '?') s.inconclusive("who knows");
        s.expect_in_time(answers.at(looks - 1) != '>', "in time", "late");
    });
    auto const verdicts_after = [&](std::string what_they_get, bool looks_again, std::size_t checks = 1) {
        answers = std::move(what_they_get), looks = 0;
        auto const t = connect_to(server.url()).value();
        surroundings world{*t, one_user()};
        std::vector<registered_check> all;
        for (std::size_t i = 0; i < checks; ++i) all.push_back({&judging, profile::id, "test", i});
        std::string out;
        for (auto const& j : run(world, all, {.jobs = 1, .looks_again = looks_again}).checks) out += std::string{to_string(j.verdict)} + ' ';
        BOOST_TEST(looks == answers.size(), answers);
        return out;
    };
    BOOST_TEST(verdicts_after(".+", true) == "PASS ");
    BOOST_TEST(verdicts_after("?+", true) == "PASS ");
    BOOST_TEST(verdicts_after(">+", true) == "PASS ");
    BOOST_TEST(verdicts_after("..", true) == "FAIL ");
    BOOST_TEST(verdicts_after(">>", true) == "FAIL ");
    BOOST_TEST(verdicts_after(".-", true) == "FAIL ");
    BOOST_TEST(verdicts_after("??", true) == "INCONCLUSIVE ");
    BOOST_TEST(verdicts_after("-", true) == "FAIL ");  // which was no matter of time
    BOOST_TEST(verdicts_after(".", false) == "FAIL ");
    BOOST_TEST(verdicts_after("?+-+", true, 3) == "PASS PASS FAIL ");  // the first is looked at when the others are done
}

BOOST_AUTO_TEST_CASE(those_that_mostly_wait_are_looked_at_again_side_by_side) {
    static std::latch both_wait{2};
    static std::atomic<int> looks;
    auto const waiting = check_of(
        [](scenario& s) {
            s.accepted(call(s, "/ok"), "it");
            if (++looks <= 2) s.inconclusive("too much to do");
            both_wait.count_down();
            auto const end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
            while (!both_wait.try_wait() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
            s.expect(both_wait.try_wait(), "the other one waits, too", "nobody does");
        },
        need::patience);
    auto const t = in_process(little);
    surroundings world{*t, one_user()};
    probe(world);
    auto const all = run(world, {{&waiting, profile::id, "test", 0}, {&waiting, profile::id, "test", 1}}, {.looks_again = true}).checks;
    for (auto const& j : all) BOOST_TEST((j.verdict == verdict::pass && j.record.other_looks.size() == 1));
}

BOOST_AUTO_TEST_CASE(the_baseline_tolerates_what_it_names_and_nothing_else) {
    auto const failing = check_of([](scenario& s) { s.control(call(s, "/ok"), "c"); s.expect(false, "the blue thing", "a red thing"); });
    auto const passing = check_of([](scenario& s) { s.accepted(call(s, "/ok"), "it"); });
    auto const with = [](std::string reason, std::string expires) { return run_options{.baseline = {{"test/check", std::move(reason), "known", std::move(expires)}}, .today = "2026-06-15"}; };
    auto const tolerated = run_alone(failing, with("red thing", "2026-06-15"));
    BOOST_TEST(tolerated.checks[0].baseline_comment == "known");
    BOOST_TEST(tolerated.exit_code == exit_code::inconclusive);  // nothing else passed
    BOOST_TEST(run_alone(failing, with("green", "2026-12-31")).exit_code == exit_code::failed);     // another reason
    BOOST_TEST(run_alone(failing, with("red thing", "2026-06-14")).exit_code == exit_code::failed);  // expired
    BOOST_TEST(run_alone(passing, with("red thing", "2026-12-31")).exit_code == exit_code::failed);  // unexpected pass
}

BOOST_AUTO_TEST_CASE(baseline_files_are_read_strictly) {
    BOOST_TEST(read_baseline(R"({"expected_failures":[{"check":"id/no-credential","reason":"r","comment":"c","expires":"2026-01-01"}]})").has_value());
    for (char const* bad : {"", "[]", R"({"expected_failures":[{"check":"id/no-credentail","reason":"r","comment":"c","expires":"2026-01-01"}]})",
                            R"({"expected_failures":[{"check":"id/no-credential","reason":"r","comment":"","expires":"2026-01-01"}]})",
                            R"({"expected_failures":[{"check":"id/no-credential","reason":"r","comment":"c","expires":"soon"}]})"})
        BOOST_TEST(!read_baseline(bad), bad);
    auto const typo = read_baseline(R"({"expected_failures":[{"check":"id/no-credentail","reason":"r","comment":"c","expires":"2026-01-01"}]})");
    BOOST_TEST(typo.error().detail.find("did you mean id/no-credential?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(selection_by_id_group_glob_and_clause) {
    auto const ids = [](selection const& s) {
        std::vector<std::string> out;
        for (auto const& c : select(s).value()) out.emplace_back(c.check->id);
        return out;
    };
    BOOST_TEST(ids({.only = {"id/no-credential"}}).size() == 1u);
    BOOST_TEST(ids({.only = {"id"}}).size() > 5u);
    BOOST_TEST(ids({.only = {"id/no-cred*"}}).size() == 1u);
    BOOST_TEST(ids({.only = {"identity"}}).size() == ids({.only = {"id"}}).size());
    BOOST_TEST(ids({.only = {"BSP-ID-001"}}).at(0) == "id/no-credential");
    BOOST_TEST(ids({.only = {"id"}, .skip = {"id/no-credential"}}).size() + 1 == ids({.only = {"id"}}).size());
    BOOST_TEST(select({.only = {"id/no-credentia"}}).error().detail.find("did you mean id/no-credential?") != std::string::npos);
    BOOST_TEST(!select({.only = {"id"}, .skip = {"id"}}));
    BOOST_TEST(!select({.only = {"id"}, .profiles = {profile::syn}}));
    for (auto const& c : select({}).value()) BOOST_TEST((c.profile != profile::fuzz));
    BOOST_TEST(ids({.only = {"fuzz"}}) == ids({.profiles = {profile::fuzz}}), boost::test_tools::per_element());
    BOOST_TEST(ids({.only = {"gen/fuzz-members"}}).size() == 1u);
    BOOST_TEST(!select({.only = {"gen/fuzz-*"}}));
}

BOOST_AUTO_TEST_CASE(patterns) {
    BOOST_TEST(matches("a*c", "abbc"));
    BOOST_TEST(matches("*", ""));
    BOOST_TEST(matches("a?c*", "abc"));
    BOOST_TEST(!matches("a*d", "abc"));
    BOOST_TEST(matches("syn", "syn/x"));
    BOOST_TEST(!matches("syn", "sync/x"));
}

BOOST_AUTO_TEST_CASE(fresh_names_never_repeat_and_are_identifiers) {
    auto const t = in_process(little);
    surroundings world{*t, one_user()};
    auto const c = check_of([](scenario&) {});
    record first{c, 1}, second{c, 2};
    scenario a{world, first}, b{world, second}, again{world, first};
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i)
        for (auto* s : {&a, &b, &again}) BOOST_TEST(seen.insert(s->fresh("c")).second);
}

BOOST_AUTO_TEST_CASE(generated_values_follow_the_seed) {
    auto const t = in_process(little);
    auto const c = check_of([](scenario&) {});
    auto const drawn = [&](std::uint64_t seed) {
        auto o = one_user();
        o.seed = seed;
        surroundings world{*t, o};
        record r{c};
        return scenario{world, r}.canary();
    };
    BOOST_TEST(drawn(1) == drawn(1));
    BOOST_TEST(drawn(1) != drawn(2));
}

BOOST_AUTO_TEST_CASE(a_429_is_waited_out) {
    int calls = 0;
    auto const t = in_process([&](bsp::http_request const&, bsp::instant) {
        return ++calls == 1 ? bsp::http_response{429, {{"Retry-After", "1"}}, "{}"} : answer_json(200, "{}");
    });
    surroundings world{*t, one_user()};
    auto const c = check_of([](scenario& s) { s.accepted(call(s, "/"), "it"); });
    record r{c};
    run_one(world, {&c, profile::id, "test", 0}, r);
    BOOST_TEST(to_string(r.behaviour) == "PASS");
    BOOST_TEST(r.steps.size() == 1u);
}

BOOST_AUTO_TEST_CASE(properties_shrink_and_reproduce) {
    // Wrong from 10 on: the smallest counterexample is 10.
    auto const c = check_of([](scenario& s) {
        property(s, "small numbers", {.cases = 200, .size = 100}, rc::gen::inRange(0, 1000), [](scenario& inner, int n) {
            inner.control(call(inner, "/ok"), "a request");
            inner.expect(n < 10, "less than 10", std::to_string(n));
        });
    }, need::generator);
    auto const result = run_alone(c);
    auto const& r = result.checks[0].record;
    BOOST_REQUIRE(r.failure.has_value());
    BOOST_TEST(r.failure->actual == "10");
    BOOST_TEST(r.shrunk->reproduced == 3);
    BOOST_TEST(r.steps.size() == 1u);
    BOOST_TEST(std::stoi(r.shrunk->first.actual) >= 10);
    BOOST_TEST(r.shrunk->first_steps.size() == 1u);

    auto const holds = check_of([](scenario& s) {
        property(s, "nothing", {.cases = 5}, rc::gen::just(0), [](scenario& inner, int) { inner.control(call(inner, "/ok"), "a request"); });
    }, need::generator);
    BOOST_TEST(to_string(verdict_of(holds)) == "PASS");
    auto const blocked = check_of([](scenario& s) {
        property(s, "nothing", {.cases = 5}, rc::gen::just(0), [](scenario& inner, int) { inner.control(call(inner, "/403"), "a request"); });
    }, need::generator);
    BOOST_TEST(to_string(verdict_of(blocked)) == "INCONCLUSIVE");
}

BOOST_AUTO_TEST_CASE(a_counterexample_is_told_before_it_is_made_small_and_flaky_ones_are_called_so) {
    static int failures_left = 2;  // the case as found, and one of the three repetitions
    auto const c = check_of([](scenario& s) {
        property(s, "large numbers fail, twice", {.cases = 200, .size = 100}, rc::gen::inRange(0, 1000), [](scenario& inner, int n) {
            inner.control(call(inner, "/ok"), "a request");
            inner.expect(n < 20 || failures_left-- <= 0, "less than 20", std::to_string(n));
        });
    }, need::generator);
    auto const t = in_process(little);
    surroundings world{*t, one_user()};
    probe(world);
    world.shrink_time = {};  // off
    std::vector<std::string> told;
    run_observer observer;
    observer.counterexample = [&](check const& what, finding const& f, std::size_t steps) { told.push_back(std::string{what.id} + ' ' + f.actual + ' ' + std::to_string(steps)); };
    auto const result = run(world, {{&c, profile::id, "test", 0}}, {}, observer);
    auto const& r = result.checks.at(0).record;
    BOOST_REQUIRE(r.failure.has_value());
    BOOST_REQUIRE(told.size() == 1u);
    BOOST_TEST(told.front() == "test/check " + r.failure->actual + " 1");
    BOOST_TEST(r.shrunk->attempts == 0);
    BOOST_TEST(r.shrunk->reproduced == 1);
    BOOST_TEST(r.shrunk->repeated == 3);
}

BOOST_AUTO_TEST_CASE(every_round_has_names_and_choices_of_its_own) {
    auto const t = in_process(little);
    surroundings world{*t, one_user()};
    auto const c = check_of([](scenario&) {});
    record r{c};
    auto const drawn = [&] {
        scenario s{world, r};
        return std::pair{s.fresh("c"), s.canary()};
    };
    auto const first = drawn();
    world.begin_round(2);
    r.names = std::make_shared<unsigned>(0);
    auto const second = drawn();
    BOOST_TEST(first.first != second.first);
    BOOST_TEST(first.second != second.second);
}

BOOST_AUTO_TEST_CASE(a_target_that_dies_ends_the_run) {
    auto server = std::make_unique<scripted_server>([](int fd) {
        auto const head = scripted_server::read_head(fd);
        if (head.find("/identity") != std::string::npos)
            scripted_server::write(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(std::string_view{identity_text}.size()) + "\r\n\r\n" + identity_text);
    });
    auto const t = connect_to(server->url()).value();
    surroundings world{*t, one_user()};
    BOOST_TEST(probe(world).usable);
    static std::unique_ptr<scripted_server>* to_kill = &server;
    auto const killer = check_of([](scenario& s) { to_kill->reset(); s.control(call(s, "/ok"), "it"); }, need::alone);
    auto const after = check_of([](scenario& s) { s.accepted(call(s, "/ok"), "it"); }, need::alone);
    auto const result = run(world, {{&killer, profile::id, "test", 0}, {&after, profile::id, "test", 1}}, {});
    BOOST_TEST(result.exit_code == exit_code::unreachable);
    BOOST_TEST(to_string(result.checks[0].verdict) == "FAIL");  // nothing ran beside it
    BOOST_TEST(to_string(result.checks[1].verdict) == "UNTESTED");
}

BOOST_AUTO_TEST_CASE(a_closed_connection_is_no_refusal) {
    scripted_server const server{[](int fd) {
        auto const head = scripted_server::read_head(fd);
        if (head.find("/identity") != std::string::npos) scripted_server::write(fd, "HTTP/1.1 401 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }};
    auto const t = connect_to(server.url()).value();
    surroundings world{*t, one_user()};
    auto const c = check_of([](scenario& s) { s.refused(call(s, "/other"), "it"); });
    auto const result = run(world, {{&c, profile::id, "test", 0}}, {});
    BOOST_TEST(to_string(result.checks[0].verdict) == "FAIL");
    BOOST_TEST(!result.target_lost);
}

BOOST_AUTO_TEST_CASE(an_upgrade_beyond_a_budget_is_made_again) {
    std::atomic<int> asked = 0;
    scripted_server const server{[&](int fd) {
        if (scripted_server::read_head(fd).find("Upgrade: websocket") == std::string::npos) return;
        scripted_server::write(fd, ++asked == 1 ? "HTTP/1.1 429 X\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                                                : "HTTP/1.1 403 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }};
    auto const t = connect_to(server.url()).value();
    surroundings world{*t, one_user()};
    auto const c = check_of([](scenario&) {});
    record r{c};
    scenario s{world, r};
    line const patient{s, "somebody", "/telemetry/p1", ""};
    BOOST_TEST(patient.handshake().status() == 403);
    BOOST_TEST(asked == 2);
    world.patience_ms = 0;
    asked = 0;
    line const impatient{s, "somebody", "/telemetry/p1", ""};
    BOOST_TEST(impatient.handshake().status() == 429);
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(http_dates) {
    BOOST_TEST(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")->seconds == 784111777);
    BOOST_TEST(!parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT").has_value());
    BOOST_TEST(!parse_http_date("").has_value());
}

BOOST_AUTO_TEST_CASE(users_files) {
    BOOST_TEST(read_users(R"({"ada":"s1","bob":"s2"})").value().at(1).id == "bob");
    for (char const* bad : {"", "[]", "{}", R"({"ada":1})", R"({"ada":""})", R"({"":"s"})"}) BOOST_TEST(!read_users(bad), bad);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(suite_command_line)

namespace {

struct outcome {
    int code;
    std::string out, err;
};

outcome run_with(run_arguments a) {
    char name[] = "/tmp/bsp-users-XXXXXX";
    ::close(::mkstemp(name));
    std::ofstream{name} << R"({"ada":"secret-of-ada-0123456789"})";
    a.users_file = name;
    std::ostringstream out, err;
    int const code = run_suite(std::move(a), out, err);
    ::unlink(name);
    return {code, out.str(), err.str()};
}

outcome run_at(std::string url) {
    run_arguments a;
    a.url = std::move(url);
    a.timeout_s = 1;
    a.wanted.only = {"id/no-credential", "id/members"};
    return run_with(std::move(a));
}

outcome run_against(std::string text) {
    scripted_server const server{[&](int fd) {
        scripted_server::read_head(fd);
        scripted_server::write(fd, text);
    }};
    return run_at(server.url());
}

}  // namespace

BOOST_AUTO_TEST_CASE(targets_that_cannot_be_judged_end_with_4_and_a_clear_word) {
    auto const html = run_against("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><p>hello");
    BOOST_TEST(html.code == exit_code::unreachable);
    BOOST_TEST(html.err.find("web page") != std::string::npos);
    auto const ssh = run_against("SSH-2.0-OpenSSH_9\r\n");
    BOOST_TEST(ssh.code == exit_code::unreachable);
    BOOST_TEST(ssh.err.find("does not speak HTTP") != std::string::npos);
    auto const silent = run_against("");
    BOOST_TEST(silent.code == exit_code::unreachable);
    scripted_server const hanging{[](int fd) { scripted_server::wait_for_end(fd); }};
    auto const hung = run_at(hanging.url());
    BOOST_TEST(hung.code == exit_code::unreachable);
    BOOST_TEST(hung.err.find("does not answer") != std::string::npos);
    auto const nobody = run_at("http://127.0.0.1:1");
    BOOST_TEST(nobody.code == exit_code::unreachable);
    BOOST_TEST(nobody.err.find("Nothing answers") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_server_that_refuses_everything_is_not_green) {
    auto const refused = run_against("HTTP/1.1 401 X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    BOOST_TEST(refused.code == exit_code::failed);  // id/no-credential
}

BOOST_AUTO_TEST_CASE(wrong_usage_ends_with_3) {
    run_arguments a;
    BOOST_TEST(run_with(a).code == exit_code::usage);
    a.url = "localhost";
    BOOST_TEST(run_with(a).code == exit_code::usage);
    a.url = "http://127.0.0.1:1";
    a.wanted.only = {"no/such"};
    BOOST_TEST(run_with(a).code == exit_code::usage);
    a.wanted.only.clear();
    a.profiles = {"XYZ"};
    BOOST_TEST(run_with(a).code == exit_code::usage);
    a.profiles.clear();
    a.baseline_file = "/nonexistent";
    BOOST_TEST(run_with(a).code == exit_code::usage);
}

BOOST_AUTO_TEST_CASE(explain_knows_checks_and_clauses) {
    std::ostringstream out, err;
    BOOST_TEST(explain_one(out, err, "id/no-credential") == 0);
    BOOST_TEST(out.str().find("F-ID-11") != std::string::npos);
    BOOST_TEST(out.str().find("BSP-ID-001") != std::string::npos);
    BOOST_TEST(explain_one(out, err, "BSP-ID-001") == 0);
    BOOST_TEST(explain_one(out, err, "id/no-credentil") == exit_code::usage);
    BOOST_TEST(err.str().find("did you mean id/no-credential?") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
