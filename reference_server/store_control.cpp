#include "store_control.hpp"

#include "audit_file.hpp"
#include "data_dir.hpp"
#include "storage/registry.hpp"
#include "storage/sqlite_backup.hpp"

#include <stdexcept>

namespace bsp::server::store_control {
namespace {

std::string text_of(sqlite_contents const& held) {
    return std::to_string(held.conversations) + " conversations, " + std::to_string(held.messages) + " messages, " + std::to_string(held.peers) + " registrations, " +
           std::to_string(held.audit_entries) + " audit entries";
}

/// The store may not end before its trail: a server would take it for one that has lost its end.
std::string renew_trail(std::string const& store_name, std::filesystem::path const& data_dir) {
    auto const store = open_store(store_name, data_dir);
    return trail_is_ahead(data_dir, *store) ? put_trail_aside(data_dir) : "";
}

}  // namespace

std::string new_epoch(std::string const& store_name, std::filesystem::path const& data_dir) {
    std::string epoch = renew_epoch(store_name, data_dir);
    if (store_name == "sqlite") renew_trail(store_name, data_dir);
    return epoch;
}

std::string back_up(std::string const& store_name, std::filesystem::path const& data_dir, std::filesystem::path const& file) {
    std::string const path = file_of_store(store_name, data_dir, "store backup");
    if (!std::filesystem::exists(path)) throw std::runtime_error{data_dir.string() + " has no store; name the server's --data-dir"};
    return "copied into " + file.string() + ": " + text_of(back_up_sqlite(path, file.string())) +
           "\nidentity, key, users and admin token are not in it: see reference_server/HOSTING.md";
}

std::string restore(std::string const& store_name, std::filesystem::path const& data_dir, std::filesystem::path const& file) {
    std::string const path = file_of_store(store_name, data_dir, "store restore");
    make_data_dir(data_dir);
    auto const done = restore_sqlite(file.string(), path, [&](std::string const& draft) { insist_on_key(data_dir, draft); });
    std::string said = "restored: " + text_of(done.held) + "; the epoch is " + done.held.epoch;
    if (!done.replaced.empty()) said += "\nthe store of before is " + done.replaced + "; remove it when it is of no more use";
    if (std::string const aside = renew_trail(store_name, data_dir); !aside.empty()) said += "\nits audit trail is " + aside;
    return said;
}

std::string check(std::string const& store_name, std::filesystem::path const& data_dir, std::filesystem::path const& file) {
    auto const held = check_sqlite(file.empty() ? file_of_store(store_name, data_dir, "store check") : file.string());
    return "sound: " + text_of(held) + "; the epoch is " + held.epoch;
}

}  // namespace bsp::server::store_control
