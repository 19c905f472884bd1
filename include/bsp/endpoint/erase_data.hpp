#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/response.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace bsp::endpoint {

/// Erases all data of the user here, in one transaction, and keeps it away: of every id a keyed hash remains, by which a
/// stale peer's copy is known when it comes back (chapter 16.6). Pairings and settings stay, so that what the user
/// allowed goes on to hold. The answer is the receipt:
///
///     {"status": "erased", "erased_at": "…", "conversations": 3, "messages": 41, "telemetry_events": 7}
struct erase_data {
    static constexpr route at{"DELETE", "/privacy/data"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        return who.write_recorded(audit_type::data_erased, [&](tenant_writer& mine, audit_counts& counted) -> result<http_response> {
            // Told inside the transaction, so that the assertion is used up all the same.
            if (who.is_peer()) return fail(errc::forbidden, "only the user may erase");
            BSP_CHECK(mine.begin_change(r.now));
            counts erased;
            BSP_CHECK(erase_conversations(mine, erased));
            BSP_CHECK(erase_events(mine, erased));
            BSP_CHECK(mine.remove_derived());
            counted = {{"conversations", erased.conversations}, {"messages", erased.messages}, {"telemetry_events", erased.events}};
            return respond(json::object{{"status", "erased"},
                                        {"erased_at", format_timestamp(r.now)},
                                        {"conversations", erased.conversations},
                                        {"messages", erased.messages},
                                        {"telemetry_events", erased.events}});
        });
    }

private:
    struct counts {
        std::int64_t conversations = 0, messages = 0, events = 0;
    };

    static result<> erase_conversations(tenant_writer& mine, counts& erased) {
        return for_each_head(mine, {}, [&](merge::conversation_head const& head) -> result<bool> {
            BSP_CHECK(erase_messages(mine, head.conversation_id, erased));
            BSP_TRY(auto const before, mine.departed(head.conversation_id, {}));  // an erasure before this one may have taken greater ones
            BSP_CHECK(mine.put_departed(head.conversation_id, {}, {departure::why::erased, std::max(head.version_seen, before ? before->version : 0)}));
            BSP_CHECK(mine.remove_conversation(head.conversation_id));
            erased.conversations += !head.scalars.deleted;
            return true;
        });
    }

    static result<> erase_messages(tenant_writer& mine, std::string const& conversation_id, counts& erased) {
        static constexpr std::size_t step = 256;
        for (;;) {
            BSP_TRY(auto const page, mine.messages_in_order(conversation_id, std::nullopt, step));
            if (page.empty()) return ok();
            std::vector<std::string> ids;
            for (auto const& m : page) {
                BSP_CHECK(mine.put_departed(conversation_id, m.id, {departure::why::erased, m.version}));
                erased.messages += !m.deleted;
                ids.push_back(m.id);
            }
            BSP_CHECK(mine.remove_messages(conversation_id, ids));
        }
    }

    static result<> erase_events(tenant_writer& mine, counts& erased) {
        static constexpr std::size_t step = 256;
        constexpr instant ever{std::numeric_limits<std::int64_t>::max() / 1'000'000'000, 0};
        for (;;) {
            BSP_TRY(auto const page, mine.events(std::nullopt, {std::numeric_limits<std::int32_t>::min(), 0}, std::nullopt, step));
            if (page.empty()) return ok();
            for (auto const& e : page) BSP_CHECK(mine.put_departed({}, e.event_id, {departure::why::erased, 0}));
            BSP_TRY(std::size_t const removed, mine.remove_events(page.size() < step ? ever : page.back().received_at, step));
            erased.events += static_cast<std::int64_t>(removed);
        }
    }
};

}  // namespace bsp::endpoint
