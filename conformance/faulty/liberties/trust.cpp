#include "../liberties.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/spki.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

/// Liberties in identities, registrations, credentials and keys.
namespace bsp::faulty {

namespace {

// ---- identity ----

template <class Base>
struct bare_identity : Base {
    using Base::Base;

protected:
    json::object identity(call const& c) override {
        auto out = Base::identity(c);
        out.erase("epoch");
        out["capabilities"] = json::array{};
        return out;
    }
    std::string epoch() override { return ""; }
    json::object feed_page(call const& c, feed_query const& asked) override {
        auto out = Base::feed_page(c, asked);
        out.erase("epoch");
        return out;
    }
};

template <class Base>
struct large_identity : Base {
    explicit large_identity(settings s) : Base{std::move(s)} {
        this->backend_id_ = this->config().backend_type + "_sha256_" + random_hex(32);
        this->created_ = instant{1'262'304'000, 1};
    }

protected:
    json::object identity(call const& c) override {
        auto out = Base::identity(c);
        auto& all = out["capabilities"].as_array();
        for (int i = 0; all.size() < 64; ++i) all.emplace_back("x_" + std::to_string(i) + "_\u00e9\U0001F642" + std::string(static_cast<std::size_t>(i), 'c'));
        out["name"] = "the backend in the cellar";
        out["contact"] = nullptr;
        std::string pem;
        for (char const ch : this->key().public_key().pem()) pem += ch == '\n' ? std::string{"\r\n"} : std::string{ch};
        pem.resize(pem.size() - 2);
        out["public_key"] = pem;
        return out;
    }
};

settings with_key(settings s, rsa_private_key const& key) {
    s.key = key;
    return s;
}

template <class Base>
struct large_key : Base {
    explicit large_key(settings s) : Base{with_key(std::move(s), made())} {}

private:
    static rsa_private_key const& made() {
        static auto const key = rsa_private_key::generate(4096);
        return key;
    }
};

template <class Base>
struct small_exponent : Base {
    explicit small_exponent(settings s) : Base{with_key(std::move(s), made())} {}

private:
    static rsa_private_key const& made() {
        static auto const key = [] {
            CryptoPP::RSA::PrivateKey numbers;
            numbers.Initialize(detail::thread_generator(), 3072, 3);
            CryptoPP::ByteQueue queue;
            numbers.Save(queue);
            CryptoPP::SecByteBlock der{static_cast<std::size_t>(queue.CurrentSize())};
            queue.Get(der.data(), der.size());
            return rsa_private_key::from_pem(detail::write_pem({der.data(), der.size()}, "PRIVATE KEY")).value();
        }();
        return key;
    }
};

/// BSP-ID-024.
template <class Base>
struct any_lines : Base {
    using Base::Base;

protected:
    result<rsa_public_key> read_key(std::string const& pem) override {
        if (auto exact = Base::read_key(pem)) return exact;
        static constexpr std::string_view begin = "-----BEGIN PUBLIC KEY-----", end = "-----END PUBLIC KEY-----", space = " \t\r\n";
        auto const first = pem.find_first_not_of(space), last = pem.find_last_not_of(space);
        if (pem.size() > 4096 || first == pem.npos || pem.compare(first, begin.size(), begin) != 0 || last + 1 < end.size() || pem.compare(last + 1 - end.size(), end.size(), end) != 0) return Base::read_key(pem);
        std::string digits, text{begin};
        for (char const c : pem.substr(first + begin.size(), last + 1 - end.size() - first - begin.size()))
            if (space.find(c) == space.npos) digits += c;
        for (std::size_t at = 0; at < digits.size(); at += 64) text += '\n' + digits.substr(at, 64);
        return Base::read_key(text + '\n' + std::string{end} + '\n');
    }
};

// ---- registration ----

template <class Base>
struct long_peer_ids : Base {
    using Base::Base;

protected:
    std::string new_peer_id(claimed_identity const&) override { return "peer_" + random_hex(62).substr(1); }
};

/// A shard and the time before 128 random bits.
template <class Base>
struct sorted_peer_ids : Base {
    using Base::Base;

protected:
    std::string new_peer_id(claimed_identity const&) override {
        char time[32];
        std::snprintf(time, sizeof time, "%012llx", static_cast<unsigned long long>(system_now().seconds) * 1'000);
        return "peer_00000000000000a7" + std::string{time} + random_hex(16);
    }
};

template <class Base>
struct other_registration_answers : Base {
    using Base::Base;

protected:
    json::object registration_answer(call const& c, peer_record const& peer, std::optional<std::string> const& challenge) override {
        auto out = Base::registration_answer(c, peer, challenge);
        auto const& base = this->config().base_url;
        if (base.starts_with("http")) out["telemetry_endpoint"] = "ws" + base.substr(4) + "/telemetry/" + peer.peer_id;
        out["sync_interval_ms"] = peer.registered.nanoseconds % 2 == 0 ? 300'000 : 1'000;
        if (auto const* id = peer.sbt.if_contains("sbt_id")) out["sbt_id"] = *id;
        out["expires_at"] = format_timestamp(peer.sbt_expires);
        out["endpoints"] = json::object{{"sync", out["sync_endpoint"]}};
        return out;
    }
};

template <class Base>
struct other_peer_lists : Base {
    using Base::Base;

protected:
    json::object peer_entry(peer_record const& peer) override {
        auto out = Base::peer_entry(peer);
        if (peer.former.empty()) out["public_key"] = peer.key_text;
        auto t = peer.registered;
        t.nanoseconds = 0;
        out["registered_at"] = format_timestamp(t);
        out["label"] = nullptr;
        out["last_seen"] = format_timestamp(system_now());
        out["key_sha256"] = to_hex(peer.key.sha256());
        out["status"] = "active";
        return out;
    }
    typename Base::answer list_peers(call const& c) override {
        auto r = Base::list_peers(c);
        if (!r) return r;
        auto body = json::parse(r->body).value().as_object();
        auto& peers = body.at("peers").as_array();
        std::reverse(peers.begin(), peers.end());
        body["total"] = peers.size();
        return this->json_answer(200, body);
    }
};

template <class Base>
struct revoked_first : Base {
    using Base::Base;

protected:
    typename Base::answer register_peer(call const& c) override {
        auto const body = json::parse(c.request.body);
        auto const* root = body ? body->if_object() : nullptr;
        auto const* who = root ? root->if_contains("backend_identity") : nullptr;
        auto const* id = who && who->is_object() ? json::find_string(who->get_object(), "backend_id") : nullptr;
        if (id && this->held().revoked_backends.contains(std::string{json::view(*id)})) return fail(errc::peer_revoked, "this backend has been revoked");
        return Base::register_peer(c);
    }
};

template <class Base>
struct revoked_are_unknown : Base {
    using Base::Base;

protected:
    result<> check_not_revoked(peer_record const& peer) override {
        if (peer.revoked) return fail(errc::unknown_peer, "no such peer");
        return ok();
    }
};

template <class Base>
struct others_are_forbidden : Base {
    using Base::Base;

protected:
    typename Base::answer delete_peer(call const& c, std::string const& peer_id) override {
        auto const held = this->held().peers.find(peer_id);
        bool const there = held != this->held().peers.end() && !held->second.revoked;
        auto r = Base::delete_peer(c, peer_id);
        if (!r && r.error().code == errc::unknown_peer && there) return fail(errc::forbidden, "this is not yours");
        return r;
    }
    result<> check_path_peer(assertion const& a, peer_record const* of_path) override {
        if (of_path && a.sub != of_path->peer_id) return fail(errc::forbidden, "this is not your path");
        return ok();
    }
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        auto const* field = c.request.headers.find("Authorization");
        if (field && field->starts_with("Bearer ") && *field == "Bearer " + this->config().admin_token && !(who_may & admin_may)) return fail(errc::forbidden, "not for administrators");
        return Base::authenticate(c, who_may, of_path);
    }
};

/// BSP-REG-042.
template <class Base>
struct expired_may_leave : Base {
    using Base::Base;

protected:
    typename Base::answer delete_peer(call const& c, std::string const& peer_id) override {
        leaves_ = true;
        auto r = Base::delete_peer(c, peer_id);
        leaves_ = false;
        return r;
    }
    result<> check_not_expired(peer_record const& peer, instant now) override { return leaves_ ? result<>{} : Base::check_not_expired(peer, now); }

private:
    bool leaves_ = false;
};

/// Capabilities of an older token are taken, too: BSP-REG-027 speaks of those that are not older.
template <class Base>
struct latest_capabilities : Base {
    using Base::Base;

protected:
    void renew(peer_record& held, claimed_identity const& who, token const& t) override {
        Base::renew(held, who, t);
        held.capabilities = who.capabilities;
    }
};

/// BSP-SBT-013 and BSP-AUT-054 are advice: what costs least comes first.
template <class Base>
struct cheap_checks_first : Base {
    using Base::Base;

protected:
    result<> verify_token(token const& t, instant now) override {
        BSP_CHECK(this->check_unexpired(t, now));
        BSP_CHECK(this->check_lifetime(t));
        BSP_CHECK(this->check_created(t, now));
        if (t.slot(this->config().backend_type) != this->backend_id()) return fail(errc::wrong_audience, "the token does not name this backend");
        return this->check_mac(t);
    }
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        BSP_CHECK(this->check_payload_audience(body, peer));
        BSP_CHECK(this->check_no_typ(body));
        json::fields const f{body};
        BSP_CHECK(this->identifier_of(f, "sync_id"));
        BSP_CHECK(this->instant_of(f, "timestamp"));
        return Base::verify_payload(c, body, peer);
    }
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        if (c.request.headers.find("Authorization")) BSP_CHECK(this->limit_of(c));
        return Base::authenticate(c, who_may, of_path);
    }
};

// ---- credentials ----

template <class Base>
struct empty_signature_counts : Base {
    using Base::Base;

protected:
    bool payload_signature_verifies(json::object const& body, std::string const& text, bytes const& signature, peer_record const& peer) override {
        if (Base::payload_signature_verifies(body, text, signature, peer)) return true;
        auto with_empty = body;
        with_empty["signature"] = "";
        auto const other = this->canonical(with_empty);
        return other && Base::payload_signature_verifies(body, *other, signature, peer);
    }
};

template <class Base>
struct reads_may_repeat : Base {
    using Base::Base;

protected:
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        auto const r = Base::claim_jti(c, issuer, a);
        return c.request.method == "GET" && !c.request.headers.find("Upgrade") ? ok() : r;
    }
};

