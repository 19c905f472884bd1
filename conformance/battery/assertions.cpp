#include "../signing_key.hpp"
#include "decks.hpp"

#include "../surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <cctype>
#include <memory>

// Chapter 5: assertions of peers and of users that are nearly valid, at every door that takes them.

namespace bsp::conformance::battery {
namespace {

/// A compact JWS taken apart: the text of its header and of its claims, and the octets of its signature.
struct jws {
    std::string header, claims;
    bytes signature;

    explicit jws(std::string const& compact) {
        auto const first = compact.find('.'), second = compact.rfind('.');
        header = text_of(compact.substr(0, first));
        claims = text_of(compact.substr(first + 1, second - first - 1));
        signature = from_base64url(compact.substr(second + 1)).value();
    }
    [[nodiscard]] std::string input() const { return to_base64url(as_bytes(header)) + '.' + to_base64url(as_bytes(claims)); }
    [[nodiscard]] std::string compact() const { return input() + '.' + to_base64url(signature); }
    [[nodiscard]] json::object claims_object() const { return json::parse(claims)->get_object(); }
    [[nodiscard]] json::object header_object() const { return json::parse(header)->get_object(); }

private:
    static std::string text_of(std::string const& part) {
        auto const octets = from_base64url(part).value();
        return {octets.begin(), octets.end()};
    }
};

/// One attempt while it is being made.
struct draw {
    dice& d;
    door at;
    caller const* by;
    call_options o = {};
    std::string how = {};
    std::function<void(http_request&)> request = {};
};

class deck {
public:
    deck(siege& to, house& in, bool by_peer) : to_{to}, in_{in}, s_{in.world}, peer_{by_peer}, own_{by_peer ? static_cast<caller const*>(&in.a) : &in.user} {}

    void deal() {
        signatures();
        algorithms();
        forms();
        claims();
        moments();
        repetitions();
        bearers();
        principals();
    }

private:
    void wrong(std::string what, std::string_view of_peers, std::string_view of_users, std::function<bool(draw&)> spoil) {
        auto const clause = peer_ ? of_peers : of_users;
        if (clause.empty()) return;
        to_.add(std::move(what), clause, [this, spoil = std::move(spoil), turn = ++first_turn_](dice& d) mutable -> std::optional<attempt> {
            draw w{d, in_.door_of(turn++, peer_, d), own_};
            if (!spoil(w)) return std::nullopt;
            http_request r{w.at.method, s_.target_path(w.at.path), {}, w.at.body.value_or(""), {}};
            if (auto value = w.by->authorization(w.at.method, w.at.path, w.o); !value.empty()) r.headers.add("Authorization", std::move(value));
            if (w.at.body) r.headers.add("Content-Type", "application/json");
            if (w.request) w.request(r);
            return attempt{std::move(r), std::move(w.how), w.by->name()};
        });
    }

    /// The assertion taken apart, changed, and put together again.
    static void rewritten(draw& w, std::function<void(jws&)> change) {
        w.o.assertion = [change = std::move(change)](std::string& compact) {
            jws j{compact};
            change(j);
            compact = j.compact();
        };
    }

    [[nodiscard]] bytes sign(std::string const& text) const { return peer_ ? s_.seal(in_.a.signing_key(), text) : s_.seal(s_.account().secret, text); }

