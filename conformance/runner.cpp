#include "runner.hpp"

#include "privacy.hpp"

#include "clauses.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <latch>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

namespace bsp::conformance {
namespace {

/// Why a check cannot run here, or nothing.
struct obstacle {
    conformance::verdict verdict;
    std::string reason;
};

std::optional<obstacle> obstacle_to(surroundings const& world, registered_check const& what) {
    check const& c = *what.check;
    auto const missing = [&](need n, bool given) { return (c.needs & n) != 0 && !given; };
    auto const& o = world.options;
    if (what.profile == profile::tel && world.identity && !world.has_telemetry) return obstacle{verdict::not_applicable, "the target has no telemetry"};
    if (what.profile == profile::prv && world.identity && !world.has_privacy) return obstacle{verdict::not_applicable, "the target has no privacy settings"};
    if (missing(need::second_user, o.users.size() > 1)) return obstacle{verdict::untested, "needs a second user in --users"};
    if (missing(need::admin_token, o.admin_token.has_value())) return obstacle{verdict::untested, "needs --admin-token-file"};
    if (missing(need::restart_hook, !o.restart_command.empty())) return obstacle{verdict::untested, "needs --restart-cmd"};
    if (missing(need::kill_hook, !o.kill_command.empty())) return obstacle{verdict::untested, "needs --kill-cmd"};
    if (missing(need::peer_listener, world.peer_door != nullptr)) return obstacle{verdict::untested, "needs --peer-listen"};
    if (missing(need::a_minute, world.patient)) return obstacle{verdict::untested, "waits for a minute to be over: run with --patient"};
    if (missing(need::clock_hook, world.clock != nullptr)) return obstacle{verdict::untested, "needs --clock-url"};
    if (missing(need::sockets, world.target.has_sockets())) return obstacle{verdict::untested, "needs a connection over the network"};
    if (world.identity) {
        if (missing(need::hosted_target, world.identity->backend_type == "hosted")) return obstacle{verdict::not_applicable, "the target is a local backend"};
        if (missing(need::local_target, world.identity->backend_type == "local")) return obstacle{verdict::not_applicable, "the target is a hosted backend"};
    }
    return std::nullopt;
}

verdict verdict_at(level l, record const& r) {
    if (r.behaviour != verdict::pass || r.exactness != verdict::fail) return r.behaviour;
    bool const is_form = r.what->about == aspect::exactness;
    return l == level::strict || is_form ? verdict::fail : verdict::pass;
}

void apply_baseline(judged& j, run_options const& options) {
    auto const entry = std::find_if(options.baseline.begin(), options.baseline.end(), [&](auto const& e) { return e.check == j.what.check->id; });
    if (entry == options.baseline.end()) return;
    if (j.verdict == verdict::pass) {
        j.baseline_problem = "it passes, although it was expected to fail: remove the entry";
        return;
    }
    if (j.verdict != verdict::fail) return;
    auto const mentions = [&](finding const& f) { return f.expected.find(entry->reason) != std::string::npos || f.actual.find(entry->reason) != std::string::npos; };
    bool const same_reason = (j.record.failure && mentions(*j.record.failure)) || std::any_of(j.record.inexact.begin(), j.record.inexact.end(), mentions);
    if (!same_reason) j.baseline_problem = "it fails for another reason than the expected \"" + entry->reason + "\"";
    else if (has_expired(*entry, options.today)) j.baseline_problem = "the expectation expired on " + entry->expires;
    else j.baseline_comment = entry->comment, j.counts = false;
}

judged judge(registered_check const& what, record&& r, run_options const& options) {
    judged out{what, std::move(r), {}, false, {}, {}};
    out.verdict = verdict_at(options.level, out.record);
    auto const& c = *what.check;
    bool const strength_counts = c.strength == obligation::must || (c.strength == obligation::should && options.fail_on_should);
    bool const aspect_counts = options.level == level::strict || c.about == aspect::behaviour;
    out.counts = strength_counts && aspect_counts;
    apply_baseline(out, options);
    return out;
}

/// Hands out positions of a list, once each.
class dispenser {
public:
    explicit dispenser(std::size_t size) : size_{size} {}
    std::optional<std::size_t> next() {
        auto const n = given_++;
        return n < size_ ? std::optional{n} : std::nullopt;
    }

private:
    std::size_t size_;
    std::atomic<std::size_t> given_ = 0;
};

/// Begun first, beside everything else.
bool mostly_waits(check const& c) { return (c.needs & (need::patience | need::a_minute)) != 0; }

bool touches_second_user(registered_check const& c) { return (c.check->needs & (need::second_user | need::all_users)) != 0; }

class runner {
public:
    runner(surroundings& world, run_options const& options, run_observer const& observer) : world_{world}, options_{options}, observer_{observer} {
        world_.counterexample = [this](check const& c, finding const& f, std::size_t steps) {
            std::lock_guard const lock{mutex_};
            observer_.counterexample(c, f, steps);
        };
    }
    ~runner() { world_.counterexample = [](check const&, finding const&, std::size_t) {}; }
    runner(runner const&) = delete;
    runner& operator=(runner const&) = delete;

