#pragma once

#include <bsp/base/result.hpp>
#include <bsp/policy/audit.hpp>
#include <bsp/policy/limiter.hpp>
#include <bsp/policy/records.hpp>
#include <bsp/policy/statistics.hpp>
#include <bsp/privacy/retention.hpp>
#include <bsp/privacy/settings.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Storage, seen from the protocol. Data of a user is reached through a `tenant` view that is bound to
/// that user, so a query without a user cannot be written.
///
/// These classes are the interface that every store models; `store` below is the concept. A read sees
/// one consistent snapshot. A write is one serializable transaction: it is committed if and only if the
/// function returns success, and it is durable before `write` returns. When storage fails, every
/// operation answers `unavailable` and nothing is changed.
namespace bsp {

/// Everything of one user that a request may read.
class tenant_reader {
public:
    virtual ~tenant_reader() = default;

    virtual result<std::optional<merge::conversation_head>> head(std::string_view conversation_id) = 0;

    /// The stored versions of those of `ids` that exist, tombstones included, in any order.
    virtual result<std::vector<merge::message>> messages(std::string_view conversation_id, std::span<std::string const> ids) = 0;

    /// Messages in the order (timestamp, id), tombstones included, after `after`.
    virtual result<std::vector<merge::message>> messages_in_order(std::string_view conversation_id,
                                                                  std::optional<position> const& after, std::size_t limit) = 0;

    /// Heads in the order of their ids, tombstones included, after the id `after` ("" for the first page).
    virtual result<std::vector<merge::conversation_head>> heads(std::string_view after, std::size_t limit) = 0;

    /// The feed: conversations with `changed_at >= since`, in the order (changed_at, conversation_id),
    /// after `after`.
    virtual result<std::vector<changed_conversation>> changes(instant since, std::optional<position> const& after, std::size_t limit) = 0;

    /// Messages of one conversation with `changed_at >= since`, in the order (changed_at, id), after `after`.
    virtual result<std::vector<changed_message>> changed_messages(std::string_view conversation_id, instant since,
                                                                  std::optional<position> const& after, std::size_t limit) = 0;

    /// The commit instant of the user's last change; nothing when nothing was ever written.
    virtual result<std::optional<instant>> last_change() = 0;

    virtual result<std::optional<sync_receipt>> receipt(std::string_view peer_id, std::string_view sync_id) = 0;

    /// Versions that lost a tie or a race, with the instant of `put_loser`, oldest first, none from
    /// before `kept_since`.
    virtual result<std::vector<changed_message>> losers(std::string_view conversation_id, instant kept_since) = 0;

    /// Telemetry events with `received_at >= since`, of one `source_backend` or of all when none is given, in the
    /// order (received_at, event_id), after `after`.
    virtual result<std::vector<telemetry_record>> events(std::optional<std::string_view> source_backend, instant since,
                                                         std::optional<position> const& after, std::size_t limit) = 0;

    /// What the user allows: the defaults until they have said something.
    virtual result<privacy_settings> privacy() = 0;

    /// Some of the messages that have expired, `limit` at most, in any order.
    virtual result<std::vector<message_place>> expired_messages(privacy::expiry const& e, std::size_t limit) = 0;

    /// Whether and why a message is gone for good; the conversation's own members with the id "", an event with the
    /// conversation "".
    virtual result<std::optional<departure>> departed(std::string_view conversation_id, std::string_view id) = 0;
};

/// Everything of one user that a transaction may write. All changes of one transaction carry the commit
/// instant that `begin_change` gave.
class tenant_writer : public tenant_reader {
public:
    /// Takes the user's next commit instant: `now`, or one nanosecond after the user's last one if the
    /// clock has not moved past it. Serializes writers of one user.
    virtual result<instant> begin_change(instant now) = 0;

    virtual result<> put_head(merge::conversation_head const& head, instant changed_at) = 0;
    virtual result<> put_messages(std::string_view conversation_id, std::span<merge::message const> messages, instant changed_at) = 0;  ///< of a conversation whose head has been put
    virtual result<> put_loser(std::string_view conversation_id, merge::message const& loser, instant at) = 0;
    virtual result<> put_receipt(sync_receipt const& receipt) = 0;

    /// Stores the event, later than the user's latest one by a nanosecond at least whatever its `received_at`.
    /// False, and nothing is changed, when one with its `event_id` is held. Needs no `begin_change`: events
    /// are not part of the change feed.
    virtual result<bool> put_event(telemetry_record const& event) = 0;

