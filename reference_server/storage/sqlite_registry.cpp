#include "rows.hpp"
#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

namespace bsp::server {

using sqlite::statement;
using sqlite::to_nanoseconds;

template <class Interface>
result<std::optional<peer_record>> sqlite_registry<Interface>::peer(std::string_view peer_id) {
    return guarded(session_, [&]() -> result<std::optional<peer_record>> {
        auto row = session_.db.prepare("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE peer_id = ?1");
        if (!row.bind(peer_id).step()) return std::optional<peer_record>{};
        return std::optional{peer_of(row)};
    });
}

template <class Interface>
result<std::optional<peer_record>> sqlite_registry<Interface>::registration(std::string_view user_id, std::string_view backend_id) {
    return guarded(session_, [&]() -> result<std::optional<peer_record>> {
        auto row = session_.db.prepare("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE user_id = ?1 AND backend_id = ?2 AND status = 0");
        if (!row.bind(user_id, backend_id).step()) return std::optional<peer_record>{};
        return std::optional{peer_of(row)};
    });
}

template <class Interface>
result<std::vector<peer_record>> sqlite_registry<Interface>::peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<peer_record>> {
        std::vector<peer_record> page;
        auto const collect = [&](statement& rows) {
            while (rows.step()) page.push_back(peer_of(rows));
        };
        if (user_id) {
            auto rows = session_.db.prepare("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE user_id = ?1 AND peer_id > ?2 AND status = 0 ORDER BY peer_id LIMIT ?3");
            collect(rows.bind(*user_id, after, limit));
        } else {
            auto rows = session_.db.prepare("SELECT " BSP_PEER_COLUMNS " FROM peer WHERE peer_id > ?1 AND status = 0 ORDER BY peer_id LIMIT ?2");
            collect(rows.bind(after, limit));
        }
        return page;
    });
}

template <class Interface>
result<std::vector<peer_record>> sqlite_registry<Interface>::peers_with_endpoints(std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<peer_record>> {
        auto rows = session_.db.prepare("SELECT " BSP_PEER_COLUMNS " FROM peer INDEXED BY peer_with_endpoints "
                                        "WHERE endpoint_peer_id IS NOT NULL AND peer_id > ?1 AND status = 0 ORDER BY peer_id LIMIT ?2");
        rows.bind(after, limit);
        std::vector<peer_record> page;
        while (rows.step()) page.push_back(peer_of(rows));
        return page;
    });
}

template <class Interface>
result<std::vector<peer_record>> sqlite_registry<Interface>::registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<peer_record>> {
        // INDEXED BY: a plan that reads the whole table would be an error.
        auto rows = session_.db.prepare("SELECT " BSP_PEER_COLUMNS " FROM peer INDEXED BY peer_of_backend WHERE backend_id = ?1 AND status = 0 "
                                       "UNION ALL "
                                       "SELECT " BSP_PEER_COLUMNS " FROM peer INDEXED BY peer_of_key WHERE key_sha256 = ?2 AND backend_id <> ?1 AND status = 0 LIMIT ?3");
        rows.bind(backend_id, key_sha256, limit);
        std::vector<peer_record> page;
        while (rows.step()) page.push_back(peer_of(rows));
        return page;
    });
}

template <class Interface>
result<std::optional<instant>> sqlite_registry<Interface>::sbt_floor(std::string_view user_id, std::string_view backend_id) {
    return guarded(session_, [&]() -> result<std::optional<instant>> {
        auto row = session_.db.prepare("SELECT floor_s, floor_ns FROM sbt_floor WHERE user_id = ?1 AND backend_id = ?2");
        if (!row.bind(user_id, backend_id).step()) return std::optional<instant>{};
        return std::optional{row.exact_instant(0)};
    });
}

template <class Interface>
result<bool> sqlite_registry<Interface>::is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) {
    return guarded(session_, [&]() -> result<bool> {
        auto row = session_.db.prepare("SELECT EXISTS (SELECT 1 FROM revoked_backend WHERE backend_id = ?1) "
                                      "OR EXISTS (SELECT 1 FROM revoked_key WHERE key_sha256 = ?2)");
        row.bind(backend_id, key_sha256).step();
        return row.boolean(0);
    });
}

