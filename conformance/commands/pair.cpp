#include "../peer/listener.hpp"
#include "../peer/stand_in.hpp"
#include "../probe.hpp"
#include "../record.hpp"
#include "../surroundings.hpp"
#include "support.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <ostream>
#include <random>
#include <set>
#include <thread>

namespace bsp::conformance {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// What goes from the local backend to the hosted one goes through here.
class line final : public mailbox {
public:
    enum class state : std::uint8_t { calm, cut, troubled };

    line(target& to, std::uint64_t seed) : to_{to}, random_{seed} {}

    void set(state s) { state_ = s; }
    [[nodiscard]] std::size_t requests() const { return requests_; }
    [[nodiscard]] std::size_t disturbed() const { return disturbed_; }

    reaction take(http_request const& request, std::size_t&) override {
        ++requests_;
        if (state_ == state::cut) return {.how = reaction::manner::close};
        bool const is_check = request.target.ends_with("/health");
        switch (state_ == state::troubled && !is_check ? draw(10) : 9) {
            case 0:  // the request is lost
                ++disturbed_;
                return {.how = reaction::manner::close};
            case 1:  // the answer is lost
                ++disturbed_;
                (void)forward(request);
                return {.how = reaction::manner::close};
            case 2: {  // the request comes twice
                ++disturbed_;
                auto first = forward(request), second = forward(request);
                return request.method == "POST" ? second : first;
            }
            case 3: {  // the answer breaks off
                ++disturbed_;
                auto whole = forward(request);
                if (whole.how != reaction::manner::answer) return whole;
                auto const& body = whole.response.body;
                return {.how = reaction::manner::bytes,
                        .response = {0, {}, "HTTP/1.1 " + std::to_string(whole.response.status) + " \r\nContent-Type: application/json\r\nContent-Length: " +
                                                std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, body.size() / 2)}};
            }
            case 4: {  // the answer is late
                ++disturbed_;
                auto late = forward(request);
                late.delay = milliseconds{200 + 200 * static_cast<int>(draw(10))};
                return late;
            }
            default: return forward(request);
        }
    }
    void finished(std::size_t, bool) override {}
    [[nodiscard]] bool open() const override { return true; }

private:
    std::size_t draw(std::size_t below) {
        std::lock_guard const lock{mutex_};
        return static_cast<std::size_t>(random_() % below);
    }
    reaction forward(http_request request) {
        http_headers kept;
        for (auto const& [name, value] : request.headers)
            if (!http_headers::same_name(name, "Host") && !http_headers::same_name(name, "Connection") && !http_headers::same_name(name, "Transfer-Encoding") && !http_headers::same_name(name, "Expect") && !http_headers::same_name(name, "Content-Length")) kept.add(name, value);
        request.headers = std::move(kept);
        auto const a = to_.send(request, seconds{30});
        if (a.why != fault::none) return {.how = reaction::manner::close};
        http_headers given;
        for (auto const& [name, value] : a.response.headers)
            if (!http_headers::same_name(name, "Content-Length") && !http_headers::same_name(name, "Connection") && !http_headers::same_name(name, "Transfer-Encoding") && !http_headers::same_name(name, "Keep-Alive")) given.add(name, value);
        return {.response = {a.response.status, std::move(given), a.response.body}};
    }

    target& to_;
    std::mutex mutex_;
    std::mt19937_64 random_;
    std::atomic<state> state_ = state::calm;
    std::atomic<std::size_t> requests_ = 0, disturbed_ = 0;
};

check const pairing{.id = "pair/pair", .title = "two backends agree", .clauses = {}, .impact = "", .likely_cause = "", .run = nullptr};

/// One of the two, and what the suite does there as the user.
struct side {
    side(target& t, surroundings_options o, std::size_t number) : world{t, std::move(o)}, found{pairing, number} {}

    surroundings world;
    record found;
    std::unique_ptr<scenario> at;

    [[nodiscard]] caller user() const { return at->user(); }
};

