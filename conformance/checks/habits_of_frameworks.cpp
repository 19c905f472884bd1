#include "../fields.hpp"
#include "habits.hpp"

#include "../scenario.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <cctype>
#include <string>
#include <vector>

// Sections 1.2 and 5.3: what a request says beside what this specification reads means nothing.

namespace bsp::conformance {

namespace {

call_options with_field(std::string name, std::string value) {
    return {.request = [name = std::move(name), value = std::move(value)](http_request& q) { q.headers.set(name, value); }};
}

exchange plain(scenario& s, std::string_view path, http_headers headers = {}) {
    return s.send({.method = "GET", .target = s.target_path(path), .headers = std::move(headers), .body = {}, .remote = {}});
}

/// Every octet of `text` that `escapes` as %XX.
template <class Escapes>
std::string escaped(std::string_view text, std::string_view hex, Escapes escapes) {
    std::string out;
    for (char const c : text)
        if (escapes(c)) ((out += '%') += hex[static_cast<unsigned char>(c) >> 4]) += hex[c & 15];
        else out += c;
    return out;
}

/// Statuses of the answers in a stream of bytes.
std::vector<int> statuses_in(std::string const& bytes) {
    std::vector<int> out;
    for (auto at = bytes.find("HTTP/1."); at != std::string::npos; at = bytes.find("HTTP/1.", at + 1))
        if (at + 12 <= bytes.size() && std::isdigit(static_cast<unsigned char>(bytes[at + 9])) != 0) out.push_back(std::stoi(bytes.substr(at + 9, 3)));
    return out;
}

std::string shown(std::vector<int> const& statuses) {
    std::string out;
    for (int const one : statuses) out += (out.empty() ? "" : ", then ") + std::to_string(one);
    return out.empty() ? "no answer" : out;
}

}  // namespace

void fields_mean_nothing(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    std::size_t written = 0;
    for (char const* name : {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"})
        for (char const* method : {"DELETE", "GET"}) {
            auto const x = who.write(c, "written with " + std::string{name}, {}, with_field(name, method));
            s.expect(x.status() == 201, std::string{"a write with "} + name + ": " + method + " is a write", x.describe());
            ++written;
        }
    s.expect(message_ids(s, who, c).size() == written, std::to_string(written) + " messages were written", std::to_string(message_ids(s, who, c).size()));
    s.accepted(who.del("/conversations/" + c, with_field("X-HTTP-Method-Override", "GET")), "a deletion with X-HTTP-Method-Override: GET");
    auto const gone = who.read(c);
    s.expect(gone.status() != 200 || gone.at("/deleted") != nullptr, "the conversation is deleted", gone.describe());
    for (char const* name : {"X-Original-URL", "X-Rewrite-URL"}) {
        auto const x = plain(s, "/identity", {{name, s.target_path("/health")}});
        s.expect(!x.text("/backend_id").empty(), std::string{"GET /identity with "} + name + " is answered with the identity", x.describe());
    }
    // An error is a problem document for everybody, and 401 has a challenge.
    for (auto const& [name, value] : {std::pair<char const*, char const*>{"Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}, {"Accept", "application/json"}, {"Accept", "*/*"}, {"X-Requested-With", "XMLHttpRequest"}})
        for (char const* path : {"/conversations", "/no/such/path"}) {
            auto const x = plain(s, path, {{name, value}});
            s.refused(x, std::string{"GET "} + path + " with " + name + ": " + value);
            auto const* type = x.header("Content-Type");
            s.expect(is_of_type(type, "application/problem+json") && !x.text("/code").empty(), std::string{"a problem document in answer to GET "} + path + " with " + name + ": " + value, type ? *type : "no Content-Type");
            if (x.status() == 401) s.expect(x.header("WWW-Authenticate") != nullptr, std::string{"WWW-Authenticate on a 401 to a request with "} + name, "it is absent");
        }
}

void no_body_has_no_type(scenario& s) {
    auto const who = s.user();
    for (char const* type : {"application/json", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"}) {
        auto const c = s.fresh("c");
        s.control(who.write(c, "hello", set("id", "m1")), "a write");
        auto const as_type = with_field("Content-Type", type);
        s.accepted(who.read(c, as_type), std::string{"a GET without a body and with Content-Type: "} + type);
        s.accepted(who.get("/conversations?limit=1", as_type), std::string{"the list, with Content-Type: "} + type);
        s.accepted(who.del("/conversations/" + c + "/messages/m1", as_type), std::string{"a DELETE of a message without a body and with Content-Type: "} + type);
        auto const empty = call_options{.request = [type](http_request& q) { q.headers.set("Content-Type", type), q.headers.set("Content-Length", "0"); }};
        s.accepted(who.del("/conversations/" + c, empty), std::string{"a DELETE of a conversation with Content-Length: 0 and Content-Type: "} + type);
    }
}

void charset_means_nothing(scenario& s) {
    auto const a = s.register_peer();
    for (std::string const parameter : {"charset=iso-8859-1", "charset=us-ascii", "charset=utf-16", "profile=\"x;y\"", "version=1"}) {
        auto const c = s.fresh("c");
        auto const type = "application/json; " + parameter;
        std::string const text = "gr\u00fc\u00dfe \U0001F600";
        auto const as_type = [type](http_request& q) { q.headers.set("Content-Type", type); };
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", text)})}, {.request = as_type}), "a push as " + type);
        s.accepted(a.write(c, text, set("id", "m2"), {.request = as_type}), "a write as " + type);
        auto const x = read(s, a, c);
        for (char const* id : {"m1", "m2"}) s.expect(text_at(json::value(message_in(x, id)), "/content") == text, "the text that was sent as " + type, show(json::value(message_in(x, id))));
    }
}

void names_of_parameters_are_exact(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const here = "/sync/" + a.peer_id();
    for (std::string const query : {"LIMIT=abc", "Limit=0", "Since=x", "SINCE=x", "limit%5B%5D=abc", "since%5Ba%5D=b", "limit%5Bx%5D=1", "limit.x=abc", "wait%5B%5D=x", "Wait=x", "%20limit=abc"}) {
        s.accepted(a.get(here + "?" + query + "&limit=1"), "a pull with " + query + ", which is no parameter that there is");
        s.accepted(user.get("/conversations?limit=1&" + query), "the list with " + query + ", which is no parameter that there is");
    }
}

void spellings_of_since(scenario& s) {
    auto const a = s.register_peer();
    auto const since = s.in_seconds(-30);
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "news")})}), "a push");
    auto const with_offset = spelled(parse_timestamp(since).value(), 120, "+02:00");
    auto const is_mark = [](char ch) { return std::isalnum(static_cast<unsigned char>(ch)) == 0 && ch != '.' && ch != '-'; };
    for (auto const& [what, text] : {std::pair<std::string, std::string>{"bare colons", since}, {"%3A for its colons", escaped(since, "0123456789ABCDEF", is_mark)}, {"%3a for its colons", escaped(since, "0123456789abcdef", is_mark)},
                                     {"an escape for every character", escaped(since, "0123456789ABCDEF", [](char) { return true; })}, {"an offset in small escapes", escaped(with_offset, "0123456789abcdef", is_mark)},
                                     {"an offset in capital escapes", escaped(with_offset, "0123456789ABCDEF", is_mark)}}) {
        auto const x = a.get("/sync/" + a.peer_id() + "?limit=200&since=" + text);
        s.accepted(x, "a pull whose since has " + what);
        auto const y = a.get("/sync/" + a.peer_id() + "?since=" + text + "&limit=200");
        s.accepted(y, "a pull whose since comes first and has " + what);
    }
}

void each_request_stands_alone(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const head = [&](std::string const& method, std::string const& path, std::string const& authorization, std::string const& body, bool last) {
        auto out = method + " " + s.target_path(path) + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n";
        if (!authorization.empty()) out += "Authorization: " + authorization + "\r\n";
        if (!body.empty()) out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
        return out + (last ? "Connection: close\r\n\r\n" : "\r\n") + body;
    };
    auto const judge = [&](caller const& who, std::string const& path, std::string const& what) {
        auto const x = s.raw(head("GET", path, who.authorization("GET", path), "", false) + head("GET", path, "", "", true), std::chrono::seconds{6}, "GET " + path + " with a credential and again without, on one connection");
        auto const got = statuses_in(x.bytes);
        if (got.empty() || got.front() != 200) s.inconclusive("the first request on a connection is answered " + shown(got));
        s.evidence("a request on a connection");
        s.expect(got.size() < 2 || got[1] == 401, "401 for " + what + " without a credential, after one with it on the same connection", shown(got));
    };
    judge(user, "/conversations?limit=1", "the list of conversations");
    judge(a, "/sync/" + a.peer_id() + "?limit=1", "a pull");
    judge(user, "/peers", "the list of peers");

    // An assertion that was used on one connection is used on every other, and on its own.
    json::object const hello{{"role", "user"}, {"content", "hello"}, {"surface", "web"}};
    for (bool const same : {false, true}) {
        auto const path = "/conversations/" + s.fresh("c") + "/messages";
        auto const proof = user.authorization("POST", path);
        auto const request = [&](bool last) { return head("POST", path, proof, json::serialize(hello), last); };
        std::vector<int> got;
        if (same) got = statuses_in(s.raw(request(false) + request(true), std::chrono::seconds{6}, "a write twice on one connection").bytes);
        else
            for (int i = 0; i < 2; ++i)
                for (int const one : statuses_in(s.raw(request(true), std::chrono::seconds{6}, "the write on a connection of its own").bytes)) got.push_back(one);
        if (got.empty() || got.front() != 201) s.inconclusive("a write on a bare connection is answered " + shown(got));
        s.expect(got.size() < 2 || got[1] == 401, std::string{"401 for an assertion that was used before on "} + (same ? "the same connection" : "another connection"), shown(got));
    }
}

void assertions_of_other_methods(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const c = s.fresh("c");
    s.control(user.write(c, "hello"), "a write");
    for (auto const& [who, path] : {std::pair<caller, std::string>{user, "/conversations/" + c}, {user, "/conversations"}, {a, "/sync/" + a.peer_id()}}) {
        auto const x = who.call("HEAD", path, std::nullopt, {.claims = set("htm", "GET")});
        s.expect(x.status() / 100 == 4 || x.status() == 501, "HEAD " + path + " with an assertion for GET is refused", x.describe());
        auto const y = who.call("HEAD", path, std::nullopt, {.claims = set("htm", "head")});
        s.expect(y.status() / 100 == 4 || y.status() == 501, "HEAD " + path + " with an assertion for head is refused", y.describe());
        s.control(who.get(path), "GET " + path);
    }
}

}  // namespace bsp::conformance
