#include "../signing_key.hpp"
#include "decks.hpp"

#include "../surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

// Chapters 3 and 4: registrations with a session binding token that is nearly valid.

namespace bsp::conformance::battery {
namespace {

/// One registration while it is being made.
struct draw {
    dice& d;
    registration r;
    std::string how = {};
};

class deck {
public:
    deck(siege& to, house& in) : to_{to}, in_{in}, s_{in.world}, own_slot_{s_.identity().backend_type + "_backend_id"}, other_slot_{s_.target_is_hosted() ? "local_backend_id" : "hosted_backend_id"} {}

    void deal() {
        macs();
        moments();
        parties();
        members();
        identities();
    }

private:
    void wrong(std::string what, std::string_view clause, std::function<bool(draw&)> spoil) {
        to_.add(std::move(what), clause, [this, spoil = std::move(spoil)](dice& d) -> std::optional<attempt> {
            draw w{d, somebody()};
            if (!spoil(w)) return std::nullopt;
            if (*w.r.backend_id != in_.a.backend_id()) in_.turned_away.insert(*w.r.backend_id);
            if (!w.r.sbt) w.r.sbt = [](json::object& o) { o["x-more"] = "caf\xC3\xA9 \xF0\x9F\x98\x80"; };
            auto request = s_.registration_request(w.r);
            return attempt{std::move(request), std::move(w.how), "-"};
        });
    }

public:
    /// A backend that nobody knows, with one of a few keys: making one for each would take its time.
    registration somebody() { return s_.settled({.signing_key = keys_[next_++ % keys_.size()]}); }

private:
    static std::string mac_of(json::object const& sbt) { return std::string{json::view(sbt.at("signature").as_string())}; }

    void resigned(draw& w, std::function<std::string(json::object const&)> text) {
        auto const secret = w.r.user->secret;
        w.r.sbt_after_mac = [this, secret, text = std::move(text)](json::object& sbt) { sbt["signature"] = to_hex(s_.seal(secret, text(sbt))); };
    }

    /// A registration that was accepted just now, and unpaired.
    json::object accepted_token() {
        auto const r = somebody();
        auto const body = s_.registration_body(r);
        auto const x = s_.nobody().post("/register-peer", body);
        s_.control(x, "a right registration");
        s_.control(s_.peer_of(x, r).unpair(), "unpairing it");
        return body;
    }

