#pragma once

#include <bsp/policy/store.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// For whom a user's data is read.
enum class audience : std::uint8_t { user, peer };

/// Whether this backend lets data expire. Retention is for copies: a hosted backend has nothing else, a local one
/// has the originals.
inline std::optional<privacy::expiry> expiry_here(std::string_view backend_type, privacy_settings const& s, instant now) {
    if (backend_type != "hosted") return std::nullopt;
    return privacy::expiry::of(s, now);
}

/// Whether a conversation still shows anything: it changed within the retention period, or one of its messages lives
///
inline result<bool> is_kept(tenant_reader& mine, merge::conversation_head const& head, privacy::expiry const& e) {
    if (head.last_modified_at > e.until(head.scalars.deleted)) return true;
    if (head.scalars.deleted) return false;
    static constexpr std::size_t step = 64;
    for (position after{e.data_until, std::string(limits::identifier_bytes_max, '~')};;) {
        BSP_TRY(auto const page, mine.messages_in_order(head.conversation_id, after, step));
        if (std::ranges::any_of(page, [&](merge::message const& m) { return !m.deleted && !e.has(m); })) return true;
        if (page.size() < step) return false;
        after = {page.back().timestamp, page.back().id};
    }
}

/// A user's data without what has expired, swept or not, and for a peer without what the user does not let go
/// to peers. Every endpoint that reads gets this and nothing else. Pages are as full as those of the store.
class kept_view final : public tenant_reader {
public:
    kept_view(tenant_reader& all, privacy_settings settings, std::optional<privacy::expiry> expired, audience whom)
        : all_{all}, settings_{std::move(settings)}, expired_{expired}, to_peer_{whom == audience::peer} {}

    result<std::optional<merge::conversation_head>> head(std::string_view conversation_id) override {
        BSP_TRY(auto held, all_.head(conversation_id));
        if (held) {
            BSP_TRY(bool const shown, shows(*held));
            if (!shown) held.reset();
        }
        return held;
    }

    result<std::vector<merge::message>> messages(std::string_view conversation_id, std::span<std::string const> ids) override {
        BSP_TRY(auto found, all_.messages(conversation_id, ids));
        std::erase_if(found, [&](merge::message const& m) { return !shows(m); });
        return found;
    }

    result<std::vector<merge::message>> messages_in_order(std::string_view conversation_id, std::optional<position> const& after, std::size_t limit) override {
        return filled<merge::message>(
            after, limit, [&](auto const& from, std::size_t n) { return all_.messages_in_order(conversation_id, from, n); },
            [&](merge::message const& m) -> result<bool> { return shows(m); }, [](merge::message const& m) { return position{m.timestamp, m.id}; });
    }

    result<std::vector<merge::conversation_head>> heads(std::string_view after, std::size_t limit) override {
        return filled<merge::conversation_head>(
            std::string{after}, limit, [&](std::string const& from, std::size_t n) { return all_.heads(from, n); },
            [&](merge::conversation_head const& h) { return shows(h); }, [](merge::conversation_head const& h) { return h.conversation_id; });
    }

    result<std::vector<changed_conversation>> changes(instant since, std::optional<position> const& after, std::size_t limit) override {
        return filled<changed_conversation>(
            after, limit, [&](auto const& from, std::size_t n) { return all_.changes(since, from, n); },
            [&](changed_conversation const& c) { return shows(c.head); }, [](changed_conversation const& c) { return position{c.changed_at, c.head.conversation_id}; });
    }

    result<std::vector<changed_message>> changed_messages(std::string_view conversation_id, instant since, std::optional<position> const& after, std::size_t limit) override {
        return filled<changed_message>(
            after, limit, [&](auto const& from, std::size_t n) { return all_.changed_messages(conversation_id, since, from, n); },
            [&](changed_message const& m) -> result<bool> { return shows(m.message); }, [](changed_message const& m) { return position{m.changed_at, m.message.id}; });
    }

    result<std::vector<changed_message>> losers(std::string_view conversation_id, instant kept_since) override {
        if (expired_) kept_since = std::max(kept_since, expired_->data_until);
        BSP_TRY(auto found, all_.losers(conversation_id, kept_since));
        std::erase_if(found, [&](changed_message const& l) { return !shows(l.message); });
        return found;
    }

    result<std::vector<telemetry_record>> events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after, std::size_t limit) override {
        if (expired_) since = std::max(since, expired_->data_until + std::chrono::nanoseconds{1});
        return all_.events(source_backend, since, after, limit);
    }

    result<std::optional<instant>> last_change() override { return all_.last_change(); }
    result<std::optional<sync_receipt>> receipt(std::string_view peer_id, std::string_view sync_id) override { return all_.receipt(peer_id, sync_id); }
    result<privacy_settings> privacy() override { return settings_; }
    result<std::vector<message_place>> expired_messages(privacy::expiry const& e, std::size_t limit) override { return all_.expired_messages(e, limit); }
    result<std::optional<departure>> departed(std::string_view conversation_id, std::string_view id) override { return all_.departed(conversation_id, id); }

private:
    [[nodiscard]] bool shows(merge::message const& m) const { return !(expired_ && expired_->has(m)) && !(to_peer_ && !settings_.allows_surface(m.surface)); }

    /// For a peer, a conversation that no allowed surface has a part in is nothing.
    result<bool> shows(merge::conversation_head const& h) {
        if (to_peer_ && !h.surfaces.empty() && std::ranges::none_of(h.surfaces, [&](auto const& s) { return settings_.allows_surface(s); })) return false;
        return expired_ ? is_kept(all_, h, *expired_) : result<bool>{true};
    }

    /// A page of `limit` rows that are shown, or of all that are left.
    template <class Row, class Place, class Read, class Shown, class PlaceOf>
    result<std::vector<Row>> filled(Place after, std::size_t limit, Read read, Shown shown, PlaceOf place_of) {
        std::vector<Row> out;
        while (out.size() < limit) {
            std::size_t const wanted = limit - out.size();
            BSP_TRY(auto page, read(after, wanted));
            for (auto& row : page) {
                BSP_TRY(bool const is_shown, shown(row));
                after = place_of(row);
                if (is_shown) out.push_back(std::move(row));
            }
            if (page.size() < wanted) break;
        }
        return out;
    }

    tenant_reader& all_;
    privacy_settings settings_;
    std::optional<privacy::expiry> expired_;
    bool to_peer_;
};

/// Whose reading it is, by what settings, and when. Opens a view for one reader.
struct reading {
    std::string backend_type;
    audience whom = audience::user;

    /// Runs `f(tenant_reader&) -> result<T>` on what may be seen of `all` at `now`.
    template <class F>
    auto of(tenant_reader& all, instant now, F&& f) const -> std::invoke_result_t<F&, tenant_reader&> {
        BSP_TRY(auto settings, all.privacy());
        auto const expired = expiry_here(backend_type, settings, now);
        kept_view view{all, std::move(settings), expired, whom};
        return f(view);
    }
};

}  // namespace bsp::endpoint
