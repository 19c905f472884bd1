#include "telemetry.hpp"

#include <algorithm>
#include <array>
#include <thread>

namespace bsp::conformance {

namespace {

void binary_is_refused(scenario& s) {
    telemetry_ground g{s};
    auto const e = g.next();
    closes_with(s, g, {1003}, "a binary message", [&](line& l) { l.send_frame({.opcode = 2, .payload = json::serialize(e)}, "a binary message"); }, id_of(e));
}

void utf8_is_wanted(scenario& s) {
    telemetry_ground g{s};
    for (auto const& [what, bytes] : {std::pair<std::string, std::string>{"a text that is not UTF-8", "\xC3("}, {"a text with half a surrogate pair", "\xED\xA0\x80"}, {"a text with an overlong slash", "\xC0\xAF"}}) {
        auto const e = g.next();
        auto text = json::serialize(e);
        text.insert(text.find("quick"), bytes);
        closes_with(s, g, {1007}, what, [&](line& l) { l.send_frame({.payload = text}, "a text that is not UTF-8"); }, id_of(e));
    }
}

std::string of_size(telemetry_ground& g, std::size_t size, std::string* id) {
    auto e = g.next(set("metadata", json::object{{"pad", ""}}));
    *id = id_of(e);
    auto const least = json::serialize(e).size();
    e["metadata"].as_object()["pad"] = std::string(size - least, 'p');
    return json::serialize(e);
}

void length_is_limited(scenario& s) {
    telemetry_ground g{s};
    std::string id;
    auto const text = of_size(g, 65'537, &id);
    closes_with(s, g, {too_long}, "a message of 65,537 bytes", [&](line& l) { send_too_long(l, {.payload = text}); }, id);
    auto const parts = of_size(g, 65'537, &id);
    closes_with(s, g, {too_long}, "a message of 65,537 bytes in three fragments", [&](line& l) {
        send_too_long(l, {.opcode = 0, .payload = parts.substr(60'000)}, bytes_of({.payload = parts.substr(0, 30'000), .final = false}) + bytes_of({.opcode = 0, .payload = parts.substr(30'000, 30'000), .final = false}));
    }, id);
    // Most of it is on its way when the target closes, so a reset is to be expected.
    auto const much = of_size(g, 1u << 20, &id);
    closes_with(s, g, {too_long, without_close_frame}, "a message of 1 MiB", [&](line& l) { send_too_long(l, {.payload = much}); }, id);
}

void longest_event(scenario& s) {
    telemetry_ground g{s};
    for (std::size_t const size : {std::size_t{4'000}, std::size_t{40'000}, std::size_t{65'536}}) {
        std::string id;
        auto const text = of_size(g, size, &id);
        g.l.send_text(text, "an event of " + std::to_string(size) + " bytes");
        acked(s, g.l.answer_to(id), "an event of " + std::to_string(size) + " bytes");
        auto const stored = g.stored();
        auto const* entry = find_event(stored, id);
        s.expect(entry && text_at(*entry, "/metadata/pad").size() > size - 400, "it is stored whole", entry ? "cut off" : "absent");
    }
}

void fragments(scenario& s) {
    telemetry_ground g{s};
    auto const e = g.next(set("model", "caf\xC3\xA9"));
    auto const text = json::serialize(e);
    auto const inside = text.find("\xC3\xA9") + 1;  // in the middle of a character, as fragments may be
    g.l.send_bytes(bytes_of({.payload = text.substr(0, 10), .final = false}) + bytes_of({.opcode = 9, .payload = "between"}) + bytes_of({.opcode = 0, .payload = text.substr(10, inside - 10), .final = false}) +
                       bytes_of({.opcode = 0, .payload = "", .final = false}) + bytes_of({.opcode = 10, .payload = "unasked"}) + bytes_of({.opcode = 0, .payload = text.substr(inside)}),
                   "an event in four fragments, with a ping and a pong between them");
    auto const pong = g.l.wait_for_pong("between");
    s.expect(pong == "between", "a ping between fragments is answered", pong ? "with \"" + *pong + "\"" : "it is not");
    acked(s, g.l.answer_to(id_of(e)), "an event in fragments");
    auto const stored = g.stored();
    auto const* entry = find_event(stored, id_of(e));
    s.expect(entry && text_at(*entry, "/model") == "caf\xC3\xA9", "it is stored whole", entry ? text_at(*entry, "/model") : "absent");
}

/// What one message was given of the 65,536 bytes is given to the next one anew.
void fragments_in_a_row(scenario& s) {
    telemetry_ground g{s};
    for (std::size_t const size : {std::size_t{30'000}, std::size_t{30'000}, std::size_t{30'000}, std::size_t{65'536}, std::size_t{65'536}}) {
        std::string id;
        auto const text = of_size(g, size, &id);
        auto const third = size / 3;
        g.l.send_bytes(bytes_of({.payload = text.substr(0, third), .final = false}) + bytes_of({.opcode = 0, .payload = text.substr(third, third), .final = false}) + bytes_of({.opcode = 0, .payload = text.substr(2 * third)}),
                       "an event of " + std::to_string(size) + " bytes in three fragments");
        acked(s, g.l.answer_to(id), "an event of " + std::to_string(size) + " bytes in three fragments, after others in fragments,");
    }
    g.goes_on("events in fragments");
}

void pings(scenario& s) {
    telemetry_ground g{s};
    for (std::string const& data : {std::string{}, std::string{"hello"}, std::string(125, 'x'), std::string("\0\xFF\x80", 3)}) {
        g.l.send_frame({.opcode = 9, .payload = data}, "a ping of " + std::to_string(data.size()) + " bytes");
        auto const pong = g.l.wait_for_pong(data);
        s.expect(pong.has_value(), "a ping is answered with a pong", "it is not");
        s.expect(*pong == data, "the pong has the data of the ping", std::to_string(pong->size()) + " bytes, of " + std::to_string(data.size()));
        s.evidence("a ping of " + std::to_string(data.size()) + " bytes");
    }
    g.goes_on("pings");
}

void broken_frames(scenario& s) {
    telemetry_ground g{s};
    auto const e = g.next();
    auto const text = json::serialize(e);
    closes_with(s, g, {}, "a frame that is not masked", [&](line& l) { l.send_frame({.payload = text, .masked = false}, "a frame that is not masked"); }, id_of(e));
    closes_with(s, g, {}, "a frame with a reserved bit", [&](line& l) { l.send_frame({.payload = text, .reserved = 4}, "a frame with a reserved bit"); }, id_of(e));
    closes_with(s, g, {}, "a frame of an unknown opcode", [&](line& l) { l.send_frame({.opcode = 3, .payload = text}, "a frame of opcode 3"); }, id_of(e));
    closes_with(s, g, {}, "a ping of 126 bytes", [&](line& l) { l.send_frame({.opcode = 9, .payload = std::string(126, 'x')}, "a ping of 126 bytes"); });
    closes_with(s, g, {}, "a continuation of nothing", [&](line& l) { l.send_frame({.opcode = 0, .payload = text}, "a continuation of nothing"); }, id_of(e));
    closes_with(s, g, {}, "a frame of 2^63 bytes", [&](line& l) { l.send_frame({.payload = "x", .stated_length = std::uint64_t{1} << 63}, "the head of a frame of 2^63 bytes"); });
    closes_with(s, g, {}, "a close frame", [&](line& l) { l.send_frame(closing(1000), "a close frame"); });
    line half{s, g.a};
    opens(s, half, "a further connection");
    half.send_bytes(bytes_of({.payload = text}).substr(0, 40), "the first 40 bytes of a frame");
    half.cut();
    s.still_alive("half a frame");
    g.goes_on("half a frame on another connection");
    s.expect(count_of(g.stored(), id_of(e)) == 0, "half a frame stores nothing", "it does");
}

void cut_connections(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> ids;
    for (int round = 0; round < 5; ++round) {
        line l{s, g.a};
        opens(s, l, "a further connection");
        auto const e = g.next();
        is_acked(s, l.tell(e), "an event on it");
        ids.push_back(id_of(e));
        l.cut();
    }
    auto const stored = g.stored();
    for (auto const& id : ids) s.expect(count_of(stored, id) == 1, "an acknowledged event stays though its connection was cut", id + " is gone");
    g.goes_on("cut connections");
}

void slow_beside_fast(scenario& s) {
    telemetry_ground g{s};
    auto const b = s.register_peer();
    line deaf{s, b}, stuck{s, b};
    opens(s, deaf, "a second peer");
    opens(s, stuck, "a second peer, again");
    std::vector<std::string> texts;
    for (int i = 0; i < 800; ++i) texts.push_back(json::serialize(g.next([&](json::object& e) { e["event_id"] = id_of(e) + std::string(60, 'x'); })));
    deaf.send_all(texts, "800 events, whose answers nobody reads", false);
    stuck.send_bytes(bytes_of({.payload = texts.front()}).substr(0, 40), "the first 40 bytes of a frame, and no more");
    milliseconds longest{};
    for (int i = 0; i < 20; ++i) {
        s.wait_until(s.now() + milliseconds{40});  // a busy server comes to the stuck connection in its own time
        auto const begin = std::chrono::steady_clock::now();
        auto const t = g.l.tell(g.next(), seconds{4});
        longest = std::max(longest, std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin));
        s.expect(t.acked(), "an event is acknowledged beside a connection that is stuck and one that does not read", t.describe());
    }
    s.expect(longest <= seconds{2}, "it is acknowledged within 2 s", std::to_string(longest.count()) + " ms");
    auto const late = deaf.answers(800);
    if (deaf.close_code() == 0) s.expect(late.size() == 800, "who reads late finds an answer to each of 800 events", std::to_string(late.size()));
    s.evidence("events beside a slow connection");
}

// ---- the end of authority ---------------------------------------------------------------------------------

/// The line that was open before is closed with 1008 soon, and what is sent on it is not stored.
void is_shut_out(telemetry_ground& g, std::string const& after) {
    auto& s = g.world;
    auto const e = g.next();
    auto const t = g.l.tell(e, milliseconds{2'500});
    s.expect(!t.acked(), "after " + after + " an event on the open connection is not acknowledged", t.describe());
    auto const code = g.l.wait_for_close(milliseconds{2'500});
    s.expect_in_time(code != 0, "after " + after + " the open connection is closed within 2 s", "it stays open");
    s.exactly(code == 1008, "after " + after + " the open connection is closed with 1008", "closed with " + std::to_string(code));
    s.expect(count_of(g.stored(), id_of(e)) == 0, "an event that was sent after " + after + " is not stored", "it is");
}

void silent_line_is_closed(scenario& s, line& l, std::string const& after) {
    auto const code = l.wait_for_close(milliseconds{2'500});
    s.expect_in_time(code != 0, "after " + after + " a connection on which nothing is sent is closed within 2 s, too", "it stays open");
    s.exactly(code == 1008, "after " + after + " it is closed with 1008", "closed with " + std::to_string(code));
}

void unpairing_ends_lines(scenario& s) {
    telemetry_ground g{s, {.signing_key = s.fresh_key()}};
    line silent{s, g.a}, half{s, g.a};
    opens(s, silent, "a second connection");
    opens(s, half, "a third connection");
    half.send_bytes(bytes_of({.payload = json::serialize(g.next())}).substr(0, 40), "the first 40 bytes of a frame, and no more");
    auto const before = g.stored().size();
    s.control(g.a.unpair(), "the unpairing");
    is_shut_out(g, "unpairing");
    silent_line_is_closed(s, silent, "unpairing");
    auto const code = half.wait_for_close(milliseconds{2'500});
    s.expect_in_time(code != 0, "after unpairing a connection in the middle of a frame is closed within 2 s, too", "it stays open");
    s.expect(g.stored().size() == before, "the user still reads the " + std::to_string(before) + " events of before", std::to_string(g.stored().size()));
}

void revocation_ends_lines(scenario& s) {
    telemetry_ground g{s, {.signing_key = s.fresh_key()}};
    line silent{s, g.a};
    opens(s, silent, "a second connection");
    auto const before = g.stored().size();
    s.control(s.admin().del("/peers/" + g.a.peer_id()), "the revocation");
    is_shut_out(g, "revocation");
    silent_line_is_closed(s, silent, "revocation");
    s.expect(g.stored().size() == before, "the user still reads the " + std::to_string(before) + " events of before", std::to_string(g.stored().size()));
}

void revocation_ends_all_of_it(scenario& s) {
    auto const k = s.fresh_key();
    auto const source = s.fresh("src");
    std::vector<peer> peers;
    auto const first = s.settled({.signing_key = k});
    auto of_other = first;
    of_other.user = s.other_account();
    peers.push_back(s.register_peer(first));                 // what is revoked,
    peers.push_back(s.register_peer({.signing_key = k}));    // another backend with its key,
    peers.push_back(s.register_peer(of_other));              // the same backend for another user
    auto const bystander = s.register_peer();
    std::vector<line> lines, silent;
    for (auto const& p : peers) {
        for (auto* some : {&lines, &silent}) {
            some->emplace_back(s, p);
            opens(s, some->back(), "a peer");
            is_acked(s, some->back().tell(event(s, source)), "an event");
        }
    }
    line of_bystander{s, bystander};
    opens(s, of_bystander, "a peer with another key");
    s.control(s.admin().del("/peers/" + peers.front().peer_id()), "the revocation");
    char const* const whose[] = {"the revoked peer", "another backend with the revoked key", "the revoked backend at another user's"};
    for (std::size_t i = 0; i < lines.size(); ++i) {
        auto const t = lines[i].tell(event(s, source), milliseconds{2'500});
        s.expect(!t.acked(), std::string{"an event of "} + whose[i] + " is not acknowledged", t.describe());
        auto const code = lines[i].wait_for_close(milliseconds{2'500});
        s.expect_in_time(code != 0, std::string{"the connection of "} + whose[i] + " is closed within 2 s", "it stays open");
        s.exactly(code == 1008, std::string{"the connection of "} + whose[i] + " is closed with 1008", "closed with " + std::to_string(code));
    }
    for (std::size_t i = 0; i < silent.size(); ++i) silent_line_is_closed(s, silent[i], "the revocation of a backend, for " + std::string{whose[i]} + ",");
    acked(s, of_bystander.tell(event(s, source)), "an event of a peer of the same user with another key");
}

void unpairing_spares_others(scenario& s) {
    telemetry_ground g{s};
    auto const b = s.register_peer({.signing_key = s.fresh_key()});
    line of_b{s, b};
    opens(s, of_b, "another peer of the user");
    is_acked(s, of_b.tell(g.next()), "its event");
    s.control(b.unpair(), "its unpairing");
    s.control(of_b.wait_for_close(milliseconds{2'500}) != 0, "its connection is closed");
    g.goes_on("the unpairing of another peer of the user");
    s.expect(g.l.wait_for_close(milliseconds{300}) == 0, "the connection of a peer stays open when another one is unpaired", "closed with " + std::to_string(g.l.close_code()));
}

void paired_again(scenario& s) {
    auto r = s.settled({.signing_key = s.fresh_key(), .created = seconds{-20}});
    telemetry_ground g{s, r};
    s.control(g.a.unpair(), "the unpairing");
    std::this_thread::sleep_for(milliseconds{5});  // a token must be newer than the unpairing
    r.created = milliseconds{0};
    auto const b = s.register_peer(r);
    auto const e = g.next();
    auto const t = g.l.tell(e, milliseconds{2'500});
    s.expect(!t.acked(), "a connection of before an unpairing takes no event when the backend is paired again", t.describe());
    line fresh{s, b};
    opens(s, fresh, "the peer that was paired again");
    acked(s, fresh.tell(g.next()), "its event");
    s.expect(count_of(g.stored(), id_of(e)) == 0, "what came on the old connection is not stored", "it is");
}

void expiry_ends_lines(scenario& s) {
    registration r{.created = -std::chrono::hours{8} + milliseconds{4'000}};
    telemetry_ground g{s, r};
    auto const before = g.stored().size();
    s.wait_until(s.now() + milliseconds{4'300});
    is_shut_out(g, "the token's expiry");
    s.expect(g.stored().size() == before, "the user still reads the " + std::to_string(before) + " events of before", std::to_string(g.stored().size()));
    line again{s, g.a};
    line_refused(s, again, "an upgrade after the token's expiry", g.next(), {.statuses = {401}, .codes = {"sbt-expired"}});
}

void expiry_ends_silent_lines(scenario& s) {
    registration r{.created = -std::chrono::hours{8} + milliseconds{3'000}};
    telemetry_ground g{s, r};
    auto const code = g.l.wait_for_close(milliseconds{5'500});
    s.expect_in_time(code == 1008, "a connection on which nothing is sent is closed with 1008 within 2 s of the token's expiry", code == 0 ? "it stays open" : "closed with " + std::to_string(code));
}

/// Its connections on which something comes all the time that is no event: pings, pongs, and the fragments of a message that
/// has no end.
class busy_lines {
public:
    explicit busy_lines(telemetry_ground& g) : world_{g.world} {
        for (std::size_t i = 0; i < lines_max; ++i) {
            lines_.emplace_back(world_, g.a);
            opens(world_, lines_.back(), "a further connection");
            is_acked(world_, lines_.back().tell(g.next()), "an event on it");
        }
        lines_[2].send_frame({.payload = "{", .final = false}, "the first fragment of a message");
    }

    /// Goes on for so long; whether none of them has ended.
    bool go_on(milliseconds time) {
        for (auto const until = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < until;) {
            for (std::size_t i = 0; i < lines_max; ++i)
                if (lines_[i].close_code() == 0) lines_[i].send_frame(frames_[i], "another one: " + std::string{what_[i]});
            auto const next = std::chrono::steady_clock::now() + pause;
            for (auto& l : lines_) (void)l.wait_for_close(milliseconds{1});
            std::this_thread::sleep_until(next);
        }
        return std::ranges::all_of(lines_, [](line const& l) { return l.close_code() == 0; });
    }

    void have_ended(std::string const& after) {
        for (std::size_t i = 0; i < lines_max; ++i) {
            auto const code = lines_[i].wait_for_close(milliseconds{1});
            world_.expect(code != 0, "after " + after + " a connection on which " + what_[i] + " keep coming is closed within 2 s, too", "it stays open");
            world_.exactly(code == 1008, "after " + after + " it is closed with 1008", "closed with " + std::to_string(code));
        }
    }

private:
    static constexpr std::size_t lines_max = 3;
    static constexpr milliseconds pause{120};  // shorter than any time after which silence is noticed
    static constexpr std::array<char const*, lines_max> what_{"pings", "pongs", "fragments"};
    std::array<web_frame, lines_max> const frames_{web_frame{.opcode = 9, .payload = "?"}, web_frame{.opcode = 10, .payload = "!"}, web_frame{.opcode = 0, .payload = " ", .final = false}};
    scenario& world_;
    std::vector<line> lines_;
};

void unpairing_ends_busy_lines(scenario& s) {
    telemetry_ground g{s, {.signing_key = s.fresh_key()}};
    busy_lines busy{g};
    s.control(busy.go_on(milliseconds{600}), "connections on which frames keep coming stay open before");
    s.control(g.a.unpair(), "the unpairing");
    (void)busy.go_on(milliseconds{2'500});
    busy.have_ended("unpairing");
}

void expiry_ends_busy_lines(scenario& s) {
    constexpr milliseconds left{4'000};
    telemetry_ground g{s, {.created = -std::chrono::hours{8} + left}};
    auto const expiry = std::chrono::steady_clock::now() + left;
    busy_lines busy{g};
    bool const stayed = busy.go_on(milliseconds{300});
    if (std::chrono::steady_clock::now() > expiry - milliseconds{100}) s.inconclusive("the token expired before the connections were open");
    s.control(stayed, "connections on which frames keep coming stay open before");
    (void)busy.go_on(std::chrono::ceil<milliseconds>(expiry + milliseconds{2'500} - std::chrono::steady_clock::now()));
    busy.have_ended("the token's expiry");
}

/// The token that was made last says how long, and not the one that lasts longest.
void renewal_for_less_ends_lines(scenario& s) {
    auto r = s.settled({.created = -std::chrono::hours{1}});
    telemetry_ground g{s, r};
    r.created = milliseconds{0};
    r.lifetime = seconds{3};
    s.control(s.try_register(r), "a registration with a newer token that expires earlier");
    s.control(g.l.tell(g.next()).acked(), "an event under the newer token");
    s.wait_until(s.now() + milliseconds{3'300});
    is_shut_out(g, "the expiry of the newer token, whatever the one before would have allowed");
}

void renewal_keeps_lines(scenario& s) {
    auto r = s.settled({.created = -std::chrono::hours{8} + milliseconds{3'000}});
    auto const expiry = s.now() + milliseconds{3'000};
    telemetry_ground g{s, r};
    r.created = milliseconds{0};
    s.control(s.try_register(r), "a registration with a newer token");
    if (s.now() + milliseconds{200} > expiry) s.inconclusive("the target took so long that the first token expired before there was a newer one");
    s.wait_until(s.now() + milliseconds{3'300});
    acked(s, g.l.tell(g.next()), "an event after the first token's expiry, with a newer one registered,");
}

void assertion_may_expire(scenario& s) {
    telemetry_ground g{s};
    auto const now = s.now().seconds;
    line l{s, g.a, {.call = {.claims = both(set("iat", now - 200), set("exp", now + 2))}}};
    opens(s, l, "an assertion that lives for two seconds");
    is_acked(s, l.tell(g.next()), "an event while it lives");
    s.wait_until(instant{now + 3});
    acked(s, l.tell(g.next()), "an event after the assertion has expired");
}

constexpr unsigned on_sockets = need::sockets;

check const checks[] = {
    {.id = "tel/binary", .title = "a binary message closes the connection with 1003, and nothing else", .clauses = {"BSP-TEL-070", "BSP-TEL-077"}, .impact = "one client can end the server", .likely_cause = "an exception of the reading loop", .run = binary_is_refused, .needs = on_sockets},
    {.id = "tel/utf8", .title = "a text that is not UTF-8 closes the connection with 1007", .clauses = {"BSP-TEL-071", "BSP-TEL-077"}, .impact = "lists that no client can read", .likely_cause = "bytes are passed on", .run = utf8_is_wanted, .needs = on_sockets},
    {.id = "tel/too-long", .title = "a message of more than 65,536 bytes closes the connection with 1009, fragments or not", .clauses = {"BSP-TEL-072", "BSP-TEL-077"}, .impact = "one client can fill the memory", .likely_cause = "the library's own limit, or one per frame",
     .run = length_is_limited, .needs = on_sockets},
    {.id = "tel/longest", .title = "events of up to 65,536 bytes are accepted", .clauses = {"BSP-TEL-073"}, .impact = "events with long metadata are lost", .likely_cause = "a smaller limit", .run = longest_event, .needs = on_sockets},
    {.id = "tel/fragments", .title = "an event may come in fragments, with control frames between them", .clauses = {"BSP-TEL-074", "BSP-TEL-080"}, .impact = "events behind some proxies are lost", .likely_cause = "a frame is taken for a message", .run = fragments, .needs = on_sockets},
    {.id = "tel/fragments-again", .title = "events may come in fragments one after the other", .clauses = {"BSP-TEL-074", "BSP-TEL-073"}, .impact = "events behind some proxies are lost, from the second or third on",
     .likely_cause = "what is left for a message is counted down, and not given back when it is whole", .run = fragments_in_a_row, .needs = on_sockets},
    {.id = "tel/ping", .title = "a ping is answered with its data", .clauses = {"BSP-TEL-080"}, .impact = "clients and proxies take the connection for dead", .likely_cause = "control frames are passed over", .run = pings, .needs = on_sockets},
    {.id = "tel/broken-frames", .title = "whatever a client sends, other connections go on", .clauses = {"BSP-TEL-077", "BSP-TEL-042"}, .impact = "one client can end the telemetry of all", .likely_cause = "an exception that nobody catches", .run = broken_frames, .needs = on_sockets},
    {.id = "tel/cut", .title = "acknowledged events stay when their connection is cut", .clauses = {"BSP-TEL-078"}, .impact = "acknowledged events are lost", .likely_cause = "a transaction per connection", .run = cut_connections, .needs = on_sockets},
    {.id = "tel/slow-beside-fast", .title = "a slow connection does not slow others", .clauses = {"BSP-TEL-079", "BSP-TEL-077"}, .impact = "one phone on a bad network stops everybody's telemetry", .likely_cause = "one thread that reads and writes with patience", .run = slow_beside_fast,
     .needs = on_sockets | need::alone, .strength = obligation::should},
    {.id = "tel/unpair-open", .title = "unpairing ends open connections, and keeps what was stored", .clauses = {"BSP-TEL-060", "BSP-TEL-061", "BSP-TEL-063", "BSP-TEL-067"}, .impact = "a device that was sold goes on sending", .likely_cause = "the peer is verified at the upgrade only",
     .run = unpairing_ends_lines, .needs = on_sockets},
    {.id = "tel/revoke-open", .title = "revocation ends open connections, and keeps what was stored", .clauses = {"BSP-TEL-060", "BSP-TEL-061", "BSP-TEL-063", "BSP-TEL-067"}, .impact = "a stolen key goes on sending", .likely_cause = "the peer is verified at the upgrade only",
     .run = revocation_ends_lines, .needs = on_sockets | need::admin_token},
    {.id = "tel/revoke-all", .title = "revocation ends the connections of the backend and of its key at every user's, and no others", .clauses = {"BSP-TEL-061", "BSP-TEL-060", "BSP-REG-053"}, .impact = "a stolen key goes on sending under another name, or stays connected",
     .likely_cause = "connections are looked up by peer_id", .run = revocation_ends_all_of_it, .needs = on_sockets | need::admin_token | need::second_user},
    {.id = "tel/unpair-spares", .title = "unpairing one peer leaves the connections of others alone", .clauses = {"BSP-TEL-040", "BSP-TEL-061"}, .impact = "removing one device silences all", .likely_cause = "connections are looked up by user", .run = unpairing_spares_others,
     .needs = on_sockets},
    {.id = "tel/paired-again", .title = "an old connection stays dead when its backend is paired again", .clauses = {"BSP-TEL-060", "BSP-REG-046"}, .impact = "a session of before the unpairing comes back to life", .likely_cause = "the right is looked up by backend_id", .run = paired_again,
     .needs = on_sockets},
    {.id = "tel/expiry-open", .title = "when the token expires, open connections end, new ones are refused, and what was stored stays", .clauses = {"BSP-TEL-062", "BSP-TEL-063", "BSP-TEL-067", "BSP-TEL-027"}, .impact = "eight hours become for ever",
     .likely_cause = "the token is looked at with the upgrade only", .run = expiry_ends_lines, .needs = on_sockets | need::patience},
    {.id = "tel/expiry-silent", .title = "a silent connection ends with its token, too", .clauses = {"BSP-TEL-064"}, .impact = "clients do not learn that they need a new token", .likely_cause = "the token is looked at with events only", .run = expiry_ends_silent_lines, .needs = on_sockets | need::patience,
     .strength = obligation::should},
    {.id = "tel/unpair-busy", .title = "unpairing ends open connections whatever comes on them meanwhile", .clauses = {"BSP-TEL-061"}, .impact = "a device that was sold stays connected as long as it says that it is there",
     .likely_cause = "the right is looked at when nothing has come for a while", .run = unpairing_ends_busy_lines, .needs = on_sockets},
    {.id = "tel/expiry-busy", .title = "a connection ends with its token whatever comes on it meanwhile", .clauses = {"BSP-TEL-064"}, .impact = "eight hours become as long as the client pings", .likely_cause = "the token is looked at when nothing has come for a while",
     .run = expiry_ends_busy_lines, .needs = on_sockets | need::patience, .strength = obligation::should},
    {.id = "tel/renewed-for-less", .title = "of two tokens the later one says when open connections end", .clauses = {"BSP-TEL-062", "BSP-TEL-063", "BSP-REG-025"}, .impact = "who shortens a session goes on being told everything",
     .likely_cause = "the latest expiry of all tokens is kept for a connection", .run = renewal_for_less_ends_lines, .needs = on_sockets | need::patience},
    {.id = "tel/renewal-open", .title = "a newer token keeps the open connection", .clauses = {"BSP-TEL-065"}, .impact = "telemetry breaks off every eight hours", .likely_cause = "the connection holds a copy of the token", .run = renewal_keeps_lines, .needs = on_sockets | need::patience},
    {.id = "tel/assertion-open", .title = "the assertion may expire while the connection is open", .clauses = {"BSP-TEL-066"}, .impact = "telemetry breaks off every five minutes", .likely_cause = "each event is judged by the assertion's times", .run = assertion_may_expire, .needs = on_sockets | need::patience,
     .strength = obligation::should},
};

}  // namespace

group telemetry_frames_group() { return {"telemetry_frames", profile::tel, checks}; }

}  // namespace bsp::conformance
