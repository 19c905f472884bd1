#include "../signing_key.hpp"
#include "decks.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <memory>

// Section 5.2 and chapter 6: payloads that are nearly authentic.

namespace bsp::conformance::battery {
namespace {

/// One push while it is being made.
struct draw {
    dice& d;
    peer const* by;
    push_options o = {};
    std::string how = {};
};

class deck {
public:
    deck(siege& to, house& in) : to_{to}, in_{in}, s_{in.world}, outsider_{s_.fresh_key()} {}

    void deal() {
        signatures();
        spellings();
        contents();
        audiences();
    }

private:
    void wrong(std::string what, std::string_view clause, std::function<bool(draw&)> spoil) {
        to_.add(std::move(what), clause, [this, spoil = std::move(spoil)](dice& d) -> std::optional<attempt> {
            draw w{d, &in_.a};
            if (!spoil(w)) return std::nullopt;
            auto text = boost::json::serialize(w.by->payload(things(in_.trap, in_.mark()), w.o));
            if (w.o.bytes) text = w.o.bytes(std::move(text));
            http_request r{"POST", s_.target_path(w.o.path.value_or("/sync/" + w.by->peer_id())), {{"Content-Type", "application/json"}}, std::move(text), {}};
            return attempt{std::move(r), std::move(w.how), w.by->name()};
        });
    }

    [[nodiscard]] std::vector<json::object> things(std::string const& conversation, std::string const& message) const {
        auto const more = [](json::object& o) { o["x-more"] = json::object{{"\xC3\xA9t\xC3\xA9", json::array{1, "\xF0\x9F\x98\x80"}}, {"signature", "deep"}}; };
        return {s_.conversation(conversation, 1, {s_.message(message, "caf\xC3\xA9", 1, more), s_.message(message + "b", "x")})};
    }

    /// The payload with another signature: over whatever, by whomever.
    static void signed_otherwise(draw& w, std::function<bytes(json::object const&)> sign) {
        w.o.after_signing = [sign = std::move(sign)](json::object& o) { o["signature"] = to_base64(sign(o)); };
    }
    static std::string canonical(json::object const& o) { return json::canonicalize(o, {"signature"}).value(); }
    static bytes signature_of(json::object const& o) { return from_base64(json::view(o.at("signature").as_string())).value(); }

    /// A payload that was accepted just now.
    json::object accepted_payload(std::optional<std::string> const& sync_id = {}) {
        auto const p = in_.a.payload(things(in_.trace, "t1"), {.sync_id = sync_id});
        s_.control(in_.a.call("POST", "/sync/" + in_.a.peer_id(), boost::json::serialize(p), {.authorization = ""}), "a right push");
        return p;
    }

