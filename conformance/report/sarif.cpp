#include "reading.hpp"

#include <ostream>

// SARIF 2.1.0: a rule for every check that did not pass, a result for what was found, the request and the answer
// at which it was found. Passes are not results; the run's properties count them.

namespace bsp::conformance {
namespace {

json::object text(std::string const& words) { return {{"text", words}}; }

/// The level by obligation: what decides is an error, a SHOULD a warning, the rest a note.
std::string_view level_of(json::value const& check) {
    auto const strength = text_at(check, "/strength");
    return standing_of(check) == standing::fail ? "error" : strength == "MAY" ? "note" : "warning";
}

json::object message_of(json::value const& wire) {
    json::object out;
    if (auto const* headers = at(wire, "/headers"); headers && headers->is_object()) out["headers"] = *headers;
    if (auto const body = text_at(wire, "/body"); !body.empty()) out["body"] = text(body);
    return out;
}

class sarif final : public closing_report {
public:
    explicit sarif(std::ostream& out) : out_{out} {}

private:
    void write(recorded_run const& run) override {
        auto const& [started, end, checks] = run;
        json::array rules, results;
        for (auto const& c : checks) {
            auto const s = standing_of(c);
            if (s == standing::pass || s == standing::none) continue;
            results.emplace_back(result(c, rules.size(), started));
            rules.emplace_back(rule(c, end));
        }
        auto const outcome = outcome_of(started, end);
        auto const code = integer_at(end, "/exit_code", 70);
        json::object const driver{{"name", "bsp-conformance"}, {"version", text_at(started, "/suite_version")}, {"rules", std::move(rules)}};
        json::object const entry{{"tool", json::object{{"driver", driver}}},
                               {"columnKind", "unicodeCodePoints"},
                               {"invocations", json::array{json::object{{"executionSuccessful", code != 70 && code != 4}, {"exitCode", code}, {"startTimeUtc", text_at(started, "/time")}}}},
                               {"results", std::move(results)},
                               {"properties", json::object{{"outcome", outcome.text}, {"partial", outcome.partial}, {"target", text_at(started, "/target/url")}, {"spec", text_at(started, "/spec")},
                                                           {"clauseSet", text_at(started, "/clause_set_hash")}, {"seed", *at(started, "/seed")}, {"checks", integer_at(started, "/checks", 0)}}}};
        json::object const log{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", json::array{entry}}};
        out_ << json::serialize(log) << '\n' << std::flush;
    }

    static json::object rule(json::value const& c, json::value const& end) {
        std::string plain, markdown;
        json::array tags{text_at(c, "/profile"), text_at(c, "/aspect")};
        for (auto const& id : strings_at(c, "/clauses")) {
            tags.emplace_back(id);
            auto const* found = find_by_id(end, "/clauses", id);
            if (!found) continue;
            json::value const clause(*found);
            auto const where = text_at(clause, "/file") + "#" + text_at(clause, "/anchor"), sentence = text_at(clause, "/sentence");
            plain += id + " (" + where + "): " + sentence + "\n";
            markdown += "[" + id + "](" + where + "): " + sentence + "\n\n";
        }
        auto const why = "If it fails: " + text_at(c, "/impact") + "\nUsual cause: " + text_at(c, "/likely_cause");
        auto const strength = text_at(c, "/strength");
        return {{"id", text_at(c, "/check")},
                {"shortDescription", text(text_at(c, "/title"))},
                {"fullDescription", text(text_at(c, "/impact").empty() ? text_at(c, "/title") : text_at(c, "/impact"))},
                {"help", json::object{{"text", plain + why}, {"markdown", markdown + why}}},
                {"defaultConfiguration", json::object{{"level", strength == "MUST" ? "error" : strength == "SHOULD" ? "warning" : "note"}}},
                {"properties", json::object{{"tags", std::move(tags)}}}};
    }

    static json::object result(json::value const& c, std::size_t rule, json::value const& started) {
        auto const d = decision_of(c);
        bool const open = standing_of(c) == standing::open;
        auto words = text_at(c, "/title") + ". ";
        if (at(c, "/failure") || at(c, "/inexact")) words += "Expected: " + d.expected + ". Actual: " + d.actual + ".";
        else words += text_at(c, "/verdict") + ": " + text_at(c, "/reason");
        if (auto const problem = text_at(c, "/baseline_problem"); !problem.empty()) words += " " + problem + ".";
        json::object location{{"physicalLocation", json::object{{"artifactLocation", json::object{{"uri", text_at(started, "/target/url")}}}}}};
        if (d.step.is_object()) location["logicalLocations"] = json::array{json::object{{"fullyQualifiedName", route_of(d.step, base_path_of(started))}, {"kind", "resource"}}};
        json::object out{{"ruleId", text_at(c, "/check")},
                         {"ruleIndex", rule},
                         {"kind", open ? "open" : "fail"},
                         {"level", open ? std::string_view{"none"} : level_of(c)},
                         {"message", text(words)},
                         {"locations", json::array{std::move(location)}},
                         {"partialFingerprints", json::object{{"check/v1", text_at(c, "/check")}}},
                         {"properties", json::object{{"replay", text_at(c, "/replay")}, {"command", decisive_command(c)}}}};
        if (auto const why = text_at(c, "/expected_failure"); !why.empty()) out["suppressions"] = json::array{json::object{{"kind", "external"}, {"justification", why}}};
        if (auto const method = text_at(d.step, "/request/method"); !method.empty()) {
            auto request = message_of(*at(d.step, "/request"));
            request["protocol"] = "HTTP", request["version"] = "1.1", request["method"] = method, request["target"] = text_at(d.step, "/request/target");
            out["webRequest"] = std::move(request);
            if (auto const* answer = at(d.step, "/response")) {
                auto response = message_of(*answer);
                response["protocol"] = "HTTP", response["version"] = "1.1", response["statusCode"] = integer_at(*answer, "/status", 0);
                out["webResponse"] = std::move(response);
            } else {
                out["webResponse"] = json::object{{"noResponseReceived", true}};
            }
        }
        return out;
    }

    std::ostream& out_;
};

}  // namespace

std::unique_ptr<report> sarif_report(std::ostream& out) { return std::make_unique<sarif>(out); }

}  // namespace bsp::conformance
