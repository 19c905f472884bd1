#include "registry.hpp"

#include "sqlite_ledger.hpp"
#include "sqlite_schema.hpp"
#include "sqlite_store.hpp"
#include "sync_switch.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/testing/memory_ledger.hpp>
#include <bsp/testing/memory_store.hpp>

#include <array>
#include <stdexcept>

namespace bsp::server {
namespace {

std::string sqlite_file(std::filesystem::path const& data_dir) { return (data_dir / "bsp.db").string(); }

std::unique_ptr<store_base> open_sqlite(std::filesystem::path const& data_dir) {
    return std::make_unique<sqlite_store>(sqlite_file(data_dir));
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
