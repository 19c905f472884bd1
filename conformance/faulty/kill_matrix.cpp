#include "kill_matrix.hpp"

#include "degenerate.hpp"
#include "laboratory.hpp"
#include "observed_backend.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <ostream>
#include <set>
#include <sstream>
#include <thread>

namespace bsp::conformance {

namespace {

/// Checks that no wrong backend of ours can fail, and why. A check is either here or named by a fault that it kills.
std::vector<std::pair<std::string_view, std::string_view>> const without_fault{
    {"trn/tls-floor", "the wrong backends speak no TLS; tests/e2e/https_by_itself.py has one that speaks TLS 1.1"},
    {"trn/no-cleartext", "the wrong backends speak no TLS; tests/e2e/https_by_itself.py has one that speaks both on one port"},
};

std::string joined(std::vector<std::string> const& words) {
    std::string out;
    for (auto const& w : words) out += (out.empty() ? "" : ", ") + w;
    return out.empty() ? "–" : out;
}

std::string_view word(fate f) {
    switch (f) {
        case fate::killed: return "KILLED";
        case fate::survived: return "SURVIVED";
        case fate::is_void: return "VOID";
        case fate::unreachable: return "UNREACHABLE";
    }
    return "?";
}

/// Of the faults of one round, or of all rounds (0): how many were tried and how many caught at first sight.
std::pair<int, int> tried_and_caught(std::vector<autopsy> const& rows, int round) {
    std::pair<int, int> out{};
    for (auto const& a : rows)
        if (auto const& t = a.fault->first_sight; t && (round == 0 || t->round == round)) {
            ++out.first;
            out.second += t->caught;
        }
    return out;
}

std::string first_sight_line(std::vector<autopsy> const& rows) {
    auto const [tried, caught] = tried_and_caught(rows, 0);
    if (tried == 0) return {};
    return std::to_string(tried) + " of these faults were thought up from the specification when the checks had been written. " + std::to_string(caught) +
           " of them were caught at\n[first sight](#first-sight).\n\n";
}

std::string first_sight_section(std::vector<autopsy> const& rows) {
    if (tried_and_caught(rows, 0).first == 0) return {};
    std::ostringstream out;
    out << "\n## First sight\n\n"
           "A suite catches what its author thought of. To see what it does with other mistakes, backends were broken in ways thought up by reading the\n"
           "specification alone, as somebody in a hurry would implement it with the habits of a language and its libraries, without a look at the checks.\n"
           "Each round met the suite as it was before it; the checks written for what was missed were no part of it.\n"
           "Caught at first sight is what failed at least one check of a requirement; the checks that run on demand only (profile FUZZ) do not count.\n"
           "Twelve of those caught were caught by luck, because checks run side by side, and got a check that names them. What was missed led to checks of\n"
           "the whole class of such mistakes. Mutants that turned out to break no clause, or to show only by chance, were dropped and are not counted.\n"
           "From the fourth round on each met the checks of the areas in which it could show, without batteries, which may have seen more of them; in the\n"
           "fourth without histories, too. The seventh and those after it were made of the backend in Python, as far as that goes, and met the whole\n"
           "suite, as clients that of clients, the servers of the tenth and eleventh the profiles of their areas; the rows are the same mistakes in C++. Two of\n"
           "the tenth (F-OFF-1010 and F-OFF-1011) were found by reading, in backends that had been taken for right.\n\n"
           "| Round | Tried | Caught at first sight |\n|---|---|---|\n";
    for (int round = 1; tried_and_caught(rows, round).first > 0; ++round) {
        auto const [tried, caught] = tried_and_caught(rows, round);
        out << "| " << round << " | " << tried << " | " << caught << " |\n";
    }
    out << "\nMissed at first sight, and what catches it now:\n\n| Fault | What is wrong | Killed by |\n|---|---|---|\n";
    for (auto const& a : rows)
        if (a.fault->first_sight && !a.fault->first_sight->caught) out << "| " << a.fault->id << " | " << a.fault->title << " | " << joined(a.killers) << " |\n";
    return out.str();
}

/// The identity is right at every degenerate target, and health is the same for ever: checks of these alone prove nothing else.
bool did_more_than_look(record const& r) {
    return std::any_of(r.steps.begin(), r.steps.end(), [](auto const& s) { return !s->request.target.empty() && (s->request.method != "GET" || (!s->request.target.ends_with("/identity") && s->request.target.find("/health") == std::string::npos)); });
}

}  // namespace

void kill_matrix::tell(std::string const& lines) {
    std::lock_guard const lock{mutex_};
    progress_ << lines << '\n' << std::flush;
}

namespace {

bool is_of_client(faulty::fault const& f) { return f.needs == faulty::setting::client || f.needs == faulty::setting::hosted_client; }

std::vector<registered_check> checks_of_clients() {
    std::vector<registered_check> out;
    for (auto const& c : all_checks())
        if ((c.check->needs & need::peer_listener) != 0) out.push_back(c);
    return out;
}

}  // namespace

/// Tells who was blamed; whether nobody was.
bool kill_matrix::nobody_is_blamed(std::string const& what, run_result const& result) {
    bool green = true;
    std::map<verdict, int> count;
    std::ostringstream lines;
    for (auto const& j : result.checks) {
        ++count[j.verdict];
        if (j.verdict == verdict::pass || j.verdict == verdict::untested || j.verdict == verdict::not_applicable) continue;
        green = false;
        lines << "BLAMED  the correct " << what << ": " << j.what.check->id << "  " << to_string(j.verdict) << "  ";
        if (j.record.failure) lines << "expected " << j.record.failure->expected << ", actual " << j.record.failure->actual;
        for (auto const& f : j.record.inexact) lines << " [form] expected " << f.expected << ", actual " << f.actual;
        lines << j.record.reason << '\n';
    }
    if (result.target_lost) green = false, lines << "BLAMED  the correct " << what << ": it was taken for dead\n";
    lines << "correct " << what << ':';
    for (auto const& [v, n] : count) lines << ' ' << n << ' ' << to_string(v);
    tell(lines.str());
    return green;
}

bool kill_matrix::correct_client_is_green() {
    bool green = true;
    for (char const* type : {"hosted", "local"}) {
        laboratory lab;
        lab.settings.backend_type = type;
        lab.serve_client(faulty::complete_backend, lab.settings);
        green = nobody_is_blamed(std::string{type} + " backend as a client", run(lab.world, checks_of_clients(), {.looks_again = true})) && green;
    }
    return green;
}

bool kill_matrix::correct_is_green() {
    laboratory lab;
    bool green = true;
    lab.world.patience_ms = 30 * 60'000, lab.world.battery = 1'200;  // it spends many a budget
    for (char const* type : {"hosted", "local"}) {
        lab.settings.backend_type = type;
        lab.put(faulty::complete_backend(lab.settings));
        green = nobody_is_blamed(std::string{type} + " backend", run(lab.world, all_checks(), {.looks_again = true})) && green;
    }
    std::vector<registered_check> of_bytes;
    for (auto const& c : all_checks())
        if ((c.check->needs & need::sockets) != 0) of_bytes.push_back(c);
    for (char const* type : {"hosted", "local"}) {
        lab.settings.backend_type = type;
        lab.serve(faulty::complete_backend, lab.settings, faulty::framing{});
        green = nobody_is_blamed(std::string{type} + " backend behind the correct door", run(lab.world, of_bytes, {.looks_again = true})) && green;
    }
    return green;
}

namespace {

/// The checks that a fault names; a name of nothing goes to the remark.
std::vector<registered_check> named_by(faulty::fault const& f, autopsy& out) {
    std::vector<registered_check> named;
    for (auto id : f.killed_by)
        if (auto const* c = find_check(id)) named.push_back(*c);
        else out.remark += (out.remark.empty() ? "no check " : ", ") + std::string{id};
    return named;
}

/// Fills in what the verdicts say of the fault.
void conclude(autopsy& out, std::vector<registered_check> const& named, run_result const& results) {
    std::set<std::string> clauses;
    bool ran = false;
    for (auto const& j : results.checks) {
        bool const is_named = std::any_of(named.begin(), named.end(), [&](auto const& c) { return c.index == j.what.index; });
        if (is_named) {
            ran = ran || (j.verdict != verdict::untested && j.verdict != verdict::not_applicable && j.verdict != verdict::harness_error);
            if (j.verdict != verdict::fail) out.remark += (out.remark.empty() ? "" : "; ") + std::string{j.what.check->id} + " " + std::string{to_string(j.verdict)} + " " + j.record.reason;
        }
        if (j.verdict != verdict::fail) continue;
        std::string const id{j.what.check->id};
        (is_named ? out.killers : out.bystanders).push_back(id);
        if (is_named) clauses.insert(j.what.check->clauses.begin(), j.what.check->clauses.end());
    }
    out.clauses.assign(clauses.begin(), clauses.end());
    out.fate = !out.killers.empty() ? fate::killed : ran ? fate::survived : fate::is_void;
}

/// What is examined while nothing else is: fuzzing finds the less the busier the machine is.
bool wants_quiet(faulty::fault const& f) {
    return std::any_of(f.killed_by.begin(), f.killed_by.end(), [](auto id) {
        auto const* c = find_check(id);
        return c && c->profile == profile::fuzz;
    });
}

/// Calls `examine` of one of `workers` for each fault, all of these side by side.
void side_by_side(std::vector<faulty::fault const*> const& faults, std::size_t workers, std::function<std::function<void(faulty::fault const&)>()> const& worker) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(workers, faults.size()); ++i)
        threads.emplace_back([&] {
            auto const examine = worker();
            for (std::size_t n = 0; (n = next++) < faults.size();) examine(*faults[n]);
        });
}

}  // namespace

