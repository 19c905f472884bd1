#include "watch.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>

#include <spdlog/spdlog.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

namespace bsp::server::postgres {
namespace {

using namespace std::chrono_literals;

constexpr auto between_looks = 1s;  ///< the bell and the database end it sooner

std::string random_name() {
    std::array<std::uint8_t, 8> bytes{};
    random_bytes(bytes);
    return to_hex(bytes);
}

void wait_for(int bell, std::chrono::milliseconds patience) {
    pollfd look{bell, POLLIN, 0};
    (void)::poll(&look, 1, static_cast<int>(patience.count()));
}

}  // namespace

watch::watch(std::string url, std::function<void()> commit_elsewhere)
    : url_{std::move(url)}, name_{random_name()}, commit_elsewhere_{std::move(commit_elsewhere)}, bell_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)},
      thread_{[this] { work(); }} {}

watch::~watch() {
    stopping_ = true;
    ring();
    thread_.join();
    ::close(bell_);
}

void watch::committed() noexcept {
    if (!untold_.exchange(true)) ring();
}

void watch::ring() const noexcept {
    std::uint64_t const once = 1;
    (void)!::write(bell_, &once, sizeof once);
}

void watch::work() {
    for (bool was_well = true; !stopping_;) {
        try {
            connection db{url_};
            db.tell("LISTEN bsp_commit");
            db.end("SELECT 1");
            if (!std::exchange(was_well, true)) {
                spdlog::info("the database can be reached again");
                commit_elsewhere_();  // whatever came while nobody listened
            }
            stay(db);
        } catch (std::exception const& why) {
            if (std::exchange(was_well, false)) spdlog::warn("other instances are not heard of for now: {}", why.what());
            wait_for(bell_, stopping_ ? 0ms : 500ms);
        }
    }
}

void watch::stay(connection& db) {
    while (!stopping_) {
        std::uint64_t rings = 0;
        (void)!::read(bell_, &rings, sizeof rings);
        if (untold_.exchange(false)) {
            db.tell("SELECT pg_notify('bsp_commit', $1)", name_);
            db.end("SELECT 1");
        }
        bool news = false;
        for (auto told = db.notification(untold_ ? 0ms : between_looks, bell_); told; told = db.notification(0ms, bell_)) news = news || *told != name_;
        if (news) commit_elsewhere_();
    }
}

}  // namespace bsp::server::postgres
