#include "sync_switch.hpp"

#include "sqlite_guard.hpp"

namespace bsp::server {

result<sync_switch::position> sync_switch::look() {
    position p;
    BSP_CHECK(file_.look([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto row = s.db.prepare("SELECT is_on, asked, served FROM sync_switch");
            row.step();
            p = {row.boolean(0), row.integer(1), row.integer(2)};
            return ok();
        });
    }));
    return p;
}

result<> sync_switch::turn(bool on) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            s.db.prepare("UPDATE sync_switch SET is_on = ?1").bind(on).run();
            return ok();
        });
    });
}

result<std::int64_t> sync_switch::ask() {
    std::int64_t asked = 0;
    BSP_CHECK(file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto row = s.db.prepare("UPDATE sync_switch SET asked = asked + 1 RETURNING asked");
            row.step();
            asked = row.integer(0);
            return ok();
        });
    }));
    return asked;
}

result<> sync_switch::serve(std::int64_t asked) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            s.db.prepare("UPDATE sync_switch SET served = ?1").bind(asked).run();
            return ok();
        });
    });
}

result<std::map<std::string, sync_switch::contact>> sync_switch::contacts() {
    std::map<std::string, contact> all;
    BSP_CHECK(file_.look([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            auto rows = s.db.prepare("SELECT peer_id, obstacle, at FROM sync_contact");
            while (rows.step()) all[rows.text(0)] = {rows.text(1), sqlite::from_nanoseconds(rows.integer(2))};
            return ok();
        });
    }));
    return all;
}

result<> sync_switch::put_contacts(std::map<std::string, contact> const& changed, bool anew) {
    return file_.change([&](sqlite_session& s) -> result<> {
        return guarded(s, [&]() -> result<> {
            if (anew) s.db.prepare("DELETE FROM sync_contact").run();
            for (auto const& [peer_id, c] : changed)
                s.db.prepare("INSERT OR REPLACE INTO sync_contact (peer_id, obstacle, at) VALUES (?1, ?2, ?3)").bind(peer_id, c.obstacle, sqlite::to_nanoseconds(c.at)).run();
            return ok();
        });
    });
}

}  // namespace bsp::server
