#include "registry.hpp"

#include "../keys/key_store.hpp"
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

operator_key key_of(std::filesystem::path const& data_dir, bool may_make) {
    return [data_dir, may_make] { return key_encryption_key(data_dir, may_make); };
}

/// Commands that read no content work without its key.
std::unique_ptr<store_base> open_sqlite(std::filesystem::path const& data_dir) {
    std::string const path = sqlite_file(data_dir);
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

}  // namespace

std::vector<std::string> store_names() {
    return {
#define BSP_X(name, purpose) #name,
        BSP_STORES(BSP_X)
#undef BSP_X
    };
}

std::unique_ptr<store_base> open_store(std::string const& name, std::filesystem::path const& data_dir) {
#define BSP_X(known, purpose) \
    if (name == #known) return open_##known(data_dir);
    BSP_STORES(BSP_X)
#undef BSP_X
    throw std::runtime_error{"there is no store called " + name};
}

bool is_shared(std::string const& name) { return name != "sqlite" && name != "memory"; }

void protect_content(std::string const& name, std::filesystem::path const& data_dir, bool wanted) {
    if (name != "sqlite") {
        if (wanted) throw std::runtime_error{"--encrypt-content: is for --store sqlite, not for " + name};
        return;
    }
    std::string const path = sqlite_file(data_dir);
    prepare_sqlite_file(path);
    bool const is_sealed = content_is_sealed(path);
    if (!is_sealed && !wanted) return;
    operator_key const key = key_of(data_dir, !is_sealed);
    if (is_sealed) (void)open_content_cipher(path, key);
    if (!is_sealed || content_is_partly_plain(path)) spdlog::info("content at rest is sealed from now on; {} values were there before", seal_content(path, key));
    else if (content_sealing_is_under_way(path)) spdlog::warn("the content is sealed under two keys; bsp-server content rekey, while the server is stopped, brings it to its end");
}

std::string rekey_content(std::filesystem::path const& data_dir) {
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

std::string renew_epoch(std::filesystem::path const& data_dir) { return renew_sqlite_epoch(sqlite_file(data_dir)); }

}  // namespace bsp::server
