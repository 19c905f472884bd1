#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>

#include <algorithm>

/// Faults in the authentication of requests by assertions.
namespace bsp::faulty {

namespace {

std::string_view alg_of(assertion const& a) {
    json::string const* alg = json::find_string(a.header, "alg");
    return alg ? json::view(*alg) : std::string_view{};
}

/// The algorithm is taken from the header, with the registered key as whatever key that wants.
struct alg_from_header : backend {
    using backend::backend;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion believed = a;
        believed.header["alg"] = alg;
        return backend::check_header(believed, alg, typ);
    }
    bool peer_signature_verifies(assertion const& a, peer_record const& p) override {
        if (alg_of(a) == "none") return true;
        if (alg_of(a) == "HS256") return equal_in_constant_time(hmac_sha256(p.key.pem(), a.signing_input), a.signature);
        return backend::peer_signature_verifies(a, p);
    }
};
struct user_alg_from_header : backend {
    using backend::backend;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion believed = a;
        believed.header["alg"] = alg == "HS256" ? "HS256" : believed.header["alg"];
        return backend::check_header(believed, alg, typ);
    }
    bool user_mac_verifies(assertion const& a) override { return alg_of(a) == "none" || backend::user_mac_verifies(a); }
};
struct nothing_bound : backend {
    using backend::backend;
    result<> check_audience(assertion const&) override { return ok(); }
    result<> check_target(call const&, assertion const&) override { return ok(); }
    result<> check_times(call const&, assertion const&) override { return ok(); }
};
struct any_audience : backend {
    using backend::backend;
    result<> check_audience(assertion const&) override { return ok(); }
};
struct any_audience_of_users : backend {
    using backend::backend;
    result<> check_audience(assertion const& a) override { return a.iss == a.sub ? ok() : backend::check_audience(a); }
};
struct any_path_peer : backend {
    using backend::backend;
    result<> check_path_peer(assertion const&, peer_record const*) override { return ok(); }
};
struct target_without_query : backend {
    using backend::backend;
    result<> check_target(call const& c, assertion const& a) override {
        return split_target(a.htu).path == split_target(c.request.target).path ? ok() : backend::check_target(c, a);
    }
};
struct any_target : backend {
    using backend::backend;
    result<> check_target(call const&, assertion const&) override { return ok(); }
};
struct target_decoded : backend {
    using backend::backend;
    result<> check_target(call const& c, assertion const& a) override {
        auto const x = percent_decode(a.htu), y = percent_decode(c.request.target);
        return x && x == y ? ok() : backend::check_target(c, a);
    }
};
struct any_method : backend {
    using backend::backend;
    result<> check_method(call const&, assertion const&) override { return ok(); }
};
struct any_issuer : backend {
    using backend::backend;
    result<> check_issuer(assertion const&, peer_record const&) override { return ok(); }
};
struct jti_reusable : backend {
    using backend::backend;
    result<> claim_jti(call const&, std::string const&, assertion const&) override { return ok(); }
};
struct jti_of_users_reusable : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return issuer.starts_with("user ") ? ok() : backend::claim_jti(c, issuer, a); }
};
struct jti_of_deletions_reusable : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return c.request.method == "DELETE" ? ok() : backend::claim_jti(c, issuer, a); }
};
struct jti_of_everybody : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const&, assertion const& a) override { return backend::claim_jti(c, "", a); }
};
struct jti_burnt_by_forgery : backend {
    using backend::backend;
    bool peer_signature_verifies(assertion const& a, peer_record const& p) override {
        bool const good = backend::peer_signature_verifies(a, p);
        if (!good) held().used_assertions.emplace(std::pair{"peer " + a.sub, a.jti}, a.exp);
        return good;
    }
};
struct any_lifetime : backend {
    using backend::backend;
    result<> check_times(call const& c, assertion const& a) override {
        assertion shorter = a;
        if (a.exp > a.iat + 300) shorter.iat = a.exp - 300;
        auto r = backend::check_times(c, shorter);
        return r || c.now >= instant{a.exp} ? r : ok();
    }
};
struct iat_ahead : backend {
    using backend::backend;
    result<> check_times(call const& c, assertion const& a) override {
        if (a.exp <= a.iat || a.exp - a.iat > 300 || c.now >= instant{a.exp}) return backend::check_times(c, a);
        return ok();
    }
};
struct iat_exact : backend {
    using backend::backend;
    result<> check_times(call const& c, assertion const& a) override {
        BSP_CHECK(backend::check_times(c, a));
        if (instant{a.iat} > c.now + std::chrono::seconds{2}) return fail(errc::stale_request, "the assertion lies in the future");
        return ok();
    }
};
struct exp_with_leeway : backend {
    using backend::backend;
    result<> check_times(call const& c, assertion const& a) override {
        if (c.now >= instant{a.exp} && c.now < instant{a.exp + 60} && a.exp > a.iat && a.exp - a.iat <= 300) return ok();
        return backend::check_times(c, a);
    }
};
struct audience_list : backend {
    using backend::backend;
    result<> read_claims(json::fields const& f, assertion& a) override {
        json::object flat = f.get();
        if (json::array const* list = flat["aud"].if_array(); list && !list->empty()) {
            json::value const first = list->front();
            flat["aud"] = first;
        }
        return backend::read_claims(json::fields{flat}, a);
    }
};
template <char const* Name>
struct claim_optional : backend {
    using backend::backend;
    result<> read_claims(json::fields const& f, assertion& a) override {
        json::object filled = f.get();
        if (!filled.contains(Name)) filled[Name] = random_hex(8);
        return backend::read_claims(json::fields{filled}, a);
    }
};
constexpr char jti_claim[] = "jti";

