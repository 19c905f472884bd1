#pragma once

#include <bsp/endpoint/caller/peer_keys.hpp>
#include <bsp/endpoint/caller/standing.hpp>
#include <bsp/endpoint/consent.hpp>
#include <bsp/endpoint/request.hpp>
#include <bsp/observe/observatory.hpp>
#include <bsp/policy/guards.hpp>
#include <bsp/policy/store.hpp>
#include <bsp/wire/telemetry_event.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The close codes of chapter 11.5.
enum class close_code : std::uint16_t {
    done = 1000,
    protocol_error = 1002,
    not_text = 1003,
    not_utf8 = 1007,
    policy = 1008,
    too_large = 1009,
    fault = 1011,
    restart = 1012,
    overload = 1013,
};

struct stream_close {
    close_code code = close_code::done;
    std::string reason;

    friend bool operator==(stream_close const&, stream_close const&) = default;
};

/// Text messages that came on one stream, in their order.
struct stream_input {
    std::string peer_id;
    std::vector<std::string> messages;
    std::optional<sha256_digest> key_sha256 = {};  ///< by which the stream was opened, as in `stream_owner`
};

/// What goes back: one text message for each that came, in the same order, and then perhaps the end.
struct stream_output {
    std::vector<std::string> messages;
    std::optional<stream_close> close;
};

/// The server side of all telemetry streams, without their sockets (chapter 11). Messages of many streams are taken at
/// a time, in one transaction, so that a thousand streams cost about one commit. For one thread at a time; blocks as
/// the store does.
class telemetry_intake {
public:
    /// Counts by the limiter of `watch`, and tells its trail what was refused; without it, it counts by itself.
    explicit telemetry_intake(store_base& store, std::size_t events_max = limits::events_per_window_max, guards* watch = nullptr)
        : store_{store}, budget_{event_rate.kind, events_max, event_rate.window}, watch_{watch} {}

    /// Stores what is valid and tells every sender what became of its messages. An event is acknowledged once it is
    /// durable, and each is judged as if its stream were opened with it (BSP-TEL-060 … BSP-TEL-065).
    std::vector<stream_output> take(std::span<stream_input const> inputs, instant now) {
        std::vector<read_input> all;
        for (auto const& input : inputs) all.push_back(read(input, now));
        bool const stores = std::ranges::any_of(all, [](read_input const& r) { return !r.valid.empty(); });
        auto const done = stores ? store_.write([&](store_writer& w) { return admit(w, all, now); })
                                 : store_.read([&](store_reader& r) { return find_closes(r, all, now); });
        std::vector<stream_output> outputs;
        for (auto& r : all) {
            if (done && !r.lost) tell(r, now);
            if (!done) outputs.push_back({{}, stream_close{close_code::fault, "the event could not be stored"}});
            else if (r.lost) outputs.push_back({{}, std::move(r.lost)});
            else outputs.push_back({std::move(r.answers), std::move(r.overload)});
        }
        return outputs;
    }

    /// For each owner, how its streams are to be closed if it has lost its right meanwhile. When the store is not
    /// available nobody has.
    std::vector<std::optional<stream_close>> judge(std::span<stream_owner const> owners, instant now) {
        std::vector<std::optional<stream_close>> closes(owners.size());
        (void)store_.read([&](store_reader& r) -> result<> {
            for (std::size_t i = 0; i < owners.size(); ++i) {
                BSP_TRY(auto found, right_of(r, owners[i], now));
                closes[i] = std::move(found.lost);
            }
            return ok();
        });
        return closes;
    }

private:
    /// Messages as far as they can be judged without the store.
    struct read_input {
        stream_owner owner;
        std::vector<std::string> answers;             ///< of valid events: what holds if they are stored
        std::vector<telemetry_record> valid;
        std::size_t stored = 0;                       ///< of `valid`; the others were held already
        std::vector<errc> refused;
        std::optional<stream_close> overload;
        std::optional<stream_close> lost;
    };

    struct right {
        std::string user_id;
        std::optional<stream_close> lost;
    };

