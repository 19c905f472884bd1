#include "telemetry_courier.hpp"

#include <bsp/base/instant.hpp>
#include <bsp/json/value.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace bsp::server {
namespace {

std::string event_of(telemetry_courier::exchange const& e, std::string const& event_id, std::string const& label, std::string const& source_backend, instant now) {
    json::object metadata{{"direction", e.what.what == sync_occurrence::kind::pushed ? "push" : "pull"},
                          {"conversations", static_cast<std::int64_t>(e.what.conversations)},
                          {"messages", static_cast<std::int64_t>(e.what.messages)}};
    if (!e.what.sync_id.empty()) metadata["sync_id"] = e.what.sync_id;
    return json::serialize(json::object{{"event_id", event_id},
                                        {"event_type", "conversation_sync"},
                                        {"session_id", label},
                                        {"timestamp", format_timestamp(now)},
                                        {"source_backend", source_backend},
                                        {"metadata", std::move(metadata)},
                                        {"latency_ms", static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(e.latency).count())}});
}

}  // namespace

telemetry_courier::telemetry_courier(sync::own_backend self, std::string const& ca_file, std::function<void()> wake)
    : self_{std::move(self)}, label_{"run_" + self_.random_hex(8)}, wake_{std::move(wake)}, streams_{[this](event_streams::tiding t) {
          {
              std::lock_guard const lock{mutex_};
              tidings_.push_back(std::move(t));
          }
          wake_();
      }, ca_file} {}

void telemetry_courier::handle_key(rsa_private_key key, std::optional<sync::replaced_key> replaced) {
    self_.key = std::move(key);
    self_.replaced = std::move(replaced);
}

void telemetry_courier::handle_peers(std::vector<peer_record> const& peers) {
    for (auto at = lines_.begin(); at != lines_.end();) {
        bool const stays = std::ranges::find(peers, at->first, &peer_record::peer_id) != peers.end();
        if (!stays) streams_.drop(at->second->stream);
        at = stays ? std::next(at) : lines_.erase(at);
    }
    for (auto const& peer : peers) {
        if (!peer.endpoints || peer.endpoints->telemetry_endpoint.empty()) continue;
        auto const known = lines_.find(peer.peer_id);
        if (known != lines_.end()) known->second->sender.handle_peer(peer);
        else lines_.emplace(peer.peer_id, std::make_unique<line>(self_, peer));
    }
}

void telemetry_courier::queue(exchange const& e, sync::moment now) {
    auto const to = lines_.find(e.peer_id);
    if (to == lines_.end() || !to->second->sender.is_offered()) return;
    std::string const id = "evt_" + self_.random_hex(16);
    auto const queued = to->second->box.add_event(id, event_of(e, id, label_, self_.self.backend_type, now.wall), now.wall);
    if (!queued) spdlog::warn("telemetry {}: an event is lost: {}", e.peer_id, queued.error().detail);
}

sync::timeout telemetry_courier::turn(sync::moment now) {
    take_in(now);
    sync::timeout next;
    for (auto& [peer_id, l] : lines_) {
        if (l->sender.poll_close(now)) {
            streams_.drop(l->stream);
            l->sender.handle_close(1006, now);
        }
        if (auto out = l->sender.poll_connect(now)) {
            l->stream = out->id;
            std::chrono::steady_clock::time_point const deadline{std::chrono::duration_cast<std::chrono::steady_clock::duration>(out->deadline)};
            streams_.open(out->id, std::move(out->origin), std::move(out->request), deadline);
        }
        if (auto messages = l->sender.poll_messages(now); !messages.empty()) streams_.send(l->stream, std::move(messages));
        log_trouble(peer_id, *l);
        // A moment that has passed waits for something else to happen.
        if (auto const wanted = l->sender.poll_timeout(); wanted && *wanted > now.steady) next = sync::sooner(next, wanted);
    }
    return next;
}

void telemetry_courier::stop() { streams_.stop(); }

void telemetry_courier::take_in(sync::moment now) {
    std::vector<event_streams::tiding> come;
    {
        std::lock_guard const lock{mutex_};
        come.swap(tidings_);
    }
    for (auto const& t : come) {
        auto const to = std::ranges::find_if(lines_, [&](auto const& l) { return l.second->stream == t.id; });
        if (to != lines_.end()) handle(*to->second, t, now);
        else streams_.drop(t.id);
    }
}

void telemetry_courier::handle(line& l, event_streams::tiding const& t, sync::moment now) {
    using kind = event_streams::tiding::kind;
    switch (t.what) {
        case kind::opened:
            l.sender.handle_open(t.id, now);
            if (!l.sender.is_open()) streams_.drop(t.id);  // it was given up before
            return;
        case kind::refused: return l.sender.handle_refusal(t.id, t.refusal, now);
        case kind::failed: return l.sender.handle_failure(t.id, now);
        case kind::message: return l.sender.handle_message(t.text, now);
        case kind::closed: return l.sender.handle_close(t.code, now);
    }
}

void telemetry_courier::log_trouble(std::string const& peer_id, line& l) {
    if (l.sender.last_error() == l.told) return;
    l.told = l.sender.last_error();
    spdlog::info("telemetry {}: {}; events wait", peer_id, l.told);
}

}  // namespace bsp::server
