#pragma once

#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"

#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

/// Observability, as far as a target has it (chapter 19).
namespace bsp::conformance {

/// Whether an answer says that there is no such path, or is a page of some user interface.
inline bool is_absent(exchange const& x) {
    auto const* type = x.header("Content-Type");
    return x.status() == 404 || x.status() == 501 || (x.ok() && type && type->starts_with("text/html"));
}

/// `GET path` by the administrator. Ends the check when the target does not offer the path.
inline exchange watched(scenario& s, std::string const& path, std::string_view what) {
    auto x = s.admin().get(path);
    if (is_absent(x)) s.not_applicable("the target does not offer " + std::string{what});
    return x;
}

inline std::string metrics_path(peer const& a) { return "/sync/metrics/" + a.peer_id(); }

/// Ends the check when the target has no metrics of peers.
inline void needs_metrics(scenario& s, peer const& a) {
    if (!is_absent(a.get(metrics_path(a)))) return;
    if (s.shared().options.admin_token && !is_absent(s.admin().get(metrics_path(a)))) return;
    s.not_applicable("the target has no metrics of peers");
}

/// Asks until `holds` says so, for ten seconds at most (BSP-OBS-026): the last answer.
template <class Ask>
exchange as_soon_as(Ask ask, std::function<bool(exchange const&)> const& holds, std::chrono::seconds patience = std::chrono::seconds{10}) {
    auto const until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        exchange x = ask();
        if (holds(x) || std::chrono::steady_clock::now() >= until) return x;
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
}

/// The number at a pointer.
inline std::optional<double> number_at(json::value const& in, std::string_view pointer) {
    auto const* v = at(in, pointer);
    return v && v->is_number() ? std::optional{v->to_number<double>()} : std::nullopt;
}

inline bool is_null_at(json::value const& in, std::string_view pointer) {
    auto const* v = at(in, pointer);
    return v && v->is_null();
}

inline double seconds_between(instant a, instant b) { return static_cast<double>(b.seconds - a.seconds) + (static_cast<double>(b.nanoseconds) - static_cast<double>(a.nanoseconds)) / 1e9; }

/// A peer's pushes as this suite counts them: what was accepted, and what was refused although it was proven.
class pushing {
public:
    explicit pushing(scenario& s) : world_{s}, a{s.register_peer()} { needs_metrics(s, a); }

    /// A push that must be accepted.
    void accept() {
        world_.control(a.push({world_.conversation(world_.fresh("c"), 1, {world_.message("m1", "x")})}), "a push");
        ++accepted;
    }
    /// A push of the peer that must be refused for its content.
    exchange refuse(std::string const& content = "x") {
        auto const x = a.push({world_.conversation(world_.fresh("c"), 1, {world_.message("m1", content, 1, set("version", -1))}, set("title", json::value(content)))});
        world_.control(x.client_error(), "a push of an invalid message is refused");
        ++refused;
        return x;
    }
    /// Requests that anybody could send: none of them is proven to come from the peer.
    void junk() {
        auto const c = [&] { return world_.conversation(world_.fresh("c"), 1, {world_.message("m1", "x")}); };
        auto const refused_one = [&](exchange const& x, std::string const& what) { world_.control(x.client_error(), what + " is refused"); };
        refused_one(a.push({c()}, {.signer = world_.key()}), "a push with another key's signature");
        refused_one(a.push({c()}, {.sign = false}), "a push without a signature");
        refused_one(a.push({c()}, {.after_signing = [&](json::object& p) { p["conversations"] = json::array{c()}; }}), "a push that was altered");
        refused_one(a.call("POST", "/sync/" + a.peer_id(), "{}"), "a push of nothing");
        refused_one(world_.nobody().call("POST", "/sync/" + a.peer_id(), "no JSON"), "a body that is no JSON");
        refused_one(a.get("/sync/" + a.peer_id(), {.signer = world_.key()}), "a pull with a forged assertion");
        refused_one(world_.nobody().get("/sync/" + a.peer_id()), "a pull without a credential");
    }

    [[nodiscard]] exchange metrics() const { return a.get(metrics_path(a)); }
    /// The metrics, once they know of every push that was accepted.
    [[nodiscard]] exchange metrics_of_all() const {
        return as_soon_as([&] { return metrics(); }, [&](exchange const& x) { return integer_at(x.body(), "/total_syncs") >= accepted && rate_is_right(x); });
    }
    [[nodiscard]] bool rate_is_right(exchange const& x) const {
        auto const rate = number_at(x.body(), "/sync_success_rate");
        return rate && std::abs(*rate - expected_rate()) < 1e-3;
    }
    [[nodiscard]] double expected_rate() const { return static_cast<double>(accepted) / static_cast<double>(accepted + refused); }

private:
    scenario& world_;

public:
    peer const a;
    std::int64_t accepted = 0, refused = 0;
};

}  // namespace bsp::conformance
