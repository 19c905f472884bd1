#pragma once

#include "faults.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace bsp::faulty {

/// The backend with the profile PRV, again with every decision as a virtual step. Chapter 16 only takes away: what the
/// backend below would do is held back, or refused.
class private_backend : public backend {
public:
    using backend::backend;

protected:
    using kind = std::string_view;  ///< a type of conflict

    answer dispatch(call& c) override;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override;
    json::array apply(peer_record const& peer, tenant const& incoming, instant now) override;
    result<> still_stands(feed_query const& asked, instant now) override;
    json::object feed_page(call const& c, feed_query const& asked) override;
    json::object pull_entry(std::string const& id, conversation const& c) override;
    std::optional<std::string> lost_right(held_socket const& s, instant now) override;
    bool may_exchange(peer_record const& peer, link const& to, instant now) override;
    bool may_stream(peer_record const& peer, link const& to, instant now) override;
    void take_snapshot(peer_record const& peer, link& to) override;

    // ---- the settings ----
    virtual answer settings_call(call const& c);
    virtual unsigned may_change_settings() { return user_may | peer_may; }
    virtual json::object defaults();
    virtual json::object settings_of(std::string const& user_id);
    virtual result<> check_owner(json::fields const& put, std::string const& user_id);
    virtual result<> check_setting(json::fields const& put, std::string_view name);
    virtual json::object merged(json::object held, json::object const& put);
    virtual void keep_settings(std::string const& user_id, json::object s);
    virtual void settings_changed(std::string const& user_id);

    // ---- consent ----
    bool wants_redaction(std::string const& user_id) override;
    virtual bool lets(std::string const& user_id, std::string_view what);  ///< "sync_conversations", "sync_telemetry"
    virtual error refusal() { return fail(errc::sync_paused, "the user has paused this"); }
    virtual bool allows_surface(std::string const& user_id, message const& m);

    // ---- retention ----
    virtual bool lets_expire() { return config().backend_type == "hosted"; }
    virtual instant cutoff(std::string const& user_id, instant now);
    virtual bool has_expired(message const& m, instant cutoff, instant now);
    virtual bool has_expired(conversation const& c, instant cutoff);
    virtual bool has_expired(telemetry_event const& e, instant cutoff) { return e.arrived <= cutoff; }
    virtual void forget_expired(instant now);

    // ---- what may come in ----
    virtual std::optional<kind> refusal_of(std::string const& user_id, std::string const& conversation_id, message const& m, instant now);
    virtual json::array refuse(std::string const& user_id, tenant& incoming, instant now);
    virtual json::object refused(std::string const& conversation_id, std::optional<std::string> message_id, std::int64_t version, kind why);
    virtual bool make_blank(std::string const& user_id, std::string const& id, conversation& c);

    // ---- export and erasure ----
    virtual answer export_call(call const& c);
    virtual json::object exported(std::string const& user_id, instant now);
    virtual answer erase_call(call const& c);
    virtual unsigned may_erase() { return user_may; }
    virtual json::object receipt_of_erasure(std::string const& user_id, instant now);  ///< of what is about to be erased
    virtual void erase(std::string const& user_id);
    virtual bool is_erased(std::string const& user_id, std::string const& conversation_id, message const& m);

    std::map<std::string, json::object> said_;                                     ///< settings by user_id
    std::set<std::tuple<std::string, std::string, std::string>> erased_messages_;  ///< user, conversation, id
    std::map<std::pair<std::string, std::string>, std::int64_t> erased_versions_;  ///< by user, conversation

private:
    std::string reading_for_;                ///< whose feed, or push, is being written
    std::optional<std::int64_t> swept_at_;  ///< seconds
};

std::vector<fault> prv_faults();

}  // namespace bsp::faulty
