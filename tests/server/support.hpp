#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What the server's tests share: a scratch directory, a client that sends bytes and not requests, and a
/// process to be killed.
namespace support {

/// A directory that goes away with its owner.
class scratch {
public:
    scratch();
    ~scratch();
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    [[nodiscard]] std::filesystem::path const& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

void write_file(std::filesystem::path const& path, std::string_view text);
std::string read_file(std::filesystem::path const& path);

struct answer {
    int status = 0;  ///< 0: the connection ended, or nothing came in time
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
};

/// A TCP client that sends exactly what it is told.
class raw_client {
public:
    explicit raw_client(std::uint16_t port);
    ~raw_client();
    raw_client(raw_client&& other) noexcept;
    raw_client(raw_client const&) = delete;
    raw_client& operator=(raw_client const&) = delete;

    /// False when the other side has closed.
    bool send(std::string_view bytes);
    /// The next answer; `without_body` for HEAD.
    answer receive(std::chrono::milliseconds patience = std::chrono::seconds{10}, bool without_body = false);
    /// Whether the other side ends the connection within `patience`, discarding what it sends until then.
    bool ends_within(std::chrono::milliseconds patience);
    [[nodiscard]] int descriptor() const { return fd_; }

private:
    bool more(std::chrono::steady_clock::time_point until);

    int fd_ = -1;
    std::string unread_;
};

/// A program of ours, run until it is ended.
class process {
public:
    /// `environment`: NAME=value, beside an otherwise empty environment.
    process(std::vector<std::string> arguments, std::vector<std::string> const& environment = {}, std::string_view input = {});
    ~process();
    process(process const&) = delete;
    process& operator=(process const&) = delete;

    void signal(int number) const;
    /// The exit code, or minus the number of the signal that ended it.
    int wait();
    [[nodiscard]] std::string output() const;  ///< after `wait`
    [[nodiscard]] std::string errors() const;  ///< after `wait`

private:
    scratch files_;
    int pid_ = -1;
    int status_ = 0;
};

/// Waits until `condition` holds; false after `patience`.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds patience = std::chrono::seconds{20});

/// For `eventually`: lets a moment pass between two looks.
void moment();

template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds patience) {
    auto const until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        moment();
    }
    return true;
}

}  // namespace support
