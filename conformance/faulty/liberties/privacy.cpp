#include "../liberties.hpp"

#include <bsp/base/encoding.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Liberties of settings, consent, retention, export, erasure and redaction (chapters 16 and 17).
namespace bsp::faulty {

namespace {

// ---- settings and consent -----------------------------------------------------------------------------------

/// Settings have further members, and the answer to a change has the settings.
template <class Base>
struct telling_settings : Base {
    using Base::Base;

protected:
    json::object settings_of(std::string const& user_id) override {
        json::object out = Base::settings_of(user_id);
        out["updated_at"] = nullptr;
        out["policy"] = json::object{{"revision", 7}};
        return out;
    }
    result<http_response> settings_call(call const& c) override {
        is_change_ = c.request.method == "PUT";
        auto out = Base::settings_call(c);
        is_change_ = false;
        return out;
    }
    http_response json_answer(int status, json::value const& body) override {
        if (!std::exchange(is_change_, false) || status != 200) return Base::json_answer(status, body);
        json::object more = body.as_object();
        more["settings"] = json::object{{"see", "/privacy-settings"}};
        return Base::json_answer(status, more);
    }

private:
    bool is_change_ = false;
};

/// A change of settings has to say whose they are.
template <class Base>
struct strict_owner : Base {
    using Base::Base;

protected:
    result<> check_owner(json::fields const& put, std::string const& user_id) override {
        if (!put.find("user_id")) return error{fail(errc::invalid_body, "/user_id must be present")};
        return Base::check_owner(put, user_id);
    }
};

/// Settings that it does not know are not kept.
template <class Base>
struct known_settings : Base {
    using Base::Base;

protected:
    json::object merged(json::object held, json::object const& put) override {
        json::object known;
        for (auto const& m : put)
            if (this->defaults().contains(m.key())) known[m.key()] = m.value();
        return Base::merged(std::move(held), known);
    }
};

/// Consent is looked at before anything of a push but its signature.
template <class Base>
struct consent_first : Base {
    using Base::Base;

protected:
    result<> check_budget(call const& c, peer_record const& peer) override { return this->lets(peer.user_id, "sync_conversations") ? Base::check_budget(c, peer) : result<>{this->refusal()}; }
};

/// A stream that the user does not want is opened, and closed at once.
template <class Base>
struct closes_streams : Base {
    using Base::Base;

protected:
    bool lets(std::string const& user_id, std::string_view what) override { return (what == "sync_telemetry" && is_upgrade_) || Base::lets(user_id, what); }
    result<http_response> upgrade_telemetry(call const& c, std::string const& peer_id) override {
        is_upgrade_ = true;
        auto out = Base::upgrade_telemetry(c, peer_id);
        is_upgrade_ = false;
        return out;
    }

private:
    bool is_upgrade_ = false;
};

/// Refusals say which version is held.
template <class Base>
struct telling_refusals : Base {
    using Base::Base;

protected:
    json::array refuse(std::string const& user_id, tenant& incoming, instant now) override {
        json::array out = Base::refuse(user_id, incoming, now);
        tenant const& all = this->tenant_of(user_id);
        for (auto& one : out) {
            auto& o = one.as_object();
            auto const c = all.find(std::string{json::view(o.at("conversation_id").as_string())});
            if (c == all.end() || !o.contains("message_id")) continue;
            auto const m = c->second.messages.find(std::string{json::view(o.at("message_id").as_string())});
            if (m != c->second.messages.end()) o["local_version"] = m->second.version;
        }
        return out;
    }
};

// ---- retention ----------------------------------------------------------------------------------------------

/// A local backend lets its data expire.
template <class Base>
struct local_expiry : Base {
    using Base::Base;

protected:
    bool lets_expire() override { return true; }
};

/// Events are as old as they say.
template <class Base>
struct events_of_their_time : Base {
    using Base::Base;

protected:
    using Base::has_expired;
    bool has_expired(telemetry_event const& e, instant cutoff) override {
        auto const* text = json::find_string(e.received, "timestamp");
        auto const said = text ? this->timestamp(json::view(*text)) : this->timestamp("");
        return Base::has_expired(e, cutoff) || (said && *said <= cutoff);
    }
};

// ---- export and erasure -------------------------------------------------------------------------------------

/// A peer may export, and gets what it may see.
template <class Base>
struct peers_export : Base {
    using Base::Base;

protected:
    result<http_response> export_call(call const& c) override {
        BSP_TRY(principal const who, this->authenticate(c, user_may | peer_may));
        json::object all = this->exported(who.user_id, c.now);
        for (auto& one : all["conversations"].as_array()) one = this->outgoing(one.as_object(), who.peer, Base::outlet::read);
        this->record({c.now, "data_exported", c.peer_id, {{"conversations", all["conversations"].as_array().size()}}});
        return this->json_answer(200, std::move(all));
    }
};

/// An export has further members and deleted conversations, but nothing that lost.
template <class Base>
struct telling_exports : Base {
    using Base::Base;

protected:
    json::object exported(std::string const& user_id, instant now) override {
        json::object out = Base::exported(user_id, now);
        json::array conversations;
        for (auto& one : out["conversations"].as_array()) {
            one.as_object().erase("conflicts");
            conversations.push_back(std::move(one));
        }
        for (auto const& [id, c] : this->tenant_of(user_id)) {
            if (!c.winner.deleted) continue;
            json::object gone = this->emit_scalars(id, c);
            gone["surfaces"] = json::array{};
            gone["messages"] = json::array{};
            conversations.push_back(std::move(gone));
        }
        out["conversations"] = std::move(conversations);
        out["format"] = json::object{{"name", "bsp"}, {"revision", 1}};
        return out;
    }
};

/// The receipt of an erasure says no more than it must.
template <class Base>
struct short_receipts : Base {
    using Base::Base;

protected:
    json::object receipt_of_erasure(std::string const&, instant) override { return {{"status", "erased"}}; }
};

/// An erasure takes the settings with it.
template <class Base>
struct erases_settings : Base {
    using Base::Base;

protected:
    void erase(std::string const& user_id) override {
        Base::erase(user_id);
        this->said_.erase(user_id);
        this->settings_changed(user_id);
    }
};

/// What was erased and is pushed again leaves an empty conversation behind.
template <class Base>
struct blanks_after_erasure : Base {
    using Base::Base;

protected:
    json::array refuse(std::string const& user_id, tenant& incoming, instant now) override {
        for (auto& [id, c] : incoming) Base::make_blank(user_id, id, c);
        return Base::refuse(user_id, incoming, now);
    }
    bool make_blank(std::string const&, std::string const&, conversation&) override { return false; }
};

// ---- redaction ----------------------------------------------------------------------------------------------

/// It finds account numbers as well.
template <class Base>
struct finds_more : Base {
    using Base::Base;

protected:
    std::string redact_text(std::string text) override {
        text = Base::redact_text(std::move(text));
        std::string const mark = "IBAN ";
        for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += mark.size()) {
            std::size_t end = at + mark.size();
            while (end < text.size() && ((text[end] >= 'A' && text[end] <= 'Z') || (text[end] >= '0' && text[end] <= '9'))) ++end;
            if (end - at > mark.size() + 10) text.replace(at + mark.size(), end - at - mark.size(), "[REDACTED_IBAN]");
        }
        return text;
    }
};

/// Every message that goes to a hosted peer is marked, and no conversation.
template <class Base>
struct marks_messages : Base {
    using Base::Base;

protected:
    json::object redact_members(json::object o, bool is_message) override {
        bool const was_marked = o.contains("redacted");
        o = Base::redact_members(std::move(o), is_message);
        if (is_message) o["redacted"] = true;
        else if (!was_marked) o.erase("redacted");
        return o;
    }
};

/// Roles, labels and names of members are redacted like anything else.
template <class Base>
struct redacts_labels : Base {
    using Base::Base;

protected:
    bool stays_whole(std::string_view member, bool is_message) override { return member != "role" && member != "source_backend" && Base::stays_whole(member, is_message); }
    json::object redact_members(json::object o, bool is_message) override {
        json::object out;
        for (auto const& m : o) out[this->redact_text(std::string{json::view(m.key())})] = m.value();
        return Base::redact_members(std::move(out), is_message);
    }
};

/// The digest is of what is held, whoever asks.
template <class Base>
struct digest_of_originals : Base {
    using Base::Base;

protected:
    tenant digested(tenant const& all, peer_record const&) override { return all; }
};

}  // namespace

