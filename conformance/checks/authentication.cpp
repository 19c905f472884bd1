#include "../registry.hpp"
#include "../signing_key.hpp"
#include "assertions.hpp"

#include <bsp/crypto/hmac.hpp>

#include <algorithm>
#include <functional>

// Chapter 5: peer assertions, replay, and who may call what. Every refusal stands beside the same
// call with a correct assertion, by the same caller.

namespace bsp::conformance {
namespace {

exactly_as const& invalid = invalid_credential;
exactly_as const stale{.statuses = {401}, .codes = {"stale-request", "invalid-credential"}};

// ---- JWS --------------------------------------------------------------------------------------------------

std::string hs256(std::string const& compact, json::object const& header, std::string_view key) {
    auto const unsigned_form = with_header(compact, header, "");
    auto const input = unsigned_form.substr(0, unsigned_form.size() - 1);
    return unsigned_form + to_base64url(hmac_sha256(key, input));
}

void algorithm_is_fixed(scenario& s) {
    auto const g = prepare(s);
    auto const identity = s.nobody().get("/identity");
    auto const own_pem = identity.text("/public_key");
    std::vector<forgery> variants;
    for (auto const* alg : {"none", "None", "NONE", ""})
        variants.push_back({std::string{"alg \""} + alg + "\" and no signature", {.assertion = [alg](std::string& jws) {
                                jws = with_header(jws, {{"alg", alg}, {"typ", "bsp-peer+jwt"}}, "");
                            }}});
    for (auto const& [what, key] : {std::pair<std::string, std::string>{"the server's public key", own_pem}, {"the user's pairing secret", g.a.user().secret}, {"the empty string", ""}})
        variants.push_back({"HS256 keyed with " + what, {.assertion = [key = key](std::string& jws) {
                                jws = hs256(jws, {{"alg", "HS256"}, {"typ", "bsp-peer+jwt"}}, key);
                            }}});
    for (auto const* alg : {"RS256", "PS512", "ES256", "ps256"})
        variants.push_back({std::string{"alg \""} + alg + "\"", {.header = set("alg", alg)}});
    each_is_refused(s, g, g.a, variants, invalid);
}

void type_is_checked(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, g.a,
                    {{"typ JWT", {.header = set("typ", "JWT")}}, {"the typ of a user assertion", {.header = set("typ", "bsp-user+jwt")}},
                     {"typ in capitals", {.header = set("typ", "BSP-PEER+JWT")}}, {"no typ", {.header = [](json::object& o) { o.erase("typ"); }}},
                     {"typ with a prefix", {.header = set("typ", "application/bsp-peer+jwt")}}},
                    invalid);
}

void critical_headers_are_refused(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, g.a, {{"crit [\"exp\"]", {.header = set("crit", json::array{"exp"})}}, {"crit []", {.header = set("crit", json::array{})}}}, invalid);
}

using respelling = std::function<std::string(std::string)>;

/// The assertion with the text of its header or of its claims changed, and signed anew with the right key.
call_options respelled(conformance::key const& key, respelling const& header, respelling const& claims) {
    return {.assertion = [key, header, claims](std::string& j) {
        auto const first = j.find('.'), second = j.rfind('.');
        auto const changed = [](std::string_view part, respelling const& change) {
            auto const octets = from_base64url(part).value();
            std::string text{octets.begin(), octets.end()};
            return to_base64url(as_bytes(change ? change(text) : text));
        };
        j = changed(std::string_view{j}.substr(0, first), header) + '.' + changed(std::string_view{j}.substr(first + 1, second - first - 1), claims);
        j += '.' + to_base64url(key->sign_ps256(j));
    }};
}

/// `members` and a comma before the first member of an object, or before its end.
respelling first_of_all(std::string members) {
    return [=](std::string text) { return text.insert(1, members + ","); };
}
respelling last_of_all(std::string members) {
    return [=](std::string text) { return text.insert(text.size() - 1, "," + members); };
}

