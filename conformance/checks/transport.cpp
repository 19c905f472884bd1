#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "../target/http_reader.hpp"
#include "../target/stream.hpp"

#include <array>

// Chapter 18.2: what is spoken beneath HTTP.

namespace bsp::conformance {
namespace {

constexpr std::chrono::seconds patience{5};

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

check const checks[] = {
    {.id = "trn/tls-floor", .title = "versions of TLS before 1.2 are refused", .clauses = {"BSP-TRN-010"}, .impact = "whoever sits between can read with attacks that are known for years",
     .likely_cause = "a configuration for old browsers", .run = old_versions_are_refused, .strength = obligation::should},
    {.id = "trn/no-cleartext", .title = "the port of https serves nothing in cleartext", .clauses = {"BSP-TRN-011"}, .impact = "a client with a wrong URL tells everybody what it syncs, and nobody notices",
     .likely_cause = "a listener that guesses what is spoken", .run = cleartext_is_not_served, .strength = obligation::should},
};

}  // namespace

group transport_group() { return {"transport", profile::gen, checks}; }

}  // namespace bsp::conformance
