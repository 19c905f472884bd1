#include "transport.hpp"

#include "../surroundings.hpp"
#include "../target/stream.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <thread>

namespace bsp::conformance::fuzz {
namespace {

/// Bytes for one connection, in pieces with pauses between them, and what may come of it.
struct dialogue {
    std::string kind, detail;
    std::vector<std::string> pieces;
    expectation told{demand::open, ""};
    std::vector<std::string> named = {};      ///< conversations that must not exist, unless the answer is a success
    std::vector<std::string> never = {};      ///< conversations that must not exist whatever the answer is
    std::chrono::milliseconds pause{0};
    bool abort = false;                       ///< closes after the last piece, without waiting for an answer
    std::size_t answers_max = 1;
};

/// What came back: a final status or 0, and everything that was read.
struct reply {
    std::string bytes;
    int status = 0;
    std::size_t answers = 0;
    bool connected = false, ended = false;
};

reply read_statuses(reply r) {
    for (auto at = r.bytes.find("HTTP/1."); at != std::string::npos; at = r.bytes.find("HTTP/1.", at + 1)) {
        bool const line_begins = at == 0 || r.bytes[at - 1] == '\n' || r.bytes[at - 1] == '}';
        if (!line_begins || at + 12 > r.bytes.size() || !std::isdigit(static_cast<unsigned char>(r.bytes[at + 9]))) continue;
        int const status = std::stoi(r.bytes.substr(at + 9, 3));
        if (status / 100 == 1) continue;
        ++r.answers;
        if (r.status == 0) r.status = status;
    }
    return r;
}

reply converse(endpoint const& to, dialogue const& d, std::chrono::milliseconds patience) {
    reply out;
    // A certificate says nothing about how its owner reads HTTP, and what is sent here is of no use elsewhere.
    auto opened = open_stream(to, to.secure ? make_tls_context({.verify_certificate = false}).value() : nullptr, clock::now() + std::chrono::seconds{5});
    if (!opened.to) return out;
    out.connected = true;
    auto& s = *opened.to;
    std::array<char, 16 * 1024> buffer;
    bool writing = true;
    auto const read_until = [&](deadline until, bool for_writing) {  // false: nothing more can come
        for (;;) {
            auto const r = s.read(buffer.data(), buffer.size());
            if (r.what == stream::status::done) {
                out.bytes.append(buffer.data(), r.size);
                // An answer ends with its connection, or with silence.
                if (!for_writing && read_statuses(out).answers > 0) until = std::min(until, clock::now() + std::chrono::milliseconds{60});
                continue;
            }
            if (r.what != stream::status::would_block) return out.ended = true, false;
            if (for_writing) return s.wait(until, true), true;
            if (!s.wait(until, false)) return true;
        }
    };
    for (std::size_t i = 0; i < d.pieces.size() && writing; ++i) {
        std::string_view left = d.pieces[i];
        auto const until = clock::now() + std::chrono::seconds{5};
        while (!left.empty() && clock::now() < until) {
            auto const w = s.write(left.data(), left.size());
            if (w.what == stream::status::done) left.remove_prefix(w.size);
            else if (w.what != stream::status::would_block) break;
            else if (!read_until(until, true)) break;
        }
        if (!left.empty()) writing = false;
        if (i + 1 < d.pieces.size() && d.pause.count() > 0) std::this_thread::sleep_for(d.pause);
    }
    if (!d.abort && !out.ended) read_until(clock::now() + patience, false);
    return read_statuses(std::move(out));
}

std::string hex(std::size_t n, dice& d) {
    char text[32];
    std::snprintf(text, sizeof text, d.one_in(2) ? "%zx" : "%zX", n);
    return (d.one_in(4) ? "00" : "") + std::string{text};
}

class stage {
public:
    explicit stage(cast const& c)
        : c_{c}, d_{c.to.chance()}, push_{push_of(c)}, to_{parse_url(c.world.shared().target.url()).value()}, host_{"Host: " + c.world.authority() + "\r\n"} {}

