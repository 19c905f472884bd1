#pragma once

#include "../scenario.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>

#include <cctype>
#include <string>
#include <vector>

/// What checks of peer and of user assertions have in common.
namespace bsp::conformance {

inline exactly_as const invalid_credential{.statuses = {401}, .codes = {"invalid-credential"}};

/// A change to an assertion, in words.
struct forgery {
    std::string what;
    call_options options;
};

inline std::int64_t epoch_seconds(scenario& s, std::int64_t offset) { return s.now().seconds + offset; }

/// `iat` and `exp`, relative to now.
inline edit times(scenario& s, std::int64_t iat, std::int64_t exp) {
    return [from = epoch_seconds(s, iat), to = epoch_seconds(s, exp)](json::object& o) {
        o["iat"] = from;
        o["exp"] = to;
    };
}

/// A peer, and what its assertions guard: a conversation of its user that holds one secret message.
struct guarded {
    peer a;
    std::string conversation, secret;
};

inline guarded prepare(scenario& s) {
    guarded g{s.register_peer(), s.fresh("c"), s.canary()};
    s.control(g.a.push({s.conversation(g.conversation, 1, {s.message("m1", g.secret)})}), "a push");
    return g;
}

/// Each forgery is refused on a read, discloses nothing, and is refused on a write, which has no effect.
inline void each_is_refused(scenario& s, guarded const& g, caller const& who, std::vector<forgery> const& variants, exactly_as const& exact) {
    s.control(who.read(g.conversation), "a read with a correct assertion");
    for (auto const& v : variants) {
        auto const x = who.read(g.conversation, v.options);
        s.refused(x, "a read with " + v.what, exact);
        s.expect(x.bytes().find(g.secret) == std::string::npos, "nothing disclosed to " + v.what, "the content of a message");
        s.refused(who.write(g.conversation, "intruder", {}, v.options), "a write with " + v.what, exact);
    }
    auto const now = who.read(g.conversation);
    s.control(now, "a read with a correct assertion, afterwards");
    s.expect(ids_at(now.body(), "/messages") == std::vector<std::string>{"m1"}, "m1 alone: no refused write had an effect", show(ids_at(now.body(), "/messages")));
}

inline void each_is_accepted(scenario& s, guarded const& g, caller const& who, std::vector<forgery> const& variants) {
    for (auto const& v : variants) s.accepted(who.read(g.conversation, v.options), "a read with " + v.what);
}

/// The signing input of `compact` with another header, signed by nobody.
inline std::string with_header(std::string const& compact, json::object const& header, std::string const& signature) {
    auto const first = compact.find('.'), second = compact.find('.', first + 1);
    return to_base64url(as_bytes(boost::json::serialize(header))) + compact.substr(first, second - first + 1) + signature;
}

inline std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

}  // namespace bsp::conformance
