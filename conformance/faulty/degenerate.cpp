#include "degenerate.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace bsp::faulty {

namespace {

http_headers json_type() { return {{"Content-Type", "application/json"}}; }

/// `other` for everything but the identity.
handler behind_identity(settings const& s, handler other) {
    auto const real = std::make_shared<backend>(s);
    return [real, other](http_request const& r, instant now) { return r.method == "GET" && r.target.ends_with("/identity") ? real->handle(r, now) : other(r, now); };
}

handler always(settings const& s, int status) {
    return behind_identity(s, [status](http_request const&, instant) {
        http_response r{status, json_type(), "{}"};
        if (status == 401) {
            r.headers = {{"Content-Type", "application/problem+json"}, {"WWW-Authenticate", "BSP"}, {"Cache-Control", "no-store"}};
            r.body = R"({"type":"https://bsp.dev/errors/invalid-credential","title":"No","status":401,"detail":"no","code":"invalid-credential"})";
        }
        return r;
    });
}

handler always_200(settings const& s) { return always(s, 200); }
handler always_401(settings const& s) { return always(s, 401); }
handler always_500(settings const& s) { return always(s, 500); }

handler echo(settings const& s) {
    return behind_identity(s, [](http_request const& r, instant) { return http_response{200, json_type(), r.body.empty() ? "{}" : r.body}; });
}

handler hang_up(settings const& s) {
    return behind_identity(s, [](http_request const&, instant) { return http_response{hung_up, {}, ""}; });
}

handler empty_body(settings const& s) {
    return behind_identity(s, [](http_request const&, instant) { return http_response{200, json_type(), ""}; });
}

handler random_json(settings const& s) {
    return behind_identity(s, [](http_request const&, instant) {
        json::object const o{{"status", random_hex(4)}, {"peer_id", "peer_" + random_hex(16)}, {random_hex(2), json::array{1, true, nullptr, random_hex(2)}}};
        return http_response{200, json_type(), json::serialize(o)};
    });
}

/// Answers each request with the last answer that was a good one, and not with its own.
handler previous_answer(settings const& s) {
    struct memory {
        explicit memory(settings const& given) : real{given} {}
        backend real;
        std::mutex mutex;
        http_response last{200, json_type(), "{}"};
    };
    auto const m = std::make_shared<memory>(s);
    return behind_identity(s, [m](http_request const& r, instant now) {
        std::lock_guard const lock{m->mutex};
        http_response own = m->real.handle(r, now);
        return own.status < 300 ? std::exchange(m->last, std::move(own)) : m->last;
    });
}

/// Writes are taken, and whatever was read once is read again for ever.
handler stale_reads(settings const& s) {
    struct memory {
        explicit memory(settings const& given) : real{given} {}
        backend real;
        std::mutex mutex;
        std::map<std::string, http_response> read;
    };
    auto const m = std::make_shared<memory>(s);
    return [m](http_request const& r, instant now) {
        http_response fresh = m->real.handle(r, now);
        if (r.method != "GET" || fresh.status != 200) return fresh;
        std::lock_guard const lock{m->mutex};
        std::string_view const path = split_target(r.target).path;
        return m->read.try_emplace(std::string{path}, fresh).first->second;
    };
}

}  // namespace

std::vector<degenerate> const& all_degenerates() {
    static std::vector<degenerate> const all{
        {"always-200", "says 200 and an empty object to everything", always_200},
        {"always-401", "refuses everything", always_401},
        {"always-500", "fails at everything", always_500},
        {"echo", "sends back what it got", echo},
        {"hang-up", "closes the connection without an answer", hang_up},
        {"empty-body", "says 200 and nothing else", empty_body},
        {"random-json", "says 200 and random JSON", random_json},
        {"previous-answer", "answers with the last good answer that it gave to another request", previous_answer},
        {"stale-reads", "takes writes, and reads for ever what it read first", stale_reads},
    };
    return all;
}

}  // namespace bsp::faulty
