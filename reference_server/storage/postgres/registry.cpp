#include "views.hpp"

#include "../rows.hpp"

namespace bsp::server::postgres {
namespace {

std::optional<peer_record> one_peer(rows given) {
    if (!given.step()) return std::nullopt;
    return peer_of(given);
}

std::vector<peer_record> all_peers(rows given) {
    std::vector<peer_record> page;
    while (given.step()) page.push_back(peer_of(given));
    return page;
}

}  // namespace

template <class Interface>
result<std::optional<peer_record>> registry<Interface>::peer(std::string_view peer_id) {
    return guarded(session_, [&]() -> result<std::optional<peer_record>> { return one_peer(session_.use().ask("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE peer_id = $1", peer_id)); });
}

template <class Interface>
result<std::optional<peer_record>> registry<Interface>::registration(std::string_view user_id, std::string_view backend_id) {
    return guarded(session_, [&]() -> result<std::optional<peer_record>> {
        return one_peer(session_.use().ask("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE user_id = $1 AND backend_id = $2 AND status = 0", user_id, backend_id));
    });
}

template <class Interface>
result<std::vector<peer_record>> registry<Interface>::peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<peer_record>> {
        return all_peers(user_id ? session_.use().ask("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE user_id = $1 AND peer_id > $2 AND status = 0 ORDER BY peer_id LIMIT $3", *user_id, after, limit)
                                 : session_.use().ask("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE peer_id > $1 AND status = 0 ORDER BY peer_id LIMIT $2", after, limit));
    });
}

template <class Interface>
result<std::vector<peer_record>> registry<Interface>::peers_with_endpoints(std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<peer_record>> {
        return all_peers(session_.use().ask("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE endpoint_peer_id IS NOT NULL AND peer_id > $1 AND status = 0 ORDER BY peer_id LIMIT $2", after, limit));
    });
}

template <class Interface>
result<std::vector<peer_record>> registry<Interface>::registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<peer_record>> {
        return all_peers(session_.use().ask("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE backend_id = $1 AND status = 0 UNION ALL "
                                            "SELECT " BSP_PEER_COLUMNS " FROM peer WHERE key_sha256 = $2 AND backend_id <> $1 AND status = 0 LIMIT $3",
                                            backend_id, key_sha256, limit));
    });
}

template <class Interface>
result<std::optional<instant>> registry<Interface>::sbt_floor(std::string_view user_id, std::string_view backend_id) {
    return guarded(session_, [&]() -> result<std::optional<instant>> {
        auto row = session_.use().ask("SELECT floor_s, floor_ns FROM sbt_floor WHERE user_id = $1 AND backend_id = $2", user_id, backend_id);
        if (!row.step()) return std::optional<instant>{};
        return std::optional{row.exact_instant(0)};
    });
}

template <class Interface>
result<bool> registry<Interface>::is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) {
    return guarded(session_, [&]() -> result<bool> {
        auto row = session_.use().ask("SELECT EXISTS (SELECT FROM revoked_backend WHERE backend_id = $1) OR EXISTS (SELECT FROM revoked_key WHERE key_sha256 = $2)", backend_id, key_sha256);
        row.step();
        return row.boolean(0);
    });
}

template <class Interface>
tenant_writer& registry<Interface>::tenant(std::string_view user_id) {
    constexpr bool is_writing = std::is_same_v<Interface, store_writer>;
    return tenants_.try_emplace(std::string{user_id}, session_, std::string{user_id}, is_writing).first->second;
}

template <class Interface>
result<std::vector<std::string>> registry<Interface>::users(std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<std::string>> {
        auto given = session_.use().ask("SELECT user_id FROM known_user WHERE user_id > $1 ORDER BY user_id LIMIT $2", after, limit);
        std::vector<std::string> page;
        while (given.step()) page.push_back(given.text(0));
        return page;
    });
}

template class registry<store_reader>;
template class registry<store_writer>;