    std::vector<judged> run(std::vector<registered_check> const& selected) {
        std::vector<registered_check> together, of_a_user, alone, at_the_end, watching, waiting, last;
        for (auto const& c : selected)
            ((c.check->needs & need::clock_hook) ? last : mostly_waits(*c.check) ? waiting : (c.check->needs & need::own_user) ? of_a_user : (c.check->needs & need::alone) ? alone : (c.check->needs & need::at_the_end) ? at_the_end : (c.check->needs & need::peer_listener) ? watching : together).push_back(c);
        // The longest first, so that none of them is left when all else is done; and then those that keep the second user from others.
        auto const rest = std::ranges::stable_partition(together, [](auto const& c) { return (c.check->needs & need::generator) != 0; });
        std::ranges::stable_partition(rest, touches_second_user);

        watch(watching);
        std::latch second_user_is_free{std::ranges::count_if(waiting, touches_second_user) + std::ranges::count_if(together, touches_second_user)};
        auto const perform_among_others = [&](registered_check const& c) {
            perform(c);
            if (touches_second_user(c)) second_user_is_free.count_down();
        };
        std::vector<std::thread> threads;
        for (auto const& c : waiting) threads.emplace_back([&] { perform_among_others(c); });
        dispenser shared{together.size()};
        for (std::size_t i = 0; i < workers_for(together); ++i)
            threads.emplace_back([&] {
                while (auto const n = shared.next()) perform_among_others(together[*n]);
            });
        // Each user but the first, who is the other one of them all, serves one of the checks that want a user for themselves at a
        // time, as soon as nothing else needs it: from the third on none is needed.
        dispenser of_users{of_a_user.size()};
        auto const serve = [&](std::size_t user) {
            while (auto const n = of_users.next()) perform(of_a_user[*n], user);
        };
        std::vector<std::thread> servants;
        for (std::size_t user = 1; user < std::min<std::size_t>(world_.options.users.size(), options_.jobs); ++user)
            servants.emplace_back([&, user] {
                if (user == 1) second_user_is_free.wait();
                serve(user);
            });
        for (auto& t : threads) t.join();
        if (servants.empty()) serve(0);
        for (auto& t : servants) t.join();
        for (auto const& c : alone) perform(c);
        work_off(at_the_end, workers_for(at_the_end), [this](registered_check const& c) { perform(c); });
        look_again();
        for (auto const& c : last) perform(c);
        for (auto& d : std::exchange(doubtful_, {})) enter(d.what, std::move(d.look));

        std::sort(done_.begin(), done_.end(), [](judged const& a, judged const& b) { return a.what.index < b.what.index; });
        return std::move(done_);
    }

private:
    [[nodiscard]] std::size_t workers_for(std::vector<registered_check> const& checks) const { return std::min<std::size_t>(std::max(1u, options_.jobs), checks.size()); }

