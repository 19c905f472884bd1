#include "stand_in.hpp"

#include "../record.hpp"
#include "../signing_key.hpp"
#include "../surroundings.hpp"
#include "../target/web_socket.hpp"

#include <bsp/base/uri.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <set>
#include <thread>

namespace bsp::conformance {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using route = arrival::route;

bool arrival::has_message(std::string_view conversation_id, std::string_view message_id) const {
    auto const* c = conversation(conversation_id);
    return c && (message_id.empty() || find_by_id(*c, "/messages", message_id));
}

std::optional<std::string> arrival::parameter(std::string_view name) const {
    auto const query = parse_query(split_target(request.target).query);
    if (query)
        for (auto const& [n, value] : *query)
            if (n == name) return value;
    return std::nullopt;
}

/// What the threads of the listener share with the check.
class stand_in::state final : public mailbox {
public:
    state(surroundings& world, std::string target_id, std::string backend_id, conformance::key by, json::array const& capabilities) : world_{world}, ids_{std::move(target_id)}, identity_{identity(backend_id, by, capabilities)} {}

    reaction take(http_request const& request, std::size_t& number) override {
        arrival one;
        one.at = clock::now();
        one.when = world_.now();
        one.request = request;
        if (auto body = json::parse(request.body)) one.body = *std::move(body);
        auto const path = split_target(request.target).path;
        auto const segments = path_segments(path);
        bool const is_known = segments && segments->size() == 2 && (std::lock_guard{mutex_}, ids_.contains(segments->back()));
        bool const own = is_known && segments->front() == "sync";
        bool const streams = is_known && segments->front() == "telemetry" && request.method == "GET" && request.headers.find("Upgrade");
        one.what = path == "/health" ? route::health : streams ? route::stream : own && request.method == "POST" ? route::push : own && request.method == "GET" ? route::pull : route::other;
        script how;
        {
            std::lock_guard const lock{mutex_};
            if (one.what != route::other) how = scripts_[static_cast<std::size_t>(one.what)];
            ++running_;
        }
        auto r = how ? how(one) : usual(one);
        {
            std::lock_guard const lock{mutex_};
            --running_;
            number = one.number = all_.size();
            one.status = r.how == reaction::manner::answer ? r.response.status : r.how == reaction::manner::upgrade ? 101 : 0;
            auto const answer = json::parse(r.response.body);
            one.acknowledged = one.what == route::push && one.status == 200 && answer && text_at(*answer, "/acked_sync_id") == one.sync_id();
            all_.push_back(std::move(one));
        }
        news_.notify_all();
        return r;
    }
    void finished(std::size_t number, bool whole) override {
        {
            std::lock_guard const lock{mutex_};
            all_[number].over = clock::now();
            if (!whole) all_[number].status = 0, all_[number].acknowledged = false;
        }
        news_.notify_all();
    }
    void left(std::size_t number) override {
        std::lock_guard const lock{mutex_};
        all_[number].left = clock::now();
    }
    void converse(std::size_t number, web_socket& with) override {
        auto const obey = [&](event_reaction const& what) {
            std::string together;  // in one piece, as a busy server's answers come
            for (auto f : what.frames) {
                f.masked = false;
                together += bytes_of(f);
            }
            if (!together.empty() && !with.write(together, clock::now() + seconds{5})) return false;
            if (what.close != 0) {
                auto f = closing(what.close);
                f.masked = false;
                (void)with.write(bytes_of(f), clock::now() + seconds{5});
                for (auto const until = clock::now() + seconds{2}; clock::now() < until;)  // what the other side says to it
                    if (auto const e = with.next(until); e.what == web_event::kind::closed || e.what == web_event::kind::ended) break;
            }
            return what.close == 0 && !what.cut;
        };
        for (bool goes_on = true; goes_on && open_;) {
            auto const e = with.next(clock::now() + milliseconds{50});
            using kind = web_event::kind;
            if (e.what == kind::ended || e.what == kind::closed) {
                if (e.what == kind::closed) (void)with.write(bytes_of({.opcode = 8, .payload = e.payload.empty() && e.code == 1005 ? "" : closing(e.code).payload, .masked = false}), clock::now() + seconds{1});
                std::lock_guard const lock{mutex_};
                all_[number].target_ended = true;
                return;
            }
            if (e.what == kind::ping || e.what == kind::pong) continue;
            if (e.what == kind::silent) {
                silence_script how;
                {
                    std::lock_guard const lock{mutex_};
                    how = on_silence_;
                    ++running_;
                }
                auto const what = how ? how(number) : event_reaction{};
                has_run();
                goes_on = obey(what);
                continue;
            }
            goes_on = obey(hear(number, e)) && e.what != kind::garbage;
        }
        if (!open_) (void)obey({.close = 1001});
    }
    void know_as(std::string id) {
        std::lock_guard const lock{mutex_};
        ids_.insert(std::move(id));
    }
    [[nodiscard]] bool open() const override { return open_; }
    void shut() { open_ = false; }

