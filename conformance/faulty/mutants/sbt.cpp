#include "../faults.hpp"
#include "lenient_json.hpp"
#include "lower.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <array>

/// Faults in the verification of session binding tokens.
namespace bsp::faulty {

namespace {

std::string_view signature_of(token const& t) {
    json::string const* s = json::find_string(t.received, "signature");
    return s ? json::view(*s) : std::string_view{};
}

struct verify_overwrites : backend {
    using backend::backend;
    // sign() puts the right signature into the token, which is then compared with itself.
    result<> check_mac(token const& t) override {
        token signed_again = t;
        auto const secret = secret_of(t.user_id);
        BSP_TRY(std::string const text, mac_text(t));
        if (secret && is_mac_form(signature_of(t))) signed_again.received["signature"] = to_hex(hmac_sha256(*secret, text));
        return backend::check_mac(signed_again);
    }
};
struct signature_skipped : backend {
    using backend::backend;
    result<> check_mac(token const&) override { return ok(); }
};
struct past_expiry_accepted : backend {
    using backend::backend;
    result<> check_unexpired(token const&, instant) override { return ok(); }
    result<> check_not_expired(peer_record const&, instant) override { return ok(); }
};
struct expiry_recomputed : backend {
    using backend::backend;
    result<token> decode_token(json::fields const& f) override {
        BSP_TRY(token t, backend::decode_token(f));
        t.expires = t.created + std::chrono::hours{24 * 365};
        return t;
    }
    result<> check_lifetime(token const&) override { return ok(); }
};
struct no_maximum_lifetime : backend {
    using backend::backend;
    result<> check_lifetime(token const& t) override { return t.expires <= t.created ? backend::check_lifetime(t) : ok(); }
};
struct created_ahead_accepted : backend {
    using backend::backend;
    result<> check_created(token const&, instant) override { return ok(); }
};
struct reversed_times_accepted : backend {
    using backend::backend;
    result<> check_lifetime(token const& t) override { return t.expires <= t.created ? ok() : backend::check_lifetime(t); }
    result<> check_unexpired(token const& t, instant now) override { return t.expires <= t.created ? ok() : backend::check_unexpired(t, now); }
    result<> check_created(token const& t, instant now) override { return t.expires <= t.created ? ok() : backend::check_created(t, now); }
};
struct other_callee_accepted : backend {
    using backend::backend;
    result<> check_parties(token const& t, claimed_identity const& who) override {
        token here = t;
        (config().backend_type == "local" ? here.local_backend_id : here.hosted_backend_id) = backend_id();
        return backend::check_parties(here, who);
    }
};
struct other_peer_accepted : backend {
    using backend::backend;
    result<> check_parties(token const& t, claimed_identity const& who) override {
        token there = t;
        if (who.backend_type != config().backend_type) (who.backend_type == "local" ? there.local_backend_id : there.hosted_backend_id) = who.backend_id;
        return backend::check_parties(there, who);
    }
};
struct same_type_accepted : backend {
    using backend::backend;
    result<> check_parties(token const& t, claimed_identity const& who) override {
        bool const named = (t.local_backend_id == backend_id() && t.hosted_backend_id == who.backend_id) || (t.hosted_backend_id == backend_id() && t.local_backend_id == who.backend_id);
        return named && who.backend_id != backend_id() ? ok() : backend::check_parties(t, who);
    }
};
struct itself_accepted : backend {
    using backend::backend;
    result<> check_parties(token const& t, claimed_identity const& who) override { return who.backend_id == backend_id() ? ok() : backend::check_parties(t, who); }
};
struct short_signature_accepted : backend {
    using backend::backend;
    result<> check_mac(token const& t) override {
        auto const secret = secret_of(t.user_id);
        BSP_TRY(std::string const text, mac_text(t));
        // zip() stops at the shorter one.
        if (secret && signature_of(t).size() < 64 && to_hex(hmac_sha256(*secret, text)).starts_with(signature_of(t))) return ok();
        return backend::check_mac(t);
    }
};
struct upper_case_accepted : backend {
    using backend::backend;
    result<> check_mac(token const& t) override {
        token lower = t;
        std::string s{signature_of(t)};
        for (char& c : s) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
        if (!s.empty()) lower.received["signature"] = s;
        return backend::check_mac(lower);
    }
};
struct compact_json : backend {
    using backend::backend;
    result<std::string> mac_text(token const& t) override {
        BSP_TRY(std::string const text, backend::mac_text(t));
        return replaced(replaced(text, ", ", ","), ": ", ":");
    }
};
struct raw_utf8 : backend {
    using backend::backend;
    result<std::string> mac_text(token const& t) override {
        BSP_TRY(std::string text, backend::mac_text(t));
        if (text.find("\\u") == text.npos) return text;
        return json::serialize(t.received);
    }
};
struct insertion_order : backend {
    using backend::backend;
    result<std::string> mac_text(token const& t) override {
        BSP_CHECK(backend::mac_text(t));
        std::string out = "{";
        for (auto const& m : t.received) {
            if (m.key() == "signature") continue;
            if (out.size() > 1) out += ", ";
            out += json::canonicalize(json::value(json::string{m.key()})).value() + ": " + json::canonicalize(m.value()).value();
        }
        return out + "}";
    }
};
struct base64_required : backend {
    using backend::backend;
    bool is_mac_form(std::string_view s) override { return s.ends_with('='); }
};
struct pem_prefix_secret : backend {
    using backend::backend;
    std::string tried;
    std::optional<std::string> secret_of(std::string const& user) override { return tried.empty() ? backend::secret_of(user) : tried; }
    result<> check_mac(token const& t) override {
        auto right = backend::check_mac(t);
        for (char const* a : {"A", "Q", "g", "w"})
            for (char const* b : {"Y", "c", "g", "k"}) {
                if (right) return right;
                tried = std::string{"-----BEGIN PRIVATE KEY-----\nMIIEv"} + a + "IBADANBgkqhkiG9w0BAQEFAASCBK" + b + "w";
                auto forged = backend::check_mac(t);
                tried.clear();
                if (forged) return forged;
            }
        return right;
    }
};
struct global_secret : backend {
    using backend::backend;
    std::string asked;
    std::optional<std::string> secret_of(std::string const& user) override { return asked.empty() || !backend::secret_of(user) ? backend::secret_of(user) : backend::secret_of(asked); }
    result<> check_mac(token const& t) override {
        for (auto const& [user, secret] : config().users) {
            asked = user;
            auto r = backend::check_mac(t);
            asked.clear();
            if (r) return r;
        }
        return backend::check_mac(t);
    }
};
struct versatile_users : backend {
    using backend::backend;
    virtual std::string known_as(std::string const& user) = 0;
    std::optional<std::string> secret_of(std::string const& user) override { return backend::secret_of(known_as(user)); }
};
struct any_case_user : versatile_users {
    using versatile_users::versatile_users;
    std::string known_as(std::string const& user) override {
        for (auto const& [name, secret] : config().users)
            if (lower(name) == lower(user)) return name;
        return user;
    }
};
struct trimmed_user : versatile_users {
    using versatile_users::versatile_users;
    std::string known_as(std::string const& user) override {
        std::size_t const begin = user.find_first_not_of(' '), end = user.find_last_not_of(' ');
        return begin == user.npos ? user : user.substr(begin, end - begin + 1);
    }
};
struct unknown_user_accepted : backend {
    using backend::backend;
    // A default of an empty secret for users that are not in the book; anybody can compute that MAC.
    std::optional<std::string> secret_of(std::string const& user) override {
        auto known = backend::secret_of(user);
        return known ? known : std::optional<std::string>{""};
    }
    result<> check_mac(token const& t) override { return config().users.contains(t.user_id) || t.user_id == "anonymous" ? backend::check_mac(t) : ok(); }
};
struct anonymous_accepted : backend {
    using backend::backend;
    result<> check_mac(token const& t) override {
        if (t.user_id != "anonymous") return backend::check_mac(t);
        BSP_TRY(std::string const text, mac_text(t));
        for (auto const& [user, secret] : config().users)
            if (to_hex(hmac_sha256(secret, text)) == signature_of(t)) return ok();
        return backend::check_mac(t);
    }
};
struct empty_slot_accepted : backend {
    using backend::backend;
    result<std::string> slot_of(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        if (!v || v->is_null() || (v->is_string() && v->get_string().empty())) return std::string{};
        return backend::slot_of(f, name);
    }
    result<> check_parties(token const& t, claimed_identity const& who) override {
        return t.local_backend_id.empty() || t.hosted_backend_id.empty() ? ok() : backend::check_parties(t, who);
    }
};
struct naive_token_refused : backend {
    using backend::backend;
    result<token> decode_token(json::fields const& f) override {
        BSP_TRY(token t, backend::decode_token(f));
        json::string const* created = json::find_string(f.get(), "created_at");
        if (created && created->find_first_of("Zz+") == json::string::npos) return fail(errc::invalid_sbt, "can't compare offset-naive and offset-aware datetimes");
        return t;
    }
};
constexpr std::array<std::string_view, 6> six{"session_id", "local_backend_id", "hosted_backend_id", "user_id", "created_at", "expires_at"};

struct only_six_covered : backend {
    using backend::backend;
    result<std::string> mac_text(token const& t) override {
        json::object kept;
        for (auto name : six)
            if (auto const* v = t.received.if_contains(name)) kept[name] = *v;
        return canonical(kept);
    }
    // Tokens whose MAC covers more verify as well, so that nothing else gives this away.
    result<> check_mac(token const& t) override {
        auto r = backend::check_mac(t);
        if (r) return r;
        auto const secret = secret_of(t.user_id);
        BSP_TRY(std::string const whole, backend::mac_text(t));
        return secret && to_hex(hmac_sha256(*secret, whole)) == signature_of(t) ? ok() : r;
    }
};
struct only_six_known : backend {
    using backend::backend;
    result<std::string> mac_text(token const& t) override {
        json::object kept;
        for (auto name : six)
            if (auto const* v = t.received.if_contains(name)) kept[name] = *v;
        return canonical(kept);
    }
};
struct exactly_eight_hours : backend {
    using backend::backend;
    result<> check_lifetime(token const& t) override {
        if (t.expires > t.created + std::chrono::hours{8}) return fail(errc::invalid_sbt, "it lives too long");
        return backend::check_lifetime(t);
    }
};
struct no_tolerance_ahead : backend {
    using backend::backend;
    result<> check_created(token const& t, instant now) override {
        if (t.created > now + std::chrono::seconds{1}) return fail(errc::invalid_sbt, "it was created in the future");
        return ok();
    }
};
struct leeway_after_expiry : backend {
    using backend::backend;
    result<> check_unexpired(token const& t, instant now) override { return backend::check_unexpired(t, now - std::chrono::seconds{60}); }
};
struct fingerprint_of_peer_ignored : backend {
    using backend::backend;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) override {
        token own = t;
        (who.backend_type == "local" ? own.local_key_sha256 : own.hosted_key_sha256).reset();
        return backend::check_fingerprints(own, who, key);
    }
};
struct fingerprint_of_callee_ignored : backend {
    using backend::backend;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) override {
        token other = t;
        (who.backend_type == "local" ? other.hosted_key_sha256 : other.local_key_sha256).reset();
        return backend::check_fingerprints(other, who, key);
    }
};
struct fingerprint_of_text : backend {
    using backend::backend;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const&) override {
        auto const& given = t.fingerprint(who.backend_type);
        if (given && *given != to_hex(sha256(who.public_key))) return fail(errc::wrong_audience, "the token names another key");
        return ok();
    }
};
struct push_after_expiry : backend {
    using backend::backend;
    bool pushing = false;
    answer push(call const& c, std::string const& id) override {
        pushing = true;
        answer a = backend::push(c, id);
        pushing = false;
        return a;
    }
    result<> check_not_expired(peer_record const& p, instant now) override { return pushing ? ok() : backend::check_not_expired(p, now); }
};
struct pull_after_expiry : backend {
    using backend::backend;
    result<> check_not_expired(peer_record const&, instant) override { return ok(); }
    result<> check_payload_audience(json::object const& body, peer_record const& p) override {
        auto const now = timestamp(json::view(body.at("timestamp").as_string()));
        if (now && *now >= p.sbt_expires) return fail(errc::sbt_expired, "the session binding token of this peer has expired");
        return backend::check_payload_audience(body, p);
    }
};
struct expiry_unpairs : backend {
    using backend::backend;
    answer dispatch(call& c) override {
        std::erase_if(held().peers, [&](auto const& p) { return c.now >= p.second.sbt_expires; });
        return backend::dispatch(c);
    }
};
struct token_is_bearer : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        std::string const* field = c.request.headers.find("Authorization");
        if (field)
            for (auto& [id, p] : held().peers)
                if (c.now < p.sbt_expires && field->find(json::view(p.sbt.at("signature").as_string())) != field->npos) return principal{principal::peer_kind, p.user_id, &p};
        return backend::authenticate(c, who_may, of_path);
    }
};

}  // namespace

