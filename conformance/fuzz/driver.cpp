#include "driver.hpp"

#include "leaks.hpp"

#include "../json.hpp"
#include "../surroundings.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <thread>

namespace bsp::conformance::fuzz {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{5};          // an answer that takes longer is a hang
constexpr std::chrono::milliseconds shrinking_time{2'000};  // of one finding, at most
constexpr std::size_t findings_shrunk = 5, findings_kept = 20;

std::string kinds_of(std::vector<mutation> const& all) {
    std::vector<std::string> kinds;
    for (auto const& m : all) kinds.push_back(m.kind);
    std::sort(kinds.begin(), kinds.end());
    kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
    std::string out;
    for (auto const& k : kinds) out += (out.empty() ? "" : " + ") + k;
    return out.empty() ? "valid" : out;
}

std::string details_of(std::vector<mutation> const& all) {
    std::string out;
    for (auto const& m : all) out += (out.empty() ? "" : "; ") + m.detail;
    return out.empty() ? "nothing changed" : out;
}

/// What the status of the answer that is troubled should have been.
wanted wanted_by(std::string_view kind) {
    if (kind == "accepted") return wanted::refusal;
    if (kind == "refused") return wanted::success;
    return kind == "server error" || kind == "hang" || kind == "no answer" || kind == "death" ? wanted::answer : wanted::content;
}

std::string bytes_of(http_request const& r) {
    std::string out = r.method + ' ' + r.target + '\n';
    for (auto const& [name, value] : r.headers) out += name + ": " + value + '\n';
    return out + r.body;
}

}  // namespace

driver::driver(scenario& s, std::chrono::milliseconds time)
    : world_{s}, chance_{s.pick(SIZE_MAX)}, end_{steady::now() + time}, control_{s.register_peer()}, canary_{s.fresh("canary")} {
    auto const secret_content = s.canary(24);
    s.control(control_.push({s.conversation(canary_, 1, {s.message("kept", secret_content)})}), "a push of the control peer");
    auto const x = s.user().read(canary_);
    s.control(x, "reading the control peer's conversation");
    s.control(ids_at(x.body(), "/messages") == std::vector<std::string>{"kept"}, "the control peer's conversation holds its message");
    canary_state_ = x.body();
    for (auto const& u : s.shared().options.users) secrets_.push_back(u.secret);
    if (s.shared().options.admin_token) secrets_.push_back(*s.shared().options.admin_token);
    secrets_.push_back(secret_content);
}

bool driver::time_left() const { return !dead_ && steady::now() < end_; }

answer driver::send(http_request const& request) {
    for (;;) {
        auto got = world_.shared().target.send(request, std::min<std::chrono::milliseconds>(world_.shared().options.timeout, patience));
        if (got.why != fault::none || got.response.status != 429 || !time_left()) return got;
        auto const* after = got.response.headers.find("Retry-After");
        bool const counted = after && !after->empty() && after->size() < 3 && after->find_first_not_of("0123456789") == std::string::npos;
        std::this_thread::sleep_until(std::min(end_, steady::now() + std::chrono::seconds{counted ? std::max(1, std::stoi(*after)) : 1}));
    }
}

answer driver::ask(caller const& who, std::string_view method, std::string const& path) {
    http_request request{std::string{method}, world_.target_path(path), {}, {}, {}};
    if (auto value = who.authorization(method, path); !value.empty()) request.headers.add("Authorization", std::move(value));
    return send(request);
}

std::optional<trouble> driver::look_at_answer(int status, std::string_view body, std::string_view request) const {
    if (status >= 500 && status != 501 && status != 503) return trouble{"server error", "no 5xx status", "status " + std::to_string(status)};
    if (status >= 400)
        if (auto const leak = leak_in(body, request, secrets_); !leak.empty())
            return trouble{"leak", "an error that tells nothing of the inside", leak + " in " + std::string{body.substr(0, 200)}};
    return std::nullopt;
}

std::optional<trouble> driver::judge(attack const& a, answer const& got) {
    if (got.why == fault::timeout) {
        bool const alive = world_.shared().alive(patience);
        if (!alive) dead_ = true;
        return trouble{alive ? "hang" : "death", "an answer within " + std::to_string(patience.count()) + " s", got.detail + (alive ? "" : ", and nothing else is answered since")};
    }
    if (got.why != fault::none) {
        if (world_.shared().alive(patience)) return trouble{"no answer", "an answer", got.detail};
        dead_ = true;
        return trouble{"death", "the target survives this request", got.detail + ", and nothing is answered since"};
    }
    int const status = got.response.status;
    if (got.took >= patience) return trouble{"hang", "an answer within " + std::to_string(patience.count()) + " s", "it took " + std::to_string(got.took.count() / 1'000) + " ms"};
    if (auto t = look_at_answer(status, got.response.body, bytes_of(a.request))) return t;
    if (a.told.wanted == demand::refused && status < 400)
        return trouble{"accepted", "a refusal, because " + a.told.because, "status " + std::to_string(status)};
    if (a.told.wanted == demand::accepted && status >= 300 && status != 413 && status != 429 && status < 500)
        return trouble{"refused", "success, because " + a.told.because, "status " + std::to_string(status) + ' ' + got.response.body.substr(0, 160)};
    return a.afterwards ? a.afterwards(got) : std::nullopt;
}

driver::outcome driver::execute(subject const& of, std::vector<mutation> const& mutations) {
    auto d = of.fresh();
    for (auto const& m : mutations) m.apply(d);
    auto const a = of.finish(std::move(d));
    last_ = of.name + ", " + details_of(mutations);
    outcome out{std::nullopt, a.request, send(a.request)};
    out.found = judge(a, out.got);
    return out;
}

void driver::control(subject const& of) {
    auto const out = execute(of, {});
    auto const s = step_of(out, of.who, of.name + "  valid");
    s->number = world_.findings().steps.size() + 1;
    world_.findings().steps.push_back(s);
    world_.control(exchange{s}, "a valid " + of.name);
    if (out.found) world_.inconclusive("control failed: a valid " + of.name + ": expected " + out.found->expected + ", got " + out.found->actual);
}

void driver::attempt(subject const& of, std::vector<mutation> mutations) {
    ++cases_[of.name];
    auto out = execute(of, mutations);
    if (!out.found) {
        watch();
        return;
    }
    if (out.found->kind == "hang" || out.found->kind == "no answer") {
        // The machine may have been busy, or the connection unlucky: it counts if it happens again and others are served.
        auto again = execute(of, mutations);
        if (!again.found || again.found->kind != out.found->kind) return;
        out = std::move(again);
    }
    auto const kind = out.found->kind;
    auto const known_as = [&](std::string const& cases) {
        return std::find_if(findings_.begin(), findings_.end(), [&](auto const& f) { return f.endpoint == of.name && f.what.kind == kind && f.cases == cases; });
    };
    // What a known cause of this kind explains need not be made small again.
    for (auto& f : findings_)
        if (f.endpoint == of.name && f.what.kind == kind && std::any_of(mutations.begin(), mutations.end(), [&](auto const& m) { return m.kind == f.cases; })) {
            ++f.times;
            return;
        }
    if (findings_.size() >= findings_kept) return;

    std::size_t attempts = 0;
    auto smallest = mutations;
    if (!dead_ && findings_.size() < findings_shrunk) smallest = minimised(of, mutations, *out.found, attempts);
    finding_of_fuzz f{of.name, kinds_of(smallest), details_of(smallest), *out.found, {}, 0, 0, attempts, 1};
    if (smallest.size() > mutations.size()) {  // removals that minimising added do not name the cause
        auto causes = smallest;
        causes.erase(std::remove_if(causes.begin(), causes.end(), [](auto const& m) { return m.kind == "shrunk"; }), causes.end());
        f.cases = kinds_of(causes), f.detail = details_of(causes);
    }
    if (auto const known = known_as(f.cases); known != findings_.end()) {
        ++known->times;
        return;
    }
    if (!dead_ && kind != "hang")
        for (; f.repeated < 3; ++f.repeated) {
            auto again = execute(of, smallest);
            if (!again.found || again.found->kind != kind) continue;
            ++f.reproduced;
            out = std::move(again);
        }
    f.what = *out.found;
    f.as = step_of(out, of.who, of.name + "  " + f.detail);
    findings_.push_back(std::move(f));
}

std::vector<mutation> driver::minimised(subject const& of, std::vector<mutation> now, trouble const& as, std::size_t& attempts) {
    auto const until = steady::now() + std::min(shrinking_time, world_.shared().shrink_time);
    auto const still = [&](std::vector<mutation> const& candidate) {
        if (dead_ || steady::now() >= until) return false;
        ++attempts;
        auto const out = execute(of, candidate);
        return out.found && out.found->kind == as.kind;
    };
    for (std::size_t i = 0; i < now.size() && now.size() > 1;) {
        auto fewer = now;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (still(fewer)) now = std::move(fewer);
        else ++i;
    }
    if (as.kind == "hang") return now;
    auto const body = of.fresh().body;
    if (!body) return now;
    auto places = places_in(*body);
    // From the end, so that what stands before keeps its position.
    for (auto p = places.rbegin(); p != places.rend() && steady::now() < until; ++p) {
        if (p->empty()) continue;
        auto smaller = now;
        smaller.push_back(removal_of(*p));
        smaller.back().kind = "shrunk";
        if (still(smaller)) now = std::move(smaller);
    }
    return now;
}

void driver::report(std::string const& endpoint, std::string const& kind_of_case, std::string const& detail, trouble found, std::shared_ptr<step> as) {
    for (auto& f : findings_)
        if (f.endpoint == endpoint && f.cases == kind_of_case && f.what.kind == found.kind) {
            ++f.times;
            return;
        }
    if (found.kind == "death") dead_ = true;
    if (findings_.size() < findings_kept) findings_.push_back({endpoint, kind_of_case, detail, std::move(found), std::move(as), 0, 0, 0, 1});
}

void driver::watch(bool now) {
    if (dead_ || (++watched_ % 8 != 0 && !now)) return;
    auto const owner = world_.user();
    auto const path = "/conversations/" + canary_;
    auto const got = ask(owner, "GET", path);
    trouble t{"state", "the control peer's conversation is untouched", {}};
    if (got.why != fault::none) {
        if (world_.shared().alive(patience)) return;  // an unlucky connection, or a busy machine
        dead_ = true;
        t = {"death", "the target still answers", got.detail};
    } else if (auto const state = json::parse(got.response.body); got.response.status == 200 && state && same(*state, canary_state_)) {
        return;
    } else {
        t.actual = "status " + std::to_string(got.response.status) + ' ' + got.response.body.substr(0, 160);
    }
    outcome const out{t, {"GET", world_.target_path(path), {}, {}, {}}, got};
    report("GET /conversations/{id}", "watch", "after " + last_ + " (or one of the seven requests before)", t, step_of(out, owner.name(), "GET the canary, after " + last_));
}

std::shared_ptr<step> driver::step_of(outcome const& out, std::string const& who, std::string summary) const {
    auto s = std::make_shared<step>();
    s->who = who;
    s->summary = summary.size() > 200 ? summary.substr(0, 200) : std::move(summary);
    while (!s->summary.empty() && (static_cast<unsigned char>(s->summary.back()) & 0x80) != 0) s->summary.pop_back();  // no half character at the cut
    s->at = world_.now();
    s->request = out.request;
    s->got = out.got;
    if (out.got.why == fault::none)
        if (auto body = json::parse(out.got.response.body)) s->body = *std::move(body);
    return s;
}

void driver::conclude(std::string const& what) {
    watch(true);
    std::size_t total = 0;
    std::string counts;
    for (auto const& [endpoint, n] : cases_) total += n, counts += (counts.empty() ? "" : ", ") + std::to_string(n) + " of " + endpoint;
    if (!counts.empty()) world_.note(counts);
    auto& r = world_.findings();
    r.cases += total;
    if (findings_.empty()) {
        if (total == 0) world_.inconclusive("no time was left for a case: give more with --fuzz-time");
        world_.evidence(std::to_string(total) + " " + what);
        return;
    }
    if (dead_) world_.shared().lost = true;
    for (auto& f : findings_) {
        f.as->number = r.steps.size() + 1;
        f.as->remark = f.what.kind + (f.times > 1 ? ", " + std::to_string(f.times) + " times" : "") + ": expected " + f.what.expected;
        r.steps.push_back(f.as);
        world_.note(f.what.kind + "  " + f.endpoint + "  " + f.detail);
    }
    auto const& first = findings_.front();
    shrinking how;
    how.steps_before = r.steps.size();
    how.cases = static_cast<int>(total), how.attempts = static_cast<int>(first.attempts);
    how.reproduced = first.reproduced, how.repeated = first.repeated;
    if (how.repeated > 0) r.shrunk = how;
    r.failure = finding{first.what.expected + " for " + first.endpoint + " (" + first.detail + ")",
                        first.what.kind + ": " + first.what.actual + (findings_.size() > 1 ? "; and " + std::to_string(findings_.size() - 1) + " other findings" : ""), first.as->number,
                        wanted_by(first.what.kind)};
    throw verdict_reached{verdict::fail};
}

}  // namespace bsp::conformance::fuzz