/// Registers `who` at `where`; the accepted answer.
exchange introduce(side& where, side const& who, edit const& body) {
    auto const& other = *who.world.identity;
    registration r;
    r.backend_id = other.backend_id;
    r.backend_type = other.backend_type;
    r.identity = [whole = other.received](json::object& o) { o = whole; };
    r.body = body;
    auto const x = where.at->try_register(r);
    where.at->control(x, "the registration of " + other.backend_id);
    return x;
}

/// Where two values differ first: a JSON pointer and both.
std::string difference(json::value const& a, json::value const& b, std::string const& at_pointer = "") {
    if (same(a, b)) return {};
    if (a.is_object() && b.is_object()) {
        std::set<std::string> names;
        for (auto const* o : {&a.get_object(), &b.get_object()})
            for (auto const& m : *o) names.insert(std::string{json::view(m.key())});
        for (auto const& n : names) {
            auto const *left = a.get_object().if_contains(n), *right = b.get_object().if_contains(n);
            if (!left || !right) return at_pointer + "/" + n + " is at the " + (left ? "local" : "hosted") + " one only";
            if (auto d = difference(*left, *right, at_pointer + "/" + n); !d.empty()) return d;
        }
    }
    if (a.is_array() && b.is_array() && a.get_array().size() == b.get_array().size())
        for (std::size_t i = 0; i < a.get_array().size(); ++i)
            if (auto d = difference(a.get_array()[i], b.get_array()[i], at_pointer + "/" + std::to_string(i)); !d.empty()) return d;
    return (at_pointer.empty() ? std::string{"the whole"} : at_pointer) + ": local " + show(a, 160) + ", hosted " + show(b, 160);
}

class meeting {
public:
    meeting(side& local, side& hosted, line& between, std::ostream& out, std::uint64_t seed) : local_{local}, hosted_{hosted}, line_{between}, out_{out}, random_{seed} {}

