#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/crypto/signed_object.hpp>

#include <cryptopp/pssr.h>
#include <cryptopp/rsa.h>

/// Faults of registration.
namespace bsp::faulty {

namespace {

/// RSASSA-PSS as PS256, with a salt of another length.
template <int SaltBytes>
struct pss_of : CryptoPP::SignatureStandard {
    using SignatureMessageEncodingMethod = CryptoPP::PSSR_MEM<false, CryptoPP::P1363_MGF1, SaltBytes>;
};

struct new_key_replaces : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* held = find_registration(t.user_id, who.backend_id)) held->key = key;
        return backend::enter(who, key, t, now);
    }
};
struct new_id_each_time : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        BSP_TRY(peer_record * held, backend::enter(who, key, t, now));
        if (held->registered == now) return held;
        peer_record copy = *held;
        copy.peer_id = new_peer_id(who);
        return &this->held().peers.insert_or_assign(copy.peer_id, copy).first->second;
    }
};
struct sequential_ids : backend {
    using backend::backend;
    int issued = 0;
    std::string new_peer_id(claimed_identity const&) override {
        std::string n = std::to_string(++issued);
        return "peer_" + std::string(32 - n.size(), '0') + n;
    }
};
struct short_ids : backend {
    using backend::backend;
    std::string new_peer_id(claimed_identity const&) override { return "peer_" + random_hex(4); }
};
struct any_key : backend {
    using backend::backend;
    result<rsa_public_key> read_key(std::string const& pem) override {
        auto k = backend::read_key(pem);
        return k ? k : key().public_key();
    }
};
struct small_keys : backend {
    using backend::backend;
    result<rsa_public_key> read_key(std::string const& pem) override {
        auto k = backend::read_key(pem);
        return !k && k.error().detail.find("bits, not") != std::string::npos ? key().public_key() : std::move(k);
    }
};
struct only_2048 : backend {
    using backend::backend;
    result<rsa_public_key> read_key(std::string const& pem) override {
        BSP_TRY(rsa_public_key k, backend::read_key(pem));
        if (k.bits() != 2048) return fail(errc::invalid_key, "only 2048 bits");
        return k;
    }
};
struct missing_is_500 : backend {
    using backend::backend;
    answer register_peer(call const& c) override {
        answer a = backend::register_peer(c);
        if (!a && a.error().code == errc::invalid_body && a.error().detail.find("is required") != std::string::npos) return fail(errc::internal, "KeyError");
        return a;
    }
};
template <class Change>
struct answer_with : backend {
    using backend::backend;
    json::object registration_answer(call const& c, peer_record const& p, std::optional<std::string> const& challenge) override {
        json::object out = backend::registration_answer(c, p, challenge);
        Change{}(out);
        return out;
    }
};
struct relative_and_text {
    void operator()(json::object& o) const {
        o["sync_endpoint"] = "/sync";
        o["sync_interval_ms"] = "5000";
        o.erase("telemetry_endpoint");
    }
};
struct endpoint_of_another : backend {
    using backend::backend;
    std::string first;
    json::object registration_answer(call const& c, peer_record const& p, std::optional<std::string> const& challenge) override {
        json::object out = backend::registration_answer(c, p, challenge);
        if (first.empty() || !held().peers.contains(first)) first = p.peer_id;
        out["sync_endpoint"] = replaced(json::view(out["sync_endpoint"].as_string()), p.peer_id, first);
        return out;
    }
};
struct base_from_host : backend {
    using backend::backend;
    std::string base_url_for(call const& c) override {
        std::string const* host = c.request.headers.find("Host");
        return host ? "http://" + *host : backend::base_url_for(c);
    }
};
struct base_from_forwarded : backend {
    using backend::backend;
    std::string base_url_for(call const& c) override {
        std::string const* host = c.request.headers.find("X-Forwarded-Host");
        return host ? "https://" + *host : backend::base_url_for(c);
    }
};
struct any_version : backend {
    using backend::backend;
    result<> check_version(claimed_identity const& who) override {
        auto r = backend::check_version(who);
        return !r && r.error().code == errc::unsupported_version ? ok() : r;
    }
};
struct only_1_0 : backend {
    using backend::backend;
    result<> check_version(claimed_identity const& who) override {
        BSP_CHECK(backend::check_version(who));
        if (who.version != "1.0") return fail(errc::unsupported_version, "only 1.0");
        return ok();
    }
};
struct sloppy_version : backend {
    using backend::backend;
    result<> check_version(claimed_identity const& who) override { return std::atoi(who.version.c_str()) == 1 ? ok() : backend::check_version(who); }
};
struct forgets_peers : backend {
    using backend::backend;
    void restart() override { held().peers.clear(); }
};
struct latest_arrival_counts : backend {
    using backend::backend;
    void renew(peer_record& p, claimed_identity const& who, token const& t) override {
        backend::renew(p, who, t);
        p.sbt_created = t.created;
        p.sbt_expires = t.expires;
    }
};
struct older_token_refused : backend {
    using backend::backend;
    result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now) override {
        if (peer_record* p = find_registration(t.user_id, who.backend_id); p && t.created < p->sbt_created) return fail(errc::invalid_sbt, "a newer token is known");
        return backend::enter(who, key, t, now);
    }
};
struct never_renewed : backend {
    using backend::backend;
    void renew(peer_record&, claimed_identity const&, token const&) override {}
};
struct challenge_ignored : backend {
    using backend::backend;
    result<std::optional<std::string>> challenge_of(json::fields const& f) override {
        BSP_CHECK(backend::challenge_of(f));
        return std::optional<std::string>{};
    }
};
struct challenge_by_other_key : backend {
    using backend::backend;
    rsa_private_key other = rsa_private_key::generate();
    std::string challenge_signature(std::string const& challenge, peer_record const& p) override {
        return sign_object({{"typ", "bsp-challenge"}, {"challenge", challenge}, {"backend_id", backend_id()}, {"peer_id", p.peer_id}}, other).value();
    }
};
template <int SaltBytes>
struct challenge_of_other_salt : backend {
    using backend::backend;
    std::string challenge_signature(std::string const& challenge, peer_record const& p) override {
        auto const der = bsp::detail::read_pem(key().pem(), "PRIVATE KEY").value();
        CryptoPP::RSA::PrivateKey own;
        CryptoPP::ArraySource source{der.data(), der.size(), true};
        own.Load(source);
        typename CryptoPP::RSASS<pss_of<SaltBytes>, CryptoPP::SHA256>::Signer const signer{own};
        auto const text = json::canonicalize(json::object{{"typ", "bsp-challenge"}, {"challenge", challenge}, {"backend_id", backend_id()}, {"peer_id", p.peer_id}}).value();
        byte_view const m = as_bytes(text);
        bytes signature(signer.SignatureLength());
        signer.SignMessage(bsp::detail::thread_generator(), m.data(), m.size(), signature.data());
        return to_base64(signature);
    }
};
struct challenge_without_typ : backend {
    using backend::backend;
    std::string challenge_signature(std::string const& challenge, peer_record const& p) override {
        return sign_object({{"challenge", challenge}, {"backend_id", backend_id()}, {"peer_id", p.peer_id}}, key()).value();
    }
};
struct challenge_without_peer : backend {
    using backend::backend;
    std::string challenge_signature(std::string const& challenge, peer_record const&) override {
        return sign_object({{"typ", "bsp-challenge"}, {"challenge", challenge}, {"backend_id", backend_id()}}, key()).value();
    }
};
struct any_challenge : backend {
    using backend::backend;
    result<std::optional<std::string>> challenge_of(json::fields const& f) override {
        json::string const* text = json::find_string(f.get(), "challenge");
        return text ? std::optional<std::string>{json::view(*text)} : std::nullopt;
    }
};
struct key_by_text : backend {
    using backend::backend;
    bool same_key(peer_record const& p, rsa_public_key const&, std::string const& pem) override { return p.key_text == pem; }
};
struct tenants_mixed : backend {
    using backend::backend;
    peer_record* find_registration(std::string const&, std::string const& backend_id) override {
        for (auto& [id, p] : held().peers)
            if (p.backend_id == backend_id) return &p;
        return nullptr;
    }
};
struct endpoints_unchecked : backend {
    using backend::backend;
    result<> check_endpoints(json::fields const&) override { return ok(); }
};
struct endpoints_refused : backend {
    using backend::backend;
    result<> check_endpoints(json::fields const& f) override { return f.find("endpoints") ? result<>{fail(errc::invalid_body, "extra fields not permitted")} : ok(); }
};
struct capabilities_required : backend {
    using backend::backend;
    result<json::array> capabilities_of(json::fields const& f) override {
        if (!f.find("capabilities")) return f.invalid("capabilities", "is missing");
        return backend::capabilities_of(f);
    }
};
struct closed_capabilities : backend {
    using backend::backend;
    result<json::array> capabilities_of(json::fields const& f) override {
        BSP_TRY(json::array a, backend::capabilities_of(f));
        for (auto const& name : a)
            if (name.as_string() != "offline" && name.as_string() != "conversation_storage" && name.as_string() != "fast_context" && name.as_string() != "local_capture" &&
                name.as_string() != "persistence" && name.as_string() != "scale" && name.as_string() != "global_telemetry")
                return f.invalid("capabilities", "has an unknown element");
        return a;
    }
};
struct produced_ids_only : backend {
    using backend::backend;
    result<> check_backend_id(claimed_identity const& who) override {
        if (!bsp::is_produced_backend_id(who.backend_id)) return fail(errc::invalid_body, "not a backend id");
        return backend::check_backend_id(who);
    }
};
struct type_unchecked : backend {
    using backend::backend;
    result<> check_backend_id(claimed_identity const&) override { return ok(); }
    result<claimed_identity> decode_identity(json::fields const& f) override {
        BSP_TRY(claimed_identity who, backend::decode_identity(f));
        who.backend_type = config().backend_type == "local" ? "hosted" : "local";
        return who;
    }
};
struct registers_first : backend {
    using backend::backend;
    result<> verify_token(token const& t, instant now) override {
        auto r = backend::verify_token(t, now);
        if (!r && backend::secret_of(t.user_id) && !find_registration(t.user_id, t.slot(config().backend_type == "local" ? "hosted" : "local"))) {
            claimed_identity const who{t.slot(config().backend_type == "local" ? "hosted" : "local"), config().backend_type == "local" ? "hosted" : "local", key().public_key().pem(), "1.0", {}};
            BSP_CHECK(enter(who, key().public_key(), t, now));
        }
        return r;
    }
};

}  // namespace

