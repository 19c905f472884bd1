#pragma once

#include <bsp/policy/store.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>

namespace bsp::testing {

/// A store in memory, for tests, fuzzing and measurements. One writer at a time or many readers. A write
/// notes how to undo each of its steps, so a refused transaction costs what it did and no more.
class memory_store final : public store_base {
public:
    explicit memory_store(std::string epoch = "memory-epoch") : epoch_{std::move(epoch)} {}

    [[nodiscard]] std::string epoch() const override { return epoch_; }

protected:
    result<> run_read(std::function<result<>(store_reader&)> const& f) override {
        std::shared_lock const lock{mutex_};
        snapshot view{*this};
        return f(view);
    }

    result<> run_write(std::function<result<>(store_writer&)> const& f) override {
        std::unique_lock const lock{mutex_};
        undo_log undo;  // rolls back unless it is dismissed, also when `f` throws
        transaction view{*this, undo};
        BSP_CHECK(f(view));
        undo.dismiss();
        return ok();
    }

private:
    using place = std::pair<instant, std::string>;  ///< a key of the lists ordered by (instant, id)

    struct conversation {
        merge::conversation_head head;
        instant changed_at;
        std::map<std::string, changed_message, std::less<>> messages;
        std::set<place> by_time;    ///< of `messages`
        std::set<place> by_change;  ///< of `messages`
        std::vector<changed_message> losers;
    };
    struct user {
        std::map<std::string, conversation, std::less<>> conversations;
        std::set<place> by_change;  ///< of `conversations`
        std::map<std::pair<std::string, std::string>, sync_receipt> receipts;
        std::optional<instant> last_change;
        std::map<place, telemetry_record> events;  ///< by (received_at, event_id)
        std::set<std::string, std::less<>> event_ids;
        privacy_settings privacy;
        std::map<std::pair<std::string, std::string>, departure> departed;  ///< by (conversation_id, id)
    };
    struct revocation {
        std::string backend_id;
        sha256_digest key_sha256;
    };

    class undo_log {
    public:
        undo_log() = default;
        undo_log(undo_log const&) = delete;
        ~undo_log() {
            for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
        }
        void on_rollback(std::function<void()> step) { steps_.push_back(std::move(step)); }
        void dismiss() { steps_.clear(); }

    private:
        std::vector<std::function<void()>> steps_;
    };

    static std::set<place>::const_iterator first_of(std::set<place> const& places, instant since, std::optional<position> const& after) {
        auto const from = places.lower_bound({since, {}});
        if (!after || place{after->at, after->id} < place{since, {}}) return from;
        return places.upper_bound({after->at, after->id});
    }

    class tenant_view final : public tenant_writer {
    public:
        tenant_view(user& data, undo_log* undo) : data_{data}, undo_{undo} {}

        result<std::optional<merge::conversation_head>> head(std::string_view conversation_id) override {
            auto const* c = find(conversation_id);
            return c ? std::optional{c->head} : std::nullopt;
        }

        result<std::vector<merge::message>> messages(std::string_view conversation_id, std::span<std::string const> ids) override {
            std::vector<merge::message> found;
            if (auto const* c = find(conversation_id))
                for (auto const& id : std::set<std::string_view>{ids.begin(), ids.end()})
                    if (auto const m = c->messages.find(id); m != c->messages.end()) found.push_back(m->second.message);
            return found;
        }

        result<std::vector<merge::message>> messages_in_order(std::string_view conversation_id, std::optional<position> const& after,
                                                              std::size_t limit) override {
            std::vector<merge::message> page;
            if (auto const* c = find(conversation_id))
                for (auto at = after ? c->by_time.upper_bound({after->at, after->id}) : c->by_time.begin(); at != c->by_time.end() && page.size() < limit; ++at)
                    page.push_back(c->messages.find(at->second)->second.message);
            return page;
        }

        result<std::vector<merge::conversation_head>> heads(std::string_view after, std::size_t limit) override {
            std::vector<merge::conversation_head> page;
            for (auto at = data_.conversations.upper_bound(after); at != data_.conversations.end() && page.size() < limit; ++at) page.push_back(at->second.head);
            return page;
        }