    void signatures() {
        wrong("signature: one bit flipped", "BSP-AUT-025", "BSP-AUT-040", [](draw& w) {
            rewritten(w, [&w](jws& j) { j.signature = flipped(j.signature, w.d); });
            w.how = "one bit";
            return true;
        });
        wrong("signature: other octets", "BSP-AUT-025", "BSP-AUT-040", [](draw& w) {
            rewritten(w, [&w](jws& j) { j.signature = spoilt(j.signature, w.d, w.how); });
            return true;
        });
        wrong("signature: of another assertion that was accepted", "BSP-AUT-025", "BSP-AUT-040", [this](draw& w) {
            auto const good = accepted_one(w.d);
            rewritten(w, [good](jws& j) { j.signature = good.signature; });
            w.how = "the claims are others";
            return true;
        });
        wrong("claims changed after signing", "BSP-AUT-025", "BSP-AUT-040", [this](draw& w) {
            bool const accepted_before = w.d.one_in(2);
            auto const good = accepted_before ? std::optional{accepted_one(w.d)} : std::nullopt;
            rewritten(w, [&w, good](jws& j) {
                if (good) {  // as it was accepted, but for what lets it come again and elsewhere
                    auto claims = good->claims_object();
                    auto const now = j.claims_object();
                    for (auto const* name : {"jti", "htm", "htu"}) claims[name] = now.at(name);
                    j.claims = boost::json::serialize(claims), j.signature = good->signature, w.how = "jti, htm and htu of an accepted one";
                } else {
                    auto claims = j.claims_object();
                    tamper(claims, {"iss", "sub", "aud", "htm", "htu"}, w.d, w.how);
                    j.claims = boost::json::serialize(claims);
                }
            });
            return true;
        });
        wrong("header changed after signing", "BSP-AUT-025", "BSP-AUT-040", [](draw& w) {
            rewritten(w, [](jws& j) { j.header.insert(j.header.size() - 1, R"(,"kid":"1")"); });
            w.how = "kid added";
            return true;
        });
        wrong("signature: over other bytes", "BSP-AUT-025", "BSP-AUT-040", [this](draw& w) {
            auto const n = w.d.below(5);
            rewritten(w, [this, &w, n](jws& j) {
                std::string const texts[] = {json::canonicalize(j.claims_object()).value(), j.claims, j.header + '.' + j.claims, to_base64url(as_bytes(j.claims)), j.input() + '.'};
                char const* const names[] = {"the canonical claims", "the claims as text", "both texts before base64url", "the second part alone", "a dot more"};
                j.signature = sign(texts[n]), w.how = names[n];
            });
            return true;
        });
        auto const outsider = s_.fresh_key();
        wrong("signature: by another key", "BSP-AUT-025", "", [this, outsider](draw& w) {
            std::vector<std::pair<char const*, key>> keys{{"of another peer of the user", in_.sibling.signing_key()}, {"that is nobody's", outsider}, {"of a peer that was unpaired", in_.gone.signing_key()}};
            if (in_.stranger) keys.emplace_back("of another user's peer", in_.stranger->signing_key());
            auto const& [how, by] = w.d.of(keys);
            w.o.signer = by, w.how = how;
            return by != in_.a.signing_key();
        });
        wrong("signature: of another scheme", "BSP-AUT-025", "", [this](draw& w) {
            struct scheme { char const* name; bytes (*sign)(signing_key const&, std::string_view); };
            static constexpr scheme all[] = {{"PKCS #1 v1.5", signing_key::sign_pkcs1_sha256}, {"PSS with SHA-1", signing_key::sign_pss_sha1}, {"PSS with SHA-512", signing_key::sign_pss_sha512}};
            auto const& one = w.d.of(all);
            rewritten(w, [this, one](jws& j) { j.signature = one.sign(*in_.a.signing_key(), j.input()); });
            w.how = one.name;
            return true;
        });
        wrong("MAC: under another secret", "", "BSP-AUT-040", [this](draw& w) {
            auto const& secret = s_.account().secret;
            auto const text = [](std::optional<bytes> const& b) { return b ? std::string{b->begin(), b->end()} : std::string{}; };
            std::string const secrets[] = {nearly(secret, w.d), nearly(secret, w.d), "", secret + '\n', text(from_base64url(secret)), text(from_hex(secret)), to_hex(as_bytes(secret)), to_base64(as_bytes(secret)),
                                           s_.account().id, in_.a.signing_key()->public_key().pem(), s_.identity().public_key_pem};
            auto const n = w.d.below(std::size(secrets));
            w.o.secret = secrets[n], w.how = "variant " + std::to_string(n);
            return secrets[n] != secret;
        });
    }