std::vector<liberty> privacy_liberties() {
    return {
        takes<telling_settings>("L-PRV-01", "settings, and the answer to their change, have further members", {"BSP-GEN-067", "BSP-PRV-001", "BSP-PRV-003"}),
        takes<strict_owner>("L-PRV-02", "a change of settings without user_id is refused", {"BSP-PRV-014"}),
        takes<known_settings>("L-PRV-03", "settings that are not known are not kept", {"BSP-PRV-009"}, setting::plain, {"prv/unknown-members-kept"}),
        takes<consent_first>("L-PRV-04", "consent is looked at before the content of a push", {"BSP-PRV-020"}, setting::plain, {"lim/paused"}),
        takes<closes_streams>("L-PRV-05", "a stream that the user does not want is opened and closed", {"BSP-PRV-025"}),
        takes<telling_refusals>("L-PRV-06", "refusals of items say which version is held", {"BSP-MRG-065", "BSP-PRV-034"}),
        takes<local_expiry>("L-PRV-07", "a local backend lets its data expire", {"BSP-PRV-059"}, setting::local),
        takes<events_of_their_time>("L-PRV-08", "events are as old as they say", {"BSP-PRV-058"}),
        takes<peers_export>("L-PRV-09", "a peer may export", {"BSP-PRV-077"}),
        takes<telling_exports>("L-PRV-10", "exports have further members and deleted conversations, and nothing that lost", {"BSP-PRV-070", "BSP-PRV-071"}),
        takes<short_receipts>("L-PRV-11", "the receipt of an erasure has its status only", {"BSP-PRV-081"}, setting::plain, {"prv/erase-receipt"}),
        takes<erases_settings>("L-PRV-12", "an erasure takes the settings with it", {"BSP-PRV-094"}, setting::plain, {"prv/erase-settings"}),
        takes<blanks_after_erasure>("L-PRV-13", "what was erased and is pushed again leaves an empty conversation", {"BSP-PRV-085", "BSP-PRV-086"}),
        takes<finds_more>("L-RED-01", "more is found than the corpus has", {"BSP-RED-009"}),
        takes<marks_messages>("L-RED-02", "every message for a hosted peer is marked, and no conversation", {"BSP-RED-020", "BSP-RED-021"}, setting::plain, {"red/pull-wholes-unmarked", "red/push-wholes-unmarked"}),
        takes<redacts_labels>("L-RED-03", "roles, labels and names of members are redacted", {"BSP-RED-015"}, setting::plain, {"red/pull-labels-stay", "red/push-labels-stay", "red/digest"}),
        takes<digest_of_originals>("L-RED-04", "the digest is of the originals", {"BSP-RED-033"}, setting::plain, {"red/digest"}),
        takes_all<telling_settings, strict_owner, known_settings, consent_first, closes_streams, telling_refusals, events_of_their_time, peers_export, telling_exports, short_receipts, erases_settings, blanks_after_erasure, finds_more>(
            "L-PRV-98", "liberties of privacy, all at once", setting::plain, {"prv/unknown-members-kept", "prv/erase-receipt", "prv/erase-settings", "lim/paused"}),
        takes_all<marks_messages, redacts_labels, digest_of_originals>("L-RED-98", "liberties of redaction that take no advice, all at once", setting::plain, {"red/pull-wholes-unmarked", "red/push-wholes-unmarked", "red/pull-labels-stay", "red/push-labels-stay", "red/digest"}),
        takes_all<local_expiry, telling_settings, consent_first, peers_export, telling_exports>("L-PRV-99", "liberties of privacy of a local backend, all at once", setting::local, {"lim/paused"}),
    };
}

}  // namespace bsp::faulty