        result<std::vector<changed_conversation>> changes(instant since, std::optional<position> const& after, std::size_t limit) override {
            std::vector<changed_conversation> page;
            for (auto at = first_of(data_.by_change, since, after); at != data_.by_change.end() && page.size() < limit; ++at)
                page.push_back({data_.conversations.find(at->second)->second.head, at->first});
            return page;
        }

        result<std::vector<changed_message>> changed_messages(std::string_view conversation_id, instant since, std::optional<position> const& after,
                                                              std::size_t limit) override {
            std::vector<changed_message> page;
            if (auto const* c = find(conversation_id))
                for (auto at = first_of(c->by_change, since, after); at != c->by_change.end() && page.size() < limit; ++at)
                    page.push_back({c->messages.find(at->second)->second.message, at->first});
            return page;
        }

        result<std::optional<instant>> last_change() override { return data_.last_change; }

        result<std::optional<sync_receipt>> receipt(std::string_view peer_id, std::string_view sync_id) override {
            auto const found = data_.receipts.find({std::string{peer_id}, std::string{sync_id}});
            return found == data_.receipts.end() ? std::nullopt : std::optional{found->second};
        }

        result<std::vector<changed_message>> losers(std::string_view conversation_id, instant kept_since) override {
            std::vector<changed_message> kept;
            if (auto const* c = find(conversation_id))
                for (auto const& l : c->losers)
                    if (l.changed_at >= kept_since) kept.push_back(l);
            return kept;
        }

        result<std::vector<telemetry_record>> events(std::optional<std::string_view> source_backend, instant since, std::optional<position> const& after,
                                                     std::size_t limit) override {
            std::vector<telemetry_record> page;
            auto const from = after && after->at >= since ? data_.events.upper_bound({after->at, after->id}) : data_.events.lower_bound({since, {}});
            for (auto at = from; at != data_.events.end() && page.size() < limit; ++at)
                if (!source_backend || at->second.source_backend == *source_backend) page.push_back(at->second);
            return page;
        }

        result<privacy_settings> privacy() override { return data_.privacy; }

        result<std::vector<message_place>> expired_messages(privacy::expiry const& e, std::size_t limit) override {
            std::vector<message_place> found;
            for (auto const& [id, c] : data_.conversations)
                for (auto const& [message_id, m] : c.messages)
                    if (found.size() < limit && e.has(m.message)) found.push_back({id, message_id, m.message.timestamp, m.message.version});
            return found;
        }

        result<std::optional<departure>> departed(std::string_view conversation_id, std::string_view id) override {
            auto const found = data_.departed.find({std::string{conversation_id}, std::string{id}});
            return found == data_.departed.end() ? std::nullopt : std::optional{found->second};
        }

        result<instant> begin_change(instant now) override {
            auto const before = data_.last_change;
            undo_->on_rollback([&data = data_, before] { data.last_change = before; });
            data_.last_change = before ? std::max(now, *before + std::chrono::nanoseconds{1}) : now;
            return *data_.last_change;
        }

        result<> put_head(merge::conversation_head const& head, instant changed_at) override {
            auto [at, created] = data_.conversations.try_emplace(head.conversation_id);
            auto& c = at->second;
            undo_->on_rollback([&data = data_, id = head.conversation_id, created = created, old_head = c.head, old_at = c.changed_at] {
                auto const here = data.conversations.find(id);
                data.by_change.erase({here->second.changed_at, id});
                if (created) {
                    data.conversations.erase(here);
                } else {
                    here->second.head = old_head;
                    here->second.changed_at = old_at;
                    data.by_change.emplace(old_at, id);
                }
            });
            if (!created) data_.by_change.erase({c.changed_at, head.conversation_id});
            c.head = head;
            c.changed_at = changed_at;
            data_.by_change.emplace(changed_at, head.conversation_id);
            return ok();
        }