void form_is_strict(scenario& s) {
    auto const g = prepare(s);
    auto const as = [](auto change) { return call_options{.assertion = change}; };
    auto const key = g.a.signing_key();
    s.accepted(g.a.read(g.conversation, respelled(key, {}, last_of_all(R"( "x" : {"sub":1} )"))), "a read with an unknown claim and white space");
    each_is_refused(s, g, g.a,
                    {{"a comma too many", respelled(key, {}, [](std::string text) { return text.insert(text.size() - 1, ","); })},
                     {"something behind the claims", respelled(key, {}, [](std::string text) { return text + "x"; })},
                     {"claims that are a string", respelled(key, {}, [](std::string) { return std::string{"\"x\""}; })},
                     {"a header that is an array", respelled(key, [](std::string text) { return "[" + text + "]"; }, {})}},
                    invalid);
    each_is_refused(s, g, g.a,
                    {{"a fourth part", as([](std::string& j) { j += ".AAAA"; })},
                     {"two parts", as([](std::string& j) { j.resize(j.rfind('.')); })},
                     {"an empty signature", as([](std::string& j) { j.resize(j.rfind('.') + 1); })},
                     {"a signature cut by four characters", as([](std::string& j) { j.resize(j.size() - 4); })},
                     {"a character outside base64url in the signature", as([](std::string& j) { j[j.size() - 5] = '!'; })},
                     {"a line break in the header's spelling", as([](std::string& j) { j.insert(4, "%0A"); })},
                     {"claims that are an array", as([](std::string& j) {
                          auto const first = j.find('.'), second = j.rfind('.');
                          j = j.substr(0, first + 1) + "W10" + j.substr(second);
                      })},
                     {"the word assertion", as([](std::string& j) { j = "assertion"; })}},
                    invalid);
}

/// What libraries for JWTs let pass, though RFC 7515 has no padding and RFC 7493 no second member of one name.
void lenient_forms_are_refused(scenario& s) {
    auto const g = prepare(s);
    auto const key = g.a.signing_key();
    each_is_refused(s, g, g.a,
                    {{"padding", {.assertion = [](std::string& j) { j += "=="; }}},
                     {"two subs, the right one last", respelled(key, {}, first_of_all(R"("sub":"peer_00000000000000000000000000000000")"))},
                     {"two subs, the right one first", respelled(key, {}, last_of_all(R"("sub":"peer_00000000000000000000000000000000")"))},
                     {"two exps", respelled(key, {}, first_of_all(R"("exp":1)"))},
                     {"two claims of one unknown name, one of them escaped", respelled(key, {}, last_of_all(R"("x":1,"\u0078":1)"))},
                     {"a claim with two members of one name", respelled(key, {}, last_of_all(R"("x":{"a":1,"a":2})"))},
                     {"two algs, the right one last", respelled(key, first_of_all(R"("alg":"none")"), {})},
                     {"two typs, the right one first", respelled(key, last_of_all(R"("typ":"JWT")"), {})},
                     {"a lone surrogate in a claim", respelled(key, {}, last_of_all(R"("x":"\ud800")"))},
                     {"NaN in a claim", respelled(key, {}, last_of_all(R"("x":NaN)"))}},
                    invalid);
}

void signature_is_verified(scenario& s) {
    auto const g = prepare(s);
    auto const other = s.register_peer();
    each_is_refused(s, g, g.a,
                    {{"the signature of another registered peer's key", {.signer = other.signing_key()}},
                     {"the signature of an unknown key", {.signer = s.fresh_key()}},
                     {"claims changed after signing", {.assertion = [](std::string& j) {
                          auto const first = j.find('.'), second = j.rfind('.');
                          auto claims = from_base64url(j.substr(first + 1, second - first - 1)).value();
                          std::string text{claims.begin(), claims.end()};
                          text.insert(text.size() - 1, R"(,"x":1)");
                          j = j.substr(0, first + 1) + to_base64url(as_bytes(text)) + j.substr(second);
                      }}}},
                    invalid);
}

void unknown_members_are_ignored(scenario& s) {
    auto const g = prepare(s);
    each_is_accepted(s, g, g.a,
                     {{"an unknown claim", {.claims = set("x-note", json::object{{"a", 1}})}}, {"an unknown header member", {.header = set("x-note", "hello")}},
                      {"a kid", {.header = set("kid", "key-1")}}, {"nbf in the past", {.claims = set("nbf", epoch_seconds(s, -100))}}});
    // Members that point to other keys are ignored, so the registered key decides.
    auto const stranger = s.fresh_key();
    each_is_refused(s, g, g.a, {{"another key and a kid", {.header = set("kid", g.a.backend_id()), .signer = stranger}}}, invalid);
}

// ---- claims -----------------------------------------------------------------------------------------------