struct any_typ : backend {
    using backend::backend;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion typed = a;
        typed.header["typ"] = typ;
        return backend::check_header(typed, alg, typ);
    }
};
struct crit_ignored : backend {
    using backend::backend;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion plain = a;
        plain.header.erase("crit");
        return backend::check_header(plain, alg, typ);
    }
};
struct unknown_claims_refused : backend {
    using backend::backend;
    result<> read_claims(json::fields const& f, assertion& a) override {
        if (f.get().size() > 8) return fail(errc::invalid_credential, "unknown claims");
        return backend::read_claims(f, a);
    }
};
struct padding_accepted : backend {
    using backend::backend;
    std::optional<bytes> decode_part(std::string_view t) override {
        std::string text = replaced(replaced(t, "+", "-"), "/", "_");
        while (text.ends_with('=')) text.pop_back();
        return backend::decode_part(text);
    }
};
struct schemes_exact : backend {
    using backend::backend;
    bool same_scheme(std::string_view a, std::string_view b) override { return a == b; }
};
struct first_authorization : backend {
    using backend::backend;
    result<> check_one_authorization(call const&) override { return ok(); }
};
struct any_users_secret : backend {
    using backend::backend;
    bool user_mac_verifies(assertion const& a) override {
        bool const known = secret_of(a.sub).has_value();
        return known && std::any_of(config().users.begin(), config().users.end(), [&](auto const& u) { return equal_in_constant_time(hmac_sha256(u.second, a.signing_input), a.signature); });
    }
};
struct users_without_mac : backend {
    using backend::backend;
    bool user_mac_verifies(assertion const& a) override { return secret_of(a.sub).has_value(); }
};
struct user_from_iss : backend {
    using backend::backend;
    result<> check_user_issuer(assertion const&) override { return ok(); }
    result<principal> authenticate_user(call const& c, std::string_view compact) override {
        BSP_TRY(principal who, backend::authenticate_user(c, compact));
        auto const a = read_assertion(compact);
        if (a) who.user_id = a->iss;
        return who;
    }
};
struct any_principal_pulls : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        return backend::authenticate(c, c.request.method == "GET" ? who_may | user_may : who_may, of_path);
    }
};
struct admin_reads_everything : backend {
    using backend::backend;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, backend::authenticate(c, who_may | admin_may, of_path));
        if (who.kind == principal::admin_kind && !(who_may & admin_may) && !config().users.empty()) who.user_id = config().users.begin()->first;
        return who;
    }
};
struct jti_of_reads_reusable : backend {
    using backend::backend;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override { return c.request.method == "GET" ? ok() : backend::claim_jti(c, issuer, a); }
};
/// The scheme is cut off, and the JWS says what it is.
struct scheme_ignored : backend {
    using backend::backend;
    result<principal> authenticate_peer(call const& c, std::string_view compact, peer_record* of_path) override {
        auto const a = read_assertion(compact);
        return a && alg_of(*a) == "HS256" && !of_path ? backend::authenticate_user(c, compact) : backend::authenticate_peer(c, compact, of_path);
    }
    result<principal> authenticate_user(call const& c, std::string_view compact) override {
        auto const a = read_assertion(compact);
        return a && alg_of(*a) == "PS256" ? backend::authenticate_peer(c, compact, nullptr) : backend::authenticate_user(c, compact);
    }
};
struct users_unbound : backend {
    using backend::backend;
    result<> check_request_binding(call const& c, assertion const& a) override {
        return secret_of(a.sub) ? ok() : backend::check_request_binding(c, a);
    }
};
struct unknown_users_served : backend {
    using backend::backend;
    std::optional<std::string> secret_of(std::string const& user) override {
        auto known = backend::secret_of(user);
        return known ? known : std::optional<std::string>{""};
    }
    result<> check_mac(token const& t) override { return backend::secret_of(t.user_id) ? backend::check_mac(t) : result<>{fail(errc::invalid_sbt, "unknown user")}; }
};
struct users_in_any_case : backend {
    using backend::backend;
    bool user_mac_verifies(assertion const& a) override {
        return std::any_of(config().users.begin(), config().users.end(), [&](auto const& u) {
            return http_headers::same_name(u.first, a.sub) && equal_in_constant_time(hmac_sha256(u.second, a.signing_input), a.signature);
        });
    }
};
struct user_iss_required : backend {
    using backend::backend;
    result<> check_user_issuer(assertion const& a) override { return a.has_iss ? backend::check_user_issuer(a) : result<>{fail(errc::invalid_credential, "iss is missing")}; }
};
struct signature_unchecked : backend {
    using backend::backend;
    bool peer_signature_verifies(assertion const&, peer_record const&) override { return true; }
};

}  // namespace

