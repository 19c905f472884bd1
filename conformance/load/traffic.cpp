#include "traffic.hpp"

#include "../target/http_reader.hpp"
#include "machine.hpp"
#include "opener.hpp"

#include <bsp/json/parse.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <stdexcept>

namespace bsp::conformance::load {
namespace {

using std::chrono::nanoseconds;

std::atomic<bool> interrupted = false;  // lock-free, so a signal may set it

/// While it lives, Ctrl-C asks for an early end instead of an abrupt one; the second one is abrupt again.
class until_interrupted {
public:
    until_interrupted() : before_{std::signal(SIGINT, [](int) {
              interrupted = true;
              std::signal(SIGINT, SIG_DFL);
          })} {}
    ~until_interrupted() { std::signal(SIGINT, before_); }
    until_interrupted(until_interrupted const&) = delete;
    until_interrupted& operator=(until_interrupted const&) = delete;

private:
    void (*before_)(int);
};

class descriptor {
public:
    explicit descriptor(int fd) : fd_{fd} {
        if (fd < 0) throw std::runtime_error{std::string{"cannot wait for connections: "} + std::strerror(errno)};
    }
    ~descriptor() { ::close(fd_); }
    descriptor(descriptor const&) = delete;
    descriptor& operator=(descriptor const&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

enum class link : std::uint8_t { closed, opening, open };

/// Connection of a peer for requests, one after the other.
struct lane {
    link state = link::closed;
    std::unique_ptr<stream> to;
    int fd = -1;
    std::deque<std::size_t> waiting;
    std::optional<std::size_t> current;
    std::string text;  ///< of `current`
    std::size_t written = 0;
    http_reader reader;
    nanoseconds sent{};
    bool wants_out = false;
    bool used = false;   ///< an answer came on it before, so it may have been closed for idleness
    bool again = false;  ///< `current` was sent on such a connection, and is sent a second time
};

/// Stream of telemetry of a peer.
struct channel {
    link state = link::closed;
    std::unique_ptr<web_socket> socket;
    int fd = -1;
    std::deque<std::size_t> waiting;
    std::map<std::string, std::pair<std::size_t, nanoseconds>, std::less<>> pending;  ///< by event_id: its number, and when it was sent
};

class sender {
public:
    sender(script& s, supply& from, figures& into, traffic_options const& o)
        : script_{s}, plan_{s.plan()}, supply_{from}, figures_{into}, options_{o}, poll_{::epoll_create1(EPOLL_CLOEXEC)}, news_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)},
          alarm_{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)}, lanes_(s.company.peers.size()), channels_(o.telemetry ? s.company.peers.size() : 0),
          opener_{s.company, o.timeout, news_.get()} {
        watch(EPOLL_CTL_ADD, news_.get(), news_key, EPOLLIN);
        watch(EPOLL_CTL_ADD, alarm_.get(), alarm_key, EPOLLIN);
    }

    void run() {
        interrupted = false;
        until_interrupted const guard;
        connect();
        cpu_meter const meter;
        begin_ = clock::now();
        begun_ = true;
        while (next_ < plan_.size() || open_requests_ > 0) {
            if (interrupted && next_ < plan_.size()) end_early();
            send_due();
            sweep();
            set_alarm();
            serve(-1);
        }
        figures_.effort.own_cores = meter.own_cores();
        figures_.effort.machine_busy = meter.machine_busy();
    }

private:
    static constexpr std::uint64_t news_key = ~0ull, alarm_key = ~1ull;
    static constexpr nanoseconds sweep_period = std::chrono::milliseconds{50};

    [[nodiscard]] nanoseconds now() const { return clock::now() - begin_; }

    void watch(int operation, int fd, std::uint64_t key, std::uint32_t events) {
        epoll_event e{};
        e.events = events;
        e.data.u64 = key;
        if (::epoll_ctl(poll_.get(), operation, fd, &e) != 0) throw std::runtime_error{std::string{"cannot watch a connection: "} + std::strerror(errno)};
    }

    // ---- before the first request -----------------------------------------------------------------------