autopsy kill_matrix::examine(laboratory& lab, faulty::fault const& f, bool all_checks_too) {
    autopsy out{&f, fate::is_void, {}, {}, {}, all_checks_too, {}};
    if (f.needs == faulty::setting::unreachable) {
        out.fate = fate::unreachable;
        return out;
    }
    auto const named = named_by(f, out);
    if (named.empty()) return out;
    out.remark.clear();

    faulty::settings s = lab.settings;
    bool const is_local = f.needs == faulty::setting::local || f.needs == faulty::setting::client;
    s.backend_type = is_local ? "local" : "hosted";
    bool const sockets = std::all_of(named.begin(), named.end(), [](auto const& c) { return (c.check->needs & need::sockets) != 0; });
    try {
        bool const streams = std::any_of(named.begin(), named.end(), [](auto const& c) { return c.profile == profile::tel || c.profile == profile::sec || c.profile == profile::prv || c.profile == profile::obs; });
        if (is_of_client(f)) lab.serve_client(f.make, s);
        else if (sockets || f.door) lab.serve(f.make, s, streams && !f.door ? faulty::framing{} : f.door);
        else lab.put(std::shared_ptr<faulty::backend>{f.make(s)});
    } catch (std::exception const& e) {
        out.remark = e.what();
        return out;
    }

    // Fuzzing lasts as long as it is told to, and finds whatever there is: it says nothing of precision.
    auto const all = [&] { return is_of_client(f) ? checks_of_clients() : *select({}); };
    conclude(out, named, run(lab.world, all_checks_too ? all() : named, {}));
    return out;
}

