#pragma once

#include <bsp/endpoint/admission.hpp>
#include <bsp/endpoint/backend.hpp>
#include <bsp/endpoint/join_into.hpp>
#include <bsp/merge/lamport.hpp>

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Local writes: the one place where versions are made (BSP-MRG-070 … BSP-MRG-075). A write is then joined
/// like any other.
namespace bsp::endpoint {

/// What the writing user sees, and the version that comes next.
struct local_change {
    std::string conversation_id;
    std::optional<merge::conversation_head> held;
    instant now;
    instant at;  ///< commit instant
    std::int64_t version = 1;

    /// Begins a change of one conversation, of which nothing that has expired is left.
    static result<local_change> begin(backend const& here, tenant_writer& mine, std::string conversation_id, instant now) {
        local_change c{.conversation_id = std::move(conversation_id), .held = std::nullopt, .now = now, .at = now};
        BSP_TRY(c.at, mine.begin_change(now));
        BSP_TRY(auto const settings, mine.privacy());
        if (auto const e = expiry_here(here.self.backend_type, settings, now)) BSP_CHECK(clear_expired(mine, c.conversation_id, *e));
        BSP_TRY(c.held, mine.head(c.conversation_id));
        if (c.held) c.version = merge::next_version(c.held->version_seen);
        return c;
    }

    [[nodiscard]] bool conversation_is_live() const { return held && !held->scalars.deleted; }

    /// The version of this message that is held, if any.
    [[nodiscard]] result<std::optional<merge::message>> message(tenant_writer& mine, std::string const& id) const {
        BSP_TRY(auto found, mine.messages(conversation_id, std::span{&id, 1}));
        if (found.empty()) return std::optional<merge::message>{};
        return std::optional{std::move(found.front())};
    }

    /// The time to write into a new version of `before`: now, or, when versions have come to their end and
    /// cannot tell the two apart, an instant after it.
    [[nodiscard]] std::string timestamp_over(std::optional<merge::message> const& before) const {
        bool const tied = before && before->version == version && now <= before->timestamp;
        return format_timestamp(tied ? before->timestamp + std::chrono::nanoseconds{1} : now);
    }

    /// The conversation's own members as a new write: `scalars` with version and last_modified of this change.
    [[nodiscard]] result<wire::conversation_write> write(json::object scalars) const {
        bool const behind = held && now <= held->last_modified_at;  // BSP-MRG-075, and strictly, so that it wins at the last version
        scalars["conversation_id"] = conversation_id;
        scalars["version"] = version;
        scalars["last_modified"] = format_timestamp(behind ? held->last_modified_at + std::chrono::nanoseconds{1} : now);
        wire::conversation_write w;
        BSP_CHECK(wire::decode_scalars(json::fields{scalars}, far_future, w.head));
        w.head.version_seen = version;
        return w;
    }

    /// The members of the write that stands, to be kept by the next one, without `deleted` (BSP-CNV-054, BSP-CNV-057).
    [[nodiscard]] json::object kept_scalars(std::string_view own_label) const {
        json::object scalars;
        if (held) scalars = wire::emitted_scalars(*held);
        else scalars["source_backend"] = own_label;
        scalars.erase("deleted");
        return scalars;
    }

    /// The same with one message added.
    [[nodiscard]] result<wire::conversation_write> write(json::object scalars, json::object const& message) const {
        BSP_TRY(auto w, write(std::move(scalars)));
        BSP_TRY(auto m, wire::decode_message(json::fields{message}, far_future));
        w.head.surfaces = {m.surface};
        w.messages.push_back(std::move(m));
        return w;
    }

    /// Joins the write into the user's state.
    result<> commit(tenant_writer& mine, wire::conversation_write w) const {
        std::vector<wire::conflict> nobody_to_tell;
        BSP_CHECK(join_into(mine, std::move(w), at, nobody_to_tell));
        return ok();
    }

    static constexpr instant far_future{std::numeric_limits<std::int64_t>::max(), 0};
};

}  // namespace bsp::endpoint
