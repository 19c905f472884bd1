#include "../liberties.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

/// Liberties of what is told to operators.
namespace bsp::faulty {

namespace {

using std::chrono::seconds;

/// What is told of peers is up to eight seconds old.
template <class Base>
struct stale_metrics : Base {
    using Base::Base;
    using typename Base::tally;

protected:
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override { return Base::metrics_of(peer, known(peer, t, now), now); }
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override { return Base::debug_of(peer, known(peer, t, now), now); }
    json::object summary(instant now) override {
        if (summary_.empty() || summed_ + seconds{8} < now || now < summed_) summary_ = Base::summary(now), summed_ = now;
        return summary_;
    }

private:
    tally const& known(peer_record const& peer, tally const& t, instant now) {
        auto& [then, copy] = known_[peer.peer_id];
        if (then + seconds{8} < now || now < then) then = now, copy = t;
        return copy;
    }
    std::map<std::string, std::pair<instant, tally>> known_;
    json::object summary_;
    instant summed_;
};

/// Alerts are looked for every twenty seconds, and beside those of the table there are others.
template <class Base>
struct other_alerts : Base {
    using Base::Base;

protected:
    void look(instant now) override {
        if (looked_ + seconds{20} < now || now < looked_) Base::look(now), looked_ = now;
    }
    typename Base::answer alerts_call(call const& c) override {
        BSP_TRY(auto r, Base::alerts_call(c));
        auto body = json::parse(r.body)->as_object();
        auto& list = body["alerts"].as_array();
        std::reverse(list.begin(), list.end());
        list.insert(list.begin(), json::object{{"type", "update_available"}, {"peer_id", nullptr}, {"value", 2}, {"threshold", 1.5}, {"raised_at", "2025-12-31T00:00:00.000000001Z"}, {"text", "there is a newer one"}});
        for (auto const& [id, peer] : this->held().peers) list.push_back(json::object{{"type", "peer_known"}, {"peer_id", id}, {"value", 1}, {"threshold", 0}, {"raised_at", "2025-12-31T00:00:00Z"}});
        body["checked_at"] = format_timestamp(looked_);
        return this->json_answer(200, body);
    }

private:
    instant looked_;
};

/// The last twenty attempts count.
template <class Base>
struct last_twenty : Base {
    using Base::Base;
    using typename Base::tally;

protected:
    json::value rate_of(tally const& t) override {
        tally last;
        last.outcomes.assign(t.outcomes.end() - std::min<std::ptrdiff_t>(20, std::ssize(t.outcomes)), t.outcomes.end());
        auto const rate = Base::rate_of(last);
        if (rate.is_double() && rate.get_double() == std::floor(rate.get_double())) return static_cast<std::int64_t>(rate.get_double());
        return rate;
    }
};

/// What need not be an attempt is none, and a repetition is no further push.
template <class Base>
struct fewer_attempts : Base {
    using Base::Base;
    using typename Base::tally;

protected:
    bool is_attempt(error const& why) override {
        return Base::is_attempt(why) && why.code != errc::stale_request && why.code != errc::wrong_audience && why.code != errc::sbt_expired;
    }
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        is_new_ = true;
        Base::remember(key, std::move(r));
    }
    void note_push(tally& t, typename Base::answer const& said, instant now) override {
        auto const before = t.syncs;
        Base::note_push(t, said, now);
        if (said && !std::exchange(is_new_, false)) t.syncs = before;
    }

private:
    bool is_new_ = false;
};

/// Everything that is refused is an attempt.
template <class Base>
struct more_attempts : Base {
    using Base::Base;

protected:
    bool is_attempt(error const&) override { return true; }
};

/// Times are of whole seconds, and so are numbers of seconds.
template <class Base>
struct whole_seconds : Base {
    using Base::Base;
    using typename Base::tally;

protected:
    json::object metrics_of(peer_record const& peer, tally const& t, instant now) override { return whole(Base::metrics_of(peer, t, now)); }
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override { return whole(Base::debug_of(peer, t, now)); }

private:
    static json::object whole(json::object o) {
        for (char const* name : {"sync_lag_seconds", "sync_lag", "sbt_expires_in"})
            if (auto* v = o.if_contains(name)) *v = static_cast<std::int64_t>(std::floor(v->to_number<double>()));
        for (char const* name : {"last_sync", "last_successful_sync"})
            if (auto* v = o.if_contains(name); v && v->is_string()) *v = format_timestamp(instant{parse_timestamp(json::view(v->get_string()))->seconds});
        return o;
    }
};

/// Only the least of what the debug view may tell, the latest errors last, and errors without a time.
template <class Base>
struct sparse_debug : Base {
    using Base::Base;
    using typename Base::tally;

protected:
    json::value error_entry(std::string const& code, instant) override { return json::object{{"type", "https://bsp.dev/errors/" + code}, {"times", 1}}; }
    json::object debug_of(peer_record const& peer, tally const& t, instant now) override {
        auto out = Base::debug_of(peer, t, now);
        out["peer_info"] = json::object{{"backend_id", peer.backend_id}, {"peer_id", peer.peer_id}};
        if (out.at("sbt_status") != json::value("valid")) out["sbt_status"] = "the token has run out";
        std::reverse(out.at("recent_errors").as_array().begin(), out.at("recent_errors").as_array().end());
        out["build"] = 7;
        return out;
    }
};

template <class Base>
struct pulls_do_not_count : Base {
    using Base::Base;
    using typename Base::tally;

protected:
    void note_pull(tally&, instant) override {}
};

/// The five busiest, and more numbers.
template <class Base>
struct other_dashboard : Base {
    using Base::Base;

protected:
    json::array top_peers(std::vector<std::pair<std::string, std::int64_t>> all) override {
        auto out = Base::top_peers(std::move(all));
        if (out.size() > 5) out.resize(5);
        for (auto& e : out) e.as_object()["share"] = 0.1;
        return out;
    }
    json::object summary(instant now) override {
        auto out = Base::summary(now);
        out["uptime_seconds"] = 17.25;
        out["regions"] = json::object{{"eu", nullptr}};
        return out;
    }
};

/// Counters with further labels, others beside them, and none for what has not happened.
template <class Base>
struct other_counters : Base {
    using Base::Base;

protected:
    std::string counters_text(call const& c) override {
        std::string out = "# metrics of this process\n\n# HELP process_start_time_seconds Start \\\\ of the process\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.7e9\n"
                          "# HELP http_request_duration_seconds How long answers took\n# TYPE http_request_duration_seconds histogram\n"
                          "http_request_duration_seconds_bucket{route=\"/sync/{peer_id}\",le=\"0.5\"} 3\nhttp_request_duration_seconds_bucket{route=\"/sync/{peer_id}\",le=\"+Inf\"} 3\n"
                          "http_request_duration_seconds_sum{route=\"/sync/{peer_id}\"} 0.25\nhttp_request_duration_seconds_count{route=\"/sync/{peer_id}\"} 3\n";
        auto const base = Base::counters_text(c);
        for (std::size_t at = 0; at < base.size();) {
            auto const end = base.find('\n', at);
            auto line = base.substr(at, end - at);
            at = end + 1;
            if (!line.starts_with('#') && line.ends_with(" 0")) continue;
            if (auto const labels = line.find("{result="); labels != std::string::npos) {
                line.insert(labels + 1, "instance=\"a, \\\"b\\\"\",");
                line.insert(line.find('}'), ",zone=\"z\"");
            }
            out += line + '\n';
        }
        return out;
    }
};

/// The counters are open to everybody.
template <class Base>
struct open_counters : Base {
    using Base::Base;

protected:
    typename Base::answer counters_call(call const& c) override { return http_response{200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, this->counters_text(c)}; }
};

/// Nothing of the chapter is offered.
template <class Base>
struct unwatched : Base {
    using Base::Base;

protected:
    typename Base::answer dispatch(call& c) override {
        for (std::string_view const path : {"/sync/metrics/", "/debug/", "/dashboard/", "/alerts", "/metrics"})
            if (c.path.starts_with(path)) return fail(errc::not_found, "nothing of the kind");
        return Base::dispatch(c);
    }
};

/// Metrics of peers and alerts alone.
template <class Base>
struct half_watched : Base {
    using Base::Base;

protected:
    typename Base::answer dispatch(call& c) override {
        for (std::string_view const path : {"/debug/", "/dashboard/", "/metrics"})
            if (c.path.starts_with(path)) return this->not_found(c);
        return Base::dispatch(c);
    }
};

/// Supervisors are told of every part.
template <class Base>
struct tells_of_parts : Base {
    using Base::Base;

protected:
    typename Base::answer dispatch(call& c) override {
        if (c.request.method != "GET" || (c.path != "/health/live" && c.path != "/health/ready")) return Base::dispatch(c);
        json::object parts;
        for (char const* part : {"store", "queue", "telemetry", "clock", "certificates"}) parts[part] = json::object{{"status", "up"}, {"since", "2025-12-31T00:00:00Z"}, {"latency_ms", 0.4}};
        return this->json_answer(200, json::object{{"status", "healthy"}, {"parts", std::move(parts)}, {"version", "1.0"}});
    }
};

/// After a restart it counts anew.
template <class Base>
struct counts_anew : Base {
    using Base::Base;

