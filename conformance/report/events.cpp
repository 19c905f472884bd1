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

/// Nothing that a report shows may contain what opens a door elsewhere. Applied to whole events, so that no member,
/// and no name of a header field that a target made up, is forgotten.
class redactor {
public:
    explicit redactor(surroundings const& world) {
        for (auto const& u : world.options.users) add(u.secret, "***");
        // A command line with the token's name in its place still works, where BSP_ADMIN_TOKEN is set.
        if (auto const& token = world.options.admin_token) {
            add("Bearer " + *token + "'", "Bearer '\"$BSP_ADMIN_TOKEN\"");
            add(*token, "***");
        }
    }
    [[nodiscard]] std::string text(std::string text) const {
        for (auto const& [secret, instead] : secrets_)
            for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += instead.size()) text.replace(at, secret.size(), instead);
        return text;
    }
    [[nodiscard]] json::value value(json::value const& v) const {
        if (v.is_string()) return json::value(text(std::string{json::view(v.get_string())}));
        if (v.is_array()) {
            json::array out;
            for (auto const& one : v.get_array()) out.push_back(value(one));
            return json::value(std::move(out));
        }
        return v.is_object() ? json::value(object(v.get_object())) : v;
    }
    [[nodiscard]] json::object object(json::object const& o) const {
        json::object out;
        for (auto const& member : o) out[text(std::string{json::view(member.key())})] = value(member.value());
        return out;
    }

private:
    void add(std::string const& secret, std::string const& instead) {
        constexpr std::size_t shortest = 8;  // a shorter one would be found in words that it does not come from
        if (secret.size() < shortest) return;
        auto const in_json = json::serialize(json::value(secret));
        secrets_.emplace_back(secret, instead);
        if (in_json.size() > secret.size() + 2) secrets_.emplace_back(in_json.substr(1, in_json.size() - 2), instead);
        if (auto const word = shell_word(secret); word.find('\\') != std::string::npos) secrets_.emplace_back(word.substr(1, word.size() - 2), instead);
    }
    std::vector<std::pair<std::string, std::string>> secrets_;
};

/// The end of a signature tells a reader nothing; whoever wants to send it again takes the command line.
constexpr std::size_t signature_shown = 12;

std::string shortened(std::string_view signature) {
    return std::string{signature.substr(0, signature_shown)} + (signature.size() > signature_shown ? "…" : "");
}

/// The last part of the compact JWS in an `Authorization` value, shortened.
std::string without_signature(std::string value) {
    auto const last = value.rfind('.');
    if (!value.starts_with("BSP") || last == std::string::npos) return value;
    return value.substr(0, last + 1) + shortened(std::string_view{value}.substr(last + 1));
}

/// The values of members named "signature", shortened, wherever they stand in a text that may be JSON.
std::string without_signatures(std::string_view body) {
    constexpr std::string_view name = "\"signature\"";
    std::string out;
    while (!body.empty()) {
        auto const at = body.find(name);
        if (at == std::string_view::npos) break;
        auto const begin = body.find_first_not_of(" \t\r\n:", at + name.size());
        if (begin == std::string_view::npos || body[begin] != '"') {
            out += body.substr(0, at + name.size());
            body.remove_prefix(at + name.size());
            continue;
        }
        auto const end = std::min(body.find('"', begin + 1), body.size());
        out += body.substr(0, begin + 1);
        out += shortened(body.substr(begin + 1, end - begin - 1));
        body.remove_prefix(end);
    }
    return out + std::string{body};
}

std::string text_or_hex(std::string const& text) { return is_utf8(text) ? text : "(bytes) " + to_hex(as_bytes(text)); }

json::object headers_of(http_headers const& headers) {
    json::object out;
    for (auto const& [name, value] : headers) {
        std::string text = value == std::string(1, '\0') ? "(not sent)" : text_or_hex(http_headers::same_name(name, "Authorization") ? without_signature(value) : value);
        if (auto* before = out.if_contains(name)) text = std::string{json::view(before->as_string())} + ", " + text;
        out[name] = text;
    }
    return out;
}

