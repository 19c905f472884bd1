#include "../fuzz/subjects.hpp"
#include "../fuzz/transport.hpp"
#include "../registry.hpp"
#include "../signing_key.hpp"
#include "../surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <functional>

// Hostile requests, generated from the seed: whatever comes, a backend refuses it or accepts it as the specification
// says, tells nothing of its inside, keeps its state and stays alive.

namespace bsp::conformance {
namespace {

using namespace fuzz;

constexpr int checks_of_the_group = 4;

std::chrono::milliseconds share(scenario& s) { return s.shared().fuzz_time / checks_of_the_group; }

// ---- members ------------------------------------------------------------------------------------------------

/// One place of a body, positions in arrays left open, and a kind of change: what is dealt so that no member is missed.
struct card {
    subject const* of;
    place where;
    std::string kind;
};

std::vector<card> deck_of(subject const& of, dice& d) {
    std::vector<card> out;
    auto const body = of.fresh().body;
    for (auto const& where : places_in(*body)) {
        // Of all elements that look alike, the last one: what was done for those before it must be undone.
        auto next = where;
        bool last = true;
        for (std::size_t i = 0; i < next.size(); ++i) {
            if (next[i].find_first_not_of("0123456789") != std::string::npos) continue;
            auto sibling = place{next.begin(), next.begin() + static_cast<std::ptrdiff_t>(i) + 1};
            sibling.back() = std::to_string(std::stoul(sibling.back()) + 1);
            auto copy = *body;
            last = last && find(copy, sibling) == nullptr;
        }
        if (!last && !d.one_in(8)) continue;
        for (auto const& kind : kinds_of_change()) out.push_back({&of, where, kind});
    }
    return out;
}

void hostile_members(scenario& s) {
    driver to{s, share(s)};
    cast const all{to};
    auto& d = to.chance();
    subject const bodies[] = {push_of(all), registration_of(all), write_of(all)};
    subject const queries[] = {reading(all, all.a, "GET /sync/{peer_id}", "GET", [&] { return "/sync/" + all.a.peer_id() + "?limit=1"; }),
                               reading(all, all.user, "GET /conversations", "GET", [&] { return std::string{"/conversations?limit=1"}; })};
    subject const paths = reading(all, all.user, "odd paths", "GET", [] { return std::string{"/peers"}; });
    for (auto const& of : bodies) to.control(of);
    for (auto const& of : queries) to.control(of);
    to.control(paths);

    while (to.time_left()) {
        std::vector<card> deck;
        for (auto const& of : bodies)
            for (auto& one : deck_of(of, d)) deck.push_back(std::move(one));
        d.shuffle(deck);
        for (auto const& one : deck) {
            if (!to.time_left()) break;
            std::vector<mutation> changes{change_at(one.where, one.kind, d)};
            if (d.one_in(6)) {
                auto const& other = d.of(deck);
                if (other.of == one.of) changes.push_back(change_at(other.where, other.kind, d));
            }
            to.attempt(*one.of, std::move(changes));
            if (d.one_in(8)) to.attempt(*one.of, {spoilt_text(d)});
            if (d.one_in(6)) {
                auto const& of = d.of(queries);
                auto const is_pull = of.name != "GET /conversations";
                auto change = odd_query(d);
                if (is_pull || (change.kind != "since")) to.attempt(of, {std::move(change)});
            }
            if (d.one_in(6)) to.attempt(paths, {odd_path(all, d)});
        }
    }
    to.conclude("requests with hostile members, paths and queries met what the specification says");
}

// ---- canonical bytes ----------------------------------------------------------------------------------------

mutation another_spelling(dice& d) {
    return {"another spelling", "members, white space and escapes spelled otherwise", [chance = d.split()](draft& r) {
                r.text.push_back([chance](std::string& text, expectation&) mutable {
                    if (auto const v = json::parse(text)) text = respelled(*v, chance);
                });
            }};
}

/// Changes the object at `pointer` of a signed body.
mutation after_signing(std::string kind, std::string pointer, std::function<void(json::object&)> change) {
    return {std::move(kind), "changed after signing", [pointer = std::move(pointer), change = std::move(change)](draft& r) {
                r.after_signing.push_back([=](json::object& o) {
                    json::value all = o;
                    boost::json::error_code ec;
                    auto* const there = pointer.empty() ? &all : all.find_pointer(pointer, ec);
                    if (!there || !there->is_object()) return;
                    change(there->get_object());
                    o = all.get_object();
                });
                r.told.at_least(demand::refused, "it is not what was signed");
            }};
}

/// Replaces a text in the body as it goes out.
mutation after_writing(std::string kind, std::string from, std::string to, demand wanted, std::string because) {
    auto detail = from + " as " + to;
    return {std::move(kind), std::move(detail), [=](draft& r) {
                r.text.push_back([=](std::string& text, expectation& e) {
                    auto const at = text.find(from);
                    if (at == std::string::npos) return;
                    text.replace(at, from.size(), to);
                    e.at_least(wanted, because);
                });
            }};
}

/// What is nearly the JSON value that was signed, and is not.
std::vector<mutation> near_misses(std::string const& object, std::string const& text, std::string const& other_text) {
    auto const member = [=](std::string kind, auto change) { return after_signing(std::move(kind), object, [=](json::object& o) { change(o, text); }); };
    std::vector<mutation> out;
    auto const retold = [&](std::string kind, std::function<std::string(std::string)> change) {
        out.push_back(after_signing(std::move(kind), object, [=](json::object& o) { o[text] = change(std::string{json::view(o.at(text).as_string())}); }));
    };
    retold("case of a letter", [](std::string t) {
        for (auto& c : t)
            if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return c = static_cast<char>(c ^ 0x20), t;
        return t + "a";
    });
    retold("space at the end", [](std::string t) { return t + " "; });
    retold("zero-width space at the end", [](std::string t) { return t + "\xE2\x80\x8B"; });
    retold("NUL at the end", [](std::string t) { return t + std::string(1, '\0'); });
    retold("lookalike letter", [](std::string t) {
        auto const at = t.find_first_of("aceo");
        return at == std::string::npos ? t + "\xD0\xB0" : t.replace(at, 1, "\xD0\xB0");
    });
    retold("normalized otherwise", [](std::string t) {
        auto const at = t.find("\xC3\xA9");
        return at == std::string::npos ? "e\xCC\x81" + t : t.replace(at, 2, "e\xCC\x81");
    });
    retold("escape taken literally", [](std::string t) { return t + "\\u0020"; });
    out.push_back(member("null member added", [](json::object& o, std::string const&) { o["x-null"] = nullptr; }));
    out.push_back(member("empty member added", [](json::object& o, std::string const&) { o[""] = json::array{}; }));
    out.push_back(member("member gone", [=](json::object& o, std::string const&) { o.erase(other_text); }));
    out.push_back(member("member renamed", [=](json::object& o, std::string const& name) {
        auto v = o.at(name);
        o.erase(name);
        o[name + " "] = v;
    }));
    out.push_back(member("two values swapped", [=](json::object& o, std::string const& name) {
        auto a = o.at(name), b = o.at(other_text);
        o[name] = b, o[other_text] = a;
    }));
    out.push_back(member("member added", [](json::object& o, std::string const&) { o["x-signature"] = "x"; }));
    return out;
}

void hostile_spellings(scenario& s) {
    driver to{s, share(s)};
    cast const all{to};
    auto& d = to.chance();
    subject const push = push_of(all), registration = registration_of(all), write = write_of(all);
    for (auto const* of : {&push, &registration, &write}) to.control(*of);

    auto of_push = near_misses("/conversations/1/messages/1", "content", "role");
    for (auto const& more : {near_misses("/conversations/0", "title", "source_backend"), near_misses("", "sync_id", "timestamp")}) of_push.insert(of_push.end(), more.begin(), more.end());
    of_push.push_back(after_signing("order of an array", "/conversations/1", [](json::object& o) { std::swap(o.at("messages").as_array()[0], o.at("messages").as_array()[1]); }));
    of_push.push_back(after_signing("order of an array", "/conversations/0", [](json::object& o) { o["surfaces"] = json::array{"ios", "web"}; }));
    of_push.push_back(after_signing("boolean as a number", "/conversations/0", [](json::object& o) { o["deleted"] = 0; }));
    for (auto const* literal : {"0.0", "0e0", "-0", "0E0", "00", "-0.0", "\"0\"", "false", "null", "+0", "0x0"})
        of_push.push_back(after_writing("number spelled otherwise", "\"zero\":0", std::string{"\"zero\":"} + literal, demand::refused, "the spelling of a number decides"));
    for (auto const* literal : {"3.0", "3e0", "30e-1", "0.3e1", "03", "3.", "+3"})
        of_push.push_back(after_writing("number spelled otherwise", "\"version\":3", std::string{"\"version\":"} + literal, demand::refused, "the spelling of a number decides"));
    of_push.push_back(after_writing("the same member twice", "\"version\":3", "\"version\":3,\"version\":3", demand::refused, "a name stands twice"));
    of_push.push_back(after_writing("the same member twice", "\"zero\":0", "\"zero\":0,\"z\\u0065ro\":0", demand::refused, "a name stands twice"));
    of_push.push_back(after_writing("byte order mark", "{\"sync_id\"", "\xEF\xBB\xBF{\"sync_id\"", demand::open, ""));

    auto const of_token = near_misses("/sbt", "session_id", "created_at");
    while (to.time_left()) {
        switch (d.below(8)) {
            case 0: case 1: to.attempt(push, {another_spelling(d)}); break;
            case 2: to.attempt(registration, {another_spelling(d)}); break;
            case 3: to.attempt(write, {another_spelling(d)}); break;
            case 4: to.attempt(registration, {d.of(of_token)}); break;
            case 5: to.attempt(d.one_in(2) ? push : d.one_in(2) ? registration : write, {spoilt_text(d)}); break;
            default: to.attempt(push, {d.of(of_push)});
        }
    }
    to.conclude("spellings of JSON met what the specification says");
}

// ---- signatures and tokens ----------------------------------------------------------------------------------

using text_change = std::function<std::string(std::string, dice&)>;

/// Ways in which an encoded signature can be wrong. `open`: non-canonical bits at its end.
struct encoding_change {
    char const* kind;
    text_change change;
    demand wanted = demand::refused;
};

constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::vector<encoding_change> const& changes_of_encoding() {
    static std::vector<encoding_change> const all{
        {"character changed", [](std::string t, dice& d) {
             auto& c = t[d.below(t.size() * 3 / 4)];
             c = c == 'A' ? 'B' : 'A';
             return t;
         }},
        {"first character dropped", [](std::string t, dice&) { return t.substr(1); }},
        {"truncated", [](std::string t, dice& d) { return t.substr(0, d.below(t.size())); }},
        {"extended", [](std::string t, dice& d) { return t + std::string(1 + d.below(8), 'A'); }},
        {"twice", [](std::string t, dice&) { return t + t; }},
        {"reversed", [](std::string t, dice&) { return std::string{t.rbegin(), t.rend()}; }},
        {"empty", [](std::string, dice&) { return std::string{}; }},
        {"blank", [](std::string t, dice&) { return std::string(t.size(), ' '); }},
        {"zeros", [](std::string t, dice&) { return std::string(t.size(), 'A'); }},
        {"space within", [](std::string t, dice& d) { return t.insert(1 + d.below(t.size() - 1), " "); }},
        {"line feed at the end", [](std::string t, dice&) { return t + "\n"; }},
        {"NUL within", [](std::string t, dice& d) { return t.insert(1 + d.below(t.size() - 1), 1, '\0'); }},
        {"letter beyond ASCII", [](std::string t, dice& d) { return t.insert(d.below(t.size()), "\xC3\xA9"); }},
        {"foreign character", [](std::string t, dice& d) { return t.insert(d.below(t.size()), "!"); }},
        {"quite long", [](std::string t, dice&) { return t + std::string(5'000, 'A'); }},
    };
    return all;
}

/// Turns the unused bits of the last character of base64 (either alphabet) on.
std::string with_odd_tail(std::string t) {
    auto const last = t.find_last_not_of('=');
    if (last == std::string::npos) return t;
    auto const value = base64.find(t[last]);
    if (value != std::string_view::npos) t[last] = base64[value | 1];
    return t;
}

mutation signature_changed(std::string kind, std::string pointer, text_change change, demand wanted, dice& d) {
    return {kind, "signature: " + kind, [=, chance = d.split()](draft& r) {
                r.after_signing.push_back([=](json::object& o) {
                    auto luck = chance;
                    auto& owner = pointer.empty() ? o : o.at(pointer).as_object();
                    owner["signature"] = change(std::string{json::view(owner.at("signature").as_string())}, luck);
                });
                r.told.at_least(wanted, "its signature is not the one that was made");
            }};
}

std::vector<std::string> parts_of(std::string const& compact) {
    std::vector<std::string> out{""};
    for (char c : compact)
        if (c == '.') out.emplace_back();
        else out.back() += c;
    return out;
}

std::string joined(std::vector<std::string> const& parts) {
    std::string out;
    for (auto const& p : parts) out += (&p == &parts.front() ? "" : ".") + p;
    return out;
}

std::string encoded(json::object const& o) { return to_base64url(as_bytes(boost::json::serialize(o))); }

mutation assertion_changed(std::string kind, std::function<std::string(std::vector<std::string>, dice&)> change, demand wanted, dice& d) {
    return {kind, "assertion: " + kind, [=, chance = d.split()](draft& r) {
                r.credential.assertion = [=](std::string& compact) {
                    auto luck = chance;
                    compact = change(parts_of(compact), luck);
                };
                r.told.at_least(wanted, "its credential is not valid");
            }};
}

mutation claims_changed(std::string kind, std::string detail, edit header, edit claims) {
    return {std::move(kind), std::move(detail), [=](draft& r) {
                r.credential.header = header;
                r.credential.claims = claims;
                r.told.at_least(demand::refused, "its credential is not valid");
            }};
}

/// Everything that can be wrong with the assertion of `own`, by somebody who has the key and by somebody who has not.
std::vector<mutation> wrong_assertions(cast const& all, bool by_peer, std::string const& used_jti, dice& d) {
    std::vector<mutation> out;
    for (auto const& c : changes_of_encoding())
        for (std::size_t part = 0; part < 3; ++part) {
            if (part == 2 && std::string_view{c.kind} == "line feed at the end") continue;  // white space at the end of a field is no part of it
            out.push_back(assertion_changed(c.kind, [=, &c](std::vector<std::string> p, dice& luck) {
                p[part] = c.change(p[part], luck);
                // A header field cannot carry these.
                for (auto& one : p) std::replace_if(one.begin(), one.end(), [](char ch) { return ch == '\n' || ch == '\0'; }, '\t');
                return joined(p);
            }, c.wanted, d));
        }
    auto const jws = [&](std::string kind, auto change, demand wanted = demand::refused) { out.push_back(assertion_changed(std::move(kind), change, wanted, d)); };
    jws("odd tail", [](std::vector<std::string> p, dice&) { return p[2] = with_odd_tail(p[2]), joined(p); }, demand::open);
    jws("padding", [](std::vector<std::string> p, dice&) { return joined(p) + "=="; });
    jws("parts swapped", [](std::vector<std::string> p, dice&) { return p[1] + '.' + p[0] + '.' + p[2]; });
    jws("no signature", [](std::vector<std::string> p, dice&) { return p[0] + '.' + p[1]; });
    jws("open end", [](std::vector<std::string> p, dice&) { return p[0] + '.' + p[1] + '.'; });
    jws("four parts", [](std::vector<std::string> p, dice&) { return joined(p) + ".AAAA"; });
    jws("five parts", [](std::vector<std::string> p, dice&) { return p[0] + ".." + p[1] + '.' + p[2] + ".AAAA"; });
    jws("only dots", [](std::vector<std::string>, dice&) { return std::string{".."}; });
    jws("claims that are no JSON", [](std::vector<std::string> p, dice&) { return p[0] + "." + to_base64url(as_bytes(std::string{"{"})) + "." + p[2]; });
    for (auto const* alg : {"none", "None", "HS256", "HS512", "RS256", "PS384", "PS512", "ES256", "EdDSA", "ps256", "", "PS256 "})
        out.push_back(claims_changed("alg", std::string{"alg \""} + alg + "\"", [=](json::object& o) {
            if (by_peer || std::string_view{alg} != "HS256") o["alg"] = alg;
            else o["alg"] = "PS256";
        }, {}));
    // A MAC whose key is what everybody knows: the peer's public key.
    jws("public key as a secret", [pem = all.key->public_key().pem(), by_peer](std::vector<std::string> p, dice&) {
        p[0] = encoded({{"alg", "HS256"}, {"typ", by_peer ? "bsp-peer+jwt" : "bsp-user+jwt"}});
        p[2] = to_base64url(hmac_sha256(pem, p[0] + '.' + p[1]));
        return joined(p);
    });
    jws("unsigned", [by_peer](std::vector<std::string> p, dice&) { return encoded({{"alg", "none"}, {"typ", by_peer ? "bsp-peer+jwt" : "bsp-user+jwt"}}) + '.' + p[1] + '.'; });
    for (auto const* typ : {"JWT", "", "bsp-key-rotation", "bsp-challenge"}) out.push_back(claims_changed("typ", std::string{"typ \""} + typ + "\"", [=](json::object& o) { o["typ"] = typ; }, {}));
    out.push_back(claims_changed("typ", "typ of the other kind", [=](json::object& o) { o["typ"] = by_peer ? "bsp-user+jwt" : "bsp-peer+jwt"; }, {}));
    out.push_back(claims_changed("crit", "crit [\"x\"]", [](json::object& o) { o["crit"] = json::array{"x"}, o["x"] = 1; }, {}));

    json::value const wrong[] = {nullptr, true, 1, -1, 4.5, json::value(""), json::value("x"), json::array{}, json::object{}, json::value(std::string(5'000, 'x'))};
    for (auto const* claim : {"iss", "sub", "aud", "iat", "exp", "htm", "htu"}) {
        for (auto const& v : wrong) out.push_back(claims_changed("claim", std::string{claim} + ' ' + boost::json::serialize(v).substr(0, 40), {}, [=](json::object& o) { o[claim] = v; }));
        if (by_peer || std::string_view{claim} != "iss")  // which a user need not send
            out.push_back(claims_changed("claim", std::string{"without "} + claim, {}, [=](json::object& o) { o.erase(claim); }));
        if (std::string_view{claim} != "iat" && std::string_view{claim} != "exp")
            out.push_back(claims_changed("claim", std::string{claim} + " in an array", {}, [=](json::object& o) { o[claim] = json::array{o.at(claim)}; }));
    }
    for (auto const& v : {json::value(nullptr), json::value(1), json::value(""), json::value("a b"), json::value(std::string(129, 'x')), json::value(json::array{})})
        out.push_back(claims_changed("claim", "jti " + boost::json::serialize(v).substr(0, 40), {}, [=](json::object& o) { o["jti"] = v; }));
    out.push_back(claims_changed("replay", "a jti that was used before", {}, [=](json::object& o) { o["jti"] = used_jti; }));
    for (std::int64_t const n : {std::int64_t{9'007'199'254'740'992}, INT64_MAX, INT64_MIN}) {
        out.push_back(claims_changed("claim", "exp " + std::to_string(n), {}, [=](json::object& o) { o["exp"] = n; }));
        out.push_back(claims_changed("claim", "iat " + std::to_string(n), {}, [=](json::object& o) { o["iat"] = n; }));
        out.push_back(claims_changed("claim", "iat and exp " + std::to_string(n), {}, [=](json::object& o) { o["iat"] = n, o["exp"] = n; }));
    }
    auto const field = [&](std::string kind, std::function<void(http_request&)> change, demand wanted = demand::refused) {
        out.push_back({kind, "Authorization: " + kind, [=](draft& r) {
                           r.request.push_back(change);
                           r.told.at_least(wanted, "its credential is not valid");
                       }});
    };
    auto const value_of = [](http_request const& r) {
        auto const* v = r.headers.find("Authorization");
        return v ? *v : std::string{};
    };
    field("other scheme", [=](http_request& r) {
        auto const v = value_of(r);
        r.headers.set("Authorization", (by_peer ? "BSP-User" : "BSP") + v.substr(v.find(' ')));
    });
    field("scheme Bearer", [=](http_request& r) { r.headers.set("Authorization", "Bearer" + value_of(r).substr(value_of(r).find(' '))); });
    field("no scheme", [=](http_request& r) { r.headers.set("Authorization", value_of(r).substr(value_of(r).find(' ') + 1)); });
    field("scheme alone", [=](http_request& r) { r.headers.set("Authorization", by_peer ? "BSP" : "BSP-User"); });
    field("empty", [](http_request& r) { r.headers.set("Authorization", ""); });
    field("very long", [=](http_request& r) { r.headers.set("Authorization", (by_peer ? "BSP " : "BSP-User ") + std::string(6'000, 'A')); });
    field("twice", [=](http_request& r) { r.headers.add("Authorization", value_of(r)); }, demand::open);
    field("other request", [](http_request& r) { r.target += (r.target.find('?') == std::string::npos ? "?x=1" : "&x=1"); });
    return out;
}

void hostile_credentials(scenario& s) {
    driver to{s, share(s)};
    cast const all{to};
    auto& d = to.chance();
    subject const push = push_of(all), registration = registration_of(all);
    subject const pull = reading(all, all.a, "GET /sync/{peer_id}", "GET", [&] { return "/sync/" + all.a.peer_id() + "?limit=1"; });
    subject const list = reading(all, all.user, "GET /conversations", "GET", [] { return std::string{"/conversations?limit=1"}; });
    for (auto const* of : {&push, &registration, &pull, &list}) to.control(*of);
    auto const used = s.fresh("jti");
    for (auto const* by : {static_cast<caller const*>(&all.a), &all.user}) {
        auto const x = by->get(by == &all.user ? "/conversations?limit=1" : "/sync/" + all.a.peer_id() + "?limit=1", {.claims = [&](json::object& o) { o["jti"] = used; }});
        s.control(x, "a request with a jti of its own");
    }

    struct dealt {
        subject const* of;
        mutation change;
    };
    while (to.time_left()) {
        std::vector<dealt> deck;
        for (auto const& c : changes_of_encoding()) {
            deck.push_back({&push, signature_changed(c.kind, "", c.change, c.wanted, d)});
            deck.push_back({&registration, signature_changed(c.kind, "sbt", c.change, c.wanted, d)});
        }
        deck.push_back({&push, signature_changed("odd tail", "", [](std::string t, dice&) { return with_odd_tail(std::move(t)); }, demand::open, d)});
        deck.push_back({&push, signature_changed("no padding", "", [](std::string t, dice&) { return t.erase(std::min(t.find('='), t.size())); }, demand::refused, d)});
        deck.push_back({&push, signature_changed("much padding", "", [](std::string t, dice&) { return t + "="; }, demand::refused, d)});
        deck.push_back({&push, signature_changed("padding within", "", [](std::string t, dice&) { return t.insert(4, "===="); }, demand::refused, d)});
        deck.push_back({&push, signature_changed("hexadecimal", "", [](std::string t, dice&) { return to_hex(*from_base64(t)); }, demand::refused, d)});
        deck.push_back({&registration, signature_changed("upper case", "sbt", [](std::string t, dice&) {
                            bool changed = false;
                            for (auto& c : t)
                                if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 32), changed = true;
                            return changed ? t : t + "0";
                        }, demand::refused, d)});
        deck.push_back({&registration, signature_changed("base64", "sbt", [](std::string t, dice&) { return to_base64(*from_hex(t)); }, demand::refused, d)});
        struct foreign {
            char const* kind;
            bytes (*sign)(signing_key const&, std::string_view);
        };
        for (auto const& f : {foreign{"PKCS #1", signing_key::sign_pkcs1_sha256}, foreign{"PSS with SHA-1", signing_key::sign_pss_sha1}, foreign{"PSS with SHA-512", signing_key::sign_pss_sha512}})
            deck.push_back({&push, after_signing(f.kind, "", [&all, sign = f.sign](json::object& o) { o["signature"] = to_base64(sign(*all.key, json::canonicalize(o, {"signature"}).value())); })});
        deck.push_back({&push, after_signing("MAC with the public key", "", [&all](json::object& o) {
                            o["signature"] = to_base64(hmac_sha256(all.key->public_key().pem(), json::canonicalize(o, {"signature"}).value()));
                        })});
        for (auto const* secret : {"", "-----BEGIN PRIVATE KEY-----", "secret"})
            deck.push_back({&registration, after_signing("MAC with a known secret", "/sbt", [secret](json::object& o) {
                                o["signature"] = to_hex(hmac_sha256(secret, json::canonicalize(o, {"signature"}).value()));
                            })});
        for (auto const& v : {json::value(nullptr), json::value(true), json::value(0), json::value(json::array{}), json::value(json::object{})}) {
            deck.push_back({&push, after_signing("signature retyped", "", [v](json::object& o) { o["signature"] = v; })});
            deck.push_back({&registration, after_signing("signature retyped", "/sbt", [v](json::object& o) { o["signature"] = v; })});
        }
        for (auto& m : wrong_assertions(all, true, used, d)) deck.push_back({&pull, std::move(m)});
        for (auto& m : wrong_assertions(all, false, used, d)) deck.push_back({&list, std::move(m)});
        d.shuffle(deck);
        for (auto& one : deck) {
            if (!to.time_left()) break;
            to.attempt(*one.of, {std::move(one.change)});
        }
    }
    to.conclude("requests with wrong signatures and credentials met what the specification says");
}

// ---- transport ----------------------------------------------------------------------------------------------

void hostile_transport(scenario& s) {
    driver to{s, share(s)};
    cast const all{to};
    fuzz_transport(all);
    to.conclude("hostile ways to send a request met what the specification says");
}

check const checks[] = {
    {.id = "gen/fuzz-members", .title = "hostile members, paths and queries are refused or accepted as specified, and change nothing else",
     .clauses = {"BSP-GEN-012", "BSP-GEN-013", "BSP-GEN-091", "BSP-GEN-025", "BSP-GEN-027", "BSP-GEN-029", "BSP-GEN-056", "BSP-GEN-057", "BSP-GEN-058", "BSP-SYN-050", "BSP-SYN-051", "BSP-REG-006"},
     .impact = "one odd request takes the backend down, or leaves half of itself behind", .likely_cause = "a member that no test ever filled with nonsense; effects before the last look", .run = hostile_members, .needs = need::alone},
    {.id = "gen/fuzz-spellings", .title = "every spelling of a signed JSON value is accepted, and nothing that is nearly it",
     .clauses = {"BSP-GEN-033", "BSP-GEN-018", "BSP-GEN-020", "BSP-GEN-030", "BSP-GEN-031", "BSP-GEN-034", "BSP-GEN-035", "BSP-GEN-036", "BSP-GEN-012", "BSP-GEN-013", "BSP-GEN-091"},
     .impact = "what one backend signs another refuses, or a text is changed on its way and nobody notices", .likely_cause = "bytes are signed as received, or over a model of one's own", .run = hostile_spellings, .needs = need::alone},
    {.id = "gen/fuzz-credentials", .title = "no signature or credential but the right one is accepted",
     .clauses = {"BSP-GEN-041", "BSP-GEN-042", "BSP-GEN-043", "BSP-GEN-012", "BSP-GEN-013", "BSP-GEN-091", "BSP-AUT-009", "BSP-AUT-023"}, .impact = "somebody acts in another's name",
     .likely_cause = "a lenient decoder, or an algorithm taken from the token", .run = hostile_credentials, .needs = need::alone},
    {.id = "gen/fuzz-transport", .title = "hostile ways to send a request neither stop nor confuse the backend", .clauses = {"BSP-GEN-013", "BSP-GEN-012", "BSP-GEN-009", "BSP-GEN-011", "BSP-GEN-091", "BSP-GEN-001"},
     .impact = "anybody can take the backend down, or smuggle requests past a proxy", .likely_cause = "a server of one's own, or one with its defaults", .run = hostile_transport, .needs = need::sockets | need::alone},
};

}  // namespace

group fuzz_group() { return {"fuzz", profile::fuzz, checks}; }

}  // namespace bsp::conformance