void audience_is_checked(scenario& s) {
    auto const g = prepare(s);
    auto const self = s.identity().backend_id;
    each_is_refused(s, g, g.a,
                    {{"another backend's aud", {.claims = set("aud", s.fresh_backend_id(s.identity().backend_type))}},
                     {"aud cut by a character", {.claims = set("aud", self.substr(0, self.size() - 1))}}, {"aud with a suffix", {.claims = set("aud", self + "0")}}, {"aud in upper case", {.claims = set("aud", upper(self))}},
                     {"the caller's own id as aud", {.claims = set("aud", g.a.backend_id())}}, {"an empty aud", {.claims = set("aud", "")}}},
                    {.statuses = {403, 401}, .codes = {"wrong-audience", "invalid-credential"}});
}

void method_is_checked(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, g.a,
                    {{"htm DELETE", {.claims = set("htm", "DELETE")}}, {"htm PUT", {.claims = set("htm", "PUT")}}, {"an empty htm", {.claims = set("htm", "")}},
                     {"htm in lower case", {.claims = [](json::object& o) {
                          std::string method{o.at("htm").as_string()};
                          std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
                          o["htm"] = method;
                      }}}},
                    invalid);
}

void path_is_checked(scenario& s) {
    auto const g = prepare(s);
    auto const other = s.fresh("c");
    s.control(g.a.push({s.conversation(other, 1, {s.message("m1", "x")})}), "another conversation");
    each_is_refused(s, g, g.a,
                    {{"the htu of another conversation", {.claims = set("htu", s.target_path("/conversations/" + other))}}, {"htu /", {.claims = set("htu", "/")}},
                     {"an htu with a trailing slash", {.claims = [](json::object& o) { o["htu"] = std::string{o.at("htu").as_string()} + "/"; }}},
                     {"an empty htu", {.claims = set("htu", "")}}},
                    invalid);
}

void query_is_checked(scenario& s) {
    auto const g = prepare(s);
    auto const path = "/sync/" + g.a.peer_id();
    s.control(g.a.get(path + "?limit=5"), "a pull with the query in htu");
    auto const refuse = [&](std::string const& sent, std::string const& named, std::string const& what) {
        s.refused(g.a.get(sent, {.claims = set("htu", s.target_path(named))}), what, invalid);
    };
    refuse(path + "?limit=5", path, "a pull with a query that htu lacks");
    refuse(path, path + "?limit=5", "a pull without the query that htu has");
    refuse(path + "?limit=5", path + "?limit=6", "a pull with another query than htu has");
    refuse(path + "?limit=5&x=1", path + "?x=1&limit=5", "a pull whose htu has the parameters in another order");
}

void spelling_of_the_path_counts(scenario& s) {
    auto const g = prepare(s);
    auto const id = g.conversation;
    static constexpr char hex[] = "0123456789ABCDEF";
    auto const first = static_cast<unsigned char>(id[0]);
    auto const escaped = "/conversations/%" + std::string{hex[first >> 4], hex[first & 15]} + id.substr(1);
    auto const plain = "/conversations/" + id;
    s.control(g.a.get(plain), "the plain spelling in both");
    s.control(g.a.get(escaped), "the escaped spelling in both");
    s.refused(g.a.get(escaped, {.claims = set("htu", s.target_path(plain))}), "the escaped spelling sent, the plain one in htu", invalid);
    s.refused(g.a.get(plain, {.claims = set("htu", s.target_path(escaped))}), "the plain spelling sent, the escaped one in htu", invalid);
    // The same path and query to whoever takes htu apart as a URL.
    s.refused(g.a.get(plain, {.claims = set("htu", s.target_path(plain) + "?")}), "an htu with a question mark more", invalid);
    s.refused(g.a.get(plain, {.claims = set("htu", "http://" + s.authority() + s.target_path(plain))}), "an htu that is a URL", invalid);
}

void expired_assertions_are_refused(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, g.a,
                    {{"exp 3 s ago", {.claims = times(s, -63, -3)}}, {"exp 30 s ago", {.claims = times(s, -90, -30)}}, {"exp an hour ago", {.claims = times(s, -3700, -3600)}},
                     {"exp in 1970", {.claims = [](json::object& o) { o["iat"] = 0, o["exp"] = 60; }}}},
                    stale);
}