        result<> put_messages(std::string_view conversation_id, std::span<merge::message const> messages, instant changed_at) override {
            auto const at = data_.conversations.find(conversation_id);
            if (at == data_.conversations.end()) return fail(errc::internal, "messages without a head");
            auto& c = at->second;
            for (auto const& m : messages) {
                auto const held = c.messages.find(m.id);
                std::optional<changed_message> old;
                if (held != c.messages.end()) old = held->second;
                undo_->on_rollback([&c, id = m.id, old] {
                    take_out(c, id);
                    if (old) put_in(c, *old);
                });
                take_out(c, m.id);
                put_in(c, {m, changed_at});
            }
            return ok();
        }

        result<> put_loser(std::string_view conversation_id, merge::message const& lost, instant at) override {
            auto const found = data_.conversations.find(conversation_id);
            if (found == data_.conversations.end()) return fail(errc::internal, "a loser without a head");
            auto& losers = found->second.losers;
            if (std::ranges::any_of(losers, [&](changed_message const& l) { return l.message.id == lost.id && l.message.digest == lost.digest; })) return ok();
            undo_->on_rollback([&losers] { losers.pop_back(); });
            losers.push_back({lost, at});
            return ok();
        }

        result<> put_receipt(sync_receipt const& receipt) override {
            std::pair const key{receipt.peer_id, receipt.sync_id};
            auto const found = data_.receipts.find(key);
            std::optional<sync_receipt> old;
            if (found != data_.receipts.end()) old = found->second;
            undo_->on_rollback([&data = data_, key, old] {
                if (old) data.receipts[key] = *old;
                else data.receipts.erase(key);
            });
            data_.receipts[key] = receipt;
            return ok();
        }

        result<bool> put_event(telemetry_record const& event) override {
            if (data_.departed.contains({"", event.event_id})) return false;
            if (!data_.event_ids.insert(event.event_id).second) return false;
            telemetry_record kept = event;
            if (!data_.events.empty()) kept.received_at = std::max(kept.received_at, data_.events.rbegin()->first.first + std::chrono::nanoseconds{1});
            place const key{kept.received_at, kept.event_id};
            undo_->on_rollback([&data = data_, key] { data.events.erase(key), data.event_ids.erase(key.second); });
            data_.events.emplace(key, std::move(kept));
            return true;
        }

        result<> put_privacy(privacy_settings const& settings) override {
            undo_->on_rollback([&data = data_, old = data_.privacy] { data.privacy = old; });
            data_.privacy = settings;
            return ok();
        }

        result<> remove_messages(std::string_view conversation_id, std::span<std::string const> ids) override {
            auto const at = data_.conversations.find(conversation_id);
            if (at == data_.conversations.end()) return ok();
            keep_for_rollback(*at);
            for (auto const& id : ids) {
                take_out(at->second, id);
                std::erase_if(at->second.losers, [&](changed_message const& l) { return l.message.id == id; });
            }
            return ok();
        }

        result<> remove_conversation(std::string_view conversation_id) override {
            auto const at = data_.conversations.find(conversation_id);
            if (at == data_.conversations.end()) return ok();
            keep_for_rollback(*at);
            data_.by_change.erase({at->second.changed_at, at->first});
            data_.conversations.erase(at);
            return ok();
        }

        result<> remove_losers_of(std::string_view conversation_id, std::span<std::string const> ids) override {
            auto const at = data_.conversations.find(conversation_id);
            if (at == data_.conversations.end()) return ok();
            auto const is_one = [&](changed_message const& l) { return std::ranges::find(ids, l.message.id) != ids.end(); };
            if (std::ranges::none_of(at->second.losers, is_one)) return ok();
            keep_for_rollback(*at);
            std::erase_if(at->second.losers, is_one);
            return ok();
        }

        result<> remove_losers(instant until) override {
            for (auto& at : data_.conversations) {
                auto const old = [&](changed_message const& l) { return l.changed_at <= until || l.message.timestamp <= until; };
                if (std::ranges::none_of(at.second.losers, old)) continue;
                keep_for_rollback(at);
                std::erase_if(at.second.losers, old);
            }
            return ok();
        }

        result<std::size_t> remove_events(instant until, std::size_t limit) override {
            std::size_t removed = 0;
            for (; removed < limit && !data_.events.empty() && data_.events.begin()->first.first <= until; ++removed) {
                auto const first = data_.events.begin();
                undo_->on_rollback([&data = data_, event = *first] { data.events.insert(event), data.event_ids.insert(event.second.event_id); });
                data_.event_ids.erase(first->second.event_id);
                data_.events.erase(first);
            }
            return removed;
        }

