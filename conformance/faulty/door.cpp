#include "door.hpp"

#include "backend.hpp"
#include "web_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

namespace bsp::faulty {

namespace {

constexpr std::size_t head_max = 64u << 10, target_max = 16u << 10, body_max = 32u << 20;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_number(std::string_view text, std::string_view digits) {
    return !text.empty() && text.size() <= 12 && text.find_first_not_of(digits) == std::string_view::npos;
}

/// The requests of one connection, one after the other.
class connection {
public:
    connection(int socket, framing const& reads, handler const& h, socket_service* sockets, socket_world& world)
        : socket_{socket}, reads_{reads}, handler_{h}, sockets_{sockets}, world_{world} {}

    void serve() {
        pause_at_most(reads_.idle_ms);
        while (auto const refusal = serve_one())
            if (*refusal != 0) return refuse(*refusal);
    }

private:
    /// Nothing: the connection is over. 0: the next request may come. Otherwise the status of a refusal, after which
    /// nobody can tell any more where the next request would begin.
    std::optional<int> serve_one() {
        std::size_t searched = 0, end = 0;
        while ((end = buffer_.find("\r\n\r\n", searched)) == std::string::npos) {
            if (!reads_.any_head && buffer_.size() > head_max) return buffer_.find("\r\n") > target_max ? 414 : 431;
            if (reads_.head_in_one_piece && !buffer_.empty()) return 400;
            searched = buffer_.size() < 3 ? 0 : buffer_.size() - 3;
            if (!receive()) return std::nullopt;
        }
        if (!reads_.any_head && end > head_max) return buffer_.find("\r\n") > target_max ? 414 : 431;
        std::string const head = buffer_.substr(0, end);
        buffer_.erase(0, end + 4);
        pause_at_most(0);

        http_request r;
        std::size_t const line_end = std::min(head.find("\r\n"), head.size());
        std::string_view const line = std::string_view{head}.substr(0, line_end);
        std::size_t const first = line.find(' '), second = line.rfind(' ');
        if (first == std::string_view::npos || first == second || !line.substr(second + 1).starts_with("HTTP/1.")) return 400;
        r.method = line.substr(0, first);
        r.target = line.substr(first + 1, second - first - 1);
        if (!reads_.any_head && r.target.size() > target_max) return 414;
        for (std::size_t at = line_end + 2; at < head.size();) {
            std::size_t const stop = std::min(head.find("\r\n", at), head.size());
            std::string_view const field = std::string_view{head}.substr(at, stop - at);
            std::size_t const colon = field.find(':');
            if (colon == std::string_view::npos || colon == 0) return 400;
            r.headers.add(std::string{field.substr(0, colon)}, std::string{trimmed(field.substr(colon + 1))});
            at = stop + 2;
        }
        if (reads_.tells_connection) r.headers.set("X-Connection", number_);
        if (reads_.tells_head && r.method == "POST") {
            http_request announced = r;
            announced.headers.set("X-Head", number_);
            (void)handler_(announced, system_now());
        }
        if (int const refusal = read_body(r); refusal != 0) return refusal < 0 ? std::nullopt : std::optional{refusal};

        if (sockets_ && r.headers.find("Upgrade")) {
            int number = 0;
            http_response const answer = sockets_->open_socket(r, system_now(), number);
            if (answer.status == 101) {
                web_socket{socket_, reads_, *sockets_, number, world_, std::move(buffer_)}.serve(r, answer.headers);
                return std::nullopt;
            }
            return respond(answer, false) ? std::optional{0} : std::nullopt;
        }
        if (reads_.one_at_once) buffer_.clear();
        http_response answer = handler_(r, system_now());
        if (r.method == "HEAD") answer.body.clear();
        std::string const* wish = r.headers.find("Connection");
        bool const last = reads_.one_request || (wish && http_headers::same_name(*wish, "close"));
        if (reads_.slow_ms > 0 && ++world_.answers % 16 == 0 && !r.target.ends_with("/identity")) std::this_thread::sleep_for(std::chrono::milliseconds{reads_.slow_ms});
        if (answer.status == hung_up || !respond(answer, last)) return std::nullopt;
        pause_at_most(reads_.idle_ms);
        return last ? std::nullopt : std::optional{0};
    }

