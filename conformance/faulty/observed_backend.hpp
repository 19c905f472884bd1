#pragma once

#include "private_backend.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::faulty {

/// The backend with the profile OBS as well (chapter 19): it counts what the one below does, and tells.
class observed_backend : public private_backend {
public:
    using private_backend::private_backend;

protected:
    /// What is counted of a registration.
    struct tally {
        std::vector<bool> outcomes;                            ///< of all attempts
        std::deque<std::pair<std::string, instant>> errors;    ///< code and time, the latest first
        std::int64_t syncs = 0, events = 0;
        std::optional<instant> last_sync, seen;
    };
    struct alarm {
        double value = 0, threshold = 0;
        instant raised;
    };
    using alarms = std::map<std::pair<std::string, std::string>, alarm>;  ///< by type and peer_id

    answer dispatch(call& c) override;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override;
    std::string type_of_refusal(call const& c, error const& why) override;
    answer push(call const& c, std::string const& peer_id) override;
    answer pull(call const& c, std::string const& peer_id) override;
    void store(telemetry_event e) override;
    reply judge(held_socket const& s, std::string const& text, instant now) override;
    void settle_push(peer_record const& peer, link& to, std::optional<http_response> const& r) override;

    // ---- counting ----
    virtual void note_push(tally& t, answer const& said, instant now);
    virtual bool is_attempt(error const& why);
    virtual void note_success(tally& t, instant now);
    virtual void note_failure(tally& t, error const& why, instant now);
    virtual void note_pull(tally& t, instant now) { t.last_sync = now; }
    virtual void note_event(tally& t) { ++t.events; }
    virtual void note_junk(tally&, error const&, instant) {}  ///< a push that nobody has proven
    virtual void note_rejection(tally&) {}                    ///< of an event

    // ---- telling ----
    virtual unsigned may_see_metrics() { return peer_may | admin_may; }
    virtual unsigned may_watch(std::string_view /*what*/) { return admin_may; }
    virtual result<peer_record*> subject(std::string const& peer_id);
    virtual answer metrics_call(call const& c, std::string const& peer_id);
    virtual json::object metrics_of(peer_record const& peer, tally const& t, instant now);
    virtual double lag_of(peer_record const& peer, tally const& t, instant now);
    virtual json::value rate_of(tally const& t);
    virtual json::value error_entry(std::string const& code, instant at);
    virtual std::size_t queued_for(peer_record const& peer);
    virtual bool is_online(peer_record const& peer, tally const& t, instant now);
    virtual answer dashboard_call(call const& c);
    virtual json::object summary(instant now);
    virtual bool counts_as_peer(peer_record const& peer) { return !peer.revoked; }
    virtual json::array top_peers(std::vector<std::pair<std::string, std::int64_t>> all);
    virtual answer debug_call(call const& c, std::string const& peer_id);
    virtual json::object debug_of(peer_record const& peer, tally const& t, instant now);
    virtual answer alerts_call(call const& c);
    virtual alarms troubles(instant now);
    virtual void look(instant now);
    virtual json::object alert_entry(std::pair<std::string, std::string> const& which, alarm const& a);
    virtual std::size_t judged_from() { return 10; }
    virtual bool is_low(double rate) { return rate < 0.9; }
    virtual answer counters_call(call const& c);
    virtual std::string counters_text(call const& c);

    tally& tally_of(std::string const& peer_id) { return tallies_[peer_id]; }

    std::map<std::string, tally> tallies_;  ///< by peer_id
    alarms alarms_;
    std::int64_t pushes_accepted_ = 0, pushes_refused_ = 0, events_stored_ = 0, events_repeated_ = 0, events_rejected_ = 0;
};

/// The correct backend with every profile it has.
inline std::unique_ptr<backend> complete_backend(settings const& s) { return std::make_unique<observed_backend>(s); }

std::vector<fault> obs_faults();
std::vector<fault> hunt_faults();
std::vector<fault> states_faults();
std::vector<fault> hunt_watch_faults();

}  // namespace bsp::faulty
