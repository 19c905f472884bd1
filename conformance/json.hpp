#pragma once

#include <bsp/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Reading answers without fear: every function yields something harmless when the member is not there.
namespace bsp::conformance {

/// The value at a JSON pointer ("/identity/version", "" for the whole), or null.
json::value const* at(json::value const& in, std::string_view pointer);
json::value const* at(json::object const& in, std::string_view pointer);
json::value const* at(json::value&& in, std::string_view pointer) = delete;  // it would point into what is gone
json::value const* at(json::object&& in, std::string_view pointer) = delete;

/// The string at a JSON pointer, or "" when it is absent or no string.
std::string text_at(json::value const& in, std::string_view pointer);

/// The integer at a JSON pointer, or `otherwise` when it is absent or no integer.
std::int64_t integer_at(json::value const& in, std::string_view pointer, std::int64_t otherwise = -1);

/// The objects of the array at a JSON pointer; elements that are not objects are left out.
std::vector<json::object> objects_at(json::value const& in, std::string_view pointer);

/// `member` of every object in the array at `pointer`, in order: ids_at(x, "/messages", "id").
std::vector<std::string> ids_at(json::value const& in, std::string_view pointer, std::string_view member = "id");

/// The object of the array at `pointer` whose `member` is the string `id`, or null.
json::object const* find_by_id(json::value const& in, std::string_view pointer, std::string_view id, std::string_view member = "id");
json::object const* find_by_id(json::object const& in, std::string_view pointer, std::string_view id, std::string_view member = "id");
json::object const* find_by_id(json::value&& in, std::string_view pointer, std::string_view id, std::string_view member = "id") = delete;
json::object const* find_by_id(json::object&& in, std::string_view pointer, std::string_view id, std::string_view member = "id") = delete;

/// Compact text, for people and for comparison by eye; at most `characters` long, cut with "…".
std::string show(json::value const&, std::size_t characters = 300);
std::string show(std::vector<std::string> const&);

/// Equal as JSON values: order of members does not matter, order of elements does; 1 and 1.0 differ.
bool same(json::value const&, json::value const&);

}  // namespace bsp::conformance
