#include <bsp/policy/limiter.hpp>
#include <bsp/policy/refusal_trail.hpp>
#include <bsp/policy/store_limiter.hpp>
#include <bsp/testing/manual_clock.hpp>
#include <bsp/testing/memory_store.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace bsp;
using namespace std::chrono_literals;

namespace {

struct model {
    char const* name;
    std::unique_ptr<limiter_base> (*make)(store_base&);
    friend std::ostream& operator<<(std::ostream& out, model const& m) { return out << m.name; }
};

model const models[] = {
    {"in memory", [](store_base&) -> std::unique_ptr<limiter_base> { return std::make_unique<window_limiter>(); }},
    {"in the store", [](store_base& s) -> std::unique_ptr<limiter_base> { return std::make_unique<store_limiter>(s); }},
};

constexpr rate three{"try", 3, 60s}, other{"other", 3, 60s};

struct bench {
    testing::memory_store store;
    testing::manual_clock clock;
    std::unique_ptr<limiter_base> limits;

    explicit bench(model const& m) : limits{m.make(store)} {}

    std::chrono::milliseconds take(std::string_view who, rate const& r = three) { return limits->take(r, who, clock.now()).value().retry_after; }
    /// '.' for what passes, '!' for what does not, 'X' for what goes on and on.
    std::string takes(std::string_view who, int n) {
        std::string out;
        while (n-- > 0) {
            auto const v = limits->take(three, who, clock.now()).value();
            out += v.passes() ? '.' : v.persistent ? 'X' : '!';
        }
        return out;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_of_requests)

BOOST_DATA_TEST_CASE(a_window_passes_its_budget, boost::unit_test::data::make(models), m) {
    bench b{m};
    BOOST_TEST(b.takes("ada", 7) == "...!!!X");
    b.clock.advance(59s);
    BOOST_TEST((b.take("ada") == 1s));
    b.clock.advance(1s);  // a window has ended
    BOOST_TEST(b.takes("ada", 4) == "...!");
}

BOOST_DATA_TEST_CASE(who_keeps_to_the_budget_is_never_stopped, boost::unit_test::data::make(models), m) {
    bench b{m};
    for (int i = 0; i < 200; ++i, b.clock.advance(20s)) BOOST_TEST((b.take("ada") == 0ms));
}

// however requests are spread, no 60 seconds see more than twice the budget, and after a pause the whole is there.
BOOST_DATA_TEST_CASE(no_minute_passes_more_than_twice_the_budget, boost::unit_test::data::make(models), m) {
    bench b{m};
    std::vector<instant> passed;
    for (int i = 0; i < 500; ++i) {
        if (b.take("ada") == 0ms) passed.push_back(b.clock.now());
        b.clock.advance(std::chrono::milliseconds{(i * 7919) % 3000});
    }
    for (std::size_t i = 0; i + 6 < passed.size(); ++i) BOOST_TEST((passed[i + 6] > passed[i] + 59s));
    b.clock.advance(60s);
    BOOST_TEST(b.takes("ada", 3) == "...");
}

BOOST_DATA_TEST_CASE(budgets_are_apart_by_kind_and_by_caller, boost::unit_test::data::make(models), m) {
    bench b{m};
    BOOST_TEST(b.takes("ada", 4) == "...!");
    BOOST_TEST(b.takes("bob", 3) == "...");
    BOOST_TEST((b.take("ada", other) == 0ms));
}

BOOST_DATA_TEST_CASE(a_clock_that_was_set_back_locks_nobody_out, boost::unit_test::data::make(models), m) {
    bench b{m};
    BOOST_TEST(b.takes("ada", 4) == "...!");
    b.clock.advance(-1h);
    BOOST_TEST(b.takes("ada", 4) == "...!");
}

BOOST_AUTO_TEST_CASE(a_limiter_in_memory_is_bounded) {
    window_limiter limits{2};
    instant const t{100, 0};
    auto const take = [&](std::string_view who, instant at) { return limits.take(three, who, at).value().passes(); };
    BOOST_TEST(take("a", t));
    BOOST_TEST(take("b", t));
    for (char const* who : {"c", "d", "e"}) BOOST_TEST(take(who, t));  // these three share a window
    BOOST_TEST(!take("f", t));
    BOOST_TEST(take("a", t));
    BOOST_TEST(take("f", t + 61s));  // there is room again
    BOOST_TEST(take("f", t + 61s));
}

BOOST_AUTO_TEST_CASE(instances_over_one_store_share_budgets) {
    testing::memory_store store;
    store_limiter here{store}, there{store};
    instant const t{100, 0};
    for (auto* one : {&here, &there, &here}) BOOST_TEST(one->take(three, "ada", t).value().passes());
    BOOST_TEST(!there.take(three, "ada", t).value().passes());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refusals)

namespace {

struct noted {
    testing::memory_store store;
    refusal_trail trail{store};
    instant t{1'000, 0};

    void note(audit_type type, std::string peer = "", errc why = errc::forbidden) { trail.note({.type = type, .at = t, .peer_id = std::move(peer), .backend_id = "local_x", .reason = why}); }
    [[nodiscard]] std::string entries() {
        std::string out;
        for (auto const& e : store.read([](store_reader& r) { return r.audit({.limit = 1'000}); }).value()) {
            auto const at = e.details.find("\"count\":");
            out += std::string{name_of(e.type)} + e.peer_id + (at == std::string::npos ? "" : "*" + e.details.substr(at + 8, e.details.find_first_of(",}", at) - at - 8)) + ' ';
        }
        return out;
    }
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_first_is_written_at_once_and_others_of_its_minute_together) {
    noted n;
    for (int i = 0; i < 5; ++i) n.note(audit_type::admin_auth_failed);
    BOOST_TEST(n.entries() == "admin_auth_failed ");
    n.t = n.t + 60s;
    n.note(audit_type::admin_auth_failed);
    BOOST_TEST(n.entries() == "admin_auth_failed admin_auth_failed*4 admin_auth_failed ");
}

BOOST_AUTO_TEST_CASE(other_types_peers_and_reasons_are_not_joined) {
    noted n;
    n.note(audit_type::sync_rejected, "p1");
    n.note(audit_type::sync_rejected, "p2");
    n.note(audit_type::telemetry_rejected, "p1");
    n.note(audit_type::sync_rejected, "p1", errc::stale_request);
    BOOST_TEST(n.entries() == "sync_rejectedp1 sync_rejectedp2 telemetry_rejectedp1 sync_rejectedp1 ");
}

BOOST_AUTO_TEST_CASE(what_is_counted_is_written_when_its_minute_is_over_or_somebody_reads) {
    noted n;
    for (int i = 0; i < 3; ++i) n.note(audit_type::rate_limited, "p");
    n.trail.flush(n.t + 59s, false);
    BOOST_TEST(n.entries() == "rate_limitedp ");
    n.trail.flush(n.t + 59s, true);
    BOOST_TEST(n.entries() == "rate_limitedp rate_limitedp*2 ");
    n.note(audit_type::rate_limited, "p");  // still the same minute
    BOOST_TEST(n.entries() == "rate_limitedp rate_limitedp*2 ");
    n.trail.flush(n.t + 60s, false);
    BOOST_TEST(n.entries() == "rate_limitedp rate_limitedp*2 rate_limitedp*1 ");
    n.trail.flush(n.t + 600s, true);
    BOOST_TEST(n.entries() == "rate_limitedp rate_limitedp*2 rate_limitedp*1 ");
}

// A flood costs two entries a minute, whoever makes it.
BOOST_AUTO_TEST_CASE(a_flood_does_not_grow_the_trail) {
    noted n;
    for (int second = 0; second < 600; ++second, n.t = n.t + 1s)
        for (int i = 0; i < 50; ++i) n.note(audit_type::sbt_verification_failed, "", errc::invalid_sbt);
    n.trail.flush(n.t, true);
    auto const all = n.store.read([](store_reader& r) { return r.audit({.limit = 1'000}); }).value();
    BOOST_TEST(all.size() == 20u);
}

BOOST_AUTO_TEST_SUITE_END()
