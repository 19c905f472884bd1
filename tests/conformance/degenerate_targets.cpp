#include "conformance/faulty/backend.hpp"
#include "conformance/probe.hpp"
#include "conformance/runner.hpp"

#include <boost/test/unit_test.hpp>

#include <mutex>

// Servers that are no backends at all. A suite that takes silence, uniformity or noise for conformance would
// pass some check on one of them.

using namespace bsp::conformance;

namespace {

using handler = std::function<bsp::http_response(bsp::http_request const&, bsp::instant)>;

constexpr auto secret_a = "0123456789abcdef0123456789abcdef", secret_b = "fedcba9876543210fedcba9876543210", token = "administrator-token";

bsp::http_response reply(int status, std::string body = "{}") { return {status, {{"Content-Type", "application/json"}}, std::move(body)}; }

void nothing_passes(handler const& h) {
    auto const t = in_process(h);
    surroundings world{*t, {{{"ada", secret_a}, {"bob", secret_b}}, token, 3, std::chrono::milliseconds{500}, {}, {}}};
    world.patience_ms = 0;
    probe(world);
    auto const result = run(world, all_checks(), {});
    for (auto const& j : result.checks) BOOST_TEST((j.verdict != verdict::pass), j.what.check->id << " passes");
    BOOST_TEST(result.exit_code != exit_code::conformant);
    BOOST_TEST(result.exit_code != exit_code::own_fault);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_degenerate_targets)

BOOST_AUTO_TEST_CASE(always_200) { nothing_passes([](auto const&, auto) { return reply(200); }); }
BOOST_AUTO_TEST_CASE(always_200_and_empty) { nothing_passes([](auto const&, auto) { return bsp::http_response{200, {}, ""}; }); }
BOOST_AUTO_TEST_CASE(always_401) { nothing_passes([](auto const&, auto) { return reply(401); }); }
BOOST_AUTO_TEST_CASE(always_429) { nothing_passes([](auto const&, auto) { return reply(429); }); }
BOOST_AUTO_TEST_CASE(always_500) { nothing_passes([](auto const&, auto) { return reply(500); }); }
BOOST_AUTO_TEST_CASE(echo) { nothing_passes([](bsp::http_request const& r, auto) { return reply(200, r.body.empty() ? "{}" : r.body); }); }
BOOST_AUTO_TEST_CASE(web_page) { nothing_passes([](auto const&, auto) { return bsp::http_response{200, {{"Content-Type", "text/html"}}, "<!doctype html>"}; }); }

BOOST_AUTO_TEST_CASE(random_json) {
    nothing_passes([n = std::make_shared<std::atomic<unsigned>>(0)](auto const&, auto) {
        static constexpr char const* bodies[] = {"[]", "null", "42", R"({"status":"ok"})", R"({"peer_id":"x"})", R"({"conversations":[]})", "\"text\""};
        return reply(200, bodies[(*n)++ % 7]);
    });
}

BOOST_AUTO_TEST_SUITE_END()
