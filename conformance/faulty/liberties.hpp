#pragma once

#include "door.hpp"
#include "observed_backend.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace bsp::faulty {

/// A right backend that does otherwise than its fellows where the clauses leave it free: no check may blame it.
struct liberty {
    std::string_view id;                        ///< permanent: L-GEN-01 …
    std::string_view title;                     ///< what the backend does otherwise
    std::vector<std::string_view> clauses;      ///< that leave it free, or are silent
    maker make;
    setting needs = setting::plain;
    std::vector<std::string_view> advice = {};  ///< checks of a SHOULD that the backend does not follow
    framing door = {};                          ///< how it answers on the wire
};

/// A liberty is a step of `Base` overridden, so that several can be taken at once.
template <template <class> class Otherwise>
liberty takes(std::string_view id, std::string_view title, std::vector<std::string_view> clauses, setting needs = setting::plain, std::vector<std::string_view> advice = {}) {
    return {id, title, std::move(clauses), make<Otherwise<observed_backend>>, needs, std::move(advice)};
}

template <class Base, template <class> class... Otherwise>
struct taking {
    using all = Base;
};
template <class Base, template <class> class First, template <class> class... Rest>
struct taking<Base, First, Rest...> {
    using all = typename taking<First<Base>, Rest...>::all;
};

/// Takes several liberties at once.
template <template <class> class... Otherwise>
liberty takes_all(std::string_view id, std::string_view title, setting needs = setting::plain, std::vector<std::string_view> advice = {}) {
    return {id, title, {}, make<typename taking<observed_backend, Otherwise...>::all>, needs, std::move(advice)};
}

/// None of its own, for a door that takes some.
template <class Base>
struct unchanged : Base {
    using Base::Base;
};

/// Takes the liberties of `l` behind a door that takes some, too.
inline liberty through(framing door, liberty l) {
    l.door = door;
    return l;
}

std::vector<liberty> form_liberties();
std::vector<liberty> trust_liberties();
std::vector<liberty> limit_and_audit_liberties();
std::vector<liberty> feed_liberties();
std::vector<liberty> conversation_liberties();
std::vector<liberty> privacy_liberties();
std::vector<liberty> client_liberties();
std::vector<liberty> client_wire_liberties();
std::vector<liberty> telemetry_liberties();
std::vector<liberty> watching_liberties();

/// Every liberty, in the order of the lists above. Those of no clause take several at once.
std::vector<liberty> const& all_liberties();

}  // namespace bsp::faulty
