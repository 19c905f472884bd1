#include "http_reader.hpp"
#include "stream.hpp"
#include "target.hpp"

#include <array>
#include <mutex>
#include <vector>

namespace bsp::conformance {
namespace {

std::string seconds_text(std::chrono::milliseconds t) {
    auto const ms = t.count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

std::string wire_text(http_request const& r, std::string const& authority) {
    std::string out = r.method + ' ' + r.target + " HTTP/1.1\r\n";
    auto const absent = std::string(1, '\0');
    auto const field = [&out](std::string_view name, std::string_view value) { out.append(name).append(": ").append(value).append("\r\n"); };
    if (!r.headers.find("Host")) field("Host", authority);
    for (auto const& [name, value] : r.headers)
        if (value != absent) field(name, value);
    bool const has_length = r.headers.find("Content-Length") || r.headers.find("Transfer-Encoding");
    if (!has_length && (!r.body.empty() || r.method == "POST" || r.method == "PUT")) field("Content-Length", std::to_string(r.body.size()));
    return (out += "\r\n") += r.body;
}

class http_target final : public target {
public:
    http_target(endpoint to, tls_context tls)
        : to_{std::move(to)}, tls_{std::move(tls)}, url_{(to_.secure ? "https://" : "http://") + to_.authority + to_.path} {}

    [[nodiscard]] bool has_sockets() const noexcept override { return true; }
    [[nodiscard]] std::string const& url() const noexcept override { return url_; }
    [[nodiscard]] std::string const& base_path() const noexcept override { return to_.path; }
    [[nodiscard]] std::string const& authority() const noexcept override { return to_.authority; }

    answer send(http_request const& request, std::chrono::milliseconds timeout) override {
        auto const begin = clock::now();
        auto const text = wire_text(request, to_.authority);
        answer out;
        bool once_more = true;  // an idle connection may have been closed just now; that is nobody's fault
        for (auto idle = take_idle();; idle.reset()) {
            bool const reused = idle != nullptr;
            bool silent = false;
            out = converse(std::move(idle), text, request.method == "HEAD", begin + timeout, timeout, silent);
            if (!(reused && once_more && silent && out.why == fault::closed)) break;
            once_more = false;
        }
        out.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begin);
        return out;
    }

    connected open(std::chrono::milliseconds timeout) override { return open_stream(to_, tls_, clock::now() + timeout); }

    raw_answer raw(std::string_view bytes, std::chrono::milliseconds timeout) override {
        auto const begin = clock::now();
        auto out = raw_conversation(bytes, begin + timeout, timeout);
        out.took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begin);
        return out;
    }

private:
    std::unique_ptr<stream> take_idle() {
        std::lock_guard const lock{mutex_};
        while (!idle_.empty()) {
            auto one = std::move(idle_.back());
            idle_.pop_back();
            if (clock::now() - one.since < std::chrono::seconds{2} && !one.connection->disturbed()) return std::move(one.connection);
        }
        return nullptr;
    }

    void keep(std::unique_ptr<stream> s) {
        std::lock_guard const lock{mutex_};
        if (idle_.size() < 16) idle_.push_back({std::move(s), clock::now()});
    }

