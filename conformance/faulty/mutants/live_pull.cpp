#include "../faults.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

/// Faults of pulls that are held (BSP-SYN-147 to 155).
namespace bsp::faulty {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

json::array& entries_of(json::object& page) { return page.at("conversations").as_array(); }

// ---- whether and until when ----

struct wait_ignored : backend {
    using backend::backend;
    result<seconds> wait_of(call const& c) override {
        BSP_CHECK(backend::wait_of(c));
        return seconds{};
    }
};
struct one_second_at_most : backend {
    using backend::backend;
    result<seconds> wait_of(call const& c) override {
        BSP_TRY(seconds const wait, backend::wait_of(c));
        return std::min(wait, seconds{1});
    }
};
struct zero_is_for_long : backend {
    using backend::backend;
    result<seconds> wait_of(call const& c) override {
        std::string const* text = c.parameter("wait");
        return text && *text == "0" ? seconds{5} : backend::wait_of(c);
    }
};
struct ten_times_as_long : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        feed_query longer = asked;
        longer.wait = std::min(asked.wait * 10, seconds{7});
        return backend::hold(c, longer);
    }
};
struct news_must_be_newer_than_the_request : backend {
    using backend::backend;
    bool may_be_held(json::object const& page) override { return page.at("has_more") == json::value(false); }
};
struct ends_without_content : backend {
    using backend::backend;
    answer at_the_end(json::object) override { return http_response{204, {}, ""}; }
};
struct ends_with_an_error : backend {
    using backend::backend;
    answer at_the_end(json::object) override { return fail(errc::unavailable, "nothing came"); }
};
struct ends_with_more_to_come : backend {
    using backend::backend;
    answer at_the_end(json::object page) override {
        page["has_more"] = true;
        return json_answer(200, page);
    }
};
struct ends_without_watermark : backend {
    using backend::backend;
    answer at_the_end(json::object page) override {
        page.erase("last_sync");
        return json_answer(200, page);
    }
};
struct wait_cut_to_range : backend {
    using backend::backend;
    result<seconds> wait_of(call const& c) override {
        std::string const* text = c.parameter("wait");
        return text ? seconds{std::clamp(std::atoi(text->c_str()), 0, 30)} : seconds{};
    }
};
struct digits_as_far_as_they_go : backend {
    using backend::backend;
    result<seconds> wait_of(call const& c) override {
        std::string const* text = c.parameter("wait");
        int const wait = text ? std::atoi(text->c_str()) : 0;
        if (wait < 0 || wait > 30) return fail(errc::invalid_query, "wait");
        return seconds{wait};
    }
};

// ---- who is woken by what ----

struct looks_at_the_end : backend {
    using backend::backend;
    void announce(tenant const&, cause) override {}
};
struct pushes_are_quiet : backend {
    using backend::backend;
    void announce(tenant const& changed, cause by) override {
        if (by == cause::write) backend::announce(changed, by);
    }
};
struct writes_are_quiet : backend {
    using backend::backend;
    void announce(tenant const& changed, cause by) override {
        if (by == cause::push) backend::announce(changed, by);
    }
};
struct deletions_are_quiet : backend {
    using backend::backend;
    answer delete_conversation(call const& c, std::string const& id) override {
        is_deletion_ = true;
        auto out = backend::delete_conversation(c, id);
        is_deletion_ = false;
        return out;
    }
    void announce(tenant const& changed, cause by) override {
        if (!is_deletion_) backend::announce(changed, by);
    }
    bool is_deletion_ = false;
};
/// A map of those who wait, by user.
struct one_waits_per_user : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        latest_[asked.user_id] = asked.peer_id;
        return backend::hold(c, asked);
    }
    std::uint64_t news_of(feed_query const& asked) override { return latest_[asked.user_id] == asked.peer_id ? backend::news_of(asked) : 0; }
    std::map<std::string, std::string> latest_;
};
struct new_conversations_only : backend {
    using backend::backend;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override {
        auto const& all = tenant_of(peer.user_id);
        is_old_ = std::all_of(incoming.begin(), incoming.end(), [&](auto const& c) { return all.contains(c.first); });
        auto out = backend::apply(peer, incoming, now);
        is_old_ = false;
        return out;
    }
    void announce(tenant const& changed, cause by) override {
        if (!is_old_) backend::announce(changed, by);
    }
    bool is_old_ = false;
};
struct polls_every_four_seconds : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        for (auto left = asked.wait;; left -= std::min(left, seconds{4})) {
            feed_query part = asked;
            part.wait = std::min(left, seconds{4});
            auto out = backend::hold(c, part);
            if (!out || left <= seconds{4} || out->body.find("\"conversations\":[]") == std::string::npos) return out;
        }
    }
    void announce(tenant const&, cause) override {}
};