void put_body(json::object& into, std::string const& body, redactor const& redact) {
    if (body.empty()) return;
    into["body_bytes"] = body.size();
    // Redacted before it is cut or written as bytes: half a secret, or one in hexadecimal, would not be found.
    auto text = redact.text(is_utf8(body) ? without_signatures(body) : body);
    if (!is_utf8(text)) {
        into["body_hex"] = to_hex(as_bytes(std::string_view{text}.substr(0, 512)));
        return;
    }
    if (text.size() > body_bytes_shown) {
        text.resize(body_bytes_shown);
        while (!is_utf8(text)) text.pop_back();  // no half character at the cut
    }
    into["body"] = text;
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
    bool const on_line = s.request.method.empty() && s.summary.starts_with("WS ");  // a message of a WebSocket, which no command sends again
    json::object request{{"method", s.request.method}, {"target", text_or_hex(s.request.target)}, {"headers", headers_of(s.request.headers)}};
    put_body(request, s.request.body, redact);
    json::object out{{"step", s.number}, {"who", s.who}, {"summary", s.summary}, {"result", on_line ? "message" : x.describe()}, {"remark", s.remark},
                     {"at", format_timestamp(s.at)}, {"took_us", s.got.took.count()}, {"request", std::move(request)}};
    if (s.got.why == fault::none) {
        json::object response{{"status", s.got.response.status}, {"headers", headers_of(s.got.response.headers)}};
        put_body(response, s.got.response.body, redact);
        out["response"] = std::move(response);
    } else {
        out["fault"] = to_string(s.got.why);
    }
    if (!s.request.method.empty()) {
        auto const file = body_file_for(s, check_id, call);
        if (s.request.body.empty() || fits_command_line(s.request.body) || !file.empty())
            out["curl"] = curl_line(s.request, origin_of(world.target), file, call.curl_options);
    }
    if (s.request.method.empty() && !on_line && !s.request.body.empty() && s.request.body.size() <= 4096 && !world.target.url().starts_with("https:"))
        if (auto const to = parse_url(world.target.url())) out["curl"] = raw_line(s.request.body, to->host, to->port);
    return out;
}

json::object finding_object(finding const& f) {
    return {{"expected", f.expected}, {"actual", f.actual}, {"step", f.step}};
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
    auto const in_a_default_run = select({})->size();  // what is done on demand only, like fuzzing, is not missed
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
    json::object const out{{"event", "run-started"},     {"suite_version", suite_version}, {"spec", spec.spec},          {"clause_set_hash", spec.hash},
            {"seed", world.options.seed}, {"time", time},                   {"target", std::move(target)}, {"remark", look.remark},
            {"users", world.options.users.size()}, {"admin", world.options.admin_token.has_value()},
            {"level", options.level == level::strict ? "strict" : "compatible"}, {"profiles", names(profiles)}, {"checks", selected.size()}, {"checks_known", in_a_default_run}};
    return redactor{world}.object(out);
}

json::object check_started(registered_check const& c) { return {{"event", "check-started"}, {"check", c.check->id}}; }

json::object counterexample_found(surroundings const& world, check const& c, finding const& f, std::size_t steps) {
    return redactor{world}.object({{"event", "counterexample"}, {"check", c.id}, {"expected", f.expected}, {"actual", f.actual}, {"steps", steps}, {"shrink_ms", world.shrink_time.count()}});
}

json::object round_finished(surroundings const& world, std::size_t number, run_result const& result, std::chrono::milliseconds took) {
    json::array failed;
    std::size_t cases = 0;
    for (auto const& j : result.checks) {
        if (j.verdict == verdict::fail) failed.emplace_back(j.what.check->id);
        cases += j.record.cases;
    }
    return {{"event", "round"}, {"round", number}, {"seed", world.options.seed}, {"checks", result.checks.size()}, {"cases", cases}, {"failed", std::move(failed)}, {"took_ms", took.count()}};
}

