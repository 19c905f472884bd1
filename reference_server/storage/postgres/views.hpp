#pragma once

#include "pool.hpp"
#include "schema.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/policy/store.hpp>

#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The protocol's questions and changes as SQL for PostgreSQL. A statement about a user's data is bound to that user
/// first; there is no other kind.
namespace bsp::server::postgres {

/// A snapshot or a transaction under way. After a failure nothing of it may be committed, and its connection is given up.
struct session {
    std::unique_ptr<connection> db;                         ///< nothing before the first question of a snapshot
    facts const& known;
    std::function<void(session&)> begin = {};               ///< of a snapshot, when it is first asked something
    std::function<void()> link_audit = {};                  ///< brings the audit trail up to date; of a snapshot
    std::atomic<std::int64_t>* latest_now = nullptr;        ///< by the clock of the requests, in nanoseconds
    bool failed = false;

    connection& use() {
        if (!db) begin(*this);
        return *db;
    }
};

/// Runs `f`; a failure of PostgreSQL becomes `unavailable`, the reason goes to the log, and the transaction is lost.
template <class F>
auto guarded(session& s, F&& f) -> decltype(f()) {
    try {
        return f();
    } catch (std::exception const& why) {
        s.failed = true;
        spdlog::error("storage failed: {}", why.what());
        return fail(errc::unavailable, "storage is not available");
    }
}

/// Everything of one user, for reading and, within a write transaction, for writing.
class tenant final : public tenant_writer {
public:
    tenant(session& s, std::string user_id, bool is_writing) : session_{s}, user_{std::move(user_id)}, is_writing_{is_writing} {}

    result<std::optional<merge::conversation_head>> head(std::string_view conversation_id) override;
    result<std::vector<merge::message>> messages(std::string_view conversation_id, std::span<std::string const> ids) override;
    result<std::vector<merge::message>> messages_in_order(std::string_view conversation_id, std::optional<position> const& after, std::size_t limit) override;
    result<std::vector<merge::conversation_head>> heads(std::string_view after, std::size_t limit) override;
    result<std::vector<changed_conversation>> changes(instant since, std::optional<position> const& after, std::size_t limit) override;
    result<std::vector<changed_message>> changed_messages(std::string_view conversation_id, instant since, std::optional<position> const& after, std::size_t limit) override;
    result<std::optional<instant>> last_change() override;
    result<std::optional<sync_receipt>> receipt(std::string_view peer_id, std::string_view sync_id) override;
    result<std::vector<changed_message>> losers(std::string_view conversation_id, instant kept_since) override;
    result<std::vector<telemetry_record>> events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after, std::size_t limit) override;

    result<privacy_settings> privacy() override;
    result<std::vector<message_place>> expired_messages(privacy::expiry const& e, std::size_t limit) override;
    result<std::optional<departure>> departed(std::string_view conversation_id, std::string_view id) override;

    result<instant> begin_change(instant now) override;
    result<> put_head(merge::conversation_head const& head, instant changed_at) override;
    result<> put_messages(std::string_view conversation_id, std::span<merge::message const> messages, instant changed_at) override;
    result<> put_loser(std::string_view conversation_id, merge::message const& loser, instant at) override;
    result<> put_receipt(sync_receipt const& receipt) override;
    result<bool> put_event(telemetry_record const& event) override;
    result<> put_privacy(privacy_settings const& settings) override;
    result<> remove_losers_of(std::string_view conversation_id, std::span<std::string const> ids) override;
    result<> remove_messages(std::string_view conversation_id, std::span<std::string const> ids) override;
    result<> remove_conversation(std::string_view conversation_id) override;
    result<> remove_losers(instant until) override;
    result<std::size_t> remove_events(instant until, std::size_t limit) override;
    result<> remove_derived() override;
    result<> put_departed(std::string_view conversation_id, std::string_view id, departure const& d) override;

private:
    /// The keyed hash under which a departed id is remembered.
    [[nodiscard]] sha256_digest trace_of(std::string_view conversation_id, std::string_view id) const;
    void make_known();
    /// Whether none of these is held, as the last look in this transaction tells.
    [[nodiscard]] bool are_new(std::string_view conversation_id, std::span<merge::message const> messages) const;

    struct look {
        std::string conversation_id;
        std::vector<std::string> ids;
        std::vector<merge::message> found;
    };

    session& session_;
    std::string user_;
    bool is_writing_;
    bool is_known_ = false;                  ///< to be listed among the users
    // While writing, this user's writers wait for each other: what was seen stays so until it is changed here.
    std::optional<bool> anything_departed_;
    std::optional<look> last_look_;          ///< at messages; a push looks twice
};

/// What snapshots and transactions read of the registry.
template <class Interface>
class registry : public Interface {
public:
    explicit registry(session& s) : session_{s} {}
    result<std::optional<peer_record>> peer(std::string_view peer_id) final;
    result<std::optional<peer_record>> registration(std::string_view user_id, std::string_view backend_id) final;
    result<std::vector<peer_record>> peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) final;
    result<std::vector<peer_record>> peers_with_endpoints(std::string_view after, std::size_t limit) final;
    result<std::vector<peer_record>> registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) final;
    result<std::optional<instant>> sbt_floor(std::string_view user_id, std::string_view backend_id) final;
    result<bool> is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) final;
    result<std::vector<audit_entry>> audit(audit_query const& asked) final;
    result<std::optional<audit_entry>> last_audit() final;
    result<audit_seal> audit_begin() final;
    result<peer_statistics> statistics(std::string_view peer_id) final;
    result<std::vector<peer_telemetry>> telemetry_since(instant since) final;
    result<std::vector<std::string>> users(std::string_view after, std::size_t limit) final;
    tenant_writer& tenant(std::string_view user_id) final;

protected:
    session& session_;

private:
    /// What is committed is to be seen in the chain; a snapshot that began before stays as it is.
    void bring_audit_up_to_date() {
        if (!session_.db && session_.link_audit) session_.link_audit();
    }

    std::map<std::string, postgres::tenant, std::less<>> tenants_;
};

/// One read snapshot.
using snapshot = registry<store_reader>;

/// One write transaction.
class transaction final : public registry<store_writer> {
public:
    using registry::registry;
    result<> put_peer(peer_record const& peer) override;
    result<> put_statistics(std::string_view peer_id, peer_statistics const& counted) override;
    result<> put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) override;
    result<> revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant at) override;
    result<bool> claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) override;
    result<rate_window> count_request(std::string_view key, std::chrono::seconds window, instant now) override;
    result<> append_audit(audit_event const& event) override;
    result<std::size_t> prune_audit(instant until, std::size_t limit) override;
};

/// Makes entries that wait links of the audit chain, in the order in which they came. Instances wait for each other.
void link_audit(connection& db);

/// Forgets claims and windows whose time was over at `now`, in nanoseconds.
void forget_the_past(connection& db, std::int64_t now);

}  // namespace bsp::server::postgres
