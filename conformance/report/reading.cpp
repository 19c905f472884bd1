#include "reading.hpp"

#include "../runner.hpp"
#include "../target/stream.hpp"
#include "../verdict.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

namespace bsp::conformance {
namespace {

bool is_verdict(std::string_view text) {
#define BSP_X(name, wire) \
    if (text == wire) return true;
    BSP_VERDICTS(BSP_X)
#undef BSP_X
    return false;
}

bool has_texts(json::value const& v, std::initializer_list<std::string_view> pointers, std::string& missing) {
    for (auto const pointer : pointers)
        if (auto const* found = at(v, pointer); !found || !found->is_string()) {
            missing = pointer;
            return false;
        }
    return true;
}

/// The member that a rendering would miss in `v`, as a JSON pointer, or "".
std::string missing_member(std::string const& kind, json::value const& v) {
    std::string missing;
    auto const needs = [&](std::string_view pointer, auto const& is) {
        auto const* found = at(v, pointer);
        if (missing.empty() && !(found && is(*found))) missing = pointer;
    };
    auto const list = [](json::value const& x) { return x.is_array(); };
    auto const number = [](json::value const& x) { return x.is_int64() || x.is_uint64(); };
    if (kind == "run-started") {
        if (!has_texts(v, {"/suite_version", "/spec", "/clause_set_hash", "/target/url"}, missing)) return missing;
        needs("/seed", number);
        needs("/checks", number);
    } else if (kind == "check") {
        if (!has_texts(v, {"/check", "/title", "/group", "/profile", "/strength", "/aspect", "/verdict"}, missing)) return missing;
        if (!is_verdict(text_at(v, "/verdict"))) return "/verdict";
        needs("/counts", [](json::value const& x) { return x.is_bool(); });
        needs("/clauses", [](json::value const& x) { return x.is_array() && !x.get_array().empty() && std::all_of(x.get_array().begin(), x.get_array().end(), [](auto const& c) { return c.is_string(); }); });
        if (auto const* steps = at(v, "/steps"); missing.empty() && steps)
            needs("/steps", [](json::value const& x) {
                return x.is_array() && std::all_of(x.get_array().begin(), x.get_array().end(), [](json::value const& s) {
                    auto const* request = at(s, "/request");
                    return request && request->is_object();
                });
            });
    } else if (kind == "run-finished") {
        if (!has_texts(v, {"/compatible", "/strict"}, missing)) return missing;
        needs("/exit_code", number);
        needs("/clauses", list);
    }
    return missing;
}

/// One event more; those that tell nothing of the outcome are passed over.
void put(recorded_run& run, json::value event) {
    auto const kind = text_at(event, "/event");
    if (kind == "run-started") run.started = std::move(event);
    else if (kind == "check") run.checks.push_back(std::move(event));
    else if (kind == "run-finished") run.finished = std::move(event);
}

void sort_checks(recorded_run& run) {
    std::stable_sort(run.checks.begin(), run.checks.end(), [](json::value const& a, json::value const& b) { return text_at(a, "/check") < text_at(b, "/check"); });
}

/// Sorting key of a check that did not pass: where to look first.
auto rank_of(json::value const& check) {
    return std::tuple{standing_of(check) == standing::open, strings_at(check, "/clauses").size(), integer_at(check, "/steps_total", 0), text_at(check, "/check")};
}

/// An error that came where an answer was wanted: "POST /sync/{}: 500", or "".
std::string unwanted_answer(json::value const& check, std::string_view base_path) {
    auto const d = decision_of(check);
    if (!d.step.is_object()) return {};
    auto const result = text_at(d.step, "/result");
    bool const is_error = integer_at(d.step, "/response/status", 0) / 100 != 2;
    bool const wanted = d.expected.ends_with(" is accepted") || d.expected.find(" should be accepted, but got") != std::string::npos;
    return is_error && wanted && !result.empty() ? route_of(d.step, base_path) + ": " + result : std::string{};
}

/// What was expected and what came instead, in the words of the check, or "". A control that failed tells its answer only.
std::string lapse(json::value const& check) {
    if (!at(check, "/failure") && !at(check, "/inexact")) return {};
    auto const d = decision_of(check);
    return "expected " + d.expected + ", actual " + d.actual;
}

}  // namespace

std::string_view to_string(standing s) noexcept {
    switch (s) {
        case standing::pass: return "pass";
        case standing::warn: return "warn";
        case standing::none: return "none";
        case standing::open: return "open";
        case standing::fail: return "fail";
    }
    return "?";
}

std::string_view word_of(standing s) noexcept {
    switch (s) {
        case standing::pass: return "PASS";
        case standing::warn: return "WARNING";
        case standing::none: return "UNTESTED";
        case standing::open: return "INCONCLUSIVE";
        case standing::fail: return "FAIL";
    }
    return "?";
}

bool truth_at(json::value const& v, std::string_view pointer) {
    auto const* found = at(v, pointer);
    return found && found->is_bool() && found->get_bool();
}

std::vector<std::string> strings_at(json::value const& v, std::string_view pointer) {
    std::vector<std::string> out;
    if (auto const* found = at(v, pointer); found && found->is_array())
        for (auto const& one : found->get_array())
            if (one.is_string()) out.emplace_back(json::view(one.get_string()));
    return out;
}

standing standing_of(json::value const& check) {
    auto const verdict = text_at(check, "/verdict");
    if (!text_at(check, "/baseline_problem").empty()) return standing::fail;
    if (verdict == "FAIL") return truth_at(check, "/counts") ? standing::fail : standing::warn;
    if (verdict == "PASS") return at(check, "/inexact") ? standing::warn : standing::pass;
    return verdict == "UNTESTED" || verdict == "NOT-APPLICABLE" ? standing::none : standing::open;
}

decision decision_of(json::value const& check) {
    decision out;
    std::int64_t number = 0;
    if (at(check, "/failure")) {
        out.expected = text_at(check, "/failure/expected"), out.actual = text_at(check, "/failure/actual");
        number = integer_at(check, "/failure/step", 0);
    } else if (at(check, "/inexact/0")) {
        out.expected = text_at(check, "/inexact/0/expected"), out.actual = text_at(check, "/inexact/0/actual");
        number = integer_at(check, "/inexact/0/step", 0);
    } else {
        // A precondition did not hold: the last request is the one that nothing could follow.
        out.expected = text_at(check, "/reason");
        number = integer_at(check, "/steps_total", 0);
    }
    for (auto const& step : objects_at(check, "/steps"))
        if (integer_at(step, "/step", 0) == number) out.step = step;
    return out;
}

std::string decisive_command(json::value const& check) {
    auto const d = decision_of(check);
    return d.step.is_object() ? text_at(d.step, "/curl") : std::string{};
}

std::string route_of(json::value const& step, std::string_view base_path) {
    auto const method = text_at(step, "/request/method"), whole = text_at(step, "/request/target");
    if (method.empty()) return "bytes on a connection";
    std::string_view path = std::string_view{whole}.substr(0, whole.find('?'));
    if (path.starts_with(base_path)) path.remove_prefix(base_path.size());
    // Every path of BSP is /word, /word/name or /word/name/word.
    std::string out = method + " ";
    bool is_word = true;
    while (path.starts_with('/')) {
        auto const end = std::min(path.find('/', 1), path.size());
        out += is_word ? std::string{path.substr(0, end)} : "/{}";
        is_word = !is_word;
        path.remove_prefix(end);
    }
    return out;
}

std::string base_path_of(json::value const& started) {
    auto const url = parse_url(text_at(started, "/target/url"));
    return url ? url->path : std::string{};
}

result<recorded_run> read_run(std::string_view text) {
    recorded_run out;
    std::size_t line_number = 0;
    bool begun = false;
    auto const wrong = [&](std::string const& what) { return fail(errc::bad_request, "line " + std::to_string(line_number) + ": " + what); };
    while (!text.empty()) {
        ++line_number;
        auto const end = std::min(text.find('\n'), text.size());
        auto const line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        boost::json::error_code ec;
        json::value v = boost::json::parse({line.data(), line.size()}, ec);
        if (ec || !v.is_object())
            return wrong(!begun ? "not JSON lines: a report of bsp-conformance (--json FILE, or report.jsonl) is wanted" : text.empty() ? "cut off in the middle of an event" : "not a JSON object");
        auto const kind = text_at(v, "/event");
        if (!begun && kind != "run-started") return wrong("a report of bsp-conformance begins with \"run-started\"");
        if (begun && kind == "run-started") return wrong("a second run begins: one report holds one run");
        if (auto const missing = missing_member(kind, v); !missing.empty()) return wrong("\"" + kind + "\" has no usable " + missing);
        if (out.finished.is_object()) return wrong("an event after \"run-finished\"");
        begun = true;
        put(out, std::move(v));
    }
    if (!begun) return fail(errc::bad_request, "empty: a report of bsp-conformance (--json FILE, or report.jsonl) is wanted");
    if (!out.finished.is_object()) return fail(errc::bad_request, "cut off after " + std::to_string(out.checks.size()) + " checks: the run did not come to its end");
    sort_checks(out);
    for (std::size_t i = 1; i < out.checks.size(); ++i)
        if (auto const id = text_at(out.checks[i], "/check"); id == text_at(out.checks[i - 1], "/check")) return fail(errc::bad_request, "check " + id + " occurs twice");
    return out;
}

void tell(recorded_run const& run, report& to) {
    to.take(run.started.get_object());
    for (auto const& c : run.checks) to.take(c.get_object());
    to.take(run.finished.get_object());
}

void closing_report::take(json::object const& event) {
    put(run_, json::value(event));
    if (!run_.finished.is_object()) return;
    sort_checks(run_);
    write(run_);
}

outcome outcome_of(json::value const& started, json::value const& finished) {
    auto const code = integer_at(finished, "/exit_code", exit_code::own_fault);
    auto const run = integer_at(started, "/checks", 0), known = integer_at(started, "/checks_known", 0);
    std::string const partial = run < known ? std::to_string(run) + " of " + std::to_string(known) + " checks" : "";
    switch (code) {
        case exit_code::conformant: return {partial.empty() ? "Conformant" : "Conformant in what was run", standing::pass, partial};
        case exit_code::failed: return {"Not conformant", standing::fail, partial};
        case exit_code::inconclusive: return {"Inconclusive", standing::open, partial};
        case exit_code::unreachable: return {"The target stopped answering", standing::fail, partial};
        default: return {"The suite failed", standing::open, partial};
    }
}

std::string to_string(clause_count n) { return n.testable == 0 ? "–" : std::to_string(n.shown) + " of " + std::to_string(n.testable); }

std::map<std::string, clause_count> clauses_by_profile(json::value const& finished) {
    std::map<std::string, clause_count> out;
    for (auto const& one : objects_at(finished, "/clauses")) {
        json::value const c(one);
        auto& row = out[text_at(c, "/profile")];
        row.shown += text_at(c, "/verdict") == "PASS";
        row.testable += at(c, "/untested") == nullptr;
    }
    return out;
}

std::map<std::string, std::map<standing, int>> checks_by_profile(std::vector<json::value> const& checks) {
    std::map<std::string, std::map<standing, int>> out;
    for (auto const& c : checks) ++out[text_at(c, "/profile")][standing_of(c)];
    return out;
}

std::vector<shared_cause> shared_causes(std::vector<json::value> const& checks, std::string_view base_path) {
    struct trouble {
        json::value const* check;
        std::string id, answer, lapse;
        std::vector<std::string> clauses;
        bool explained = false;
    };
    std::vector<json::value const*> sorted;
    for (auto const& c : checks)
        if (auto const s = standing_of(c); s == standing::fail || s == standing::open || s == standing::warn) sorted.push_back(&c);
    std::sort(sorted.begin(), sorted.end(), [](auto const* a, auto const* b) { return rank_of(*a) < rank_of(*b); });
    std::vector<trouble> all;
    for (auto const* c : sorted) all.push_back({c, text_at(*c, "/check"), unwanted_answer(*c, base_path), lapse(*c), strings_at(*c, "/clauses")});

    std::vector<shared_cause> out;
    for (auto& first : all) {
        if (first.explained) continue;
        shared_cause group{first.id, {}, {}};
        auto const take = [&](std::string const& reason, auto const& shares) {
            auto const before = group.others.size();
            for (auto& other : all)
                if (&other != &first && !other.explained && &other > &first && shares(other)) other.explained = true, group.others.push_back(other.id);
            if (group.others.size() > before) group.reason += (group.reason.empty() ? "" : "; ") + reason;
        };
        if (!first.answer.empty()) take("the same answer: " + first.answer, [&](trouble const& t) { return t.answer == first.answer; });
        if (!first.lapse.empty()) take("the same lapse: " + first.lapse, [&](trouble const& t) { return t.lapse == first.lapse; });
        if (standing_of(*first.check) != standing::open && !first.clauses.empty())
            take("the same clause: " + first.clauses.front(), [&](trouble const& t) { return std::find(t.clauses.begin(), t.clauses.end(), first.clauses.front()) != t.clauses.end(); });
        if (!group.others.empty()) first.explained = true, out.push_back(std::move(group));
    }
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.others.size() > b.others.size(); });
    return out;
}

std::vector<battery_count> batteries_of(std::vector<json::value> const& checks) {
    std::vector<battery_count> out;
    for (auto const& c : checks) {
        auto rows = objects_at(c, "/battery");
        if (rows.empty()) continue;
        battery_count one{text_at(json::value(rows.front()), "/of")};
        for (json::value const row : rows) one.tried += integer_at(row, "/tried", 0), one.let_in += integer_at(row, "/let_in", 0);
        one.rows = std::move(rows);
        out.push_back(std::move(one));
    }
    return out;
}

std::string other_looks_of(json::value const& check) {
    std::string out;
    for (json::value const look : objects_at(check, "/other_looks")) {
        auto const why = text_at(look, "/why");
        out += (out.empty() ? "" : ", ") + text_at(look, "/verdict") + (why.empty() ? "" : " (" + why + ")");
    }
    return out;
}

std::string in_words(std::vector<battery_count> const& all) {
    std::int64_t tried = 0, let_in = 0;
    for (auto const& one : all) tried += one.tried, let_in += one.let_in;
    return all.empty() ? std::string{} : std::to_string(tried) + " near-valid requests, each wrong in one way: " + std::to_string(let_in) + " let in";
}

}  // namespace bsp::conformance
