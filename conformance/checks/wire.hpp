#pragma once

#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "../target/http_reader.hpp"
#include "../target/stream.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// A connection on which bytes are written and answers are read one by one: for what is cut, put together, or waits in
/// the middle. Nothing of it is a step of the report.
class wire {
public:
    static constexpr std::chrono::milliseconds patience{10'000};

    explicit wire(scenario& s) : opened_{s.shared().target.open(patience)} {
        if (!opened_.to) s.inconclusive("connecting: " + opened_.detail);
    }

    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            auto const r = opened_.to->write(bytes.data(), bytes.size());
            if (r.what == stream::status::done) bytes.remove_prefix(r.size);
            else if (r.what != stream::status::would_block || !opened_.to->wait(clock::now() + patience, true)) return;
        }
    }

    /// The next answer that is not 1xx; nothing when the connection ends first, or nothing comes.
    std::optional<http_response> next(std::chrono::milliseconds within = patience) {
        http_reader reader;
        std::array<char, 16 * 1024> buffer;
        for (auto const until = clock::now() + within;;) {
            while (!unread_.empty()) {  // by bytes: what follows an answer is the next one's
                auto const one = unread_.substr(0, 1);
                unread_.erase(0, 1);
                auto const now = reader.feed(one);
                if (now == http_reader::state::complete) return reader.take();
                if (now == http_reader::state::garbage) return std::nullopt;
            }
            if (!opened_.to->wait(until, false)) return std::nullopt;
            auto const r = opened_.to->read(buffer.data(), buffer.size());
            if (r.what == stream::status::would_block) continue;
            if (r.what != stream::status::done) {
                ended_ = true;
                if (reader.end() == http_reader::state::complete) return reader.take();
                return std::nullopt;
            }
            unread_.assign(buffer.data(), r.size);
        }
    }

    [[nodiscard]] bool ended() const noexcept { return ended_; }  ///< by the other side

    /// The bytes of a request: what `scenario::send` would supply is supplied.
    [[nodiscard]] static std::string bytes_of(scenario const& s, http_request const& r) { return head_of(s, r) + r.body; }
    [[nodiscard]] static std::string head_of(scenario const& s, http_request const& r) {
        std::string out = r.method + ' ' + r.target + " HTTP/1.1\r\nHost: " + s.authority() + "\r\n";
        for (auto const& [name, value] : r.headers) out += name + ": " + value + "\r\n";
        return out + "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n";
    }

private:
    connected opened_;
    std::string unread_;
    bool ended_ = false;
};

/// "status 200", "no answer".
inline std::string describe(std::optional<http_response> const& x) { return x ? "status " + std::to_string(x->status) : "no answer"; }

}  // namespace bsp::conformance