    void macs() {
        wrong("MAC: one digit changed", "BSP-SBT-016", [](draw& w) {
            w.r.sbt_after_mac = [&w](json::object& sbt) {
                auto mac = mac_of(sbt);
                auto const at = w.d.below(mac.size());
                auto const now = "0123456789abcdef"[w.d.below(16)];
                mac[at] = mac[at] == now ? (now == '0' ? '1' : '0') : now;
                sbt["signature"] = mac, w.how = "digit " + std::to_string(at);
            };
            return true;
        });
        wrong("MAC: another form", "BSP-SBT-015", [](draw& w) {
            w.r.sbt_after_mac = [&w](json::object& sbt) {
                auto const mac = mac_of(sbt);
                auto upper = mac;
                std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
                auto const n = 1 + w.d.below(63);
                json::value const forms[] = {json::value(mac.substr(0, n)), json::value(mac.substr(n)), json::value(mac + mac.substr(0, n)), json::value(upper == mac ? mac + "0" : upper), json::value("0x" + mac),
                                             json::value(to_base64(*from_hex(mac))), json::value(""), nullptr, true, json::array{mac}, json::value(mac + '\n'), json::value(' ' + mac)};
                auto const m = w.d.below(std::size(forms) + 1);
                m < std::size(forms) ? (void)(sbt["signature"] = forms[m]) : (void)sbt.erase("signature");
                w.how = m < std::size(forms) ? boost::json::serialize(forms[m]).substr(0, 24) : "absent";
            };
            return true;
        });
        wrong("MAC: under another secret", "BSP-SBT-016", [this](draw& w) {
            auto const secret = w.r.user->secret;
            auto const text = [](std::optional<bytes> const& b) { return b ? std::string{b->begin(), b->end()} : std::string{}; };
            static constexpr std::pair<char, char> prefixes[] = {{'A', 'Y'}, {'Q', 'c'}, {'g', 'g'}, {'w', 'k'}};
            auto const [length, inner] = prefixes[w.d.below(4)];
            std::string const all[] = {nearly(secret, w.d), nearly(secret, w.d), nearly(secret, w.d), "", secret + '\n', to_hex(as_bytes(secret)), to_base64(as_bytes(secret)), text(from_base64url(secret)), text(from_hex(secret)), s_.account().id,
                                       s_.identity().public_key_pem, w.r.signing_key->public_key().pem(),
                                       std::string{"-----BEGIN PRIVATE KEY-----\nMIIEv"} + length + "IBADANBgkqhkiG9w0BAQEFAASCBK" + inner + "w", in_.stranger ? in_.stranger->user().secret : ""};
            auto const n = w.d.below(std::size(all));
            w.r.secret = all[n], w.how = "variant " + std::to_string(n);
            return all[n] != secret;
        });
        wrong("MAC: over other bytes", "BSP-SBT-003", [this](draw& w) {
            resigned(w, [&w](json::object const& sbt) { return other_canonical_form(sbt, {"signature"}, w.d, w.how); });
            return true;
        });
        wrong("MAC: over the six members only", "BSP-SBT-002", [this](draw& w) {
            resigned(w, [](json::object const& sbt) {
                json::object six;
                for (char const* name : {"session_id", "local_backend_id", "hosted_backend_id", "user_id", "created_at", "expires_at"}) six[name] = sbt.at(name);
                return json::canonicalize(six).value();
            });
            w.how = "and not over an unknown one";
            return true;
        });
        wrong("MAC: a hash without a key", "BSP-SBT-016", [](draw& w) {
            bool const before = w.d.one_in(2);
            w.r.sbt_after_mac = [before, secret = w.r.user->secret](json::object& sbt) {
                auto const text = json::canonicalize(sbt, {"signature"}).value();
                sbt["signature"] = to_hex(sha256(before ? secret + text : text + secret));
            };
            w.how = before ? "SHA-256 of secret and text" : "SHA-256 of text and secret";
            return true;
        });
        wrong("MAC: of another token that was accepted", "BSP-SBT-016", [this](draw& w) {
            auto const other = accepted_token().at("sbt").as_object();
            bool const only_its_mac = w.d.one_in(2);
            w.r.sbt_after_mac = [other, only_its_mac, slot = other_slot_](json::object& sbt) {
                auto const own = sbt.at(slot);
                if (!only_its_mac) sbt = other, sbt[slot] = own;
                sbt["signature"] = other.at("signature");
            };
            w.how = only_its_mac ? "its MAC alone" : "all of it but the slot";
            return true;
        });
        wrong("changed after it was authenticated", "BSP-SBT-016", [this](draw& w) {
            w.r.sbt_after_mac = [this, &w](json::object& sbt) { tamper(sbt, {"signature", own_slot_, other_slot_}, w.d, w.how); };
            return true;
        });
        wrong("another backend put in after it was authenticated", "BSP-SBT-016", [this](draw& w) {
            auto const thief = s_.fresh_backend_id();
            in_.turned_away.insert(thief);
            w.r.identity = [thief](json::object& who) { who["backend_id"] = thief; };
            w.r.sbt_after_mac = [this, thief](json::object& sbt) { sbt[other_slot_] = thief; };
            w.how = "in the token and in the identity";
            return true;
        });
    }