std::vector<fault> reg_faults() {
    return {
        {"F-REG-19", "another key silently replaces the registered one", {"reg/key-mismatch"}, make<new_key_replaces>},
        {"F-REG-20", "every registration gets a new peer_id", {"reg/same-peer-id"}, make<new_id_each_time>},
        {"F-REG-21", "peer ids are counted", {"reg/peer-id-random"}, make<sequential_ids>},
        {"F-REG-23", "any text passes as a key", {"reg/unacceptable-keys"}, make<any_key>},
        {"F-REG-24", "a missing member is answered with 500", {"reg/missing-members", "sbt/null-slot"}, make<missing_is_500>},
        {"F-REG-25", "the answer is incomplete, its URL relative, its interval a string", {"reg/answer"}, make<answer_with<relative_and_text>>},
        {"F-REG-26", "the endpoint holds another peer's id", {"reg/endpoint-leads-here", "reg/answer"}, make<endpoint_of_another>},
        {"F-REG-27", "version 2.0 is accepted", {"reg/major-version"}, make<any_version>},
        {"F-REG-29", "registrations are lost at a restart", {"reg/restart"}, make<forgets_peers>, setting::restart},
        {"F-REG-30", "the last token to arrive counts, older or not", {"reg/older-sbt-harmless"}, make<latest_arrival_counts>},
        {"F-REG-31", "the challenge is signed with another key", {"reg/challenge"}, make<challenge_by_other_key>},
        {"F-REG-219", "the challenge is signed with the longest possible salt", {"reg/challenge"}, make<challenge_of_other_salt<222>>},
        {"F-REG-220", "the challenge is signed without salt", {"reg/challenge"}, make<challenge_of_other_salt<0>>},
        {"F-REG-109", "a newer token does not extend the registration", {"reg/newer-sbt-extends", "sbt/expiry-keeps-peer"}, make<never_renewed>},
        {"F-REG-117", "keys are compared as PEM text", {"reg/same-key-other-spelling"}, make<key_by_text>},
        {"F-REG-118", "registrations are found by backend_id across users", {"reg/tenants-apart"}, make<tenants_mixed>},
        {"F-REG-120", "endpoints of any form are accepted", {"reg/endpoints-form"}, make<endpoints_unchecked>},
        {"F-REG-121", "endpoints are refused", {"reg/endpoints"}, make<endpoints_refused>},
        {"F-REG-122", "a challenge of any form is signed", {"reg/challenge-form"}, make<any_challenge>},
        {"F-REG-123", "the challenge is signed without typ", {"reg/challenge"}, make<challenge_without_typ>},
        {"F-REG-124", "the challenge is signed without peer_id", {"reg/challenge"}, make<challenge_without_peer>},
        {"F-REG-130", "minor versions other than 0 are refused", {"reg/minor-version"}, make<only_1_0>},
        {"F-REG-131", "the version is read as far as it makes sense", {"reg/version-grammar"}, make<sloppy_version>},
        {"F-REG-132", "capabilities are required", {"reg/optional-members"}, make<capabilities_required>},
        {"F-REG-133", "only ids of the produced form are accepted from others", {"reg/opaque-backend-id"}, make<produced_ids_only>},
        {"F-REG-134", "keys other than of 2048 bits are refused", {"reg/key-sizes"}, make<only_2048>},
        {"F-REG-138", "endpoints are built from the Host of the request", {"reg/base-url"}, make<base_from_host>},
        {"F-REG-139", "endpoints are built from X-Forwarded-Host", {"reg/base-url"}, make<base_from_forwarded>},
        {"F-REG-140", "an older valid token is refused", {"reg/older-sbt-harmless"}, make<older_token_refused>},
        {"F-REG-141", "a refused registration leaves an entry", {"reg/refusal-leaves-no-peer"}, make<registers_first>},
        {"F-REG-143", "backend_type and the prefix of the id are not checked", {"reg/backend-type"}, make<type_unchecked>},
        {"F-REG-144", "keys of any size are accepted", {"reg/unacceptable-keys"}, make<small_keys>},
        {"F-REG-146", "the challenge is ignored", {"reg/challenge"}, make<challenge_ignored>},
        {"F-REG-147", "peer ids have 32 bits", {"reg/peer-id-random", "reg/answer"}, make<short_ids>},
        {"F-REG-148", "unknown capabilities are refused", {"reg/optional-members"}, make<closed_capabilities>},
    };
}

}  // namespace bsp::faulty
