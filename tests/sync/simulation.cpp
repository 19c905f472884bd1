#include "network.hpp"

#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

/// Two local backends and a hosted one, real in all but the wires: whatever is lost, doubled, delayed or cut short by a crash,
/// in the end all three hold everything that was ever written, and the same.

using namespace bsp;
using namespace bsp::test;

namespace bsp::test {

/// One thing that a person, or fate, does.
struct deed {
    enum kind { write, erase_message, erase_conversation, crash_client, fail_ledger, outage, server_restart, rest };
    int what = write;
    int where = 0;  ///< 0 and 1: the local backends; 2: the hosted one
    int conversation = 0, message = 0;
    int pause_ms = 0;
};
void showValue(deed const& d, std::ostream& out);
void showValue(deed const& d, std::ostream& out) { out << '{' << d.what << " at " << d.where << ' ' << d.conversation << '/' << d.message << " then " << d.pause_ms << " ms}"; }

}  // namespace bsp::test

namespace {

struct world {
    site a{"a", "local", 0}, b{"b", "local", 1}, hosted{"hosted", "hosted", 2};
    network net;
    std::map<std::pair<std::string, std::string>, merge::message> written;  ///< the join of all that was acknowledged to people
    int writes = 0;

    explicit world(std::uint64_t seed = 1) : net{seed} {
        for (auto* s : {&a, &b, &hosted}) net.add(*s);
        pair(a, hosted), pair(b, hosted);
        a.start(), b.start();
    }

    site& at(int where) { return where == 0 ? a : where == 1 ? b : hosted; }

    void write(site& s, std::string const& conversation, std::string const& id) {
        BOOST_REQUIRE(s.write(conversation, id, "text " + std::to_string(++writes), net.now().wall) < 300);
        remember(s, conversation, id);
    }
    void erase(site& s, std::string const& conversation, std::string const& id) {
        if (s.erase(conversation, id, net.now().wall) == 200) remember(s, conversation, id);
    }
    void remember(site& s, std::string const& conversation, std::string const& id) {
        auto const m = s.message(conversation, id).value();
        auto const [known, first] = written.try_emplace({conversation, id}, m);
        if (!first) known->second = merge::join(known->second, m);
    }

    [[nodiscard]] bool converged() { return a.state() == hosted.state() && b.state() == hosted.state(); }

    void heal() {
        net.now_it_is = {};
        net.down.clear();
        for (auto* s : {&a, &b}) {
            s->ledger.never_fail();
            if (!s->client) net.restart(*s);
        }
    }

    /// Runs until all agree; false when they still do not after `patience`.
    bool settles(std::chrono::nanoseconds patience = 200s) {
        heal();
        for (auto spent = 0s; spent < patience; spent += 1s) {
            net.run_for(1s);
            if (converged()) return true;
        }
        return false;
    }

    /// Everything that was acknowledged is at every backend, in the greatest version that was.
    [[nodiscard]] std::string lost() {
        auto const alive = hosted.state();
        for (auto const& [name, m] : written) {
            if (!alive.contains(name.first)) continue;  // its messages rest until it comes back
            for (auto* s : {&a, &b, &hosted})
                if (auto const held = s->message(name.first, name.second); !held || held->body != m.body) return name.first + '/' + name.second + " at " + s->name;
        }
        return "";
    }

