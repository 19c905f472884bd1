#pragma once

#include <bsp/policy/store.hpp>

#include <cstddef>
#include <limits>
#include <utility>

namespace bsp::testing {

/// A store that fails: `fail_at(n)` lets n operations pass and refuses every later one with `unavailable`.
/// Opening a snapshot or a transaction is an operation, and so is the commit.
class failing_store final : public store_base {
public:
    explicit failing_store(store_base& inner) : inner_{inner} {}

    void fail_at(std::size_t n) { left_ = n, failed_ = false; }
    void never_fail() { fail_at(std::numeric_limits<std::size_t>::max()); }
    [[nodiscard]] bool has_failed() const { return failed_; }

    [[nodiscard]] std::string epoch() const override { return inner_.epoch(); }

protected:
    result<> run_read(std::function<result<>(store_reader&)> const& f) override {
        return inner_.read([&](store_reader& r) -> result<> {
            BSP_CHECK(operation());
            snapshot view{*this, r};
            return f(view);
        });
    }

    result<> run_write(std::function<result<>(store_writer&)> const& f) override {
        return inner_.write([&](store_writer& w) -> result<> {
            BSP_CHECK(operation());
            transaction view{*this, w};
            BSP_CHECK(f(view));
            return operation();  // the commit
        });
    }

private:
    result<> operation() {
        if (left_ == 0) {
            failed_ = true;
            return fail(errc::unavailable, "the store fails on purpose");
        }
        --left_;
        return ok();
    }

    /// `operation`, then `f`.
    template <class F>
    auto guarded(F f) -> decltype(f()) {
        BSP_CHECK(operation());
        return f();
    }

    template <class View>
    struct tenant_reads : View {
        tenant_reads(failing_store& self, View& inner) : self_{self}, inner_{inner} {}

