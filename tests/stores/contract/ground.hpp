#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/policy/store.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// What the clauses of the store contract are written with.
namespace bsp::test::contract {

using namespace std::chrono_literals;

inline constexpr instant t0{1'767'139'200, 500};

inline merge::message message(std::string id, std::int64_t version = 1, instant timestamp = t0, std::string body = "{}") {
    merge::message m;
    m.id = std::move(id);
    m.version = version;
    m.timestamp = timestamp;
    m.redacted = version % 2 == 0;
    m.deleted = version % 3 == 0;
    m.surface = "web";
    m.body = std::move(body);
    m.digest = {static_cast<std::uint8_t>(version), 0xFF};
    m.first_received = timestamp + 1s;
    return m;
}

inline merge::conversation_head head(std::string id, std::int64_t version = 1) {
    merge::conversation_head h;
    h.conversation_id = std::move(id);
    h.version = version;
    h.last_modified = "2025-12-31T01:00:00.000000001+01:00";
    h.last_modified_at = {1'767'139'200, 1};
    h.version_seen = version + 7;
    h.surfaces = {"ios", "web"};
    h.scalars = {version, {-62'167'219'200, 999'999'999}, true, false, "{\"title\": \"\\u00f6\"}", {1, 2, 3}};
    h.revived_at = {1'700'000'000, 5};
    return h;
}

inline peer_record peer(std::string peer_id, std::string user_id = "ada", std::string backend_id = "local_a") {
    peer_record p;
    p.peer_id = std::move(peer_id);
    p.user_id = std::move(user_id);
    p.backend_id = std::move(backend_id);
    p.backend_type = "local";
    p.public_key_pem = "pem";
    p.key_sha256 = {9, 8, 7};
    p.retired_keys = {{"pem before", {6, 5}, t0 + 1h + 7ns}, {"pem before that", {4}, t0}};
    p.rotated_at = t0 + 3ns;
    p.capabilities = {"offline", "x y"};
    p.endpoints = peer_endpoints{"peer_there", "https://there/sync", "wss://there/telemetry"};
    p.sbt = "{\"session_id\": \"s\"}";
    p.sbt_created_at = t0;
    p.sbt_expires_at = t0 + 8h;
    p.registered_at = t0 + 1s;
    return p;
}

/// The value of a read or a write that must succeed.
template <class T>
T must(result<T> r) {
    BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? std::string{} : r.error().detail));
    return *std::move(r);
}
inline void must(result<> r) { BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? std::string{} : r.error().detail)); }

template <class F>
auto reading(store_base& s, F f) {
    return must(s.read([&](store_reader& r) { return f(r.tenant("ada")); }));
}

/// Commits one conversation with messages for `user` and gives the commit instant.
inline result<instant> try_commit(store_base& s, merge::conversation_head const& h, std::vector<merge::message> const& messages, instant now, std::string_view user) {
    return s.write([&](store_writer& w) -> result<instant> {
        auto& mine = w.tenant(user);
        BSP_TRY(instant const at, mine.begin_change(now));
        BSP_CHECK(mine.put_head(h, at));
        BSP_CHECK(mine.put_messages(h.conversation_id, messages, at));
        return at;
    });
}
inline instant commit(store_base& s, merge::conversation_head const& h, std::vector<merge::message> const& messages, instant now = t0, std::string_view user = "ada") {
    return must(try_commit(s, h, messages, now, user));
}

inline std::string ids(std::vector<merge::message> const& messages) {
    std::string all;
    for (auto const& m : messages) all += m.id;
    return all;
}

}  // namespace bsp::test::contract
