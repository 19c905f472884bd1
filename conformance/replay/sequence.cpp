#include "sequence.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <set>

namespace bsp::conformance::replay {
namespace {

constexpr std::string_view format = "bsp-replay";
constexpr std::int64_t version = 1;

json::array to_json(http_headers const& headers) {
    json::array out;
    for (auto const& [name, value] : headers) {
        json::array field;
        field.emplace_back(name);
        field.emplace_back(value);
        out.emplace_back(std::move(field));
    }
    return out;
}

json::object to_json(value const& v) {
    json::object out{{"is", v.is}};
    auto const text = [&](char const* name, std::string const& s) {
        if (!s.empty()) out[name] = s;
    };
    text("of", v.of);
    text("by", v.by);
    text("as", v.as);
    text("type", v.type);
    if (v.length > 0) out["length"] = v.length;
    if (v.step > 0) out["step"] = v.step;
    text("at", v.at);
    return out;
}

json::object to_json(step const& s) {
    json::object out{{"step", s.number}, {"who", s.who}, {"summary", s.summary}, {"at", s.at}};
    if (!s.hook.empty()) {
        out["hook"] = s.hook;
        return out;
    }
    if (s.batch > 0) out["batch"] = s.batch;
    if (!s.method.empty()) {
        out["method"] = s.method;
        out["target"] = s.target;
        out["headers"] = to_json(s.headers);
    }
    if (!s.body.empty()) out["body"] = s.body;
    json::object answer;
    if (s.answered.status > 0) {
        answer["status"] = s.answered.status;
        answer["headers"] = to_json(s.answered.headers);
        if (!s.answered.body.empty()) answer["body"] = s.answered.body;
    } else {
        answer["fault"] = s.answered.fault;
    }
    out["answer"] = std::move(answer);
    return out;
}

/// Reads members and remembers the first that is not as it must be.
class reader {
public:
    std::string text(json::value const& in, std::string const& pointer, bool required = true) {
        auto const* found = at(in, pointer);
        if (found && found->is_string()) return std::string{json::view(found->get_string())};
        if (required || found) lacks(pointer + " as a string");
        return {};
    }
    std::size_t number(json::value const& in, std::string const& pointer, bool required = true) {
        auto const* found = at(in, pointer);
        if (found && found->is_int64() && found->get_int64() >= 0 && found->get_int64() < 1'000'000) return static_cast<std::size_t>(found->get_int64());
        if (required || found) lacks(pointer + " as a number");
        return 0;
    }
    json::array const& list(json::value const& in, std::string const& pointer) {
        static json::array const none;
        auto const* found = at(in, pointer);
        if (found && found->is_array()) return found->get_array();
        lacks(pointer + " as an array");
        return none;
    }
    http_headers headers(json::value const& in, std::string const& pointer) {
        http_headers out;
        for (auto const& field : list(in, pointer))
            if (at(field, "/1")) out.add(text(field, "/0"), text(field, "/1"));
            else lacks("fields of two texts in " + pointer);
        return out;
    }
    void lacks(std::string const& what) {
        if (problem_.empty()) problem_ = (where_.empty() ? "" : where_ + " has no ") + what;
    }
    void now_in(std::string where) { where_ = std::move(where); }
    [[nodiscard]] std::string const& problem() const noexcept { return problem_; }

private:
    std::string where_ = "it", problem_;
};

}  // namespace

json::object to_json(sequence const& s) {
    json::array clauses, steps;
    for (auto const& c : s.clauses) clauses.emplace_back(c);
    for (auto const& one : s.steps) steps.emplace_back(to_json(one));
    json::object values;
    for (auto const& [name, v] : s.values) values[name] = to_json(v);
    return {{"format", format}, {"version", version}, {"check", s.check}, {"title", s.title}, {"clauses", std::move(clauses)}, {"suite_version", s.suite_version}, {"spec", s.spec},
            {"recorded", json::object{{"time", s.time}, {"url", s.url}, {"backend_type", s.backend_type}, {"seed", s.seed}}},
            {"users", s.users}, {"admin", s.admin},
            {"decisive", json::object{{"step", s.decisive}, {"wanted", s.wanted}, {"expected", s.expected}, {"actual", s.actual}}},
            {"values", std::move(values)}, {"steps", std::move(steps)}};
}

result<sequence> read_sequence(std::string_view text) {
    auto const bad = [](std::string why) { return fail(errc::bad_request, std::move(why)); };
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return bad("the file is empty");
    auto const parsed = json::parse(text);
    if (!parsed) return bad("no JSON, or cut off: " + parsed.error().detail);
    json::value const& v = *parsed;
    if (text_at(v, "/format") != format)
        return bad(text_at(v, "/event").empty() ? "no saved sequence of requests; a run with --report-dir DIR writes them to DIR/replay" : "a report, not a saved sequence of requests; those are in the folder replay beside it");
    if (auto const found = integer_at(v, "/version"); found != version)
        return bad("version " + std::to_string(found) + " of the format; this suite reads version " + std::to_string(version));

    reader r;
    sequence out;
    out.check = r.text(v, "/check");
    out.title = r.text(v, "/title", false);
    out.suite_version = r.text(v, "/suite_version", false);
    out.spec = r.text(v, "/spec", false);
    for (auto const& c : r.list(v, "/clauses")) out.clauses.push_back(r.text(c, ""));
    out.time = r.text(v, "/recorded/time", false);
    out.url = r.text(v, "/recorded/url", false);
    out.backend_type = r.text(v, "/recorded/backend_type", false);
    out.seed = static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_at(v, "/recorded/seed", 0)));
    out.users = r.number(v, "/users");
    out.admin = at(v, "/admin") && *at(v, "/admin") == json::value(true);
    out.decisive = r.number(v, "/decisive/step");
    out.wanted = r.text(v, "/decisive/wanted", false);
    out.expected = r.text(v, "/decisive/expected");
    out.actual = r.text(v, "/decisive/actual");

    static std::set<std::string> const kinds{"suffix", "backend-id", "random", "key", "answer", "ps256", "hmac-sha256", "base64url"};
    auto const* values = at(v, "/values");
    if (!values || !values->is_object()) r.lacks("/values as an object");
    else
        for (auto const& [key, one] : values->get_object()) {
            std::string const name{json::view(key)};
            r.now_in("the value " + name);
            value made{r.text(one, "/is"), r.text(one, "/of", false), r.text(one, "/by", false), r.text(one, "/as", false), r.text(one, "/type", false), r.number(one, "/length", false),
                       r.number(one, "/step", false), r.text(one, "/at", false)};
            if (r.problem().empty() && !kinds.contains(made.is)) return bad("the value " + name + " is a \"" + made.is + "\", which this suite does not know");
            out.values.emplace(name, std::move(made));
        }

    r.now_in("it");
    for (auto const& one : r.list(v, "/steps")) {
        step s;
        r.now_in("step " + std::to_string(out.steps.size() + 1));
        s.number = r.number(one, "/step");
        s.who = r.text(one, "/who");
        s.summary = r.text(one, "/summary");
        s.at = r.text(one, "/at");
        s.hook = r.text(one, "/hook", false);
        if (s.hook.empty()) {
            s.batch = r.number(one, "/batch", false);
            s.method = r.text(one, "/method", false);
            if (!s.method.empty()) {
                s.target = r.text(one, "/target");
                s.headers = r.headers(one, "/headers");
            }
            s.body = r.text(one, "/body", false);
            s.answered.status = static_cast<int>(r.number(one, "/answer/status", false));
            if (s.answered.status > 0) {
                s.answered.headers = r.headers(one, "/answer/headers");
                s.answered.body = r.text(one, "/answer/body", false);
            } else {
                s.answered.fault = r.text(one, "/answer/fault");
            }
        } else if (s.hook != "restart" && s.hook != "kill") {
            r.lacks("/hook that is restart or kill");
        }
        if (r.problem().empty() && s.number != out.steps.size() + 1) r.lacks("/step " + std::to_string(out.steps.size() + 1));
        out.steps.push_back(std::move(s));
    }
    r.now_in("it");
    if (out.steps.empty()) r.lacks("steps");
    if (out.decisive < 1 || out.decisive > out.steps.size()) r.lacks("/decisive/step among its steps");
    if (!r.problem().empty()) return bad("not a whole sequence: " + r.problem());
    return out;
}

}  // namespace bsp::conformance::replay