        result<> remove_derived() override {
            undo_->on_rollback([&data = data_, old = data_.receipts] { data.receipts = old; });
            data_.receipts.clear();
            return ok();
        }

        result<> put_departed(std::string_view conversation_id, std::string_view id, departure const& d) override {
            std::pair const key{std::string{conversation_id}, std::string{id}};
            undo_->on_rollback([&data = data_, key, old = data_.departed.contains(key) ? std::optional{data_.departed.at(key)} : std::nullopt] {
                if (old) data.departed[key] = *old;
                else data.departed.erase(key);
            });
            data_.departed[key] = d;
            return ok();
        }

    private:
        conversation const* find(std::string_view id) const {
            auto const at = data_.conversations.find(id);
            return at == data_.conversations.end() ? nullptr : &at->second;
        }

        /// Brings the conversation back whole.
        void keep_for_rollback(std::pair<std::string const, conversation> const& was) {
            undo_->on_rollback([&data = data_, was] {
                if (auto const here = data.conversations.find(was.first); here != data.conversations.end()) data.by_change.erase({here->second.changed_at, was.first});
                data.conversations.insert_or_assign(was.first, was.second);
                data.by_change.emplace(was.second.changed_at, was.first);
            });
        }

        static void take_out(conversation& c, std::string const& id) {
            auto const held = c.messages.find(id);
            if (held == c.messages.end()) return;
            c.by_time.erase({held->second.message.timestamp, id});
            c.by_change.erase({held->second.changed_at, id});
            c.messages.erase(held);
        }

        static void put_in(conversation& c, changed_message m) {
            c.by_time.emplace(m.message.timestamp, m.message.id);
            c.by_change.emplace(m.changed_at, m.message.id);
            std::string id = m.message.id;
            c.messages.emplace(std::move(id), std::move(m));
        }

        user& data_;
        undo_log* undo_;
    };

    /// What a snapshot and a transaction have in common.
    struct registry {
        memory_store& self;

