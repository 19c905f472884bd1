#pragma once

#include "content_codec.hpp"

#include <bsp/policy/store.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace bsp::server {

struct sqlite_session;

/// The store on one SQLite file.
///
/// Writes are serialized by one thread that commits in groups: whatever waits goes into one SQLite
/// transaction, each write in a savepoint of its own, and all are answered after the commit, which is
/// synced to disk. So many small writes cost about one sync, and a refused one undoes itself only.
/// Reads run beside it on snapshots, each on a connection of its own.
class sqlite_store final : public store_base {
public:
    /// Opens the file at `path`, makes it when it does not exist, and brings an older schema up to date.
    /// Throws std::runtime_error with one line for the operator when the file is empty, damaged, of
    /// another program or of a newer version of this one: it never starts anew over something. Where content is sealed
    /// (sqlite_content.hpp) it needs the cipher; without it every operation on content answers `unavailable`.
    explicit sqlite_store(std::string const& path, std::shared_ptr<content_cipher const> cipher = nullptr);
    ~sqlite_store() override;

    [[nodiscard]] std::string epoch() const override;

    /// A file that was removed or replaced goes on working for who has it open, and nothing that is written to it lasts. A store
    /// whose last write failed is not available until one succeeds.
    result<> probe() override;

    /// For the ledger, whose tables lie in the same file: a snapshot, and a transaction in the same groups as the
    /// store's own, of which nobody is told.
    result<> look(std::function<result<>(sqlite_session&)> const& f);
    result<> change(std::function<result<>(sqlite_session&)> const& f);

protected:
    result<> run_read(std::function<result<>(store_reader&)> const& f) override;
    result<> run_write(std::function<result<>(store_writer&)> const& f) override;

private:
    class writer;
    class readers;

    std::string const path_;
    std::string epoch_;
    std::uint64_t file_ = 0;  ///< which file it was at the start
    content_codec content_;
    std::unique_ptr<writer> writer_;
    std::unique_ptr<readers> readers_;
};

}  // namespace bsp::server