    void algorithms() {
        wrong("alg: another one", "BSP-AUT-019", "BSP-AUT-038", [this](draw& w) {
            static constexpr char const* names[] = {"none", "None", "HS256", "HS384", "HS512", "RS256", "RS512", "PS384", "PS512", "ES256", "EdDSA", "PS256", "", "SHA256"};
            std::string name = w.d.of(names);
            if (w.d.one_in(3)) name = nearly(peer_ ? "PS256" : "HS256", w.d);
            if (name == (peer_ ? "PS256" : "HS256")) return false;
            w.o.header = [name](json::object& o) { o["alg"] = name; };
            w.how = '"' + name + '"';
            return true;
        });
        wrong("alg: absent or no text", "BSP-AUT-019", "BSP-AUT-038", [this](draw& w) {
            json::value const values[] = {nullptr, true, 256, json::array{peer_ ? "PS256" : "HS256"}, json::object{}};
            auto const v = w.d.of(values);
            bool const gone = w.d.one_in(3);
            w.o.header = [v, gone](json::object& o) { gone ? (void)o.erase("alg") : (void)(o["alg"] = v); };
            w.how = gone ? "absent" : boost::json::serialize(v);
            return true;
        });
        wrong("alg none, unsigned", "BSP-AUT-020", "BSP-AUT-038", [](draw& w) {
            rewritten(w, [](jws& j) {
                auto h = j.header_object();
                h["alg"] = "none";
                j.header = boost::json::serialize(h), j.signature.clear();
            });
            w.how = "no signature";
            return true;
        });
        wrong("MAC with what is known", "BSP-AUT-020", "", [this](draw& w) {
            bool const says_so = w.d.one_in(2);
            std::string const known[] = {in_.a.signing_key()->public_key().pem(), s_.identity().public_key_pem, in_.a.peer_id(), in_.a.backend_id(), "", s_.account().secret};
            auto const secret = w.d.of(known);
            rewritten(w, [says_so, secret](jws& j) {
                if (says_so) j.header = R"({"alg":"HS256","typ":"bsp-peer+jwt"})";
                auto const mac = hmac_sha256(secret, j.input());
                j.signature = {mac.begin(), mac.end()};
            });
            w.how = says_so ? "alg HS256" : "alg PS256";
            return true;
        });
        wrong("signed with an RSA key", "", "BSP-AUT-038", [this](draw& w) {
            bool const says_so = w.d.one_in(2);
            rewritten(w, [this, says_so](jws& j) {
                if (says_so) j.header = R"({"alg":"PS256","typ":"bsp-user+jwt"})";
                j.signature = s_.seal(in_.a.signing_key(), j.input());
            });
            w.how = says_so ? "alg PS256" : "alg HS256";
            return true;
        });
        wrong("typ: another one", "BSP-AUT-021", "BSP-AUT-039", [this](draw& w) {
            std::string const right = peer_ ? "bsp-peer+jwt" : "bsp-user+jwt";
            std::string const names[] = {"JWT", "", "jwt", peer_ ? "bsp-user+jwt" : "bsp-peer+jwt", "application/" + right, "bsp-sbt", "bsp-challenge", "bsp-key-rotation", nearly(right, w.d), nearly(right, w.d)};
            auto const name = w.d.of(names);
            bool const gone = w.d.one_in(8);
            w.o.header = [name, gone](json::object& o) { gone ? (void)o.erase("typ") : (void)(o["typ"] = name); };
            w.how = gone ? "absent" : '"' + name + '"';
            return true;
        });
        wrong("crit in the header", "BSP-AUT-022", "BSP-AUT-022", [](draw& w) {
            json::value const values[] = {json::array{"exp"}, json::array{}, json::array{"b64"}, nullptr, "exp"};
            auto const v = w.d.of(values);
            w.o.header = [v](json::object& o) { o["crit"] = v; };
            w.how = boost::json::serialize(v);
            return true;
        });
    }