template <class Interface>
sqlite_tenant& sqlite_registry<Interface>::tenant(std::string_view user_id) {
    return tenants_.try_emplace(std::string{user_id}, session_, std::string{user_id}).first->second;
}

template <class Interface>
result<std::vector<std::string>> sqlite_registry<Interface>::users(std::string_view after, std::size_t limit) {
    return guarded(session_, [&]() -> result<std::vector<std::string>> {
        auto rows = session_.db.prepare("SELECT user_id FROM user_clock WHERE user_id > ?1 UNION SELECT user_id FROM event WHERE user_id > ?1 "
                                        "UNION SELECT user_id FROM privacy_settings WHERE user_id > ?1 ORDER BY user_id LIMIT ?2");
        rows.bind(after, limit);
        std::vector<std::string> page;
        while (rows.step()) page.push_back(rows.text(0));
        return page;
    });
}

template class sqlite_registry<store_reader>;
template class sqlite_registry<store_writer>;

result<> sqlite_transaction::put_peer(peer_record const& p) {
    return guarded(session_, [&]() -> result<> {
        std::string const capabilities = to_json_array(p.capabilities), retired_keys = text_of(p.retired_keys);
        std::optional<std::string> endpoint_peer, sync, telemetry;
        if (p.endpoints) endpoint_peer = p.endpoints->peer_id, sync = p.endpoints->sync_endpoint, telemetry = p.endpoints->telemetry_endpoint;
        // Replaces by peer_id only: a second active registration of one backend is a broken invariant, not a replacement.
        session_.db.prepare("DELETE FROM peer WHERE peer_id = ?1").bind(p.peer_id).run();
        session_.db
            .prepare("INSERT INTO peer (" BSP_PEER_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
                     "?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)")
            .bind(p.peer_id, p.user_id, p.backend_id, p.backend_type, p.public_key_pem, p.key_sha256, capabilities, endpoint_peer, sync, telemetry, p.sbt,
                  p.sbt_created_at.seconds, p.sbt_created_at.nanoseconds, p.sbt_expires_at.seconds, p.sbt_expires_at.nanoseconds,
                  p.registered_at.seconds, p.registered_at.nanoseconds, static_cast<std::int64_t>(p.status), seconds_of(p.ended_at),
                  nanosecond_part_of(p.ended_at), seconds_of(p.last_sync), nanosecond_part_of(p.last_sync), p.total_syncs, retired_keys, seconds_of(p.rotated_at),
                  nanosecond_part_of(p.rotated_at))
            .run();
        return ok();
    });
}

result<> sqlite_transaction::put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) {
    return guarded(session_, [&]() -> result<> {
        session_.db.prepare("INSERT OR REPLACE INTO sbt_floor (user_id, backend_id, floor_s, floor_ns) VALUES (?1, ?2, ?3, ?4)")
            .bind(user_id, backend_id, floor.seconds, floor.nanoseconds)
            .run();
        return ok();
    });
}

result<> sqlite_transaction::revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant at) {
    return guarded(session_, [&]() -> result<> {
        session_.db.prepare("INSERT OR IGNORE INTO revoked_backend (backend_id, at) VALUES (?1, ?2)").bind(backend_id, to_nanoseconds(at)).run();
        session_.db.prepare("INSERT OR IGNORE INTO revoked_key (key_sha256, at) VALUES (?1, ?2)").bind(key_sha256, to_nanoseconds(at)).run();
        return ok();
    });
}

result<bool> sqlite_transaction::claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) {
    return guarded(session_, [&]() -> result<bool> {
        session_.db.prepare("DELETE FROM assertion_claim WHERE expires_at <= ?1").bind(to_nanoseconds(now)).run();
        session_.db.prepare("INSERT OR IGNORE INTO assertion_claim (issuer, jti, expires_at) VALUES (?1, ?2, ?3)")
            .bind(issuer, jti, to_nanoseconds(expires_at))
            .run();
        return session_.db.changes() == 1;
    });
}

}  // namespace bsp::server
