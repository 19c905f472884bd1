#include "../fields.hpp"
#include "../line.hpp"
#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"

#include <algorithm>
#include <array>
#include <utility>

// Section 1.11 and chapter 18.1: what web pages can do to a backend that its user's browser reaches. Chapter 18.2: what
// is spoken beneath.

namespace bsp::conformance {
namespace {

constexpr char const* evil = "https://evil.example";

exchange request(scenario& s, std::string method, std::string_view path, http_headers headers) {
    return s.send({.method = std::move(method), .target = s.target_path(path), .headers = std::move(headers), .body = {}, .remote = {}});
}

call_options with(std::string name, std::string value) {
    return {.request = [=](http_request& q) { q.headers.set(name, value); }};
}

/// "host" and ":port" of the target.
std::pair<std::string, std::string> own_authority(scenario const& s) {
    auto const& all = s.authority();
    auto const colon = all.rfind(':');
    bool const has_port = colon != std::string::npos && all.find(']', colon) == std::string::npos;
    return has_port ? std::pair{all.substr(0, colon), all.substr(colon)} : std::pair{all, std::string{}};
}

/// Names that a page can give to the address of the target, each like one that is served in another way.
std::vector<std::string> rebound_names(scenario const& s) {
    auto const [host, port] = own_authority(s);
    return {"evil.example" + port, host + ".evil.example" + port, "evil.example." + host + ".example" + port, "notlocalhost" + port, "localhost.evil.example", "127.0.0.1.evil.example" + port};
}

void hosts_are_checked_everywhere(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "fine", set("id", "m1")), "a write under the target's own name");
    exactly_as const form{.statuses = {421, 403}, .codes = {"misdirected-request", "forbidden"}};
    for (auto const& name : rebound_names(s)) {
        auto const foreign = with("Host", name);
        auto const under = " under the name " + name;
        s.refused(a.get("/conversations", foreign), "a list" + under, form);
        s.refused(a.read(c, foreign), "a read" + under, form);
        s.refused(a.get("/sync/" + a.peer_id(), foreign), "a pull" + under, form);
        s.refused(s.user().get("/peers", foreign), "the list of peers" + under, form);
        s.refused(a.write(c, "from a page", {}, foreign), "a write" + under, form);
        s.refused(a.push({s.conversation(c, 9, {s.message("m2", "from a page")})}, {.request = foreign.request}), "a push" + under, form);
        s.refused(a.del("/conversations/" + c, foreign), "a deletion" + under, form);
        if (s.shared().has_privacy) s.refused(s.user().get("/privacy/export", foreign), "an export" + under, form);
        if (s.shared().has_telemetry) s.refused(a.get("/telemetry/events?limit=1", foreign), "the list of events" + under, form);
        auto r = s.settled();
        r.request = foreign.request;
        s.refused(s.try_register(r), "a registration" + under, form);
    }
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
}

void other_fields_name_no_host(scenario& s) {
    auto const a = s.register_peer();
    auto const [host, port] = own_authority(s);
    s.control(a.get("/conversations"), "the list under the target's own name");
    for (auto const& [name, value] : std::vector<std::pair<std::string, std::string>>{{"X-Forwarded-Host", s.authority()}, {"X-Forwarded-Host", "localhost"}, {"X-Host", s.authority()},
                                                                                      {"X-Original-Host", s.authority()}, {"X-Forwarded-Server", host}, {"Forwarded", "host=" + s.authority()}}) {
        auto const both_fields = call_options{.request = [&](http_request& q) {
            q.headers.set("Host", "evil.example" + port);
            q.headers.set(name, value);
        }};
        s.refused(a.get("/conversations", both_fields), "a list with Host: evil.example and " + name + ": " + value, {.statuses = {421, 403}});
        s.refused(a.write(s.fresh("c"), "from a page", {}, both_fields), "a write with Host: evil.example and " + name + ": " + value, {.statuses = {421, 403}});
    }
}