    void act(deed const& d) {
        site& s = at(d.where);
        std::string const conversation = "c" + std::to_string(d.conversation), id = "m" + std::to_string(d.message);
        switch (d.what) {
            case deed::write: write(s, conversation, id); break;
            case deed::erase_message: erase(s, conversation, id); break;
            case deed::erase_conversation: s.erase(conversation, net.now().wall); break;
            case deed::crash_client:
                if (d.where < 2) net.restart(s);
                break;
            case deed::fail_ledger:  // every later step is cut off before its position is kept; then it dies
                if (d.where < 2) {
                    s.ledger.fail_at(static_cast<std::size_t>(d.message));
                    net.run_for(std::chrono::milliseconds{d.pause_ms});
                    s.ledger.never_fail();
                    net.restart(s);
                }
                break;
            case deed::outage:
                net.down = {"hosted"};
                break;
            case deed::server_restart:
                net.down.clear();
                hosted.replays = std::make_unique<memory_replay_guard>();
                break;
            default: break;
        }
        net.run_for(std::chrono::milliseconds{d.pause_ms});
    }
};

rc::Gen<deed> any_deed() {
    return rc::gen::exec([] {
        auto const number = [](int below) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, below)); };
        deed d;
        // Mostly writes; deletions and accidents in between.
        d.what = *rc::gen::element<int>(deed::write, deed::write, deed::write, deed::write, deed::write, deed::erase_message, deed::erase_conversation, deed::crash_client, deed::fail_ledger, deed::outage,
                                        deed::server_restart, deed::rest);
        d.where = number(3);
        d.conversation = number(2);
        d.message = number(3);
        d.pause_ms = *rc::gen::element(0, 1, 5, 12, 30, 900, 5'500);
        return d;
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_AUTO_TEST_CASE(a_write_reaches_the_other_end_by_itself) {
    world w;
    w.net.run_for(1s);
    w.write(w.a, "main", "m1");
    w.net.run_for(100ms);  // at once, not in the next interval (BSP-OFF-010)
    BOOST_TEST(w.hosted.message("main", "m1").has_value());
    w.net.run_for(6s);
    BOOST_TEST(w.b.message("main", "m1").has_value());
    BOOST_TEST(w.converged());
    BOOST_TEST(w.lost() == "");
}

// BSP-OFF-010, BSP-OFF-011: a thousand changes during a slow push are one more push.
BOOST_AUTO_TEST_CASE(changes_during_a_push_go_together) {
    world w;
    w.net.run_for(1s);
    w.net.now_it_is.delay_max = 400ms;
    for (int i = 0; i < 100; ++i) w.write(w.a, "main", "m" + std::to_string(i)), w.net.run_for(1ms);
    w.net.run_for(2s);
    BOOST_TEST(w.net.count("a", "POST") <= 4);
    BOOST_TEST(w.hosted.message("main", "m99").has_value());
}

// BSP-OFF-020, BSP-OFF-026: what both know is not sent again, and what was pulled is not pushed back.
BOOST_AUTO_TEST_CASE(quiet_peers_exchange_nothing) {
    world w;
    for (int i = 0; i < 5; ++i) w.write(w.a, "main", "m" + std::to_string(i)), w.write(w.hosted, "other", "m" + std::to_string(i));
    BOOST_REQUIRE(w.settles());
    w.net.run_for(10s);
    w.net.log.clear();
    w.net.run_for(60s);
    BOOST_TEST(w.net.count("a", "POST") == 0);
    BOOST_TEST(w.net.count("b", "POST") == 0);
    BOOST_TEST(w.net.count("b", "GET /sync") >= 11);  // each 5 s (BSP-OFF-012)
    BOOST_TEST(w.net.count("b", "GET /sync") <= 13);
    BOOST_TEST(w.net.count("b", "GET /health") == 6);
    w.write(w.hosted, "main", "from-afar");
    w.net.run_for(11s);
    BOOST_TEST(w.a.message("main", "from-afar").has_value());
    BOOST_TEST(w.net.count("a", "POST") == 0);
}

// A week without network: not a request too many, everything there 30 seconds after it is back (BSP-OFF-033).
BOOST_AUTO_TEST_CASE(a_week_of_outage) {
    world w;
    w.net.run_for(2s);
    w.net.down = {"hosted"};
    w.net.run_for(20s);
    w.net.log.clear();
    for (int day = 0; day < 7; ++day) {
        for (int i = 0; i < 20; ++i) w.write(w.a, "day" + std::to_string(day), "m" + std::to_string(i));
        w.write(w.b, "day" + std::to_string(day), "from-b");
        w.net.run_for(24h);
    }
    BOOST_TEST(w.net.count("a", "POST") == 0);
    BOOST_TEST(w.net.count("a", "GET /sync") == 0);
    BOOST_TEST(w.net.count("a", "GET /health") >= 60'470);
    BOOST_TEST(w.net.count("a", "GET /health") <= 60'490);
    w.net.log.clear();
    w.net.down.clear();
    w.net.run_for(30s);
    BOOST_TEST(w.hosted.message("day6", "m19").has_value());
    BOOST_TEST(w.hosted.message("day0", "from-b").has_value());
    BOOST_TEST(w.net.count("a", "POST") <= 2);
    BOOST_TEST(w.settles());
    BOOST_TEST(w.lost() == "");
}

// BSP-OFF-002: whichever step is the last one before a crash.
BOOST_AUTO_TEST_CASE(a_crash_after_any_step_loses_nothing) {
    for (std::size_t steps = 0; steps < 16; ++steps) {
        world w{steps};
        w.net.run_for(1s);
        w.write(w.hosted, "main", "h1");
        w.a.ledger.fail_at(steps);
        for (int i = 0; i < 4; ++i) {
            w.write(w.a, "main", "a" + std::to_string(i));
            w.write(w.hosted, "h" + std::to_string(i), "h");
            w.net.run_for(5s);
        }
        w.a.ledger.never_fail();
        w.net.restart(w.a);
        BOOST_TEST(w.settles(), "crash after " << steps);
        BOOST_TEST(w.lost() == "", "crash after " << steps);
    }
}

// A hosted backend that comes back from an old backup gets again what it had acknowledged (BSP-SYN-134).
BOOST_AUTO_TEST_CASE(a_restored_peer_is_told_everything_again) {
    world w;
    for (int i = 0; i < 5; ++i) w.write(w.a, "main", "m" + std::to_string(i)), w.write(w.b, "other", "m" + std::to_string(i));
    BOOST_REQUIRE(w.settles());
    w.hosted.memory = std::make_unique<testing::memory_store>("another epoch");
    pair(w.a, w.hosted), pair(w.b, w.hosted);
    w.write(w.a, "main", "after");
    BOOST_TEST(w.settles());
    BOOST_TEST(w.lost() == "");
    BOOST_TEST(w.a.progress().peer_epoch == "another epoch");
}

// BSP-OFF-006: so does one of ours, whose ledger is ahead of its store.
BOOST_AUTO_TEST_CASE(a_restored_client_begins_anew) {
    world w;
    for (int i = 0; i < 5; ++i) w.write(w.a, "main", "m" + std::to_string(i));
    BOOST_REQUIRE(w.settles());
    w.net.kill(w.a);
    w.a.memory = std::make_unique<testing::memory_store>("another epoch of a");
    w.a.put(hosted_as_seen_by(w.a, w.hosted));
    w.write(w.a, "main", "after");
    BOOST_TEST(w.settles());
    BOOST_TEST(w.lost() == "");
}

// More than one push or page holds: the sweep goes on where it was, whatever changes meanwhile and whoever crashes.
BOOST_AUTO_TEST_CASE(a_long_sweep_jumps_over_nothing) {
    world w;
    w.net.kill(w.a);
    for (int i = 0; i < 1'700; ++i) BOOST_REQUIRE(w.a.write("long", "m" + std::to_string(i), "x", w.net.now().wall) == 201);
    for (int i = 0; i < 600; ++i) BOOST_REQUIRE(w.a.write("c" + std::to_string(i), "m", "x", w.net.now().wall) == 201);
    w.net.restart(w.a);
    for (int i = 0; i < 40; ++i) {
        w.net.run_for(15ms);
        if (i % 7 == 0) w.net.restart(w.a);
        if (i % 5 == 0) w.write(w.a, i % 2 ? "long" : "c300", "late" + std::to_string(i));
    }
    BOOST_TEST(w.settles());
    BOOST_TEST(w.lost() == "");
    BOOST_TEST(w.b.message("long", "m0").has_value());
    BOOST_TEST(w.b.message("c599", "m").has_value());
}

// The messages that were withheld while a conversation was deleted reach a peer that revives it.
BOOST_AUTO_TEST_CASE(what_was_withheld_is_pushed_when_the_conversation_comes_back) {
    world w;
    w.write(w.b, "main", "m0");
    BOOST_REQUIRE(w.settles());
    w.net.down = {"hosted"};
    w.net.run_for(20s);
    w.write(w.a, "main", "written-offline");
    w.a.erase("main", w.net.now().wall);
    BOOST_REQUIRE(w.settles());
    BOOST_TEST(!w.hosted.message("main", "written-offline").has_value());
    w.write(w.b, "main", "m1");
    w.net.run_for(20s);
    BOOST_TEST(w.settles());
    BOOST_TEST(w.hosted.message("main", "written-offline").has_value());
    BOOST_TEST(w.lost() == "");
}

RC_BOOST_PROP(all_agree_and_nothing_is_lost, ()) {
    auto const number = [](int below) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, below)); };
    world w{static_cast<std::uint64_t>(number(1 << 20))};
    w.net.now_it_is = {.lost = *rc::gen::element(0, 10, 30), .refused = *rc::gen::element(0, 10, 30), .doubled = *rc::gen::element(0, 20), .delay_max = std::chrono::milliseconds{*rc::gen::element(1, 20, 3'000)}};
    auto const deeds = *rc::gen::resize(12, rc::gen::container<std::vector<deed>>(any_deed()));
    w.net.run_for(std::chrono::milliseconds{number(200)});
    for (auto const& d : deeds) w.act(d);
    RC_ASSERT(w.settles());
    RC_ASSERT(w.lost() == "");
}

BOOST_AUTO_TEST_SUITE_END()
