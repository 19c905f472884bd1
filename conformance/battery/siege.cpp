#include "battery.hpp"

#include "../surroundings.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace bsp::conformance::battery {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kinds_of_attempts = 6;       // checks among which the number of a run is shared
constexpr std::size_t of_a_slice = 90;             // of one check, where nobody asks for more,
constexpr milliseconds time_of_a_slice{330};       // and how long they may take
constexpr std::size_t between_looks = 30;
constexpr std::size_t least = 20;                  // that say something: as many as that are tried however slow it is
constexpr std::size_t shown = 5;                   // of those that were let in

}  // namespace

void siege::look() {
    if (let_in_ > 0) return;  // who got in may have changed anything
    for (auto const& one : looks_) one();
}

void siege::enter(std::string const& what, std::string_view clause, bool let_in) {
    auto& rows = world_.findings().battery;
    auto found = std::find_if(rows.begin(), rows.end(), [&](tally const& t) { return t.what == what && t.clause == clause; });
    if (found == rows.end()) found = rows.insert(rows.end(), {of_, what, std::string{clause}, 0, 0});
    ++found->tried, ++tried_;
    if (let_in) ++found->let_in, ++let_in_;
}

siege::came siege::judge(card const& c, attempt const& a) {
    auto& shared = world_.shared();
    answer got;
    for (;;) {
        got = shared.target.send(a.request, shared.options.timeout);
        if (got.why != fault::none || got.response.status != 429) break;
        auto const* after = got.response.headers.find("Retry-After");
        bool const counted = after && !after->empty() && after->size() < 4 && after->find_first_not_of("0123456789") == std::string::npos;
        auto const wait_ms = std::clamp<std::int64_t>(counted ? std::stoll(*after) : 1, 1, 61) * 1000;
        // A slice waits for nobody; who asks for many has the time.
        if (!shared.battery || shared.patience_ms.fetch_sub(wait_ms) < wait_ms) return came::limited;
        std::this_thread::sleep_for(milliseconds{wait_ms});
    }
    if (got.why != fault::none) {
        if (shared.alive(milliseconds{3'000})) return came::nothing;
        shared.lost = true;
        world_.inconclusive("the target stopped answering: " + got.detail);
    }
    int const status = got.response.status;
    if (status / 100 == 4) return came::refused;
    if (status / 100 != 2) return came::nothing;  // other checks judge it
    if (let_in_ < shown) {
        auto& steps = world_.findings().steps;
        auto s = std::make_shared<step>();
        s->number = steps.size() + 1;
        s->who = a.who;
        s->summary = a.request.method + ' ' + a.request.target.substr(0, 60) + "  " + c.what + ": " + a.detail;
        if (s->summary.size() > 200) s->summary.resize(200);
        s->remark = "let in, against " + std::string{c.clause};
        s->request = a.request;
        s->got = got;
        s->at = world_.now();
        if (auto body = json::parse(got.response.body)) s->body = *std::move(body);
        steps.push_back(s);
        if (let_in_ == 0) {
            first_ = c.what + " (" + a.detail + ") at " + a.request.method + ' ' + a.request.target.substr(0, a.request.target.find('?')) + ", against " + std::string{c.clause};
            first_step_ = s->number;
        }
    }
    return came::let_in;
}

void siege::run() {
    auto const& shared = world_.shared();
    std::size_t const wanted = shared.battery ? std::max<std::size_t>(1, *shared.battery / kinds_of_attempts) : of_a_slice;
    look();
    auto const end = steady::now() + time_of_a_slice;
    auto const goes_on = [&] {
        auto const made = tried_ + unanswered_;
        return !limited_ && made < wanted && (shared.battery || made < least || steady::now() < end);
    };
    for (std::size_t since = 0, made = 1; goes_on() && made > 0;) {
        made = 0;
        chance_.shuffle(deck_);
        for (auto const& c : deck_) {
            if (!goes_on()) break;
            auto luck = chance_.split();
            std::optional<attempt> a;
            try {
                a = c.make(luck);
            } catch (verdict_reached const&) {  // what it needs is refused
                if (let_in_ == 0) throw;
                return conclude();
            }
            if (!a) continue;
            ++made;
            auto const what = judge(c, *a);
            if (what == came::limited) limited_ = true;
            else if (what == came::nothing) ++unanswered_;
            else enter(c.what, c.clause, what == came::let_in);
            if (++since % between_looks == 0) look();
        }
    }
    look();
    conclude();
}

void siege::conclude() {
    auto& r = world_.findings();
    std::sort(r.battery.begin(), r.battery.end(), [](tally const& a, tally const& b) { return std::pair{a.what, a.clause} < std::pair{b.what, b.clause}; });
    r.cases += tried_;
    world_.note(std::to_string(tried_) + " " + of_ + ", each wrong in one way, " + std::to_string(let_in_) + " let in");
    if (unanswered_ > 0) world_.note(std::to_string(unanswered_) + " more had no answer, or one of neither 2xx nor 4xx, and are not counted");
    if (limited_) world_.note("the target's limits ended the attempts; what it answers with 429 is not counted");
    if (let_in_ > 0) {
        r.reason.clear();
        r.failure = finding{"none of " + std::to_string(tried_) + " " + of_ + " that are wrong in one way is let in",
                            std::to_string(let_in_) + (let_in_ == 1 ? " was" : " were") + ", first: " + first_, first_step_, wanted::refusal};
        throw verdict_reached{verdict::fail};
    }
    if (tried_ < least) world_.inconclusive("only " + std::to_string(tried_) + " attempts were made: ask for more with --battery");
    world_.evidence(std::to_string(tried_) + " " + of_ + " were refused");
}

}  // namespace bsp::conformance::battery