void lifetime_is_bounded(scenario& s) {
    auto const g = prepare(s);
    each_is_accepted(s, g, g.a, {{"a lifetime of 300 s", {.claims = times(s, -5, 295)}}, {"a lifetime of 30 s", {.claims = times(s, -10, 20)}}});
    each_is_refused(s, g, g.a,
                    {{"a lifetime of 301 s", {.claims = times(s, -5, 296)}}, {"a lifetime of an hour", {.claims = times(s, -5, 3595)}},
                     {"a lifetime of ten years", {.claims = times(s, -5, 315'360'000)}}, {"exp before iat", {.claims = times(s, 200, 100)}},
                     {"exp equal to iat", {.claims = times(s, 100, 100)}}, {"exp 2^63-1", {.claims = set("exp", std::int64_t{9'223'372'036'854'775'807})}}},
                    invalid);
}

void future_assertions_are_refused(scenario& s) {
    auto const g = prepare(s);
    each_is_refused(s, g, g.a, {{"iat an hour ahead", {.claims = times(s, 3600, 3660)}}, {"iat 330 s ahead", {.claims = times(s, 330, 390)}}}, stale);
}

void slightly_fast_clocks_are_tolerated(scenario& s) {
    auto const g = prepare(s);
    each_is_accepted(s, g, g.a, {{"iat 200 s ahead", {.claims = times(s, 200, 260)}}, {"iat 270 s ahead", {.claims = times(s, 270, 330)}}});
}

void claim_types_are_strict(scenario& s) {
    auto const g = prepare(s);
    auto const self = s.identity().backend_id;
    each_is_refused(s, g, g.a,
                    {{"aud in an array", {.claims = set("aud", json::array{self})}}, {"iat a string", {.claims = set("iat", std::to_string(epoch_seconds(s, -5)))}},
                     {"exp a string", {.claims = set("exp", std::to_string(epoch_seconds(s, 60)))}},
                     {"exp a fraction", {.claims = set("exp", static_cast<double>(epoch_seconds(s, 60)) + 0.5)}}, {"jti a number", {.claims = set("jti", 12345)}},
                     {"iss null", {.claims = set("iss", json::value(nullptr))}}, {"sub an object", {.claims = set("sub", json::object{})}}, {"htm true", {.claims = set("htm", true)}},
                     {"htu in an array", {.claims = set("htu", json::array{"/"})}}, {"a jti with spaces", {.claims = set("jti", "not an identifier")}},
                     {"an empty jti", {.claims = set("jti", "")}}, {"a jti of 129 characters", {.claims = set("jti", std::string(129, 'j'))}}},
                    {.statuses = {401, 403}, .codes = {"invalid-credential", "wrong-audience"}});
}

void claims_are_required(scenario& s) {
    auto const g = prepare(s);
    std::vector<forgery> variants;
    for (std::string const claim : {"iss", "sub", "aud", "iat", "exp", "jti", "htm", "htu"})
        variants.push_back({"no " + claim, {.claims = [claim](json::object& o) { o.erase(claim); }}});
    each_is_refused(s, g, g.a, variants, invalid);
}

void issuer_is_checked(scenario& s) {
    auto const g = prepare(s);
    auto const other = s.register_peer();
    each_is_refused(s, g, g.a,
                    {{"another registered backend's iss", {.claims = set("iss", other.backend_id())}}, {"an unknown iss", {.claims = set("iss", s.fresh_backend_id())}},
                     {"the server's own id as iss", {.claims = set("iss", s.identity().backend_id)}}, {"the user's id as iss", {.claims = set("iss", g.a.user().id)}},
                     {"an unknown sub", {.claims = set("sub", "peer_" + std::string(32, '0'))}}, {"the backend_id as sub", {.claims = set("sub", g.a.backend_id())}}},
                    invalid);
}