    /// One request on `s` (or on a new connection). `silent`: it ended before the first byte of an answer.
    answer converse(std::unique_ptr<stream> s, std::string_view text, bool head_only, deadline until, std::chrono::milliseconds timeout, bool& silent) {
        answer out;
        auto const failed = [&](fault why, std::string detail) {
            out.why = why, out.detail = std::move(detail);
            return out;
        };
        if (!s) {
            auto opened = open_stream(to_, tls_, until);
            if (!opened.to) return failed(opened.why, std::move(opened.detail));
            s = std::move(opened.to);
        }
        http_reader reader{head_only};
        std::array<char, 64 * 1024> buffer;
        bool writing = true;
        std::size_t received = 0;
        for (;;) {
            if (writing && !text.empty()) {
                auto const w = s->write(text.data(), text.size());
                if (w.what == stream::status::done) {
                    text.remove_prefix(w.size);
                    if (!text.empty()) continue;
                } else if (w.what != stream::status::would_block) {
                    writing = false;  // it no longer listens, but may have answered
                }
            }
            auto const r = s->read(buffer.data(), buffer.size());
            http_reader::state state = http_reader::state::more;
            if (r.what == stream::status::done) {
                state = reader.feed({buffer.data(), r.size});
                // A large answer over a slow line is on its way all the same: each MiB of it has the whole time again.
                constexpr std::size_t mib = 1 << 20;
                if ((received + r.size) / mib > received / mib) until += timeout;
                received += r.size;
            } else if (r.what != stream::status::would_block) {
                state = reader.end();
                if (state == http_reader::state::more) {
                    silent = reader.nothing_yet();
                    return failed(fault::closed, silent ? "the connection was closed without an answer" : "the connection was closed in the middle of the answer");
                }
            }
            if (state == http_reader::state::garbage) return failed(fault::garbage, "the answer is not HTTP/1.x: " + reader.complaint());
            if (state == http_reader::state::complete) {
                bool const reusable = reader.keeps_alive() && writing && text.empty();
                out.response = reader.take();
                if (reusable) keep(std::move(s));
                return out;
            }
            if (r.what == stream::status::would_block && !s->wait(until, writing && !text.empty()))
                return failed(fault::timeout, (reader.nothing_yet() ? "no answer within " : "no complete answer within ") + seconds_text(timeout));
        }
    }

    raw_answer raw_conversation(std::string_view bytes, deadline until, std::chrono::milliseconds timeout) {
        raw_answer out;
        auto opened = open_stream(to_, tls_, until);
        if (!opened.to) {
            out.why = opened.why, out.detail = std::move(opened.detail);
            return out;
        }
        http_reader reader;
        std::array<char, 16 * 1024> buffer;
        bool writing = true;
        for (;;) {
            if (writing && !bytes.empty()) {
                auto const w = opened.to->write(bytes.data(), bytes.size());
                if (w.what == stream::status::done) {
                    bytes.remove_prefix(w.size);
                    if (!bytes.empty()) continue;
                } else if (w.what != stream::status::would_block) {
                    writing = false;
                }
            }
            auto const r = opened.to->read(buffer.data(), buffer.size());
            if (r.what == stream::status::done) {
                out.bytes.append(buffer.data(), r.size);
                if (reader.feed({buffer.data(), r.size}) == http_reader::state::complete) until = std::min(until, clock::now() + std::chrono::milliseconds{100});
            } else if (r.what != stream::status::would_block) {
                out.ended = true;
                if (out.bytes.empty()) out.why = fault::closed, out.detail = "the connection was closed without an answer";
                return out;
            } else if (!opened.to->wait(until, writing && !bytes.empty())) {
                if (out.bytes.empty()) out.why = fault::timeout, out.detail = "no answer within " + seconds_text(timeout);
                return out;
            }
        }
    }

    struct idle_connection {
        std::unique_ptr<stream> connection;
        clock::time_point since;
    };

    endpoint to_;
    tls_context tls_;
    std::string url_;
    std::mutex mutex_;
    std::vector<idle_connection> idle_;
};

}  // namespace

connected target::open(std::chrono::milliseconds) { return {nullptr, fault::refused, "there are no sockets here"}; }

int raw_answer::status() const {
    http_reader reader;
    auto state = reader.feed(bytes);
    if (state == http_reader::state::more) state = reader.end();
    return state != http_reader::state::garbage && reader.head_complete() ? reader.response().status : 0;
}

std::string_view to_string(fault f) noexcept {
    switch (f) {
        case fault::none: return "none";
        case fault::refused: return "refused";
        case fault::timeout: return "timeout";
        case fault::closed: return "closed";
        case fault::garbage: return "garbage";
        case fault::tls: return "tls";
        case fault::certificate: return "certificate";
    }
    return "?";
}

result<std::unique_ptr<target>> connect_to(std::string_view url, target_options const& options) {
    BSP_TRY(auto to, parse_url(url));
    tls_context tls;
    if (to.secure) {
        BSP_TRY(auto made, make_tls_context(options));
        tls = std::move(made);
    }
    std::unique_ptr<target> out = std::make_unique<http_target>(std::move(to), std::move(tls));
    return out;
}

}  // namespace bsp::conformance