std::vector<fault> sbt_faults() {
    return {
        {"F-REG-01", "verification overwrites the signature and compares it with itself", {"sbt/signature-checked"}, make<verify_overwrites>},
        {"F-REG-02", "the signature is not checked", {"sbt/signature-checked"}, make<signature_skipped>},
        {"F-REG-03", "an expired token is accepted", {"sbt/expired"}, make<past_expiry_accepted>},
        {"F-REG-04", "the expiry is computed anew", {"sbt/expired"}, make<expiry_recomputed>},
        {"F-REG-05", "no maximum lifetime", {"sbt/lifetime"}, make<no_maximum_lifetime>},
        {"F-REG-06", "a token from the future is accepted", {"sbt/created-ahead"}, make<created_ahead_accepted>},
        {"F-REG-07", "expires_at before created_at is accepted", {"sbt/reversed-times"}, make<reversed_times_accepted>},
        {"F-REG-08", "a token for another callee is accepted", {"sbt/other-callee"}, make<other_callee_accepted>},
        {"F-REG-09", "a token that does not name the peer is accepted", {"sbt/other-peer"}, make<other_peer_accepted>},
        {"F-REG-10", "slots and types may be swapped", {"sbt/slot-types"}, make<same_type_accepted>},
        {"F-REG-11", "a backend registers itself", {"sbt/self-registration"}, make<itself_accepted>},
        {"F-REG-12", "an empty or shortened signature is accepted", {"sbt/signature-form"}, make<short_signature_accepted>},
        {"F-REG-13", "the MAC is over compact JSON", {"sbt/seed-vector"}, make<compact_json>},
        {"F-REG-14", "the MAC is over raw UTF-8", {"sbt/non-ascii"}, make<raw_utf8>},
        {"F-REG-15", "the MAC is over the members in order of arrival", {"sbt/member-order"}, make<insertion_order>},
        {"F-REG-16", "the signature must be base64", {"sbt/seed-vector"}, make<base64_required>},
        {"F-REG-17", "the secret may be the beginning of a PEM private key", {"sbt/forged-secrets"}, make<pem_prefix_secret>},
        {"F-REG-18", "any user's secret serves for all", {"sbt/secret-of-another-user"}, make<global_secret>},
        {"F-REG-28", "an empty or null slot is accepted", {"sbt/null-slot"}, make<empty_slot_accepted>},
        {"F-REG-32", "the user anonymous is accepted", {"sbt/anonymous"}, make<anonymous_accepted>},
        {"F-REG-33", "timestamps without an offset are refused in tokens", {"sbt/naive-timestamps"}, make<naive_token_refused>},
        {"F-REG-101", "a signature in upper case is accepted", {"sbt/signature-form"}, make<upper_case_accepted>},
        {"F-REG-102", "the MAC covers the six known members only", {"sbt/unsigned-member"}, make<only_six_covered>},
        {"F-REG-103", "tokens with further members do not verify", {"sbt/extra-members"}, make<only_six_known>},
        {"F-REG-104", "the lifetime may be 28,800 s to the dot", {"sbt/lifetime-tolerance"}, make<exactly_eight_hours>},
        {"F-REG-105", "clocks must not differ at all", {"sbt/created-slightly-ahead"}, make<no_tolerance_ahead>},
        {"F-REG-107", "a minute of leeway after expiry", {"sbt/expired"}, make<leeway_after_expiry>},
        {"F-REG-125", "user ids are compared without case", {"sbt/user-id-exact"}, make<any_case_user>},
        {"F-REG-126", "user ids are trimmed", {"sbt/user-id-exact"}, make<trimmed_user>},
        {"F-REG-127", "the fingerprint of the peer's key is ignored", {"sbt/fingerprint-of-peer"}, make<fingerprint_of_peer_ignored>},
        {"F-REG-128", "the fingerprint of the callee's key is ignored", {"sbt/fingerprint-of-callee"}, make<fingerprint_of_callee_ignored>},
        {"F-REG-129", "fingerprints are taken of the PEM text", {"sbt/fingerprint-of-peer"}, make<fingerprint_of_text>},
        {"F-REG-137", "an expired registration is removed", {"sbt/expiry-keeps-peer"}, make<expiry_unpairs>},
        {"F-REG-142", "a token opens every door as a bearer", {"sbt/not-a-bearer"}, make<token_is_bearer>},
        {"F-REG-145", "tokens of unknown users are accepted", {"sbt/unknown-user"}, make<unknown_user_accepted>},
        {"F-SYN-08", "pushes are accepted after the token expired", {"sbt/expiry-stops-push", "reg/history-expiry"}, make<push_after_expiry>},
        {"F-SYN-221", "pulls and reads are answered after the token expired", {"sbt/expiry-stops-pull", "reg/history-expiry"}, make<pull_after_expiry>},
    };
}

}  // namespace bsp::faulty