void path_is_the_peers_own(scenario& s) {
    auto const a = s.register_peer(), sibling = s.register_peer(), stranger = s.register_peer_of(s.other_account());
    auto const secret = s.canary();
    s.control(stranger.push({s.conversation(s.fresh("c"), 1, {s.message("m1", secret)})}), "a push by the other user's peer");
    s.control(a.get("/sync/" + a.peer_id()), "a pull on the own path");
    for (auto const* other : {&sibling, &stranger})
        for (auto const* suffix : {"", "/digest"}) {
            auto const path = "/sync/" + other->peer_id() + suffix;
            auto const x = a.get(path);
            s.refused(x, "GET " + path + " with " + a.name() + "'s assertion", {.statuses = {401, 403, 404, 405}});
            s.expect(x.bytes().find(secret) == std::string::npos, "nothing disclosed", "the other user's message");
            // The claims name the other peer, the key is A's.
            s.refused(other->get(path, {.signer = a.signing_key()}), "GET " + path + " with the other's claims signed by " + a.name(), {.statuses = {401, 403, 404, 405}});
        }
    s.control(a.get("/sync/" + a.peer_id()), "a pull on the own path, afterwards");
}

// ---- replay -----------------------------------------------------------------------------------------------

std::size_t count_messages(scenario& s, caller const& who, std::string const& conversation) {
    auto const x = who.read(conversation);
    s.control(x, "reading the conversation");
    return ids_at(x.body(), "/messages").size();
}