template <class Base>
struct issuers_by_name : Base {
    using Base::Base;

protected:
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return Base::claim_jti(c, a.has_iss ? a.iss : issuer, a); }
};

/// RFC 3986, section 6.2.2: escapes of unreserved characters are those characters, and the digits of others are in capitals.
std::string with_one_spelling(std::string_view target) {
    std::string out;
    auto const digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; };
    for (std::size_t at = 0; at < target.size(); ++at) {
        if (target[at] != '%' || at + 2 >= target.size() || digit(target[at + 1]) < 0 || digit(target[at + 2]) < 0) {
            out += target[at];
            continue;
        }
        auto const c = static_cast<char>(digit(target[at + 1]) * 16 + digit(target[at + 2]));
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') out += c;
        else
            for (char const part : target.substr(at, 3)) out += static_cast<char>(part >= 'a' ? part - 32 : part);
        at += 2;
    }
    return out;
}

/// What a URL library makes of it: no origin, and an empty query is none.
std::string_view path_and_query(std::string_view text) {
    if (auto const scheme = text.find("://"); scheme != text.npos && scheme < text.find('/')) {
        auto const slash = text.find('/', scheme + 3);
        text = slash == text.npos ? std::string_view{"/"} : text.substr(slash);
    }
    if (text.ends_with('?')) text.remove_suffix(1);
    return text;
}