void hosts_are_checked_on_upgrades(scenario& s) {
    if (!s.shared().has_telemetry) s.not_applicable("the target has no telemetry");
    auto const a = s.register_peer();
    line const good{s, a};
    s.control(good.open(), "an upgrade under the target's own name opens, got " + good.handshake().describe());
    for (auto const& name : rebound_names(s)) {
        line const l{s, a, {.call = with("Host", name)}};
        s.expect(!l.open(), "an upgrade under the name " + name + " is refused", "101");
        s.refused(l.handshake(), "an upgrade under the name " + name, {.statuses = {421, 403}});
    }
}

// ---- who may read ----

void is_not_allowed(scenario& s, exchange const& x, std::string const& origin) {
    auto const* allowed = x.header("Access-Control-Allow-Origin");
    s.expect(!allowed || (*allowed != "*" && *allowed != origin), "no Access-Control-Allow-Origin for " + origin + " on " + x.details().summary + " (" + x.describe() + ")", allowed ? *allowed : "");
}

/// Everything a script would like to read, answered well and answered badly.
std::vector<exchange> answers_for(scenario& s, peer const& a, std::string const& conversation, std::string const& origin) {
    auto const from = with("Origin", origin);
    std::vector<exchange> out{a.read(conversation, from), a.read(s.fresh("c"), from), a.get("/sync/" + a.peer_id(), from), s.user().get("/peers", from), s.nobody().get("/conversations", from),
                              a.get("/no/such/path", from), a.get("/conversations?limit=x", from), a.write(conversation, "from a page", {}, from), s.nobody().del("/conversations/" + conversation, from)};
    auto r = s.settled();
    r.request = from.request;
    out.push_back(s.try_register(r));
    return out;
}

exchange preflight(scenario& s, std::string const& origin, std::string method, std::string_view path, std::string const& headers = {}) {
    http_headers fields{{"Origin", origin}, {"Access-Control-Request-Method", method}};
    if (!headers.empty()) fields.add("Access-Control-Request-Headers", headers);
    return request(s, "OPTIONS", path, std::move(fields));
}

struct crossing {
    std::string method, path, headers;
};

/// What a user interface on a page of its own asks of a backend.
std::vector<crossing> crossings(scenario& s, std::string const& c) {
    std::vector<crossing> out{{"GET", "/identity", {}},
            {"POST", "/register-peer", "content-type"},
            {"GET", "/conversations", "authorization"},
            {"GET", "/conversations/" + c, "authorization"},
            {"POST", "/conversations/" + c + "/messages", "authorization,content-type"},
            {"DELETE", "/conversations/" + c, "authorization"},
            {"DELETE", "/conversations/" + c + "/messages/m1", "authorization"},
            {"GET", "/peers", "authorization"},
            {"DELETE", "/peers/peer_" + std::string(32, '0'), "authorization"}};
    if (s.shared().has_privacy) {
        out.push_back({"GET", "/privacy-settings", "authorization"});
        out.push_back({"PUT", "/privacy-settings", "authorization,content-type"});
        out.push_back({"GET", "/privacy/export", "authorization"});
        out.push_back({"DELETE", "/privacy/data", "authorization"});
    }
    if (s.shared().has_telemetry) out.push_back({"GET", "/telemetry/events", "authorization"});
    return out;
}

void foreign_origins_get_nothing_anywhere(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "mine"), "a write without an Origin");
    auto const [host, port] = own_authority(s);
    for (std::string const& origin : {std::string{evil}, std::string{"null"}, "http://" + host + ".evil.example", "http://evil-" + (host.starts_with('[') ? "x" : host), std::string{"file://"}}) {
        for (auto const& x : answers_for(s, a, c, origin)) is_not_allowed(s, x, origin);
        for (auto const& [method, path, headers] : crossings(s, c))
            if (path != "/identity") is_not_allowed(s, preflight(s, origin, method, path, headers), origin);
    }
}

// ---- an origin that the operator has listed ----

std::string const& listed_origin(scenario& s) {
    auto const& given = s.shared().listed_origin;
    if (given.empty()) s.untested("needs --origin");
    return given;
}

