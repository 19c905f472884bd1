#include "events.hpp"

#include "../clauses.hpp"
#include "../target/stream.hpp"
#include "../text.hpp"
#include "curl.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace bsp::conformance {
namespace {

constexpr std::size_t body_bytes_shown = 4096;
constexpr std::size_t steps_shown = 60;

/// Nothing that a report shows may contain what opens a door elsewhere.
class redactor {
public:
    explicit redactor(surroundings const& world) {
        for (auto const& u : world.options.users) add(u.secret);
        if (world.options.admin_token) add(*world.options.admin_token);
    }
    std::string operator()(std::string text) const {
        for (auto const& secret : secrets_)
            for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3) text.replace(at, secret.size(), "***");
        return text;
    }

private:
    void add(std::string const& s) {
        if (s.size() >= 8) secrets_.push_back(s);
    }
    std::vector<std::string> secrets_;
};

std::string text_or_hex(std::string const& text, redactor const& redact) {
    return is_utf8(text) ? redact(text) : "(bytes) " + to_hex(as_bytes(text));
}

json::object headers_of(http_headers const& headers, redactor const& redact) {
    json::object out;
    for (auto const& [name, value] : headers) {
        std::string text = value == std::string(1, '\0') ? "(not sent)" : text_or_hex(value, redact);
        if (auto* before = out.if_contains(name)) text = std::string{json::view(before->as_string())} + ", " + text;
        out[name] = text;
    }
    return out;
}

void put_body(json::object& into, std::string const& body, redactor const& redact) {
    if (body.empty()) return;
    into["body_bytes"] = body.size();
    auto text = redact(body.substr(0, body_bytes_shown));
    if (body.size() > body_bytes_shown)
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.pop_back();  // no half character at the cut
    if (is_utf8(text)) into["body"] = text;
    else into["body_hex"] = to_hex(as_bytes(std::string_view{body}.substr(0, 512)));
}

std::string origin_of(target const& t) { return t.url().substr(0, t.url().size() - t.base_path().size()); }

std::string body_file_for(step const& s, std::string_view check_id, invocation const& call) {
    if (s.request.body.empty() || fits_command_line(s.request.body) || call.bodies_folder.empty()) return {};
    std::string name{check_id};
    for (auto& c : name)
        if (c == '/') c = '-';
    std::filesystem::create_directories(call.bodies_folder);
    auto const path = std::filesystem::path{call.bodies_folder} / (name + "-" + std::to_string(s.number) + ".bin");
    std::ofstream{path, std::ios::binary} << s.request.body;
    return path.string();
}

json::object step_object(step const& s, std::string_view check_id, surroundings const& world, invocation const& call, redactor const& redact) {
    exchange const x{std::make_shared<step>(s)};
    json::object request{{"method", s.request.method}, {"target", text_or_hex(s.request.target, redact)}, {"headers", headers_of(s.request.headers, redact)}};
    put_body(request, s.request.body, redact);
    json::object out{{"step", s.number}, {"who", s.who}, {"summary", redact(s.summary)}, {"result", x.describe()}, {"remark", redact(s.remark)},
                     {"at", format_timestamp(s.at)}, {"took_us", s.got.took.count()}, {"request", std::move(request)}};
    if (s.got.why == fault::none) {
        json::object response{{"status", s.got.response.status}, {"headers", headers_of(s.got.response.headers, redact)}};
        put_body(response, s.got.response.body, redact);
        out["response"] = std::move(response);
    } else {
        out["fault"] = to_string(s.got.why);
    }
    if (!s.request.method.empty()) {
        auto const file = body_file_for(s, check_id, call);
        if (s.request.body.empty() || fits_command_line(s.request.body) || !file.empty())
            out["curl"] = redact(curl_line(s.request, origin_of(world.target), file));
    }
    if (s.request.method.empty() && !s.request.body.empty() && s.request.body.size() <= 4096 && !world.target.url().starts_with("https:"))
        if (auto const to = parse_url(world.target.url())) out["curl"] = redact(raw_line(s.request.body, to->host, to->port));
    return out;
}

json::object finding_object(finding const& f, redactor const& redact) {
    return {{"expected", redact(f.expected)}, {"actual", redact(f.actual)}, {"step", f.step}};
}

std::string_view to_string(attained a) {
    return a == attained::yes ? "yes" : a == attained::no ? "no" : "not shown";
}

json::array names(auto const& list) {
    json::array out;
    for (auto const& one : list) out.emplace_back(one);
    return out;
}

}  // namespace