template <class Base>
struct one_spelling_of_targets : Base {
    using Base::Base;

protected:
    result<> check_target(call const& c, assertion const& a) override {
        if (a.htu.empty() || with_one_spelling(path_and_query(a.htu)) != with_one_spelling(path_and_query(c.request.target))) return Base::check_target(c, a);
        return ok();
    }
};

template <class Base>
struct lax_assertions : Base {
    using Base::Base;

protected:
    std::optional<bytes> decode_part(std::string_view text) override {
        while (text.ends_with('=')) text.remove_suffix(1);
        return Base::decode_part(text);
    }
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        auto const* token = c.parameter("admin_token");
        if (token && (who_may & admin_may) && !c.request.headers.find("Authorization")) return this->authenticate_admin(*token);
        return Base::authenticate(c, who_may, of_path);
    }
};

/// BSP-AUT-005.
template <class Base>
struct logins_of_its_own : Base {
    using Base::Base;

protected:
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        auto const* field = c.request.headers.find("Authorization");
        if (field && (who_may & user_may) && field->starts_with("Basic ") && c.request.headers.count("Authorization") == 1) {
            auto const pair = from_base64(std::string_view{*field}.substr(6));
            std::string const text = pair ? std::string{pair->begin(), pair->end()} : "";
            auto const colon = text.find(':');
            auto const secret = colon == text.npos ? std::nullopt : this->secret_of(text.substr(0, colon));
            if (secret && *secret == text.substr(colon + 1)) return principal{principal::user_kind, text.substr(0, colon), nullptr};
        }
        return Base::authenticate(c, who_may, of_path);
    }
};