json::object check_finished(surroundings const& world, judged const& j, invocation const& call) {
    redactor const redact{world};
    auto const& c = *j.what.check;
    auto const& r = j.record;
    json::object out{{"event", "check"}, {"check", c.id}, {"title", c.title}, {"group", j.what.group}, {"profile", to_string(j.what.profile)},
                     {"clauses", names(c.clauses)}, {"strength", to_string(c.strength)}, {"aspect", to_string(c.about)},
                     {"verdict", to_string(j.verdict)}, {"behaviour", to_string(r.behaviour)}, {"counts", j.counts},
                     {"took_us", r.took.count()}, {"steps_total", r.steps.size()}, {"controls", names(r.controls)}};
    if (r.exactness) out["exactness"] = to_string(*r.exactness);
    if (!r.reason.empty()) out["reason"] = r.reason;
    if (!r.notes.empty()) out["notes"] = names(r.notes);
    if (!r.other_looks.empty()) {
        json::array looks;
        for (auto const& l : r.other_looks) looks.emplace_back(json::object{{"verdict", to_string(l.verdict)}, {"why", l.why}});
        out["other_looks"] = std::move(looks);
    }
    if (!r.battery.empty()) {
        json::array rows;
        for (auto const& t : r.battery) rows.emplace_back(json::object{{"of", t.of}, {"what", t.what}, {"clause", t.clause}, {"tried", t.tried}, {"let_in", t.let_in}});
        out["battery"] = std::move(rows);
    }
    if (r.failure) out["failure"] = finding_object(*r.failure);
    json::array inexact;
    for (auto const& f : r.inexact) inexact.emplace_back(finding_object(f));
    if (!inexact.empty()) out["inexact"] = std::move(inexact);
    if (r.shrunk) {
        json::object shrunk{{"steps_before", r.shrunk->steps_before}, {"cases", r.shrunk->cases}, {"attempts", r.shrunk->attempts}, {"reproduced", r.shrunk->reproduced}, {"repeated", r.shrunk->repeated}};
        if (!r.shrunk->first_steps.empty()) {
            shrunk["first"] = finding_object(r.shrunk->first);
            json::array in_brief;
            for (auto const& s : r.shrunk->first_steps) in_brief.emplace_back(s->who + "  " + s->summary + "  " + exchange{s}.describe());
            shrunk["first_steps"] = std::move(in_brief);
        }
        out["shrunk"] = std::move(shrunk);
    }
    if (!j.baseline_comment.empty()) out["expected_failure"] = j.baseline_comment;
    if (!j.baseline_problem.empty()) out["baseline_problem"] = j.baseline_problem;

    bool const flawless = j.verdict == verdict::pass && r.inexact.empty();
    if (!flawless && j.verdict != verdict::untested && j.verdict != verdict::not_applicable) {
        out["impact"] = c.impact;
        out["likely_cause"] = c.likely_cause;
        auto const again = "bsp-conformance " + call.target_arguments + " --only " + std::string{c.id} + " --seed " + std::to_string(world.options.seed);
        out["again"] = again;
        out["replay"] = call.replay.empty() ? again : call.replay;
        json::array steps;
        // The beginning sets the scene, the end is where it happened.
        for (std::size_t i = 0; i < r.steps.size(); ++i) {
            if (r.steps.size() > steps_shown && i >= steps_shown / 3 && i + steps_shown * 2 / 3 < r.steps.size()) continue;
            steps.emplace_back(step_object(*r.steps[i], c.id, world, call, redact));
        }
        out["steps"] = std::move(steps);
    }
    return redact.object(out);
}

json::object run_finished(surroundings const&, run_result const& result, std::chrono::milliseconds took) {
    json::object counts;
#define BSP_X(name, text) counts[text] = std::count_if(result.checks.begin(), result.checks.end(), [](judged const& j) { return j.verdict == verdict::name; });
    BSP_VERDICTS(BSP_X)
#undef BSP_X
    std::size_t tried = 0, let_in = 0;
    for (auto const& j : result.checks)
        for (auto const& t : j.record.battery) tried += t.tried, let_in += t.let_in;
    json::array clauses;
    for (auto const& c : specification().clauses) {
        json::array by;
        for (auto const& j : result.checks)
            if (std::find(j.what.check->clauses.begin(), j.what.check->clauses.end(), c.id) != j.what.check->clauses.end()) by.emplace_back(j.what.check->id);
        json::object one{{"id", c.id}, {"level", c.level}, {"profile", c.profile}, {"role", c.role}, {"sentence", c.sentence}, {"file", c.file}, {"anchor", c.anchor},
                         {"verdict", to_string(result.clauses.at(c.id))}, {"checks", by}};
        if (c.untested) one["untested"] = *c.untested;
        clauses.emplace_back(std::move(one));
    }
    return {{"event", "run-finished"}, {"took_ms", took.count()}, {"counts", std::move(counts)}, {"compatible", to_string(result.compatible)}, {"strict", to_string(result.strict)},
            {"battery", json::object{{"tried", tried}, {"let_in", let_in}}}, {"target_lost", result.target_lost}, {"exit_code", result.exit_code}, {"clauses", std::move(clauses)}};
}

}  // namespace bsp::conformance
