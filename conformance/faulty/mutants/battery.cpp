#include "../faults.hpp"
#include "../private_backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>

#include <cryptopp/filters.h>
#include <cryptopp/queue.h>
#include <cryptopp/rsa.h>
#include <cryptopp/sha.h>

#include <algorithm>
#include <set>

/// Single narrow holes in who is let in: at one door, by a second, for half a hash, or by a memory of what was right once.
namespace bsp::faulty {

namespace {

using std::chrono::seconds;

std::string in_lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

std::string_view beginning(std::string_view text) { return text.substr(0, 16); }

struct jti_per_door : private_backend {
    using private_backend::private_backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return backend::claim_jti(c, issuer + ' ' + a.htm + ' ' + a.htu, a); }
};
struct jti_of_reads_apart : private_backend {
    using private_backend::private_backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return backend::claim_jti(c, issuer + (c.request.method == "GET" ? " reads" : ""), a); }
};
struct target_in_any_case : private_backend {
    using private_backend::private_backend;
    result<> check_target(call const& c, assertion const& a) override {
        return in_lower_case(a.htu) == in_lower_case(c.request.target) ? ok() : backend::check_target(c, a);
    }
};
struct iat_a_little_further : private_backend {
    using private_backend::private_backend;
    result<> check_times(call const& c, assertion const& a) override {
        assertion believed = a;
        if (instant{a.iat} <= c.now + seconds{320}) believed.iat = std::min(a.iat, c.now.seconds);
        return a.exp - a.iat > 300 || a.exp <= a.iat || believed.iat == a.iat ? backend::check_times(c, a) : ok();
    }
};
struct assertions_remembered : private_backend {
    using private_backend::private_backend;
    bool peer_signature_verifies(assertion const& a, peer_record const& p) override {
        if (known_.contains(a.signature)) return true;
        bool const good = backend::peer_signature_verifies(a, p);
        if (good) known_.insert(a.signature);
        return good;
    }
    std::set<bytes> known_;
};
struct payloads_remembered : private_backend {
    using private_backend::private_backend;
    bool payload_signature_verifies(json::object const& body, std::string const& text, bytes const& signature, peer_record const& peer) override {
        if (known_.contains({peer.peer_id, signature})) return true;
        bool const good = backend::payload_signature_verifies(body, text, signature, peer);
        if (good) known_.insert({peer.peer_id, signature});
        return good;
    }
    std::set<std::pair<std::string, bytes>> known_;
};
struct tokens_remembered : private_backend {
    using private_backend::private_backend;
    result<> check_mac(token const& t) override {
        json::string const* text = json::find_string(t.received, "signature");
        std::string const signature{text ? json::view(*text) : ""};
        if (known_.contains(signature)) return ok();
        BSP_CHECK(backend::check_mac(t));
        known_.insert(signature);
        return ok();
    }
    std::set<std::string> known_;
};
struct fingerprints_in_short : private_backend {
    using private_backend::private_backend;
    result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key) override {
        auto const matches = [](std::optional<std::string> const& given, rsa_public_key const& k) { return !given || beginning(*given) == beginning(to_hex(k.sha256())); };
        bool const good = matches(t.fingerprint(who.backend_type), key) && matches(t.fingerprint(config().backend_type), this->key().public_key());
        return good ? ok() : backend::check_fingerprints(t, who, key);
    }
};
struct target_in_short : private_backend {
    using private_backend::private_backend;
    result<> check_payload_audience(json::object const& body, peer_record const& peer) override {
        json::string const* given = json::find_string(body, "target_backend_id");
        auto believed = body;
        if (given && beginning(json::view(*given)) == beginning(backend_id())) believed["target_backend_id"] = backend_id();
        return backend::check_payload_audience(believed, peer);
    }
};
struct fresh_for_longer : private_backend {
    using private_backend::private_backend;
    result<> check_fresh(json::object const& body, instant now) override {
        auto const earlier = backend::check_fresh(body, now + -seconds{18}), later = backend::check_fresh(body, now + seconds{18});
        return earlier || later ? ok() : earlier;
    }
};
struct tokens_a_little_ahead : private_backend {
    using private_backend::private_backend;
    result<> check_created(token const& t, instant now) override { return backend::check_created(t, now + seconds{18}); }
};
struct settings_for_any_audience : private_backend {
    using private_backend::private_backend;
    result<> check_audience(assertion const& a) override { return a.htm == "PUT" && a.htu.ends_with("/privacy-settings") ? ok() : backend::check_audience(a); }
};
struct export_after_expiry : private_backend {
    using private_backend::private_backend;
    result<> check_times(call const& c, assertion const& a) override {
        bool const only_late = a.htu.ends_with("/privacy/export") && c.now >= instant{a.exp} && a.exp > a.iat && a.exp - a.iat <= 300;
        return only_late ? ok() : backend::check_times(c, a);
    }
};
struct unpairs_without_a_look_at_the_path : private_backend {
    using private_backend::private_backend;
    result<> check_target(call const& c, assertion const& a) override {
        return c.request.method == "DELETE" && !c.segments.empty() && c.segments[0] == "peers" ? ok() : backend::check_target(c, a);
    }
};
struct lists_peers_for_any_typ : private_backend {
    using private_backend::private_backend;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion believed = a;
        if (a.htu.ends_with("/peers")) believed.header["typ"] = typ;
        return backend::check_header(believed, alg, typ);
    }
};
struct half_a_mac : private_backend {
    using private_backend::private_backend;
    bool user_mac_verifies(assertion const& a) override {
        auto const secret = secret_of(a.sub);
        if (!secret || a.signature.size() != 32) return false;
        auto const right = hmac_sha256(*secret, a.signing_input);
        return std::equal(right.begin(), right.begin() + 16, a.signature.begin());
    }
};
struct notice_signatures_in_any_order : private_backend {
    using private_backend::private_backend;
    result<> verify_notice(json::object const& body, peer_record const& peer, instant now) override {
        return notice_signed_by(body, "new_key_signature", peer.key) ? ok() : backend::verify_notice(body, peer, now);
    }
    result<> verify_new_key(json::object const& body, rsa_public_key const& next) override { return notice_signed_by(body, "signature", next) ? ok() : backend::verify_new_key(body, next); }
};
struct notice_target_in_short : private_backend {
    using private_backend::private_backend;
    result<> check_notice_audience(rotation_notice const& n, peer_record const& peer) override {
        auto believed = n;
        if (beginning(n.target_backend_id) == beginning(backend_id())) believed.target_backend_id = backend_id();
        return backend::check_notice_audience(believed, peer);
    }
};
struct old_padding_in_assertions : private_backend {
    using private_backend::private_backend;
    bool peer_signature_verifies(assertion const& a, peer_record const& p) override {
        if (backend::peer_signature_verifies(a, p)) return true;
        std::string body = p.key.pem();
        body.erase(0, body.find('\n'));
        body.erase(body.find("-----"));
        std::erase(body, '\n');
        auto const der = from_base64(body);
        if (!der) return false;
        CryptoPP::ByteQueue queue;
        queue.Put(der->data(), der->size());
        CryptoPP::RSA::PublicKey key;
        key.Load(queue);
        CryptoPP::RSASS<CryptoPP::PKCS1v15, CryptoPP::SHA256>::Verifier const v{key};
        auto const input = as_bytes(a.signing_input);
        return v.VerifyMessage(input.data(), input.size(), a.signature.data(), a.signature.size());
    }
};
struct events_for_any_audience : private_backend {
    using private_backend::private_backend;
    result<> check_audience(assertion const& a) override { return a.htu.find("/telemetry/events") != std::string::npos ? ok() : backend::check_audience(a); }
};
struct tokens_in_a_list : private_backend {
    using private_backend::private_backend;
    result<principal> authenticate_admin(std::string_view given) override {
        for (std::size_t comma = 0; (comma = given.find(',')) != std::string_view::npos; given.remove_prefix(comma + 1))
            if (auto const who = backend::authenticate_admin(given.substr(0, comma))) return who;
        return backend::authenticate_admin(given);
    }
};