    void restart() override {
        Base::restart();
        this->tallies_.clear();
    }
};

}  // namespace

std::vector<liberty> watching_liberties() {
    constexpr auto plain = setting::plain;
    return {
        takes<stale_metrics>("L-OBS-01", "tells of peers what was up to eight seconds ago", {"BSP-OBS-026", "BSP-OBS-039"}),
        takes<other_alerts>("L-OBS-02", "looks for alerts every twenty seconds, and raises others", {"BSP-OBS-052", "BSP-OBS-057"}),
        takes<last_twenty>("L-OBS-03", "counts the last twenty attempts", {"BSP-OBS-017"}),
        takes<fewer_attempts>("L-OBS-04", "leaves attempts out that it may leave out, and repetitions", {"BSP-OBS-019", "BSP-OBS-020"}),
        takes<more_attempts>("L-OBS-05", "takes everything that it refuses for an attempt", {"BSP-OBS-019"}),
        takes<whole_seconds>("L-OBS-06", "tells times in whole seconds", {"BSP-OBS-014", "BSP-OBS-042"}),
        takes<sparse_debug>("L-OBS-07", "tells as little as it may in the debug view", {"BSP-OBS-024", "BSP-OBS-041", "BSP-OBS-043"}, plain, {"obs/last-error-at"}),
        takes<pulls_do_not_count>("L-OBS-08", "counts no pull as a success", {"BSP-OBS-015"}, plain, {"obs/pulls"}),
        takes<other_dashboard>("L-OBS-09", "lists the five busiest peers, and further numbers", {"BSP-OBS-037"}),
        takes<other_counters>("L-OBS-10", "counts with further labels and names, and nothing that has not happened", {"BSP-OBS-062", "BSP-OBS-066"}),
        takes<open_counters>("L-OBS-11", "shows its counters to everybody", {"BSP-OBS-061"}, plain, {"obs/counters"}),
        takes<unwatched>("L-OBS-12", "offers nothing of the chapter", {"BSP-OBS-060"}),
        takes<half_watched>("L-OBS-13", "offers metrics of peers and alerts alone", {"BSP-OBS-060"}),
        takes<tells_of_parts>("L-OBS-14", "tells supervisors of its parts", {"BSP-OBS-070", "BSP-OBS-071"}),
        takes<counts_anew>("L-OBS-15", "counts anew after a restart", {"BSP-OBS-027"}, plain, {"obs/restart"}),
        takes_all<last_twenty, fewer_attempts, whole_seconds, sparse_debug, pulls_do_not_count, stale_metrics, other_alerts, other_dashboard, other_counters, open_counters, tells_of_parts, counts_anew>(
            "L-OBS-99", "liberties of what operators are told, all at once", plain, {"obs/pulls", "obs/counters", "obs/restart", "obs/last-error-at"}),
    };
}

}  // namespace bsp::faulty
