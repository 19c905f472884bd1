#include "json.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace bsp::conformance {

json::value const* at(json::value const& in, std::string_view pointer) {
    boost::json::error_code ec;
    return in.find_pointer({pointer.data(), pointer.size()}, ec);
}

json::value const* at(json::object const& in, std::string_view pointer) {
    if (!pointer.starts_with('/')) return nullptr;
    auto const end = std::min(pointer.find('/', 1), pointer.size());
    auto const* member = in.if_contains(pointer.substr(1, end - 1));
    return member && end < pointer.size() ? at(*member, pointer.substr(end)) : member;
}

std::string text_at(json::value const& in, std::string_view pointer) {
    auto const* found = at(in, pointer);
    return found && found->is_string() ? std::string{json::view(found->get_string())} : std::string{};
}

std::int64_t integer_at(json::value const& in, std::string_view pointer, std::int64_t otherwise) {
    auto const* found = at(in, pointer);
    if (found && found->is_int64()) return found->get_int64();
    if (found && found->is_uint64() && found->get_uint64() <= std::uint64_t{INT64_MAX}) return static_cast<std::int64_t>(found->get_uint64());
    return otherwise;
}

std::vector<json::object> objects_at(json::value const& in, std::string_view pointer) {
    std::vector<json::object> out;
    if (auto const* found = at(in, pointer); found && found->is_array())
        for (auto const& element : found->get_array())
            if (element.is_object()) out.push_back(element.get_object());
    return out;
}

std::vector<std::string> ids_at(json::value const& in, std::string_view pointer, std::string_view member) {
    std::vector<std::string> out;
    for (auto const& object : objects_at(in, pointer)) {
        auto const* id = json::find_string(object, member);
        out.emplace_back(id ? json::view(*id) : std::string_view{});
    }
    return out;
}

namespace {

json::object const* element_by_id(json::value const* array, std::string_view id, std::string_view member) {
    if (!array || !array->is_array()) return nullptr;
    for (auto const& element : array->get_array())
        if (auto const* object = element.if_object())
            if (auto const* name = json::find_string(*object, member); name && json::view(*name) == id) return object;
    return nullptr;
}

}  // namespace

json::object const* find_by_id(json::value const& in, std::string_view pointer, std::string_view id, std::string_view member) {
    return element_by_id(at(in, pointer), id, member);
}

json::object const* find_by_id(json::object const& in, std::string_view pointer, std::string_view id, std::string_view member) {
    return element_by_id(at(in, pointer), id, member);
}

std::string show(json::value const& v, std::size_t characters) {
    std::string text = boost::json::serialize(v);
    if (text.size() <= characters) return text;
    while (characters > 0 && (static_cast<unsigned char>(text[characters]) & 0xC0) == 0x80) --characters;  // not inside a character
    return text.substr(0, characters) + "…";
}

std::string show(std::vector<std::string> const& all) {
    std::string out = "[";
    for (auto const& one : all) out += (out.size() > 1 ? ", " : "") + one;
    return out + "]";
}

bool same(json::value const& a, json::value const& b) {
    auto const integer = [](json::value const& v) { return v.is_int64() || v.is_uint64(); };
    if (integer(a) && integer(b)) return a == b;
    if (a.kind() != b.kind()) return false;
    if (a.is_object()) {
        auto const &x = a.get_object(), &y = b.get_object();
        if (x.size() != y.size()) return false;
        for (auto const& member : x) {
            auto const* other = y.if_contains(member.key());
            if (!other || !same(member.value(), *other)) return false;
        }
        return true;
    }
    if (a.is_array()) {
        auto const &x = a.get_array(), &y = b.get_array();
        if (x.size() != y.size()) return false;
        for (std::size_t i = 0; i < x.size(); ++i)
            if (!same(x[i], y[i])) return false;
        return true;
    }
    return a == b;
}

}  // namespace bsp::conformance