        result<std::optional<merge::conversation_head>> head(std::string_view id) override {
            return self_.guarded([&] { return inner_.head(id); });
        }
        result<std::vector<merge::message>> messages(std::string_view id, std::span<std::string const> ids) override {
            return self_.guarded([&] { return inner_.messages(id, ids); });
        }
        result<std::vector<merge::message>> messages_in_order(std::string_view id, std::optional<position> const& after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.messages_in_order(id, after, limit); });
        }
        result<std::vector<merge::conversation_head>> heads(std::string_view after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.heads(after, limit); });
        }
        result<std::vector<changed_conversation>> changes(instant since, std::optional<position> const& after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.changes(since, after, limit); });
        }
        result<std::vector<changed_message>> changed_messages(std::string_view id, instant since, std::optional<position> const& after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.changed_messages(id, since, after, limit); });
        }
        result<std::optional<instant>> last_change() override {
            return self_.guarded([&] { return inner_.last_change(); });
        }
        result<std::optional<sync_receipt>> receipt(std::string_view peer_id, std::string_view sync_id) override {
            return self_.guarded([&] { return inner_.receipt(peer_id, sync_id); });
        }
        result<std::vector<changed_message>> losers(std::string_view id, instant kept_since) override {
            return self_.guarded([&] { return inner_.losers(id, kept_since); });
        }
        result<std::vector<telemetry_record>> events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.events(source_backend, since, after, limit); });
        }
        result<privacy_settings> privacy() override {
            return self_.guarded([&] { return inner_.privacy(); });
        }
        result<std::vector<message_place>> expired_messages(privacy::expiry const& e, std::size_t limit) override {
            return self_.guarded([&] { return inner_.expired_messages(e, limit); });
        }
        result<std::optional<departure>> departed(std::string_view conversation_id, std::string_view id) override {
            return self_.guarded([&] { return inner_.departed(conversation_id, id); });
        }

    protected:
        failing_store& self_;
        View& inner_;
    };

    struct tenant_writes final : tenant_reads<tenant_writer> {
        using tenant_reads::tenant_reads;

        result<instant> begin_change(instant now) override {
            return self_.guarded([&] { return inner_.begin_change(now); });
        }
        result<> put_head(merge::conversation_head const& head, instant at) override {
            return self_.guarded([&] { return inner_.put_head(head, at); });
        }
        result<> put_messages(std::string_view id, std::span<merge::message const> messages, instant at) override {
            return self_.guarded([&] { return inner_.put_messages(id, messages, at); });
        }
        result<> put_loser(std::string_view id, merge::message const& loser, instant at) override {
            return self_.guarded([&] { return inner_.put_loser(id, loser, at); });
        }
        result<> put_receipt(sync_receipt const& receipt) override {
            return self_.guarded([&] { return inner_.put_receipt(receipt); });
        }
        result<bool> put_event(telemetry_record const& event) override {
            return self_.guarded([&] { return inner_.put_event(event); });
        }
        result<> put_privacy(privacy_settings const& settings) override {
            return self_.guarded([&] { return inner_.put_privacy(settings); });
        }
        result<> remove_losers_of(std::string_view conversation_id, std::span<std::string const> ids) override {
            return self_.guarded([&] { return inner_.remove_losers_of(conversation_id, ids); });
        }
        result<> remove_messages(std::string_view conversation_id, std::span<std::string const> ids) override {
            return self_.guarded([&] { return inner_.remove_messages(conversation_id, ids); });
        }
        result<> remove_conversation(std::string_view conversation_id) override {
            return self_.guarded([&] { return inner_.remove_conversation(conversation_id); });
        }
        result<> remove_losers(instant until) override {
            return self_.guarded([&] { return inner_.remove_losers(until); });
        }
        result<std::size_t> remove_events(instant until, std::size_t limit) override {
            return self_.guarded([&] { return inner_.remove_events(until, limit); });
        }
        result<> remove_derived() override {
            return self_.guarded([&] { return inner_.remove_derived(); });
        }
        result<> put_departed(std::string_view conversation_id, std::string_view id, departure const& d) override {
            return self_.guarded([&] { return inner_.put_departed(conversation_id, id, d); });
        }
    };

    template <class View>
    struct registry_reads : View {
        registry_reads(failing_store& self, View& inner) : self_{self}, inner_{inner} {}

        result<std::optional<peer_record>> peer(std::string_view peer_id) override {
            return self_.guarded([&] { return inner_.peer(peer_id); });
        }
        result<std::optional<peer_record>> registration(std::string_view user_id, std::string_view backend_id) override {
            return self_.guarded([&] { return inner_.registration(user_id, backend_id); });
        }
        result<std::vector<peer_record>> peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.peers(user_id, after, limit); });
        }
        result<std::vector<peer_record>> peers_with_endpoints(std::string_view after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.peers_with_endpoints(after, limit); });
        }
        result<std::vector<peer_record>> registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) override {
            return self_.guarded([&] { return inner_.registrations_of(backend_id, key_sha256, limit); });
        }
        result<std::optional<instant>> sbt_floor(std::string_view user_id, std::string_view backend_id) override {
            return self_.guarded([&] { return inner_.sbt_floor(user_id, backend_id); });
        }
        result<bool> is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) override {
            return self_.guarded([&] { return inner_.is_revoked(backend_id, key_sha256); });
        }
        result<std::vector<audit_entry>> audit(audit_query const& asked) override {
            return self_.guarded([&] { return inner_.audit(asked); });
        }
        result<std::optional<audit_entry>> last_audit() override {
            return self_.guarded([&] { return inner_.last_audit(); });
        }
        result<audit_seal> audit_begin() override {
            return self_.guarded([&] { return inner_.audit_begin(); });
        }
        result<peer_statistics> statistics(std::string_view peer_id) override {
            return self_.guarded([&] { return inner_.statistics(peer_id); });
        }
        result<std::vector<peer_telemetry>> telemetry_since(instant since) override {
            return self_.guarded([&] { return inner_.telemetry_since(since); });
        }
        result<std::vector<std::string>> users(std::string_view after, std::size_t limit) override {
            return self_.guarded([&] { return inner_.users(after, limit); });
        }

    protected:
        failing_store& self_;
        View& inner_;
    };

    struct snapshot final : registry_reads<store_reader> {
        using registry_reads::registry_reads;
        tenant_reader& tenant(std::string_view user_id) override { return tenant_.emplace(self_, inner_.tenant(user_id)); }

    private:
        std::optional<tenant_reads<tenant_reader>> tenant_;
    };

    struct transaction final : registry_reads<store_writer> {
        using registry_reads::registry_reads;
        result<> put_peer(peer_record const& peer) override {
            return self_.guarded([&] { return inner_.put_peer(peer); });
        }
        result<> put_statistics(std::string_view peer_id, peer_statistics const& counted) override {
            return self_.guarded([&] { return inner_.put_statistics(peer_id, counted); });
        }
        result<> put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) override {
            return self_.guarded([&] { return inner_.put_sbt_floor(user_id, backend_id, floor); });
        }
        result<> revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant at) override {
            return self_.guarded([&] { return inner_.revoke(backend_id, key_sha256, at); });
        }
        result<bool> claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) override {
            return self_.guarded([&] { return inner_.claim_assertion(issuer, jti, expires_at, now); });
        }
        result<rate_window> count_request(std::string_view key, std::chrono::seconds window, instant now) override {
            return self_.guarded([&] { return inner_.count_request(key, window, now); });
        }
        result<> append_audit(audit_event const& event) override {
            return self_.guarded([&] { return inner_.append_audit(event); });
        }
        result<std::size_t> prune_audit(instant until, std::size_t limit) override {
            return self_.guarded([&] { return inner_.prune_audit(until, limit); });
        }
        tenant_writer& tenant(std::string_view user_id) override { return tenant_.emplace(self_, inner_.tenant(user_id)); }

    private:
        std::optional<tenant_writes> tenant_;
    };

    store_base& inner_;
    std::size_t left_ = std::numeric_limits<std::size_t>::max();
    bool failed_ = false;
};
static_assert(store<failing_store>);

}  // namespace bsp::testing