    /// Replaces the settings. Needs no `begin_change`.
    virtual result<> put_privacy(privacy_settings const& settings) = 0;

    // What is removed is overwritten: nothing of it can be found where the store keeps its data, once that has come to
    // rest. Removing what is not there succeeds.

    /// Removes messages with all their versions, losers included.
    virtual result<> remove_messages(std::string_view conversation_id, std::span<std::string const> ids) = 0;
    /// Removes the losers of these messages.
    virtual result<> remove_losers_of(std::string_view conversation_id, std::span<std::string const> ids) = 0;
    /// Removes a head and whatever messages are left.
    virtual result<> remove_conversation(std::string_view conversation_id) = 0;
    /// Removes losers that were recorded or written at `until` or before.
    virtual result<> remove_losers(instant until) = 0;
    /// Removes up to `limit` events that were received at `until` or before; how many.
    virtual result<std::size_t> remove_events(instant until, std::size_t limit) = 0;
    /// Removes what was derived from the user's data: receipts, and whatever was queued for or told of the user's peers.
    virtual result<> remove_derived() = 0;
    /// Remembers that something is gone; `put_event` stores no event that is.
    virtual result<> put_departed(std::string_view conversation_id, std::string_view id, departure const& d) = 0;
};

/// Peers of all users: what must be known before a user is known.
class registry_reader {
public:
    virtual ~registry_reader() = default;

    /// The registration with this id, ended ones included.
    virtual result<std::optional<peer_record>> peer(std::string_view peer_id) = 0;
    /// The active registration of a backend for a user.
    virtual result<std::optional<peer_record>> registration(std::string_view user_id, std::string_view backend_id) = 0;
    /// Active registrations in the order of their ids, after `after`; of one user, or of all when none is given.
    virtual result<std::vector<peer_record>> peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) = 0;
    /// Those of them, of all users, that say where their backend is. Costs as much as it finds, however many registrations there are.
    virtual result<std::vector<peer_record>> peers_with_endpoints(std::string_view after, std::size_t limit) = 0;
    /// Up to `limit` active registrations, of all users and in any order, that are of the backend or pin the
    /// key. Takes time by what it finds, not by what there is.
    virtual result<std::vector<peer_record>> registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) = 0;
    /// SBTs of this user and backend created at or before this instant are void.
    virtual result<std::optional<instant>> sbt_floor(std::string_view user_id, std::string_view backend_id) = 0;
    /// Whether the backend or the key is revoked, in any tenant.
    virtual result<bool> is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) = 0;
    /// What is counted of a registration; all zero when nothing was.
    virtual result<peer_statistics> statistics(std::string_view peer_id) = 0;
    /// Telemetry that was received at `since` or later, of all users, summed up by peer, in any order.
    virtual result<std::vector<peer_telemetry>> telemetry_since(instant since) = 0;
    /// Users of whom anything is or was stored, in the order of their ids, after `after`.
    virtual result<std::vector<std::string>> users(std::string_view after, std::size_t limit) = 0;

    /// Entries of the audit trail, in the order of their numbers.
    virtual result<std::vector<audit_entry>> audit(audit_query const& asked) = 0;
    /// The last entry of the trail, which seals all of it.
    virtual result<std::optional<audit_entry>> last_audit() = 0;
    /// What the first entry of the trail follows.
    virtual result<audit_seal> audit_begin() = 0;
};

/// One transaction.
class store_writer : public registry_reader {
public:
    /// Inserts or replaces by `peer_id`.
    virtual result<> put_peer(peer_record const& peer) = 0;
    /// Replaces what is counted of a registration.
    virtual result<> put_statistics(std::string_view peer_id, peer_statistics const& counted) = 0;
    virtual result<> put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) = 0;
    virtual result<> revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant at) = 0;
    /// True for the first claim of (issuer, jti); false for a repetition before `expires_at`.
    /// Claims that expired before `now` may be forgotten.
    virtual result<bool> claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) = 0;

    /// Counts one request in the window of `key`, which begins now if there is none or it has ended (policy/limiter.hpp).
    virtual result<rate_window> count_request(std::string_view key, std::chrono::seconds window, instant now) = 0;

    /// Adds to the audit trail, if and only if the transaction is committed.
    virtual result<> append_audit(audit_event const& event) = 0;
    /// Takes away up to `limit` of the oldest entries, up to the first that is younger than `until`, and never the last of
    /// the trail; how many. `audit_begin` remembers what they sealed.
    virtual result<std::size_t> prune_audit(instant until, std::size_t limit) = 0;

    /// The data of one user; valid for this transaction.
    virtual tenant_writer& tenant(std::string_view user_id) = 0;
};