    void forms() {
        wrong("not three parts", "BSP-AUT-023", "BSP-AUT-023", [](draw& w) {
            auto const n = w.d.below(7);
            w.o.assertion = [n](std::string& c) {
                auto const first = c.find('.'), second = c.rfind('.');
                std::string const forms[] = {c.substr(0, second), c + ".AAAA", c.substr(0, second + 1), c.substr(first), c.substr(0, first) + c.substr(second), '.' + c, c.substr(first + 1)};
                c = forms[n];
            };
            w.how = "form " + std::to_string(n);
            return true;
        });
        wrong("a character beyond base64url", "BSP-AUT-023", "BSP-AUT-023", [](draw& w) {
            auto const bad = "+/!*~:,;|"[w.d.below(9)];
            w.how = std::string{"\""} + bad + "\" in it";
            w.o.assertion = [bad, &w](std::string& c) {
                std::size_t at = 0;
                do at = w.d.below(c.size());
                while (c[at] == '.');
                if (w.d.one_in(2)) c[at] = bad;
                else c.insert(at, 1, bad);
            };
            return true;
        });
        wrong("header or claims are no object", "BSP-AUT-023", "BSP-AUT-023", [this](draw& w) {
            bool const header = w.d.one_in(2), array = w.d.one_in(2);
            rewritten(w, [=, this](jws& j) {
                auto& part = header ? j.header : j.claims;
                part = array ? '[' + part + ']' : '"' + to_hex(as_bytes(part)) + '"';
                j.signature = sign(j.input());
            });
            w.how = std::string{header ? "the header" : "the claims"} + (array ? " in an array" : " as a text");
            return true;
        });
        wrong("something behind the JSON", "BSP-AUT-023", "BSP-AUT-023", [this](draw& w) {
            bool const header = w.d.one_in(2);
            rewritten(w, [=, this](jws& j) {
                (header ? j.header : j.claims) += "{}";
                j.signature = sign(j.input());
            });
            w.how = header ? "in the header" : "in the claims";
            return true;
        });
    }

