#pragma once

#include "ground.hpp"

namespace bsp::test::contract {

inline audit_event audited(audit_type type, std::string peer_id, instant at = t0) {
    return {.type = type, .at = at, .user_id = "ada", .peer_id = std::move(peer_id), .backend_id = "local_a", .reason = errc::stale_request, .counts = {{"messages", 3}}};
}

inline std::string audited_numbers(store_base& s, audit_query const& asked) {
    std::string all;
    for (auto const& e : must(s.read([&](store_reader& r) { return r.audit(asked); }))) all += std::to_string(e.number) + ' ';
    return all;
}

inline void the_audit_trail_is_a_chain_in_order(store_base& s) {
    BOOST_TEST(!must(s.read([](store_reader& r) { return r.last_audit(); })).has_value());
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1")));
        return w.append_audit({.type = audit_type::admin_auth_failed, .at = t0 + 1ns});
    }));
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_rejected, "p\n\"2", t0 - 1h)); }));
    auto const all = must(s.read([](store_reader& r) { return r.audit({}); }));
    BOOST_REQUIRE(all.size() == 3u);
    sha256_digest before{};
    for (auto const& e : all) {
        BOOST_TEST((e.hash == chained(before, entry_text(e))));
        BOOST_TEST(entry_line(e).find('\n') == std::string::npos);
        before = e.hash;
    }
    BOOST_TEST((all[1].at == t0 + 1ns));
    BOOST_TEST(all[1].details == "{}");
    BOOST_TEST((all[2].type == audit_type::sync_rejected));
    BOOST_TEST(all[2].peer_id == "p\n\"2");
    BOOST_TEST(all[0].details.find("ada") == std::string::npos);
    BOOST_TEST(all[0].details == all[2].details);  // the tag of a user is the same everywhere
    BOOST_TEST((must(s.read([](store_reader& r) { return r.last_audit(); })) == all[2]));
}

inline void the_audit_trail_is_read_by_filters_in_pages(store_base& s) {
    must(s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1", t0)));
        BSP_CHECK(w.append_audit(audited(audit_type::sync_rejected, "p1", t0 + 1s)));
        BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p2", t0 + 2s)));
        return w.append_audit(audited(audit_type::sync_accepted, "p1", t0 + 3s));
    }));
    BOOST_TEST(audited_numbers(s, {}) == "1 2 3 4 ");
    BOOST_TEST(audited_numbers(s, {.limit = 2}) == "1 2 ");
    BOOST_TEST(audited_numbers(s, {.after = 2, .limit = 1}) == "3 ");
    BOOST_TEST(audited_numbers(s, {.since = t0 + 2s}) == "3 4 ");
    BOOST_TEST(audited_numbers(s, {.type = audit_type::sync_accepted}) == "1 3 4 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p1"}) == "1 2 4 ");
    BOOST_TEST(audited_numbers(s, {.since = t0 + 1ns, .type = audit_type::sync_accepted, .peer_id = "p1"}) == "4 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p"}) == "");
    BOOST_TEST(audited_numbers(s, {.after = 4}) == "");
}

inline void the_oldest_of_the_audit_trail_go_and_the_rest_is_proven(store_base& s) {
    auto const begin = [&] { return must(s.read([](store_reader& r) { return r.audit_begin(); })); };
    auto const prune = [&](instant until, std::size_t limit) { return must(s.write([&](store_writer& w) { return w.prune_audit(until, limit); })); };
    BOOST_TEST((begin() == audit_seal{}));
    BOOST_TEST(prune(t0 + 1h, 10) == 0u);
    must(s.write([](store_writer& w) -> result<> {
        // The clock was set back between the third and the fourth.
        for (auto const after : {0s, 1s, 9s, 2s, 3s, 4s}) BSP_CHECK(w.append_audit(audited(audit_type::sync_accepted, "p1", t0 + after)));
        return ok();
    }));
    auto const all = must(s.read([](store_reader& r) { return r.audit({}); }));
    BOOST_TEST(prune(t0 - 1ns, 10) == 0u);
    BOOST_TEST(prune(t0 + 2s, 1) == 1u);
    BOOST_TEST((begin() == audit_seal{1, all[0].hash}));
    BOOST_TEST(prune(t0 + 2s, 10) == 1u);  // up to the first that is younger
    BOOST_TEST(audited_numbers(s, {}) == "3 4 5 6 ");
    BOOST_TEST(audited_numbers(s, {.after = 1, .limit = 2}) == "3 4 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p1", .after = 4}) == "5 6 ");
    BOOST_TEST((begin() == audit_seal{2, all[1].hash}));
    BOOST_TEST((chained(begin().hash, entry_text(all[2])) == all[2].hash));
    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.prune_audit(t0 + 1h, 10));
        return fail(errc::internal, "no");
    }));
    BOOST_TEST(audited_numbers(s, {}) == "3 4 5 6 ");
    BOOST_TEST((begin() == audit_seal{2, all[1].hash}));
    BOOST_TEST(prune(t0 + 1h, 10) == 3u);  // the last one stays, whatever its age
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p2")); }));
    auto const left = must(s.read([](store_reader& r) { return r.audit({}); }));
    BOOST_REQUIRE(left.size() == 2u);
    BOOST_TEST(left[1].number == 7u);
    BOOST_TEST((left[1].hash == chained(left[0].hash, entry_text(left[1]))));
}

inline void an_audit_entry_of_a_refused_transaction_is_not_kept(store_base& s) {
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p1")); }));
    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.append_audit(audited(audit_type::peer_revoked, "p2")));
        return fail(errc::internal, "no");
    }));
    must(s.write([](store_writer& w) { return w.append_audit(audited(audit_type::sync_accepted, "p3")); }));
    BOOST_TEST(audited_numbers(s, {}) == "1 2 ");
    BOOST_TEST(audited_numbers(s, {.peer_id = "p2"}) == "");
}

inline void requests_are_counted_by_windows(store_base& s) {
    auto const count = [&](char const* key, instant now) { return must(s.write([&](store_writer& w) { return w.count_request(key, 60s, now); })); };
    for (std::uint64_t n = 1; n <= 3; ++n) {
        auto const w = count("push a", t0 + n * 1s);
        BOOST_TEST(w.count == n);
        BOOST_TEST((w.begin == t0 + 1s));
    }
    BOOST_TEST(count("push b", t0 + 2s).count == 1u);
    BOOST_TEST(count("push a", t0 + 61s - 1ns).count == 4u);
    auto const next = count("push a", t0 + 61s);  // the window has ended
    BOOST_TEST(next.count == 1u);
    BOOST_TEST((next.begin == t0 + 61s));
    BOOST_TEST(count("push a", t0 + 120s).count == 2u);
    BOOST_TEST(count("push a", t0 - 1h).count == 1u);  // the clock was set back
    BOOST_TEST(count("push a", t0 - 1h + 1s).count == 2u);
    BOOST_TEST(!s.write([](store_writer& w) -> result<> {
        BSP_CHECK(w.count_request("push c", 60s, t0));
        return fail(errc::internal, "no");
    }));
    BOOST_TEST(count("push c", t0).count == 1u);
}

}  // namespace bsp::test::contract
