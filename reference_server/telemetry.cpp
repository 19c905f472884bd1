#include "telemetry.hpp"

#include "clock.hpp"

#include <bsp/observe/observatory.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>

namespace bsp::server {
namespace {

constexpr std::chrono::milliseconds judged_every{500};  ///< BSP-TEL-061: idle streams are closed within 2 seconds
constexpr std::size_t taken_max = 2'048;                ///< messages of one transaction

std::vector<endpoint::stream_output> taken(endpoint::telemetry_intake& intake, std::vector<endpoint::stream_input> const& inputs) {
    try {
        return intake.take(inputs, server_clock{}.now());
    } catch (std::exception const& why) {
        spdlog::error("telemetry was abandoned: {}", why.what());
        return std::vector<endpoint::stream_output>(inputs.size(), {{}, endpoint::stream_close{endpoint::close_code::fault, ""}});
    }
}

}  // namespace

/// What the door's thread and the one that stores have in common.
struct telemetry::shared {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::pair<std::shared_ptr<stream>, std::string>> waiting;
    std::set<std::shared_ptr<stream>> open;
    bool stopping = false;
    observe::observatory* observed = nullptr;  ///< nobody once the server stops

    void tell(std::string const& peer_id, int change) const {
        if (observed) observed->handle_stream(peer_id, change);
    }
};

class telemetry::stream final : public socket_listener, public std::enable_shared_from_this<stream> {
public:
    stream(endpoint::stream_owner owner, std::shared_ptr<socket_line> line, std::shared_ptr<shared> all)
        : owner_{std::move(owner)}, line_{std::move(line)}, all_{std::move(all)} {}

    void received(std::string message) override {
        {
            std::lock_guard const lock{all_->mutex};
            all_->waiting.emplace_back(shared_from_this(), std::move(message));
        }
        all_->wake.notify_one();
    }

    void ended() override {
        std::lock_guard const lock{all_->mutex};
        if (all_->open.erase(shared_from_this()) > 0) all_->tell(owner_.peer_id, -1);
    }

    [[nodiscard]] endpoint::stream_owner const& owner() const { return owner_; }

    void deliver(endpoint::stream_output&& out) {
        if (!out.messages.empty()) line_->send(std::move(out.messages));
        if (out.close) end(*out.close);
    }

    void end(endpoint::stream_close const& how) {
        spdlog::info("telemetry of {} is closed: {} {}", owner_.peer_id, static_cast<int>(how.code), how.reason);
        line_->close(static_cast<std::uint16_t>(how.code), how.reason);
    }

private:
    endpoint::stream_owner owner_;
    std::shared_ptr<socket_line> line_;
    std::shared_ptr<shared> all_;
};

telemetry::telemetry(store_base& store, std::size_t events_per_minute, guards& watch)
    : intake_{store, events_per_minute, &watch}, shared_{std::make_shared<shared>()}, thread_{[this] { work(*shared_, intake_); }} {
    std::lock_guard const lock{shared_->mutex};
    shared_->observed = watch.observed;
}

telemetry::~telemetry() { stop(); }

void telemetry::stop() {
    {
        std::lock_guard const lock{shared_->mutex};
        shared_->stopping = true;
        shared_->observed = nullptr;
    }
    shared_->wake.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::function<std::shared_ptr<socket_listener>(std::shared_ptr<socket_line>)> telemetry::stream_of(endpoint::stream_owner owner) {
    return [owner = std::move(owner), all = shared_](std::shared_ptr<socket_line> line) -> std::shared_ptr<socket_listener> {
        auto opened = std::make_shared<stream>(owner, std::move(line), all);
        std::lock_guard const lock{all->mutex};
        all->open.insert(opened);
        all->tell(opened->owner().peer_id, 1);
        return opened;
    };
}

void telemetry::work(shared& s, endpoint::telemetry_intake& intake) {
    using clock = std::chrono::steady_clock;
    auto judge_at = clock::now() + judged_every;
    for (;;) {
        std::vector<std::shared_ptr<stream>> streams;
        std::vector<endpoint::stream_input> inputs;
        bool stopping = false;
        {
            std::unique_lock lock{s.mutex};
            s.wake.wait_until(lock, judge_at, [&] { return s.stopping || !s.waiting.empty(); });
            std::map<stream*, std::size_t> place;
            for (std::size_t taken = 0; taken < taken_max && !s.waiting.empty(); ++taken) {
                auto& [from, message] = s.waiting.front();
                auto const [at, first] = place.try_emplace(from.get(), streams.size());
                if (first) {
                    streams.push_back(from);
                    inputs.push_back({from->owner().peer_id, {}, from->owner().key_sha256});
                }
                inputs[at->second].messages.push_back(std::move(message));
                s.waiting.pop_front();
            }
            stopping = s.stopping && inputs.empty();
        }
        if (stopping) return;
        if (!inputs.empty()) {
            auto outputs = taken(intake, inputs);
            for (std::size_t i = 0; i < streams.size(); ++i) streams[i]->deliver(std::move(outputs[i]));
        }
        if (clock::now() < judge_at) continue;
        judge_at = clock::now() + judged_every;
        {
            std::lock_guard const lock{s.mutex};
            streams.assign(s.open.begin(), s.open.end());
        }
        std::map<std::pair<std::string, std::optional<sha256_digest>>, std::vector<std::shared_ptr<stream>>> by_owner;
        for (auto const& open : streams) by_owner[{open->owner().peer_id, open->owner().key_sha256}].push_back(open);
        std::vector<endpoint::stream_owner> owners;
        for (auto const& entry : by_owner) owners.push_back({entry.first.first, entry.first.second});
        auto const closes = intake.judge(owners, server_clock{}.now());
        for (std::size_t i = 0; auto const& entry : by_owner)
            if (auto const& close = closes[i++])
                for (auto const& open : entry.second) open->end(*close);
    }
}

}  // namespace bsp::server