    void claims() {
        static constexpr char const* names[] = {"sub", "aud", "iat", "exp", "jti", "htm", "htu", "iss"};
        wrong("a claim missing", "BSP-AUT-024", "BSP-AUT-043", [this](draw& w) {
            std::string const name = names[w.d.below(peer_ ? 8 : 7)];
            w.o.claims = [name](json::object& o) { o.erase(name); };
            w.how = name;
            return true;
        });
        wrong("a claim of another type", "BSP-AUT-024", "BSP-AUT-043", [this](draw& w) {
            std::string const name = names[w.d.below(peer_ ? 8 : 7)];
            static json::value const values[] = {nullptr, true, json::object{}, json::array{}};
            auto const n = w.d.below(6);
            w.o.claims = [name, n](json::object& o) {
                auto const is = o.at(name);
                if (n < 4) o[name] = values[n];
                else if (n == 4) o[name] = json::array{is};
                else if (is.is_string()) o[name] = json::object{{"value", is}};
                else o[name] = std::to_string(is.to_number<std::int64_t>());
            };
            w.how = name;
            return true;
        });
        auto const near = [this](std::string what, std::string claim, std::string_view of_peers, std::string_view of_users) {
            wrong(std::move(what), of_peers, of_users, [claim](draw& w) {
                w.o.claims = [claim, &w](json::object& o) {
                    auto const text = nearly(std::string{json::view(o.at(claim).as_string())}, w.d);
                    o[claim] = text;
                    w.how = claim + " \"" + text + '"';
                };
                return true;
            });
        };
        near("audience: nearly the right one", "aud", "BSP-AUT-029", "BSP-AUT-043");
        near("issuer: nearly the right one", "iss", "BSP-AUT-028", "BSP-AUT-041");
        near("method: nearly the right one", "htm", "BSP-AUT-030", "BSP-AUT-043");
        near("target: nearly the right one", "htu", "BSP-AUT-031", "BSP-AUT-043");
        wrong("audience: somebody else", "BSP-AUT-029", "BSP-AUT-043", [this](draw& w) {
            std::string const all[] = {in_.a.backend_id(), in_.sibling.backend_id(), s_.account().id, s_.fresh_backend_id(s_.identity().backend_type), "*", "http://" + s_.authority(), in_.a.peer_id()};
            auto const one = w.d.of(all);
            w.o.claims = [one](json::object& o) { o["aud"] = one; };
            w.how = one;
            return one != s_.identity().backend_id;
        });
        wrong("issuer: somebody else", "BSP-AUT-028", "BSP-AUT-041", [this](draw& w) {
            std::string const all[] = {in_.sibling.backend_id(), in_.gone.backend_id(), s_.identity().backend_id, peer_ ? s_.account().id : in_.a.backend_id(), in_.a.peer_id(), "*"};
            auto const one = w.d.of(all);
            w.o.claims = [one](json::object& o) { o["iss"] = one; };
            w.how = one;
            return true;
        });
        wrong("subject: nearly the right one", "BSP-AUT-026", "BSP-AUT-042", [this](draw& w) {
            w.o.claims = [this, &w](json::object& o) {
                auto const text = nearly(std::string{json::view(o.at("sub").as_string())}, w.d);
                o["sub"] = text;
                if (!peer_) o["iss"] = text;
                w.how = '"' + text + '"';
            };
            return true;
        });
        wrong("subject: another peer", "BSP-AUT-025", "", [this](draw& w) {
            auto const& other = in_.stranger && w.d.one_in(2) ? *in_.stranger : in_.sibling;
            bool const issuer_too = w.d.one_in(2);
            w.o.claims = [&other, issuer_too](json::object& o) {
                o["sub"] = other.peer_id();
                if (issuer_too) o["iss"] = other.backend_id();
            };
            w.how = issuer_too ? "with its backend_id" : "with the own backend_id";
            return true;
        });
        wrong("subject: another user", "", "BSP-AUT-040", [this](draw& w) {
            if (!in_.stranger) return false;
            w.o.claims = [this](json::object& o) { o["sub"] = in_.stranger->user().id, o["iss"] = in_.stranger->user().id; };
            w.how = "under the own secret";
            return true;
        });
        wrong("subject: anonymous", "", "BSP-AUT-042", [](draw& w) {
            w.o.claims = [](json::object& o) { o["sub"] = "anonymous", o["iss"] = "anonymous"; };
            w.how = "anonymous";
            return true;
        });
        wrong("target: another one", "BSP-AUT-031", "BSP-AUT-043", [this](draw& w) {
            auto const own = s_.target_path(w.at.path);
            bool const has_query = own.find('?') != std::string::npos;
            std::string const all[] = {own + "/", own + (has_query ? "&x=1" : "?x=1"), own.substr(0, own.find('?')) + "?limit=2", own + own, "", "/", "*", s_.target_path("/conversations"),
                                       s_.target_path("/identity")};
            auto const one = w.d.of(all);
            w.o.claims = [one](json::object& o) { o["htu"] = one; };
            w.how = '"' + one + '"';
            return one != own;
        });
        wrong("target: in another case", "BSP-AUT-031", "BSP-AUT-043", [this](draw& w) {
            auto const own = s_.target_path(w.at.path);
            auto other = own;
            for (auto& c : other)
                if (c >= 'a' && c <= 'z') c = static_cast<char>(c ^ 0x20);
            w.o.claims = [other](json::object& o) { o["htu"] = other; };
            w.how = other;
            return other != own;
        });
        wrong("method: another one", "BSP-AUT-030", "BSP-AUT-043", [](draw& w) {
            static constexpr char const* all[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "*", ""};
            std::string const one = w.d.of(all);
            w.o.claims = [one](json::object& o) { o["htm"] = one; };
            w.how = '"' + one + '"';
            return one != w.at.method;
        });
        wrong("made for another door", "BSP-AUT-031", "BSP-AUT-043", [this](draw& w) {
            auto const other = in_.door_of(w.d.below(100), peer_, w.d);
            if (other.path == w.at.path) return false;
            w.o.authorization = own_->authorization(w.at.method, other.path);
            w.how = other.path.substr(0, other.path.find('?'));
            return true;
        });
    }

