#include "later.hpp"
#include "lenient_json.hpp"

#include <bsp/base/uri.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>

/// Faults of clients in the second of two pushes, on the third page, and where one channel meets another.
namespace bsp::faulty {

namespace {

using answered = std::optional<http_response>;

struct pulls_ignore_retry_after : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override { backend::failed(to, which, which == pulls ? std::nullopt : r); }
};
struct pulls_clear_failures : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        backend::settle_pull(peer, to, r);
        if (to.failures[pulls] == 0) to.failures[pushes] = 0;
    }
};
/// Whoever says to be healthy is forgiven.
struct health_clears_failures : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override {
        bool const healthy = backend::is_healthy(r);
        if (healthy)
            for (auto& [id, to] : held().links) to.failures = {};
        return healthy;
    }
};
struct second_half_lost : backend {
    using backend::backend;
    void narrow_down(link& to) override {
        bool const halves = to.outgoing.front().ids.size() > 1;
        backend::narrow_down(to);
        if (!halves) return;
        to.outgoing[0].last = to.outgoing[1].last;
        to.outgoing.erase(to.outgoing.begin() + 1);
    }
};
struct long_conversations_cut : backend {
    using backend::backend;
    void take_snapshot(peer_record const& peer, link& to) override {
        backend::take_snapshot(peer, to);
        for (std::size_t i = 1; i < to.outgoing.size();)
            if (to.outgoing[i].ids.front() == to.outgoing[i - 1].ids.back()) {
                to.outgoing[i - 1].last = to.outgoing[i].last;
                to.outgoing.erase(to.outgoing.begin() + static_cast<std::ptrdiff_t>(i));
            } else {
                ++i;
            }
    }
};
struct first_batch_alone : backend {
    using backend::backend;
    void take_snapshot(peer_record const& peer, link& to) override {
        backend::take_snapshot(peer, to);
        if (to.outgoing.empty() || to.outgoing.front().ids.size() < conversations_max()) return;
        to.outgoing.resize(1);
        to.outgoing.front().last = true;
    }
};
/// What the parts of a snapshot are is known as long as the process lives; the position is that of all.
struct position_after_the_first_part : backend {
    using backend::backend;
    void acknowledged(link& to, parcel const& p) override {
        parcel whole = p;
        whole.last = true;
        to.pushed = whole.snapshot;
        backend::acknowledged(to, p);
    }
    void restart() override {
        for (auto& [id, to] : held().links) to.outgoing.clear();
    }
};
struct two_pages_are_all : backend {
    using backend::backend;
    bool take_in_page(peer_record const& peer, link& to, json::object const& page) override {
        if (to.cursor.empty()) return backend::take_in_page(peer, to, page);
        json::object last = page;
        last["has_more"] = false;
        return backend::take_in_page(peer, to, last);
    }
};
struct refused_cursor_again : backend {
    using backend::backend;
    void settle_pull(peer_record const& peer, link& to, answered const& r) override {
        std::string const cursor = to.cursor;
        backend::settle_pull(peer, to, r);
        if (r && r->status == 400) to.cursor = cursor;
    }
};
/// Escaped as a whole URL is, in which some characters have a meaning.
struct cursors_as_urls : backend {
    using backend::backend;
    http_request pull_request(peer_record const& peer, link const& to, instant now) override {
        http_request out = backend::pull_request(peer, to, now);
        std::string const escaped = percent_encode_segment(to.cursor);
        auto const at = to.cursor.empty() ? std::string::npos : out.target.find("cursor=" + escaped);
        if (at == std::string::npos) return out;
        std::string as_url = escaped;
        for (auto const& [escape, plain] : {std::pair{"%26", "&"}, {"%3D", "="}, {"%2B", "+"}, {"%2F", "/"}, {"%3F", "?"}, {"%3B", ";"}}) as_url = replaced(as_url, escape, plain);
        out.target.replace(at + 7, escaped.size(), as_url);
        out.headers.set("Authorization", "BSP " + peer_assertion(peer, "GET", out.target, now));
        return out;
    }
};
struct epochs_in_memory : backend {
    using backend::backend;
    void restart() override {
        for (auto& [id, to] : held().links) to.epoch.clear();
    }
};
struct any_answer_sets_the_interval : backend {
    using backend::backend;
    void settle_push(peer_record const& peer, link& to, answered const& r) override {
        auto const body = r ? json::parse(r->body) : result<json::value>{json::value{}};
        if (body) to.interval = interval_from(*body, to.interval);
        backend::settle_push(peer, to, r);
    }
};
/// A conversation has one column for who changed it last.
struct last_origin_alone : backend {
    using backend::backend;
    bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) override {
        auto const last = std::max_element(c.brought.begin(), c.brought.end(), [](auto const& a, auto const& b) { return a.second < b.second; });
        return (last == c.brought.end() || last->first != peer.peer_id) && backend::is_due(c, id, peer, to);
    }
};
struct health_by_its_body : backend {
    using backend::backend;
    bool is_healthy(answered const& r) override {
        if (!r) return false;
        http_response plain = *r;
        plain.status = 200;
        return backend::is_healthy(plain);
    }
};
struct failed_pulls_stop_pushes : backend {
    using backend::backend;
    void failed(link& to, channel which, answered const& r) override {
        backend::failed(to, which, r);
        if (which == pulls) to.retry_at[pushes] = to.retry_at[pulls];
    }
};
struct epoch_is_for_pulls : backend {
    using backend::backend;
    void begin_anew(link& to) override {
        auto const pushed = to.pushed;
        auto outgoing = to.outgoing;
        backend::begin_anew(to);
        to.pushed = pushed;
        to.outgoing = std::move(outgoing);
    }
};
template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught) {
    return fifth<Mutant>(id, title, std::move(killed_by), caught, setting::client);
}

}  // namespace

