#pragma once

#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

/// A peer that changes its key (chapter 13).
namespace bsp::conformance {

/// How one notice departs from a correct one.
struct notice_options {
    std::optional<std::string> rotated_at = {};  ///< default: now, and later than every notice before
    std::optional<std::string> grace = {};       ///< `grace_expires_at`; default: in an hour
    edit before = {};                            ///< the members, before both keys sign
    edit after = {};                             ///< the whole notice, signed
    key signer = {};                             ///< another key than the current one
    key proof = {};                              ///< another key than the new one
    std::optional<std::string> path = {};        ///< default: of the peer
};

inline exactly_as const no_signature{.statuses = {401}, .codes = {"invalid-signature"}};
inline exactly_as const not_believed{.statuses = {401}};

/// A registered peer at a target that offers rotation, and what keys it has and had.
class rotating {
public:
    explicit rotating(scenario& s, registration r = {}) : world{s}, registered{with_own_key(s, std::move(r))}, a{s.register_peer(registered)}, current{a.signing_key()} {
        auto const x = s.nobody().post(path(), json::object{});
        bool const declared = s.declares("key_rotation");
        bool const absent = x.status() == 404 || x.status() == 405 || x.status() == 501;
        if (absent && !declared) s.not_applicable("the target does not offer key rotation");
        s.expect(!absent, "a target that declares key_rotation serves " + path(), x.describe());
        works(a.signing_key(), "a peer before its rotation");
    }

    [[nodiscard]] std::string path() const { return "/peers/" + a.peer_id() + "/rotate-key"; }

    /// A moment later than that of every notice before, and now for the first.
    [[nodiscard]] std::string next_moment() {
        last_ = last_ ? std::max(world.now(), *last_ + std::chrono::seconds{1}) : world.now();
        return format_timestamp(*last_);
    }

    /// The notice that `next` follows, signed.
    [[nodiscard]] json::object notice(key const& next, notice_options const& o = {}) {
        json::object body{{"typ", "bsp-key-rotation"},
                          {"peer_id", a.peer_id()},
                          {"backend_id", a.backend_id()},
                          {"target_backend_id", world.identity().backend_id},
                          {"new_public_key", next->public_key().pem()},
                          {"rotated_at", o.rotated_at ? *o.rotated_at : next_moment()},
                          {"grace_expires_at", o.grace ? *o.grace : world.in_seconds(3600)}};
        if (o.before) o.before(body);
        seal(body, o.signer ? o.signer : current, o.proof ? o.proof : next);
        if (o.after) o.after(body);
        return body;
    }

    void seal(json::object& body, key const& by, key const& proof) const {
        body.erase("signature"), body.erase("new_key_signature");
        auto const text = json::canonicalize(body).value();
        body["signature"] = to_base64(world.seal(by, text));
        body["new_key_signature"] = to_base64(world.seal(proof, text));
    }

    exchange send(json::object const& notice, std::optional<std::string> const& to = {}) const { return world.nobody().post(to ? *to : path(), json::value(notice), {.who = a.name()}); }
    exchange rotate(key const& next, notice_options const& o = {}) { return send(notice(next, o), o.path); }

    /// A rotation that must succeed for the check to go on; the key before.
    key must_rotate(key const& next, notice_options const& o = {}) {
        auto const x = rotate(next, o);
        world.control(x, "a rotation notice");
        return std::exchange(current, next);
    }

    // ---- what a key is good for -------------------------------------------------------------------------

    exchange push(key const& by) const { return a.push({world.conversation(world.fresh("c"), 1, {world.message("m1", "x")})}, {.signer = by}); }
    exchange pull(key const& by) const { return a.pull({.since = world.in_seconds(3600), .limit = 1}, {.signer = by}); }

    /// INCONCLUSIVE unless pushes and pulls that `by` signs are accepted.
    void works(key const& by, std::string const& what) const {
        world.control(push(by), "a push of " + what);
        world.control(pull(by), "a pull of " + what);
    }
    /// The subject: they are accepted.
    void counts(key const& by, std::string const& what) const {
        world.accepted(push(by), "a push signed with " + what);
        world.accepted(pull(by), "a pull signed with " + what);
        world.accepted(a.get("/conversations?limit=1", {.signer = by}), "GET /conversations signed with " + what);
    }
    /// The subject: they are refused.
    void counts_no_more(key const& by, std::string const& what) const {
        world.refused(push(by), "a push signed with " + what, not_believed);
        world.refused(pull(by), "a pull signed with " + what, not_believed);
        world.refused(a.get("/conversations?limit=1", {.signer = by}), "GET /conversations signed with " + what, not_believed);
    }

    /// A notice is refused, and neither its new key nor anything else has become of it.
    void refuses(std::string const& what, key const& next, json::object const& notice, exactly_as const& form, std::optional<std::string> const& to = {}) const {
        world.refused(send(notice, to), what, form);
        world.refused(push(next), "a push signed with the new key of " + what, not_believed);
        world.accepted(push(current), "after " + what + ", a push signed with the current key");
    }
    void refuses(std::string const& what, key const& next, notice_options const& o, exactly_as const& form) { refuses(what, next, notice(next, o), form, o.path); }

    /// The positive control beside refusals: the same without the fault.
    void then_rotates() {
        must_rotate(world.fresh_key());
        works(current, "the peer with its new key");
    }

    scenario& world;
    registration const registered;  ///< how it was registered, to do it again
    peer const a;
    key current;

private:
    static registration with_own_key(scenario& s, registration r) {
        if (!r.signing_key) r.signing_key = s.fresh_key();
        return s.settled(std::move(r));
    }

    std::optional<instant> last_;  ///< `rotated_at` of the last notice
};

}  // namespace bsp::conformance
