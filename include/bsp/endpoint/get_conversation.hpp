#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/response.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// One conversation, whole, in the order of reading, without tombstones (chapter 8.1). With `?conflicts=1`
/// also the versions that lost to one that they had diverged from.
struct get_conversation {
    static constexpr route at{"GET", "/conversations/{conversation_id}"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(std::string const id, r.identifier("conversation_id"));
        BSP_TRY(auto const conflicts, r.query("conflicts"));
        bool const with_losers = conflicts && *conflicts == "1";
        BSP_TRY(std::string body, who.read([&](tenant_reader& mine) -> result<std::string> {
                    BSP_TRY(auto const as, who.form(mine));
                    return write(mine, as, id, with_losers, r.now);
                }));
        return respond(std::move(body));
    }

    /// The document in this form; `not_found` when the user has no such conversation or deleted it.
    static result<std::string> write(tenant_reader& mine, privacy::form as, std::string const& id, bool with_losers, instant now) {
        BSP_TRY(auto const head, mine.head(id));
        if (!head || head->scalars.deleted) return fail(errc::not_found, "there is no such conversation");

        json::object scalars = privacy::emitted_scalars(*head, as);
        if (with_losers) scalars.erase("conflicts");  // a member that a peer may have made up
        std::string out;
        wire::conversation_writer writer{out, scalars, head->surfaces};
        writer.begin_messages();
        BSP_CHECK(for_each_message(mine, id, [&](merge::message const& m) {
            if (!m.deleted) writer.message(privacy::emitted_message(m.body, as));
        }));
        writer.end_messages();
        if (with_losers) BSP_CHECK(write_losers(mine, id, now, as, out));
        writer.end();
        return out;
    }

private:
    /// `, "conflicts": [ … ]`, without those of messages that were deleted since (BSP-CNV-023).
    static result<> write_losers(tenant_reader& mine, std::string const& id, instant now, privacy::form as, std::string& out) {
        BSP_TRY(auto const losers, mine.losers(id, now - limits::conflict_loser_kept));
        std::vector<std::string> ids;
        for (auto const& l : losers) ids.push_back(l.message.id);
        BSP_TRY(auto const held, mine.messages(id, ids));
        std::map<std::string_view, bool> deleted;
        for (auto const& m : held) deleted.emplace(m.id, m.deleted);

        json::array entries;
        for (auto const& [message, recorded_at] : losers) {
            auto const now_held = deleted.find(message.id);
            if (message.deleted || now_held == deleted.end() || now_held->second) continue;
            entries.push_back(json::object{{"message_id", message.id},
                                           {"conflict_type", "diverged_messages"},
                                           {"recorded_at", format_timestamp(recorded_at)},
                                           {"message", json::parse(privacy::emitted_message(message.body, as)).value()}});
        }
        out += ", \"conflicts\": " + json::serialize(entries);
        return ok();
    }
};

}  // namespace bsp::endpoint
