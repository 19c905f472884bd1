#pragma once

#include "../principals.hpp"

#include <string>
#include <utility>

/// Changes to objects on their way, for checks that try many.
namespace bsp::conformance {

/// One way in which something departs from what it should be; `label` appears in the expectation.
struct variant {
    std::string label;
    edit change;
};

template <class T>
edit set(std::string name, T value) {
    return [name = std::move(name), stored = json::value(std::move(value))](json::object& o) { o[name] = stored; };
}

inline edit drop(std::string name) {
    return [name = std::move(name)](json::object& o) { o.erase(name); };
}

inline edit both(edit first, edit second) {
    return [first = std::move(first), second = std::move(second)](json::object& o) {
        first(o);
        second(o);
    };
}

}  // namespace bsp::conformance