void replayed_writes_are_refused(scenario& s, caller const& who) {
    auto const c = s.fresh("c");
    auto const path = "/conversations/" + c + "/messages";
    auto const field = who.authorization("POST", path);
    auto const body = json::object{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    s.accepted(who.post(path, body, {.authorization = field}), "a write");
    for (int i = 0; i < 2; ++i) s.refused(who.post(path, body, {.authorization = field}), "the same request again, with the same assertion", stale);
    s.expect(count_messages(s, who, c) == 1, "one message", std::to_string(count_messages(s, who, c)));

    // The identifier counts, not the octets of the assertion.
    auto const jti = s.fresh("jti");
    s.accepted(who.post(path, body, {.claims = set("jti", jti)}), "a write with a jti of its own");
    s.refused(who.post(path, body, {.claims = [&](json::object& o) { o["jti"] = jti, o["x"] = 1; }}), "another assertion with the same jti", stale);
    s.expect(count_messages(s, who, c) == 2, "two messages", std::to_string(count_messages(s, who, c)));

    auto const del = "/conversations/" + c;
    auto const deletion = who.authorization("DELETE", del);
    s.accepted(who.del(del, {.authorization = deletion}), "a deletion");
    s.control(who.write(c, "back"), "a write that brings the conversation back");
    s.refused(who.del(del, {.authorization = deletion}), "the deletion's request again", stale);
    s.control(who.read(c), "the conversation is still there");
}

void peers_cannot_replay(scenario& s) { replayed_writes_are_refused(s, s.register_peer()); }
void users_cannot_replay(scenario& s) { replayed_writes_are_refused(s, s.user()); }

void replayed_reads_are_refused(scenario& s) {
    auto const g = prepare(s);
    auto const path = "/conversations/" + g.conversation;
    auto const field = g.a.authorization("GET", path);
    s.control(g.a.get(path, {.authorization = field}), "a read");
    auto const x = g.a.get(path, {.authorization = field});
    s.expect(x.client_error(), "the same assertion on a second read is refused", x.describe());
}

/// Wherever it was used, and however: to read, too.
void jti_counts_everywhere(scenario& s) {
    auto const a = s.register_peer();
    for (caller const& who : {static_cast<caller>(a), s.user()}) {
        auto const first = s.fresh("c"), second = s.fresh("c");
        auto const written = s.fresh("jti"), read = s.fresh("jti");
        s.control(who.write(first, "x", {}, {.claims = set("jti", written)}), "a write");
        s.control(who.get("/conversations/" + first, {.claims = set("jti", read)}), "a read");
        s.refused(who.write(second, "x", {}, {.claims = set("jti", written)}), "a write to another conversation with the jti of the first", stale);
        s.refused(who.write(second, "x", {}, {.claims = set("jti", read)}), "a write with the jti of a read", stale);
        s.refused(who.del("/conversations/" + first, {.claims = set("jti", written)}), "a deletion with the jti of a write", stale);
        s.expect(!who.read(second).ok(), "what was refused is not there", "it is");
    }
}

void jti_is_per_issuer(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c"), jti = s.fresh("jti");
    s.control(a.write(c, "by A", {}, {.claims = set("jti", jti)}), "a write by A");
    s.accepted(b.write(c, "by B", {}, {.claims = set("jti", jti)}), "a write by B with the same jti");
    s.accepted(s.user().write(c, "by the user", {}, {.claims = set("jti", jti)}), "a write by the user with the same jti");
    s.expect(count_messages(s, a, c) == 3, "three messages", std::to_string(count_messages(s, a, c)));
}

void forged_jti_is_not_burnt(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c"), jti = s.fresh("jti");
    s.refused(a.write(c, "forged", {}, {.claims = set("jti", jti), .signer = b.signing_key()}), "a forged assertion", invalid);
    s.accepted(a.write(c, "true", {}, {.claims = set("jti", jti)}), "the true assertion with the jti that a forger used before");
    s.expect(count_messages(s, a, c) == 1, "one message", std::to_string(count_messages(s, a, c)));
}

// ---- the header field, and who may call what -----------------------------------------------------------------

void scheme_has_no_case(scenario& s) {
    auto const g = prepare(s);
    auto const path = "/conversations/" + g.conversation;
    auto const respelled = [&](caller const& who, std::string const& scheme) {
        auto const field = who.authorization("GET", path);
        s.accepted(who.get(path, {.authorization = scheme + field.substr(field.find(' '))}), "the scheme spelled " + scheme);
    };
    for (auto const* scheme : {"bsp", "Bsp", "BSP"}) respelled(g.a, scheme);
    for (auto const* scheme : {"bsp-user", "BSP-USER", "BSP-User"}) respelled(s.user(), scheme);
}

void schemes_are_not_exchanged(scenario& s) {
    auto const g = prepare(s);
    auto const path = "/conversations/" + g.conversation;
    auto const jws = [&](caller const& who) {
        auto const field = who.authorization("GET", path);
        return field.substr(field.find(' ') + 1);
    };
    s.control(g.a.get(path), "the peer's assertion under BSP");
    s.control(s.user().get(path), "the user's assertion under BSP-User");
    for (auto const& field : {"BSP-User " + jws(g.a), "BSP " + jws(s.user()), "Bearer " + jws(g.a), "Bearer " + jws(s.user()), "Basic " + jws(g.a), "JWT " + jws(g.a), jws(g.a), std::string{"BSP"}})
        s.refused(s.nobody().get(path, {.authorization = field}), "Authorization: " + field.substr(0, field.find(' ')) + " …", {.statuses = {401, 403}});
}

void one_field_only(scenario& s) {
    auto const g = prepare(s);
    auto const path = "/conversations/" + g.conversation;
    auto const field = g.a.authorization("GET", path);
    s.control(g.a.get(path), "one Authorization field");
    for (auto const& second : {s.user().authorization("GET", path), std::string{"Bearer x"}, g.a.authorization("GET", path)})
        s.refused(g.a.get(path, {.authorization = field, .request = [&](http_request& r) { r.headers.add("Authorization", second); }}), "two Authorization fields");
}

void principals_keep_their_places(scenario& s) {
    auto const g = prepare(s);
    auto const path = "/sync/" + g.a.peer_id();
    s.control(g.a.get(path), "the peer's own pull");
    auto const user_pull = s.user().get(path);
    s.refused(user_pull, "a pull with a user assertion", {.statuses = {401, 403}});
    s.expect(user_pull.bytes().find(g.secret) == std::string::npos, "nothing disclosed", "a message");
}

void admin_reads_no_conversations(scenario& s) {
    auto const g = prepare(s);
    auto const admin = s.admin();
    s.control(admin.get("/peers"), "the administrator's list of peers");
    for (auto const& path : {"/conversations/" + g.conversation, std::string{"/conversations"}, "/sync/" + g.a.peer_id()}) {
        auto const x = admin.get(path);
        s.refused(x, "GET " + path + " with the admin token", {.statuses = {401, 403}});
        s.expect(x.bytes().find(g.secret) == std::string::npos, "nothing disclosed", "a message");
    }
    s.refused(admin.del("/conversations/" + g.conversation), "a deletion with the admin token", {.statuses = {401, 403}});
    s.control(g.a.read(g.conversation), "the conversation is still there");
}

#define BSP_PEER_FORGERY "anyone who can guess or capture a little reads and changes a person's conversations"

check const checks[] = {
    {.id = "aut/alg", .title = "a peer assertion of another algorithm than PS256 is refused", .clauses = {"BSP-AUT-019", "BSP-AUT-020"}, .impact = BSP_PEER_FORGERY,
     .likely_cause = "the algorithm is taken from the JWS header", .run = algorithm_is_fixed},
    {.id = "aut/typ", .title = "a peer assertion of another typ is refused", .clauses = {"BSP-AUT-021", "BSP-GEN-047"}, .impact = "a token made for another purpose opens the door",
     .likely_cause = "typ is not looked at", .run = type_is_checked},
    {.id = "aut/crit", .title = "a JWS with crit is refused", .clauses = {"BSP-AUT-022"}, .impact = "a restriction that the issuer called critical is ignored",
     .likely_cause = "unknown header members are all ignored", .run = critical_headers_are_refused},
    {.id = "aut/compact-form", .title = "a JWS that is not three parts of base64url, or not of JSON objects, is refused", .clauses = {"BSP-AUT-023"},
     .impact = "what was signed is not what is read", .likely_cause = "the parts are split and read by hand", .run = form_is_strict},
    {.id = "aut/lenient-form", .title = "a JWS with padding, or that is not of I-JSON, is refused", .clauses = {"BSP-AUT-061"},
     .impact = "one assertion has many spellings, and filters that compare octets are deceived", .likely_cause = "a lenient base64 decoder, or a JSON parser that takes the last of two members", .run = lenient_forms_are_refused, .strength = obligation::should},
    {.id = "aut/signature", .title = "the signature of a peer assertion is verified under the key registered for its sub", .clauses = {"BSP-AUT-025"}, .impact = BSP_PEER_FORGERY,
     .likely_cause = "claims are read before, or without, verification", .run = signature_is_verified},
    {.id = "aut/unknown-claims", .title = "unknown claims and header members are ignored", .clauses = {"BSP-AUT-035"}, .impact = "newer clients are locked out",
     .likely_cause = "a closed schema for JWS objects", .run = unknown_members_are_ignored},
    {.id = "aut/aud", .title = "an assertion for another backend is refused", .clauses = {"BSP-AUT-029", "BSP-GEN-093"}, .impact = "an assertion given to one backend is replayed at another",
     .likely_cause = "aud is not compared, or compared as a prefix", .run = audience_is_checked},
    {.id = "aut/htm", .title = "an assertion for another method is refused", .clauses = {"BSP-AUT-030"}, .impact = "a captured read becomes a deletion",
     .likely_cause = "htm is not compared, or without regard to case", .run = method_is_checked},
    {.id = "aut/htu", .title = "an assertion for another path is refused", .clauses = {"BSP-AUT-031"}, .impact = "a captured assertion opens every other path",
     .likely_cause = "htu is not compared, or only its beginning", .run = path_is_checked},
    {.id = "aut/htu-query", .title = "the query is part of htu", .clauses = {"BSP-AUT-031"}, .impact = "a captured assertion is good for other queries",
     .likely_cause = "htu is compared with the path alone, as in RFC 9449", .run = query_is_checked},
    {.id = "aut/htu-octets", .title = "htu is compared octet for octet with the request target", .clauses = {"BSP-AUT-060"}, .impact = "an assertion fits requests that its author did not make",
     .likely_cause = "the framework's decoded path is compared", .run = spelling_of_the_path_counts, .strength = obligation::should},
    {.id = "aut/exp", .title = "an expired assertion is refused", .clauses = {"BSP-AUT-032"}, .impact = "a captured assertion is good for longer than its author said",
     .likely_cause = "exp is not checked, or with leeway", .run = expired_assertions_are_refused},
    {.id = "aut/lifetime", .title = "an assertion that lives longer than 300 s is refused", .clauses = {"BSP-AUT-034"}, .impact = "a careless client mints a key for ten years",
     .likely_cause = "only exp is checked", .run = lifetime_is_bounded},
    {.id = "aut/iat-ahead", .title = "an assertion more than 300 s ahead is refused", .clauses = {"BSP-AUT-033"}, .impact = "assertions can be made in store for later",
     .likely_cause = "iat is not looked at", .run = future_assertions_are_refused},
    {.id = "aut/iat-slightly-ahead", .title = "an assertion less than 300 s ahead is accepted", .clauses = {"BSP-AUT-033", "BSP-AUT-017"},
     .impact = "devices whose clock is a little fast cannot sync", .likely_cause = "iat must not be later than now", .run = slightly_fast_clocks_are_tolerated},
    {.id = "aut/claim-types", .title = "a claim of the wrong type is refused", .clauses = {"BSP-AUT-024"}, .impact = "two verifiers read one assertion differently",
     .likely_cause = "coercion by the JWT library, or aud accepted as an array", .run = claim_types_are_strict},
    {.id = "aut/claims-required", .title = "an assertion without one of the claims is refused", .clauses = {"BSP-AUT-024"}, .impact = "a check that is left out of the assertion is left out by the server",
     .likely_cause = "claims are checked only when present", .run = claims_are_required},
    {.id = "aut/iss", .title = "iss and sub name the registration whose key verifies", .clauses = {"BSP-AUT-028", "BSP-AUT-026"}, .impact = "one backend acts under another's name",
     .likely_cause = "iss is not compared with the registration", .run = issuer_is_checked},
    {.id = "aut/path-peer", .title = "a peer's assertion opens its own path only", .clauses = {"BSP-AUT-027"}, .impact = "one paired backend pulls what belongs to another, even to another user",
     .likely_cause = "the peer of the path is served to whoever authenticates", .run = path_is_the_peers_own, .needs = need::second_user},
    {.id = "aut/jti-single-use", .title = "a peer's assertion is good for one change", .clauses = {"BSP-AUT-044"}, .impact = "a captured request is repeated by whoever captured it",
     .likely_cause = "jti is not remembered", .run = peers_cannot_replay},
    {.id = "aut/jti-elsewhere", .title = "a jti that was used is used up at every path and for every method", .clauses = {"BSP-AUT-044"}, .impact = "who sees a request pass can send another one in its name",
     .likely_cause = "jti is remembered with the path or the method, or for changes only", .run = jti_counts_everywhere},
    {.id = "aut/jti-reads", .title = "an assertion is good for one read", .clauses = {"BSP-AUT-045"}, .impact = "a captured request shows new data until it expires",
     .likely_cause = "jti is remembered for changes only", .run = replayed_reads_are_refused, .strength = obligation::should},
    {.id = "aut/jti-per-issuer", .title = "the same jti from two issuers is no replay", .clauses = {"BSP-AUT-046"}, .impact = "one client can lock out another by guessing its identifiers",
     .likely_cause = "one set of jti for all issuers", .run = jti_is_per_issuer},
    {.id = "aut/jti-not-burnt", .title = "a jti in a forged assertion is not remembered", .clauses = {"BSP-AUT-047"}, .impact = "anybody can have a peer's requests refused",
     .likely_cause = "jti is remembered before the signature is verified", .run = forged_jti_is_not_burnt},
    {.id = "aut/user-jti", .title = "a user's assertion is good for one change", .clauses = {"BSP-AUT-043", "BSP-AUT-044"}, .impact = "a captured request is repeated by whoever captured it",
     .likely_cause = "jti is remembered for peers only", .run = users_cannot_replay},
    {.id = "aut/scheme-case", .title = "the names of the schemes have no case", .clauses = {"BSP-AUT-018"}, .impact = "clients behind proxies that respell the field are locked out",
     .likely_cause = "startswith(\"BSP \")", .run = scheme_has_no_case},
    {.id = "aut/scheme", .title = "an assertion under another scheme is refused", .clauses = {"BSP-AUT-020", "BSP-AUT-003"}, .impact = "the algorithm can be chosen by the caller",
     .likely_cause = "the scheme is cut off and the JWS decides", .run = schemes_are_not_exchanged},
    {.id = "aut/one-authorization", .title = "a request with two Authorization fields is refused", .clauses = {"BSP-AUT-004"}, .impact = "a proxy and the backend authenticate different callers",
     .likely_cause = "the first, or the last, field is taken", .run = one_field_only},
    {.id = "aut/wrong-principal", .title = "a user may not pull", .clauses = {"BSP-AUT-003"}, .impact = "roles that the specification keeps apart are mixed",
     .likely_cause = "any credential opens any endpoint", .run = principals_keep_their_places},
    {.id = "aut/admin-and-content", .title = "an administrator may not read or delete conversations", .clauses = {"BSP-AUT-003"}, .impact = "whoever operates a backend reads everybody's conversations through its front door",
     .likely_cause = "the admin token passes every authentication step", .run = admin_reads_no_conversations, .needs = need::admin_token},
};

#undef BSP_PEER_FORGERY

}  // namespace

group authentication_group() { return {"authentication", profile::reg, checks}; }

}  // namespace bsp::conformance
