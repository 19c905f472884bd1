#include "../fields.hpp"
#include "../fuzz/leaks.hpp"
#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "habits.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <set>

// Sections 1.2 and 1.10 to 1.12: methods, media types, errors, hosts, caches.

namespace bsp::conformance {
namespace {

exchange request(scenario& s, std::string method, std::string_view path, http_headers headers = {}, std::string body = {}) {
    return s.send({.method = std::move(method), .target = s.target_path(path), .headers = std::move(headers), .body = std::move(body), .remote = {}});
}

// ---- framing ----------------------------------------------------------------------------------------------

void differing_lengths_are_refused(scenario& s) {
    auto const post = [&](std::string const& lengths, std::string const& body) {
        return s.raw("POST " + s.target_path("/register-peer") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nContent-Type: application/json\r\n" + lengths + "\r\n\r\n" + body, std::chrono::seconds{6},
                     "POST with " + lengths);
    };
    // Of n and n + 1 bytes the body is a valid registration: whichever length is taken, only the framing can be refused.
    auto const body = boost::json::serialize(s.registration_body());
    auto const n = std::to_string(body.size()), longer = std::to_string(body.size() + 1);
    s.control(post("Content-Length: " + n, body).status() == 200, "the registration of n bytes is accepted");
    s.control(post("Content-Length: " + longer, body + " ").status() == 200, "the registration of n + 1 bytes is accepted");
    for (auto const& lengths : {"Content-Length: " + n + "\r\nContent-Length: " + longer, "Content-Length: " + longer + "\r\nContent-Length: " + n, "Content-Length: " + n + ", " + longer,
                                "Content-Length: " + longer + ", " + n, "Content-Length: " + n + "zzz", std::string{"Content-Length: abc"}, std::string{"Content-Length: -1"}}) {
        auto const x = post(lengths, body + " ");
        s.expect(x.status() / 100 == 4 || (x.status() == 0 && x.ended), "a refusal of " + lengths, "status " + std::to_string(x.status()));
    }
    s.still_alive("bad lengths");
}

/// Answers in a stream of bytes: how often a status line occurs.
std::size_t answers_in(std::string const& bytes) {
    std::size_t n = 0;
    for (auto at = bytes.find("HTTP/1."); at != std::string::npos; at = bytes.find("HTTP/1.", at + 1))
        n += at + 12 <= bytes.size() && std::isdigit(static_cast<unsigned char>(bytes[at + 9])) != 0;
    return n;
}

void bodies_are_not_requests(scenario& s) {
    auto const inner = "GET " + s.target_path("/health") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n\r\n";
    s.control(s.raw(inner, std::chrono::seconds{5}, "GET /health").status() == 200, "the inner request alone is answered");
    std::string method = "GET", path = "/identity", fields;
    auto const judge = [&](std::string const& head, std::string const& rest, std::size_t most, std::string const& what) {
        auto const x = s.raw(method + ' ' + s.target_path(path) + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n" + fields + head + "\r\n" + rest, std::chrono::seconds{3}, what);
        s.expect(answers_in(x.bytes) <= most, std::to_string(most) + " answers at most to " + what, std::to_string(answers_in(x.bytes)) + " answers");
        s.expect(x.bytes.find("\"healthy\"") == std::string::npos, "no answer to the request inside the body of " + what, "it was answered");
    };
    // Where a connection stays open a request follows that ends it, so that what is made of the body comes to light; where
    // it is to be closed at once nothing of the body may be answered, either.
    auto const last = "GET " + s.target_path("/identity") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nConnection: close\r\n\r\n";
    auto const with_body = [&](std::string const& framing, std::string const& body, std::string const& what) {
        judge(framing, body + last, 2, what + ", and another");
        judge(framing + "Connection: close\r\n", body, 1, what);
    };
    with_body("Content-Length: " + std::to_string(inner.size()) + "\r\n", inner, "a GET whose body looks like a request");
    char size[32];
    std::snprintf(size, sizeof size, "%zx", inner.size());
    with_body("Transfer-Encoding: chunked\r\n", std::string{size} + "\r\n" + inner + "\r\n0\r\n\r\n", "a GET whose chunk looks like a request");
    judge("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n", "0\r\n\r\n" + inner, 1, "a GET with Content-Length and Transfer-Encoding");
    // Whoever answers by the head alone still has the body before it.
    struct head {
        std::string method, path, fields;
    };
    std::string const as_json = "Content-Type: application/json\r\n", preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n", as_anybody = "Authorization: BSP x\r\n";
    for (auto const& h : {head{"OPTIONS", "/conversations", as_json}, head{"OPTIONS", "/conversations", preflight}, head{"OPTIONS", "/no/such/path", preflight}, head{"HEAD", "/identity", as_json}, head{"DELETE", "/identity", as_json},
                          head{"PUT", "/identity", "Content-Type: text/plain\r\n"}, head{"GET", "/no/such/path", ""}, head{"GET", "/conversations", ""}, head{"DELETE", "/conversations/c", as_anybody},
                          head{"POST", "/register-peer", "Content-Type: text/plain\r\n"}, head{"POST", "/sync/peer_" + std::string(32, '0'), as_json}}) {
        method = h.method, path = h.path, fields = h.fields;
        auto const what = h.method + ' ' + h.path + (h.fields == preflight ? ", a preflight," : "");
        with_body("Content-Length: " + std::to_string(inner.size()) + "\r\n", inner, what + " whose body looks like a request");
        with_body("Transfer-Encoding: chunked\r\n", std::string{size} + "\r\n" + inner + "\r\n0\r\n\r\n", what + " whose chunk looks like a request");
    }
    s.still_alive("bodies that look like requests");
}

void conflicting_framing_is_refused(scenario& s) {
    s.control(request(s, "GET", "/identity"), "GET /identity");
    auto const x = s.raw("POST " + s.target_path("/register-peer") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nContent-Type: application/json\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                         std::chrono::seconds{5}, "POST with Content-Length and Transfer-Encoding");
    s.expect(x.status() == 400, "400", "status " + std::to_string(x.status()));
}

// ---- methods, paths, media types --------------------------------------------------------------------------

void wrong_methods_are_refused(scenario& s) {
    s.control(request(s, "GET", "/identity"), "GET /identity");
    s.control(request(s, "GET", "/health"), "GET /health");
    for (auto const& [method, path] : {std::pair<std::string, std::string>{"GET", "/register-peer"}, {"POST", "/identity"}, {"DELETE", "/health"}, {"PUT", "/sync/peer_" + std::string(32, '0')},
                                       {"PATCH", "/conversations"}, {"DELETE", "/register-peer"}, {"BREW", "/identity"}}) {
        auto const x = request(s, method, path, method == "GET" || method == "DELETE" ? http_headers{} : http_headers{{"Content-Type", "application/json"}}, method == "GET" || method == "DELETE" ? "" : "{}");
        s.expect((x.status() / 100 == 4) || x.status() == 501, method + " " + path + " is refused", x.describe());
        s.exactly(x.status() == 405 || x.status() == 404 || (method == "BREW" && x.status() / 100 == 4) || x.status() == 501 || x.status() == 401, "405 or 404", x.describe());
    }
}

void refused_methods_are_listed(scenario& s) {
    auto const x = request(s, "POST", "/identity", {{"Content-Type", "application/json"}}, "{}");
    s.control(x.client_error(), "POST /identity is refused");
    if (x.status() != 405) s.not_applicable("the server answers " + x.describe() + " in the place of 405");
    s.evidence("a 405 answer");
    auto const& fields = x.details().got.response.headers;
    s.expect(lists(fields, "Allow", "GET"), "Allow with GET", joined(fields, "Allow"));
}

void unknown_paths_are_not_found(scenario& s) {
    s.control(request(s, "GET", "/identity"), "GET /identity");
    for (auto const* path : {"/no/such/path", "/identity/x", "/Identity", "/identity/", "//identity", "/sync", "/.env", "/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd"}) {
        auto const x = request(s, "GET", path);
        s.expect(x.client_error() || x.status() / 100 == 3, std::string{"GET "} + path + " is not served", x.describe());
        s.expect(x.bytes().find("root:") == std::string::npos, "no file of the system", "there is one");
    }
    auto const x = request(s, "GET", "/no/such/path");
    s.exactly(x.status() == 404 && x.code() == "not-found", "404 not-found", x.describe());
}

void media_type_is_required(scenario& s) {
    auto const r = s.settled();
    for (auto const* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "text/json", ""}) {
        auto hostile = r;
        hostile.request = [type](http_request& q) { q.headers.set("Content-Type", *type ? type : std::string(1, '\0')); };
        s.refused(s.try_register(hostile), std::string{"a registration with "} + (*type ? type : "no Content-Type"), {.statuses = {415}, .codes = {"unsupported-media-type"}});
    }
    s.control(s.try_register(r), "the same registration as application/json");
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    for (std::string const type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json-patch+json", "application/vnd.api+json", "application", "json", "*/*"}) {
        auto const as_type = [&](http_request& q) { q.headers.set("Content-Type", type); };
        s.refused(a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.request = as_type}), "a push as " + type, {.statuses = {415}});
        s.refused(a.write(c, "x", {}, {.request = as_type}), "a write as " + type, {.statuses = {415}});
        s.refused(s.user().write(c, "x", {}, {.request = as_type}), "a user's write as " + type, {.statuses = {415}});
    }
    if (s.shared().has_privacy)
        for (std::string const type : {"text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", ""}) {
            call_options const as_type{.request = [type](http_request& q) { q.headers.set("Content-Type", type.empty() ? std::string(1, '\0') : type); }};
            s.refused(s.user().call("PUT", "/privacy-settings", R"({"user_id": ")" + s.account().id + "\"}", as_type), "settings as " + (type.empty() ? "nothing" : type), {.statuses = {415}});
        }
    s.expect(a.read(c).status() == 404, "nothing is stored", a.read(c).describe());
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "the same push as application/json");
    s.control(a.write(c, "x"), "the same write as application/json");
}

void media_type_spellings_are_accepted(scenario& s) {
    for (auto const* type : {"application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/json ; charset=\"utf-8\""}) {
        auto r = s.settled();
        r.request = [type](http_request& q) { q.headers.set("Content-Type", type); };
        s.accepted(s.try_register(r), std::string{"a registration as "} + type);
    }
}

void answers_are_json(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& x : {request(s, "GET", "/identity"), request(s, "GET", "/health"), a.pull(), a.get("/conversations"), a.push({})}) {
        s.control(x, x.details().summary);
        auto const* type = x.header("Content-Type");
        auto const shown = type ? *type : "no Content-Type";
        s.expect(is_of_type(type, "application/json"), "Content-Type: application/json on " + x.details().summary, shown);
    }
}

void unknown_parameters_are_ignored(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& path : {std::string{"/identity?x=1"}, std::string{"/health?verbose"}}) s.accepted(request(s, "GET", path), "GET " + path);
    s.accepted(a.get("/conversations?colour=blue&limit=5"), "the list with an unknown parameter");
    s.accepted(a.get("/sync/" + a.peer_id() + "?colour=blue&x=%ff"), "a pull with unknown parameters");
    // What means something to a framework means nothing here.
    auto const c = s.fresh("c");
    json::object const hello{{"role", "user"}, {"content", "hello"}, {"surface", "web"}};
    for (std::string const query : {"?_method=DELETE", "?_method=GET", "?_method=POST", "?", "?&", "?=", "?a=1&a=2", "?a[]=1"}) {
        s.accepted(request(s, "GET", "/identity" + query), "GET /identity" + query);
        s.accepted(request(s, "GET", "/health" + query), "GET /health" + query);
        if (query == "?") continue;  // whether htu ends in it is anybody's guess
        s.accepted(a.get("/peers" + query), "GET /peers" + query);
        s.accepted(a.post("/conversations/" + c + "/messages" + query, hello), "a write with " + query);
        s.accepted(a.get("/conversations/" + c + query), "reading a conversation with " + query);
        s.accepted(a.get("/conversations" + query), "the list with " + query);
        s.accepted(a.push({}, {.path = "/sync/" + a.peer_id() + query}), "a push with " + query);
    }
    if (s.shared().has_privacy)
        for (std::string const path : {"/privacy-settings?verbose=1", "/privacy/export?format=json"}) s.accepted(s.user().get(path), "GET " + path);
    if (s.shared().has_telemetry) s.accepted(a.get("/telemetry/events?limit=1&sort=desc"), "the list of events with an unknown parameter");
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(ids_at(now.body(), "/messages").size() == 7, "seven messages were written", show(ids_at(now.body(), "/messages")));
    s.accepted(a.del("/conversations/" + c + "?_method=GET"), "a deletion with parameters that mean nothing there");
    auto const gone = a.read(c);
    s.expect(gone.status() != 200 || gone.at("/deleted") != nullptr, "the conversation is deleted", gone.describe());
}

// ---- paths ------------------------------------------------------------------------------------------------

/// Every octet as `%25XX`: an identifier to whoever decodes twice.
std::string twice_escaped(std::string const& id) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (char const octet : id) {
        auto const ch = static_cast<unsigned char>(octet);
        ((out += "%25") += hex[ch >> 4]) += hex[ch & 15];
    }
    return out;
}

/// Segments of a path that are no identifier, and are `id` to whoever cleans them up.
std::vector<std::string> hostile_segments(std::string const& id) {
    std::vector<std::string> out{"%2E%2E", ".", "%00", std::string(129, 'x'), "%C3%A9", "%ff", "%zz", twice_escaped(id)};
    for (char const* before : {"..%2F", "a%2F", "%252E%252E%252F", ";", "%20", "+"}) out.push_back(before + id);
    for (char const* after : {"%00", "%0A", "%20", "%5C", ";", ";v=1", "%3Bv=1", ",1", "*", "+", "%2B", "%252F", "%23", "%3F", "%26x"}) out.push_back(id + after);
    return out;
}

void hostile_paths_are_refused(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "fine", [](json::object& o) { o["id"] = "m1"; }), "a write under a plain name");
    for (auto const& segment : hostile_segments(c)) {
        auto const read = a.get("/conversations/" + segment);
        s.expect(read.client_error() || read.status() / 100 == 3, "reading " + segment + " is refused", read.describe());
        auto const write = a.post("/conversations/" + segment + "/messages", json::object{{"role", "user"}, {"content", "hostile"}, {"surface", "web"}});
        s.refused(write, "writing to " + segment, {.statuses = {400, 404, 405, 422}});
    }
    for (auto const& segment : hostile_segments("m1")) s.refused(a.del("/conversations/" + c + "/messages/" + segment), "deleting the message " + segment, {.statuses = {400, 404, 405, 422}});
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
}

void escaped_paths_are_decoded(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c") + "@:~";
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a conversation whose id has @, : and ~");
    std::string escaped, some;
    for (char const octet : c) {
        auto const ch = static_cast<unsigned char>(octet);
        static constexpr char hex[] = "0123456789abcdef";
        (escaped += '%') += hex[ch >> 4], escaped += hex[ch & 15];
        if (ch == '@' || ch == ':') (some += '%') += hex[ch >> 4], some += hex[ch & 15];
        else some += static_cast<char>(ch);
    }
    for (auto const& spelling : {c, some, escaped}) {
        auto const x = a.get("/conversations/" + spelling);
        s.accepted(x, "reading it as " + spelling);
        s.expect(x.text("/conversation_id") == c, c, x.text("/conversation_id"));
    }
}

// ---- errors -----------------------------------------------------------------------------------------------

std::vector<exchange> some_errors(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    std::vector<exchange> out{request(s, "GET", "/no/such/path"),
                              s.nobody().get("/conversations"),
                              a.read(s.fresh("c")),
                              a.get("/conversations?limit=x"),
                              a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.after_signing = [](json::object& o) { o["x"] = 1; }}),
                              a.push({s.conversation(c, 1, {s.message("m1", "x", 1, [](json::object& o) { o.erase("role"); })})}),
                              a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.timestamp = s.in_seconds(-3600)}),
                              request(s, "POST", "/register-peer", {{"Content-Type", "text/plain"}}, "{}"),
                              request(s, "POST", "/register-peer", {{"Content-Type", "application/json"}}, "{"),
                              request(s, "POST", "/register-peer", {{"Content-Type", "application/json"}}, "{}"),
                              s.try_register({.sbt_after_mac = [](json::object& o) { o["user_id"] = "eve"; }}),
                              request(s, "GET", "/sync/peer_" + std::string(32, '0')),
                              a.get("/conversations", {.authorization = "BSP not-a-jws"})};
    for (auto const& x : out) s.control(x.client_error(), "refused: " + x.details().summary);
    return out;
}

void errors_are_problem_documents(scenario& s) {
    for (auto const& x : some_errors(s)) {
        auto const where = " on " + x.details().summary + " (" + std::to_string(x.status()) + ")";
        auto const* type = x.header("Content-Type");
        s.expect(is_of_type(type, "application/problem+json"), "Content-Type: application/problem+json" + where, type ? *type : "none");
        for (auto const* member : {"type", "title", "detail", "code"})
            s.expect(!x.text(std::string{"/"} + member).empty(), std::string{"a string "} + member + where, show(x.body()));
        s.expect(integer_at(x.body(), "/status") == x.status(), "status " + std::to_string(x.status()) + where, show(x.body()));
    }
}

void errors_are_of_the_registry(scenario& s) {
    static std::set<std::string> const registry{
        "malformed-body", "invalid-body", "not-canonicalizable", "invalid-query", "bad-request", "unsupported-version", "unsupported-media-type", "payload-too-large", "uri-too-long",
        "headers-too-large", "request-timeout", "expectation-failed", "upgrade-required", "misdirected-request", "method-not-allowed", "credential-required", "invalid-credential", "invalid-sbt",
        "sbt-expired", "invalid-key", "invalid-signature", "stale-request", "forbidden", "wrong-audience", "peer-revoked", "sync-paused", "unknown-peer", "not-found", "key-mismatch",
        "sync-id-reuse", "epoch-changed", "rate-limited", "internal", "unavailable"};
    for (auto const& x : some_errors(s)) {
        auto const where = " on " + x.details().summary + " (" + std::to_string(x.status()) + ")";
        s.expect(x.text("/type") == "https://bsp.dev/errors/" + x.code(), "type https://bsp.dev/errors/ and the code" + where, x.text("/type"));
        s.expect(registry.contains(x.code()), "a code of the registry" + where, x.code());
    }
}

void errors_tell_nothing_internal(scenario& s) {
    std::vector<std::string> const traces{"Traceback", "site-packages", "/usr/", "/home/", "/var/", "/root/", "/app/", "node_modules", ".py\"", ".cpp", ".hpp", ".rs:", ".go:", ".java:", "at Object.", "Exception:",
                                          "sqlite3.", "psycopg", "SQLSTATE", "std::", "errno", s.account().secret};
    for (auto const& x : some_errors(s))
        for (auto const& trace : traces)
            s.expect(x.bytes().find(trace) == std::string::npos, "no trace of internals on " + x.details().summary, "the answer contains " + (trace == s.account().secret ? "the pairing secret" : trace));
}

void computed_macs_are_not_told(scenario& s) {
    auto const r = s.settled();
    auto hostile = r;
    std::string right;
    hostile.sbt_after_mac = [&right](json::object& o) {
        right = o.at("signature").as_string();
        auto wrong = right;
        wrong[0] = wrong[0] == '0' ? '1' : '0';
        o["signature"] = wrong;
    };
    auto const x = s.try_register(hostile);
    s.refused(x, "a wrong signature of the token");
    s.expect(x.bytes().find(right) == std::string::npos, "the refusal does not contain the right signature", "it does");
    s.control(s.try_register(r), "the registration with its signature");
    auto const a = s.register_peer();
    auto const y = a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}, {.after_signing = [](json::object& o) { o["x"] = 1; }});
    s.refused(y, "a tampered push");
    s.expect(y.bytes().size() < 4096, "a short refusal", std::to_string(y.bytes().size()) + " bytes");
}

void unauthorized_answers_challenge(scenario& s) {
    for (auto const& x : some_errors(s))
        if (x.status() == 401) s.expect(x.header("WWW-Authenticate") != nullptr, "WWW-Authenticate on " + x.details().summary, "no such field");
}

// ---- hosts, origins, caches -------------------------------------------------------------------------------

char const* const evil = "https://evil.example";

void foreign_origins_get_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const with_origin = [](std::string origin) { return call_options{.request = [origin](http_request& q) { q.headers.set("Origin", origin); }}; };
    s.control(a.get("/conversations"), "the list without an Origin");
    for (std::string const origin : {evil, "null", "http://localhost.evil.example", "https://evil.example:443"})
        for (auto const& x : {a.get("/conversations", with_origin(origin)), a.pull({}, with_origin(origin)), a.get("/peers", with_origin(origin))}) {
            auto const* allowed = x.header("Access-Control-Allow-Origin");
            s.expect(!allowed || (*allowed != "*" && *allowed != origin), "no Access-Control-Allow-Origin for " + origin + " on " + x.details().summary, allowed ? *allowed : "");
        }
    auto const preflight = request(s, "OPTIONS", "/conversations", {{"Origin", evil}, {"Access-Control-Request-Method", "GET"}, {"Access-Control-Request-Headers", "authorization"}});
    auto const* allowed = preflight.header("Access-Control-Allow-Origin");
    s.expect(!allowed || (*allowed != "*" && *allowed != evil), "no Access-Control-Allow-Origin in the preflight", allowed ? *allowed : "");
}

void wildcard_has_no_credentials(scenario& s) {
    for (auto const& [path, member] : {std::pair{"/identity", "/backend_id"}, {"/health", "/status"}}) {
        auto const x = request(s, "GET", path, {{"Origin", evil}});
        s.control(x, std::string{"GET "} + path);
        s.control(!x.text(member).empty(), std::string{path} + " is answered by a backend");
        auto const* allowed = x.header("Access-Control-Allow-Origin");
        s.expect(!(allowed && *allowed == "*" && x.header("Access-Control-Allow-Credentials")), "no Access-Control-Allow-Credentials beside *", "both");
        s.expect(!(allowed && *allowed == evil), "no reflected origin", *(allowed ? allowed : &x.bytes()));
    }
}

void hosts_are_checked(scenario& s) {
    s.control(request(s, "GET", "/identity"), "GET /identity under its own name");
    for (auto const* host : {"evil.example", "evil.example:8825", "localhost.evil.example", "127.0.0.1.evil.example", "169.254.169.254"}) {
        auto const x = request(s, "GET", "/identity", {{"Host", host}});
        s.refused(x, std::string{"Host: "} + host, {.statuses = {421, 403, 400}, .codes = {"misdirected-request", "forbidden", "bad-request"}});
    }
    auto const colon = s.authority().rfind(':');
    auto const port = colon == std::string::npos ? std::string{} : s.authority().substr(colon);
    s.accepted(request(s, "GET", "/identity", {{"Host", "localhost" + port}}), "Host: localhost");
    s.accepted(request(s, "GET", "/identity", {{"Host", "127.0.0.1" + port}}), "Host: 127.0.0.1");
}

void foreign_origins_cannot_write(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "fine", [](json::object& o) { o["id"] = "m1"; }), "a write without an Origin");
    for (std::string const origin : {evil, "null", "http://localhost.evil.example"}) {
        call_options const foreign{.request = [origin](http_request& q) { q.headers.set("Origin", origin); }};
        s.refused(a.write(c, "from a page", {}, foreign), "a write with Origin " + origin, {.statuses = {403}, .codes = {"forbidden"}});
        s.refused(a.del("/conversations/" + c, foreign), "a deletion with Origin " + origin, {.statuses = {403}, .codes = {"forbidden"}});
        s.refused(a.push({s.conversation(c, 9, {s.message("m2", "from a page")})}, {.request = foreign.request}), "a push with Origin " + origin, {.statuses = {403}, .codes = {"forbidden"}});
        s.refused(a.del("/conversations/" + c + "/messages/m1", foreign), "the deletion of a message with Origin " + origin, {.statuses = {403}, .codes = {"forbidden"}});
        if (s.shared().has_privacy)
            s.refused(s.user().call("PUT", "/privacy-settings", R"({"user_id": ")" + s.account().id + "\"}", foreign), "settings with Origin " + origin, {.statuses = {403}, .codes = {"forbidden"}});
        auto r = s.settled();
        auto hostile = r;
        hostile.request = foreign.request;
        s.refused(s.try_register(hostile), "a registration with Origin " + origin, {.statuses = {403}, .codes = {"forbidden"}});
    }
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone", show(ids_at(now.body(), "/messages")));
}

void authenticated_answers_are_not_stored(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    for (auto const& x : {a.push({s.conversation(c, 1, {s.message("m1", "x")})}), a.read(c), a.pull(), a.get("/conversations"), a.get("/peers"), s.user().write(c, "x"),
                          a.read(s.fresh("c"))}) {
        auto const& fields = x.details().got.response.headers;
        s.expect(lists(fields, "Cache-Control", "no-store"), "Cache-Control: no-store on " + x.details().summary, joined(fields, "Cache-Control"));
    }
    s.evidence("answers to authenticated requests");
}

void identity_is_revalidated(scenario& s) {
    auto const x = request(s, "GET", "/identity");
    s.control(x, "GET /identity");
    auto const& fields = x.details().got.response.headers;
    s.expect(lists(fields, "Cache-Control", "no-cache") || lists(fields, "Cache-Control", "no-store"), "Cache-Control: no-cache", joined(fields, "Cache-Control"));
}

void says_little_of_health(scenario& s, exchange const& x, std::string const& where) {
    for (auto const& m : x.body().as_object()) {
        for (std::string_view const subject : {"peer", "user", "pid", "process", "path", "config", "secret", "token", "conversation"})
            s.expect(std::string_view{m.key()}.find(subject) == std::string_view::npos, "nothing about peers, users, paths, processes or configuration" + where, std::string{m.key()} + " is told");
        auto const leak = fuzz::leak_in(show(m.value()), {}, {});  // "message" may say that all is well
        s.expect(leak.empty(), "nothing of the inside" + where, std::string{m.key()} + ": " + leak);
    }
}

void health_is_public_and_silent(scenario& s) {
    auto const x = request(s, "GET", "/health");
    s.accepted(x, "GET /health without a credential");
    s.expect(x.status() == 200 && x.text("/status") == "healthy", "200 and status \"healthy\"", show(x.body()));
    if (!x.body().is_object()) return;
    s.expect(x.bytes().find(s.account().id) == std::string::npos, "no user's name", "the name of a user is told");
    says_little_of_health(s, x, "");
    // Nor is more told to who asks for more.
    auto const a = s.register_peer();
    auto const judge = [&](exchange const& more, std::string const& what) {
        s.accepted(more, what);
        for (std::string const& told : {s.account().id, a.backend_id(), a.peer_id()}) s.expect(more.bytes().find(told) == std::string::npos, "nothing about users or peers in the answer to " + what, "it names " + told);
        if (more.body().is_object()) says_little_of_health(s, more, " in the answer to " + what);
    };
    for (char const* query : {"?verbose", "?verbose=1", "?verbose=true", "?full=true", "?full", "?details=1", "?detail=full", "?debug=1", "?debug", "?checks", "?show=all", "?include=peers", "?format=json&verbose", "?level=3"})
        judge(request(s, "GET", std::string{"/health"} + query), std::string{"GET /health"} + query);
    for (auto const& [name, value] : {std::pair<char const*, char const*>{"Accept", "text/html,application/json,*/*;q=0.8"}, {"X-Debug", "1"}, {"X-Verbose", "true"}, {"X-Forwarded-For", "127.0.0.1"}})
        judge(request(s, "GET", "/health", {{name, value}}), std::string{"GET /health with "} + name + ": " + value);
}

void dates_are_sent(scenario& s) {
    auto const x = request(s, "GET", "/identity");
    s.control(x, "GET /identity");
    s.expect(x.header("Date") != nullptr, "a Date field", "none");
    s.wait_until(s.now() + std::chrono::milliseconds{2'100});
    auto const later = request(s, "GET", "/identity");
    s.control(later, "GET /identity two seconds later");
    s.expect(later.header("Date") && *later.header("Date") != *x.header("Date"), "another Date two seconds later", later.header("Date") ? *later.header("Date") : "none");
}

check const checks[] = {
    {.id = "gen/content-length", .title = "differing or malformed Content-Length values are refused", .clauses = {"BSP-GEN-009"}, .impact = "requests can be smuggled past a proxy", .likely_cause = "the first value is taken",
     .run = differing_lengths_are_refused, .needs = need::sockets},
    {.id = "gen/smuggling", .title = "bytes of a body are not processed as a request", .clauses = {"BSP-GEN-011"}, .impact = "requests can be smuggled past a proxy", .likely_cause = "bodies of GET requests are left on the connection",
     .run = bodies_are_not_requests, .needs = need::sockets},
    {.id = "gen/two-framings", .title = "a request with Content-Length and Transfer-Encoding is refused", .clauses = {"BSP-GEN-010"}, .impact = "requests can be smuggled past a proxy", .likely_cause = "one of the two is preferred",
     .run = conflicting_framing_is_refused, .needs = need::sockets, .strength = obligation::should},
    {.id = "gen/method-not-allowed", .title = "a method that a path does not have is refused", .clauses = {"BSP-GEN-005", "BSP-GEN-012"}, .impact = "clients cannot tell a typing error from an outage",
     .likely_cause = "an uncaught routing error", .run = wrong_methods_are_refused},
    {.id = "gen/allow-header", .title = "a 405 answer lists what is allowed", .clauses = {"BSP-GEN-006"}, .impact = "authors of clients have to guess", .likely_cause = "405 is written by hand", .run = refused_methods_are_listed,
     .about = aspect::exactness},
    {.id = "gen/unknown-path", .title = "a path that is not served is not found", .clauses = {"BSP-GEN-004", "BSP-GEN-012"}, .impact = "files of the machine are served, or clients see a server fault", .likely_cause = "a catch-all route",
     .run = unknown_paths_are_not_found},
    {.id = "gen/media-type", .title = "a body that is not application/json is refused", .clauses = {"BSP-GEN-002"}, .impact = "any web page can post to a backend on the reader's machine", .likely_cause = "the body is parsed whatever it says it is",
     .run = media_type_is_required},
    {.id = "gen/media-type-spellings", .title = "application/json is accepted in every spelling", .clauses = {"BSP-GEN-002"}, .impact = "clients whose library adds a charset cannot sync", .likely_cause = "the field is compared as text",
     .run = media_type_spellings_are_accepted},
    {.id = "gen/json-content-type", .title = "answers are labelled application/json", .clauses = {"BSP-GEN-003"}, .impact = "clients that obey the label cannot read the answer", .likely_cause = "the framework's default type", .run = answers_are_json,
     .about = aspect::exactness},
    {.id = "gen/unknown-query", .title = "unknown query parameters are ignored", .clauses = {"BSP-GEN-008"}, .impact = "newer clients are locked out", .likely_cause = "a strict query schema", .run = unknown_parameters_are_ignored},
    {.id = "gen/path-identifiers", .title = "what is no identifier in a path is refused and creates nothing", .clauses = {"BSP-GEN-058"}, .impact = "an id becomes a path in the file system", .likely_cause = "segments are decoded after, or never, validated",
     .run = hostile_paths_are_refused},
    {.id = "gen/percent-decoded-path", .title = "percent-escapes in a path are another spelling of it", .clauses = {"BSP-GEN-059", "BSP-CNV-010"}, .impact = "clients whose library escapes more cannot read their conversations",
     .likely_cause = "the raw segment is taken for the id", .run = escaped_paths_are_decoded},
    {.id = "gen/problem-documents", .title = "errors are problem documents of the registry", .clauses = {"BSP-GEN-086", "BSP-GEN-087"}, .impact = "clients cannot tell what to do next",
     .likely_cause = "the framework's own error format", .run = errors_are_problem_documents, .about = aspect::exactness},
    {.id = "gen/error-registry", .title = "codes and types of errors are those of the registry", .clauses = {"BSP-GEN-088", "BSP-GEN-089"}, .impact = "clients of other backends do not know what to do next",
     .likely_cause = "codes made up where the registry has one", .run = errors_are_of_the_registry, .strength = obligation::should, .about = aspect::exactness},
    {.id = "gen/no-internals", .title = "errors tell nothing of the inside", .clauses = {"BSP-GEN-091"}, .impact = "attackers learn paths, versions and secrets", .likely_cause = "exception texts are passed on", .run = errors_tell_nothing_internal},
    {.id = "gen/no-computed-mac", .title = "a refusal does not contain the signature that would have been right", .clauses = {"BSP-GEN-049"}, .impact = "anybody can forge a token in two requests", .likely_cause = "\"expected … got …\" in the error text",
     .run = computed_macs_are_not_told},
    {.id = "gen/www-authenticate", .title = "a 401 answer carries WWW-Authenticate", .clauses = {"BSP-GEN-092"}, .impact = "generic HTTP clients cannot tell which credential is wanted", .likely_cause = "401 is written by hand",
     .run = unauthorized_answers_challenge, .about = aspect::exactness},
    {.id = "gen/cors", .title = "no foreign origin may read answers", .clauses = {"BSP-GEN-096"}, .impact = "any web page that its reader visits reads the reader's conversations", .likely_cause = "* or a reflected Origin",
     .run = foreign_origins_get_nothing},
    {.id = "gen/cors-credentials", .title = "a wildcard origin comes without credentials, and origins are not reflected", .clauses = {"BSP-GEN-098", "BSP-GEN-096"}, .impact = "any web page acts in its reader's name",
     .likely_cause = "a CORS middleware with allow_credentials and *", .run = wildcard_has_no_credentials},
    {.id = "gen/host-header", .title = "a local backend refuses foreign host names", .clauses = {"BSP-GEN-101"}, .impact = "a web page reaches the backend by DNS rebinding", .likely_cause = "Host is not looked at", .run = hosts_are_checked,
     .needs = need::local_target},
    {.id = "gen/foreign-origin-write", .title = "a local backend refuses changes from foreign origins", .clauses = {"BSP-GEN-100"}, .impact = "a web page writes into its reader's backend", .likely_cause = "Origin is looked at for CORS only",
     .run = foreign_origins_cannot_write, .needs = need::local_target},
    {.id = "gen/no-store", .title = "answers to authenticated requests are not to be stored", .clauses = {"BSP-GEN-105"}, .impact = "conversations stay in caches of proxies and browsers", .likely_cause = "no Cache-Control", .run = authenticated_answers_are_not_stored,
     .about = aspect::exactness},
    {.id = "gen/identity-no-cache", .title = "the identity is to be revalidated", .clauses = {"BSP-GEN-106"}, .impact = "a rotated key is not seen", .likely_cause = "no Cache-Control", .run = identity_is_revalidated, .about = aspect::exactness},
    {.id = "gen/health", .title = "health is told to everyone, and nothing else is", .clauses = {"BSP-GEN-107", "BSP-GEN-109"}, .impact = "peers take the backend for dead, or strangers learn about its users", .likely_cause = "authentication on every route, or a status page",
     .run = health_is_public_and_silent},
    {.id = "gen/date", .title = "answers carry a Date", .clauses = {"BSP-GEN-014"}, .impact = "clients with a wrong clock cannot correct it and are refused for ever", .likely_cause = "the server does not send it", .run = dates_are_sent,
     .needs = need::patience,
     .strength = obligation::should, .about = aspect::exactness},
    {.id = "gen/fields-mean-nothing", .title = "fields that mean something to a framework change neither method, path nor form of an answer", .clauses = {"BSP-CNV-040", "BSP-ID-002", "BSP-GEN-086", "BSP-GEN-092"},
     .impact = "a write becomes a deletion, a rule of a proxy for one path is got around at another, and clients cannot read errors", .likely_cause = "X-HTTP-Method-Override, X-Original-URL and error pages by Accept are on in the framework", .run = fields_mean_nothing},
    {.id = "gen/no-body-no-type", .title = "a request without a body may name any media type", .clauses = {"BSP-GEN-002", "BSP-CNV-060", "BSP-CNV-061", "BSP-CNV-010"}, .impact = "clients that send the field with every request cannot read or delete",
     .likely_cause = "the field is judged, or an empty body parsed, because the field is there", .run = no_body_has_no_type},
    {.id = "gen/charset", .title = "a parameter of application/json does not change how a body is read", .clauses = {"BSP-GEN-002"}, .impact = "letters beyond ASCII arrive as others, or the push is refused", .likely_cause = "the framework obeys charset, and JSON is UTF-8 whatever it says",
     .run = charset_means_nothing, .strength = obligation::should},
    {.id = "gen/parameter-names", .title = "names of query parameters are what they are: no case is folded, and no bracket makes a list", .clauses = {"BSP-GEN-008", "BSP-GEN-012"}, .impact = "newer clients are refused, or make the server fail",
     .likely_cause = "a framework that binds parameters without case, or makes lists and objects of brackets", .run = names_of_parameters_are_exact},
};

}  // namespace

group http_group() { return {"http", profile::gen, checks}; }

}  // namespace bsp::conformance