result<> transaction::put_peer(peer_record const& p) {
    return guarded(session_, [&]() -> result<> {
        std::string const capabilities = to_json_array(p.capabilities), retired_keys = text_of(p.retired_keys);
        std::optional<std::string> endpoint_peer, sync, telemetry;
        if (p.endpoints) endpoint_peer = p.endpoints->peer_id, sync = p.endpoints->sync_endpoint, telemetry = p.endpoints->telemetry_endpoint;
        // Replaces by peer_id only: a second active registration of one backend is a broken invariant, not a replacement.
        session_.use().tell("INSERT INTO peer (" BSP_PEER_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
                            "$22, $23, $24, $25, $26) ON CONFLICT (peer_id) DO UPDATE SET user_id = excluded.user_id, backend_id = excluded.backend_id, "
                            "backend_type = excluded.backend_type, public_key_pem = excluded.public_key_pem, key_sha256 = excluded.key_sha256, "
                            "capabilities = excluded.capabilities, endpoint_peer_id = excluded.endpoint_peer_id, sync_endpoint = excluded.sync_endpoint, "
                            "telemetry_endpoint = excluded.telemetry_endpoint, sbt = excluded.sbt, sbt_created_s = excluded.sbt_created_s, "
                            "sbt_created_ns = excluded.sbt_created_ns, sbt_expires_s = excluded.sbt_expires_s, sbt_expires_ns = excluded.sbt_expires_ns, "
                            "registered_s = excluded.registered_s, registered_ns = excluded.registered_ns, status = excluded.status, ended_s = excluded.ended_s, "
                            "ended_ns = excluded.ended_ns, last_sync_s = excluded.last_sync_s, last_sync_ns = excluded.last_sync_ns, total_syncs = excluded.total_syncs, "
                            "retired_keys = excluded.retired_keys, rotated_s = excluded.rotated_s, rotated_ns = excluded.rotated_ns",
                            p.peer_id, p.user_id, p.backend_id, p.backend_type, p.public_key_pem, p.key_sha256, capabilities, endpoint_peer, sync, telemetry, p.sbt,
                            p.sbt_created_at.seconds, p.sbt_created_at.nanoseconds, p.sbt_expires_at.seconds, p.sbt_expires_at.nanoseconds, p.registered_at.seconds,
                            p.registered_at.nanoseconds, static_cast<std::int64_t>(p.status), seconds_of(p.ended_at), nanosecond_part_of(p.ended_at), seconds_of(p.last_sync),
                            nanosecond_part_of(p.last_sync), p.total_syncs, retired_keys, seconds_of(p.rotated_at), nanosecond_part_of(p.rotated_at));
        return ok();
    });
}

result<> transaction::put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) {
    return guarded(session_, [&]() -> result<> {
        session_.use().tell("INSERT INTO sbt_floor (user_id, backend_id, floor_s, floor_ns) VALUES ($1, $2, $3, $4) "
                            "ON CONFLICT (user_id, backend_id) DO UPDATE SET floor_s = excluded.floor_s, floor_ns = excluded.floor_ns",
                            user_id, backend_id, floor.seconds, floor.nanoseconds);
        return ok();
    });
}

result<> transaction::revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant at) {
    return guarded(session_, [&]() -> result<> {
        session_.use().tell("INSERT INTO revoked_backend (backend_id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", backend_id, to_nanoseconds(at));
        session_.use().tell("INSERT INTO revoked_key (key_sha256, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", key_sha256, to_nanoseconds(at));
        return ok();
    });
}

result<bool> transaction::claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) {
    return guarded(session_, [&]() -> result<bool> {
        *session_.latest_now = to_nanoseconds(now);
        // Others' claims are none of this transaction's business: those whose time is over are removed by `forget_the_past`.
        auto const done = session_.use().ask("INSERT INTO assertion_claim (issuer, jti, expires_at) VALUES ($1, $2, $3) "
                                             "ON CONFLICT (issuer, jti) DO UPDATE SET expires_at = excluded.expires_at WHERE assertion_claim.expires_at <= $4",
                                             issuer, jti, to_nanoseconds(expires_at), to_nanoseconds(now));
        return done.changes() == 1;
    });
}

}  // namespace bsp::server::postgres
