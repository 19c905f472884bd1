#pragma once

#include <bsp/policy/store.hpp>
#include <bsp/policy/sync_ledger.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace bsp::server {

class sync_switch;

/// The stores, by the name that `--store` takes. One line each.
//   name     what it is for
#define BSP_STORES(X)                                              \
    X(sqlite, "one durable file in the data directory")            \
    X(memory, "nothing survives the process; for experiments")

/// The names, in the order of the table.
std::vector<std::string> store_names();

/// Opens the store called `name`. Throws std::runtime_error with one line for the operator.
std::unique_ptr<store_base> open_store(std::string const& name, std::filesystem::path const& data_dir);

/// Whether several servers may have a store of this name open at the same time, and are one backend to their callers.
bool is_shared(std::string const& name);

/// Sees to it that the content of the store in the data directory is sealed, with keys made for it, if `wanted` or if it was
/// before; to be called before the store is opened. Throws std::runtime_error with one line when it is sealed and its key is
/// not at hand, or when a store of that name cannot be sealed.
void protect_content(std::string const& name, std::filesystem::path const& data_dir, bool wanted);

/// Seals all content anew under a new key; the server must not run. Goes on where an earlier call was ended. What to tell the
/// operator.
std::string rekey_content(std::filesystem::path const& data_dir);

/// The ledger that lives as long as what `store`, opened by `open_store`, keeps: in the same file, or in memory.
std::unique_ptr<sync_ledger> open_ledger(store_base& store);

/// The operator's switch of the client side in the store's file; nothing when the store is none.
std::unique_ptr<sync_switch> open_switch(store_base& store);

/// Tells the store in the data directory that it was restored from a backup: it gets a new epoch, which is
/// returned, and peers whose cursors and watermarks may be ahead of it begin anew (BSP-SYN-133). The server
/// must not run. Throws std::runtime_error with one line for the operator.
std::string renew_epoch(std::filesystem::path const& data_dir);

}  // namespace bsp::server