std::vector<fault> aut_faults() {
    return {
        {"F-SYN-54", "the algorithm is taken from the header: none, or HS256 keyed with the PEM", {"aut/alg"}, make<alg_from_header>},
        {"F-SYN-55", "aud, htu and exp are not checked", {"aut/aud"}, make<nothing_bound>},
        {"F-SYN-56", "one peer's assertion opens another's path", {"aut/path-peer"}, make<any_path_peer>},
        {"F-SYN-201", "a jti may be used again", {"aut/jti-single-use"}, make<jti_reusable>},
        {"F-SYN-202", "a jti of one issuer blocks the same jti of another", {"aut/jti-per-issuer"}, make<jti_of_everybody>},
        {"F-SYN-203", "htu is compared without the query", {"aut/htu-query"}, make<target_without_query>},
        {"F-SYN-204", "an assertion may live as long as it likes", {"aut/lifetime"}, make<any_lifetime>},
        {"F-SYN-205", "an assertion may come from the future", {"aut/iat-ahead"}, make<iat_ahead>},
        {"F-SYN-206", "iat must not be ahead at all", {"aut/iat-slightly-ahead"}, make<iat_exact>},
        {"F-SYN-207", "aud may be a list", {"aut/claim-types"}, make<audience_list>},
        {"F-SYN-208", "htm is not checked", {"aut/htm"}, make<any_method>},
        {"F-SYN-209", "iss is not checked", {"aut/iss"}, make<any_issuer>},
        {"F-SYN-210", "typ is not checked", {"aut/typ"}, make<any_typ>},
        {"F-SYN-211", "crit is ignored", {"aut/crit"}, make<crit_ignored>},
        {"F-SYN-212", "a user assertion verifies under any user's secret", {"aut/user-secret", "aut/history-strangers"}, make<any_users_secret>},
        {"F-SYN-213", "the user is taken from iss", {"aut/user-iss"}, make<user_from_iss>},
        {"F-SYN-214", "the names of schemes are compared with case", {"aut/scheme-case"}, make<schemes_exact>},
        {"F-SYN-215", "of two Authorization fields the first counts", {"aut/one-authorization"}, make<first_authorization>},
        {"F-SYN-216", "a forged assertion uses up its jti", {"aut/jti-not-burnt"}, make<jti_burnt_by_forgery>},
        {"F-SYN-217", "unknown claims are refused", {"aut/unknown-claims"}, make<unknown_claims_refused>},
        {"F-SYN-219", "jti may be missing", {"aut/claims-required"}, make<claim_optional<jti_claim>>},
        {"F-SYN-220", "padded and standard base64 pass in a JWS", {"aut/lenient-form"}, make<padding_accepted>},
        {"F-SYN-223", "a minute of leeway after exp", {"aut/exp"}, make<exp_with_leeway>},
        {"F-SYN-224", "a user may pull a peer's feed", {"aut/wrong-principal"}, make<any_principal_pulls>},
        {"F-SYN-225", "the administrator reads conversations", {"aut/admin-and-content"}, make<admin_reads_everything>},
        {"F-SYN-226", "htu is percent-decoded before it is compared", {"aut/htu-octets"}, make<target_decoded>},
        {"F-SYN-228", "aud of user assertions is not checked", {"aut/user-aud"}, make<any_audience_of_users>},
        {"F-SYN-229", "a user's jti may be used again", {"aut/user-jti"}, make<jti_of_users_reusable>},
        {"F-SYN-230", "a user assertion with alg none is accepted", {"aut/user-alg"}, make<user_alg_from_header>},
        {"F-SYN-255", "aud alone is not checked", {"aut/aud"}, make<any_audience>},
        {"F-SYN-256", "htu is not checked", {"aut/htu", "aut/htu-query"}, make<any_target>},
        {"F-SYN-257", "a jti may be used again for deletions", {"aut/jti-single-use"}, make<jti_of_deletions_reusable>},
        {"F-SYN-258", "the MAC of a user assertion is not checked", {"aut/user-mac", "aut/user-secret"}, make<users_without_mac>},
        {"F-SYN-259", "the signature of a peer assertion is not checked", {"aut/signature"}, make<signature_unchecked>},
        {"F-SYN-276", "a jti may be used again for reads", {"aut/jti-reads"}, make<jti_of_reads_reusable>},
        {"F-SYN-277", "the scheme is ignored, the header of the JWS decides", {"aut/scheme"}, make<scheme_ignored>},
        {"F-SYN-278", "the claims of user assertions are not checked", {"aut/user-claims"}, make<users_unbound>},
        {"F-SYN-279", "unknown users have the empty secret", {"aut/user-exact"}, make<unknown_users_served>},
        {"F-SYN-280", "iss is required of users", {"aut/user-iss-absent"}, make<user_iss_required>},
        {"F-SYN-290", "users are found without case", {"aut/user-exact"}, make<users_in_any_case>},
    };
}

}  // namespace bsp::faulty
