#pragma once

#include "dice.hpp"

#include "../principals.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bsp::conformance::fuzz {

/// What the specification says of a request; the later, the stronger. `open`: it may be accepted or refused.
enum class demand : std::uint8_t { accepted, open, refused };

/// A demand and the reason for it.
struct expectation {
    demand wanted = demand::accepted;
    std::string because = "it is valid";

    void at_least(demand d, std::string why) {
        if (d > wanted) wanted = d, because = std::move(why);
    }
};

/// A request before it is signed and written down. Mutations work on it.
struct draft {
    std::string method, path = {};            ///< path and query without the target's base path
    std::optional<json::value> body = {};
    call_options credential = {};             ///< of the assertion, where the endpoint takes one
    std::vector<edit> after_signing = {};     ///< of the body, where it is an object
    std::vector<std::function<void(std::string&, expectation&)>> text = {};  ///< of the body as written
    std::vector<std::function<void(http_request&)>> request = {};            ///< last of all
    expectation told = {};                    ///< what the mutations themselves know
    json::value original = {};                ///< the body as it was before any mutation
    std::vector<std::string> named = {};      ///< fresh names in it, of which nothing may exist if it is refused
};

/// One change. `kind` groups findings; `detail` is for people.
struct mutation {
    std::string kind, detail;
    std::function<void(draft&)> apply;
};

/// Where in a JSON value: names of members, and positions of elements in decimal.
using place = std::vector<std::string>;

std::string to_string(place const&);
json::value* find(json::value& in, place const&);  ///< null when there is nothing

/// Every place of `in` that has something, the whole first.
std::vector<place> places_in(json::value const& in);

/// Kinds of change that `change_at` knows.
std::vector<std::string> const& kinds_of_change();

/// A change of kind `kind` at a place of the body, its details drawn now. Does nothing where the place is gone.
mutation change_at(place where, std::string const& kind, dice& d);

/// Takes a member or an element out: what minimising does.
mutation removal_of(place where);

/// The same JSON value in another spelling: order of members, white space, escapes.
std::string respelled(json::value const&, dice& d);

/// A text that trips up careless readers: long, empty, odd characters, injections, extreme timestamps.
std::string odd_text(dice& d);

/// A body's text spoilt so that it is no I-JSON, whatever it was.
mutation spoilt_text(dice& d);

}  // namespace bsp::conformance::fuzz