std::vector<std::string> words_of(std::string const* list) {
    std::vector<std::string> out(1);
    for (char const ch : list ? *list : "") {
        if (ch == ',') out.emplace_back();
        else if (ch != ' ' && ch != '\t') out.back() += ch;
    }
    return out;
}

bool names(std::string const* list, std::string_view word, bool any_case) {
    auto const all = words_of(list);
    return std::any_of(all.begin(), all.end(), [&](auto const& one) { return any_case ? http_headers::same_name(one, word) : one == word; });
}

/// As the Fetch standard says (4.9, "CORS-preflight fetch"), for a request without cookies.
void preflights_are_answered(scenario& s) {
    auto const& origin = listed_origin(s);
    auto const c = s.fresh("c");
    for (auto const& [method, path, headers] : crossings(s, c)) {
        auto const what = "the preflight of " + method + ' ' + path;
        auto const x = preflight(s, origin, method, path, headers);
        s.expect(x.ok(), what + " is answered with success", x.describe());
        auto const* allowed = x.header("Access-Control-Allow-Origin");
        s.expect(allowed && (*allowed == origin || *allowed == "*"), what + " allows " + origin, allowed ? *allowed : "no Access-Control-Allow-Origin");
        auto const* methods = x.header("Access-Control-Allow-Methods");
        bool const is_simple = method == "GET" || method == "POST";
        s.expect(is_simple || names(methods, method, false) || names(methods, "*", false), what + " allows " + method, methods ? *methods : "no Access-Control-Allow-Methods");
        auto const* fields = x.header("Access-Control-Allow-Headers");
        for (auto const& field : words_of(headers.empty() ? nullptr : &headers)) {
            bool const by_wildcard = field != "authorization" && names(fields, "*", false);
            s.expect(field.empty() || names(fields, field, true) || by_wildcard, what + " allows the field " + field, fields ? *fields : "no Access-Control-Allow-Headers");
        }
    }
    s.evidence("preflights");
}

void listed_origins_are_compared_whole(scenario& s) {
    auto const& origin = listed_origin(s);
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "mine"), "a write without an Origin");
    auto const x = preflight(s, origin, "GET", "/conversations", "authorization");
    auto const* allowed = x.header("Access-Control-Allow-Origin");
    s.control(allowed && *allowed == origin, origin + " is listed");
    auto const host = origin.substr(origin.find("://") + 3), scheme = origin.substr(0, origin.find("://") + 3);
    auto const bare = host.substr(0, host.rfind(':') == std::string::npos || host.ends_with(']') ? host.size() : host.rfind(':'));
    std::vector<std::string> alike{origin + ".evil.example", origin + "evil", scheme + "evil-" + host, scheme + "x7q." + host, scheme + bare + ":61234", origin.substr(0, origin.size() - 1), "https://evil.example/" + origin};
    if (auto const dot = origin.rfind('.'); dot != std::string::npos) alike.push_back(origin.substr(0, dot) + "x" + origin.substr(dot + 1));  // a pattern's any character
    for (auto const& other : alike) {
        for (auto const& y : answers_for(s, a, c, other)) is_not_allowed(s, y, other);
        is_not_allowed(s, preflight(s, other, "GET", "/conversations", "authorization"), other);
        if (!s.target_is_hosted()) s.refused(a.write(c, "from a page", {}, with("Origin", other)), "a write with Origin " + other, {.statuses = {403}, .codes = {"forbidden"}});
    }
}

void listed_origins_are_served(scenario& s) {
    auto const& origin = listed_origin(s);
    auto const from = with("Origin", origin);
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "first"), "a write without an Origin");
    s.accepted(a.write(c, "second", {}, from), "a write with the listed origin");
    s.accepted(a.read(c, from), "a read with the listed origin");
    auto r = s.settled();
    r.request = from.request;
    s.accepted(s.try_register(r), "a registration with the listed origin");
}

void listed_origins_may_read(scenario& s) {
    auto const& origin = listed_origin(s);
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "mine"), "a write without an Origin");
    auto all = answers_for(s, a, c, origin);
    all.push_back(s.nobody().get("/identity", with("Origin", origin)));
    for (auto const& x : all) {
        auto const* allowed = x.header("Access-Control-Allow-Origin");
        s.expect(allowed && (*allowed == origin || *allowed == "*"), "Access-Control-Allow-Origin on " + x.details().summary + " (" + x.describe() + ")", allowed ? *allowed : "none: a script cannot read the answer");
    }
    s.evidence("answers to a listed origin");
}

