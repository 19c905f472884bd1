#include "commands.hpp"
#include "log.hpp"
#include "server.hpp"
#include "storage/registry.hpp"

#include <spdlog/spdlog.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

namespace {

using namespace bsp::server;

/// Signals are waited for, not handled: every thread inherits that they are blocked.
sigset_t block_signals(bool with_renewal) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (with_renewal) sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return signals;
}

/// As many connections as the system grants, with some descriptors left for the store and for requests to peers.
void fit_to_descriptors(door_limits& limits) {
    constexpr rlim_t kept = 384;
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, limits.connections_max + kept);
    setrlimit(RLIMIT_NOFILE, &files);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= 2 * kept) return;
    limits.connections_max = std::min<std::size_t>(limits.connections_max, files.rlim_cur - kept);
}

/// Whoever waits for the file never sees half of it.
void write_ready_file(std::string const& path, std::string const& url) {
    if (path.empty()) return;
    std::string const draft = path + ".new";
    std::ofstream{draft} << url << '\n';
    if (std::rename(draft.c_str(), path.c_str()) != 0) throw std::runtime_error{"--ready-file: " + path + " cannot be written"};
}

/// What the data directory does not hold.
std::string whereabouts(config const& c) {
    if (c.store == "memory") return " (identity only: --store memory keeps data until the server stops)";
    return is_postgres(c.store) ? " (identity only: everything else is in the database)" : "";
}

void welcome(server const& s, config const& c) {
    std::string const dir = c.data_dir == "~/.bsp" ? "" : " --data-dir " + s.data_dir().string();
    std::cout << "bsp-server is listening on " << s.url() << '\n'
              << "  backend  " << s.self().backend_id << '\n'
              << "  data     " << s.data_dir().string() << whereabouts(c) << '\n'
              << "  users    " << s.users_place() << '\n'
              << "Try it:\n"
              << "  curl -s " << s.url() << "/identity\n"
              << "  curl -s " << s.url() << "/register-peer -H 'Content-Type: application/json' -d \"$(bsp-server token register" << dir << ")\"\n"
              << "Stop it with Ctrl-C. What else it can do: bsp-server --help\n"
              << std::flush;
}

int serve(config const& given) {
    config c = given;
    start_log(c.log, c.log_level);
    fit_to_descriptors(c.limits);
    sigset_t const signals = block_signals(!c.tls_certificate.empty());
    server s{c};
    write_ready_file(c.ready_file, s.url());
    welcome(s, c);
    for (int received = 0; sigwait(&signals, &received) == 0 && received == SIGHUP;) s.renew_certificate();
    spdlog::info("stopping");
    s.stop();
    return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
    // What one large request or page took goes back to the system, and not to one of many arenas of threads.
    mallopt(M_ARENA_MAX, static_cast<int>(std::max(2U, std::thread::hardware_concurrency())));
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
#endif
    umask(077);  // whatever is written here is for its owner
    return run(argc, argv, std::cin, std::cout, std::cerr, serve);
}
