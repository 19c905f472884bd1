#pragma once

#include "../scenario.hpp"
#include "../target/web_frame.hpp"
#include "listener.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bsp::conformance {

/// How long something may take beyond what a clause allows, because machines are busy.
inline constexpr std::chrono::milliseconds slack{2'500};

/// How long to wait for what comes at once, where its pace is another check's business.
inline constexpr std::chrono::milliseconds soon{20'000};

/// A request that the target sent.
struct arrival {
    enum class route : std::uint8_t { push, pull, health, stream, other };  ///< stream: the upgrade of a telemetry connection
    route what = route::other;
    std::size_t number = 0;             ///< from 0, within the stand-in
    http_request request;
    json::value body;                   ///< null when it is no JSON
    moment at;
    instant when;                       ///< `at`, by the target's clock
    std::optional<moment> over;         ///< when the reaction to it was over; of a stream: when it ended
    std::optional<moment> left;         ///< when the target had nothing more to say, and may have given the answer up
    int status = 0;                     ///< that it got; 0: none
    bool target_ended = false;          ///< a stream that the target ended
    bool acknowledged = false;          ///< a push that was answered 200 with its own `sync_id`

    [[nodiscard]] std::string sync_id() const { return text_at(body, "/sync_id"); }
    /// The conversation with this id in a push, or null.
    [[nodiscard]] json::object const* conversation(std::string_view id) const { return find_by_id(body, "/conversations", id, "conversation_id"); }
    [[nodiscard]] bool has_message(std::string_view conversation_id, std::string_view message_id) const;
    /// A parameter of the query, decoded; nothing when it is absent.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// What a stand-in does about a request of one route.
using script = std::function<reaction(arrival const&)>;

/// A message that the target sent on one of its streams.
struct told_event {
    std::size_t stream = 0;  ///< `number` of the arrival that opened it
    std::string text;
    json::value body;        ///< null when it is no JSON
    bool is_text = true;     ///< and not binary, or a frame that no client may send (`text` says why)
    moment at;
    instant when;            ///< `at`, by the target's clock
    bool answered = false;   ///< acknowledged or rejected

    [[nodiscard]] std::string id() const { return text_at(body, "/event_id"); }
};

/// What is done about an event, or about silence: frames, and the end of the stream.
struct event_reaction {
    std::vector<web_frame> frames = {};
    int close = 0;     ///< code of a close frame that ends the stream
    bool cut = false;  ///< it ends without one
};
using event_script = std::function<event_reaction(told_event const&)>;
/// Asked every 50 milliseconds on each stream, with its number.
using silence_script = std::function<event_reaction(std::size_t stream)>;

/// A backend that the suite plays for one check, of the type opposite to the target's: registered at the target with
/// `endpoints` that lead to the suite's listener. It is right as long as nobody gives it another script, and is unpaired
/// when it goes. Copies and threads of the listener only see its `state`.
class stand_in {
public:
    struct options {
        std::optional<user_account> user = {};        ///< default: one of the users, by check
        json::array capabilities = {"conversation_storage", "persistence"};
        std::chrono::milliseconds created{0};
        std::chrono::seconds token_lifetime{8 * 3600};
        bool elsewhere = false;                       ///< at an origin that the target was not told of
        bool places = true;                           ///< registered with `endpoints`
        stand_in const* same_backend = nullptr;       ///< whose registration for another user this is
        conformance::key signing_key = {};            ///< default: one of the pool
        std::function<void(json::object&)> endpoints = {};  ///< changes what is registered as `endpoints`
        script push = {}, pull = {}, health = {}, stream = {};  ///< from the first request on
    };

    /// Registers. UNTESTED when the run has no listener or the target calls nobody.
    explicit stand_in(scenario& s, options o);
    explicit stand_in(scenario& s) : stand_in{s, options{}} {}
    ~stand_in();
    stand_in(stand_in const&) = delete;
    stand_in& operator=(stand_in const&) = delete;

    // ---- scripts; nothing: what a right backend does ----
    void on_push(script);
    void on_pull(script);
    void on_health(script);
    void on_stream(script);
    void on_event(event_script);    ///< nothing: every event is acknowledged
    void on_silence(silence_script);

    [[nodiscard]] static reaction acknowledge(arrival const&, json::object more = {});
    [[nodiscard]] static reaction respond(int status, json::value const& body, http_headers headers = {});
    [[nodiscard]] static reaction problem(int status, std::string_view code, http_headers headers = {});
    [[nodiscard]] static reaction healthy();
    [[nodiscard]] static reaction hang() { return {.how = reaction::manner::hang}; }
    [[nodiscard]] static reaction close() { return {.how = reaction::manner::close}; }
    [[nodiscard]] static reaction upgraded() { return {.how = reaction::manner::upgrade}; }
    [[nodiscard]] static event_reaction acked(told_event const&);
    [[nodiscard]] static event_reaction answered(json::object const& answer);  ///< one text frame
    [[nodiscard]] static json::object answer(std::string_view status, std::string_view event_id, json::object more = {});
    [[nodiscard]] reaction feed(arrival const&) const;  ///< the page of `publish`ed conversations that was asked for

    /// A change at this backend, for the target to pull.
    void publish(json::object conversation);

    // ---- what came ----
    [[nodiscard]] std::vector<arrival> arrivals(arrival::route) const;
    [[nodiscard]] std::vector<arrival> pushes() const { return arrivals(arrival::route::push); }
    [[nodiscard]] std::vector<arrival> pulls() const { return arrivals(arrival::route::pull); }
    [[nodiscard]] std::vector<arrival> streams() const { return arrivals(arrival::route::stream); }
    [[nodiscard]] std::vector<told_event> events() const;
    /// Pushes with this conversation, in order.
    [[nodiscard]] std::vector<arrival> pushes_of(std::string_view conversation_id) const;
    /// Waits until `holds` says yes; it is asked at every arrival and end of a reaction. False after `patience`.
    bool until(std::chrono::milliseconds patience, std::function<bool()> const& holds) const;
    /// Waits until a push with this conversation (and message) was acknowledged.
    bool delivered(std::chrono::milliseconds patience, std::string_view conversation_id, std::string_view message_id = {}) const;
    /// The same, for what may rightly take up to 64 s after each failure: after 6 s the stand-in becomes unreachable until
    /// the target has noticed, and reachable again, whereupon a client must push at once (BSP-OFF-043).
    bool delivered_in_the_end(std::string_view conversation_id, std::string_view message_id = {});
    /// The same, for what may stand at the end of a long row: it is waited for as long as pushes come.
    bool delivered_in_turn(std::string_view conversation_id) const;
    /// Unhealthy until the target has seen it, and then, after `meanwhile`, healthy again: when the target learnt of that;
    /// nothing when it did not ask.
    std::optional<moment> flap(std::function<void()> const& meanwhile = {});

    /// Settles, and writes until an event was told and acknowledged. UNTESTED when the target tells of nothing: nothing
    /// obliges it to.
    void settle_telemetry();

    /// Waits for the first contact. UNTESTED when the target calls nobody.
    void meet();
    /// The same, and waits for the push of a conversation written now: from here on, everything that was
    /// before is known to the stand-in. INCONCLUSIVE when it does not come, UNTESTED when the target calls nobody.
    void settle();

    // ---- who it is ----
    [[nodiscard]] caller user() const;                    ///< whose it is, for writes at the target
    [[nodiscard]] user_account const& account() const { return *registration_.user; }
    [[nodiscard]] std::string const& id_of_target() const { return target_id_; }  ///< `peer_id` of the target here
    [[nodiscard]] std::string const& backend_id() const { return *registration_.backend_id; }
    [[nodiscard]] conformance::peer const& at_target() const { return *peer_; }
    [[nodiscard]] std::string const& box_name() const { return name_; }
    [[nodiscard]] listener const& door() const { return *door_; }
    /// Registers again, with a token made `created` from now.
    void renew(std::chrono::milliseconds created, std::chrono::seconds lifetime);
    /// `endpoints` that lead here, for a target of that id.
    [[nodiscard]] json::object endpoints(std::string const& peer_id) const;
    [[nodiscard]] json::object endpoints() const { return endpoints(target_id_); }
    /// Registers again, with a token made `created` from now and other endpoints.
    exchange register_endpoints(std::chrono::milliseconds created, json::object endpoints, edit const& sbt = {});
    void unpair();
    /// Can be reached at another base URL too, which `endpoints` name from now on; and not any more at one of before.
    void move();
    void leave(std::string const& box_name);

private:
    class state;
    void tell() const;

    scenario& s_;
    std::shared_ptr<state> state_;
    std::shared_ptr<listener> door_;
    registration registration_;
    std::string name_, target_id_;
    std::optional<conformance::peer> peer_;
    bool unpaired_ = false;
};

/// `settle` for several of one user at once.
void settle(scenario& s, std::vector<std::unique_ptr<stand_in>> const& all);

/// POST /conversations/{id}/messages at the target by the stand-in's user; the id of the message. A refusal ends the
/// check as INCONCLUSIVE.
std::string write(scenario& s, caller const& by, std::string_view conversation_id, std::string_view content = "text");

/// Lets time pass in which nothing should happen.
void pass(std::chrono::milliseconds);

/// Milliseconds between two moments.
inline std::chrono::milliseconds between(moment a, moment b) { return std::chrono::duration_cast<std::chrono::milliseconds>(b - a); }

/// The first of `all`, in order, that come faster than two in a second, "5 within 0.40 s"; "" when none do. What is seen is
/// when they arrive: one may be late, and the next ones not.
std::string faster_than_two_a_second(std::vector<arrival> all);

/// "1.24 s"
std::string seconds_text(std::chrono::milliseconds);

}  // namespace bsp::conformance