    void run() {
        c_.to.control(push_);
        using drawer = dialogue (stage::*)();
        static constexpr drawer all[] = {&stage::chunked,  &stage::broken_chunks, &stage::pieces,      &stage::pipelined, &stage::expecting, &stage::smuggled,
                                         &stage::lengths,  &stage::short_length,  &stage::aborted,     &stage::slow,      &stage::odd_head,  &stage::odd_head,
                                         &stage::odd_line, &stage::odd_line,      &stage::odd_framing, &stage::flood};
        while (c_.to.time_left()) {
            std::vector<drawer> deck{std::begin(all), std::end(all)};
            d_.shuffle(deck);
            for (auto const draw : deck)
                if (c_.to.time_left()) attempt((this->*draw)());
        }
        if (answered_ == 0) c_.world.inconclusive("no valid request over a bare connection was answered");
        c_.world.evidence(std::to_string(answered_) + " valid requests sent in odd ways were answered");
    }

private:
    struct prepared {
        std::string head, body, conversation;  ///< head without length, framing and its empty line
    };

    prepared push(std::string const& connection = "close") {
        auto draft = push_.fresh();
        auto const conversation = draft.named.front();
        auto const a = push_.finish(std::move(draft));
        return {"POST " + a.request.target + " HTTP/1.1\r\n" + host_ + "Content-Type: application/json\r\nConnection: " + connection + "\r\n", a.request.body, conversation};
    }
    std::string get(std::string const& more = "", std::string const& version = "HTTP/1.1") {
        return "GET " + c_.world.target_path("/health") + ' ' + version + "\r\n" + host_ + more + "\r\n";
    }
    static std::string length(std::size_t n) { return "Content-Length: " + std::to_string(n) + "\r\n\r\n"; }

    std::vector<std::string> cut(std::string const& text, std::size_t pieces) {
        std::vector<std::string> out;
        for (std::size_t at = 0; at < text.size();) {
            auto const n = std::min(text.size() - at, 1 + d_.below(2 * text.size() / pieces + 1));
            out.push_back(text.substr(at, n));
            at += n;
        }
        return out;
    }

    std::string in_chunks(std::string const& body, bool extended) {
        std::string out;
        for (auto const& piece : cut(body, 1 + d_.below(20))) out += hex(piece.size(), d_) + (extended && d_.one_in(2) ? ";name=\"v\"" : "") + "\r\n" + piece + "\r\n";
        return out + "0\r\n" + (extended && d_.one_in(2) ? "X-Trailer: 1\r\n" : "") + "\r\n";
    }

    dialogue chunked() {
        auto const p = push();
        bool const extended = d_.one_in(3);
        auto const text = p.head + "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(p.body, extended);
        dialogue out{"chunks", extended ? "a push in chunks with extensions" : "a push in chunks", d_.one_in(2) ? std::vector{text} : cut(text, 6)};
        if (!extended) out.told = {demand::accepted, "it is a valid push in chunks"};
        out.named = {p.conversation};
        out.pause = std::chrono::milliseconds{d_.below(5)};
        return out;
    }

