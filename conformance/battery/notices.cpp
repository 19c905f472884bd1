#include "../signing_key.hpp"
#include "decks.hpp"

#include "../checks/rotation.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <memory>

// Chapter 13: rotation notices that are nearly valid. The one that is right comes last, for it changes what is right.

namespace bsp::conformance::battery {
namespace {

/// One notice while it is being made.
struct draw {
    dice& d;
    notice_options o = {};
    std::string how = {};
    std::function<std::string(std::string)> bytes = {};
};

class deck {
public:
    deck(siege& to, scenario& s) : to_{to}, s_{s}, r_{s}, sibling_{s.register_peer()}, next_{s.fresh_key()}, outsider_{s.fresh_key()} {
        auto const second = s.fresh_key();
        taken_ = r_.notice(second);
        s.control(r_.send(taken_), "a right notice");
        former_ = std::exchange(r_.current, second);
        deal();
    }

    void serves() const { r_.works(r_.current, "the peer with its current key"); }
    void then_rotates() { r_.then_rotates(); }

private:
    void wrong(std::string what, std::string_view clause, std::function<bool(draw&)> spoil) {
        to_.add(std::move(what), clause, [this, spoil = std::move(spoil)](dice& d) -> std::optional<attempt> {
            draw w{d};
            if (!spoil(w)) return std::nullopt;
            if (!w.o.rotated_at) w.o.rotated_at = s_.in_seconds(5);  // later than the last one that was accepted
            auto text = boost::json::serialize(r_.notice(next_, w.o));
            if (w.bytes) text = w.bytes(std::move(text));
            http_request request{"POST", s_.target_path(w.o.path.value_or(r_.path())), {{"Content-Type", "application/json"}}, std::move(text), {}};
            return attempt{std::move(request), std::move(w.how), r_.a.name()};
        });
    }

    static bsp::bytes octets(json::object const& o, char const* name) { return from_base64(json::view(o.at(name).as_string())).value(); }
    static constexpr char const* members[] = {"signature", "new_key_signature"};
    static std::string canonical(json::object const& o) { return json::canonicalize(o, {"signature", "new_key_signature"}).value(); }