    // Scripts may refer to what their check holds: afterwards no former one runs any more.
    void set(route what, script how) {
        std::unique_lock lock{mutex_};
        scripts_[static_cast<std::size_t>(what)] = std::move(how);
        wait_for_scripts(lock);
    }
    void set(event_script how) {
        std::unique_lock lock{mutex_};
        on_event_ = std::move(how);
        wait_for_scripts(lock);
    }
    void set(silence_script how) {
        std::unique_lock lock{mutex_};
        on_silence_ = std::move(how);
        wait_for_scripts(lock);
    }
    void forget_scripts() {
        std::unique_lock lock{mutex_};
        scripts_ = {};
        on_event_ = {};
        on_silence_ = {};
        wait_for_scripts(lock);
    }
    [[nodiscard]] std::vector<told_event> events() const {
        std::lock_guard const lock{mutex_};
        return {events_.begin(), events_.end()};
    }
    [[nodiscard]] std::vector<arrival> all() const {
        std::lock_guard const lock{mutex_};
        return {all_.begin(), all_.end()};
    }
    bool until(milliseconds patience, std::function<bool()> const& holds) const {
        auto const end = clock::now() + patience;
        for (;;) {
            std::size_t seen = 0;
            {
                std::lock_guard const lock{mutex_};
                seen = version();
            }
            if (holds()) return true;
            std::unique_lock lock{mutex_};
            if (!news_.wait_until(lock, end, [&] { return version() != seen; })) {
                lock.unlock();
                return holds();
            }
        }
    }
    void publish(json::object c) {
        std::lock_guard const lock{mutex_};
        feed_.push_back(std::move(c));
    }
    [[nodiscard]] reaction page(arrival const& a) const {
        std::lock_guard const lock{mutex_};
        auto const place_of = [&](std::optional<std::string> const& text) {
            for (std::size_t i = 0; text && i <= feed_.size(); ++i)
                if (*text == mark(i)) return i;
            return std::size_t{0};
        };
        auto const cursor = a.parameter("cursor");
        std::size_t const from = cursor ? place_of(*cursor) : place_of(a.parameter("since"));
        auto const wanted = a.parameter("limit");
        std::size_t const limit = wanted ? static_cast<std::size_t>(std::max(1, std::atoi(wanted->c_str()))) : 100;
        auto const to = std::min(feed_.size(), from + limit);
        json::object out{{"conversations", json::array(feed_.begin() + static_cast<std::ptrdiff_t>(from), feed_.begin() + static_cast<std::ptrdiff_t>(to))},
                         {"last_sync", mark(feed_.size())},
                         {"has_more", to < feed_.size()}};
        if (to < feed_.size()) out["cursor"] = mark(to);
        return respond(200, out);
    }

private:
    [[nodiscard]] static json::object identity(std::string const& backend_id, conformance::key const& by, json::array const& capabilities) {
        return {{"backend_id", backend_id}, {"backend_type", backend_id.substr(0, backend_id.find('_'))}, {"public_key", by->public_key().pem()},
                {"capabilities", capabilities}, {"version", "1.0"}, {"created_at", "2025-01-01T00:00:00Z"}};
    }
    void wait_for_scripts(std::unique_lock<std::mutex>& lock) {
        news_.wait(lock, [&] { return running_ == 0; });
    }
    void has_run() {
        {
            std::lock_guard const lock{mutex_};
            --running_;
        }
        news_.notify_all();
    }
    [[nodiscard]] std::size_t version() const {
        return all_.size() + events_.size() + answers_ + static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](arrival const& a) { return a.over.has_value(); }));
    }
    /// Takes an event in and says what is done about it.
    event_reaction hear(std::size_t number, web_event const& e) {
        told_event one{.stream = number, .text = e.payload, .body = {}, .is_text = e.what == web_event::kind::text, .at = clock::now(), .when = world_.now()};
        if (auto body = json::parse(e.payload)) one.body = *std::move(body);
        event_script how;
        std::size_t place = 0;
        {
            std::lock_guard const lock{mutex_};
            how = on_event_;
            place = events_.size();
            events_.push_back(one);
            ++running_;
        }
        auto r = how ? how(one) : acked(one);
        {
            std::lock_guard const lock{mutex_};
            --running_;
            ++answers_;
            for (auto const& f : r.frames)
                if (auto const said = json::parse(f.payload); said && f.opcode == 1 && text_at(*said, "/event_id") == one.id())
                    events_[place].answered = text_at(*said, "/status") == "acked" || text_at(*said, "/status") == "rejected";
        }
        news_.notify_all();
        return r;
    }
    static std::string mark(std::size_t n) { return format_timestamp(instant{1'750'000'000, 0} + milliseconds{static_cast<std::int64_t>(n)}); }
    [[nodiscard]] reaction usual(arrival const& a) const {
        switch (a.what) {
            case route::push: return acknowledge(a);
            case route::pull: return page(a);
            case route::health: return healthy();
            case route::stream: return upgraded();
            case route::other: break;
        }
        return a.request.target == "/identity" ? respond(200, identity_) : problem(404, "not-found");
    }

    surroundings& world_;
    std::set<std::string> ids_;  ///< those that the target has or had here
    json::object identity_;
    std::atomic<bool> open_ = true;
    mutable std::mutex mutex_;
    mutable std::condition_variable news_;
    std::deque<arrival> all_;
    std::array<script, 4> scripts_;
    std::deque<told_event> events_;
    std::size_t answers_ = 0, running_ = 0;  ///< running: scripts, by now
    event_script on_event_;
    silence_script on_silence_;
    std::vector<json::object> feed_;
};

stand_in::stand_in(scenario& s, options o) : s_{s} {
    auto& world = s.shared();
    if (!world.peer_door) s.untested("needs --peer-listen");
    door_ = o.elsewhere ? world.door_elsewhere : world.peer_door;
    // Two users, where there are two, halve what every stand-in hears of the others.
    auto const& users = world.options.users;
    registration_ = s.settled({.user = o.user ? *o.user : users[s.findings().index % users.size()],
                               .backend_id = o.same_backend ? std::optional{o.same_backend->backend_id()} : std::nullopt,
                               .signing_key = o.same_backend ? o.same_backend->registration_.signing_key : o.signing_key,
                               .created = o.created,
                               .lifetime = o.token_lifetime});
    name_ = s.fresh("box");
    target_id_ = "its~" + s.fresh("id") + ".1";  // nothing of the form that this target gives
    state_ = std::make_shared<state>(world, target_id_, *registration_.backend_id, registration_.signing_key, o.capabilities);
    on_push(std::move(o.push)), on_pull(std::move(o.pull)), on_health(std::move(o.health)), on_stream(std::move(o.stream));
    door_->add(name_, state_);
    registration_.identity = [capabilities = std::move(o.capabilities)](json::object& who) { who["capabilities"] = capabilities; };
    auto registered = endpoints();
    if (o.endpoints) o.endpoints(registered);
    if (o.places) registration_.body = [registered = std::move(registered)](json::object& body) { body["endpoints"] = registered; };
    peer_ = s.register_peer(registration_);
}

stand_in::~stand_in() {
    try {
        state_->forget_scripts();
        if (std::uncaught_exceptions() > 0) tell();
        state_->shut();
        if (!unpaired_) unpair();
    } catch (...) {  // it only tidies up
    }
}

/// What came, as a timeline for the report of a failure.
void stand_in::tell() const {
    auto const all = state_->all();
    auto const events = state_->events();
    constexpr std::size_t lines_max = 40;
    std::size_t told = 0;
    for (auto const& a : all) {
        if (++told > lines_max) break;
        std::string line = seconds_text(between(all.front().at, a.at)) + "  " + name_ + "  " + a.request.method + ' ' + a.request.target.substr(0, 120);
        if (a.what == route::push) {
            auto const ids = ids_at(a.body, "/conversations", "conversation_id");
            line += "  " + a.sync_id() + "  " + (ids.size() > 4 ? std::to_string(ids.size()) + " conversations" : show(ids));
        }
        s_.note(line + "  answered " + (a.status ? std::to_string(a.status) : std::string{"not at all"}));
    }
    for (auto const& e : events) {
        if (++told > 2 * lines_max) break;
        s_.note(seconds_text(between(all.front().at, e.at)) + "  " + name_ + "  event " + e.id() + " on stream " + std::to_string(e.stream) + (e.answered ? "  answered" : "  without a final answer"));
    }
}

void stand_in::unpair() {
    unpaired_ = true;
    // Not one of the check's requests: nothing is judged by it.
    auto const path = "/peers/" + peer_->peer_id();
    http_request r{"DELETE", s_.target_path(path), {}, {}, {}};
    r.headers.add("Authorization", peer_->authorization("DELETE", path));
    (void)s_.shared().target.send(r, s_.shared().options.timeout);
}

void stand_in::renew(milliseconds created, seconds lifetime) {
    auto again = registration_;
    again.created = created;
    again.lifetime = lifetime;
    auto const x = s_.try_register(again);
    s_.control(x, "the registration with another token");
    if (!std::exchange(unpaired_, false)) return;
    peer_ = s_.peer_of(x, again);
}

json::object stand_in::endpoints(std::string const& peer_id) const {
    std::string const base = door_->origin() + "/" + name_, id = percent_encode_segment(peer_id);
    return {{"peer_id", peer_id}, {"sync_endpoint", base + "/sync/" + id}, {"telemetry_endpoint", base + "/telemetry/" + id}};
}

exchange stand_in::register_endpoints(milliseconds created, json::object endpoints, edit const& sbt) {
    state_->know_as(std::string{json::view(endpoints.at("peer_id").get_string())});
    auto again = registration_;
    again.created = created;
    again.sbt = sbt;
    again.body = [endpoints = std::move(endpoints)](json::object& body) { body["endpoints"] = endpoints; };
    return s_.try_register(again);
}

void stand_in::move() {
    name_ = s_.fresh("box");
    door_->add(name_, state_);
}

void stand_in::leave(std::string const& box_name) { door_->add(box_name, {}); }

void stand_in::on_push(script how) { state_->set(route::push, std::move(how)); }
void stand_in::on_pull(script how) { state_->set(route::pull, std::move(how)); }
void stand_in::on_health(script how) { state_->set(route::health, std::move(how)); }

void stand_in::on_stream(script how) { state_->set(route::stream, std::move(how)); }
void stand_in::on_event(event_script how) { state_->set(std::move(how)); }
void stand_in::on_silence(silence_script how) { state_->set(std::move(how)); }
std::vector<told_event> stand_in::events() const { return state_->events(); }

json::object stand_in::answer(std::string_view status, std::string_view event_id, json::object more) {
    json::object out{{"status", status}, {"event_id", event_id}};
    for (auto const& m : more) out[m.key()] = m.value();
    return out;
}

event_reaction stand_in::answered(json::object const& what) { return {.frames = {{.payload = json::serialize(what)}}}; }
event_reaction stand_in::acked(told_event const& e) { return answered(answer("acked", e.id())); }

reaction stand_in::respond(int status, json::value const& body, http_headers headers) {
    headers.add("Content-Type", status < 400 ? "application/json" : "application/problem+json");
    headers.add("Cache-Control", "no-store");
    return {.response = {status, std::move(headers), json::serialize(body)}};
}

reaction stand_in::problem(int status, std::string_view code, http_headers headers) {
    return respond(status, json::object{{"type", "https://bsp.dev/errors/" + std::string{code}}, {"title", code}, {"status", status}, {"detail", "as the check wants it"}, {"code", code}}, std::move(headers));
}

reaction stand_in::healthy() { return respond(200, json::object{{"status", "healthy"}}); }

reaction stand_in::acknowledge(arrival const& push, json::object more) {
    json::object out{{"status", "synced"}, {"acked_sync_id", push.sync_id()}, {"conflicts", json::array{}}, {"next_sync_in_ms", 5000}};
    for (auto const& m : more) out[m.key()] = m.value();
    return respond(200, out);
}

reaction stand_in::feed(arrival const& a) const { return state_->page(a); }
void stand_in::publish(json::object c) { state_->publish(std::move(c)); }

std::vector<arrival> stand_in::arrivals(arrival::route what) const {
    auto all = state_->all();
    std::erase_if(all, [&](arrival const& a) { return a.what != what; });
    return all;
}

std::vector<arrival> stand_in::pushes_of(std::string_view id) const {
    auto all = pushes();
    std::erase_if(all, [&](arrival const& a) { return !a.conversation(id); });
    return all;
}

bool stand_in::until(milliseconds patience, std::function<bool()> const& holds) const { return state_->until(patience, holds); }

bool stand_in::delivered(milliseconds patience, std::string_view id, std::string_view message_id) const {
    return until(patience, [&] {
        auto const all = pushes_of(id);
        return std::any_of(all.begin(), all.end(), [&](arrival const& a) { return a.acknowledged && a.over && a.has_message(id, message_id); });
    });
}

std::optional<moment> stand_in::flap(std::function<void()> const& meanwhile) {
    auto const asked = [&] { return arrivals(route::health); };
    auto const seen = [&](std::size_t than) { return until(seconds{20} + slack, [&] { return asked().size() > than; }); };  // one in each 10 s
    on_health([](arrival const&) { return respond(200, json::object{{"status", "starting"}}); });
    bool const down = seen(asked().size());
    if (meanwhile) meanwhile();
    on_health({});
    auto const before = asked().size();
    return down && seen(before) ? std::optional{asked()[before].at} : std::nullopt;
}

bool stand_in::delivered_in_the_end(std::string_view id, std::string_view message_id) {
    constexpr int failures_max = 4;
    if (delivered(seconds{6}, id, message_id)) return true;
    for (int n = 0; n < failures_max; ++n) {
        auto const before = pushes_of(id).size();
        if (!flap()) return delivered(seconds{60}, id, message_id);
        if (delivered(seconds{10} + slack, id, message_id)) return true;
        if (pushes_of(id).size() == before) return false;
    }
    return false;
}

bool stand_in::delivered_in_turn(std::string_view id) const {
    for (auto const end = clock::now() + std::chrono::minutes{5}; clock::now() < end;) {
        auto const before = pushes().size();
        if (delivered(seconds{40}, id)) return true;
        if (pushes().size() == before) return false;
    }
    return false;
}

caller stand_in::user() const { return s_.user(account()); }

void stand_in::meet() {
    auto& dials = s_.shared().target_dials;
    constexpr seconds patience{20};  // /health is asked every 10 s
    auto const end = clock::now() + patience;
    while (!until(milliseconds{250}, [&] { return !state_->all().empty(); }) && clock::now() < end && dials >= 0) {}
    if (!state_->all().empty()) {
        dials = 1;
        return;
    }
    if (dials > 0) s_.inconclusive("the target calls others, but not this backend within 20 s of its registration");
    dials = -1;
    s_.untested("the target does not call " + door_->origin() + ": tell it that it may (for the reference server: --peer-allow " + door_->origin() +
                "), and look whether that address can be reached from there");
}

void stand_in::settle() {
    meet();
    auto const c = s_.fresh("hello");
    write(s_, user(), c);
    if (!delivered_in_turn(c)) s_.inconclusive("the first push to a new peer does not come within 40 s");
    s_.evidence("a push of what was written just now");
}

void stand_in::settle_telemetry() {
    settle();
    auto& streams = door_->told_events;
    auto const told = [&] {
        auto const all = events();
        return std::any_of(all.begin(), all.end(), [](told_event const& e) { return e.answered; });
    };
    auto const end = clock::now() + seconds{40};
    while (!told() && clock::now() < end && streams >= 0) {
        write(s_, user(), s_.fresh("told"));
        until(seconds{2}, told);
    }
    if (told()) {
        streams = 1;
        s_.evidence("a telemetry event of the target");
        return;
    }
    if (streams > 0) s_.inconclusive("the target sends telemetry, but not to this backend within 40 s");
    streams = -1;
    s_.untested("the target sends no telemetry of what it exchanges, as far as 40 s show; nothing obliges it to");
}

void settle(scenario& s, std::vector<std::unique_ptr<stand_in>> const& all) {
    for (auto const& one : all) one->meet();
    auto const c = s.fresh("hello");
    write(s, all.front()->user(), c);
    for (auto const& one : all)
        if (!one->delivered_in_turn(c)) s.inconclusive("the first push to a new peer does not come within 40 s");
    s.evidence("a push of what was written just now");
}

std::string write(scenario& s, caller const& by, std::string_view id, std::string_view content) {
    auto const x = by.write(id, content);
    s.control(x, "a write at the target");
    return x.text("/id");
}

void pass(milliseconds time) { std::this_thread::sleep_for(time); }

std::string faster_than_two_a_second(std::vector<arrival> all) {
    constexpr milliseconds late{500};
    std::ranges::sort(all, {}, &arrival::at);
    for (std::size_t last = 2; last < all.size(); ++last)
        for (std::size_t first = 0; first + 2 <= last; ++first) {
            auto const n = last - first + 1;
            auto const took = between(all[first].at, all[last].at);
            if (took + late < seconds{(n - 1) / 2}) return std::to_string(n) + " within " + seconds_text(took);
        }
    return {};
}

std::string seconds_text(milliseconds t) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f s", static_cast<double>(t.count()) / 1000);
    return text.data();
}

}  // namespace bsp::conformance
