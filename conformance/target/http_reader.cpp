#include "http_reader.hpp"

#include "../fields.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace bsp::conformance {
namespace {

constexpr std::size_t head_bytes_max = 1u << 20;
constexpr std::size_t body_bytes_max = 256u << 20;

std::optional<std::size_t> number(std::string_view s, int base) {
    std::size_t value = 0;
    auto const [end, error] = std::from_chars(s.data(), s.data() + s.size(), value, base);
    return error == std::errc{} && end == s.data() + s.size() && !s.empty() ? std::optional{value} : std::nullopt;
}

}  // namespace

http_reader::state http_reader::give_up(std::string why) {
    stage_ = stage::failed;
    complaint_ = std::move(why);
    return state::garbage;
}

http_reader::state http_reader::feed(std::string_view bytes) {
    buffer_.append(bytes);
    return advance();
}

http_reader::state http_reader::end() {
    if (stage_ == stage::until_end) stage_ = stage::done;
    keep_alive_ = false;
    return stage_ == stage::done ? state::complete : stage_ == stage::failed ? state::garbage : state::more;
}

bool http_reader::take_line(std::string& line) {
    auto const at = buffer_.find('\n');
    if (at == std::string::npos) return false;
    line = buffer_.substr(0, at);
    if (line.ends_with('\r')) line.pop_back();
    buffer_.erase(0, at + 1);
    return true;
}

http_reader::state http_reader::advance() {
    std::string line;
    for (;;) {
        if (response_.body.size() > body_bytes_max) return give_up("a body of more than 256 MiB");
        switch (stage_) {
            case stage::head: {
                constexpr std::string_view start = "HTTP/1.";
                if (!std::string_view{buffer_}.starts_with(start.substr(0, std::min(buffer_.size(), start.size()))))
                    return give_up("it does not begin with HTTP/1.");
                auto const crlf = buffer_.find("\r\n\r\n"), lf = buffer_.find("\n\n");
                if (crlf == std::string::npos && lf == std::string::npos)
                    return buffer_.size() > head_bytes_max ? give_up("a header of more than 1 MiB") : state::more;
                auto const size = crlf < lf ? crlf + 4 : lf + 2;
                std::string const head = buffer_.substr(0, size);
                buffer_.erase(0, size);
                if (auto const s = read_head(head); s != state::more) return s;
                break;
            }
            case stage::sized:
            case stage::chunk_data: {
                auto const n = std::min(left_, buffer_.size());
                response_.body.append(buffer_, 0, n);
                buffer_.erase(0, n);
                if ((left_ -= n) > 0) return state::more;
                stage_ = stage_ == stage::sized ? stage::done : stage::chunk_end;
                break;
            }
            case stage::chunk_end:
                if (!take_line(line)) return state::more;
                if (!line.empty()) return give_up("a chunk longer than its size");
                stage_ = stage::chunk_size;
                break;
            case stage::chunk_size: {
                if (!take_line(line)) return state::more;
                auto const size = number(trimmed(std::string_view{line}.substr(0, line.find(';'))), 16);
                if (!size || *size > body_bytes_max) return give_up("a chunk size that is no number");
                left_ = *size;
                stage_ = *size == 0 ? stage::trailer : stage::chunk_data;
                break;
            }
            case stage::trailer:
                if (!take_line(line)) return state::more;
                if (line.empty()) stage_ = stage::done;
                break;
            case stage::until_end:
                response_.body += buffer_;
                buffer_.clear();
                return state::more;
            case stage::done:
                if (!buffer_.empty()) keep_alive_ = false;  // more than was announced: the connection cannot be trusted
                return state::complete;
            case stage::failed: return state::garbage;
        }
    }
}

http_reader::state http_reader::read_head(std::string_view head) {
    auto const next_line = [&head] {
        auto const at = head.find('\n');
        auto line = head.substr(0, at);
        head.remove_prefix(at == std::string_view::npos ? head.size() : at + 1);
        return trimmed(line);
    };
    auto const first = next_line();
    bool const minor_zero = first.starts_with("HTTP/1.0");
    if (first.size() < 12 || first[8] != ' ') return give_up("its first line is not a status line");
    auto const status = number(first.substr(9, 3), 10);
    if (!status || *status < 100 || *status > 599) return give_up("its status is not 100 to 599");

    response_ = {};
    response_.status = static_cast<int>(*status);
    while (!head.empty()) {
        auto const line = next_line();
        if (line.empty()) break;
        auto const colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return give_up("a header line without a name");
        response_.headers.add(std::string{line.substr(0, colon)}, std::string{trimmed(line.substr(colon + 1))});
    }
    if (*status < 200 && *status != 101) return state::more;  // interim: the final answer follows

    keep_alive_ = lists(response_.headers, "Connection", "keep-alive") || (!minor_zero && !lists(response_.headers, "Connection", "close"));

    std::optional<std::size_t> length;
    for (auto const& [name, value] : response_.headers) {
        if (!http_headers::same_name(name, "Content-Length")) continue;
        auto const n = number(trimmed(value), 10);
        if (!n || (length && *length != *n)) return give_up("a Content-Length that is no number, or two of them");
        length = n;
    }
    if (without_body_ || *status == 204 || *status == 304 || *status == 101) stage_ = stage::done;
    else if (lists(response_.headers, "Transfer-Encoding", "chunked")) stage_ = stage::chunk_size;
    else if (length && *length > body_bytes_max) return give_up("a body of more than 256 MiB");
    else if (length) left_ = *length, stage_ = stage::sized;
    else stage_ = stage::until_end;
    return state::more;
}

}  // namespace bsp::conformance