    /// 0: it is there. -1: the other side went away. Otherwise the status of a refusal.
    int read_body(http_request& r) {
        if (std::string const* wish = r.headers.find("Expect"); wish && !send("HTTP/1.1 100 Continue\r\n\r\n")) return -1;
        if ((reads_.get_has_no_body && r.method == "GET") || (reads_.options_has_no_body && r.method == "OPTIONS")) return 0;
        std::vector<std::string_view> lengths;
        for (auto const& [name, value] : r.headers)
            if (http_headers::same_name(name, "Content-Length"))
                for (std::size_t at = 0; at <= value.size();) {
                    std::size_t const comma = std::min(value.find(',', at), value.size());
                    lengths.push_back(trimmed(std::string_view{value}.substr(at, comma - at)));
                    at = comma + 1;
                }
        if (std::string const* coding = r.headers.find("Transfer-Encoding")) {
            if (!lengths.empty() || !http_headers::same_name(*coding, "chunked")) return 400;
            return read_chunks(r.body);
        }
        if (lengths.empty()) return 0;
        if (!reads_.any_length)
            for (auto const& one : lengths)
                if (one != lengths.front() || !is_number(one, "0123456789")) return 400;
        std::size_t const length = std::strtoull(std::string{lengths.front()}.c_str(), nullptr, 10);
        if (length > body_max) return 413;
        if (!take(r.body, reads_.body_in_one_piece && !buffer_.empty() ? std::min(length, buffer_.size()) : length)) return -1;
        return 0;
    }

    int read_chunks(std::string& body) {
        for (;;) {
            std::string line;
            if (!take_line(line)) return -1;
            std::string_view const size_text = trimmed(std::string_view{line}.substr(0, line.find(';')));
            if (!is_number(reads_.plain_chunks ? line : size_text, reads_.plain_chunks ? "0123456789abcdef" : "0123456789abcdefABCDEF")) return 400;
            std::size_t const size = std::strtoull(std::string{size_text}.c_str(), nullptr, 16);
            if (size == 0) break;
            if (body.size() + size > body_max) return 413;
            std::string chunk, end;
            if (!take(chunk, size) || !take_line(end)) return -1;
            if (!end.empty()) return 400;
            body += chunk;
        }
        for (std::string line;;) {  // the trailer
            if (!take_line(line)) return -1;
            if (line.empty() || reads_.short_trailer) return 0;
            if (reads_.plain_chunks) return 400;
        }
    }

    bool take(std::string& out, std::size_t size) {
        while (buffer_.size() < size)
            if (!receive()) return false;
        out = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return true;
    }

    bool take_line(std::string& out) {
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n")) == std::string::npos)
            if (buffer_.size() > head_max || !receive()) return false;
        out = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        return true;
    }

    bool receive() {
        char bytes[64 << 10];
        auto const n = ::recv(socket_, bytes, sizeof bytes, 0);
        if (n > 0) buffer_.append(bytes, static_cast<std::size_t>(n));
        return n > 0;
    }

    bool respond(http_response const& answer, bool last) {
        std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " \r\n";
        bool const in_chunks = reads_.chunked && !answer.body.empty();
        for (auto const& [name, value] : answer.headers) text += cased(name) + ": " + value + "\r\n";
        if (in_chunks) text += cased("Transfer-Encoding") + ": chunked\r\n";
        else if (answer.status != 204) text += cased("Content-Length") + ": " + std::to_string(answer.body.size()) + "\r\n";
        if (last) text += cased("Connection") + ": close\r\n";
        return send(text + "\r\n" + (in_chunks ? chunks_of(answer.body) : answer.body));
    }

    [[nodiscard]] std::string cased(std::string name) const {
        if (reads_.other_case)
            for (char& c : name) c = static_cast<char>(name.size() % 2 == 0 ? std::tolower(static_cast<unsigned char>(c)) : std::toupper(static_cast<unsigned char>(c)));
        return name;
    }