/// One snapshot.
class store_reader : public registry_reader {
public:
    virtual tenant_reader& tenant(std::string_view user_id) = 0;
};

/// Base of stores: `read` and `write` pass a function into a snapshot or a transaction.
class store_base {
public:
    virtual ~store_base() = default;

    /// Random text made when the store was created or restored.
    [[nodiscard]] virtual std::string epoch() const = 0;

    /// Whether it answers, and what it holds would last: `unavailable` when not.
    virtual result<> probe() {
        return read([](store_reader& r) -> result<> {
            BSP_CHECK(r.peer("probe"));
            return ok();
        });
    }

    /// Runs `f(store_reader&) -> result<T>` on one snapshot.
    template <class F>
    auto read(F&& f) -> std::invoke_result_t<F&, store_reader&> {
        std::optional<std::invoke_result_t<F&, store_reader&>> answer;
        BSP_CHECK(run_read([&](store_reader& r) -> result<> { return settle(answer, f(r)); }));
        return std::move(*answer);
    }

    /// Runs `f(store_writer&) -> result<T>` in one transaction; durable when this returns success. `f`
    /// may run on another thread, and is run once.
    template <class F>
    auto write(F&& f) -> std::invoke_result_t<F&, store_writer&> {
        std::optional<std::invoke_result_t<F&, store_writer&>> answer;
        BSP_CHECK(run_write([&](store_writer& w) -> result<> { return settle(answer, f(w)); }));
        tell_of_commit();
        return std::move(*answer);
    }

    /// The same for a transaction about one user: it reads and writes his tenant, his registrations and floors, claims his
    /// assertions, reads what is revoked, adds to the audit trail, and touches nothing of anybody else. A store may let those
    /// of different users run side by side.
    template <class F>
    auto write_of(std::string_view user_id, F&& f) -> std::invoke_result_t<F&, store_writer&> {
        std::optional<std::invoke_result_t<F&, store_writer&>> answer;
        BSP_CHECK(run_write_of(user_id, [&](store_writer& w) -> result<> { return settle(answer, f(w)); }));
        tell_of_commit();
        return std::move(*answer);
    }

    /// The same for one count or claim that may be lost with the machine: nobody is told, and a store need not
    /// wait for its disk.
    template <class F>
    auto write_volatile(F&& f) -> std::invoke_result_t<F&, store_writer&> {
        std::optional<std::invoke_result_t<F&, store_writer&>> answer;
        BSP_CHECK(run_write_volatile([&](store_writer& w) -> result<> { return settle(answer, f(w)); }));
        return std::move(*answer);
    }

    /// Has `hook` called after every transaction that was committed, here or by another instance on the same data: a
    /// wake-up for those who watch the change feed, with nothing in it that could be lost (spec/decisions/0008). It must
    /// return soon, on whatever thread, and write nothing; what it throws is dropped, because a write that is durable has
    /// succeeded (BSP-OFF-007). After this returns, the hook before is not called any more.
    void on_commit(std::function<void()> hook) {
        std::lock_guard const lock{hook_};
        on_commit_ = std::move(hook);
    }

protected:
    virtual result<> run_read(std::function<result<>(store_reader&)> const& f) = 0;
    virtual result<> run_write(std::function<result<>(store_writer&)> const& f) = 0;
    virtual result<> run_write_of(std::string_view /*user_id*/, std::function<result<>(store_writer&)> const& f) { return run_write(f); }
    virtual result<> run_write_volatile(std::function<result<>(store_writer&)> const& f) { return run_write(f); }

    void tell_of_commit() const noexcept {
        try {
            std::lock_guard const lock{hook_};
            if (on_commit_) on_commit_();
        } catch (...) {
        }
    }

private:
    template <class Answer>
    static result<> settle(std::optional<Answer>& answer, Answer&& given) {
        if (!given) return given.error();
        answer.emplace(std::move(given));
        return ok();
    }

    mutable std::mutex hook_;
    std::function<void()> on_commit_;
};

/// A model of storage. Models: memory_store, failing_store (testing/), sqlite_store, postgres_store (reference_server/storage).
template <class S>
concept store = std::derived_from<S, store_base>;

}  // namespace bsp
