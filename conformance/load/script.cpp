#include "script.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace bsp::conformance::load {
namespace {

/// A pull asks for what changed in the interval at which peers synchronize.
constexpr std::chrono::seconds pulled_interval{5};

constexpr std::size_t ahead_requests_max = 20'000;
constexpr std::chrono::seconds ahead_max{60};  // well within the 300 s that a signature is fresh

}  // namespace

script::script(load::company& c, std::vector<planned> plan, std::uint64_t seed) : company{c}, plan_{std::move(plan)}, seed_{seed}, began_{c.world.now()} {
    // Threads write into the ledger side by side: nothing may move.
    std::vector<std::size_t> pushes(company.conversations.size(), 1);
    for (auto const& p : plan_)
        if (p.what == operation::push) ++pushes[conversation_of(p)];
    for (std::size_t i = 0; i < pushes.size(); ++i) company.conversations[i].pushes.resize(pushes[i]);
}

http_request script::opening_of(std::size_t peer) {
    auto const& p = company.peers[peer];
    auto const sync_id = company.name("o", peer);
    std::vector<json::object> all;
    for (auto const c : p.conversations) {
        auto& conversation = company.conversations[c];
        all.push_back(made_turn(conversation, p.voice, {company.name("b", c), scrambled(seed_ ^ 0xB0 ^ (c << 8)), 1, began_ - std::chrono::minutes{1}}));
        conversation.pushes[0] = entry_for(all.back(), sync_id);
    }
    return company.push(p, sync_id, std::move(all));
}

void script::opening_was(std::size_t peer, fate f) {
    for (auto const c : company.peers[peer].conversations) company.conversations[c].pushes[0].fate = f;
}

std::string script::name_of(std::size_t n) const { return company.name("s", n); }

sent_push& script::entry(std::size_t n) { return company.conversations[conversation_of(plan_[n])].pushes[1 + plan_[n].turn / conversations_per_peer]; }

json::object script::turn(std::size_t n) const {
    auto const& p = plan_[n];
    auto const version = static_cast<std::int64_t>(2 + p.turn / conversations_per_peer);
    return made_turn(company.conversations[conversation_of(p)], company.peers[p.peer].voice, {company.name("m", n), scrambled(seed_ + n), version, moment(n)});
}

http_request script::push_of(std::size_t n) const { return company.push(company.peers[plan_[n].peer], name_of(n), {turn(n)}); }

std::string script::text_of(std::size_t n) {
    auto const& p = plan_[n];
    auto const& who = company.peers[p.peer];
    auto const& authority = company.world.target.authority();
    switch (p.what) {
        case operation::push: {
            auto said = turn(n);
            entry(n) = entry_for(said, name_of(n));
            return octets_of(company.push(who, name_of(n), {std::move(said)}), authority);
        }
        case operation::pull: return octets_of(company.pull(who, format_timestamp({(moment(n) - pulled_interval).seconds, 0}), {}), authority);
        case operation::read: return octets_of(company.read(company.conversations[conversation_of(p)]), authority);
        case operation::telemetry: return made_event(name_of(n), who.voice, scrambled(seed_ + n), moment(n));
    }
    return {};
}

std::string octets_of(http_request const& r, std::string const& authority) {
    std::string out = r.method + ' ' + r.target + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    for (auto const& [name, value] : r.headers) out += name + ": " + value + "\r\n";
    if (!r.body.empty()) out += "Content-Length: " + std::to_string(r.body.size()) + "\r\n";
    return (out += "\r\n") += r.body;
}

supply::supply(script& s) : script_{s}, texts_(s.plan().size()), made_{std::make_unique<std::atomic<bool>[]>(s.plan().size())}, allowed_{ahead_of(s.plan(), 0)} {
    for (unsigned i = std::max(1u, std::thread::hardware_concurrency()); i > 0; --i) workers_.emplace_back([this] { work(); });
}

supply::~supply() {
    stop();
    for (auto& w : workers_) w.join();
}

void supply::stop() {
    {
        std::lock_guard const lock{mutex_};
        stop_ = true;
    }
    room_.notify_all();
    done_.notify_all();
}

std::size_t supply::ahead_of(std::vector<planned> const& plan, std::size_t taken) {
    if (taken >= plan.size()) return plan.size();
    auto const until = plan[taken].due + ahead_max;
    auto const end = std::min(plan.size(), taken + ahead_requests_max);
    return static_cast<std::size_t>(std::upper_bound(plan.begin() + static_cast<std::ptrdiff_t>(taken), plan.begin() + static_cast<std::ptrdiff_t>(end), until,
                                                     [](std::chrono::nanoseconds t, planned const& p) { return t < p.due; }) -
                                    plan.begin());
}

std::size_t supply::fill() {
    std::unique_lock lock{mutex_};
    auto const wanted = allowed_;
    done_.wait(lock, [&] { return stop_ || finished_ >= wanted; });
    return wanted;
}

std::string supply::take(std::size_t n) {
    constexpr std::size_t at_once = 64;  // workers need not hear of each
    if (n % at_once == 0) {
        {
            std::lock_guard const lock{mutex_};
            allowed_ = std::max(allowed_, ahead_of(script_.plan(), n));
        }
        room_.notify_all();
    }
    return std::move(texts_[n]);
}

void supply::work() {
    // Whoever sends, and a server on the same machine, go first.
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
    for (std::unique_lock lock{mutex_};;) {
        room_.wait(lock, [&] { return stop_ || next_ < allowed_ || next_ == texts_.size(); });
        if (stop_ || next_ == texts_.size()) return;
        auto const n = next_++;
        lock.unlock();
        texts_[n] = script_.text_of(n);
        made_[n].store(true, std::memory_order_release);
        lock.lock();
        ++finished_;
        if (finished_ >= allowed_ || finished_ == texts_.size()) done_.notify_all();
    }
}

}  // namespace bsp::conformance::load
