#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "../target/http_reader.hpp"
#include "../target/stream.hpp"

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
    auto const opened = open_stream(to, {}, clock::now() + patience);
    if (!opened.to) s.inconclusive("connecting: " + opened.detail);
    for (auto const& piece : pieces) {
        if (&piece != &pieces.front()) std::this_thread::sleep_for(std::chrono::milliseconds{60});
        for (std::size_t sent = 0; sent < piece.size();) {
            auto const r = opened.to->write(piece.data() + sent, piece.size() - sent);
            if (r.what == stream::status::done) sent += r.size;
            else if (r.what != stream::status::would_block || !opened.to->wait(clock::now() + patience, true)) break;
        }
    }
    std::vector<int> out;
    std::array<char, 16 * 1024> buffer;
    http_reader reader;
    for (auto const until = clock::now() + patience; out.size() < answers && opened.to->wait(until, false);) {
        auto const r = opened.to->read(buffer.data(), buffer.size());
        if (r.what == stream::status::would_block) continue;
        if (r.what != stream::status::done) {
            out.push_back(reader.end() == http_reader::state::complete ? reader.response().status : 0);
            break;
        }
        for (std::size_t i = 0; i < r.size && out.size() < answers; ++i)  // by bytes: what follows an answer is the next one's
            if (reader.feed({buffer.data() + i, 1}) == http_reader::state::complete) {
                out.push_back(reader.response().status);
                reader = http_reader{};
            }
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

check const checks[] = {
    {.id = "gen/pieces", .title = "a request is the same in one piece, in several, in chunks of any spelling, and together with the next", .clauses = {"BSP-GEN-001"}, .impact = "what works on a desk fails on a train",
     .likely_cause = "one read from the socket is taken for one request", .run = requests_come_in_pieces, .needs = need::sockets},
    {.id = "trn/tls-floor", .title = "versions of TLS before 1.2 are refused", .clauses = {"BSP-TRN-010"}, .impact = "whoever sits between can read with attacks that are known for years",
     .likely_cause = "a configuration for old browsers", .run = old_versions_are_refused, .strength = obligation::should},
    {.id = "trn/no-cleartext", .title = "the port of https serves nothing in cleartext", .clauses = {"BSP-TRN-011"}, .impact = "a client with a wrong URL tells everybody what it syncs, and nobody notices",
     .likely_cause = "a listener that guesses what is spoken", .run = cleartext_is_not_served, .strength = obligation::should},
};

}  // namespace

group transport_group() { return {"transport", profile::gen, checks}; }

}  // namespace bsp::conformance
