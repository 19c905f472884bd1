#include "sync_control.hpp"

#include "client/sync_worker.hpp"
#include "data_dir.hpp"
#include "pairing.hpp"
#include "storage/sqlite_ledger.hpp"
#include "storage/sync_switch.hpp"

#include <bsp/sync/outbox.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace bsp::server::sync_control {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// The database of a data directory, beside the server that may be using it.
class desk {
public:
    explicit desk(std::filesystem::path const& data_dir)
        : lock_{lock_file(data_dir)}, who_{open_installation(existing(data_dir), "")}, store_{(data_dir / "bsp.db").string()}, ledger_{store_}, wishes{store_} {}

    struct peer {
        peer_record record;
        peer_progress progress;
        sync::outbox::load due;
        std::string obstacle;
        std::optional<instant> since;  ///< of the obstacle, or of its end; nothing when no server has looked yet
    };

    /// Those that have told where they are.
    std::vector<peer> peers() {
        std::vector<peer> all;
        settings const config{};
        sync::own_backend self{who_.self, who_.key, config, store_, ledger_, {}};
        auto const contacts = checked(wishes.contacts());
        for (std::string after;;) {
            auto const page = checked(store_.read([&](store_reader& r) { return r.peers(std::nullopt, after, limits::page_items_max); }));
            for (auto const& record : page) {
                if (!record.endpoints) continue;
                peer p{.record = record, .progress = {}, .due = {}, .obstacle = {}, .since = {}};
                auto known = checked(ledger_.progress(record.peer_id));
                if (known && known->own_epoch == store_.epoch()) p.progress = *std::move(known);
                p.due = checked(sync::outbox{self, record.user_id, record.peer_id, record.backend_type}.measure(p.progress.pushed));
                if (auto const contact = contacts.find(record.peer_id); contact != contacts.end()) p.obstacle = contact->second.obstacle, p.since = contact->second.at;
                all.push_back(std::move(p));
            }
            if (page.size() < limits::page_items_max) return all;
            after = page.back().peer_id;
        }
    }

    [[nodiscard]] bool server_runs() const { return sync_worker::is_running(lock_); }
    [[nodiscard]] bool is_hosted() const { return who_.self.backend_type == "hosted"; }

    template <class T>
    static T checked(result<T> r) {
        if (!r) throw std::runtime_error{"the store cannot be used: " + r.error().detail};
        if constexpr (!std::is_void_v<T>) return *std::move(r);
    }

private:
    static std::filesystem::path const& existing(std::filesystem::path const& data_dir) {
        if (!std::filesystem::exists(data_dir / "bsp.db")) throw std::runtime_error{data_dir.string() + " has no database; start bsp-server once, or name its --data-dir"};
        return data_dir;
    }

    std::filesystem::path lock_;
    installation who_;
    sqlite_store store_;
    sqlite_ledger ledger_;

public:
    sync_switch wishes;
};

std::string seconds_of(instant t) { return format_timestamp({t.seconds, 0}); }

std::string describe(desk::peer const& p, bool server_runs) {
    auto const& n = p.progress.counters;
    std::string text = p.record.peer_id + ", " + p.record.backend_id + " for " + p.record.user_id + "\n  where         " + p.record.endpoints->sync_endpoint;
    if (server_runs && p.since) text += "\n  state         " + (p.obstacle.empty() ? "nothing is in the way" : "nothing is sent: " + p.obstacle) + " (since " + seconds_of(*p.since) + ")";
    text += "\n  due           " + std::to_string(p.due.conversations) + " conversations, " + std::to_string(p.due.events.items) + " events";
    if (!p.progress.refused.empty()) text += ", " + std::to_string(p.progress.refused.size()) + " refused conversations";
    text += "\n  last success  " + (n.last_success ? seconds_of(*n.last_success) : "none yet");
    text += "\n  last error    " + (n.last_error().empty() ? "none since then" : n.last_error());
    text += "\n  so far        " + std::to_string(n.pushes_acknowledged) + " pushes acknowledged, " + std::to_string(n.pushes_failed) + " failed; " +
            std::to_string(n.pages_pulled) + " pages pulled, " + std::to_string(n.pulls_failed) + " failed";
    return text;
}

std::string describe(desk& d) {
    bool const runs = d.server_runs();
    std::string text = std::string{"sync is "} + (desk::checked(d.wishes.look()).is_on ? "on" : "off, see bsp-server sync on");
    if (d.is_hosted()) text += "; this is a hosted backend, which is called and does not call";
    else text += runs ? "; the server runs" : "; no server runs on this data directory";
    auto const peers = d.peers();
    if (peers.empty() && !d.is_hosted()) text += "\nno peer has told where it is: see bsp-server handshake";
    for (auto const& p : peers) text += '\n' + describe(p, runs);
    return text;
}

template <class Condition>
bool wait_for(Condition condition, clock::duration patience) {
    auto const until = clock::now() + patience;
    while (!condition()) {
        if (clock::now() > until) return false;
        std::this_thread::sleep_for(50ms);
    }
    return true;
}

}  // namespace

std::filesystem::path lock_file(std::filesystem::path const& data_dir) { return data_dir / "sync.lock"; }

std::string status(std::filesystem::path const& data_dir) {
    desk d{data_dir};
    return describe(d);
}

std::string now(std::filesystem::path const& data_dir) {
    desk d{data_dir};
    if (!desk::checked(d.wishes.look()).is_on) throw not_achieved{"sync is off, see bsp-server sync on"};
    if (!d.server_runs()) throw not_achieved{d.is_hosted() ? "a hosted backend is called and does not call" : "no server runs on this data directory"};
    auto const wish = desk::checked(d.wishes.ask());
    if (!wait_for([&] { return desk::checked(d.wishes.look()).served >= wish; }, 5s)) throw not_achieved{"the server does not react"};
    auto const everybody = [&](auto is_content) {
        auto const peers = d.peers();
        return std::ranges::all_of(peers, [&](auto const& p) { return p.since && is_content(p); });
    };
    auto const knows_all = [](desk::peer const& p) { return p.obstacle.empty() && p.due.items() + p.progress.refused.size() == 0; };
    // An obstacle may be one of before: it counts when a look at the peer's health has had its time.
    bool const done = wait_for([&] { return everybody(knows_all); }, limits::health_timeout + 1s) ||
                      wait_for([&] { return everybody([&](desk::peer const& p) { return knows_all(p) || !p.obstacle.empty(); }); }, 10s);
    std::string const text = describe(d);
    if (!done) throw not_achieved{"not everything is acknowledged yet\n" + text};
    return text;
}

std::string turn(std::filesystem::path const& data_dir, bool on) {
    desk d{data_dir};
    desk::checked(d.wishes.turn(on));
    return describe(d);
}

}  // namespace bsp::server::sync_control