        [[nodiscard]] std::optional<peer_record> peer(std::string_view peer_id) const {
            auto const found = self.peers_.find(peer_id);
            return found == self.peers_.end() ? std::nullopt : std::optional{found->second};
        }
        [[nodiscard]] std::optional<peer_record> registration(std::string_view user_id, std::string_view backend_id) const {
            auto const found = self.active_.find({std::string{user_id}, std::string{backend_id}});
            return found == self.active_.end() ? std::nullopt : peer(found->second);
        }
        [[nodiscard]] std::vector<peer_record> peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) const {
            std::vector<peer_record> page;
            for (auto at = self.peers_.upper_bound(after); at != self.peers_.end() && page.size() < limit; ++at)
                if (at->second.status == peer_status::active && (!user_id || at->second.user_id == *user_id)) page.push_back(at->second);
            return page;
        }
        [[nodiscard]] std::vector<peer_record> peers_with_endpoints(std::string_view after, std::size_t limit) const {
            std::vector<peer_record> page;
            for (auto at = self.with_endpoints_.upper_bound(after); at != self.with_endpoints_.end() && page.size() < limit; ++at) page.push_back(*peer(*at));
            return page;
        }
        [[nodiscard]] std::vector<peer_record> registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) const {
            std::vector<peer_record> page;
            if (auto const ids = self.active_of_backend_.find(backend_id); ids != self.active_of_backend_.end())
                for (auto id = ids->second.begin(); id != ids->second.end() && page.size() < limit; ++id) page.push_back(*peer(*id));
            if (auto const ids = self.active_of_key_.find(key_sha256); ids != self.active_of_key_.end())
                for (auto id = ids->second.begin(); id != ids->second.end() && page.size() < limit; ++id)
                    if (auto found = *peer(*id); found.backend_id != backend_id) page.push_back(std::move(found));
            return page;
        }
        [[nodiscard]] std::optional<instant> sbt_floor(std::string_view user_id, std::string_view backend_id) const {
            auto const found = self.sbt_floors_.find({std::string{user_id}, std::string{backend_id}});
            return found == self.sbt_floors_.end() ? std::nullopt : std::optional{found->second};
        }
        [[nodiscard]] bool is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) const {
            return std::ranges::any_of(self.revocations_, [&](revocation const& r) { return r.backend_id == backend_id || r.key_sha256 == key_sha256; });
        }
        [[nodiscard]] std::vector<audit_entry> audit(audit_query const& asked) const {
            std::vector<audit_entry> page;
            for (std::size_t i = std::max(asked.after, self.audit_begin_.number) - self.audit_begin_.number; i < self.audit_.size() && page.size() < asked.limit; ++i) {
                auto const& e = self.audit_[i];
                if (e.at >= asked.since && (!asked.type || e.type == *asked.type) && (!asked.peer_id || e.peer_id == *asked.peer_id)) page.push_back(e);
            }
            return page;
        }
        [[nodiscard]] std::optional<audit_entry> last_audit() const { return self.audit_.empty() ? std::nullopt : std::optional{self.audit_.back()}; }
        [[nodiscard]] peer_statistics statistics(std::string_view peer_id) const {
            auto const found = self.statistics_.find(peer_id);
            return found == self.statistics_.end() ? peer_statistics{} : found->second;
        }
        [[nodiscard]] std::vector<peer_telemetry> telemetry_since(instant since) const {
            std::map<std::string, peer_telemetry> sums;
            for (auto const& [id, u] : self.users_)
                for (auto at = u.events.lower_bound({since, {}}); at != u.events.end(); ++at) {
                    auto const& e = at->second;
                    auto& sum = sums[e.peer_id];
                    ++sum.events;
                    sum.with_latency += e.latency_ms.has_value();
                    sum.latency_ms += e.latency_ms.value_or(0);
                    sum.cost_usd += e.cost_usd.value_or(0);
                }
            std::vector<peer_telemetry> all;
            for (auto& [peer_id, sum] : sums) {
                sum.peer_id = peer_id;
                all.push_back(std::move(sum));
            }
            return all;
        }
        [[nodiscard]] std::vector<std::string> users(std::string_view after, std::size_t limit) const {
            std::vector<std::string> page;
            for (auto at = self.users_.upper_bound(after); at != self.users_.end() && page.size() < limit; ++at) page.push_back(at->first);
            return page;
        }
    };

    class snapshot final : public store_reader {
    public:
        explicit snapshot(memory_store& self) : registry_{self} {}
        result<std::optional<peer_record>> peer(std::string_view peer_id) override { return registry_.peer(peer_id); }
        result<std::optional<peer_record>> registration(std::string_view user_id, std::string_view backend_id) override { return registry_.registration(user_id, backend_id); }
        result<std::vector<peer_record>> peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) override { return registry_.peers(user_id, after, limit); }
        result<std::vector<peer_record>> peers_with_endpoints(std::string_view after, std::size_t limit) override { return registry_.peers_with_endpoints(after, limit); }
        result<std::vector<peer_record>> registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) override { return registry_.registrations_of(backend_id, key_sha256, limit); }
        result<std::optional<instant>> sbt_floor(std::string_view user_id, std::string_view backend_id) override { return registry_.sbt_floor(user_id, backend_id); }
        result<bool> is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) override { return registry_.is_revoked(backend_id, key_sha256); }
        result<std::vector<audit_entry>> audit(audit_query const& asked) override { return registry_.audit(asked); }
        result<std::optional<audit_entry>> last_audit() override { return registry_.last_audit(); }
        result<audit_seal> audit_begin() override { return registry_.self.audit_begin_; }
        result<peer_statistics> statistics(std::string_view peer_id) override { return registry_.statistics(peer_id); }
        result<std::vector<peer_telemetry>> telemetry_since(instant since) override { return registry_.telemetry_since(since); }
        result<std::vector<std::string>> users(std::string_view after, std::size_t limit) override { return registry_.users(after, limit); }

        tenant_reader& tenant(std::string_view user_id) override {
            auto const found = registry_.self.users_.find(user_id);
            return tenants_.try_emplace(std::string{user_id}, found == registry_.self.users_.end() ? nobody_ : found->second, nullptr).first->second;
        }

    private:
        registry registry_;
        user nobody_;
        std::map<std::string, tenant_view, std::less<>> tenants_;
    };

    class transaction final : public store_writer {
    public:
        transaction(memory_store& self, undo_log& undo) : registry_{self}, undo_{undo} {}
        result<std::optional<peer_record>> peer(std::string_view peer_id) override { return registry_.peer(peer_id); }
        result<std::optional<peer_record>> registration(std::string_view user_id, std::string_view backend_id) override { return registry_.registration(user_id, backend_id); }
        result<std::vector<peer_record>> peers(std::optional<std::string_view> user_id, std::string_view after, std::size_t limit) override { return registry_.peers(user_id, after, limit); }
        result<std::vector<peer_record>> peers_with_endpoints(std::string_view after, std::size_t limit) override { return registry_.peers_with_endpoints(after, limit); }
        result<std::vector<peer_record>> registrations_of(std::string_view backend_id, sha256_digest const& key_sha256, std::size_t limit) override { return registry_.registrations_of(backend_id, key_sha256, limit); }
        result<std::optional<instant>> sbt_floor(std::string_view user_id, std::string_view backend_id) override { return registry_.sbt_floor(user_id, backend_id); }
        result<bool> is_revoked(std::string_view backend_id, sha256_digest const& key_sha256) override { return registry_.is_revoked(backend_id, key_sha256); }
        result<std::vector<audit_entry>> audit(audit_query const& asked) override { return registry_.audit(asked); }
        result<std::optional<audit_entry>> last_audit() override { return registry_.last_audit(); }
        result<audit_seal> audit_begin() override { return registry_.self.audit_begin_; }
        result<peer_statistics> statistics(std::string_view peer_id) override { return registry_.statistics(peer_id); }
        result<std::vector<peer_telemetry>> telemetry_since(instant since) override { return registry_.telemetry_since(since); }
        result<std::vector<std::string>> users(std::string_view after, std::size_t limit) override { return registry_.users(after, limit); }

        result<> put_peer(peer_record const& peer) override {
            auto& self = registry_.self;
            std::pair const registration{peer.user_id, peer.backend_id};
            if (auto const before = registry_.peer(peer.peer_id)) set_listed(*before, false);
            put(self.peers_, peer.peer_id, peer);
            set_listed(peer, true);
            auto const active = self.active_.find(registration);
            if (peer.status == peer_status::active) put(self.active_, registration, peer.peer_id);
            else if (active != self.active_.end() && active->second == peer.peer_id) {
                undo_.on_rollback([&self, registration, id = peer.peer_id] { self.active_[registration] = id; });
                self.active_.erase(active);
            }
            return ok();
        }

        result<> put_statistics(std::string_view peer_id, peer_statistics const& counted) override {
            put(registry_.self.statistics_, std::string{peer_id}, counted);
            return ok();
        }

        result<> put_sbt_floor(std::string_view user_id, std::string_view backend_id, instant floor) override {
            put(registry_.self.sbt_floors_, std::pair{std::string{user_id}, std::string{backend_id}}, floor);
            return ok();
        }

        result<> revoke(std::string_view backend_id, sha256_digest const& key_sha256, instant) override {
            auto& revocations = registry_.self.revocations_;
            undo_.on_rollback([&revocations] { revocations.pop_back(); });
            revocations.push_back({std::string{backend_id}, key_sha256});
            return ok();
        }

        result<bool> claim_assertion(std::string_view issuer, std::string_view jti, instant expires_at, instant now) override {
            auto& claims = registry_.self.claims_;
            std::pair const key{std::string{issuer}, std::string{jti}};
            auto const held = claims.find(key);
            if (held != claims.end() && held->second > now) return false;
            put(claims, key, expires_at);
            return true;
        }

        result<rate_window> count_request(std::string_view key, std::chrono::seconds window, instant now) override {
            auto& windows = registry_.self.rate_windows_;
            auto const held = windows.find(key);
            rate_window w = held == windows.end() || held->second.is_past(window, now) ? rate_window{now, 0} : held->second;
            ++w.count;
            put(windows, std::string{key}, w);
            return w;
        }

        result<> append_audit(audit_event const& event) override {
            auto& trail = registry_.self.audit_;
            trail.push_back(next_entry(registry_.last_audit(), event, registry_.self.epoch_));
            undo_.on_rollback([&trail] { trail.pop_back(); });
            return ok();
        }

        result<std::size_t> prune_audit(instant until, std::size_t limit) override {
            auto& trail = registry_.self.audit_;
            auto& begin = registry_.self.audit_begin_;
            std::size_t n = 0;
            while (n < limit && n + 1 < trail.size() && trail[n].at <= until) ++n;
            if (n == 0) return n;
            undo_.on_rollback([&trail, &begin, old_trail = trail, old_begin = begin] { trail = old_trail, begin = old_begin; });
            begin = {trail[n - 1].number, trail[n - 1].hash};
            trail.erase(trail.begin(), trail.begin() + static_cast<std::ptrdiff_t>(n));
            return n;
        }

        tenant_writer& tenant(std::string_view user_id) override {
            auto& data = registry_.self.users_[std::string{user_id}];
            return tenants_.try_emplace(std::string{user_id}, data, &undo_).first->second;
        }

    private:
        /// Puts an active registration into the lists of its backend and its key, or takes it out of them.
        void set_listed(peer_record const& peer, bool listed) {
            if (peer.status != peer_status::active) return;
            auto const set = [](auto& ids, std::string const& id, bool in) {
                if (in) ids.insert(id);
                else ids.erase(id);
            };
            auto& of_backend = registry_.self.active_of_backend_[peer.backend_id];
            auto& of_key = registry_.self.active_of_key_[peer.key_sha256];
            undo_.on_rollback([&of_backend, &of_key, id = peer.peer_id, listed, set] { set(of_backend, id, !listed), set(of_key, id, !listed); });
            set(of_backend, peer.peer_id, listed), set(of_key, peer.peer_id, listed);
            if (!peer.endpoints) return;
            auto& with_endpoints = registry_.self.with_endpoints_;
            undo_.on_rollback([&with_endpoints, id = peer.peer_id, listed, set] { set(with_endpoints, id, !listed); });
            set(with_endpoints, peer.peer_id, listed);
        }

        template <class Map, class Key, class Value>
        void put(Map& map, Key const& key, Value const& value) {
            auto const held = map.find(key);
            std::optional<Value> old;
            if (held != map.end()) old = held->second;
            undo_.on_rollback([&map, key, old] {
                if (old) map.insert_or_assign(key, *old);
                else map.erase(key);
            });
            map.insert_or_assign(key, value);
        }

        registry registry_;
        undo_log& undo_;
        std::map<std::string, tenant_view, std::less<>> tenants_;
    };

    std::string epoch_;
    std::shared_mutex mutex_;
    std::map<std::string, user, std::less<>> users_;
    std::map<std::string, peer_record, std::less<>> peers_;
    std::map<std::pair<std::string, std::string>, std::string> active_;      ///< (user_id, backend_id) → peer_id
    std::map<std::string, std::set<std::string>, std::less<>> active_of_backend_;  ///< backend_id → peer_ids
    std::set<std::string, std::less<>> with_endpoints_;                     ///< peer_ids of active ones
    std::map<sha256_digest, std::set<std::string>> active_of_key_;           ///< key_sha256 → peer_ids
    std::map<std::pair<std::string, std::string>, instant> sbt_floors_;      ///< (user_id, backend_id) → created_at
    std::map<std::string, peer_statistics, std::less<>> statistics_;         ///< by peer_id
    std::vector<revocation> revocations_;
    std::map<std::pair<std::string, std::string>, instant> claims_;          ///< (issuer, jti) → expires_at
    std::map<std::string, rate_window, std::less<>> rate_windows_;
    std::vector<audit_entry> audit_;
    audit_seal audit_begin_;                                                 ///< the entry with the number n is at n - 1 - audit_begin_.number
};
static_assert(store<memory_store>);

}  // namespace bsp::testing