    static std::string chunks_of(std::string_view body) {
        std::string out;
        for (std::size_t size = 1; !body.empty(); size = size * 2 + 1) {
            auto const part = body.substr(0, size);
            char digits[32];
            std::snprintf(digits, sizeof digits, "%zX;n=\"%zu\"\r\n", part.size(), size);
            out.append(digits).append(part).append("\r\n");
            body.remove_prefix(part.size());
        }
        return out + "0\r\nX-Took: 1\r\n\r\n";
    }

    /// From now on reading gives up when nothing comes for so long; 0: never.
    void pause_at_most(int ms) const {
        if (reads_.idle_ms == 0) return;
        timeval const t{ms / 1'000, ms % 1'000 * 1'000};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            auto const n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

    void refuse(int status) {
        std::string_view const code = status == 413 ? "payload-too-large" : status == 414 ? "uri-too-long" : status == 431 ? "headers-too-large" : "bad-request";
        std::string body = R"({"type":"https://bsp.dev/errors/)";
        body.append(code).append(R"(","title":"refused","status":)").append(std::to_string(status)).append(R"(,"detail":"refused at the door","code":")").append(code).append("\"}");
        if (!respond({status, {{"Content-Type", "application/problem+json"}}, body}, true)) return;
        // What is still on its way is read: a connection closed over unread bytes would take the answer with it.
        ::shutdown(socket_, SHUT_WR);
        for (std::size_t spared = 0; spared < 128u << 20 && receive(); spared += buffer_.size(), buffer_.clear()) {}
    }

    int socket_;
    framing const& reads_;
    handler const& handler_;
    socket_service* sockets_;
    socket_world& world_;
    std::string buffer_;
    std::string number_ = random_hex(8);
};

class own_door final : public door {
public:
    own_door(int port, framing reads) : reads_{reads}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        where.sin_port = htons(static_cast<std::uint16_t>(port));
        socklen_t size = sizeof where;
        int const on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&where), size) != 0 || ::listen(listener_, 128) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size) != 0) {
            ::close(listener_);
            throw std::runtime_error{"cannot listen on port " + std::to_string(port)};
        }
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(where.sin_port));
    }

    ~own_door() override {
        {
            std::lock_guard const lock{mutex_};
            closing_ = world_.dead = true;
            for (int const s : sockets_) ::shutdown(s, SHUT_RDWR);
        }
        ::shutdown(listener_, SHUT_RDWR);
        if (listening_.joinable()) listening_.join();
        for (auto& t : serving_) t.join();
        ::close(listener_);
    }

    [[nodiscard]] std::string const& url() const override { return url_; }

    void start(handler h, std::shared_ptr<socket_service> sockets) override {
        handler_ = std::move(h);
        sockets_of_ = std::move(sockets);
        listening_ = std::thread{[this] { listen(); }};
    }

    void wait() override { listening_.join(); }

private:
    void listen() {
        for (;;) {
            int const s = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (s < 0) return;
            int const on = 1;
            ::setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            std::lock_guard const lock{mutex_};
            if (closing_ || world_.dead) {
                ::close(s);
                return;
            }
            sockets_.insert(s);
            serving_.emplace_back([this, s] {
                connection{s, reads_, handler_, sockets_of_.get(), world_}.serve();
                if (world_.dead) ::shutdown(listener_, SHUT_RDWR);
                std::lock_guard const own{mutex_};
                sockets_.erase(s);
                ::close(s);
            });
        }
    }

    framing reads_;
    int listener_;
    std::string url_;
    handler handler_;
    std::shared_ptr<socket_service> sockets_of_;
    socket_world world_;
    std::mutex mutex_;
    bool closing_ = false;
    std::set<int> sockets_;
    std::vector<std::thread> serving_;
    std::thread listening_;
};

}  // namespace

std::unique_ptr<door> open_door(int port, framing reads) { return std::make_unique<own_door>(port, reads); }

}  // namespace bsp::faulty
