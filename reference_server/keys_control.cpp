#include "keys_control.hpp"

#include "data_dir.hpp"
#include "storage/sqlite_ledger.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/limits.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace bsp::server::keys_control {
namespace {

struct told_peer {
    std::string peer_id;
    std::string backend_id;
    bool knows = false;
};

template <class T>
T checked(result<T> r) {
    if (!r) throw std::runtime_error{"the store cannot be used: " + r.error().detail};
    return *std::move(r);
}

std::filesystem::path const& existing(std::filesystem::path const& data_dir) {
    if (!std::filesystem::exists(data_dir / "identity.json")) throw std::runtime_error{data_dir.string() + " has no identity yet; start bsp-server once, or name its --data-dir"};
    return data_dir;
}

/// The peers that say where they are, and whether they have taken the key with this fingerprint from a notice.
std::vector<told_peer> peers(std::filesystem::path const& data_dir, std::string const& fingerprint) {
    std::vector<told_peer> all;
    if (!std::filesystem::exists(data_dir / "bsp.db")) return all;
    sqlite_store store{(data_dir / "bsp.db").string()};
    sqlite_ledger ledger{store};
    for (std::string after;;) {
        auto const page = checked(store.read([&](store_reader& r) { return r.peers(std::nullopt, after, limits::page_items_max); }));
        for (auto const& p : page) {
            if (!p.endpoints) continue;
            auto const progress = checked(ledger.progress(p.peer_id));
            all.push_back({p.peer_id, p.backend_id, progress && progress->known_key == fingerprint});
        }
        if (page.size() < limits::page_items_max) return all;
        after = page.back().peer_id;
    }
}

std::string seconds_of(instant t) { return format_timestamp({t.seconds, 0}); }
std::string fingerprint_of(rsa_private_key const& key) { return to_hex(key.public_key().sha256()); }

std::string describe(std::filesystem::path const& data_dir, installation const& me) {
    std::string const fingerprint = fingerprint_of(me.key);
    std::string text = "key       " + fingerprint;
    if (!me.rotation) return text + "\nno rotation is under way";
    text += "\nreplaces  " + fingerprint_of(me.rotation->replaced) + " since " + seconds_of(me.rotation->begun_at) + ", believed until " +
            seconds_of(me.rotation->grace_expires_at) + ", destroyed when all are told or at " + seconds_of(me.rotation->kept_until);
    for (auto const& p : peers(data_dir, fingerprint)) text += "\n" + p.peer_id + ", " + p.backend_id + ": " + (p.knows ? "told" : "not told yet");
    return text;
}

}  // namespace

std::string status(std::filesystem::path const& data_dir) { return describe(data_dir, open_installation(existing(data_dir), "")); }

std::string rotate(std::filesystem::path const& data_dir, rotation_request const& asked) {
    installation const before = open_installation(existing(data_dir), "");
    instant const now{system_clock{}.now().seconds, 0};
    // Without a grace nobody could be told once the key is gone, so it stays as long as one may last (decision 0013).
    std::chrono::seconds const grace = std::min<std::chrono::seconds>(asked.grace, limits::rotation_grace_max);
    instant const kept_until = now + (grace.count() > 0 ? grace : std::chrono::seconds{limits::rotation_grace_max});
    bool const tells = before.self.backend_type == "local";  // a hosted backend is called, and signs nothing that it sends
    auto const next = rsa_private_key::generate();
    installation const after = rotate_installation(data_dir, next, {before.key, now, now + grace, kept_until}, tells, asked.abandons);
    std::string text = describe(data_dir, after);
    if (!tells) text += "\na hosted backend calls nobody: where it is registered with the key before, unpair it and pair again";
    return text;
}

}  // namespace bsp::server::keys_control