void answers_vary_by_origin(scenario& s) {
    auto const& origin = listed_origin(s);
    auto const x = s.nobody().get("/identity", with("Origin", origin));
    s.control(x, "GET /identity");
    auto const* allowed = x.header("Access-Control-Allow-Origin");
    if (!allowed || *allowed == "*") s.not_applicable("GET /identity names no origin");
    s.expect(lists(x.details().got.response.headers, "Vary", "Origin") || lists(x.details().got.response.headers, "Vary", "*"), "Vary: Origin beside an Access-Control-Allow-Origin that names one", joined(x.details().got.response.headers, "Vary"));
}

check const checks[] = {
    {.id = "gen/host-header-everywhere", .title = "a local backend refuses foreign host names on every request", .clauses = {"BSP-GEN-101"}, .impact = "a web page reads and writes conversations by DNS rebinding",
     .likely_cause = "Host is looked at on some routes, or compared by its beginning or end", .run = hosts_are_checked_everywhere, .needs = need::local_target},
    {.id = "trn/forwarded-host", .title = "a local backend believes no other field than Host", .clauses = {"BSP-TRN-001", "BSP-GEN-101"}, .impact = "a web page that has rebound its name adds a field, and is in",
     .likely_cause = "a framework's proxy support, switched on for everybody", .run = other_fields_name_no_host, .needs = need::local_target},
    {.id = "gen/host-header-upgrade", .title = "a local backend refuses upgrades under foreign host names", .clauses = {"BSP-GEN-101"}, .impact = "a web page opens connections to the backend by DNS rebinding",
     .likely_cause = "upgrades do not pass the middleware that looks at Host", .run = hosts_are_checked_on_upgrades, .needs = need::local_target | need::sockets},
    {.id = "gen/cors-everywhere", .title = "no foreign origin may read any answer, whatever its status, nor pass a preflight", .clauses = {"BSP-GEN-096"},
     .impact = "any web page that its reader visits acts on and reads the reader's conversations", .likely_cause = "* or a reflected Origin on errors, preflights, or for null", .run = foreign_origins_get_nothing_anywhere},
    {.id = "gen/preflight", .title = "preflights from a listed origin are answered so that the browser goes on", .clauses = {"BSP-GEN-099"}, .impact = "the user interface cannot reach the backend",
     .likely_cause = "preflights meet authentication, or a method or field is not listed", .run = preflights_are_answered},
    {.id = "gen/listed-origin-whole", .title = "what is like a listed origin is not listed", .clauses = {"BSP-GEN-096", "BSP-GEN-100"}, .impact = "whoever registers a similar name reads and writes",
     .likely_cause = "origins are compared by their beginning, their end, their host or a pattern", .run = listed_origins_are_compared_whole},
    {.id = "trn/listed-origin-served", .title = "a request from a listed origin is served", .clauses = {"BSP-TRN-002"}, .impact = "the user interface can ask and not write", .likely_cause = "the check of Origin does not know the list",
     .run = listed_origins_are_served, .strength = obligation::should},
    {.id = "trn/listed-origin-reads", .title = "a listed origin may read every answer, errors too", .clauses = {"BSP-TRN-003"}, .impact = "the user interface cannot tell a wrong token from an outage",
     .likely_cause = "the middleware for CORS is passed over by errors", .run = listed_origins_may_read, .strength = obligation::should, .about = aspect::exactness},
    {.id = "trn/vary", .title = "an answer that names an origin varies by it", .clauses = {"BSP-TRN-004"}, .impact = "a cache gives one page the answer that was for another", .likely_cause = "no Vary",
     .run = answers_vary_by_origin, .strength = obligation::should, .about = aspect::exactness},
};

}  // namespace

group browser_group() { return {"browser", profile::gen, checks}; }

}  // namespace bsp::conformance