    /// Calls `f` with each, some at a time.
    template <class Range, class F>
    static void work_off(Range&& all, std::size_t at_once, F f) {
        dispenser shared{all.size()};
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < std::min<std::size_t>(at_once, all.size()); ++i)
            threads.emplace_back([&] {
                while (auto const n = shared.next()) f(all[*n]);
            });
    }

    static other_look beside(record const& r) {
        return {r.behaviour, r.failure ? "expected " + r.failure->expected + ", actual " + r.failure->actual : r.reason};
    }

    /// A check that watches the target, and what each look has brought.
    struct watched {
        registered_check const* what;
        std::vector<record> looks;

        [[nodiscard]] auto with(verdict v) const { return std::ranges::count(looks, v, &record::behaviour); }
        [[nodiscard]] bool is_doubtful() const { return with(verdict::fail) + with(verdict::inconclusive) == std::ssize(looks); }

        /// Two looks that blame the target decide; otherwise the best of them does.
        record decide() {
            bool const is_blamed = with(verdict::fail) > 1 || with(verdict::fail) == std::ssize(looks);
            auto const merit = [&](record const& r) { return r.behaviour == verdict::fail ? (is_blamed ? 3 : 0) : r.behaviour == verdict::inconclusive ? 1 : 2; };
            auto& chosen = *std::ranges::max_element(looks, {}, merit);
            for (auto const& r : looks)
                if (&r != &chosen) chosen.other_looks.push_back(beside(r));
            return std::move(chosen);
        }
    };

    /// What the target does of its own accord is mostly waited for: all at once, and before the others fill its store. One that
    /// is slow is then looked at again with less to do at a time.
    void watch(std::vector<registered_check> const& checks) {
        constexpr std::size_t again_at_once = 24, finally_at_once = 6;
        std::vector<watched> all;
        for (auto const& c : checks) all.push_back({&c, {}});
        look(all, all.size(), [](watched const&) { return true; });
        if (options_.looks_again) {
            look(all, again_at_once, [](watched const& w) { return w.is_doubtful(); });
            look(all, finally_at_once, [](watched const& w) { return w.looks.size() == 2 && w.with(verdict::fail) == 1; });
        }
        for (auto& w : all) enter(*w.what, w.decide());
    }

    void look(std::vector<watched>& all, std::size_t at_once, bool (*is_due)(watched const&)) {
        std::vector<watched*> due;
        for (auto& w : all)
            if (is_due(w)) due.push_back(&w);
        work_off(due, at_once, [this](watched* w) {
            record r{*w->what->check, w->what->index};
            if (!w->looks.empty()) r.names = w->looks.back().names;
            attempt(*w->what, r, w->looks.empty());
            w->looks.push_back(std::move(r));
        });
    }

    void perform(registered_check const& what, std::size_t user = 0) {
        record r{*what.check, what.index};
        r.user = user;
        attempt(what, r, true);
        if (!options_.looks_again || !may_be_for_want_of_time(r)) return enter(what, std::move(r));
        std::lock_guard const lock{mutex_};
        doubtful_.push_back({what, std::move(r)});
    }

    /// Whether a target that is right and slow, beside all that the suite does at once, could have brought it about.
    static bool may_be_for_want_of_time(record const& r) {
        if (r.behaviour != verdict::fail) return r.behaviour == verdict::inconclusive;
        return r.failure->of_time || std::ranges::any_of(r.steps, [](auto const& s) { return s->got.why == fault::timeout; });
    }