bool kill_matrix::kill(std::vector<std::string> const& only, bool all_checks_too) {
    std::vector<faulty::fault const*> of_clients, mostly_waited_for, one_by_one;
    for (auto const& f : faulty::all_faults()) {
        if (!only.empty() && std::find(only.begin(), only.end(), f.id) == only.end()) continue;
        (is_of_client(f) ? of_clients : all_checks_too || wants_quiet(f) ? one_by_one : mostly_waited_for).push_back(&f);
    }
    std::map<fate, int> count;
    std::mutex mutex;
    auto const enter = [&](autopsy a) {
        std::string line = std::string{word(a.fate)} + "  " + std::string{a.fault->id} + "  " + std::string{a.fault->title} + "  " + joined(a.killers);
        if (!a.remark.empty()) line += "  (" + a.remark + ')';
        if (a.all_run) line += "  beside it " + std::to_string(a.bystanders.size()) + ": " + joined(a.bystanders);
        tell(line);
        std::lock_guard const lock{mutex};
        ++count[a.fate];
        rows_.push_back(std::move(a));
    };
    side_by_side(mostly_waited_for, 8 * std::max(1u, std::thread::hardware_concurrency()), [&] {
        return [&, lab = std::make_shared<laboratory>()](faulty::fault const& f) { enter(examine(*lab, f, all_checks_too)); };
    });
    side_by_side(of_clients, 64, [&] {
        return [&](faulty::fault const& f) {
            laboratory lab;  // the suite is a peer of this backend alone
            enter(examine(lab, f, all_checks_too));
        };
    });
    laboratory quiet;
    for (auto const* f : one_by_one) enter(examine(quiet, *f, all_checks_too));
    // Beside others, a check may run out of its time: who got away is examined once more alone.
    for (auto& a : rows_) {
        if (a.fate != fate::survived && a.fate != fate::is_void) continue;
        auto const again = [&] {
            if (!is_of_client(*a.fault)) return examine(quiet, *a.fault, all_checks_too);
            laboratory lab;
            return examine(lab, *a.fault, all_checks_too);
        }();
        if (again.fate != fate::killed) continue;
        --count[a.fate], ++count[again.fate];
        tell(std::string{word(again.fate)} + "  " + std::string{again.fault->id} + "  at the second examination  " + joined(again.killers));
        a = again;
    }

    // As they are listed, whichever ended first.
    std::sort(rows_.begin(), rows_.end(), [](autopsy const& a, autopsy const& b) { return a.fault < b.fault; });
    std::string sum;
    for (auto const& [f, n] : count) sum += std::to_string(n) + ' ' + std::string{word(f)} + ' ';
    tell(sum);
    return count[fate::survived] == 0 && count[fate::is_void] == 0;
}

