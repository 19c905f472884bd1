#pragma once

#include <bsp/endpoint/kept_view.hpp>
#include <bsp/wire/conversation.hpp>
#include <bsp/wire/sync_ack.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// Removes what has expired of one conversation, so that what is written to it now meets nothing old. Messages are read from
/// the oldest on: where none has expired that is one, however many and however large the others are.
inline result<> clear_expired(tenant_writer& mine, std::string const& conversation_id, privacy::expiry const& e) {
    static constexpr std::size_t step_max = 256;
    std::size_t step = 1;
    std::optional<position> after;
    for (bool more = true; more; step = std::min(4 * step, step_max)) {
        BSP_TRY(auto const page, mine.messages_in_order(conversation_id, after, step));
        std::vector<std::string> gone;
        more = page.size() == step && page.back().timestamp <= e.data_until;
        for (auto const& m : page) {
            after = position{m.timestamp, m.id};
            if (m.timestamp <= e.until(m.deleted)) gone.push_back(m.id);
        }
        if (!gone.empty()) BSP_CHECK(mine.remove_messages(conversation_id, gone));
    }
    BSP_TRY(auto const head, mine.head(conversation_id));
    if (!head) return ok();
    BSP_TRY(bool const kept, is_kept(mine, *head, e));
    return kept ? ok() : mine.remove_conversation(conversation_id);
}

/// What of a peer's write may be stored: nothing that the user has erased, that has expired, or that
/// comes from a surface that the user does not allow. What is refused is told, item by item.
class admission {
public:
    static result<admission> of(std::string_view backend_type, tenant_reader& mine, instant now) {
        BSP_TRY(auto settings, mine.privacy());
        auto const expired = expiry_here(backend_type, settings, now);
        return admission{std::move(settings), expired};
    }

    /// Takes out of `write` what is refused; false when nothing is left of it.
    result<bool> admit(tenant_writer& mine, wire::conversation_write& write, std::vector<wire::conflict>& conflicts) const {
        using kind = wire::conflict::kind;
        std::string const& id = write.head.conversation_id;
        if (expired_) BSP_CHECK(clear_expired(mine, id, *expired_));
        BSP_TRY(auto const held_head, mine.head(id));
        BSP_CHECK(admit_messages(mine, write, conflicts));

        BSP_TRY(auto const gone, mine.departed(id, {}));
        bool const is_stale = gone && write.head.version <= gone->version;
        bool const is_expired = expired_ && write.head.last_modified_at <= expired_->until(write.head.scalars.deleted);
        bool const is_elsewhere = !write.head.surfaces.empty() && std::ranges::none_of(write.head.surfaces, [&](auto const& s) { return settings_.allows_surface(s); });
        bool const stands_alone = write.messages.empty() && !held_head;
        if (is_stale && !held_head) {
            if (write.messages.empty()) return refuse(write.head, gone->cause == departure::why::erased ? kind::erased : kind::retention_expired, conflicts);
            BSP_CHECK(make_blank(write.head));
        } else if (is_stale && gone->cause == departure::why::erased) {
            refuse(write.head, kind::erased, conflicts);  // the conversation is there again, what was erased of it is not (BSP-PRV-086)
            BSP_CHECK(make_blank(write.head));
        }
        if (stands_alone && is_expired) return refuse(write.head, kind::retention_expired, conflicts);
        if (stands_alone && is_elsewhere) return refuse(write.head, kind::surface_not_allowed, conflicts);
        write.unite_surfaces();  // without those of refused messages
        return true;
    }

private:
    admission(privacy_settings settings, std::optional<privacy::expiry> expired) : settings_{std::move(settings)}, expired_{expired} {}

    result<> admit_messages(tenant_writer& mine, wire::conversation_write& write, std::vector<wire::conflict>& conflicts) const {
        std::string const& id = write.head.conversation_id;
        std::vector<std::string> ids;
        for (auto const& m : write.messages) ids.push_back(m.id);
        BSP_TRY(auto const held_list, mine.messages(id, ids));
        std::map<std::string_view, merge::message const*> held;
        for (auto const& m : held_list) held.emplace(m.id, &m);

        std::vector<merge::message> admitted;
        admitted.reserve(write.messages.size());
        for (auto& m : write.messages) {
            auto const before = held.find(m.id);
            BSP_TRY(auto const why, refusal_of(mine, id, m, before == held.end() ? nullptr : before->second));
            if (!why) {
                admitted.push_back(std::move(m));
                continue;
            }
            conflicts.push_back({.conversation_id = id,
                                 .message_id = m.id,
                                 .local_version = before == held.end() ? std::nullopt : std::optional{before->second->version},
                                 .incoming_version = m.version,
                                 .type = *why,
                                 .incoming_won = false});
        }
        write.messages = std::move(admitted);
        return ok();
    }

    result<std::optional<wire::conflict::kind>> refusal_of(tenant_reader& mine, std::string const& conversation_id, merge::message const& m, merge::message const* held) const {
        using kind = wire::conflict::kind;
        BSP_TRY(auto const gone, mine.departed(conversation_id, m.id));
        if (gone) return std::optional{gone->cause == departure::why::erased ? kind::erased : kind::retention_expired};
        if (expired_ && expired_->has(m, held ? held->first_received : m.timestamp)) return std::optional{kind::retention_expired};
        if (!settings_.allows_surface(m.surface)) return std::optional{kind::surface_not_allowed};
        return std::optional<kind>{};
    }

    static bool refuse(merge::conversation_head const& head, wire::conflict::kind why, std::vector<wire::conflict>& conflicts) {
        conflicts.push_back({.conversation_id = head.conversation_id, .message_id = std::nullopt, .local_version = std::nullopt, .incoming_version = head.version, .type = why, .incoming_won = false});
        return false;
    }

    /// The conversation's own members were erased: what must be there stays, of a version that everything outranks.
    static result<> make_blank(merge::conversation_head& head) {
        json::object scalars{{"conversation_id", head.conversation_id},
                             {"version", 0},
                             {"last_modified", head.last_modified},
                             {"source_backend", json::parse(head.scalars.body).value().at("source_backend")}};
        merge::conversation_head blank;
        BSP_CHECK(wire::decode_scalars(json::fields{scalars}, instant{std::numeric_limits<std::int64_t>::max(), 0}, blank));
        head.scalars = blank.scalars;
        return ok();
    }

    privacy_settings settings_;
    std::optional<privacy::expiry> expired_;
};

}  // namespace bsp::endpoint