    /// What may have been for want of time is judged once more while hardly anything else is, and that counts: those that mostly
    /// wait a few at a time, then the others one by one. Where this takes longer than all before it the target is not slow but
    /// broken, and the first look stands.
    void look_again() {
        constexpr std::size_t waiting_at_once = 6;
        constexpr std::chrono::seconds at_least{30};
        auto const now = std::chrono::steady_clock::now();
        auto const end = now + std::max<std::chrono::steady_clock::duration>(at_least, now - begin_);
        auto doubtful = std::exchange(doubtful_, {});
        auto const others = std::ranges::stable_partition(doubtful, [](doubt const& d) { return mostly_waits(*d.what.check); });
        auto const look = [&](doubt& d) {
            if (world_.lost || std::chrono::steady_clock::now() > end) return enter(d.what, std::move(d.look));
            record second{*d.what.check, d.what.index};
            second.user = d.look.user;
            second.names = d.look.names;
            attempt(d.what, second, false);
            second.other_looks.push_back(beside(d.look));
            enter(d.what, std::move(second));
        };
        work_off(std::span{doubtful.begin(), others.begin()}, waiting_at_once, look);
        work_off(others, 1, look);
    }

    void attempt(registered_check const& what, record& r, bool is_first) {
        if (world_.lost) {
            r.behaviour = verdict::untested;
            r.reason = "the target stopped answering before";
        } else if (auto const o = obstacle_to(world_, what)) {
            r.behaviour = o->verdict;
            r.reason = o->reason;
        } else {
            if (is_first) {
                std::lock_guard const lock{mutex_};
                observer_.started(what);
            }
            bool const waits = mostly_waits(*what.check);  // which kills no target
            auto const beside = waits ? 1 : in_flight_++;
            bool const before = world_.lost;
            run_one(world_, what, r);
            // With nothing beside it, a check during which the target died is the one that killed it.
            if (!before && world_.lost && beside == 0 && in_flight_ == 1 && r.behaviour == verdict::inconclusive) {
                r.failure = finding{"the target survives this request", r.reason, r.steps.size()};
                r.behaviour = verdict::fail;
            }
            if (!waits) --in_flight_;
        }
    }

    void enter(registered_check const& what, record&& r) {
        std::lock_guard const lock{mutex_};
        done_.push_back(judge(what, std::move(r), options_));
        observer_.finished(done_.back());
    }

    surroundings& world_;
    run_options const& options_;
    run_observer const& observer_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    struct doubt {
        registered_check what;
        record look;
    };
    std::mutex mutex_;
    std::vector<judged> done_;
    std::vector<doubt> doubtful_;
    std::atomic<int> in_flight_ = 0;
};

attained reached(std::vector<judged> const& checks, level l) {
    bool any = false, open = false;
    for (auto const& j : checks) {
        if (j.what.check->strength != obligation::must) continue;
        if (l == level::compatible && j.what.check->about == aspect::exactness) continue;
        auto const v = verdict_at(l, j.record);
        if (v == verdict::fail) return attained::no;
        any = any || v == verdict::pass;
        open = open || v == verdict::inconclusive || v == verdict::harness_error;
    }
    return any && !open ? attained::yes : attained::not_shown;
}

int exit_code_of(run_result const& r) {
    if (r.target_lost) return exit_code::unreachable;
    bool failed = false, own = false, open = false, any = false;
    for (auto const& j : r.checks) {
        failed = failed || (j.verdict == verdict::fail && j.counts) || !j.baseline_problem.empty();
        own = own || j.verdict == verdict::harness_error;
        open = open || (j.verdict == verdict::inconclusive && j.counts);
        any = any || j.verdict == verdict::pass;
    }
    return failed ? exit_code::failed : own ? exit_code::own_fault : open || !any ? exit_code::inconclusive : exit_code::conformant;
}

/// From best to worst, for a clause with several checks.
int rank(verdict v) {
    switch (v) {
        case verdict::not_applicable: return 0;
        case verdict::untested: return 1;
        case verdict::pass: return 2;
        case verdict::inconclusive: return 3;
        case verdict::harness_error: return 4;
        case verdict::fail: return 5;
    }
    return 4;
}

}  // namespace

