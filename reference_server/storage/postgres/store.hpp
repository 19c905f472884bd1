#pragma once

#include <bsp/observe/observatory.hpp>
#include <bsp/policy/store.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bsp::server {

/// The store on a PostgreSQL database, which any number of instances may share (spec/decisions/0030).
///
/// Writes about one user wait for each other, wherever they come from, and those of different users run side by side; a
/// write that may touch everything waits for all and is waited for. A connection that is lost answers `unavailable`, and
/// a new one is made when it is needed. Commits of other instances call the hook of `on_commit` within some milliseconds;
/// through a pooler that passes on no notifications, not at all: whoever waits looks every second anyway.
class postgres_store final : public store_base {
public:
    /// Brings the schema up to date. `url`: postgresql://…, as libpq takes it. Throws std::runtime_error with one line for
    /// the operator.
    postgres_store(std::string const& url, std::size_t connections_max);
    ~postgres_store() override;

    /// As it is in the database, at most two seconds ago.
    [[nodiscard]] std::string epoch() const override;

    /// A database that takes no writes, as a standby does, is not available.
    result<> probe() override;

    /// Makes sure that this database is that of the backend. Throws as above.
    void claim_for(std::string const& backend_id);
    /// Gives the database a new epoch and returns it; instances that run follow within two seconds.
    std::string renew_epoch();

    /// From now on instances tell each other what their observatories see; until it is called with nothing.
    void share(observe::observatory* seen);
    /// Since when something of a peer is wrong, for all instances; `now` when the database does not say.
    [[nodiscard]] instant alert_since(std::string_view type, std::string_view peer_id, instant now);
    void end_alert(std::string_view type, std::string_view peer_id) noexcept;

protected:
    result<> run_read(std::function<result<>(store_reader&)> const& f) override;
    result<> run_write(std::function<result<>(store_writer&)> const& f) override;
    result<> run_write_of(std::string_view user_id, std::function<result<>(store_writer&)> const& f) override;
    result<> run_write_volatile(std::function<result<>(store_writer&)> const& f) override;

private:
    class parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace bsp::server