// ---- other users ----

struct any_commit_ends_it : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        auto const before = held().last_commit;
        feed_query part = asked;
        for (auto left = asked.wait; left.count() > 0; left -= part.wait) {
            part.wait = seconds{1};
            auto out = backend::hold(c, part);
            if (!out || held().last_commit != before || left <= part.wait) return out;
        }
        return backend::hold(c, part);
    }
};
/// The signal carries what changed, whoever it is of.
struct hears_everybody : backend {
    using backend::backend;
    void announce(tenant const&, cause by) override {
        for (auto const& [user, all] : held().tenants) backend::announce(all, by);
    }
    answer hold(call const& c, feed_query const& asked) override {
        is_held_ = true;
        auto out = backend::hold(c, asked);
        is_held_ = false;
        return out;
    }
    json::object feed_page(call const& c, feed_query const& asked) override {
        auto page = backend::feed_page(c, asked);
        if (!is_held_ || !may_be_held(page)) return page;
        for (auto const& [user, all] : held().tenants) {
            feed_query other = asked;
            other.user_id = user;
            if (auto found = backend::feed_page(c, other); !entries_of(found).empty()) return found;
        }
        return page;
    }
    bool is_held_ = false;
};

// ---- the end of the peer ----

struct outlives_unpairing : backend {
    using backend::backend;
    result<> still_stands(feed_query const& asked, instant now) override { return held().peers.contains(asked.peer_id) ? backend::still_stands(asked, now) : ok(); }
};
struct outlives_revocation : backend {
    using backend::backend;
    result<> still_stands(feed_query const& asked, instant now) override {
        auto const found = held().peers.find(asked.peer_id);
        return found != held().peers.end() && found->second.revoked ? ok() : backend::still_stands(asked, now);
    }
};
struct outlives_expiry : backend {
    using backend::backend;
    result<> still_stands(feed_query const& asked, instant) override { return backend::still_stands(asked, {}); }
};
struct refused_at_the_end : backend {
    using backend::backend;
    milliseconds look_period() override { return seconds{60}; }
};
struct looked_after_at_commits : backend {
    using backend::backend;
    milliseconds look_period() override { return seconds{60}; }
    result<http_response> delete_peer(call const& c, std::string const& id) override {
        auto out = backend::delete_peer(c, id);
        for (auto const& [user, all] : held().tenants) announce(all, cause::write);
        return out;
    }
};
struct ends_empty_when_removed : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        auto out = backend::hold(c, asked);
        if (out || out.error().code == errc::sbt_expired) return out;
        return json_answer(200, feed_page(c, asked));
    }
};

// ---- what is told ----

struct tells_what_woke_it : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        is_held_ = true;
        auto out = backend::hold(c, asked);
        is_held_ = false;
        return out;
    }
    json::object feed_page(call const& c, feed_query const& asked) override {
        if (is_held_) let_others_in();  // what comes quickly is told at once
        auto page = backend::feed_page(c, asked);
        if (auto& entries = entries_of(page); is_held_ && entries.size() > 1) entries.erase(entries.begin(), entries.end() - 1);
        return page;
    }
    bool is_held_ = false;
};
struct ends_a_second_ahead : backend {
    using backend::backend;
    answer at_the_end(json::object page) override {
        page["last_sync"] = format_timestamp(system_now() + seconds{1});
        return json_answer(200, page);
    }
};
struct held_without_limit : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        feed_query all = asked;
        all.limit = 100'000;
        return backend::hold(c, all);
    }
};
struct begins_again_with_each_page : backend {
    using backend::backend;
    json::object feed_page(call const& c, feed_query const& asked) override {
        feed_query again = asked;
        if (asked.wait.count() > 0) again.cursor.reset();
        return backend::feed_page(c, again);
    }
};
struct pages_are_held : backend {
    using backend::backend;
    bool may_be_held(json::object const& page) override { return is_page_ ? page.at("conversations").as_array().size() < 2 : backend::may_be_held(page); }
    json::object feed_page(call const& c, feed_query const& asked) override {
        is_page_ = asked.cursor.has_value();
        return backend::feed_page(c, asked);
    }
    bool is_page_ = false;
};

// ---- what it costs the others ----

struct holds_the_lock : backend {
    using backend::backend;
    answer hold(call const& c, feed_query const& asked) override {
        std::this_thread::sleep_for(asked.wait);
        return json_answer(200, feed_page(c, asked));
    }
};
struct sixteen_workers : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        while (at_work_ >= 16) let_others_in();
        ++at_work_;
        auto out = backend::serve(request, now);
        --at_work_;
        return out;
    }
    int at_work_ = 0;
};

}  // namespace