    /// Every connection is made, or found impossible, before anything is due.
    void connect() {
        begin_ = clock::now();
        for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i].state = link::opening, opener_.want(i);
        for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].state = link::opening, opener_.want(lanes_.size() + i);
        auto const is_opening = [](auto const& c) { return c.state == link::opening; };
        while (std::any_of(lanes_.begin(), lanes_.end(), is_opening) || std::any_of(channels_.begin(), channels_.end(), is_opening)) serve(-1);
    }

    // ---- time -------------------------------------------------------------------------------------------

    void send_due() {
        for (; next_ < plan_.size() && plan_[next_].due <= now(); ++next_) {
            if (!supply_.ready(next_)) {
                if (!late_) ++figures_.effort.not_ready;
                late_ = true;
                return;
            }
            late_ = false;
            figures_.effort.lag.record(static_cast<std::uint64_t>((now() - plan_[next_].due).count() / 1'000));
            auto const& p = plan_[next_];
            ++open_requests_;
            if (p.what == operation::telemetry) channels_[p.peer].waiting.push_back(next_), pump(channels_[p.peer], p.peer);
            else lanes_[p.peer].waiting.push_back(next_), pump(lanes_[p.peer], p.peer);
        }
    }

    void end_early() {
        figures_.cut(plan_, next_, now());
        next_ = plan_.size();
        supply_.stop();
    }

    void set_alarm() {
        auto until = swept_ + sweep_period;
        if (next_ < plan_.size()) until = std::min(until, late_ ? now() + std::chrono::milliseconds{1} : plan_[next_].due);
        auto const at = (begin_ + until).time_since_epoch();
        auto const ns = std::max<std::int64_t>(1, std::chrono::duration_cast<nanoseconds>(at).count());
        itimerspec spec{};
        spec.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        spec.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
        ::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
    }

    /// Ends what waited for too long.
    void sweep() {
        auto const t = now();
        if (t < swept_ + sweep_period) return;
        swept_ = t;
        std::string const words = "no answer within " + std::to_string(options_.timeout.count() / 1000) + " s";
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            auto& l = lanes_[i];
            if (l.current && l.state == link::open && t - l.sent > options_.timeout) {
                end_current(l, ending::timeout, words);
                close(l);
            }
            while (!l.waiting.empty() && t - plan_[l.waiting.front()].due > options_.timeout) {
                end(l.waiting.front(), ending::timeout, std::nullopt, "waited for the answer to an earlier request of its peer");
                l.waiting.pop_front();
            }
            pump(l, i);
        }
        for (std::size_t i = 0; i < channels_.size(); ++i) {
            auto& c = channels_[i];
            std::erase_if(c.pending, [&](auto const& e) {
                if (t - e.second.second <= options_.timeout) return false;
                end(e.second.first, ending::timeout, e.second.second, words);
                return true;
            });
            while (!c.waiting.empty() && t - plan_[c.waiting.front()].due > options_.timeout) {
                end(c.waiting.front(), ending::timeout, std::nullopt, "no stream of telemetry");
                c.waiting.pop_front();
            }
        }
    }

    // ---- events -----------------------------------------------------------------------------------------

    void serve(int timeout_ms) {
        std::array<epoll_event, 256> events;
        int const n = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
        for (int i = 0; i < n; ++i) {
            auto const& e = events[static_cast<std::size_t>(i)];
            std::uint64_t drained = 0;
            if (e.data.u64 == alarm_key) (void)!::read(alarm_.get(), &drained, sizeof drained);
            else if (e.data.u64 == news_key) (void)!::read(news_.get(), &drained, sizeof drained), take_connections();
            else if (e.data.u64 < lanes_.size()) serve_lane(static_cast<std::size_t>(e.data.u64), e.events);
            else hear(channels_[static_cast<std::size_t>(e.data.u64) - lanes_.size()], static_cast<std::size_t>(e.data.u64) - lanes_.size());
            // What is due does not wait until all others were heard.
            if (next_ < plan_.size() && begun_ && plan_[next_].due <= now()) send_due();
        }
    }

    void take_connections() {
        for (auto& o : opener_.take()) {
            bool const of_telemetry = o.lane >= lanes_.size();
            if (of_telemetry) arrived(channels_[o.lane - lanes_.size()], o);
            else arrived(lanes_[o.lane], o);
        }
    }

    /// Of an answer that is not the one hoped for.
    static ending ending_of(http_response const& r) {
        if (r.status == 429) return ending::limited;
        if (r.status == 503 && r.headers.find("Retry-After")) return ending::busy;
        return r.status >= 500 ? ending::error : ending::unexpected;
    }
    static ending ending_of(opened const& o) { return o.refusal ? ending_of(*o.refusal) : ending_of(o.why); }
    static ending ending_of(fault why) {
        switch (why) {
            case fault::timeout: return ending::timeout;
            case fault::closed: return ending::closed;
            case fault::garbage: return ending::wrong;
            default: return ending::refused;
        }
    }

    // ---- requests ---------------------------------------------------------------------------------------

    void arrived(lane& l, opened& o) {
        l.state = o.to ? link::open : link::closed;
        if (!o.to) {
            // Whatever waits now would find the same.
            if (l.current) end_current(l, ending_of(o), o.detail);
            for (; !l.waiting.empty(); l.waiting.pop_front()) end(l.waiting.front(), ending_of(o), std::nullopt, o.detail);
            return;
        }
        l.to = std::move(o.to);
        l.fd = o.descriptor;
        l.used = l.wants_out = false;
        watch(EPOLL_CTL_ADD, l.fd, o.lane, EPOLLIN);
        if (l.current) l.written = 0, l.reader = http_reader{}, write(l, o.lane);
        else pump(l, o.lane);
    }

    void close(lane& l) {
        if (l.state != link::open) return;
        l.to.reset();  // which takes it out of what is watched
        l.state = link::closed;
    }

    void pump(lane& l, std::size_t at) {
        if (l.current || l.waiting.empty()) return;
        if (l.state == link::closed) {
            l.state = link::opening;
            ++figures_.reconnections;
            opener_.want(at);
        }
        if (l.state != link::open) return;
        l.current = l.waiting.front();
        l.waiting.pop_front();
        l.text = supply_.take(*l.current);
        l.written = 0;
        l.reader = http_reader{};
        l.sent = now();
        l.again = false;
        if (plan_[*l.current].what == operation::push) script_.entry(*l.current).fate = fate::unknown;
        write(l, at);
    }

    void write(lane& l, std::size_t at) {
        while (l.written < l.text.size()) {
            auto const w = l.to->write(l.text.data() + l.written, l.text.size() - l.written);
            if (w.what == stream::status::done) l.written += w.size;
            else if (w.what == stream::status::would_block) break;
            else return;  // reading tells why, and whether it has answered before
        }
        bool const wants_out = l.written < l.text.size();
        if (wants_out != l.wants_out) watch(EPOLL_CTL_MOD, l.fd, at, wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
        l.wants_out = wants_out;
    }

    void serve_lane(std::size_t at, std::uint32_t events) {
        auto& l = lanes_[at];
        if (l.state != link::open) return;  // closed by an event before this one
        if ((events & EPOLLOUT) != 0 && l.current) write(l, at);
        std::array<char, 64 * 1024> buffer;
        for (;;) {
            auto const r = l.to->read(buffer.data(), buffer.size());
            if (r.what == stream::status::would_block) return;
            auto state = http_reader::state::more;
            bool const ended = r.what != stream::status::done;
            if (l.current) state = ended ? l.reader.end() : l.reader.feed({buffer.data(), r.size});
            if (state == http_reader::state::complete) {
                bool const reusable = !ended && l.reader.keeps_alive() && l.written == l.text.size();
                answered(l, l.reader.take());
                if (!reusable) close(l);
                l.used = true;
                pump(l, at);
                if (l.state != link::open) return;
                continue;
            }
            if (state == http_reader::state::more && !ended && l.current) continue;
            // The connection is over, or what comes makes no sense.
            bool const idled_out = l.current && ended && l.used && !l.again && l.reader.nothing_yet();
            close(l);
            if (idled_out) {
                l.again = true;
                l.state = link::opening;
                ++figures_.reconnections;
                opener_.want(at);
            } else if (l.current) {
                end_current(l, state == http_reader::state::garbage ? ending::wrong : ending::closed, state == http_reader::state::garbage ? "the answer is not HTTP/1.x: " + l.reader.complaint() : "the connection was closed before the answer was complete");
            }
            return pump(l, at);
        }
    }

    void answered(lane& l, http_response const& r) {
        auto const n = *l.current;
        auto const& p = plan_[n];
        auto what = ending::ok;
        std::string words;
        json::value body;
        if (r.status != 200 || p.what == operation::push)
            if (auto parsed = json::parse(r.body)) body = *std::move(parsed);
        if (r.status != 200) what = ending_of(r);
        if (p.what == operation::push) {
            auto& entry = script_.entry(n);
            if (what == ending::ok && (text_at(body, "/status") != "synced" || text_at(body, "/acked_sync_id") != entry.sync_id)) {
                what = ending::wrong;
                words = "200 without status \"synced\" and acked_sync_id " + entry.sync_id + ": " + show(body, 120);
            }
            bool const in_part = !objects_at(body, "/conflicts").empty();
            if (what == ending::ok && in_part) ++figures_.conflicts;
            if (what == ending::ok) entry.fate = in_part ? fate::in_part : fate::acknowledged;
            else if (what == ending::limited || what == ending::unexpected) entry.fate = fate::refused;
        }
        if (what != ending::ok && words.empty()) words = std::to_string(r.status) + " " + text_at(body, "/code") + (text_at(body, "/detail").empty() ? "" : ": " + text_at(body, "/detail"));
        end_current(l, what, words);
    }

    void end_current(lane& l, ending what, std::string const& words) {
        end(*l.current, what, l.sent, words);
        l.current.reset();
    }

    void end(std::size_t n, ending what, std::optional<nanoseconds> sent, std::string const& words) {
        --open_requests_;
        auto const& p = plan_[n];
        auto const when = now();
        std::string example;
        if (what != ending::ok && !figures_.examples.contains(what)) {
            auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(when).count();
            example = "a " + std::string{to_string(p.what)} + (p.what == operation::telemetry ? " event" : "") + " of peer " + script_.company.peers[p.peer].peer_id + " after " + std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s: " + words;
        }
        figures_.ended(p, what, when, sent, example);
    }

    // ---- telemetry --------------------------------------------------------------------------------------

    void arrived(channel& c, opened& o) {
        c.state = o.socket ? link::open : link::closed;
        if (!o.socket) {
            for (; !c.waiting.empty(); c.waiting.pop_front()) end(c.waiting.front(), ending_of(o), std::nullopt, o.detail);
            return;
        }
        c.socket = std::move(o.socket);
        c.fd = o.descriptor;
        watch(EPOLL_CTL_ADD, c.fd, o.lane, EPOLLIN);
        pump(c, o.lane - lanes_.size());
    }

    void pump(channel& c, std::size_t at) {
        if (c.waiting.empty()) return;
        if (c.state == link::closed) {
            c.state = link::opening;
            ++figures_.reconnections;
            opener_.want(lanes_.size() + at);
        }
        if (c.state != link::open) return;
        for (; !c.waiting.empty() && c.state == link::open; c.waiting.pop_front()) {
            auto const n = c.waiting.front();
            c.pending[script_.name_of(n)] = {n, now()};
            // An event fits the buffer of a connection; one that does not take it hangs.
            if (!c.socket->write(bytes_of({.payload = supply_.take(n)}), clock::now(), false)) {
                c.waiting.pop_front();
                return over(c, "the stream of telemetry takes nothing");
            }
        }
    }

    void hear(channel& c, std::size_t at) {
        if (c.state != link::open) return;
        for (;;) {
            auto const e = c.socket->next(clock::now());
            if (e.what == web_event::kind::silent) break;
            if (e.what == web_event::kind::closed) over(c, "the stream of telemetry was closed with " + std::to_string(e.code) + " " + e.payload);
            else if (e.what == web_event::kind::ended || e.what == web_event::kind::garbage) over(c, "the stream of telemetry ended");
            else if (e.what == web_event::kind::text) heard(c, e.payload);
            if (c.state != link::open) break;
        }
        pump(c, at);
    }

    void heard(channel& c, std::string const& text) {
        auto const body = json::parse(text);
        if (!body) return;
        auto const found = c.pending.find(text_at(*body, "/event_id"));
        if (found == c.pending.end()) return;
        auto const [n, sent] = found->second;
        c.pending.erase(found);
        auto const status = text_at(*body, "/status");
        end(n, status == "acked" ? ending::ok : status == "rate_limited" ? ending::limited : status == "rejected" ? ending::unexpected : ending::wrong, sent, show(*body, 160));
    }

    void over(channel& c, std::string const& words) {
        for (auto const& [id, one] : c.pending) end(one.first, ending::closed, one.second, words);
        c.pending.clear();
        c.socket.reset();
        c.state = link::closed;
    }

    script& script_;
    std::vector<planned> const& plan_;
    supply& supply_;
    figures& figures_;
    traffic_options options_;
    descriptor poll_, news_, alarm_;
    std::vector<lane> lanes_;
    std::vector<channel> channels_;
    clock::time_point begin_;
    nanoseconds swept_{};
    std::size_t next_ = 0, open_requests_ = 0;
    bool late_ = false;   ///< the next request is due and not ready
    bool begun_ = false;  ///< before, nothing is due
    opener opener_;  // last: its threads end before what they write to
};

}  // namespace

void send_all(script& s, supply& from, figures& into, traffic_options const& o) { sender{s, from, into, o}.run(); }

}  // namespace bsp::conformance::load
