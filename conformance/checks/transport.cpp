#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "../target/http_reader.hpp"
#include "../target/stream.hpp"
#include "wire.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

// Chapter 18.2: what is spoken beneath HTTP.

namespace bsp::conformance {
namespace {

constexpr std::chrono::seconds patience{5};

std::string chunk_of(std::string const& bytes) {
    std::array<char, 20> size{};
    std::snprintf(size.data(), size.size(), "%zX", bytes.size());
    return std::string{size.data()} + "\r\n" + bytes + "\r\n";
}

/// Where the target speaks TLS; the check says nothing about one that does not.
endpoint https_of(scenario& s) {
    auto to = parse_url(s.shared().target.url()).value();
    if (!to.secure) s.not_applicable("the target is reached in cleartext");
    s.control(s.nobody().get("/identity"), "GET /identity over https");
    return to;
}

void old_versions_are_refused(scenario& s) {
    auto const to = https_of(s);
    auto const old = outdated_tls_context();
    if (!old) s.untested("this machine's OpenSSL does not speak TLS 1.1");
    auto const opened = open_stream(to, old, clock::now() + patience);
    if (!opened.to && opened.why != fault::tls) s.inconclusive("connecting again: " + opened.detail);
    s.expect(!opened.to, "a handshake of TLS 1.1 fails", "it succeeds");
}

void cleartext_is_not_served(scenario& s) {
    auto to = https_of(s);
    to.secure = false;
    auto const opened = open_stream(to, {}, clock::now() + patience);
    if (!opened.to) s.inconclusive("connecting again: " + opened.detail);
    std::string const text = "GET " + s.target_path("/identity") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nConnection: close\r\n\r\n";
    (void)opened.to->write(text.data(), text.size());
    http_reader reader;
    std::array<char, 16 * 1024> buffer;
    for (auto const until = clock::now() + patience; opened.to->wait(until, false);) {
        auto const r = opened.to->read(buffer.data(), buffer.size());
        if (r.what == stream::status::would_block) continue;
        if (r.what != stream::status::done) break;
        if (reader.feed({buffer.data(), r.size}) != http_reader::state::more) break;
    }
    int const status = reader.head_complete() ? reader.response().status : 0;
    s.expect(status / 100 != 2, "GET /identity in cleartext on the port of https is not served", "status " + std::to_string(status));
}

/// Writes `pieces` with a pause between them, and reads until there are `answers` of them: their statuses, and 0 for an end
/// before.
std::vector<int> statuses_of(scenario& s, std::vector<std::string> const& pieces, std::size_t answers) {
    auto const to = parse_url(s.shared().target.url()).value();
    if (to.secure) s.not_applicable("the target is reached through TLS, which cuts as it likes");
    wire w{s};
    for (auto const& piece : pieces) {
        if (&piece != &pieces.front()) std::this_thread::sleep_for(std::chrono::milliseconds{60});
        w.write(piece);
    }
    std::vector<int> out;
    while (out.size() < answers) {
        auto const x = w.next(patience);
        if (!x && !w.ended()) break;
        out.push_back(x ? x->status : 0);
        if (!x) break;
    }
    return out;
}

/// A network cuts bytes where it likes, and puts together what it likes.
void requests_come_in_pieces(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    auto const request = [&](std::string const& id, bool chunked) {
        auto const path = "/conversations/" + c + "/messages";
        std::string const body = json::serialize(json::object{{"id", id}, {"role", "user"}, {"surface", "web"}, {"content", "written in pieces, and long enough for a size of chunk with a letter in it"}});
        std::string const head = "POST " + s.target_path(path) + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nAuthorization: " + who.authorization("POST", path) + "\r\nContent-Type: application/json\r\n";
        std::string const size = chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
        return std::pair{head + size, chunked ? "4A;n=1;t=\"a;b\"\r\n" + body.substr(0, 0x4A) + "\r\n00A\r\n" + body.substr(0x4A, 10) + "\r\n" + chunk_of(body.substr(0x4A + 10)) + "0\r\nX-Took: 1\r\n\r\n" : body};
    };
    auto const judge = [&](std::string const& what, std::vector<std::string> const& pieces, bool in_chunks = false) {
        auto const got = statuses_of(s, pieces, 1);
        if (in_chunks && got == std::vector<int>{411}) return;  // a server may want to know the length (RFC 9112 section 6.3)
        s.expect(got == std::vector<int>{201}, what + " is answered with 201", got.empty() ? "no answer" : "status " + std::to_string(got.front()));
        s.evidence(what);
    };
    auto [head, body] = request("m1", false);
    judge("a write in one piece", {head + body});
    std::tie(head, body) = request("m2", false);
    judge("a write whose body comes after its head", {head, body});
    std::tie(head, body) = request("m3", false);
    judge("a write in five pieces", {head.substr(0, 3), head.substr(3, head.size() - 5), head.substr(head.size() - 2) + body.substr(0, 7), body.substr(7, 9), body.substr(16)});
    std::tie(head, body) = request("m4", true);
    judge("a write in chunks with sizes in capitals, extensions and a trailer", {head + body}, true);
    std::tie(head, body) = request("m5", true);
    judge("the same in pieces", {head + body.substr(0, 1), body.substr(1, 30), body.substr(31)}, true);

    // Two requests in one piece: both are answered, or the connection is closed after the first.
    std::tie(head, body) = request("m6", false);
    auto const [second_head, second_body] = request("m7", false);
    auto const got = statuses_of(s, {head + body + second_head + second_body}, 2);
    s.expect(!got.empty() && got.front() == 201 && (got.size() == 2 && (got.back() == 201 || got.back() == 0)), "two writes that are sent together are answered with 201 each, or the connection is closed after the first",
             std::to_string(got.size()) + " answers" + (got.empty() ? "" : ", the last with status " + std::to_string(got.back())));
}

/// After the last chunk come the fields of a trailer and an empty line; all of it is the body's (RFC 9112 section 7.1).
void trailers_are_of_the_body(scenario& s) {
    auto const who = s.user();
    auto const path = "/conversations/" + s.fresh("c") + "/messages";
    std::string const next = "GET " + s.target_path("/identity") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n\r\n";
    auto const send = [&](wire& w, std::string const& end) {
        std::string const body = json::serialize(json::object{{"role", "user"}, {"surface", "web"}, {"content", "in chunks"}});
        w.write("POST " + s.target_path(path) + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nAuthorization: " + who.authorization("POST", path) +
                "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk_of(body) + end);
    };
    struct row {
        char const *what, *end;
    };
    for (auto const& r : {row{"no trailer", "0\r\n\r\n"}, row{"a last chunk of several zeros", "000\r\n\r\n"}, row{"one field in its trailer", "0\r\nX-A: 1\r\n\r\n"},
                          row{"two fields in its trailer", "0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"}, row{"four fields in its trailer", "0;last\r\nX-A: 1\r\nX-B: 2\r\nX-C: \r\nX-D: 4\r\n\r\n"}}) {
        wire w{s};
        send(w, std::string{r.end} + next);
        auto const first = w.next();
        s.control(first.has_value(), std::string{"a write in chunks with "} + r.what + " is answered");
        auto const second = w.next();  // a server may close the connection instead, or read nothing more
        s.expect(!second || second->status == 200 || second->status == 429, std::string{"GET /identity, behind a write in chunks with "} + r.what + ", is answered with 200, or the connection is closed", describe(second));
    }
    // A line without a colon is no field. Whatever becomes of the write, the line is not a request.
    std::string const posing = next.substr(0, next.size() - 2);
    std::pair<char const*, std::string> const trailers[] = {{"the first line", posing}, {"the second line", "X-A: 1\r\n" + posing}, {"the third line", "X-A: 1\r\nX-B: 2\r\n" + posing}};
    std::vector<wire> wires;
    for (auto const& [what, trailer] : trailers) send(wires.emplace_back(s), "0\r\n" + trailer + "\r\n");
    for (auto& w : wires) s.control(w.next().has_value(), "a write in chunks with a malformed trailer is answered");
    for (std::size_t i = 0; i < wires.size(); ++i) {  // nothing more is right; all of them are given the time of the first
        auto const second = wires[i].next(std::chrono::milliseconds{i == 0 ? 1'500 : 100});
        s.expect(!second || second->status / 100 != 2, std::string{"a trailer of which "} + trailers[i].first + " is like a request is not answered as one", "a second answer: " + describe(second));
    }
    s.control(s.nobody().get("/identity"), "GET /identity on a connection of its own");
}

check const checks[] = {
    {.id = "gen/pieces", .title = "a request is the same in one piece, in several, in chunks of any spelling, and together with the next", .clauses = {"BSP-GEN-001"}, .impact = "what works on a desk fails on a train",
     .likely_cause = "one read from the socket is taken for one request", .run = requests_come_in_pieces, .needs = need::sockets},
    {.id = "gen/trailers", .title = "the trailer of a chunked body is no request", .clauses = {"BSP-GEN-011", "BSP-GEN-001"}, .impact = "requests can be smuggled past a proxy, or a client's next request is refused",
     .likely_cause = "after the last chunk one line is read, and not all up to the empty one", .run = trailers_are_of_the_body, .needs = need::sockets | need::patience},
    {.id = "trn/tls-floor", .title = "versions of TLS before 1.2 are refused", .clauses = {"BSP-TRN-010"}, .impact = "whoever sits between can read with attacks that are known for years",
     .likely_cause = "a configuration for old browsers", .run = old_versions_are_refused, .strength = obligation::should},
    {.id = "trn/no-cleartext", .title = "the port of https serves nothing in cleartext", .clauses = {"BSP-TRN-011"}, .impact = "a client with a wrong URL tells everybody what it syncs, and nobody notices",
     .likely_cause = "a listener that guesses what is spoken", .run = cleartext_is_not_served, .strength = obligation::should},
};

}  // namespace

group transport_group() { return {"transport", profile::gen, checks}; }

}  // namespace bsp::conformance