std::vector<fault> later_client_faults() {
    return {
        row<pulls_ignore_retry_after>("F-OFF-850", "Retry-After counts for pushes only", {"off/pull-retry-after"}, false),
        row<pulls_clear_failures>("F-OFF-851", "a pull that succeeds makes the failures of pushes forgotten", {"off/backoff-beside-pulls"}, false),
        row<health_clears_failures>("F-OFF-852", "an answer of /health makes the failures of pushes forgotten", {"off/backoff-beside-pulls"}, false),
        row<second_half_lost>("F-OFF-853", "when a push is narrowed down its second half is dropped", {"off/refused-among-many", "off/refused-content"}, true),
        row<long_conversations_cut>("F-OFF-854", "of a long conversation the first 1000 messages are pushed", {"off/push-sizes"}, true),
        row<first_batch_alone>("F-OFF-855", "of more than 500 conversations the first 500 are pushed", {"off/push-sizes"}, true),
        row<position_after_the_first_part>("F-OFF-856", "what is due is lost by a restart between two pushes of a snapshot", {"off/restart-between-pushes"}, false),
        row<two_pages_are_all>("F-OFF-857", "the second page is taken for the last", {"off/pull-pages"}, true),
        row<refused_cursor_again>("F-OFF-858", "a cursor that was refused is sent again", {"off/cursor-refused"}, false),
        row<cursors_as_urls>("F-OFF-859", "cursors are escaped like whole URLs", {"off/pull-pages"}, false),
        row<epochs_in_memory>("F-OFF-860", "a restart forgets the epoch of the peer", {"off/epoch-survives"}, false),
        row<any_answer_sets_the_interval>("F-OFF-861", "the next_sync_in_ms of a failure counts", {"off/interval-of-failures"}, false),
        row<last_origin_alone>("F-OFF-862", "a conversation that the peer changed last is not pushed to it", {"off/changed-at-both-sides"}, false),
        row<health_by_its_body>("F-OFF-863", "the status of /health is not looked at", {"off/unhealthy"}, true),
        row<failed_pulls_stop_pushes>("F-OFF-864", "failures of pulls hold up pushes", {"off/pushes-beside-failing-pulls"}, false),
        row<epoch_is_for_pulls>("F-OFF-865", "after epoch-changed nothing is pushed again", {"off/epoch-changed"}, true),
    };
}

}  // namespace bsp::faulty
