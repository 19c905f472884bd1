#include "registry.hpp"

#include "../keys/key_store.hpp"
#ifdef BSP_HAS_POSTGRESQL
#include "postgres/store.hpp"
#endif
#include "sqlite_content.hpp"
#include "sqlite_ledger.hpp"
#include "sqlite_schema.hpp"
#include "sqlite_store.hpp"
#include "sync_switch.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/testing/memory_ledger.hpp>
#include <bsp/testing/memory_store.hpp>

#include <spdlog/spdlog.h>

#include <array>
#include <stdexcept>

namespace bsp::server {
namespace {

std::string sqlite_file(std::filesystem::path const& data_dir) { return (data_dir / "bsp.db").string(); }

/// Where the audit trail has been written, a store has been (audit_file.hpp).
void insist_on_file(std::filesystem::path const& data_dir) {
    std::string const path = sqlite_file(data_dir);
    if (!std::filesystem::exists(path) && std::filesystem::exists(data_dir / "audit.jsonl"))
        throw std::runtime_error{path + " is missing, although audit.jsonl tells of it: bring it back, or a copy with bsp-server store restore; or move audit.jsonl away to begin with an empty store"};
}

operator_key key_of(std::filesystem::path const& data_dir, bool may_make) {
    return [data_dir, may_make] { return key_encryption_key(data_dir, may_make); };
}

/// Commands that read no content work without its key.
std::unique_ptr<store_base> open_sqlite(std::filesystem::path const& data_dir) {
    std::string const path = sqlite_file(data_dir);
    insist_on_file(data_dir);
    prepare_sqlite_file(path);
    std::shared_ptr<content_cipher const> cipher;
    try {
        if (content_is_sealed(path)) cipher = open_content_cipher(path, key_of(data_dir, false));
    } catch (std::runtime_error const& why) {
        spdlog::debug("content stays sealed: {}", why.what());
    }
    return std::make_unique<sqlite_store>(path, std::move(cipher));
}

std::unique_ptr<store_base> open_memory(std::filesystem::path const&) {
    std::array<std::uint8_t, 16> epoch{};
    random_bytes(epoch);
    return std::make_unique<testing::memory_store>(to_hex(epoch));
}

#ifdef BSP_HAS_POSTGRESQL
std::unique_ptr<store_base> open_postgres(std::string const& url, std::size_t connections_max) { return std::make_unique<postgres_store>(url, connections_max); }
postgres_store* postgres_of(store_base& store) { return dynamic_cast<postgres_store*>(&store); }
#else
std::unique_ptr<store_base> open_postgres(std::string const&, std::size_t) {
    throw std::runtime_error{"--store: this program was built without PostgreSQL; build it again with libpq-dev installed"};
}
#endif

}  // namespace

std::vector<std::string> store_names() {
    return {
#define BSP_X(name, purpose) #name,
        BSP_STORES(BSP_X)
#undef BSP_X
    };
}

bool is_postgres(std::string const& name) { return name.starts_with("postgresql://") || name.starts_with("postgres://"); }

std::unique_ptr<store_base> open_store(std::string const& name, std::filesystem::path const& data_dir, std::size_t connections_max) {
    if (is_postgres(name)) return open_postgres(name, connections_max);
#define BSP_X(known, purpose) \
    if (name == #known) return open_##known(data_dir);
    BSP_STORES(BSP_X)
#undef BSP_X
    throw std::runtime_error{"there is no store called " + name};
}

/// A URL may contain a password.
static std::string name_for_people(std::string const& name) { return is_postgres(name) ? "PostgreSQL" : name; }

void protect_content(std::string const& name, std::filesystem::path const& data_dir, bool wanted) {
    if (name != "sqlite") {
        if (wanted) throw std::runtime_error{"--encrypt-content: is for --store sqlite, not for " + name_for_people(name)};
        return;
    }
    std::string const path = sqlite_file(data_dir);
    insist_on_file(data_dir);
    prepare_sqlite_file(path);
    bool const is_sealed = content_is_sealed(path);
    if (!is_sealed && !wanted) return;
    operator_key const key = key_of(data_dir, !is_sealed);
    if (is_sealed) (void)open_content_cipher(path, key);
    if (!is_sealed || content_is_partly_plain(path)) spdlog::info("content at rest is sealed from now on; {} values were there before", seal_content(path, key));
    else if (content_sealing_is_under_way(path)) spdlog::warn("the content is sealed under two keys; bsp-server content rekey, while the server is stopped, brings it to its end");
}

std::string file_of_store(std::string const& name, std::filesystem::path const& data_dir, std::string const& what) {
    if (is_postgres(name)) throw std::runtime_error{what + ": PostgreSQL has its own tools for that, pg_dump and pg_restore; see reference_server/HOSTING.md"};
    if (name != "sqlite") throw std::runtime_error{what + ": the store " + name_for_people(name) + " has no file"};
    return sqlite_file(data_dir);
}

void insist_on_key(std::filesystem::path const& data_dir, std::string const& file) {
    if (content_is_sealed(file)) (void)open_content_cipher(file, key_of(data_dir, false));
}

std::string rekey_content(std::string const& name, std::filesystem::path const& data_dir) {
    if (is_postgres(name)) throw std::runtime_error{"content rekey: content in PostgreSQL is not sealed by this program"};
    std::string const path = sqlite_file(data_dir);
    if (!std::filesystem::exists(path)) throw std::runtime_error{data_dir.string() + " has no store; name the server's --data-dir"};
    prepare_sqlite_file(path);
    if (!content_is_sealed(path)) throw std::runtime_error{"the content of " + data_dir.string() + " is not sealed; start the server with --encrypt-content"};
    return std::to_string(seal_content(path, key_of(data_dir, false))) + " values are sealed under a new key, and the one before is gone";
}

std::unique_ptr<sync_ledger> open_ledger(store_base& store) {
    if (auto* const file = dynamic_cast<sqlite_store*>(&store)) return std::make_unique<sqlite_ledger>(*file);
    return std::make_unique<testing::memory_ledger>();
}

std::unique_ptr<sync_switch> open_switch(store_base& store) {
    auto* const file = dynamic_cast<sqlite_store*>(&store);
    return file ? std::make_unique<sync_switch>(*file) : nullptr;
}

#ifdef BSP_HAS_POSTGRESQL
bool is_shared(store_base const& store) { return dynamic_cast<postgres_store const*>(&store) != nullptr; }
void claim_store(store_base& store, std::string const& backend_id) {
    if (auto* const shared = postgres_of(store)) shared->claim_for(backend_id);
}
void share_observations(store_base& store, observe::observatory& seen) {
    auto* const shared = postgres_of(store);
    if (!shared) return;
    seen.set_since([shared](observe::trouble const& t, instant now) { return t.peer_id.empty() ? now : shared->alert_since(wire::name_of(t.type), t.peer_id, now); });
    seen.add_sink([shared](observe::alert_event const& e) {
        if (e.what == observe::alert_event::kind::cleared && !e.alert.peer_id.empty()) shared->end_alert(wire::name_of(e.alert.type), e.alert.peer_id);
    });
    shared->share(&seen);
}
void stop_sharing(store_base& store) {
    if (auto* const shared = postgres_of(store)) shared->share(nullptr);
}
std::string renew_epoch(std::string const& name, std::filesystem::path const& data_dir) {
    return is_postgres(name) ? postgres_store{name, 1}.renew_epoch() : renew_sqlite_epoch(sqlite_file(data_dir));
}
#else
bool is_shared(store_base const&) { return false; }
void claim_store(store_base&, std::string const&) {}
void share_observations(store_base&, observe::observatory&) {}
void stop_sharing(store_base&) {}
std::string renew_epoch(std::string const& name, std::filesystem::path const& data_dir) {
    return is_postgres(name) ? open_postgres(name, 1)->epoch() : renew_sqlite_epoch(sqlite_file(data_dir));
}
#endif

}  // namespace bsp::server