    void deal() {
        for (std::size_t i = 0; i < 2; ++i) {
            std::string const name = members[i], of = i == 0 ? "current key's signature" : "new key's signature";
            std::string_view const clause = i == 0 ? "BSP-ROT-003" : "BSP-ROT-006";
            auto const put = [name](draw& w, std::function<bsp::bytes(json::object const&)> sign) {
                w.o.after = [name, sign = std::move(sign)](json::object& o) { o[name] = to_base64(sign(o)); };
                return true;
            };
            wrong(of + ": one bit flipped", clause, [=](draw& w) { return w.how = name, put(w, [&w, name](json::object const& o) { return flipped(octets(o, name.c_str()), w.d); }); });
            wrong(of + ": other octets", clause, [=](draw& w) { return put(w, [&w, name](json::object const& o) { return spoilt(octets(o, name.c_str()), w.d, w.how); }); });
            wrong(of + ": absent, or no text", clause, [=](draw& w) {
                static json::value const values[] = {nullptr, "", true, json::array{}, json::object{}};
                auto const n = w.d.below(6);
                w.o.after = [n, name](json::object& o) { n < 5 ? (void)(o[name] = values[n]) : (void)o.erase(name); };
                w.how = n < 5 ? boost::json::serialize(values[n]) : "absent";
                return true;
            });
            wrong(of + ": by another key", clause, [=, this](draw& w) {
                std::pair<char const*, key> const keys[] = {{"nobody's", outsider_}, {"another peer's", sibling_.signing_key()}, {"the other one of the two", i == 0 ? next_ : r_.current}};
                auto const& [how, by] = w.d.of(keys);
                (i == 0 ? w.o.signer : w.o.proof) = by, w.how = how;
                return true;
            });
            wrong(of + ": over other bytes", clause, [=, this](draw& w) {
                return put(w, [this, &w, i](json::object const& o) { return s_.seal(i == 0 ? r_.current : next_, other_canonical_form(o, {"signature", "new_key_signature"}, w.d, w.how)); });
            });
            wrong(of + ": also over the other signature", clause, [=, this](draw& w) {
                w.how = name;
                return put(w, [this, i](json::object const& o) { return s_.seal(i == 0 ? r_.current : next_, json::canonicalize(o, {members[i]}).value()); });
            });
            wrong(of + ": of another scheme", clause, [=, this](draw& w) {
                w.how = "PKCS #1 v1.5 or PSS with another hash";
                auto const sign = w.d.one_in(2) ? signing_key::sign_pkcs1_sha256 : w.d.one_in(2) ? signing_key::sign_pss_sha1 : signing_key::sign_pss_sha512;
                return put(w, [this, i, sign](json::object const& o) { return sign(i == 0 ? *r_.current : *next_, canonical(o)); });
            });
        }
        wrong("the two signatures exchanged", "BSP-ROT-003", [](draw& w) {
            w.o.after = [](json::object& o) { std::swap(o.at("signature"), o.at("new_key_signature")); };
            w.how = "each in the other's place";
            return true;
        });
        wrong("signed by a previous key", "BSP-ROT-005", [this](draw& w) {
            w.o.signer = former_, w.how = "in its grace";
            return true;
        });
        wrong("changed after signing", "BSP-ROT-007", [](draw& w) {
            w.o.after = [&w](json::object& o) { tamper(o, {"signature", "new_key_signature", "typ"}, w.d, w.how); };
            return true;
        });
        wrong("another new key after signing", "BSP-ROT-007", [this](draw& w) {
            w.o.after = [this](json::object& o) { o["new_public_key"] = outsider_->public_key().pem(); };
            w.how = "of somebody else";
            return true;
        });
        wrong("typ: another one", "BSP-ROT-009", [](draw& w) {
            auto const typ = w.d.one_in(2) ? nearly("bsp-key-rotation", w.d) : std::string{"bsp-challenge"};
            w.o.before = [typ](json::object& o) { o["typ"] = typ; };
            w.how = '"' + typ + '"';
            return true;
        });
        for (std::string const name : {"peer_id", "backend_id", "target_backend_id"})
            wrong(name + ": another one", "BSP-ROT-010", [this, name](draw& w) {
                auto const other = w.d.one_in(2) ? std::string{} : name == "peer_id" ? sibling_.peer_id() : name == "backend_id" ? sibling_.backend_id() : s_.fresh_backend_id(s_.identity().backend_type);
                w.o.before = [&w, name, other](json::object& o) {
                    w.how = other.empty() ? nearly(std::string{json::view(o.at(name).as_string())}, w.d) : other;
                    o[name] = w.how;
                };
                return true;
            });
        auto const some = [](draw& w) { return static_cast<std::int64_t>(w.d.one_in(2) ? w.d.below(10) : w.d.below(1'000'000)); };
        wrong("signed ahead of time", "BSP-ROT-011", [this, some](draw& w) {
            auto const ahead = 303 + some(w);
            w.o.rotated_at = s_.in_seconds(ahead), w.o.grace = s_.in_seconds(ahead + 60), w.how = std::to_string(ahead) + " s";
            return true;
        });
        wrong("signed too long ago", "BSP-ROT-011", [this, some](draw& w) {
            auto const ago = 303 + some(w);
            w.o.rotated_at = s_.in_seconds(-ago), w.how = std::to_string(ago) + " s";
            return true;
        });
        wrong("no later than the last one", "BSP-ROT-012", [this](draw& w) {
            auto const last = parse_timestamp(json::view(taken_.at("rotated_at").as_string())).value();
            auto const before = std::chrono::milliseconds{w.d.one_in(3) ? 0 : static_cast<std::int64_t>(w.d.below(200'000))};
            w.o.rotated_at = format_timestamp(last + -std::chrono::nanoseconds{before});
            w.how = std::to_string(before.count()) + " ms before it";
            return true;
        });
        wrong("sent again", "BSP-ROT-012", [this](draw& w) {
            w.bytes = [again = boost::json::serialize(taken_)](std::string const&) { return again; };
            w.how = "the one that was accepted";
            return true;
        });
        wrong("a member missing or of another type", "BSP-ROT-002", [](draw& w) {
            static constexpr char const* names[] = {"typ", "peer_id", "backend_id", "target_backend_id", "new_public_key", "rotated_at", "grace_expires_at"};
            static json::value const values[] = {nullptr, true, 0, json::array{}, json::object{}};
            std::string const name = names[w.d.below(7)];
            auto const n = w.d.below(6);
            w.o.before = [name, n](json::object& o) { n < 5 ? (void)(o[name] = values[n]) : (void)o.erase(name); };
            w.how = name + (n < 5 ? " " + boost::json::serialize(values[n]) : " absent");
            return true;
        });
        wrong("a key that is none", "BSP-ROT-013", [this](draw& w) {
            auto const pem = next_->public_key().pem();
            std::string const keys[] = {next_->pem(), pem.substr(0, pem.size() / 2), pem.substr(pem.find('\n') + 1), "ssh-rsa AAAA", ""};
            auto const n = w.d.below(5);
            w.o.before = [key = keys[n]](json::object& o) { o["new_public_key"] = key; };
            w.how = "form " + std::to_string(n);
            return true;
        });
        wrong("on another peer's path", "BSP-ROT-003", [this](draw& w) {
            w.o.path = "/peers/" + sibling_.peer_id() + "/rotate-key";
            w.o.before = [this](json::object& o) { o["peer_id"] = sibling_.peer_id(), o["backend_id"] = sibling_.backend_id(); };
            w.how = "that it names";
            return true;
        });
        wrong("on a path of nobody", "BSP-ROT-016", [this](draw& w) {
            auto const id = nearly(r_.a.peer_id(), w.d);
            w.o.path = "/peers/" + id + "/rotate-key";
            w.o.before = [id](json::object& o) { o["peer_id"] = id; };
            w.how = id;
            return true;
        });
        wrong("a member twice", "BSP-GEN-020", [](draw& w) {
            w.bytes = [&w](std::string const& text) { return doubled_member(text, w.d, w.how); };
            return true;
        });
    }

    siege& to_;
    scenario& s_;
    rotating r_;
    peer const sibling_;
    key const next_, outsider_;
    key former_;
    json::object taken_;  ///< the notice that was accepted
};

}  // namespace

void besiege_rotation(scenario& s) {
    siege to{s, "rotation notices"};
    auto const all = std::make_shared<deck>(to, s);
    to.between([all] { all->serves(); });
    to.run();
    all->then_rotates();
}

void deal_admin_tokens(siege& to, house& in) {
    auto& s = in.world;
    auto const token = s.admin_token();
    auto const wrong = [&](std::string what, std::string_view clause, std::function<std::string(dice&)> value) {
        to.add(std::move(what), clause, [&s, token, value = std::move(value)](dice& d) -> std::optional<attempt> {
            auto const field = value(d);
            if (field == "Bearer " + token) return std::nullopt;
            http_request r{"GET", s.target_path("/peers"), {{"Authorization", field}}, {}, {}};
            return attempt{std::move(r), field.substr(0, 6) + " and " + std::to_string(field.size()) + " characters in all", "admin"};
        });
    };
    wrong("token: nearly the right one", "BSP-AUT-050", [token](dice& d) { return "Bearer " + nearly(token, d); });
    wrong("token: its beginning or end", "BSP-AUT-051", [token](dice& d) {
        auto const n = d.below(token.size());
        return "Bearer " + (d.one_in(2) ? token.substr(0, n) : token.substr(n));
    });
    wrong("token: more than it", "BSP-AUT-051", [token](dice& d) { return "Bearer " + (d.one_in(2) ? token + token.substr(0, 1 + d.below(token.size())) : token + ',' + token); });
    wrong("token: another secret", "BSP-AUT-050", [&s](dice& d) {
        std::string const all[] = {s.account().secret, s.account().id, s.identity().backend_id, "admin", "null", "undefined", "0", "true", "*"};
        return "Bearer " + d.of(all);
    });
    wrong("the token under another scheme", "BSP-AUT-003", [token](dice& d) {
        static constexpr char const* all[] = {"Basic ", "BSP ", "BSP-User ", "Token ", ""};
        return d.of(all) + token;
    });
    to.between([&in] {
        in.world.control(in.world.admin().get("/peers"), "the administrator's list of peers");
        in.untouched();
    });
}

}  // namespace bsp::conformance::battery