std::vector<fault> live_pull_faults() {
    return {
        {"F-SYN-517", "wait is ignored", {"syn/live-pull-held"}, make<wait_ignored>},
        {"F-SYN-518", "a pull is held for a second at most", {"syn/live-pull-held"}, make<one_second_at_most>},
        {"F-SYN-519", "wait=0 waits for long", {"syn/live-pull-empty"}, make<zero_is_for_long>},
        {"F-SYN-520", "a pull is held longer than wait says", {"syn/live-pull-empty"}, make<ten_times_as_long>},
        {"F-SYN-521", "a pull with wait waits although there is something", {"syn/live-pull-at-once"}, make<news_must_be_newer_than_the_request>},
        {"F-SYN-522", "a held pull ends with 204", {"syn/live-pull-empty"}, make<ends_without_content>},
        {"F-SYN-523", "a held pull ends with 503 when nothing came", {"syn/live-pull-empty"}, make<ends_with_an_error>},
        {"F-SYN-524", "a held pull that brought nothing has has_more true", {"syn/live-pull-empty"}, make<ends_with_more_to_come>},
        {"F-SYN-525", "a held pull that brought nothing has no last_sync", {"syn/live-pull-empty"}, make<ends_without_watermark>},
        {"F-SYN-526", "a wait out of range is cut to it", {"syn/live-pull-wait-form"}, make<wait_cut_to_range>},
        {"F-SYN-527", "a wait is read as far as it has digits", {"syn/live-pull-wait-form"}, make<digits_as_far_as_they_go>},
        {"F-SYN-528", "a held pull looks when the time is over", {"syn/live-pull-push", "syn/live-pull-write"}, make<looks_at_the_end>},
        {"F-SYN-529", "a push does not end held pulls", {"syn/live-pull-push"}, make<pushes_are_quiet>},
        {"F-SYN-530", "a write does not end held pulls", {"syn/live-pull-write"}, make<writes_are_quiet>},
        {"F-SYN-531", "the deletion of a conversation does not end held pulls", {"syn/live-pull-write"}, make<deletions_are_quiet>},
        {"F-SYN-532", "of a user's held pulls the latest hears of changes", {"syn/live-pull-push"}, make<one_waits_per_user>},
        {"F-SYN-533", "only new conversations end held pulls", {"syn/live-pull-push"}, make<new_conversations_only>},
        {"F-SYN-534", "a held pull looks every four seconds", {"syn/live-pull-push", "syn/live-pull-write"}, make<polls_every_four_seconds>},
        {"F-SYN-535", "a commit of another user ends a held pull", {"syn/live-pull-other-user"}, make<any_commit_ends_it>},
        {"F-SYN-536", "a held pull brings what another user changed", {"syn/live-pull-other-user"}, make<hears_everybody>},
        {"F-SYN-537", "a held pull outlives the unpairing of its peer", {"syn/live-pull-unpaired"}, make<outlives_unpairing>},
        {"F-SYN-538", "a held pull outlives the revocation of its peer", {"syn/live-pull-revoked"}, make<outlives_revocation>},
        {"F-SYN-539", "a held pull outlives the token of its peer", {"syn/live-pull-expired"}, make<outlives_expiry>},
        {"F-SYN-540", "a held pull is refused when its time is over", {"syn/live-pull-unpaired", "syn/live-pull-revoked", "syn/live-pull-expired"}, make<refused_at_the_end>},
        {"F-SYN-541", "a held pull hears of a removal, and not of the time that passes", {"syn/live-pull-expired"}, make<looked_after_at_commits>},
        {"F-SYN-542", "a removal ends held pulls with an empty page", {"syn/live-pull-unpaired", "syn/live-pull-revoked"}, make<ends_empty_when_removed>},
        {"F-SYN-544", "a held answer has the last change only", {"syn/live-pull-loses-nothing"}, make<tells_what_woke_it>},
        {"F-SYN-545", "a held pull that brought nothing gives a watermark ahead", {"syn/live-pull-loses-nothing"}, make<ends_a_second_ahead>},
        {"F-SYN-546", "a held answer ignores limit", {"syn/live-pull-pages"}, make<held_without_limit>},
        {"F-SYN-547", "with wait, each page begins again", {"syn/live-pull-pages"}, make<begins_again_with_each_page>},
        {"F-SYN-548", "the last page of several is held", {"syn/live-pull-pages"}, make<pages_are_held>},
        {"F-SYN-549", "a held pull keeps the lock", {"syn/live-pull-many"}, make<holds_the_lock>},
        {"F-SYN-550", "sixteen workers, each busy with a held pull", {"syn/live-pull-many"}, make<sixteen_workers>},
    };
}

}  // namespace bsp::faulty