    dialogue broken_chunks() {
        auto const p = push();
        auto const n = hex(p.body.size(), d_);
        std::pair<char const*, std::string> const all[] = {
            {"a size that is no number", "zz\r\n" + p.body + "\r\n0\r\n\r\n"},        {"a negative size", "-" + n + "\r\n" + p.body + "\r\n0\r\n\r\n"},
            {"a size of 2^64-1", "ffffffffffffffff\r\n" + p.body + "\r\n0\r\n\r\n"}, {"a size of 70 digits", std::string(70, '1') + "\r\n" + p.body + "\r\n0\r\n\r\n"},
            {"no line end behind the data", n + "\r\n" + p.body + "0\r\n\r\n"},        {"a size that is too small", "10\r\n" + p.body + "\r\n0\r\n\r\n"},
            {"an empty size", "\r\n" + p.body + "\r\n0\r\n\r\n"},                      {"a line of 100 kB for a size", std::string(100'000, '0') + n + "\r\n"}};
        auto const& [what, framed] = d_.of(all);
        dialogue out{"broken chunks", std::string{"a push in chunks with "} + what, {p.head + "Transfer-Encoding: chunked\r\n\r\n" + framed}};
        if (std::string_view{what} != "a line of 100 kB for a size") out.told = {demand::refused, "its chunks are malformed"};
        out.named = {p.conversation};
        return out;
    }

    dialogue pieces() {
        auto const p = push();
        dialogue out{"pieces", "a push in pieces", cut(p.head + length(p.body.size()) + p.body, 3 + d_.below(6)), {demand::accepted, "it is a valid push"}};
        out.named = {p.conversation};
        out.pause = std::chrono::milliseconds{1 + d_.below(20)};
        return out;
    }

    dialogue pipelined() {
        auto const n = 2 + d_.below(20);
        std::string text;
        for (std::size_t i = 0; i < n; ++i) text += get(i + 1 == n ? "Connection: close\r\n" : "");
        dialogue out{"pipeline", std::to_string(n) + " requests at once", {text}, {demand::accepted, "its first request is valid"}};
        out.answers_max = n;
        return out;
    }

    dialogue expecting() {
        auto const p = push();
        static char const* const values[] = {"100-continue", "100-Continue", "200-ok", "", "100-continue, x"};
        std::string const value = d_.of(values);
        dialogue out{"Expect", "a push with Expect: " + value, {p.head + "Expect: " + value + "\r\n" + length(p.body.size()), p.body}};
        if (value == "100-continue") out.told = {demand::accepted, "it is a valid push"};
        out.named = {p.conversation};
        out.pause = std::chrono::milliseconds{d_.one_in(2) ? 0 : 30};
        return out;
    }

    dialogue smuggled() {
        auto const p = push();
        auto const inner = p.head + length(p.body.size()) + p.body;
        static char const* const outer[] = {"GET /health", "GET /identity", "DELETE /conversations/none", "POST /register-peer", "GET /nothing"};
        std::string const line = d_.of(outer);
        auto const space = line.find(' ');
        dialogue out{"request within a body", line + " whose body is a push",
                     {line.substr(0, space + 1) + c_.world.target_path(line.substr(space + 1)) + " HTTP/1.1\r\n" + host_ + "Content-Type: application/json\r\n" + length(inner.size()) + inner}};
        out.never = {p.conversation};
        return out;
    }

    dialogue lengths() {
        auto const p = push();
        auto const n = std::to_string(p.body.size());
        std::pair<std::string, bool> const all[] = {{"Content-Length: " + n + "\r\nContent-Length: " + std::to_string(p.body.size() + 1), true},
                                                    {"Content-Length: 3\r\nContent-Length: " + n, true},
                                                    {"Content-Length: " + n + ", 5", true},
                                                    {"Content-Length: -" + n, true},
                                                    {"Content-Length: abc", true},
                                                    {"Content-Length: 0x" + n, true},
                                                    {"Content-Length: +" + n, false},
                                                    {"Content-Length: " + n + " " + n, true},
                                                    {"Content-Length: 18446744073709551616", false},
                                                    {"Content-Length: 99999999999999999999999999", false},
                                                    {"Content-Length: ", false},
                                                    {"Content-Length: " + n + ".0", true},
                                                    {"Content-Length: " + n + "\r\nTransfer-Encoding: chunked", false}};
        auto const& [field, refused] = d_.of(all);
        dialogue out{"lengths", field, {p.head + field + "\r\n\r\n" + p.body}};
        if (refused) out.told = {demand::refused, "its Content-Length is malformed or contradicts itself"};
        out.named = {p.conversation};
        out.answers_max = 2;
        return out;
    }

    dialogue short_length() {
        auto const p = push();
        auto const n = d_.below(p.body.size());
        dialogue out{"short length", "a push with Content-Length " + std::to_string(n), {p.head + length(n) + p.body}, {demand::refused, "its body is cut off by its length"}};
        out.named = {p.conversation};
        return out;
    }

    dialogue aborted() {
        auto const p = push();
        auto const text = p.head + (d_.one_in(2) ? length(p.body.size()) : length(p.body.size() + 1 + d_.below(100'000))) + p.body;
        dialogue out{"aborted", "a connection that ends in the middle of a push", {text.substr(0, d_.below(text.size()))}};
        out.never = {p.conversation};
        out.abort = true;
        return out;
    }

    dialogue slow() {
        auto const p = push();
        dialogue out{"slow", "a push that comes slowly", cut(p.head + length(p.body.size()) + p.body, 4), {demand::accepted, "it is a valid push"}};
        out.named = {p.conversation};
        out.pause = std::chrono::milliseconds{40 + d_.below(60)};
        return out;
    }

    dialogue odd_head() {
        using namespace std::string_literals;
        std::string const fields[] = {"X-A : b\r\n", " X-A: b\r\n", "X-A: b\r\n c\r\n", "X-A\r\n", ": b\r\n", "X-A: \0\r\n"s, "X-A: \xFF\xFE\r\n", "X-\xC3\xA4: b\r\n", "X-A: b\rX-B: c\r\n", "X-A: b\nX-B: c\r\n",
                                      "Host: other.example\r\n", "Connection: close, close, , keep-alive, upgrade\r\n", "Upgrade: h2c\r\nConnection: Upgrade\r\n", "X-A: " + std::string(70'000, 'x') + "\r\n",
                                      std::string(20'000, 'X') + ": b\r\n", "Content-Type: \"\r\n", "Content-Type: application/json; charset=\"\\\r\n", "Accept: " + std::string(3'000, ',') + "\r\n",
                                      "Range: bytes=-1,0-,5-2\r\n", "If-None-Match: *\r\n", "Cookie: " + std::string(2'000, ';') + "\r\n", "TE: trailers, x;q=9\r\n", "X-Forwarded-Host: evil\r\nForwarded: for=\"\r\n",
                                      "Date: never\r\n", "X-HTTP-Method-Override: DELETE\r\n", "Authorization: BSP \x01\x02\r\n", "Authorization: Basic \xFF\r\n", "Proxy: x\r\n", "Accept-Encoding: gzip;q=x, *;q=-1\r\n"};
        auto const& field = d_.of(fields);
        auto const text = d_.one_in(2) ? get(field + "Connection: close\r\n") : "GET " + c_.world.target_path("/peers") + " HTTP/1.1\r\n" + host_ + field + "Connection: close\r\n\r\n";
        dialogue out{"odd field", "field " + field.substr(0, 60), {text}};
        out.answers_max = 2;
        return out;
    }

    dialogue odd_line() {
        using namespace std::string_literals;
        auto const health = c_.world.target_path("/health");
        std::string const texts[] = {
            "GET  " + health + " HTTP/1.1\r\n" + host_ + "\r\n", "GET " + health + " HTTP/1.1 \r\n" + host_ + "\r\n", "GET " + health + " http/1.1\r\n" + host_ + "\r\n", "GET " + health + " HTTP/9.9\r\n" + host_ + "\r\n",
            "GET " + health + " HTTP/1.0\r\n\r\n", "GET " + health + "\r\n\r\n", "GET " + health + " HTTP/1.1\r\n\r\n", "GET " + health + " HTTP/1.1\n" + "Host: x\n\n", "\r\n\r\n\r\n" + get("Connection: close\r\n"),
            "GET * HTTP/1.1\r\n" + host_ + "\r\n", "OPTIONS * HTTP/1.1\r\n" + host_ + "\r\n", "CONNECT a:1 HTTP/1.1\r\n" + host_ + "\r\n", "TRACE / HTTP/1.1\r\n" + host_ + "\r\n",
            "GET http://" + c_.world.authority() + health + " HTTP/1.1\r\n" + host_ + "\r\n", "GET http://[ HTTP/1.1\r\n" + host_ + "\r\n", "GET " + health + "#x HTTP/1.1\r\n" + host_ + "\r\n",
            "GET /\0 HTTP/1.1\r\n"s + host_ + "\r\n", "GET /\xFF\xFE HTTP/1.1\r\n" + host_ + "\r\n", "GET /\x7F\x01 HTTP/1.1\r\n" + host_ + "\r\n", "GET health HTTP/1.1\r\n" + host_ + "\r\n", "GET ? HTTP/1.1\r\n" + host_ + "\r\n",
            std::string(5'000, 'G') + " / HTTP/1.1\r\n" + host_ + "\r\n", "GET /" + std::string(9'000, '/') + " HTTP/1.1\r\n" + host_ + "\r\n", "GET /" + std::string(60'000, 'a') + " HTTP/1.1\r\n" + host_ + "\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"s + std::string(64, '\x5A'), "\0\0\0\0"s, " \r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "{\"sync_id\": 1}\r\n\r\n", ""};
        auto const& text = d_.of(texts);
        dialogue out{"odd request line", "the bytes " + text.substr(0, 60), {text}};
        out.answers_max = 3;
        out.abort = text.empty();
        return out;
    }

    dialogue odd_framing() {
        auto const p = push();
        static char const* const codings[] = {"gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;q=1", "\"chunked\"", "", "deflate", "chunked, identity"};
        std::string const coding = d_.of(codings);
        dialogue out{"odd coding", "Transfer-Encoding: " + coding, {p.head + "Transfer-Encoding: " + coding + "\r\n\r\n" + in_chunks(p.body, false)}};
        out.named = {p.conversation};
        out.answers_max = 20;  // whoever does not know the coding may read on
        return out;
    }

    dialogue flood() {
        std::string fields;
        auto const n = d_.one_in(2) ? 150 : 4'000;
        for (int i = 0; i < n; ++i) fields += "X-" + std::to_string(i) + ": " + std::string(1 + d_.below(12), 'x') + "\r\n";
        return {"many fields", std::to_string(n) + " header fields", {get(fields + "Connection: close\r\n")}};
    }

    void attempt(dialogue const& d) {
        c_.to.count("a bare connection");
        auto const patience = d.told.wanted == demand::accepted ? std::chrono::milliseconds{5'000} : std::chrono::milliseconds{d.told.wanted == demand::refused ? 700 : 250};
        auto r = converse(to_, d, patience);
        if (d.told.wanted == demand::accepted && r.status == 0) r = converse(to_, again(d), patience);  // a busy machine, an unlucky connection
        auto const found = judge(d, r);
        if (!found) {
            answered_ += d.told.wanted == demand::accepted;
            return c_.to.watch();
        }
        auto as = std::make_shared<step>();
        as->who = "raw";
        as->summary = d.detail;
        for (auto& c : as->summary)
            if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
        as->at = c_.world.now();
        for (auto const& piece : d.pieces) as->request.body += piece;
        as->got.response = {r.status, {}, r.bytes.substr(0, 4096)};
        if (r.bytes.empty()) as->got.why = r.ended ? fault::closed : fault::timeout, as->got.detail = "no answer";
        c_.to.report("a bare connection", d.kind, as->summary, *found, as);
    }

    /// The same for once more: it names what was named, and is refused nowhere for it.
    static dialogue again(dialogue d) {
        d.pause = std::max(d.pause, std::chrono::milliseconds{1});
        return d;
    }

    std::optional<trouble> judge(dialogue const& d, reply const& r) {
        auto& world = c_.world;
        std::string const said = r.status != 0 ? "status " + std::to_string(r.status) : r.ended ? "the connection was closed without an answer" : "no answer";
        std::string sent;
        for (auto const& piece : d.pieces) sent += piece;
        // 505 is the right word for a version of HTTP that nobody has.
        if (r.status != 505)
            if (auto t = c_.to.look_at_answer(r.status, r.bytes, sent)) return t;
        if (d.told.wanted == demand::accepted && r.status / 100 != 2 && r.status != 429) return trouble{r.status == 0 ? "no answer" : "refused", "success, because " + d.told.because, said};
        if (d.told.wanted == demand::refused && r.status / 100 == 2) return trouble{"accepted", "a refusal, because " + d.told.because, said};
        if (r.answers > d.answers_max) return trouble{"more answers than requests", "at most " + std::to_string(d.answers_max), std::to_string(r.answers) + " answers"};
        auto const exists = [&](std::string const& id) {
            auto const now = c_.to.ask(c_.user, "GET", "/conversations/" + id);
            return now.why == fault::none && now.response.status / 100 == 2;
        };
        bool const had_time = !d.abort && r.status >= 400;
        for (auto const& id : d.named)
            if (had_time && exists(id)) return trouble{"state", "nothing of a refused request is stored", "conversation " + id + " exists after " + said};
        for (auto const& id : d.never)
            if (exists(id)) return trouble{"state", "nothing of " + d.detail + " is stored", "conversation " + id + " exists"};
        // Others are served meanwhile and afterwards.
        http_request const probe{"GET", world.target_path("/health"), {}, {}, {}};
        if (c_.to.send(probe).why != fault::none && !world.shared().alive(std::chrono::seconds{5})) return trouble{"death", "the target still answers afterwards", "nothing is answered since"};
        return std::nullopt;
    }

    cast const& c_;
    dice& d_;
    subject const push_;
    endpoint const to_;
    std::string const host_;
    std::size_t answered_ = 0;
};

}  // namespace

void fuzz_transport(cast const& c) { stage{c}.run(); }

}  // namespace bsp::conformance::fuzz