void run_one(surroundings& world, registered_check const& what, record& r) {
    auto const begin = std::chrono::steady_clock::now();
    try {
        scenario s{world, r};
        what.check->run(s);
        r.close();
    } catch (verdict_reached const& reached) {
        if (reached.verdict == verdict::fail || reached.verdict == verdict::pass) r.close();
        else r.behaviour = reached.verdict;
    } catch (std::exception const& e) {
        r.behaviour = verdict::harness_error;
        r.reason = e.what();
    }
    r.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
}

std::map<std::string, verdict> judge_clauses(std::vector<judged> const& checks) {
    std::map<std::string, verdict> out;
    for (auto const& c : specification().clauses) out.emplace(c.id, verdict::untested);
    std::map<std::string, bool> seen;
    for (auto const& j : checks)
        for (auto const id : j.what.check->clauses) {
            std::string const name{id};
            if (!seen[name]) out[name] = j.verdict, seen[name] = true;
            else if (rank(j.verdict) > rank(out[name])) out[name] = j.verdict;
        }
    return out;
}

run_result run(surroundings& world, std::vector<registered_check> const& selected, run_options const& options, run_observer const& observer) {
    run_result out;
    if (world.has_privacy && world.privacy_found.empty()) look_at_privacy(world);  // an earlier run has put it back
    out.checks = runner{world, options, observer}.run(selected);
    restore_privacy(world);
    out.clauses = judge_clauses(out.checks);
    out.compatible = reached(out.checks, level::compatible);
    out.strict = reached(out.checks, level::strict);
    out.target_lost = world.lost;
    out.exit_code = exit_code_of(out);
    return out;
}

result<std::vector<registered_check>> select(selection const& wanted) {
    auto const hits = [](std::string const& pattern, registered_check const& c) {
        return matches(pattern, c.check->id) || pattern == c.group ||
               std::any_of(c.check->clauses.begin(), c.check->clauses.end(), [&](std::string_view id) { return matches(pattern, id); });
    };
    for (auto const* patterns : {&wanted.only, &wanted.skip})
        for (auto const& pattern : *patterns) {
            auto const& all = all_checks();
            if (std::any_of(all.begin(), all.end(), [&](auto const& c) { return hits(pattern, c); })) continue;
            std::vector<std::string> candidates;
            for (auto const& c : all) candidates.emplace_back(c.check->id);
            for (auto const& c : specification().clauses) candidates.push_back(c.id);
            auto const near = did_you_mean(pattern, candidates);
            return fail(errc::bad_request, "no check matches \"" + pattern + "\"" + (near.empty() ? "; see `bsp-conformance list`" : "; did you mean " + near + "?"));
        }
    std::vector<registered_check> out;
    for (auto const& c : all_checks()) {
        auto const any_of = [&](std::vector<std::string> const& patterns) { return std::any_of(patterns.begin(), patterns.end(), [&](auto const& p) { return hits(p, c); }); };
        // Fuzzing takes its time, so it is done on demand: by its profile, or by the name of a check or of its group.
        bool const by_name = std::any_of(wanted.only.begin(), wanted.only.end(), [&](auto const& p) { return p == c.check->id || p == c.group; });
        bool const by_default = c.profile != profile::fuzz || by_name;
        bool const in_profile = wanted.profiles.empty() ? by_default : std::find(wanted.profiles.begin(), wanted.profiles.end(), c.profile) != wanted.profiles.end();
        if (in_profile && (wanted.only.empty() || any_of(wanted.only)) && !any_of(wanted.skip)) out.push_back(c);
    }
    if (out.empty()) return fail(errc::bad_request, "the selection leaves no check to run");
    return out;
}

}  // namespace bsp::conformance
