#include "followers.hpp"

#include "../report/curl.hpp"
#include "insist.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>

namespace bsp::conformance::load {
namespace {

constexpr std::size_t followers_max = 4;  // more would be a load of their own
constexpr std::chrono::seconds between_pulls{1};
constexpr std::size_t pages_max = 100'000;

}  // namespace

followers::followers(company& c, instant since) : company_{c}, since_{since} {
    auto const users = std::min(c.world.options.users.size(), followers_max);
    for (std::size_t i = 0; i < std::min(users, c.peers.size()); ++i) all_.push_back({&c.peers[i], format_timestamp({since.seconds, 0})});
    worker_ = std::thread{[this] { work(); }};
}

followers::~followers() { stop(); }

void followers::stop() {
    {
        std::lock_guard const lock{mutex_};
        stop_ = true;
    }
    stopping_.notify_all();
    if (worker_.joinable()) worker_.join();
}

void followers::work() {
    for (std::unique_lock lock{mutex_}; !stopping_.wait_for(lock, between_pulls, [&] { return stop_; });) {
        lock.unlock();
        for (auto& f : all_) (void)pull(f, false);
        lock.lock();
    }
}

bool followers::pull(one& f, bool at_last) {
    auto& world = company_.world;
    std::string cursor;
    for (std::size_t page = 0; page < pages_max; ++page) {
        auto const make = [&] { return company_.pull(*f.who, f.since, cursor); };
        auto const got = at_last ? insistently(world, make) : world.target.send(make(), world.options.timeout);
        if (got.why != fault::none || got.response.status != 200) return false;
        auto const body = json::parse(got.response.body);
        if (!body) return false;
        for (json::value const c : objects_at(*body, "/conversations"))
            for (auto const& m : objects_at(c, "/messages")) f.seen[text_at(c, "/conversation_id") + '/' + text_at(json::value(m), "/id")] = digest_of_message(m);
        auto const* more = at(*body, "/has_more");
        if (!more || *more != true) {
            if (auto watermark = text_at(*body, "/last_sync"); !watermark.empty()) f.since = std::move(watermark);
            return true;
        }
        auto next = text_at(*body, "/cursor");
        if (next.empty() || next == cursor) return false;
        cursor = std::move(next);
    }
    return false;
}

void followers::judge(verdict_on_data& into) {
    stop();
    for (auto& f : all_) {
        if (!pull(f, true)) {
            if (into.why_not.empty()) into.why_not = "peer " + f.who->peer_id + " cannot pull to the end of the feed";
            continue;
        }
        ++into.followers;
        auto const curl = [&] { return curl_line(company_.pull(*f.who, format_timestamp({since_.seconds, 0}), ""), origin_of(company_.world.target)); };
        for (auto const& c : company_.conversations) {
            if (c.user != f.who->user) continue;
            for (auto const& p : c.pushes)
                for (auto const& m : p.messages) {
                    if (p.fate != fate::acknowledged) continue;
                    ++into.followed;
                    auto const shown = f.seen.find(c.id + '/' + m.id);
                    if (shown != f.seen.end() && shown->second == m.digest) continue;
                    bool const absent = shown == f.seen.end();
                    into.add({{absent ? flaw::lost : flaw::altered, c.id, m.id, absent ? "was in no pull of peer " + f.who->peer_id + ", which followed the feed by last_sync" : "came to peer " + f.who->peer_id + " by a pull with other content"},
                              company_.world.options.users[c.user].id, m.digest, absent ? "nothing" : shown->second, curl()});
                }
        }
    }
}

}  // namespace bsp::conformance::load