    bool run(seconds trouble) {
        for (int i = 0; i < 4; ++i) write_somewhere();
        if (!agree("calm", seconds{60})) return false;

        line_.set(line::state::cut);
        for (int i = 0; i < 12; ++i) act();
        std::this_thread::sleep_for(seconds{3});
        for (int i = 0; i < 12; ++i) act();
        line_.set(line::state::calm);
        if (!agree("cut off, and together again", seconds{90})) return false;

        line_.set(line::state::troubled);
        for (auto const end = clock::now() + trouble; clock::now() < end;) {
            act();
            std::this_thread::sleep_for(milliseconds{150});
        }
        line_.set(line::state::calm);
        return agree("lost, late, doubled and broken off", seconds{64 + 60});  // a pause may last 64 s
    }

private:
    std::size_t draw(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
    side& either() { return draw(2) == 0 ? local_ : hosted_; }

    void write_somewhere() {
        ids_.push_back(local_.at->fresh("pair"));
        (void)either().user().write(ids_.back(), "first");
    }
    /// A write, a write of the same message at both sides, or a deletion. What is refused because it is gone is no matter.
    void act() {
        auto const& id = ids_[draw(ids_.size())];
        switch (draw(8)) {
            case 0: write_somewhere(); break;
            case 1: {
                auto const m = "m" + std::to_string(draw(4));
                for (side* s : {&local_, &hosted_}) (void)s->user().write(id, s == &local_ ? "said here" : "said there", [&](json::object& o) { o["id"] = m; });
                break;
            }
            case 2: (void)either().user().del("/conversations/" + id + "/messages/m" + std::to_string(draw(4))); break;
            case 3:
                if (draw(3) == 0) (void)either().user().del("/conversations/" + id);
                break;
            default: (void)either().user().write(id, "said " + std::to_string(draw(1'000))); break;
        }
    }
    /// What the two do not agree about, or "".
    std::string disagreement() {
        for (auto const& id : ids_) {
            auto const l = local_.user().read(id), h = hosted_.user().read(id);
            if (!l.ok() && !h.ok() && l.status() == h.status()) continue;
            if (l.status() != h.status()) return id + ": local " + l.describe() + ", hosted " + h.describe();
            if (auto d = difference(l.body(), h.body()); !d.empty()) return id + d;
        }
        return {};
    }
    bool agree(std::string const& phase, seconds patience) {
        auto const begun = clock::now();
        std::string differs;
        do {
            differs = disagreement();
            if (differs.empty()) {
                out_ << "AGREE   " << phase << ": " << ids_.size() << " conversations, after " << seconds_text(between(begun, clock::now())) << ", " << line_.requests() << " requests, "
                     << line_.disturbed() << " of them disturbed" << std::endl;
                return true;
            }
            std::this_thread::sleep_for(milliseconds{300});
        } while (clock::now() < begun + patience);
        out_ << "DIFFER  " << phase << ", still after " << patience.count() << " s: " << differs << std::endl;
        return false;
    }

    side &local_, &hosted_;
    line& line_;
    std::ostream& out_;
    std::mt19937_64 random_;
    std::vector<std::string> ids_;
};

std::string behind(std::string const& url, std::string const& origin) {
    auto const path = url.find('/', url.find("://") + 3);
    return origin + (path == std::string::npos ? "" : url.substr(path));
}

int paired(pair_arguments const& a, std::ostream& out, std::ostream& err) {
    auto first = connect_to(a.first, a.trust), second = connect_to(a.second, a.trust);
    if (!first || !second) throw usage_error{(first ? second : first).error().detail};
    auto door = listener::open(a.peer_listen);
    if (!door) throw usage_error{door.error().detail};
    surroundings_options options;
    options.users = users_from(a.users_file);
    options.seed = a.seed ? *a.seed : static_cast<std::uint64_t>(std::random_device{}());
    side one{**first, options, 1}, two{**second, options, 2};
    for (side* s : {&one, &two}) {
        auto const look = probe(s->world);
        if (!look.usable || !s->world.identity) {
            err << "bsp-conformance: " << (look.usable ? look.remark : look.problem) << '\n';
            return exit_code::unreachable;
        }
    }
    bool const in_order = one.world.identity->backend_type == "local";
    side &local = in_order ? one : two, &hosted = in_order ? two : one;
    if (local.world.identity->backend_type != "local" || hosted.world.identity->backend_type != "hosted") throw usage_error{"of the two backends one has to be local and the other hosted"};
    for (side* s : {&one, &two}) s->at = std::make_unique<scenario>(s->world, s->found);
    out << "local   " << local.world.target.url() << "  " << local.world.identity->backend_id << "\nhosted  " << hosted.world.target.url() << "  " << hosted.world.identity->backend_id
        << "\nline    " << (*door)->origin() << "  seed " << options.seed << std::endl;

    auto const between_them = std::make_shared<line>(hosted.world.target, options.seed);
    (*door)->add("", between_them);
    try {
        auto const x = introduce(hosted, local, {});
        introduce(local, hosted, [&](json::object& body) {
            body["endpoints"] = json::object{{"peer_id", x.text("/peer_id")},
                                             {"sync_endpoint", behind(x.text("/sync_endpoint"), (*door)->origin())},
                                             {"telemetry_endpoint", behind(x.text("/telemetry_endpoint"), (*door)->origin())}};
        });
        bool const agreed = meeting{local, hosted, *between_them, out, options.seed}.run(seconds{a.trouble_s});
        if (!agreed && between_them->requests() == 0) {
            out << "OPEN    the local backend never called " << (*door)->origin() << ": tell it that it may (for the reference server: --peer-allow " << (*door)->origin() << ")\n";
            return exit_code::inconclusive;
        }
        return agreed ? exit_code::conformant : exit_code::failed;
    } catch (verdict_reached const&) {
        out << "OPEN    " << local.found.reason << hosted.found.reason << '\n';
        return exit_code::inconclusive;
    }
}

}  // namespace

int pair(pair_arguments const& a, std::ostream& out, std::ostream& err) {
    return reporting_usage(err, [&] { return paired(a, out, err); });
}

}  // namespace bsp::conformance
