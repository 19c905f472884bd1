#include "audit_file.hpp"

#include "clock.hpp"

#include <bsp/base/encoding.hpp>

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace bsp::server {
namespace {

constexpr std::chrono::milliseconds pause_between_writes{200};  ///< so that a busy server syncs this file five times a second at most
constexpr std::chrono::seconds looked_every{1};

std::runtime_error trouble(std::filesystem::path const& path) { return std::runtime_error{path.string() + " cannot be written: " + std::strerror(errno)}; }

/// The last line of the file, after what a crash left of an unfinished one was taken off; "" when there is none.
std::string last_line(int file, std::filesystem::path const& path) {
    off_t size = ::lseek(file, 0, SEEK_END);
    std::string tail;
    for (bool ended = false; size > 0;) {
        off_t const step = std::min<off_t>(size, 65'536);
        std::string part(static_cast<std::size_t>(step), '\0');
        if (::pread(file, part.data(), part.size(), size - step) != step) throw trouble(path);
        size -= step;
        tail = part + tail;
        if (!ended) {
            std::size_t const end = tail.rfind('\n');
            if (end == std::string::npos && size > 0) continue;
            if (std::size_t const whole = end == std::string::npos ? 0 : end + 1; whole < tail.size()) {
                if (::ftruncate(file, size + static_cast<off_t>(whole)) != 0) throw trouble(path);
                tail.resize(whole);
            }
            ended = true;
        }
        if (tail.empty()) return {};
        std::size_t const before = tail.rfind('\n', tail.size() - 2);
        if (tail.size() > 1 && before != std::string::npos) return tail.substr(before + 1, tail.size() - before - 2);
    }
    if (!tail.empty()) tail.pop_back();
    return tail;
}

std::uint64_t number_of(std::string_view line) {
    constexpr std::string_view begin = R"({"number": )";
    std::uint64_t n = 0;
    if (line.starts_with(begin)) std::from_chars(line.data() + begin.size(), line.data() + line.size(), n);
    return n;
}

int open_file(std::filesystem::path const& path) {
    int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) throw trouble(path);
    return file;
}

/// Whether the store has this very line: else the file is that of another trail, or one of both was tampered with.
bool belongs(store_base& store, std::string const& line) {
    std::uint64_t const n = number_of(line);
    if (n == 0) return false;
    auto const begin = store.read([](store_reader& r) { return r.audit_begin(); });
    if (begin && n == begin->number) return line.find(to_hex(begin->hash)) != std::string::npos;
    auto const found = store.read([&](store_reader& r) { return r.audit({.after = n - 1, .limit = 1}); });
    return found && found->size() == 1 && entry_line(found->front()) == line;
}

/// The whole text or, in the place of it, nothing. Throws.
void append(int file, std::string_view text) {
    for (std::size_t done = 0; done < text.size();) {
        ssize_t const n = ::write(file, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            std::string const why = std::strerror(errno);
            // What is half written would join with what is tried next.
            struct stat now {};
            if (done > 0 && ::fstat(file, &now) == 0) (void)!::ftruncate(file, now.st_size - static_cast<off_t>(done));
            throw std::runtime_error{"cannot be written: " + why};
        }
        done += static_cast<std::size_t>(n);
    }
}

std::string first_line(std::filesystem::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::string line;
    std::getline(in, line);
    return line;
}

}  // namespace

bool trail_is_ahead(std::filesystem::path const& data_dir, store_base& store) {
    auto const path = data_dir / "audit.jsonl";
    if (!std::filesystem::exists(path)) return false;
    int const file = open_file(path);
    std::uint64_t told = 0;
    try {
        // A server that writes to it was told when it started, and may be in the middle of a line.
        if (::flock(file, LOCK_EX | LOCK_NB) == 0) told = number_of(last_line(file, path));
    } catch (...) {
        ::close(file);
        throw;
    }
    ::close(file);
    auto const reached = store.read([](store_reader& r) -> result<std::uint64_t> {
        BSP_TRY(auto const last, r.last_audit());
        if (last) return last->number;
        BSP_TRY(auto const begin, r.audit_begin());
        return begin.number;
    });
    if (!reached) throw std::runtime_error{"the audit trail of the store cannot be read"};
    return told > *reached;
}

std::string put_trail_aside(std::filesystem::path const& data_dir) {
    auto const path = data_dir / "audit.jsonl";
    if (!std::filesystem::exists(path)) return {};
    auto aside = data_dir / ("audit.until-" + std::to_string(server_clock{}.now().seconds) + ".jsonl");
    for (int more = 2; std::filesystem::exists(aside); ++more) aside = data_dir / ("audit.until-" + std::to_string(server_clock{}.now().seconds) + "-" + std::to_string(more) + ".jsonl");
    std::filesystem::rename(path, aside);
    return aside.string();
}

audit_file::audit_file(std::filesystem::path const& data_dir, store_base& store, refusal_trail& trail) : store_{store}, trail_{trail}, path_{data_dir / "audit.jsonl"}, file_{open_file(path_)} {
    auto const& path = path_;
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
        spdlog::info("{} is written by another server of this data directory", path.string());
        return;
    }
    std::string const line = last_line(file_, path);
    if (!line.empty() && !belongs(store_, line)) {
        // Never written over, never lengthened with what does not follow from it.
        ::close(file_);
        std::string const aside = put_trail_aside(data_dir);
        spdlog::error("{} is not the trail of this store; it is kept as {}, and a new one begins", path.string(), aside);
        file_ = open_file(path);
        (void)::flock(file_, LOCK_EX | LOCK_NB);
    } else {
        written_ = number_of(line);
        if (std::string const first = first_line(path); first.find(R"(, "pruned": true, )") != std::string::npos) begins_after_ = number_of(first);
    }
    thread_ = std::thread{[this] { work(); }};
}

