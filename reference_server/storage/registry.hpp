#pragma once

#include <bsp/observe/observatory.hpp>
#include <bsp/policy/store.hpp>
#include <bsp/policy/sync_ledger.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace bsp::server {

class sync_switch;

/// The stores that live with the data directory, by the name that `--store` takes. One line each. Beside them it takes the
/// URL of a PostgreSQL database, which several instances may share.
//   name     what it is for
#define BSP_STORES(X)                                              \
    X(sqlite, "one durable file in the data directory")            \
    X(memory, "nothing survives the process; for experiments")

/// The names, in the order of the table.
std::vector<std::string> store_names();

/// Whether `name` is the URL of a PostgreSQL database.
bool is_postgres(std::string const& name);

inline constexpr std::size_t store_connections_default = 8;

/// Opens the store called `name`, of which PostgreSQL grants up to `connections_max` connections, and one for
/// notifications. Throws std::runtime_error with one line for the operator.
std::unique_ptr<store_base> open_store(std::string const& name, std::filesystem::path const& data_dir, std::size_t connections_max = store_connections_default);

/// Whether other instances may write to the same data while this one runs: to their callers they are one backend.
bool is_shared(store_base const& store);

/// Makes sure that shared data is of this backend: its instances are one backend. Throws as above.
void claim_store(store_base& store, std::string const& backend_id);

/// Where the store is shared: instances tell each other what they see of peers, and agree since when an alert stands. Until
/// `stop_sharing`.
void share_observations(store_base& store, observe::observatory& seen);
void stop_sharing(store_base& store);

/// Sees to it that the content of the store in the data directory is sealed, with keys made for it, if `wanted` or if it was
/// before; to be called before the store is opened. Throws std::runtime_error with one line when it is sealed and its key is
/// not at hand, or when a store of that name cannot be sealed.
void protect_content(std::string const& name, std::filesystem::path const& data_dir, bool wanted);

/// Seals all content anew under a new key; the server must not run. Goes on where an earlier call was ended. What to tell the
/// operator.
std::string rekey_content(std::string const& name, std::filesystem::path const& data_dir);

/// The ledger that lives as long as what `store`, opened by `open_store`, keeps: in the same file, or in memory.
std::unique_ptr<sync_ledger> open_ledger(store_base& store);

/// The operator's switch of the client side in the store's file; nothing when the store is none.
std::unique_ptr<sync_switch> open_switch(store_base& store);

/// The file of a store in the data directory, which need not exist. Throws std::runtime_error with one line that begins with
/// `what` when a store of that name has none that this program could copy.
std::string file_of_store(std::string const& name, std::filesystem::path const& data_dir, std::string const& what);

/// Throws std::runtime_error with one line when the content of that file is sealed and the key at hand does not open it.
void insist_on_key(std::filesystem::path const& data_dir, std::string const& file);

/// Tells the store that it was restored from a backup: it gets a new epoch, which is returned, and peers whose cursors and
/// watermarks may be ahead of it begin anew (BSP-SYN-133). No server may run on it. Throws std::runtime_error with one line
/// for the operator.
std::string renew_epoch(std::string const& name, std::filesystem::path const& data_dir);

}  // namespace bsp::server