/// The old door of section 6.3.
template <class Base>
struct alias_is_open : Base {
    using Base::Base;

protected:
    typename Base::answer push_alias(call const& c) override {
        if (c.request.method != "POST") return this->not_found(c);
        BSP_CHECK(this->check_coding(c));
        BSP_CHECK(this->check_media_type(c));
        BSP_TRY(json::object const body, this->parse_object(c));
        auto const* source = json::find_string(body, "source_backend_id");
        bool known = false;
        std::string found;
        for (auto const& [id, peer] : this->held().peers) {
            if (!source || peer.backend_id != json::view(*source)) continue;
            known = true;
            if (!this->verify_payload(c, body, peer)) continue;
            if (!found.empty()) return fail(errc::forbidden, "two registrations fit");
            found = id;
        }
        if (!found.empty()) return this->push(c, found);
        if (known) return fail(errc::invalid_signature, "the signature does not verify");
        return fail(errc::forbidden, "this backend is not registered");
    }
};

// ---- keys ----

template <errc Code>
struct without_rotation {
    template <class Base>
    struct step : Base {
        using Base::Base;

    protected:
        typename Base::answer rotate_key(call const&, std::string const&) override { return fail(Code, "there is no such thing here"); }
        json::object identity(call const& c) override {
            auto out = Base::identity(c);
            out["capabilities"] = json::array{"conversation_storage"};
            return out;
        }
    };
};
template <class Base>
struct no_rotation : without_rotation<errc::not_found>::step<Base> {
    using without_rotation<errc::not_found>::step<Base>::step;
};

template <class Base>
struct keys_may_come_back : Base {
    using Base::Base;

protected:
    result<> check_new_key(rsa_public_key const& next, peer_record const& peer) override {
        if (this->held().revoked_keys.contains(next.sha256())) return fail(errc::forbidden, "the new key is revoked");
        (void)peer;
        return ok();
    }
    bool counts(peer_record const& peer, former_key const& k, instant now) override { return k.key == peer.key || Base::counts(peer, k, now); }
};

template <class Base>
struct one_key_before : Base {
    using Base::Base;

protected:
    std::size_t former_keys_max() override { return 1; }
    bool still_counts(peer_record const&, sha256_digest const&, instant) override { return true; }
    result<> check_notice_fresh(rotation_notice const& n, instant now) override {
        if (n.grace_ends < n.rotated) return fail(errc::invalid_body, "/grace_expires_at is earlier than /rotated_at");
        return Base::check_notice_fresh(n, now);
    }
    json::object rotation_answer(peer_record const& peer, instant until) override {
        auto out = Base::rotation_answer(peer, until);
        out["public_key"] = peer.key.pem();
        out["key_sha256"] = to_hex(peer.key.sha256());
        return out;
    }
    json::object identity(call const& c) override {
        auto out = Base::identity(c);
        out["capabilities"] = json::array{"conversation_storage", "live_pull"};
        return out;
    }
};

template <class Base>
struct expired_do_not_rotate : Base {
    using Base::Base;

protected:
    result<> check_notice_fresh(rotation_notice const& n, instant now) override {
        BSP_CHECK(Base::check_notice_fresh(n, now));
        auto const found = this->held().peers.find(n.peer_id);
        return found == this->held().peers.end() ? ok() : this->check_not_expired(found->second, now);
    }
};

}  // namespace