audit_file::~audit_file() {
    stop();
    ::close(file_);
}

void audit_file::wake() {
    {
        std::lock_guard const lock{mutex_};
        awake_ = true;
    }
    wake_.notify_one();
}

void audit_file::stop() {
    {
        std::lock_guard const lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void audit_file::work() {
    for (bool last = false; !last;) {
        {
            std::unique_lock lock{mutex_};
            wake_.wait_for(lock, looked_every, [&] { return awake_ || stopping_; });
            awake_ = false;
            last = stopping_;
        }
        try {
            trail_.flush(server_clock{}.now(), last);
            catch_up();
        } catch (std::exception const& why) {
            spdlog::error("the audit file: {}", why.what());
        }
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, pause_between_writes, [&] { return stopping_; });
    }
}

void audit_file::catch_up() {
    auto const begin = store_.read([](store_reader& r) { return r.audit_begin(); });
    if (!begin) return;
    if (begin->number > written_) trim(*begin);  // what lies between is gone
    append_new();
    if (begin->number > begins_after_) trim(*begin);  // after the entry that says so is in the file
}

void audit_file::append_new() {
    for (;;) {
        auto const page = store_.read([&](store_reader& r) { return r.audit({.after = written_, .limit = 500}); });
        if (!page || page->empty()) return;
        std::string text;
        for (auto const& entry : *page) text += entry_line(entry) + '\n';
        append(file_, text);
        ::fdatasync(file_);
        written_ = page->back().number;
    }
}

/// Lines are copied as they are: what was done to the file stays to be seen.
void audit_file::trim(audit_seal const& begin) {
    auto draft = path_;
    draft += ".new";
    std::filesystem::remove(draft);
    int const fresh = open_file(draft);
    try {
        append(fresh, seal_line(begin) + '\n');
        std::ifstream in{path_, std::ios::binary};
        std::string text;
        for (std::string line; std::getline(in, line);) {
            if (number_of(line) <= begin.number) continue;
            text += line + '\n';
            if (text.size() > 1u << 20) append(fresh, std::exchange(text, {}));
        }
        append(fresh, text);
        if (::fdatasync(fresh) != 0 || ::flock(fresh, LOCK_EX | LOCK_NB) != 0) throw trouble(draft);
        std::filesystem::rename(draft, path_);
    } catch (...) {
        ::close(fresh);
        throw;
    }
    ::close(std::exchange(file_, fresh));
    begins_after_ = begin.number;
    written_ = std::max(written_, begin.number);
}

}  // namespace bsp::server