json::object run_started(surroundings const& world, first_look const& look, std::vector<registered_check> const& selected, run_options const& options,
                         std::string const& time) {
    json::object target{{"url", world.target.url()}, {"software", look.software}, {"clock_offset_s", std::chrono::duration_cast<std::chrono::seconds>(world.clock_offset).count()}};
    if (world.identity) {
        target["backend_id"] = world.identity->backend_id;
        target["backend_type"] = world.identity->backend_type;
        target["version"] = text_at(world.identity->received, "/version");
        target["fingerprint"] = to_hex(sha256(world.identity->backend_id + '\n' + world.identity->public_key_pem)).substr(0, 16);
    }
    std::set<std::string_view> profiles;
    for (auto const& c : selected) profiles.insert(conformance::to_string(c.profile));
    auto const& spec = specification();
    return {{"event", "run-started"},     {"suite_version", suite_version}, {"spec", spec.spec},          {"clause_set_hash", spec.hash},
            {"seed", world.options.seed}, {"time", time},                   {"target", std::move(target)}, {"remark", look.remark},
            {"users", world.options.users.size()}, {"admin", world.options.admin_token.has_value()},
            {"level", options.level == level::strict ? "strict" : "compatible"}, {"profiles", names(profiles)}, {"checks", selected.size()}, {"checks_known", all_checks().size()}};
}

json::object check_started(registered_check const& c) { return {{"event", "check-started"}, {"check", c.check->id}}; }

json::object check_finished(surroundings const& world, judged const& j, invocation const& call) {
    redactor const redact{world};
    auto const& c = *j.what.check;
    auto const& r = j.record;
    json::object out{{"event", "check"}, {"check", c.id}, {"title", c.title}, {"group", j.what.group}, {"profile", to_string(j.what.profile)},
                     {"clauses", names(c.clauses)}, {"strength", to_string(c.strength)}, {"aspect", to_string(c.about)},
                     {"verdict", to_string(j.verdict)}, {"behaviour", to_string(r.behaviour)}, {"counts", j.counts},
                     {"took_us", r.took.count()}, {"steps_total", r.steps.size()}, {"controls", names(r.controls)}};
    if (r.exactness) out["exactness"] = to_string(*r.exactness);
    if (!r.reason.empty()) out["reason"] = redact(r.reason);
    if (!r.notes.empty()) out["notes"] = names(r.notes);
    if (r.failure) out["failure"] = finding_object(*r.failure, redact);
    json::array inexact;
    for (auto const& f : r.inexact) inexact.emplace_back(finding_object(f, redact));
    if (!inexact.empty()) out["inexact"] = std::move(inexact);
    if (r.shrunk)
        out["shrunk"] = json::object{{"steps_before", r.shrunk->steps_before}, {"cases", r.shrunk->cases}, {"attempts", r.shrunk->attempts},
                                     {"reproduced", r.shrunk->reproduced}, {"repeated", r.shrunk->repeated}};
    if (!j.baseline_comment.empty()) out["expected_failure"] = j.baseline_comment;
    if (!j.baseline_problem.empty()) out["baseline_problem"] = j.baseline_problem;

    bool const flawless = j.verdict == verdict::pass && r.inexact.empty();
    if (!flawless && j.verdict != verdict::untested && j.verdict != verdict::not_applicable) {
        out["impact"] = c.impact;
        out["likely_cause"] = c.likely_cause;
        out["replay"] = "bsp-conformance " + call.target_arguments + " --only " + std::string{c.id} + " --seed " + std::to_string(world.options.seed);
        json::array steps;
        // The beginning sets the scene, the end is where it happened.
        for (std::size_t i = 0; i < r.steps.size(); ++i) {
            if (r.steps.size() > steps_shown && i >= steps_shown / 3 && i + steps_shown * 2 / 3 < r.steps.size()) continue;
            steps.emplace_back(step_object(*r.steps[i], c.id, world, call, redact));
        }
        out["steps"] = std::move(steps);
    }
    return out;
}

json::object run_finished(surroundings const&, run_result const& result, std::chrono::milliseconds took) {
    json::object counts;
#define BSP_X(name, text) counts[text] = std::count_if(result.checks.begin(), result.checks.end(), [](judged const& j) { return j.verdict == verdict::name; });
    BSP_VERDICTS(BSP_X)
#undef BSP_X
    json::array clauses;
    for (auto const& c : specification().clauses) {
        json::array by;
        for (auto const& j : result.checks)
            if (std::find(j.what.check->clauses.begin(), j.what.check->clauses.end(), c.id) != j.what.check->clauses.end()) by.emplace_back(j.what.check->id);
        json::object one{{"id", c.id}, {"level", c.level}, {"profile", c.profile}, {"role", c.role}, {"sentence", c.sentence}, {"file", c.file}, {"anchor", c.anchor},
                         {"verdict", to_string(result.clauses.at(c.id))}, {"checks", by}};
        if (c.untested) one["untested"] = *c.untested;
        else if (by.empty()) one["untested"] = "no check of this run judges it";
        clauses.emplace_back(std::move(one));
    }
    return {{"event", "run-finished"}, {"took_ms", took.count()}, {"counts", std::move(counts)}, {"compatible", to_string(result.compatible)}, {"strict", to_string(result.strict)},
            {"target_lost", result.target_lost}, {"exit_code", result.exit_code}, {"clauses", std::move(clauses)}};
}

}  // namespace bsp::conformance
