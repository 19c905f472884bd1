#pragma once

#include "../probe.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"

#include <bsp/base/uri.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// Limits and the audit trail, as far as a target has them (chapters 14 and 15).
namespace bsp::conformance {

/// Whether `GET /audit` is there: who shows no credential is asked for one, or it is hidden from all but the administrator.
inline bool offers_audit(scenario& s) {
    if (s.shared().options.admin_token && s.admin().get("/audit?limit=1").ok()) return true;  // first: a refusal would be recorded
    auto const x = s.nobody().get("/audit?limit=1");
    return x.status() == 401 || x.status() == 403 || x.ok();
}

inline bool offers_limits(scenario& s) {
    return s.declares("rate_limits") || offers_audit(s);
}

/// The entries of an answer, whatever the array is called.
inline std::vector<json::object> entries_of(json::value const& body) {
    std::vector<json::object> out;
    auto const take = [&](json::array const& list) {
        for (auto const& one : list)
            if (one.is_object()) out.push_back(one.get_object());
    };
    if (body.is_array()) take(body.get_array());
    else if (auto const* named = at(body, "/entries"); named && named->is_array()) take(named->get_array());
    else if (body.is_object())
        for (auto const& member : body.get_object())
            if (member.value().is_array()) take(member.value().get_array());
    return out;
}

/// The audit trail, read by the administrator. Ends the check when the target has none.
class trail {
public:
    explicit trail(scenario& s) : world_{s}, admin_{s.admin()}, begun_{s.in_seconds(-3)} {
        if (!offers_audit(s)) s.not_applicable("the target has no audit trail");
    }

    /// All pages of the entries since this check began that `query` ("event_type=…") asks for, and their bytes.
    struct reading {
        std::vector<json::object> entries;
        std::string bytes;
    };
    [[nodiscard]] reading read(std::string const& query = {}) const { return read_since(begun_, query); }
    [[nodiscard]] reading read_since(std::string const& since, std::string const& query) const {
        reading out;
        std::string cursor;
        for (int page = 0; page < 1'000; ++page) {
            auto const x = page_of(since, query + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
            auto some = entries_of(x.body());
            out.bytes += x.bytes() + '\n';
            out.entries.insert(out.entries.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
            cursor = x.text("/cursor");
            if (cursor.empty()) break;
        }
        return out;
    }

    /// One page.
    [[nodiscard]] exchange get(std::string const& query = {}) const { return page_of(begun_, query); }
    [[nodiscard]] exchange page_of(std::string const& since, std::string const& query) const {
        auto x = admin_.get("/audit?limit=500&since=" + percent_encode_segment(since) + (query.empty() || query.starts_with('&') ? query : "&" + query));
        world_.control(x, "reading the audit trail");
        return x;
    }

    /// Entries of that type, of that peer unless it is "", as soon as there are `least` of them; at most for ten seconds.
    /// An entry that stands for several counts as so many.
    [[nodiscard]] std::int64_t count(std::string_view type, std::string_view peer_id, std::int64_t least = 1) const {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        for (;;) {
            std::int64_t n = 0;
            for (auto const& e : read(peer_id.empty() ? "event_type=" + std::string{type} : "peer_id=" + std::string{peer_id}).entries) {
                if (text_at(e, "/event_type") != type || (!peer_id.empty() && text_at(e, "/peer_id") != peer_id)) continue;
                auto const joined = integer_at(e, "/details/count");
                n += joined > 0 ? joined : 1;
            }
            if (n >= least || std::chrono::steady_clock::now() >= until) return n;
            std::this_thread::sleep_for(std::chrono::milliseconds{200});
        }
    }

    void has(std::string_view type, std::string_view peer_id, std::string const& what, std::int64_t least = 1) const {
        auto const n = count(type, peer_id, least);
        std::string const where = peer_id.empty() ? std::string{type} : std::string{type} + " of the peer";
        world_.expect(n >= least, what + " is in the audit trail as " + where, n == 0 ? "there is no such entry" : std::to_string(n) + " of " + std::to_string(least));
        world_.evidence(what);
    }

private:
    scenario& world_;
    caller admin_;
    std::string begun_;
};

}  // namespace bsp::conformance