    void moments() {
        auto const at = [this](draw& w, std::int64_t iat, std::int64_t exp) {
            auto const now = s_.now().seconds;
            w.o.claims = [=](json::object& o) { o["iat"] = now + iat, o["exp"] = now + exp; };
            w.how = "iat " + std::to_string(iat) + " s, exp " + std::to_string(exp) + " s from now";
            return true;
        };
        auto const some = [](draw& w, std::size_t most) { return static_cast<std::int64_t>(w.d.one_in(2) ? w.d.below(10) : w.d.below(most)); };
        // Clocks may be two seconds apart without anybody's fault.
        wrong("expired", "BSP-AUT-032", "BSP-AUT-043", [at, some](draw& w) {
            auto const ago = 3 + some(w, 7'200);
            return at(w, -ago - 1 - static_cast<std::int64_t>(w.d.below(300)), -ago);
        });
        wrong("not yet valid", "BSP-AUT-033", "BSP-AUT-043", [at, some](draw& w) {
            auto const ahead = 303 + some(w, 7'200);
            return at(w, ahead, ahead + 1 + static_cast<std::int64_t>(w.d.below(300)));
        });
        wrong("lives too long", "BSP-AUT-034", "BSP-AUT-043", [at, some](draw& w) {
            auto const from = -static_cast<std::int64_t>(w.d.below(200));
            return at(w, from, from + 301 + some(w, 100'000'000));
        });
        wrong("ends before it begins", "BSP-AUT-034", "BSP-AUT-043", [at](draw& w) {
            auto const end = 30 + static_cast<std::int64_t>(w.d.below(200));
            return at(w, end + static_cast<std::int64_t>(w.d.below(60)), end);
        });
        wrong("in milliseconds", "BSP-AUT-033", "BSP-AUT-043", [this](draw& w) {
            auto const now = s_.now().seconds * 1000;
            w.o.claims = [now](json::object& o) { o["iat"] = now, o["exp"] = now + 200; };
            w.how = std::to_string(now);
            return true;
        });
    }

    void repetitions() {
        wrong("sent again", "BSP-AUT-044", "BSP-AUT-044", [this](draw& w) {
            w.at = in_.open_door(peer_, true, w.d);
            w.o.authorization = own_->authorization(w.at.method, w.at.path);
            use(w.at, {.authorization = w.o.authorization});
            w.how = "the same request";
            return true;
        });
        wrong("jti used before at another door", "BSP-AUT-044", "BSP-AUT-044", [this](draw& w) {
            if (w.at.method == "GET") return false;
            auto const jti = s_.fresh("jti");
            edit const again = [jti](json::object& o) { o["jti"] = jti; };
            bool const read = w.d.one_in(2);
            use(in_.open_door(peer_, !read, w.d), {.claims = again});
            w.o.claims = again, w.how = read ? "with GET" : "with POST";
            return true;
        });
    }

    void bearers() {
        wrong("another scheme", "BSP-AUT-020", "BSP-AUT-003", [this](draw& w) {
            auto const value = own_->authorization(w.at.method, w.at.path);
            auto const token = value.substr(value.find(' ') + 1);
            std::string const all[] = {(peer_ ? "BSP-User " : "BSP ") + token, "Bearer " + token, "Basic " + token, "JWT " + token, token, "BSPX " + token, "BSP-Peer " + token};
            w.o.authorization = w.d.of(all);
            w.how = w.o.authorization->substr(0, w.o.authorization->find(' ')).substr(0, 12);
            return true;
        });
        wrong("two credentials", "BSP-AUT-004", "BSP-AUT-004", [this](draw& w) {
            std::string const all[] = {"Bearer x", in_.user.authorization(w.at.method, w.at.path), in_.a.authorization(w.at.method, w.at.path)};
            w.request = [second = w.d.of(all)](http_request& r) { r.headers.add("Authorization", second); };
            w.how = "a right one and another";
            return true;
        });
        wrong("no credential", "BSP-AUT-001", "BSP-AUT-001", [](draw& w) {
            static constexpr char const* all[] = {"", "BSP", "BSP ", "BSP-User", "BSP-User null", "BSP undefined", "Bearer"};
            w.o.authorization = w.d.of(all);
            w.how = '"' + *w.o.authorization + '"';
            return true;
        });
        wrong("a session binding token as a credential", "BSP-SBT-038", "BSP-SBT-038", [this](draw& w) {
            auto const sbt = s_.session_binding_token({.backend_id = in_.a.backend_id(), .signing_key = in_.a.signing_key()});
            std::string const mac{json::view(sbt.at("signature").as_string())}, text = boost::json::serialize(sbt);
            auto const compact = to_base64url(as_bytes(std::string{R"({"alg":"HS256","typ":"bsp-sbt"})"})) + '.' + to_base64url(as_bytes(text)) + '.' + mac;
            std::string const all[] = {"BSP " + compact, "BSP-User " + compact, "Bearer " + compact, "Bearer " + mac, "BSP-User " + mac, "Bearer " + to_base64url(as_bytes(text))};
            w.o.authorization = w.d.of(all);
            w.how = w.o.authorization->substr(0, w.o.authorization->find(' '));
            return true;
        });
    }

    void principals() {
        wrong("a path of another peer", "BSP-AUT-027", "", [this](draw& w) {
            w.at = {"GET", "/sync/" + (in_.stranger && w.d.one_in(2) ? *in_.stranger : in_.sibling).peer_id() + "?limit=1"};
            w.how = w.at.path;
            return true;
        });
        wrong("a registration of another", "BSP-REG-040", "BSP-REG-040", [this](draw& w) {
            if (!peer_ && !in_.stranger) return false;
            w.at = {"DELETE", "/peers/" + (!peer_ || (in_.stranger && w.d.one_in(2)) ? *in_.stranger : in_.sibling).peer_id()};
            w.how = w.at.path;
            return true;
        });
        wrong("a door for others", "BSP-PRV-089", "BSP-AUT-003", [this](draw& w) {
            w.at = peer_ ? door{"DELETE", "/privacy/data"} : door{"GET", "/sync/" + in_.a.peer_id() + "?limit=1"};
            w.how = w.at.path;
            return !peer_ || s_.shared().has_privacy;
        });
        wrong("a peer that was unpaired", "BSP-REG-043", "", [this](draw& w) {
            w.by = &in_.gone;
            if (w.d.one_in(2)) w.at = {"GET", "/sync/" + in_.gone.peer_id() + "?limit=1"};
            w.how = w.at.path.substr(0, w.at.path.find('?'));
            return true;
        });
        wrong("settings of another user", "BSP-PRV-010", "BSP-PRV-010", [this](draw& w) {
            if (!in_.stranger || w.at.path != "/privacy-settings" || w.at.method != "PUT") return false;
            auto body = json::parse(*w.at.body)->get_object();
            body["user_id"] = in_.stranger->user().id;
            w.at.body = boost::json::serialize(body);
            w.how = "user_id names another";
            return true;
        });
    }

    /// An assertion that was accepted just now.
    jws accepted_one(dice& d) {
        std::string field;
        auto const at = in_.open_door(peer_, false, d);
        field = own_->authorization(at.method, at.path);
        use(at, {.authorization = field});
        return jws{field.substr(field.find(' ') + 1)};
    }
    void use(door const& at, call_options const& o) { s_.control(own_->call(at.method, at.path, at.body, o), "a right assertion"); }

    siege& to_;
    house& in_;
    scenario& s_;
    bool peer_;
    caller const* own_;
    std::size_t first_turn_ = 0;  // each way to be wrong begins at another door
};

}  // namespace

void deal_assertions(siege& to, house& in, bool of_peers) {
    auto const all = std::make_shared<deck>(to, in, of_peers);
    all->deal();
    to.between([all, &to, &in, of_peers, d = dice{1}]() mutable {
        for (bool const changing : {false, true}) {
            auto const at = in.open_door(of_peers, changing, d);
            auto const& by = of_peers ? static_cast<caller const&>(in.a) : in.user;
            in.world.control(by.call(at.method, at.path, at.body), "a right assertion");
        }
        in.untouched();
    });
}

}  // namespace bsp::conformance::battery
