#include "merge.hpp"

#include <bsp/base/instant.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <tuple>

namespace bsp::conformance::model {

namespace {

bool is_true(json::object const& o, std::string_view flag) {
    auto const* value = o.if_contains(flag);
    return value && value->is_bool() && value->as_bool();
}

instant when(json::object const& message) { return parse_timestamp(text_at(message, "/timestamp")).value(); }

}  // namespace

bool less(json::object const& a, json::object const& b) {
    auto const rank = [](json::object const& m) {
        return std::tuple{integer_at(m, "/version"), when(m), !is_true(m, "redacted"), sha256(bsp::json::canonicalize(m).value())};
    };
    return rank(a) < rank(b);
}

void messages::join(json::object const& message) {
    auto const [held, is_new] = by_id_.try_emplace(text_at(message, "/id"), message);
    if (!is_new && less(held->second, message)) held->second = message;
}

std::vector<json::object> messages::live() const {
    std::vector<json::object> out;
    for (auto const& [id, message] : by_id_)
        if (!is_true(message, "deleted")) out.push_back(message);
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return when(a) < when(b); });
    return out;
}

}  // namespace bsp::conformance::model