    read_input read(stream_input const& input, instant now) {
        using answer = wire::event_answer;
        read_input out;
        out.owner = {input.peer_id, input.key_sha256};
        for (auto const& text : input.messages) {
            auto const v = json::parse(text);
            auto const id = v ? wire::event_id_of(*v) : std::nullopt;
            auto const counted = limits().take(budget_, input.peer_id, now);
            limit_verdict const budget = counted ? *counted : limit_verdict{};
            if (budget.persistent) {
                out.overload = stream_close{close_code::overload, "the budget of this minute was exceeded again and again"};
                out.refused.push_back(errc::rate_limited);
                break;
            }
            if (!budget.passes()) {
                out.refused.push_back(errc::rate_limited);
                out.answers.push_back(encode(answer{answer::kind::rate_limited, id, {}, budget.retry_after.count()}));
                continue;
            }
            auto event = v ? wire::decode_telemetry_event(*v, text) : result<wire::telemetry_event>{v.error()};
            if (!event) {
                out.refused.push_back(event.error().code);
                out.answers.push_back(encode(answer{answer::kind::rejected, id, event.error()}));
                continue;
            }
            out.answers.push_back(encode(answer{answer::kind::acked, id}));
            out.valid.push_back({std::move(event->event_id), input.peer_id, std::move(event->source_backend), now, std::move(event->body), event->latency_ms, event->cost_usd});
        }
        return out;
    }

    /// What a new connection of the peer would be told (chapter 5).
    template <class View>
    static result<right> right_of(View& r, stream_owner const& owner, instant now) {
        BSP_TRY(auto found, r.peer(owner.peer_id));
        auto const peer = standing(std::move(found), errc::unknown_peer);
        if (!peer) return right{{}, stream_close{close_code::policy, peer.error().code == errc::peer_revoked ? "Peer revoked" : "Peer not found"}};
        if (!unexpired(*peer, now)) return right{{}, stream_close{close_code::policy, "Session binding token expired"}};
        if (owner.key_sha256) {
            BSP_TRY(bool const counts, is_in_force(r, *peer, *owner.key_sha256, now));
            if (!counts) return right{{}, stream_close{close_code::policy, "Key rotated"}};
        }
        auto const consent = telemetry_is_exchanged(r.tenant(peer->user_id));
        if (!consent && consent.error().code != errc::sync_paused) return consent.error();
        if (!consent) return right{{}, stream_close{close_code::policy, "Paused by the user"}};
        return right{peer->user_id, std::nullopt};
    }

    static result<> find_closes(store_reader& r, std::vector<read_input>& all, instant now) {
        for (auto& input : all) {
            BSP_TRY(auto found, right_of(r, input.owner, now));
            input.lost = std::move(found.lost);
        }
        return ok();
    }

    static result<> admit(store_writer& w, std::vector<read_input>& all, instant now) {
        std::map<std::pair<std::string_view, std::optional<sha256_digest>>, right> rights;
        for (auto& input : all) {
            std::pair<std::string_view, std::optional<sha256_digest>> const owner{input.owner.peer_id, input.owner.key_sha256};
            auto known = rights.find(owner);
            if (known == rights.end()) {
                BSP_TRY(auto found, right_of(w, input.owner, now));
                known = rights.emplace(owner, std::move(found)).first;
            }
            input.lost = known->second.lost;
            if (input.lost) continue;
            auto& mine = w.tenant(known->second.user_id);
            for (auto const& event : input.valid) {
                BSP_TRY(bool const is_new, mine.put_event(event));
                input.stored += is_new;
            }
            BSP_CHECK(count(w, input));
        }
        return ok();
    }

    static result<> count(store_writer& w, read_input const& input) {
        if (input.stored == 0) return ok();
        BSP_TRY(auto counted, w.statistics(input.owner.peer_id));
        counted.events += static_cast<std::int64_t>(input.stored);
        return w.put_statistics(input.owner.peer_id, counted);
    }

    limiter_base& limits() { return watch_ ? watch_->limits : own_limits_; }

    void tell(read_input const& r, instant now) {
        if (!watch_) return;
        if (watch_->observed) {
            watch_->observed->counted().add(observe::counter::events_stored, r.stored);
            watch_->observed->counted().add(observe::counter::events_repeated, r.valid.size() - r.stored);
        }
        for (errc const why : r.refused) {
            bool const limited = why == errc::rate_limited;
            if (watch_->observed) watch_->observed->counted().add(limited ? observe::counter::events_limited : observe::counter::events_rejected);
            watch_->trail.note({.type = limited ? audit_type::rate_limited : audit_type::telemetry_rejected, .at = now, .peer_id = std::string{r.owner.peer_id}, .reason = why});
        }
    }

    store_base& store_;
    rate budget_;
    guards* watch_;
    window_limiter own_limits_;
};

}  // namespace bsp::endpoint