    void moments() {
        using std::chrono::seconds;
        auto const some = [](draw& w, std::size_t most) { return static_cast<std::int64_t>(w.d.one_in(2) ? w.d.below(10) : w.d.below(most)); };
        wrong("expired", "BSP-SBT-025", [some](draw& w) {
            w.r.lifetime = seconds{60 + static_cast<std::int64_t>(w.d.below(28'700))};
            auto const ago = 3 + some(w, 100'000);
            w.r.created = -(w.r.lifetime + seconds{ago});
            w.how = std::to_string(ago) + " s ago";
            return true;
        });
        wrong("created in the future", "BSP-SBT-023", [some](draw& w) {
            auto const ahead = 303 + some(w, 28'000);
            w.r.created = seconds{ahead}, w.r.lifetime = seconds{3'600};
            w.how = std::to_string(ahead) + " s ahead";
            return true;
        });
        wrong("lives too long", "BSP-SBT-020", [some](draw& w) {
            w.r.lifetime = seconds{28'861 + some(w, 100'000'000)};
            w.how = std::to_string(w.r.lifetime.count()) + " s";
            return true;
        });
        wrong("ends before it begins", "BSP-SBT-022", [this](draw& w) {
            auto const end = 30 + static_cast<std::int64_t>(w.d.below(200));
            w.r.sbt = [e = s_.in_seconds(end), c = s_.in_seconds(end + static_cast<std::int64_t>(w.d.below(60)))](json::object& o) { o["expires_at"] = e, o["created_at"] = c; };
            w.how = "expires " + std::to_string(end) + " s from now";
            return true;
        });
    }

    void parties() {
        auto const slot_is = [](draw& w, std::string const& slot, std::string text) {
            w.r.sbt = [slot, text](json::object& o) { o[slot] = text; };
            w.how = text;
            return true;
        };
        wrong("for another backend", "BSP-SBT-027", [this, slot_is](draw& w) {
            auto const own = s_.identity().backend_id;
            return slot_is(w, own_slot_, w.d.one_in(3) ? s_.fresh_backend_id(s_.identity().backend_type) : nearly(own, w.d));
        });
        wrong("of another backend than the one that registers", "BSP-SBT-028", [this, slot_is](draw& w) {
            return slot_is(w, other_slot_, w.d.one_in(3) ? s_.fresh_backend_id() : w.d.one_in(3) ? in_.a.backend_id() : nearly(*w.r.backend_id, w.d));
        });
        wrong("an accepted token with another identity", "BSP-SBT-028", [this](draw& w) {
            auto const sbt = accepted_token().at("sbt");
            w.r.body = [sbt](json::object& body) { body["sbt"] = sbt; };
            w.how = "the token of somebody else";
            return true;
        });
        wrong("a backend of the callee's own type", "BSP-SBT-029", [this](draw& w) {
            auto const type = s_.identity().backend_type;
            w.r.backend_type = type, w.r.backend_id = s_.fresh_backend_id(type);
            w.r.sbt = [this, id = *w.r.backend_id](json::object& o) { o[own_slot_] = s_.identity().backend_id, o[other_slot_] = id; };
            w.how = type;
            return true;
        });
        wrong("one backend in both slots", "BSP-SBT-030", [this](draw& w) {
            bool const callee = w.d.one_in(2);
            w.r.sbt = [this, callee, id = *w.r.backend_id](json::object& o) { callee ? o[other_slot_] = s_.identity().backend_id : o[own_slot_] = id; };
            w.how = callee ? "the callee" : "the registering one";
            return true;
        });
        wrong("the fingerprint of another key", "BSP-SBT-032", [this](draw& w) {
            auto const right = to_hex(w.r.signing_key->public_key().sha256());
            auto const other = w.d.one_in(3) ? to_hex(in_.sibling.signing_key()->public_key().sha256()) : one_digit_changed(right, w.d);
            w.r.sbt = [other, member = *w.r.backend_type + "_key_sha256"](json::object& o) { o[member] = other; };
            w.how = other;
            return other != right;
        });
        wrong("the fingerprint of another key of the callee", "BSP-SBT-033", [this](draw& w) {
            auto const key = rsa_public_key::from_pem(s_.identity().public_key_pem);
            if (!key) return false;
            auto const right = to_hex(key->sha256()), other = w.d.one_in(3) ? to_hex(w.r.signing_key->public_key().sha256()) : one_digit_changed(right, w.d);
            w.r.sbt = [other, member = s_.identity().backend_type + "_key_sha256"](json::object& o) { o[member] = other; };
            w.how = other;
            return other != right;
        });
    }

    static std::string one_digit_changed(std::string digits, dice& d) {
        auto& c = digits[d.below(digits.size())];
        c = c == '0' ? '1' : '0';
        return digits;
    }

    void members() {
        wrong("a member missing or of another type", "BSP-SBT-014", [](draw& w) {
            static constexpr char const* names[] = {"session_id", "local_backend_id", "hosted_backend_id", "user_id", "created_at", "expires_at"};
            static json::value const values[] = {nullptr, true, 0, json::array{}, json::object{}, ""};
            std::string const name = names[w.d.below(6)];
            auto const n = w.d.below(7);
            w.r.sbt = [name, n](json::object& o) { n < 6 ? (void)(o[name] = values[n]) : (void)o.erase(name); };
            w.how = name + (n < 6 ? " " + boost::json::serialize(values[n]) : " absent");
            return true;
        });
        wrong("user: anonymous", "BSP-SBT-010", [](draw& w) {
            w.r.user->id = "anonymous";
            if (w.d.one_in(2)) w.r.user->secret = "";
            w.how = w.r.user->secret.empty() ? "under the empty secret" : "under a user's secret";
            return true;
        });
        wrong("user: nobody known here", "BSP-SBT-008", [this](draw& w) {
            w.r.user->id = w.d.one_in(3) ? s_.fresh("nobody") : nearly(w.r.user->id, w.d);
            if (w.d.one_in(3)) w.r.user->secret = "";
            w.how = w.r.user->id;
            auto const& all = s_.shared().options.users;
            return std::none_of(all.begin(), all.end(), [&](auto const& u) { return u.id == w.r.user->id; });
        });
        wrong("user: somebody else", "BSP-SBT-016", [this](draw& w) {
            if (!in_.stranger) return false;
            w.r.user->id = in_.stranger->user().id;
            w.how = "under the own secret";
            return true;
        });
        wrong("a number that has no canonical form", "BSP-GEN-035", [](draw& w) {
            static constexpr char const* spellings[] = {"7.0", "7e0", "70e-1", "0.7e1", "7.00"};
            w.r.sbt = [](json::object& o) { o["x-n"] = 7; };
            w.how = w.d.of(spellings);
            w.r.bytes = [spelled = w.how](std::string text) {
                auto const at = text.find("\"x-n\":7");
                return text.replace(at, 7, "\"x-n\":" + spelled);
            };
            return true;
        });
        wrong("a member twice", "BSP-GEN-020", [](draw& w) {
            w.r.bytes = [&w](std::string text) { return doubled_member(text, w.d, w.how); };
            return true;
        });
    }

    void identities() {
        wrong("a key that is none", "BSP-ID-023", [](draw& w) {
            auto const pem = w.r.signing_key->public_key().pem(), secret = w.r.signing_key->pem();
            auto const n = w.d.below(5);
            std::string const keys[] = {secret, pem.substr(0, pem.size() / 2), pem.substr(pem.find('\n') + 1), "ssh-rsa AAAA", std::string{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}};
            w.r.identity = [key = keys[n]](json::object& who) { who["public_key"] = key; };
            w.how = "form " + std::to_string(n);
            return true;
        });
        wrong("a known backend with another key", "BSP-REG-028", [this](draw& w) {
            w.r.backend_id = in_.a.backend_id();
            w.how = "the key of somebody else";
            return w.r.signing_key->public_key().sha256() != in_.a.signing_key()->public_key().sha256();
        });
        wrong("an unpaired backend with a token from before", "BSP-REG-044", [this](draw& w) {
            w.r.backend_id = in_.gone.backend_id(), w.r.signing_key = in_.gone.signing_key();
            w.r.created = -std::chrono::seconds{30 + static_cast<std::int64_t>(w.d.below(20'000))};
            w.how = "created " + std::to_string(-w.r.created.count() / 1000) + " s ago";
            return true;
        });
    }

    siege& to_;
    house& in_;
    scenario& s_;
    std::string const own_slot_, other_slot_;
    std::array<key, 3> const keys_{s_.key(), s_.key(), s_.key()};
    std::size_t next_ = 0;
};

}  // namespace

void deal_registrations(siege& to, house& in) {
    auto const all = std::make_shared<deck>(to, in);
    all->deal();
    to.between([all, &in] {
        auto& s = in.world;
        auto const r = all->somebody();
        auto const x = s.try_register(r);
        s.control(x, "a right registration");
        s.control(s.peer_of(x, r).unpair(), "unpairing it");
        in.untouched();
    });
}

}  // namespace bsp::conformance::battery
