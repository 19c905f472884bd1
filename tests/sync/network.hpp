#pragma once

#include "site.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// A network between whole backends, with a clock that jumps from one event to the next: days pass in
/// milliseconds, and the same numbers give the same run.
namespace bsp::test {

/// How bad it is. Per cent of requests and of answers, each on its own.
struct weather {
    int lost = 0;                ///< on the way; nobody is told
    int refused = 0;             ///< the sender is told at once that there was no answer
    int doubled = 0;             ///< a request arrives twice
    std::chrono::milliseconds delay_max{20};  ///< each takes 1 ms to this, so they overtake each other
};

class network {
public:
    explicit network(std::uint64_t seed) : dice_{seed} {}

    void add(site& s) { sites_[s.config.base_url] = &s; }

    weather now_it_is;
    std::set<std::string> down;  ///< names of sites that cannot be reached

    [[nodiscard]] moment now() const { return at(steady_); }

    /// Every request that was sent, as "GET /health": for tests that count.
    struct sent {
        std::chrono::nanoseconds when;
        std::string from;
        std::string line;
        http_request request;
    };
    std::vector<sent> log;

    /// Takes the place of a site's server, when it is set: what a scripted peer answers.
    std::function<std::optional<http_response>(site&, http_request const&)> script;

    void run_for(std::chrono::nanoseconds time) {
        auto const end = steady_ + time;
        for (;;) {
            send_all();
            if (deliver()) continue;
            auto next = events_.empty() ? end : events_.begin()->first;
            for (auto& [url, s] : sites_)
                if (s->client)
                    if (auto const wake = s->client->poll_timeout(now())) next = std::min(next, std::max(*wake, steady_ + 1ms));
            steady_ = std::max(steady_, std::min(next, end));
            if (next >= end) return;
        }
    }

    /// The client of a site dies and is started again; what was on the way to it is lost.
    void restart(site& s) {
        ++lives_[&s];
        s.start();
    }
    void kill(site& s) {
        ++lives_[&s];
        s.stop();
    }

    [[nodiscard]] std::size_t count(std::string_view from, std::string_view begins) const {
        std::size_t n = 0;
        for (auto const& l : log) n += l.from == from && l.line.starts_with(begins);
        return n;
    }

private:
    bool happens(int percent) { return static_cast<int>(dice_() % 100) < percent; }
    std::chrono::nanoseconds later() { return steady_ + 1ms + std::chrono::microseconds{dice_() % static_cast<std::uint64_t>(std::chrono::microseconds{now_it_is.delay_max}.count() + 1)}; }

    /// What arrives now, if anything does.
    bool deliver() {
        if (events_.empty() || events_.begin()->first > steady_) return false;
        auto const what = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        what();
        return true;
    }

    void send_all() {
        for (auto& [url, s] : sites_)
            while (s->client) {
                auto out = s->client->poll_request(now());
                if (!out) break;
                log.push_back({steady_, s->name, out->request.method + ' ' + out->request.target, out->request});
                send(*s, *std::move(out));
            }
    }

    void send(site& from, sync::outgoing out) {
        auto const to = sites_.find(out.origin);
        bool const unreachable = to == sites_.end() || down.contains(to->second->name) || happens(now_it_is.refused);
        if (unreachable) return answer(from, out.id, std::nullopt);
        for (int copies = happens(now_it_is.doubled) ? 2 : 1; copies > 0; --copies) {
            if (happens(now_it_is.lost)) continue;
            events_.emplace(later(), [this, &from, &server = *to->second, out, life = lives_[&from]] {
                if (down.contains(server.name)) return;
                std::optional<http_response> scripted = script ? script(server, out.request) : std::nullopt;
                http_response response = scripted ? *std::move(scripted) : server.serve(out.request, now().wall);
                if (life == lives_[&from] && !happens(now_it_is.lost)) answer(from, out.id, std::move(response));
            });
        }
    }

    /// Something for the client, if it still is the one that asked.
    void answer(site& to, std::uint64_t id, std::optional<http_response> response) {
        events_.emplace(later(), [this, &to, id, response = std::move(response), life = lives_[&to]] {
            if (life != lives_[&to] || !to.client) return;
            if (response) to.client->handle_response(id, *response, now());
            else to.client->handle_silence(id, now());
        });
    }

    std::mt19937_64 dice_;
    std::chrono::nanoseconds steady_{};
    std::multimap<std::chrono::nanoseconds, std::function<void()>> events_;
    std::map<std::string, site*> sites_;  ///< by origin
    std::map<site*, int> lives_;
};

}  // namespace bsp::test
