#include "../gzip.hpp"
#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"

#include <boost/json/serialize.hpp>

#include <cstdio>

// Section 1.9: how large bodies, targets and header sections may be, and what becomes of those that are larger.

namespace bsp::conformance {
namespace {

constexpr std::size_t mebibyte = 1u << 20;

void large_bodies_are_accepted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    std::vector<json::object> messages;
    std::string const text(1000 * 1000, 'x');  // ten of them, and the rest in one: just under 10 MiB
    for (int i = 0; i < 10; ++i) messages.push_back(s.message("m" + std::to_string(i), text));
    auto const base = boost::json::serialize(a.payload({s.conversation(c, 1, messages)})).size();
    messages.push_back(s.message("m10", std::string(10 * mebibyte - base - 1000, 'y')));
    auto const to_the_byte = [](std::string body) { return body.append(10 * mebibyte - body.size(), ' '); };
    s.control(boost::json::serialize(a.payload({s.conversation(c, 1, messages)})).size() <= 10 * mebibyte, "the body has room in 10 MiB");
    s.accepted(a.push({s.conversation(c, 1, messages)}, {.bytes = to_the_byte}), "a push of 10 MiB to the byte");
    auto const x = a.read(c);
    s.control(x, "reading the conversation");
    s.expect(ids_at(x.body(), "/messages").size() == 11, "eleven messages", std::to_string(ids_at(x.body(), "/messages").size()));
}

void endless_bodies_are_refused(scenario& s) {
    auto const r = s.settled();
    auto const padded = [&](std::size_t mebibytes) {
        auto large = r;
        large.bytes = [=](std::string t) { return t.insert(1, "\"x-padding\":\"" + std::string(mebibytes * mebibyte, 'x') + "\","); };
        return s.try_register(large);
    };
    auto const x = padded(64);
    // A server may stop reading and close before the whole body was sent: then the client cannot always read the answer.
    auto const judge = [&](exchange const& got, std::string const& what) {
        if (got.answered()) s.refused(got, what, {.statuses = {413}, .codes = {"payload-too-large"}});
        else s.expect(got.details().got.why == fault::closed, "a refusal of " + what, got.describe());
        s.still_alive(what);
    };
    if (!x.ok()) {
        judge(x, "a body of 64 MiB");
    } else {  // within a limit of its own, then
        s.note("takes a body of 64 MiB");
        judge(padded(256), "a body of 256 MiB");
    }
    s.control(s.try_register(r), "the same registration without padding");
}

void chunked_bodies_are_counted(scenario& s) {
    auto const head = "POST " + s.target_path("/register-peer") + " HTTP/1.1\r\nHost: " + s.authority() +
                      "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    auto const body = boost::json::serialize(s.registration_body());
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    auto const good = s.raw(head + size + body + "\r\n0\r\n\r\n", std::chrono::seconds{10}, "POST /register-peer in one chunk");
    if (good.status() == 411) s.not_applicable("asks for a Content-Length, which RFC 9110 leaves to a server: no chunked body is read");
    s.control(good.status() == 200, "a chunked body is accepted");
    std::string chunk(mebibyte, ' ');
    std::string hostile = head;
    for (int i = 0; i < 64; ++i) hostile += "100000\r\n" + chunk + "\r\n";
    hostile += "0\r\n\r\n";
    auto const x = s.raw(hostile, std::chrono::seconds{20}, "POST /register-peer, 64 MiB in chunks");
    bool const refused = x.status() / 100 == 4 || (x.status() == 0 && (x.ended || x.why == fault::closed));
    s.expect(refused, "a chunked body of 64 MiB is refused", "status " + std::to_string(x.status()));
    s.still_alive("a chunked body of 64 MiB");
}

void content_codings_are_bounded(scenario& s) {
    auto const coded = [](std::string coding, std::size_t spaces) {
        return [=](http_request& q) {
            q.headers.set("Content-Encoding", coding);
            if (coding == "gzip") q.body = gzip_of(q.body, spaces);
        };
    };
    auto r = s.settled();
    s.control(s.try_register(r), "a registration without Content-Encoding");
    r = s.settled();
    r.request = coded("gzip", 0);
    auto const small = s.try_register(r);
    s.expect(small.ok() || small.client_error(), "a gzip body is decoded or refused", small.describe());
    s.note(small.ok() ? "accepts gzip bodies" : "refuses gzip bodies");
    r = s.settled();
    r.request = coded("gzip", 64 * mebibyte);
    auto const bomb = s.try_register(r);
    s.refused(bomb, "a gzip body that decodes to 64 MiB", {.statuses = {413, 415, 400}});
    s.still_alive("a gzip bomb");
    auto const control = s.settled();
    s.control(s.try_register(control), "a registration without Content-Encoding, afterwards");
}

exchange identity_of(scenario& s, http_headers headers = {}) {
    return s.send({.method = "GET", .target = s.target_path("/identity"), .headers = std::move(headers), .body = {}, .remote = {}});
}

void long_targets_are_accepted(scenario& s) {
    auto const a = s.register_peer();
    auto const path = std::string{"/conversations?x="};
    auto const room = 2048 - s.target_path(path).size();
    s.accepted(a.get(path + std::string(room, 'x')), "a request target of 2,048 bytes");
    s.accepted(identity_of(s, {{"X-Padding", std::string(7000, 'x')}}), "a header section of 7 KiB");
}

void endless_targets_are_refused(scenario& s) {
    s.control(identity_of(s), "GET /identity");
    auto const x = s.raw("GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n\r\n", std::chrono::seconds{10}, "GET with a target of 100 kB");
    s.expect(x.status() / 100 == 4 || x.status() == 0, "no success and no 5xx for a target of 100 kB", std::to_string(x.status()));
    auto const y = s.raw("GET " + s.target_path("/identity") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nX-Padding: " + std::string(2 * mebibyte, 'x') + "\r\n\r\n", std::chrono::seconds{10},
                         "GET with a header of 2 MiB");
    s.expect(y.status() / 100 == 4 || y.status() == 0, "no success and no 5xx for a header of 2 MiB", std::to_string(y.status()));
    s.still_alive("endless request heads");
}

void endless_heads_are_told_apart(scenario& s) {
    s.control(identity_of(s), "GET /identity");
    auto const x = s.raw("GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n\r\n", std::chrono::seconds{10}, "GET with a target of 100 kB");
    s.expect(x.status() == 414, "414 for a target of 100 kB", std::to_string(x.status()));
    auto const y = s.raw("GET " + s.target_path("/identity") + " HTTP/1.1\r\nHost: " + s.authority() + "\r\nX-Padding: " + std::string(2 * mebibyte, 'x') + "\r\n\r\n", std::chrono::seconds{10},
                         "GET with a header of 2 MiB");
    s.expect(y.status() == 431, "431 for a header of 2 MiB", std::to_string(y.status()));
}

check const checks[] = {
    {.id = "gen/body-10-mib", .title = "a push of just under 10 MiB is accepted", .clauses = {"BSP-GEN-070"}, .impact = "a long offline queue can never be delivered", .likely_cause = "a framework's default body limit",
     .run = large_bodies_are_accepted, .needs = need::alone},
    {.id = "gen/body-limit", .title = "a body of 64 MiB is refused", .clauses = {"BSP-GEN-076", "BSP-GEN-013"}, .impact = "anybody can fill the backend's memory", .likely_cause = "no body limit", .run = endless_bodies_are_refused,
     .needs = need::alone},
    {.id = "gen/chunked-limit", .title = "the limit holds for chunked bodies, too", .clauses = {"BSP-GEN-077"}, .impact = "anybody can fill the backend's memory", .likely_cause = "the limit is compared with Content-Length",
     .run = chunked_bodies_are_counted, .needs = need::sockets | need::alone},
    {.id = "gen/content-encoding", .title = "a content coding is refused, or bounded by what it decodes to", .clauses = {"BSP-GEN-085", "BSP-GEN-084"}, .impact = "a small request fills the backend's memory",
     .likely_cause = "the limit is compared with the encoded size", .run = content_codings_are_bounded, .needs = need::alone},
    {.id = "gen/long-requests", .title = "targets of 2,048 bytes and header sections of 7 KiB are accepted", .clauses = {"BSP-GEN-074", "BSP-GEN-075"}, .impact = "pulls with long cursors fail",
     .likely_cause = "a server's small default buffers", .run = long_targets_are_accepted},
    {.id = "gen/endless-requests", .title = "endless targets and header sections are refused", .clauses = {"BSP-GEN-012", "BSP-GEN-013"}, .impact = "anybody can fill the backend's memory",
     .likely_cause = "request heads are buffered without a limit", .run = endless_targets_are_refused, .needs = need::sockets},
    {.id = "gen/endless-requests-told", .title = "endless targets and header sections are refused with statuses of their own", .clauses = {"BSP-GEN-080", "BSP-GEN-081"}, .impact = "clients cannot tell what was too long",
     .likely_cause = "one status for whatever the parser refuses", .run = endless_heads_are_told_apart, .needs = need::sockets, .strength = obligation::should, .about = aspect::exactness},
};

}  // namespace

group request_sizes_group() { return {"request_sizes", profile::gen, checks}; }

}  // namespace bsp::conformance
