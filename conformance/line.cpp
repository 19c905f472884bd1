#include "line.hpp"

#include "record.hpp"
#include "scenario.hpp"
#include "surroundings.hpp"
#include "target/http_reader.hpp"
#include "target/web_socket.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace bsp::conformance {

namespace {

std::string new_key() {
    std::array<std::uint8_t, 16> drawn{};
    random_bytes(drawn);
    return to_base64(drawn);
}

http_request upgrade_request(std::string method, std::string target, std::string authorization) {
    http_request r{std::move(method), std::move(target), {}, {}, {}};
    r.headers.add("Connection", "Upgrade");
    r.headers.add("Upgrade", "websocket");
    r.headers.add("Sec-WebSocket-Version", "13");
    r.headers.add("Sec-WebSocket-Key", new_key());
    if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
    return r;
}

/// The head of a 101 answer; anything else than 101 in `text` is left to a reader of HTTP.
std::optional<http_response> switched(std::string_view text) {
    if (!text.starts_with("HTTP/1.1 101")) return std::nullopt;
    http_response out;
    out.status = 101;
    for (std::size_t at = text.find("\r\n") + 2; at < text.size();) {
        auto const stop = std::min(text.find("\r\n", at), text.size());
        auto const field = text.substr(at, stop - at);
        if (auto const colon = field.find(':'); colon != std::string_view::npos) {
            auto value = field.substr(colon + 1);
            while (value.starts_with(' ')) value.remove_prefix(1);
            out.headers.add(std::string{field.substr(0, colon)}, std::string{value});
        }
        at = stop + 2;
    }
    return out;
}

}  // namespace

std::string told::status() const { return answer ? text_at(*answer, "/status") : std::string{}; }

std::string told::describe() const {
    if (answer) return acked() ? "acked" : show(*answer);
    if (closed == 0) return "no answer";
    if (closed == 1006) return "the connection ended";
    return "closed with " + std::to_string(closed) + (reason.empty() ? "" : " " + reason);
}

line::line(scenario& s, peer const& who, line_options const& o) : line{s, who, o.path.value_or("/telemetry/" + who.peer_id()), o} {}

line::line(scenario& s, caller const& who, std::string path, line_options const& o)
    : line{s, o.call.who.empty() ? who.name() : o.call.who, path, [&] { return who.authorization(o.method, path, o.call); }, o} {}

line::line(scenario& s, std::string_view who, std::string path, std::string authorization, line_options const& o)
    : line{s, who, path, [&] { return authorization; }, o} {}

line::line(scenario& s, std::string_view who, std::string const& path, std::function<std::string()> const& authorization, line_options const& o)
    : world_{&s}, who_{who}, handshake_{std::make_shared<step>()} {
    int times = 0;
    do {
        auto request = upgrade_request(o.method, s.target_path(path), authorization());
        if (o.call.request) o.call.request(request);
        open_with(std::move(request));
    } while (s.has_waited_out(handshake_.status(), handshake_.header("Retry-After"), times));
}

line::line(line&&) noexcept = default;
line::~line() = default;

void line::open_with(http_request request) {
    auto& target = world_->shared().target;
    auto const timeout = world_->shared().options.timeout;
    auto const s = world_->add_step(who_, "WS " + request.target.substr(std::min(request.target.size(), target.base_path().size())));
    handshake_ = exchange{s};
    s->request = request;
    s->at = world_->now();
    auto const begin = clock::now();
    auto const fails = [&](fault why, std::string detail) { s->got.why = why, s->got.detail = std::move(detail); };

    auto opened = target.open(timeout);
    if (!opened.to) return fails(opened.why, opened.detail);
    std::string text = request.method + ' ' + request.target + " HTTP/1.1\r\n";
    if (!request.headers.find("Host")) text += "Host: " + target.authority() + "\r\n";
    for (auto const& [name, value] : request.headers)
        if (value != std::string(1, '\0')) text += name + ": " + value + "\r\n";
    text += "\r\n";

    std::string got;
    std::array<char, 16 * 1024> buffer;
    http_reader reader;
    auto const until = begin + timeout;
    for (std::string_view left = text;;) {
        if (!left.empty()) {
            auto const w = opened.to->write(left.data(), left.size());
            if (w.what == stream::status::done) left.remove_prefix(w.size);
            else if (w.what != stream::status::would_block) left = {};
        }
        auto const r = opened.to->read(buffer.data(), buffer.size());
        auto state = http_reader::state::more;
        if (r.what == stream::status::done) {
            got.append(buffer.data(), r.size);
            auto const end = got.find("\r\n\r\n");
            if (got.starts_with("HTTP/1.1 101") && end != std::string::npos) {
                s->got.response = *switched(std::string_view{got}.substr(0, end));
                s->got.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begin);
                socket_ = std::make_unique<web_socket>(std::move(opened.to), got.substr(end + 4));
                return;
            }
            if (!std::string_view{"HTTP/1.1 101"}.starts_with(std::string_view{got}.substr(0, 12)))  {
                state = reader.feed(got);
                reader = state == http_reader::state::more ? http_reader{} : std::move(reader);
            }
        } else if (r.what != stream::status::would_block) {
            state = reader.feed(got);
            if (state == http_reader::state::more) state = reader.end();
            if (state != http_reader::state::complete) return fails(fault::closed, "the connection was closed without an answer to the upgrade");
        }
        if (state == http_reader::state::garbage) return fails(fault::garbage, "the answer is not HTTP/1.x");
        if (state == http_reader::state::complete) {
            s->got.response = reader.take();
            s->got.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begin);
            if (auto body = json::parse(s->got.response.body)) s->body = *std::move(body);
            return;
        }
        if (r.what == stream::status::would_block && !opened.to->wait(until, !left.empty())) return fails(fault::timeout, "no answer to the upgrade");
    }
}

