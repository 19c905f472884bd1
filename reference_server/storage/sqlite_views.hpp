#pragma once

#include "content_codec.hpp"
#include "sqlite.hpp"

#include <bsp/policy/store.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The protocol's questions and changes as SQL. A statement about a user's data is bound to that user
/// first, or to the number of one of the user's conversations; there is no other kind.
namespace bsp::server {

/// A connection within a transaction. After a failure nothing of the transaction may be committed.
struct sqlite_session {
    sqlite::connection& db;
    content_codec const& content;
    bool failed = false;
    bool removed = false;  ///< something that must not be found in any file once it is committed
};

/// Everything of one user, for reading and, within a write transaction, for writing.
class sqlite_tenant final : public tenant_writer {
public:
    sqlite_tenant(sqlite_session& session, std::string user_id) : session_{session}, user_{std::move(user_id)} {}

    result<std::optional<merge::conversation_head>> head(std::string_view conversation_id) override;
    result<std::vector<merge::message>> messages(std::string_view conversation_id, std::span<std::string const> ids) override;
    result<std::vector<merge::message>> messages_in_order(std::string_view conversation_id, std::optional<position> const& after,
                                                          std::size_t limit) override;
    result<std::vector<merge::conversation_head>> heads(std::string_view after, std::size_t limit) override;
    result<std::vector<changed_conversation>> changes(instant since, std::optional<position> const& after, std::size_t limit) override;
    result<std::vector<changed_message>> changed_messages(std::string_view conversation_id, instant since, std::optional<position> const& after,
                                                          std::size_t limit) override;
    result<std::optional<instant>> last_change() override;
    result<std::optional<sync_receipt>> receipt(std::string_view peer_id, std::string_view sync_id) override;
    result<std::vector<changed_message>> losers(std::string_view conversation_id, instant kept_since) override;

    result<std::vector<telemetry_record>> events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after,
                                                 std::size_t limit) override;

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
    /// Under which the messages of the user's conversation are kept; nothing while it has no head.
    std::optional<std::int64_t> number_of(std::string_view conversation_id);

    /// The keyed hash under which a departed id is remembered.
    sha256_digest trace_of(std::string_view conversation_id, std::string_view id);

    /// Messages that were looked for last and not found: a push looks for its messages twice.
    struct absence {
        std::string conversation_id;
        std::vector<std::string> ids;
    };

    sqlite_session& session_;
    std::string user_;
    std::optional<bool> anything_departed_;  ///< nothing: nobody has asked
    std::optional<std::string> departed_key_;
    std::optional<absence> absent_;
};

/// What snapshots and transactions read of the registry.
template <class Interface>
class sqlite_registry : public Interface {
public:
    explicit sqlite_registry(sqlite_session& session) : session_{session} {}
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
    sqlite_tenant& tenant(std::string_view user_id) final;

    /// For what is no part of the protocol's store and yet in the same transaction.
    [[nodiscard]] sqlite_session& session() { return session_; }

protected:
    sqlite_session& session_;

private:
    std::map<std::string, sqlite_tenant, std::less<>> tenants_;
};

/// One read snapshot.
using sqlite_snapshot = sqlite_registry<store_reader>;

/// One write transaction.
class sqlite_transaction final : public sqlite_registry<store_writer> {
public:
    using sqlite_registry::sqlite_registry;
    result<> put_peer(peer_record const& peer) override;
    result<> put_statistics(std::string_view peer_id, peer_statistics const& counted) override;
    result<> put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) override;
    result<> revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant at) override;
    result<bool> claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) override;
    result<rate_window> count_request(std::string_view key, std::chrono::seconds window, instant now) override;
    result<> append_audit(audit_event const& event) override;
    result<std::size_t> prune_audit(instant until, std::size_t limit) override;
};

}  // namespace bsp::server
