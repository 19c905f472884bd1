#pragma once

#include <bsp/policy/refusal_trail.hpp>
#include <bsp/policy/store.hpp>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace bsp::server {

/// The audit trail as a file of JSON lines beside the store: `audit.jsonl` of the data directory. The store is where entries are
/// committed; a thread of its own writes them out behind it, so that no request waits for it, and begins where the file ends.
/// Lines are added at its end; when the store lets go of the oldest, a new file takes its place, whose first line says what
/// the next one follows. It also brings refusals, of which many are joined, into the trail when their minute is over.
class audit_file {
public:
    /// Throws std::runtime_error with one line when the file cannot be written to.
    audit_file(std::filesystem::path const& data_dir, store_base& store, refusal_trail& trail);
    /// As `stop`.
    ~audit_file();
    audit_file(audit_file const&) = delete;
    audit_file& operator=(audit_file const&) = delete;

    /// Something was committed.
    void wake();

    /// Writes what is still only counted, and all of the trail.
    void stop();

private:
    void work();
    void catch_up();
    void append_new();
    void trim(audit_seal const& begin);

    store_base& store_;
    refusal_trail& trail_;
    std::filesystem::path const path_;
    int file_;
    std::uint64_t begins_after_ = 0;  ///< number of what the first entry follows
    std::uint64_t written_ = 0;       ///< number of the last line
    std::mutex mutex_;
    std::condition_variable wake_;
    bool awake_ = true, stopping_ = false;
    std::thread thread_;
};

/// Whether the file tells of entries that the store, which has one of its own, has not reached: the store is an older copy of itself, or
/// has lost the end of what was committed.
bool trail_is_ahead(std::filesystem::path const& data_dir, store_base& store);

/// Keeps the file under another name, which is returned, so that a new one begins; "" when there is none.
std::string put_trail_aside(std::filesystem::path const& data_dir);

/// What `bsp-server audit …` does. Each returns the text to print; what is wrong with the trail is `not_achieved`.
namespace audit_control {

/// Holds the lines of the file against each other and against the store: a line that was removed, altered, moved or added is
/// told, and so is a file or a store that ends too early. `head`, "NUMBER:HASH" as an earlier run printed it, must still be
/// part of the trail: who cuts off the end of both, or makes both anew, does not get past a head kept elsewhere.
std::string verify(std::string const& store_name, std::filesystem::path const& data_dir, std::string const& head);

/// The same of lines alone, such as a copy of the file, which can have lost only its end unnoticed.
std::string verify_copy(std::filesystem::path const& file, std::string const& head);

}  // namespace audit_control

}  // namespace bsp::server