    void signatures() {
        wrong("signature: one bit flipped", "BSP-AUT-008", [](draw& w) {
            signed_otherwise(w, [&w](json::object const& o) { return flipped(signature_of(o), w.d); });
            w.how = "one bit";
            return true;
        });
        wrong("signature: other octets", "BSP-AUT-008", [](draw& w) {
            signed_otherwise(w, [&w](json::object const& o) { return spoilt(signature_of(o), w.d, w.how); });
            return true;
        });
        wrong("signature: absent, or no text", "BSP-AUT-009", [](draw& w) {
            static json::value const values[] = {nullptr, "", true, 0, json::array{}, json::object{}};
            auto const n = w.d.below(7);
            w.o.after_signing = [n](json::object& o) { n < 6 ? (void)(o["signature"] = values[n]) : (void)o.erase("signature"); };
            w.how = n < 6 ? boost::json::serialize(values[n]) : "absent";
            return true;
        });
        wrong("signature: by another key", "BSP-AUT-008", [this](draw& w) {
            std::vector<std::pair<char const*, key>> keys{{"of another peer of the user", in_.sibling.signing_key()}, {"that is nobody's", outsider_}, {"of a peer that was unpaired", in_.gone.signing_key()}};
            if (in_.stranger) keys.emplace_back("of another user's peer", in_.stranger->signing_key());
            auto const& [how, by] = w.d.of(keys);
            w.o.signer = by, w.how = how;
            return by != in_.a.signing_key();
        });
        wrong("signature: of another scheme", "BSP-GEN-041", [this](draw& w) {
            struct scheme { char const* name; bytes (*sign)(signing_key const&, std::string_view); };
            static constexpr scheme all[] = {{"PKCS #1 v1.5", signing_key::sign_pkcs1_sha256}, {"PSS with SHA-1", signing_key::sign_pss_sha1}, {"PSS with SHA-512", signing_key::sign_pss_sha512}};
            auto const& one = w.d.of(all);
            signed_otherwise(w, [this, one](json::object const& o) { return one.sign(*in_.a.signing_key(), canonical(o)); });
            w.how = one.name;
            return true;
        });
        wrong("a MAC instead", "BSP-GEN-041", [this](draw& w) {
            std::string const secrets[] = {s_.account().secret, in_.a.signing_key()->public_key().pem(), s_.identity().public_key_pem, in_.a.peer_id(), ""};
            auto const n = w.d.below(std::size(secrets));
            signed_otherwise(w, [secret = secrets[n]](json::object const& o) {
                auto const mac = hmac_sha256(secret, canonical(o));
                return bytes{mac.begin(), mac.end()};
            });
            w.how = "secret " + std::to_string(n);
            return true;
        });
        wrong("signature: over other bytes", "BSP-AUT-008", [this](draw& w) {
            signed_otherwise(w, [this, &w](json::object const& o) { return s_.seal(in_.a.signing_key(), other_canonical_form(o, {"signature"}, w.d, w.how)); });
            return true;
        });
        wrong("signature: not over what lies deeper", "BSP-AUT-010", [this](draw& w) {
            signed_otherwise(w, [this](json::object const& o) {
                json::value all = o;
                without_deep_signatures(all);
                return s_.seal(in_.a.signing_key(), canonical(all.get_object()));
            });
            w.how = "members called signature left out everywhere";
            return true;
        });
        wrong("signature: of another push that was accepted", "BSP-AUT-008", [this](draw& w) {
            auto const good = accepted_payload();
            signed_otherwise(w, [good](json::object const&) { return signature_of(good); });
            w.how = "its signature on other content";
            return true;
        });
    }

    static void without_deep_signatures(json::value& v) {
        if (auto* o = v.if_object()) {
            o->erase("signature");
            for (auto& m : *o) without_deep_signatures(m.value());
        } else if (auto* a = v.if_array()) {
            for (auto& one : *a) without_deep_signatures(one);
        }
    }

    void spellings() {
        auto const respelled = [](draw& w, std::function<std::string(std::string)> change) {
            w.o.after_signing = [change = std::move(change)](json::object& o) { o["signature"] = change(std::string{json::view(o.at("signature").as_string())}); };
            return true;
        };
        wrong("base64: a foreign character", "BSP-GEN-042", [respelled](draw& w) {
            return respelled(w, [&w](std::string t) {
                static constexpr std::string_view bad = " \n\t\r!-_.*";
                auto const c = bad[w.d.below(bad.size())];
                w.how = "character " + std::to_string(static_cast<int>(c));
                return w.d.one_in(4) ? t + c : t.insert(w.d.below(t.size() - 2), 1, c);
            });
        });
        wrong("base64: the other alphabet", "BSP-GEN-042", [respelled](draw& w) {
            return respelled(w, [&w](std::string t) {
                auto const before = t;
                std::replace(t.begin(), t.end(), '+', '-'), std::replace(t.begin(), t.end(), '/', '_');
                w.how = "- and _";
                return t == before ? t.insert(1, "-") : t;
            });
        });
        wrong("base64: other padding", "BSP-GEN-043", [respelled](draw& w) {
            return respelled(w, [&w](std::string t) {
                auto const n = w.d.below(4);
                w.how = "form " + std::to_string(n);
                auto const bare = t.substr(0, t.find('='));
                return n == 0 ? bare : n == 1 ? bare + "=" : n == 2 ? t + "=" : t + "==";
            });
        });
        wrong("hexadecimal instead of base64", "BSP-AUT-008", [respelled](draw& w) {
            w.how = "hexadecimal";
            return respelled(w, [](std::string const& t) { return to_hex(*from_base64(t)); });
        });
        wrong("a member twice", "BSP-GEN-020", [](draw& w) {
            w.o.bytes = [&w](std::string const& text) { return doubled_member(text, w.d, w.how); };
            return true;
        });
        wrong("a number that has no canonical form", "BSP-GEN-035", [](draw& w) {
            static constexpr char const* spellings[] = {"1.0", "1e0", "10e-1", "0.1e1", "1.00"};
            w.how = w.d.of(spellings);
            w.o.bytes = [spelled = w.how](std::string text) { return text.replace(text.find("\"version\":1"), 11, "\"version\":" + spelled); };
            return true;
        });
    }

