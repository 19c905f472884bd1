#pragma once

#include <bsp/endpoint/caller/admin_caller.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/cursor.hpp>

#include <charconv>
#include <string>
#include <utility>

namespace bsp::endpoint {

/// The audit trail for its administrator (chapter 15.3), in the order in which it grew:
///
///     {"entries": [{"number": 17, "timestamp": "…", "event_type": "sync_accepted", "peer_id": "peer_…", "details": {…}, "hash": "…"}]
///      [, "cursor": "…"]}
///
/// There is no endpoint that changes or clears it.
struct get_audit {
    static constexpr route at{"GET", "/audit"};
    using caller = admin_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(audit_query asked, read_query(r));
        std::size_t const limit = asked.limit++;
        BSP_TRY(auto page, who.audit(asked, r.now));
        bool const more = page.size() > limit;
        if (more) page.pop_back();
        std::string out = R"({"entries": [)";
        for (auto const& entry : page) {
            if (&entry != &page.front()) out += ", ";
            out += entry_line(entry);
        }
        out += ']';
        if (more) out += R"(, "cursor": )" + json::serialize(json::string{wire::encode(wire::list_cursor{"audit", std::to_string(page.back().number)})});
        return respond(out + '}');
    }

private:
    static result<audit_query> read_query(request const& r) {
        audit_query q;
        BSP_TRY(q.limit, r.limit());
        BSP_TRY(auto const since, r.query("since"));
        if (since) {
            auto const instant_of_since = parse_timestamp(*since);
            if (!instant_of_since) return fail(errc::invalid_query, "since is " + instant_of_since.error().detail);
            q.since = *instant_of_since;
        }
        BSP_TRY(auto const type, r.query("event_type"));
        if (type) {
            q.type = audit_type_of(*type);
            if (!q.type) return fail(errc::invalid_query, "event_type is none that is audited");
        }
        BSP_TRY(q.peer_id, r.query("peer_id"));
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_list_cursor(*cursor_text, "audit"));
            auto const [end, problem] = std::from_chars(cursor.after.data(), cursor.after.data() + cursor.after.size(), q.after);
            if (problem != std::errc{} || end != cursor.after.data() + cursor.after.size()) return fail(errc::invalid_query, "cursor was not issued for this list");
        }
        return q;
    }
};

}  // namespace bsp::endpoint