bool kill_matrix::nothing_is_proven_by_degenerates() {
    laboratory lab;
    bool good = true;
    for (auto const& d : faulty::all_degenerates()) {
        lab.put(d.make(lab.settings));
        int passed = 0, failed = 0;
        // What reads nothing back is rightly content with stale reads; there, the conformant verdict is what must not be had.
        bool const partly_right = d.name == "stale-reads";
        run_result const r = lab.run_all();
        for (auto const& j : r.checks) {
            failed += j.verdict == verdict::fail;
            if (j.verdict != verdict::pass || !did_more_than_look(j.record)) continue;
            ++passed;
            if (!partly_right) tell("DECEIVED  by " + std::string{d.name} + ": " + std::string{j.what.check->id} + " passes");
        }
        bool const deceived = partly_right ? r.compatible == attained::yes || failed == 0 : passed > 0;
        good = good && !deceived;
        tell((deceived ? "DECEIVED  " : "SEEN THROUGH  ") + std::string{d.name} + ": " + std::to_string(passed) + " PASS, " + std::to_string(failed) + " FAIL");
    }
    return good;
}

std::string kill_matrix::markdown() const {
    std::ostringstream out;
    std::map<fate, int> count;
    for (auto const& a : rows_) ++count[a.fate];
    out << "# Kill matrix\n\n"
           "Generated by `bsp-kill-matrix`; do not edit. Each row is a backend that is correct but for one fault, and the check that caught it.\n"
           "F-…-01 to F-…-99 are faults of the catalogue, from 101 on they are further mistakes that implementers make. How many\n"
           "other checks fail beside the one that names the fault `tools/diagnosis_precision.py` tells.\n\n"
        << first_sight_line(rows_)
        << count[fate::killed] << " killed, " << count[fate::survived] << " survived, " << count[fate::is_void] << " void, " << count[fate::unreachable]
        << " unreachable.\n\n| Fault | What is wrong | Verdict | Killed by | Clauses |\n|---|---|---|---|---|\n";
    for (auto const& a : rows_)
        out << "| " << a.fault->id << " | " << a.fault->title << " | " << word(a.fate) << " | " << joined(a.killers) << " | " << joined(a.clauses) << " |\n";
    out << first_sight_section(rows_);
    if (without_fault.empty()) out << "\nEvery check kills a fault by name.\n";
    else out << "\nEvery check kills a fault by name, but for these:\n\n| Check | Why there is no fault that it could kill |\n|---|---|\n";
    for (auto const& [id, reason] : without_fault) out << "| " << id << " | " << reason << " |\n";
    return out.str();
}

bool kill_matrix::every_check_kills() {
    std::set<std::string_view> used;
    for (auto const& a : rows_) used.insert(a.killers.begin(), a.killers.end());
    bool good = true;
    for (auto const& c : all_checks()) {
        bool const excused = std::any_of(without_fault.begin(), without_fault.end(), [&](auto const& e) { return e.first == c.check->id; });
        if (used.contains(c.check->id) != excused) continue;
        good = false;
        tell((excused ? "EXCUSED  " : "IDLE  ") + std::string{c.check->id} + (excused ? " kills a fault and needs no excuse" : " kills no fault by name"));
    }
    return good;
}

bool kill_matrix::keeps_rows_of(std::string const& committed) {
    bool good = !committed.empty();
    if (!good) tell("LOST  there is no committed matrix to compare with");
    std::istringstream in{committed};
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("| F-") || line.find("| KILLED |") == std::string::npos) continue;
        std::string const id = line.substr(2, line.find(' ', 2) - 2);
        bool const kept = std::any_of(rows_.begin(), rows_.end(), [&](autopsy const& a) { return a.fault->id == id && a.fate == fate::killed; });
        if (!kept) tell("LOST  " + id + " was killed when the matrix was written");
        good = good && kept;
    }
    return good;
}

}  // namespace bsp::conformance
