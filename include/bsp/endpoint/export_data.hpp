#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/get_conversation.hpp>
#include <bsp/endpoint/list_peers.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/endpoint/telemetry_events.hpp>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// All that is kept of the user, as one document of one snapshot (chapter 16.5):
///
///     {"user_id": "ada", "exported_at": "…", "conversations": [ … ], "telemetry": [ … ], "privacy_settings": { … }, "peers": [ … ]}
///
/// Conversations are those of `GET /conversations/{id}?conflicts=1`, events and peers those of their lists. The store is
/// read page by page; the text is in memory once.
struct export_data {
    static constexpr route at{"GET", "/privacy/export"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        audit_counts counts;
        BSP_TRY(std::string document, who.read_with_peers([&](tenant_reader& mine, std::vector<peer_record> const& peers) { return write(mine, peers, who, r.now, counts); }));
        BSP_CHECK(who.record(audit_type::data_exported, std::move(counts)));  // before anything is given out
        return respond(std::move(document));
    }

private:
    static result<std::string> write(tenant_reader& mine, std::vector<peer_record> const& peers, caller const& who, instant now, audit_counts& counts) {
        std::string const& user_id = who.user_id();
        BSP_TRY(auto const as, who.form(mine));
        BSP_TRY(auto const settings, mine.privacy());
        json::object rest{{"user_id", user_id}, {"exported_at", format_timestamp(now)}, {"privacy_settings", privacy::encode(settings, user_id)}};
        json::array& list = (rest["peers"] = json::array{}).get_array();
        for (auto const& p : peers) list.push_back(wire::encode(list_peers::entry_of(p)));
        std::string out = json::serialize(rest);
        out.pop_back();  // the brace: the long members follow
        out += ", \"conversations\": [";
        BSP_TRY(std::int64_t const conversations, write_conversations(mine, as, now, out));
        out += "], \"telemetry\": [";
        BSP_TRY(std::int64_t const events, write_events(mine, as, out));
        counts = {{"conversations", conversations}, {"telemetry_events", events}, {"peers", static_cast<std::int64_t>(peers.size())}};
        return out + "]}";
    }

    static result<std::int64_t> write_conversations(tenant_reader& mine, privacy::form as, instant now, std::string& out) {
        std::string_view separator = "";
        std::int64_t written = 0;
        auto const write = [&](merge::conversation_head const& head) -> result<bool> {
            if (head.scalars.deleted) return true;
            BSP_TRY(std::string const text, get_conversation::write(mine, as, head.conversation_id, true, now));
            out.append(std::exchange(separator, ", ")).append(text);
            ++written;
            return true;
        };
        BSP_CHECK(for_each_head(mine, {}, write));
        return written;
    }

    static result<std::int64_t> write_events(tenant_reader& mine, privacy::form as, std::string& out) {
        static constexpr std::size_t step = 64;
        std::string_view separator = "";
        std::int64_t written = 0;
        for (std::optional<position> after;;) {
            BSP_TRY(auto events, mine.events(std::nullopt, {std::numeric_limits<std::int32_t>::min(), 0}, after, step));
            for (auto& e : events) {
                e.body = privacy::emitted_event(std::move(e.body), as);
                out.append(std::exchange(separator, ", ")).append(telemetry_events::entry_of(e));
                ++written;
            }
            if (events.size() < step) return written;
            after = position{events.back().received_at, events.back().event_id};
        }
    }
};

}  // namespace bsp::endpoint