    void contents() {
        wrong("changed after signing", "BSP-AUT-008", [](draw& w) {
            w.o.after_signing = [&w](json::object& o) { tamper(o, {"signature", "peer_id", "source_backend_id", "target_backend_id", "timestamp"}, w.d, w.how); };
            return true;
        });
        wrong("timestamp changed after signing", "BSP-AUT-008", [this](draw& w) {
            w.o.timestamp = s_.in_seconds(-400 - static_cast<std::int64_t>(w.d.below(5'000)));
            w.o.after_signing = [now = s_.at()](json::object& o) { o["timestamp"] = now; };
            w.how = "an old push made fresh";
            return true;
        });
        auto const some = [](draw& w, std::size_t most) { return static_cast<std::int64_t>(w.d.one_in(2) ? w.d.below(10) : w.d.below(most)); };
        wrong("signed too long ago", "BSP-SYN-028", [this, some](draw& w) {
            auto const ago = 303 + some(w, 1'000'000);
            w.o.timestamp = s_.in_seconds(-ago), w.how = std::to_string(ago) + " s";
            return true;
        });
        wrong("signed ahead of time", "BSP-SYN-028", [this, some](draw& w) {
            auto const ahead = 303 + some(w, 1'000'000);
            w.o.timestamp = s_.in_seconds(ahead), w.how = std::to_string(ahead) + " s";
            return true;
        });
        wrong("typ in the payload", "BSP-GEN-046", [](draw& w) {
            static constexpr char const* names[] = {"bsp-key-rotation", "bsp-challenge", "bsp-sync", ""};
            w.how = w.d.of(names);
            w.o.before_signing = [typ = w.how](json::object& o) { o["typ"] = typ; };
            return true;
        });
        wrong("sync_id of another push that was accepted", "BSP-SYN-072", [this](draw& w) {
            w.o.sync_id = s_.fresh("s");
            accepted_payload(w.o.sync_id);
            w.how = "with other conversations";
            return true;
        });
    }

    void audiences() {
        auto const named = [this](std::string what, std::string member, std::string_view clause) {
            wrong(std::move(what), clause, [this, member](draw& w) {
                auto const other = w.d.one_in(3) ? (member == "peer_id" ? in_.sibling.peer_id() : member == "source_backend_id" ? in_.sibling.backend_id() : s_.fresh_backend_id(s_.identity().backend_type)) : std::string{};
                w.o.before_signing = [&w, member, other](json::object& o) {
                    w.how = other.empty() ? nearly(std::string{json::view(o.at(member).as_string())}, w.d) : other;
                    o[member] = w.how;
                };
                return true;
            });
        };
        named("peer_id: another one", "peer_id", "BSP-SYN-034");
        named("target_backend_id: another one", "target_backend_id", "BSP-SYN-035");
        named("source_backend_id: another one", "source_backend_id", "BSP-SYN-036");
        wrong("on another peer's path", "BSP-AUT-014", [this](draw& w) {
            auto const& other = in_.stranger && w.d.one_in(2) ? *in_.stranger : in_.sibling;
            bool const names_it = w.d.one_in(2);
            w.o.path = "/sync/" + other.peer_id();
            w.o.before_signing = [&other, names_it](json::object& o) {
                for (auto const* name : {"peer_id", "source_backend_id"}) o.erase(name);
                if (names_it) o["peer_id"] = other.peer_id(), o["source_backend_id"] = other.backend_id();
            };
            w.how = names_it ? "that it names" : "without naming anybody";
            return other.signing_key() != in_.a.signing_key();
        });
        wrong("on a path of nobody", "BSP-AUT-056", [this](draw& w) {
            auto const path = nearly(in_.a.peer_id(), w.d);
            w.o.path = "/sync/" + path, w.how = path;
            w.o.before_signing = [path](json::object& o) { o["peer_id"] = path; };
            return true;
        });
        wrong("of a peer that was unpaired", "BSP-REG-043", [this](draw& w) {
            w.by = &in_.gone, w.how = "with its own key";
            return true;
        });
    }

    siege& to_;
    house& in_;
    scenario& s_;
    key const outsider_;
};

}  // namespace

void deal_pushes(siege& to, house& in) {
    auto const all = std::make_shared<deck>(to, in);
    all->deal();
    to.between([all, &in] {
        auto& s = in.world;
        s.control(in.a.push({s.conversation(in.trace, 1, {s.message("t", "a resident")})}), "a right push");
        in.untouched();
    });
}

}  // namespace bsp::conformance::battery