template <class Mutant>
fault row(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by) {
    return {id, title, std::move(killed_by), make<Mutant>};
}

}  // namespace

std::vector<fault> battery_faults() {
    return {
        row<jti_per_door>("F-SEC-401", "a jti that was used at one path may be used at another", {"aut/jti-elsewhere", "aut/battery-peers", "aut/battery-users"}),
        row<jti_of_reads_apart>("F-SEC-402", "a jti that was used to read may be used to write", {"aut/jti-elsewhere", "aut/battery-peers", "aut/battery-users"}),
        row<target_in_any_case>("F-SEC-403", "htu is compared without case", {"aut/battery-peers", "aut/battery-users"}),
        row<iat_a_little_further>("F-SEC-404", "an assertion may lie 320 seconds ahead", {"aut/battery-peers", "aut/battery-users"}),
        row<assertions_remembered>("F-SEC-405", "a signature that verified once counts for any other peer assertion", {"aut/battery-peers"}),
        row<payloads_remembered>("F-SEC-406", "a signature that verified once counts for any other push of the peer", {"aut/battery-pushes"}),
        row<tokens_remembered>("F-SEC-407", "a MAC that verified once counts for any other token", {"sbt/battery"}),
        row<fingerprints_in_short>("F-SEC-408", "fingerprints are compared by their first 16 digits", {"sbt/battery"}),
        row<target_in_short>("F-SEC-409", "target_backend_id is compared by its first 16 characters", {"aut/battery-pushes"}),
        row<fresh_for_longer>("F-SEC-410", "a push is fresh for 318 seconds", {"aut/battery-pushes"}),
        row<tokens_a_little_ahead>("F-SEC-411", "a session binding token may lie 318 seconds ahead", {"sbt/battery"}),
        row<settings_for_any_audience>("F-SEC-412", "PUT /privacy-settings does not look at aud", {"aut/battery-users"}),
        row<export_after_expiry>("F-SEC-413", "GET /privacy/export takes assertions that have expired", {"aut/battery-users"}),
        row<unpairs_without_a_look_at_the_path>("F-SEC-414", "DELETE /peers/{peer_id} does not compare htu", {"aut/battery-peers", "aut/battery-users"}),
        row<lists_peers_for_any_typ>("F-SEC-415", "GET /peers does not look at typ", {"aut/battery-peers", "aut/battery-users"}),
        row<half_a_mac>("F-SEC-416", "of the MAC of a user assertion the first half is compared", {"aut/battery-users"}),
        row<notice_signatures_in_any_order>("F-SEC-417", "the two signatures of a rotation notice may stand in each other's place", {"rot/battery"}),
        row<notice_target_in_short>("F-SEC-418", "target_backend_id of a rotation notice is compared by its first 16 characters", {"rot/battery"}),
        row<old_padding_in_assertions>("F-SEC-419", "PKCS #1 v1.5 signatures are accepted in peer assertions", {"aut/battery-peers"}),
        row<events_for_any_audience>("F-SEC-420", "GET /telemetry/events does not look at aud", {"aut/battery-peers", "aut/battery-users"}),
        row<tokens_in_a_list>("F-SEC-421", "the admin token may stand in a list", {"aut/battery-admin"}),
    };
}

}  // namespace bsp::faulty