std::shared_ptr<step> line::add_step(std::string summary, std::string_view body) {
    last_ = world_->add_step(who_, std::move(summary));
    last_->request.body = std::string{body.substr(0, 64 * 1024)};
    last_->remark = "no answer yet";
    return last_;
}

void line::send(json::value const& event) { send_text(json::serialize(event)); }

void line::send_text(std::string_view text, std::string summary) {
    auto const event = json::parse(text);
    auto const id = event && event->is_object() ? text_at(*event, "/event_id") : std::string{};
    auto const s = add_step("WS " + (summary.empty() ? "event " + id : std::move(summary)), text);
    if (!id.empty()) sent_[id] = s;
    if (socket_) (void)socket_->write(bytes_of({.payload = std::string{text}}), clock::now() + std::chrono::seconds{10});
}

void line::send_all(std::vector<std::string> const& texts, std::string summary, bool reading) {
    std::string all;
    for (auto const& text : texts) all += bytes_of({.payload = text});
    add_step("WS " + std::move(summary), texts.empty() ? std::string_view{} : texts.front());
    if (socket_) (void)socket_->write(all, clock::now() + std::chrono::seconds{30}, reading);
}

void line::send_frame(web_frame const& f, std::string summary) { (void)send_bytes(bytes_of(f), std::move(summary)); }

bool line::send_bytes(std::string_view bytes, std::string summary) {
    add_step("WS " + std::move(summary), bytes);
    return socket_ && socket_->write(bytes, clock::now() + std::chrono::seconds{10});
}

bool line::hear(deadline until) {
    if (!socket_ || closed_ != 0) return false;
    auto e = socket_->next(until);
    auto const note = [&](std::string remark) {
        if (last_) last_->remark = std::move(remark);
    };
    switch (e.what) {
        case web_event::kind::silent: return false;
        case web_event::kind::ping: return true;
        case web_event::kind::pong: pongs_.push_back(std::move(e.payload)); return true;
        case web_event::kind::closed:
            closed_ = e.code, reason_ = std::move(e.payload);
            // The handshake of closing is finished, as RFC 6455 asks.
            (void)socket_->write(bytes_of(closing(e.code == 1005 ? 1000 : e.code)), clock::now() + std::chrono::seconds{1});
            note("closed with " + std::to_string(closed_) + " " + reason_);
            return true;
        case web_event::kind::ended: closed_ = 1006; note("the connection ended"); return true;
        case web_event::kind::garbage: closed_ = 1006; reason_ = e.payload; note(e.payload); return true;
        case web_event::kind::text:
        case web_event::kind::binary: break;
    }
    auto parsed = json::parse(e.payload);
    if (!parsed || !parsed->is_object() || e.what == web_event::kind::binary) {
        note("not a JSON object: " + e.payload.substr(0, 100));
        return true;  // a message that is not understood
    }
    auto const own = sent_.find(text_at(*parsed, "/event_id"));
    auto const& s = own != sent_.end() ? own->second : last_;
    if (s) {
        s->got.response.status = 0;
        s->got.response.body = e.payload.substr(0, 64 * 1024);
        s->body = *parsed;
        s->remark = text_at(*parsed, "/status") == "acked" ? "acked" : show(*parsed, 160);
    }
    heard_.push_back(std::move(parsed->get_object()));
    return true;
}

told line::answer_to(std::string_view event_id, std::chrono::milliseconds patience) {
    auto const until = clock::now() + patience;
    auto const is_it = [&](json::object const& o) {
        auto const* id = o.if_contains("event_id");
        return id && (event_id.empty() ? id->is_null() : id->is_string() && json::view(id->get_string()) == event_id);
    };
    for (;;) {
        if (auto const found = std::find_if(heard_.begin(), heard_.end(), is_it); found != heard_.end()) {
            told out{std::move(*found), 0, {}};
            heard_.erase(found);
            return out;
        }
        if (!hear(until)) return end();
    }
}

told line::tell(json::object const& event, std::chrono::milliseconds patience) {
    send(json::value(event));
    return answer_to(text_at(event, "/event_id"), patience);
}

told line::tell_text(std::string_view text, std::chrono::milliseconds patience) {
    heard_.clear();
    send_text(text, text.size() > 60 ? std::to_string(text.size()) + " bytes of text" : std::string{text});
    auto const all = answers(1, patience);
    return all.empty() ? end() : told{all.front(), 0, {}};
}

std::vector<json::object> line::answers(std::size_t count, std::chrono::milliseconds patience) {
    while (heard_.size() < count && hear(clock::now() + patience)) {}
    auto out = std::move(heard_);
    heard_.clear();
    return out;
}

int line::wait_for_close(std::chrono::milliseconds patience) {
    auto const until = clock::now() + patience;
    while (closed_ == 0 && hear(until)) {}
    return closed_;
}

std::optional<std::string> line::wait_for_pong(std::string_view data, std::chrono::milliseconds patience) {
    auto const until = clock::now() + patience;
    std::optional<std::string> last;
    do {
        for (auto& one : std::exchange(pongs_, {}))
            if (last = std::move(one); *last == data) return last;
    } while (hear(until));
    return last;
}

void line::close() {
    if (socket_ && closed_ == 0) (void)socket_->write(bytes_of(closing(1000)), clock::now() + std::chrono::seconds{1});
    cut();
}

void line::cut() { socket_.reset(); }

}  // namespace bsp::conformance
