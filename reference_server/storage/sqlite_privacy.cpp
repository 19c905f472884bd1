#include "sqlite_guard.hpp"
#include "sqlite_views.hpp"

namespace bsp::server {

result<privacy_settings> sqlite_tenant::privacy() {
    return guarded(session_, [&]() -> result<privacy_settings> {
        auto row = session_.db.prepare("SELECT body FROM privacy_settings WHERE user_id = ?1");
        if (!row.bind(user_).step()) return privacy_settings{};
        auto held = privacy::from_text(row.text(0));
        if (!held) throw std::runtime_error{"damaged privacy settings"};  // never the defaults: they allow more
        return held;
    });
}

result<> sqlite_tenant::put_privacy(privacy_settings const& settings) {
    return guarded(session_, [&]() -> result<> {
        std::string const text = privacy::to_text(settings);
        session_.db.prepare("INSERT OR REPLACE INTO privacy_settings (user_id, body) VALUES (?1, ?2)").bind(user_, text).run();
        return ok();
    });
}

}  // namespace bsp::server
