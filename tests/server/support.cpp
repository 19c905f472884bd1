#include "support.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace support {

using clock = std::chrono::steady_clock;

scratch::scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "bsp-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error{errno, std::generic_category(), "mkdtemp"};
    path_ = name;
}
scratch::~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void write_file(std::filesystem::path const& path, std::string_view text) { std::ofstream{path, std::ios::binary} << text; }
std::string read_file(std::filesystem::path const& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void moment() { ::poll(nullptr, 0, 2); }

raw_client::raw_client(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::system_error{errno, std::generic_category(), "connect"};
    int const on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
raw_client::~raw_client() {
    if (fd_ >= 0) ::close(fd_);
}
raw_client::raw_client(raw_client&& other) noexcept : fd_{std::exchange(other.fd_, -1)}, unread_{std::move(other.unread_)} {}

bool raw_client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool raw_client::more(clock::time_point until) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
    pollfd p{fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) <= 0) return false;
    char buffer[16'384];
    ssize_t const n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    unread_.append(buffer, static_cast<std::size_t>(n));
    return true;
}

answer raw_client::receive(std::chrono::milliseconds patience, bool without_body) {
    auto const until = clock::now() + patience;
    std::size_t end;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos)
        if (!more(until)) return {};
    answer a;
    std::string const head = unread_.substr(0, end + 2);
    unread_.erase(0, end + 4);
    a.status = std::atoi(head.substr(9, 3).c_str());
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        std::size_t const line_end = head.find("\r\n", at), colon = head.find(": ", at);
        std::string name = head.substr(at, colon - at);
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        a.headers[name] = head.substr(colon + 2, line_end - colon - 2);
        at = line_end + 2;
    }
    if (without_body || !a.headers.contains("content-length")) return a;
    std::size_t const length = std::stoul(a.headers["content-length"]);
    while (unread_.size() < length)
        if (!more(until)) return {};
    a.body = unread_.substr(0, length);
    unread_.erase(0, length);
    return a;
}

bool raw_client::ends_within(std::chrono::milliseconds patience) {
    auto const until = clock::now() + patience;
    while (more(until)) unread_.clear();
    return clock::now() < until;
}

process::process(std::vector<std::string> arguments, std::vector<std::string> const& environment, std::string_view input) {
    write_file(files_ / "in", input);
    std::vector<char*> argv, envp;
    std::vector<std::string> variables = environment;
    if (std::none_of(variables.begin(), variables.end(), [](std::string const& v) { return v.starts_with("HOME="); })) variables.push_back("HOME=" + files_.path().string());
    for (auto& a : arguments) argv.push_back(a.data());
    for (auto& v : variables) envp.push_back(v.data());
    argv.push_back(nullptr), envp.push_back(nullptr);
    std::string const in = (files_ / "in").string(), out = (files_ / "out").string(), err = (files_ / "err").string();
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error{errno, std::generic_category(), "fork"};
    if (pid_ != 0) return;
    ::dup2(::open(in.c_str(), O_RDONLY), 0);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
}

process::~process() {
    signal(SIGKILL);
    wait();
}

void process::signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
}

int process::wait() {
    if (pid_ > 0) {
        ::waitpid(pid_, &status_, 0);
        pid_ = -1;
    }
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
}

std::string process::output() const { return read_file(files_ / "out"); }
std::string process::errors() const { return read_file(files_ / "err"); }

}  // namespace support
