#pragma once

#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/result.hpp>
#include <bsp/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::json {

class elements;

/// Typed access to the members of one object. Nothing is coerced: an integer is a JSON number without
/// fraction and exponent, a boolean is no integer, null is not absence. Every refusal is
/// `invalid_body` and names the JSON Pointer, never the value. What is returned as a view lives as long
/// as the object.
class fields {
public:
    explicit fields(object const& o, std::string pointer = {}) : object_{&o}, pointer_{std::move(pointer)} {}

    /// `v` as an object.
    static result<fields> of(value const& v, std::string pointer = {}) {
        if (object const* o = v.if_object()) return fields{*o, std::move(pointer)};
        return fail(errc::invalid_body, place(pointer) + " must be an object");
    }

    [[nodiscard]] object const& get() const { return *object_; }
    [[nodiscard]] std::string const& pointer() const { return pointer_; }
    [[nodiscard]] value const* find(std::string_view name) const { return object_->if_contains(name); }

    /// The refusal of the member `name`: its JSON Pointer, then `why`.
    [[nodiscard]] error invalid(std::string_view name, std::string_view why) const {
        return fail(errc::invalid_body, place(child(pointer_, name)) + ' ' + std::string{why});
    }

    /// A string of at most `bytes_max` bytes.
    result<std::string_view> required_string(std::string_view name, std::size_t bytes_max = unlimited) const {
        return required(name, optional_string(name, bytes_max));
    }
    result<std::optional<std::string_view>> optional_string(std::string_view name, std::size_t bytes_max = unlimited) const {
        value const* v = find(name);
        if (!v) return std::optional<std::string_view>{};
        string const* s = v->if_string();
        if (!s) return invalid(name, "must be a string");
        if (s->size() > bytes_max) return invalid(name, "must not be longer than " + std::to_string(bytes_max) + " bytes");
        return std::optional{view(*s)};
    }

    /// A string of 1 to `bytes_max` bytes.
    result<std::string_view> required_nonempty_string(std::string_view name, std::size_t bytes_max = unlimited) const {
        BSP_TRY(std::string_view const s, required_string(name, bytes_max));
        if (s.empty()) return invalid(name, "must not be empty");
        return s;
    }

    /// An identifier.
    result<std::string_view> required_identifier(std::string_view name) const { return required(name, optional_identifier(name)); }
    result<std::optional<std::string_view>> optional_identifier(std::string_view name) const {
        BSP_TRY(std::optional<std::string_view> const s, optional_string(name));
        if (s && !is_identifier(*s)) return invalid(name, "must be an identifier: 1 to 128 of A-Z a-z 0-9 . _ : @ ~ -, not . or ..");
        return s;
    }

    /// An RFC 3339 timestamp as BSP reads it.
    result<instant> required_timestamp(std::string_view name) const { return required(name, optional_timestamp(name)); }
    result<std::optional<instant>> optional_timestamp(std::string_view name) const {
        BSP_TRY(std::optional<std::string_view> const s, optional_string(name));
        if (!s) return std::optional<instant>{};
        auto const t = parse_timestamp(*s);
        if (!t) return invalid(name, "is " + t.error().detail);
        return std::optional{*t};
    }

    /// An integer in [`min`, `max`].
    result<std::int64_t> required_integer(std::string_view name, std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                                          std::int64_t max = std::numeric_limits<std::int64_t>::max()) const {
        return required(name, optional_integer(name, min, max));
    }
    result<std::optional<std::int64_t>> optional_integer(std::string_view name, std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                                                         std::int64_t max = std::numeric_limits<std::int64_t>::max()) const {
        value const* v = find(name);
        if (!v) return std::optional<std::int64_t>{};
        if (v->is_uint64()) return invalid(name, "is out of range");  // the parser uses uint64 only above the int64 range
        std::int64_t const* i = v->if_int64();
        if (!i) return invalid(name, "must be an integer");
        if (*i < min || *i > max) return invalid(name, "is out of range");
        return std::optional{*i};
    }

    result<bool> required_boolean(std::string_view name) const { return required(name, optional_boolean(name)); }
    result<std::optional<bool>> optional_boolean(std::string_view name) const {
        value const* v = find(name);
        if (!v) return std::optional<bool>{};
        if (!v->is_bool()) return invalid(name, "must be true or false");
        return std::optional{v->get_bool()};
    }

    result<fields> required_object(std::string_view name) const { return required(name, optional_object(name)); }
    result<std::optional<fields>> optional_object(std::string_view name) const {
        value const* v = find(name);
        if (!v) return std::optional<fields>{};
        BSP_TRY(fields inner, of(*v, child(pointer_, name)));
        return std::optional{std::move(inner)};
    }

    result<elements> required_array(std::string_view name) const;
    result<std::optional<elements>> optional_array(std::string_view name) const;

    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

private:
    friend class elements;

    static std::string place(std::string_view pointer) { return pointer.empty() ? std::string{"the body"} : std::string{pointer}; }

    template <class T>
    result<T> required(std::string_view name, result<std::optional<T>> found) const {
        if (!found) return std::move(found).error();
        if (!*found) return invalid(name, "is required");
        return **std::move(found);
    }

    object const* object_;
    std::string pointer_;
};

/// Typed access to the elements of one array, in the manner of `fields`.
class elements {
public:
    elements(array const& a, std::string pointer) : array_{&a}, pointer_{std::move(pointer)} {}

    [[nodiscard]] array const& get() const { return *array_; }
    [[nodiscard]] std::size_t size() const { return array_->size(); }
    [[nodiscard]] std::string const& pointer() const { return pointer_; }

    result<fields> object_at(std::size_t i) const { return fields::of((*array_)[i], child(pointer_, std::to_string(i))); }

    result<std::string_view> string_at(std::size_t i, std::size_t bytes_max = fields::unlimited) const {
        string const* s = (*array_)[i].if_string();
        if (!s) return invalid(i, "must be a string");
        if (s->size() > bytes_max) return invalid(i, "must not be longer than " + std::to_string(bytes_max) + " bytes");
        return view(*s);
    }

    [[nodiscard]] error invalid(std::size_t i, std::string_view why) const {
        return fail(errc::invalid_body, fields::place(child(pointer_, std::to_string(i))) + ' ' + std::string{why});
    }

private:
    array const* array_;
    std::string pointer_;
};

inline result<std::optional<elements>> fields::optional_array(std::string_view name) const {
    value const* v = find(name);
    if (!v) return std::optional<elements>{};
    array const* a = v->if_array();
    if (!a) return invalid(name, "must be an array");
    return std::optional{elements{*a, child(pointer_, name)}};
}

inline result<elements> fields::required_array(std::string_view name) const { return required(name, optional_array(name)); }

}  // namespace bsp::json
