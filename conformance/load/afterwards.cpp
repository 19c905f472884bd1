#include "afterwards.hpp"

#include "../report/curl.hpp"
#include "insist.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <set>

namespace bsp::conformance::load {
namespace {

std::chrono::milliseconds pause_of(http_response const& r) {
    int seconds = 1;
    if (auto const* after = r.headers.find("Retry-After")) std::from_chars(after->data(), after->data() + after->size(), seconds);
    return std::chrono::seconds{std::clamp(seconds, 1, 61)};
}

std::string in_short(answer const& a) { return a.why == fault::none ? "status " + std::to_string(a.response.status) : a.detail; }

/// Sends pushes once more: those of unknown fate, and the last that every peer knows to be acknowledged.
void repeat(script& s, verdict_on_data& into) {
    std::vector<std::size_t> again;
    std::set<std::uint32_t> done;
    auto const& plan = s.plan();
    for (std::size_t n = plan.size(); n > 0; --n) {
        auto const& p = plan[n - 1];
        if (p.what != operation::push) continue;
        auto const f = s.entry(n - 1).fate;
        if (f == fate::unknown || (f == fate::acknowledged && done.insert(p.peer).second)) again.push_back(n - 1);
    }
    into.repeated = again.size();
    std::atomic<std::size_t> settled = 0;
    side_by_side(again.size(), [&](std::size_t i) {
        auto const n = again[i];
        auto& entry = s.entry(n);
        bool const was_unknown = entry.fate == fate::unknown;
        auto const got = was_unknown ? insistently(s.company.world, [&] { return s.push_of(n); }) : s.company.world.target.send(s.push_of(n), s.company.world.options.timeout);
        if (!was_unknown || got.why != fault::none || got.response.status != 200) return;
        auto const body = json::parse(got.response.body);
        if (!body || text_at(*body, "/acked_sync_id") != entry.sync_id) return;
        entry.fate = objects_at(*body, "/conflicts").empty() ? fate::acknowledged : fate::in_part;
        ++settled;
    });
    into.settled = settled;
}

}  // namespace

answer insistently(surroundings& world, std::function<http_request()> const& make) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{90};
    for (;;) {
        auto got = world.target.send(make(), world.options.timeout);
        bool const again = got.why != fault::none || got.response.status == 429 || got.response.status >= 500;
        auto const pause = got.why == fault::none ? pause_of(got.response) : std::chrono::milliseconds{500};
        if (!again || std::chrono::steady_clock::now() + pause > until) return got;
        std::this_thread::sleep_for(pause);
    }
}

verdict_on_data judge_target(script& s, followers& following, std::ostream& out) {
    verdict_on_data v;
    auto& c = s.company;
    if (!c.world.alive(std::chrono::milliseconds{300})) {
        constexpr std::chrono::seconds patience{10};
        out << "          the target does not answer; it has " << patience.count() << " s to come back" << std::endl;
        if (!c.world.alive(patience)) {
            v.why_not = "the target no longer answers";
            return v;
        }
    }
    repeat(s, v);
    std::vector<judgement> all(c.conversations.size());
    std::mutex mutex;
    side_by_side(all.size(), [&](std::size_t i) {
        auto const got = insistently(c.world, [&] { return c.read(c.conversations[i]); });
        json::value read;
        bool const there = got.why == fault::none && got.response.status == 200;
        auto parsed = there ? json::parse(got.response.body) : result<json::value>{json::value{}};
        std::lock_guard const lock{mutex};
        if (!parsed || (!there && (got.why != fault::none || (got.response.status != 404 && got.response.status != 410)))) {
            if (v.why_not.empty()) v.why_not = "conversation " + c.conversations[i].id + " cannot be read: " + (parsed ? in_short(got) : "the answer is no JSON");
            return;
        }
        all[i] = judge(c.conversations[i], *parsed);
        ++v.conversations;
    });
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const& conversation = c.conversations[i];
        v.messages += all[i].acknowledged;
        for (auto const& f : all[i].flaws) {
            // A fresh assertion: whoever copies the line has five minutes.
            v.add({f, c.world.options.users[conversation.user].id, all[i].expected, all[i].actual, curl_line(c.read(conversation), origin_of(c.world.target))});
        }
    }
    following.judge(v);
    v.judged = v.why_not.empty();
    return v;
}

void leave(company const& c) {
    side_by_side(c.peers.size(), [&](std::size_t i) { (void)c.world.target.send(c.unpair(c.peers[i]), std::chrono::seconds{2}); });
}

}  // namespace bsp::conformance::load