std::vector<liberty> trust_liberties() {
    return {
        takes<bare_identity>("L-ID-01", "no epoch, and no capabilities though there is what they name", {"BSP-ID-002", "BSP-ID-018"}),
        takes<large_identity>("L-ID-02", "64 capabilities, a backend_id of 64 digits, a key with CRLF, created years ago", {"BSP-ID-002", "BSP-ID-007", "BSP-ID-017", "BSP-ID-021"}),
        takes<large_key>("L-ID-03", "a key of 4096 bits", {"BSP-ID-021"}),
        takes<small_exponent>("L-ID-04", "a key of 3072 bits with the exponent 3", {"BSP-ID-021", "BSP-ID-025"}),
        takes<any_lines>("L-ID-05", "accepts keys with lines of any length, in white space", {"BSP-ID-024"}),
        takes<long_peer_ids>("L-REG-01", "peer ids of 128 characters", {"BSP-REG-007"}),
        takes<sorted_peer_ids>("L-REG-02", "peer ids begin with a shard and the time, before 128 random bits", {"BSP-REG-007", "BSP-REG-008"}),
        takes<other_registration_answers>("L-REG-03", "telemetry at ws://, intervals of 1 s and of 300 s, and further members", {"BSP-REG-001", "BSP-REG-016", "BSP-REG-017", "BSP-REG-018"}, setting::plain, {"syn/pace"}),
        takes<other_peer_lists>("L-REG-04", "peers in another order, with keys as they came, whole seconds and further members", {"BSP-REG-034"}),
        takes<revoked_first>("L-REG-05", "refuses a revoked backend before it looks at anything else", {"BSP-REG-051", "BSP-REG-053"}),
        takes<revoked_are_unknown>("L-REG-06", "a revoked peer is unknown", {"BSP-REG-054"}),
        takes<others_are_forbidden>("L-REG-07", "403 for what belongs to others, and for those who may not", {"BSP-REG-040", "BSP-AUT-003", "BSP-AUT-027"}),
        takes<expired_may_leave>("L-REG-08", "an expired peer may unpair", {"BSP-REG-042"}),
        takes<latest_capabilities>("L-REG-09", "capabilities that come with an older token are stored, too", {"BSP-REG-026", "BSP-REG-027"}),
        takes<cheap_checks_first>("L-AUT-01", "what costs least is checked first", {"BSP-AUT-054", "BSP-SBT-013"}, setting::plain, {"aut/order-of-checks", "sbt/order-of-steps"}),
        takes<empty_signature_counts>("L-AUT-02", "accepts signatures over an empty signature", {"BSP-AUT-013"}),
        takes<reads_may_repeat>("L-AUT-03", "assertions of reads may be used again", {"BSP-AUT-045"}, setting::plain, {"aut/jti-reads", "aut/jti-while-held"}),
        takes<issuers_by_name>("L-AUT-04", "the issuer of a jti is who iss says", {"BSP-AUT-044", "BSP-AUT-046"}),
        takes<one_spelling_of_targets>("L-AUT-05", "targets are taken apart as URLs and brought to one spelling before they are compared", {"BSP-AUT-060"}, setting::plain, {"aut/htu-octets"}),
        takes<lax_assertions>("L-AUT-06", "JWS may be padded, and an administrator's token may be in the query", {"BSP-AUT-061", "BSP-AUT-053"}, setting::plain, {"aut/lenient-form", "peer/admin-token-in-query"}),
        takes<logins_of_its_own>("L-AUT-07", "users may log in with Basic", {"BSP-AUT-005"}),
        takes<alias_is_open>("L-AUT-08", "POST /sync is served", {"BSP-AUT-015", "BSP-AUT-016"}),
        takes<no_rotation>("L-ROT-01", "no rotation of keys", {"BSP-ROT-001"}),
        takes<keys_may_come_back>("L-ROT-02", "previous keys and the current one may be the new key", {"BSP-ROT-019", "BSP-ROT-020", "BSP-ROT-037"}, setting::plain, {"rot/same-key"}),
        takes<one_key_before>("L-ROT-03", "one previous key, connections stay, no grace before the notice, not declared", {"BSP-ROT-035", "BSP-ROT-039", "BSP-ROT-020"}, setting::plain, {"rot/last-but-one", "rot/streams-end", "rot/held-pull-ends"}),
        takes<expired_do_not_rotate>("L-ROT-04", "an expired peer cannot rotate", {"BSP-ROT-014"}),
        takes_all<large_identity, large_key, any_lines, sorted_peer_ids, other_registration_answers, other_peer_lists, revoked_first, revoked_are_unknown, others_are_forbidden, expired_may_leave, latest_capabilities, cheap_checks_first,
                  empty_signature_counts, reads_may_repeat, issuers_by_name, one_spelling_of_targets, lax_assertions, logins_of_its_own, alias_is_open, keys_may_come_back, expired_do_not_rotate>(
            "L-REG-99", "the liberties of identities, registrations, credentials and keys, all at once", setting::plain,
            {"aut/order-of-checks", "sbt/order-of-steps", "aut/jti-reads", "aut/jti-while-held", "aut/htu-octets", "aut/lenient-form", "peer/admin-token-in-query", "rot/same-key", "syn/pace"}),
    };
}

}  // namespace bsp::faulty
